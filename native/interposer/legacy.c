#include "legacy.h"

#include <stddef.h>
#include <stdint.h>

#include "../patch/secret.h"
#include "hook.h"
#include "journal.h"
#include "process.h"
#include "text.h"

enum {
    HANDSHAKE_DONE = 0x20, /* SSL_CB_HANDSHAKE_DONE */
    MASTER = 48,
    /* struct ssl_st */
    METHOD = 0x08,
    STATE = 0x80, /* s3 */
    /* struct ssl3_state_st */
    CLIENT_RANDOM = 0xc4,
    /* struct ssl_session_st begins with its version, and has these two behind each other */
    MASTER_LENGTH = 0x10,
};

struct master {
    int32_t length;
    unsigned char secret[MASTER];
};

static void tell(const SSL *ssl)
{
    static const char label[] = "CLIENT_RANDOM";
    const uintptr_t at = (uintptr_t)ssl;
    uintptr_t method, state, session;
    int32_t version, of_session;
    unsigned char random[RANDOM];
    struct master master;
    if (!read_safely(at, &version, sizeof version) || !read_safely(at + METHOD, &method, sizeof method) ||
        !read_safely(at + STATE, &state, sizeof state))
        return;
    const struct copy *copy = copy_at((const void *)method);
    if (!copy || !copy->legacy)
        return;
    session = (uintptr_t)copy->call.SSL_get_session(ssl);
    if (read_safely(session, &of_session, sizeof of_session) && of_session == version &&
        read_safely(session + MASTER_LENGTH, &master, sizeof master) && master.length == MASTER &&
        read_safely(state + CLIENT_RANDOM, random, sizeof random))
        secret_tell(label, sizeof label - 1, random, master.secret, MASTER, copy->name, "callback");
    bytes_clear(&master, sizeof master);
}

static void on_progress(const SSL *ssl, int where, int value)
{
    (void)value;
    if (where & HANDSHAKE_DONE && hooks_wanted())
        KEEPING_ERRNO(tell(ssl));
}

void legacy_adopt(const struct copy *copy, SSL_CTX *context)
{
    if (!copy->call.SSL_CTX_get_info_callback(context)) {
        copy->call.SSL_CTX_set_info_callback(context, on_progress);
        journal_open();
    }
}
