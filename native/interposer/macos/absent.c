/* Of what the interposer for Linux does beside writing key log lines, macOS has none: no shared memory for lines, and no
 * events. */
#include <stddef.h>

#include "../board.h"
#include "../event.h"

bool board_put(enum board_file file, const char *text, size_t length)
{
    (void)file, (void)text, (void)length;
    return false;
}

void event_tls(int descriptor, const char *random, const char *library, const char *how)
{
    (void)descriptor, (void)random, (void)library, (void)how;
}
