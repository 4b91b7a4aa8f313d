/* SPDX-License-Identifier: MIT */
/*
 * Have the values one mode or several, and where are they? Several say that a mean or a median describes no one
 * case (cached and not, two frequencies, two code paths).
 *
 * The test is the dip: the largest distance between the empirical distribution function and the unimodal one
 * that is nearest to it (J. A. Hartigan and P. M. Hartigan, "The Dip Test of Unimodality", Annals of Statistics
 * 13 (1985), pages 70-84; P. M. Hartigan, algorithm AS 217, Applied Statistics 34 (1985), pages 320-325). It
 * needs no bandwidth and does not mind outliers or skew. Its chance level is that of uniform values, which
 * among the unimodal ones dip most: for others it errs to the cautious side.
 *
 * Limits. Two normal modes of equal weight must be more than 2 standard deviations apart to be two at all.
 * Found in 9 of 10 samples at alpha 0.05, as simulated: equal modes 4.5 standard deviations apart in 100
 * values, 3.75 in 200, 3 in 1000; of modes far apart the smaller one with 24 % of 50 values, 18 % of 100, 14 %
 * of 200, 7 % of 1000. Fewer are outliers. Values that depend on each other (a drift) make modes of their own.
 *
 * These allocate some 4 n words (-ENOMEM). Errors: see stats/values.h.
 */
#ifndef TARE_STATS_MODES_H
#define TARE_STATS_MODES_H

#include <stdbool.h>
#include <stddef.h>

struct tare_dip {
    double dip;   /* 1 / 2n, for values that could not be more unimodal, to 1 / 4, for two atoms; NAN for n 0 */
    double p;     /* chance that n uniform values dip so much, 0.0001 to 1; NAN below 4 values */
    size_t left;  /* where it dips: between sorted[left] and sorted[right] are too few values for one mode; */
    size_t right; /* equal: nowhere */
};

/*
 * The dip of `sorted`, ascending. Equal values are taken as such, as atoms: values from a coarse clock are to
 * be spread first, as tare_modes_of() does. Time O(n), with a factor of log n at worst.
 */
int tare_dip_of(const double *sorted, size_t n, struct tare_dip *out);

/*
 * The chance that n uniform values dip by so much or more, in 0.0001 ... 1. NAN for n below 4 or dip not >= 0.
 */
double tare_dip_chance(double dip, size_t n);

struct tare_mode {
    double location; /* median of the shortest half of its values */
    double low;      /* its smallest and its largest value */
    double high;
    double share; /* of all values */
};

#define TARE_MODES_MAX 8

struct tare_modes {
    double dip;   /* of all values */
    double p;     /* of that dip: the chance that one mode looks like more than one */
    double grain; /* the distance of values that differ, as given or found; 0: none are equal */
    size_t count; /* 1 if p > alpha; 0 for no values */
    bool more;    /* some mode would have been divided further, had there been room */
    struct tare_mode mode[TARE_MODES_MAX]; /* from the smallest */
};

/*
 * The modes of `sorted`, ascending. If the values dip significantly, they are divided at the widest gap within
 * the place of the dip, and each part is looked at in the same way. alpha (0.0001 < alpha < 1, as 0.05 or 0.01)
 * is the chance to find more than one mode where there is one; each division after the first has its own.
 *
 * grain is the step of the clock that the values come from, in their unit; readings nearer than half of it are
 * taken for the same one. Equal readings are spread over one grain around their place, evenly: the true values
 * lay there. Without that, each step of the clock would be a mode. 0: not known; it is then taken to be the
 * median distance of neighbours that differ, between the quartiles, if any are equal. A grain that was found
 * hides modes that are neighbouring steps.
 */
int tare_modes_of(const double *sorted, size_t n, double grain, double alpha, struct tare_modes *out);

#endif
