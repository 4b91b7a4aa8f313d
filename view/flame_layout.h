/* SPDX-License-Identifier: MIT */
/*
 * The tree of a flame graph: the stacks of one profile, or of two, merged. Numbers and texts alone, no picture.
 * Private to view/.
 *
 *     nodes[0]  all
 *     nodes[1]    +- main          a node's children follow it, the widest first,
 *     nodes[2]    |    +- parse    each with all of its own
 *     nodes[3]    |    +- print
 *     nodes[4]    +- start_thread
 */
#ifndef TARE_VIEW_FLAME_LAYOUT_H
#define TARE_VIEW_FLAME_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "view/flame.h"

enum tare__flame_kind {
    TARE__FLAME_PROGRAM,
    TARE__FLAME_LIBRARY,
    TARE__FLAME_KERNEL,
    TARE__FLAME_JIT,
    TARE__FLAME_UNKNOWN,
    TARE__FLAME_TIMER,
    TARE__FLAME_GROUP, /* a process or thread, and the base */
    TARE__FLAME_KINDS,
};

enum { TARE__FLAME_SIDES = 2 }; /* 0: the profile that is shown; 1: the one before */

/* Texts are such that they can be shown (tare__view_safe()). */
struct tare__flame_function {
    char *name;
    char *object; /* the last part of its path; "": none */
    char *file;   /* NULL: unknown */
    uint32_t line;
    enum tare__flame_kind kind;
    bool nameless;    /* stands for all functions of its object that have no name */
    bool is_function; /* and not what stands for a group, or for what is missing of a stack */
    uint64_t self[TARE__FLAME_SIDES], total[TARE__FLAME_SIDES]; /* once for each stack that it is in */
};

struct tare__flame_node {
    uint32_t parent; /* TARE_PROFILE_NONE: of the base */
    uint32_t function;
    uint32_t depth;
    uint32_t end; /* the first node behind those that are in this one */
    bool inlined;
    uint64_t self[TARE__FLAME_SIDES], total[TARE__FLAME_SIDES]; /* weights, in `unit` */
    uint64_t self_samples, samples;                             /* of side 0 */
    uint64_t start;                                             /* weights of side 0 to the left of it */
};

struct tare__flame_side {
    uint64_t weight; /* in `unit` */
    uint64_t unit;   /* what all weights are multiples of, at least 1 */
    uint64_t samples;
    /*
     * As many samples as the weights are worth: Kish, (sum of w)^2 / sum of w^2. Of a profile whose unit is
     * "samples", as folded stacks are, a weight is how many samples there were, and this their sum.
     */
    double effective;
    bool uniform; /* every sample has the weight `unit` */
};

struct tare__flame {
    struct tare__flame_node *nodes;
    size_t node_count;
    struct tare__flame_function *functions;
    size_t function_count;
    struct tare__flame_side sides[TARE__FLAME_SIDES];
    int side_count;
    enum tare_flame_by by; /* as it was decided */
    bool not_normalized;
    /*
     * Of two profiles, which objects were taken for the same though they are called otherwise; functions have the
     * name that side 0 has. NULL: none. Not safe to show yet.
     */
    char *taken_for_same;
};

/* Returns 0 or what tare_view_flame() says; release it in any case. */
int tare__flame_make(const struct tare_profile *profile, const struct tare_flame_options *options,
                     struct tare__flame *flame);
void tare__flame_release(struct tare__flame *flame);

/*
 * Half the width of the 95 % interval of a share of n samples: Wilson's (E. B. Wilson, J. Am. Stat. Assoc. 22
 * (1927) 209). NAN for none.
 */
double tare__flame_share_error(double share, double n);

/* What became of a share, with the 95 % error of that. */
struct tare__flame_change {
    double share[TARE__FLAME_SIDES]; /* not normalised: of the larger of both totals */
    double difference;               /* side 0 - side 1 */
    double error;
};
/*
 * The interval of a difference of two binomial shares after one success and one failure were added to each,
 * which keeps it honest where there are few samples (A. Agresti and B. Caffo, The American Statistician 54
 * (2000) 280). Not normalised: of two Poisson counts, with one added to each.
 */
struct tare__flame_change tare__flame_change(const struct tare__flame *flame, uint64_t weight, uint64_t before);

/*
 * The change as one of nine steps: 0 no more than its error (or nothing), 1..4 more, -1..-4 less, by thresholds
 * of TARE__FLAME_STEPS of `largest`, the largest change of any frame that is beyond its error.
 */
double tare__flame_largest_change(const struct tare__flame *flame);
int tare__flame_step(const struct tare__flame_change *change, double largest);
extern const double tare__flame_steps[3]; /* above them, steps 2, 3 and 4 begin */

/*
 * Which nodes a picture of `width` px shows: those of at least `min_width`, and of these no more than `most`
 * frames, the widest. Sets drawn[] for each node, and *least to the width that it came to, in px.
 */
struct tare__flame_left_out {
    size_t frames; /* that would have a width */
    double share;  /* of all weights, whose innermost frame is among them */
    double least_px;
};
int tare__flame_choose(const struct tare__flame *flame, double width, double min_width, size_t most,
                       bool *drawn, struct tare__flame_left_out *left_out);

#endif
