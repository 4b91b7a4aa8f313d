/* SPDX-License-Identifier: MIT */
/*
 * From an address in a process to functions and source lines: what a profile's frames are made of. Knows
 * which file was mapped where in which process, and reads the files' symbol tables and debug information
 * (also the separate ones under /usr/lib/debug), the kernel's symbols, and the map files of JIT compilers
 * (/tmp/perf-PID.map). Calls that the compiler put into each other come out as frames of their own. C++ and
 * Rust names are demangled.
 *
 * Files are taken as hostile. A file is read when the first address in it is asked for, and only if it is the
 * one that was mapped (its build id, where that is known). One that is deleted is opened when it is mapped
 * here, or later, as long as its process lives; so are those of a process with a root directory of its own.
 * Built without libdw there are no lines and no inlined calls, without libelf no functions of files.
 *
 * A unit (a source file with what it includes) is read as a whole when the first address in it is asked for:
 * 300,000 lines with inlined calls take 0.3 s and 100 MB, and 10,000 addresses in it 30 ms more (Zen 5, clang
 * 14 -O1 -g). Not safe to use from several threads at once.
 */
#ifndef TARE_RECORD_SYMBOLS_H
#define TARE_RECORD_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/profile.h"

struct tare_symbols;

struct tare_symbols_options {
    const char *debug_directory; /* of separate debug files; NULL: "/usr/lib/debug" */
    const char *jit_directory;   /* of perf-PID.map; NULL: "/tmp" */
    const char *kernel_symbols;  /* NULL: "/proc/kallsyms" */
    bool without_inlined;        /* only functions that have code of their own */
    bool mangled;                /* leave names of C++ and Rust as the linker has them */
};

/* `options` may be NULL. NULL without memory. */
struct tare_symbols *tare_symbols_new(const struct tare_symbols_options *options);
void tare_symbols_free(struct tare_symbols *symbols); /* NULL is fine */

/*
 * The process maps `size` bytes of `path` from `offset` on at `address`; what was there is gone. `path` may be
 * a file, or what the kernel writes in its place ("[vdso]", "//anon", "[heap]", "/memfd:..."; a trailing
 * " (deleted)" is understood). `build_id`: hexadecimal, NULL: unknown. Returns 0 or -ENOMEM.
 */
int tare_symbols_map(struct tare_symbols *symbols, uint32_t pid, uint64_t address, uint64_t size,
                     uint64_t offset, const char *path, const char *build_id);
/* The child has what the parent has now. Returns 0 or -ENOMEM. */
int tare_symbols_fork(struct tare_symbols *symbols, uint32_t parent, uint32_t child);
/* It becomes another program: all of its mappings are gone. */
void tare_symbols_exec(struct tare_symbols *symbols, uint32_t pid);
/* Adds what /proc/PID/maps says now. Returns 0 or -errno (ENOENT: it is gone). */
int tare_symbols_read_maps(struct tare_symbols *symbols, uint32_t pid);

/*
 * A file, or what stands for one; lives as long as the symbols. Of a deleted one whose names could be had all
 * the same the flags are TARE_OBJECT_DELETED without TARE_OBJECT_UNREADABLE; kernels that show no addresses
 * have TARE_OBJECT_NO_SYMBOLS.
 */
struct tare_symbols_object {
    const char *path;     /* "[kernel]", or its module's "[name]"; "[vdso]"; "[jit]": memory without a file */
    const char *build_id; /* of what was mapped, or else of what was read; NULL: unknown */
    enum tare_profile_object_kind kind;
    uint32_t flags; /* enum tare_profile_object_flags , complete once an address was resolved */
};

/* Strings live as long as the symbols. */
struct tare_symbols_frame {
    const char *function; /* NULL: unknown */
    const char *file;     /* NULL: unknown */
    uint32_t line;        /* 0: unknown, or code of no line */
    uint32_t function_line;
    /*
     * What was looked up, one less than a return address. In the object as linked; in a file that was not
     * read: the offset in it; of JIT code, the kernel and unknown memory: in memory.
     */
    uint64_t address;
    const struct tare_symbols_object *object; /* NULL: nothing is mapped there */
    bool inlined;
    bool kernel;
};

enum {
    TARE_SYMBOLS_DEPTH = 64
}; /* frames of one address at most; of more, those before the last are left out */

/*
 * What is at `address` in the process: the innermost frame first, at least one. `is_return`: a return address,
 * for which the call in front of it is meant. Results are cached. Returns how many frames there are, 0 only
 * without memory; they are valid until the next call.
 */
size_t tare_symbols_resolve(struct tare_symbols *symbols, uint32_t pid, uint64_t address, bool is_return,
                            const struct tare_symbols_frame **frames);

/*
 * For annotation and exports: the innermost frame of an address in a file as linked, outside of any process.
 * `path` must be readable. Returns 0, or -ENOENT.
 */
int tare_symbols_resolve_file(struct tare_symbols *symbols, const char *path, uint64_t address,
                              struct tare_symbols_frame *frame);

#endif
