/* One line of text, put together on the stack: no allocation, no locale, no stdio. */
#ifndef PLAINWIRE_LINE_H
#define PLAINWIRE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line {
    size_t length;
    bool overflow; /* something did not fit: the line must not be used */
    char text[4096];
};

void line_begin(struct line *line);
void line_text(struct line *line, const char *text);
void line_bytes(struct line *line, const char *bytes, size_t count);
void line_number(struct line *line, uint64_t number, int digits); /* at least `digits`, with leading zeros */
void line_string(struct line *line, const char *text);            /* as a JSON string; NULL as null */
void line_octets(struct line *line, const char *bytes, size_t count); /* as a JSON string of characters below U+0100,
                                                                        * one a byte: six bytes of room for each */

#endif
