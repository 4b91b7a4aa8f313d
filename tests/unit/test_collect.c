/* SPDX-License-Identifier: MIT */
/*
 * result/collect.h: what was counted between two readings of a page, also where a timer was reset in between;
 * and what is said of a figure's error. Blocks and the sampling error: test_sampler.c.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/reader.h"
#include "result/collect.h"
#include "stats/quantile.h"
#include "tests/unit/near.h"
#include "tests/unit/page_builder.h"

static void read_view(const struct page_builder *builder, struct tare_page_view *view)
{
    char message[256] = "";
    int fd = page_builder_file(builder, 0, builder->size);
    struct tare_page_source source = {fd, 0, builder->size};
    assert_int_equal(tare_page_read(&source, TARE_READ_HISTOGRAMS, view, message, sizeof message), 0);
    close(fd);
}

static void record(struct page_builder *builder, uint32_t timer, unsigned times, uint64_t ticks)
{
    for (unsigned i = 0; i < times; i++) {
        page_builder_record(builder, 0, timer, ticks, 0);
    }
}

/* As a reset and the timer's next scope leave it. */
static void reset(const struct page_builder *builder, uint32_t timer)
{
    struct tare_slot *slot = page_builder_slot(builder, 0, timer);
    uint64_t *buckets = page_builder_buckets(builder, 0, timer);
    *slot = (struct tare_slot){.min_ticks = UINT64_MAX, .generation = slot->generation + 1};
    page_builder_control(builder, timer)->generation++;
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        buckets[i] = 0;
    }
}

static void test_a_window_with_a_reset_in_it(void **state)
{
    (void)state;
    struct page_builder builder;
    struct tare_page_view before, after;
    page_builder_init(&builder, 4, 2, TARE_PAGE_HISTOGRAMS);
    uint32_t plain = page_builder_timer(&builder, "m", "plain", "m.c", 1);
    uint32_t fewer = page_builder_timer(&builder, "m", "fewer", "m.c", 2);
    uint32_t more = page_builder_timer(&builder, "m", "more", "m.c", 3);
    page_builder_block(&builder, 1, "t");
    record(&builder, plain, 10, 100);
    record(&builder, fewer, 10, 100);
    record(&builder, more, 10, 100);
    read_view(&builder, &before);
    reset(&builder, fewer);
    reset(&builder, more);
    record(&builder, plain, 4, 100);
    record(&builder, fewer, 4, 100);
    record(&builder, more, 14, 100);
    read_view(&builder, &after);
    assert_int_equal(before.timers[more].generation + 1, after.timers[more].generation);
    tare_page_view_subtract(&after, &before);
    const uint64_t expected[] = {[0] = 4, [1] = 4, [2] = 14};
    for (size_t i = 0; i < 3; i++) {
        const struct tare_page_timer *timer = &after.timers[i];
        assert_int_equal(timer->sums.calls, expected[i]);
        assert_int_equal(timer->sums.outermost, expected[i]);
        assert_int_equal(timer->sums.total_ticks, 100 * expected[i]);
        assert_int_equal(timer->buckets[tare_bucket_of(100)], expected[i]);
    }
    tare_page_view_release(&before);
    tare_page_view_release(&after);
    page_builder_release(&builder);
}

/* A page of 2 GHz with one timer: 99 scopes of 1000 ticks, one of 5000, each with two others in it. */
static void build_timed(struct page_builder *builder)
{
    page_builder_init(builder, 1, 1, TARE_PAGE_HISTOGRAMS);
    page_builder_costs(builder);
    uint32_t timer = page_builder_timer(builder, "m", "t", "m.c", 1);
    page_builder_block(builder, 1, "t");
    for (int i = 0; i < 100; i++) {
        page_builder_record(builder, 0, timer, i < 99 ? 1000 : 5000, 2);
    }
    page_builder_slot(builder, 0, timer)->closeness_within = 200 * 20; /* all of them close */
}

static struct tare_result *collected(const struct page_builder *builder, int pages)
{
    struct tare_result *result = tare_result_new();
    struct tare_collector *collector = tare_collector_new(result);
    const struct tare_page_context context = {.keep_process = true, .keep_timers = true};
    assert_non_null(collector);
    for (int i = 0; i < pages; i++) {
        struct tare_page_view view;
        read_view(builder, &view);
        assert_int_equal(tare_collector_add(collector, &view, &context), 0);
        tare_page_view_release(&view);
    }
    assert_int_equal(tare_collector_finish(collector), 0);
    tare_collector_free(collector);
    return result;
}

static void test_an_average_has_its_interval_and_its_causes(void **state)
{
    (void)state;
    struct page_builder builder;
    build_timed(&builder);
    struct tare_result *result = collected(&builder, 1);
    const struct tare_result_figures *figures = &result->timers[0].figures;
    /* Inside 38.5 ticks, outside the mean of 96 and 98; a tick is half a nanosecond. */
    assert_near(figures->net_avg_ns, (1040 - 38.5 - 2 * 97) / 2, 1e-9);
    assert_near(figures->net_avg_low_ns, figures->net_avg_ns - figures->net_avg_error_ns, 1e-12);
    assert_near(figures->net_avg_high_ns, figures->net_avg_ns + figures->net_avg_error_ns, 1e-12);
    double squares = 0, limit = 0;
    for (int part = 0; part < TARE_ERROR_SAMPLING; part++) {
        double ns = figures->net_avg_error_part_ns[part];
        assert_true(ns > 0);
        squares += ns * ns;
        limit += part != TARE_ERROR_RATE ? ns * ns : 0;
    }
    assert_true(isnan(figures->net_avg_error_part_ns[TARE_ERROR_SAMPLING])); /* nobody looked while it ran */
    assert_near(figures->net_avg_error_ns, sqrt(squares), 1e-12);
    assert_near(figures->net_avg_limit_ns, 2 * sqrt(limit), 1e-12);
    assert_near(figures->net_avg_error_part_ns[TARE_ERROR_RATE], TARE_Z95 * 2e-6 * figures->net_avg_ns, 1e-12);
    assert_near(figures->measuring_ns, 100 * 97 / 2.0, 1e-9);
    assert_true(isnan(figures->measuring_share)); /* of what, a page does not know */
    const struct tare_result_figures *own = &result->processes[0].timers[0].figures;
    assert_near(own->net_avg_error_ns, figures->net_avg_error_ns, 0);
    assert_near(own->measuring_ns, figures->measuring_ns, 0);
    tare_result_free(result);
    page_builder_release(&builder);
}

static void test_percentiles_have_the_width_of_their_bucket(void **state)
{
    (void)state;
    struct page_builder builder;
    build_timed(&builder);
    struct tare_result *result = collected(&builder, 1);
    const struct tare_result_figures *figures = &result->timers[0].figures;
    double shift_ns = figures->raw_avg_ns - figures->net_avg_ns;
    /* 1000 ticks are in the bucket of 992 to 1023, of which none was below 1000. */
    assert_between(figures->raw_p50_ns, 1000 / 2.0, 1023 / 2.0);
    assert_near(figures->p50_error_ns, fmax(figures->raw_p50_ns - 1000 / 2.0, 1023 / 2.0 - figures->raw_p50_ns),
                1e-9);
    assert_near(figures->net_p50_ns, figures->raw_p50_ns - shift_ns, 1e-9);
    assert_between(figures->p99_error_ns, (1023 - 1000) / 4.0, (1023 - 1000) / 2.0);
    assert_between(figures->raw_p999_ns, 2500 - figures->p999_error_ns, 2500);
    tare_result_free(result);
    page_builder_release(&builder);
}

static void test_errors_of_processes_add_but_for_those_by_chance(void **state)
{
    (void)state;
    struct page_builder builder;
    build_timed(&builder);
    struct tare_result *one = collected(&builder, 1), *four = collected(&builder, 4);
    const struct tare_result_figures *a = &one->timers[0].figures, *b = &four->timers[0].figures;
    assert_near(b->net_avg_ns, a->net_avg_ns, 1e-9);
    assert_near(b->measuring_ns, 4 * a->measuring_ns, 1e-9);
    for (int part = 0; part < TARE_ERROR_GRANULARITY; part++) {
        assert_near(b->net_avg_error_part_ns[part], a->net_avg_error_part_ns[part], 1e-12);
    }
    assert_near(b->net_avg_error_part_ns[TARE_ERROR_GRANULARITY],
                a->net_avg_error_part_ns[TARE_ERROR_GRANULARITY] / 2, 1e-12);
    tare_result_free(one);
    tare_result_free(four);
    page_builder_release(&builder);
}

static void test_the_clock_has_all_costs_that_are_known(void **state)
{
    (void)state;
    struct page_builder builder;
    build_timed(&builder);
    builder.header->flags |= TARE_PAGE_CALIBRATED_AT_EXIT;
    builder.header->cost_at_exit = builder.header->cost;
    builder.header->cost_at_exit.outer_apart.median_mticks = 70000;
    builder.header->cost_at_exit.knee.n = 0;
    builder.header->cost.inner.mad_mticks = -1; /* damaged */
    builder.header->cost_in_run.n = 1;
    for (int i = 0; i < TARE_SCOPE_COSTS; i++) {
        builder.header->cost_in_run.mticks[0][i] = 10000 * (i + 1);
    }
    struct tare_result *result = collected(&builder, 1);
    const struct tare_result_clock *clock = &result->clock;
    assert_near(clock->inner.median_ns, 19.25, 1e-9);
    assert_true(isnan(clock->inner.mad_ns));
    assert_near(clock->inner_empty.median_ns, 19.75, 1e-9);
    assert_near(clock->outer_nested.median_ns, 49, 1e-9);
    assert_near(clock->outer_apart.median_ns, 40, 1e-9);
    assert_near(clock->outer_apart_at_exit.median_ns, 35, 1e-9);
    assert_near(clock->outer_in_run.median_ns, 15, 1e-9);
    assert_int_equal(clock->outer_apart_in_run.n, 1);
    tare_result_free(result);
    page_builder_release(&builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_window_with_a_reset_in_it),
        cmocka_unit_test(test_an_average_has_its_interval_and_its_causes),
        cmocka_unit_test(test_percentiles_have_the_width_of_their_bucket),
        cmocka_unit_test(test_errors_of_processes_add_but_for_those_by_chance),
        cmocka_unit_test(test_the_clock_has_all_costs_that_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
