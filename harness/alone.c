/* SPDX-License-Identifier: MIT */
/* The program by itself: measures its cases one after the other in this process, and shows them. */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/harness.h"
#include "stats/warmup.h"

enum {
    SAMPLES = 200,
    SAMPLES_MIN = 6, /* fewer have no interval of the median */
};
#define TIME_S 0.5
#define SAMPLE_NS_MIN 20000.0 /* so that the clock is read for a thousandth of the time */
#define TIMERS_NS 20e6
#define WARM_TOLERANCE 0.01

struct options {
    const char *filter;
    double time_s;
    bool list, json;
};

static const char help[] =
    "usage: %s [--list] [--filter GLOBS] [--time SECONDS] [--format table|json]\n"
    "\n"
    "Measures this program's benchmarks, in this process.\n"
    "\n"
    "  --list            print the names of the cases, and measure nothing\n"
    "  --filter GLOBS    those alone whose name, or benchmark's name, matches one of the\n"
    "                    patterns, which are separated by commas: 'ring_*', 'copy/64'\n"
    "  --time SECONDS    how long to measure each case (default 0.5)\n"
    "  --format FORMAT   table (default) or json\n"
    "  --help            this text\n"
    "\n"
    "median   of the samples' times by iteration, without the loop and the clock\n"
    "95%% +-   half the interval of the median: what this process may be off by chance\n"
    "MAD      median absolute deviation of the samples\n"
    "first    the first iteration\n"
    "\n"
    "exit code: 0; 1 if a benchmark failed; 2 for a usage error, or if nothing was\n"
    "measured. A benchmark that crashes ends the program: under 'tare bench' it is\n"
    "reported by name, and the others go on.\n";

static int usage(const char *program)
{
    fprintf(stderr, "see '%s --help'\n", program);
    return 2;
}

/* Returns -1 to go on, else the exit code. */
static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"list", no_argument, NULL, 'l'},       {"filter", required_argument, NULL, 'f'},
        {"time", required_argument, NULL, 't'}, {"format", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
    };
    char *end;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (c) {
        case 'l':
            options->list = true;
            break;
        case 'f':
            options->filter = optarg;
            break;
        case 't':
            options->time_s = strtod(optarg, &end);
            if (end == optarg || *end != '\0' || !(options->time_s > 0 && options->time_s <= 86400)) {
                fprintf(stderr, "%s: '%s' is no time in seconds\n", argv[0], optarg);
                return usage(argv[0]);
            }
            break;
        case 'o':
            if (strcmp(optarg, "table") != 0 && strcmp(optarg, "json") != 0) {
                fprintf(stderr, "%s: unknown format '%s': table or json\n", argv[0], optarg);
                return usage(argv[0]);
            }
            options->json = strcmp(optarg, "json") == 0;
            break;
        case 'h':
            printf(help, argv[0]);
            return fflush(stdout) == 0 ? 0 : 2;
        default:
            return usage(argv[0]);
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: unexpected argument '%s'\n", argv[0], argv[optind]);
        return usage(argv[0]);
    }
    return -1;
}

static bool matches(const char *globs, const struct bench_unit *unit)
{
    while (globs != NULL) {
        char glob[BENCH_NAME_MAX];
        size_t length = strcspn(globs, ",");
        if (length < sizeof(glob)) {
            memcpy(glob, globs, length);
            glob[length] = '\0';
            if (fnmatch(glob, unit->name, 0) == 0 || fnmatch(glob, unit->bench->name, 0) == 0) {
                return true;
            }
        }
        globs = globs[length] == ',' ? globs + length + 1 : NULL;
    }
    return false;
}

/* Leaves the chosen cases. */
static void choose(struct bench_units *units, const char *filter)
{
    size_t kept = 0;
    for (size_t i = 0; i < units->count; i++) {
        if (filter == NULL || matches(filter, &units->units[i])) {
            units->units[kept++] = units->units[i];
        }
    }
    units->count = kept;
}

/* Figures from samples. 0 or -ENOMEM. */
static int judge(const struct measured *measured, struct shown *shown)
{
    struct costs costs = tare__bench_costs(measured->bench, measured->with);
    double *values = calloc(measured->count, sizeof(*values));
    if (values == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < measured->count; i++) {
        values[i] =
            tare__bench_sample_ns(&measured->samples[i], &costs) / (double)measured->samples[i].iterations;
    }
    struct tare_warmup warmup = {.settled = true};
    size_t skip = 0;
    if (tare_warmup_detect(values, 1, measured->count, WARM_TOLERANCE, &warmup) == 0) {
        skip = warmup.length < measured->count ? warmup.length : 0;
    }
    shown->first_ns = tare__bench_first_ns(measured, &costs);
    shown->loop_ns = costs.loop_ticks * costs.tick_ns;
    shown->bytes = measured->bytes;
    shown->items = measured->items;
    shown->iterations = measured->samples[0].iterations;
    shown->samples = measured->count - skip;
    shown->warmup = skip;
    shown->settled = warmup.settled;
    shown->with = measured->with;
    int error = tare_summary_of(values + skip, shown->samples, 0.95, 0, &shown->summary);
    free(values);
    return error;
}

static int measure(const struct bench_unit *unit, double time_s, struct measured *measured, struct shown *shown)
{
    const struct plan plan = {
        .kind = PLAN_TIME,
        .samples = SAMPLES,
        .samples_min = SAMPLES_MIN,
        .sample_ns = fmax(time_s * 1e9 / SAMPLES, SAMPLE_NS_MIN),
        .until_ns = clock_raw_ns() + (uint64_t)(time_s * 1e9),
    };
    *shown = (struct shown){.unit = unit};
    int error = tare__bench_measure(unit, &plan, measured);
    if (error == 0 && measured->failed[0] != '\0') {
        shown->failed = measured->failed;
        return 0;
    }
    return error != 0 ? error : judge(measured, shown);
}

static void add_timers(struct shown *shown)
{
    size_t count, enabled;
    tare__bench_timers(&count, &enabled);
    if (count != 0 && shown->failed == NULL) {
        double wanted = shown->summary.median > 0 ? TIMERS_NS / shown->summary.median : 1;
        shown->timers =
            tare__bench_inner_timers(shown->unit, (uint64_t)fmax(1, fmin(wanted, 1e6)), &shown->timer_count);
    }
}

static struct {
    const char *program, *name;
} under_way;

static void last_words(const char *failed)
{
    fprintf(stderr, "%s: benchmark '%s' failed, and cannot be left: %s\n", under_way.program, under_way.name,
            failed);
}

static int measure_all(const struct bench_units *units, const struct options *options, const char *program)
{
    struct measured *measured = calloc(units->count, sizeof(*measured));
    struct shown *shown = calloc(units->count, sizeof(*shown));
    int error = measured != NULL && shown != NULL ? 0 : -ENOMEM;
    struct show show = {.out = stdout, .json = options->json};
    bool failed = false;
    size_t sweep = 0; /* where the benchmark at hand begins */
    if (error == 0) {
        tare__bench_show_begin(&show);
    }
    for (size_t i = 0; error == 0 && i < units->count; i++) {
        under_way.program = program;
        under_way.name = units->units[i].name;
        error = measure(&units->units[i], options->time_s, &measured[i], &shown[i]);
        if (error != 0) {
            break;
        }
        add_timers(&shown[i]);
        failed = failed || (shown[i].failed != NULL &&
                            strncmp(shown[i].failed, BENCH_SKIPPED, strlen(BENCH_SKIPPED)) != 0);
        tare__bench_show(&show, &shown[i]);
        if (i + 1 == units->count || units->units[i + 1].bench != units->units[i].bench) {
            tare__bench_show_growth(&show, shown + sweep, i + 1 - sweep);
            sweep = i + 1;
        }
    }
    if (error == 0) {
        tare__bench_show_end(&show, program);
    } else {
        fprintf(stderr, "%s: cannot measure '%s': %s\n", program, under_way.name, strerror(-error));
    }
    for (size_t i = 0; i < units->count && measured != NULL && shown != NULL; i++) {
        tare__bench_measured_release(&measured[i]);
        free(shown[i].timers);
    }
    free(measured);
    free(shown);
    return error != 0 ? 2 : failed;
}

int tare__bench_alone(int argc, char **argv)
{
    const char *program = argc > 0 && argv[0] != NULL ? argv[0] : "benchmarks";
    struct options options = {.time_s = TIME_S};
    struct bench_units units;
    char message[512];
    int code = parse_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    code = 2;
    if (tare__bench_units(&units, message, sizeof(message)) != 0) {
        fprintf(stderr, "%s: %s\n", program, message);
        goto out;
    }
    if (units.count == 0) {
        fprintf(stderr, "%s: no benchmarks in this program: declare them with TARE_BENCH\n", program);
        goto out;
    }
    choose(&units, options.filter);
    if (units.count == 0) {
        fprintf(stderr, "%s: no benchmark matches '%s': --list prints their names\n", program, options.filter);
        goto out;
    }
    if (options.list) {
        for (size_t i = 0; i < units.count; i++) {
            printf("%s\n", units.units[i].name);
        }
        code = 0;
    } else {
        tare__bench_clock_init(false);
        tare__bench_last_words = last_words;
        code = measure_all(&units, &options, program);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "%s: cannot write: %s\n", program, strerror(errno));
        code = 2;
    }
out:
    tare__bench_units_release(&units);
    return code;
}
