/* SPDX-License-Identifier: MIT */
/*
 * A user's program, for run.sh: built against the installed header and library in each language and way of
 * linking. It succeeds if the timer that it declares is found and counts as often as its scope was run. With
 * TARE_DISABLE nothing of tare may be left in it, and it succeeds if the timer is not there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tare/tare.h>

TARE_MODULE("consumer");
TARE_TIMER(work);

#ifdef TARE_DISABLE
enum { EXPECTED_TIMERS = 0, EXPECTED_CALLS = 0 };
#else
enum { EXPECTED_TIMERS = 1, EXPECTED_CALLS = 3 };
#endif

static int work(int n)
{
    TARE_SCOPE(work);
    return n + 1;
}

int main(void)
{
    tare_stats stats;
    memset(&stats, 0, sizeof(stats));
    int enabled = tare_enable("consumer::*");
    int n = 0;
    while (n < 3) {
        n = work(n);
    }
    int found = tare_snapshot("consumer::work", &stats, 1);
    if (enabled != EXPECTED_TIMERS || found != EXPECTED_TIMERS || stats.calls != EXPECTED_CALLS) {
        fprintf(stderr, "enabled %d, found %d, calls %" PRIu64 "\n", enabled, found, stats.calls);
        return 1;
    }
    if (strcmp(tare_version(), TARE_VERSION) != 0) {
        fprintf(stderr, "the library is %s, the header %s\n", tare_version(), TARE_VERSION);
        return 1;
    }
    return 0;
}
