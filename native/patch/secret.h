/* Secrets that were had in another way than by OpenSSL's own callback: checked, and written as key log lines. */
#ifndef PLAINWIRE_SECRET_H
#define PLAINWIRE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

enum { RANDOM = 32, LONGEST_SECRET = 64 };

/* The labels of Wireshark's format that may come, each once; NULL behind the last. */
extern const char *const secret_labels[];

/* Tells of a secret: `label` is one of the labels above (`length` bytes of it), `random` the client random. What cannot
 * be a secret is passed over: false. `library` is a path as JSON, `how` a word of event_tls. */
bool secret_tell(const char *label, size_t length, const unsigned char *random, const unsigned char *secret, size_t size,
                 const char *library, const char *how);

#endif
