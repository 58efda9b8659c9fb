/* What goes over the program's sockets, and to its standard error: what the kernel answered is told, and never changed.
 *
 * Without _GNU_SOURCE: with it the type of connect's argument is one that cannot be defined.
 *
 * A call that succeeds costs one comparison more. There is no look at data, but for what goes to standard error. Programs
 * that make their system calls themselves (Go, static ones) are not seen, nor is what the C library writes from inside
 * itself (fprintf).
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "descriptors.h"
#include "event.h"
#include "hook.h"
#include "text.h"

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
static size_t (*_Atomic real_fwrite)(const void *restrict, size_t, size_t, FILE *restrict);
static int (*_Atomic real_fputs)(const char *restrict, FILE *restrict);

#define RESOLVE_IT(name, parameters, arguments) RESOLVE(name)

void calls_resolve(void)
{
    TRANSFERS(RESOLVE_IT)
    RESOLVE(write)
    RESOLVE(writev)
    RESOLVE(connect)
    RESOLVE(getsockopt)
    RESOLVE(shutdown)
    RESOLVE(fwrite)
    RESOLVE(fputs)
}

static bool watched(int descriptor)
{
    return descriptor_marked(descriptor) && hooks_wanted();
}

static void failed(int descriptor, const char *call)
{
    const int error = errno;
    if (error != EAGAIN && watched(descriptor))
        KEEPING_ERRNO(event_error(descriptor, call, error, NULL, 0));
}

/* Standard output and error may have become connections: then that is no words. */
static void said(int descriptor, const void *bytes, size_t count)
{
    if (!hooks_wanted() || descriptor_marked(descriptor))
        return;
    if (descriptor == STDERR_FILENO)
        KEEPING_ERRNO(event_words(bytes, count));
    else
        KEEPING_ERRNO(event_printed(bytes, count));
}

static bool for_people(int descriptor)
{
    return descriptor == STDERR_FILENO || descriptor == STDOUT_FILENO;
}

static int descriptor_of(const FILE *stream)
{
    return stream == stderr ? STDERR_FILENO : stream == stdout ? STDOUT_FILENO : -1;
}

#define DEFINE(name, parameters, arguments) \
    HOOK ssize_t name parameters \
    { \
        hooks_ready(); \
        const ssize_t result = atomic_load(&real_##name) arguments; \
        if (result < 0) \
            failed(descriptor, #name); \
        return result; \
    }
TRANSFERS(DEFINE)

HOOK ssize_t write(int descriptor, const void *buffer, size_t size)
{
    hooks_ready();
    const ssize_t result = atomic_load(&real_write)(descriptor, buffer, size);
    if (result < 0)
        failed(descriptor, "write");
    else if (for_people(descriptor))
        said(descriptor, buffer, (size_t)result);
    return result;
}

static void said_parts(int descriptor, const struct iovec *parts, size_t written)
{
    for (; written > 0; parts++) {
        const size_t count = parts->iov_len < written ? parts->iov_len : written;
        if (count > 0)
            said(descriptor, parts->iov_base, count);
        written -= count;
    }
}

HOOK ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    hooks_ready();
    const ssize_t result = atomic_load(&real_writev)(descriptor, parts, count);
    if (result < 0)
        failed(descriptor, "writev");
    else if (for_people(descriptor))
        said_parts(descriptor, parts, (size_t)result);
    return result;
}

/* stdio writes from inside the C library: of its functions those that programs use to print what is ready made. */

HOOK size_t fwrite(const void *restrict items, size_t size, size_t count, FILE *restrict stream)
{
    hooks_ready();
    const size_t result = atomic_load(&real_fwrite)(items, size, count, stream);
    if (result > 0 && for_people(descriptor_of(stream)))
        said(descriptor_of(stream), items, size * result);
    return result;
}

HOOK int fputs(const char *restrict text, FILE *restrict stream)
{
    hooks_ready();
    const int result = atomic_load(&real_fputs)(text, stream);
    if (result >= 0 && *text && for_people(descriptor_of(stream)))
        said(descriptor_of(stream), text, text_length(text));
    return result;
}

static void connecting(int descriptor, int result, const struct sockaddr *address, socklen_t length)
{
    const int error = errno;
    if (!event_is_about(descriptor))
        return;
    descriptor_mark(descriptor);
    if (result == 0 || error == EINPROGRESS || error == EINTR)
        event_connect(descriptor, address, length);
    else
        event_error(descriptor, "connect", error, address, length);
}

HOOK int connect(int descriptor, const struct sockaddr *address, socklen_t length)
{
    hooks_ready();
    const int result = atomic_load(&real_connect)(descriptor, address, length);
    if (hooks_wanted())
        KEEPING_ERRNO(connecting(descriptor, result, address, length));
    return result;
}

static void asked(int descriptor, int pending)
{
    if (pending && watched(descriptor))
        KEEPING_ERRNO(event_error(descriptor, "getsockopt", pending, NULL, 0));
}

/* A connect that does not block ends here. */
HOOK int getsockopt(int descriptor, int level, int option, void *restrict value, socklen_t *restrict length)
{
    hooks_ready();
    const int result = atomic_load(&real_getsockopt)(descriptor, level, option, value, length);
    if (result == 0 && level == SOL_SOCKET && option == SO_ERROR && *length == sizeof(int)) {
        int pending;
        bytes_copy(&pending, value, sizeof pending);
        asked(descriptor, pending);
    }
    return result;
}

HOOK int shutdown(int descriptor, int how)
{
    hooks_ready();
    if (how != SHUT_RD && watched(descriptor))
        KEEPING_ERRNO(event_close(descriptor, "shutdown"));
    return atomic_load(&real_shutdown)(descriptor, how);
}
