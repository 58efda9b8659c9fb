/* What goes over the program's TCP sockets, as the program itself sees it: for users who may not capture packets.
 *
 * One record a call: a head, and behind it the bytes that the call moved. It is written with one writev(2), whose parts
 * are the program's own buffers: nothing is copied here. Records of several threads stand in the order in which they were
 * written, so each has the time at which what it tells was begun (what is sent) or had happened (what came).
 * `plainwire.acquire.trace_records` reads it. Rules: journal.h. */
#ifndef PLAINWIRE_TRACE_H
#define PLAINWIRE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum trace_kind {
    TRACE_CLOCK = 'K',     /* ahead of a process's first: `received` is the time since the epoch */
    TRACE_CONNECT = 'C',   /* was called; `error` is 0, EINPROGRESS or EINTR */
    TRACE_CONNECTED = 'E', /* it is known to have succeeded */
    TRACE_ACCEPT = 'A',
    TRACE_SENT = 'S',
    TRACE_CAME = 'R', /* `total` 0: nothing more will come */
    TRACE_FAILED = 'X',
    TRACE_SHUTDOWN = 'H', /* `error` is how */
    TRACE_CLOSE = 'Q',    /* behind it what the program has not read, as far as it fits; `error` 1: it is to be a reset */
};

/* What the kernel knows of a connection (tcp(7), TCP_INFO) at one moment. */
struct trace_state {
    uint64_t time; /* CLOCK_MONOTONIC, ns; 0: nothing is traced */
    uint64_t acked, received; /* bytes; all ones where the kernel does not say */
    uint32_t last_data, last_ack; /* milliseconds since such a segment came */
    uint8_t state;
};

/* How a record begins. */
struct trace_head {
    char magic[8]; /* "plainwi\n" */
    uint64_t time, acked, received;
    uint32_t pid, tid, size, total, unread, last_data, last_ack;
    int32_t error;
    uint8_t kind, state, family, peer_family;
    uint16_t local_port, peer_port; /* in the network's order, as the addresses */
    uint8_t local[16], peer[16];
};
_Static_assert(sizeof(struct trace_head) == 104, "as the reader has it");

enum { TRACE_MOST_UNREAD = 384 }; /* bytes that are looked at before they are thrown away: alerts, mostly */

/* Whether plainwire wants it. */
bool trace_wanted(void);

/* How things stand now. */
void trace_look(int descriptor, struct trace_state *state);

/* `total` bytes were moved, from or to `parts`; `known` is false where they are not there. */
void trace_moved(int descriptor, enum trace_kind kind, const struct trace_state *state, const struct iovec *parts,
                 size_t count, size_t total, bool known);

/* All else. `to` (or NULL) is where a connect(2) was to go. */
void trace_call(int descriptor, enum trace_kind kind, const struct trace_state *state, int error, const void *to,
                size_t length);

#endif
