/* SPDX-License-Identifier: MIT */
/*
 * The page reader on pages that are in order: what comes out is what went in, merged over threads, with nothing
 * of what is void; also while somebody writes. What it does with damaged pages: test_reader_damage.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/reader.h"
#include "tests/unit/page_builder.h"

/* Reads all of a builder's page at `offset` of a file; the view is the caller's to release. */
static int read_page_at(const struct page_builder *b, uint64_t offset, unsigned flags,
                        struct tare_page_view *view)
{
    char message[200] = "";
    int fd = page_builder_file(b, offset, b->size);
    struct tare_page_source source = {.fd = fd, .offset = offset, .limit = b->size};
    int error = tare_page_read(&source, flags, view, message, sizeof(message));
    assert_int_equal(close(fd), 0);
    if (error != 0) {
        print_message("%s\n", message);
    }
    return error;
}

static void read_page(const struct page_builder *b, unsigned flags, struct tare_page_view *view)
{
    assert_int_equal(read_page_at(b, 0, flags, view), 0);
}

static void names_and_places_are_read(void **state)
{
    (void)state;
    struct page_builder b;
    struct tare_page_view view;
    page_builder_init(&b, 8, 2, 0);
    page_builder_timer(&b, "fdtables", "close_virtualfd", "src/fdtables.c", 120);
    page_builder_timer(&b, "fdtables", "größe", "src/fdtables.c", 140);
    page_builder_control(&b, 1)->enabled = 1;
    page_builder_entry(&b, 1)->objects = 0;
    read_page(&b, 0, &view);

    assert_int_equal(view.header.pid, 4242);
    assert_string_equal(view.executable, "/usr/bin/example");
    assert_int_equal(view.command_size, 15);
    assert_memory_equal(view.command, "example\0--fast\0", 15);
    assert_int_equal(view.timer_count, 2);
    assert_string_equal(view.timers[0].module, "fdtables");
    assert_string_equal(view.timers[0].name, "close_virtualfd");
    assert_string_equal(view.timers[0].file, "src/fdtables.c");
    assert_int_equal(view.timers[0].line, 120);
    assert_false(view.timers[0].enabled);
    assert_true(view.timers[0].loaded);
    assert_string_equal(view.timers[1].name, "größe");
    assert_int_equal(view.timers[1].index, 1);
    assert_true(view.timers[1].enabled);
    assert_false(view.timers[1].loaded);
    assert_int_equal(view.thread_count, 0);
    assert_true(view.timers[0].sums.calls == 0 && view.timers[0].sums.min_ticks == UINT64_MAX);
    assert_null(view.timers[0].buckets);
    tare_page_view_release(&view);
    tare_page_view_release(&view); /* zeroed: harmless */
    page_builder_release(&b);
}

static void threads_are_merged(void **state)
{
    (void)state;
    struct page_builder b;
    struct tare_page_view view;
    page_builder_init(&b, 4, 4, TARE_PAGE_HISTOGRAMS);
    uint32_t timer = page_builder_timer(&b, "m", "t", "m.c", 1);
    uint32_t other = page_builder_timer(&b, "m", "other", "m.c", 2);
    uint32_t first = page_builder_block(&b, 100, "main");
    uint32_t second = page_builder_block(&b, 101, "sixteen-letters!");
    page_builder_block(&b, 102, "idle");
    page_builder_record(&b, first, timer, 70, 0);
    page_builder_record(&b, first, timer, 3000, 2);
    page_builder_record(&b, second, timer, 50, 1);
    page_builder_record(&b, second, other, 9, 0);
    page_builder_slot(&b, second, timer)->calls += 5; /* inner ones of a recursion */
    page_builder_slot(&b, second, timer)->bytes = 4096;
    page_builder_block_at(&b, second)->state = TARE_BLOCK_ENDED;
    page_builder_block_at(&b, second)->threads = 7;
    read_page(&b, TARE_READ_HISTOGRAMS, &view);

    const struct tare_timer_sums *sums = &view.timers[timer].sums;
    assert_int_equal(sums->calls, 8);
    assert_int_equal(sums->outermost, 3);
    assert_int_equal(sums->total_ticks, 3120);
    assert_int_equal(sums->min_ticks, 50);
    assert_int_equal(sums->max_ticks, 3000);
    assert_int_equal(sums->scopes_within, 3);
    assert_int_equal(sums->bytes, 4096);
    uint64_t expected[TARE_BUCKET_COUNT] = {0};
    expected[tare_bucket_of(50)] = expected[tare_bucket_of(70)] = expected[tare_bucket_of(3000)] = 1;
    assert_memory_equal(view.timers[timer].buckets, expected, sizeof(expected));
    assert_int_equal(view.timers[other].sums.total_ticks, 9);
    assert_int_equal(view.timers[other].buckets[9], 1);

    assert_int_equal(view.thread_count, 3);
    assert_string_equal(view.threads[1].name, "sixteen-letters!");
    assert_int_equal(view.threads[1].tid, 101);
    assert_int_equal(view.threads[1].threads, 7);
    assert_int_equal(view.threads[1].scopes_ended, 2);
    assert_true(view.threads[1].ended);
    assert_false(view.threads[0].ended);
    tare_page_view_release(&view);
    page_builder_release(&b);
}

static void histograms_are_there_if_asked_for_and_kept(void **state)
{
    (void)state;
    struct page_builder b;
    struct tare_page_view view;
    for (unsigned kept = 0; kept <= 1; kept++) {
        page_builder_init(&b, 4, 1, kept ? TARE_PAGE_HISTOGRAMS : 0);
        uint32_t timer = page_builder_timer(&b, "m", "t", "m.c", 1);
        page_builder_record(&b, page_builder_block(&b, 1, "main"), timer, 100, 0);
        read_page(&b, TARE_READ_HISTOGRAMS, &view);
        assert_true((view.timers[0].buckets != NULL) == (kept != 0));
        tare_page_view_release(&view);
        read_page(&b, 0, &view);
        assert_null(view.timers[0].buckets);
        assert_int_equal(view.timers[0].sums.total_ticks, 100);
        tare_page_view_release(&view);
        page_builder_release(&b);
    }
}

/* A later version may have larger structs: strides say where the next one is, and the rest is skipped. */
static void larger_structs_are_stepped_over(void **state)
{
    (void)state;
    struct page_builder b;
    struct tare_page_view view;
    enum { TIMERS = 500 };
    page_builder_init_padded(&b, TIMERS, 2, TARE_PAGE_HISTOGRAMS, 1000);
    page_builder_block(&b, 1, "one");
    page_builder_block(&b, 2, "two");
    for (uint32_t i = 0; i < TIMERS; i++) {
        page_builder_timer(&b, "m", "t", "m.c", i);
        page_builder_record(&b, i % 2, i, 1000 + i, i);
    }
    read_page(&b, TARE_READ_HISTOGRAMS, &view);
    assert_int_equal(view.timer_count, TIMERS);
    for (uint32_t i = 0; i < TIMERS; i++) {
        assert_int_equal(view.timers[i].line, i);
        assert_int_equal(view.timers[i].sums.total_ticks, 1000 + i);
        assert_int_equal(view.timers[i].sums.scopes_within, i);
        assert_int_equal(view.timers[i].buckets[tare_bucket_of(1000 + i)], 1);
    }
    tare_page_view_release(&view);
    page_builder_release(&b);
}

static void counts_of_another_generation_are_void(void **state)
{
    (void)state;
    struct page_builder b;
    struct tare_page_view view;
    page_builder_init(&b, 4, 2, TARE_PAGE_HISTOGRAMS);
    uint32_t timer = page_builder_timer(&b, "m", "t", "m.c", 1);
    uint32_t first = page_builder_block(&b, 1, "one"), second = page_builder_block(&b, 2, "two");
    page_builder_record(&b, first, timer, 100, 0);
    page_builder_control(&b, timer)->generation = 2; /* reset; then only the second thread goes on */
    page_builder_record(&b, second, timer, 200, 0);
    read_page(&b, TARE_READ_HISTOGRAMS, &view);
    assert_int_equal(view.timers[0].sums.calls, 1);
    assert_int_equal(view.timers[0].sums.min_ticks, 200);
    assert_int_equal(view.timers[0].buckets[tare_bucket_of(100)], 0);
    assert_int_equal(view.timers[0].buckets[tare_bucket_of(200)], 1);
    tare_page_view_release(&view);
    page_builder_release(&b);
}

static void unused_slots_and_free_blocks_do_not_count(void **state)
{
    (void)state;
    struct page_builder b;
    struct tare_page_view view;
    page_builder_init(&b, 4, 3, 0);
    uint32_t timer = page_builder_timer(&b, "m", "t", "m.c", 1);
    page_builder_block(&b, 1, "never timed"); /* its slots are zero, and 0 is not the minimum */
    uint32_t block = page_builder_block(&b, 2, "timed");
    uint32_t claimed = page_builder_block(&b, 3, "");
    page_builder_record(&b, block, timer, 100, 0);
    page_builder_record(&b, claimed, timer, 10, 0);
    page_builder_block_at(&b, claimed)->state = TARE_BLOCK_FREE;
    read_page(&b, 0, &view);
    assert_int_equal(view.timers[0].sums.calls, 1);
    assert_int_equal(view.timers[0].sums.min_ticks, 100);
    assert_int_equal(view.thread_count, 2);
    tare_page_view_release(&view);
    page_builder_release(&b);
}

static void instruments_of_unknown_kinds_are_skipped(void **state)
{
    (void)state;
    struct page_builder b;
    struct tare_page_view view;
    page_builder_init(&b, 4, 1, TARE_PAGE_HISTOGRAMS);
    page_builder_timer(&b, "m", "first", "m.c", 1);
    page_builder_timer(&b, "m", "of the future", "m.c", 2);
    page_builder_timer(&b, "m", "third", "m.c", 3);
    page_builder_entry(&b, 1)->kind = 99;
    page_builder_entry(&b, 1)->name_string = UINT32_MAX; /* whatever it means there */
    uint32_t block = page_builder_block(&b, 1, "main");
    page_builder_record(&b, block, 1, 7, 0);
    page_builder_record(&b, block, 2, 9, 0);
    read_page(&b, TARE_READ_HISTOGRAMS, &view);
    assert_int_equal(view.timer_count, 2);
    assert_string_equal(view.timers[1].name, "third");
    assert_int_equal(view.timers[1].index, 2);
    assert_int_equal(view.timers[1].sums.total_ticks, 9);
    assert_int_equal(view.timers[1].buckets[9], 1);
    tare_page_view_release(&view);
    page_builder_release(&b);
}

static void page_lies_anywhere_in_a_file(void **state)
{
    (void)state;
    struct page_builder b;
    struct tare_page_view view;
    page_builder_init(&b, 4, 1, 0);
    uint32_t timer = page_builder_timer(&b, "m", "t", "m.c", 1);
    page_builder_record(&b, page_builder_block(&b, 1, "main"), timer, 100, 0);
    assert_int_equal(read_page_at(&b, 3 * 4096 + 8, 0, &view), 0);
    assert_int_equal(view.timers[0].sums.total_ticks, 100);
    tare_page_view_release(&view);
    page_builder_release(&b);
}

static void rate_is_the_best_known(void **state)
{
    (void)state;
    struct page_builder b;
    page_builder_init(&b, 1, 1, 0);
    struct tare_page *h = b.header;
    struct tare_cost_model model = tare_page_cost_model(h, NULL);
    assert_true(model.tick_ns == 0.5 && model.rate_error_ppb == 2000.0);

    /* 10 s later, 2.000002 GHz: known to 2 ppb, and 1 ppm from what the start could tell. */
    struct tare_anchor now = {
        .ticks = 1000000 + 20000020000, .raw_ns = 5000000 + 10000000000, .bracket_ns = 20};
    model = tare_page_cost_model(h, &now);
    assert_true(fabs(model.tick_ns * 2.000002 - 1.0) < 1e-12);
    assert_true(fabs(model.rate_error_ppb - 2.0) < 1e-9);

    now.bracket_ns = 1000000; /* a bad reading: 50 ppm, worse than what the page says */
    model = tare_page_cost_model(h, &now);
    assert_true(model.tick_ns == 0.5 && model.rate_error_ppb == 2000.0);

    now =
        (struct tare_anchor){.ticks = 5, .raw_ns = 10, .bracket_ns = 1}; /* before the page: of another boot */
    assert_true(tare_page_cost_model(h, &now).tick_ns == 0.5);
    now = (struct tare_anchor){
        .ticks = 2000000, .raw_ns = 10000000000000, .bracket_ns = 1}; /* set back meanwhile */
    assert_true(tare_page_cost_model(h, &now).tick_ns == 0.5);

    h->last =
        (struct tare_anchor){.ticks = 2000001000000, .raw_ns = 1000005000000, .bracket_ns = 20}; /* at exit */
    assert_true(fabs(tare_page_cost_model(h, NULL).rate_error_ppb - 0.02) < 1e-9);

    h->rate_hz = 0;
    h->last.raw_ns = 0;
    model = tare_page_cost_model(h, NULL);
    assert_true(isnan(model.tick_ns) && isnan(model.rate_error_ppb));
    h->rate_hz = 1000000000;
    h->rate_error_ppb = UINT64_MAX;
    model = tare_page_cost_model(h, NULL);
    assert_true(model.tick_ns == 1.0 && isnan(model.rate_error_ppb));

    h->clock = TARE_CLOCK_CLOCK;
    model = tare_page_cost_model(h, NULL);
    assert_true(model.tick_ns == 1.0 && model.rate_error_ppb == 0.0);
    h->clock = 77;
    assert_true(isnan(tare_page_cost_model(h, NULL).tick_ns));
    page_builder_release(&b);
}

static void assert_cost(const struct tare_cost_ticks *found, double median, double mad)
{
    assert_true(found->median == median && found->mad == mad && found->n == 64);
}

static void assert_unknown(const struct tare_costs *costs)
{
    const struct tare_cost_ticks *all[] = {&costs->inner,        &costs->inner_empty, &costs->outer,
                                           &costs->outer_nested, &costs->outer_apart, &costs->close,
                                           &costs->knee};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        assert_true(all[i]->n == 0 && isnan(all[i]->median) && isnan(all[i]->mad));
    }
}

static void costs_are_known_where_the_flags_say_so(void **state)
{
    (void)state;
    struct page_builder b;
    page_builder_init(&b, 1, 1, 0);
    struct tare_cost_model model = tare_page_cost_model(b.header, NULL);
    assert_cost(&model.at_start.inner, 38.5, 0.25);
    assert_cost(&model.at_start.outer, 96.0, 0.5);
    assert_true(model.at_start.outer_apart.n == 0 && isnan(model.at_start.outer_apart.median));
    assert_unknown(&model.at_exit);
    assert_unknown(&model.in_run);
    assert_false(model.counts_closeness);

    page_builder_costs(&b);
    b.header->cost_at_exit = b.header->cost;
    b.header->cost_at_exit.inner.median_mticks = 40000;
    model = tare_page_cost_model(b.header, NULL);
    assert_cost(&model.at_start.inner_empty, 39.5, 0.25);
    assert_cost(&model.at_start.outer_nested, 98.0, 0.5);
    assert_cost(&model.at_start.outer_apart, 80.0, 0.5);
    assert_cost(&model.at_start.close, 20.0, 1.0);
    assert_cost(&model.at_start.knee, 12.0, 1.0);
    assert_true(model.counts_closeness);
    assert_unknown(&model.at_exit);
    b.header->flags |= TARE_PAGE_CALIBRATED_AT_EXIT;
    model = tare_page_cost_model(b.header, NULL);
    assert_cost(&model.at_exit.inner, 40.0, 0.25);
    assert_cost(&model.at_exit.knee, 12.0, 1.0);

    b.header->flags &= ~(uint32_t)TARE_PAGE_CALIBRATED;
    model = tare_page_cost_model(b.header, NULL);
    assert_unknown(&model.at_start);
    page_builder_release(&b);
}

/* Medians of what is there; a live page may hold one that is being written. */
static void costs_in_the_run_are_those_that_were_kept(void **state)
{
    (void)state;
    struct page_builder b;
    page_builder_init(&b, 1, 1, 0);
    struct tare_run_cost *run = &b.header->cost_in_run;
    run->n = 4;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < TARE_SCOPE_COSTS; j++) {
            run->mticks[i][j] = 1000 * (100 + 2 * i + 10 * j);
        }
    }
    struct tare_costs found = tare_page_cost_model(b.header, NULL).in_run;
    assert_true(found.inner.n == 3 && found.inner.median == 102.0 && found.inner.mad == 2.0);
    assert_true(found.outer.n == 3 && found.outer.median == 122.0);
    assert_true(found.knee.n == 3 && found.knee.median == 162.0);

    for (int i = 0; i < TARE_RUN_SAMPLES; i++) {
        run->mticks[i][0] = -5000;
    }
    run->n = UINT64_MAX; /* there were more than are kept */
    found = tare_page_cost_model(b.header, NULL).in_run;
    assert_true(found.inner.n == TARE_RUN_SAMPLES && found.inner.median == -5.0 && found.inner.mad == 0.0);

    run->n = 0;
    found = tare_page_cost_model(b.header, NULL).in_run;
    assert_unknown(&found);
    page_builder_release(&b);
}

/* A thread that counts as the runtime does, in shared memory. */
struct writer {
    struct page_builder page;
    uint64_t scopes; /* ended so far */
    bool stop;
};

static void *write_scopes(void *argument)
{
    struct writer *w = argument;
    struct tare_slot *slot = page_builder_slot(&w->page, 0, 0);
    struct tare_control *control = page_builder_control(&w->page, 0);
    uint64_t *buckets = page_builder_buckets(&w->page, 0, 0);
    for (uint64_t i = 0; !__atomic_load_n(&w->stop, __ATOMIC_RELAXED); i++) {
        uint64_t ticks = 100 + i % 1000;
        uint32_t generation = __atomic_load_n(&control->generation, __ATOMIC_RELAXED);
        if (slot->generation != generation) {
            static const size_t sums = offsetof(struct tare_slot, open_token) / sizeof(uint64_t);
            for (size_t k = 0; k < sums; k++) {
                __atomic_store_n((uint64_t *)slot + k, 0, __ATOMIC_RELAXED);
            }
            __atomic_store_n(&slot->min_ticks, UINT64_MAX, __ATOMIC_RELAXED);
            for (uint32_t k = 0; k < TARE_BUCKET_COUNT; k++) {
                __atomic_store_n(&buckets[k], 0, __ATOMIC_RELAXED);
            }
            __atomic_store_n(&slot->generation, generation, __ATOMIC_RELEASE);
        }
        __atomic_store_n(&w->scopes, w->scopes + 1, __ATOMIC_SEQ_CST); /* before it can be seen in the slot */
        __atomic_store_n(&slot->calls, slot->calls + 1, __ATOMIC_RELAXED);
        __atomic_store_n(&slot->outermost, slot->outermost + 1, __ATOMIC_RELAXED);
        __atomic_store_n(&slot->total_ticks, slot->total_ticks + ticks, __ATOMIC_RELAXED);
        if (ticks < slot->min_ticks) {
            __atomic_store_n(&slot->min_ticks, ticks, __ATOMIC_RELAXED);
        }
        if (ticks > slot->max_ticks) {
            __atomic_store_n(&slot->max_ticks, ticks, __ATOMIC_RELAXED);
        }
        uint64_t *bucket = &buckets[tare_bucket_of(ticks)];
        __atomic_store_n(bucket, *bucket + 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void writer_start(struct writer *w, pthread_t *thread, int *fd)
{
    struct page_builder b;
    page_builder_init(&b, 4, 1, TARE_PAGE_HISTOGRAMS);
    page_builder_timer(&b, "m", "t", "m.c", 1);
    page_builder_block(&b, 1, "main");
    *fd = page_builder_file(&b, 0, b.size);
    void *shared = mmap(NULL, b.size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    assert_true(shared != MAP_FAILED);
    *w = (struct writer){.page = {.bytes = shared, .size = b.size, .header = shared}};
    page_builder_release(&b);
    assert_int_equal(pthread_create(thread, NULL, write_scopes, w), 0);
}

static void writer_stop(struct writer *w, pthread_t thread, int fd)
{
    __atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(munmap(w->page.bytes, w->page.size), 0);
    assert_int_equal(close(fd), 0);
}

static void live_page_only_grows(void **state)
{
    (void)state;
    struct writer w;
    pthread_t thread;
    int fd;
    writer_start(&w, &thread, &fd);
    struct tare_page_source source = {.fd = fd, .offset = 0, .limit = w.page.size};
    struct tare_timer_sums last = {0};
    uint64_t last_bucket = 0;
    for (int i = 0; i < 3000; i++) {
        struct tare_page_view view;
        uint64_t before = __atomic_load_n(&w.scopes, __ATOMIC_SEQ_CST);
        assert_int_equal(tare_page_read(&source, TARE_READ_HISTOGRAMS, &view, NULL, 0), 0);
        uint64_t after = __atomic_load_n(&w.scopes, __ATOMIC_SEQ_CST);
        const struct tare_timer_sums *sums = &view.timers[0].sums;
        assert_true(sums->calls + 1 >= before && sums->calls <= after);
        assert_true(sums->outermost <= sums->calls);
        assert_true(sums->calls >= last.calls && sums->total_ticks >= last.total_ticks);
        assert_true(sums->max_ticks >= last.max_ticks &&
                    view.timers[0].buckets[tare_bucket_of(100)] >= last_bucket);
        last = *sums;
        last_bucket = view.timers[0].buckets[tare_bucket_of(100)];
        tare_page_view_release(&view);
    }
    writer_stop(&w, thread, fd);
}

/* After a reset nothing older is ever seen, not even of a slot that its thread is just clearing. */
static void reset_of_a_live_page_leaves_nothing_behind(void **state)
{
    (void)state;
    struct writer w;
    pthread_t thread;
    int fd;
    writer_start(&w, &thread, &fd);
    struct tare_page_source source = {.fd = fd, .offset = 0, .limit = w.page.size};
    struct tare_control *control = page_builder_control(&w.page, 0);
    for (int i = 0; i < 3000; i++) {
        struct tare_page_view view;
        while (__atomic_load_n(&page_builder_slot(&w.page, 0, 0)->calls, __ATOMIC_RELAXED) < 200) {
            /* let some more pile up */
        }
        uint64_t before = __atomic_load_n(&w.scopes, __ATOMIC_SEQ_CST);
        __atomic_store_n(&control->generation, (uint32_t)(2 + i), __ATOMIC_SEQ_CST);
        assert_int_equal(tare_page_read(&source, TARE_READ_HISTOGRAMS, &view, NULL, 0), 0);
        uint64_t since = __atomic_load_n(&w.scopes, __ATOMIC_SEQ_CST) - before;
        assert_true(view.timers[0].sums.calls <= since);
        uint64_t in_buckets = 0;
        for (uint32_t k = 0; k < TARE_BUCKET_COUNT; k++) {
            in_buckets += view.timers[0].buckets[k];
        }
        assert_true(in_buckets <= since);
        tare_page_view_release(&view);
    }
    writer_stop(&w, thread, fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_places_are_read),
        cmocka_unit_test(threads_are_merged),
        cmocka_unit_test(histograms_are_there_if_asked_for_and_kept),
        cmocka_unit_test(larger_structs_are_stepped_over),
        cmocka_unit_test(counts_of_another_generation_are_void),
        cmocka_unit_test(unused_slots_and_free_blocks_do_not_count),
        cmocka_unit_test(instruments_of_unknown_kinds_are_skipped),
        cmocka_unit_test(page_lies_anywhere_in_a_file),
        cmocka_unit_test(rate_is_the_best_known),
        cmocka_unit_test(costs_are_known_where_the_flags_say_so),
        cmocka_unit_test(costs_in_the_run_are_those_that_were_kept),
        cmocka_unit_test(live_page_only_grows),
        cmocka_unit_test(reset_of_a_live_page_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
