/* HTTPS by OpenSSL, linked with musl as on Alpine Linux: `openssl_of_musl PORT` says the status line. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void *TLS_client_method(void);
void *SSL_CTX_new(void *);
void *SSL_new(void *);
int SSL_set_fd(void *, int), SSL_connect(void *), SSL_write(void *, const void *, int), SSL_read(void *, void *, int);
int SSL_shutdown(void *);

int main(int count, char **words)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1]))};
    inet_aton("127.0.0.1", &peer.sin_addr);
    const int out = socket(AF_INET, SOCK_STREAM, 0);
    void *ssl = SSL_new(SSL_CTX_new(TLS_client_method()));
    SSL_set_fd(ssl, out);
    if (connect(out, (struct sockaddr *)&peer, sizeof peer) || SSL_connect(ssl) != 1)
        return 1;
    const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char answer[1024] = "";
    SSL_write(ssl, request, sizeof request - 1);
    SSL_read(ssl, answer, sizeof answer - 1);
    printf("%.15s\n", answer);
    SSL_shutdown(ssl);
    return count > 2 ? fflush(stdout), execvp(words[2], words + 2) : 0;
}
