/* SPDX-License-Identifier: MIT */
/*
 * What the files of the command share. A command is a struct command in its own file and a line in main.c's
 * table.
 *
 * Messages go to standard error as "tare: message" without full stop; results go to standard output, or to the
 * file of -o. error() prints and returns; only the command layer decides to exit, by returning the exit code
 * from its `run`.
 */
#ifndef TARE_CLI_CLI_H
#define TARE_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "record/lock.h"
#include "result/model.h"
#include "view/view.h"

enum {
    EXIT_FINE = 0,
    EXIT_DIFFERENT = 1,     /* of commands that compare or judge: the answer is no */
    EXIT_TROUBLE = 2,       /* usage or failure, for all commands but run */
    EXIT_RUN_TIMEOUT = 124, /* as timeout(1) and env(1) have them */
    EXIT_RUN_FAILURE = 125,
    EXIT_RUN_NOT_EXECUTABLE = 126,
    EXIT_RUN_NOT_FOUND = 127,
    EXIT_RUN_SIGNALED = 128, /* + the signal's number */
};

/* One option. `id` is what the parser's callback gets; `argument` NULL: the option takes none. */
struct option_spec {
    int id;
    char letter; /* '\0': none */
    const char *name;
    const char *argument;
    const char *help;
    const char *values; /* words that can stand for the argument, for completion: "a b c"; NULL: free */
};

struct command {
    const char *name;
    const char *operands;              /* as shown in the usage line */
    const char *summary;               /* one line */
    const struct option_spec *options; /* ends with name NULL */
    const char *details;               /* paragraphs under the options: exit codes, examples */
    int (*run)(const struct command *command, int argc, char **argv);
    int usage_exit;             /* exit code for a wrong command line */
    bool operands_have_options; /* ours end at the first operand; else they may stand behind it, too */
};

extern const struct command command_run, command_attach, command_list, command_ps, command_report,
    command_verify, command_doctor, command_info;

/* main.c */
const struct command *command_find(const char *name);
extern const struct command *const commands[]; /* ends with NULL */

/* message.c */
void error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool stderr_is_terminal(void);
void progress(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* on a terminal only; replaces the last */
void progress_clear(void);

/* options.c */

/*
 * Gets each option with its argument (NULL without); returns 0, or an exit code after it has printed an error.
 */
typedef int option_handler(void *data, int id, const char *value);

/*
 * Parses options, up to "--" or, where operands have options of their own, the first operand; operands that
 * stand before options are moved to the end of argv. Returns the index of the first operand, or -1 with the
 * exit code in *exit_code: --help was printed, or the command line is wrong and an error says so.
 */
int options_parse(const struct command *command, int argc, char **argv, option_handler *handler, void *data,
                  int *exit_code);
void options_help(const struct command *command, FILE *out);
void options_complete(const struct command *command);

/* An option_handler for commands whose only option is --format table|json; `data` is a bool that json sets. */
int option_table_or_json(void *data, int id, const char *value);

/* Numbers from the command line. Each prints an error and returns false if `text` is no such number.
 * `option`: what it was given for, as the error is to call it. */
bool parse_count(const char *option, const char *text, unsigned long min, unsigned long max,
                 unsigned long *value);
bool parse_seconds(const char *option, const char *text, double *value);

/* output.c: options that all commands with a table have. */
enum {
    OPTION_FORMAT = 1000,
    OPTION_COLUMNS,
    OPTION_SORT,
    OPTION_UNIT,
    OPTION_ALL,
    OPTION_COLOR,
    OPTION_OUTPUT,
    OPTION_PER_PROCESS,
    OPTION_LOCK,
    OPTION_MAX_OVERHEAD,
};
#define OUTPUT_OPTIONS                                                                                           \
    {OPTION_FORMAT,                                                                                              \
     '\0',                                                                                                       \
     "format",                                                                                                   \
     "FORMAT",                                                                                                   \
     "table, json, csv or markdown (default: by the suffix of -o, else table)",                                  \
     "table json csv markdown"},                                                                                 \
        {OPTION_COLUMNS,                                                                                         \
         '\0',                                                                                                   \
         "columns",                                                                                              \
         "LIST",                                                                                                 \
         "columns of the table, separated by commas; 'help' lists them",                                         \
         NULL},                                                                                                  \
        {OPTION_SORT, '\0', "sort", "COLUMN", "sort by a column, largest first; -COLUMN: smallest first", NULL}, \
        {OPTION_UNIT, '\0', "unit", "UNIT", "time (ns, µs, ms, s) or ticks of the clock", "time ticks"},         \
        {OPTION_ALL, '\0', "all", NULL, "also timers that were not called", NULL},                               \
        {OPTION_COLOR, '\0', "color", "WHEN", "auto, always or never", "auto always never"},                     \
    {                                                                                                            \
        OPTION_OUTPUT, 'o', "output", "FILE", "write the result to FILE instead of standard output", NULL        \
    }

struct output {
    struct tare_view_options view;
    bool format_given;
    enum tare_format format;
    const char *file;
    const char *color;
};
void output_init(struct output *output);
/* 0: taken; -1: not an output option; else an exit code, an error was printed. */
int output_option(struct output *output, int id, const char *value);
/*
 * After parsing: checks columns and sort, decides on colour and width. Returns false after an error was
 * printed.
 */
bool output_check(struct output *output);
/* Writes the result where it belongs. Returns false after an error was printed. */
bool output_write(const struct output *output, const struct tare_result *result);

/* Writes what `data` stands for. Returns 0 or -errno; with -EIO, errno may say better what became of it. */
typedef int stream_writer(void *data, FILE *out);
/*
 * Writes to the file `path`, NULL: to standard output. A file appears whole or not at all; a device or pipe is
 * written directly. False after an error was printed.
 */
bool output_write_whole(const char *path, stream_writer *write, void *data);
/* Whether it could be written now, to be asked before measuring. False after an error was printed. */
bool output_can_write(const char *path);
bool ends_with(const char *text, const char *suffix);

/* Of commands that measure; see measurement_lock(). */
#define LOCK_OPTION                                                                                            \
    {                                                                                                          \
        OPTION_LOCK, '\0', "lock", NULL, "wait until no other measurement with --lock runs on this machine",   \
            NULL                                                                                               \
    }

/* suggest.c: the nearest of `count` words to `word`, or NULL if none is near. */
const char *suggest(const char *word, const char *const *words, size_t count);
unsigned edit_distance(const char *a, const char *b);

/* common.c */
char *timestamp_now(void); /* RFC 3339, UTC; the caller frees it */
/* A new result of that kind with version, time, environment and command line filled in. NULL without memory. */
struct tare_result *result_begin(const char *kind, char *const *command);
/*
 * Fills in the fingerprint of what was or will be measured on this machine now; a page file of unknown origin
 * has none. `settings`: what of the command line decides on the figures. False after an error was printed.
 */
bool result_fingerprint(struct tare_result *result, const char *settings);
/*
 * Takes the machine's lock for the measurement that "tare NAME ARGV..." makes, and says on standard error whom
 * it waits for. Given back by tare_lock_release(). False after an error was printed.
 */
bool measurement_lock(struct tare_lock *lock, const char *name, char *const *argv);
/* Whether the locale's characters are UTF-8; else "us" and "+-" stand for "µs" and "±". */
bool locale_is_utf8(void);
/*
 * A copy of what a measured program says about itself, for a terminal to show and not to obey. NULL without
 * memory.
 */
char *printable(const char *text);
/* Whether a pattern list names this timer. */
bool globs_match(const char *globs, const char *module, const char *name);
/* A pattern that matches exactly this timer; name NULL: exactly the timers of this module. NULL without memory. */
char *exact_glob(const char *module, const char *name);

#endif
