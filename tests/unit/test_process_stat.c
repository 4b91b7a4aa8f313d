/* SPDX-License-Identifier: MIT */
/* record/process_stat.h: lines as Linux 6.1 writes them, with names that are to mislead, and cut short. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/process_stat.h"

static const char whole[] =
    "4711 (a) S 1 ) ( b) S 42 4711 1 0 -1 4194304 100 0 0 0 5 6 7 8 20 0 3 0 987654 1000 200 "
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 5 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

static void what_stands_there(void **state)
{
    (void)state;
    struct tare__process_stat stat;
    assert_int_equal(tare__process_stat_parse(whole, &stat), 0);
    assert_int_equal(stat.name_length, strlen("a) S 1 ) ( b"));
    assert_memory_equal(stat.name, "a) S 1 ) ( b", stat.name_length);
    assert_int_equal(stat.state, 'S');
    assert_int_equal(stat.parent, 42);
    assert_int_equal(stat.ticks, 11);
    assert_int_equal(stat.children_ticks, 15);
    assert_int_equal(stat.threads, 3);
    assert_int_equal(stat.start_time_jiffies, 987654);
    assert_int_equal(stat.cpu, 5);
}

/* Never another number than the one that was there: a processor that may be cut off is not known. */
static void cut_short_anywhere(void **state)
{
    (void)state;
    const size_t start_ends = (size_t)(strstr(whole, "987654") - whole) + strlen("987654");
    const size_t cpu_ends = (size_t)(strstr(whole, " 17 5 ") - whole) + strlen(" 17 5");
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        char text[sizeof whole];
        struct tare__process_stat stat;
        snprintf(text, sizeof text, "%.*s", (int)cut, whole);
        int result = tare__process_stat_parse(text, &stat);
        if (result == 0) {
            assert_true(cut > start_ends);
            assert_int_equal(stat.start_time_jiffies, 987654);
            assert_int_equal(stat.cpu, cut > cpu_ends ? 5 : -1);
        } else {
            assert_int_equal(result, -EINVAL);
            assert_true(cut <= start_ends);
        }
    }
}

static void what_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ")",
        ")(",
        "1 (x",
        "1 (x)",
        "1 (x) ",
        "1 (x) S",
        "1 (x) SS 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0\n",
        "1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 -5 0\n",
        "1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5x 0\n",
        "1 (x) S 1 1 1 0 -1 0 y 0 0 0 0 0 0 0 20 0 1 0 5 0\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct tare__process_stat stat;
        if (tare__process_stat_parse(texts[i], &stat) != -EINVAL) {
            fail_msg("accepted: %s", texts[i]);
        }
    }
}

/* One that nobody has waited for has ended, too. */
static void which_have_ended(void **state)
{
    (void)state;
    siginfo_t info;
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_true(tare__process_ended(child));
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(tare__process_ended(child));
    assert_false(tare__process_ended(getpid()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_there),
        cmocka_unit_test(cut_short_anywhere),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(which_have_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
