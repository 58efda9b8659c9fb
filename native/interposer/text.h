/* Of string.h what is needed here. A sanitizer stands in the place of the C library's own, and is not ready yet when it
 * first calls us; so nothing of string.h is called, nor may the compiler call it by itself (setup.py). */
#ifndef PLAINWIRE_TEXT_H
#define PLAINWIRE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

size_t text_length(const char *text);
bool text_equal(const char *one, const char *other);
bool text_starts(const char *text, const char *start);
bool text_contains(const char *bytes, size_t count, const char *word);

/* What stands behind the last slash: a path's own name. */
const char *text_name(const char *path);

/* The next item of a list that `separators` part, and its length; `at` goes behind it. NULL at the end. */
const char *text_item(const char **at, const char *separators, size_t *length);

bool bytes_equal(const void *one, const void *other, size_t count);
void bytes_copy(void *to, const void *from, size_t count);
void bytes_clear(void *at, size_t count);

#endif
