/* SPDX-License-Identifier: MIT */
/*
 * Orders are drawn one after the other by Durstenfeld's shuffle (R. Durstenfeld, "Algorithm 235: Random
 * permutation", Communications of the ACM 7 (1964), p. 420), and one that came before is drawn again. Where
 * there are few (two object files have two), all come, and none twice. To know what came before, the first ones
 * are drawn anew for each number: microseconds, before a link that takes far longer. They are compared by a
 * hash of 64 bits, which among a thousand orders is wrong once in 10^13 times, and then skips an order.
 */
#include "linker/shuffle.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "stats/random.h"

uint64_t tare_shuffle_count(const size_t *sizes, size_t groups)
{
    uint64_t count = 1;
    for (size_t i = 0; i < groups; i++) {
        for (size_t k = 2; k <= sizes[i]; k++) {
            if (__builtin_mul_overflow(count, (uint64_t)k, &count)) {
                return UINT64_MAX;
            }
        }
    }
    return count;
}

static uint64_t draw(const size_t *sizes, size_t groups, struct tare_random *random, size_t *order)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < groups; i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            order[k] = k;
        }
        for (size_t k = sizes[i]; k > 1; k--) {
            size_t other = (size_t)tare_random_below(random, k), kept = order[k - 1];
            order[k - 1] = order[other];
            order[other] = kept;
        }
        for (size_t k = 0; k < sizes[i]; k++) {
            uint64_t state = hash ^ order[k];
            hash = tare_splitmix64(&state);
        }
        order += sizes[i];
    }
    return hash;
}

int tare_shuffle_nth(const size_t *sizes, size_t groups, uint64_t seed, unsigned number, size_t *order)
{
    if (number == 0 || number > tare_shuffle_count(sizes, groups)) {
        return -ENOENT;
    }
    uint64_t *seen = malloc(number * sizeof(*seen));
    if (seen == NULL) {
        return -ENOMEM;
    }
    struct tare_random random;
    tare_random_seed(&random, seed);
    for (unsigned count = 0; count < number;) {
        uint64_t hash = draw(sizes, groups, &random, order);
        bool known = false;
        for (unsigned i = 0; i < count; i++) {
            known = known || seen[i] == hash;
        }
        if (!known) {
            seen[count++] = hash;
        }
    }
    free(seen);
    return 0;
}
