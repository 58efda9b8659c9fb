/* What plainwire is told beside the secrets: which process, thread and socket a session belongs to, what the kernel
 * told the program of its sockets, and what the program said of it. Nothing is told from inside a sandbox.
 * Format: docs/architecture.md, "The case folder". */
#ifndef PLAINWIRE_EVENT_H
#define PLAINWIRE_EVENT_H

#include <stdbool.h>
#include <stddef.h>

/* A handshake's first secret: `random` is its client random, 64 hex digits; `descriptor` -1 where the session has
 * no socket of its own; `library` a path as JSON; `how` the secret was had:
 * "callback" (the library's own), "derivation" (the call that derives keys from it), "patch" or "agent". */
void event_tls(int descriptor, const char *random, const char *library, const char *how);

/* TLS in this process whose secrets are not to be had: `library` a path as JSON. */
void event_unreached(const char *library, const char *why);

/* The process's own end, by exit(3). */
void event_end(int status);

/* A child of this process was ended by a signal, as wait(2) has just told. */
void event_killed(int child, int signal);

/* The process is about to enter a sandbox, or could not. Told of processes of which something else was told. */
void event_sandbox(bool entered);

/* Whether `descriptor` is a stream socket of IPv4 or IPv6. */
bool event_is_about(int descriptor);

/* A connect(2) that succeeded or is under way, `to` an address (struct sockaddr, `length` bytes). False where
 * `descriptor` is no stream socket of IPv4 or IPv6, of which nothing is told here. */
bool event_connect(int descriptor, const void *to, size_t length);

/* A socket for datagrams was connected, or sent one, `to` an address (struct sockaddr, `length` bytes). Only so many. */
void event_datagram(int descriptor, const void *to, size_t length);

/* `call` on `descriptor` failed with `error` (an errno). `to` (or NULL) is where a connect(2) was to go. Only errors
 * that the network makes count. */
void event_error(int descriptor, const char *call, int error, const void *to, size_t length);

/* The program is about to close(2) a stream socket or to shut it down: `call` is "close" or "shutdown". What it has not
 * read by then is told as well: closing with unread data makes the kernel send a RST. Of errors and closes it is told how many bytes the
 * peer had acknowledged (TCP_INFO); a SYN that this side sent first is one of them. */
void event_close(int descriptor, const char *call);

/* The test that begins, by pytest's name for it; "" where none runs any more. It is told where the process does more. */
void event_test(const char *name);

/* The program has written `count` bytes to its standard error. Of many words, only those that tell of an error. */
void event_words(const char *bytes, size_t count);

/* The same of its standard output: that may be anything, so only lines of text that tell of an error. */
void event_printed(const char *bytes, size_t count);

#endif
