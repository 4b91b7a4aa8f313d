/* SPDX-License-Identifier: MIT */
/*
 * `tare stat`: what a program, or a while of a process's life, comes to in counters of the processor and the
 * kernel, and in resources. With --massif what its memory comes to instead: a program runs some twenty times slower
 * under valgrind, and its counters would say nothing.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/start.h"
#include "record/elf.h"
#include "record/massif.h"
#include "record/stat.h"
#include "result/stat.h"

enum {
    OPTION_EVENT = 1,
    OPTION_REPEAT,
    OPTION_PID,
    OPTION_FOR,
    OPTION_PIN,
    OPTION_TIMEOUT,
    OPTION_MASSIF,
    OPTION_STACKS,
};

static const struct option_spec options[] = {
    {OPTION_EVENT, 'e', "event", "EVENTS", "count these, as in 'cycles,instructions:u'; may be given again",
     NULL},
    {OPTION_REPEAT, 'n', "repeat", "N", "run it N times: means and their 95 % intervals", NULL},
    {OPTION_PID, 'p', "pid", "PID", "count in a process that runs", NULL},
    {OPTION_FOR, '\0', "for", "S", "with --pid: for S seconds (default: until Ctrl-C, or it ends)", NULL},
    {OPTION_PIN, '\0', "pin", "CPU", "run it on this processor only", NULL},
    {OPTION_TIMEOUT, '\0', "timeout", "S", "end it after S seconds: SIGTERM, two seconds later SIGKILL", NULL},
    {OPTION_MASSIF, '\0', "massif", NULL, "the peak of its heap, and who asked for it, by valgrind", NULL},
    {OPTION_STACKS, '\0', "stacks", NULL, "with --massif: stacks, too (several times slower)", NULL},
    LOCK_OPTION,
    {OPTION_FORMAT, '\0', "format", "FORMAT",
     "table, json, csv or markdown (default: by the suffix of -o, else table)", "table json csv markdown"},
    {OPTION_OUTPUT, 'o', "output", "FILE", "write the result to FILE instead of standard output", NULL},
    KEEP_RESULT_OPTION,
    {0},
};

struct stat_command {
    struct output output;
    struct tare_stat_events events;
    unsigned long repeat;
    pid_t pid;
    double for_s, timeout_s;
    int pin;
    bool massif, stacks, locked, events_chosen;
    char **argv;
    char *path;
};

static int add_events(struct stat_command *stat, const char *value)
{
    char message[256];
    if (tare_stat_parse(value, &stat->events, message, sizeof(message)) == 0) {
        return 0;
    }
    size_t count = 0;
    while (tare_stat_names[count] != NULL) {
        count++;
    }
    const char *quoted = strstr(message, "unknown event '");
    char word[TARE_STAT_NAME];
    const char *near = NULL;
    if (quoted != NULL && sscanf(quoted, "unknown event '%47[^']'", word) == 1) {
        near = suggest(word, tare_stat_names, count);
        error("%s%s%s%s", message, near != NULL ? ": did you mean '" : ": 'man tare-stat' names them",
              near != NULL ? near : "", near != NULL ? "'?" : "");
    } else {
        error("%s", message);
    }
    return EXIT_RUN_FAILURE;
}

static int handle_option(void *data, int id, const char *value)
{
    struct stat_command *stat = data;
    unsigned long number = 0;
    bool fine = true;
    switch (id) {
    case OPTION_EVENT:
        return add_events(stat, value);
    case OPTION_REPEAT:
        fine = parse_count("--repeat", value, 1, 100000, &stat->repeat);
        break;
    case OPTION_PID:
        fine = parse_count("--pid", value, 1, INT_MAX, &number);
        stat->pid = (pid_t)number;
        break;
    case OPTION_FOR:
        fine = parse_seconds("--for", value, &stat->for_s);
        break;
    case OPTION_PIN:
        fine = parse_count("--pin", value, 0, 1023, &number);
        stat->pin = (int)number;
        break;
    case OPTION_TIMEOUT:
        fine = parse_seconds("--timeout", value, &stat->timeout_s);
        break;
    case OPTION_MASSIF:
        stat->massif = true;
        break;
    case OPTION_STACKS:
        stat->stacks = true;
        break;
    case OPTION_LOCK:
        stat->locked = true;
        break;
    default:
        fine = output_option(&stat->output, id, value) == 0;
        break;
    }
    return fine ? 0 : EXIT_RUN_FAILURE;
}

static bool check(const struct stat_command *stat)
{
    const char *problem = NULL;
    if (stat->argv[0] == NULL && stat->pid == 0) {
        problem = "no program given: tare stat [options] -- PROGRAM [ARGS], or --pid PID";
    } else if (stat->argv[0] != NULL && stat->pid != 0) {
        problem = "--pid takes no program: leave one of them out";
    } else if (stat->pid == 0 && stat->for_s > 0) {
        problem = "--for is for --pid: --timeout ends a program";
    } else if (stat->pid != 0 && (stat->timeout_s > 0 || stat->pin >= 0 || stat->repeat > 1 || stat->massif)) {
        problem = "--timeout, --pin, --repeat and --massif are for a program that tare starts: not with --pid";
    } else if (stat->massif && (stat->events.count != 0 || stat->repeat > 1)) {
        problem = "--massif runs the program once, and counts no events: leave --event and --repeat out";
    } else if (stat->stacks && !stat->massif) {
        problem = "--stacks is for --massif";
    }
    if (problem != NULL) {
        error("%s", problem);
    }
    return problem == NULL;
}

/* Returns 0 or an exit code after an error was printed. */
static int prepare(struct stat_command *stat)
{
    char message[256];
    if (!check(stat) || !output_check(&stat->output)) {
        return EXIT_RUN_FAILURE;
    }
    stat->events_chosen = stat->events.count != 0;
    if (!stat->events_chosen && tare_stat_parse(NULL, &stat->events, message, sizeof(message)) != 0) {
        error("%s", message);
        return EXIT_RUN_FAILURE;
    }
    if (stat->pid != 0) {
        return 0;
    }
    int failure = tare_find_program(stat->argv[0], &stat->path);
    if (failure != 0) {
        error("cannot run '%s': %s", stat->argv[0], strerror(-failure));
        return failure == -ENOENT ? EXIT_RUN_NOT_FOUND : EXIT_RUN_NOT_EXECUTABLE;
    }
    return stat->pin < 0 || can_pin(stat->pin) ? 0 : EXIT_RUN_FAILURE;
}

static struct tare_spawn spawn_of(const struct stat_command *stat)
{
    return (struct tare_spawn){
        .path = stat->path, .argv = stat->argv, .pin_cpu = stat->pin, .timeout_s = stat->timeout_s};
}

/* The program, as often as was asked for. Returns an exit code; *counted: there is something to show. */
static int run_program(struct stat_command *stat, struct tare_result *result, const sigset_t *mask,
                       bool *counted)
{
    struct tare_spawn spawn = spawn_of(stat);
    struct tare_stat_run *run = malloc(sizeof(*run));
    struct stat input;
    /* A file is read from where it was by each run; what comes from a pipe is gone after the first. */
    off_t input_at =
        fstat(STDIN_FILENO, &input) == 0 && S_ISREG(input.st_mode) ? lseek(STDIN_FILENO, 0, SEEK_CUR) : -1;
    int code = EXIT_RUN_FAILURE;
    spawn.mask = mask;
    for (unsigned long i = 0; run != NULL && i < stat->repeat; i++) {
        if (i > 0) {
            progress("run %lu of %lu", i + 1, stat->repeat);
            if (input_at >= 0) {
                lseek(STDIN_FILENO, input_at, SEEK_SET);
            }
        }
        spawn.quiet = i > 0;
        spawn.no_input = i > 0 && input_at < 0;
        int failure = tare_stat_run(&spawn, &stat->events, run);
        progress_clear();
        if (failure != 0) {
            error("cannot run '%s': %s", stat->argv[0], strerror(-failure));
            code = !run->not_started    ? EXIT_RUN_FAILURE
                   : failure == -ENOENT ? EXIT_RUN_NOT_FOUND
                                        : EXIT_RUN_NOT_EXECUTABLE;
            tare_stat_run_release(run);
            break;
        }
        code = outcome_code(&run->program);
        int interrupted = run->program.interrupted;
        bool fine = tare_result_stat_add(result->stat, &stat->events, run) == 0 &&
                    outcome_pass(result, &run->program, NULL);
        outcome_say(&run->program, stat->argv[0], stat->timeout_s, "what was counted until then");
        bool ended = run->program.end == TARE_END_EXITED;
        stat->output.interrupted = interrupted != 0;
        tare_stat_run_release(run);
        *counted = fine;
        if (!fine) {
            code = EXIT_RUN_FAILURE;
            break;
        }
        if (interrupted != 0 || !ended) { /* the rest would not be of the same kind */
            result->incomplete = i + 1 < stat->repeat;
            break;
        }
    }
    free(run);
    return code;
}

static int attach(const struct stat_command *stat, struct tare_result *result, const sigset_t *interrupts,
                  bool *counted)
{
    struct tare_stat_run *run = malloc(sizeof(*run));
    char message[256] = "out of memory";
    int failure = run == NULL ? -ENOMEM
                              : tare_stat_attach(stat->pid, stat->for_s, interrupts, &stat->events, run,
                                                 message, sizeof(message));
    if (failure == 0) {
        result->stat->pid = (uint32_t)stat->pid;
        failure = tare_result_stat_add(result->stat, &stat->events, run);
        if (run->program.end != TARE_END_RUNNING && stat->for_s > 0) {
            tare_result_note(result, "the process ended before the time was over");
        }
    }
    if (failure != 0) {
        error("%s", message);
    }
    *counted = failure == 0;
    if (run != NULL) {
        tare_stat_run_release(run);
    }
    free(run);
    return failure == 0 ? EXIT_FINE : EXIT_RUN_FAILURE;
}

static int run_massif(const struct stat_command *stat, struct tare_result *result, const sigset_t *mask,
                      bool *counted)
{
    struct tare_spawn spawn = spawn_of(stat);
    spawn.mask = mask;
    const struct tare_massif_request request = {.spawn = &spawn, .stacks = stat->stacks};
    struct tare_outcome outcome = {0};
    char message[400];
    struct tare_massif *massif = calloc(1, sizeof(*massif));
    int failure =
        massif != NULL ? tare_massif_run(&request, massif, &outcome, message, sizeof(message)) : -ENOMEM;
    if (failure != 0) {
        error("%s", massif != NULL ? message : "out of memory");
        free(massif);
        bool ended =
            failure == -ECHILD && (outcome.end == TARE_END_TIMEOUT || outcome.end == TARE_END_SIGNALED);
        return ended ? outcome_code(&outcome) : EXIT_RUN_FAILURE;
    }
    result->stat->massif = massif;
    result->stat->massif_stacks = stat->stacks;
    result->stat->runs = 1;
    outcome_say(&outcome, stat->argv[0], stat->timeout_s, "the peak until then");
    *counted = outcome_pass(result, &outcome, NULL) &&
               (message[0] == '\0' || tare_result_note(result, "%s", message) == 0);
    return *counted ? outcome_code(&outcome) : EXIT_RUN_FAILURE;
}

/*
 * What decides on the figures, each only where it was asked for. --repeat does not: it makes means of more runs. Of
 * events there are more than the processor has counters for, and then the choice decides on how long each is counted.
 */
static char *settings_of(const struct stat_command *stat)
{
    char *settings = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&settings, &size);
    if (out == NULL) {
        return NULL;
    }
    fputs("stat", out);
    if (stat->pin >= 0) {
        fprintf(out, " pin=%d", stat->pin);
    }
    for (size_t i = 0; stat->events_chosen && i < stat->events.count; i++) {
        fprintf(out, "%s%s", i == 0 ? " events=" : ",", stat->events.events[i].name);
    }
    if (stat->pid != 0) {
        fputs(" attached", out);
    }
    if (stat->pid != 0 && stat->for_s > 0) {
        fprintf(out, " for=%g", stat->for_s);
    }
    if (stat->massif) {
        fprintf(out, " massif stacks=%s", stat->stacks ? "yes" : "no");
    }
    if (fclose(out) != 0) {
        free(settings);
        return NULL;
    }
    return settings;
}

static int measure(struct stat_command *stat)
{
    struct tare_lock lock = {0};
    if (stat->locked && !measurement_lock(&lock, "stat", stat->argv)) {
        return EXIT_RUN_FAILURE;
    }
    struct tare_result *result = result_begin("stat", stat->argv[0] != NULL ? stat->argv : NULL);
    char *settings = settings_of(stat);
    int code = EXIT_RUN_FAILURE;
    bool counted = false;
    if (settings == NULL) {
        error("out of memory");
    } else if (result != NULL && (result->stat = tare_result_stat_new()) != NULL &&
               result_fingerprint(result, settings)) {
        /* Between two runs a signal is ours alone: it ends the measurement, and what there is gets shown. */
        sigset_t interrupts = start_interrupts(), mask;
        sigprocmask(SIG_BLOCK, &interrupts, &mask);
        code = stat->massif     ? run_massif(stat, result, &mask, &counted)
               : stat->pid != 0 ? attach(stat, result, &interrupts, &counted)
                                : run_program(stat, result, &mask, &counted);
        sigprocmask(SIG_SETMASK, &mask, NULL);
    }
    if (stat->locked) {
        tare_lock_release(&lock);
    }
    if (counted && (tare_result_stat_finish(result->stat) != 0 || !output_write(&stat->output, result) ||
                    !keep_result(&stat->output, result))) {
        code = EXIT_RUN_FAILURE;
    }
    tare_result_free(result);
    free(settings);
    return code;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct stat_command stat = {.repeat = 1, .pin = -1};
    int code = 0;
    output_init(&stat.output);
    int first = options_parse(command, argc, argv, handle_option, &stat, &code);
    if (first < 0) {
        return code;
    }
    stat.argv = argv + first;
    code = prepare(&stat);
    if (code == 0) {
        code = measure(&stat);
    }
    free(stat.path);
    return code;
}

const struct command command_stat = {
    .name = "stat",
    .operands = "[--] PROGRAM [ARGS] | --pid PID",
    .summary = "count events of the processor and the kernel, and resources",
    .options = options,
    .details = "Exit code: the program's; 128 + N if signal N killed it; 124 if --timeout ended\n"
               "it; 125 if tare failed; 126 if PROGRAM cannot be run; 127 if it was not found.\n\n"
               "Examples:\n"
               "  tare stat -- ./server --once\n"
               "  tare stat -n 10 -e cycles,instructions -- ./server --once\n"
               "  tare stat --massif -- ./server --once\n",
    .run = run_command,
    .usage_exit = EXIT_RUN_FAILURE,
    .operands_have_options = true,
};
