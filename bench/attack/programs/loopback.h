/* A connect(2) that is refused: port 1 of this machine. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int refused(void)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int made = socket(AF_INET, SOCK_STREAM, 0);
    return connect(made, (const struct sockaddr *)&address, sizeof address) == -1 ? made : -1;
}
