/* SPDX-License-Identifier: MIT */
/*
 * `tare suite`: real hot paths, measured on the user's own machine. A suite is a table (suites/suite.h) and programs beside
 * the command; they are measured as those of `tare bench` are, and what follows from all of them is added at the end.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "build-config.h"
#include "cli/bench.h"
#include "cli/check.h"
#include "cli/suite.h"
#include "record/machine.h"
#include "record/monotonic.h"
#include "result/metrics.h"
#include "result/suite.h"
#include "view/suite.h"

enum {
    OPTION_QUICK = 1,
    OPTION_LIST,
    OPTION_FILTER,
    OPTION_SIDES,
    OPTION_AGAINST,
    OPTION_TIME,
    OPTION_BUDGET,
    OPTION_PIN,
    OPTION_TIMEOUT,
    OPTION_SEED,
    OPTION_NO_LOCK,
    OPTION_NO_COUNTS,
    OPTION_FULL,
    OPTION_SUITE_FORMAT,
    OPTION_SUITE_COLOR,
};

static const struct option_spec options[] = {
    {OPTION_QUICK, '\0', "quick", NULL, "less than a minute: fewer benchmarks, less time for each", NULL},
    {OPTION_LIST, 'l', "list", NULL, "list the benchmarks and what they do, and measure nothing", NULL},
    {OPTION_FILTER, '\0', "filter", "GLOB", "only benchmarks whose name matches; commas separate patterns",
     NULL},
    {OPTION_SIDES, '\0', "sides", "SIDES", "only these sides, and the first one, which all are compared with",
     NULL},
    {OPTION_AGAINST, '\0', "against", "FOLDER",
     "compare a side with its own of another build or installation of tare, in FOLDER", NULL},
    {OPTION_TIME, '\0', "time", "SECONDS", "measure each benchmark of each side for so long at most", NULL},
    {OPTION_BUDGET, '\0', "budget", "FILE", "judge by this budget instead of the suite's own; 'none': by none",
     NULL},
    {OPTION_PIN, '\0', "pin", "CPU",
     "run on this processor (default: where the benchmark or the kernel puts it)", NULL},
    {OPTION_TIMEOUT, '\0', "timeout", "S", "end a process after S seconds (60)", NULL},
    {OPTION_SEED, '\0', "seed", "N", "of the order in which sides run (default: drawn)", NULL},
    {OPTION_NO_LOCK, '\0', "no-lock", NULL, "do not wait for other measurements on this machine", NULL},
    {OPTION_NO_COUNTS, '\0', "no-counts", NULL, "no extra executions to count system calls and the like", NULL},
    {OPTION_FULL, '\0', "full", NULL, "all that is known of each benchmark", NULL},
    {OPTION_SUITE_FORMAT, '\0', "format", "FORMAT",
     "table, json, csv, markdown, svg or html (default: by the suffix of -o, else table)",
     "table json csv markdown svg html"},
    {OPTION_SUITE_COLOR, '\0', "color", "WHEN", "auto, always or never", "auto always never"},
    {OPTION_OUTPUT, 'o', "output", "FILE", "write the result to FILE, and the table to standard output", NULL},
    KEEP_RESULT_OPTION,
    {0},
};

/* Six are the fewest whose median has an interval (stats/quantile.h), ten the fewest whose ratio has a narrow one. */
enum { LEAST_ROUNDS = 10, LEAST_ROUNDS_QUICK = 6, FEW_SIDES = 2 };

/* A ratio is what a suite answers: 95 % for each, and no comparison is over before half of its interval is this. */
#define RATIO_ALPHA 0.05
#define RATIO_HALF 0.02

/* What --quick promises, less what a benchmark has to do behind its rounds, and all at the end. */
#define QUICK_MOST_S 55.0

/* The callbacks of struct bench_call know nothing of suites. */
static const struct suite_call *current;

static int handle_option(void *data, int id, const char *value)
{
    struct suite_call *call = data;
    struct bench_options *bench = &call->bench->options;
    unsigned long number;
    switch (id) {
    case OPTION_QUICK:
        call->quick = true;
        return 0;
    case OPTION_LIST:
        bench->list = true;
        return 0;
    case OPTION_FILTER:
        bench->filter = value;
        return 0;
    case OPTION_SIDES:
        call->sides = value;
        return 0;
    case OPTION_AGAINST:
        call->against = value;
        return 0;
    case OPTION_TIME:
        return parse_seconds("--time", value, &call->time_s) ? 0 : EXIT_TROUBLE;
    case OPTION_BUDGET:
        call->budget = value;
        return 0;
    case OPTION_PIN:
        if (!parse_count("--pin", value, 0, CPU_SETSIZE - 1, &number)) {
            return EXIT_TROUBLE;
        }
        bench->pin = (int)number;
        return 0;
    case OPTION_TIMEOUT:
        return parse_seconds("--timeout", value, &bench->timeout_s) ? 0 : EXIT_TROUBLE;
    case OPTION_SEED:
        if (!parse_count("--seed", value, 0, INT64_MAX, &number)) {
            return EXIT_TROUBLE;
        }
        bench->seed = number;
        return 0;
    case OPTION_NO_LOCK:
        bench->unlocked = true;
        return 0;
    case OPTION_NO_COUNTS:
        bench->no_counts = true;
        return 0;
    case OPTION_FULL:
        bench->output.view.full = true;
        return 0;
    case OPTION_SUITE_FORMAT:
        return output_option(&bench->output, OPTION_FORMAT, value) == 0 ? 0 : EXIT_TROUBLE;
    case OPTION_SUITE_COLOR:
        return output_option(&bench->output, OPTION_COLOR, value) == 0 ? 0 : EXIT_TROUBLE;
    default:
        return output_option(&bench->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
    }
}

/* What is measured */

static bool is_quick(const struct bench_call *bench, const struct bench_case *one)
{
    (void)bench;
    const struct suite_case *known = suite_find_case(current->suite, one->bench, NULL);
    return !current->quick || known == NULL || !known->slow;
}

/* Every benchmark once, in the order of the sides and of their lists; those that nobody wants left out. */
struct planned {
    const struct bench_case **cases;
    size_t count;
    size_t all; /* that the suite has */
};

/* That each pattern of --filter has something to measure. False after an error. */
static bool check_patterns(const struct suite_call *call, const struct planned *planned)
{
    const struct bench_call *bench = call->bench;
    for (const char *at = bench->options.filter; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, ",");
        char *pattern = strndup(at, size);
        bool found = false;
        for (size_t i = 0; i < planned->count && pattern != NULL && !found; i++) {
            found = benchmark_matches(pattern, planned->cases[i]->name, planned->cases[i]->bench);
        }
        if (!found && size != 0) {
            const char *names[BENCH_CASES_MAX];
            const struct bench_list *list = &bench->sides[0].list;
            for (size_t i = 0; i < list->count; i++) {
                names[i] = list->cases[i].bench;
            }
            bool there = false;
            for (size_t i = 0; i < bench->side_count && pattern != NULL; i++) {
                for (size_t j = 0; j < bench->sides[i].list.count; j++) {
                    there = there || benchmark_matches(pattern, bench->sides[i].list.cases[j].name,
                                                       bench->sides[i].list.cases[j].bench);
                }
            }
            const char *near = pattern != NULL ? suggest(pattern, names, list->count) : NULL;
            if (there) {
                error("--quick leaves out what '%s' matches", pattern);
            } else {
                error("no benchmark of the suite '%s' matches '%s'%s%s%s", call->suite->name,
                      pattern != NULL ? pattern : "", near != NULL ? ": did you mean '" : "",
                      near != NULL ? near : "", near != NULL ? "'?" : "");
            }
            free(pattern);
            return false;
        }
        free(pattern);
        at += size + (at[size] == ',');
    }
    return true;
}

static bool plan(struct suite_call *call, struct planned *planned)
{
    struct bench_call *bench = call->bench;
    size_t most = 0;
    for (size_t i = 0; i < bench->side_count; i++) {
        most += bench->sides[i].list.count;
    }
    planned->cases = calloc(most + 1, sizeof(*planned->cases));
    planned->count = planned->all = 0;
    if (planned->cases == NULL) {
        error("out of memory");
        return false;
    }
    for (size_t i = 0; i < bench->side_count; i++) {
        for (size_t j = 0; j < bench->sides[i].list.count; j++) {
            const struct bench_case *one = &bench->sides[i].list.cases[j];
            unsigned index;
            bool seen = false;
            for (size_t before = 0; before < i && !seen; before++) {
                seen = bench_find_case(&bench->sides[before], one->name, &index) != NULL;
            }
            planned->all += !seen;
            if (!seen && bench_wanted(bench, one)) {
                planned->cases[planned->count++] = one;
                size_t sides = bench_sides_with(bench, one->name);
                bench->comparisons += sides - 1;
                bench->parts += sides > 1 ? sides - 1 : 1;
            }
        }
    }
    bench->planned = planned->count;
    return check_patterns(call, planned);
}

/* What a benchmark takes beside its measured time: finding out its iterations, its warm-up, timers and counts. */
#define EXTRA_S 0.6
#define EXTRA_QUICK_S 0.25
#define EXTRA_SIDE_S 0.35
#define EXTRA_ALONE_S 1.2 /* timers that are read one by one */
#define EXTRA_ALONE_QUICK_S 0.35

static double set_time(struct suite_call *call, const struct planned *planned)
{
    struct bench_call *bench = call->bench;
    size_t parts = bench->comparisons > planned->count ? bench->comparisons : planned->count;
    double extra = call->quick ? EXTRA_QUICK_S : EXTRA_S;
    double extras = extra * (double)planned->count + EXTRA_SIDE_S * (double)bench->comparisons;
    if (call->suite->timers_alone) {
        extras += (call->quick ? EXTRA_ALONE_QUICK_S : EXTRA_ALONE_S) * (double)planned->count;
    }
    double time_s = call->quick ? call->suite->quick_case_s : call->suite->case_s;
    if (!isnan(call->time_s)) {
        time_s = call->time_s;
    } else if (call->quick) {
        double share = (call->suite->quick_s - extras) / (double)parts;
        time_s = fmin(time_s, fmax(share, 0.02));
    }
    bench->options.time_s = time_s;
    return time_s * (double)parts + extras;
}

/* A name, and what it does in a column of its own, up to the 80th. */
static void print_wrapped(const char *name, const char *about)
{
    enum { WIDTH = 80, INDENT = 2, COLUMN = 32 };
    int used = printf("%*s%s", INDENT, "", name);
    if (used > COLUMN - 2 && *about != '\0') {
        putchar('\n');
        used = 0;
    }
    while (*about != '\0') {
        size_t room = WIDTH - COLUMN, take = strlen(about);
        if (take > room) {
            for (take = room; take > 0 && about[take] != ' '; take--) {
            }
            take = take == 0 ? strcspn(about, " ") : take;
        }
        printf("%*s%.*s", COLUMN - used, "", (int)take, about);
        about += take + strspn(about + take, " ");
        used = 0;
        if (*about != '\0') {
            putchar('\n');
        }
    }
    putchar('\n');
}

static void print_list(const struct suite_call *call, const struct planned *planned)
{
    const struct suite *suite = call->suite;
    const char *bench = "";
    for (size_t i = 0; i < call->shown_count && suite->side_count > 1; i++) {
        const struct shown *side = &call->shown[i];
        printf("side %-10s %s%s%s\n", side->label, side->about, side->skipped != NULL ? "; skipped: " : "",
               side->skipped != NULL ? side->skipped : "");
    }
    const struct suite_group *before = NULL;
    for (size_t i = 0; i < planned->count; i++) {
        const struct bench_case *one = planned->cases[i];
        const struct suite_group *group = NULL;
        const struct suite_case *known = suite_find_case(suite, one->bench, &group);
        if (group != before && group != NULL) {
            printf("%s%s%s%s\n", i > 0 || suite->side_count > 1 ? "\n" : "", group->name,
                   group->about != NULL ? ": " : "", group->about != NULL ? group->about : "");
        }
        before = group;
        char *safe = printable(one->name);
        bool again = strcmp(bench, one->bench) == 0;
        print_wrapped(safe != NULL ? safe : one->name, known == NULL || again ? "" : known->about);
        bench = one->bench;
        free(safe);
    }
}

/* The result */

/* Where the programs make and read files, as they choose it (os/folder.c, side_place.c); NULL: they make none. */
static const char *files_folder(const struct suite *suite)
{
    const char *folder = suite->files == SUITE_FILES_ANYWHERE ? getenv("TARE_SUITE_DIR") : NULL;
    struct stat status;
    if (suite->files == SUITE_FILES_NONE) {
        return NULL;
    }
    if (suite->files == SUITE_FILES_IN_MEMORY && stat("/dev/shm", &status) == 0 && S_ISDIR(status.st_mode) &&
        access("/dev/shm", W_OK | X_OK) == 0) {
        return "/dev/shm";
    }
    folder = folder != NULL && *folder != '\0' ? folder : getenv("TMPDIR");
    bool usable = folder != NULL && (suite->files == SUITE_FILES_IN_MEMORY ? *folder == '/' : *folder != '\0');
    return usable ? folder : "/tmp";
}

/* The kind of its file system; NULL: unknown. */
static const char *file_system(const char *folder, char text[64])
{
    static const struct {
        long magic;
        const char *name;
    } known[] = {
        {0xEF53, "ext2/3/4"},    {0x01021994, "tmpfs"}, {0x9123683E, "btrfs"},    {0x58465342, "xfs"},
        {0x794c7630, "overlay"}, {0x6969, "nfs"},       {0x2fc12fc1, "zfs"},      {0xF2F52010, "f2fs"},
        {0x65735546, "fuse"},    {0x858458f6, "ramfs"}, {0xca451a4e, "bcachefs"}, {0x01021997, "9p"},
    };
    struct statfs status;
    if (statfs(folder, &status) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if ((unsigned long)status.f_type == (unsigned long)known[i].magic) {
            return known[i].name;
        }
    }
    snprintf(text, 64, "0x%lx", (unsigned long)status.f_type);
    return text;
}

/* "none", a number of processors, or "unknown". */
static const char *quota_text(const struct tare_quota *quota, char text[64])
{
    if (quota->cpus > 0) {
        snprintf(text, 64, "%g", quota->cpus);
        return text;
    }
    return quota->known ? "none" : "unknown";
}

/*
 * What the figures depend on and no part of the fingerprint has, as more of its settings: results that differ in it are not
 * compared, and are of different series. Of the file system its kind alone, as folders have another name each time.
 */
static char *describe_surroundings(const struct suite *suite)
{
    const char *folder = files_folder(suite), *name;
    char *settings, kind[64], cpus[64];
    struct tare_quota quota;
    tare_quota_read(&quota, "");
    name = folder != NULL ? file_system(folder, kind) : NULL;
    if (asprintf(&settings, " quota=%s%s%s", quota_text(&quota, cpus), folder != NULL ? " file_system=" : "",
                 folder == NULL ? ""
                 : name != NULL ? name
                                : "unknown") < 0) {
        return NULL;
    }
    return settings;
}

static int add_facts(const struct suite *suite, struct tare_result *result)
{
    struct tare_machine machine;
    char text[2 * TARE_MACHINE_TEXT + 128], small[64];
    int failure = tare_machine_read(&machine, "");
    if (failure != 0) {
        return failure;
    }
    if (machine.weaknesses != 0) {
        snprintf(text, sizeof(text), "%u of %u known weaknesses worked around%s%s%s%s", machine.mitigated_count,
                 machine.weaknesses, machine.mitigated_count != 0 ? ": " : "", machine.mitigated,
                 machine.mitigations[0] != '\0' ? "; mitigations=" : "", machine.mitigations);
    }
    failure = tare_suite_add_fact(result->suite, "mitigations", machine.weaknesses != 0 ? text : NULL);
    if (failure == 0) {
        failure = tare_suite_add_fact(result->suite, "clocksource", result->environment.clocksource);
    }
    if (failure == 0) {
        bool known = machine.quota.known || machine.quota.cpus > 0;
        snprintf(text, sizeof(text), "%s%s", quota_text(&machine.quota, small),
                 machine.quota.cpus > 0 ? " processors" : "");
        failure = tare_suite_add_fact(result->suite, "quota", known ? text : NULL);
    }
    const char *folder = files_folder(suite);
    if (failure == 0 && folder != NULL) {
        const char *name = file_system(folder, small);
        if (name != NULL) {
            snprintf(text, sizeof(text), "%s, of %.200s", name, folder);
        }
        failure = tare_suite_add_fact(result->suite, "file system", name != NULL ? text : NULL);
    }
    if (failure == 0) {
        snprintf(text, sizeof(text), "%u of %u processors", machine.allowed_count, machine.online_count);
        failure = tare_suite_add_fact(result->suite, "processors", machine.online_count != 0 ? text : NULL);
    }
    tare_machine_release(&machine);
    return failure;
}

static bool begin_result(struct suite_call *call, char **argv)
{
    struct bench_call *bench = call->bench;
    const struct suite *suite = call->suite;
    bench->suite_settings = call->surroundings = describe_surroundings(suite);
    if (call->surroundings == NULL) {
        error("out of memory");
        return false;
    }
    if (!bench_begin_result(bench, argv)) {
        return false;
    }
    int failure =
        (bench->result->suite = tare_result_suite_new(suite->name, call->quick)) == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < call->shown_count && failure == 0; i++) {
        const struct shown *shown = &call->shown[i];
        const struct tare_suite_side side = {.label = (char *)shown->label,
                                             .about = (char *)shown->about,
                                             .skipped = shown->skipped,
                                             .arm = (char *)shown->arm};
        failure = tare_suite_add_side(bench->result->suite, &side);
    }
    if (failure == 0) {
        failure = add_facts(suite, bench->result);
    }
    if (failure != 0) {
        error("out of memory");
    }
    return failure == 0;
}

/* Why none of the arms was measured, if it is that it cannot be here; NULL else. */
static const char *skipped_by_all(const struct tare_result_benchmark *benchmark)
{
    const char *why = NULL;
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        const char *failure = benchmark->arms[i].failure;
        if (!tare_result_is_skip(failure)) {
            if (benchmark->arms[i].summary.n != 0 || (failure != NULL && !benchmark->arms[i].control)) {
                return NULL;
            }
            continue; /* it was not run any more */
        }
        why = why != NULL ? why : failure + strlen(BENCH_SKIPPED);
    }
    return why;
}

/* The row of a benchmark that was just measured. */
static bool add_item(const struct suite_call *call, const struct bench_case *one)
{
    struct tare_result *result = call->bench->result;
    const struct tare_result_benchmark *benchmark = tare_result_find_benchmark(result->bench, one->name);
    const struct suite_group *group = NULL;
    const struct suite_case *known = suite_find_case(call->suite, one->bench, &group);
    const struct tare_suite_item item = {
        .benchmark = one->name,
        .group = group != NULL ? (char *)group->name : NULL,
        .about = known != NULL ? (char *)known->about : NULL,
        .skipped = benchmark != NULL ? (char *)skipped_by_all(benchmark) : NULL,
    };
    if (tare_suite_add_item(result->suite, &item) != 0) {
        error("out of memory");
        return false;
    }
    return true;
}

static void show_nothing(const struct bench_call *bench, size_t index)
{
    (void)bench;
    (void)index; /* its item comes first: measure_all() shows it then */
}

static double seconds_since(uint64_t begun_ns)
{
    return (double)(tare__monotonic_ns() - begun_ns) / 1e9;
}

/* What --quick has no time for is left out, and said to be: benchmarks take their rounds, however long these are. */
static void leave_out(struct suite_call *call, size_t count, size_t all)
{
    if (!bench_shows_table(&call->bench->options)) { /* else the note is in it */
        progress_clear();
        warning("not measured, as the minute of --quick was over: %zu of %zu benchmarks", count, all);
    }
    tare_result_note(call->bench->result,
                     "not measured, as the minute of --quick was over: %zu of %zu benchmarks", count, all);
}

static int measure_all(struct suite_call *call, const struct planned *planned)
{
    struct bench_call *bench = call->bench;
    uint64_t begun_ns = tare__monotonic_ns();
    size_t done = 0;
    int result = 0;
    bool limited = call->quick && isnan(call->time_s);
    bench->end_ns = limited ? call->begun_ns + (uint64_t)(QUICK_MOST_S * 1e9) : 0;
    for (size_t i = 0; i < planned->count && result == 0; i++) {
        size_t sides = bench_sides_with(bench, planned->cases[i]->name);
        if (limited &&
            !suite_fits(seconds_since(call->begun_ns), seconds_since(begun_ns), done, sides, QUICK_MOST_S)) {
            leave_out(call, planned->count - i, planned->count);
            break;
        }
        done += sides;
        size_t before = bench->result->bench->benchmark_count;
        result = bench_signal != 0 ? -EINTR : bench_measure_one(bench, planned->cases[i]);
        if (bench->result->bench->benchmark_count == before) {
            break;
        }
        if (!add_item(call, planned->cases[i])) {
            return -ENOMEM;
        }
        if (bench_shows_table(&bench->options)) {
            tare_view_suite_one(bench->result, before, &bench->options.output.view, stdout);
            fflush(stdout);
        }
    }
    return result;
}

/* The budget */

/* Whether a metric is of a benchmark that the suite has, measured this time or not. */
static bool is_of_suite(const struct suite_call *call, const char *metric)
{
    for (size_t i = 0; i < call->bench->side_count; i++) {
        const struct bench_list *list = &call->bench->sides[i].list;
        for (size_t j = 0; j < list->count; j++) {
            size_t size = strlen(list->cases[j].name);
            if (strncmp(metric, list->cases[j].name, size) == 0 && metric[size] == '.') {
                return true;
            }
        }
    }
    return false;
}

/* That all of a budget that was given is of this suite. False after an error. */
static bool check_budget(const struct suite_call *call)
{
    if (call->budget == NULL || strcmp(call->budget, "none") == 0) {
        return true;
    }
    struct tare_budget *budget = check_read_budget(call->budget);
    bool fine = budget != NULL;
    for (size_t i = 0; fine && i < budget->count; i++) {
        const char *metric = budget->entries[i].metric;
        if (!is_of_suite(call, metric)) {
            char *safe = printable(metric);
            error("%s:%zu: the suite '%s' has no benchmark with the metric '%s'", call->budget,
                  budget->entries[i].line, call->suite->name, safe != NULL ? safe : "");
            free(safe);
            fine = false;
        }
    }
    tare_budget_free(budget);
    return fine;
}

/* 0: kept to, or there is none; 1: it is not; 2: after an error. `shown`: as a table. */
static int judge(const struct suite_call *call, bool shown)
{
    const struct tare_result *result = call->bench->result;
    char *own = NULL;
    const char *path = call->budget;
    if ((path != NULL && strcmp(path, "none") == 0) || (path == NULL && call->against != NULL)) {
        return EXIT_FINE;
    }
    if (path == NULL) {
        if (call->suite->budget == NULL || !tare_budget_available()) {
            return EXIT_FINE;
        }
        if (asprintf(&own, "%s/%s", call->folder, call->suite->budget) < 0) {
            error("out of memory");
            return EXIT_TROUBLE;
        }
        path = own;
    }
    struct tare_metrics metrics = {0};
    struct tare_budget *budget = check_read_budget(path);
    struct tare_judged *judged = budget != NULL ? calloc(budget->count + 1, sizeof(*judged)) : NULL;
    size_t count = 0, missing = 0;
    int code = judged == NULL || tare_metrics_of(result, &metrics) != 0 ? EXIT_TROUBLE : EXIT_FINE;
    for (size_t i = 0; code != EXIT_TROUBLE && i < budget->count; i++) {
        struct tare_budget_problem problem;
        /* What was not measured this time, for want of time, of a device or by --filter, is not judged, and counted. */
        if (tare_budget_judge(&budget->entries[i], &metrics, NULL, &judged[count], &problem) != 0) {
            missing++;
            continue;
        }
        /* What is unknown was skipped, or failed, which is told already. */
        code = judged[count].judgement == TARE_JUDGED_FAIL ? EXIT_DIFFERENT : code;
        count++;
    }
    if (code != EXIT_TROUBLE && shown && count != 0) {
        tare_view_suite_budget(result, judged, count, missing, &call->bench->options.output.view, stdout);
    }
    tare_metrics_release(&metrics);
    free(judged);
    tare_budget_free(budget);
    free(own);
    return code;
}

static int finish(struct suite_call *call, int result)
{
    struct bench_call *bench = call->bench;
    const struct bench_options *settings = &bench->options;
    bench_mark_end(bench, result);
    if (bench->result->bench->benchmark_count == 0) {
        return result == -EINTR ? EXIT_RUN_SIGNALED + bench_signal : EXIT_TROUBLE;
    }
    if (bench_growths(bench->result->bench) != 0 ||
        (call->suite->finish != NULL && call->against == NULL && call->suite->finish(bench->result) != 0)) {
        error("out of memory");
        return EXIT_TROUBLE;
    }
    bool shown = bench_shows_table(settings);
    if (shown) {
        tare_view_suite_end(bench->result, &settings->output.view, stdout);
    }
    int code = judge(call, shown);
    fflush(stdout);
    struct output output = settings->output;
    output.view.color = output.view.color && output.file == NULL;
    bool only_shown = output.file == NULL && output.format == TARE_FORMAT_TABLE;
    if (!(only_shown || output_write(&output, bench->result)) || !keep_result(&output, bench->result)) {
        code = EXIT_TROUBLE;
    }
    return result == -EINTR ? EXIT_RUN_SIGNALED + bench_signal
           : result != 0    ? EXIT_TROUBLE
           : code != 0      ? code
           : bench->failed  ? EXIT_DIFFERENT
                            : EXIT_FINE;
}

/* Before anything is measured: above the table, and on standard error where there is none. */
static void say_length(const struct suite_call *call, const struct planned *planned, double seconds)
{
    const struct bench_call *bench = call->bench;
    bool shown = bench_shows_table(&bench->options);
    FILE *out = shown ? stdout : stderr;
    if (shown) {
        tare_view_suite_begin(bench->result, &bench->options.output.view, out);
    } else {
        fprintf(out, "tare: suite %s: ", call->suite->name);
    }
    fprintf(out, "%zu", planned->count);
    if (planned->all > planned->count) {
        fprintf(out, " of %zu", planned->all);
    }
    fprintf(out, " benchmark%s", planned->count == 1 && planned->all == 1 ? "" : "s");
    if (bench->side_count > 1) {
        fprintf(out, ", %zu sides", bench->side_count);
    }
    if (seconds < 90) {
        fprintf(out, ": about %.0f s", ceil(seconds));
    } else {
        fprintf(out, ": about %.0f min", ceil(seconds / 60));
    }
    fprintf(out, "%s\n", call->quick || seconds < 60 ? "" : " (--quick: less than a minute)");
    fflush(out);
}

static int run_with(struct suite_call *call, struct planned *planned, char **argv)
{
    struct bench_call *bench = call->bench;
    char *directory = NULL;
    call->begun_ns = tare__monotonic_ns();
    if (asprintf(&directory, "%s/suites", TARE_LIBEXECDIR_RELATIVE) < 0) {
        error("out of memory");
        return EXIT_TROUBLE;
    }
    call->folder = tool_path(directory, call->suite->name);
    free(directory);
    if (call->folder == NULL || !suite_check_sides(call) || !suite_find_sides(call) || !plan(call, planned)) {
        return bench_signal != 0 ? EXIT_RUN_SIGNALED + bench_signal : EXIT_TROUBLE;
    }
    if (bench->options.list) {
        print_list(call, planned);
        return EXIT_FINE;
    }
    if (!check_budget(call)) { /* before minutes have gone by */
        return EXIT_TROUBLE;
    }
    bench->least_rounds = call->quick && bench->side_count > FEW_SIDES ? LEAST_ROUNDS_QUICK : LEAST_ROUNDS;
    bench->options.alpha = RATIO_ALPHA;
    bench->ratio_half = RATIO_HALF;
    bench->short_timers = call->quick;
    bench->timers_alone = call->suite->timers_alone;
    bench->probes = call->quick ? 1 : BENCH_PROBES;
    bench->pilots = call->quick ? 2 : BENCH_PILOTS;
    double seconds = set_time(call, planned);
    bench->options.no_counts |= call->quick;
    if (!begin_result(call, argv)) {
        return EXIT_TROUBLE;
    }
    uint64_t asked_ns = tare__monotonic_ns();
    if (!bench->options.unlocked && !measurement_lock(&bench->lock, "suite", argv + 1)) {
        return bench_signal != 0 ? EXIT_RUN_SIGNALED + bench_signal : EXIT_TROUBLE;
    }
    call->begun_ns += tare__monotonic_ns() - asked_ns; /* who waits for others does not measure yet */
    say_length(call, planned, seconds);
    int result = measure_all(call, planned);
    progress_clear();
    suite_clean_up(call);
    return finish(call, result);
}

static int list_suites(void)
{
    for (size_t i = 0; suites[i] != NULL; i++) {
        printf("%-10s %s\n", suites[i]->name, suites[i]->title);
    }
    return EXIT_FINE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    static struct bench_call bench;
    struct suite_call call = {.bench = &bench, .time_s = NAN};
    bench_call_init(&bench);
    bench.show = show_nothing;
    bench.wanted = is_quick;
    bench.options.timeout_s = BENCH_TIMEOUT_S;
    bench.options.fail_on = FAIL_ON_NOTHING;
    bench.options.output.profiles = true; /* svg and html are formats here, too */
    current = &call;
    int code;
    int first = options_parse(command, argc, argv, handle_option, &call, &code);
    if (first < 0) {
        return code;
    }
    if (first == argc && bench.options.list) {
        return list_suites();
    }
    if (first == argc) {
        error("which suite? 'tare suite --list' names them");
        return EXIT_TROUBLE;
    }
    if (first + 1 < argc) {
        error("one suite at a time: '%s' is one too many", argv[first + 1]);
        return EXIT_TROUBLE;
    }
    call.suite = suite_find(argv[first]);
    if (call.suite == NULL) {
        const char *names[8];
        size_t count = 0;
        for (; suites[count] != NULL && count < 8; count++) {
            names[count] = suites[count]->name;
        }
        const char *near = suggest(argv[first], names, count);
        error("there is no suite '%s'%s%s%s", argv[first],
              near != NULL ? ": did you mean '" : ": 'tare suite --list' names them", near != NULL ? near : "",
              near != NULL ? "'?" : "");
        return EXIT_TROUBLE;
    }
    struct bench_options *settings = &bench.options;
    if (!output_check(&settings->output) || (settings->pin >= 0 && !can_pin(settings->pin)) ||
        (settings->output.file != NULL && !output_can_write(settings->output.file))) {
        return EXIT_TROUBLE;
    }
    enum tare_format format = settings->output.format;
    if (format > TARE_FORMAT_MARKDOWN && format != TARE_FORMAT_SVG && format != TARE_FORMAT_HTML) {
        error("a suite has no such form: one of table, json, csv, markdown, svg, html");
        return EXIT_TROUBLE;
    }
    bench.suite = call.suite->name;
    tare_random_seed(&bench.random, settings->seed);
    struct bench_signals before;
    struct planned planned = {0};
    bench_signals_take(&before);
    code = run_with(&call, &planned, argv);
    bench_signals_give_back(&before);
    free(planned.cases);
    bench_call_release(&bench);
    for (size_t i = 0; i < call.shown_count; i++) {
        free(call.shown[i].skipped);
        free(call.shown[i].made);
    }
    free(call.surroundings);
    free(call.other);
    free(call.folder);
    return code;
}

const struct command command_suite = {
    .name = "suite",
    .operands = "NAME",
    .summary = "measure real hot paths on this machine: os, syscalls, ffi",
    .options = options,
    .details = "os: hot paths of the operating system. syscalls: the way of a system call out\n"
               "of a WebAssembly sandbox. ffi: calls of a C library from other languages.\n"
               "Without --quick a run takes minutes, and says how many first.\n\n"
               "Exit code: 0; 1: the budget is not kept to, or a benchmark failed; 2: the\n"
               "command line is wrong, or it could not be measured; 128 + N: interrupted by\n"
               "signal N, and what was measured so far was shown.\n\n"
               "Examples:\n"
               "  tare suite os --quick\n"
               "  tare suite syscalls -o syscalls.json\n"
               "  tare suite ffi --filter 'return_int,callback*' -o ffi.html\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
