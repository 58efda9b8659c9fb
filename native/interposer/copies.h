/* The copies of libssl in this process. There may be several: the system's, and those inside Python wheels.
 *
 * Theory of operation. A program's call of SSL_CTX_new reaches us instead of the copy that it was meant for, and
 * the call does not say which: its argument does. The method is a pointer into the copy's own data, and so is what
 * SSL_CTX_get_ssl_method gives for a context. Each copy has one key log callback of ours, so that a line tells
 * by which of them it comes.
 *
 * The table is filled without locks, since a fork may leave any lock taken for ever. A slot belongs to whoever
 * first put the copy's address in; everybody who finds it not yet filled fills it, with the same values.
 *
 * The ABI that is declared here is what OpenSSL has promised since 1.1.1: SSL, SSL_CTX and SSL_METHOD are opaque.
 */
#ifndef PLAINWIRE_COPIES_H
#define PLAINWIRE_COPIES_H

#include <stdbool.h>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_method_st SSL_METHOD;
typedef struct ossl_lib_ctx_st OSSL_LIB_CTX;
typedef struct bio_st BIO;
typedef void (*keylog_callback)(const SSL *ssl, const char *line);
typedef void (*info_callback)(const SSL *ssl, int where, int value);

struct functions {
    SSL_CTX *(*SSL_CTX_new)(const SSL_METHOD *);
    SSL_CTX *(*SSL_CTX_new_ex)(OSSL_LIB_CTX *, const char *, const SSL_METHOD *); /* since 3.0; else NULL */
    void (*SSL_CTX_set_keylog_callback)(SSL_CTX *, keylog_callback);
    keylog_callback (*SSL_CTX_get_keylog_callback)(const SSL_CTX *);
    const SSL_METHOD *(*SSL_CTX_get_ssl_method)(const SSL_CTX *);
    SSL_CTX *(*SSL_get_SSL_CTX)(const SSL *);
    BIO *(*SSL_get_rbio)(const SSL *);
    int (*SSL_get_rfd)(const SSL *);
    void *(*SSL_get_session)(const SSL *);
    void (*SSL_CTX_set_info_callback)(SSL_CTX *, info_callback);
    info_callback (*SSL_CTX_get_info_callback)(SSL_CTX *);
};

struct copy {
    struct functions call;
    keylog_callback callback; /* ours, for this copy; NULL where there are too many */
    bool loggable;            /* it can log keys as OpenSSL has since 1.1.1 */
    bool legacy;              /* it is OpenSSL 1.0 (legacy.h) */
    char path[1024]; /* "" where it is longer */
    char name[512]; /* the path as JSON */
};

/* Looks for copies that were not there before; `pin` keeps them from being unloaded, as OpenSSL does itself. */
void copies_discover(bool pin);

/* Any copy at all, or NULL. */
const struct copy *copy_any(void);

/* The copy that `method` or `function` (an address inside it) belongs to; NULL where it is in none. */
const struct copy *copy_at(const void *address);

/* The copy that made `context`; where no copy of OpenSSL 1.1.1 or later did, one that can be called with it. */
const struct copy *copy_of_context(const SSL_CTX *context);

/* Whether `callback` is one of ours. */
bool copies_own(keylog_callback callback);

/* Called with each key log line; defined by the hooks. */
void on_key_line(const struct copy *copy, const SSL *ssl, const char *line);

#endif
