/* One line of text, put together in room that the caller has: no allocation, no locale, no stdio. */
#ifndef PLAINWIRE_LINE_H
#define PLAINWIRE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LINE = 928, /* bytes of the longest line. It stands on the program's stack: often a signal handler's 8 KB, less what
                 * the kernel saves there. */
};

struct line {
    char *text;
    size_t room, length;
    bool overflow; /* something did not fit: the line must not be used */
};

void line_begin(struct line *line, char *text, size_t room);
void line_text(struct line *line, const char *text);
void line_bytes(struct line *line, const char *bytes, size_t count);
void line_number(struct line *line, uint64_t number, int digits); /* at least `digits`, with leading zeros */
void line_string(struct line *line, const char *text);            /* as a JSON string; NULL as null */

/* As a JSON string of characters below U+0100, one a byte. Of `count` bytes as many as leave `spare` bytes of room; how
 * many that were. */
size_t line_octets(struct line *line, const char *bytes, size_t count, size_t spare);

/* A socket's address as a JSON string, "127.0.0.1:443" or "[::1]:443"; null for other families. `address` is a struct
 * sockaddr of `length` bytes, at any alignment. An IPv4 address inside IPv6 is written as it goes over the wire. */
void line_endpoint(struct line *line, const void *address, size_t length);

#endif
