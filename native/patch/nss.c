#include "nss.h"

#include "../interposer/text.h"

enum { RETURN = 0xc3, CALL = 0xe8 };

static int32_t number_at(const unsigned char *at)
{
    int32_t number;
    __builtin_memcpy(&number, at, sizeof number);
    return number;
}

/* A function that returns at once, with nothing behind it but what fills up to where the next one begins. */
static bool does_nothing(const struct parts *parts, uintptr_t function)
{
    static const unsigned char fills[][4] = {{0x66, 0x2e, 0x0f, 0x1f}, {0x90, 0x90, 0x90, 0x90}, {0xcc, 0xcc, 0xcc, 0xcc}};
    const unsigned char *code = function % 16 == 0 ? locate_at(parts, function, 16, CODE) : NULL;
    if (!code || code[0] != RETURN)
        return false;
    for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++)
        if (bytes_equal(code + 1, fills[i], sizeof fills[i]))
            return true;
    return false;
}

/* Where the first call leads to behind the place in the code where a label became the second argument; 0: nowhere. */
static uintptr_t called_behind(const struct parts *parts, const struct part *part, size_t offset)
{
    enum { NEAR = 48, SIZE = 5 };
    for (size_t i = offset; i < offset + NEAR && i + SIZE <= part->size; i++) {
        const uintptr_t target = part->address + i + SIZE + (uintptr_t)(intptr_t)number_at(part->bytes + i + 1);
        if (part->bytes[i] == CALL && locate_at(parts, target, 1, CODE))
            return target;
    }
    return 0;
}

static bool is_label(const struct location *found, uintptr_t address)
{
    for (unsigned i = 0; i < found->label_count; i++)
        if (found->labels[i] == address)
            return true;
    return false;
}

/* The one function that does nothing and is called with a label; 0 where there is none, or another one too. */
static uintptr_t find_function(const struct parts *parts, const struct location *found)
{
    enum { SIZE = 7 };
    static const unsigned char second_argument[] = {0x48, 0x8d, 0x35}; /* lea rsi, [rip + ...] */
    uintptr_t function = 0;
    for (unsigned i = 0; i < parts->count; i++) {
        const struct part *part = &parts->list[i];
        for (size_t at = 0; part->kind == CODE && at + SIZE <= part->size; at++) {
            if (!bytes_equal(part->bytes + at, second_argument, sizeof second_argument) ||
                !is_label(found, part->address + at + SIZE + (uintptr_t)(intptr_t)number_at(part->bytes + at + 3)))
                continue;
            const uintptr_t target = called_behind(parts, part, at + SIZE);
            if (!target || !does_nothing(parts, target))
                continue;
            if (function && target != function)
                return 0;
            function = target;
        }
    }
    return function;
}

/* The offset of a load of 16 bytes from memory: movdqu xmm, [register + ...]; 0 where it is another instruction. */
static unsigned loaded_from(const unsigned char *code)
{
    static const unsigned char load[] = {0x0f, 0x6f};
    if (code[0] != 0xf3)
        return 0;
    code += (code[1] & 0xf0) == 0x40 ? 2 : 1; /* a prefix for other registers */
    if (!bytes_equal(code, load, sizeof load) || code[2] >> 6 != 2)
        return 0;
    const int32_t offset = number_at(code + ((code[2] & 7) == 4 ? 4 : 3)); /* behind a byte for an index */
    return offset > 0 && offset < 0x4000 ? (unsigned)offset : 0;
}

/* A key is exported with the client random, and behind it the server's (RFC 5705 section 4): what it copies first. */
static unsigned find_random(const struct parts *parts, uintptr_t exporting)
{
    enum { BODY = 512, LONGEST = 10, HALF = 16 };
    const unsigned char *code = locate_at(parts, exporting, BODY + LONGEST, CODE);
    unsigned first = 0;
    for (size_t i = 0; code && i < BODY; i++) {
        const unsigned offset = loaded_from(code + i);
        if (offset && first)
            return offset == first + HALF ? first : 0;
        first = offset ? offset : first;
    }
    return 0;
}

void nss_find(const struct parts *parts, uintptr_t exporting, struct location *found)
{
    bytes_clear(found, sizeof *found);
    locate_labels(parts, found);
    found->function = parts->arm64 ? 0 : find_function(parts, found);
    found->hops[0] = (unsigned short)(found->function ? find_random(parts, exporting) : 0);
    found->hop_count = 1;
    found->why = !found->function ? "its function for key logs is not to be found"
                 : !found->hops[0] ? "where it keeps the client random is not known"
                                   : NULL;
}
