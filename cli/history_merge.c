/* SPDX-License-Identifier: MIT */
/* `tare history merge`: all that other histories have and this one has not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/history.h"

static int take_option(void *data, int id, const char *value)
{
    return history_common_option(data, id, value);
}

static bool is_same(const char *a, const char *b)
{
    struct stat left, right;
    if (history_is_url(a) || history_is_url(b)) {
        return strcmp(a, b) == 0;
    }
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

static void say_merged(const char *name, const struct tare_store_counts *added)
{
    char runs[64], points[64], series[64], raws[64], baselines[64];
    if (added->runs + added->points + added->raws + added->baselines == 0) {
        printf("merged '%s': all of it was there already\n", name);
        return;
    }
    printf("merged '%s': %s, %s in %s", name, history_plural(runs, sizeof(runs), added->runs, "result"),
           history_plural(points, sizeof(points), added->points, "point"),
           history_plural(series, sizeof(series), added->series, "series"));
    if (added->runs == 0 && added->raws > 0) {
        printf(", %s", history_plural(raws, sizeof(raws), added->raws, "raw result"));
    }
    if (added->baselines > 0) {
        printf(", %s", history_plural(baselines, sizeof(baselines), added->baselines, "baseline"));
    }
    putchar('\n');
}

static void say_failure(const struct tare_store *store, const char *what, const char *name, int failure)
{
    char *text = printable(store != NULL ? tare_store_message(store) : "");
    if (text != NULL && *text != '\0') {
        error("%s", text);
    } else {
        error("cannot %s '%s': %s", what, name, strerror(-failure));
    }
    free(text);
}

/* False after an error was printed. */
static bool merge_one(struct history_common *common, struct tare_store *store, const char *where)
{
    struct tare_store *from = NULL;
    struct tare_store_counts added = {0};
    char *name = history_without_password(where);
    if (name == NULL) {
        error("out of memory");
        return false;
    }
    if (is_same(common->where, where)) {
        error("'%s' is the history itself", name);
        free(name);
        return false;
    }
    int failure = tare_store_open(where, TARE_STORE_READ, &from);
    if (failure != 0) {
        say_failure(from, "open", name, failure);
    } else {
        progress("merging '%s'", name);
        failure = tare_store_merge(store, from, &added);
        progress_clear();
        if (failure != 0) {
            say_failure(store, "merge into", common->shown, failure);
        } else {
            say_merged(name, &added);
        }
    }
    tare_store_close(from);
    free(name);
    return failure == 0;
}

int history_merge(const struct command *command, int argc, char **argv)
{
    struct history_common common = {0};
    int exit_code = EXIT_TROUBLE,
        operand = options_parse(command, argc, argv, take_option, &common, &exit_code);
    if (operand < 0) {
        return exit_code;
    }
    if (operand == argc) {
        error("which history? give a file or postgresql://...");
        return EXIT_TROUBLE;
    }
    history_interruptible("tare: interrupted: what was not merged yet is not, a further merge brings it");
    struct tare_store *store = history_open(&common, TARE_STORE_WRITE | TARE_STORE_CREATE);
    bool fine = store != NULL;
    for (int i = operand; fine && i < argc; i++) {
        fine = merge_one(&common, store, argv[i]);
    }
    tare_store_close(store);
    history_common_release(&common);
    return fine ? EXIT_FINE : EXIT_TROUBLE;
}
