#define _GNU_SOURCE
#include "journal.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "board.h"
#include "kernel.h"
#include "settings.h"
#include "text.h"

static struct outlet {
    enum setting file;
    atomic_int descriptor; /* 0: never opened. We never keep 0 to 9. */
    atomic_ullong device, inode;
    atomic_bool cut; /* the last line was written in part */
} keys = {.file = KEYS}, events = {.file = EVENTS}, trace = {.file = TRACE}, sink = {.file = SINK};

static struct outlet *const outlets[] = {&keys, &events, &trace, &sink};

enum {
    OUTLETS = sizeof outlets / sizeof outlets[0],
    ABSENT = -1,
    MOST_TRACE = 512 << 20, /* bytes of that file; acquire/trace_records.py knows the number */
};

bool journal_wanted(void)
{
    return setting(KEYS)[0] == '/';
}

/* --- descriptors ----------------------------------------------------------------------------------------------- */

/* Out of the program's way: it may count on getting the lowest numbers, and on select(2) for those that it has. */
static int copied_high(int descriptor)
{
    static const int floors[] = {900, 200, 10};
    long high = ABSENT;
    for (size_t i = 0; i < sizeof floors / sizeof floors[0] && high < 0; i++)
        high = kernel(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, floors[i]);
    return (int)high;
}

static bool is_ours(const struct outlet *outlet, const struct stat *file)
{
    return (unsigned long long)file->st_dev == atomic_load(&outlet->device) &&
           (unsigned long long)file->st_ino == atomic_load(&outlet->inode);
}

static bool still_ours(const struct outlet *outlet, int descriptor, struct stat *file)
{
    return descriptor > 0 && kernel(SYS_fstat, descriptor, file) == 0 && is_ours(outlet, file);
}

static int opened_low(const struct outlet *outlet, struct stat *file)
{
    const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    const char *path = setting(outlet->file);
    const int descriptor = path[0] == '/' ? (int)kernel(SYS_openat, AT_FDCWD, path, flags) : ABSENT;
    if (descriptor < 0)
        return ABSENT;
    if (kernel(SYS_fstat, descriptor, file) == 0 && S_ISREG(file->st_mode))
        return descriptor;
    kernel(SYS_close, descriptor);
    return ABSENT;
}

/* Another thread may do the same meanwhile: the one that comes second keeps what the first has opened. */
static int kept(struct outlet *outlet, int stale, int descriptor, const struct stat *file)
{
    atomic_store(&outlet->device, (unsigned long long)file->st_dev);
    atomic_store(&outlet->inode, (unsigned long long)file->st_ino);
    if (atomic_compare_exchange_strong(&outlet->descriptor, &stale, descriptor))
        return descriptor;
    kernel(SYS_close, descriptor);
    return stale;
}

struct access {
    int descriptor; /* ABSENT where this process may not open the file */
    bool passing;   /* to be closed after use */
};

static struct access access_to(struct outlet *outlet, struct stat *file)
{
    const int known = atomic_load(&outlet->descriptor);
    if (still_ours(outlet, known, file))
        return (struct access){known, false};
    const int low = opened_low(outlet, file);
    if (low < 0)
        return (struct access){ABSENT, false};
    const int high = copied_high(low);
    if (high < 0)
        return (struct access){low, true};
    kernel(SYS_close, low);
    return (struct access){kept(outlet, known, high, file), false};
}

static void leave(struct access access)
{
    if (access.passing)
        kernel(SYS_close, access.descriptor);
}

static bool can_open(struct outlet *outlet)
{
    struct stat file;
    const struct access access = access_to(outlet, &file);
    leave(access);
    return access.descriptor >= 0;
}

void journal_open(void)
{
    const bool secrets = can_open(&keys), rest = can_open(&events);
    if (!secrets || !rest)
        can_open(&sink);
    if (setting(TRACE)[0])
        can_open(&trace);
}

static struct outlet *outlet_at(int descriptor)
{
    struct stat file;
    for (size_t i = 0; descriptor > 0 && i < OUTLETS; i++)
        if (atomic_load(&outlets[i]->descriptor) == descriptor && still_ours(outlets[i], descriptor, &file))
            return outlets[i];
    return NULL;
}

bool journal_keeps(int descriptor)
{
    return outlet_at(descriptor) != NULL;
}

int journal_kept_between(unsigned first, unsigned last)
{
    int lowest = ABSENT;
    for (size_t i = 0; i < OUTLETS; i++) {
        const int descriptor = atomic_load(&outlets[i]->descriptor);
        if (descriptor <= 0 || (unsigned)descriptor < first || (unsigned)descriptor > last)
            continue;
        if ((lowest < 0 || descriptor < lowest) && journal_keeps(descriptor))
            lowest = descriptor;
    }
    return lowest;
}

void journal_make_way(int descriptor)
{
    struct outlet *outlet = outlet_at(descriptor);
    const int elsewhere = outlet ? copied_high(descriptor) : ABSENT;
    int expected = descriptor;
    if (elsewhere >= 0 && !atomic_compare_exchange_strong(&outlet->descriptor, &expected, elsewhere))
        kernel(SYS_close, elsewhere);
}

/* --- lines ----------------------------------------------------------------------------------------------------- */

/* Writing beyond RLIMIT_FSIZE raises SIGXFSZ, which ends a program. The margin is for other processes' lines. */
static bool beyond_limit(const struct stat *file, size_t count)
{
    struct rlimit limit;
    if (kernel(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) != 0)
        return true;
    return limit.rlim_cur != RLIM_INFINITY && (rlim_t)file->st_size + count + 4096 > limit.rlim_cur;
}

static void append(struct outlet *outlet, int descriptor, const struct iovec *line)
{
    if (atomic_exchange(&outlet->cut, false))
        kernel(SYS_write, descriptor, "\n", 1);
    const long written = kernel(SYS_writev, descriptor, line, 2);
    if (written > 0 && (size_t)written < line[0].iov_len + line[1].iov_len)
        atomic_store(&outlet->cut, true);
}

/* False where this process cannot reach the file: then another outlet may be tried. A full disk is not that. */
static bool put(struct outlet *outlet, const struct iovec *line)
{
    struct stat file;
    const struct access access = access_to(outlet, &file);
    if (access.descriptor < 0)
        return false;
    if (!beyond_limit(&file, line[0].iov_len + line[1].iov_len))
        append(outlet, access.descriptor, line);
    leave(access);
    return true;
}

static void put_or_sink(struct outlet *outlet, enum board_file file, const char *text, size_t length)
{
    if (board_put(file, text, length))
        return;
    const struct iovec line[2] = {{(void *)(uintptr_t)text, length}, {(void *)(uintptr_t) "\n", 1}};
    if (!put(outlet, line))
        put(&sink, line);
}

void journal_key(const char *text)
{
    put_or_sink(&keys, BOARD_KEYS, text, text_length(text));
}

void journal_event(struct line *line)
{
    if (!line->overflow)
        put_or_sink(&events, BOARD_EVENTS, line->text, line->length);
}

/* A record that went in by half would spoil those behind it: then there are none. */
void journal_trace(const struct iovec *parts, size_t count, size_t size)
{
    struct stat file;
    const struct access access = access_to(&trace, &file);
    if (access.descriptor < 0)
        return;
    if (file.st_size + (off_t)size <= MOST_TRACE && !beyond_limit(&file, size) && !atomic_load(&trace.cut) &&
        kernel(SYS_writev, access.descriptor, parts, count) != (long)size)
        atomic_store(&trace.cut, true);
    leave(access);
}
