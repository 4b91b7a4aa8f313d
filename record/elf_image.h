/* SPDX-License-Identifier: MIT */
/*
 * One ELF64 little-endian file, opened and checked. Private to record/elf.c; only there with libelf.
 */
#ifndef TARE_RECORD_ELF_IMAGE_H
#define TARE_RECORD_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <gelf.h>

#include "record/elf.h"

enum {
    TARE__SEGMENTS_MAX = 64, /* of type PT_LOAD; linkers make 2 to 6 */
    TARE__TEXT_MAX = 4096,   /* of a path in the file */
};

/* Bytes [offset, offset + in_file) of the file are loaded at `address`; zeros follow up to in_memory. */
struct tare__segment {
    uint64_t address;
    uint64_t offset;
    uint64_t in_file;
    uint64_t in_memory;
};

/* A pointer that the dynamic linker will write at `where`. */
struct tare__relocation {
    uint64_t where;
    uint64_t value;
    bool known; /* the value is: its symbol is defined in this file */
};

struct tare__image {
    int fd; /* -1: not open */
    struct stat status;
    uint64_t size;
    Elf *elf;
    GElf_Ehdr header;
    struct tare__segment segments[TARE__SEGMENTS_MAX];
    size_t segment_count;
    char *interpreter; /* PT_INTERP; NULL: none */
    bool is_dynamic;   /* has a PT_DYNAMIC */
    char **needed;     /* DT_NEEDED */
    size_t needed_count;
    char *soname, *rpath, *runpath;       /* NULL: none */
    uint64_t flags_1;                     /* DT_FLAGS_1 */
    struct tare__relocation *relocations; /* ascending by `where` */
    size_t relocation_count;
};

/*
 * Opens and checks. Returns 0, or -errno with a line in `message`. The image may be closed after this in any
 * case.
 */
int tare__image_open(struct tare__image *image, const char *path, char *message, size_t message_size);
void tare__image_close(struct tare__image *image);

/* Writes a line and returns `error`. */
int tare__image_fail(int error, char *message, size_t size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Reads up to `size` bytes from an address, to the end of its segment at most. Returns how many; 0: not loaded.
 */
size_t tare__image_memory(const struct tare__image *image, uint64_t address, void *buffer, size_t size);

/*
 * Copies the string at an address, cut to TARE__TEXT_MAX - 1 bytes. Returns its length; -1: not loaded, not
 * ended.
 */
ssize_t tare__image_string(const struct tare__image *image, uint64_t address, char buffer[TARE__TEXT_MAX]);

/* The content of a section; NULL: there is none. */
Elf_Data *tare__image_section(struct tare__image *image, size_t index);

/* Whether the string at `offset` of a string table is `text`. */
bool tare__image_has_string(const Elf_Data *table, uint64_t offset, const char *text);

/*
 * What the symbol tables say of a name. A stripped program has but the names that it shares with its libraries.
 */
enum tare__symbol { TARE__SYMBOL_ABSENT, TARE__SYMBOL_UNDEFINED, TARE__SYMBOL_DEFINED };
enum tare__symbol tare__image_find_symbol(struct tare__image *image, const char *name);

/* Whether there is a section "tare_timers" that is not empty. (This and the next: elf_timers.c.) */
bool tare__image_has_timers(struct tare__image *image);
bool tare__image_has_benches(struct tare__image *image); /* of TARE_BENCH */

/*
 * Reads the file's timers into an allocated array, whose strings and itself the caller frees, also after an
 * error. `skipped` counts those made with another version of tare's header. Returns 0, or -errno with a line in
 * `message`.
 */
int tare__image_timers(struct tare__image *image, const char *path, struct tare_elf_timer **timers,
                       size_t *count, size_t *skipped, char *message, size_t message_size);

#endif
