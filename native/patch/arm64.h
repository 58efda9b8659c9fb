/* Code of aarch64 as far as it matters here: every instruction has four bytes (Arm's manual, DDI 0487, C4). What is
 * only read is compiled on every machine, so that any can look into files of this one. */
#ifndef PLAINWIRE_ARM64_H
#define PLAINWIRE_ARM64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ARM64_INSTRUCTION = 4,
    ARM64_STUB = 160, /* bytes, of which there may be fewer */
};

/* Which page each register was given last, and by which instruction. All zeros to begin with. */
struct arm64_pages {
    uintptr_t page[32];
    uintptr_t given_at[32];
};

/* Whether an instruction may be of those by which an address is taken. The most are not. */
bool arm64_promising(const unsigned char *code);

/* The address that the instruction at `here` completes: adr; adrp and add. 0 where it completes none. */
uintptr_t arm64_address(struct arm64_pages *pages, const unsigned char *code, uintptr_t here);

/* Where it calls or jumps to, always; 0 where it does not. */
uintptr_t arm64_target(const unsigned char *code, uintptr_t here);

/* Whether it has memory or an address at `offset` from a register other than the stack's: to load a pointer from, or
 * (`bytes`) as where bytes are. */
bool arm64_takes(const unsigned char *code, unsigned offset, bool bytes);

/* How a function of Go's begins that looks at how much stack there is. */
bool arm64_begins_in_go(const unsigned char *code);

/* A function that does nothing; one that gives back 0. `code` has 16 bytes. */
bool arm64_does_nothing(const unsigned char *code);
bool arm64_gives_zero(const unsigned char *code);

/* prologue.h, of this machine. A jump takes the place of one instruction, so that none can lead in between. */
size_t arm64_mark(const unsigned char *code);
size_t arm64_movable(const unsigned char *code);

/* A jump from `at`; false where `target` is too far: 128 MB. */
bool arm64_jump(unsigned char *into, uintptr_t at, uintptr_t target);

/* What is to stand at `page`: it saves what a function may be called with, calls function(patch, and the first four
 * arguments), does what stood at the function's start, and goes on at `back`. How many bytes it has; 0 where that is too
 * far. `function` is compiled without vector registers. */
size_t arm64_stub(unsigned char *into, uintptr_t page, uintptr_t function, uintptr_t patch, const unsigned char *moved,
                  uintptr_t back);

#endif
