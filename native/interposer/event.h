/* What plainwire is told beside the secrets: which process, thread and socket a session belongs to, what the kernel
 * told the program of its sockets, and what the program said of it.
 * Format: docs/architecture.md, "The case folder". */
#ifndef PLAINWIRE_EVENT_H
#define PLAINWIRE_EVENT_H

#include <stddef.h>

/* Keeps the program's name, at load: programs write over their argument vector. */
void event_configure(void);

/* A handshake's first secret: `random` is its client random, 64 hex digits; `descriptor` -1 where the session has
 * no socket of its own. */
void event_tls(int descriptor, const char *random, const char *library);

/* The process's own end, by exit(3). */
void event_end(int status);

/* A connect(2) that succeeded or is under way, to `peer` (struct sockaddr, `length` bytes). Other sockets than
 * stream sockets of IPv4 and IPv6 are left out. */
void event_connect(int descriptor, const void *peer, size_t length);

/* `call` on `descriptor` failed with `error` (an errno). `peer` (or NULL) is where a connect(2) was to go. Only stream
 * sockets of IPv4 and IPv6 count, and only errors that the network makes. */
void event_error(int descriptor, const char *call, int error, const void *peer, size_t length);

/* The program is about to close(2) a stream socket or to shut it down: `call` is "close" or "shutdown". What it has not
 * read by then is told as well: closing with unread data makes the kernel send a RST. */
void event_close(int descriptor, const char *call);

/* The program has written `count` bytes to its standard error. Of many words, only those that tell of an error. */
void event_words(const char *bytes, size_t count);

#endif
