/* SPDX-License-Identifier: MIT */
/*
 * tare-history, which `tare history` becomes, and which commands with --history give their result to:
 * "tare-history add ..." and so on. Each subcommand is a function in its own file, cli/history_NAME.c.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/history.h"

static const struct {
    const struct command *command;
    int (*run)(const struct command *command, int argc, char **argv);
} subcommands[] = {
    {&command_history_add, history_add},           {&command_history_show, history_show},
    {&command_history_check, history_check},       {&command_history_html, history_html},
    {&command_history_export, history_export},     {&command_history_import, history_import},
    {&command_history_merge, history_merge},       {&command_history_prune, history_prune},
    {&command_history_baseline, history_baseline}, {&command_history_fsck, history_fsck},
};

static int dispatch(int argc, char **argv)
{
    if (argc > 0 && !history_find_passwords(argc, argv)) {
        return EXIT_TROUBLE;
    }
    /* Of a git hook, which names its own repository by them: ours is the one around the current folder. */
    unsetenv("GIT_DIR");
    unsetenv("GIT_WORK_TREE");
    unsetenv("GIT_INDEX_FILE");
    for (size_t i = 0; argc > 0 && i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
        const char *name = subcommand_name(subcommands[i].command);
        if (strcmp(argv[0], name) == 0) {
            return subcommands[i].run(subcommands[i].command, argc, argv);
        }
    }
    if (argc > 0 && strcmp(argv[0], HISTORY_KEEP_COMMAND) == 0) {
        return history_keep(argc, argv);
    }
    if (argc > 0 && strcmp(argv[0], HISTORY_COMPLETE_COMMAND) == 0) {
        return history_complete(argc, argv);
    }
    error("tare-history is run by 'tare history'");
    return EXIT_TROUBLE;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    signal(SIGXFSZ, SIG_IGN); /* a file that may not be so large is an error to report, and not our end */
    int code = dispatch(argc, argv);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_FINE) {
        error("cannot write to standard output: %s", strerror(errno != 0 ? errno : EIO));
        code = EXIT_TROUBLE;
    }
    return code;
}
