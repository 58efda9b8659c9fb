/* OpenSSL (1.1.1, 3.0) makes a line of a key log by sprintf("%02x"), byte by byte: 400 calls a handshake, which took longer
 * than all that we do with the lines. What has just that format is done here; for all else the C library's own function is
 * jumped to, with all registers as they came, since any of them may hold an argument.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "hook.h"

#ifdef __x86_64__

#define NAKED __attribute__((naked))
#define OURS __attribute__((used, visibility("hidden"))) /* named by instructions */

typedef int (*any_function)(void);

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the instructions use them */

/* Not in one place with the others: a library's constructor may call them before all was found, and then they do that
 * first. fxsave keeps the registers that may hold arguments of floating point. */
#define FIRST(name) \
    NAKED static __attribute__((used)) int first_##name(void) \
    { \
        __asm__("pushq %rbp\n" \
                "movq %rsp, %rbp\n" \
                "pushq %rax\n pushq %rdi\n pushq %rsi\n pushq %rdx\n pushq %rcx\n pushq %r8\n pushq %r9\n" \
                "subq $512, %rsp\n" \
                "andq $-16, %rsp\n" \
                "fxsave64 (%rsp)\n" \
                "call hooks_resolve@PLT\n" \
                "fxrstor64 (%rsp)\n" \
                "leaq -56(%rbp), %rsp\n" \
                "popq %r9\n popq %r8\n popq %rcx\n popq %rdx\n popq %rsi\n popq %rdi\n popq %rax\n" \
                "popq %rbp\n" \
                "jmp *real_" #name "(%rip)\n"); \
    } \
    OURS any_function _Atomic real_##name = first_##name;

FIRST(sprintf)
FIRST(__sprintf_chk)

OURS const char hexadecimal_digits[] = "0123456789abcdef";

/* Whether `format`, a register, is "%02x", of which no byte behind its end is read; and whether `value` is a byte. */
#define UNLESS_A_BYTE(format, value) \
    "cmpb $0x25, (%" format ")\n jne 1f\n" \
    "cmpb $0x30, 1(%" format ")\n jne 1f\n" \
    "cmpb $0x32, 2(%" format ")\n jne 1f\n" \
    "cmpb $0x78, 3(%" format ")\n jne 1f\n" \
    "cmpb $0, 4(%" format ")\n jne 1f\n" \
    "cmpl $255, %" value "\n ja 1f\n"

/* To rdi, with the zero behind them. */
#define WRITE(value) \
    "movl %" value ", %eax\n" \
    "movl %" value ", %ecx\n" \
    "shrl $4, %eax\n" \
    "andl $15, %ecx\n" \
    "leaq hexadecimal_digits(%rip), %rsi\n" \
    "movb (%rsi, %rax), %al\n" \
    "movb (%rsi, %rcx), %cl\n" \
    "movb %al, (%rdi)\n" \
    "movb %cl, 1(%rdi)\n" \
    "movb $0, 2(%rdi)\n" \
    "movl $2, %eax\n" \
    "ret\n"

HOOK NAKED int sprintf(char *restrict text, const char *restrict format, ...)
{
    __asm__(UNLESS_A_BYTE("rsi", "edx") WRITE("edx") "1: jmp *real_sprintf(%rip)\n");
}

/* What glibc makes of it where the compiler was to check sizes: the third argument is the room in rdi. */
HOOK NAKED int __sprintf_chk(char *restrict text, int flag, size_t room, const char *restrict format, ...)
{
    __asm__("cmpq $3, %rdx\n jb 1f\n" UNLESS_A_BYTE("rcx", "r8d") WRITE("r8d") "1: jmp *real___sprintf_chk(%rip)\n");
}

static int absent(void)
{
    return -1;
}

static any_function found(const char *name)
{
    const any_function real = (any_function)next_symbol(name);
    return real ? real : absent;
}

void hexadecimal_resolve(void)
{
    atomic_store(&real_sprintf, found("sprintf"));
    atomic_store(&real___sprintf_chk, found("__sprintf_chk"));
}

#else

void hexadecimal_resolve(void)
{
}

#endif
