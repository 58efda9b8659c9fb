#define _GNU_SOURCE
#include "image.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"
#include "line.h"
#include "settings.h"
#include "text.h"

typedef ElfW(Ehdr) file_header;
typedef ElfW(Phdr) segment;
typedef ElfW(Dyn) dynamic_entry;

#if UINTPTR_MAX > UINT32_MAX
enum { WIDTH = ELFCLASS64 };
#else
enum { WIDTH = ELFCLASS32 };
#endif
#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#endif

/* How a file begins: with the header of an ELF file, or with a line that names its interpreter. */
union beginning {
    file_header header;
    char line[256];
};

static bool have(int file, void *into, size_t size, uint64_t offset)
{
    return kernel(SYS_pread64, file, into, size, offset) == (long)size;
}

static bool segment_at(int file, const file_header *header, unsigned number, segment *into)
{
    return number < header->e_phnum && header->e_phentsize == sizeof *into &&
           have(file, into, sizeof *into, header->e_phoff + number * sizeof *into);
}

static bool segment_of(int file, const file_header *header, unsigned kind, segment *into)
{
    for (unsigned i = 0; segment_at(file, header, i, into); i++)
        if (into->p_type == kind)
            return true;
    return false;
}

/* Text in the file, cut where it is longer than `into`. */
static void text_at(int file, uint64_t offset, char *into, size_t room)
{
    const long length = kernel(SYS_pread64, file, into, room - 1, offset);
    into[length > 0 ? length : 0] = '\0';
}

/* Where in the file is what will be at `address`? */
static uint64_t offset_of(int file, const file_header *header, uint64_t address)
{
    segment part;
    for (unsigned i = 0; segment_at(file, header, i, &part); i++)
        if (part.p_type == PT_LOAD && part.p_vaddr <= address && address < part.p_vaddr + part.p_filesz)
            return address - part.p_vaddr + part.p_offset;
    return 0;
}

static bool entry_at(int file, const segment *dynamic, unsigned number, dynamic_entry *into)
{
    return number < dynamic->p_filesz / sizeof *into &&
           have(file, into, sizeof *into, dynamic->p_offset + number * sizeof *into) && into->d_tag != DT_NULL;
}

bool image_is_sanitizer(const char *library)
{
    static const char *const names[] = {"libasan.", "libtsan.", "libhwasan.", "liblsan.", "libclang_rt."};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (text_starts(library, names[i]))
            return true;
    return false;
}

static bool needs_sanitizer(int file, const file_header *header)
{
    segment dynamic;
    dynamic_entry entry;
    uint64_t names = 0;
    if (!segment_of(file, header, PT_DYNAMIC, &dynamic))
        return false;
    for (unsigned i = 0; entry_at(file, &dynamic, i, &entry); i++)
        if (entry.d_tag == DT_STRTAB)
            names = offset_of(file, header, entry.d_un.d_ptr);
    for (unsigned i = 0; entry_at(file, &dynamic, i, &entry); i++) {
        char library[16];
        if (entry.d_tag != DT_NEEDED)
            continue;
        text_at(file, names + entry.d_un.d_val, library, sizeof library);
        if (image_is_sanitizer(library))
            return true;
    }
    return false;
}

/* Whose loader loads it; TAKES for glibc's and musl's. */
static enum image by_loader(int file, const file_header *header)
{
    segment loader;
    char path[128];
    if (!segment_of(file, header, PT_INTERP, &loader))
        return IGNORES;
    text_at(file, loader.p_offset, path, sizeof path);
    const char *name = text_name(path);
    return text_starts(name, "ld-linux") || text_starts(name, "ld-musl") ? TAKES : REFUSES;
}

/* As another user, it runs in a loader that leaves out what is not the system's own. */
static bool changes_user(int file)
{
    struct stat status;
    return kernel(SYS_fstat, file, &status) == 0 && status.st_mode & (S_ISUID | S_ISGID);
}

static bool is_elf(const file_header *header)
{
    return bytes_equal(header->e_ident, ELFMAG, SELFMAG);
}

static bool is_native(const file_header *header)
{
    return header->e_ident[EI_CLASS] == WIDTH && header->e_machine == MACHINE;
}

static enum image elf_image(int file, const file_header *header)
{
    if (!is_native(header) || needs_sanitizer(file, header))
        return REFUSES;
    const enum image found = by_loader(file, header);
    return found == TAKES && changes_user(file) ? IGNORES : found;
}

/* The interpreter of a script, in its own first line; NULL where there is none. */
static const char *interpreter(union beginning *start)
{
    const char *at = start->line + 2;
    size_t length;
    const bool script = start->line[0] == '#' && start->line[1] == '!';
    const char *path = script ? text_item(&at, " \t\n", &length) : NULL;
    if (path)
        start->line[path - start->line + (long)length] = '\0';
    return path;
}

static int opened(int directory, const char *path)
{
    return path[0] ? (int)kernel(SYS_openat, directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : directory;
}

enum image image_at(int directory, const char *path)
{
    enum { SCRIPTS_DEEP = 5 }; /* how far Linux follows one script's interpreter that is itself a script */
    union beginning start;
    enum image found = IGNORES;
    for (int depth = 0; path && depth < SCRIPTS_DEEP; depth++) {
        const int file = opened(depth ? AT_FDCWD : directory, path);
        const bool given = file == directory;
        text_at(file, 0, start.line, sizeof start.line);
        if (is_elf(&start.header))
            found = elf_image(file, &start.header);
        path = interpreter(&start);
        if (file >= 0 && !given)
            kernel(SYS_close, file);
    }
    return found;
}

static bool executable(const char *path)
{
    return kernel(SYS_faccessat, AT_FDCWD, path, X_OK) == 0;
}

const char *image_path(const char *name, char *into, size_t room)
{
    const char *at = variable("PATH"), *folder;
    size_t length;
    if (text_name(name) != name)
        return name;
    for (at = at ? at : "/bin:/usr/bin"; (folder = text_item(&at, ":", &length));) {
        struct line line;
        line_begin(&line, into, room);
        line_bytes(&line, folder, length);
        line_text(&line, "/");
        line_text(&line, name);
        line_bytes(&line, "", 1);
        if (!line.overflow && executable(into))
            return into;
    }
    return NULL;
}

enum image image_by_name(const char *name)
{
    char found[LONGEST_FOUND];
    const char *path = image_path(name, found, sizeof found);
    return path ? image_at(AT_FDCWD, path) : IGNORES;
}

/* Among the notes of a segment one of the name "Go": sizes of name and value, a type, then both, padded to four. */
static bool has_go_note(int file, const segment *notes)
{
    enum { MOST_NOTES = 8, HEAD = 12 };
    struct {
        uint32_t name, value, type;
        char text[4];
    } note;
    uint64_t at = 0;
    for (int i = 0; i < MOST_NOTES && at + sizeof note <= notes->p_filesz; i++) {
        if (!have(file, &note, sizeof note, notes->p_offset + at))
            return false;
        if (note.name == sizeof note.text && bytes_equal(note.text, "Go\0", sizeof note.text))
            return true;
        at += HEAD + ((uint64_t)note.name + 3) / 4 * 4 + ((uint64_t)note.value + 3) / 4 * 4;
    }
    return false;
}

bool image_is_go(const char *path)
{
    file_header header;
    segment part;
    bool found = false;
    const int file = opened(AT_FDCWD, path);
    if (file < 0)
        return false;
    if (have(file, &header, sizeof header, 0) && is_elf(&header) && is_native(&header))
        for (unsigned i = 0; !found && segment_at(file, &header, i, &part); i++)
            found = part.p_type == PT_NOTE && has_go_note(file, &part);
    kernel(SYS_close, file);
    return found;
}
