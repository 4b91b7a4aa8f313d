/* SPDX-License-Identifier: MIT */
/*
 * A page of all kinds, read again and again while threads count as fast as they can: what is counted only grows
 * from one reading to the next, keys weigh at least what they weighed for sure, frames come in their order; and
 * when the threads have stopped, each figure is exact. By a reader that maps the page, and by pread.
 */
#include <pthread.h>

#include <tare/frame.h>

#include "record/switch.h"
#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_COUNTER(counter, "bytes", "way=out");
TARE_GAUGE(gauge);
TARE_HISTOGRAM(histogram);
TARE_STATE(state, "one", "two", "three");
TARE_TOPK(topk, 16);
TARE_FRAMES(frames, 64, "part");

enum { THREADS = 3, READINGS = 60, KEYS = 40 };
enum { COUNTER, GAUGE, HISTOGRAM, STATE, TOPK, FRAMES, KINDS };

static unsigned stop;
static uint64_t done[THREADS]; /* rounds */

static void *count(void *data)
{
    const uintptr_t number = (uintptr_t)data;
    uint64_t random = 7 + number;
    while (__atomic_load_n(&stop, __ATOMIC_RELAXED) == 0) {
        uint64_t value = next_random(&random) % 1000;
        TARE_ADD(counter, 3);
        TARE_RECORD(histogram, value);
        TARE_ENTER(state, (uint32_t)(value % 3));
        TARE_HIT(topk, value % KEYS, 2);
        if (number == 0) {
            TARE_SET(gauge, (double)done[0]);
            tare_frame_begin(frames);
            tare_frame_part_ns(frames, 0, value);
            tare_frame_end(frames);
        }
        __atomic_store_n(&done[number], done[number] + 1, __ATOMIC_RELAXED);
    }
    TARE_LEAVE(state);
    return NULL;
}

static const struct tare_page_instrument *of_kind(const struct tare_page_view *view, int number)
{
    for (size_t i = 0; i < view->instrument_count; i++) {
        if (view->instruments[i].kind == TARE_KIND_COUNTER + (uint32_t)number) {
            return &view->instruments[i];
        }
    }
    MUST(false);
    return NULL;
}

static uint64_t sum_of(const uint64_t *numbers, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += numbers[i];
    }
    return sum;
}

/* That one reading holds together. */
static void check_view(const struct tare_page_view *view)
{
    const struct tare_page_instrument *keys = of_kind(view, TOPK);
    uint64_t certain = 0;
    for (size_t i = 0; i < keys->key_count; i++) {
        CHECK(keys->keys[i].weight >= keys->keys[i].error && keys->keys[i].key < KEYS);
        certain += keys->keys[i].weight - keys->keys[i].error;
    }
    CHECK(certain % 2 == 0);
    const struct tare_page_frames *f = &of_kind(view, FRAMES)->frames;
    CHECK(f->last_count <= 64);
    for (size_t i = 0; i < f->last_count; i++) {
        CHECK(f->last[i].number - f->base < f->frames && (i == 0 || f->last[i].number > f->last[i - 1].number));
        CHECK(i == 0 || f->last[i].start_ticks >= f->last[i - 1].start_ticks + f->last[i - 1].ticks);
        CHECK(f->last[i].part_ticks[0] != UINT64_MAX);
    }
    CHECK(sum_of(of_kind(view, STATE)->state_threads, 3) <= THREADS);
}

/* That nothing has become less. */
static void check_growth(const struct tare_page_view *old, const struct tare_page_view *view)
{
    CHECK(of_kind(view, COUNTER)->total >= of_kind(old, COUNTER)->total);
    CHECK(of_kind(view, COUNTER)->total % 3 == 0);
    CHECK(!(of_kind(view, GAUGE)->value < of_kind(old, GAUGE)->value));
    CHECK(of_kind(view, HISTOGRAM)->sums.outermost >= of_kind(old, HISTOGRAM)->sums.outermost);
    for (size_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        CHECK(of_kind(view, HISTOGRAM)->buckets[i] >= of_kind(old, HISTOGRAM)->buckets[i]);
    }
    CHECK(of_kind(view, TOPK)->total >= of_kind(old, TOPK)->total);
    CHECK(of_kind(view, FRAMES)->frames.frames >= of_kind(old, FRAMES)->frames.frames);
}

static void check_exact(const struct tare_page_view *view)
{
    uint64_t rounds = sum_of(done, THREADS);
    CHECK_EQ(of_kind(view, COUNTER)->total, 3 * rounds);
    CHECK(of_kind(view, GAUGE)->value == (double)(done[0] - 1));
    CHECK_EQ(of_kind(view, HISTOGRAM)->sums.outermost, rounds);
    CHECK_EQ(sum_of(of_kind(view, HISTOGRAM)->buckets, TARE_BUCKET_COUNT), rounds);
    CHECK_EQ(sum_of(of_kind(view, STATE)->state_threads, 3), 0);
    CHECK_EQ(of_kind(view, TOPK)->total, 2 * rounds);
    CHECK_EQ(of_kind(view, TOPK)->hits, rounds);
    CHECK_EQ(of_kind(view, FRAMES)->frames.frames, done[0]);
    CHECK_EQ(of_kind(view, FRAMES)->frames.last_count, done[0] < 64 ? done[0] : 64);
    CHECK_EQ(sum_of(of_kind(view, FRAMES)->buckets, TARE_BUCKET_COUNT), done[0]);
}

static struct tare_page_view read_by(struct tare_page_reader *reader, const struct tare_page_source *source)
{
    struct tare_page_view view;
    char message[200] = "";
    const unsigned flags = TARE_READ_HISTOGRAMS | TARE_READ_LIVE;
    int error = reader != NULL ? tare_page_reader_read(reader, flags, &view, message, sizeof(message))
                               : tare_page_read(source, flags, &view, message, sizeof(message));
    if (error != 0) {
        fprintf(stderr, "%s\n", message);
    }
    MUST(error == 0);
    return view;
}

static bool all_have_begun(void)
{
    for (int i = 0; i < THREADS; i++) {
        if (__atomic_load_n(&done[i], __ATOMIC_RELAXED) < 100) {
            return false;
        }
    }
    return true;
}

static void check_way(struct tare_page_reader *reader, const struct tare_page_source *source)
{
    pthread_t threads[THREADS];
    memset(done, 0, sizeof(done));
    TARE_UNSET(gauge); /* a reset would leave it its value */
    __atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
    struct tare_page_view last = read_by(reader, source);
    for (uint32_t i = 0; i < last.header.instrument_count; i++) {
        MUST(tare_page_reset(source, &last.header, i) == 0);
    }
    tare_page_view_release(&last);
    last = read_by(reader, source);
    CHECK_EQ(of_kind(&last, COUNTER)->total + of_kind(&last, FRAMES)->frames.frames, 0);
    for (uintptr_t i = 0; i < THREADS; i++) {
        MUST(pthread_create(&threads[i], NULL, count, (void *)i) == 0);
    }
    EVENTUALLY(all_have_begun());
    for (int i = 0; i < READINGS; i++) {
        struct tare_page_view view = read_by(reader, source);
        check_view(&view);
        check_growth(&last, &view);
        tare_page_view_release(&last);
        last = view;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    tare_page_view_release(&last);
    last = read_by(reader, source);
    check_view(&last);
    check_exact(&last);
    tare_page_view_release(&last);
}

int main(void)
{
    const char *path = page_of_process(getpid());
    MUST(path != NULL);
    struct tare_page_source source = {.fd = open(path, O_RDWR | O_CLOEXEC), .limit = UINT64_MAX};
    MUST(source.fd >= 0);
    struct tare_page_reader *reader = tare_page_reader_open(&source);
    MUST(reader != NULL);
    begin_case("mapped");
    check_way(reader, &source);
    begin_case("by pread");
    check_way(NULL, &source);
    tare_page_reader_close(reader);
    close(source.fd);
    return finish();
}
