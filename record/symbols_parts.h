/* SPDX-License-Identifier: MIT */
/* What the files of record/symbols.h share. Private to them. */
#ifndef TARE_RECORD_SYMBOLS_PARTS_H
#define TARE_RECORD_SYMBOLS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "record/symbols.h"

#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF
#define TARE__WITH_ELF 1
#else
#define TARE__WITH_ELF 0
#endif
#if TARE__WITH_ELF && defined(TARE_HAVE_LIBDW) && TARE_HAVE_LIBDW
#define TARE__WITH_DWARF 1
#else
#define TARE__WITH_DWARF 0
#endif

/* ---- symbols_tables.c: a hash table, strings that are kept once, ranges of addresses ---- */

/* Numbers below UINT32_MAX by their hash; whoever asks compares what they stand for. All zeros: empty. */
struct tare__table {
    struct tare__slot *slots;
    size_t mask; /* slots - 1 */
    size_t count;
};
int tare__table_add(struct tare__table *table, uint64_t hash, uint32_t number); /* 0 or -ENOMEM */
/* The numbers with that hash one by one; *step begins as 0. UINT32_MAX: there are no more. */
uint32_t tare__table_next(const struct tare__table *table, uint64_t hash, size_t *step);
void tare__table_clear(struct tare__table *table); /* keeps the memory */
void tare__table_release(struct tare__table *table);
uint64_t tare__hash(uint64_t a, uint64_t b);

/* All zeros: empty. */
struct tare__strings {
    struct tare__table table;
    const char **list;
    size_t count, room;
    struct tare__block *blocks;
    size_t left; /* bytes of the first block */
};
/* The one copy of `length` bytes of text, with a NUL behind them. NULL: no memory. */
const char *tare__strings_keep(struct tare__strings *strings, const char *text, size_t length);
void tare__strings_release(struct tare__strings *strings);

/* Addresses [low, high); where ranges overlap, the one of the highest rank counts. */
struct tare__range {
    uint64_t low, high;
    uint64_t rank;
    uint32_t value;
};
/* All zeros: empty. */
struct tare__ranges {
    struct tare__range *list;
    size_t count, room;
};
/* Ranges without any address are left out. 0 or -ENOMEM. */
int tare__ranges_add(struct tare__ranges *ranges, uint64_t low, uint64_t high, uint64_t rank, uint32_t value);
/*
 * To be called when all are there, and before one is looked for: sorts, and cuts what is covered, so that at
 * most twice as many are left and none overlap. n log n. 0 or -ENOMEM.
 */
int tare__ranges_settle(struct tare__ranges *ranges);
const struct tare__range *tare__ranges_find(const struct tare__ranges *ranges, uint64_t address); /* or NULL */
void tare__ranges_release(struct tare__ranges *ranges);

/* ---- symbols_names.c: names as their language has them ---- */

/*
 * Demangles C++, and Rust's names, whose hash is left out. Others, and in a build without a demangler C++'s and
 * Rust's older ones, stay as they are. NULL: no memory. `mangled`: leave them.
 */
const char *tare__name_shown(struct tare__strings *strings, const char *symbol, bool mangled);

/* How many underscores it begins with. */
size_t tare__name_underscores(const char *name);

/* ---- symbols_file.c: functions of one ELF file ---- */

struct tare__symbol_file;

struct tare__symbol_source {
    const char *path;
    int fd;            /* of the file, taken over and closed in any case; -1: `image` */
    const void *image; /* in memory, and stays there */
    size_t image_size;
    const char *build_id; /* that it must have; NULL: any */
    const struct tare_symbols_options *options;
    struct tare__strings *strings; /* for what is found in it; has to live longer */
};

/*
 * Reads what there is. Returns 0, -ESTALE (it has another build id), -EINVAL (damaged, or no program or
 * library), -ENOSYS (built without libelf), -ENOMEM or what reading said. The file need not be there
 * afterwards.
 */
int tare__symbol_file_open(const struct tare__symbol_source *source, struct tare__symbol_file **file);
void tare__symbol_file_close(struct tare__symbol_file *file);           /* NULL is fine */
uint32_t tare__symbol_file_flags(const struct tare__symbol_file *file); /* NO_SYMBOLS, NO_DEBUG */
const char *tare__symbol_file_id(const struct tare__symbol_file *file); /* NULL: none */
/* Where what is at an offset in the file is linked to be. False: nowhere. */
bool tare__symbol_file_address(const struct tare__symbol_file *file, uint64_t offset, uint64_t *address);
/*
 * The frames at a linked address; of each, object, address and kernel are the caller's matter. Returns how
 * many, 1 at least; 0: no memory.
 */
size_t tare__symbol_file_frames(struct tare__symbol_file *file, uint64_t address,
                                struct tare_symbols_frame frames[TARE_SYMBOLS_DEPTH]);

/* ---- symbols_plt.c: stubs through which functions of other files are called ---- */

#if TARE__WITH_ELF
#include <libelf.h>

/*
 * Adds a range of rank 0 for each stub, and its name to `names` (values count on from *count). Returns 0 or
 * -ENOMEM.
 */
int tare__plt_read(Elf *elf, struct tare__strings *strings, struct tare__ranges *ranges, const char ***names,
                   size_t *count, size_t *room);
#endif

/* ---- symbols_lines.c: what DWARF says ---- */

#if TARE__WITH_DWARF
struct tare__lines;

/*
 * `elf` has the debug information of the code in `code`, and is not needed by others before
 * tare__lines_close(). NULL: there is none that can be read.
 */
struct tare__lines *tare__lines_open(Elf *elf, uint64_t size_bytes, const char *path, const char *directory,
                                     const struct tare__ranges *code, struct tare__strings *strings);
void tare__lines_close(struct tare__lines *lines); /* NULL is fine */
/*
 * The frames at an address, the innermost first, with names as linked (the last one's may be NULL) and
 * strings that live as long as `lines`. Returns how many; 0: nothing is known of it.
 */
size_t tare__lines_frames(struct tare__lines *lines, uint64_t address,
                          struct tare_symbols_frame frames[TARE_SYMBOLS_DEPTH]);
#endif

/* ---- symbols_kernel.c ---- */

struct tare__kernel;

/* `path`: of /proc/kallsyms. NULL: no memory. Without what may be read, nothing is found in it. */
struct tare__kernel *tare__kernel_new(const char *path, struct tare__strings *strings);
void tare__kernel_free(struct tare__kernel *kernel);
bool tare__kernel_empty(const struct tare__kernel *kernel);
/* The function there, and its module ("[kernel]": none). False: unknown. */
bool tare__kernel_find(const struct tare__kernel *kernel, uint64_t address, const char **function,
                       const char **module);

/* ---- symbols_jit.c: the map files that JIT compilers write for perf ---- */

struct tare__jit;

/* NULL: no memory. The file is read when it is first asked for something. */
struct tare__jit *tare__jit_new(const char *directory, uint32_t pid, struct tare__strings *strings);
void tare__jit_free(struct tare__jit *jit); /* NULL is fine */
/* The function at an address in memory; NULL: unknown. Reads on if the file has become longer meanwhile. */
const char *tare__jit_find(struct tare__jit *jit, uint64_t address);

#endif
