#define _GNU_SOURCE
#include "event.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "journal.h"

struct endpoint {
    char text[INET6_ADDRSTRLEN + sizeof "[]:65535"]; /* "" where there is none */
};

enum {
    MOST_ERRORS = 2000,      /* a program may ask a dead socket again and again */
    ALL_WORDS = 64 * 1024,   /* bytes on standard error that are kept whatever they say */
    MOST_WORDS = 512 * 1024, /* and those that tell of an error */
    PIECE = 600,             /* bytes of words in one line: six times as long in JSON */
};

static char command[64];
static atomic_int described; /* the process that event_process has told of: a fork makes another */
static atomic_int errors;
static atomic_size_t spoken;

void event_configure(void)
{
    strncpy(command, program_invocation_short_name, sizeof command - 1);
}

static void describe(struct endpoint *endpoint, int family, const void *address, uint16_t port)
{
    struct line line;
    line_begin(&line);
    char text[INET6_ADDRSTRLEN];
    if (!inet_ntop(family, address, text, sizeof text))
        return;
    line_text(&line, family == AF_INET6 ? "[" : "");
    line_text(&line, text);
    line_text(&line, family == AF_INET6 ? "]:" : ":");
    line_number(&line, ntohs(port), 1);
    memcpy(endpoint->text, line.text, line.length);
}

/* An IPv4 address inside an IPv6 socket goes over the wire as IPv4. */
static struct endpoint endpoint_of(const void *address, size_t length)
{
    struct endpoint endpoint = {0};
    struct sockaddr_storage storage = {0};
    memcpy(&storage, address, length < sizeof storage ? length : sizeof storage);
    if (storage.ss_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&storage;
        describe(&endpoint, AF_INET, &v4->sin_addr, v4->sin_port);
    } else if (storage.ss_family == AF_INET6 && length >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&storage;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
            describe(&endpoint, AF_INET, &v6->sin6_addr.s6_addr[12], v6->sin6_port);
        else
            describe(&endpoint, AF_INET6, &v6->sin6_addr, v6->sin6_port);
    }
    return endpoint;
}

/* `call` is SYS_getsockname or SYS_getpeername. */
static struct endpoint endpoint_from(long call, int descriptor)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (descriptor < 0 || syscall(call, descriptor, &address, &length) != 0)
        return (struct endpoint){0};
    return endpoint_of(&address, length);
}

static bool is_stream(int descriptor)
{
    int type = 0;
    socklen_t size = sizeof type;
    return syscall(SYS_getsockopt, descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

static void begin(struct line *line, const char *kind);

/* Which program this process runs. Ahead of its first event. */
static void event_process(void)
{
    const int pid = (int)syscall(SYS_getpid);
    if (atomic_exchange(&described, pid) == pid)
        return;
    char path[1024];
    const long length = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    struct line line;
    line_begin(&line);
    begin(&line, "process");
    line_text(&line, ", \"exe\": ");
    line_string(&line, length < 0 ? NULL : path);
    line_text(&line, "}");
    journal_event(&line);
}

static void begin(struct line *line, const char *kind)
{
    event_process();
    struct timespec now = {0};
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    line_text(line, "{\"event\": \"");
    line_text(line, kind);
    line_text(line, "\", \"time\": ");
    line_number(line, (uint64_t)now.tv_sec, 1);
    line_text(line, ".");
    line_number(line, (uint64_t)now.tv_nsec / 1000, 6);
    line_text(line, ", \"pid\": ");
    line_number(line, (uint64_t)syscall(SYS_getpid), 1);
    line_text(line, ", \"tid\": ");
    line_number(line, (uint64_t)syscall(SYS_gettid), 1);
    line_text(line, ", \"command\": ");
    line_string(line, command);
}

static void add_endpoints(struct line *line, const struct endpoint *local, const struct endpoint *peer)
{
    line_text(line, ", \"local\": ");
    line_string(line, local->text[0] ? local->text : NULL);
    line_text(line, ", \"peer\": ");
    line_string(line, peer->text[0] ? peer->text : NULL);
}

void event_tls(int descriptor, const char *random, const char *library)
{
    struct line line;
    line_begin(&line);
    const struct endpoint local = endpoint_from(SYS_getsockname, descriptor);
    const struct endpoint peer = endpoint_from(SYS_getpeername, descriptor);
    begin(&line, "tls");
    add_endpoints(&line, &local, &peer);
    line_text(&line, ", \"client_random\": \"");
    line_bytes(&line, random, 64);
    line_text(&line, "\", \"library\": ");
    line_string(&line, library);
    line_text(&line, "}");
    journal_event(&line);
}

void event_connect(int descriptor, const void *address, size_t length)
{
    const struct endpoint peer = endpoint_of(address, length);
    if (!peer.text[0] || !is_stream(descriptor))
        return;
    const struct endpoint local = endpoint_from(SYS_getsockname, descriptor);
    if (!local.text[0])
        return;
    struct line line;
    line_begin(&line);
    begin(&line, "connect");
    add_endpoints(&line, &local, &peer);
    line_text(&line, "}");
    journal_event(&line);
}

/* What a peer, the path or the stack makes; not what a program makes of its own sockets (EBADF), nor EAGAIN. */
static bool of_the_network(int error)
{
    static const int made[] = {ECONNRESET,  EPIPE,        ETIMEDOUT, ECONNREFUSED, ECONNABORTED,  EHOSTUNREACH,
                               ENETUNREACH, ENETDOWN,     EHOSTDOWN, ENETRESET,    EADDRNOTAVAIL, ENOBUFS,
                               EACCES,      ENOPROTOOPT,  EPROTO};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        if (error == made[i])
            return true;
    return false;
}

void event_error(int descriptor, const char *call, int error, const void *address, size_t length)
{
    if (!of_the_network(error))
        return;
    const struct endpoint local = endpoint_from(SYS_getsockname, descriptor);
    if (!local.text[0] || !is_stream(descriptor) || atomic_fetch_add(&errors, 1) >= MOST_ERRORS)
        return;
    const struct endpoint peer =
        address ? endpoint_of(address, length) : endpoint_from(SYS_getpeername, descriptor);
    struct line line;
    line_begin(&line);
    begin(&line, "error");
    add_endpoints(&line, &local, &peer);
    line_text(&line, ", \"call\": ");
    line_string(&line, call);
    line_text(&line, ", \"errno\": ");
    line_number(&line, (uint64_t)error, 1);
    line_text(&line, "}");
    journal_event(&line);
}

/* Files and pipes come here too, and must cost no more than one system call. */
void event_close(int descriptor, const char *call)
{
    const struct endpoint local = endpoint_from(SYS_getsockname, descriptor);
    const size_t length = strlen(local.text);
    if (length < 2 || strcmp(local.text + length - 2, ":0") == 0 || !is_stream(descriptor))
        return;
    const struct endpoint peer = endpoint_from(SYS_getpeername, descriptor);
    int unread = 0;
    syscall(SYS_ioctl, descriptor, FIONREAD, &unread);
    struct line line;
    line_begin(&line);
    begin(&line, call);
    add_endpoints(&line, &local, &peer);
    line_text(&line, ", \"unread\": ");
    line_number(&line, (uint64_t)(unread > 0 ? unread : 0), 1);
    line_text(&line, "}");
    journal_event(&line);
}

/* Beyond the first words: whether these tell of an error, in one of the ways that programs have of it. */
static bool telling(const char *bytes, size_t count)
{
    static const char *const signs[] = {"rror", "xception", "eset by", "losed", "refused", "imed out", "EOF", "roken"};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (memmem(bytes, count, signs[i], strlen(signs[i])))
            return true;
    return false;
}

void event_words(const char *bytes, size_t count)
{
    if (endpoint_from(SYS_getpeername, STDERR_FILENO).text[0]) /* no longer standard error, but a connection */
        return;
    const size_t before = atomic_fetch_add(&spoken, count);
    if (before >= MOST_WORDS || (before >= ALL_WORDS && !telling(bytes, count))) {
        if (before < MOST_WORDS)
            atomic_fetch_sub(&spoken, count);
        return;
    }
    for (size_t at = 0; at < count && at < ALL_WORDS; at += PIECE) {
        struct line line;
        line_begin(&line);
        begin(&line, "stderr");
        line_text(&line, ", \"text\": ");
        line_octets(&line, bytes + at, count - at < PIECE ? count - at : PIECE);
        line_text(&line, "}");
        journal_event(&line);
    }
}

void event_end(int status)
{
    if (atomic_load(&described) != (int)syscall(SYS_getpid)) /* nothing was told of it */
        return;
    struct line line;
    line_begin(&line);
    begin(&line, "end");
    line_text(&line, ", \"status\": ");
    line_number(&line, (uint64_t)(status & 0xff), 1);
    line_text(&line, "}");
    journal_event(&line);
}
