/* What plainwire is told beside the secrets: which process, thread and socket a session belongs to.
 * Format: docs/architecture.md, "The case folder". */
#ifndef PLAINWIRE_EVENT_H
#define PLAINWIRE_EVENT_H

#include <stddef.h>

/* Keeps the program's name, at load: programs write over their argument vector. */
void event_configure(void);

/* A handshake's first secret: `random` is its client random, 64 hex digits; `descriptor` -1 where the session has
 * no socket of its own. */
void event_tls(int descriptor, const char *random, const char *library);

/* A connect(2) that succeeded or is under way, to `peer` (struct sockaddr, `length` bytes). Other sockets than
 * stream sockets of IPv4 and IPv6 are left out. */
void event_connect(int descriptor, const void *peer, size_t length);

#endif
