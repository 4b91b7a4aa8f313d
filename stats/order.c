/* SPDX-License-Identifier: MIT */
/*
 * Williams designs (E. J. Williams, "Experimental Designs Balanced for the Estimation of Residual Effects of
 * Treatments", Australian Journal of Scientific Research A 2 (1949), pages 149-168): for k arms, the row 0, 1,
 * k - 1, 2, k - 2, ... and what adding 1, 2, ... modulo k makes of it. If k is even, the reverse of each of the
 * k rows is one of them, so that k / 2 rows and their reverses are the square; if it is odd, the k rows and
 * their reverses are two squares. Either way it is made of mirrored pairs, and each arm follows each other one
 * equally often.
 *
 * For each cycle the arms get the numbers 0 to k - 1 at random, and its pairs an order.
 *
 * What a verdict rests on is that in every pair each arm is as likely as any other to stand where it stands,
 * whatever was before (R. A. Fisher, "The Design of Experiments", 1935, chapter 2). Balance is at odds with the
 * second half of that: where an arm stood in the pairs before says something of where it stands in the last of
 * a cycle. What a disturbance can make of it that comes at just the pace of the design is an effect whose
 * variance is m / (m - 1) of what it seems, m being the number of pairs over which there is balance: with three
 * arms and cycles of three pairs, half as much again, and with alpha 0.002 six times the false verdicts
 * (simulated: a disturbance of every seventh block and calls of 16 pairs, of which the first six are two
 * cycles, four times). So cycles are shuffled into decks of at least 24 pairs, where it is 4 %.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "stats/order.h"

static void shuffle(struct tare_random *random, unsigned char *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = tare_random_below(random, i);
        unsigned char item = items[i - 1];
        items[i - 1] = items[j];
        items[j] = item;
    }
}

static size_t pairs_of_cycle(size_t arms)
{
    return arms == 1 ? 1 : arms % 2 == 0 ? arms / 2 : arms;
}

/*
 * The first rounds of a cycle's pairs, with arms named anew. If arms are odd in number, each stands once at
 * each position in these, and so once in each of the places of a pair; if even, it is chance which of the two
 * rows is first.
 */
static void draw_cycle(struct tare_order *order, unsigned char (*first)[TARE_ORDER_ARMS_MAX])
{
    size_t arms = order->arms;
    unsigned char name[TARE_ORDER_ARMS_MAX];
    for (size_t i = 0; i < arms; i++) {
        name[i] = (unsigned char)i;
    }
    shuffle(&order->random, name, arms);
    for (size_t pair = 0; pair < pairs_of_cycle(arms); pair++) {
        bool reversed = arms % 2 == 0 && tare_random_below(&order->random, 2) != 0;
        for (size_t i = 0; i < arms; i++) {
            size_t step = i % 2 == 1 ? (i + 1) / 2 : arms - i / 2; /* 0, 1, -1, 2, -2 ... */
            first[pair][reversed ? arms - 1 - i : i] = name[(step + pair) % arms];
        }
    }
}

static void draw_deck(struct tare_order *order)
{
    unsigned char drawn[TARE_ORDER_DECK_MAX][TARE_ORDER_ARMS_MAX] = {{0}}, turn[TARE_ORDER_DECK_MAX];
    size_t pairs = 0;
    while (pairs < TARE_ORDER_DECK) {
        draw_cycle(order, &drawn[pairs]);
        pairs += pairs_of_cycle(order->arms);
    }
    for (size_t i = 0; i < pairs; i++) {
        turn[i] = (unsigned char)i;
    }
    shuffle(&order->random, turn, pairs);
    for (size_t i = 0; i < pairs; i++) {
        memcpy(order->first[i], drawn[turn[i]], sizeof order->first[i]);
    }
    order->rounds = 2 * pairs;
    order->next = 0;
}

int tare_order_init(struct tare_order *order, size_t arms, uint64_t seed)
{
    memset(order, 0, sizeof *order);
    if (arms < 1 || arms > TARE_ORDER_ARMS_MAX) {
        return -EINVAL;
    }
    tare_random_seed(&order->random, seed);
    order->arms = arms;
    draw_deck(order);
    return 0;
}

void tare_order_next(struct tare_order *order, unsigned char arms[TARE_ORDER_ARMS_MAX])
{
    if (order->next == order->rounds) {
        draw_deck(order);
    }
    const unsigned char *first = order->first[order->next / 2];
    for (size_t i = 0; i < order->arms; i++) {
        arms[i] = order->next % 2 == 0 ? first[i] : first[order->arms - 1 - i];
    }
    order->next++;
}
