/* SPDX-License-Identifier: MIT */
/*
 * Takes a capture. Every series grows by a value per sample in each of its columns, from the sample on in which
 * its instrument was first seen; where it was not seen, values are unknown. Samples are appended to the columns
 * first, and count only when all of them have theirs: so one that memory ended in leaves no trace.
 *
 * Frames are known by their numbers. Each sample brings the frames that the program still has in its ring: those
 * that are newer than the last one known are added; a gap in the numbers is frames that nobody saw. Parts that
 * were told late (a GPU's) are put into frames that are there already.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/capture_parts.h"
#include "result/grow.h"

/* ---- finding ---- */

/* The first entry whose key is not below. */
static size_t lower_bound(const struct tare__finder *finder, uint64_t key)
{
    size_t low = 0, high = finder->count;
    if (high != 0 && finder->entries[high - 1].key < key) {
        return high; /* keys mostly come in order */
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (finder->entries[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* SIZE_MAX: it is not there. */
static size_t find(const struct tare__finder *finder, uint64_t key)
{
    size_t at = lower_bound(finder, key);
    return at < finder->count && finder->entries[at].key == key ? finder->entries[at].place : SIZE_MAX;
}

/* Room for one more, so that remember() cannot fail. */
static bool make_room(struct tare__finder *finder)
{
    struct tare__finder_entry *grown = tare__result_grow(finder->entries, finder->count, sizeof(*grown));
    if (grown != NULL) {
        finder->entries = grown;
    }
    return grown != NULL;
}

static void remember(struct tare__finder *finder, uint64_t key, size_t place)
{
    size_t at = lower_bound(finder, key);
    memmove(&finder->entries[at + 1], &finder->entries[at], (finder->count - at) * sizeof(*finder->entries));
    finder->entries[at] = (struct tare__finder_entry){key, place};
    finder->count++;
}

/* ---- frames and keys ---- */

static struct tare_frame_figures *find_frame(struct tare_capture_instrument *instrument, uint64_t number)
{
    size_t low = 0, high = instrument->frame_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (instrument->frames[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < instrument->frame_count && instrument->frames[low].number == number ? &instrument->frames[low]
                                                                                     : NULL;
}

static void fill_parts(struct tare_capture_instrument *instrument, const struct tare_frame_figures *frame)
{
    struct tare_frame_figures *known = find_frame(instrument, frame->number + instrument->frames_base);
    for (int part = 0; known != NULL && part < TARE_FRAME_PARTS_MAX; part++) {
        if (isfinite(frame->part_ns[part]) && !(known->part_ns[part] >= frame->part_ns[part])) {
            known->part_ns[part] = frame->part_ns[part]; /* parts are added to, and only grow */
        }
    }
}

/*
 * `instrument->frames_next` is the number of the first frame that is not known yet. In the sample in which the
 * capture begins, the frames of the ring are those of before.
 */
static bool add_frames(struct tare__capture_way *way, struct tare_capture_instrument *instrument,
                       const struct tare_instrument_figures *from, double origin_ns, bool only_count)
{
    for (size_t i = 0; i < from->last_count; i++) {
        const struct tare_frame_figures *frame = &from->last[i];
        if (frame->number < instrument->frames_next) {
            fill_parts(instrument, frame);
            continue;
        }
        uint64_t number = tare_count_add(frame->number, instrument->frames_base);
        if (!only_count && number != TARE_COUNT_UNKNOWN && isfinite(frame->start_ns) && isfinite(frame->ns)) {
            struct tare_frame_figures *grown =
                tare__result_grow(instrument->frames, instrument->frame_count, sizeof(*grown));
            if (grown == NULL) {
                return false;
            }
            instrument->frames = grown;
            struct tare_frame_figures *added = &grown[instrument->frame_count++];
            *added = *frame;
            added->number = number;
            added->start_ns += origin_ns;
            for (int part = 0; part < TARE_FRAME_PARTS_MAX; part++) {
                added->part_ns[part] = isfinite(frame->part_ns[part]) ? frame->part_ns[part] : NAN;
            }
            way->bytes += sizeof(*added);
            instrument->frames_missed =
                tare_count_add(instrument->frames_missed, frame->number - instrument->frames_next);
        }
        instrument->frames_next = frame->number + 1;
    }
    return true;
}

static bool keep_keys(struct tare__capture_way *way, struct tare_capture_instrument *instrument,
                      const struct tare_readings *total)
{
    size_t count = total->key_count < way->options.max_keys ? total->key_count : way->options.max_keys;
    if (!total->known) {
        return true;
    }
    if (count > instrument->key_count) {
        struct tare_key_figures *grown = reallocarray(instrument->keys, count, sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        instrument->keys = grown;
        way->bytes += (count - instrument->key_count) * sizeof(*grown);
    }
    for (size_t i = 0; i < count; i++) {
        instrument->keys[i] = total->keys[i];
        instrument->keys[i].weight = tare_count_of(total->keys[i].weight);
        instrument->keys[i].error = tare_count_of(total->keys[i].error);
        instrument->keys[i].hits = tare_count_of(total->keys[i].hits);
        instrument->keys[i].share = isfinite(total->keys[i].share) ? total->keys[i].share : NAN;
    }
    instrument->key_count = count;
    return true;
}

/* ---- samples ---- */

/* Of states, where they are first known; false without memory. */
static bool name_parts(struct tare_capture_instrument *instrument, const struct tare_instrument_figures *from)
{
    bool states = from->kind == TARE_KIND_STATE && from->names == NULL;
    size_t count = states ? from->total.state_count : 0;
    while (from->names != NULL && from->names[count] != NULL) {
        count++;
    }
    if (count == 0 || instrument->names != NULL) {
        return true;
    }
    char **names = calloc(count + 1, sizeof(char *));
    bool fine = names != NULL;
    for (size_t i = 0; i < count && fine; i++) {
        fine = tare__capture_copy_text(&names[i], states ? from->total.states[i].name : from->names[i]);
    }
    if (fine) {
        instrument->names = names;
    } else {
        tare__capture_names_free(names);
    }
    return fine;
}

static bool begin_instrument(struct tare_capture_instrument *instrument,
                             const struct tare_instrument_figures *from,
                             const struct tare__capture_cells *cells, size_t sample)
{
    instrument->id = from->id;
    instrument->kind = from->kind;
    instrument->generation = from->generation;
    instrument->line = from->line;
    instrument->slow_over_ns = NAN;
    return name_parts(instrument, from) &&
           tare__capture_copy_text(&instrument->module, from->module != NULL ? from->module : "") &&
           tare__capture_copy_text(&instrument->name, from->name != NULL ? from->name : "") &&
           tare__capture_copy_text(&instrument->unit, from->unit) &&
           tare__capture_copy_text(&instrument->labels, from->labels) &&
           tare__capture_copy_text(&instrument->help, from->help) &&
           tare__capture_copy_text(&instrument->file, from->file) &&
           tare__capture_series_begin(&instrument->series, cells, sample);
}

/* The one of that id; a new one, if there is none. NULL without memory. */
static struct tare_capture_instrument *instrument_of(struct tare_capture *capture,
                                                     struct tare_capture_process *process, size_t place,
                                                     const struct tare_instrument_figures *from,
                                                     const struct tare__capture_cells *cells)
{
    struct tare__capture_way *way = capture->memory;
    struct tare__captured_process_way *own = process->memory;
    /* They are in the same order, unless some came or went. */
    if (place < process->instrument_count && process->instruments[place].id == from->id) {
        return &process->instruments[place];
    }
    size_t known = find(&own->instruments, from->id);
    if (known != SIZE_MAX) {
        return &process->instruments[known];
    }
    struct tare_capture_instrument begun = {0};
    struct tare_capture_instrument *grown =
        tare__result_grow(process->instruments, process->instrument_count, sizeof(*grown));
    if (grown != NULL) {
        process->instruments = grown;
    }
    if (grown == NULL || !make_room(&own->instruments) ||
        !begin_instrument(&begun, from, cells, capture->sample_count)) {
        tare__captured_instrument_release(&begun);
        return NULL;
    }
    remember(&own->instruments, from->id, process->instrument_count);
    way->bytes += sizeof(begun) + sizeof(struct tare__finder_entry) + tare__capture_series_bytes(cells);
    grown[process->instrument_count] = begun;
    return &grown[process->instrument_count++];
}

static bool add_instrument(struct tare_capture *capture, struct tare_capture_process *process, size_t place,
                           const struct tare_instrument_figures *from)
{
    struct tare__capture_way *way = capture->memory;
    struct tare__capture_cells cells;
    tare__capture_cells_of(&cells, from);
    struct tare_capture_instrument *instrument = instrument_of(capture, process, place, from, &cells);
    if (instrument == NULL || !name_parts(instrument, from)) {
        return false;
    }
    if (instrument->generation != from->generation) {
        instrument->generation = from->generation;
        instrument->voids++;
        if (from->last_count > 0 && from->last[from->last_count - 1].number < instrument->frames_next) {
            instrument->frames_base += instrument->frames_next; /* another program, numbered from 0 again */
            instrument->frames_next = 0;
        }
    }
    instrument->unknown_count |= (from->kind == TARE_KIND_COUNTER || from->kind == TARE_KIND_TOPK) &&
                                 tare_count_of(from->total.total) > INT64_MAX;
    instrument->unknown_sum |= from->kind == TARE_KIND_HISTOGRAM && from->total.known &&
                               from->total.distribution.count != 0 && isnan(from->total.distribution.sum);
    if (from->kind == TARE_KIND_FRAMES) {
        instrument->slow_over_ns = isfinite(from->slow_over_ns) ? from->slow_over_ns : NAN;
        if (!add_frames(way, instrument, from, process->origin_ns, capture->sample_count == 0)) {
            return false;
        }
    }
    return tare__capture_series_append(way, &instrument->series, &cells, capture->sample_count) &&
           (from->kind != TARE_KIND_TOPK || keep_keys(way, instrument, &from->total)) &&
           (from->kind != TARE_KIND_STATE || tare__capture_stays_add(capture, process, instrument, from));
}

static bool add_derived(struct tare_capture *capture, struct tare_capture_process *process,
                        const struct tare_derived *from)
{
    struct tare__capture_way *way = capture->memory;
    struct tare__capture_cells cells;
    struct tare_capture_derived *derived = NULL; /* of the few that there are */
    tare__capture_cells_of_derived(&cells, from);
    for (size_t i = 0; i < process->derived_count && derived == NULL; i++) {
        derived = strcmp(process->derived[i].name, from->name) == 0 ? &process->derived[i] : NULL;
    }
    if (derived == NULL) {
        struct tare_capture_derived begun = {0};
        struct tare_capture_derived *grown =
            tare__result_grow(process->derived, process->derived_count, sizeof(*grown));
        if (grown != NULL) {
            process->derived = grown;
        }
        if (grown == NULL || !tare__capture_copy_text(&begun.name, from->name) ||
            !tare__capture_copy_text(&begun.unit, from->unit) ||
            !tare__capture_copy_text(&begun.help, from->help) ||
            !tare__capture_series_begin(&begun.series, &cells, capture->sample_count)) {
            free(begun.name);
            free(begun.unit);
            free(begun.help);
            tare__capture_series_release(&begun.series);
            return false;
        }
        derived = &grown[process->derived_count++];
        *derived = begun;
        way->bytes += sizeof(begun) + tare__capture_series_bytes(&cells);
    }
    return tare__capture_series_append(way, &derived->series, &cells, capture->sample_count);
}

static bool rename_thread(struct tare_capture_thread *thread, const char *name)
{
    if (strcmp(thread->name, name) == 0) {
        return true;
    }
    char *copied = strdup(name);
    if (copied != NULL) {
        free(thread->name);
        thread->name = copied;
    }
    return copied != NULL;
}

/*
 * Which of those with the tid it is: none that is in this sample already, and none that has ended if this one
 * runs. One of the same name goes before one that was renamed since. SIZE_MAX: it is a new one.
 */
static size_t known_thread(const struct tare_capture_process *process, const struct tare_result_thread *from,
                           uint64_t this_try)
{
    const struct tare__captured_process_way *own = process->memory;
    size_t best = SIZE_MAX;
    for (size_t i = lower_bound(&own->threads, (uint64_t)from->tid << 32);
         i < own->threads.count && own->threads.entries[i].key >> 32 == from->tid; i++) {
        size_t place = own->threads.entries[i].place;
        const struct tare_capture_thread *thread = &process->threads[place];
        if (own->thread_try[place] == this_try || (thread->ended && !from->ended)) {
            continue;
        }
        if (strcmp(thread->name, from->name) == 0) {
            return place;
        }
        best = thread->ended ? best : place;
    }
    return best;
}

static bool leave_out(struct tare__captured_process_way *own, uint32_t tid)
{
    uint32_t *grown = tare__result_grow(own->left, own->left_count, sizeof(*grown));
    if (grown != NULL) {
        own->left = grown;
        own->left[own->left_count++] = tid;
    }
    return grown != NULL;
}

static bool add_thread(struct tare_capture *capture, struct tare_capture_process *process,
                       const struct tare_result_thread *from)
{
    struct tare__capture_way *way = capture->memory;
    struct tare__captured_process_way *own = process->memory;
    size_t known = known_thread(process, from, way->tries), count = process->thread_count;
    if (known != SIZE_MAX) {
        own->places[own->place_count++] = known;
        own->thread_try[known] = way->tries;
        process->threads[known].ended = from->ended;
        return rename_thread(&process->threads[known], from->name);
    }
    if (count >= TARE__CAPTURE_THREADS) {
        own->places[own->place_count++] = SIZE_MAX;
        return leave_out(own, from->tid);
    }
    struct tare_capture_thread *grown = tare__result_grow(process->threads, count, sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    process->threads = grown;
    uint64_t *tries = tare__result_grow(own->thread_try, count, sizeof(*tries));
    if (tries == NULL) {
        return false;
    }
    own->thread_try = tries;
    struct tare_capture_thread thread = {.tid = from->tid, .name = strdup(from->name), .ended = from->ended};
    if (thread.name == NULL || !make_room(&own->threads)) {
        free(thread.name);
        return false;
    }
    remember(&own->threads, (uint64_t)from->tid << 32 | count, count);
    tries[count] = way->tries;
    own->places[own->place_count++] = count;
    grown[process->thread_count++] = thread;
    way->bytes +=
        sizeof(thread) + sizeof(*tries) + sizeof(struct tare__finder_entry) + strlen(thread.name) + 17;
    return true;
}

static int by_tid(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Those that are in the list no more have ended; those that found no room are counted once, while they stay. */
static void end_threads(struct tare_capture *capture, struct tare_capture_process *process)
{
    const struct tare__capture_way *way = capture->memory;
    struct tare__captured_process_way *own = process->memory;
    size_t then = 0;
    for (size_t i = 0; i < process->thread_count; i++) {
        process->threads[i].ended |= own->thread_try[i] != way->tries;
    }
    if (own->left_count != 0) {
        qsort(own->left, own->left_count, sizeof(*own->left), by_tid);
    }
    for (size_t i = 0; i < own->left_count; i++) {
        while (then < own->left_then_count && own->left_then[then] < own->left[i]) {
            then++;
        }
        bool counted = then < own->left_then_count && own->left_then[then] == own->left[i];
        then += counted;
        process->threads_left_out += !counted;
    }
    uint32_t *spare = own->left_then;
    own->left_then = own->left;
    own->left_then_count = own->left_count;
    own->left = spare;
    own->left_count = 0;
}

static bool begin_process(struct tare_capture *capture, struct tare_capture_process *process,
                          const struct tare_process_figures *from, double monotonic_ns,
                          const struct tare__capture_cells *cells)
{
    const struct tare__capture_way *way = capture->memory;
    process->memory = calloc(1, sizeof(struct tare__captured_process_way));
    process->id = from->id;
    process->pid = (uint32_t)from->pid;
    double age_ns = from->origin_age_ns != 0 ? from->origin_age_ns : from->age_ns;
    process->origin_ns = monotonic_ns - age_ns - way->first_monotonic_ns;
    if (!isfinite(process->origin_ns)) {
        process->origin_ns = NAN;
    }
    return process->memory != NULL && tare__capture_copy_text(&process->name, from->name) &&
           tare__capture_copy_text(&process->executable, from->executable) &&
           tare__capture_copy_text(&process->command, from->command) &&
           tare__capture_copy_text(&process->started, from->started) &&
           tare__capture_copy_text(&process->clock, from->clock) &&
           tare__capture_series_begin(&process->series, cells, capture->sample_count);
}

static size_t length(const char *text)
{
    return text != NULL ? strlen(text) : 0;
}

/* The one of that id; a new one, if there is none. NULL without memory. */
static struct tare_capture_process *process_of(struct tare_capture *capture,
                                               const struct tare_process_figures *from, double monotonic_ns,
                                               const struct tare__capture_cells *cells)
{
    struct tare__capture_way *way = capture->memory;
    size_t known = find(&way->processes, from->id);
    if (known != SIZE_MAX) {
        return &capture->processes[known];
    }
    struct tare_capture_process begun = {0};
    struct tare_capture_process *grown =
        tare__result_grow(capture->processes, capture->process_count, sizeof(*grown));
    if (grown != NULL) {
        capture->processes = grown;
    }
    if (grown == NULL || !make_room(&way->processes) ||
        !begin_process(capture, &begun, from, monotonic_ns, cells)) {
        tare__captured_process_release(&begun);
        return NULL;
    }
    remember(&way->processes, from->id, capture->process_count);
    way->bytes += sizeof(begun) + sizeof(struct tare__captured_process_way) +
                  sizeof(struct tare__finder_entry) + tare__capture_series_bytes(cells) +
                  length(from->executable) + length(from->command);
    grown[capture->process_count] = begun;
    return &grown[capture->process_count++];
}

/* Room for the places of all that are in a sample. */
static bool begin_threads(struct tare__captured_process_way *own, size_t count)
{
    size_t *places = reallocarray(own->places, count + 1, sizeof(*places));
    own->places = places != NULL ? places : own->places;
    own->place_count = own->left_count = 0;
    return places != NULL;
}

static bool add_process(struct tare_capture *capture, const struct tare_process_figures *from,
                        double monotonic_ns)
{
    struct tare__capture_cells cells;
    tare__capture_cells_of_process(&cells, from);
    struct tare_capture_process *process = process_of(capture, from, monotonic_ns, &cells);
    if (process == NULL) {
        return false;
    }
    process->alive = from->alive;
    process->ended_at = from->alive ? SIZE_MAX : capture->sample_count;
    process->lost_instruments = tare_count_of(from->lost_instruments);
    process->lost_threads = tare_count_of(from->lost_threads);
    process->lost_scopes = tare_count_of(from->lost_scopes);
    process->dropped_scopes = tare_count_of(from->dropped_scopes);
    process->lost_extras = tare_count_of(from->lost_extras);
    bool fine = tare__capture_series_append(capture->memory, &process->series, &cells, capture->sample_count);
    fine = fine && begin_threads(process->memory, from->thread_list_count);
    for (size_t i = 0; i < from->thread_list_count && fine; i++) {
        fine = add_thread(capture, process, &from->thread_list[i]);
    }
    if (fine) {
        end_threads(capture, process);
    }
    for (size_t i = 0; i < from->instrument_count && fine; i++) {
        fine = add_instrument(capture, process, i, &from->instruments[i]);
    }
    for (size_t i = 0; i < from->derived_count && fine; i++) {
        fine = add_derived(capture, process, &from->derived[i]);
    }
    return fine;
}

/* What the series have from a sample that is not one. */
static void forget_from(struct tare_capture_series *series, size_t sample)
{
    if (series->first + series->count > sample) {
        series->count = sample > series->first ? sample - series->first : 0;
    }
}

static void forget(struct tare_capture *capture)
{
    for (size_t p = 0; p < capture->process_count; p++) {
        struct tare_capture_process *process = &capture->processes[p];
        forget_from(&process->series, capture->sample_count);
        for (size_t i = 0; i < process->instrument_count; i++) {
            forget_from(&process->instruments[i].series, capture->sample_count);
        }
        for (size_t i = 0; i < process->derived_count; i++) {
            forget_from(&process->derived[i].series, capture->sample_count);
        }
    }
}

int tare_capture_add(struct tare_capture *capture, const struct tare_telemetry *telemetry)
{
    struct tare__capture_way *way = capture->memory;
    size_t sample = capture->sample_count;
    if (tare_capture_is_full(capture)) {
        capture->samples_dropped++;
        return -ENOBUFS;
    }
    way->tries++;
    if (sample == 0) {
        way->first_monotonic_ns = telemetry->monotonic_ns;
        capture->started_unix_ns = isfinite(telemetry->unix_ns) ? telemetry->unix_ns : NAN;
    }
    double *at_ns = tare__result_grow(capture->at_ns, sample, sizeof(*at_ns));
    if (at_ns == NULL) {
        return -ENOMEM;
    }
    capture->at_ns = at_ns;
    double *window_ns = tare__result_grow(capture->window_ns, sample, sizeof(*window_ns));
    if (window_ns == NULL) {
        return -ENOMEM;
    }
    capture->window_ns = window_ns;
    double at = telemetry->monotonic_ns - way->first_monotonic_ns, before = sample > 0 ? at_ns[sample - 1] : 0;
    at_ns[sample] = isfinite(at) && at > before ? at : before; /* time does not go back */
    window_ns[sample] = isfinite(telemetry->window_ns) ? telemetry->window_ns : NAN;
    way->bytes += 2 * sizeof(double);
    for (size_t i = 0; i < telemetry->process_count; i++) {
        /* One that has ended was read for the last time then, and its series end there. */
        size_t known = find(&way->processes, telemetry->processes[i].id);
        if (known != SIZE_MAX && capture->processes[known].ended_at < sample) {
            continue;
        }
        if (!add_process(capture, &telemetry->processes[i], telemetry->monotonic_ns)) {
            forget(capture);
            return -ENOMEM;
        }
    }
    capture->sample_count++;
    return 0;
}
