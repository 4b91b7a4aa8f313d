/* SPDX-License-Identifier: MIT */
/* `tare report`: show a result, a page file or a profile again, in any format. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/overhead.h"
#include "cli/pages.h"
#include "cli/profile_read.h"
#include "cli/report_capture.h"
#include "cli/report_profile.h"
#include "record/discover.h"
#include "result/collect.h"
#include "result/figures.h"
#include "runtime/clock.h"

enum {
    OPTION_FULL = 1,
    OPTION_PLOT,
};

static const struct option_spec options[] = {
    {OPTION_PER_PROCESS, '\0', "per-process", NULL,
     "show each process with its own table, where the result has them", NULL},
    {OPTION_FULL, '\0', "full", NULL, "of benchmarks: all statistics", NULL},
    {OPTION_PLOT, '\0', "plot", NULL, "of benchmarks: a histogram of each", NULL},
    REPORT_PROFILE_OPTIONS,
    OVERHEAD_OPTION,
    PROFILE_OUTPUT_OPTIONS,
    {0},
};

struct report {
    struct output output;
    struct report_profile profile;
    double max_overhead;      /* percent; NAN: not given */
    const char *not_profiles; /* the first option that is not for profiles, "--unit"; NULL: none */
    const char *not_captures; /* the same for captures */
};

/* What says nothing of a profile, but of timers or benchmarks. */
static const char *not_of_profiles(int id)
{
    static const struct {
        int id;
        const char *name;
    } those[] = {
        {OPTION_MAX_OVERHEAD, "--max-overhead"},
        {OPTION_FULL, "--full"},
        {OPTION_PLOT, "--plot"},
        {OPTION_PER_PROCESS, "--per-process"},
        {OPTION_UNIT, "--unit"},
        {OPTION_COLUMNS, "--columns"},
        {OPTION_ALL, "--all"},
    };
    for (size_t i = 0; i < sizeof(those) / sizeof(those[0]); i++) {
        if (those[i].id == id) {
            return those[i].name;
        }
    }
    return NULL;
}

static int handle_option(void *data, int id, const char *value)
{
    struct report *report = data;
    int taken = report_profile_option(&report->profile, id, value);
    if (taken >= 0) {
        return taken;
    }
    if (report->not_profiles == NULL) {
        report->not_profiles = not_of_profiles(id);
    }
    if (report->not_captures == NULL) {
        report->not_captures = report_capture_refuses(id);
    }
    if (id == OPTION_SORT) {
        report->profile.sort = value; /* which columns there are, the file says */
        return 0;
    }
    if (id == OPTION_MAX_OVERHEAD) {
        return parse_percent("--max-overhead", value, &report->max_overhead) ? 0 : EXIT_TROUBLE;
    }
    if (id == OPTION_FULL) {
        report->output.view.full = true;
        return 0;
    }
    if (id == OPTION_PLOT) {
        report->output.plot = true;
        return 0;
    }
    return output_option(&report->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
}

/* A page that a process left in a file, or still writes there. */
static struct tare_result *read_page_file(int fd, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        error("cannot read '%s': %s", path, strerror(errno));
        return NULL;
    }
    struct tare_result *result = result_begin("page", NULL);
    struct tare_collector *collector = result != NULL ? tare_collector_new(result) : NULL;
    const struct tare_page_source source = {.fd = fd, .limit = (uint64_t)st.st_size};
    char *subject = NULL;
    bool fine = collector != NULL && asprintf(&subject, "'%s'", path) >= 0 &&
                pages_add(collector, &source, NULL, NULL, 0, subject) == 0 &&
                tare_collector_finish(collector) == 0;
    free(subject);
    tare_collector_free(collector);
    if (!fine) {
        tare_result_free(result);
        return NULL;
    }
    tare_result_measuring(result, NAN); /* a page does not say what else its process did */
    return result;
}

static struct tare_result *read_file(const char *path)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        error("cannot open '%s': %s", path, strerror(errno));
        return NULL;
    }
    char magic[8];
    if (pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
        memcmp(magic, TARE_PAGE_MAGIC, sizeof(magic)) == 0) {
        struct tare_result *result = read_page_file(fd, path);
        close(fd);
        return result;
    }
    close(fd);
    return profile_read_any(path, NULL);
}

/* Without --per-process, `tare run` keeps the sum alone. */
static bool has_processes(const struct tare_result *result)
{
    bool any = result->timer_count == 0;
    for (size_t i = 0; i < result->process_count && !any; i++) {
        any = result->processes[i].timer_count != 0;
    }
    return any;
}

/* Whether the options are such as the result has a use for. */
static bool options_fit(struct report *report, const struct tare_result *result)
{
    if (result->profile == NULL) {
        if (report->profile.first != NULL) {
            char *kind = printable(result->kind != NULL ? result->kind : "unknown");
            error("%s is for profiles, and this is a result of kind '%s'", report->profile.first,
                  kind != NULL ? kind : "-");
            free(kind);
            return false;
        }
        return result->capture == NULL || report_capture_fits(report->not_captures, report->output.view.sort,
                                                              report->output.view.per_process);
    }
    if (report->not_profiles != NULL) {
        error("%s is not for profiles", report->not_profiles);
        return false;
    }
    report->output.profile_view = &report->profile.view;
    return report_profile_prepare(&report->profile, result->profile);
}

static bool show(struct report *report, const char *path)
{
    struct output *output = &report->output;
    struct tare_result *result = read_file(path);
    /* A profile has columns of its own to sort by: only now can the option be judged. */
    if (result != NULL && result->profile == NULL) {
        output->view.sort = report->profile.sort;
    }
    if (result == NULL || !options_fit(report, result) || !output_check(output)) {
        tare_result_free(result);
        return false;
    }
    const char *of_tables = report->profile.first != NULL  ? report->profile.first
                            : report->profile.sort != NULL ? "--sort"
                                                           : NULL;
    if (output->format >= TARE_FORMAT_FOLDED && result->profile != NULL && of_tables != NULL) {
        error("%s is for tables: the format that was asked for holds the whole profile", of_tables);
        tare_result_free(result);
        return false;
    }
    if (output->view.per_process && !has_processes(result)) {
        warning("'%s' holds the sum over its processes alone: 'tare run --per-process -o FILE' keeps each",
                path);
        output->view.per_process = false;
    }
    if (output->format >= TARE_FORMAT_FOLDED || output->format == TARE_FORMAT_CSV) {
        profile_warn(result);
    }
    bool fine = output_write(output, result) &&
                (isnan(report->max_overhead) || overhead_judge(result, report->max_overhead));
    tare_result_free(result);
    return fine;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct report report = {.max_overhead = NAN};
    output_init(&report.output);
    report_profile_init(&report.profile);
    report.output.profiles = true;
    int code;
    int first = options_parse(command, argc, argv, handle_option, &report, &code);
    if (first < 0) {
        return code;
    }
    if (first + 1 != argc) {
        error("%s: tare report [options] FILE", first == argc ? "no file given" : "one file at a time");
        return EXIT_TROUBLE;
    }
    bool fine = show(&report, argv[first]);
    report_profile_release(&report.profile);
    return fine ? EXIT_FINE : EXIT_TROUBLE;
}

const struct command command_report = {
    .name = "report",
    .operands = "FILE",
    .summary = "show a result or a page file, in any format",
    .options = options,
    .details = "FILE is a result (tare run -o FILE.json) or a capture (tare record), '-' for one\n"
               "on standard input, a page (TARE_PAGE=FILE), or a profile that another tool took:\n"
               "a perf.data, what 'perf script' printed, or folded stacks.\n\n"
               "Exit code: 0, or 2 for a wrong command line, a file that cannot be read, or more\n"
               "than --max-overhead allows.\n\n"
               "Examples:\n"
               "  tare report result.json --sort net-total\n"
               "  TARE_PAGE=/dev/shm/server.page ./server; tare report /dev/shm/server.page\n"
               "  tare profile -o profile.json -- ./server\n"
               "  tare report profile.json --annotate serve\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
