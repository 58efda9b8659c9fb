/* The file that a program is about to be started from: whether its loader would take our library, without a word. */
#ifndef PLAINWIRE_IMAGE_H
#define PLAINWIRE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

enum image {
    REFUSES, /* of another machine or width, loaded by another loader than glibc's and musl's, or with a sanitizer in a
              * library, which must come before all others */
    IGNORES, /* without a loader, though its children may have one; with the rights of another user; or nothing can be
              * found out */
    TAKES,
};

/* `path` is relative to `directory` (AT_FDCWD); "" is that descriptor itself. */
enum image image_at(int directory, const char *path);

/* The same for the file that execvp(3) would find by `name`. */
enum image image_by_name(const char *name);

enum { LONGEST_FOUND = 512 };

/* That file's path: `name` itself, or in `into`; NULL where there is none. */
const char *image_path(const char *name, char *into, size_t room);

/* Whether it is a program of this machine that Go's linker made. */
bool image_is_go(const char *path);

/* Whether a library of this name is the runtime of one of the compilers' sanitizers. */
bool image_is_sanitizer(const char *library);

#endif
