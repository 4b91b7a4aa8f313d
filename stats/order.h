/* SPDX-License-Identifier: MIT */
/*
 * In which order the arms of a comparison run: a design that is balanced against drift and carry-over, and
 * drawn at random, so that under "the arms are the same" each arm is as likely as any other to have been where
 * it was. That randomness is what the verdict's chance of error rests on, whatever the machine does meanwhile.
 * The method and its sources stand in order.c.
 */
#ifndef TARE_STATS_ORDER_H
#define TARE_STATS_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "stats/random.h"

enum { TARE_ORDER_ARMS_MAX = 16 };

/* So many pairs of rounds are drawn at once, and what is missing to a whole cycle. */
enum { TARE_ORDER_DECK = 24, TARE_ORDER_DECK_MAX = TARE_ORDER_DECK + TARE_ORDER_ARMS_MAX };

/* Private but for its size. */
struct tare_order {
    struct tare_random random;
    size_t arms;
    size_t rounds;                                                 /* in the deck: two for each pair */
    size_t next;                                                   /* round within the deck */
    unsigned char first[TARE_ORDER_DECK_MAX][TARE_ORDER_ARMS_MAX]; /* of each pair; the second is its reverse */
};

/* arms: 1 to TARE_ORDER_ARMS_MAX; returns 0 or -EINVAL. */
int tare_order_init(struct tare_order *order, size_t arms, uint64_t seed);

/*
 * The arms in the order in which the next round runs them. Rounds come in mirrored pairs: rounds 2k + 1 and 2k
 * + 2 (counted from 1) are each other's reverse, so that in a pair every arm has the same mean position and a
 * steady drift falls out (ABBA). A cycle of pairs, in which every arm stands equally often at each position and
 * follows each other arm equally often within a round (a Williams design), are 3 pairs of 3 arms, 2 of 4, k or
 * k / 2 of k. So many cycles as make at least TARE_ORDER_DECK pairs are shuffled: there is balance over these,
 * and within them where an arm stands in a pair says hardly anything of where it stands in the next.
 */
void tare_order_next(struct tare_order *order, unsigned char arms[TARE_ORDER_ARMS_MAX]);

#endif
