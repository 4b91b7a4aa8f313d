/* SPDX-License-Identifier: MIT */
/* One pass of `tare run`: the program runs once, and the pages of all its processes are added up. */
#ifndef TARE_CLI_PASSES_H
#define TARE_CLI_PASSES_H

#include <signal.h>
#include <sys/types.h>

#include "cli/cli.h"
#include "cli/watch.h"
#include "record/ask.h"
#include "record/functions.h"
#include "record/sampler.h"
#include "record/set.h"
#include "record/spawn.h"
#include "result/collect.h"

/* What the command line asked for. */
struct run {
    struct output output;
    bool exclusive, libc, no_histogram, locked;
    char *only; /* patterns joined by commas; NULL: all */
    const char *clock;
    unsigned long repeat;
    int pin;
    double timeout_s;
    double max_overhead; /* percent; NAN: not given */
    char **argv;
    char *path;
    char *preload;
    bool functions_asked_for;
    char *functions_globs; /* NULL: all of them */
    char **functions_in;   /* further files, NULL-terminated; NULL: none */
    unsigned long functions_min_size;
    struct tare_functions functions;
    uint32_t timers;       /* that there has to be room for; 0: as the environment or the default has it */
    struct tare_lock lock; /* where `locked` was asked for */
    struct watch *watch;
    sigset_t mask;      /* of signals, as we were started with it */
    off_t input_offset; /* of a standard input that can be rewound; -1 */
    bool input_stream;  /* a pipe or socket: what the first pass reads is gone */
};

/* One pass under way: which pages have been added to the collector. */
struct pass {
    struct tare_page_set set;
    struct tare_collector *collector;
    const struct run *run;
    bool *added;          /* by page number */
    uint64_t added_below; /* all pages under this one are */
    uint64_t number;      /* of the pass, from 1 */
    struct tare_sampler *sampler;
    struct tare_ask_times ask;
    uint64_t search_ns; /* when to look for processes that have ended, on CLOCK_MONOTONIC */
    const struct tare_outcome *outcome;
    bool watched; /* since the program's start */
    int failure;  /* the first one of pages that were added while it ran; 0 */
    struct tare_result *result;
    bool keep_processes;
    uint64_t unreadable, still_running;
    char message[256];
};

/*
 * What of the command line, and of the variables that the runtime heeds, decides on the figures, for the
 * fingerprint; the clock by its own name also where it is the default. Not in it is what adds to a result and
 * changes no figure: the number of passes, the time limit, the form of the output. The caller frees it; NULL
 * without memory.
 */
char *run_settings(const struct run *run);

/*
 * Runs the program once, with the timers enabled that match `enable`. A `later` pass is one whose output nobody
 * wants. Returns 0, or an exit code after an error was printed.
 */
int run_pass(struct pass *pass, const char *enable, bool later, struct tare_outcome *outcome);

#endif
