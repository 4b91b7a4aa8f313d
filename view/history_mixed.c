/* SPDX-License-Identifier: MIT */
/*
 * What the rows of a history cannot say: that one benchmark has several of them, as its points come from
 * different machines or were measured in different ways, which never share a series. Benchmarks of which the
 * same differs share a sentence.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/bench_text.h"
#include "view/columns.h"
#include "view/history_rows.h"

enum {
    NAMES_SHOWN = 3, /* benchmarks that a sentence names */
    PARTS_SHOWN = 3,
    VALUES_SHOWN = 3,
    VALUE_MOST = 60, /* columns of one */
};

/* A sentence: what differs, and of which benchmarks. */
struct mixed {
    char *what;
    char *names[NAMES_SHOWN];
    size_t count; /* of benchmarks, also those that are not named */
};

struct sentences {
    struct mixed *mixed;
    size_t count;
};

/* Of what is one benchmark, its metric and all else that is no matter of how and where. */
static int compare_benchmarks(const void *a, const void *b)
{
    const struct tare_history_series *left = &(*(const struct tare_history_line *const *)a)->series,
                                     *right = &(*(const struct tare_history_line *const *)b)->series;
    const char *const pairs[][2] = {
        {left->project, right->project},     {left->suite, right->suite},   {left->name, right->name},
        {left->arguments, right->arguments}, {left->metric, right->metric}, {left->unit, right->unit},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        int order = strcmp(pairs[i][0], pairs[i][1]);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *cut_of(const char *text)
{
    char *copy = strdup(text);
    return copy != NULL ? tare__view_cut_middle(copy, VALUE_MOST, "...") : NULL;
}

/* Shortened, unless it would then look like the one before, which is not the same; malloc'ed. */
static char *shortened(const char *text, const char *before)
{
    char *cut = cut_of(text), *other = before != NULL ? cut_of(before) : NULL;
    if (cut != NULL && other != NULL && strcmp(cut, other) == 0) {
        free(cut);
        cut = strdup(text);
    }
    free(other);
    return cut;
}

/*
 * The first different ones of `count` texts, by their order, as "'a', 'b' and 2 more"; false: they are all the same.
 * `nothing` stands for an empty one.
 */
static bool say_values(struct tare__phrase *phrase, const char *name, const char *const *values, size_t count,
                       const char *nothing)
{
    size_t different = 0;
    const char **sorted = calloc(count, sizeof(*sorted));
    if (sorted == NULL) {
        phrase->error = -ENOMEM;
        return false;
    }
    memcpy(sorted, values, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_texts);
    for (size_t i = 0; i < count; i++) {
        if (different == 0 || strcmp(sorted[different - 1], sorted[i]) != 0) {
            sorted[different++] = sorted[i];
        }
    }
    if (different > 1) {
        tare__phrase_item(phrase, "%s: ", name);
    }
    for (size_t i = 0; different > 1 && i < different && i < VALUES_SHOWN; i++) {
        char *text = shortened(sorted[i], i > 0 ? sorted[i - 1] : NULL);
        phrase->error = text == NULL ? -ENOMEM : phrase->error;
        const char *quote = text != NULL && *text != '\0' ? "'" : "";
        tare__phrase_add(phrase, "%s%s%s%s",
                         i == 0               ? ""
                         : i + 1 == different ? " and "
                                              : ", ",
                         quote, *quote != '\0' ? text : nothing, quote);
        free(text);
    }
    if (different > VALUES_SHOWN) {
        tare__phrase_add(phrase, " and %zu more", different - VALUES_SHOWN);
    }
    free(sorted);
    return different > 1;
}

/* Whether one of the words of `text`, which blanks part, is this one. */
static bool has_word(const char *text, const char *word, size_t size)
{
    for (const char *from = text; *from != '\0';) {
        size_t length = strcspn(from, " ");
        if (length == size && memcmp(from, word, size) == 0) {
            return true;
        }
        from += length + strspn(from + length, " ");
    }
    return false;
}

/* The words of texts[which] that are not in all of them; malloc'ed. */
static char *own_words(const char *const *texts, size_t count, size_t which)
{
    char *own = calloc(strlen(texts[which]) + 1, 1), *end = own;
    for (const char *from = texts[which]; own != NULL && *from != '\0';) {
        size_t length = strcspn(from, " "), having = 0;
        while (having < count && has_word(texts[having], from, length)) {
            having++;
        }
        if (having < count) {
            if (end != own) {
                *end++ = ' ';
            }
            memcpy(end, from, length);
            end += length;
        }
        from += length + strspn(from + length, " ");
    }
    return own;
}

/* Settings are words, most of them in all: those that are not are told. */
static int say_settings(struct tare__phrase *phrase, const char *const *settings, size_t count)
{
    char **own = calloc(count, sizeof(*own));
    int failure = own == NULL ? -ENOMEM : 0;
    for (size_t i = 0; failure == 0 && i < count; i++) {
        own[i] = own_words(settings, count, i);
        failure = own[i] == NULL ? -ENOMEM : 0;
    }
    /* The same words in another order, or some of them more often, are whole texts that differ. */
    if (failure == 0 && !say_values(phrase, "settings", (const char *const *)own, count, "none")) {
        say_values(phrase, "settings", settings, count, "unknown");
    }
    for (size_t i = 0; own != NULL && i < count; i++) {
        free(own[i]);
    }
    free(own);
    return failure;
}

/* The parts of the fingerprint that the series' newest point was measured with; NULL: unknown. */
static json_t *parts_of(const struct tare_history *history, const struct tare_history_line *line)
{
    const struct tare_history_run *run =
        line->count > 0 ? tare_history_find_run(history, line->points[line->count - 1].run) : NULL;
    json_t *environment =
        run != NULL && run->environment != NULL ? json_loads(run->environment, 0, NULL) : NULL;
    json_t *parts = json_incref(json_object_get(json_object_get(environment, "fingerprint"), "parts"));
    json_decref(environment);
    return parts;
}

static const char *part_text(const json_t *value)
{
    return json_is_string(value) ? json_string_value(value) : "";
}

/* "its machine ('cpu_model': 'a' and 'b')": the parts that differ, of those that are texts. */
static int say_machines(const struct tare_history *history, const struct tare_history_line *const *lines,
                        size_t count, struct tare__phrase *phrase)
{
    int failure = -ENOMEM;
    size_t said = 0, more = 0;
    json_t **parts = calloc(count, sizeof(*parts)), *names = json_object(), *value;
    const char **values = calloc(count, sizeof(*values)), *key;
    if (parts == NULL || values == NULL || names == NULL) {
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        parts[i] = parts_of(history, lines[i]);
        json_object_update_missing(names, parts[i]);
        values[i] = lines[i]->series.fingerprint;
    }
    json_object_foreach(names, key, value)
    {
        for (size_t i = 0; i < count; i++) {
            values[i] = part_text(json_object_get(parts[i], key));
        }
        if (said < PARTS_SHOWN) {
            said += say_values(phrase, key, values, count, "unknown");
        } else {
            struct tare__phrase rest = {0};
            more += say_values(&rest, key, values, count, "unknown");
            tare__phrase_release(&rest);
        }
    }
    if (more > 0) {
        tare__phrase_add(phrase, " and %zu parts more", more);
    }
    if (said == 0) { /* which part it is, is not known */
        for (size_t i = 0; i < count; i++) {
            values[i] = lines[i]->series.fingerprint;
        }
        say_values(phrase, "machine", values, count, "unknown");
    }
    failure = 0;
out:
    for (size_t i = 0; parts != NULL && i < count; i++) {
        json_decref(parts[i]);
    }
    json_decref(names);
    free(parts);
    free(values);
    return failure;
}

/* What differs between these series of one benchmark. */
static int say_difference(const struct tare_history *history, const struct tare_history_line *const *lines,
                          size_t count, struct tare__phrase *phrase)
{
    const char **values = calloc(count, sizeof(*values));
    bool machines = false;
    int failure = values == NULL ? -ENOMEM : 0;
    for (size_t i = 1; i < count; i++) {
        machines = machines || strcmp(lines[i]->series.fingerprint, lines[0]->series.fingerprint) != 0;
    }
    if (failure == 0 && machines) {
        failure = say_machines(history, lines, count, phrase);
    }
    for (size_t i = 0; failure == 0 && i < count; i++) {
        values[i] = lines[i]->series.harness;
    }
    if (failure == 0) {
        say_values(phrase, "measured by", values, count, "unknown");
    }
    for (size_t i = 0; failure == 0 && i < count; i++) {
        values[i] = lines[i]->series.settings;
    }
    failure = failure == 0 ? say_settings(phrase, values, count) : failure;
    free(values);
    return failure != 0 ? failure : phrase->error;
}

/* The sentence about `what`, which it takes over, with one benchmark more. */
static int add_to(struct sentences *sentences, char *what, const struct tare_history_series *series)
{
    struct mixed *mixed = NULL;
    struct tare_history_series nameless = *series;
    static char nothing[] = "";
    nameless.metric = nothing;
    char *name = tare_history_title(&nameless);
    for (size_t i = 0; i < sentences->count && mixed == NULL; i++) {
        mixed = strcmp(sentences->mixed[i].what, what) == 0 ? &sentences->mixed[i] : NULL;
    }
    if (mixed == NULL && name != NULL) {
        struct mixed *grown = reallocarray(sentences->mixed, sentences->count + 1, sizeof(*grown));
        if (grown != NULL) {
            sentences->mixed = grown;
            mixed = &grown[sentences->count++];
            *mixed = (struct mixed){.what = what};
            what = NULL;
        }
    }
    free(what);
    if (mixed == NULL || name == NULL) {
        free(name);
        return -ENOMEM;
    }
    size_t length = strlen(name); /* without the metric: "name/64 " */
    while (length > 0 && name[length - 1] == ' ') {
        name[--length] = '\0';
    }
    /* Its metrics stand side by side, one after the other. */
    size_t shown = mixed->count < NAMES_SHOWN ? mixed->count : NAMES_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        if (strcmp(mixed->names[i], name) == 0) {
            free(name);
            return 0;
        }
    }
    if (mixed->count < NAMES_SHOWN) {
        mixed->names[mixed->count] = name;
    } else {
        free(name);
    }
    mixed->count++;
    return 0;
}

static int print_sentence(const struct mixed *mixed, const struct tare_history_view *view,
                          enum tare_format format, FILE *out)
{
    const struct tare_view_options options = {.color = view->color, .ascii = view->ascii, .width = view->width};
    struct tare__lines_out lines = {
        .out = out, .options = &options, .width = view->width > 0 ? (size_t)view->width : 80};
    struct tare__phrase text = {0};
    for (size_t i = 0; i < mixed->count && i < NAMES_SHOWN; i++) {
        tare__phrase_add(&text, "%s'%s'", i == 0 ? "" : ", ", mixed->names[i]);
    }
    if (mixed->count > NAMES_SHOWN) {
        tare__phrase_add(&text, " and others");
    }
    tare__phrase_add(&text, ": points in several series, as these differ: %s", mixed->what);
    int failure = text.error;
    if (failure == 0 && format == TARE_FORMAT_MARKDOWN) {
        putc('\n', out);
        failure = tare__escape_markdown(out, text.text, view->ascii);
        putc('\n', out);
        tare__phrase_release(&text);
    } else {
        tare__lines_phrase(&lines, 0, 2, NULL, &text);
        failure = failure != 0 ? failure : lines.error;
    }
    return failure;
}

int tare__history_mixed(const struct tare_history *history, const struct tare_history_view *view,
                        enum tare_format format, FILE *out)
{
    struct sentences sentences = {0};
    int failure = 0;
    const struct tare_history_line **lines = calloc(history->line_count + 1, sizeof(*lines));
    if (lines == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < history->line_count; i++) {
        lines[i] = &history->lines[i];
    }
    qsort(lines, history->line_count, sizeof(*lines), compare_benchmarks);
    for (size_t from = 0, to; failure == 0 && from < history->line_count; from = to) {
        for (to = from + 1; to < history->line_count && compare_benchmarks(&lines[from], &lines[to]) == 0;
             to++) {
        }
        if (to - from > 1) {
            struct tare__phrase what = {0};
            failure = say_difference(history, lines + from, to - from, &what);
            char *text = failure == 0 ? strdup(what.text != NULL ? what.text : "") : NULL;
            failure = text != NULL ? add_to(&sentences, text, &lines[from]->series) : -ENOMEM;
            tare__phrase_release(&what);
        }
    }
    for (size_t i = 0; i < sentences.count; i++) {
        if (failure == 0) {
            fputs(i == 0 && format != TARE_FORMAT_MARKDOWN ? "\n" : "", out);
            failure = print_sentence(&sentences.mixed[i], view, format, out);
        }
        for (size_t k = 0; k < NAMES_SHOWN; k++) {
            free(sentences.mixed[i].names[k]);
        }
        free(sentences.mixed[i].what);
    }
    free(sentences.mixed);
    free(lines);
    return failure;
}
