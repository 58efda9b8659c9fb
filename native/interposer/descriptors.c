/* Without _GNU_SOURCE, as calls.c. */
#include "descriptors.h"

#include <errno.h>
#include <linux/fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "event.h"
#include "hook.h"
#include "journal.h"
#include "kernel.h"
#include "process.h"
#include "sandbox.h"
#include "trace.h"

enum { MOST = 1 << 16 };

static atomic_uchar marks[MOST]; /* pages of zeros: only those that are written to take memory */
static _Atomic uint32_t sent_to[MOST]; /* the last peer of a socket for datagrams, as a hash */

bool descriptor_marked(int descriptor)
{
    return descriptor >= 0 && descriptor < MOST && atomic_load_explicit(&marks[descriptor], memory_order_relaxed);
}

static void set(int descriptor, bool marked)
{
    if (descriptor_marked(descriptor) != marked && descriptor >= 0 && descriptor < MOST)
        atomic_store_explicit(&marks[descriptor], marked, memory_order_relaxed);
}

void descriptor_mark(int descriptor)
{
    set(descriptor, true);
}

/* FNV-1a: two addresses that are taken for one cost an event. */
bool descriptor_sends_to(int descriptor, const void *address, size_t length)
{
    const unsigned char *bytes = address;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length && i < sizeof(struct sockaddr_storage); i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return descriptor >= 0 && descriptor < MOST &&
           atomic_exchange_explicit(&sent_to[descriptor], hash, memory_order_relaxed) != hash;
}

void descriptors_look(void)
{
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++)
        if (event_is_about(descriptor))
            descriptor_mark(descriptor);
}

static bool sends(int descriptor)
{
    return descriptor >= 0 && descriptor < MOST &&
           atomic_load_explicit(&sent_to[descriptor], memory_order_relaxed) != 0;
}

/* What a child of vfork(2) does is not done to its parent, whose memory it has. */
static void forget(unsigned first, unsigned last)
{
    if (sandboxed() || !process_is_first())
        return;
    for (unsigned descriptor = first; descriptor <= last && descriptor < MOST; descriptor++) {
        set((int)descriptor, false);
        if (sends((int)descriptor))
            atomic_store_explicit(&sent_to[descriptor], 0, memory_order_relaxed);
    }
}

static int (*_Atomic real_accept)(int, struct sockaddr *restrict, socklen_t *restrict);
static int (*_Atomic real_accept4)(int, struct sockaddr *restrict, socklen_t *restrict, int);
static int (*_Atomic real_close)(int);
static int (*_Atomic real_close_range)(unsigned, unsigned, int);
static void (*_Atomic real_closefrom)(int);
static int (*_Atomic real_dup)(int);
static int (*_Atomic real_dup2)(int, int);
static int (*_Atomic real_dup3)(int, int, int);
static int (*_Atomic real_fcntl)(int, int, long);
static int (*_Atomic real_fcntl64)(int, int, long);

void descriptors_resolve(void)
{
    RESOLVE(accept)
    RESOLVE(accept4)
    RESOLVE(close)
    RESOLVE(close_range)
    RESOLVE(closefrom)
    RESOLVE(dup)
    RESOLVE(dup2)
    RESOLVE(dup3)
    RESOLVE(fcntl)
    RESOLVE(fcntl64)
}

static void trace_now(int descriptor, enum trace_kind kind)
{
    struct trace_state state;
    if (!trace_wanted() || !descriptor_marked(descriptor) || !hooks_wanted())
        return;
    trace_look(descriptor, &state);
    trace_call(descriptor, kind, &state, 0, NULL, 0);
}

/* --- they come ------------------------------------------------------------------------------------------------- */

HOOK int accept(int descriptor, struct sockaddr *restrict address, socklen_t *restrict length)
{
    hooks_ready();
    const int made = atomic_load(&real_accept)(descriptor, address, length);
    descriptor_mark(made);
    trace_now(made, TRACE_ACCEPT);
    return made;
}

HOOK int accept4(int descriptor, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
    hooks_ready();
    const int made = atomic_load(&real_accept4)(descriptor, address, length, flags);
    descriptor_mark(made);
    trace_now(made, TRACE_ACCEPT);
    return made;
}

static int copied(int from, int to)
{
    set(to, descriptor_marked(from));
    return to;
}

HOOK int dup(int descriptor)
{
    hooks_ready();
    return copied(descriptor, atomic_load(&real_dup)(descriptor));
}

static void make_way(int from, int to)
{
    if (hooks_wanted() && from != to)
        KEEPING_ERRNO(journal_make_way(to));
}

HOOK int dup2(int from, int to)
{
    hooks_ready();
    make_way(from, to);
    return copied(from, atomic_load(&real_dup2)(from, to));
}

HOOK int dup3(int from, int to, int flags)
{
    hooks_ready();
    make_way(from, to);
    return copied(from, atomic_load(&real_dup3)(from, to, flags));
}

static int after_fcntl(int descriptor, int command, int result)
{
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? copied(descriptor, result) : result;
}

HOOK int fcntl(int descriptor, int command, long argument)
{
    hooks_ready();
    return after_fcntl(descriptor, command, atomic_load(&real_fcntl)(descriptor, command, argument));
}

/* glibc's name for the same, since 2.28. */
HOOK int fcntl64(int descriptor, int command, long argument)
{
    hooks_ready();
    return after_fcntl(descriptor, command, atomic_load(&real_fcntl64)(descriptor, command, argument));
}

/* --- they go --------------------------------------------------------------------------------------------------- */

HOOK int close(int descriptor)
{
    hooks_ready();
    if (hooks_wanted()) {
        const int error = errno;
        if (descriptor_marked(descriptor))
            event_close(descriptor, "close");
        trace_now(descriptor, TRACE_CLOSE);
        const bool ours = journal_keeps(descriptor);
        errno = ours ? EBADF : error;
        if (ours)
            return -1;
    }
    if (descriptor_marked(descriptor) || sends(descriptor))
        forget((unsigned)descriptor, (unsigned)descriptor);
    return atomic_load(&real_close)(descriptor);
}

/* glibc has it since 2.34. */
static int closed(unsigned first, unsigned last, int flags)
{
    int (*real)(unsigned, unsigned, int) = atomic_load(&real_close_range);
    if (real)
        return real(first, last, flags);
    const long result = kernel(SYS_close_range, first, last, flags);
    if (result < 0)
        errno = (int)-result;
    return result < 0 ? -1 : 0;
}

/* All but ours. Those that are only to be closed at exec may include ours, which are so already. */
HOOK int close_range(unsigned first, unsigned last, int flags)
{
    hooks_ready();
    int ours;
    while (hooks_wanted() && first <= last && (ours = journal_kept_between(first, last)) >= 0) {
        const bool none = (unsigned)ours == first;
        const int result = none ? 0 : closed(first, (unsigned)ours - 1, flags);
        if (result != 0 || (unsigned)ours == last)
            return result;
        first = (unsigned)ours + 1;
    }
    forget(first, last);
    return closed(first, last, flags);
}

HOOK void closefrom(int lowest)
{
    hooks_ready();
    KEEPING_ERRNO(if (close_range(lowest > 0 ? (unsigned)lowest : 0, ~0u, 0) != 0 && atomic_load(&real_closefrom))
                      atomic_load(&real_closefrom)(lowest));
}
