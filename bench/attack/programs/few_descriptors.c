/* Has eight descriptors and no more; connects, copies until there are none left, closes. Prints what it got. */
#define _GNU_SOURCE
#include "loopback.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

int main(void)
{
    const struct rlimit limit = {8, 8};
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int round = 0; round < 3; round++) {
        int made = refused(), last = made, next;
        while ((next = dup(made)) >= 0)
            last = next;
        printf("%d to %d, then %d\n", made, last, errno);
        fputs("words\n", stderr);
        for (int i = made; i <= last; i++)
            printf("%d", close(i));
        printf("\n");
    }
}
