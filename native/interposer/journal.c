#define _GNU_SOURCE
#include "journal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct outlet {
    char path[PATH_MAX];
    atomic_int descriptor; /* 0: never opened. We never keep 0 to 9. */
    atomic_ullong device, inode;
    atomic_bool cut; /* the last line was written in part */
};

static struct outlet keys, events, sink;

static void take_path(struct outlet *outlet, const char *variable)
{
    const char *path = getenv(variable);
    if (path && path[0] == '/' && strlen(path) < sizeof outlet->path)
        memcpy(outlet->path, path, strlen(path) + 1);
}

void journal_configure(void)
{
    take_path(&keys, "PLAINWIRE_KEYS");
    take_path(&events, "PLAINWIRE_EVENTS");
    take_path(&sink, "PLAINWIRE_SINK");
}

bool journal_wanted(void)
{
    return keys.path[0] != '\0';
}

/* Out of the program's way: it may count on getting the lowest numbers, and on select(2) for those that it has. */
static int moved_high(int descriptor)
{
    static const int floors[] = {900, 200, 10};
    int high = -1;
    for (size_t i = 0; i < sizeof floors / sizeof floors[0] && high < 0; i++)
        high = (int)syscall(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, floors[i]);
    syscall(SYS_close, descriptor);
    return high;
}

static bool is_ours(const struct outlet *outlet, const struct stat *file)
{
    return (unsigned long long)file->st_dev == atomic_load(&outlet->device) &&
           (unsigned long long)file->st_ino == atomic_load(&outlet->inode);
}

/* Another thread may do the same meanwhile: the one that comes second keeps what the first has opened. */
static int opened(struct outlet *outlet, int stale, struct stat *file)
{
    const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    const int low = (int)syscall(SYS_openat, AT_FDCWD, outlet->path, flags, 0);
    if (low < 0)
        return -1;
    const int descriptor = moved_high(low);
    if (descriptor < 0)
        return -1;
    if (syscall(SYS_fstat, descriptor, file) != 0 || !S_ISREG(file->st_mode)) {
        syscall(SYS_close, descriptor);
        return -1;
    }
    atomic_store(&outlet->device, (unsigned long long)file->st_dev);
    atomic_store(&outlet->inode, (unsigned long long)file->st_ino);
    if (!atomic_compare_exchange_strong(&outlet->descriptor, &stale, descriptor)) {
        syscall(SYS_close, descriptor);
        return stale;
    }
    return descriptor;
}

/* A descriptor of the outlet's file, and that file's state; -1 where this process may not open it. */
static int descriptor_of(struct outlet *outlet, struct stat *file)
{
    const int known = atomic_load(&outlet->descriptor);
    if (known > 0 && syscall(SYS_fstat, known, file) == 0 && is_ours(outlet, file))
        return known;
    return outlet->path[0] ? opened(outlet, known, file) : -1;
}

/* Writing beyond RLIMIT_FSIZE raises SIGXFSZ, which ends a program. The margin is for other processes' lines. */
static bool beyond_limit(const struct stat *file, size_t count)
{
    struct rlimit limit;
    if (syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) != 0)
        return true;
    return limit.rlim_cur != RLIM_INFINITY && (rlim_t)file->st_size + count + 4096 > limit.rlim_cur;
}

/* False where this process cannot reach the file: then another outlet may be tried. A full disk is not that. */
static bool put(struct outlet *outlet, struct line *line)
{
    struct stat file;
    const int descriptor = descriptor_of(outlet, &file);
    if (descriptor < 0)
        return false;
    if (beyond_limit(&file, line->length))
        return true;
    if (atomic_exchange(&outlet->cut, false))
        syscall(SYS_write, descriptor, "\n", 1);
    const long written = syscall(SYS_write, descriptor, line->text, line->length);
    if (written > 0 && (size_t)written < line->length)
        atomic_store(&outlet->cut, true);
    return true;
}

static void put_or_sink(struct outlet *outlet, struct line *line)
{
    line_text(line, "\n");
    if (!line->overflow && !put(outlet, line))
        put(&sink, line);
}

void journal_open(void)
{
    struct stat file;
    descriptor_of(&keys, &file);
    descriptor_of(&events, &file);
}

void journal_key(struct line *line)
{
    put_or_sink(&keys, line);
}

void journal_event(struct line *line)
{
    put_or_sink(&events, line);
}
