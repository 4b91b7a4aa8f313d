/* SPDX-License-Identifier: MIT */
/*
 * The clocks take a few µs every tenth of a second; each thread some 10 µs, as files of /proc are opened for
 * it. All of that is in our process, but it may be on the measured one's processor: so each look at threads is
 * paid for by a pause of 200 times its length.
 */
#include "cli/watch.h"

#include "cli/cli.h"
#include "record/monotonic.h"
#include "result/clock_quality.h"

bool watch_begin(struct watch *watch, int pin)
{
    if (tare_migrations_init(&watch->migrations, pin) != 0) {
        error("out of memory");
        return false;
    }
    watch->threads_due_ns = 0;
    tare_clock_watch_begin(&watch->clock);
    return true;
}

static void look(struct watch *watch, const pid_t *pids, size_t count, bool last)
{
    enum { PAUSE = 200 }; /* half a percent */
    tare_clock_watch_poll(&watch->clock);
    uint64_t begin_ns = tare__monotonic_ns();
    if (last || begin_ns >= watch->threads_due_ns) {
        tare_migrations_look(&watch->migrations, pids, count, begin_ns, last);
        uint64_t end_ns = tare__monotonic_ns();
        watch->threads_due_ns = end_ns + PAUSE * (end_ns - begin_ns);
    }
}

void watch_look(struct watch *watch, const pid_t *pids, size_t count)
{
    look(watch, pids, count, false);
}

void watch_last_look(struct watch *watch, const pid_t *pids, size_t count)
{
    look(watch, pids, count, true);
}

bool watch_tell(struct watch *watch, struct tare_result *result)
{
    tare_clock_watch_end(&watch->clock);
    struct tare_clock_findings found = tare_clock_watch_findings(&watch->clock);
    if (tare_result_clock_quality(result, &found, &watch->migrations) != 0) {
        error("out of memory");
        return false;
    }
    return true;
}

void watch_end(struct watch *watch)
{
    tare_migrations_release(&watch->migrations);
}
