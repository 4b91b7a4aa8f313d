/* SPDX-License-Identifier: MIT */
/*
 * A capture as it is now, for whoever reads it while the other one goes on. Every member that points somewhere
 * gets memory of its own; of an array that there was no memory for, the count is 0, so that what was made up to
 * then can be freed.
 */
#include <stdlib.h>
#include <string.h>

#include "result/capture.h"

static char *copy_text(bool *failed, const char *from)
{
    char *to = from != NULL && !*failed ? strdup(from) : NULL;
    *failed |= from != NULL && to == NULL;
    return to;
}

/* The array, and into `count` how many there are: 0 without memory. */
static void *copy_array(bool *failed, const void *from, size_t size, size_t *count)
{
    void *to = from != NULL && *count > 0 && !*failed ? reallocarray(NULL, *count, size) : NULL;
    if (to == NULL) {
        *failed |= from != NULL && *count > 0;
        *count = 0;
        return NULL;
    }
    memcpy(to, from, *count * size);
    return to;
}

/* NULL-terminated. */
static char **copy_names(bool *failed, char *const *from)
{
    size_t count = 0;
    while (from != NULL && from[count] != NULL) {
        count++;
    }
    char **to = from != NULL && !*failed ? calloc(count + 1, sizeof(*to)) : NULL;
    *failed |= from != NULL && to == NULL;
    for (size_t i = 0; to != NULL && i < count; i++) {
        to[i] = copy_text(failed, from[i]);
    }
    return to;
}

static void own_series(bool *failed, struct tare_capture_series *series)
{
    series->columns = copy_array(failed, series->columns, sizeof(*series->columns), &series->column_count);
    for (size_t i = 0; i < series->column_count; i++) {
        struct tare_capture_column *column = &series->columns[i];
        size_t counts = series->count, numbers = series->count;
        column->name = copy_text(failed, column->name);
        column->unit = copy_text(failed, column->unit);
        column->counts = copy_array(failed, column->counts, sizeof(*column->counts), &counts);
        column->numbers = copy_array(failed, column->numbers, sizeof(*column->numbers), &numbers);
    }
}

static void own_instrument(bool *failed, struct tare_capture_instrument *instrument)
{
    instrument->module = copy_text(failed, instrument->module);
    instrument->name = copy_text(failed, instrument->name);
    instrument->unit = copy_text(failed, instrument->unit);
    instrument->labels = copy_text(failed, instrument->labels);
    instrument->help = copy_text(failed, instrument->help);
    instrument->file = copy_text(failed, instrument->file);
    instrument->names = copy_names(failed, instrument->names);
    own_series(failed, &instrument->series);
    instrument->frames =
        copy_array(failed, instrument->frames, sizeof(*instrument->frames), &instrument->frame_count);
    instrument->stays =
        copy_array(failed, instrument->stays, sizeof(*instrument->stays), &instrument->stay_count);
    instrument->several =
        copy_array(failed, instrument->several, sizeof(*instrument->several), &instrument->several_count);
    instrument->memory = NULL;
    instrument->keys = copy_array(failed, instrument->keys, sizeof(*instrument->keys), &instrument->key_count);
}

static void own_process(bool *failed, struct tare_capture_process *process)
{
    process->memory = NULL;
    process->name = copy_text(failed, process->name);
    process->executable = copy_text(failed, process->executable);
    process->command = copy_text(failed, process->command);
    process->started = copy_text(failed, process->started);
    process->clock = copy_text(failed, process->clock);
    process->threads = copy_array(failed, process->threads, sizeof(*process->threads), &process->thread_count);
    for (size_t i = 0; i < process->thread_count; i++) {
        process->threads[i].name = copy_text(failed, process->threads[i].name);
    }
    own_series(failed, &process->series);
    process->instruments =
        copy_array(failed, process->instruments, sizeof(*process->instruments), &process->instrument_count);
    for (size_t i = 0; i < process->instrument_count; i++) {
        own_instrument(failed, &process->instruments[i]);
    }
    process->derived = copy_array(failed, process->derived, sizeof(*process->derived), &process->derived_count);
    for (size_t i = 0; i < process->derived_count; i++) {
        struct tare_capture_derived *derived = &process->derived[i];
        derived->name = copy_text(failed, derived->name);
        derived->unit = copy_text(failed, derived->unit);
        derived->help = copy_text(failed, derived->help);
        own_series(failed, &derived->series);
    }
}

struct tare_capture *tare_capture_copy(const struct tare_capture *capture)
{
    struct tare_capture *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return NULL;
    }
    *copy = *capture;
    copy->memory = NULL;
    bool failed = false;
    size_t at = capture->sample_count, windows = capture->sample_count;
    copy->at_ns = copy_array(&failed, capture->at_ns, sizeof(*copy->at_ns), &at);
    copy->window_ns = copy_array(&failed, capture->window_ns, sizeof(*copy->window_ns), &windows);
    copy->processes = copy_array(&failed, capture->processes, sizeof(*copy->processes), &copy->process_count);
    for (size_t i = 0; i < copy->process_count; i++) {
        own_process(&failed, &copy->processes[i]);
    }
    if (failed) {
        tare_capture_free(copy);
        return NULL;
    }
    return copy;
}
