/* SPDX-License-Identifier: MIT */
/*
 * `tare attach`: read a live process, and switch its timers for a while. Switching is a byte stored into the
 * page's control, which the next scope sees; what was changed is put back on every way out that leaves us a
 * chance.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/pages.h"
#include "record/discover.h"
#include "result/collect.h"

enum { OPTION_ENABLE = 1, OPTION_DISABLE, OPTION_FOR };

static const struct option_spec options[] = {
    {OPTION_ENABLE, '\0', "enable", "GLOB", "enable timers whose module::name matches; may be given again",
     NULL},
    {OPTION_DISABLE, '\0', "disable", "GLOB",
     "disable timers that match; may be given again; applied after --enable", NULL},
    {OPTION_FOR, '\0', "for", "SECONDS",
     "show what is counted in this time; without it: until Ctrl-C, if anything is switched", NULL},
    OUTPUT_OPTIONS,
    {0},
};

struct attach {
    struct output output;
    char *enable, *disable; /* patterns joined by commas, or NULL */
    double for_s;           /* 0: not given */
    pid_t pid;
};

/* One page of the process, with what we changed in it. */
struct target {
    int fd;
    struct tare_page_source source;
    struct tare_page_view before;
    uint8_t *changed; /* by timer: 1 where we stored the opposite of what was there */
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
    default:
        return output_option(&attach->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
    }
}

static int store_enabled(const struct target *target, const struct tare_page_timer *timer, bool enabled)
{
    const struct tare_page *header = &target->before.header;
    uint64_t offset =
        target->source.offset + header->control_offset + (uint64_t)timer->index * header->control_stride;
    const uint8_t byte = enabled;
    return pwrite(target->fd, &byte, 1, (off_t)offset) == 1 ? 0 : -errno;
}

static int switch_timers(const struct attach *attach, struct target *target, const char *enable,
                         size_t *enabled_matches, size_t *disabled_matches)
{
    for (size_t i = 0; i < target->before.timer_count; i++) {
        const struct tare_page_timer *timer = &target->before.timers[i];
        bool wanted = timer->enabled;
        if (enable != NULL && globs_match(enable, timer->module, timer->name)) {
            wanted = true;
            (*enabled_matches)++;
        }
        if (attach->disable != NULL && globs_match(attach->disable, timer->module, timer->name)) {
            wanted = false;
            (*disabled_matches)++;
        }
        if (wanted != timer->enabled) {
            int failure = store_enabled(target, timer, wanted);
            if (failure != 0) {
                error("cannot switch timers of process %d: %s", (int)attach->pid, strerror(-failure));
                return failure;
            }
            target->changed[i] = 1;
        }
    }
    return 0;
}

static void put_back(struct target *target)
{
    for (size_t i = 0; i < target->before.timer_count; i++) {
        if (target->changed[i]) {
            store_enabled(target, &target->before.timers[i], target->before.timers[i].enabled);
        }
    }
}

enum why { TIME_IS_UP, PROCESS_ENDED, INTERRUPTED };

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Waits for the time to be up, if there is one, the end of the process, or a signal to us. */
static enum why wait_for(const struct attach *attach, int signals)
{
    int process = (int)syscall(SYS_pidfd_open, attach->pid, 0);
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    enum why why = TIME_IS_UP;
    for (;;) {
        double elapsed_s = seconds_since(&start);
        double left_s = attach->for_s > 0 ? attach->for_s - elapsed_s : 1;
        if (left_s <= 0) {
            break;
        }
        if (attach->for_s > 0) {
            progress("measuring process %d, %.0f s left", (int)attach->pid, left_s);
        } else {
            progress("measuring process %d for %.0f s, Ctrl-C ends it", (int)attach->pid, elapsed_s);
        }
        struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = process, .events = POLLIN}};
        const double slice_s = left_s < 1 ? left_s : 1;
        int ready = poll(fds, process >= 0 ? 2 : 1, (int)(slice_s * 1000) + 1);
        if (ready > 0 && fds[0].revents != 0) {
            why = INTERRUPTED;
            break;
        }
        if (ready > 0 || (process < 0 && !tare_process_alive(attach->pid, 0))) {
            why = PROCESS_ENDED;
            break;
        }
    }
    progress_clear();
    if (process >= 0) {
        close(process);
    }
    return why;
}

/* Two that switch one process would each put back what the other had set: one at a time. */
static int lock_controls(const struct attach *attach, const struct target *target)
{
    const struct tare_page *header = &target->before.header;
    struct flock lock = {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = (off_t)(target->source.offset + header->control_offset),
        .l_len = (off_t)((uint64_t)header->instrument_max * header->control_stride),
    };
    if (fcntl(target->fd, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES)) {
        error("another tare is switching the timers of process %d: wait until it is done", (int)attach->pid);
        return -EBUSY;
    }
    return 0; /* a file system without locks is no reason to refuse */
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
        failure = pages_read(&target->source, &target->before, "the process's page");
        if (failure != 0) {
            break;
        }
        target->changed = calloc(target->before.timer_count + 1, 1);
        if (target->changed == NULL) {
            failure = -ENOMEM;
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
        for (size_t i = 0; i < targets[t].before.timer_count && found < NAMES_MAX; i++) {
            const struct tare_page_timer *timer = &targets[t].before.timers[i];
            found += asprintf(&names[found], "%s::%s", timer->module, timer->name) >= 0;
        }
    }
    const char *near = suggest(glob, (const char *const *)names, found);
    if (near != NULL) {
        error("no timer of process %d matches '%s': did you mean '%s'?", (int)attach->pid, glob, near);
    } else {
        error("no timer of process %d matches '%s': 'tare attach %d --all' shows their names", (int)attach->pid,
              glob, (int)attach->pid);
    }
    while (found > 0) {
        free(names[--found]);
    }
}

/* Switches, waits, and switches back. Returns false after an error. */
static bool run_window(const struct attach *attach, struct target *targets, size_t count, enum why *why)
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
    size_t enabled = 0, disabled = 0;
    bool fine = signals >= 0;
    for (size_t i = 0; i < count && fine; i++) {
        fine = lock_controls(attach, &targets[i]) == 0 &&
               switch_timers(attach, &targets[i], enable, &enabled, &disabled) == 0;
    }
    const char *idle = attach->enable != NULL && enabled == 0     ? attach->enable
                       : attach->disable != NULL && disabled == 0 ? attach->disable
                                                                  : NULL;
    if (fine && idle != NULL) {
        complain_of(attach, targets, count, idle);
        fine = false;
    }
    if (fine) {
        *why = wait_for(attach, signals);
    }
    for (size_t i = 0; i < count; i++) {
        put_back(&targets[i]);
    }
    close(signals);
    return fine;
}

static int attach_to(const struct attach *attach)
{
    struct target *targets = NULL;
    size_t count = 0;
    struct tare_result *result = NULL;
    struct tare_collector *collector = NULL;
    int code = EXIT_TROUBLE;
    if (open_targets(attach, &targets, &count) != 0) {
        goto out;
    }
    bool window = attach->enable != NULL || attach->disable != NULL || attach->for_s > 0;
    enum why why = TIME_IS_UP;
    if (window && !run_window(attach, targets, count, &why)) {
        goto out;
    }
    result = result_begin("attach", NULL);
    collector = result != NULL ? tare_collector_new(result) : NULL;
    if (collector == NULL) {
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        if (pages_add(collector, &targets[i].source, window ? &targets[i].before : NULL,
                      "the process's page") != 0) {
            goto out;
        }
    }
    if (window) {
        tare_result_note(result, "counted while tare was attached; extremes of that time are not known");
    }
    result->incomplete = why == INTERRUPTED && attach->for_s > 0;
    if (why == PROCESS_ENDED) {
        tare_result_note(result, "the process ended meanwhile");
    }
    code = tare_collector_finish(collector) == 0 && output_write(&attach->output, result) ? EXIT_FINE
                                                                                          : EXIT_TROUBLE;
out:
    tare_collector_free(collector);
    tare_result_free(result);
    close_targets(targets, count);
    return code;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct attach attach = {0};
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
            code = attach_to(&attach);
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
               "everything is switched back. With --for alone, where nothing is enabled, all\n"
               "timers are.\n\n"
               "Exit code: 0, or 2 for a wrong command line or a process that cannot be read.\n\n"
               "Examples:\n"
               "  tare attach 4711\n"
               "  tare attach 4711 --enable 'fdtables::*' --for 10\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
