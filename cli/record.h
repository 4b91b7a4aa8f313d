/* SPDX-License-Identifier: MIT */
/* `tare record`: what recording processes that run (cmd_record.c) and a program (record_program.c) share. */
#ifndef TARE_CLI_RECORD_H
#define TARE_CLI_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/cli.h"
#include "result/capture.h"
#include "result/telemetry.h"

struct record {
    struct output output;
    double for_s; /* 0: not given */
    double interval_s, window_s;
    unsigned long max_samples; /* 0: not given */
    char *enable;              /* patterns joined by commas, or NULL */
    const char *operand;
    pid_t pid; /* 0: operand is a name */
    struct tare_live *live;
    struct tare_capture *capture;
    uint64_t shape; /* of the snapshot whose instruments were switched */
    char complaint[256];
    bool interrupted, ended;
    double cpu_ns; /* processor time of all that is recorded; NAN: as much of it as samples saw */
    /* A program that we start: */
    char **argv;              /* NULL: none */
    const char *start_option; /* the first one that is for programs only; NULL: none was given */
    const char *clock;
    bool libc, no_histogram;
    int pin;            /* -1: wherever */
    double timeout_s;   /* 0: none */
    char lacks[2][384]; /* notes on what the capture lacks; "": no such */
};

/* How many samples are due after the first one. */
uint64_t record_ticks(const struct record *record);
/* False without memory. */
bool record_make_capture(struct record *record);
/* By module::name, and by module.name. */
bool record_is_meant(const char *globs, const char *module, const char *name);
/* A sample more; false after an error was printed. */
bool record_add(struct record *record, const struct tare_telemetry *snapshot);
/*
 * Writes the capture, with `note` (or NULL) on how it came to its end; it is gone afterwards. Says what measuring
 * took. False after an error was printed.
 */
bool record_write(struct record *record, const char *note);

/* Runs the program and records it. Returns the exit code. */
int record_program(struct record *record);

#endif
