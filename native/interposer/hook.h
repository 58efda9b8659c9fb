/* What all functions that stand in the place of the program's own have in common.
 *
 * Each does what the real one does, for the caller and for errno, and more only where plainwire asked for it and the
 * process is in no sandbox. None takes a lock, allocates, or prints. None needs more than 2 KB of stack, with all that it
 * calls of ours (tests/native/test_library.py): a hook may run in a signal handler on a small stack of its own.
 */
#ifndef PLAINWIRE_HOOK_H
#define PLAINWIRE_HOOK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "keeping_errno.h"
#include "objects.h"

#define HOOK __attribute__((visibility("default")))

/* Finds the function `name` of the next library that has one. Not found means: not called either. */
#define RESOLVE(name) atomic_store(&real_##name, (__typeof__(atomic_load(&real_##name)))next_symbol(#name));

extern atomic_bool hooks_resolved_;
void hooks_resolve(void);

/* To be called first by each hook: libraries' constructors may run, and call us, before ours. */
static inline void hooks_ready(void)
{
    if (!atomic_load_explicit(&hooks_resolved_, memory_order_acquire))
        hooks_resolve();
}

/* Each file finds its own. */
void calls_resolve(void);
void children_resolve(void);
void copies_resolve(void);
void derivation_resolve(void);
void descriptors_resolve(void);
void exec_resolve(void);
void hexadecimal_resolve(void);
void keylogfile_resolve(void);
void libssl_resolve(void);
void mbedtls_resolve(void);
void rights_resolve(void);
void s2n_resolve(void);
void sandbox_resolve(void);
void tests_resolve(void);

/* Begins, if that has not happened: hooks that cannot do without call it. */
void hooks_load(void);

/* Whether plainwire wants to know of this process, and may. */
bool hooks_wanted(void);

#endif
