/* Where everything begins. */
#include "hook.h"

#include <stddef.h>

#include "board.h"
#include "copies.h"
#include "descriptors.h"
#include "event.h"
#include "journal.h"
#include "keylogfile.h"
#include "process.h"
#include "sandbox.h"
#include "settings.h"
#include "tests.h"
#include "../patch/patches.h"

atomic_bool hooks_resolved_;
static atomic_bool loaded;

void hooks_resolve(void)
{
    calls_resolve();
    children_resolve();
    copies_resolve();
    derivation_resolve();
    descriptors_resolve();
    exec_resolve();
    hexadecimal_resolve();
    keylogfile_resolve();
    libssl_resolve();
    mbedtls_resolve();
    rights_resolve();
    s2n_resolve();
    sandbox_resolve();
    tests_resolve();
    atomic_store_explicit(&hooks_resolved_, true, memory_order_release);
}

bool hooks_wanted(void)
{
    return journal_wanted() && !sandboxed();
}

static void at_exit(int status, void *unused)
{
    (void)unused;
    if (hooks_wanted())
        KEEPING_ERRNO(event_end(status));
}

typedef void (*exit_function)(int, void *);

/* glibc has this; elsewhere there is none. */
static void watch_exit(void)
{
    int (*on_exit)(exit_function, void *) = (int (*)(exit_function, void *))next_symbol("on_exit");
    if (on_exit)
        on_exit(at_exit, NULL);
}

static void begin(void)
{
    sandbox_look();
    if (sandboxed())
        return;
    process_configure();
    board_open();
    keylogfile_settle();
    descriptors_look();
    tests_look();
    watch_exit();
    copies_discover(false);
    patches_begin();
    if (copy_any())
        journal_open();
}

/* Before the program's own code. */
__attribute__((constructor)) void hooks_load(void)
{
    if (atomic_load(&loaded))
        return;
    hooks_ready();
    settings_read();
    if (journal_wanted())
        KEEPING_ERRNO(begin());
    atomic_store(&loaded, true);
}
