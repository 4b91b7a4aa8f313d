/* SPDX-License-Identifier: MIT */
/* How commands start a program that they look into, and what keeps it from being looked into, said before it runs. */
#ifndef TARE_CLI_START_H
#define TARE_CLI_START_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "record/set.h"

/* The program's file, allocated. Returns 0, or an exit code after an error was printed. */
int start_find(const char *name, char **path);
/* After tare_spawn_run() has failed: says so, and returns the exit code. */
int start_failed(const char *name, int failure, bool not_started);

/* What keeps calls from being intercepted. `what`: whose, for `option`. False after an error was printed. */
bool start_can_preload(const char *path, const char *what, const char *option);
/* Puts a library of ours behind those in `*preload` (or NULL). False after an error was printed. */
bool start_add_preload(char **preload, const char *name, const char *option);

/* Whether there is such a clock, and it can be read here. False after an error was printed. */
bool start_clock_is_fine(const char *name);
/* Warns of a TARE_CLOCK that the runtime will ignore. */
void start_check_clock_variable(void);

/*
 * Makes the set of pages for the program and its children, with room for `timers` (0: as the environment or the
 * default has it). False after an error was printed.
 */
bool start_make_pages(struct tare_page_set *set, uint32_t timers);

/* The environment of the program: allocated strings in `set`, up to a NULL. False without memory. */
enum { START_VARIABLES_MAX = 12 };
struct start {
    const char *page;                               /* tare_page_set_address() */
    const char *enable;                             /* patterns joined by commas */
    const char *clock, *lock, *preload, *functions; /* NULL: none, or as it is */
    bool no_histogram;
    uint32_t timers; /* 0: as it is */
};
bool start_variables(const struct start *start, char *set[START_VARIABLES_MAX]);
void start_variables_free(char *set[START_VARIABLES_MAX]);
extern const char *const start_unset[]; /* what is taken out of it */

/* The signals that end us, but for those that are ignored. */
sigset_t start_interrupts(void);

/*
 * What would end us is held back while we measure and write; `*before`: the mask for the program. Releasing
 * returns the last signal that came meanwhile and was not for the program, or 0.
 */
void start_hold_signals(sigset_t *before);
int start_release_signals(const sigset_t *before);

/* Says why the program had nothing to look at, and what to do. */
struct start_nothing {
    const char *what;    /* "timers" */
    const char *command; /* that has the option --libc */
    bool libc, functions;
};
void start_explain_nothing(const char *name, const char *path, const struct start_nothing *nothing);

#endif
