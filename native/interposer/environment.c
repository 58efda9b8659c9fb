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
#include "line.h"
#include "settings.h"
#include "text.h"

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

/* Writes an LD_PRELOAD into `into`: `first`, and of `list` all but our library. False where that is nothing. */
static bool write_preload(struct line *into, const char *first, const char *list)
{
    const char *item;
    size_t length, skipped;
    line_text(into, PRELOAD);
    line_text(into, first);
    while ((item = text_item(&list, PRELOAD_SEPARATORS, &length))) {
        if (settings_ours_in(item, &skipped) == item)
            continue;
        line_text(into, into->length >= sizeof PRELOAD ? ":" : "");
        line_bytes(into, item, length);
    }
    const bool some = into->length >= sizeof PRELOAD;
    line_bytes(into, "", 1);
    return some;
}

static bool has_sanitizer(const char *list)
{
    const char *item;
    size_t length;
    while ((item = text_item(&list, PRELOAD_SEPARATORS, &length))) {
        size_t name = length;
        while (name > 0 && item[name - 1] != '/')
            name--;
        if (image_is_sanitizer(item + name))
            return true;
    }
    return false;
}

/* --- the whole ------------------------------------------------------------------------------------------------- */

struct change {
    const char *preload; /* the entry of LD_PRELOAD that is given; or NULL */
    bool removed;        /* our library is to go out of it */
    bool restored;       /* our library and its variables are to come in */
    const char *added;   /* an entry more; or NULL */
};

static const char *list_in(const struct change *change)
{
    return change->preload ? change->preload + sizeof PRELOAD - 1 : "";
}

static char **add_settings(char **next)
{
    static char mark[] = "PLAINWIRE_RESTORED=1";
    for (enum setting which = 0; which < RESTORED; which++)
        if (setting_entry(which))
            *next++ = (char *)(uintptr_t)setting_entry(which);
    *next++ = mark;
    return next;
}

static char **add_given(char **next, char *const *given, const struct change *change, char *preload)
{
    for (; *given; given++) {
        if (*given == change->preload && (change->removed || change->restored)) {
            if (preload)
                *next++ = preload;
        } else if (!change->restored || !text_starts(*given, "PLAINWIRE_")) {
            *next++ = *given;
        }
    }
    return next;
}

static char *const *changed(char *const *given, const struct change *change)
{
    size_t count = 0;
    while (given[count])
        count++;
    const size_t strings = (count + SETTINGS + 3) * sizeof *given;
    const char *first = change->restored ? setting(LIBRARY) : "";
    const size_t most = sizeof PRELOAD + text_length(first) + text_length(list_in(change)) + 2;
    char *at = room_of(strings + most);
    if (!at)
        return given;
    struct line line;
    line_begin(&line, at + strings, most);
    char *preload = write_preload(&line, first, list_in(change)) ? line.text : NULL;
    char **made = (char **)(uintptr_t)at, **next = add_given(made, given, change, preload);
    if (change->restored && !change->preload)
        *next++ = preload;
    if (change->added)
        *next++ = (char *)(uintptr_t)change->added;
    if (change->restored)
        next = add_settings(next);
    *next = NULL;
    return made;
}

static void decide(struct change *change, enum image image, char *const *given)
{
    size_t length;
    const char *ours = settings_ours_in(list_in(change), &length), *library = setting(LIBRARY);
    if (ours) {
        change->removed = image == REFUSES || !within_reach(ours, length);
        if (!entry_of(given, "SSLKEYLOGFILE="))
            change->added = keylogfile_hidden();
    } else if (!setting(FORBIDDEN)[0] && library[0]) {
        change->restored = image == TAKES && within_reach(library, text_length(library)) && !has_sanitizer(list_in(change));
    }
}

static char *const *prepared(char *const *given, enum image image)
{
    static char *const none[] = {NULL};
    if (!given)
        given = none;
    struct change change = {.preload = entry_of(given, PRELOAD)};
    decide(&change, image, given);
    return change.removed || change.restored || change.added ? changed(given, &change) : given;
}

char *const *environment_for(int directory, const char *path, char *const *given)
{
    return hooks_wanted() && path ? prepared(given, image_at(directory, path)) : given;
}

char *const *environment_for_name(const char *name, char *const *given)
{
    return hooks_wanted() && name ? prepared(given, image_by_name(name)) : given;
}
