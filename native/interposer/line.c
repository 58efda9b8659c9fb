#include "line.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "text.h"

void line_begin(struct line *line, char *text, size_t room)
{
    line->text = text;
    line->room = room;
    line->length = 0;
    line->overflow = false;
}

void line_bytes(struct line *line, const char *bytes, size_t count)
{
    if (count > line->room - line->length) {
        line->overflow = true;
        return;
    }
    bytes_copy(line->text + line->length, bytes, count);
    line->length += count;
}

void line_text(struct line *line, const char *text)
{
    line_bytes(line, text, text_length(text));
}

void line_number(struct line *line, uint64_t number, int digits)
{
    char buffer[20];
    size_t at = sizeof buffer;
    do {
        buffer[--at] = (char)('0' + number % 10);
        number /= 10;
        digits--;
    } while (at > 0 && (number > 0 || digits > 0));
    line_bytes(line, buffer + at, sizeof buffer - at);
}

static const char hexadecimal[] = "0123456789abcdef";

static void line_escaped(struct line *line, unsigned char c)
{
    const char escaped[6] = {'\\', 'u', '0', '0', hexadecimal[c >> 4], hexadecimal[c & 15]};
    line_bytes(line, escaped, sizeof escaped);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
}

/* Bytes of UTF-8 pass as they are: a name that is not UTF-8 is for the reader to mend. */
static void line_character(struct line *line, unsigned char c)
{
    if (is_plain(c))
        line_bytes(line, (const char *)&c, 1);
    else
        line_escaped(line, c);
}

void line_string(struct line *line, const char *text)
{
    if (!text) {
        line_text(line, "null");
        return;
    }
    line_text(line, "\"");
    for (; *text; text++)
        line_character(line, (unsigned char)*text);
    line_text(line, "\"");
}

size_t line_octets(struct line *line, const char *bytes, size_t count, size_t spare)
{
    enum { LONGEST = sizeof "\\u0000\"" - 1 };
    size_t taken = 0;
    line_text(line, "\"");
    for (; taken < count && line->room - line->length >= spare + LONGEST; taken++) {
        const unsigned char c = (unsigned char)bytes[taken];
        if (c < 0x80)
            line_character(line, c);
        else
            line_escaped(line, c);
    }
    line_text(line, "\"");
    return taken;
}

static void line_port(struct line *line, const unsigned char *port)
{
    line_text(line, ":");
    line_number(line, (uint64_t)(port[0] << 8 | port[1]), 1);
    line_text(line, "\"");
}

static void line_v4(struct line *line, const unsigned char *address, const unsigned char *port)
{
    line_text(line, "\"");
    for (int i = 0; i < 4; i++) {
        line_text(line, i ? "." : "");
        line_number(line, address[i], 1);
    }
    line_port(line, port);
}

static void line_group(struct line *line, unsigned value)
{
    int shift = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0;
    for (; shift >= 0; shift -= 4)
        line_bytes(line, &hexadecimal[value >> shift & 15], 1);
}

/* The first of the longest runs of zeros, of two groups or more (RFC 5952, section 4.2); how long it is. */
static int longest_zeros(const unsigned char *address, int *start)
{
    int best = 1, run = 0;
    for (int i = 0; i < 8; i++) {
        run = address[2 * i] | address[2 * i + 1] ? 0 : run + 1;
        if (run > best) {
            best = run;
            *start = i + 1 - run;
        }
    }
    return best > 1 ? best : 0;
}

static void line_v6(struct line *line, const unsigned char *address, const unsigned char *port)
{
    int start = 8;
    const int zeros = longest_zeros(address, &start);
    line_text(line, "\"[");
    for (int i = 0; i < 8; i++) {
        if (i == start) {
            line_text(line, "::");
            i += zeros - 1;
            continue;
        }
        line_text(line, i == 0 || i == start + zeros ? "" : ":");
        line_group(line, (unsigned)(address[2 * i] << 8 | address[2 * i + 1]));
    }
    line_text(line, "]");
    line_port(line, port);
}

void line_endpoint(struct line *line, const void *address, size_t length)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    const unsigned char *bytes = address;
    sa_family_t family = AF_UNSPEC;
    if (length >= sizeof family)
        bytes_copy(&family, address, sizeof family);
    const unsigned char *port = bytes + offsetof(struct sockaddr_in6, sin6_port); /* in both at the same place */
    const unsigned char *v6 = bytes + offsetof(struct sockaddr_in6, sin6_addr);
    if (family == AF_INET && length >= sizeof(struct sockaddr_in))
        line_v4(line, bytes + offsetof(struct sockaddr_in, sin_addr), port);
    else if (family != AF_INET6 || length < offsetof(struct sockaddr_in6, sin6_scope_id))
        line_text(line, "null");
    else if (bytes_equal(v6, mapped, sizeof mapped))
        line_v4(line, v6 + sizeof mapped, port);
    else
        line_v6(line, v6, port);
}
