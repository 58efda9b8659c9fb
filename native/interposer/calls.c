/* Without _GNU_SOURCE: with it the type of connect's argument is one that cannot be defined.
 *
 * A call that succeeds costs one comparison more, and close one system call. There is no look at data, but for what
 * goes to standard error. Programs that make their system calls themselves (Go, static ones) are not seen, nor is what
 * the C library writes from inside itself (fprintf).
 */
#include "calls.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "event.h"
#include "journal.h"
#include "objects.h"

#define EXPORT __attribute__((visibility("default")))

/* Each function: its type, name, parameters, arguments. */
#define TRANSFERS(WATCHED) \
    WATCHED(read, (int descriptor, void *buffer, size_t size), (descriptor, buffer, size)) \
    WATCHED(recv, (int descriptor, void *buffer, size_t size, int flags), (descriptor, buffer, size, flags)) \
    WATCHED(recvfrom, (int descriptor, void *restrict buffer, size_t size, int flags, \
                       struct sockaddr *restrict from, socklen_t *restrict length), \
            (descriptor, buffer, size, flags, from, length)) \
    WATCHED(recvmsg, (int descriptor, struct msghdr *message, int flags), (descriptor, message, flags)) \
    WATCHED(readv, (int descriptor, const struct iovec *parts, int count), (descriptor, parts, count)) \
    WATCHED(send, (int descriptor, const void *buffer, size_t size, int flags), (descriptor, buffer, size, flags)) \
    WATCHED(sendto, (int descriptor, const void *buffer, size_t size, int flags, const struct sockaddr *to, \
                     socklen_t length), \
            (descriptor, buffer, size, flags, to, length)) \
    WATCHED(sendmsg, (int descriptor, const struct msghdr *message, int flags), (descriptor, message, flags))

#define DECLARE(name, parameters, arguments) static ssize_t(*_Atomic real_##name) parameters;
TRANSFERS(DECLARE)
static ssize_t (*_Atomic real_write)(int, const void *, size_t);
static ssize_t (*_Atomic real_writev)(int, const struct iovec *, int);
static int (*_Atomic real_connect)(int, const struct sockaddr *, socklen_t);
static int (*_Atomic real_getsockopt)(int, int, int, void *restrict, socklen_t *restrict);
static int (*_Atomic real_shutdown)(int, int);
static int (*_Atomic real_close)(int);
static size_t (*_Atomic real_fwrite)(const void *restrict, size_t, size_t, FILE *restrict);
static int (*_Atomic real_fputs)(const char *restrict, FILE *restrict);
static atomic_bool resolved;

/* The function of the next library that has one of this name. Not found means: not called either. */
#define FIND(name) atomic_store(&real_##name, (__typeof__(&name))next_symbol(#name));
#define FIND_TRANSFER(name, parameters, arguments) FIND(name)

void calls_resolve(void)
{
    const int error = errno;
    TRANSFERS(FIND_TRANSFER)
    FIND(write)
    FIND(writev)
    FIND(connect)
    FIND(getsockopt)
    FIND(shutdown)
    FIND(close)
    FIND(fwrite)
    FIND(fputs)
    atomic_store(&resolved, true);
    errno = error;
}

/* Libraries' constructors may run, and call us, before ours. */
static void ready(void)
{
    if (!atomic_load(&resolved))
        calls_resolve();
}

static void failed(int descriptor, const char *call)
{
    const int error = errno;
    if (error != EAGAIN && journal_wanted())
        event_error(descriptor, call, error, NULL, 0);
    errno = error;
}

static void said(const void *bytes, size_t count)
{
    const int error = errno;
    if (journal_wanted())
        event_words(bytes, count);
    errno = error;
}

#define DEFINE(name, parameters, arguments) \
    EXPORT ssize_t name parameters \
    { \
        ready(); \
        const ssize_t result = atomic_load(&real_##name) arguments; \
        if (result < 0) \
            failed(descriptor, #name); \
        return result; \
    }
TRANSFERS(DEFINE)

EXPORT ssize_t write(int descriptor, const void *buffer, size_t size)
{
    ready();
    const ssize_t result = atomic_load(&real_write)(descriptor, buffer, size);
    if (result < 0)
        failed(descriptor, "write");
    else if (descriptor == STDERR_FILENO)
        said(buffer, (size_t)result);
    return result;
}

static void said_parts(const struct iovec *parts, size_t written)
{
    for (; written > 0; parts++) {
        const size_t count = parts->iov_len < written ? parts->iov_len : written;
        if (count > 0)
            said(parts->iov_base, count);
        written -= count;
    }
}

EXPORT ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    ready();
    const ssize_t result = atomic_load(&real_writev)(descriptor, parts, count);
    if (result < 0)
        failed(descriptor, "writev");
    else if (descriptor == STDERR_FILENO)
        said_parts(parts, (size_t)result);
    return result;
}

/* stdio writes from inside the C library: of its functions those that programs use to print what is ready made. */

EXPORT size_t fwrite(const void *restrict items, size_t size, size_t count, FILE *restrict stream)
{
    ready();
    const size_t result = atomic_load(&real_fwrite)(items, size, count, stream);
    if (stream == stderr && result > 0)
        said(items, size * result);
    return result;
}

EXPORT int fputs(const char *restrict text, FILE *restrict stream)
{
    ready();
    const int result = atomic_load(&real_fputs)(text, stream);
    if (stream == stderr && result >= 0 && *text)
        said(text, strlen(text));
    return result;
}

EXPORT int connect(int descriptor, const struct sockaddr *address, socklen_t length)
{
    ready();
    const int result = atomic_load(&real_connect)(descriptor, address, length);
    const int error = errno;
    if (journal_wanted()) {
        if (result == 0 || error == EINPROGRESS || error == EINTR)
            event_connect(descriptor, address, length);
        else
            event_error(descriptor, "connect", error, address, length);
    }
    errno = error;
    return result;
}

/* A connect that does not block ends here. */
EXPORT int getsockopt(int descriptor, int level, int option, void *restrict value, socklen_t *restrict length)
{
    ready();
    const int result = atomic_load(&real_getsockopt)(descriptor, level, option, value, length);
    if (result == 0 && level == SOL_SOCKET && option == SO_ERROR && *length == sizeof(int)) {
        int pending;
        memcpy(&pending, value, sizeof pending);
        const int error = errno;
        if (pending && journal_wanted())
            event_error(descriptor, "getsockopt", pending, NULL, 0);
        errno = error;
    }
    return result;
}

static void closing(int descriptor, const char *call)
{
    const int error = errno;
    if (journal_wanted())
        event_close(descriptor, call);
    errno = error;
}

EXPORT int shutdown(int descriptor, int how)
{
    ready();
    if (how != SHUT_RD)
        closing(descriptor, "shutdown");
    return atomic_load(&real_shutdown)(descriptor, how);
}

EXPORT int close(int descriptor)
{
    ready();
    closing(descriptor, "close");
    return atomic_load(&real_close)(descriptor);
}

/* glibc's own; elsewhere there is none. */
extern int on_exit(void (*)(int, void *), void *) __attribute__((weak));

static void at_exit(int status, void *unused)
{
    (void)unused;
    event_end(status);
}

void calls_watch_exit(void)
{
    if (on_exit)
        on_exit(at_exit, NULL);
}
