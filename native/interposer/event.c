#define _GNU_SOURCE
#include "event.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "journal.h"

struct endpoint {
    char text[INET6_ADDRSTRLEN + sizeof "[]:65535"]; /* "" where there is none */
};

static char command[64];

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

static void begin(struct line *line, const char *kind)
{
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
    int type = 0;
    socklen_t size = sizeof type;
    if (!peer.text[0] || syscall(SYS_getsockopt, descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
        return;
    const struct endpoint local = endpoint_from(SYS_getsockname, descriptor);
    if (type != SOCK_STREAM || !local.text[0])
        return;
    struct line line;
    line_begin(&line);
    begin(&line, "connect");
    add_endpoints(&line, &local, &peer);
    line_text(&line, "}");
    journal_event(&line);
}
