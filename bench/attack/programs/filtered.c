/* Has a connection, then allows itself read, write, close and exit: installed by prctl, by syscall, or refused at first.
 * Closes what it has, writes in all ways. Ends with 7. */
#define _GNU_SOURCE
#include "filters.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int main(int count, char **words)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&address, length) || listen(listener, 1) ||
        getsockname(listener, (void *)&address, &length) || connect(client, (void *)&address, length))
        return 1;
    int server = accept(listener, NULL, NULL);
    fprintf(stderr, "%s\n", words[count - 1]);

    struct sock_filter list[] = {NUMBER, ALLOW(read), ALLOW(write), ALLOW(writev), ALLOW(close), ALLOW(shutdown),
                                 ALLOW(exit), ALLOW(exit_group), KILL_OTHERS};
    struct sock_fprog program = PROGRAM(list);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (strcmp(words[count - 1], "asking") == 0) {
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL);
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, NULL);
        fprintf(stderr, "%d\n", errno);
    }
    if (strcmp(words[count - 1], "prctl") == 0)
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    else
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);

    char byte;
    struct iovec part = {"parts\n", 6};
    shutdown(client, SHUT_WR);
    read(server, &byte, 1);
    close(server);
    close(client);
    close(0);
    write(2, "words\n", 6);
    writev(2, &part, 1);
    fputs("stdio\n", stderr);
    write(77, "", 1);
    exit(7);
}
