#define _GNU_SOURCE
#include "variable.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "SSLKEYLOGFILE"

static bool in_cpython(void)
{
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        return false;
    path[length] = '\0';
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, "python", strlen("python")) == 0;
}

void variable_settle(void)
{
    const char *ours = getenv("PLAINWIRE_SSLKEYLOG");
    if (!ours)
        return;
    const char *theirs = getenv(NAME);
    if (theirs && strcmp(theirs, ours) != 0)
        return;
    if (in_cpython())
        unsetenv(NAME);
    else if (!theirs)
        setenv(NAME, ours, 0);
}
