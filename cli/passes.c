/* SPDX-License-Identifier: MIT */
/*
 * The program and all its children find the set of pages in TARE_PAGE; whoever ends is read and added up while
 * the others run, so that a build of ten thousand processes takes the memory of those that run at one time.
 */
#include "cli/passes.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/clock.h"

static enum tare_end end_of(const struct pass *pass, uint64_t number)
{
    return tare_page_set_live_pid(&pass->set, number) != 0 ? TARE_END_RUNNING : TARE_END_UNKNOWN;
}

/*
 * The page of the program itself that was made last: those before it were left behind by exec. UINT64_MAX:
 * none.
 */
static uint64_t last_page_of(const struct pass *pass, pid_t pid, uint64_t count)
{
    for (uint64_t i = count; i > 0; i--) {
        struct tare_page_source source = tare_page_set_source(&pass->set, i - 1);
        uint32_t owner;
        off_t at = (off_t)(source.offset + offsetof(struct tare_page, pid));
        if (pread(source.fd, &owner, sizeof(owner), at) == (ssize_t)sizeof(owner) && owner == (uint32_t)pid) {
            return i - 1;
        }
    }
    return UINT64_MAX;
}

/* A process that goes on when we are done need not pay for being measured. */
static void switch_off(const struct tare_page_source *source, const struct tare_page_view *view)
{
    const uint8_t off = 0;
    for (size_t i = 0; i < view->timer_count; i++) {
        uint64_t offset =
            view->header.control_offset + (uint64_t)view->timers[i].index * view->header.control_stride;
        if (pwrite(source->fd, &off, 1, (off_t)(source->offset + offset)) != 1) {
            return;
        }
    }
}

/* Reads a page; one whose process is just starting gets a tenth of a second to come to an end with it. */
static int read_patiently(const struct tare_page_source *source, struct tare_page_view *view, char *message,
                          size_t size)
{
    enum { TRIES = 10, PAUSE_NS = 10000000 };
    int failure = -EAGAIN;
    for (int i = 0; i < TRIES && failure == -EAGAIN; i++) {
        failure = tare_page_read(source, TARE_READ_HISTOGRAMS, view, message, size);
        if (failure == -EAGAIN) {
            tare_page_view_release(view);
            nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
        }
    }
    return failure;
}

/*
 * Reads page `number` for the last time and adds it up. `outcome`: how its process ended, if that is the
 * program's own.
 */
static int add_page(struct pass *pass, uint64_t number, const struct tare_outcome *outcome)
{
    struct tare_page_source source = tare_page_set_source(&pass->set, number);
    struct tare_page_view view = {0};
    char message[256];
    bool ended = tare_page_set_ended(&pass->set, number); /* before it is read: what it wrote is in it then */
    int failure = read_patiently(&source, &view, message, sizeof(message));
    if (failure == -ENOMEM) {
        goto out;
    }
    if (failure != 0) {
        if (pass->unreadable++ == 0) {
            snprintf(pass->message, sizeof(pass->message), "%s", message);
        }
        failure = 0;
        goto out;
    }
    struct tare_anchor now = tare__clock_anchor(view.header.clock);
    struct tare_page_context context = {
        .now = view.header.clock < TARE_CLOCK_CLOCK ? &now : NULL,
        .end = ended ? TARE_END_UNKNOWN : end_of(pass, number),
        .keep_process = pass->keep_processes,
        .keep_timers = pass->keep_processes && pass->run->output.view.per_process,
    };
    if (context.end == TARE_END_RUNNING) {
        switch_off(&source, &view);
        pass->still_running++;
    } else if (outcome != NULL) {
        context.end = outcome->end;
        context.code = outcome->code;
    }
    failure = tare_collector_add(pass->collector, &view, &context);
    if (ended) {
        tare_page_set_discard(&pass->set, number);
    }
out:
    tare_page_view_release(&view);
    pass->added[number] = true;
    return failure;
}

/* While the program runs: pages of processes that have ended are read, and their memory is given back. */
static void poll_pages(void *data)
{
    struct pass *pass = data;
    uint64_t lost, count = tare_page_set_count(&pass->set, &lost);
    for (uint64_t i = pass->added_below; i < count; i++) {
        if (!pass->added[i] && tare_page_set_ended(&pass->set, i)) {
            add_page(pass, i, NULL);
        }
    }
    while (pass->added_below < count && pass->added[pass->added_below]) {
        pass->added_below++;
    }
}

static unsigned stop_children(void *data, int signal)
{
    struct pass *pass = data;
    unsigned reached = 0;
    uint64_t lost, count = tare_page_set_count(&pass->set, &lost);
    for (uint64_t i = 0; i < count; i++) {
        reached += !pass->added[i] && tare_page_set_signal(&pass->set, i, signal);
    }
    return reached;
}

enum { VARIABLES_MAX = 8 };

/* The environment of the program: allocated strings in `set`, which the caller frees. */
static bool make_variables(const struct run *run, const struct pass *pass, const char *enable,
                           char *set[VARIABLES_MAX])
{
    char address[TARE_SET_ADDRESS];
    tare_page_set_address(&pass->set, address);
    size_t at = 0;
    bool fine = asprintf(&set[at++], "TARE_PAGE=%s", address) >= 0;
    fine = fine && asprintf(&set[at++], "TARE_ENABLE=%s", enable) >= 0;
    fine = fine && (run->clock == NULL || asprintf(&set[at++], "TARE_CLOCK=%s", run->clock) >= 0);
    fine = fine && (!run->no_histogram || asprintf(&set[at++], "TARE_HISTOGRAM=off") >= 0);
    if (fine && run->preload != NULL) {
        const char *before = getenv("LD_PRELOAD");
        bool any = before != NULL && *before != '\0';
        fine = asprintf(&set[at++], "LD_PRELOAD=%s%s%s", run->preload, any ? ":" : "", any ? before : "") >= 0;
    }
    return fine;
}

/* A variable as the runtime understands it (runtime/config.c); 0: it takes its default. */
static uint32_t room_from_environment(const char *name, uint32_t limit)
{
    const char *text = getenv(name);
    if (text == NULL || *text < '0' || *text > '9') {
        return 0;
    }
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    return *end != '\0' ? 0 : value > limit ? limit : (uint32_t)value;
}

int run_pass(struct pass *pass, const char *enable, bool later, struct tare_outcome *outcome)
{
    const struct run *run = pass->run;
    char *set[VARIABLES_MAX] = {NULL};
    int code = EXIT_RUN_FAILURE;
    int failure = tare_page_set_make(&pass->set, room_from_environment("TARE_TIMERS", TARE_SET_TIMERS_LIMIT),
                                     room_from_environment("TARE_THREADS", TARE_SET_THREADS_LIMIT));
    if (failure != 0) {
        error("cannot make the pages of the run: %s%s", strerror(-failure),
              failure == -EFBIG ? " (see 'ulimit -f': it is not for us to lift)" : "");
        return EXIT_RUN_FAILURE;
    }
    pass->added = calloc(pass->set.max, sizeof(*pass->added));
    pass->added_below = 0;
    if (pass->added == NULL || !make_variables(run, pass, enable, set)) {
        error("out of memory");
        goto out;
    }
    if (later && run->input_offset >= 0) {
        lseek(STDIN_FILENO, run->input_offset, SEEK_SET);
    }
    const struct tare_spawn spawn = {
        .path = run->path,
        .argv = run->argv,
        .set = (const char *const *)set,
        .unset = (const char *const[]){"TARE", NULL},
        .pin_cpu = run->pin,
        .timeout_s = run->timeout_s,
        .quiet = later,
        .mask = &run->mask,
        .no_input = later && run->input_offset < 0,
        .poll = poll_pages,
        .stop = stop_children,
        .data = pass,
    };
    bool not_started;
    failure = tare_spawn_run(&spawn, outcome, &not_started);
    if (failure != 0) {
        /* The file itself was found before. */
        bool interpreter = not_started && failure == -ENOENT;
        error("cannot run '%s': %s", run->argv[0],
              interpreter ? "its interpreter was not found" : strerror(-failure));
        code = !not_started         ? EXIT_RUN_FAILURE
               : failure == -ENOENT ? EXIT_RUN_NOT_FOUND
                                    : EXIT_RUN_NOT_EXECUTABLE;
        goto out;
    }
    uint64_t lost, count = tare_page_set_count(&pass->set, &lost);
    pass->result->lost_processes += lost;
    code = 0;
    uint64_t own = last_page_of(pass, outcome->pid, count);
    for (uint64_t i = 0; i < count && code == 0; i++) {
        if (!pass->added[i] && add_page(pass, i, i == own ? outcome : NULL) != 0) {
            error("out of memory");
            code = EXIT_RUN_FAILURE;
        }
    }
    pass->result->lost_processes += pass->unreadable;
    pass->unreadable = 0;
out:
    for (size_t i = 0; i < VARIABLES_MAX; i++) {
        free(set[i]);
    }
    free(pass->added);
    pass->added = NULL;
    tare_page_set_close(&pass->set);
    return code;
}
