/* SPDX-License-Identifier: MIT */
/*
 * A thread's table of heaviest keys (runtime/topk.h), and the merging of several (stats/heavy.h), against exact
 * counts: what the algorithm guarantees holds for every stream, and what is to be had beyond that on streams as
 * there are, the heaviest keys by rank, is measured here and stands in docs/hotspots.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/topk.h"
#include "stats/heavy.h"
#include "stats/random.h"
#include "tests/unit/topk_walk.h"

enum { KEYS = 100000, UPDATES = 1000000, K = 256, THREADS_MAX = 8 };

/* Keys are numbers below KEYS on the way in, and spread over 64 bits in the tables. */
static uint64_t key_of(uint64_t number)
{
    return number * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static uint64_t number_of(uint64_t key)
{
    return (key - 1) * UINT64_C(0xf1de83e19937733d); /* the inverse, modulo 2^64 */
}

/* Some tables, what went into each, and into all of them. */
struct run {
    void *memory[THREADS_MAX];
    struct tare_topk *tables[THREADS_MAX];
    size_t threads;
    uint32_t capacity;
    uint64_t sums[THREADS_MAX], sum;
    uint64_t *exact; /* of KEYS numbers */
    uint64_t *exact_of[THREADS_MAX];
};

static struct run begin(size_t threads, uint32_t capacity)
{
    struct run run = {.threads = threads, .capacity = capacity};
    run.exact = calloc(KEYS, sizeof(*run.exact));
    assert_non_null(run.exact);
    for (size_t i = 0; i < threads; i++) {
        run.memory[i] = calloc(1, tare__topk_before(capacity) + tare__topk_size(capacity));
        run.exact_of[i] = calloc(KEYS, sizeof(*run.exact_of[i]));
        assert_true(run.memory[i] != NULL && run.exact_of[i] != NULL);
        run.tables[i] = tare__topk_init(run.memory[i], capacity, (0x9e3779b97f4a7c15 + i * 2654435761) | 1);
    }
    return run;
}

static void end(struct run *run)
{
    for (size_t i = 0; i < run->threads; i++) {
        free(run->memory[i]);
        free(run->exact_of[i]);
    }
    free(run->exact);
}

static void hit(struct run *run, size_t thread, uint64_t number, uint64_t weight)
{
    tare__topk_hit(run->tables[thread], tare__topk_index(run->tables[thread])->multiplier, key_of(number),
                   weight);
    run->sums[thread] += weight;
    run->sum += weight;
    run->exact[number] += weight;
    run->exact_of[thread][number] += weight;
}

static void assert_sound(struct tare_topk *table)
{
    const char *wrong = topk_walk(table);
    if (wrong != NULL) {
        fail_msg("%s", wrong);
    }
}

/* Copies a table's keys; the caller frees them. */
static struct tare_heavy_table read_table(struct tare_topk *table)
{
    struct tare_heavy_key *keys = calloc(table->used + 1, sizeof(*keys));
    assert_non_null(keys);
    for (uint32_t i = 0; i < table->used; i++) {
        const struct tare__topk_entry *entry = tare__topk_entry(table, i + 1);
        keys[i] = (struct tare_heavy_key){entry->key, entry->weight, entry->error, entry->hits};
    }
    return (struct tare_heavy_table){keys, table->used, tare_heavy_least(keys, table->used, table->least)};
}

/* What holds for each table: bounds on both sides, for keys that are in it and for those that are not. */
static void check_bounds(const struct tare_heavy_key *keys, size_t count, uint64_t least, const uint64_t *exact,
                         uint64_t sum, uint64_t capacity)
{
    char *is_there = calloc(KEYS, 1);
    assert_non_null(is_there);
    for (size_t i = 0; i < count; i++) {
        uint64_t number = number_of(keys[i].key);
        assert_true(number < KEYS && !is_there[number]);
        is_there[number] = 1;
        assert_true(exact[number] <= keys[i].weight);
        assert_true(keys[i].weight - keys[i].error <= exact[number]);
        assert_true(keys[i].error <= sum / capacity);
    }
    assert_true(least <= sum / capacity);
    for (uint64_t number = 0; number < KEYS; number++) {
        if (!is_there[number]) {
            assert_true(exact[number] <= least);
        }
    }
    free(is_there);
}

/* Of each table, and of all of them merged, in full and cut to the size of one. */
static void check(struct run *run)
{
    struct tare_heavy_table tables[THREADS_MAX];
    struct tare_heavy_key *merged = calloc(run->threads * run->capacity, sizeof(*merged));
    assert_non_null(merged);
    for (size_t i = 0; i < run->threads; i++) {
        uint64_t sum = 0, smallest = UINT64_MAX;
        assert_sound(run->tables[i]);
        tables[i] = read_table(run->tables[i]);
        for (size_t k = 0; k < tables[i].count; k++) {
            sum += tables[i].keys[k].weight;
            smallest = tables[i].keys[k].weight < smallest ? tables[i].keys[k].weight : smallest;
        }
        assert_true(sum <= run->sums[i]);
        assert_true(run->tables[i]->replaced > 0 || tables[i].least > 0 || sum == run->sums[i]);
        assert_int_equal(tables[i].least, run->tables[i]->least); /* neither of its limits was needed */
        assert_true(tables[i].least <= smallest);
        check_bounds(tables[i].keys, tables[i].count, tables[i].least, run->exact_of[i], run->sums[i],
                     run->capacity);
    }
    for (size_t size = run->capacity; size <= run->threads * run->capacity; size += run->capacity) {
        size_t count = 0;
        uint64_t least = 0;
        assert_int_equal(tare_heavy_merge(tables, run->threads, size, merged, &count, &least), 0);
        check_bounds(merged, count, least, run->exact, run->sum, run->capacity);
    }
    for (size_t i = 0; i < run->threads; i++) {
        free((void *)(uintptr_t)tables[i].keys);
    }
    free(merged);
}

/* Zipf: the number of rank r, from 0 on, comes up in proportion to 1 / (r + 1)^s. */
static double *zipf_sums(double s)
{
    double *sums = calloc(KEYS, sizeof(*sums));
    assert_non_null(sums);
    double sum = 0;
    for (int i = 0; i < KEYS; i++) {
        sum += pow(i + 1, -s);
        sums[i] = sum;
    }
    return sums;
}

static uint64_t zipf_draw(const double *sums, struct tare_random *random)
{
    double u = tare_random_uniform(random) * sums[KEYS - 1];
    size_t low = 0, high = KEYS - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (sums[middle] > u) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static const uint64_t *sort_by; /* exact counts */
static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return sort_by[x] != sort_by[y] ? (sort_by[x] < sort_by[y] ? 1 : -1) : (x > y) - (x < y);
}

/* How many of the truly heaviest `top` are among the first `among` of the merged table. */
static double recall(struct run *run, size_t top, size_t among)
{
    static uint64_t numbers[KEYS];
    struct tare_heavy_table tables[THREADS_MAX];
    struct tare_heavy_key merged[K];
    size_t count = 0, found = 0;
    uint64_t least = 0;
    for (size_t i = 0; i < run->threads; i++) {
        tables[i] = read_table(run->tables[i]);
    }
    assert_int_equal(tare_heavy_merge(tables, run->threads, run->capacity, merged, &count, &least), 0);
    for (uint64_t i = 0; i < KEYS; i++) {
        numbers[i] = i;
    }
    sort_by = run->exact;
    qsort(numbers, KEYS, sizeof(numbers[0]), compare_numbers);
    for (size_t i = 0; i < top; i++) {
        for (size_t k = 0; k < count && k < among; k++) {
            found += merged[k].key == key_of(numbers[i]);
        }
    }
    for (size_t i = 0; i < run->threads; i++) {
        free((void *)(uintptr_t)tables[i].keys);
    }
    return (double)found / (double)top;
}

/* Precision is the share of the first 64 shown that are truly among the first 64: as many as are recalled. */
static void zipf(double s, size_t threads, uint64_t weight_max, double least_recall, double least_precision)
{
    double *sums = zipf_sums(s);
    struct tare_random random;
    tare_random_seed(&random, 20050104 + threads);
    struct run run = begin(threads, K);
    for (int i = 0; i < UPDATES; i++) {
        uint64_t weight = weight_max == 1 ? 1 : 1 + tare_random_below(&random, weight_max);
        hit(&run, tare_random_below(&random, threads), zipf_draw(sums, &random), weight);
    }
    check(&run);
    double kept = recall(&run, 64, K), first = recall(&run, 64, 64);
    print_message("Zipf %.1f, %zu tables of %d, weights up to %llu: of the true top 64, %.1f %% are kept, "
                  "%.1f %% are among the first 64\n",
                  s, threads, K, (unsigned long long)weight_max, kept * 100, first * 100);
    assert_true(kept >= least_recall && first >= least_precision);
    end(&run);
    free(sums);
}

static void zipf_08(void **state)
{
    (void)state;
    zipf(0.8, 1, 1, 0.95, 0.9);
    zipf(0.8, 4, 1, 0.95, 0.9);
}

static void zipf_10(void **state)
{
    (void)state;
    zipf(1.0, 1, 1, 0.98, 0.95);
    zipf(1.0, 4, 1, 0.98, 0.95);
    zipf(1.0, 1, 1000, 0.98, 0.95);
}

static void zipf_12(void **state)
{
    (void)state;
    zipf(1.2, 1, 1, 1, 0.95);
    zipf(1.2, 8, 1, 1, 0.95);
}

static void all_keys_differ(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 4; threads += 3) {
        struct run run = begin(threads, K);
        for (uint64_t i = 0; i < KEYS; i++) {
            hit(&run, i % threads, i, 1);
        }
        check(&run);
        end(&run);
    }
}

/* Each key goes just before it comes again, if the one that goes is the oldest. */
static void one_key_too_many(void **state)
{
    (void)state;
    struct run run = begin(1, K);
    for (uint64_t i = 0; i < UPDATES; i++) {
        hit(&run, 0, i % (K + 1), 1);
    }
    check(&run);
    end(&run);
}

static void weights_rise(void **state)
{
    (void)state;
    struct run run = begin(2, K);
    for (uint64_t i = 0; i < KEYS; i++) {
        hit(&run, i & 1, i, i + 1);
        if (i % 9973 == 0) {
            assert_sound(run.tables[0]);
        }
    }
    check(&run);
    end(&run);
}

static void weights_fall(void **state)
{
    (void)state;
    struct run run = begin(1, K);
    for (uint64_t i = 0; i < KEYS; i++) {
        hit(&run, 0, i, (KEYS - i) * 1000);
    }
    check(&run);
    end(&run);
}

/* Weights of all magnitudes, so that entries pass through all levels of queues. */
static void weights_of_all_sizes(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 7);
    struct run run = begin(1, 64);
    for (int i = 0; i < KEYS; i++) {
        uint64_t weight = tare_random_next(&random) >> (24 + tare_random_below(&random, 40));
        hit(&run, 0, tare_random_below(&random, 1000), weight);
        if (i % 997 == 0) {
            assert_sound(run.tables[0]);
        }
    }
    check(&run);
    end(&run);
}

/* A key with more than N / K is kept, however late it comes, and however long ago it stopped. */
static void heavy_key_comes_late(void **state)
{
    (void)state;
    struct run run = begin(1, K);
    for (uint64_t i = 0; i < KEYS - 1; i++) {
        hit(&run, 0, i, 1);
    }
    for (int i = 0; i < 2 * KEYS / K; i++) {
        hit(&run, 0, KEYS - 1, 1);
    }
    check(&run);
    assert_true(recall(&run, 1, 1) == 1);
    end(&run);
}

static void heavy_key_stops(void **state)
{
    (void)state;
    struct run run = begin(1, K);
    for (int i = 0; i < 2 * KEYS / K; i++) {
        hit(&run, 0, KEYS - 1, 1);
    }
    for (uint64_t i = 0; i < KEYS - 1; i++) {
        hit(&run, 0, i, 1);
    }
    check(&run);
    assert_true(recall(&run, 1, K) == 1);
    end(&run);
}

/* Nothing had to leave: all is exact. */
static void few_keys_are_exact(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 3);
    struct run run = begin(3, K);
    for (int i = 0; i < UPDATES / 10; i++) {
        uint64_t number = tare_random_below(&random, K);
        hit(&run, number % 3, number, 1 + tare_random_below(&random, 5));
    }
    check(&run);
    for (size_t i = 0; i < 3; i++) {
        struct tare_heavy_table table = read_table(run.tables[i]);
        assert_int_equal(table.least, 0);
        assert_int_equal(run.tables[i]->replaced, 0);
        for (size_t k = 0; k < table.count; k++) {
            assert_int_equal(table.keys[k].error, 0);
            assert_int_equal(table.keys[k].weight, run.exact[number_of(table.keys[k].key)]);
        }
        free((void *)(uintptr_t)table.keys);
    }
    end(&run);
}

static void all_capacities_work(void **state)
{
    (void)state;
    static const uint32_t capacities[] = {1, 2, 3, 63, 64, 65, 1000, TARE_TOPK_MAX};
    for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
        struct tare_random random;
        tare_random_seed(&random, capacities[i]);
        struct run run = begin(1, capacities[i]);
        for (int n = 0; n < UPDATES / 10; n++) {
            uint64_t u = tare_random_below(&random, KEYS);
            hit(&run, 0, u * u / KEYS * u / KEYS, tare_random_below(&random, 3)); /* weights of 0, too */
        }
        check(&run);
        end(&run);
    }
    assert_int_equal(tare__topk_capacity(0), 1);
    assert_int_equal(tare__topk_capacity(256), 256);
    assert_int_equal(tare__topk_capacity(UINT32_MAX), TARE_TOPK_MAX);
}

static void clearing_begins_anew(void **state)
{
    (void)state;
    struct run run = begin(1, K);
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 10000; i++) {
            hit(&run, 0, i * i % KEYS, i % 7 + 1);
        }
        check(&run);
        tare__topk_clear(run.tables[0]);
        assert_int_equal(run.tables[0]->used, 0);
        assert_sound(run.tables[0]);
        memset(run.exact, 0, KEYS * sizeof(*run.exact));
        memset(run.exact_of[0], 0, KEYS * sizeof(*run.exact));
        run.sums[0] = run.sum = 0;
    }
    end(&run);
}

/* At the end of their range weights stop, and the table stays whole. */
static void weights_do_not_run_over(void **state)
{
    (void)state;
    struct run run = begin(1, 4);
    for (int i = 0; i < 1000; i++) {
        tare__topk_hit(run.tables[0], tare__topk_index(run.tables[0])->multiplier, (uint64_t)i % 9,
                       i % 3 == 0 ? UINT64_MAX : UINT64_MAX / 2);
        assert_sound(run.tables[0]);
    }
    for (uint32_t number = 1; number <= 4; number++) {
        assert_true(tare__topk_entry(run.tables[0], number)->weight == UINT64_MAX);
    }
    end(&run);
}

/*
 * An update that was left in the middle, at each of its stores: the table is whole again, nothing in it is
 * shown as certain that is not, and it goes on counting.
 */
static void left_in_the_middle(void **state)
{
    (void)state;
    struct run run = begin(1, 8);
    for (uint64_t i = 0; i < 100; i++) {
        hit(&run, 0, i % 11, i % 5 + 1);
    }
    struct tare__topk_index *index = tare__topk_index(run.tables[0]);
    for (int step = 0; step < 7; step++) {
        /* As tare__topk_admit() goes: the filter, out of its queue, out of its chain, then store by store. */
        uint32_t number = tare__topk_lightest(run.tables[0], index);
        struct tare__topk_entry *entry = tare__topk_entry(run.tables[0], number);
        uint64_t key = key_of((uint64_t)(50 + step));
        uint16_t *head = tare__topk_head(index, entry->key);
        tare__topk_turn_away(run.tables[0], tare__topk_outside(index, head), index->least);
        if (step >= 1) {
            tare__topk_dequeue(index, entry);
        }
        if (step >= 2) {
            tare__topk_unchain(run.tables[0], index, entry, number);
        }
        if (step >= 3) {
            entry->sequence |= 1;
        }
        if (step >= 4) {
            entry->key = key;
        }
        if (step >= 5) {
            entry->weight = index->least + 1;
        }
        if (step >= 6) {
            entry->error = index->least;
        }
        tare__topk_mend(run.tables[0]);
        assert_sound(run.tables[0]);
        for (uint32_t i = 1; i <= 8; i++) {
            entry = tare__topk_entry(run.tables[0], i);
            uint64_t exact = run.exact[number_of(entry->key)];
            assert_true(exact <= entry->weight && entry->weight - entry->error <= exact);
        }
        for (uint64_t i = 0; i < 50; i++) {
            hit(&run, 0, i % 13, 1);
        }
        assert_sound(run.tables[0]);
    }
    end(&run);
}

/* Random operations beside the same algorithm written plainly: all entries are looked at each time. */
struct plain {
    uint64_t keys[16], weights[16], errors[16], outside[4096];
    uint32_t used;
};

/* Returns the entry that the key is in afterwards, or -1. */
static int plain_hit(struct plain *plain, size_t sum, uint64_t key, uint64_t weight, uint32_t capacity,
                     const struct tare_topk *table)
{
    uint32_t lightest = 0;
    for (uint32_t i = 0; i < plain->used; i++) {
        if (plain->keys[i] == key) {
            plain->weights[i] += weight;
            return (int)i;
        }
        lightest = plain->weights[i] < plain->weights[lightest] ? i : lightest;
    }
    if (plain->used < capacity) {
        plain->keys[plain->used] = key;
        plain->weights[plain->used] = weight;
        return (int)plain->used++;
    }
    if (plain->outside[sum] + weight <= plain->weights[lightest]) {
        plain->outside[sum] += weight;
        return -1;
    }
    uint64_t least = plain->weights[lightest];
    for (uint32_t i = 0; i < capacity; i++) { /* the table's choice among equals is ours, too */
        if (tare__topk_entry((struct tare_topk *)(uintptr_t)table, i + 1)->key == key) {
            lightest = i;
        }
    }
    assert_int_equal(plain->weights[lightest], least);
    plain->keys[lightest] = key;
    plain->errors[lightest] = plain->outside[sum];
    plain->weights[lightest] = plain->outside[sum] + weight;
    return (int)lightest;
}

static void as_written_plainly(void **state)
{
    (void)state;
    enum { SMALL = 16 };
    struct tare_random random;
    tare_random_seed(&random, 99);
    struct run run = begin(1, SMALL);
    struct tare_topk *table = run.tables[0];
    struct tare__topk_index *index = tare__topk_index(table);
    static struct plain plain;
    for (int i = 0; i < 50000; i++) {
        uint64_t key = key_of(tare_random_below(&random, 60)), weight = tare_random_below(&random, 90);
        const uint64_t *filter = tare__topk_outside(index, tare__topk_chain(index, 0));
        size_t sum = (size_t)(filter - tare__topk_outside(index, tare__topk_head(index, key)));
        uint64_t keys[SMALL], least = UINT64_MAX;
        memcpy(keys, plain.keys, sizeof(keys));
        for (uint32_t k = 0; k < plain.used; k++) {
            least = plain.weights[k] < least ? plain.weights[k] : least;
        }
        tare__topk_hit(table, index->multiplier, key, weight);
        int place = plain_hit(&plain, sum, key, weight, SMALL, table);
        if (place >= 0 && keys[place] != key && plain.used == SMALL && keys[place] != 0) { /* one had to go */
            plain.outside[filter - tare__topk_outside(index, tare__topk_head(index, keys[place]))] = least;
        }
        assert_int_equal(table->used, plain.used);
        for (uint32_t k = 0; k < plain.used; k++) {
            const struct tare__topk_entry *entry = tare__topk_entry(table, k + 1);
            assert_true(entry->key == plain.keys[k]);
            assert_int_equal(entry->weight, plain.weights[k]);
            assert_int_equal(entry->error, plain.errors[k]);
        }
    }
    assert_sound(table);
    assert_true(table->replaced > 1000);
    end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zipf_08),
        cmocka_unit_test(zipf_10),
        cmocka_unit_test(zipf_12),
        cmocka_unit_test(all_keys_differ),
        cmocka_unit_test(one_key_too_many),
        cmocka_unit_test(weights_rise),
        cmocka_unit_test(weights_fall),
        cmocka_unit_test(weights_of_all_sizes),
        cmocka_unit_test(heavy_key_comes_late),
        cmocka_unit_test(heavy_key_stops),
        cmocka_unit_test(few_keys_are_exact),
        cmocka_unit_test(all_capacities_work),
        cmocka_unit_test(clearing_begins_anew),
        cmocka_unit_test(weights_do_not_run_over),
        cmocka_unit_test(left_in_the_middle),
        cmocka_unit_test(as_written_plainly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
