/* SPDX-License-Identifier: MIT */
/* One pass of `tare run`: the program runs once, and the pages of all its processes are added up. */
#ifndef TARE_CLI_PASSES_H
#define TARE_CLI_PASSES_H

#include <signal.h>
#include <sys/types.h>

#include "cli/cli.h"
#include "record/set.h"
#include "record/spawn.h"
#include "result/collect.h"

/* What the command line asked for. */
struct run {
    struct output output;
    bool exclusive, libc, no_histogram;
    char *only; /* patterns joined by commas; NULL: all */
    const char *clock;
    unsigned long repeat;
    int pin;
    double timeout_s;
    char **argv;
    char *path;
    char *preload;
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
    struct tare_result *result;
    bool keep_processes;
    uint64_t unreadable, still_running;
    char message[256];
};

/*
 * Runs the program once, with the timers enabled that match `enable`. A `later` pass is one whose output nobody
 * wants. Returns 0, or an exit code after an error was printed.
 */
int run_pass(struct pass *pass, const char *enable, bool later, struct tare_outcome *outcome);

#endif
