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
#include "view/profile.h"
#include "view/view.h"

enum {
    EXIT_FINE = 0,
    EXIT_DIFFERENT = 1,     /* of commands that compare or judge: the answer is no */
    EXIT_UNRESOLVED = 3,    /* of those: there is none, where that was asked for; see comparison_code() */
    EXIT_TROUBLE = 2,       /* usage or failure, for all commands but run */
    EXIT_RUN_TIMEOUT = 124, /* as timeout(1) and env(1) have them */
    EXIT_RUN_FAILURE = 125,
    EXIT_RUN_NOT_EXECUTABLE = 126,
    EXIT_RUN_NOT_FOUND = 127,
    EXIT_RUN_SIGNALED = 128, /* + the signal's number */
};

/*
 * One option. `id` is what the parser's callback gets; `argument` NULL: the option takes none; "[=NAME]": it can
 * be left out, the option has no letter then, and the callback gets NULL.
 */
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
    const struct command *const
        *subcommands; /* ends with NULL; their names are "NAME SUB". NULL: it has none */
};

extern const struct command command_history, command_record, command_serve, command_stat, command_suite,
    command_top;
extern const struct command command_run, command_attach, command_list, command_ps, command_report,
    command_verify, command_bench, command_compare, command_check, command_profile, command_flame,
    command_flags, command_dual, command_doctor, command_info;

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
/* What of a subcommand's name stands behind its command's. */
const char *subcommand_name(const struct command *sub);
/* NULL after an error was printed, with the near miss. */
const struct command *subcommand_find(const struct command *command, const char *name);
void options_complete(const struct command *command);

/* An option_handler for commands whose only option is --format table|json; `data` is a bool that json sets. */
int option_table_or_json(void *data, int id, const char *value);

/* Numbers from the command line. Each prints an error and returns false if `text` is no such number.
 * `option`: what it was given for, as the error is to call it. */
bool parse_count(const char *option, const char *text, unsigned long min, unsigned long max,
                 unsigned long *value);
bool parse_seconds(const char *option, const char *text, double *value);
/* `percent`: a % may stand behind it. */
bool parse_number(const char *option, const char *text, bool percent, double min, double max, double *value);

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
    OPTION_HISTORY,
};
/* Of commands that show profiles: `profiles` in struct output is set before options are parsed. */
#define PROFILE_FORMAT_OPTION                                                                                  \
    {                                                                                                          \
        OPTION_FORMAT, '\0', "format", "FORMAT",                                                               \
            "table, json, csv or markdown; of a profile also svg, html, folded, pprof, speedscope, firefox "   \
            "or chrome "                                                                                       \
            "(default: by the suffix of -o, else table)",                                                      \
            "table json csv markdown svg html folded pprof speedscope firefox chrome"                          \
    }
#define FORMAT_OPTION                                                                                          \
    {                                                                                                          \
        OPTION_FORMAT, '\0', "format", "FORMAT",                                                               \
            "table, json, csv or markdown (default: by the suffix of -o, else table)",                         \
            "table json csv markdown"                                                                          \
    }
#define OUTPUT_OPTIONS_BUT_FORMAT                                                                                \
    {OPTION_COLUMNS,                                                                                             \
     '\0',                                                                                                       \
     "columns",                                                                                                  \
     "LIST",                                                                                                     \
     "columns of the table, separated by commas; 'help' lists them",                                             \
     NULL},                                                                                                      \
        {OPTION_SORT, '\0', "sort", "COLUMN", "sort by a column, largest first; -COLUMN: smallest first", NULL}, \
        {OPTION_UNIT, '\0', "unit", "UNIT", "time (ns, µs, ms, s) or ticks of the clock", "time ticks"},         \
        {OPTION_ALL, '\0', "all", NULL, "also timers that were not called", NULL},                               \
        {OPTION_COLOR, '\0', "color", "WHEN", "auto, always or never", "auto always never"},                     \
    {                                                                                                            \
        OPTION_OUTPUT, 'o', "output", "FILE", "write the result to FILE instead of standard output", NULL        \
    }
#define OUTPUT_OPTIONS FORMAT_OPTION, OUTPUT_OPTIONS_BUT_FORMAT
#define PROFILE_OUTPUT_OPTIONS PROFILE_FORMAT_OPTION, OUTPUT_OPTIONS_BUT_FORMAT

/* Of commands that make a result; see keep_result(). */
#define KEEP_RESULT_OPTION                                                                                     \
    {                                                                                                          \
        OPTION_HISTORY, '\0', "history", "[=WHERE]",                                                           \
            "also add the result to the history WHERE (default: TARE_DB, else .tare/history.db)", NULL         \
    }

struct output {
    struct tare_view_options view;
    bool profiles; /* the command shows profiles, too: they have formats of their own */
    bool format_given;
    enum tare_format format;
    const char *file;
    const char *color;
    bool plot;                                    /* of benchmarks: a histogram of each */
    const struct tare_profile_view *profile_view; /* of profiles: what of them; NULL: the top table */
    bool keep;                                    /* --history */
    const char *keep_where;                       /* NULL: the default */
    bool interrupted;                             /* a signal to us ended what was measured: it is not kept */
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

/* keep.c: --history. Exit code of a wrong value, or 0. */
int keep_option(struct output *output, const char *value);
/* Whether it could be done now, to be asked before measuring. False after an error was printed. */
bool keep_check(const struct output *output);
/* Adds the result to the history, if that was asked for. False after an error was printed. */
bool keep_result(const struct output *output, const struct tare_result *result);

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
/*
 * What is installed with the command lies at a fixed place from it, in the build tree as when installed. The real
 * path of `name` in `directory` (TARE_LIBDIR_RELATIVE ...), which the caller frees; NULL after an error was printed.
 */
char *tool_path(const char *directory, const char *name);
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
/* Whether we may run on that processor, tried on ourselves: what a cpuset allows is the kernel's to say. False after
 * an error was printed. */
bool can_pin(int cpu);
/* Of commands that run a program: the exit code that stands for how it ended; one that was let go on is fine. */
int outcome_code(const struct tare_outcome *outcome);
/* Says so where it was killed, or ended after `timeout_s`: "WHAT follows". */
void outcome_say(const struct tare_outcome *outcome, const char *name, double timeout_s, const char *what);
/* Adds it to the result as a pass; `only` as in struct tare_result_pass. False after an error was printed. */
bool outcome_pass(struct tare_result *result, const struct tare_outcome *outcome, const char *only);
/* --fail-on of commands that compare: each includes those before it. */
enum fail_on { FAIL_ON_SLOWER, FAIL_ON_DIFFERENT, FAIL_ON_UNRESOLVED, FAIL_ON_NOTHING };
bool parse_fail_on(const char *value, enum fail_on *fail_on); /* false after an error was printed */
/* The exit code for what there was, beyond the margin. */
int comparison_code(enum fail_on fail_on, bool slower, bool faster, bool unresolved);
/* Whether the locale's characters are UTF-8; else "us" and "+-" stand for "µs" and "±". */
bool locale_is_utf8(void);
/*
 * A copy of what a measured program says about itself, for a terminal to show and not to obey. NULL without
 * memory.
 */
char *printable(const char *text);
/* Whether a pattern list names this timer. */
bool globs_match(const char *globs, const char *module, const char *name);
/* The same for a benchmark, by its name with arguments or without (NULL: it has none). */
bool benchmark_matches(const char *globs, const char *name, const char *bench);
/* A pattern that matches exactly this timer; name NULL: exactly the timers of this module. NULL without memory. */
char *exact_glob(const char *module, const char *name);

#endif
