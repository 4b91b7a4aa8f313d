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

#include "cli/start.h"
#include "record/monotonic.h"
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
        .sampler = pass->sampler,
        .page = number,
        .pass = pass->number,
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
    tare_sampler_forget(pass->sampler, number);
    pass->added[number] = true;
    return failure;
}

/*
 * Pages of processes that have ended are read, and their memory is given back. What fails is for run_pass() to
 * say: the program runs on.
 */
static void add_ended(struct pass *pass, uint64_t count)
{
    for (uint64_t i = pass->added_below; i < count; i++) {
        if (!pass->added[i] && tare_page_set_ended(&pass->set, i)) {
            int failure = add_page(pass, i, NULL);
            pass->failure = pass->failure != 0 ? pass->failure : failure;
        }
    }
    while (pass->added_below < count && pass->added[pass->added_below]) {
        pass->added_below++;
    }
}

/* It was moved before it was the program: to where it is pinned to, or when it called exec. */
static void watch_start(struct pass *pass)
{
    if (!pass->watched) {
        tare_migrations_begin(&pass->run->watch->migrations, pass->outcome->pid);
        pass->watched = true;
    }
}

/* The program itself, and those who have a page: nobody else's moves are in the figures. */
static void watch_processes(struct pass *pass, uint64_t count)
{
    enum { PROCESSES_MAX = 16 };
    pid_t own = pass->outcome->pid, pids[PROCESSES_MAX] = {own};
    size_t found = 1;
    watch_start(pass);
    for (uint64_t i = pass->added_below; i < count && found < PROCESSES_MAX; i++) {
        pid_t pid = !pass->added[i] ? tare_page_set_live_pid(&pass->set, i) : 0;
        if (pid != 0 && pid != own) {
            pids[found++] = pid;
        }
    }
    watch_look(pass->run->watch, pids, found);
}

/* The kernel still has what it counted. */
static void watch_ending(void *data)
{
    struct pass *pass = data;
    watch_start(pass);
    watch_last_look(pass->run->watch, &pass->outcome->pid, 1);
}

/* While the program runs: live pages are looked at now and then, and those that are left are added up. */
static uint64_t poll_pages(void *data)
{
    struct pass *pass = data;
    uint64_t lost, count = tare_page_set_count(&pass->set, &lost);
    uint64_t now_ns = tare__monotonic_ns();
    if (now_ns >= pass->search_ns) {
        add_ended(pass, count);
        watch_processes(pass, count);
        now_ns = tare__monotonic_ns();
        pass->search_ns = now_ns + WATCH_NS;
    }
    bool sample = tare_sampler_is_due(pass->sampler, now_ns), ask = tare_ask_is_due(&pass->ask, now_ns);
    for (uint64_t i = pass->added_below; i < count && (sample || ask); i++) {
        if (pass->added[i]) {
            continue;
        }
        struct tare_page_source source = tare_page_set_source(&pass->set, i);
        if (sample) {
            tare_sampler_poll(pass->sampler, i, &source, now_ns);
        }
        if (ask) {
            tare_page_ask_calibration(&source);
        }
    }
    uint64_t search_in_ns = pass->search_ns - now_ns, look_in_ns = tare_sampler_wait_ns(pass->sampler, now_ns);
    return look_in_ns < search_in_ns ? look_in_ns : search_in_ns;
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

char *run_settings(const struct run *run)
{
    const char *clock = run->clock != NULL ? run->clock : getenv("TARE_CLOCK");
    const char *histograms = getenv("TARE_HISTOGRAM");
    uint32_t kind = clock != NULL ? tare__clock_parse(clock) : TARE_CLOCK_NONE;
    if (!tare__clock_usable(kind)) {
        kind = tare__clock_default();
    }
    bool sums_only = run->no_histogram ||
                     (histograms != NULL && (strcmp(histograms, "off") == 0 || strcmp(histograms, "0") == 0));
    char pin[16] = "no", *settings;
    if (run->pin >= 0) {
        snprintf(pin, sizeof(pin), "%d", run->pin);
    }
    /* Only where they are asked for: so results of before can be compared with those of now. */
    char *functions = NULL;
    if (run->functions_asked_for &&
        asprintf(&functions, " functions=%s functions-min-size=%lu",
                 run->functions_globs != NULL ? run->functions_globs : "*", run->functions_min_size) < 0) {
        return NULL;
    }
    int written = asprintf(&settings, "clock=%s histograms=%s libc=%s exclusive=%s pin=%s only=%s%s",
                           tare__clock_name(kind), sums_only ? "no" : "yes", run->libc ? "yes" : "no",
                           run->exclusive ? "yes" : "no", pin, run->only != NULL ? run->only : "*",
                           functions != NULL ? functions : "");
    free(functions);
    return written < 0 ? NULL : settings;
}

/* The environment of the program, as start_variables() makes it. */
static bool make_variables(const struct pass *pass, const char *enable, char *set[START_VARIABLES_MAX])
{
    const struct run *run = pass->run;
    char address[TARE_SET_ADDRESS], table[TARE_FUNCTIONS_ADDRESS];
    tare_page_set_address(&pass->set, address);
    if (run->functions.fd >= 0) {
        tare_functions_address(&run->functions, table);
    }
    return start_variables(
        &(struct start){
            .page = address,
            .enable = enable,
            .clock = run->clock,
            .lock = run->lock.held ? run->lock.mark : NULL,
            .preload = run->preload,
            .functions = run->functions.fd >= 0 ? table : NULL,
            .no_histogram = run->no_histogram,
            .timers = run->timers,
        },
        set);
}

/* Makes what the pass needs, and `set` as make_variables() does. False after an error was printed. */
static bool begin_pass(struct pass *pass, const char *enable, struct tare_outcome *outcome,
                       char *set[START_VARIABLES_MAX])
{
    pass->added = calloc(pass->set.max, sizeof(*pass->added));
    pass->added_below = 0;
    pass->search_ns = 0;
    pass->ask = (struct tare_ask_times){0};
    pass->number++;
    pass->outcome = outcome;
    pass->watched = false;
    pass->failure = 0;
    pass->sampler = tare_sampler_new(tare__monotonic_ns());
    if (pass->added == NULL || pass->sampler == NULL || !make_variables(pass, enable, set)) {
        error("out of memory");
        return false;
    }
    return true;
}

/* Returns 0, or an exit code after an error was printed. */
static int run_program(struct pass *pass, char *const *set, bool later, struct tare_outcome *outcome)
{
    const struct run *run = pass->run;
    if (later && run->input_offset >= 0) {
        lseek(STDIN_FILENO, run->input_offset, SEEK_SET);
    }
    const struct tare_spawn spawn = {
        .path = run->path,
        .argv = run->argv,
        .set = (const char *const *)set,
        .unset = start_unset,
        .pin_cpu = run->pin,
        .timeout_s = run->timeout_s,
        .quiet = later,
        .mask = &run->mask,
        .no_input = later && run->input_offset < 0,
        .poll = poll_pages,
        .ending = watch_ending,
        .stop = stop_children,
        .data = pass,
    };
    bool not_started;
    int failure = tare_spawn_run(&spawn, outcome, &not_started);
    if (failure == 0) {
        return 0;
    }
    return start_failed(run->argv[0], failure, not_started);
}

/* Adds what is left. Returns 0, or an exit code after an error was printed. */
static int add_pages(struct pass *pass, const struct tare_outcome *outcome)
{
    uint64_t lost, count = tare_page_set_count(&pass->set, &lost);
    uint64_t own = last_page_of(pass, outcome->pid, count);
    int failure = pass->failure;
    pass->result->lost_processes += lost;
    for (uint64_t i = 0; i < count && failure == 0; i++) {
        if (!pass->added[i]) {
            failure = add_page(pass, i, i == own ? outcome : NULL);
        }
    }
    pass->result->lost_processes += pass->unreadable;
    pass->unreadable = 0;
    if (failure != 0) {
        error("out of memory");
    }
    return failure != 0 ? EXIT_RUN_FAILURE : 0;
}

int run_pass(struct pass *pass, const char *enable, bool later, struct tare_outcome *outcome)
{
    char *set[START_VARIABLES_MAX] = {NULL};
    int code = EXIT_RUN_FAILURE;
    if (!start_make_pages(&pass->set, pass->run->timers)) {
        return EXIT_RUN_FAILURE;
    }
    if (!begin_pass(pass, enable, outcome, set)) {
        goto out;
    }
    code = run_program(pass, set, later, outcome);
    if (code == 0) {
        code = add_pages(pass, outcome);
    }
out:
    start_variables_free(set);
    tare_sampler_free(pass->sampler);
    pass->sampler = NULL;
    free(pass->added);
    pass->added = NULL;
    tare_page_set_close(&pass->set);
    return code;
}
