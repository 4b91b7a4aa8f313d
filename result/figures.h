/* SPDX-License-Identifier: MIT */
/* What follows from the figures of a whole result, once all pages have been added. */
#ifndef TARE_RESULT_FIGURES_H
#define TARE_RESULT_FIGURES_H

#include "result/model.h"

/*
 * How much of the measured program's time measuring took, in all and for each timer of `result`, whose
 * measuring_ns are filled in. `cpu_ns`: processor time of what was measured, or NAN. As measuring_ns is the
 * most that it can be, a share may come out above 1, and is then 1. More than half above that the time cannot
 * be that of all that was measured (of children that nobody waited for, say), and is taken for unknown.
 */
void tare_result_measuring(struct tare_result *result, double cpu_ns);

/* The same share, of one timer's figures in a pass of its own. */
void tare_figures_measuring(struct tare_result_figures *figures, double cpu_ns);

/*
 * Whether the exclusive pass says something else than the pass with everything enabled: the intervals of the
 * two net averages do not overlap. Unknown if one of them is, or its sampling error: two runs of a program
 * always differ, and nobody knows then by how much.
 */
void tare_result_compare(struct tare_result_timer *timer);

#endif
