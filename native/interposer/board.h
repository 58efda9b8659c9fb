/* Memory that plainwire made, and that all processes of the program share: a line that is written there costs no system
 * call, where one into a file costs three and what the processor has to learn anew behind them (3 % of a handshake).
 *
 * plainwire empties it twice a second into the files (acquire/board.py). Where it is full, or is not to be had (another
 * user, another root), or plainwire has gone, lines go into the files as they always did (journal.h).
 *
 * It is a memfd that cannot shrink and whose pages are there: nothing that anybody does makes a store into it fail. No
 * descriptor of it stays. It lies in no core dump.
 *
 *     0     how many slots were claimed, ever
 *     64    how many of them plainwire has emptied
 *     72    not 0: no more of it
 *     4096  slots of 256 bytes. A line has as many as it needs, one behind the other, and begins with a mark, which is
 *           stored last; its length (2 bytes); which file it is for; how many slots.
 *
 * What a process that was killed has begun there has no mark; nobody waits for it for long. */
#ifndef PLAINWIRE_BOARD_H
#define PLAINWIRE_BOARD_H

#include <stdbool.h>
#include <stddef.h>

enum board_file { BOARD_KEYS = 'k', BOARD_EVENTS = 'e' };

/* Has it, from now on, in this process and those that come of it by fork(2), where plainwire gave it (PLAINWIRE_BOARD). */
void board_open(void);

/* Has it no longer: the process is about to be somebody who may not read what others tell. A thread that writes there just
 * now writes into memory of its own. */
void board_leave(void);

/* A line without its end. False where it has to go elsewhere. */
bool board_put(enum board_file file, const char *text, size_t length);

#endif
