/* SPDX-License-Identifier: MIT */
/* What the files of a flame graph's view share: the tree with the texts around it. Private to view/. */
#ifndef TARE_VIEW_FLAME_PAGE_H
#define TARE_VIEW_FLAME_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "view/flame_layout.h"

/* Class of a colour in web/flame.css, and what it says. */
struct tare__flame_legend {
    char style[4];
    char text[60];
};
enum { TARE__FLAME_LEGEND_MAX = 12, TARE__FLAME_LINES_MAX = 8 };

struct tare__flame_page {
    const struct tare_profile *profile;
    const struct tare_flame_options *options;
    struct tare__flame flame;
    double largest; /* tare__flame_largest_change() */
    char *title;
    char *lines[TARE__FLAME_LINES_MAX]; /* below the title; safe to show */
    size_t line_count;
    struct tare__flame_legend legend[TARE__FLAME_LEGEND_MAX];
    size_t legend_count;
};

/* Text that tare__view_safe() made, as the content of an element or of an attribute in double quotes. */
void tare__flame_put_text(FILE *out, const char *text);
/* "1,234,567" */
#define TARE__FLAME_GROUPED 32
const char *tare__flame_grouped(char buffer[TARE__FLAME_GROUPED], uint64_t number);
/* "12.3", "0.12", "0.012": a share of 1 in percent. */
#define TARE__FLAME_PERCENT 32
const char *tare__flame_percent(char buffer[TARE__FLAME_PERCENT], double share);
/* The class of a node's colour. */
const char *tare__flame_style(const struct tare__flame_page *page, uint32_t node, char style[4]);

/* What the profile says of itself in a line: "1,234 samples of cpu-clock at 99 Hz, mode fp, 2 lost ...". */
char *tare__flame_statement(const struct tare_profile *profile, const struct tare__flame *flame, int side);

/* flame_data.c: the tree for the script, as an element. */
int tare__flame_put_data(const struct tare__flame_page *page, FILE *out);
/* flame_svg.c: the <svg> with the still graph; `alone`: a file of its own. 0 or -ENOMEM. */
int tare__flame_put_svg(const struct tare__flame_page *page, bool alone, FILE *out);
/* flame_html.c */
int tare__flame_put_html(const struct tare__flame_page *page, FILE *out);

/* The files of web/, see cmake/Embed.cmake. */
extern const char tare__web_flame_js[], tare__web_flame_css[], tare__web_flame_page_css[];

#endif
