/* 200 processes that connect, each by a fork; then another program, started by one of several threads. */
#define _GNU_SOURCE
#include "loopback.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void *connect_all_the_time(void *unused)
{
    for (;;)
        close(refused());
    return unused;
}

static void *become_another(void *words)
{
    usleep(20000);
    execv("/bin/echo", words);
    _exit(1);
}

int main(void)
{
    static char *words[] = {"echo", "another", NULL};
    pthread_t threads[9];
    int right = 0, status;
    for (int i = 0; i < 200; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            close(refused());
            _exit(i % 100);
        }
        right += waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == i % 100;
    }
    printf("%d\n", right);
    fflush(stdout);
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, connect_all_the_time, NULL);
    pthread_create(&threads[8], NULL, become_another, words);
    for (;;)
        pause();
}
