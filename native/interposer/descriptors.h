/* Which of the process's descriptors are connections: those that connect(2) or accept(2) made, and copies of them. Of all
 * others nothing is asked: they cost nothing, and a sandbox that we do not know of cannot take offence.
 *
 * A mark may stay behind where a descriptor was closed by system calls that we do not see. So it only says that it is
 * worth asking the kernel. */
#ifndef PLAINWIRE_DESCRIPTORS_H
#define PLAINWIRE_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>

/* Looks at standard input, output and error, at load: an inetd gives a connection to them. */
void descriptors_look(void);

void descriptor_mark(int descriptor);
bool descriptor_marked(int descriptor);

/* Whether `descriptor` did not send to this address (struct sockaddr, `length` bytes) the last time. */
bool descriptor_sends_to(int descriptor, const void *address, size_t length);

#endif
