/* SPDX-License-Identifier: MIT */
/*
 * What is said of a comparison in words. A reader of a table takes a verdict for what it looks like; so that it
 * cannot be taken for more, what the method is and what it cannot know stands beside it.
 */
#include "view/compare_cells.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/bench_text.h"

enum { NAMED_MAX = 4, COMMIT_DIGITS = 12 };

static bool has_timers(const struct tare_compare_report *report)
{
    return report->compared->kind == TARE_COMPARED_TIMERS;
}

/* "1": as few digits as say it. */
static char *short_number(char buffer[TARE__VIEW_NUMBER], double value)
{
    return tare__view_number(buffer, round(value * 1e6) / 1e6);
}

/* "99.97": so many decimals that what is missing to 100 shows. */
static char *confidence_text(char buffer[TARE__VIEW_NUMBER], double confidence)
{
    double missing = (1 - confidence) * 100;
    int decimals = missing > 0 && missing < 1 ? (int)ceil(-log10(missing)) : 0;
    return tare__view_fixed(buffer, confidence * 100, decimals < 12 ? decimals : 12);
}

/* Takes the phrase. */
static void say_phrase(struct tare__view_lines *lines, struct tare__phrase *phrase)
{
    if (phrase->error != 0 && lines->error == 0) {
        lines->error = phrase->error;
    }
    if (phrase->size > 0) {
        tare__view_say(lines, "%s", phrase->text);
    }
    tare__phrase_release(phrase);
}

static void add_part(struct tare__phrase *phrase, const char **between, size_t count, const char *word)
{
    if (count > 0) {
        tare__phrase_add(phrase, "%s%zu %s", *between, count, word);
        *between = ", ";
    }
}

void tare__compare_title(struct tare__view_lines *lines, const struct tare_compare_report *report,
                         size_t section)
{
    const struct tare_compared_section *shown = &report->compared->sections[section];
    const char *thing = has_timers(report) ? "timer" : "benchmark", *between = ": ";
    struct tare__phrase phrase = {0};
    char margin[TARE__VIEW_NUMBER], same[TARE__VIEW_NUMBER + 32];
    snprintf(same, sizeof same, "same within %s %%", short_number(margin, report->compared->rule.margin * 100));
    tare__phrase_add(&phrase, "%zu %s%s in '%s' and '%s'", shown->matched, thing,
                     shown->matched == 1 ? "" : "s", report->old.label, report->news[section].label);
    add_part(&phrase, &between, shown->verdicts[TARE_VERDICT_SLOWER], "slower");
    add_part(&phrase, &between, shown->verdicts[TARE_VERDICT_FASTER], "faster");
    add_part(&phrase, &between, shown->verdicts[TARE_VERDICT_SAME], same);
    add_part(&phrase, &between, shown->verdicts[TARE_VERDICT_UNRESOLVED], "unresolved");
    between = "; ";
    add_part(&phrase, &between, shown->removed, "removed");
    add_part(&phrase, &between, shown->added, "added");
    say_phrase(lines, &phrase);
}

/* ", kernel, governor" from ": kernel, governor" on. */
static void add_parts(struct tare__phrase *phrase, uint32_t different)
{
    const char *between = " ";
    if (different == TARE_FINGERPRINT_OTHER) {
        tare__phrase_add(phrase, " a part that this version does not know");
    }
    for (unsigned part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        if ((different >> part & 1) != 0) {
            tare__phrase_add(phrase, "%s%s", between, tare_fingerprint_name(part));
            between = ", ";
        }
    }
}

void tare__compare_warnings(struct tare__view_lines *lines, const struct tare_compare_report *report,
                            const struct tare_compare_source *source)
{
    struct tare__phrase phrase = {0};
    if (source->unknown) {
        const char *whose = source->result->fingerprint.hash[0] == '\0' ? source->label : report->old.label;
        tare__phrase_add(&phrase,
                         "warning: '%s' has no fingerprint: whether it was measured on the same machine, set "
                         "and measured alike, is unknown",
                         whose);
    } else if (source->different != 0) {
        tare__phrase_add(&phrase, "warning: '%s' and '%s' were not measured alike, they differ in",
                         report->old.label, source->label);
        add_parts(&phrase, source->different);
        tare__phrase_add(&phrase, ": what looks like a change of the code may be one of that");
    }
    say_phrase(lines, &phrase);
    if (source->result->incomplete) {
        tare__view_say(lines, "warning: '%s' is incomplete: the measurement was interrupted", source->label);
    }
}

/* Whether all sides have one and the same fingerprint. */
static bool is_alike(const struct tare_compare_report *report)
{
    const struct tare_compare_source *control = report->control;
    bool alike = report->old.result->fingerprint.hash[0] != '\0' &&
                 (control == NULL || (!control->unknown && control->different == 0));
    for (size_t i = 0; i < report->compared->section_count; i++) {
        alike = alike && !report->news[i].unknown && report->news[i].different == 0;
    }
    return alike;
}

static void say_side(struct tare__view_lines *lines, const char *role, const struct tare_compare_source *source,
                     bool fingerprint)
{
    const struct tare_result *result = source->result;
    const struct tare_environment *environment = &result->environment;
    struct tare__phrase phrase = {0};
    tare__phrase_add(&phrase, "%s: '%s', %s", role, source->label,
                     result->started != NULL ? result->started : "time unknown");
    if (environment->commit != NULL) {
        tare__phrase_add(&phrase, ", commit %.*s%s", COMMIT_DIGITS, environment->commit,
                         environment->commit_dirty == 1 ? " with changes" : "");
    }
    if (fingerprint) {
        tare__phrase_add(&phrase, ", fingerprint %.*s", TARE_FINGERPRINT_SHORT,
                         result->fingerprint.hash[0] != '\0' ? result->fingerprint.hash : "unknown");
    }
    say_phrase(lines, &phrase);
}

void tare__compare_sides(struct tare__view_lines *lines, const struct tare_compare_report *report)
{
    bool alike = is_alike(report);
    say_side(lines, "old", &report->old, !alike);
    if (report->control != NULL) {
        say_side(lines, "control", report->control, !alike);
    }
    for (size_t i = 0; i < report->compared->section_count; i++) {
        say_side(lines, "new", &report->news[i], !alike);
    }
    if (alike) {
        tare__view_note_fingerprint(lines, report->old.result);
    }
}

/* Notes on rows */

/* "a, b and 3 more", of the rows that `is` picks. Returns how many there are. */
static size_t add_names(struct tare__phrase *phrase, const struct tare_compared_section *section,
                        bool (*is)(const struct tare_compared_row *row, const void *data), const void *data)
{
    size_t count = 0;
    for (size_t i = 0; i < section->row_count; i++) {
        const struct tare_compared_row *row = &section->rows[i];
        if (!is(row, data)) {
            continue;
        }
        if (count < NAMED_MAX) {
            tare__phrase_add(phrase, "%s%s%s%s", count > 0 ? ", " : "", row->module != NULL ? row->module : "",
                             row->module != NULL ? "::" : "", row->name);
        }
        count++;
    }
    if (count > NAMED_MAX) {
        tare__phrase_add(phrase, " and %zu more", count - NAMED_MAX);
    }
    return count;
}

/* Sentences on rows are constant, so that one is known by its address. */
static bool says(const struct tare_compared_row *row, const void *why)
{
    return row->why == why && row->failure == NULL;
}

static void say_why(struct tare__view_lines *lines, const struct tare_compared_section *section)
{
    for (size_t i = 0; i < section->row_count; i++) {
        const char *why = section->rows[i].why;
        struct tare__phrase phrase = {0};
        bool said = why == NULL || section->rows[i].failure != NULL;
        for (size_t j = 0; !said && j < i; j++) {
            said = says(&section->rows[j], why);
        }
        if (!said) {
            tare__phrase_add(&phrase, "note: ");
            add_names(&phrase, section, says, why);
            tare__phrase_add(&phrase, ": %s", why);
            say_phrase(lines, &phrase);
        }
    }
}

static void say_failures(struct tare__view_lines *lines, const struct tare_compared_section *section)
{
    size_t count = 0;
    for (size_t i = 0; i < section->row_count; i++) {
        const struct tare_compared_row *row = &section->rows[i];
        if (row->failure != NULL && count++ < NAMED_MAX) {
            tare__view_say(lines, "note: %s: %s: %s", row->name, row->why, row->failure);
        }
    }
    if (count > NAMED_MAX) {
        tare__view_say(lines, "note: %zu more failed", count - NAMED_MAX);
    }
}

static void say_calls(struct tare__view_lines *lines, const struct tare_compared_section *section, bool ascii)
{
    struct tare__phrase phrase = {0};
    size_t count = 0;
    for (size_t i = 0; i < section->row_count; i++) {
        const struct tare_compared_row *row = &section->rows[i];
        if (!tare__compare_other_calls(row)) {
            continue;
        }
        if (count++ < NAMED_MAX) {
            char change[TARE__NUMBER_TEXT];
            double ratio = row->old.count > 0 ? (double)row->new.count / (double)row->old.count : NAN;
            tare__phrase_add(
                &phrase, "%s%s::%s %" PRIu64 " %s %" PRIu64 "%s%s%s", count > 1 ? ", " : "", row->module,
                row->name, row->old.count, ascii ? "->" : "→", row->new.count, isnan(ratio) ? "" : " (",
                isnan(ratio) ? "" : tare__text_change(change, ratio, NAN, NAN, ascii), isnan(ratio) ? "" : ")");
        }
    }
    if (count > NAMED_MAX) {
        tare__phrase_add(&phrase, " and %zu more", count - NAMED_MAX);
    }
    if (count > 0) {
        tare__view_say(lines, "note: called another number of times: %s",
                       phrase.text != NULL ? phrase.text : "");
    }
    tare__phrase_release(&phrase);
}

static bool is_small_change(const struct tare_compared_row *row, const void *data)
{
    (void)data;
    return row->presence == TARE_COMPARED_BOTH && tare__compare_is_change(row) && row->comparison.within_margin;
}

static void say_small(struct tare__view_lines *lines, const struct tare_compare_report *report,
                      const struct tare_compared_section *section)
{
    struct tare__phrase phrase = {0};
    char margin[TARE__VIEW_NUMBER];
    size_t count = add_names(&phrase, section, is_small_change, NULL);
    if (count > 0 && phrase.error == 0) {
        tare__view_say(lines, "note: there is a change, within the margin of %s %%: %s",
                       short_number(margin, report->compared->rule.margin * 100), phrase.text);
    }
    if (phrase.error != 0 && lines->error == 0) {
        lines->error = phrase.error;
    }
    tare__phrase_release(&phrase);
}

static bool has_lost(const struct tare_result *result)
{
    return result->lost_instruments + result->lost_threads + result->lost_scopes + result->lost_processes > 0;
}

void tare__compare_notes(struct tare__view_lines *lines, const struct tare_compare_report *report,
                         size_t section, const struct tare__compare_plan *plan, bool ascii)
{
    const struct tare_compared_section *shown = &report->compared->sections[section];
    const struct tare_compare_source *sources[] = {&report->old, &report->news[section]};
    bool below = false;
    for (size_t i = 0; i < shown->row_count; i++) {
        below = below || shown->rows[i].old.below_limit || shown->rows[i].new.below_limit;
    }
    if (below && (tare__compare_has(plan, TARE__COMPARE_OLD) || tare__compare_has(plan, TARE__COMPARE_NEW))) {
        tare__view_say(lines, "note: '<': below the detection limit, so that it cannot be told from 0");
    }
    say_failures(lines, shown);
    say_why(lines, shown);
    say_small(lines, report, shown);
    if (!tare__compare_has(plan, TARE__COMPARE_COUNT)) {
        say_calls(lines, shown, ascii);
    }
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (has_lost(sources[i]->result)) {
            tare__view_say(lines, "note: not all found room in '%s': 'tare report' says what was lost",
                           sources[i]->label);
        }
    }
}

/* On all */

void tare__compare_caveat(struct tare__view_lines *lines, const struct tare_compare_report *report)
{
    struct tare__phrase phrase = {0};
    tare__phrase_add(
        &phrase, "Runs at different times have no pairs of rounds and no control arm: what became different on "
                 "the machine in between looks like a change of the code.");
    if (report->control != NULL) {
        tare__phrase_add(
            &phrase, " '%s', the old code once more, is a control of that: what differs there is unresolved.",
            report->control->label);
    } else {
        tare__phrase_add(&phrase, " A second result of the old code as --control shows part of that.");
    }
    tare__phrase_add(&phrase, " 'tare bench A --vs B' runs both in turns, and is the better instrument%s.",
                     has_timers(report) ? " for benchmarks and commands" : "");
    say_phrase(lines, &phrase);
}

void tare__compare_rule(struct tare__view_lines *lines, const struct tare_compare_report *report)
{
    const struct tare_compared *compared = report->compared;
    char confidence[TARE__VIEW_NUMBER], alpha[TARE__VIEW_NUMBER], margin[TARE__VIEW_NUMBER];
    size_t comparisons = compared->rule.comparisons;
    struct tare__phrase phrase = {0};
    bool unresolved = false;
    for (size_t i = 0; i < compared->section_count; i++) {
        unresolved = unresolved || compared->sections[i].verdicts[TARE_VERDICT_UNRESOLVED] > 0;
    }
    tare__phrase_add(
        &phrase, "%s, with their %s %% intervals (alpha %s",
        has_timers(report) ? "Changes are of net time on average" : "Changes are of medians of processes",
        confidence_text(confidence, compared->confidence), tare__view_number(alpha, compared->rule.alpha));
    if (comparisons > 1) {
        tare__phrase_add(&phrase, " over %zu comparisons", comparisons);
    }
    tare__phrase_add(&phrase, "); same is within %s %%", short_number(margin, compared->rule.margin * 100));
    if (unresolved) {
        tare__phrase_add(&phrase,
                         "; 'seen from': the smallest change that two such runs would have shown in 4 of 5 "
                         "cases");
    }
    tare__phrase_add(&phrase, ".");
    say_phrase(lines, &phrase);
}

static void say_figures(struct tare__view_lines *lines, const struct tare_compare_report *report)
{
    char confidence[TARE__VIEW_NUMBER];
    confidence_text(confidence, report->compared->confidence);
    if (has_timers(report)) {
        tare__view_say(lines, "old, new: the time of a call on average, less what measuring took (net).");
        tare__view_say(
            lines,
            "change: new to old, with Fieller's interval of the ratio, %s %%, made of the errors of both "
            "averages. These are taken for independent; what the two runs share of them makes the interval "
            "too wide, not too narrow.",
            confidence);
        return;
    }
    tare__view_say(lines,
                   "old, new: the median of a run's processes, of which each counts once, with the median "
                   "of its warm samples. Rounds that the rule on contamination dropped do not count.");
    tare__view_say(
        lines,
        "change: the ratio of the two medians, with its %s %% interval, made of how the processes of "
        "each run scatter.",
        confidence);
}

void tare__compare_statistics(struct tare__view_lines *lines, const struct tare_compare_report *report)
{
    const struct tare_compare_rule *rule = &report->compared->rule;
    char alpha[TARE__VIEW_NUMBER], margin[TARE__VIEW_NUMBER], control[TARE__VIEW_NUMBER];
    struct tare__phrase divided = {0};
    say_figures(lines, report);
    if (rule->comparisons > 1) {
        tare__phrase_add(&divided, ", divided over %zu comparisons", rule->comparisons);
    }
    tare__view_say(
        lines,
        "slower, faster: the interval lies on one side of 0. Where nothing differed, chance alone would "
        "say so of any of them in %s %% of such calls (alpha %s%s).",
        short_number(margin, rule->alpha * 100), tare__view_number(alpha, rule->alpha),
        divided.text != NULL ? divided.text : "");
    tare__phrase_release(&divided);
    tare__view_say(lines, "same: the interval holds 0 and lies within %s %% of it.",
                   short_number(margin, rule->margin * 100));
    tare__view_say(lines, "unresolved: neither of these. 'seen from' is the smallest change that two such runs "
                          "would have shown in 4 of 5 cases: repeat both for longer to see less.");
    if (report->control != NULL) {
        tare__view_say(lines,
                       "control: '%s' against '%s', both of the old code, by the same rule at %s %%. Where it "
                       "differs, or cannot be judged, the verdict is unresolved.",
                       report->control->label, report->old.label,
                       short_number(control, (1 - rule->control_alpha) * 100));
    }
}
