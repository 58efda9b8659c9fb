#define _GNU_SOURCE
#include "go_calls.h"

#include "../interposer/hook.h"

#if defined(__x86_64__) && defined(__linux__)

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "../interposer/kernel.h"

#if __has_attribute(no_stack_protector)
#define UNGUARDED no_stack_protector
#else
#define UNGUARDED unused
#endif
#define HERE static __attribute__((section("plainwire_go"), noinline, used, UNGUARDED))
#define INSIDE static inline __attribute__((always_inline))

/* Where the program jumps to. Go has the call's number in rax and what it is given in rbx, rcx, rdi, rsi, r8 and r9; it
 * keeps its goroutine in r14, which a function of C leaves as it is, and expects nothing else back but rax and rdx.
 * `always` are connect, accept, splice and accept4, `marked` those that are looked at where their first argument is
 * marked: read, write, close, readv, writev, dup, sendfile, sendto, recvfrom, sendmsg, recvmsg, shutdown, getsockopt,
 * fcntl, dup3. */
__asm__(".pushsection plainwire_go, \"ax\", @progbits\n"
        ".balign 16\n"
        "plainwire_go_data: .quad 0, 0, 0, 0, 0\n"
        "always: .quad 1 << 42 | 1 << 43, 0, 0, 0, 1 << (275 - 256) | 1 << (288 - 256)\n"
        "marked: .quad 1 << 0 | 1 << 1 | 1 << 3 | 1 << 19 | 1 << 20 | 1 << 32 | 1 << 40 | 1 << 44 | 1 << 45 | 1 << 46 | "
        "1 << 47 | 1 << 48 | 1 << 55\n"
        ".quad 1 << (72 - 64), 0, 0, 1 << (292 - 256)\n"
        "plainwire_go_entry:\n"
        "cmp $319, %rax; ja 2f\n"
        "mov plainwire_go_data+8(%rip), %r11; cmpl $0, (%r11); jne 2f\n"
        "bt %rax, always(%rip); jc 1f\n"
        "bt %rax, marked(%rip); jnc 2f\n"
        "cmp $65536, %rbx; jae 2f\n"
        "mov plainwire_go_data(%rip), %r11; cmpb $0, 4096(%r11, %rbx); je 2f\n"
        "1: push %r9; push %r8; push %rsi; push %rdi; push %rcx; push %rbx; push %rax\n"
        "mov %rsp, %rdi; lea plainwire_go_data(%rip), %rsi\n"
        "mov %rsp, %rbx; and $-16, %rsp; call go_call; mov %rbx, %rsp\n"
        "mov 24(%rsp), %rdx; add $56, %rsp\n"
        "notrack jmp *plainwire_go_data+24(%rip)\n"
        "2: notrack jmp *plainwire_go_data+16(%rip)\n"
        ".popsection\n"
        ".pushsection plainwire_go, 1; plainwire_go_end: .popsection\n"); /* behind what a compiler puts there */
_Static_assert(GO_MARKS == 65536 && GO_MARKS_AT == 4096, "as above");

#define HIDDEN __attribute__((visibility("hidden")))
extern const char plainwire_go_data[] HIDDEN, plainwire_go_end[] HIDDEN, plainwire_go_entry[] HIDDEN;

HOOK const void *plainwire_go_calls(size_t *size, size_t *entry)
{
    *size = (size_t)(plainwire_go_end - plainwire_go_data);
    *entry = (size_t)(plainwire_go_entry - plainwire_go_data);
    return plainwire_go_data;
}

/* --- of one connection ----------------------------------------------------------------------------------------- */

INSIDE void copy(void *to, const void *from, size_t count)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

INSIDE unsigned char *mark(const struct go_data *data, long descriptor)
{
    return descriptor < 0 || descriptor >= GO_MARKS ? NULL
                                                    : (unsigned char *)data->shared + GO_MARKS_AT + descriptor;
}

INSIDE bool is_marked(const struct go_data *data, long descriptor)
{
    const unsigned char *marked = mark(data, descriptor);
    return marked && *(const volatile unsigned char *)marked;
}

INSIDE void set_mark(const struct go_data *data, long descriptor, unsigned char value)
{
    unsigned char *marked = mark(data, descriptor);
    if (marked)
        *(volatile unsigned char *)marked = value;
}

INSIDE uint64_t whole_number(const unsigned char *facts, size_t offset)
{
    return *(const uint64_t *)(const void *)(facts + offset);
}

INSIDE uint32_t short_number(const unsigned char *facts, size_t offset)
{
    return *(const uint32_t *)(const void *)(facts + offset);
}

/* How things stand; false where it is no connection of TCP. */
HERE bool look(long descriptor, struct trace_state *state)
{
    struct timespec time;
    _Alignas(8) unsigned char facts[offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t)];
    socklen_t size = sizeof facts;
    state->time = 0;
    if (kernel(SYS_getsockopt, descriptor, IPPROTO_TCP, TCP_INFO, facts, &size) != 0)
        return false;
    kernel(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
    state->time = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
    state->acked = state->received = UINT64_MAX;
    state->last_data = state->last_ack = 0;
    state->state = facts[0];
    if (size < sizeof facts)
        return true;
    state->last_data = short_number(facts, offsetof(struct tcp_info, tcpi_last_data_recv));
    state->last_ack = short_number(facts, offsetof(struct tcp_info, tcpi_last_ack_recv));
    state->acked = whole_number(facts, offsetof(struct tcp_info, tcpi_bytes_acked));
    state->received = whole_number(facts, offsetof(struct tcp_info, tcpi_bytes_received));
    return true;
}

/* Room in the log; NULL where there is none. */
HERE struct go_record *claim(const struct go_data *data, size_t size, size_t beyond)
{
    struct go_shared *shared = data->shared;
    const uint64_t whole = (size + 15) & ~(uint64_t)15;
    const uint64_t limit = atomic_load_explicit(&shared->limit, memory_order_relaxed) + beyond;
    uint64_t at = atomic_load_explicit(&shared->claimed, memory_order_relaxed);
    do {
        if (at > GO_LOG || whole > GO_LOG - at || at + whole > limit)
            return NULL;
    } while (!atomic_compare_exchange_weak(&shared->claimed, &at, at + whole));
    struct go_record *record = (struct go_record *)(void *)((unsigned char *)shared + GO_LOG_AT + at);
    atomic_store_explicit(&record->size, (uint32_t)size, memory_order_release);
    return record;
}

/* Takes an address apart; the family 0 where it is another. */
INSIDE uint8_t take(const struct sockaddr_in6 *address, uint8_t *bytes, uint16_t *port)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
    if (address->sin6_family == AF_INET) {
        *port = four->sin_port;
        copy(bytes, &four->sin_addr, sizeof four->sin_addr);
        return 4;
    }
    if (address->sin6_family != AF_INET6)
        return 0;
    *port = address->sin6_port;
    copy(bytes, &address->sin6_addr, sizeof address->sin6_addr);
    return 6;
}

/* One with room for `room` bytes, or for none where there is no such room: `head.size` says which. NULL: not even that. */
HERE struct go_record *begin(const struct go_data *data, long descriptor, enum trace_kind kind,
                             const struct trace_state *state, size_t room)
{
    struct sockaddr_in6 address;
    socklen_t length = sizeof address;
    struct go_record *record = claim(data, sizeof *record + room, 0);
    if (!record && (room = 0, record = claim(data, sizeof *record, GO_RESERVE), !record)) {
        atomic_fetch_add(&data->shared->lost, 1);
        return NULL;
    }
    struct trace_head *head = &record->head;
    record->descriptor = (uint64_t)descriptor;
    *(uint64_t *)(void *)head->magic = 0x0a69776e69616c70; /* "plainwi\n" */
    head->time = state->time;
    head->acked = state->acked;
    head->received = state->received;
    head->pid = (uint32_t)data->pid;
    head->tid = (uint32_t)kernel(SYS_gettid);
    head->size = (uint32_t)room;
    head->last_data = state->last_data;
    head->last_ack = state->last_ack;
    /* In one: a compiler may merge two bytes by way of a constant elsewhere. */
    *(uint16_t *)(void *)&head->kind = (uint16_t)(kind | (unsigned)state->state << 8);
    if (kernel(SYS_getsockname, descriptor, &address, &length) == 0)
        head->family = take(&address, head->local, &head->local_port);
    length = sizeof address;
    if (kernel(SYS_getpeername, descriptor, &address, &length) == 0)
        head->peer_family = take(&address, head->peer, &head->peer_port);
    return record;
}

INSIDE void end(struct go_record *record)
{
    atomic_store_explicit(&record->whole, 1, memory_order_release);
}

/* --- calls ----------------------------------------------------------------------------------------------------- */

HERE void tell(const struct go_data *data, long descriptor, enum trace_kind kind, long number, long error)
{
    struct trace_state state;
    if (!look(descriptor, &state))
        return;
    struct go_record *record = begin(data, descriptor, kind, &state, 0);
    if (!record)
        return;
    record->head.error = (int32_t)error;
    record->head.unread = (uint32_t)number;
    end(record);
}

/* As the interposer's look_at_unread. */
HERE void tell_end(const struct go_data *data, long descriptor, enum trace_kind kind, long how)
{
    struct trace_state state;
    struct linger linger;
    socklen_t size = sizeof linger;
    int unread = 0;
    if (!look(descriptor, &state))
        return;
    kernel(SYS_ioctl, descriptor, FIONREAD, &unread);
    struct go_record *record =
        begin(data, descriptor, kind, &state, unread > 0 && kind == TRACE_CLOSE ? TRACE_MOST_UNREAD : 0);
    if (!record)
        return;
    record->head.unread = unread > 0 ? (uint32_t)unread : 0;
    record->head.error = (int32_t)how;
    if (kind == TRACE_CLOSE &&
        kernel(SYS_getsockopt, descriptor, SOL_SOCKET, SO_LINGER, &linger, &size) == 0)
        record->head.error = linger.l_onoff && linger.l_linger == 0;
    if (record->head.size) {
        const long seen =
            kernel(SYS_recvfrom, descriptor, record->bytes, TRACE_MOST_UNREAD, MSG_PEEK | MSG_DONTWAIT);
        record->head.size = seen > 0 ? (uint32_t)seen : 0;
    }
    end(record);
}

/* `count` is 0 where the bytes are not there. */
HERE void tell_moved(const struct go_data *data, long descriptor, enum trace_kind kind,
                     const struct trace_state *state, const struct iovec *parts, size_t count, size_t total)
{
    struct go_record *record = begin(data, descriptor, kind, state, count ? total : 0);
    if (!record)
        return;
    record->head.total = (uint32_t)total;
    size_t left = record->head.size;
    for (unsigned char *to = record->bytes; count > 0 && left > 0; parts++, count--) {
        const size_t length = parts->iov_len < left ? parts->iov_len : left;
        copy(to, parts->iov_base, length);
        to += length;
        left -= length;
    }
    record->head.size -= (uint32_t)left;
    end(record);
}

#define BIT(number) (1ULL << (number))
enum { SENDS = 1, COMES = 2, SCATTERED = 4, MESSAGE = 8, FLAGGED = 16 };

INSIDE unsigned ways(long number)
{
    const unsigned long long bit = number < 64 ? BIT(number) : 0;
    unsigned found = 0;
    if (bit & (BIT(SYS_write) | BIT(SYS_writev) | BIT(SYS_sendfile) | BIT(SYS_sendto) | BIT(SYS_sendmsg)))
        found |= SENDS;
    if (bit & (BIT(SYS_read) | BIT(SYS_readv) | BIT(SYS_recvfrom) | BIT(SYS_recvmsg)))
        found |= COMES;
    if (bit & (BIT(SYS_readv) | BIT(SYS_writev)))
        found |= SCATTERED;
    if (bit & (BIT(SYS_sendmsg) | BIT(SYS_recvmsg)))
        found |= MESSAGE;
    if (bit & (BIT(SYS_sendto) | BIT(SYS_recvfrom)))
        found |= FLAGGED;
    return found;
}

HERE long called(const long *given)
{
    return kernel_call(given[0], given[1], given[2], given[3], given[4], given[5], given[6]);
}

HERE long moved(const struct go_data *data, const long *given, long descriptor, unsigned way)
{
    struct trace_state state;
    const struct iovec one = {(void *)given[2], (size_t)given[3]}, *parts = &one;
    size_t count = 1;
    long flags = way & FLAGGED ? given[4] : 0;
    state.time = 0;
    if (way & SENDS)
        look(descriptor, &state);
    const long result = called(given);
    if (way & SCATTERED) {
        parts = (const struct iovec *)given[2];
        count = (size_t)given[3];
    } else if (way & MESSAGE) {
        const struct msghdr *message = (const struct msghdr *)given[2];
        flags = given[3];
        parts = result < 0 ? NULL : message->msg_iov;
        count = result < 0 ? 0 : message->msg_iovlen;
    } else if (given[0] == SYS_sendfile || given[0] == SYS_splice)
        count = 0;
    if (result < 0)
        return result;
    if (way & SENDS) {
        if (state.time && result > 0 && !(flags & MSG_OOB))
            tell_moved(data, descriptor, TRACE_SENT, &state, parts, count, (size_t)result);
        return result;
    }
    if (flags & (MSG_OOB | MSG_ERRQUEUE) || (result > 0 && flags & MSG_PEEK) ||
        (result == 0 && count == 1 && parts->iov_len == 0))
        return result;
    if (look(descriptor, &state))
        tell_moved(data, descriptor, TRACE_CAME, &state, parts, flags & MSG_TRUNC ? 0 : count, (size_t)result);
    return result;
}

HERE long connected(const struct go_data *data, const long *given)
{
    struct trace_state state;
    const long descriptor = given[1];
    const bool ours = look(descriptor, &state);
    const long result = called(given), error = -result;
    if (!ours || error == EALREADY || error == EISCONN)
        return result;
    set_mark(data, descriptor, 1);
    const struct sockaddr_in6 *to = (const struct sockaddr_in6 *)given[2];
    struct go_record *record = error == EFAULT ? NULL : begin(data, descriptor, TRACE_CONNECT, &state, 0);
    if (record) {
        record->head.error = (int32_t)error;
        if (!record->head.peer_family &&
            (size_t)given[3] >= (to->sin6_family == AF_INET6 ? sizeof *to : sizeof(struct sockaddr_in)))
            record->head.peer_family = take(to, record->head.peer, &record->head.peer_port);
        end(record);
    }
    return result;
}

INSIDE bool is_under_way(long error)
{
    return error == EINPROGRESS || error == EINTR || error == EALREADY || error == EISCONN;
}

INSIDE long not_failed(const struct go_data *data, long result, long number, long descriptor)
{
    if (result < 0 && result != -EAGAIN && result != -EINTR)
        tell(data, descriptor, TRACE_FAILED, number, -result);
    return result;
}

/* Called by what stands at the begin. `given`: the number, and six arguments. */
HERE long go_call(const long *given, const struct go_data *data)
{
    const long number = given[0], descriptor = given[1];
    const unsigned way = ways(number);
    if (way)
        return not_failed(data, moved(data, given, descriptor, way), number, descriptor);
    if (number == SYS_connect) {
        const long result = connected(data, given);
        if (!is_under_way(-result))
            tell(data, descriptor, result < 0 ? TRACE_FAILED : TRACE_CONNECTED, number, -result);
        return result;
    }
    if (number == SYS_splice && is_marked(data, descriptor))
        return not_failed(data, moved(data, given, descriptor, COMES), number, descriptor);
    if (number == SYS_splice && is_marked(data, given[3]))
        return not_failed(data, moved(data, given, given[3], SENDS), number, given[3]);
    if (number == SYS_close) {
        tell_end(data, descriptor, TRACE_CLOSE, 0);
        set_mark(data, descriptor, 0); /* before another thread may have the number again */
    } else if (number == SYS_shutdown && given[2] != SHUT_RD)
        tell_end(data, descriptor, TRACE_SHUTDOWN, given[2]);
    const long result = called(given);
    if (result < 0)
        return result;
    if (number == SYS_getsockopt) {
        if (given[2] == SOL_SOCKET && given[3] == SO_ERROR) {
            const int pending = *(const int *)given[4];
            tell(data, descriptor, pending ? TRACE_FAILED : TRACE_CONNECTED, number, pending);
        }
    } else if (number == SYS_accept || number == SYS_accept4) {
        set_mark(data, result, 1);
        tell(data, result, TRACE_ACCEPT, 0, 0);
    } else if (number == SYS_dup || number == SYS_dup3 ||
               (number == SYS_fcntl && (given[2] == F_DUPFD || given[2] == F_DUPFD_CLOEXEC)))
        set_mark(data, result, 1);
    return result;
}

#else

HOOK const void *plainwire_go_calls(size_t *size, size_t *entry)
{
    *size = *entry = 0;
    return NULL;
}

#endif
