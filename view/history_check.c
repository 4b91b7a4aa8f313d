/* SPDX-License-Identifier: MIT */
/*
 * How a history was judged, for people. Names of series are long, so that a row is of several lines: the
 * status and the name, then what is known of it, then what to do. What is steady is counted alone.
 */
#include "view/history_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/escape.h"
#include "view/history_check_parts.h"

enum { DEFAULT_WIDTH = 80, STATUS_WIDTH = 13 };

static const char *style_of(enum tare_series_status status)
{
    switch (status) {
    case TARE_SERIES_REGRESSED:
    case TARE_SERIES_OVER_BUDGET:
        return TARE__RED;
    case TARE_SERIES_SUSPECTED:
    case TARE_SERIES_UNSTABLE:
        return TARE__YELLOW;
    case TARE_SERIES_IMPROVED:
        return TARE__GREEN;
    default:
        return TARE__BOLD;
    }
}

/* A sentence with its full stop, as lines for people have it. */
static void put_phrase(struct tare__lines_out *to, size_t indent, struct tare__phrase *phrase, const char *end)
{
    if (phrase->size > 0) {
        tare__phrase_add(phrase, "%s", end);
    }
    tare__lines_phrase(to, indent, indent, NULL, phrase);
}

static void put_series(struct tare__lines_out *to, const struct tare_history_check_view *view,
                       const struct tare_judged_series *series)
{
    struct tare__phrase phrase = {0};
    char head[STATUS_WIDTH + 1];
    char *title = tare_history_title(&series->line->series);
    if (title == NULL) {
        to->error = -ENOMEM;
        return;
    }
    snprintf(head, sizeof(head), "%-*s", STATUS_WIDTH, tare_series_status_names[series->status]);
    tare__lines_put(to, 0, STATUS_WIDTH, style_of(series->status), head, title);
    free(title);
    tare__history_say_what(&phrase, view, series, to->options->ascii);
    put_phrase(to, STATUS_WIDTH, &phrase, "");
    tare__history_say_todo(&phrase, view, series);
    if (phrase.size > 0 || phrase.error != 0) {
        struct tare__phrase todo = {0};
        tare__phrase_add(&todo, "to do: %s", phrase.text != NULL ? phrase.text : "");
        todo.error = todo.error != 0 ? todo.error : phrase.error;
        tare__phrase_release(&phrase);
        put_phrase(to, STATUS_WIDTH, &todo, "");
    }
}

static int write_table(const struct tare_history_check_view *view, const struct tare_view_options *options,
                       FILE *out)
{
    size_t width = options->width > 0 ? (size_t)options->width : DEFAULT_WIDTH;
    struct tare__lines_out to = {.out = out, .options = options, .width = width, .cut = options->width > 0};
    const struct tare_judged_series **sorted = tare__history_sorted(view->report);
    struct tare__phrase phrase = {0};
    bool any = false;
    if (sorted == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < view->report->count; i++) {
        if (tare__history_is_shown(sorted[i])) {
            put_series(&to, view, sorted[i]);
            any = true;
        }
    }
    free(sorted);
    fputs(any ? "\n" : "", out);
    tare__history_say_sum(&phrase, view);
    put_phrase(&to, 0, &phrase, "");
    tare__history_say_missing(&phrase, view);
    put_phrase(&to, 0, &phrase, "");
    for (const char *const *note = view->notes; note != NULL && *note != NULL; note++) {
        tare__lines_put(&to, 0, 6, NULL, "note: ", *note);
    }
    if (view->report->judged > 0) {
        tare__history_say_rule(&phrase, view);
        put_phrase(&to, 0, &phrase, ".");
    }
    return to.error != 0 ? to.error : tare__view_finish(out);
}

/* Markdown */

struct markdown {
    FILE *out;
    bool ascii;
    int error;
};

static void put_text(struct markdown *to, const char *text)
{
    if (to->error == 0) {
        to->error = tare__escape_markdown(to->out, text, to->ascii);
    }
}

/* Releases it. */
static void put_escaped(struct markdown *to, struct tare__phrase *phrase)
{
    to->error = to->error != 0 ? to->error : phrase->error;
    put_text(to, phrase->text != NULL ? phrase->text : "");
    tare__phrase_release(phrase);
}

static void put_cell(struct markdown *to, struct tare__phrase *phrase)
{
    fputs(" ", to->out);
    put_escaped(to, phrase);
    fputs(" |", to->out);
}

static void put_row(struct markdown *to, const struct tare_judged_series *series)
{
    struct tare__phrase phrase = {0};
    bool strong = series->status <= TARE_SERIES_SUSPECTED;
    char *title = tare_history_title(&series->line->series);
    if (title == NULL) {
        to->error = -ENOMEM;
        return;
    }
    fprintf(to->out, "| %s%s%s | ", strong ? "**" : "", tare_series_status_names[series->status],
            strong ? "**" : "");
    put_text(to, title);
    fputs(" |", to->out);
    free(title);
    tare__history_say_change(&phrase, series, to->ascii);
    put_cell(to, &phrase);
    tare__history_say_range(&phrase, series);
    put_cell(to, &phrase);
    tare__history_say_p(&phrase, series);
    put_cell(to, &phrase);
    putc('\n', to->out);
}

static void put_item(struct markdown *to, const struct tare_history_check_view *view,
                     const struct tare_judged_series *series)
{
    struct tare__phrase phrase = {0};
    char *title = tare_history_title(&series->line->series);
    if (title == NULL) {
        to->error = -ENOMEM;
        return;
    }
    fputs("- **", to->out);
    put_text(to, title);
    fputs("**: ", to->out);
    free(title);
    tare__history_say_what(&phrase, view, series, to->ascii);
    put_escaped(to, &phrase);
    tare__history_say_todo(&phrase, view, series);
    fputs(phrase.size > 0 ? ". To do: " : "", to->out);
    put_escaped(to, &phrase);
    putc('\n', to->out);
}

/* What a reader has to do something about is written out; the rest can be unfolded. */
static void put_details(struct markdown *to, const struct tare_history_check_view *view,
                        const struct tare_judged_series *const *sorted)
{
    size_t urgent = 0, shown = 0;
    for (size_t i = 0; i < view->report->count; i++) {
        urgent += sorted[i]->status <= TARE_SERIES_SUSPECTED;
        shown += tare__history_is_shown(sorted[i]);
    }
    fputs(urgent > 0 ? "\n" : "", to->out);
    for (size_t i = 0; i < urgent; i++) {
        put_item(to, view, sorted[i]);
    }
    if (shown > urgent) {
        fprintf(to->out, "\n<details>\n<summary>%zu more</summary>\n\n", shown - urgent);
        for (size_t i = urgent; i < view->report->count; i++) {
            if (tare__history_is_shown(sorted[i])) {
                put_item(to, view, sorted[i]);
            }
        }
        fputs("\n</details>\n", to->out);
    }
}

static const char *heading_of(const struct tare_history_report *report)
{
    return report->fails         ? "It got worse"
           : report->suspected   ? "Something may have got worse"
           : report->judged == 0 ? "Nothing could be judged"
                                 : "Nothing got worse";
}

static int write_markdown(const struct tare_history_check_view *view, const struct tare_view_options *options,
                          FILE *out)
{
    struct markdown to = {.out = out, .ascii = options->ascii};
    struct tare__phrase phrase = {0};
    const struct tare_judged_series **sorted = tare__history_sorted(view->report);
    if (sorted == NULL) {
        return -ENOMEM;
    }
    fprintf(out, "### %s\n\n", heading_of(view->report));
    tare__history_say_sum(&phrase, view);
    put_escaped(&to, &phrase);
    fputs(".\n", out);
    tare__history_say_missing(&phrase, view);
    if (phrase.size > 0) {
        fputs("\n> [!NOTE]\n> ", out);
        put_escaped(&to, &phrase);
        fputs(".\n", out);
    }
    if (view->report->count > 0 && tare__history_is_shown(sorted[0])) {
        fputs("\n| status | series | change | commits | chance |\n| :--- | :--- | :--- | :--- | :--- |\n", out);
        for (size_t i = 0; i < view->report->count && to.error == 0; i++) {
            if (tare__history_is_shown(sorted[i])) {
                put_row(&to, sorted[i]);
            }
        }
        put_details(&to, view, sorted);
    }
    free(sorted);
    for (const char *const *note = view->notes; note != NULL && *note != NULL; note++) {
        fputs("\nNote: ", out);
        put_text(&to, *note);
        putc('\n', out);
    }
    putc('\n', out);
    tare__history_say_rule(&phrase, view);
    put_escaped(&to, &phrase);
    fputs(".\n", out);
    return to.error != 0 ? to.error : tare__view_finish(out);
}

int tare_view_history_check(const struct tare_history_check_view *view, const struct tare_view_options *options,
                            enum tare_format format, FILE *out)
{
    switch (format) {
    case TARE_FORMAT_TABLE:
        return write_table(view, options, out);
    case TARE_FORMAT_MARKDOWN:
        return write_markdown(view, options, out);
    case TARE_FORMAT_JSON:
        return tare__history_check_json(view, out);
    default:
        return -EINVAL;
    }
}
