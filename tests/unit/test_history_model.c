/* SPDX-License-Identifier: MIT */
/* history/model.h: ids that are of the content, the order of points, and the bytes of blocks' values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "history/model.h"
#include "stats/random.h"

/* Of structures that own their strings, and are not released here. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

static struct tare_history_series sample_series(void)
{
    return (struct tare_history_series){
        .project = TEXT("engine"),
        .suite = TEXT("ring"),
        .name = TEXT("write"),
        .arguments = TEXT("64"),
        .metric = TEXT("median"),
        .unit = TEXT("ns"),
        .fingerprint = TEXT("0123abcd"),
        .harness = TEXT("tare 0.1"),
        .settings = TEXT("clock=tsc-ordered"),
    };
}

/* Packing */

static void there_and_back(const double *values, size_t count, void **bytes, size_t *size, double **back)
{
    size_t got;
    assert_int_equal(tare_history_pack(values, count, bytes, size), 0);
    assert_int_equal(tare_history_unpack(*bytes, *size, back, &got), 0);
    assert_int_equal(got, count);
}

static void values_come_back(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 1);
    for (size_t count = 1; count < 300; count = count * 3 / 2 + 1) {
        double values[300], *back;
        void *bytes;
        size_t size;
        for (size_t i = 0; i < count; i++) {
            values[i] = 812.25 * (1 + 0.02 * (tare_random_uniform(&random) - 0.5));
        }
        there_and_back(values, count, &bytes, &size, &back);
        assert_true(size <= 3 + 8 * count);
        assert_memory_equal(back, values, count * sizeof *values);
        free(bytes);
        free(back);
    }
}

static void values_are_exact(void **state)
{
    (void)state;
    static const double sets[][3] = {
        {0, 1, -3},       {16777215, 16777216, 2},    {16777217, 0.1, 3},   {1e300, 0.1, -1e-3},
        {1e-300, 7, 0.3}, {9007199254740991.0, 1, 0}, {-0.0, INFINITY, -7}, {DBL_MIN, DBL_MAX, 0.25},
    };
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        double *back;
        void *bytes;
        size_t size;
        there_and_back(sets[i], 3, &bytes, &size, &back);
        assert_memory_equal(back, sets[i], sizeof sets[i]);
        free(bytes);
        free(back);
    }
}

static void unknown_values_stay_unknown(void **state)
{
    (void)state;
    const double values[] = {1.5, NAN, 1e200};
    for (size_t count = 2; count <= 3; count++) { /* as floats, as doubles */
        double *back;
        void *bytes;
        size_t size;
        there_and_back(values, count, &bytes, &size, &back);
        assert_true(back[0] == 1.5);
        assert_true(isnan(back[1]));
        free(bytes);
        free(back);
    }
}

static void no_values_are_no_bytes(void **state)
{
    (void)state;
    void *bytes = (void *)1;
    size_t size = 1;
    double *values = (double *)1;
    size_t count = 1;
    assert_int_equal(tare_history_pack(NULL, 0, &bytes, &size), 0);
    assert_null(bytes);
    assert_int_equal(size, 0);
    assert_int_equal(tare_history_unpack(NULL, 0, &values, &count), 0);
    assert_null(values);
    assert_int_equal(count, 0);
}

/* docs/history.md: 1.5, 2.5, -0.1 as a float has it, and 3, as floats; too few to gain by deflating. */
static void the_documents_example(void **state)
{
    (void)state;
    static const double values[] = {1.5, 2.5, (double)-0.1F, 3};
    static const uint8_t expected[] = {0x01, 0x04, 0x00, 0x00, 0xcd, 0x00, 0x00, 0x00, 0xcc,
                                       0x00, 0xc0, 0x20, 0xcc, 0x40, 0x3f, 0x40, 0xbd, 0x40};
    void *bytes;
    size_t size;
    assert_int_equal(tare_history_pack(values, 4, &bytes, &size), 0);
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(bytes, expected, size);
    free(bytes);
}

/* The text of docs/history.md; NULL: the tests do not know where it is. */
static char *read_document(void)
{
    const char *source = getenv("TARE_SOURCE_DIR");
    char path[4096], *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/docs/history.md", source != NULL ? source : ".");
    FILE *in = source != NULL ? fopen(path, "r") : NULL;
    if (in != NULL) {
        assert_true(getdelim(&text, &size, '\0', in) > 0);
        fclose(in);
    }
    return text;
}

/* What this program makes of the document's examples stands in it. */
static void the_document_is_right(void **state)
{
    (void)state;
    static const double values[] = {1.5, 2.5, (double)-0.1F, 3};
    struct tare_history_series series = sample_series();
    const int64_t ids[] = {
        tare_history_series_id(&series), tare_history_project_id("engine"),
        tare_history_run_id("engine", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")};
    char *document = read_document(), line[128] = "   ";
    if (document == NULL) {
        print_message("skipped: no TARE_SOURCE_DIR\n");
        skip();
    }
    void *bytes;
    size_t size;
    assert_int_equal(tare_history_pack(values, 4, &bytes, &size), 0);
    for (size_t i = 0; i < size; i++) { /* in groups, as they are there */
        snprintf(line + strlen(line), sizeof line - strlen(line), "%s %02x", i > 0 && i % 4 == 2 ? " " : "",
                 ((uint8_t *)bytes)[i]);
    }
    assert_non_null(strstr(document, line));
    free(bytes);
    for (size_t i = 0; i < 3; i++) {
        snprintf(line, sizeof line, " %016llx\n", (unsigned long long)ids[i]);
        assert_non_null(strstr(document, line));
    }
    free(document);
}

static void equal_values_take_next_to_nothing(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    double *values = calloc(COUNT, sizeof *values), *back;
    void *bytes;
    size_t size;
    assert_non_null(values);
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = 12.25;
    }
    there_and_back(values, COUNT, &bytes, &size, &back);
#if TARE_HAVE_ZLIB
    assert_true(size < 1000);
#endif
    assert_memory_equal(back, values, COUNT * sizeof *values);
    free(values);
    free(bytes);
    free(back);
}

static void too_many_values_are_refused(void **state)
{
    (void)state;
    size_t count = (size_t)TARE_HISTORY_VALUES_MAX + 1;
    double *values = calloc(count, sizeof *values), *back;
    void *bytes;
    size_t size;
    assert_non_null(values);
    assert_int_equal(tare_history_pack(values, count, &bytes, &size), -EINVAL);
    there_and_back(values, count - 1, &bytes, &size, &back);
    free(bytes);
    free(back);
    free(values);
}

static void damaged_bytes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t size;
        uint8_t bytes[16];
    } cases[] = {
        {"no count", 1, {0x01}},
        {"a form that is none", 6, {0x03, 1, 0, 0, 0, 0}},
        {"another flag", 6, {0x21, 1, 0, 0, 0, 0}},
        {"no values", 2, {0x01, 0}},
        {"a value too few", 6, {0x01, 2, 0, 0, 0, 0}},
        {"a byte too many", 7, {0x01, 1, 0, 0, 0, 0, 0}},
        {"a count with a byte too many", 7, {0x01, 0x81, 0x00, 0, 0, 0, 0}},
        {"a count that does not end", 6, {0x01, 0xff, 0xff, 0xff, 0xff, 0x00}},
        {"a count above the most", 5, {0x11, 0x81, 0x80, 0x40, 0}},
        {"deflated nothing", 2, {0x11, 8}},
        {"deflated noise", 8, {0x11, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
        {"more than so few bytes can become", 5, {0x11, 0xff, 0xff, 0x3f, 0x03}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double *values;
        size_t count;
        int result = tare_history_unpack(cases[i].bytes, cases[i].size, &values, &count);
        if (result != -EINVAL || values != NULL || count != 0) {
            fail_msg("%s: %d", cases[i].what, result);
        }
    }
}

static void every_cut_and_every_surplus_is_refused(void **state)
{
    (void)state;
    double values[64], *back;
    void *bytes;
    size_t size, count;
    for (size_t i = 0; i < 64; i++) {
        values[i] = 100.0 + 0.125 * (double)(i % 5);
    }
    assert_int_equal(tare_history_pack(values, 64, &bytes, &size), 0);
#if TARE_HAVE_ZLIB
    assert_int_equal(((uint8_t *)bytes)[0], 0x11);
#endif
    for (size_t cut = 1; cut < size; cut++) {
        assert_int_equal(tare_history_unpack(bytes, cut, &back, &count), -EINVAL);
    }
    uint8_t *longer = calloc(size + 1, 1);
    assert_non_null(longer);
    memcpy(longer, bytes, size);
    assert_int_equal(tare_history_unpack(longer, size + 1, &back, &count), -EINVAL);
    free(longer);
    free(bytes);
}

/* Ids */

/* docs/history.md recomputes the same by sha256sum. */
static void ids_are_those_of_the_document(void **state)
{
    (void)state;
    struct tare_history_series series = sample_series();
    assert_int_equal(tare_history_series_id(&series), INT64_C(0x2e78c12e4fa62b3c));
    assert_int_equal(tare_history_project_id("engine"), INT64_C(0x03683d2fee424248));
    assert_int_equal(
        tare_history_run_id("engine", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        INT64_C(0x29a54647d9a6c846));
    assert_int_equal(tare_history_import_id("engine",
                                            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                            "0123456789012345678901234567890123456789"),
                     INT64_C(0x4ca4356872d5a797));
}

static void every_part_of_a_series_key_makes_another_id(void **state)
{
    (void)state;
    struct tare_history_series series = sample_series();
    char **parts[] = {&series.project, &series.suite,       &series.name,    &series.arguments, &series.metric,
                      &series.unit,    &series.fingerprint, &series.harness, &series.settings};
    enum { PARTS = sizeof parts / sizeof parts[0] };
    int64_t ids[PARTS + 1] = {tare_history_series_id(&series)};
    for (size_t i = 0; i < PARTS; i++) {
        char *was = *parts[i];
        *parts[i] = TEXT("other");
        ids[i + 1] = tare_history_series_id(&series);
        *parts[i] = was;
    }
    for (size_t i = 0; i <= PARTS; i++) {
        assert_true(ids[i] >= 0);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(ids[i], ids[k]);
        }
    }
    series.better = TARE_BETTER_HIGHER;
    assert_int_equal(tare_history_series_id(&series), ids[0]);
}

/* "ab" + "c" is not "a" + "bc", and what is empty counts. */
static void texts_do_not_run_into_each_other(void **state)
{
    (void)state;
    struct tare_history_series a = {.suite = TEXT("ab"), .name = TEXT("c")};
    struct tare_history_series b = {.suite = TEXT("a"), .name = TEXT("bc")};
    struct tare_history_series c = {.suite = TEXT("abc"), .name = TEXT("")};
    struct tare_history_series d = {.suite = TEXT("abc"), .name = NULL};
    assert_int_not_equal(tare_history_series_id(&a), tare_history_series_id(&b));
    assert_int_not_equal(tare_history_series_id(&a), tare_history_series_id(&c));
    assert_int_equal(tare_history_series_id(&c), tare_history_series_id(&d));
    assert_int_not_equal(tare_history_run_id("ab", "c"), tare_history_run_id("a", "bc"));
}

/* Records */

static void a_finished_record_is_whole(void **state)
{
    (void)state;
    struct tare_history_record record;
    tare_history_record_init(&record);
    assert_int_equal(record.run.dirty, -1);
    for (size_t i = 0; i < 5; i++) {
        struct tare_history_line *line = tare_history_record_add(&record);
        assert_non_null(line);
        assert_int_equal(line->count, 1);
        assert_true(isnan(line->points[0].value));
        assert_int_equal(line->points[0].n, TARE_HISTORY_UNKNOWN);
        line->series.name = strdup(i == 3 ? "two" : (const char *[]){"one", "two", "three", "", "four"}[i]);
        line->points[0].value = (double)i;
    }
    record.raw = strdup("abc");
    record.raw_size = 3;
    assert_int_equal(tare_history_record_finish(&record), 0);
    assert_string_equal(record.run.digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(record.run.raw_size, 3);
    assert_int_equal(record.run.id, tare_history_run_id("default", record.run.digest));
    assert_int_equal(record.line_count, 4); /* the second "two" is left out */
    const double values[] = {0, 1, 2, 4};
    for (size_t i = 0; i < 4; i++) {
        const struct tare_history_line *line = &record.lines[i];
        assert_true(line->points[0].value == values[i]);
        assert_int_equal(line->points[0].run, record.run.id);
        assert_string_equal(line->series.project, "default");
        assert_string_equal(line->series.settings, "");
        assert_int_equal(line->series.id, tare_history_series_id(&line->series));
    }
    assert_non_null(tare_history_record_add(&record));
    tare_history_record_release(&record);
    assert_null(record.lines);
    tare_history_record_release(&record);
}

static void titles(void **state)
{
    (void)state;
    static const struct {
        struct tare_history_series series;
        const char *title;
    } cases[] = {
        {{.suite = TEXT("ring"), .name = TEXT("write"), .arguments = TEXT("64/2"), .metric = TEXT("median")},
         "ring::write/64/2 median"},
        {{.suite = TEXT(""), .name = TEXT("write"), .arguments = TEXT(""), .metric = TEXT("median")},
         "write median"},
        {{.suite = TEXT("ring"), .name = TEXT(""), .metric = TEXT("wall")}, "ring wall"},
        {{.metric = TEXT("wall")}, "wall"},
        {{.name = TEXT("write")}, "write"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *title = tare_history_title(&cases[i].series);
        assert_string_equal(title, cases[i].title);
        free(title);
    }
}

/* Order and finding */

enum { RUNS = 4 };

/* Runs 10, 20, 30, 40, of commits "a", "b", "c", "a"; one series with a point of each, in the order given. */
static void make_history(struct tare_history *history, struct tare_history_run runs[RUNS],
                         struct tare_history_commit commits[3], struct tare_history_line *line,
                         struct tare_history_point points[RUNS], const int64_t order[RUNS])
{
    static char *const ids[] = {TEXT("a"), TEXT("b"), TEXT("c"), TEXT("a")};
    for (size_t i = 0; i < RUNS; i++) {
        runs[i] = (struct tare_history_run){
            .id = 10 * ((int64_t)i + 1), .commit = ids[i], .started_ms = 1000 - (int64_t)i};
        points[i] = tare_history_point_unknown();
        points[i].run = order[i];
    }
    for (size_t i = 0; i < 3; i++) {
        commits[i] = (struct tare_history_commit){
            .id = ids[i], .time_s = TARE_HISTORY_UNKNOWN, .ordinal = TARE_HISTORY_UNKNOWN};
    }
    *line = (struct tare_history_line){.points = points, .count = RUNS};
    *history = (struct tare_history){
        .lines = line, .line_count = 1, .runs = runs, .run_count = RUNS, .commits = commits, .commit_count = 3};
}

static void assert_order(struct tare_history *history, const int64_t expected[RUNS])
{
    assert_int_equal(tare_history_sort(history), 0);
    for (size_t i = 0; i < RUNS; i++) {
        assert_int_equal(history->lines[0].points[i].run, expected[i]);
    }
}

static void points_are_in_the_order_of_their_commits(void **state)
{
    (void)state;
    struct tare_history history;
    struct tare_history_run runs[RUNS];
    struct tare_history_commit commits[3];
    struct tare_history_line line;
    struct tare_history_point points[RUNS];
    make_history(&history, runs, commits, &line, points, (const int64_t[]){30, 10, 40, 20});
    /* Nothing is known of the commits: by when they were measured, which goes down. */
    assert_order(&history, (const int64_t[]){40, 30, 20, 10});
    /* Times of two are not enough. */
    commits[0].time_s = 50;
    commits[1].time_s = 70;
    assert_order(&history, (const int64_t[]){40, 30, 20, 10});
    commits[2].time_s = 60;
    assert_order(&history, (const int64_t[]){40, 10, 30, 20});
    /* Ordinals go before times; of one commit, by when they were measured. */
    commits[0].ordinal = 3;
    commits[1].ordinal = 1;
    assert_order(&history, (const int64_t[]){40, 10, 30, 20});
    commits[2].ordinal = 2;
    assert_order(&history, (const int64_t[]){20, 30, 40, 10});
    /* At the same moment: by the run's id. */
    runs[0].started_ms = runs[3].started_ms;
    assert_order(&history, (const int64_t[]){20, 30, 10, 40});
    /* A run that knows no commit: by when they were measured. */
    runs[1].commit = NULL;
    assert_order(&history, (const int64_t[]){10, 40, 30, 20});
}

static void what_is_there_is_found(void **state)
{
    (void)state;
    struct tare_history history;
    struct tare_history_run runs[RUNS];
    struct tare_history_commit commits[3];
    struct tare_history_line line;
    struct tare_history_point points[RUNS];
    make_history(&history, runs, commits, &line, points, (const int64_t[]){10, 20, 30, 40});
    for (size_t i = 0; i < RUNS; i++) {
        assert_ptr_equal(tare_history_find_run(&history, runs[i].id), &runs[i]);
        assert_null(tare_history_find_run(&history, runs[i].id + 1));
    }
    assert_ptr_equal(tare_history_find_commit(&history, "b"), &commits[1]);
    assert_null(tare_history_find_commit(&history, "bb"));
    assert_null(tare_history_find_commit(&history, NULL));
    struct tare_history none = {0};
    assert_null(tare_history_find_run(&none, 10));
    assert_null(tare_history_find_commit(&none, "a"));
    assert_int_equal(tare_history_sort(&none), 0);
    tare_history_release(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(values_are_exact),
        cmocka_unit_test(unknown_values_stay_unknown),
        cmocka_unit_test(no_values_are_no_bytes),
        cmocka_unit_test(the_documents_example),
        cmocka_unit_test(the_document_is_right),
        cmocka_unit_test(equal_values_take_next_to_nothing),
        cmocka_unit_test(too_many_values_are_refused),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(every_cut_and_every_surplus_is_refused),
        cmocka_unit_test(ids_are_those_of_the_document),
        cmocka_unit_test(every_part_of_a_series_key_makes_another_id),
        cmocka_unit_test(texts_do_not_run_into_each_other),
        cmocka_unit_test(a_finished_record_is_whole),
        cmocka_unit_test(titles),
        cmocka_unit_test(points_are_in_the_order_of_their_commits),
        cmocka_unit_test(what_is_there_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
