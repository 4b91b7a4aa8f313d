/* SPDX-License-Identifier: MIT */
/* `tare serve`: what the command and tare-serve, the program that it becomes, both know of the command line. */
#ifndef TARE_CLI_SERVE_H
#define TARE_CLI_SERVE_H

enum serve_option {
    OPTION_LISTEN = 1,
    OPTION_ALLOW_REMOTE,
    OPTION_TOKEN_FILE,
    OPTION_INTERVAL,
    OPTION_WINDOW,
    OPTION_PUSH,
    OPTION_PUSH_INTERVAL,
    OPTION_PUSH_DIR,
    OPTION_PUSH_SIZE,
    OPTION_PUSH_AUTH,
    OPTION_ANY_USER,
    OPTION_PUSH_ASK,
    OPTION_HOST,
    OPTION_TIMERS,
    OPTION_SERVE_HISTORY,
};

#endif
