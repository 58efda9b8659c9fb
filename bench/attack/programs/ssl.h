/* Of OpenSSL what the programs here use, so that its headers need not be there. */
typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_method_st SSL_METHOD;
typedef struct bio_st BIO;
typedef void (*keylog)(const SSL *, const char *);
const SSL_METHOD *TLS_method(void);
SSL_CTX *SSL_CTX_new(const SSL_METHOD *);
void SSL_CTX_free(SSL_CTX *);
void SSL_CTX_set_keylog_callback(SSL_CTX *, keylog);
keylog SSL_CTX_get_keylog_callback(const SSL_CTX *);
int SSL_CTX_use_certificate_file(SSL_CTX *, const char *, int);
int SSL_CTX_use_PrivateKey_file(SSL_CTX *, const char *, int);
SSL *SSL_new(SSL_CTX *);
void SSL_free(SSL *);
int BIO_new_bio_pair(BIO **, unsigned long, BIO **, unsigned long);
void SSL_set_bio(SSL *, BIO *, BIO *);
void SSL_set_connect_state(SSL *);
void SSL_set_accept_state(SSL *);
int SSL_do_handshake(SSL *);
const char *SSL_get_version(const SSL *);
unsigned long ERR_peek_error(void);

/* Two sessions that speak to each other in memory, the first as a client. */
static inline void connect_both(SSL *one, SSL *other)
{
    BIO *left, *right;
    BIO_new_bio_pair(&left, 0, &right, 0);
    SSL_set_bio(one, left, left);
    SSL_set_bio(other, right, right);
    SSL_set_connect_state(one);
    SSL_set_accept_state(other);
}
