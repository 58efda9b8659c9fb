#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/uio.h>

#include "kernel.h"
#include "line.h"
#include "settings.h"
#include "text.h"

static int first;
static bool cpython;
static char command[96] = "null";
static char executable[640] = "null";

int process_id(void)
{
    return (int)kernel(SYS_getpid);
}

int thread_id(void)
{
    return (int)kernel(SYS_gettid);
}

bool process_is_first(void)
{
    return first == process_id();
}

static void keep(char *into, size_t room, const char *text)
{
    struct line line;
    line_begin(&line, into, room - 1);
    line_string(&line, text);
    if (line.overflow) {
        line_begin(&line, into, room - 1);
        line_string(&line, NULL);
    }
    into[line.length] = '\0';
}

void process_configure(void)
{
    static char path[LONGEST_PATH];
    first = process_id();
    keep(command, sizeof command, program_invocation_short_name);
    const long length = kernel(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        return;
    path[length] = '\0';
    keep(executable, sizeof executable, path);
    cpython = text_starts(text_name(path), "python");
}

const char *process_command(void)
{
    return command;
}

const char *process_executable(void)
{
    return executable;
}

bool process_is_cpython(void)
{
    return cpython;
}

bool read_safely(uintptr_t from, void *into, size_t count)
{
    const struct iovec to = {into, count}, at = {(void *)from, count};
    return kernel(SYS_process_vm_readv, process_id(), &to, 1, &at, 1, 0) == (long)count;
}
