/* SPDX-License-Identifier: MIT */
/*
 * `tare verify`: measures work of known cost on this machine, with this build, and says whether the net figures
 * and their ± are true here. verify/ has the program that is measured, stats/verify.h the judgement.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/verify.h"
#include "runtime/clock.h"

enum {
    OPTION_VERIFY_FORMAT = 1,
    OPTION_VERIFY_CLOCK,
    OPTION_VERIFY_TIME,
    OPTION_VERIFY_PIN,
};

#define TIME_S 12.0      /* long enough for some 25 repetitions of each rung */
#define TIME_MOST_S 120. /* what is measured stays in memory: some 2 MB for each second */

static const struct option_spec options[] = {
    {OPTION_VERIFY_CLOCK, '\0', "clock", "CLOCK",
     "measure and judge this clock: tsc-ordered, tsc or clock; may be a list, or given again (default: "
     "measure all, judge the default one)",
     "tsc-ordered tsc clock"},
    {OPTION_VERIFY_TIME, '\0', "time", "SECONDS", "measure for about so long (12)", NULL},
    {OPTION_VERIFY_PIN, '\0', "pin", "CPU", "run on this processor (default: where it starts)", NULL},
    LOCK_OPTION,
    {OPTION_VERIFY_FORMAT, '\0', "format", "FORMAT", "table or json (default: by the suffix of -o, else table)",
     "table json"},
    {OPTION_OUTPUT, 'o', "output", "FILE", "write the result to FILE instead of standard output", NULL},
    {0},
};

struct arguments {
    struct verify verify;
    const char *file;
    bool format_given, json, lock;
};

static bool measures(const struct verify *verify, uint32_t clock)
{
    for (size_t i = 0; i < verify->mode_count; i++) {
        if (verify->modes[i].clock == clock) {
            return true;
        }
    }
    return false;
}

/* The default clock is measured in both of its modes. */
static void add_clock(struct verify *verify, uint32_t clock, bool judged)
{
    bool both = clock == tare__clock_default();
    for (int i = 0; i < (both ? 2 : 1) && verify->mode_count < VERIFY_MODES_MAX; i++) {
        verify->modes[verify->mode_count++] =
            (struct verify_mode){.clock = clock, .histograms = i == 0, .judged = judged};
    }
}

/* Returns 0 or an exit code. */
static int parse_clock(struct verify *verify, const char *name)
{
    static const char *const names[] = {"tsc-ordered", "tsc", "clock"};
    uint32_t kind = tare__clock_parse(name);
    if (kind == TARE_CLOCK_NONE) {
        const char *near = suggest(name, names, sizeof(names) / sizeof(names[0]));
        if (near != NULL) {
            error("unknown clock '%s': did you mean '%s'?", name, near);
        } else {
            error("unknown clock '%s': one of tsc-ordered, tsc, clock", name);
        }
        return EXIT_TROUBLE;
    }
    if (!tare__clock_usable(kind)) {
        error("clock '%s' cannot be read on this machine: use 'clock'", name);
        return EXIT_TROUBLE;
    }
    if (!measures(verify, kind)) {
        add_clock(verify, kind, true);
    }
    return 0;
}

static int parse_clocks(struct verify *verify, const char *list)
{
    char *copy = strdup(list), *rest = copy;
    int code = copy != NULL ? 0 : EXIT_TROUBLE;
    if (copy == NULL) {
        error("out of memory");
    }
    while (code == 0 && rest != NULL) {
        code = parse_clock(verify, strsep(&rest, ","));
    }
    free(copy);
    return code;
}

static int handle_option(void *data, int id, const char *value)
{
    struct arguments *arguments = data;
    struct verify *verify = &arguments->verify;
    unsigned long number;
    switch (id) {
    case OPTION_VERIFY_CLOCK:
        return parse_clocks(verify, value);
    case OPTION_VERIFY_TIME:
        if (!parse_seconds("--time", value, &verify->time_s)) {
            return EXIT_TROUBLE;
        }
        if (verify->time_s > TIME_MOST_S) {
            error("'%s' is more than %.0f seconds for --time: the figures do not get better by that", value,
                  TIME_MOST_S);
            return EXIT_TROUBLE;
        }
        return 0;
    case OPTION_VERIFY_PIN:
        if (!parse_count("--pin", value, 0, CPU_SETSIZE - 1, &number)) {
            return EXIT_TROUBLE;
        }
        verify->pin = (int)number;
        return 0;
    case OPTION_LOCK:
        arguments->lock = true;
        return 0;
    case OPTION_OUTPUT:
        arguments->file = strcmp(value, "-") == 0 ? NULL : value;
        return 0;
    default:
        arguments->format_given = true;
        return option_table_or_json(&arguments->json, id, value);
    }
}

struct document {
    const struct arguments *arguments;
    const struct tare_result *header;
};

static int write_document(void *data, FILE *out)
{
    const struct document *document = data;
    const struct verify *verify = &document->arguments->verify;
    return document->arguments->json ? verify_write_json(verify, document->header, out)
                                     : verify_write_table(verify, out);
}

/* What decides on the figures, for the fingerprint. */
static bool make_fingerprint(struct tare_result *header, const struct verify *verify)
{
    char settings[128];
    size_t at = (size_t)snprintf(settings, sizeof(settings), "verify clocks=");
    for (size_t i = 0; i < verify->mode_count; i++) {
        at += (size_t)snprintf(settings + at, sizeof(settings) - at, "%s%s%s", i != 0 ? "," : "",
                               tare__clock_name(verify->modes[i].clock),
                               verify->modes[i].histograms ? "" : ":sums");
    }
    return result_fingerprint(header, settings);
}

/* The judgement, and the exit code. */
static int conclude(const struct verify *verify)
{
    for (size_t i = 0; i < verify->mode_count; i++) {
        const struct verify_mode *mode = &verify->modes[i];
        if (mode->judged && verify_mode_complete(mode) && !tare_verify_holds(mode->covered, mode->cases)) {
            error("%s: the %s holds the truth in %.1f %% of cases, and should in %.0f %%; 'tare doctor' may "
                  "know why",
                  verify_mode_name(mode), locale_is_utf8() ? "±" : "+-",
                  mode->cases != 0 ? (double)mode->covered / (double)mode->cases * 100 : 0.0,
                  TARE_VERIFY_COVERAGE * 100);
        }
    }
    if (verify->interrupted != 0) {
        return EXIT_RUN_SIGNALED + verify->interrupted;
    }
    return verify_verdict(verify) == 1 ? EXIT_FINE : EXIT_DIFFERENT;
}

static int measure(struct arguments *arguments, char **argv)
{
    struct verify *verify = &arguments->verify;
    struct tare_result *header = result_begin("verify", argv);
    int code = EXIT_TROUBLE;
    if (header != NULL && make_fingerprint(header, verify)) {
        code = verify_measure(verify);
        tare_lock_release(&verify->lock);
        if (code == 0) {
            struct document document = {arguments, header};
            code = output_write_whole(arguments->file, write_document, &document) ? 0 : EXIT_TROUBLE;
        }
        if (code == 0) {
            code = conclude(verify);
        }
    }
    tare_result_free(header);
    return code;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    static struct arguments arguments;
    arguments = (struct arguments){.verify = {.time_s = TIME_S, .pin = -1}};
    struct verify *verify = &arguments.verify;
    int code;
    int first = options_parse(command, argc, argv, handle_option, &arguments, &code);
    if (first < 0) {
        return code;
    }
    if (first < argc) {
        error("'%s' is one word too many: tare verify takes no operands", argv[first]);
        return EXIT_TROUBLE;
    }
    if ((verify->pin >= 0 && !can_pin(verify->pin)) ||
        (arguments.file != NULL && !output_can_write(arguments.file))) {
        return EXIT_TROUBLE;
    }
    if (!arguments.format_given) {
        arguments.json = arguments.file != NULL && ends_with(arguments.file, ".json");
    }
    if (verify->mode_count == 0) {
        uint32_t best = tare__clock_default();
        add_clock(verify, best, true);
        for (uint32_t clock = TARE_CLOCK_TSC_ORDERED; clock <= TARE_CLOCK_CLOCK; clock++) {
            if (clock != best && tare__clock_usable(clock)) {
                add_clock(verify, clock, false);
            }
        }
    }
    if (arguments.lock && !measurement_lock(&verify->lock, command->name, argv + 1)) {
        return EXIT_TROUBLE;
    }
    code = measure(&arguments, argv);
    tare_lock_release(&verify->lock);
    verify_release(verify);
    return code;
}

const struct command command_verify = {
    .name = "verify",
    .operands = "",
    .summary = "measure work of known cost: are the net figures true here?",
    .options = options,
    .details = "Exit code: 0: the 95 % intervals hold the truth in at least 90 % of cases, for\n"
               "each clock that is judged; 1: they do not; 2: the command line is wrong, or it\n"
               "could not be measured; 128 + N: interrupted by signal N.\n\n"
               "Examples:\n"
               "  tare verify\n"
               "  tare verify --clock tsc-ordered --time 60 -o verify.json\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
