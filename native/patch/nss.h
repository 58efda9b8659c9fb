/* NSS as distributions build it: without NSS_ALLOW_SSLKEYLOGFILE its function for key logs is there, and is called with
 * each secret, but does nothing. Code of x86-64. */
#ifndef PLAINWIRE_NSS_H
#define PLAINWIRE_NSS_H

#include "locate.h"

enum { NSS_COVERED = 5 }; /* bytes at the function's start, its return and what fills up behind it, that a jump may take */

/* `exporting` is where SSL_ExportKeyingMaterial is, by whose code the client random's place is told. What is found is
 * called with the session, a label and the secret's PK11SymKey; all that it does is to return. */
void nss_find(const struct parts *parts, uintptr_t exporting, struct location *found);

#endif
