/* SPDX-License-Identifier: MIT */
/* What tare-rungs writes, read: all of it, what an interruption leaves of it, and what is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/lines.h"

#define HEAD "tare-rungs 1\n"
#define RUNGS                                                                                                  \
    "cpus 1 -1\n"                                                                                              \
    "ring l1 24576 known\n"                                                                                    \
    "ring l2 524288 assumed\n"                                                                                 \
    "rung chain-5 single chain-5\n"                                                                            \
    "rung nest nest nest-a nest-b\n"                                                                           \
    "rung two-threads other two-threads\n"                                                                     \
    "skip two-threads there is one processor\n"
#define FIRST "pair 0 0 700 50000 9500 50001 700 700 49000 0 0 0\n"
#define SECOND "pair 1 0 40 50002 75 49999 40 40 60000 800 90 20 160 50003 80 80 30000 720 80 10\n"
#define THIRD "pair 0 1 700 50004 9500 50005 700 700 49001 0 0 0\n"
#define WHOLE HEAD RUNGS FIRST SECOND THIRD "end 2\n"

static int parse(const char *text, struct verify_run *run, char message[256])
{
    /* Without a NUL behind it, so that a sanitizer sees who reads on. */
    size_t size = strlen(text);
    char *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, text, size);
    *message = '\0';
    int result = verify_lines_parse(copy, size, run, message, 256);
    free(copy);
    return result;
}

static void all_of_it_is_read(void **state)
{
    (void)state;
    struct verify_run run;
    char message[256];
    assert_int_equal(parse(WHOLE, &run, message), 0);
    assert_true(run.complete);
    assert_int_equal(run.repetitions, 2);
    assert_int_equal(run.cpu, 1);
    assert_int_equal(run.second_cpu, -1);
    assert_string_equal(run.rings[1].name, "l2");
    assert_int_equal(run.rings[1].bytes, 524288);
    assert_true(run.rings[0].known && !run.rings[1].known);
    assert_int_equal(run.rings[2].bytes, 0);
    assert_int_equal(run.rung_count, 3);
    assert_int_equal(run.rungs[1].class, VERIFY_NEST);
    assert_int_equal(run.rungs[1].levels, 2);
    assert_string_equal(run.rungs[1].level_name[1], "nest-b");
    assert_string_equal(run.rungs[2].skipped, "there is one processor");
    assert_string_equal(run.rungs[0].skipped, "");
    assert_int_equal(run.rungs[0].pair_count, 2);
    assert_int_equal(run.rungs[0].pairs[1].repetition, 1);
    const struct verify_pair *pair = &run.rungs[1].pairs[0];
    assert_int_equal(pair->timed_calls, 40);
    assert_int_equal(pair->timed_ns, 50002);
    assert_int_equal(pair->level[0].bare_calls, 75);
    assert_int_equal(pair->level[0].uncounted, 20);
    assert_int_equal(pair->level[1].bare_ns, 50003);
    assert_int_equal(pair->level[1].outermost, 80);
    assert_int_equal(pair->level[1].ticks, 30000);
    assert_int_equal(pair->level[1].within, 720);
    assert_int_equal(pair->level[1].closeness, 80);
    verify_run_release(&run);
    verify_run_release(&run); /* again does no harm */
}

static void an_interruption_leaves_what_came_before(void **state)
{
    (void)state;
    size_t whole = strlen(WHOLE);
    for (size_t size = 0; size < whole; size++) {
        char text[sizeof(WHOLE)], message[256];
        memcpy(text, WHOLE, size);
        text[size] = '\0';
        struct verify_run run;
        assert_int_equal(parse(text, &run, message), 0);
        assert_false(run.complete);
        assert_true(run.rungs[0].pair_count <= 2);
        verify_run_release(&run);
    }
}

static void damaged_lines_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"hello\n", "line 1: not from tare-rungs"},
        {"\n", "line 1: not from tare-rungs"},
        {"tare-rungs 2\n", "line 1: version 2, and this tare reads 1"},
        {"tare-rungs 1 2\n", "line 1: more words than expected"},
        {HEAD "\n", "line 2: not a line that is known"},
        {HEAD "cpus 1\n", "line 2: no two processors"},
        {HEAD "cpus 1 2x\n", "line 2: no two processors"},
        {HEAD "cpus -2 0\n", "line 2: no two processors"},
        {HEAD "ring l1 0 known\n", "line 2: no ring"},
        {HEAD "ring l1 99 perhaps\n", "line 2: no ring"},
        {HEAD "rung x\n", "line 2: no class of a rung"},
        {HEAD "rung x single\n", "line 2: a rung without timers"},
        {HEAD "rung X single x\n", "line 2: no new name of a rung"},
        {HEAD "rung x\033 single x\n", "line 2: no new name of a rung"},
        {HEAD "rung x single x\nrung x single x\n", "line 3: no new name of a rung"},
        {HEAD "rung x single a b c d e\n", "line 2: no name of a timer"},
        {HEAD "rung x single \n", "line 2: no name of a timer"},
        {HEAD "rung a2345678901234567890123456789012 single x\n", "line 2: no new name of a rung"},
        {HEAD "skip x because\n", "line 2: no rung, or no reason to skip it"},
        {HEAD "rung x single x\nskip x \n", "line 3: no rung, or no reason to skip it"},
        {HEAD "rung x single x\nskip x \033[2J\n", "line 3: a reason that cannot be printed"},
        {HEAD FIRST, "line 2: no pair of blocks"},
        {HEAD RUNGS "pair 3 0 1 1 1 1 1 1 1 0 0 0\n", "line 9: no pair of blocks"},
        {HEAD RUNGS "pair 0 1 1 1 1 1 1 1 1 0 0 0\n", "line 9: no pair of blocks"},
        {HEAD RUNGS "pair 0 0 0 1 1 1 1 1 1 0 0 0\n", "line 9: no pair of blocks"},
        {HEAD RUNGS "pair 0 0 1 0 1 1 1 1 1 0 0 0\n", "line 9: no pair of blocks"},
        {HEAD RUNGS "pair 0 0 1 1 0 1 1 1 1 0 0 0\n", "line 9: no figures of 'chain-5'"},
        {HEAD RUNGS "pair 0 0 1 1 1 0 1 1 1 0 0 0\n", "line 9: no figures of 'chain-5'"},
        {HEAD RUNGS "pair 0 0 1 1 1 1 1 2 1 0 0 0\n", "line 9: no figures of 'chain-5'"},
        {HEAD RUNGS "pair 0 0 1 1 1 1 1 0 1 0 0 0\n", "line 9: no figures of 'chain-5'"},
        {HEAD RUNGS "pair 0 0 1 1 1 1 1 1 -1 0 0 0\n", "line 9: no figures of 'chain-5'"},
        {HEAD RUNGS "pair 0 0 1 1 1 1 1 1 1 1 0 2\n", "line 9: no figures of 'chain-5'"},
        {HEAD RUNGS "pair 0 0 1 1 1 1 1 1 1 0 0\n", "line 9: no figures of 'chain-5'"},
        {HEAD RUNGS "pair 0 0 1 1 1 1 1 1 9223372036854775808 0 0 0\n", "line 9: no figures of 'chain-5'"},
        {HEAD RUNGS "pair 0 0 1 1 1 1 1 1 99999999999999999999 0 0 0\n", "line 9: no figures of 'chain-5'"},
        {HEAD RUNGS "pair 1 0 1 1 1 1 1 1 1 0 0 0\n", "line 9: no figures of 'nest-b'"},
        {HEAD RUNGS "pair 0 0 1 1 1 1 1 1 1 0 0 0 0\n", "line 9: more words than expected"},
        {HEAD RUNGS FIRST THIRD "pair 0 0 1 1 1 1 1 1 1 0 0 0\n", "line 11: no pair of blocks"},
        {HEAD RUNGS FIRST "end 2\n", "line 10: another number of repetitions than there were"},
        {WHOLE "end 2\n", "line 13: something behind the end"},
        {WHOLE FIRST, "line 13: something behind the end"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct verify_run run;
        char message[256];
        if (parse(cases[i].text, &run, message) != -EINVAL || strcmp(message, cases[i].message) != 0) {
            fail_msg("case %zu: '%s' instead of '%s'", i, message, cases[i].message);
        }
        verify_run_release(&run);
    }
}

static void lines_that_are_too_long_are_refused(void **state)
{
    (void)state;
    char text[VERIFY_LINE_MAX + 64] = HEAD, message[256];
    size_t at = strlen(text);
    memset(text + at, 'x', VERIFY_LINE_MAX);
    memcpy(text + at + VERIFY_LINE_MAX, "\n", 2);
    struct verify_run run;
    assert_int_equal(parse(text, &run, message), -EINVAL);
    assert_string_equal(message, "line 2: too long, or not text");
    verify_run_release(&run);
    static const char nul[] = HEAD "cpus 1\0 2\n";
    assert_int_equal(verify_lines_parse(nul, sizeof(nul) - 1, &run, message, sizeof(message)), -EINVAL);
    verify_run_release(&run);
}

static void more_than_there_is_room_for_is_refused(void **state)
{
    (void)state;
    char text[VERIFY_RUNGS_MAX * 32 + 256] = HEAD, message[256];
    size_t at = strlen(text);
    for (int i = 0; i <= VERIFY_RUNGS_MAX; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "rung r%d single r%d\n", i, i);
    }
    struct verify_run run;
    assert_int_equal(parse(text, &run, message), -EINVAL);
    assert_int_equal(run.rung_count, VERIFY_RUNGS_MAX);
    verify_run_release(&run);
    at = (size_t)snprintf(text, sizeof(text), HEAD);
    for (int i = 0; i <= VERIFY_LEVELS_MAX; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "ring l%d 64 known\n", i);
    }
    assert_int_equal(parse(text, &run, message), -EINVAL);
    verify_run_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_read),
        cmocka_unit_test(an_interruption_leaves_what_came_before),
        cmocka_unit_test(damaged_lines_are_refused),
        cmocka_unit_test(lines_that_are_too_long_are_refused),
        cmocka_unit_test(more_than_there_is_room_for_is_refused),
    };
    return cmocka_run_group_tests_name("rungs", tests, NULL, NULL);
}
