#include "text.h"

size_t text_length(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

bool text_equal(const char *one, const char *other)
{
    while (*one && *one == *other)
        one++, other++;
    return *one == *other;
}

bool text_starts(const char *text, const char *start)
{
    while (*start && *text == *start)
        text++, start++;
    return !*start;
}

bool text_contains(const char *bytes, size_t count, const char *word)
{
    const size_t length = text_length(word);
    for (size_t at = 0; at + length <= count; at++) {
        size_t same = 0;
        while (same < length && bytes[at + same] == word[same])
            same++;
        if (same == length)
            return true;
    }
    return false;
}

const char *text_name(const char *path)
{
    const char *name = path;
    for (; *path; path++)
        if (*path == '/')
            name = path + 1;
    return name;
}

static bool is_one_of(char c, const char *set)
{
    while (*set && *set != c)
        set++;
    return *set != '\0';
}

const char *text_item(const char **at, const char *separators, size_t *length)
{
    const char *start = *at;
    while (is_one_of(*start, separators))
        start++;
    size_t count = 0;
    while (start[count] && !is_one_of(start[count], separators))
        count++;
    *at = start + count;
    *length = count;
    return count ? start : NULL;
}

bool bytes_equal(const void *one, const void *other, size_t count)
{
    const char *left = one, *right = other;
    size_t same = 0;
    while (same < count && left[same] == right[same])
        same++;
    return same == count;
}

void bytes_copy(void *to, const void *from, size_t count)
{
    char *target = to;
    const char *source = from;
    size_t i = 0;
#if defined(__x86_64__)
    if (count >= 64) { /* for less it takes longer to begin than the bytes do */
        __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(count) : : "memory");
        return;
    }
#endif
    for (; i < count; i++)
        target[i] = source[i];
}

void bytes_clear(void *at, size_t count)
{
    char *target = at;
    for (size_t i = 0; i < count; i++)
        target[i] = 0;
}
