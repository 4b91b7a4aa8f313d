/* SPDX-License-Identifier: MIT */
/*
 * Whether a scope is recorded is decided when it begins: enabling and disabling in its middle do not change
 * that. A reset in its middle drops it, as what it measured belongs to what came before; what follows counts
 * from zero.
 */
#include <pthread.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(first);
TARE_TIMER(second);

static void check_switching(void)
{
    tare_disable("*");
    {
        TARE_SCOPE(first);
        tare_enable("*");
    }
    CHECK_EQ(stats_of("test::first").calls, 0);
    {
        TARE_SCOPE(first);
        tare_disable("*");
    }
    CHECK_EQ(stats_of("test::first").calls, 1);
    CHECK_EQ(stats_of("test::first").enabled, 0);
    {
        TARE_SCOPE(first);
    }
    CHECK_EQ(stats_of("test::first").calls, 1);
    tare_enable("*");
    CHECK_EQ(stats_of("test::first").enabled, 1);
}

static void check_switching_in_recursion(void)
{
    tare_reset("*");
    {
        TARE_SCOPE(first);
        tare_disable("*");
        {
            TARE_SCOPE(first);
        }
        tare_enable("*");
        {
            TARE_SCOPE(first);
        }
    }
    CHECK_EQ(stats_of("test::first").calls, 2);
    CHECK_EQ(stats_of("test::first").outermost, 1);
}

static void check_reset(void)
{
    tare_reset("*");
    for (int i = 0; i < 10; i++) {
        TARE_SCOPE(first);
        TARE_SCOPE(second);
    }
    {
        TARE_SCOPE(first);
        TARE_SCOPE(second);
        CHECK_EQ(tare_reset("test::first"), 1);
    }
    CHECK_EQ(stats_of("test::first").calls, 0);
    CHECK_EQ(stats_of("test::first").outermost, 0);
    CHECK_EQ(stats_of("test::first").total_ticks, 0);
    CHECK_EQ(stats_of("test::first").min_ticks, 0);
    CHECK_EQ(stats_of("test::first").max_ticks, 0);
    CHECK_EQ(stats_of("test::first").scopes_within, 0);
    CHECK_EQ(stats_of("test::second").calls, 11);
    {
        TARE_SCOPE(first);
    }
    CHECK_EQ(stats_of("test::first").calls, 1);
    CHECK_EQ(stats_of("test::first").outermost, 1);
}

static void check_reset_in_recursion(void)
{
    tare_reset("*");
    {
        TARE_SCOPE(first); /* dropped */
        tare_reset("*");
        {
            TARE_SCOPE(first); /* and so does not make this one an inner one */
            TARE_SCOPE(first);
        }
    }
    CHECK_EQ(stats_of("test::first").calls, 2);
    CHECK_EQ(stats_of("test::first").outermost, 1);
}

/* As often as generations go round. */
static void check_many_resets(void)
{
    for (int i = 0; i < 70000; i++) {
        tare_reset("test::first");
        TARE_SCOPE(first);
    }
    CHECK_EQ(stats_of("test::first").calls, 1);
    CHECK_EQ(stats_of("test::second").calls, 0);
}

static void *count_ten(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++) {
        TARE_SCOPE(first);
    }
    return NULL;
}

/* What an ended thread counted before the reset does not come back. */
static void check_threads(void)
{
    pthread_t thread;
    tare_reset("*");
    for (int i = 1; i <= 3; i++) {
        MUST(pthread_create(&thread, NULL, count_ten, NULL) == 0);
        pthread_join(thread, NULL);
        CHECK_EQ(stats_of("test::first").calls, 10);
        tare_reset("*");
        CHECK_EQ(stats_of("test::first").calls, 0);
    }
}

int main(void)
{
    begin_case("enabling and disabling in the middle of a scope");
    check_switching();
    begin_case("the same in a recursion");
    check_switching_in_recursion();
    begin_case("a reset in the middle of a scope drops it");
    check_reset();
    begin_case("the same in a recursion");
    check_reset_in_recursion();
    tare_reset("*");
    begin_case("more resets than there are generations");
    check_many_resets();
    begin_case("a reset applies to threads that have ended");
    check_threads();
    return finish();
}
