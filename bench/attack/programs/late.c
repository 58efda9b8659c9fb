/* A handshake in memory, its key log callback set when it has begun: the lines are counted. Arguments: certificate, key. */
#include "ssl.h"

#include <stdio.h>

static int lines;

static void own(const SSL *session, const char *line)
{
    (void)session, (void)line;
    lines++;
}

int main(int count, char **words)
{
    SSL_CTX *client = SSL_CTX_new(TLS_method()), *server = SSL_CTX_new(TLS_method());
    if (count != 3 || SSL_CTX_use_certificate_file(server, words[1], 1) != 1 ||
        SSL_CTX_use_PrivateKey_file(server, words[2], 1) != 1)
        return 1;
    SSL *one = SSL_new(client), *other = SSL_new(server);
    connect_both(one, other);
    SSL_do_handshake(one);
    SSL_CTX_set_keylog_callback(client, own);
    for (int i = 0; i < 5; i++) {
        SSL_do_handshake(other);
        SSL_do_handshake(one);
    }
    printf("%s, %d lines, error %lu\n", SSL_get_version(one), lines, ERR_peek_error());
    SSL_free(one);
    SSL_free(other);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}
