#include "arm64.h"

#include "../interposer/text.h"

static uint32_t word_at(const unsigned char *code)
{
    uint32_t word;
    __builtin_memcpy(&word, code, sizeof word);
    return word;
}

/* The lowest `bits` of a number, as one with a sign. */
static intptr_t signed_bits(uint32_t number, unsigned bits)
{
    const intptr_t top = (intptr_t)1 << (bits - 1);
    return (intptr_t)(number & (((uint32_t)1 << bits) - 1) & ~(uint32_t)top) - (number >> (bits - 1) & 1 ? top : 0);
}

/* --- what code says -------------------------------------------------------------------------------------------------- */

enum { STACK = 31, NEAR = 64 * ARM64_INSTRUCTION };

static unsigned register_at(uint32_t word, unsigned bit)
{
    return word >> bit & 31;
}

/* adr and adrp, whose number is in two pieces. */
static intptr_t by_place(uint32_t word)
{
    return signed_bits((word >> 5 & 0x7ffff) << 2 | (word >> 29 & 3), 21);
}

static bool is_adr(uint32_t word)
{
    return (word & 0x1f000000) == 0x10000000;
}

/* add x, x, number: of 64 bits, not shifted. */
static bool is_add(uint32_t word)
{
    return (word & 0xffc00000) == 0x91000000;
}

bool arm64_promising(const unsigned char *code)
{
    const uint32_t word = word_at(code);
    return is_adr(word) || is_add(word);
}

uintptr_t arm64_address(struct arm64_pages *pages, const unsigned char *code, uintptr_t here)
{
    const uint32_t word = word_at(code);
    if (is_adr(word)) {
        if (!(word >> 31))
            return here + (uintptr_t)by_place(word);
        pages->page[register_at(word, 0)] = (here & ~(uintptr_t)0xfff) + (uintptr_t)by_place(word) * 0x1000;
        pages->given_at[register_at(word, 0)] = here;
        return 0;
    }
    const unsigned from = register_at(word, 5);
    if (!is_add(word) || !pages->given_at[from] || here - pages->given_at[from] > NEAR)
        return 0;
    return pages->page[from] + (word >> 10 & 0xfff);
}

uintptr_t arm64_target(const unsigned char *code, uintptr_t here)
{
    const uint32_t word = word_at(code);
    if ((word & 0x7c000000) != 0x14000000)
        return 0;
    return here + (uintptr_t)(signed_bits(word, 26) * ARM64_INSTRUCTION);
}

bool arm64_takes(const unsigned char *code, unsigned offset, bool bytes)
{
    const uint32_t word = word_at(code);
    const unsigned number = word >> 10 & 0xfff;
    if (register_at(word, 5) == STACK)
        return false;
    if ((word & 0xffc00000) == 0xf9400000) /* ldr x, [x, number * 8] */
        return number * 8 == offset;
    if (!bytes)
        return false;
    if ((word & 0xffc00000) == 0x3dc00000) /* ldr q, [x, number * 16] */
        return number * 16 == offset;
    if ((word & 0xffc00000) == 0xad400000) /* ldp q, q, [x, number * 16] */
        return (number >> 5 & 0x7f) * 16 == offset;
    return is_add(word) && number == offset;
}

bool arm64_begins_in_go(const unsigned char *code)
{
    static const unsigned char limit[] = {0x90, 0x0b, 0x40, 0xf9}; /* ldr x16, [x28, 16] */
    return bytes_equal(code, limit, sizeof limit);
}

static const unsigned char RETURN[] = {0xc0, 0x03, 0x5f, 0xd6};

bool arm64_does_nothing(const unsigned char *code)
{
    return bytes_equal(code + arm64_mark(code), RETURN, sizeof RETURN);
}

bool arm64_gives_zero(const unsigned char *code)
{
    const uint32_t first = word_at(code + arm64_mark(code));
    const bool zero = first == 0x2a1f03e0 || first == 0x52800000 || first == 0xaa1f03e0; /* mov w0, wzr; w0, 0; x0, xzr */
    return zero && bytes_equal(code + arm64_mark(code) + ARM64_INSTRUCTION, RETURN, sizeof RETURN);
}

/* --- a jump at the start --------------------------------------------------------------------------------------------- */

/* bti c, bti jc, paciasp, pacibsp: where calls by address may lead to. */
size_t arm64_mark(const unsigned char *code)
{
    const uint32_t word = word_at(code);
    const bool mark = word == 0xd503245f || word == 0xd50324df || word == 0xd503233f || word == 0xd503237f;
    return mark ? ARM64_INSTRUCTION : 0;
}

/* What compilers put there, and what does the same wherever it stands: nothing that has to do with its own place, and
 * nothing that leads elsewhere. */
size_t arm64_movable(const unsigned char *code)
{
    static const struct {
        uint32_t mask, value;
    } known[] = {
        {0x3e400000, 0x28000000}, /* stp */
        {0xffc00000, 0xf9400000}, /* ldr x, [x, number] */
        {0xffc00000, 0xb9400000}, /* ldr w, [x, number] */
        {0xffe00c00, 0xf8000c00}, /* str x, [x, number]! */
        {0xffc00000, 0xf9000000}, /* str x, [x, number] */
        {0x1f000000, 0x11000000}, /* add, sub with a number */
        {0x7fe0ffe0, 0x2a0003e0}, /* mov */
        {0x7f800000, 0x52800000}, /* mov with a number */
    };
    const uint32_t word = word_at(code + arm64_mark(code));
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if ((word & known[i].mask) == known[i].value)
            return ARM64_INSTRUCTION;
    return 0;
}

bool arm64_jump(unsigned char *into, uintptr_t at, uintptr_t target)
{
    const intptr_t distance = (intptr_t)(target - at), reach = (intptr_t)1 << 27;
    if (distance < -reach || distance >= reach || distance % ARM64_INSTRUCTION)
        return false;
    const uint32_t word = 0x14000000 | ((uint32_t)(distance / ARM64_INSTRUCTION) & 0x3ffffff);
    bytes_copy(into, &word, sizeof word);
    return true;
}

size_t arm64_stub(unsigned char *into, uintptr_t page, uintptr_t function, uintptr_t patch, const unsigned char *moved,
                  uintptr_t back)
{
    static const uint32_t before[] = {
        0xa9b57bfd,                         /* stp x29, x30, [sp, -176]! */
        0xa90107e0, 0xa9020fe2, 0xa90317e4, /* stp x0, x1, [sp, 16]; x2, x3; x4, x5 */
        0xa9041fe6, 0xa90527e8, 0xa9062fea, /* x6, x7; x8, x9; x10, x11 */
        0xa90737ec, 0xa9083fee, 0xa90947f0, /* x12, x13; x14, x15; x16, x17 */
        0xf90053f2,                         /* str x18, [sp, 160] */
        0x910003fd,                         /* mov x29, sp */
        0xaa0303e4, 0xaa0203e3, 0xaa0103e2, /* mov x4, x3; x3, x2; x2, x1 */
        0xaa0003e1,                         /* mov x1, x0 */
        0x58000200, 0x58000229, 0xd63f0120, /* ldr x0, patch; ldr x9, function; blr x9 */
        0xf94053f2,                         /* ldr x18, [sp, 160] */
        0xa94947f0, 0xa9483fee, 0xa94737ec, /* and all of them back */
        0xa9462fea, 0xa94527e8, 0xa9441fe6, /* */
        0xa94317e4, 0xa9420fe2, 0xa94107e0, /* */
        0xa8cb7bfd,                         /* ldp x29, x30, [sp], 176 */
    };
    enum { CODE = sizeof before, JUMP_AT = CODE + ARM64_INSTRUCTION, PATCH_AT = JUMP_AT + ARM64_INSTRUCTION };
    _Static_assert(PATCH_AT % sizeof(uint64_t) == 0, "the numbers behind it are in their places");
    _Static_assert(PATCH_AT + 2 * sizeof(uint64_t) <= ARM64_STUB, "it has room");
    const uint64_t numbers[] = {patch, function};
    bytes_copy(into, before, sizeof before);
    bytes_copy(into + CODE, moved, ARM64_INSTRUCTION);
    bytes_copy(into + PATCH_AT, numbers, sizeof numbers);
    return arm64_jump(into + JUMP_AT, page + JUMP_AT, back) ? PATCH_AT + sizeof numbers : 0;
}
