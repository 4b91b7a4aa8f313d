/* SPDX-License-Identifier: MIT */
/*
 * The tree as web/flame.js reads it: JSON inside of a <script> that is not run.
 *
 *     node     function x 2 + inlined, for each node in the order of flame_layout.h
 *     up       how many calls ended before it: 0, it is in the node before it; 1, beside it; ...
 *     self     weights of the stacks that end in it, for each side, in its `unit`
 *     samples  how many stacks those are, on side 0, where the weights do not say so
 *     step     in a comparison, its colour: 'a' (-4) to 'i' (4)
 *     names, objects, files: texts;  object, file, line, kind: of each function, by number
 *
 * Columns are one text of numbers to the base 36 between commas. Most are 0: one is nothing at all, and "*n" stands
 * for n of them. So a node takes 6 to 10 bytes. What could end the script, in HTML or in XML, is written as \u00XX.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/flame_page.h"

static void put_string(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '&' || c == '\'') {
            fprintf(out, "\\u%04x", c);
        } else if (c == 0xef && (unsigned char)text[1] == 0xbf && (unsigned char)text[2] >= 0xbe) {
            fputs("\\ufffd", out); /* U+FFFE and U+FFFF, which XML does not have */
            text += 2;
        } else {
            putc(c, out);
        }
    }
    putc('"', out);
}

static void put_strings(FILE *out, const char *name, const char *const *texts, size_t count)
{
    fprintf(out, ",\n\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ",\n" : "", out);
        put_string(out, texts[i]);
    }
    putc(']', out);
}

/* A column under way. */
struct numbers {
    FILE *out;
    bool begun;
    uint64_t zeros; /* that are not written yet */
};

static void put_item(struct numbers *numbers, const char *mark, uint64_t number)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    char text[16];
    size_t at = sizeof(text);
    for (; number != 0; number /= 36) {
        text[--at] = digits[number % 36];
    }
    fprintf(numbers->out, "%s%s%.*s", numbers->begun ? "," : "", mark, (int)(sizeof(text) - at), text + at);
    numbers->begun = true;
}

/* Also behind the last number. */
static void put_zeros(struct numbers *numbers)
{
    if (numbers->zeros == 1) {
        put_item(numbers, "", 0);
    } else if (numbers->zeros > 1) {
        put_item(numbers, "*", numbers->zeros);
    }
    numbers->zeros = 0;
}

static void put_number(struct numbers *numbers, uint64_t number)
{
    if (number == 0) {
        numbers->zeros++;
    } else {
        put_zeros(numbers);
        put_item(numbers, "", number);
    }
}

static void put_double(FILE *out, const char *name, double value)
{
    if (isfinite(value)) {
        fprintf(out, "\"%s\":%.17g", name, value);
    } else {
        fprintf(out, "\"%s\":null", name);
    }
}

static void put_nodes(FILE *out, const struct tare__flame_page *page)
{
    struct numbers numbers;
    const struct tare__flame *flame = &page->flame;
    fputs(",\n\"node\":\"", out);
    numbers = (struct numbers){.out = out};
    for (size_t i = 0; i < flame->node_count; i++) {
        put_number(&numbers, 2 * (uint64_t)flame->nodes[i].function + flame->nodes[i].inlined);
    }
    put_zeros(&numbers);
    fputs("\",\n\"up\":\"", out);
    numbers = (struct numbers){.out = out};
    for (size_t i = 0; i < flame->node_count; i++) {
        put_number(&numbers, i == 0 ? 0 : flame->nodes[i - 1].depth + 1 - flame->nodes[i].depth);
    }
    put_zeros(&numbers);
    fputs("\",\n\"self\":[", out);
    for (int side = 0; side < flame->side_count; side++) {
        fputs(side > 0 ? "\",\n\"" : "\"", out);
        numbers = (struct numbers){.out = out};
        for (size_t i = 0; i < flame->node_count; i++) {
            put_number(&numbers, flame->nodes[i].self[side]);
        }
        put_zeros(&numbers);
    }
    fputs("\"]", out);
    if (!flame->sides[0].uniform) {
        fputs(",\n\"samples\":\"", out);
        numbers = (struct numbers){.out = out};
        for (size_t i = 0; i < flame->node_count; i++) {
            put_number(&numbers, flame->nodes[i].self_samples);
        }
        put_zeros(&numbers);
        putc('"', out);
    }
    if (flame->side_count > 1) {
        fputs(",\n\"step\":\"", out);
        for (size_t i = 0; i < flame->node_count; i++) {
            const struct tare__flame_node *node = &flame->nodes[i];
            struct tare__flame_change change = tare__flame_change(flame, node->total[0], node->total[1]);
            putc('e' + tare__flame_step(&change, page->largest), out);
        }
        putc('"', out);
    }
}

/* The texts of functions, each once. */
struct word {
    const char *text;
    size_t function;
};

static int compare_words(const void *left, const void *right)
{
    const struct word *a = left, *b = right;
    return strcmp(a->text, b->text);
}

static int put_words(FILE *out, const char *all, const char *each, const struct tare__flame *flame,
                     const char *(*of)(const struct tare__flame_function *function))
{
    size_t count = flame->function_count, different = 0;
    struct word *words = calloc(count, sizeof(*words));
    const char **texts = calloc(count, sizeof(*texts));
    size_t *number = calloc(count, sizeof(*number));
    struct numbers numbers = {.out = out};
    int error = words == NULL || texts == NULL || number == NULL ? -ENOMEM : 0;
    if (error == 0) {
        for (size_t i = 0; i < count; i++) {
            words[i] = (struct word){of(&flame->functions[i]), i};
        }
        qsort(words, count, sizeof(*words), compare_words);
        for (size_t i = 0; i < count; i++) {
            if (i == 0 || strcmp(words[i].text, words[i - 1].text) != 0) {
                texts[different++] = words[i].text;
            }
            number[words[i].function] = different - 1;
        }
        put_strings(out, all, texts, different);
        fprintf(out, ",\n\"%s\":\"", each);
        for (size_t i = 0; i < count; i++) {
            put_number(&numbers, number[i]);
        }
        put_zeros(&numbers);
        putc('"', out);
    }
    free(words);
    free(texts);
    free(number);
    return error;
}

static const char *object_of(const struct tare__flame_function *function)
{
    return function->object;
}

static const char *file_of(const struct tare__flame_function *function)
{
    return function->file != NULL ? function->file : "";
}

static int put_functions(FILE *out, const struct tare__flame *flame)
{
    struct numbers numbers = {.out = out};
    fputs(",\n\"names\":[", out);
    for (size_t i = 0; i < flame->function_count; i++) {
        fputs(i > 0 ? ",\n" : "", out);
        put_string(out, flame->functions[i].name);
    }
    fputs("],\n\"kind\":\"", out);
    for (size_t i = 0; i < flame->function_count; i++) {
        put_number(&numbers, (uint64_t)flame->functions[i].kind);
    }
    put_zeros(&numbers);
    fputs("\",\n\"line\":\"", out);
    numbers = (struct numbers){.out = out};
    for (size_t i = 0; i < flame->function_count; i++) {
        put_number(&numbers, flame->functions[i].line);
    }
    put_zeros(&numbers);
    putc('"', out);
    int error = put_words(out, "objects", "object", flame, object_of);
    return error != 0 ? error : put_words(out, "files", "file", flame, file_of);
}

int tare__flame_put_data(const struct tare__flame_page *page, FILE *out)
{
    const struct tare__flame *flame = &page->flame;
    const struct tare_flame_options *options = page->options;
    fputs("<script type=\"application/json\" id=\"data\">\n{\"title\":", out);
    put_string(out, page->title);
    fputs(",\"unit\":", out);
    put_string(out, page->profile->unit != NULL ? page->profile->unit : "samples");
    fprintf(out, ",\"reverse\":%s,\"inverted\":%s,\"normalized\":%s,", options->reverse ? "true" : "false",
            options->inverted ? "true" : "false", flame->not_normalized ? "false" : "true");
    put_double(out, "min", options->min_width > 0 ? options->min_width : TARE_FLAME_MIN_WIDTH);
    fputs(",\n\"sides\":[", out);
    for (int i = 0; i < flame->side_count; i++) {
        const struct tare__flame_side *side = &flame->sides[i];
        fprintf(out, "%s{\"samples\":%" PRIu64 ",\"unit\":%" PRIu64 ",\"uniform\":%s,", i > 0 ? ",\n" : "",
                side->samples, side->unit, side->uniform ? "true" : "false");
        put_double(out, "effective", side->effective);
        putc('}', out);
    }
    fputs("],\n\"legend\":[", out);
    for (size_t i = 0; i < page->legend_count; i++) {
        fprintf(out, "%s[\"%s\",\"%s\"]", i > 0 ? "," : "", page->legend[i].style, page->legend[i].text);
    }
    putc(']', out);
    put_strings(out, "lines", (const char *const *)page->lines, page->line_count);
    put_nodes(out, page);
    int error = put_functions(out, flame);
    fputs("}\n</script>\n", out);
    return error;
}
