/* The functions that macOS is given in the place of the libraries' own, called by hand over Linux's OpenSSL and GnuTLS:
 * `macos_hooks openssl|gnutls`. Prints each line that a callback of the program's own got. */
#define _GNU_SOURCE
#include "../../native/interposer/macos/interpose.c"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define EXPECT(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
            return 1; \
        } \
    } while (0)

/* --- OpenSSL ------------------------------------------------------------------------------------------------------- */

extern const SSL_METHOD *TLS_method(void);
extern long SSL_CTX_ctrl(SSL_CTX *, int, long, void *);
extern int SSL_CTX_set_cipher_list(SSL_CTX *, const char *);
extern SSL *SSL_new(SSL_CTX *);
extern void SSL_set_bio(SSL *, BIO *, BIO *), SSL_set_accept_state(SSL *), SSL_set_connect_state(SSL *);
extern int SSL_do_handshake(SSL *);
extern int BIO_new_bio_pair(BIO **, size_t, BIO **, size_t);

enum { SET_MAX_PROTO_VERSION = 124, TLS1_2 = 0x0303 };

static void programs_line(const SSL *ssl, const char *text)
{
    (void)ssl;
    puts(text);
}

/* Anonymous, so that no certificate is needed. */
static void prepare(SSL_CTX *context)
{
    SSL_CTX_set_cipher_list(context, "ADH-AES128-SHA256:@SECLEVEL=0");
    SSL_CTX_ctrl(context, SET_MAX_PROTO_VERSION, TLS1_2, NULL);
    SSL_CTX_ctrl(context, 118, 1, NULL); /* SSL_CTRL_SET_DH_AUTO */
}

static int with_openssl(void)
{
    errno = EXDEV;
    SSL_CTX *client = new_context(TLS_method()), *server = new_context_ex(NULL, NULL, TLS_method());
    EXPECT(errno == EXDEV && client && server);
    EXPECT(!get_callback(client) && SSL_CTX_get_keylog_callback(client) == on_line);
    set_callback(client, programs_line);
    EXPECT(get_callback(client) == programs_line && SSL_CTX_get_keylog_callback(client) == on_line);
    prepare(client);
    prepare(server);
    SSL *one = SSL_new(client), *other = SSL_new(server);
    BIO *near, *far;
    EXPECT(BIO_new_bio_pair(&near, 0, &far, 0) == 1);
    SSL_set_bio(one, near, near);
    SSL_set_bio(other, far, far);
    SSL_set_connect_state(one);
    SSL_set_accept_state(other);
    int done = 0;
    for (int i = 0; i < 20 && done != 2; i++)
        done = (SSL_do_handshake(one) == 1) + (SSL_do_handshake(other) == 1);
    EXPECT(done == 2);
    set_callback(client, NULL);
    EXPECT(!get_callback(client) && SSL_CTX_get_keylog_callback(client) == on_line);
    return 0;
}

/* --- GnuTLS -------------------------------------------------------------------------------------------------------- */

extern int gnutls_anon_allocate_client_credentials(void **), gnutls_anon_allocate_server_credentials(void **);
extern int gnutls_credentials_set(session, int, void *), gnutls_handshake(session);
extern int gnutls_priority_set_direct(session, const char *, const char **);
extern void gnutls_transport_set_int2(session, int, int);
extern void gnutls_anon_set_server_known_dh_params(void *, int);

static int programs_secret(session of, const char *label, const struct datum *secret)
{
    (void)of;
    printf("%s %u\n", label, secret->size);
    return 0;
}

static int with_gnutls(void)
{
    enum { SERVER = 1, CLIENT = 2, NONBLOCK = 8, ANON = 2 };
    session client, server;
    void *asking, *giving;
    int ends[2];
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    errno = EXDEV;
    EXPECT(new_session(&client, CLIENT | NONBLOCK) == 0 && new_session(&server, SERVER | NONBLOCK) == 0);
    EXPECT(get_function(client) != on_secret && gnutls_session_get_keylog_function(client) == on_secret);
    set_function(client, programs_secret);
    EXPECT(get_function(client) == programs_secret && gnutls_session_get_keylog_function(client) == on_secret);
    gnutls_anon_allocate_client_credentials(&asking);
    gnutls_anon_allocate_server_credentials(&giving);
    gnutls_anon_set_server_known_dh_params(giving, 2);
    gnutls_credentials_set(client, ANON, asking);
    gnutls_credentials_set(server, ANON, giving);
    const char *priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH";
    EXPECT(gnutls_priority_set_direct(client, priorities, NULL) == 0);
    EXPECT(gnutls_priority_set_direct(server, priorities, NULL) == 0);
    gnutls_transport_set_int2(client, ends[0], ends[0]);
    gnutls_transport_set_int2(server, ends[1], ends[1]);
    int first = -1, second = -1;
    for (int i = 0; i < 40 && (first || second); i++) {
        first = first ? gnutls_handshake(client) : 0;
        second = second ? gnutls_handshake(server) : 0;
    }
    EXPECT(first == 0 && second == 0);
    return 0;
}

int main(int count, char **words)
{
    return count < 2 ? 2 : strcmp(words[1], "openssl") == 0 ? with_openssl() : with_gnutls();
}
