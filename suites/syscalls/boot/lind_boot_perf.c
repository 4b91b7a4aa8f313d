/* SPDX-License-Identifier: MIT */
/*
 * lind-boot --perf: the report module by module, with one timer enabled at a time. That is `tare run --exclusive` of ourselves,
 * by the command that lies beside us, or else is found in PATH: there is one way to measure, and one table. Our line is
 * written anew from what was understood of it, so that there is no spelling of --perf that comes through; and should one come
 * all the same, a variable ends what would have no end.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suites/syscalls/boot/lind_boot_command.h"

static const char columns[] = "name,calls,exclusive-net,exclusive-error,exclusive-avg,net";
static const char within[] = "LIND_BOOT_PERF"; /* set in what --perf runs */

enum { OPTIONS_MAX = 32 }; /* words: tare's, and ours but those that may be given again */

struct line {
    const char **words;
    size_t count;
    char max_memory[24], cache_bytes[24]; /* words of it */
};

static void add(struct line *line, const char *word)
{
    line->words[line->count++] = word;
}

static void add_option(struct line *line, const char *option, const char *value)
{
    if (value != NULL) {
        add(line, option);
        add(line, value);
    }
}

static const char *size_text(char text[24], uint64_t bytes)
{
    snprintf(text, 24, "%" PRIu64, bytes);
    return bytes == 0 ? NULL : text;
}

static size_t count_of(const char *const *strings)
{
    size_t count = 0;
    while (strings != NULL && strings[count] != NULL) {
        count++;
    }
    return count;
}

static void add_ours(struct line *line, const struct command *command)
{
    add_option(line, "--dir", command->root);
    for (size_t i = 0; command->environment != NULL && command->environment[i] != NULL; i++) {
        add_option(line, "--env", command->environment[i]);
    }
    for (size_t i = 0; i < command->grate_count; i++) {
        add_option(line, "--grate", command->grates[i]);
    }
    add_option(line, "--max-memory", size_text(line->max_memory, command->boot.memory_max_bytes));
    add_option(line, "--cache", command->boot.cache_dir);
    add_option(line, "--cache-size", size_text(line->cache_bytes, command->boot.cache_bytes));
    if (command->boot.no_cache) {
        add(line, "--no-cache");
    }
    if (command->compile_only) {
        add(line, "--compile");
    }
    add(line, "--");
    add(line, command->module);
    for (size_t i = 1; command->args[0] != NULL && command->args[i] != NULL; i++) {
        add(line, command->args[i]);
    }
}

int perf(const struct command *command)
{
    char self[PATH_MAX - 8], beside[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (size <= 0) {
        fprintf(stderr, "lind-boot: cannot find itself: /proc/self/exe: %s\n", strerror(errno));
        return EXIT_OURS;
    }
    self[size] = '\0';
    if (getenv(within) != NULL) {
        fprintf(stderr, "lind-boot: --perf runs already: %s is set\n", within);
        return EXIT_OURS;
    }
    struct line line = {.words = calloc(OPTIONS_MAX + count_of(command->args) +
                                            2 * (count_of(command->environment) + command->grate_count),
                                        sizeof(*line.words))};
    if (line.words == NULL || setenv(within, "1", 1) < 0) {
        fprintf(stderr, "lind-boot: no memory\n");
        free(line.words);
        return EXIT_OURS;
    }
    snprintf(beside, sizeof(beside), "%.*s/tare", (int)(strrchr(self, '/') - self), self);
    add(&line, "tare");
    add(&line, "run");
    add(&line, "--exclusive");
    add_option(&line, "--columns", columns);
    add_option(&line, "--clock", command->perf_clock);
    add(&line, "--");
    add(&line, self);
    add_ours(&line, command);
    execv(beside, (char *const *)line.words);
    execvp("tare", (char *const *)line.words);
    fprintf(stderr, "lind-boot: --perf needs the command 'tare' beside 'lind-boot' or in PATH: %s\n",
            strerror(errno));
    free(line.words);
    return EXIT_OURS;
}
