/* SPDX-License-Identifier: MIT */
/* What `tare report` has for profiles: its options, and finding what they name. */
#ifndef TARE_CLI_REPORT_PROFILE_H
#define TARE_CLI_REPORT_PROFILE_H

#include "cli/cli.h"

enum {
    OPTION_CALLERS = 2000,
    OPTION_CALLEES,
    OPTION_ANNOTATE,
    OPTION_TOP,
    OPTION_TIMER,
    OPTION_BY,
    OPTION_SOURCE,
};
#define REPORT_PROFILE_OPTIONS                                                                                 \
    {OPTION_TOP, '\0', "top", "N", "of a profile: so many functions, 0 for all (default: 20)", NULL},          \
        {OPTION_CALLERS, '\0', "callers", "FUNCTION", "of a profile: who calls FUNCTION", NULL},               \
        {OPTION_CALLEES, '\0', "callees", "FUNCTION", "of a profile: whom FUNCTION calls", NULL},              \
        {OPTION_ANNOTATE,                                                                                      \
         '\0',                                                                                                 \
         "annotate",                                                                                           \
         "FUNCTION",                                                                                           \
         "of a profile: the lines of FUNCTION, beside their source",                                           \
         NULL},                                                                                                \
        {OPTION_SOURCE,                                                                                        \
         '\0',                                                                                                 \
         "source",                                                                                             \
         "DIR",                                                                                                \
         "with --annotate: where source files are, if not where they were built",                              \
         NULL},                                                                                                \
        {OPTION_TIMER,                                                                                         \
         '\0',                                                                                                 \
         "timer",                                                                                              \
         "GLOB",                                                                                               \
         "of a profile: only samples inside these timers, as in 'module::*'",                                  \
         NULL},                                                                                                \
    {                                                                                                          \
        OPTION_BY, '\0', "by", "WHAT", "of a profile: a table for each thread, process or timer",              \
            "thread process timer"                                                                             \
    }

struct report_profile {
    struct tare_profile_view view; /* as the options have it */
    const char *first;             /* the first option of these that was given, "--top"; NULL: none */
    const char *function;          /* of --callers, --callees or --annotate */
    const char *timers;
    const char *sort; /* NULL: by self */
    bool *chosen;     /* for view.timers */
};

void report_profile_init(struct report_profile *report);
void report_profile_release(struct report_profile *report);
/* 0: taken; -1: not one of these options; else an exit code, an error was printed. */
int report_profile_option(struct report_profile *report, int id, const char *value);
/* Looks up in the profile what the options name. False after an error was printed. */
bool report_profile_prepare(struct report_profile *report, const struct tare_profile *profile);

#endif
