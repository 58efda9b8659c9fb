#define _GNU_SOURCE
#include "environment.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "hook.h"
#include "image.h"
#include "kernel.h"
#include "keylogfile.h"
#include "text.h"

#define PRELOAD "LD_PRELOAD="

static const char library[] = "libplainwire.so", separators[] = ": ";

/* --- room ------------------------------------------------------------------------------------------------------ */

/* A thread's own, since threads may start programs side by side. The model is the one that calls nothing. */
static _Thread_local struct {
    char *at;
    size_t size;
} room __attribute__((tls_model("initial-exec")));

static char *room_of(size_t size)
{
    enum { PAGE = 1 << 16 };
    if (size <= room.size)
        return room.at;
    if (room.at)
        kernel(SYS_munmap, room.at, room.size);
    size = (size + PAGE - 1) / PAGE * PAGE;
    const long at = kernel(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const bool failed = at < 0 && at > -4096;
    room.at = failed ? NULL : (char *)at;
    room.size = failed ? 0 : size;
    return room.at;
}

/* --- LD_PRELOAD ------------------------------------------------------------------------------------------------ */

static bool is_ours(const char *item, size_t length)
{
    const size_t own = sizeof library - 1;
    return length > own && item[length - own - 1] == '/' && bytes_equal(item + length - own, library, own);
}

/* Our library among those of an LD_PRELOAD; NULL where it is not. */
static const char *ours_in(const char *list, size_t *length)
{
    const char *item;
    while ((item = text_item(&list, separators, length)) && !is_ours(item, *length))
        ;
    return item;
}

static const char *entry_of(char *const *entries, const char *start)
{
    for (; *entries; entries++)
        if (text_starts(*entries, start))
            return *entries;
    return NULL;
}

/* Whether the loader will find it: not behind chroot(2), in a mount namespace, or as another user. */
static bool within_reach(const char *item, size_t length)
{
    char path[1024];
    if (length >= sizeof path)
        return true;
    bytes_copy(path, item, length);
    path[length] = '\0';
    const int file = (int)kernel(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file >= 0)
        kernel(SYS_close, file);
    return file >= 0;
}

/* Copies an LD_PRELOAD without our library; false where nothing else is left. */
static bool copy_others(char *into, const char *entry)
{
    const char *list = entry + sizeof PRELOAD - 1, *item;
    size_t length, used = sizeof PRELOAD - 1;
    bytes_copy(into, PRELOAD, used);
    while ((item = text_item(&list, separators, &length))) {
        if (is_ours(item, length))
            continue;
        if (used > sizeof PRELOAD - 1)
            into[used++] = ':';
        bytes_copy(into + used, item, length);
        used += length;
    }
    into[used] = '\0';
    return used > sizeof PRELOAD - 1;
}

/* --- the whole ------------------------------------------------------------------------------------------------- */

struct change {
    const char *preload; /* an LD_PRELOAD that must lose our library; or NULL */
    const char *added;   /* an entry more; or NULL */
};

static char *const *changed(char *const *given, const struct change *change)
{
    size_t count = 0;
    while (given[count])
        count++;
    const size_t strings = (count + 2) * sizeof *given;
    char *at = room_of(strings + (change->preload ? text_length(change->preload) + 1 : 0));
    if (!at)
        return given;
    char **made = (char **)(uintptr_t)at, **next = made;
    for (size_t i = 0; i < count; i++) {
        if (given[i] != change->preload)
            *next++ = given[i];
        else if (copy_others(at + strings, change->preload))
            *next++ = at + strings;
    }
    if (change->added)
        *next++ = (char *)(uintptr_t)change->added;
    *next = NULL;
    return made;
}

static char *const *prepared(char *const *given, bool (*takes_us)(int, const char *), int directory, const char *name)
{
    if (!hooks_wanted() || !given || !name)
        return given;
    size_t length;
    const char *preload = entry_of(given, PRELOAD);
    const char *ours = preload ? ours_in(preload + sizeof PRELOAD - 1, &length) : NULL;
    if (!ours)
        return given;
    struct change change = {.added = keylogfile_hidden()};
    if (change.added && entry_of(given, "SSLKEYLOGFILE="))
        change.added = NULL;
    if (!takes_us(directory, name) || !within_reach(ours, length))
        change.preload = preload;
    return change.preload || change.added ? changed(given, &change) : given;
}

static bool by_name(int unused, const char *name)
{
    (void)unused;
    return image_by_name_takes_us(name);
}

char *const *environment_for(int directory, const char *path, char *const *given)
{
    return prepared(given, image_takes_us, directory, path);
}

char *const *environment_for_name(const char *name, char *const *given)
{
    return prepared(given, by_name, AT_FDCWD, name);
}
