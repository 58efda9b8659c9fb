#include "locate.h"

#include "../interposer/text.h"
#include "arm64.h"
#include "secret.h"

enum {
    MOST_CALLED = 96, /* functions that are called near a label */
    NEAR = 96,        /* bytes of code behind a label in which the call is looked for */
    FEWEST_LABELS = 3, /* that lead to the function */
    BODY = 640,       /* bytes of the function in which the way to the client random must be taken */
};

/* --- bytes ---------------------------------------------------------------------------------------------------------- */

static bool same(const unsigned char *one, const unsigned char *other, size_t count)
{
    while (count && *one == *other)
        one++, other++, count--;
    return !count;
}

/* Where bytes next are, from `from` on, in a part. Horspool's search: most bytes are never looked at. */
static const unsigned char *next_bytes(const struct part *part, const unsigned char *from, const char *bytes, size_t count)
{
    unsigned char skip[256];
    const unsigned char *word = (const unsigned char *)bytes, *end = part->bytes + part->size;
    for (size_t i = 0; i < sizeof skip; i++)
        skip[i] = (unsigned char)count;
    for (size_t i = 0; i + 1 < count; i++)
        skip[word[i]] = (unsigned char)(count - 1 - i);
    for (const unsigned char *at = from; (size_t)(end - at) >= count; at += skip[at[count - 1]])
        if (at[count - 1] == word[count - 1] && same(at, word, count))
            return at;
    return NULL;
}

const unsigned char *locate_at(const struct parts *parts, uintptr_t address, size_t count, enum part_kind kind)
{
    for (unsigned i = 0; i < parts->count; i++) {
        const struct part *part = &parts->list[i];
        if (part->kind == kind && address >= part->address && address - part->address < part->size)
            return part->size - (address - part->address) >= count ? part->bytes + (address - part->address) : NULL;
    }
    return NULL;
}

/* Numbers at any place, read as the processor reads them. */
static int32_t number_at(const unsigned char *at)
{
    int32_t number;
    __builtin_memcpy(&number, at, sizeof number);
    return number;
}

static uint64_t word_at(const unsigned char *at)
{
    uint64_t word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

/* Old linkers put constants into the part that is code. */
static bool has_texts(const struct parts *parts, const struct part *part)
{
    for (unsigned i = 0; part->kind == CODE && i < parts->count; i++)
        if (parts->list[i].kind == CONSTANTS)
            return false;
    return part->kind != DATA;
}

const unsigned char *locate_text(const struct parts *parts, const char *text)
{
    const unsigned char *at = NULL;
    for (unsigned i = 0; i < parts->count && !at; i++)
        if (has_texts(parts, &parts->list[i]))
            at = next_bytes(&parts->list[i], parts->list[i].bytes, text, text_length(text));
    return at;
}

/* --- functions ------------------------------------------------------------------------------------------------------- */

static const unsigned char *anywhere(const struct parts *parts, uintptr_t address, size_t count)
{
    const unsigned char *bytes = NULL;
    for (enum part_kind kind = CONSTANTS; kind <= DATA && !bytes; kind++)
        bytes = locate_at(parts, address, count, kind);
    return bytes;
}

/* Whether an address is in the midst of a function, by the tables with which C++ unwinds the stack (LSB, Exception Frames).
 * A compiler that saves bytes (-Os, as Alpine's) jumps to there from several labels at once.
 *
 * .eh_frame_hdr: version and three encodings, where .eh_frame is, how many rows; rows of a function's start and where more
 * of it stands, both relative to the table, by start. There: two words, the start relative to itself, the size. Other encodings
 * than these, which all linkers write, are not read: then nothing is known, as of code that has no row. */
static bool within_function(const struct parts *parts, uintptr_t address)
{
    enum { HEAD = 12, ROW = 8, START = 8, SIZE = 12, MORE = 16 };
    static const unsigned char encodings[] = {1, 0x1b, 0x03, 0x3b};
    const uintptr_t table = parts->unwinding;
    const unsigned char *head = table ? anywhere(parts, table, HEAD) : NULL;
    if (!head || !bytes_equal(head, encodings, sizeof encodings))
        return false;
    uint32_t low = 0, high = (uint32_t)number_at(head + HEAD - 4);
    const unsigned char *rows = high ? anywhere(parts, table + HEAD, (size_t)high * ROW) : NULL;
    if (!rows)
        return false;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        const uintptr_t start = table + (uintptr_t)(intptr_t)number_at(rows + (size_t)middle * ROW);
        *(start <= address ? &low : &high) = middle;
    }
    const uintptr_t start = table + (uintptr_t)(intptr_t)number_at(rows + (size_t)low * ROW);
    const uintptr_t at = table + (uintptr_t)(intptr_t)number_at(rows + (size_t)low * ROW + 4);
    const unsigned char *more = start < address ? anywhere(parts, at, MORE) : NULL;
    return more && at + START + (uintptr_t)(intptr_t)number_at(more + START) == start &&
           address - start < (uint32_t)number_at(more + SIZE);
}

/* --- labels --------------------------------------------------------------------------------------------------------- */

struct texts {
    uintptr_t at[MOST_TEXTS];
    unsigned char label[MOST_TEXTS]; /* its number */
    unsigned count;
    uintptr_t lowest, highest;
};

static void add_text(struct texts *texts, uintptr_t address, unsigned label)
{
    if (texts->count == MOST_TEXTS)
        return;
    texts->lowest = texts->count && texts->lowest < address ? texts->lowest : address;
    texts->highest = texts->count && texts->highest > address ? texts->highest : address;
    texts->at[texts->count] = address;
    texts->label[texts->count++] = (unsigned char)label;
}

/* `ended`: by a zero, as in C. */
static void find_texts(const struct parts *parts, bool ended, struct texts *texts)
{
    for (unsigned label = 0; secret_labels[label]; label++) {
        const size_t count = text_length(secret_labels[label]) + ended;
        for (unsigned i = 0; i < parts->count; i++) {
            const struct part *part = &parts->list[i];
            const unsigned char *at = part->bytes;
            while (has_texts(parts, part) && (at = next_bytes(part, at, secret_labels[label], count)))
                add_text(texts, part->address + (uintptr_t)(at++ - part->bytes), label);
        }
    }
}

/* The number of the label that is at an address; -1 where none is. */
static int label_at(const struct texts *texts, uintptr_t address)
{
    if (address < texts->lowest || address > texts->highest)
        return -1;
    for (unsigned i = 0; i < texts->count; i++)
        if (texts->at[i] == address)
            return texts->label[i];
    return -1;
}

/* --- calls ---------------------------------------------------------------------------------------------------------- */

struct called {
    uintptr_t function[MOST_CALLED];
    unsigned labels[MOST_CALLED]; /* a bit each */
    unsigned count;
};

/* A jump by way of a table, in the section that the linker makes for functions of other objects. */
static bool is_stub(const unsigned char *code)
{
    static const unsigned char mark[] = {0xf3, 0x0f, 0x1e, 0xfa};
    if (bytes_equal(code, mark, sizeof mark))
        code += sizeof mark;
    if (*code == 0xf2)
        code++;
    return code[0] == 0xff && code[1] == 0x25;
}

static void add_called(struct called *called, uintptr_t function, unsigned label)
{
    for (unsigned i = 0; i < called->count; i++)
        if (called->function[i] == function) {
            called->labels[i] |= 1u << label;
            return;
        }
    if (called->count == MOST_CALLED)
        return;
    called->function[called->count] = function;
    called->labels[called->count++] = 1u << label;
}

/* The calls behind the place in the code where a label's address was taken. */
static void follow(const struct parts *parts, const struct part *part, size_t offset, unsigned label,
                   struct called *called)
{
    enum { CALL = 0xe8, JUMP = 0xe9, SIZE = 5 };
    const size_t end = part->size - offset > NEAR + SIZE ? offset + NEAR : part->size - SIZE;
    for (size_t i = offset; i < end; i++) {
        if (part->bytes[i] != CALL && part->bytes[i] != JUMP)
            continue;
        const uintptr_t target = part->address + i + SIZE + (uintptr_t)(intptr_t)number_at(part->bytes + i + 1);
        const unsigned char *code = locate_at(parts, target, 16, CODE);
        if (code && !is_stub(code))
            add_called(called, target, label);
    }
}

/* Where code takes an address, at its start; 0 where it does not. `size`: the instruction's. */
static uintptr_t address_taken(const unsigned char *code, uintptr_t here, bool fixed, size_t *size)
{
    *size = 7;
    if (code[1] == 0x8d && (code[0] & 0xfb) == 0x48 && (code[2] & 0xc7) == 0x05) /* lea r64, [rip + ...] */
        return here + *size + (uintptr_t)(intptr_t)number_at(code + 3);
    *size = 5;
    return fixed && (code[0] & 0xf8) == 0xb8 ? (uint32_t)number_at(code + 1) : 0; /* mov r32, ... */
}

/* Whether one of eight bytes could be of such an instruction: most are not, and need no closer look. */
static bool promising(const unsigned char *code, bool fixed)
{
    const uint64_t each = UINT64_C(0x0101010101010101), high = each << 7;
    const uint64_t word = word_at(code);
    const uint64_t lea = word ^ 0x8d * each, move = (word & 0xf8 * each) ^ 0xb8 * each;
    return ((lea - each) & ~lea & high) || (fixed && ((move - each) & ~move & high));
}

static void find_calls(const struct parts *parts, const struct part *part, const struct texts *texts, struct called *called)
{
    enum { STEP = 8, LONGEST = 7 };
    for (size_t step = 1; step + STEP + LONGEST < part->size; step += STEP) {
        if (!promising(part->bytes + step, parts->fixed))
            continue;
        for (size_t at = step - 1; at < step + STEP; at++) { /* what matters may be an instruction's second byte */
            size_t size;
            const uintptr_t address = address_taken(part->bytes + at, part->address + at, parts->fixed, &size);
            const int label = address ? label_at(texts, address) : -1;
            if (label >= 0)
                follow(parts, part, at + size, (unsigned)label, called);
        }
    }
}

/* Likewise. Its instructions stand in places of their own, and there are too many labels near each other for one call to
 * be looked for any further. */
static void find_calls_arm64(const struct parts *parts, const struct part *part, const struct texts *texts,
                             struct called *called)
{
    struct arm64_pages pages = {0};
    for (size_t i = 0; i + ARM64_INSTRUCTION <= part->size; i += ARM64_INSTRUCTION) {
        if (!arm64_promising(part->bytes + i))
            continue;
        const int label = label_at(texts, arm64_address(&pages, part->bytes + i, part->address + i));
        for (size_t at = i; label >= 0 && at < i + NEAR && at + ARM64_INSTRUCTION <= part->size; at += ARM64_INSTRUCTION) {
            const uintptr_t target = arm64_target(part->bytes + at, part->address + at);
            const unsigned char *code = target ? locate_at(parts, target, 2 * ARM64_INSTRUCTION, CODE) : NULL;
            if (code && arm64_movable(code)) /* not those that lead to other objects */
                add_called(called, target, (unsigned)label);
        }
    }
}

static unsigned bits_in(unsigned word)
{
    unsigned count = 0;
    for (; word; word &= word - 1)
        count++;
    return count;
}

/* --- the client random ---------------------------------------------------------------------------------------------- */

/* Whether code has an operand of memory at `offset` from a register other than the stack's: behind a byte that names the
 * registers (mod 01 with an offset of 1 byte, mod 10 with one of 4), or with a byte for an index between. */
static bool takes(const unsigned char *code, size_t size, unsigned offset)
{
    const bool small = offset < 0x80;
    for (size_t i = 2; i + 4 < size; i++) {
        const unsigned mode = code[i - 1] >> 6, indexed = code[i - 2] >> 6;
        if (small ? code[i] == offset && (mode == 1 || indexed == 1)
                  : (uint32_t)number_at(code + i) == offset && (mode == 2 || indexed == 2))
            return true;
    }
    return false;
}

static bool takes_arm64(const unsigned char *code, size_t size, unsigned offset, bool last)
{
    for (size_t i = 0; i + ARM64_INSTRUCTION <= size; i += ARM64_INSTRUCTION)
        if (arm64_takes(code + i, offset, last))
            return true;
    return false;
}

/* The ways that OpenSSL (3.0 and 3.1; 3.2 and later; 1.1.1) and BoringSSL have. The function itself goes one of them: which
 * that is, is written into `found`. */
static bool find_hops(const struct parts *parts, uintptr_t function, struct location *found)
{
    static const struct {
        unsigned short hops[MOST_HOPS], count;
    } ways[] = {{{0x160}, 1}, {{0x188}, 1}, {{0xa8, 0xb8}, 2}, {{0x30, 0x30}, 2}};
    const unsigned char *code = locate_at(parts, function, BODY, CODE);
    for (size_t i = 0; code && i < sizeof ways / sizeof ways[0]; i++) {
        bool all = true;
        for (unsigned hop = 0; hop < ways[i].count; hop++)
            all = all && (parts->arm64 ? takes_arm64(code, BODY, ways[i].hops[hop], hop + 1U == ways[i].count)
                                       : takes(code, BODY, ways[i].hops[hop]));
        if (!all)
            continue;
        found->hop_count = ways[i].count;
        bytes_copy(found->hops, ways[i].hops, sizeof found->hops);
        return true;
    }
    return false;
}

/* Debian's OpenSSL 3.0 makes of it a function that only puts the client random and its length, 32, among its arguments and
 * jumps to another: one label that leads there is enough. */
static bool hands_on(const unsigned char *code)
{
    static const unsigned char length[] = {0xb9, 0x20, 0, 0, 0}; /* mov ecx, 32 */
    enum { WITHIN = 40 };
    bool counted = false;
    for (size_t i = 0; i < WITHIN; i++) {
        counted = counted || bytes_equal(code + i, length, sizeof length);
        if (code[i] == 0xc3 || code[i] == 0xe8)
            return false;
        if (counted && code[i] == 0xe9)
            return true;
    }
    return false;
}

static unsigned fits_log(const struct parts *parts, uintptr_t function, struct location *found)
{
    if (within_function(parts, function) || !find_hops(parts, function, found))
        return 0;
    return found->hop_count == 1 && !parts->arm64 && hands_on(locate_at(parts, function, BODY, CODE)) ? FEWEST_LABELS : 1;
}

/* A function of Go's that needs more stack than a little begins by looking at how much there is. */
static unsigned is_go(const struct parts *parts, uintptr_t function, struct location *found)
{
    static const unsigned char near[] = {0x4c, 0x8d, 0x64, 0x24}, far[] = {0x4c, 0x8d, 0xa4, 0x24}; /* lea r12, [rsp - ...] */
    static const unsigned char compare[] = {0x4d, 0x3b, 0x66, 0x10};                               /* cmp r12, [r14 + 16] */
    const unsigned char *code = locate_at(parts, function, 16, CODE);
    (void)found;
    if (parts->arm64)
        return code && arm64_begins_in_go(code);
    return code && ((bytes_equal(code, near, 4) && bytes_equal(code + 5, compare, 4)) ||
                    (bytes_equal(code, far, 4) && bytes_equal(code + 8, compare, 4)));
}

/* Of the functions that labels lead to and that fit the one that most do; 0 where that is not one. `fits`: 0 where one does
 * not, else for how many labels its shape counts. */
static uintptr_t choose(const struct parts *parts, const struct called *called,
                        unsigned (*fits)(const struct parts *, uintptr_t, struct location *), struct location *found)
{
    unsigned best = FEWEST_LABELS - 1;
    uintptr_t function = 0;
    for (unsigned i = 0; i < called->count; i++) {
        struct location of = {0};
        const unsigned labels = bits_in(called->labels[i]), shape = labels ? fits(parts, called->function[i], &of) : 0;
        const unsigned count = labels + shape - 1;
        if (!shape || count < FEWEST_LABELS || count < best)
            continue;
        function = count == best ? 0 : called->function[i];
        best = count;
        found->hop_count = of.hop_count;
        bytes_copy(found->hops, of.hops, sizeof found->hops);
    }
    return function;
}

/* Not on the stack, which may be small. */
static struct {
    struct texts texts;
    struct called called;
} work;

static void locate(const struct parts *parts, bool ended, unsigned (*fits)(const struct parts *, uintptr_t, struct location *),
                   struct location *found)
{
    bytes_clear(&work, sizeof work);
    find_texts(parts, ended, &work.texts);
    for (unsigned i = 0; i < parts->count && work.texts.count; i++)
        if (parts->list[i].kind == CODE)
            (parts->arm64 ? find_calls_arm64 : find_calls)(parts, &parts->list[i], &work.texts, &work.called);
    found->function = choose(parts, &work.called, fits, found);
    found->why = found->function ? NULL : "its function for key logs is not to be found";
    found->label_count = work.texts.count;
    bytes_copy(found->labels, work.texts.at, sizeof found->labels);
}

void locate_labels(const struct parts *parts, struct location *found)
{
    bytes_clear(&work, sizeof work);
    find_texts(parts, true, &work.texts);
    found->label_count = work.texts.count;
    bytes_copy(found->labels, work.texts.at, sizeof found->labels);
}

void locate_log(const struct parts *parts, uintptr_t exported, struct location *found)
{
    bytes_clear(found, sizeof *found);
    found->function = exported;
    if (exported) {
        found->why = find_hops(parts, exported, found) ? NULL : "where it keeps the client random is not known";
        return;
    }
    locate(parts, true, fits_log, found);
}

void locate_go(const struct parts *parts, struct location *found)
{
    bytes_clear(found, sizeof *found);
    locate(parts, false, is_go, found);
}

uintptr_t locate_go_calls(const struct parts *parts)
{
    /* mov r10, rsi; mov rdx, rdi; mov rsi, rcx; mov rdi, rbx; syscall; cmp rax, -4095 */
    static const unsigned char code[] = {0x49, 0x89, 0xf2, 0x48, 0x89, 0xfa, 0x48, 0x89, 0xce, 0x48,
                                         0x89, 0xdf, 0x0f, 0x05, 0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff};
    uintptr_t function = 0;
    for (unsigned i = 0; i < parts->count && !parts->arm64; i++) {
        const struct part *part = &parts->list[i];
        for (size_t at = 0; part->kind == CODE && at + sizeof code <= part->size; at += 16) /* as Go's linker aligns them */
            if (bytes_equal(part->bytes + at, code, sizeof code)) {
                if (function)
                    return 0;
                function = part->address + at;
            }
    }
    return function;
}
