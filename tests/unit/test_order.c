/* SPDX-License-Identifier: MIT */
/*
 * The order of arms: mirrored pairs, balance over a deck, and that places are drawn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "near.h"
#include "stats/order.h"

enum { MOST = TARE_ORDER_ARMS_MAX };

/* How often each arm stood at each position, and followed each other one within a round. */
struct tally {
    size_t arms, rounds;
    size_t at[MOST][MOST], after[MOST][MOST];
};

static void take_round(struct tare_order *order, struct tally *tally, unsigned char round[MOST])
{
    bool seen[MOST] = {false};
    tare_order_next(order, round);
    for (size_t i = 0; i < tally->arms; i++) {
        assert_in_range(round[i], 0, tally->arms - 1);
        assert_false(seen[round[i]]);
        seen[round[i]] = true;
        tally->at[round[i]][i]++;
        if (i > 0) {
            tally->after[round[i]][round[i - 1]]++;
        }
    }
    tally->rounds++;
}

static void take_pairs(struct tare_order *order, struct tally *tally, size_t pairs)
{
    for (size_t pair = 0; pair < pairs; pair++) {
        unsigned char first[MOST], second[MOST];
        take_round(order, tally, first);
        take_round(order, tally, second);
        for (size_t i = 0; i < tally->arms; i++) {
            assert_int_equal(first[i], second[tally->arms - 1 - i]);
        }
    }
}

static void assert_balanced(const struct tally *tally)
{
    size_t arms = tally->arms;
    for (size_t arm = 0; arm < arms; arm++) {
        for (size_t i = 0; i < arms; i++) {
            assert_int_equal(tally->at[arm][i], tally->rounds / arms);
            if (i != arm) {
                assert_int_equal(tally->after[arm][i], tally->rounds / arms);
            }
        }
    }
}

static size_t pairs_of_cycle(size_t arms)
{
    return arms == 1 ? 1 : arms % 2 == 0 ? arms / 2 : arms;
}

static void rounds_are_mirrored_and_decks_balanced(void **state)
{
    (void)state;
    for (size_t arms = 1; arms <= MOST; arms++) {
        for (uint64_t seed = 0; seed < 5; seed++) {
            struct tare_order order;
            assert_int_equal(tare_order_init(&order, arms, seed), 0);
            size_t cycle = pairs_of_cycle(arms), deck = (TARE_ORDER_DECK + cycle - 1) / cycle * cycle;
            assert_true(deck <= TARE_ORDER_DECK_MAX);
            for (int i = 0; i < 3; i++) {
                struct tally tally = {.arms = arms};
                take_pairs(&order, &tally, deck);
                assert_balanced(&tally);
            }
        }
    }
}

static void equal_seeds_give_equal_orders_and_others_others(void **state)
{
    (void)state;
    struct tare_order a, b, c;
    tare_order_init(&a, 5, 1);
    tare_order_init(&b, 5, 1);
    tare_order_init(&c, 5, 2);
    size_t different = 0;
    for (int round = 0; round < 100; round++) {
        unsigned char x[MOST], y[MOST], z[MOST];
        tare_order_next(&a, x);
        tare_order_next(&b, y);
        tare_order_next(&c, z);
        assert_memory_equal(x, y, 5);
        different += memcmp(x, z, 5) != 0;
    }
    assert_true(different > 80);
}

static void no_arms_and_too_many_are_refused(void **state)
{
    (void)state;
    struct tare_order order;
    assert_int_equal(tare_order_init(&order, 0, 1), -EINVAL);
    assert_int_equal(tare_order_init(&order, MOST + 1, 1), -EINVAL);
}

enum { SEEDS = 30000 };

/* Each count is binomial(30000, 1 / arms) with a standard deviation of at most 84: 5.5 of these either way. */
static void every_place_is_as_likely_in_every_pair(void **state)
{
    (void)state;
    for (size_t arms = 2; arms <= 5; arms++) {
        size_t at[30][MOST] = {{0}}, behind[30][MOST] = {{0}}; /* where arm 1 stands; who stands behind it */
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct tare_order order;
            tare_order_init(&order, arms, seed);
            for (size_t round = 0; round < 60; round++) {
                unsigned char row[MOST];
                tare_order_next(&order, row);
                for (size_t i = 0; i < arms && round % 2 == 0; i++) {
                    at[round / 2][i] += row[i] == 1;
                    behind[round / 2][row[(i + 1) % arms]] += row[i] == 1;
                }
            }
        }
        double mean = (double)SEEDS / (double)arms, others = (double)SEEDS / (double)(arms - 1);
        for (size_t pair = 0; pair < 30; pair++) {
            for (size_t i = 0; i < arms; i++) {
                assert_between((double)at[pair][i], mean - 475, mean + 475);
                if (i != 1) {
                    assert_between((double)behind[pair][i], others - 475, others + 475);
                }
            }
        }
    }
}

/*
 * What verdicts rest on: the place of an arm in a pair says next to nothing of its place in the next one. Of
 * the three places of three arms (first and last, second and last but one, the two in the middle), the same one
 * again has a chance of 1/3 if pairs are independent, and of 7/23 in a deck where each comes 8 times.
 */
static void places_are_drawn_anew_for_each_pair(void **state)
{
    (void)state;
    size_t again[12] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct tare_order order;
        tare_order_init(&order, 3, seed);
        size_t before = 3;
        for (size_t pair = 0; pair < 12; pair++) {
            unsigned char first[MOST], second[MOST];
            tare_order_next(&order, first);
            tare_order_next(&order, second);
            size_t place = first[0] == 2 ? 0 : first[1] == 2 ? 1 : 2;
            again[pair] += place == before;
            before = place;
        }
    }
    for (size_t pair = 1; pair < 12; pair++) {
        assert_between((double)again[pair] / SEEDS, 7.0 / 23.0 - 0.013, 7.0 / 23.0 + 0.013);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_are_mirrored_and_decks_balanced),
        cmocka_unit_test(equal_seeds_give_equal_orders_and_others_others),
        cmocka_unit_test(no_arms_and_too_many_are_refused),
        cmocka_unit_test(every_place_is_as_likely_in_every_pair),
        cmocka_unit_test(places_are_drawn_anew_for_each_pair),
    };
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
