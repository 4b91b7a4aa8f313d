/* SPDX-License-Identifier: MIT */
/*
 * What `tare suite` adds to a result of kind "bench" (result/benchmarks.h): which suite it was, what was left out, and what
 * follows from the benchmarks together. Unknown: NAN, NULL; in JSON null. No I/O.
 */
#ifndef TARE_RESULT_SUITE_H
#define TARE_RESULT_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A side, as it was asked for: also one that was skipped. */
struct tare_suite_side {
    char *label;   /* "sandboxed" */
    char *about;   /* one line */
    char *skipped; /* why it was not measured; NULL: it was */
    char *arm;     /* the label of its arms ("B"); NULL: skipped */
};

/* A benchmark of the suite: of which group, and what it does. Those of skipped ones, too. */
struct tare_suite_item {
    char *benchmark; /* name, with arguments */
    char *group;
    char *about;
    char *skipped; /* by every side, and why; NULL: it was measured by one at least */
};

/* Something about the machine that these figures depend on: "mitigations", "clocksource", "file system", "quota". */
struct tare_suite_fact {
    char *name, *value; /* value NULL: unknown */
};

enum tare_suite_unit { TARE_SUITE_NS, TARE_SUITE_RATIO, TARE_SUITE_SHARE, TARE_SUITE_COUNT, TARE_SUITE_UNITS };
extern const char *const tare_suite_unit_names[TARE_SUITE_UNITS]; /* "ns", "ratio", "share", "count" */

/* A figure that follows from a benchmark and its timers: the cost of a crossing, a layer's share. */
struct tare_suite_figure {
    char *kind;      /* "crossing", "layer", "crossover" ...: those of one kind are a table */
    char *benchmark; /* that it is of, or a family of them ("matmul") */
    char *side;      /* label of the side; NULL: of none */
    char *part;      /* "threei"; NULL: the whole */
    enum tare_suite_unit unit;
    double value, low, high; /* with the ends of its 95 % interval; NAN: unknown */
    char *note;              /* why it is not known, or how to read it; NULL */
};

enum tare_suite_answer {
    TARE_SUITE_SUPPORTED,
    TARE_SUITE_NOT_SUPPORTED,
    TARE_SUITE_UNRESOLVED,
    TARE_SUITE_ANSWERS
};
extern const char
    *const tare_suite_answer_names[TARE_SUITE_ANSWERS]; /* "supported", "not supported", "unresolved" */

/* A statement about the sides that was written down before measuring, and what the measurement says of it. */
struct tare_suite_hypothesis {
    char *text;     /* "cffi in API mode is faster than ctypes" */
    char *quantity; /* what was estimated: "ratio of times, ctypes over cffi-api, geometric mean of 38 calls" */
    size_t n; /* independent values that it rests on: rounds; of several sides those of the one whose p it is */
    double estimate, low, high; /* with the interval at the corrected level */
    double at_least, at_most;   /* what the statement says of the quantity; NAN: no such end */
    double p, p_adjusted;       /* against the statement's opposite; adjusted for all hypotheses (Holm) */
    enum tare_suite_answer answer;
    char *reason; /* of an unresolved one, in words; NULL */
};

struct tare_result_suite {
    char *name; /* "os" */
    bool quick;
    struct tare_suite_side *sides;
    size_t side_count;
    struct tare_suite_item *items;
    size_t item_count;
    struct tare_suite_fact *facts;
    size_t fact_count;
    struct tare_suite_figure *figures;
    size_t figure_count;
    struct tare_suite_hypothesis *hypotheses;
    size_t hypothesis_count;
};

struct tare_result_suite *tare_result_suite_new(const char *name, bool quick);
void tare_result_suite_free(struct tare_result_suite *suite); /* NULL is fine */

/* Each appends an element, copies its strings (NULL stays NULL), and returns 0 or -ENOMEM. */
int tare_suite_add_side(struct tare_result_suite *suite, const struct tare_suite_side *side);
int tare_suite_add_item(struct tare_result_suite *suite, const struct tare_suite_item *item);
int tare_suite_add_fact(struct tare_result_suite *suite, const char *name, const char *value);
int tare_suite_add_figure(struct tare_result_suite *suite, const struct tare_suite_figure *figure);
int tare_suite_add_hypothesis(struct tare_result_suite *suite, const struct tare_suite_hypothesis *hypothesis);

/* The side with these arms ("B"), or of this label; NULL: there is none. */
const struct tare_suite_side *tare_suite_side_of_arm(const struct tare_result_suite *suite, const char *arm);
const struct tare_suite_side *tare_suite_find_side(const struct tare_result_suite *suite, const char *label);

#endif
