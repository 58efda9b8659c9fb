/* Without _GNU_SOURCE: with it syscall and prctl are declared in a way that they cannot be defined. */
#include "sandbox.h"

#include <errno.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stddef.h>

#include "event.h"
#include "hook.h"
#include "kernel.h"
#include "settings.h"
#include "text.h"

static atomic_int entered; /* one for each filter, and for each that is just being installed */

bool sandboxed(void)
{
    return atomic_load_explicit(&entered, memory_order_relaxed) > 0;
}

/* --- at load --------------------------------------------------------------------------------------------------- */

static unsigned long number_in(const char *text)
{
    unsigned long number = 0;
    while (*text == ' ' || *text == '\t')
        text++;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (unsigned long)(*text - '0');
    return number;
}

struct status {
    unsigned long mode, filters; /* the lines "Seccomp" and "Seccomp_filters" (Linux 5.9) */
    bool counted;
};

static void take_line(struct status *status, const char *line)
{
    static const char mode[] = "Seccomp:", filters[] = "Seccomp_filters:";
    if (text_starts(line, mode))
        status->mode = number_in(line + sizeof mode - 1);
    if (text_starts(line, filters)) {
        status->filters = number_in(line + sizeof filters - 1);
        status->counted = true;
    }
}

static void take_lines(struct status *status, int descriptor)
{
    char piece[256], line[40];
    size_t length = 0;
    for (long count; (count = kernel(SYS_read, descriptor, piece, sizeof piece)) > 0;)
        for (long i = 0; i < count; i++) {
            if (piece[i] != '\n' && length < sizeof line - 1) {
                line[length++] = piece[i];
            } else if (piece[i] == '\n') {
                line[length] = '\0';
                take_line(status, line);
                length = 0;
            }
        }
}

/* Before Linux 5.9 filters are not counted: there one that plainwire has too looks like one of the process's own. */
static bool started_inside(void)
{
    const int descriptor = (int)kernel(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return true;
    struct status status = {0};
    take_lines(&status, descriptor);
    kernel(SYS_close, descriptor);
    const unsigned long ours = number_in(setting(FILTERS));
    if (status.mode == SECCOMP_MODE_DISABLED)
        return false;
    return status.mode == SECCOMP_MODE_STRICT || (status.counted ? status.filters > ours : ours == 0);
}

void sandbox_look(void)
{
    if (started_inside())
        atomic_fetch_add(&entered, 1);
}

/* --- later ----------------------------------------------------------------------------------------------------- */

static int (*_Atomic real_prctl)(int, unsigned long, unsigned long, unsigned long, unsigned long);
static long (*_Atomic real_syscall)(long, long, long, long, long, long, long);

void sandbox_resolve(void)
{
    RESOLVE(prctl)
    RESOLVE(syscall)
}

/* Whether these arguments could bring the process into a sandbox. Without a filter they only ask whether there is such a
 * thing as filters. */
static bool enters(bool strict, bool filters, const void *filter)
{
    return strict || (filters && filter);
}

static bool by_prctl(long option, unsigned long mode, const void *filter)
{
    return option == PR_SET_SECCOMP && enters(mode == SECCOMP_MODE_STRICT, mode == SECCOMP_MODE_FILTER, filter);
}

static bool by_syscall(long number, long first, long second, long third)
{
    if (number == SYS_seccomp)
        return enters(first == SECCOMP_SET_MODE_STRICT, first == SECCOMP_SET_MODE_FILTER, (const void *)third);
    return number == SYS_prctl && by_prctl(first, (unsigned long)second, (const void *)third);
}

/* Silent before it is done, since afterwards it would be too late; other threads are in it as well, or may be. */
static void entering(void)
{
    KEEPING_ERRNO(event_sandbox(true));
    atomic_fetch_add(&entered, 1);
}

static void refused(void)
{
    atomic_fetch_sub(&entered, 1);
    KEEPING_ERRNO(event_sandbox(false));
}

HOOK int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    hooks_ready();
    const bool inside = by_prctl(option, a, (const void *)b);
    if (inside)
        entering();
    const int result = atomic_load(&real_prctl)(option, a, b, c, d);
    if (inside && result < 0)
        refused();
    return result;
}

static __attribute__((noinline)) long into_sandbox(long number, long a, long b, long c, long d, long e, long f)
{
    entering();
    const long result = atomic_load(&real_syscall)(number, a, b, c, d, e, f);
    if (result < 0)
        refused();
    return result;
}

/* What this calls may return twice, or on another stack (clone): so the real one must be jumped to, not called. -O2 makes
 * these calls such jumps. */
HOOK long syscall(long number, long a, long b, long c, long d, long e, long f)
{
    hooks_ready();
    if (by_syscall(number, a, b, c))
        return into_sandbox(number, a, b, c, d, e, f);
    return atomic_load(&real_syscall)(number, a, b, c, d, e, f);
}
