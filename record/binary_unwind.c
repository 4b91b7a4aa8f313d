/* SPDX-License-Identifier: MIT */
/*
 * Reads .eh_frame as far as it says which bytes of code belong together: it is the one list of functions that a
 * stripped program keeps. The format is that of the "Linux Standard Base Core Specification", chapter
 * "Exception Frames": records that begin with their length; a CIE says how the FDEs that point to it are
 * written, an FDE describes one range of code:
 *
 *     +--------+--------------+----------+--------+--------------+---------------+
 *     | length | CIE's offset | at       | size   | augmentation | instructions  |
 *     +--------+--------------+----------+--------+--------------+---------------+
 *        4        4 back from   encoded as the     length, bytes   DW_CFA_...
 *                 here          CIE says ('R')
 *
 * Compilers put rare parts of a function elsewhere, with an FDE of their own. Such a part finds the stack as
 * the function left it, so its first instructions say where the frame lies, before any code is passed; that of
 * a function begins with what the CIE says.
 *
 * .debug_frame (DWARF 5, section 6.4.1) is the older brother for debuggers: a CIE's id is -1 there, an FDE
 * names its CIE by the offset in the section, and addresses stand as they are. In its 64-bit form the length
 * has 12 bytes, the first four of which are -1, and id and offset 8; those of .eh_frame have 4 in either form.
 */
#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF

#include "record/binary_parts.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/binary_cursor.h"

enum {
    TABLE_MAX = 1 << 29,     /* bytes of .eh_frame; a browser has 20 MB */
    AUGMENTATION_MAX = 16,   /* letters; known are 6 */
    ENCODING_OMIT = 0xff,    /* DW_EH_PE_omit */
    ENCODING_INDIRECT = 0x80 /* DW_EH_PE_indirect */
};

/* Bytes of a value of this encoding; 0: not one of fixed size. */
static size_t encoded_size(unsigned encoding)
{
    switch (encoding & 0x0f) {
    case 0x00: /* absptr */
    case 0x04: /* udata8 */
    case 0x0c: /* sdata8 */
        return 8;
    case 0x02: /* udata2 */
    case 0x0a: /* sdata2 */
        return 2;
    case 0x03: /* udata4 */
    case 0x0b: /* sdata4 */
        return 4;
    default:
        return 0;
    }
}

/* Takes a pointer. `field` is the address of the place, `data` what DW_EH_PE_datarel is relative to. */
static uint64_t take_pointer(struct tare__cursor *cursor, unsigned encoding, uint64_t field, uint64_t data)
{
    size_t size = encoded_size(encoding);
    if (size == 0 || (encoding & ENCODING_INDIRECT) != 0) {
        cursor->bad = true;
        return 0;
    }
    uint64_t value = tare__take(cursor, size);
    if ((encoding & 0x08) != 0 && size < 8 && (value >> (8 * size - 1) & 1) != 0) {
        value |= ~UINT64_C(0) << 8 * size; /* a negative one */
    }
    switch (encoding & 0x70) {
    case 0x00:
        return value;
    case 0x10: /* pcrel */
        return value + field;
    case 0x30: /* datarel */
        return value + data;
    default:
        cursor->bad = true;
        return 0;
    }
}

/* What a CIE says of its FDEs. */
struct cie {
    uint64_t offset; /* of its record; UINT64_MAX: none was read yet */
    unsigned encoding;
    bool has_augmentation_data;
    bool fine;
};

struct table {
    const unsigned char *bytes;
    size_t size;
    uint64_t address;
    bool is_debug_frame;
    bool not_understood; /* a part of it */
    struct cie cie;      /* the last one */
};

static uint64_t address_of(const struct table *table, const struct tare__cursor *cursor)
{
    return table->address + (uint64_t)(cursor->at - table->bytes);
}

/*
 * Reads a CIE from behind its id. It takes some 100 bytes at most, whatever the CIE says of itself: as FDEs may
 * name two of them in turn, it is read for each of them, and a table's time must not grow with its square.
 */
static void read_cie(const struct table *table, struct tare__cursor cursor, struct cie *cie)
{
    char letters[AUGMENTATION_MAX] = "";
    size_t count = 0;
    cie->fine = false;
    cie->encoding = 0;
    cie->has_augmentation_data = false;
    uint64_t version = tare__take(&cursor, 1);
    for (char letter; (letter = (char)tare__take(&cursor, 1)) != '\0';) {
        if (count == AUGMENTATION_MAX - 1) {
            return;
        }
        letters[count++] = letter;
    }
    if ((version != 1 && version != 3 && version != 4) || (count > 0 && letters[0] != 'z')) {
        return;
    }
    if (version == 4) {
        uint64_t address_size = tare__take(&cursor, 1);
        uint64_t segment_size = tare__take(&cursor, 1);
        if (address_size != 8 || segment_size != 0) {
            return;
        }
    }
    tare__take_leb128(&cursor); /* alignment of code and data */
    tare__take_leb128(&cursor);
    if (version == 1) {
        tare__take(&cursor, 1); /* register of the return address */
    } else {
        tare__take_leb128(&cursor);
    }
    if (count > 0) {
        cie->has_augmentation_data = true;
        tare__take_leb128(&cursor);
    }
    for (size_t i = 1; i < count; i++) {
        unsigned encoding;
        switch (letters[i]) {
        case 'R':
            cie->encoding = (unsigned)tare__take(&cursor, 1);
            break;
        case 'L':
            tare__take(&cursor, 1);
            break;
        case 'P':
            encoding = (unsigned)tare__take(&cursor, 1);
            if (encoding != ENCODING_OMIT && (encoding & 0x70) != 0x50) {
                take_pointer(&cursor, encoding & ~(unsigned)ENCODING_INDIRECT, address_of(table, &cursor), 0);
            }
            break;
        case 'S':
        case 'B':
        case 'G':
            break;
        default:
            return;
        }
    }
    cie->fine = !cursor.bad;
}

/* The bytes of a record behind its length, and how many of these are the id, or the offset of the CIE. */
struct record {
    struct tare__cursor bytes;
    size_t id_size;
};

/* The record at an offset. Returns false at the end of the table. */
static bool open_record(const struct table *table, size_t offset, struct record *record)
{
    struct tare__cursor *cursor = &record->bytes;
    *cursor = (struct tare__cursor){table->bytes + offset, table->bytes + table->size, false};
    record->id_size = 4;
    uint64_t length = tare__take(cursor, 4);
    if (length == 0xffffffff) {
        length = tare__take(cursor, 8);
        record->id_size = table->is_debug_frame ? 8 : 4;
    }
    if (cursor->bad || length < record->id_size || length > (uint64_t)(cursor->end - cursor->at)) {
        return false;
    }
    cursor->end = cursor->at + length;
    return true;
}

/* Whether the first instructions say where the frame lies: DW_CFA_def_cfa... before any advance. */
static bool begins_with_frame(struct tare__cursor cursor)
{
    while (cursor.at < cursor.end) {
        unsigned instruction = (unsigned)tare__take(&cursor, 1);
        if (instruction == 0) { /* DW_CFA_nop */
            continue;
        }
        return (instruction >= 0x0c && instruction <= 0x0f) || instruction == 0x12 || instruction == 0x13 ||
               (instruction & 0xc0) == 0x80; /* DW_CFA_def_cfa, ..._sf, DW_CFA_offset */
    }
    return false;
}

/* Takes the id of a CIE. False: it is none. */
static bool take_cie_id(const struct table *table, struct record *record)
{
    uint64_t id = tare__take(&record->bytes, record->id_size);
    return id == (!table->is_debug_frame ? 0 : record->id_size == 8 ? UINT64_MAX : UINT32_MAX);
}

/* Reads an FDE from its CIE pointer on. False: it is not understood. */
static bool read_fde(struct table *table, const struct record *record, struct tare__function *function)
{
    struct tare__cursor cursor = record->bytes;
    uint64_t here = (uint64_t)(cursor.at - table->bytes);
    uint64_t pointer = tare__take(&cursor, record->id_size);
    uint64_t offset = table->is_debug_frame ? pointer : here - pointer;
    if (offset >= table->size) {
        return false;
    }
    if (table->cie.offset != offset) {
        struct record cie;
        table->cie.offset = offset;
        table->cie.fine = false;
        if (open_record(table, (size_t)offset, &cie) && take_cie_id(table, &cie)) {
            read_cie(table, cie.bytes, &table->cie);
        }
    }
    if (!table->cie.fine) {
        return false;
    }
    function->address = take_pointer(&cursor, table->cie.encoding, address_of(table, &cursor), 0);
    function->size = take_pointer(&cursor, table->cie.encoding & 0x0f, 0, 0);
    if (table->cie.has_augmentation_data) {
        tare__skip(&cursor, tare__take_leb128(&cursor));
    }
    function->is_part = begins_with_frame(cursor);
    return !cursor.bad;
}

/* Collects what the table describes, in order. Returns 0 or -ENOMEM. */
static int read_table(struct table *table, struct tare__functions *ranges)
{
    size_t room = 0;
    struct record record;
    for (size_t offset = 0; offset < table->size && open_record(table, offset, &record);
         offset = (size_t)(record.bytes.end - table->bytes)) {
        struct record id = record;
        if (take_cie_id(table, &id)) { /* read when an FDE asks for it */
            continue;
        }
        struct tare__function one;
        if (!read_fde(table, &record, &one)) {
            table->not_understood = true;
            continue;
        }
        if (one.size == 0) { /* its function was left out by the linker */
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
        ranges->list[ranges->count++] = one;
    }
    tare__functions_order(ranges);
    return 0;
}

/* Where PT_GNU_EH_FRAME says that .eh_frame begins, and whether there is a table to search it. 0: unknown. */
static uint64_t read_header(struct tare__image *image, struct tare_unwind *unwind)
{
    size_t count;
    GElf_Phdr segment = {.p_type = PT_NULL};
    for (size_t i = 0; elf_getphdrnum(image->elf, &count) == 0 && i < count && i < INT32_MAX; i++) {
        if (gelf_getphdr(image->elf, (int)i, &segment) != NULL && segment.p_type == PT_GNU_EH_FRAME) {
            break;
        }
        segment.p_type = PT_NULL;
    }
    unsigned char bytes[32];
    if (segment.p_type != PT_GNU_EH_FRAME) {
        return 0;
    }
    /* Version 1, encodings of: the pointer, the count, the table; then these. */
    size_t got = tare__image_memory(image, segment.p_vaddr, bytes, sizeof bytes);
    if (got < 4 || bytes[0] != 1) {
        return 0;
    }
    struct tare__cursor cursor = {bytes + 4, bytes + got, false};
    uint64_t start = take_pointer(&cursor, bytes[1], segment.p_vaddr + 4, segment.p_vaddr);
    uint64_t entries = 0;
    if (bytes[2] != ENCODING_OMIT && bytes[3] != ENCODING_OMIT) {
        uint64_t field = segment.p_vaddr + (uint64_t)(cursor.at - bytes);
        entries = take_pointer(&cursor, bytes[2], field, segment.p_vaddr);
    }
    unwind->eh_frame_hdr = !cursor.bad && entries > 0;
    return cursor.bad ? 0 : start;
}

/* The bytes of a table that no section names: from its start to the end of its segment. */
static unsigned char *copy_from_memory(const struct tare__image *image, uint64_t address, size_t *size)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct tare__segment *segment = &image->segments[i];
        if (address < segment->address || address - segment->address >= segment->in_file) {
            continue;
        }
        uint64_t left = segment->in_file - (address - segment->address);
        *size = left < TABLE_MAX ? (size_t)left : TABLE_MAX;
        unsigned char *bytes = malloc(*size);
        if (bytes != NULL) {
            *size = tare__image_memory(image, address, bytes, *size);
        }
        return bytes;
    }
    return NULL;
}

int tare__unwind_read(struct tare__image *image, struct tare_unwind *unwind, struct tare__functions *ranges)
{
    struct tare__file file = tare__file_of(image);
    struct tare__section section;
    struct table table = {.cie.offset = UINT64_MAX};
    unsigned char *bytes = NULL;
    uint64_t start = read_header(image, unwind);
    if (tare__section_find(&file, ".eh_frame", &section)) {
        table.address = section.address;
        table.size = (size_t)section.size;
        bytes = tare__section_copy(&section, TABLE_MAX);
    } else if (start != 0) {
        table.address = start;
        bytes = copy_from_memory(image, start, &table.size);
    }
    ranges->from = TARE_FUNCTIONS_UNWIND_TABLE;
    table.bytes = bytes;
    int result = bytes != NULL ? read_table(&table, ranges) : 0;
    free(bytes);
    unwind->entries = ranges->count;
    unwind->eh_frame = ranges->count > 0;
    unwind->eh_frame_hdr = unwind->eh_frame_hdr && unwind->eh_frame;
    if (result == 0 && table.not_understood) {
        unwind->problem = strdup("a part of .eh_frame was not understood");
        result = unwind->problem != NULL ? 0 : -ENOMEM;
    }
    return result;
}

int tare__debug_frame_read(const struct tare__file *file, struct tare__functions *ranges)
{
    struct tare__section section;
    ranges->from = TARE_FUNCTIONS_UNWIND_TABLE;
    if (!tare__section_find(file, ".debug_frame", &section)) {
        return 0;
    }
    unsigned char *bytes = tare__section_copy(&section, TABLE_MAX);
    struct table table = {
        .bytes = bytes, .size = (size_t)section.size, .is_debug_frame = true, .cie.offset = UINT64_MAX};
    int result = bytes != NULL ? read_table(&table, ranges) : 0;
    free(bytes);
    return result;
}

#else

typedef int tare__binary_unwind_needs_libelf; /* a file must not be empty */

#endif
