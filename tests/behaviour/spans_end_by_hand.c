/* SPDX-License-Identifier: MIT */
/*
 * A span is ended by hand: where it began, in another function, on another thread, or long after its thread
 * has gone. It counts where it ends. Ended a second time, or never begun, it does nothing; dropped, it is not
 * recorded; and the bytes that were moved in it are added up.
 */
#include <pthread.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(request);
TARE_TIMER(step);

enum { REQUESTS = 1000 };

static tare_span spans[REQUESTS];

static void *begin_all(void *unused)
{
    for (int i = 0; i < REQUESTS; i++) {
        spans[i] = TARE_BEGIN(request);
        TARE_SCOPE(step);
    }
    return unused;
}

static void *end_all(void *unused)
{
    for (int i = 0; i < REQUESTS; i++) {
        TARE_END(spans[i]);
    }
    return unused;
}

static void run_thread(void *(*run)(void *))
{
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, run, NULL) == 0);
    pthread_join(thread, NULL);
}

static void check_same_thread(void)
{
    tare_reset("*");
    for (int i = 0; i < 100; i++) {
        tare_span span = TARE_BEGIN(request);
        {
            TARE_SCOPE(step);
        }
        tare_span copy = span;
        TARE_END(copy);
    }
    CHECK_EQ(stats_of("test::request").calls, 100);
    CHECK_EQ(stats_of("test::request").outermost, 100);
    CHECK_EQ(stats_of("test::request").scopes_within, 100);
}

static void check_overlap(void)
{
    tare_reset("*");
    for (int i = 0; i < 100; i++) {
        tare_span first = TARE_BEGIN(request);
        tare_span second = TARE_BEGIN(step);
        TARE_END(first); /* not in the order of blocks */
        TARE_END(second);
    }
    CHECK_EQ(stats_of("test::request").calls, 100);
    CHECK_EQ(stats_of("test::request").outermost, 100);
    CHECK_EQ(stats_of("test::step").calls, 100);
    CHECK_EQ(stats_of("test::step").outermost, 100);
}

static void check_other_thread(void)
{
    tare_reset("*");
    run_thread(begin_all); /* a thread that has gone, and whose block of the page the next one gets */
    CHECK_EQ(stats_of("test::request").calls, 0);
    run_thread(end_all);
    CHECK_EQ(stats_of("test::request").calls, REQUESTS);
    begin_all(NULL);
    run_thread(end_all);
    CHECK_EQ(stats_of("test::request").calls, 2 * REQUESTS);
    run_thread(begin_all);
    end_all(NULL);
    CHECK_EQ(stats_of("test::request").calls, 3 * REQUESTS);
    CHECK_EQ(stats_of("test::step").calls, 3 * REQUESTS);
    for (int i = 0; i < 10; i++) { /* and the timer goes on as an outermost one */
        TARE_SCOPE(request);
    }
    CHECK_EQ(stats_of("test::request").calls, 3 * REQUESTS + 10);
    uint64_t before = stats_of("test::request").outermost;
    {
        TARE_SCOPE(request);
    }
    CHECK_EQ(stats_of("test::request").outermost, before + 1);
}

static __attribute__((noinline)) void scope_further_in(int depth)
{
    if (depth > 0) {
        scope_further_in(depth - 1);
    } else {
        TARE_SCOPE(request);
    }
    __asm__ volatile("" : : : "memory"); /* what is above is no tail call */
}

/* A span that another thread has ended does not go on as the one that is open here. */
static void check_not_open(void)
{
    tare_reset("*");
    spans[0] = TARE_BEGIN(request);
    scope_further_in(3);
    CHECK_EQ(stats_of("test::request").outermost, 0);
    for (int i = 1; i < REQUESTS; i++) {
        spans[i].timer = NULL;
    }
    run_thread(end_all);
    CHECK_EQ(stats_of("test::request").outermost, 1);
    scope_further_in(3);
    CHECK_EQ(stats_of("test::request").outermost, 2);
    spans[0] = TARE_BEGIN(request);
    TARE_DROP(spans[0]);
    scope_further_in(3);
    CHECK_EQ(stats_of("test::request").outermost, 3);
    CHECK_EQ(stats_of("test::request").calls, 4);
}

static pthread_barrier_t meet;

/* Begins spans that the other one ends, while both go on counting. */
static void *exchange(void *data)
{
    tare_span *own = data, *other = data == &spans[0] ? &spans[1] : &spans[0];
    for (unsigned i = 0; i < TIMES(5000); i++) {
        *own = TARE_BEGIN(request);
        pthread_barrier_wait(&meet);
        TARE_END(*other);
        for (int k = 0; k < 5; k++) {
            TARE_SCOPE(request);
        }
        pthread_barrier_wait(&meet);
    }
    return NULL;
}

static void check_exchange(void)
{
    pthread_t threads[2];
    tare_reset("*");
    pthread_barrier_init(&meet, NULL, 2);
    for (int i = 0; i < 2; i++) {
        MUST(pthread_create(&threads[i], NULL, exchange, &spans[i]) == 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_EQ(stats_of("test::request").calls, 2 * 6 * TIMES(5000));
}

static void check_twice_and_never(void)
{
    tare_reset("*");
    tare_span span = TARE_BEGIN(request);
    TARE_END(span);
    TARE_END(span);
    TARE_DROP(span);
    CHECK_EQ(stats_of("test::request").calls, 1);
    tare_disable("*");
    tare_span never = TARE_BEGIN(request);
    tare_enable("*");
    TARE_BYTES(never, 100);
    TARE_END(never);
    TARE_DROP(never);
    CHECK_EQ(stats_of("test::request").calls, 1);
    CHECK_EQ(stats_of("test::request").bytes, 0);
}

static void check_drop(void)
{
    tare_reset("*");
    for (int i = 0; i < 100; i++) {
        tare_span around = TARE_BEGIN(request);
        tare_span span = TARE_BEGIN(step);
        TARE_BYTES(span, 10);
        if (i % 4 == 0) {
            TARE_DROP(span);
            TARE_END(span);
        } else {
            TARE_END(span);
        }
        TARE_END(around);
    }
    CHECK_EQ(stats_of("test::step").calls, 75);
    CHECK_EQ(stats_of("test::step").outermost, 75);
    CHECK_EQ(stats_of("test::step").bytes, 750);
    CHECK_EQ(stats_of("test::request").calls, 100);
    CHECK_EQ(stats_of("test::request").scopes_within, 100); /* a dropped one cost what the others did */
}

static void check_bytes(void)
{
    tare_reset("*");
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 100; i++) {
        tare_span span = TARE_BEGIN(request);
        TARE_BYTES(span, i);
        TARE_BYTES(span, UINT64_C(1) << 40);
        sum += i + (UINT64_C(1) << 40);
        TARE_END(span);
    }
    CHECK_EQ(stats_of("test::request").bytes, sum);
}

int main(void)
{
    MUST(tare_enable("*") == 2);
    begin_case("a span ends on its thread, also as a copy");
    check_same_thread();
    begin_case("spans that overlap");
    check_overlap();
    begin_case("a span ends on another thread");
    check_other_thread();
    check_not_open();
    begin_case("two threads end each other's spans");
    check_exchange();
    begin_case("a span that has ended, or never began");
    check_twice_and_never();
    begin_case("a dropped span is not recorded");
    check_drop();
    begin_case("bytes are added up");
    check_bytes();
    return finish();
}
