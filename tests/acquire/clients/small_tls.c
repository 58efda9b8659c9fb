/* A client of a small TLS library, of that which is named when this is compiled: -DWITH_MBEDTLS, -DWITH_WOLFSSL, -DWITH_BEARSSL
 * or -DWITH_LIBTLS.
 *
 * small_tls PORT [told] [resume] [/CERTIFICATE]   asks once; with "told", what is told on standard input: "new" makes a connection and asks,
 *                                  "again" asks on it once more. "resume": the second connection resumes the first's session
 * small_tls serve CERT KEY PORT    serves one connection
 * small_tls pair CERT KEY          mbedTLS alone: both sides, in two threads; what its own callback is told is printed
 * Prints the status of each answer. Certificates are looked at where one is given that is to be trusted: by mbedTLS, which cannot
 * do without in TLS 1.3. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";
static bool resumes;
static const char *trusted;

static void die(const char *what, int code)
{
    fprintf(stderr, "%s: %d\n", what, code);
    exit(1);
}

#ifdef WITH_MBEDTLS
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#endif

struct side {
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    mbedtls_net_context net;
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
};
static struct side client, server;
static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context rng;
static mbedtls_ssl_session session;

static void begin(struct side *side, int end)
{
    static bool seeded;
    if (!seeded) {
        mbedtls_entropy_init(&entropy);
        mbedtls_ctr_drbg_init(&rng);
        mbedtls_ssl_session_init(&session);
        mbedtls_ctr_drbg_seed(&rng, mbedtls_entropy_func, &entropy, NULL, 0);
#if MBEDTLS_VERSION_MAJOR >= 3
        psa_crypto_init();
#endif
        seeded = true;
    }
    mbedtls_ssl_config_init(&side->config);
    mbedtls_ssl_config_defaults(&side->config, end, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_authmode(&side->config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(&side->config, mbedtls_ctr_drbg_random, &rng);
    mbedtls_ssl_init(&side->ssl);
}

static void join(struct side *side, int descriptor)
{
    int error;
    if ((error = mbedtls_ssl_setup(&side->ssl, &side->config)))
        die("setup", error);
    side->net.fd = descriptor;
    mbedtls_ssl_set_bio(&side->ssl, &side->net, mbedtls_net_send, mbedtls_net_recv, NULL);
}

static void shake(struct side *side)
{
    int error = mbedtls_ssl_handshake(&side->ssl);
    if (error)
        die("handshake", error);
}

static void secure(int descriptor)
{
    static int before;
    if (before) {
        if (resumes)
            mbedtls_ssl_get_session(&client.ssl, &session);
        close(client.net.fd);
        mbedtls_ssl_free(&client.ssl);
        mbedtls_ssl_init(&client.ssl);
    } else {
        begin(&client, MBEDTLS_SSL_IS_CLIENT);
        if (trusted) {
            mbedtls_x509_crt_init(&client.certificate);
            mbedtls_x509_crt_parse_file(&client.certificate, trusted);
            mbedtls_ssl_conf_ca_chain(&client.config, &client.certificate, NULL);
            mbedtls_ssl_conf_authmode(&client.config, MBEDTLS_SSL_VERIFY_REQUIRED);
        }
    }
    join(&client, descriptor);
    mbedtls_ssl_set_hostname(&client.ssl, "localhost");
    if (before++ && resumes)
        mbedtls_ssl_set_session(&client.ssl, &session);
    shake(&client);
}

static void with_certificate(const char *certificate, const char *key)
{
    begin(&server, MBEDTLS_SSL_IS_SERVER);
    mbedtls_x509_crt_init(&server.certificate);
    mbedtls_pk_init(&server.key);
    mbedtls_x509_crt_parse_file(&server.certificate, certificate);
#if MBEDTLS_VERSION_MAJOR >= 3
    mbedtls_pk_parse_keyfile(&server.key, key, NULL, mbedtls_ctr_drbg_random, &rng);
#else
    mbedtls_pk_parse_keyfile(&server.key, key, NULL);
#endif
    mbedtls_ssl_conf_own_cert(&server.config, &server.certificate, &server.key);
}

static void secure_server(int descriptor, const char *certificate, const char *key)
{
    with_certificate(certificate, key);
    join(&server, descriptor);
    shake(&server);
    client.ssl = server.ssl; /* what is written to and read from */
}

static int put(const void *bytes, size_t size)
{
    return mbedtls_ssl_write(&client.ssl, bytes, size);
}

static int get(void *bytes, size_t size)
{
    int got;
    do
        got = mbedtls_ssl_read(&client.ssl, bytes, size);
    while (got == MBEDTLS_ERR_SSL_WANT_READ
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
           || got == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
#endif
    );
    return got;
}

#if MBEDTLS_VERSION_MAJOR < 3
static void print(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
}

static int own(void *label, const unsigned char *secret, const unsigned char *block, size_t mac, size_t key, size_t iv,
               const unsigned char *random, const unsigned char *of_server, mbedtls_tls_prf_types prf)
{
    (void)block, (void)mac, (void)key, (void)iv, (void)of_server, (void)prf;
    printf("%s ", (char *)label);
    print(random, 32);
    printf(" ");
    print(secret, 48);
    printf("\n");
    return 0;
}

static int own_plain(void *label, const unsigned char *secret, const unsigned char *block, size_t mac, size_t key, size_t iv)
{
    (void)secret, (void)block, (void)mac, (void)key, (void)iv;
    printf("plain %s\n", (char *)label);
    return 0;
}

static void *serve_in_thread(void *unused)
{
    shake(&server);
    return unused;
}

static void pair(const char *certificate, const char *key)
{
    int ends[2];
    pthread_t thread;
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    with_certificate(certificate, key);
    begin(&client, MBEDTLS_SSL_IS_CLIENT);
    mbedtls_ssl_conf_export_keys_cb(&client.config, own_plain, "before");
    mbedtls_ssl_conf_export_keys_ext_cb(&client.config, own, "CLIENT_RANDOM");
    join(&client, ends[0]);
    join(&server, ends[1]);
    pthread_create(&thread, NULL, serve_in_thread, NULL);
    shake(&client);
    pthread_join(thread, NULL);
}
#endif
#endif

#ifdef WITH_WOLFSSL
#ifndef WOLFSSL_USER_SETTINGS
#include <wolfssl/options.h>
#endif
#include <wolfssl/ssl.h>

static WOLFSSL_CTX *context;
static WOLFSSL *ssl;

static void secure(int descriptor)
{
    WOLFSSL_SESSION *session = NULL;
    if (!context) {
        wolfSSL_Init();
        context = wolfSSL_CTX_new(wolfTLS_client_method());
        wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_NONE, NULL);
    }
    if (ssl) {
        session = resumes ? wolfSSL_get1_session(ssl) : NULL;
        close(wolfSSL_get_fd(ssl));
        wolfSSL_free(ssl);
    }
    ssl = wolfSSL_new(context);
    wolfSSL_set_fd(ssl, descriptor);
    if (session)
        wolfSSL_set_session(ssl, session);
    if (wolfSSL_connect(ssl) != WOLFSSL_SUCCESS)
        die("connect", wolfSSL_get_error(ssl, 0));
}

static void secure_server(int descriptor, const char *certificate, const char *key)
{
    wolfSSL_Init();
    context = wolfSSL_CTX_new(wolfTLS_server_method());
    wolfSSL_CTX_use_certificate_file(context, certificate, WOLFSSL_FILETYPE_PEM);
    wolfSSL_CTX_use_PrivateKey_file(context, key, WOLFSSL_FILETYPE_PEM);
    ssl = wolfSSL_new(context);
    wolfSSL_set_fd(ssl, descriptor);
    if (wolfSSL_accept(ssl) != WOLFSSL_SUCCESS)
        die("accept", wolfSSL_get_error(ssl, 0));
}

static int put(const void *bytes, size_t size)
{
    return wolfSSL_write(ssl, bytes, (int)size);
}

static int get(void *bytes, size_t size)
{
    return wolfSSL_read(ssl, bytes, (int)size);
}
#endif

#ifdef WITH_BEARSSL
#include <bearssl.h>

/* Takes the key out of the first certificate, and trusts it. */
struct trusting {
    const br_x509_class *methods;
    br_x509_decoder_context decoder;
    bool first;
};

static void start_chain(const br_x509_class **of, const char *name)
{
    (void)name;
    ((struct trusting *)of)->first = true;
}

static void start_certificate(const br_x509_class **of, uint32_t size)
{
    (void)size;
    struct trusting *all = (struct trusting *)of;
    if (all->first)
        br_x509_decoder_init(&all->decoder, NULL, NULL);
}

static void append(const br_x509_class **of, const unsigned char *bytes, size_t size)
{
    struct trusting *all = (struct trusting *)of;
    if (all->first)
        br_x509_decoder_push(&all->decoder, bytes, size);
}

static void end_certificate(const br_x509_class **of)
{
    ((struct trusting *)of)->first = false;
}

static unsigned end_chain(const br_x509_class **of)
{
    (void)of;
    return 0;
}

static const br_x509_pkey *key_of(const br_x509_class *const *of, unsigned *usages)
{
    if (usages)
        *usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
    return br_x509_decoder_get_pkey(&((struct trusting *)of)->decoder);
}

static const br_x509_class trusting_methods = {
    sizeof(struct trusting), start_chain, start_certificate, append, end_certificate, end_chain, key_of};
static struct trusting trusting = {.methods = &trusting_methods};
static br_ssl_client_context client;
static br_x509_minimal_context minimal;
static br_sslio_context io;
static unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
static int plain = -1;

static int plain_read(void *unused, unsigned char *bytes, size_t size)
{
    (void)unused;
    const ssize_t got = read(plain, bytes, size);
    return got > 0 ? (int)got : -1;
}

static int plain_write(void *unused, const unsigned char *bytes, size_t size)
{
    (void)unused;
    return (int)write(plain, bytes, size);
}

static void secure(int descriptor)
{
    static int before;
    if (!before)
        br_ssl_client_init_full(&client, &minimal, NULL, 0);
    else
        close(plain);
    plain = descriptor;
    br_ssl_engine_set_x509(&client.eng, &trusting.methods);
    br_ssl_engine_set_buffer(&client.eng, buffer, sizeof buffer, 1);
    br_ssl_client_reset(&client, "localhost", before++ && resumes);
    br_sslio_init(&io, &client.eng, plain_read, NULL, plain_write, NULL);
}

static int put(const void *bytes, size_t size)
{
    const int result = br_sslio_write_all(&io, bytes, size);
    if (result)
        die("write", br_ssl_engine_last_error(&client.eng));
    br_sslio_flush(&io);
    return (int)size;
}

static int get(void *bytes, size_t size)
{
    return br_sslio_read(&io, bytes, size);
}

static void secure_server(int descriptor, const char *certificate, const char *key)
{
    (void)descriptor, (void)certificate, (void)key;
    die("no server", 0);
}
#endif

#ifdef WITH_LIBTLS
#include <tls.h>

static struct tls *client;
static int plain = -1;

static void secure(int descriptor)
{
    struct tls_config *config = tls_config_new();
    tls_config_insecure_noverifycert(config);
    tls_config_insecure_noverifyname(config);
    tls_config_set_protocols(config, TLS_PROTOCOLS_ALL);
    if (client) {
        close(plain);
        tls_free(client);
    }
    client = tls_client();
    plain = descriptor;
    if (tls_configure(client, config) || tls_connect_socket(client, plain, "localhost") || tls_handshake(client))
        die(tls_error(client), 0);
}

static int put(const void *bytes, size_t size)
{
    return (int)tls_write(client, bytes, size);
}

static int get(void *bytes, size_t size)
{
    ssize_t got;
    do
        got = tls_read(client, bytes, size);
    while (got == TLS_WANT_POLLIN || got == TLS_WANT_POLLOUT);
    return (int)got;
}

static void secure_server(int descriptor, const char *certificate, const char *key)
{
    (void)descriptor, (void)certificate, (void)key;
    die("no server", 0);
}
#endif

static void ask(void)
{
    char answer[4096];
    size_t had = 0;
    put(REQUEST, sizeof REQUEST - 1);
    while (had < 6 || memcmp(answer + had - 6, "hello\n", 6) != 0) {
        const int got = get(answer + had, sizeof answer - had);
        if (got <= 0)
            die("read", got);
        had += (size_t)got;
    }
    printf("%.3s\n", answer + sizeof "HTTP/1.1 " - 1);
    fflush(stdout);
}

static struct sockaddr_in address_of(const char *port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(atoi(port))};
}

static int accepted(const char *port)
{
    const struct sockaddr_in at = address_of(port);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (const struct sockaddr *)&at, sizeof at) || listen(listener, 1))
        die("bind(2)", 0);
    return accept(listener, NULL, NULL);
}

static void connect_to(const char *port)
{
    const struct sockaddr_in to = address_of(port);
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(descriptor, (const struct sockaddr *)&to, sizeof to))
        die("connect(2)", 0);
    secure(descriptor);
}

int main(int count, char **words)
{
    char line[64];
    bool told = false;
    for (int i = 2; i < count; i++) {
        told = told || strcmp(words[i], "told") == 0;
        resumes = resumes || strcmp(words[i], "resume") == 0;
        trusted = words[i][0] == '/' ? words[i] : trusted;
    }
    if (strcmp(words[1], "serve") == 0) {
        secure_server(accepted(words[4]), words[2], words[3]);
        get(line, sizeof line);
        put(ANSWER, sizeof ANSWER - 1);
        get(line, sizeof line);
        return 0;
    }
#if defined WITH_MBEDTLS && MBEDTLS_VERSION_MAJOR < 3
    if (strcmp(words[1], "pair") == 0) {
        pair(words[2], words[3]);
        return 0;
    }
#endif
    if (!told) {
        connect_to(words[1]);
        ask();
        return 0;
    }
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "new\n") == 0)
            connect_to(words[1]);
        ask();
    }
}
