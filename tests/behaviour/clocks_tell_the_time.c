/* SPDX-License-Identifier: MIT */
/*
 * Each clock tells the time: a known wait, measured by it and by CLOCK_MONOTONIC, is the same for both, and
 * the rate that the page gives agrees with one measured over a longer time from outside.
 */
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "runtime/clock.h"
#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(wait);

enum { WAIT_NS = 20000000, TRIES = 5 };

/*
 * Waits WAIT_NS in a scope, and takes the time around the scope and within it: the truth lies between the
 * two. Somebody else may get the processor in between, so the tightest of some tries counts.
 */
static void check_wait(void)
{
    double slack = 1e300, low = 0, high = 0, told = 0;
    for (int i = 0; i < TRIES; i++) {
        tare_reset("*");
        uint64_t within, around = monotonic_ns();
        {
            TARE_SCOPE(wait);
            within = monotonic_ns();
            while (monotonic_ns() < within + WAIT_NS) {
            }
            within = monotonic_ns() - within;
        }
        around = monotonic_ns() - around;
        if ((double)(around - within) < slack) {
            slack = (double)(around - within);
            low = (double)within;
            high = (double)around;
            told = stats_of("test::wait").total_ns;
        }
    }
    CHECK_EQ(stats_of("test::wait").calls, 1);
    CHECK_BETWEEN(0.99 * low, told, 1.01 * high);
    tare_stats stats = stats_of("test::wait");
    CHECK_BETWEEN(0.99, stats.net_ns / stats.total_ns, 1.01); /* more than 1: what an unordered clock hides */
    CHECK_BETWEEN(0.99, (double)stats.total_ticks / (double)tare_clock_hz() * 1e9 / stats.total_ns, 1.01);
}

/* The rate of a clock, against CLOCK_MONOTONIC_RAW and for a tenth of a second. */
static double rate_of(uint32_t clock)
{
    struct tare_anchor first = tare__clock_anchor(clock), last = first;
    while (last.raw_ns < first.raw_ns + 100000000) {
        last = tare__clock_anchor(clock);
    }
    return (double)(last.ticks - first.ticks) / (double)(last.raw_ns - first.raw_ns) * 1e9;
}

static int be_child(const char *name, const char *mark)
{
    CHECK(strcmp(tare_clock_name(), name) == 0);
    check_wait();
    double rate_hz = rate_of(tare__clock_parse(name));
    FILE *out = fopen(mark, "w");
    MUST(out != NULL && fprintf(out, "%.17g", rate_hz) > 0 && fclose(out) == 0);
    return failed_checks != 0;
}

static void check_clock(const char *name)
{
    const char *page = scratch(text("page.%s", name)), *mark = scratch(text("rate.%s", name));
    begin_case(name);
    if (!tare__clock_usable(tare__clock_parse(name))) {
        skip_case("this machine does not have it");
        return;
    }
    CHECK_EQ(run_self(name, ENVIRONMENT(text("TARE_CLOCK=%s", name), text("TARE_PAGE=%s", page)), mark), 0);
    struct tare_page_view view = read_page(page);
    double rate_hz = 0;
    FILE *in = fopen(mark, "r");
    MUST(in != NULL && fscanf(in, "%lf", &rate_hz) == 1);
    fclose(in);
    CHECK_EQ(view.header.clock, tare__clock_parse(name));
    CHECK_BETWEEN(0.999 * rate_hz, (double)view.header.rate_hz, 1.001 * rate_hz);
    CHECK(view.header.rate_error_ppb < 1000000);
    CHECK(view.header.cost.inner.n != 0 && view.header.cost_at_exit.inner.n != 0);
    tare_page_view_release(&view);
}

static int be_unknown(void)
{
    CHECK(strcmp(tare_clock_name(), tare__clock_name(tare__clock_default())) == 0);
    return failed_checks != 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "unknown") == 0) {
        return be_unknown();
    }
    if (argc > 2) {
        return be_child(argv[1], argv[2]);
    }
    check_clock("tsc-ordered");
    check_clock("tsc");
    check_clock("clock");
    begin_case("a clock that does not exist: the default");
    CHECK_EQ(run_self("unknown", ENVIRONMENT("TARE_CLOCK=sundial", "TARE_ENABLE=*"), NULL), 0);
    return finish();
}
