/* SPDX-License-Identifier: MIT */
/* `tare report`: show a result or a page file again, in any format. */
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
#include "record/discover.h"
#include "result/collect.h"
#include "result/figures.h"
#include "result/json.h"
#include "runtime/clock.h"

static const struct option_spec options[] = {
    {OPTION_PER_PROCESS, '\0', "per-process", NULL,
     "show each process with its own table, where the result has them", NULL},
    OVERHEAD_OPTION,
    OUTPUT_OPTIONS,
    {0},
};

struct report {
    struct output output;
    double max_overhead; /* percent; NAN: not given */
};

static int handle_option(void *data, int id, const char *value)
{
    struct report *report = data;
    if (id == OPTION_MAX_OVERHEAD) {
        return parse_percent("--max-overhead", value, &report->max_overhead) ? 0 : EXIT_TROUBLE;
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
    struct tare_result *result = NULL;
    char magic[8];
    if (pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
        memcmp(magic, TARE_PAGE_MAGIC, sizeof(magic)) == 0) {
        result = read_page_file(fd, path);
        close(fd);
        return result;
    }
    FILE *in = fdopen(fd, "r");
    char message[256];
    int failure = in == NULL ? -errno : tare_result_read_json(in, &result, message, sizeof(message));
    if (in == NULL) {
        snprintf(message, sizeof(message), "%s", strerror(-failure));
        close(fd);
    } else {
        fclose(in);
    }
    if (failure != 0) {
        error("cannot read '%s': %s", path, message);
        return NULL;
    }
    return result;
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

static int run_command(const struct command *command, int argc, char **argv)
{
    struct report report = {.max_overhead = NAN};
    struct output *output = &report.output;
    output_init(output);
    int code;
    int first = options_parse(command, argc, argv, handle_option, &report, &code);
    if (first < 0) {
        return code;
    }
    if (first + 1 != argc) {
        error("%s: tare report [options] FILE", first == argc ? "no file given" : "one file at a time");
        return EXIT_TROUBLE;
    }
    if (!output_check(output)) {
        return EXIT_TROUBLE;
    }
    struct tare_result *result = read_file(argv[first]);
    if (result != NULL && output->view.per_process && !has_processes(result)) {
        warning("'%s' holds the sum over its processes alone: 'tare run --per-process -o FILE' keeps each",
                argv[first]);
        output->view.per_process = false;
    }
    bool fine = result != NULL && output_write(output, result) &&
                (isnan(report.max_overhead) || overhead_judge(result, report.max_overhead));
    tare_result_free(result);
    return fine ? EXIT_FINE : EXIT_TROUBLE;
}

const struct command command_report = {
    .name = "report",
    .operands = "FILE",
    .summary = "show a result or a page file, in any format",
    .options = options,
    .details = "FILE is a result (tare run -o FILE.json), '-' for one on standard input, or a\n"
               "page (TARE_PAGE=FILE).\n\n"
               "Exit code: 0, or 2 for a wrong command line, a file that cannot be read, or more\n"
               "than --max-overhead allows.\n\n"
               "Examples:\n"
               "  tare report result.json --sort net-total\n"
               "  TARE_PAGE=/dev/shm/server.page ./server; tare report /dev/shm/server.page\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
