/* SPDX-License-Identifier: MIT */
/*
 * A capture as it is: made, freed, asked for its values, and turned into a document. What fills it is
 * result/capture_add.c.
 */
#include "result/capture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tare/version.h>

#include "result/capture_parts.h"
#include "result/json.h"

struct tare_capture *tare_capture_new(const struct tare_capture_options *options)
{
    struct tare_capture *capture = calloc(1, sizeof(*capture));
    struct tare__capture_way *way = calloc(1, sizeof(*way));
    if (capture == NULL || way == NULL) {
        free(capture);
        free(way);
        return NULL;
    }
    if (options != NULL) {
        way->options = *options;
    }
    way->options.max_samples = way->options.max_samples != 0 ? way->options.max_samples : TARE_CAPTURE_SAMPLES;
    way->options.max_bytes = way->options.max_bytes != 0 ? way->options.max_bytes : TARE_CAPTURE_BYTES;
    way->options.max_keys = way->options.max_keys != 0 ? way->options.max_keys : 64;
    way->bytes = sizeof(*capture);
    *capture = (struct tare_capture){
        .started_unix_ns = NAN,
        .interval_ns = way->options.interval_ns > 0 ? way->options.interval_ns : NAN,
        .memory = way,
    };
    return capture;
}

void tare__capture_column_release(struct tare_capture_column *column)
{
    free(column->name);
    free(column->unit);
    free(column->counts);
    free(column->numbers);
}

void tare__capture_series_release(struct tare_capture_series *series)
{
    for (size_t i = 0; i < series->column_count; i++) {
        tare__capture_column_release(&series->columns[i]);
    }
    free(series->columns);
}

void tare__capture_names_free(char **names)
{
    for (char **name = names; name != NULL && *name != NULL; name++) {
        free(*name);
    }
    free(names);
}

void tare__captured_instrument_release(struct tare_capture_instrument *instrument)
{
    free(instrument->module);
    free(instrument->name);
    free(instrument->unit);
    free(instrument->labels);
    free(instrument->help);
    free(instrument->file);
    tare__capture_names_free(instrument->names);
    tare__capture_series_release(&instrument->series);
    free(instrument->frames);
    free(instrument->keys);
    free(instrument->stays);
    free(instrument->several);
    if (instrument->memory != NULL) {
        free(((struct tare__captured_states *)instrument->memory)->blocks);
        free(instrument->memory);
    }
}

static void release_process_under_way(struct tare__captured_process_way *way)
{
    if (way != NULL) {
        free(way->instruments.entries);
        free(way->threads.entries);
        free(way->thread_try);
        free(way->left);
        free(way->left_then);
        free(way->places);
        free(way);
    }
}

void tare__captured_process_release(struct tare_capture_process *process)
{
    release_process_under_way(process->memory);
    free(process->name);
    free(process->executable);
    free(process->command);
    free(process->started);
    free(process->clock);
    for (size_t i = 0; i < process->thread_count; i++) {
        free(process->threads[i].name);
    }
    free(process->threads);
    tare__capture_series_release(&process->series);
    for (size_t i = 0; i < process->instrument_count; i++) {
        tare__captured_instrument_release(&process->instruments[i]);
    }
    free(process->instruments);
    for (size_t i = 0; i < process->derived_count; i++) {
        free(process->derived[i].name);
        free(process->derived[i].unit);
        free(process->derived[i].help);
        tare__capture_series_release(&process->derived[i].series);
    }
    free(process->derived);
}

void tare_capture_free(struct tare_capture *capture)
{
    if (capture == NULL) {
        return;
    }
    for (size_t i = 0; i < capture->process_count; i++) {
        tare__captured_process_release(&capture->processes[i]);
    }
    free(capture->processes);
    free(capture->at_ns);
    free(capture->window_ns);
    if (capture->memory != NULL) {
        free(((struct tare__capture_way *)capture->memory)->processes.entries);
    }
    free(capture->memory);
    free(capture);
}

void tare_capture_missed(struct tare_capture *capture, uint64_t samples)
{
    capture->samples_missed += samples;
}

bool tare_capture_is_full(const struct tare_capture *capture)
{
    const struct tare__capture_way *way = capture->memory;
    return way == NULL || capture->sample_count >= way->options.max_samples ||
           way->bytes >= way->options.max_bytes;
}

/* ---- what becomes of it ---- */

/* Number `at` of those of all processes. */
static const struct tare_capture_instrument *instrument_at(const struct tare_capture *capture, size_t at)
{
    size_t p = 0;
    for (; at >= capture->processes[p].instrument_count; p++) {
        at -= capture->processes[p].instrument_count;
    }
    return &capture->processes[p].instruments[at];
}

static char *name_if(const struct tare_capture_instrument *of, bool meant, bool *failed)
{
    const struct tare_instrument_figures figures = {
        .kind = of->kind, .module = of->module, .name = of->name, .labels = of->labels};
    char *name = meant ? tare_instrument_full_name(&figures) : NULL;
    *failed |= meant && name == NULL;
    return name;
}

static char *unknown_count(const void *list, size_t at, bool *failed)
{
    const struct tare_capture_instrument *of = instrument_at(list, at);
    return name_if(of, of->unknown_count, failed);
}

static char *unknown_sum(const void *list, size_t at, bool *failed)
{
    const struct tare_capture_instrument *of = instrument_at(list, at);
    return name_if(of, of->unknown_sum, failed);
}

/* What of a capture's values is unknown, and why. */
static bool note_unknown(struct tare_result *result, const struct tare_capture *capture)
{
    size_t count = 0;
    for (size_t i = 0; i < capture->process_count; i++) {
        count += capture->processes[i].instrument_count;
    }
    return tare_result_note_names(result, TARE_NOTE_UNKNOWN_COUNTS, unknown_count, capture, count) == 0 &&
           tare_result_note_names(result, TARE_NOTE_UNKNOWN_SUMS, unknown_sum, capture, count) == 0;
}

/* What there was no room for. */
static bool note_stays(struct tare_result *result, const struct tare_capture *capture)
{
    bool fine = true;
    if (capture->stays_merged_ns > 0) {
        fine = tare_result_note(result,
                                "there was no room for every stay of threads in states: those of up to %.3g s "
                                "together were made one of several states",
                                capture->stays_merged_ns / 1e9) == 0;
    }
    if (capture->stays_dropped > 0) {
        fine =
            tare_result_note(
                result,
                "of %llu stays of threads in states, or readings of them, nothing was kept, for want of room",
                (unsigned long long)capture->stays_dropped) == 0 &&
            fine;
    }
    return fine;
}

/* The head of the document. */
static struct tare_result *new_result(const struct tare_capture *capture)
{
    struct tare_result *result = tare_result_new();
    if (result == NULL) {
        return NULL;
    }
    double unix_s =
        isnan(capture->started_unix_ns) ? (double)time(NULL) : floor(capture->started_unix_ns / 1e9);
    time_t seconds = (time_t)unix_s;
    struct tm utc;
    char text[40] = "";
    if (gmtime_r(&seconds, &utc) != NULL) {
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    result->kind = strdup("capture");
    result->tare_version = strdup(TARE_VERSION);
    result->started = strdup(text);
    if (result->kind == NULL || result->tare_version == NULL || result->started == NULL ||
        tare_environment_read(&result->environment, NULL) != 0 || !note_unknown(result, capture) ||
        !note_stays(result, capture)) {
        tare_result_free(result);
        return NULL;
    }
    return result;
}

struct tare_result *tare_capture_result(struct tare_capture *capture)
{
    struct tare_result *result = new_result(capture);
    if (result != NULL) {
        result->capture = capture;
    }
    return result;
}

char *tare_capture_json(const struct tare_capture *capture, size_t *size)
{
    struct tare_result *result = new_result(capture);
    char *text = NULL;
    FILE *out = result != NULL ? open_memstream(&text, size) : NULL;
    bool fine = out != NULL;
    if (fine) {
        result->capture = (struct tare_capture *)capture; /* lent, and not changed by writing */
        fine = tare_result_write_json(result, out) == 0;
        result->capture = NULL;
        fine = fclose(out) == 0 && fine;
    }
    tare_result_free(result);
    if (!fine) {
        free(text);
        return NULL;
    }
    return text;
}

const struct tare_capture_column *tare_capture_column_at(const struct tare_capture_series *series,
                                                         const char *name, size_t at)
{
    for (size_t i = 0; i < series->column_count; i++) {
        if (strcmp(series->columns[i].name, name) == 0 && at-- == 0) {
            return &series->columns[i];
        }
    }
    return NULL;
}

const struct tare_capture_column *tare_capture_column(const struct tare_capture_series *series,
                                                      const char *name)
{
    return tare_capture_column_at(series, name, 0);
}

double tare_capture_value(const struct tare_capture_series *series, const struct tare_capture_column *column,
                          size_t sample)
{
    if (column == NULL || sample < series->first || sample - series->first >= series->count) {
        return NAN;
    }
    size_t at = sample - series->first;
    if (!column->is_count) {
        return column->numbers[at];
    }
    return column->counts[at] != TARE_COUNT_UNKNOWN ? (double)column->counts[at] : NAN;
}
