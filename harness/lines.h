/* SPDX-License-Identifier: MIT */
/*
 * What a benchmark program and the one who drives it say to each other. The driver starts the program once for
 * each job, with the variable TARE_BENCH_DRIVE in its environment:
 *
 *     TARE_BENCH_DRIVE="fd=9 job=list"
 *     TARE_BENCH_DRIVE="fd=9 job=block case=3 samples=12 sample_ns=400000 iterations=0"
 *
 * and the program writes lines to that descriptor, and none to standard output:
 *
 *     tare-bench 1                  the version of these lines, first
 *     case 3 ring_write/64 threads=1 args=64 bench=ring_write line=12 file=ring_bench.c
 *                                   job=list: for each case, in order from 0. `args` has commas, and is left
 *                                   out where there are none; `file` is the rest of the line, or left out
 *     first 5210.5                  ns of the first iteration, which is run and timed alone
 *     sample 4096 398211.4          iterations and ns, for each sample in order; what the loop itself takes and
 *                                   what reading the clock takes are subtracted already, so that ns may be 0
 *                                   or less where there is next to no work
 *     with                          its loop is TARE_EACH_WITH: what is counted from outside has the set-up of
 *                                   each iteration in it
 *     loop 0.27                     ns that were subtracted for each iteration (TARE_EACH_WITH: readings, too)
 *     bytes 64                      for each iteration (of each thread), where the benchmark says so
 *     items 1
 *     wait 120000                   ns that its threads could have run and did not, during the samples
 *     migrations 1                  processors changed between samples, at least
 *     cpu 4801234                   ns of processor time during the samples, all threads
 *     involuntary 2                 context switches that were, during the samples
 *     count page_faults 0.001       job=count: so many for each iteration (of each thread), without the loop's
 *     failed tare_require(x == 3) in ring_bench.c:20
 *                                   a benchmark that computes the wrong thing, has no loop, or the like; of
 *                                   job=list: benchmarks of one name, and the like
 *     failed skipped: no second processor
 *                                   it cannot be measured here, which is no failure (tare_skip())
 *     end                           all went well
 *
 * job=block: `samples` samples of about `sample_ns` (of TARE_EACH_WITH: with the set-up); the number of
 * iterations of a sample is found by the program itself where `iterations` is 0 or left out, in runs before
 * the first sample that are not told. job=exact: one sample of just `iterations`, without a first one and
 * without scaling (for counting instructions, and timers): its ns are as the clock read them, and no `loop`
 * is said, as nothing else is to run. With `empty=1` an empty loop takes the place of the benchmark's body:
 * what that counts is the loop's own. job=count: samples of `iterations` and of twice as many in turn, and
 * what they counted differs by; of TARE_EACH_WITH nothing. There is no `sample` then.
 *
 * The body runs once for each job. The exit code is 0, 1 if the benchmark failed, or what the benchmark
 * itself ended the process with; 2 for a job that is none. What was measured is written when the samples are
 * done, or, if they take longer, some ten times a second. A program that prints or forks is no error to these
 * lines; the driver sees it. Its descriptor is closed in programs that the benchmark executes, and the
 * variable is taken out of the environment. Numbers are decimal, with a point; names have no blanks. Lines
 * come from another process: the parser takes nothing for granted. `wait`, `migrations`, `cpu` and
 * `involuntary` are at least 0 and below 2^53.
 *
 * Room for more, within a version: a line whose first word is not known is passed over, and so is what follows
 * the last word that is known in a line (but for `file` and `failed`, which take the rest). So drivers and
 * programs of different age understand each other; what one of them does not say is unknown. The version
 * changes when something that is here changes its meaning.
 */
#ifndef TARE_HARNESS_LINES_H
#define TARE_HARNESS_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BENCH_LINES_VERSION = 1,
    BENCH_LINE_MAX = 2048,
    BENCH_CASES_MAX = 4096,
    BENCH_SAMPLES_MAX = 4096,
    BENCH_ARGS_MAX = 8,
    BENCH_COUNTS_MAX = 16,
    BENCH_NAME_MAX = 256,
};

/* What the text behind `failed` begins with where it is none. */
#define BENCH_SKIPPED "skipped: "

struct bench_case {
    char *name;  /* "ring_write/64", "ring_write/64/threads:4": unique in the program */
    char *bench; /* "ring_write" */
    double args[BENCH_ARGS_MAX];
    unsigned arg_count;
    unsigned threads;
    char *file; /* NULL: unknown */
    unsigned line;
};

struct bench_count {
    char name[32];
    double per_iteration;
};

/* What one process said; unknown: NAN. */
struct bench_block {
    double first_ns;
    struct bench_sample {
        uint64_t iterations;
        double ns;
    } * samples;
    size_t sample_count;
    double loop_ns, bytes, items;
    double wait_ns, cpu_ns, migrations, involuntary;
    struct bench_count counts[BENCH_COUNTS_MAX];
    size_t count_count;
    bool with;     /* TARE_EACH_WITH */
    char *failed;  /* NULL: it did not fail */
    bool complete; /* `end` came */
};

struct bench_list {
    struct bench_case *cases;
    size_t count;
};

/*
 * Each reads the lines in `text`, which need not end with NUL. Returns 0, -EINVAL with what is wrong in
 * `message` (no full stop), or -ENOMEM. What was read is the caller's to release, also after an error. What
 * follows the last newline is not looked at: it may be cut. A list that has `failed` or does not end with
 * `end` is an error, a block is not: `failed` is set, `complete` is false then.
 */
int bench_lines_list(const char *text, size_t size, struct bench_list *list, char *message,
                     size_t message_size);
int bench_lines_block(const char *text, size_t size, struct bench_block *block, char *message,
                      size_t message_size);
void bench_list_release(struct bench_list *list);
void bench_block_release(struct bench_block *block);

#endif
