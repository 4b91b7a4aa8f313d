/* SPDX-License-Identifier: MIT */
/*
 * Timers may be switched, reset and looked at while threads run scopes of them, and libraries may come and
 * go. What a thread counts after all that is exact; what a snapshot shows meanwhile never goes back, but for
 * a reset, and never exceeds what the threads have begun.
 */
#include <pthread.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(steady);
TARE_TIMER(switched);

enum { THREADS = 3 };

static bool stop;
static struct {
    _Alignas(64) uint64_t begun, ended;
} own[THREADS];

static void *run(void *data)
{
    unsigned number = (unsigned)(uintptr_t)data;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        __atomic_store_n(&own[number].begun, own[number].begun + 1, __ATOMIC_RELEASE);
        {
            TARE_SCOPE(steady);
            TARE_SCOPE(switched);
        }
        __atomic_store_n(&own[number].ended, own[number].ended + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

static uint64_t sum(bool begun)
{
    uint64_t total = 0;
    for (int i = 0; i < THREADS; i++) {
        total += __atomic_load_n(begun ? &own[i].begun : &own[i].ended, __ATOMIC_ACQUIRE);
    }
    return total;
}

static void look_and_switch(void)
{
    uint64_t last = 0;
    for (unsigned i = 0; i < TIMES(20000) && failed_checks < 10; i++) {
        uint64_t ended = sum(false);
        tare_stats steady = stats_of("test::steady");
        uint64_t begun = sum(true);
        CHECK_BETWEEN(ended, steady.calls, begun);
        CHECK(steady.calls >= last);
        CHECK(steady.outermost <= steady.calls + THREADS);
        last = steady.calls;
        switch (i % 5) {
        case 0:
            CHECK_EQ(tare_disable("test::sw*"), 1);
            break;
        case 1:
            CHECK_EQ(tare_enable("test::sw*"), 1);
            break;
        case 2:
            CHECK_EQ(tare_reset("test::switched"), 1);
            break;
        case 3:
            CHECK_EQ(tare_enable_only("test::steady"), 1);
            break;
        default:
            CHECK_EQ(tare_enable("*"), 2);
            break;
        }
    }
}

int main(void)
{
    pthread_t threads[THREADS];
    MUST(tare_enable("*") == 2);
    begin_case("switching, resetting and looking while threads run");
    for (uintptr_t i = 0; i < THREADS; i++) {
        MUST(pthread_create(&threads[i], NULL, run, (void *)i) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        EVENTUALLY(__atomic_load_n(&own[i].ended, __ATOMIC_ACQUIRE) != 0);
    }
    look_and_switch();
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_EQ(stats_of("test::steady").calls, sum(true));
    CHECK_EQ(stats_of("test::steady").outermost, sum(true));
    CHECK(stats_of("test::switched").calls < sum(true));
    return finish();
}
