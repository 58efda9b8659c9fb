/* Of a file that does not run yet: what would be done about the TLS inside of it. `file` is a whole file, which may be
 * anything. Called by plainwire itself (acquire/patching.py), never in the program under study; by one thread. */
#ifndef PLAINWIRE_JUDGE_H
#define PLAINWIRE_JUDGE_H

#include <stddef.h>
#include <stdint.h>

/* "patch", "SSLKEYLOGFILE", or why its secrets are not to be had; NULL where there is no TLS inside. */
const char *plainwire_judge(const unsigned char *file, size_t size);

enum { BEGINNING = 32 };

/* A function that is told of each secret, by the file's own addresses. */
struct place {
    uint64_t function; /* where a jump is to stand: behind what only marks the function's start */
    uint64_t covered;  /* how many bytes from there are to be moved */
    uint64_t labels, labels_end; /* the lowest and the highest address of a label */
    uint64_t hop_count, hops[2]; /* locate.h; none in Go */
    unsigned char code[BEGINNING]; /* what stands there */
};

/* That of a Go program, or else of OpenSSL or BoringSSL, in code of `machine` (EM_X86_64, EM_AARCH64). NULL, or why it is
 * not known. */
const char *plainwire_place(const unsigned char *file, size_t size, int machine, int go, struct place *place);

/* That of NSS as distributions build it, whose SSL_ExportKeyingMaterial is at an address. */
const char *plainwire_nss(const unsigned char *file, size_t size, uint64_t exporting, struct place *place);

/* How many bytes at a function's start are to be moved for a jump, behind how many that only mark it (in the upper half);
 * 0 where it begins in a way that is not known. */
uint64_t plainwire_movable(const unsigned char *file, size_t size, int machine, uint64_t function);

/* Where a Go program makes its system calls; 0 where that is not known. */
uint64_t plainwire_calls(const unsigned char *file, size_t size);

#endif
