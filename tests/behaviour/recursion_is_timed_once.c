/* SPDX-License-Identifier: MIT */
/*
 * In a recursion every scope is a call; time, extremes and distribution are those of the outermost scopes, so
 * nothing is timed twice: also where the recursion goes through another timer, and on two threads at once.
 */
#include <pthread.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(recursive);
TARE_TIMER(ping);
TARE_TIMER(pong);
TARE_TIMER(step);

enum { DEPTH = 5, SPIN_NS = 1000000 };

static void spin(uint64_t ns)
{
    uint64_t until = monotonic_ns() + ns;
    while (monotonic_ns() < until) {
    }
}

static void recurse(int depth, uint64_t spin_ns)
{
    TARE_SCOPE(recursive);
    if (spin_ns != 0) {
        spin(spin_ns);
    }
    if (depth > 1) {
        recurse(depth - 1, spin_ns);
    }
}

/* fib(n) takes 2 fib(n + 1) - 1 calls. */
static unsigned fib(unsigned n)
{
    TARE_SCOPE(recursive);
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void play(int rallies);

static void play_pong(int rallies)
{
    TARE_SCOPE(pong);
    if (rallies > 0) {
        play(rallies - 1);
    }
}

static void play(int rallies)
{
    TARE_SCOPE(ping);
    play_pong(rallies);
}

static void check_time(void)
{
    tare_reset("*");
    uint64_t before = monotonic_ns();
    recurse(DEPTH, SPIN_NS);
    uint64_t elapsed = monotonic_ns() - before;
    tare_stats stats = stats_of("test::recursive");
    CHECK_EQ(stats.calls, DEPTH);
    CHECK_EQ(stats.outermost, 1);
    CHECK_EQ(stats.min_ticks, stats.total_ticks);
    CHECK_EQ(stats.max_ticks, stats.total_ticks);
    CHECK_EQ(stats.scopes_within, DEPTH - 1);
    /* Each level's time added up would be three times as much. */
    CHECK_BETWEEN(0.98 * DEPTH * SPIN_NS, stats.total_ns, 1.02 * (double)elapsed);
}

static void check_counts(void)
{
    tare_reset("*");
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(fib(10), 55);
    }
    CHECK_EQ(stats_of("test::recursive").calls, 10 * (2 * 89 - 1));
    CHECK_EQ(stats_of("test::recursive").outermost, 10);
    CHECK_EQ(stats_of("test::recursive").scopes_within, 10 * (2 * 89 - 2));
}

static void check_mutual(void)
{
    tare_reset("*");
    play(9);
    play(0);
    CHECK_EQ(stats_of("test::ping").calls, 11);
    CHECK_EQ(stats_of("test::ping").outermost, 2);
    CHECK_EQ(stats_of("test::pong").calls, 11);
    CHECK_EQ(stats_of("test::pong").outermost, 2);
    CHECK_EQ(stats_of("test::ping").scopes_within, 19 + 1);
    CHECK_EQ(stats_of("test::pong").scopes_within, 18);
}

static void *recurse_often(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < TIMES(20000); i++) {
        TARE_SCOPE(step);
        recurse(3, 0);
    }
    return NULL;
}

static void check_threads(void)
{
    pthread_t threads[2];
    tare_reset("*");
    for (int i = 0; i < 2; i++) {
        MUST(pthread_create(&threads[i], NULL, recurse_often, NULL) == 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_EQ(stats_of("test::recursive").calls, 2 * 3 * TIMES(20000));
    CHECK_EQ(stats_of("test::recursive").outermost, 2 * TIMES(20000));
    CHECK_EQ(stats_of("test::step").scopes_within, 2 * 3 * TIMES(20000));
}

static void check_snippets(void)
{
    tare_reset("*");
    for (int i = 0; i < 4; i++) {
        tare_span around = TARE_BEGIN(recursive);
        tare_span within = TARE_BEGIN(recursive);
        recurse(2, 0);
        TARE_END(within);
        TARE_END(around);
    }
    CHECK_EQ(stats_of("test::recursive").calls, 16);
    CHECK_EQ(stats_of("test::recursive").outermost, 4);
}

int main(void)
{
    MUST(tare_enable("*") == 4);
    begin_case("the time is that of the outermost scope");
    check_time();
    begin_case("every scope is a call");
    check_counts();
    begin_case("the recursion may go through another timer");
    check_mutual();
    begin_case("threads recurse independently");
    check_threads();
    begin_case("the same holds for snippets");
    check_snippets();
    return finish();
}
