/* SPDX-License-Identifier: MIT */
/* What the views of benchmarks share: numbers, sentences, lines that are wrapped. Private to view/. */
#ifndef TARE_VIEW_BENCH_TEXT_H
#define TARE_VIEW_BENCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "result/model.h"
#include "view/view.h"

#define TARE__BOLD "\033[1m"
#define TARE__DIM "\033[2m"
#define TARE__RED "\033[1;31m"
#define TARE__GREEN "\033[1;32m"
#define TARE__YELLOW "\033[1;33m"
#define TARE__PLAIN "\033[0m"

/* Text that grows; after an error nothing more is added. Begins as {0}. */
struct tare__phrase {
    char *text; /* NULL: nothing yet */
    size_t size;
    int error;
};

void tare__phrase_add(struct tare__phrase *phrase, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same behind "; " if there is something already. */
void tare__phrase_item(struct tare__phrase *phrase, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tare__phrase_release(struct tare__phrase *phrase);

/* Where lines for people go. */
struct tare__lines_out {
    FILE *out;
    const struct tare_view_options *options;
    size_t width;
    bool cut;  /* what is too long for a line is cut or broken: there is a terminal */
    int error; /* the first; then nothing more is written */
};

/*
 * A line, made safe (tare__view_safe()) and wrapped at blanks; a number stays with what follows it. Later lines
 * are indented by `hang`. `head` is in `style`, which may be NULL; `rest` follows.
 */
void tare__lines_put(struct tare__lines_out *lines, size_t indent, size_t hang, const char *style,
                     const char *head, const char *rest);
/* The phrase as such a line, if it holds anything; it is released. */
void tare__lines_phrase(struct tare__lines_out *lines, size_t indent, size_t hang, const char *style,
                        struct tare__phrase *phrase);

/*
 * A copy that is safe, cut in the middle if it is wider than `width` columns (0: never). NULL without memory.
 */
char *tare__safe_cut(const char *text, size_t width, bool ascii);

/* Numbers. Each returns `buffer`; unknown is "-". */
enum { TARE__NUMBER_TEXT = 80 };

/* "12.34 ns": as many digits as an error of `error_ns` leaves to be read; without one, four. */
char *tare__text_duration(char buffer[TARE__NUMBER_TEXT], double ns, double error_ns, bool ascii);
/* "0.4 %", of a share of 1. */
char *tare__text_percent(char buffer[TARE__NUMBER_TEXT], double share);
/* "12.5", "410 k": a count, or a mean of some. */
char *tare__text_count(char buffer[TARE__NUMBER_TEXT], double count);
/*
 * The time that rates and ratios are made of; NAN where it cannot be told from nothing: its interval holds 0, or it
 * is a small part of what was subtracted. (Few values have a median, and no interval.)
 */
double tare__rate_time(const struct tare_result_arm *arm);

/* "5.19 GB/s" of bytes for each `ns`; "81.2 M/s" of items, named "81.2 M items/s". */
char *tare__text_bytes_rate(char buffer[TARE__NUMBER_TEXT], double bytes, double ns);
char *tare__text_items_rate(char buffer[TARE__NUMBER_TEXT], double items, double ns, bool named);
/* "14 s", "3 min", "2 h": roughly. */
char *tare__text_roughly(char buffer[TARE__NUMBER_TEXT], double ns);
/* So many decimals that the last one or two digits are those which `error` is about; 4 at most. */
int tare__decimals(double error);
/* Half the width of the median's interval to its wider side; NAN: unknown. */
double tare__median_error(const struct tare_summary *summary);

/* "+1.8 %" and "+1.5 to +2.1 %" of a ratio; beyond twice or half of it "2.50 x" and "2.40 to 2.60 x". */
char *tare__text_change(char buffer[TARE__NUMBER_TEXT], double ratio, double low, double high, bool ascii);
char *tare__text_change_range(char buffer[TARE__NUMBER_TEXT], double ratio, double low, double high,
                              bool ascii);

/* What a verdict is said with. */
struct tare__verdict_terms {
    const char *label;    /* "B" */
    double alpha, margin; /* NAN: not said */
    double round_ns;      /* what a round takes; NAN: unknown */
    bool ascii;
};

/*
 * "B is 1.8 % slower" into `head`, and into `rest` what goes behind it, beginning with a blank or a colon:
 * " (1.5 to 2.1 %, 99.8 % sure over the call)". Both begin empty.
 */
void tare__verdict_say(const struct tare_result_comparison *comparison, const struct tare__verdict_terms *terms,
                       struct tare__phrase *head, struct tare__phrase *rest);
/* Colour of a verdict. */
const char *tare__verdict_style(const struct tare_comparison *comparison);
/* "control A against A: +0.05 % (-0.2 to +0.3 %)"; nothing if unknown. */
void tare__control_say(const struct tare_comparison *comparison, bool ascii, struct tare__phrase *phrase);
/* "'b' ran 1.23 x (1.20 to 1.26 x) faster than 'a'", of commands of which one is faster; else nothing. */
void tare__ran_say(const struct tare_result_benchmark *benchmark,
                   const struct tare_result_comparison *comparison, bool ascii, struct tare__phrase *phrase);
/* NULL if the comparison names an arm that is not there. */
const struct tare_result_arm *tare__compared_arm(const struct tare_result_benchmark *benchmark,
                                                 const struct tare_result_comparison *comparison);

/* Facts (view/bench_facts.c): each adds items, of which unknown and unremarkable ones are none. */

/* First-run effect, warm-up, outliers, modes, what was subtracted (`all`: however little), exit code. */
void tare__facts_of_values(const struct tare_result_arm *arm, const struct tare_result_benchmark *benchmark,
                           bool all, bool ascii, struct tare__phrase *phrase);
/* Only what makes the figures doubtful: several modes, never settled, an exit code. */
void tare__facts_of_doubt(const struct tare_result_arm *arm, bool ascii, struct tare__phrase *phrase);
void tare__facts_of_rate(const struct tare_result_arm *arm, bool bytes_shown, struct tare__phrase *phrase);
/* "per operation: 2 syscalls, ..."; `all`: also those that are next to nothing. */
void tare__facts_per_op(const struct tare_result_arm *arm, bool all, bool ascii, struct tare__phrase *phrase);
/* "per operation, A and B: 2 and 3 syscalls, ..."; counts that are known of both and differ; and both rates. */
void tare__facts_apart(const struct tare_result_arm *a, const struct tare_result_arm *b, bool ascii,
                       struct tare__phrase *phrase);
void tare__facts_of_timer(const struct tare_result_inner_timer *timer, bool ascii, struct tare__phrase *phrase);
/* Every figure of the summary, in words; lines[] as many as TARE__FACT_LINES. */
enum { TARE__FACT_LINES = 4 };
void tare__facts_full(const struct tare_result_arm *arm, const struct tare_result_benchmark *benchmark,
                      double confidence, bool ascii, struct tare__phrase lines[TARE__FACT_LINES]);
/* The control arm and how long it took until the verdict, of a benchmark with several arms. */
void tare__facts_of_control(const struct tare_result_benchmark *benchmark, bool ascii,
                            struct tare__phrase *phrase);
/* Rounds that were dropped. */
void tare__facts_of_rounds(const struct tare_result_benchmark *benchmark, struct tare__phrase *phrase);
/*
 * "steal 0.1 %, waiting 0.2 %, ...": what others took of the machine; not `all`: only if it is much. `processors` of the
 * machine, of which stolen time is a sum; 0: unknown.
 */
void tare__facts_of_machine(const struct tare_result_benchmark *benchmark, uint32_t processors, bool all,
                            struct tare__phrase *phrase);
/* "ring_write grows as O(n): ..." */
void tare__facts_of_growth(const struct tare_result_bench *bench, const struct tare_result_growth *growth,
                           bool full, bool ascii, struct tare__phrase *phrase);
/* "12 comparisons: 2 slower, ..."; nothing without comparisons. */
void tare__facts_of_verdicts(const struct tare_result_bench *bench, struct tare__phrase *phrase);
/* What the words of the verdicts mean here, and when a round is dropped; nothing where there are none. */
void tare__facts_of_rule(const struct tare_result_bench *bench, bool full, struct tare__phrase *phrase);

/* A comparison and where it stands. */
struct tare__change {
    const struct tare_result_benchmark *benchmark;
    const struct tare_result_comparison *comparison;
};
/*
 * The comparisons of which the verdict is faster or slower, from the slowest to the fastest; the caller frees
 * *changes. Returns 0 or -ENOMEM.
 */
int tare__changes_sorted(const struct tare_result_bench *bench, struct tare__change **changes, size_t *count);

/* The formats of tare_view_bench(); result->bench is there. */
int tare__bench_table(const struct tare_result *result, const struct tare_view_options *options, bool plot,
                      FILE *out);
int tare__bench_markdown(const struct tare_result *result, const struct tare_view_options *options, bool plot,
                         FILE *out);
int tare__bench_csv(const struct tare_result *result, FILE *out);

#endif
