/* SPDX-License-Identifier: MIT */
/*
 * A capture, as a table of what each instrument did over the whole of it, as CSV or Markdown, and as a trace.
 * Each is of a result that has a `capture`, and returns 0, -EINVAL if it has none, -ENOMEM, or -EIO if the stream
 * has an error. Nothing in a capture is trusted: what a terminal would obey, or a format, is escaped.
 */
#ifndef TARE_VIEW_CAPTURE_H
#define TARE_VIEW_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "result/capture.h"
#include "view/view.h"

/* TARE_FORMAT_TABLE or _MARKDOWN. */
int tare_view_capture(const struct tare_result *result, const struct tare_view_options *options,
                      enum tare_format format, FILE *out);

/* The series: a line for each value that is known. */
int tare_view_capture_csv(const struct tare_result *result, FILE *out);

/*
 * Trace events as Chrome and Perfetto open them, docs/captures.md: frames as spans; states as spans in the tracks of
 * their threads, as far as they can be told; all else as counter tracks.
 */
int tare_view_capture_chrome(const struct tare_result *result, FILE *out);

/* One figure over the whole capture: of an instrument, one of its states, a process, or a derived figure. */
struct tare_capture_row {
    const struct tare_capture_process *process;
    const struct tare_capture_instrument *instrument; /* NULL: of the process, or a derived figure */
    char *name;
    const char *unit;                 /* of first and last; NULL: none */
    double first, last;               /* values that were known first and last: a total, or a gauge's value */
    bool is_count;                    /* first and last are whole numbers: */
    uint64_t first_count, last_count; /* TARE_COUNT_UNKNOWN: unknown */
    const char *rate_unit;            /* of the rest */
    double min, mean, max;            /* of the rates of the last window, or of the values themselves */
    bool mean_is_exact;               /* (last - first) / time, not the mean of windows, which overlap */
};

/* The rows in order, malloc'ed; *count of them. NULL without memory. */
struct tare_capture_row *tare_capture_rows(const struct tare_capture *capture, size_t *count);
void tare_capture_rows_free(struct tare_capture_row *rows, size_t count);

/*
 * What the timers of a process took over the capture: calls, totals, averages, and what measuring took. Percentiles
 * are of all that they counted up to the end. `whole`: the capture began with the program, so all that its processes
 * counted is of it; else, what there was in the first sample is not. Unknown: NAN, TARE_COUNT_UNKNOWN. malloc'ed,
 * with names that are the capture's; NULL without memory.
 */
struct tare_result_timer *tare_capture_timers(const struct tare_capture_process *process, bool whole,
                                              size_t *count);

/* How long the process was in the capture. NAN: unknown, or no time. */
double tare_capture_time_ns(const struct tare_capture *capture, const struct tare_capture_process *process,
                            bool whole);

/* Processor time of all processes meanwhile, as far as samples saw it. NAN: unknown of one. */
double tare_capture_cpu_ns(const struct tare_capture *capture, bool whole);

/* "module.name{labels}", or "module::name". malloc'ed; NULL without memory. */
char *tare_capture_name(const struct tare_capture_instrument *instrument);

/* How many of the names before number `at` are the same: two states of one name are two. */
size_t tare_capture_name_repeats(char *const *names, size_t at);

/* The usual figures of the frames that were kept. 0, -ENOMEM, or -EINVAL if there are none. */
int tare_capture_frames(const struct tare_capture_instrument *instrument, struct tare_frames *figures);

/*
 * How many frames there were in a second, the pauses between them and those that were missed included; NAN: unknown.
 * The frame times do not tell that: where frames wait for the display, they take less.
 */
double tare_capture_frame_rate(const struct tare_capture_instrument *instrument);

#endif
