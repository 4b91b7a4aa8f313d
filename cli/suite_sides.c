/* SPDX-License-Identifier: MIT */
/* The sides of `tare suite`: which there are, how each is started, whether its results are right. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/suite.h"
#include "record/elf.h"

/* A side is started as this, and named in tables by its label. */
struct started {
    char *path;    /* the executable */
    char *program; /* NULL: the executable is the program */
    const char *argv[3];
};

/* Whether a word stands in a list with commas between. */
static bool is_in(const char *list, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = list; *at != '\0';) {
        size_t here = strcspn(at, ",");
        if (here == size && strncmp(at, word, size) == 0) {
            return true;
        }
        at += here + (at[here] == ',');
    }
    return false;
}

bool suite_check_sides(const struct suite_call *call)
{
    const struct suite *suite = call->suite;
    const char *labels[BENCH_SIDES_MAX];
    for (size_t i = 0; i < suite->side_count; i++) {
        labels[i] = suite->sides[i].label;
    }
    for (const char *at = call->sides; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, ",");
        char *word = strndup(at, size);
        bool found = false;
        for (size_t i = 0; i < suite->side_count && word != NULL; i++) {
            found = found || strcmp(word, labels[i]) == 0;
        }
        if (!found) {
            const char *near = word != NULL ? suggest(word, labels, suite->side_count) : NULL;
            error("the suite '%s' has no side '%s'%s%s%s", suite->name, word != NULL ? word : "",
                  near != NULL ? ": did you mean '" : ": 'tare suite --list' names them",
                  near != NULL ? near : "", near != NULL ? "'?" : "");
            free(word);
            return false;
        }
        free(word);
        at += size + (at[size] == ',');
    }
    return true;
}

/*
 * The interpreter that a side wants: that which the build wrote down in a file `interpreter` beside the program, as modules
 * for it were built with it, else the one in PATH. NULL: there is none.
 */
static char *find_interpreter(const char *program, const char *name)
{
    char *file = NULL, line[512] = "", *path = NULL;
    const char *slash = strrchr(program, '/');
    if (asprintf(&file, "%.*s/interpreter", (int)(slash - program), program) < 0) {
        return NULL;
    }
    FILE *in = fopen(file, "re");
    free(file);
    if (in != NULL) {
        char *read = fgets(line, sizeof(line), in);
        fclose(in);
        line[strcspn(line, "\r\n")] = '\0';
        if (read != NULL && line[0] == '/' && access(line, X_OK) == 0) {
            return strdup(line);
        }
    }
    return tare_find_program(name, &path) == 0 ? path : NULL;
}

/* 0; 1 with why it is not there in `message`; or -ENOMEM. */
static int start_of(const char *folder, const struct suite_side *side, struct started *started, char *message,
                    size_t size)
{
    char *program = NULL;
    *started = (struct started){0};
    if (asprintf(&program, "%s/%s", folder, side->program) < 0) {
        return -ENOMEM;
    }
    const char *packages = side->packages != NULL ? side->packages : "";
    const char *install = *packages != '\0' ? ": install " : "";
    if (access(program, side->interpreter != NULL ? R_OK : X_OK) != 0) {
        snprintf(message, size, "it was left out of the build%s%s%s", install, packages,
                 *packages != '\0' ? ", and build again" : "");
        free(program);
        return 1;
    }
    if (side->interpreter == NULL) {
        started->path = program;
        started->argv[0] = program;
        return 0;
    }
    started->program = program;
    started->path = find_interpreter(program, side->interpreter);
    if (started->path == NULL) {
        snprintf(message, size, "there is no %s%s%s", side->interpreter, install, packages);
        free(program);
        started->program = NULL;
        return 1;
    }
    started->argv[0] = started->path;
    started->argv[1] = program;
    return 0;
}

/*
 * Runs a side's program with one argument, beside any measurement. 0; 1 with why it did not end well in `why`, as a line.
 * *interrupted: the signal that came meanwhile, or 0.
 */
static int run_program(const char *path, char *const *argv, double timeout_s, char why[512], int *interrupted)
{
    struct tare_block_outcome outcome = {0};
    const struct tare_block_request process = {.path = path,
                                               .argv = argv,
                                               .output = TARE_BLOCK_CAPTURE,
                                               .errors = TARE_BLOCK_CAPTURE,
                                               .lines_fd = -1,
                                               .pin_cpu = -1,
                                               .timeout_s = timeout_s};
    bool not_started;
    int failure = tare_block_run(&process, &outcome, &not_started);
    bool fine = failure == 0 && outcome.end == TARE_END_EXITED && outcome.code == 0;
    if (!fine) {
        char *said = outcome.output != NULL ? strndup(outcome.output, strcspn(outcome.output, "\r\n")) : NULL;
        snprintf(why, 512, "%s",
                 failure != 0                      ? strerror(-failure)
                 : said != NULL && said[0] != '\0' ? said
                                                   : "its program did not come to its end");
        free(said);
    }
    *interrupted = outcome.interrupted;
    tare_block_release(&outcome);
    return !fine;
}

/* Whether a side's results are right, before any of them is timed. 0; 1 with what is wrong in `message`; -EINTR. */
static int verify(const struct suite_call *call, const struct started *started, char message[512])
{
    char *argv[4] = {(char *)started->argv[0], (char *)started->argv[1], NULL, NULL}, why[480 + 32];
    argv[started->argv[1] != NULL ? 2 : 1] = (char *)call->suite->verify;
    int interrupted,
        result = run_program(started->path, argv, call->bench->options.timeout_s, why, &interrupted);
    if (interrupted != 0) {
        bench_signal = interrupted;
        return -EINTR;
    }
    if (result != 0) {
        snprintf(message, 512, "its results are not right: %.480s", why);
    }
    return result;
}

/* One more side, of the programs in `folder`. 0; 1 if it is skipped, with why in `message`; -EINTR or -ENOMEM. */
static int add_side(struct suite_call *call, const struct suite_side *side, const char *folder,
                    const char *label, char message[512])
{
    struct started started;
    int result = start_of(folder, side, &started, message, 512);
    if (result == 0) {
        progress("starting %s", label);
        if (call->suite->verify != NULL && !call->bench->options.list) {
            result = verify(call, &started, message);
        }
        if (result == 0) {
            result = bench_sides_add_suite(call->bench, label, started.path, (char *const *)started.argv,
                                           side->timers, message, 512);
        }
        progress_clear();
    }
    free(started.program);
    free(started.path);
    struct shown *shown = &call->shown[call->shown_count];
    *shown = (struct shown){.label = label, .about = side->about};
    if (result == 0) {
        shown->arm = label;
    } else if (result == 1) {
        shown->skipped = printable(message);
        if (shown->skipped == NULL) {
            result = -ENOMEM;
        }
    }
    call->shown_count++;
    return result;
}

/* False after an error was printed, or where there is one to come: it was interrupted. */
static bool check_added(int result, const char *what, const char *message)
{
    if (result == -ENOMEM) {
        error("out of memory");
    } else if (result == 1) {
        error("%s: %s", what, message);
    }
    return result == 0;
}

/* The first side that is asked for, and its twin in another build. */
static bool find_twins(struct suite_call *call)
{
    const struct suite *suite = call->suite;
    const struct suite_side *side = NULL;
    char message[512] = "", *twin = NULL, *end;
    for (size_t i = 0; i < suite->side_count; i++) {
        if (call->sides == NULL ? i == 0 : strcmp(call->sides, suite->sides[i].label) == 0) {
            side = &suite->sides[i];
        }
    }
    if (side == NULL || (call->sides == NULL && suite->side_count > 1)) {
        error("--against compares one side: name it with --sides");
        return false;
    }
    char *folder = strdup(call->against);
    if (folder != NULL) {
        for (end = folder + strlen(folder); end > folder + 1 && end[-1] == '/'; end--) {
            end[-1] = '\0';
        }
        const char *slash = strrchr(folder, '/');
        if (asprintf(&twin, "%s@%s", side->label, slash != NULL ? slash + 1 : folder) < 0) {
            twin = NULL;
        }
    }
    free(folder);
    if (twin == NULL || asprintf(&call->other, "%s/libexec/tare/suites/%s", call->against, suite->name) < 0) {
        free(twin);
        call->other = NULL;
        error("out of memory");
        return false;
    }
    bool fine = check_added(add_side(call, side, call->folder, side->label, message), side->label, message) &&
                check_added(add_side(call, side, call->other, twin, message), twin, message);
    call->shown[call->shown_count > 1].made = twin;
    return fine;
}

bool suite_find_sides(struct suite_call *call)
{
    const struct suite *suite = call->suite;
    if (call->against != NULL) {
        return find_twins(call);
    }
    for (size_t i = 0; i < suite->side_count; i++) {
        const struct suite_side *side = &suite->sides[i];
        char message[512] = "", what[128];
        if (i > 0 && call->sides != NULL && !is_in(call->sides, side->label)) {
            continue;
        }
        int result = add_side(call, side, call->folder, side->label, message);
        if (result == 1 && i > 0) {
            continue; /* the others go on without it */
        }
        snprintf(what, sizeof(what), "the suite '%s' cannot be measured: its program '%s'", suite->name,
                 side->program);
        if (!check_added(result, what, message)) {
            return false;
        }
    }
    return true;
}

void suite_clean_up(const struct suite_call *call)
{
    const struct bench_side *first = &call->bench->sides[0];
    if (call->suite->clean == NULL || call->bench->side_count == 0) {
        return;
    }
    char *const argv[] = {first->argv[0], (char *)call->suite->clean, NULL};
    char why[512];
    int interrupted;
    if (run_program(first->path, argv, BENCH_TIMEOUT_S, why, &interrupted) != 0) {
        char *safe = printable(why);
        warning("what the suite made for itself is still there: %s", safe != NULL ? safe : "-");
        free(safe);
    }
}
