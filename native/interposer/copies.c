#define _GNU_SOURCE
#include "copies.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "hook.h"
#include "line.h"
#include "objects.h"
#include "text.h"

enum {
    COPIES = 256,
    LOGGED = 64, /* of these the keys are logged; the others are called as their callers meant it, and left alone */
};

static struct entry {
    atomic_uintptr_t low; /* 0: free, as all behind it are. Set first, and by that the entry is taken. */
    atomic_uintptr_t high;
    atomic_bool ready;
    struct copy copy;
} table[COPIES];

/* One function for each number, which is octal. */
#define EIGHT(DO, n) DO(n##0) DO(n##1) DO(n##2) DO(n##3) DO(n##4) DO(n##5) DO(n##6) DO(n##7)
#define ALL(DO) \
    EIGHT(DO, 00) EIGHT(DO, 01) EIGHT(DO, 02) EIGHT(DO, 03) EIGHT(DO, 04) EIGHT(DO, 05) EIGHT(DO, 06) EIGHT(DO, 07)
#define CALLBACK(n) \
    static void callback_##n(const SSL *ssl, const char *line) { on_key_line(&table[n].copy, ssl, line); }
#define ITS_NAME(n) callback_##n,
ALL(CALLBACK)
static const keylog_callback callbacks[LOGGED] = {ALL(ITS_NAME)};

static void fill_path(struct copy *copy, const char *path)
{
    const size_t length = text_length(path);
    if (length < sizeof copy->path)
        bytes_copy(copy->path, path, length + 1);
    struct line name;
    line_begin(&name, copy->name, sizeof copy->name - 1);
    line_string(&name, path);
    if (name.overflow) {
        line_begin(&name, copy->name, sizeof copy->name - 1);
        line_string(&name, text_name(path));
    }
    copy->name[name.length] = '\0';
}

/* LibreSSL, which has its version from the same root, has OPENSSL_init_ssl as well. */
static bool is_legacy(const struct object *object, const struct functions *call)
{
#ifdef __x86_64__
    return !call->SSL_CTX_set_keylog_callback && call->SSL_get_session && call->SSL_CTX_set_info_callback &&
           call->SSL_CTX_get_info_callback && object_symbol(object, "SSL_library_init") &&
           object_symbol(object, "tls1_change_cipher_state") && !object_symbol(object, "OPENSSL_init_ssl");
#else
    (void)object, (void)call;
    return false;
#endif
}

static void fill(struct entry *entry, const struct object *object)
{
#define FIND(name) *(void **)&entry->copy.call.name = object_symbol(object, #name)
    FIND(SSL_CTX_new);
    FIND(SSL_CTX_new_ex);
    FIND(SSL_CTX_set_keylog_callback);
    FIND(SSL_CTX_get_keylog_callback);
    FIND(SSL_CTX_get_ssl_method);
    FIND(SSL_get_SSL_CTX);
    FIND(SSL_get_rbio);
    FIND(SSL_get_rfd);
    FIND(SSL_get_session);
    FIND(SSL_CTX_set_info_callback);
    FIND(SSL_CTX_get_info_callback);
#undef FIND
    const struct functions *call = &entry->copy.call;
    entry->copy.loggable = call->SSL_CTX_set_keylog_callback && call->SSL_CTX_get_keylog_callback &&
                           call->SSL_CTX_get_ssl_method && call->SSL_get_SSL_CTX;
    entry->copy.legacy = is_legacy(object, call);
    entry->copy.callback = entry < table + LOGGED ? callbacks[entry - table] : NULL;
    fill_path(&entry->copy, object->name);
    atomic_store(&entry->high, object->high);
    atomic_store(&entry->ready, true);
}

/* The entry of the object, now taken if it was not; NULL where the table is full: that copy is left alone. */
static struct entry *entry_of(const struct object *object)
{
    for (struct entry *entry = table; entry < table + COPIES; entry++) {
        uintptr_t low = 0;
        if (atomic_compare_exchange_strong(&entry->low, &low, object->low) || low == object->low)
            return entry;
    }
    return NULL;
}

static bool enroll(const struct object *object, void *context)
{
    bool *added = context;
    if (!object_symbol(object, "SSL_CTX_new"))
        return false;
    struct entry *entry = entry_of(object);
    if (entry && !atomic_load(&entry->ready)) {
        fill(entry, object);
        added[entry - table] = true;
    }
    return false;
}

static void *(*_Atomic real_dlopen)(const char *, int);

void copies_resolve(void)
{
    RESOLVE(dlopen)
}

void copies_discover(bool pin)
{
    bool added[COPIES] = {false};
    objects_after_ours(enroll, added);
    for (size_t i = 0; pin && i < COPIES; i++)
        if (added[i] && table[i].copy.path[0]) /* outside the walk, which holds a lock of the loader's */
            atomic_load(&real_dlopen)(table[i].copy.path, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

static const struct copy *first_ready(bool (*fits)(const struct entry *, const void *), const void *argument)
{
    for (struct entry *entry = table; entry < table + COPIES && atomic_load(&entry->low); entry++)
        if (atomic_load(&entry->ready) && fits(entry, argument))
            return &entry->copy;
    return NULL;
}

static bool is_any(const struct entry *entry, const void *unused)
{
    (void)entry, (void)unused;
    return true;
}

static bool holds(const struct entry *entry, const void *address)
{
    return atomic_load(&entry->low) <= (uintptr_t)address && (uintptr_t)address < atomic_load(&entry->high);
}

/* Asked of the wrong copy, SSL_CTX_get_ssl_method reads some other word of the context: no address inside it. */
static bool made(const struct entry *entry, const void *context)
{
    const struct copy *copy = &entry->copy;
    return copy->loggable && holds(entry, copy->call.SSL_CTX_get_ssl_method(context));
}

static bool cannot_tell(const struct entry *entry, const void *unused)
{
    (void)unused;
    return !entry->copy.loggable && entry->copy.call.SSL_CTX_set_keylog_callback;
}

const struct copy *copy_any(void)
{
    return first_ready(is_any, NULL);
}

const struct copy *copy_at(const void *address)
{
    return first_ready(holds, address);
}

const struct copy *copy_of_context(const SSL_CTX *context)
{
    const struct copy *copy = first_ready(made, context);
    return copy ? copy : first_ready(cannot_tell, NULL);
}

bool copies_own(keylog_callback callback)
{
    for (size_t i = 0; i < LOGGED; i++)
        if (callback == callbacks[i])
            return true;
    return false;
}
