/* SPDX-License-Identifier: MIT */
/* What the files of record/binary.h share. Private to them; only there with libelf. */
#ifndef TARE_RECORD_BINARY_PARTS_H
#define TARE_RECORD_BINARY_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gelf.h>

#include "record/binary.h"
#include "record/elf_image.h"

/* ---- binary_sections.c: bytes of sections, and files of debug info ---- */

/* An ELF file whose sections are read: an image's, or a file of debug info, which cannot be loaded. */
struct tare__file {
    int fd; /* -1: not open */
    uint64_t size;
    Elf *elf;
    bool borrowed; /* from an image: not to be closed */
};

struct tare__file tare__file_of(const struct tare__image *image);

/*
 * Opens a file of debug info. Returns 0, or -errno with a line in `message`. May be closed after this in any
 * case.
 */
int tare__file_open(struct tare__file *file, const char *path, char *message, size_t size);
void tare__file_close(struct tare__file *file);

/* A section with content. Its bytes are read when they are asked for, unless they had to be unpacked. */
struct tare__section {
    int fd;
    uint64_t offset, size;
    const unsigned char *unpacked; /* owned by libelf; NULL: read from the file */
    bool compressed;
    uint64_t address;
};

/*
 * Finds a section by its name; for ".debug_x" also the compressed ".zdebug_x" of old. False: there is none, it
 * has no bytes in the file, or they cannot be unpacked.
 */
bool tare__section_find(const struct tare__file *file, const char *name, struct tare__section *section);

/* Copies up to `size` bytes from an offset. Returns how many there were. */
size_t tare__section_read(const struct tare__section *section, uint64_t offset, void *buffer, size_t size);

/* All bytes of a section, at most `max`, which the caller frees; NULL: too large, not readable, no memory. */
unsigned char *tare__section_copy(const struct tare__section *section, uint64_t max);

/* The build id as text; "" if there is none. */
void tare__build_id(const struct tare__file *file, char text[TARE_BUILD_ID_TEXT]);

/*
 * Looks for the separate file with the debug info of `path`: by build id below `directory`, then by the name in
 * .gnu_debuglink beside the program, in .debug there, and below `directory`. One of another build is passed
 * over, which `info->problem` says. Fills path, by_name and link_name. Returns 0, also if nothing was found, or
 * -ENOMEM.
 */
int tare__find_debug_file(const struct tare__file *file, const char *path, const char *build_id,
                          const char *directory, struct tare_debug_info *info);

/* ---- binary_unwind.c: .eh_frame ---- */

/* A function, or with is_part one that is jumped into from another, with that one's frame. */
struct tare__function {
    uint64_t address;
    uint64_t size; /* bytes */
    bool is_part;
};

struct tare__functions {
    struct tare__function *list; /* ascending by address, each address once, not overlapping */
    size_t count;
    enum tare_functions_from from;
};

/* Reads .eh_frame and what stands around it. `ranges` gets what it describes. Returns 0 or -ENOMEM. */
int tare__unwind_read(struct tare__image *image, struct tare_unwind *unwind, struct tare__functions *ranges);

/* The same of .debug_frame. `ranges` stays empty if there is none. */
int tare__debug_frame_read(const struct tare__file *file, struct tare__functions *ranges);

/* ---- binary_functions.c: functions, and what they do with the frame pointer ---- */

/* Sorts, drops what is named twice, cuts what overlaps. */
void tare__functions_order(struct tare__functions *functions);

/*
 * The functions of `file`'s symbol table of type `type` (SHT_SYMTAB, SHT_DYNSYM), without the toolchain's own
 * start-up code. `has_table`: there is such a table. Returns 0 or -ENOMEM.
 */
int tare__functions_read(const struct tare__file *file, uint32_t type, struct tare__functions *functions,
                         bool *has_table);

/* Judges the functions. Returns 0 or -ENOMEM. */
int tare__frames_judge(const struct tare__image *image, const struct tare__functions *functions,
                       struct tare_frame_pointers *frames);

/*
 * How much the ranges cover: of the functions, if they are by .symtab, or else of .text in `file`.
 */
struct tare_coverage tare__coverage(const struct tare__file *file, const struct tare__functions *functions,
                                    const struct tare__functions *ranges);

/* The string that the function `name` of the image returns, if it does nothing else. NULL: not known. */
char *tare__returned_string(struct tare__image *image, const char *name);

/* ---- binary_dwarf.c: debug info, and the flags that compilers recorded ---- */

/*
 * Reads what the units of `file` say about themselves into debug (level, versions, units, ...) and flags.
 * Returns 0, also for damaged debug info, which debug.problem then says, or -ENOMEM.
 */
int tare__dwarf_read(const struct tare__file *file, struct tare_binary *binary);

/* Reads the flags in .GCC.command.line, if there is one. Returns 0 or -ENOMEM. */
int tare__command_lines_read(const struct tare__file *file, struct tare_binary *binary);

/* How much of the code in `own` the units in `file` describe, by .debug_aranges. Returns 0 or -ENOMEM. */
int tare__debug_coverage(const struct tare__file *file, const struct tare__file *own,
                         struct tare_coverage *coverage);


/* ---- binary_profiling.c: what follows from it ---- */

/* Fills binary->profiling. Returns 0 or -ENOMEM. */
int tare__profiling_judge(struct tare_binary *binary);

#endif
