/* SPDX-License-Identifier: MIT */
/*
 * Sentences on a profile: what it was taken with, and what it cannot tell. A table of shares looks as sure with
 * twelve samples as with twelve thousand; what makes it less than it seems is said in words.
 */
#include "view/profile_say.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/columns.h"

/* Fewer are worth a note: half of the samples is then known to 10 points and more. */
static const double FEW_SAMPLES = 100;

/* Shares from here on are worth a line. */
static const double NOTABLE = 0.01;

bool tare__profile_is_folded(const struct tare_profile *profile)
{
    return profile->mode != NULL && strcmp(profile->mode, "folded") == 0;
}

char *tare__profile_percent(char buffer[TARE__NUMBER_TEXT], double share, double effective)
{
    char number[TARE__VIEW_NUMBER];
    if (!isfinite(share)) {
        strcpy(buffer, "-");
        return buffer;
    }
    /* 20,000 samples: one percent of them is known to 0.14 points. */
    tare__view_fixed(number, share * 100, effective >= 20000 ? 2 : 1);
    snprintf(buffer, TARE__NUMBER_TEXT, "%s", number);
    return buffer;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* Hands the phrase on, behind `head`; it is released. */
static int put_phrase(tare__profile_line *put, void *data, const char *head, struct tare__phrase *phrase,
                      bool note)
{
    int error = phrase->error;
    if (error == 0 && phrase->size > 0) {
        put(data, head, phrase->text, note);
    }
    tare__phrase_release(phrase);
    return error;
}

/* "lost 12 (0.1 %)", "lost -". */
static void add_part(struct tare__phrase *phrase, const char *what, uint64_t count, uint64_t of)
{
    char percent[TARE__NUMBER_TEXT];
    if (count == TARE_PROFILE_UNKNOWN) {
        tare__phrase_add(phrase, ", %s -", what);
    } else if (count == 0 || of == 0) {
        tare__phrase_add(phrase, ", %s %" PRIu64, what, count);
    } else {
        tare__phrase_add(phrase, ", %s %" PRIu64 " (%s)", what, count,
                         tare__text_percent(percent, (double)count / (double)of));
    }
}

/* Of the built-in sampler: threads are sampled whether they run or not. */
static bool is_wall_clock(const struct tare_profile *profile)
{
    return profile->event != NULL && strcmp(profile->event, "wall-clock") == 0;
}

/* Samples that stand for several, because the thread could not be interrupted in between. */
static uint64_t samples_of_waits(const struct tare_profile *profile)
{
    uint64_t count = 0;
    for (size_t i = 0; i < profile->sample_count && profile->frequency_hz > 0; i++) {
        count += (double)profile->samples[i].weight > 1.5e9 / profile->frequency_hz;
    }
    return count;
}

static int say_event(const struct tare_profile *profile, bool ascii, tare__profile_line *put, void *data)
{
    struct tare__phrase phrase = {0};
    char text[TARE__NUMBER_TEXT];
    tare__phrase_add(&phrase, "%s%s", profile->event != NULL ? profile->event : "-",
                     profile->off_cpu ? ", where threads wait" : "");
    if (isfinite(profile->frequency_hz)) {
        tare__phrase_add(&phrase, ", %s Hz asked for",
                         tare__view_fixed(text, profile->frequency_hz, profile->frequency_hz < 10 ? 1 : 0));
    }
    if (isfinite(profile->interval_ns) && profile->interval_ns > 0) {
        char rate[TARE__NUMBER_TEXT];
        tare__phrase_add(&phrase, ", taken every %s of a %sthread (%s Hz)",
                         tare__text_duration(text, profile->interval_ns, NAN, ascii),
                         is_wall_clock(profile) ? "" : "running ",
                         tare__view_fixed(rate, 1e9 / profile->interval_ns, 1));
    }
    uint64_t waits = is_wall_clock(profile) ? samples_of_waits(profile) : 0;
    if (waits != 0) {
        tare__phrase_add(&phrase, "; %" PRIu64 " of the samples stand%s for a whole wait", waits,
                         waits == 1 ? "s" : "");
    }
    if (isfinite(profile->wall_ns)) {
        tare__phrase_add(&phrase, ", for %s", tare__text_duration(text, profile->wall_ns, NAN, ascii));
    }
    return put_phrase(put, data, "event ", &phrase, false);
}

static int say_overhead(const struct tare_profile *profile, bool ascii, tare__profile_line *put, void *data)
{
    const struct tare_profile_overhead *overhead = &profile->overhead;
    struct tare__phrase phrase = {0};
    char change[TARE__NUMBER_TEXT], range[TARE__NUMBER_TEXT];
    if (overhead->measured && isfinite(overhead->ratio)) {
        tare__phrase_add(&phrase, "%s",
                         tare__text_change(change, overhead->ratio, overhead->low, overhead->high, ascii));
        if (isfinite(overhead->low) && isfinite(overhead->high)) {
            tare__phrase_add(
                &phrase, " (%s)",
                tare__text_change_range(range, overhead->ratio, overhead->low, overhead->high, ascii));
        }
        tare__phrase_add(&phrase, " of time, measured in %" PRIu64 " pair%s of runs", overhead->pairs,
                         plural(overhead->pairs));
    } else {
        tare__phrase_add(&phrase, "- (not measured)");
    }
    return put_phrase(put, data, "overhead ", &phrase, false);
}

int tare__profile_say_head(const struct tare_profile *profile, const struct tare_profile_functions *functions,
                           bool ascii, tare__profile_line *put, void *data)
{
    struct tare__phrase mode = {0}, samples = {0};
    tare__phrase_add(&mode, "%s", profile->mode != NULL ? profile->mode : "-");
    if (profile->reason != NULL) {
        tare__phrase_add(&mode, ": %s", profile->reason);
    }
    int error = put_phrase(put, data, "mode ", &mode, false);
    if (error == 0) {
        error = say_event(profile, ascii, put, data);
    }
    uint64_t all = profile->sample_count;
    uint64_t taken = profile->lost == TARE_PROFILE_UNKNOWN ? all : all + profile->lost;
    if (tare__profile_is_folded(profile)) {
        tare__phrase_add(&samples, "-, in %" PRIu64 " folded stack%s", all, plural(all));
    } else {
        tare__phrase_add(&samples, "%" PRIu64, all);
    }
    if (functions->samples != all) {
        tare__phrase_add(&samples, " (%" PRIu64 " of them shown)", functions->samples);
    }
    add_part(&samples, "lost", profile->lost, taken);
    add_part(&samples, "truncated", profile->truncated, all);
    add_part(&samples, "unknown", profile->unknown, all);
    if (profile->threads_missed != 0 && profile->threads_missed != TARE_PROFILE_UNKNOWN) {
        tare__phrase_add(&samples, "; %" PRIu64 " thread%s without samples", profile->threads_missed,
                         plural(profile->threads_missed));
    }
    int samples_error = put_phrase(put, data, "samples ", &samples, false);
    error = error != 0 ? error : samples_error;
    return error != 0 ? error : say_overhead(profile, ascii, put, data);
}

/* Why functions of an object have no names; NULL: nobody knows. */
static const char *why_unnamed(const struct tare_profile_object *object)
{
    static const struct {
        uint32_t flag;
        const char *why;
    } reasons[] = {
        {TARE_OBJECT_DELETED, "the file was deleted"},
        {TARE_OBJECT_CHANGED, "the file is another one now"},
        {TARE_OBJECT_UNREADABLE, "the file could not be read"},
        {TARE_OBJECT_NO_SYMBOLS, "it is stripped: install its debug symbols, or build without -s"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if ((object->flags & reasons[i].flag) != 0) {
            return reasons[i].why;
        }
    }
    if (object->kind == TARE_OBJECT_JIT) {
        return "code that the program made, of which it left no map";
    }
    return object->kind == TARE_OBJECT_UNKNOWN ? "memory that belongs to no file" : NULL;
}

/* Whether it stands for the functions without a name of its object. */
static bool is_unnamed(const struct tare_profile *profile, const struct tare_profile_functions *functions,
                       uint32_t number)
{
    return functions->functions[number].name[0] == '[' && functions->functions[number].file == NULL &&
           functions->functions[number].object < profile->object_count;
}

static int say_unnamed(const struct tare_profile *profile, const struct tare_profile_functions *functions,
                       tare__profile_line *put, void *data)
{
    enum { OBJECTS = 4 };
    int error = 0;
    for (uint32_t i = 0, said = 0; i < functions->count && said < OBJECTS && error == 0; i++) {
        const struct tare_profile_function *function = &functions->functions[i];
        if (!(function->self_share >= NOTABLE)) {
            break; /* they are sorted by it */
        }
        if (!is_unnamed(profile, functions, i)) {
            continue;
        }
        const struct tare_profile_object *object = &profile->objects[function->object];
        const char *why = why_unnamed(object);
        struct tare__phrase phrase = {0};
        char percent[TARE__NUMBER_TEXT];
        tare__phrase_add(&phrase, "%s of all is in functions without a name of '%s'%s%s",
                         tare__text_percent(percent, function->self_share), object->path,
                         why != NULL ? ": " : "", why != NULL ? why : "");
        error = put_phrase(put, data, "note: ", &phrase, true);
        said++;
    }
    return error;
}

static int say_few(const struct tare_profile_functions *functions, tare__profile_line *put, void *data)
{
    struct tare__phrase phrase = {0}, heavy = {0};
    char worst[TARE__NUMBER_TEXT], percent[TARE__NUMBER_TEXT];
    if (functions->samples > 0 && isnan(functions->effective)) {
        tare__phrase_add(
            &phrase, "folded stacks do not say how many samples they are, so how sure shares are is unknown");
    } else if (functions->samples == 0) {
        tare__phrase_add(&phrase, "no samples, so nothing is known of where the time went: profile for longer, "
                                  "or more often (-F)");
    } else if (functions->effective < FEW_SAMPLES) {
        /* Few that are heavy among many: as many samples would do, if they weighed the same. */
        if ((double)functions->samples >= 2 * FEW_SAMPLES && functions->heaviest > 0) {
            tare__phrase_add(
                &heavy, " (the %" PRIu64 " heaviest carr%s %s of all)", functions->heaviest,
                functions->heaviest == 1 ? "ies" : "y",
                tare__text_percent(percent, (double)functions->heaviest_weight / (double)functions->weight));
        }
        /* Wilson's interval, where it is widest. */
        double half = 0.98 / sqrt(functions->effective + 3.84);
        tare__phrase_add(&phrase,
                         "%" PRIu64 " sample%s%s can hardly tell functions apart: shares are known to up to %s "
                         "points; profile for longer, or more often (-F)",
                         functions->samples, plural(functions->samples), heavy.size > 0 ? heavy.text : "",
                         tare__view_fixed(worst, half * 100, 0));
        phrase.error = heavy.error != 0 ? heavy.error : phrase.error;
        tare__phrase_release(&heavy);
    }
    return put_phrase(put, data, "note: ", &phrase, true);
}

/* Those of which the reader should know that the figures are of another thing than he thinks. */
static int say_missing(const struct tare_profile *profile, const struct tare_profile_functions *functions,
                       tare__profile_line *put, void *data)
{
    struct tare__phrase lost = {0}, truncated = {0}, none = {0};
    char percent[TARE__NUMBER_TEXT];
    uint64_t all = profile->sample_count;
    if (profile->lost != TARE_PROFILE_UNKNOWN &&
        (double)profile->lost > NOTABLE * (double)(all + profile->lost)) {
        tare__phrase_add(&lost, "%s of the samples were lost: what was busiest then is missing",
                         tare__text_percent(percent, (double)profile->lost / (double)(all + profile->lost)));
    }
    /* Where we had perf take them, the result's own note says it, with what to do. */
    bool said = profile->recorder != NULL;
    if (!said && profile->truncated != TARE_PROFILE_UNKNOWN &&
        (double)profile->truncated > NOTABLE * (double)all) {
        tare__phrase_add(
            &truncated,
            "%s of the stacks end before the outermost call: totals of outer functions are too small",
            tare__text_percent(percent, (double)profile->truncated / (double)all));
    }
    if ((double)functions->no_stack > NOTABLE * (double)functions->weight) {
        tare__phrase_add(&none, "%s of all has no stack, and is in no row",
                         tare__text_percent(percent, (double)functions->no_stack / (double)functions->weight));
    }
    int error = put_phrase(put, data, "note: ", &lost, true);
    int truncated_error = put_phrase(put, data, "note: ", &truncated, true);
    int none_error = put_phrase(put, data, "note: ", &none, true);
    return error != 0 ? error : truncated_error != 0 ? truncated_error : none_error;
}

int tare__profile_say_notes(const struct tare_result *result, const struct tare_profile_functions *functions,
                            bool ascii, tare__profile_line *put, void *data)
{
    const struct tare_profile *profile = result->profile;
    (void)ascii;
    int error = say_few(functions, put, data);
    if (error == 0) {
        error = say_missing(profile, functions, put, data);
    }
    if (error == 0) {
        error = say_unnamed(profile, functions, put, data);
    }
    if (error == 0 && result->incomplete) {
        put(data, "note: ", "interrupted: this is what there was until then", true);
    }
    for (char **note = result->notes; error == 0 && note != NULL && *note != NULL; note++) {
        put(data, "note: ", *note, true);
    }
    return error;
}

static int compare_by_total(const void *a, const void *b, void *data)
{
    const struct tare_profile_functions *functions = data;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    uint64_t first = functions->functions[x].total, second = functions->functions[y].total;
    return first != second ? (first > second ? -1 : 1) : (x > y) - (x < y);
}

uint32_t *tare__profile_order(const struct tare_profile_functions *functions, bool by_total, size_t *count)
{
    uint32_t *order = reallocarray(NULL, functions->count + 1, sizeof *order);
    *count = 0;
    for (size_t i = 0; order != NULL && i < functions->count; i++) {
        if (functions->functions[i].total_samples > 0) {
            order[(*count)++] = (uint32_t)i;
        }
    }
    if (order != NULL && by_total) {
        qsort_r(order, *count, sizeof *order, compare_by_total, (void *)functions);
    }
    return order;
}

/* Parts */

static char *copy_or_dash(const char *text)
{
    return strdup(text != NULL ? text : "-");
}

static char *number_text(uint64_t number)
{
    char *text;
    return asprintf(&text, "%" PRIu64, number) < 0 ? NULL : text;
}

static bool describe_timer(const struct tare_profile *profile, uint32_t number, struct tare__profile_part *part)
{
    part->filter.by_timer = true;
    part->filter.timer = number;
    if (number == TARE_PROFILE_NONE) {
        part->title = strdup("no timer was open");
        part->fields[0] = strdup("");
        part->fields[1] = strdup("");
        return part->title != NULL && part->fields[0] != NULL && part->fields[1] != NULL;
    }
    const struct tare_profile_timer *timer = &profile->timers[number];
    part->fields[0] = strdup(timer->module);
    part->fields[1] = strdup(timer->name);
    bool fine = asprintf(&part->title, "timer %s::%s", timer->module, timer->name) >= 0;
    part->title = fine ? part->title : NULL;
    return fine && part->fields[0] != NULL && part->fields[1] != NULL;
}

static bool describe_process(const struct tare_profile *profile, uint32_t number,
                             struct tare__profile_part *part)
{
    part->filter.by_process = true;
    part->filter.process = number;
    if (number == TARE_PROFILE_NONE) {
        part->title = strdup("process unknown");
        part->fields[0] = strdup("");
        part->fields[1] = strdup("");
        return part->title != NULL && part->fields[0] != NULL && part->fields[1] != NULL;
    }
    const struct tare_profile_process *process = &profile->processes[number];
    part->fields[0] = number_text(process->pid);
    part->fields[1] = strdup(process->command != NULL ? process->command : "");
    bool fine = asprintf(&part->title, "process %" PRIu32 ": %s", process->pid,
                         process->command != NULL ? process->command : "-") >= 0;
    part->title = fine ? part->title : NULL;
    return fine && part->fields[0] != NULL && part->fields[1] != NULL;
}

static bool describe_thread(const struct tare_profile *profile, uint32_t number,
                            struct tare__profile_part *part)
{
    part->filter.by_thread = true;
    part->filter.thread = number;
    if (number == TARE_PROFILE_NONE) {
        part->title = strdup("thread unknown");
        for (size_t i = 0; i < 3; i++) {
            part->fields[i] = strdup("");
        }
    } else {
        const struct tare_profile_thread *thread = &profile->threads[number];
        const struct tare_profile_process *process = &profile->processes[thread->process];
        part->fields[0] = number_text(process->pid);
        part->fields[1] = number_text(thread->tid);
        part->fields[2] = strdup(thread->name != NULL ? thread->name : "");
        if (asprintf(&part->title, "thread %" PRIu32 " (%s) of process %" PRIu32, thread->tid,
                     thread->name != NULL ? thread->name : "-", process->pid) < 0) {
            part->title = NULL;
        }
    }
    return part->title != NULL && part->fields[0] != NULL && part->fields[1] != NULL && part->fields[2] != NULL;
}

static bool describe(const struct tare_profile *profile, enum tare_profile_by by, uint32_t number,
                     struct tare__profile_part *part)
{
    switch (by) {
    case TARE_PROFILE_BY_TIMER:
        return describe_timer(profile, number, part);
    case TARE_PROFILE_BY_PROCESS:
        return describe_process(profile, number, part);
    case TARE_PROFILE_BY_THREAD:
        return describe_thread(profile, number, part);
    case TARE_PROFILE_BY_NOTHING:
        break;
    }
    part->title = copy_or_dash(NULL);
    return part->title != NULL;
}

static uint32_t part_of(const struct tare_profile *profile, enum tare_profile_by by,
                        const struct tare_profile_sample *sample)
{
    switch (by) {
    case TARE_PROFILE_BY_TIMER:
        return sample->timer;
    case TARE_PROFILE_BY_THREAD:
        return sample->thread;
    case TARE_PROFILE_BY_PROCESS:
        return sample->thread == TARE_PROFILE_NONE ? TARE_PROFILE_NONE
                                                   : profile->threads[sample->thread].process;
    case TARE_PROFILE_BY_NOTHING:
        break;
    }
    return TARE_PROFILE_NONE;
}

static int compare_parts(const void *a, const void *b)
{
    const struct tare__profile_part *x = a, *y = b;
    if (x->weight != y->weight) {
        return x->weight > y->weight ? -1 : 1;
    }
    return strcmp(x->title, y->title);
}

int tare__profile_parts_make(const struct tare_profile *profile, const struct tare_profile_view *view,
                             struct tare__profile_parts *parts)
{
    size_t room = view->by == TARE_PROFILE_BY_TIMER    ? profile->timer_count
                  : view->by == TARE_PROFILE_BY_THREAD ? profile->thread_count
                                                       : profile->process_count;
    struct tare_profile_filter filter = {.timers = view->timers};
    bool by_timer = view->by == TARE_PROFILE_BY_TIMER;
    uint64_t *sums = calloc(room + 1, 3 * sizeof *sums); /* weight, samples, measuring; the last is of none */
    *parts = (struct tare__profile_parts){0};
    parts->parts = calloc(room + 1, sizeof *parts->parts);
    int error = sums == NULL || parts->parts == NULL ? -ENOMEM : 0;
    for (size_t i = 0; error == 0 && i < profile->sample_count; i++) {
        const struct tare_profile_sample *sample = &profile->samples[i];
        if (tare_profile_matches(profile, &filter, sample)) {
            uint32_t number = part_of(profile, view->by, sample);
            uint64_t *sum = sums + 3 * (number == TARE_PROFILE_NONE ? room : number);
            if (by_timer && tare_profile_is_measuring(profile, sample)) {
                sum[2]++;
            } else {
                sum[0] += sample->weight;
                sum[1]++;
            }
        }
    }
    for (size_t i = 0; error == 0 && i <= room; i++) {
        if (sums[3 * i + 1] > 0 || sums[3 * i + 2] > 0) {
            struct tare__profile_part *part = &parts->parts[parts->count++];
            part->filter = filter;
            part->filter.without_measuring = by_timer;
            part->weight = sums[3 * i];
            part->samples = sums[3 * i + 1];
            part->measuring = sums[3 * i + 2];
            parts->weight += part->weight;
            error =
                describe(profile, view->by, i == room ? TARE_PROFILE_NONE : (uint32_t)i, part) ? 0 : -ENOMEM;
        }
    }
    if (error == 0) {
        qsort(parts->parts, parts->count, sizeof *parts->parts, compare_parts);
    }
    free(sums);
    return error;
}

void tare__profile_parts_release(struct tare__profile_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        free(parts->parts[i].title);
        for (size_t j = 0; j < 3; j++) {
            free(parts->parts[i].fields[j]);
        }
    }
    free(parts->parts);
    *parts = (struct tare__profile_parts){0};
}
