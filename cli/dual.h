/* SPDX-License-Identifier: MIT */
/* What the files of `tare dual` share: cmd_dual.c builds and measures, dual_show.c shows. */
#ifndef TARE_CLI_DUAL_H
#define TARE_CLI_DUAL_H

#include "cli/build_flags.h"
#include "cli/cli.h"
#include "record/binary.h"
#include "record/profiling.h"
#include "record/worktree.h"

enum { DUAL_FAST, DUAL_INSTRUMENTED, DUAL_BUILDS };

struct dual_build {
    const char *profile; /* of `tare flags`: "fast", "instrumented" */
    char *given;         /* the executable as the user named it; NULL: it is built */
    char *executable;
    char *shown;                   /* the executable as `commands` name it: one that stays */
    char *build_command;           /* with its flags, as a shell takes it; NULL: not built by us */
    char *profile_command;         /* what would show where its time goes; not run here */
    struct build_flags flags;      /* what it was built with, where we built it */
    struct tare_worktree worktree; /* in which */
    struct tare_binary binary;     /* what it says of itself */
    bool has_binary;
};

/* What one way of profiling the instrumented build costs. */
struct dual_mode {
    const char *name;
    char *command; /* that would take such a profile, for people */
    struct tare_profile_overhead overhead;
    char *problem;                      /* why it was not measured; NULL: it was */
    double expected_low, expected_high; /* shares of the time: of 0.01, 1 %; NAN: unknown */
};

struct dual {
    struct output output;
    struct dual_build builds[DUAL_BUILDS];
    const char *build, *language, *compiler;
    const char *program;         /* of --build, as it was named */
    const char *keep;            /* the folder of --keep; NULL: none */
    char *time, *frequency_text; /* as given, for `tare bench` and `tare profile` */
    char *pin;
    double frequency_hz;
    bool wants_mode[TARE_MODES];
    char **argv;                /* the program's arguments, after its name */
    struct tare_result *result; /* of `tare bench`; NULL: not measured */
    char *bench_command;
    struct dual_mode modes[TARE_MODES];
    size_t mode_count;
};

/* dual_show.c */
/* The first arm with that label; NULL: there is none. */
const struct tare_result_arm *dual_arm(const struct tare_result_benchmark *benchmark, const char *label);
int dual_write_table(void *data, FILE *out); /* stream_writers; data: struct dual */
int dual_write_json(void *data, FILE *out);

#endif
