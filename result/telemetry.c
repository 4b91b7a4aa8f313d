/* SPDX-License-Identifier: MIT */
/*
 * A snapshot in memory: names, look-up, and freeing one that was made piece by piece. What tare_live_poll()
 * hands out is not among these: its memory belongs to the struct tare_live, which uses it again
 * (result/live.c).
 */
#include "result/telemetry.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *tare_instrument_full_name(const struct tare_instrument_figures *instrument)
{
    const char *between = instrument->kind == TARE_KIND_TIMER ? "::" : ".";
    bool labelled = instrument->labels != NULL && instrument->labels[0] != '\0';
    char *text;
    int written = asprintf(&text, "%s%s%s%s%s%s", instrument->module, between, instrument->name,
                           labelled ? "{" : "", labelled ? instrument->labels : "", labelled ? "}" : "");
    return written >= 0 ? text : NULL;
}

void tare_readings_init(struct tare_readings *readings)
{
    *readings = (struct tare_readings){
        .per_s = NAN,
        .value = NAN,
        .peak = NAN,
        .net_total_ns = NAN,
        .net_avg_ns = NAN,
        .net_avg_error_ns = NAN,
        .net_p50_ns = NAN,
        .net_p95_ns = NAN,
        .net_p99_ns = NAN,
        .busy_share = NAN,
        .measuring_ns = NAN,
    };
    tare_distribution_init(&readings->distribution);
    tare_frames_of(NULL, 0, &readings->frames); /* of no frames: all unknown */
    for (int part = 0; part < TARE_FRAME_PARTS_MAX; part++) {
        readings->frame_part_mean_ns[part] = NAN;
    }
}

void tare_distribution_init(struct tare_distribution *distribution)
{
    *distribution = (struct tare_distribution){
        .sum = NAN,
        .min = NAN,
        .max = NAN,
        .mean = NAN,
        .p05 = NAN,
        .p50 = NAN,
        .p90 = NAN,
        .p95 = NAN,
        .p99 = NAN,
        .p999 = NAN,
        .scale = NAN,
    };
}

static void release_readings(struct tare_readings *readings)
{
    free(readings->distribution.buckets);
    for (size_t i = 0; i < readings->state_count; i++) {
        free(readings->states[i].name);
    }
    free(readings->states);
    free(readings->keys);
}

void tare_instrument_figures_release(struct tare_instrument_figures *instrument)
{
    free(instrument->module);
    free(instrument->name);
    free(instrument->unit);
    free(instrument->labels);
    free(instrument->help);
    free(instrument->file);
    for (char **name = instrument->names; name != NULL && *name != NULL; name++) {
        free(*name);
    }
    free(instrument->names);
    release_readings(&instrument->total);
    release_readings(&instrument->rolling);
    free(instrument->last);
    free(instrument->slow);
    free(instrument->stays);
    memset(instrument, 0, sizeof *instrument);
}

static void release_process(struct tare_process_figures *process)
{
    free(process->name);
    free(process->executable);
    free(process->command);
    free(process->started);
    free(process->clock);
    free(process->thread_list);
    for (size_t i = 0; i < process->instrument_count; i++) {
        tare_instrument_figures_release(&process->instruments[i]);
    }
    free(process->instruments);
    free(process->derived);
}

void tare_telemetry_release(struct tare_telemetry *telemetry)
{
    for (size_t i = 0; i < telemetry->process_count; i++) {
        release_process(&telemetry->processes[i]);
    }
    free(telemetry->processes);
    memset(telemetry, 0, sizeof *telemetry);
}

struct tare_process_figures *tare_telemetry_process(struct tare_telemetry *telemetry, uint64_t id)
{
    for (size_t i = 0; i < telemetry->process_count; i++) {
        if (telemetry->processes[i].id == id) {
            return &telemetry->processes[i];
        }
    }
    return NULL;
}

struct tare_instrument_figures *tare_telemetry_instrument(struct tare_telemetry *telemetry, uint64_t id,
                                                          struct tare_process_figures **process)
{
    for (size_t i = 0; i < telemetry->process_count; i++) {
        struct tare_process_figures *of = &telemetry->processes[i];
        for (size_t k = 0; k < of->instrument_count; k++) {
            if (of->instruments[k].id == id) {
                if (process != NULL) {
                    *process = of;
                }
                return &of->instruments[k];
            }
        }
    }
    return NULL;
}
