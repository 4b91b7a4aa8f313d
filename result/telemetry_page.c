/* SPDX-License-Identifier: MIT */
#include "result/telemetry_page.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/process_name.h"
#include "result/telemetry_parts.h"
#include "runtime/clock.h"

static double clock_ns(clockid_t clock)
{
    struct timespec time;
    return clock_gettime(clock, &time) == 0 ? (double)time.tv_sec * 1e9 + (double)time.tv_nsec : NAN;
}

/* The arguments, with spaces between them. NULL: no memory. */
static char *command_of(const struct tare_page_view *view)
{
    size_t size = view->command_size;
    char *command = malloc(size + 1);
    if (command == NULL) {
        return NULL;
    }
    while (size > 0 && view->command[size - 1] == '\0') {
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        command[i] = (char)(view->command[i] != '\0' ? view->command[i] : ' ');
    }
    command[size] = '\0';
    return command;
}

static bool name_process(const struct tare_page_view *view, struct tare_process_figures *out)
{
    struct tare_process_names names;
    char started[32] = "";
    time_t seconds = (time_t)(view->header.started_realtime_ns / 1000000000u);
    struct tm tm;
    if (view->header.started_realtime_ns != 0 && gmtime_r(&seconds, &tm) != NULL) {
        strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    tare_process_names_of(0, view->executable, view->command, view->command_size, &names);
    out->name = strdup(names.name);
    out->executable = strdup(view->executable);
    out->command = command_of(view);
    out->started = started[0] != '\0' ? strdup(started) : NULL;
    out->clock = strdup(tare__clock_name(view->header.clock));
    return out->name != NULL && out->executable != NULL && out->command != NULL && out->clock != NULL &&
           (started[0] == '\0' || out->started != NULL);
}

static bool list_threads(const struct tare_page_view *view, struct tare_process_figures *out)
{
    out->thread_list = calloc(view->thread_count + 1, sizeof(*out->thread_list));
    if (out->thread_list == NULL) {
        return false;
    }
    for (size_t i = 0; i < view->thread_count; i++) {
        out->thread_list[i] = (struct tare_result_thread){.tid = view->threads[i].tid, .ended = true};
        memcpy(out->thread_list[i].name, view->threads[i].name, sizeof(out->thread_list[i].name));
    }
    out->thread_list_count = view->thread_count;
    return true;
}

static int list_instruments(const struct tare_page_view *view, struct tare_process_figures *out)
{
    struct tare__past past = {0};
    int error = tare__past_fill(&past, view, NULL);
    struct tare__figures figures = {
        .model = tare_page_cost_model(&view->header, NULL),
        .origin_ticks = view->header.first.ticks,
        .threads = view->threads,
        .end_ticks = view->end_ticks,
        .window_ns = NAN,
        .now = &past,
    };
    out->instruments = error == 0 ? calloc(past.count + 1, sizeof(*out->instruments)) : NULL;
    error = error == 0 && out->instruments == NULL ? -ENOMEM : error;
    size_t t = 0, i = 0;
    for (size_t at = 0; error == 0 && at < past.count; at++) {
        bool is_timer = past.instruments[at].kind == TARE_KIND_TIMER;
        out->instrument_count = at + 1; /* half of one is released as well */
        error = tare__figures_of(&figures, is_timer ? &view->timers[t++] : NULL,
                                 is_timer ? NULL : &view->instruments[i++], at, &out->instruments[at]);
        out->instruments[at].id = out->id << 20 | past.instruments[at].index;
    }
    tare__past_release(&past);
    if (view->header.grain_ticks != 0) {
        out->clock_step_ns = (double)view->header.grain_ticks * figures.model.tick_ns;
    }
    return error != 0 ? error : tare__derived_fill(NULL, out);
}

int tare_telemetry_of_page(const struct tare_page_view *view, uint64_t id, pid_t pid,
                           struct tare_telemetry *telemetry)
{
    const struct tare_page *header = &view->header;
    double unix_ns = clock_ns(CLOCK_REALTIME);
    *telemetry = (struct tare_telemetry){
        .unix_ns = unix_ns,
        .monotonic_ns = clock_ns(CLOCK_MONOTONIC),
        .window_ns = NAN,
        .reading_ns = NAN,
        .processes = calloc(1, sizeof(*telemetry->processes)),
    };
    if (telemetry->processes == NULL) {
        return -ENOMEM;
    }
    telemetry->process_count = 1;
    struct tare_process_figures *out = telemetry->processes;
    *out = (struct tare_process_figures){
        .id = id,
        .pid = pid,
        .age_ns = header->started_realtime_ns != 0 ? unix_ns - (double)header->started_realtime_ns : NAN,
        .window_ns = NAN,
        .cpu_total_ns = NAN,
        .cpu_share = NAN,
        .measuring_share = NAN,
        .clock_step_ns = NAN,
        .resident_bytes = NAN,
        .process_threads = TARE_COUNT_UNKNOWN,
        .lost_instruments = header->lost_instruments,
        .lost_threads = header->lost_threads,
        .lost_scopes = header->lost_scopes,
        .dropped_scopes = header->dropped_scopes,
        .lost_extras = header->lost_extras,
    };
    int error = name_process(view, out) && list_threads(view, out) ? 0 : -ENOMEM;
    error = error != 0 ? error : list_instruments(view, out);
    if (error != 0) {
        tare_telemetry_release(telemetry);
    }
    return error;
}
