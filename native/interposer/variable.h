/* SSLKEYLOGFILE, which plainwire sets for the TLS libraries that this one does not reach. */
#ifndef PLAINWIRE_VARIABLE_H
#define PLAINWIRE_VARIABLE_H

/* Takes it out of CPython's environment, before CPython reads that, and puts it back for CPython's children.
 * PLAINWIRE_SSLKEYLOG has the value that plainwire set; one of the user's own is left alone.
 *
 * CPython would write the lines that we write once more, in a lock of its own, which costs a seventh of a
 * handshake; and create_default_context fails in a process that may not write that file. */
void variable_settle(void);

#endif
