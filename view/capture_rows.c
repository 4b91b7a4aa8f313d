/* SPDX-License-Identifier: MIT */
/* What each series did over a capture. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/capture.h"

char *tare_capture_name(const struct tare_capture_instrument *instrument)
{
    bool labelled = instrument->labels != NULL && instrument->labels[0] != '\0';
    char *text;
    int written = asprintf(&text, "%s%s%s%s%s%s", instrument->module,
                           instrument->kind == TARE_KIND_TIMER ? "::" : ".", instrument->name,
                           labelled ? "{" : "", labelled ? instrument->labels : "", labelled ? "}" : "");
    return written >= 0 ? text : NULL;
}

int tare_capture_frames(const struct tare_capture_instrument *instrument, struct tare_frames *figures)
{
    if (instrument->frame_count == 0) {
        return -EINVAL;
    }
    double *times_ms = malloc(instrument->frame_count * sizeof(*times_ms));
    if (times_ms == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < instrument->frame_count; i++) {
        times_ms[i] = instrument->frames[i].ns / 1e6;
    }
    int error = tare_frames_of(times_ms, instrument->frame_count, figures);
    free(times_ms);
    return error;
}

double tare_capture_frame_rate(const struct tare_capture_instrument *instrument)
{
    size_t count = instrument->frame_count;
    if (count < 2) {
        return NAN;
    }
    const struct tare_frame_figures *first = &instrument->frames[0], *last = &instrument->frames[count - 1];
    double ns = last->start_ns - first->start_ns;
    return ns > 0 && last->number > first->number ? (double)(last->number - first->number) / (ns / 1e9) : NAN;
}

struct rows {
    const struct tare_capture *capture;
    double short_ns; /* windows below this are left out; NAN: none is */
    struct tare_capture_row *rows;
    size_t count, capacity;
    bool failed;
};

static struct tare_capture_row *add(struct rows *rows, const struct tare_capture_process *process,
                                    const struct tare_capture_instrument *instrument, char *name)
{
    if (name != NULL && rows->count == rows->capacity) {
        size_t capacity = rows->capacity == 0 ? 64 : rows->capacity * 2;
        struct tare_capture_row *grown = reallocarray(rows->rows, capacity, sizeof(*grown));
        if (grown == NULL) {
            free(name);
            name = NULL;
        } else {
            rows->rows = grown;
            rows->capacity = capacity;
        }
    }
    if (name == NULL) {
        rows->failed = true;
        return NULL;
    }
    struct tare_capture_row *row = &rows->rows[rows->count++];
    *row = (struct tare_capture_row){
        .process = process,
        .instrument = instrument,
        .name = name,
        .first = NAN,
        .last = NAN,
        .min = NAN,
        .mean = NAN,
        .max = NAN,
        .first_count = TARE_COUNT_UNKNOWN,
        .last_count = TARE_COUNT_UNKNOWN,
    };
    return row;
}

/* "1/s", "bytes/s". */
static bool is_rate(const char *unit)
{
    size_t size = unit != NULL ? strlen(unit) : 0;
    return size > 2 && strcmp(unit + size - 2, "/s") == 0;
}

size_t tare_capture_name_repeats(char *const *names, size_t at)
{
    size_t count = 0;
    for (size_t i = 0; i < at; i++) {
        count += strcmp(names[i], names[at]) == 0;
    }
    return count;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/*
 * Half of the usual window, which is the median: in a few ms, something or nothing happens, and neither is a rate.
 * False without memory.
 */
static bool find_short(const struct tare_capture *capture, double *short_ns)
{
    size_t known = 0;
    double *windows = malloc((capture->sample_count + 1) * sizeof(*windows));
    *short_ns = NAN;
    if (windows == NULL) {
        return false;
    }
    for (size_t i = 0; i < capture->sample_count; i++) {
        if (!isnan(capture->window_ns[i])) {
            windows[known++] = capture->window_ns[i];
        }
    }
    if (known > 0) {
        qsort(windows, known, sizeof(*windows), by_size);
        *short_ns = windows[known / 2] / 2;
    }
    free(windows);
    return true;
}

/* Values of windows, or of samples. */
struct spread {
    size_t known;
    double sum, min, max;
};

static void spread_add(struct spread *spread, double value)
{
    spread->known++;
    spread->sum += value;
    spread->min = fmin(spread->min, value);
    spread->max = fmax(spread->max, value);
}

/* First and last of one column, with when; min, mean and max of another one: number `at` of those names. */
static void fill(const struct rows *rows, struct tare_capture_row *row,
                 const struct tare_capture_series *series, const char *value_name, const char *rate_name,
                 size_t at)
{
    const struct tare_capture_column *value = tare_capture_column_at(series, value_name, at);
    const struct tare_capture_column *rate =
        rate_name != NULL ? tare_capture_column_at(series, rate_name, at) : NULL;
    const struct spread none = {.min = NAN, .max = NAN};
    struct spread usual = none, brief = none;
    size_t first = 0, last = 0;
    for (size_t i = series->first; i < series->first + series->count; i++) {
        double v = tare_capture_value(series, value, i), r = tare_capture_value(series, rate, i);
        if (!isnan(v)) {
            uint64_t count = value->is_count ? value->counts[i - series->first] : TARE_COUNT_UNKNOWN;
            first = isnan(row->first) ? i : first;
            row->first_count = isnan(row->first) ? count : row->first_count;
            row->first = isnan(row->first) ? v : row->first;
            row->last_count = count;
            row->last = v;
            last = i;
        }
        if (!isnan(r)) { /* what a gauge is has no window */
            spread_add(rate != value && rows->capture->window_ns[i] < rows->short_ns ? &brief : &usual, r);
        }
    }
    if (usual.known == 0) { /* there are no others, as of a process that has ended soon */
        usual = brief;
    }
    row->min = usual.min;
    row->max = usual.max;
    /* What an instrument said once is not what it says now; of a process, what is gone with it is. */
    if (row->instrument != NULL && series->count != 0 &&
        isnan(tare_capture_value(series, value, series->first + series->count - 1))) {
        row->last = NAN;
        row->last_count = TARE_COUNT_UNKNOWN;
    }
    row->is_count = value != NULL && value->is_count;
    row->unit = value != NULL ? value->unit : NULL;
    row->rate_unit = rate != NULL ? rate->unit : NULL;
    row->mean = usual.known > 0 ? usual.sum / (double)usual.known : NAN;
    double s = first < last ? (rows->capture->at_ns[last] - rows->capture->at_ns[first]) / 1e9 : 0;
    bool counts = value != NULL && value->is_count && row->last >= row->first;
    /* Where no rate is known, nobody counted. */
    if (counts && s > 0 && usual.known > 0 && is_rate(row->rate_unit)) {
        row->mean = (row->last - row->first) / s;
        row->mean_is_exact = true;
    }
}

/* Share of the time in each state, of all threads: from the times, if nothing was reset in between. */
static void add_states(struct rows *rows, const struct tare_capture_process *process,
                       const struct tare_capture_instrument *instrument)
{
    const struct tare_capture_series *series = &instrument->series;
    double all_ns = 0;
    size_t from = rows->count;
    bool any = false; /* windows in which time was spent: what the clock's rate moves is none */
    for (size_t n = 0; instrument->names != NULL && instrument->names[n] != NULL; n++) {
        char *name = NULL, *full = tare_capture_name(instrument), *value = NULL, *share = NULL;
        bool fine = full != NULL && asprintf(&name, "%s: %s", full, instrument->names[n]) >= 0;
        fine = fine && asprintf(&value, "ns.%s", instrument->names[n]) >= 0;
        fine = fine && asprintf(&share, "share.%s", instrument->names[n]) >= 0;
        struct tare_capture_row *row = fine ? add(rows, process, instrument, name) : NULL;
        if (row != NULL) {
            fill(rows, row, series, value, share, tare_capture_name_repeats(instrument->names, n));
            any |= !isnan(row->max);
            row->mean = row->last - row->first;
            all_ns += isnan(row->mean) ? 0 : row->mean;
        }
        rows->failed |= row == NULL;
        free(full);
        free(value);
        free(share);
        if (rows->failed) {
            return;
        }
    }
    for (size_t i = from; i < rows->count; i++) {
        rows->rows[i].mean_is_exact = instrument->voids == 0 && any && all_ns > 0;
        rows->rows[i].mean = rows->rows[i].mean_is_exact ? rows->rows[i].mean / all_ns : NAN;
    }
}

/* Units that a table writes behind each value. */
static bool is_written(const char *unit)
{
    static const char *const written[] = {"", "1", "ns", "bytes", "ratio"};
    for (size_t i = 0; unit != NULL && i < sizeof(written) / sizeof(written[0]); i++) {
        if (strcmp(unit, written[i]) == 0) {
            return true;
        }
    }
    return unit == NULL || is_rate(unit);
}

/* "cpu.mips (MIPS)". malloc'ed; NULL without memory. */
static char *with_unit(const char *name, const char *more, const char *unit)
{
    bool written = is_written(unit);
    char *text;
    int size =
        asprintf(&text, "%s%s%s%s%s", name, more, written ? "" : " (", written ? "" : unit, written ? "" : ")");
    return size >= 0 ? text : NULL;
}

/* Since the start, and of the values that came in each window. */
static void add_percentile(struct rows *rows, const struct tare_capture_process *process,
                           const struct tare_capture_instrument *instrument, const char *column,
                           const char *called)
{
    char *full = tare_capture_name(instrument), more[16], total[16];
    snprintf(more, sizeof(more), ": %s", called);
    snprintf(total, sizeof(total), "total_%s", column);
    struct tare_capture_row *row =
        add(rows, process, instrument, full != NULL ? with_unit(full, more, instrument->unit) : NULL);
    free(full);
    if (row != NULL) {
        fill(rows, row, &instrument->series, total, column, 0);
    }
}

static void add_instrument(struct rows *rows, const struct tare_capture_process *process,
                           const struct tare_capture_instrument *instrument)
{
    static const struct {
        const char *value, *rate;
    } columns[] = {
        [TARE_KIND_TIMER] = {"calls", "calls_per_s"}, [TARE_KIND_COUNTER] = {"total", "per_s"},
        [TARE_KIND_GAUGE] = {"value", "value"},       [TARE_KIND_HISTOGRAM] = {"count", "per_s"},
        [TARE_KIND_FRAMES] = {"frames", "per_s"},     [TARE_KIND_TOPK] = {"total", "per_s"},
    };
    if (instrument->kind == TARE_KIND_STATE) {
        add_states(rows, process, instrument);
        return;
    }
    /* Of a histogram, this row counts the values. */
    bool counts = instrument->kind == TARE_KIND_HISTOGRAM || instrument->kind == TARE_KIND_FRAMES;
    char *name = tare_capture_name(instrument);
    struct tare_capture_row *row = add(
        rows, process, instrument, name != NULL ? with_unit(name, "", counts ? NULL : instrument->unit) : NULL);
    free(name);
    if (row == NULL) {
        return;
    }
    fill(rows, row, &instrument->series, columns[instrument->kind].value, columns[instrument->kind].rate, 0);
    if (instrument->kind == TARE_KIND_HISTOGRAM) {
        if (strcmp(instrument->module, "cpu") == 0) { /* of rates (tare/cpu.h), the slow end is the low one */
            add_percentile(rows, process, instrument, "p05", "p5");
        }
        add_percentile(rows, process, instrument, "p50", "p50");
        add_percentile(rows, process, instrument, "p99", "p99");
    }
}

static void add_plain(struct rows *rows, const struct tare_capture_process *process, const char *name,
                      const char *unit, const struct tare_capture_series *series, const char *value,
                      const char *rate)
{
    struct tare_capture_row *row = add(rows, process, NULL, with_unit(name, "", unit));
    if (row != NULL) {
        fill(rows, row, series, value, rate, 0);
    }
}

struct tare_capture_row *tare_capture_rows(const struct tare_capture *capture, size_t *count)
{
    struct rows rows = {.capture = capture};
    rows.failed = !find_short(capture, &rows.short_ns);
    for (size_t p = 0; p < capture->process_count && !rows.failed; p++) {
        const struct tare_capture_process *process = &capture->processes[p];
        add_plain(&rows, process, "processor time", NULL, &process->series, "cpu_total_ns", "cpu_share");
        add_plain(&rows, process, "resident memory", NULL, &process->series, "resident_bytes",
                  "resident_bytes");
        for (size_t i = 0; i < process->instrument_count && !rows.failed; i++) {
            add_instrument(&rows, process, &process->instruments[i]);
        }
        for (size_t i = 0; i < process->derived_count && !rows.failed; i++) {
            const struct tare_capture_derived *derived = &process->derived[i];
            add_plain(&rows, process, derived->name, derived->unit, &derived->series, "total", "rolling");
        }
    }
    if (rows.failed) {
        tare_capture_rows_free(rows.rows, rows.count);
        return NULL;
    }
    *count = rows.count;
    return rows.rows != NULL ? rows.rows : malloc(1);
}

void tare_capture_rows_free(struct tare_capture_row *rows, size_t count)
{
    for (size_t i = 0; rows != NULL && i < count; i++) {
        free(rows[i].name);
    }
    free(rows);
}
