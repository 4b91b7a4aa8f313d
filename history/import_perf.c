/* SPDX-License-Identifier: MIT */
/*
 * What `perf stat -x,` writes: a line for each event, "value,unit,event,[variance%,]run time,share of the
 * time[,metric,its unit]" (perf-stat(1), CSV FORMAT, which puts the variance elsewhere than perf does). The
 * separator is any character, and nothing is quoted: commas within an event's own name
 * (cpu/event=0x3c,umask=0x0/) are told by its slashes.
 *
 * The variance is the standard error of the mean in percent (perf's stddev_stats()), of a number of executions
 * that perf does not say: the interval is that times 1.96, as of many. Lines of intervals (-I) and of single
 * processors, cores or threads (-A, --per-...) have other fields in front, and are refused.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/import_parts.h"
#include "stats/quantile.h"

enum {
    FIELDS = 12,
    LINE_MAX = 4096,
    LINES_MAX = 100000,
};

static const char not_counted[] = "<not counted>";
static const char not_supported[] = "<not supported>";

/* The length of a value at the beginning of the text; 0: there is none. */
static size_t value_length(const char *text)
{
    if (strncmp(text, not_counted, strlen(not_counted)) == 0) {
        return strlen(not_counted);
    }
    if (strncmp(text, not_supported, strlen(not_supported)) == 0) {
        return strlen(not_supported);
    }
    size_t digits = strspn(text, "0123456789");
    size_t length = digits;
    if (digits > 0 && text[digits] == '.' && isdigit((unsigned char)text[digits + 1])) {
        length += 1 + strspn(text + digits + 1, "0123456789");
    }
    return length;
}

struct fields {
    char *field[FIELDS];
    size_t count;
};

/* Cuts the line up, in place. Fields beyond the last are part of it. */
static void split(char *line, char separator, struct fields *fields)
{
    fields->count = 0;
    for (char *at = line; fields->count < FIELDS;) {
        fields->field[fields->count++] = at;
        at = fields->count < FIELDS ? strchr(at, separator) : NULL;
        if (at == NULL) {
            break;
        }
        /* An event of a PMU, "cpu/a=1,b=2/", goes on until its second slash. */
        char *field = fields->field[fields->count - 1];
        char *slash = fields->count == 3 ? strchr(field, '/') : NULL;
        char *second = slash != NULL && slash < at ? strchr(slash + 1, '/') : NULL;
        if (second != NULL && second > at) {
            at = strchr(second, separator);
            if (at == NULL) {
                break;
            }
        }
        *at++ = '\0';
    }
}

struct line {
    const char *value, *unit, *event;
    double variance; /* percent; NAN: there is none */
    double run_ns;   /* how long it was counted */
    double share;    /* percent of the time; NAN */
};

/* The percentage of a field, with or without its sign; NAN. */
static double percent_of(const char *field, bool sign)
{
    char *end;
    double value = import__strtod(field, &end);
    return end != field && strcmp(end, sign ? "%" : "") == 0 ? value : NAN;
}

/* False: it is not such a line. */
static bool read_line(char *text, char separator, struct line *line)
{
    struct fields fields;
    split(text, separator, &fields);
    if (fields.count < 5 || fields.field[2][0] == '\0') {
        return false;
    }
    bool varies = strchr(fields.field[3], '%') != NULL;
    line->value = fields.field[0];
    line->unit = fields.field[1];
    line->event = fields.field[2];
    line->variance = varies ? percent_of(fields.field[3], true) : NAN;
    const char *time = fields.field[varies ? 4 : 3];
    line->share = fields.count > (varies ? 5u : 4u) ? percent_of(fields.field[varies ? 5 : 4], false) : NAN;
    line->run_ns = strtod(time, NULL);
    return value_length(line->value) == strlen(line->value) && value_length(line->unit) == 0 &&
           time[0] != '\0' && time[strspn(time, "0123456789")] == '\0' && !isnan(line->share);
}

/* What is in front of the value of such a line, in words; NULL: nothing. */
static const char *more_in_front(char *text)
{
    text += strspn(text, " ");
    size_t length = value_length(text);
    if (length > 0) {
        char separator = text[length];
        const char *next = separator != '\0' ? text + length + 1 : "";
        next += strspn(next, " ");
        return value_length(next) > 0 ? "of intervals: run perf stat without -I" : NULL;
    }
    if (strncmp(text, "summary", 7) == 0) {
        return "of intervals: run perf stat without -I";
    }
    /* "CPU0,1.5,msec,...", "S0-D0-C1,2,1.5,...", "name-1234,1.5,..." */
    size_t name = strcspn(text, ",;|\t: {}[]\"");
    char separator = text[name];
    const char *next = separator != '\0' && strchr("{}[]\"", separator) == NULL ? text + name + 1 : "";
    next += strspn(next, " ");
    size_t value = value_length(next);
    if (name > 0 && value > 0 && next[value] == separator) {
        return "of single processors or threads: run perf stat without -A and --per-...";
    }
    return NULL;
}

/* Copies the next line of the file; false at its end. */
static bool next_line(const char **at, const char *end, char line[LINE_MAX], bool *too_long)
{
    if (*at >= end) {
        return false;
    }
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    size_t length = (size_t)((newline != NULL ? newline : end) - *at);
    *too_long = length >= LINE_MAX || memchr(*at, '\0', length) != NULL;
    if (!*too_long) {
        memcpy(line, *at, length);
        line[length] = '\0';
        if (length > 0 && line[length - 1] == '\r') {
            line[length - 1] = '\0';
        }
    } else {
        line[0] = '\0';
    }
    *at = newline != NULL ? newline + 1 : end;
    return true;
}

static bool is_empty(const char *line)
{
    return line[strspn(line, " \t")] == '\0' || line[0] == '#';
}

/* Metrics alone, ",,,,,0.5,insn per cycle": they follow from the counts. */
static bool is_metric(const char *line, char separator)
{
    return line[0] == separator && line[1] == separator && line[2] == separator;
}

/* The character behind the first value: '\0' where there is none that can be one. */
static char separator_of(const char *line)
{
    size_t length = value_length(line);
    char separator = length > 0 ? line[length] : '\0';
    return separator == '\0' || isalnum((unsigned char)separator) || strchr(".%/<>-_", separator) != NULL
               ? '\0'
               : separator;
}

bool import__is_perf_stat(const char *bytes, size_t size)
{
    const char *at = bytes;
    char line[LINE_MAX];
    bool too_long;
    for (int i = 0; i < 20 && next_line(&at, bytes + size, line, &too_long) && !too_long; i++) {
        if (is_empty(line)) {
            continue;
        }
        if (more_in_front(line) != NULL) {
            return true; /* for the complaint */
        }
        struct line parts;
        char separator = separator_of(line);
        if (separator != '\0' && read_line(line, separator, &parts)) {
            return true;
        }
    }
    return false;
}

/* Whether more of it is worse: of what costs, and not of everything that can be counted. */
static enum tare_history_better better_of(const char *event)
{
    static const char *const costs[] = {
        "task-clock",
        "cpu-clock",
        "duration_time",
        "user_time",
        "system_time",
        "cycles",
        "cpu-cycles",
        "ref-cycles",
        "bus-cycles",
        "instructions",
        "branches",
        "branch-",
        "cache-",
        "stalled-cycles",
        "page-faults",
        "faults",
        "minor-faults",
        "major-faults",
        "context-switches",
        "cs",
        "cpu-migrations",
        "migrations",
        "alignment-faults",
        "emulation-faults",
        "L1-",
        "LLC-",
        "dTLB-",
        "iTLB-",
        "node-",
        "power/energy",
    };
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
        size_t length = strlen(costs[i]);
        bool prefix = costs[i][length - 1] == '-' || strcmp(costs[i], "stalled-cycles") == 0 ||
                      strcmp(costs[i], "power/energy") == 0;
        if (strncmp(event, costs[i], length) == 0 &&
            (prefix || event[length] == '\0' || event[length] == ':')) {
            return TARE_BETTER_LOWER;
        }
    }
    return TARE_BETTER_UNKNOWN;
}

static bool add_line(struct import *import, const struct line *line, const char *name)
{
    char *end;
    double factor = line->unit[0] != '\0' ? import__unit_ns(line->unit) : NAN;
    const char *unit = !isnan(factor) ? "ns" : line->unit[0] != '\0' ? line->unit : "count";
    if (line->value[0] == '<') {
        import__leave_out(import, "left out # that was not counted or is not supported", line->event);
        return true;
    }
    if (strcmp(line->event, "duration_time") == 0 || strcmp(line->event, "user_time") == 0 ||
        strcmp(line->event, "system_time") == 0) {
        unit = "ns"; /* perf says so in newer versions */
        factor = isnan(factor) ? 1 : factor;
    }
    double value = import__strtod(line->value, &end) * (isnan(factor) ? 1 : factor);
    if (!isfinite(value) || (!isnan(factor) && value > IMPORT_NS_MAX)) {
        import__leave_out(import, "left out # whose value is no number that can be", line->event);
        return true;
    }
    /* Milliseconds with two digits are all that perf writes of a clock; how long it ran is the same, in full. */
    bool clock = strcmp(line->event, "task-clock") == 0 || strcmp(line->event, "cpu-clock") == 0;
    if (clock && factor == 1e6 && line->share > 99.995 && fabs(line->run_ns - value) <= 5000.5) {
        value = line->run_ns;
    }
    bool varies = !isnan(line->variance);
    import->settings = varies ? "interval=1.96se" : "";
    struct tare_history_point *point =
        import__line(import, name, "", line->event, unit, better_of(line->event));
    if (point == NULL) {
        return false;
    }
    point->value = value;
    if (varies) {
        point->low = value * (1 - TARE_Z95 * line->variance / 100);
        point->high = value * (1 + TARE_Z95 * line->variance / 100);
    }
    if (line->share < 99.995) {
        import__leave_out(import, "scaled # that was counted for a part of the time", line->event);
    }
    return true;
}

/* The program is not in the file: the file's name has to do. */
static char *name_of(const char *path)
{
    const char *base = import__base(path);
    const char *dot = strrchr(base, '.');
    size_t length = dot != NULL && dot > base ? (size_t)(dot - base) : strlen(base);
    return length == 0 || strcmp(base, "-") == 0 ? strdup("perf stat") : strndup(base, length);
}

static bool read_lines(struct import *import, const char *name)
{
    struct tare_history_record *record = &import->records[import->count - 1];
    const char *at = import->files[0].bytes;
    const char *end = at + import->files[0].size;
    char text[LINE_MAX];
    char separator = '\0';
    bool too_long;
    for (int number = 1; next_line(&at, end, text, &too_long); number++) {
        if (too_long || number > LINES_MAX) {
            return import__fail(import, "line %d is not one of 'perf stat -x,'", number);
        }
        static const char started[] = "# started on ";
        if (strncmp(text, started, strlen(started)) == 0) {
            record->run.started_ms = import__date_ms(text + strlen(started));
        }
        if (is_empty(text) || (separator != '\0' && is_metric(text, separator))) {
            continue;
        }
        const char *more = more_in_front(text);
        if (more != NULL) {
            return import__fail(import, "line %d has counts %s", number, more);
        }
        struct line line;
        separator = separator != '\0' ? separator : separator_of(text);
        if (separator == '\0' || !read_line(text, separator, &line)) {
            return import__fail(import, "line %d is not one of 'perf stat -x,'", number);
        }
        if (!add_line(import, &line, name)) {
            return false;
        }
    }
    return true;
}

bool import__perf_stat(struct import *import)
{
    const struct tare_import_file *file = &import->files[0];
    char *name = name_of(file->path);
    bool well = name != NULL ? import__begin(import, "perf-stat") != NULL : import__no_memory(import);
    well = well && read_lines(import, name);
    if (well) {
        well = import__end_file(import);
    }
    free(name);
    return well;
}
