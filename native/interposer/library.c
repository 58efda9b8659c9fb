#include "library.h"

#include <stdatomic.h>
#include <stddef.h>

#include "event.h"
#include "line.h"
#include "text.h"

enum { LIBRARIES = 16, NAME = 512 };

static struct met {
    atomic_uintptr_t low; /* 0: free */
    atomic_bool named, unreached;
    char name[NAME];
} met[LIBRARIES];

struct search {
    uintptr_t caller;
    const char *symbol;
    const void *at_start;
    struct object callers, first, linked;
};

static bool holds(const struct object *object, uintptr_t address)
{
    return object->low <= address && address < object->high;
}

static bool is_callers(const struct object *object, void *context)
{
    struct search *search = context;
    if (!holds(object, search->at_start ? (uintptr_t)search->at_start : search->caller))
        return false;
    search->callers = *object;
    return true;
}

static bool has_function(const struct object *object, void *context)
{
    struct search *search = context;
    if (!object_symbol(object, search->symbol))
        return false;
    if (!search->first.dynamic)
        search->first = *object;
    if (!search->callers.dynamic || !object_needs(&search->callers, object))
        return false;
    search->linked = *object;
    return true;
}

bool library_meant(const void *caller, const char *symbol, const void *at_start, struct object *found)
{
    struct search search = {.caller = (uintptr_t)caller, .symbol = symbol, .at_start = at_start};
    objects_after_ours(is_callers, &search);
    if (search.callers.dynamic && object_symbol(&search.callers, symbol)) {
        *found = search.callers;
        return true;
    }
    objects_after_ours(has_function, &search);
    *found = search.linked.dynamic ? search.linked : search.first;
    return found->dynamic != NULL;
}

void *library_function(const void *caller, const char *symbol, void *at_start)
{
    struct object found;
    if (at_start)
        return at_start;
    return library_meant(caller, symbol, NULL, &found) ? object_symbol(&found, symbol) : NULL;
}

static void fill_name(struct met *one, const char *path)
{
    struct line name;
    line_begin(&name, one->name, NAME - 1);
    line_string(&name, path);
    if (name.overflow) {
        line_begin(&name, one->name, NAME - 1);
        line_string(&name, text_name(path));
    }
    one->name[name.length] = '\0';
    atomic_store(&one->named, true);
}

static struct met *met_before(const struct object *object)
{
    for (struct met *one = met; one < met + LIBRARIES; one++) {
        uintptr_t low = 0;
        if (atomic_compare_exchange_strong(&one->low, &low, object->low))
            fill_name(one, object->name);
        else if (low != object->low)
            continue;
        return one;
    }
    return NULL;
}

const char *library_name(const struct object *object)
{
    const struct met *one = met_before(object);
    return one && atomic_load(&one->named) ? one->name : "null";
}

void library_unreached(const struct object *object, const char *why)
{
    struct met *one = met_before(object);
    if (one && !atomic_exchange(&one->unreached, true))
        event_unreached(library_name(object), why);
}
