#include "settings.h"

#include <stdbool.h>

#include "text.h"

#define OURS "PLAINWIRE_"

#ifdef __APPLE__
#include <crt_externs.h>
#define environ (*_NSGetEnviron()) /* a library there has no environ */
#else
extern char **environ;
#endif

static const char *const names[LIBRARY] = {
    [KEYS] = OURS "KEYS",
    [EVENTS] = OURS "EVENTS",
    [TRACE] = OURS "TRACE",
    [ONLY] = OURS "ONLY",
    [BOARD] = OURS "BOARD",
    [SINK] = OURS "SINK",
    [SSLKEYLOG] = OURS "SSLKEYLOG",
    [FILTERS] = OURS "FILTERS",
    [FORBIDDEN] = OURS "NO_RESTORE",
    [FOLLOW] = OURS "FOLLOW",
    [RESTORED] = OURS "RESTORED",
};
static struct {
    size_t value; /* where in the entry it begins; 0 where there is none */
    char entry[sizeof OURS "NO_RESTORE=" + LONGEST_PATH];
} settings[SETTINGS];

const char *variable(const char *name)
{
    const size_t length = text_length(name);
    for (char **entry = environ; entry && *entry; entry++)
        if (text_starts(*entry, name) && (*entry)[length] == '=')
            return *entry + length + 1;
    return NULL;
}

static void keep(enum setting which, const char *entry, size_t value, size_t length)
{
    if (length >= sizeof settings[which].entry)
        return;
    bytes_copy(settings[which].entry, entry, length);
    settings[which].entry[length] = '\0';
    settings[which].value = value;
}

static bool is_ours(const char *item, size_t length)
{
    static const char library[] = "/libplainwire.so";
    const size_t own = sizeof library - 1;
    return length >= own && bytes_equal(item + length - own, library, own);
}

const char *settings_ours_in(const char *list, size_t *length)
{
    const char *item;
    while ((item = text_item(&list, PRELOAD_SEPARATORS, length)) && !is_ours(item, *length))
        ;
    return item;
}

/* --- an environment that was added to -------------------------------------------------------------------------- */

/* Ours stands first in the list, and was put there by us. */
static bool is_added(char *entry)
{
    char *list = entry + sizeof PRELOAD - 1;
    size_t length;
    if (text_starts(entry, OURS))
        return true;
    if (!text_starts(entry, PRELOAD) || settings_ours_in(list, &length) != list)
        return false;
    const char *others = list + length + (list[length] ? 1 : 0);
    bytes_copy(list, others, text_length(others) + 1);
    return !*list;
}

static void take_out_added(void)
{
    char **kept = environ;
    for (char **at = environ; *at; at++)
        if (!is_added(*at))
            *kept++ = *at;
    *kept = NULL;
}

void settings_read(void)
{
    size_t length;
    for (enum setting which = 0; which < LIBRARY; which++) {
        const char *value = variable(names[which]);
        const size_t start = text_length(names[which]) + 1;
        if (value)
            keep(which, value - start, start, start + text_length(value));
    }
    const char *preload = variable("LD_PRELOAD"), *library = preload ? settings_ours_in(preload, &length) : NULL;
    if (library)
        keep(LIBRARY, library, 0, length);
    if (setting(RESTORED)[0])
        take_out_added();
}

const char *setting(enum setting which)
{
    return settings[which].entry + settings[which].value;
}

bool settings_allow(const char *method)
{
    return !setting(ONLY)[0] || text_equal(setting(ONLY), method);
}

const char *setting_entry(enum setting which)
{
    return settings[which].value ? settings[which].entry : NULL;
}
