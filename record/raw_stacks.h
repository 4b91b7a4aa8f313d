/* SPDX-License-Identifier: MIT */
/*
 * Samples as the built-in sampler writes them, kept as addresses until the program has ended: finding functions
 * and lines reads much debug information, which would disturb what is measured. What is mapped where is kept
 * along, for each process and each of its programs, so that addresses mean then what they meant when they were
 * taken.
 *
 * Not safe to use from several threads at once. Private to record/.
 */
#ifndef TARE_RECORD_RAW_STACKS_H
#define TARE_RECORD_RAW_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/profile.h"
#include "record/samples_reader.h"
#include "record/symbols.h"

struct tare_raw_stacks;

struct tare_raw_stacks *tare_raw_stacks_new(void); /* NULL without memory */
void tare_raw_stacks_free(struct tare_raw_stacks *stacks);

/* Takes a record; one of a kind that has nothing to do with stacks is passed over. Returns 0 or -ENOMEM. */
int tare_raw_stacks_take(struct tare_raw_stacks *stacks, const struct tare_samples_record *record);

/* The processes that were heard of, each once; index from 0. 0: there are no more. */
uint32_t tare_raw_stacks_pid(const struct tare_raw_stacks *stacks, size_t index);
size_t tare_raw_stacks_samples(const struct tare_raw_stacks *stacks);

/* What the profile is to be given, besides symbols. */
struct tare_raw_finish {
    uint64_t start_ns;    /* CLOCK_MONOTONIC that is the profile's 0 */
    uint64_t interval_ns; /* that each expiration stands for */
    /* The profile's number of a timer in a page, TARE_PROFILE_NONE: unknown. NULL: without timers. */
    uint32_t (*timer)(void *data, uint32_t page, uint32_t index);
    /* Asked now and then; true: name nothing more. What is left is in `unnamed`. NULL: never. */
    bool (*stopped)(void *data);
    uint64_t *unnamed; /* addresses without a name because of that are added to it; may be NULL */
    void *data;
};

/*
 * Adds processes, threads and samples to the profile, with functions and lines. Sets profile->interval_ns.
 * Returns 0 or -ENOMEM.
 */
int tare_raw_stacks_finish(struct tare_raw_stacks *stacks, const struct tare_raw_finish *finish,
                           struct tare_symbols *symbols, struct tare_profile *profile);

#endif
