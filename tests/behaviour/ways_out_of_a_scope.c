/* SPDX-License-Identifier: MIT */
/*
 * A scope ends whichever way its block is left: at its end, by return (whose expression is inside), break,
 * continue or goto. One that is left by the end of its thread, by pthread_exit or by a cancellation, is
 * recorded only if the file is compiled with -fexceptions, and the next thread counts rightly all the same.
 */
#include <pthread.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(block);
TARE_TIMER(callee);
TARE_TIMER(around);

static int called(int value)
{
    TARE_SCOPE(callee);
    return value + 1;
}

static int return_a_call(int value)
{
    TARE_SCOPE(block);
    return called(value);
}

static void check_return(void)
{
    tare_reset("*");
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(return_a_call(i), i + 1);
    }
    CHECK_EQ(stats_of("test::block").calls, 100);
    CHECK_EQ(stats_of("test::block").scopes_within, 100); /* the callee's end is inside */
    CHECK_EQ(stats_of("test::callee").scopes_within, 0);
    CHECK(stats_of("test::block").min_ticks >= stats_of("test::callee").min_ticks);
}

static void check_jumps(void)
{
    tare_reset("*");
    for (int i = 0; i < 300; i++) {
        TARE_SCOPE(block);
        if (i % 3 == 0) {
            continue;
        }
        TARE_SCOPE(callee);
        if (i == 298) {
            break;
        }
    }
    CHECK_EQ(stats_of("test::block").calls, 299);
    CHECK_EQ(stats_of("test::block").outermost, 299);
    CHECK_EQ(stats_of("test::callee").calls, 199);

    tare_reset("*");
    int times = 0;
again : {
    TARE_SCOPE(block);
    if (++times < 100) {
        goto again; /* out of the block, and into it again */
    }
    if (times < 200) {
        TARE_SCOPE(around);
        goto out; /* out of two */
    }
}
out:
    CHECK_EQ(stats_of("test::block").calls, 100);
    CHECK_EQ(stats_of("test::block").outermost, 100);
    CHECK_EQ(stats_of("test::around").calls, 1);

    switch (times) {
    case 100: {
        TARE_SCOPE(callee);
        break;
    }
    default:
        break;
    }
    CHECK_EQ(stats_of("test::callee").calls, 1);
}

/* Without braces around it, the scope is that of the function, and ends after what follows it in the block. */
static void check_order(void)
{
    tare_reset("*");
    {
        TARE_SCOPE(around);
        TARE_SCOPE(block);
        TARE_SCOPE(callee);
    }
    CHECK_EQ(stats_of("test::callee").scopes_within, 0);
    CHECK_EQ(stats_of("test::block").scopes_within, 1);
    CHECK_EQ(stats_of("test::around").scopes_within, 2);
}

static int ready[2];

static void *exit_in_scope(void *unused)
{
    for (int i = 0; i < 10; i++) {
        TARE_SCOPE(callee);
    }
    TARE_SCOPE(block);
    pthread_exit(unused);
}

static void *wait_in_scope(void *unused)
{
    for (int i = 0; i < 10; i++) {
        TARE_SCOPE(callee);
    }
    TARE_SCOPE(block);
    char byte = 0;
    MUST(write(ready[1], &byte, 1) == 1);
    for (;;) {
        pause(); /* a cancellation point */
    }
    return unused;
}

static void *count_ten(void *unused)
{
    for (int i = 0; i < 10; i++) {
        TARE_SCOPE(block);
    }
    return unused;
}

static void check_end_of_thread(bool cancelled)
{
    enum { ROUNDS = 20 };
    uint64_t recorded = 0;
    tare_reset("*");
    for (unsigned i = 1; i <= ROUNDS; i++) {
        pthread_t thread;
        void *result = &thread;
        MUST(pthread_create(&thread, NULL, cancelled ? wait_in_scope : exit_in_scope, NULL) == 0);
        if (cancelled) {
            char byte;
            MUST(read(ready[0], &byte, 1) == 1);
            pthread_cancel(thread);
        }
        pthread_join(thread, &result);
        CHECK(result == (cancelled ? PTHREAD_CANCELED : NULL));
        CHECK_EQ(stats_of("test::callee").calls, 10 * i);
        /* With -fexceptions the compiler has cleanups run, and the scope is recorded; without, it is not. */
        recorded = stats_of("test::block").calls - 10 * (i - 1);
        CHECK(recorded == 0 || recorded == i);
        MUST(pthread_create(&thread, NULL, count_ten, NULL) == 0); /* in the same block of the page */
        pthread_join(thread, NULL);
        CHECK_EQ(stats_of("test::block").calls, 10 * i + recorded);
        CHECK_EQ(stats_of("test::block").outermost, 10 * i + recorded);
    }
}

int main(void)
{
    MUST(pipe(ready) == 0 && tare_enable("*") == 3);
    begin_case("return f(x) includes f");
    check_return();
    begin_case("continue, break and goto end a scope");
    check_jumps();
    begin_case("scopes of one block end in the reverse order");
    check_order();
    begin_case("a thread that ends in a scope");
    check_end_of_thread(false);
    begin_case("a thread that is cancelled in a scope");
    if (SANITIZED) { /* its marks stay on the stack of a cancelled thread, whose end then runs into them */
        skip_case("AddressSanitizer takes a cancelled thread's end for an overflow");
    } else {
        check_end_of_thread(true);
    }
    return finish();
}
