/* Where in an ELF object that holds OpenSSL or BoringSSL its function is that is told of each secret.
 *
 * ssl_log_secret(ssl, label, secret, length) is called for each secret, whether or not anybody asked for a key log. It is
 * exported by some; in others it is what the code calls that has just loaded the address of one label of the format:
 * the function that most of the labels lead to. Code of x86-64 and of aarch64 (arm64.h).
 */
#ifndef PLAINWIRE_LOCATE_H
#define PLAINWIRE_LOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_PARTS = 12, MOST_TEXTS = 24, MOST_HOPS = 2 };

enum part_kind { CONSTANTS, CODE, DATA };

/* A part of an object that is loaded. `bytes` are what is at `address`. */
struct part {
    const unsigned char *bytes;
    uintptr_t address;
    size_t size;
    enum part_kind kind;
};

struct parts {
    struct part list[MOST_PARTS];
    unsigned count;
    uintptr_t unwinding; /* address of its table of functions, .eh_frame_hdr; 0 where it has none */
    bool fixed;          /* it is loaded at the addresses that it was linked for */
    bool arm64;          /* its code is of aarch64; else of x86-64 */
};

struct location {
    uintptr_t function;
    unsigned short hops[MOST_HOPS]; /* from the first argument to the client random: offsets, each from where the one */
    unsigned hop_count;             /* before it points to */
    const char *why;                /* what it could not be found for; NULL where it was */
    uintptr_t labels[MOST_TEXTS];   /* what its second argument may be; none where the function is exported */
    unsigned label_count;
};

/* Where text stands among constants, or in code where those stand; NULL where it does not. */
const unsigned char *locate_text(const struct parts *parts, const char *text);

/* `exported` is the function where that is known already; else 0. Not to be called by two threads at a time. */
void locate_log(const struct parts *parts, uintptr_t exported, struct location *found);

/* The same for a Go program: (*tls.Config).writeKeyLog(label, random, secret), which too is called whether or not anybody
 * asked. It has the client random for an argument, and no hops. */
void locate_go(const struct parts *parts, struct location *found);

/* Where a Go program (since Go 1.19) makes its system calls, all but those of its runtime: Syscall6; 0 where that is not
 * known, as on aarch64, where it is called in another way. */
uintptr_t locate_go_calls(const struct parts *parts);

/* The addresses of labels alone. */
void locate_labels(const struct parts *parts, struct location *found);

/* The bytes at an address, of which at least `count` follow in the same part; NULL where there are none. */
const unsigned char *locate_at(const struct parts *parts, uintptr_t address, size_t count, enum part_kind kind);

#endif
