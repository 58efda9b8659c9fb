/* rustls: where a program asks for no key log, its objects have NoKeyLog, whose methods do nothing. Where they are written
 * down (a table of a trait's methods) ours can be written instead. Code of x86-64 and aarch64. */
#ifndef PLAINWIRE_RUSTLS_H
#define PLAINWIRE_RUSTLS_H

#include "locate.h"

enum { MOST_TABLES = 4 }; /* a program may have several rustls in it */

/* Finds the places of the methods `log` and `will_log`, which stand side by side; how many. */
unsigned rustls_find(const struct parts *parts, uintptr_t *found);

#endif
