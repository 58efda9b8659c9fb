/* Calls with arguments that cannot be: what each gives, and errno. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHOW(call) \
    do { \
        errno = 4242; \
        long result_ = (long)(call); \
        printf("%-50s %ld %d\n", #call, result_, errno); \
    } while (0)

int main(void)
{
    void *nowhere = (void *)16;
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
    char byte = 0;
    SHOW(connect(-1, nowhere, 16));
    SHOW(connect(1, nowhere, 16));
    SHOW(connect(tcp, nowhere, 16));
    SHOW(connect(tcp, NULL, 0));
    SHOW(connect(tcp, &none, sizeof none));
    SHOW(connect(udp, &none, sizeof none));
    SHOW(accept(-1, NULL, NULL));
    SHOW(accept4(tcp, NULL, NULL, -1));
    SHOW(read(-1, &byte, 1));
    SHOW(read(tcp, &byte, 1));
    SHOW(recv(tcp, nowhere, 1, 0));
    SHOW(send(1, &byte, 1, 0));
    SHOW(sendto(udp, &byte, 1, 0, nowhere, 16));
    SHOW(write(2, nowhere, 0));
    SHOW(write(2, nowhere, 1));
    SHOW(writev(2, nowhere, 1));
    SHOW(writev(2, NULL, 0));
    SHOW(getsockopt(tcp, SOL_SOCKET, SO_ERROR, nowhere, NULL));
    SHOW(shutdown(tcp, SHUT_RDWR));
    SHOW(shutdown(-1, 77));
    SHOW(dup(-1));
    SHOW(dup2(1, -1));
    SHOW(dup2(-1, 900));
    SHOW(dup3(1, 1, 0));
    SHOW(fcntl(-1, F_GETFD));
    SHOW(fcntl(1, -1));
    SHOW(close(-1));
    SHOW(close(1 << 30));
    SHOW(chroot("/no/such/folder"));
    SHOW(fputs("", stderr));
    SHOW(fwrite("", 1, 0, stderr));
    SHOW(getenv("no such variable") == NULL);
    SHOW(secure_getenv("") == NULL);
    SHOW(close(tcp));
}
