/* SPDX-License-Identifier: MIT */
/* `tare history prune`: what is old goes. */
#include <errno.h>
#include <string.h>

#include "cli/history.h"

struct prune {
    struct history_common common;
    struct tare_prune what;
    const char *before;
};

static int take_option(void *data, int id, const char *value)
{
    struct prune *prune = data;
    unsigned long count;
    switch (id) {
    case HISTORY_BEFORE:
        prune->before = value;
        if (!history_date(value, history_now_ms(), &prune->what.before_ms)) {
            error("'%s' for --before is no date: give one like 2026-11-22, or '30 days'", value);
            return EXIT_TROUBLE;
        }
        return 0;
    case HISTORY_KEEP:
        if (!parse_count("--keep", value, 1, 1000000000, &count)) {
            return EXIT_TROUBLE;
        }
        prune->what.keep = count;
        return 0;
    case HISTORY_RAWS:
        prune->what.raws_only = true;
        return 0;
    case HISTORY_DRY_RUN:
        prune->what.dry_run = true;
        return 0;
    default:
        return history_common_option(&prune->common, id, value);
    }
}

static void say_gone(const struct tare_prune *what, const struct tare_store_counts *gone)
{
    char runs[64], points[64], raws[64];
    const char *verb = what->dry_run ? "would remove" : "removed";
    if (gone->runs + gone->points + gone->raws == 0) {
        printf("%s nothing\n", verb);
    } else if (what->raws_only) {
        printf("%s %s\n", verb, history_plural(raws, sizeof(raws), gone->raws, "raw result"));
    } else {
        printf("%s %s, %s and %s\n", verb, history_plural(points, sizeof(points), gone->points, "point"),
               history_plural(runs, sizeof(runs), gone->runs, "result"),
               history_plural(raws, sizeof(raws), gone->raws, "raw result"));
    }
}

int history_prune(const struct command *command, int argc, char **argv)
{
    struct prune prune = {.what = {.before_ms = TARE_HISTORY_UNKNOWN}};
    struct tare_store_counts gone = {0};
    int exit_code = EXIT_TROUBLE, operand = options_parse(command, argc, argv, take_option, &prune, &exit_code);
    if (operand < 0) {
        return exit_code;
    }
    if (operand == argc && prune.before == NULL && prune.what.keep == 0 && !prune.what.raws_only) {
        error("prune what? give --before, --keep, --raws or a PATTERN; --dry-run tries it");
        return EXIT_TROUBLE;
    }
    exit_code = EXIT_TROUBLE;
    history_interruptible("tare: interrupted: nothing was removed");
    struct tare_store *store =
        history_open(&prune.common, prune.what.dry_run ? TARE_STORE_READ : TARE_STORE_WRITE);
    if (store != NULL) {
        prune.what.project = prune.common.project;
        prune.what.patterns = operand < argc ? (const char *const *)(argv + operand) : NULL;
        int failure = tare_store_prune(store, &prune.what, &gone);
        history_interruptible(NULL);
        if (failure != 0) {
            history_store_error(&prune.common, store, "prune", failure);
        } else {
            say_gone(&prune.what, &gone);
            exit_code = EXIT_FINE;
        }
    }
    tare_store_close(store);
    history_common_release(&prune.common);
    return exit_code;
}
