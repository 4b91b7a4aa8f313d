/* SPDX-License-Identifier: MIT */
/*
 * Reads live processes again and again: who runs (result/live_find.c), what they say (result/live_read.c), and the
 * snapshot that is made of all of it. What is switched in them is in result/live_switch.c.
 *
 * A process is known by its pid and when it started, and its page by the file that it lies in: an exec makes a
 * new page, and so a new entry here; the old one ended with it.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "record/discover.h"
#include "result/live_parts.h"

enum { ENDED_MOST = 64 /* processes that ended, and are kept */ };
static const double WINDOW_NS = 1e9, DISCOVER_NS = 1e9;

/*
 * A page that takes long to read, huge or made to be so, must not take this process's time: it is read so
 * seldom that reading takes a tenth at most. By the thread's processor time, so that a busy machine does not
 * count; pages that are read in LONG_NS are not meant.
 */
static const double READING_SHARE = 0.1, LONG_NS = 5e6;

double tare__live_clock_ns(clockid_t clock)
{
    struct timespec time;
    return clock_gettime(clock, &time) == 0 ? (double)time.tv_sec * 1e9 + (double)time.tv_nsec : NAN;
}

/* Every process that is watched takes a descriptor. A limit that stays low costs processes, and no more. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct tare_live *tare_live_new(const struct tare_live_options *options)
{
    raise_descriptor_limit();
    struct tare_live *live = calloc(1, sizeof(*live));
    if (live == NULL) {
        return NULL;
    }
    live->window_ns = options->window_ns > 0 ? options->window_ns : WINDOW_NS;
    live->histograms = options->histograms;
    live->stays = options->stays;
    live->keep_ended = options->keep_ended;
    live->all_pids = options->pids == NULL;
    live->pid_count = options->pids != NULL ? options->pid_count : 0;
    live->pids = calloc(live->pid_count + 1, sizeof(*live->pids));
    live->name = options->name != NULL ? strdup(options->name) : NULL;
    live->discovered_ns = NAN;
    if (live->pids == NULL || (options->name != NULL && live->name == NULL)) {
        tare_live_free(live);
        return NULL;
    }
    if (live->pid_count != 0) {
        memcpy(live->pids, options->pids, live->pid_count * sizeof(*live->pids));
    }
    return live;
}

void tare_live_set_window(struct tare_live *live, double window_ns)
{
    live->window_ns = window_ns > 0 ? window_ns : WINDOW_NS;
}

void tare_live_set_stays(struct tare_live *live, bool stays)
{
    live->stays = stays;
}

/* What only a process that runs needs. */
void tare__live_process_close(struct tare__live_process *process)
{
    tare_page_reader_close(process->reader);
    process->reader = NULL;
    if (process->source.fd >= 0) {
        close(process->source.fd);
    }
    process->source.fd = -1;
    process->writable = process->locked = false;
    for (size_t i = 0; process->pasts != NULL && i < TARE__LIVE_PASTS; i++) {
        tare__past_release(&process->pasts[i]);
    }
    free(process->pasts);
    process->pasts = NULL;
    process->past_count = 0;
}

void tare__live_process_free(struct tare__live_process *process)
{
    tare__live_process_close(process);
    tare_page_view_release(&process->view);
    tare__past_release(&process->now);
    tare__arena_release(&process->arena);
    free(process->switched);
    free(process->switches);
    free(process->name);
    free(process->command);
    free(process);
}

void tare_live_free(struct tare_live *live)
{
    if (live == NULL) {
        return;
    }
    for (size_t i = 0; i < live->count; i++) {
        tare__live_process_free(live->processes[i]);
    }
    free(live->processes);
    free(live->pids);
    free(live->looked_at);
    free(live->name);
    tare__arena_release(&live->arena);
    free(live);
}

/* FNV-1a, of 8 bytes at a time. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x100000001b3);
}

static void note_shape(struct tare_live *live)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const struct tare_telemetry *telemetry = &live->telemetry;
    for (size_t i = 0; i < telemetry->process_count; i++) {
        const struct tare_process_figures *process = &telemetry->processes[i];
        hash = mix(hash, process->id << 1 | process->alive);
        for (size_t k = 0; k < process->instrument_count; k++) {
            const struct tare_instrument_figures *instrument = &process->instruments[k];
            hash = mix(hash, instrument->id << 2 | (uint64_t)instrument->enabled << 1 | instrument->loaded);
        }
    }
    live->shape += hash != live->shape_hash;
    live->shape_hash = hash;
}

/* Whether an ended one is to be kept: the last ENDED_MOST of them. */
static bool keep_ended(const struct tare_live *live, const struct tare__live_process *process)
{
    size_t later = 0;
    for (size_t i = 0; i < live->count; i++) {
        const struct tare__live_process *other = live->processes[i];
        later += other != NULL && !other->alive && !other->ignored && other->id > process->id;
    }
    return live->keep_ended && process->has_view && !process->ignored && later < ENDED_MOST;
}

static void drop_ended(struct tare_live *live)
{
    size_t kept = 0;
    for (size_t i = 0; i < live->count; i++) {
        struct tare__live_process *process = live->processes[i];
        if (process->alive || keep_ended(live, process)) {
            continue;
        }
        tare__live_process_free(process);
        live->processes[i] = NULL;
    }
    for (size_t i = 0; i < live->count; i++) {
        if (live->processes[i] != NULL) {
            live->processes[kept++] = live->processes[i];
        }
    }
    live->count = kept;
}

/* Reads one, and makes its figures; what is wrong with it stays with it. */
static void update_process(struct tare_live *live, struct tare__live_process *process)
{
    double before_ns = tare__live_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    tare__live_process_read(live, process);
    if (process->fresh && tare__live_process_fill(live, process) != 0) {
        process->has_view = false;
        tare__live_process_fail(process, strerror(ENOMEM));
    }
    double took_ns = tare__live_clock_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns;
    process->due_ns =
        took_ns > LONG_NS ? tare__live_clock_ns(CLOCK_MONOTONIC) + took_ns / READING_SHARE - took_ns : 0;
}

/* Reads all that run, and those that have just ended for the last time. */
static void read_all(struct tare_live *live, char *message, size_t message_size)
{
    for (size_t i = 0; i < live->count; i++) {
        struct tare__live_process *process = live->processes[i];
        process->fresh = false;
        if (!process->alive) {
            continue;
        }
        process->alive = process->found && tare_process_alive(process->pid, process->start_time_jiffies);
        if (!process->alive) {
            live->discovered_ns = NAN; /* another program may run there now */
        }
        if (process->ignored) {
            continue;
        }
        if (!process->alive || !(live->telemetry.monotonic_ns < process->due_ns)) {
            update_process(live, process);
        }
        if (process->failed && process->complaint[0] != '\0') {
            tare__live_complain(message, message_size, process->pid, process->complaint);
        }
    }
    drop_ended(live);
}

/* One that has ended has no window any more, from the second look on. */
static bool is_shown(struct tare_live *live, struct tare__live_process *process)
{
    if (process->ignored || (process->failed && process->alive) || !process->has_view) {
        return false;
    }
    if (!process->alive && !process->fresh && !process->settled) {
        process->settled = true;
        process->has_view = tare__live_process_fill(live, process) == 0;
    }
    return process->has_view;
}

/*
 * By the page's clock where that counts from its making, so that setting the time of day moves nothing; a forked
 * child's page has its parent's, and the time of day is all that is left.
 */
static void fill_age(const struct tare_telemetry *telemetry, const struct tare__live_process *process,
                     struct tare_process_figures *out)
{
    const struct tare_page *header = &process->view.header;
    double origin_age_ns = telemetry->monotonic_ns - process->origin_ns;
    double by_day_ns =
        header->started_realtime_ns != 0 ? telemetry->unix_ns - (double)header->started_realtime_ns : NAN;
    out->origin_age_ns = isfinite(origin_age_ns) ? origin_age_ns : 0;
    out->age_ns = (header->flags & TARE_PAGE_FORKED) == 0 && origin_age_ns >= 0 ? origin_age_ns : by_day_ns;
    out->age_ns = out->age_ns >= 0 ? out->age_ns : NAN;
}

static int fill_all(struct tare_live *live)
{
    struct tare_telemetry *telemetry = &live->telemetry;
    tare__arena_clear(&live->arena);
    telemetry->processes = tare__arena_take(&live->arena, live->count * sizeof(*telemetry->processes));
    telemetry->process_count = 0;
    telemetry->window_ns = NAN;
    if (telemetry->processes == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < live->count; i++) {
        struct tare__live_process *process = live->processes[i];
        if (!is_shown(live, process)) {
            continue;
        }
        struct tare_process_figures *out = &telemetry->processes[telemetry->process_count++];
        *out = process->figures;
        fill_age(telemetry, process, out);
        if (!process->alive && process->reader != NULL) {
            tare__live_process_close(process);
        }
        telemetry->window_ns =
            fmax(telemetry->window_ns, out->window_ns); /* of two, the one that is a number */
    }
    return 0;
}

int tare_live_poll(struct tare_live *live, const struct tare_telemetry **snapshot, char *message,
                   size_t message_size)
{
    struct tare_telemetry *telemetry = &live->telemetry;
    int error = 0;
    if (message_size != 0) {
        message[0] = '\0';
    }
    telemetry->unix_ns = tare__live_clock_ns(CLOCK_REALTIME);
    telemetry->monotonic_ns = tare__live_clock_ns(CLOCK_MONOTONIC);
    if (!(telemetry->monotonic_ns - live->discovered_ns < DISCOVER_NS)) {
        live->discovered_ns = telemetry->monotonic_ns;
        error = tare__live_discover(live, message, message_size);
    }
    if (error == 0) {
        read_all(live, message, message_size);
        error = fill_all(live);
    }
    if (error != 0) {
        if (message_size != 0) {
            snprintf(message, message_size, "cannot look for processes: %s", strerror(-error));
        }
        live->discovered_ns = NAN;
        return error;
    }
    note_shape(live);
    telemetry->number = live->polls++;
    telemetry->shape = live->shape;
    telemetry->denied = live->denied;
    telemetry->reading_ns = tare__live_clock_ns(CLOCK_MONOTONIC) - telemetry->monotonic_ns;
    *snapshot = telemetry;
    return 0;
}
