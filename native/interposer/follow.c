#define _GNU_SOURCE
#include "follow.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "hook.h"
#include "image.h"
#include "kernel.h"
#include "settings.h"
#include "text.h"

enum { PATIENCE = 3, MOST_SIGNALS = 300, LONGEST_NAME = 64 }; /* seconds, where nobody looks at who asks; meanwhile */

/* "PID/NAME": the process that will trace, and the name of its abstract socket (unix(7)). */
static long take_number(const char **at)
{
    long number = 0;
    for (; **at >= '0' && **at <= '9'; ++*at)
        number = number * 10 + (**at - '0');
    return number;
}

/* Sends where the path is, and which thread asks, and waits until the other side has closed. If that is not there, connect fails at once. */
static void ask(int socket, const char *name, const char *path, bool spawning)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = text_length(name);
    const uint64_t asked[] = {(uintptr_t)path, (uint64_t)kernel(SYS_gettid) | (uint64_t)spawning << 32};
    const struct timespec patience = {.tv_sec = PATIENCE};
    struct pollfd closed = {.fd = socket, .events = POLLIN};
    if (!length || length > LONGEST_NAME)
        return;
    bytes_copy(address.sun_path + 1, name, length);
    if (kernel(SYS_connect, socket, &address, offsetof(struct sockaddr_un, sun_path) + 1 + length) < 0)
        return;
    kernel(SYS_sendto, socket, asked, sizeof asked, MSG_NOSIGNAL, NULL, 0);
    for (int tries = 0; tries < MOST_SIGNALS && kernel(SYS_ppoll, &closed, 1, &patience, NULL, 0) == -EINTR; tries++)
        ;
}

static bool wanted(void)
{
    return hooks_wanted() && setting(FOLLOW)[0];
}

static void follow(const char *path, bool spawning)
{
    if (!path || !wanted() || !image_is_go(path))
        return;
    const char *name = setting(FOLLOW);
    kernel(SYS_prctl, PR_SET_PTRACER, take_number(&name)); /* which only means something under Yama */
    const int socket = (int)kernel(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket < 0)
        return;
    ask(socket, name + (*name == '/'), path, spawning);
    kernel(SYS_close, socket);
}

static void follow_by_name(const char *name, bool spawning)
{
    char path[LONGEST_FOUND];
    if (name && wanted())
        follow(image_path(name, path, sizeof path), spawning);
}

void follow_exec(const char *path)
{
    follow(path, false);
}

void follow_exec_by_name(const char *name)
{
    follow_by_name(name, false);
}

void follow_spawn(const char *path)
{
    follow(path, true);
}

void follow_spawn_by_name(const char *name)
{
    follow_by_name(name, true);
}

void follow_spawned(void)
{
    if (wanted())
        kernel(SYS_prctl, PR_SET_PTRACER, 0);
}
