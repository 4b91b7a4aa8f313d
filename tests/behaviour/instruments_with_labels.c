/* SPDX-License-Identifier: MIT */
/*
 * What makes an instrument the one it is: kind, module, name and labels, in whatever order. What differs in one of
 * them is another one, which its units, its help and the place of its declaration do not. Text that is no list of
 * labels is one label. All but timers are enabled from the
 * start; patterns match `module.name` and `module::name`. tare_snapshot() gives timers alone, tare_report()
 * both.
 */
#include <tare/frame.h>

#include "tests/behaviour/raw_page.h"

enum { INSTRUMENTS = 17 };

TARE_MODULE("test");
TARE_COUNTER_NAMED(in, "net.bytes_total", "bytes", "dir=in", "What came");
TARE_COUNTER_NAMED(out, "net.bytes_total", "bytes", "dir=out", "What went");
TARE_COUNTER_NAMED(bare, "net.bytes_total", "words");
TARE_COUNTER_NAMED(again, "net.bytes_total", "octets", "dir=in");
TARE_GAUGE_NAMED(gauge, "net.bytes_total");
TARE_TIMER_NAMED(timer, "net.bytes_total");
TARE_COUNTER(quiet);
TARE_HISTOGRAM(sizes, "bytes");
TARE_STATE(mode, "off", "on \033[1m");
TARE_COUNTER_NAMED(this_way, "way", "", "y=1,x=2");
TARE_COUNTER_NAMED(that_way, "way", "", "x=2,y=1");
TARE_COUNTER_NAMED(comma, "way", "", "y=1,x");
TARE_COUNTER_NAMED(semicolon, "way", "", "y=1;x");
TARE_COUNTER_NAMED(twice, "way", "", "y=1,y=1");
TARE_COUNTER_NAMED(as_comma, "way", "", "labels=y=1%2Cx");
TARE_STATE_LABELLED(here, "worker", "pool=a", "What they do", "idle", "busy");
TARE_STATE_LABELLED(there, "worker", "pool=b", "", "idle", "busy");
TARE_FRAMES_LABELLED(left, "view", 64, "eye=left", "", "cpu");
TARE_FRAMES_LABELLED(right, "view", 64, "eye=right", "What is seen", "cpu");

static void check_identity(const struct raw_page *page)
{
    const char *name = "net.bytes_total";
    TARE_ADD(in, 1);
    TARE_ADD(again, 10);
    TARE_ADD(out, 100);
    TARE_ADD(bare, 1000);
    TARE_SET(gauge, 5);
    uint32_t in = raw_find_labelled(page, TARE_KIND_COUNTER, "test", name, "dir=in");
    uint32_t out = raw_find_labelled(page, TARE_KIND_COUNTER, "test", name, "dir=out");
    uint32_t bare = raw_find_labelled(page, TARE_KIND_COUNTER, "test", name, "");
    MUST(in != UINT32_MAX && out != UINT32_MAX && bare != UINT32_MAX);
    CHECK_EQ(raw_total(page, in), 11);
    CHECK_EQ(TARE_TOTAL(in), 11);
    CHECK_EQ(raw_total(page, out), 100);
    CHECK_EQ(raw_total(page, bare), 1000);
    CHECK_EQ(raw_entry(page, in)->objects, 2);
    CHECK(strcmp(raw_string(page, raw_entry(page, in)->unit_string), "bytes") == 0); /* the first one's */
    CHECK(strcmp(raw_string(page, raw_entry(page, in)->help_string), "What came") == 0);
    CHECK(strcmp(raw_string(page, raw_entry(page, out)->help_string), "What went") == 0);
    CHECK(strcmp(raw_string(page, raw_entry(page, bare)->unit_string), "words") == 0);
    CHECK_EQ(raw_entry(page, bare)->help_string, 0);
    CHECK(raw_value(page, raw_find_labelled(page, TARE_KIND_GAUGE, "test", name, "")) == 5);
    CHECK_EQ(page->header->instrument_count, INSTRUMENTS);
}

static void check_labels(const struct raw_page *page)
{
    static const struct {
        const char *labels;
        uint64_t total;
        uint32_t objects;
    } expected[] = {
        {"x=2,y=1", 11, 2},
        {"labels=y=1%2Cx", 100, 1},
        {"y=1;x", 1000, 1}, /* a list: of one label */
        {"labels=y=1%2Cy=1", 10000, 1},
        {"labels=labels=y=1%252Cx", 100000, 1},
    };
    TARE_ADD(this_way, 1);
    TARE_ADD(that_way, 10);
    TARE_ADD(comma, 100);
    TARE_ADD(semicolon, 1000);
    TARE_ADD(twice, 10000);
    TARE_ADD(as_comma, 100000);
    CHECK_EQ(TARE_TOTAL(this_way), 11);
    CHECK_EQ(TARE_TOTAL(that_way), 11);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        uint32_t index = raw_find_labelled(page, TARE_KIND_COUNTER, "test", "way", expected[i].labels);
        MUST(index != UINT32_MAX);
        CHECK_EQ(raw_total(page, index), expected[i].total);
        CHECK_EQ(raw_entry(page, index)->objects, expected[i].objects);
    }
}

static void check_states_and_frames(const struct raw_page *page)
{
    uint32_t a = raw_find_labelled(page, TARE_KIND_STATE, "test", "worker", "pool=a");
    uint32_t b = raw_find_labelled(page, TARE_KIND_STATE, "test", "worker", "pool=b");
    uint32_t left_view = raw_find_labelled(page, TARE_KIND_FRAMES, "test", "view", "eye=left");
    uint32_t right_view = raw_find_labelled(page, TARE_KIND_FRAMES, "test", "view", "eye=right");
    MUST(a != UINT32_MAX && b != UINT32_MAX && left_view != UINT32_MAX && right_view != UINT32_MAX);
    CHECK(strcmp(raw_string(page, raw_entry(page, a)->help_string), "What they do") == 0);
    CHECK(strcmp(raw_string(page, raw_entry(page, right_view)->help_string), "What is seen") == 0);
    CHECK_EQ(raw_entry(page, left_view)->help_string,
             raw_entry(page, b)->help_string); /* "": the same as none */
    CHECK_EQ(raw_entry(page, a)->name_count, 2);
    CHECK_EQ(raw_entry(page, left_view)->name_count, 1);
}

static bool is_on(const struct raw_page *page, uint32_t kind, const char *name)
{
    return raw_control(page, raw_find(page, kind, name))->enabled;
}

static void check_patterns(const struct raw_page *page)
{
    CHECK(is_on(page, TARE_KIND_COUNTER, "quiet") && !is_on(page, TARE_KIND_TIMER, "net.bytes_total"));
    CHECK_EQ(tare_enable("test.net.*"), 5);
    CHECK(is_on(page, TARE_KIND_TIMER, "net.bytes_total"));
    CHECK_EQ(tare_disable("test::net.*"), 5);
    CHECK(!is_on(page, TARE_KIND_COUNTER, "net.bytes_total") &&
          !is_on(page, TARE_KIND_TIMER, "net.bytes_total"));
    CHECK_EQ(tare_enable_only("test.sizes"), 1);
    CHECK(is_on(page, TARE_KIND_HISTOGRAM, "sizes") && is_on(page, TARE_KIND_COUNTER, "quiet"));
    CHECK(!is_on(page, TARE_KIND_COUNTER, "net.bytes_total")); /* left alone: it was disabled by name */
    CHECK_EQ(tare_enable("*"), INSTRUMENTS);
    CHECK_EQ(tare_enable_only("nothing"), 0);
    CHECK(is_on(page, TARE_KIND_COUNTER, "net.bytes_total") &&
          !is_on(page, TARE_KIND_TIMER, "net.bytes_total"));
    tare_stats stats[2];
    CHECK_EQ(tare_snapshot(NULL, stats, 2), 1);
    CHECK(strcmp(stats[0].name, "net.bytes_total") == 0);
}

static void check_report(void)
{
    char *report = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&report, &size);
    MUST(stream != NULL);
    TARE_RECORD(sizes, 10);
    TARE_RECORD(sizes, 20);
    TARE_ENTER(mode, 1);
    uint64_t until = monotonic_ns() + 1000000;
    while (monotonic_ns() < until) {
    }
    TARE_LEAVE(mode);
    CHECK_EQ(tare_report(stream), 0);
    fclose(stream);
    CHECK(strstr(report, "test.net.bytes_total{dir=in}") != NULL && strstr(report, " 11 bytes\n") != NULL);
    CHECK(strstr(report, " 5, at most 5\n") != NULL);
    CHECK(strstr(report, " 2 times, 10 to 20 bytes, 15 on average\n") != NULL);
    CHECK(strstr(report, " on ?[1m ") != NULL);
    CHECK(strstr(report, "test.quiet") == NULL); /* it counted nothing */
    CHECK(strstr(report, "no timer was called") == NULL);
    free(report);
}

/* Disabled in the environment's way: nothing but TARE_ENABLE's timers, and all that is no timer. */
static int with_environment(void)
{
    struct raw_page page = raw_open(own_page());
    CHECK(is_on(&page, TARE_KIND_COUNTER, "quiet"));
    CHECK(is_on(&page, TARE_KIND_TIMER, "net.bytes_total"));
    raw_close(&page);
    return failed_checks != 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        return with_environment();
    }
    struct raw_page page = raw_open(own_page());
    begin_case("kind, module, name and labels tell instruments apart");
    check_identity(&page);
    begin_case("labels in any order are the same; what is no list of them is seen");
    check_labels(&page);
    begin_case("labels of states and frames tell them apart");
    check_states_and_frames(&page);
    begin_case("patterns, and what tare_enable_only leaves alone");
    check_patterns(&page);
    begin_case("tare_report has a line for what counted");
    check_report();
    begin_case("TARE_ENABLE chooses timers by module.name, too");
    CHECK_EQ(run_self("environment", ENVIRONMENT("TARE_ENABLE=test.net.*"), NULL), 0);
    raw_close(&page);
    return finish();
}
