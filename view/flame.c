/* SPDX-License-Identifier: MIT */
/* The flame graph's words: title, what the profile says of itself, colours. And which file it becomes. */
#include "view/flame.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "result/utf8.h"
#include "view/bench_text.h"
#include "view/columns.h"
#include "view/flame_page.h"

/* XML has no way to write U+FFFE and U+FFFF, nor control characters, which are made visible before. */
void tare__flame_put_text(FILE *out, const char *text)
{
    while (*text != '\0') {
        uint32_t c;
        size_t taken = tare__utf8_decode(text, &c);
        if (taken == 0 || c < 0x20 || c == 0xfffe || c == 0xffff) {
            fputs("\xef\xbf\xbd", out); /* U+FFFD */
        } else if (c == '&' || c == '<' || c == '>' || c == '"') {
            fputs(c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&quot;", out);
        } else {
            fwrite(text, 1, taken, out);
        }
        text += taken > 0 ? taken : 1;
    }
}

const char *tare__flame_grouped(char buffer[TARE__FLAME_GROUPED], uint64_t number)
{
    char *at = buffer + TARE__FLAME_GROUPED - 1;
    *at = '\0';
    for (int digits = 0;; digits++) {
        if (digits > 0 && digits % 3 == 0) {
            *--at = ',';
        }
        *--at = (char)('0' + number % 10);
        number /= 10;
        if (number == 0) {
            return at;
        }
    }
}

const char *tare__flame_percent(char buffer[TARE__FLAME_PERCENT], double share)
{
    double percent = 100 * share, size = fabs(percent);
    if (!isfinite(percent)) {
        return "-";
    }
    int digits = size >= 0.995 || size <= 0 ? 1 : size >= 0.0995 ? 2 : 3;
    snprintf(buffer, TARE__FLAME_PERCENT, "%.*f", digits, percent);
    return buffer;
}

/* 'z', or a letter and how much: see web/flame.css. */
static void step_style(char style[4], int step)
{
    style[0] = step == 0 ? 'z' : step > 0 ? 'q' : 'm';
    style[1] = step == 0 ? '\0' : (char)('0' + abs(step));
    style[2] = '\0';
}

const char *tare__flame_style(const struct tare__flame_page *page, uint32_t number, char style[4])
{
    const struct tare__flame_node *node = &page->flame.nodes[number];
    if (page->flame.side_count > 1) {
        struct tare__flame_change change = tare__flame_change(&page->flame, node->total[0], node->total[1]);
        int step = tare__flame_step(&change, page->largest);
        step_style(style, step);
        return style;
    }
    /* Neighbours of one kind are told from each other by one of three tints, which a name always has. */
    const struct tare__flame_function *function = &page->flame.functions[node->function];
    unsigned sum = 0;
    for (const char *p = function->name; *p != '\0'; p++) {
        sum += (unsigned char)*p;
    }
    style[0] = (char)('a' + (int)function->kind);
    style[1] = (char)('0' + sum % 3);
    style[2] = '\0';
    return style;
}

/* Lines */

static void put_count(struct tare__phrase *phrase, uint64_t number, const char *one, const char *more)
{
    char buffer[TARE__FLAME_GROUPED];
    tare__phrase_add(phrase, ", %s %s",
                     number == TARE_PROFILE_UNKNOWN ? "unknown how many" : tare__flame_grouped(buffer, number),
                     number == 1 ? one : more);
}

char *tare__flame_statement(const struct tare_profile *profile, const struct tare__flame *flame, int side)
{
    struct tare__phrase phrase = {0};
    char buffer[TARE__FLAME_GROUPED], percent[TARE__FLAME_PERCENT];
    uint64_t samples = flame->sides[side].samples, nameless = 0;
    tare__phrase_add(&phrase, "%s sample%s", tare__flame_grouped(buffer, samples), samples == 1 ? "" : "s");
    if (profile->event != NULL && strcmp(profile->event, "unknown") != 0) {
        tare__phrase_add(&phrase, " of %s", profile->event);
    }
    if (profile->frequency_hz > 0) {
        tare__phrase_add(&phrase, " at %g Hz", profile->frequency_hz);
    }
    tare__phrase_add(&phrase, ", mode %s", profile->mode != NULL ? profile->mode : "unknown");
    put_count(&phrase, profile->lost, "lost", "lost");
    put_count(&phrase, profile->truncated, "stack truncated", "stacks truncated");
    if (profile->threads_missed > 0 && profile->threads_missed != TARE_PROFILE_UNKNOWN) {
        put_count(&phrase, profile->threads_missed, "thread missed", "threads missed");
    }
    for (size_t i = 0; i < flame->function_count; i++) {
        nameless += flame->functions[i].nameless ? flame->functions[i].self[side] : 0;
    }
    if (nameless > 0) {
        tare__phrase_add(&phrase, ", %s %% in unknown functions",
                         tare__flame_percent(percent, (double)nameless / (double)flame->sides[side].weight));
    }
    char *safe = phrase.error == 0 ? tare__view_safe(phrase.text, false) : NULL;
    tare__phrase_release(&phrase);
    return safe;
}

static int add_line(struct tare__flame_page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int add_line(struct tare__flame_page *page, const char *format, ...)
{
    va_list arguments;
    char *line = NULL;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    char *safe = length >= 0 ? tare__view_safe(line, false) : NULL;
    if (length >= 0) {
        free(line);
    }
    if (safe == NULL) {
        return -ENOMEM;
    }
    page->lines[page->line_count++] = safe;
    return 0;
}

static int add_statement(struct tare__flame_page *page, int side, const char *name)
{
    const struct tare_profile *profile = side == 0 ? page->profile : page->options->before;
    const char *command = side == 0 ? page->options->command : page->options->command_before;
    char *statement = tare__flame_statement(profile, &page->flame, side);
    bool with_command = name[0] != '\0' && command != NULL;
    int error = statement == NULL ? -ENOMEM
                                  : add_line(page, "%s%s%s%s", name, with_command ? command : "",
                                             with_command ? ": " : "", statement);
    free(statement);
    return error;
}

static int make_lines(struct tare__flame_page *page)
{
    const struct tare_flame_options *options = page->options;
    bool two = page->flame.side_count > 1;
    int error = two ? add_statement(page, 1, "A, before: ") : add_statement(page, 0, "");
    if (error == 0 && two) {
        error = add_statement(page, 0, "B, shown: ");
    }
    if (error == 0 && !two && page->profile->reason != NULL) {
        error = add_line(page, "mode %s: %s", page->profile->mode != NULL ? page->profile->mode : "unknown",
                         page->profile->reason);
    }
    if (error == 0 && two) {
        error = add_line(page, "widths by B, colours by what B has more or less of than A, %s",
                         page->flame.not_normalized ? "as measured" : "each as a share of its own total");
    }
    if (error == 0 && page->flame.taken_for_same != NULL) {
        error = add_line(page, "taken for the same: %s", page->flame.taken_for_same);
    }
    if (error == 0 && options->timers != NULL) {
        error = add_line(page, "samples inside the timers '%s' alone", options->timers);
    }
    if (error == 0 && options->reverse) {
        error = add_line(page, "reversed: the innermost functions at the base, their callers on them");
    }
    if (error == 0 && page->flame.sides[0].samples == 0) {
        error = add_line(page, "no samples: there is nothing to show");
    }
    return error;
}

static int make_title(struct tare__flame_page *page)
{
    const struct tare_flame_options *options = page->options;
    char *title = NULL;
    const char *what = page->flame.side_count > 1 ? "Flame graph, B against A" : "Flame graph";
    if (options->title != NULL) {
        title = strdup(options->title);
    } else if (asprintf(&title, "%s%s%s", what, options->command != NULL ? ": " : "",
                        options->command != NULL ? options->command : "") < 0) {
        title = NULL;
    }
    page->title = title != NULL ? tare__view_safe(title, false) : NULL;
    free(title);
    return page->title == NULL ? -ENOMEM : 0;
}

/* Colours */

static void add_legend(struct tare__flame_page *page, const char *style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add_legend(struct tare__flame_page *page, const char *style, const char *format, ...)
{
    struct tare__flame_legend *legend = &page->legend[page->legend_count++];
    va_list arguments;
    snprintf(legend->style, sizeof(legend->style), "%s", style);
    va_start(arguments, format);
    vsnprintf(legend->text, sizeof(legend->text), format, arguments);
    va_end(arguments);
}

static void make_legend(struct tare__flame_page *page)
{
    static const char *const kinds[TARE__FLAME_KINDS] = {
        "program", "libraries", "kernel", "made at run time", "unknown", "timers", "all, and groups",
    };
    const struct tare__flame *flame = &page->flame;
    bool present[TARE__FLAME_KINDS] = {false}, inlined = false;
    for (size_t i = 0; i < flame->node_count; i++) {
        present[flame->functions[flame->nodes[i].function].kind] = true;
        inlined = inlined || flame->nodes[i].inlined;
    }
    if (flame->side_count > 1) {
        char style[4], percent[TARE__FLAME_PERCENT];
        for (int step = -4; step <= 4; step++) {
            int size = abs(step);
            step_style(style, step);
            if (step == 0) {
                add_legend(page, style, "the same within the 95 %% error");
            } else if (page->largest > 0 && size > 1) {
                add_legend(page, style, "%s by over %s points", step < 0 ? "less" : "more",
                           tare__flame_percent(percent, page->largest * tare__flame_steps[size - 2]));
            } else if (page->largest > 0) {
                add_legend(page, style, "%s", step < 0 ? "less" : "more");
            }
        }
    } else {
        for (int kind = 0; kind < TARE__FLAME_KINDS; kind++) {
            if (present[kind]) {
                add_legend(page, (char[]){(char)('a' + kind), '0', '\0'}, "%s", kinds[kind]);
            }
        }
    }
    if (inlined) {
        add_legend(page, "h", "inlined into its caller");
    }
}

int tare_view_flame(const struct tare_profile *profile, const struct tare_flame_options *options, FILE *out)
{
    struct tare__flame_page page = {.profile = profile, .options = options};
    int error = tare__flame_make(profile, options, &page.flame);
    if (error != 0) {
        goto out;
    }
    page.largest = page.flame.side_count > 1 ? tare__flame_largest_change(&page.flame) : 0;
    error = make_title(&page);
    if (error == 0) {
        error = make_lines(&page);
    }
    if (error != 0) {
        goto out;
    }
    make_legend(&page);
    error = options->format == TARE_FLAME_HTML ? tare__flame_put_html(&page, out)
                                               : tare__flame_put_svg(&page, true, out);
    if (error == 0) {
        error = tare__view_finish(out);
    }
out:
    for (size_t i = 0; i < page.line_count; i++) {
        free(page.lines[i]);
    }
    free(page.title);
    tare__flame_release(&page.flame);
    return error;
}
