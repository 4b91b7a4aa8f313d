/* SPDX-License-Identifier: MIT */
/*
 * A comparison as Markdown for a pull request: a heading that says how it came out, a table of what changed,
 * and folded away what did not, the rule in words, and what was compared.
 */
#include "view/compare_cells.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/escape.h"

struct markdown {
    FILE *out;
    bool ascii;
    int error; /* the first */
};

static void put(struct markdown *markdown, const char *text, bool ascii)
{
    if (markdown->error == 0) {
        markdown->error = tare__escape_markdown(markdown->out, text, ascii);
    }
}

/* Each with `before` before it; leaves `lines` empty. */
static void put_lines(struct markdown *markdown, struct tare__view_lines *lines, const char *before,
                      const char *after)
{
    if (markdown->error == 0) {
        markdown->error = lines->error;
    }
    for (size_t i = 0; i < lines->count; i++) {
        fputs(before, markdown->out);
        put(markdown, lines->lines[i], markdown->ascii);
        fputs(after, markdown->out);
    }
    tare__view_lines_release(lines);
}

static void put_cell(struct markdown *markdown, unsigned column, const struct tare_compared_row *row)
{
    bool strong = column == TARE__COMPARE_VERDICT && tare_compared_beyond(row);
    char *cell = tare__compare_cell(column, row, markdown->ascii);
    if (cell == NULL && markdown->error == 0) {
        markdown->error = -ENOMEM;
    }
    fputs(strong ? "| **" : "| ", markdown->out);
    put(markdown, cell != NULL ? cell : "", markdown->ascii && column == TARE__COMPARE_NAME);
    fputs(strong ? "** " : " ", markdown->out);
    free(cell);
}

/* Of the rows that changed, or of those that did not. */
static void put_table(struct markdown *markdown, const struct tare__compare_plan *plan,
                      const struct tare_compare_report *report, size_t section, bool changes)
{
    const struct tare_compared_section *shown = &report->compared->sections[section];
    for (size_t i = 0; i < plan->count; i++) {
        fprintf(markdown->out, "| %s ",
                tare__compare_header(plan->columns[i], report->compared->kind, markdown->ascii));
    }
    fputs("|\n", markdown->out);
    for (size_t i = 0; i < plan->count; i++) {
        fputs(tare__compare_is_left(plan->columns[i]) ? "| :--- " : "| ---: ", markdown->out);
    }
    fputs("|\n", markdown->out);
    for (size_t i = 0; i < shown->row_count; i++) {
        if (tare__compare_is_change(&shown->rows[i]) != changes) {
            continue;
        }
        for (size_t j = 0; j < plan->count; j++) {
            put_cell(markdown, plan->columns[j], &shown->rows[i]);
        }
        fputs("|\n", markdown->out);
    }
}

static int plan_table(struct tare__compare_plan *plan, const struct tare_compare_report *report,
                      const struct tare_view_options *options)
{
    bool timers = report->compared->kind == TARE_COMPARED_TIMERS;
    char columns[96];
    if (options->columns != NULL) {
        return tare__compare_plan_make(plan, options->columns);
    }
    snprintf(columns, sizeof columns, "name,%sold,new,change,%sverdict", timers ? "count," : "",
             report->compared->controlled ? "control," : "");
    return tare__compare_plan_make(plan, columns);
}

static void open_details(struct markdown *markdown, const char *summary)
{
    fprintf(markdown->out, "\n<details>\n<summary>%s</summary>\n\n", summary);
}

static void close_details(struct markdown *markdown)
{
    fputs("\n</details>\n", markdown->out);
}

static void put_section(struct markdown *markdown, const struct tare_compare_report *report, size_t section,
                        const struct tare__compare_plan *plan)
{
    const struct tare_compared_section *shown = &report->compared->sections[section];
    struct tare__view_lines lines = {0};
    size_t changes = 0;
    for (size_t i = 0; i < shown->row_count; i++) {
        changes += tare__compare_is_change(&shown->rows[i]);
    }
    tare__compare_title(&lines, report, section);
    put_lines(markdown, &lines, section > 0 ? "\n### " : "### ", "\n");
    if (section == 0) {
        tare__compare_warnings(&lines, report, &report->old);
        if (report->control != NULL) {
            tare__compare_warnings(&lines, report, report->control);
        }
    }
    tare__compare_warnings(&lines, report, &report->news[section]);
    put_lines(markdown, &lines, "\n> [!WARNING]\n> ", "\n");
    if (changes > 0) {
        putc('\n', markdown->out);
        put_table(markdown, plan, report, section, true);
    }
    if (changes < shown->row_count) {
        char summary[64];
        snprintf(summary, sizeof summary, "%zu the same or unresolved", shown->row_count - changes);
        open_details(markdown, summary);
        put_table(markdown, plan, report, section, false);
        close_details(markdown);
    }
    tare__compare_notes(&lines, report, section, plan, markdown->ascii);
    fputs(lines.count > 0 ? "\n" : "", markdown->out);
    put_lines(markdown, &lines, "- ", "\n");
}

int tare__compare_markdown(const struct tare_compare_report *report, const struct tare_view_options *options,
                           FILE *out)
{
    struct markdown markdown = {.out = out, .ascii = options->ascii};
    struct tare__view_lines lines = {0};
    struct tare__compare_plan plan;
    int error = plan_table(&plan, report, options);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < report->compared->section_count; i++) {
        put_section(&markdown, report, i, &plan);
    }
    open_details(&markdown, "How this was judged, and what it cannot know");
    tare__compare_statistics(&lines, report);
    tare__compare_caveat(&lines, report);
    put_lines(&markdown, &lines, "- ", "\n");
    close_details(&markdown);
    open_details(&markdown, "What was compared");
    tare__compare_sides(&lines, report);
    put_lines(&markdown, &lines, "- ", "\n");
    close_details(&markdown);
    return markdown.error != 0 ? markdown.error : tare__view_finish(out);
}
