/* SPDX-License-Identifier: MIT */
/*
 * From pages to a result: adds up what the processes of a run counted, and turns it into times, raw and net.
 *
 * Pages are added one by one, as their processes end; a collector keeps sums, not pages. Not thread-safe.
 */
#ifndef TARE_RESULT_COLLECT_H
#define TARE_RESULT_COLLECT_H

#include <stdbool.h>

#include "record/reader.h"
#include "record/sampler.h"
#include "result/model.h"

struct tare_collector;

/* `result` gets the processes, the clock and the losses as pages are added. NULL without memory. */
struct tare_collector *tare_collector_new(struct tare_result *result);
void tare_collector_free(struct tare_collector *collector);

/* What is known of a page's process beside the page. */
struct tare_page_context {
    const struct tare_anchor *now; /* for the rate: the clocks, read by us on the same boot; or NULL */
    enum tare_end end;
    int code;
    bool keep_process; /* list the process in the result */
    bool keep_timers;  /* with its own timers (--per-process) */
    bool window;       /* the view is a difference of two readings: extremes are not exact */
    /* Who looked while it ran, and the page's number there; NULL: nobody, and sampling errors are unknown. */
    const struct tare_sampler *sampler;
    uint64_t page;
    uint64_t
        pass; /* the same for all pages of one execution of the program, which are added one after the other */
};

/* Adds one page. Returns 0 or -ENOMEM. */
int tare_collector_add(struct tare_collector *collector, const struct tare_page_view *view,
                       const struct tare_page_context *context);

/*
 * Writes the merged timers into the result, in the order in which they were first seen. Returns 0 or -ENOMEM.
 */
int tare_collector_finish(struct tare_collector *collector);

/* Instead: the figures of one timer, for an exclusive pass. Zero calls if it was not seen. */
int tare_collector_figures(const struct tare_collector *collector, const char *module, const char *name,
                           struct tare_result_figures *figures);

/*
 * later -= earlier, two readings of one live page: what was counted in between. Resets in between start from
 * zero.
 */
void tare_page_view_subtract(struct tare_page_view *later, const struct tare_page_view *earlier);

/* The same of one timer's sums. The extremes stay those of the later reading. */
void tare_timer_sums_subtract(struct tare_timer_sums *later, const struct tare_timer_sums *earlier);

#endif
