/* Children of vfork that close everything, connect, and start another program: what is left open in the parent, and that
 * the parent's connection is still its own. */
#define _GNU_SOURCE
#include "loopback.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_ones(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

int main(void)
{
    close(refused());
    fputs("words\n", stderr);
    int mine = refused(), before = open_ones(), wrong = 0, status;
    for (int i = 0; i < 60; i++) {
        pid_t pid = vfork();
        if (pid == 0) {
            for (int number = 3; number < 1100; number++)
                close(number);
            refused();
            write(2, i ? "" : "child\n", i ? 0 : 6);
            execl("/bin/true", "true", NULL);
            _exit(9);
        }
        waitpid(pid, &status, 0);
        wrong += status != 0;
    }
    printf("%d wrong, %d more open, %d\n", wrong, open_ones() - before, fcntl(mine, F_GETFD));
}
