/* Which test runs: pytest tells it in its environment, PYTEST_CURRENT_TEST, which it sets and takes away as tests come and
 * go. It is taken from the call that does so, not from the environment: other threads may be changing that. */
#include <stddef.h>
#include <stdlib.h>

#include "event.h"
#include "hook.h"
#include "settings.h"
#include "text.h"

#define CURRENT "PYTEST_CURRENT_TEST"

static int (*_Atomic real_setenv)(const char *, const char *, int);
static int (*_Atomic real_putenv)(char *);
static int (*_Atomic real_unsetenv)(const char *);

void tests_resolve(void)
{
    RESOLVE(setenv)
    RESOLVE(putenv)
    RESOLVE(unsetenv)
}

void tests_look(void)
{
    const char *given = variable(CURRENT);
    if (given)
        event_test(given);
}

static bool is_current(const char *name)
{
    return name && text_equal(name, CURRENT);
}

HOOK int setenv(const char *name, const char *value, int overwrite)
{
    hooks_ready();
    const int result = atomic_load(&real_setenv)(name, value, overwrite);
    if (result == 0 && is_current(name) && hooks_wanted())
        KEEPING_ERRNO(event_test(value));
    return result;
}

HOOK int putenv(char *entry)
{
    hooks_ready();
    const int result = atomic_load(&real_putenv)(entry);
    if (result == 0 && entry && text_starts(entry, CURRENT "=") && hooks_wanted())
        KEEPING_ERRNO(event_test(entry + sizeof CURRENT));
    return result;
}

HOOK int unsetenv(const char *name)
{
    hooks_ready();
    const int result = atomic_load(&real_unsetenv)(name);
    if (result == 0 && is_current(name) && hooks_wanted())
        KEEPING_ERRNO(event_test(""));
    return result;
}
