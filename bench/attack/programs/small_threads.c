/* Threads with the smallest stack there is, each with a guard page: connect, copies, words, closes. Ends with 5. */
#define _GNU_SOURCE
#include "loopback.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

static void *work(void *unused)
{
    int made = refused(), copy = dup(made), other = fcntl(made, F_DUPFD_CLOEXEC, 100);
    write(2, "thread\n", 7);
    shutdown(made, SHUT_RDWR);
    dup2(made, copy);
    close(copy);
    close(other);
    close(made);
    return unused;
}

int main(void)
{
    pthread_attr_t attributes;
    pthread_t threads[4];
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN))
        return 1;
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], &attributes, work, NULL) || pthread_join(threads[i], NULL))
            return 1;
    return 5;
}
