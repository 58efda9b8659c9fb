/* System calls, made directly: the libc's functions are points of thread cancellation, other preloaded libraries and
 * sanitizers stand in their place, and they need errno, which is the program's. A result below zero is an errno, negated.
 */
#ifndef PLAINWIRE_KERNEL_H
#define PLAINWIRE_KERNEL_H

#ifdef __APPLE__

#include "macos/kernel.h"

#else

#include <sys/syscall.h>

#if defined(__x86_64__)
static inline __attribute__((always_inline)) long kernel_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long fourth __asm__("r10") = d, fifth __asm__("r8") = e, sixth __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static inline __attribute__((always_inline)) long kernel_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long eighth __asm__("x8") = number, first __asm__("x0") = a, second __asm__("x1") = b;
    register long third __asm__("x2") = c, fourth __asm__("x3") = d, fifth __asm__("x4") = e, sixth __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(first)
                     : "r"(eighth), "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(sixth)
                     : "memory");
    return first;
}
#else
#error "how this machine makes a system call is not known here"
#endif

/* kernel(SYS_close, 3): arguments that are not given are 0. */
#define KERNEL_CALL(n, a, b, c, d, e, f, ...) \
    kernel_call((long)(n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define kernel(...) KERNEL_CALL(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#endif

#endif
