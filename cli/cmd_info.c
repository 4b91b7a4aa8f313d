/* SPDX-License-Identifier: MIT */
/*
 * `tare info`: which tare this is, how it was built, which clock it would use here, and the fingerprint that a
 * `tare run` without options would have.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tare/version.h>

#include "build-config.h"
#include "cli/cli.h"
#include "cli/passes.h"
#include "record/environment.h"
#include "record/fingerprint.h"
#include "runtime/clock.h"

enum { OPTION_INFO_FORMAT = 1, BASELINE_NS = 20000000 };

static const struct option_spec options[] = {
    {OPTION_INFO_FORMAT, '\0', "format", "FORMAT", "table or json", "table json"},
    {0},
};

/* The rate of a clock over a baseline of 20 ms. */
static double measure_rate(uint32_t kind, double *error_ppm)
{
    struct tare_anchor first = tare__clock_anchor(kind);
    while (clock_raw_ns() - first.raw_ns < BASELINE_NS) {
    }
    struct tare_anchor last = tare__clock_anchor(kind);
    uint64_t error_ppb;
    uint64_t rate_hz = tare__clock_rate(kind, &first, &last, &error_ppb);
    *error_ppm = rate_hz != 0 ? (double)error_ppb / 1000 : NAN;
    return rate_hz != 0 ? (double)rate_hz : NAN;
}

static const struct {
    const char *name, *version, *without;
} libraries[] = {
    {"jansson", TARE_BUILD_JANSSON, ""},
    {"libelf", TARE_BUILD_LIBELF, "no 'tare list', no check of the program before --libc"},
    {"libdw", TARE_BUILD_LIBDW, "no lines and no inlined calls in profiles"},
    {"libsupc++", TARE_BUILD_DEMANGLE, "names of C++ and Rust stay mangled"},
    {"inih", TARE_BUILD_INIH, "no budgets for 'tare check'"},
    {"zlib", TARE_BUILD_ZLIB, "no profiles for pprof"},
    {"ncursesw", TARE_BUILD_NCURSESW, "no screen for 'tare top'"},
    {"libmicrohttpd", TARE_BUILD_MICROHTTPD, "no 'tare serve'"},
    {"libcurl", TARE_BUILD_CURL, "no 'tare serve --push'"},
    {"sqlite3", TARE_BUILD_SQLITE, "no 'tare history'"},
    {"libpq", TARE_BUILD_PQ, "'tare history' only with SQLite"},
};

static bool read_fingerprint(struct tare_fingerprint *fingerprint)
{
    const struct run plain = {.pin = -1, .repeat = 1};
    struct tare_environment environment;
    char *settings = run_settings(&plain);
    bool fine = settings != NULL && tare_environment_read(&environment, NULL) == 0;
    if (fine) {
        fine = tare_fingerprint_read(fingerprint, &environment, TARE_VERSION, settings) == 0;
        tare_environment_release(&environment);
    }
    free(settings);
    if (!fine) {
        error("out of memory");
    }
    return fine;
}

static void print_fingerprint(const struct tare_fingerprint *fingerprint)
{
    printf("\nfingerprint %.*s, of 'tare run' without options\n", TARE_FINGERPRINT_SHORT, fingerprint->hash);
    for (int part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        const char *value = fingerprint->parts[part];
        char *shown = value != NULL ? printable(value) : NULL;
        printf("  %-14s  %s\n", tare_fingerprint_name(part), shown != NULL ? shown : "-");
        free(shown);
    }
}

static json_t *fingerprint_value(const struct tare_fingerprint *fingerprint)
{
    json_t *parts = json_object();
    for (int part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        const char *value = fingerprint->parts[part];
        json_object_set_new(parts, tare_fingerprint_name(part),
                            value != NULL ? json_string(value) : json_null());
    }
    return json_pack("{s:s, s:o}", "hash", fingerprint->hash, "parts", parts);
}

static void print_table(uint32_t kind, double rate_hz, double error_ppm)
{
    printf("tare      %s\n", TARE_VERSION);
    printf("build     %s, %s, %s\n", TARE_BUILD_PROFILE, TARE_BUILD_COMPILER, TARE_BUILD_SYSTEM);
    printf("flags     %s\n", TARE_BUILD_FLAGS);
    printf("clock     %s, %.3f MHz within %.2f ppm%s\n", tare__clock_name(kind), rate_hz / 1e6, error_ppm,
           kind == TARE_CLOCK_CLOCK                       ? ""
           : ARCH_HAS_COUNTER && arch_counter_invariant() ? ", invariant"
                                                          : ", not invariant");
    printf("clocks   ");
    for (uint32_t clock = TARE_CLOCK_TSC_ORDERED; clock <= TARE_CLOCK_CLOCK; clock++) {
        printf(" %s%s", tare__clock_name(clock), tare__clock_usable(clock) ? "" : " (not here)");
    }
    putchar('\n');
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        printf("%-9s %s\n", libraries[i].name,
               libraries[i].version != NULL ? libraries[i].version : "not built in");
        if (libraries[i].version == NULL) {
            printf("          %s\n", libraries[i].without);
        }
    }
}

static int print_json(uint32_t kind, double rate_hz, double error_ppm,
                      const struct tare_fingerprint *fingerprint)
{
    json_t *root =
        json_pack("{s:s, s:i, s:s, s:{s:s, s:s, s:s, s:s}, s:{s:s, s:f, s:f}}", "schema", "tare-info",
                  "schema_version", 1, "version", TARE_VERSION, "build", "profile", TARE_BUILD_PROFILE,
                  "compiler", TARE_BUILD_COMPILER, "flags", TARE_BUILD_FLAGS, "system", TARE_BUILD_SYSTEM,
                  "clock", "name", tare__clock_name(kind), "rate_hz", rate_hz, "rate_error_ppm", error_ppm);
    json_t *found = json_object();
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        const char *version = libraries[i].version;
        json_object_set_new(found, libraries[i].name, version != NULL ? json_string(version) : json_null());
    }
    int failure = root == NULL || json_object_set_new(root, "libraries", found) != 0 ||
                  json_object_set_new(root, "fingerprint", fingerprint_value(fingerprint)) != 0 ||
                  json_dumpf(root, stdout, JSON_INDENT(2)) != 0;
    putchar('\n');
    json_decref(root);
    if (failure) {
        error("cannot write to standard output");
    }
    return failure ? EXIT_TROUBLE : EXIT_FINE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    bool json = false;
    int code;
    int first = options_parse(command, argc, argv, option_table_or_json, &json, &code);
    if (first < 0) {
        return code;
    }
    if (first < argc) {
        error("'%s' is one word too many: tare info takes no operands", argv[first]);
        return EXIT_TROUBLE;
    }
    uint32_t kind = tare__clock_default();
    double error_ppm, rate_hz = measure_rate(kind, &error_ppm);
    struct tare_fingerprint fingerprint;
    if (!read_fingerprint(&fingerprint)) {
        return EXIT_TROUBLE;
    }
    code = EXIT_FINE;
    if (json) {
        code = print_json(kind, rate_hz, error_ppm, &fingerprint);
    } else {
        print_table(kind, rate_hz, error_ppm);
        print_fingerprint(&fingerprint);
    }
    tare_fingerprint_release(&fingerprint);
    return code;
}

const struct command command_info = {
    .name = "info",
    .operands = "",
    .summary = "show version, build, clock and libraries found",
    .options = options,
    .details = "Exit code: 0, or 2 for a wrong command line.\n\nExample:\n  tare info --format json\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
