/* SPDX-License-Identifier: MIT */
/*
 * What the files of `tare bench` share. cmd_bench.c reads the command line, cmd_suite.c that of a suite,
 * bench_call.c measures one benchmark after the other, bench_sides.c finds out what is to be
 * compared, bench_blocks.c runs one process, bench_rounds.c measures one benchmark, bench_judge.c makes figures and
 * verdicts of its rounds, bench_builds.c builds what has to be, bench_counts.c counts for each operation, bench_timers.c reads the timers inside.
 */
#ifndef TARE_CLI_BENCH_H
#define TARE_CLI_BENCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"
#include "harness/lines.h"
#include "record/block.h"
#include "record/relink.h"
#include "record/worktree.h"
#include "result/benchmarks.h"
#include "stats/order.h"

enum {
    BENCH_SIDES_MAX = TARE_ORDER_ARMS_MAX - 1, /* one arm is the control */
    BENCH_LAYOUTS_MAX = TARE_RELINK_MOST,
};

/* The rule on contamination, decided before anything is measured; docs/benchmarks.md says why so. */
#define BENCH_LOST_SHARE 0.10 /* of a block's time waited for a processor, or of a round's time stolen; */
#define BENCH_LOST_NS 5e5     /* and waited for so long: less is what any process takes to get going */

/* Starts of the shell before the first round; one more is in each round. */
enum { BENCH_SHELL_STARTS = 25 };

/* A process measures for about so long, in so many samples, of which the median is taken. */
#define BENCH_BLOCK_NS 5e6
enum { BENCH_SAMPLES = 12 };

/* Processes that find out how long an iteration takes, and when it is warm. */
enum { BENCH_PROBES = 3, BENCH_PILOTS = 5 };

/* Without a comparison: enough when the median's interval is as narrow as this to each side. */
#define BENCH_SINGLE_HALF 0.005
enum { BENCH_SINGLE_BLOCKS = 30 };

/* --timeout where it is not given, of programs; commands have none. */
#define BENCH_TIMEOUT_S 60.0

/* Words that may be given once for all sides, or once for each. */
struct bench_words {
    const char *words[BENCH_SIDES_MAX];
    size_t count;
};

struct bench_options {
    struct output output;
    bool list, command, unlocked, no_counts, instructions, ignore_failure, show_output;
    double time_s, timeout_s, margin, alpha;
    int pin;
    uint64_t seed;
    const char *filter, *input, *name, *revision, *build;
    const char *shell; /* NULL: none */
    struct bench_words vs, setup, prepare, conclude, cleanup;
    unsigned long warmup, relink;
    enum fail_on fail_on;
};

/* What runs in an arm: a program with benchmarks in it, or a command line. */
struct bench_side {
    const char *what; /* as it was given */
    bool program;
    char *path;             /* the executable: of the program, of the command's first word or its shell */
    char **argv;            /* of a command; of a program its name alone */
    struct bench_list list; /* of a program */
    bool has_timers;
    const char *setup, *prepare, *conclude, *cleanup; /* command lines, or NULL */
    const char *revision;                             /* that it was built from, or NULL */
    char *layouts[BENCH_LAYOUTS_MAX];                 /* executables that differ in their link order */
    size_t layout_count;                              /* at least 1; layouts[0] is `path` */
};

/* What one arm, or the shell's start, gave in one round. */
struct bench_value {
    double ns;         /* NAN: nothing */
    double mean_ns;    /* of all iterations of its samples; NAN for commands */
    double lost_share; /* of its time, that it could have run and did not */
};

struct bench_call {
    struct bench_options options;
    struct bench_side sides[BENCH_SIDES_MAX];
    size_t side_count;
    struct tare_result *result;
    struct tare_lock lock;
    struct tare_random random; /* of paddings and of orders */
    struct tare_machine_marks *marks;
    double shell_ns;                                     /* what starting the shell takes; 0 without one */
    double shell_low_ns, shell_high_ns;                  /* 95 % interval of that */
    struct bench_value shell_starts[BENCH_SHELL_STARTS]; /* before the first round */
    char *shell_path;
    char *count_library; /* for allocations; NULL: not looked for yet, or missing */
    bool count_library_missing;
    const char *suite;          /* whose programs the sides are; NULL: of tare bench */
    const char *suite_settings; /* more of its fingerprint; NULL without a suite */
    /* Whether it is to be measured at all, beside --filter; NULL: all are. */
    bool (*wanted)(const struct bench_call *call, const struct bench_case *one);
    /* Shows a benchmark that was measured, on standard output. */
    void (*show)(const struct bench_call *call, size_t index);
    unsigned probes, pilots; /* BENCH_PROBES and BENCH_PILOTS at most */
    bool short_timers;       /* less time for the timers inside */
    bool timers_alone;       /* each of them in an execution of its own */
    size_t least_rounds;     /* of each benchmark, whatever time they take; 0: as many as there is time for */
    uint64_t end_ns;         /* least_rounds does not hold any more then; 0: it always does */
    /* Where ratios are the answer: no comparison is over before half of its interval is this, and alpha is of each of
     * them; 0: verdicts are, and it is of all. */
    double ratio_half;
    size_t comparisons;   /* in the whole call */
    size_t done, planned; /* benchmarks */
    size_t parts,
        parts_begun; /* of the call, as long as --time each: comparisons, and benchmarks without one */
    bool failed;     /* one of them */
    int write_error; /* errno of the first table that could not be written; 0: none */
    struct tare_worktree worktree; /* of --vs-rev */
    char *built_what;              /* the name of that side; NULL: none */
    struct tare_relink relinked[BENCH_SIDES_MAX];
};

/* One benchmark, as it is measured. */
struct bench_arm {
    const struct bench_side *side;
    unsigned case_index; /* of a program */
    bool control;
    bool with; /* TARE_EACH_WITH: its set-up is executed with each iteration, and cannot be told apart */
    uint64_t iterations;      /* of a sample; 0: to be found in each process */
    unsigned warmup, samples; /* of a process: how many to leave out, and how many to keep */
    uint64_t executions;      /* of a command, that its sums are of */
    bool failed;              /* it is left out from then on */
};

struct bench_work {
    struct bench_call *call;
    struct tare_result_benchmark *benchmark; /* its place is fixed while it is measured */
    struct bench_arm arms[TARE_ORDER_ARMS_MAX];
    size_t arm_count;
    size_t comparison_count;       /* arm_count - 2, or 0 */
    struct bench_value *values;    /* round_count times arm_count; of commands without the shell's start */
    struct bench_value *starts;    /* of the shell, one in each round; not set without one */
    double *stolen;                /* of each round: share of its time */
    struct tare_result_round *now; /* the round that is under way: the last of the benchmark's */
    size_t round_count, round_room;
    size_t warm_rounds; /* of commands: that are left out at the beginning */
    double first_ns[TARE_ORDER_ARMS_MAX][64];
    size_t first_count[TARE_ORDER_ARMS_MAX];
    uint64_t begun_ns, budget_ns;
    double last_fraction;
    size_t looks;                      /* that were made */
    bool decided[TARE_ORDER_ARMS_MAX]; /* by comparison: the verdict is final */
};

/* A signal that came: SIGINT, SIGTERM ...; 0: none. */
extern volatile sig_atomic_t bench_signal;

/* bench_call.c */
void bench_call_init(struct bench_call *call); /* the options' defaults */
void bench_call_release(struct bench_call *call);
enum { BENCH_SIGNALS = 4 };
struct bench_signals {
    struct sigaction signals[BENCH_SIGNALS], pipe;
};
void bench_signals_take(struct bench_signals *before); /* they end up in bench_signal */
void bench_signals_give_back(const struct bench_signals *before);
bool bench_wanted(const struct bench_call *call, const struct bench_case *one);
const struct bench_case *bench_find_case(const struct bench_side *side, const char *name, unsigned *index);
size_t bench_sides_with(const struct bench_call *call, const char *name); /* how many have the benchmark */
bool bench_shows_table(const struct bench_options *bench); /* on standard output, while it is measured */
/* What was shown, with errno 0 before: an error is kept in write_error. */
void bench_flush(struct bench_call *call);
bool bench_begin_result(struct bench_call *call, char **argv); /* false after an error was printed */
/* `one`: of a program; NULL: the command. 0, -EINTR, or -errno after an error was printed. */
int bench_measure_one(struct bench_call *call, const struct bench_case *one);
void bench_mark_end(struct bench_call *call, int result); /* that of the last one: what else than 0 is told */

/* bench_sides.c: false after an error was printed. */
bool bench_sides_find(struct bench_call *call, char *const *operands, size_t count);
/*
 * One of a suite: `argv` (the caller's, as `what` is) is run by the executable `path`. Returns 0; 1 if it cannot be run
 * or has no list, with why in `message`; or -EINTR or -ENOMEM.
 */
int bench_sides_add_suite(struct bench_call *call, const char *what, const char *path, char *const *argv,
                          bool timers, char *message, size_t message_size);
/* One more, that was built: all but `call` stays the caller's. */
bool bench_sides_add_program(struct bench_call *call, const char *what, const char *path, const char *revision);
void bench_sides_release(struct bench_call *call);
/* Runs a command line by the shell, or without one, outside of any measurement; `what` names it in an error. */
bool bench_run_hook(struct bench_call *call, const char *what, const char *command);

/* bench_builds.c: false after an error was printed. */
void bench_builds_recover(char *const *operands, size_t count); /* of a call that was killed */
bool bench_builds_revision(struct bench_call *call);
bool bench_builds_relink(struct bench_call *call);
void bench_builds_release(struct bench_call *call);

/* bench_blocks.c */
struct bench_job {
    const char *kind; /* "list", "block", "exact", "count" */
    unsigned samples;
    double sample_ns;
    uint64_t iterations; /* 0: to be found */
    size_t layout;
    bool count_syscalls, count_hardware;
    const char *preload;
    const char *variable; /* one more for the environment, or NULL */
    double *instructions; /* run it under valgrind, and put here how many it took; NULL: do not */
};
/*
 * Runs one process of a side. Returns 0, 1 if the benchmark failed, which `failure` (the caller's to free) says in
 * one line, -EINTR, or -errno after an error was printed. `block` is released by the caller unless NULL.
 */
int bench_block_run(struct bench_call *call, const struct bench_side *side, unsigned case_index,
                    const struct bench_job *job, struct bench_block *block, struct tare_block_outcome *outcome,
                    char **failure);
/* The same for a command's execution; hooks around it are not timed. */
int bench_command_run(struct bench_call *call, const struct bench_side *side, const struct bench_job *job,
                      struct tare_block_outcome *outcome, char **failure);
/* One execution of nothing by the shell. 0 or -errno after an error. */
int bench_shell_once(struct bench_call *call, struct bench_value *start);
/* What its start takes, from some of them before the first round. 0 or -errno after an error. */
int bench_shell_start(struct bench_call *call);
/*
 * The same from those in the rounds, `stolen` of each. Those that were disturbed do not count. 0, or -ENOMEM after an
 * error was printed.
 */
int bench_shell_settle(struct bench_call *call, const struct bench_value *starts, const double *stolen,
                       size_t count);
/* Of the time that it wanted to run, what it waited for a processor; NAN: unknown. */
double bench_lost_share(double wait_ns, double cpu_ns);
/* Says something of the benchmark once, as a note of the result. */
void bench_note(struct bench_call *call, const char *benchmark, const char *label, const char *text);

/* bench_rounds.c: 0, -EINTR with what there is, or -errno after an error was printed. */
int bench_measure(struct bench_call *call, struct bench_work *work);

/* bench_judge.c */
/* Looks at the rounds so far; true: no further round is needed. At the end `last` is set. */
bool bench_look(struct bench_work *work, double fraction, bool last);
/* How much wider an interval is to be, as neighbours among the values depend on each other: at least 1. */
double bench_widening(const double *values, size_t n);
/* Without comparison: whether the median is known well enough. */
bool bench_single_is_enough(struct bench_work *work);
/* Fills the benchmark's arms from the rounds. 0 or -ENOMEM. */
int bench_summarise(struct bench_work *work);
/* Over all benchmarks of the call. 0 or -ENOMEM. */
int bench_growths(struct tare_result_bench *bench);

/* bench_counts.c, bench_timers.c: what they cannot find out stays unknown. 0, -EINTR or -errno. */
int bench_counts(struct bench_call *call, struct bench_work *work);
int bench_timers(struct bench_call *call, struct bench_work *work);

#endif
