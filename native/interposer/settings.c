#include "settings.h"

#include <stddef.h>

#include "text.h"

extern char **environ;

static const char *const names[SETTINGS] = {
    [KEYS] = "PLAINWIRE_KEYS",
    [EVENTS] = "PLAINWIRE_EVENTS",
    [SINK] = "PLAINWIRE_SINK",
    [SSLKEYLOG] = "PLAINWIRE_SSLKEYLOG",
    [FILTERS] = "PLAINWIRE_FILTERS",
};
static char values[SETTINGS][LONGEST_PATH];

const char *variable(const char *name)
{
    const size_t length = text_length(name);
    for (char **entry = environ; entry && *entry; entry++)
        if (text_starts(*entry, name) && (*entry)[length] == '=')
            return *entry + length + 1;
    return NULL;
}

void settings_read(void)
{
    for (int which = 0; which < SETTINGS; which++) {
        const char *value = variable(names[which]);
        if (value && text_length(value) < LONGEST_PATH)
            bytes_copy(values[which], value, text_length(value) + 1);
    }
}

const char *setting(enum setting which)
{
    return values[which];
}
