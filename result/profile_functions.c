/* SPDX-License-Identifier: MIT */
/*
 * A profile by functions, callers and lines.
 *
 * The samples are added up by node first; what is below a node is then the sum over its subtree. Everything
 * else is one walk over the tree of nodes, from the outermost calls inwards, with a count for each function
 * (caller, line) of how often it is open: only where it is entered for the first time does the subtree belong
 * to its total, so that a stack counts once however often it recurs. No stack is gone over twice.
 */
#include "result/profile_functions.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/interval.h"

#define CONFIDENCE 0.95 /* of shares */

bool tare_profile_is_measuring(const struct tare_profile *profile, const struct tare_profile_sample *sample)
{
    const char *function = sample->node < profile->node_count
                               ? profile->frames[profile->nodes[sample->node].frame].function
                               : NULL;
    return profile->by_timer && function != NULL && strcmp(function, TARE_PROFILE_MEASURING) == 0;
}

bool tare_profile_matches(const struct tare_profile *profile, const struct tare_profile_filter *filter,
                          const struct tare_profile_sample *sample)
{
    if (filter == NULL) {
        return true;
    }
    uint32_t process =
        sample->thread < profile->thread_count ? profile->threads[sample->thread].process : TARE_PROFILE_NONE;
    return (!filter->by_timer || sample->timer == filter->timer) &&
           (!filter->by_thread || sample->thread == filter->thread) &&
           (!filter->by_process || process == filter->process) &&
           (!filter->without_measuring || !tare_profile_is_measuring(profile, sample)) &&
           (filter->timers == NULL || (sample->timer < profile->timer_count && filter->timers[sample->timer]));
}

/* The nodes with what fell on them, and the way down. */
struct tree {
    const struct tare_profile *profile;
    uint64_t *self, *total; /* weights, of the node alone and with those below it */
    uint64_t *self_samples, *total_samples;
    uint32_t *child, *sibling; /* the first, and the next of the same parent; TARE_PROFILE_NONE: no more */
    uint32_t root;             /* the first of those without parent */
};

static void tree_release(struct tree *tree)
{
    free(tree->self);
    free(tree->child);
}

static bool is_kernel(const struct tare_profile *profile, uint32_t node)
{
    return profile->frames[profile->nodes[node].frame].kernel;
}

/* What fell on the kernel belongs to the innermost node outside of it, if there is one; totals are known already. */
static int self_to_callers(struct tree *tree)
{
    const struct tare_profile *profile = tree->profile;
    uint32_t *caller = reallocarray(NULL, profile->node_count + 1, sizeof *caller);
    if (caller == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < profile->node_count; i++) {
        uint32_t parent = profile->nodes[i].parent, to = (uint32_t)i;
        if (is_kernel(profile, to)) {
            to = parent != TARE_PROFILE_NONE && !is_kernel(profile, caller[parent]) ? caller[parent] : to;
        }
        caller[i] = to;
        if (to != i) {
            tree->self[to] += tree->self[i];
            tree->self_samples[to] += tree->self_samples[i];
            tree->self[i] = tree->self_samples[i] = 0;
        }
    }
    free(caller);
    return 0;
}

static int tree_make(struct tree *tree, const struct tare_profile *profile,
                     const struct tare_profile_filter *filter)
{
    size_t count = profile->node_count;
    *tree = (struct tree){.profile = profile, .root = TARE_PROFILE_NONE};
    tree->self = calloc(count + 1, 4 * sizeof *tree->self);
    tree->child = reallocarray(NULL, count + 1, 2 * sizeof *tree->child);
    if (tree->self == NULL || tree->child == NULL) {
        return -ENOMEM;
    }
    tree->total = tree->self + count;
    tree->self_samples = tree->total + count;
    tree->total_samples = tree->self_samples + count;
    tree->sibling = tree->child + count;
    for (size_t i = 0; i < profile->sample_count; i++) {
        const struct tare_profile_sample *sample = &profile->samples[i];
        if (sample->node != TARE_PROFILE_NONE && tare_profile_matches(profile, filter, sample)) {
            tree->self[sample->node] += sample->weight;
            tree->self_samples[sample->node]++;
        }
    }
    for (size_t i = 0; i < count; i++) {
        tree->total[i] = tree->self[i];
        tree->total_samples[i] = tree->self_samples[i];
        tree->child[i] = TARE_PROFILE_NONE;
    }
    /* Parents have smaller numbers: backwards, every node is complete when it is added to its parent. */
    for (size_t i = count; i-- > 0;) {
        uint32_t parent = profile->nodes[i].parent;
        uint32_t *first = parent == TARE_PROFILE_NONE ? &tree->root : &tree->child[parent];
        tree->sibling[i] = *first;
        *first = (uint32_t)i;
        if (parent != TARE_PROFILE_NONE) {
            tree->total[parent] += tree->total[i];
            tree->total_samples[parent] += tree->total_samples[i];
        }
    }
    return profile->off_cpu ? self_to_callers(tree) : 0;
}

/* Called with each node that has samples below it: `enter` before those that it called, `leave` after them. */
typedef void visitor(void *data, const struct tree *tree, uint32_t node);

static void walk(const struct tree *tree, visitor *enter, visitor *leave, void *data)
{
    uint32_t node = tree->root;
    uint32_t up = TARE_PROFILE_NONE; /* the parent of those that we are among */
    for (;;) {
        while (node != TARE_PROFILE_NONE && tree->total_samples[node] == 0) {
            node = tree->sibling[node];
        }
        if (node != TARE_PROFILE_NONE) {
            enter(data, tree, node);
            up = node;
            node = tree->child[node];
        } else if (up != TARE_PROFILE_NONE) {
            leave(data, tree, up);
            node = tree->sibling[up];
            up = tree->profile->nodes[up].parent;
        } else {
            return;
        }
    }
}

/* A frame, for being grouped with those of the same function. */
struct named {
    const char *name; /* NULL: unnamed code */
    uint32_t object;
    uint32_t frame;
};

static int compare_named(const struct named *a, const struct named *b)
{
    if (a->object != b->object) {
        return a->object < b->object ? -1 : 1;
    }
    if (a->name == NULL || b->name == NULL) {
        return (a->name != NULL) - (b->name != NULL);
    }
    return strcmp(a->name, b->name);
}

static int compare_for_grouping(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = compare_named(x, y);
    return order != 0 ? order : (x->frame > y->frame) - (x->frame < y->frame);
}

/* "[libc.so.6]": tare_profile_frame_name() of a frame without function and address. */
static char *unnamed(const struct tare_profile *profile, uint32_t frame)
{
    struct tare_profile_frame nowhere = {.object = profile->frames[frame].object};
    struct tare_profile one = *profile;
    char text[TARE_PROFILE_NAME];
    one.frames = &nowhere;
    one.frame_count = 1;
    return strdup(tare_profile_frame_name(&one, 0, text));
}

/* Fills functions and of_frame, in any order. */
static int group_frames(const struct tare_profile *profile, struct tare_profile_functions *to)
{
    size_t count = profile->frame_count;
    int error = -ENOMEM;
    struct named *named = reallocarray(NULL, count + 1, sizeof *named);
    to->functions = calloc(count + 1, sizeof *to->functions);
    to->of_frame = reallocarray(NULL, count + 1, sizeof *to->of_frame);
    if (named == NULL || to->functions == NULL || to->of_frame == NULL) {
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        named[i] = (struct named){profile->frames[i].function, profile->frames[i].object, (uint32_t)i};
    }
    qsort(named, count, sizeof *named, compare_for_grouping);
    for (size_t i = 0; i < count; i++) {
        const struct tare_profile_frame *frame = &profile->frames[named[i].frame];
        if (i == 0 || compare_named(&named[i - 1], &named[i]) != 0) {
            struct tare_profile_function *function = &to->functions[to->count];
            function->object = frame->object;
            function->name =
                frame->function != NULL ? strdup(frame->function) : unnamed(profile, named[i].frame);
            if (function->name == NULL) {
                goto out;
            }
            to->count++;
        }
        struct tare_profile_function *function = &to->functions[to->count - 1];
        to->of_frame[named[i].frame] = (uint32_t)(to->count - 1);
        function->kernel |= frame->kernel;
        if (function->line == 0 && frame->function_line != 0) {
            function->line = frame->function_line;
        }
        if (function->file == NULL && frame->function != NULL && frame->file != NULL) {
            function->file = strdup(frame->file);
            if (function->file == NULL) {
                goto out;
            }
        }
    }
    error = 0;
out:
    free(named);
    return error;
}

struct totals {
    struct tare_profile_functions *functions;
    uint32_t *open; /* for each function, how many of its calls are on the way from the root */
};

static void enter_function(void *data, const struct tree *tree, uint32_t node)
{
    struct totals *totals = data;
    uint32_t number = totals->functions->of_frame[tree->profile->nodes[node].frame];
    struct tare_profile_function *function = &totals->functions->functions[number];
    function->self += tree->self[node];
    function->self_samples += tree->self_samples[node];
    if (totals->open[number]++ == 0) {
        function->total += tree->total[node];
        function->total_samples += tree->total_samples[node];
    }
}

static void leave_function(void *data, const struct tree *tree, uint32_t node)
{
    struct totals *totals = data;
    totals->open[totals->functions->of_frame[tree->profile->nodes[node].frame]]--;
}

static void make_shares(struct tare_profile_functions *functions)
{
    double all = (double)functions->weight, n = functions->effective;
    for (size_t i = 0; i < functions->count; i++) {
        struct tare_profile_function *function = &functions->functions[i];
        function->self_share = all > 0 ? (double)function->self / all : NAN;
        function->total_share = all > 0 ? (double)function->total / all : NAN;
        function->self_error = tare_share_error(function->self_share, n, CONFIDENCE);
        function->total_error = tare_share_error(function->total_share, n, CONFIDENCE);
    }
}

static int compare_functions(const struct tare_profile_function *a, const struct tare_profile_function *b)
{
    if (a->self != b->self) {
        return a->self > b->self ? -1 : 1;
    }
    if (a->total != b->total) {
        return a->total > b->total ? -1 : 1;
    }
    if (a->total_samples != b->total_samples) { /* of weight 0 */
        return a->total_samples > b->total_samples ? -1 : 1;
    }
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->object > b->object) - (a->object < b->object);
}

struct ordered {
    struct tare_profile_function function;
    uint32_t number; /* before the sorting */
};

static int compare_ordered(const void *a, const void *b)
{
    return compare_functions(&((const struct ordered *)a)->function, &((const struct ordered *)b)->function);
}

static int sort_functions(const struct tare_profile *profile, struct tare_profile_functions *functions)
{
    struct ordered *ordered = reallocarray(NULL, functions->count + 1, sizeof *ordered);
    uint32_t *now = reallocarray(NULL, functions->count + 1, sizeof *now);
    int error = ordered == NULL || now == NULL ? -ENOMEM : 0;
    if (error != 0) {
        goto out;
    }
    for (size_t i = 0; i < functions->count; i++) {
        ordered[i] = (struct ordered){functions->functions[i], (uint32_t)i};
    }
    qsort(ordered, functions->count, sizeof *ordered, compare_ordered);
    for (size_t i = 0; i < functions->count; i++) {
        functions->functions[i] = ordered[i].function;
        now[ordered[i].number] = (uint32_t)i;
    }
    for (size_t i = 0; i < profile->frame_count; i++) {
        functions->of_frame[i] = now[functions->of_frame[i]];
    }
out:
    free(ordered);
    free(now);
    return error;
}

static int compare_weights(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

static int find_heaviest(const struct tare_profile *profile, const struct tare_profile_filter *filter,
                         struct tare_profile_functions *functions)
{
    uint64_t *weights = reallocarray(NULL, functions->samples, sizeof *weights);
    size_t count = 0;
    if (weights == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < profile->sample_count; i++) {
        if (tare_profile_matches(profile, filter, &profile->samples[i])) {
            weights[count++] = profile->samples[i].weight;
        }
    }
    qsort(weights, count, sizeof *weights, compare_weights);
    for (size_t i = 0; i < count && functions->heaviest_weight < functions->weight - functions->heaviest_weight;
         i++) {
        functions->heaviest_weight += weights[i];
        functions->heaviest++;
    }
    free(weights);
    return 0;
}

static int add_up(const struct tare_profile *profile, const struct tare_profile_filter *filter,
                  struct tare_profile_functions *functions)
{
    int error = 0;
    double squares = 0;
    for (size_t i = 0; i < profile->sample_count; i++) {
        const struct tare_profile_sample *sample = &profile->samples[i];
        if (tare_profile_matches(profile, filter, sample)) {
            functions->samples++;
            functions->weight += sample->weight;
            functions->no_stack += sample->node == TARE_PROFILE_NONE ? sample->weight : 0;
            squares += (double)sample->weight * (double)sample->weight;
        }
    }
    bool folded = profile->mode != NULL && strcmp(profile->mode, "folded") == 0;
    if (functions->samples > 0 && !folded) {
        error = find_heaviest(profile, filter, functions);
    }
    functions->effective = folded        ? NAN
                           : squares > 0 ? (double)functions->weight * (double)functions->weight / squares
                                         : 0;
    return error;
}

int tare_profile_functions_make(const struct tare_profile *profile, const struct tare_profile_filter *filter,
                                struct tare_profile_functions *functions)
{
    struct tree tree = {0};
    struct totals totals = {.functions = functions};
    *functions = (struct tare_profile_functions){0};
    int error = group_frames(profile, functions);
    if (error == 0) {
        error = tree_make(&tree, profile, filter);
    }
    if (error == 0) {
        totals.open = calloc(functions->count + 1, sizeof *totals.open);
        error = totals.open == NULL ? -ENOMEM : 0;
    }
    if (error == 0) {
        error = add_up(profile, filter, functions);
    }
    if (error == 0) {
        walk(&tree, enter_function, leave_function, &totals);
        make_shares(functions);
        error = sort_functions(profile, functions);
    }
    free(totals.open);
    tree_release(&tree);
    return error;
}

void tare_profile_functions_release(struct tare_profile_functions *functions)
{
    for (size_t i = 0; i < functions->count; i++) {
        free(functions->functions[i].name);
        free(functions->functions[i].file);
    }
    free(functions->functions);
    free(functions->of_frame);
    *functions = (struct tare_profile_functions){0};
}

/* Edges: `count` is the number of the caller that is missing. */
struct edges {
    const struct tare_profile_functions *functions;
    uint32_t function;
    bool callers;
    struct tare_profile_edge *edges; /* for each function, and for none */
    uint32_t *open;
};

/* Which edge leads to the node; TARE_PROFILE_NONE: none that is asked for. */
static uint32_t edge_of(const struct edges *edges, const struct tree *tree, uint32_t node)
{
    const struct tare_profile_node *nodes = tree->profile->nodes;
    uint32_t callee = edges->functions->of_frame[nodes[node].frame];
    uint32_t caller = nodes[node].parent == TARE_PROFILE_NONE
                          ? (uint32_t)edges->functions->count
                          : edges->functions->of_frame[nodes[nodes[node].parent].frame];
    if (edges->callers) {
        return callee == edges->function ? caller : TARE_PROFILE_NONE;
    }
    return caller == edges->function ? callee : TARE_PROFILE_NONE;
}

static void enter_edge(void *data, const struct tree *tree, uint32_t node)
{
    struct edges *edges = data;
    uint32_t edge = edge_of(edges, tree, node);
    if (edge != TARE_PROFILE_NONE && edges->open[edge]++ == 0) {
        edges->edges[edge].weight += tree->total[node];
        edges->edges[edge].samples += tree->total_samples[node];
    }
}

static void leave_edge(void *data, const struct tree *tree, uint32_t node)
{
    struct edges *edges = data;
    uint32_t edge = edge_of(edges, tree, node);
    if (edge != TARE_PROFILE_NONE) {
        edges->open[edge]--;
    }
}

static int compare_edges(const void *a, const void *b)
{
    const struct tare_profile_edge *x = a, *y = b;
    if (x->weight != y->weight) {
        return x->weight > y->weight ? -1 : 1;
    }
    if (x->samples != y->samples) {
        return x->samples > y->samples ? -1 : 1;
    }
    return (x->function > y->function) - (x->function < y->function);
}

int tare_profile_edges(const struct tare_profile *profile, const struct tare_profile_filter *filter,
                       const struct tare_profile_functions *functions, uint32_t function, bool callers,
                       struct tare_profile_edge **edges, size_t *count)
{
    struct edges made = {.functions = functions, .function = function, .callers = callers};
    struct tree tree;
    int error = tree_make(&tree, profile, filter);
    *edges = NULL;
    *count = 0;
    made.edges = calloc(functions->count + 1, sizeof *made.edges);
    made.open = calloc(functions->count + 1, sizeof *made.open);
    if (made.edges == NULL || made.open == NULL) {
        error = -ENOMEM;
    }
    if (error != 0) {
        free(made.edges);
        goto out;
    }
    walk(&tree, enter_edge, leave_edge, &made);
    for (size_t i = 0; i <= functions->count; i++) {
        if (made.edges[i].samples > 0) {
            made.edges[*count] = made.edges[i];
            made.edges[*count].function = i == functions->count ? TARE_PROFILE_NONE : (uint32_t)i;
            (*count)++;
        }
    }
    qsort(made.edges, *count, sizeof *made.edges, compare_edges);
    *edges = made.edges;
out:
    free(made.open);
    tree_release(&tree);
    return error;
}

struct lines {
    const struct tare_profile_functions *functions;
    uint32_t function;
    struct tare_profile_line *lines;
    uint32_t *of_frame; /* of the function's frames, their line */
    uint32_t *open;
};

static void enter_line(void *data, const struct tree *tree, uint32_t node)
{
    struct lines *lines = data;
    uint32_t frame = tree->profile->nodes[node].frame;
    if (lines->functions->of_frame[frame] != lines->function) {
        return;
    }
    uint32_t number = lines->of_frame[frame];
    struct tare_profile_line *line = &lines->lines[number];
    line->self += tree->self[node];
    line->self_samples += tree->self_samples[node];
    if (lines->open[number]++ == 0) {
        line->total += tree->total[node];
        line->total_samples += tree->total_samples[node];
    }
}

static void leave_line(void *data, const struct tree *tree, uint32_t node)
{
    struct lines *lines = data;
    uint32_t frame = tree->profile->nodes[node].frame;
    if (lines->functions->of_frame[frame] == lines->function) {
        lines->open[lines->of_frame[frame]]--;
    }
}

/* A frame of the function, by file and line. */
struct located {
    const char *file;
    uint32_t line;
    uint32_t frame;
};

static int compare_places(const struct located *a, const struct located *b)
{
    if (a->file == NULL || b->file == NULL) {
        int order = (a->file == NULL) - (b->file == NULL); /* the unknown behind */
        if (order != 0) {
            return order;
        }
    } else {
        int order = strcmp(a->file, b->file);
        if (order != 0) {
            return order;
        }
    }
    return (a->line > b->line) - (a->line < b->line);
}

static int compare_located(const void *a, const void *b)
{
    const struct located *x = a, *y = b;
    int order = compare_places(x, y);
    return order != 0 ? order : (x->frame > y->frame) - (x->frame < y->frame);
}

/* Fills lines and of_frame; returns how many lines there are. */
static size_t group_lines(struct lines *lines, const struct tare_profile *profile, struct located *located)
{
    size_t frames = 0, count = 0;
    for (size_t i = 0; i < profile->frame_count; i++) {
        if (lines->functions->of_frame[i] == lines->function) {
            located[frames++] = (struct located){profile->frames[i].file, profile->frames[i].line, (uint32_t)i};
        }
    }
    qsort(located, frames, sizeof *located, compare_located);
    for (size_t i = 0; i < frames; i++) {
        if (i == 0 || compare_places(&located[i - 1], &located[i]) != 0) {
            lines->lines[count++] =
                (struct tare_profile_line){.file = located[i].file, .line = located[i].line};
        }
        lines->of_frame[located[i].frame] = (uint32_t)(count - 1);
    }
    return count;
}

int tare_profile_lines(const struct tare_profile *profile, const struct tare_profile_filter *filter,
                       const struct tare_profile_functions *functions, uint32_t function,
                       struct tare_profile_line **lines, size_t *count)
{
    struct lines made = {.functions = functions, .function = function};
    struct tree tree;
    size_t room = profile->frame_count + 1;
    struct located *located = reallocarray(NULL, room, sizeof *located);
    int error = tree_make(&tree, profile, filter);
    *lines = NULL;
    *count = 0;
    made.lines = reallocarray(NULL, room, sizeof *made.lines);
    made.of_frame = calloc(room, sizeof *made.of_frame);
    made.open = calloc(room, sizeof *made.open);
    if (located == NULL || made.lines == NULL || made.of_frame == NULL || made.open == NULL) {
        error = -ENOMEM;
    }
    if (error != 0) {
        free(made.lines);
        goto out;
    }
    size_t all = group_lines(&made, profile, located);
    walk(&tree, enter_line, leave_line, &made);
    for (size_t i = 0; i < all; i++) {
        if (made.lines[i].total_samples > 0) {
            made.lines[(*count)++] = made.lines[i];
        }
    }
    *lines = made.lines;
out:
    free(located);
    free(made.of_frame);
    free(made.open);
    tree_release(&tree);
    return error;
}
