#define _GNU_SOURCE
#include "patches.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "../interposer/event.h"
#include "../interposer/hook.h"
#include "../interposer/journal.h"
#include "../interposer/kernel.h"
#include "../interposer/line.h"
#include "../interposer/objects.h"
#include "../interposer/process.h"
#include "../interposer/settings.h"
#include "../interposer/text.h"
#include "code.h"
#include "erlang.h"
#include "locate.h"
#include "nss.h"
#include "rustls.h"
#include "secret.h"

#if defined(__x86_64__) || defined(__aarch64__)

enum { PATCHES = 16, SEEN = 2048, CHECKED = 4096, MOST_UNTOLD = 8 };

/* What NSS asks for its own key log: makes a key's bytes readable (0: done), and gives them. */
typedef int (*extract_key)(void *key);
typedef const void *(*key_data)(void *key);

/* One for each library that has a jump in it, or another table of methods. */
static struct patch {
    atomic_bool taken;
    unsigned short hops[MOST_HOPS];
    unsigned hop_count;
    uintptr_t labels[MOST_TEXTS];
    unsigned label_count; /* 0: whatever comes is a label */
    uintptr_t low, high;  /* where the object is */
    extract_key extract;  /* of NSS, whose secrets are objects of its own */
    key_data data;
    char name[512];       /* the path as JSON */
} patches[PATCHES];

/* --- a secret -------------------------------------------------------------------------------------------------------- */

static bool read_random(const struct patch *patch, uintptr_t at, unsigned char *into)
{
    for (unsigned i = 0; i + 1 < patch->hop_count; i++)
        if (!read_safely(at + patch->hops[i], &at, sizeof at))
            return false;
    return patch->hop_count && read_safely(at + patch->hops[patch->hop_count - 1], into, RANDOM);
}

static bool is_label(const struct patch *patch, const char *label)
{
    for (unsigned i = 0; i < patch->label_count; i++)
        if (patch->labels[i] == (uintptr_t)label)
            return true;
    return patch->label_count == 0;
}

static void tell(const struct patch *patch, uintptr_t session, const char *label, const unsigned char *secret, size_t size)
{
    unsigned char random[RANDOM], copy[LONGEST_SECRET];
    if (size == 0 || size > sizeof copy || !is_label(patch, label) || !read_random(patch, session, random) ||
        !read_safely((uintptr_t)secret, copy, size))
        return;
    secret_tell(label, text_length(label), random, copy, size, patch->name, "patch");
    bytes_clear(copy, sizeof copy);
}

/* What stubs call, with what the function was called with. */
static void on_secret(const void *patch, uintptr_t session, const char *label, const unsigned char *secret, size_t size)
{
    if (hooks_wanted())
        KEEPING_ERRNO(tell(patch, session, label, secret, size));
}

/* SECItem of NSS. */
struct item {
    int type;
    const unsigned char *data;
    unsigned size;
};

/* What NSS does where it is built with its key log: with the locks that it has here, and in its own thread. */
static void tell_key(const struct patch *patch, uintptr_t session, const char *label, void *key)
{
    struct item item;
    if (!key || !is_label(patch, label) || patch->extract(key))
        return;
    if (read_safely((uintptr_t)patch->data(key), &item, sizeof item))
        tell(patch, session, label, item.data, item.size);
}

static void on_key(const void *patch, uintptr_t session, const char *label, const unsigned char *key, size_t unused)
{
    (void)unused;
    if (hooks_wanted())
        KEEPING_ERRNO(tell_key(patch, session, label, (void *)(uintptr_t)key));
}

/* The object that called from there, as JSON. */
static const char *name_at(uintptr_t address)
{
    for (size_t i = 0; i < PATCHES; i++)
        if (atomic_load(&patches[i].taken) && patches[i].low <= address && address < patches[i].high)
            return patches[i].name;
    return "null";
}

/* rustls' methods, with the arguments that Rust gives to its own: slices are an address and a length. */
static void rust_log(const void *self, const char *label, size_t label_size, const unsigned char *random,
                     size_t random_size, const unsigned char *secret, size_t size)
{
    unsigned char copy[RANDOM + LONGEST_SECRET];
    char word[48];
    const char *name = name_at((uintptr_t)__builtin_return_address(0));
    (void)self;
    if (!hooks_wanted() || label_size >= sizeof word || random_size != RANDOM || size > LONGEST_SECRET)
        return;
    const int error = errno;
    if (read_safely((uintptr_t)label, word, label_size) && read_safely((uintptr_t)random, copy, RANDOM) &&
        read_safely((uintptr_t)secret, copy + RANDOM, size))
        secret_tell(word, label_size, copy, copy + RANDOM, size, name, "patch");
    bytes_clear(copy, sizeof copy);
    errno = error;
}

static bool rust_will_log(const void *self, const char *label, size_t label_size)
{
    (void)self, (void)label, (void)label_size;
    return hooks_wanted();
}

/* --- objects --------------------------------------------------------------------------------------------------------- */

/* What is being looked at. One thread at a time has it: the process that it belongs to, so that a fork is not kept from
 * it by a thread that it has not. */
static struct {
    atomic_int holder;
    struct parts parts;
    struct location location;
    uintptr_t tables[MOST_TABLES];
    char name[512];
    struct {
        char name[512];
        const char *why;
    } untold[MOST_UNTOLD]; /* of which it will be told, and why, when the loader's lock is free again */
    unsigned untold_count;
} work;

static bool begin_work(void)
{
    const int self = process_id();
    int holder = atomic_load(&work.holder);
    return holder != self && atomic_compare_exchange_strong(&work.holder, &holder, self);
}

static void end_work(void)
{
    for (unsigned i = 0; i < work.untold_count; i++)
        event_unreached(work.untold[i].name, work.untold[i].why);
    work.untold_count = 0;
    atomic_store(&work.holder, 0);
}

static struct patch *new_patch(const struct object *object)
{
    for (size_t i = 0; i < PATCHES; i++)
        if (!atomic_load(&patches[i].taken)) {
            struct patch *patch = &patches[i];
            bytes_copy(patch->name, work.name, sizeof work.name);
            patch->low = object->low;
            patch->high = object->high;
            atomic_store(&patch->taken, true);
            return patch;
        }
    return NULL;
}

static void take_parts(const struct object *object)
{
    const ElfW(Phdr) *segment = object->segments;
    bytes_clear(&work.parts, sizeof work.parts);
    work.parts.fixed = object->base == 0;
#if defined(__aarch64__)
    work.parts.arm64 = true;
#endif
    for (unsigned i = 0; i < object->segment_count && work.parts.count < MOST_PARTS; i++, segment++) {
        const uintptr_t at = object->base + segment->p_vaddr;
        if (segment->p_type == PT_GNU_EH_FRAME)
            work.parts.unwinding = at;
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_R) || !segment->p_filesz)
            continue;
        work.parts.list[work.parts.count++] = (struct part){
            .bytes = (const unsigned char *)at,
            .address = at,
            .size = segment->p_filesz,
            .kind = segment->p_flags & PF_X ? CODE : segment->p_flags & PF_W ? DATA : CONSTANTS,
        };
    }
}

/* Puts the jump there: `moved` bytes of what it covers are instructions. */
static const char *put_jump(const struct object *object, struct patch *patch, code_function *told, uintptr_t start, size_t moved,
                            size_t covered)
{
    unsigned char *page = patch ? code_page_near(object->low) : NULL;
    if (!page)
        return "there is no room near it";
    patch->hop_count = work.location.hop_count;
    bytes_copy(patch->hops, work.location.hops, sizeof patch->hops);
    patch->label_count = work.location.label_count;
    bytes_copy(patch->labels, work.location.labels, sizeof patch->labels);
    const char *why = !code_stub(page, told, patch, (const unsigned char *)start, moved, start + covered)
                          ? "there is no room near it"
                      : code_protect((uintptr_t)page, CODE_PAGE, PROT_READ | PROT_EXEC)
                          ? code_jump(start, (uintptr_t)page, covered)
                          : "code of ours cannot be made executable here";
    if (why)
        kernel(SYS_munmap, page, CODE_PAGE);
    return why;
}

static const char *patch_log(const struct object *object, uintptr_t exported)
{
    locate_log(&work.parts, exported, &work.location);
    if (work.location.why)
        return work.location.why;
    const uintptr_t function = work.location.function;
    const unsigned char *code = locate_at(&work.parts, function, 32, CODE);
    const size_t most = code && locate_at(&work.parts, function, CHECKED, CODE) ? CHECKED : 32;
    const size_t covered = code ? code_movable(code, most) : 0;
    if (!covered)
        return "its function for key logs begins in a way that is not known";
    return put_jump(object, new_patch(object), on_secret, function + code_mark(code), covered, covered);
}

static bool has_keys(const struct object *object, void *context)
{
    struct patch *patch = context;
    patch->extract = (extract_key)object_symbol(object, "PK11_ExtractKeyValue");
    patch->data = (key_data)object_symbol(object, "PK11_GetKeyData");
    return patch->extract && patch->data;
}

static const char *patch_nss(const struct object *object, uintptr_t exporting)
{
    nss_find(&work.parts, exporting, &work.location);
    if (work.location.why)
        return work.location.why;
    struct patch *patch = new_patch(object);
    if (patch)
        objects_all(has_keys, patch);
    if (!patch || !patch->extract || !patch->data)
        return "what its keys are kept in is not to be found";
    return put_jump(object, patch, on_key, work.location.function, 1, NSS_COVERED);
}

/* Whether the loader has left the page of `at` to be written to: beyond what was only to be relocated, in whole pages. */
static bool is_written(const struct object *object, uintptr_t at)
{
    const ElfW(Phdr) *segment = object->segments;
    for (unsigned i = 0; i < object->segment_count; i++, segment++) {
        const uintptr_t start = object->base + segment->p_vaddr, end = start + segment->p_memsz;
        if (segment->p_type == PT_GNU_RELRO && start <= at && at < (end & ~(uintptr_t)(CODE_PAGE - 1)))
            return false;
    }
    return locate_at(&work.parts, at, 1, DATA) != NULL;
}

/* Each word at once: another thread may read it. */
static bool write_words(const struct object *object, uintptr_t at, const uintptr_t *words, size_t count)
{
    const uintptr_t last = at + count * sizeof *words - 1;
    const bool written = is_written(object, at) && is_written(object, last);
    if (!written && !code_protect(at, count * sizeof *words, PROT_READ | PROT_WRITE))
        return false;
    for (size_t i = 0; i < count; i++)
        __atomic_store_n((uintptr_t *)at + i, words[i], __ATOMIC_SEQ_CST);
    if (!written && !is_written(object, last))
        code_protect(at, count * sizeof *words, PROT_READ);
    return true;
}

static const char *patch_tables(const struct object *object, unsigned count)
{
    if (!new_patch(object))
        return "there are too many";
    const uintptr_t methods[] = {(uintptr_t)rust_log, (uintptr_t)rust_will_log};
    for (unsigned i = 0; i < count; i++)
        if (!write_words(object, work.tables[i], methods, 2))
            return "its table of methods cannot be made writable here";
    return NULL;
}

static const char *patch_erlang(const struct object *object)
{
    uintptr_t slots[ERLANG_SLOTS], ours[ERLANG_SLOTS];
    const char *why = erlang_find(object, slots);
    const struct patch *patch = why ? NULL : new_patch(object);
    if (!patch)
        return why ? why : "there are too many";
    erlang_begin(patch->name, ours);
    for (int i = 0; i < ERLANG_SLOTS; i++)
        if (!write_words(object, slots[i], &ours[i], 1))
            return "its table of addresses cannot be made writable here";
    return NULL;
}

static bool is_nss(const struct object *object)
{
    return text_starts(text_name(object->name), "libssl3.so");
}

/* What is reached in other ways: by a callback, or by SSLKEYLOGFILE. */
/* Where nothing but patches is wanted libssl is patched, too. */
static bool is_reached(const struct object *object)
{
    static const char *const names[] = {"libssl", "libcrypto", "libgnutls", "libplainwire", "libc.", "ld-linux", "ld-musl"};
    if (is_nss(object))
        return false;
    for (size_t i = setting(ONLY)[0] ? 1 : 0; i < sizeof names / sizeof names[0]; i++)
        if (text_starts(text_name(object->name), names[i]))
            return true;
    return false;
}

static void name_work(const struct object *object)
{
    struct line name;
    line_begin(&name, work.name, sizeof work.name - 1);
    line_string(&name, object->name);
    if (name.overflow) {
        line_begin(&name, work.name, sizeof work.name - 1);
        line_string(&name, text_name(object->name));
    }
    work.name[name.length] = '\0';
    if (!object->name[0])
        bytes_copy(work.name, process_executable(), text_length(process_executable()) + 1);
}

static bool keylogfile_known(void)
{
    return setting(SSLKEYLOG)[0] || variable("SSLKEYLOGFILE");
}

/* What interposer/s2n.c, mbedtls.c and derivation.c have secrets of. */
static bool is_asked(const struct object *object)
{
    static const char *const names[] = {"s2n_config_set_key_log_cb", "mbedtls_ssl_setup", "wc_PRF_TLS", "br_tls12_sha256_prf"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (object_symbol(object, names[i]))
            return !setting(ONLY)[0];
    return false;
}

static void note_untold(const char *why)
{
    if (why && work.untold_count < MOST_UNTOLD) {
        bytes_copy(work.untold[work.untold_count].name, work.name, sizeof work.name);
        work.untold[work.untold_count++].why = why;
    }
}

/* TLS without a label of the key log format has these words (RFC 5246, sections 6.3 and 7.4.9). So has a token (PKCS #11), as
 * NSS's libsoftokn3 is, which derives keys for the TLS of another library. */
static void look_for_others(const struct object *object)
{
    if (!locate_text(&work.parts, "client finished") || !locate_text(&work.parts, "key expansion") || is_asked(object) ||
        object_symbol(object, "C_GetFunctionList"))
        return;
    name_work(object);
    note_untold("its TLS tells its secrets to nothing that is known here");
}

static void look(const struct object *object)
{
    const uintptr_t exported = (uintptr_t)object_symbol(object, "ssl_log_secret");
    const char *why = NULL;
    const bool is_erlang = erlang_is_crypto(object);
    take_parts(object);
    if (!exported && !is_erlang && !locate_text(&work.parts, "CLIENT_HANDSHAKE_TRAFFIC_SECRET")) {
        look_for_others(object);
        return;
    }
    if (is_asked(object))
        return;
    name_work(object);
    const unsigned tables = exported ? 0 : rustls_find(&work.parts, work.tables);
    const uintptr_t of_nss = object_symbol(object, "SSL_ImportFD") ? (uintptr_t)object_symbol(object, "SSL_ExportKeyingMaterial") : 0;
    if (is_erlang)
        why = patch_erlang(object);
    else if (of_nss && !locate_text(&work.parts, "SSLKEYLOGFILE"))
        why = patch_nss(object, of_nss);
    else if (tables)
        why = patch_tables(object, tables);
    else if (exported || !keylogfile_known() || !locate_text(&work.parts, "SSLKEYLOGFILE"))
        why = patch_log(object, exported);
    note_untold(why);
}

/* --- when ------------------------------------------------------------------------------------------------------------ */

static atomic_uintptr_t seen[SEEN]; /* where objects keep their dynamic section */

/* Whether an object is there for the first time. One that comes in the place of another is not told from it. */
static bool is_new(const void *dynamic)
{
    for (size_t i = 0; i < SEEN; i++) {
        uintptr_t other = 0;
        if (atomic_load(&seen[i]) == (uintptr_t)dynamic)
            return false;
        if (atomic_compare_exchange_strong(&seen[i], &other, (uintptr_t)dynamic))
            return true;
        if (other == (uintptr_t)dynamic)
            return false;
    }
    return false;
}

static bool look_once(const struct object *object, void *unused)
{
    (void)unused;
    if (object->dynamic && is_new(object->dynamic) && !is_reached(object))
        look(object);
    return false;
}

/* It mostly comes with a library that needs it, and not by itself. */
static bool look_once_at_nss(const struct object *object, void *unused)
{
    return is_nss(object) && look_once(object, unused);
}

void patches_begin(void)
{
    if (!settings_allow("patch") || !begin_work())
        return;
    objects_all(look_once, NULL);
    end_work();
}

struct wanted {
    const void *dynamic;
    struct object object;
};

static bool is_wanted(const struct object *object, void *context)
{
    struct wanted *wanted = context;
    if (object->dynamic != wanted->dynamic)
        return false;
    wanted->object = *object;
    return true;
}

/* glibc's handles are its own notes of the object, which the caller keeps from being unloaded. */
void patches_look(void *handle)
{
    const struct link_map *map = handle;
    struct wanted wanted = {.dynamic = map->l_ld};
    if (!wanted.dynamic || !hooks_wanted() || !settings_allow("patch") || !begin_work())
        return;
    if (is_new(wanted.dynamic)) {
        objects_all(is_wanted, &wanted);
        if (wanted.object.dynamic && !is_reached(&wanted.object))
            look(&wanted.object);
        objects_all(look_once_at_nss, NULL);
    }
    end_work();
}

#else /* what is done above is done for these machines only */

void patches_begin(void)
{
}

void patches_look(void *handle)
{
    (void)handle;
}

#endif
