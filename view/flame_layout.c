/* SPDX-License-Identifier: MIT */
/*
 * From a profile's stacks to the tree of a flame graph.
 *
 * Samples are sorted by what stands at the base of their stacks and by their stack, so that each stack is
 * walked once; a walk ends at the first call that the one before it has already been through. The tree is then
 * brought into its order, the widest child first, in which a subtree is a range of nodes: every later step is
 * one loop over them, and none of them is recursive, as stacks are as deep as a program likes.
 */
#include "view/flame_layout.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/columns.h"

#define NONE TARE_PROFILE_NONE

/* A table from a hash to numbers: open addressing, linear steps, at most half full. */
struct table {
    uint32_t *slots; /* NONE: empty */
    size_t size;     /* a power of two, or 0 */
    size_t used;
};

struct maker {
    struct tare__flame *flame;
    const struct tare_flame_options *options;
    const struct tare_profile *profile; /* of the side that is being added */
    int side;
    bool counts; /* its weights are numbers of samples */
    struct table functions, nodes;
    size_t function_room, node_room;
    const char **object_names; /* what objects of `profile` are called by side 0; NULL: what they are */
    uint32_t *of_frame;        /* function of each of the profile's frames, NONE: not looked up yet */
};

/* A sample as it is sorted. */
struct entry {
    uint32_t base; /* node below the outermost call */
    uint32_t node; /* of the profile */
    bool truncated;
    uint64_t weight;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
    /* The finaliser of splitmix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014). */
    hash = (hash ^ value) + 0x9e3779b97f4a7c15u;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
    return hash ^ (hash >> 31);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    uint64_t sum = 0xcbf29ce484222325u; /* FNV-1a */
    for (; *text != '\0'; text++) {
        sum = (sum ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return mix(hash, sum);
}

static void *grow(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return array;
    }
    size_t wanted = *room == 0 ? 64 : 2 * *room;
    void *larger = wanted < NONE ? reallocarray(array, wanted, size) : NULL;
    if (larger != NULL) {
        *room = wanted;
    }
    return larger;
}

typedef uint64_t hash_of(const struct tare__flame *flame, uint32_t number);

static bool table_grow(struct table *table, const struct tare__flame *flame, hash_of *hash)
{
    if (2 * (table->used + 1) <= table->size) {
        return true;
    }
    size_t size = table->size == 0 ? 128 : 2 * table->size;
    uint32_t *slots = malloc(size * sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    memset(slots, 0xff, size * sizeof(*slots));
    for (size_t i = 0; i < table->size; i++) {
        if (table->slots[i] != NONE) {
            size_t at = hash(flame, table->slots[i]) & (size - 1);
            while (slots[at] != NONE) {
                at = (at + 1) & (size - 1);
            }
            slots[at] = table->slots[i];
        }
    }
    free(table->slots);
    table->slots = slots;
    table->size = size;
    return true;
}

/* Functions */

static uint64_t function_key(const char *name, const char *object, enum tare__flame_kind kind)
{
    return mix(hash_text(hash_text(0, name), object), (uint64_t)kind);
}

static uint64_t function_hash(const struct tare__flame *flame, uint32_t number)
{
    const struct tare__flame_function *function = &flame->functions[number];
    return function_key(function->name, function->object, function->kind);
}

/* The function of that name, object and kind, which may be new. Takes `name`. NONE without memory. */
static uint32_t find_function(struct maker *maker, char *name, const char *object, enum tare__flame_kind kind)
{
    struct tare__flame *flame = maker->flame;
    char *safe_object = tare__view_safe(object, false);
    if (name == NULL || safe_object == NULL || !table_grow(&maker->functions, flame, function_hash)) {
        goto fail;
    }
    size_t mask = maker->functions.size - 1;
    size_t at = function_key(name, safe_object, kind) & mask;
    for (; maker->functions.slots[at] != NONE; at = (at + 1) & mask) {
        uint32_t number = maker->functions.slots[at];
        const struct tare__flame_function *known = &flame->functions[number];
        if (known->kind == kind && strcmp(known->name, name) == 0 && strcmp(known->object, safe_object) == 0) {
            free(name);
            free(safe_object);
            return number;
        }
    }
    struct tare__flame_function *functions =
        grow(flame->functions, flame->function_count, &maker->function_room, sizeof(*functions));
    if (functions == NULL) {
        goto fail;
    }
    flame->functions = functions;
    uint32_t number = (uint32_t)flame->function_count++;
    functions[number] = (struct tare__flame_function){.name = name, .object = safe_object, .kind = kind};
    maker->functions.slots[at] = number;
    maker->functions.used++;
    return number;
fail:
    free(name);
    free(safe_object);
    return NONE;
}

static bool is_library(const char *name)
{
    const char *suffix = strstr(name, ".so");
    return suffix != NULL && (suffix[3] == '\0' || suffix[3] == '.');
}

static enum tare__flame_kind kind_of(const struct tare_profile *profile, const struct tare_profile_frame *frame)
{
    if (frame->kernel) {
        return TARE__FLAME_KERNEL;
    }
    enum tare_profile_object_kind object =
        frame->object != NONE ? profile->objects[frame->object].kind : TARE_OBJECT_FILE;
    if (object == TARE_OBJECT_KERNEL) {
        return TARE__FLAME_KERNEL;
    }
    if (frame->function == NULL || object == TARE_OBJECT_UNKNOWN) {
        return TARE__FLAME_UNKNOWN;
    }
    return object == TARE_OBJECT_JIT                                      ? TARE__FLAME_JIT
           : object == TARE_OBJECT_VDSO                                   ? TARE__FLAME_LIBRARY
           : is_library(tare_profile_object_name(profile, frame->object)) ? TARE__FLAME_LIBRARY
                                                                          : TARE__FLAME_PROGRAM;
}

/*
 * What a function that has no name is called: after its object, as each of its addresses alone would be a frame
 * of its own, and none of them would be seen.
 */
static char *nameless(const char *object)
{
    char *name = NULL;
    size_t length = strlen(object);
    if (length == 0) {
        return strdup("[unknown]");
    }
    bool bracketed = object[0] == '[' && object[length - 1] == ']';
    if (asprintf(&name, bracketed ? "%s" : "[%s]", object) < 0) {
        return NULL;
    }
    char *safe = tare__view_safe(name, false);
    free(name);
    return safe;
}

static const char *object_name(const struct maker *maker, uint32_t object)
{
    bool renamed = maker->object_names != NULL && object != NONE && maker->object_names[object] != NULL;
    return renamed ? maker->object_names[object] : tare_profile_object_name(maker->profile, object);
}

static uint32_t function_of_frame(struct maker *maker, uint32_t number)
{
    if (maker->of_frame[number] != NONE) {
        return maker->of_frame[number];
    }
    const struct tare_profile *profile = maker->profile;
    const struct tare_profile_frame *frame = &profile->frames[number];
    const char *object = object_name(maker, frame->object);
    char *name = frame->function == NULL      ? nameless(object)
                 : frame->function[0] == '\0' ? strdup("[empty name]")
                                              : tare__view_safe(frame->function, false);
    uint32_t found = find_function(maker, name, object, kind_of(profile, frame));
    if (found == NONE) {
        return NONE;
    }
    struct tare__flame_function *function = &maker->flame->functions[found];
    function->is_function = true;
    function->nameless = frame->function == NULL;
    /* The line is the function's own; that of a call is right for its function as long as there is but one. */
    if (function->file == NULL && frame->file != NULL && frame->function != NULL) {
        function->file = tare__view_safe(frame->file, false);
        function->line = frame->function_line;
        if (function->file == NULL) {
            return NONE;
        }
    }
    maker->of_frame[number] = found;
    return found;
}

/*
 * Objects of two profiles. What has one name is one object; a library of another version and a program that was
 * built under another name are not, and every one of their functions would be one that only one side has. So
 * those that only one side has are paired: libraries by their names without versions, and the main programs.
 */

/* "libz" of "libz.so.1.3" and "libz-1.3.so": up to the version. */
static size_t length_without_version(const char *name)
{
    const char *end = strstr(name, ".so");
    size_t length = end != NULL ? (size_t)(end - name) : strlen(name);
    size_t at = length;
    while (at > 0 && (isdigit((unsigned char)name[at - 1]) || name[at - 1] == '.')) {
        at--;
    }
    return at > 1 && at < length && name[at - 1] == '-' ? at - 1 : length;
}

/* Objects of a file that the other profile has none of the same name of. False without memory. */
static bool find_own(const struct tare_profile *profile, const struct tare_profile *other, bool **own)
{
    *own = calloc(profile->object_count + 1, sizeof(**own));
    for (uint32_t i = 0; *own != NULL && i < profile->object_count; i++) {
        const char *name = tare_profile_object_name(profile, i);
        bool theirs = profile->objects[i].kind != TARE_OBJECT_FILE;
        for (uint32_t k = 0; !theirs && k < other->object_count; k++) {
            theirs = strcmp(name, tare_profile_object_name(other, k)) == 0;
        }
        (*own)[i] = !theirs;
    }
    return *own != NULL;
}

/* The library of that name without its version, if it is the only one; else NONE. */
static uint32_t other_version(const struct tare_profile *profile, const bool *own, const char *name)
{
    uint32_t found = NONE;
    size_t length = length_without_version(name);
    for (uint32_t i = 0; i < profile->object_count; i++) {
        const char *theirs = tare_profile_object_name(profile, i);
        if (own[i] && is_library(theirs) && length_without_version(theirs) == length &&
            strncmp(theirs, name, length) == 0) {
            if (found != NONE) {
                return NONE;
            }
            found = i;
        }
    }
    return found;
}

/*
 * The main program: of the programs that only this side has, the one that is the outermost of the programs of
 * the most stacks. *program NONE: there is none. False without memory.
 */
static bool find_main(const struct tare_profile *profile, const bool *own, uint32_t *program)
{
    uint32_t *outermost = calloc(profile->node_count + 1, sizeof(*outermost));
    uint64_t *samples = calloc(profile->object_count + 1, sizeof(*samples));
    bool fine = outermost != NULL && samples != NULL;
    *program = NONE;
    for (size_t i = 0; fine && i < profile->node_count; i++) { /* parents have smaller numbers */
        const struct tare_profile_node *node = &profile->nodes[i];
        uint32_t object = profile->frames[node->frame].object;
        bool is_program = object != NONE && profile->objects[object].kind == TARE_OBJECT_FILE &&
                          !is_library(tare_profile_object_name(profile, object));
        outermost[i] = node->parent != NONE ? outermost[node->parent] : NONE;
        if (outermost[i] == NONE && is_program) {
            outermost[i] = object;
        }
    }
    for (size_t i = 0; fine && i < profile->sample_count; i++) {
        uint32_t node = profile->samples[i].node;
        uint32_t object = node != NONE ? outermost[node] : NONE;
        if (object != NONE && own[object]) {
            samples[object]++;
        }
    }
    for (uint32_t i = 0; fine && i < profile->object_count; i++) {
        if (samples[i] > 0 && (*program == NONE || samples[i] > samples[*program])) {
            *program = i;
        }
    }
    free(outermost);
    free(samples);
    return fine;
}

/* Fills names[] for each object of `before` that is called otherwise in `profile`, and says so in *text. */
static int pair_objects(const struct tare_profile *profile, const struct tare_profile *before,
                        const char **names, char **text)
{
    bool *own = NULL, *own_before = NULL;
    uint32_t program = NONE, program_before = NONE;
    size_t size;
    FILE *said = NULL;
    int error = -ENOMEM;
    if (!find_own(profile, before, &own) || !find_own(before, profile, &own_before) ||
        !find_main(profile, own, &program) || !find_main(before, own_before, &program_before) ||
        (said = open_memstream(text, &size)) == NULL) {
        goto out;
    }
    int pairs = 0;
    for (uint32_t i = 0; i < before->object_count; i++) {
        const char *name = tare_profile_object_name(before, i);
        uint32_t same = NONE;
        if (i == program_before) {
            same = program;
        } else if (own_before[i] && is_library(name) && other_version(before, own_before, name) == i) {
            same = other_version(profile, own, name);
        }
        if (same != NONE) {
            names[i] = tare_profile_object_name(profile, same);
            fprintf(said, "%s'%s' of A and '%s' of B", pairs++ > 0 ? ", " : "", name, names[i]);
        }
    }
    error = 0;
out:
    if (said != NULL && fclose(said) != 0 && error == 0) {
        error = -ENOMEM;
    }
    if (error == 0 && (*text)[0] == '\0') {
        free(*text);
        *text = NULL;
    }
    free(own);
    free(own_before);
    return error;
}

/* Nodes, while they are added: `end` is not known yet, children are found by the table alone. */

static uint64_t node_key(uint32_t parent, uint32_t function, bool inlined)
{
    return mix(mix(inlined, parent), function);
}

static uint64_t node_hash(const struct tare__flame *flame, uint32_t number)
{
    const struct tare__flame_node *node = &flame->nodes[number];
    return node_key(node->parent, node->function, node->inlined);
}

static uint32_t find_node(struct maker *maker, uint32_t parent, uint32_t function, bool inlined)
{
    struct tare__flame *flame = maker->flame;
    if (function == NONE || !table_grow(&maker->nodes, flame, node_hash)) {
        return NONE;
    }
    size_t mask = maker->nodes.size - 1;
    size_t at = node_key(parent, function, inlined) & mask;
    for (; maker->nodes.slots[at] != NONE; at = (at + 1) & mask) {
        const struct tare__flame_node *known = &flame->nodes[maker->nodes.slots[at]];
        if (known->parent == parent && known->function == function && known->inlined == inlined) {
            return maker->nodes.slots[at];
        }
    }
    struct tare__flame_node *nodes = grow(flame->nodes, flame->node_count, &maker->node_room, sizeof(*nodes));
    if (nodes == NULL) {
        return NONE;
    }
    flame->nodes = nodes;
    uint32_t number = (uint32_t)flame->node_count++;
    nodes[number] = (struct tare__flame_node){
        .parent = parent,
        .function = function,
        .depth = parent == NONE ? 0 : nodes[parent].depth + 1,
        .inlined = inlined,
    };
    maker->nodes.slots[at] = number;
    maker->nodes.used++;
    return number;
}

static uint32_t find_named(struct maker *maker, uint32_t parent, const char *name, enum tare__flame_kind kind)
{
    return find_node(maker, parent, find_function(maker, tare__view_safe(name, false), "", kind), false);
}

/* Processes and threads of two runs have other numbers: there, their names alone tell which is which. */
static char *group_name(const struct maker *maker, const struct tare_profile_sample *sample)
{
    const struct tare_profile *profile = maker->profile;
    bool numbered = maker->flame->side_count == 1;
    char *name = NULL;
    int length = -1;
    if (maker->flame->by == TARE_FLAME_BY_TIMER) {
        if (sample->timer == NONE) {
            return strdup("[no timer was open]");
        }
        const struct tare_profile_timer *timer = &profile->timers[sample->timer];
        length = asprintf(&name, "%s::%s", timer->module, timer->name);
        return length < 0 ? NULL : name;
    }
    if (sample->thread == NONE) {
        return strdup("[unknown]");
    }
    const struct tare_profile_thread *thread = &profile->threads[sample->thread];
    const char *text = thread->name;
    uint32_t number = thread->tid;
    if (maker->flame->by == TARE_FLAME_BY_PROCESS || text == NULL) {
        const struct tare_profile_process *process =
            thread->process != NONE ? &profile->processes[thread->process] : NULL;
        text = process != NULL ? process->command : NULL;
        if (maker->flame->by == TARE_FLAME_BY_PROCESS) {
            number = process != NULL ? process->pid : 0;
        }
    }
    if (text == NULL) {
        text = "[unnamed]";
    }
    length = numbered ? asprintf(&name, "%s (%u)", text, number) : asprintf(&name, "%s", text);
    return length < 0 ? NULL : name;
}

static uint32_t base_of(struct maker *maker, const struct tare_profile_sample *sample)
{
    uint32_t base = 0;
    if (maker->flame->by != TARE_FLAME_BY_NOTHING) {
        char *name = group_name(maker, sample);
        bool timer = maker->flame->by == TARE_FLAME_BY_TIMER && sample->timer != NONE;
        base = name != NULL ? find_named(maker, 0, name, timer ? TARE__FLAME_TIMER : TARE__FLAME_GROUP) : NONE;
        free(name);
    }
    bool truncated = (sample->flags & TARE_SAMPLE_TRUNCATED) != 0;
    if (base != NONE && truncated && !maker->options->reverse) {
        base = find_named(maker, base, "[truncated]", TARE__FLAME_UNKNOWN);
    }
    return base;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->base != b->base) {
        return a->base < b->base ? -1 : 1;
    }
    if (a->node != b->node) {
        return a->node < b->node ? -1 : 1;
    }
    return (a->truncated > b->truncated) - (a->truncated < b->truncated);
}

/*
 * The node of a stack, from the base to the innermost call. `path` has room for the deepest stack; memo[] has
 * the node for each of the profile's nodes that were seen above the same base (memo_base[]).
 */
static uint32_t walk_in(struct maker *maker, const struct entry *entry, uint32_t *path, uint32_t *memo,
                        uint32_t *memo_base)
{
    const struct tare_profile *profile = maker->profile;
    size_t length = 0;
    uint32_t at = entry->node, node = entry->base;
    for (; at != NONE; at = profile->nodes[at].parent) {
        if (memo_base[at] == entry->base) {
            node = memo[at];
            break;
        }
        path[length++] = at;
    }
    while (length > 0 && node != NONE) {
        uint32_t number = path[--length];
        uint32_t frame = profile->nodes[number].frame;
        node = find_node(maker, node, function_of_frame(maker, frame), profile->frames[frame].inlined);
        memo[number] = node;
        memo_base[number] = node != NONE ? entry->base : NONE;
    }
    return node;
}

/* The same from the innermost call to the base. */
static uint32_t walk_out(struct maker *maker, const struct entry *entry)
{
    const struct tare_profile *profile = maker->profile;
    uint32_t node = entry->base;
    for (uint32_t at = entry->node; at != NONE && node != NONE; at = profile->nodes[at].parent) {
        uint32_t frame = profile->nodes[at].frame;
        node = find_node(maker, node, function_of_frame(maker, frame), profile->frames[frame].inlined);
    }
    if (node != NONE && entry->truncated) {
        node = find_named(maker, node, "[truncated]", TARE__FLAME_UNKNOWN);
    }
    return node;
}

static bool wanted(const struct maker *maker, const struct tare_profile_sample *sample)
{
    const struct tare_flame_options *options = maker->options;
    if (options->timer_matches == NULL) {
        return true;
    }
    if (sample->timer == NONE) {
        return false;
    }
    const struct tare_profile_timer *timer = &maker->profile->timers[sample->timer];
    return options->timer_matches(options->timer_data, timer->module, timer->name);
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Sorted samples of one side, and what they sum up to. */
static int collect(struct maker *maker, struct entry *entries, size_t *count)
{
    const struct tare_profile *profile = maker->profile;
    struct tare__flame_side *side = &maker->flame->sides[maker->side];
    long double squares = 0;
    uint64_t first = 0;
    side->uniform = true;
    /* Samples of one thread and timer have one base: it is looked up when that changes. */
    const struct tare_profile_sample *before = NULL;
    uint32_t base = NONE;
    for (size_t i = 0; i < profile->sample_count; i++) {
        const struct tare_profile_sample *sample = &profile->samples[i];
        if (!wanted(maker, sample)) {
            continue;
        }
        if (before == NULL || before->thread != sample->thread || before->timer != sample->timer ||
            before->flags != sample->flags) {
            base = base_of(maker, sample);
            if (base == NONE) {
                return -ENOMEM;
            }
            before = sample;
        }
        first = *count == 0 ? sample->weight : first;
        side->uniform = side->uniform && sample->weight == first;
        entries[(*count)++] = (struct entry){
            .base = base,
            .node = sample->node,
            .truncated = (sample->flags & TARE_SAMPLE_TRUNCATED) != 0,
            .weight = sample->weight,
        };
        if (__builtin_add_overflow(side->weight, sample->weight, &side->weight)) {
            return -EOVERFLOW;
        }
        squares += (long double)sample->weight * (long double)sample->weight;
        side->unit = common_divisor(side->unit, sample->weight);
    }
    side->unit = side->unit != 0 ? side->unit : 1;
    side->samples = *count;
    side->effective =
        squares > 0 ? (double)((long double)side->weight * (long double)side->weight / squares) : 0;
    if (maker->counts) {
        side->unit = 1;
        side->samples = side->weight;
        side->effective = (double)side->weight;
        side->uniform = true;
    }
    side->weight /= side->unit;
    qsort(entries, *count, sizeof(*entries), compare_entries);
    return 0;
}

static int add_side(struct maker *maker, int which, const struct tare_profile *profile)
{
    maker->profile = profile;
    maker->side = which;
    maker->counts = profile->unit == NULL || strcmp(profile->unit, "samples") == 0;
    int error = -ENOMEM;
    size_t count = 0;
    struct entry *entries = calloc(profile->sample_count + 1, sizeof(*entries));
    uint32_t *path = calloc(profile->node_count + 1, sizeof(*path));
    uint32_t *memo = calloc(profile->node_count + 1, sizeof(*memo));
    uint32_t *memo_base = malloc((profile->node_count + 1) * sizeof(*memo_base));
    maker->of_frame = malloc((profile->frame_count + 1) * sizeof(*maker->of_frame));
    if (entries == NULL || path == NULL || memo == NULL || memo_base == NULL || maker->of_frame == NULL) {
        goto out;
    }
    memset(memo_base, 0xff, (profile->node_count + 1) * sizeof(*memo_base));
    memset(maker->of_frame, 0xff, (profile->frame_count + 1) * sizeof(*maker->of_frame));
    error = collect(maker, entries, &count);
    uint32_t node = NONE;
    for (size_t i = 0; error == 0 && i < count; i++) {
        const struct entry *entry = &entries[i];
        if (i == 0 || compare_entries(entry - 1, entry) != 0) {
            node = entry->node == NONE       ? find_named(maker, entry->base, "[no stack]", TARE__FLAME_UNKNOWN)
                   : maker->options->reverse ? walk_out(maker, entry)
                                             : walk_in(maker, entry, path, memo, memo_base);
        }
        if (node == NONE) {
            error = -ENOMEM;
            break;
        }
        maker->flame->nodes[node].self[which] += entry->weight / maker->flame->sides[which].unit;
        maker->flame->nodes[node].self_samples += which != 0 ? 0 : maker->counts ? entry->weight : 1;
    }
out:
    free(entries);
    free(path);
    free(memo);
    free(memo_base);
    free(maker->of_frame);
    maker->of_frame = NULL;
    return error;
}

/* The order of the tree */

/* A parent was added before its children: from the last on, sums are complete when they are needed. */
static void sum_up(struct tare__flame *flame)
{
    for (size_t i = flame->node_count; i-- > 0;) {
        struct tare__flame_node *node = &flame->nodes[i];
        node->samples += node->self_samples;
        for (int side = 0; side < TARE__FLAME_SIDES; side++) {
            node->total[side] += node->self[side];
        }
        if (node->parent != NONE) {
            struct tare__flame_node *parent = &flame->nodes[node->parent];
            parent->samples += node->samples;
            for (int side = 0; side < TARE__FLAME_SIDES; side++) {
                parent->total[side] += node->total[side];
            }
        }
    }
}

static int compare_siblings(const void *left, const void *right, void *data)
{
    const struct tare__flame *flame = data;
    uint32_t left_number = *(const uint32_t *)left, right_number = *(const uint32_t *)right;
    const struct tare__flame_node *a = &flame->nodes[left_number], *b = &flame->nodes[right_number];
    for (int side = 0; side < TARE__FLAME_SIDES; side++) {
        if (a->total[side] != b->total[side]) {
            return a->total[side] > b->total[side] ? -1 : 1;
        }
    }
    const struct tare__flame_function *f = &flame->functions[a->function], *g = &flame->functions[b->function];
    int order = strcmp(f->name, g->name);
    order = order != 0 ? order : strcmp(f->object, g->object);
    order = order != 0 ? order : (a->inlined > b->inlined) - (a->inlined < b->inlined);
    return order != 0 ? order : (left_number > right_number) - (left_number < right_number);
}

/* Brings the nodes into the order of flame_layout.h, and fills in `end` and `start`. */
static int put_in_order(struct tare__flame *flame)
{
    size_t count = flame->node_count;
    uint32_t *by_parent = malloc(count * sizeof(*by_parent));
    uint32_t *first = calloc(count + 1, sizeof(*first)); /* of each node's children in by_parent */
    uint32_t *stack = malloc(count * sizeof(*stack));
    uint32_t *renamed = malloc(count * sizeof(*renamed));
    struct tare__flame_node *nodes = flame->nodes;
    int error = 0;
    if (by_parent == NULL || first == NULL || stack == NULL || renamed == NULL) {
        error = -ENOMEM;
        goto out;
    }
    for (size_t i = 1; i < count; i++) {
        first[nodes[i].parent + 1]++;
    }
    for (size_t i = 1; i <= count; i++) {
        first[i] += first[i - 1];
    }
    memset(stack, 0, count * sizeof(*stack)); /* how many of each node's children are there already */
    for (size_t i = 1; i < count; i++) {
        uint32_t parent = nodes[i].parent;
        by_parent[first[parent] + stack[parent]++] = (uint32_t)i;
    }
    for (size_t i = 0; i < count; i++) {
        if (first[i + 1] - first[i] > 1) {
            qsort_r(&by_parent[first[i]], first[i + 1] - first[i], sizeof(*by_parent), compare_siblings, flame);
        }
    }
    size_t depth = 0;
    uint32_t next = 0;
    stack[depth++] = 0;
    while (depth > 0) {
        uint32_t number = stack[--depth];
        renamed[number] = next++;
        for (uint32_t child = first[number + 1]; child > first[number]; child--) {
            stack[depth++] = by_parent[child - 1];
        }
    }
    /* In place, along the permutation's cycles: there may be millions of them. */
    for (size_t i = 1; i < count; i++) {
        nodes[i].parent = renamed[nodes[i].parent];
    }
    for (uint32_t i = 0; i < count; i++) {
        while (renamed[i] != i) {
            uint32_t to = renamed[i];
            struct tare__flame_node moved = nodes[to];
            nodes[to] = nodes[i];
            nodes[i] = moved;
            renamed[i] = renamed[to];
            renamed[to] = to;
        }
    }
    for (size_t i = count; i-- > 0;) { /* the last of its nodes says where a node ends */
        nodes[i].end = nodes[i].end > i ? nodes[i].end : (uint32_t)i + 1;
        if (nodes[i].parent != NONE && nodes[nodes[i].parent].end < nodes[i].end) {
            nodes[nodes[i].parent].end = nodes[i].end;
        }
    }
    /* Each child begins where the one before it ended. */
    for (size_t i = 0; i < count; i++) {
        uint64_t start = nodes[i].start;
        for (uint32_t child = (uint32_t)i + 1; child < nodes[i].end; child = nodes[child].end) {
            nodes[child].start = start;
            start += nodes[child].total[0];
        }
    }
out:
    free(by_parent);
    free(first);
    free(stack);
    free(renamed);
    return error;
}

/* A function that is in a stack several times counts in its total once. */
static int sum_functions(const struct tare__flame *flame, bool reverse)
{
    uint32_t *until = calloc(flame->function_count, sizeof(*until)); /* node at which it is no longer below */
    if (until == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < flame->node_count; i++) {
        const struct tare__flame_node *node = &flame->nodes[i];
        struct tare__flame_function *function = &flame->functions[node->function];
        const struct tare__flame_node *parent = node->parent != NONE ? &flame->nodes[node->parent] : NULL;
        bool innermost = parent == NULL || !flame->functions[parent->function].is_function;
        for (int side = 0; side < flame->side_count; side++) {
            if (until[node->function] <= i) {
                function->total[side] += node->total[side];
            }
            function->self[side] += !reverse ? node->self[side] : innermost ? node->total[side] : 0;
        }
        if (until[node->function] <= i) {
            until[node->function] = node->end;
        }
    }
    free(until);
    return 0;
}

int tare__flame_make(const struct tare_profile *profile, const struct tare_flame_options *options,
                     struct tare__flame *flame)
{
    *flame = (struct tare__flame){.side_count = options->before != NULL ? 2 : 1,
                                  .by = options->by,
                                  .not_normalized = options->not_normalized};
    bool has_timers = profile->by_timer && (options->before == NULL || options->before->by_timer);
    if (flame->by == TARE_FLAME_BY_DEFAULT) {
        flame->by = has_timers ? TARE_FLAME_BY_TIMER : TARE_FLAME_BY_NOTHING;
    }
    if (!has_timers && (flame->by == TARE_FLAME_BY_TIMER || options->timer_matches != NULL)) {
        return -ENODATA;
    }
    struct maker maker = {.flame = flame, .options = options};
    int error = find_named(&maker, NONE, "all", TARE__FLAME_GROUP) == NONE ? -ENOMEM : 0;
    const char **names = NULL; /* by side 0, of objects of side 1 */
    if (error == 0 && options->before != NULL) {
        names = calloc(options->before->object_count + 1, sizeof(*names));
        error = names == NULL ? -ENOMEM : pair_objects(profile, options->before, names, &flame->taken_for_same);
    }
    for (int side = 0; error == 0 && side < flame->side_count; side++) {
        maker.object_names = side == 0 ? NULL : names;
        error = add_side(&maker, side, side == 0 ? profile : options->before);
    }
    free(names);
    free(maker.functions.slots);
    free(maker.nodes.slots);
    if (error == 0) {
        sum_up(flame);
        error = put_in_order(flame);
    }
    return error != 0 ? error : sum_functions(flame, options->reverse);
}

void tare__flame_release(struct tare__flame *flame)
{
    for (size_t i = 0; i < flame->function_count; i++) {
        free(flame->functions[i].name);
        free(flame->functions[i].object);
        free(flame->functions[i].file);
    }
    free(flame->functions);
    free(flame->nodes);
    free(flame->taken_for_same);
    *flame = (struct tare__flame){0};
}
