/* SPDX-License-Identifier: MIT */
/*
 * `tare top`: what live processes count, as it changes. On a terminal a screen (cli/top_curses.c), else, or for
 * scripts, snapshots as text or JSON, the first one after a window, so that it has rates.
 *
 * What is switched on the way is switched back in the end, as `tare attach` does: a look leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/top.h"

enum {
    OPTION_TOP_ONCE = 1,
    OPTION_TOP_FORMAT,
    OPTION_TOP_COUNT,
    OPTION_TOP_INTERVAL,
    OPTION_TOP_WINDOW,
    OPTION_TOP_TOTAL,
    OPTION_TOP_FILTER,
    OPTION_TOP_ALL,
    OPTION_TOP_ENABLE,
    OPTION_TOP_KEEP,
    EXPORTS_MAX = 100, /* names tried in one second */
    TEXT_WIDTH = 120,  /* where there is no terminal */
};

static const struct option_spec options[] = {
    {OPTION_TOP_ONCE, '\0', "once", NULL, "print one snapshot as text and end", NULL},
    {OPTION_TOP_FORMAT, '\0', "format", "FORMAT", "table, or json: a line for each snapshot; json means --once",
     "table json"},
    {OPTION_TOP_COUNT, '\0', "count", "N", "end after N snapshots", NULL},
    {OPTION_TOP_INTERVAL, '\0', "interval", "SECONDS", "between two snapshots: 0.05 to 60 (default: 0.25)",
     NULL},
    {OPTION_TOP_WINDOW, '\0', "window", "SECONDS",
     "rates and the like are of the last SECONDS: 0.05 to 3600 (default: 1)", NULL},
    {OPTION_TOP_TOTAL, '\0', "total", NULL, "begin with figures since the start instead of the window", NULL},
    {OPTION_TOP_FILTER, '\0', "filter", "TEXT", "show what has TEXT in its name, or matches it as a pattern",
     NULL},
    {OPTION_TOP_ALL, '\0', "all", NULL, "show what of jit, gfx, cpu, latency and memory never counted, too",
     NULL},
    {OPTION_TOP_ENABLE, '\0', "enable", "GLOB", "switch on what matches, while it is watched; may be repeated",
     NULL},
    {OPTION_TOP_KEEP, '\0', "keep", NULL, "at the end, leave switched what was switched", NULL},
    {0},
};

static int add_glob(char **globs, const char *more)
{
    char *joined;
    if (asprintf(&joined, "%s%s%s", *globs != NULL ? *globs : "", *globs != NULL ? "," : "", more) < 0) {
        error("out of memory");
        return EXIT_TROUBLE;
    }
    free(*globs);
    *globs = joined;
    return 0;
}

static int handle_option(void *data, int id, const char *value)
{
    struct top *top = data;
    switch (id) {
    case OPTION_TOP_ONCE:
        top->once = true;
        return 0;
    case OPTION_TOP_FORMAT:
        return option_table_or_json(&top->json, id, value);
    case OPTION_TOP_COUNT:
        return parse_count("--count", value, 1, 1000000000, &top->count) ? 0 : EXIT_TROUBLE;
    case OPTION_TOP_INTERVAL:
        return parse_number("--interval", value, false, 0.05, 60, &top->interval_s) ? 0 : EXIT_TROUBLE;
    case OPTION_TOP_WINDOW:
        return parse_number("--window", value, false, 0.05, 3600, &top->state.window_s) ? 0 : EXIT_TROUBLE;
    case OPTION_TOP_TOTAL:
        top->state.total = true;
        return 0;
    case OPTION_TOP_FILTER:
        if (strlen(value) >= sizeof(top->state.filter)) {
            error("'%.20s...' is too long for --filter: %zu bytes at most", value,
                  sizeof(top->state.filter) - 1);
            return EXIT_TROUBLE;
        }
        strcpy(top->state.filter, value);
        return 0;
    case OPTION_TOP_ALL:
        top->state.all = true;
        return 0;
    case OPTION_TOP_ENABLE:
        return add_glob(&top->enable, value);
    default:
        top->keep = true;
        return 0;
    }
}

uint64_t top_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Switching */

/* Timers are known as module::name, the others as module.name, too. */
static bool is_meant(const char *globs, const struct tare_instrument_figures *instrument)
{
    if (globs_match(globs, instrument->module, instrument->name)) {
        return true;
    }
    char *full = NULL, *list = strdup(globs), *rest = list;
    bool match = false;
    if (list != NULL && asprintf(&full, "%s.%s", instrument->module, instrument->name) >= 0) {
        for (char *glob = strsep(&rest, ","); glob != NULL && !match; glob = strsep(&rest, ",")) {
            match = *glob != '\0' && fnmatch(glob, full, 0) == 0;
        }
        free(full);
    }
    free(list);
    return match;
}

static int compare_ids(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static const char *why_not(int failure)
{
    switch (-failure) {
    case EACCES:
    case EPERM:
        return "the process is somebody else's";
    case EBUSY:
        return "another tare is switching its instruments";
    case ENOENT:
        return "it is gone";
    default:
        return strerror(-failure);
    }
}

/* Switches, or voids what was counted. 0 or -errno. */
static int control(struct top *top, const uint64_t *ids, size_t count, bool reset, bool enabled)
{
    int failure = 0;
    for (size_t i = 0; i < count && failure == 0; i++) {
        failure = reset ? tare_live_reset(top->live, ids[i]) : tare_live_switch(top->live, ids[i], enabled);
    }
    return failure;
}

/* What --enable has looked at is not to be switched on once more. */
static void see_all(struct top *top)
{
    const struct tare_telemetry *snapshot = top->snapshot;
    size_t count = 0, at = 0;
    for (size_t i = 0; i < snapshot->process_count; i++) {
        count += snapshot->processes[i].instrument_count;
    }
    uint64_t *seen = top->enable != NULL ? malloc((count + 1) * sizeof(*seen)) : NULL;
    if (seen == NULL) {
        return; /* without memory, more is switched on than need be */
    }
    for (size_t i = 0; i < snapshot->process_count; i++) {
        for (size_t k = 0; k < snapshot->processes[i].instrument_count; k++) {
            seen[at++] = snapshot->processes[i].instruments[k].id;
        }
    }
    qsort(seen, at, sizeof(*seen), compare_ids);
    free(top->seen);
    top->seen = seen;
    top->seen_count = at;
    top->seen_shape = snapshot->shape;
}

/* Whatever --enable has not looked at yet: at first all, then what a library brings, or another process. */
static int enable_new(struct top *top, char *message, size_t size)
{
    const struct tare_telemetry *snapshot = top->snapshot;
    size_t count = 0, wanted_count = 0;
    if (top->enable == NULL || (top->seen != NULL && top->seen_shape == snapshot->shape)) {
        return 0;
    }
    for (size_t i = 0; i < snapshot->process_count; i++) {
        count += snapshot->processes[i].instrument_count;
    }
    uint64_t *wanted = malloc((count + 1) * sizeof(*wanted));
    if (wanted == NULL) {
        snprintf(message, size, "out of memory");
        return -ENOMEM;
    }
    for (size_t i = 0; i < snapshot->process_count; i++) {
        const struct tare_process_figures *process = &snapshot->processes[i];
        for (size_t k = 0; k < process->instrument_count; k++) {
            const struct tare_instrument_figures *instrument = &process->instruments[k];
            bool is_new = top->seen == NULL || bsearch(&instrument->id, top->seen, top->seen_count,
                                                       sizeof(*top->seen), compare_ids) == NULL;
            if (is_new && process->alive && !instrument->enabled && is_meant(top->enable, instrument)) {
                wanted[wanted_count++] = instrument->id;
            }
        }
    }
    int failure = wanted_count != 0 ? control(top, wanted, wanted_count, false, true) : 0;
    if (failure != 0) {
        snprintf(message, size, "cannot switch on what --enable names: %s", why_not(failure));
    }
    free(wanted);
    see_all(top);
    return 0;
}

int top_poll(struct top *top, char *message, size_t size)
{
    message[0] = '\0';
    int failure = tare_live_poll(top->live, &top->snapshot, message, size);
    return failure != 0 ? failure : enable_new(top, message, size);
}

/* The name of one of them, for a message. The caller frees it; NULL: it is gone, or there is no memory. */
static char *name_of(const struct top *top, uint64_t id)
{
    for (size_t i = 0; i < top->snapshot->process_count; i++) {
        const struct tare_process_figures *process = &top->snapshot->processes[i];
        for (size_t k = 0; k < process->instrument_count; k++) {
            if (process->instruments[k].id == id) {
                return tare_instrument_full_name(&process->instruments[k]);
            }
        }
    }
    return NULL;
}

static void say_done(struct top *top, const struct tare_screen_action *action, const char *done)
{
    char *name = action->count == 1 ? name_of(top, action->ids[0]) : NULL;
    if (name != NULL) {
        tare_screen_say(&top->state, false, "%s: %s", name, done);
    } else {
        tare_screen_say(&top->state, false, "%zu instruments: %s", action->count, done);
    }
    free(name);
}

/* What hinders one hinders the others, too: nobody wants to read the same of each. */
static void do_all(struct top *top, const struct tare_screen_action *action, bool reset, const char *done)
{
    if (top->state.frozen) { /* what is on the screen is not what there is now */
        tare_screen_say(&top->state, true, "the screen is frozen: press f first");
        return;
    }
    int failure = control(top, action->ids, action->count, reset, action->enabled);
    if (failure != 0) {
        tare_screen_say(&top->state, true, "cannot %s: %s", reset ? "void that" : "switch that",
                        why_not(failure));
        return;
    }
    say_done(top, action, done);
}

void top_switch(struct top *top, const struct tare_screen_action *action)
{
    do_all(top, action, false, action->enabled ? "on" : "off");
}

void top_reset(struct top *top, const struct tare_screen_action *action)
{
    do_all(top, action, true, "what was counted is void");
}

/* Writing */

/* A name that was not there before: O_EXCL decides, not a look. Returns the descriptor or -errno. */
static int create_new(char *name, size_t size, const char *stem)
{
    for (int i = 1; i <= EXPORTS_MAX; i++) {
        if (i == 1) {
            snprintf(name, size, "%s.json", stem);
        } else {
            snprintf(name, size, "%s-%d.json", stem, i);
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) {
            return fd >= 0 ? fd : -errno;
        }
    }
    return -EEXIST;
}

void top_export(struct top *top)
{
    char stem[64], name[96], stamp[32];
    const struct tare_process_figures *process = tare_screen_process(&top->state, top->snapshot);
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &local);
    if (process != NULL) {
        snprintf(stem, sizeof(stem), "tare-top-%d-%s", (int)process->pid, stamp);
    } else {
        snprintf(stem, sizeof(stem), "tare-top-%s", stamp);
    }
    size_t size = 0;
    char *text = tare_telemetry_json(top->snapshot, &size);
    if (text == NULL) {
        tare_screen_say(&top->state, true, "cannot write the snapshot: out of memory");
        return;
    }
    int fd = create_new(name, sizeof(name), stem), failure = fd < 0 ? fd : 0;
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out != NULL) {
        bool whole = fwrite(text, 1, size, out) == size && putc('\n', out) != EOF;
        failure = whole ? 0 : -errno;
        failure = fclose(out) != 0 && failure == 0 ? -errno : failure;
    } else if (fd >= 0) {
        failure = -errno;
        close(fd);
    }
    if (fd >= 0 && failure != 0) {
        unlink(name); /* nothing half-written stays */
    }
    free(text);
    if (failure != 0) {
        tare_screen_say(&top->state, true, "cannot write '%s': %s", name, strerror(-failure));
    } else {
        tare_screen_say(&top->state, false, "wrote '%s'", name);
    }
}

static bool print_snapshot(struct top *top, bool again)
{
    size_t size = 0;
    int failure;
    errno = 0;
    if (top->json) {
        char *text = tare_telemetry_json(top->snapshot, &size);
        failure = text == NULL ? -ENOMEM : 0;
        if (text != NULL) {
            fwrite(text, 1, size, stdout);
            putchar('\n');
            free(text);
        }
    } else {
        struct winsize window;
        const char *columns = getenv("COLUMNS");
        int width = columns != NULL && atoi(columns) > 0                                  ? atoi(columns)
                    : ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col
                                                                                          : TEXT_WIDTH;
        fputs(again ? "\n" : "", stdout);
        failure = tare_screen_text(top->snapshot, &top->state, width, stdout);
    }
    if (failure == -ENOMEM) {
        error("out of memory");
    } else if (failure != 0 || fflush(stdout) != 0 || ferror(stdout)) {
        failure = -EIO;
        if (errno == EPIPE && sigismember(&top->ends, SIGPIPE) == 1) { /* whoever read has had enough */
            top->died_of = SIGPIPE;
            return false;
        }
        error("cannot write to standard output: %s", strerror(errno != 0 ? errno : EIO));
    }
    return failure == 0;
}

/* Ends that somebody asks for, and that are no failure. */
static const int ends_well[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

void top_end(struct top *top, int number)
{
    top->died_of = number;
    for (size_t i = 0; i < sizeof(ends_well) / sizeof(ends_well[0]); i++) {
        top->died_of = number == ends_well[i] ? 0 : top->died_of;
    }
}

bool top_is_own(int number, pid_t sender)
{
    return (number == SIGPIPE || number == SIGXFSZ) && sender == getpid();
}

bool top_is_ended(struct top *top)
{
    struct signalfd_siginfo info;
    while (read(top->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        int number = (int)info.ssi_signo;
        if (!top_is_own(number, (pid_t)info.ssi_pid)) {
            top_end(top, number);
            return true;
        }
    }
    return false;
}

/* Whether we go on after that time; no: a signal that ends us came. */
static bool wait_s(struct top *top, double seconds)
{
    struct pollfd fd = {.fd = top->signals, .events = POLLIN};
    uint64_t end_ns = top_now_ns() + (uint64_t)(seconds * 1e9), now_ns;
    while ((now_ns = top_now_ns()) < end_ns) {
        int ready = poll(&fd, 1, (int)((end_ns - now_ns) / 1000000) + 1);
        if (ready > 0 && top_is_ended(top)) {
            return false;
        }
    }
    return true;
}

static bool poll_or_say(struct top *top)
{
    char message[512];
    int failure = top_poll(top, message, sizeof(message));
    if (failure != 0) {
        error("%s", message[0] != '\0' ? message : strerror(-failure));
    } else if (message[0] != '\0') {
        warning("%s", message);
        top->warned = true;
    }
    return failure == 0;
}

/* Snapshots as text: `count` of them, one without --count. */
static int print_snapshots(struct top *top)
{
    unsigned long count = top->count != 0 ? top->count : 1;
    if (top->snapshot->process_count == 0 && !top->json) {
        if (!top->warned) {
            if (top->snapshot->denied != 0) {
                fprintf(stderr, "tare: no live process has a page; %zu may not be looked at\n",
                        top->snapshot->denied);
            } else {
                fputs("tare: no live process has a page\n", stderr);
            }
        }
        return EXIT_FINE;
    }
    if (top->enable != NULL && !poll_or_say(top)) { /* what was enabled just now begins here */
        return EXIT_TROUBLE;
    }
    if (top->snapshot->process_count != 0 && !wait_s(top, top->state.window_s)) {
        return EXIT_FINE;
    }
    for (unsigned long i = 0; i < count; i++) {
        if (i != 0 && !wait_s(top, top->interval_s)) {
            break;
        }
        if (!poll_or_say(top) || !print_snapshot(top, i != 0)) {
            return EXIT_TROUBLE;
        }
    }
    return EXIT_FINE;
}

/* Beginning */

/*
 * What is read of tens of thousands of instruments lies in pieces of tens of megabytes, which come and go with each
 * reading. glibc keeps pieces of a size that was freed once in its heap, where they leave holes of that size.
 */
static void give_large_pieces_back(void)
{
#ifdef __GLIBC__
    enum { LARGE = 1 << 20 };
    (void)mallopt(M_MMAP_THRESHOLD, LARGE);
#endif
}

static int begin_live(struct top *top)
{
    const struct tare_live_options options_of_live = {
        .pids = top->pid != 0 ? &top->pid : NULL,
        .pid_count = top->pid != 0,
        .name = top->name,
        .window_ns = top->state.window_s * 1e9,
        .histograms = true,
        .keep_ended = true,
    };
    give_large_pieces_back();
    top->live = tare_live_new(&options_of_live);
    if (top->live == NULL) {
        error("out of memory");
        return EXIT_TROUBLE;
    }
    return poll_or_say(top) ? EXIT_FINE : EXIT_TROUBLE;
}

/* The readings that there are stay, so that the figures do, too. */
bool top_set_window(struct top *top)
{
    if (top->state.frozen) { /* what is shown is of the window that it is of */
        tare_screen_say(&top->state, true, "the screen is frozen: press f first");
        return false;
    }
    tare_live_set_window(top->live, top->state.window_s * 1e9);
    tare_screen_say(&top->state, false, "window of %g s", top->state.window_s);
    return true;
}

/* No process is called that: those that there are, for a near miss. */
static void complain_of_name(const struct top *top)
{
    enum { NAMES_MAX = 256 };
    const char *names[NAMES_MAX], *near = NULL;
    size_t count = 0;
    char message[512];
    const struct tare_live_options all = {.window_ns = 1e9};
    struct tare_live *live = tare_live_new(&all);
    const struct tare_telemetry *snapshot = NULL;
    if (live != NULL && tare_live_poll(live, &snapshot, message, sizeof(message)) == 0) {
        for (size_t i = 0; i < snapshot->process_count && count < NAMES_MAX; i++) {
            if (snapshot->processes[i].name != NULL) {
                names[count++] = snapshot->processes[i].name;
            }
        }
        near = suggest(top->name, names, count);
    }
    if (near != NULL) {
        error("no live process with a page is called '%s': did you mean '%s'?", top->name, near);
    } else {
        error("no live process with a page is called '%s': 'tare ps' lists those that there are", top->name);
    }
    tare_live_free(live);
}

/* Whether what was asked for by name or number is there. */
static bool is_there(const struct top *top)
{
    if (top->snapshot->process_count != 0 || (top->pid == 0 && top->name == NULL)) {
        return true;
    }
    if (top->name != NULL) {
        complain_of_name(top);
    } else if (kill(top->pid, 0) != 0 && errno == ESRCH) {
        error("cannot look into process %d: %s", (int)top->pid, strerror(ESRCH));
    } else if (top->snapshot->denied != 0) {
        error("cannot look into process %d: %s", (int)top->pid, strerror(EACCES));
    } else if (!top->warned) { /* else it has one, perhaps, that could not be read */
        error("process %d has no page: it does not use libtare, or was started with TARE=off", (int)top->pid);
    }
    return false;
}

/* A pattern of --enable that matches nothing is a mistake, where there is something to match. */
static bool check_enable(const struct top *top)
{
    enum { NAMES_MAX = 256 };
    const struct tare_telemetry *snapshot = top->snapshot;
    char *names[NAMES_MAX];
    size_t count = 0, there = 0;
    bool match = top->enable == NULL;
    for (size_t i = 0; i < snapshot->process_count && !match; i++) {
        const struct tare_process_figures *process = &snapshot->processes[i];
        for (size_t k = 0; k < process->instrument_count && !match; k++) {
            const struct tare_instrument_figures *instrument = &process->instruments[k];
            match = is_meant(top->enable, instrument);
            there++;
            if (count < NAMES_MAX &&
                asprintf(&names[count], "%s%s%s", instrument->module,
                         instrument->kind == TARE_KIND_TIMER ? "::" : ".", instrument->name) >= 0) {
                count++;
            }
        }
    }
    if (!match && there != 0) {
        const char *near = suggest(top->enable, (const char *const *)names, count);
        if (near != NULL) {
            error("no instrument matches '%s': did you mean '%s'?", top->enable, near);
        } else {
            error("no instrument matches '%s': 'tare top --once' shows their names", top->enable);
        }
    }
    while (count > 0) {
        free(names[--count]);
    }
    return match || there == 0;
}

/* Signals that end a process, but for those of its own faults. Those that are ignored do not. */
static sigset_t ends(void)
{
    static const int others[] = {
        SIGUSR1,   SIGUSR2, SIGPIPE, SIGALRM, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGXFSZ,
#ifdef SIGSTKFLT
        SIGSTKFLT,
#endif
    };
    sigset_t set;
    struct sigaction action;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(ends_well) / sizeof(ends_well[0]); i++) {
        sigaddset(&set, ends_well[i]);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        sigaddset(&set, others[i]);
    }
    for (int i = SIGRTMIN; i <= SIGRTMAX; i++) {
        sigaddset(&set, i);
    }
    for (int i = 1; i <= SIGRTMAX; i++) {
        if (sigismember(&set, i) == 1 && sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
            sigdelset(&set, i);
        }
    }
    return set;
}

/* Once all is put back: as if we had not known better. */
static void die_of(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    fflush(stderr);
    signal(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int watch(struct top *top)
{
    top->ends = ends();
    sigprocmask(SIG_BLOCK, &top->ends, NULL);
    top->signals = signalfd(-1, &top->ends, SFD_CLOEXEC | SFD_NONBLOCK);
    if (top->signals < 0) {
        error("cannot wait for signals: %s", strerror(errno));
        return EXIT_TROUBLE;
    }
    int code = begin_live(top);
    if (code == EXIT_FINE && (!is_there(top) || !check_enable(top))) {
        code = EXIT_TROUBLE;
    }
    if (code == EXIT_FINE) {
        bool text = top->once || (top->json && top->count == 0) || top->json;
        if (!text && !isatty(STDOUT_FILENO)) {
            fputs("tare: standard output is no terminal: text, as with --once\n", stderr);
            text = true;
        }
        code = text ? print_snapshots(top) : top_screen(top);
    }
    if (top->live != NULL && !top->keep) {
        tare_live_restore(top->live);
    }
    tare_live_free(top->live);
    close(top->signals);
    if (top->died_of != 0) {
        die_of(top->died_of);
    }
    return code;
}

/* A number is a process, everything else a name. */
static bool take_operand(struct top *top, const char *operand)
{
    unsigned long pid = 0;
    if (operand[0] == '\0') {
        error("'' is no process: tare top [PID|NAME]");
        return false;
    }
    if (operand[strspn(operand, "0123456789")] != '\0') {
        top->name = operand;
        return true;
    }
    if (!parse_count("a process id", operand, 1, 1ul << 22, &pid)) {
        return false;
    }
    top->pid = (pid_t)pid;
    return true;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct top top = {.interval_s = 0.25, .signals = -1};
    tare_screen_state_init(&top.state);
    top.state.ascii = !locale_is_utf8();
    int code = EXIT_TROUBLE;
    int first = options_parse(command, argc, argv, handle_option, &top, &code);
    if (first >= 0) {
        code = EXIT_TROUBLE;
        if (first + 1 < argc) {
            error("one process at a time, or all: tare top [PID|NAME]");
        } else if (first == argc || take_operand(&top, argv[first])) {
            code = watch(&top);
        }
    }
    free(top.enable);
    free(top.seen);
    return code;
}

const struct command command_top = {
    .name = "top",
    .operands = "[PID|NAME]",
    .summary = "watch what live processes count, as it changes",
    .options = options,
    .details = "Of one process, or of all with a page, of which one is chosen with Enter. On the\n"
               "screen, '?' lists the keys. What was switched is switched back in the end.\n\n"
               "Exit code: 0, also after Ctrl-C; or 2 for a wrong command line, a process that\n"
               "cannot be read, or a terminal that cannot show it.\n\n"
               "Examples:\n"
               "  tare top\n"
               "  tare top server --enable 'fdtables::*'\n"
               "  tare top 4711 --format json --count 10 --interval 1\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
