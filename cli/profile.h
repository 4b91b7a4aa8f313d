/* SPDX-License-Identifier: MIT */
/*
 * What the files of `tare profile` share. cmd_profile.c reads the command line and takes the profile,
 * profile_command.c prints the command line that would, profile_overhead.c measures what profiling costs,
 * profile_write.c writes the profile in the form that was asked for.
 */
#ifndef TARE_CLI_PROFILE_H
#define TARE_CLI_PROFILE_H

#include <signal.h>

#include "cli/cli.h"
#include "record/profiling.h"

/* What the command line asked for. */
struct profiling {
    struct output output;
    struct tare_profiling_request request;
    struct tare_perf perf;
    struct tare_profiling_choice choice;
    bool print_command, measure_overhead, threads;
    bool top_given;
    unsigned long top; /* rows of the table, if given; 0: all */
    char *library;
};

/* A signal that came while nothing ran: SIGINT, SIGTERM ...; 0: none. */
extern volatile sig_atomic_t profile_signal;

/* profile_command.c: prints the command line. False after an error was printed. */
bool profile_print_command(const struct profiling *profiling);

/*
 * profile_overhead.c: runs the program with and without, in pairs, and fills `overhead`. What it cannot find
 * out is a note of the result. Returns 0, -EINTR after a signal, or -errno after an error was printed.
 */
int profile_measure_overhead(const struct profiling *profiling, struct tare_result *result);

/* profile_write.c */
bool profile_write(const struct profiling *profiling, const struct tare_result *result);

#endif
