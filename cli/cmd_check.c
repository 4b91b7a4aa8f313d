/* SPDX-License-Identifier: MIT */
/* `tare check`: whether a result keeps to a budget. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "cli/cli.h"
#include "result/json.h"

enum { OPTION_BUDGET = 1, OPTION_BASELINE, OPTION_FORCE, OPTION_LIST };

static const struct option_spec options[] = {
    {OPTION_BUDGET, '\0', "budget", "FILE", "what the metrics may be; see tare-budget(5)", NULL},
    {OPTION_BASELINE, '\0', "baseline", "RESULT", "the result that limits are relative to", NULL},
    {OPTION_FORCE, '\0', "force", NULL, "take a baseline that was not measured alike all the same", NULL},
    {OPTION_LIST, '\0', "list-metrics", NULL, "print every metric of RESULT as a budget names it", NULL},
    {OPTION_FORMAT, '\0', "format", "FORMAT",
     "table, json or markdown (default: by the suffix of -o, else table)", "table json markdown"},
    {OPTION_COLOR, '\0', "color", "WHEN", "auto, always or never", "auto always never"},
    {OPTION_OUTPUT, 'o', "output", "FILE", "write to FILE instead of standard output", NULL},
    {0},
};

/* A budget of more than this is none. */
static const size_t BUDGET_MAX_BYTES = (size_t)1 << 20;

struct check {
    struct output output;
    const char *result_path, *budget_path, *baseline_path;
    bool force, list;
    struct tare_result *result, *baseline;
    struct tare_metrics metrics, baseline_metrics;
    struct tare_budget *budget;
    struct tare_judged *judged;
    const char *notes[4];
    size_t note_count;
};

static int handle_option(void *data, int id, const char *value)
{
    struct check *check = data;
    switch (id) {
    case OPTION_BUDGET:
        check->budget_path = value;
        return 0;
    case OPTION_BASELINE:
        check->baseline_path = value;
        return 0;
    case OPTION_FORCE:
        check->force = true;
        return 0;
    case OPTION_LIST:
        check->list = true;
        return 0;
    case OPTION_FORMAT:
        if (strcmp(value, "csv") == 0) {
            error("unknown format 'csv': one of table, json, markdown");
            return EXIT_TROUBLE;
        }
        return output_option(&check->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
    default:
        return output_option(&check->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
    }
}

/* Files */

static FILE *open_input(const char *path)
{
    return strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
}

static void close_input(FILE *in)
{
    if (in != NULL && in != stdin) {
        fclose(in);
    }
}

/* NULL after an error was printed. */
static struct tare_result *read_result(const char *path)
{
    struct tare_result *result = NULL;
    char message[256];
    FILE *in = open_input(path);
    int failure = in != NULL ? tare_result_read_json(in, &result, message, sizeof(message)) : -errno;
    if (in == NULL) {
        snprintf(message, sizeof(message), "%s", strerror(-failure));
    }
    close_input(in);
    if (failure != 0) {
        error("cannot read '%s': %s", path, message);
        return NULL;
    }
    return result;
}

/* All of a small file. The caller frees it; NULL after an error was printed. */
static char *read_text(const char *path, size_t *size)
{
    FILE *in = open_input(path);
    char *text = in != NULL ? malloc(BUDGET_MAX_BYTES + 1) : NULL;
    if (in == NULL || text == NULL) {
        error("cannot open '%s': %s", path, strerror(errno));
        close_input(in);
        free(text);
        return NULL;
    }
    errno = 0;
    *size = fread(text, 1, BUDGET_MAX_BYTES + 1, in);
    if (ferror(in) || *size > BUDGET_MAX_BYTES) {
        error("cannot read '%s': %s", path,
              ferror(in) ? strerror(errno != 0 ? errno : EIO) : "it is larger than a budget, 1 MiB");
        free(text);
        text = NULL;
    }
    close_input(in);
    return text;
}

/* "FILE:LINE: problem" */
static void print_problem(const char *path, const struct tare_budget_problem *problem, const char *near,
                          const char *hint)
{
    char *file = printable(path), *message = printable(problem->message);
    char *nearest = near != NULL ? tare_view_metric_name(near, !locale_is_utf8()) : NULL;
    char line[32] = "";
    if (problem->line != 0) {
        snprintf(line, sizeof(line), ":%zu", problem->line);
    }
    if (nearest != NULL) {
        error("%s%s: %s: did you mean '%s'?", file != NULL ? file : "-", line, message != NULL ? message : "-",
              nearest);
    } else {
        error("%s%s: %s%s", file != NULL ? file : "-", line, message != NULL ? message : "-", hint);
    }
    free(nearest);
    free(message);
    free(file);
}

struct tare_budget *check_read_budget(const char *path)
{
    size_t size = 0, keys = 0;
    struct tare_budget *budget = NULL;
    struct tare_budget_problem problem;
    char *text = read_text(path, &size);
    if (text == NULL) {
        return NULL;
    }
    int failure = tare_budget_parse(text, size, &budget, &problem);
    free(text);
    if (failure == -EINVAL) {
        while (tare_budget_keys[keys] != NULL) {
            keys++;
        }
        const char *near = problem.word[0] != '\0' ? suggest(problem.word, tare_budget_keys, keys) : NULL;
        print_problem(path, &problem, near,
                      problem.word[0] != '\0'
                          ? ": one of at-most, at-least, target, critical, relative-to, informational"
                          : "");
    } else if (failure != 0) {
        error("cannot read '%s': %s", path, strerror(-failure));
    }
    return failure == 0 ? budget : NULL;
}

/* Judging */

static bool is_relative_to_baseline(const struct tare_budget *budget)
{
    for (size_t i = 0; i < budget->count; i++) {
        if (budget->entries[i].to_baseline) {
            return true;
        }
    }
    return false;
}

/* Two results that were not measured alike say nothing of each other; what is unknown is no agreement. */
static bool baseline_fits(struct check *check)
{
    const struct tare_fingerprint *here = &check->result->fingerprint, *there = &check->baseline->fingerprint;
    bool unknown = here->hash[0] == '\0' || there->hash[0] == '\0';
    uint32_t different = unknown ? 0 : tare_fingerprint_compare(here, there);
    if (!unknown && different == 0) {
        return true;
    }
    if (check->force) {
        check->notes[check->note_count++] = unknown
                                                ? "whether the baseline was measured alike is unknown: --force"
                                                : "the baseline was not measured alike: --force";
        return true;
    }
    if (unknown) {
        const char *path = here->hash[0] == '\0' ? check->result_path : check->baseline_path;
        error("'%s' has no fingerprint, so nobody knows whether the two were measured alike: measure again, or "
              "--force",
              path);
        return false;
    }
    error("'%s' and '%s' were not measured alike: 'tare compare' says in what they differ, --force takes the "
          "baseline all the same",
          check->baseline_path, check->result_path);
    return false;
}

static bool take_baseline(struct check *check)
{
    bool wanted = is_relative_to_baseline(check->budget);
    if (check->baseline_path == NULL) {
        return true; /* judging says which metric wants one */
    }
    check->baseline = read_result(check->baseline_path);
    if (check->baseline == NULL) {
        return false;
    }
    if (!wanted) {
        warning("no metric of '%s' is relative to a baseline: '%s' is not looked at", check->budget_path,
                check->baseline_path);
        return true;
    }
    if ((check->baseline->bench != NULL) != (check->result->bench != NULL)) {
        error("'%s' is a result of kind '%s', '%s' one of kind '%s': take a baseline of the same kind",
              check->baseline_path, check->baseline->kind, check->result_path, check->result->kind);
        return false;
    }
    if (tare_metrics_of(check->baseline, &check->baseline_metrics) != 0) {
        error("out of memory");
        return false;
    }
    if (check->baseline->incomplete) {
        check->notes[check->note_count++] = "the baseline is incomplete: its measurement was interrupted";
    }
    return baseline_fits(check);
}

static const char *nearest_metric(const struct tare_metrics *metrics, const char *name)
{
    const char **names = calloc(metrics->count + 1, sizeof(*names));
    const char *near = NULL;
    for (size_t i = 0; names != NULL && i < metrics->count; i++) {
        names[i] = metrics->metrics[i].name;
    }
    if (names != NULL) {
        near = suggest(name, names, metrics->count);
    }
    free(names);
    return near;
}

/* All of it, so that all that is wrong with a budget is said at once. False after errors were printed. */
static bool judge_all(struct check *check)
{
    bool fine = true;
    const struct tare_budget *budget = check->budget;
    check->judged = calloc(budget->count, sizeof(*check->judged));
    if (check->judged == NULL) {
        error("out of memory");
        return false;
    }
    for (size_t i = 0; i < budget->count; i++) {
        struct tare_budget_problem problem;
        const struct tare_metrics *baseline = check->baseline != NULL ? &check->baseline_metrics : NULL;
        if (tare_budget_judge(&budget->entries[i], &check->metrics, baseline, &check->judged[i], &problem) ==
            0) {
            continue;
        }
        fine = false;
        const char *near = problem.word[0] != '\0' ? nearest_metric(&check->metrics, problem.word) : NULL;
        print_problem(check->budget_path, &problem, near,
                      problem.word[0] != '\0' ? ": 'tare check RESULT --list-metrics' lists those there are"
                                              : "");
    }
    return fine;
}

static bool is_kept(const struct check *check)
{
    for (size_t i = 0; i < check->budget->count; i++) {
        enum tare_judgement judgement = check->judged[i].judgement;
        if (judgement == TARE_JUDGED_FAIL || judgement == TARE_JUDGED_UNKNOWN) {
            return false;
        }
    }
    return true;
}

/* Writing */

static int write_check(void *data, FILE *out)
{
    const struct check *check = data;
    const struct check_report report = {
        .view = {.judged = check->judged,
                 .count = check->budget->count,
                 .confidence = check->result->confidence,
                 .notes = check->notes},
        .result = check->result_path,
        .budget = check->budget_path,
        .baseline = check->baseline_path,
        .started = check->result->started,
        .verdict = is_kept(check) ? "pass" : "fail",
    };
    return check->output.format == TARE_FORMAT_JSON
               ? check_write_json(&report, out)
               : tare_view_budget(&report.view, &check->output.view, check->output.format, out);
}

static int write_metrics(void *data, FILE *out)
{
    const struct check *check = data;
    return check->output.format == TARE_FORMAT_JSON
               ? check_write_metrics_json(&check->metrics, check->result_path, out)
               : tare_view_metrics(&check->metrics, &check->output.view, check->output.format, out);
}

/* The command */

static bool usage_is_right(const struct check *check, int operands)
{
    if (operands != 1) {
        error("%s: tare check RESULT --budget FILE",
              operands == 0 ? "no result given" : "one result at a time");
        return false;
    }
    if (!check->list && check->budget_path == NULL) {
        error("no budget given: --budget FILE; --list-metrics prints what one can be about");
        return false;
    }
    if (check->list && (check->budget_path != NULL || check->baseline_path != NULL)) {
        error("--list-metrics goes with RESULT alone: leave out %s",
              check->budget_path != NULL ? "--budget" : "--baseline");
        return false;
    }
    const char *const paths[] = {check->result_path, check->budget_path, check->baseline_path};
    int standard = 0;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        standard += paths[i] != NULL && strcmp(paths[i], "-") == 0;
    }
    if (standard > 1) {
        error("only one file can be standard input");
        return false;
    }
    if (!check->list && !tare_budget_available()) {
        error("this tare was built without inih, which reads budgets: install libinih-dev and build it again");
        return false;
    }
    return true;
}

static int run_check(struct check *check)
{
    check->result = read_result(check->result_path);
    if (check->result == NULL) {
        return EXIT_TROUBLE;
    }
    if (tare_metrics_of(check->result, &check->metrics) != 0) {
        error("out of memory");
        return EXIT_TROUBLE;
    }
    if (check->list) {
        return output_write_whole(check->output.file, write_metrics, check) ? EXIT_FINE : EXIT_TROUBLE;
    }
    if (check->result->incomplete) {
        check->notes[check->note_count++] = "the result is incomplete: its measurement was interrupted";
    }
    check->budget = check_read_budget(check->budget_path);
    if (check->budget == NULL || !take_baseline(check) || !judge_all(check) ||
        !output_write_whole(check->output.file, write_check, check)) {
        return EXIT_TROUBLE;
    }
    return is_kept(check) ? EXIT_FINE : EXIT_DIFFERENT;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct check check = {0};
    output_init(&check.output);
    int code;
    int first = options_parse(command, argc, argv, handle_option, &check, &code);
    if (first < 0) {
        return code;
    }
    check.result_path = first < argc ? argv[first] : NULL;
    if (!usage_is_right(&check, argc - first) || !output_check(&check.output)) {
        return EXIT_TROUBLE;
    }
    if (check.output.format == TARE_FORMAT_CSV) {
        error("a check has no CSV, which '%s' asks for: --format table, json or markdown", check.output.file);
        return EXIT_TROUBLE;
    }
    code = run_check(&check);
    free(check.judged);
    tare_budget_free(check.budget);
    tare_metrics_release(&check.metrics);
    tare_metrics_release(&check.baseline_metrics);
    tare_result_free(check.result);
    tare_result_free(check.baseline);
    return code;
}

const struct command command_check = {
    .name = "check",
    .operands = "RESULT",
    .summary = "whether a result keeps to a budget",
    .options = options,
    .details = "RESULT is what tare bench, tare run or tare attach wrote with -o, or '-'. A\n"
               "budget is an INI file with a section for each metric:\n\n"
               "  [ring_write/64.median]\n"
               "  at-most = 5.2 us      ; beyond it: warn\n"
               "  critical = 8 us       ; beyond it: fail\n\n"
               "Judged is the value; '~' marks what the interval could turn around. What is\n"
               "unknown does not pass.\n\n"
               "Exit code: 0 if all pass or warn, 1 if one fails or is unknown, 2 for a wrong\n"
               "command line, a file that cannot be read, or a budget that has a mistake or\n"
               "names what is not in RESULT.\n\n"
               "Examples:\n"
               "  tare check result.json --list-metrics\n"
               "  tare check result.json --budget perf.ini\n"
               "  tare check new.json --budget perf.ini --baseline main.json\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
