/* SPDX-License-Identifier: MIT */
/* Whether measuring took too much of what was measured, and which timers to switch off then. */
#ifndef TARE_CLI_OVERHEAD_H
#define TARE_CLI_OVERHEAD_H

#include "cli/cli.h"

/* Of commands that show a result; see overhead_judge(). */
#define OVERHEAD_OPTION                                                                                        \
    {                                                                                                          \
        OPTION_MAX_OVERHEAD, '\0', "max-overhead", "PCT",                                                      \
            "fail if measuring took more than PCT % of the processor time", NULL                               \
    }

/* From so many percent on, whoever measures is warned unasked. */
#define OVERHEAD_WARN_PERCENT 10.0

/* The argument of --max-overhead. False after an error was printed. */
bool parse_percent(const char *option, const char *text, double *value);

/*
 * Compares what measuring took of the processor time with `max_percent`; where that is NAN, warns above 10 %.
 * False after an error was printed: it took more, or how much is not known.
 */
bool overhead_judge(const struct tare_result *result, double max_percent);

#endif
