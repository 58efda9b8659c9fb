/* The file that a program is about to be started from: whether its loader would take our library, without a word. */
#ifndef PLAINWIRE_IMAGE_H
#define PLAINWIRE_IMAGE_H

#include <stdbool.h>

/* False for a program of another machine or width, for one that another loader than glibc's loads, and for one with a
 * sanitizer in a library, which must come before all others. Where nothing can be found out, and for a program without a
 * loader, whose children may have one: true. `path` is relative to `directory` (AT_FDCWD); "" is that descriptor itself. */
bool image_takes_us(int directory, const char *path);

/* The same for the file that execvp(3) would find by `name`. */
bool image_by_name_takes_us(const char *name);

#endif
