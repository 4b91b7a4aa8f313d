/* SPDX-License-Identifier: MIT */
/*
 * The reader's watch over the clock while something is measured: takes readings of the counter and of the
 * kernel's clocks at one instant, again and again, and notices where they part. Bounded memory, no allocation.
 *
 * What it can see is what moves apart. Where the kernel keeps its own time by the counter (clock source `tsc`,
 * arch_sys_counter), a counter that is set or scaled takes the kernel's clock with it, and neither is noticed.
 */
#ifndef TARE_RECORD_CLOCKWATCH_H
#define TARE_RECORD_CLOCKWATCH_H

#include <stdbool.h>
#include <stdint.h>

/* The clocks at one instant, as near as a few tries got. */
struct tare_clock_point {
    uint64_t ticks;           /* of the counter; 0 where there is none */
    uint64_t raw_ns;          /* CLOCK_MONOTONIC_RAW */
    uint64_t bracket_ns;      /* the two were read at most this far apart */
    uint64_t monotonic_ns;    /* CLOCK_MONOTONIC, which stands still while the machine sleeps */
    uint64_t boottime_ns;     /* CLOCK_BOOTTIME, which does not; 0: not to be had */
    uint64_t boot_bracket_ns; /* these two were read at most this far apart */
};

/*
 * How far the counter may be off from one point to the next, beyond what the brackets and the error of the rate
 * leave open, before it is noticed: 1 µs, for the steps of a coarse CLOCK_MONOTONIC_RAW (acpi_pm: 0.28 µs), and
 * 5 parts in a million of the time between, for crystals that warm up.
 */
#define TARE_CLOCK_STEP_NS 1000.0
#define TARE_CLOCK_WANDER 5e-6

/* A difference of rates beyond both errors that is worth a word, in parts per million. */
#define TARE_CLOCK_RATE_CHANGE_PPM 10.0

/* What was noticed. */
struct tare_clock_findings {
    uint64_t points;
    double watched_ns;      /* from the first to the last */
    bool counter_known;     /* there was a counter to compare, often enough: else the next four say nothing */
    uint64_t steps;         /* times that it was set forward or back */
    uint64_t backwards;     /* of them, how often it read less than before */
    double step_ns;         /* the largest, whichever way; 0 without; NAN: its rate was not known yet */
    double rate_change_ppm; /* the largest difference of two stretches' rates beyond their errors; 0 without */
    double suspended_ns;    /* that the machine slept; NAN: unknown */
    bool source_left;       /* the kernel took another clock source meanwhile: */
    char source_before[32], source_after[32];
};

/* Private but for its size. */
struct tare_clock_watch {
    uint32_t kind; /* enum tare_clock: how the counter is read; TARE_CLOCK_NONE: there is none */
    uint64_t points;
    struct tare_clock_point first, last;
    struct tare_clock_point begun;   /* where the stretch under way began */
    double ticks_per_ns, rate_error; /* what is expected; the error relative. 0: unknown yet */
    bool stretched;                  /* that comes from a whole stretch */
    bool doubted;                    /* the last interval was off: a step, or another rate? */
    double doubted_off_ns, doubted_free_ns, doubted_gap_ns;
    uint64_t compared; /* intervals whose length was expected */
    uint64_t steps, backwards;
    double step_ns;
    double change_ppm;
    double slowest, fastest; /* of the stretches: upper bound of the one, lower bound of the other */
    char source_before[32], source_after[32];
};

/* Starts with no point. `kind`: the clock to read the counter with, or TARE_CLOCK_NONE. */
void tare_clock_watch_init(struct tare_clock_watch *watch, uint32_t kind);

/*
 * Adds a point, which must not be earlier than the last. Pure: for tests, and for those who read clocks
 * themselves.
 */
void tare_clock_watch_add(struct tare_clock_watch *watch, const struct tare_clock_point *point);

/* What was noticed so far. */
struct tare_clock_findings tare_clock_watch_findings(const struct tare_clock_watch *watch);

/*
 * The same on the clocks of this machine: a watch with its first point, another point, the last one. Some 2 µs
 * each, and twice the reading of a file in /sys. A watch belongs to one thread at a time.
 */
void tare_clock_watch_begin(struct tare_clock_watch *watch);
void tare_clock_watch_poll(struct tare_clock_watch *watch);
void tare_clock_watch_end(struct tare_clock_watch *watch);

#endif
