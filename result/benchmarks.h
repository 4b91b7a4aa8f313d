/* SPDX-License-Identifier: MIT */
/*
 * What `tare bench` found: part of the result (result/model.h), kind "bench". Times are in ns, of one operation
 * (an iteration of a loop, an execution of a command). Unknown: NAN, NULL, TARE_COUNT_UNKNOWN; in JSON null.
 */
#ifndef TARE_RESULT_BENCHMARKS_H
#define TARE_RESULT_BENCHMARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/compare.h"
#include "stats/growth.h"
#include "stats/summary.h"

/* Counted for each operation; NAN: not known here. */
enum tare_per_op {
    TARE_PER_OP_SYSCALLS,
    TARE_PER_OP_PAGE_FAULTS,
    TARE_PER_OP_CONTEXT_SWITCHES,
    TARE_PER_OP_ALLOCATIONS,
    TARE_PER_OP_ALLOCATED_BYTES,
    TARE_PER_OP_CYCLES,
    TARE_PER_OP_INSTRUCTIONS,
    TARE_PER_OP_BRANCHES,
    TARE_PER_OP_BRANCH_MISSES,
    TARE_PER_OP_CACHE_REFERENCES,
    TARE_PER_OP_CACHE_MISSES,
    TARE_PER_OP_VALGRIND_INSTRUCTIONS, /* by callgrind: a repeatable proxy, see docs/benchmarks.md */
    TARE_PER_OP_USER_NS,
    TARE_PER_OP_SYSTEM_NS,
    TARE_PER_OPS,
};
/* "syscalls", "page_faults", ...: as in the lines `count` of harness/lines.h and in JSON. */
extern const char *const tare_per_op_names[TARE_PER_OPS];

/* A timer inside the benchmarked code, in one operation. */
struct tare_result_inner_timer {
    char *module, *name;
    double calls;  /* for each operation */
    double net_ns; /* for each call, and the +- of that */
    double net_error_ns;
    /* Of single calls, those of the set-up among them: what others took of the machine is in few of them. */
    double net_p50_ns, net_p50_error_ns, net_p99_ns;
};

/*
 * What runs: the program or command that a benchmark was measured with. One in each benchmark's `arms`, which
 * are TARE_ORDER_ARMS_MAX at most.
 */
struct tare_result_arm {
    char *label;    /* "A", "B", "C"; the control is "A'" */
    bool control;   /* the same as the first, through the same machinery */
    char *what;     /* the executable's path or the command line */
    char *revision; /* that it was built from; NULL: as it was found */
    char *failure;  /* one line: why there are no figures, or no more; NULL: all went well */
    int exit_code;  /* of a command: the last that was not 0; -1: unknown */

    /*
     * Of the values below that were kept; n 0: none. The unit of independence is the process: one value each.
     */
    struct tare_summary summary;
    double *values_ns; /* in the order of the rounds; each the median of its process's warm samples */
    uint32_t *rounds;  /* of each value, from 1 */
    bool *dropped;     /* with its round, by the rule on contamination */
    size_t value_count;

    double first_ns;     /* the first operation of a process (of a command: its first execution) */
    uint64_t warmup;     /* samples (of a command: executions) that were found to be warm-up, and left out */
    int warmup_settled;  /* 1, 0: it never became steady, -1: unknown */
    uint64_t iterations; /* of one sample; 1 for commands */
    uint64_t samples;    /* of one process, warm ones */
    double loop_ns;      /* subtracted for each iteration: the loop itself, and reading the clock */
    double start_ns;     /* subtracted from each execution of a command: the start of its shell */
    double bytes_per_op, items_per_op; /* by all threads, in the time of one operation */
    double per_op[TARE_PER_OPS];
    struct tare_result_inner_timer *timers;
    size_t timer_count;
};

/* What others did to the machine in one round, all arms together. */
struct tare_result_round {
    double wall_ns;       /* from its begin to its end, with the hooks around commands */
    double steal_ns;      /* by the hypervisor, of all processors */
    double wait_ns;       /* that the measured programs could have run and did not */
    double measured_ns;   /* that they ran, and that */
    double pressure_ns;   /* PSI: that somebody waited for a processor, in the whole system */
    double frequency_hz;  /* behind it, as the kernel tells */
    uint64_t involuntary; /* context switches */
    uint64_t migrations;  /* at least */
};

/* Why rounds were dropped, or what there was of it: sums over all rounds, and each of them. */
struct tare_result_contamination {
    uint64_t rounds;      /* that were measured */
    uint64_t dropped;     /* for all arms, by the rule */
    bool rule_suspended;  /* it would have dropped more than half: nothing was dropped */
    double threshold;     /* the rule's: share of a block's time that others took */
    double steal_ns;      /* by the hypervisor, of all processors */
    double wait_ns;       /* that the measured programs could have run and did not */
    double measured_ns;   /* what that is a share of */
    double wall_ns;       /* of the rounds: what stolen time and pressure are shares of */
    uint64_t involuntary; /* context switches */
    uint64_t migrations;  /* at least */
    double pressure_ns;   /* PSI: that somebody waited for a processor, in the whole system */
    double frequency_low_hz, frequency_high_hz; /* as the kernel tells */
    struct tare_result_round *each;             /* in their order; of older results there are none */
    size_t each_count;
};

struct tare_result_comparison {
    unsigned arm; /* index of B in `arms`; A is 0 */
    struct tare_comparison comparison;
    bool decided_early; /* the rule stopped before the time was over */
    char *reason;       /* of an unresolved one, in words; NULL */
};

struct tare_result_benchmark {
    char *name;  /* unique in the result; of a command: the command line of A, or its --name */
    char *bench; /* the name without arguments: cases of one sweep share it */
    double *args;
    size_t arg_count;
    unsigned threads;
    bool command; /* a command line, timed as a whole */
    char *file;
    uint32_t line;
    struct tare_result_arm *arms;
    size_t arm_count;
    struct tare_result_comparison *comparisons;
    size_t comparison_count;
    struct tare_result_contamination contamination;
    double spent_ns;  /* wall time that it took */
    unsigned layouts; /* link orders that were used, 1: as built */
};

/* Over the cases of one benchmark that differ in one argument. */
struct tare_result_growth {
    char *bench;
    unsigned arm;
    unsigned arg; /* which one */
    struct tare_growth growth;
};

/* What was decided before the first round. */
struct tare_result_bench_settings {
    double time_s; /* for each comparison, at most */
    double margin, alpha, control_alpha;
    uint64_t comparisons;
    double block_ns;
    uint64_t seed; /* of the order of the arms */
    int pin;       /* -1: none */
};

struct tare_result_bench {
    struct tare_result_bench_settings settings;
    struct tare_result_benchmark *benchmarks;
    size_t benchmark_count;
    struct tare_result_growth *growths;
    size_t growth_count;
    char *ended_by; /* of an incomplete result: what else than a signal ended it, in one line; NULL */
};

struct tare_result_bench *tare_result_bench_new(void);
void tare_result_bench_free(struct tare_result_bench *bench); /* NULL is fine */

/* Each appends an element with everything unknown and returns it; NULL without memory. Earlier pointers to
 * elements of the same array become invalid. `name`, `label` and `what` are copied. */
struct tare_result_benchmark *tare_result_add_benchmark(struct tare_result_bench *bench, const char *name);
struct tare_result_arm *tare_result_add_arm(struct tare_result_benchmark *benchmark, const char *label,
                                            const char *what);
struct tare_result_comparison *tare_result_add_comparison(struct tare_result_benchmark *benchmark,
                                                          unsigned arm);
struct tare_result_growth *tare_result_add_growth(struct tare_result_bench *bench, const char *benchmark);
struct tare_result_inner_timer *tare_result_add_inner_timer(struct tare_result_arm *arm, const char *module,
                                                            const char *name);
/* Whether an arm's failure is that it cannot be measured here, which is none: "skipped: no second processor". */
bool tare_result_is_skip(const char *failure);
void tare_result_drop_inner_timers(struct tare_result_arm *arm);
/* Appends a value of round `round`, not dropped. 0 or -ENOMEM. */
int tare_result_add_value(struct tare_result_arm *arm, double value_ns, uint32_t round);
/* Appends a round to contamination.each, everything unknown; NULL without memory. */
struct tare_result_round *tare_result_add_round(struct tare_result_benchmark *benchmark);
/* Copies them, in place of those there were. 0 or -ENOMEM. */
int tare_result_set_args(struct tare_result_benchmark *benchmark, const double *args, size_t count);

/*
 * Whether it hangs together, as what is written and what was read has to: names are there, and those of
 * benchmarks and of a benchmark's arms occur once; indices are of something; values are finite, in the order of
 * their rounds, and no fewer than the summary is of; the ends of intervals are in order; words are known.
 * Returns 0, -EINVAL with what is wrong in `message` ("'bench.benchmarks[2].comparisons[0].arm' is not the
 * index of an arm"), or -ENOMEM.
 */
int tare_result_bench_check(const struct tare_result_bench *bench, char *message, size_t message_size);

/* The benchmark of that name, or NULL; `bench` may be NULL. */
const struct tare_result_benchmark *tare_result_find_benchmark(const struct tare_result_bench *bench,
                                                               const char *name);

#endif
