/* Functions by which a process gives up rights, or another view of the file system: our files are opened before it does,
 * as afterwards it may not be able to, and the board is left, as it may not read what others tell. Without _GNU_SOURCE, as calls.c. */
#include <stddef.h>
#include <sys/types.h>

#include "board.h"
#include "hook.h"
#include "journal.h"

/* Each function: its name, parameters, arguments. */
#define SURRENDERS(SURRENDER) \
    SURRENDER(setuid, (uid_t user), (user)) \
    SURRENDER(seteuid, (uid_t user), (user)) \
    SURRENDER(setreuid, (uid_t real, uid_t effective), (real, effective)) \
    SURRENDER(setresuid, (uid_t real, uid_t effective, uid_t saved), (real, effective, saved)) \
    SURRENDER(chroot, (const char *path), (path)) \
    SURRENDER(unshare, (int flags), (flags)) \
    SURRENDER(setns, (int descriptor, int kind), (descriptor, kind)) \
    SURRENDER(capset, (void *header, const void *data), (header, data))

#define DECLARE(name, parameters, arguments) static int(*_Atomic real_##name) parameters;
SURRENDERS(DECLARE)

#define RESOLVE_IT(name, parameters, arguments) RESOLVE(name)

void rights_resolve(void)
{
    SURRENDERS(RESOLVE_IT)
}

static void last_chance(void)
{
    hooks_ready();
    if (hooks_wanted()) {
        KEEPING_ERRNO(journal_open());
        board_leave();
    }
}

#define DEFINE(name, parameters, arguments) \
    HOOK int name parameters \
    { \
        last_chance(); \
        return atomic_load(&real_##name) arguments; \
    }
SURRENDERS(DEFINE)
