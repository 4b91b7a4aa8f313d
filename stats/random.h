/* SPDX-License-Identifier: MIT */
/*
 * A small random generator with its state in the caller's hands, for resampling and simulation: equal seeds
 * give equal results, on every machine and in every run. Not for secrets. No allocation, no globals; one state
 * is for one thread at a time.
 *
 * xoshiro256** (D. Blackman and S. Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM Transactions
 * on Mathematical Software 47 (2021), article 36), period 2^256 - 1, with its state filled by splitmix64 (G. L.
 * Steele, D. Lea and C. H. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014, with the
 * constants of D. Stafford's "Mix13"), as its authors advise.
 */
#ifndef TARE_STATS_RANDOM_H
#define TARE_STATS_RANDOM_H

#include <stdint.h>

struct tare_random {
    uint64_t state[4]; /* not all zero; tare_random_seed() sees to that */
};

void tare_random_seed(struct tare_random *random, uint64_t seed);

/* 64 random bits. */
uint64_t tare_random_next(struct tare_random *random);

/* Uniform in [0, 1): a multiple of 2^-53. */
double tare_random_uniform(struct tare_random *random);

/* Uniform in 0 ... bound - 1, each exactly as likely as the others. 0 for bound 0. */
uint64_t tare_random_below(struct tare_random *random, uint64_t bound);

/* Normal, mean 0, standard deviation 1. */
double tare_random_normal(struct tare_random *random);

/*
 * Beta distribution with parameters a and b, both at least 1 (else NAN): the a-th smallest of a + b - 1 uniform
 * values, for whole numbers.
 */
double tare_random_beta(struct tare_random *random, double a, double b);

/* The next output of splitmix64, whose state is one number. */
uint64_t tare_splitmix64(uint64_t *state);

#endif
