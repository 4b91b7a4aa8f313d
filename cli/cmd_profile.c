/* SPDX-License-Identifier: MIT */
/*
 * `tare profile`: where does a program spend its time? Chooses how its stacks are taken (record/profiling.c),
 * takes them, and says what they are worth: the mode and why, what was lost, how sure the shares are.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build-config.h"
#include "cli/profile.h"
#include "record/elf.h"

enum {
    OPTION_PID = 1,
    OPTION_FOR,
    OPTION_MODE,
    OPTION_FREQUENCY,
    OPTION_EVENT,
    OPTION_OFF_CPU,
    OPTION_BY_TIMER,
    OPTION_THREADS,
    OPTION_TOP,
    OPTION_STACK_SIZE,
    OPTION_PIN,
    OPTION_TIMEOUT,
    OPTION_MEASURE_OVERHEAD,
    OPTION_PRINT_COMMAND,
    OPTION_PROFILE_FORMAT,
};

/* Samples from which on a share's interval is within 3 points, whatever the share: (1.96 / 0.03)^2 / 4. */
enum { SAMPLES_ENOUGH = 1000 };

/* A sample each 20 µs, which is what one may take (docs/profiling.md): above that a program does nothing else. */
#define FREQUENCY_MAX 50000

static const struct option_spec options[] = {
    {OPTION_PID, 'p', "pid", "PID", "profile a process that runs", NULL},
    {OPTION_FOR, '\0', "for", "S", "with --pid: for S seconds (default: until Ctrl-C, or it ends)", NULL},
    {OPTION_MODE, 'm', "mode", "MODE", "how stacks are taken: auto (default), lbr, fp, dwarf or built-in",
     "auto lbr fp dwarf built-in"},
    {OPTION_FREQUENCY, 'F', "frequency", "HZ", "samples of each running thread in a second (99)", NULL},
    {OPTION_EVENT, 'e', "event", "EVENT", "sample by it: cycles, cpu-clock, page-faults, ... of perf",
     "cycles cpu-clock page-faults"},
    {OPTION_OFF_CPU, '\0', "off-cpu", NULL, "where threads wait, and for how long, instead of where they run",
     NULL},
    {OPTION_BY_TIMER, '\0', "by-timer", NULL, "note the innermost timer that was open at each sample", NULL},
    {OPTION_THREADS, '\0', "threads", NULL, "show each thread on its own", NULL},
    {OPTION_TOP, '\0', "top", "N", "show the N functions with the most time of their own; 0: all", NULL},
    {OPTION_STACK_SIZE, '\0', "stack-size", "BYTES", "of the stack that dwarf copies for each sample (8192)",
     NULL},
    {OPTION_PIN, '\0', "pin", "CPU", "run it on this processor only", NULL},
    {OPTION_TIMEOUT, '\0', "timeout", "S", "end it after S seconds: SIGTERM, two seconds later SIGKILL", NULL},
    {OPTION_MEASURE_OVERHEAD, '\0', "measure-overhead", NULL,
     "then run it some times with and without, to see what profiling costs", NULL},
    {OPTION_PRINT_COMMAND, '\0', "print-command", NULL,
     "print a command that takes the same without tare, and run nothing", NULL},
    {OPTION_PROFILE_FORMAT, '\0', "format", "FORMAT",
     "table, json, csv, markdown, svg, html, folded, pprof, speedscope, firefox or chrome (default: by the "
     "suffix of -o, else table)",
     "table json csv markdown svg html folded pprof speedscope firefox chrome"},
    {OPTION_COLOR, '\0', "color", "WHEN", "auto, always or never", "auto always never"},
    {OPTION_OUTPUT, 'o', "output", "FILE", "write the profile to FILE, and no table", NULL},
    KEEP_RESULT_OPTION,
    {0},
};

volatile sig_atomic_t profile_signal;

static void on_signal(int number)
{
    profile_signal = number;
}

static bool was_signaled(void)
{
    return profile_signal != 0;
}

static int handle_option(void *data, int id, const char *value)
{
    struct profiling *profiling = data;
    struct tare_profiling_request *request = &profiling->request;
    unsigned long number = 0;
    bool fine = true;
    switch (id) {
    case OPTION_PID:
        fine = parse_count("--pid", value, 1, INT_MAX, &number);
        request->pid = (pid_t)number;
        break;
    case OPTION_FOR:
        fine = parse_seconds("--for", value, &request->for_s);
        break;
    case OPTION_MODE:
        fine = tare_profiling_mode_parse(value, &request->mode);
        if (!fine) {
            error("unknown mode '%s': one of auto, lbr, fp, dwarf, built-in", value);
        }
        break;
    case OPTION_FREQUENCY:
        fine = parse_number("--frequency", value, false, 1, FREQUENCY_MAX, &request->frequency_hz);
        break;
    case OPTION_EVENT:
        fine = *value != '\0';
        if (!fine) {
            error("--event needs the name of an event: 'perf list' has them");
        }
        request->event = value;
        break;
    case OPTION_OFF_CPU:
        request->off_cpu = true;
        break;
    case OPTION_BY_TIMER:
        request->by_timer = true;
        break;
    case OPTION_THREADS:
        profiling->threads = true;
        break;
    case OPTION_TOP:
        profiling->top_given = true;
        fine = parse_count("--top", value, 0, 1000000, &profiling->top);
        break;
    case OPTION_STACK_SIZE:
        /* The kernel takes multiples of 8 up to this: 16 bits, less the size's own place. */
        fine = parse_count("--stack-size", value, 8, 65528, &number);
        if (fine && number % 8 != 0) {
            error("--stack-size %lu is no multiple of 8", number);
            fine = false;
        }
        request->stack_bytes = (unsigned)number;
        break;
    case OPTION_PIN:
        fine = parse_count("--pin", value, 0, CPU_SETSIZE - 1, &number);
        request->pin_cpu = (int)number;
        break;
    case OPTION_TIMEOUT:
        fine = parse_seconds("--timeout", value, &request->timeout_s);
        break;
    case OPTION_MEASURE_OVERHEAD:
        profiling->measure_overhead = true;
        break;
    case OPTION_PRINT_COMMAND:
        profiling->print_command = true;
        break;
    case OPTION_PROFILE_FORMAT:
        fine = output_option(&profiling->output, OPTION_FORMAT, value) == 0;
        break;
    default:
        fine = output_option(&profiling->output, id, value) == 0;
        break;
    }
    return fine ? 0 : EXIT_RUN_FAILURE;
}

/*
 * libtare-profile.so where it is installed, or NULL: a build may have none, which matters only if it is needed.
 */
static char *find_library(void)
{
#if TARE_HAVE_PRELOAD
    char self[PATH_MAX], *path = NULL, *real = NULL;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n > 0) {
        self[n] = '\0';
        *strrchr(self, '/') = '\0';
        if (asprintf(&path, "%s/%s/libtare-profile.so", self, TARE_LIBDIR_RELATIVE) >= 0) {
            real = realpath(path, NULL);
            free(path);
        }
    }
    return real;
#else
    return NULL;
#endif
}

/* Words that shells execute themselves, and which a user may take for programs. */
static bool is_shell_word(const char *name)
{
    static const char *const words[] = {"alias", "bg",   "cd",     "eval", "exec",  "export", "fg",    "for",
                                        "if",    "jobs", "source", "set",  "times", "ulimit", "umask", "while"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(name, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What can be found out before anything is run. Returns 0 or an exit code after an error was printed. */
static int prepare(struct profiling *profiling)
{
    struct tare_profiling_request *request = &profiling->request;
    if (request->pid != 0 || request->argv == NULL) {
        return 0;
    }
    char *path = NULL;
    int failure = tare_find_program(request->argv[0], &path);
    free(path);
    if (failure != 0) {
        error("cannot run '%s': %s%s", request->argv[0], strerror(-failure),
              is_shell_word(request->argv[0]) ? "; shells have it built in: tare profile -- sh -c '...'" : "");
        return failure == -ENOENT ? EXIT_RUN_NOT_FOUND : EXIT_RUN_NOT_EXECUTABLE;
    }
    return request->pin_cpu >= 0 && !can_pin(request->pin_cpu) ? EXIT_RUN_FAILURE : 0;
}

/* Which options do not go together. False after an error was printed. */
static bool check_options(const struct profiling *profiling)
{
    const struct tare_profiling_request *request = &profiling->request;
    const char *problem = NULL;
    if (request->argv != NULL && request->pid != 0) {
        problem = "--pid takes no program: leave one of them out";
    } else if (request->argv == NULL && request->pid == 0) {
        problem = "no program given: tare profile [options] -- PROGRAM [ARGS], or --pid PID";
    } else if (request->pid == 0 && request->for_s > 0) {
        problem = "--for is for --pid: --timeout ends a program";
    } else if (request->pid != 0 && request->timeout_s > 0) {
        problem = "--timeout ends a program that tare has started: with --pid, use --for";
    } else if (request->pid != 0 && request->pin_cpu >= 0) {
        problem = "--pin is for a program that tare starts: 'taskset -p' moves one that runs";
    } else if (request->pid != 0 && profiling->measure_overhead) {
        problem = "--measure-overhead runs the program again: it does not work with --pid";
    } else if (request->off_cpu && request->event != NULL) {
        problem = "--off-cpu is by waiting, not by --event: leave one of them out";
    } else if (request->off_cpu && request->by_timer) {
        problem = "--by-timer cannot be told of threads that wait: leave --off-cpu out";
    }
    if (problem != NULL) {
        error("%s", problem);
    }
    return problem == NULL;
}

/* Returns 0 or an exit code after an error was printed. */
static int choose(struct profiling *profiling)
{
    struct tare_profiling_request *request = &profiling->request;
    char message[1024];
    bool needs_perf = request->mode != TARE_MODE_BUILT_IN && !request->by_timer;
    int failure = -ENOTSUP;
    if (!needs_perf) {
        failure =
            tare_profiling_choose(request, &profiling->perf, &profiling->choice, message, sizeof(message));
    }
    /* Also to say whether perf would do, where the built-in sampler does not. */
    if (failure == -ENOTSUP && tare_perf_look(request->perf, &profiling->perf) != 0) {
        error("out of memory");
        return EXIT_RUN_FAILURE;
    }
    if (failure == -ENOTSUP) {
        failure =
            tare_profiling_choose(request, &profiling->perf, &profiling->choice, message, sizeof(message));
    }
    if (failure != 0) {
        error("%s", message);
    }
    return failure == 0         ? 0
           : failure == -ENOENT ? EXIT_RUN_NOT_FOUND
           : failure == -EACCES ? EXIT_RUN_NOT_EXECUTABLE
                                : EXIT_RUN_FAILURE;
}

/* Until the program runs and after it: the first signal is noted, the second one ends us. */
static void handle_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            action = (struct sigaction){.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
            sigaction(numbers[i], &action, NULL);
        }
    }
}

/* What decides on the figures, for the fingerprint. The caller frees it. */
static char *settings_of(const struct profiling *profiling)
{
    const struct tare_profiling_request *request = &profiling->request;
    char *settings, pin[16] = "no";
    if (request->pin_cpu >= 0) {
        snprintf(pin, sizeof(pin), "%d", request->pin_cpu);
    }
    double hz = request->frequency_hz > 0 ? request->frequency_hz : TARE_PROFILING_HZ;
    int length = asprintf(&settings, "profile mode=%s event=%s hz=%g pin=%s",
                          tare_profiling_mode_name(profiling->choice.mode), profiling->choice.event, hz, pin);
    return length < 0 ? NULL : settings;
}

/* The words of /proc/PID/cmdline; `text` keeps them. NULL: unknown. */
static char **command_of(pid_t pid, char *text, size_t size, char *words[64])
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "re");
    size_t length = file != NULL ? fread(text, 1, size - 1, file) : 0, count = 0;
    if (file != NULL) {
        fclose(file);
    }
    text[length] = '\0';
    for (size_t at = 0; at < length && count < 63; at += strlen(text + at) + 1) {
        words[count++] = text + at;
    }
    words[count] = NULL;
    return count != 0 ? words : NULL;
}

/* NULL after an error was printed. */
static struct tare_result *begin(const struct profiling *profiling)
{
    char text[4096], *words[64];
    const struct tare_profiling_request *request = &profiling->request;
    struct tare_result *result = result_begin(
        "profile", request->argv != NULL ? request->argv : command_of(request->pid, text, sizeof(text), words));
    char *settings = settings_of(profiling);
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

/* The processor time of the program, or NAN. */
static double cpu_ns(const struct tare_outcome *outcome)
{
    return outcome->user_ns + outcome->system_ns;
}

/* Of what was not our child, only how long it was there is known. */
static double took_ns(const struct tare_outcome *outcome)
{
    return isnan(cpu_ns(outcome)) ? outcome->wall_ns : cpu_ns(outcome);
}

/* Far more than a tick of the kernel, in which a program may run and not be seen. */
#define RAN_NS 20e6

static void explain_no_samples(const struct profiling *profiling, const struct tare_profile *profile,
                               const struct tare_profiling_outcome *recorded)
{
    const struct tare_outcome *outcome = &recorded->program;
    const struct tare_profiling_request *request = &profiling->request;
    double hz = request->frequency_hz > 0 ? request->frequency_hz : TARE_PROFILING_HZ;
    char process[32];
    snprintf(process, sizeof(process), "process %d", (int)request->pid);
    const char *name = request->argv != NULL ? request->argv[0] : process;
    const char *quote = request->argv != NULL ? "'" : "";
    if (profile->lost != 0 && profile->lost != TARE_PROFILE_UNKNOWN) {
        error("no samples of %s%s%s: %llu were taken and lost", quote, name, quote,
              (unsigned long long)profile->lost);
    } else if (profiling->choice.mode == TARE_MODE_BUILT_IN && cpu_ns(outcome) > fmax(RAN_NS, 3e9 / hz)) {
        error("no samples of %s%s%s: it ran for %.1f ms and was not sampled: %s", quote, name, quote,
              cpu_ns(outcome) / 1e6,
              recorded->notes != NULL && recorded->notes[0] != NULL
                  ? recorded->notes[0]
                  : "it blocks all signals without libc, or starts programs without LD_PRELOAD in their "
                    "environment or with other privileges; --mode fp or dwarf needs neither");
    } else if (request->off_cpu || (request->event != NULL && strstr(request->event, "clock") == NULL &&
                                    strcmp(request->event, "cycles") != 0)) {
        error("no samples of %s%s%s: the event '%s' did not come up often enough", quote, name, quote,
              profile->event);
    } else if (request->argv != NULL && took_ns(outcome) < 3e9 / hz) {
        error("no samples of %s%s%s: it took %.1f ms%s, and a sample comes every %.1f ms; let it "
              "run longer or use -F %d: %d samples make shares sure to 3 points",
              quote, name, quote, took_ns(outcome) / 1e6, isnan(cpu_ns(outcome)) ? "" : " of processor time",
              1e3 / hz, hz < 997 ? 997 : 9973, SAMPLES_ENOUGH);
    } else {
        error("no samples of %s%s%s: it did not run while it was watched%s", quote, name, quote,
              request->off_cpu ? "" : "; --off-cpu shows where it waits");
    }
}

/* Processor time in no sample that is told; and in how many intervals it is more than chance. */
#define MISSED_TOLD 0.2
#define MISSED_INTERVALS 100
/* From where on the interrupts themselves may be what takes the time: docs/profiling.md has what a sample costs. */
#define DISTURBING_HZ 1000

/* perf's samples stand for less than the program has used: some were not taken, or taking them is most of it. */
static int note_missed(const struct profiling *profiling, const struct tare_outcome *outcome,
                       struct tare_result *result)
{
    const struct tare_profile *profile = result->profile;
    bool user_only;
    double sampled_ns = tare_profile_cpu_ns(profile, &user_only);
    bool outside = user_only || profiling->perf.no_kernel != NULL;
    double used_ns = outside ? outcome->user_ns : cpu_ns(outcome);
    if (profiling->choice.mode == TARE_MODE_BUILT_IN || !(sampled_ns < (1 - MISSED_TOLD) * used_ns) ||
        !(used_ns / 1e9 * profile->frequency_hz > MISSED_INTERVALS)) {
        return 0;
    }
    return tare_result_note(result, "samples stand for %.1f s of %.1f s of processor time%s: %s",
                            sampled_ns / 1e9, used_ns / 1e9, outside ? " outside of the kernel" : "",
                            profile->frequency_hz > DISTURBING_HZ
                                ? "taking them may have been much of it, a lower -F disturbs less"
                                : "the rest is in none, and shares are of what was sampled");
}

/* What the reader should know before he believes the figures. False without memory. */
static bool add_notes(const struct profiling *profiling, const struct tare_profiling_outcome *outcome,
                      struct tare_result *result)
{
    const struct tare_profile *profile = result->profile;
    bool fine =
        profiling->choice.caution == NULL || tare_result_note(result, "%s", profiling->choice.caution) == 0;
    for (char **note = outcome->notes; note != NULL && *note != NULL && fine; note++) {
        fine = tare_result_note(result, "%s", *note) == 0;
    }
    fine = fine && note_missed(profiling, &outcome->program, result) == 0;
    double asked_ns = 1e9 / profile->frequency_hz;
    if (fine && profiling->choice.mode == TARE_MODE_BUILT_IN && !profiling->request.off_cpu &&
        profile->interval_ns > 1.5 * asked_ns) {
        fine =
            tare_result_note(result,
                             "samples came every %.1f ms instead of every %.1f: timers of processor time go by "
                             "the kernel's tick, and a sample stands for all that were due",
                             profile->interval_ns / 1e6, asked_ns / 1e6) == 0;
    }
    if (!fine) {
        error("out of memory");
    }
    return fine;
}

/* Runs it and takes the profile. Returns 0 or an exit code after an error was printed. */
static int record(const struct profiling *profiling, struct tare_result *result,
                  struct tare_profiling_outcome *outcome)
{
    const struct tare_profiling_request *request = &profiling->request;
    char message[1024] = "";
    *outcome = (struct tare_profiling_outcome){0};
    int failure = profiling->choice.mode == TARE_MODE_BUILT_IN
                      ? tare_built_in_record(request, &profiling->choice, &result->profile, outcome, message,
                                             sizeof(message))
                      : tare_perf_record(request, &profiling->choice, &profiling->perf, &result->profile,
                                         outcome, message, sizeof(message));
    if (failure == 0) {
        return 0;
    }
    error("%s", message);
    if (failure == -EINTR && outcome->program.interrupted != 0) {
        return EXIT_RUN_SIGNALED + outcome->program.interrupted;
    }
    return !outcome->not_started ? EXIT_RUN_FAILURE
           : failure == -ENOENT  ? EXIT_RUN_NOT_FOUND
                                 : EXIT_RUN_NOT_EXECUTABLE;
}

static int measure(struct profiling *profiling)
{
    const struct tare_profiling_request *request = &profiling->request;
    struct tare_profiling_outcome outcome = {0};
    struct tare_result *result = begin(profiling);
    if (result == NULL) {
        return EXIT_RUN_FAILURE;
    }
    handle_signals();
    int code = record(profiling, result, &outcome);
    if (code != 0) {
        goto out;
    }
    if (request->argv != NULL) {
        outcome_say(&outcome.program, request->argv[0], request->timeout_s, "its profile until then");
        code = outcome_code(&outcome.program);
    }
    if (!add_notes(profiling, &outcome, result) ||
        (request->argv != NULL && !outcome_pass(result, &outcome.program, NULL))) {
        code = EXIT_RUN_FAILURE;
        goto out;
    }
    result->incomplete = outcome.interrupted && request->argv != NULL && code == 0;
    if (profiling->measure_overhead && !outcome.interrupted && outcome.program.end == TARE_END_EXITED) {
        int failure = profile_measure_overhead(profiling, result);
        if (failure == -EINTR && profile_signal != 0 && code == 0) {
            code = EXIT_RUN_SIGNALED + profile_signal;
        } else if (failure != 0 && failure != -EINTR) {
            code = EXIT_RUN_FAILURE;
        }
    } else if (profiling->measure_overhead) {
        tare_result_note(result, "the overhead was not measured, as the program did not end by itself");
    }
    if (result->profile->sample_count == 0) {
        explain_no_samples(profiling, result->profile, &outcome);
    }
    bool written = profile_write(profiling, result);
    if (!written || (result->profile->sample_count != 0 && !keep_result(&profiling->output, result))) {
        code = EXIT_RUN_FAILURE;
    }
out:
    tare_profiling_outcome_release(&outcome);
    tare_result_free(result);
    return code;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct profiling profiling = {.request = {.mode = TARE_MODE_AUTO, .pin_cpu = -1}};
    output_init(&profiling.output);
    profiling.output.profiles = true;
    int code;
    int first = options_parse(command, argc, argv, handle_option, &profiling, &code);
    if (first < 0) {
        return code;
    }
    profiling.request.argv = first < argc ? argv + first : NULL;
    profiling.request.stopped = was_signaled;
    profiling.request.library = profiling.library = find_library();
    if (!check_options(&profiling) || !output_check(&profiling.output)) {
        code = EXIT_RUN_FAILURE;
    } else {
        code = prepare(&profiling);
        if (code == 0) {
            code = choose(&profiling);
        }
        if (code == 0 && profiling.print_command) {
            code = profile_print_command(&profiling) ? 0 : EXIT_RUN_FAILURE;
        } else if (code == 0) {
            code = measure(&profiling);
        }
    }
    tare_profiling_choice_release(&profiling.choice);
    tare_perf_release(&profiling.perf);
    free(profiling.library);
    return code;
}

const struct command command_profile = {
    .name = "profile",
    .operands = "[--] PROGRAM [ARGS] | --pid PID",
    .summary = "sample where a program spends its time, by function",
    .options = options,
    .details = "Exit code: the program's own, or 128 + N if signal N killed it; 124: the time\n"
               "was up, 125: tare itself failed, 126: the program cannot be executed, 127: it\n"
               "was not found. With --pid: 0, or 125.\n\n"
               "Examples:\n"
               "  tare profile ./server --once\n"
               "  tare profile -F 997 -o server.svg -- ./server --once\n"
               "  tare profile --pid 4711 --for 10 -o profile.json\n",
    .run = run_command,
    .usage_exit = EXIT_RUN_FAILURE,
    .operands_have_options = true,
};
