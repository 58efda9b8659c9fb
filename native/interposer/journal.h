/* Where the lines go: two files that plainwire made before the program started, and a last resort.
 *
 * Rules, because these are somebody else's processes:
 * 1. Nothing is created: a file that is not there (any more) is not written.
 * 2. A line is one write(2) to a descriptor with O_APPEND, so lines of many processes stay whole.
 * 3. A descriptor of ours may at any time become the program's: it closes all it can, and opens a file under the
 *    same number. So device and inode are compared before each write; where they differ the file is opened anew.
 * 4. A process that gave up its privileges cannot open the files anew. It appends to the sink, which anybody may
 *    append to.
 * 5. System calls are made directly: the libc's functions are points of thread cancellation, and other preloaded
 *    libraries stand in their place too.
 * 6. Nothing that goes wrong may be seen by the program: no signal, no message. errno is for the callers to keep.
 */
#ifndef PLAINWIRE_JOURNAL_H
#define PLAINWIRE_JOURNAL_H

#include <stdbool.h>

#include "line.h"

/* Takes the names of the files from PLAINWIRE_KEYS, PLAINWIRE_EVENTS and PLAINWIRE_SINK, at load: the program may
 * change its environment later. */
void journal_configure(void);

/* Whether this process is under plainwire at all. */
bool journal_wanted(void);

/* Opens the files ahead of need: while the process still may. */
void journal_open(void);

/* `line` must have room for its end of line, which is added. */
void journal_key(struct line *line);
void journal_event(struct line *line);

#endif
