/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a figure that leaves its range. A gauge that is not finite is unknown, and its peak stays. A
 * counter that somebody has taken more from than there was is unknown, not huge. The sum of a histogram stays
 * where it ends, and is unknown from there on; its count and extremes are exact still. tare_report() says so, and
 * what became of a size in the environment that cannot be.
 */
#include <math.h>
#include <pthread.h>

#include "tests/behaviour/raw_page.h"

TARE_MODULE("test");
TARE_GAUGE(gauge);
TARE_GAUGE(endless);
TARE_COUNTER(below);
TARE_COUNTER(between);
TARE_HISTOGRAM(values, "bytes");
TARE_HISTOGRAM(largest);

static char *report(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    MUST(stream != NULL);
    CHECK_EQ(tare_report(stream), 0);
    MUST(fclose(stream) == 0);
    return text;
}

/* Whether the report's line that begins with `name` ends in `end`. */
static bool line_ends(const char *name, const char *end)
{
    char *text = report(), *line = strstr(text, name);
    bool ends = false;
    if (line != NULL) {
        line[strcspn(line, "\n")] = '\0';
        size_t length = strlen(line), wanted = strlen(end);
        ends = length >= wanted && strcmp(line + length - wanted, end) == 0;
    }
    free(text);
    return ends;
}

static bool in_report(const char *what)
{
    char *text = report();
    bool there = strstr(text, what) != NULL;
    free(text);
    return there;
}

static void check_gauges(const struct raw_page *page)
{
    uint32_t index = raw_find(page, TARE_KIND_GAUGE, "gauge");
    TARE_SET(gauge, 3);
    TARE_SET(gauge, (double)INFINITY);
    CHECK(isnan(raw_value(page, index)) && raw_peak(page, index) == 3);
    CHECK(line_ends("test.gauge", " unknown, at most 3"));
    TARE_SET(gauge, 2);
    CHECK(raw_value(page, index) == 2 && raw_peak(page, index) == 3);
    TARE_SET(gauge, (double)-INFINITY);
    CHECK(isnan(raw_value(page, index)) && raw_peak(page, index) == 3);
    CHECK_EQ(tare_reset("test.gauge"), 1);
    TARE_SET(gauge, -0.0);
    CHECK(line_ends("test.gauge", " 0, at most 0"));
    TARE_SET(endless, (double)INFINITY);
    CHECK(!in_report("test.endless"));
}

static void *add_ten(void *data)
{
    (void)data;
    TARE_ADD(between, 10);
    TARE_ADD(below, 10);
    return NULL;
}

static void check_counters(void)
{
    pthread_t thread;
    TARE_ADD(between, -4);
    TARE_ADD(below, -11);
    MUST(pthread_create(&thread, NULL, add_ten, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK_EQ(TARE_TOTAL(between), 6);
    CHECK(line_ends("test.between", " 6"));
    CHECK(line_ends("test.below", " unknown: more was subtracted than added"));
    TARE_ADD(below, 1);
    CHECK(!in_report("test.below"));
    TARE_ADD(below, 1);
    CHECK(line_ends("test.below", " 1"));
}

static void check_histograms(const struct raw_page *page)
{
    const uint64_t half = UINT64_C(1) << 63;
    uint32_t index = raw_find(page, TARE_KIND_HISTOGRAM, "values");
    TARE_RECORD(values, half - 1);
    TARE_RECORD(values, half - 1);
    const struct tare_slot *slot = raw_slot(page, 0, index);
    MUST(slot != NULL);
    CHECK_EQ(slot->total_ticks, UINT64_MAX - 1);
    CHECK(!in_report("average unknown"));
    TARE_RECORD(values, 7);
    CHECK_EQ(slot->total_ticks, TARE_SUM_UNKNOWN);
    TARE_RECORD(values, 0);
    TARE_RECORD(values, UINT64_MAX);
    TARE_RECORD(values, 12);
    CHECK_EQ(slot->total_ticks, TARE_SUM_UNKNOWN);
    CHECK_EQ(slot->outermost, 6);
    CHECK_EQ(slot->min_ticks, 0);
    CHECK_EQ(slot->max_ticks, UINT64_MAX);
    CHECK(line_ends("test.values", " 6 times, 0 to 18446744073709551615 bytes, average unknown"));
    CHECK_EQ(tare_reset("test.values"), 1);
    TARE_RECORD(values, 10);
    CHECK(line_ends("test.values", " 1 times, 10 to 10 bytes, 10 on average"));
}

/* Of two threads, neither of which comes to the end. */
static void *record_most(void *data)
{
    (void)data;
    TARE_RECORD(largest, UINT64_MAX - 5);
    return NULL;
}

static void check_merging(void)
{
    pthread_t thread;
    TARE_RECORD(largest, 5);
    CHECK(line_ends("test.largest", " 1 times, 5 to 5, 5 on average"));
    MUST(pthread_create(&thread, NULL, record_most, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK(line_ends("test.largest", ", average unknown"));
}

/* argv[1]: what is to be in the report, or with a "!" before it, is not to be there. */
static int with_sizes(const char *expected)
{
    CHECK_EQ(in_report(expected + (*expected == '!')), *expected != '!');
    return failed_checks != 0;
}

static void check_sizes(void)
{
    static const struct {
        const char *setting, *expected;
    } cases[] = {
        {"TARE_TIMERS=65536", "!note: TARE_TIMERS"},
        {"TARE_TIMERS=65537", "note: TARE_TIMERS asks for more than there can be, 65536, and gets that\n"},
        {"TARE_TIMERS=99999999999999999999999", "note: TARE_TIMERS asks for more than there can be"},
        {"TARE_TIMERS=many", "note: TARE_TIMERS is no number from 1 to 65536, and is taken for 1024\n"},
        {"TARE_TIMERS=0", "note: TARE_TIMERS is no number from 1"},
        {"TARE_TIMERS=-1", "note: TARE_TIMERS is no number from 1"},
        {"TARE_TIMERS=", "!note: TARE_TIMERS"},
        {"TARE_THREADS=4097", "note: TARE_THREADS asks for more than there can be, 4096, and gets that\n"},
        {"TARE_THREADS=12x", "note: TARE_THREADS is no number from 1 to 4096, and is taken for 128\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(run_self(cases[i].expected, ENVIRONMENT(text("%s", cases[i].setting)), NULL), 0);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return with_sizes(argv[1]);
    }
    struct raw_page page = raw_open(own_page());
    begin_case("a gauge that is not finite is unknown");
    check_gauges(&page);
    begin_case("a counter below nothing is unknown");
    check_counters();
    begin_case("a sum of values stops, and is unknown");
    check_histograms(&page);
    begin_case("so it is where threads are added up");
    check_merging();
    begin_case("sizes that cannot be are told in the report");
    check_sizes();
    raw_close(&page);
    return finish();
}
