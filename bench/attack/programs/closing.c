/* Closes all that there is, and all that there is not, in every way; prints which were open. */
#define _GNU_SOURCE
#include "loopback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void have(void)
{
    int mine = refused();
    printf("%d ", mine);
    fputs("words\n", stderr);
}


int main(void)
{
    int closed = 0, refusals = 0;
    have();
    for (int i = 3; i < 2000; i++) {
        errno = 0;
        closed += close(i) == 0;
        refusals += errno == EBADF;
    }
    printf("closed %d, not there %d\n", closed, refusals);
    have();
    printf("%d ", close_range(3, ~0u, 0));
    have();
    printf("%d %d ", close_range(9, 3, 0), errno);
    printf("%d %d ", close_range(3, 9, 1 << 20), errno);
    closefrom(3);
    have();
    close(3);
    setuid(getuid());
    for (int i = 3; i < 2000; i++)
        close(i);
    puts("done");
}
