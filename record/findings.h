/* SPDX-License-Identifier: MIT */
/*
 * What the settings and measurements of a machine mean for who measures on it: for each thing a rating, what it
 * is, what it does to measurements, and how it is set.
 */
#ifndef TARE_RECORD_FINDINGS_H
#define TARE_RECORD_FINDINGS_H

#include <stddef.h>

#include "record/gaps.h"
#include "record/load.h"
#include "record/machine.h"

/* What was measured on this machine just now; a part with `seconds` or `batches` 0 was not. */
struct tare_measured {
    struct tare_gaps bound, loose; /* a thread bound to one processor, and one free to move */
    struct tare_wander wander;
    struct tare_call_cost system_call, clock, timer;
    const char *timer_name; /* of the clock that tare reads by default */
    struct tare_load load;
    struct tare_interrupt interrupts[TARE_LOAD_TOP]; /* on the processor of `bound`, while it was watched */
    size_t interrupt_count;
};

/* Sets everything to not measured. */
void tare_measured_init(struct tare_measured *measured);

enum tare_rating {
    TARE_RATING_FINE,
    TARE_RATING_NOTE,    /* to be known, and to be the same where results are compared */
    TARE_RATING_HARMS,   /* figures are worse for it */
    TARE_RATING_UNKNOWN, /* cannot be read or measured here */
};

/* A number that stands in `value`, for programs; NAN: unknown. */
struct tare_figure {
    const char *name;
    double value;
};

/* Texts are sentences or clauses without line breaks, UTF-8; `command` is for a shell, "" if none is to be had. */
struct tare_finding {
    const char *name;
    enum tare_rating rating;
    char value[400];
    char effect[400];
    char advice[300];
    char command[1200];
    struct tare_figure figures[10];
    size_t figure_count;
};

struct tare_findings {
    struct tare_finding list[24];
    size_t count;
};

/* `measured` NULL: measuring was left out. Never fails; has all findings, those that are unknown as such. */
void tare_findings_make(struct tare_findings *findings, const struct tare_machine *machine,
                        const struct tare_counters *counters, const struct tare_measured *measured);

/* "fine", "note", "harms", "unknown". */
const char *tare_rating_name(enum tare_rating rating);
size_t tare_findings_count(const struct tare_findings *findings, enum tare_rating rating);

/* Of those that harm, the one to deal with first; NULL: none does. */
const struct tare_finding *tare_findings_first(const struct tare_findings *findings);

#endif
