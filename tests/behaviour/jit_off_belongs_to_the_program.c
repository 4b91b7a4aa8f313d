/* SPDX-License-Identifier: MIT */
/*
 * What a program says of its compiler, by tare/jit.h: switched off, nothing of the set counts, whoever switches
 * instruments on; its gauges are 0, and its counters are there, as 0. Switched on again, nothing is invented.
 */
#include <pthread.h>

#include <tare/jit.h>

#include "tests/behaviour/raw_page.h"

TARE_JIT_TIER(baseline);
TARE_JIT_PASS(fold);

enum { SWITCHES = 20000 };

static const struct raw_page *the_page;

static double gauge(const char *module, const char *name)
{
    uint32_t index = raw_find_labelled(the_page, TARE_KIND_GAUGE, module, name, "");
    MUST(index != UINT32_MAX);
    return raw_value(the_page, index);
}

#define ENABLED gauge("jit", "enabled")
#define CAPACITY gauge("jit.cache", "capacity_bytes")
#define USED gauge("jit.cache", "used_bytes")

/* Each of the set's functions that counts. */
static void compile(void)
{
    tare_jit_cache_capacity(65536);
    tare_jit_cache_used(4096);
    tare_jit_compiled(baseline, 1000, 1);
    tare_jit_failed(baseline, 500);
    tare_jit_pass_ns(fold, 100);
    tare_jit_cache_lookup(1);
    tare_jit_cache_lookup(0);
    tare_jit_cache_lookups(2, 3);
    tare_jit_cache_evicted(1);
    tare_jit_deopt(1);
    tare_jit_guard_failed(2);
}

static void check_counts(uint64_t times)
{
    CHECK_EQ(TARE_TOTAL(jit_time_baseline), 1500 * times);
    CHECK_EQ(TARE_TOTAL(jit_blocks_baseline), times);
    CHECK_EQ(TARE_TOTAL(jit_failed_baseline), times);
    CHECK_EQ(TARE_TOTAL(jit_pass_fold), 100 * times);
    CHECK_EQ(TARE_TOTAL(jit_cache_hits), 3 * times);
    CHECK_EQ(TARE_TOTAL(jit_cache_misses), 4 * times);
    CHECK_EQ(TARE_TOTAL(jit_cache_evicted), times);
    CHECK_EQ(TARE_TOTAL(jit_deopts), times);
    CHECK_EQ(TARE_TOTAL(jit_guard_fails), 2 * times);
}

static void check_off(void)
{
    CHECK(ENABLED == 0 && CAPACITY == 0 && USED == 0);
    for (uint32_t i = 0; i < the_page->header->instrument_count; i++) {
        CHECK(raw_control(the_page, i)->enabled != 0); /* known to be 0, and not just not looked at */
    }
}

static void off_from_the_start(void)
{
    CHECK(isnan(ENABLED) && isnan(CAPACITY) && isnan(USED));
    tare_jit_cache_capacity(4096);
    CHECK(CAPACITY == 4096);
    tare_jit_enabled(0);
    compile();
    check_off();
    check_counts(0);
    CHECK(tare_enable("*") > 0);
    compile();
    CHECK(tare_disable("jit.*") > 0);
    compile();
    CHECK(tare_enable("jit.*") > 0);
    compile();
    check_off();
    check_counts(0);
}

static void on_again(void)
{
    tare_jit_enabled(1);
    CHECK(ENABLED == 1 && isnan(CAPACITY) && isnan(USED));
    check_counts(0);
    compile();
    CHECK(CAPACITY == 65536 && USED == 4096);
    check_counts(1);
    tare_jit_enabled(1); /* which says nothing new */
    CHECK(CAPACITY == 65536 && USED == 4096);
    tare_jit_enabled(0);
    compile();
    check_off();
    check_counts(1);
    tare_jit_enabled(1);
    CHECK(isnan(CAPACITY) && isnan(USED));
}

static void switched_while_disabled(void)
{
    compile();
    CHECK(tare_disable("jit.*") > 0);
    tare_jit_enabled(0);
    CHECK(tare_enable("jit.*") > 0);
    check_off();
    CHECK(tare_disable("jit.*") > 0);
    tare_jit_enabled(1);
    CHECK(tare_enable("jit.*") > 0);
    CHECK(ENABLED == 1 && isnan(CAPACITY) && isnan(USED));
    check_counts(2);
}

static int stop;

static void *tell_on(void *data)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        tare_jit_cache_used(4096);
    }
    return data;
}

static void switched_beside_a_thread(void)
{
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, tell_on, NULL) == 0);
    for (unsigned i = 0; i < TIMES(SWITCHES); i++) {
        tare_jit_enabled(1);
        tare_jit_enabled(0);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    check_off();
}

static void forked(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct raw_page own = raw_open(own_page());
        the_page = &own;
        compile();
        CHECK(isnan(ENABLED) && isnan(CAPACITY) && isnan(USED));
        check_counts(0);
        tare_jit_enabled(0);
        check_off();
        _exit(failed_checks != 0);
    }
    CHECK_EQ(status_of(pid), 0);
}

int main(void)
{
    struct raw_page page = raw_open(own_page());
    the_page = &page;
    begin_case("off, nothing counts, whoever enables instruments");
    off_from_the_start();
    begin_case("on again, what is not told is unknown");
    on_again();
    begin_case("what the program says holds for disabled instruments, too");
    switched_while_disabled();
    begin_case("no gauge is left over from a thread that was telling it");
    switched_beside_a_thread();
    begin_case("a child of fork is off as its parent");
    forked();
    raw_close(&page);
    return finish();
}
