/* SPDX-License-Identifier: MIT */
/* Text that comes from somewhere else, written such that a format shows it and does not obey it. Private to
 * view/. */
#ifndef TARE_VIEW_ESCAPE_H
#define TARE_VIEW_ESCAPE_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Text as Markdown shows it: what means something to Markdown, or to HTML in it, is escaped, after what means
 * something to a terminal or deceives the eye was made visible (tare__view_safe()). Returns 0 or -ENOMEM.
 */
int tare__escape_markdown(FILE *out, const char *text, bool ascii);

/* A field of CSV as RFC 4180 quotes it, byte for byte; `text` NULL is empty. */
void tare__escape_csv(FILE *out, const char *text);

#endif
