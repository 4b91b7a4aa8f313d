/* SPDX-License-Identifier: MIT */
/*
 * record/sampler.h: blocks of pages that change between looks, where timers are reset, pages come and go or
 * cannot be read; when it looks, and what it may cost; and what result/collect.h makes of the blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

#include "record/reader.h"
#include "record/sampler.h"
#include "result/collect.h"
#include "tests/unit/page_builder.h"

#define SECOND UINT64_C(1000000000)
#define MS UINT64_C(1000000)

/* A page of a timer "m::a" and a thread in a memfd, that is written again as it changes. */
struct live {
    struct page_builder builder;
    struct tare_page_source source;
    uint32_t timer;
};

static void live_init(struct live *live)
{
    page_builder_init(&live->builder, 8, 4, 0);
    live->timer = page_builder_timer(&live->builder, "m", "a", "m.c", 1);
    page_builder_block(&live->builder, 1, "t");
    live->source = (struct tare_page_source){page_builder_file(&live->builder, 0, live->builder.size), 0,
                                             live->builder.size};
}

static void live_release(struct live *live)
{
    close(live->source.fd);
    page_builder_release(&live->builder);
}

static void record(const struct live *live, uint32_t block, uint32_t timer, unsigned times, uint64_t ticks)
{
    for (unsigned i = 0; i < times; i++) {
        page_builder_record((struct page_builder *)(uintptr_t)&live->builder, block, timer, ticks, 2);
    }
}

static void publish(const struct live *live)
{
    assert_int_equal(pwrite(live->source.fd, live->builder.bytes, live->builder.size, 0), live->builder.size);
}

/* `now` moves on by ten seconds, so that a look is due and paid for, however slow this machine is. */
static void look(struct tare_sampler *sampler, uint64_t number, const struct live *live, uint64_t *now_ns)
{
    publish(live);
    *now_ns += 10 * SECOND;
    assert_true(tare_sampler_is_due(sampler, *now_ns));
    tare_sampler_poll(sampler, number, &live->source, *now_ns);
    assert_true(tare_sampler_wait_ns(sampler, *now_ns) > 0);
}

static void read_view(const struct live *live, struct tare_page_view *view)
{
    char message[256] = "";
    publish(live);
    assert_int_equal(tare_page_read(&live->source, 0, view, message, sizeof message), 0);
}

/* The blocks of timer `timer` as of a last reading now. */
static struct tare_run_blocks blocks_of(const struct tare_sampler *sampler, uint64_t number,
                                        const struct live *live, uint32_t timer)
{
    struct tare_page_view view;
    struct tare_run_blocks blocks;
    read_view(live, &view);
    tare_sampler_blocks(sampler, number, &view.timers[timer], &blocks);
    tare_page_view_release(&view);
    return blocks;
}

static void assert_block(const struct tare_run_blocks *blocks, size_t i, uint64_t scopes, uint64_t total)
{
    assert_true(i < blocks->count);
    assert_int_equal((uint64_t)blocks->blocks[i].scopes, scopes);
    assert_int_equal((uint64_t)blocks->blocks[i].total, total);
    assert_int_equal((uint64_t)blocks->blocks[i].within, 2 * scopes);
}

static void each_look_makes_a_block_of_what_was_counted_since(void **state)
{
    (void)state;
    struct live live;
    uint64_t now_ns = SECOND;
    live_init(&live);
    struct tare_sampler *sampler = tare_sampler_new(now_ns);
    uint32_t second = page_builder_block(&live.builder, 2, "u");
    look(sampler, 0, &live, &now_ns);
    record(&live, 0, live.timer, 3, 10);
    look(sampler, 0, &live, &now_ns);
    look(sampler, 0, &live, &now_ns); /* nothing happened: no block */
    record(&live, 0, live.timer, 1, 100);
    record(&live, second, live.timer, 1, 50); /* threads are added up */
    look(sampler, 0, &live, &now_ns);
    record(&live, 0, live.timer, 5, 7); /* after the last look */
    struct tare_run_blocks blocks = blocks_of(sampler, 0, &live, live.timer);
    assert_int_equal(blocks.count, 3);
    assert_block(&blocks, 0, 3, 30);
    assert_block(&blocks, 1, 2, 150);
    assert_block(&blocks, 2, 5, 35);
    tare_sampler_free(sampler);
    live_release(&live);
}

static void timers_that_come_later_are_seen(void **state)
{
    (void)state;
    struct live live;
    uint64_t now_ns = SECOND;
    live_init(&live);
    struct tare_sampler *sampler = tare_sampler_new(now_ns);
    record(&live, 0, live.timer, 1, 10);
    look(sampler, 0, &live, &now_ns);
    uint32_t later = page_builder_timer(&live.builder, "m", "later", "m.c", 2);
    record(&live, 0, later, 4, 20);
    look(sampler, 0, &live, &now_ns);
    record(&live, 0, later, 1, 30);
    struct tare_run_blocks blocks = blocks_of(sampler, 0, &live, later);
    assert_int_equal(blocks.count, 2);
    assert_block(&blocks, 0, 4, 80);
    assert_block(&blocks, 1, 1, 30);
    tare_sampler_free(sampler);
    live_release(&live);
}

static void reset(const struct live *live)
{
    struct tare_slot *slot = page_builder_slot(&live->builder, 0, live->timer);
    *slot = (struct tare_slot){.min_ticks = UINT64_MAX, .generation = slot->generation + 1};
    page_builder_control(&live->builder, live->timer)->generation++;
}

static void a_reset_begins_anew(void **state)
{
    (void)state;
    struct live live;
    uint64_t now_ns = SECOND;
    live_init(&live);
    struct tare_sampler *sampler = tare_sampler_new(now_ns);
    record(&live, 0, live.timer, 3, 10);
    look(sampler, 0, &live, &now_ns);
    reset(&live);
    look(sampler, 0, &live, &now_ns);
    record(&live, 0, live.timer, 7, 20); /* more than there had been: only the generation tells */
    look(sampler, 0, &live, &now_ns);
    struct tare_run_blocks blocks = blocks_of(sampler, 0, &live, live.timer);
    assert_int_equal(blocks.count, 1);
    assert_block(&blocks, 0, 7, 140);
    reset(&live); /* seen by the last reading alone */
    record(&live, 0, live.timer, 2, 5);
    blocks = blocks_of(sampler, 0, &live, live.timer);
    assert_int_equal(blocks.count, 1);
    assert_block(&blocks, 0, 2, 10);
    tare_sampler_free(sampler);
    live_release(&live);
}

/* As tare attach has it: the final sums are those of the window, too. */
static void what_was_there_at_the_begin_does_not_count(void **state)
{
    (void)state;
    struct live live;
    struct tare_page_view before, after;
    struct tare_run_blocks blocks;
    uint64_t now_ns = SECOND;
    live_init(&live);
    struct tare_sampler *sampler = tare_sampler_new(now_ns);
    record(&live, 0, live.timer, 1000, 10);
    read_view(&live, &before);
    assert_int_equal(tare_sampler_begin(sampler, 0, &before, now_ns), 0);
    record(&live, 0, live.timer, 3, 20);
    look(sampler, 0, &live, &now_ns);
    record(&live, 0, live.timer, 2, 30);
    read_view(&live, &after);
    tare_page_view_subtract(&after, &before);
    tare_sampler_blocks(sampler, 0, &after.timers[live.timer], &blocks);
    assert_int_equal(blocks.count, 2);
    assert_block(&blocks, 0, 3, 60);
    assert_block(&blocks, 1, 2, 60);
    tare_page_view_release(&before);
    tare_page_view_release(&after);
    tare_sampler_free(sampler);
    live_release(&live);
}

static void a_page_that_was_never_seen_is_one_block(void **state)
{
    (void)state;
    struct live live;
    uint64_t now_ns = SECOND;
    live_init(&live);
    struct tare_sampler *sampler = tare_sampler_new(now_ns);
    record(&live, 0, live.timer, 3, 10);
    struct tare_run_blocks blocks = blocks_of(sampler, 4711, &live, live.timer);
    assert_int_equal(blocks.count, 1);
    assert_block(&blocks, 0, 3, 30);
    look(sampler, 60000, &live, &now_ns); /* pages are numbered as they like */
    record(&live, 0, live.timer, 1, 5);
    blocks = blocks_of(sampler, 60000, &live, live.timer);
    assert_int_equal(blocks.count, 2);
    tare_sampler_forget(sampler, 60000);
    tare_sampler_forget(sampler, 60001);
    tare_sampler_forget(sampler, UINT64_C(1) << 40);
    blocks = blocks_of(sampler, 60000, &live, live.timer);
    assert_int_equal(blocks.count, 1);
    assert_block(&blocks, 0, 4, 35);
    tare_sampler_free(sampler);
    live_release(&live);
}

static void pages_that_cannot_be_read_are_passed_over(void **state)
{
    (void)state;
    struct live live;
    uint64_t now_ns = SECOND;
    live_init(&live);
    struct tare_sampler *sampler = tare_sampler_new(now_ns);
    record(&live, 0, live.timer, 1, 10);
    look(sampler, 0, &live, &now_ns);
    live.builder.header->magic[0] = '?';
    record(&live, 0, live.timer, 1, 10);
    look(sampler, 0, &live, &now_ns);
    live.builder.header->magic[0] = TARE_PAGE_MAGIC[0];
    live.builder.header->state = TARE_PAGE_BUILDING;
    look(sampler, 0, &live, &now_ns);
    live.builder.header->state = TARE_PAGE_LIVE;
    record(&live, 0, live.timer, 1, 10);
    look(sampler, 0, &live, &now_ns);
    struct tare_run_blocks blocks = blocks_of(sampler, 0, &live, live.timer);
    assert_int_equal(blocks.count, 2);
    assert_block(&blocks, 0, 1, 10);
    assert_block(&blocks, 1, 2, 20);
    tare_sampler_free(sampler);
    live_release(&live);
}

static void sums_that_shrink_make_no_block(void **state)
{
    (void)state;
    struct live live;
    uint64_t now_ns = SECOND;
    live_init(&live);
    struct tare_sampler *sampler = tare_sampler_new(now_ns);
    record(&live, 0, live.timer, 9, 10);
    look(sampler, 0, &live, &now_ns);
    page_builder_slot(&live.builder, 0, live.timer)->outermost = 2;
    look(sampler, 0, &live, &now_ns);
    struct tare_run_blocks blocks = blocks_of(sampler, 0, &live, live.timer);
    assert_int_equal(blocks.count, 1);
    assert_block(&blocks, 0, 9, 90);
    page_builder_slot(&live.builder, 0, live.timer)->outermost = 9;
    record(&live, 0, live.timer, 3, 20);
    look(sampler, 0, &live, &now_ns);
    blocks = blocks_of(sampler, 0, &live, live.timer);
    assert_int_equal(blocks.count, 2);
    assert_block(&blocks, 1, 3, 60);
    tare_sampler_free(sampler);
    live_release(&live);
}

/* Without pages, looking costs nothing: the distances are what they are meant to be. */
static void looks_get_rarer_with_age(void **state)
{
    (void)state;
    struct tare_sampler *sampler = tare_sampler_new(SECOND);
    assert_true(tare_sampler_is_due(sampler, SECOND));
    uint64_t young_ns = tare_sampler_wait_ns(sampler, SECOND);
    assert_in_range(young_ns, 1 * MS, 5 * MS);
    assert_false(tare_sampler_is_due(sampler, SECOND + young_ns - 1));
    assert_true(tare_sampler_is_due(sampler, SECOND + young_ns));
    assert_true(tare_sampler_is_due(sampler, 2 * SECOND));
    assert_in_range(tare_sampler_wait_ns(sampler, 2 * SECOND), 10 * MS, 20 * MS);
    assert_true(tare_sampler_is_due(sampler, 3600 * SECOND));
    assert_int_equal(tare_sampler_wait_ns(sampler, 3600 * SECOND), 100 * MS);
    tare_sampler_free(sampler);
}

/* Of 20 readings the fastest, in processor time. */
static uint64_t cost_of_reading_ns(const struct live *live)
{
    uint64_t least_ns = UINT64_MAX;
    for (int i = 0; i < 20; i++) {
        struct tare_page_view view;
        struct timespec begin, end;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
        read_view(live, &view);
        tare_page_view_release(&view);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        uint64_t cost_ns =
            (uint64_t)(end.tv_sec - begin.tv_sec) * SECOND + (uint64_t)end.tv_nsec - (uint64_t)begin.tv_nsec;
        least_ns = cost_ns < least_ns ? cost_ns : least_ns;
    }
    return least_ns;
}

/*
 * A program that starts late is young, however old the run is. What a look costs may keep the next one waiting
 * longer, so the shortest of 20 tries counts, and where they are that slow nothing is learnt.
 */
static void a_new_page_is_looked_at_often(void **state)
{
    (void)state;
    struct live live;
    uint64_t now_ns = SECOND, shortest_ns = UINT64_MAX;
    live_init(&live);
    publish(&live);
    uint64_t cost_ns = cost_of_reading_ns(&live);
    struct tare_sampler *sampler = tare_sampler_new(now_ns);
    for (uint64_t number = 0; number < 20; number++) {
        now_ns += 60 * SECOND;
        assert_true(tare_sampler_is_due(sampler, now_ns));
        assert_int_equal(tare_sampler_wait_ns(sampler, now_ns), 100 * MS);
        tare_sampler_poll(sampler, number, &live.source, now_ns);
        uint64_t wait_ns = tare_sampler_wait_ns(sampler, now_ns);
        assert_true(wait_ns > 1 * MS);
        shortest_ns = wait_ns < shortest_ns ? wait_ns : shortest_ns;
        tare_sampler_forget(sampler, number);
    }
    tare_sampler_free(sampler);
    live_release(&live);
    if (cost_ns > MS / 4) {
        print_message("skipped: reading a page takes %.1f ms here\n", (double)cost_ns / 1e6);
        skip();
    }
    assert_true(shortest_ns < 80 * MS);
}

/* 64 threads x 1000 timers are 8 MB to read: far more than a purse of 0.1 ms pays for. */
static void large_pages_are_looked_at_less(void **state)
{
    (void)state;
    struct page_builder builder;
    uint64_t now_ns = SECOND;
    page_builder_init(&builder, 1000, 64, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        page_builder_timer(&builder, "m", "a", "m.c", 1);
    }
    for (uint32_t i = 0; i < 64; i++) {
        page_builder_block(&builder, i + 1, "t");
    }
    int fd = page_builder_file(&builder, 0, builder.size);
    struct tare_page_source source = {fd, 0, builder.size};
    struct tare_sampler *sampler = tare_sampler_new(now_ns);
    assert_true(tare_sampler_is_due(sampler, now_ns));
    tare_sampler_poll(sampler, 0, &source, now_ns);
    uint64_t wait_ns = tare_sampler_wait_ns(sampler, now_ns);
    assert_true(wait_ns > 10 * MS);
    assert_false(tare_sampler_is_due(sampler, now_ns + wait_ns / 2));
    assert_true(tare_sampler_is_due(sampler, now_ns + wait_ns + MS));
    tare_sampler_free(sampler);
    close(fd);
    page_builder_release(&builder);
}

/* The figures of "m::a" from pages that are added one after the other: of `in_pass` processes in each pass. */
static struct tare_result_figures figures_of(const struct live *lives, size_t count, size_t in_pass,
                                             const struct tare_sampler *sampler)
{
    struct tare_result *result = tare_result_new();
    struct tare_collector *collector = tare_collector_new(result);
    struct tare_result_figures figures;
    for (size_t i = 0; i < count; i++) {
        struct tare_page_view view;
        struct tare_page_context context = {.sampler = sampler, .page = i, .pass = i / in_pass};
        read_view(&lives[i], &view);
        assert_int_equal(tare_collector_add(collector, &view, &context), 0);
        tare_page_view_release(&view);
    }
    assert_int_equal(tare_collector_figures(collector, "m", "a", &figures), 0);
    tare_result_figures_release(&figures);
    tare_collector_free(collector);
    tare_result_free(result);
    return figures;
}

/*
 * 12 blocks of 100 scopes of 10,000 ticks, more or less (100, 0, -100 ... ticks, at 0.5 ns). The other parts of
 * the error are the same with and without a sampler, and add in quadrature.
 */
static void blocks_become_the_sampling_error(void **state)
{
    (void)state;
    struct live live;
    struct tare_run_mean mean;
    uint64_t now_ns = SECOND;
    live_init(&live);
    struct tare_sampler *sampler = tare_sampler_new(now_ns);
    for (int i = 0; i < 12; i++) {
        record(&live, 0, live.timer, 100, 10000 + (uint64_t)(i * 7 % 3) * 1000);
        look(sampler, 0, &live, &now_ns);
    }
    struct tare_run_blocks blocks = blocks_of(sampler, 0, &live, live.timer);
    assert_int_equal(blocks.count, 12);
    tare_run_blocks_net(&blocks, 0.5, 48); /* any cost within: it is the same for each scope here */
    tare_run_blocks_mean(&blocks, &mean);
    double without = figures_of(&live, 1, 1, NULL).net_avg_error_ns;
    double with = figures_of(&live, 1, 1, sampler).net_avg_error_ns;
    double sampling = 1.959963984540054 * mean.error;
    assert_true(without > 0 && sampling > 50);
    assert_true(fabs(with - hypot(without, sampling)) < 0.001 * with);
    tare_sampler_free(sampler);
    live_release(&live);
}

/* 20 processes that nobody saw alive: each is a block of the run. Of 5, one says nothing. */
static void many_short_processes_are_blocks_themselves(void **state)
{
    (void)state;
    enum { MANY = 20, FEW = 5 };
    struct live lives[MANY];
    struct tare_sampler *sampler = tare_sampler_new(SECOND);
    for (unsigned i = 0; i < MANY; i++) {
        live_init(&lives[i]);
        record(&lives[i], 0, lives[i].timer, 10, 10000 + i % 3 * 1000);
    }
    double without = figures_of(lives, MANY, MANY, NULL).net_avg_error_ns;
    double with = figures_of(lives, MANY, MANY, sampler).net_avg_error_ns;
    assert_true(with > without + 10);
    without = figures_of(lives, FEW, FEW, NULL).net_avg_error_ns;
    with = figures_of(lives, FEW, FEW, sampler).net_avg_error_ns;
    assert_true(fabs(with - without) < 1e-9);
    for (unsigned i = 0; i < MANY; i++) {
        live_release(&lives[i]);
    }
    tare_sampler_free(sampler);
}

/*
 * 20 processes of 10 looks each, all alike within themselves. As processes of one run they are what every run
 * has: no error. As 20 passes, or as 10 of two processes each, they say what passes differ by. Of 4 passes
 * nobody can tell.
 */
static void passes_are_what_another_run_means(void **state)
{
    (void)state;
    enum { MANY = 20 };
    struct live lives[MANY];
    uint64_t now_ns = SECOND;
    struct tare_sampler *sampler = tare_sampler_new(now_ns);
    for (unsigned i = 0; i < MANY; i++) {
        live_init(&lives[i]);
        for (int k = 0; k < 10; k++) {
            record(&lives[i], 0, lives[i].timer, 10, 10000 + i / 2 % 3 * 1000);
            look(sampler, i, &lives[i], &now_ns);
        }
    }
    double without = figures_of(lives, MANY, MANY, NULL).net_avg_error_ns;
    const struct {
        size_t in_pass;
        bool told;
    } cases[] = {{MANY, false}, {1, true}, {2, true}, {5, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double with = figures_of(lives, MANY, cases[i].in_pass, sampler).net_avg_error_ns;
        assert_true(with >= without);
        assert_int_equal(with > without + 50, cases[i].told);
        assert_int_equal(with < without + 0.001, !cases[i].told);
    }
    for (unsigned i = 0; i < MANY; i++) {
        live_release(&lives[i]);
    }
    tare_sampler_free(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_look_makes_a_block_of_what_was_counted_since),
        cmocka_unit_test(timers_that_come_later_are_seen),
        cmocka_unit_test(a_reset_begins_anew),
        cmocka_unit_test(what_was_there_at_the_begin_does_not_count),
        cmocka_unit_test(a_page_that_was_never_seen_is_one_block),
        cmocka_unit_test(pages_that_cannot_be_read_are_passed_over),
        cmocka_unit_test(sums_that_shrink_make_no_block),
        cmocka_unit_test(looks_get_rarer_with_age),
        cmocka_unit_test(a_new_page_is_looked_at_often),
        cmocka_unit_test(large_pages_are_looked_at_less),
        cmocka_unit_test(blocks_become_the_sampling_error),
        cmocka_unit_test(many_short_processes_are_blocks_themselves),
        cmocka_unit_test(passes_are_what_another_run_means),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
