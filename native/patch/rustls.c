#include "rustls.h"

#include "../interposer/text.h"
#include "arm64.h"

static const char NAME[] = "NoKeyLog";

enum { NAMED_WITHIN = 160 }; /* bytes of the method that writes the name */

/* Behind what compilers may put before it. */
static const unsigned char *body(const struct parts *parts, uintptr_t function)
{
    static const unsigned char mark[] = {0xf3, 0x0f, 0x1e, 0xfa};
    const unsigned char *code = locate_at(parts, function, 16, CODE);
    return code && bytes_equal(code, mark, sizeof mark) ? code + sizeof mark : code;
}

static bool does_nothing(const unsigned char *code)
{
    static const unsigned char framed[] = {0x55, 0x48, 0x89, 0xe5, 0x5d, 0xc3};
    return code && (code[0] == 0xc3 || bytes_equal(code, framed, sizeof framed));
}

static bool says_no(const unsigned char *code)
{
    static const unsigned char plain[][3] = {{0x31, 0xc0, 0xc3}, {0x33, 0xc0, 0xc3}};
    static const unsigned char framed[] = {0x55, 0x48, 0x89, 0xe5, 0x31, 0xc0, 0x5d, 0xc3};
    return code && (bytes_equal(code, plain[0], 3) || bytes_equal(code, plain[1], 3) ||
                    bytes_equal(code, framed, sizeof framed));
}

/* Some linkers put constants into the part that is code. */
static bool is_name(const struct parts *parts, uintptr_t text)
{
    const unsigned char *bytes = locate_at(parts, text, sizeof NAME - 1, CONSTANTS);
    bytes = bytes ? bytes : locate_at(parts, text, sizeof NAME - 1, CODE);
    return bytes && bytes_equal(bytes, NAME, sizeof NAME - 1);
}

static bool names_it_arm64(const struct parts *parts, uintptr_t method)
{
    struct arm64_pages pages = {0};
    for (uintptr_t at = method; at < method + NAMED_WITHIN; at += ARM64_INSTRUCTION) {
        const unsigned char *code = locate_at(parts, at, ARM64_INSTRUCTION, CODE);
        if (!code)
            return false;
        const uintptr_t text = arm64_address(&pages, code, at);
        if (text && is_name(parts, text))
            return true;
    }
    return false;
}

/* Whether the method takes the address of the name, as what is to show an object does. */
static bool names_it(const struct parts *parts, uintptr_t method)
{
    for (uintptr_t at = method; at < method + NAMED_WITHIN; at++) {
        const unsigned char *code = locate_at(parts, at, 7, CODE);
        int32_t distance;
        if (!code)
            return false;
        if ((code[0] & 0xfb) != 0x48 || code[1] != 0x8d || (code[2] & 0xc7) != 0x05)
            continue;
        __builtin_memcpy(&distance, code + 3, sizeof distance);
        if (is_name(parts, at + 7 + (uintptr_t)(intptr_t)distance))
            return true;
    }
    return false;
}

/* A table is: what drops an object, its size (0) and alignment (1), then the methods: Debug's, log, will_log. */
static bool is_table(const struct parts *parts, const uintptr_t *table)
{
    if (table[1] != 0 || table[2] != 1)
        return false;
    if (parts->arm64) {
        const unsigned char *log = locate_at(parts, table[4], 16, CODE), *will_log = locate_at(parts, table[5], 16, CODE);
        return log && arm64_does_nothing(log) && will_log && arm64_gives_zero(will_log) && names_it_arm64(parts, table[3]);
    }
    return does_nothing(body(parts, table[4])) && says_no(body(parts, table[5])) &&
           names_it(parts, table[3]);
}

unsigned rustls_find(const struct parts *parts, uintptr_t *found)
{
    enum { WORDS = 6 };
    unsigned count = 0;
    for (unsigned i = 0; i < parts->count; i++) {
        const struct part *part = &parts->list[i];
        const uintptr_t first = (part->address + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
        for (uintptr_t at = first; part->kind != CODE && at + WORDS * sizeof at <= part->address + part->size;
             at += sizeof at) {
            const uintptr_t *table = (const uintptr_t *)(const void *)(part->bytes + (at - part->address));
            if (count < MOST_TABLES && is_table(parts, table))
                found[count++] = at + 4 * sizeof at;
        }
    }
    return count;
}
