/* How functions of x86-64 begin: instructions that do the same wherever they stand, so that they can be moved. Instead of
 * a disassembler, a table of those that compilers put there; what is not in it is not moved. */
#ifndef PLAINWIRE_PROLOGUE_H
#define PLAINWIRE_PROLOGUE_H

#include <stddef.h>

enum { JUMP = 5 }; /* bytes of a jump */

/* How many bytes at `code` are such instructions, JUMP or a few more; 0 where they are not, or where code among the first
 * `size` bytes may jump in between them. */
size_t prologue_movable(const unsigned char *code, size_t size);

/* The bytes at the start that only mark where calls may lead to, and that stay where they are. */
size_t prologue_mark(const unsigned char *code);

#endif
