/* SPDX-License-Identifier: MIT */
/* A capture in `tare report`: which options say something of it. */
#ifndef TARE_CLI_REPORT_CAPTURE_H
#define TARE_CLI_REPORT_CAPTURE_H

#include <stdbool.h>

/* The name of the option, if it says nothing of captures; else NULL. */
const char *report_capture_refuses(int id);

/*
 * Whether all that was given is for captures; `refused`: the first that is not, or NULL; `sort`: a column's name, or
 * NULL. False after an error was printed.
 */
bool report_capture_fits(const char *refused, const char *sort, bool per_process);

#endif
