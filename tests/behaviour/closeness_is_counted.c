/* SPDX-License-Identifier: MIT */
/*
 * The outer cost of a scope depends on what follows it, so scopes count how closely they are followed. Where
 * the clock cannot tell (it was not counted: sums alone), or nothing ended within, the sums are 0.
 */
#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(close);
TARE_TIMER(apart);
TARE_TIMER(call);

enum { ROUNDS = 2000, CALLS = 10 };

static volatile uint64_t kept;

/* Far longer than the recording of a scope. */
static void work(void)
{
    uint64_t value = kept;
    for (int i = 0; i < 500; i++) {
        value = value * 6364136223846793005u + 1442695040888963407u;
    }
    kept = value;
}

static void run(void)
{
    for (int i = 0; i < TIMES(ROUNDS); i++) {
        TARE_SCOPE(close);
        for (int j = 0; j < CALLS; j++) {
            TARE_SCOPE(call);
        }
    }
    for (int i = 0; i < TIMES(ROUNDS); i++) {
        TARE_SCOPE(apart);
        for (int j = 0; j < CALLS; j++) {
            {
                TARE_SCOPE(call);
            }
            work();
        }
    }
}

static int be_child(bool histograms)
{
    MUST(tare_enable("test::*") == 3);
    run();
    tare_stats close = stats_of("test::close"), apart = stats_of("test::apart"), call = stats_of("test::call");
    CHECK_EQ(close.scopes_within, (uint64_t)TIMES(ROUNDS) * CALLS);
    CHECK_EQ(close.uncounted_within, 0);
    CHECK_EQ(call.closeness_within, 0);
    if (!histograms) {
        CHECK_EQ(close.closeness_within, 0);
        CHECK_EQ(apart.closeness_within, 0);
    } else if (!SANITIZED) {
        CHECK(close.closeness_within >= apart.closeness_within);
#ifdef __x86_64__ /* others are emulated, which takes so long that nothing overlaps */
        CHECK(close.closeness_within > 4 * apart.closeness_within);
#endif
    }
    return failed_checks != 0;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return be_child(strcmp(argv[1], "histograms") == 0);
    }
    begin_case("scopes that follow each other at once are close, others are not");
    CHECK_EQ(run_self("histograms", ENVIRONMENT("TARE_PAGE=memory"), NULL), 0);
    begin_case("with sums alone it is not counted");
    CHECK_EQ(run_self("sums", ENVIRONMENT("TARE_HISTOGRAM=off"), NULL), 0);
    return finish();
}
