#include "keylogfile.h"

#include <stddef.h>

#include "hook.h"
#include "process.h"
#include "settings.h"
#include "text.h"

#define NAME "SSLKEYLOGFILE"

extern char **environ;

static char *(*_Atomic real_getenv)(const char *);
static char *(*_Atomic real_secure_getenv)(const char *);

static char entry[sizeof NAME "=" + LONGEST_PATH]; /* "" where nothing is hidden */

void keylogfile_resolve(void)
{
    RESOLVE(getenv)
    RESOLVE(secure_getenv)
}

const char *keylogfile_hidden(void)
{
    return entry[0] ? entry : NULL;
}

static void take_out(void)
{
    char **kept = environ;
    for (char **at = environ; *at; at++)
        if (!text_starts(*at, NAME "="))
            *kept++ = *at;
    *kept = NULL;
}

static void hide(const char *value)
{
    bytes_copy(entry, NAME "=", sizeof NAME);
    bytes_copy(entry + sizeof NAME, value, text_length(value) + 1);
    take_out();
}

static void show(const char *value)
{
    int (*setenv)(const char *, const char *, int) = (int (*)(const char *, const char *, int))next_symbol("setenv");
    if (setenv)
        setenv(NAME, value, 0);
}

void keylogfile_settle(void)
{
    const char *ours = setting(SSLKEYLOG), *theirs = variable(NAME);
    if (!ours[0] || (theirs && !text_equal(theirs, ours)))
        return;
    if (process_is_cpython() || setting(RESTORED)[0])
        hide(ours);
    else if (!theirs)
        show(ours);
}

static char *shown(const char *name, char *value)
{
    return !value && entry[0] && text_equal(name, NAME) ? entry + sizeof NAME : value;
}

HOOK char *getenv(const char *name)
{
    hooks_ready();
    return shown(name, atomic_load(&real_getenv)(name));
}

HOOK char *secure_getenv(const char *name)
{
    hooks_ready();
    return shown(name, atomic_load(&real_secure_getenv)(name));
}
