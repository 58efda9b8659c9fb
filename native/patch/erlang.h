/* Erlang's TLS is written in Erlang. What it reckons with is OpenSSL's, by the library of its application crypto, which
 * calls two functions of that by way of its table of addresses: the digest of a message, and a code (HMAC). What goes
 * through these has all secrets in it: TLS 1.2's master secret as a key, with the client random in what it is for
 * (RFC 5246 section 6.3); TLS 1.3's secrets as results, named by their labels, with the digest of all messages so far
 * (RFC 8446 section 7.1), the first of which has the client random. */
#ifndef PLAINWIRE_ERLANG_H
#define PLAINWIRE_ERLANG_H

#include <stdbool.h>
#include <stdint.h>

#include "../interposer/objects.h"

enum { ERLANG_SLOTS = 2 };

bool erlang_is_crypto(const struct object *object);

/* Finds the two places in its table, and what OpenSSL has for them. NULL, or why they are not there. */
const char *erlang_find(const struct object *object, uintptr_t slots[ERLANG_SLOTS]);

/* What is to be written there. `name`: the library's, as JSON, for as long as the process runs. */
void erlang_begin(const char *name, uintptr_t ours[ERLANG_SLOTS]);

#endif
