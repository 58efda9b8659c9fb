/* Starts echo in a mount namespace in which the folders given are empty. */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int count, char **words)
{
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return 1;
    for (int i = 1; i < count; i++)
        if (mount("none", words[i], "tmpfs", 0, NULL))
            return 2;
    execlp("echo", "echo", "elsewhere", NULL);
    return 3;
}
