/* SPDX-License-Identifier: MIT */
/*
 * `tare bench`: how long do benchmarks or commands take, and is one faster than the other, or is that noise?
 * bench.h says which file does what.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "cli/bench.h"
#include "record/elf.h"
#include "view/bench.h"

enum {
    OPTION_VS = 1,
    OPTION_VS_REV,
    OPTION_BUILD,
    OPTION_RELINK,
    OPTION_FILTER,
    OPTION_LIST,
    OPTION_TIME,
    OPTION_MARGIN,
    OPTION_ALPHA,
    OPTION_PIN,
    OPTION_SEED,
    OPTION_TIMEOUT,
    OPTION_FULL,
    OPTION_PLOT,
    OPTION_NO_COUNTS,
    OPTION_INSTRUCTIONS,
    OPTION_FAIL_ON,
    OPTION_COMMAND,
    OPTION_NAME,
    OPTION_SHELL,
    OPTION_WARMUP,
    OPTION_SETUP,
    OPTION_PREPARE,
    OPTION_CONCLUDE,
    OPTION_CLEANUP,
    OPTION_INPUT,
    OPTION_IGNORE_FAILURE,
    OPTION_SHOW_OUTPUT,
    OPTION_NO_LOCK,
    OPTION_BENCH_FORMAT,
    OPTION_BENCH_COLOR,
};

static const struct option_spec options[] = {
    {OPTION_VS, '\0', "vs", "B", "compare with B, a program or a command line; may be given again", NULL},
    {OPTION_VS_REV, '\0', "vs-rev", "REV",
     "compare with the same program of another revision, built in a scratch work tree of git", NULL},
    {OPTION_BUILD, '\0', "build", "CMD", "how --vs-rev and --relink build (default: as the project looks)",
     NULL},
    {OPTION_RELINK, '\0', "relink", "N", "link the programs in N orders, and count what that changes as noise",
     NULL},
    {OPTION_FILTER, '\0', "filter", "GLOB", "only benchmarks whose name matches; commas separate patterns",
     NULL},
    {OPTION_LIST, 'l', "list", NULL, "list the benchmarks, and measure nothing", NULL},
    {OPTION_TIME, '\0', "time", "SECONDS", "measure each comparison for so long at most (10)", NULL},
    {OPTION_MARGIN, '\0', "margin", "PERCENT", "two things within this are the same (1)", NULL},
    {OPTION_ALPHA, '\0', "alpha", "P", "chance of a false verdict, over the whole call (0.002)", NULL},
    {OPTION_FAIL_ON, '\0', "fail-on", "WHAT",
     "exit 1 if a verdict is slower (default), different, unresolved; or for nothing of that",
     "slower different unresolved nothing"},
    {OPTION_PIN, '\0', "pin", "CPU", "run on this processor (default: where the kernel puts it)", NULL},
    {OPTION_TIMEOUT, '\0', "timeout", "S", "end a process after S seconds (programs: 60; commands: never)",
     NULL},
    {OPTION_SEED, '\0', "seed", "N", "of the order in which arms run (default: drawn)", NULL},
    {OPTION_NO_LOCK, '\0', "no-lock", NULL, "do not wait for other measurements on this machine", NULL},
    {OPTION_COMMAND, '\0', "command", NULL, "time programs with benchmarks in them as commands, too", NULL},
    {OPTION_NAME, '\0', "name", "NAME", "what to call the benchmark of a command (default: the command)", NULL},
    {OPTION_SHELL, '\0', "shell", "SHELL", "run commands by this shell (sh), or 'none'", "sh bash none"},
    {OPTION_WARMUP, 'w', "warmup", "N", "run each command N times before it is measured", NULL},
    {OPTION_SETUP, '\0', "setup", "CMD", "run CMD once before a command's first execution", NULL},
    {OPTION_PREPARE, 'p', "prepare", "CMD", "run CMD before each execution; may be given for each command",
     NULL},
    {OPTION_CONCLUDE, '\0', "conclude", "CMD", "run CMD after each execution", NULL},
    {OPTION_CLEANUP, '\0', "cleanup", "CMD", "run CMD once at the end, also after a failure", NULL},
    {OPTION_INPUT, '\0', "input", "FILE", "standard input of the commands (/dev/null)", NULL},
    {OPTION_IGNORE_FAILURE, 'i', "ignore-failure", NULL, "measure commands that exit with another code than 0",
     NULL},
    {OPTION_SHOW_OUTPUT, '\0', "show-output", NULL, "show what the commands print", NULL},
    {OPTION_INSTRUCTIONS, '\0', "instructions", NULL,
     "count instructions by valgrind: repeatable, and no time (tare-bench(1) names its traps)", NULL},
    {OPTION_NO_COUNTS, '\0', "no-counts", NULL,
     "no extra executions to count system calls, allocations and the like", NULL},
    {OPTION_FULL, '\0', "full", NULL, "all statistics of each benchmark", NULL},
    {OPTION_PLOT, '\0', "plot", NULL, "a histogram of each benchmark", NULL},
    {OPTION_BENCH_FORMAT, '\0', "format", "FORMAT",
     "table, json, csv or markdown (default: by the suffix of -o, else table)", "table json csv markdown"},
    {OPTION_BENCH_COLOR, '\0', "color", "WHEN", "auto, always or never", "auto always never"},
    {OPTION_OUTPUT, 'o', "output", "FILE", "write the result to FILE, and the table to standard output", NULL},
    KEEP_RESULT_OPTION,
    {0},
};

static int add_word(struct bench_words *words, const char *option, const char *value)
{
    if (words->count == BENCH_SIDES_MAX) {
        error("%s is given too often: %d times at most", option, BENCH_SIDES_MAX);
        return EXIT_TROUBLE;
    }
    words->words[words->count++] = value;
    return 0;
}

static int handle_command_option(struct bench_options *bench, int id, const char *value)
{
    switch (id) {
    case OPTION_COMMAND:
        bench->command = true;
        return 0;
    case OPTION_NAME:
        if (*value == '\0') {
            error("the name for --name is empty");
            return EXIT_TROUBLE;
        }
        bench->name = value;
        return 0;
    case OPTION_SHELL:
        bench->shell = strcmp(value, "none") == 0 ? NULL : value;
        return 0;
    case OPTION_WARMUP:
        return parse_count("--warmup", value, 0, 1000000, &bench->warmup) ? 0 : EXIT_TROUBLE;
    case OPTION_SETUP:
        return add_word(&bench->setup, "--setup", value);
    case OPTION_PREPARE:
        return add_word(&bench->prepare, "--prepare", value);
    case OPTION_CONCLUDE:
        return add_word(&bench->conclude, "--conclude", value);
    case OPTION_CLEANUP:
        return add_word(&bench->cleanup, "--cleanup", value);
    case OPTION_INPUT:
        bench->input = value;
        return 0;
    case OPTION_IGNORE_FAILURE:
        bench->ignore_failure = true;
        return 0;
    case OPTION_SHOW_OUTPUT:
        bench->show_output = true;
        return 0;
    case OPTION_BENCH_FORMAT:
        return output_option(&bench->output, OPTION_FORMAT, value) == 0 ? 0 : EXIT_TROUBLE;
    case OPTION_BENCH_COLOR:
        return output_option(&bench->output, OPTION_COLOR, value) == 0 ? 0 : EXIT_TROUBLE;
    default:
        return output_option(&bench->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
    }
}

static int handle_option(void *data, int id, const char *value)
{
    struct bench_options *bench = data;
    unsigned long number;
    switch (id) {
    case OPTION_VS:
        return add_word(&bench->vs, "--vs", value);
    case OPTION_VS_REV:
        bench->revision = value;
        return 0;
    case OPTION_BUILD:
        bench->build = value;
        return 0;
    case OPTION_RELINK:
        return parse_count("--relink", value, 2, BENCH_LAYOUTS_MAX, &bench->relink) ? 0 : EXIT_TROUBLE;
    case OPTION_FILTER:
        bench->filter = value;
        return 0;
    case OPTION_LIST:
        bench->list = true;
        return 0;
    case OPTION_TIME:
        return parse_seconds("--time", value, &bench->time_s) ? 0 : EXIT_TROUBLE;
    case OPTION_TIMEOUT:
        return parse_seconds("--timeout", value, &bench->timeout_s) ? 0 : EXIT_TROUBLE;
    case OPTION_MARGIN:
        if (!parse_number("--margin", value, true, 0.01, 50, &bench->margin)) {
            return EXIT_TROUBLE;
        }
        bench->margin /= 100;
        return 0;
    case OPTION_ALPHA:
        return parse_number("--alpha", value, false, 1e-9, 0.5, &bench->alpha) ? 0 : EXIT_TROUBLE;
    case OPTION_FAIL_ON:
        return parse_fail_on(value, &bench->fail_on) ? 0 : EXIT_TROUBLE;
    case OPTION_PIN:
        if (!parse_count("--pin", value, 0, CPU_SETSIZE - 1, &number)) {
            return EXIT_TROUBLE;
        }
        bench->pin = (int)number;
        return 0;
    case OPTION_SEED:
        if (!parse_count("--seed", value, 0, INT64_MAX, &number)) {
            return EXIT_TROUBLE;
        }
        bench->seed = number;
        return 0;
    case OPTION_FULL:
        bench->output.view.full = true;
        return 0;
    case OPTION_PLOT:
        bench->output.plot = true;
        return 0;
    case OPTION_NO_COUNTS:
        bench->no_counts = true;
        return 0;
    case OPTION_INSTRUCTIONS:
        bench->instructions = true;
        return 0;
    case OPTION_NO_LOCK:
        bench->unlocked = true;
        return 0;
    default:
        return handle_command_option(bench, id, value);
    }
}

/* Whether it is to be measured with this side as its first: one that sides before it have was, or will be, with those. */
static bool begins(const struct bench_call *call, size_t side, const struct bench_case *one)
{
    unsigned index;
    for (size_t i = 0; i < side; i++) {
        if (bench_find_case(&call->sides[i], one->name, &index) != NULL) {
            return false;
        }
    }
    return bench_wanted(call, one);
}

/* What is measured, and in how many comparisons. False after an error. */
static bool plan(struct bench_call *call)
{
    const struct bench_side *first = &call->sides[0];
    if (!first->program) {
        call->planned = 1;
        call->comparisons = call->side_count - 1;
        return true;
    }
    for (size_t i = 0; i < call->side_count; i++) {
        const struct bench_list *list = &call->sides[i].list;
        for (size_t j = 0; j < list->count; j++) {
            if (begins(call, i, &list->cases[j])) {
                call->planned++;
                size_t sides = bench_sides_with(call, list->cases[j].name);
                call->comparisons += sides - 1;
                call->parts += sides > 1 ? sides - 1 : 1;
            }
        }
    }
    if (call->planned != 0) {
        return true;
    }
    const char *names[BENCH_CASES_MAX];
    size_t count = first->list.count;
    for (size_t i = 0; i < count; i++) {
        names[i] = first->list.cases[i].bench;
    }
    const char *near = call->options.filter != NULL ? suggest(call->options.filter, names, count) : NULL;
    if (call->options.filter == NULL) {
        error("'%s' has no benchmarks", first->what);
    } else if (near != NULL) {
        error("no benchmark of '%s' matches '%s': did you mean '%s'?", first->what, call->options.filter, near);
    } else {
        error("no benchmark of '%s' matches '%s': 'tare bench --list %s' names them", first->what,
              call->options.filter, first->what);
    }
    return false;
}

static void show_one(const struct bench_call *call, size_t index)
{
    tare_view_bench_one(call->result, index, &call->options.output.view, call->options.output.plot, stdout);
}

static bool run_hooks(struct bench_call *call, bool begin)
{
    bool fine = true;
    for (size_t i = 0; i < call->side_count && (fine || !begin); i++) {
        const char *command = begin ? call->sides[i].setup : call->sides[i].cleanup;
        const char *first = begin ? call->sides[0].setup : call->sides[0].cleanup;
        if (command == NULL || (i > 0 && command == first)) {
            continue; /* one that was given once runs once */
        }
        fine = bench_run_hook(call, begin ? "--setup" : "--cleanup", command) && fine;
    }
    return fine;
}

static int measure_all(struct bench_call *call)
{
    const struct bench_side *first = &call->sides[0];
    if (!first->program) {
        int result = call->shell_path != NULL ? bench_shell_start(call) : 0;
        if (result != 0) {
            return result;
        }
        if (!run_hooks(call, true)) {
            result = bench_signal != 0 ? -EINTR : -ECANCELED;
        }
        if (result == 0) {
            result = bench_measure_one(call, NULL);
        }
        int signal_before = bench_signal;
        bench_signal = 0;
        if (!run_hooks(call, false) && result == 0) {
            result = bench_signal != 0 ? -EINTR : -ECANCELED;
        }
        bench_signal = signal_before != 0 ? signal_before : bench_signal;
        return result;
    }
    int result = 0;
    for (size_t i = 0; i < call->side_count && result == 0; i++) {
        const struct bench_list *list = &call->sides[i].list;
        for (size_t j = 0; j < list->count && result == 0; j++) {
            if (begins(call, i, &list->cases[j])) {
                result = bench_signal != 0 ? -EINTR : bench_measure_one(call, &list->cases[j]);
            }
        }
    }
    return result;
}

/* What is left to be shown when all is measured. */
static bool write_result(struct bench_call *call)
{
    const struct bench_options *bench = &call->options;
    if (bench_shows_table(bench)) {
        errno = 0;
        tare_view_bench_end(call->result, &bench->output.view, stdout);
        bench_flush(call);
    }
    struct output output = bench->output;
    output.view.color = output.view.color && output.file == NULL;
    bool shown = output.file == NULL && output.format == TARE_FORMAT_TABLE;
    bool written = shown || output_write(&output, call->result);
    return keep_result(&output, call->result) && written;
}

static int verdict_code(const struct bench_call *call)
{
    const struct tare_result_bench *bench = call->result->bench;
    bool slower = false, different = false, unresolved = false;
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        for (size_t j = 0; j < bench->benchmarks[i].comparison_count; j++) {
            const struct tare_comparison *one = &bench->benchmarks[i].comparisons[j].comparison;
            slower |= one->verdict == TARE_VERDICT_SLOWER && !one->within_margin;
            different |= one->verdict == TARE_VERDICT_FASTER && !one->within_margin;
            unresolved |= one->verdict == TARE_VERDICT_UNRESOLVED;
        }
    }
    int code = comparison_code(call->options.fail_on, slower, different, unresolved);
    return call->failed ? EXIT_DIFFERENT : code;
}

/* Of all programs; each name once. */
static void print_list(const struct bench_call *call)
{
    for (size_t i = 0; i < call->side_count; i++) {
        const struct bench_side *side = &call->sides[i];
        for (size_t j = 0; j < side->list.count; j++) {
            const struct bench_case *one = &side->list.cases[j];
            bool seen = !bench_wanted(call, one);
            unsigned index;
            for (size_t before = 0; before < i && !seen; before++) {
                seen = bench_find_case(&call->sides[before], one->name, &index) != NULL;
            }
            if (!seen) {
                char *safe = printable(one->name);
                puts(safe != NULL ? safe : one->name);
                free(safe);
            }
        }
    }
}

static int measure(struct bench_call *call)
{
    int code = EXIT_TROUBLE;
    int result = measure_all(call);
    progress_clear();
    /* What was measured before an error or a signal is not lost by it. */
    bench_mark_end(call, result);
    if (call->result->bench->benchmark_count == 0 && result != 0) {
        return result == -EINTR ? EXIT_RUN_SIGNALED + bench_signal : code;
    }
    if (bench_growths(call->result->bench) != 0) {
        error("out of memory");
    } else if (write_result(call) && result == 0) {
        code = verdict_code(call);
    }
    if (code == EXIT_FINE && call->write_error != 0) { /* the stream itself no longer knows why */
        error("cannot write to standard output: %s", strerror(call->write_error));
        code = EXIT_TROUBLE;
    }
    return result == -EINTR ? EXIT_RUN_SIGNALED + bench_signal : code;
}

static bool check_options(struct bench_call *call)
{
    struct bench_options *bench = &call->options;
    const struct bench_side *first = &call->sides[0];
    if (first->program) {
        const struct bench_words *words[] = {&bench->setup, &bench->prepare, &bench->conclude, &bench->cleanup};
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if (words[i]->count != 0) {
                error("--setup, --prepare, --conclude and --cleanup are for commands: a benchmark has its own "
                      "set-up in its body");
                return false;
            }
        }
        const char *other = bench->input != NULL    ? "--input"
                            : bench->name != NULL   ? "--name"
                            : bench->warmup != 0    ? "--warmup"
                            : bench->ignore_failure ? "--ignore-failure"
                            : bench->show_output    ? "--show-output"
                                                    : NULL;
        if (other != NULL) {
            error("%s is for commands: '%s' has benchmarks in it (TARE_BENCH)", other, first->what);
            return false;
        }
        if (isnan(bench->timeout_s)) {
            bench->timeout_s = BENCH_TIMEOUT_S;
        }
        return true;
    }
    if (bench->list || bench->filter != NULL || bench->revision != NULL || bench->relink != 0) {
        char *path = NULL;
        int failure = tare_find_program(first->what, &path);
        free(path);
        if (failure != 0) {
            error("cannot run '%s': %s", first->what, strerror(-failure));
            return false;
        }
        error("%s is for programs with benchmarks in them (TARE_BENCH): '%s' has none",
              bench->list             ? "--list"
              : bench->filter != NULL ? "--filter"
              : bench->relink != 0    ? "--relink"
                                      : "--vs-rev",
              first->what);
        return false;
    }
    bench->timeout_s = isnan(bench->timeout_s) ? 0 : bench->timeout_s;
    return true;
}

static int run_with(struct bench_call *call, char **operands, size_t count, char **argv)
{
    struct bench_options *bench = &call->options;
    if (bench->relink != 0) {
        bench_builds_recover(operands, count);
    }
    if (!bench_sides_find(call, operands, count) || !check_options(call) || !bench_builds_revision(call)) {
        return bench_signal != 0 ? EXIT_RUN_SIGNALED + bench_signal : EXIT_TROUBLE;
    }
    if (!plan(call)) {
        return EXIT_TROUBLE;
    }
    if (bench->list) {
        print_list(call);
        return EXIT_FINE;
    }
    if (!bench_begin_result(call, argv) || !bench_builds_relink(call)) {
        return bench_signal != 0 ? EXIT_RUN_SIGNALED + bench_signal : EXIT_TROUBLE;
    }
    if (!bench->unlocked && !measurement_lock(&call->lock, "bench", argv + 1)) {
        return bench_signal != 0 ? EXIT_RUN_SIGNALED + bench_signal : EXIT_TROUBLE;
    }
    return measure(call);
}

/* The word behind "--history", which takes one only with '=': somebody may have meant it so. NULL: none. */
static const char *behind_history(int argc, char *const *argv)
{
    for (int i = 1; i + 1 < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--history") == 0 && argv[i + 1][0] != '-') {
            return argv[i + 1];
        }
    }
    return NULL;
}

/* Of several operands, that word is no program and no command line. True after an error was printed. */
static bool is_history(const char *word, char *const *operands, int count)
{
    bool operand = false;
    char *path = NULL;
    for (int i = 0; i < count; i++) {
        operand = operand || operands[i] == word;
    }
    if (!operand || count < 2 || strpbrk(word, " \t\n|&;<>()$`'\"") != NULL ||
        tare_find_program(word, &path) == 0) {
        free(path);
        return false;
    }
    error("cannot run '%s': it is no program; if the history is meant, write --history=%s", word, word);
    return true;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    static struct bench_call call;
    const char *behind = behind_history(argc, argv); /* before the options change places */
    bench_call_init(&call);
    call.show = show_one;
    struct bench_options *bench = &call.options;
    int code;
    int first = options_parse(command, argc, argv, handle_option, bench, &code);
    if (first < 0) {
        return code;
    }
    if (first == argc) {
        error("what is to be measured? 'tare bench PROGRAM' or 'tare bench COMMAND [COMMAND...]'");
        return EXIT_TROUBLE;
    }
    if (behind != NULL && is_history(behind, argv + first, argc - first)) {
        return EXIT_TROUBLE;
    }
    if (!output_check(&bench->output) || (bench->pin >= 0 && !can_pin(bench->pin)) ||
        (bench->output.file != NULL && !output_can_write(bench->output.file))) {
        return EXIT_TROUBLE;
    }
    tare_random_seed(&call.random, bench->seed);
    struct bench_signals before;
    bench_signals_take(&before);
    code = run_with(&call, argv + first, (size_t)(argc - first), argv);
    bench_signals_give_back(&before);
    bench_call_release(&call);
    return code;
}

const struct command command_bench = {
    .name = "bench",
    .operands = "WHAT... [--vs B]",
    .summary = "how long it takes, and whether B is faster than A",
    .options = options,
    .details = "WHAT is a program with benchmarks in it (TARE_BENCH), or a command line. With\n"
               "more than one, or with --vs, each is compared with the first one.\n\n"
               "Exit code: 0; 1: something is slower by more than the margin (see --fail-on),\n"
               "or a benchmark failed; 2: the command line is wrong, or it could not be\n"
               "measured; 3: only unresolved (--fail-on unresolved); 128 + N: interrupted by\n"
               "signal N, and the verdicts so far were given.\n\n"
               "Examples:\n"
               "  tare bench ./ring_bench\n"
               "  tare bench ./ring_bench --vs ./ring_bench.new -o ring.json\n"
               "  tare bench 'gzip -kf f' 'zstd -qkf f'\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
