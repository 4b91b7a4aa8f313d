/* SPDX-License-Identifier: MIT */
/*
 * history/import.h with files that the real tools made: hyperfine, Google Benchmark and perf write theirs here
 * and now, where they are installed; those of criterion, which takes a minute to build, are in
 * fixtures/import/criterion (made by criterion 0.3.6, Debian's librust-criterion-dev). Figures are checked
 * against what the tool says itself.
 */
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "history/import.h"
#include "tests/unit/import_files.h"
#include "tests/unit/near.h"

static char folder[] = "/tmp/tare-import-XXXXXX";

static int go_to_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static int leave_folder(void **state)
{
    (void)state;
    if (chdir("/") != 0) {
        return -1;
    }
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int run(const char *command)
{
    int status = system(command);
    return status;
}

#define NEEDS(name)                                                                                            \
    do {                                                                                                       \
        if (run("command -v " name " >/dev/null 2>&1") != 0) {                                                 \
            print_message("skipped: no '" name "'\n");                                                         \
            skip();                                                                                            \
        }                                                                                                      \
    } while (0)

static json_t *load(const char *path)
{
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    return root;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

/* ---- hyperfine ---- */

static void hyperfine_says_the_same(void **state)
{
    (void)state;
    NEEDS("hyperfine");
    if (run("hyperfine -N -r 7 -L n 1,2 'true {n}' --export-json h.json >hyperfine.log 2>&1") != 0) {
        print_message("skipped: hyperfine does not run here\n");
        skip();
    }
    struct imported got = import_path(TARE_IMPORT_GUESS, "h.json");
    assert_int_equal(got.failure, 0);
    assert_string_equal(got.message, "");
    json_t *root = load("h.json");
    for (size_t i = 0; i < 2; i++) {
        const json_t *result = json_array_get(json_object_get(root, "results"), i);
        char title[64];
        snprintf(title, sizeof title, "true %zu/n=%zu median", i + 1, i + 1);
        const struct tare_history_point *point = import_point(&got.records[0], title);
        assert_close(point->value, number(result, "median") * 1e9, 1e-12);
        assert_int_equal(point->value_count, 7);
        assert_int_equal(point->rounds_dropped, 0);
        /* An interval of 7 values: from the least to the greatest. */
        assert_close(point->low, number(result, "min") * 1e9, 1e-12);
        assert_close(point->high, number(result, "max") * 1e9, 1e-12);
        snprintf(title, sizeof title, "true %zu/n=%zu user", i + 1, i + 1);
        assert_near(import_point(&got.records[0], title)->value, number(result, "user") * 1e9, 1e-3);
    }
    json_decref(root);
    imported_release(&got);
}

static void commands_that_fail_in_hyperfine_are_told_apart(void **state)
{
    (void)state;
    NEEDS("hyperfine");
    if (run("hyperfine -i -N -r 3 false --export-json f.json >hyperfine.log 2>&1") != 0) {
        print_message("skipped: hyperfine does not run here\n");
        skip();
    }
    struct imported got = import_path(TARE_IMPORT_HYPERFINE, "f.json");
    assert_int_equal(got.failure, 0);
    assert_non_null(strstr(got.message, "kept apart 1 of which every run failed"));
    assert_string_equal(import_line(&got.records[0], "false median")->series.settings, "exit=failure");
    imported_release(&got);
}

/* ---- Google Benchmark ---- */

static const char google_source[] =
    "#include <benchmark/benchmark.h>\n"
    "#include <string>\n"
    "static void copy(benchmark::State &state) {\n"
    "    std::string from(state.range(0), 'x'), to;\n"
    "    for (auto _ : state) { to.assign(from); benchmark::DoNotOptimize(to); }\n"
    "    state.SetBytesProcessed(state.iterations() * state.range(0));\n"
    "    state.SetItemsProcessed(state.iterations());\n"
    "    state.counters[\"depth\"] = 3;\n"
    "    state.counters[\"none\"] = 0.0 / 0.0;\n"
    "}\n"
    "BENCHMARK(copy)->Arg(64)->Arg(256)->Unit(benchmark::kMicrosecond);\n"
    "static void fails(benchmark::State &state) {\n"
    "    state.SkipWithError(\"no \\\"device\\\"\");\n"
    "    for (auto _ : state) {}\n"
    "}\n"
    "BENCHMARK(fails);\n"
    "BENCHMARK_MAIN();\n";

/* The program "./gb"; false after it was said why there is none. */
static bool build_google(void)
{
    static int built; /* 1: yes, -1: no */
    if (built == 0) {
        FILE *file = fopen("gb.cc", "w");
        assert_non_null(file);
        fputs(google_source, file);
        assert_int_equal(fclose(file), 0);
        built = run("${CXX:-c++} -std=c++17 gb.cc -o gb -lbenchmark -lpthread >gb.log 2>&1") == 0 ? 1 : -1;
    }
    if (built < 0) {
        print_message("skipped: a program with Google Benchmark cannot be built here (libbenchmark-dev)\n");
    }
    return built > 0;
}

#define RUN_GOOGLE                                                                                             \
    "./gb --benchmark_min_time=0.001 --benchmark_repetitions=7 --benchmark_out_format=json "                   \
    "--benchmark_out="

/* The entry of a benchmark with this statistic. */
static const json_t *statistic_of(const json_t *root, const char *name)
{
    const json_t *benchmarks = json_object_get(root, "benchmarks");
    for (size_t i = 0; i < json_array_size(benchmarks); i++) {
        const json_t *entry = json_array_get(benchmarks, i);
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0) {
            return entry;
        }
    }
    fail_msg("Google Benchmark has no '%s'", name);
    return NULL;
}

static void google_benchmark_says_the_same(void **state)
{
    (void)state;
    if (!build_google()) {
        skip();
    }
    assert_int_equal(run(RUN_GOOGLE "g.json >gb.log 2>&1"), 0);
    struct imported got = import_path(TARE_IMPORT_GUESS, "g.json");
    assert_int_equal(got.failure, 0);
    assert_non_null(strstr(got.message, "that failed ('fails')"));
    /* jansson does not read NaN */
    assert_int_equal(run("sed 's/: NaN/: null/; s/: -nan/: null/; s/: nan/: null/' g.json >g2.json"), 0);
    json_t *root = load("g2.json");
    static const char *const sizes[] = {"64", "256"};
    for (size_t i = 0; i < 2; i++) {
        static const struct {
            const char *key, *unit;
            double factor;
        } figures[] = {
            {"real_time", "ns", 1e3},       {"cpu_time", "ns", 1e3}, {"bytes_per_second", "bytes/s", 1},
            {"items_per_second", "1/s", 1}, {"depth", "", 1},
        };
        char name[64];
        snprintf(name, sizeof name, "copy/%s_median", sizes[i]);
        const json_t *median = statistic_of(root, name);
        for (size_t k = 0; k < COUNT(figures); k++) {
            char title[64];
            snprintf(title, sizeof title, "gb::copy/%s %s", sizes[i], figures[k].key);
            const struct tare_history_line *line = import_line(&got.records[0], title);
            assert_string_equal(line->series.unit, figures[k].unit);
            assert_close(line->points[0].value, number(median, figures[k].key) * figures[k].factor, 1e-9);
            assert_int_equal(line->points[0].value_count, 7);
            assert_true(line->points[0].low <= line->points[0].value &&
                        line->points[0].value <= line->points[0].high);
        }
    }
    assert_false(import_has(&got.records[0], "gb::copy/64 none")); /* not a number */
    assert_true(got.records[0].run.started_ms > INT64_C(1600000000000));
    json_decref(root);
    imported_release(&got);
}

static void statistics_alone_give_the_same_series(void **state)
{
    (void)state;
    if (!build_google()) {
        skip();
    }
    assert_int_equal(run(RUN_GOOGLE "a.json --benchmark_report_aggregates_only=true >gb.log 2>&1"), 0);
    assert_int_equal(run(RUN_GOOGLE "b.json >gb.log 2>&1"), 0);
    struct imported alone = import_path(TARE_IMPORT_GUESS, "a.json");
    struct imported all = import_path(TARE_IMPORT_GUESS, "b.json");
    assert_int_equal(alone.failure, 0);
    const struct tare_history_line *line = import_line(&alone.records[0], "gb::copy/64 real_time");
    assert_int_equal(line->points[0].n, 7);
    assert_int_equal(line->points[0].value_count, 0);
    assert_true(line->points[0].value > 0);
    assert_int_equal(line->series.id, import_line(&all.records[0], "gb::copy/64 real_time")->series.id);
    imported_release(&alone);
    imported_release(&all);
}

/* ---- perf ---- */

static void perf_says_the_same(void **state)
{
    (void)state;
    NEEDS("perf");
    if (run("perf stat -x, -r 3 -o p.csv -e task-clock,page-faults,cycles,context-switches true >perf.log "
            "2>&1") != 0) {
        print_message("skipped: perf stat does not run here\n");
        skip();
    }
    struct imported got = import_path(TARE_IMPORT_GUESS, "p.csv");
    assert_int_equal(got.failure, 0);
    char line[512];
    FILE *file = fopen("p.csv", "r");
    int compared = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        double value;
        char event[64];
        char title[128];
        if (sscanf(line, "%lf,msec,%63[^,]", &value, event) == 2) {
            value *= 1e6;
        } else if (sscanf(line, "%lf,,%63[^,]", &value, event) != 2) {
            continue; /* empty, a comment, or not counted */
        }
        snprintf(title, sizeof title, "p %s", event);
        const struct tare_history_point *point = import_point(&got.records[0], title);
        /* Of a clock perf writes two digits behind the ms, and how long it ran in full. */
        assert_near(point->value, value, strcmp(event, "task-clock") == 0 ? 5001 : 1e-6);
        assert_true(point->low <= point->value && point->value <= point->high);
        compared++;
    }
    fclose(file);
    assert_true(compared >= 2);
    assert_int_equal(got.records[0].line_count, compared);
    assert_true(got.records[0].run.started_ms > INT64_C(1600000000000)); /* "# started on" */
    imported_release(&got);
}

static void intervals_and_processors_of_perf_are_refused(void **state)
{
    (void)state;
    NEEDS("perf");
    if (run("perf stat -x, -I 10 -o i.csv -e task-clock sleep 0.05 >perf.log 2>&1") != 0) {
        print_message("skipped: perf stat does not run here\n");
        skip();
    }
    assert_refused(import_path(TARE_IMPORT_GUESS, "i.csv"), "without -I");
    if (run("perf stat -x, -a -A -o c.csv -e task-clock sleep 0.01 >perf.log 2>&1") != 0) {
        print_message("skipped: perf may not count all processors here\n");
        skip();
    }
    assert_refused(import_path(TARE_IMPORT_GUESS, "c.csv"), "without -A");
}

/* ---- criterion ---- */

static char *fixture(const char *name)
{
    const char *source = getenv("TARE_SOURCE_DIR");
    char *path = NULL;
    if (source == NULL) {
        print_message("skipped: TARE_SOURCE_DIR is not set\n");
        return NULL;
    }
    assert_true(asprintf(&path, "%s/tests/unit/fixtures/import/%s", source, name) > 0);
    return path;
}

static void files_of_criterion_are_read_together(void **state)
{
    (void)state;
    static const struct {
        const char *path, *title;
        double median, low, high; /* of its estimates.json */
        const char *rate;
        double amount;
    } files[] = {
        {"criterion/fib 12/new/estimates.json", "fib 12 median", 319.2984295982137, 315.1801008869305,
         322.94506438978386, NULL, 0},
        {"criterion/sum/flat/new/estimates.json", "sum/flat median", 115.1829062219804, 113.44612572707278,
         115.68795454022944, "sum/flat throughput", 8},
        {"criterion/sum/bytes/64/new/estimates.json", "sum/bytes/64 median", NAN, NAN, NAN,
         "sum/bytes/64 throughput", 64},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        char *path = fixture(files[i].path);
        if (path == NULL) {
            skip();
        }
        struct imported got = import_path(TARE_IMPORT_GUESS, path);
        assert_int_equal(got.failure, 0);
        const struct tare_history_point *point = import_point(&got.records[0], files[i].title);
        if (!isnan(files[i].median)) {
            assert_close(point->value, files[i].median, 1e-6);
            assert_close(point->low, files[i].low, 1e-6);
            assert_close(point->high, files[i].high, 1e-6);
        }
        assert_int_equal(point->value_count, 10);
        /* The samples are what it is the median of. */
        double sum = 0;
        for (size_t k = 0; k < point->value_count; k++) {
            sum += point->values[k];
        }
        assert_close(sum / 10, point->value, 0.05);
        if (files[i].rate != NULL) {
            const struct tare_history_line *line = import_line(&got.records[0], files[i].rate);
            assert_close(line->points[0].value, files[i].amount * 1e9 / point->value, 1e-9);
            assert_close(line->points[0].low, files[i].amount * 1e9 / point->high, 1e-9);
            assert_int_equal(line->series.better, TARE_BETTER_HIGHER);
        }
        /* All of its files are in the record's bytes, which are the same record again. */
        const struct tare_history_record *record = &got.records[0];
        struct imported again = import_bytes(TARE_IMPORT_GUESS, "x", record->raw, record->raw_size, NULL);
        assert_int_equal(again.failure, 0);
        assert_string_equal(again.records[0].run.digest, record->run.digest);
        assert_int_equal(again.records[0].line_count, record->line_count);
        assert_int_equal(again.records[0].lines[0].series.id, record->lines[0].series.id);
        imported_release(&again);
        imported_release(&got);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hyperfine_says_the_same),
        cmocka_unit_test(commands_that_fail_in_hyperfine_are_told_apart),
        cmocka_unit_test(google_benchmark_says_the_same),
        cmocka_unit_test(statistics_alone_give_the_same_series),
        cmocka_unit_test(perf_says_the_same),
        cmocka_unit_test(intervals_and_processors_of_perf_are_refused),
        cmocka_unit_test(files_of_criterion_are_read_together),
    };
    return cmocka_run_group_tests(tests, go_to_folder, leave_folder);
}
