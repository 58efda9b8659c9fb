/* mbedTLS, which hands keys to a callback: since 2.19 of a configuration (mbedtls_ssl_conf_export_keys_ext_cb), since 3.0 of a
 * session (mbedtls_ssl_set_export_keys_cb). Both come with the client random. Ours is put there when a session is set up. Where
 * the program has its own, ours calls that one. Nothing is known of how the library lays out its structures. */
#include <stddef.h>
#include <stdint.h>

#include "../patch/secret.h"
#include "hook.h"
#include "library.h"
#include "settings.h"
#include "text.h"

enum { OWN = 256, MASTER = 48 };

/* Types that the library names are ints here. `secret` is the master secret, of 48 bytes, before 3.0. */
typedef int export_plain(void *context, const unsigned char *secret, const unsigned char *block, size_t mac, size_t key,
                         size_t iv);
typedef int export_config(void *context, const unsigned char *secret, const unsigned char *block, size_t mac, size_t key,
                          size_t iv, const unsigned char *client, const unsigned char *server, int prf);
typedef void export_session(void *context, int type, const unsigned char *secret, size_t size, const unsigned char *client,
                            const unsigned char *server, int prf);
typedef int set_up_function(void *session, const void *config);
typedef void set_plain_function(void *config, export_plain *callback, void *context);
typedef void set_config_function(void *config, export_config *callback, void *context);
typedef void set_session_function(void *session, export_session *callback, void *context);
typedef void forget_function(void *at);

static void *_Atomic real_mbedtls_ssl_setup, *_Atomic real_mbedtls_ssl_conf_export_keys_cb,
    *_Atomic real_mbedtls_ssl_conf_export_keys_ext_cb, *_Atomic real_mbedtls_ssl_set_export_keys_cb,
    *_Atomic real_mbedtls_ssl_init, *_Atomic real_mbedtls_ssl_free, *_Atomic real_mbedtls_ssl_config_init,
    *_Atomic real_mbedtls_ssl_config_free;

void mbedtls_resolve(void)
{
    RESOLVE(mbedtls_ssl_setup)
    RESOLVE(mbedtls_ssl_conf_export_keys_cb)
    RESOLVE(mbedtls_ssl_conf_export_keys_ext_cb)
    RESOLVE(mbedtls_ssl_set_export_keys_cb)
    RESOLVE(mbedtls_ssl_init)
    RESOLVE(mbedtls_ssl_free)
    RESOLVE(mbedtls_ssl_config_init)
    RESOLVE(mbedtls_ssl_config_free)
}

/* What the call was meant for. */
#define MEANT(name) library_function(__builtin_return_address(0), #name, atomic_load(&real_##name))

/* --- callbacks of the program's own ---------------------------------------------------------------------------------- */

static struct own {
    atomic_uintptr_t of; /* a configuration or a session; 0: free */
    export_plain *_Atomic plain;
    export_config *_Atomic config;
    export_session *_Atomic session;
    void *_Atomic context; /* one for all of them, as in the library */
} own[OWN];

static struct own *own_of(const void *of)
{
    for (struct own *one = own; one < own + OWN; one++)
        if (atomic_load(&one->of) == (uintptr_t)of)
            return one;
    return NULL;
}

/* NULL where there are too many: then what the program wants is done, and nothing more. */
static struct own *new_own(const void *of)
{
    struct own *one = of ? own_of(of) : NULL;
    for (size_t i = 0; of && i < OWN && !one; i++) {
        uintptr_t none = 0;
        if (!atomic_compare_exchange_strong(&own[i].of, &none, (uintptr_t)of))
            continue;
        one = &own[i];
        atomic_store(&one->plain, NULL);
        atomic_store(&one->config, NULL);
        atomic_store(&one->session, NULL);
    }
    return one;
}

static void forget(const void *of)
{
    struct own *one = of ? own_of(of) : NULL;
    if (one)
        atomic_store(&one->of, 0);
}

/* --- a secret -------------------------------------------------------------------------------------------------------- */

static void tell(const void *caller, const char *label, const unsigned char *client, const unsigned char *secret, size_t size)
{
    struct object library;
    const bool known =
        library_meant(caller, "mbedtls_ssl_setup", atomic_load(&real_mbedtls_ssl_setup), &library);
    secret_tell(label, text_length(label), client, secret, size, known ? library_name(&library) : "null", "callback");
}

static int on_plain(void *context, const unsigned char *secret, const unsigned char *block, size_t mac, size_t key, size_t iv)
{
    struct own *one = context;
    export_plain *programs_own = atomic_load(&one->plain);
    return programs_own ? programs_own(atomic_load(&one->context), secret, block, mac, key, iv) : 0;
}

static int on_config(void *context, const unsigned char *secret, const unsigned char *block, size_t mac, size_t key, size_t iv,
                     const unsigned char *client, const unsigned char *server, int prf)
{
    struct own *one = context;
    export_config *programs_own = one ? atomic_load(&one->config) : NULL;
    if (hooks_wanted())
        KEEPING_ERRNO(tell(__builtin_return_address(0), "CLIENT_RANDOM", client, secret, MASTER));
    return programs_own ? programs_own(atomic_load(&one->context), secret, block, mac, key, iv, client, server, prf) : 0;
}

static void on_session(void *context, int type, const unsigned char *secret, size_t size, const unsigned char *client,
                       const unsigned char *server, int prf)
{
    static const char *const labels[] = {"CLIENT_RANDOM",
                                         "CLIENT_EARLY_TRAFFIC_SECRET",
                                         "EARLY_EXPORTER_SECRET",
                                         "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                                         "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                                         "CLIENT_TRAFFIC_SECRET_0",
                                         "SERVER_TRAFFIC_SECRET_0"};
    struct own *one = context;
    export_session *programs_own = one ? atomic_load(&one->session) : NULL;
    if (hooks_wanted() && type >= 0 && (size_t)type < sizeof labels / sizeof labels[0] && size <= LONGEST_SECRET)
        KEEPING_ERRNO(tell(__builtin_return_address(0), labels[type], client, secret, size));
    if (programs_own)
        programs_own(atomic_load(&one->context), type, secret, size, client, server, prf);
}

/* --- hooks ----------------------------------------------------------------------------------------------------------- */

static bool wanted(void)
{
    return hooks_wanted() && settings_allow("preload");
}

/* What belongs to a configuration is set for each session anew: always the same. */
static void adopt(const struct object *library, void *session, const void *config)
{
    set_config_function *of_config = (set_config_function *)object_symbol(library, "mbedtls_ssl_conf_export_keys_ext_cb");
    set_session_function *of_session = (set_session_function *)object_symbol(library, "mbedtls_ssl_set_export_keys_cb");
    if (of_session && session && !own_of(session))
        of_session(session, on_session, NULL);
    else if (!of_session && of_config && config && !own_of(config))
        of_config((void *)config, on_config, NULL);
    else if (!of_session && !of_config)
        library_unreached(library, "this mbedTLS hands keys to nobody, or without the client random");
}

HOOK int mbedtls_ssl_setup(void *session, const void *config)
{
    enum { INTERNAL_ERROR = -0x6c00 };
    struct object library;
    hooks_ready();
    if (!library_meant(__builtin_return_address(0), "mbedtls_ssl_setup", atomic_load(&real_mbedtls_ssl_setup), &library))
        return INTERNAL_ERROR;
    set_up_function *set_up = (set_up_function *)object_symbol(&library, "mbedtls_ssl_setup");
    const int result = set_up(session, config);
    if (result == 0 && wanted())
        KEEPING_ERRNO(adopt(&library, session, config));
    return result;
}

HOOK void mbedtls_ssl_conf_export_keys_ext_cb(void *config, export_config *callback, void *context)
{
    hooks_ready();
    set_config_function *set = (set_config_function *)MEANT(mbedtls_ssl_conf_export_keys_ext_cb);
    struct own *one = wanted() ? new_own(config) : NULL;
    if (one) {
        atomic_store(&one->config, callback);
        atomic_store(&one->context, context);
    }
    if (set)
        set(config, one ? on_config : callback, one ? one : context);
}

/* Both callbacks of a configuration have the same context. */
HOOK void mbedtls_ssl_conf_export_keys_cb(void *config, export_plain *callback, void *context)
{
    struct object library;
    hooks_ready();
    if (!library_meant(__builtin_return_address(0), "mbedtls_ssl_conf_export_keys_cb",
                       atomic_load(&real_mbedtls_ssl_conf_export_keys_cb), &library))
        return;
    set_plain_function *set = (set_plain_function *)object_symbol(&library, "mbedtls_ssl_conf_export_keys_cb");
    set_config_function *more = (set_config_function *)object_symbol(&library, "mbedtls_ssl_conf_export_keys_ext_cb");
    struct own *one = more && wanted() ? new_own(config) : NULL;
    if (one) {
        atomic_store(&one->plain, callback);
        atomic_store(&one->context, context);
        more(config, on_config, one);
    }
    set(config, one ? on_plain : callback, one ? one : context);
}

HOOK void mbedtls_ssl_set_export_keys_cb(void *session, export_session *callback, void *context)
{
    hooks_ready();
    set_session_function *set = (set_session_function *)MEANT(mbedtls_ssl_set_export_keys_cb);
    struct own *one = wanted() ? new_own(session) : NULL;
    if (one) {
        atomic_store(&one->session, callback);
        atomic_store(&one->context, context);
    }
    if (set)
        set(session, one ? on_session : callback, one ? one : context);
}

/* What begins anew or ends has no callback any more. */
#define FORGETS(name) \
    HOOK void name(void *at) \
    { \
        hooks_ready(); \
        forget_function *call = (forget_function *)MEANT(name); \
        forget(at); \
        if (call) \
            call(at); \
    }
FORGETS(mbedtls_ssl_init)
FORGETS(mbedtls_ssl_free)
FORGETS(mbedtls_ssl_config_init)
FORGETS(mbedtls_ssl_config_free)
