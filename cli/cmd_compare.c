/* SPDX-License-Identifier: MIT */
/* `tare compare`: results of earlier runs against each other. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/compare.h"
#include "result/compare.h"

enum {
    OPTION_CONTROL = 1,
    OPTION_MARGIN,
    OPTION_ALPHA,
    OPTION_FILTER,
    OPTION_ARM,
    OPTION_FAIL_ON,
    OPTION_FORCE,
    OPTION_COMPARE_SORT,
    OPTION_COMPARE_COLUMNS,
};

static const struct option_spec options[] = {
    {OPTION_CONTROL, '\0', "control", "FILE",
     "another result of the old code: where it differs from OLD, nothing is resolved", NULL},
    {OPTION_FILTER, '\0', "filter", "GLOB",
     "only benchmarks, or timers as module::name, that match; commas separate patterns", NULL},
    {OPTION_ARM, '\0', "arm", "LABEL", "of benchmarks, compare this arm (default: the first, A)", NULL},
    {OPTION_MARGIN, '\0', "margin", "PERCENT", "two things within this are the same (1)", NULL},
    {OPTION_ALPHA, '\0', "alpha", "P", "chance of a false verdict, over the whole call (0.002)", NULL},
    {OPTION_FAIL_ON, '\0', "fail-on", "WHAT",
     "exit 1 if a verdict is slower (default), different, unresolved; or for nothing of that",
     "slower different unresolved nothing"},
    {OPTION_FORCE, '\0', "force", NULL,
     "compare results of another machine, setting or kind of measurement all the same", NULL},
    {OPTION_FORMAT, '\0', "format", "FORMAT",
     "table, json, csv or markdown (default: by the suffix of -o, else table)", "table json csv markdown"},
    {OPTION_COMPARE_COLUMNS, '\0', "columns", "LIST",
     "columns of the table, separated by commas; 'help' lists them", NULL},
    {OPTION_COMPARE_SORT, '\0', "sort", "ORDER", "effect: changes first, the largest first (default); or name",
     "effect name"},
    {OPTION_COLOR, '\0', "color", "WHEN", "auto, always or never", "auto always never"},
    {OPTION_OUTPUT, 'o', "output", "FILE", "write to FILE instead of standard output", NULL},
    {0},
};


struct arguments {
    struct output output;
    const char *columns; /* other ones than those of output.view */
    const char *control, *filter, *arm;
    double margin, alpha;
    enum fail_on fail_on;
    enum tare_compared_order order;
    bool force;
};

static int list_columns(void)
{
    for (const struct tare_view_column_info *column = tare_view_compare_columns; column->name != NULL;
         column++) {
        printf("%-12s %s\n", column->name, column->help);
    }
    if (fflush(stdout) != 0) {
        error("cannot write to standard output: %s", strerror(errno));
        exit(EXIT_TROUBLE);
    }
    exit(EXIT_FINE);
}

static bool check_column(const char *name)
{
    enum { COLUMNS_MAX = 64 };
    const char *names[COLUMNS_MAX];
    size_t count = 0;
    for (; tare_view_compare_columns[count].name != NULL && count < COLUMNS_MAX; count++) {
        names[count] = tare_view_compare_columns[count].name;
        if (strcmp(names[count], name) == 0) {
            return true;
        }
    }
    const char *near = *name != '\0' ? suggest(name, names, count) : NULL;
    if (near != NULL) {
        error("unknown column '%s': did you mean '%s'?", name, near);
    } else {
        error("unknown column '%s': '--columns help' lists them", name);
    }
    return false;
}

static int set_columns(struct arguments *arguments, const char *value)
{
    if (strcmp(value, "help") == 0) {
        return list_columns();
    }
    char *list = strdup(value), *rest = list;
    bool fine = list != NULL;
    for (char *name = strsep(&rest, ","); name != NULL && fine; name = strsep(&rest, ",")) {
        fine = check_column(name);
    }
    free(list);
    arguments->columns = value;
    return fine ? 0 : EXIT_TROUBLE;
}

/* The index of `value`, or -1 after an error was printed. `list`: the words for a message. */
static int parse_word(const char *option, const char *value, const char *const *words, size_t count,
                      const char *list)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, words[i]) == 0) {
            return (int)i;
        }
    }
    const char *near = suggest(value, words, count);
    if (near != NULL) {
        error("unknown word '%s' for %s: did you mean '%s'?", value, option, near);
    } else {
        error("unknown word '%s' for %s: one of %s", value, option, list);
    }
    return -1;
}

static int handle_option(void *data, int id, const char *value)
{
    static const char *const orders[] = {"effect", "name"};
    struct arguments *arguments = data;
    int word;
    switch (id) {
    case OPTION_CONTROL:
        arguments->control = value;
        return 0;
    case OPTION_FILTER:
        arguments->filter = value;
        return 0;
    case OPTION_ARM:
        arguments->arm = value;
        return 0;
    case OPTION_MARGIN:
        if (!parse_number("--margin", value, true, 0.01, 50, &arguments->margin)) {
            return EXIT_TROUBLE;
        }
        arguments->margin /= 100;
        return 0;
    case OPTION_ALPHA:
        return parse_number("--alpha", value, false, 1e-9, 0.5, &arguments->alpha) ? 0 : EXIT_TROUBLE;
    case OPTION_FAIL_ON:
        return parse_fail_on(value, &arguments->fail_on) ? 0 : EXIT_TROUBLE;
    case OPTION_COMPARE_SORT:
        word = parse_word("--sort", value, orders, sizeof(orders) / sizeof(orders[0]), "effect, name");
        arguments->order = word == 1 ? TARE_COMPARED_BY_NAME : TARE_COMPARED_BY_EFFECT;
        return word < 0 ? EXIT_TROUBLE : 0;
    case OPTION_COMPARE_COLUMNS:
        return set_columns(arguments, value);
    case OPTION_FORCE:
        arguments->force = true;
        return 0;
    default:
        return output_option(&arguments->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
    }
}

static bool is_wanted(void *data, const char *module, const char *name, const char *bench)
{
    const char *globs = data;
    return module != NULL ? globs_match(globs, module, name) : benchmark_matches(globs, name, bench);
}

/* All files of a call: the old one, the new ones, and the control, if there is one, as the last. */
struct call {
    const struct arguments *arguments;
    struct compare_file *files;
    size_t count; /* that were read */
    size_t news;
    struct tare_compare_source *sources; /* of files[1] and what follows */
    struct tare_compare_report report;
};

static bool read_all(struct call *call, char **paths)
{
    bool standard = false;
    size_t wanted = 1 + call->news + (call->arguments->control != NULL);
    for (; call->count < wanted; call->count++) {
        const char *path = call->count <= call->news ? paths[call->count] : call->arguments->control;
        if (strcmp(path, "-") == 0 && standard) {
            error("'standard input' is given twice: compare two results");
            return false;
        }
        standard = standard || strcmp(path, "-") == 0;
        struct compare_file *file = &call->files[call->count];
        if (!compare_read(file, path)) {
            return false;
        }
        for (size_t i = 0; i < call->count; i++) {
            if (compare_same(&call->files[i], file)) {
                call->count++;
                return false;
            }
        }
    }
    return true;
}

static bool has_arm(const struct tare_result *result, const char *label)
{
    for (size_t i = 0; i < result->bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[i];
        for (size_t j = 0; j < benchmark->arm_count; j++) {
            if (strcmp(benchmark->arms[j].label, label) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Whether all can be compared with the first. */
static bool check_files(struct call *call)
{
    const struct arguments *arguments = call->arguments;
    bool fine = true;
    for (size_t i = 0; i < call->count; i++) {
        const struct compare_file *file = &call->files[i];
        if (!compare_kinds(&call->files[0], file)) {
            return false;
        }
        bool benchmarks = tare_compared_kind_of(file->result) == TARE_COMPARED_BENCHMARKS;
        if (arguments->arm != NULL && !benchmarks) {
            error("--arm is for results of 'tare bench': '%s' has timers", file->label);
            return false;
        }
        if (arguments->arm != NULL && !has_arm(file->result, arguments->arm)) {
            error("'%s' has no arm '%s': see 'tare report %s'", file->label, arguments->arm, file->label);
            return false;
        }
    }
    for (size_t i = 1; i < call->count; i++) {
        struct tare_compare_source *source = &call->sources[i - 1];
        *source = (struct tare_compare_source){.label = call->files[i].label, .result = call->files[i].result};
        fine = compare_fingerprints(&call->files[0], source, arguments->force) && fine;
    }
    return fine;
}

/* The first benchmark or timer that is there, for a message; NULL if there is none. The caller frees it. */
static char *first_name(const struct tare_compared_section *section, enum tare_compared_presence presence)
{
    for (size_t i = 0; i < section->row_count; i++) {
        const struct tare_compared_row *row = &section->rows[i];
        char *name;
        if (row->presence == presence && asprintf(&name, "%s%s%s", row->module != NULL ? row->module : "",
                                                  row->module != NULL ? "::" : "", row->name) >= 0) {
            return name;
        }
    }
    return NULL;
}

/* An error if a new result has nothing that the old one has. */
static bool check_section(const struct call *call, size_t index)
{
    const struct tare_compared_section *section = &call->report.compared->sections[index];
    const char *old = call->report.old.label, *new = call->report.news[index].label;
    const char *what = call->report.compared->kind == TARE_COMPARED_TIMERS ? "timer" : "benchmark";
    const char *filter = call->arguments->filter;
    if (section->matched > 0) {
        return true;
    }
    char *removed = first_name(section, TARE_COMPARED_REMOVED),
         *added = first_name(section, TARE_COMPARED_ADDED);
    if (removed == NULL && added == NULL && filter != NULL) {
        error("no %s of '%s' or '%s' matches '%s'", what, old, new, filter);
    } else if (removed == NULL || added == NULL) {
        error("'%s' has no %ss%s to compare", removed == NULL ? old : new, what,
              call->report.compared->kind == TARE_COMPARED_TIMERS ? " that were called" : "");
    } else {
        error("'%s' and '%s' have no %s in common: '%s' is in the first, '%s' in the second", old, new, what,
              removed, added);
    }
    free(removed);
    free(added);
    return false;
}

static int write_report(void *data, FILE *out)
{
    const struct call *call = data;
    const struct arguments *arguments = call->arguments;
    struct tare_view_options view = arguments->output.view;
    view.columns = arguments->columns;
    if (arguments->output.format == TARE_FORMAT_JSON) {
        return compare_write_json(&call->report, arguments->arm, out);
    }
    return tare_view_compare(&call->report, &view, arguments->output.format, out);
}

static int verdict_code(const struct call *call)
{
    bool slower = false, faster = false, unresolved = false;
    for (size_t i = 0; i < call->report.compared->section_count; i++) {
        const struct tare_compared_section *section = &call->report.compared->sections[i];
        slower |= section->slower_beyond + section->failed > 0;
        faster |= section->faster_beyond > 0;
        unresolved |= section->verdicts[TARE_VERDICT_UNRESOLVED] > 0;
    }
    return comparison_code(call->arguments->fail_on, slower, faster, unresolved);
}

static int compare_files(struct call *call)
{
    const struct arguments *arguments = call->arguments;
    struct tare_compared_options how = {
        .rule = {.alpha = arguments->alpha,
                 .comparisons = 1,
                 .margin = arguments->margin,
                 .control_alpha = TARE_COMPARE_CONTROL_ALPHA},
        .arm = arguments->arm,
        .wanted = arguments->filter != NULL ? is_wanted : NULL,
        .data = (void *)arguments->filter,
    };
    struct tare_compared *compared = NULL;
    const struct tare_result **news = calloc(call->news, sizeof(*news));
    const struct tare_compare_source *control = arguments->control != NULL ? &call->sources[call->news] : NULL;
    int code = EXIT_TROUBLE;
    for (size_t i = 0; news != NULL && i < call->news; i++) {
        news[i] = call->sources[i].result;
    }
    if (news == NULL || tare_results_compare(call->files[0].result, news, call->news,
                                             control != NULL ? control->result : NULL, &how, &compared) != 0) {
        error("out of memory");
        goto out;
    }
    call->report = (struct tare_compare_report){
        .old = {.label = call->files[0].label, .result = call->files[0].result},
        .news = call->sources,
        .control = control,
        .compared = compared,
    };
    for (size_t i = 0; i < call->news; i++) {
        if (!check_section(call, i)) {
            goto out;
        }
    }
    tare_compared_sort(compared, arguments->order);
    if (output_write_whole(arguments->output.file, write_report, call)) {
        code = verdict_code(call);
    }
out:
    tare_compared_free(compared);
    free(news);
    return code;
}

static int run_call(const struct arguments *arguments, char **paths, size_t count)
{
    struct call call = {.arguments = arguments, .news = count - 1};
    int code = EXIT_TROUBLE;
    call.files = calloc(count + 1, sizeof(*call.files));
    call.sources = calloc(count + 1, sizeof(*call.sources));
    if (call.files == NULL || call.sources == NULL) {
        error("out of memory");
    } else if (read_all(&call, paths) && check_files(&call)) {
        code = compare_files(&call);
    }
    for (size_t i = 0; i < call.count; i++) {
        tare_result_free(call.files[i].result);
    }
    free(call.files);
    free(call.sources);
    return code;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct arguments arguments = {.margin = TARE_COMPARE_MARGIN, .alpha = TARE_COMPARE_ALPHA};
    output_init(&arguments.output);
    int code;
    int first = options_parse(command, argc, argv, handle_option, &arguments, &code);
    if (first < 0) {
        return code;
    }
    if (first + 2 > argc) {
        error("%s: tare compare [options] OLD NEW...",
              first == argc ? "no results given" : "one result is not enough");
        return EXIT_TROUBLE;
    }
    if (!output_check(&arguments.output)) {
        return EXIT_TROUBLE;
    }
    if (arguments.columns != NULL &&
        (arguments.output.format == TARE_FORMAT_CSV || arguments.output.format == TARE_FORMAT_JSON)) {
        error("--columns is for tables: CSV and JSON always have everything");
        return EXIT_TROUBLE;
    }
    return run_call(&arguments, argv + first, (size_t)(argc - first));
}

const struct command command_compare = {
    .name = "compare",
    .operands = "OLD NEW...",
    .summary = "compare results of earlier runs: what became slower or faster?",
    .options = options,
    .details = "OLD and NEW are results (tare run -o FILE.json, tare bench -o FILE.json), or '-'\n"
               "for one on standard input. Each NEW is compared with OLD.\n\n"
               "Runs at different times have no pairs and no control arm: what changed on the\n"
               "machine in between looks like a change of the code. 'tare bench A --vs B' is the\n"
               "better instrument.\n\n"
               "Exit code: 0; 1: a verdict of the kind of --fail-on that does not lie within the\n"
               "margin, or a benchmark that fails in NEW alone; 2: a wrong command line, results\n"
               "that cannot be read or compared; 3: only unresolved (--fail-on unresolved).\n\n"
               "Examples:\n"
               "  tare compare old.json new.json\n"
               "  tare compare old.json new.json --control old-again.json --format markdown\n"
               "  tare compare --filter 'ring_*' --fail-on different old.json a.json b.json\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
