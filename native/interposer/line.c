#include "line.h"

#include <string.h>

/* Not by an initializer, which would clear four kilobytes. */
void line_begin(struct line *line)
{
    line->length = 0;
    line->overflow = false;
}

void line_bytes(struct line *line, const char *bytes, size_t count)
{
    if (count > sizeof line->text - line->length) {
        line->overflow = true;
        return;
    }
    memcpy(line->text + line->length, bytes, count);
    line->length += count;
}

void line_text(struct line *line, const char *text)
{
    line_bytes(line, text, strlen(text));
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

static void line_escaped(struct line *line, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    const char escaped[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    line_bytes(line, escaped, sizeof escaped);
}

/* Bytes of UTF-8 pass as they are: a name that is not UTF-8 is for the reader to mend. */
static void line_character(struct line *line, unsigned char c)
{
    if (c >= 0x20 && c != 0x7f && c != '"' && c != '\\')
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

void line_octets(struct line *line, const char *bytes, size_t count)
{
    line_text(line, "\"");
    for (size_t i = 0; i < count; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        if (c < 0x80)
            line_character(line, c);
        else
            line_escaped(line, c);
    }
    line_text(line, "\"");
}
