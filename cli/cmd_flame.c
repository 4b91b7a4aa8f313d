/* SPDX-License-Identifier: MIT */
/* `tare flame`: a profile, or what became different between two, as a flame graph. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/profile_read.h"
#include "view/flame.h"

enum {
    OPTION_DIFF = 1,
    OPTION_NO_NORMALIZE,
    OPTION_REVERSE,
    OPTION_INVERTED,
    OPTION_BY,
    OPTION_TIMER,
    OPTION_TITLE,
    OPTION_WIDTH,
    OPTION_MIN_WIDTH,
    OPTION_FLAME_FORMAT,
};

static const struct option_spec options[] = {
    {OPTION_OUTPUT, 'o', "output", "FILE", "write to FILE, as SVG or HTML by its suffix", NULL},
    {OPTION_FLAME_FORMAT, '\0', "format", "FORMAT", "svg or html, whatever the suffix (default: svg)",
     "svg html"},
    {OPTION_DIFF, '\0', "diff", "A", "show PROFILE, coloured by what it has more or less of than A", NULL},
    {OPTION_NO_NORMALIZE, '\0', "no-normalize", NULL,
     "with --diff: compare what was measured, not each as a share of its own total", NULL},
    {OPTION_REVERSE, '\0', "reverse", NULL, "innermost functions at the base, their callers on them", NULL},
    {OPTION_INVERTED, '\0', "inverted", NULL, "the base on top", NULL},
    {OPTION_BY, '\0', "by", "WHAT",
     "process, thread, timer or nothing at the base (default: timer, where the profile knows them)",
     "process thread timer nothing"},
    {OPTION_TIMER, '\0', "timer", "GLOB",
     "only samples whose innermost timer matches, as in 'http::*,db::read'", NULL},
    {OPTION_TITLE, '\0', "title", "TEXT", "above the graph, in place of the command line", NULL},
    {OPTION_WIDTH, '\0', "width", "PX",
     "how wide it is without a script (default: 1200); with one, it is as wide as its window", NULL},
    {OPTION_MIN_WIDTH, '\0', "min-width", "PX", "leave out what is narrower (default: 0.1)", NULL},
    {0},
};

struct flame {
    const char *file;
    const char *before;
    bool format_given;
    struct tare_flame_options view;
    const struct tare_result *result;
};

static bool parse_by(const char *value, enum tare_flame_by *by)
{
    static const char *const words[] = {"process", "thread", "timer", "nothing"};
    static const enum tare_flame_by meanings[] = {TARE_FLAME_BY_PROCESS, TARE_FLAME_BY_THREAD,
                                                  TARE_FLAME_BY_TIMER, TARE_FLAME_BY_NOTHING};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0) {
            *by = meanings[i];
            return true;
        }
    }
    const char *near = suggest(value, words, sizeof(words) / sizeof(words[0]));
    if (near != NULL) {
        error("cannot split by '%s': did you mean '%s'?", value, near);
    } else {
        error("cannot split by '%s': one of process, thread, timer, nothing", value);
    }
    return false;
}

static bool parse_format(const char *value, enum tare_flame_format *format)
{
    if (strcmp(value, "svg") != 0 && strcmp(value, "html") != 0) {
        error("unknown format '%s': one of svg, html", value);
        return false;
    }
    *format = strcmp(value, "html") == 0 ? TARE_FLAME_HTML : TARE_FLAME_SVG;
    return true;
}

static bool timer_matches(void *data, const char *module, const char *name)
{
    return globs_match(data, module, name);
}

static int handle_option(void *data, int id, const char *value)
{
    struct flame *flame = data;
    struct tare_flame_options *view = &flame->view;
    unsigned long px;
    switch (id) {
    case OPTION_OUTPUT:
        flame->file = strcmp(value, "-") == 0 ? NULL : value;
        return 0;
    case OPTION_FLAME_FORMAT:
        flame->format_given = true;
        return parse_format(value, &view->format) ? 0 : EXIT_TROUBLE;
    case OPTION_DIFF:
        flame->before = value;
        return 0;
    case OPTION_NO_NORMALIZE:
        view->not_normalized = true;
        return 0;
    case OPTION_REVERSE:
        view->reverse = true;
        return 0;
    case OPTION_INVERTED:
        view->inverted = true;
        return 0;
    case OPTION_BY:
        return parse_by(value, &view->by) ? 0 : EXIT_TROUBLE;
    case OPTION_TIMER:
        view->timer_matches = timer_matches;
        view->timer_data = (char *)value;
        view->timers = value;
        return 0;
    case OPTION_TITLE:
        view->title = value;
        return 0;
    case OPTION_WIDTH:
        if (!parse_count("--width", value, TARE_FLAME_WIDTH_LEAST, TARE_FLAME_WIDTH_MOST, &px)) {
            return EXIT_TROUBLE;
        }
        view->width = (unsigned)px;
        return 0;
    case OPTION_MIN_WIDTH:
        return parse_number("--min-width", value, false, 0.001, 1000, &view->min_width) ? 0 : EXIT_TROUBLE;
    default:
        return EXIT_TROUBLE;
    }
}

/* Where it goes and as what. False after an error was printed. */
static bool check_output(struct flame *flame)
{
    if (flame->file == NULL) {
        if (isatty(STDOUT_FILENO)) {
            error("a flame graph is nothing for a terminal: -o FILE.svg or -o FILE.html writes it to a file");
            return false;
        }
        return true;
    }
    if (!flame->format_given) {
        bool html = ends_with(flame->file, ".html") || ends_with(flame->file, ".htm");
        if (!html && !ends_with(flame->file, ".svg")) {
            error("cannot tell from '%s' whether SVG or HTML is wanted: let it end in .svg or .html, or give "
                  "--format",
                  flame->file);
            return false;
        }
        flame->view.format = html ? TARE_FLAME_HTML : TARE_FLAME_SVG;
    }
    return output_can_write(flame->file);
}

/* Whether what was asked of timers can be had. False after an error was printed. */
static bool check_timers(const struct flame *flame, const char *path, const struct tare_profile *profile)
{
    bool asked = flame->view.by == TARE_FLAME_BY_TIMER || flame->view.timers != NULL;
    if (asked && !profile->by_timer) {
        error("the samples in '%s' do not know their timers: take them with 'tare profile --by-timer'", path);
        return false;
    }
    if (flame->view.timers == NULL) {
        return true;
    }
    for (size_t i = 0; i < profile->sample_count; i++) {
        uint32_t timer = profile->samples[i].timer;
        if (timer != TARE_PROFILE_NONE &&
            globs_match(flame->view.timers, profile->timers[timer].module, profile->timers[timer].name)) {
            return true;
        }
    }
    error(
        "no sample in '%s' is inside a timer that '%s' matches: 'tare flame --by timer' shows which there are",
        path, flame->view.timers);
    return false;
}

/* The command line as one text; *text NULL: unknown. False without memory. */
static bool join(char *const *command, char **text)
{
    size_t size;
    *text = NULL;
    if (command == NULL || command[0] == NULL) {
        return true;
    }
    FILE *out = open_memstream(text, &size);
    if (out == NULL) {
        return false;
    }
    for (char *const *word = command; *word != NULL; word++) {
        fprintf(out, "%s%s", word > command ? " " : "", *word);
    }
    return fclose(out) == 0;
}

static int write_flame(void *data, FILE *out)
{
    const struct flame *flame = data;
    return tare_view_flame(flame->result->profile, &flame->view, out);
}

static bool show(struct flame *flame, const char *path)
{
    struct tare_result *result = profile_read(path, NULL);
    struct tare_result *before =
        result != NULL && flame->before != NULL ? profile_read(flame->before, NULL) : NULL;
    char *command = NULL, *command_before = NULL;
    bool fine = result != NULL && (flame->before == NULL || before != NULL) &&
                check_timers(flame, path, result->profile) &&
                (before == NULL || check_timers(flame, flame->before, before->profile));
    if (fine &&
        (!join(result->command, &command) || (before != NULL && !join(before->command, &command_before)))) {
        error("out of memory");
        fine = false;
    }
    if (fine) {
        flame->result = result;
        flame->view.command = command;
        flame->view.command_before = command_before;
        flame->view.before = before != NULL ? before->profile : NULL;
        flame->view.notes = (const char *const *)result->notes;
        profile_warn(result);
        if (before != NULL) {
            profile_warn(before);
        }
        if (result->profile->sample_count == 0) {
            warning("'%s' has no samples: there is nothing to draw", path);
        }
        fine = output_write_whole(flame->file, write_flame, flame);
    }
    free(command);
    free(command_before);
    tare_result_free(result);
    tare_result_free(before);
    return fine;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct flame flame = {0};
    int code;
    int first = options_parse(command, argc, argv, handle_option, &flame, &code);
    if (first < 0) {
        return code;
    }
    if (first + 1 != argc) {
        error("%s: tare flame [options] PROFILE, or with --diff A PROFILE",
              first == argc ? "no profile given" : "one profile at a time");
        return EXIT_TROUBLE;
    }
    if (flame.view.not_normalized && flame.before == NULL) {
        error("--no-normalize is about a comparison: give the profile before with --diff A");
        return EXIT_TROUBLE;
    }
    if (flame.before != NULL && strcmp(flame.before, "-") == 0 && strcmp(argv[first], "-") == 0) {
        error("standard input cannot be both profiles: give one of them as a file");
        return EXIT_TROUBLE;
    }
    return check_output(&flame) && show(&flame, argv[first]) ? EXIT_FINE : EXIT_TROUBLE;
}

const struct command command_flame = {
    .name = "flame",
    .operands = "PROFILE",
    .summary = "draw a profile, or what changed between two, as a flame graph",
    .options = options,
    .details = "PROFILE is what 'tare profile -o FILE.json' wrote, a perf.data, the text of\n"
               "'perf script', or folded stacks; '-' is standard input.\n\n"
               "The graph is one file, which a browser opens: a click or Enter zooms into a\n"
               "frame, Escape or Backspace goes back, '/' or Ctrl-F searches, arrow keys move.\n\n"
               "Exit code: 0, or 2 for a wrong command line, a file that cannot be read, or\n"
               "output that cannot be written.\n\n"
               "Examples:\n"
               "  tare flame profile.json -o flame.svg\n"
               "  tare flame --diff before.json after.json -o diff.html\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
