/* SPDX-License-Identifier: MIT */
/*
 * result/telemetry_figures.c and telemetry_past.c: total figures of a reading, and rolling ones from two, for
 * every kind of instrument; and where nothing can be said.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "result/live_parts.h"
#include "stats/random.h"
#include "tests/unit/near.h"
#include "tests/unit/page_builder.h"

/* A page that is read twice, `window_ns` apart. */
struct twice {
    struct page_builder builder;
    struct tare_page_view before, after;
    struct tare__past past, now;
    struct tare__arena arena;
};
static const double window_ns = 2e9;

static void read_view(const struct page_builder *builder, struct tare_page_view *view, struct tare__past *past,
                      const struct tare__past *before)
{
    char message[256] = "";
    int fd = page_builder_file(builder, 0, builder->size);
    struct tare_page_source source = {fd, 0, builder->size};
    assert_int_equal(tare_page_read(&source, TARE_READ_HISTOGRAMS, view, message, sizeof(message)), 0);
    close(fd);
    assert_int_equal(tare__past_fill(past, view, before), 0);
}

static void begin(struct twice *twice)
{
    memset(twice, 0, sizeof(*twice));
    page_builder_init(&twice->builder, 16, 2, TARE_PAGE_HISTOGRAMS);
}

static void first(struct twice *twice)
{
    read_view(&twice->builder, &twice->before, &twice->past, NULL);
}

static void second(struct twice *twice)
{
    read_view(&twice->builder, &twice->after, &twice->now, &twice->past);
}

/* The figures of number `at` in the directory; all of them come from the arena. */
static struct tare_instrument_figures figures_of(struct twice *twice, size_t at, bool rolling)
{
    struct tare__figures figures = {
        .arena = &twice->arena,
        .model = tare_page_cost_model(&twice->after.header, NULL),
        .origin_ticks = twice->after.header.first.ticks,
        .window_ns = rolling ? window_ns : NAN,
        .now = &twice->now,
        .earlier = rolling ? &twice->past : NULL,
    };
    struct tare_instrument_figures out;
    const struct tare_page_timer *timer = NULL;
    const struct tare_page_instrument *instrument = NULL;
    for (size_t i = 0; i < twice->after.timer_count; i++) {
        timer =
            twice->after.timers[i].index == twice->now.instruments[at].index ? &twice->after.timers[i] : timer;
    }
    for (size_t i = 0; i < twice->after.instrument_count; i++) {
        if (twice->after.instruments[i].index == twice->now.instruments[at].index) {
            instrument = &twice->after.instruments[i];
        }
    }
    assert_int_equal(tare__figures_of(&figures, timer, instrument, at, &out), 0);
    return out;
}

static void end(struct twice *twice)
{
    tare_page_view_release(&twice->before);
    tare_page_view_release(&twice->after);
    tare__past_release(&twice->past);
    tare__past_release(&twice->now);
    tare__arena_release(&twice->arena);
    page_builder_release(&twice->builder);
}

static void test_counters(void **state)
{
    (void)state;
    struct twice twice;
    begin(&twice);
    uint32_t plain = page_builder_instrument(&twice.builder, TARE_KIND_COUNTER, "m", "plain", "bytes", "a=b");
    uint32_t reset = page_builder_instrument(&twice.builder, TARE_KIND_COUNTER, "m", "reset", NULL, NULL);
    page_builder_block(&twice.builder, 1, "t");
    page_builder_count(&twice.builder, 0, plain, 100);
    page_builder_count(&twice.builder, 0, reset, 100);
    first(&twice);
    page_builder_count(&twice.builder, 0, plain, 50);
    page_builder_control(&twice.builder, reset)->generation++;
    uint32_t fresh = page_builder_instrument(&twice.builder, TARE_KIND_COUNTER, "m", "fresh", NULL, NULL);
    page_builder_count(&twice.builder, 0, fresh, 7);
    second(&twice);
    struct tare_instrument_figures of = figures_of(&twice, plain, true);
    assert_string_equal(of.module, "m");
    assert_string_equal(of.name, "plain");
    assert_string_equal(of.unit, "bytes");
    assert_string_equal(of.labels, "a=b");
    assert_null(of.help);
    assert_true(of.total.known && of.rolling.known);
    assert_int_equal(of.total.total, 150);
    assert_int_equal(of.rolling.total, 50);
    assert_near(of.rolling.per_s, 25, 1e-9);
    assert_true(isnan(of.total.per_s));
    of = figures_of(&twice, reset, true); /* what it counted before is void, what it counted since unknown */
    assert_int_equal(of.total.total, 0);
    assert_false(of.rolling.known);
    assert_true(isnan(of.rolling.per_s));
    of = figures_of(&twice, fresh, true); /* it had counted nothing when it did not exist */
    assert_true(of.rolling.known);
    assert_int_equal(of.rolling.total, 7);
    of = figures_of(&twice, plain, false);
    assert_true(of.total.known);
    assert_false(of.rolling.known);
    end(&twice);
}

static void test_a_counter_that_goes_down(void **state)
{
    (void)state;
    struct twice twice;
    begin(&twice);
    uint32_t counter = page_builder_instrument(&twice.builder, TARE_KIND_COUNTER, "m", "c", NULL, NULL);
    page_builder_block(&twice.builder, 1, "t");
    page_builder_count(&twice.builder, 0, counter, 100);
    first(&twice);
    page_builder_count(&twice.builder, 0, counter, (uint64_t)-40);
    second(&twice);
    struct tare_instrument_figures of = figures_of(&twice, counter, true);
    assert_int_equal(of.total.total, 60);
    assert_false(of.rolling.known);
    end(&twice);
}

/* A sum modulo 2^64 that says nothing above 2^63 - 1, and no rate from or to it; 64 bits are not cut. */
static void test_counters_at_their_limit(void **state)
{
    (void)state;
    static const struct {
        uint64_t before, more, total;
        bool known, window;
    } cases[] = {
        {INT64_MAX - 5, 5, INT64_MAX, true, true},
        {INT64_MAX, 1, TARE_COUNT_UNKNOWN, false, false},
        {5, UINT64_MAX - 5, TARE_COUNT_UNKNOWN, false, false},
        {UINT64_MAX, 5, 4, true, false}, /* it is right again, and what came is not known */
        {3, (uint64_t)-3, 0, true, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct twice twice;
        begin(&twice);
        uint32_t counter = page_builder_instrument(&twice.builder, TARE_KIND_COUNTER, "m", "c", NULL, NULL);
        page_builder_block(&twice.builder, 1, "t");
        page_builder_count(&twice.builder, 0, counter, cases[i].before);
        first(&twice);
        page_builder_count(&twice.builder, 0, counter, cases[i].more);
        second(&twice);
        struct tare_instrument_figures of = figures_of(&twice, counter, true);
        assert_int_equal(of.total.total, cases[i].total);
        assert_int_equal(of.total.known, cases[i].known);
        assert_int_equal(of.rolling.known, cases[i].window);
        assert_int_equal(isnan(of.rolling.per_s), !cases[i].window);
        end(&twice);
    }
}

/* One thread adds 5, another one takes 1 away: its own sum is 2^64 - 1, and that of both is 4. */
static void test_counters_of_two_threads(void **state)
{
    (void)state;
    struct twice twice;
    begin(&twice);
    uint32_t counter = page_builder_instrument(&twice.builder, TARE_KIND_COUNTER, "m", "c", NULL, NULL);
    page_builder_block(&twice.builder, 1, "a");
    page_builder_block(&twice.builder, 2, "b");
    page_builder_count(&twice.builder, 0, counter, 1);
    first(&twice);
    page_builder_count(&twice.builder, 0, counter, 4);
    page_builder_count(&twice.builder, 1, counter, (uint64_t)-1);
    second(&twice);
    struct tare_instrument_figures of = figures_of(&twice, counter, true);
    assert_true(of.total.known && of.rolling.known);
    assert_int_equal(of.total.total, 4);
    assert_int_equal(of.rolling.total, 3);
    end(&twice);
}

static void test_gauges(void **state)
{
    (void)state;
    struct twice twice;
    begin(&twice);
    uint32_t gauge = page_builder_instrument(&twice.builder, TARE_KIND_GAUGE, "m", "g", NULL, NULL);
    uint32_t unset = page_builder_instrument(&twice.builder, TARE_KIND_GAUGE, "m", "unset", NULL, NULL);
    uint32_t lost = page_builder_instrument(&twice.builder, TARE_KIND_GAUGE, "m", "lost", NULL, NULL);
    page_builder_gauge(&twice.builder, gauge, 3, 10);
    page_builder_gauge(&twice.builder, lost, 3, 3);
    first(&twice);
    page_builder_gauge(&twice.builder, gauge, -2.5, 10);
    page_builder_gauge(&twice.builder, lost, NAN, 3);
    page_builder_control(&twice.builder, gauge)->generation++; /* a reset does not touch the value */
    second(&twice);
    struct tare_instrument_figures of = figures_of(&twice, gauge, true);
    assert_near(of.total.value, -2.5, 0);
    assert_near(of.rolling.value, -5.5, 0);
    of = figures_of(&twice, unset, true);
    assert_true(isnan(of.total.value) && isnan(of.total.peak) && isnan(of.rolling.value));
    of = figures_of(&twice, lost, true);
    assert_true(isnan(of.total.value) && isnan(of.rolling.value));
    assert_near(of.total.peak, 3, 0);
    end(&twice);
}

static void record(struct twice *twice, uint32_t timer, unsigned times, uint64_t ticks)
{
    for (unsigned i = 0; i < times; i++) {
        page_builder_record(&twice->builder, 0, timer, ticks, 0);
    }
}

static void test_timers(void **state)
{
    (void)state;
    struct twice twice;
    begin(&twice);
    uint32_t timer = page_builder_timer(&twice.builder, "m", "t", "m.c", 5);
    uint32_t idle = page_builder_timer(&twice.builder, "m", "idle", "m.c", 6);
    page_builder_control(&twice.builder, idle)->enabled = 1;
    page_builder_block(&twice.builder, 1, "t");
    record(&twice, timer, 100, 10000);
    first(&twice);
    record(&twice, timer, 40, 2000);
    second(&twice);
    struct tare_instrument_figures of = figures_of(&twice, timer, true);
    struct tare_cost_model model = tare_page_cost_model(&twice.after.header, NULL);
    struct tare_timer_sums window = {.calls = 40, .outermost = 40, .total_ticks = 80000};
    struct tare_estimate expected = tare_estimate_timer(&model, &window);
    assert_int_equal(of.total.total, 140);
    assert_near(of.total.distribution.sum, 0.5 * (100 * 10000 + 40 * 2000), 1e-6);
    assert_int_equal(of.rolling.total, 40);
    assert_int_equal(of.rolling.distribution.count, 40);
    assert_near(of.rolling.per_s, 20, 1e-9);
    assert_near(of.rolling.net_total_ns, expected.net_total_ns, 1e-6);
    assert_near(of.rolling.net_avg_ns, expected.net_total_ns / 40, 1e-9);
    assert_near(of.rolling.busy_share, expected.net_total_ns / window_ns, 1e-12);
    assert_true(of.rolling.net_avg_ns < of.rolling.distribution.mean);
    /* All of the window's scopes are in one bucket, of which the width is a 16th. */
    assert_near(of.rolling.distribution.p50, 1000, 1000 / 16.0);
    assert_near(of.rolling.distribution.p99, 1000, 1000 / 16.0);
    assert_near(of.rolling.distribution.max, 1000, 1000 / 16.0);
    assert_near(of.rolling.net_p50_ns, of.rolling.distribution.p50 - tare_estimate_shift_ns(&expected, 40),
                1e-9);
    assert_near(of.total.distribution.max, 5000, 1e-6); /* of all scopes, the longest is known */
    of = figures_of(&twice, idle, true);
    assert_int_equal(of.rolling.total, 0);
    assert_near(of.rolling.per_s, 0, 0);
    assert_near(of.rolling.busy_share, 0, 0);
    assert_true(isnan(of.rolling.net_avg_ns) && isnan(of.rolling.distribution.p50));
    end(&twice);
}

static void values(struct twice *twice, uint32_t histogram, unsigned times, uint64_t value)
{
    record(twice, histogram, times, value); /* its slot is that of a timer */
}

static void test_histograms(void **state)
{
    (void)state;
    struct twice twice;
    begin(&twice);
    uint32_t histogram = page_builder_instrument(&twice.builder, TARE_KIND_HISTOGRAM, "m", "h", "bytes", NULL);
    page_builder_block(&twice.builder, 1, "t");
    values(&twice, histogram, 1000, 5);
    first(&twice);
    values(&twice, histogram, 95, 10);
    values(&twice, histogram, 5, 2);
    second(&twice);
    struct tare_instrument_figures of = figures_of(&twice, histogram, true);
    assert_int_equal(of.total.distribution.count, 1100);
    assert_near(of.total.distribution.p50, 5, 0);
    assert_int_equal(of.rolling.distribution.count, 100);
    assert_near(of.rolling.distribution.sum, 960, 0);
    assert_near(of.rolling.distribution.mean, 9.6, 1e-12);
    assert_near(of.rolling.distribution.min, 2, 0);
    assert_near(of.rolling.distribution.max, 10, 0);
    assert_near(of.rolling.distribution.p05, 2, 0); /* the slow tail of a rate */
    assert_near(of.rolling.distribution.p50, 10, 0);
    assert_near(of.rolling.per_s, 50, 1e-9);
    assert_int_equal(of.rolling.distribution.bucket_count, 2);
    assert_int_equal(of.rolling.distribution.buckets[0].count, 5);
    assert_near(of.total.distribution.scale, 1, 0);
    end(&twice);
}

/* What is known of a window's values besides their buckets: their sum, and bounds, which are those of the total. */
static void test_percentiles_of_a_window(void **state)
{
    (void)state;
    static const struct {
        unsigned times;
        uint64_t value;
        double p50_within, within;
    } cases[] = {{1, 350, 0, 0}, {1000, 33000, 0.5, 232}, {1, 1000, 0, 0}, {20, 65538, 0.5, 2}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct twice twice;
        begin(&twice);
        uint32_t histogram = page_builder_instrument(&twice.builder, TARE_KIND_HISTOGRAM, "m", "h", NULL, NULL);
        page_builder_block(&twice.builder, 1, "t");
        values(&twice, histogram, 10, 1);
        values(&twice, histogram, 10, 1 << 20);
        first(&twice);
        values(&twice, histogram, cases[i].times, cases[i].value);
        second(&twice);
        struct tare_instrument_figures of = figures_of(&twice, histogram, true);
        const struct tare_distribution *window = &of.rolling.distribution;
        const double value = (double)cases[i].value;
        const double found[] = {window->p05, window->p90, window->p95, window->p99, window->p999};
        assert_near(window->p50, value, cases[i].p50_within * 2);
        for (size_t k = 0; k < COUNT(found); k++) {
            assert_near(found[k], value, cases[i].within);
            assert_true(found[k] >= window->min && found[k] <= window->max);
        }
        if (cases[i].times == 1) {
            assert_near(window->min, value, 0);
            assert_near(window->max, value, 0);
        }
        end(&twice);
    }
}

/* A sum that has come to its greatest value is unknown, with all that is made of it; the rest is not. */
static void test_histograms_without_a_sum(void **state)
{
    (void)state;
    for (int when = 0; when < 2; when++) { /* it was so before the window, or has become so in it */
        struct twice twice;
        begin(&twice);
        uint32_t histogram = page_builder_instrument(&twice.builder, TARE_KIND_HISTOGRAM, "m", "h", NULL, NULL);
        page_builder_block(&twice.builder, 1, "t");
        values(&twice, histogram, 10, 5);
        struct tare_slot *slot = page_builder_slot(&twice.builder, 0, histogram);
        slot->total_ticks = when == 0 ? UINT64_MAX : slot->total_ticks;
        first(&twice);
        values(&twice, histogram, 10, 7);
        slot->total_ticks = UINT64_MAX;
        second(&twice);
        struct tare_instrument_figures of = figures_of(&twice, histogram, true);
        assert_true(isnan(of.total.distribution.sum) && isnan(of.total.distribution.mean));
        assert_true(isnan(of.rolling.distribution.sum) && isnan(of.rolling.distribution.mean));
        assert_int_equal(of.total.distribution.count, 20);
        assert_near(of.total.distribution.min, 5, 0);
        assert_near(of.total.distribution.max, 7, 0);
        assert_near(of.rolling.distribution.p50, 7, 0);
        assert_near(of.rolling.per_s, 5, 1e-9);
        end(&twice);
    }
}

static void test_states(void **state)
{
    (void)state;
    static const char *const names[] = {"idle", "busy"};
    struct twice twice;
    begin(&twice);
    uint32_t which = page_builder_instrument(&twice.builder, TARE_KIND_STATE, "m", "s", NULL, NULL);
    page_builder_names(&twice.builder, which, names, 2);
    page_builder_block(&twice.builder, 1, "t");
    struct tare_state_slot *slot = (struct tare_state_slot *)page_builder_slot(&twice.builder, 0, which);
    *slot = (struct tare_state_slot){.changes = 8, .generation = 1, .ticks = {2000000, 6000000}};
    first(&twice);
    slot->changes += 4;
    slot->ticks[0] += 1000000;
    slot->ticks[1] += 3000000;
    second(&twice);
    struct tare_instrument_figures of = figures_of(&twice, which, true);
    assert_int_equal(of.total.state_count, 2);
    assert_string_equal(of.total.states[1].name, "busy");
    assert_near(of.total.states[1].ns, 4.5e6, 1e-3);
    assert_near(of.rolling.states[0].ns, 0.5e6, 1e-3);
    assert_near(of.rolling.states[1].ns, 1.5e6, 1e-3);
    assert_near(of.rolling.states[1].share, 0.75, 1e-9);
    assert_int_equal(of.total.changes - of.rolling.changes, twice.before.instruments[0].state_changes);
    assert_near(of.rolling.per_s, (double)of.rolling.changes / 2, 1e-9);
    end(&twice);
}

/*
 * Off and on again within the window: a stay that lasted through it is in no sum any more, and what is left of
 * the window is not 0 ns but unknown. Seen by what went down, by a thread that is in no state and left none, by
 * its control, which counts that, or known from having switched it.
 */
static void test_states_that_were_switched_in_between(void **state)
{
    (void)state;
    static const char *const names[] = {"idle", "busy"};
    enum { STAYS_GONE, THREAD_GONE, BY_US, BY_ANOTHER, BY_US_BEFORE, NOT };
    for (int how = STAYS_GONE; how <= NOT; how++) {
        struct twice twice;
        begin(&twice);
        uint32_t which = page_builder_instrument(&twice.builder, TARE_KIND_STATE, "m", "s", NULL, NULL);
        page_builder_names(&twice.builder, which, names, 2);
        page_builder_block(&twice.builder, 1, "t");
        struct tare_state_slot *slot = (struct tare_state_slot *)page_builder_slot(&twice.builder, 0, which);
        *slot = (struct tare_state_slot){
            .changes = 8, .generation = 1, .current = how == THREAD_GONE, .ticks = {9000000, 6000000}};
        first(&twice);
        twice.past.at_ns = 1e9;
        page_builder_control(&twice.builder, which)->switched += how == BY_ANOTHER ? 2 : 0;
        slot->current = 0;
        slot->changes += how == THREAD_GONE ? 0 : 2;
        slot->ticks[0] -= how == STAYS_GONE ? 4000000 : 0;
        slot->ticks[1] += how == THREAD_GONE ? 0 : 1000000;
        second(&twice);
        struct tare__switched switched = {.index = which, .at_ns = how == BY_US ? 1.5e9 : 0.5e9};
        struct tare__figures figures = {
            .arena = &twice.arena,
            .model = tare_page_cost_model(&twice.after.header, NULL),
            .window_ns = window_ns,
            .now = &twice.now,
            .earlier = &twice.past,
            .switched = &switched,
            .switched_count = how == BY_US || how == BY_US_BEFORE,
        };
        struct tare_instrument_figures of;
        assert_int_equal(tare__figures_of(&figures, NULL, &twice.after.instruments[0], which, &of), 0);
        assert_true(of.total.known);
        assert_string_equal(of.names[1], "busy");
        assert_null(of.names[2]);
        assert_int_equal(of.rolling.known, how == BY_US_BEFORE || how == NOT);
        assert_int_equal(of.rolling.state_count, of.rolling.known ? 2 : 0);
        end(&twice);
    }
}

static void test_growth_of_keys(void **state)
{
    (void)state;
    const struct tare_page_key then = {.key = 1, .weight = 100, .error = 10, .hits = 9};
    struct tare_page_key growth, now = {.key = 1, .weight = 160, .error = 10, .hits = 12};
    tare__key_growth(&now, &then, 1000, &growth); /* it never left: exact */
    assert_int_equal(growth.weight, 60);
    assert_int_equal(growth.error, 0);
    assert_int_equal(growth.hits, 3);
    now.error = 70; /* it left and came back: 90 surely then, 90 surely now, 160 at most */
    tare__key_growth(&now, &then, 1000, &growth);
    assert_int_equal(growth.weight, 0);
    assert_int_equal(growth.error, 70);
    now.error = 50;
    tare__key_growth(&now, &then, 1000, &growth);
    assert_int_equal(growth.weight, 20);
    assert_int_equal(growth.weight + growth.error, 70);
    now = (struct tare_page_key){.key = 2, .weight = 105, .error = 100, .hits = 1};
    tare__key_growth(&now, NULL, 1000, &growth); /* new: 5 for sure, and it may have had some before */
    assert_int_equal(growth.weight, 5);
    assert_int_equal(growth.error, 100);
    tare__key_growth(&now, NULL, 30, &growth); /* no key grows by more than all of them */
    assert_int_equal(growth.weight, 5);
    assert_int_equal(growth.weight + growth.error, 30);
}

static void key(struct twice *twice, uint32_t topk, uint64_t number, uint64_t weight)
{
    page_builder_key(&twice->builder, 0, topk,
                     &(struct tare_topk_entry){.key = number, .weight = weight, .hits = weight / 10});
}

static void test_topk(void **state)
{
    (void)state;
    struct twice twice;
    begin(&twice);
    uint32_t topk = page_builder_instrument(&twice.builder, TARE_KIND_TOPK, "m", "hot", "cycles", NULL);
    page_builder_block(&twice.builder, 1, "t");
    page_builder_entry(&twice.builder, topk)->size = 8;
    struct tare_topk *table = page_builder_topk(&twice.builder, 0, topk, 8);
    key(&twice, topk, 111, 500);
    key(&twice, topk, 222, 1000);
    first(&twice);
    struct tare_topk_entry *entries =
        (struct tare_topk_entry *)(void *)((unsigned char *)table + TARE_TOPK_ENTRIES);
    entries[0].weight += 300; /* 111 */
    entries[0].hits += 3;
    struct tare_topk_slot *slot = (struct tare_topk_slot *)page_builder_slot(&twice.builder, 0, topk);
    slot->weight += 300;
    slot->hits += 3;
    key(&twice, topk, 333, 100);
    second(&twice);
    struct tare_instrument_figures of = figures_of(&twice, topk, true);
    assert_int_equal(of.total.total, 1900);
    assert_int_equal(of.total.key_count, 3);
    assert_int_equal(of.total.keys[0].key, 222);
    assert_near(of.total.keys[0].share, 1000 / 1900.0, 1e-12);
    assert_int_equal(of.rolling.total, 400);
    assert_int_equal(of.rolling.key_count, 2); /* 222 did not grow */
    assert_int_equal(of.rolling.keys[0].key, 111);
    assert_int_equal(of.rolling.keys[0].weight, 300);
    assert_int_equal(of.rolling.keys[0].error, 0);
    assert_near(of.rolling.keys[0].share, 0.75, 1e-12);
    assert_int_equal(of.rolling.keys[1].key, 333);
    assert_int_equal(of.rolling.keys[1].weight, 100);
    end(&twice);
}

static void test_frames(void **state)
{
    (void)state;
    static const char *const names[] = {"cpu", "gpu"};
    const uint64_t parts[TARE_FRAME_PARTS_MAX] = {10000000,   UINT64_MAX, UINT64_MAX, UINT64_MAX,
                                                  UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    struct twice twice;
    begin(&twice);
    uint32_t frames = page_builder_instrument(&twice.builder, TARE_KIND_FRAMES, "m", "view", NULL, NULL);
    page_builder_names(&twice.builder, frames, names, 2);
    page_builder_block(&twice.builder, 1, "t");
    uint64_t origin = twice.builder.header->first.ticks, at = origin + 1000;
    struct tare_frame_ring *ring = page_builder_frames(&twice.builder, frames, 64, 64);
    ring->slow_ticks = 30000000;
    for (int i = 0; i < 10; i++, at += 40000000) { /* 20 ms each, at 2 GHz */
        page_builder_frame(ring, at, 40000000, parts);
    }
    first(&twice);
    twice.past.read_ticks = at; /* between the tenth and the next */
    for (int i = 0; i < 5; i++, at += 20000000) {
        page_builder_frame(ring, at, 20000000, parts);
    }
    second(&twice);
    struct tare_instrument_figures of = figures_of(&twice, frames, true);
    assert_int_equal(of.total.total, 15);
    assert_int_equal(of.total.frames.frames, 15);
    assert_int_equal(of.rolling.total, 5);
    assert_int_equal(of.rolling.frames.frames, 5);
    assert_near(of.rolling.frames.mean_ms, 10, 1e-9);
    assert_near(of.rolling.frames.avg_fps, 100, 1e-6);
    assert_int_equal(of.total.recent_slow, 10);
    assert_int_equal(of.rolling.recent_slow, 0);
    assert_near(of.rolling.per_s, 2.5, 1e-9); /* in 2 s: between frames nothing was drawn */
    assert_near(of.total.frames.avg_fps, 15 / 0.25, 1e-6);
    assert_int_equal(of.last_count, 15);
    assert_near(of.last[0].start_ns, 500, 1e-6);
    assert_near(of.last[0].part_ns[0], 5e6, 1e-3);
    assert_true(isnan(of.last[0].part_ns[1]));
    assert_string_equal(of.names[1], "gpu");
    assert_null(of.names[2]);
    assert_true(isnan(of.total.frame_part_mean_ns[1]));
    end(&twice);
}

/* Sorting a large ring at each poll would take ms: the last 4,096 are enough for 0.1 % of them. */
static void test_figures_of_a_large_ring(void **state)
{
    (void)state;
    static const char *const names[] = {"cpu"};
    uint64_t parts[TARE_FRAME_PARTS_MAX];
    memset(parts, 0xff, sizeof(parts));
    struct twice twice;
    begin(&twice);
    uint32_t frames = page_builder_instrument(&twice.builder, TARE_KIND_FRAMES, "m", "view", NULL, NULL);
    page_builder_names(&twice.builder, frames, names, 1);
    page_builder_block(&twice.builder, 1, "t");
    uint64_t at = twice.builder.header->first.ticks + 1000;
    struct tare_frame_ring *ring = page_builder_frames(&twice.builder, frames, 64, 16);
    page_builder_frame(ring, at, 40000000, parts);
    first(&twice);
    second(&twice);
    /* As if the ring had been that large. */
    enum { FRAMES = 6000, MOST = 4096 };
    struct tare_page_frame *list = calloc(FRAMES, sizeof(*list));
    assert_non_null(list);
    for (size_t i = 0; i < FRAMES; i++) {
        uint64_t ticks = i < FRAMES - MOST ? 40000000 : 20000000;
        list[i] =
            (struct tare_page_frame){.number = i, .start_ticks = at, .ticks = ticks, .slow = ticks > 30000000};
        at += ticks;
    }
    twice.after.instruments[0].frames.last = list;
    twice.after.instruments[0].frames.last_count = FRAMES;
    struct tare_instrument_figures of = figures_of(&twice, frames, true);
    assert_int_equal(of.last_count, FRAMES); /* all of them are there one by one */
    assert_int_equal(of.total.frames.frames, MOST);
    assert_int_equal(of.total.recent_slow, 0);
    assert_near(of.total.frames.max_ms, 10, 1e-9);
    free(list);
    end(&twice);
}

/* What is off counts nothing, and nobody knows what happened: not 0. */
static void test_what_is_off_is_unknown(void **state)
{
    (void)state;
    static const char *const names[] = {"idle", "busy"};
    static const struct {
        bool before, after, known, state_known;
    } cases[] = {{true, true, true, true},
                 {true, false, true, false},
                 {false, true, true, false},
                 {false, false, false, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct twice twice;
        begin(&twice);
        uint32_t list[] = {
            page_builder_timer(&twice.builder, "m", "t", "m.c", 5),
            page_builder_instrument(&twice.builder, TARE_KIND_COUNTER, "m", "c", NULL, NULL),
            page_builder_instrument(&twice.builder, TARE_KIND_HISTOGRAM, "m", "h", NULL, NULL),
            page_builder_instrument(&twice.builder, TARE_KIND_GAUGE, "m", "g", NULL, NULL),
            page_builder_instrument(&twice.builder, TARE_KIND_STATE, "m", "s", NULL, NULL),
        };
        page_builder_names(&twice.builder, list[4], names, 2);
        page_builder_block(&twice.builder, 1, "t");
        page_builder_count(&twice.builder, 0, list[1], 100);
        page_builder_gauge(&twice.builder, list[3], 3, 3);
        for (size_t k = 0; k < COUNT(list); k++) {
            page_builder_control(&twice.builder, list[k])->enabled = cases[i].before;
        }
        first(&twice);
        for (size_t k = 0; k < COUNT(list); k++) {
            page_builder_control(&twice.builder, list[k])->enabled = cases[i].after;
        }
        second(&twice);
        for (size_t k = 0; k < COUNT(list); k++) {
            struct tare_instrument_figures of = figures_of(&twice, list[k], true);
            assert_true(of.total.known);
            assert_int_equal(of.rolling.known,
                             of.kind == TARE_KIND_STATE ? cases[i].state_known : cases[i].known);
            assert_true(of.rolling.known || isnan(of.rolling.per_s));
        }
        if (!cases[i].before && !cases[i].after) { /* on in between: what came is known to have come */
            page_builder_count(&twice.builder, 0, list[1], 5);
            tare_page_view_release(&twice.after);
            second(&twice);
            assert_int_equal(figures_of(&twice, list[1], true).rolling.total, 5);
        }
        end(&twice);
    }
}

static void test_the_share_that_measuring_takes(void **state)
{
    (void)state;
    struct tare_instrument_figures timers[] = {
        {.kind = TARE_KIND_TIMER, .enabled = true, .rolling = {.known = true, .measuring_ns = 1e7}},
        {.kind = TARE_KIND_TIMER, .enabled = true, .rolling = {.known = true, .measuring_ns = 2e7}},
        {.kind = TARE_KIND_TIMER, .enabled = false, .rolling = {.known = false, .measuring_ns = NAN}},
        {.kind = TARE_KIND_COUNTER, .enabled = true, .rolling = {.known = false, .measuring_ns = NAN}},
    };
    struct tare_process_figures process = {
        .instruments = timers, .instrument_count = COUNT(timers), .cpu_share = 0.5, .window_ns = 2e9};
    assert_close(tare__measuring_share(&process), 0.03, 1e-12);
    timers[1].rolling.measuring_ns = 1.2e9; /* what overlaps may seem to be more than all */
    assert_close(tare__measuring_share(&process), 1, 1e-12);
    timers[1].rolling.measuring_ns = 1e10; /* but this is nonsense */
    assert_true(isnan(tare__measuring_share(&process)));
    timers[1].rolling.measuring_ns = NAN; /* the cost of a scope is not known */
    assert_true(isnan(tare__measuring_share(&process)));
    timers[1].rolling.measuring_ns = 0;
    timers[0].rolling.known = false; /* was reset */
    assert_true(isnan(tare__measuring_share(&process)));
    timers[0].enabled = false;
    assert_close(tare__measuring_share(&process), 0, 1e-12);
    timers[0].rolling.known = true;
    process.cpu_share = NAN;
    assert_true(isnan(tare__measuring_share(&process)));
}

/* The same as the function for all buckets, which test_quantile.c looks into. */
static void test_quantiles_of_packed_buckets(void **state)
{
    (void)state;
    static const double p[] = {0, 0.001, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
    struct tare_random random;
    tare_random_seed(&random, 7);
    for (int round = 0; round < 300; round++) {
        uint64_t dense[TARE_BUCKET_COUNT] = {0}, min = UINT64_MAX, max = 0;
        int count = 1 + (int)(tare_random_next(&random) % 400);
        for (int i = 0; i < count; i++) {
            uint64_t value = tare_random_next(&random) >> (10 + tare_random_next(&random) % 50);
            dense[tare_bucket_of(value)]++;
            min = value < min ? value : min;
            max = value > max ? value : max;
        }
        struct tare_bucket packed[TARE_BUCKET_COUNT];
        double out[COUNT(p)];
        bool bounded = round % 2 == 0;
        size_t used = tare__buckets_pack(dense, min, max, packed);
        tare_buckets_quantiles(packed, used, p, COUNT(p), bounded ? min : 1, bounded ? max : 0, out);
        for (size_t i = 0; i < COUNT(p); i++) {
            double expected = tare_histogram_quantile(dense, TARE_BUCKET_COUNT, p[i], bounded ? min : 1,
                                                      bounded ? max : 0, NULL);
            assert_true(out[i] == expected);
        }
    }
    double none = 0;
    tare_buckets_quantiles(NULL, 0, p + 3, 1, 0, 0, &none);
    assert_true(isnan(none));
}

/* Memory of a snapshot: aligned, apart from each other, and of any size. */
static void test_arena(void **state)
{
    (void)state;
    struct tare__arena arena = {0};
    for (int round = 0; round < 3; round++) {
        unsigned char *pieces[200];
        for (size_t i = 0; i < COUNT(pieces); i++) {
            size_t size = i * i * 10;
            pieces[i] = tare__arena_take(&arena, size);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % 16, 0);
            memset(pieces[i], (int)i, size);
        }
        for (size_t i = 1; i < COUNT(pieces); i++) {
            assert_int_equal(pieces[i][0], i);
            assert_int_equal(pieces[i][i * i * 10 - 1], i);
        }
        tare__arena_clear(&arena);
    }
    tare__arena_release(&arena);
}

/* A page may say anything, and then something else: of another kind there is no window. */
static void test_an_instrument_that_turns_into_another(void **state)
{
    (void)state;
    static const uint32_t kinds[] = {TARE_KIND_TIMER, TARE_KIND_COUNTER, TARE_KIND_GAUGE, TARE_KIND_HISTOGRAM,
                                     TARE_KIND_STATE, TARE_KIND_TOPK,    TARE_KIND_FRAMES};
    struct twice twice;
    begin(&twice);
    uint32_t counter = page_builder_instrument(&twice.builder, TARE_KIND_COUNTER, "m", "c", NULL, NULL);
    uint32_t histogram = page_builder_instrument(&twice.builder, TARE_KIND_HISTOGRAM, "m", "h", NULL, NULL);
    page_builder_block(&twice.builder, 1, "t");
    page_builder_count(&twice.builder, 0, counter, 100);
    first(&twice);
    second(&twice);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        for (uint32_t at = counter; at <= histogram; at++) {
            struct tare__past_instrument *then = &twice.past.instruments[at];
            then->kind = kinds[i];
            if (kinds[i] == twice.now.instruments[at].kind) {
                continue;
            }
            memset(&then->topk, 0xab, sizeof(then->topk)); /* no place to look at */
            then->enabled = twice.now.instruments[at].enabled = i % 2 == 0;
            assert_false(figures_of(&twice, at, true).rolling.known);
        }
    }
    end(&twice);
}

/*
 * What a reader keeps of each of tens of thousands of counters, most of which come from one page: the figures, what
 * was read, and what was read before.
 */
static void test_a_counter_takes_two_kilobytes_to_watch(void **state)
{
    (void)state;
    size_t bytes = sizeof(struct tare_instrument_figures) + sizeof(struct tare_page_instrument) +
                   (TARE__LIVE_PASTS + 1) * sizeof(struct tare__past_instrument);
    if (bytes > 2100) {
        fail_msg("%zu bytes", bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_a_counter_that_goes_down),
        cmocka_unit_test(test_counters_at_their_limit),
        cmocka_unit_test(test_counters_of_two_threads),
        cmocka_unit_test(test_gauges),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_histograms),
        cmocka_unit_test(test_percentiles_of_a_window),
        cmocka_unit_test(test_histograms_without_a_sum),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_states_that_were_switched_in_between),
        cmocka_unit_test(test_growth_of_keys),
        cmocka_unit_test(test_topk),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_quantiles_of_packed_buckets),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_figures_of_a_large_ring),
        cmocka_unit_test(test_what_is_off_is_unknown),
        cmocka_unit_test(test_the_share_that_measuring_takes),
        cmocka_unit_test(test_an_instrument_that_turns_into_another),
        cmocka_unit_test(test_a_counter_takes_two_kilobytes_to_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
