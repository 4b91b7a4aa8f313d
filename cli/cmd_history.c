/* SPDX-License-Identifier: MIT */
/*
 * `tare history`: its subcommands. What does them is a program of its own, tare-history
 * (cli/history_program.c), which this one becomes: the libraries of databases bring thirty others along, and
 * every tare would load them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/history.h"

static const struct option_spec options[] = {{0}};

/* Values are looked at by tare-history. */
static int take_any(void *data, int id, const char *value)
{
    (void)data;
    (void)id;
    (void)value;
    return 0;
}

static int become(int argc, char **argv)
{
    if (!TARE_HAVE_SQLITE || !TARE_HAVE_ZLIB) {
        error("this tare keeps no history: it was built without %s",
              !TARE_HAVE_SQLITE ? "SQLite (libsqlite3-dev)" : "zlib (zlib1g-dev)");
        return EXIT_TROUBLE;
    }
    char *program = tool_path(TARE_LIBEXECDIR_RELATIVE, "tare-history");
    if (program != NULL && history_hide_passwords(argc, argv)) {
        execv(program, argv);
        error("cannot run '%s': %s", program, strerror(errno));
    }
    free(program);
    return EXIT_TROUBLE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    int exit_code;
    if (argc < 2) {
        options_help(command, stderr);
        return EXIT_TROUBLE;
    }
    if (argv[1][0] == '-') {
        int operand = options_parse(command, argc, argv, take_any, NULL, &exit_code);
        if (operand >= 0) {
            error("which of its subcommands? see 'tare history --help'");
        }
        return operand < 0 ? exit_code : EXIT_TROUBLE;
    }
    if (strcmp(argv[1], HISTORY_COMPLETE_COMMAND) == 0) { /* of the shells' completion alone */
        return become(argc - 1, argv + 1);
    }
    const struct command *sub = subcommand_find(command, argv[1]);
    if (sub == NULL) {
        return EXIT_TROUBLE;
    }
    /* argv[0] is the subcommand from here on: "add". */
    if (options_parse(sub, argc - 1, argv + 1, take_any, NULL, &exit_code) < 0) {
        return exit_code;
    }
    return become(argc - 1, argv + 1);
}

const struct command command_history = {
    .name = "history",
    .operands = "SUBCOMMAND",
    .summary = "keep results, and say since when it got worse",
    .options = options,
    .subcommands = history_commands,
    .details = "The history is .tare/history.db in the root of the git work tree, or what --db\n"
               "or TARE_DB name: a file, or postgresql://... on a server that several share.\n\n"
               "Exit status: 0, 1 if 'check' finds a regression or 'fsck' damage, 2 on failure.\n\n"
               "Examples:\n"
               "  tare history add result.json\n"
               "  tare bench ./ring_bench --history\n"
               "  tare history show\n"
               "  tare history check\n"
               "  tare history html -o perf.html\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
    .operands_have_options = true,
};
