/* SPDX-License-Identifier: MIT */
/* What a reader asks of a live process through its page. */
#ifndef TARE_RECORD_ASK_H
#define TARE_RECORD_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "record/reader.h"

/*
 * Asks every thread that has a block to measure once more what a scope costs, when it ends one and has none
 * open. What they find is in the page's `cost_in_run`. Takes some 0.5 ms of each thread's time, so ask twice a
 * second at most. Returns how many were asked; 0 if the page cannot be read or written to, or where its clock
 * is so slow that this would take long.
 */
unsigned tare_page_ask_calibration(const struct tare_page_source *source);

/* When to ask: early, as short runs are many, and twice a second later on. All 0 at first. */
struct tare_ask_times {
    uint64_t next_ns;
    uint64_t pause_ns;
};

/* Whether it is time, `now_ns` being of any clock; then the next time is set. */
bool tare_ask_is_due(struct tare_ask_times *times, uint64_t now_ns);

#endif
