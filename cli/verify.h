/* SPDX-License-Identifier: MIT */
/* What the files of `tare verify` share: verify_measure.c makes the figures, verify_show.c shows them. */
#ifndef TARE_CLI_VERIFY_H
#define TARE_CLI_VERIFY_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "record/lock.h"
#include "result/model.h"
#include "stats/interval.h"
#include "stats/verify.h"
#include "verify/lines.h"

/*
 * The claims. Up to the split an error is counted in ns, above it in percent, so that a claim of 1 ns or 3 %
 * (of single scopes; 2 ns or 5 % of the levels of a nest) is kept just if both figures are below theirs.
 */
#define VERIFY_FROM_NS 5.0
#define VERIFY_SINGLE_SPLIT_NS (1.0 / 0.03)
#define VERIFY_NEST_SPLIT_NS (2.0 / 0.05)

/* One timer of a rung: its cases, one for each repetition. */
struct verify_timer {
    const struct verify_rung *rung;
    const char *name;
    struct tare_verify_case *cases;
    size_t case_count;
    struct tare_verify_summary summary;
};

/* One process: a clock, with histograms or with sums alone. */
struct verify_mode {
    uint32_t clock;
    bool histograms;
    bool judged;   /* the exit code speaks of it */
    bool measured; /* at least in part; the rest is empty else */
    struct verify_run *run;
    struct tare_cost_model model;
    struct verify_timer *timers;
    size_t timer_count;
    uint64_t pairs, dropped;
    uint64_t cases, covered;
    struct tare_interval coverage; /* of the chance that an interval holds the truth, Clopper-Pearson, 95 % */
    struct tare_verify_bound single, nest;
};

enum { VERIFY_MODES_MAX = 4 }; /* three clocks, one of them twice */

struct verify {
    struct verify_mode modes[VERIFY_MODES_MAX];
    size_t mode_count;
    double time_s; /* for all modes */
    int pin;       /* -1: wherever */
    struct tare_lock lock;
    int interrupted; /* a signal's number: not everything was measured */
};

/* The mode came to its end. */
bool verify_mode_complete(const struct verify_mode *mode);

/* All modes, one after the other. Returns 0, also after an interruption, or an exit code after an error. */
int verify_measure(struct verify *verify);
void verify_release(struct verify *verify);

/* Whether the figures are true: 1, 0, or -1 where not everything that is judged was measured. */
int verify_verdict(const struct verify *verify);

/* "tsc-ordered", "tsc-ordered, sums only". */
const char *verify_mode_name(const struct verify_mode *mode);

/* Each returns 0, -ENOMEM, or -EIO if the stream has an error. `header` has version, time and environment. */
int verify_write_table(const struct verify *verify, FILE *out);
int verify_write_json(const struct verify *verify, const struct tare_result *header, FILE *out);

#endif
