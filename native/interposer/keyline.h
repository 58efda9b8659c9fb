/* Lines of the key log. */
#ifndef PLAINWIRE_KEYLINE_H
#define PLAINWIRE_KEYLINE_H

/* The client random (64 hex digits, in the line) where a line comes once a handshake; else NULL. */
const char *random_if_first(const char *line);

#endif
