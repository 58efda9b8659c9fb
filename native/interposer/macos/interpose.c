/* The interposer for macOS: dyld puts our functions in the place of libssl's and GnuTLS's.
 *
 * COMPILED AND LINKED ONLY: it has never run on a Mac (docs/macos.md). tests/native/test_macos.py runs the functions below
 * over Linux's OpenSSL and GnuTLS, without dyld.
 *
 * Theory of operation. A library named in DYLD_INSERT_LIBRARIES may have a section `__interpose` of pairs: instead of the
 * second function all images but ours are given the first. dyld reads it once, before the program starts, and goes by
 * addresses. From that follows:
 * - Our own calls by name reach the real function, so no RTLD_NEXT is needed.
 * - A library that comes later (CPython's _ssl is loaded by `import ssl`) has to be there at that time: it is named in
 *   DYLD_INSERT_LIBRARIES behind ours. What is not there is a weak import and NULL; dyld leaves out such a pair.
 * - Of several copies of libssl one is reached: the first in load order that has the function.
 *
 * None takes a lock, allocates, or prints; errno stays as the real function left it.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

#include "../../patch/secret.h"
#include "../contexts.h"
#include "../journal.h"
#include "../keeping_errno.h"
#include "../settings.h"
#include "../text.h"

#ifdef __APPLE__
#define MAYBE __attribute__((weak_import))
#define INTERPOSE(ours, theirs) \
    __attribute__((used, section("__DATA,__interpose,interposing"))) static const struct { \
        const void *replacement, *replacee; \
    } pair_##theirs = {(const void *)ours, (const void *)theirs};
#else
#define MAYBE __attribute__((weak))
#define INTERPOSE(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), "functions both");
#endif

/* Whether two functions, which flat lookup found one by one, are of one library: only then may one be called with what
 * the other made. */
static bool beside(const void *one, const void *other)
{
    Dl_info first, second;
    return one && other && dladdr(one, &first) && dladdr(other, &second) && first.dli_fbase == second.dli_fbase;
}

static bool wanted(void)
{
    return journal_wanted() && settings_allow("preload");
}

/* --- OpenSSL and BoringSSL, whose ABI here is one (copies.h) ----------------------------------------------------- */

extern SSL_CTX *SSL_CTX_new(const SSL_METHOD *) MAYBE;
extern SSL_CTX *SSL_CTX_new_ex(OSSL_LIB_CTX *, const char *, const SSL_METHOD *) MAYBE;
extern void SSL_CTX_set_keylog_callback(SSL_CTX *, keylog_callback) MAYBE;
extern keylog_callback SSL_CTX_get_keylog_callback(const SSL_CTX *) MAYBE;
extern SSL_CTX *SSL_get_SSL_CTX(const SSL *) MAYBE;

static bool openssl; /* it is there, and can log keys */

static bool openssl_is_whole(void)
{
    const void *first = (const void *)SSL_CTX_new;
    return beside(first, (const void *)SSL_CTX_set_keylog_callback) &&
           beside(first, (const void *)SSL_CTX_get_keylog_callback) && beside(first, (const void *)SSL_get_SSL_CTX) &&
           (!SSL_CTX_new_ex || beside(first, (const void *)SSL_CTX_new_ex));
}

static void on_line(const SSL *ssl, const char *text)
{
    if (journal_wanted())
        KEEPING_ERRNO(journal_key(text));
    const keylog_callback programs_own = context_callback(SSL_get_SSL_CTX(ssl));
    if (programs_own)
        programs_own(ssl, text);
}

/* What stands there already counts as the program's (OpenSSL 3.5 can log by itself). */
static void adopt(SSL_CTX *context)
{
    if (!context || !openssl || !wanted())
        return;
    const keylog_callback present = SSL_CTX_get_keylog_callback(context);
    if (present == on_line || (!context_note(context, present) && present))
        return;
    SSL_CTX_set_keylog_callback(context, on_line);
}

static SSL_CTX *new_context(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    KEEPING_ERRNO(adopt(context));
    return context;
}

static SSL_CTX *new_context_ex(OSSL_LIB_CTX *library, const char *query, const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new_ex(library, query, method);
    KEEPING_ERRNO(adopt(context));
    return context;
}

/* Where our callback stands, the program's goes into our table; everywhere else, where the program wants it. */
static void set_callback(SSL_CTX *context, keylog_callback callback)
{
    const bool ours = openssl && SSL_CTX_get_keylog_callback(context) == on_line;
    if (!ours || !context_note(context, callback))
        SSL_CTX_set_keylog_callback(context, callback);
}

static keylog_callback get_callback(const SSL_CTX *context)
{
    const keylog_callback callback = SSL_CTX_get_keylog_callback(context);
    return callback == on_line ? context_callback(context) : callback;
}

INTERPOSE(new_context, SSL_CTX_new)
INTERPOSE(new_context_ex, SSL_CTX_new_ex)
INTERPOSE(set_callback, SSL_CTX_set_keylog_callback)
INTERPOSE(get_callback, SSL_CTX_get_keylog_callback)

/* --- GnuTLS, since 3.6.13 ---------------------------------------------------------------------------------------- */

struct datum { /* gnutls_datum_t */
    unsigned char *data;
    unsigned size;
};
typedef struct gnutls_session_int *session;
typedef int (*log_function)(session, const char *label, const struct datum *secret);

extern int gnutls_init(session *, unsigned) MAYBE;
extern void gnutls_session_set_keylog_function(session, log_function) MAYBE;
extern log_function gnutls_session_get_keylog_function(session) MAYBE;
extern void gnutls_session_get_random(session, struct datum *client, struct datum *server) MAYBE;

static bool gnutls;

static bool gnutls_is_whole(void)
{
    const void *first = (const void *)gnutls_init;
    return beside(first, (const void *)gnutls_session_set_keylog_function) &&
           beside(first, (const void *)gnutls_session_get_keylog_function) &&
           beside(first, (const void *)gnutls_session_get_random);
}

/* The table keeps any address with any function (contexts.h), which goes in and comes out by way of this. */
typedef void (*any_function)(void);

static bool note(session key, log_function function)
{
    return context_note((const SSL_CTX *)key, (keylog_callback)(any_function)function);
}

static log_function noted(session key)
{
    return (log_function)(any_function)context_callback((const SSL_CTX *)key);
}

static void tell(session of, const char *label, const struct datum *secret)
{
    struct datum client = {0}, server = {0};
    gnutls_session_get_random(of, &client, &server);
    if (client.data && client.size == RANDOM)
        secret_tell(label, text_length(label), client.data, secret->data, secret->size, "null", "callback");
}

static int on_secret(session of, const char *label, const struct datum *secret)
{
    if (journal_wanted())
        KEEPING_ERRNO(tell(of, label, secret));
    const log_function programs_own = noted(of);
    return programs_own ? programs_own(of, label, secret) : 0;
}

/* GnuTLS has a function of its own there, which writes SSLKEYLOGFILE: it goes on doing so. */
static void watch(session made)
{
    const log_function present = gnutls_session_get_keylog_function(made);
    if (gnutls && wanted() && (note(made, present) || !present))
        gnutls_session_set_keylog_function(made, on_secret);
}

static int new_session(session *made, unsigned flags)
{
    const int result = gnutls_init(made, flags);
    if (result == 0 && gnutls)
        KEEPING_ERRNO(watch(*made));
    return result;
}

static void set_function(session of, log_function function)
{
    const bool ours = gnutls && gnutls_session_get_keylog_function(of) == on_secret;
    if (!ours || !note(of, function))
        gnutls_session_set_keylog_function(of, function);
}

static log_function get_function(session of)
{
    const log_function function = gnutls_session_get_keylog_function(of);
    return function == on_secret ? noted(of) : function;
}

INTERPOSE(new_session, gnutls_init)
INTERPOSE(set_function, gnutls_session_set_keylog_function)
INTERPOSE(get_function, gnutls_session_get_keylog_function)

/* --- the beginning ------------------------------------------------------------------------------------------------ */

static void begin(void)
{
    settings_read();
    if (!wanted())
        return;
    openssl = openssl_is_whole();
    gnutls = gnutls_is_whole();
    if (openssl || gnutls)
        journal_open(); /* while the process still may */
}

/* Before the program's own code. */
__attribute__((constructor)) static void load(void)
{
    KEEPING_ERRNO(begin());
}
