#define _GNU_SOURCE
#include "code.h"

#include <sys/mman.h>

#include "../interposer/kernel.h"
#include "../interposer/text.h"
#include "arm64.h"
#include "prologue.h"

#if defined(__x86_64__) || defined(__aarch64__)

bool code_protect(uintptr_t at, size_t size, int protection)
{
    const uintptr_t page = (uintptr_t)CODE_PAGE - 1, start = at & ~page, end = (at + size + page) & ~page;
    return kernel(SYS_mprotect, start, end - start, protection) == 0;
}

#if defined(__x86_64__)

enum { REACH = 1 << 29 };

/* Sixteen bytes at once, so that nobody ever sees a part of them. */
static bool exchange(void *at, const uint64_t before[2], const uint64_t after[2])
{
    uint64_t low = before[0], high = before[1];
    bool done;
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(done), "+m"(*(unsigned char(*)[16])at), "+a"(low), "+d"(high)
                     : "b"(after[0]), "c"(after[1])
                     : "memory");
    return done;
}

const char *code_jump(uintptr_t at, uintptr_t target, size_t covered)
{
    const uintptr_t start = at & ~(uintptr_t)15;
    const int32_t distance = (int32_t)(target - (at + JUMP));
    union {
        uint64_t words[2];
        unsigned char bytes[16];
    } before, after;
    if (at + covered > start + 16)
        return "its function does not begin where functions do";
    if (!code_protect(start, 16, PROT_READ | PROT_WRITE | PROT_EXEC))
        return "its code cannot be made writable here";
    bytes_copy(&before, (const void *)start, sizeof before);
    after = before;
    after.bytes[at - start] = 0xe9;
    bytes_copy(&after.bytes[at - start + 1], &distance, sizeof distance);
    for (size_t i = JUMP; i < covered; i++)
        after.bytes[at - start + i] = 0x90;
    const bool done = exchange((void *)start, before.words, after.words);
    code_protect(start, 16, PROT_READ | PROT_EXEC);
    return done ? NULL : "somebody else writes to its code";
}

/* Saves what a function may be called with, calls ours, does what stood at the function's start, and goes on behind that.
 * At the start of a function no other register matters, nor do flags. */
bool code_stub(unsigned char *page, code_function *function, const void *patch, const unsigned char *moved,
               size_t covered, uintptr_t back)
{
    static const unsigned char save[] = {
        0x50, 0x51, 0x52, 0x56, 0x57, 0x41, 0x50, 0x41, 0x51, 0x41, 0x52, 0x41, 0x53, /* push rax ... r11 */
        0x49, 0x89, 0xc8,                                                             /* mov r8, rcx */
        0x48, 0x89, 0xd1,                                                             /* mov rcx, rdx */
        0x48, 0x89, 0xf2,                                                             /* mov rdx, rsi */
        0x48, 0x89, 0xfe,                                                             /* mov rsi, rdi */
        0x48, 0xbf,                                                                   /* mov rdi, patch */
    };
    static const unsigned char call[] = {0x48, 0xb8}, called[] = {
        0xff, 0xd0,                                                                   /* mov rax, ...; call rax */
        0x41, 0x5b, 0x41, 0x5a, 0x41, 0x59, 0x41, 0x58, 0x5f, 0x5e, 0x5a, 0x59, 0x58, /* pop r11 ... rax */
    };
    unsigned char *at = page;
#define EMIT(from, size) (bytes_copy(at, from, size), at += (size))
    EMIT(save, sizeof save);
    EMIT(&patch, sizeof patch);
    EMIT(call, sizeof call);
    EMIT(&function, sizeof function);
    EMIT(called, sizeof called);
    EMIT(moved, covered);
    *at++ = 0xe9;
    const int32_t distance = (int32_t)(back - ((uintptr_t)at + sizeof distance));
    EMIT(&distance, sizeof distance);
#undef EMIT
    return true;
}

size_t code_mark(const unsigned char *code)
{
    return prologue_mark(code);
}

size_t code_movable(const unsigned char *code, size_t size)
{
    return prologue_movable(code, size);
}

#else

enum { REACH = 15 << 23 }; /* a jump reaches 16 << 23 */

/* What was written is code: the processor is to read it anew. */
static void written(uintptr_t at, size_t size)
{
    uint64_t lines;
    __asm__("mrs %0, ctr_el0" : "=r"(lines));
    const uintptr_t data = (uintptr_t)4 << (lines >> 16 & 15), code = (uintptr_t)4 << (lines & 15);
    for (uintptr_t line = at & ~(data - 1); line < at + size; line += data)
        __asm__ volatile("dc cvau, %0" : : "r"(line) : "memory");
    __asm__ volatile("dsb ish" : : : "memory");
    for (uintptr_t line = at & ~(code - 1); line < at + size; line += code)
        __asm__ volatile("ic ivau, %0" : : "r"(line) : "memory");
    __asm__ volatile("dsb ish; isb" : : : "memory");
}

/* One instruction, which nobody sees a part of. Where the processor only lets calls by address lead to marked places
 * (bti), it no longer does so in this page. */
const char *code_jump(uintptr_t at, uintptr_t target, size_t covered)
{
    uint32_t jump;
    (void)covered;
    if (!arm64_jump((unsigned char *)&jump, at, target))
        return "there is no room near it";
    if (!code_protect(at, sizeof jump, PROT_READ | PROT_WRITE | PROT_EXEC))
        return "its code cannot be made writable here";
    __atomic_store_n((uint32_t *)at, jump, __ATOMIC_SEQ_CST);
    written(at, sizeof jump);
    code_protect(at, sizeof jump, PROT_READ | PROT_EXEC);
    return NULL;
}

bool code_stub(unsigned char *page, code_function *function, const void *patch, const unsigned char *moved,
               size_t covered, uintptr_t back)
{
    (void)covered;
    const size_t size =
        arm64_stub(page, (uintptr_t)page, (uintptr_t)function, (uintptr_t)patch, moved, back);
    written((uintptr_t)page, size);
    return size != 0;
}

size_t code_mark(const unsigned char *code)
{
    return arm64_mark(code);
}

size_t code_movable(const unsigned char *code, size_t size)
{
    (void)size;
    return arm64_movable(code);
}

#endif

unsigned char *code_page_near(uintptr_t low)
{
    enum { STEP = 1 << 16, TRIES = REACH / STEP, LOWEST = 1 << 16 };
    uintptr_t at = low & ~(uintptr_t)(STEP - 1);
    for (int i = 0; i < TRIES && at >= LOWEST + STEP; i++) {
        at -= STEP;
        const long got = kernel(SYS_mmap, at, CODE_PAGE, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (got == (long)at)
            return (unsigned char *)at;
        if (got > 0 || got < -4095) /* before Linux 4.17 it is put elsewhere */
            kernel(SYS_munmap, got, CODE_PAGE);
    }
    return NULL;
}

#endif
