/* SPDX-License-Identifier: MIT */
/*
 * The page reader on instruments that are no timers: each kind comes out as it went in, merged over threads,
 * both by pread and through the mapping of a reader that is used again and again. And on records that are being
 * written, resets, and damage in what only these kinds have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/page_check.h"
#include "record/reader.h"
#include "record/switch.h"
#include "runtime/clock.h"
#include "runtime/labels.h"
#include "tests/unit/page_builder.h"

enum ways { BY_PREAD, MAPPED, MAPPED_AGAIN, WAYS };

static char message[200];

/* Reads a builder's page in one of the ways; the view is the caller's to release. */
static int read_by(enum ways way, const struct page_builder *b, unsigned flags, struct tare_page_view *view)
{
    int fd = way == BY_PREAD ? page_builder_file(b, 0, b->size) : page_builder_sealed_file(b);
    struct tare_page_source source = {.fd = fd, .limit = b->size};
    int error;
    message[0] = '\0';
    if (way == BY_PREAD) {
        error = tare_page_read(&source, flags, view, message, sizeof(message));
    } else {
        struct tare_page_reader *reader = tare_page_reader_open(&source);
        assert_non_null(reader);
        error = tare_page_reader_read(reader, flags, view, message, sizeof(message));
        if (way == MAPPED_AGAIN) {
            tare_page_view_release(view);
            error = tare_page_reader_read(reader, flags, view, message, sizeof(message));
        }
        tare_page_reader_close(reader); /* the view outlives it */
    }
    close(fd);
    return error;
}

static void must_read(enum ways way, const struct page_builder *b, unsigned flags, struct tare_page_view *view)
{
    int error = read_by(way, b, flags, view);
    if (error != 0) {
        fail_msg("way %d: %d '%s'", (int)way, error, message);
    }
}

static const struct tare_page_instrument *one(const struct tare_page_view *view)
{
    assert_int_equal(view->instrument_count, 1);
    return &view->instruments[0];
}

static void counters_are_summed(void **state)
{
    (void)state;
    for (enum ways way = 0; way < WAYS; way++) {
        struct page_builder b;
        struct tare_page_view view;
        page_builder_init(&b, 6, 3, 0);
        uint32_t timer = page_builder_timer(&b, "m", "t", "m.c", 1);
        uint32_t in = page_builder_instrument(&b, TARE_KIND_COUNTER, "net", "bytes", "bytes", "dir=in,if=eth0");
        uint32_t out = page_builder_instrument(&b, TARE_KIND_COUNTER, "net", "bytes", "bytes", "dir=out");
        uint32_t plain = page_builder_instrument(&b, TARE_KIND_COUNTER, "net", "calls", NULL, NULL);
        page_builder_entry(&b, in)->help_string = page_builder_string(&b, "What came", 9);
        uint32_t first = page_builder_block(&b, 1, "one"), second = page_builder_block(&b, 2, "two");
        page_builder_count(&b, first, in, 1000);
        page_builder_count(&b, second, in, 234);
        page_builder_count(&b, second, out, UINT64_MAX);
        page_builder_count(&b, first, out, 7);
        page_builder_record(&b, first, timer, 50, 0);
        page_builder_control(&b, plain)->enabled = 0;
        page_builder_entry(&b, plain)->objects = 0;
        must_read(way, &b, 0, &view);
        assert_int_equal(view.timer_count, 1);
        assert_int_equal(view.timers[0].sums.total_ticks, 50);
        assert_int_equal(view.instrument_count, 3);
        const struct tare_page_instrument *i = view.instruments;
        assert_int_equal(i[0].kind, TARE_KIND_COUNTER);
        assert_int_equal(i[0].index, in);
        assert_string_equal(i[0].module, "net");
        assert_string_equal(i[0].name, "bytes");
        assert_string_equal(i[0].unit, "bytes");
        assert_string_equal(i[0].labels, "dir=in,if=eth0");
        assert_string_equal(i[0].help, "What came");
        assert_true(i[0].enabled && i[0].loaded && i[0].generation == 1);
        assert_int_equal(i[0].total, 1234);
        assert_string_equal(i[1].labels, "dir=out");
        assert_int_equal(i[1].total, 6); /* modulo 2^64 */
        assert_string_equal(i[2].unit, "");
        assert_string_equal(i[2].labels, "");
        assert_int_equal(i[2].total, 0);
        assert_false(i[2].enabled || i[2].loaded);
        assert_true(isnan(i[2].value) && isnan(i[2].peak) && i[2].buckets == NULL);
        tare_page_view_release(&view);
        page_builder_release(&b);
    }
}

/* Sums are modulo 2^64, so a thread may take away what another added; what is above 2^63 - 1 is not known. */
static void counters_below_zero_are_unknown(void **state)
{
    (void)state;
    static const uint64_t added[][3] = {
        {5, UINT64_MAX - 9, TARE_PAGE_COUNT_UNKNOWN}, /* 5 - 10 */
        {10, UINT64_MAX - 4, 5},                      /* 10 - 5 */
        {INT64_MAX, 0, INT64_MAX},
        {INT64_MAX, 1, TARE_PAGE_COUNT_UNKNOWN},
        {UINT64_MAX, 0, TARE_PAGE_COUNT_UNKNOWN},
        {UINT64_MAX, 1, 0},
    };
    enum { CASES = sizeof(added) / sizeof(added[0]) };
    for (enum ways way = 0; way < WAYS; way++) {
        struct page_builder b;
        struct tare_page_view view;
        page_builder_init(&b, CASES, 2, 0);
        uint32_t first = page_builder_block(&b, 1, "one"), second = page_builder_block(&b, 2, "two");
        for (uint32_t i = 0; i < CASES; i++) {
            page_builder_instrument(&b, TARE_KIND_COUNTER, "m", "c", NULL, NULL);
            page_builder_count(&b, first, i, added[i][0]);
            page_builder_count(&b, second, i, added[i][1]);
        }
        must_read(way, &b, 0, &view);
        for (uint32_t i = 0; i < CASES; i++) {
            assert_true(view.instruments[i].total == added[i][2]);
        }
        tare_page_view_release(&view);
        page_builder_release(&b);
    }
}

static void gauges_are_of_the_process(void **state)
{
    (void)state;
    for (enum ways way = 0; way < WAYS; way++) {
        struct page_builder b;
        struct tare_page_view view;
        page_builder_init(&b, 9, 1, 0);
        static const char *const names[] = {"never", "zero",   "negative", "unset",      "infinite",
                                            "reset", "behind", "minus 0",  "no infinity"};
        for (size_t i = 0; i < 9; i++) {
            page_builder_instrument(&b, TARE_KIND_GAUGE, "g", names[i], "bytes", NULL);
        }
        page_builder_gauge(&b, 1, 0.0, 0.0);
        page_builder_gauge(&b, 2, -2.5, 3.0);
        page_builder_gauge(&b, 3, (double)NAN, 9.0);
        page_builder_gauge(&b, 4, (double)INFINITY, (double)INFINITY);
        page_builder_gauge(&b, 5, 5.0, 50.0);
        page_builder_control(&b, 5)->generation = 2; /* the value stays, and is the peak now */
        page_builder_gauge(&b, 6, 7.0, 6.0);         /* between the two stores of one setting */
        page_builder_gauge(&b, 7, -0.0, -0.0);
        page_builder_gauge(&b, 8, (double)-INFINITY, 4.0);
        must_read(way, &b, 0, &view);
        const struct tare_page_instrument *i = view.instruments;
        assert_int_equal(view.instrument_count, 9);
        assert_true(isnan(i[0].value) && isnan(i[0].peak));
        assert_true(i[1].value == 0.0 && i[1].peak == 0.0);
        assert_true(i[2].value == -2.5 && i[2].peak == 3.0);
        assert_true(isnan(i[3].value) && i[3].peak == 9.0);
        assert_true(isnan(i[4].value) && isnan(i[4].peak));
        assert_true(i[5].value == 5.0 && i[5].peak == 5.0);
        assert_true(i[6].value == 7.0 && i[6].peak == 7.0);
        assert_true(i[7].value == 0.0 && !signbit(i[7].value) && i[7].peak == 0.0 && !signbit(i[7].peak));
        assert_true(isnan(i[8].value) && i[8].peak == 4.0);
        tare_page_view_release(&view);
        page_builder_release(&b);
    }
}

static void histograms_are_merged(void **state)
{
    (void)state;
    for (enum ways way = 0; way < WAYS; way++) {
        for (unsigned kept = 0; kept <= 1; kept++) {
            struct page_builder b;
            struct tare_page_view view;
            page_builder_init(&b, 3, 2, kept ? TARE_PAGE_HISTOGRAMS : 0);
            uint32_t sizes = page_builder_instrument(&b, TARE_KIND_HISTOGRAM, "io", "sizes", "bytes", NULL);
            uint32_t timer = page_builder_timer(&b, "m", "t", "m.c", 1);
            uint32_t first = page_builder_block(&b, 1, "one"), second = page_builder_block(&b, 2, "two");
            page_builder_record(&b, first, sizes, 4096, 0);
            page_builder_record(&b, second, sizes, 100, 0);
            page_builder_record(&b, second, sizes, 100000, 0);
            page_builder_record(&b, second, timer, 9, 0);
            must_read(way, &b, TARE_READ_HISTOGRAMS, &view);
            const struct tare_page_instrument *i = one(&view);
            assert_int_equal(i->sums.outermost, 3);
            assert_int_equal(i->sums.total_ticks, 104196);
            assert_int_equal(i->sums.min_ticks, 100);
            assert_int_equal(i->sums.max_ticks, 100000);
            assert_true((i->buckets != NULL) == (kept != 0));
            if (kept) {
                uint64_t expected[TARE_BUCKET_COUNT] = {0};
                expected[tare_bucket_of(100)] = expected[tare_bucket_of(4096)] = 1;
                expected[tare_bucket_of(100000)] = 1;
                assert_memory_equal(i->buckets, expected, sizeof(expected));
                assert_int_equal(view.timers[0].buckets[9], 1);
            }
            tare_page_view_release(&view);
            page_builder_release(&b);
        }
    }
}

static const char *const state_names[TARE_STATES_MAX] = {"idle",  "run",   "wait", "four", "five",   "six",
                                                         "seven", "eight", "nine", "ten",  "eleven", "twelve"};

static struct tare_state_slot *state_slot(const struct page_builder *b, uint32_t block, uint32_t instrument)
{
    struct tare_state_slot *slot = (void *)page_builder_slot(b, block, instrument);
    slot->generation = page_builder_control(b, instrument)->generation;
    return slot;
}

/* Four threads: in "run", in none, ended in "run", in the last of twelve. */
static void build_states(struct page_builder *b)
{
    page_builder_init(b, 2, 4, 0);
    b->header->clock = TARE_CLOCK_CLOCK;
    uint32_t i = page_builder_instrument(b, TARE_KIND_STATE, "vm", "phase", NULL, NULL);
    page_builder_names(b, i, state_names, TARE_STATES_MAX);
    for (uint32_t k = 0; k < 4; k++) {
        page_builder_block(b, 10 + k, "thread");
    }
    *state_slot(b, 0, i) = (struct tare_state_slot){
        .changes = 6, .since_ticks = 1000, .current = 2, .ticks = {100, 200}, .generation = 1};
    *state_slot(b, 1, i) =
        (struct tare_state_slot){.changes = 4, .since_ticks = 9, .ticks = {0, 0, 33}, .generation = 1};
    *state_slot(b, 2, i) =
        (struct tare_state_slot){.changes = 2, .since_ticks = 5, .current = 2, .ticks = {7}, .generation = 1};
    *state_slot(b, 3, i) = (struct tare_state_slot){
        .changes = 2, .since_ticks = 2000, .current = 12, .ticks_more = {0, 0, 0, 0, 44}, .generation = 1};
    page_builder_block_at(b, 2)->state = TARE_BLOCK_ENDED;
}

/* The same, thread by thread, as it stands in the slots. */
static void stays_are_those_of_threads(void **state)
{
    (void)state;
    for (enum ways way = 0; way < WAYS; way++) {
        struct page_builder b;
        struct tare_page_view view;
        build_states(&b);
        must_read(way, &b, TARE_READ_LIVE | TARE_READ_STAYS, &view);
        const struct tare_page_instrument *i = one(&view);
        assert_int_equal(i->stay_count, 4);
        assert_true(view.end_ticks == view.read_ticks);
        for (uint32_t k = 0; k < 4; k++) {
            assert_int_equal(view.threads[i->stays[k].thread].tid, 10 + k);
            assert_int_equal(i->stays[k].generation, 1);
            assert_int_equal(i->stays[k].known, k != 2); /* that one ended without a word */
        }
        assert_int_equal(i->stays[0].current, 2);
        assert_int_equal(i->stays[0].since_ticks, 1000);
        assert_int_equal(i->stays[0].changes, 3);
        assert_int_equal(i->stays[0].ticks[1], 200);
        assert_int_equal(i->stays[1].current, 0);
        assert_int_equal(i->stays[3].ticks[11], 44);
        tare_page_view_release(&view);
        page_builder_control(&b, 0)->switched++;
        state_slot(&b, 1, 0)->changes++; /* being changed, for ever */
        must_read(way, &b, TARE_READ_LIVE | TARE_READ_STAYS, &view);
        i = one(&view);
        assert_int_equal(i->switched, 1);
        assert_int_equal(i->stay_count, 3);
        assert_false(i->stays[0].known);
        assert_int_equal(view.threads[i->stays[2].thread].tid, 13);
        tare_page_view_release(&view);
        page_builder_release(&b);
    }
}

/* Nobody who does not ask for them has to have memory for them. */
static void stays_are_read_for_who_asks(void **state)
{
    (void)state;
    for (enum ways way = 0; way < WAYS; way++) {
        struct page_builder b;
        struct tare_page_view view;
        build_states(&b);
        must_read(way, &b, TARE_READ_LIVE | TARE_READ_HISTOGRAMS, &view);
        assert_int_equal(one(&view)->stay_count, 0);
        assert_false(one(&view)->stays_known);
        tare_page_view_release(&view);
        must_read(way, &b, TARE_READ_STAYS, &view);
        assert_int_equal(one(&view)->stay_count, 4);
        assert_true(one(&view)->stays_known && one(&view)->stays_left_out == 0);
        tare_page_view_release(&view);
        page_builder_release(&b);
    }
}

static void states_are_added_up(void **state)
{
    (void)state;
    for (enum ways way = 0; way < WAYS; way++) {
        struct page_builder b;
        struct tare_page_view view;
        build_states(&b);
        must_read(way, &b, 0, &view);
        const struct tare_page_instrument *i = one(&view);
        assert_int_equal(i->name_count, TARE_STATES_MAX);
        assert_string_equal(i->names[0], "idle");
        assert_string_equal(i->names[11], "twelve");
        assert_int_equal(i->state_ticks[0], 107);
        assert_int_equal(i->state_ticks[1], 200);
        assert_int_equal(i->state_ticks[2], 33);
        assert_int_equal(i->state_ticks[11], 44);
        assert_int_equal(i->state_threads[0], 0);
        assert_int_equal(i->state_threads[1], 1); /* not the one that has ended */
        assert_int_equal(i->state_threads[11], 1);
        assert_int_equal(i->state_changes, 7);
        assert_true(view.read_ticks == 0);
        tare_page_view_release(&view);

        uint64_t before = clock_raw_ns();
        must_read(way, &b, TARE_READ_LIVE, &view);
        uint64_t after = clock_raw_ns();
        i = one(&view);
        assert_in_range(view.read_ticks, before, after);
        assert_true(i->state_ticks[1] == 200 + view.read_ticks - 1000);
        assert_true(i->state_ticks[11] == 44 + view.read_ticks - 2000);
        assert_int_equal(i->state_ticks[2], 33);
        tare_page_view_release(&view);

        struct tare_control *control = page_builder_control(&b, 0);
        for (int pass = 0; pass < 2;
             pass++) { /* switched off, and on again: where they are since, nobody knows */
            control->enabled = (uint8_t)pass;
            control->switched++;
            must_read(way, &b, TARE_READ_LIVE, &view);
            i = one(&view);
            assert_int_equal(i->state_ticks[1], 200);
            assert_int_equal(i->state_ticks[11], 44);
            assert_int_equal(i->state_threads[1] + i->state_threads[11], 0);
            assert_int_equal(i->state_changes, 7);
            tare_page_view_release(&view);
        }
        state_slot(&b, 3, 0)->switched = control->switched; /* this one has said so */
        must_read(way, &b, TARE_READ_LIVE, &view);
        i = one(&view);
        assert_int_equal(i->state_threads[1], 0);
        assert_int_equal(i->state_threads[11], 1);
        assert_true(i->state_ticks[11] == 44 + view.read_ticks - 2000);
        tare_page_view_release(&view);
        control->switched = 0;
        state_slot(&b, 3, 0)->switched = 0;

        b.header->state = TARE_PAGE_EXITED; /* then they lasted until then, for those that had begun */
        b.header->last.ticks = 1500;
        must_read(way, &b, way == BY_PREAD ? 0 : TARE_READ_LIVE, &view);
        assert_int_equal(one(&view)->state_ticks[1], 700);
        assert_int_equal(one(&view)->state_ticks[11], 44);
        tare_page_view_release(&view);
        page_builder_release(&b);
    }
}

/* A thread that died in the middle of it leaves its sequence odd for good. */
static void states_that_stay_odd_are_left_out(void **state)
{
    (void)state;
    for (enum ways way = 0; way < WAYS; way++) {
        struct page_builder b;
        struct tare_page_view view;
        build_states(&b);
        state_slot(&b, 0, 0)->changes = 7;
        state_slot(&b, 3, 0)->current = 13; /* there is none */
        must_read(way, &b, TARE_READ_LIVE, &view);
        const struct tare_page_instrument *i = one(&view);
        assert_int_equal(i->state_ticks[0], 7);
        assert_int_equal(i->state_ticks[1], 0);
        assert_int_equal(i->state_threads[1], 0);
        assert_int_equal(i->state_threads[11], 0);
        assert_int_equal(i->state_ticks[11], 44);
        assert_int_equal(i->state_changes, 4);
        tare_page_view_release(&view);
        page_builder_release(&b);
    }
}

static void keys_of_all_threads_are_merged(void **state)
{
    (void)state;
    for (enum ways way = 0; way < WAYS; way++) {
        struct page_builder b;
        struct tare_page_view view;
        page_builder_init(&b, 2, 3, 0);
        uint32_t i = page_builder_instrument(&b, TARE_KIND_TOPK, "jit", "hot", "samples", NULL);
        page_builder_entry(&b, i)->size = 4;
        uint32_t first = page_builder_block(&b, 1, "one"), second = page_builder_block(&b, 2, "two");
        uint32_t third = page_builder_block(&b, 3, "three");
        page_builder_topk(&b, first, i, 4);
        page_builder_topk(&b, second, i, 4);
        page_builder_key(&b, first, i, &(struct tare_topk_entry){.key = 0xa, .weight = 100, .hits = 10});
        page_builder_key(&b, first, i, &(struct tare_topk_entry){.key = 0xb, .weight = 30, .hits = 3});
        page_builder_key(&b, second, i, &(struct tare_topk_entry){.key = 0xb, .weight = 90, .hits = 9});
        page_builder_key(&b, second, i, &(struct tare_topk_entry){.key = 0xc, .weight = 5, .hits = 1});
        page_builder_key(&b, second, i, /* being written: left out */
                         &(struct tare_topk_entry){.key = 0xd, .weight = 500, .hits = 1, .sequence = 3});
        struct tare_topk_slot *without = (void *)page_builder_slot(&b, third, i); /* there was no room for it */
        *without = (struct tare_topk_slot){.weight = 10, .hits = 2, .generation = 1};
        must_read(way, &b, 0, &view);
        const struct tare_page_instrument *topk = one(&view);
        assert_int_equal(topk->size, 4);
        assert_int_equal(topk->total, 735);
        assert_int_equal(topk->hits, 26);
        assert_int_equal(topk->key_count, 3);
        assert_int_equal(topk->keys[0].key, 0xb);
        assert_int_equal(topk->keys[0].weight,
                         130); /* of it, 10 may be in the third thread, which has no table */
        assert_int_equal(topk->keys[0].error, 10);
        assert_int_equal(topk->keys[0].hits, 12);
        assert_int_equal(topk->keys[1].key, 0xa);
        assert_int_equal(topk->keys[1].weight, 115); /* and 5 what passed while we looked */
        assert_int_equal(topk->keys[1].weight - topk->keys[1].error, 100);
        assert_int_equal(topk->least_weight, 15);
        assert_int_equal(topk->keys[2].key, 0xc);
        for (size_t k = 0; k < topk->key_count; k++) {
            assert_true(topk->keys[k].error <= topk->keys[k].weight);
        }
        tare_page_view_release(&view);
        page_builder_release(&b);
    }
}

static void frames_come_oldest_first(void **state)
{
    (void)state;
    for (enum ways way = 0; way < WAYS; way++) {
        struct page_builder b;
        struct tare_page_view view;
        static const char *const parts[] = {"cpu", "gpu"};
        page_builder_init(&b, 2, 1, 0); /* without histograms of scopes: frames have their own */
        uint32_t i = page_builder_instrument(&b, TARE_KIND_FRAMES, "view", "main", NULL, NULL);
        page_builder_names(&b, i, parts, 2);
        page_builder_entry(&b, i)->size = 8;
        struct tare_frame_ring *ring = page_builder_frames(&b, i, 8, 2);
        ring->slow_ticks = 5000;
        ring->dropped = 3;
        for (uint64_t n = 0; n < 20; n++) {
            uint64_t part[2] = {100 + n, n % 2 == 0 ? UINT64_MAX : 50};
            page_builder_frame(ring, 10000 * n, n % 5 == 4 ? 9000 + n : 1000 + n, part);
        }
        must_read(way, &b, TARE_READ_HISTOGRAMS, &view);
        const struct tare_page_instrument *frames = one(&view);
        const struct tare_page_frames *f = &frames->frames;
        assert_int_equal(f->frames, 20);
        assert_int_equal(f->dropped, 3);
        assert_int_equal(f->slow, 4);
        assert_int_equal(f->slow_ticks, 5000);
        assert_int_equal(f->last_count, 8);
        for (size_t n = 0; n < 8; n++) {
            assert_int_equal(f->last[n].number, 12 + n);
            assert_int_equal(f->last[n].start_ticks, 10000 * (12 + n));
            assert_int_equal(f->last[n].part_ticks[0], 112 + n);
            assert_true(f->last[n].part_ticks[1] == (n % 2 == 0 ? UINT64_MAX : 50));
            assert_true(f->last[n].part_ticks[2] == UINT64_MAX);
            assert_true(f->last[n].slow == ((12 + n) % 5 == 4));
        }
        assert_int_equal(f->slowest_count, 2);
        assert_int_equal(f->slowest[0].number, 14);
        assert_int_equal(f->slowest[1].number, 19);
        assert_int_equal(f->part_frames[0], 20);
        assert_int_equal(f->part_frames[1], 10);
        assert_int_equal(f->part_ticks[1], 500);
        assert_int_equal(frames->sums.outermost, 20);
        assert_int_equal(frames->sums.min_ticks, 1000);
        assert_int_equal(frames->sums.max_ticks, 9019);
        assert_non_null(frames->buckets);
        uint64_t sum = 0;
        for (size_t n = 0; n < TARE_BUCKET_COUNT; n++) {
            sum += frames->buckets[n];
        }
        assert_int_equal(sum, 20);
        assert_int_equal(f->open_ticks, 0);
        tare_page_view_release(&view);

        /* After a reset, numbers go on. */
        struct tare_frame_record *records = (void *)((unsigned char *)ring + ring->records_offset);
        ring->base = 1000;
        ring->frames = 3;
        ring->open_ticks = 77;
        for (uint64_t n = 0; n < 3; n++) {
            records[n].sequence = 2 * (1000 + n + 1);
        }
        records[1].sequence = 2 * (1 + 1); /* as a reset left it: of before */
        must_read(way, &b, 0, &view);
        f = &one(&view)->frames;
        assert_int_equal(f->frames, 3);
        assert_int_equal(f->base, 1000);
        assert_int_equal(f->last_count, 2);
        assert_int_equal(f->last[0].number, 1000);
        assert_int_equal(f->last[1].number, 1002);
        assert_int_equal(f->open_ticks, 77);
        tare_page_view_release(&view);

        page_builder_control(&b, i)->switched = 1; /* since that one began */
        must_read(way, &b, 0, &view);
        assert_int_equal(one(&view)->frames.open_ticks, 0);
        tare_page_view_release(&view);
        ring->base = UINT64_MAX; /* no number comes after that */
        must_read(way, &b, 0, &view);
        assert_int_equal(one(&view)->frames.frames, 0);
        assert_int_equal(one(&view)->frames.last_count, 0);
        tare_page_view_release(&view);
        page_builder_release(&b);
    }
}

/* While a ring is read, its writer goes on: what is being written, or is of a later frame, is left out. */
static void frames_being_written_are_left_out(void **state)
{
    (void)state;
    for (enum ways way = 0; way < WAYS; way++) {
        struct page_builder b;
        struct tare_page_view view;
        static const char *const parts[] = {"cpu"};
        page_builder_init(&b, 1, 1, 0);
        uint32_t i = page_builder_instrument(&b, TARE_KIND_FRAMES, "view", "main", NULL, NULL);
        page_builder_names(&b, i, parts, 1);
        struct tare_frame_ring *ring = page_builder_frames(&b, i, 4, 4);
        ring->slow_ticks = 1;
        const uint64_t part[1] = {1};
        for (uint64_t n = 0; n < 6; n++) {
            page_builder_frame(ring, n, 100, part);
        }
        struct tare_frame_record *records = (void *)((unsigned char *)ring + ring->records_offset);
        struct tare_frame_record *slow = (void *)((unsigned char *)ring + ring->slow_offset);
        records[2].sequence = 2 * (6 + 1); /* frame 6 has come meanwhile, in the place of 2 */
        records[3].sequence++;             /* and 7 is being written */
        slow[2].sequence = 2 * (6 + 1);
        must_read(way, &b, 0, &view);
        const struct tare_page_frames *f = &one(&view)->frames;
        assert_int_equal(f->last_count, 2);
        assert_int_equal(f->last[0].number, 4);
        assert_int_equal(f->last[1].number, 5);
        assert_int_equal(f->slowest_count, 3);
        assert_int_equal(f->slowest[0].number, 3);
        tare_page_view_release(&view);
        page_builder_release(&b);
    }
}

static void counts_of_another_generation_are_void(void **state)
{
    (void)state;
    for (enum ways way = 0; way < WAYS; way++) {
        struct page_builder b;
        struct tare_page_view view;
        page_builder_init(&b, 6, 1, TARE_PAGE_HISTOGRAMS);
        uint32_t block = page_builder_block(&b, 1, "one");
        uint32_t counter = page_builder_instrument(&b, TARE_KIND_COUNTER, "m", "counter", NULL, NULL);
        uint32_t histogram = page_builder_instrument(&b, TARE_KIND_HISTOGRAM, "m", "histogram", NULL, NULL);
        uint32_t states = page_builder_instrument(&b, TARE_KIND_STATE, "m", "states", NULL, NULL);
        uint32_t topk = page_builder_instrument(&b, TARE_KIND_TOPK, "m", "topk", NULL, NULL);
        uint32_t frames = page_builder_instrument(&b, TARE_KIND_FRAMES, "m", "frames", NULL, NULL);
        page_builder_entry(&b, topk)->size = 4;
        page_builder_names(&b, states, state_names, 2);
        page_builder_count(&b, block, counter, 5);
        page_builder_record(&b, block, histogram, 5, 0);
        *state_slot(&b, block, states) =
            (struct tare_state_slot){.changes = 2, .current = 1, .ticks = {9}, .generation = 1};
        page_builder_topk(&b, block, topk, 4);
        page_builder_key(&b, block, topk, &(struct tare_topk_entry){.key = 1, .weight = 1, .hits = 1});
        struct tare_frame_ring *ring = page_builder_frames(&b, frames, 4, 4);
        ring->slow_ticks = 77;
        page_builder_frame(ring, 1, 100, NULL);
        for (uint32_t i = 0; i < 5; i++) {
            page_builder_control(&b, i)->generation = 2;
        }
        must_read(way, &b, TARE_READ_HISTOGRAMS, &view);
        const struct tare_page_instrument *i = view.instruments;
        assert_int_equal(i[counter].total, 0);
        assert_int_equal(i[histogram].sums.calls, 0);
        assert_int_equal(i[histogram].buckets[5], 0);
        assert_int_equal(i[states].state_ticks[0] + i[states].state_changes, 0);
        assert_int_equal(i[states].state_threads[0], 1); /* it is in that state, nevertheless */
        assert_int_equal(i[topk].total + i[topk].hits + i[topk].key_count, 0);
        assert_int_equal(i[frames].frames.frames + i[frames].frames.last_count + i[frames].sums.calls, 0);
        assert_int_equal(i[frames].frames.slow_ticks, 77); /* a setting */
        tare_page_view_release(&view);
        page_builder_release(&b);
    }
}

/* What a program declares, what stands in its page, and what a reader makes of a page that says the former. */
static const struct {
    const char *said, *written, *read; /* read NULL: as written */
} label_forms[] = {
    {"", "", NULL},
    {"a=", "a=", NULL},
    {"a=b", "a=b", NULL},
    {"y=1,x=2", "x=2,y=1", NULL},
    {"x=2,y=1", "x=2,y=1", NULL},
    {"a1=1,a_=2,a=3,A=4,_=5", "A=4,_=5,a=3,a1=1,a_=2", NULL},
    {"_a9=x=y", "_a9=x=y", NULL},
    {"b=\"q\" w,a=%2C", "a=%2C,b=\"q\" w", NULL},
    {"dir=\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "dir=\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", NULL},
    {"a", "labels=a", NULL},
    {"labels", "labels=labels", NULL},
    {"labels=a", "labels=labels=a", "labels=a"},
    {"x=1,labels=a", "labels=x=1%2Clabels=a", "labels=a,x=1"},
    {"Labels=a", "Labels=a", NULL},
    {",", "labels=%2C", NULL},
    {"=b", "labels==b", NULL},
    {"9a=b", "labels=9a=b", NULL},
    {"a=b,", "labels=a=b%2C", NULL},
    {",a=b", "labels=%2Ca=b", NULL},
    {"a=b,,c=d", "labels=a=b%2C%2Cc=d", NULL},
    {"a=b,c", "labels=a=b%2Cc", NULL},
    {"a=b%2Cc", "a=b%2Cc", NULL},
    {"a-b=c", "labels=a-b=c", NULL},
    {"a=b, c=d", "labels=a=b%2C c=d", NULL},
    {"a=1,a=2", "labels=a=1%2Ca=2", NULL},
    {"50%", "labels=50%25", NULL},
    {"\xc3\xa4=1", "labels=\xc3\xa4=1", NULL},
    {"a=\x01", "labels=a=%01", "a=?"},
    {"a=\xff", "labels=a=%FF", "a=?"},
    {"a=\xc3", "labels=a=%C3", "a=?"},
    {"a=\xc2\x85", "labels=a=%C2%85", "a=??"},
    {"p=0,o=0,n=0,m=0,l=0,k=0,j=0,i=0,h=0,g=0,f=0,e=0,d=0,c=0,b=0,a=0",
     "a=0,b=0,c=0,d=0,e=0,f=0,g=0,h=0,i=0,j=0,k=0,l=0,m=0,n=0,o=0,p=0", NULL},
    {"a=0,b=0,c=0,d=0,e=0,f=0,g=0,h=0,i=0,j=0,k=0,l=0,m=0,n=0,o=0,p=0,q=0",
     "labels=a=0%2Cb=0%2Cc=0%2Cd=0%2Ce=0%2Cf=0%2Cg=0%2Ch=0%2Ci=0%2Cj=0%2Ck=0%2Cl=0%2Cm=0%2Cn=0%2Co=0%2Cp=0%2Cq="
     "0",
     NULL},
};
enum { LABEL_FORMS = sizeof(label_forms) / sizeof(label_forms[0]) };

static void labels_have_one_form(void **state)
{
    (void)state;
    char normal[TARE__LABELS_BYTES + 1];
    for (size_t i = 0; i < LABEL_FORMS; i++) {
        tare__labels_normal(normal, label_forms[i].said, strlen(label_forms[i].said), true);
        assert_string_equal(normal, label_forms[i].written);
        assert_true(tare__labels_valid(normal));
        const char *said = label_forms[i].said;
        assert_int_equal(tare__labels_valid(said),
                         strcmp(said, label_forms[i].read != NULL ? label_forms[i].read : normal) == 0);
    }
    struct page_builder b;
    struct tare_page_view view;
    page_builder_init(&b, LABEL_FORMS, 1, 0);
    for (size_t i = 0; i < LABEL_FORMS; i++) {
        page_builder_instrument(&b, TARE_KIND_COUNTER, "m", "c", "x", label_forms[i].said);
    }
    must_read(BY_PREAD, &b, 0, &view);
    assert_int_equal(view.instrument_count, LABEL_FORMS);
    for (size_t i = 0; i < LABEL_FORMS; i++) {
        const char *read = label_forms[i].read != NULL ? label_forms[i].read : label_forms[i].written;
        assert_string_equal(view.instruments[i].labels, read);
    }
    tare_page_view_release(&view);
    page_builder_release(&b);
}

/* Text that is too long is cut, and what was cut off still tells it from others. */
static void labels_that_are_too_long_stay_apart(void **state)
{
    (void)state;
    enum { LONGEST = 3000 };
    char text[LONGEST + 1], normal[TARE__LABELS_BYTES + 1], other[TARE__LABELS_BYTES + 1];
    static const char *const units[] = {"a", ",", "\xe2\x82\xac", "\xff"};
    for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
        size_t size = strlen(units[u]);
        for (size_t length = 900; length <= LONGEST; length += length < 1100 ? 1 : 317) {
            memcpy(text, "a=", 2);
            for (size_t at = 2; at < length; at++) {
                text[at] = units[u][(at - 2) % size];
            }
            tare__labels_normal(normal, text, length, true);
            assert_true(strlen(normal) <= TARE__LABELS_BYTES);
            assert_true(tare__labels_valid(normal));
            if (u != 2) { /* of which some are cut within */
                assert_int_equal(strncmp(normal, "a=", 2) == 0, u == 0 && length <= TARE__LABELS_BYTES);
            }
            text[length - 1] ^= 1;
            tare__labels_normal(other, text, length, true);
            assert_string_not_equal(normal, other);
        }
    }
}

/*
 * Each of these is one thing that no page in order has. A table or a ring that is wrong is not there; names
 * that are refuse the page.
 */
static void damage_is_left_out_or_refused(void **state)
{
    (void)state;
    enum { CASES = 16 };
    for (enum ways way = 0; way < WAYS; way++) {
        for (int k = 0; k < CASES; k++) {
            struct page_builder b;
            struct tare_page_view view;
            static const char *const parts[] = {"cpu"};
            page_builder_init(&b, 4, 2, 0);
            uint32_t block = page_builder_block(&b, 1, "one");
            uint32_t topk = page_builder_instrument(&b, TARE_KIND_TOPK, "m", "topk", NULL, NULL);
            uint32_t frames = page_builder_instrument(&b, TARE_KIND_FRAMES, "m", "frames", NULL, NULL);
            uint32_t states = page_builder_instrument(&b, TARE_KIND_STATE, "m", "states", NULL, NULL);
            page_builder_entry(&b, topk)->size = 4;
            page_builder_names(&b, states, state_names, 3);
            page_builder_names(&b, frames, parts, 1);
            struct tare_topk *table = page_builder_topk(&b, block, topk, 4);
            struct tare_frame_ring *ring = page_builder_frames(&b, frames, 4, 4);
            page_builder_key(&b, block, topk, &(struct tare_topk_entry){.key = 1, .weight = 9, .hits = 1});
            page_builder_frame(ring, 1, 100, &(const uint64_t){1});
            struct tare_topk_slot *slot = (void *)page_builder_slot(&b, block, topk);
            struct tare_cell *cell = page_builder_cell(&b, frames);
            switch (k) {
            case 1:
                slot->table_offset = b.header->extras_offset - 8;
                break;
            case 2:
                slot->table_offset += 4;
                break;
            case 3:
                slot->table_size = UINT64_MAX;
                break;
            case 4:
                table->capacity = TARE_TOPK_MAX + 1;
                break;
            case 5:
                table->capacity = 5;
                break; /* one more than there is room for */
            case 6:
                table->entry_stride = 32;
                break;
            case 7:
                cell->extra_offset = b.header->extras_offset + b.header->extras_size;
                break;
            case 8:
                cell->extra_size = 255;
                break;
            case 9:
                ring->capacity = 3;
                break;
            case 10:
                ring->capacity = 1 << 10;
                break;
            case 11:
                ring->record_stride = 88;
                break;
            case 12:
                ring->buckets_offset += 8;
                break;
            case 13:
                ring->slow_offset = 128;
                break; /* in the ring's head */
            case 14:
                page_builder_entry(&b, states)->name_count = 13;
                break;
            case 15:
                page_builder_entry(&b, states)->names_string = (uint32_t)b.header->strings_used - 1;
                break;
            default:
                break; /* in order */
            }
            int error = read_by(way, &b, TARE_READ_HISTOGRAMS, &view);
            bool names = k == 14 || k == 15;
            if (error != (names ? -EINVAL : 0) || (names && strncmp(message, "page is damaged: ", 17) != 0)) {
                fail_msg("case %d gives %d '%s'", k, error, message);
            }
            if (!names) {
                const struct tare_page_instrument *i = view.instruments;
                assert_int_equal(i[topk].total, 9);
                assert_int_equal(i[topk].key_count, k >= 1 && k <= 6 ? 0 : 1);
                assert_int_equal(i[topk].least_weight, k >= 1 && k <= 6 ? 9 : 0);
                assert_int_equal(i[frames].frames.last_count, k >= 7 && k <= 13 ? 0 : 1);
                assert_int_equal(i[frames].frames.frames, k >= 7 && k <= 13 ? 0 : 1);
            }
            tare_page_view_release(&view);
            page_builder_release(&b);
        }
    }
}

/* Many slots that name the same table would have us read it for each. */
static void tables_do_not_overlap(void **state)
{
    (void)state;
    struct page_builder b;
    struct tare_page_view view;
    enum { INSTRUMENTS = 64, BLOCKS = 64 };
    page_builder_init(&b, INSTRUMENTS, BLOCKS, 0);
    uint64_t offset = page_builder_extra(&b, 64 + 400 * sizeof(struct tare_topk_entry));
    struct tare_topk *table = (void *)(b.bytes + offset);
    *table = (struct tare_topk){.capacity = 400, .used = 400, .entry_stride = sizeof(struct tare_topk_entry)};
    for (size_t i = 0; i < 400; i++) {
        ((struct tare_topk_entry *)(void *)(table + 1))[i] = (struct tare_topk_entry){.key = i, .weight = 1};
    }
    for (uint32_t k = 0; k < BLOCKS; k++) {
        page_builder_block(&b, k + 1, "thread");
    }
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        page_builder_instrument(&b, TARE_KIND_TOPK, "m", "t", NULL, NULL);
        page_builder_entry(&b, i)->size = 400;
        for (uint32_t k = 0; k < BLOCKS; k++) {
            struct tare_topk_slot *slot = (void *)page_builder_slot(&b, k, i);
            *slot = (struct tare_topk_slot){.table_offset = offset,
                                            .table_size = 64 + 400 * sizeof(struct tare_topk_entry),
                                            .generation = 1};
        }
    }
    must_read(BY_PREAD, &b, 0, &view);
    unsigned with_keys = 0;
    for (size_t i = 0; i < INSTRUMENTS; i++) {
        with_keys += view.instruments[i].key_count != 0;
    }
    assert_in_range(with_keys, 0, 4); /* some 64 KiB were read */
    tare_page_view_release(&view);
    page_builder_release(&b);
}

/* Slots in holes are not read, and those behind them are; a file that ends too early is none the less short. */
static void holes_are_passed_over(void **state)
{
    (void)state;
    enum { INSTRUMENTS = 9000, BLOCKS = 2, PAGE = 4096 };
    struct page_builder b;
    struct tare_page_view view;
    page_builder_init(&b, INSTRUMENTS, BLOCKS, 0);
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        page_builder_instrument(&b, TARE_KIND_COUNTER, "m", "c", NULL, NULL);
    }
    for (uint32_t k = 0; k < BLOCKS; k++) {
        page_builder_block(&b, k + 1, "thread");
    }
    page_builder_count(&b, 0, 0, 3);
    page_builder_count(&b, 0, 5000, 4);
    page_builder_count(&b, 0, INSTRUMENTS - 1, 5);
    page_builder_count(&b, 1, 5001, 6);
    int fd = memfd_create("holes", MFD_CLOEXEC);
    assert_true(fd >= 0 && ftruncate(fd, (off_t)b.size) == 0);
    static const unsigned char zeros[PAGE];
    for (size_t at = 0; at < b.size; at += PAGE) {
        size_t size = b.size - at < PAGE ? b.size - at : PAGE;
        if (memcmp(b.bytes + at, zeros, size) != 0) {
            assert_int_equal(pwrite(fd, b.bytes + at, size, (off_t)at), (ssize_t)size);
        }
    }
    struct tare_page_source source = {.fd = fd, .limit = b.size};
    assert_int_equal(tare_page_read(&source, 0, &view, message, sizeof(message)), 0);
    assert_int_equal(view.instrument_count, INSTRUMENTS);
    uint64_t sum = 0;
    for (size_t i = 0; i < INSTRUMENTS; i++) {
        sum += view.instruments[i].total;
    }
    assert_int_equal(sum, 18);
    assert_int_equal(view.instruments[0].total, 3);
    assert_int_equal(view.instruments[5000].total, 4);
    assert_int_equal(view.instruments[5001].total, 6);
    assert_int_equal(view.instruments[INSTRUMENTS - 1].total, 5);
    tare_page_view_release(&view);

    const unsigned char *late = (const void *)page_builder_slot(&b, 1, 7000); /* in a hole */
    assert_int_equal(ftruncate(fd, (off_t)(late - (const unsigned char *)b.bytes)), 0);
    assert_int_equal(tare_page_read(&source, 0, &view, message, sizeof(message)), -EINVAL);
    tare_page_view_release(&view);
    close(fd);
    page_builder_release(&b);
}

static unsigned switched_in(int fd, const struct page_builder *b, uint32_t index)
{
    uint16_t switched;
    uint64_t at =
        b->header->control_offset + index * b->header->control_stride + offsetof(struct tare_control, switched);
    assert_int_equal(pread(fd, &switched, sizeof(switched), (off_t)at), sizeof(switched));
    return switched;
}

/* What is added while a reader is open comes with the next reading; earlier views stay what they were. */
static void reader_sees_what_comes_in_addition(void **state)
{
    (void)state;
    struct page_builder b;
    page_builder_init(&b, 4, 1, 0);
    uint32_t block = page_builder_block(&b, 1, "one");
    uint32_t first = page_builder_instrument(&b, TARE_KIND_COUNTER, "m", "first", NULL, NULL);
    page_builder_count(&b, block, first, 1);
    int fd = page_builder_sealed_file(&b);
    struct tare_page_source source = {.fd = fd, .limit = b.size};
    struct tare_page_reader *reader = tare_page_reader_open(&source);
    struct tare_page_view before, after, last;
    assert_non_null(reader);
    assert_int_equal(tare_page_reader_read(reader, 0, &before, message, sizeof(message)), 0);
    uint32_t second = page_builder_instrument(&b, TARE_KIND_COUNTER, "m", "second", NULL, NULL);
    page_builder_count(&b, block, first, 1);
    page_builder_count(&b, block, second, 20);
    page_builder_entry(&b, first)->objects = 0;
    assert_int_equal(pwrite(fd, b.bytes, b.size, 0), (ssize_t)b.size);
    assert_int_equal(tare_page_reader_read(reader, 0, &after, message, sizeof(message)), 0);
    assert_int_equal(after.instrument_count, 2);
    assert_int_equal(after.instruments[0].total, 2);
    assert_false(after.instruments[0].loaded);
    assert_string_equal(after.instruments[1].name, "second");
    assert_int_equal(after.instruments[1].total, 20);

    assert_int_equal(tare_page_switch(&source, &after.header, second, true), 0); /* it is */
    assert_int_equal(switched_in(fd, &b, second), 0);
    assert_int_equal(tare_page_switch(&source, &after.header, second, false), 0);
    assert_int_equal(switched_in(fd, &b, second), 1);
    assert_int_equal(tare_page_switch(&source, &after.header, second, true), 0);
    assert_int_equal(tare_page_switch(&source, &after.header, second, false), 0);
    assert_int_equal(switched_in(fd, &b, second), 3);
    assert_int_equal(tare_page_reset(&source, &after.header, first), 0);
    assert_int_equal(tare_page_reset(&source, &after.header, 2), -EINVAL);
    assert_int_equal(tare_page_switch(&source, &after.header, 2, false), -EINVAL);
    assert_int_equal(tare_page_reader_read(reader, 0, &last, message, sizeof(message)), 0);
    assert_int_equal(last.instruments[0].generation, 2);
    assert_int_equal(last.instruments[0].total, 0);
    assert_true(last.instruments[0].enabled);
    assert_false(last.instruments[1].enabled);
    assert_int_equal(last.instruments[1].total, 20);

    b.header->version++; /* damage between two readings is an error of one of them */
    assert_int_equal(pwrite(fd, b.bytes, 4096, 0), 4096);
    struct tare_page_view none;
    assert_int_equal(tare_page_reader_read(reader, 0, &none, message, sizeof(message)), -ENOTSUP);
    tare_page_view_release(&none);
    tare_page_reader_close(reader);
    assert_int_equal(before.instrument_count, 1);
    assert_string_equal(before.instruments[0].name, "first");
    assert_true(before.instruments[0].loaded);
    tare_page_view_release(&after);
    tare_page_view_release(&before);
    tare_page_view_release(&last);
    tare_page_reader_close(NULL);
    close(fd);
    page_builder_release(&b);
}

/* Whoever reads a hole through a mapping fills it, in the name of the measured program. */
static void reading_takes_no_memory(void **state)
{
    (void)state;
    struct page_builder b;
    page_builder_init(&b, 2000, 4, TARE_PAGE_HISTOGRAMS);
    for (uint32_t i = 0; i < 2000; i++) {
        page_builder_instrument(&b, i % 2 == 0 ? TARE_KIND_COUNTER : TARE_KIND_GAUGE, "m", "i", NULL, NULL);
    }
    for (uint32_t k = 0; k < 4; k++) {
        page_builder_block(&b, k + 1, "thread");
        page_builder_count(&b, k, 1000 + k, 1); /* in the middle; all before and behind is a hole */
    }
    int fd = page_builder_sealed_file(&b);
    struct stat old, now;
    assert_int_equal(fstat(fd, &old), 0);
    struct tare_page_source source = {.fd = fd, .limit = b.size};
    struct tare_page_reader *reader = tare_page_reader_open(&source);
    assert_non_null(reader);
    for (int round = 0; round < 3; round++) {
        struct tare_page_view view;
        assert_int_equal(tare_page_reader_read(reader, TARE_READ_HISTOGRAMS, &view, message, sizeof(message)),
                         0);
        assert_int_equal(view.instruments[1000].total, 1);
        assert_int_equal(view.instruments[1002].total, 1);
        tare_page_view_release(&view);
    }
    tare_page_reader_close(reader);
    assert_int_equal(fstat(fd, &now), 0);
    assert_int_equal(now.st_blocks, old.st_blocks);
    close(fd);
    page_builder_release(&b);
}

/* A memfd that is not sealed may be cut short at any time: that is an error, and no SIGBUS. */
static void page_that_shrinks_gives_an_error(void **state)
{
    (void)state;
    struct page_builder b;
    page_builder_init(&b, 2, 1, 0);
    page_builder_count(&b, page_builder_block(&b, 1, "one"),
                       page_builder_instrument(&b, TARE_KIND_COUNTER, "m", "c", NULL, NULL), 1);
    int fd = page_builder_file(&b, 0, b.size);
    struct tare_page_source source = {.fd = fd, .limit = b.size};
    struct tare_page_reader *reader = tare_page_reader_open(&source);
    struct tare_page_view view;
    assert_non_null(reader);
    assert_int_equal(tare_page_reader_read(reader, 0, &view, message, sizeof(message)), 0);
    tare_page_view_release(&view);
    assert_int_equal(ftruncate(fd, (off_t)b.header->blocks_offset), 0);
    assert_int_equal(tare_page_reader_read(reader, 0, &view, message, sizeof(message)), -EINVAL);
    assert_memory_equal(message, "page is cut short: ", 19);
    tare_page_view_release(&view);
    tare_page_reader_close(reader);
    close(fd);
    page_builder_release(&b);
}

/* The generation is never 0, also where the page cannot be mapped; and one at a time switches. */
static void resets_and_locks(void **state)
{
    (void)state;
    for (int sealed = 0; sealed <= 1; sealed++) {
        struct page_builder b;
        page_builder_init(&b, 2, 1, 0);
        page_builder_instrument(&b, TARE_KIND_COUNTER, "m", "a", NULL, NULL);
        page_builder_control(&b, 0)->generation = UINT32_MAX;
        int fd = sealed ? page_builder_sealed_file(&b) : page_builder_file(&b, 0, b.size);
        struct tare_page_source source = {.fd = fd, .limit = b.size};
        struct tare_page_view view;
        assert_int_equal(tare_page_reset(&source, b.header, 0), 0);
        assert_int_equal(tare_page_read(&source, 0, &view, message, sizeof(message)), 0);
        assert_int_equal(one(&view)->generation, 1);
        tare_page_view_release(&view);

        char path[64];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        struct tare_page_source other = {.fd = open(path, O_RDWR | O_CLOEXEC), .limit = b.size};
        assert_true(other.fd >= 0);
        assert_int_equal(tare_page_lock(&source, b.header), 0);
        assert_int_equal(tare_page_lock(&source, b.header), 0);
        assert_int_equal(tare_page_lock(&other, b.header), -EBUSY);
        tare_page_unlock(&source, b.header);
        assert_int_equal(tare_page_lock(&other, b.header), 0);
        assert_int_equal(tare_page_lock(&source, b.header), -EBUSY);
        close(other.fd);
        assert_int_equal(tare_page_lock(&source, b.header), 0);
        close(fd);

        int readable = open("/dev/null", O_RDONLY | O_CLOEXEC);
        struct tare_page_source null = {.fd = readable};
        assert_int_equal(tare_page_switch(&null, b.header, 0, true), -EIO);
        assert_int_equal(tare_page_reset(&null, b.header, 0), -EIO);
        close(readable);
        page_builder_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_are_summed),
        cmocka_unit_test(counters_below_zero_are_unknown),
        cmocka_unit_test(gauges_are_of_the_process),
        cmocka_unit_test(histograms_are_merged),
        cmocka_unit_test(states_are_added_up),
        cmocka_unit_test(stays_are_those_of_threads),
        cmocka_unit_test(stays_are_read_for_who_asks),
        cmocka_unit_test(states_that_stay_odd_are_left_out),
        cmocka_unit_test(keys_of_all_threads_are_merged),
        cmocka_unit_test(frames_come_oldest_first),
        cmocka_unit_test(frames_being_written_are_left_out),
        cmocka_unit_test(counts_of_another_generation_are_void),
        cmocka_unit_test(labels_have_one_form),
        cmocka_unit_test(labels_that_are_too_long_stay_apart),
        cmocka_unit_test(damage_is_left_out_or_refused),
        cmocka_unit_test(tables_do_not_overlap),
        cmocka_unit_test(holes_are_passed_over),
        cmocka_unit_test(reader_sees_what_comes_in_addition),
        cmocka_unit_test(reading_takes_no_memory),
        cmocka_unit_test(page_that_shrinks_gives_an_error),
        cmocka_unit_test(resets_and_locks),
    };
    return cmocka_run_group_tests_name("reader_kinds", tests, NULL, NULL);
}
