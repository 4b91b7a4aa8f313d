/* SPDX-License-Identifier: MIT */
/* Finds the functions of a file and has their machine code judged: record/code_judge.h has the rule. */
#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF

#include "record/binary_parts.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record/clean.h"
#include "record/code_judge.h"

enum {
    FUNCTIONS_MAX = 1 << 23, /* symbols of one file; a browser has 600,000 functions */
    CODE_MAX = 1 << 22,      /* bytes of one function; those of generated interpreters reach a few 100 KB */
    STORES_MIN = 10,         /* functions for a verdict on optimisation */
    ARANGES_MAX = 1 << 28,   /* bytes of .debug_aranges */
    VERSION_MAX = 32,
};

static int compare_functions(const void *a, const void *b)
{
    const struct tare__function *left = a;
    const struct tare__function *right = b;
    if (left->address != right->address) {
        return left->address < right->address ? -1 : 1;
    }
    return (left->size < right->size) - (left->size > right->size); /* the longest first: it is kept */
}

void tare__functions_order(struct tare__functions *functions)
{
    if (functions->count == 0) {
        return;
    }
    qsort(functions->list, functions->count, sizeof *functions->list, compare_functions);
    size_t kept = 0;
    for (size_t i = 0; i < functions->count; i++) {
        const struct tare__function *one = &functions->list[i];
        struct tare__function *last = kept > 0 ? &functions->list[kept - 1] : NULL;
        if (last != NULL && one->address == last->address) {
            continue;
        }
        if (last != NULL && last->size > one->address - last->address) {
            last->size = one->address - last->address;
        }
        functions->list[kept++] = *one;
    }
    functions->count = kept;
}

/* What crt1.o, crti.o and crtbegin.o, of glibc and musl, bring into every program: nobody's choice of flags. */
static bool is_start_up_code(const char *name)
{
    static const char *const names[] = {
        "_start",          "_start_c",        "call_weak_fn",          "_init",
        "_fini",           "frame_dummy",     "__do_global_dtors_aux", "register_tm_clones",
        "__libc_csu_init", "__libc_csu_fini", "deregister_tm_clones",  "_dl_relocate_static_pie",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The rarely executed rest of a function, "f.cold" or "f.cold.1": it finds the frame made. */
static bool is_part(const char *name)
{
    const char *cold = strstr(name, ".cold");
    return cold != NULL && (cold[5] == '\0' || cold[5] == '.');
}

/* The string at an offset of a string table; "" if it does not end within. */
static const char *string_at(const Elf_Data *table, uint64_t offset)
{
    if (table == NULL || table->d_buf == NULL || offset >= table->d_size) {
        return "";
    }
    const char *text = (const char *)table->d_buf + offset;
    return memchr(text, '\0', table->d_size - offset) != NULL ? text : "";
}

static Elf_Scn *find_table(const struct tare__file *file, uint32_t type, GElf_Shdr *header)
{
    for (Elf_Scn *section = NULL; (section = elf_nextscn(file->elf, section)) != NULL;) {
        if (gelf_getshdr(section, header) != NULL && header->sh_type == type) {
            return section;
        }
    }
    return NULL;
}

int tare__functions_read(const struct tare__file *file, uint32_t type, struct tare__functions *functions,
                         bool *has_table)
{
    GElf_Shdr header;
    Elf_Scn *section = find_table(file, type, &header);
    Elf_Data *symbols = section != NULL ? elf_getdata(section, NULL) : NULL;
    Elf_Scn *names_section = symbols != NULL ? elf_getscn(file->elf, header.sh_link) : NULL;
    Elf_Data *names = names_section != NULL ? elf_getdata(names_section, NULL) : NULL;
    *has_table = symbols != NULL && symbols->d_size > sizeof(Elf64_Sym);
    functions->from = type == SHT_SYMTAB ? TARE_FUNCTIONS_SYMBOLS : TARE_FUNCTIONS_EXPORTED;
    GElf_Sym symbol;
    size_t room = 0;
    for (int i = 0; *has_table && i < FUNCTIONS_MAX && gelf_getsym(symbols, i, &symbol) != NULL; i++) {
        int kind = GELF_ST_TYPE(symbol.st_info);
        if ((kind != STT_FUNC && kind != STT_GNU_IFUNC) || symbol.st_shndx == SHN_UNDEF ||
            symbol.st_size == 0) {
            continue;
        }
        const char *name = string_at(names, symbol.st_name);
        if (is_start_up_code(name)) {
            continue;
        }
        if (functions->count == room) {
            room = room == 0 ? 256 : room * 2;
            struct tare__function *grown = realloc(functions->list, room * sizeof *grown);
            if (grown == NULL) {
                return -ENOMEM;
            }
            functions->list = grown;
        }
        functions->list[functions->count++] =
            (struct tare__function){symbol.st_value, symbol.st_size, is_part(name)};
    }
    tare__functions_order(functions);
    return 0;
}

/* Executable bytes of the file. */
struct code_map {
    GElf_Phdr segments[TARE__SEGMENTS_MAX];
    size_t count;
};

static void map_code(const struct tare__image *image, struct code_map *map)
{
    size_t count;
    GElf_Phdr one;
    map->count = 0;
    for (size_t i = 0; elf_getphdrnum(image->elf, &count) == 0 && i < count && i < INT32_MAX; i++) {
        if (gelf_getphdr(image->elf, (int)i, &one) != NULL && one.p_type == PT_LOAD &&
            (one.p_flags & PF_X) != 0 && map->count < TARE__SEGMENTS_MAX) {
            map->segments[map->count++] = one;
        }
    }
}

/* Bytes of the function, all of which must be in the file and executable; 0: they are not. */
static size_t code_size(const struct code_map *map, const struct tare__function *function)
{
    for (size_t i = 0; i < map->count; i++) {
        const GElf_Phdr *segment = &map->segments[i];
        uint64_t within = function->address - segment->p_vaddr;
        if (function->address >= segment->p_vaddr && within < segment->p_filesz) {
            return function->size <= segment->p_filesz - within && function->size <= CODE_MAX
                       ? (size_t)function->size
                       : 0;
        }
    }
    return 0;
}

static void count_one(const struct tare__code *code, struct tare_frame_pointers *frames, uint64_t *storing)
{
    frames->functions++;
    switch (code->frame) {
    case TARE__FRAME_KEPT:
        /* A leaf that has a frame is no more needed than one without, but tells as much of the flags. */
        frames->kept_count++;
        *storing += code->stores_arguments;
        break;
    case TARE__FRAME_MISSING:
        frames->missing++;
        break;
    case TARE__FRAME_REUSED:
        frames->reused++;
        break;
    case TARE__FRAME_LEAF:
        frames->leaves++;
        break;
    case TARE__FRAME_UNKNOWN:
    default:
        frames->unread++;
        break;
    }
}

int tare__frames_judge(const struct tare__image *image, const struct tare__functions *functions,
                       struct tare_frame_pointers *frames)
{
    unsigned char *code = NULL;
    size_t room = 0;
    uint64_t storing = 0;
    *frames = (struct tare_frame_pointers){.from = functions->from, .stores_arguments = NAN};
    if (functions->count == 0) {
        frames->from = TARE_FUNCTIONS_NONE;
        return 0;
    }
    struct code_map map;
    map_code(image, &map);
    for (size_t i = 0; i < functions->count; i++) {
        const struct tare__function *one = &functions->list[i];
        if (one->is_part || one->address == image->header.e_entry) { /* the outermost frame, by its own will */
            continue;
        }
        size_t size = code_size(&map, one);
        if (size > room) {
            free(code);
            room = size * 2;
            code = malloc(room);
            if (code == NULL) {
                return -ENOMEM;
            }
        }
        struct tare__code facts = {.frame = TARE__FRAME_UNKNOWN};
        if (size > 0 && tare__image_memory(image, one->address, code, size) == size) {
            facts = tare__code_judge(image->header.e_machine, code, size);
        }
        count_one(&facts, frames, &storing);
    }
    free(code);
    frames->counted = frames->kept_count + frames->missing + frames->reused;
    if (frames->counted > 0) {
        double share = (double)frames->kept_count / (double)frames->counted;
        frames->kept = share >= TARE_KEPT_YES_FROM   ? TARE_KEPT_YES
                       : share <= TARE_KEPT_NO_UP_TO ? TARE_KEPT_NO
                                                     : TARE_KEPT_MIXED;
    }
    if (frames->kept_count > 0) {
        frames->stores_arguments = (double)storing / (double)frames->kept_count;
        frames->looks_unoptimised = frames->kept_count >= STORES_MIN && frames->stores_arguments >= 0.5;
    }
    return 0;
}

static bool in_ranges(const struct tare__functions *ranges, uint64_t address)
{
    size_t low = 0;
    size_t high = ranges->count;
    while (low < high) { /* to the last that begins at or below the address */
        size_t middle = low + (high - low) / 2;
        if (ranges->list[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && address - ranges->list[low - 1].address < ranges->list[low - 1].size;
}

struct tare_coverage tare__coverage(const struct tare__file *file, const struct tare__functions *functions,
                                    const struct tare__functions *ranges)
{
    struct tare_coverage coverage = {.share = NAN};
    uint64_t covered = 0;
    if (functions->from == TARE_FUNCTIONS_SYMBOLS && functions->count > 0) {
        for (size_t i = 0; i < functions->count; i++) {
            covered += in_ranges(ranges, functions->list[i].address);
        }
        coverage.of_functions = true;
        coverage.missed = functions->count - covered;
        coverage.share = (double)covered / (double)functions->count;
        return coverage;
    }
    struct tare__section text;
    if (!tare__section_find(file, ".text", &text) || text.size == 0) {
        return coverage;
    }
    for (size_t i = 0; i < ranges->count; i++) {
        uint64_t first = ranges->list[i].address;
        if (first >= text.address && first - text.address < text.size) {
            uint64_t left = text.size - (first - text.address);
            covered += ranges->list[i].size < left ? ranges->list[i].size : left;
        }
    }
    coverage.missed = text.size - covered;
    coverage.share = (double)covered / (double)text.size;
    return coverage;
}

/*
 * .debug_aranges (DWARF 5, section 6.1.2): for each unit a head of 12 bytes, or 24, then pairs of address and
 * length, aligned to their size, up to a pair of zeros.
 */
static int read_aranges(const unsigned char *bytes, size_t size, struct tare__functions *ranges)
{
    size_t room = 0;
    for (size_t at = 0; size - at >= 24;) {
        uint32_t length_32;
        uint64_t length;
        size_t head = 4;
        memcpy(&length_32, bytes + at, sizeof length_32);
        length = le32toh(length_32);
        if (length == 0xffffffff) {
            memcpy(&length, bytes + at + 4, sizeof length);
            length = le64toh(length);
            head = 12;
        }
        if (length < 20 || length > size - at - head) {
            break;
        }
        size_t end = at + head + (size_t)length;
        bool plain = bytes[at + (head == 4 ? 10 : 22)] == 8; /* size of an address */
        for (size_t pair = at + (head == 4 ? 16 : 32); plain && pair <= end && end - pair >= 16; pair += 16) {
            uint64_t values[2];
            memcpy(values, bytes + pair, sizeof values);
            if (values[1] == 0) {
                continue;
            }
            if (ranges->count == room) {
                room = room == 0 ? 256 : room * 2;
                struct tare__function *grown = realloc(ranges->list, room * sizeof *grown);
                if (grown == NULL) {
                    return -ENOMEM;
                }
                ranges->list = grown;
            }
            ranges->list[ranges->count++] =
                (struct tare__function){le64toh(values[0]), le64toh(values[1]), false};
        }
        at = end;
    }
    tare__functions_order(ranges);
    return 0;
}

int tare__debug_coverage(const struct tare__file *file, const struct tare__file *own,
                         struct tare_coverage *coverage)
{
    struct tare__section section;
    struct tare__functions ranges = {.from = TARE_FUNCTIONS_NONE};
    coverage->share = NAN;
    if (!tare__section_find(file, ".debug_aranges", &section)) {
        return 0;
    }
    unsigned char *bytes = tare__section_copy(&section, ARANGES_MAX);
    int result = bytes != NULL ? read_aranges(bytes, (size_t)section.size, &ranges) : 0;
    if (result == 0 && bytes != NULL) {
        *coverage = tare__coverage(own, &(struct tare__functions){0}, &ranges);
    }
    free(ranges.list);
    free(bytes);
    return result;
}

static bool find_symbol(const struct tare__file *file, uint32_t type, const char *name, GElf_Sym *symbol)
{
    GElf_Shdr header;
    Elf_Scn *section = find_table(file, type, &header);
    Elf_Data *symbols = section != NULL ? elf_getdata(section, NULL) : NULL;
    Elf_Scn *names_section = symbols != NULL ? elf_getscn(file->elf, header.sh_link) : NULL;
    Elf_Data *names = names_section != NULL ? elf_getdata(names_section, NULL) : NULL;
    for (int i = 0; symbols != NULL && gelf_getsym(symbols, i, symbol) != NULL; i++) {
        if (symbol->st_shndx != SHN_UNDEF && symbol->st_size > 0 &&
            strcmp(string_at(names, symbol->st_name), name) == 0) {
            return true;
        }
    }
    return false;
}

char *tare__returned_string(struct tare__image *image, const char *name)
{
    struct tare__file file = tare__file_of(image);
    GElf_Sym symbol;
    unsigned char code[64];
    char text[TARE__TEXT_MAX];
    uint64_t address;
    if (!find_symbol(&file, SHT_SYMTAB, name, &symbol) && !find_symbol(&file, SHT_DYNSYM, name, &symbol)) {
        return NULL;
    }
    size_t size = symbol.st_size < sizeof code ? (size_t)symbol.st_size : sizeof code;
    size = tare__image_memory(image, symbol.st_value, code, size);
    if (!tare__code_returns_address(image->header.e_machine, code, size, symbol.st_value, &address) ||
        tare__image_string(image, address, text) <= 0 || strlen(text) > VERSION_MAX) {
        return NULL;
    }
    tare__clean_text(text);
    return strdup(text);
}

#else

typedef int tare__binary_functions_need_libelf; /* a file must not be empty */

#endif
