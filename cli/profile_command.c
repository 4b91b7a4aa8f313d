/* SPDX-License-Identifier: MIT */
/* The command line that takes a profile, to be pasted into a shell, changed, or read. */
#include <stdlib.h>
#include <string.h>

#include "cli/profile.h"
#include "record/folders.h"

/* A word as sh(1) reads it back. */
static void print_word(const char *text)
{
    char *word = tare__shell_word(text);
    if (word == NULL) {
        error("out of memory");
        exit(EXIT_RUN_FAILURE);
    }
    fputs(word, stdout);
    free(word);
}

static void print_words(char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        if (i > 0) {
            putchar(' ');
        }
        print_word(words[i]);
    }
    putchar('\n');
}

static void print_variable(const char *name, const char *value)
{
    printf("%s=", name);
    print_word(value);
    putchar(' ');
}

/* The memory for the samples is made, and read, by tare: nobody else can name it. */
static void print_built_in(const struct profiling *profiling)
{
    const struct tare_profiling_request *request = &profiling->request;
    const char *before = getenv("LD_PRELOAD");
    char *both = NULL;
    if (before != NULL && *before != '\0' && asprintf(&both, "%s:%s", request->library, before) < 0) {
        both = NULL;
    }
    print_variable("LD_PRELOAD", both != NULL ? both : request->library);
    fputs("TARE_PROFILE=/proc/PID/fd/FD ", stdout);
    if (request->by_timer) {
        fputs("TARE_PAGE=set:/proc/PID/fd/FD TARE_ENABLE='*' TARE_HISTOGRAM=off ", stdout);
    }
    print_words(request->argv);
    free(both);
    puts("# PID and FD name memory that only 'tare profile' makes, and reads while the program runs");
}

bool profile_print_command(const struct profiling *profiling)
{
    if (profiling->request.pin_cpu >= 0) {
        printf("taskset -c %d %s", profiling->request.pin_cpu,
               profiling->choice.mode == TARE_MODE_BUILT_IN ? "env " : "");
    }
    if (profiling->choice.mode == TARE_MODE_BUILT_IN) {
        print_built_in(profiling);
        return true;
    }
    char **argv = tare_perf_argv(&profiling->request, &profiling->choice, &profiling->perf, "perf.data");
    if (argv == NULL) {
        error("out of memory");
        return false;
    }
    print_words(argv);
    for (size_t i = 0; argv[i] != NULL; i++) {
        free(argv[i]);
    }
    free(argv);
    return true;
}
