/* SPDX-License-Identifier: MIT */
/*
 * result/collect.h: what was counted between two readings of a page, also where a timer was reset in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/reader.h"
#include "result/collect.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_window_with_a_reset_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
