/* SPDX-License-Identifier: MIT */
/*
 * A profile as a flame graph: frames as boxes on top of those that called them, as wide as their share of the
 * samples (B. Gregg, "The Flame Graph", Communications of the ACM 59 (2016), no. 6). One file that needs
 * nothing else: without a script it is the whole graph as a picture, with one it can be zoomed and searched.
 */
#ifndef TARE_VIEW_FLAME_H
#define TARE_VIEW_FLAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "record/profile.h"

enum tare_flame_format {
    TARE_FLAME_SVG,
    TARE_FLAME_HTML, /* the graph, what is known of the profile, and a table of the functions */
};

/* What stands at the base, below the outermost calls. */
enum tare_flame_by {
    TARE_FLAME_BY_DEFAULT, /* the innermost timer, where the profile has them; else nothing */
    TARE_FLAME_BY_NOTHING,
    TARE_FLAME_BY_PROCESS,
    TARE_FLAME_BY_THREAD,
    TARE_FLAME_BY_TIMER,
};

#define TARE_FLAME_WIDTH 1200    /* px */
#define TARE_FLAME_MIN_WIDTH 0.1 /* px */
#define TARE_FLAME_WIDTH_LEAST 200
#define TARE_FLAME_WIDTH_MOST 20000

/* All zero is the usual graph. */
struct tare_flame_options {
    enum tare_flame_format format;
    const struct tare_profile *before; /* to show what became different since; NULL: nothing to compare with */
    bool not_normalized;               /* compare weights, not shares: both ran for the same time */
    bool reverse;                      /* from the innermost function to its callers */
    bool inverted;                     /* the base on top */
    enum tare_flame_by by;
    /* Of which timers' samples it is; NULL: of all. `timers` is what it goes by, for the title. */
    bool (*timer_matches)(void *data, const char *module, const char *name);
    void *timer_data;
    const char *timers;
    const char *title;          /* NULL: made from the command */
    const char *command;        /* that was profiled; NULL: unknown */
    const char *command_before; /* the same of `before` */
    const char *const *notes;   /* sentences, NULL-terminated; NULL: none */
    unsigned width;             /* px, without a script; 0: TARE_FLAME_WIDTH */
    double min_width; /* px; narrower frames are left out, and that is said; 0: TARE_FLAME_MIN_WIDTH */
};

/*
 * Writes the whole file. Widths are shares of the weights; a function that calls itself is as many frames.
 * Frames of one function and caller are one, whatever their lines; unknown functions of an object are one, too.
 *
 * Returns 0, -ENOMEM, -EIO if the stream has an error, -EOVERFLOW if the weights do not add up in 64 bits,
 * -ENODATA if timers are asked for and the profile does not know them.
 */
int tare_view_flame(const struct tare_profile *profile, const struct tare_flame_options *options, FILE *out);

#endif
