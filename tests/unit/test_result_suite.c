/* SPDX-License-Identifier: MIT */
/* What `tare suite` adds to a result: that it is written and read again, and what is refused. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "result/json.h"
#include "result/suite.h"

static struct tare_result *make(void)
{
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    result->kind = strdup("bench");
    result->tare_version = strdup("0");
    result->bench = tare_result_bench_new();
    result->suite = tare_result_suite_new("ffi", true);
    assert_non_null(result->suite);
    const struct tare_suite_side measured = {.label = (char *)"c", .about = (char *)"C", .arm = (char *)"A"};
    const struct tare_suite_side skipped = {.label = (char *)"node", .skipped = (char *)"there is no node"};
    const struct tare_suite_item item = {
        .benchmark = (char *)"noop", .group = (char *)"Calls", .about = (char *)"calls nothing"};
    const struct tare_suite_figure known = {.kind = (char *)"crossing",
                                            .benchmark = (char *)"noop",
                                            .side = (char *)"c",
                                            .unit = TARE_SUITE_NS,
                                            .value = -1.5,
                                            .low = -2,
                                            .high = -1};
    const struct tare_suite_figure unknown = {.kind = (char *)"crossover",
                                              .benchmark = (char *)"matmul",
                                              .unit = TARE_SUITE_COUNT,
                                              .value = NAN,
                                              .low = NAN,
                                              .high = NAN,
                                              .note = (char *)"not up to 64"};
    const struct tare_suite_hypothesis hypothesis = {.text = (char *)"a is faster than b",
                                                     .n = 12,
                                                     .estimate = 1.5,
                                                     .low = 1.25,
                                                     .high = 1.75,
                                                     .at_least = 1,
                                                     .at_most = NAN,
                                                     .p = 0.001,
                                                     .p_adjusted = 0.004,
                                                     .answer = TARE_SUITE_SUPPORTED};
    assert_int_equal(tare_suite_add_side(result->suite, &measured), 0);
    assert_int_equal(tare_suite_add_side(result->suite, &skipped), 0);
    assert_int_equal(tare_suite_add_item(result->suite, &item), 0);
    assert_int_equal(tare_suite_add_fact(result->suite, "quota", "none"), 0);
    assert_int_equal(tare_suite_add_fact(result->suite, "file system", NULL), 0);
    assert_int_equal(tare_suite_add_figure(result->suite, &known), 0);
    assert_int_equal(tare_suite_add_figure(result->suite, &unknown), 0);
    assert_int_equal(tare_suite_add_hypothesis(result->suite, &hypothesis), 0);
    return result;
}

static char *text_of(const struct tare_result *result, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    assert_non_null(out);
    assert_int_equal(tare_result_write_json(result, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void it_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct tare_result *result = make(), *read = NULL;
    size_t size, again_size;
    char message[200] = "", *text = text_of(result, &size);
    assert_int_equal(tare_result_parse_json(text, size, &read, message, sizeof message), 0);
    const struct tare_result_suite *suite = read->suite;
    assert_non_null(suite);
    assert_string_equal(suite->name, "ffi");
    assert_true(suite->quick);
    assert_int_equal(suite->side_count, 2);
    assert_string_equal(suite->sides[1].skipped, "there is no node");
    assert_null(suite->sides[1].arm);
    assert_string_equal(tare_suite_side_of_arm(suite, "A")->label, "c");
    assert_null(tare_suite_side_of_arm(suite, "B"));
    assert_string_equal(tare_suite_find_side(suite, "node")->label, "node");
    assert_null(suite->facts[1].value);
    assert_int_equal(suite->figures[0].unit, TARE_SUITE_NS);
    assert_true(suite->figures[0].value == -1.5);
    assert_true(isnan(suite->figures[1].value));
    assert_int_equal(suite->hypotheses[0].answer, TARE_SUITE_SUPPORTED);
    assert_true(isnan(suite->hypotheses[0].at_most));
    char *again = text_of(read, &again_size);
    assert_string_equal(text, again);
    free(again);
    free(text);
    tare_result_free(read);
    tare_result_free(result);
}

static void without_a_suite_there_is_none(void **state)
{
    (void)state;
    struct tare_result *result = make(), *read = NULL;
    tare_result_suite_free(result->suite);
    result->suite = NULL;
    size_t size;
    char message[200] = "", *text = text_of(result, &size);
    assert_null(strstr(text, "\"suite\""));
    assert_int_equal(tare_result_parse_json(text, size, &read, message, sizeof message), 0);
    assert_null(read->suite);
    free(text);
    tare_result_free(read);
    tare_result_free(result);
}

/* `from` in the text becomes `to`: it is refused, and `said` is in the message. */
static void refuses(const char *from, const char *to, const char *said)
{
    struct tare_result *result = make(), *read = NULL;
    size_t size;
    char message[200] = "", *text = text_of(result, &size), *changed = NULL;
    char *at = strstr(text, from);
    assert_non_null(at);
    assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    assert_int_equal(tare_result_parse_json(changed, strlen(changed), &read, message, sizeof message), -EINVAL);
    if (strstr(message, said) == NULL) {
        fail_msg("'%s' is not in '%s'", said, message);
    }
    assert_null(read);
    free(changed);
    free(text);
    tare_result_free(result);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    refuses("\"supported\"", "\"perhaps\"", "suite.hypotheses[0].answer");
    refuses("\"unit\": \"count\"", "\"unit\": \"furlong\"", "suite.figures[1].unit");
    refuses("\"sides\": [", "\"sides\": [3, ", "suite.sides[0]");
    refuses("\"facts\"", "\"facets\"", "suite.facts");
    refuses("\"quick\": true", "\"quick\": 1", "suite.quick");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_read_as_it_was_written),
        cmocka_unit_test(without_a_suite_there_is_none),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
