/* SPDX-License-Identifier: MIT */
/*
 * Reads what TARE_TIMER leaves in a program, as it would be after loading, without loading it. The section
 * "tare_timers" is an array of pointers to struct tare_timer. In a position-independent file these pointers,
 * and those within the structures, are zero in the file, and relocations say what the dynamic linker will put
 * there; in an executable at a fixed address, and with packed relative relocations (DT_RELR), the value stands
 * in its place.
 */
#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* For TARE_ABI alone: the declarations would have this program enrol timers. */
#define TARE_DISABLE
#include <tare/page.h>
#include <tare/tare.h>

#include "record/clean.h"
#include "record/elf_image.h"

#define TIMERS_SECTION "tare_timers"
#define BENCHES_SECTION "tare_benches"

enum {
    NAME_MAX_BYTES = 255,      /* as the runtime cuts module and name */
    TIMERS_MAX = 65536,        /* of one file; the page has room for 1024 by default */
    RELOCATIONS_MAX = 1 << 22, /* pointers; a browser has some 600,000 */
};

/*
 * struct tare_timer of TARE_ABI 1, as it lies in a file for 64-bit processors, wherever this code itself runs.
 * A module is a struct with nothing but the pointer to its name.
 */
_Static_assert(TARE_ABI == 1, "another layout");
enum {
    TIMER_ABI = 8,
    TIMER_NAME = 16,
    TIMER_MODULE = 24,
    TIMER_FILE = 32,
    TIMER_LINE = 40,
    TIMER_KIND = 44,
    TIMER_SIZE = 48,
};

/* struct tare_instrument: a struct tare_timer, and what timers do not have. Only of kinds from 2 on. */
enum {
    INSTRUMENT_UNIT = 48,
    INSTRUMENT_LABELS = 56,
    INSTRUMENT_HELP = 64,
    INSTRUMENT_NUMBER = 84, /* the member `size` */
};

static uint32_t load_32(const void *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return le32toh(value);
}

static uint64_t load_64(const void *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return le64toh(value);
}

static bool find_section(struct tare__image *image, const char *name, GElf_Shdr *header)
{
    size_t names_index;
    if (elf_getshdrstrndx(image->elf, &names_index) != 0) {
        return false;
    }
    Elf_Data *names = tare__image_section(image, names_index);
    for (Elf_Scn *section = NULL; names != NULL && (section = elf_nextscn(image->elf, section)) != NULL;) {
        if (gelf_getshdr(section, header) != NULL && (header->sh_flags & SHF_ALLOC) != 0 &&
            header->sh_size > 0 && tare__image_has_string(names, header->sh_name, name)) {
            return true;
        }
    }
    return false;
}

bool tare__image_has_timers(struct tare__image *image)
{
    GElf_Shdr header;
    return find_section(image, TIMERS_SECTION, &header);
}

bool tare__image_has_benches(struct tare__image *image)
{
    GElf_Shdr header;
    return find_section(image, BENCHES_SECTION, &header);
}

/* The value that stands in its place at an address. */
static bool read_in_place(const struct tare__image *image, uint64_t address, uint64_t *value)
{
    unsigned char raw[8];
    if (tare__image_memory(image, address, raw, sizeof raw) != sizeof raw) {
        return false;
    }
    *value = load_64(raw);
    return true;
}

enum relocation_kind { NOT_A_POINTER, TO_ADDRESS, TO_SYMBOL };

static enum relocation_kind relocation_kind(uint16_t machine, uint64_t type)
{
    switch (machine) {
    case EM_X86_64:
        return type == R_X86_64_RELATIVE ? TO_ADDRESS : type == R_X86_64_64 ? TO_SYMBOL : NOT_A_POINTER;
    case EM_AARCH64:
        return type == R_AARCH64_RELATIVE ? TO_ADDRESS : type == R_AARCH64_ABS64 ? TO_SYMBOL : NOT_A_POINTER;
    default:
        return NOT_A_POINTER;
    }
}

/*
 * Adds one entry of a table with (SHT_RELA) or without (SHT_REL) addends, if it makes a pointer. -E2BIG: too
 * many.
 */
static int add_relocation(struct tare__image *image, const GElf_Rela *rela, bool has_addend, Elf_Data *symbols,
                          size_t *room)
{
    enum relocation_kind kind = relocation_kind(image->header.e_machine, GELF_R_TYPE(rela->r_info));
    if (kind == NOT_A_POINTER) {
        return 0;
    }
    if (image->relocation_count == *room) {
        if (*room >= RELOCATIONS_MAX) {
            return -E2BIG;
        }
        size_t larger = *room == 0 ? 256 : *room * 2;
        struct tare__relocation *grown = realloc(image->relocations, larger * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        image->relocations = grown;
        *room = larger;
    }
    struct tare__relocation one = {.where = rela->r_offset, .value = (uint64_t)rela->r_addend, .known = true};
    if (!has_addend) {
        one.known = read_in_place(image, one.where, &one.value);
    }
    if (kind == TO_SYMBOL) {
        GElf_Sym symbol;
        if (GELF_R_SYM(rela->r_info) <= INT32_MAX && symbols != NULL &&
            gelf_getsym(symbols, (int)GELF_R_SYM(rela->r_info), &symbol) != NULL &&
            symbol.st_shndx != SHN_UNDEF) {
            one.value += symbol.st_value;
        } else {
            one.known = false;
        }
    }
    image->relocations[image->relocation_count++] = one;
    return 0;
}

static int compare_relocations(const void *a, const void *b)
{
    uint64_t left = ((const struct tare__relocation *)a)->where;
    uint64_t right = ((const struct tare__relocation *)b)->where;
    return (left > right) - (left < right);
}

/* Collects the relocations that the dynamic linker, or a static PIE's start, will apply. */
static int read_relocations(struct tare__image *image)
{
    size_t room = 0;
    uint64_t looked_at = 0;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(image->elf, section)) != NULL;) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL || (header.sh_flags & SHF_ALLOC) == 0 ||
            (header.sh_type != SHT_RELA && header.sh_type != SHT_REL)) {
            continue;
        }
        Elf_Data *data = elf_getdata(section, NULL);
        if (data == NULL) {
            return -EINVAL;
        }
        bool has_addend = header.sh_type == SHT_RELA;
        Elf_Data *symbols = tare__image_section(image, header.sh_link);
        for (int i = 0;; i++) {
            GElf_Rela rela = {.r_addend = 0};
            GElf_Rel rel;
            if (has_addend ? gelf_getrela(data, i, &rela) == NULL : gelf_getrel(data, i, &rel) == NULL) {
                break;
            }
            if (++looked_at > RELOCATIONS_MAX) { /* many sections can name the same bytes */
                return -E2BIG;
            }
            if (!has_addend) {
                rela.r_offset = rel.r_offset;
                rela.r_info = rel.r_info;
            }
            int result = add_relocation(image, &rela, has_addend, symbols, &room);
            if (result != 0) {
                return result;
            }
        }
    }
    if (image->relocation_count > 0) {
        qsort(image->relocations, image->relocation_count, sizeof *image->relocations, compare_relocations);
    }
    return 0;
}

/*
 * The pointer at an address, as it will be. False: it lies outside of the file, or is not known before loading.
 */
static bool read_pointer(const struct tare__image *image, uint64_t address, uint64_t *value)
{
    struct tare__relocation key = {.where = address};
    const struct tare__relocation *found = NULL;
    if (image->relocation_count > 0) {
        found = bsearch(&key, image->relocations, image->relocation_count, sizeof key, compare_relocations);
    }
    if (found != NULL) {
        *value = found->value;
        return found->known;
    }
    return read_in_place(image, address, value);
}

/* A copy of at most `max` bytes, not cut within a UTF-8 sequence, fit for a terminal. NULL without memory. */
static char *copy_name(const char *text, size_t max)
{
    size_t length = strlen(text);
    if (length > max) {
        length = max;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    char *copy = strndup(text, length);
    if (copy != NULL) {
        tare__clean_text(copy);
    }
    return copy;
}

/*
 * The same name that the runtime derives: the last part of the path, without what follows the last dot. In
 * place.
 */
static const char *stem(char *path)
{
    char *slash = strrchr(path, '/');
    char *base = slash != NULL ? slash + 1 : path;
    char *dot = strrchr(base, '.');
    if (dot != NULL && dot != base) {
        *dot = '\0';
    }
    return base;
}

/* Reads the string to which the pointer at `address` points; a pointer that is NULL gives "". */
static bool read_text(const struct tare__image *image, uint64_t address, char text[TARE__TEXT_MAX])
{
    uint64_t at;
    text[0] = '\0';
    return read_pointer(image, address, &at) && (at == 0 || tare__image_string(image, at, text) >= 0);
}

/* What an instrument has that is no timer; of a timer, nothing. Returns 0, -EINVAL or -ENOMEM. */
static int read_instrument(const struct tare__image *image, uint64_t address, struct tare_elf_timer *timer)
{
    static const size_t places[] = {INSTRUMENT_UNIT, INSTRUMENT_LABELS, INSTRUMENT_HELP};
    char **const members[] = {&timer->unit, &timer->labels, &timer->help};
    for (size_t i = 0; i < 3; i++) {
        char text[TARE__TEXT_MAX] = "";
        if (timer->kind != TARE_KIND_TIMER && !read_text(image, address + places[i], text)) {
            return -EINVAL;
        }
        *members[i] = copy_name(text, sizeof text);
        if (*members[i] == NULL) {
            return -ENOMEM;
        }
    }
    if (timer->kind == TARE_KIND_TOPK || timer->kind == TARE_KIND_FRAMES) {
        unsigned char raw[4];
        if (tare__image_memory(image, address + INSTRUMENT_NUMBER, raw, sizeof raw) != sizeof raw) {
            return -EINVAL;
        }
        timer->size = load_32(raw);
    }
    return 0;
}

/* Reads one struct tare_timer. Returns 1, 0 (of another version: left out), -EINVAL or -ENOMEM. */
static int read_timer(const struct tare__image *image, uint64_t address, struct tare_elf_timer *timer)
{
    unsigned char raw[TIMER_SIZE];
    char text[TARE__TEXT_MAX];
    char file[TARE__TEXT_MAX];
    uint64_t module;
    if (tare__image_memory(image, address, raw, sizeof raw) != sizeof raw) {
        return -EINVAL;
    }
    if (load_32(raw + TIMER_ABI) != TARE_ABI) {
        return 0;
    }
    timer->line = load_32(raw + TIMER_LINE);
    timer->kind = load_32(raw + TIMER_KIND);
    if (!read_text(image, address + TIMER_NAME, text) || !read_text(image, address + TIMER_FILE, file) ||
        !read_pointer(image, address + TIMER_MODULE, &module)) {
        return -EINVAL;
    }
    timer->name = copy_name(text, NAME_MAX_BYTES);
    timer->file = copy_name(file, sizeof file);
    if (timer->name == NULL || timer->file == NULL) {
        return -ENOMEM;
    }
    if (module != 0 && !read_text(image, module, text)) {
        return -EINVAL;
    }
    uint64_t module_name = 0;
    bool named = module != 0 && read_pointer(image, module, &module_name) && module_name != 0;
    timer->module = copy_name(named ? text : stem(file), NAME_MAX_BYTES);
    int failure = timer->module != NULL ? read_instrument(image, address, timer) : -ENOMEM;
    return failure != 0 ? failure : 1;
}

static int compare_lines(const void *a, const void *b)
{
    uint32_t left = ((const struct tare_elf_timer *)a)->line;
    uint32_t right = ((const struct tare_elf_timer *)b)->line;
    return (left > right) - (left < right);
}

/* Puts the timers of each source file in the order of its lines: gcc leaves them in reverse. */
static void sort_by_declaration(struct tare_elf_timer *timers, size_t count)
{
    for (size_t first = 0, end; first < count; first = end) {
        end = first + 1;
        while (end < count && strcmp(timers[end].file, timers[first].file) == 0) {
            end++;
        }
        qsort(timers + first, end - first, sizeof *timers, compare_lines);
    }
}

int tare__image_timers(struct tare__image *image, const char *path, struct tare_elf_timer **timers,
                       size_t *count, size_t *skipped, char *message, size_t size)
{
    *timers = NULL;
    *count = 0;
    *skipped = 0;
    GElf_Shdr header;
    if (!find_section(image, TIMERS_SECTION, &header)) {
        return 0;
    }
    uint64_t entries = header.sh_size / 8;
    if (header.sh_type == SHT_NOBITS || header.sh_size > image->size) {
        return tare__image_fail(-EINVAL, message, size, "'%s' is damaged: section '%s' lies outside of it",
                                path, TIMERS_SECTION);
    }
    if (entries > TIMERS_MAX) {
        return tare__image_fail(-EINVAL, message, size, "'%s' has more than %d timers", path, TIMERS_MAX);
    }
    int result = read_relocations(image);
    if (result != 0) {
        goto out;
    }
    *timers = calloc(entries > 0 ? entries : 1, sizeof **timers);
    if (*timers == NULL) {
        result = -ENOMEM;
        goto out;
    }
    for (uint64_t i = 0; i < entries; i++) {
        uint64_t address;
        if (!read_pointer(image, header.sh_addr + i * 8, &address)) {
            result = -EINVAL;
            goto out;
        }
        if (address == 0) { /* padding */
            continue;
        }
        struct tare_elf_timer *timer = &(*timers)[(*count)++];
        result = read_timer(image, address, timer);
        if (result < 0) {
            goto out;
        }
        if (result == 0) {
            (*count)--;
            (*skipped)++;
        }
    }
    sort_by_declaration(*timers, *count);
    result = 0;
out:
    if (result == -EINVAL) {
        tare__image_fail(0, message, size, "'%s' is damaged: a timer points outside of it", path);
    } else if (result == -E2BIG) {
        result = tare__image_fail(-EINVAL, message, size, "'%s' has more than %d relocations", path,
                                  RELOCATIONS_MAX);
    } else if (result == -ENOMEM) {
        tare__image_fail(0, message, size, "not enough memory to read '%s'", path);
    }
    return result;
}

#else

typedef int tare__timers_need_libelf; /* a file must not be empty */

#endif
