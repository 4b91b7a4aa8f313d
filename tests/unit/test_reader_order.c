/* SPDX-License-Identifier: MIT */
/*
 * The page reader against a writer that is at work in the worst moment. pread copies in no particular order and
 * may be held up anywhere, so this program has its own pread, which the reader then uses: it copies in two
 * pieces, in either order, and lets the writer act between them. What would be a race of nanoseconds happens
 * every time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record/reader.h"
#include "tests/unit/page_builder.h"

/* The page as the writer sees it: mapped from the file that is read. */
static struct page_builder page;
static int page_fd = -1;

/* When pread covers `offset` for the `turn`th time, `act` runs between the two pieces. */
static struct {
    uint64_t offset; /* of the second piece */
    int turn;
    bool backwards;
    void (*act)(void);
    int acted;
} plan;

static ssize_t copy(int fd, void *out, size_t size, off_t offset)
{
    return size == 0 ? 0 : (ssize_t)syscall(SYS_pread64, fd, out, size, offset);
}

ssize_t pread(int fd, void *out, size_t size, off_t offset)
{
    uint64_t start = (uint64_t)offset;
    if (fd != page_fd || plan.act == NULL || start > plan.offset || plan.offset - start >= size ||
        --plan.turn != 0) {
        return copy(fd, out, size, offset);
    }
    size_t first = (size_t)(plan.offset - start);
    unsigned char *to = out;
    if (plan.backwards) {
        ssize_t n = copy(fd, to + first, size - first, offset + (off_t)first);
        assert_int_equal(n, size - first);
        plan.act();
        assert_int_equal(copy(fd, to, first, offset), first);
    } else {
        assert_int_equal(copy(fd, to, first, offset), first);
        plan.act();
        ssize_t n = copy(fd, to + first, size - first, offset + (off_t)first);
        assert_int_equal(n, size - first);
    }
    plan.acted++;
    return (ssize_t)size;
}

static uint64_t offset_of(const void *member)
{
    return (uint64_t)((const unsigned char *)member - page.bytes);
}

/* A page with two threads, each of which ended 1000 scopes of one timer, 100 ticks each. */
static int set_up(void **state)
{
    (void)state;
    struct page_builder b;
    page_builder_init(&b, 4, 2, TARE_PAGE_HISTOGRAMS);
    uint32_t timer = page_builder_timer(&b, "m", "t", "m.c", 1);
    for (uint32_t k = 0; k < 2; k++) {
        uint32_t block = page_builder_block(&b, k + 1, "thread");
        for (int i = 0; i < 1000; i++) {
            page_builder_record(&b, block, timer, 100, 0);
        }
    }
    page_fd = page_builder_file(&b, 0, b.size);
    void *shared = mmap(NULL, b.size, PROT_READ | PROT_WRITE, MAP_SHARED, page_fd, 0);
    assert_true(shared != MAP_FAILED);
    page = (struct page_builder){.bytes = shared, .size = b.size, .header = shared};
    page_builder_release(&b);
    memset(&plan, 0, sizeof(plan));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    plan.act = NULL;
    assert_int_equal(munmap(page.bytes, page.size), 0);
    assert_int_equal(close(page_fd), 0);
    page_fd = -1;
    return 0;
}

static void read_page(struct tare_page_view *view)
{
    char message[200] = "";
    struct tare_page_source source = {.fd = page_fd, .offset = 0, .limit = page.size};
    int error = tare_page_read(&source, TARE_READ_HISTOGRAMS, view, message, sizeof(message));
    if (error != 0) {
        fail_msg("%d '%s'", error, message);
    }
}

static void timer_is_added(void)
{
    page_builder_timer(&page, "m", "added", "m.c", 2);
}

static void timers_that_come_while_the_header_is_read(void **state)
{
    (void)state;
    for (int turn = 1; turn <= 2; turn++) {
        struct tare_page_view view;
        plan.offset = offset_of(&page.header->strings_used);
        plan.turn = turn;
        plan.backwards = true; /* the count is new, and the extent of the strings old */
        plan.act = timer_is_added;
        read_page(&view);
        assert_int_equal(plan.acted, turn);
        assert_in_range(view.timer_count, turn, turn + 1);
        assert_string_equal(view.timers[view.timer_count - 1].name, view.timer_count == 1 ? "t" : "added");
        tare_page_view_release(&view);
    }
}

static struct tare_slot *first_slot(void)
{
    return page_builder_slot(&page, 0, 0);
}

/* What the first thread does in its first scope after a reset. */
static void first_thread_notices_the_reset(void)
{
    struct tare_slot *slot = first_slot();
    memset(page_builder_buckets(&page, 0, 0), 0, TARE_BUCKET_COUNT * sizeof(uint64_t));
    *slot = (struct tare_slot){.min_ticks = UINT64_MAX};
    slot->generation = page_builder_control(&page, 0)->generation;
    page_builder_record(&page, 0, 0, 7, 0);
}

static void slot_that_is_cleared_while_it_is_copied(void **state)
{
    (void)state;
    page_builder_control(&page, 0)->generation = 2;
    uint64_t within[] = {offset_of(&first_slot()->outermost), offset_of(&first_slot()->max_ticks),
                         offset_of(&first_slot()->generation)};
    for (size_t i = 0; i < sizeof(within) / sizeof(within[0]); i++) {
        struct tare_page_view view;
        plan.offset = within[i];
        plan.turn = 1;
        plan.act = first_thread_notices_the_reset;
        read_page(&view);
        assert_int_equal(plan.acted, i + 1);
        assert_in_range(view.timers[0].sums.calls, 0, 1); /* of the 1000 before the reset, none */
        assert_in_range(view.timers[0].sums.total_ticks, 0, 7);
        assert_int_equal(view.timers[0].buckets[tare_bucket_of(100)], 0);
        tare_page_view_release(&view);
        page_builder_control(&page, 0)->generation++;
    }
}

static void timer_is_reset(void)
{
    page_builder_control(&page, 0)->generation++;
    first_thread_notices_the_reset();
}

static void timer_that_is_reset_between_two_threads(void **state)
{
    (void)state;
    struct tare_page_view view;
    plan.offset = offset_of(page_builder_block_at(&page, 1)); /* the first has been read */
    plan.turn = 1;
    plan.act = timer_is_reset;
    read_page(&view);
    assert_int_equal(plan.acted, 1);
    assert_int_equal(view.timers[0].sums.calls, 0); /* not the 1000 of one thread, nor the 2000 of both */
    assert_true(view.timers[0].sums.min_ticks == UINT64_MAX);
    assert_int_equal(view.timers[0].buckets[tare_bucket_of(100)], 0);
    tare_page_view_release(&view);
}

static void new_extremes_are_recorded(void)
{
    page_builder_record(&page, 0, 0, 1, 0);
    page_builder_record(&page, 0, 0, UINT64_MAX / 2, 0);
}

/* The histogram is read between the extremes of a moment before: only scopes beyond them may be missing. */
static void scopes_that_end_between_sums_and_histogram(void **state)
{
    (void)state;
    struct tare_page_view view;
    plan.offset = offset_of(&page_builder_buckets(&page, 0, 0)[tare_bucket_of(100)]);
    plan.turn = 1;
    plan.act = new_extremes_are_recorded;
    read_page(&view);
    assert_int_equal(plan.acted, 1);
    assert_int_equal(view.timers[0].sums.calls, 2000);
    assert_int_equal(view.timers[0].buckets[tare_bucket_of(100)], 2000);
    tare_page_view_release(&view);
}

static void file_is_cut(void)
{
    assert_int_equal(ftruncate(page_fd, 4096), 0);
}

static void file_that_shrinks_while_it_is_read(void **state)
{
    (void)state;
    struct tare_page_view view;
    char message[200] = "", expected[200];
    struct tare_page_source source = {.fd = page_fd, .offset = 0, .limit = page.size};
    plan.offset = offset_of(&page.header->reserved4); /* the second reading of the header has just begun */
    plan.turn = 2;
    plan.act = file_is_cut;
    int error = tare_page_read(&source, 0, &view, message, sizeof(message));
    assert_int_equal(plan.acted, 1);
    assert_int_equal(error, -EINVAL);
    snprintf(expected, sizeof(expected), "page is cut short: 4096 of %zu bytes", page.size);
    assert_string_equal(message, expected);
    tare_page_view_release(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_that_come_while_the_header_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slot_that_is_cleared_while_it_is_copied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(timer_that_is_reset_between_two_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scopes_that_end_between_sums_and_histogram, set_up, tear_down),
        cmocka_unit_test_setup_teardown(file_that_shrinks_while_it_is_read, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("reader_order", tests, NULL, NULL);
}
