/* SPDX-License-Identifier: MIT */
/*
 * What one process says, now and over a window. Of each process its last view is kept, which the strings of the
 * snapshot are those of, and what some readings before it said (struct tare__past), of which the one whose age
 * is closest to the window is what rolling figures are differences to. Those older than that one are not needed
 * any more, and more than TARE__LIVE_PASTS in a window are not kept; so memory is bounded however often it is polled.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "record/discover.h"
#include "result/live_parts.h"
#include "runtime/clock.h"

/* What a view says of its process once and for all. False without memory. */
static bool name_process(struct tare__live_process *process)
{
    const struct tare_page_view *view = &process->view;
    size_t size = view->command_size;
    tare_process_names_of(process->pid, view->executable, view->command, size, &process->names);
    process->name = strdup(process->names.name);
    process->command = malloc(size + 1);
    if (process->name == NULL || process->command == NULL) {
        return false;
    }
    while (size > 0 && view->command[size - 1] == '\0') {
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        process->command[i] = view->command[i];
        if (process->command[i] == '\0') {
            process->command[i] = ' ';
        }
    }
    process->command[size] = '\0';
    time_t seconds = (time_t)(view->header.started_realtime_ns / 1000000000u);
    struct tm tm;
    if (view->header.started_realtime_ns != 0 && gmtime_r(&seconds, &tm) != NULL) {
        strftime(process->started, sizeof(process->started), "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    return true;
}

static double cpu_time_ns(pid_t pid)
{
    clockid_t clock;
    return clock_getcpuclockid(pid, &clock) == 0 ? tare__live_clock_ns(clock) : NAN;
}

/* The reading before becomes one of the past, unless it lies too close to the last of those. */
static void keep_past(const struct tare_live *live, struct tare__live_process *process)
{
    struct tare__past *pasts = process->pasts;
    size_t count = process->past_count;
    if (process->now.at_ns == 0 || (count != 0 && process->now.at_ns - pasts[count - 1].at_ns <
                                                      live->window_ns / (TARE__LIVE_PASTS - 2))) {
        return;
    }
    if (count == TARE__LIVE_PASTS) {
        struct tare__past oldest = pasts[0];
        memmove(pasts, pasts + 1, (TARE__LIVE_PASTS - 1) * sizeof(*pasts));
        pasts[--count] = oldest;
    }
    struct tare__past spare = pasts[count];
    pasts[count] = process->now;
    process->now = spare;
    process->past_count = count + 1;
}

static double distance_ns(const struct tare__past *past, double now_ns, double window_ns)
{
    return fabs(now_ns - past->at_ns - window_ns);
}

/* The reading that is closest to the window's begin; NULL: none. Older ones are dropped. */
static const struct tare__past *find_past(const struct tare_live *live, struct tare__live_process *process)
{
    struct tare__past *pasts = process->pasts;
    size_t best = 0;
    for (size_t i = 1; i < process->past_count; i++) {
        if (distance_ns(&pasts[i], process->now.at_ns, live->window_ns) <=
            distance_ns(&pasts[best], process->now.at_ns, live->window_ns)) {
            best = i;
        }
    }
    for (; best > 0; best--) { /* to the end, where its memory is used again */
        struct tare__past oldest = pasts[0];
        memmove(pasts, pasts + 1, (TARE__LIVE_PASTS - 1) * sizeof(*pasts));
        pasts[TARE__LIVE_PASTS - 1] = oldest;
        process->past_count--;
    }
    return process->past_count != 0 ? &pasts[0] : NULL;
}

/* What the view that was just read says. 0 or -ENOMEM. */
static int take_view(struct tare_live *live, struct tare__live_process *process, double at_ns)
{
    if (process->name == NULL && !name_process(process)) {
        return -ENOMEM;
    }
    if (live->name != NULL && !tare_process_names_match(&process->names, live->name)) {
        process->ignored = true;
        tare__live_process_close(process);
        tare_page_view_release(&process->view);
        process->has_view = process->fresh = false;
        return 0;
    }
    keep_past(live, process);
    const struct tare__past *last = process->past_count != 0 ? &process->pasts[process->past_count - 1] : NULL;
    int error = tare__past_fill(&process->now, &process->view, last);
    process->now.at_ns = at_ns;
    double cpu_ns = process->alive ? cpu_time_ns(process->pid) : NAN;
    process->now.cpu_ns = cpu_ns;
    process->cpu_ns = isnan(cpu_ns) ? process->cpu_ns : cpu_ns;
    return error;
}

/* Whatever is wrong with a page, and be it that there is no memory for it, is wrong with that one alone. */
void tare__live_process_fail(struct tare__live_process *process, const char *what)
{
    snprintf(process->complaint, sizeof(process->complaint), "%s", what);
    process->failed = true;
    process->fresh = false;
}

/*
 * Of tens of thousands of instruments, the figures of the last snapshot, which is void by now, are not to lie
 * beside what is read anew. They are made again, or nobody sees them.
 */
static void drop_large_figures(struct tare__live_process *process)
{
    enum { LARGE = 4096 };
    if (process->figures.instrument_count >= LARGE) {
        tare__arena_release(&process->arena);
        process->figures = (struct tare_process_figures){0};
        process->settled = false;
    }
}

void tare__live_process_read(struct tare_live *live, struct tare__live_process *process)
{
    char what[sizeof(process->complaint)] = "";
    struct tare_page_view view = {0};
    drop_large_figures(process);
    unsigned flags = (live->histograms ? TARE_READ_HISTOGRAMS : 0u) | (process->alive ? TARE_READ_LIVE : 0u) |
                     (live->stays ? TARE_READ_STAYS : 0u);
    int error = tare_page_reader_read(process->reader, flags, &view, what, sizeof(what));
    double at_ns = tare__live_clock_ns(CLOCK_MONOTONIC);
    process->failed = false;
    if (error != 0) {
        tare_page_view_release(&view);
        /* While it is being built, there is nothing to complain about. */
        tare__live_process_fail(process, error == -EAGAIN                      ? ""
                                         : error == -ENOMEM || what[0] == '\0' ? strerror(-error)
                                                                               : what);
        return;
    }
    tare_page_view_release(&process->view);
    process->view = view;
    process->has_view = process->fresh = true;
    error = take_view(live, process, at_ns);
    if (error != 0) {
        process->now.at_ns = 0; /* not to be kept: it is not whole */
        process->has_view = false;
        tare__live_process_fail(process, strerror(-error));
    }
}

static double resident_bytes(pid_t pid)
{
    char path[64], text[128];
    unsigned long long pages;
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    if (size <= 0) {
        return NAN;
    }
    text[size] = '\0';
    return sscanf(text, "%*u %llu", &pages) == 1 ? (double)pages * (double)sysconf(_SC_PAGESIZE) : NAN;
}

static uint64_t thread_count(pid_t pid)
{
    uint64_t threads = tare_process_threads(pid);
    return threads != 0 ? threads : TARE_COUNT_UNKNOWN;
}

static int fill_threads(struct tare__arena *arena, const struct tare_page_view *view,
                        struct tare_process_figures *out)
{
    out->thread_list = tare__arena_take(arena, view->thread_count * sizeof(*out->thread_list));
    if (out->thread_list == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < view->thread_count; i++) {
        const struct tare_page_thread *from = &view->threads[i];
        struct tare_result_thread *to = &out->thread_list[i];
        *to = (struct tare_result_thread){.tid = from->tid, .ended = from->ended || !out->alive};
        memcpy(to->name, from->name, sizeof(to->name));
        out->threads += !to->ended;
    }
    out->thread_list_count = view->thread_count;
    return 0;
}

static int fill_instruments(struct tare__live_process *process, const struct tare__past *earlier,
                            struct tare_process_figures *out)
{
    const struct tare_page_view *view = &process->view;
    struct tare_anchor now = tare__clock_anchor(view->header.clock);
    struct tare__figures figures = {
        .arena = &process->arena,
        .model = tare_page_cost_model(&view->header,
                                      process->alive && view->header.clock < TARE_CLOCK_CLOCK ? &now : NULL),
        .origin_ticks = view->header.first.ticks,
        .threads = view->threads,
        .end_ticks = view->end_ticks,
        .window_ns = earlier != NULL ? process->now.at_ns - earlier->at_ns : NAN,
        .now = &process->now,
        .earlier = earlier,
        .switched = process->switches,
        .switched_count = process->switch_count,
    };
    double since_ns = (double)(int64_t)(view->read_ticks - figures.origin_ticks) * figures.model.tick_ns;
    if (process->alive && view->read_ticks != 0 && isfinite(since_ns)) {
        process->origin_ns = process->now.at_ns - since_ns;
    }
    size_t count = process->now.count, t = 0, i = 0;
    out->instruments = tare__arena_take(&process->arena, count * sizeof(*out->instruments));
    if (out->instruments == NULL) {
        return -ENOMEM;
    }
    for (size_t at = 0; at < count; at++) {
        bool is_timer = process->now.instruments[at].kind == TARE_KIND_TIMER;
        const struct tare_page_timer *timer = is_timer ? &view->timers[t++] : NULL;
        const struct tare_page_instrument *instrument = is_timer ? NULL : &view->instruments[i++];
        int error = tare__figures_of(&figures, timer, instrument, at, &out->instruments[at]);
        if (error != 0) {
            return error;
        }
        out->instruments[at].id = process->id << 20 | process->now.instruments[at].index;
    }
    out->instrument_count = count;
    out->window_ns = figures.window_ns;
    if (view->header.grain_ticks != 0) {
        out->clock_step_ns = (double)view->header.grain_ticks * figures.model.tick_ns;
    }
    return tare__derived_fill(&process->arena, out);
}

int tare__live_process_fill(struct tare_live *live, struct tare__live_process *process)
{
    struct tare_process_figures *out = &process->figures;
    const struct tare_page *header = &process->view.header;
    tare__arena_clear(&process->arena);
    const struct tare__past *earlier = process->fresh ? find_past(live, process) : NULL;
    *out = (struct tare_process_figures){
        .id = process->id,
        .pid = process->pid,
        .name = process->name,
        .executable = (char *)(uintptr_t)process->view.executable,
        .command = process->command,
        .started = process->started[0] != '\0' ? process->started : NULL,
        .alive = process->alive,
        .age_ns = NAN,
        .window_ns = NAN,
        .cpu_total_ns = process->cpu_ns,
        .cpu_share = NAN,
        .measuring_share = NAN,
        .clock_step_ns = NAN,
        .resident_bytes = process->alive ? resident_bytes(process->pid) : NAN,
        .process_threads = process->alive ? thread_count(process->pid) : TARE_COUNT_UNKNOWN,
        .lost_instruments = header->lost_instruments,
        .lost_threads = header->lost_threads,
        .lost_scopes = header->lost_scopes,
        .dropped_scopes = header->dropped_scopes,
        .lost_extras = header->lost_extras,
        .clock = (char *)(uintptr_t)tare__clock_name(header->clock),
    };
    if (earlier != NULL) {
        out->cpu_share = (process->now.cpu_ns - earlier->cpu_ns) / (process->now.at_ns - earlier->at_ns);
    }
    int error = fill_threads(&process->arena, &process->view, out);
    error = error != 0 ? error : fill_instruments(process, earlier, out);
    if (error == 0 && earlier != NULL) {
        out->measuring_share = tare__measuring_share(out);
    }
    return error;
}
