/* SPDX-License-Identifier: MIT */
/*
 * From a result to what history keeps of it: which of its figures become series, what the key of each is, and where
 * it belongs. docs/history.md says the same to users, and why.
 *
 * What is kept are figures in which one would want to see a change: not all that can be said of some values, as a
 * step in one of them would be found in each.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "history/check.h"
#include "history/extract_parts.h"
#include "history/import_parts.h"
#include "record/ci.h"
#include "record/clean.h"
#include "result/metrics.h"
#include "result/profile_functions.h"
#include "result/telemetry.h"
#include "stats/quantile.h"

enum {
    FUNCTIONS_MAX = 20,  /* of a profile: those with the most samples; others come and go by chance */
    ARGUMENTS_MAX = 200, /* bytes of a program's arguments that are kept as they are */
    HASH_SHOWN = 8,      /* digits of the hash that stands for the rest of them */
};
static const double least_share = 0.01; /* of a function */

/* Adding */

struct tare_history_point *tare__extract_add(struct tare__extract *extract, const struct tare__subject *subject,
                                             const char *unit, double value, const char *format, ...)
{
    if (!isfinite(value) || extract->error != 0) {
        return NULL;
    }
    struct tare_history_line *line = tare_history_record_add(extract->record);
    if (line == NULL) {
        extract->error = -ENOMEM;
        return NULL;
    }
    struct tare_history_series *series = &line->series;
    const struct {
        char **to;
        const char *from;
    } texts[] = {
        {&series->suite, subject->suite},
        {&series->name, subject->name},
        {&series->arguments, subject->arguments},
        {&series->unit, unit},
        {&series->fingerprint, extract->fingerprint},
        {&series->harness, extract->harness},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i].to = strdup(texts[i].from != NULL ? texts[i].from : "");
        if (*texts[i].to == NULL) {
            extract->error = -ENOMEM;
        }
    }
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&series->metric, format, arguments) < 0) {
        series->metric = NULL;
        extract->error = -ENOMEM;
    }
    va_end(arguments);
    if (asprintf(&series->settings, "%s%s", extract->settings, subject->more != NULL ? subject->more : "") <
        0) {
        series->settings = NULL;
        extract->error = -ENOMEM;
    }
    if (extract->error != 0) {
        return NULL;
    }
    series->better = tare_metric_better(series->metric, series->unit);
    line->points[0].value = value;
    return &line->points[0];
}

void tare__extract_interval(struct tare_history_point *point, double low, double high)
{
    if (point != NULL && isfinite(low) && isfinite(high)) {
        point->low = low;
        point->high = high;
    }
}

void tare__extract_values(struct tare__extract *extract, struct tare_history_point *point, const double *values,
                          size_t count)
{
    if (point == NULL || values == NULL || count == 0 || count > TARE_HISTORY_VALUES_MAX) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            return;
        }
    }
    point->values = malloc(count * sizeof *values);
    if (point->values == NULL) {
        extract->error = -ENOMEM;
        return;
    }
    memcpy(point->values, values, count * sizeof *values);
    point->value_count = count;
}

int64_t tare__extract_count(uint64_t count)
{
    return count <= INT64_MAX ? (int64_t)count : TARE_HISTORY_UNKNOWN;
}

const char *tare__extract_base(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    return slash != NULL ? slash + 1 : path != NULL ? path : "";
}

/* Sums are over all passes, and --repeat is no matter of the figures: a point is of one pass, their mean. */
static double of_one_pass(const struct tare__extract *extract, double sum)
{
    const struct tare_result *result = extract->result;
    size_t count = 0;
    for (size_t i = 0; i < result->pass_count; i++) {
        count += result->passes[i].only == NULL;
    }
    return count > 1 ? sum / (double)count : sum;
}

/* Timers */

static void add_percentile(struct tare__extract *extract, const struct tare__subject *subject, const char *name,
                           double ns, double bucket_ns, const struct tare_result_figures *figures)
{
    struct tare_history_point *point =
        tare__extract_add(extract, subject, tare_metric_unit_names[TARE_METRIC_TIME], ns, "%s", name);
    /* The bucket's, and that of what was subtracted: result/model.h. */
    double error_ns = bucket_ns + figures->net_avg_error_ns;
    tare__extract_interval(point, ns - error_ns, ns + error_ns);
    if (point != NULL) {
        point->n = tare__extract_count(figures->outermost_calls);
    }
}

static void add_average(struct tare__extract *extract, const struct tare__subject *subject, const char *name,
                        const struct tare_result_figures *figures)
{
    struct tare_history_point *point = tare__extract_add(
        extract, subject, tare_metric_unit_names[TARE_METRIC_TIME], figures->net_avg_ns, "%s", name);
    tare__extract_interval(point, figures->net_avg_low_ns, figures->net_avg_high_ns);
    if (point != NULL) {
        point->n = tare__extract_count(figures->outermost_calls);
    }
}

static void add_timer(struct tare__extract *extract, const struct tare_result_timer *timer)
{
    const struct tare_result_figures *figures = &timer->figures;
    const struct tare__subject subject = {
        .suite = timer->module, .name = timer->name, .more = extract->of_program};
    if (figures->calls == 0) {
        return;
    }
    add_average(extract, &subject, "net_avg", figures);
    add_percentile(extract, &subject, "p50", figures->net_p50_ns, figures->p50_error_ns, figures);
    add_percentile(extract, &subject, "p99", figures->net_p99_ns, figures->p99_error_ns, figures);
    if (extract->whole) {
        tare__extract_add(extract, &subject, tare_metric_unit_names[TARE_METRIC_COUNT],
                          of_one_pass(extract, (double)figures->calls), "calls");
    }
    if (timer->has_exclusive) {
        add_average(extract, &subject, "exclusive_net_avg", &timer->exclusive);
    }
}

/* The program as a whole */

static void add_wall(struct tare__extract *extract, const struct tare__subject *subject)
{
    const struct tare_result *result = extract->result;
    double *walls = calloc(result->pass_count + 1, sizeof *walls);
    double *sorted = calloc(result->pass_count + 1, sizeof *sorted);
    size_t count = 0;
    if (walls == NULL || sorted == NULL) {
        extract->error = -ENOMEM;
    }
    for (size_t i = 0; i < result->pass_count && extract->error == 0; i++) {
        if (result->passes[i].only == NULL) {
            sorted[count] = walls[count] = result->passes[i].wall_ns;
            count++;
        }
    }
    if (extract->error == 0 && count > 0) {
        struct tare_history_point *point = tare__extract_add(
            extract, subject, tare_metric_unit_names[TARE_METRIC_TIME], tare_median(sorted, count), "wall");
        if (point != NULL) {
            point->n = (int64_t)count;
        }
        if (count > 1) {
            tare__extract_values(extract, point, walls, count);
        }
    }
    free(walls);
    free(sorted);
}

static void add_quantile(struct tare__extract *extract, const struct tare__subject *subject, const char *unit,
                         double value, uint64_t count, const char *name)
{
    struct tare_history_point *point = tare__extract_add(extract, subject, unit, value, "%s", name);
    if (point != NULL) {
        point->n = tare__extract_count(count);
    }
}

/* An instrument's name and labels are the timer's name and the benchmark's arguments. */
static void add_instrument(struct tare__extract *extract, const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *total = &instrument->total;
    const char *unit = instrument->unit != NULL && instrument->unit[0] != '\0'
                           ? instrument->unit
                           : tare_metric_unit_names[TARE_METRIC_COUNT];
    const struct tare__subject subject = {.suite = instrument->module,
                                          .name = instrument->name,
                                          .arguments = instrument->labels,
                                          .more = extract->of_program};
    if (!total->known) {
        return;
    }
    switch (instrument->kind) {
    case TARE_KIND_COUNTER:
        if (extract->whole && total->total != TARE_COUNT_UNKNOWN) {
            tare__extract_add(extract, &subject, unit, of_one_pass(extract, (double)total->total), "total");
        }
        break;
    case TARE_KIND_GAUGE:
        tare__extract_add(extract, &subject, unit, total->peak, "peak");
        break;
    case TARE_KIND_HISTOGRAM:
        add_quantile(extract, &subject, unit, total->distribution.p50, total->distribution.count, "p50");
        add_quantile(extract, &subject, unit, total->distribution.p99, total->distribution.count, "p99");
        break;
    case TARE_KIND_FRAMES:
        unit = tare_metric_unit_names[TARE_METRIC_TIME];
        add_quantile(extract, &subject, unit, total->frames.p50_ms * 1e6, total->frames.frames, "p50");
        add_quantile(extract, &subject, unit, total->frames.p99_ms * 1e6, total->frames.frames, "p99");
        break;
    default: /* timers are among the timers; where states and keys spent their time is no one number */
        break;
    }
}

static void add_run(struct tare__extract *extract)
{
    const struct tare_result *result = extract->result;
    const struct tare__subject subject = {.suite = extract->program, .more = extract->of_program};
    for (size_t i = 0; i < result->timer_count; i++) {
        add_timer(extract, &result->timers[i]);
    }
    if (extract->whole) {
        add_wall(extract, &subject);
        tare__extract_add(extract, &subject, tare_metric_unit_names[TARE_METRIC_TIME],
                          of_one_pass(extract, result->cpu_ns), "cpu");
    }
    tare__extract_add(extract, &subject, tare_metric_unit_names[TARE_METRIC_SHARE], result->measuring_share,
                      "measuring_share");
    for (size_t i = 0; i < result->instrument_count; i++) {
        add_instrument(extract, &result->instruments[i]);
    }
}

/* Profiles */

/* Wilson's interval (J. Am. Stat. Assoc. 22 (1927) 209) of a share of n samples, which need not be a whole number. */
static void wilson(double share, double n, double *low, double *high)
{
    double z2 = TARE_Z95 * TARE_Z95;
    double center = (share + z2 / (2 * n)) / (1 + z2 / n);
    double half = TARE_Z95 / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n));
    *low = fmax(0, center - half);
    *high = fmin(1, center + half);
}

static void add_profile(struct tare__extract *extract)
{
    struct tare_profile_functions functions;
    int result = tare_profile_functions_make(extract->result->profile, NULL, &functions);
    if (result != 0) {
        extract->error = result;
    }
    for (size_t i = 0; result == 0 && i < functions.count && i < FUNCTIONS_MAX; i++) {
        const struct tare_profile_function *function = &functions.functions[i];
        const struct tare__subject subject = {
            .suite = extract->program, .name = function->name, .more = extract->of_program};
        if (!(function->self_share >= least_share)) {
            break; /* they are in order */
        }
        struct tare_history_point *point = tare__extract_add(
            extract, &subject, tare_metric_unit_names[TARE_METRIC_SHARE], function->self_share, "self_share");
        if (point != NULL && functions.effective > 0) {
            double low, high;
            wilson(function->self_share, functions.effective, &low, &high);
            tare__extract_interval(point, low, high);
            point->n = (int64_t)functions.effective;
        }
    }
    if (result == 0) {
        const struct tare__subject subject = {.suite = extract->program, .more = extract->of_program};
        tare__extract_add(extract, &subject, tare_metric_unit_names[TARE_METRIC_COUNT],
                          (double)functions.samples, "samples");
    }
    tare_profile_functions_release(&functions);
}

/* Counters */

static void add_stat_row(struct tare__extract *extract, const struct tare_result_stat *stat,
                         const struct tare_result_stat_row *row)
{
    char *more = NULL;
    /* The same name counts less where the kernel may not be looked at. */
    if (asprintf(&more, "%s%s", extract->of_program, row->user_only ? " user_only" : "") < 0) {
        extract->error = -ENOMEM;
        return;
    }
    const struct tare__subject subject = {.suite = extract->program, .more = more};
    const char *unit =
        row->unit != NULL && row->unit[0] != '\0' ? row->unit : tare_metric_unit_names[TARE_METRIC_COUNT];
    struct tare_history_point *point = tare__extract_add(extract, &subject, unit, row->value, "%s", row->name);
    tare__extract_interval(point, row->value - row->error, row->value + row->error);
    if (point != NULL) {
        point->n = tare__extract_count(stat->runs);
    }
    if (stat->runs > 1) {
        tare__extract_values(extract, point, row->values, stat->runs);
    }
    free(more);
}

static void add_stat(struct tare__extract *extract)
{
    const struct tare_result_stat *stat = extract->result->stat;
    for (size_t i = 0; i < stat->row_count; i++) {
        add_stat_row(extract, stat, &stat->rows[i]);
    }
    if (stat->massif != NULL) {
        const struct tare__subject subject = {.suite = extract->program, .more = extract->of_program};
        tare__extract_add(extract, &subject, tare_metric_unit_names[TARE_METRIC_BYTES],
                          (double)stat->massif->heap_bytes, "heap_peak");
    }
}

/* The key's parts that all series of a result have */

/* "tare 0.1" of "0.1.0": a patch changes no figure (docs/history.md). */
static char *harness_of(const char *version)
{
    char *harness = NULL;
    size_t length = version != NULL ? strspn(version, "0123456789") : 0;
    if (length > 0 && version[length] == '.') {
        size_t minor = strspn(version + length + 1, "0123456789");
        length = minor > 0 ? length + 1 + minor : 0;
    } else {
        length = 0;
    }
    if (version != NULL && length == 0) {
        length = strlen(version);
    }
    int made =
        asprintf(&harness, "tare%s%.*s", length > 0 ? " " : "", (int)length, version != NULL ? version : "");
    return made >= 0 ? harness : NULL;
}

static bool is_of_machine(int part)
{
    return tare_fingerprint_kind((enum tare_fingerprint_part)part) != TARE_FINGERPRINT_MEASUREMENT;
}

/* As record/fingerprint.h hashes all parts: these alone. "" without a fingerprint. */
static char *machine_of(const struct tare_fingerprint *fingerprint)
{
    char hex[TARE_SHA256_HEX + 1] = "";
    struct tare_sha256 hash;
    tare_sha256_init(&hash);
    for (int i = 0; i < TARE_FINGERPRINT_PARTS; i++) {
        const char *name = tare_fingerprint_name((enum tare_fingerprint_part)i);
        const char *value = fingerprint->parts[i] != NULL ? fingerprint->parts[i] : "unknown";
        if (is_of_machine(i)) {
            tare_sha256_add(&hash, name, strlen(name));
            tare_sha256_add(&hash, "=", 1);
            tare_sha256_add(&hash, value, strlen(value));
            tare_sha256_add(&hash, "\n", 1);
        }
    }
    if (fingerprint->hash[0] != '\0') {
        tare_sha256_finish_hex(&hash, hex);
    }
    return strdup(hex);
}

/* What the command line or the process was, as far as it decides on the figures. */
static char *settings_of(const struct tare_result *result)
{
    const char *settings = result->fingerprint.parts[TARE_FINGERPRINT_SETTINGS];
    char *text = NULL;
    int made = settings != NULL && isfinite(result->confidence)
                   ? asprintf(&text, "%s confidence=%g", settings, result->confidence)
               : settings != NULL ? asprintf(&text, "%s", settings)
                                  : asprintf(&text, "%s", result->kind != NULL ? result->kind : "");
    return made >= 0 ? text : NULL;
}

static const char *program_of(const struct tare_result *result)
{
    bool is_run =
        result->kind != NULL && (strcmp(result->kind, "run") == 0 || strcmp(result->kind, "stat") == 0 ||
                                 strcmp(result->kind, "profile") == 0);
    if (is_run && result->command != NULL && result->command[0] != NULL) {
        return tare__extract_base(result->command[0]);
    }
    if (result->process_count > 0 && result->processes[0].executable != NULL) {
        return tare__extract_base(result->processes[0].executable);
    }
    const struct tare_profile *profile = result->profile;
    if (profile != NULL && profile->process_count > 0 && profile->processes[0].command != NULL) {
        return tare__extract_base(profile->processes[0].command);
    }
    return "";
}

/*
 * Arguments, a blank between two. Of absolute paths the last part: scratch folders have another name each time. Where
 * they are long, a hash stands for the rest.
 */
static char *arguments_of(char *const *command)
{
    char *all = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&all, &size);
    for (size_t i = 1; out != NULL && command[i] != NULL; i++) {
        const char *argument = command[i][0] == '/' ? tare__extract_base(command[i]) : command[i];
        fprintf(out, "%s%s", i > 1 ? " " : "", argument);
    }
    if (out == NULL || fclose(out) != 0) {
        free(all);
        return NULL;
    }
    if (size <= ARGUMENTS_MAX) {
        return all;
    }
    struct tare_sha256 hash;
    char hex[TARE_SHA256_HEX + 1];
    tare_sha256_init(&hash);
    tare_sha256_add(&hash, all, size);
    tare_sha256_finish_hex(&hash, hex);
    size_t length = ARGUMENTS_MAX;
    while (length > 0 && ((unsigned char)all[length] & 0xc0) == 0x80) { /* not within a UTF-8 sequence */
        length--;
    }
    char *cut = NULL;
    int made = asprintf(&cut, "%.*s... #%.*s", (int)length, all, HASH_SHOWN, hex);
    free(all);
    return made >= 0 ? cut : NULL;
}

static char *of_program(const struct tare_result *result, const char *program)
{
    char *text = NULL;
    bool has_arguments = result->kind != NULL &&
                         (strcmp(result->kind, "run") == 0 || strcmp(result->kind, "stat") == 0 ||
                          strcmp(result->kind, "profile") == 0) &&
                         result->command != NULL && result->command[0] != NULL && result->command[1] != NULL;
    char *arguments = has_arguments ? arguments_of(result->command) : NULL;
    if (has_arguments && arguments == NULL) {
        return NULL;
    }
    int made = asprintf(&text, "%s%s%s%s", program[0] != '\0' ? " program=" : "", program,
                        has_arguments ? " arguments=" : "", has_arguments ? arguments : "");
    free(arguments);
    return made >= 0 ? text : NULL;
}

/* Whether a program was measured from its begin to its end, and ended well. */
static bool is_whole(const struct tare_result *result)
{
    bool whole = !result->incomplete && result->kind != NULL && strcmp(result->kind, "attach") != 0;
    for (size_t i = 0; i < result->pass_count && whole; i++) {
        whole = result->passes[i].end == TARE_END_EXITED;
    }
    for (size_t i = 0; i < result->process_count && whole && result->pass_count == 0; i++) {
        whole = result->processes[i].end != TARE_END_RUNNING; /* a page */
    }
    return whole;
}

/* The run */

/* RFC 3339, as "2025-01-02T03:04:05.678Z" or with "+01:00"; UNKNOWN: it is none. */
static int64_t time_of(const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0;
    if (length < sizeof "2025-01-02T03:04:05Z" - 1 || strchr("Tt ", text[10]) == NULL) {
        return TARE_HISTORY_UNKNOWN;
    }
    const char *zone = text + length - 6; /* "+01:00" */
    bool has_zone =
        strchr("Zz", text[length - 1]) != NULL || ((*zone == '+' || *zone == '-') && zone[3] == ':');
    return has_zone ? import__date_ms(text) : TARE_HISTORY_UNKNOWN;
}

static int copy(char **to, const char *from)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL ? 0 : -ENOMEM;
}

/* Hexadecimal, lower case, as git writes them; a shortened one is one, too. */
static bool is_id(const char *text, size_t length)
{
    return length >= 4 && length <= 64 && strspn(text, "0123456789abcdef") >= length;
}

static bool are_parents(const char *text)
{
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, " ");
        if (!is_id(at, length)) {
            return false;
        }
        at += length + (at[length] == ' ' && at[length + 1] != '\0');
        if (*at == ' ') {
            return false;
        }
    }
    return true;
}

/* What the origin knows of the commit, filled up by what the result does, as far as it can be so. */
static int set_commit(struct tare_history_record *record, const struct tare_environment *environment,
                      const struct tare_origin *origin, bool same)
{
    struct tare_history_commit *commit = &record->commit;
    bool own = environment->commit != NULL && is_id(environment->commit, strlen(environment->commit));
    const char *id = own ? environment->commit : same ? origin->commit.id : NULL;
    if (id == NULL) {
        return 0;
    }
    const struct tare_history_commit none = {.time_s = TARE_HISTORY_UNKNOWN, .ordinal = TARE_HISTORY_UNKNOWN};
    const struct tare_history_commit *known = same ? &origin->commit : &none;
    const char *parents = known->parents;
    const char *subject = known->subject;
    if (own && parents == NULL && environment->commit_parents != NULL &&
        are_parents(environment->commit_parents)) {
        parents = environment->commit_parents;
    }
    subject = own && subject == NULL ? environment->commit_subject : subject;
    commit->time_s = known->time_s;
    if (own && commit->time_s == TARE_HISTORY_UNKNOWN && fabs(environment->commit_time_s) < 1e12) {
        commit->time_s = (int64_t)environment->commit_time_s;
    }
    commit->ordinal = known->ordinal;
    record->has_commit = true;
    int result = copy(&commit->id, id);
    result = result != 0 ? result : copy(&commit->parents, parents);
    result = result != 0 ? result : copy(&commit->subject, subject);
    result = result != 0 ? result : copy(&commit->link, tare__is_link(known->link) ? known->link : NULL);
    if (commit->subject != NULL) {
        tare__clean_text(commit->subject);
    }
    return result != 0 ? result : copy(&record->run.commit, id);
}

/* The machine: what tells people which one it was, and the parts of its fingerprint as in a result. */
static int set_environment(struct tare_history_record *record, const struct tare_result *result,
                           const char *hash)
{
    const struct tare_environment *environment = &result->environment;
    json_t *parts = result->fingerprint.hash[0] != '\0' ? json_object() : NULL;
    for (int i = 0; parts != NULL && i < TARE_FINGERPRINT_PARTS; i++) {
        const char *value = result->fingerprint.parts[i];
        if (is_of_machine(i)) {
            json_object_set_new(parts, tare_fingerprint_name((enum tare_fingerprint_part)i),
                                value != NULL ? json_string(value) : json_null());
        }
    }
    json_t *fingerprint = parts != NULL ? json_pack("{s:s, s:o}", "hash", hash, "parts", parts) : NULL;
    json_t *object = json_pack("{s:s?, s:s?, s:s?, s:o?}", "host", environment->host, "os", environment->os,
                               "cpu_model", environment->cpu_model, "fingerprint", fingerprint);
    record->run.environment = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return record->run.environment != NULL ? 0 : -ENOMEM;
}

static int set_run(struct tare__extract *extract, const struct tare_origin *origin)
{
    const struct tare_result *result = extract->result;
    const struct tare_environment *environment = &result->environment;
    struct tare_history_run *run = &extract->record->run;
    bool same = origin->has_commit &&
                (environment->commit == NULL || strcmp(environment->commit, origin->commit.id) == 0);
    int failure = set_commit(extract->record, environment, origin, same);
    /* A branch without a commit is one of a commit that was not the right one. */
    const char *branch = environment->branch != NULL ? environment->branch : same ? origin->branch : NULL;
    const char *link = tare__is_link(environment->job_link) ? environment->job_link
                       : tare__is_link(origin->link)        ? origin->link
                                                            : NULL;
    run->started_ms = time_of(result->started);
    if (run->started_ms == TARE_HISTORY_UNKNOWN && extract->record->commit.time_s != TARE_HISTORY_UNKNOWN) {
        run->started_ms = extract->record->commit.time_s * 1000;
    }
    run->dirty = environment->commit != NULL || environment->commit_dirty >= 0 ? environment->commit_dirty
                 : same                                                        ? origin->dirty
                                                                               : -1;
    failure = failure != 0 ? failure : copy(&run->project, origin->project);
    failure = failure != 0 ? failure : copy(&run->kind, result->kind);
    failure = failure != 0 ? failure : copy(&run->branch, branch);
    failure = failure != 0 ? failure : copy(&run->link, link);
    if (run->branch != NULL) {
        tare__clean_text(run->branch);
    }
    if (failure == 0 && result->tare_version != NULL &&
        asprintf(&run->tool, "tare %s", result->tare_version) < 0) {
        run->tool = NULL;
        failure = -ENOMEM;
    }
    return failure != 0 ? failure : set_environment(extract->record, result, extract->fingerprint);
}

static int begin(struct tare__extract *extract)
{
    const struct tare_result *result = extract->result;
    extract->harness = harness_of(result->tare_version);
    extract->settings = settings_of(result);
    extract->program = strdup(program_of(result));
    extract->of_program = extract->program != NULL ? of_program(result, extract->program) : NULL;
    extract->fingerprint = machine_of(&result->fingerprint);
    extract->whole = is_whole(result);
    bool fine = extract->harness != NULL && extract->settings != NULL && extract->of_program != NULL &&
                extract->fingerprint != NULL;
    return fine ? 0 : -ENOMEM;
}

static void add_figures(struct tare__extract *extract)
{
    const struct tare_result *result = extract->result;
    if (result->bench != NULL) {
        tare__extract_bench(extract);
    } else if (result->profile != NULL) {
        add_profile(extract);
    } else if (result->stat != NULL) {
        add_stat(extract);
    } else if (result->capture != NULL) {
        tare__extract_capture(extract);
    } else {
        add_run(extract);
    }
}

int tare_history_extract(const struct tare_result *result, const char *raw, size_t raw_size,
                         const struct tare_origin *origin, struct tare_history_record *record, char *message,
                         size_t message_size)
{
    static const struct tare_origin nowhere = {.dirty = -1};
    struct tare__extract extract = {.result = result, .record = record};
    tare_history_record_init(record);
    message[0] = '\0';
    int failure = begin(&extract);
    if (failure == 0) {
        failure = set_run(&extract, origin != NULL ? origin : &nowhere);
    }
    if (failure == 0 && record->run.started_ms == TARE_HISTORY_UNKNOWN) {
        snprintf(message, message_size, "it does not say when it was measured");
        failure = -EINVAL;
    }
    if (failure == 0) {
        add_figures(&extract);
        failure = extract.error;
    }
    if (failure == 0 && record->line_count == 0) {
        snprintf(message, message_size, "there is no figure in it that history keeps");
        failure = -EINVAL;
    }
    if (failure == 0) {
        record->raw = malloc(raw_size + 1);
        failure = record->raw != NULL ? 0 : -ENOMEM;
    }
    if (failure == 0) {
        memcpy(record->raw, raw, raw_size);
        record->raw[raw_size] = '\0';
        record->raw_size = raw_size;
        failure = tare_history_record_finish(record);
    }
    free(extract.harness);
    free(extract.settings);
    free(extract.program);
    free(extract.of_program);
    free(extract.fingerprint);
    return failure;
}
