/* What a Go program's system calls on TCP sockets do, told as the interposer tells it of other programs (trace.h).
 *
 * The instructions are compiled with everything else, lie together in a section of their own that refers to nothing
 * outside of it, and are copied from there into the program (acquire/go_calls.py), whose function for system calls
 * jumps to them. They are no part of the process that this library is loaded in, and take no rule from hook.h but
 * these: no lock, no memory of their own but GO_STACK bytes of stack, which is a goroutine's and small, no call but of
 * the kernel, and none in a process that may be in a sandbox. Records go into memory that the program shares with plainwire. */
#ifndef PLAINWIRE_GO_CALLS_H
#define PLAINWIRE_GO_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "../interposer/trace.h"

enum {
    GO_MARKS = 1 << 16,          /* descriptors; of higher ones nothing is told */
    GO_MARKS_AT = 4096,          /* in the shared memory: a byte for each, 1 where it may be a connection */
    GO_LOG_AT = GO_MARKS_AT + GO_MARKS,
    GO_LOG = 512 << 20,          /* bytes */
    GO_RESERVE = 1 << 20,        /* bytes beyond the limit that are for records without what was moved */
    GO_STACK = 480,
};

/* The shared memory's begin. The log only grows; what plainwire has read it gives back to the kernel. */
struct go_shared {
    _Atomic uint64_t claimed; /* bytes of the log that are some record's */
    uint64_t apart[7];
    _Atomic uint64_t limit; /* how far the log may grow: written by plainwire, a window ahead of what it has read */
    uint64_t apart_too[7];
    _Atomic uint64_t lost; /* records that found no room */
};

/* A record in the log, at a multiple of 16 bytes. Of one that failed (TRACE_FAILED) `unread` is the call's number. */
struct go_record {
    _Atomic uint32_t size;  /* of all of it, before it is rounded; 0: it was just claimed */
    _Atomic uint32_t whole; /* 1 where all of it is written */
    uint64_t descriptor;
    struct trace_head head;
    unsigned char bytes[];
};
_Static_assert(sizeof(struct go_record) == 120, "as the reader has it");

/* At the section's begin: what is written there of the program that it was copied into. */
struct go_data {
    struct go_shared *shared;
    const int *silent; /* not 0 where nothing may be told any more */
    const void *next;  /* where calls go on that are nothing to us */
    const void *behind; /* what stands behind the instruction `syscall` */
    uint64_t pid;
};

/* The section, and where in it what the function is to jump to; NULL: there is none for this machine. */
const void *plainwire_go_calls(size_t *size, size_t *entry);

#endif
