/* SPDX-License-Identifier: MIT */
/*
 * Reads from debug info what its translation units say about themselves: DWARF version, whether types are
 * described, and what the compiler noted of its flags (DW_AT_producer). That is the first entry of each unit
 * and nothing below, after "DWARF Debugging Information Format", versions 2 to 5, chapter 7:
 *
 *     .debug_info    unit: length, version, type (5), abbreviations' offset, address size   then entries:
 *                    abbreviation's number, values of its attributes
 *     .debug_abbrev  at that offset: number, tag, has children, pairs of attribute and form, 0 0; ...; 0
 *
 * Variables and functions are described with their types where an abbreviation of the unit has the attribute
 * DW_AT_type: compilers put in what they use. With -g1 there is none, although base types may occur.
 *
 * A few bytes are read for each unit, so that the debug info of a large program need not be in memory; what
 * must be read again and again is bounded, so that a file made for it does not keep us busy.
 */
#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF

#include "record/binary_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/binary_cursor.h"
#include "record/clean.h"

enum {
    ABBREVIATIONS_MAX = 1 << 28, /* bytes of .debug_abbrev */
    SCAN_MAX = 1 << 28,          /* bytes of it that are looked at, some again and again */
    ENTRY_MAX = 8192,            /* bytes of a unit's first entry */
    TEXT_MAX = 8192,             /* a producer usually has 100 to 600 */
    COMPILER_MAX = 63,           /* shown of a compiler's name */
    WORDS_MAX = 400,             /* kept of its flags */
    FLAGS_KINDS_MAX = 32,        /* different ones are told apart; a distribution's libc has 4 */
    COMMAND_LINES_MAX = 1 << 24, /* bytes of .GCC.command.line */

    UT_COMPILE = 1,
    UT_PARTIAL = 3,
    UT_SKELETON = 4,
    UT_SPLIT_COMPILE = 5,

    TAG_COMPILE_UNIT = 0x11,
    TAG_SKELETON_UNIT = 0x4a,

    AT_LANGUAGE = 0x13,
    AT_COMP_DIR = 0x1b,
    AT_PRODUCER = 0x25,
    AT_TYPE = 0x49,
    AT_STR_OFFSETS_BASE = 0x72,
    AT_DWO_NAME = 0x76,
    AT_GNU_DWO_NAME = 0x2130,

    FORM_STRING = 0x08,
    FORM_STRP = 0x0e,
    FORM_INDIRECT = 0x16,
    FORM_STRX = 0x1a,
    FORM_LINE_STRP = 0x1f,
    FORM_IMPLICIT_CONST = 0x21,
    FORM_STRX1 = 0x25,
    FORM_STRX4 = 0x28,
    FORM_GNU_STRP_ALT = 0x1f21,

    LANGUAGE_ASSEMBLER = 0x8001, /* DW_LANG_Mips_Assembler, which every assembler says */
};

/* The sections of one file, and what was found out so far. */
struct reading {
    const struct tare__file *file;
    struct tare_binary *binary;
    struct tare__section info, str, line_str, str_offsets;
    bool has_str, has_line_str, has_str_offsets;
    unsigned char *abbreviations;
    size_t abbreviations_size;
    uint64_t scanned;     /* bytes of abbreviations */
    uint64_t full_offset; /* of the abbreviations that were looked through last */
    bool full;            /* whether these have types; UINT64_MAX above: none yet */
    bool damaged;
    uint64_t shared_producers; /* in a file that several programs share (dwz) */
    size_t room;               /* of binary->flags */
};

struct unit {
    unsigned version, type;
    unsigned offset_size, address_size;
    uint64_t abbreviations; /* offset */
    uint64_t entry, next;   /* offsets in .debug_info */
};

/* Reads a unit's head. False: there is none at that offset. */
static bool read_unit(const struct reading *reading, uint64_t offset, struct unit *unit)
{
    unsigned char bytes[48];
    size_t got = tare__section_read(&reading->info, offset, bytes, sizeof bytes);
    struct tare__cursor cursor = {bytes, bytes + got, false};
    *unit = (struct unit){.offset_size = 4, .type = UT_COMPILE};
    uint64_t length = tare__take(&cursor, 4);
    if (length == 0xffffffff) {
        unit->offset_size = 8;
        length = tare__take(&cursor, 8);
    }
    uint64_t start = offset + (uint64_t)(cursor.at - bytes);
    unit->version = (unsigned)tare__take(&cursor, 2);
    if (unit->version >= 5) {
        unit->type = (unsigned)tare__take(&cursor, 1);
        unit->address_size = (unsigned)tare__take(&cursor, 1);
        unit->abbreviations = tare__take(&cursor, unit->offset_size);
        if (unit->type == UT_SKELETON || unit->type == UT_SPLIT_COMPILE) {
            tare__take(&cursor, 8);
        }
    } else {
        unit->abbreviations = tare__take(&cursor, unit->offset_size);
        unit->address_size = (unsigned)tare__take(&cursor, 1);
    }
    unit->entry = offset + (uint64_t)(cursor.at - bytes);
    if (cursor.bad || length > reading->info.size - start || unit->version < 2 || unit->version > 5) {
        return false;
    }
    unit->next = start + length;
    return true;
}

/* Passes over the attributes of an abbreviation. Returns whether one of them is a type. */
static bool pass_attributes(struct tare__cursor *cursor)
{
    bool typed = false;
    while (!cursor->bad) {
        uint64_t attribute = tare__take_leb128(cursor);
        uint64_t form = tare__take_leb128(cursor);
        if (form == FORM_IMPLICIT_CONST) {
            tare__take_leb128(cursor);
        }
        typed = typed || attribute == AT_TYPE;
        if (attribute == 0 && form == 0) {
            break;
        }
    }
    return typed;
}

/* Puts the cursor behind the number of the abbreviation that is looked for: at its tag. */
static bool find_abbreviation(struct reading *reading, uint64_t offset, uint64_t number,
                              struct tare__cursor *cursor)
{
    if (offset >= reading->abbreviations_size) {
        return false;
    }
    *cursor = (struct tare__cursor){reading->abbreviations + offset,
                                    reading->abbreviations + reading->abbreviations_size, false};
    while (!cursor->bad && reading->scanned < SCAN_MAX) {
        const unsigned char *before = cursor->at;
        uint64_t found = tare__take_leb128(cursor);
        if (found == number) {
            return !cursor->bad && found != 0;
        }
        if (found == 0) {
            return false;
        }
        tare__take_leb128(cursor);
        tare__take(cursor, 1);
        pass_attributes(cursor);
        reading->scanned += (uint64_t)(cursor->at - before);
    }
    return false;
}

/* Whether one of the abbreviations at an offset has a type. */
static bool describes_types(struct reading *reading, uint64_t offset)
{
    if (reading->full_offset == offset) {
        return reading->full;
    }
    reading->full_offset = offset;
    reading->full = false;
    if (offset >= reading->abbreviations_size) {
        return false;
    }
    struct tare__cursor cursor = {reading->abbreviations + offset,
                                  reading->abbreviations + reading->abbreviations_size, false};
    while (!cursor.bad && reading->scanned < SCAN_MAX && !reading->full && tare__take_leb128(&cursor) != 0) {
        const unsigned char *before = cursor.at;
        tare__take_leb128(&cursor); /* tag */
        tare__take(&cursor, 1);
        reading->full = pass_attributes(&cursor);
        reading->scanned += (uint64_t)(cursor.at - before);
    }
    return reading->full;
}

/*
 * Takes the value of a form that is a number, an offset or an index; of what is longer, the value means nothing
 * and it is passed over. A form that is not known makes the cursor bad.
 */
static uint64_t take_form(struct tare__cursor *cursor, const struct unit *unit, uint64_t form)
{
    switch (form) {
    case 0x19: /* flag_present */
        return 1;
    case 0x0b: /* data1 */
    case 0x0c: /* flag */
    case 0x11: /* ref1 */
    case 0x25: /* strx1 */
    case 0x29: /* addrx1 */
        return tare__take(cursor, 1);
    case 0x05: /* data2 */
    case 0x12: /* ref2 */
    case 0x26: /* strx2 */
    case 0x2a: /* addrx2 */
        return tare__take(cursor, 2);
    case 0x27: /* strx3 */
    case 0x2b: /* addrx3 */
        return tare__take(cursor, 3);
    case 0x06: /* data4 */
    case 0x13: /* ref4 */
    case 0x1c: /* ref_sup4 */
    case 0x28: /* strx4 */
    case 0x2c: /* addrx4 */
        return tare__take(cursor, 4);
    case 0x07: /* data8 */
    case 0x14: /* ref8 */
    case 0x20: /* ref_sig8 */
    case 0x24: /* ref_sup8 */
        return tare__take(cursor, 8);
    case 0x1e: /* data16 */
        return tare__take(cursor, 16);
    case 0x01: /* addr */
        return tare__take(cursor, unit->address_size);
    case 0x10: /* ref_addr */
        return tare__take(cursor, unit->version == 2 ? unit->address_size : unit->offset_size);
    case 0x0e:   /* strp */
    case 0x17:   /* sec_offset */
    case 0x1d:   /* strp_sup */
    case 0x1f:   /* line_strp */
    case 0x1f20: /* GNU_ref_alt */
    case 0x1f21: /* GNU_strp_alt */
        return tare__take(cursor, unit->offset_size);
    case 0x0d:   /* sdata */
    case 0x0f:   /* udata */
    case 0x15:   /* ref_udata */
    case 0x1a:   /* strx */
    case 0x1b:   /* addrx */
    case 0x22:   /* loclistx */
    case 0x23:   /* rnglistx */
    case 0x1f01: /* GNU_addr_index */
    case 0x1f02: /* GNU_str_index */
        return tare__take_leb128(cursor);
    case 0x0a: /* block1 */
        tare__skip(cursor, tare__take(cursor, 1));
        return 0;
    case 0x03: /* block2 */
        tare__skip(cursor, tare__take(cursor, 2));
        return 0;
    case 0x04: /* block4 */
        tare__skip(cursor, tare__take(cursor, 4));
        return 0;
    case 0x09: /* block */
    case 0x18: /* exprloc */
        tare__skip(cursor, tare__take_leb128(cursor));
        return 0;
    case FORM_STRING: {
        const unsigned char *end = memchr(cursor->at, '\0', (size_t)(cursor->end - cursor->at));
        tare__skip(cursor, end != NULL ? (uint64_t)(end - cursor->at) + 1 : UINT64_MAX);
        return 0;
    }
    default:
        cursor->bad = true;
        return 0;
    }
}

/* An attribute whose value is a string. */
struct text_value {
    uint64_t form;  /* 0: there is none */
    uint64_t value; /* with FORM_STRING the place in the entry's bytes */
};

/* What the first entry of a unit says. */
struct entry {
    uint64_t tag;
    uint64_t language;
    struct text_value producer, directory, split_name;
    uint64_t str_offsets_base; /* UINT64_MAX: not said */
    const unsigned char *bytes;
    size_t size;
};

static bool read_entry(struct reading *reading, const struct unit *unit, const unsigned char *bytes,
                       size_t size, struct entry *entry)
{
    struct tare__cursor values = {bytes, bytes + size, false};
    struct tare__cursor declaration;
    *entry = (struct entry){.str_offsets_base = UINT64_MAX, .bytes = bytes, .size = size};
    uint64_t number = tare__take_leb128(&values);
    if (values.bad || !find_abbreviation(reading, unit->abbreviations, number, &declaration)) {
        return false;
    }
    entry->tag = tare__take_leb128(&declaration);
    tare__take(&declaration, 1);
    while (!declaration.bad) {
        uint64_t attribute = tare__take_leb128(&declaration);
        uint64_t form = tare__take_leb128(&declaration);
        if (attribute == 0 && form == 0) {
            break;
        }
        uint64_t constant = form == FORM_IMPLICIT_CONST ? tare__take_leb128(&declaration) : 0;
        if (form == FORM_INDIRECT) {
            form = tare__take_leb128(&values);
        }
        uint64_t place = (uint64_t)(values.at - bytes);
        uint64_t value = form == FORM_IMPLICIT_CONST ? constant : take_form(&values, unit, form);
        if (values.bad) {
            return false;
        }
        const struct text_value text = {form, form == FORM_STRING ? place : value};
        switch (attribute) {
        case AT_PRODUCER:
            entry->producer = text;
            break;
        case AT_COMP_DIR:
            entry->directory = text;
            break;
        case AT_DWO_NAME:
        case AT_GNU_DWO_NAME:
            entry->split_name = text;
            break;
        case AT_LANGUAGE:
            entry->language = value;
            break;
        case AT_STR_OFFSETS_BASE:
            entry->str_offsets_base = value;
            break;
        default:
            break;
        }
    }
    return !declaration.bad;
}

/* Copies the string at an offset; one that is too long is cut. */
static bool string_in(const struct tare__section *section, bool exists, uint64_t offset, char text[TEXT_MAX])
{
    size_t got = exists ? tare__section_read(section, offset, text, TEXT_MAX - 1) : 0;
    text[got] = '\0';
    return got > 0;
}

/* Copies the text of an attribute. False: there is none that can be read. */
static bool text_of(const struct reading *reading, const struct unit *unit, const struct entry *entry,
                    struct text_value from, char text[TEXT_MAX])
{
    if (from.form == FORM_STRING) {
        snprintf(text, TEXT_MAX, "%s", (const char *)entry->bytes + from.value); /* take_form() saw its end */
        return true;
    }
    if (from.form == FORM_STRP) {
        return string_in(&reading->str, reading->has_str, from.value, text);
    }
    if (from.form == FORM_LINE_STRP) {
        return string_in(&reading->line_str, reading->has_line_str, from.value, text);
    }
    if (from.form == FORM_STRX || (from.form >= FORM_STRX1 && from.form <= FORM_STRX4)) {
        /* An index into a table of offsets; without a base the table begins behind its head. */
        unsigned char raw[8];
        uint64_t base = entry->str_offsets_base != UINT64_MAX ? entry->str_offsets_base : unit->offset_size * 2;
        uint64_t place;
        if (!reading->has_str_offsets || __builtin_mul_overflow(from.value, unit->offset_size, &place) ||
            __builtin_add_overflow(place, base, &place) ||
            tare__section_read(&reading->str_offsets, place, raw, unit->offset_size) != unit->offset_size) {
            return false;
        }
        struct tare__cursor cursor = {raw, raw + unit->offset_size, false};
        return string_in(&reading->str, reading->has_str, tare__take(&cursor, unit->offset_size), text);
    }
    return false;
}

/* Whether the .dwo file that has the better part of a unit is where the unit says. */
static bool split_file_exists(const struct reading *reading, const struct unit *unit, const struct entry *entry)
{
    char name[TEXT_MAX];
    char directory[TEXT_MAX];
    char *path = NULL;
    if (!text_of(reading, unit, entry, entry->split_name, name)) {
        return false;
    }
    if (name[0] == '/') {
        return access(name, R_OK) == 0;
    }
    bool found = text_of(reading, unit, entry, entry->directory, directory) &&
                 asprintf(&path, "%s/%s", directory, name) >= 0 && access(path, R_OK) == 0;
    free(path);
    return found;
}

/* What a producer's text, or a recorded command line, says. */
struct parsed {
    char compiler[COMPILER_MAX + 1];
    char optimisation[16]; /* "": flags were not recorded */
    int frame_pointer;
    char words[WORDS_MAX + 1]; /* that a build is chosen by */
};

/* -O, -O0 to -O9, -Os, -Oz, -Og, -Ofast, but not -ObjC. */
static bool is_optimisation(const char *word, size_t length)
{
    return strncmp(word, "-O", 2) == 0 &&
           (length == 2 || (length == 3 && strchr("0123456789szg", word[2]) != NULL) ||
            (length == 6 && strncmp(word, "-Ofast", 6) == 0));
}

/* Of -march=native, gcc has some hundred more written down (-mavx2, -mno-sse4a): which processor it is tells as much. */
static bool is_chosen(const char *word, size_t length)
{
    static const char *const begins[] = {"-march=", "-mtune=", "-mcpu=", "-g", "-f"};
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        if (strncmp(word, begins[i], strlen(begins[i])) == 0) {
            return true;
        }
    }
    return is_optimisation(word, length);
}

/* All of it or, where it is too long, nothing. */
static void add_word(struct parsed *parsed, const char *word, size_t length)
{
    size_t used = strlen(parsed->words);
    if (used + 1 + length <= WORDS_MAX) {
        snprintf(parsed->words + used, sizeof parsed->words - used, "%s%.*s", used != 0 ? " " : "", (int)length,
                 word);
    }
}

/* The compiler's name is what stands before the first flag; a path in it is the command, not the name. */
static void parse_producer(const char *text, struct parsed *parsed)
{
    *parsed = (struct parsed){.frame_pointer = -1};
    bool any_flag = false;
    size_t name_length = SIZE_MAX;
    for (const char *at = text; *at != '\0';) {
        size_t blank = strspn(at, " ");
        const char *word = at + blank;
        size_t length = strcspn(word, " ");
        if ((word[0] == '-' || word[0] == '/') && length > 1 && name_length == SIZE_MAX) {
            name_length = (size_t)(at - text);
        }
        any_flag = any_flag || (word[0] == '-' && length > 1);
        if (is_chosen(word, length)) {
            add_word(parsed, word, length);
        }
        if (is_optimisation(word, length)) {
            snprintf(parsed->optimisation, sizeof parsed->optimisation, "%.*s", (int)length, word);
        } else if (length == 23 && strncmp(word, "-fno-omit-frame-pointer", length) == 0) {
            parsed->frame_pointer = 1;
        } else if (length == 20 && strncmp(word, "-fomit-frame-pointer", length) == 0) {
            parsed->frame_pointer = 0;
        }
        at = word + length;
    }
    if (any_flag && parsed->optimisation[0] == '\0') {
        snprintf(parsed->optimisation, sizeof parsed->optimisation, "-O0"); /* what compilers do unasked */
    } else if (strcmp(parsed->optimisation, "-O") == 0) {
        snprintf(parsed->optimisation, sizeof parsed->optimisation, "-O1");
    }
    if (name_length == 0) { /* a command line alone */
        name_length = strcspn(text, " ");
        const char *slash = memrchr(text, '/', name_length);
        name_length -= slash != NULL ? (size_t)(slash + 1 - text) : 0;
        text = slash != NULL ? slash + 1 : text;
    }
    if (name_length > COMPILER_MAX) {
        name_length = COMPILER_MAX;
    }
    snprintf(parsed->compiler, sizeof parsed->compiler, "%.*s", (int)name_length, text);
    tare__clean_text(parsed->compiler);
    tare__clean_text(parsed->optimisation);
    tare__clean_text(parsed->words);
}

/* Counts a unit of these flags. Returns 0 or -ENOMEM. */
static int count_flags(struct tare_binary *binary, const struct parsed *parsed, size_t *room)
{
    if (parsed->optimisation[0] == '\0') {
        binary->units_without_flags++;
    }
    for (size_t i = 0; i < binary->flags_count; i++) {
        struct tare_flags *one = &binary->flags[i];
        const char *optimisation = one->optimisation != NULL ? one->optimisation : "";
        if (one->frame_pointer == parsed->frame_pointer && strcmp(optimisation, parsed->optimisation) == 0 &&
            strcmp(one->compiler, parsed->compiler) == 0) {
            one->units++;
            return 0;
        }
    }
    if (binary->flags_count == FLAGS_KINDS_MAX) { /* the rest is not told apart */
        binary->flags[FLAGS_KINDS_MAX - 1].units++;
        return 0;
    }
    if (binary->flags_count == *room) {
        *room = *room == 0 ? 8 : *room * 2;
        struct tare_flags *grown = realloc(binary->flags, *room * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        binary->flags = grown;
    }
    struct tare_flags one = {.compiler = strdup(parsed->compiler),
                             .optimisation =
                                 parsed->optimisation[0] != '\0' ? strdup(parsed->optimisation) : NULL,
                             .frame_pointer = parsed->frame_pointer,
                             .words = parsed->words[0] != '\0' ? strdup(parsed->words) : NULL,
                             .units = 1};
    if (one.compiler == NULL || (parsed->optimisation[0] != '\0' && one.optimisation == NULL) ||
        (parsed->words[0] != '\0' && one.words == NULL)) {
        free(one.compiler);
        free(one.optimisation);
        free(one.words);
        return -ENOMEM;
    }
    binary->flags[binary->flags_count++] = one;
    return 0;
}

static int compare_flags(const void *a, const void *b)
{
    uint64_t left = ((const struct tare_flags *)a)->units;
    uint64_t right = ((const struct tare_flags *)b)->units;
    return (left < right) - (left > right);
}

/* One unit with its first entry. Returns 0 or -ENOMEM. */
static int take_unit(struct reading *reading, const struct unit *unit)
{
    struct tare_debug_info *debug = &reading->binary->debug;
    unsigned char bytes[ENTRY_MAX];
    char producer[TEXT_MAX];
    struct entry entry;
    if (unit->type != UT_COMPILE && unit->type != UT_SKELETON && unit->type != UT_PARTIAL) {
        return 0;
    }
    uint64_t left = unit->next > unit->entry ? unit->next - unit->entry : 0;
    size_t got =
        tare__section_read(&reading->info, unit->entry, bytes, left < ENTRY_MAX ? (size_t)left : ENTRY_MAX);
    if (!read_entry(reading, unit, bytes, got, &entry)) {
        reading->damaged = true;
        return 0;
    }
    if (entry.tag != TAG_COMPILE_UNIT && entry.tag != TAG_SKELETON_UNIT) { /* what several units share */
        return 0;
    }
    debug->units++;
    debug->version_max = unit->version > debug->version_max ? unit->version : debug->version_max;
    if (debug->version_min == 0 || unit->version < debug->version_min) {
        debug->version_min = unit->version;
    }
    if (entry.language == LANGUAGE_ASSEMBLER) {
        reading->binary->assembler_units++;
        return 0;
    }
    if (entry.split_name.form != 0) {
        debug->split_units++;
        debug->split_missing += !split_file_exists(reading, unit, &entry);
    } else if (describes_types(reading, unit->abbreviations)) {
        debug->units_full++;
    }
    if (!text_of(reading, unit, &entry, entry.producer, producer)) {
        reading->shared_producers += entry.producer.form == FORM_GNU_STRP_ALT;
        reading->binary->units_without_flags++;
        return 0;
    }
    struct parsed parsed;
    parse_producer(producer, &parsed);
    return count_flags(reading->binary, &parsed, &reading->room);
}

/* Says what there is to say of damage. Returns 0 or -ENOMEM. */
static int conclude(const struct reading *reading)
{
    struct tare_debug_info *debug = &reading->binary->debug;
    const char *problem = reading->scanned >= SCAN_MAX ? "the debug info is too intricate to be read as a whole"
                          : reading->damaged           ? "part of the debug info was not understood"
                          : reading->shared_producers > 0
                              ? "the names of compilers are in a file that dwz made, "
                                "which is not read"
                              : NULL;
    if (problem != NULL) {
        free(debug->problem);
        debug->problem = strdup(problem);
        if (debug->problem == NULL) {
            return -ENOMEM;
        }
    }
    debug->level = debug->units_full > 0 || debug->split_units > 0 ? TARE_DEBUG_FULL
                   : debug->units > 0                              ? TARE_DEBUG_LINES
                                                                   : TARE_DEBUG_NONE;
    return 0;
}

int tare__dwarf_read(const struct tare__file *file, struct tare_binary *binary)
{
    struct reading reading = {.file = file, .binary = binary, .full_offset = UINT64_MAX};
    struct tare__section abbreviations;
    int result = 0;
    if (!tare__section_find(file, ".debug_info", &reading.info) ||
        !tare__section_find(file, ".debug_abbrev", &abbreviations)) {
        return 0;
    }
    binary->debug.compressed = reading.info.compressed;
    reading.has_str = tare__section_find(file, ".debug_str", &reading.str);
    reading.has_line_str = tare__section_find(file, ".debug_line_str", &reading.line_str);
    reading.has_str_offsets = tare__section_find(file, ".debug_str_offsets", &reading.str_offsets);
    reading.abbreviations = tare__section_copy(&abbreviations, ABBREVIATIONS_MAX);
    if (reading.abbreviations != NULL) {
        reading.abbreviations_size = (size_t)abbreviations.size;
    }
    struct unit unit;
    for (uint64_t offset = 0; result == 0 && offset < reading.info.size && reading.scanned < SCAN_MAX;
         offset = unit.next) {
        if (!read_unit(&reading, offset, &unit)) {
            reading.damaged = true;
            break;
        }
        result = take_unit(&reading, &unit);
    }
    free(reading.abbreviations);
    if (result == 0) {
        result = conclude(&reading);
    }
    if (binary->flags_count > 0) {
        qsort(binary->flags, binary->flags_count, sizeof *binary->flags, compare_flags);
    }
    binary->flags_from =
        binary->debug.units > binary->assembler_units ? TARE_FLAGS_DEBUG_INFO : TARE_FLAGS_NOWHERE;
    return result;
}

int tare__command_lines_read(const struct tare__file *file, struct tare_binary *binary)
{
    struct tare__section section;
    size_t room = 0;
    int result = 0;
    if (!tare__section_find(file, ".GCC.command.line", &section)) {
        return 0;
    }
    unsigned char *bytes = tare__section_copy(&section, COMMAND_LINES_MAX);
    for (size_t at = 0; bytes != NULL && at < section.size && result == 0;) {
        size_t length = strnlen((const char *)bytes + at, (size_t)section.size - at);
        if (at + length == section.size) { /* not ended */
            break;
        }
        /* gcc before 11 has each flag as a string of its own, of which nothing can be counted. */
        const char *line = (const char *)bytes + at;
        if (strchr(line, ' ') != NULL) {
            struct parsed parsed;
            parse_producer(line, &parsed);
            result = count_flags(binary, &parsed, &room);
        }
        at += length + 1;
    }
    free(bytes);
    if (binary->flags_count > 0) {
        binary->flags_from = TARE_FLAGS_COMMAND_LINE;
        qsort(binary->flags, binary->flags_count, sizeof *binary->flags, compare_flags);
    }
    return result;
}

#else

typedef int tare__binary_dwarf_needs_libelf; /* a file must not be empty */

#endif
