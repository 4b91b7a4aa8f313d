/* SPDX-License-Identifier: MIT */
/*
 * --history of commands that make a result: it is given to tare-history on its standard input, as `tare history
 * add -` would have it. That is a program of its own, so that a measuring command loads no library of
 * databases. A URL goes there by the environment, which other users cannot read, and is blotted out of our own
 * command line.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/history.h"
#include "result/json.h"

extern char **environ;

int keep_option(struct output *output, const char *value)
{
    output->keep = true;
    if (value == NULL) {
        return 0;
    }
    if (*value == '\0') {
        error("--history= needs a file or postgresql://...; without the '=' it is .tare/history.db");
        return EXIT_TROUBLE;
    }
    char *hidden = history_without_password(value), *copy = strdup(value);
    if (hidden == NULL || copy == NULL) {
        error("out of memory");
        free(hidden);
        free(copy);
        return EXIT_TROUBLE;
    }
    /* The last one counts. It lives until we end, as do the words of the command line, which are overwritten below. */
    static char *where;
    free(where);
    where = copy;
    output->keep_where = where;
    if (strcmp(hidden, value) != 0) {
        /* The words of the command line are ours to write to, and are what others see of it. */
        char *word = (char *)value;
        memset(word, '*', strlen(word));
        memcpy(word, hidden, strlen(hidden) < strlen(word) ? strlen(hidden) : strlen(word));
    }
    free(hidden);
    return 0;
}

/* Our environment with TARE_DB for the place that was given. NULL without memory. */
static char **environment_with(const char *where, char **own)
{
    size_t count = 0, used = 0;
    while (environ != NULL && environ[count] != NULL) {
        count++;
    }
    char **copy = calloc(count + 2, sizeof(*copy));
    if (copy == NULL || (where != NULL && asprintf(own, "TARE_DB=%s", where) < 0)) {
        *own = NULL;
        free(copy);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (where == NULL || strncmp(environ[i], "TARE_DB=", 8) != 0) {
            copy[used++] = environ[i];
        }
    }
    if (where != NULL) {
        copy[used] = *own;
    }
    return copy;
}

/* Runs tare-history with `input` as its standard input. Its exit code; -1 after an error was printed. */
static int run_history(const struct output *output, int input, const char *option)
{
    const char *const argv[] = {HISTORY_KEEP_COMMAND, option, NULL};
    char *own = NULL, *program = tool_path(TARE_LIBEXECDIR_RELATIVE, "tare-history");
    char **environment = program != NULL ? environment_with(output->keep_where, &own) : NULL;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int status = -1, failure = ENOMEM;
    pid_t pid = -1;
    sigset_t set;
    if (environment == NULL) {
        if (program != NULL) {
            error("out of memory");
        }
        free(program);
        return -1;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes, &set);
    sigaddset(&set, SIGPIPE);
    sigaddset(&set, SIGXFSZ);
    posix_spawnattr_setsigdefault(&attributes, &set);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    failure = input >= 0 ? posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO) : 0;
    if (failure == 0) {
        failure = posix_spawn(&pid, program, &actions, &attributes, (char *const *)argv, environment);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) {
        error("cannot run '%s': %s", program, strerror(failure));
    } else {
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        if (WIFSIGNALED(status)) {
            error("'%s' was killed by signal %d (%s)", program, WTERMSIG(status), strsignal(WTERMSIG(status)));
        }
    }
    free(own);
    free(environment);
    free(program);
    return failure != 0 || !WIFEXITED(status) ? -1 : WEXITSTATUS(status);
}

bool keep_check(const struct output *output)
{
    if (!output->keep) {
        return true;
    }
    if (!TARE_HAVE_SQLITE || !TARE_HAVE_ZLIB) {
        error("--history: this tare keeps no history: it was built without %s",
              !TARE_HAVE_SQLITE ? "SQLite (libsqlite3-dev)" : "zlib (zlib1g-dev)");
        return false;
    }
    return run_history(output, -1, "--try") == EXIT_FINE;
}

/* Before its time: a time limit that was given is another matter. */
static bool was_killed(const struct tare_result *result)
{
    for (size_t i = 0; i < result->pass_count; i++) {
        if (result->passes[i].end == TARE_END_SIGNALED) {
            return true;
        }
    }
    return false;
}

bool keep_result(const struct output *output, const struct tare_result *result)
{
    if (!output->keep) {
        return true;
    }
    if (result->incomplete || output->interrupted || was_killed(result)) {
        warning("the history does not get this result, which %s: 'tare history add' adds one all the same",
                result->incomplete || output->interrupted ? "is of a measurement that was interrupted"
                                                          : "is of a program that a signal ended");
        return true;
    }
    progress_clear();
    fflush(stdout);
    int fd = memfd_create("result", MFD_CLOEXEC), copy = fd >= 0 ? dup(fd) : -1;
    FILE *out = copy >= 0 ? fdopen(copy, "w") : NULL;
    int failure = out != NULL ? tare_result_write_json(result, out) : -errno;
    if (out != NULL && fclose(out) != 0 && failure == 0) {
        failure = -errno;
    }
    if (failure != 0) {
        error("cannot give the result to the history: %s", strerror(-failure));
    }
    bool kept = failure == 0 && lseek(fd, 0, SEEK_SET) == 0 && run_history(output, fd, NULL) == EXIT_FINE;
    if (!kept && failure == 0) {
        error("the result was not added to the history%s",
              output->file != NULL && output->format == TARE_FORMAT_JSON
                  ? ": 'tare history add' can add the file"
                  : "");
    }
    if (out == NULL && copy >= 0) {
        close(copy);
    }
    if (fd >= 0) {
        close(fd);
    }
    return kept;
}
