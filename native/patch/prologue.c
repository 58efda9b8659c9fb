#include "prologue.h"

#include <stdbool.h>
#include <stdint.h>

#include "../interposer/text.h"

size_t prologue_mark(const unsigned char *code)
{
    static const unsigned char endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
    return bytes_equal(code, endbr64, sizeof endbr64) ? sizeof endbr64 : 0;
}

/* The bytes that name registers or memory, and an offset: mod and r/m (Intel's manual, volume 2, table 2-2); 0 for memory
 * whose address depends on where the instruction stands. */
static size_t operand(const unsigned char *at)
{
    enum { WITH_INDEX = 4, BY_PLACE = 5 };
    const unsigned mode = at[0] >> 6, place = at[0] & 7;
    if (mode == 3)
        return 1;
    const size_t index = place == WITH_INDEX;
    if (mode == 0 && (place == BY_PLACE || (index && (at[1] & 7) == BY_PLACE)))
        return 0;
    return 1 + index + (mode == 1 ? 1 : mode == 2 ? 4 : 0);
}

/* The length of one instruction; 0 where it is none that may be moved. */
static size_t instruction(const unsigned char *code)
{
    enum { PADDING = 0x2e, MOST_PADDING = 4 }; /* a prefix that means nothing here, by which assemblers align */
    size_t before = 0;
    while (before < MOST_PADDING && code[before] == PADDING)
        before++;
    const size_t rex = (code[before] & 0xf0) == 0x40;
    const bool wide = rex && code[before] & 8;
    before += rex;
    const unsigned char *at = code + before;
    size_t more = 0;
    if ((at[0] & 0xf0) == 0x50) /* push, pop */
        return before + 1;
    if ((at[0] & 0xf8) == 0xb8) /* mov r32, number; with the width bit of rex the number has 8 bytes */
        return wide ? 0 : before + 5;
    switch (at[0]) {
    case 0x31: case 0x33: /* xor */
    case 0x39: case 0x3b: /* cmp */
    case 0x85:            /* test */
    case 0x89: case 0x8b: /* mov */
    case 0x8d:            /* lea */
        break;
    case 0x83: /* with a number of one byte: add, and, sub, cmp */
        more = 1;
        break;
    case 0x81: /* with one of four */
        more = 4;
        break;
    default:
        return 0;
    }
    const size_t size = operand(at + 1);
    return size ? before + 1 + size + more : 0;
}

/* Whether what may be a jump leads behind the start, and before the end, of what is to be moved. */
static bool leads_into(const unsigned char *code, size_t size, size_t start, size_t end)
{
    for (size_t i = end; i + 6 < size; i++) {
        int32_t far;
        long target = 0;
        __builtin_memcpy(&far, code + i + 2, sizeof far);
        if (code[i] == 0xeb || (code[i] & 0xf0) == 0x70)
            target = (long)i + 2 + (signed char)code[i + 1];
        else if (code[i] == 0x0f && (code[i + 1] & 0xf0) == 0x80)
            target = (long)i + 6 + far;
        if (target > (long)start && target < (long)end)
            return true;
    }
    return false;
}

size_t prologue_movable(const unsigned char *code, size_t size)
{
    const size_t start = prologue_mark(code);
    size_t end = start;
    while (end < start + JUMP) {
        const size_t length = instruction(code + end);
        if (!length)
            return 0;
        end += length;
    }
    return leads_into(code, size, start, end) ? 0 : end - start;
}
