/* SPDX-License-Identifier: MIT */
/*
 * The generators as their papers describe them, and what is made from their bits: whole numbers by D. Lemire,
 * "Fast Random Integer Generation in an Interval", ACM Transactions on Modeling and Computer Simulation 29
 * (2019), article 3; normal values by the polar method of G. Marsaglia and T. A. Bray (SIAM Review 6 (1964),
 * pages 260-264); gamma values, which make beta values, by G. Marsaglia and W. W. Tsang, "A Simple Method for
 * Generating Gamma Variables", ACM Transactions on Mathematical Software 26 (2000), pages 363-372.
 */
#include <math.h>

#include "stats/random.h"

uint64_t tare_splitmix64(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15); /* 2^64 over the golden ratio, odd */
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void tare_random_seed(struct tare_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) { /* four outputs in a row are never all zero: they are all different */
        random->state[i] = tare_splitmix64(&seed);
    }
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t tare_random_next(struct tare_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double tare_random_uniform(struct tare_random *random)
{
    return (double)(tare_random_next(random) >> 11) * 0x1p-53;
}

/*
 * The high half of bits x bound is in 0 ... bound - 1, and each value is hit by floor(2^64 / bound) of the 2^64
 * inputs or by one more; refusing a low half below 2^64 mod bound takes the one more away.
 */
uint64_t tare_random_below(struct tare_random *random, uint64_t bound)
{
    if (bound == 0) {
        return 0;
    }
    unsigned __int128 product = (unsigned __int128)tare_random_next(random) * bound;
    if ((uint64_t)product < bound) { /* seldom: the division below is not in the usual path */
        uint64_t excess = -bound % bound;
        while ((uint64_t)product < excess) {
            product = (unsigned __int128)tare_random_next(random) * bound;
        }
    }
    return (uint64_t)(product >> 64);
}

/* The method makes two values; the second is not kept, since that would be state. */
double tare_random_normal(struct tare_random *random)
{
    double x, y, square;
    do {
        x = 2.0 * tare_random_uniform(random) - 1.0;
        y = 2.0 * tare_random_uniform(random) - 1.0;
        square = x * x + y * y;
    } while (square >= 1.0 || square == 0.0);
    return x * sqrt(-2.0 * log(square) / square);
}

/* Shape at least 1. */
static double random_gamma(struct tare_random *random, double shape)
{
    double d = shape - 1.0 / 3.0;
    double c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        double x = tare_random_normal(random);
        double v = 1.0 + c * x;
        if (v <= 0.0) {
            continue;
        }
        v = v * v * v;
        double u = 1.0 - tare_random_uniform(random); /* not 0, which has no logarithm */
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v)) {
            return d * v;
        }
    }
}

double tare_random_beta(struct tare_random *random, double a, double b)
{
    if (!(a >= 1.0 && b >= 1.0 && isfinite(a) && isfinite(b))) {
        return NAN;
    }
    double x = random_gamma(random, a);
    double y = random_gamma(random, b);
    return x / (x + y);
}
