/* The ELF objects of this process, and the symbols that each of them defines.
 *
 * dlsym(3) cannot serve us: we stand in its place, it looks through scopes where we want one object, and it
 * leaves its traces in dlerror(3). So we read what the loader itself reads: the dynamic section and the hash
 * table of each object (System V ABI, chapter 5; DT_GNU_HASH as glibc and musl have it).
 */
#ifndef PLAINWIRE_OBJECTS_H
#define PLAINWIRE_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

struct object {
    uintptr_t low, high; /* where it is mapped: [low, high) */
    uintptr_t base;      /* what its addresses are relative to */
    const char *name;    /* as the loader knows it: a path, mostly */
    const void *dynamic;
    const void *segments; /* its program headers; NULL where they are not known */
    unsigned segment_count;
};

/* Calls `visit` for each object, the program first, until it returns true. The loader's lock is held meanwhile. */
void objects_all(bool (*visit)(const struct object *, void *), void *context);

/* Whether glibc's loader is at work, whose handles (dlopen(3)) are its link maps. */
bool objects_by_glibc(void);

/* Calls `visit` for each object that was loaded after this library, in load order, until it returns true.
 * The loader's lock is held meanwhile: `visit` must not load, unload, or wait. */
void objects_after_ours(bool (*visit)(const struct object *, void *), void *context);

/* The address of `symbol` if `object` itself defines it as a function; else NULL. */
void *object_symbol(const struct object *object, const char *symbol);

/* Whether `object` was linked with `other`. */
bool object_needs(const struct object *object, const struct object *other);

/* What RTLD_NEXT would find from here: the next definition of `symbol` in load order; NULL where there is none. To be
 * asked early, when there is but one thread: with glibc the loader's lock is not taken, and nothing of others is called,
 * since a sanitizer that stands in between may not be ready. */
void *next_symbol(const char *symbol);

#endif
