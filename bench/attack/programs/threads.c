/* Eight threads that connect, speak and close while others fork, and children that do the same or start a program. */
#define _GNU_SOURCE
#include "loopback.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int wrong;

static void once(void)
{
    int made = refused();
    wrong += errno != ECONNREFUSED || write(2, "", 0) != 0 || close(made) != 0;
}

static void *work(void *number)
{
    for (int i = 0; i < 60; i++) {
        once();
        if (i % 10)
            continue;
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            once();
            if ((long)number % 2)
                execl("/bin/true", "true", NULL);
            _exit(wrong != 0);
        }
        waitpid(pid, &status, 0);
        wrong += status != 0;
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[8];
    for (long i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    printf("%d wrong\n", wrong);
}
