/* SPDX-License-Identifier: MIT */
/*
 * Merging of summaries of heavy keys, on small ones whose result is known, and with figures such as damaged
 * pages have. What merging guarantees for real streams is tested in test_topk.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "stats/heavy.h"
#include "stats/random.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX UINT64_MAX

static struct tare_heavy_key merged[64];
static size_t count;
static uint64_t least;

static void merge(const struct tare_heavy_table *tables, size_t table_count, size_t size)
{
    memset(merged, 0xee, sizeof(merged));
    assert_int_equal(tare_heavy_merge(tables, table_count, size, merged, &count, &least), 0);
    assert_true(count <= size);
    for (size_t i = 0; i < count; i++) {
        assert_true(merged[i].error <= merged[i].weight);
        assert_true(i == 0 || merged[i - 1].weight > merged[i].weight ||
                    (merged[i - 1].weight == merged[i].weight && merged[i - 1].key < merged[i].key));
    }
}

static void assert_key(size_t place, uint64_t key, uint64_t weight, uint64_t error, uint64_t hits)
{
    assert_true(place < count);
    assert_int_equal(merged[place].key, key);
    assert_int_equal(merged[place].weight, weight);
    assert_int_equal(merged[place].error, error);
    assert_int_equal(merged[place].hits, hits);
}

static void of_nothing_is_nothing(void **state)
{
    (void)state;
    static const struct tare_heavy_table empty[2];
    merge(NULL, 0, 8);
    assert_int_equal(count, 0);
    assert_int_equal(least, 0);
    merge(empty, 2, 8);
    assert_int_equal(count, 0);
    assert_int_equal(least, 0);
}

static void one_table_is_sorted(void **state)
{
    (void)state;
    static const struct tare_heavy_key keys[] = {{5, 10, 1, 4}, {3, 30, 0, 9}, {9, 10, 2, 1}, {1, 20, 0, 2}};
    const struct tare_heavy_table table = {keys, COUNT(keys), 2};
    merge(&table, 1, 8);
    assert_int_equal(count, 4);
    assert_key(0, 3, 30, 0, 9);
    assert_key(1, 1, 20, 0, 2);
    assert_key(2, 5, 10, 1, 4);
    assert_key(3, 9, 10, 2, 1);
    assert_int_equal(least, 2);
    merge(&table, 1, 2); /* cut: what is cut off bounds what is left out */
    assert_int_equal(count, 2);
    assert_int_equal(least, 10);
    merge(&table, 1, 0);
    assert_int_equal(count, 0);
    assert_int_equal(least, 30);
}

/* A key that a table lacks weighs there between nothing and that table's least. */
static void keys_are_added_up(void **state)
{
    (void)state;
    static const struct tare_heavy_key a[] = {{1, 100, 0, 10}, {2, 50, 5, 5}, {3, 7, 6, 1}};
    static const struct tare_heavy_key b[] = {{2, 60, 2, 6}, {4, 90, 0, 9}};
    static const struct tare_heavy_key c[] = {{4, 3, 0, 3}};
    const struct tare_heavy_table tables[] = {{a, 3, 6}, {b, 2, 20}, {c, 1, 0}};
    merge(tables, 3, 8);
    assert_int_equal(count, 4);
    assert_key(0, 1, 120, 20, 10);
    assert_key(1, 2, 110, 7, 11);
    assert_key(2, 4, 99, 6, 12);
    assert_key(3, 3, 27, 26, 1);
    assert_int_equal(least, 26);
}

static void merging_can_go_in_steps(void **state)
{
    (void)state;
    static const struct tare_heavy_key a[] = {{1, 100, 0, 10}, {2, 50, 5, 5}};
    static const struct tare_heavy_key b[] = {{2, 60, 2, 6}, {4, 90, 0, 9}};
    static const struct tare_heavy_key c[] = {{4, 30, 0, 3}, {1, 1, 0, 1}};
    const struct tare_heavy_table tables[] = {{a, 2, 5}, {b, 2, 20}, {c, 2, 1}};
    struct tare_heavy_key both[4], all[4];
    size_t both_count, all_count;
    uint64_t both_least, all_least;
    assert_int_equal(tare_heavy_merge(tables, 2, 4, both, &both_count, &both_least), 0);
    const struct tare_heavy_table steps[] = {{both, both_count, both_least}, tables[2]};
    merge(steps, 2, 4);
    assert_int_equal(tare_heavy_merge(tables, 3, 4, all, &all_count, &all_least), 0);
    assert_int_equal(count, all_count);
    assert_int_equal(least, all_least);
    assert_memory_equal(merged, all, count * sizeof(*all));
}

/* As in a table that was read while keys changed places. */
static void a_key_twice_counts_once(void **state)
{
    (void)state;
    static const struct tare_heavy_key keys[] = {{1, 40, 0, 4}, {2, 9, 1, 1}, {1, 60, 3, 6}, {1, 50, 0, 5}};
    const struct tare_heavy_table tables[] = {{keys, 4, 3}, {keys, 2, 0}};
    merge(tables, 1, 8);
    assert_int_equal(count, 2);
    assert_key(0, 1, 60, 3, 6);
    merge(tables, 2, 8);
    assert_key(0, 1, 100, 3, 10);
    assert_key(1, 2, 18, 2, 2);
}

static void least_keeps_within_its_table(void **state)
{
    (void)state;
    static const struct tare_heavy_key keys[] = {{1, 40, 0, 4}, {2, 30, 20, 1}};
    assert_int_equal(tare_heavy_least(keys, 2, 25), 25);
    assert_int_equal(tare_heavy_least(keys, 2, 5), 20);
    assert_int_equal(tare_heavy_least(keys, 2, 35), 30);
    assert_int_equal(tare_heavy_least(keys, 1, 0), 0);
    assert_int_equal(tare_heavy_least(NULL, 0, 35), 0);
}

static void sums_stop_at_the_end(void **state)
{
    (void)state;
    static const struct tare_heavy_key a[] = {{1, MAX, 0, MAX}, {2, 5, MAX, 1}};
    static const struct tare_heavy_key b[] = {{1, MAX, MAX, MAX}, {3, MAX - 1, 0, 1}};
    const struct tare_heavy_table tables[] = {{a, 2, MAX}, {b, 2, MAX - 3}};
    merge(tables, 2, 8);
    assert_int_equal(count, 3);
    assert_int_equal(least, MAX);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(merged[i].key, i + 1);
        assert_true(merged[i].weight == MAX);
    }
    assert_true(merged[0].hits == MAX);
}

/* Any split of exact counts into tables gives bounds that hold. */
static void bounds_hold(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 5);
    for (int round = 0; round < 500; round++) {
        enum { TABLES = 5, KEYS = 12 };
        struct tare_heavy_key keys[TABLES][KEYS];
        struct tare_heavy_table tables[TABLES];
        uint64_t exact[KEYS] = {0};
        for (size_t t = 0; t < TABLES; t++) {
            tables[t] = (struct tare_heavy_table){keys[t], 0, tare_random_below(&random, 50)};
            for (uint64_t k = 0; k < KEYS; k++) {
                uint64_t weight = tare_random_below(&random, 100), error = tare_random_below(&random, 20);
                bool left_out = weight <= tables[t].least && tare_random_below(&random, 2) == 0;
                exact[k] += weight;
                if (!left_out) {
                    uint64_t over = tare_random_below(&random, error + 1);
                    keys[t][tables[t].count++] = (struct tare_heavy_key){k, weight + over, error, 1};
                }
            }
        }
        merge(tables, TABLES, 1 + tare_random_below(&random, KEYS));
        for (uint64_t k = 0; k < KEYS; k++) {
            size_t place = 0;
            while (place < count && merged[place].key != k) {
                place++;
            }
            if (place == count) {
                assert_true(exact[k] <= least);
            } else {
                assert_true(exact[k] <= merged[place].weight);
                assert_true(merged[place].weight - merged[place].error <= exact[k]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_nothing_is_nothing),   cmocka_unit_test(one_table_is_sorted),
        cmocka_unit_test(keys_are_added_up),       cmocka_unit_test(merging_can_go_in_steps),
        cmocka_unit_test(a_key_twice_counts_once), cmocka_unit_test(least_keeps_within_its_table),
        cmocka_unit_test(sums_stop_at_the_end),    cmocka_unit_test(bounds_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
