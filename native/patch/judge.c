#include "judge.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#include "../interposer/hook.h"
#include "../interposer/text.h"
#include "arm64.h"
#include "locate.h"
#include "nss.h"
#include "prologue.h"

#if defined(__aarch64__)
enum { HERE = EM_AARCH64 };
#else
enum { HERE = EM_X86_64 };
#endif

/* The segments of an ELF file of 64 bits, each as far as it is in the file. False where it is none of the machine's. */
static bool take_parts(const unsigned char *file, size_t size, int machine, struct parts *parts)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    if (size < sizeof header)
        return false;
    bytes_copy(&header, file, sizeof header);
    if (!bytes_equal(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_machine != machine || header.e_phentsize != sizeof segment || header.e_phoff > size)
        return false;
    parts->fixed = header.e_type == ET_EXEC;
    parts->arm64 = machine == EM_AARCH64;
    for (unsigned i = 0; i < header.e_phnum && parts->count < MOST_PARTS; i++) {
        if ((size - header.e_phoff) / sizeof segment <= i)
            return false;
        bytes_copy(&segment, file + header.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type == PT_GNU_EH_FRAME)
            parts->unwinding = segment.p_vaddr;
        if (segment.p_type != PT_LOAD || segment.p_offset >= size || !segment.p_filesz)
            continue;
        const size_t rest = size - segment.p_offset;
        parts->list[parts->count++] = (struct part){
            .bytes = file + segment.p_offset,
            .address = segment.p_vaddr,
            .size = segment.p_filesz < rest ? segment.p_filesz : rest,
            .kind = segment.p_flags & PF_X ? CODE : segment.p_flags & PF_W ? DATA : CONSTANTS,
        };
    }
    return parts->count > 0;
}

static struct {
    struct parts parts;
    struct location location;
    size_t covered;
} found;

static const char *movable(void)
{
    enum { MOST = 4096, LEAST = 64 };
    const uintptr_t function = found.location.function;
    if (found.location.why)
        return found.location.why;
    const size_t size = locate_at(&found.parts, function, MOST, CODE) ? MOST : LEAST;
    const unsigned char *code = locate_at(&found.parts, function, size, CODE);
    if (code)
        found.covered = found.parts.arm64 ? arm64_movable(code) : prologue_movable(code, size);
    return found.covered ? NULL : "its function for key logs begins in a way that is not known";
}

static const char *tell_place(struct place *place)
{
    const struct location *location = &found.location;
    const unsigned char *code = locate_at(&found.parts, location->function, BEGINNING, CODE);
    const size_t mark = code ? (found.parts.arm64 ? arm64_mark(code) : prologue_mark(code)) : 0;
    code = locate_at(&found.parts, location->function + mark, BEGINNING, CODE);
    if (!code)
        return "its function for key logs begins in a way that is not known";
    place->function = location->function + mark;
    place->covered = found.covered;
    place->labels = UINT64_MAX;
    for (unsigned i = 0; i < location->label_count; i++) {
        const uint64_t at = location->labels[i];
        place->labels = at < place->labels ? at : place->labels;
        place->labels_end = at > place->labels_end ? at : place->labels_end;
    }
    place->hop_count = location->hop_count;
    for (unsigned i = 0; i < location->hop_count; i++)
        place->hops[i] = location->hops[i];
    bytes_copy(place->code, code, BEGINNING);
    return NULL;
}

HOOK const char *plainwire_nss(const unsigned char *file, size_t size, uint64_t exporting, struct place *place)
{
    bytes_clear(&found, sizeof found);
    bytes_clear(place, sizeof *place);
    if (!take_parts(file, size, HERE, &found.parts))
        return "it is no program of this machine";
    nss_find(&found.parts, exporting, &found.location);
    found.covered = NSS_COVERED;
    return found.location.why ? found.location.why : tell_place(place);
}

HOOK const char *plainwire_place(const unsigned char *file, size_t size, int machine, int go, struct place *place)
{
    bytes_clear(&found, sizeof found);
    bytes_clear(place, sizeof *place);
    if (!take_parts(file, size, machine, &found.parts))
        return "it is no program of this machine";
    if (go)
        locate_go(&found.parts, &found.location);
    else
        locate_log(&found.parts, 0, &found.location);
    const char *why = movable();
    return why ? why : tell_place(place);
}

HOOK const char *plainwire_judge(const unsigned char *file, size_t size)
{
    bytes_clear(&found, sizeof found);
    if (!take_parts(file, size, HERE, &found.parts) || !locate_text(&found.parts, "CLIENT_HANDSHAKE_TRAFFIC_SECRET"))
        return NULL;
    if (locate_text(&found.parts, "NoKeyLog")) /* rustls: its table of methods is made when it is loaded */
        return "patch";
    if (locate_text(&found.parts, "SSLKEYLOGFILE"))
        return "SSLKEYLOGFILE";
    locate_log(&found.parts, 0, &found.location);
    const char *why = movable();
    return why ? why : "patch";
}

HOOK uint64_t plainwire_calls(const unsigned char *file, size_t size)
{
    bytes_clear(&found, sizeof found);
    return take_parts(file, size, HERE, &found.parts) ? locate_go_calls(&found.parts) : 0;
}

HOOK uint64_t plainwire_movable(const unsigned char *file, size_t size, int machine, uint64_t function)
{
    bytes_clear(&found, sizeof found);
    found.location.function = function;
    if (!take_parts(file, size, machine, &found.parts) || movable())
        return 0;
    const unsigned char *code = locate_at(&found.parts, function, BEGINNING, CODE);
    const uint64_t mark = !code || found.parts.arm64 ? 0 : prologue_mark(code);
    return mark << 32 | found.covered;
}
