/* s2n, which tells lines of the key log to a callback of each configuration, as OpenSSL does of each context. Where it is
 * linked into a library its functions are mostly called by name all the same, and so by way of us. */
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "hook.h"
#include "journal.h"
#include "keyline.h"
#include "line.h"
#include "settings.h"
#include "text.h"

enum { LONGEST = 300, OWN = 64, COPIES = 8, NAME = 512 };

typedef int (*key_log)(void *context, void *connection, uint8_t *text, size_t count);
typedef int (*set_config)(void *connection, void *config);
typedef int (*set_key_log)(void *config, key_log callback, void *context);

/* A copy of s2n that was met: which one, and its path as JSON. */
static struct met {
    atomic_uintptr_t functions; /* the address of one of its own; 0: free */
    atomic_bool named;
    char name[NAME];
} met[COPIES];

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

/* --- which copy ------------------------------------------------------------------------------------------------------ */

struct search {
    uintptr_t caller; /* 0: whoever has it */
    set_config set_config;
    set_key_log set_key_log;
    const char *name;
};

static bool has_s2n(const struct object *object, void *context)
{
    struct search *search = context;
    if (search->caller && !(object->low <= search->caller && search->caller < object->high))
        return false;
    search->set_config = (set_config)object_symbol(object, "s2n_connection_set_config");
    search->set_key_log = (set_key_log)object_symbol(object, "s2n_config_set_key_log_cb");
    search->name = object->name;
    return search->set_config && search->set_key_log;
}

/* That which the call was meant for: the caller's own, else the first. */
static bool find(const void *caller, struct search *search)
{
    bytes_clear(search, sizeof *search);
    search->caller = (uintptr_t)caller;
    objects_after_ours(has_s2n, search);
    if (search->set_config && search->set_key_log)
        return true;
    search->caller = 0;
    objects_after_ours(has_s2n, search);
    return search->set_config && search->set_key_log;
}

static struct met *met_before(const struct search *search)
{
    for (size_t i = 0; i < COPIES; i++) {
        struct met *copy = &met[i];
        uintptr_t key = 0;
        if (atomic_compare_exchange_strong(&copy->functions, &key, (uintptr_t)search->set_config)) {
            struct line name;
            line_begin(&name, copy->name, NAME - 1);
            line_string(&name, search->name);
            copy->name[name.overflow ? 0 : name.length] = '\0';
            atomic_store(&copy->named, true);
            return copy;
        }
        if (key == (uintptr_t)search->set_config)
            return copy;
    }
    return NULL;
}

/* --- a line ---------------------------------------------------------------------------------------------------------- */

static void tell(const struct met *copy, const uint8_t *text, size_t count)
{
    char line[LONGEST];
    if (count >= sizeof line)
        return;
    bytes_copy(line, text, count);
    line[count] = '\0';
    journal_key(line);
    const char *random = random_if_first(line);
    if (random)
        event_tls(-1, random, atomic_load(&copy->named) && copy->name[0] ? copy->name : "null", "callback");
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
    struct search search;
    hooks_ready();
    if (!find(__builtin_return_address(0), &search))
        return -1;
    if (config && hooks_wanted() && settings_allow("preload") && !is_programs_own(config)) {
        struct met *copy = met_before(&search);
        if (copy)
            search.set_key_log(config, on_s2n_line, copy);
    }
    return search.set_config(connection, config);
}

HOOK int s2n_config_set_key_log_cb(void *config, key_log callback, void *context)
{
    struct search search;
    hooks_ready();
    if (!find(__builtin_return_address(0), &search))
        return -1;
    if (callback)
        note_programs_own(config);
    return search.set_key_log(config, callback, context);
}
