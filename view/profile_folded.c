/* SPDX-License-Identifier: MIT */
/*
 * Folded stacks. The format has no escapes: a ';' in a name becomes ',', other characters that would end a line
 * or a name become spaces, and bytes that are no UTF-8 U+FFFD. Stacks of equal names are one line, whatever
 * their objects and lines are.
 */
#include "view/profile_exports.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "result/utf8.h"
#include "view/profile_parts.h"

struct folded {
    struct tare__lexicon names;
    char **clean;                /* for each function, and [no stack], its name in `names` */
    uint32_t *name_of;           /* for each function its number in `names` */
    struct tare__triples stacks; /* (outer stack, name) */
    uint32_t *stack_of;          /* for each node of the profile */
    uint64_t *weights;           /* for each stack */
    uint32_t *rank;              /* for each name its place in the alphabet */
};

static char *clean_name(const char *name)
{
    char *clean = malloc(strlen(name) * 3 + 1), *to = clean;
    while (clean != NULL && *name != '\0') {
        uint32_t code_point;
        size_t taken = tare__utf8_decode(name, &code_point);
        if (taken == 0) {
            memcpy(to, "\xef\xbf\xbd", 3);
            to += 3;
            name++;
            continue;
        }
        memcpy(to, name, taken);
        if (code_point < ' ' || code_point == 0x7f) {
            *to = ' ';
        } else if (code_point == ';') {
            *to = ',';
        }
        to += taken;
        name += taken;
    }
    if (clean != NULL) {
        *to = '\0';
    }
    return clean;
}

static int by_text(const void *a, const void *b, void *data)
{
    const char *const *names = data;
    return strcmp(names[*(const uint32_t *)a], names[*(const uint32_t *)b]);
}

static int make_names(struct folded *folded, const struct tare__export *export)
{
    size_t count = export->function_count + 1;
    folded->clean = calloc(count, sizeof *folded->clean);
    folded->name_of = malloc(count * sizeof *folded->name_of);
    for (size_t i = 0; i < count; i++) {
        if (folded->clean == NULL || folded->name_of == NULL) {
            return -ENOMEM;
        }
        folded->clean[i] = clean_name(export->functions[i].name);
        folded->name_of[i] = folded->clean[i] == NULL ? TARE_PROFILE_NONE
                                                      : tare__lexicon_number(&folded->names, folded->clean[i]);
        if (folded->name_of[i] == TARE_PROFILE_NONE) {
            return -ENOMEM;
        }
    }
    uint32_t *order = malloc(folded->names.count * sizeof *order);
    folded->rank = malloc(folded->names.count * sizeof *folded->rank);
    if (order == NULL || folded->rank == NULL) {
        free(order);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < folded->names.count; i++) {
        order[i] = i;
    }
    qsort_r(order, folded->names.count, sizeof *order, by_text, folded->names.texts);
    for (uint32_t i = 0; i < folded->names.count; i++) {
        folded->rank[order[i]] = i;
    }
    free(order);
    return 0;
}

static int make_stacks(struct folded *folded, const struct tare__export *export)
{
    const struct tare_profile *profile = export->profile;
    folded->stack_of = malloc((profile->node_count + 1) * sizeof *folded->stack_of);
    if (folded->stack_of == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < profile->node_count; i++) {
        const struct tare_profile_node *node = &profile->nodes[i];
        uint32_t outer = node->parent == TARE_PROFILE_NONE ? node->parent : folded->stack_of[node->parent];
        uint32_t name = folded->name_of[export->of_frame[node->frame]];
        folded->stack_of[i] = tare__triples_number(&folded->stacks, outer, name, 0);
        if (folded->stack_of[i] == TARE_PROFILE_NONE) {
            return -ENOMEM;
        }
    }
    uint32_t none =
        tare__triples_number(&folded->stacks, TARE_PROFILE_NONE, folded->name_of[export->function_count], 0);
    folded->weights = calloc(folded->stacks.count + 1, sizeof *folded->weights);
    if (none == TARE_PROFILE_NONE || folded->weights == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < profile->sample_count; i++) {
        const struct tare_profile_sample *sample = &profile->samples[i];
        uint64_t *weight =
            &folded->weights[sample->node == TARE_PROFILE_NONE ? none : folded->stack_of[sample->node]];
        *weight = tare__export_sum(*weight, sample->weight);
    }
    return 0;
}

/* By the stack around, and then by name: the stacks in one become neighbours. */
static int by_outer(const void *a, const void *b, void *data)
{
    const struct folded *folded = data;
    const uint32_t *x = folded->stacks.keys[*(const uint32_t *)a],
                   *y = folded->stacks.keys[*(const uint32_t *)b];
    uint32_t i = folded->rank[x[1]], j = folded->rank[y[1]];
    return x[0] != y[0] ? (x[0] > y[0]) - (x[0] < y[0]) : (i > j) - (i < j);
}

/* `path` has room for every stack around. */
static void put_line(const struct folded *folded, uint32_t stack, uint32_t *path, FILE *out)
{
    size_t depth = 0;
    for (uint32_t s = stack; s != TARE_PROFILE_NONE; s = folded->stacks.keys[s][0]) {
        path[depth++] = folded->stacks.keys[s][1];
    }
    while (depth > 0) {
        fputs(folded->names.texts[path[--depth]], out);
        putc(depth > 0 ? ';' : ' ', out);
    }
    fprintf(out, "%" PRIu64 "\n", folded->weights[stack]);
}

static int put_lines(const struct folded *folded, FILE *out)
{
    size_t count = folded->stacks.count;
    uint32_t *order = malloc((count + 1) * sizeof *order);
    uint32_t *first =
        malloc((count + 1) * sizeof *first); /* for each stack, where in `order` its inner ones are */
    uint32_t *todo = malloc((count + 1) * sizeof *todo);
    uint32_t *path = malloc((count + 1) * sizeof *path);
    int failure = order == NULL || first == NULL || todo == NULL || path == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; failure == 0 && i < count; i++) {
        order[i] = i;
        first[i] = TARE_PROFILE_NONE;
    }
    if (failure == 0) {
        qsort_r(order, count, sizeof *order, by_outer, (void *)folded);
        size_t pending = 0, roots = count;
        for (size_t i = count; i-- > 0;) {
            uint32_t outer = folded->stacks.keys[order[i]][0];
            if (outer == TARE_PROFILE_NONE) {
                roots = i;
                todo[pending++] = order[i];
            } else {
                first[outer] = (uint32_t)i;
            }
        }
        while (pending > 0) {
            uint32_t stack = todo[--pending];
            if (folded->weights[stack] > 0) {
                put_line(folded, stack, path, out);
            }
            size_t end = first[stack];
            while (end < roots && folded->stacks.keys[order[end]][0] == stack) {
                end++;
            }
            while (end > first[stack] && first[stack] != TARE_PROFILE_NONE) {
                todo[pending++] = order[--end];
            }
        }
    }
    free(order);
    free(first);
    free(todo);
    free(path);
    return failure;
}

int tare_view_folded(const struct tare_result *result, FILE *out)
{
    struct tare__export export;
    struct folded folded = {0};
    int failure = tare__export_begin(&export, result);
    if (failure == 0) {
        failure = make_names(&folded, &export);
    }
    if (failure == 0) {
        failure = make_stacks(&folded, &export);
    }
    if (failure == 0) {
        failure = put_lines(&folded, out);
    }
    for (size_t i = 0; folded.clean != NULL && i <= export.function_count; i++) {
        free(folded.clean[i]);
    }
    free(folded.clean);
    free(folded.name_of);
    free(folded.stack_of);
    free(folded.weights);
    free(folded.rank);
    tare__lexicon_release(&folded.names);
    tare__triples_release(&folded.stacks);
    tare__export_release(&export);
    return failure != 0 ? failure : ferror(out) ? -EIO : 0;
}
