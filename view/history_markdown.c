/* SPDX-License-Identifier: MIT */
/*
 * The dashboard's overview as Markdown, for a comment on a pull request or a job's summary: what changed first,
 * and folded away what did not. It has an end that GitHub sets: so rows are made one by one, and those that do
 * not fit are left out whole, and counted.
 */
#include "view/history_page.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "view/budget.h"
#include "view/columns.h"
#include "view/escape.h"
#include "view/history_words.h"

enum {
    TITLE_MOST = 120, /* columns; the middle of a longer one is left out */
    TAIL = 1024,      /* bytes that are kept free for what stands behind the rows but the rule */
    UNIT_MOST = 24,
    LIMIT_MOST = 40,
    COMMIT_DIGITS = 8, /* in the tables; as the page has them */
    COMMIT_DIGITS_SAID = 12,
};

/* In the order in which they are listed. */
static const enum tare_series_status order[TARE_SERIES_STATUSES] = {
    TARE_SERIES_REGRESSED, TARE_SERIES_OVER_BUDGET, TARE_SERIES_SUSPECTED, TARE_SERIES_IMPROVED,
    TARE_SERIES_CHANGED,   TARE_SERIES_UNSTABLE,    TARE_SERIES_TOO_FEW,   TARE_SERIES_STEADY,
};
enum { STATUSES_CHANGED = 6 }; /* so many of them are in the first table */

struct row {
    const struct tare_judged_series *series;
    unsigned rank;
    double size; /* of the change, on a scale on which half and double are equal */
    size_t index;
    bool constant; /* these come last, and are counted alone */
};

struct markdown {
    const struct tare_history_page *page;
    const struct tare_history_report *report;
    FILE *out;
    size_t left; /* bytes */
    int error;
};

/* The one that the status is about; where there is none, the newest. */
static const struct tare_judged_change *change_of(const struct tare_judged_series *series)
{
    const struct tare_judged_change *about = tare__history_change(series);
    size_t count = series->changes.count;
    return about != NULL || count == 0 ? about : &series->judged[count - 1];
}

/* What has no ratio, as it came from 0 or went there, is beyond all that have one; as the page has it. */
static double size_of(const struct tare_judged_series *series)
{
    bool suspected = series->status == TARE_SERIES_SUSPECTED;
    double ratio = suspected ? series->suspicion.ratio : tare__history_ratio(series);
    bool changed = suspected || tare__history_change(series) != NULL;
    return ratio > 0 ? fabs(log(ratio)) : changed ? INFINITY : 0;
}

/* Whether it never changed: one value, at least twice, and nothing to say of it. As the page has it. */
static bool is_constant(const struct tare_judged_series *series)
{
    const struct tare_history_line *line = series->line;
    if ((series->status != TARE_SERIES_STEADY && series->status != TARE_SERIES_TOO_FEW) || line->count < 2) {
        return false;
    }
    for (size_t i = 1; i < line->count; i++) {
        if (line->points[i].value != line->points[0].value) {
            return false;
        }
    }
    return true;
}

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    if (a->constant != b->constant) {
        return a->constant ? 1 : -1;
    }
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    if (a->size != b->size) {
        return a->size > b->size ? -1 : 1;
    }
    return a->index < b->index ? -1 : 1;
}

static struct row *sorted_rows(const struct tare_history_report *report)
{
    struct row *rows = calloc(report->count + 1, sizeof(*rows));
    for (size_t i = 0; rows != NULL && i < report->count; i++) {
        const struct tare_judged_series *series = &report->series[i];
        rows[i] = (struct row){series, 0, size_of(series), i, is_constant(series)};
        while (order[rows[i].rank] != report->series[i].status) {
            rows[i].rank++;
        }
    }
    if (rows != NULL) {
        qsort(rows, report->count, sizeof(*rows), compare_rows);
    }
    return rows;
}

/* Cells */

static void put_escaped(struct markdown *markdown, FILE *out, const char *text)
{
    int error = tare__escape_markdown(out, text, false);
    markdown->error = markdown->error != 0 ? markdown->error : error;
}

/* `text`, of no more columns, and of no more bytes than so many ordinary characters have. */
static void put_short(struct markdown *markdown, FILE *out, const char *text, size_t most)
{
    char *safe = text != NULL ? tare__view_safe(text, false) : NULL;
    char *cut = safe != NULL ? tare__view_cut_middle(safe, most, "…") : NULL;
    if (cut == NULL) {
        markdown->error = -ENOMEM;
        return;
    }
    if (strlen(cut) > 4 * most) { /* many that take no column */
        size_t size = 4 * most;
        while (((unsigned char)cut[size] & 0xc0) == 0x80) {
            size--;
        }
        cut[size] = '\0';
    }
    put_escaped(markdown, out, cut);
    free(cut);
}

static void put_title(struct markdown *markdown, FILE *out, const struct tare_judged_series *series)
{
    const struct tare_history_series *key = &series->line->series;
    char *title = tare_history_title(key);
    put_short(markdown, out, title, TITLE_MOST);
    free(title);
    if (series->mixed && *key->fingerprint != '\0') {
        fputs(" (machine ", out);
        char machine[9] = "";
        strncat(machine, key->fingerprint, sizeof(machine) - 1);
        put_escaped(markdown, out, machine);
        fputs(")", out);
    }
}

static void put_value(struct markdown *markdown, FILE *out, const struct tare_judged_series *series,
                      double value)
{
    char text[TARE_VIEW_METRIC_VALUE], number[TARE__VIEW_NUMBER];
    const char *unit = series->line->series.unit;
    for (enum tare_metric_unit known = 0; known < TARE_METRIC_UNITS; known++) {
        if (strcmp(unit, tare_metric_unit_names[known]) == 0) {
            bool whole = fabs(value) < 1e15 && value == rint(value);
            put_escaped(markdown, out, tare_view_metric_value(text, known, value, whole, false));
            return;
        }
    }
    if (!isfinite(value)) {
        fputs("-", out);
        return;
    }
    snprintf(text, sizeof(text), "%.5g", value); /* an import's own unit */
    put_escaped(markdown, out, tare__view_number(number, strtod(text, NULL)));
    if (*unit != '\0') {
        putc(' ', out);
        put_short(markdown, out, unit, UNIT_MOST);
    }
}

/* "+12.3 %" of 1.123. */
static void put_percent(FILE *out, double ratio)
{
    char number[TARE__VIEW_NUMBER];
    if (!isfinite(ratio)) {
        fputs("-", out);
        return;
    }
    double percent = 100 * (ratio - 1);
    const char *text = tare__view_fixed(number, percent, fabs(percent) < 100 ? 1 : 0);
    bool zero = strspn(text, "-0.") == strlen(text);
    fprintf(out, "%s%s %%", percent > 0 && !zero ? "+" : "", zero && *text == '-' ? text + 1 : text);
}

/* What has no ratio is told by its levels. */
static void put_size(struct markdown *markdown, FILE *out, const struct tare_judged_series *series,
                     double ratio, double before, double after)
{
    if (isfinite(ratio)) {
        put_percent(out, ratio);
        return;
    }
    fputs("from ", out);
    put_value(markdown, out, series, before);
    fputs(" to ", out);
    put_value(markdown, out, series, after);
}

static void put_limit(struct markdown *markdown, FILE *out, const struct tare_judged *budget)
{
    const struct tare_budget_entry *entry = budget->entry;
    const char *limit = entry->target.text != NULL ? entry->target.text : entry->critical.text;
    fputs(entry->direction == TARE_BUDGET_AT_LEAST ? "at least " : "at most ", out);
    put_short(markdown, out, limit != NULL ? limit : "-", LIMIT_MOST);
    if (entry->to_baseline || entry->relative_to != NULL) {
        fputs(" times ", out);
        put_short(markdown, out, entry->to_baseline ? "the baseline" : entry->relative_to, TITLE_MOST);
    }
}

static void put_change(struct markdown *markdown, FILE *out, const struct tare_judged_series *series,
                       const struct tare_judged_change *change)
{
    if (series->status == TARE_SERIES_SUSPECTED) {
        put_size(markdown, out, series, series->suspicion.ratio, series->suspicion.level,
                 series->suspicion.level + series->suspicion.shift);
        fprintf(out, " in the newest %s", series->suspicion.count == 1 ? "value" : "two values");
        return;
    }
    if (series->status == TARE_SERIES_OVER_BUDGET && series->budget.entry != NULL) {
        put_limit(markdown, out, &series->budget);
        return;
    }
    if (series->status == TARE_SERIES_UNSTABLE && change == NULL) {
        char number[TARE__VIEW_NUMBER];
        fprintf(out, "scatters by %s %%", tare__view_fixed(number, 100 * series->changes.spread, 1));
        return;
    }
    if (change == NULL) {
        fputs("-", out);
        return;
    }
    const struct tare_change *size = &change->change;
    put_size(markdown, out, series, size->ratio, size->before, size->after);
    if (isfinite(size->ratio) && isfinite(size->ratio_low) && isfinite(size->ratio_high)) {
        fputs(" (", out);
        put_percent(out, size->ratio_low);
        fputs(" to ", out);
        put_percent(out, size->ratio_high);
        fputs(")", out);
    } else if (isfinite(size->ratio)) {
        fputs(" (interval unknown: too few points)", out);
    }
    fputs(change->change.kind == TARE_CHANGE_DRIFT ? ", a drift" : "", out);
    if (change->weight != TARE_CHANGE_COUNTS) {
        fprintf(out, ", %s",
                change->weight == TARE_CHANGE_OLD      ? "earlier, or accepted"
                : change->weight == TARE_CHANGE_UNDONE ? "taken back later"
                : change->weight == TARE_CHANGE_SMALL  ? "below the margin"
                                                       : "perhaps chance, over so many series");
    }
}

static void put_commit(struct markdown *markdown, FILE *out, const struct tare_history_commit *commit)
{
    char digits[COMMIT_DIGITS + 1] = "";
    char *link = tare__history_commit_link(markdown->page, commit);
    strncat(digits, commit->id, COMMIT_DIGITS);
    fputs(link != NULL ? "[" : "", out);
    put_escaped(markdown, out, digits);
    if (link != NULL) {
        fprintf(out, "](<%s>)", link); /* neither has what ends it: tare_history_is_link() */
    }
    free(link);
}

static void put_commits(struct markdown *markdown, FILE *out, const struct tare_judged_series *series,
                        const struct tare_judged_change *change)
{
    bool of_change = change != NULL && change->bad != NULL && series->status != TARE_SERIES_SUSPECTED &&
                     series->status != TARE_SERIES_OVER_BUDGET;
    if (of_change) {
        if (change->good != NULL) {
            fputs("after ", out);
            put_commit(markdown, out, change->good);
            fputs(", at or before ", out);
        }
        put_commit(markdown, out, change->bad);
        if (change->likely != NULL && change->likely != change->bad) {
            fputs(", most likely ", out);
            put_commit(markdown, out, change->likely);
        }
        return;
    }
    const struct tare_history_line *line = series->line;
    const struct tare_history_run *run =
        line->count > 0 ? tare_history_find_run(markdown->page->history, line->points[line->count - 1].run)
                        : NULL;
    const struct tare_history_commit *commit =
        run != NULL && run->commit != NULL ? tare_history_find_commit(markdown->page->history, run->commit)
                                           : NULL;
    if (commit != NULL) {
        put_commit(markdown, out, commit);
    } else {
        fputs("-", out);
    }
}

static double level_of(const struct tare_judged_series *series)
{
    bool known = series->line->count >= TARE_CHANGE_FEWEST && isfinite(series->changes.level);
    return known && series->status != TARE_SERIES_SUSPECTED && series->status != TARE_SERIES_OVER_BUDGET
               ? series->changes.level
               : series->last;
}

static void put_row(struct markdown *markdown, FILE *out, const struct row *row)
{
    const struct tare_judged_series *series = row->series;
    bool fails = series->status == TARE_SERIES_REGRESSED || series->status == TARE_SERIES_OVER_BUDGET;
    bool changed = row->rank < STATUSES_CHANGED;
    fprintf(out, fails ? "| **%s** | " : "| %s | ", tare_series_status_names[series->status]);
    put_title(markdown, out, series);
    fputs(" | ", out);
    put_value(markdown, out, series, level_of(series));
    if (changed) {
        const struct tare_judged_change *change = change_of(series);
        fputs(" | ", out);
        put_change(markdown, out, series, change);
        fputs(" | ", out);
        put_commits(markdown, out, series, change);
    }
    fputs(" | ", out);
    put_percent(out, series->last / series->previous);
    fputs(" | ", out);
    put_percent(out, series->last / series->baseline);
    fputs(" |\n", out);
}

/* The document */

static void put_text(struct markdown *markdown, const char *text)
{
    size_t size = strlen(text);
    markdown->left -= size < markdown->left ? size : markdown->left;
    fputs(text, markdown->out);
}

/* Rows [from, to) of the table, as many as fit; how many were left out. */
static size_t put_rows(struct markdown *markdown, const struct row *rows, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        if (out != NULL) {
            put_row(markdown, out, &rows[i]);
        }
        if (out == NULL || fclose(out) != 0 || markdown->error != 0) {
            markdown->error = markdown->error != 0 ? markdown->error : -ENOMEM;
            free(text);
            return 0;
        }
        bool fits = size <= markdown->left;
        if (fits) {
            put_text(markdown, text);
        }
        free(text);
        if (!fits) {
            return to - i;
        }
    }
    return 0;
}

static void put_left_out(struct markdown *markdown, size_t count)
{
    if (count > 0) {
        fprintf(markdown->out, "\n%zu more series are left out, as this would be too long.\n", count);
    }
}

static char *heading(struct markdown *markdown)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    char *title = tare__history_page_title(markdown->page);
    if (out == NULL || title == NULL) {
        markdown->error = -ENOMEM;
    } else {
        size_t worse = markdown->report->by_status[TARE_SERIES_REGRESSED] +
                       markdown->report->by_status[TARE_SERIES_OVER_BUDGET];
        fputs("### ", out);
        put_short(markdown, out, title, 2 * TITLE_MOST);
        fputs("\n\n", out);
        if (markdown->page->branch != NULL) {
            fputs("Branch ", out);
            put_short(markdown, out, markdown->page->branch, TITLE_MOST);
            fputs(". ", out);
        }
        fprintf(out, "%s %zu series: ",
                worse > 0                     ? "**Worse.**"
                : markdown->report->fails     ? "**Not judged: a budget's value is unknown.**"
                : markdown->report->suspected ? "Perhaps worse: needs a re-run."
                                              : "Nothing became worse.",
                markdown->report->count);
        const char *before = "";
        for (size_t i = 0; i < TARE_SERIES_STATUSES; i++) {
            size_t count = markdown->report->by_status[order[i]];
            if (count > 0) {
                fprintf(out, "%s%zu %s", before, count, tare_series_status_names[order[i]]);
                before = ", ";
            }
        }
        fputs("\n", out);
    }
    free(title);
    if (out != NULL && fclose(out) != 0) {
        markdown->error = -ENOMEM;
    }
    return text;
}

static char *rule_in_words(struct markdown *markdown)
{
    const struct tare_check_rule *rule = &markdown->report->rule;
    char *text = NULL, number[TARE__VIEW_NUMBER];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    fputs("\nWhat counts: ", out);
    if (rule->against != NULL) {
        fputs("the level now against that at ", out);
        put_short(markdown, out, rule->against, COMMIT_DIGITS_SAID);
    } else if (rule->since != NULL) {
        fputs("changes behind ", out);
        put_short(markdown, out, rule->since, LIMIT_MOST);
    } else if (rule->since_ms != TARE_HISTORY_UNKNOWN) {
        fputs("changes since a date", out);
    } else if (markdown->report->baseline != NULL) {
        fputs("changes behind the baseline ", out);
        put_short(markdown, out, markdown->report->baseline->name, LIMIT_MOST);
    } else {
        fprintf(out, "changes in the newest %zu points", rule->window);
    }
    fprintf(out, "; beyond %s %%", tare__view_number(number, rule->margin * 100));
    fprintf(out, "; with a chance of %s of a false alarm, over all series. In brackets: the 95 %% interval.\n",
            tare__view_number(number, rule->alpha));
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

int tare_history_page_markdown(const struct tare_history_page *page, FILE *out)
{
    struct markdown markdown = {
        .page = page, .report = page->report, .out = out, .left = TARE_HISTORY_MARKDOWN_MOST - TAIL};
    struct row *rows = sorted_rows(page->report);
    char *head = heading(&markdown), *rule = rule_in_words(&markdown);
    if (rows == NULL || head == NULL || rule == NULL || markdown.error != 0) {
        free(rows);
        free(head);
        free(rule);
        return -ENOMEM;
    }
    size_t count = page->report->count, changed = 0;
    while (changed < count && rows[changed].rank < STATUSES_CHANGED) {
        changed++;
    }
    size_t moving = count;
    while (moving > changed && rows[moving - 1].constant) {
        moving--;
    }
    put_text(&markdown, head);
    markdown.left -= strlen(rule);
    if (changed > 0) {
        put_text(&markdown,
                 "\n| status | series | now | change | commits | last to previous | last to baseline |\n"
                 "| :--- | :--- | ---: | :--- | :--- | ---: | ---: |\n");
        put_left_out(&markdown, put_rows(&markdown, rows, 0, changed));
    }
    char summary[96];
    if (changed < moving && markdown.error == 0) {
        snprintf(summary, sizeof(summary),
                 "\n<details>\n<summary>%zu without a change that counts</summary>\n\n", moving - changed);
        put_text(&markdown, summary);
        put_text(&markdown, "| status | series | now | last to previous | last to baseline |\n"
                            "| :--- | :--- | ---: | ---: | ---: |\n");
        put_left_out(&markdown, put_rows(&markdown, rows, changed, moving));
        put_text(&markdown, "\n</details>\n");
    }
    if (moving < count) {
        snprintf(summary, sizeof(summary), "\n%zu series never changed.\n", count - moving);
        put_text(&markdown, summary);
    }
    fputs(rule, out);
    free(rows);
    free(head);
    free(rule);
    return markdown.error != 0 ? markdown.error : tare__view_finish(out);
}
