/* SPDX-License-Identifier: MIT */
/*
 * Lines and inlined calls, as DWARF (2 to 5) has them, through libdw. A profile asks for thousands of
 * addresses of a few units, and libdw's own dwarf_getscopes() and dwarf_addrdie() go through the whole of a
 * unit, or of the file, for each. So the ranges of all units are listed once; and of a unit, when the first
 * address in it is asked for, all functions and all inlined calls are listed with their ranges, each with the
 * one around it:
 *
 *     main           [100, 200) [300, 320)      subprogram: a function with code of its own
 *       parse        [120, 180)                 inlined_subroutine: called at main.c:17
 *         next       [130, 140) [150, 160)      inlined_subroutine: called at parse.c:99
 *
 * cut so that each address belongs to the innermost one (tare__ranges_settle()), and all rows of its line
 * table. An address then costs three binary searches. Names are looked up when they are first needed.
 *
 * The better part of a unit may be in a .dwo file (split DWARF), and what several files share in another one,
 * which .gnu_debugaltlink names (dwz): libdw opens the former by itself. Numbers in the file bound neither
 * time nor memory: what a hostile file makes large beyond its own size is left out.
 */
#include "record/symbols_parts.h"

#if TARE__WITH_DWARF

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LEVELS_MAX = 200, /* of entries within entries; compilers make some 30 */
    /* Together, and no more than the file has bytes times PACKED, either, as which it may be packed. */
    RANGES_MAX = 16 << 20, /* of functions */
    ROWS_MAX = 64 << 20,   /* of line tables */
    PACKED = 8,
    PATH_BYTES = 4096,
    NAME_BYTES = 4096, /* of a function, with what is around it */
};

struct function {
    Dwarf_Die die;
    uint32_t caller; /* index of the function it is inlined into; UINT32_MAX: it is not inlined */
    bool read;       /* what follows is filled */
    const char *name;
    const char *call_file;
    uint32_t call_line;
    uint32_t line;
};

/* From an address on; up to the next row's. */
struct row {
    uint64_t address;
    const char *file;
    uint32_t line;
    bool end; /* nothing is known from here on */
};

/* A namespace, type or function, for the names of what is in it. */
struct scope {
    Dwarf_Die die;
    uint32_t outer; /* index; UINT32_MAX: none */
};

struct unit {
    Dwarf_Die die;
    bool split;  /* the skeleton of one in a .dwo file */
    bool listed; /* has ranges */
    bool made;   /* what follows is filled */
    struct function *functions;
    size_t function_count, function_room;
    struct tare__ranges ranges; /* value: index of the function */
    struct scope *scopes;       /* of languages that have such things */
    size_t scope_count, scope_room;
    struct tare__ranges
        places;       /* of entries in the debug information, in memory; value: index of their scope */
    struct row *rows; /* ascending */
    size_t row_count;
};

struct tare__lines {
    Dwarf *dwarf, *alternative;
    struct tare__strings *strings;
    int alternative_fd;
    const struct tare__ranges *code;
    char *directory; /* of the file */
    struct unit *units;
    size_t unit_count, unit_room;
    struct tare__ranges ranges; /* value: index of the unit */
    size_t ranges_left;         /* how many more may be kept */
    size_t rows_left;
};

/*
 * Adds what is code of the file, which what the linker has thrown away is not: it is at 0, 1 or the end of
 * memory.
 */
static int add_range(struct tare__lines *lines, struct tare__ranges *ranges, uint64_t low, uint64_t high,
                     uint64_t rank, uint32_t value)
{
    if (lines->ranges_left == 0) {
        return 0;
    }
    lines->ranges_left--; /* also for what is not kept: many entries of a hostile file can have one long list */
    if (low >= high || tare__ranges_find(lines->code, low) == NULL) {
        return 0;
    }
    return tare__ranges_add(ranges, low, high, rank, value);
}

/* The same for all of an entry. `any`: there was a range. */
static int add_ranges(struct tare__lines *lines, struct tare__ranges *ranges, Dwarf_Die *die, uint64_t rank,
                      uint32_t value, bool *any)
{
    Dwarf_Addr base = 0;
    Dwarf_Addr low = 0;
    Dwarf_Addr high = 0;
    *any = false;
    for (ptrdiff_t at = 0; lines->ranges_left > 0 && (at = dwarf_ranges(die, at, &base, &low, &high)) > 0;) {
        *any = true;
        if (add_range(lines, ranges, low, high, rank, value) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* ---- units ---- */

static int add_unit(struct tare__lines *lines, const Dwarf_Die *die, bool split)
{
    if (lines->unit_count == lines->unit_room) {
        size_t room = lines->unit_room == 0 ? 16 : lines->unit_room * 2;
        struct unit *units = reallocarray(lines->units, room, sizeof *units);
        if (units == NULL || room >= UINT32_MAX) {
            lines->units = units != NULL ? units : lines->units;
            return -ENOMEM;
        }
        lines->units = units;
        lines->unit_room = room;
    }
    lines->units[lines->unit_count++] = (struct unit){.die = *die, .split = split};
    return 0;
}

/* Some compilers leave it to .debug_aranges to say where a unit's code is. */
static int add_listed_elsewhere(struct tare__lines *lines)
{
    Dwarf_Aranges *list;
    size_t count;
    size_t unlisted = 0;
    for (size_t i = 0; i < lines->unit_count; i++) {
        unlisted += !lines->units[i].listed;
    }
    if (unlisted == 0 || dwarf_getaranges(lines->dwarf, &list, &count) != 0) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        Dwarf_Addr low;
        Dwarf_Word size;
        Dwarf_Off offset;
        if (dwarf_getarangeinfo(dwarf_onearange(list, i), &low, &size, &offset) != 0) {
            continue;
        }
        size_t first = 0;
        for (size_t end = lines->unit_count; first < end;) { /* units are in the order of their offsets */
            size_t middle = first + (end - first) / 2;
            if (dwarf_dieoffset(&lines->units[middle].die) < offset) {
                first = middle + 1;
            } else {
                end = middle;
            }
        }
        if (first < lines->unit_count && dwarf_dieoffset(&lines->units[first].die) == offset &&
            !lines->units[first].listed && size <= UINT64_MAX - low &&
            add_range(lines, &lines->ranges, low, low + size, UINT32_MAX - first, (uint32_t)first) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int list_units(struct tare__lines *lines)
{
    Dwarf_CU *unit = NULL;
    Dwarf_CU *next;
    uint8_t type;
    Dwarf_Die die;
    while (dwarf_get_units(lines->dwarf, unit, &next, NULL, &type, &die, NULL) == 0) {
        unit = next;
        if (type != DW_UT_compile && type != DW_UT_skeleton) {
            continue;
        }
        size_t index = lines->unit_count;
        if (add_unit(lines, &die, type == DW_UT_skeleton) != 0 ||
            add_ranges(lines, &lines->ranges, &die, UINT32_MAX - index, (uint32_t)index,
                       &lines->units[index].listed) != 0) {
            return -ENOMEM;
        }
    }
    return add_listed_elsewhere(lines) != 0 ? -ENOMEM : tare__ranges_settle(&lines->ranges);
}

/* ---- other files, in which parts of the debug information are ---- */

static void join(char path[PATH_BYTES], const char *directory, const char *name)
{
    int length = name[0] == '/' ? snprintf(path, PATH_BYTES, "%s", name)
                                : snprintf(path, PATH_BYTES, "%s/%s", directory, name);
    if (length < 0 || length >= PATH_BYTES) {
        path[0] = '\0';
    }
}

/* Something is there, and it is no regular file: it could keep who opens it waiting. */
static bool is_trap(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

/* libdw (0.188) does not look where the last string of these ends. */
static bool strings_end(Dwarf *dwarf)
{
    static const char *const sections[] = {".debug_str", ".debug_line_str", ".debug_str.dwo"};
    Elf *elf = dwarf_getelf(dwarf);
    size_t names;
    GElf_Shdr header;
    if (elf_getshdrstrndx(elf, &names) != 0) {
        return false;
    }
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
        const char *name =
            gelf_getshdr(section, &header) != NULL ? elf_strptr(elf, names, header.sh_name) : NULL;
        Elf_Data *data = name != NULL ? elf_rawdata(section, NULL) : NULL;
        for (size_t i = 0; data != NULL && data->d_buf != NULL && data->d_size > 0 && i < 3; i++) {
            /* ".zdebug_str" is the old name of one that is compressed. */
            bool same = strncmp(name, ".z", 2) == 0 ? strcmp(name + 2, sections[i] + 1) == 0
                                                    : strcmp(name, sections[i]) == 0;
            if (same && ((const char *)data->d_buf)[data->d_size - 1] != '\0') {
                return false;
            }
        }
    }
    return true;
}

/* Opens the file that .gnu_debugaltlink names, if there is one. False: do not have libdw look for it. */
static bool open_alternative(struct tare__lines *lines, const char *debug_directory)
{
    const char *name;
    const unsigned char *id;
    ssize_t id_size = dwelf_dwarf_gnu_debugaltlink(lines->dwarf, &name, (const void **)&id);
    char paths[2][PATH_BYTES];
    if (id_size <= 2 || id_size > 64) {
        return id_size <= 0;
    }
    char text[2 * 64 + 1];
    for (ssize_t i = 0; i < id_size; i++) {
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    }
    snprintf(paths[0], PATH_BYTES, "%s/.build-id/%.2s/%s.debug", debug_directory, text, text + 2);
    join(paths[1], lines->directory, name);
    for (int i = 0; i < 2; i++) {
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat status;
        Dwarf *dwarf = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)
                           ? dwarf_begin(fd, DWARF_C_READ)
                           : NULL;
        const void *found;
        if (dwarf != NULL && dwelf_elf_gnu_build_id(dwarf_getelf(dwarf), &found) == id_size &&
            memcmp(found, id, (size_t)id_size) == 0 && strings_end(dwarf)) {
            lines->alternative = dwarf;
            lines->alternative_fd = fd;
            dwarf_setalt(lines->dwarf, dwarf);
            return true;
        }
        if (dwarf != NULL) {
            dwarf_end(dwarf);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    return !is_trap(paths[1]);
}

/* Whether a string ends within the section of `dwarf` that it begins in. */
static bool ends(Dwarf *dwarf, const char *text)
{
    Elf *elf = dwarf_getelf(dwarf);
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
        Elf_Data *data = elf_rawdata(section, NULL);
        const char *begin = data != NULL ? data->d_buf : NULL;
        if (begin != NULL && text >= begin && text < begin + data->d_size) {
            return memchr(text, '\0', (size_t)(begin + data->d_size - text)) != NULL;
        }
    }
    return false;
}

/* NULL: there is none, or one that does not end, which libdw (0.188) does not look at. */
static const char *string_of(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    if (dwarf_attr_integrate(die, name, &attribute) == NULL) {
        return NULL;
    }
    const char *text = dwarf_formstring(&attribute);
    Dwarf *dwarf = dwarf_cu_getdwarf(attribute.cu);
    unsigned form = dwarf_whatform(&attribute);
    if (form == DW_FORM_GNU_strp_alt || form == DW_FORM_strp_sup) {
        dwarf = dwarf_getalt(dwarf);
    }
    return text != NULL && dwarf != NULL && ends(dwarf, text) ? text : NULL;
}

/* The root of what is to be listed: the unit in the .dwo file, if that can be had. False: nothing is. */
static bool find_root(const struct tare__lines *lines, struct unit *unit, Dwarf_Die *root)
{
    if (!unit->split) {
        *root = unit->die;
        return true;
    }
    const char *name = string_of(&unit->die, DW_AT_dwo_name);
    const char *folder = string_of(&unit->die, DW_AT_comp_dir);
    name = name != NULL ? name : string_of(&unit->die, DW_AT_GNU_dwo_name);
    if (name == NULL) {
        return false;
    }
    char path[PATH_BYTES];
    char beside[PATH_BYTES];
    join(path, lines->directory, name);
    bool trap = is_trap(path);
    if (folder != NULL) {
        join(beside, lines->directory, folder);
        join(path, beside, name);
        trap = trap || is_trap(path);
    }
    memset(root, 0, sizeof *root);
    return !trap && dwarf_cu_info(unit->die.cu, NULL, NULL, NULL, root, NULL, NULL, NULL) == 0 &&
           dwarf_tag(root) == DW_TAG_compile_unit && strings_end(dwarf_cu_getdwarf(root->cu));
}

/* ---- one unit ---- */

static uint32_t add_function(struct unit *unit, const Dwarf_Die *die, uint32_t caller)
{
    if (unit->function_count == unit->function_room) {
        size_t room = unit->function_room == 0 ? 64 : unit->function_room * 2;
        struct function *functions =
            room < UINT32_MAX ? reallocarray(unit->functions, room, sizeof *functions) : NULL;
        if (functions == NULL) {
            return UINT32_MAX;
        }
        unit->functions = functions;
        unit->function_room = room;
    }
    unit->functions[unit->function_count] = (struct function){.die = *die, .caller = caller};
    return (uint32_t)unit->function_count++;
}

/* In C, and in what has no types, none of these contain functions; they are most of a unit. */
static bool has_methods(Dwarf_Die *root)
{
    switch (dwarf_srclang(root)) {
    case DW_LANG_C:
    case DW_LANG_C89:
    case DW_LANG_C99:
    case DW_LANG_C11:
    case DW_LANG_Mips_Assembler:
        return false;
    default:
        return true;
    }
}

struct walk {
    struct tare__lines *lines;
    struct unit *unit;
    bool types; /* functions may be inside of types */
    Dwarf_Die dies[LEVELS_MAX];
    uint32_t inside[LEVELS_MAX]; /* the function that they are in, or UINT32_MAX */
    uint32_t depths[LEVELS_MAX]; /* how many functions are around it */
    uint32_t scopes[LEVELS_MAX]; /* what they are in, or UINT32_MAX */
    uint32_t open[LEVELS_MAX]; /* the scope that the entry at that level is, as long as its end is not known */
    size_t deepest;            /* of the open ones */
};

/* The entry at `level` has entries in it: they are in its scope, if it is one. */
static int open_scope(struct walk *walk, size_t level)
{
    struct unit *unit = walk->unit;
    walk->open[level] = UINT32_MAX;
    walk->scopes[level + 1] = walk->scopes[level];
    switch (walk->types ? dwarf_tag(&walk->dies[level]) : 0) {
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_interface_type:
    case DW_TAG_union_type:
    case DW_TAG_subprogram:
        break;
    default:
        return 0;
    }
    if (unit->scope_count == unit->scope_room) {
        size_t room = unit->scope_room == 0 ? 64 : unit->scope_room * 2;
        struct scope *scopes = room < UINT32_MAX ? reallocarray(unit->scopes, room, sizeof *scopes) : NULL;
        if (scopes == NULL) {
            return -ENOMEM;
        }
        unit->scopes = scopes;
        unit->scope_room = room;
    }
    unit->scopes[unit->scope_count] = (struct scope){walk->dies[level], walk->scopes[level]};
    walk->open[level] = walk->scopes[level + 1] = (uint32_t)unit->scope_count++;
    walk->deepest = level;
    return 0;
}

/* What is at `level` and deeper ends where the next entry begins. */
static int close_scopes(struct walk *walk, size_t level, uint64_t next)
{
    int failed = 0;
    for (; walk->deepest != SIZE_MAX && walk->deepest >= level; walk->deepest--) {
        uint32_t scope = walk->open[walk->deepest];
        if (failed == 0 && scope != UINT32_MAX) {
            failed = tare__ranges_add(&walk->unit->places,
                                      (uint64_t)(uintptr_t)walk->unit->scopes[scope].die.addr + 1, next,
                                      walk->deepest, scope);
        }
    }
    return failed;
}

/*
 * Takes note of one entry, at `level`. Sets what its children are in, and whether they are to be looked at.
 * Returns 0 or -ENOMEM.
 */
static int visit(struct walk *walk, size_t level, uint32_t *inside, uint32_t *depth, bool *enter)
{
    Dwarf_Die *die = &walk->dies[level];
    *inside = walk->inside[level];
    *depth = walk->depths[level];
    *enter = true;
    switch (dwarf_tag(die)) {
    case DW_TAG_subprogram:
    case DW_TAG_inlined_subroutine:
        break;
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
    case DW_TAG_with_stmt:
        return 0;
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_interface_type:
    case DW_TAG_union_type:
        *enter = walk->types;
        return 0;
    default:
        *enter = false;
        return 0;
    }
    bool inlined = dwarf_tag(die) == DW_TAG_inlined_subroutine;
    struct unit *unit = walk->unit;
    uint32_t index = add_function(unit, die, inlined ? *inside : UINT32_MAX);
    if (index == UINT32_MAX) {
        return -ENOMEM;
    }
    *depth = inlined ? *depth + 1 : 0;
    /* The innermost counts; of two that are equal (code that the linker folded) the first. */
    int failed = add_ranges(walk->lines, &unit->ranges, die, (uint64_t)*depth << 32 | (UINT32_MAX - index),
                            index, enter);
    if (!*enter) { /* a declaration, or a model for those that are inlined: types are in it, at most */
        unit->function_count--;
        *depth = walk->depths[level];
        *enter = walk->types;
    } else {
        *inside = index;
    }
    return failed;
}

static int list_functions(struct tare__lines *lines, struct unit *unit, Dwarf_Die *root)
{
    struct walk *walk = malloc(sizeof *walk);
    if (walk == NULL) {
        return -ENOMEM;
    }
    walk->lines = lines;
    walk->unit = unit;
    walk->types = has_methods(root);
    walk->inside[0] = UINT32_MAX;
    walk->depths[0] = 0;
    walk->scopes[0] = UINT32_MAX;
    walk->deepest = SIZE_MAX;
    int failed = 0;
    size_t level = 0;
    bool there = dwarf_child(root, &walk->dies[0]) == 0;
    while (there && failed == 0) {
        uint32_t inside;
        uint32_t depth;
        bool enter;
        failed = visit(walk, level, &inside, &depth, &enter);
        if (failed == 0 && enter && level + 1 < LEVELS_MAX &&
            dwarf_child(&walk->dies[level], &walk->dies[level + 1]) == 0) {
            failed = open_scope(walk, level);
            level++;
            walk->inside[level] = inside;
            walk->depths[level] = depth;
            continue;
        }
        while (!(there = dwarf_siblingof(&walk->dies[level], &walk->dies[level]) == 0) && level > 0) {
            level--;
        }
        if (there && failed == 0) {
            failed = close_scopes(walk, level, (uint64_t)(uintptr_t)walk->dies[level].addr);
        }
    }
    if (failed == 0) {
        failed = close_scopes(walk, 0, UINT64_MAX);
    }
    free(walk);
    failed = failed != 0 ? failed : tare__ranges_settle(&unit->places);
    return failed != 0 ? failed : tare__ranges_settle(&unit->ranges);
}

/* libdw reads these itself, and trusts that they end. */
static bool is_sound(Dwarf_Die *unit)
{
    static const unsigned names[] = {DW_AT_comp_dir, DW_AT_name, DW_AT_dwo_name, DW_AT_GNU_dwo_name};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (dwarf_hasattr(unit, names[i]) && string_of(unit, names[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static int list_rows(struct tare__lines *lines, struct unit *unit)
{
    Dwarf_Lines *list;
    size_t count;
    if (dwarf_getsrclines(&unit->die, &list, &count) != 0 || count == 0 || count > lines->rows_left) {
        return 0;
    }
    unit->rows = calloc(count, sizeof *unit->rows);
    if (unit->rows == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        Dwarf_Line *line = dwarf_onesrcline(list, i);
        Dwarf_Addr address;
        int number = 0;
        bool end = false;
        if (dwarf_lineaddr(line, &address) != 0 || dwarf_lineendsequence(line, &end) != 0 ||
            tare__ranges_find(lines->code, end && address > 0 ? address - 1 : address) == NULL) {
            continue;
        }
        dwarf_lineno(line, &number);
        struct row row = {address, end ? NULL : dwarf_linesrc(line, NULL, NULL),
                          number > 0 ? (uint32_t)number : 0, end};
        struct row *last = unit->row_count > 0 ? &unit->rows[unit->row_count - 1] : NULL;
        if (last != NULL && last->address == address && !row.end) {
            *last = row; /* the last one of an address says what is there */
        } else if (last == NULL || last->file != row.file || last->line != row.line || last->end != row.end) {
            unit->rows[unit->row_count++] = row;
        }
    }
    struct row *fitting =
        reallocarray(unit->rows, unit->row_count > 0 ? unit->row_count : 1, sizeof *unit->rows);
    unit->rows = fitting != NULL ? fitting : unit->rows;
    lines->rows_left -= unit->row_count;
    return 0;
}

static void make_unit(struct tare__lines *lines, struct unit *unit)
{
    Dwarf_Die root;
    unit->made = true;
    if (!is_sound(&unit->die)) {
        return;
    }
    if ((find_root(lines, unit, &root) && list_functions(lines, unit, &root) != 0) ||
        list_rows(lines, unit) != 0) {
        tare__ranges_release(&unit->ranges);
        unit->row_count = 0;
    }
}

static const struct row *find_row(const struct unit *unit, uint64_t address)
{
    size_t low = 0;
    size_t high = unit->row_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (unit->rows[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && !unit->rows[low - 1].end ? &unit->rows[low - 1] : NULL;
}

static uint32_t number_of(Dwarf_Attribute *attribute)
{
    Dwarf_Word value;
    return attribute != NULL && dwarf_formudata(attribute, &value) == 0 && value < UINT32_MAX ? (uint32_t)value
                                                                                              : 0;
}

/* The entry that declares it: where that is says what it is in. */
static Dwarf_Die declaration_of(const Dwarf_Die *die)
{
    Dwarf_Die at = *die;
    for (int i = 0; i < 8; i++) {
        Dwarf_Attribute attribute;
        Dwarf_Die next;
        if ((dwarf_attr(&at, DW_AT_abstract_origin, &attribute) == NULL &&
             dwarf_attr(&at, DW_AT_specification, &attribute) == NULL) ||
            dwarf_formref_die(&attribute, &next) == NULL) {
            break;
        }
        at = next;
    }
    return at;
}

/*
 * The name with those of the namespaces, types and functions around it, which functions do not have for the
 * linker that it need not know: of namespaces without a name, of types in functions, of lambdas.
 */
static const char *full_name(const struct tare__lines *lines, const struct unit *unit, const Dwarf_Die *die,
                             const char *name)
{
    char text[NAME_BYTES];
    Dwarf_Die declared = declaration_of(die);
    const struct tare__range *place = tare__ranges_find(&unit->places, (uint64_t)(uintptr_t)declared.addr);
    size_t at = sizeof text;
    size_t length = strlen(name);
    if (place == NULL || unit->scope_count == 0 || declared.cu != unit->scopes[0].die.cu || length >= at) {
        return name;
    }
    at -= length;
    memcpy(text + at, name, length);
    for (uint32_t i = place->value; i != UINT32_MAX; i = unit->scopes[i].outer) {
        Dwarf_Die scope = unit->scopes[i].die;
        const char *around = string_of(&scope, DW_AT_name);
        if (around == NULL) {
            around = dwarf_tag(&scope) == DW_TAG_namespace ? "(anonymous namespace)"
                     : strcmp(name, "operator()") == 0     ? "{lambda}"
                                                           : "{unnamed}";
        }
        length = strlen(around);
        if (length + 2 > at) {
            return name;
        }
        at -= length + 2;
        memcpy(text + at, around, length);
        memcpy(text + at + length, "::", 2);
    }
    return tare__strings_keep(lines->strings, text + at, sizeof text - at);
}

static void read_function(const struct tare__lines *lines, const struct unit *unit, struct function *function)
{
    Dwarf_Attribute attribute;
    Dwarf_Die *die = &function->die;
    function->read = true;
    const char *linked = string_of(die, DW_AT_linkage_name);
    linked = linked != NULL ? linked : string_of(die, DW_AT_MIPS_linkage_name);
    /* What C has for a linkage name is the assembler's matter; what C++ and Rust have says most. */
    if (linked != NULL && (strncmp(linked, "_Z", 2) == 0 || strncmp(linked, "_R", 2) == 0)) {
        function->name = linked;
    } else {
        function->name = string_of(die, DW_AT_name);
        function->name = function->name != NULL ? full_name(lines, unit, die, function->name) : linked;
    }
    function->line = number_of(dwarf_attr_integrate(die, DW_AT_decl_line, &attribute));
    if (function->caller == UINT32_MAX) {
        return;
    }
    function->call_line = number_of(dwarf_attr(die, DW_AT_call_line, &attribute));
    Dwarf_Die root;
    Dwarf_Files *files;
    size_t count;
    Dwarf_Word index;
    if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &index) == 0 &&
        dwarf_diecu(die, &root, NULL, NULL) != NULL && dwarf_getsrcfiles(&root, &files, &count) == 0 &&
        index < count) {
        function->call_file = dwarf_filesrc(files, (size_t)index, NULL, NULL);
    }
}

/* ---- for others ---- */

struct tare__lines *tare__lines_open(Elf *elf, uint64_t size_bytes, const char *path, const char *directory,
                                     const struct tare__ranges *code, struct tare__strings *strings)
{
    struct tare__lines *lines = calloc(1, sizeof *lines);
    char *copy = strdup(path);
    if (lines == NULL || copy == NULL) {
        goto failed;
    }
    lines->alternative_fd = -1;
    lines->code = code;
    lines->strings = strings;
    lines->ranges_left = size_bytes < RANGES_MAX / PACKED ? (size_t)size_bytes * PACKED : RANGES_MAX;
    lines->rows_left = size_bytes < ROWS_MAX / PACKED ? (size_t)size_bytes * PACKED : ROWS_MAX;
    lines->directory = strdup(dirname(copy));
    lines->dwarf = lines->directory != NULL ? dwarf_begin_elf(elf, DWARF_C_READ, NULL) : NULL;
    if (lines->dwarf == NULL || !strings_end(lines->dwarf) || !open_alternative(lines, directory) ||
        list_units(lines) != 0 || lines->unit_count == 0) {
        goto failed;
    }
    free(copy);
    return lines;
failed:
    free(copy);
    tare__lines_close(lines);
    return NULL;
}

void tare__lines_close(struct tare__lines *lines)
{
    if (lines == NULL) {
        return;
    }
    for (size_t i = 0; i < lines->unit_count; i++) {
        tare__ranges_release(&lines->units[i].ranges);
        tare__ranges_release(&lines->units[i].places);
        free(lines->units[i].functions);
        free(lines->units[i].scopes);
        free(lines->units[i].rows);
    }
    free(lines->units);
    tare__ranges_release(&lines->ranges);
    if (lines->dwarf != NULL) {
        dwarf_end(lines->dwarf);
    }
    if (lines->alternative != NULL) {
        dwarf_end(lines->alternative);
        close(lines->alternative_fd);
    }
    free(lines->directory);
    free(lines);
}

size_t tare__lines_frames(struct tare__lines *lines, uint64_t address,
                          struct tare_symbols_frame frames[TARE_SYMBOLS_DEPTH])
{
    const struct tare__range *range = tare__ranges_find(&lines->ranges, address);
    if (range == NULL) {
        return 0;
    }
    struct unit *unit = &lines->units[range->value];
    if (!unit->made) {
        make_unit(lines, unit);
    }
    const struct row *row = find_row(unit, address);
    const char *file = row != NULL ? row->file : NULL;
    uint32_t line = row != NULL ? row->line : 0;
    size_t count = 0;
    range = tare__ranges_find(&unit->ranges, address);
    for (uint32_t i = range != NULL ? range->value : UINT32_MAX; i != UINT32_MAX;) {
        struct function *function = &unit->functions[i];
        if (!function->read) {
            read_function(lines, unit, function);
        }
        count -= count == TARE_SYMBOLS_DEPTH; /* the outermost, which has the code, is never left out */
        frames[count++] = (struct tare_symbols_frame){
            .function = function->name,
            .file = file,
            .line = line,
            .function_line = function->line,
            .inlined = dwarf_tag(&function->die) == DW_TAG_inlined_subroutine,
        };
        file = function->call_file;
        line = function->call_line;
        i = function->caller;
    }
    if (count == 0 && row != NULL) { /* assembly: lines without functions */
        frames[count++] = (struct tare_symbols_frame){.file = file, .line = line};
    }
    return count;
}

#else

typedef int tare__symbols_lines_need_libdw; /* a file must not be empty */

#endif
