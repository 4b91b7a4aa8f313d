/* SPDX-License-Identifier: MIT */
/*
 * The dashboard's data: columns instead of objects, and indices instead of names, as there are hundreds of
 * thousands of points. What is not referred to (commits and runs of points that were not asked for) is left
 * out. Text comes from anywhere: what is no UTF-8 becomes U+FFFD, and no "<" is left, so that it can stand in
 * HTML.
 */
#include "view/history_page.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tare/version.h>

#include "result/utf8.h"
#include "view/columns.h"
#include "view/history_words.h"

#define WHOLE_MOST 9007199254740992.0 /* 2^53: a double, as script has it, is exact up to there */

/* Links */

static const char commit_place[] = "{commit}";

/* `text` with the id in its place; NULL without memory. */
static char *link_of(const char *text, const char *id)
{
    size_t id_size = strlen(id), size = strlen(text) + 1;
    for (const char *at = strstr(text, commit_place); at != NULL; at = strstr(at + 1, commit_place)) {
        size += 3 * id_size;
    }
    char *link = malloc(size), *to = link;
    while (link != NULL && *text != '\0') {
        if (strncmp(text, commit_place, strlen(commit_place)) != 0) {
            *to++ = *text++;
            continue;
        }
        text += strlen(commit_place);
        for (const char *p = id; *p != '\0'; p++) { /* hexadecimal, unless a store says something else */
            if (isalnum((unsigned char)*p) && (unsigned char)*p < 0x80) {
                *to++ = *p;
            } else {
                to += sprintf(to, "%%%02X", (unsigned char)*p);
            }
        }
    }
    if (link != NULL) {
        *to = '\0';
    }
    return link;
}

bool tare_history_is_link_commit(const char *text)
{
    char *link = strstr(text, commit_place) != NULL ? link_of(text, "0") : NULL;
    bool is = link != NULL && tare_history_is_link(link);
    free(link);
    return is;
}

char *tare__history_commit_link(const struct tare_history_page *page, const struct tare_history_commit *commit)
{
    char *link = page->link_commit != NULL ? link_of(page->link_commit, commit->id)
                 : commit->link != NULL    ? strdup(commit->link)
                                           : NULL;
    if (link != NULL && !tare_history_is_link(link)) {
        free(link);
        link = NULL;
    }
    return link;
}

/* What both views say */

const struct tare_judged_change *tare__history_change(const struct tare_judged_series *series)
{
    if (series->decisive < series->changes.count) {
        return &series->judged[series->decisive];
    }
    for (size_t i = series->changes.count; series->status == TARE_SERIES_CHANGED && i-- > 0;) {
        if (series->judged[i].weight != TARE_CHANGE_OLD) {
            return &series->judged[i];
        }
    }
    return NULL;
}

double tare__history_ratio(const struct tare_judged_series *series)
{
    const struct tare_judged_change *judged = tare__history_change(series);
    return judged != NULL ? judged->change.ratio : series->ratio;
}

/* Pieces of JSON */

static void put_string(FILE *out, const char *text)
{
    putc_unlocked('"', out);
    for (const char *p = text; *p != '\0';) {
        uint32_t code;
        size_t size = tare__utf8_decode(p, &code);
        if (size == 0) {
            fputs_unlocked("\xef\xbf\xbd", out);
            p++;
            continue;
        }
        /* Line separators are ends of lines to older readers of script. */
        if (code < ' ' || code == '<' || code == 0x7f || code == 0x2028 || code == 0x2029) {
            fprintf(out, "\\u%04" PRIx32, code);
        } else {
            if (code == '"' || code == '\\') {
                putc_unlocked('\\', out);
            }
            fwrite_unlocked(p, 1, size, out);
        }
        p += size;
    }
    putc_unlocked('"', out);
}

static void put_text(FILE *out, const char *text)
{
    if (text == NULL) {
        fputs_unlocked("null", out);
    } else {
        put_string(out, text);
    }
}

static void put_whole(FILE *out, int64_t value)
{
    char digits[24], *end = digits + sizeof(digits), *p = end;
    if (value == TARE_HISTORY_UNKNOWN) {
        fputs_unlocked("null", out);
        return;
    }
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--p = '-';
    }
    fwrite_unlocked(p, 1, (size_t)(end - p), out);
}

enum { NUMBER = 40 };

/* With a point in every locale, and no zeros that say nothing. */
static void clean_number(char text[NUMBER])
{
    char *point = text + strspn(text, "-0123456789"), *exponent = strchr(text, 'e');
    if (*point != '\0' && *point != 'e') {
        *point = '.';
    }
    if (exponent != NULL) { /* "1e+09": "1e9"; "1e-05": "1e-5" */
        char *to = exponent + 1, *from = to;
        from += *from == '+';
        if (*from == '-') {
            *to++ = *from++;
        }
        from += strspn(from, "0");
        memmove(to, from, strlen(from) + 1);
    }
}

static double rounded_text(char text[NUMBER], double value, int digits)
{
    snprintf(text, NUMBER, "%.*g", digits, value);
    double read = strtod(text, NULL);
    clean_number(text);
    return read;
}

static bool is_whole(double value)
{
    return fabs(value) <= WHOLE_MOST && value == rint(value);
}

/* 8 significant digits, whole numbers exactly; what it reads as is returned. */
static double value_text(char text[NUMBER], double value)
{
    if (!isfinite(value)) {
        strcpy(text, "null");
        return NAN;
    }
    if (is_whole(value)) {
        snprintf(text, NUMBER, "%.0f", value == 0 ? 0.0 : value); /* no "-0" */
        return value;
    }
    return rounded_text(text, value, 8);
}

static void put_number(FILE *out, double value)
{
    char text[NUMBER];
    value_text(text, value);
    fputs_unlocked(text, out);
}

/*
 * How far the end of an interval is from the value as that is written: three digits, rounded up. 0 also where
 * rounding of the value has taken all of it.
 */
static void put_distance(FILE *out, double end, double value, double written, int side)
{
    char text[NUMBER];
    double distance = side * (end - written);
    if (!isfinite(distance) ||
        side * (end - value) < 0) { /* the store says it so, and it is not ours to mend */
        put_number(out, distance);
        return;
    }
    if (end == value || distance <= 0) {
        putc_unlocked('0', out);
        return;
    }
    if (is_whole(distance)) {
        put_number(out, distance);
        return;
    }
    double read = rounded_text(text, distance, 3);
    if (read < distance) {
        rounded_text(text, read + pow(10, floor(log10(distance)) - 2), 3);
    }
    fputs_unlocked(text, out);
}

/* Which commits and runs are referred to, and the number that each has in the data. */

struct numbering {
    int64_t *numbers; /* of each in the history; -1: it is not there */
    size_t *order;    /* the inverse */
    size_t count;
};

struct writer {
    const struct tare_history_page *page;
    const struct tare_history *history;
    const struct tare_history_report *report;
    FILE *out;
    struct numbering commits, runs;
    const char **machines; /* fingerprints, sorted */
    size_t machine_count;
    /* Of one column at a time: room for the longest. */
    int64_t *wholes;
    double *written; /* values of a series, as a reader has them */
    const char **texts;
    size_t *slots; /* of the texts' hash table: twice as many, and a power of two */
    size_t slot_count;
};

static int numbering_init(struct numbering *numbering, size_t count)
{
    numbering->numbers = malloc((count + 1) * sizeof(*numbering->numbers));
    numbering->order = malloc((count + 1) * sizeof(*numbering->order));
    for (size_t i = 0; numbering->numbers != NULL && i < count; i++) {
        numbering->numbers[i] = -1;
    }
    return numbering->numbers != NULL && numbering->order != NULL ? 0 : -ENOMEM;
}

static void refer(struct numbering *numbering, size_t index)
{
    if (numbering->numbers[index] < 0) {
        numbering->numbers[index] = 0;
        numbering->order[numbering->count++] = index;
    }
}

static int compare_int64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/*
 * By time, then by the place in the history, then by ids, which are all different. Unknown ones first.
 */
static int compare_commits(const void *left, const void *right, void *data)
{
    const struct writer *writer = data;
    const struct tare_history_commit *a = &writer->history->commits[*(const size_t *)left];
    const struct tare_history_commit *b = &writer->history->commits[*(const size_t *)right];
    int order = compare_int64(a->time_s, b->time_s);
    order = order != 0 ? order : compare_int64(a->ordinal, b->ordinal);
    return order != 0 ? order : strcmp(a->id, b->id);
}

static int compare_runs(const void *left, const void *right, void *data)
{
    const struct writer *writer = data;
    const struct tare_history_run *a = &writer->history->runs[*(const size_t *)left];
    const struct tare_history_run *b = &writer->history->runs[*(const size_t *)right];
    int order = compare_int64(a->started_ms, b->started_ms);
    return order != 0 ? order : compare_int64(a->id, b->id);
}

static int make_room(struct writer *writer)
{
    const struct tare_history *history = writer->history;
    size_t most = history->run_count > history->commit_count ? history->run_count : history->commit_count;
    for (size_t i = 0; i < writer->report->count; i++) {
        size_t count = writer->report->series[i].line->count;
        most = count > most ? count : most;
    }
    writer->slot_count = 16;
    while (writer->slot_count < 2 * most) {
        writer->slot_count *= 2;
    }
    writer->wholes = calloc(most + 1, sizeof(*writer->wholes));
    writer->written = calloc(most + 1, sizeof(*writer->written));
    writer->texts = calloc(most + 1, sizeof(*writer->texts));
    writer->slots = calloc(writer->slot_count, sizeof(*writer->slots));
    return writer->wholes != NULL && writer->written != NULL && writer->texts != NULL && writer->slots != NULL
               ? 0
               : -ENOMEM;
}

static void number_them(struct numbering *numbering, int (*compare)(const void *, const void *, void *),
                        struct writer *writer)
{
    qsort_r(numbering->order, numbering->count, sizeof(*numbering->order), compare, writer);
    for (size_t i = 0; i < numbering->count; i++) {
        numbering->numbers[numbering->order[i]] = (int64_t)i;
    }
}

static void refer_commit(struct writer *writer, const char *id)
{
    const struct tare_history_commit *commit =
        id != NULL ? tare_history_find_commit(writer->history, id) : NULL;
    if (commit != NULL) {
        refer(&writer->commits, (size_t)(commit - writer->history->commits));
    }
}

static int64_t commit_number(const struct writer *writer, const char *id)
{
    const struct tare_history_commit *commit =
        id != NULL ? tare_history_find_commit(writer->history, id) : NULL;
    return commit != NULL ? writer->commits.numbers[commit - writer->history->commits] : -1;
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int find_references(struct writer *writer)
{
    const struct tare_history *history = writer->history;
    int failure = numbering_init(&writer->runs, history->run_count);
    int other = numbering_init(&writer->commits, history->commit_count);
    writer->machines = calloc(writer->report->count + 1, sizeof(*writer->machines));
    if (failure != 0 || other != 0 || writer->machines == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < writer->report->count; i++) {
        const struct tare_judged_series *series = &writer->report->series[i];
        for (size_t j = 0; j < series->line->count; j++) {
            const struct tare_history_run *run = tare_history_find_run(history, series->line->points[j].run);
            if (run == NULL) {
                return -EINVAL;
            }
            refer(&writer->runs, (size_t)(run - history->runs));
        }
        for (size_t j = 0; j < series->changes.count; j++) {
            refer_commit(writer, series->judged[j].good != NULL ? series->judged[j].good->id : NULL);
            refer_commit(writer, series->judged[j].bad != NULL ? series->judged[j].bad->id : NULL);
            refer_commit(writer, series->judged[j].likely != NULL ? series->judged[j].likely->id : NULL);
        }
        writer->machines[i] = series->line->series.fingerprint;
    }
    for (size_t i = 0; i < writer->runs.count; i++) {
        refer_commit(writer, history->runs[writer->runs.order[i]].commit);
    }
    for (size_t i = 0; i < history->baseline_count; i++) {
        refer_commit(writer, history->baselines[i].commit);
    }
    refer_commit(writer, writer->report->rule.since);
    refer_commit(writer, writer->report->rule.against);
    number_them(&writer->runs, compare_runs, writer);
    number_them(&writer->commits, compare_commits, writer);
    qsort(writer->machines, writer->report->count, sizeof(*writer->machines), compare_texts);
    for (size_t i = 0; i < writer->report->count; i++) {
        const char *machine = writer->machines[i];
        if (writer->machine_count == 0 || strcmp(writer->machines[writer->machine_count - 1], machine) != 0) {
            writer->machines[writer->machine_count++] = machine;
        }
    }
    return 0;
}

static size_t machine_number(const struct writer *writer, const char *fingerprint)
{
    const char **found =
        bsearch(&fingerprint, writer->machines, writer->machine_count, sizeof(fingerprint), compare_texts);
    return (size_t)(found - writer->machines);
}

/* The parts of the object */

/*
 * Columns of whole numbers: as they are, or as what is to be added to the one before (the first to 0), or as
 * such steps with how often each comes in a row; whichever is the shortest. Where some are unknown:
 * as they are.
 */

static size_t characters(int64_t value)
{
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t count = value < 0 ? 2 : 1;
    for (; rest >= 10; rest /= 10) {
        count++;
    }
    return count;
}

static const char deltas_head[] = "{\"deltas\":[", steps_head[] = "{\"steps\":[";

enum form { PLAIN, DELTAS, STEPS };

static enum form shortest_form(const int64_t *values, size_t count)
{
    size_t plain = 0, deltas = strlen(deltas_head), steps = strlen(steps_head), times = 0;
    int64_t before = 0, step = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i] > (int64_t)WHOLE_MOST || values[i] < -(int64_t)WHOLE_MOST) { /* unknown, too */
            return PLAIN;
        }
        int64_t delta = values[i] - before;
        before = values[i];
        plain += characters(values[i]) + 1;
        deltas += characters(delta) + 1;
        if (i > 0 && delta == step) {
            steps += characters((int64_t)times + 1) - characters((int64_t)times);
            times++;
        } else {
            steps += characters(delta) + 3;
            step = delta;
            times = 1;
        }
    }
    return plain <= deltas && plain <= steps ? PLAIN : deltas <= steps ? DELTAS : STEPS;
}

static void put_steps(FILE *out, const int64_t *values, size_t count)
{
    int64_t before = 0;
    for (size_t i = 0, next; i < count; i = next) {
        int64_t step = values[i] - before;
        for (next = i + 1; next < count && values[next] - values[next - 1] == step; next++) {
        }
        fputs(i > 0 ? "," : "", out);
        put_whole(out, step);
        putc_unlocked(',', out);
        put_whole(out, (int64_t)(next - i));
        before = values[next - 1];
    }
}

static void put_wholes(FILE *out, const int64_t *values, size_t count)
{
    enum form form = shortest_form(values, count);
    fputs(form == DELTAS ? deltas_head : form == STEPS ? steps_head : "[", out);
    if (form == STEPS) {
        put_steps(out, values, count);
    }
    for (size_t i = 0; form != STEPS && i < count; i++) {
        if (i > 0) {
            putc_unlocked(',', out);
        }
        put_whole(out, form == DELTAS && i > 0 ? values[i] - values[i - 1] : values[i]);
    }
    fputs(form == PLAIN ? "]" : "]}", out);
}

/* Columns of texts that come again and again: each once, and which one it is. All unknown: null. */

static size_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        hash = (hash ^ *p) * UINT64_C(0x100000001b3);
    }
    return (size_t)(hash ^ hash >> 32);
}

static void put_texts(struct writer *writer, const char *const *texts, size_t count)
{
    FILE *out = writer->out;
    const char *before = "{\"texts\":[", *last = NULL;
    int64_t found = -1, different = 0;
    memset(writer->slots, 0, writer->slot_count * sizeof(*writer->slots));
    for (size_t i = 0; i < count; i++) {
        if (texts[i] == NULL) {
            writer->wholes[i] = -1;
            continue;
        }
        if (last == NULL || strcmp(last, texts[i]) != 0) { /* neighbours have the same, more often than not */
            last = texts[i];
            size_t slot = hash_of(last) & (writer->slot_count - 1);
            while (writer->slots[slot] != 0 && strcmp(texts[writer->slots[slot] - 1], last) != 0) {
                slot = (slot + 1) & (writer->slot_count - 1);
            }
            if (writer->slots[slot] == 0) {
                writer->slots[slot] = i + 1;
                writer->wholes[i] = different++;
                fputs(before, out);
                put_string(out, last);
                before = ",";
            }
            found = writer->wholes[writer->slots[slot] - 1];
        }
        writer->wholes[i] = found;
    }
    if (different == 0) {
        fputs("null", out);
        return;
    }
    fputs("],\"at\":", out);
    put_wholes(out, writer->wholes, count);
    putc_unlocked('}', out);
}

static void put_whole_column(struct writer *writer, const char *before, const struct numbering *numbering,
                             int64_t (*of)(const struct writer *writer, size_t index))
{
    fputs(before, writer->out);
    for (size_t i = 0; i < numbering->count; i++) {
        writer->wholes[i] = of(writer, numbering->order[i]);
    }
    put_wholes(writer->out, writer->wholes, numbering->count);
}

static void put_text_column(struct writer *writer, const char *before, const struct numbering *numbering,
                            const char *(*of)(const struct writer *writer, size_t index))
{
    fputs(before, writer->out);
    for (size_t i = 0; i < numbering->count; i++) {
        writer->texts[i] = of(writer, numbering->order[i]);
    }
    put_texts(writer, writer->texts, numbering->count);
}

static int64_t commit_time(const struct writer *writer, size_t index)
{
    return writer->history->commits[index].time_s;
}

static int64_t commit_ordinal(const struct writer *writer, size_t index)
{
    return writer->history->commits[index].ordinal;
}

/*
 * With "{commit}" for its id, wherever that stands, so that most commits have the same; malloc'ed. NULL: there
 * is none, or no memory.
 */
static char *commit_link(const struct tare_history_page *page, const struct tare_history_commit *commit)
{
    char *link = tare__history_commit_link(page, commit);
    size_t id_size = strlen(commit->id), place_size = strlen(commit_place);
    if (link == NULL || id_size < place_size) { /* what is made is no longer than it was */
        return link;
    }
    char *to = link;
    for (const char *from = link; *from != '\0';) {
        if (strncmp(from, commit->id, id_size) == 0) {
            memcpy(to, commit_place, place_size);
            to += place_size;
            from += id_size;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    return link;
}

static int put_commits(struct writer *writer)
{
    FILE *out = writer->out;
    const struct numbering *numbering = &writer->commits;
    for (size_t i = 0; i < numbering->count; i++) {
        fputs(i > 0 ? "," : ",\n\"commits\":{\"id\":[", out);
        put_string(out, writer->history->commits[numbering->order[i]].id);
    }
    fputs(numbering->count == 0 ? ",\n\"commits\":{\"id\":[]" : "]", out);
    put_whole_column(writer, ",\"time\":", numbering, commit_time);
    put_whole_column(writer, ",\"ordinal\":", numbering, commit_ordinal);
    fputs(",\"subject\":[", out);
    for (size_t i = 0; i < numbering->count; i++) {
        fputs(i > 0 ? "," : "", out);
        put_text(out, writer->history->commits[numbering->order[i]].subject);
    }
    fputs("],\"link\":", out);
    char **links = calloc(numbering->count + 1, sizeof(*links));
    if (links == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < numbering->count; i++) {
        links[i] = commit_link(writer->page, &writer->history->commits[numbering->order[i]]);
        writer->texts[i] = links[i];
    }
    put_texts(writer, writer->texts, numbering->count);
    for (size_t i = 0; i < numbering->count; i++) {
        free(links[i]);
    }
    free(links);
    putc_unlocked('}', out);
    return 0;
}

static int64_t run_started(const struct writer *writer, size_t index)
{
    return writer->history->runs[index].started_ms;
}

static int64_t run_commit(const struct writer *writer, size_t index)
{
    return commit_number(writer, writer->history->runs[index].commit);
}

static int64_t run_dirty(const struct writer *writer, size_t index)
{
    int dirty = writer->history->runs[index].dirty;
    return dirty < 0 ? -1 : dirty != 0;
}

static const char *run_branch(const struct writer *writer, size_t index)
{
    return writer->history->runs[index].branch;
}

static const char *run_link(const struct writer *writer, size_t index)
{
    const char *link = writer->history->runs[index].link;
    return link != NULL && tare_history_is_link(link) ? link : NULL;
}

static const char *run_tool(const struct writer *writer, size_t index)
{
    return writer->history->runs[index].tool;
}

static void put_runs(struct writer *writer)
{
    const struct numbering *runs = &writer->runs;
    fprintf(writer->out, ",\n\"runs\":{\"count\":%zu", runs->count);
    put_whole_column(writer, ",\"started\":", runs, run_started);
    put_whole_column(writer, ",\"commit\":", runs, run_commit);
    put_text_column(writer, ",\"branch\":", runs, run_branch);
    put_whole_column(writer, ",\"dirty\":", runs, run_dirty);
    put_text_column(writer, ",\"link\":", runs, run_link);
    put_text_column(writer, ",\"tool\":", runs, run_tool);
    putc_unlocked('}', writer->out);
}

/* "parts" of the fingerprint in a run's environment, NULL: it has none. */
static json_t *parts_of(const json_t *environment)
{
    json_t *fingerprint = json_object_get(environment, "fingerprint");
    json_t *parts = json_object_get(fingerprint, "parts");
    parts = parts != NULL ? parts : json_object_get(environment, "parts");
    return json_is_object(parts) && json_object_size(parts) > 0 ? parts : NULL;
}

/* Of the newest run of that machine that says what it is. */
static void put_parts(struct writer *writer, const char *fingerprint)
{
    FILE *out = writer->out;
    json_t *environment = NULL, *parts = NULL;
    int64_t tried = 0; /* the run that was looked at last: neighbours have the same */
    for (size_t i = 0; parts == NULL && *fingerprint != '\0' && i < writer->report->count; i++) {
        const struct tare_history_line *line = writer->report->series[i].line;
        if (strcmp(line->series.fingerprint, fingerprint) != 0 || line->count == 0 ||
            line->points[line->count - 1].run == tried) {
            continue;
        }
        tried = line->points[line->count - 1].run;
        const struct tare_history_run *run = tare_history_find_run(writer->history, tried);
        json_decref(environment);
        environment = run->environment != NULL ? json_loads(run->environment, 0, NULL) : NULL;
        parts = parts_of(environment);
    }
    if (parts == NULL) {
        fputs("null", out);
    } else {
        const char *name, *before = "{";
        json_t *value;
        json_object_foreach(parts, name, value)
        {
            if (json_is_string(value) || json_is_null(value)) {
                fputs(before, out);
                put_string(out, name);
                putc_unlocked(':', out);
                put_text(out, json_string_value(value));
                before = ",";
            }
        }
        fputs(*before == '{' ? "{}" : "}", out);
    }
    json_decref(environment);
}

static void put_machines(struct writer *writer)
{
    fputs(",\n\"machines\":[", writer->out);
    for (size_t i = 0; i < writer->machine_count; i++) {
        fputs(i > 0 ? ",{\"fingerprint\":" : "{\"fingerprint\":", writer->out);
        put_string(writer->out, writer->machines[i]);
        fputs(",\"parts\":", writer->out);
        put_parts(writer, writer->machines[i]);
        putc_unlocked('}', writer->out);
    }
    putc_unlocked(']', writer->out);
}

static void put_field(FILE *out, const char *name, const char *text)
{
    fprintf(out, ",\"%s\":", name);
    put_text(out, text);
}

static void put_figure(FILE *out, const char *name, double value)
{
    fprintf(out, ",\"%s\":", name);
    put_number(out, value);
}

static void put_index(FILE *out, const char *name, int64_t index)
{
    fprintf(out, ",\"%s\":", name);
    put_whole(out, index);
}

static void put_baselines(struct writer *writer)
{
    FILE *out = writer->out;
    fputs(",\n\"baselines\":[", out);
    for (size_t i = 0; i < writer->history->baseline_count; i++) {
        const struct tare_history_baseline *baseline = &writer->history->baselines[i];
        fputs(i > 0 ? ",{\"name\":" : "{\"name\":", out);
        put_string(out, baseline->name != NULL ? baseline->name : "");
        put_index(out, "commit", commit_number(writer, baseline->commit));
        put_index(out, "set", baseline->set_ms);
        put_field(out, "reason", baseline->reason);
        put_field(out, "selection", baseline->selection != NULL ? baseline->selection : "*");
        putc_unlocked('}', out);
    }
    putc_unlocked(']', out);
}

static const char *direction_name(int direction)
{
    return direction > 0 ? "worse" : direction < 0 ? "better" : NULL;
}

/*
 * A limit in the series' own unit, for a line in the chart. NAN: there is none, or it is relative to what is
 * another value at each point.
 */
static double limit_of(const struct tare_judged_series *series, const struct tare_budget_limit *limit)
{
    const struct tare_judged *judged = &series->budget;
    const struct tare_history_line *line = series->line;
    double newest = line->count > 0 ? line->points[line->count - 1].value : NAN;
    double base = !judged->entry->to_baseline ? 1 : judged->base != NULL ? judged->base->value : NAN;
    if (limit->text == NULL || judged->entry->relative_to != NULL) {
        return NAN;
    }
    /* What is judged is in a unit of ours, which that of an import may not be. */
    double factor = judged->metric != NULL && newest != 0 ? judged->metric->value / newest : 1;
    return limit->value * base / factor;
}

static void put_budget(FILE *out, const struct tare_judged_series *series)
{
    const struct tare_budget_entry *entry = series->budget.entry;
    if (entry == NULL) {
        fputs(",\"budget\":null", out);
        return;
    }
    fprintf(out, ",\"budget\":{\"direction\":%s",
            entry->direction == TARE_BUDGET_AT_MOST    ? "\"at_most\""
            : entry->direction == TARE_BUDGET_AT_LEAST ? "\"at_least\""
                                                       : "null");
    put_figure(out, "target", limit_of(series, &entry->target));
    put_field(out, "target_text", entry->target.text);
    put_figure(out, "critical", limit_of(series, &entry->critical));
    put_field(out, "critical_text", entry->critical.text);
    put_field(out, "judgement", tare_judgement_names[series->budget.judgement]);
    putc_unlocked('}', out);
}

static void put_changes(struct writer *writer, const struct tare_judged_series *series)
{
    FILE *out = writer->out;
    fputs(",\"changes\":[", out);
    for (size_t i = 0; i < series->changes.count; i++) {
        const struct tare_judged_change *judged = &series->judged[i];
        const struct tare_change *change = &judged->change;
        fprintf(out, "%s{\"at\":%zu,\"low\":%zu,\"high\":%zu", i > 0 ? "," : "", change->at, change->low,
                change->high);
        put_field(out, "kind", change->kind == TARE_CHANGE_DRIFT ? "drift" : "step");
        put_field(out, "weight", tare_change_weight_names[judged->weight]);
        put_field(out, "direction", direction_name(judged->direction));
        put_figure(out, "p", change->p);
        put_figure(out, "adjusted", judged->adjusted);
        put_figure(out, "before", change->before);
        put_figure(out, "after", change->after);
        put_figure(out, "shift", change->shift);
        put_figure(out, "shift_low", change->shift_low);
        put_figure(out, "shift_high", change->shift_high);
        put_figure(out, "ratio", change->ratio);
        put_figure(out, "ratio_low", change->ratio_low);
        put_figure(out, "ratio_high", change->ratio_high);
        put_index(out, "good", commit_number(writer, judged->good != NULL ? judged->good->id : NULL));
        put_index(out, "bad", commit_number(writer, judged->bad != NULL ? judged->bad->id : NULL));
        put_index(out, "likely", commit_number(writer, judged->likely != NULL ? judged->likely->id : NULL));
        putc_unlocked('}', out);
    }
    putc_unlocked(']', out);
}

static void put_suspicion(FILE *out, const struct tare_judged_series *series)
{
    const struct tare_suspicion *suspicion = &series->suspicion;
    if (suspicion->count == 0) {
        fputs(",\"suspicion\":null", out);
        return;
    }
    fprintf(out, ",\"suspicion\":{\"count\":%zu", suspicion->count);
    put_figure(out, "level", suspicion->level);
    put_figure(out, "shift", suspicion->shift);
    put_figure(out, "ratio", suspicion->ratio);
    put_figure(out, "p", suspicion->p);
    put_field(out, "direction", direction_name(series->suspicion_direction));
    putc_unlocked('}', out);
}

/* A part as so many pieces of `unit`; unknown also where it is beyond all sense. */
static int64_t pieces(double part, double unit)
{
    double count = rint(part * unit);
    return fabs(count) < 1e12 ? (int64_t)count : TARE_HISTORY_UNKNOWN;
}

enum whole_column { RUN, N, DROPPED, STOLEN, CONTROL, WHOLE_COLUMNS };
static const char *const whole_columns[WHOLE_COLUMNS] = {"run", "n", "dropped", "stolen_thousandths",
                                                         "control_ten_thousandths"};

static int64_t whole_of(const struct writer *writer, const struct tare_history_point *point,
                        enum whole_column column)
{
    switch (column) {
    case N:
        return point->n;
    case DROPPED:
        return point->rounds_dropped;
    case STOLEN:
        return pieces(point->stolen, 1000);
    case CONTROL:
        return pieces(point->control_ratio - 1, 10000);
    case RUN:
    default:
        return writer->runs.numbers[tare_history_find_run(writer->history, point->run) - writer->history->runs];
    }
}

static void put_wholes_of(struct writer *writer, const struct tare_history_line *line, enum whole_column column)
{
    bool known = column == RUN; /* that one is there in any case */
    for (size_t i = 0; i < line->count; i++) {
        writer->wholes[i] = whole_of(writer, &line->points[i], column);
        known = known || writer->wholes[i] != TARE_HISTORY_UNKNOWN;
    }
    fprintf(writer->out, ",\"%s\":", whole_columns[column]);
    if (known) {
        put_wholes(writer->out, writer->wholes, line->count);
    } else {
        fputs("null", writer->out);
    }
}

static void put_ends(struct writer *writer, const struct tare_history_line *line, int side)
{
    bool known = false;
    for (size_t i = 0; i < line->count; i++) {
        known = known || isfinite(side < 0 ? line->points[i].low : line->points[i].high);
    }
    fprintf(writer->out, ",\"%s\":%s", side < 0 ? "below" : "above", known ? "[" : "null");
    for (size_t i = 0; known && i < line->count; i++) {
        const struct tare_history_point *point = &line->points[i];
        if (i > 0) {
            putc_unlocked(',', writer->out);
        }
        put_distance(writer->out, side < 0 ? point->low : point->high, point->value, writer->written[i], side);
    }
    fputs(known ? "]" : "", writer->out);
}

static void put_points(struct writer *writer, const struct tare_history_line *line)
{
    char text[NUMBER];
    fputs(",\"points\":{\"value\":[", writer->out);
    for (size_t i = 0; i < line->count; i++) {
        if (i > 0) {
            putc_unlocked(',', writer->out);
        }
        writer->written[i] = value_text(text, line->points[i].value);
        fputs_unlocked(text, writer->out);
    }
    putc_unlocked(']', writer->out);
    put_ends(writer, line, -1);
    put_ends(writer, line, 1);
    for (enum whole_column column = 0; column < WHOLE_COLUMNS; column++) {
        put_wholes_of(writer, line, column);
    }
    putc_unlocked('}', writer->out);
}

static int put_series(struct writer *writer, const struct tare_judged_series *series)
{
    FILE *out = writer->out;
    const struct tare_history_series *key = &series->line->series;
    char *title = tare_history_title(key);
    if (title == NULL) {
        return -ENOMEM;
    }
    fprintf(out, "{\"id\":\"%016" PRIx64 "\"", (uint64_t)key->id);
    put_field(out, "title", title);
    free(title);
    put_field(out, "project", key->project);
    put_field(out, "suite", key->suite);
    put_field(out, "name", key->name);
    put_field(out, "arguments", key->arguments);
    put_field(out, "metric", key->metric);
    put_field(out, "unit", key->unit);
    put_index(out, "machine", (int64_t)machine_number(writer, key->fingerprint));
    put_field(out, "harness", key->harness);
    put_field(out, "settings", key->settings);
    put_field(out, "better",
              key->better == TARE_BETTER_LOWER    ? "lower"
              : key->better == TARE_BETTER_HIGHER ? "higher"
                                                  : NULL);
    put_field(out, "status", tare_series_status_names[series->status]);
    put_figure(out, "last", series->last);
    put_figure(out, "previous", series->previous);
    put_figure(out, "baseline", series->baseline);
    put_figure(out, "against", series->against);
    put_figure(out, "ratio", tare__history_ratio(series));
    const struct tare_judged_change *about = tare__history_change(series);
    put_index(out, "change", about != NULL ? about - series->judged : TARE_HISTORY_UNKNOWN);
    bool judged = series->line->count >= TARE_CHANGE_FEWEST;
    put_figure(out, "level", series->changes.level);
    put_index(out, "level_from", judged ? (int64_t)series->changes.level_from : TARE_HISTORY_UNKNOWN);
    put_figure(out, "spread", series->changes.spread);
    put_figure(out, "autocorrelation", series->changes.autocorrelation);
    put_figure(out, "smallest", series->changes.smallest);
    put_field(out, "advice", series->advice);
    fprintf(out, ",\"mixed\":%s", series->mixed ? "true" : "false");
    put_budget(out, series);
    put_changes(writer, series);
    put_suspicion(out, series);
    put_points(writer, series->line);
    putc_unlocked('}', out);
    return 0;
}

char *tare__history_page_title(const struct tare_history_page *page)
{
    char *title = NULL;
    if (page->title != NULL) {
        return strdup(page->title);
    }
    if (page->project == NULL) {
        return strdup("Performance history");
    }
    return asprintf(&title, "%s: performance history", page->project) >= 0 ? title : NULL;
}

static int put_head(struct writer *writer)
{
    FILE *out = writer->out;
    const struct tare_check_rule *rule = &writer->report->rule;
    time_t seconds = (time_t)(writer->page->made_ms / 1000);
    struct tm tm;
    char made[sizeof "2000-01-01T00:00:00Z" + 8];
    char *title = tare__history_page_title(writer->page);
    if (title == NULL) {
        return -ENOMEM;
    }
    if (gmtime_r(&seconds, &tm) == NULL || strftime(made, sizeof(made), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        free(title);
        return -EINVAL;
    }
    fputs("{\"schema\":\"tare-history-page\",\"schema_version\":1", out);
    put_field(out, "tare_version", TARE_VERSION);
    put_field(out, "made", made);
    put_field(out, "title", title);
    free(title);
    put_field(out, "project", writer->page->project);
    fputs(",\n\"rule\":{\"margin\":", out);
    put_number(out, rule->margin);
    put_figure(out, "alpha", rule->alpha);
    put_index(out, "window", (int64_t)rule->window);
    put_field(out, "since", rule->since);
    put_index(out, "since_ms", rule->since_ms);
    put_field(out, "against", rule->against);
    const struct tare_history_baseline *baseline = writer->report->baseline;
    put_field(out, "baseline", baseline != NULL ? baseline->name : rule->baseline);
    put_field(out, "branch", writer->page->branch);
    putc_unlocked('}', out);
    return 0;
}

static int put_object(struct writer *writer)
{
    FILE *out = writer->out;
    int failure = put_head(writer);
    if (failure != 0) {
        return failure;
    }
    failure = put_commits(writer);
    put_runs(writer);
    put_machines(writer);
    put_baselines(writer);
    fputs(",\n\"series\":[", out);
    for (size_t i = 0; failure == 0 && i < writer->report->count; i++) {
        fputs(i > 0 ? ",\n" : "\n", out);
        failure = put_series(writer, &writer->report->series[i]);
    }
    fputs("]}\n", out);
    return failure;
}

int tare_history_page_json(const struct tare_history_page *page, FILE *out)
{
    struct writer writer = {.page = page, .history = page->history, .report = page->report, .out = out};
    int failure = find_references(&writer);
    failure = failure == 0 ? make_room(&writer) : failure;
    failure = failure == 0 ? put_object(&writer) : failure;
    free(writer.commits.numbers);
    free(writer.commits.order);
    free(writer.runs.numbers);
    free(writer.runs.order);
    free(writer.machines);
    free(writer.wholes);
    free(writer.written);
    free(writer.texts);
    free(writer.slots);
    return failure != 0 ? failure : tare__view_finish(out);
}
