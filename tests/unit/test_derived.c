/* SPDX-License-Identifier: MIT */
/* result/derived.c: figures that follow from several instruments, and when there are none. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "result/telemetry_parts.h"
#include "tests/unit/near.h"

/* Instruments on the stack: nothing of them is freed. */
struct set {
    struct tare_instrument_figures list[16];
    struct tare_process_figures process;
};

static struct tare_instrument_figures *add(struct set *set, enum tare_kind kind, const char *module,
                                           const char *name)
{
    struct tare_instrument_figures *one = &set->list[set->process.instrument_count++];
    *one = (struct tare_instrument_figures){
        .kind = kind, .module = (char *)(uintptr_t)module, .name = (char *)(uintptr_t)name, .enabled = true};
    tare_readings_init(&one->total);
    tare_readings_init(&one->rolling);
    one->total.known = one->rolling.known = true;
    set->process.instruments = set->list;
    set->process.window_ns = 2e9;
    return one;
}

static void count(struct set *set, const char *module, const char *name, uint64_t total, uint64_t rolling)
{
    struct tare_instrument_figures *one = add(set, TARE_KIND_COUNTER, module, name);
    one->total.total = total;
    one->rolling.total = rolling;
}

static const struct tare_derived *derived(struct set *set, const char *name)
{
    free(set->process.derived);
    assert_int_equal(tare__derived_fill(NULL, &set->process), 0);
    for (size_t i = 0; i < set->process.derived_count; i++) {
        if (strcmp(set->process.derived[i].name, name) == 0) {
            return &set->process.derived[i];
        }
    }
    return NULL;
}

static void test_hit_rate(void **state)
{
    (void)state;
    struct set set = {0};
    assert_null(derived(&set, "jit.cache.hit_rate"));
    count(&set, "jit.cache", "lookup_hit_total", 900, 30);
    assert_null(derived(&set, "jit.cache.hit_rate"));       /* half of what it takes */
    count(&set, "jit", "cache.lookup_miss_total", 100, 10); /* wherever the name is cut into module and rest */
    const struct tare_derived *rate = derived(&set, "jit.cache.hit_rate");
    assert_non_null(rate);
    assert_near(rate->total, 0.9, 1e-12);
    assert_near(rate->rolling, 0.75, 1e-12);
    set.list[0].rolling.total = set.list[1].rolling.total = 0; /* no lookups in the window: no rate, not 0 */
    assert_true(isnan(derived(&set, "jit.cache.hit_rate")->rolling));
    set.list[1].rolling.known = false;
    set.list[0].rolling.total = 5;
    assert_true(isnan(derived(&set, "jit.cache.hit_rate")->rolling));
    assert_near(derived(&set, "jit.cache.hit_rate")->total, 0.9, 1e-12);
    free(set.process.derived);
}

static void test_compile_time_of_all_tiers(void **state)
{
    (void)state;
    struct set set = {0};
    count(&set, "jit.compile", "time_ns_total", 5000000, 1000000);
    count(&set, "jit.compile", "time_ns_total", 90000000, 9000000);
    count(&set, "jit.compile", "blocks_total", 10, 2);
    count(&set, "jit.compile", "blocks_total", 90, 2);
    assert_near(derived(&set, "jit.compile.ms_per_s")->rolling, 5, 1e-9);
    assert_true(isnan(derived(&set, "jit.compile.ms_per_s")->total));
    assert_near(derived(&set, "jit.compile.blocks_per_s")->rolling, 2, 1e-12);
    assert_near(derived(&set, "jit.compile.ns_per_block")->total, 950000, 1e-6);
    assert_near(derived(&set, "jit.compile.ns_per_block")->rolling, 2500000, 1e-6);
    free(set.process.derived);
}

static void test_mips_and_its_slow_tail(void **state)
{
    (void)state;
    struct set set = {0};
    count(&set, "cpu", "instructions_total", 1000000000, 400000000);
    struct tare_instrument_figures *rate = add(&set, TARE_KIND_HISTOGRAM, "cpu", "batch_rate");
    rate->total.distribution.p05 = 150000;
    rate->rolling.distribution.p05 = 120000;
    rate->total.distribution.p95 = rate->rolling.distribution.p95 = 900000;
    assert_near(derived(&set, "cpu.mips")->rolling, 200, 1e-9); /* 400 M in 2 s */
    assert_near(derived(&set, "cpu.mips_p5")->total, 150, 1e-9);
    assert_near(derived(&set, "cpu.mips_p5")->rolling, 120, 1e-9);
    free(set.process.derived);
}

static void test_frames_of_one_view(void **state)
{
    (void)state;
    struct set set = {0};
    struct tare_instrument_figures *frames = add(&set, TARE_KIND_FRAMES, "view", "main");
    frames->total.total = 1000;
    frames->rolling.total = 120;
    count(&set, "gfx", "draw_calls_total", 30000, 2400);
    assert_near(derived(&set, "frame.fps")->rolling, 60, 1e-12);
    assert_near(derived(&set, "gfx.draw_calls_per_frame")->total, 30, 1e-12);
    assert_near(derived(&set, "gfx.draw_calls_per_frame")->rolling, 20, 1e-12);
    add(&set, TARE_KIND_FRAMES, "view", "map"); /* of two views, nobody knows whose draw calls they are */
    assert_true(isnan(derived(&set, "frame.fps")->rolling));
    assert_true(isnan(derived(&set, "gfx.draw_calls_per_frame")->total));
    free(set.process.derived);
}

static void test_memory_of_regions(void **state)
{
    (void)state;
    struct set set = {0};
    add(&set, TARE_KIND_GAUGE, "memory", "committed_bytes")->total.value = 100;
    add(&set, TARE_KIND_GAUGE, "memory", "committed_bytes")->total.value = 200;
    add(&set, TARE_KIND_GAUGE, "memory", "configured_bytes")->total.value = 400;
    add(&set, TARE_KIND_GAUGE, "memory", "configured_bytes");
    set.list[0].rolling.value = -10;
    set.list[1].rolling.value = 30;
    assert_near(derived(&set, "memory.all.committed_bytes")->total, 300, 0);
    assert_near(derived(&set, "memory.all.committed_bytes")->rolling, 20, 0);
    assert_true(derived(&set, "memory.all.committed_bytes")->of_moment);
    assert_true(isnan(derived(&set, "memory.all.committed_share")->total)); /* the limit of one is unknown */
    set.list[3].total.value = 200;
    assert_near(derived(&set, "memory.all.committed_share")->total, 0.5, 1e-12);
    assert_true(isnan(derived(&set, "memory.all.committed_share")->rolling));
    set.list[2].rolling.value = 0;
    set.list[3].rolling.value = 40; /* it was 280 of 560 */
    assert_near(derived(&set, "memory.all.committed_share")->rolling, 0, 1e-12);
    set.list[3].rolling.value = 100; /* 280 of 500 */
    assert_near(derived(&set, "memory.all.committed_share")->rolling, 0.5 - 0.56, 1e-12);
    set.list[0].total.value = set.list[1].total.value = NAN; /* none of them known: not 0 */
    assert_true(isnan(derived(&set, "memory.all.committed_bytes")->total));
    free(set.process.derived);
}

/* Instruments of a set that is merely included: they are there, and nobody counts. */
static void test_what_never_counted_is_unknown(void **state)
{
    (void)state;
    struct set set = {0};
    count(&set, "cpu", "instructions_total", 0, 0);
    count(&set, "latency", "stall_ns_total", 0, 0);
    count(&set, "jit.cache", "lookup_hit_total", 0, 0);
    count(&set, "jit.cache", "lookup_miss_total", 0, 0);
    count(&set, "gfx", "draw_calls_total", 0, 0);
    struct tare_instrument_figures *frames = add(&set, TARE_KIND_FRAMES, "view", "main");
    frames->total.total = 100;
    frames->rolling.total = 10;
    assert_non_null(derived(&set, "cpu.mips"));
    assert_true(isnan(derived(&set, "cpu.mips")->rolling));
    assert_true(isnan(derived(&set, "latency.all.stall_ms_per_s")->rolling));
    assert_true(isnan(derived(&set, "jit.cache.hit_rate")->total));
    assert_true(isnan(derived(&set, "gfx.draw_calls_per_frame")->rolling));
    assert_false(derived(&set, "cpu.mips")->of_moment);
    /* Once it has counted, a window in which it did not is 0; and misses alone make a hit rate of 0. */
    set.list[0].total.total = 1000;
    set.list[3].total.total = set.list[3].rolling.total = 5;
    assert_near(derived(&set, "cpu.mips")->rolling, 0, 0);
    assert_near(derived(&set, "jit.cache.hit_rate")->rolling, 0, 0);
    free(set.process.derived);
}

/* A derived figure of the name of an instrument would be the same metric. */
static void test_no_figure_is_named_like_an_instrument(void **state)
{
    (void)state;
    struct set set = {0};
    add(&set, TARE_KIND_GAUGE, "memory", "committed_bytes");
    add(&set, TARE_KIND_GAUGE, "memory", "configured_bytes");
    count(&set, "latency", "stall_ns_total", 1, 1);
    add(&set, TARE_KIND_HISTOGRAM, "latency", "input_to_present_ns");
    count(&set, "cpu", "instructions_total", 1, 1);
    add(&set, TARE_KIND_HISTOGRAM, "cpu", "batch_rate");
    assert_int_equal(tare__derived_fill(NULL, &set.process), 0);
    assert_true(set.process.derived_count >= 6);
    for (size_t i = 0; i < set.process.derived_count; i++) {
        for (size_t k = 0; k < set.process.instrument_count; k++) {
            char name[64];
            snprintf(name, sizeof(name), "%s.%s", set.list[k].module, set.list[k].name);
            assert_string_not_equal(set.process.derived[i].name, name);
        }
    }
    free(set.process.derived);
}

static void test_other_instruments_count_for_nothing(void **state)
{
    (void)state;
    struct set set = {0};
    count(&set, "my.jit.cache", "lookup_hit_total", 1, 1);
    count(&set, "jit.cache", "lookup_miss_totals", 1, 1);
    count(&set, "", "", 1, 1);
    add(&set, TARE_KIND_TIMER, "cpu", "instructions_total")->total.total = 5;
    assert_int_equal(tare__derived_fill(NULL, &set.process), 0);
    assert_int_equal(set.process.derived_count, 0);
    free(set.process.derived);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hit_rate),
        cmocka_unit_test(test_compile_time_of_all_tiers),
        cmocka_unit_test(test_mips_and_its_slow_tail),
        cmocka_unit_test(test_frames_of_one_view),
        cmocka_unit_test(test_memory_of_regions),
        cmocka_unit_test(test_what_never_counted_is_unknown),
        cmocka_unit_test(test_no_figure_is_named_like_an_instrument),
        cmocka_unit_test(test_other_instruments_count_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
