/* Functions that tell a process how one of its children ended: a signal that ended it is told, in no other way can it be.
 *
 * A process that a signal ends says nothing of it, and its kernel closes its connections: on the wire that is a client that
 * hung up. Without _GNU_SOURCE, as calls.c. These are called in handlers of SIGCHLD. */
#define _XOPEN_SOURCE 700
#include <signal.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "event.h"
#include "hook.h"

struct rusage;

static pid_t (*_Atomic real_wait)(int *);
static pid_t (*_Atomic real_waitpid)(pid_t, int *, int);
static pid_t (*_Atomic real_wait3)(int *, int, struct rusage *);
static pid_t (*_Atomic real_wait4)(pid_t, int *, int, struct rusage *);
static int (*_Atomic real_waitid)(idtype_t, id_t, siginfo_t *, int);

void children_resolve(void)
{
    RESOLVE(wait)
    RESOLVE(waitpid)
    RESOLVE(wait3)
    RESOLVE(wait4)
    RESOLVE(waitid)
}

static void killed(pid_t child, int signal)
{
    if (hooks_wanted())
        KEEPING_ERRNO(event_killed(child, signal));
}

/* `call` is given a place for the status of our own where the program wants none. */
#define WAITED(call) \
    int own = 0; \
    hooks_ready(); \
    if (!status) \
        status = &own; \
    const pid_t child = call; \
    if (child > 0 && WIFSIGNALED(*status)) \
        killed(child, WTERMSIG(*status)); \
    return child;

HOOK pid_t wait(int *status)
{
    WAITED(atomic_load(&real_wait)(status))
}

HOOK pid_t waitpid(pid_t which, int *status, int options)
{
    WAITED(atomic_load(&real_waitpid)(which, status, options))
}

HOOK pid_t wait3(int *status, int options, struct rusage *usage)
{
    WAITED(atomic_load(&real_wait3)(status, options, usage))
}

HOOK pid_t wait4(pid_t which, int *status, int options, struct rusage *usage)
{
    WAITED(atomic_load(&real_wait4)(which, status, options, usage))
}

/* Only the first member of `siginfo_t` says whether there is anything in it where WNOHANG was given. */
HOOK int waitid(idtype_t kind, id_t which, siginfo_t *about, int options)
{
    hooks_ready();
    const int result = atomic_load(&real_waitid)(kind, which, about, options);
    if (result == 0 && about && about->si_signo == SIGCHLD &&
        (about->si_code == CLD_KILLED || about->si_code == CLD_DUMPED))
        killed(about->si_pid, about->si_status);
    return result;
}
