/* One thread filters itself alone; it and others write and close, and it ends the process. Ends with 7. */
#define _GNU_SOURCE
#include "filters.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_barrier_t both;

static void *boxed(void *unused)
{
    struct sock_filter list[] = {NUMBER, ALLOW(write), ALLOW(close), ALLOW(futex), ALLOW(exit_group), KILL_OTHERS};
    struct sock_fprog program = PROGRAM(list);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    write(2, "boxed\n", 6);
    pthread_barrier_wait(&both);
    pthread_barrier_wait(&both);
    write(2, "boxed\n", 6);
    close(0);
    _exit(7);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_barrier_init(&both, NULL, 2);
    pthread_create(&thread, NULL, boxed, NULL);
    pthread_barrier_wait(&both);
    write(2, "free\n", 5);
    close(dup(1));
    pthread_barrier_wait(&both);
    pthread_join(thread, NULL);
    return 1;
}
