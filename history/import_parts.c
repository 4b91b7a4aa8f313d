/* SPDX-License-Identifier: MIT */
/* What the readers of other tools' files share: records and their lines, complaints, times, machines. */
#include "history/import_parts.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/units.h"
#include "record/ci.h"
#include "record/clean.h"
#include "stats/interval.h"
#include "stats/quantile.h"

/* ---- what is said ---- */

bool import__fail(struct import *import, const char *format, ...)
{
    if (import->error != 0) {
        return false;
    }
    import->error = -EINVAL;
    if (import->message_size > 0) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(import->message, import->message_size, format, arguments);
        va_end(arguments);
        tare__clean_text(import->message);
    }
    return false;
}

bool import__no_memory(struct import *import)
{
    import__fail(import, "out of memory");
    import->error = -ENOMEM;
    return false;
}

void import__leave_out(struct import *import, const char *why, const char *name)
{
    struct import_left_out *reason;
    for (size_t i = 0; i < import->reasons; i++) {
        if (strcmp(import->left_out[i].why, why) == 0) {
            import->left_out[i].count++;
            import->left_out[i].others |=
                strncmp(name, import->left_out[i].first, sizeof reason->first - 1) != 0;
            return;
        }
    }
    if (import->reasons < IMPORT_REASONS) {
        reason = &import->left_out[import->reasons++];
        reason->why = why;
        reason->count = 1;
        snprintf(reason->first, sizeof reason->first, "%s", name);
        tare__clean_text(reason->first);
    }
}

size_t import__say(const struct import *import, size_t i, char *text, size_t size)
{
    const struct import_left_out *reason = &import->left_out[i];
    int mark = (int)strcspn(reason->why, "#");
    int length = snprintf(text, size, "%.*s%zu%s ('%s'%s)", mark, reason->why, reason->count,
                          reason->why + mark + (reason->why[mark] == '#'), reason->first,
                          reason->others ? " and others" : "");
    return length > 0 ? (size_t)length : 0;
}

/* ---- text ---- */

const char *import__base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/*
 * A copy without control characters and broken UTF-8. What is too long to be a key of a database keeps its
 * beginning, and a hash of all of it in the place of the rest, so that two that differ stay two.
 */
static char *clean(const char *text)
{
    size_t length = strlen(text);
    size_t keep = length;
    if (length > IMPORT_NAME_MAX) {
        keep = IMPORT_NAME_MAX - 32;
        while (((unsigned char)text[keep] & 0xc0) == 0x80) {
            keep--;
        }
    }
    char *copy = malloc(keep + 32);
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, text, keep);
    copy[keep] = '\0';
    for (char *at = copy; *at != '\0'; at++) {
        *at = (unsigned char)*at < 0x20 || *at == 0x7f ? ' ' : *at; /* a tab in a name is one */
    }
    tare__clean_text(copy);
    if (keep < length) {
        struct tare_sha256 hash;
        char hex[TARE_SHA256_HEX + 1];
        tare_sha256_init(&hash);
        tare_sha256_add(&hash, text, length);
        tare_sha256_finish_hex(&hash, hex);
        snprintf(copy + keep, 32, "... %.16s", hex);
    }
    return copy;
}

double import__strtod(const char *text, char **end)
{
    *end = (char *)(uintptr_t)text;
    if (!isdigit((unsigned char)text[0]) && !(text[0] == '.' && isdigit((unsigned char)text[1]))) {
        return NAN; /* no signs, no "inf", no white space */
    }
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        return NAN;
    }
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0) {
        return NAN;
    }
    double value = strtod_l(text, end, c_locale);
    freelocale(c_locale);
    return value;
}

/* ---- times ---- */

/* Days since 1970-01-01 of the Gregorian calendar: 400 years are 146097 days, years begin in March. */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* So many digits at *at; -1 where there are others. */
static int digits(const char **at, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*at)[i])) {
            return -1;
        }
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += count;
    return value;
}

static bool skip(const char **at, const char *any_of)
{
    if (**at == '\0' || strchr(any_of, **at) == NULL) {
        return false;
    }
    ++*at;
    return true;
}

struct moment {
    int year, month, day, hour, minute, second, ms, zone_minutes;
};

static int64_t ms_of(const struct moment *m)
{
    static const int most[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = m->year % 4 == 0 && (m->year % 100 != 0 || m->year % 400 == 0);
    if (m->year < 1970 || m->month < 1 || m->month > 12 || m->day < 1 || m->day > most[m->month - 1] ||
        (m->month == 2 && m->day == 29 && !leap) || m->hour < 0 || m->hour > 23 || m->minute < 0 ||
        m->minute > 59 || m->second < 0 || m->second > 60) {
        return TARE_HISTORY_UNKNOWN;
    }
    int64_t minutes = days_of(m->year, m->month, m->day) * 1440 + m->hour * 60 + m->minute - m->zone_minutes;
    return (minutes * 60 + m->second) * 1000 + m->ms;
}

/* "Sun Nov 22 02:11:52 2026" */
static int64_t ctime_ms(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct moment m = {0};
    if (strnlen(text, 25) < 24) {
        return TARE_HISTORY_UNKNOWN;
    }
    for (int i = 0; i < 12; i++) {
        if (strncmp(text + 4, months + 3 * i, 3) == 0) {
            m.month = i + 1;
        }
    }
    char day[3] = {text[8] == ' ' ? '0' : text[8], text[9], '\0'};
    const char *at = day;
    m.day = digits(&at, 2);
    at = text + 11;
    m.hour = digits(&at, 2);
    bool fits = text[3] == ' ' && text[7] == ' ' && text[10] == ' ' && m.hour >= 0 && skip(&at, ":");
    m.minute = fits ? digits(&at, 2) : -1;
    fits = m.minute >= 0 && skip(&at, ":");
    m.second = fits ? digits(&at, 2) : -1;
    fits = m.second >= 0 && skip(&at, " ");
    m.year = fits ? digits(&at, 4) : -1;
    return fits ? ms_of(&m) : TARE_HISTORY_UNKNOWN;
}

int64_t import__date_ms(const char *text)
{
    if (isalpha((unsigned char)text[0])) {
        return ctime_ms(text);
    }
    struct moment m = {0};
    const char *at = text;
    bool fits = (m.year = digits(&at, 4)) >= 0 && skip(&at, "-/") && (m.month = digits(&at, 2)) >= 0 &&
                skip(&at, "-/") && (m.day = digits(&at, 2)) >= 0;
    if (!fits) {
        return TARE_HISTORY_UNKNOWN;
    }
    if (*at == '\0') {
        return ms_of(&m);
    }
    fits = skip(&at, "Tt -") && (m.hour = digits(&at, 2)) >= 0 && skip(&at, ":") &&
           (m.minute = digits(&at, 2)) >= 0;
    if (fits && skip(&at, ":")) {
        fits = (m.second = digits(&at, 2)) >= 0;
    }
    if (fits && skip(&at, ".,")) {
        fits = isdigit((unsigned char)*at);
        for (int scale = 100; isdigit((unsigned char)*at); at++, scale /= 10) {
            m.ms += (*at - '0') * scale;
        }
    }
    if (fits && (*at == '+' || *at == '-')) {
        int sign = *at++ == '-' ? -1 : 1;
        int hours = digits(&at, 2);
        skip(&at, ":");
        int minutes = *at != '\0' ? digits(&at, 2) : 0;
        fits = hours >= 0 && hours <= 24 && minutes >= 0 && minutes < 60;
        m.zone_minutes = fits ? sign * (hours * 60 + minutes) : 0;
    } else if (fits) {
        skip(&at, "Zz");
    }
    return fits && *at == '\0' ? ms_of(&m) : TARE_HISTORY_UNKNOWN;
}

double import__unit_ns(const char *unit)
{
    enum tare_metric_unit found;
    double factor;
    return tare_unit_find(unit, strlen(unit), &found, &factor) && found == TARE_METRIC_TIME ? factor : NAN;
}

/* ---- records ---- */

static bool copy_into(char **to, const char *text)
{
    if (text == NULL) {
        return true;
    }
    *to = strdup(text);
    return *to != NULL;
}

static bool copy_commit(struct tare_history_record *record, const struct tare_history_commit *from)
{
    record->has_commit = true;
    record->commit.time_s = from->time_s;
    record->commit.ordinal = from->ordinal;
    return copy_into(&record->commit.id, from->id) && copy_into(&record->commit.parents, from->parents) &&
           copy_into(&record->commit.subject, from->subject) && copy_into(&record->commit.link, from->link) &&
           copy_into(&record->run.commit, from->id);
}

static struct import_seen *slot_of(struct import_seen *seen, size_t room, uint64_t id)
{
    size_t slot = id & (room - 1);
    while (seen[slot].id != 0 && seen[slot].id != id) {
        slot = (slot + 1) & (room - 1);
    }
    return &seen[slot];
}

/* The entry of this id, and whether it is new. NULL without memory. */
static struct import_seen *look_up(struct import *import, uint64_t id, bool *fresh)
{
    if (import->seen_count * 2 >= import->seen_room) {
        size_t room = import->seen_room > 0 ? 2 * import->seen_room : 64;
        struct import_seen *grown = calloc(room, sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        for (size_t i = 0; i < import->seen_room; i++) {
            if (import->seen[i].id != 0) {
                *slot_of(grown, room, import->seen[i].id) = import->seen[i];
            }
        }
        free(import->seen);
        import->seen = grown;
        import->seen_room = room;
    }
    id += id == 0;
    struct import_seen *entry = slot_of(import->seen, import->seen_room, id);
    *fresh = entry->id == 0;
    entry->id = id;
    import->seen_count += *fresh;
    return entry;
}

/* The time that it takes to forget a record's series is not that of the largest record's. */
static void forget_seen(struct import *import)
{
    if (import->seen_room > 16 * (import->seen_count + 64)) {
        free(import->seen);
        import->seen = NULL;
        import->seen_room = 0;
    }
    import->seen_count = 0;
    if (import->seen_room > 0) {
        memset(import->seen, 0, import->seen_room * sizeof *import->seen);
    }
}

/* Gives the series a number if there is one of its name. */
static bool make_single(struct import *import, struct tare_history_series *series)
{
    bool fresh;
    struct import_seen *entry = look_up(import, (uint64_t)tare_history_series_id(series), &fresh);
    if (entry == NULL) {
        return import__no_memory(import);
    }
    if (fresh) {
        return true;
    }
    char *plain = series->name;
    uint64_t id = entry->id;
    uint32_t number = entry->more + 1;
    while (!fresh) { /* "x#2" may be somebody's name, too */
        char *name = NULL;
        if (asprintf(&name, "%s#%u", plain, ++number) < 0) {
            name = NULL;
        }
        if (series->name != plain) {
            free(series->name);
        }
        series->name = name;
        if (name == NULL || look_up(import, (uint64_t)tare_history_series_id(series), &fresh) == NULL) {
            free(plain);
            return import__no_memory(import);
        }
    }
    free(plain);
    /* The table may have moved. */
    slot_of(import->seen, import->seen_room, id)->more = number - 1;
    return true;
}

/* False after a complaint. */
static bool has_room(struct import *import, const struct tare_history_series *series)
{
    import->memory += 600 + strlen(series->suite) + strlen(series->name) + strlen(series->arguments) +
                      strlen(series->metric) + strlen(series->unit) + strlen(series->settings);
    return import->memory <= IMPORT_MEMORY_MAX ||
           import__fail(import, "its figures would take more than %d GiB of memory",
                        (int)(IMPORT_MEMORY_MAX >> 30));
}

struct tare_history_record *import__begin(struct import *import, const char *tool)
{
    if (import->count == import->room) {
        size_t room = import->room > 0 ? 2 * import->room : 4;
        struct tare_history_record *grown = reallocarray(import->records, room, sizeof *grown);
        if (grown == NULL) {
            import__no_memory(import);
            return NULL;
        }
        import->records = grown;
        import->room = room;
    }
    struct tare_history_record *record = &import->records[import->count++];
    const struct tare_origin *origin = import->origin;
    tare_history_record_init(record);
    record->run.dirty = origin->dirty;
    record->run.kind = strdup("import");
    record->run.tool = clean(tool);
    bool whole = record->run.kind != NULL && record->run.tool != NULL &&
                 copy_into(&record->run.project, origin->project != NULL ? origin->project : "default") &&
                 copy_into(&record->run.branch, origin->branch) && copy_into(&record->run.link, origin->link) &&
                 (!origin->has_commit || origin->commit.id == NULL || copy_commit(record, &origin->commit));
    import->suite = "";
    import->harness = tool;
    import->fingerprint = import->machine;
    import->settings = "";
    forget_seen(import);
    if (!whole) {
        import__no_memory(import);
        return NULL;
    }
    return import__machine(import, NULL, import->machine) ? record : NULL;
}

bool import__end_file(struct import *import)
{
    const struct tare_import_file *file = &import->given[0];
    char *copy = malloc(file->size + 1);
    if (copy != NULL) {
        memcpy(copy, file->bytes, file->size);
        copy[file->size] = '\0';
    }
    return import__end(import, copy, file->size);
}

/* What was measured is far below, and sums and squares of it have to be finite, too. */
static const double VALUE_MAX = 1e100;

static bool is_beyond(double value)
{
    return isinf(value) || fabs(value) > VALUE_MAX;
}

/* Leaves out what cannot be kept, whoever read it. False after a complaint. */
static bool check_lines(struct import *import, struct tare_history_record *record)
{
    size_t kept = 0;
    bool well = true;
    for (size_t i = 0; i < record->line_count; i++) {
        struct tare_history_line *line = &record->lines[i];
        const struct tare_history_point *point = &line->points[0];
        bool beyond = is_beyond(point->value) || is_beyond(point->low) || is_beyond(point->high);
        for (size_t k = 0; k < point->value_count && !beyond; k++) {
            beyond = is_beyond(point->values[k]);
        }
        if (point->value_count > TARE_HISTORY_VALUES_MAX) {
            well = import__fail(import, "'%.200s' has %zu values: a history keeps %d of each figure at most",
                                line->series.name, point->value_count, TARE_HISTORY_VALUES_MAX);
        }
        if (beyond) {
            import__leave_out(import, "left out # with a value above 1e100", line->series.name);
            tare_history_line_release(line);
        } else {
            record->lines[kept++] = *line;
        }
    }
    record->line_count = kept;
    return well;
}

bool import__end(struct import *import, char *raw, size_t raw_size)
{
    struct tare_history_record *record = &import->records[import->count - 1];
    if (raw == NULL) {
        return import__no_memory(import);
    }
    record->raw = raw;
    record->raw_size = raw_size;
    if (!check_lines(import, record)) {
        return false;
    }
    if (record->run.started_ms == TARE_HISTORY_UNKNOWN) {
        record->run.started_ms = record->has_commit && record->commit.time_s != TARE_HISTORY_UNKNOWN
                                     ? record->commit.time_s * 1000
                                     : import->when_ms;
    }
    return tare_history_record_finish(record) == 0 || import__no_memory(import);
}

bool import__commit(struct import *import, const char *id, int64_t time_s, const char *message,
                    const char *link)
{
    struct tare_history_record *record = &import->records[import->count - 1];
    size_t length = strlen(id);
    if (length < 4 || length > 64 || id[strspn(id, "0123456789abcdefABCDEF")] != '\0') {
        return true;
    }
    char lower[65];
    for (size_t i = 0; i <= length; i++) {
        lower[i] = (char)tolower((unsigned char)id[i]);
    }
    bool same = record->has_commit && strcmp(record->commit.id, lower) == 0;
    if (!same) {
        /* What the origin says is of another commit. */
        tare_history_commit_release(&record->commit);
        free(record->run.commit);
        free(record->run.link);
        record->run.commit = NULL;
        record->run.link = NULL;
        record->run.dirty = -1;
        record->has_commit = true;
        record->commit.id = strdup(lower);
        record->run.commit = strdup(lower);
        if (record->commit.id == NULL || record->run.commit == NULL) {
            return import__no_memory(import);
        }
    }
    if (record->commit.time_s == TARE_HISTORY_UNKNOWN) {
        record->commit.time_s = time_s;
    }
    if (record->commit.subject == NULL && message != NULL) {
        size_t line = strcspn(message, "\r\n");
        char *first = strndup(message, line);
        record->commit.subject = first != NULL ? clean(first) : NULL;
        free(first);
        if (record->commit.subject == NULL) {
            return import__no_memory(import);
        }
    }
    if (record->commit.link == NULL && link != NULL && tare__is_link(link)) {
        record->commit.link = strdup(link);
        if (record->commit.link == NULL) {
            return import__no_memory(import);
        }
    }
    return true;
}

struct tare_history_point *import__line(struct import *import, const char *name, const char *arguments,
                                        const char *metric, const char *unit, enum tare_history_better better)
{
    struct tare_history_record *record = &import->records[import->count - 1];
    struct tare_history_line *line = tare_history_record_add(record);
    if (line == NULL) {
        import__no_memory(import);
        return NULL;
    }
    struct tare_history_series *series = &line->series;
    series->project = strdup(record->run.project);
    series->suite = clean(import->suite);
    series->name = clean(name);
    series->arguments = clean(arguments);
    series->metric = clean(metric);
    series->unit = clean(unit);
    series->fingerprint = strdup(import->fingerprint);
    series->harness = clean(import->harness);
    series->settings = clean(import->settings);
    series->better = better;
    if (series->project == NULL || series->suite == NULL || series->name == NULL || series->arguments == NULL ||
        series->metric == NULL || series->unit == NULL || series->fingerprint == NULL ||
        series->harness == NULL || series->settings == NULL) {
        import__no_memory(import);
        return NULL;
    }
    return has_room(import, series) && make_single(import, series) ? &line->points[0] : NULL;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

bool import__median(struct import *import, struct tare_history_point *point, const double *values, size_t count)
{
    if (count == 0) {
        return true;
    }
    double *sorted = reallocarray(NULL, count, sizeof *sorted);
    point->values = reallocarray(NULL, count, sizeof *point->values);
    if (sorted == NULL || point->values == NULL) {
        free(sorted);
        return import__no_memory(import);
    }
    memcpy(point->values, values, count * sizeof *values);
    point->value_count = count;
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, by_value);
    struct tare_interval interval;
    if (tare_quantile_interval(sorted, count, 0.5, 0.95, &interval) == 0) {
        point->low = interval.low;
        point->high = interval.high;
    }
    point->value = tare_quantile(sorted, count, 0.5);
    point->n = (int64_t)count;
    free(sorted);
    return true;
}

/* ---- machines ---- */

bool import__machine(struct import *import, const json_t *parts, char hash[TARE_SHA256_HEX + 1])
{
    struct tare_history_record *record = &import->records[import->count - 1];
    const char *name = import->origin->machine;
    hash[0] = '\0';
    if (name == NULL && json_object_size(parts) == 0) {
        return true;
    }
    json_t *all = parts != NULL ? json_copy((json_t *)(uintptr_t)parts) : json_object();
    if (all == NULL || (name != NULL && json_object_set_new(all, "name", json_string(name)) != 0)) {
        json_decref(all);
        return import__no_memory(import);
    }
    /* A hash of tare's own begins with "machine=": this one is never the same. */
    struct tare_sha256 sum;
    size_t size;
    char *text = import__canonical(all, &size);
    json_decref(all);
    if (text == NULL) {
        return import__no_memory(import);
    }
    tare_sha256_init(&sum);
    tare_sha256_add(&sum, "tare-import-1\n", 14);
    tare_sha256_add(&sum, text, size);
    tare_sha256_finish_hex(&sum, hash);
    free(record->run.environment);
    record->run.environment = NULL;
    if (asprintf(&record->run.environment, "{\"fingerprint\":{\"hash\":\"%s\",\"parts\":%s}}", hash, text) <
        0) {
        record->run.environment = NULL;
        free(text);
        return import__no_memory(import);
    }
    free(text);
    return true;
}
