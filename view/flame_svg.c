/* SPDX-License-Identifier: MIT */
/*
 * The graph as SVG. What is drawn here is the still picture, which any viewer shows; in a browser, web/flame.js
 * puts one that moves in its place, from the data behind it. So the still one has the frames that can be seen
 * at its width, and no more of them than a file of 3 MB has room for.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/utf8.h"
#include "view/flame_page.h"

/* Sizes in px, as in web/flame.js. */
enum { MARGIN = 8, ROW = 18, BOX = 17, TITLE_HEIGHT = 24, LINE_HEIGHT = 18, LEGEND_HEIGHT = 20 };
#define CHARACTER 7.22 /* of the frames' font, 12 px: DejaVu Sans Mono's 0.602 em, and others' 0.6 */
#define SAYING 7.0     /* of the text around them, 13 px, on average */
#define TITLE_CHARACTER 9.6

enum {
    STILL_FRAMES = 6000,          /* at most */
    STILL_FRAMES_OF_LARGE = 2500, /* where the tree itself takes much of 3 MB: */
    LARGE = 150000,               /* nodes */
    STILL_NAME = 160,             /* bytes of a name in a tooltip: C++ has some of thousands */
};

static void put_px(FILE *out, const char *attribute, double px)
{
    char text[40];
    int length = snprintf(text, sizeof(text), "%.2f", px);
    while (length > 0 && text[length - 1] == '0') {
        text[--length] = '\0';
    }
    if (length > 0 && text[length - 1] == '.') {
        text[--length] = '\0';
    }
    fprintf(out, " %s=\"%s\"", attribute, text);
}

/*
 * As much of the text as fits into so many columns, "…" for the rest. A character from U+1100 on may take two
 * in a monospaced font. Writes nothing if fewer than `least` fit.
 */
static char *cut(const char *text, double columns, int least)
{
    if (columns < least) {
        return strdup("");
    }
    double used = 0;
    size_t at = 0, before_last = 0;
    while (text[at] != '\0') {
        uint32_t c = 0;
        size_t taken = tare__utf8_decode(text + at, &c);
        taken = taken > 0 ? taken : 1;
        double wide = c >= 0x1100 ? 2 : 1;
        if (used + wide > columns) {
            char *kept = NULL;
            return asprintf(&kept, "%.*s…", (int)before_last, text) >= 0 ? kept : NULL;
        }
        before_last = at;
        used += wide;
        at += taken;
    }
    return strdup(text);
}

static int put_line(FILE *out, double y, const char *style, const char *text, double columns)
{
    char *shown = cut(text, columns, 1);
    if (shown == NULL) {
        return -ENOMEM;
    }
    fprintf(out, "<text x=\"%d\" y=\"%g\" class=\"%s\">", MARGIN, y, style);
    tare__flame_put_text(out, shown);
    fputs("</text>\n", out);
    free(shown);
    return 0;
}

static int put_tooltip(FILE *out, const struct tare__flame_page *page, const struct tare__flame_node *node)
{
    const struct tare__flame *flame = &page->flame;
    const struct tare__flame_function *function = &flame->functions[node->function];
    char samples[TARE__FLAME_GROUPED], percent[TARE__FLAME_PERCENT], error[TARE__FLAME_PERCENT];
    char *name = cut(function->name, STILL_NAME, 1);
    if (name == NULL) {
        return -ENOMEM;
    }
    fputs("<title>", out);
    tare__flame_put_text(out, name);
    free(name);
    double share = flame->sides[0].weight > 0 ? (double)node->total[0] / (double)flame->sides[0].weight : NAN;
    fprintf(out, "\n%s sample%s, %s %% ± %s", tare__flame_grouped(samples, node->samples),
            node->samples == 1 ? "" : "s", tare__flame_percent(percent, share),
            tare__flame_percent(error, tare__flame_share_error(share, flame->sides[0].effective)));
    if (flame->side_count > 1) {
        struct tare__flame_change change = tare__flame_change(flame, node->total[0], node->total[1]);
        fprintf(out, ", %s%s", change.difference > 0 ? "+" : "",
                tare__flame_percent(percent, change.difference));
        fprintf(out, " ± %s points", tare__flame_percent(error, change.error));
    }
    if (function->object[0] != '\0') {
        fputs("\n", out);
        tare__flame_put_text(out, function->object);
    }
    fputs(node->inlined ? ", inlined" : "", out);
    if (function->file != NULL) {
        fputs("\n", out);
        tare__flame_put_text(out, function->file);
        if (function->line > 0) {
            fprintf(out, ":%u", function->line);
        }
    }
    fputs("</title>", out);
    return 0;
}

static int put_frame(FILE *out, const struct tare__flame_page *page, uint32_t number, double inner,
                     unsigned rows)
{
    const struct tare__flame *flame = &page->flame;
    const struct tare__flame_node *node = &flame->nodes[number];
    double all = (double)flame->nodes[0].total[0];
    double x = (double)node->start / all * inner, width = (double)node->total[0] / all * inner;
    unsigned y = (page->options->inverted ? node->depth : rows - 1 - node->depth) * ROW;
    char style[4];
    fputs("<g>", out);
    int error = put_tooltip(out, page, node);
    bool hatched = node->inlined && width >= 4;
    tare__flame_style(page, number, style);
    for (int layer = 0; layer <= hatched; layer++) {
        fputs("<rect", out);
        put_px(out, "x", x);
        fprintf(out, " y=\"%u\"", y);
        put_px(out, "width", width > 3 ? width - 1 : width > 1 ? width - 0.3 : width);
        fprintf(out, " height=\"%d\" class=\"%s\"/>", BOX, layer == 0 ? style : "h");
    }
    char *label = cut(flame->functions[node->function].name, floor((width - 6) / CHARACTER), 3);
    if (label == NULL) {
        return -ENOMEM;
    }
    if (label[0] != '\0') {
        fputs("<text", out);
        put_px(out, "x", x + 3);
        put_px(out, "y", y + 12.5);
        putc('>', out);
        tare__flame_put_text(out, label);
        fputs("</text>", out);
    }
    free(label);
    fputs("</g>\n", out);
    return error;
}

/*
 * Where children of a frame are too narrow, one grey box stands for them: their stacks do not end here.
 * Children stand by their width, so that these are its last ones.
 */
static void put_rest(FILE *out, const struct tare__flame_page *page, const bool *drawn, uint32_t number,
                     double inner, unsigned rows)
{
    const struct tare__flame_node *nodes = page->flame.nodes;
    uint64_t from = UINT64_MAX, to = 0;
    for (uint32_t child = number + 1; child < nodes[number].end; child = nodes[child].end) {
        if (!drawn[child] && nodes[child].total[0] > 0) {
            from = from == UINT64_MAX ? nodes[child].start : from;
            to = nodes[child].start + nodes[child].total[0];
        }
    }
    double all = (double)nodes[0].total[0], width = from < to ? (double)(to - from) / all * inner : 0;
    if (width < 0.3) {
        return;
    }
    unsigned level = nodes[number].depth + 1;
    fputs("<rect", out);
    put_px(out, "x", (double)from / all * inner);
    fprintf(out, " y=\"%u\"", (page->options->inverted ? level : rows - 1 - level) * ROW);
    put_px(out, "width", width);
    fprintf(out, " height=\"%d\" class=\"r\"/>\n", BOX);
}

static double legend_width(const struct tare__flame_legend *legend)
{
    return 14 + 5 + SAYING * (double)strlen(legend->text) + 14;
}

/* Returns how high it is, and with `out` writes it. */
static double put_legend(FILE *out, const struct tare__flame_page *page, double y, double width)
{
    double x = MARGIN, top = y;
    for (size_t i = 0; i < page->legend_count; i++) {
        const struct tare__flame_legend *legend = &page->legend[i];
        if (x > MARGIN && x + legend_width(legend) > width) {
            x = MARGIN;
            y += LEGEND_HEIGHT;
        }
        if (out != NULL) {
            if (strcmp(legend->style, "h") == 0) { /* the hatch is on top of something */
                fprintf(out, "<rect x=\"%g\" y=\"%g\" width=\"14\" height=\"14\" class=\"a0\"/>", x, y);
            }
            fprintf(out, "<rect x=\"%g\" y=\"%g\" width=\"14\" height=\"14\" class=\"%s\"/>", x, y,
                    legend->style);
            fprintf(out, "<text x=\"%g\" y=\"%g\" class=\"s\">%s</text>\n", x + 19, y + 11.5, legend->text);
        }
        x += legend_width(legend);
    }
    return y + LEGEND_HEIGHT - top;
}

static int put_left_out(FILE *out, const struct tare__flame_left_out *left_out, double y)
{
    char frames[TARE__FLAME_GROUPED], percent[TARE__FLAME_PERCENT];
    fprintf(out,
            "<text x=\"%d\" y=\"%g\" class=\"s\">%s frame%s narrower than %.3g px %s not drawn, but in grey: "
            "%s %% of all "
            "samples end there</text>\n",
            MARGIN, y, tare__flame_grouped(frames, left_out->frames), left_out->frames == 1 ? "" : "s",
            left_out->least_px, left_out->frames == 1 ? "is" : "are",
            tare__flame_percent(percent, left_out->share));
    return 0;
}

static int put_still(FILE *out, const struct tare__flame_page *page, const bool *drawn, unsigned rows,
                     bool alone, const struct tare__flame_left_out *left_out, double width)
{
    int error = 0;
    double y = 0, inner = width - (alone ? 2 * MARGIN : 0);
    fputs("<g id=\"still\">\n", out);
    if (alone) {
        y = MARGIN;
        error = put_line(out, y + 16, "k t", page->title, (width - 2 * MARGIN) / TITLE_CHARACTER);
        y += TITLE_HEIGHT;
        for (size_t i = 0; error == 0 && i < page->line_count; i++, y += LINE_HEIGHT) {
            error = put_line(out, y + 13, "s", page->lines[i], (width - 2 * MARGIN) / SAYING);
        }
        y += MARGIN;
    }
    fprintf(out, "<g transform=\"translate(%d %g)\">\n", alone ? MARGIN : 0, y);
    for (size_t i = 0; error == 0 && i < page->flame.node_count; i++) {
        if (drawn[i]) {
            error = put_frame(out, page, (uint32_t)i, inner, rows);
        }
    }
    for (size_t i = 0; i < page->flame.node_count; i++) {
        if (drawn[i]) {
            put_rest(out, page, drawn, (uint32_t)i, inner, rows);
        }
    }
    fputs("</g>\n", out);
    y += rows * ROW;
    if (left_out->frames > 0) {
        put_left_out(out, left_out, y + 15);
        y += LINE_HEIGHT + 6;
    }
    if (alone) {
        put_legend(out, page, y + 4, width - MARGIN);
    }
    fputs("</g>\n", out);
    return error;
}

int tare__flame_put_svg(const struct tare__flame_page *page, bool alone, FILE *out)
{
    const struct tare__flame *flame = &page->flame;
    const struct tare_flame_options *options = page->options;
    double width = options->width != 0 ? options->width : TARE_FLAME_WIDTH;
    double min_width = options->min_width > 0 ? options->min_width : TARE_FLAME_MIN_WIDTH;
    struct tare__flame_left_out left_out;
    bool *drawn = calloc(flame->node_count, sizeof(*drawn));
    int error = drawn == NULL
                    ? -ENOMEM
                    : tare__flame_choose(flame, width - (alone ? 2 * MARGIN : 0), min_width,
                                         flame->node_count < LARGE ? STILL_FRAMES : STILL_FRAMES_OF_LARGE,
                                         drawn, &left_out);
    if (error != 0) {
        free(drawn);
        return error;
    }
    unsigned rows = 0;
    for (size_t i = 0; i < flame->node_count; i++) {
        unsigned needed = flame->nodes[i].depth + 1 + (flame->nodes[i].end > i + 1); /* the grey boxes, too */
        rows = drawn[i] && needed > rows ? needed : rows;
    }
    double height = rows * ROW + (left_out.frames > 0 ? LINE_HEIGHT + 6 : 0);
    if (alone) {
        height += MARGIN + TITLE_HEIGHT + (double)page->line_count * LINE_HEIGHT + MARGIN + 4 +
                  put_legend(NULL, page, 0, width - MARGIN) + MARGIN;
        fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    }
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"flame\" width=\"%g\" height=\"%g\" "
            "viewBox=\"0 0 %g %g\" style=\"max-width:100%%;height:auto\" role=\"graphics-document\" "
            "aria-roledescription=\"flame graph\" "
            "aria-labelledby=\"named\">\n<title id=\"named\">",
            width, height, width, height);
    tare__flame_put_text(out, page->title);
    fputs("</title>\n", out);
    if (alone) {
        fprintf(out, "<style>\n%s</style>\n", tare__web_flame_css);
    }
    fputs("<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
          "patternTransform=\"rotate(45)\"><rect width=\"2\" height=\"6\" fill=\"#fff\" fill-opacity=\".5\"/>"
          "</pattern></defs>\n",
          out);
    error = put_still(out, page, drawn, rows, alone, &left_out, width);
    if (alone && error == 0) {
        error = tare__flame_put_data(page, out);
        fprintf(out, "<script>//<![CDATA[\n%s//]]></script>\n", tare__web_flame_js);
    }
    fputs("</svg>\n", out);
    free(drawn);
    return error;
}
