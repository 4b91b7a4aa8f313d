/* SPDX-License-Identifier: MIT */
/*
 * `tare history`: what its files share. The command (cmd_history.c) knows the subcommands' options for --help
 * and completion (history_options.c), and becomes the program tare-history (history_program.c), which alone
 * loads the libraries of databases. There each subcommand is a function with the name of its file.
 */
#ifndef TARE_CLI_HISTORY_H
#define TARE_CLI_HISTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/cli.h"
#include "history/check.h"
#include "history/extract.h"
#include "history/model.h"
#include "history/store.h"

/* history_options.c: the options of each subcommand. Ids are the same in all of them. */
enum history_option {
    HISTORY_DB = 2000, /* of all: history_common_option() */
    HISTORY_PROJECT,
    HISTORY_COMMIT,
    HISTORY_BRANCH,
    HISTORY_LINK,
    HISTORY_DIRTY,
    HISTORY_POINTS,
    HISTORY_RUNS,
    HISTORY_MACHINE,
    HISTORY_SINCE,
    HISTORY_LAST,
    HISTORY_CLEAN,
    HISTORY_AGAINST,
    HISTORY_BASELINE,
    HISTORY_BUDGET,
    HISTORY_MARGIN,
    HISTORY_ALPHA,
    HISTORY_WINDOW,
    HISTORY_RERUN,
    HISTORY_RERUNS,
    HISTORY_FAIL_ON,
    HISTORY_MARKDOWN,
    HISTORY_DATA,
    HISTORY_TITLE,
    HISTORY_LINK_COMMIT,
    HISTORY_TO,
    HISTORY_FROM,
    HISTORY_DRY_RUN,
    HISTORY_BEFORE,
    HISTORY_KEEP,
    HISTORY_RAWS,
    HISTORY_REASON,
    HISTORY_SERIES,
};
extern const struct command command_history_add, command_history_show, command_history_check,
    command_history_html, command_history_export, command_history_import, command_history_merge,
    command_history_prune, command_history_baseline, command_history_fsck;
extern const struct command *const history_commands[]; /* ends with NULL */

/* history_url.c: in the command and in tare-history */

/* Whether it names a database on a server: postgresql://… or postgres://… */
bool history_is_url(const char *where);
/* A copy in which a password of such a URL is "***"; of everything else, just a copy. NULL without memory. */
char *history_without_password(const char *where);
/*
 * Words of the command line with a password in them get into the environment, and "***" stands in their place
 * for everybody to see; and back. False after an error was printed.
 */
bool history_hide_passwords(int argc, char **argv);
bool history_find_passwords(int argc, char **argv);

/* history_common.c: what all subcommands of tare-history have */

struct history_common {
    const char *db;      /* --db, or NULL */
    const char *project; /* --project; after history_open(): the project's name, never NULL */
    char *where;         /* after history_open(): where the store is */
    char *shown;         /* the same for people, relative to the current folder, without a password */
    char *own_project;   /* memory of `project` */
    bool is_default;     /* `where` is the default place */
    /* what git said of the current folder, once it was asked */
    bool asked, shallow, warned;
    char *up;          /* from here to the work tree's root, "../" or ""; NULL: not in one */
    char *git_project; /* NULL: unknown */
    char *refused;     /* git's words about a repository that it will not have; NULL: it has none, or has it */
    /* the commit whose place was looked up last */
    char *placed;
    int64_t ordinal;
};
/* 0: taken; -1: not a common option; else an exit code, an error was printed. */
int history_common_option(struct history_common *common, int id, const char *value);
void history_common_release(struct history_common *common);
/*
 * Finds where the store is and what the project is called, and opens it with `flags` (TARE_STORE_READ ...).
 * NULL after an error was printed.
 */
struct tare_store *history_open(struct history_common *common, int flags);
/* Where it is so damaged that it cannot be opened, *damaged, no error, and a store of which only the message is of use. */
struct tare_store *history_open_even(struct history_common *common, int flags, bool *damaged);
/* The first half of that: where it is and the project's name. */
bool history_find(struct history_common *common);
/*
 * Where results belong that are added or imported now: history_find()'s project, the commit `revision` (NULL:
 * HEAD) and what git and the CI service say, but for what is not NULL, or of `dirty` not below 0; of what takes
 * long, what `wanted` says (history/extract.h). False after an error was printed.
 */
bool history_origin(struct history_common *common, const char *revision, const char *branch, const char *link,
                    int dirty, unsigned wanted, struct tare_origin *origin);
/*
 * Gives the record's commit its ordinal, unless the store has it already: from that of the nearest ancestor which the
 * store has, else by counting. Git is asked in the current folder. False after an error was printed.
 */
bool history_place(struct history_common *common, struct tare_store *store, struct tare_history_record *record);
/* Says what went wrong with the store, in its words, else "cannot WHAT 'WHERE': ...". Returns EXIT_TROUBLE. */
int history_store_error(const struct history_common *common, const struct tare_store *store, const char *what,
                        int failure);
/* What is said of a project of which there is nothing: which others there are. */
void history_say_nothing(const struct history_common *common, struct tare_store *store, char *const *patterns);

/*
 * A moment: "2026-11-22", "2026-11-22T10:00:00Z" (local time without a zone), "30 days" (before now). False: it
 * is none; nothing was printed.
 */
bool history_date(const char *text, int64_t now_ms, int64_t *ms);
/*
 * A commit's id: by git, in the current folder's work tree, else by the start of an id that `history` has
 * (NULL: not looked at). Of one that the history has not, the newest of its ancestors that it has, which is
 * said; if there is none, that one. NULL after an error was printed, about `option`. The caller frees it.
 */
char *history_revision(const char *option, const char *text, const struct tare_history *history);
/* Now, Unix time in milliseconds. */
int64_t history_now_ms(void);
/*
 * What git prints for these arguments (up to a NULL, the first is the subcommand), without the newline at its end;
 * NULL: there is no git, no work tree, or it failed. The caller frees it.
 */
char *history_git(const char *const arguments[]);
/* Prints an error and returns false where `value` is no commit, name or link that can be kept. */
bool history_is_link(const char *option, const char *value);
/* All of a file ("-": standard input), at most `limit` bytes. NULL after an error was printed. */
char *history_read_file(const char *path, size_t limit, size_t *size);
/* "1 point", "2 points" into `text` of that size; returns it. `what` without the s. */
const char *history_plural(char *text, size_t size, uint64_t count, const char *what);
/* RFC 3339 in UTC, "2026-11-22T10:00:00Z". */
struct history_time {
    char text[32];
};
struct history_time history_time(int64_t ms);
/*
 * From here on, Ctrl-C and the like end us with this line on standard error (constant text, no newline); NULL:
 * as before. What a transaction had not finished is not there then.
 */
void history_interruptible(const char *line);

/* history_add.c: what was added, counted. `series` is to be freed. */
struct history_tally {
    size_t runs, points;
    size_t known; /* records that were there already */
    int64_t *series;
    size_t series_count; /* with those that are the same */
};
/* False after an error was printed. */
bool history_tally_record(struct history_tally *tally, const struct tare_history_record *record);
size_t history_tally_series(struct history_tally *tally); /* different ones */

/* history_judge.c: the options of check and html that decide on the judgement, and what they are about */

#define HISTORY_COMMON_OPTIONS                                                                                 \
    {HISTORY_DB,                                                                                               \
     '\0',                                                                                                     \
     "db",                                                                                                     \
     "WHERE",                                                                                                  \
     "the history: a file or postgresql://... (default: TARE_DB, else .tare/history.db)",                      \
     NULL},                                                                                                    \
    {                                                                                                          \
        HISTORY_PROJECT, '\0', "project", "NAME", "the project (default: TARE_PROJECT, else by git)", NULL     \
    }
#define HISTORY_JUDGE_OPTIONS                                                                                    \
    {HISTORY_AGAINST, '\0', "against", "REV", "judge the level now against the level at REV", NULL},             \
        {HISTORY_SINCE, '\0', "since", "REV|DATE", "changes behind it count", NULL},                             \
        {HISTORY_BASELINE,                                                                                       \
         '\0',                                                                                                   \
         "baseline",                                                                                             \
         "NAME",                                                                                                 \
         "changes behind this baseline count (default: 'default', if there is one)",                             \
         NULL},                                                                                                  \
        {HISTORY_BUDGET, '\0', "budget", "FILE", "what the newest values may be; see tare-budget(5)", NULL},     \
        {HISTORY_MARGIN, '\0', "margin", "PERCENT", "changes below it are information (default: 1%)", NULL},     \
        {HISTORY_ALPHA, '\0', "alpha", "P", "chance of a false alarm (default: 0.01)", NULL},                    \
        {HISTORY_WINDOW,                                                                                         \
         '\0',                                                                                                   \
         "window",                                                                                               \
         "N",                                                                                                    \
         "without --against, --since and a baseline: changes in the newest N points count (default: 50)",        \
         NULL},                                                                                                  \
        {HISTORY_BRANCH, '\0', "branch", "NAME", "points of this branch only, and those of no known one", NULL}, \
    {                                                                                                            \
        HISTORY_CLEAN, '\0', "clean", NULL, "without points of changed work trees", NULL                         \
    }

struct history_judge {
    /* as given */
    const char *against, *since, *baseline, *budget_path, *branch;
    double margin, alpha;
    unsigned long window;
    bool clean;
    /* what there is, by history_judge_read() */
    struct tare_history history;
    struct tare_budget *budget;
    /* As given, else what is checked out, if there are points of it, else that of the newest run; or NULL. */
    const char *judged_branch;
    char *checked_out; /* the branch, by git or the CI service; NULL */
    char *branch_note; /* what is to be said of that choice; NULL: nothing */
    size_t points;
    char *since_id, *against_id;
    struct tare_check_rule rule;
    struct tare_history_report report;
};
void history_judge_init(struct history_judge *judge);
/* 0: taken; -1: not one of these options; else an exit code, an error was printed. */
int history_judge_option(struct history_judge *judge, int id, const char *value);
/*
 * Reads the points of the series that match the patterns (NULL-terminated; none: all), with every commit that
 * is known, and the budget, finds the revisions and the branch, and judges: fills in what there is. False after an
 * error was printed; no points at all are an error, too, that says why.
 */
bool history_judge_read(struct history_judge *judge, const struct history_common *common,
                        struct tare_store *store, char *const *patterns);
void history_judge_release(struct history_judge *judge);
/* Whether a point is of that branch. */
bool history_has_branch(const struct tare_history *history, const char *branch);

/*
 * The subcommands, each in its file. argv[0] is the subcommand's name; the command is its command_history_NAME.
 */
int history_add(const struct command *command, int argc, char **argv);
/*
 * What --history of other commands starts: "keep" adds the result on standard input, "keep --try" only says,
 * before anything is measured, whether that could be done. No subcommand of `tare history`.
 */
#define HISTORY_KEEP_COMMAND "keep"
int history_keep(int argc, char **argv);
/* history_complete.c: what the shells' completion starts, "__complete WHAT". No subcommand either. */
#define HISTORY_COMPLETE_COMMAND "__complete"
int history_complete(int argc, char **argv);
int history_show(const struct command *command, int argc, char **argv);
int history_check(const struct command *command, int argc, char **argv);
int history_html(const struct command *command, int argc, char **argv);
int history_export(const struct command *command, int argc, char **argv);
int history_import(const struct command *command, int argc, char **argv);
int history_merge(const struct command *command, int argc, char **argv);
int history_prune(const struct command *command, int argc, char **argv);
int history_baseline(const struct command *command, int argc, char **argv);
int history_fsck(const struct command *command, int argc, char **argv);

#endif
