/* s2n, which tells lines of the key log to a callback of each configuration, as OpenSSL does of each context. Where it is
 * linked into a library its functions are mostly called by name all the same, and so by way of us. */
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "hook.h"
#include "journal.h"
#include "keyline.h"
#include "library.h"
#include "line.h"
#include "settings.h"
#include "text.h"

enum { LONGEST = 300, OWN = 64 };

typedef int (*key_log)(void *context, void *connection, uint8_t *text, size_t count);
typedef int (*set_config)(void *connection, void *config);
typedef int (*set_key_log)(void *config, key_log callback, void *context);

static void *_Atomic real_s2n_connection_set_config, *_Atomic real_s2n_config_set_key_log_cb;

void s2n_resolve(void)
{
    RESOLVE(s2n_connection_set_config)
    RESOLVE(s2n_config_set_key_log_cb)
}

/* Configurations with a callback of the program's own, which stays. */
static atomic_uintptr_t programs_own[OWN];

static bool is_programs_own(const void *config)
{
    for (size_t i = 0; i < OWN; i++)
        if (atomic_load(&programs_own[i]) == (uintptr_t)config)
            return true;
    return false;
}

static void note_programs_own(const void *config)
{
    for (size_t i = 0; i < OWN && !is_programs_own(config); i++) {
        uintptr_t none = 0;
        if (atomic_compare_exchange_strong(&programs_own[i], &none, (uintptr_t)config))
            return;
    }
}

/* --- a line ---------------------------------------------------------------------------------------------------------- */

static void tell(const char *library, const uint8_t *text, size_t count)
{
    char line[LONGEST];
    if (count >= sizeof line)
        return;
    bytes_copy(line, text, count);
    line[count] = '\0';
    journal_key(line);
    const char *random = random_if_first(line);
    if (random)
        event_tls(-1, random, library, "callback");
    bytes_clear(line, sizeof line);
}

static int on_s2n_line(void *context, void *connection, uint8_t *text, size_t count)
{
    (void)connection;
    if (hooks_wanted())
        KEEPING_ERRNO(tell(context, text, count));
    return 0;
}

HOOK int s2n_connection_set_config(void *connection, void *config)
{
    struct object library;
    hooks_ready();
    if (!library_meant(__builtin_return_address(0), "s2n_connection_set_config",
                       atomic_load(&real_s2n_connection_set_config), &library))
        return -1;
    const set_config set = (set_config)object_symbol(&library, "s2n_connection_set_config");
    const set_key_log log = (set_key_log)object_symbol(&library, "s2n_config_set_key_log_cb");
    if (config && log && hooks_wanted() && settings_allow("preload") && !is_programs_own(config))
        log(config, on_s2n_line, (void *)library_name(&library));
    return set(connection, config);
}

HOOK int s2n_config_set_key_log_cb(void *config, key_log callback, void *context)
{
    hooks_ready();
    const set_key_log set = (set_key_log)library_function(
        __builtin_return_address(0), "s2n_config_set_key_log_cb", atomic_load(&real_s2n_config_set_key_log_cb));
    if (!set)
        return -1;
    if (callback)
        note_programs_own(config);
    return set(config, callback, context);
}
