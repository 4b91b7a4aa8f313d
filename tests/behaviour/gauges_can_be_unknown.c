/* SPDX-License-Identifier: MIT */
/*
 * A gauge is unknown until it is set, and again when it is unset or set to NAN, whatever 0 is. It holds what
 * was set last by any thread; its peak is the greatest value since the last reset, which leaves the value
 * alone. In a forked child it is unknown.
 */
#include <pthread.h>

#include "tests/behaviour/raw_page.h"

TARE_MODULE("test");
TARE_GAUGE(depth, "requests");
TARE_GAUGE(shared);
TARE_GAUGE(below_zero);
TARE_GAUGE(untouched);

enum { THREADS = 4, SETS = 50000 };

static void check_one(const struct raw_page *page)
{
    uint32_t index = raw_find(page, TARE_KIND_GAUGE, "depth");
    CHECK(isnan(raw_value(page, index)) && isnan(raw_peak(page, index)));
    TARE_SET(depth, 0);
    CHECK(raw_value(page, index) == 0 && raw_peak(page, index) == 0);
    TARE_SET(depth, 17.5);
    TARE_SET(depth, 3);
    CHECK(raw_value(page, index) == 3 && raw_peak(page, index) == 17.5);
    TARE_UNSET(depth);
    CHECK(isnan(raw_value(page, index)) && raw_peak(page, index) == 17.5);
    CHECK_EQ(raw_cell(page, index)->value, 0);
    TARE_SET(depth, 4);
    TARE_SET(depth, -NAN);
    CHECK(isnan(raw_value(page, index)));
    CHECK(strcmp(raw_string(page, raw_entry(page, index)->unit_string), "requests") == 0);
    CHECK(isnan(raw_value(page, raw_find(page, TARE_KIND_GAUGE, "untouched"))));
}

static void check_reset(const struct raw_page *page)
{
    uint32_t index = raw_find(page, TARE_KIND_GAUGE, "depth");
    TARE_SET(depth, 9);
    CHECK_EQ(tare_reset("test.depth"), 1);
    CHECK(raw_value(page, index) == 9 && isnan(raw_peak(page, index)));
    TARE_SET(depth, 5);
    CHECK(raw_value(page, index) == 5 && raw_peak(page, index) == 9); /* what it had when it was reset */
    CHECK_EQ(tare_reset("test.depth"), 1);
    TARE_SET(depth, 6);
    CHECK(raw_value(page, index) == 6 && raw_peak(page, index) == 6);
    CHECK_EQ(tare_reset("test.depth"), 1);
    TARE_UNSET(depth);
    CHECK(isnan(raw_value(page, index)) && raw_peak(page, index) == 6);
    CHECK_EQ(tare_reset("test.depth"), 1);
    TARE_SET(depth, 2);
    CHECK(raw_peak(page, index) == 2);
}

static void check_negative(const struct raw_page *page)
{
    uint32_t index = raw_find(page, TARE_KIND_GAUGE, "below_zero");
    TARE_SET(below_zero, -20);
    TARE_SET(below_zero, -3);
    TARE_SET(below_zero, -8);
    CHECK(raw_value(page, index) == -8 && raw_peak(page, index) == -3);
}

static void *set_many(void *data)
{
    uintptr_t number = (uintptr_t)data;
    for (unsigned i = 0; i < TIMES(SETS); i++) {
        TARE_SET(shared, (double)(i * THREADS + number));
    }
    return NULL;
}

static void check_threads(const struct raw_page *page)
{
    pthread_t threads[THREADS];
    uint32_t index = raw_find(page, TARE_KIND_GAUGE, "shared");
    TARE_SET(shared, 0); /* a peak that is set at the very moment of a gauge's first value can get lost */
    for (uintptr_t i = 0; i < THREADS; i++) {
        MUST(pthread_create(&threads[i], NULL, set_many, (void *)i) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(raw_peak(page, index) == (double)(TIMES(SETS) * THREADS - 1));
    CHECK_BETWEEN((TIMES(SETS) - 1) * THREADS, raw_value(page, index), TIMES(SETS) * THREADS - 1);
}

static void check_switching(const struct raw_page *page)
{
    uint32_t index = raw_find(page, TARE_KIND_GAUGE, "depth");
    CHECK_EQ(tare_disable("test::depth"), 1);
    TARE_SET(depth, 100);
    TARE_UNSET(depth);
    CHECK(raw_value(page, index) == 2);
    CHECK_EQ(tare_enable("test::depth"), 1);
    TARE_SET(depth, 6);
    CHECK(raw_value(page, index) == 6);
}

static void check_fork(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct raw_page own = raw_open(own_page());
        uint32_t index = raw_find(&own, TARE_KIND_GAUGE, "depth");
        CHECK(isnan(raw_value(&own, index)) && isnan(raw_peak(&own, index)));
        TARE_SET(depth, 2);
        CHECK(raw_value(&own, index) == 2 && raw_peak(&own, index) == 2);
        _exit(failed_checks != 0);
    }
    CHECK_EQ(status_of(pid), 0);
}

int main(void)
{
    struct raw_page page = raw_open(own_page());
    begin_case("unknown until it is set, and when it is unset");
    check_one(&page);
    begin_case("a reset takes the peak, not the value");
    check_reset(&page);
    begin_case("the peak of negative values");
    check_negative(&page);
    begin_case("set by many threads");
    check_threads(&page);
    begin_case("disabled and enabled");
    check_switching(&page);
    begin_case("unknown in a forked child");
    check_fork();
    raw_close(&page);
    return finish();
}
