/* Where the lines go: two files (three where sockets are traced) that plainwire made before the program started, and a last
 * resort; but first, where there is one, to the board, from which plainwire takes them (board.h).
 *
 * Rules, because these are somebody else's processes:
 * 1. Nothing is created: a file that is not there (any more) is not written.
 * 2. A line is one write(2) to a descriptor with O_APPEND, so lines of many processes stay whole.
 * 3. Our descriptors are nobody's: where the program closes one it is told that there is none, as it would be without us,
 *    and where it wants the number for itself ours moves away (descriptors.c).
 * 4. For all that, a descriptor of ours may at any time become the program's, by system calls that we do not see. So
 *    device and inode are compared before each write; where they differ the file is opened anew.
 * 5. Our descriptors have high numbers. Where none are to be had (ulimit -n), the file is opened for each line.
 * 6. A process that gave up its privileges cannot open the files anew: so they are opened before it does. If that was
 *    not seen, it appends to the sink, which anybody may append to.
 * 7. System calls are made directly (kernel.h), and none in a sandbox (sandbox.h).
 * 8. Nothing that goes wrong may be seen by the program: no signal, no message, no errno.
 */
#ifndef PLAINWIRE_JOURNAL_H
#define PLAINWIRE_JOURNAL_H

#include <stdbool.h>

#include <stddef.h>
#include <sys/uio.h>

#include "line.h"

/* Whether this process is under plainwire at all. */
bool journal_wanted(void);

/* Opens the files ahead of need: while the process still may. */
void journal_open(void);

/* A key log line, without its end. */
void journal_key(const char *text);

/* Without its end as well. One that has overflown is dropped. */
void journal_event(struct line *line);

/* A record of what goes over sockets (trace.h), `size` bytes in `count` parts: whole, or not at all. */
void journal_trace(const struct iovec *parts, size_t count, size_t size);

/* Whether `descriptor` is one of ours. */
bool journal_keeps(int descriptor);

/* The lowest of our descriptors between `first` and `last`; -1 where there is none. */
int journal_kept_between(unsigned first, unsigned last);

/* The program is about to make `descriptor` its own: if it is ours, ours moves to another number. */
void journal_make_way(int descriptor);

#endif
