/* SPDX-License-Identifier: MIT */
/* `tare history fsck`: each thing that is wrong, in a line. */
#include <errno.h>
#include <stdlib.h>

#include "cli/history.h"

static int take_option(void *data, int id, const char *value)
{
    return history_common_option(data, id, value);
}

static void found(void *data, const char *what)
{
    (void)data;
    char *text = printable(what);
    printf("%s\n", text != NULL ? text : "something is wrong");
    free(text);
}

int history_fsck(const struct command *command, int argc, char **argv)
{
    struct history_common common = {0};
    struct tare_store_counts counts = {0};
    size_t wrong = 0;
    int exit_code = EXIT_TROUBLE,
        operand = options_parse(command, argc, argv, take_option, &common, &exit_code);
    if (operand < 0) {
        return exit_code;
    }
    if (operand < argc) {
        error("'%s' is one too many: tare history fsck takes no operands", argv[operand]);
        return EXIT_TROUBLE;
    }
    exit_code = EXIT_TROUBLE;
    bool damaged = false;
    struct tare_store *store = history_open_even(&common, TARE_STORE_READ, &damaged);
    int failure = store == NULL ? -EIO : damaged ? 0 : tare_store_fsck(store, found, NULL, &wrong);
    if (damaged) { /* so much that nothing in it can be looked at */
        found(NULL, tare_store_message(store));
        wrong = 1;
    }
    if (store != NULL && failure == 0 && wrong == 0) {
        failure = tare_store_count(store, &counts);
    }
    if (store != NULL && failure != 0) {
        history_store_error(&common, store, "check", failure);
    } else if (store != NULL && wrong > 0) {
        error("'%s' is damaged: %zu %s wrong", common.shown, wrong, wrong == 1 ? "thing is" : "things are");
        exit_code = EXIT_DIFFERENT;
    } else if (store != NULL) {
        char runs[64], points[64], series[64];
        printf("nothing is wrong with '%s': %s, %s in %s\n", common.shown,
               history_plural(runs, sizeof(runs), counts.runs, "result"),
               history_plural(points, sizeof(points), counts.points, "point"),
               history_plural(series, sizeof(series), counts.series, "series"));
        exit_code = EXIT_FINE;
    }
    tare_store_close(store);
    history_common_release(&common);
    return exit_code;
}
