#define _GNU_SOURCE
#include "trace.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "journal.h"
#include "kernel.h"
#include "process.h"
#include "settings.h"
#include "text.h"

enum {
    PARTS = 12,        /* of a scattered buffer in one record */
    LONGEST = 1 << 28, /* bytes in one record */
};

static atomic_int clocked; /* the process whose clock was told of */

bool trace_wanted(void)
{
    return setting(TRACE)[0] == '/';
}

static uint64_t now(long clock)
{
    struct timespec time = {0};
    kernel(SYS_clock_gettime, clock, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void trace_look(int descriptor, struct trace_state *state)
{
    unsigned char facts[offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t)];
    socklen_t size = sizeof facts;
    bytes_clear(state, sizeof *state);
    state->acked = state->received = UINT64_MAX;
    state->time = now(CLOCK_MONOTONIC);
    if (kernel(SYS_getsockopt, descriptor, IPPROTO_TCP, TCP_INFO, facts, &size) != 0 || size < sizeof facts)
        return;
    state->state = facts[0];
    bytes_copy(&state->last_data, facts + offsetof(struct tcp_info, tcpi_last_data_recv), sizeof state->last_data);
    bytes_copy(&state->last_ack, facts + offsetof(struct tcp_info, tcpi_last_ack_recv), sizeof state->last_ack);
    bytes_copy(&state->acked, facts + offsetof(struct tcp_info, tcpi_bytes_acked), sizeof state->acked);
    bytes_copy(&state->received, facts + offsetof(struct tcp_info, tcpi_bytes_received), sizeof state->received);
}

/* --- the head -------------------------------------------------------------------------------------------------- */

/* Takes an address apart; false where it is of another family. */
static bool take(const struct sockaddr_in6 *address, uint8_t *family, uint8_t *bytes, uint16_t *port)
{
    struct sockaddr_in four;
    bytes_copy(&four, address, sizeof four);
    *family = address->sin6_family == AF_INET ? 4 : address->sin6_family == AF_INET6 ? 6 : 0;
    *port = *family == 4 ? four.sin_port : address->sin6_port;
    if (*family == 4)
        bytes_copy(bytes, &four.sin_addr, sizeof four.sin_addr);
    else if (*family == 6)
        bytes_copy(bytes, &address->sin6_addr, sizeof address->sin6_addr);
    return *family != 0;
}

static bool take_end(long call, int descriptor, uint8_t *family, uint8_t *bytes, uint16_t *port)
{
    struct sockaddr_in6 address = {0};
    socklen_t length = sizeof address;
    return kernel(call, descriptor, &address, &length) == 0 && take(&address, family, bytes, port);
}

static bool is_tcp(int descriptor)
{
    int protocol = 0;
    socklen_t size = sizeof protocol;
    return kernel(SYS_getsockopt, descriptor, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
           protocol == IPPROTO_TCP;
}

static void write_clock(void)
{
    const int pid = process_id();
    if (atomic_exchange(&clocked, pid) == pid)
        return;
    struct trace_head head;
    bytes_clear(&head, sizeof head);
    bytes_copy(head.magic, "plainwi\n", sizeof head.magic);
    head.kind = TRACE_CLOCK;
    head.pid = (uint32_t)pid;
    head.time = now(CLOCK_MONOTONIC);
    head.received = now(CLOCK_REALTIME);
    journal_trace(&(struct iovec){&head, sizeof head}, 1, sizeof head);
}

/* False where it is no connection of TCP. */
static bool begin(struct trace_head *head, int descriptor, enum trace_kind kind, const struct trace_state *state,
                  const void *to, size_t length)
{
    bytes_clear(head, sizeof *head);
    if (!is_tcp(descriptor) ||
        !take_end(SYS_getsockname, descriptor, &head->family, head->local, &head->local_port))
        return false;
    if (!take_end(SYS_getpeername, descriptor, &head->peer_family, head->peer, &head->peer_port) && to) {
        struct sockaddr_in6 address = {0};
        bytes_copy(&address, to, length < sizeof address ? length : sizeof address);
        take(&address, &head->peer_family, head->peer, &head->peer_port);
    }
    write_clock();
    bytes_copy(head->magic, "plainwi\n", sizeof head->magic);
    head->kind = (uint8_t)kind;
    head->pid = (uint32_t)process_id();
    head->tid = (uint32_t)thread_id();
    head->time = state->time;
    head->acked = state->acked;
    head->received = state->received;
    head->last_data = state->last_data;
    head->last_ack = state->last_ack;
    head->state = state->state;
    return true;
}

/* --- what was moved -------------------------------------------------------------------------------------------- */

/* So many of the parts as go into one record, behind its head; returns their bytes. */
static size_t gather(struct iovec *out, size_t *used, const struct iovec **parts, size_t *count, size_t most)
{
    size_t size = 0;
    for (*used = 0; *count > 0 && *used < PARTS && size < most; (*parts)++, (*count)--) {
        const size_t room = most - size, length = (*parts)->iov_len < room ? (*parts)->iov_len : room;
        if (length == 0)
            continue;
        out[(*used)++] = (struct iovec){(*parts)->iov_base, length};
        size += length;
    }
    return size;
}

void trace_moved(int descriptor, enum trace_kind kind, const struct trace_state *state, const struct iovec *parts,
                 size_t count, size_t total, bool known)
{
    struct trace_head head;
    struct iovec out[PARTS + 1];
    if (!state->time || total > LONGEST || !begin(&head, descriptor, kind, state, NULL, 0))
        return;
    out[0] = (struct iovec){&head, sizeof head};
    do {
        size_t used = 0;
        const size_t size = known ? gather(out + 1, &used, &parts, &count, total) : 0;
        head.size = (uint32_t)size;
        head.total = (uint32_t)(size ? size : total);
        journal_trace(out, used + 1, sizeof head + size);
        total -= head.total;
    } while (total > 0);
}

/* What a close would throw away; a socket is told so by a reset. */
static void look_at_unread(int descriptor, struct trace_head *head, struct iovec *out, size_t *used, unsigned char *room)
{
    int unread = 0;
    struct linger linger = {0};
    socklen_t size = sizeof linger;
    kernel(SYS_ioctl, descriptor, FIONREAD, &unread);
    head->unread = unread > 0 ? (uint32_t)unread : 0;
    if (kernel(SYS_getsockopt, descriptor, SOL_SOCKET, SO_LINGER, &linger, &size) == 0)
        head->error = linger.l_onoff && linger.l_linger == 0;
    const long seen = unread > 0 ? kernel(SYS_recvfrom, descriptor, room, TRACE_MOST_UNREAD, MSG_PEEK | MSG_DONTWAIT) : 0;
    if (seen > 0) {
        head->size = (uint32_t)seen;
        out[(*used)++] = (struct iovec){room, (size_t)seen};
    }
}

void trace_call(int descriptor, enum trace_kind kind, const struct trace_state *state, int error, const void *to,
                size_t length)
{
    struct trace_head head;
    struct iovec out[2];
    unsigned char room[TRACE_MOST_UNREAD];
    size_t used = 1;
    if (!state->time || !begin(&head, descriptor, kind, state, to, length))
        return;
    head.error = error;
    out[0] = (struct iovec){&head, sizeof head};
    if (kind == TRACE_CLOSE)
        look_at_unread(descriptor, &head, out, &used, room);
    journal_trace(out, used, sizeof head + head.size);
}
