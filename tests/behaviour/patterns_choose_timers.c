/* SPDX-License-Identifier: MIT */
/*
 * tare_enable, tare_disable, tare_enable_only, tare_reset and tare_snapshot choose timers by patterns of
 * fnmatch(3), separated by commas; they say how many match, and refuse what is no pattern. At the start,
 * TARE_ENABLE chooses, and where something asks for a report or a page file, all are enabled unless it does.
 */
#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(open);
TARE_TIMER(open_at);
TARE_TIMER(close);
TARE_TIMER_NAMED(odd, "a [b] \\ *");

/* One letter for each enabled timer: o, t (open_at), c, a. */
static const char *enabled(void)
{
    static char letters[8];
    const struct {
        const char *pattern;
        char letter;
    } timers[] = {{"test::open", 'o'}, {"test::open_at", 't'}, {"test::close", 'c'}, {"test::a*", 'a'}};
    int at = 0;
    for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
        if (stats_of(timers[i].pattern).enabled) {
            letters[at++] = timers[i].letter;
        }
    }
    letters[at] = '\0';
    return letters;
}

static void check_enabled(const char *expected, int line)
{
    if (strcmp(enabled(), expected) != 0) {
        note_failure(__FILE__, line, text("enabled are '%s', should be '%s'", enabled(), expected));
    }
}
#define CHECK_ENABLED(expected) check_enabled((expected), __LINE__)

static void check_calls(void)
{
    CHECK_ENABLED("");
    CHECK_EQ(tare_enable("test::open*"), 2);
    CHECK_ENABLED("ot");
    CHECK_EQ(tare_enable("*::close,*::a*"), 2);
    CHECK_ENABLED("otca");
    CHECK_EQ(tare_disable("test::open,,test::close,"), 2);
    CHECK_ENABLED("ta");
    CHECK_EQ(tare_enable_only("test::c*,test::open"), 2);
    CHECK_ENABLED("oc");
    CHECK_EQ(tare_enable_only("test::o??n"), 1);
    CHECK_ENABLED("o");
    CHECK_EQ(tare_enable("test::a \\[b\\] \\\\ \\*"), 1);
    CHECK_ENABLED("oa");
    CHECK_EQ(tare_enable("open"), 0); /* the whole name has to match */
    CHECK_EQ(tare_enable("nothing::*"), 0);
    CHECK_ENABLED("oa");
    CHECK_EQ(tare_enable_only("nothing::*"), 0);
    CHECK_ENABLED("");
    CHECK_EQ(tare_enable("*"), 4);
    CHECK_ENABLED("otca");
}

static void check_refusals(void)
{
    CHECK(tare_enable(NULL) == -EINVAL);
    CHECK(tare_enable("") == -EINVAL);
    CHECK(tare_disable(NULL) == -EINVAL);
    CHECK(tare_enable_only("") == -EINVAL);
    CHECK(tare_reset(NULL) == -EINVAL);
    CHECK(tare_snapshot("", NULL, 0) == -EINVAL);
    CHECK(tare_snapshot("*", NULL, 3) == -EINVAL);
    CHECK_ENABLED("otca");
}

static void check_snapshot(void)
{
    tare_stats stats[2] = {{0}};
    CHECK_EQ(tare_snapshot(NULL, NULL, 0), 4);
    CHECK_EQ(tare_snapshot(NULL, stats, 1), 4);
    CHECK(stats[0].name != NULL && stats[1].name == NULL);
    CHECK_EQ(tare_snapshot("test::close", stats, 2), 1);
    CHECK(strcmp(stats[0].module, "test") == 0 && strcmp(stats[0].name, "close") == 0);
}

/*
 * Many rules, of which those for timers that come later are remembered: their memory is finite, the calls are
 * not.
 */
static void check_many_rules(void)
{
    for (int i = 0; i < 10000; i++) {
        CHECK_EQ(tare_enable("test::open"), 1);
        CHECK_EQ(tare_disable("test::open"), 1);
    }
    CHECK_EQ(tare_enable_only("test::close"), 1);
    CHECK_ENABLED("c");
}

static void check_start(const char *const *environment, const char *expected)
{
    CHECK_EQ(run_self("start", environment, expected), 0);
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        check_enabled(argv[2], __LINE__);
        return failed_checks != 0;
    }
    begin_case("patterns in calls");
    check_calls();
    begin_case("what is no pattern is refused");
    check_refusals();
    begin_case("patterns in snapshots");
    check_snapshot();
    begin_case("ever more patterns");
    check_many_rules();
    begin_case("patterns at the start");
    check_start(NULL, "");
    check_start(ENVIRONMENT("TARE_ENABLE=*"), "otca");
    check_start(ENVIRONMENT("TARE_ENABLE=test::open,test::c*"), "oc");
    check_start(ENVIRONMENT("TARE_REPORT=/dev/null"), "otca");
    check_start(ENVIRONMENT("TARE_REPORT=/dev/null", "TARE_ENABLE=test::close"), "c");
    check_start(ENVIRONMENT(text("TARE_PAGE=%s", scratch("page"))), "otca");
    check_start(ENVIRONMENT(text("TARE_PAGE=%s", scratch("page")), "TARE_ENABLE=test::close"), "c");
    check_start(ENVIRONMENT("TARE=off", "TARE_ENABLE=*"), "");
    return finish();
}
