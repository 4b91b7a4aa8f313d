/* SPDX-License-Identifier: MIT */
/*
 * Looks at live pages from time to time and keeps what was counted in between, in blocks, for the sampling
 * error of each timer's mean (stats/blocks.h). The measured program does nothing for it: the reader makes the
 * blocks.
 *
 * Pages have numbers, the caller's: in a set those of the set. A page that is new is looked at every few ms,
 * one that has been there for long every tenth of a second, and all of it takes at most half a percent of one
 * processor: where pages are large or many, looks get rarer.
 *
 * Times are CLOCK_MONOTONIC in ns, as the caller read it. Not thread-safe.
 */
#ifndef TARE_RECORD_SAMPLER_H
#define TARE_RECORD_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "record/reader.h"
#include "stats/blocks.h"

struct tare_sampler;

struct tare_sampler *tare_sampler_new(uint64_t now_ns); /* NULL without memory */
void tare_sampler_free(struct tare_sampler *sampler);   /* NULL is fine */

/*
 * What page `number` holds in `view` does not count: for a process that has been running before. Without it a
 * page is taken to have begun at zero. Returns 0 or -ENOMEM: then all that is counted becomes one block at its
 * end.
 */
int tare_sampler_begin(struct tare_sampler *sampler, uint64_t number, const struct tare_page_view *view,
                       uint64_t now_ns);

/*
 * A round of looks, while programs run: if it is time for one, poll every page that lives, and then ask how
 * long to wait for the next round, at most a tenth of a second, and longer only to keep to the half percent.
 * Pages that cannot be read, or not yet, and memory that is missing are passed over: blocks get longer by that,
 * and nothing is lost.
 */
bool tare_sampler_is_due(struct tare_sampler *sampler, uint64_t now_ns);
void tare_sampler_poll(struct tare_sampler *sampler, uint64_t number, const struct tare_page_source *source,
                       uint64_t now_ns);
uint64_t tare_sampler_wait_ns(struct tare_sampler *sampler, uint64_t now_ns);

/*
 * All blocks of a timer of page `number`, the last one being what `timer` has beyond them: its sums, in ticks,
 * are of the final reading, less what the page held when tare_sampler_begin() was told. A page that was never
 * seen gives one block.
 */
void tare_sampler_blocks(const struct tare_sampler *sampler, uint64_t number,
                         const struct tare_page_timer *timer, struct tare_run_blocks *blocks);

/* The page has been read for the last time: gives its memory back. */
void tare_sampler_forget(struct tare_sampler *sampler, uint64_t number);

#endif
