/* SPDX-License-Identifier: MIT */
/*
 * view/history_page.h: the dashboard's data, that they stay data, how large they are, and the same as Markdown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stats/random.h"
#include "view/history_page.h"

/* What is in one piece of memory each, so that nothing of it has to be released one by one. */
struct made {
    struct tare_history history;
    struct tare_history_report report;
    struct tare_history_page page;
    char (*ids)[48];
    char (*names)[48];
};

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

/* `series` lines of `points` points in as many runs, each of a commit of its own; all is known. */
static struct made *make(size_t series, size_t points)
{
    struct made *made = calloc(1, sizeof(*made));
    struct tare_history *history = &made->history;
    struct tare_random random;
    tare_random_seed(&random, 9);
    made->ids = calloc(points + 1, sizeof(*made->ids));
    made->names = calloc(series + 1, sizeof(*made->names));
    history->commits = calloc(points + 1, sizeof(*history->commits));
    history->runs = calloc(points + 1, sizeof(*history->runs));
    history->lines = calloc(series + 1, sizeof(*history->lines));
    made->report.series = calloc(series + 1, sizeof(*made->report.series));
    history->commit_count = history->run_count = points;
    for (size_t i = 0; i < points; i++) {
        snprintf(made->ids[i], sizeof(made->ids[i]), "%040zx", i + 1);
        history->commits[i] = (struct tare_history_commit){.id = made->ids[i],
                                                           .parents = text(""),
                                                           .time_s = 1700000000 + (int64_t)i * 3600,
                                                           .ordinal = (int64_t)i + 1,
                                                           .subject = text("ring: wait less"),
                                                           .link = text("https://example.org/commit")};
        history->runs[i] = (struct tare_history_run){.id = (int64_t)i * 7 + 1,
                                                     .started_ms = 1700000000000 + (int64_t)i * 3600000,
                                                     .commit = made->ids[i],
                                                     .branch = text("main"),
                                                     .link = text("https://example.org/job"),
                                                     .tool = text("tare 0.1.0"),
                                                     .environment = text("{\"fingerprint\":{\"parts\":{"
                                                                         "\"machine\":\"x86_64\"}}}")};
    }
    for (size_t i = 0; i < series; i++) {
        struct tare_history_line *line = &history->lines[i];
        snprintf(made->names[i], sizeof(made->names[i]), "ring_write_%zu", i);
        line->series = (struct tare_history_series){.id = (int64_t)i + 1,
                                                    .project = text("demo"),
                                                    .suite = text("ring_bench"),
                                                    .name = made->names[i],
                                                    .arguments = text("64"),
                                                    .metric = text("median"),
                                                    .unit = text("ns"),
                                                    .fingerprint = text("0123456789abcdef"),
                                                    .harness = text("tare 0.1.0"),
                                                    .settings = text("clock=tsc-ordered"),
                                                    .better = TARE_BETTER_LOWER};
        line->points = calloc(points + 1, sizeof(*line->points));
        line->count = points;
        for (size_t j = 0; j < points; j++) {
            double value = 812.25 * (1 + 0.02 * (tare_random_uniform(&random) - 0.5));
            line->points[j] = tare_history_point_unknown();
            line->points[j].run = (int64_t)j * 7 + 1;
            line->points[j].value = value;
            line->points[j].low = value * (1 - 0.003 * tare_random_uniform(&random));
            line->points[j].high = value * (1 + 0.003 * tare_random_uniform(&random));
            line->points[j].n = 24;
            line->points[j].rounds_dropped = 0;
            line->points[j].stolen = 0.01 * tare_random_uniform(&random);
            line->points[j].control_ratio = 1 + 0.01 * (tare_random_uniform(&random) - 0.5);
        }
        struct tare_judged_series *judged = &made->report.series[i];
        *judged = (struct tare_judged_series){.line = line, .status = TARE_SERIES_STEADY};
        judged->last = points > 0 ? line->points[points - 1].value : NAN;
        judged->previous = points > 1 ? line->points[points - 2].value : NAN;
        judged->baseline = judged->against = NAN;
        judged->ratio = 1;
        judged->changes.level = 812.25;
        judged->changes.spread = judged->changes.autocorrelation = judged->changes.smallest = NAN;
    }
    history->line_count = made->report.count = series;
    made->report.by_status[TARE_SERIES_STEADY] = series;
    made->report.rule =
        (struct tare_check_rule){.margin = 0.01, .alpha = 0.01, .window = 50, .since_ms = TARE_HISTORY_UNKNOWN};
    made->page = (struct tare_history_page){
        .history = history, .report = &made->report, .project = "demo", .made_ms = 1750000000000};
    return made;
}

static void drop(struct made *made)
{
    for (size_t i = 0; i < made->history.line_count; i++) {
        free(made->history.lines[i].points);
    }
    free(made->history.lines);
    free(made->history.commits);
    free(made->history.runs);
    free(made->report.series);
    free(made->ids);
    free(made->names);
    free(made);
}

typedef int writer(const struct tare_history_page *page, FILE *out);

static char *written(writer *write, const struct tare_history_page *page, size_t *size)
{
    char *bytes = NULL;
    FILE *out = open_memstream(&bytes, size);
    assert_non_null(out);
    assert_int_equal(write(page, out), 0);
    assert_int_equal(fclose(out), 0);
    return bytes;
}

static json_t *object_of(const struct tare_history_page *page)
{
    size_t size;
    json_error_t error;
    char *bytes = written(tare_history_page_json, page, &size);
    json_t *object = json_loadb(bytes, size, 0, &error);
    if (object == NULL) {
        fail_msg("%s at %d:%d", error.text, error.line, error.column);
    }
    free(bytes);
    return object;
}

/* "series/0/points/value/1": NULL if there is none. */
static json_t *at(json_t *object, const char *path)
{
    char part[64];
    while (object != NULL && *path != '\0') {
        size_t size = strcspn(path, "/");
        snprintf(part, sizeof(part), "%.*s", (int)size, path);
        object = json_is_array(object) ? json_array_get(object, strtoul(part, NULL, 10))
                                       : json_object_get(object, part);
        path += size + (path[size] == '/');
    }
    return object;
}

static const char *text_at(json_t *object, const char *path)
{
    const char *found = json_string_value(at(object, path));
    assert_non_null(found);
    return found;
}

static double number_at(json_t *object, const char *path)
{
    assert_true(json_is_number(at(object, path)));
    return json_number_value(at(object, path));
}

static void assert_null_at(json_t *object, const char *path)
{
    assert_true(json_is_null(at(object, path)));
}

/* Entry `i` of a column of whole numbers, in whichever form it has. */
static double whole_at(json_t *object, const char *path, size_t i)
{
    json_t *column = at(object, path), *form;
    double sum = 0;
    if (json_is_array(column)) {
        assert_true(json_is_integer(json_array_get(column, i)));
        return json_number_value(json_array_get(column, i));
    }
    if ((form = json_object_get(column, "deltas")) != NULL) {
        assert_true(i < json_array_size(form));
        for (size_t j = 0; j <= i; j++) {
            sum += json_number_value(json_array_get(form, j));
        }
        return sum;
    }
    form = json_object_get(column, "steps");
    size_t n = 0;
    for (size_t j = 0; j + 1 < json_array_size(form); j += 2) {
        for (json_int_t k = json_integer_value(json_array_get(form, j + 1)); k > 0; k--) {
            sum += json_number_value(json_array_get(form, j));
            if (n++ == i) {
                return sum;
            }
        }
    }
    fail_msg("no entry %zu in '%s'", i, path);
    return NAN;
}

/* Entry `i` of a column of texts that are there once each; NULL: null. */
static const char *text_of(json_t *object, const char *path, size_t i)
{
    char where[64];
    snprintf(where, sizeof(where), "%s/at", path);
    double which = json_is_null(at(object, path)) ? -1 : whole_at(object, where, i);
    snprintf(where, sizeof(where), "%s/texts/%.0f", path, which);
    return which < 0 ? NULL : text_at(object, where);
}

static void it_holds_what_there_is_by_columns_and_indices(void **state)
{
    (void)state;
    struct made *made = make(2, 3);
    /* Runs and commits that no point is of are left out; the order is that of time, whatever the ids are. */
    made->history.lines[0].count = made->history.lines[1].count = 2;
    made->history.runs[0].started_ms = made->history.runs[1].started_ms + 1;
    json_t *object = object_of(&made->page);
    assert_string_equal(text_at(object, "schema"), "tare-history-page");
    assert_string_equal(text_at(object, "made"), "2025-06-15T15:06:40Z");
    assert_string_equal(text_at(object, "title"), "demo: performance history");
    assert_int_equal(number_at(object, "runs/count"), 2);
    assert_int_equal(json_array_size(at(object, "commits/id")), 2);
    assert_true(whole_at(object, "runs/started", 1) == 1700003600001);
    assert_true(whole_at(object, "runs/started", 0) == 1700003600000);
    assert_int_equal(whole_at(object, "runs/commit", 1), 0);
    assert_int_equal(whole_at(object, "runs/commit", 0), 1);
    assert_int_equal(whole_at(object, "runs/dirty", 0), 0);
    assert_string_equal(text_of(object, "runs/branch", 1), "main");
    assert_string_equal(text_of(object, "runs/tool", 0), "tare 0.1.0");
    assert_int_equal(whole_at(object, "commits/time", 1), 1700003600);
    assert_int_equal(whole_at(object, "commits/ordinal", 0), 1);
    assert_int_equal(whole_at(object, "series/1/points/run", 0), 1);
    assert_int_equal(whole_at(object, "series/1/points/run", 1), 0);
    assert_string_equal(text_at(object, "series/1/id"), "0000000000000002");
    assert_string_equal(text_at(object, "series/1/title"), "ring_bench::ring_write_1/64 median");
    assert_string_equal(text_at(object, "machines/0/parts/machine"), "x86_64");
    assert_string_equal(text_at(object, "series/0/status"), "steady");
    assert_null_at(object, "series/0/budget");
    assert_null_at(object, "series/0/suspicion");
    assert_null_at(object, "series/0/baseline");
    assert_null_at(object, "series/0/level_from"); /* of two points nothing is said */
    assert_null_at(object, "rule/since");
    assert_null_at(object, "rule/branch");
    json_decref(object);
    made->page.branch = "main";
    object = object_of(&made->page);
    assert_string_equal(text_at(object, "rule/branch"), "main");
    json_decref(object);
    drop(made);
}

/* What comes again is written once, and reads as it was. */
static void columns_are_as_short_as_they_can_be(void **state)
{
    (void)state;
    enum { COUNT = 900 };
    struct made *made = make(1, COUNT);
    static const char *const branches[] = {"main", NULL, "a", "b"};
    for (size_t i = 0; i < COUNT; i++) {
        struct tare_history_run *run = &made->history.runs[i];
        run->branch = text(branches[i % 7 % 4]);
        run->link = NULL;
        run->tool = text(i < 500 ? "tare 0.1.0" : "tare 0.2.0");
        run->dirty = i % 300 == 299 ? -1 : 0;
        run->started_ms += (int64_t)(i * i % 1009);
        made->history.lines[0].points[i].n = i == 0 ? -9007199254740991 : (int64_t)(i % 5);
        made->history.lines[0].points[i].rounds_dropped = i == 17 ? TARE_HISTORY_UNKNOWN : (int64_t)(i / 100);
        made->history.lines[0].points[i].stolen = 0.0124;
        made->history.lines[0].points[i].control_ratio = i % 2 == 0 ? 1.00126 : 0.9;
    }
    json_t *object = object_of(&made->page);
    assert_null_at(object, "runs/link");
    assert_int_equal(json_array_size(at(object, "runs/branch/texts")), 3);
    assert_int_equal(json_array_size(at(object, "runs/tool/texts")), 2);
    assert_int_equal(json_array_size(at(object, "runs/tool/at/steps")), 6); /* 0 × 500, 1, 0 × 399 */
    assert_int_equal(json_array_size(at(object, "series/0/points/run/steps")), 4);
    for (size_t i = 0; i < COUNT; i++) {
        const struct tare_history_run *run = &made->history.runs[i];
        const char *branch = text_of(object, "runs/branch", i);
        assert_true(branch == NULL ? run->branch == NULL : strcmp(branch, run->branch) == 0);
        assert_string_equal(text_of(object, "runs/tool", i), run->tool);
        assert_true(whole_at(object, "runs/dirty", i) == run->dirty);
        assert_true(whole_at(object, "runs/started", i) == (double)run->started_ms);
        assert_true(whole_at(object, "series/0/points/run", i) == (double)i);
        assert_true(whole_at(object, "series/0/points/n", i) == (double)made->history.lines[0].points[i].n);
        assert_true(whole_at(object, "series/0/points/stolen_thousandths", i) == 12);
        assert_true(whole_at(object, "series/0/points/control_ten_thousandths", i) ==
                    (i % 2 == 0 ? 13 : -1000));
        if (i != 17) {
            assert_true(whole_at(object, "series/0/points/dropped", i) == (double)(i / 100));
        }
    }
    assert_null_at(object, "series/0/points/dropped/17");
    json_decref(object);
    drop(made);
}

static void what_no_point_knows_is_no_column(void **state)
{
    (void)state;
    struct made *made = make(1, 4);
    for (size_t i = 0; i < 4; i++) {
        struct tare_history_point *point = &made->history.lines[0].points[i];
        point->low = point->stolen = point->control_ratio = NAN;
        point->n = i == 2 ? 5 : TARE_HISTORY_UNKNOWN;
    }
    json_t *object = object_of(&made->page);
    assert_null_at(object, "series/0/points/below");
    assert_null_at(object, "series/0/points/stolen_thousandths");
    assert_null_at(object, "series/0/points/control_ten_thousandths");
    assert_int_equal(json_array_size(at(object, "series/0/points/n")), 4);
    assert_null_at(object, "series/0/points/n/1");
    assert_int_equal(number_at(object, "series/0/points/n/2"), 5);
    assert_int_equal(json_array_size(at(object, "series/0/points/above")), 4);
    json_decref(object);
    drop(made);
}

static void numbers_are_as_good_as_a_chart_needs(void **state)
{
    (void)state;
    enum { COUNT = 4000 };
    struct made *made = make(1, COUNT);
    struct tare_history_point *points = made->history.lines[0].points;
    struct tare_random random;
    tare_random_seed(&random, 4);
    for (size_t i = 0; i < COUNT; i++) {
        double value =
            ldexp(tare_random_uniform(&random) - 0.25, (int)(tare_random_uniform(&random) * 90) - 45);
        double width = fabs(value) * ldexp(1, -(int)(tare_random_uniform(&random) * 60));
        value = i % 4 == 0 ? rint(value) : value;
        points[i].value = value;
        points[i].low = value - width;
        points[i].high = value + width;
    }
    points[0].value = points[0].low = points[0].high = 9007199254740991;
    points[1].value = points[1].low = points[1].high = -0.0;
    points[2].value = 1e-300;
    points[2].low = -INFINITY;
    points[2].high = 1e300;
    json_t *object = object_of(&made->page);
    json_t *value = at(object, "series/0/points/value"), *low = at(object, "series/0/points/below");
    json_t *high = at(object, "series/0/points/above");
    for (size_t i = 0; i < COUNT; i++) {
        double exact = points[i].value, read = json_number_value(json_array_get(value, i));
        if (exact == rint(exact) && fabs(exact) < 0x1p53) {
            assert_true(read == exact);
        }
        assert_true(fabs(read - exact) <= fabs(exact) * 5.1e-8);
        if (i == 2) {
            assert_true(json_is_null(json_array_get(low, i)));
            continue;
        }
        double below = read - json_number_value(json_array_get(low, i));
        double above = read + json_number_value(json_array_get(high, i));
        assert_true(below <= read && read <= above);
        if (points[i].low == exact) { /* as good as one: the width was lost beside the value */
            assert_true(below == read && above == read);
            continue;
        }
        double slack = 0.0101 * (points[i].high - exact) + 5.1e-8 * fabs(exact);
        assert_true(below <= points[i].low + 3e-16 * fabs(exact) && points[i].low - below <= slack);
        assert_true(above >= points[i].high - 3e-16 * fabs(exact) && above - points[i].high <= slack);
    }
    json_decref(object);
    drop(made);
}

static void a_locale_with_a_comma_changes_nothing(void **state)
{
    (void)state;
    struct made *made = make(1, 20);
    size_t size, other_size;
    char *bytes = written(tare_history_page_json, &made->page, &size);
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "pl_PL.UTF-8"};
    bool set = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !set; i++) {
        set = setlocale(LC_NUMERIC, names[i]) != NULL;
    }
    if (!set) {
        free(bytes);
        drop(made);
        print_message("no locale with a comma is installed\n");
        skip();
    }
    char *other = written(tare_history_page_json, &made->page, &other_size);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(other, bytes);
    free(bytes);
    free(other);
    drop(made);
}

static void three_hundred_series_of_a_thousand_points_stay_below_15_mb(void **state)
{
    (void)state;
    enum { SERIES = 300, POINTS = 1000 };
    struct made *made = make(SERIES, POINTS);
    size_t size;
    char *bytes = written(tare_history_page_html, &made->page, &size);
    print_message("%zu bytes\n", size);
    assert_true(size < 15000000);
    free(bytes);
    /* Each point a run of its own, measured one after the other. */
    struct tare_history_run *runs = calloc(SERIES * POINTS, sizeof(*runs)), *once = made->history.runs;
    assert_non_null(runs);
    for (size_t i = 0; i < SERIES * POINTS; i++) {
        runs[i] = once[i / SERIES];
        runs[i].id = (int64_t)i * 31 + 5;
        runs[i].started_ms += (int64_t)(i % SERIES * 7013 + i * i % 2003);
        made->history.lines[i % SERIES].points[i / SERIES].run = runs[i].id;
    }
    made->history.runs = runs;
    made->history.run_count = SERIES * POINTS;
    bytes = written(tare_history_page_html, &made->page, &size);
    print_message("%zu bytes of %d runs\n", size, SERIES * POINTS);
    assert_true(size < 15000000);
    free(bytes);
    free(once);
    drop(made);
}

static const char hostile[] =
    "</script><!--<script>alert(1)</script>\"'\\ \xff\xfe\xc3 \xe2\x80\xa8 \x01\x7f &amp; é";

static size_t times(const char *where, const char *what)
{
    size_t count = 0;
    for (const char *found = strstr(where, what); found != NULL; found = strstr(found + 1, what)) {
        count++;
    }
    return count;
}

static void text_stays_text(void **state)
{
    (void)state;
    struct made *made = make(1, 12);
    size_t size, plain_size;
    char *plain = written(tare_history_page_html, &made->page, &plain_size);
    struct tare_history_series *series = &made->history.lines[0].series;
    series->project = series->suite = series->name = series->arguments = series->metric = series->unit =
        series->fingerprint = series->harness = series->settings = text(hostile);
    made->history.commits[0].subject = made->history.runs[0].branch = made->history.runs[0].tool =
        text(hostile);
    made->history.runs[0].environment = text("{\"fingerprint\":{\"parts\":{\"</script>\":\"</script>\"}}}");
    struct tare_history_baseline baseline = {text("demo"),  text(hostile), NULL, 5,
                                             text(hostile), text(hostile)};
    made->history.baselines = &baseline;
    made->history.baseline_count = 1;
    made->page.title = made->page.project = hostile;
    char *bytes = written(tare_history_page_html, &made->page, &size);
    static const char *const marks[] = {"<script", "</script", "<!--", "<"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        assert_int_equal(times(bytes, marks[i]), times(plain, marks[i]));
    }
    free(bytes);
    free(plain);
    json_t *object = object_of(&made->page);
    assert_string_equal(text_at(object, "series/0/name"),
                        "</script><!--<script>alert(1)</script>\"'\\ \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
                        "\xe2\x80\xa8 \x01\x7f &amp; é");
    json_decref(object);
    drop(made);
}

static void links_are_of_http_or_not_there(void **state)
{
    (void)state;
    static const char *const links[] = {"http://a", "https://a.b/c?d=e&f#g", "HTTPS://x/(y)",
                                        "https://a:8080/b"};
    static const char *const others[] = {"",
                                         "javascript:alert(1)",
                                         "data:text/html,x",
                                         "ftp://a",
                                         "//a/b",
                                         "https:///a",
                                         "http://",
                                         "http://a b",
                                         "http://a\nb",
                                         "http://a\"b",
                                         "http://a<b",
                                         " http://a",
                                         "http://a|b",
                                         "http://a`b",
                                         "http://a\\b",
                                         "https://?",
                                         "https://a/'b'",
                                         "https://me:secret@a/"};
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        assert_true(tare_history_is_link(links[i]));
        assert_false(tare_history_is_link_commit(links[i]));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(tare_history_is_link(others[i]));
    }
    assert_true(tare_history_is_link_commit("https://host/x/commit/{commit}"));
    assert_true(tare_history_is_link_commit("https://host/{commit}/{commit}"));
    assert_false(tare_history_is_link_commit("javascript:{commit}"));
    assert_false(tare_history_is_link_commit("{commit}"));
    assert_false(tare_history_is_link_commit("https://host/{COMMIT}"));
    struct made *made = make(1, 3);
    made->history.commits[0].link = text("javascript:alert(1)");
    made->history.commits[1].link = NULL;
    made->history.runs[0].link = text("data:text/html,x");
    json_t *object = object_of(&made->page);
    assert_null(text_of(object, "commits/link", 0));
    assert_null(text_of(object, "commits/link", 1));
    assert_string_equal(text_of(object, "commits/link", 2), "https://example.org/commit");
    assert_null(text_of(object, "runs/link", 0));
    assert_string_equal(text_of(object, "runs/link", 1), "https://example.org/job");
    json_decref(object);
    made->page.link_commit = "https://host/x/{commit}?{commit}";
    made->history.commits[1].id = text("0000000000000000000000000000000000000001/../\"<");
    made->history.runs[1].commit = made->history.commits[1].id;
    object = object_of(&made->page);
    assert_string_equal(text_of(object, "commits/link", 0), "https://host/x/{commit}?{commit}");
    assert_string_equal(text_of(object, "commits/link", 2), "https://host/x/{commit}?{commit}");
    const char *odd = text_of(object, "commits/link", 1); /* an id of which nothing ends the address */
    assert_string_equal(odd, "https://host/x/0000000000000000000000000000000000000001%2F%2E%2E%2F%22%3C"
                             "?0000000000000000000000000000000000000001%2F%2E%2E%2F%22%3C");
    json_decref(object);
    drop(made);
}

/* A change as the judge would give it; `judged` has to live as long as the report. */
static void change(struct made *made, size_t at, enum tare_series_status status,
                   struct tare_judged_change *judged, double ratio)
{
    struct tare_judged_series *series = &made->report.series[at];
    *judged = (struct tare_judged_change){
        .change = {.kind = TARE_CHANGE_STEP,
                   .at = 7,
                   .from = 0,
                   .to = 12,
                   .low = 6,
                   .high = 8,
                   .p = 1e-4,
                   .before = 800,
                   .after = 800 * ratio,
                   .shift = 800 * (ratio - 1),
                   .shift_low = 1,
                   .shift_high = 99,
                   .ratio = ratio,
                   .ratio_low = ratio - 0.01,
                   .ratio_high = ratio + 0.01},
        .weight = TARE_CHANGE_COUNTS,
        .direction = ratio > 1 ? 1 : -1,
        .adjusted = 2e-4,
        .good = &made->history.commits[5],
        .bad = &made->history.commits[8],
        .likely = &made->history.commits[7],
    };
    series->status = status;
    series->judged = judged;
    series->changes.changes = &judged->change;
    series->changes.count = 1;
    series->ratio = 1.001 * ratio; /* of the level now, which is not quite that behind the change */
    made->report.by_status[TARE_SERIES_STEADY]--;
    made->report.by_status[status]++;
}

static void changes_suspicions_and_budgets_are_told(void **state)
{
    (void)state;
    struct made *made = make(3, 12);
    struct tare_judged_change judged;
    change(made, 0, TARE_SERIES_REGRESSED, &judged, 1.2);
    made->report.series[1].status = TARE_SERIES_SUSPECTED;
    made->report.series[1].suspicion =
        (struct tare_suspicion){.count = 1, .level = 812, .shift = 100, .ratio = 1.123, .p = 0.001};
    made->report.series[1].suspicion_direction = 1;
    struct tare_budget_entry entry = {.metric = text("x"),
                                      .direction = TARE_BUDGET_AT_MOST,
                                      .target = {.text = text("700 ns"), .value = 700},
                                      .critical = {.text = NULL}};
    struct tare_metric metric = {.name = text("x"), .value = made->report.series[2].last * 1000};
    made->report.series[2].status = TARE_SERIES_OVER_BUDGET;
    made->report.series[2].budget =
        (struct tare_judged){.entry = &entry, .metric = &metric, .judgement = TARE_JUDGED_FAIL};
    json_t *object = object_of(&made->page);
    assert_string_equal(text_at(object, "series/0/changes/0/direction"), "worse");
    assert_string_equal(text_at(object, "series/0/changes/0/weight"), "counts");
    assert_int_equal(number_at(object, "series/0/changes/0/bad"), 8);
    assert_int_equal(number_at(object, "series/0/changes/0/good"), 5);
    assert_int_equal(number_at(object, "series/0/changes/0/likely"), 7);
    assert_true(number_at(object, "series/0/ratio") == 1.2); /* the change's own: one figure everywhere */
    assert_int_equal(number_at(object, "series/0/level_from"), 0);
    assert_true(number_at(object, "series/1/suspicion/ratio") == 1.123);
    assert_string_equal(text_at(object, "series/2/budget/judgement"), "fail");
    assert_true(fabs(number_at(object, "series/2/budget/target") - 0.7) < 1e-9); /* the series is in µs */
    assert_null_at(object, "series/2/budget/critical");
    json_decref(object);
    /* One that is relative to another metric is no line in the chart. */
    entry.relative_to = text("y");
    object = object_of(&made->page);
    assert_null_at(object, "series/2/budget/target");
    assert_string_equal(text_at(object, "series/2/budget/target_text"), "700 ns");
    json_decref(object);
    drop(made);
}

/* Below the margin, or from 0: the page says how much, and what has no ratio comes before what has one. */
static void what_changed_has_a_size_that_counts_or_not(void **state)
{
    (void)state;
    struct made *made = make(5, 12);
    struct tare_judged_change small, from_nothing, unsure;
    size_t size;
    change(made, 0, TARE_SERIES_CHANGED, &small, 1.0051);
    small.weight = TARE_CHANGE_SMALL;
    made->report.series[0].decisive = 1; /* none */
    made->report.series[0].ratio = NAN;
    change(made, 1, TARE_SERIES_CHANGED, &from_nothing, NAN);
    from_nothing.change.before = 0;
    from_nothing.change.after = from_nothing.change.shift = 5;
    from_nothing.direction = 0;
    made->history.lines[1].series.unit = text("count");
    change(made, 2, TARE_SERIES_REGRESSED, &unsure, 2);
    unsure.change.shift_low = unsure.change.shift_high = unsure.change.ratio_low = unsure.change.ratio_high =
        NAN;
    made->report.series[3].status = TARE_SERIES_SUSPECTED;
    made->history.lines[3].series.unit = text("count");
    made->report.series[3].suspicion =
        (struct tare_suspicion){.count = 1, .level = 0, .shift = 7, .ratio = NAN, .p = 0.001};
    made->report.series[3].suspicion_direction = 1;
    json_t *object = object_of(&made->page);
    assert_true(number_at(object, "series/0/ratio") == 1.0051);
    assert_int_equal(number_at(object, "series/0/change"), 0);
    assert_null_at(object, "series/1/ratio");
    assert_int_equal(number_at(object, "series/1/change"), 0);
    assert_null_at(object, "series/4/change");
    json_decref(object);
    /* An old change is none that the status is about. */
    small.weight = TARE_CHANGE_OLD;
    made->report.series[0].status = TARE_SERIES_STEADY;
    object = object_of(&made->page);
    assert_null_at(object, "series/0/ratio");
    assert_null_at(object, "series/0/change");
    json_decref(object);
    small.weight = TARE_CHANGE_SMALL;
    made->report.series[0].status = TARE_SERIES_CHANGED;
    char *bytes = written(tare_history_page_markdown, &made->page, &size);
    const char *const order[] = {"ring\\_write\\_2/64", "+100 % (interval unknown: too few points) |",
                                 "ring\\_write\\_3/64", "from 0 to 7 in the newest value |",
                                 "ring\\_write\\_1/64", "from 0 to 5 |",
                                 "ring\\_write\\_0/64", "+0.5 % (",
                                 ", below the margin |"};
    const char *from = bytes;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        const char *found = strstr(from, order[i]);
        if (found == NULL) {
            fail_msg("no '%s' behind what comes before it in\n%s", order[i], bytes);
        }
        from = found;
    }
    free(bytes);
    drop(made);
}

static void damage_is_an_error(void **state)
{
    (void)state;
    struct made *made = make(1, 3);
    made->history.lines[0].points[1].run = 4711;
    FILE *out = fopen("/dev/null", "w");
    assert_int_equal(tare_history_page_json(&made->page, out), -EINVAL);
    assert_int_equal(tare_history_page_html(&made->page, out), -EINVAL);
    fclose(out);
    made->history.lines[0].points[1].run = 8;
    out = fopen("/dev/full", "w");
    if (out != NULL) {
        assert_int_equal(tare_history_page_json(&made->page, out), -EIO);
        fclose(out);
    }
    drop(made);
}

static void a_live_page_has_an_address_instead_of_data(void **state)
{
    (void)state;
    char *page = tare_history_page_live("/api/v1/history");
    assert_non_null(page);
    assert_int_equal(times(page, "<meta name=\"tare-live\" content=\"/api/v1/history\">"), 1);
    assert_int_equal(times(page, "application/json\" id=\"data\""), 0);
    free(page);
}

static void markdown_tells_what_changed_first(void **state)
{
    (void)state;
    struct made *made = make(5, 12);
    struct tare_judged_change worse, better, worst;
    size_t size;
    change(made, 4, TARE_SERIES_REGRESSED, &worst, 1.5);
    change(made, 1, TARE_SERIES_REGRESSED, &worse, 1.2);
    change(made, 2, TARE_SERIES_IMPROVED, &better, 0.8);
    made->report.fails = true;
    char *bytes = written(tare_history_page_markdown, &made->page, &size);
    const char *const order[] = {"### demo: performance history\n",
                                 "**Worse.** 5 series: 2 regressed, 1 improved, 2 steady",
                                 "ring\\_write\\_4/64 median | 812.250ns | +50.0 % (+49.0 % to +51.0 %) |",
                                 "after [00000000](<https://example.org/commit>), at or before",
                                 "ring\\_write\\_1/64",
                                 "ring\\_write\\_2/64",
                                 "<summary>2 without a change that counts</summary>",
                                 "ring\\_write\\_0/64",
                                 "ring\\_write\\_3/64",
                                 "changes in the newest 50 points"};
    const char *from = bytes;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        const char *found = strstr(from, order[i]);
        if (found == NULL) {
            fail_msg("no '%s' behind what comes before it in\n%s", order[i], bytes);
        }
        from = found;
    }
    free(bytes);
    drop(made);
}

static void markdown_has_an_end_and_names_stay_text(void **state)
{
    (void)state;
    enum { SERIES = 3000 };
    struct made *made = make(SERIES, 12);
    struct tare_judged_change *judged = calloc(SERIES, sizeof(*judged));
    size_t size;
    char *wide = malloc(200001); /* nothing but combining marks: it has no width */
    for (size_t i = 0; i < 100000; i++) {
        memcpy(wide + 2 * i, "\xcc\x81", 3);
    }
    for (size_t i = 0; i < SERIES; i++) {
        change(made, i, TARE_SERIES_REGRESSED, &judged[i], 1.2);
        made->history.lines[i].series.name =
            i == 0 ? wide : text("a|b\n| <img src=x> [x](http://y) `c` @all www.z");
    }
    char *bytes = written(tare_history_page_markdown, &made->page, &size);
    assert_true(size <= TARE_HISTORY_MARKDOWN_MOST);
    assert_true(size > TARE_HISTORY_MARKDOWN_MOST * 9 / 10);
    assert_null(strstr(bytes, "<img"));
    assert_null(strstr(bytes, "[x](http"));
    size_t rows = times(bytes, "| **regressed** |"), lines = times(bytes, "\n|");
    assert_int_equal(lines, rows + 2); /* a name ends no row, and begins none */
    char said[96];
    snprintf(said, sizeof(said), "\n%zu more series are left out, as this would be too long.\n", SERIES - rows);
    assert_non_null(strstr(bytes, said));
    assert_true(rows > 50);
    free(bytes);
    free(wide);
    free(judged);
    drop(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_what_there_is_by_columns_and_indices),
        cmocka_unit_test(columns_are_as_short_as_they_can_be),
        cmocka_unit_test(what_no_point_knows_is_no_column),
        cmocka_unit_test(numbers_are_as_good_as_a_chart_needs),
        cmocka_unit_test(a_locale_with_a_comma_changes_nothing),
        cmocka_unit_test(three_hundred_series_of_a_thousand_points_stay_below_15_mb),
        cmocka_unit_test(text_stays_text),
        cmocka_unit_test(links_are_of_http_or_not_there),
        cmocka_unit_test(changes_suspicions_and_budgets_are_told),
        cmocka_unit_test(what_changed_has_a_size_that_counts_or_not),
        cmocka_unit_test(damage_is_an_error),
        cmocka_unit_test(a_live_page_has_an_address_instead_of_data),
        cmocka_unit_test(markdown_tells_what_changed_first),
        cmocka_unit_test(markdown_has_an_end_and_names_stay_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
