/* Gives up everything, in the order given by the letters of its argument: r its root, u its user, c its descriptors. Then
 * connects, speaks, and closes. */
#define _GNU_SOURCE
#include "loopback.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <unistd.h>

int main(int count, char **words)
{
    for (const char *act = words[count - 1]; *act; act++) {
        if (*act == 'r' && (chroot("/proc/self/fdinfo") || chdir("/")))
            return 1;
        if (*act == 'u' && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
            return 2;
        if (*act == 'c')
            closefrom(3);
    }
    int made = refused(), error = errno;
    fprintf(stderr, "%d %d\n", made, error);
    fputs("words\n", stderr);
    printf("%d %d\n", close(made), setuid(0));
}
