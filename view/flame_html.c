/* SPDX-License-Identifier: MIT */
/*
 * The graph as a page: with what is known of the profile, and a table of its functions. The page asks for
 * nothing, and its policy forbids it to.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tare/version.h>

#include "runtime/text.h"
#include "view/columns.h"
#include "view/flame_page.h"

enum { TABLE_ROWS = 300 }; /* at most; the rest is said */

/* Text of a profile, which is not safe yet. */
static int put_safe(FILE *out, const char *text)
{
    char *safe = tare__view_safe(text, false);
    if (safe == NULL) {
        return -ENOMEM;
    }
    tare__flame_put_text(out, safe);
    free(safe);
    return 0;
}

static int put_fact(FILE *out, const char *name, const char *text)
{
    fprintf(out, "<dt>%s</dt><dd>", name);
    int error = put_safe(out, text != NULL ? text : "-");
    fputs("</dd>\n", out);
    return error;
}

static int put_count(FILE *out, const char *name, uint64_t number)
{
    char buffer[TARE__FLAME_GROUPED];
    return put_fact(out, name,
                    number != TARE_PROFILE_UNKNOWN ? tare__flame_grouped(buffer, number) : "unknown");
}

static int put_overhead(FILE *out, const struct tare_profile_overhead *overhead)
{
    char text[160];
    if (!overhead->measured) {
        return put_fact(out, "overhead", "not measured");
    }
    snprintf(text, sizeof(text), "%+.2f %% (%+.2f to %+.2f) by %" PRIu64 " pairs of runs with and without",
             100 * (overhead->ratio - 1), 100 * (overhead->low - 1), 100 * (overhead->high - 1),
             overhead->pairs);
    return put_fact(out, "overhead", text);
}

static int put_recorder(FILE *out, char *const *recorder)
{
    char *line = NULL;
    size_t size;
    FILE *words = open_memstream(&line, &size);
    if (words == NULL) {
        return -ENOMEM;
    }
    for (char *const *word = recorder; *word != NULL; word++) {
        fprintf(words, "%s%s", word > recorder ? " " : "", *word);
    }
    int error = fclose(words) == 0 ? put_fact(out, "recorded by", line) : -ENOMEM;
    free(line);
    return error;
}

static int put_statement(FILE *out, const struct tare_profile *profile, const char *command,
                         const struct tare__flame_side *side)
{
    char text[64], buffer[TARE_TEXT_TIME];
    fputs("<dl>\n", out);
    int error = put_fact(out, "program", command);
    error = error != 0 ? error : put_fact(out, "mode", profile->mode);
    if (error == 0 && profile->reason != NULL) {
        error = put_fact(out, "reason", profile->reason);
    }
    error = error != 0 ? error : put_fact(out, "event", profile->event);
    if (error == 0 && profile->frequency_hz > 0) {
        snprintf(text, sizeof(text), "%g Hz", profile->frequency_hz);
        error = put_fact(out, "frequency asked for", text);
    }
    if (error == 0 && isfinite(profile->wall_ns)) {
        error = put_fact(out, "taken for", tare__text_time(buffer, profile->wall_ns, "µs"));
    }
    error = error != 0 ? error : put_count(out, "samples", side->samples);
    error = error != 0 ? error : put_count(out, "lost", profile->lost);
    error = error != 0 ? error : put_count(out, "truncated stacks", profile->truncated);
    error = error != 0 ? error : put_count(out, "in unknown functions", profile->unknown);
    error = error != 0 ? error : put_count(out, "threads missed", profile->threads_missed);
    error = error != 0 ? error : put_overhead(out, &profile->overhead);
    if (error == 0 && profile->recorder != NULL) {
        error = put_recorder(out, profile->recorder);
    }
    fputs("</dl>\n", out);
    return error;
}

struct row {
    const struct tare__flame_function *function;
    size_t number;
};

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* By self, then total, of both sides together; names decide for what is equal. */
static int compare_rows(const void *left, const void *right)
{
    const struct tare__flame_function *a = ((const struct row *)left)->function;
    const struct tare__flame_function *b = ((const struct row *)right)->function;
    uint64_t self_a = larger(a->self[0], a->self[1]), self_b = larger(b->self[0], b->self[1]);
    if (self_a != self_b) {
        return self_a > self_b ? -1 : 1;
    }
    uint64_t total_a = larger(a->total[0], a->total[1]), total_b = larger(b->total[0], b->total[1]);
    if (total_a != total_b) {
        return total_a > total_b ? -1 : 1;
    }
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : strcmp(a->object, b->object);
}

static void put_share(FILE *out, const struct tare__flame_side *side, uint64_t weight)
{
    char percent[TARE__FLAME_PERCENT], error[TARE__FLAME_PERCENT];
    double share = side->weight > 0 ? (double)weight / (double)side->weight : NAN;
    fprintf(out, "<td>%s</td><td>± %s</td>", tare__flame_percent(percent, share),
            tare__flame_percent(error, tare__flame_share_error(share, side->effective)));
}

static void put_row(FILE *out, const struct tare__flame_page *page, const struct row *row)
{
    const struct tare__flame *flame = &page->flame;
    const struct tare__flame_function *function = row->function;
    fprintf(out, "<tr><td class=\"n\"><button type=\"button\" data-f=\"%zu\">", row->number);
    tare__flame_put_text(out, function->name);
    fputs("</button> <small>", out);
    tare__flame_put_text(out, function->object);
    if (function->file != NULL) {
        fputs(" ", out);
        tare__flame_put_text(out, function->file);
        if (function->line > 0) {
            fprintf(out, ":%u", function->line);
        }
    }
    fputs("</small></td>", out);
    if (flame->side_count > 1) {
        struct tare__flame_change change = tare__flame_change(flame, function->self[0], function->self[1]);
        char percent[TARE__FLAME_PERCENT], error[TARE__FLAME_PERCENT];
        put_share(out, &flame->sides[1], function->self[1]);
        put_share(out, &flame->sides[0], function->self[0]);
        fprintf(out, "<td>%s%s</td>", change.difference > 0 ? "+" : "",
                tare__flame_percent(percent, change.difference));
        fprintf(out, "<td>± %s</td>", tare__flame_percent(error, change.error));
    } else {
        put_share(out, &flame->sides[0], function->self[0]);
        put_share(out, &flame->sides[0], function->total[0]);
    }
    fputs("</tr>\n", out);
}

static int put_table(FILE *out, const struct tare__flame_page *page)
{
    const struct tare__flame *flame = &page->flame;
    struct row *rows = calloc(flame->function_count, sizeof(*rows));
    if (rows == NULL) {
        return -ENOMEM;
    }
    size_t count = 0;
    for (size_t i = 0; i < flame->function_count; i++) {
        if (flame->functions[i].is_function) {
            rows[count++] = (struct row){&flame->functions[i], i};
        }
    }
    qsort(rows, count, sizeof(*rows), compare_rows);
    fputs("<h2>Functions</h2>\n<div class=\"wide\"><table>\n<thead><tr><th class=\"n\">function</th>", out);
    fputs(flame->side_count > 1 ? "<th colspan=\"2\">self in A, %</th><th colspan=\"2\">self in B, %</th>"
                                  "<th colspan=\"2\">B - A, points</th>"
                                : "<th colspan=\"2\">self, %</th><th colspan=\"2\">total, %</th>",
          out);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < count && i < TABLE_ROWS; i++) {
        put_row(out, page, &rows[i]);
    }
    fputs("</tbody></table></div>\n", out);
    if (count > TABLE_ROWS) {
        char buffer[TARE__FLAME_GROUPED];
        fprintf(out, "<p>%s more functions are not in this table; 'tare report' lists them all.</p>\n",
                tare__flame_grouped(buffer, count - TABLE_ROWS));
    }
    fputs("<p>± is half of a 95 % interval, from the number of samples alone.</p>\n", out);
    free(rows);
    return 0;
}

static void put_legend(FILE *out, const struct tare__flame_page *page)
{
    fputs("<ul class=\"legend\" aria-label=\"colours\">", out);
    for (size_t i = 0; i < page->legend_count; i++) {
        const char *style = page->legend[i].style;
        fputs("<li><svg aria-hidden=\"true\">", out);
        if (strcmp(style, "h") == 0) {
            fputs("<rect width=\"14\" height=\"14\" class=\"a0\"/>", out);
        }
        fprintf(out, "<rect width=\"14\" height=\"14\" class=\"%s\"/></svg>%s</li>\n", style,
                page->legend[i].text);
    }
    fputs("</ul>\n", out);
}

int tare__flame_put_html(const struct tare__flame_page *page, FILE *out)
{
    const struct tare_flame_options *options = page->options;
    fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
        out);
    tare__flame_put_text(out, page->title);
    fprintf(out,
            "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n<section>\n"
            "<div class=\"ui\" id=\"top\">\n<h1>",
            tare__web_flame_css, tare__web_flame_page_css);
    tare__flame_put_text(out, page->title);
    fputs("</h1>\n", out);
    for (size_t i = 0; i < page->line_count; i++) {
        fputs("<p>", out);
        tare__flame_put_text(out, page->lines[i]);
        fputs("</p>\n", out);
    }
    fputs("</div>\n<div class=\"graph\">\n", out);
    int error = tare__flame_put_svg(page, false, out);
    fputs("</div>\n<div class=\"ui\" id=\"bottom\">\n", out);
    put_legend(out, page);
    fputs("</div>\n</section>\n", out);
    error = error != 0 ? error : put_table(out, page);
    bool two = page->flame.side_count > 1;
    fprintf(out, "<h2>%s</h2>\n", two ? "B, the profile that is shown" : "The profile");
    error = error != 0 ? error : put_statement(out, page->profile, options->command, &page->flame.sides[0]);
    if (two && error == 0) {
        fputs("<h2>A, the one before</h2>\n", out);
        error = put_statement(out, options->before, options->command_before, &page->flame.sides[1]);
    }
    for (const char *const *note = options->notes; error == 0 && note != NULL && *note != NULL; note++) {
        fputs("<p>", out);
        error = put_safe(out, *note);
        fputs("</p>\n", out);
    }
    fprintf(out, "<footer>tare %s</footer>\n", TARE_VERSION);
    error = error != 0 ? error : tare__flame_put_data(page, out);
    fprintf(out, "<script>\n%s</script>\n</body>\n</html>\n", tare__web_flame_js);
    return error;
}
