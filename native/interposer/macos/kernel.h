/* The system calls of journal.c, by their Linux names: macOS promises no numbers for them, so its C library makes them,
 * by functions that are no points of thread cancellation. A result below zero is an errno, negated. */
#ifndef PLAINWIRE_MACOS_KERNEL_H
#define PLAINWIRE_MACOS_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

/* With arguments that vary where the C library has them: on arm64 those go over the stack. */
#define UNCANCELLED(name) __asm("_" #name "$NOCANCEL")
extern int darwin_SYS_close(int) UNCANCELLED(close);
extern int darwin_SYS_fcntl(int, int, ...) UNCANCELLED(fcntl);
extern int darwin_SYS_openat(int, const char *, int, ...) UNCANCELLED(openat);
extern ssize_t darwin_SYS_write(int, const void *, size_t) UNCANCELLED(write);
extern ssize_t darwin_SYS_writev(int, const struct iovec *, int) UNCANCELLED(writev);
#undef UNCANCELLED

#define darwin_SYS_fstat fstat
#define darwin_SYS_prlimit64(process, which, new, old) getrlimit(which, old)

static inline long darwin_result(long result)
{
    return result < 0 ? -(long)errno : result;
}

#define kernel(call, ...) darwin_result((long)darwin_##call(__VA_ARGS__))

#endif
