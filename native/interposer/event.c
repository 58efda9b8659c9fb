#define _GNU_SOURCE
#include "event.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "journal.h"
#include "kernel.h"
#include "line.h"
#include "process.h"
#include "text.h"

enum {
    MOST_ERRORS = 2000,      /* a program may ask a dead socket again and again */
    MOST_DATAGRAMS = 2000,   /* peers of sockets for datagrams: a server has many */
    ALL_WORDS = 64 * 1024,   /* bytes on standard error that are kept whatever they say */
    MOST_WORDS = 512 * 1024, /* and those that tell of an error */
    MOST_PRINTED = 128 * 1024, /* bytes on standard output that are kept */
    MOST_LOOKED_AT = 16 * 1024 * 1024, /* and that are looked at, */
    MOST_AT_ONCE = 64 * 1024, /* so many of one write */
    LONGEST_PRINTED = 2000, /* a longer line is data */
    LINES_OF_A_NAME = 3,    /* that are kept behind one that names a failed test: titles, and the error */
    LONGEST_TEST = 400,     /* bytes of its name */
    MOST_TESTS = 30000,     /* told of in one process */
    MOST_KILLED = 2000,     /* children that signals ended */
};

static atomic_int described; /* the process that was told of: a fork makes another */
static atomic_int errors;
static atomic_int datagrams;
static atomic_size_t spoken;
static atomic_size_t looked_at;
static atomic_size_t printed;
static atomic_bool line_begun; /* the last line that was kept of standard output has no end yet */
static atomic_int named;       /* so many lines to keep of what names a failed test */
static char test[LONGEST_TEST + 1]; /* its last byte stays 0: what is read while it changes has an end */
static atomic_int test_told = -1;   /* the process that was told of it; -1 where there was none yet */
static atomic_bool test_changing;
static atomic_int tests;
static atomic_int killed;

/* --- lines ----------------------------------------------------------------------------------------------------- */

static void line_event(struct line *line, const char *kind, int pid)
{
    struct timespec now = {0};
    kernel(SYS_clock_gettime, CLOCK_REALTIME, &now);
    line_text(line, "{\"event\": \"");
    line_text(line, kind);
    line_text(line, "\", \"time\": ");
    line_number(line, (uint64_t)now.tv_sec, 1);
    line_text(line, ".");
    line_number(line, (uint64_t)now.tv_nsec / 1000, 6);
    line_text(line, ", \"pid\": ");
    line_number(line, (uint64_t)pid, 1);
    line_text(line, ", \"tid\": ");
    line_number(line, (uint64_t)thread_id(), 1);
    line_text(line, ", \"command\": ");
    line_text(line, process_command());
}

static void end(struct line *line)
{
    line_text(line, "}");
    journal_event(line);
}

/* Which test runs, ahead of the first event that may be of it. */
static void tell_test(struct line *line, char *room, int pid)
{
    const int told = atomic_load(&test_told);
    if (told == -1 || told == pid || atomic_load(&test_changing) || atomic_exchange(&test_told, pid) == pid ||
        atomic_fetch_add(&tests, 1) >= MOST_TESTS)
        return;
    line_event(line, "test", pid);
    line_text(line, ", \"name\": ");
    line_octets(line, test, text_length(test), sizeof "}" - 1);
    end(line);
    line_begin(line, room, LINE);
}

/* Ahead of a process's first event, which program it runs. */
static void begin(struct line *line, char *room, const char *kind)
{
    const int pid = process_id();
    line_begin(line, room, LINE);
    if (atomic_exchange(&described, pid) != pid) {
        line_event(line, "process", pid);
        line_text(line, ", \"exe\": ");
        line_text(line, process_executable());
        end(line);
        line_begin(line, room, LINE);
    }
    tell_test(line, room, pid);
    line_event(line, kind, pid);
}

static bool was_described(void)
{
    return atomic_load(&described) == process_id();
}

static void add_number(struct line *line, const char *name, uint64_t number)
{
    line_text(line, ", \"");
    line_text(line, name);
    line_text(line, "\": ");
    line_number(line, number, 1);
}

void event_test(const char *name)
{
    char room[LINE];
    struct line line;
    const size_t length = text_length(name);
    if (atomic_exchange(&test_changing, true))
        return; /* two threads at once: no test does that */
    bytes_copy(test, name, length < LONGEST_TEST ? length : LONGEST_TEST);
    test[length < LONGEST_TEST ? length : LONGEST_TEST] = '\0';
    atomic_store(&test_told, 0);
    atomic_store(&test_changing, false);
    if (!was_described())
        return;
    line_begin(&line, room, LINE);
    tell_test(&line, room, process_id());
}

/* --- sockets --------------------------------------------------------------------------------------------------- */

/* Room for an address of IPv4 or IPv6; of a longer one its family is still told. */
struct address {
    socklen_t length; /* 0 where there is none */
    struct sockaddr_in6 bytes;
};

/* `call` is SYS_getsockname or SYS_getpeername. */
static struct address address_by(long call, int descriptor)
{
    struct address found = {.length = sizeof found.bytes};
    if (descriptor < 0 || kernel(call, descriptor, &found.bytes, &found.length) != 0)
        found.length = 0;
    return found;
}

static struct address address_of(const void *given, size_t length)
{
    struct address found = {.length = (socklen_t)(length < sizeof found.bytes ? length : sizeof found.bytes)};
    bytes_copy(&found.bytes, given, found.length);
    return found;
}

static bool is_internet(const struct address *address)
{
    return address->length >= sizeof(struct sockaddr_in) &&
           (address->bytes.sin6_family == AF_INET || address->bytes.sin6_family == AF_INET6);
}

static void add_endpoints(struct line *line, const struct address *local, const struct address *peer)
{
    line_text(line, ", \"local\": ");
    line_endpoint(line, &local->bytes, local->length);
    line_text(line, ", \"peer\": ");
    line_endpoint(line, &peer->bytes, peer->length);
}

static bool is_of_type(int descriptor, int wanted)
{
    int type = 0;
    socklen_t size = sizeof type;
    return kernel(SYS_getsockopt, descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == wanted;
}

static bool is_stream(int descriptor)
{
    return is_of_type(descriptor, SOCK_STREAM);
}

bool event_is_about(int descriptor)
{
    const struct address local = address_by(SYS_getsockname, descriptor);
    return is_internet(&local) && is_stream(descriptor);
}

void event_tls(int descriptor, const char *random, const char *library, const char *how)
{
    char room[LINE];
    struct line line;
    begin(&line, room, "tls");
    const struct address local = address_by(SYS_getsockname, descriptor);
    const struct address peer = address_by(SYS_getpeername, descriptor);
    add_endpoints(&line, &local, &peer);
    line_text(&line, ", \"client_random\": \"");
    line_bytes(&line, random, 64);
    line_text(&line, "\", \"library\": ");
    line_text(&line, library);
    line_text(&line, ", \"how\": \"");
    line_text(&line, how);
    line_text(&line, "\"");
    end(&line);
}

void event_unreached(const char *library, const char *why)
{
    char room[LINE];
    struct line line;
    begin(&line, room, "unreached");
    line_text(&line, ", \"library\": ");
    line_text(&line, library);
    line_text(&line, ", \"why\": ");
    line_string(&line, why);
    end(&line);
}

/* The kernel's own word for the peer comes first: another preloaded library may have connected to a proxy instead. */
bool event_connect(int descriptor, const void *to, size_t length)
{
    char room[LINE];
    struct line line;
    const struct address local = address_by(SYS_getsockname, descriptor);
    if (!is_internet(&local) || !is_stream(descriptor))
        return false;
    struct address peer = address_by(SYS_getpeername, descriptor);
    if (!is_internet(&peer))
        peer = address_of(to, length);
    if (!is_internet(&peer))
        return true;
    begin(&line, room, "connect");
    add_endpoints(&line, &local, &peer);
    end(&line);
    return true;
}

void event_datagram(int descriptor, const void *to, size_t length)
{
    char room[LINE];
    struct line line;
    const struct address local = address_by(SYS_getsockname, descriptor);
    const struct address peer = address_of(to, length);
    if (!is_internet(&local) || !is_internet(&peer) || !is_of_type(descriptor, SOCK_DGRAM) ||
        atomic_fetch_add(&datagrams, 1) >= MOST_DATAGRAMS)
        return;
    begin(&line, room, "datagram");
    add_endpoints(&line, &local, &peer);
    end(&line);
}

/* What a peer, the path or the stack makes; not what a program makes of its own sockets (EBADF), nor EAGAIN. */
static bool of_the_network(int error)
{
    static const unsigned char made[] = {ECONNRESET,  EPIPE,        ETIMEDOUT, ECONNREFUSED, ECONNABORTED,
                                         EHOSTUNREACH, ENETUNREACH, ENETDOWN,  EHOSTDOWN,    ENETRESET,
                                         EADDRNOTAVAIL, ENOBUFS,    EACCES,    ENOPROTOOPT,  EPROTO};
    for (size_t i = 0; i < sizeof made; i++)
        if (error == made[i])
            return true;
    return false;
}

/* How many bytes the peer has acknowledged, where the kernel says so (Linux 4.1). */
static void add_acknowledged(struct line *line, int descriptor)
{
    unsigned char facts[offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(uint64_t)];
    socklen_t size = sizeof facts;
    uint64_t acknowledged;
    if (kernel(SYS_getsockopt, descriptor, IPPROTO_TCP, TCP_INFO, facts, &size) != 0 || size < sizeof facts)
        return;
    bytes_copy(&acknowledged, facts + offsetof(struct tcp_info, tcpi_bytes_acked), sizeof acknowledged);
    add_number(line, "acked", acknowledged);
}

void event_error(int descriptor, const char *call, int error, const void *to, size_t length)
{
    char room[LINE];
    struct line line;
    if (!of_the_network(error))
        return;
    const struct address local = address_by(SYS_getsockname, descriptor);
    if (!is_internet(&local) || !is_stream(descriptor) || atomic_fetch_add(&errors, 1) >= MOST_ERRORS)
        return;
    const struct address peer = to ? address_of(to, length) : address_by(SYS_getpeername, descriptor);
    begin(&line, room, "error");
    add_endpoints(&line, &local, &peer);
    line_text(&line, ", \"call\": \"");
    line_text(&line, call);
    line_text(&line, "\"");
    add_number(&line, "errno", (uint64_t)error);
    if (!to)
        add_acknowledged(&line, descriptor);
    end(&line);
}

void event_close(int descriptor, const char *call)
{
    char room[LINE];
    struct line line;
    const struct address local = address_by(SYS_getsockname, descriptor);
    if (!is_internet(&local) || local.bytes.sin6_port == 0 || !is_stream(descriptor))
        return;
    int unread = 0;
    kernel(SYS_ioctl, descriptor, FIONREAD, &unread);
    const struct address peer = address_by(SYS_getpeername, descriptor);
    begin(&line, room, call);
    add_endpoints(&line, &local, &peer);
    add_number(&line, "unread", (uint64_t)(unread > 0 ? unread : 0));
    add_acknowledged(&line, descriptor);
    end(&line);
}

/* --- words ----------------------------------------------------------------------------------------------------- */

/* Beyond the first words: whether these tell of an error, in one of the ways that programs have of it. */
static bool telling(const char *bytes, size_t count)
{
    static const char *const signs[] = {"rror", "xception", "eset by", "losed", "refused", "imed out", "EOF", "roken",
                                        "imeout", "hang up", "ECONN", "EPIPE", "NAVAIL", "failed", "aborted",
                                        "ERR_", "CERT_", "_CERT", "UNABLE_TO_", "ETIMEDOUT", "ENOTFOUND", "EAI_",
                                        "UNREACH"};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (text_contains(bytes, count, signs[i]))
            return true;
    return false;
}

static bool worth_keeping(const char *bytes, size_t count)
{
    const size_t before = atomic_fetch_add(&spoken, count);
    if (before < ALL_WORDS || (before < MOST_WORDS && telling(bytes, count)))
        return true;
    if (before < MOST_WORDS)
        atomic_fetch_sub(&spoken, count);
    return false;
}

void event_words(const char *bytes, size_t count)
{
    char room[LINE];
    struct line line;
    if (!worth_keeping(bytes, count))
        return;
    const size_t most = count < ALL_WORDS ? count : ALL_WORDS;
    for (size_t at = 0; at < most;) {
        begin(&line, room, "stderr");
        line_text(&line, ", \"text\": ");
        at += line_octets(&line, bytes + at, most - at, sizeof "}" - 1);
        end(&line);
    }
}

static void event_printed_line(const char *bytes, size_t count, bool several)
{
    char room[LINE];
    struct line line;
    for (size_t at = 0; at < count;) {
        begin(&line, room, "stdout");
        line_text(&line, several ? ", \"several\": true, \"text\": " : ", \"text\": ");
        at += line_octets(&line, bytes + at, count - at, sizeof "}" - 1);
        end(&line);
    }
}

static size_t length_of_line(const char *bytes, size_t count)
{
    for (size_t at = 0; at < count; at++)
        if (bytes[at] == '\n')
            return at + 1;
    return count;
}

static bool is_text(const char *bytes, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        const unsigned char c = (unsigned char)bytes[at];
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != 0x1b) || c == 0x7f)
            return false;
    }
    return true;
}

/* As those that run tests print of one that failed: "  1) title" (mocha), "--- FAIL: TestX" (Go), "FAIL: test_x"
 * (unittest), "[ERROR] X.test" (Maven), "not ok 1 - title" (TAP), "---- test stdout ----" (cargo), and with a cross
 * node --test. */
static bool names_a_test(const char *bytes, size_t count)
{
    static const char *const starts[] = {"--- FAIL: ", "FAIL: ", "ERROR: ", "[ERROR] ", "not ok ",
                                         "---- ",     "\xe2\x9c\x96 "};
    size_t at = 0, digits = 0;
    while (at < count && bytes[at] == ' ')
        at++;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (text_length(starts[i]) <= count - at && bytes_equal(bytes + at, starts[i], text_length(starts[i])))
            return true;
    for (; at + digits < count && bytes[at + digits] >= '0' && bytes[at + digits] <= '9'; digits++)
        ;
    return at > 0 && digits > 0 && digits < 6 && count - at - digits > 2 && bytes[at + digits] == ')' &&
           bytes[at + digits + 1] == ' ';
}

/* Whether a line of standard output is kept. */
static bool tells(const char *bytes, size_t count)
{
    if (!is_text(bytes, count))
        return false;
    if (names_a_test(bytes, count)) {
        atomic_store(&named, LINES_OF_A_NAME);
        return true;
    }
    return telling(bytes, count) || (atomic_load(&named) > 0 && atomic_fetch_sub(&named, 1) > 0);
}

void event_printed(const char *bytes, size_t count)
{
    const size_t most = count < MOST_AT_ONCE ? count : MOST_AT_ONCE;
    if (atomic_fetch_add(&looked_at, most) >= MOST_LOOKED_AT) {
        atomic_fetch_sub(&looked_at, most);
        return;
    }
    for (size_t at = 0, length; at < most; at += length) {
        length = length_of_line(bytes + at, most - at);
        const bool goes_on = atomic_exchange(&line_begun, false);
        if (length > LONGEST_PRINTED || !(goes_on ? is_text(bytes + at, length) : tells(bytes + at, length)))
            continue;
        if (atomic_fetch_add(&printed, length) >= MOST_PRINTED)
            return;
        event_printed_line(bytes + at, length, length < count);
        atomic_store(&line_begun, bytes[at + length - 1] != '\n');
    }
}

/* --- the process ----------------------------------------------------------------------------------------------- */

void event_end(int status)
{
    char room[LINE];
    struct line line;
    if (!was_described())
        return;
    begin(&line, room, "end");
    add_number(&line, "status", (uint64_t)(status & 0xff));
    end(&line);
}

/* Nothing need have been told of this process: a shell waits for what it started. */
void event_killed(int child, int signal)
{
    char room[LINE];
    struct line line;
    if (atomic_fetch_add(&killed, 1) >= MOST_KILLED)
        return;
    line_begin(&line, room, LINE);
    line_event(&line, "killed", process_id());
    add_number(&line, "child", (uint64_t)child);
    add_number(&line, "signal", (uint64_t)signal);
    end(&line);
}

void event_sandbox(bool entered)
{
    char room[LINE];
    struct line line;
    if (!was_described())
        return;
    begin(&line, room, "sandbox");
    line_text(&line, ", \"entered\": ");
    line_text(&line, entered ? "true" : "false");
    end(&line);
}
