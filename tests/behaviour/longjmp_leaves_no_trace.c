/* SPDX-License-Identifier: MIT */
/*
 * A block that longjmp leaves is not recorded, and does no harm to what follows: the next scope at the same
 * place or further out counts as an outermost one again.
 */
#include <setjmp.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(left);
TARE_TIMER(around);
TARE_TIMER(deep);

static jmp_buf back;

static __attribute__((noinline)) void leave_or_stay(bool now)
{
    TARE_SCOPE(left);
    if (now) {
        longjmp(back, 1);
    }
}

static volatile bool leave = true;

static __attribute__((noinline)) void leave_from(int depth)
{
    TARE_SCOPE(deep);
    if (depth > 0) {
        leave_from(depth - 1);
    } else if (leave) {
        longjmp(back, 1);
    }
    __asm__ volatile("" : : : "memory"); /* what is above is no tail call */
}

static void check_loop(void)
{
    tare_reset("*");
    for (volatile int i = 0; i < 1000; i++) {
        if (setjmp(back) == 0) {
            leave_or_stay(i % 3 == 0);
        }
    }
    CHECK_EQ(stats_of("test::left").calls, 666);
    CHECK_EQ(stats_of("test::left").outermost, 666);
}

static void check_within_another(void)
{
    tare_reset("*");
    for (volatile int i = 0; i < 100; i++) {
        TARE_SCOPE(around);
        if (setjmp(back) == 0) {
            leave_or_stay(true);
        }
        leave_or_stay(false);
    }
    CHECK_EQ(stats_of("test::around").calls, 100);
    CHECK_EQ(stats_of("test::around").outermost, 100);
    CHECK_EQ(stats_of("test::left").calls, 100);
    CHECK_EQ(stats_of("test::left").outermost, 100);
}

static void check_recursion(void)
{
    tare_reset("*");
    for (volatile int i = 0; i < 100; i++) {
        if (setjmp(back) == 0) {
            leave_from(20);
        }
        TARE_SCOPE(deep); /* further out than all of those */
    }
    CHECK_EQ(stats_of("test::deep").calls, 100);
    CHECK_EQ(stats_of("test::deep").outermost, 100);
    CHECK_EQ(stats_of("test::deep").scopes_within, 0);
}

static void check_snippet(void)
{
    tare_reset("*");
    for (volatile int i = 0; i < 100; i++) {
        tare_span span;
        if (setjmp(back) == 0) {
            span = TARE_BEGIN(left);
            longjmp(back, 1);
        }
        span = TARE_BEGIN(around);
        TARE_END(span);
    }
    tare_span span = TARE_BEGIN(left); /* the same depth, but no telling whether the one before has gone */
    TARE_END(span);
    CHECK_EQ(stats_of("test::around").outermost, 100);
    CHECK_EQ(stats_of("test::left").calls, 1);
}

int main(void)
{
    MUST(tare_enable("*") == 3);
    begin_case("in a loop, the blocks that are not left are recorded");
    check_loop();
    begin_case("within another scope");
    check_within_another();
    begin_case("out of a recursion");
    check_recursion();
    begin_case("out of a snippet");
    check_snippet();
    return finish();
}
