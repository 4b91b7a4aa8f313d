/* SPDX-License-Identifier: MIT */
/*
 * What a suite is: benchmarks of real hot paths, in programs of their own, that `tare suite NAME` measures by the
 * machinery of `tare bench`. Here are tables alone; the programs speak harness/lines.h. A suite's folder has its table
 * (suite.c, about_*.c), its programs, its budget and its README; the table is linked into the command, the programs lie
 * below libexec/tare/suites/NAME/, with all that they read.
 *
 * A suite has one side, or several that do the same by different ways: then each is compared with the first one, and the
 * names of their benchmarks agree. A side that is not there was left out of the build, and is skipped with what to install.
 */
#ifndef TARE_SUITES_SUITE_H
#define TARE_SUITES_SUITE_H

#include <stdbool.h>
#include <stddef.h>

struct tare_result;

struct suite_case {
    const char *bench; /* the benchmark's name, without arguments; "*" at the end stands for any rest */
    const char *about; /* its definition: what one iteration does; no full stop */
    bool slow;         /* left out by --quick */
};

struct suite_group {
    const char *name;  /* the heading: "Calls" */
    const char *about; /* one line, or NULL */
    const struct suite_case *cases;
    size_t count;
};

struct suite_side {
    const char *label;       /* what tables call it; of a suite with one side the suite's name */
    const char *about;       /* one line */
    const char *interpreter; /* NULL: `program` is an executable; else it is found in PATH and runs `program` */
    const char *program;     /* below the folder of the suite's programs */
    const char
        *packages; /* what has to be installed where it is not there, as Debian calls it; NULL: nothing */
    bool timers;   /* it loads libraries with timers in them, which its own file does not show */
};

/* Where its programs make files, whose file system is then part of what is measured. */
enum suite_files {
    SUITE_FILES_NONE,
    SUITE_FILES_ANYWHERE,  /* in TARE_SUITE_DIR, else TMPDIR, else /tmp */
    SUITE_FILES_IN_MEMORY, /* in /dev/shm, else TMPDIR, else /tmp */
};

struct suite {
    const char *name;  /* "os" */
    const char *title; /* one line, for --help and the table */
    const struct suite_side *sides;
    size_t side_count;
    const struct suite_group *const *groups;
    size_t group_count;
    enum suite_files files;
    bool timers_alone; /* timers stand in one another, so each is read in an execution of its own */
    /* Arguments of programs; NULL: there is none. */
    const char *verify;          /* says of each side whether its results are right: exit code 0 */
    const char *clean;           /* the first side's removes what was kept between processes */
    const char *budget;          /* file beside the programs, judged at the end; NULL: none */
    double case_s, quick_case_s; /* for each benchmark and side at most, in the full run and with --quick */
    double quick_s; /* what all of --quick may take: the time of each benchmark is shortened to it */
    /*
     * Adds what follows from the benchmarks (result/suite.h) when all were measured; also after an interruption, with
     * what there is. 0 or -ENOMEM. NULL: nothing does.
     */
    int (*finish)(struct tare_result *result);
};

extern const struct suite suite_os, suite_syscalls, suite_ffi;

/* All, NULL-terminated. */
extern const struct suite *const suites[];

const struct suite *suite_find(const char *name); /* NULL: there is none */
/* The case that a benchmark of that name (without arguments) is; NULL: it is not in the table. */
const struct suite_case *suite_find_case(const struct suite *suite, const char *bench,
                                         const struct suite_group **group);

#endif
