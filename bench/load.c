/* Sends UDP datagrams of a size to a port of 127.0.0.1 at a rate: load RATE SECONDS SIZE PORT. Prints how many. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 50, LARGEST = 1400 };

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

int main(int count, char **words)
{
    if (count != 5)
        return 2;
    const double rate = atof(words[1]), seconds = atof(words[2]);
    static char data[LARGEST];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(words[4]))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct iovec piece = {data, (size_t)atoi(words[3])};
    struct mmsghdr batch[BATCH];
    memset(batch, 0, sizeof batch);
    for (int i = 0; i < BATCH; i++)
        batch[i].msg_hdr = (struct msghdr){.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &piece, .msg_iovlen = 1};
    const int out = socket(AF_INET, SOCK_DGRAM, 0);
    const double began = now();
    long sent = 0;
    for (double passed = 0; passed < seconds; passed = now() - began) {
        if ((double)sent > passed * rate) {
            nanosleep(&(struct timespec){0, 100000}, NULL);
            continue;
        }
        const int done = sendmmsg(out, batch, BATCH, 0);
        sent += done > 0 ? done : 0;
    }
    printf("%ld\n", sent);
    return 0;
}
