/* What goes over the program's sockets, and to its standard error: what the kernel answered is told, and never changed.
 *
 * Without _GNU_SOURCE: with it the type of connect's argument is one that cannot be defined.
 *
 * A call that succeeds costs one comparison more, unless sockets are traced (trace.h). There is no look at data, but for what
 * goes to standard error, and in a trace. Programs
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
#include "trace.h"

/* Each function: its name, what it is called in events, which way it moves bytes, its flags, where the bytes are, its
 * parameters, arguments. Those with __ are what glibc makes of a call whose buffer's size the compiler knew. */
#define ONE (&(struct iovec){(void *)(uintptr_t)buffer, size}), 1
#define SEVERAL parts, (size_t)count
#define OF_MESSAGE message->msg_iov, message->msg_iovlen
#define TRANSFERS(WATCHED) \
    WATCHED(read, "read", came, 0, ONE, (int descriptor, void *buffer, size_t size), (descriptor, buffer, size)) \
    WATCHED(__read_chk, "read", came, 0, ONE, (int descriptor, void *buffer, size_t size, size_t room), \
            (descriptor, buffer, size, room)) \
    WATCHED(recv, "recv", came, flags, ONE, (int descriptor, void *buffer, size_t size, int flags), \
            (descriptor, buffer, size, flags)) \
    WATCHED(__recv_chk, "recv", came, flags, ONE, \
            (int descriptor, void *buffer, size_t size, size_t room, int flags), \
            (descriptor, buffer, size, room, flags)) \
    WATCHED(recvfrom, "recvfrom", came, flags, ONE, \
            (int descriptor, void *restrict buffer, size_t size, int flags, struct sockaddr *restrict from, \
             socklen_t *restrict length), \
            (descriptor, buffer, size, flags, from, length)) \
    WATCHED(__recvfrom_chk, "recvfrom", came, flags, ONE, \
            (int descriptor, void *restrict buffer, size_t size, size_t room, int flags, \
             struct sockaddr *restrict from, socklen_t *restrict length), \
            (descriptor, buffer, size, room, flags, from, length)) \
    WATCHED(recvmsg, "recvmsg", came, flags, OF_MESSAGE, (int descriptor, struct msghdr *message, int flags), \
            (descriptor, message, flags)) \
    WATCHED(readv, "readv", came, 0, SEVERAL, (int descriptor, const struct iovec *parts, int count), \
            (descriptor, parts, count)) \
    WATCHED(send, "send", sent, flags, ONE, (int descriptor, const void *buffer, size_t size, int flags), \
            (descriptor, buffer, size, flags))

/* And those that may say where a datagram goes. */
#define ADDRESSED(WATCHED) \
    WATCHED(sendto, "sendto", sent, flags, ONE, \
            (int descriptor, const void *buffer, size_t size, int flags, const struct sockaddr *to, \
             socklen_t length), \
            (descriptor, buffer, size, flags, to, length)) \
    WATCHED(sendmsg, "sendmsg", sent, flags, OF_MESSAGE, \
            (int descriptor, const struct msghdr *message, int flags), (descriptor, message, flags))

#define DECLARE(name, call, way, flags, bytes, parameters, arguments) static ssize_t(*_Atomic real_##name) parameters;
TRANSFERS(DECLARE)
ADDRESSED(DECLARE)
static ssize_t (*_Atomic real_write)(int, const void *, size_t);
static ssize_t (*_Atomic real_writev)(int, const struct iovec *, int);
static ssize_t (*_Atomic real_sendfile)(int, int, off_t *, size_t);
static ssize_t (*_Atomic real_sendfile64)(int, int, int64_t *, size_t);
static int (*_Atomic real_connect)(int, const struct sockaddr *, socklen_t);
static int (*_Atomic real_getsockopt)(int, int, int, void *restrict, socklen_t *restrict);
static int (*_Atomic real_shutdown)(int, int);
static size_t (*_Atomic real_fwrite)(const void *restrict, size_t, size_t, FILE *restrict);
static int (*_Atomic real_fputs)(const char *restrict, FILE *restrict);

#define RESOLVE_IT(name, call, way, flags, bytes, parameters, arguments) RESOLVE(name)

void calls_resolve(void)
{
    TRANSFERS(RESOLVE_IT)
    ADDRESSED(RESOLVE_IT)
    RESOLVE(write)
    RESOLVE(writev)
    RESOLVE(sendfile)
    RESOLVE(sendfile64)
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

static bool traced(int descriptor)
{
    return trace_wanted() && watched(descriptor);
}

static void trace_now(int descriptor, enum trace_kind kind, int error)
{
    struct trace_state state;
    trace_look(descriptor, &state);
    trace_call(descriptor, kind, &state, error, NULL, 0);
}

static void failed(int descriptor, const char *call)
{
    const int error = errno;
    if (error == EAGAIN || !watched(descriptor))
        return;
    event_error(descriptor, call, error, NULL, 0);
    if (trace_wanted())
        trace_now(descriptor, TRACE_FAILED, error);
    errno = error;
}

/* What is sent is told of as it stood before the call: what came by then, the sender may have known. */
static void sent_begins(int descriptor, struct trace_state *state)
{
    state->time = 0;
    if (traced(descriptor))
        trace_look(descriptor, state);
}

static void sent(int descriptor, int flags, struct trace_state *state, size_t total, const struct iovec *parts,
                 size_t count)
{
    if (state->time && total > 0 && !(flags & MSG_OOB) && hooks_wanted())
        trace_moved(descriptor, TRACE_SENT, state, parts, count, total, parts != NULL);
}

static void came_begins(int descriptor, struct trace_state *state)
{
    (void)descriptor;
    (void)state;
}

static bool asks_for_bytes(const struct iovec *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (parts[i].iov_len > 0)
            return true;
    return false;
}

static void came(int descriptor, int flags, struct trace_state *state, size_t total, const struct iovec *parts,
                 size_t count)
{
    if (!traced(descriptor) || flags & (MSG_OOB | MSG_ERRQUEUE) || (total > 0 && flags & MSG_PEEK))
        return;
    if (total == 0 && !asks_for_bytes(parts, count))
        return;
    trace_look(descriptor, state);
    trace_moved(descriptor, TRACE_CAME, state, parts, count, total, !(flags & MSG_TRUNC));
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

/* Only datagrams that may begin a connection of QUIC (RFC 9000 section 14.1) are told of, and once for each peer. */
enum { SMALLEST_INITIAL = 1200 };

static void went(int descriptor, ssize_t total, const void *to, size_t length)
{
    if (total >= SMALLEST_INITIAL && to != NULL && descriptor_sends_to(descriptor, to, length) && hooks_wanted())
        KEEPING_ERRNO(event_datagram(descriptor, to, length));
}

#define CALL(name, call, way, flags, bytes, parameters, arguments) \
    static ssize_t call_##name parameters \
    { \
        hooks_ready(); \
        struct trace_state state; \
        way##_begins(descriptor, &state); \
        const ssize_t result = atomic_load(&real_##name) arguments; \
        if (result < 0) \
            failed(descriptor, call); \
        else if (trace_wanted()) \
            way(descriptor, flags, &state, (size_t)result, bytes); \
        return result; \
    }
TRANSFERS(CALL)
ADDRESSED(CALL)

#define DEFINE(name, call, way, flags, bytes, parameters, arguments) \
    HOOK ssize_t name parameters \
    { \
        return call_##name arguments; \
    }
TRANSFERS(DEFINE)

HOOK ssize_t sendto(int descriptor, const void *buffer, size_t size, int flags, const struct sockaddr *to,
                    socklen_t length)
{
    const ssize_t result = call_sendto(descriptor, buffer, size, flags, to, length);
    went(descriptor, result, to, length);
    return result;
}

HOOK ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags)
{
    const ssize_t result = call_sendmsg(descriptor, message, flags);
    if (result > 0)
        went(descriptor, result, message->msg_name, message->msg_namelen);
    return result;
}

HOOK ssize_t write(int descriptor, const void *buffer, size_t size)
{
    hooks_ready();
    struct trace_state state;
    sent_begins(descriptor, &state);
    const ssize_t result = atomic_load(&real_write)(descriptor, buffer, size);
    if (result < 0)
        failed(descriptor, "write");
    else if (for_people(descriptor))
        said(descriptor, buffer, (size_t)result);
    if (result > 0)
        sent(descriptor, 0, &state, (size_t)result, ONE);
    return result;
}

/* Of what is sent so the bytes are not seen, but how many they were. */
HOOK ssize_t sendfile(int descriptor, int from, off_t *offset, size_t count)
{
    hooks_ready();
    struct trace_state state;
    sent_begins(descriptor, &state);
    const ssize_t result = atomic_load(&real_sendfile)(descriptor, from, offset, count);
    if (result > 0)
        sent(descriptor, 0, &state, (size_t)result, NULL, 0);
    return result;
}

HOOK ssize_t sendfile64(int descriptor, int from, int64_t *offset, size_t count)
{
    hooks_ready();
    struct trace_state state;
    sent_begins(descriptor, &state);
    const ssize_t result = atomic_load(&real_sendfile64)(descriptor, from, offset, count);
    if (result > 0)
        sent(descriptor, 0, &state, (size_t)result, NULL, 0);
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
    struct trace_state state;
    sent_begins(descriptor, &state);
    const ssize_t result = atomic_load(&real_writev)(descriptor, parts, count);
    if (result < 0)
        failed(descriptor, "writev");
    else if (for_people(descriptor))
        said_parts(descriptor, parts, (size_t)result);
    if (result > 0)
        sent(descriptor, 0, &state, (size_t)result, SEVERAL);
    return result;
}

/* stdio writes from inside the C library: of its functions those that programs use to print what is ready made.
 * Into a pipe that is full and does not block (Node.js leaves one so) a part of it goes: fwrite does not tell how much,
 * and what was to be said tells as well why the program ended. */

HOOK size_t fwrite(const void *restrict items, size_t size, size_t count, FILE *restrict stream)
{
    hooks_ready();
    const size_t result = atomic_load(&real_fwrite)(items, size, count, stream);
    const size_t told = result < count && errno == EAGAIN ? count : result;
    if (told > 0 && for_people(descriptor_of(stream)))
        said(descriptor_of(stream), items, size * told);
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

static void connecting(int descriptor, int result, const struct sockaddr *address, socklen_t length,
                       const struct trace_state *state)
{
    const int error = result == 0 ? 0 : errno;
    const bool begun = error == 0 || error == EINPROGRESS || error == EINTR;
    if (!(begun ? event_connect(descriptor, address, length) : event_is_about(descriptor))) {
        if (begun)
            event_datagram(descriptor, address, length);
        return;
    }
    descriptor_mark(descriptor);
    if (!begun)
        event_error(descriptor, "connect", error, address, length);
    if (!state->time || error == EALREADY || error == EISCONN)
        return;
    trace_call(descriptor, TRACE_CONNECT, state, error, address, length);
    if (error == 0)
        trace_now(descriptor, TRACE_CONNECTED, 0);
    else if (!begun)
        trace_now(descriptor, TRACE_FAILED, error);
}

HOOK int connect(int descriptor, const struct sockaddr *address, socklen_t length)
{
    hooks_ready();
    struct trace_state state = {0};
    if (trace_wanted() && hooks_wanted())
        trace_look(descriptor, &state);
    const int result = atomic_load(&real_connect)(descriptor, address, length);
    if (hooks_wanted())
        KEEPING_ERRNO(connecting(descriptor, result, address, length, &state));
    return result;
}

static void asked(int descriptor, int pending)
{
    if (pending && watched(descriptor))
        event_error(descriptor, "getsockopt", pending, NULL, 0);
    if (traced(descriptor))
        trace_now(descriptor, pending ? TRACE_FAILED : TRACE_CONNECTED, pending);
}

/* A connect that does not block ends here. */
HOOK int getsockopt(int descriptor, int level, int option, void *restrict value, socklen_t *restrict length)
{
    hooks_ready();
    const int result = atomic_load(&real_getsockopt)(descriptor, level, option, value, length);
    if (result == 0 && level == SOL_SOCKET && option == SO_ERROR && *length == sizeof(int)) {
        int pending;
        bytes_copy(&pending, value, sizeof pending);
        KEEPING_ERRNO(asked(descriptor, pending));
    }
    return result;
}

HOOK int shutdown(int descriptor, int how)
{
    hooks_ready();
    if (how != SHUT_RD && watched(descriptor))
        KEEPING_ERRNO(event_close(descriptor, "shutdown"));
    if (how != SHUT_RD && traced(descriptor))
        trace_now(descriptor, TRACE_SHUTDOWN, how);
    return atomic_load(&real_shutdown)(descriptor, how);
}
