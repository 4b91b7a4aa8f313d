/* SPDX-License-Identifier: MIT */
/*
 * `tare attach`: read a live process, and switch its instruments for a while. Switching is a byte stored into
 * the page's control, which the next scope sees; what was changed is put back on every way out that leaves us a
 * chance.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/overhead.h"
#include "cli/pages.h"
#include "cli/watch.h"
#include "record/ask.h"
#include "record/discover.h"
#include "record/monotonic.h"
#include "record/sampler.h"
#include "record/switch.h"
#include "result/collect.h"
#include "result/figures.h"
#include "runtime/clock.h"

enum { OPTION_ENABLE = 1, OPTION_DISABLE, OPTION_FOR };

static const struct option_spec options[] = {
    {OPTION_ENABLE, '\0', "enable", "GLOB", "enable instruments whose module::name matches; may be given again",
     NULL},
    {OPTION_DISABLE, '\0', "disable", "GLOB",
     "disable instruments that match; may be given again; applied after --enable", NULL},
    {OPTION_FOR, '\0', "for", "SECONDS",
     "show what is counted in this time; without it: until Ctrl-C, if anything is switched", NULL},
    OVERHEAD_OPTION,
    LOCK_OPTION,
    OUTPUT_OPTIONS,
    KEEP_RESULT_OPTION,
    {0},
};

struct attach {
    struct output output;
    char *enable, *disable; /* patterns joined by commas, or NULL */
    double for_s;           /* 0: not given */
    double max_overhead;    /* percent; NAN: not given */
    double cpu_ns;          /* of the process, while what is shown was counted; NAN: unknown */
    pid_t pid;
    bool locked;
    struct tare_lock lock;
    struct tare_sampler *sampler; /* of the targets, numbered as they are; NULL: nothing is switched */
    struct watch *watch;          /* NULL: the same */
    struct tare_ask_times ask;
};

/* One page of the process, with what we changed in it. */
struct target {
    int fd;
    struct tare_page_source source;
    struct tare_page_view before;
    uint8_t *changed; /* by index in the page: 1 where we stored the opposite of what was there */
};

static bool join(char **list, const char *glob)
{
    char *joined = NULL;
    if (*glob == '\0' ||
        asprintf(&joined, "%s%s%s", *list != NULL ? *list : "", *list != NULL ? "," : "", glob) < 0) {
        return false;
    }
    free(*list);
    *list = joined;
    return true;
}

static int handle_option(void *data, int id, const char *value)
{
    struct attach *attach = data;
    switch (id) {
    case OPTION_ENABLE:
    case OPTION_DISABLE:
        if (!join(id == OPTION_ENABLE ? &attach->enable : &attach->disable, value)) {
            error("--%s needs a pattern", id == OPTION_ENABLE ? "enable" : "disable");
            return EXIT_TROUBLE;
        }
        return 0;
    case OPTION_FOR:
        return parse_seconds("--for", value, &attach->for_s) ? 0 : EXIT_TROUBLE;
    case OPTION_MAX_OVERHEAD:
        return parse_percent("--max-overhead", value, &attach->max_overhead) ? 0 : EXIT_TROUBLE;
    case OPTION_LOCK:
        attach->locked = true;
        return 0;
    default:
        return output_option(&attach->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
    }
}

/* What can be switched: a timer, or an instrument of another kind. */
struct switchable {
    const char *module, *name;
    uint32_t index;
    bool timer, enabled;
};

static size_t switchable_count(const struct target *target)
{
    return target->before.timer_count + target->before.instrument_count;
}

static struct switchable switchable_at(const struct target *target, size_t i)
{
    if (i < target->before.timer_count) {
        const struct tare_page_timer *timer = &target->before.timers[i];
        return (struct switchable){timer->module, timer->name, timer->index, true, timer->enabled};
    }
    const struct tare_page_instrument *other = &target->before.instruments[i - target->before.timer_count];
    return (struct switchable){other->module, other->name, other->index, false, other->enabled};
}

/* Names of what is no timer are written with a dot, but the other spelling will do, too. */
static bool matches(const char *globs, const struct switchable *it)
{
    if (globs == NULL || globs_match(globs, it->module, it->name)) {
        return globs != NULL;
    }
    char *full = NULL, *list = !it->timer ? strdup(globs) : NULL;
    bool match = false;
    if (list != NULL && asprintf(&full, "%s.%s", it->module, it->name) >= 0) {
        char *rest = list;
        for (char *glob = strsep(&rest, ","); glob != NULL && !match; glob = strsep(&rest, ",")) {
            match = *glob != '\0' && fnmatch(glob, full, 0) == 0;
        }
        free(full);
    }
    free(list);
    return match;
}

/* `timers_only`: the pattern is ours, and means what is off unless somebody asks for it. */
static int switch_instruments(const struct attach *attach, struct target *target, const char *enable,
                              bool timers_only, size_t *enabled_matches, size_t *disabled_matches)
{
    for (size_t i = 0; i < switchable_count(target); i++) {
        const struct switchable it = switchable_at(target, i);
        bool wanted = it.enabled;
        if ((it.timer || !timers_only) && matches(enable, &it)) {
            wanted = true;
            (*enabled_matches)++;
        }
        if (matches(attach->disable, &it)) {
            wanted = false;
            (*disabled_matches)++;
        }
        if (wanted != it.enabled) {
            int failure = tare_page_switch(&target->source, &target->before.header, it.index, wanted);
            if (failure != 0) {
                error("cannot switch instruments of process %d: %s", (int)attach->pid, strerror(-failure));
                return failure;
            }
            target->changed[it.index] = 1;
        }
    }
    return 0;
}

static void put_back(struct target *target)
{
    for (size_t i = 0; i < switchable_count(target); i++) {
        const struct switchable it = switchable_at(target, i);
        if (target->changed[it.index]) {
            tare_page_switch(&target->source, &target->before.header, it.index, it.enabled);
        }
    }
}

/* What all threads of a process have taken of processors so far; NAN if it cannot be known (any more). */
static double processor_time_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) {
        return NAN;
    }
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

enum why { TIME_IS_UP, PROCESS_ENDED, INTERRUPTED };

/* Looks at the pages, if it is time to; returns when it will be, in ms from now. */
static int look_at(struct attach *attach, const struct target *targets, size_t count)
{
    uint64_t now_ns = tare__monotonic_ns();
    if (tare_ask_is_due(&attach->ask, now_ns)) {
        for (size_t i = 0; i < count; i++) {
            tare_page_ask_calibration(&targets[i].source);
        }
    }
    if (tare_sampler_is_due(attach->sampler, now_ns)) {
        for (size_t i = 0; i < count; i++) {
            tare_sampler_poll(attach->sampler, i, &targets[i].source, now_ns);
        }
    }
    uint64_t wait_ms = tare_sampler_wait_ns(attach->sampler, now_ns) / 1000000 + 1;
    return wait_ms < 1000 ? (int)wait_ms : 1000;
}

/* Waits for the time to be up, if there is one, the end of the process, or a signal to us. */
static enum why wait_for(struct attach *attach, int signals, const struct target *targets, size_t count)
{
    int process = (int)syscall(SYS_pidfd_open, attach->pid, 0);
    uint64_t start_ns = tare__monotonic_ns(), shown_ns = 0, watched_ns = start_ns;
    enum why why = TIME_IS_UP;
    for (;;) {
        uint64_t now_ns = tare__monotonic_ns();
        double elapsed_s = (double)(now_ns - start_ns) / 1e9;
        double left_s = attach->for_s > 0 ? attach->for_s - elapsed_s : 1;
        if (left_s <= 0) {
            break;
        }
        if (shown_ns == 0 || now_ns - shown_ns >= 1000000000) {
            shown_ns = now_ns;
            if (attach->for_s > 0) {
                progress("measuring process %d, %.0f s left", (int)attach->pid, left_s);
            } else {
                progress("measuring process %d for %.0f s, Ctrl-C ends it", (int)attach->pid, elapsed_s);
            }
        }
        if (now_ns - watched_ns >= WATCH_NS) {
            watched_ns = now_ns;
            watch_look(attach->watch, &attach->pid, 1);
        }
        struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = process, .events = POLLIN}};
        int look_ms = look_at(attach, targets, count);
        int slice_ms = left_s < 1 ? (int)(left_s * 1000) + 1 : 1000;
        int ready = poll(fds, process >= 0 ? 2 : 1, look_ms < slice_ms ? look_ms : slice_ms);
        if (ready > 0 && fds[0].revents != 0) {
            why = INTERRUPTED;
            break;
        }
        if (ready > 0 || (process < 0 && !tare_process_alive(attach->pid, 0))) {
            why = PROCESS_ENDED;
            break;
        }
    }
    watch_last_look(attach->watch, &attach->pid, 1);
    progress_clear();
    if (process >= 0) {
        close(process);
    }
    return why;
}

/* Reads what there is before anything is switched; if something will be, while nobody else switches. */
static int read_before(const struct attach *attach, struct target *target, bool switching)
{
    int failure = pages_read(&target->source, &target->before, "the process's page");
    if (failure == 0 && switching) {
        failure = tare_page_lock(&target->source, &target->before.header);
        if (failure == -EBUSY) {
            error("another tare is switching the timers of process %d: wait until it is done",
                  (int)attach->pid);
            return failure;
        }
        tare_page_view_release(&target->before); /* it may have been another's switching that we read */
        failure = pages_read(&target->source, &target->before, "the process's page");
    }
    if (failure == 0) {
        target->changed = calloc((size_t)target->before.header.instrument_count + 1, 1);
        if (target->changed == NULL) {
            error("out of memory");
            failure = -ENOMEM;
        }
    }
    return failure;
}

static int open_targets(const struct attach *attach, struct target **targets, size_t *count)
{
    struct tare_found_page *pages = NULL;
    size_t found = 0, denied = 0;
    int failure = tare_discover(attach->pid, &pages, &found, &denied);
    if (failure == 0 && found == 0) {
        failure = kill(attach->pid, 0) != 0 && errno == ESRCH ? -ESRCH : denied != 0 ? -EACCES : -ENOENT;
    }
    if (failure != 0) {
        error(failure == -ENOENT
                  ? "process %d has no page: it does not use libtare, or was started with TARE=off"
                  : "cannot look into process %d: %s",
              (int)attach->pid, strerror(-failure));
        free(pages);
        return failure;
    }
    *targets = calloc(found, sizeof(**targets));
    bool switching = attach->enable != NULL || attach->disable != NULL || attach->for_s > 0;
    for (size_t i = 0; *targets != NULL && i < found; i++) {
        struct target *target = &(*targets)[*count];
        target->fd = open(pages[i].path, (switching ? O_RDWR : O_RDONLY) | O_CLOEXEC);
        target->source = (struct tare_page_source){target->fd, pages[i].offset, pages[i].limit};
        if (target->fd < 0) {
            error("cannot open the page of process %d: %s", (int)attach->pid, strerror(errno));
            failure = -EACCES;
            break;
        }
        (*count)++;
        failure = read_before(attach, target, switching);
        if (failure != 0) {
            break;
        }
    }
    free(pages);
    return *targets == NULL ? -ENOMEM : failure;
}

static void close_targets(struct target *targets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tare_page_view_release(&targets[i].before);
        free(targets[i].changed);
        close(targets[i].fd);
    }
    free(targets);
}

/* What to enable where only a time was given, and nothing is enabled: everything. */
static const char *what_to_enable(const struct attach *attach, const struct target *targets, size_t count)
{
    if (attach->enable != NULL || attach->disable != NULL || attach->for_s <= 0) {
        return attach->enable;
    }
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < targets[t].before.timer_count; i++) {
            if (targets[t].before.timers[i].enabled) {
                return NULL;
            }
        }
    }
    return "*";
}

static void complain_of(const struct attach *attach, const struct target *targets, size_t count,
                        const char *glob)
{
    enum { NAMES_MAX = 256 };
    char *names[NAMES_MAX];
    size_t found = 0;
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < switchable_count(&targets[t]) && found < NAMES_MAX; i++) {
            const struct switchable it = switchable_at(&targets[t], i);
            found += asprintf(&names[found], "%s%s%s", it.module, it.timer ? "::" : ".", it.name) >= 0;
        }
    }
    const char *near = suggest(glob, (const char *const *)names, found);
    if (near != NULL) {
        error("no instrument of process %d matches '%s': did you mean '%s'?", (int)attach->pid, glob, near);
    } else {
        error("no instrument of process %d matches '%s': 'tare attach %d --all' shows their names",
              (int)attach->pid, glob, (int)attach->pid);
    }
    while (found > 0) {
        free(names[--found]);
    }
}

/* Switches, waits, and switches back. Returns false after an error. */
static bool run_window(struct attach *attach, struct target *targets, size_t count, enum why *why)
{
    sigset_t set;
    sigemptyset(&set);
    const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        sigaddset(&set, ends[i]);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    const char *enable = what_to_enable(attach, targets, count);
    double before_ns = processor_time_ns(attach->pid);
    size_t enabled = 0, disabled = 0;
    bool fine = signals >= 0;
    for (size_t i = 0; i < count && fine; i++) {
        fine =
            switch_instruments(attach, &targets[i], enable, attach->enable == NULL, &enabled, &disabled) == 0;
    }
    const char *idle = attach->enable != NULL && enabled == 0     ? attach->enable
                       : attach->disable != NULL && disabled == 0 ? attach->disable
                                                                  : NULL;
    if (fine && idle != NULL) {
        complain_of(attach, targets, count, idle);
        fine = false;
    }
    uint64_t now_ns = tare__monotonic_ns();
    for (size_t i = 0; i < count && fine; i++) {
        fine = tare_sampler_begin(attach->sampler, i, &targets[i].before, now_ns) == 0;
        if (!fine) {
            error("out of memory");
        }
    }
    if (fine) {
        *why = wait_for(attach, signals, targets, count);
    }
    for (size_t i = 0; i < count; i++) {
        put_back(&targets[i]);
    }
    attach->cpu_ns = processor_time_ns(attach->pid) - before_ns;
    close(signals);
    return fine;
}

/*
 * The process was started by somebody else: which of its timers were enabled when, what it was pinned to or had
 * preloaded, we cannot know, and "attached" stands for that. NULL after an error was printed.
 */
static struct tare_result *begin(const struct attach *attach, const struct target *target, bool window)
{
    const struct tare_page *header = &target->before.header;
    struct tare_result *result = result_begin("attach", NULL);
    char *settings = NULL;
    if (result != NULL &&
        asprintf(&settings, "attached clock=%s histograms=%s window=%s enable=%s disable=%s",
                 tare__clock_name(header->clock), (header->flags & TARE_PAGE_HISTOGRAMS) != 0 ? "yes" : "no",
                 window ? "yes" : "no", attach->enable != NULL ? attach->enable : "-",
                 attach->disable != NULL ? attach->disable : "-") < 0) {
        error("out of memory");
        settings = NULL;
    }
    if (settings == NULL || !result_fingerprint(result, settings)) {
        tare_result_free(result);
        result = NULL;
    }
    free(settings);
    return result;
}

/* Begins the watch, and counts for as long as was asked for. */
static bool measure_window(struct attach *attach, struct watch *watch, struct target *targets, size_t count,
                           enum why *why)
{
    attach->sampler = tare_sampler_new(tare__monotonic_ns());
    if (attach->sampler == NULL) {
        error("out of memory");
        return false;
    }
    if (!watch_begin(watch, -1)) {
        return false;
    }
    attach->watch = watch;
    tare_migrations_begin(&watch->migrations, attach->pid);
    return run_window(attach, targets, count, why);
}

/* What the targets have counted, since the window began if there was one. False after an error was printed. */
static bool add_targets(struct attach *attach, struct tare_collector *collector, const struct target *targets,
                        size_t count)
{
    bool window = attach->watch != NULL;
    for (size_t i = 0; i < count; i++) {
        if (pages_add(collector, &targets[i].source, window ? &targets[i].before : NULL, attach->sampler, i,
                      "the process's page") != 0) {
            return false;
        }
    }
    if (!window) {
        attach->cpu_ns = processor_time_ns(attach->pid);
    }
    return true;
}

/* What else is to be said of it. False after an error was printed. */
static bool finish(const struct attach *attach, struct tare_result *result, struct tare_collector *collector,
                   enum why why)
{
    if (attach->watch != NULL && !watch_tell(attach->watch, result)) {
        return false;
    }
    if (attach->watch != NULL) {
        tare_result_note(result, "counted while tare was attached; extremes of that time are not known");
    }
    result->incomplete = why == INTERRUPTED && attach->for_s > 0;
    if (why == PROCESS_ENDED) {
        tare_result_note(result, "the process ended meanwhile");
    }
    if (tare_collector_finish(collector) != 0) {
        error("out of memory");
        return false;
    }
    tare_result_measuring(result, attach->cpu_ns);
    return true;
}

static int attach_to(struct attach *attach, char *const *operands)
{
    struct target *targets = NULL;
    size_t count = 0;
    struct tare_result *result = NULL;
    struct tare_collector *collector = NULL;
    struct watch watch;
    enum why why = TIME_IS_UP;
    int code = EXIT_TROUBLE;
    bool window = attach->enable != NULL || attach->disable != NULL || attach->for_s > 0;
    /*
     * Before the first reading, from which on things count; what was counted so far is disturbed by nobody
     * now.
     */
    if (attach->locked && window && !measurement_lock(&attach->lock, "attach", operands)) {
        return EXIT_TROUBLE;
    }
    if (open_targets(attach, &targets, &count) != 0 ||
        (window && !measure_window(attach, &watch, targets, count, &why))) {
        goto out;
    }
    result = begin(attach, targets, window);
    collector = result != NULL ? tare_collector_new(result) : NULL;
    if (collector == NULL || !add_targets(attach, collector, targets, count)) {
        goto out;
    }
    tare_lock_release(&attach->lock); /* nobody need wait for our output */
    if (finish(attach, result, collector, why) && output_write(&attach->output, result) &&
        overhead_judge(result, attach->max_overhead) && keep_result(&attach->output, result)) {
        code = EXIT_FINE;
    }
out:
    tare_lock_release(&attach->lock);
    if (attach->watch != NULL) {
        watch_end(attach->watch);
    }
    tare_sampler_free(attach->sampler);
    tare_collector_free(collector);
    tare_result_free(result);
    close_targets(targets, count);
    return code;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct attach attach = {.max_overhead = NAN, .cpu_ns = NAN};
    output_init(&attach.output);
    int code = EXIT_TROUBLE;
    int first = options_parse(command, argc, argv, handle_option, &attach, &code);
    if (first >= 0) {
        unsigned long pid = 0;
        code = EXIT_TROUBLE;
        if (first + 1 != argc) {
            error("%s: tare attach PID [options]",
                  first == argc ? "no process given" : "one process at a time");
        } else if (parse_count("a process id", argv[first], 1, 1ul << 22, &pid) &&
                   output_check(&attach.output)) {
            attach.pid = (pid_t)pid;
            code = attach_to(&attach, argv + first);
        }
    }
    free(attach.enable);
    free(attach.disable);
    return code;
}

const struct command command_attach = {
    .name = "attach",
    .operands = "PID",
    .summary = "read a live process, and switch its timers for a while",
    .options = options,
    .details = "Without --enable, --disable or --for: what was counted so far. With one of them:\n"
               "what is counted from now until the time is up, the process ends, or Ctrl-C; then\n"
               "everything is switched back. With --for alone, where no timer is enabled, all\n"
               "timers are. Counters and other instruments match as module.name, too.\n\n"
               "Exit code: 0, or 2 for a wrong command line, a process that cannot be read, or\n"
               "more than --max-overhead allows.\n\n"
               "Examples:\n"
               "  tare attach 4711\n"
               "  tare attach 4711 --enable 'fdtables::*' --for 10\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
