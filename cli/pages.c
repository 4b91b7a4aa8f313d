/* SPDX-License-Identifier: MIT */
/*
 * A single page becomes part of a result. On the boot on which it was made, our own clock gives its rate a long
 * baseline, and its process may be looked up.
 */
#include "cli/pages.h"

#include <string.h>

#include "cli/cli.h"
#include "record/discover.h"
#include "runtime/clock.h"

int pages_read(const struct tare_page_source *source, struct tare_page_view *view, const char *subject)
{
    char message[256];
    int failure = tare_page_read(source, TARE_READ_HISTOGRAMS, view, message, sizeof(message));
    if (failure != 0) {
        error("cannot read %s: %s", subject, message);
    }
    return failure;
}

static bool same_boot(const struct tare_page *header)
{
    uint8_t id[16];
    return tare_boot_id(id) == 0 && memcmp(id, header->boot_id, sizeof(id)) == 0;
}

int pages_add(struct tare_collector *collector, const struct tare_page_source *source,
              const struct tare_page_view *before, const struct tare_sampler *sampler, uint64_t number,
              const char *subject)
{
    struct tare_page_view view = {0};
    int failure = pages_read(source, &view, subject);
    if (failure == 0) {
        bool here = same_boot(&view.header);
        struct tare_anchor now = tare__clock_anchor(view.header.clock);
        struct tare_page_context context = {
            .now = here && view.header.state != TARE_PAGE_EXITED && view.header.clock < TARE_CLOCK_CLOCK ? &now
                                                                                                         : NULL,
            .end = here && tare_process_alive((pid_t)view.header.pid, view.header.start_time_jiffies)
                       ? TARE_END_RUNNING
                       : TARE_END_UNKNOWN,
            .keep_process = true,
            .keep_timers = true,
            .window = before != NULL,
            .sampler = sampler,
            .page = number,
        };
        if (before != NULL) {
            tare_page_view_subtract(&view, before);
        }
        failure = tare_collector_add(collector, &view, &context);
        if (failure != 0) {
            error("out of memory");
        }
    }
    tare_page_view_release(&view);
    return failure;
}
