/* Starts /hello behind chroot(2), in the folder given: as a child, and then in its own place. Ends with 7. */
#define _GNU_SOURCE
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(int count, char **words)
{
    pid_t pid;
    if (chroot(words[count - 1]) || chdir("/"))
        return 1;
    if (posix_spawn(&pid, "/hello", NULL, NULL, words, environ))
        return 2;
    waitpid(pid, NULL, 0);
    execv("/hello", words);
    return 3;
}
