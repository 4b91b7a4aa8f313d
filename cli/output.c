/* SPDX-License-Identifier: MIT */
/*
 * Where a result goes, and in which form. A file is written beside its place and renamed, so it is there whole
 * or not at all; a device or pipe is written directly.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "result/json.h"
#include "view/bench.h"
#include "view/capture.h"
#include "view/flame.h"
#include "view/profile_exports.h"
#include "view/stat.h"
#include "view/suite.h"

static const char *const formats[] = {
    [TARE_FORMAT_TABLE] = "table",
    [TARE_FORMAT_JSON] = "json",
    [TARE_FORMAT_CSV] = "csv",
    [TARE_FORMAT_MARKDOWN] = "markdown",
    [TARE_FORMAT_FOLDED] = "folded",
    [TARE_FORMAT_PPROF] = "pprof",
    [TARE_FORMAT_SPEEDSCOPE] = "speedscope",
    [TARE_FORMAT_FIREFOX] = "firefox",
    [TARE_FORMAT_CHROME] = "chrome",
    [TARE_FORMAT_SVG] = "svg",
    [TARE_FORMAT_HTML] = "html",
};
enum { FORMATS = TARE_FORMAT_FOLDED, PROFILE_FORMATS_TOO = sizeof(formats) / sizeof(formats[0]) };

void output_init(struct output *output)
{
    *output = (struct output){.color = "auto"};
}

static int bad_word(const char *option, const char *value, const char *const *words, size_t count,
                    const char *list)
{
    const char *near = suggest(value, words, count);
    if (near != NULL) {
        error("unknown %s '%s': did you mean '%s'?", option, value, near);
    } else {
        error("unknown %s '%s': one of %s", option, value, list);
    }
    return EXIT_TROUBLE;
}

static int list_columns(void)
{
    for (const struct tare_view_column_info *column = tare_view_columns; column->name != NULL; column++) {
        printf("%-18s %s\n", column->name, column->help);
    }
    return -1;
}

static int parse_word(const char *option, const char *value, const char *const *words, size_t count,
                      const char *list, unsigned *index)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, words[i]) == 0) {
            *index = (unsigned)i;
            return 0;
        }
    }
    return bad_word(option, value, words, count, list);
}

int output_option(struct output *output, int id, const char *value)
{
    static const char *const units[] = {"time", "ticks", "ns"};
    static const char *const colors[] = {"auto", "always", "never"};
    unsigned index = 0;
    int error_code = 0;
    switch (id) {
    case OPTION_FORMAT:
        if (output->profiles) {
            value =
                strcmp(value, "chrome-trace") == 0 ? "chrome" : value; /* as captures' is called elsewhere */
            error_code = parse_word(
                "format", value, formats, PROFILE_FORMATS_TOO,
                "table, json, csv, markdown, svg, html, folded, pprof, speedscope, firefox, chrome", &index);
        } else {
            error_code = parse_word("format", value, formats, FORMATS, "table, json, csv, markdown", &index);
        }
        output->format = (enum tare_format)index;
        output->format_given = true;
        return error_code;
    case OPTION_COLUMNS:
        if (strcmp(value, "help") == 0) {
            list_columns();
            if (fflush(stdout) != 0) {
                error("cannot write to standard output: %s", strerror(errno));
                exit(EXIT_TROUBLE);
            }
            exit(EXIT_FINE);
        }
        output->view.columns = value;
        return 0;
    case OPTION_SORT:
        output->view.sort = value;
        return 0;
    case OPTION_UNIT:
        error_code = parse_word("unit", value, units, 3, "time, ticks, ns", &index);
        output->view.unit = index == 1 ? TARE_UNIT_TICKS : TARE_UNIT_TIME;
        return error_code;
    case OPTION_ALL:
        output->view.all = true;
        return 0;
    case OPTION_COLOR:
        error_code = parse_word("colour setting", value, colors, 3, "auto, always, never", &index);
        output->color = colors[index];
        return error_code;
    case OPTION_OUTPUT:
        output->file = strcmp(value, "-") == 0 ? NULL : value;
        return 0;
    case OPTION_PER_PROCESS:
        output->view.per_process = true;
        return 0;
    case OPTION_HISTORY:
        return keep_option(output, value);
    default:
        return -1;
    }
}

bool ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && strcmp(text + n - m, suffix) == 0;
}

static bool is_picture(enum tare_format format)
{
    return format == TARE_FORMAT_SVG || format == TARE_FORMAT_HTML;
}

/*
 * By the end of the file's name. The forms of a profile are asked for by the whole end: ".json" alone is a result,
 * which can be shown again in every form. A name that asks for a picture gets no table from any command.
 */
static enum tare_format format_of_file(const char *file, bool profiles)
{
    static const struct {
        const char *suffix;
        enum tare_format format;
    } suffixes[] = {
        {".folded", TARE_FORMAT_FOLDED},
        {".pb.gz", TARE_FORMAT_PPROF},
        {".speedscope.json", TARE_FORMAT_SPEEDSCOPE},
        {".firefox.json", TARE_FORMAT_FIREFOX},
        {".trace.json", TARE_FORMAT_CHROME},
        {".chrome.json", TARE_FORMAT_CHROME},
        {".json", TARE_FORMAT_JSON},
        {".csv", TARE_FORMAT_CSV},
        {".md", TARE_FORMAT_MARKDOWN},
        {".svg", TARE_FORMAT_SVG},
        {".html", TARE_FORMAT_HTML},
        {".htm", TARE_FORMAT_HTML},
    };
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        bool for_all = suffixes[i].format < TARE_FORMAT_FOLDED || is_picture(suffixes[i].format);
        if ((profiles || for_all) && ends_with(file, suffixes[i].suffix)) {
            return suffixes[i].format;
        }
    }
    return TARE_FORMAT_TABLE;
}

/* NO_COLOR (no-color.org) and TERM=dumb switch colour off where it is automatic. */
static bool wants_color(const char *setting, bool terminal)
{
    if (strcmp(setting, "auto") != 0) {
        return strcmp(setting, "always") == 0;
    }
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return terminal && (no_color == NULL || *no_color == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

bool output_can_write(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : 0;
        if (errno != 0 || access(path, W_OK) != 0) {
            error("cannot write '%s': %s", path, strerror(errno));
            return false;
        }
        return true;
    }
    char *folder = strdup(path), *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    if (slash != NULL) {
        slash[slash == folder] = '\0';
    }
    bool fine = folder != NULL && access(slash != NULL ? folder : ".", W_OK | X_OK) == 0;
    if (!fine) {
        error("cannot create '%s': %s", path, strerror(errno));
    }
    free(folder);
    return fine;
}

bool output_check(struct output *output)
{
    char message[256];
    if (tare_view_check(&output->view, message, sizeof(message)) != 0) {
        error("%s", message);
        return false;
    }
    if ((output->file != NULL && !output_can_write(output->file)) || !keep_check(output)) {
        return false;
    }
    if (!output->format_given && output->file != NULL) {
        output->format = format_of_file(output->file, output->profiles);
    }
    if (is_picture(output->format) && !output->profiles) {
        error("cannot write '%s': only profiles are drawn; let it end in .json, .csv or .md, or give --format",
              output->file);
        return false;
    }
    if (output->format == TARE_FORMAT_PPROF && !TARE_HAVE_ZLIB) {
        error("no format 'pprof': this tare was built without zlib (zlib1g-dev)");
        return false;
    }
    bool terminal = output->file == NULL && isatty(STDOUT_FILENO);
    struct winsize size;
    if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        output->view.width = size.ws_col;
    }
    const char *columns = getenv("COLUMNS");
    if (columns != NULL && atoi(columns) > 0 && terminal) {
        output->view.width = atoi(columns);
    }
    output->view.color = wants_color(output->color, terminal);
    output->view.ascii = !locale_is_utf8();
    return true;
}

struct formatted {
    const struct output *output;
    const struct tare_result *result;
};

static int draw(const struct output *output, const struct tare_result *result, FILE *out)
{
    bool threads = output->profile_view != NULL && output->profile_view->by == TARE_PROFILE_BY_THREAD;
    char *command = NULL;
    size_t size;
    if (result->command != NULL && result->command[0] != NULL) {
        FILE *text = open_memstream(&command, &size);
        if (text == NULL) {
            return -ENOMEM;
        }
        for (size_t i = 0; result->command[i] != NULL; i++) {
            fprintf(text, "%s%s", i > 0 ? " " : "", result->command[i]);
        }
        if (fclose(text) != 0) {
            free(command);
            return -ENOMEM;
        }
    }
    const struct tare_flame_options options = {
        .format = output->format == TARE_FORMAT_SVG ? TARE_FLAME_SVG : TARE_FLAME_HTML,
        .by = threads ? TARE_FLAME_BY_THREAD : TARE_FLAME_BY_DEFAULT,
        .command = command,
        .notes = (const char *const *)result->notes,
    };
    int failure = tare_view_flame(result->profile, &options, out);
    free(command);
    return failure;
}

static int write_format(void *data, FILE *out)
{
    const struct formatted *formatted = data;
    const struct output *output = formatted->output;
    const struct tare_result *result = formatted->result;
    if (result->suite != NULL && output->format != TARE_FORMAT_JSON) {
        return tare_view_suite(result, &output->view, output->format, out);
    }
    switch (output->format) {
    case TARE_FORMAT_FOLDED:
        return tare_view_folded(result, out);
    case TARE_FORMAT_PPROF:
        return tare_view_pprof(result, out);
    case TARE_FORMAT_SPEEDSCOPE:
        return tare_view_speedscope(result, out);
    case TARE_FORMAT_FIREFOX:
        return tare_view_firefox(result, out);
    case TARE_FORMAT_CHROME:
        return result->capture != NULL ? tare_view_capture_chrome(result, out) : tare_view_chrome(result, out);
    case TARE_FORMAT_SVG:
    case TARE_FORMAT_HTML:
        return draw(output, result, out);
    default:
        break;
    }
    if (result->profile != NULL && output->format != TARE_FORMAT_JSON) {
        return tare_view_profile(result, &output->view, output->profile_view, output->format, out);
    }
    if (result->capture != NULL && output->format != TARE_FORMAT_JSON) {
        return output->format == TARE_FORMAT_CSV
                   ? tare_view_capture_csv(result, out)
                   : tare_view_capture(result, &output->view, output->format, out);
    }
    if (result->stat != NULL && output->format != TARE_FORMAT_JSON) {
        return tare_view_stat(result, &output->view, output->format, out);
    }
    if (result->bench != NULL && output->format != TARE_FORMAT_JSON) {
        return tare_view_bench(result, &output->view, output->format, output->plot, out);
    }
    switch (output->format) {
    case TARE_FORMAT_JSON:
        return tare_result_write_json(result, out);
    case TARE_FORMAT_CSV:
        return tare_view_csv(result, &output->view, out);
    case TARE_FORMAT_MARKDOWN:
        return tare_view_markdown(result, &output->view, out);
    case TARE_FORMAT_TABLE:
    default:
        return tare_view_table(result, &output->view, out);
    }
}

/*
 * Returns 0 or -errno. The writers say -EIO for whatever happened to the stream: errno still has which it was.
 */
static int write_to(FILE *out, stream_writer *write, void *data)
{
    errno = 0;
    int failure = write(data, out);
    return failure == -EIO && errno != 0 ? -errno : failure;
}

static bool close_checked(FILE *out, const char *path, int write_error)
{
    int failure = write_error;
    errno = 0;
    if (fclose(out) != 0 && (failure == 0 || failure == -EIO)) {
        failure = -errno;
    }
    if (failure != 0) {
        error("cannot write '%s': %s", path, strerror(-failure));
    }
    return failure == 0;
}

static bool write_file(const char *path, stream_writer *write, void *data)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        FILE *out = fopen(path, "we");
        if (out == NULL) {
            error("cannot open '%s': %s", path, strerror(errno));
            return false;
        }
        return close_checked(out, path, write_to(out, write, data));
    }
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        error("out of memory");
        return false;
    }
    bool fine = false;
    int fd = mkostemp(temporary, O_CLOEXEC);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL) {
        error("cannot create '%s': %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
            unlink(temporary);
        }
        free(temporary);
        return false;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    fine = close_checked(out, path, write_to(out, write, data));
    if (fine && rename(temporary, path) != 0) {
        error("cannot write '%s': %s", path, strerror(errno));
        fine = false;
    }
    if (!fine) {
        unlink(temporary);
    }
    free(temporary);
    return fine;
}

bool output_write_whole(const char *path, stream_writer *write, void *data)
{
    progress_clear();
    /*
     * A file that may not be so large is an error to report, and not our end. No program is started after this.
     */
    signal(SIGXFSZ, SIG_IGN);
    if (path != NULL) {
        return write_file(path, write, data);
    }
    int failure = write_to(stdout, write, data);
    if (failure == 0 && fflush(stdout) != 0) {
        failure = -errno;
    }
    if (failure != 0) {
        error("cannot write to standard output: %s", strerror(-failure));
        return false;
    }
    return true;
}

bool output_write(const struct output *output, const struct tare_result *result)
{
    struct formatted formatted = {output, result};
    bool trace = output->format == TARE_FORMAT_CHROME && result->capture != NULL;
    bool picture =
        (output->format == TARE_FORMAT_SVG || output->format == TARE_FORMAT_HTML) && result->suite != NULL;
    if (output->format >= TARE_FORMAT_FOLDED && result->profile == NULL && !trace && !picture) {
        error("'%s' is a format of profiles, and this is a %s: use %s", formats[output->format],
              result->kind != NULL ? result->kind : "result",
              result->capture != NULL ? "table, json, csv, markdown or chrome (.trace.json)"
              : result->suite != NULL ? "table, json, csv, markdown, svg or html"
                                      : "table, json, csv or markdown");
        return false;
    }
    return output_write_whole(output->file, write_format, &formatted);
}
