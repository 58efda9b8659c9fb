/* Of a file that does not run yet: what would be done about the TLS inside of it. `file` is a whole file, which may be
 * anything. Called by plainwire itself (acquire/patching.py), never in the program under study; by one thread. */
#ifndef PLAINWIRE_JUDGE_H
#define PLAINWIRE_JUDGE_H

#include <stddef.h>
#include <stdint.h>

/* "patch", "SSLKEYLOGFILE", or why its secrets are not to be had; NULL where there is no TLS inside. */
const char *plainwire_judge(const unsigned char *file, size_t size);

enum { GO_BEGINNING = 32 };

/* A Go program's function that is told of each secret. `numbers`: where it is, by the file's own addresses; how many bytes
 * at its start are to be moved; the lowest and the highest address of a label. `code`: its first bytes. NULL, or why that
 * is not known. */
const char *plainwire_go(const unsigned char *file, size_t size, uint64_t numbers[4], unsigned char code[GO_BEGINNING]);

#endif
