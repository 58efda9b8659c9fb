/* OpenSSL 1.0.2, which logs no keys: the master secret is read from the session when its handshake is done.
 *
 * Programs no longer come with it, but old wheels do. Its structures are not opaque, and do not change any more
 * (ssl/ssl_locl.h, ssl/ssl.h, ssl/ssl3.h of 1.0.2, on x86-64); what is read must look like what it should be.
 */
#ifndef PLAINWIRE_LEGACY_H
#define PLAINWIRE_LEGACY_H

#include "copies.h"

/* Has a context tell of each handshake. A program that wants to be told itself takes our callback away by that. */
void legacy_adopt(const struct copy *copy, SSL_CTX *context);

#endif
