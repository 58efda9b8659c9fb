/* The functions of libssl, and dlsym, by which programs may find them. */
#include <dlfcn.h>
#include <stddef.h>

#include "contexts.h"
#include "copies.h"
#include "event.h"
#include "hook.h"
#include "journal.h"
#include "keyline.h"
#include "legacy.h"
#include "settings.h"
#include "sandbox.h"
#include "text.h"
#include "../patch/jvm.h"
#include "../patch/patches.h"

#define NEXT_OF_CALLER ((void *)-1L) /* RTLD_NEXT, which its header has for _GNU_SOURCE only */

typedef void *(*dlsym_function)(void *, const char *);

static _Atomic(dlsym_function) real_dlsym;

void libssl_resolve(void)
{
    RESOLVE(dlsym)
}

/* Finding copies anew makes no system call but where it pins them. */
static void discover(void)
{
    copies_discover(!sandboxed());
}

/* --- libssl --------------------------------------------------------------------------------------------------- */

/* A key log line is LABEL, client random (64 hex digits), secret. These labels come once a handshake. */
const char *random_if_first(const char *line)
{
    static const char *const labels[] = {"CLIENT_RANDOM ", "SERVER_HANDSHAKE_TRAFFIC_SECRET "};
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (text_starts(line, labels[i]) && text_length(line) > text_length(labels[i]) + 64)
            return line + text_length(labels[i]);
    return NULL;
}

/* Without a BIO, SSL_get_rfd would leave an error in the queue that the program reads after its own calls. */
static int descriptor_of(const struct copy *copy, const SSL *ssl)
{
    const struct functions *call = &copy->call;
    return call->SSL_get_rbio && call->SSL_get_rfd && call->SSL_get_rbio(ssl) ? call->SSL_get_rfd(ssl) : -1;
}

static void tell(const struct copy *copy, const SSL *ssl, const char *text)
{
    journal_key(text);
    const char *random = random_if_first(text);
    if (random)
        event_tls(descriptor_of(copy, ssl), random, copy->name, "callback");
}

void on_key_line(const struct copy *copy, const SSL *ssl, const char *text)
{
    if (hooks_wanted())
        KEEPING_ERRNO(tell(copy, ssl, text));
    const keylog_callback programs_own = context_callback(copy->call.SSL_get_SSL_CTX(ssl));
    if (programs_own)
        programs_own(ssl, text);
}

/* Puts our callback into a context. What stands there already (OpenSSL 3.5 can log by itself) counts as the
 * program's; where it is ours, SSL_CTX_new has called SSL_CTX_new_ex by way of us, and all is done. */
static void adopt(const struct copy *copy, SSL_CTX *context)
{
    if (!context || !hooks_wanted() || !settings_allow("preload"))
        return;
    if (copy->legacy)
        legacy_adopt(copy, context);
    if (!copy->loggable || !copy->callback)
        return;
    const keylog_callback present = copy->call.SSL_CTX_get_keylog_callback(context);
    if (copies_own(present) || (!context_note(context, present) && present))
        return;
    copy->call.SSL_CTX_set_keylog_callback(context, copy->callback);
    journal_open();
}

static const struct copy *copy_for(const SSL_METHOD *method)
{
    hooks_load();
    const int error = errno;
    const struct copy *copy = copy_at(method);
    if (!copy) {
        discover();
        copy = copy_at(method);
    }
    errno = error;
    return copy ? copy : copy_any();
}

HOOK SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
    const struct copy *copy = copy_for(method);
    SSL_CTX *context = copy ? copy->call.SSL_CTX_new(method) : NULL;
    const int error = errno;
    if (copy)
        adopt(copy, context);
    errno = error;
    return context;
}

HOOK SSL_CTX *SSL_CTX_new_ex(OSSL_LIB_CTX *library, const char *query, const SSL_METHOD *method)
{
    const struct copy *copy = copy_for(method);
    if (!copy || !copy->call.SSL_CTX_new_ex)
        return NULL;
    SSL_CTX *context = copy->call.SSL_CTX_new_ex(library, query, method);
    const int error = errno;
    adopt(copy, context);
    errno = error;
    return context;
}

static const struct copy *copy_that_made(const SSL_CTX *context)
{
    hooks_load();
    const int error = errno;
    const struct copy *copy = copy_of_context(context);
    if (!copy) {
        discover();
        copy = copy_of_context(context);
    }
    errno = error;
    return copy;
}

/* Where our callback stands, the program's goes into our table; everywhere else, where the program wants it. */
HOOK void SSL_CTX_set_keylog_callback(SSL_CTX *context, keylog_callback callback)
{
    const struct copy *copy = copy_that_made(context);
    if (!copy || !copy->call.SSL_CTX_set_keylog_callback)
        return;
    const bool ours = copy->loggable && copies_own(copy->call.SSL_CTX_get_keylog_callback(context));
    if (!ours || !context_note(context, callback))
        copy->call.SSL_CTX_set_keylog_callback(context, callback);
}

HOOK keylog_callback SSL_CTX_get_keylog_callback(const SSL_CTX *context)
{
    const struct copy *copy = copy_that_made(context);
    if (!copy || !copy->call.SSL_CTX_get_keylog_callback)
        return NULL;
    const keylog_callback callback = copy->call.SSL_CTX_get_keylog_callback(context);
    return copies_own(callback) ? context_callback(context) : callback;
}

/* --- the loader ------------------------------------------------------------------------------------------------ */

static void *ours_for(const char *symbol)
{
    if (!symbol || !text_starts(symbol, "SSL_CTX_"))
        return NULL;
    if (text_equal(symbol, "SSL_CTX_new"))
        return (void *)SSL_CTX_new;
    if (text_equal(symbol, "SSL_CTX_new_ex"))
        return (void *)SSL_CTX_new_ex;
    if (text_equal(symbol, "SSL_CTX_set_keylog_callback"))
        return (void *)SSL_CTX_set_keylog_callback;
    if (text_equal(symbol, "SSL_CTX_get_keylog_callback"))
        return (void *)SSL_CTX_get_keylog_callback;
    return NULL;
}

/* A program that binds libssl at run time (ctypes, .NET, Qt) shall get our function where it would have got that of a
 * copy that we can call. If it finds only ours, there is none, and it must be told so. */
static void *bound(dlsym_function find, void *handle, const char *symbol, void *ours)
{
    hooks_load();
    if (!journal_wanted())
        return find(handle, symbol);
    void *found = find(handle, symbol);
    if (!found)
        return NULL;
    const int error = errno;
    discover();
    const struct copy *copy = found == ours ? copy_any() : copy_at(found);
    errno = error;
    if (found == ours && !copy) {
        void *volatile none = find(NEXT_OF_CALLER, symbol); /* called, not jumped to: the caller is this library */
        return none;                                        /* NULL, and dlerror has the words for it */
    }
    return found == ours || (copy && (copy->loggable || copy->legacy)) ? ours : found;
}

/* A library that makes a Java virtual machine is asked by its handle. */
static bool makes_machine(void *handle, const char *symbol)
{
    return handle && handle != NEXT_OF_CALLER && symbol && text_equal(symbol, "JNI_CreateJavaVM");
}

static void *machine_maker(dlsym_function find, void *handle, const char *symbol)
{
    hooks_load();
    void *found = find(handle, symbol), *ours = hooks_wanted() && settings_allow("agent") ? jvm_for(symbol, found) : NULL;
    return ours ? ours : found;
}

/* Its own frame, so that what comes after it is still a jump. */
static __attribute__((noinline)) void look_in(void *handle)
{
    if (handle && handle != NEXT_OF_CALLER && objects_by_glibc() && hooks_wanted())
        KEEPING_ERRNO(patches_look(handle));
}

/* RTLD_NEXT and RTLD_DEFAULT depend on who calls, which the real dlsym knows by its return address: so it must
 * be jumped to, not called. -O2 makes this call such a jump. */
HOOK void *dlsym(void *restrict handle, const char *restrict symbol)
{
    hooks_ready();
    dlsym_function find = atomic_load(&real_dlsym);
    look_in(handle);
    if (makes_machine(handle, symbol))
        return machine_maker(find, handle, symbol);
    void *ours = handle == NEXT_OF_CALLER ? NULL : ours_for(symbol);
    if (ours)
        return bound(find, handle, symbol, ours);
    return find(handle, symbol);
}
