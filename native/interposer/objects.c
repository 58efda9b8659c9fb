#define _GNU_SOURCE
#include "objects.h"

#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>

#include "text.h"

typedef ElfW(Sym) symbol_entry;

struct tables {
    const symbol_entry *symbols;
    const char *strings;
    const uint32_t *gnu_hash;
    const uint32_t *hash;
    const uint16_t *versions;
};

/* glibc relocates the addresses in the dynamic section when it loads an object; musl, and the kernel for its
 * vdso, leave them relative. */
static const void *table_at(const struct object *object, uintptr_t address)
{
    return (const void *)(address < object->base ? object->base + address : address);
}

static struct tables tables_of(const struct object *object)
{
    struct tables found = {0};
    for (const ElfW(Dyn) *entry = object->dynamic; entry && entry->d_tag != DT_NULL; entry++) {
        const void *table = table_at(object, entry->d_un.d_ptr);
        if (entry->d_tag == DT_SYMTAB)
            found.symbols = table;
        else if (entry->d_tag == DT_STRTAB)
            found.strings = table;
        else if (entry->d_tag == DT_GNU_HASH)
            found.gnu_hash = table;
        else if (entry->d_tag == DT_HASH)
            found.hash = table;
        else if (entry->d_tag == DT_VERSYM)
            found.versions = table;
    }
    return found;
}

/* An old version of a function, for programs that were linked long ago (posix_spawn), is another function. */
static bool is_old(const struct tables *tables, uint32_t index)
{
    enum { HIDDEN = 0x8000 };
    return tables->versions && tables->versions[index] & HIDDEN;
}

static bool is_definition(const struct tables *tables, uint32_t index, const char *name)
{
    const symbol_entry *entry = &tables->symbols[index];
    return !is_old(tables, index) && entry->st_shndx != SHN_UNDEF && (entry->st_info & 0xf) == STT_FUNC &&
           text_equal(tables->strings + entry->st_name, name);
}

/* Layout: bucket count, first hashed symbol, bloom words, bloom shift; the bloom filter; the buckets; then one
 * hash a symbol, whose lowest bit ends a chain. The bloom filter would only save time that we do not need. */
static uint32_t index_by_gnu_hash(const struct tables *tables, const char *name)
{
    const uint32_t *header = tables->gnu_hash;
    const uint32_t bucket_count = header[0], first = header[1], bloom_words = header[2];
    const uint32_t *buckets = header + 4 + bloom_words * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    const uint32_t *hashes = buckets + bucket_count;
    uint32_t hash = 5381;
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        hash = hash * 33 + *c;
    uint32_t index = bucket_count ? buckets[hash % bucket_count] : 0;
    if (index < first)
        return 0;
    for (;; index++) {
        const uint32_t other = hashes[index - first];
        if ((hash | 1) == (other | 1) && is_definition(tables, index, name))
            return index;
        if (other & 1)
            return 0;
    }
}

/* Layout: bucket count, chain count; the buckets; the chains. */
static uint32_t index_by_hash(const struct tables *tables, const char *name)
{
    const uint32_t *header = tables->hash;
    const uint32_t bucket_count = header[0], chain_count = header[1];
    const uint32_t *buckets = header + 2, *chains = buckets + bucket_count;
    uint32_t hash = 0;
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        hash = (hash << 4) + *c;
        hash = (hash ^ ((hash & 0xf0000000u) >> 24)) & 0x0fffffffu;
    }
    uint32_t steps = 0;
    for (uint32_t i = bucket_count ? buckets[hash % bucket_count] : 0; i && steps < chain_count; steps++) {
        if (is_definition(tables, i, name))
            return i;
        i = chains[i];
    }
    return 0;
}

void *object_symbol(const struct object *object, const char *name)
{
    const struct tables tables = tables_of(object);
    if (!tables.symbols || !tables.strings)
        return NULL;
    uint32_t index = 0;
    if (tables.gnu_hash)
        index = index_by_gnu_hash(&tables, name);
    else if (tables.hash)
        index = index_by_hash(&tables, name);
    return index ? (void *)(object->base + tables.symbols[index].st_value) : NULL;
}

bool object_needs(const struct object *object, const struct object *other)
{
    const char *strings = tables_of(object).strings, *name = text_name(other->name);
    for (const ElfW(Dyn) *entry = object->dynamic; strings && entry && entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_NEEDED && text_equal(text_name(strings + entry->d_un.d_val), name))
            return true;
    return false;
}

static struct object object_from(const struct dl_phdr_info *info)
{
    struct object object = {.low = UINTPTR_MAX, .base = info->dlpi_addr, .name = info->dlpi_name,
                            .segments = info->dlpi_phdr, .segment_count = info->dlpi_phnum};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        const uintptr_t start = info->dlpi_addr + segment->p_vaddr, end = start + segment->p_memsz;
        if (segment->p_type == PT_DYNAMIC)
            object.dynamic = (const void *)start;
        if (segment->p_type != PT_LOAD)
            continue;
        if (start < object.low)
            object.low = start;
        if (end > object.high)
            object.high = end;
    }
    return object;
}

struct walk {
    bool (*visit)(const struct object *, void *);
    void *context;
    bool past_ours;
};

static int step(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    struct walk *walk = data;
    const struct object object = object_from(info);
    if (walk->past_ours)
        return walk->visit(&object, walk->context);
    const uintptr_t here = (uintptr_t)&step;
    walk->past_ours = object.low <= here && here < object.high;
    return 0;
}

/* glibc's list of all objects, in load order; elsewhere there is no such name. Nothing is called to read it. */
extern struct r_debug _r_debug __attribute__((weak));

typedef int (*iterator)(int (*)(struct dl_phdr_info *, size_t, void *), void *);

bool objects_by_glibc(void)
{
    return &_r_debug != NULL;
}

static void iterate_objects(struct walk *walk)
{
    static _Atomic(iterator) iterate;
    if (!atomic_load(&iterate))
        atomic_store(&iterate, &_r_debug ? (iterator)next_symbol("dl_iterate_phdr") : dl_iterate_phdr);
    atomic_load(&iterate)(step, walk);
}

void objects_after_ours(bool (*visit)(const struct object *, void *), void *context)
{
    struct walk walk = {visit, context, false};
    iterate_objects(&walk);
}

void objects_all(bool (*visit)(const struct object *, void *), void *context)
{
    struct walk walk = {visit, context, true};
    iterate_objects(&walk);
}

struct search {
    const char *symbol;
    void *found;
};

static bool defines(const struct object *object, void *context)
{
    struct search *search = context;
    search->found = object_symbol(object, search->symbol);
    return search->found != NULL;
}

/* Our own dynamic section, which every linker names so; musl's <link.h> does not say it. */
extern ElfW(Dyn) _DYNAMIC[];

static void *next_in_list(const char *symbol)
{
    bool past_ours = false;
    for (const struct link_map *entry = _r_debug.r_map; entry; entry = entry->l_next) {
        const struct object object = {.base = entry->l_addr, .name = entry->l_name, .dynamic = entry->l_ld};
        void *found = past_ours ? object_symbol(&object, symbol) : NULL;
        if (found)
            return found;
        past_ours = past_ours || entry->l_ld == _DYNAMIC;
    }
    return NULL;
}

void *next_symbol(const char *symbol)
{
    if (&_r_debug)
        return next_in_list(symbol);
    struct search search = {symbol, NULL};
    objects_after_ours(defines, &search);
    return search.found;
}
