/* SPDX-License-Identifier: MIT */
/*
 * Where more timers are declared than the page has room for, those that fit count exactly, those that do not
 * stay disabled and do no harm, and the page, the command and the report at exit say how many they are.
 */
#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(t0);
TARE_TIMER(t1);
TARE_TIMER(t2);
TARE_TIMER(t3);
TARE_TIMER(t4);
TARE_TIMER(t5);
TARE_TIMER(t6);
TARE_TIMER(t7);
TARE_TIMER(t8);
TARE_TIMER(t9);

enum { TIMERS = 10, ROOM = 4, CALLS = 1000 };

static int be_child(int room)
{
    for (int i = 0; i < CALLS; i++) {
        TARE_SCOPE(t0);
        TARE_SCOPE(t1);
        TARE_SCOPE(t2);
        TARE_SCOPE(t3);
        TARE_SCOPE(t4);
        TARE_SCOPE(t5);
        TARE_SCOPE(t6);
        TARE_SCOPE(t7);
        TARE_SCOPE(t8);
        TARE_SCOPE(t9);
    }
    tare_stats stats[TIMERS];
    CHECK_EQ(tare_enable("*"), room);
    CHECK_EQ(tare_snapshot(NULL, stats, TIMERS), room);
    return failed_checks != 0;
}

static void check_report(const char *path)
{
    char text_of_report[4096] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    MUST(fd >= 0 && read(fd, text_of_report, sizeof(text_of_report) - 1) > 0);
    close(fd);
    CHECK(strstr(text_of_report, "6 instruments did not fit") != NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return be_child(atoi(argv[2]));
    }
    const char *page = scratch("page"), *report = scratch("report");
    begin_case("ten timers, room for four");
    CHECK_EQ(run_self("full",
                      ENVIRONMENT("TARE_TIMERS=4", text("TARE_PAGE=%s", page), text("TARE_REPORT=%s", report)),
                      "4"),
             0);
    struct tare_page_view view = read_page(page);
    CHECK_EQ(view.timer_count, ROOM);
    CHECK_EQ(view.header.lost_instruments, TIMERS - ROOM);
    for (size_t i = 0; i < view.timer_count; i++) {
        CHECK_EQ(view.timers[i].sums.calls, CALLS);
        CHECK_EQ(histogram_sum(&view.timers[i]), CALLS);
        /* Only scopes of timers that have room are counted as within. */
        CHECK(view.timers[i].sums.scopes_within < ROOM * CALLS);
    }
    tare_page_view_release(&view);
    check_report(report);
    begin_case("room for exactly as many as there are");
    CHECK_EQ(run_self("full", ENVIRONMENT("TARE_TIMERS=10", text("TARE_PAGE=%s.2", page)), "10"), 0);
    view = read_page(text("%s.2", page));
    CHECK_EQ(view.timer_count, TIMERS);
    CHECK_EQ(view.header.lost_instruments, 0);
    tare_page_view_release(&view);
    return finish();
}
