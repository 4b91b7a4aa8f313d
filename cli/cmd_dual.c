/* SPDX-License-Identifier: MIT */
/*
 * `tare dual`: a program as fast as it can be built, and as it can be profiled, measured side by side; and what
 * profiling the latter costs. The rule of "dual results" is to publish both, with what each was built with.
 *
 * Measuring is the work of `tare bench` and `tare profile --measure-overhead`, which are run as they stand in the
 * output, so that whoever doubts a figure can repeat it.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/dual.h"
#include "record/folders.h"
#include "record/spawn.h"
#include "result/json.h"

enum {
    OPTION_FAST = 1,
    OPTION_INSTRUMENTED,
    OPTION_BUILD,
    OPTION_KEEP,
    OPTION_LANGUAGE,
    OPTION_COMPILER,
    OPTION_MODES,
    OPTION_FREQUENCY,
    OPTION_TIME,
    OPTION_PIN,
    OPTION_DUAL_FORMAT,
    OPTION_DUAL_OUTPUT,
};

static const struct option_spec options[] = {
    {OPTION_FAST, '\0', "fast", "FILE", "the fast build, where there are both", NULL},
    {OPTION_INSTRUMENTED, '\0', "instrumented", "FILE", "the one for profilers", NULL},
    {OPTION_BUILD, '\0', "build", "COMMAND", "build both by COMMAND, which gets CFLAGS and such", NULL},
    {OPTION_KEEP, '\0', "keep", "DIR", "of --build: copy both executables into DIR", NULL},
    {OPTION_LANGUAGE, '\0', "lang", "LANGUAGE", "of --build: c (the default), c++ or rust", "c c++ rust"},
    {OPTION_COMPILER, '\0', "compiler", "COMPILER", "of --build: gcc (the default) or clang", "gcc clang"},
    {OPTION_MODES, '\0', "modes", "LIST", "measure profiling, too: fp,dwarf,lbr,built-in or all",
     "fp dwarf lbr built-in all"},
    {OPTION_FREQUENCY, 'F', "frequency", "HZ", "samples a second of --modes (default: 99)", NULL},
    {OPTION_TIME, '\0', "time", "SECONDS", "for comparing the builds, at most (default: 10)", NULL},
    {OPTION_PIN, '\0', "pin", "CPU", "run on this processor alone", NULL},
    {OPTION_DUAL_FORMAT, '\0', "format", "FORMAT", "table or json (default: by the suffix of -o)",
     "table json"},
    {OPTION_DUAL_OUTPUT, 'o', "output", "FILE", "write to FILE instead of standard output", NULL},
    {0},
};

/* The modes by name; the order of enum tare_profiling_mode. */
static const char *const mode_names[TARE_MODES] = {"fp", "dwarf", "lbr", "built-in"};

/*
 * What a sample costs the program that is sampled, in ns: an interrupt and walking some 20 frames for fp; the
 * same and copying 8 KiB of stack for dwarf; an interrupt and 32 entries for lbr; a signal, unwinding and the
 * return from it for built-in. By docs/profiling.md.
 */
static const double sample_ns[TARE_MODES][2] = {
    {1e3, 20e3},
    {3e3, 40e3},
    {1e3, 20e3},
    {2e3, 20e3},
};

/* What libtare-profile.so, which the built-in sampler is in, takes of each start. By docs/profiling.md, too. */
static const double start_ns[2] = {1e6, 4e6};

static bool parse_modes(struct dual *dual, const char *value)
{
    char *list = strdup(value), *rest = NULL;
    bool fine = list != NULL;
    for (char *word = fine ? strtok_r(list, ",", &rest) : NULL; word != NULL && fine;
         word = strtok_r(NULL, ",", &rest)) {
        bool known = false;
        for (size_t i = 0; i < TARE_MODES; i++) {
            if (strcmp(word, "all") == 0 || strcmp(word, mode_names[i]) == 0) {
                dual->wants_mode[i] = known = true;
            }
        }
        if (!known) {
            error("unknown mode '%s': fp, dwarf, lbr, built-in or all", word);
            fine = false;
        }
    }
    free(list);
    return fine;
}

static int handle_option(void *data, int id, const char *value)
{
    struct dual *dual = data;
    double number;
    unsigned long cpu;
    switch (id) {
    case OPTION_FAST:
        dual->builds[DUAL_FAST].given = (char *)(uintptr_t)value;
        return 0;
    case OPTION_INSTRUMENTED:
        dual->builds[DUAL_INSTRUMENTED].given = (char *)(uintptr_t)value;
        return 0;
    case OPTION_BUILD:
        dual->build = value;
        return 0;
    case OPTION_KEEP:
        dual->keep = value;
        return 0;
    case OPTION_LANGUAGE:
        dual->language = value;
        if (strcmp(value, "c") != 0 && strcmp(value, "c++") != 0 && strcmp(value, "rust") != 0) {
            error("unknown language '%s': one of c, c++, rust", value);
            return EXIT_TROUBLE;
        }
        return 0;
    case OPTION_COMPILER:
        dual->compiler = value;
        if (strcmp(value, "gcc") != 0 && strcmp(value, "clang") != 0) {
            error("unknown compiler '%s': one of gcc, clang", value);
            return EXIT_TROUBLE;
        }
        return 0;
    case OPTION_MODES:
        return parse_modes(dual, value) ? 0 : EXIT_TROUBLE;
    case OPTION_FREQUENCY:
        dual->frequency_text = (char *)(uintptr_t)value;
        return parse_number("--frequency", value, false, 1, 10000, &dual->frequency_hz) ? 0 : EXIT_TROUBLE;
    case OPTION_TIME:
        dual->time = (char *)(uintptr_t)value;
        return parse_seconds("--time", value, &number) ? 0 : EXIT_TROUBLE;
    case OPTION_PIN:
        dual->pin = (char *)(uintptr_t)value;
        return parse_count("--pin", value, 0, 65535, &cpu) && can_pin((int)cpu) ? 0 : EXIT_TROUBLE;
    case OPTION_DUAL_FORMAT:
        if (strcmp(value, "table") != 0 && strcmp(value, "json") != 0) {
            error("unknown format '%s': one of table, json", value);
            return EXIT_TROUBLE;
        }
        dual->output.format = strcmp(value, "json") == 0 ? TARE_FORMAT_JSON : TARE_FORMAT_TABLE;
        dual->output.format_given = true;
        return 0;
    default:
        dual->output.file = strcmp(value, "-") == 0 ? NULL : value;
        return 0;
    }
}

/* ---- the two builds ---- */

static void show_progress(void *data, const char *what, double elapsed_s)
{
    progress("%s: %s, %.0f s", (const char *)data, what, elapsed_s);
}

static void show_notice(void *data, const char *line)
{
    (void)data;
    progress_clear();
    fprintf(stderr, "%s\n", line);
}

/* NAME=VALUE ... of Cargo, each into the environment. */
static bool set_cargo(const char *settings)
{
    char *list = strdup(settings), *rest = NULL;
    bool fine = list != NULL;
    for (char *word = fine ? strtok_r(list, " ", &rest) : NULL; word != NULL && fine;
         word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        if (value != NULL) {
            *value = '\0';
            fine = setenv(word, value + 1, 1) == 0;
        }
    }
    free(list);
    return fine;
}

static bool set_flags(const struct dual_build *build, const char *language)
{
    const struct build_flags *flags = &build->flags;
    if (setenv("TARE_DUAL_PROFILE", build->profile, 1) != 0) {
        return false;
    }
    if (strcmp(language, "rust") == 0) {
        return setenv("RUSTFLAGS", flags->compile, 1) == 0 && set_cargo(flags->cargo);
    }
    return setenv("CFLAGS", flags->compile, 1) == 0 && setenv("CXXFLAGS", flags->compile, 1) == 0 &&
           setenv("LDFLAGS", flags->link, 1) == 0;
}

/* "NAME='VALUE' " behind the line, which is freed. NULL without memory. */
static char *add_assignment(char *line, const char *name, const char *value)
{
    char *word = line != NULL ? tare__shell_word(value) : NULL, *longer = NULL;
    if (word != NULL && asprintf(&longer, "%s%s=%s ", line, name, word) < 0) {
        longer = NULL;
    }
    free(word);
    free(line);
    return longer;
}

/* What would build it again: its flags, and the command; in a shell of its own where it is more than words. */
static char *build_line(const struct dual *dual, const struct dual_build *build)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+- ";
    const struct build_flags *flags = &build->flags;
    char *line = strdup(""), *whole = NULL, *command = NULL;
    if (strcmp(dual->language, "rust") == 0) {
        free(line);
        line = asprintf(&whole, "%s%s", flags->cargo, flags->cargo[0] != '\0' ? " " : "") < 0 ? NULL : whole;
        whole = NULL;
        line = add_assignment(line, "RUSTFLAGS", flags->compile);
    } else {
        line = add_assignment(line, "CFLAGS", flags->compile);
        line = add_assignment(line, "CXXFLAGS", flags->compile);
        line = add_assignment(line, "LDFLAGS", flags->link);
    }
    line = add_assignment(line, "TARE_DUAL_PROFILE", build->profile);
    bool words = dual->build[strspn(dual->build, plain)] == '\0';
    command = words ? strdup(dual->build) : tare__shell_word(dual->build);
    if (line == NULL || command == NULL ||
        asprintf(&whole, "%s%s%s", line, words ? "" : "sh -c ", command) < 0) {
        whole = NULL;
    }
    free(line);
    free(command);
    return whole;
}

/* Copies an executable: beside its place, and then there. 0 or -errno. */
static int copy_executable(const char *from, const char *to)
{
    char *beside = NULL;
    int in = open(from, O_RDONLY | O_CLOEXEC), error = in < 0 ? -errno : 0, out = -1;
    if (error == 0 && asprintf(&beside, "%s.XXXXXX", to) < 0) {
        beside = NULL;
        error = -ENOMEM;
    }
    if (error == 0) {
        out = mkostemp(beside, O_CLOEXEC);
        error = out < 0 ? -errno : 0;
    }
    for (ssize_t n = 1; error == 0 && n > 0;) {
        n = sendfile(out, in, NULL, 1 << 20);
        error = n < 0 ? -errno : 0;
    }
    if (error == 0 && (fchmod(out, 0755) != 0 || rename(beside, to) != 0)) {
        error = -errno;
    }
    if (out >= 0) {
        close(out);
        if (error != 0) {
            unlink(beside);
        }
    }
    if (in >= 0) {
        close(in);
    }
    free(beside);
    return error;
}

/* How the commands name it, and with --keep the copy of it. 0, or an exit code after an error was printed. */
static int keep_one(const struct dual *dual, struct dual_build *build)
{
    int failure = 0;
    if (dual->keep == NULL) {
        failure = asprintf(&build->shown, "%s.%s", dual->program, build->profile) < 0 ? -ENOMEM : 0;
    } else {
        char *folder = realpath(dual->keep, NULL);
        failure =
            folder == NULL ? -errno
            : asprintf(&build->shown, "%s/%s.%s", folder, tare__path_name(dual->program), build->profile) < 0
                ? -ENOMEM
                : 0;
        free(folder);
    }
    if (failure != 0) {
        build->shown = NULL;
    } else if (dual->keep != NULL) {
        failure = copy_executable(build->executable, build->shown);
    }
    if (failure != 0) {
        error("cannot keep the %s build in '%s': %s", build->profile, dual->keep != NULL ? dual->keep : ".",
              strerror(-failure));
    }
    return failure == 0 ? 0 : EXIT_TROUBLE;
}

/* 0, or an exit code after an error was printed. */
static int build_one(struct dual *dual, struct dual_build *build)
{
    const struct build_profile *profile = build_profile_find(build->profile);
    if (!build_flags_add(&build->flags, profile->pieces, dual->language, dual->compiler) ||
        !set_flags(build, dual->language)) {
        error("out of memory");
        return EXIT_TROUBLE;
    }
    const struct tare_build_watch watch = {show_progress, show_notice, (void *)(uintptr_t)build->profile};
    const struct tare_worktree_request request = {
        .executable = dual->program,
        .may_be_missing = true,
        .revision = "HEAD",
        .build = dual->build,
        .watch = &watch,
        .option = "--build",
        .instead = "build both yourself, and name them with --fast and --instrumented"};
    struct tare_build_trouble trouble = {0};
    int failure = tare_worktree_build(&request, &build->worktree, &trouble), code = 0;
    progress_clear();
    if (failure != 0 && trouble.interrupted != 0) {
        code = EXIT_RUN_SIGNALED + trouble.interrupted;
    } else if (failure != 0) {
        error("%s: %s", build->profile, trouble.message != NULL ? trouble.message : "out of memory");
        if (trouble.output != NULL) {
            fputs(trouble.output, stderr);
        }
        if (trouble.log != NULL) {
            fprintf(stderr, "all of it is in %s\n", trouble.log);
        }
        code = EXIT_TROUBLE;
    } else {
        build->executable = strdup(build->worktree.executable);
        build->build_command = build_line(dual, build);
        code = build->executable != NULL && build->build_command != NULL ? keep_one(dual, build) : EXIT_TROUBLE;
    }
    tare_build_trouble_release(&trouble);
    return code;
}

static int prepare_builds(struct dual *dual)
{
    if (dual->keep != NULL) {
        int failure = tare__folders_make(dual->keep);
        if (failure != 0) {
            error("cannot make '%s': %s", dual->keep, strerror(-failure));
            return EXIT_TROUBLE;
        }
    }
    for (size_t i = 0; i < DUAL_BUILDS; i++) {
        struct dual_build *build = &dual->builds[i];
        if (build->given != NULL) {
            build->executable = realpath(build->given, NULL);
            if (build->executable == NULL || access(build->executable, X_OK) != 0) {
                error("cannot run '%s': %s", build->given, strerror(errno));
                return EXIT_TROUBLE;
            }
            build->shown = strdup(build->executable);
            if (build->shown == NULL) {
                error("out of memory");
                return EXIT_TROUBLE;
            }
        } else {
            int code = build_one(dual, build);
            if (code != 0) {
                return code;
            }
        }
        char message[512];
        build->has_binary =
            tare_binary_read(build->executable, NULL, &build->binary, message, sizeof(message)) == 0;
        if (!build->has_binary) { /* a script, say: nothing is known of it */
            tare_binary_release(&build->binary);
        }
    }
    if (dual->build != NULL && dual->builds[0].worktree.dirty == 1) {
        warning("what is built is the last commit: changes that are not committed are not in it");
    }
    return 0;
}

/* ---- measuring ---- */

/* For an argv, whose words nobody writes to. */
#define WORD(text) ((char *)(uintptr_t)(text))

/* The words as a shell would take them. NULL without memory. */
static char *quoted_line(const char *first, char *const *rest)
{
    char *line = tare__shell_word(first);
    for (size_t i = 0; rest[i] != NULL && line != NULL; i++) {
        char *word = tare__shell_word(rest[i]), *longer = NULL;
        if (word == NULL || asprintf(&longer, "%s %s", line, word) < 0) {
            longer = NULL;
        }
        free(word);
        free(line);
        line = longer;
    }
    return line;
}

/*
 * Runs this tare with those words and reads the JSON that it writes. Returns 0, or an exit code: after an error was
 * printed, by us or by it; *result is NULL then.
 */
static int run_tare(char *const *argv, struct tare_result **result)
{
    struct tare_outcome outcome;
    bool not_started;
    char **words;
    size_t count = 0;
    *result = NULL;
    const char *folder = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/tare-dual-XXXXXX", folder != NULL && *folder != '\0' ? folder : "/tmp") < 0) {
        error("out of memory");
        return EXIT_TROUBLE;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        error("cannot create '%s': %s", path, strerror(errno));
        free(path);
        return EXIT_TROUBLE;
    }
    close(fd); /* a result is written beside its place, and moved there */
    while (argv[count] != NULL) {
        count++;
    }
    words = calloc(count + 5, sizeof(*words));
    if (words == NULL) {
        unlink(path);
        free(path);
        error("out of memory");
        return EXIT_TROUBLE;
    }
    words[0] = argv[0];
    words[1] = argv[1];
    words[2] = WORD("--format=json");
    words[3] = WORD("-o");
    words[4] = path;
    memcpy(words + 5, argv + 2, (count - 2) * sizeof(*words));
    const struct tare_spawn spawn = {.path = "/proc/self/exe", .argv = words, .pin_cpu = -1, .quiet = true};
    int failure = tare_spawn_run(&spawn, &outcome, &not_started), code = 0;
    free(words);
    if (failure != 0) {
        error("cannot run 'tare %s': %s", argv[1], strerror(-failure));
        code = EXIT_TROUBLE;
    } else if (outcome.interrupted != 0) {
        code = EXIT_RUN_SIGNALED + outcome.interrupted;
    } else {
        char message[256];
        struct stat status;
        FILE *in = stat(path, &status) == 0 && status.st_size > 0 ? fopen(path, "re") : NULL;
        if (in == NULL) {
            code = EXIT_TROUBLE; /* it has said why */
        } else if (tare_result_read_json(in, result, message, sizeof(message)) != 0) {
            error("cannot read what 'tare %s' found: %s", argv[1], message);
            code = EXIT_TROUBLE;
        }
        if (in != NULL) {
            fclose(in);
        }
    }
    unlink(path);
    free(path);
    return code;
}

/* "tare WORDS", for people: without what is ours alone. NULL without memory. */
static char *shown_command(char *const *argv)
{
    return quoted_line(argv[0], argv + 1);
}

static bool name_profiling(struct dual *dual)
{
    for (size_t i = 0; i < DUAL_BUILDS; i++) {
        struct dual_build *build = &dual->builds[i];
        char *program = quoted_line(build->shown, dual->argv);
        if (program == NULL || asprintf(&build->profile_command, "tare profile -- %s", program) < 0) {
            build->profile_command = NULL;
        }
        free(program);
        if (build->profile_command == NULL) {
            error("out of memory");
            return false;
        }
    }
    return true;
}

static int compare_builds(struct dual *dual)
{
    char *argv[16], *lines[DUAL_BUILDS] = {NULL, NULL}, *shown[DUAL_BUILDS] = {NULL, NULL};
    size_t n = 0;
    bool plain = dual->argv[0] == NULL; /* then it may have benchmarks in it, which `tare bench` sees */
    for (size_t i = 0; i < DUAL_BUILDS; i++) {
        const char *executable = dual->builds[i].executable;
        lines[i] = plain ? strdup(executable) : quoted_line(executable, dual->argv);
        shown[i] = plain ? strdup(dual->builds[i].shown) : quoted_line(dual->builds[i].shown, dual->argv);
    }
    argv[n++] = WORD("tare");
    argv[n++] = WORD("bench");
    argv[n++] = WORD("--fail-on=nothing");
    argv[n++] = WORD("--shell=none");
    if (dual->time != NULL) {
        argv[n++] = WORD("--time");
        argv[n++] = dual->time;
    }
    if (dual->pin != NULL) {
        argv[n++] = WORD("--pin");
        argv[n++] = dual->pin;
    }
    size_t first = n;
    argv[n++] = shown[DUAL_FAST];
    argv[n++] = WORD("--vs");
    argv[n++] = shown[DUAL_INSTRUMENTED];
    argv[n] = NULL;
    int code = EXIT_TROUBLE;
    if (lines[DUAL_FAST] != NULL && lines[DUAL_INSTRUMENTED] != NULL && shown[DUAL_FAST] != NULL &&
        shown[DUAL_INSTRUMENTED] != NULL) {
        dual->bench_command = shown_command(argv);
        argv[first] = lines[DUAL_FAST];
        argv[first + 2] = lines[DUAL_INSTRUMENTED];
        code = run_tare(argv, &dual->result);
    } else {
        error("out of memory");
    }
    for (size_t i = 0; i < DUAL_BUILDS; i++) {
        free(lines[i]);
        free(shown[i]);
    }
    if (code == 0 && dual->result->bench == NULL) {
        error("cannot read what 'tare bench' found: there are no benchmarks in it");
        code = EXIT_TROUBLE;
    }
    return code != 0 || name_profiling(dual) ? code : EXIT_TROUBLE;
}

/*
 * How long a run of the instrumented build takes without a profiler, and where that was not measured as a whole (it has
 * benchmarks in it) the one that the profile was taken of; NAN: unknown.
 */
static double run_ns(const struct dual *dual, const struct tare_result *profiled)
{
    const struct tare_result_bench *bench = dual->result->bench;
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        const struct tare_result_arm *arm = dual_arm(&bench->benchmarks[i], "B");
        if (bench->benchmarks[i].command && arm != NULL && arm->summary.n != 0) {
            return arm->summary.median;
        }
    }
    return profiled != NULL && profiled->profile != NULL ? profiled->profile->wall_ns : NAN;
}

/* The built-in sampler costs something at the start, which is more of a short run than of a long one. */
static void expect_start(const struct dual *dual, const struct tare_result *profiled, struct dual_mode *mode)
{
    double ns = run_ns(dual, profiled);
    mode->expected_low += ns > 0 ? start_ns[0] / ns : NAN;
    mode->expected_high += ns > 0 ? start_ns[1] / ns : NAN;
}

/* One way of profiling. What cannot be measured says why, and is no failure of ours. */
static int measure_mode(struct dual *dual, size_t number)
{
    struct dual_mode *mode = &dual->modes[dual->mode_count++];
    char *executable = dual->builds[DUAL_INSTRUMENTED].executable, *argv[64];
    struct tare_result *result = NULL;
    size_t n = 0, rest = 0;
    *mode = (struct dual_mode){.name = mode_names[number],
                               .expected_low = dual->frequency_hz * sample_ns[number][0] / 1e9,
                               .expected_high = dual->frequency_hz * sample_ns[number][1] / 1e9};
    argv[n++] = WORD("tare");
    argv[n++] = WORD("profile");
    argv[n++] = WORD("--mode");
    argv[n++] = WORD(mode_names[number]);
    argv[n++] = WORD("-F");
    argv[n++] = dual->frequency_text != NULL ? dual->frequency_text : WORD("99");
    if (dual->pin != NULL) {
        argv[n++] = WORD("--pin");
        argv[n++] = dual->pin;
    }
    argv[n++] = WORD("--measure-overhead");
    argv[n++] = WORD("--");
    size_t program = n++;
    argv[program] = dual->builds[DUAL_INSTRUMENTED].shown;
    while (dual->argv[rest] != NULL && n < sizeof(argv) / sizeof(argv[0]) - 1) {
        argv[n++] = dual->argv[rest++];
    }
    argv[n] = NULL;
    if (dual->argv[rest] != NULL) {
        mode->problem = strdup("the program has too many arguments");
        return mode->problem != NULL ? 0 : EXIT_TROUBLE;
    }
    mode->command = shown_command(argv);
    argv[program] = executable;
    progress("profiling, mode %s", mode->name);
    int code = run_tare(argv, &result);
    progress_clear();
    if (number == TARE_MODE_BUILT_IN) {
        expect_start(dual, result, mode);
    }
    if (code > EXIT_RUN_SIGNALED || (code == 0 && result->profile == NULL)) {
        tare_result_free(result);
        return code != 0 ? code : EXIT_TROUBLE;
    }
    if (code != 0) {
        mode->problem = strdup("'tare profile' could not take one; its message stands above");
    } else if (result->profile->overhead.measured) {
        mode->overhead = result->profile->overhead;
    } else {
        mode->problem = strdup("the machine was too noisy to tell");
    }
    tare_result_free(result);
    return 0;
}

static int measure(struct dual *dual)
{
    int code = compare_builds(dual);
    for (size_t i = 0; i < TARE_MODES && code == 0; i++) {
        if (dual->wants_mode[i]) {
            code = measure_mode(dual, i);
        }
    }
    return code;
}

static bool check(const struct dual *dual, int operands)
{
    bool fast = dual->builds[DUAL_FAST].given != NULL, other = dual->builds[DUAL_INSTRUMENTED].given != NULL;
    if (fast != other) {
        error("only one build is given: --fast and --instrumented go together");
    } else if (dual->keep != NULL && dual->build == NULL) {
        error("--keep is for --build, which makes something to keep");
    } else if (fast && dual->build != NULL) {
        error("--build makes both builds: not with --fast and --instrumented");
    } else if (!fast && dual->build == NULL) {
        error("nothing to compare: name two builds with --fast and --instrumented, or how to make them with "
              "--build");
    } else if (!fast && operands == 0) {
        error("no program: 'tare dual --build COMMAND -- PROGRAM' names what COMMAND makes");
    } else {
        return dual->output.file == NULL || output_can_write(dual->output.file);
    }
    return false;
}

static void release(struct dual *dual)
{
    for (size_t i = 0; i < DUAL_BUILDS; i++) {
        struct dual_build *build = &dual->builds[i];
        struct tare_build_trouble trouble = {0};
        if (tare_worktree_remove(&build->worktree, &trouble) != 0) {
            warning("%s", trouble.message != NULL ? trouble.message : "out of memory");
        }
        tare_build_trouble_release(&trouble);
        if (build->has_binary) {
            tare_binary_release(&build->binary);
        }
        build_flags_release(&build->flags);
        free(build->executable);
        free(build->shown);
        free(build->build_command);
        free(build->profile_command);
    }
    for (size_t i = 0; i < dual->mode_count; i++) {
        free(dual->modes[i].command);
        free(dual->modes[i].problem);
    }
    tare_result_free(dual->result);
    free(dual->bench_command);
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct dual dual = {.language = "c", .compiler = "gcc", .frequency_hz = TARE_PROFILING_HZ};
    int code;
    output_init(&dual.output);
    dual.builds[DUAL_FAST].profile = "fast";
    dual.builds[DUAL_INSTRUMENTED].profile = "instrumented";
    int first = options_parse(command, argc, argv, handle_option, &dual, &code);
    if (first < 0) {
        return code;
    }
    if (!check(&dual, argc - first) || !output_check(&dual.output)) {
        return EXIT_TROUBLE;
    }
    dual.program = dual.build != NULL ? argv[first++] : NULL;
    dual.argv = argv + first;
    code = prepare_builds(&dual);
    if (code == 0) {
        code = measure(&dual);
    }
    if (code == 0 && !output_write_whole(
                         dual.output.file,
                         dual.output.format == TARE_FORMAT_JSON ? dual_write_json : dual_write_table, &dual)) {
        code = EXIT_TROUBLE;
    }
    release(&dual);
    return code;
}

const struct command command_dual = {
    .name = "dual",
    .operands = "[-- PROGRAM] [ARGUMENT...]",
    .summary = "what a build for profilers costs, and profiling it",
    .options = options,
    .details =
        "With --fast and --instrumented the operands are the arguments of both;\nwith --build the first one is "
        "the program that COMMAND makes.\n\n"
        "Exit code: 0; 2 when something could not be built, run or written;\n128 + signal when interrupted.\n\n"
        "Examples:\n"
        "  tare dual --fast ./prog.fast --instrumented ./prog.instrumented -- 1000\n"
        "  tare dual --build 'make CFLAGS=\"$CFLAGS\"' --modes fp,built-in -- ./prog 1000\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
