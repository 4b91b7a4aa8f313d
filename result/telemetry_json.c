/* SPDX-License-Identifier: MIT */
/*
 * A snapshot as JSON, schema "tare-live". It is written several times a second, so as text
 * (result/json_text.h); and it has to stay of a size that a browser takes several times a second, so of rings
 * of frames and of large top-k it has the newest and the heaviest, and says how many it leaves out.
 * Distributions are there by their percentiles, without buckets.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tare/version.h>

#include "result/json_text.h"
#include "result/telemetry.h"

enum { FRAMES_MOST = 256, KEYS_MOST = 256 };

static const char *const kind_names[] = {
    [TARE_KIND_TIMER] = "timer",   [TARE_KIND_COUNTER] = "counter",     [TARE_KIND_GAUGE] = "gauge",
    [TARE_KIND_STATE] = "state",   [TARE_KIND_HISTOGRAM] = "histogram", [TARE_KIND_TOPK] = "topk",
    [TARE_KIND_FRAMES] = "frames",
};

const char *tare_kind_name(enum tare_kind kind)
{
    return (size_t)kind < sizeof(kind_names) / sizeof(kind_names[0]) ? kind_names[kind] : NULL;
}

static void name_string(struct tare__json_text *json, const char *name, const char *value)
{
    tare__json_text_name(json, name);
    tare__json_text_string(json, value);
}

static void name_number(struct tare__json_text *json, const char *name, double value)
{
    tare__json_text_name(json, name);
    tare__json_text_number(json, value);
}

/* null where it is unknown, or more than readers of JSON hold. */
static void name_count(struct tare__json_text *json, const char *name, uint64_t value)
{
    tare__json_text_name(json, name);
    if (tare_count_of(value) != TARE_COUNT_UNKNOWN) {
        tare__json_text_count(json, value);
    } else {
        tare__json_text_null(json);
    }
}

/* A count of readings: null where they are not known. */
static void known_count(struct tare__json_text *json, const char *name, const struct tare_readings *of,
                        uint64_t value)
{
    name_count(json, name, of->known ? value : TARE_COUNT_UNKNOWN);
}

static void known_number(struct tare__json_text *json, const char *name, const struct tare_readings *of,
                         double value)
{
    name_number(json, name, of->known ? value : NAN);
}

static void name_bool(struct tare__json_text *json, const char *name, bool value)
{
    tare__json_text_name(json, name);
    tare__json_text_bool(json, value);
}

enum { LABELS_MOST = 32 };

/* {"k":"v"} from "k=v,k=v"; one without '=' has the value "". Of those of one name, the first counts. */
static void labels(struct tare__json_text *json, const char *text)
{
    const char *names[LABELS_MOST];
    size_t count = 0;
    char *copy = text != NULL ? strdup(text) : NULL, *rest = NULL;
    json->failed |= text != NULL && copy == NULL;
    tare__json_text_name(json, "labels");
    tare__json_text_open(json, '{');
    for (char *pair = copy != NULL ? strtok_r(copy, ",", &rest) : NULL; pair != NULL && count < LABELS_MOST;
         pair = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(pair, '=');
        if (value != NULL) {
            *value++ = '\0';
        }
        bool twice = false;
        for (size_t i = 0; i < count && !twice; i++) {
            twice = strcmp(names[i], pair) == 0;
        }
        if (twice) {
            continue;
        }
        names[count++] = pair;
        tare__json_text_string(json, pair);
        tare__json_text_colon(json);
        tare__json_text_string(json, value != NULL ? value : "");
    }
    free(copy);
    tare__json_text_close(json, '}');
}

/* Each name is written behind `prefix`, and with `unit` behind it: "raw_" and "_ns", or nothing. */
static void distribution(struct tare__json_text *json, const struct tare_readings *of, const char *prefix,
                         const char *unit)
{
    const struct tare_distribution *values = &of->distribution;
    const struct {
        const char *name;
        double value;
    } figures[] = {
        {*prefix != '\0' ? "total" : "sum", values->sum},
        {"avg", values->mean},
        {"min", values->min},
        {"max", values->max},
        {"p05", values->p05},
        {"p50", values->p50},
        {"p90", values->p90},
        {"p95", values->p95},
        {"p99", values->p99},
        {"p999", values->p999},
    };
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        char name[32];
        char *end = stpcpy(stpcpy(stpcpy(name, prefix), figures[i].name), unit);
        assert(end < name + sizeof(name));
        (void)end;
        known_number(json, name, of, figures[i].value);
    }
}

static void timer(struct tare__json_text *json, const struct tare_readings *of, bool rolling)
{
    known_count(json, "calls", of, of->total);
    known_count(json, "outermost_calls", of, of->distribution.count);
    known_count(json, "bytes", of, of->bytes);
    distribution(json, of, "raw_", "_ns");
    known_number(json, "net_total_ns", of, of->net_total_ns);
    known_number(json, "net_avg_ns", of, of->net_avg_ns);
    known_number(json, "net_avg_error_ns", of, of->net_avg_error_ns);
    known_number(json, "net_p50_ns", of, of->net_p50_ns);
    known_number(json, "net_p95_ns", of, of->net_p95_ns);
    known_number(json, "net_p99_ns", of, of->net_p99_ns);
    if (rolling) {
        known_number(json, "calls_per_s", of, of->per_s);
        known_number(json, "busy_share", of, of->busy_share);
    }
}

static void states(struct tare__json_text *json, const struct tare_readings *of, bool rolling)
{
    known_count(json, "changes", of, of->changes);
    if (rolling) {
        known_number(json, "changes_per_s", of, of->per_s);
    }
    tare__json_text_name(json, "states");
    tare__json_text_open(json, '[');
    for (size_t i = 0; of->known && i < of->state_count; i++) {
        const struct tare_state_figures *state = &of->states[i];
        tare__json_text_open(json, '{');
        name_string(json, "name", state->name);
        name_count(json, "threads", state->threads);
        name_number(json, "time_ns", state->ns);
        name_number(json, "share", state->share);
        tare__json_text_close(json, '}');
    }
    tare__json_text_close(json, ']');
}

static void keys(struct tare__json_text *json, const struct tare_readings *of, bool rolling)
{
    size_t shown = !of->known ? 0 : of->key_count < KEYS_MOST ? of->key_count : KEYS_MOST;
    known_count(json, "weight", of, of->total);
    known_count(json, "hits", of, of->hits);
    if (rolling) {
        tare__json_text_name(json, "least_weight");
        tare__json_text_null(json);
    } else {
        known_count(json, "least_weight", of, of->least_weight);
    }
    if (rolling) {
        known_number(json, "weight_per_s", of, of->per_s);
    }
    known_count(json, "keys_left_out", of, of->key_count - shown);
    tare__json_text_name(json, "keys");
    tare__json_text_open(json, '[');
    for (size_t i = 0; i < shown; i++) {
        const struct tare_key_figures *key = &of->keys[i];
        char text[24];
        snprintf(text, sizeof(text), "0x%llx", (unsigned long long)key->key);
        tare__json_text_open(json, '{');
        name_string(json, "key", text);
        name_count(json, "weight", key->weight);
        name_count(json, "error", key->error);
        name_count(json, "hits", key->hits);
        name_number(json, "share", key->share);
        tare__json_text_close(json, '}');
    }
    tare__json_text_close(json, ']');
}

static void frames(struct tare__json_text *json, const struct tare_instrument_figures *instrument,
                   const struct tare_readings *of, bool rolling)
{
    const struct tare_frames *usual = &of->frames;
    const double ns_per_ms = 1e6;
    known_count(json, "frames", of, of->total);
    known_count(json, "dropped", of, of->frames_dropped);
    known_count(json, "slow", of, of->frames_slow);
    if (rolling) {
        known_number(json, "frames_per_s", of, of->per_s);
    }
    distribution(json, of, "all_", "_ns");
    known_count(json, "recent_frames", of, usual->frames);
    known_count(json, "recent_slow", of, of->recent_slow);
    known_number(json, "avg_fps", of, usual->avg_fps);
    known_number(json, "median_fps", of, usual->median_fps);
    known_number(json, "low_1_fps", of, usual->low_1_fps);
    known_number(json, "low_01_fps", of, usual->low_01_fps);
    known_number(json, "avg_ns", of, usual->mean_ms * ns_per_ms);
    known_number(json, "min_ns", of, usual->min_ms * ns_per_ms);
    known_number(json, "max_ns", of, usual->max_ms * ns_per_ms);
    known_number(json, "p50_ns", of, usual->p50_ms * ns_per_ms);
    known_number(json, "p95_ns", of, usual->p95_ms * ns_per_ms);
    known_number(json, "p99_ns", of, usual->p99_ms * ns_per_ms);
    known_number(json, "p999_ns", of, usual->p999_ms * ns_per_ms);
    known_number(json, "variance_ns2", of, usual->variance_ms2 * ns_per_ms * ns_per_ms);
    known_number(json, "sd_ns", of, usual->sd_ms * ns_per_ms);
    known_number(json, "cov", of, usual->cov);
    tare__json_text_name(json, "part_avg_ns");
    tare__json_text_open(json, '[');
    for (int part = 0;
         part < TARE_FRAME_PARTS_MAX && instrument->names != NULL && instrument->names[part] != NULL; part++) {
        tare__json_text_number(json, of->known ? of->frame_part_mean_ns[part] : NAN);
    }
    tare__json_text_close(json, ']');
}

static void readings(struct tare__json_text *json, const struct tare_instrument_figures *instrument,
                     bool rolling)
{
    const struct tare_readings *of = rolling ? &instrument->rolling : &instrument->total;
    tare__json_text_name(json, rolling ? "rolling" : "total");
    tare__json_text_open(json, '{');
    name_bool(json, "known", of->known);
    switch (instrument->kind) {
    case TARE_KIND_TIMER:
        timer(json, of, rolling);
        break;
    case TARE_KIND_COUNTER:
        known_count(json, "total", of, of->total);
        if (rolling) {
            known_number(json, "per_s", of, of->per_s);
        }
        break;
    case TARE_KIND_GAUGE:
        if (rolling) {
            known_number(json, "change", of, of->value);
        } else {
            known_number(json, "value", of, of->value);
            known_number(json, "peak", of, of->peak);
        }
        break;
    case TARE_KIND_HISTOGRAM:
        known_count(json, "count", of, of->distribution.count);
        if (rolling) {
            known_number(json, "count_per_s", of, of->per_s);
        }
        distribution(json, of, "", "");
        break;
    case TARE_KIND_STATE:
        states(json, of, rolling);
        break;
    case TARE_KIND_TOPK:
        keys(json, of, rolling);
        break;
    case TARE_KIND_FRAMES:
        frames(json, instrument, of, rolling);
        break;
    }
    tare__json_text_close(json, '}');
}

static void frame_list(struct tare__json_text *json, const char *name,
                       const struct tare_instrument_figures *instrument, const struct tare_frame_figures *list,
                       size_t count)
{
    tare__json_text_name(json, name);
    tare__json_text_open(json, '[');
    for (size_t i = count > FRAMES_MOST ? count - FRAMES_MOST : 0; i < count; i++) {
        const struct tare_frame_figures *frame = &list[i];
        tare__json_text_open(json, '{');
        name_count(json, "number", frame->number);
        name_number(json, "start_ns", frame->start_ns);
        name_number(json, "time_ns", frame->ns);
        name_bool(json, "slow", frame->slow);
        tare__json_text_name(json, "part_ns");
        tare__json_text_open(json, '[');
        for (int part = 0;
             part < TARE_FRAME_PARTS_MAX && instrument->names != NULL && instrument->names[part] != NULL;
             part++) {
            tare__json_text_number(json, frame->part_ns[part]);
        }
        tare__json_text_close(json, ']');
        tare__json_text_close(json, '}');
    }
    tare__json_text_close(json, ']');
}

/* As they are declared; of states, the total's where there are no others. */
static void put_names(struct tare__json_text *json, const char *name,
                      const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *total = &instrument->total;
    tare__json_text_name(json, name);
    tare__json_text_open(json, '[');
    for (char **part = instrument->names; part != NULL && *part != NULL; part++) {
        tare__json_text_string(json, *part);
    }
    for (size_t i = 0; instrument->names == NULL && i < total->state_count; i++) {
        tare__json_text_string(json, total->states[i].name);
    }
    tare__json_text_close(json, ']');
}

static void write_instrument(struct tare__json_text *json, const struct tare_instrument_figures *instrument)
{
    char *full_name = tare_instrument_full_name(instrument);
    const char *kind = tare_kind_name(instrument->kind);
    json->failed |= full_name == NULL || kind == NULL;
    tare__json_text_open(json, '{');
    name_count(json, "id", instrument->id);
    name_string(json, "kind", kind);
    name_string(json, "module", instrument->module);
    name_string(json, "name", instrument->name);
    name_string(json, "full_name", full_name);
    name_string(json, "unit", instrument->unit);
    labels(json, instrument->labels);
    name_string(json, "help", instrument->help);
    name_string(json, "file", instrument->file);
    name_count(json, "line", instrument->line);
    name_bool(json, "enabled", instrument->enabled);
    name_bool(json, "loaded", instrument->loaded);
    readings(json, instrument, false);
    readings(json, instrument, true);
    if (instrument->kind == TARE_KIND_TOPK) {
        name_count(json, "size", instrument->size);
    }
    if (instrument->kind == TARE_KIND_STATE) {
        put_names(json, "state_names", instrument);
    }
    if (instrument->kind == TARE_KIND_FRAMES) {
        name_count(json, "size", instrument->size);
        put_names(json, "parts", instrument);
        name_number(json, "slow_over_ns", instrument->slow_over_ns);
        frame_list(json, "last", instrument, instrument->last, instrument->last_count);
        name_count(json, "last_left_out",
                   instrument->last_count > FRAMES_MOST ? instrument->last_count - FRAMES_MOST : 0);
        frame_list(json, "slow", instrument, instrument->slow, instrument->slow_count);
    }
    tare__json_text_close(json, '}');
    free(full_name);
}

static void write_derived(struct tare__json_text *json, const struct tare_derived *derived)
{
    tare__json_text_open(json, '{');
    name_string(json, "name", derived->name);
    name_string(json, "unit", derived->unit);
    name_string(json, "help", derived->help);
    name_number(json, "total", derived->total);
    name_number(json, "rolling", derived->rolling);
    name_bool(json, "of_moment", derived->of_moment);
    tare__json_text_close(json, '}');
}

static void losses(struct tare__json_text *json, const struct tare_process_figures *process)
{
    tare__json_text_name(json, "lost");
    tare__json_text_open(json, '{');
    name_count(json, "instruments", process->lost_instruments);
    name_count(json, "threads", process->lost_threads);
    name_count(json, "scopes", process->lost_scopes);
    name_count(json, "dropped_scopes", process->dropped_scopes);
    name_count(json, "extras", process->lost_extras);
    tare__json_text_close(json, '}');
}

static void write_process(struct tare__json_text *json, const struct tare_process_figures *process)
{
    tare__json_text_open(json, '{');
    name_count(json, "id", process->id);
    name_count(json, "pid", (uint64_t)process->pid);
    name_string(json, "name", process->name);
    name_string(json, "executable", process->executable);
    name_string(json, "command", process->command);
    name_string(json, "started", process->started);
    name_bool(json, "alive", process->alive);
    name_number(json, "age_s", process->age_ns / 1e9);
    name_number(json, "window_s", process->window_ns / 1e9);
    name_number(json, "cpu_total_ns", process->cpu_total_ns);
    name_number(json, "cpu_share", process->cpu_share);
    name_number(json, "measuring_share", process->measuring_share);
    name_number(json, "resident_bytes", process->resident_bytes);
    name_string(json, "clock", process->clock);
    name_count(json, "threads", process->threads);
    name_count(json, "process_threads", process->process_threads);
    tare__json_text_name(json, "thread_list");
    tare__json_text_open(json, '[');
    for (size_t i = 0; i < process->thread_list_count; i++) {
        tare__json_text_open(json, '{');
        name_count(json, "tid", process->thread_list[i].tid);
        name_string(json, "name", process->thread_list[i].name);
        name_bool(json, "ended", process->thread_list[i].ended);
        tare__json_text_close(json, '}');
    }
    tare__json_text_close(json, ']');
    losses(json, process);
    tare__json_text_name(json, "instruments");
    tare__json_text_open(json, '[');
    for (size_t i = 0; i < process->instrument_count; i++) {
        write_instrument(json, &process->instruments[i]);
    }
    tare__json_text_close(json, ']');
    tare__json_text_name(json, "derived");
    tare__json_text_open(json, '[');
    for (size_t i = 0; i < process->derived_count; i++) {
        write_derived(json, &process->derived[i]);
    }
    tare__json_text_close(json, ']');
    tare__json_text_close(json, '}');
}

static void name_time(struct tare__json_text *json, double unix_ms)
{
    char text[40] = "", whole[32] = "";
    time_t seconds = (time_t)floor(unix_ms / 1e3);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) != NULL) {
        strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm);
    }
    snprintf(text, sizeof(text), "%s.%03dZ", whole, (int)(unix_ms - (double)seconds * 1e3));
    name_string(json, "time", text);
    name_number(json, "unix_ms", unix_ms);
}

char *tare_telemetry_json(const struct tare_telemetry *telemetry, size_t *size)
{
    struct tare__json_text json = {0};
    tare__json_text_open(&json, '{');
    name_string(&json, "schema", TARE_LIVE_SCHEMA);
    name_count(&json, "schema_version", TARE_LIVE_SCHEMA_VERSION);
    name_string(&json, "tare_version", TARE_VERSION);
    name_time(&json, rint(telemetry->unix_ns / 1e6));
    name_number(&json, "window_s", telemetry->window_ns / 1e9);
    name_number(&json, "reading_ns", telemetry->reading_ns);
    name_count(&json, "number", telemetry->number);
    name_count(&json, "shape", telemetry->shape);
    tare__json_text_name(&json, "processes");
    tare__json_text_open(&json, '[');
    for (size_t i = 0; i < telemetry->process_count; i++) {
        write_process(&json, &telemetry->processes[i]);
    }
    tare__json_text_close(&json, ']');
    name_count(&json, "denied", telemetry->denied);
    tare__json_text_close(&json, '}');
    return tare__json_text_end(&json, size);
}
