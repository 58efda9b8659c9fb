/* A Java class file (JVM specification, chapter 4), with a call put into one of its methods. */
#ifndef PLAINWIRE_CLASSFILE_H
#define PLAINWIRE_CLASSFILE_H

#include <stddef.h>

enum { CLASSFILE_GROWTH = 512 }; /* bytes that a class file grows at most */

/* Which method, by its name and how its descriptor starts, and which static method of two objects it is to call first,
 * with its own first and second argument. */
struct insertion {
    const char *method, *descriptor;
    const char *class, *name, *type;
};

/* Writes `class` with the call into `into`, which has room for CLASSFILE_GROWTH bytes more. The new length; 0 where
 * there is not exactly one such method, or it is not as simple as it should be: no branch, no handler of exceptions. */
size_t classfile_insert(const unsigned char *class, size_t length, const struct insertion *what, unsigned char *into);

#endif
