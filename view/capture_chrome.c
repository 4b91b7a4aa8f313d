/* SPDX-License-Identifier: MIT */
/*
 * A capture as Chrome's trace events (the "JSON Object Format"), which Perfetto and chrome://tracing open.
 *
 * What is exact is a span: a frame has its start and its duration, and so has a thread's stay in a state. Of the
 * parts of a frame only the durations are known, so they are counters at its start and arguments of it, and no spans
 * within. Where a thread's state changed so often that no more is known than that, a span says so. A counter's track
 * cannot say that the value is unknown, so there are spans for that, too.
 *
 * Times are µs since the first sample, or since the first frame, if that began before. Tracks that are no threads have
 * numbers that no thread has, and a process whose number another one had before gets one that no process has: viewers
 * keep numbers of 32 bits, and what has the same is the same to them. The first event has no category: viewers tell by
 * it which of Chrome's formats this is (view/profile_chrome.c).
 */
#include "view/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/columns.h"
#include "view/profile_parts.h"
#include "view/text.h"

enum {
    FIRST_TRACK = 1000000000,   /* threads and processes have numbers up to 2^22 */
    FIRST_PROCESS = 1500000000, /* of those whose own is taken */
    PASSING_LANES = 16,         /* of short-lived threads, for each block that they pass through */
    LANES = 4,                  /* of frames that overlap, as those of damaged captures may */
    JITTER_NS =
        100000, /* by which times of two samples may differ: the clock's rate becomes known ever better */
    LATE_PERCENT = 150, /* of the interval: from then on a sample is missing */
};

struct trace {
    const struct tare_capture *capture;
    const struct tare_capture_process *process;
    size_t *tid_places; /* of each thread of the process, the first one that has its number */
    struct tare__json *json;
    uint64_t base_ns; /* what is added to times, so that none is below 0 */
    uint64_t pid, track;
    uint64_t frames_left_out, stays_left_out;
};

/* ns of the trace. */
static uint64_t place_ns(const struct trace *trace, double at_ns)
{
    double ns = at_ns + (double)trace->base_ns;
    return !(ns > 0) ? 0 : ns >= 9e15 ? (uint64_t)9e15 : (uint64_t)llround(ns);
}

static void begin_event(struct trace *trace, const char *phase, uint64_t track, const char *name)
{
    struct tare__json *json = trace->json;
    tare__json_next(json);
    tare__json_raw(json, "\n");
    tare__json_open(json, '{');
    tare__json_key(json, "ph");
    tare__json_text(json, phase);
    tare__json_key(json, "pid");
    tare__json_whole(json, trace->pid);
    tare__json_key(json, "tid");
    tare__json_whole(json, track);
    tare__json_key(json, "name");
    tare__json_text(json, name);
}

static void put_time(struct trace *trace, const char *key, uint64_t ns)
{
    tare__json_key(trace->json, key);
    tare__json_decimal(trace->json, ns, 3);
}

static void put_category(struct trace *trace, const char *category)
{
    tare__json_key(trace->json, "cat");
    tare__json_text(trace->json, category);
}

static void begin_arguments(struct trace *trace)
{
    tare__json_key(trace->json, "args");
    tare__json_open(trace->json, '{');
}

static void end_event(struct trace *trace)
{
    tare__json_close(trace->json, '}');
    tare__json_close(trace->json, '}');
}

/* A key that comes from a program. */
static void put_key(struct trace *trace, const char *key)
{
    tare__json_next(trace->json);
    tare__json_text(trace->json, key);
    tare__json_raw(trace->json, ":");
}

/*
 * The key of number `at` of an instrument's names, with `unit` behind it. Two parts of one name are two, and two
 * keys. malloc'ed; NULL without memory.
 */
static char *name_key(char *const *names, size_t at, const char *unit)
{
    size_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    char *name = tare__distinct_name(names, count, at, " #"), *key = NULL;
    bool fine = name != NULL && asprintf(&key, "%s%s", name, unit) >= 0;
    free(name);
    return fine ? key : NULL;
}

static void put_count(struct trace *trace, uint64_t count)
{
    if (count == TARE_COUNT_UNKNOWN) {
        tare__json_raw(trace->json, "null");
    } else {
        tare__json_whole(trace->json, count);
    }
}

static void put_number(struct trace *trace, double value)
{
    char number[TARE__VIEW_NUMBER];
    tare__json_raw(trace->json, isfinite(value) ? tare__view_number(number, value) : "null");
}

static void put_name(struct trace *trace, const char *what, uint64_t track, const char *argument,
                     const char *name)
{
    begin_event(trace, "M", track, what);
    begin_arguments(trace);
    tare__json_key(trace->json, argument);
    tare__json_text(trace->json, name);
    end_event(trace);
}

static void put_instant(struct trace *trace, double at_ns, const char *scope, const char *name, const char *key,
                        double value)
{
    begin_event(trace, "i", 0, name);
    put_time(trace, "ts", place_ns(trace, at_ns));
    tare__json_key(trace->json, "s");
    tare__json_text(trace->json, scope);
    put_category(trace, "drops");
    begin_arguments(trace);
    tare__json_key(trace->json, key);
    put_number(trace, value);
    end_event(trace);
}

/* ---- counters ---- */

static void put_counter(struct trace *trace, double at_ns, const char *name, double value)
{
    if (isnan(value)) {
        return; /* a counter track cannot say that it does not know: see put_unknown() */
    }
    begin_event(trace, "C", 0, name);
    put_time(trace, "ts", place_ns(trace, at_ns));
    put_category(trace, "counters");
    begin_arguments(trace);
    tare__json_key(trace->json, "value");
    put_number(trace, value);
    end_event(trace);
}

static int put_column(struct trace *trace, const struct tare_capture_series *series, const char *column_name,
                      const char *name, const char *what)
{
    const struct tare_capture_column *column = tare_capture_column(series, column_name);
    char *track = NULL;
    if (column == NULL) {
        return 0;
    }
    bool unit = column->unit != NULL && strcmp(column->unit, "1/s") != 0;
    if (asprintf(&track, "%s%s%s%s%s%s", name, what[0] != '\0' ? " " : "", what, unit ? " (" : "",
                 unit ? column->unit : "", unit ? ")" : "") < 0) {
        return -ENOMEM;
    }
    for (size_t i = series->first; i < series->first + series->count; i++) {
        put_counter(trace, trace->capture->at_ns[i], track, tare_capture_value(series, column, i));
    }
    free(track);
    return 0;
}

/*
 * When a value that is known at other times was not, in a track of its own: from the first sample that did not have
 * it to the next one that did.
 */
static int put_unknown(struct trace *trace, const struct tare_capture_series *series, const char *column_name,
                       const char *name)
{
    const struct tare_capture_column *column = tare_capture_column(series, column_name);
    const size_t end = series->first + series->count;
    const double *at_ns = trace->capture->at_ns;
    size_t known = 0;
    char *track = NULL;
    for (size_t i = series->first; i < end; i++) {
        known += !isnan(tare_capture_value(series, column, i));
    }
    if (known == 0 || known == series->count) {
        return 0;
    }
    if (asprintf(&track, "%s is unknown", name) < 0) {
        return -ENOMEM;
    }
    put_name(trace, "thread_name", trace->track, "name", track);
    for (size_t i = series->first, next; i < end; i = next) {
        next = i + 1;
        if (!isnan(tare_capture_value(series, column, i))) {
            continue;
        }
        while (next < end && isnan(tare_capture_value(series, column, next))) {
            next++;
        }
        uint64_t begin_ns = place_ns(trace, at_ns[i]),
                 end_ns = place_ns(trace, at_ns[next < end ? next : end - 1]);
        begin_event(trace, "X", trace->track, track);
        put_time(trace, "ts", begin_ns);
        put_time(trace, "dur", end_ns - begin_ns);
        put_category(trace, "unknown");
        begin_arguments(trace);
        end_event(trace);
    }
    trace->track++;
    free(track);
    return 0;
}

/* What became of a count between two samples, as an instant event, if it is more. */
static void put_increases(struct trace *trace, const struct tare_capture_series *series,
                          const char *column_name, const char *name)
{
    const struct tare_capture_column *column = tare_capture_column(series, column_name);
    double before = NAN;
    for (size_t i = series->first; i < series->first + series->count; i++) {
        double value = tare_capture_value(series, column, i);
        if (value > before) {
            put_instant(trace, trace->capture->at_ns[i], "p", name, "since the sample before", value - before);
        }
        before = isnan(value) ? before : value;
    }
}

/* ---- frames ---- */

static void put_frame(struct trace *trace, const struct tare_capture_instrument *instrument,
                      const struct tare_frame_figures *frame, uint64_t track, uint64_t begin_ns,
                      uint64_t end_ns)
{
    char name[64];
    snprintf(name, sizeof(name), "%sframe %" PRIu64, frame->slow ? "slow " : "", frame->number);
    begin_event(trace, "X", track, name);
    put_time(trace, "ts", begin_ns);
    put_time(trace, "dur", end_ns - begin_ns);
    put_category(trace, frame->slow ? "frames,slow" : "frames");
    begin_arguments(trace);
    for (size_t part = 0;
         instrument->names != NULL && part < TARE_FRAME_PARTS_MAX && instrument->names[part] != NULL; part++) {
        char *key = name_key(instrument->names, part, " (ms)");
        if (key != NULL) {
            put_key(trace, key);
            put_number(trace, frame->part_ns[part] / 1e6);
            free(key);
        }
    }
    end_event(trace);
}

static void put_parts(struct trace *trace, const struct tare_capture_instrument *instrument,
                      const struct tare_frame_figures *frame, const char *track, uint64_t at_ns)
{
    bool any = false;
    for (size_t part = 0;
         instrument->names != NULL && part < TARE_FRAME_PARTS_MAX && instrument->names[part] != NULL; part++) {
        any |= !isnan(frame->part_ns[part]);
    }
    if (!any) {
        return;
    }
    begin_event(trace, "C", 0, track);
    put_time(trace, "ts", at_ns);
    put_category(trace, "frames");
    begin_arguments(trace);
    for (size_t part = 0; part < TARE_FRAME_PARTS_MAX && instrument->names[part] != NULL; part++) {
        char *key = !isnan(frame->part_ns[part]) ? name_key(instrument->names, part, "") : NULL;
        if (key != NULL) {
            put_key(trace, key);
            put_number(trace, frame->part_ns[part] / 1e6);
            free(key);
        }
    }
    end_event(trace);
}

static int put_frames(struct trace *trace, const struct tare_capture_instrument *instrument, const char *name)
{
    uint64_t ends[LANES] = {0}, first_track = trace->track;
    char *track = NULL, *parts = NULL, *dropped = NULL;
    int error = asprintf(&track, "frames of %s", name) < 0 || asprintf(&parts, "%s parts (ms)", name) < 0 ||
                        asprintf(&dropped, "%s: frames dropped", name) < 0
                    ? -ENOMEM
                    : 0;
    size_t lanes = 0;
    for (size_t i = 0; i < instrument->frame_count && error == 0; i++) {
        const struct tare_frame_figures *frame = &instrument->frames[i];
        uint64_t begin_ns = place_ns(trace, frame->start_ns);
        uint64_t end_ns = place_ns(trace, frame->start_ns + frame->ns);
        size_t lane = 0;
        /* Frames come one after the other; spans of a track must not overlap, be it by a ns. */
        if (begin_ns < ends[0] && ends[0] - begin_ns <= JITTER_NS) {
            end_ns += ends[0] - begin_ns;
            begin_ns = ends[0];
        }
        while (lane < LANES && begin_ns < ends[lane]) {
            lane++;
        }
        if (lane == LANES) {
            trace->frames_left_out++;
            continue;
        }
        for (; lanes <= lane; lanes++) {
            put_name(trace, "thread_name", first_track + lanes, "name", track);
        }
        ends[lane] = end_ns;
        put_frame(trace, instrument, frame, first_track + lane, begin_ns, end_ns);
        put_parts(trace, instrument, frame, parts, begin_ns);
    }
    trace->track += LANES;
    if (error == 0) {
        put_increases(trace, &instrument->series, "dropped", dropped);
        error = put_column(trace, &instrument->series, "frames", name, "frames");
        error = error == 0 ? put_column(trace, &instrument->series, "fps", name, "fps") : error;
        error = error == 0 ? put_column(trace, &instrument->series, "low_1_fps", name, "1 % low fps") : error;
    }
    free(track);
    free(parts);
    free(dropped);
    return error;
}

/* ---- states ---- */

struct states {
    size_t count;
    const struct tare_capture_column *threads[TARE_STATES_MAX], *share[TARE_STATES_MAX];
};

static int find_states(const struct tare_capture_instrument *instrument, struct states *states)
{
    *states = (struct states){0};
    for (size_t i = 0; instrument->names != NULL && i < TARE_STATES_MAX && instrument->names[i] != NULL; i++) {
        const char *const prefixes[] = {"threads.", "share."};
        const struct tare_capture_column **const to[] = {&states->threads[i], &states->share[i]};
        for (int c = 0; c < 2; c++) {
            char *name = NULL;
            if (asprintf(&name, "%s%s", prefixes[c], instrument->names[i]) < 0) {
                return -ENOMEM;
            }
            *to[c] = tare_capture_column_at(&instrument->series, name,
                                            tare_capture_name_repeats(instrument->names, i));
            free(name);
        }
        states->count++;
    }
    return 0;
}

static void put_state_counters(struct trace *trace, const struct tare_capture_instrument *instrument,
                               const struct tare_capture_column *const *columns, size_t count,
                               const char *track)
{
    const struct tare_capture_series *series = &instrument->series;
    for (size_t i = series->first; i < series->first + series->count; i++) {
        bool known = count > 0;
        for (size_t n = 0; n < count; n++) {
            known = known && !isnan(tare_capture_value(series, columns[n], i));
        }
        if (!known) {
            continue;
        }
        begin_event(trace, "C", 0, track);
        put_time(trace, "ts", place_ns(trace, trace->capture->at_ns[i]));
        put_category(trace, "states");
        begin_arguments(trace);
        for (size_t n = 0; n < count; n++) {
            char *key = name_key(instrument->names, n, "");
            if (key != NULL) {
                put_key(trace, key);
                put_number(trace, tare_capture_value(series, columns[n], i));
                free(key);
            }
        }
        end_event(trace);
    }
}

/* ---- stays ---- */

/* How many instruments of the process say where its threads were. */
static size_t count_with_stays(const struct tare_capture_process *process)
{
    size_t count = 0;
    for (size_t i = 0; i < process->instrument_count; i++) {
        count += process->instruments[i].stay_count != 0;
    }
    return count;
}

static void put_part(struct trace *trace, const struct tare_capture_instrument *instrument, size_t state,
                     const char *unit, double value)
{
    char *key = name_key(instrument->names, state, unit);
    if (key != NULL) {
        put_key(trace, key);
        put_number(trace, value);
        free(key);
    }
}

static const struct tare_capture_several *several_of(const struct tare_capture_instrument *instrument,
                                                     const struct tare_capture_stay *stay)
{
    return stay->state < 0 ? &instrument->several[stay->several] : NULL;
}

/* Whether it is of threads that came and went. */
static bool is_passing(const struct tare_capture_instrument *instrument, const struct tare_capture_stay *stay)
{
    const struct tare_capture_several *several = several_of(instrument, stay);
    return several != NULL && several->threads > 1;
}

/* How often the state changed, and what of the time was spent in each one. */
static void put_several(struct trace *trace, const struct tare_capture_instrument *instrument,
                        const struct tare_capture_stay *stay, size_t states)
{
    const struct tare_capture_several *several = several_of(instrument, stay);
    double all_ns = stay->end_ns - stay->begin_ns, in_none_ns = all_ns;
    tare__json_key(trace->json, "changes");
    put_count(trace, several->changes);
    if (several->threads > 1) {
        tare__json_key(trace->json, "threads");
        put_count(trace, several->threads);
    }
    for (size_t i = 0; i < states; i++) {
        in_none_ns -= several->ns[i];
        put_part(trace, instrument, i, " (ms)", several->ns[i] / 1e6);
        put_part(trace, instrument, i, " (%)", all_ns > 0 ? 100 * several->ns[i] / all_ns : NAN);
    }
    put_key(trace, "in no state (ms)");
    put_number(trace, in_none_ns >= 1 ? in_none_ns / 1e6 : 0);
}

static void put_stay(struct trace *trace, const struct tare_capture_instrument *instrument, const char *name,
                     const struct tare_capture_stay *stay, size_t states, uint64_t track, uint64_t begin_ns,
                     uint64_t end_ns)
{
    bool one = stay->state >= 0 && (size_t)stay->state < states;
    const char *several = is_passing(instrument, stay) ? "several threads" : "several states";
    begin_event(trace, "X", track, one ? instrument->names[stay->state] : several);
    put_time(trace, "ts", begin_ns);
    put_time(trace, "dur", end_ns - begin_ns);
    put_category(trace, "states");
    begin_arguments(trace);
    tare__json_key(trace->json, "of");
    tare__json_text(trace->json, name);
    if (!one) {
        put_several(trace, instrument, stay, states);
    }
    double before_ns = -(stay->begin_ns + (double)trace->base_ns);
    if (before_ns > 0) {
        put_key(trace, "began before this (ms)");
        put_number(trace, before_ns / 1e6);
    }
    if (one && stay->lasts) {
        tare__json_key(trace->json, "end");
        tare__json_text(trace->json, "not seen");
    }
    end_event(trace);
}

/* A track of its own for what a thread was in, where the thread's has the spans of another instrument. */
static int name_track(struct trace *trace, const struct tare_capture_thread *thread, const char *name,
                      uint64_t track)
{
    char *text = NULL;
    bool named = thread->name != NULL && thread->name[0] != '\0';
    int written = named ? asprintf(&text, "%s (%" PRIu32 "): %s", thread->name, thread->tid, name)
                        : asprintf(&text, "thread %" PRIu32 ": %s", thread->tid, name);
    if (written < 0) {
        return -ENOMEM;
    }
    put_name(trace, "thread_name", track, "name", text);
    free(text);
    return 0;
}

/* Threads that came and went between two samples: in a track that all of them share, or in several. */
static int put_passing(struct trace *trace, const struct tare_capture_instrument *instrument, const char *name,
                       size_t states)
{
    const uint64_t first_track = trace->track;
    uint64_t ends[PASSING_LANES] = {0};
    size_t lanes = 0;
    char *track = NULL;
    if (asprintf(&track, "threads that came and went: %s", name) < 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < instrument->stay_count; i++) {
        const struct tare_capture_stay *stay = &instrument->stays[i];
        uint64_t begin_ns = place_ns(trace, stay->begin_ns), end_ns = place_ns(trace, stay->end_ns);
        size_t lane = 0;
        if (!is_passing(instrument, stay) || end_ns <= begin_ns) {
            continue;
        }
        while (lane < PASSING_LANES && begin_ns < ends[lane]) {
            lane++;
        }
        if (lane == PASSING_LANES) {
            trace->stays_left_out++;
            continue;
        }
        for (; lanes <= lane; lanes++) {
            put_name(trace, "thread_name", first_track + lanes, "name", track);
        }
        ends[lane] = end_ns;
        put_stay(trace, instrument, name, stay, states, first_track + lane, begin_ns, end_ns);
    }
    trace->track += lanes;
    free(track);
    return 0;
}

/*
 * In the tracks of the threads, if no other instrument has spans there. Threads that had a tid one after the other
 * are one track.
 */
static int put_stays(struct trace *trace, const struct tare_capture_instrument *instrument, const char *name,
                     size_t states)
{
    const struct tare_capture_process *process = trace->process;
    struct thread_track {
        uint64_t track, end_ns;
        bool begun;
    } *tracks = calloc(process->thread_count + 1, sizeof(*tracks));
    bool shared = count_with_stays(process) > 1, tracks_taken = false;
    int error = tracks != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < instrument->stay_count && error == 0; i++) {
        const struct tare_capture_stay *stay = &instrument->stays[i];
        const struct tare_capture_thread *thread = &process->threads[stay->thread];
        if (is_passing(instrument, stay)) {
            continue;
        }
        bool own = !shared && thread->tid != 0 && thread->tid < FIRST_TRACK;
        size_t place = own ? trace->tid_places[stay->thread] : stay->thread;
        struct thread_track *at = &tracks[place];
        if (!at->begun) {
            *at = (struct thread_track){.track = own ? thread->tid : trace->track + place, .begun = true};
            error = own ? 0 : name_track(trace, thread, name, at->track);
            tracks_taken |= !own;
        }
        uint64_t begin_ns = place_ns(trace, stay->begin_ns), end_ns = place_ns(trace, stay->end_ns);
        begin_ns = begin_ns < at->end_ns ? at->end_ns : begin_ns;
        if (error == 0 && end_ns > begin_ns) {
            put_stay(trace, instrument, name, stay, states, at->track, begin_ns, end_ns);
            at->end_ns = end_ns;
        }
    }
    trace->track += tracks_taken ? process->thread_count : 0;
    error = error == 0 ? put_passing(trace, instrument, name, states) : error;
    free(tracks);
    return error;
}

static int put_states(struct trace *trace, const struct tare_capture_instrument *instrument, const char *name)
{
    struct states states;
    char *threads = NULL, *share = NULL;
    int error = find_states(instrument, &states);
    if (error == 0 &&
        (asprintf(&threads, "%s threads in", name) < 0 || asprintf(&share, "%s share of time in", name) < 0)) {
        error = -ENOMEM;
    }
    if (error == 0) {
        put_state_counters(trace, instrument, states.threads, states.count, threads);
        put_state_counters(trace, instrument, states.share, states.count, share);
        error = put_stays(trace, instrument, name, states.count);
    }
    free(threads);
    free(share);
    return error;
}

/* ---- the rest ---- */

static void put_keys(struct trace *trace, const struct tare_capture_instrument *instrument, const char *name)
{
    const struct tare_capture *capture = trace->capture;
    if (instrument->key_count == 0 || capture->sample_count == 0) {
        return;
    }
    char *title = NULL;
    if (asprintf(&title, "%s: heaviest keys", name) < 0) {
        return;
    }
    begin_event(trace, "i", 0, title);
    put_time(trace, "ts", place_ns(trace, capture->at_ns[capture->sample_count - 1]));
    tare__json_key(trace->json, "s");
    tare__json_text(trace->json, "p");
    put_category(trace, "keys");
    begin_arguments(trace);
    for (size_t i = 0; i < instrument->key_count; i++) {
        char key[40];
        snprintf(key, sizeof(key), "#%zu 0x%" PRIx64, i + 1, instrument->keys[i].key);
        put_key(trace, key);
        put_count(trace, instrument->keys[i].weight);
    }
    end_event(trace);
    free(title);
}

static int put_columns(struct trace *trace, const struct tare_capture_instrument *instrument, const char *name)
{
    static const struct {
        enum tare_kind kind;
        const char *column, *what;
    } tracks[] = {
        {TARE_KIND_COUNTER, "total", "total"},
        {TARE_KIND_COUNTER, "per_s", "per second"},
        {TARE_KIND_GAUGE, "value", ""},
        {TARE_KIND_TIMER, "calls", "calls"},
        {TARE_KIND_TIMER, "calls_per_s", "calls per second"},
        {TARE_KIND_TIMER, "net_avg_ns", "net average"},
        {TARE_KIND_TIMER, "raw_p99_ns", "p99 as read"},
        {TARE_KIND_TIMER, "busy_share", "busy"},
        {TARE_KIND_HISTOGRAM, "count", "values"},
        {TARE_KIND_HISTOGRAM, "per_s", "values per second"},
        {TARE_KIND_HISTOGRAM, "p50", "p50"},
        {TARE_KIND_HISTOGRAM, "p99", "p99"},
        {TARE_KIND_TOPK, "total", "weight of all keys"},
    };
    int error = 0;
    for (size_t i = 0; i < sizeof(tracks) / sizeof(tracks[0]) && error == 0; i++) {
        bool moment = strcmp(tracks[i].column, "value") == 0 || strcmp(tracks[i].column, "total") == 0;
        if (tracks[i].kind == instrument->kind && moment) {
            error = put_unknown(trace, &instrument->series, tracks[i].column, name);
        }
        if (tracks[i].kind == instrument->kind && error == 0) {
            error = put_column(trace, &instrument->series, tracks[i].column, name, tracks[i].what);
        }
    }
    return error;
}

static int put_instrument(struct trace *trace, const struct tare_capture_instrument *instrument)
{
    char *name = tare_capture_name(instrument);
    int error = name != NULL ? 0 : -ENOMEM;
    if (error == 0 && instrument->kind == TARE_KIND_FRAMES) {
        error = put_frames(trace, instrument, name);
    } else if (error == 0 && instrument->kind == TARE_KIND_STATE) {
        error = put_states(trace, instrument, name);
    } else if (error == 0) {
        error = put_columns(trace, instrument, name);
        put_keys(trace, instrument, name);
    }
    free(name);
    return error;
}

/*
 * Threads that had a number one after the other are one track, with the names of all. In the order of the numbers,
 * so that those lie side by side: there are thousands of threads in some captures.
 */
static int by_tid(const void *a, const void *b)
{
    const struct tare_capture_thread *x = *(const struct tare_capture_thread *const *)a,
                                     *y = *(const struct tare_capture_thread *const *)b;
    return x->tid != y->tid ? (x->tid < y->tid ? -1 : 1) : x < y ? -1 : x > y;
}

static int put_threads(struct trace *trace, const struct tare_capture_process *process)
{
    const struct tare_capture_thread **threads = calloc(process->thread_count + 1, sizeof(*threads));
    size_t *places = reallocarray(trace->tid_places, process->thread_count + 1, sizeof(*places));
    trace->tid_places = places != NULL ? places : trace->tid_places;
    int error = threads != NULL && places != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; error == 0 && i < process->thread_count; i++) {
        threads[i] = &process->threads[i];
    }
    if (error == 0 && process->thread_count != 0) {
        qsort(threads, process->thread_count, sizeof(*threads), by_tid);
    }
    for (size_t i = 0, next; error == 0 && i < process->thread_count; i = next) {
        char *names = NULL;
        size_t size;
        FILE *out = open_memstream(&names, &size);
        for (next = i; next < process->thread_count && threads[next]->tid == threads[i]->tid; next++) {
            trace->tid_places[threads[next] - process->threads] = (size_t)(threads[i] - process->threads);
            bool again = next > i && strcmp(threads[next]->name, threads[next - 1]->name) == 0;
            if (out != NULL && !again) {
                fprintf(out, "%s%s", next > i ? ", then " : "", threads[next]->name);
            }
        }
        error = out != NULL && fclose(out) == 0 ? 0 : -ENOMEM;
        if (error == 0 && threads[i]->tid < FIRST_TRACK) {
            put_name(trace, "thread_name", threads[i]->tid, "name", names);
        }
        free(names);
    }
    free(threads);
    return error;
}

static int put_process(struct trace *trace)
{
    const struct tare_capture_process *process = trace->process;
    put_name(trace, "process_name", 0, "name", process->name != NULL ? process->name : "?");
    if (trace->pid != process->pid) {
        char label[24];
        snprintf(label, sizeof(label), "pid %" PRIu32, process->pid);
        put_name(trace, "process_labels", 0, "labels", label);
    }
    int error = put_threads(trace, process);
    if (error != 0) {
        return error;
    }
    error = put_column(trace, &process->series, "cpu_share", "processor share", "");
    error = error == 0 ? put_column(trace, &process->series, "resident_bytes", "resident memory", "") : error;
    error = error == 0 ? put_column(trace, &process->series, "threads", "threads with instruments", "") : error;
    error = error == 0 ? put_column(trace, &process->series, "process_threads", "threads", "") : error;
    for (size_t i = 0; i < process->instrument_count && error == 0; i++) {
        error = put_instrument(trace, &process->instruments[i]);
    }
    for (size_t i = 0; i < process->derived_count && error == 0; i++) {
        error = put_column(trace, &process->derived[i].series, "rolling", process->derived[i].name, "");
    }
    return error;
}

/* Where samples are further apart than they were meant to be. */
static void put_gaps(struct trace *trace)
{
    const struct tare_capture *capture = trace->capture;
    for (size_t i = 1; i < capture->sample_count && capture->interval_ns > 0; i++) {
        double gap_ns = capture->at_ns[i] - capture->at_ns[i - 1];
        if (gap_ns * 100 > capture->interval_ns * LATE_PERCENT) {
            put_instant(trace, capture->at_ns[i], "g", "samples missed", "ms since the sample before",
                        gap_ns / 1e6);
        }
    }
    if (capture->samples_dropped > 0 && capture->sample_count > 0) {
        put_instant(trace, capture->at_ns[capture->sample_count - 1], "g", "samples dropped from here on",
                    "samples", (double)capture->samples_dropped);
    }
}

/*
 * Two processes with one number are two: one after the other, or one that has executed another program. 0 is
 * nobody to viewers.
 */
static uint64_t pid_of(const struct tare_capture *capture, size_t number)
{
    uint64_t pid = capture->processes[number].pid;
    bool taken = pid == 0 || pid >= FIRST_TRACK;
    for (size_t i = 0; i < number && !taken; i++) {
        taken = capture->processes[i].pid == pid;
    }
    return taken ? FIRST_PROCESS + number : pid;
}

static double earliest_ns(const struct tare_capture *capture)
{
    double earliest = 0;
    for (size_t p = 0; p < capture->process_count; p++) {
        for (size_t i = 0; i < capture->processes[p].instrument_count; i++) {
            const struct tare_capture_instrument *instrument = &capture->processes[p].instruments[i];
            for (size_t f = 0; f < instrument->frame_count; f++) {
                earliest = fmin(earliest, instrument->frames[f].start_ns);
            }
        }
    }
    return earliest;
}

/* What the trace does not show, or not as events. */
static void put_other(struct trace *trace, const struct tare_result *result)
{
    const struct tare_capture *capture = trace->capture;
    struct tare__json *json = trace->json;
    uint64_t missed = 0, lost[5] = {0};
    for (size_t p = 0; p < capture->process_count; p++) {
        const struct tare_capture_process *process = &capture->processes[p];
        lost[0] = tare__export_sum(lost[0], process->lost_instruments);
        lost[1] = tare__export_sum(lost[1], process->lost_threads);
        lost[2] = tare__export_sum(lost[2], process->lost_scopes);
        lost[3] = tare__export_sum(lost[3], process->dropped_scopes);
        lost[4] = tare__export_sum(lost[4], process->lost_extras);
        for (size_t i = 0; i < process->instrument_count; i++) {
            missed = tare__export_sum(missed, process->instruments[i].frames_missed);
        }
    }
    const struct {
        const char *key;
        uint64_t count;
    } counts[] = {
        {"samples", capture->sample_count},
        {"samples_missed", capture->samples_missed},
        {"samples_dropped", capture->samples_dropped},
        {"frames_missed", missed},
        {"frames_left_out", trace->frames_left_out},
        {"stays_left_out", trace->stays_left_out},
        {"stays_dropped", capture->stays_dropped},
        {"lost_instruments", lost[0]},
        {"lost_threads", lost[1]},
        {"lost_scopes", lost[2]},
        {"dropped_scopes", lost[3]},
        {"lost_extras", lost[4]},
    };
    tare__json_key(json, "displayTimeUnit");
    tare__json_text(json, "ms");
    tare__json_key(json, "otherData");
    tare__json_open(json, '{');
    tare__json_key(json, "tare");
    tare__json_text(json, result->tare_version);
    tare__json_key(json, "started");
    tare__json_text(json, result->started);
    put_time(trace, "first_sample_us", trace->base_ns);
    if (capture->started_unix_ns >= 0 && capture->started_unix_ns < 9e18) {
        put_time(trace, "first_sample_unix_us", (uint64_t)capture->started_unix_ns);
    }
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        tare__json_key(json, counts[i].key);
        put_count(trace, counts[i].count);
    }
    tare__json_close(json, '}');
}

int tare_view_capture_chrome(const struct tare_result *result, FILE *out)
{
    const struct tare_capture *capture = result->capture;
    if (capture == NULL) {
        return -EINVAL;
    }
    double earliest = earliest_ns(capture);
    struct trace trace = {.capture = capture, .json = malloc(sizeof(struct tare__json)), .track = FIRST_TRACK};
    trace.base_ns = earliest > -9e15 ? (uint64_t)ceil(-earliest) : 0;
    int error = trace.json != NULL ? 0 : -ENOMEM;
    if (error == 0) {
        tare__json_begin(trace.json, out);
        tare__json_open(trace.json, '{');
        tare__json_key(trace.json, "traceEvents");
        tare__json_open(trace.json, '[');
        for (size_t p = 0; p < capture->process_count && error == 0; p++) {
            trace.process = &capture->processes[p];
            trace.pid = pid_of(capture, p);
            error = put_process(&trace);
        }
        trace.pid = capture->process_count > 0 ? pid_of(capture, 0) : 0;
        put_gaps(&trace);
        tare__json_raw(trace.json, "\n");
        tare__json_close(trace.json, ']');
        put_other(&trace, result);
        tare__json_close(trace.json, '}');
        int failure = tare__json_end(trace.json);
        error = error == 0 ? failure : error;
    }
    free(trace.tid_places);
    free(trace.json);
    return error;
}
