/* SPDX-License-Identifier: MIT */
/*
 * What tare-rungs says and `tare verify` reads: lines of words separated by one space, in this order.
 *
 *     tare-rungs 1                        the version of what follows
 *     cpus 0 1                            where it ran: the first thread, the second (-1: nowhere)
 *     ring l2 524288 known                bytes of a ring of loads; `assumed` where no cache size is known
 *     rung chain-5 single chain-5         for each rung: name, class (single, nest, other), its timers,
 *     rung nest nest nest-a nest-b          outermost first
 *     skip two-threads one processor      a rung that cannot run here, and why
 *     pair 3 0 812 40112 ...              a pair of blocks: see below
 *     end 40                              all went well; so many repetitions were made
 *
 * A pair: the number of the rung (0 is the first), the repetition (0 is the first), calls and wall time of the
 * block with scopes, and for each timer eight numbers: calls and wall time of its block without scopes; and
 * what the timer counted in the block with scopes: calls, outermost, ticks, scopes within, closeness within,
 * uncounted within (tare/tare.h). Wall times are in ns of CLOCK_MONOTONIC_RAW, without what reading it costs.
 * All numbers are whole; calls, times and outermost are not 0. Repetitions come in order.
 *
 * The lines come from another process, so the parser takes nothing for granted. No line is longer than
 * VERIFY_LINE_MAX; what follows the last newline is not looked at: it may be cut.
 */
#ifndef TARE_VERIFY_LINES_H
#define TARE_VERIFY_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VERIFY_LINES_VERSION = 1,
    VERIFY_LINE_MAX = 1024,
    VERIFY_LEVELS_MAX = 4,
    VERIFY_RUNGS_MAX = 64,
    VERIFY_PAIRS_MAX = 1 << 20, /* of one rung */
    VERIFY_NAME_MAX = 32,
};

enum verify_class {
    VERIFY_SINGLE, /* a scope without scopes within */
    VERIFY_NEST,   /* a call tree; its timers are its levels */
    VERIFY_OTHER,  /* other scopes with scopes within */
    VERIFY_CLASSES,
};

/* The words of the lines: "single", "nest", "other". */
extern const char *const verify_class_names[VERIFY_CLASSES];

struct verify_pair {
    uint32_t repetition;
    uint64_t timed_calls, timed_ns;
    struct verify_counts {
        uint64_t bare_calls, bare_ns;
        uint64_t calls, outermost, ticks, within, closeness, uncounted;
    } level[VERIFY_LEVELS_MAX];
};

struct verify_rung {
    char name[VERIFY_NAME_MAX];
    enum verify_class class;
    unsigned levels;
    char level_name[VERIFY_LEVELS_MAX][VERIFY_NAME_MAX];
    char skipped[128]; /* why; "" if it ran */
    struct verify_pair *pairs;
    size_t pair_count, pair_room;
};

/* All that a process said. */
struct verify_run {
    int cpu, second_cpu; /* -1: unknown, or none */
    struct verify_ring {
        char name[VERIFY_NAME_MAX];
        uint64_t bytes; /* 0: there was no such line */
        bool known;
    } rings[VERIFY_LEVELS_MAX];
    struct verify_rung rungs[VERIFY_RUNGS_MAX];
    size_t rung_count;
    uint32_t repetitions; /* that were begun */
    bool complete;        /* it came to its end */
};

/*
 * Reads the lines in `text`, which need not end with NUL, into `run`, which the caller releases with
 * verify_run_release(), also after an error. Returns 0, or -EINVAL with what is wrong in `message` (no full
 * stop), or -ENOMEM. Lines that stop early are no error: then `complete` is false.
 */
int verify_lines_parse(const char *text, size_t size, struct verify_run *run, char *message,
                       size_t message_size);
void verify_run_release(struct verify_run *run);

#endif
