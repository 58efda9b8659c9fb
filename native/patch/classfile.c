#include "classfile.h"

#include <stdbool.h>
#include <stdint.h>

#include "../interposer/text.h"

enum {
    CALL = 5, /* bytes of code that are put in: aload_1, aload_2, invokestatic */
    ADDED = 6, /* constants */
    ACC_STATIC = 0x0008,
};

struct copying {
    const unsigned char *at, *end;
    unsigned char *to, *room;
    const struct insertion *what;
    unsigned count; /* of constants; the first that is added has this number */
    /* The constants that are these words, by number; 0 where there is none. */
    unsigned method, code, lines, variables;
    unsigned done;
    bool failed;
};

/* --- numbers, from most significant byte on ----------------------------------------------------------------------- */

static bool have(struct copying *copying, size_t count)
{
    if (count > (size_t)(copying->end - copying->at) || count > (size_t)(copying->room - copying->to))
        copying->failed = true;
    return !copying->failed;
}

static unsigned long taken(struct copying *copying, size_t size)
{
    unsigned long number = 0;
    if (!have(copying, size))
        return 0;
    while (size--)
        number = number << 8 | *copying->at++;
    return number;
}

static void put(struct copying *copying, unsigned long number, size_t size)
{
    if (size > (size_t)(copying->room - copying->to))
        copying->failed = true;
    while (!copying->failed && size--)
        *copying->to++ = (unsigned char)(number >> 8 * size);
}

static unsigned long passed(struct copying *copying, size_t size)
{
    const unsigned long number = taken(copying, size);
    put(copying, number, size);
    return number;
}

static void pass(struct copying *copying, size_t count)
{
    if (!have(copying, count))
        return;
    bytes_copy(copying->to, copying->at, count);
    copying->at += count;
    copying->to += count;
}

/* --- constants ----------------------------------------------------------------------------------------------------- */

enum { UTF8 = 1, CLASS = 7, METHOD = 10, NAME_AND_TYPE = 12 };

static bool is(const unsigned char *text, size_t length, const char *word)
{
    return length == text_length(word) && bytes_equal(text, word, length);
}

static void note_text(struct copying *copying, unsigned number, const unsigned char *text, size_t length)
{
    if (is(text, length, copying->what->method))
        copying->method = number;
    else if (is(text, length, "Code"))
        copying->code = number;
    else if (is(text, length, "LineNumberTable"))
        copying->lines = number;
    else if (is(text, length, "LocalVariableTable"))
        copying->variables = number;
}

/* Bytes behind the tag; 0 for a tag that is not known. */
static size_t size_of_constant(unsigned tag)
{
    static const unsigned char sizes[] = {[3] = 4, [4] = 4, [5] = 8, [6] = 8, [7] = 2, [8] = 2, [9] = 4, [10] = 4,
                                          [11] = 4, [12] = 4, [15] = 3, [16] = 2, [17] = 4, [18] = 4, [19] = 2, [20] = 2};
    return tag < sizeof sizes ? sizes[tag] : 0;
}

static void pass_constants(struct copying *copying)
{
    for (unsigned number = 1; number < copying->count && !copying->failed; number++) {
        const unsigned tag = (unsigned)passed(copying, 1);
        const size_t length = tag == UTF8 ? passed(copying, 2) : size_of_constant(tag);
        if (tag == UTF8 && have(copying, length))
            note_text(copying, number, copying->at, length);
        if (tag != UTF8 && !length)
            copying->failed = true;
        pass(copying, length);
        number += tag == 5 || tag == 6; /* long and double count for two */
    }
}

static void put_text(struct copying *copying, const char *text)
{
    const size_t length = text_length(text);
    put(copying, UTF8, 1);
    put(copying, length, 2);
    for (size_t i = 0; i < length; i++)
        put(copying, (unsigned char)text[i], 1);
}

/* The last of them is the method that is called. */
static void add_constants(struct copying *copying)
{
    const unsigned first = copying->count;
    put_text(copying, copying->what->class);
    put(copying, CLASS, 1);
    put(copying, first, 2);
    put_text(copying, copying->what->name);
    put_text(copying, copying->what->type);
    put(copying, NAME_AND_TYPE, 1);
    put(copying, first + 2, 2);
    put(copying, first + 3, 2);
    put(copying, METHOD, 1);
    put(copying, first + 1, 2);
    put(copying, first + 4, 2);
}

/* Whether the constant of this number is a text that starts like the descriptor: the constants are read once more. */
static bool is_descriptor(const struct copying *copying, const unsigned char *constants, unsigned wanted)
{
    const char *start = copying->what->descriptor;
    for (unsigned number = 1; number < wanted; number++) {
        const unsigned tag = *constants++;
        constants += tag == UTF8 ? 2 + (size_t)(constants[0] << 8 | constants[1]) : size_of_constant(tag);
        number += tag == 5 || tag == 6;
    }
    const size_t length = constants[0] == UTF8 ? (size_t)(constants[1] << 8 | constants[2]) : 0;
    return length >= text_length(start) && bytes_equal(constants + 3, start, text_length(start));
}

/* --- the method ---------------------------------------------------------------------------------------------------- */

/* Entries begin with a place in the code. What begins with the method begins with the call, too. */
static void pass_lines(struct copying *copying)
{
    for (unsigned long count = passed(copying, 2); count && !copying->failed; count--) {
        const unsigned long start = taken(copying, 2);
        put(copying, start ? start + CALL : 0, 2);
        pass(copying, 2);
    }
}

static void pass_variables(struct copying *copying)
{
    for (unsigned long count = passed(copying, 2); count && !copying->failed; count--) {
        const unsigned long start = taken(copying, 2), length = taken(copying, 2);
        put(copying, start ? start + CALL : 0, 2);
        put(copying, start ? length : length + CALL, 2);
        pass(copying, 6);
    }
}

static void pass_code(struct copying *copying)
{
    enum { ALOAD_1 = 0x2b, ALOAD_2 = 0x2c, INVOKESTATIC = 0xb8, LONGEST = 0xffff - CALL };
    put(copying, taken(copying, 4) + CALL, 4);
    const unsigned long stack = taken(copying, 2);
    put(copying, stack < 2 ? 2 : stack, 2);
    const unsigned long locals = passed(copying, 2), length = taken(copying, 4);
    put(copying, length + CALL, 4);
    put(copying, ALOAD_1, 1);
    put(copying, ALOAD_2, 1);
    put(copying, INVOKESTATIC, 1);
    put(copying, copying->count + ADDED - 1, 2);
    pass(copying, length);
    if (locals < 3 || length > LONGEST || passed(copying, 2) != 0)
        copying->failed = true; /* exceptions are caught in it */
    for (unsigned long count = passed(copying, 2); count && !copying->failed; count--) {
        const unsigned name = (unsigned)passed(copying, 2);
        passed(copying, 4);
        if (name && name == copying->lines)
            pass_lines(copying);
        else if (name && name == copying->variables)
            pass_variables(copying);
        else
            copying->failed = true; /* StackMapTable: there are branches in it */
    }
    copying->done++;
}

static void pass_members(struct copying *copying, const unsigned char *constants)
{
    for (unsigned long count = passed(copying, 2); count && !copying->failed; count--) {
        const unsigned long access = passed(copying, 2);
        const unsigned name = (unsigned)passed(copying, 2), type = (unsigned)passed(copying, 2);
        const bool meant = constants && name && name == copying->method && type < copying->count &&
                           !(access & ACC_STATIC) && is_descriptor(copying, constants, type);
        for (unsigned long attributes = passed(copying, 2); attributes && !copying->failed; attributes--) {
            const unsigned attribute = (unsigned)passed(copying, 2);
            if (meant && attribute && attribute == copying->code)
                pass_code(copying);
            else
                pass(copying, passed(copying, 4));
        }
    }
}

size_t classfile_insert(const unsigned char *class, size_t length, const struct insertion *what, unsigned char *into)
{
    enum { MAGIC = 0xcafebabe };
    struct copying copying = {
        .at = class, .end = class + length, .to = into, .room = into + length + CLASSFILE_GROWTH, .what = what};
    if (passed(&copying, 4) != MAGIC)
        return 0;
    pass(&copying, 4);
    copying.count = (unsigned)taken(&copying, 2);
    if (copying.count == 0 || copying.count + ADDED > 0xffff)
        return 0;
    put(&copying, copying.count + ADDED, 2);
    const unsigned char *constants = copying.at;
    pass_constants(&copying);
    add_constants(&copying);
    pass(&copying, 6);
    pass(&copying, 2 * passed(&copying, 2));
    pass_members(&copying, NULL);
    pass_members(&copying, constants);
    if (!copying.failed)
        pass(&copying, (size_t)(copying.end - copying.at));
    return copying.failed || copying.done != 1 ? 0 : (size_t)(copying.to - into);
}
