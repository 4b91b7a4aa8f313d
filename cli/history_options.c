/* SPDX-License-Identifier: MIT */
/*
 * The subcommands of `tare history`: options, help and examples. In the command they are for --help and
 * completion; in tare-history, which it becomes, they are parsed. What a subcommand does stands in its file,
 * cli/history_NAME.c.
 */
#include <stddef.h>

#include "cli/history.h"

#define OUTPUT_OPTION(help)                                                                                    \
    {                                                                                                          \
        OPTION_OUTPUT, 'o', "output", "FILE", help, NULL                                                       \
    }
#define COLOR_OPTION                                                                                           \
    {                                                                                                          \
        OPTION_COLOR, '\0', "color", "WHEN", "auto, always or never", "auto always never"                      \
    }

static const struct option_spec add_options[] = {
    {HISTORY_COMMIT, '\0', "commit", "REV",
     "the commit that was measured (default: the result's own, else HEAD)", NULL},
    {HISTORY_BRANCH, '\0', "branch", "NAME", "its branch (default: as git or the CI service says)", NULL},
    {HISTORY_LINK, '\0', "link", "URL", "the page of the job that measured: http or https", NULL},
    {HISTORY_DIRTY, '\0', "dirty", "WHETHER", "yes: tracked files differed from the commit; no: they did not",
     "yes no"},
    HISTORY_COMMON_OPTIONS,
    {0},
};

const struct command command_history_add = {
    .name = "history add",
    .operands = "RESULT...",
    .summary = "keep results",
    .options = add_options,
    .details = "RESULT is what another command wrote as JSON; - is standard input. The same\n"
               "result twice is kept once.\n\n"
               "Exit status: 0, or 2 on failure; a RESULT is added whole or not at all.\n\n"
               "Examples:\n"
               "  tare history add result.json\n"
               "  tare run --format json ./program | tare history add -\n"
               "  tare history add --commit v1.2 --dirty no old/*.json\n",
    .usage_exit = EXIT_TROUBLE,
};

static const struct option_spec show_options[] = {
    {HISTORY_POINTS, '\0', "points", NULL, "a row for each point", NULL},
    {OPTION_ALL, '\0', "all", NULL, "also series that never changed, and points of every branch", NULL},
    {HISTORY_RUNS, '\0', "runs", NULL, "a row for each result that was added", NULL},
    {HISTORY_BRANCH, '\0', "branch", "NAME",
     "points of this branch, and of no known one (default: the one that check judges)", NULL},
    {HISTORY_MACHINE, '\0', "machine", "HASH", "of the machine whose fingerprint begins so", NULL},
    {HISTORY_SINCE, '\0', "since", "REV|DATE", "points of this commit or time, and later ones", NULL},
    {HISTORY_LAST, '\0', "last", "N", "of each series the newest N points", NULL},
    {HISTORY_CLEAN, '\0', "clean", NULL, "without points of changed work trees", NULL},
    FORMAT_OPTION,
    COLOR_OPTION,
    OUTPUT_OPTION("write to FILE instead of standard output"),
    HISTORY_COMMON_OPTIONS,
    {0},
};

const struct command command_history_show = {
    .name = "history show",
    .operands = "[PATTERN...]",
    .summary = "print series, points or results",
    .options = show_options,
    .details = "PATTERN is a glob of series' names: 'ring_bench*', '*median'. Without one, those\n"
               "that ever changed.\n\n"
               "Exit status: 0, or 2 on failure, or if there is nothing to show.\n\n"
               "Examples:\n"
               "  tare history show\n"
               "  tare history show '*median' --last 20\n"
               "  tare history show --points --since '2 weeks' --format csv -o points.csv\n",
    .usage_exit = EXIT_TROUBLE,
};

static const struct option_spec check_options[] = {
    HISTORY_JUDGE_OPTIONS,
    {HISTORY_RERUN, '\0', "rerun", "CMD",
     "where a series is suspected, run CMD by the shell, which is to add results", NULL},
    {HISTORY_RERUNS, '\0', "reruns", "N", "so many times at most (default: 3)", NULL},
    {HISTORY_FAIL_ON, '\0', "fail-on", "WHAT", "exit with 1 on confirmed (default), suspected or nothing",
     "confirmed suspected nothing"},
    {OPTION_FORMAT, '\0', "format", "FORMAT",
     "table, json or markdown (default: by the suffix of -o, else table)", "table json markdown"},
    COLOR_OPTION,
    OUTPUT_OPTION("write to FILE instead of standard output"),
    HISTORY_COMMON_OPTIONS,
    {0},
};

const struct command command_history_check = {
    .name = "history check",
    .operands = "[PATTERN...]",
    .summary = "say which series got worse",
    .options = check_options,
    .details = "PATTERN is a glob of series' names. Without one: all.\n\n"
               "Exit status: 0 nothing got worse, 1 a regression is confirmed or a value over\n"
               "budget (with --fail-on suspected also those), 2 failure.\n\n"
               "Examples:\n"
               "  tare history check\n"
               "  tare history check --against main '*median'\n"
               "  tare history check --rerun 'tare bench ./ring_bench --history'\n",
    .usage_exit = EXIT_TROUBLE,
};

static const struct option_spec html_options[] = {
    OUTPUT_OPTION("write to FILE; needed, but with --markdown and --data"),
    {HISTORY_MARKDOWN, '\0', "markdown", NULL, "Markdown, for a comment or a job's summary", NULL},
    {HISTORY_DATA, '\0', "data", NULL, "the page's data as JSON", NULL},
    {HISTORY_TITLE, '\0', "title", "TEXT", "the page's title (default: the project)", NULL},
    {HISTORY_LINK_COMMIT, '\0', "link-commit", "URL",
     "where a commit's page is: http or https, with {commit} for its id", NULL},
    HISTORY_JUDGE_OPTIONS,
    HISTORY_COMMON_OPTIONS,
    {0},
};

const struct command command_history_html = {
    .name = "history html",
    .operands = "[PATTERN...]",
    .summary = "make a page of charts, in one file",
    .options = html_options,
    .details = "PATTERN is a glob of series' names. Without one: all.\n\n"
               "Exit status: 0, or 2 on failure.\n\n"
               "Examples:\n"
               "  tare history html -o perf.html\n"
               "  tare history html --markdown --against main >>\"$GITHUB_STEP_SUMMARY\"\n",
    .usage_exit = EXIT_TROUBLE,
};

static const struct option_spec export_options[] = {
    {OPTION_ALL, '\0', "all", NULL, "every run of the project", NULL},
    OUTPUT_OPTION("write to FILE instead of standard output"),
    {HISTORY_TO, '\0', "to", "FOLDER", "write each result to a file in FOLDER, named as 'show --runs' has it",
     NULL},
    {OPTION_FORMAT, '\0', "format", "FORMAT",
     "raw: the bytes that were added (default); csv or json: the points, with the blocks' values in json",
     "raw csv json"},
    HISTORY_COMMON_OPTIONS,
    {0},
};

const struct command command_history_export = {
    .name = "history export",
    .operands = "[RUN...]",
    .summary = "give back what was added",
    .options = export_options,
    .details = "RUN is what 'tare history show --runs' calls it: the start of its digest, or\n"
               "its id.\n\n"
               "Exit status: 0, or 2 on failure.\n\n"
               "Examples:\n"
               "  tare history export 3f2a91c0 -o result.json\n"
               "  tare history export --all --to results\n"
               "  tare history export --all --format csv -o points.csv\n",
    .usage_exit = EXIT_TROUBLE,
};

static const struct option_spec import_options[] = {
    {HISTORY_FROM, '\0', "from", "FORMAT", "what the files are (default: from their content)",
     "google-benchmark hyperfine pyperf criterion asv perf-stat github-action-benchmark"},
    {HISTORY_COMMIT, '\0', "commit", "REV", "the commit that was measured, where the file does not name it",
     NULL},
    {HISTORY_BRANCH, '\0', "branch", "NAME", "its branch", NULL},
    {HISTORY_MACHINE, '\0', "machine", "NAME", "the machine that measured; of other names are other series",
     NULL},
    {HISTORY_DRY_RUN, '\0', "dry-run", NULL, "say what would be added, and add nothing", NULL},
    HISTORY_COMMON_OPTIONS,
    {0},
};

const struct command command_history_import = {
    .name = "history import",
    .operands = "FILE|FOLDER...",
    .summary = "bring along what other tools measured",
    .options = import_options,
    .details = "FORMAT is google-benchmark, hyperfine, pyperf, criterion, asv, perf-stat or\n"
               "github-action-benchmark. Of a FOLDER (target/criterion, asv's results), all in\n"
               "it that is of such a format is read; - is standard input.\n\n"
               "Exit status: 0, or 2 on failure; then nothing is added.\n\n"
               "Examples:\n"
               "  tare history import --commit HEAD --machine m7 hyperfine.json\n"
               "  tare history import target/criterion\n"
               "  perf stat -x, -r 10 ./program 2>&1 >/dev/null | tare history import -\n",
    .usage_exit = EXIT_TROUBLE,
};

static const struct option_spec merge_options[] = {
    HISTORY_COMMON_OPTIONS,
    {0},
};

const struct command command_history_merge = {
    .name = "history merge",
    .operands = "WHERE...",
    .summary = "add all that other histories have",
    .options = merge_options,
    .details = "WHERE is a file or postgresql://... All projects are merged, whatever --project\n"
               "says; what is there already is left alone.\n\n"
               "Exit status: 0, or 2 on failure.\n\n"
               "Examples:\n"
               "  tare history merge laptop.db\n"
               "  tare history merge --db postgresql://bench@db/perf .tare/history.db\n",
    .usage_exit = EXIT_TROUBLE,
};

static const struct option_spec prune_options[] = {
    {HISTORY_BEFORE, '\0', "before", "DATE", "what was measured before", NULL},
    {HISTORY_KEEP, '\0', "keep", "N", "but for the newest N points of each series", NULL},
    {HISTORY_RAWS, '\0', "raws", NULL, "raw results only: points stay", NULL},
    {HISTORY_DRY_RUN, '\0', "dry-run", NULL, "say what would go, and leave it", NULL},
    HISTORY_COMMON_OPTIONS,
    {0},
};

const struct command command_history_prune = {
    .name = "history prune",
    .operands = "[PATTERN...]",
    .summary = "remove what is old",
    .options = prune_options,
    .details = "Needs --before, --keep or a PATTERN, a glob of series' names. A DATE is like\n"
               "2026-11-22, 2026-11-22T10:00:00Z, or '30 days' ago.\n\n"
               "Exit status: 0, or 2 on failure.\n\n"
               "Examples:\n"
               "  tare history prune --before '2 years' --dry-run\n"
               "  tare history prune --raws --before '90 days'\n"
               "  tare history prune --keep 1000\n",
    .usage_exit = EXIT_TROUBLE,
};

static const struct option_spec baseline_options[] = {
    {HISTORY_COMMIT, '\0', "commit", "REV",
     "set: changes up to this commit are accepted (default: all up to now)", NULL},
    {HISTORY_REASON, '\0', "reason", "TEXT", "set: why", NULL},
    {HISTORY_SERIES, '\0', "series", "PATTERN", "set: for series that match (default: all)", NULL},
    {OPTION_FORMAT, '\0', "format", "FORMAT", "show: table or json (default: table)", "table json"},
    HISTORY_COMMON_OPTIONS,
    {0},
};

const struct command command_history_baseline = {
    .name = "history baseline",
    .operands = "set [NAME]|show|remove [NAME]",
    .summary = "accept the levels that there are",
    .options = baseline_options,
    .details = "Changes at or before a baseline no longer fail 'tare history check'. NAME is\n"
               "'default' if none is given.\n\n"
               "Exit status: 0, or 2 on failure.\n\n"
               "Examples:\n"
               "  tare history baseline set --reason 'checksums cost 4 %, and we want them'\n"
               "  tare history baseline set release --commit v1.2\n"
               "  tare history baseline show\n",
    .usage_exit = EXIT_TROUBLE,
};

static const struct option_spec fsck_options[] = {
    HISTORY_COMMON_OPTIONS,
    {0},
};

const struct command command_history_fsck = {
    .name = "history fsck",
    .operands = "",
    .summary = "look for damage",
    .options = fsck_options,
    .details = "Checks the database, that every raw result is what was added, and that all\n"
               "belongs together. Says each thing that is wrong in a line.\n\n"
               "Exit status: 0 nothing is wrong, 1 something is, 2 failure.\n\n"
               "Examples:\n"
               "  tare history fsck\n"
               "  tare history fsck --db postgresql://bench@db/perf\n",
    .usage_exit = EXIT_TROUBLE,
};

const struct command *const history_commands[] = {
    &command_history_add,
    &command_history_show,
    &command_history_check,
    &command_history_html,
    &command_history_export,
    &command_history_import,
    &command_history_merge,
    &command_history_prune,
    &command_history_baseline,
    &command_history_fsck,
    NULL,
};
