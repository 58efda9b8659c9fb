/* SSLKEYLOGFILE, which plainwire sets for the TLS libraries that the interposer does not reach. */
#ifndef PLAINWIRE_KEYLOGFILE_H
#define PLAINWIRE_KEYLOGFILE_H

#include <stdbool.h>

/* Takes plainwire's own out of CPython's environment, before CPython reads that; one of the user's stays. CPython would
 * write the lines that we write once more, in a lock of its own, which costs a seventh of a handshake; and
 * create_default_context fails in a process that may not write that file. C libraries inside of CPython, which ask
 * getenv(3), are told it all the same; so are those of a process with an environment of its own (environment.h). */
void keylogfile_settle(void);

/* What CPython's children are to have in their environment again, "NAME=VALUE"; NULL where nothing was taken out. */
const char *keylogfile_hidden(void);

#endif
