#define _GNU_SOURCE
#include "board.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "kernel.h"
#include "settings.h"
#include "text.h"

enum {
    SLOT = 256,
    SLOTS = 16384,
    MOST = 8,   /* slots of one line */
    TRIES = 16, /* to claim some, while others do */
};

#define MARK UINT32_C(0xff6b6c09) /* no text has that byte behind those */

struct head {
    _Atomic uint32_t mark;
    uint16_t length;
    uint8_t file, slots;
};

struct board {
    _Atomic uint64_t claimed;
    char apart[56]; /* what plainwire writes has a cache line of its own */
    _Atomic uint64_t emptied;
    _Atomic uint32_t closed;
    char unused[4096 - 76];
    unsigned char slots[SLOTS][SLOT];
};
_Static_assert(offsetof(struct board, slots) == 4096 && sizeof(struct head) == 8, "as the reader has it");

static struct board *_Atomic board; /* NULL where there is none */

/* --- to have it ------------------------------------------------------------------------------------------------ */

/* "INODE/PATH". The path leads to a descriptor of plainwire's, or of whoever has its number by now: what is opened there must
 * be the memory, and nothing else may even be opened. */
static const char *path_of(const char *setting, unsigned long long *inode)
{
    *inode = 0;
    for (; *setting >= '0' && *setting <= '9'; setting++)
        *inode = *inode * 10 + (unsigned long long)(*setting - '0');
    return *inode ? setting : "";
}

static bool is_it(const struct stat *file, unsigned long long inode)
{
    return S_ISREG(file->st_mode) && file->st_ino == inode && file->st_nlink == 0 && file->st_size == sizeof(struct board);
}

static int opened(void)
{
    struct stat file;
    unsigned long long inode;
    const char *path = path_of(setting(BOARD), &inode);
    if (!path[0] || kernel(SYS_newfstatat, AT_FDCWD, path, &file, 0) != 0 || !is_it(&file, inode))
        return -1;
    const int descriptor = (int)kernel(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor >= 0 && (kernel(SYS_fstat, descriptor, &file) != 0 || !is_it(&file, inode))) {
        kernel(SYS_close, descriptor);
        return -1;
    }
    return descriptor;
}

void board_open(void)
{
    const int descriptor = opened();
    if (descriptor < 0)
        return;
    const long at = kernel(SYS_mmap, NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    kernel(SYS_close, descriptor);
    if (at < 0 && at > -4096)
        return;
    kernel(SYS_madvise, at, sizeof(struct board), MADV_DONTDUMP);
    atomic_store(&board, (struct board *)at);
}

void board_leave(void)
{
    struct board *at = atomic_exchange(&board, NULL);
    if (at)
        kernel(SYS_mmap, at, sizeof *at, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* --- to write there -------------------------------------------------------------------------------------------- */

/* The number of the first of `count` slots that are ours now; all ones where there is no room. */
static uint64_t claim(struct board *at, uint64_t count)
{
    uint64_t next = atomic_load(&at->claimed);
    for (int i = 0; i < TRIES && next + count - atomic_load(&at->emptied) <= SLOTS; i++)
        if (atomic_compare_exchange_weak(&at->claimed, &next, next + count))
            return next;
    return UINT64_MAX;
}

bool board_put(enum board_file file, const char *text, size_t length)
{
    struct board *at = atomic_load(&board);
    const size_t count = (sizeof(struct head) + length + SLOT - 1) / SLOT;
    if (!at || count > MOST || atomic_load(&at->closed))
        return false;
    const uint64_t first = claim(at, count);
    if (first == UINT64_MAX)
        return false;
    const size_t start = first % SLOTS * SLOT + sizeof(struct head), room = sizeof at->slots - start;
    unsigned char *slots = at->slots[0];
    bytes_copy(slots + start, text, length < room ? length : room);
    if (length > room)
        bytes_copy(slots, text + room, length - room);
    struct head *head = (struct head *)at->slots[first % SLOTS];
    head->length = (uint16_t)length;
    head->file = (uint8_t)file;
    head->slots = (uint8_t)count;
    atomic_store_explicit(&head->mark, MARK, memory_order_release);
    return true;
}
