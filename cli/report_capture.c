/* SPDX-License-Identifier: MIT */
#include "cli/report_capture.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

const char *report_capture_refuses(int id)
{
    switch (id) {
    case OPTION_COLUMNS:
        return "--columns";
    case OPTION_UNIT:
        return "--unit";
    case OPTION_MAX_OVERHEAD:
        return "--max-overhead";
    default:
        return NULL;
    }
}

/* What is known of a capture's timers, and can be an order of them. */
static bool is_order(const char *sort)
{
    static const char *const names[] = {"name", "calls", "outermost", "total", "avg",       "net-total",
                                        "net",  "p50",   "p99",       "file",  "measuring", NULL};
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(sort + (sort[0] == '-'), names[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool report_capture_fits(const char *refused, const char *sort, bool per_process)
{
    if (refused != NULL) {
        error("%s is not for captures", refused);
        return false;
    }
    if (sort != NULL && !is_order(sort)) {
        char *shown = printable(sort);
        error("the timers of a capture cannot be sorted by '%s': by name, calls, outermost, total, avg, "
              "net-total, net, p50, p99, measuring or file",
              shown != NULL ? shown : "-");
        free(shown);
        return false;
    }
    if (per_process) {
        warning("a capture has a table for each process in any case");
    }
    return true;
}
