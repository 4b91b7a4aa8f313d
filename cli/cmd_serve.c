/* SPDX-License-Identifier: MIT */
/*
 * `tare serve`: its command line. What serves is a program of its own, tare-serve (cli/serve_program.c), which this
 * one becomes: the libraries for HTTP bring thirty others along, and every tare would load them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/history.h"
#include "cli/serve.h"

static const struct option_spec options[] = {
    {OPTION_LISTEN, '\0', "listen", "ADDRESS:PORT", "where to listen (default 127.0.0.1:9469; port 0: any)",
     NULL},
    {OPTION_ALLOW_REMOTE, '\0', "allow-remote", NULL,
     "let other machines in: needed for other addresses than the loopback's; clients need a token then", NULL},
    {OPTION_TOKEN_FILE, '\0', "token-file", "FILE",
     "clients have to give the token in FILE, which others may not read", NULL},
    {OPTION_HOST, '\0', "host", "NAME",
     "requests may name this host, too; with --allow-remote, no other (repeatable)", NULL},
    {OPTION_ANY_USER, '\0', "any-user", NULL,
     "without a token: let other users of this machine read and switch, too", NULL},
    {OPTION_INTERVAL, '\0', "interval", "SECONDS", "time between two readings (default 0.25)", NULL},
    {OPTION_WINDOW, '\0', "window", "SECONDS", "length of the rolling window (default 1)", NULL},
    {OPTION_TIMERS, '\0', "timers", "TYPE", "what timers are as metrics: summary (the default) or histogram",
     "summary histogram"},
    {OPTION_SERVE_HISTORY, '\0', "history", "[=WHERE]",
     "also serve the charts of a history at /history; WHERE as for --db of 'tare history'", NULL},
    {OPTION_PUSH, '\0', "push", "URL", "also write the samples there, as Prometheus text", NULL},
    {OPTION_PUSH_ASK, '\0', "push-ask", "URL",
     "where to ask which of them have arrived (default: at api/v1/export, beside api/v1/import)", NULL},
    {OPTION_PUSH_AUTH, '\0', "push-auth", "FILE",
     "with the user:password or the token in FILE, which others may not read", NULL},
    {OPTION_PUSH_INTERVAL, '\0', "push-interval", "SECONDS", "time between two of those (default 5)", NULL},
    {OPTION_PUSH_DIR, '\0', "push-dir", "DIR",
     "where they are kept until they have arrived (default $XDG_STATE_HOME/tare/push)", NULL},
    {OPTION_PUSH_SIZE, '\0', "push-size", "MIB", "the most that is kept there, then the oldest go (default 64)",
     NULL},
    {0},
};

/* Values are looked at by tare-serve. */
static int take_any(void *data, int id, const char *value)
{
    (void)data;
    (void)id;
    (void)value;
    return 0;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    int exit_code;
    if (options_parse(command, argc, argv, take_any, NULL, &exit_code) < 0) {
        return exit_code;
    }
    if (!TARE_HAVE_MICROHTTPD) {
        error("this tare cannot serve: it was built without libmicrohttpd (libmicrohttpd-dev)");
        return EXIT_TROUBLE;
    }
    char *program = tool_path(TARE_LIBEXECDIR_RELATIVE, "tare-serve");
    if (program != NULL && history_hide_passwords(argc, argv)) {
        execv(program, argv);
        error("cannot run '%s': %s", program, strerror(errno));
    }
    free(program);
    return EXIT_TROUBLE;
}

const struct command command_serve = {
    .name = "serve",
    .operands = "[PID|NAME]",
    .summary = "show live processes in the browser, and to Prometheus",
    .options = options,
    .details = "Serves a live page at /, JSON and a stream of it below /api/v1/, and metrics at\n"
               "/metrics, for the process PID, those that are called NAME (a pattern),\n"
               "or all. Nothing is read while nobody looks.\n\n"
               "Exit status: 0 after Ctrl-C or SIGTERM, 2 on failure.\n\n"
               "Examples:\n"
               "  tare serve server\n"
               "  tare serve --listen 127.0.0.1:0 4711\n"
               "  tare serve --history\n"
               "  tare serve --push http://127.0.0.1:8428/api/v1/import/prometheus\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
