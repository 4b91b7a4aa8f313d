/* SPDX-License-Identifier: MIT */
/*
 * `tare run`: run a program with its timers enabled and show what they saw. One pass measures everything at
 * once, and the cost of measuring is subtracted; --exclusive adds a pass for each timer with only that one
 * enabled, so that nothing else disturbs it. passes.c runs a pass; this file decides which there are.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build-config.h"
#include "cli/cli.h"
#include "cli/overhead.h"
#include "cli/passes.h"
#include "record/elf.h"
#include "result/collect.h"
#include "result/figures.h"
#include "runtime/clock.h"

enum {
    OPTION_EXCLUSIVE = 1,
    OPTION_ONLY,
    OPTION_CLOCK,
    OPTION_REPEAT,
    OPTION_LIBC,
    OPTION_PIN,
    OPTION_TIMEOUT,
    OPTION_NO_HISTOGRAM,
};

static const struct option_spec options[] = {
    {OPTION_EXCLUSIVE, 'x', "exclusive", NULL,
     "then one more pass for each timer that was called, with only that timer enabled", NULL},
    {OPTION_ONLY, '\0', "only", "GLOB", "enable only timers whose module::name matches; may be given again",
     NULL},
    {OPTION_LIBC, '\0', "libc", NULL,
     "time the program's calls of libc, too: works without any instrument in it", NULL},
    {OPTION_CLOCK, '\0', "clock", "CLOCK", "tsc-ordered, tsc or clock (default: the best that works here)",
     "tsc-ordered tsc clock"},
    {OPTION_REPEAT, 'n', "repeat", "N", "run it N times and add the counts up", NULL},
    {OPTION_PIN, '\0', "pin", "CPU", "run it on this processor only", NULL},
    {OPTION_TIMEOUT, '\0', "timeout", "S", "end it after S seconds: SIGTERM, two seconds later SIGKILL", NULL},
    {OPTION_NO_HISTOGRAM, '\0', "no-histogram", NULL,
     "sums only: no percentiles, and scopes cost a few ns less", NULL},
    {OPTION_PER_PROCESS, '\0', "per-process", NULL, "show each process with its own table instead of their sum",
     NULL},
    OVERHEAD_OPTION,
    LOCK_OPTION,
    OUTPUT_OPTIONS,
    {0},
};

static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static int handle_option(void *data, int id, const char *value)
{
    struct run *run = data;
    unsigned long number = 0;
    switch (id) {
    case OPTION_EXCLUSIVE:
        run->exclusive = true;
        return 0;
    case OPTION_LIBC:
        run->libc = true;
        return 0;
    case OPTION_LOCK:
        run->locked = true;
        return 0;
    case OPTION_NO_HISTOGRAM:
        run->no_histogram = true;
        return 0;
    case OPTION_ONLY: {
        char *joined = NULL;
        if (*value == '\0' || asprintf(&joined, "%s%s%s", run->only != NULL ? run->only : "",
                                       run->only != NULL ? "," : "", value) < 0) {
            error("--only needs a pattern");
            return EXIT_RUN_FAILURE;
        }
        free(run->only);
        run->only = joined;
        return 0;
    }
    case OPTION_CLOCK: {
        uint32_t kind = tare__clock_parse(value);
        if (kind == TARE_CLOCK_NONE) {
            error("unknown clock '%s': one of tsc-ordered, tsc, clock", value);
            return EXIT_RUN_FAILURE;
        }
        if (!tare__clock_usable(kind)) {
            error("clock '%s' cannot be read on this machine: use 'clock'", value);
            return EXIT_RUN_FAILURE;
        }
        run->clock = value;
        return 0;
    }
    case OPTION_REPEAT:
        return parse_count("--repeat", value, 1, 1000000, &run->repeat) ? 0 : EXIT_RUN_FAILURE;
    case OPTION_PIN:
        if (!parse_count("--pin", value, 0, 1023, &number)) {
            return EXIT_RUN_FAILURE;
        }
        run->pin = (int)number;
        return 0;
    case OPTION_MAX_OVERHEAD:
        return parse_percent("--max-overhead", value, &run->max_overhead) ? 0 : EXIT_RUN_FAILURE;
    case OPTION_TIMEOUT:
        return parse_seconds("--timeout", value, &run->timeout_s) ? 0 : EXIT_RUN_FAILURE;
    default:
        return output_option(&run->output, id, value) == 0 ? 0 : EXIT_RUN_FAILURE;
    }
}

#if TARE_HAVE_PRELOAD
/* libtare-libc.so lies at a fixed place from the command itself, in the build tree as when installed. */
static char *find_preload(void)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0) {
        error("cannot find libtare-libc.so: /proc/self/exe: %s", strerror(errno));
        return NULL;
    }
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    char *path = NULL, *real = NULL;
    if (asprintf(&path, "%s/%s/libtare-libc.so", self, TARE_LIBDIR_RELATIVE) >= 0) {
        real = realpath(path, NULL);
        if (real == NULL) {
            error("cannot find '%s': %s", path, strerror(errno));
        } else if (strpbrk(real, " :") != NULL) {
            error("'%s' has a space or a colon in its path, where LD_PRELOAD is split: install tare elsewhere",
                  real);
            free(real);
            real = NULL;
        }
        free(path);
    }
    return real;
}

#else
static char *find_preload(void)
{
    error("this build of tare has no libtare-libc.so, which --libc needs: it was left out, or the C library is "
          "not glibc");
    return NULL;
}
#endif

/* What keeps libc's calls from being intercepted, said before the program runs. */
static bool can_preload(const char *path)
{
    struct tare_elf_info info;
    char message[256];
    bool fine = true;
    if (tare_elf_inspect(path, &info, message, sizeof(message)) != 0) {
        return true; /* exec will say what is wrong */
    }
    if (info.is_script && info.interpreter != NULL && strcmp(info.interpreter, path) != 0) {
        fine = can_preload(info.interpreter);
    } else if (info.is_elf && info.is_static) {
        error("'%s' is statically linked: its calls of libc cannot be intercepted; run it without --libc",
              path);
        fine = false;
    } else if (info.is_elf && ((info.is_setuid && info.owner_uid != getuid()) ||
                               (info.is_setgid && info.owner_gid != getgid()) || info.has_capabilities)) {
        error("'%s' runs with another user's or group's rights: the dynamic linker ignores LD_PRELOAD; run it "
              "as that user",
              path);
        fine = false;
    } else if (info.is_elf && info.interpreter != NULL && strstr(info.interpreter, "ld-musl") != NULL) {
        error("'%s' uses musl, and libtare-libc.so is for glibc: run it without --libc", path);
        fine = false;
    } else if (info.is_elf && !info.native) {
        error("'%s' is not a program for this machine's %s: libtare-libc.so cannot be loaded into it", path,
              sizeof(void *) == 8 ? "64-bit processor" : "processor");
        fine = false;
    }
    tare_elf_info_release(&info);
    return fine;
}

/* Tried on ourselves: whether it exists, and whether a cpuset lets us have it, is the kernel's to say. */
static bool can_pin(int cpu)
{
    cpu_set_t before, wanted;
    CPU_ZERO(&wanted);
    CPU_SET((size_t)cpu, &wanted);
    bool known = sched_getaffinity(0, sizeof(before), &before) == 0;
    bool fine = sched_setaffinity(0, sizeof(wanted), &wanted) == 0;
    if (!fine) {
        error("cannot use processor %d: %s", cpu,
              errno == EINVAL ? "there is none of that number, or none for this process" : strerror(errno));
    } else if (known) {
        sched_setaffinity(0, sizeof(before), &before);
    }
    return fine;
}

/* The runtime is silent about what it does not understand; we need not be. */
static void check_clock_variable(void)
{
    const char *name = getenv("TARE_CLOCK");
    if (name == NULL || *name == '\0') {
        return;
    }
    uint32_t kind = tare__clock_parse(name);
    if (kind == TARE_CLOCK_NONE) {
        warning("unknown clock '%s' in TARE_CLOCK is ignored: one of tsc-ordered, tsc, clock", name);
    } else if (!tare__clock_usable(kind)) {
        warning("clock '%s' in TARE_CLOCK is ignored: it cannot be read on this machine", name);
    }
}

static int prepare(struct run *run)
{
    int failure = tare_find_program(run->argv[0], &run->path);
    if (failure != 0) {
        error("cannot run '%s': %s", run->argv[0], strerror(-failure));
        return failure == -ENOENT ? EXIT_RUN_NOT_FOUND : EXIT_RUN_NOT_EXECUTABLE;
    }
    if (run->pin >= 0 && !can_pin(run->pin)) {
        return EXIT_RUN_FAILURE;
    }
    if (run->clock == NULL) {
        check_clock_variable();
    }
    if (run->libc) {
        if (!can_preload(run->path)) {
            return EXIT_RUN_FAILURE;
        }
        run->preload = find_preload();
        if (run->preload == NULL) {
            return EXIT_RUN_FAILURE;
        }
    }
    struct stat st;
    run->input_offset =
        fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode) ? lseek(STDIN_FILENO, 0, SEEK_CUR) : -1;
    run->input_stream = fstat(STDIN_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
    return 0;
}

/* Why there may be no timers, and what to do. */
static void explain_no_timers(const struct run *run)
{
    struct tare_elf_info info;
    char message[256];
    bool known = tare_elf_inspect(run->path, &info, message, sizeof(message)) == 0;
    struct rlimit space;
    bool limited = getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY;
    const char *why = ": it does not use libtare; 'tare run --libc' times its calls of libc";
    if (run->libc) {
        why = ", and libtare-libc.so was not loaded into it";
    } else if (known && (info.has_timers || info.needs_tare || info.contains_tare)) {
        why = info.is_setuid || info.is_setgid || info.has_capabilities
                  ? " that count: a program with rights of its own gets no page"
                  : " that count, although it uses libtare: did it start, and does it keep TARE_PAGE in its "
                    "environment?";
    } else if (known && info.is_static) {
        why = ": it does not use libtare, and its calls of libc cannot be timed, as it is statically linked";
    }
    error("'%s' has no timers%s%s", run->argv[0], why,
          limited ? "; or 'ulimit -v' left no room for them: set TARE_TIMERS lower" : "");
    tare_elf_info_release(&info);
}

static bool note_pass(struct tare_result *result, const struct tare_outcome *outcome, const char *only)
{
    struct tare_result_pass *pass = tare_result_add_pass(result);
    if (pass == NULL) {
        error("out of memory");
        return false;
    }
    pass->only = only != NULL ? strdup(only) : NULL;
    pass->wall_ns = outcome->wall_ns;
    pass->user_ns = outcome->user_ns;
    pass->system_ns = outcome->system_ns;
    pass->end = outcome->end;
    pass->code = outcome->code;
    return true;
}

static void show_progress(const char *what, size_t number, size_t count, double pass_ns)
{
    double left_s = pass_ns * (double)(count - number + 1) / 1e9;
    if (isnan(left_s)) {
        progress("pass %zu of %zu: %s", number, count, what);
    } else {
        progress("pass %zu of %zu: %s, about %.0f s left", number, count, what, left_s);
    }
}

/* One pass for each timer that was called. Returns 0 or an exit code. */
static int run_exclusive(const struct run *run, struct tare_result *result, double pass_ns, int *interrupted)
{
    size_t called = 0, number = 0;
    for (size_t i = 0; i < result->timer_count; i++) {
        called += result->timers[i].figures.calls != 0;
    }
    for (size_t i = 0; i < result->timer_count; i++) {
        struct tare_result_timer *timer = &result->timers[i];
        if (timer->figures.calls == 0) {
            continue;
        }
        char *full = NULL, *pattern = exact_glob(timer->module, timer->name);
        struct tare_result *scratch = tare_result_new();
        struct pass pass = {.run = run, .result = scratch, .collector = tare_collector_new(scratch)};
        struct tare_outcome outcome;
        int code = EXIT_RUN_FAILURE;
        if (pattern != NULL && scratch != NULL && pass.collector != NULL &&
            asprintf(&full, "%s::%s", timer->module, timer->name) >= 0) {
            show_progress(full, ++number, called, pass_ns);
            code = run_pass(&pass, pattern, true, &outcome);
        } else {
            error("out of memory");
        }
        if (code == 0 && outcome.interrupted == 0) {
            code = !note_pass(result, &outcome, full) ||
                           tare_collector_figures(pass.collector, timer->module, timer->name,
                                                  &timer->exclusive) != 0
                       ? EXIT_RUN_FAILURE
                       : 0;
            timer->has_exclusive = code == 0 && timer->exclusive.calls != 0;
            tare_figures_measuring(&timer->exclusive, outcome.user_ns + outcome.system_ns);
            tare_result_compare(timer);
        }
        *interrupted = code == 0 ? outcome.interrupted : 0;
        tare_collector_free(pass.collector);
        tare_result_free(scratch);
        free(pattern);
        free(full);
        if (code != 0 || *interrupted != 0) {
            return code;
        }
    }
    return 0;
}

/* The timer whose full name, or name without its module, is nearest to the pattern; NULL if none is near. */
static const struct tare_result_timer *near_timer(const struct tare_result *result, const char *glob)
{
    const struct tare_result_timer *best = NULL;
    unsigned best_distance = (unsigned)(strlen(glob) / 2 + 1);
    for (size_t i = 0; i < result->timer_count; i++) {
        const struct tare_result_timer *timer = &result->timers[i];
        char *full = NULL;
        unsigned distance = edit_distance(glob, timer->name);
        if (asprintf(&full, "%s::%s", timer->module, timer->name) >= 0) {
            unsigned whole = edit_distance(glob, full);
            distance = whole < distance ? whole : distance;
            free(full);
        }
        if (distance < best_distance) {
            best_distance = distance;
            best = timer;
        }
    }
    return best;
}

/* --only named something that no timer is called: say so, with what is near. */
static bool check_only(const struct run *run, const struct tare_result *result)
{
    bool fine = true;
    char *list = strdup(run->only), *rest = list;
    for (char *glob = strsep(&rest, ","); glob != NULL && result->timer_count != 0; glob = strsep(&rest, ",")) {
        bool any = *glob == '\0';
        for (size_t i = 0; i < result->timer_count && !any; i++) {
            any = globs_match(glob, result->timers[i].module, result->timers[i].name);
        }
        if (any) {
            continue;
        }
        const struct tare_result_timer *near = near_timer(result, glob);
        if (near != NULL) {
            error("no timer matches '%s': did you mean '%s::%s'?", glob, near->module, near->name);
        } else if (result->lost_instruments != 0) {
            error("no timer matches '%s', and some did not fit: set TARE_TIMERS higher", glob);
        } else {
            error("no timer matches '%s': 'tare %s %s' names them", glob,
                  run->libc ? "run --libc --all" : "list", run->argv[0]);
        }
        fine = false;
    }
    free(list);
    return fine;
}

static int exit_code(const struct tare_outcome *outcome)
{
    switch (outcome->end) {
    case TARE_END_SIGNALED:
        return EXIT_RUN_SIGNALED + outcome->code;
    case TARE_END_TIMEOUT:
        return EXIT_RUN_TIMEOUT;
    default:
        return outcome->code;
    }
}

static void say_how_it_ended(const struct run *run, const struct tare_outcome *outcome)
{
    if (outcome->end == TARE_END_SIGNALED) {
        error("'%s' was killed by signal %d (%s): what it had counted until then follows", run->argv[0],
              outcome->code, strsignal(outcome->code));
    } else if (outcome->end == TARE_END_TIMEOUT) {
        error("'%s' was ended after %g s: what it had counted until then follows", run->argv[0],
              run->timeout_s);
    }
}

/* The passes with everything enabled. Returns 0 or an exit code. */
static int run_together(const struct run *run, struct tare_result *result, struct tare_outcome *outcome)
{
    struct pass pass = {.run = run, .result = result, .keep_processes = true};
    pass.collector = tare_collector_new(result);
    if (pass.collector == NULL) {
        error("out of memory");
        return EXIT_RUN_FAILURE;
    }
    int code = 0;
    double cpu_ns = 0;
    for (unsigned long i = 0; i < run->repeat && code == 0; i++) {
        if (i > 0) {
            show_progress(run->argv[0], i + 1, run->repeat, outcome->wall_ns);
        }
        code = run_pass(&pass, run->only != NULL ? run->only : "*", i > 0, outcome);
        if (code == 0 && !note_pass(result, outcome, NULL)) {
            code = EXIT_RUN_FAILURE;
        }
        cpu_ns += outcome->user_ns + outcome->system_ns;
        if (code == 0 && outcome->interrupted != 0 && i + 1 < run->repeat) {
            result->incomplete = true;
            break;
        }
    }
    if (code == 0 && tare_collector_finish(pass.collector) != 0) {
        error("out of memory");
        code = EXIT_RUN_FAILURE;
    }
    tare_result_measuring(result, pass.still_running != 0 ? NAN : cpu_ns);
    if (code == 0 && pass.still_running != 0) {
        tare_result_note(
            result,
            "%llu of the processes still run: this is what they had counted, and their timers are off now",
            (unsigned long long)pass.still_running);
    }
    if (pass.message[0] != '\0') {
        warning("a page could not be read: %s", pass.message);
    }
    tare_collector_free(pass.collector);
    return code;
}

static sigset_t interrupt_set(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(interrupts) / sizeof(interrupts[0]); i++) {
        struct sigaction action;
        if (sigaction(interrupts[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(&set, interrupts[i]);
        }
    }
    return set;
}

/* Between two passes a signal is ours alone: it ends the measurement, and what there is gets shown. */
static void hold_signals(struct run *run)
{
    sigset_t set = interrupt_set();
    sigprocmask(SIG_BLOCK, &set, &run->mask);
}

/* The last signal that came meanwhile, or 0. */
static int release_signals(const struct run *run)
{
    sigset_t set = interrupt_set();
    int last = 0;
    for (int got = 1; got > 0;) {
        got = sigtimedwait(&set, NULL, &(struct timespec){0, 0});
        last = got > 0 ? got : last;
    }
    sigprocmask(SIG_SETMASK, &run->mask, NULL);
    return last;
}

/* NULL after an error was printed. */
static struct tare_result *begin(const struct run *run)
{
    struct tare_result *result = result_begin("run", run->argv);
    char *settings = run_settings(run);
    if (result != NULL && settings == NULL) {
        error("out of memory");
    }
    if (result != NULL && (settings == NULL || !result_fingerprint(result, settings))) {
        tare_result_free(result);
        result = NULL;
    }
    free(settings);
    return result;
}

static int measure(struct run *run)
{
    struct watch watch;
    if (!watch_begin(&watch, run->pin)) { /* first, so that there is something to compare with early on */
        return EXIT_RUN_FAILURE;
    }
    run->watch = &watch;
    struct tare_result *result = begin(run);
    if (result == NULL) {
        watch_end(&watch);
        return EXIT_RUN_FAILURE;
    }
    hold_signals(run);
    struct tare_outcome outcome = {0};
    int code = run_together(run, result, &outcome);
    if (code != 0) {
        goto out;
    }
    int interrupted = outcome.interrupted;
    if (run->input_stream && (run->exclusive || run->repeat > 1)) {
        tare_result_note(result,
                         "standard input cannot be read twice: all passes but the first got an empty one");
    }
    if (run->exclusive && outcome.end != TARE_END_EXITED) {
        tare_result_note(result, "no exclusive passes were made, as the program did not end by itself");
    } else if (run->exclusive && interrupted == 0) {
        code = run_exclusive(run, result, outcome.wall_ns, &interrupted);
        progress_clear();
        if (code != 0) {
            goto out;
        }
    }
    tare_lock_release(&run->lock); /* nobody need wait for our output */
    if (!watch_tell(&watch, result)) {
        code = EXIT_RUN_FAILURE;
        goto out;
    }
    int late = release_signals(run);
    result->incomplete |= (interrupted != 0 || late != 0) && run->exclusive;
    say_how_it_ended(run, &outcome);
    code = exit_code(&outcome);
    if (code == 0 && result->incomplete) {
        code = EXIT_RUN_SIGNALED + (late != 0 ? late : interrupted);
    }
    if (result->timer_count == 0 && result->lost_processes == 0) {
        explain_no_timers(run);
    }
    if (run->only != NULL && !check_only(run, result)) {
        code = EXIT_RUN_FAILURE; /* and no result, which would look like one */
    } else if ((result->timer_count != 0 || run->output.format != TARE_FORMAT_TABLE) &&
               !output_write(&run->output, result)) {
        code = EXIT_RUN_FAILURE;
    } else if (!overhead_judge(result, run->max_overhead)) {
        code = EXIT_RUN_FAILURE;
    }
out:
    watch_end(&watch);
    tare_result_free(result);
    return code;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct run run = {.pin = -1, .repeat = 1, .max_overhead = NAN};
    output_init(&run.output);
    int code;
    int first = options_parse(command, argc, argv, handle_option, &run, &code);
    if (first < 0) {
        free(run.only);
        return code;
    }
    run.argv = argv + first;
    if (first >= argc) {
        error("no program given: tare run [options] -- PROGRAM [ARGS]");
        code = EXIT_RUN_FAILURE;
    } else if (!output_check(&run.output)) {
        code = EXIT_RUN_FAILURE;
    } else {
        code = prepare(&run);
        if (code == 0 && run.locked && !measurement_lock(&run.lock, command->name, run.argv)) {
            code = EXIT_RUN_FAILURE;
        }
        if (code == 0) {
            code = measure(&run);
        }
        tare_lock_release(&run.lock);
    }
    free(run.only);
    free(run.path);
    free(run.preload);
    return code;
}

const struct command command_run = {
    .name = "run",
    .operands = "[--] PROGRAM [ARGS]",
    .summary = "run a program with its timers enabled and show what they saw",
    .options = options,
    .details = "Exit code: the program's own, or 128 + N if signal N killed it; 124: the time\n"
               "was up, 125: tare itself failed, or more than --max-overhead allows, 126: the\n"
               "program cannot be executed, 127: it was not found.\n\n"
               "Examples:\n"
               "  tare run ./server --once\n"
               "  tare run --only 'fdtables::*' --exclusive ./server --once\n"
               "  tare run --libc -o result.json -- sqlite3 data.db 'pragma integrity_check'\n",
    .run = run_command,
    .usage_exit = EXIT_RUN_FAILURE,
    .operands_have_options = true,
};
