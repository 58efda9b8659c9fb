/* Who this process is, found out at load: programs write over their argument vector. */
#ifndef PLAINWIRE_PROCESS_H
#define PLAINWIRE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void process_configure(void);

int process_id(void);
int thread_id(void);

/* Whether this is the process that loaded us, or became it by exec: not a fork, nor a child of vfork(2), which has our
 * memory but descriptors of its own. */
bool process_is_first(void);

/* As JSON: its name, and the file that it runs; null where that is too long, or not to be had. */
const char *process_command(void);
const char *process_executable(void);

bool process_is_cpython(void);

/* Reads this process's own memory by the kernel, which finds out whether there is anything to read. */
bool read_safely(uintptr_t from, void *into, size_t count);

#endif
