/* Sandboxes: a process that forbade itself system calls (seccomp(2)) may be killed for any of ours, so that from that
 * moment on the interposer makes none. A fork carries that on in its memory; after exec it is read from /proc. */
#ifndef PLAINWIRE_SANDBOX_H
#define PLAINWIRE_SANDBOX_H

#include <stdbool.h>

/* Whether this process is in a sandbox. */
bool sandboxed(void);

/* Finds out, at load, whether the process was started inside of one: it is where the kernel counts more filters for it
 * than plainwire itself has, or does not say. Makes such system calls only as the loader has just made itself. */
void sandbox_look(void);

#endif
