/* Writing into the code of this machine: a jump to the start of a function, and the stub that it leads to. */
#ifndef PLAINWIRE_CODE_H
#define PLAINWIRE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CODE_PAGE = 4096 };

/* What stubs call, with what the function was called with. It is compiled without vector registers. */
typedef void code_function(const void *patch, uintptr_t first, const char *second, const unsigned char *third,
                           size_t fourth);

/* Whether the pages of these bytes have another protection now (mprotect(2)). */
bool code_protect(uintptr_t at, size_t size, int protection);

/* prologue.h, of this machine. */
size_t code_mark(const unsigned char *code);
size_t code_movable(const unsigned char *code, size_t size);

/* A page as near to the object that begins at `low` as a jump reaches, below it, where nothing grows; NULL: there is none. */
unsigned char *code_page_near(uintptr_t low);

/* Write the stub: `covered` bytes at `moved` are what stood at the function's start, which goes on at `back`. False where
 * that is too far. */
bool code_stub(unsigned char *page, code_function *function, const void *patch, const unsigned char *moved,
               size_t covered, uintptr_t back);

/* Write a jump in place of `covered` bytes, of which nobody sees a part. NULL, or why it was not done. */
const char *code_jump(uintptr_t at, uintptr_t target, size_t covered);

#endif
