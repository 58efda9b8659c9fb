/* wolfSSL and BearSSL, which tell their secrets to nobody, or only where they were built to. But both call, by its name, and so
 * by way of us, the function that derives keys from them (RFC 5246, section 6.3; RFC 8446, section 7.1).
 *
 * Up to TLS 1.2 that has all for a line of the key log: the master secret is what "key expansion" begins with, also in a resumed
 * session, and the client random is part of the seed. In TLS 1.3 what comes out is the secret, and wolfSSL has it written into the
 * session itself, so that this is known, and with it the client random. */
#include <stddef.h>
#include <stdint.h>

#include "../patch/secret.h"
#include "hook.h"
#include "library.h"
#include "settings.h"
#include "text.h"

enum { MASTER = 48, SESSIONS = 1024, BAD_ARGUMENT = -173 /* BAD_FUNC_ARG */ };

static const char EXPANSION[] = "key expansion";

typedef int wolf_prf(unsigned char *into, uint32_t size, const unsigned char *secret, uint32_t secret_size,
                     const unsigned char *label, uint32_t label_size, const unsigned char *seed, uint32_t seed_size,
                     int at_least_sha256, int hash, void *heap, int device);
typedef int wolf_expand(unsigned char *into, uint32_t size, const unsigned char *secret, uint32_t secret_size,
                        const unsigned char *protocol, uint32_t protocol_size, const unsigned char *label,
                        uint32_t label_size, const unsigned char *info, uint32_t info_size, int digest);
typedef int wolf_expand_more(unsigned char *into, uint32_t size, const unsigned char *secret, uint32_t secret_size,
                             const unsigned char *protocol, uint32_t protocol_size, const unsigned char *label,
                             uint32_t label_size, const unsigned char *info, uint32_t info_size, int digest, void *heap,
                             int device);
typedef void *wolf_new(void *context);
typedef void wolf_free(void *session);
typedef int wolf_size(void);
typedef size_t wolf_random(const void *session, unsigned char *into, size_t size);

struct chunk {
    const void *bytes;
    size_t size;
};
typedef void bear_prf(void *into, size_t size, const void *secret, size_t secret_size, const char *label, size_t count,
                      const struct chunk *seed);

static void *_Atomic real_wc_PRF_TLS, *_Atomic real_wc_Tls13_HKDF_Expand_Label, *_Atomic real_wc_Tls13_HKDF_Expand_Label_ex,
    *_Atomic real_wolfSSL_new, *_Atomic real_wolfSSL_free, *_Atomic real_br_tls10_prf, *_Atomic real_br_tls12_sha256_prf,
    *_Atomic real_br_tls12_sha384_prf;

void derivation_resolve(void)
{
    RESOLVE(wc_PRF_TLS)
    RESOLVE(wc_Tls13_HKDF_Expand_Label)
    RESOLVE(wc_Tls13_HKDF_Expand_Label_ex)
    RESOLVE(wolfSSL_new)
    RESOLVE(wolfSSL_free)
    RESOLVE(br_tls10_prf)
    RESOLVE(br_tls12_sha256_prf)
    RESOLVE(br_tls12_sha384_prf)
}

/* The function that a call was meant for. */
#define MEANT(name) library_function(__builtin_return_address(0), #name, atomic_load(&real_##name))

static bool wanted(void)
{
    return hooks_wanted() && settings_allow("preload");
}

static bool is_label(const void *label, size_t size, const char *known)
{
    return size == text_length(known) && bytes_equal(label, known, size);
}

static void tell_master(const void *function, const unsigned char *random, const unsigned char *secret, const char *symbol)
{
    static const char label[] = "CLIENT_RANDOM";
    struct object library;
    const bool known = library_meant(function, symbol, function, &library);
    secret_tell(label, sizeof label - 1, random, secret, MASTER, known ? library_name(&library) : "null", "derivation");
}

/* --- wolfSSL --------------------------------------------------------------------------------------------------------- */

/* Sessions that are alive; where there are more, the secrets of these are lost. */
static atomic_uintptr_t sessions[SESSIONS];
static atomic_size_t most_sessions; /* none was ever behind that */

static void note_session(void *session)
{
    for (size_t i = 0; i < SESSIONS; i++) {
        uintptr_t none = 0;
        if (!atomic_compare_exchange_strong(&sessions[i], &none, (uintptr_t)session))
            continue;
        size_t most = atomic_load(&most_sessions);
        while (most <= i && !atomic_compare_exchange_weak(&most_sessions, &most, i + 1))
            ;
        return;
    }
}

static void forget_session(void *session)
{
    for (size_t i = 0; session && i < atomic_load(&most_sessions); i++) {
        uintptr_t one = (uintptr_t)session;
        atomic_compare_exchange_strong(&sessions[i], &one, 0);
    }
}

/* The session that an address is in. */
static const void *session_at(const void *address, size_t size)
{
    for (size_t i = 0; i < atomic_load(&most_sessions); i++) {
        const uintptr_t one = atomic_load(&sessions[i]);
        if (one && (uintptr_t)address - one < size)
            return (const void *)one;
    }
    return NULL;
}

/* The label of the key log for what TLS 1.3 derives (RFC 8446, section 7.1). */
static const char *log_label(const unsigned char *label, size_t size)
{
    static const char *const known[][2] = {
        {"c e traffic", "CLIENT_EARLY_TRAFFIC_SECRET"},       {"c hs traffic", "CLIENT_HANDSHAKE_TRAFFIC_SECRET"},
        {"s hs traffic", "SERVER_HANDSHAKE_TRAFFIC_SECRET"},  {"c ap traffic", "CLIENT_TRAFFIC_SECRET_0"},
        {"s ap traffic", "SERVER_TRAFFIC_SECRET_0"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (is_label(label, size, known[i][0]))
            return known[i][1];
    return NULL;
}

/* The client random of the session that a secret was written into, and the library's name. Its own frame, which is given back
 * before more is done. */
static __attribute__((noinline)) const char *session_of(const void *function, const char *symbol, const unsigned char *secret,
                                                        unsigned char *random)
{
    struct object library;
    if (!library_meant(function, symbol, function, &library))
        return NULL;
    wolf_size *object_size = (wolf_size *)object_symbol(&library, "wolfSSL_GetObjectSize");
    wolf_random *client_random = (wolf_random *)object_symbol(&library, "wolfSSL_get_client_random");
    if (!object_size || !client_random) {
        library_unreached(&library, "this wolfSSL was built without wolfSSL_get_client_random, which TLS 1.3 takes");
        return NULL;
    }
    const int all = object_size();
    const void *session = all > 0 ? session_at(secret, (size_t)all) : NULL;
    return session && client_random(session, random, RANDOM) == RANDOM ? library_name(&library) : NULL;
}

static __attribute__((noinline)) void tell_expanded(const void *function, const char *symbol, const char *label,
                                                    const unsigned char *secret, size_t size)
{
    unsigned char random[RANDOM];
    const char *name = session_of(function, symbol, secret, random);
    if (name)
        secret_tell(label, text_length(label), random, secret, size, name, "derivation");
}

HOOK void *wolfSSL_new(void *context)
{
    hooks_ready();
    wolf_new *call = (wolf_new *)MEANT(wolfSSL_new);
    void *session = call ? call(context) : NULL;
    if (session && wanted())
        note_session(session);
    return session;
}

HOOK void wolfSSL_free(void *session)
{
    hooks_ready();
    wolf_free *call = (wolf_free *)MEANT(wolfSSL_free);
    forget_session(session);
    if (call)
        call(session);
}

HOOK int wc_PRF_TLS(unsigned char *into, uint32_t size, const unsigned char *secret, uint32_t secret_size,
                    const unsigned char *label, uint32_t label_size, const unsigned char *seed, uint32_t seed_size,
                    int at_least_sha256, int hash, void *heap, int device)
{
    hooks_ready();
    wolf_prf *call = (wolf_prf *)MEANT(wc_PRF_TLS);
    if (!call)
        return BAD_ARGUMENT;
    if (secret && label && seed && secret_size == MASTER && seed_size == 2 * RANDOM && is_label(label, label_size, EXPANSION) &&
        wanted())
        KEEPING_ERRNO(tell_master((const void *)call, seed + RANDOM, secret, "wc_PRF_TLS"));
    return call(into, size, secret, secret_size, label, label_size, seed, seed_size, at_least_sha256, hash, heap, device);
}

static bool is_secret(const unsigned char *protocol, uint32_t protocol_size, uint32_t size)
{
    return protocol && is_label(protocol, protocol_size, "tls13 ") && size <= LONGEST_SECRET;
}

HOOK int wc_Tls13_HKDF_Expand_Label(unsigned char *into, uint32_t size, const unsigned char *secret, uint32_t secret_size,
                                    const unsigned char *protocol, uint32_t protocol_size, const unsigned char *label,
                                    uint32_t label_size, const unsigned char *info, uint32_t info_size, int digest)
{
    static const char name[] = "wc_Tls13_HKDF_Expand_Label";
    hooks_ready();
    wolf_expand *call = (wolf_expand *)MEANT(wc_Tls13_HKDF_Expand_Label);
    if (!call)
        return BAD_ARGUMENT;
    const int result = call(into, size, secret, secret_size, protocol, protocol_size, label, label_size, info, info_size, digest);
    const char *known = result == 0 && label && is_secret(protocol, protocol_size, size) ? log_label(label, label_size) : NULL;
    if (known && wanted())
        KEEPING_ERRNO(tell_expanded((const void *)call, name, known, into, size));
    return result;
}

/* What newer ones call. */
HOOK int wc_Tls13_HKDF_Expand_Label_ex(unsigned char *into, uint32_t size, const unsigned char *secret, uint32_t secret_size,
                                       const unsigned char *protocol, uint32_t protocol_size, const unsigned char *label,
                                       uint32_t label_size, const unsigned char *info, uint32_t info_size, int digest,
                                       void *heap, int device)
{
    static const char name[] = "wc_Tls13_HKDF_Expand_Label_ex";
    hooks_ready();
    wolf_expand_more *call = (wolf_expand_more *)MEANT(wc_Tls13_HKDF_Expand_Label_ex);
    if (!call)
        return BAD_ARGUMENT;
    const int result = call(into, size, secret, secret_size, protocol, protocol_size, label, label_size, info, info_size, digest,
                            heap, device);
    const char *known = result == 0 && label && is_secret(protocol, protocol_size, size) ? log_label(label, label_size) : NULL;
    if (known && wanted())
        KEEPING_ERRNO(tell_expanded((const void *)call, name, known, into, size));
    return result;
}

/* --- BearSSL --------------------------------------------------------------------------------------------------------- */

/* Both directions are derived apart, so that all comes twice. */
static bool is_new(const unsigned char *random)
{
    static _Atomic uint64_t last;
    uint64_t start;
    bytes_copy(&start, random, sizeof start);
    return atomic_exchange(&last, start) != start;
}

static void tell_bear(const void *function, const char *symbol, const void *secret, const struct chunk *seed)
{
    if (is_new(seed[1].bytes))
        tell_master(function, seed[1].bytes, secret, symbol);
}

#define BEAR(name) \
    HOOK void name(void *into, size_t size, const void *secret, size_t secret_size, const char *label, size_t count, \
                   const struct chunk *seed) \
    { \
        hooks_ready(); \
        bear_prf *call = (bear_prf *)MEANT(name); \
        if (secret_size == MASTER && count == 2 && seed[0].size == RANDOM && seed[1].size == RANDOM && \
            text_equal(label, EXPANSION) && wanted()) \
            KEEPING_ERRNO(tell_bear((const void *)call, #name, secret, seed)); \
        if (call) \
            call(into, size, secret, secret_size, label, count, seed); \
    }
BEAR(br_tls10_prf)
BEAR(br_tls12_sha256_prf)
BEAR(br_tls12_sha384_prf)
