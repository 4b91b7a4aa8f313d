/* SPDX-License-Identifier: MIT */
/* What a benchmark program says, read: all of it, what a crash leaves of it, and what is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/lines.h"
#include "tests/unit/comma_locale.h"

#define HEAD "tare-bench 1\n"
#define LIST                                                                                                   \
    HEAD "case 0 plain threads=1 bench=plain line=7 file=a file.c\n"                                           \
         "case 1 copy/64/-8/threads:4 threads=4 args=64,-8 bench=copy line=12\n"                               \
         "end\n"
#define BLOCK                                                                                                  \
    HEAD "loop 0.2586\n"                                                                                       \
         "first 5210.5\n"                                                                                      \
         "sample 4096 398211.4\n"                                                                              \
         "sample 4096 -3.5\n"                                                                                  \
         "bytes 64\n"                                                                                          \
         "items 1.5\n"                                                                                         \
         "wait 120000\n"                                                                                       \
         "migrations 1\n"                                                                                      \
         "cpu 4801234\n"                                                                                       \
         "involuntary 2\n"                                                                                     \
         "with\n"                                                                                              \
         "count page_faults 0.001\n"                                                                           \
         "count cycles 12\n"                                                                                   \
         "end\n"

/* A copy without a NUL behind it, so that a sanitizer sees who reads on. */
static char *bare(const char *text, size_t *size)
{
    *size = strlen(text);
    char *copy = malloc(*size + (*size == 0));
    assert_non_null(copy);
    memcpy(copy, text, *size);
    return copy;
}

static int read_list(const char *text, struct bench_list *list, char message[256])
{
    size_t size;
    char *copy = bare(text, &size);
    *message = '\0';
    int result = bench_lines_list(copy, size, list, message, 256);
    free(copy);
    return result;
}

static int read_block(const char *text, struct bench_block *block, char message[256])
{
    size_t size;
    char *copy = bare(text, &size);
    *message = '\0';
    int result = bench_lines_block(copy, size, block, message, 256);
    free(copy);
    return result;
}

static void a_list_is_read(void **state)
{
    (void)state;
    struct bench_list list;
    char message[256];
    assert_int_equal(read_list(LIST, &list, message), 0);
    assert_string_equal(message, "");
    assert_int_equal(list.count, 2);
    assert_string_equal(list.cases[0].name, "plain");
    assert_string_equal(list.cases[0].file, "a file.c");
    assert_int_equal(list.cases[0].line, 7);
    assert_int_equal(list.cases[0].arg_count, 0);
    assert_string_equal(list.cases[1].name, "copy/64/-8/threads:4");
    assert_string_equal(list.cases[1].bench, "copy");
    assert_int_equal(list.cases[1].threads, 4);
    assert_int_equal(list.cases[1].arg_count, 2);
    assert_true(list.cases[1].args[0] == 64 && list.cases[1].args[1] == -8);
    assert_null(list.cases[1].file);
    bench_list_release(&list);
    bench_list_release(&list); /* again does no harm */
    assert_int_equal(read_list(HEAD "end\n", &list, message), 0);
    assert_int_equal(list.count, 0);
    bench_list_release(&list);
}

static void a_block_is_read(void **state)
{
    (void)state;
    struct bench_block block;
    char message[256];
    assert_int_equal(read_block(BLOCK, &block, message), 0);
    assert_true(block.complete && block.with && block.failed == NULL);
    assert_int_equal(block.sample_count, 2);
    assert_int_equal(block.samples[0].iterations, 4096);
    assert_true(block.samples[0].ns == 398211.4 && block.samples[1].ns == -3.5);
    assert_true(block.first_ns == 5210.5 && block.loop_ns == 0.2586 && block.bytes == 64 && block.items == 1.5);
    assert_true(block.wait_ns == 120000 && block.cpu_ns == 4801234 && block.migrations == 1 &&
                block.involuntary == 2);
    assert_int_equal(block.count_count, 2);
    assert_string_equal(block.counts[0].name, "page_faults");
    assert_true(block.counts[0].per_iteration == 0.001 && block.counts[1].per_iteration == 12);
    bench_block_release(&block);
    bench_block_release(&block);
}

static void what_is_not_said_is_unknown(void **state)
{
    (void)state;
    struct bench_block block;
    char message[256];
    assert_int_equal(read_block(HEAD, &block, message), 0);
    assert_false(block.complete || block.with);
    assert_int_equal(block.sample_count, 0);
    assert_int_equal(block.count_count, 0);
    assert_true(isnan(block.first_ns) && isnan(block.loop_ns) && isnan(block.bytes) && isnan(block.items));
    assert_true(isnan(block.wait_ns) && isnan(block.cpu_ns) && isnan(block.migrations) &&
                isnan(block.involuntary));
    bench_block_release(&block);
}

static void a_failure_is_read(void **state)
{
    (void)state;
    struct bench_block block;
    char message[256];
    assert_int_equal(read_block(HEAD "first 5\nfailed tare_require(x == 3) in a.c:20\n", &block, message), 0);
    assert_string_equal(block.failed, "tare_require(x == 3) in a.c:20");
    assert_false(block.complete);
    bench_block_release(&block);
    struct bench_list list;
    assert_int_equal(read_list(HEAD "failed benchmark 'x' is declared twice\n", &list, message), -EINVAL);
    assert_string_equal(message, "benchmark 'x' is declared twice");
    bench_list_release(&list);
}

static void a_crash_leaves_what_was_said(void **state)
{
    (void)state;
    for (size_t size = 0; size < strlen(BLOCK); size++) {
        char text[sizeof(BLOCK)], message[256];
        memcpy(text, BLOCK, size);
        text[size] = '\0';
        struct bench_block block;
        assert_int_equal(read_block(text, &block, message), 0);
        assert_false(block.complete);
        assert_int_equal(block.sample_count >= 1, strstr(text, ".4\n") != NULL);
        bench_block_release(&block);
    }
    for (size_t size = 0; size < strlen(LIST); size++) { /* half a list is none */
        char text[sizeof(LIST)], message[256];
        memcpy(text, LIST, size);
        text[size] = '\0';
        struct bench_list list;
        assert_int_equal(read_list(text, &list, message), -EINVAL);
        assert_string_not_equal(message, "");
        bench_list_release(&list);
    }
}

static void numbers_have_a_point_in_every_locale(void **state)
{
    (void)state;
    if (!comma_locale_begin()) {
        print_message("skipped: no locale with a decimal comma\n");
        skip();
    }
    struct bench_block block;
    char message[256];
    int result = read_block(BLOCK, &block, message);
    comma_locale_end();
    assert_int_equal(result, 0);
    assert_true(block.loop_ns == 0.2586);
    bench_block_release(&block);
}

struct refused {
    const char *text, *message;
};

static void damaged_lists_are_refused(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"", "not from a benchmark program"},
        {"hello\n", "line 1: not from a benchmark program"},
        {"tare-bench 2\n", "line 1: version 2, and this tare reads 1"},
        {HEAD, "the list has no end"},
        {HEAD "sample 1 1\n", "line 2: not a line of this job"},
        {HEAD "\n", "line 2: not a line of this job"},
        {HEAD "case 1 x threads=1 bench=x line=1\n", "line 2: not the number of the next case"},
        {HEAD "case x x threads=1 bench=x line=1\n", "line 2: not the number of the next case"},
        {HEAD "case 0\n", "line 2: no new name of a case"},
        {HEAD "case 0  threads=1 bench=x line=1\n", "line 2: no new name of a case"},
        {HEAD "case 0 \033x threads=1 bench=x line=1\n", "line 2: no new name of a case"},
        {HEAD "case 0 x threads=1 bench=x line=1\ncase 1 x threads=1 bench=x line=1\n",
         "line 3: no new name of a case"},
        {HEAD "case 0 x threads=0 bench=x line=1\n", "line 2: no number of threads"},
        {HEAD "case 0 x bench=x line=1\n", "line 2: no number of threads"},
        {HEAD "case 0 x threads=1 args= bench=x line=1\n", "line 2: no arguments of a case"},
        {HEAD "case 0 x threads=1 args=1,,2 bench=x line=1\n", "line 2: no arguments of a case"},
        {HEAD "case 0 x threads=1 args=1,2,3,4,5,6,7,8,9 bench=x line=1\n", "line 2: no arguments of a case"},
        {HEAD "case 0 x threads=1 args=1e9 bench=x line=1\n", "line 2: no arguments of a case"},
        {HEAD "case 0 x threads=1 line=1\n", "line 2: no name of a benchmark"},
        {HEAD "case 0 x threads=1 bench=x\n", "line 2: no line of the source"},
        {HEAD "case 0 x threads=1 bench=x line=-1\n", "line 2: no line of the source"},
        {HEAD "case 0 x threads=1 bench=x line=1 file=\n", "line 2: no file of the source"},
        {HEAD "case 0 x threads=1 bench=x line=1 file=\ta\n", "line 2: no file of the source"},
        {HEAD "end\nend\n", "line 3: something behind the end"},
        {HEAD "failed\n", "line 2: no reason of a failure"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench_list list;
        char message[256];
        if (read_list(cases[i].text, &list, message) != -EINVAL || strcmp(message, cases[i].message) != 0) {
            fail_msg("case %zu: '%s' instead of '%s'", i, message, cases[i].message);
        }
        bench_list_release(&list);
    }
}

static void damaged_blocks_are_refused(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"sample 1 1\n", "line 1: not from a benchmark program"},
        {HEAD "case 0 x threads=1 bench=x line=1\n", "line 2: not a line of this job"},
        {HEAD "sample\n", "line 2: no sample"},
        {HEAD "sample 0 5\n", "line 2: no sample"},
        {HEAD "sample -1 5\n", "line 2: no sample"},
        {HEAD "sample 5\n", "line 2: no sample"},
        {HEAD "sample 5 nan\n", "line 2: no sample"},
        {HEAD "sample 5 1e5\n", "line 2: no sample"},
        {HEAD "sample 5 .5\n", "line 2: no sample"},
        {HEAD "sample 5 5.\n", "line 2: no sample"},
        {HEAD "sample 5 1.5.2\n", "line 2: no sample"},
        {HEAD "sample 5 -\n", "line 2: no sample"},
        {HEAD "sample 5 12345678901234567890\n", "line 2: no sample"},
        {HEAD "sample 9223372036854775808 5\n", "line 2: no sample"},
        {HEAD "\n", "line 2: not a line of this job"},
        {HEAD "\033[2J 1\n", "line 2: not a line of this job"},
        {HEAD "first\n", "line 2: no number of 'first'"},
        {HEAD "wait -1\n", "line 2: no number of 'wait'"},
        {HEAD "cpu -0.5\n", "line 2: no number of 'cpu'"},
        {HEAD "migrations 9007199254740992\n", "line 2: no number of 'migrations'"},
        {HEAD "involuntary 9999999999999999999\n", "line 2: no number of 'involuntary'"},
        {HEAD "first 1\nfirst 2\n", "line 3: 'first' for the second time"},
        {HEAD "count\n", "line 2: no name of a count"},
        {HEAD "count a-name-that-is-longer-than-there-is-room-for 1\n", "line 2: no name of a count"},
        {HEAD "count cycles\n", "line 2: no number of 'cycles'"},
        {HEAD "count cycles 1\ncount cycles 1\n", "line 3: 'cycles' for the second time"},
        {HEAD "failed a\nfailed b\n", "line 3: 'failed' for the second time"},
        {HEAD "failed a\033[2J\n", "line 2: no reason of a failure"},
        {HEAD "end\nfirst 1\n", "line 3: something behind the end"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench_block block;
        char message[256];
        if (read_block(cases[i].text, &block, message) != -EINVAL || strcmp(message, cases[i].message) != 0) {
            fail_msg("case %zu: '%s' instead of '%s'", i, message, cases[i].message);
        }
        assert_false(block.complete);
        bench_block_release(&block);
    }
}

/* Of another age than this reader, within the version. */
static void what_is_not_known_is_passed_over(void **state)
{
    (void)state;
    struct bench_block block;
    struct bench_list list;
    char message[256];
    assert_int_equal(read_block("tare-bench 1 more\nheat 40 C\nsample 5 6 7\nwait 9007199254740991 ns\n"
                                "with more\ncount cycles 2 more\nend now\n",
                                &block, message),
                     0);
    assert_true(block.complete && block.with && block.sample_count == 1 && block.samples[0].ns == 6);
    assert_true(block.wait_ns == 9007199254740991.0 && block.count_count == 1);
    bench_block_release(&block);
    assert_int_equal(
        read_list(HEAD "group all\ncase 0 x threads=1 bench=x line=3 unit=ns\nend\n", &list, message), 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.cases[0].line, 3);
    assert_null(list.cases[0].file);
    bench_list_release(&list);
}

static void lines_that_are_too_long_are_refused(void **state)
{
    (void)state;
    char text[BENCH_LINE_MAX + 64] = HEAD, message[256];
    size_t at = strlen(text);
    memset(text + at, 'x', BENCH_LINE_MAX);
    memcpy(text + at + BENCH_LINE_MAX, "\n", 2);
    struct bench_block block;
    assert_int_equal(read_block(text, &block, message), -EINVAL);
    assert_string_equal(message, "line 2: too long, or not text");
    bench_block_release(&block);
    static const char nul[] = HEAD "first\0 2\n";
    assert_int_equal(bench_lines_block(nul, sizeof(nul) - 1, &block, message, sizeof(message)), -EINVAL);
    bench_block_release(&block);
}

static void more_than_there_is_room_for_is_refused(void **state)
{
    (void)state;
    size_t room = 64 + 64 * (size_t)(BENCH_CASES_MAX > BENCH_SAMPLES_MAX ? BENCH_CASES_MAX : BENCH_SAMPLES_MAX),
           at;
    char *text = malloc(room), message[256];
    assert_non_null(text);
    at = (size_t)snprintf(text, room, HEAD);
    for (int i = 0; i <= BENCH_CASES_MAX; i++) {
        at += (size_t)snprintf(text + at, room - at, "case %d x/%d threads=1 bench=x line=1\n", i, i);
    }
    struct bench_list list;
    assert_int_equal(read_list(text, &list, message), -EINVAL);
    assert_int_equal(list.count, BENCH_CASES_MAX);
    bench_list_release(&list);
    struct bench_block block;
    at = (size_t)snprintf(text, room, HEAD);
    for (int i = 0; i <= BENCH_SAMPLES_MAX; i++) {
        at += (size_t)snprintf(text + at, room - at, "sample %d %d\n", i + 1, i);
    }
    assert_int_equal(read_block(text, &block, message), -EINVAL);
    assert_int_equal(block.sample_count, BENCH_SAMPLES_MAX);
    bench_block_release(&block);
    at = (size_t)snprintf(text, room, HEAD);
    for (int i = 0; i <= BENCH_COUNTS_MAX; i++) {
        at += (size_t)snprintf(text + at, room - at, "count c%d 1\n", i);
    }
    assert_int_equal(read_block(text, &block, message), -EINVAL);
    assert_int_equal(block.count_count, BENCH_COUNTS_MAX);
    bench_block_release(&block);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read),
        cmocka_unit_test(a_block_is_read),
        cmocka_unit_test(what_is_not_said_is_unknown),
        cmocka_unit_test(a_failure_is_read),
        cmocka_unit_test(a_crash_leaves_what_was_said),
        cmocka_unit_test(numbers_have_a_point_in_every_locale),
        cmocka_unit_test(damaged_lists_are_refused),
        cmocka_unit_test(damaged_blocks_are_refused),
        cmocka_unit_test(what_is_not_known_is_passed_over),
        cmocka_unit_test(lines_that_are_too_long_are_refused),
        cmocka_unit_test(more_than_there_is_room_for_is_refused),
    };
    return cmocka_run_group_tests_name("bench_lines", tests, NULL, NULL);
}
