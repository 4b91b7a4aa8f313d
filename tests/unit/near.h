/* SPDX-License-Identifier: MIT */
/*
 * Comparing figures in tests. Include behind <cmocka.h>.
 */
#ifndef TARE_TESTS_NEAR_H
#define TARE_TESTS_NEAR_H

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline void assert_near(double found, double expected, double within)
{
    if (!(fabs(found - expected) <= within)) {
        fail_msg("%.17g is not within %g of %.17g", found, within, expected);
    }
}

/* Within a share of what is expected. */
static inline void assert_close(double found, double expected, double share)
{
    assert_near(found, expected, share * fabs(expected));
}

/* A frequency within what chance allows; the test says how the bounds were found. */
static inline void assert_between(double found, double low, double high)
{
    if (!(found >= low && found <= high)) {
        fail_msg("%.17g is not in %g ... %g", found, low, high);
    }
}

#endif
