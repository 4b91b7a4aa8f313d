/* SPDX-License-Identifier: MIT */
/*
 * A profile for people: what it was taken with, the table, and what the table cannot tell. The same rows go to
 * a terminal and into Markdown; CSV, which has every figure, is in view/profile_csv.c.
 */
#include "view/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record/source_text.h"
#include "view/columns.h"
#include "view/escape.h"
#include "view/profile_cells.h"
#include "view/profile_say.h"

enum {
    WIDTH = 97,        /* of tables where there is no terminal, as in view/table.c, */
    TEXT_WIDTH = 80,   /* and of what is said around them */
    OBJECT_WIDTH = 18, /* of an object's name in a terminal at most, */
    WIDE = 110,        /* and twice that in one from here on */
    PARTS = 50,        /* tables in a row: nobody reads more */
    TIMER_TOP = 5,     /* rows of each timer where they stand below the table of all */
};

/* One output. */
struct page {
    const struct tare_result *result;
    const struct tare_profile *profile;
    const struct tare_profile_view *view;
    const struct tare_view_options *options;
    struct tare__lines_out lines;
    bool markdown;
};

static bool has_failed(const struct page *page)
{
    return page->lines.error != 0;
}

static void fail(struct page *page, int error)
{
    if (page->lines.error == 0) {
        page->lines.error = error;
    }
}

/* A line of what is said. In Markdown each is a paragraph's line of its own. */
static void put_line(void *data, const char *head, const char *rest, bool note)
{
    struct page *page = data;
    if (has_failed(page)) {
        return;
    }
    if (!page->markdown) {
        size_t hang = note && *head != '\0' ? strlen(head) : 2;
        tare__lines_put(&page->lines, 0, hang, note ? NULL : TARE__BOLD, head, rest);
        return;
    }
    fputs("- ", page->lines.out);
    int error = tare__escape_markdown(page->lines.out, note ? "" : head, page->options->ascii);
    fail(page, error != 0 ? error : tare__escape_markdown(page->lines.out, rest, page->options->ascii));
    putc('\n', page->lines.out);
}

static void put_blank(struct page *page)
{
    putc('\n', page->lines.out);
}

/* Of a table, with a blank line before it. */
static void put_title(struct page *page, const char *title)
{
    if (has_failed(page)) {
        return;
    }
    put_blank(page);
    if (page->markdown) {
        fputs("### ", page->lines.out);
        fail(page, tare__escape_markdown(page->lines.out, title, page->options->ascii));
        fputs("\n\n", page->lines.out);
    } else {
        tare__lines_put(&page->lines, 0, 2, TARE__BOLD, title, "");
    }
}

static void put_cells(struct page *page, struct tare__cells *cells)
{
    if (!has_failed(page)) {
        if (page->markdown) {
            fail(page, tare__cells_markdown(cells, page->options->ascii, page->lines.out));
        } else {
            /* Names of C++ have hundreds of characters: CSV and JSON have whole ones. Source stays as it is. */
            struct tare__lines_out lines = page->lines;
            if (page->options->width <= 0 && page->view->show != TARE_PROFILE_ANNOTATE) {
                lines.width = WIDTH;
                lines.cut = true;
            }
            tare__cells_table(cells, &lines);
            fail(page, lines.error);
        }
    }
    tare__cells_release(cells);
}

/* "12.3 ± 1.0 %" */
static char *share_text(char buffer[2 * TARE__NUMBER_TEXT], const struct page *page, double share, double error,
                        double effective)
{
    char percent[TARE__NUMBER_TEXT], half[TARE__NUMBER_TEXT];
    snprintf(buffer, 2 * TARE__NUMBER_TEXT, "%s %s %s %%", tare__profile_percent(percent, share, effective),
             page->options->ascii ? "+-" : "±", tare__profile_percent(half, error, effective));
    return buffer;
}

/* Functions of the kernel are marked: a name alone does not tell. The caller frees it. */
static char *function_text(const struct tare_profile_function *function)
{
    char *text;
    return asprintf(&text, "%s%s", function->kernel ? "[k] " : "", function->name) < 0 ? NULL : text;
}

static char *count_text(char buffer[24], const struct page *page, uint64_t weight, uint64_t samples)
{
    snprintf(buffer, 24, "%" PRIu64, tare__profile_is_folded(page->profile) ? weight : samples);
    return buffer;
}

static const char *count_header(const struct page *page)
{
    return tare__profile_is_folded(page->profile) ? "weight" : "samples";
}

static size_t object_width(const struct page *page)
{
    return page->options->width >= WIDE ? 2 * OBJECT_WIDTH : OBJECT_WIDTH;
}

/* The functions */

/* Of waiting, how long it was says more than how often. */
static bool shows_time(const struct page *page)
{
    return page->profile->off_cpu && page->profile->unit != NULL && strcmp(page->profile->unit, "ns") == 0;
}

static void add_function(struct tare__cells *cells, const struct page *page,
                         const struct tare_profile_functions *functions, uint32_t number)
{
    const struct tare_profile_function *function = &functions->functions[number];
    bool by_total = page->view->by_total;
    char self[TARE__NUMBER_TEXT], error[TARE__NUMBER_TEXT], total[TARE__NUMBER_TEXT], samples[24];
    char time[TARE__VIEW_NUMBER];
    char *name = function_text(function);
    if (name == NULL) {
        cells->error = -ENOMEM;
        return;
    }
    count_text(samples, page, by_total ? function->total : function->self,
               by_total ? function->total_samples : function->self_samples);
    tare__profile_percent(self, function->self_share, functions->effective);
    tare__profile_percent(error, by_total ? function->total_error : function->self_error, functions->effective);
    tare__profile_percent(total, function->total_share, functions->effective);
    const char *object = tare_profile_object_name(page->profile, function->object);
    bool with_time = shows_time(page);
    tare__view_fixed(time, (double)(by_total ? function->total : function->self) / 1e6, 1);
    const char *texts[] = {name,
                           by_total ? total : self,
                           error,
                           by_total ? self : total,
                           with_time ? time : samples,
                           with_time ? samples : object,
                           object};
    tare__cells_add(cells, texts, page->options->ascii);
    free(name);
}

/* `top` rows, 0: all. What is left out is said, if `rest`. */
static void put_functions(struct page *page, const struct tare_profile_functions *functions, size_t top,
                          bool rest)
{
    bool by_total = page->view->by_total, with_time = shows_time(page);
    const struct tare__cells_column time_column = {.header = by_total ? "total ms" : "self ms"};
    const struct tare__cells_column count_column = {.header = count_header(page)};
    const struct tare__cells_column object_column = {
        .header = "object", .text = true, .most = object_width(page)};
    const struct tare__cells_column columns[] = {
        {.header = "function", .text = true, .flexible = true},
        {.header = by_total ? "total %" : "self %"},
        {.header = page->options->ascii ? "+- 95 %" : "± 95 %", .dim = true},
        {.header = by_total ? "self %" : "total %"},
        with_time ? time_column : count_column,
        with_time ? count_column : object_column,
        object_column,
    };
    size_t column_count = sizeof columns / sizeof columns[0] - (with_time ? 0 : 1);
    struct tare__cells cells = {.columns = columns, .column_count = column_count};
    size_t count;
    uint32_t *order = tare__profile_order(functions, by_total, &count);
    if (order == NULL) {
        fail(page, -ENOMEM);
        return;
    }
    size_t shown = top == 0 || top > count ? count : top;
    if (count == 0) {
        put_line(page, "", "no stacks", true);
        free(order);
        return;
    }
    for (size_t i = 0; i < shown; i++) {
        add_function(&cells, page, functions, order[i]);
    }
    put_cells(page, &cells);
    if (rest && shown < count && !has_failed(page)) {
        uint64_t left = 0;
        char text[160], percent[TARE__NUMBER_TEXT];
        for (size_t i = shown; i < count; i++) {
            left += functions->functions[order[i]].self;
        }
        snprintf(text, sizeof text, "%zu more function%s with %s of self time: --top %zu, --top 0 for all",
                 count - shown, count - shown == 1 ? "" : "s",
                 tare__text_percent(percent, (double)left / (double)functions->weight), shown * 2);
        put_blank(page);
        put_line(page, "", text, true);
    }
    free(order);
}

/* Callers and callees */

struct edge_row {
    const char *name;
    uint64_t weight, samples;
    const char *object;
};

static void add_edge(struct tare__cells *cells, const struct page *page,
                     const struct tare_profile_functions *functions, uint64_t of, const struct edge_row *row)
{
    char part[TARE__NUMBER_TEXT], all[TARE__NUMBER_TEXT], samples[24];
    double of_function = of > 0 ? (double)row->weight / (double)of : NAN;
    double of_all = functions->weight > 0 ? (double)row->weight / (double)functions->weight : NAN;
    count_text(samples, page, row->weight, row->samples);
    const char *texts[] = {row->name, tare__profile_percent(part, of_function, functions->effective),
                           tare__profile_percent(all, of_all, functions->effective), samples, row->object};
    tare__cells_add(cells, texts, page->options->ascii);
}

static void put_function_line(struct page *page, const struct tare_profile_functions *functions,
                              uint32_t number, const char *what)
{
    const struct tare_profile_function *function = &functions->functions[number];
    struct tare__phrase phrase = {0};
    char self[2 * TARE__NUMBER_TEXT], total[2 * TARE__NUMBER_TEXT];
    char *name = function_text(function);
    const char *object = tare_profile_object_name(page->profile, function->object);
    bool known = *object != '\0';
    tare__phrase_add(&phrase, "%s%s%s%s%s", what, name != NULL ? name : "-", known ? " (" : "", object,
                     known ? ")" : "");
    fail(page, name == NULL ? -ENOMEM : phrase.error);
    if (!has_failed(page)) {
        put_title(page, phrase.text);
    }
    tare__phrase_release(&phrase);
    free(name);
    tare__phrase_add(
        &phrase, "self %s, total %s of %" PRIu64 " %s",
        share_text(self, page, function->self_share, function->self_error, functions->effective),
        share_text(total, page, function->total_share, function->total_error, functions->effective),
        tare__profile_is_folded(page->profile) ? functions->weight : functions->samples,
        tare__profile_is_folded(page->profile) ? "in all" : "samples");
    fail(page, phrase.error);
    if (!has_failed(page)) {
        put_line(page, "", phrase.text, true);
        put_blank(page);
    }
    tare__phrase_release(&phrase);
}

static void put_edges(struct page *page, const struct tare_profile_functions *functions,
                      const struct tare_profile_filter *filter)
{
    bool callers = page->view->show == TARE_PROFILE_CALLERS;
    uint32_t number = functions->of_frame[page->view->frame];
    const struct tare_profile_function *function = &functions->functions[number];
    const struct tare__cells_column columns[] = {
        {.header = callers ? "caller" : "callee", .text = true, .flexible = true},
        {.header = "of it %"},
        {.header = "of all %"},
        {.header = count_header(page)},
        {.header = "object", .text = true, .most = object_width(page)},
    };
    struct tare__cells cells = {.columns = columns, .column_count = sizeof columns / sizeof columns[0]};
    struct tare_profile_edge *edges;
    size_t count, top = page->view->top;
    int error = tare_profile_edges(page->profile, filter, functions, number, callers, &edges, &count);
    if (error != 0) {
        fail(page, error);
        return;
    }
    put_function_line(page, functions, number, callers ? "callers of " : "callees of ");
    if (!callers && function->self_samples > 0) {
        const struct edge_row itself = {"[itself]", function->self, function->self_samples, ""};
        add_edge(&cells, page, functions, function->total, &itself);
    }
    for (size_t i = 0; i < count && (top == 0 || i < top); i++) {
        const struct tare_profile_function *other =
            edges[i].function == TARE_PROFILE_NONE ? NULL : &functions->functions[edges[i].function];
        char *name = other != NULL ? function_text(other) : strdup("[nobody: it is outermost]");
        if (name == NULL) {
            cells.error = -ENOMEM;
            break;
        }
        const struct edge_row row = {name, edges[i].weight, edges[i].samples,
                                     other != NULL ? tare_profile_object_name(page->profile, other->object)
                                                   : ""};
        add_edge(&cells, page, functions, function->total, &row);
        free(name);
    }
    free(edges);
    put_cells(page, &cells);
}

/* Lines */

enum {
    NEAR = 3,       /* lines of source around one that has samples */
    WHOLE_MOST = 60 /* a function of so many lines is shown whole */
};

/* Tabs as blanks up to the next of every 4 columns: a table shows no tab. The caller frees it. */
static char *without_tabs(const char *line)
{
    size_t size = strlen(line), column = 0;
    char *text = malloc(size * 4 + 1);
    for (size_t i = 0; text != NULL && i < size; i++) {
        if (line[i] == '\t') {
            do {
                text[column++] = ' ';
            } while (column % 4 != 0);
        } else {
            text[column++] = line[i];
        }
    }
    if (text != NULL) {
        text[column] = '\0';
    }
    return text;
}

/* The lines of one file. */
struct annotated {
    const struct tare_profile_functions *functions;
    const struct tare_profile_line *lines;
    size_t count;
    const struct tare_source_text *source; /* NULL: not to be had */
};

/* `line` NULL: without samples. */
static void add_source_line(struct tare__cells *cells, const struct page *page,
                            const struct annotated *annotated, const struct tare_profile_line *line,
                            uint32_t number)
{
    const struct tare_profile_functions *functions = annotated->functions;
    char self[TARE__NUMBER_TEXT] = "", total[TARE__NUMBER_TEXT] = "", samples[24] = "", where[16] = "-";
    const struct tare_source_text *source = annotated->source;
    bool has_text = source != NULL && number > 0 && number <= source->count;
    char *text = without_tabs(has_text ? source->lines[number - 1] : "");
    if (text == NULL) {
        cells->error = -ENOMEM;
        return;
    }
    if (line != NULL) {
        double all = (double)functions->weight;
        if (line->self_samples > 0) {
            tare__profile_percent(self, all > 0 ? (double)line->self / all : NAN, functions->effective);
        }
        tare__profile_percent(total, all > 0 ? (double)line->total / all : NAN, functions->effective);
        count_text(samples, page, line->total, line->total_samples);
    }
    if (number > 0) {
        snprintf(where, sizeof where, "%" PRIu32, number);
    }
    const char *texts[] = {self, total, samples, where, text};
    tare__cells_add(cells, texts, page->options->ascii);
    free(text);
}

/* Where the source is shown from and to, around the line. */
static void range_around(const struct annotated *annotated, uint32_t declared, size_t i, uint32_t *from,
                         uint32_t *to)
{
    uint32_t first = annotated->lines[0].line, last = annotated->lines[annotated->count - 1].line;
    uint32_t at = annotated->lines[i].line;
    first = declared > 0 && declared <= first ? declared : first;
    if (last - first < WHOLE_MOST) {
        *from = first;
        *to = last;
    } else {
        *from = at - first > NEAR ? at - NEAR : first;
        *to = last - at > NEAR ? at + NEAR : last;
    }
}

static void put_file(struct page *page, const struct annotated *annotated, uint32_t declared)
{
    const struct tare__cells_column columns[] = {
        {.header = "self %"},
        {.header = "total %"},
        {.header = count_header(page)},
        {.header = "line"},
        {.header = "source", .text = true, .flexible = true, .verbatim = true},
    };
    size_t column_count = sizeof columns / sizeof columns[0] - (annotated->source == NULL ? 1 : 0);
    struct tare__cells cells = {.columns = columns, .column_count = column_count};
    uint32_t next = 0; /* the first line that was not shown yet */
    for (size_t i = 0; i < annotated->count; i++) {
        const struct tare_profile_line *line = &annotated->lines[i];
        bool last = i + 1 == annotated->count;
        uint32_t from = line->line, to = line->line;
        if (annotated->source != NULL && line->line > 0 && annotated->lines[0].line > 0) {
            range_around(annotated, declared, i, &from, &to);
        }
        if (from < next) {
            from = next;
        } else if (next > 0 && from > next && annotated->source != NULL) {
            const char *gap[] = {"", "", "", "...", ""};
            tare__cells_add(&cells, gap, page->options->ascii);
        }
        for (uint32_t number = from; number < line->line; number++) {
            add_source_line(&cells, page, annotated, NULL, number);
        }
        add_source_line(&cells, page, annotated, line, line->line);
        /* Up to the next line with samples, which shows those before it. */
        uint32_t end = last || annotated->lines[i + 1].line > to ? to : annotated->lines[i + 1].line - 1;
        for (uint32_t number = line->line; number < end; number++) {
            add_source_line(&cells, page, annotated, NULL, number + 1);
        }
        next = (end > line->line ? end : line->line) + 1;
    }
    put_cells(page, &cells);
}

/* When the profile was begun; -1: unknown. */
static time_t started(const struct tare_result *result)
{
    struct tm when = {0};
    const char *end = result->started != NULL ? strptime(result->started, "%Y-%m-%dT%H:%M:%SZ", &when) : NULL;
    return end != NULL && *end == '\0' ? timegm(&when) : (time_t)-1;
}

/* Says where the source is from, or that there is none. */
static void put_source_line(struct page *page, const char *file, const struct tare_source_text *source)
{
    struct tare__phrase phrase = {0};
    time_t begun = started(page->result);
    if (file == NULL) {
        tare__phrase_add(&phrase, "without a line: there is no debug information (build with -g)");
    } else if (source == NULL) {
        tare__phrase_add(&phrase, "the source '%s' was not found: --source DIR says where it is", file);
    } else {
        tare__phrase_add(&phrase, "source %s", source->path);
        if (begun != (time_t)-1 && source->modified > begun) {
            tare__phrase_add(&phrase, ", which was changed after the profile was taken: lines may be others");
        }
    }
    fail(page, phrase.error);
    if (!has_failed(page)) {
        put_line(page, "", phrase.text, true);
        if (page->markdown) {
            put_blank(page);
        }
    }
    tare__phrase_release(&phrase);
}

static bool same_file(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void put_annotation(struct page *page, const struct tare_profile_functions *functions,
                           const struct tare_profile_filter *filter)
{
    uint32_t number = functions->of_frame[page->view->frame];
    const struct tare_profile_function *function = &functions->functions[number];
    struct tare_profile_line *lines;
    size_t count, end;
    int error = tare_profile_lines(page->profile, filter, functions, number, &lines, &count);
    if (error != 0) {
        fail(page, error);
        return;
    }
    put_function_line(page, functions, number, "lines of ");
    for (size_t begin = 0; begin < count && !has_failed(page); begin = end) {
        struct tare_source_text source = {0};
        const char *file = lines[begin].file;
        end = begin + 1;
        while (end < count && same_file(lines[end].file, file)) {
            end++;
        }
        error = file != NULL ? tare_source_text_read(&source, file, page->view->source) : -ENOENT;
        if (error == -ENOMEM) {
            fail(page, error);
        }
        const struct annotated annotated = {.functions = functions,
                                            .lines = lines + begin,
                                            .count = end - begin,
                                            .source = error == 0 ? &source : NULL};
        put_source_line(page, file, annotated.source);
        put_file(page, &annotated, same_file(function->file, file) ? function->line : 0);
        if (end < count) {
            put_blank(page);
        }
        tare_source_text_release(&source);
    }
    free(lines);
}

/* All of it */

static void put_body(struct page *page, const struct tare_profile_functions *functions,
                     const struct tare_profile_filter *filter, size_t top, bool rest)
{
    switch (page->view->show) {
    case TARE_PROFILE_FUNCTIONS:
        put_functions(page, functions, top, rest);
        break;
    case TARE_PROFILE_CALLERS:
    case TARE_PROFILE_CALLEES:
        put_edges(page, functions, filter);
        break;
    case TARE_PROFILE_ANNOTATE:
        put_annotation(page, functions, filter);
        break;
    }
}

/* A table for each thread, process or timer; the shares in it are of its own samples. */
static void put_parts(struct page *page, size_t top)
{
    struct tare__profile_parts parts;
    int error = tare__profile_parts_make(page->profile, page->view, &parts);
    fail(page, error);
    for (size_t i = 0; i < parts.count && i < PARTS && !has_failed(page); i++) {
        const struct tare__profile_part *part = &parts.parts[i];
        struct tare_profile_functions functions;
        struct tare__phrase title = {0};
        char percent[TARE__NUMBER_TEXT];
        double share = parts.weight > 0 ? (double)part->weight / (double)parts.weight : NAN;
        error = tare_profile_functions_make(page->profile, &part->filter, &functions);
        tare__phrase_add(&title, "%s: %s of all, %" PRIu64 " sample%s", part->title,
                         tare__text_percent(percent, share), part->samples, part->samples == 1 ? "" : "s");
        if (part->measuring > 0) {
            tare__phrase_add(&title, "; without %" PRIu64 " of the timers' own measuring", part->measuring);
        }
        fail(page, error != 0 ? error : title.error);
        if (!has_failed(page)) {
            put_title(page, title.text);
            put_body(page, &functions, &part->filter, top, false);
        }
        tare__phrase_release(&title);
        tare_profile_functions_release(&functions);
    }
    if (parts.count > PARTS && !has_failed(page)) {
        char text[80];
        snprintf(text, sizeof text, "%zu more with fewer samples: --format csv has them", parts.count - PARTS);
        put_blank(page);
        put_line(page, "", text, true);
    }
    tare__profile_parts_release(&parts);
}

static void put_notes(struct page *page, const struct tare_profile_functions *functions)
{
    /* A blank line before the first one, if there is any. */
    char *text = NULL;
    size_t size = 0;
    FILE *out = page->lines.out;
    FILE *kept = open_memstream(&text, &size);
    if (kept == NULL) {
        fail(page, -ENOMEM);
        return;
    }
    page->lines.out = kept;
    int error = tare__profile_say_notes(page->result, functions, page->options->ascii, put_line, page);
    page->lines.out = out;
    error = fclose(kept) != 0 && error == 0 ? -ENOMEM : error;
    fail(page, error);
    if (size > 0 && !has_failed(page)) {
        put_blank(page);
        fwrite(text, 1, size, out);
    }
    free(text);
}

static bool has_timers(const struct tare_profile *profile)
{
    bool any = false;
    for (size_t i = 0; i < profile->sample_count && profile->by_timer && !any; i++) {
        any = profile->samples[i].timer != TARE_PROFILE_NONE;
    }
    return any;
}

static int show(struct page *page)
{
    const struct tare_profile_view *view = page->view;
    struct tare_profile_filter filter = {.timers = view->timers};
    struct tare_profile_functions functions;
    int error = tare_profile_functions_make(page->profile, &filter, &functions);
    if (error == 0) {
        error = tare__profile_say_head(page->profile, &functions, page->options->ascii, put_line, page);
        fail(page, error);
    }
    if (error == 0 && functions.samples > 0) {
        if (view->by == TARE_PROFILE_BY_NOTHING) {
            if (view->show == TARE_PROFILE_FUNCTIONS) {
                put_blank(page);
            }
            put_body(page, &functions, &filter, view->top, true);
        } else {
            put_parts(page, view->top);
        }
    }
    /* Without any timer, the only block would be the table again. */
    bool by_timer_too = has_timers(page->profile) && view->by == TARE_PROFILE_BY_NOTHING &&
                        view->show == TARE_PROFILE_FUNCTIONS && view->timers == NULL;
    if (error == 0 && functions.samples > 0 && by_timer_too) {
        struct tare_profile_view by_timer = *view;
        by_timer.by = TARE_PROFILE_BY_TIMER;
        page->view = &by_timer;
        put_parts(page, view->top != 0 && view->top < TIMER_TOP ? view->top : TIMER_TOP);
        page->view = view;
    }
    if (error == 0) {
        put_notes(page, &functions);
    }
    tare_profile_functions_release(&functions);
    return error != 0 ? error : page->lines.error;
}

int tare_view_profile(const struct tare_result *result, const struct tare_view_options *options,
                      const struct tare_profile_view *view, enum tare_format format, FILE *out)
{
    static const struct tare_profile_view otherwise = {.top = TARE_PROFILE_TOP};
    if (result->profile == NULL || format == TARE_FORMAT_JSON) {
        return -EINVAL;
    }
    view = view != NULL ? view : &otherwise;
    if (view->show != TARE_PROFILE_FUNCTIONS && view->frame >= result->profile->frame_count) {
        return -EINVAL;
    }
    int error;
    if (format == TARE_FORMAT_CSV) {
        error = tare__profile_csv(result->profile, view, out);
    } else {
        struct page page = {
            .result = result,
            .profile = result->profile,
            .view = view,
            .options = options,
            .lines = {.out = out,
                      .options = options,
                      .width = options->width > 0 ? (size_t)options->width : TEXT_WIDTH,
                      .cut = options->width > 0},
            .markdown = format == TARE_FORMAT_MARKDOWN,
        };
        error = show(&page);
    }
    return error != 0 ? error : tare__view_finish(out);
}
