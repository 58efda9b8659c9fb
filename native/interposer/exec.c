/* Functions that start programs: what they start gets the environment that environment.h has for it.
 *
 * They may be called in a child of vfork(2), in its parent's memory. Without _GNU_SOURCE, as calls.c. */
#include <linux/fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "environment.h"
#include "follow.h"
#include "hook.h"

extern char **environ;

static int (*_Atomic real_execve)(const char *, char *const *, char *const *);
static int (*_Atomic real_execveat)(int, const char *, char *const *, char *const *, int);
static int (*_Atomic real_execvpe)(const char *, char *const *, char *const *);
static int (*_Atomic real_fexecve)(int, char *const *, char *const *);
static __typeof__(&posix_spawn) _Atomic real_posix_spawn;
static __typeof__(&posix_spawnp) _Atomic real_posix_spawnp;

void exec_resolve(void)
{
    RESOLVE(execve)
    RESOLVE(execveat)
    RESOLVE(execvpe)
    RESOLVE(fexecve)
    RESOLVE(posix_spawn)
    RESOLVE(posix_spawnp)
}

HOOK int execve(const char *path, char *const *words, char *const *environment)
{
    hooks_ready();
    environment = environment_for(AT_FDCWD, path, environment);
    follow_exec(path);
    return atomic_load(&real_execve)(path, words, environment);
}

HOOK int execv(const char *path, char *const *words)
{
    return execve(path, words, environ);
}

HOOK int execvpe(const char *name, char *const *words, char *const *environment)
{
    hooks_ready();
    environment = environment_for_name(name, environment);
    follow_exec_by_name(name);
    return atomic_load(&real_execvpe)(name, words, environment);
}

HOOK int execvp(const char *name, char *const *words)
{
    return execvpe(name, words, environ);
}

HOOK int fexecve(int descriptor, char *const *words, char *const *environment)
{
    hooks_ready();
    return atomic_load(&real_fexecve)(descriptor, words, environment_for(descriptor, "", environment));
}

HOOK int execveat(int directory, const char *path, char *const *words, char *const *environment, int flags)
{
    hooks_ready();
    return atomic_load(&real_execveat)(directory, path, words, environment_for(directory, path, environment), flags);
}

/* --- with a list of words -------------------------------------------------------------------------------------- */

/* How many words there are, with the NULL that ends them. */
static size_t counted(const char *first, va_list list)
{
    size_t count = 1;
    va_list words;
    va_copy(words, list);
    for (const char *word = first; word; word = va_arg(words, const char *))
        count++;
    va_end(words);
    return count;
}

/* Takes them off the list, so that what stands behind the NULL comes next. */
static void take(char **words, const char *first, va_list *list)
{
    const char *word = first;
    for (; word; word = va_arg(*list, const char *))
        *words++ = (char *)(uintptr_t)word;
    *words = NULL;
}

/* Declares `words` in the caller's frame, where the C library has them as well, and fills it. */
#define TAKE_WORDS(first, list) \
    va_list list; \
    va_start(list, first); \
    char *words[counted(first, list)]; \
    take(words, first, &list)

HOOK int execl(const char *path, const char *first, ...)
{
    TAKE_WORDS(first, list);
    va_end(list);
    return execv(path, words);
}

HOOK int execlp(const char *name, const char *first, ...)
{
    TAKE_WORDS(first, list);
    va_end(list);
    return execvp(name, words);
}

HOOK int execle(const char *path, const char *first, ...)
{
    TAKE_WORDS(first, list);
    char *const *environment = va_arg(list, char *const *);
    va_end(list);
    return execve(path, words, environment);
}

/* --- posix_spawn ----------------------------------------------------------------------------------------------- */

HOOK int posix_spawn(pid_t *restrict pid, const char *restrict path, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *restrict attributes, char *const words[restrict],
                     char *const environment[restrict])
{
    hooks_ready();
    char *const *given = environment_for(AT_FDCWD, path, environment);
    follow_spawn(path);
    const int error = atomic_load(&real_posix_spawn)(pid, path, actions, attributes, words, given);
    follow_spawned();
    return error;
}

HOOK int posix_spawnp(pid_t *pid, const char *name, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes, char *const words[], char *const environment[])
{
    hooks_ready();
    char *const *given = environment_for_name(name, environment);
    follow_spawn_by_name(name);
    const int error = atomic_load(&real_posix_spawnp)(pid, name, actions, attributes, words, given);
    follow_spawned();
    return error;
}
