/* SPDX-License-Identifier: MIT */
/*
 * What can be measured in a program or library, and how: judged from the file, without running it. How it was
 * built (build id, optimisation, debug info, symbols), how its stacks can be walked (frame pointers, unwind
 * tables), and which libtare is in it. Files are taken as hostile, as in record/elf.h. What a file does not say
 * is unknown, and is never derived from what usually holds.
 *
 * Nothing here keeps state: functions may be called from several threads on different structures. All strings
 * are cleaned of what a terminal would obey.
 */
#ifndef TARE_RECORD_BINARY_H
#define TARE_RECORD_BINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/elf.h"

enum {
    TARE_BUILD_ID_TEXT = 129, /* 64 bytes in hexadecimal; linkers make 8 to 20 */
};

/* Where the starts of functions were taken from. */
enum tare_functions_from {
    TARE_FUNCTIONS_NONE,
    TARE_FUNCTIONS_SYMBOLS,      /* .symtab */
    TARE_FUNCTIONS_UNWIND_TABLE, /* .eh_frame, of a stripped file */
    TARE_FUNCTIONS_EXPORTED,     /* .dynsym alone: a part of them */
};

enum tare_kept { TARE_KEPT_UNKNOWN, TARE_KEPT_NO, TARE_KEPT_MIXED, TARE_KEPT_YES };

/*
 * Frame pointers, judged by the machine code of each function; record/code_judge.h has the rule. Counted are
 * the functions that a stack needs: those that call others, and those that take the frame pointer for other
 * things. Leaves are left out, and so is the start-up code that the toolchain adds.
 *
 * The verdict is TARE_KEPT_YES from 90 % on, TARE_KEPT_NO up to 25 %. Measured on 9,000 lines of C by gcc 12
 * and clang 14, for x86-64 and aarch64, -O0 to -O3 and -Os: with -fno-omit-frame-pointer 99.3 to 100 %, with
 * -fomit-frame-pointer 0.3 to 3.3 %; on the 377 libraries of a Debian 12 that have 20 such functions or more:
 * 367 up to 25 %, 3 with 100 %, and 7 between, which realign their stacks for vectors, have much assembly, or
 * are partly not optimised. tests/unit/test_binary.c repeats this with what the compiler at hand makes.
 */
struct tare_frame_pointers {
    enum tare_kept kept;
    enum tare_functions_from from;
    uint64_t functions;  /* all that were looked at */
    uint64_t counted;    /* kept_count + missing + reused */
    uint64_t kept_count; /* set up a frame */
    uint64_t missing;    /* call others without one: whoever called these is skipped in stacks */
    uint64_t reused;     /* use the register for other things: stacks are lost in them */
    uint64_t leaves;     /* call nothing */
    uint64_t unread;     /* not all of it could be read as instructions: in none of the others */
    /*
     * Share of the functions with a frame that store an argument into it first thing, as code does that was not
     * optimised. In the programs above 69 % and more with -O0, 3 % and less with any optimisation; hence
     * looks_unoptimised from 50 % of at least 10 functions on; where frame pointers are not kept throughout, it
     * speaks of those functions alone. Code without optimisation that has no frame pointers is not seen by
     * this.
     */
    double stores_arguments; /* in [0, 1]; NAN: unknown */
    bool looks_unoptimised;
};
#define TARE_KEPT_YES_FROM 0.9
#define TARE_KEPT_NO_UP_TO 0.25

/* What one kind of translation unit was compiled with, as the compiler wrote it down. */
struct tare_flags {
    char *compiler;     /* "GNU C17 12.2.0" */
    char *optimisation; /* "-O2"; NULL: flags were not recorded */
    int frame_pointer;  /* 1: -fno-omit-frame-pointer, 0: -fomit-frame-pointer, -1: neither was said */
    char *words;        /* of the first of them: -O, -march, -mtune, -mcpu, -g and -f; NULL: not recorded */
    uint64_t units;
};

enum tare_flags_from {
    TARE_FLAGS_NOWHERE,
    TARE_FLAGS_DEBUG_INFO,   /* DW_AT_producer */
    TARE_FLAGS_COMMAND_LINE, /* section .GCC.command.line: different command lines are counted, not units */
};

/* How much of the code something describes. */
struct tare_coverage {
    double share;      /* in [0, 1]; NAN: unknown */
    uint64_t missed;   /* functions or bytes that are not described */
    bool of_functions; /* counted by .symtab's functions; else by the bytes of .text, padding included */
};

enum tare_debug_level {
    TARE_DEBUG_NONE,
    TARE_DEBUG_LINES, /* lines and functions, no types: -g1, -gline-tables-only */
    TARE_DEBUG_FULL,
};

struct tare_debug_info {
    enum tare_debug_level level;
    unsigned version_min, version_max; /* of DWARF; 0: none */
    uint64_t units;                    /* compiled units; 0: none, or not counted */
    uint64_t units_full;               /* those with types */
    struct tare_coverage covered;      /* by .debug_aranges, which not every compiler writes */
    uint64_t split_units;   /* the better part of which lies in a .dwo file, which is not read here */
    uint64_t split_missing; /* those whose .dwo file is not where it was made */
    bool compressed;
    char *path;      /* the separate file that has it; NULL: the file itself */
    bool by_name;    /* that was found through .gnu_debuglink, else through the build id */
    char *link_name; /* what .gnu_debuglink names; NULL: there is none */
    char *problem;   /* what could not be read, or which file was passed over; NULL: nothing to say */
};

enum tare_symbol_table { TARE_SYMBOLS_NONE, TARE_SYMBOLS_DYNAMIC, TARE_SYMBOLS_FULL };

/* Tables from which stacks are unwound without frame pointers. */
struct tare_unwind {
    bool eh_frame;     /* with at least one entry */
    bool eh_frame_hdr; /* and a table to search it */
    uint64_t entries;  /* functions and parts of functions that .eh_frame describes */
    struct tare_coverage covered;
    bool debug_frame; /* in the file, or in the separate one with its debug info; not loaded when it runs */
    struct tare_coverage debug_covered;
    char *problem;
};

/* A library that it needs, or that one of those needs. */
struct tare_binary_library {
    char *name;    /* as asked for */
    char *path;    /* NULL: not found */
    char *problem; /* NULL: nothing to say */
    char build_id[TARE_BUILD_ID_TEXT];
    struct tare_frame_pointers frames;
    struct tare_unwind unwind;
    bool is_runtime; /* libtare, or with libtare linked into it */
};

/* libtare in what will be loaded. */
struct tare_binary_runtime {
    size_t count;            /* objects that bring one along: 0 or 1; each more is a second libtare */
    bool is_static;          /* the first is the program, with libtare.a linked into it */
    char *path;              /* of the first, as it will be loaded; NULL: none */
    char *version;           /* "0.1.0", by tare_version() in it; NULL: unknown */
    const char *build_id;    /* of the first; "": none */
    bool is_needed;          /* libtare.so is named as needed, found or not */
    size_t timers;           /* of the program and all its libraries, made with this version of tare.h */
    size_t own_timers;       /* of the program */
    unsigned abi;            /* TARE_ABI of these timers; 0: there are none */
    char *problem;           /* timers of another version, and such */
    bool may_load_libraries; /* calls dlopen: what that brings is unknown */
};

/* Ways to take stacks while it runs. */
enum tare_profiling {
    TARE_PROFILING_FP,
    TARE_PROFILING_DWARF,
    TARE_PROFILING_LBR,
    TARE_PROFILING_BUILT_IN,
    TARE_PROFILING_MODES
};
enum tare_works { TARE_WORKS_UNKNOWN, TARE_WORKS_NO, TARE_WORKS_PARTLY, TARE_WORKS_YES };

struct tare_profiling_answer {
    enum tare_works works;
    char *why;
};

struct tare_binary {
    char *path;
    struct tare_elf_info info;
    uint64_t size_bytes;
    char build_id[TARE_BUILD_ID_TEXT]; /* "": none */

    enum tare_flags_from flags_from;
    struct tare_flags *flags; /* most units first */
    size_t flags_count;
    uint64_t units_without_flags; /* of a compiler that did not record them */
    uint64_t assembler_units;     /* for which optimisation means nothing */
    bool has_annobin;             /* .gnu.build.attributes, which is not read here */

    struct tare_debug_info debug;
    enum tare_symbol_table symbols;
    uint64_t symbol_functions; /* functions with a name in the file's own symbol table */
    bool separate_symbols;     /* .symtab is in debug.path alone */
    bool has_mini_symbols;     /* .gnu_debugdata, which is not read here */
    struct tare_frame_pointers frames;
    struct tare_unwind unwind;

    struct tare_binary_library *libraries;
    size_t library_count;
    struct tare_binary_runtime runtime;

    bool can_preload;      /* tare run --libc */
    char *preload_problem; /* why not; NULL: it can */

    struct tare_profiling_answer profiling[TARE_PROFILING_MODES];
};

struct tare_binary_options {
    const char *debug_directory; /* of separate debug files; NULL: "/usr/lib/debug" */
    bool without_libraries;      /* look at this file alone, and say nothing of libtare */
};

/*
 * Looks at the file `path`, not looked up in PATH. `options` may be NULL. Returns 0, or -errno with one line in
 * `message`: -ENOEXEC (neither a program nor a library, or of another kind than ELF64, little-endian, x86-64 or
 * aarch64; the line says what it is), -EINVAL (damaged), -EISDIR, -ENOMEM, -ENOSYS (built without libelf), or
 * what opening said. `binary` may be released in any case. Takes some 10 ns for each instruction in it.
 */
int tare_binary_read(const char *path, const struct tare_binary_options *options, struct tare_binary *binary,
                     char *message, size_t message_size);
void tare_binary_release(struct tare_binary *binary);

/*
 * "96.1 %": the share that keeps frame pointers. "0 %" and "100 %" are none and all of them; "-": none counted.
 */
#define TARE_SHARE_TEXT 16
char *tare_frame_pointers_share(const struct tare_frame_pointers *frames, char text[TARE_SHARE_TEXT]);

const char *tare_profiling_name(enum tare_profiling mode); /* "fp", "dwarf", "lbr", "built-in" */

#endif
