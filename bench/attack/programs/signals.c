/* A timer's signal every fifth of a millisecond, in and between calls; its handler makes the same calls. */
#define _GNU_SOURCE
#include "loopback.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

static volatile int wrong, ticks;

static void once(void)
{
    errno = 4242;
    int made = refused();
    wrong += made < 0 || errno != ECONNREFUSED;
    wrong += write(made, "", 1) != -1 || errno != EPIPE;
    wrong += write(2, "", 0) != 0;
    wrong += close(made) != 0;
}

static void tick(int number)
{
    (void)number;
    const int error = errno;
    ticks++;
    once();
    errno = error;
}

int main(void)
{
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    const struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 500 || ticks < 20; i++)
        once();
    setitimer(ITIMER_REAL, &never, NULL);
    printf("%d wrong\n", wrong);
}
