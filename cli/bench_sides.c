/* SPDX-License-Identifier: MIT */
/* What `tare bench` is to measure: programs with benchmarks in them, or command lines. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench.h"
#include "record/elf.h"

/* Words of a command line that no shell reads: blanks separate, quotes and backslashes keep together. */
static char **split_words(const char *text, const char **problem)
{
    size_t room = strlen(text) / 2 + 2, count = 0;
    char **words = calloc(room, sizeof(*words));
    char *copy = malloc(2 * strlen(text) + 2), *to = copy;
    *problem = "out of memory";
    if (words == NULL || copy == NULL) {
        free(words);
        free(copy);
        return NULL;
    }
    *problem = NULL;
    for (const char *at = text; *problem == NULL;) {
        at += strspn(at, " \t\n");
        if (*at == '\0') {
            break;
        }
        words[count++] = to;
        char quote = '\0';
        for (; *at != '\0' && (quote != '\0' || strchr(" \t\n", *at) == NULL); at++) {
            if (quote == '\0' && (*at == '\'' || *at == '"')) {
                quote = *at;
            } else if (*at == quote) {
                quote = '\0';
            } else if (*at == '\\' && quote != '\'' && at[1] != '\0') {
                *to++ = *++at;
            } else {
                *to++ = *at;
            }
        }
        *problem = quote != '\0' ? "a quote is not closed" : NULL;
        *to++ = '\0';
    }
    if (*problem == NULL && count == 0) {
        *problem = "it is empty";
    }
    if (*problem != NULL) {
        free(words);
        free(copy);
        return NULL;
    }
    return words; /* words[0] is the start of `copy`, by which it is freed */
}

static void free_words(char **words)
{
    if (words != NULL) {
        free(words[0]);
        free(words);
    }
}

/* A command's executable and arguments. False after an error. */
static bool make_argv(struct bench_call *call, const char *command, char **path, char ***argv)
{
    const char *problem = NULL;
    char **words;
    if (call->shell_path != NULL) {
        words = calloc(4, sizeof(*words));
        if (words != NULL) {
            /* One piece of memory, as split_words() makes it. */
            size_t shell = strlen(call->options.shell) + 1;
            char *memory = malloc(shell + 3 + strlen(command) + 1);
            if (memory != NULL) {
                words[0] = strcpy(memory, call->options.shell);
                words[1] = strcpy(memory + shell, "-c");
                words[2] = strcpy(memory + shell + 3, command);
            }
        }
        if (words == NULL || words[0] == NULL) {
            free(words);
            error("out of memory");
            return false;
        }
        *path = strdup(call->shell_path);
    } else {
        words = split_words(command, &problem);
        if (words == NULL) {
            error("cannot read the command '%s': %s", command, problem);
            return false;
        }
        int failure = tare_find_program(words[0], path);
        if (failure != 0) {
            error("cannot run '%s': %s%s", words[0], strerror(-failure),
                  strpbrk(command, "|&;<>()$`*") != NULL ? "; it needs a shell: leave out --shell none" : "");
            free_words(words);
            return false;
        }
    }
    *argv = words;
    return true;
}

/* Prints an error, and keeps the first one as what has ended the call. */
__attribute__((format(printf, 2, 3))) static void end_call(struct bench_call *call, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int written = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (written < 0) {
        error("out of memory");
        return;
    }
    error("%s", text);
    if (call->result->bench->ended_by == NULL) {
        call->result->bench->ended_by = text;
    } else {
        free(text);
    }
}

bool bench_run_hook(struct bench_call *call, const char *what, const char *command)
{
    struct tare_block_outcome outcome = {0};
    char *path = NULL, **argv = NULL;
    if (!make_argv(call, command, &path, &argv)) {
        return false;
    }
    const struct tare_block_request process = {
        .path = path,
        .argv = argv,
        .output = call->options.show_output ? TARE_BLOCK_INHERIT : TARE_BLOCK_NULL,
        .errors = call->options.show_output ? TARE_BLOCK_INHERIT : TARE_BLOCK_CAPTURE,
        .lines_fd = -1,
        .pin_cpu = -1,
        .timeout_s = isnan(call->options.timeout_s) ? 0 : call->options.timeout_s,
    };
    bool not_started;
    int failure = tare_block_run(&process, &outcome, &not_started);
    if (outcome.interrupted != 0) {
        bench_signal = outcome.interrupted;
    }
    bool fine = failure == 0 && bench_signal == 0 && outcome.end == TARE_END_EXITED && outcome.code == 0;
    if (!fine && bench_signal == 0) {
        char *said = outcome.output != NULL ? strndup(outcome.output, strcspn(outcome.output, "\r\n")) : NULL;
        char *safe = said != NULL && *said != '\0' ? printable(said) : NULL;
        if (failure != 0) {
            end_call(call, "%s '%s' cannot be run: %s", what, command, strerror(-failure));
        } else if (outcome.end == TARE_END_TIMEOUT) {
            end_call(call, "%s '%s' took longer than %g s (--timeout)", what, command, call->options.timeout_s);
        } else if (outcome.end == TARE_END_EXITED) {
            end_call(call, "%s '%s' exited with code %d%s%s", what, command, outcome.code,
                     safe != NULL ? ": " : "", safe != NULL ? safe : "");
        } else {
            end_call(call, "%s '%s' was killed by signal %d (%s)", what, command, outcome.code,
                     strsignal(outcome.code));
        }
        free(said);
        free(safe);
    }
    tare_block_release(&outcome);
    free(path);
    free_words(argv);
    return fine;
}

/* 1: the file is a program with benchmarks; 0: it is none, or no file; -1 after an error. */
static int is_program(const char *what, char **path)
{
    struct tare_elf_info info;
    char message[256];
    *path = NULL;
    if (tare_find_program(what, path) != 0) {
        return 0;
    }
    int failure = tare_elf_inspect(*path, &info, message, sizeof(message));
    bool has = failure == 0 && info.has_benches;
    bool native = info.native;
    tare_elf_info_release(&info);
    if (failure == -ENOMEM || (has && !native)) {
        error("cannot run '%s': %s", what, has ? "it is for another processor" : "out of memory");
        return -1;
    }
    return has;
}

/* Asks for the side's benchmarks. 0; 1 with why not in `message`, one line; -EINTR or -ENOMEM. */
static int ask_for_list(struct bench_call *call, struct bench_side *side, char *message, size_t message_size)
{
    struct tare_block_outcome outcome = {0};
    const char *const set[] = {"TARE_BENCH_DRIVE=fd=9 job=list", NULL};
    char lines[256] = "";
    const struct tare_block_request process = {
        .path = side->path,
        .argv = side->argv,
        .set = set,
        .output = TARE_BLOCK_CAPTURE,
        .errors = TARE_BLOCK_CAPTURE,
        .lines_fd = 9,
        .pin_cpu = -1,
        .timeout_s = isnan(call->options.timeout_s) ? BENCH_TIMEOUT_S : call->options.timeout_s,
    };
    bool not_started = false;
    int failure = tare_block_run(&process, &outcome, &not_started);
    int listed = failure, result = 1;
    if (failure == 0) {
        listed = bench_lines_list(outcome.text, outcome.text_size, &side->list, lines, sizeof(lines));
    }
    if (outcome.interrupted != 0) {
        bench_signal = outcome.interrupted;
        result = -EINTR;
    } else if (failure != 0) {
        snprintf(message, message_size, "it cannot be run: %s", strerror(-failure));
        result = failure == -ENOMEM ? -ENOMEM : 1;
    } else if (outcome.end == TARE_END_TIMEOUT) {
        snprintf(message, message_size, "it took longer than %g s (--timeout)", process.timeout_s);
    } else if (outcome.end == TARE_END_EXITED && outcome.code == 0 && listed == 0) {
        result = 0;
    } else {
        bool told = outcome.text_size != 0 && lines[0] != '\0';
        char *said = outcome.output != NULL ? strndup(outcome.output, strcspn(outcome.output, "\r\n")) : NULL;
        char *safe = said != NULL && *said != '\0' ? printable(said) : NULL;
        snprintf(message, message_size, "%s",
                 told           ? lines
                 : safe != NULL ? safe
                                : "is its main() that of TARE_BENCH_MAIN?");
        free(said);
        free(safe);
    }
    tare_block_release(&outcome);
    return result;
}

static bool read_list(struct bench_call *call, struct bench_side *side)
{
    char message[512] = "";
    int result = ask_for_list(call, side, message, sizeof(message));
    if (result == 1) {
        error("'%s' does not list its benchmarks: %s", side->what, message);
    } else if (result == -ENOMEM) {
        error("out of memory");
    }
    return result == 0;
}

/* Whether the program or one of its libraries declares timers. */
static bool has_timers(const char *path)
{
    struct tare_elf_list list;
    char message[256];
    bool any = tare_elf_list(path, &list, message, sizeof(message)) == 0 && list.timer_count != 0;
    tare_elf_list_release(&list);
    return any;
}

static bool find_program_side(struct bench_call *call, struct bench_side *side)
{
    side->argv = calloc(2, sizeof(*side->argv));
    if (side->argv == NULL || (side->argv[0] = strdup(side->what)) == NULL) {
        error("out of memory");
        return false;
    }
    side->has_timers = has_timers(side->path);
    side->layouts[0] = side->path;
    side->layout_count = 1;
    return read_list(call, side);
}

static const char *word_for(const struct bench_words *words, size_t side)
{
    return words->count == 0 ? NULL : words->count == 1 ? words->words[0] : words->words[side];
}

static bool check_words(const struct bench_words *words, const char *option, size_t sides)
{
    if (words->count > 1 && words->count != sides) {
        error("%s is given %zu times for %zu commands: give it once for all, or once for each", option,
              words->count, sides);
        return false;
    }
    return true;
}

static bool find_command_side(struct bench_call *call, struct bench_side *side, size_t index)
{
    const struct bench_options *options = &call->options;
    side->setup = word_for(&options->setup, index);
    side->prepare = word_for(&options->prepare, index);
    side->conclude = word_for(&options->conclude, index);
    side->cleanup = word_for(&options->cleanup, index);
    if (side->what[strspn(side->what, " \t\n")] == '\0') {
        error("cannot run the command '%s': it is empty", side->what);
        return false;
    }
    if (!make_argv(call, side->what, &side->path, &side->argv)) {
        return false;
    }
    side->layouts[0] = side->path;
    side->layout_count = 1;
    return true;
}

static bool find_shell(struct bench_call *call)
{
    if (call->options.shell == NULL) {
        return true;
    }
    int failure = tare_find_program(call->options.shell, &call->shell_path);
    if (failure != 0) {
        error("cannot run the shell '%s': %s; --shell none runs commands without one", call->options.shell,
              strerror(-failure));
    }
    return failure == 0;
}

bool bench_sides_find(struct bench_call *call, char *const *operands, size_t count)
{
    const struct bench_options *options = &call->options;
    size_t sides = count + options->vs.count;
    if (sides > BENCH_SIDES_MAX) {
        error("%zu are too many to compare: %d at most in one call", sides, BENCH_SIDES_MAX);
        return false;
    }
    size_t programs = 0;
    for (size_t i = 0; i < sides; i++) {
        struct bench_side *side = &call->sides[call->side_count++];
        side->what = i < count ? operands[i] : options->vs.words[i - count];
        /* A path alone, as a shell would not read it otherwise, is a program that is there, or a mistake. */
        if (strchr(side->what, '/') != NULL && strpbrk(side->what, " \t\n|&;<>()$`\\\"'*?[]#~=%!{}") == NULL) {
            char *path = NULL;
            int failure = tare_find_program(side->what, &path);
            free(path);
            if (failure != 0) {
                error("cannot run '%s': %s", side->what, strerror(-failure));
                return false;
            }
        }
        if (options->command) {
            continue;
        }
        int found = is_program(side->what, &side->path);
        if (found < 0) {
            return false;
        }
        side->program = found == 1;
        programs += side->program;
        if (!side->program) {
            free(side->path);
            side->path = NULL;
        }
    }
    if (programs != 0 && programs != sides) {
        for (size_t i = 0; i < sides; i++) {
            if (!call->sides[i].program) {
                error("'%s' has no benchmarks in it (TARE_BENCH), and what it is compared with has: --command "
                      "times all of them as command lines",
                      call->sides[i].what);
                return false;
            }
        }
    }
    if (programs == 0 && !find_shell(call)) {
        return false;
    }
    if (programs == 0 && options->input != NULL && access(options->input, R_OK) != 0) {
        error("cannot read '%s': %s", options->input, strerror(errno));
        return false;
    }
    if (programs == 0 && !(check_words(&options->setup, "--setup", sides) &&
                           check_words(&options->prepare, "--prepare", sides) &&
                           check_words(&options->conclude, "--conclude", sides) &&
                           check_words(&options->cleanup, "--cleanup", sides))) {
        return false;
    }
    for (size_t i = 0; i < sides; i++) {
        struct bench_side *side = &call->sides[i];
        if (!(side->program ? find_program_side(call, side) : find_command_side(call, side, i))) {
            return false;
        }
    }
    return true;
}

bool bench_sides_add_program(struct bench_call *call, const char *what, const char *path, const char *revision)
{
    struct bench_side *side = &call->sides[call->side_count++];
    side->what = what;
    side->revision = revision;
    side->program = true;
    side->path = strdup(path);
    if (side->path == NULL) {
        error("out of memory");
        return false;
    }
    return find_program_side(call, side);
}

int bench_sides_add_suite(struct bench_call *call, const char *what, const char *path, char *const *argv,
                          bool timers, char *message, size_t message_size)
{
    if (call->side_count == BENCH_SIDES_MAX) {
        snprintf(message, message_size, "there is room for %d only", BENCH_SIDES_MAX);
        return 1;
    }
    struct bench_side *side = &call->sides[call->side_count];
    *side = (struct bench_side){
        .what = what, .program = true, .path = strdup(path), .has_timers = timers, .layout_count = 1};
    size_t count = 0, size = 0;
    for (; argv[count] != NULL; count++) {
        size += strlen(argv[count]) + 1;
    }
    side->argv = calloc(count + 1, sizeof(*side->argv));
    char *memory = malloc(size + 1); /* one piece, as split_words() makes it */
    if (side->argv == NULL || side->path == NULL || memory == NULL) {
        free(memory);
        free(side->argv);
        free(side->path);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        side->argv[i] = strcpy(memory, argv[i]);
        memory += strlen(argv[i]) + 1;
    }
    side->layouts[0] = side->path;
    side->has_timers = timers || has_timers(path);
    int result = ask_for_list(call, side, message, message_size);
    if (result == 0) {
        call->side_count++;
    } else {
        bench_list_release(&side->list);
        free_words(side->argv);
        free(side->path);
    }
    return result;
}

void bench_sides_release(struct bench_call *call)
{
    for (size_t i = 0; i < call->side_count; i++) {
        struct bench_side *side = &call->sides[i];
        bench_list_release(&side->list);
        free_words(side->argv);
        free(side->path);
    }
    free(call->shell_path);
}
