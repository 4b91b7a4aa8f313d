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
#include "cli/start.h"
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
    OPTION_FUNCTIONS,
    OPTION_FUNCTIONS_IN,
    OPTION_FUNCTIONS_MIN_SIZE,
};

static const struct option_spec options[] = {
    {OPTION_EXCLUSIVE, 'x', "exclusive", NULL,
     "then one more pass for each timer that was called, with only that timer enabled", NULL},
    {OPTION_ONLY, '\0', "only", "GLOB", "enable only timers whose module::name matches; may be given again",
     NULL},
    {OPTION_LIBC, '\0', "libc", NULL,
     "time the program's calls of libc, too: works without any instrument in it", NULL},
    {OPTION_FUNCTIONS, '\0', "functions", "[=GLOB]",
     "time its functions, too, or those that match: for programs built with -finstrument-functions, -pg or "
     "-fpatchable-function-entry",
     NULL},
    {OPTION_FUNCTIONS_IN, '\0', "functions-in", "FILE",
     "the functions of this program or library, too; may be given again", NULL},
    {OPTION_FUNCTIONS_MIN_SIZE, '\0', "functions-min-size", "BYTES",
     "leave out functions with less code than this (default: 16)", NULL},
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
    KEEP_RESULT_OPTION,
    {0},
};

static int want_functions(struct run *run, const char *globs)
{
    char *joined = NULL;
    run->functions_asked_for = true;
    if (globs == NULL) {
        return 0;
    }
    if (*globs == '\0' || asprintf(&joined, "%s%s%s", run->functions_globs != NULL ? run->functions_globs : "",
                                   run->functions_globs != NULL ? "," : "", globs) < 0) {
        error("--functions= needs a pattern");
        return EXIT_RUN_FAILURE;
    }
    free(run->functions_globs);
    run->functions_globs = joined;
    return 0;
}

static int want_functions_in(struct run *run, const char *path)
{
    size_t count = 0;
    run->functions_asked_for = true;
    while (run->functions_in != NULL && run->functions_in[count] != NULL) {
        count++;
    }
    char **grown = realloc(run->functions_in, (count + 2) * sizeof(*grown));
    if (grown == NULL || (grown[count] = strdup(path)) == NULL) {
        error("out of memory");
        run->functions_in = grown != NULL ? grown : run->functions_in;
        return EXIT_RUN_FAILURE;
    }
    grown[count + 1] = NULL;
    run->functions_in = grown;
    return 0;
}

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
    case OPTION_FUNCTIONS:
        return want_functions(run, value);
    case OPTION_FUNCTIONS_IN:
        return want_functions_in(run, value);
    case OPTION_FUNCTIONS_MIN_SIZE:
        run->functions_asked_for = true;
        return parse_count("--functions-min-size", value, 0, 1000000000, &run->functions_min_size)
                   ? 0
                   : EXIT_RUN_FAILURE;
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
    case OPTION_CLOCK:
        run->clock = value;
        return start_clock_is_fine(value) ? 0 : EXIT_RUN_FAILURE;
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

/* The function that was meant by a pattern without wildcards; NULL: there is such a one, or no near one. */
static const char *near_function(const struct run *run, const char *glob)
{
    const struct tare_functions *made = &run->functions;
    const char **words = calloc(made->name_count + 1, sizeof(*words));
    bool with_module = strstr(glob, "::") != NULL, found = false;
    for (size_t i = 0; words != NULL && i < made->name_count; i++) {
        const char *rest = strstr(made->names[i], "::");
        words[i] = with_module || rest == NULL ? made->names[i] : rest + 2;
        found = found || strcmp(made->names[i], glob) == 0 || (rest != NULL && strcmp(rest + 2, glob) == 0);
    }
    const char *near = words != NULL && !found ? suggest(glob, words, made->name_count) : NULL;
    free(words);
    return near;
}

/* What was mistyped among the patterns: the first for the error, the rest as warnings. Allocated, or NULL. */
static char *mistyped_function(const struct run *run, bool warn)
{
    char *list = run->functions_globs != NULL ? strdup(run->functions_globs) : NULL, *rest = list, *text = NULL;
    for (char *glob; rest != NULL && text == NULL && (glob = strsep(&rest, ",")) != NULL;) {
        glob += *glob == '!';
        const char *near = *glob != '\0' && strpbrk(glob, "*?[") == NULL ? near_function(run, glob) : NULL;
        char *safe = near != NULL ? printable(near) : NULL;
        if (safe != NULL && warn) {
            warning("no function is named '%s': did you mean '%s'?", glob, safe);
        } else if (safe != NULL && asprintf(&text, "; did you mean '%s'?", safe) < 0) {
            text = NULL;
        }
        free(safe);
    }
    free(list);
    return text;
}

/*
 * Makes the table of the program's functions, and room for their timers beside those in the source: as many as
 * the user gives, or as it takes up to a number at which the pages are still small.
 */
static bool find_functions(struct run *run)
{
    enum { OTHERS = 512, ROOM_MIN = 1024, ROOM_MAX = 16384 };
    char message[512];
    unsigned long room = 0;
    const char *given = getenv("TARE_TIMERS");
    if (given != NULL && *given != '\0' &&
        !parse_count("TARE_TIMERS", given, 2, TARE_SET_TIMERS_LIMIT, &room)) {
        return false;
    }
    uint32_t others = room != 0 ? (uint32_t)(room / 2 < OTHERS ? room / 2 : OTHERS) : OTHERS;
    const struct tare_functions_request request = {
        .path = run->path,
        .also = (const char *const *)run->functions_in,
        .globs = run->functions_globs,
        .min_size = (uint32_t)run->functions_min_size,
        .max = (room != 0 ? (uint32_t)room : ROOM_MAX) - others,
    };
    if (tare_functions_make(&request, &run->functions, message, sizeof(message)) != 0) {
        char *near = mistyped_function(run, false);
        error("%s%s", message, near != NULL ? near : "");
        free(near);
        return false;
    }
    free(mistyped_function(run, true));
    uint32_t needed = (uint32_t)run->functions.chosen + others;
    run->timers = room != 0 ? (uint32_t)room : needed > ROOM_MIN ? needed : ROOM_MIN;
    return true;
}

/* What became of the functions, beside the figures. */
static void note_functions(const struct run *run, struct tare_result *result)
{
    const struct tare_functions *made = &run->functions;
    if (made->fd < 0) {
        return;
    }
    const struct tare_functions_header *shared = made->shared;
    char *where = printable(made->files[0].module), small[512] = "";
    for (size_t i = 0; i < sizeof(made->small_names) / sizeof(made->small_names[0]); i++) {
        char *name = made->small_names[i] != NULL ? printable(made->small_names[i]) : NULL;
        if (name != NULL) {
            size_t used = strlen(small);
            snprintf(small + used, sizeof(small) - used, "%s%.120s%s", i == 0 ? " without calls (" : ", ", name,
                     strlen(name) > 120 ? "..." : "");
        }
        free(name);
    }
    if (small[0] != '\0') {
        bool more = made->too_small > sizeof(made->small_names) / sizeof(made->small_names[0]);
        size_t used = strlen(small);
        snprintf(small + used, sizeof(small) - used, "%s; see --functions-min-size)", more ? ", ..." : "");
    }
    tare_result_note(
        result, "%zu of %zu functions of '%s'%s are timed (%s); left out: %zu below %lu bytes of code%s%s",
        made->chosen, made->functions, where != NULL ? where : "",
        made->file_count > 1 ? " and its libraries" : "", tare_functions_flag(made->style), made->too_small,
        run->functions_min_size, small, made->not_asked_for != 0 ? ", and those not asked for" : "");
    free(where);
    if (made->without_room != 0) {
        tare_result_note(
            result,
            "%zu more functions, of %u bytes and less, did not fit: the largest are timed; choose with "
            "--functions=GLOB, or set TARE_TIMERS higher",
            made->without_room, (unsigned)made->largest_without_room);
    }
    for (size_t i = 0; i < made->file_count; i++) {
        if (made->files[i].has_timers) {
            tare_result_note(result,
                             "timers in the source are corrected as functions are, which cost more: their "
                             "net times are too short by the difference");
            break;
        }
    }
    if (run->exclusive) {
        tare_result_note(result,
                         "in an exclusive pass the other functions' calls of the hooks remain, some ns each, "
                         "and are not subtracted");
    }
    if (shared->error != 0) {
        tare_result_note(result, "functions of some file could not be timed: %s", strerror(shared->error));
    } else if (shared->attached == 0) {
        tare_result_note(result,
                         "libtare-functions.so was not loaded into the program, or found none of these files");
    }
    if (shared->unpatchable != 0) {
        tare_result_note(result,
                         "%u functions have less room than the 5 bytes that a call takes, and are not timed: "
                         "build with -fpatchable-function-entry=5",
                         (unsigned)shared->unpatchable);
    }
    if (shared->in_use != 0) {
        tare_result_note(result,
                         "%u functions are not timed: room for their calls was found when other threads might "
                         "have been in it",
                         (unsigned)shared->in_use);
    }
    if (shared->lost != 0) {
        tare_result_note(result,
                         "%llu calls were not timed, or not to their end: more than 131,072 functions deep, or "
                         "on a stack that the program made itself",
                         (unsigned long long)shared->lost);
    }
}

static int prepare(struct run *run)
{
    int code = start_find(run->argv[0], &run->path);
    if (code != 0) {
        return code;
    }
    if (run->pin >= 0 && !can_pin(run->pin)) {
        return EXIT_RUN_FAILURE;
    }
    if (run->clock == NULL) {
        start_check_clock_variable();
    }
    if (run->functions_asked_for &&
        (!start_can_preload(run->path, "the hooks in its functions", "--functions") ||
         !start_add_preload(&run->preload, "libtare-functions.so", "--functions") || !find_functions(run))) {
        return EXIT_RUN_FAILURE;
    }
    if (run->libc && (!start_can_preload(run->path, "libc", "--libc") ||
                      !start_add_preload(&run->preload, "libtare-libc.so", "--libc"))) {
        return EXIT_RUN_FAILURE;
    }
    struct stat st;
    run->input_offset =
        fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode) ? lseek(STDIN_FILENO, 0, SEEK_CUR) : -1;
    run->input_stream = fstat(STDIN_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
    return 0;
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
            code = !outcome_pass(result, &outcome, full) ||
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
                  run->functions_asked_for ? "run --functions --all"
                  : run->libc              ? "run --libc --all"
                                           : "list",
                  run->argv[0]);
        }
        fine = false;
    }
    free(list);
    return fine;
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
        if (code == 0 && !outcome_pass(result, outcome, NULL)) {
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
    start_hold_signals(&run->mask);
    struct tare_outcome outcome = {0};
    int code = run_together(run, result, &outcome);
    if (code != 0) {
        goto out;
    }
    note_functions(run, result);
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
    int late = start_release_signals(&run->mask);
    result->incomplete |= (interrupted != 0 || late != 0) && run->exclusive;
    run->output.interrupted = interrupted != 0 || late != 0;
    outcome_say(&outcome, run->argv[0], run->timeout_s, "what it had counted until then");
    code = outcome_code(&outcome);
    if (code == 0 && result->incomplete) {
        code = EXIT_RUN_SIGNALED + (late != 0 ? late : interrupted);
    }
    bool anything = result->timer_count != 0 || result->instrument_count != 0;
    if (!anything && result->lost_processes == 0) {
        start_explain_nothing(
            run->argv[0], run->path,
            &(struct start_nothing){
                .what = "timers", .command = "run", .libc = run->libc, .functions = run->functions_asked_for});
    }
    if (run->only != NULL && !check_only(run, result)) {
        code = EXIT_RUN_FAILURE; /* and no result, which would look like one */
    } else if ((anything || run->output.format != TARE_FORMAT_TABLE) && !output_write(&run->output, result)) {
        code = EXIT_RUN_FAILURE;
    } else if (!overhead_judge(result, run->max_overhead) || !keep_result(&run->output, result)) {
        code = EXIT_RUN_FAILURE;
    }
out:
    watch_end(&watch);
    tare_result_free(result);
    return code;
}

static void release(struct run *run)
{
    for (size_t i = 0; run->functions_in != NULL && run->functions_in[i] != NULL; i++) {
        free(run->functions_in[i]);
    }
    free(run->functions_in);
    free(run->functions_globs);
    tare_functions_close(&run->functions);
    free(run->only);
    free(run->path);
    free(run->preload);
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct run run = {.pin = -1,
                      .repeat = 1,
                      .max_overhead = NAN,
                      .functions_min_size = TARE_FUNCTIONS_MIN_SIZE,
                      .functions = {.fd = -1}};
    output_init(&run.output);
    int code;
    int first = options_parse(command, argc, argv, handle_option, &run, &code);
    if (first < 0) {
        release(&run);
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
    release(&run);
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
               "  tare run --functions='parse*,!parse_space' ./server --once\n"
               "  tare run --libc -o result.json -- sqlite3 data.db 'pragma integrity_check'\n",
    .run = run_command,
    .usage_exit = EXIT_RUN_FAILURE,
    .operands_have_options = true,
};
