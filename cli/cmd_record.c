/* SPDX-License-Identifier: MIT */
/*
 * `tare record`: a capture of what live processes count. Samples are due at fixed times from the first one on, so
 * that a late one does not put off the rest; those that came too late to be taken are counted. Nothing is written
 * before the end, and whatever ends it, what there is by then is kept.
 */
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/overhead.h"
#include "cli/record.h"
#include "cli/start.h"
#include "record/monotonic.h"
#include "result/figures.h"
#include "runtime/text.h"
#include "view/capture.h"

enum {
    OPTION_FOR = 1,
    OPTION_INTERVAL,
    OPTION_WINDOW,
    OPTION_MAX_SAMPLES,
    OPTION_ENABLE,
    OPTION_LIBC,
    OPTION_CLOCK,
    OPTION_PIN,
    OPTION_TIMEOUT,
    OPTION_NO_HISTOGRAM,
};

static const struct option_spec options[] = {
    {OPTION_FOR, '\0', "for", "SECONDS", "for this long (default: until Ctrl-C, or all processes have ended)",
     NULL},
    {OPTION_INTERVAL, '\0', "interval", "SECONDS", "between two samples: 0.01 to 3600 (default: 0.25)", NULL},
    {OPTION_WINDOW, '\0', "window", "SECONDS",
     "rates and the like are of the last SECONDS: 0.05 to 3600 (default: 1)", NULL},
    {OPTION_MAX_SAMPLES, '\0', "max-samples", "N",
     "keep so many at most, and count the others (default: 100000)", NULL},
    {OPTION_ENABLE, '\0', "enable", "GLOB",
     "switch on what matches, while it is recorded; of a PROGRAM, this and nothing else; may be repeated",
     NULL},
    {OPTION_LIBC, '\0', "libc", NULL, "PROGRAM: time its calls of libc, too", NULL},
    {OPTION_CLOCK, '\0', "clock", "CLOCK",
     "PROGRAM: tsc-ordered, tsc or clock (default: the best that works here)", "tsc-ordered tsc clock"},
    {OPTION_PIN, '\0', "pin", "CPU", "PROGRAM: run it on this processor only", NULL},
    {OPTION_TIMEOUT, '\0', "timeout", "S",
     "PROGRAM: end it after S seconds: SIGTERM, two seconds later SIGKILL", NULL},
    {OPTION_NO_HISTOGRAM, '\0', "no-histogram", NULL,
     "PROGRAM: sums only: no percentiles, and scopes cost a few ns less", NULL},
    {OPTION_FORMAT, '\0', "format", "FORMAT",
     "json, chrome (a trace), table, csv or markdown (default: by the suffix of -o, else json; "
     "table without -o)",
     "json chrome table csv markdown"},
    {OPTION_OUTPUT, 'o', "output", "FILE", "write the capture to FILE instead of standard output", NULL},
    KEEP_RESULT_OPTION,
    {0},
};

/* Of all that there are, those that captures have. */
static bool is_format(const char *word)
{
    static const char *const formats[] = {"json", "chrome", "chrome-trace", "table", "csv", "markdown"};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(word, formats[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void want_program(struct record *record, const char *option)
{
    record->start_option = record->start_option != NULL ? record->start_option : option;
}

static int handle_start_option(struct record *record, int id, const char *value)
{
    unsigned long number = 0;
    switch (id) {
    case OPTION_LIBC:
        want_program(record, "--libc");
        record->libc = true;
        return 0;
    case OPTION_CLOCK:
        want_program(record, "--clock");
        record->clock = value;
        return start_clock_is_fine(value) ? 0 : EXIT_TROUBLE;
    case OPTION_PIN:
        want_program(record, "--pin");
        if (!parse_count("--pin", value, 0, 1023, &number)) {
            return EXIT_TROUBLE;
        }
        record->pin = (int)number;
        return 0;
    case OPTION_TIMEOUT:
        want_program(record, "--timeout");
        return parse_seconds("--timeout", value, &record->timeout_s) ? 0 : EXIT_TROUBLE;
    default:
        want_program(record, "--no-histogram");
        record->no_histogram = true;
        return 0;
    }
}

static int handle_option(void *data, int id, const char *value)
{
    struct record *record = data;
    char *joined = NULL;
    switch (id) {
    case OPTION_LIBC:
    case OPTION_CLOCK:
    case OPTION_PIN:
    case OPTION_TIMEOUT:
    case OPTION_NO_HISTOGRAM:
        return handle_start_option(record, id, value);
    case OPTION_FOR:
        return parse_seconds("--for", value, &record->for_s) ? 0 : EXIT_TROUBLE;
    case OPTION_INTERVAL:
        return parse_number("--interval", value, false, 0.01, 3600, &record->interval_s) ? 0 : EXIT_TROUBLE;
    case OPTION_WINDOW:
        return parse_number("--window", value, false, 0.05, 3600, &record->window_s) ? 0 : EXIT_TROUBLE;
    case OPTION_MAX_SAMPLES:
        return parse_count("--max-samples", value, 1, 100000000, &record->max_samples) ? 0 : EXIT_TROUBLE;
    case OPTION_ENABLE:
        if (*value == '\0' || asprintf(&joined, "%s%s%s", record->enable != NULL ? record->enable : "",
                                       record->enable != NULL ? "," : "", value) < 0) {
            error("--enable needs a pattern");
            return EXIT_TROUBLE;
        }
        free(record->enable);
        record->enable = joined;
        return 0;
    case OPTION_FORMAT:
        if (!is_format(value)) {
            error("a capture has no format '%.64s': use json, chrome, table, csv or markdown", value);
            return EXIT_TROUBLE;
        }
        return output_option(&record->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
    default:
        return output_option(&record->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
    }
}

bool record_is_meant(const char *globs, const char *module, const char *name)
{
    char *full = NULL, *list = strdup(globs), *rest = list;
    bool match = globs_match(globs, module, name);
    if (!match && list != NULL && asprintf(&full, "%s.%s", module, name) >= 0) {
        for (char *glob = strsep(&rest, ","); glob != NULL && !match; glob = strsep(&rest, ",")) {
            match = *glob != '\0' && fnmatch(glob, full, 0) == 0;
        }
        free(full);
    }
    free(list);
    return match;
}

/* False after an error was printed. */
static bool switch_on(struct record *record, const struct tare_telemetry *snapshot, bool first)
{
    size_t matches = 0;
    if (record->enable == NULL || (!first && snapshot->shape == record->shape)) {
        return true;
    }
    record->shape = snapshot->shape;
    for (size_t p = 0; p < snapshot->process_count; p++) {
        const struct tare_process_figures *process = &snapshot->processes[p];
        for (size_t i = 0; i < process->instrument_count && process->alive; i++) {
            const struct tare_instrument_figures *instrument = &process->instruments[i];
            if (!record_is_meant(record->enable, instrument->module, instrument->name)) {
                continue;
            }
            matches++;
            int failure = instrument->enabled ? 0 : tare_live_switch(record->live, instrument->id, true);
            if (failure != 0 && first) {
                error("cannot switch instruments of process %d: %s", (int)process->pid,
                      failure == -EBUSY ? "another tare is doing so: wait until it is done"
                                        : strerror(-failure));
                return false;
            }
        }
    }
    if (first && matches == 0) {
        error("no instrument matches '%s': 'tare top --once' lists them", record->enable);
        return false;
    }
    return true;
}

static bool any_alive(const struct tare_telemetry *snapshot)
{
    for (size_t p = 0; p < snapshot->process_count; p++) {
        if (snapshot->processes[p].alive) {
            return true;
        }
    }
    return false;
}

static void complain(struct record *record, const char *message)
{
    if (message[0] != '\0' && strcmp(message, record->complaint) != 0) {
        warning("%s", message); /* once, and not four times a second */
        snprintf(record->complaint, sizeof(record->complaint), "%s", message);
    }
}

bool record_add(struct record *record, const struct tare_telemetry *snapshot)
{
    if (tare_capture_add(record->capture, snapshot) == -ENOMEM) {
        error("out of memory");
        return false;
    }
    return true;
}

/* One sample; false after an error was printed. */
static bool take(struct record *record, bool first)
{
    const struct tare_telemetry *snapshot = NULL;
    char message[256] = "";
    int failure = tare_live_poll(record->live, &snapshot, message, sizeof(message));
    if (failure != 0) {
        error("cannot read '%s': %s", record->operand, message[0] != '\0' ? message : strerror(-failure));
        return false;
    }
    complain(record, message);
    if (first && snapshot->process_count == 0) {
        if (record->pid != 0 && kill(record->pid, 0) != 0 && errno == ESRCH) {
            error("no process %d: 'tare ps' lists those that have a page", (int)record->pid);
        } else if (record->pid != 0) {
            error("process %d has no page that can be read: it does not use libtare, was started with "
                  "TARE=off, or is "
                  "somebody else's",
                  (int)record->pid);
        } else {
            error("no process '%s' has a page: 'tare ps' lists those that do", record->operand);
        }
        return false;
    }
    if (!switch_on(record, snapshot, first)) {
        return false;
    }
    if (!record_add(record, snapshot)) {
        return false;
    }
    record->ended = !any_alive(snapshot);
    return true;
}

/* Waits until `due_ns` or a signal; true: a signal came. */
static bool wait_until(int signals, uint64_t due_ns)
{
    for (;;) {
        uint64_t now_ns = tare__monotonic_ns();
        if (now_ns >= due_ns) {
            return false;
        }
        uint64_t left_ns = due_ns - now_ns;
        struct timespec left = {(time_t)(left_ns / 1000000000), (long)(left_ns % 1000000000)};
        struct pollfd fd = {.fd = signals, .events = POLLIN};
        if (ppoll(&fd, 1, &left, NULL) > 0) {
            return true;
        }
    }
}

static void show_progress(const struct record *record, double elapsed_s)
{
    if (record->for_s > 0) {
        progress("recording '%s', %zu samples, %.0f s left", record->operand, record->capture->sample_count,
                 fmax(0, record->for_s - elapsed_s));
    } else {
        progress("recording '%s', %zu samples in %.0f s, Ctrl-C ends it", record->operand,
                 record->capture->sample_count, elapsed_s);
    }
}

uint64_t record_ticks(const struct record *record)
{
    return record->for_s > 0 ? (uint64_t)floor(record->for_s / record->interval_s + 1e-9) : UINT64_MAX;
}

/*
 * The samples, from the first one on. A sample that is due when the next one is already is missed. False after an
 * error.
 */
static bool sample(struct record *record, int signals)
{
    uint64_t interval_ns = (uint64_t)llround(record->interval_s * 1e9), shown_ns = 0;
    uint64_t ticks = record_ticks(record);
    bool fine = take(record, true);
    uint64_t start_ns = tare__monotonic_ns(), tick = 0;
    while (fine && !record->ended && tick < ticks) {
        uint64_t now_ns = tare__monotonic_ns(), due = (now_ns - start_ns) / interval_ns;
        if (shown_ns == 0 || now_ns - shown_ns >= 500000000) {
            shown_ns = now_ns;
            show_progress(record, (double)(now_ns - start_ns) / 1e9);
        }
        due = due < ticks ? due : ticks;
        if (due > tick + 1) { /* the last of those that are due is taken, and not the ones before */
            tare_capture_missed(record->capture, due - tick - 1);
            tick = due - 1;
        }
        if (tare_capture_is_full(record->capture)) {
            break;
        }
        tick++;
        if (wait_until(signals, start_ns + tick * interval_ns)) {
            record->interrupted = true;
            break;
        }
        fine = take(record, false);
    }
    if (fine && tick < ticks && !record->ended && !record->interrupted && record->for_s > 0) {
        record->capture->samples_dropped += ticks - tick; /* that would have come */
    }
    if (record->interrupted && fine) {
        fine = take(record, false); /* up to now */
    }
    progress_clear();
    return fine;
}

bool record_make_capture(struct record *record)
{
    const struct tare_capture_options wanted = {
        .interval_ns = record->interval_s * 1e9,
        .max_samples = record->max_samples,
    };
    record->capture = tare_capture_new(&wanted);
    return record->capture != NULL;
}

/* Adds up what the timers' scopes took themselves, over the processes. False without memory. */
static bool add_measuring(const struct tare_capture *capture, bool whole, struct tare_result *sum)
{
    for (size_t p = 0; p < capture->process_count; p++) {
        size_t count;
        struct tare_result_timer *timers = tare_capture_timers(&capture->processes[p], whole, &count);
        bool fine = timers != NULL;
        for (size_t i = 0; i < count && fine; i++) {
            const struct tare_result_figures *figures = &timers[i].figures;
            struct tare_result_timer *timer = tare_result_find_timer(sum, timers[i].module, timers[i].name);
            if (timer == NULL) {
                timer = tare_result_add_timer(sum, timers[i].module, timers[i].name);
                fine = timer != NULL;
                if (fine) {
                    timer->figures.calls = 0;
                    timer->figures.measuring_ns = 0;
                }
            }
            if (fine) { /* of a count that is unknown, what it took is as well */
                timer->figures.calls = tare_count_add(timer->figures.calls, figures->calls);
                timer->figures.measuring_ns += figures->measuring_ns;
            }
        }
        free(timers);
        if (!fine) {
            return false;
        }
    }
    return true;
}

/*
 * Fills in what measuring took. Returns the timers with theirs, of all processes together, as a result of its own; NULL
 * after an error was printed.
 */
static struct tare_result *fill_measuring(const struct record *record, struct tare_result *result)
{
    bool whole = record->argv != NULL;
    /* A capture with a command is of a program from its start on. */
    struct tare_result *sum = result_begin("capture", record->argv);
    if (sum != NULL && !add_measuring(result->capture, whole, sum)) {
        error("out of memory");
        tare_result_free(sum);
        sum = NULL;
    }
    if (sum != NULL) {
        tare_result_measuring(sum, isnan(record->cpu_ns) ? tare_capture_cpu_ns(result->capture, whole)
                                                         : record->cpu_ns);
        result->cpu_ns = sum->cpu_ns;
        result->measuring_ns = sum->measuring_ns;
        result->measuring_share = sum->measuring_share;
    }
    return sum;
}

/* Where no table does, or it was too much. */
static void say_measuring(const struct record *record, const struct tare_result *sum)
{
    enum tare_format format = record->output.format;
    double percent = sum->measuring_share * 100;
    if (percent > OVERHEAD_WARN_PERCENT) {
        overhead_judge(sum, NAN);
    } else if (isfinite(percent) && sum->measuring_ns > 0 && format != TARE_FORMAT_TABLE &&
               format != TARE_FORMAT_MARKDOWN) {
        char measuring[TARE_TEXT_TIME], cpu[TARE_TEXT_TIME];
        const char *micro = record->output.view.ascii ? "us" : "µs";
        progress_clear();
        fprintf(stderr, "tare: measuring took %.1f %% of this %s: %s of %s processor time\n", percent,
                record->argv != NULL ? "run" : "process", tare__text_time(measuring, sum->measuring_ns, micro),
                tare__text_time(cpu, sum->cpu_ns, micro));
    }
}

bool record_write(struct record *record, const char *note)
{
    char settings[128];
    snprintf(settings, sizeof(settings), "record interval=%g window=%g", record->interval_s, record->window_s);
    struct tare_result *result = tare_capture_result(record->capture);
    if (result == NULL) {
        error("out of memory");
        return false;
    }
    record->capture = NULL;
    result->incomplete = record->interrupted && record->for_s > 0;
    if (note != NULL) {
        tare_result_note(result, "%s", note);
    }
    for (size_t i = 0; i < sizeof(record->lacks) / sizeof(record->lacks[0]); i++) {
        if (record->lacks[i][0] != '\0') {
            tare_result_note(result, "%s", record->lacks[i]);
        }
    }
    if (result->incomplete) {
        tare_result_note(result, "interrupted before the time was up");
    }
    struct tare_result *sum = fill_measuring(record, result);
    bool fine = sum != NULL && result_fingerprint(result, settings);
    if (fine) {
        result->command = sum->command; /* lent */
        fine = output_write(&record->output, result) && keep_result(&record->output, result);
        result->command = NULL;
    }
    if (fine) {
        say_measuring(record, sum);
    }
    tare_result_free(sum);
    tare_result_free(result);
    return fine;
}

static int run_record(struct record *record)
{
    sigset_t set;
    sigemptyset(&set);
    const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        sigaddset(&set, ends[i]);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (signals < 0) {
        error("cannot wait for signals: %s", strerror(errno));
        return EXIT_TROUBLE;
    }
    const struct tare_live_options live = {
        .pids = record->pid != 0 ? &record->pid : NULL,
        .pid_count = record->pid != 0,
        .name = record->pid != 0 ? NULL : record->operand,
        .window_ns = record->window_s * 1e9,
        .histograms = true,
        .stays = true,
        .keep_ended = true,
    };
    record->live = tare_live_new(&live);
    bool fine = record->live != NULL && record_make_capture(record);
    if (!fine) {
        error("out of memory");
    }
    fine = fine && sample(record, signals);
    if (record->live != NULL) {
        tare_live_restore(record->live);
    }
    fine = fine && record_write(record, record->ended ? "the process ended meanwhile" : NULL);
    tare_live_free(record->live);
    tare_capture_free(record->capture);
    close(signals);
    return fine ? EXIT_FINE : EXIT_TROUBLE;
}

/* What is recorded: false after an error was printed. */
static bool take_operands(struct record *record, int count, char **operands)
{
    unsigned long pid = 0;
    bool number = count > 0 && operands[0][0] != '\0' && operands[0][strspn(operands[0], "0123456789")] == '\0';
    if (count != 1) {
        error("%s: tare record PID|NAME [options], or tare record [options] -- PROGRAM",
              count == 0 ? "no process given" : "one process or name at a time");
        return false;
    }
    if (record->start_option != NULL) {
        error("%s is for a program that is started: tare record %s ... -- PROGRAM", record->start_option,
              record->start_option);
        return false;
    }
    if (number && !parse_count("a process id", operands[0], 1, 1ul << 22, &pid)) {
        return false;
    }
    record->operand = operands[0];
    record->pid = (pid_t)pid;
    return true;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct record record = {.interval_s = 0.25, .window_s = 1, .pin = -1, .cpu_ns = NAN};
    output_init(&record.output);
    record.output.profiles = true; /* for the trace, which is a format of theirs */
    int behind = 0;                /* words behind "--", which are the program's */
    for (int i = 1; i < argc && behind == 0; i++) {
        behind = strcmp(argv[i], "--") == 0 ? argc - i - 1 : 0;
    }
    int code = EXIT_TROUBLE;
    int first = options_parse(command, argc, argv, handle_option, &record, &code);
    if (first >= 0) {
        bool program = first > 1 && behind > 0 && argc - first == behind && strcmp(argv[first - 1], "--") == 0;
        code = EXIT_TROUBLE;
        if (program) {
            record.argv = argv + first;
            record.operand = argv[first];
        }
        if ((program || take_operands(&record, argc - first, argv + first)) && output_check(&record.output)) {
            /* What a name does not say is what loses nothing, and can be read again. */
            if (!record.output.format_given && record.output.file != NULL &&
                record.output.format == TARE_FORMAT_TABLE) {
                record.output.format = TARE_FORMAT_JSON;
            }
            if (record.output.format > TARE_FORMAT_MARKDOWN && record.output.format != TARE_FORMAT_CHROME) {
                error("a capture has no such format: use json, chrome, table, csv or markdown");
            } else {
                code = program ? record_program(&record) : run_record(&record);
            }
        }
    }
    free(record.enable);
    return code;
}

const struct command command_record = {
    .name = "record",
    .operands = "PID|NAME | -- PROGRAM [ARGS]",
    .summary = "keep what live processes count over a time, as a capture",
    .options = options,
    .details = "NAME is a pattern for the names of executables. Ends when the time is up, when\n"
               "all processes have ended, or on Ctrl-C, and writes what there is by then.\n"
               "PROGRAM is started with its timers enabled, and recorded with all processes\n"
               "that it starts, until it ends; Ctrl-C goes to it. When the time is up before,\n"
               "the capture is written, and PROGRAM runs on.\n"
               "'tare report' shows a capture again, and makes a trace of it for Perfetto.\n\n"
               "Exit code: 0, or 2 for a wrong command line, a process that cannot be read, or a\n"
               "file that cannot be written. With PROGRAM as 'tare run': its own, or 128 + N if\n"
               "signal N killed it; 124: ended by --timeout, 125: nothing was recorded or\n"
               "written, 126: it cannot be executed, 127: it was not found.\n\n"
               "Examples:\n"
               "  tare record 4711 --for 30 -o cap.json\n"
               "  tare record --libc -o sort.json -- sort -n numbers.txt\n"
               "  tare report cap.json -o cap.trace.json\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
