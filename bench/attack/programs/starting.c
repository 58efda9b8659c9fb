/* Starts echo in every way that the C library has; of each it prints what came of it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char *words[] = {"sh", "-c", "echo \"$WAY by $0\"", "name", NULL};

static void start(int way)
{
    char said[32];
    snprintf(said, sizeof said, "WAY=%d", way);
    char *own[] = {said, "PATH=/usr/bin:/bin", NULL}, *more[512] = {said};
    size_t count = 1;
    for (char **entry = environ; *entry && count < 511; entry++)
        more[count++] = *entry;
    putenv(said);
    switch (way) {
    case 0: execve("/bin/sh", words, own); break;
    case 1: execve("/bin/sh", words, more); break;
    case 2: execv("/bin/sh", words); break;
    case 3: execvp("sh", words); break;
    case 4: execvpe("sh", words, own); break;
    case 5: execl("/bin/sh", "sh", "-c", words[2], "a", NULL); break;
    case 6: execlp("sh", "sh", "-c", words[2], "b", "c", "d", "e", "f", "g", NULL); break;
    case 7: execle("/bin/sh", "sh", "-c", words[2], "c", NULL, own); break;
    case 8: fexecve(open("/bin/sh", O_RDONLY | O_CLOEXEC), words, more); break;
    case 9: execveat(AT_FDCWD, "/bin/sh", words, own, 0); break;
    case 10: execveat(open("/bin", O_PATH), "sh", words, more, 0); break;
    case 11: execv("/no/such/file", words); break;
    case 12: execvp("no-such-file", words); break;
    case 13: execve("/bin/sh", words, NULL); break;
    case 14: execvp("", words); break;
    }
    perror("not started");
    _exit(1);
}

int main(void)
{
    int status;
    pid_t pid;
    for (int way = 0; way < 15; way++) {
        fflush(stdout);
        pid = fork();
        if (pid == 0)
            start(way);
        waitpid(pid, &status, 0);
        printf("%d ended with %d\n", way, status);
        fflush(stdout);
    }
    putenv("WAY=spawn");
    printf("%d\n", posix_spawn(&pid, "/bin/sh", NULL, NULL, words, environ));
    waitpid(pid, &status, 0);
    printf("%d\n", posix_spawnp(&pid, "sh", NULL, NULL, words, environ));
    waitpid(pid, &status, 0);
    printf("%d\n", posix_spawnp(&pid, "no-such-file", NULL, NULL, words, environ));
    fflush(stdout);
    system("echo system");
    pclose(popen("cat; echo popen", "w"));
}
