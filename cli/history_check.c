/* SPDX-License-Identifier: MIT */
/*
 * `tare history check`: the gate. Reads, judges, and where something is suspected measures again with the
 * command of --rerun, as no verdict rests on one or two points. Which branch is judged is settled here, as
 * the report says it.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/history.h"
#include "result/json.h"
#include "view/history_check.h"

enum fail_confirmed { FAIL_CONFIRMED, FAIL_SUSPECTED, FAIL_NOTHING };

enum { RERUNS = 3, RERUNS_MAX = 1000, NOTES_MAX = 8 };

struct check {
    struct history_common common;
    struct history_judge judge;
    struct output output;
    const char *rerun;
    unsigned long reruns;
    enum fail_confirmed fail_on;
    char *command; /* that measures again, as somebody would type it; NULL: unknown */
    char *notes[NOTES_MAX];
    size_t note_count;
};

/* Options */

static int take_fail_on(struct check *check, const char *value)
{
    static const char *const words[] = {
        [FAIL_CONFIRMED] = "confirmed", [FAIL_SUSPECTED] = "suspected", [FAIL_NOTHING] = "nothing"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0) {
            check->fail_on = (enum fail_confirmed)i;
            return 0;
        }
    }
    const char *near = suggest(value, words, sizeof(words) / sizeof(words[0]));
    if (near != NULL) {
        error("unknown word '%s' for --fail-on: did you mean '%s'?", value, near);
    } else {
        error("unknown word '%s' for --fail-on: one of confirmed, suspected, nothing", value);
    }
    return EXIT_TROUBLE;
}

static int take_option(void *data, int id, const char *value)
{
    struct check *check = data;
    int taken = history_common_option(&check->common, id, value);
    taken = taken >= 0 ? taken : history_judge_option(&check->judge, id, value);
    if (taken >= 0) {
        return taken;
    }
    switch (id) {
    case HISTORY_RERUN:
        check->rerun = value;
        return 0;
    case HISTORY_RERUNS:
        return parse_count("--reruns", value, 0, RERUNS_MAX, &check->reruns) ? 0 : EXIT_TROUBLE;
    case HISTORY_FAIL_ON:
        return take_fail_on(check, value);
    case OPTION_FORMAT:
        if (strcmp(value, "csv") == 0) {
            error("unknown format 'csv': one of table, json, markdown");
            return EXIT_TROUBLE;
        }
        return output_option(&check->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
    default:
        return output_option(&check->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
    }
}

static bool is_usable(struct check *check)
{
    if (!output_check(&check->output)) {
        return false;
    }
    if (check->output.format > TARE_FORMAT_MARKDOWN || check->output.format == TARE_FORMAT_CSV) {
        error("a check has no such format as '%s' asks for: --format table, json or markdown",
              check->output.file != NULL ? check->output.file : "-");
        return false;
    }
    if (check->rerun != NULL && *check->rerun == '\0') {
        error("--rerun needs a command, as in --rerun 'tare bench ./ring_bench --history'");
        return false;
    }
    return true;
}

/* Reading and judging */

/* Afresh: after a re-run there is more. */
static bool read_and_judge(struct check *check, char *const *patterns)
{
    struct history_judge given = check->judge; /* what is given stays, what is there goes */
    const struct history_judge options = {
        .against = given.against,
        .since = given.since,
        .baseline = given.baseline,
        .margin = given.margin,
        .alpha = given.alpha,
        .window = given.window,
        .clean = given.clean,
        .branch = given.branch,
        .budget_path = given.budget_path,
    };
    history_judge_release(&check->judge);
    check->judge = options;
    struct tare_store *store = history_open(&check->common, TARE_STORE_READ);
    bool fine = store != NULL && history_judge_read(&check->judge, &check->common, store, patterns);
    tare_store_close(store);
    return fine;
}

/* The command that measured last */

/* As a shell takes it for one word. */
static void put_word(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (*word != '\0' && word[strspn(word, plain)] == '\0') {
        fputs(word, out);
        return;
    }
    putc('\'', out);
    for (; *word != '\0'; word++) {
        fputs(*word == '\'' ? "'\\''" : (const char[]){*word, '\0'}, out);
    }
    putc('\'', out);
}

/* Whether `word` is the long option `name`, whole or cut short so far, with or without a value behind a "=". */
static bool is_long(const char *word, const char *name, size_t shortest)
{
    size_t size = strcspn(word, "=");
    return size >= shortest && strncmp(word, name, size) == 0;
}

/* How many of these words are about where an earlier result went. */
static size_t words_of_output(char *const *words)
{
    const char *word = words[0];
    if (is_long(word, "--history", 4)) {
        return 1;
    }
    if (is_long(word, "--output", 4)) {
        return strchr(word, '=') == NULL && words[1] != NULL ? 2 : 1;
    }
    if (strncmp(word, "-o", 2) == 0) {
        return word[2] == '\0' && words[1] != NULL ? 2 : 1;
    }
    return 0;
}

/* The project and the history that this check is of, as tare bench and tare run take them. */
static void put_where(const struct check *check, const char *kind, FILE *out)
{
    const struct history_common *common = &check->common;
    if (common->project != common->own_project) {
        fputs("TARE_PROJECT=", out);
        put_word(out, common->project);
        putc(' ', out);
    }
    fprintf(out, "tare %s --history", kind);
    /* A password is not shown: without --db it is in TARE_DB, from which the command takes it, too. */
    if (!common->is_default && (common->db != NULL || strcmp(common->where, common->shown) == 0)) {
        putc('=', out);
        put_word(out, common->shown);
    }
}

/*
 * "tare bench --history ./ring_bench": a result knows its arguments, of tare bench with the options. The result
 * of the new one goes to the history alone.
 */
static char *command_of(const struct check *check, const struct tare_result *result)
{
    char *text = NULL;
    size_t size;
    bool is_bench = result->kind != NULL && strcmp(result->kind, "bench") == 0;
    bool is_run = result->kind != NULL && strcmp(result->kind, "run") == 0;
    if ((!is_bench && !is_run) || result->command == NULL || result->command[0] == NULL) {
        return NULL;
    }
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    put_where(check, result->kind, out);
    bool options = is_bench;
    for (size_t i = is_bench && strcmp(result->command[0], "bench") == 0; result->command[i] != NULL;) {
        size_t left_out = options ? words_of_output(&result->command[i]) : 0;
        if (left_out == 0) {
            putc(' ', out);
            put_word(out, result->command[i]);
        }
        options = options && strcmp(result->command[i], "--") != 0;
        i += left_out > 0 ? left_out : 1;
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* What cannot be found is left out: it is but advice. */
static void find_command(struct check *check)
{
    const struct tare_history_run *run = tare_history_newest_run(&check->judge.history);
    if (!check->judge.report.suspected || check->rerun != NULL || run == NULL) {
        check->command = check->rerun != NULL ? strdup(check->rerun) : NULL;
        return;
    }
    char *bytes = NULL, message[256];
    size_t size = 0;
    struct tare_result *result = NULL;
    struct tare_store *store = history_open(&check->common, TARE_STORE_READ);
    if (store != NULL && tare_store_raw(store, run->project, run->id, &bytes, &size) == 0 && size > 0) {
        FILE *in = fmemopen(bytes, size, "r");
        if (in != NULL) {
            if (tare_result_read_json(in, &result, message, sizeof(message)) == 0) {
                check->command = command_of(check, result);
                tare_result_free(result);
            }
            fclose(in);
        }
        free(bytes);
    }
    tare_store_close(store);
}

/* Measuring again */

static void note(struct check *check, char *text)
{
    if (text != NULL && check->note_count + 1 < NOTES_MAX) {
        check->notes[check->note_count++] = text;
    } else {
        free(text);
    }
}

static volatile sig_atomic_t child_pid, ended_by;

static void pass_on(int number)
{
    ended_by = number;
    if (child_pid > 0) {
        kill((pid_t)child_pid, number);
    }
}

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { ENDS = sizeof(ends) / sizeof(ends[0]) };

/* In the child: the shell, whose output goes to our standard error, as ours is the report. */
static void become_shell(const struct check *check, const struct sigaction *before, const sigset_t *mask)
{
    for (size_t i = 0; i < ENDS; i++) {
        sigaction(ends[i], &before[i], NULL);
    }
    sigprocmask(SIG_SETMASK, mask, NULL);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (check->common.db != NULL) {
        setenv("TARE_DB", check->common.db, 1);
    }
    if (check->common.project != check->common.own_project) {
        setenv("TARE_PROJECT", check->common.project, 1);
    }
    execl("/bin/sh", "sh", "-c", check->rerun, (char *)NULL);
    _exit(EXIT_RUN_NOT_FOUND);
}

/* Runs the command. False after an error was printed, or a signal was to end us (ended_by). */
static bool run_again(const struct check *check)
{
    struct sigaction before[ENDS], action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    sigset_t mask, blocked;
    int status = 0;
    sigemptyset(&action.sa_mask);
    sigemptyset(&blocked);
    for (size_t i = 0; i < ENDS; i++) {
        sigaddset(&blocked, ends[i]);
    }
    sigprocmask(SIG_BLOCK, &blocked, &mask);
    for (size_t i = 0; i < ENDS; i++) {
        sigaction(ends[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) {
            sigaction(ends[i], &action, NULL);
        }
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        become_shell(check, before, &mask);
    }
    child_pid = pid;
    sigprocmask(SIG_SETMASK, &mask, NULL);
    int failure = pid < 0 ? errno : 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            failure = errno;
            break;
        }
    }
    child_pid = 0;
    for (size_t i = 0; i < ENDS; i++) {
        sigaction(ends[i], &before[i], NULL);
    }
    bool fine = failure == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (ended_by == 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) {
        ended_by = SIGINT; /* somebody pressed Ctrl-C where it came to the command alone */
    }
    if (!fine && ended_by == 0 && failure != 0) {
        error("cannot run '%s': %s", check->rerun, strerror(failure));
    } else if (!fine && ended_by == 0 && WIFSIGNALED(status)) {
        error("'%s' was ended by signal %d", check->rerun, WTERMSIG(status));
    } else if (!fine && ended_by == 0) {
        error("'%s' failed with exit code %d", check->rerun, WEXITSTATUS(status));
    }
    return fine;
}

/* Measures again while something is suspected. Returns false after an error was printed. */
static bool rerun_while_suspected(struct check *check, char *const *patterns)
{
    for (unsigned long i = 1; i <= check->reruns && check->judge.report.suspected; i++) {
        size_t before = check->judge.points;
        char *text = NULL, *shown = printable(check->rerun);
        progress_clear();
        fprintf(stderr, "%zu suspected: measuring again, %lu of %lu at most: %s\n",
                check->judge.report.by_status[TARE_SERIES_SUSPECTED], i, check->reruns,
                shown != NULL ? shown : "");
        free(shown);
        bool fine = run_again(check);
        if (ended_by != 0) {
            note(check, strdup("interrupted: measuring again did not end"));
            return true;
        }
        if (!fine || !read_and_judge(check, patterns)) {
            return false;
        }
        if (check->judge.points > before) {
            continue;
        }
        if (asprintf(&text,
                     "measuring again added no point to these series, so it was given up: is there a --history "
                     "in '%s', and are machine and settings the same?",
                     check->rerun) < 0) {
            text = NULL;
        }
        note(check, text);
        break;
    }
    return true;
}

/* Notes on what is judged */

static void add_notes(struct check *check)
{
    const struct history_judge *judge = &check->judge;
    char *text = NULL;
    if (judge->branch_note != NULL) {
        note(check, strdup(judge->branch_note));
    }
    if (!judge->report.behind) {
        const char *asked = judge->against != NULL ? judge->against : judge->since;
        if (asked != NULL) {
            text = asprintf(&text, "nothing was measured behind '%s' yet, so nothing is judged", asked) >= 0
                       ? text
                       : NULL;
        } else {
            text = strdup("nothing was measured behind the baseline yet, so nothing is judged");
        }
        note(check, text);
    }
    if (judge->report.by_time > 0) {
        text = asprintf(&text,
                        "%zu series %s in the order of measuring, as not all of the commits are known to git "
                        "and the history",
                        judge->report.by_time, judge->report.by_time == 1 ? "is" : "are") >= 0
                   ? text
                   : NULL;
        note(check, text);
    }
}

/* The command */

static int write_report(void *data, FILE *out)
{
    const struct check *check = data;
    const struct tare_history_check_view view = {
        .report = &check->judge.report,
        .history = &check->judge.history,
        .project = check->common.project,
        .branch = check->judge.judged_branch,
        .against = check->judge.against,
        .since = check->judge.since,
        .rerun = check->command,
        .notes = (const char *const *)check->notes,
    };
    return tare_view_history_check(&view, &check->output.view, check->output.format, out);
}

static int code_of(const struct check *check)
{
    const struct tare_history_report *report = &check->judge.report;
    bool fails = report->fails || (check->fail_on == FAIL_SUSPECTED && report->suspected);
    return fails && check->fail_on != FAIL_NOTHING ? EXIT_DIFFERENT : EXIT_FINE;
}

static int run_check(struct check *check, char *const *patterns)
{
    if (!read_and_judge(check, patterns)) {
        return EXIT_TROUBLE;
    }
    if (check->rerun != NULL && !rerun_while_suspected(check, patterns)) {
        return EXIT_TROUBLE;
    }
    find_command(check);
    add_notes(check);
    if (!output_write_whole(check->output.file, write_report, check) || ended_by != 0) {
        return EXIT_TROUBLE;
    }
    return code_of(check);
}

int history_check(const struct command *command, int argc, char **argv)
{
    struct check check = {.reruns = RERUNS};
    int code = EXIT_TROUBLE;
    history_judge_init(&check.judge);
    output_init(&check.output);
    int first = options_parse(command, argc, argv, take_option, &check, &code);
    if (first < 0) {
        return code;
    }
    code = is_usable(&check) ? run_check(&check, argv + first) : EXIT_TROUBLE;
    history_judge_release(&check.judge);
    history_common_release(&check.common);
    free(check.command);
    for (size_t i = 0; i < check.note_count; i++) {
        free(check.notes[i]);
    }
    return code;
}
