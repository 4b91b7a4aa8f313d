/* SPDX-License-Identifier: MIT */
/* What the files of `tare suite` share: cmd_suite.c does all but finding, checking and cleaning up its sides. */
#ifndef TARE_CLI_SUITE_H
#define TARE_CLI_SUITE_H

#include "cli/bench.h"
#include "suites/suite.h"

struct suite_call {
    struct bench_call *bench;
    const struct suite *suite;
    bool quick;
    const char *sides, *against, *budget;
    double time_s;      /* NAN: the suite's own */
    uint64_t begun_ns;  /* of the call, without what it waited for other measurements */
    char *folder;       /* of its programs */
    char *other;        /* of --against; NULL: none */
    char *surroundings; /* that figures depend on, for the fingerprint */
    struct shown {      /* the sides that were asked for, as the result has them */
        const char *label, *about;
        char *made;    /* the label, if it is ours to free */
        char *skipped; /* why; NULL: it is there */
        const char *arm;
    } shown[BENCH_SIDES_MAX];
    size_t shown_count;
};

/*
 * Whether a benchmark of so many sides fits into `most_s`, of which `gone_s` are gone, if it takes half as long again as
 * those so far: `done` parts, a side of a benchmark each, in `measured_s`. The first one always fits.
 */
static inline bool suite_fits(double gone_s, double measured_s, size_t done, size_t sides, double most_s)
{
    return done == 0 || gone_s + 1.5 * measured_s / (double)done * (double)sides <= most_s;
}

/* suite_sides.c: false after an error was printed, or where it was interrupted. */
bool suite_check_sides(const struct suite_call *call); /* that each word of --sides is a side */
bool suite_find_sides(struct suite_call *call);        /* all that are asked for and are there */
/* Removes what programs kept between their processes, also after an interruption. */
void suite_clean_up(const struct suite_call *call);

#endif
