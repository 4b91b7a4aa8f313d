/* SPDX-License-Identifier: MIT */
/*
 * A profile from what `perf script` prints, as it comes: see record/perf_text.h for the lines. Private to record/.
 */
#ifndef TARE_RECORD_PERF_SCRIPT_H
#define TARE_RECORD_PERF_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "record/profile.h"
#include "record/symbols.h"

struct tare__perf_reading {
    /* Given: */
    struct tare_symbols *symbols; /* for what was mapped as records say; NULL: perf's names are all there is */
    bool off_cpu; /* samples are switches away, and SWITCH records say when the thread ran again */
    bool
        stacks_complete; /* stacks were asked for up to where threads begin: what ends elsewhere is truncated */
    bool from_exec; /* what comes before a process becomes another program is not of what was to be recorded */
    unsigned silence_s; /* after which a perf that does nothing is ended; 0: TARE__PERF_SILENCE_S */
    /* Found: */
    uint64_t samples; /* heads of samples, of the profile's event */
    uint64_t others;  /* of other events: left out */
    uint64_t damaged; /* lines that were not understood */
    uint64_t first_damaged_line;
    uint64_t too_deep; /* stacks that are cut, as they are deeper than we read: among the truncated */
    uint64_t lost;     /* as LOST records say */
    bool has_records;  /* so that 0 lost is a count */
    bool has_start;    /* the times of the first and last line that has one */
    uint64_t start_ns, end_ns;
    uint64_t exec_ns, exit_ns; /* of the first process that became a program; 0: not seen */
    bool has_periods;
};

/*
 * Adds to the profile and sets event, unit, wall_ns and interval_ns. Returns 0, -ENOMEM, -EIO, or -EBADMSG if
 * not a single line is of `perf script`, with one line in `message`.
 */
int tare__perf_script_parse(FILE *in, struct tare__perf_reading *reading, struct tare_profile *profile,
                            char *message, size_t message_size);

/* What was left out, as a sentence; "" if nothing. */
void tare__perf_script_caution(const struct tare__perf_reading *reading, char *message, size_t message_size);

#endif
