/* SPDX-License-Identifier: MIT */
/*
 * Taking a profile: what is asked for, which of the ways this machine and this binary allow, and the two
 * recorders. record/profiling.c chooses; record/perf.c has perf do it; record/built_in.c reads what
 * libtare-profile.so writes. Each fills a struct tare_profile, with symbols.
 *
 * Handles the signals of the whole process while a program runs, as tare_spawn_run() does.
 */
#ifndef TARE_RECORD_PROFILING_H
#define TARE_RECORD_PROFILING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "record/profile.h"
#include "record/spawn.h"

enum tare_profiling_mode { /* the first four as enum tare_profiling (record/binary.h) */
                           TARE_MODE_FP,
                           TARE_MODE_DWARF,
                           TARE_MODE_LBR,
                           TARE_MODE_BUILT_IN,
                           TARE_MODES,
                           TARE_MODE_AUTO = TARE_MODES,
};

/* "fp", "dwarf", "lbr", "built-in", "auto". */
const char *tare_profiling_mode_name(enum tare_profiling_mode mode);
bool tare_profiling_mode_parse(const char *text, enum tare_profiling_mode *mode); /* false: no such word */

#define TARE_PROFILING_HZ 99.0
#define TARE_PROFILING_STACK_BYTES 8192 /* perf's own default for dwarf */

struct tare_profiling_request {
    char *const *argv;             /* the program; NULL: pid */
    pid_t pid;                     /* 0: argv */
    double for_s;                  /* with pid: how long, 0: until interrupted or it ends; with argv: 0 */
    enum tare_profiling_mode mode; /* TARE_MODE_AUTO: choose */
    double frequency_hz;           /* 0: TARE_PROFILING_HZ */
    const char *event;             /* "cycles", "cpu-clock", "page-faults", ...; NULL: the best for time */
    bool off_cpu;                  /* where threads wait, and for how long, in place of where they run */
    bool by_timer;
    unsigned stack_bytes;           /* dwarf: of the stack, for each sample; 0: TARE_PROFILING_STACK_BYTES */
    int pin_cpu;                    /* -1: wherever */
    double timeout_s;               /* as in struct tare_spawn */
    const char *library;            /* path of libtare-profile.so; NULL: there is none */
    const char *perf;               /* path or name of perf; NULL: "perf" */
    const char *const *environment; /* as in struct tare_spawn; may be NULL */
    const char *keep_data;          /* where perf.data is to be kept; NULL: nowhere */
    bool quiet;                     /* standard output of the program goes nowhere, its input is empty */
    bool (*stopped)(void);          /* asked after its end; true: look up no more names. May be NULL */
    bool time_only;                 /* how long it takes is all that is asked for: the profile may stay empty */
};

/* What this machine's perf can do, tried out; all strings are sentences, NULL: it can. */
struct tare_perf {
    char *path;    /* as found in PATH; NULL: missing */
    char *version; /* "6.1.187" */
    char *
        missing; /* why perf cannot be used at all: missing, forbidden (perf_event_paranoid, seccomp), too old */
    char *no_lbr;    /* why not --call-graph lbr */
    char *no_cycles; /* why not the event cycles: no PMU; time is then taken by cpu-clock */
    char *no_kernel; /* why kernel frames cannot be had */
    char *no_off_cpu;
};
/*
 * `perf` as in the request. Runs perf some times, up to a second; one that does nothing is ended after 5 s, and counts as
 * missing. Returns 0 or -ENOMEM.
 */
int tare_perf_look(const char *perf, struct tare_perf *found);
void tare_perf_release(struct tare_perf *found);

/* What was chosen, and why. */
struct tare_profiling_choice {
    enum tare_profiling_mode mode;
    char *reason;  /* a sentence for the reader */
    char *caution; /* what will be missing all the same; NULL: nothing */
    char *event;
    /* What may find callers that this mode does not, as far as the binary says; dwarf also where it was not judged. */
    bool dwarf_works, built_in_works;
};
/*
 * For auto, what the table in docs/profiling.md says; a mode that is forced and cannot work is -ENOTSUP, with
 * why and what would in `message`. Reads the binary (record/binary.h). Returns 0 or -errno with one line in `message`.
 */
int tare_profiling_choose(const struct tare_profiling_request *request, const struct tare_perf *perf,
                          struct tare_profiling_choice *choice, char *message, size_t message_size);
void tare_profiling_choice_release(struct tare_profiling_choice *choice);

/* What became of the program, besides its samples. */
struct tare_profiling_outcome {
    struct tare_outcome program; /* of argv */
    bool not_started;            /* exec failed: the return value says why */
    bool interrupted;            /* by a signal to us: what was taken until then is in the profile */
    char **notes;                /* sentences for the reader, NULL-terminated; NULL: none */
};
void tare_profiling_outcome_release(struct tare_profiling_outcome *outcome);

/*
 * Take a profile in the chosen mode. Return 0 with *profile filled (mode, reason and event from the choice), or
 * -errno with one line in `message`.
 */
int tare_perf_record(const struct tare_profiling_request *request, const struct tare_profiling_choice *choice,
                     const struct tare_perf *perf, struct tare_profile **profile,
                     struct tare_profiling_outcome *outcome, char *message, size_t message_size);
int tare_built_in_record(const struct tare_profiling_request *request,
                         const struct tare_profiling_choice *choice, struct tare_profile **profile,
                         struct tare_profiling_outcome *outcome, char *message, size_t message_size);

/* argv of perf that takes the same by hand, with `data` as its output; the caller frees it with each word. */
char **tare_perf_argv(const struct tare_profiling_request *request, const struct tare_profiling_choice *choice,
                      const struct tare_perf *perf, const char *data);

/*
 * Read what `perf script` printed (any of its usual field choices; a header is understood), or, from a perf.data,
 * what the perf at hand makes of it. Return 0 or -errno with one line in `message`, -EBADMSG if it is no such text.
 */
int tare_perf_script_read(FILE *in, struct tare_profile **profile, char *message, size_t message_size);
int tare_perf_data_read(const char *path, const char *perf, struct tare_profile **profile, char *message,
                        size_t message_size);
/*
 * Folded stacks: "a;b;c 12" on each line. Of these three `message` says after 0, too, what was left out and why; ""
 * if nothing was.
 */
int tare_folded_read(FILE *in, struct tare_profile **profile, char *message, size_t message_size);

#endif
