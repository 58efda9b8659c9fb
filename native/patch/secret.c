#include "secret.h"

#include "../interposer/event.h"
#include "../interposer/journal.h"
#include "../interposer/line.h"
#include "../interposer/text.h"

const char *const secret_labels[] = {
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
    "CLIENT_RANDOM",
    "CLIENT_EARLY_TRAFFIC_SECRET",
    "EXPORTER_SECRET",
    "EARLY_EXPORTER_SECRET",
    NULL,
};

/* The labels that come once a handshake, whatever its version. */
static bool is_first(const char *label)
{
    return text_equal(label, "SERVER_HANDSHAKE_TRAFFIC_SECRET") || text_equal(label, "CLIENT_RANDOM");
}

static const char *label_of(const char *label, size_t length)
{
    for (const char *const *known = secret_labels; *known; known++)
        if (text_length(*known) == length && bytes_equal(*known, label, length))
            return *known;
    return NULL;
}

/* Nothing of this kind is all zeros, but for what is not set yet. */
static bool is_set(const unsigned char *bytes, size_t count)
{
    unsigned char all = 0;
    while (count--)
        all |= bytes[count];
    return all != 0;
}

static bool is_size(const char *label, size_t size)
{
    return size == 48 || (!text_equal(label, "CLIENT_RANDOM") && (size == 32 || size == 64));
}

static void write_hex(char **at, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *(*at)++ = digits[bytes[i] >> 4];
        *(*at)++ = digits[bytes[i] & 15];
    }
}

/* Its own frame, so that the room is given back before the event takes some. */
static __attribute__((noinline)) void write_key(const char *label, const char *random, const unsigned char *secret,
                                                size_t size)
{
    char text[40 + 2 * RANDOM + 2 * LONGEST_SECRET], *at = text;
    bytes_copy(at, label, text_length(label));
    at += text_length(label);
    *at++ = ' ';
    bytes_copy(at, random, 2 * RANDOM);
    at += 2 * RANDOM;
    *at++ = ' ';
    write_hex(&at, secret, size);
    *at = '\0';
    journal_key(text);
    bytes_clear(text, sizeof text);
}

bool secret_tell(const char *label, size_t length, const unsigned char *random, const unsigned char *secret, size_t size,
                 const char *library, const char *how)
{
    char digits[2 * RANDOM], *at = digits;
    const char *known = label_of(label, length);
    if (!known || !is_size(known, size) || !is_set(random, RANDOM) || !is_set(secret, size))
        return false;
    write_hex(&at, random, RANDOM);
    write_key(known, digits, secret, size);
    if (is_first(known))
        event_tls(-1, digits, library, how);
    return true;
}
