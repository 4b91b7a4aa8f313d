/* SPDX-License-Identifier: MIT */
/* Escaping: names come from measured programs and from files, and may try to be markup. */
#include "view/escape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/columns.h"

/* GitHub makes links of bare addresses: http://x, www.x */
static bool starts_link(const char *text, const char *start)
{
    return (*text == ':' && text[1] == '/') ||
           (*text == '.' && text > start && (text[-1] == 'w' || text[-1] == 'W'));
}

int tare__escape_markdown(FILE *out, const char *text, bool ascii)
{
    static const char meaning[] = "\\`*_{}[]|~#!$@";
    char *safe = tare__view_safe(text, ascii);
    if (safe == NULL) {
        return -ENOMEM;
    }
    for (const char *p = safe; *p != '\0'; p++) {
        const char *entity = *p == '&' ? "&amp;" : *p == '<' ? "&lt;" : *p == '>' ? "&gt;" : NULL;
        if (entity != NULL) {
            fputs(entity, out);
            continue;
        }
        if (strchr(meaning, *p) != NULL || starts_link(p, safe)) {
            putc('\\', out);
        }
        putc(*p, out);
    }
    free(safe);
    return 0;
}

void tare__escape_csv(FILE *out, const char *text)
{
    if (text == NULL) {
        return;
    }
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text != '\0'; text++) {
        fputs(*text == '"' ? "\"" : "", out);
        putc(*text, out);
    }
    putc('"', out);
}
