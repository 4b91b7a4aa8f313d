/* SPDX-License-Identifier: MIT */
/*
 * A histogram has every value that any thread recorded: their number, sum and extremes, and how many fell into
 * each bucket. Values in signal handlers are in it, or counted as dropped. A reset empties it.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "tests/behaviour/raw_page.h"

TARE_MODULE("test");
TARE_HISTOGRAM(sizes, "bytes", "", "How large they are");
TARE_HISTOGRAM(interrupted);
TARE_HISTOGRAM(shared);

enum { THREADS = 4, RECORDS = 20000 };

static const uint64_t some[] = {
    0, 1, 15, 16, 17, 255, 256, 1000, 123456789, (UINT64_C(1) << 48) - 1, UINT64_C(1) << 48};
enum { SOME = sizeof(some) / sizeof(some[0]) };

static void check_values(const struct raw_page *page)
{
    uint32_t index = raw_find(page, TARE_KIND_HISTOGRAM, "sizes");
    uint64_t sum = 0, expected[TARE_BUCKET_COUNT] = {0};
    CHECK_EQ(raw_values(page, index).count, 0);
    for (int i = 0; i < SOME; i++) {
        TARE_RECORD(sizes, some[i]);
        sum += some[i];
        expected[tare_bucket_of(some[i])]++;
    }
    struct raw_values values = raw_values(page, index);
    CHECK_EQ(values.count, SOME);
    CHECK_EQ(values.sum, sum);
    CHECK_EQ(values.least, 0);
    CHECK_EQ(values.most, UINT64_C(1) << 48);
    CHECK(memcmp(values.buckets, expected, sizeof(expected)) == 0);
    CHECK(strcmp(raw_string(page, raw_entry(page, index)->help_string), "How large they are") == 0);
}

static void check_reset(const struct raw_page *page)
{
    uint32_t index = raw_find(page, TARE_KIND_HISTOGRAM, "sizes");
    CHECK_EQ(tare_reset("test.sizes"), 1);
    CHECK_EQ(raw_values(page, index).count, 0);
    TARE_RECORD(sizes, 40);
    struct raw_values values = raw_values(page, index);
    uint64_t in_buckets = 0;
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        in_buckets += values.buckets[i];
    }
    CHECK(values.count == 1 && values.sum == 40 && values.least == 40 && values.most == 40 && in_buckets == 1);
}

static void *record_many(void *data)
{
    uint64_t random = (uintptr_t)data + 1;
    for (unsigned i = 0; i < TIMES(RECORDS); i++) {
        TARE_RECORD(shared, next_random(&random) % 1000);
    }
    return NULL;
}

static void check_threads(const struct raw_page *page)
{
    uint64_t sum = 0, expected[TARE_BUCKET_COUNT] = {0};
    pthread_t threads[THREADS];
    for (uintptr_t t = 0; t < THREADS; t++) {
        uint64_t random = t + 1;
        MUST(pthread_create(&threads[t], NULL, record_many, (void *)t) == 0);
        for (unsigned i = 0; i < TIMES(RECORDS); i++) {
            uint64_t value = next_random(&random) % 1000;
            sum += value;
            expected[tare_bucket_of(value)]++;
        }
    }
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
    }
    struct raw_values values = raw_values(page, raw_find(page, TARE_KIND_HISTOGRAM, "shared"));
    CHECK_EQ(values.count, THREADS * TIMES(RECORDS));
    CHECK_EQ(values.sum, sum);
    CHECK(memcmp(values.buckets, expected, sizeof(expected)) == 0);
}

static volatile sig_atomic_t handled;

static void handler(int number)
{
    (void)number;
    handled++;
    TARE_RECORD(interrupted, 3000);
}

/* A slot that is compared and changed by both sides. */
static void check_signals(const struct raw_page *page)
{
    struct sigaction action = {.sa_handler = handler};
    const struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    uint32_t index = raw_find(page, TARE_KIND_HISTOGRAM, "interrupted");
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    uint64_t recorded = 0, until = monotonic_ns() + UINT64_C(10000000000);
    while ((handled < TIMES(2000) || recorded < TIMES(100000)) && monotonic_ns() < until) {
        for (uint64_t i = 0; i < 100; i++) {
            TARE_RECORD(interrupted, 4000 + i);
            recorded++;
        }
    }
    setitimer(ITIMER_REAL, &never, NULL);
    struct raw_values values = raw_values(page, index);
    uint64_t dropped = page->header->dropped_scopes, in_buckets = 0;
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        in_buckets += values.buckets[i];
    }
    CHECK(handled > 0 && dropped <= 1); /* only while the slot was cleared for its first value */
    CHECK_EQ(values.count + dropped, recorded + (uint64_t)handled);
    CHECK_EQ(in_buckets, values.count);
    CHECK_EQ(values.least, 3000);
    CHECK_EQ(values.most, 4099);
}

static int without_histograms(void)
{
    for (int i = 0; i < SOME; i++) {
        TARE_RECORD(sizes, some[i]);
    }
    struct raw_page page = raw_open(own_page());
    struct raw_values values = raw_values(&page, raw_find(&page, TARE_KIND_HISTOGRAM, "sizes"));
    CHECK_EQ(values.count, SOME);
    CHECK(!(page.header->flags & TARE_PAGE_HISTOGRAMS));
    raw_close(&page);
    return failed_checks != 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        return without_histograms();
    }
    struct raw_page page = raw_open(own_page());
    begin_case("number, sum, extremes and buckets of values");
    check_values(&page);
    begin_case("a reset");
    check_reset(&page);
    begin_case("values of many threads");
    check_threads(&page);
    begin_case("values in signal handlers");
    check_signals(&page);
    begin_case("TARE_HISTOGRAM=off leaves the sums");
    CHECK_EQ(run_self("off", ENVIRONMENT("TARE_HISTOGRAM=off"), NULL), 0);
    raw_close(&page);
    return finish();
}
