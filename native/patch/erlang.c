#include "erlang.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>

#include "../interposer/hook.h"
#include "../interposer/text.h"
#include "secret.h"

#if defined(__x86_64__)
enum { JUMP_SLOT = R_X86_64_JUMP_SLOT, DATA_SLOT = R_X86_64_GLOB_DAT };
#else
enum { JUMP_SLOT = R_AARCH64_JUMP_SLOT, DATA_SLOT = R_AARCH64_GLOB_DAT };
#endif

enum { MOST_DIGEST = 48, MASTER = 48, KNOWN = 256 };

typedef int (*digest)(const void *data, size_t count, unsigned char *result, unsigned *size, const void *type, void *engine);
typedef unsigned char *(*code)(void *library, const char *name, const char *properties, const char *hash, const void *more,
                               const void *key, size_t key_size, const unsigned char *data, size_t size,
                               unsigned char *result, size_t room, size_t *result_size);

static const char *const names[ERLANG_SLOTS] = {"EVP_Digest", "EVP_Q_mac"};

static struct {
    digest digest;
    code code;
    const char *name;
} known;

/* --- which client random a digest of messages belongs to ------------------------------------------------------------- */

/* The last ones. `turn` is odd while one is written, and another afterwards. */
static struct met {
    atomic_uint turn;
    unsigned size;
    unsigned char digest[MOST_DIGEST], random[RANDOM];
} met[KNOWN];
static atomic_uint next_met;

static void note_digest(const unsigned char *result, unsigned size, const unsigned char *random)
{
    struct met *into = &met[atomic_fetch_add(&next_met, 1) % KNOWN];
    unsigned turn = atomic_load(&into->turn);
    if (turn % 2 || !atomic_compare_exchange_strong(&into->turn, &turn, turn + 1))
        return;
    into->size = size;
    bytes_copy(into->digest, result, size);
    bytes_copy(into->random, random, RANDOM);
    atomic_store(&into->turn, turn + 2);
}

static bool find_random(const unsigned char *result, unsigned size, unsigned char *random)
{
    for (unsigned i = 0; i < KNOWN; i++) {
        const unsigned turn = atomic_load(&met[i].turn);
        if (turn % 2 || met[i].size != size || !bytes_equal(met[i].digest, result, size))
            continue;
        bytes_copy(random, met[i].random, RANDOM);
        if (atomic_load(&met[i].turn) == turn)
            return true;
    }
    return false;
}

/* The client random in the messages of a handshake (RFC 8446 section 4), which begin with the ClientHello, or, where it
 * was to be sent again, with its digest. */
static const unsigned char *random_in(const unsigned char *messages, size_t count)
{
    enum { CLIENT_HELLO = 1, SERVER_HELLO = 2, MESSAGE_HASH = 254, HEAD = 4, VERSION = 2 };
    size_t at = 0;
    for (unsigned number = 0; number < 3 && count - at >= HEAD + VERSION + RANDOM; number++) {
        const unsigned char *here = messages + at;
        if (here[0] == CLIENT_HELLO)
            return here[HEAD] == 3 ? here + HEAD + VERSION : NULL;
        if (here[0] != (number == 0 ? MESSAGE_HASH : SERVER_HELLO))
            return NULL;
        const size_t size = HEAD + ((size_t)here[1] << 16 | (size_t)here[2] << 8 | here[3]);
        if (size > count - at)
            return NULL;
        at += size;
    }
    return NULL;
}

static int on_digest(const void *data, size_t count, unsigned char *result, unsigned *size, const void *type, void *engine)
{
    unsigned made = 0;
    const int done = known.digest(data, count, result, size ? size : &made, type, engine);
    if (done == 1 && data && result && hooks_wanted()) {
        const unsigned char *random = random_in(data, count);
        made = size ? *size : made;
        if (random && made <= MOST_DIGEST)
            note_digest(result, made, random);
    }
    return done;
}

/* --- secrets --------------------------------------------------------------------------------------------------------- */

static void tell(const char *label, const unsigned char *random, const unsigned char *secret, size_t size)
{
    secret_tell(label, text_length(label), random, secret, size, known.name, "patch");
}

/* HkdfLabel: how long the result is to be, a label, the digest, and what counts the pieces of the result (RFC 5869). */
static void look_at_tls13(const unsigned char *data, size_t size, const unsigned char *result, size_t made)
{
    static const struct {
        const char *text, *label;
    } labels[] = {
        {"tls13 c hs traffic", "CLIENT_HANDSHAKE_TRAFFIC_SECRET"},
        {"tls13 s hs traffic", "SERVER_HANDSHAKE_TRAFFIC_SECRET"},
        {"tls13 c ap traffic", "CLIENT_TRAFFIC_SECRET_0"},
        {"tls13 s ap traffic", "SERVER_TRAFFIC_SECRET_0"},
    };
    enum { HEAD = 3, LABEL = 18 };
    unsigned char random[RANDOM];
    if (made > MOST_DIGEST || size != HEAD + LABEL + 1 + made + 1 || data[0] != 0 || data[1] != made || data[2] != LABEL ||
        data[HEAD + LABEL] != made || data[size - 1] != 1)
        return;
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (bytes_equal(data + HEAD, labels[i].text, LABEL) && find_random(data + HEAD + LABEL + 1, (unsigned)made, random))
            tell(labels[i].label, random, result, made);
}

/* The first step of the keys: their label, the server's random and the client's. */
static void look_at_tls12(const unsigned char *key, size_t key_size, const unsigned char *data, size_t size)
{
    static const char label[] = "key expansion";
    enum { LABEL = sizeof label - 1 };
    unsigned char known_random[RANDOM];
    const unsigned char *random = data + LABEL + RANDOM;
    if (key_size != MASTER || size != LABEL + 2 * RANDOM || !bytes_equal(data, label, LABEL) ||
        find_random(random, RANDOM, known_random)) /* it is done again for each piece of the keys */
        return;
    note_digest(random, RANDOM, random);
    tell("CLIENT_RANDOM", random, key, key_size);
}

static unsigned char *on_code(void *library, const char *name, const char *properties, const char *hash, const void *more,
                              const void *key, size_t key_size, const unsigned char *data, size_t size,
                              unsigned char *result, size_t room, size_t *result_size)
{
    unsigned char *made = known.code(library, name, properties, hash, more, key, key_size, data, size, result, room, result_size);
    if (made && name && data && result_size && text_equal(name, "HMAC") && hooks_wanted()) {
        const int error = errno;
        look_at_tls13(data, size, made, *result_size);
        look_at_tls12(key, key_size, data, size);
        errno = error;
    }
    return made;
}

/* --- its table ------------------------------------------------------------------------------------------------------- */

bool erlang_is_crypto(const struct object *object)
{
    return text_equal(text_name(object->name), "crypto.so") && object_symbol(object, "nif_init");
}

static const void *at(const struct object *object, uintptr_t address)
{
    return (const void *)(address < object->base ? object->base + address : address);
}

static void find_slots(const struct object *object, uintptr_t slots[ERLANG_SLOTS])
{
    const ElfW(Sym) *symbols = NULL;
    const ElfW(Rela) *tables[2] = {NULL, NULL};
    size_t sizes[2] = {0, 0};
    const char *strings = NULL;
    for (const ElfW(Dyn) *entry = object->dynamic; entry && entry->d_tag != DT_NULL; entry++) {
        const void *table = at(object, entry->d_un.d_ptr);
        switch (entry->d_tag) {
        case DT_SYMTAB: symbols = table; break;
        case DT_STRTAB: strings = table; break;
        case DT_RELA: tables[0] = table; break;
        case DT_RELASZ: sizes[0] = entry->d_un.d_val; break;
        case DT_JMPREL: tables[1] = table; break;
        case DT_PLTRELSZ: sizes[1] = entry->d_un.d_val; break;
        default: break;
        }
    }
    for (int i = 0; i < 2 && symbols && strings; i++)
        for (size_t row = 0; tables[i] && row < sizes[i] / sizeof(ElfW(Rela)); row++) {
            const ElfW(Rela) *entry = &tables[i][row];
            const unsigned type = (unsigned)ELF64_R_TYPE(entry->r_info);
            const char *name = strings + symbols[ELF64_R_SYM(entry->r_info)].st_name;
            for (int slot = 0; slot < ERLANG_SLOTS; slot++)
                if ((type == JUMP_SLOT || type == DATA_SLOT) && text_equal(name, names[slot]))
                    slots[slot] = object->base + entry->r_offset;
        }
}

struct search {
    digest digest;
    code code;
    unsigned count;
};

static bool has_both(const struct object *object, void *context)
{
    struct search *search = context;
    void *one = object_symbol(object, names[0]), *other = object_symbol(object, names[1]);
    if (one && other) {
        search->digest = (digest)one;
        search->code = (code)other;
        search->count++;
    }
    return false;
}

const char *erlang_find(const struct object *object, uintptr_t slots[ERLANG_SLOTS])
{
    struct search search = {0};
    slots[0] = slots[1] = 0;
    find_slots(object, slots);
    if (!slots[0] || !slots[1])
        return "Erlang reckons with another OpenSSL than is known";
    objects_all(has_both, &search);
    if (search.count != 1)
        return "which OpenSSL Erlang reckons with is not known";
    known.digest = search.digest;
    known.code = search.code;
    return NULL;
}

void erlang_begin(const char *name, uintptr_t ours[ERLANG_SLOTS])
{
    known.name = name;
    ours[0] = (uintptr_t)on_digest;
    ours[1] = (uintptr_t)on_code;
}
