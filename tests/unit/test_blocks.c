/* SPDX-License-Identifier: MIT */
/*
 * Block means: figures done by hand, what is told and what is not, and simulated runs of which the truth is
 * known: does the 95 % interval hold it 95 % of the time, where the scopes of a run depend on each other, and
 * where the formula for independent scopes does not?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>

#include "stats/blocks.h"
#include "stats/random.h"

static void assert_near(double found, double expected, double within)
{
    if (!(fabs(found - expected) <= within)) {
        fail_msg("%.17g is not within %g of %.17g", found, within, expected);
    }
}

static void add(struct tare_run_blocks *blocks, double scopes, double total)
{
    tare_run_blocks_add(blocks, (struct tare_run_block){.scopes = scopes, .total = total});
}

static struct tare_run_mean mean_of(const struct tare_run_blocks *blocks)
{
    struct tare_run_mean mean;
    tare_run_blocks_mean(blocks, &mean);
    return mean;
}

static void assert_unknown(const struct tare_run_mean *mean)
{
    assert_true(isnan(mean->error) && isnan(mean->standard_error) && isnan(mean->freedom) &&
                isnan(mean->effective));
}

/* Ten blocks of 10 scopes; residuals 2, -2, 2 ...: neighbours are opposed, which is not held against them. */
static void equal_blocks_give_the_standard_error_of_their_means(void **state)
{
    (void)state;
    struct tare_run_blocks blocks = {0};
    for (int i = 0; i < 10; i++) {
        add(&blocks, 10, i % 2 == 0 ? 102 : 98);
    }
    struct tare_run_mean mean = mean_of(&blocks);
    assert_near(mean.mean, 10.0, 1e-12);
    assert_near(mean.effective, 10.0, 1e-12);
    assert_near(mean.freedom, 9.0, 1e-12);
    /* means 10.2 and 9.8: standard deviation sqrt(10/9) x 0.2, over sqrt(10) */
    assert_near(mean.standard_error, 0.2 / 3.0, 1e-12);
    /* t(97.5 %, 9) = 2.262157 (any table) */
    assert_near(1.959963984540054 * mean.error, 2.2621571627409915 * 0.2 / 3.0, 1e-9);
}

static void sizes_of_blocks_do_not_matter_where_all_scopes_are_alike(void **state)
{
    (void)state;
    struct tare_run_blocks blocks = {0};
    for (int i = 0; i < 20; i++) {
        add(&blocks, 1 + i * i, 7.0 * (1 + i * i));
    }
    struct tare_run_mean mean = mean_of(&blocks);
    assert_near(mean.mean, 7.0, 1e-12);
    assert_near(mean.error, 0.0, 1e-9);
}

static void few_blocks_say_nothing(void **state)
{
    (void)state;
    struct tare_run_blocks blocks = {0};
    struct tare_run_mean mean = mean_of(&blocks);
    assert_true(isnan(mean.mean));
    assert_unknown(&mean);
    for (int i = 0; i < TARE_RUN_BLOCKS_MIN; i++) {
        mean = mean_of(&blocks);
        assert_unknown(&mean);
        add(&blocks, 0, 0); /* nothing was counted: no block */
        add(&blocks, 5, 50 + i % 3);
    }
    assert_int_equal(blocks.count, TARE_RUN_BLOCKS_MIN);
    mean = mean_of(&blocks);
    assert_true(mean.error > 0.0);
}

static void one_block_that_holds_nearly_all_says_nothing(void **state)
{
    (void)state;
    struct tare_run_blocks blocks = {0};
    for (int i = 0; i < 20; i++) {
        add(&blocks, i == 10 ? 100000 : 3, i == 10 ? 1000000 : 30 + i % 3);
    }
    struct tare_run_mean mean = mean_of(&blocks);
    assert_near(mean.mean, 10.0, 0.01);
    assert_unknown(&mean);
}

static void what_is_no_number_is_not_added(void **state)
{
    (void)state;
    struct tare_run_blocks blocks = {0};
    add(&blocks, NAN, 1);
    add(&blocks, 1, NAN);
    add(&blocks, -1, 1);
    tare_run_blocks_add(&blocks, (struct tare_run_block){.scopes = 1, .total = 1, .within = NAN});
    assert_int_equal(blocks.count, 0);
}

static void time_without_a_scope_belongs_to_the_block_before(void **state)
{
    (void)state;
    struct tare_run_blocks blocks = {0};
    add(&blocks, 2, 10);
    add(&blocks, 0, 5);
    assert_int_equal(blocks.count, 1);
    assert_near(blocks.blocks[0].total, 15, 0);
}

static void a_block_can_be_extended(void **state)
{
    (void)state;
    struct tare_run_blocks blocks = {0};
    tare_run_blocks_extend(&blocks, (struct tare_run_block){.scopes = 2, .total = 10, .within = 1});
    tare_run_blocks_extend(&blocks, (struct tare_run_block){.scopes = 3, .total = 20, .within = 2});
    assert_int_equal(blocks.count, 1);
    assert_near(blocks.blocks[0].scopes, 5, 0);
    assert_near(blocks.blocks[0].total, 30, 0);
    assert_near(blocks.blocks[0].within, 3, 0);
}

/* However long the run: bounded memory, nothing lost, and blocks in their order. */
static void blocks_grow_with_the_run(void **state)
{
    (void)state;
    struct tare_run_blocks blocks = {0};
    double scopes = 0, total = 0, within = 0;
    for (int i = 1; i <= 100000; i++) {
        struct tare_run_block more = {.scopes = 10 + i % 3, .total = i, .within = i % 5};
        tare_run_blocks_add(&blocks, more);
        scopes += more.scopes;
        total += more.total;
        within += more.within;
        assert_true(blocks.count <= TARE_RUN_BLOCKS_MAX);
        assert_true(i < 64 || blocks.count >= 30);
    }
    struct tare_run_block sum = tare_run_blocks_sum(&blocks);
    assert_near(sum.scopes, scopes, 0);
    assert_near(sum.total, total, 0);
    assert_near(sum.within, within, 0);
    for (size_t i = 1; i < blocks.count; i++) {
        const struct tare_run_block *a = &blocks.blocks[i - 1], *b = &blocks.blocks[i];
        assert_true(a->total / a->scopes < b->total / b->scopes);
        assert_true(i + 1 == blocks.count || b->scopes > 0.4 * a->scopes);
    }
}

/* A thousand short calls before a burst do not take the burst's blocks away. */
static void a_burst_gets_most_of_the_blocks(void **state)
{
    (void)state;
    struct tare_run_blocks blocks = {0};
    for (int i = 0; i < 1000; i++) {
        add(&blocks, 1, 10);
    }
    for (int i = 0; i < 40; i++) {
        add(&blocks, 100000, 1000000 + 1000 * (i % 3));
    }
    struct tare_run_mean mean = mean_of(&blocks);
    assert_true(mean.error > 0.0);
    assert_true(mean.effective > 25.0);
}

/* 5 x 0.5 ns - 2 x 0.75 ns = 1 ns for each scope, and the variation was all in how many ended within. */
static void what_scopes_within_cost_is_not_taken_for_the_programs_own(void **state)
{
    (void)state;
    struct tare_run_blocks blocks = {0};
    for (int i = 0; i < 12; i++) {
        double within = 20 + i * i % 7;
        tare_run_blocks_add(
            &blocks, (struct tare_run_block){.scopes = 10, .total = 20 + 1.5 * within, .within = within});
    }
    assert_true(mean_of(&blocks).error > 0.01);
    tare_run_blocks_net(&blocks, 0.5, 0.75);
    struct tare_run_mean mean = mean_of(&blocks);
    assert_near(mean.mean, 1.0, 1e-12);
    assert_near(mean.error, 0.0, 1e-9);
    assert_near(tare_run_blocks_sum(&blocks).within, 0.0, 0);
}

static void unknown_costs_make_the_error_unknown(void **state)
{
    (void)state;
    struct tare_run_blocks with = {0}, without = {0};
    for (int i = 0; i < 12; i++) {
        tare_run_blocks_add(&with, (struct tare_run_block){.scopes = 1, .total = 10 + i % 2, .within = i == 3});
        add(&without, 1, 10 + i % 2);
    }
    tare_run_blocks_net(&with, 1.0, NAN);
    tare_run_blocks_net(&without, 1.0, NAN); /* needs no cost that it has not */
    struct tare_run_mean mean = mean_of(&with);
    assert_unknown(&mean);
    assert_true(mean_of(&without).error > 0.0);
    tare_run_blocks_net(&without, NAN, 1.0);
    mean = mean_of(&without);
    assert_unknown(&mean);
}

/* From 100 to 200: no end in sight, so the interval is as wide as all that was seen. */
static void a_trend_makes_the_interval_as_wide_as_it_is_high(void **state)
{
    (void)state;
    struct tare_run_blocks blocks = {0};
    for (int i = 0; i < 50; i++) {
        add(&blocks, 10, 10 * (100 + 100 * i / 49.0));
    }
    struct tare_run_mean mean = mean_of(&blocks);
    assert_near(mean.effective, 3.0, 1e-9);
    assert_in_range((int)(2 * 1.96 * mean.error), 80, 200);
}

static void appended_blocks_are_added(void **state)
{
    (void)state;
    struct tare_run_blocks a = {0}, b = {0}, both = {0};
    for (int i = 0; i < 30; i++) {
        add(&a, 5, 50 + i % 4);
        add(&both, 5, 50 + i % 4);
    }
    for (int i = 0; i < 20; i++) {
        add(&b, 6, 70 - i % 3);
        add(&both, 6, 70 - i % 3);
    }
    tare_run_blocks_append(&a, &b);
    assert_int_equal(a.count, 50);
    assert_memory_equal(a.blocks, both.blocks, sizeof a.blocks);
}

/*
 * Programs that never were. Each scope's time depends on the ones before it: ar is autoregressive of order 1
 * (normal times), two_speeds changes between a fast and a slow way to work. The reader looks `looks` times; in
 * between, `scopes` end, or, in bursts, half of the time none and else a number that is exponentially
 * distributed.
 */
struct program {
    const char *name;
    enum { AR, TWO_SPEEDS } kind;
    double memory; /* correlation of neighbours, or chance to stay */
    int looks, scopes;
    bool bursts;
    double covered_from, covered_to; /* of 100: the band that is promised */
    double naive_below;              /* of 100 for the formula for independent scopes */
};

static const struct program programs[] = {
    {"independent, 8 looks", AR, 0.0, 8, 40, false, 92, 99.5, 100},
    {"independent", AR, 0.0, 200, 40, false, 92, 99, 100},
    {"memory of 10", AR, 0.9, 60, 40, false, 92, 99, 50},
    {"memory of 100, few looks", AR, 0.99, 20, 40, false, 92, 99.5, 25},
    {"memory of 100", AR, 0.99, 200, 40, false, 92, 99.5, 25},
    {"memory of 100, in bursts", AR, 0.99, 200, 40, true, 92, 99.5, 25},
    {"memory of 1000", AR, 0.999, 200, 40, false, 92, 99.5, 20},
    {"two speeds", TWO_SPEEDS, 0.998, 200, 40, false, 91, 99.5, 20},
    {"two speeds, in bursts", TWO_SPEEDS, 0.998, 200, 40, true, 91, 99.5, 20},
};

static double next_time(const struct program *program, double *memory, struct tare_random *random)
{
    if (program->kind == AR) {
        *memory = program->memory * *memory +
                  sqrt(1 - program->memory * program->memory) * tare_random_normal(random);
        return 100 + 10 * *memory;
    }
    if (tare_random_uniform(random) > program->memory) {
        *memory = -*memory;
    }
    return 100 + (*memory > 0 ? 20 : -20) + tare_random_normal(random);
}

/* One run: whether each interval holds 100. */
static void run_once(const struct program *program, struct tare_random *random, bool *covered, bool *naive)
{
    struct tare_run_blocks blocks = {0};
    double n = 0, sum = 0, squares = 0, memory = tare_random_normal(random);
    for (int look = 0; look < program->looks; look++) {
        int scopes = program->scopes;
        if (program->bursts) {
            scopes = tare_random_uniform(random) < 0.5
                         ? 0
                         : (int)(-2 * program->scopes * log(1 - tare_random_uniform(random)));
        }
        double total = 0;
        for (int i = 0; i < scopes; i++) {
            double time = next_time(program, &memory, random);
            total += time;
            squares += (time - 100) * (time - 100);
        }
        n += scopes;
        sum += total;
        add(&blocks, scopes, total);
    }
    struct tare_run_mean mean = mean_of(&blocks);
    assert_near(mean.mean, sum / n, 1e-6);
    assert_true(mean.error > 0);
    *covered = fabs(mean.mean - 100) <= 1.959964 * mean.error;
    *naive = fabs(mean.mean - 100) <= 1.959964 * sqrt(squares / n / n);
}

/*
 * 500 runs each: the standard deviation of the share is 1 %, so a band that begins at 92 % allows for 3 of
 * them. The sequence is fixed: this holds, or does not.
 */
static void interval_holds_the_truth_as_often_as_it_says(void **state)
{
    (void)state;
    enum { RUNS = 500 };
    struct tare_random random;
    tare_random_seed(&random, 19770601);
    for (size_t p = 0; p < sizeof programs / sizeof programs[0]; p++) {
        const struct program *program = &programs[p];
        int covered = 0, naive = 0;
        for (int run = 0; run < RUNS; run++) {
            bool ours, theirs;
            run_once(program, &random, &ours, &theirs);
            covered += ours;
            naive += theirs;
        }
        double share = 100.0 * covered / RUNS, naive_share = 100.0 * naive / RUNS;
        print_message("%-26s %5.1f %% covered, %5.1f %% if taken for independent\n", program->name, share,
                      naive_share);
        if (share < program->covered_from || share > program->covered_to) {
            fail_msg("%s: the 95 %% interval covers %.1f %%", program->name, share);
        }
        if (naive_share > program->naive_below) { /* else this test would prove nothing */
            fail_msg("%s: the formula for independent scopes covers %.1f %%", program->name, naive_share);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_blocks_give_the_standard_error_of_their_means),
        cmocka_unit_test(sizes_of_blocks_do_not_matter_where_all_scopes_are_alike),
        cmocka_unit_test(few_blocks_say_nothing),
        cmocka_unit_test(one_block_that_holds_nearly_all_says_nothing),
        cmocka_unit_test(what_is_no_number_is_not_added),
        cmocka_unit_test(time_without_a_scope_belongs_to_the_block_before),
        cmocka_unit_test(a_block_can_be_extended),
        cmocka_unit_test(blocks_grow_with_the_run),
        cmocka_unit_test(a_burst_gets_most_of_the_blocks),
        cmocka_unit_test(what_scopes_within_cost_is_not_taken_for_the_programs_own),
        cmocka_unit_test(unknown_costs_make_the_error_unknown),
        cmocka_unit_test(a_trend_makes_the_interval_as_wide_as_it_is_high),
        cmocka_unit_test(appended_blocks_are_added),
        cmocka_unit_test(interval_holds_the_truth_as_often_as_it_says),
    };
    return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}
