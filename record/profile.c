/* SPDX-License-Identifier: MIT */
/*
 * The profile in memory: what is the same is kept once, so that 100,000 stacks of 30 calls take some megabytes.
 *
 * Each kind of thing has a table of its own that finds its number: open addressing with linear steps, at most
 * two thirds full, each slot with 32 bits of the hash, so that a comparison is almost always a hit. Nodes are
 * by (parent, frame): a stack is a walk from the root in as many steps as it has calls. The tables are beside
 * the arrays and not in them: who only reads a profile never has them, and who adds to one that was read gets
 * them made from what is there.
 */
#include "record/profile.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_AT_FIRST = 64 };

struct slot {
    uint32_t hash;
    uint32_t number; /* TARE_PROFILE_NONE: empty */
};

struct table {
    struct slot *slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t capacity;   /* of the array whose elements it finds */
};

struct tare_profile_index {
    struct table objects, frames, nodes, processes, threads, timers;
    size_t sample_capacity;
};

struct tare_profile *tare_profile_new(void)
{
    struct tare_profile *profile = calloc(1, sizeof *profile);
    if (profile == NULL) {
        return NULL;
    }
    profile->frequency_hz = NAN;
    profile->interval_ns = NAN;
    profile->wall_ns = NAN;
    profile->overhead.ratio = NAN;
    profile->overhead.low = NAN;
    profile->overhead.high = NAN;
    return profile;
}

static void index_free(struct tare_profile_index *index)
{
    if (index == NULL) {
        return;
    }
    free(index->objects.slots);
    free(index->frames.slots);
    free(index->nodes.slots);
    free(index->processes.slots);
    free(index->threads.slots);
    free(index->timers.slots);
    free(index);
}

void tare_profile_free(struct tare_profile *profile)
{
    if (profile == NULL) {
        return;
    }
    free(profile->mode);
    free(profile->reason);
    free(profile->event);
    free(profile->unit);
    for (char **word = profile->recorder; word != NULL && *word != NULL; word++) {
        free(*word);
    }
    free(profile->recorder);
    for (size_t i = 0; i < profile->object_count; i++) {
        free(profile->objects[i].path);
        free(profile->objects[i].build_id);
    }
    for (size_t i = 0; i < profile->frame_count; i++) {
        free(profile->frames[i].function);
        free(profile->frames[i].file);
    }
    for (size_t i = 0; i < profile->process_count; i++) {
        free(profile->processes[i].command);
    }
    for (size_t i = 0; i < profile->thread_count; i++) {
        free(profile->threads[i].name);
    }
    for (size_t i = 0; i < profile->timer_count; i++) {
        free(profile->timers[i].module);
        free(profile->timers[i].name);
    }
    free(profile->objects);
    free(profile->frames);
    free(profile->nodes);
    free(profile->processes);
    free(profile->threads);
    free(profile->timers);
    free(profile->samples);
    index_free(profile->index);
    free(profile);
}

/*
 * The finaliser of MurmurHash3 (A. Appleby, public domain): every bit of the input moves half of the output's.
 */
static uint64_t mix(uint64_t value)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdULL;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53ULL;
    return value ^ value >> 33;
}

static uint64_t add_number(uint64_t hash, uint64_t value)
{
    return mix(hash + 0x9e3779b97f4a7c15ULL + value);
}

/* NULL is another string than "". */
static uint64_t add_string(uint64_t hash, const char *text)
{
    if (text == NULL) {
        return add_number(hash, UINT64_MAX);
    }
    size_t size = strlen(text);
    uint64_t word;
    for (size_t i = 0; i + sizeof word <= size; i += sizeof word) {
        memcpy(&word, text + i, sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, text + size / sizeof word * sizeof word, size % sizeof word);
    return add_number(hash ^ size, word);
}

static bool same_string(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What each kind of thing needs to be found: its hash, and whether number `i` is the same as `key`. */
typedef uint32_t hash_function(const void *key);
typedef bool same_function(const void *element, const void *key);

static uint32_t object_hash(const void *key)
{
    const struct tare_profile_object *object = key;
    return (uint32_t)add_string(add_string((uint64_t)object->kind, object->path), object->build_id);
}

static bool object_same(const void *element, const void *key)
{
    const struct tare_profile_object *a = element, *b = key;
    return a->kind == b->kind && same_string(a->path, b->path) && same_string(a->build_id, b->build_id);
}

static uint32_t frame_hash(const void *key)
{
    const struct tare_profile_frame *frame = key;
    uint64_t hash = add_number((uint64_t)frame->inlined | (uint64_t)frame->kernel << 1, frame->object);
    hash = add_number(hash, (uint64_t)frame->line << 32 | frame->function_line);
    hash = add_number(hash, frame->address);
    return (uint32_t)add_string(add_string(hash, frame->function), frame->file);
}

static bool frame_same(const void *element, const void *key)
{
    const struct tare_profile_frame *a = element, *b = key;
    return a->object == b->object && a->line == b->line && a->function_line == b->function_line &&
           a->address == b->address && a->inlined == b->inlined && a->kernel == b->kernel &&
           same_string(a->function, b->function) && same_string(a->file, b->file);
}

static uint32_t node_hash(const void *key)
{
    const struct tare_profile_node *node = key;
    return (uint32_t)mix((uint64_t)node->parent << 32 | node->frame);
}

static bool node_same(const void *element, const void *key)
{
    const struct tare_profile_node *a = element, *b = key;
    return a->parent == b->parent && a->frame == b->frame;
}

static uint32_t process_hash(const void *key)
{
    return (uint32_t)mix(((const struct tare_profile_process *)key)->pid);
}

static bool process_same(const void *element, const void *key)
{
    return ((const struct tare_profile_process *)element)->pid ==
           ((const struct tare_profile_process *)key)->pid;
}

static uint32_t thread_hash(const void *key)
{
    const struct tare_profile_thread *thread = key;
    return (uint32_t)mix((uint64_t)thread->process << 32 | thread->tid);
}

static bool thread_same(const void *element, const void *key)
{
    const struct tare_profile_thread *a = element, *b = key;
    return a->process == b->process && a->tid == b->tid;
}

static uint32_t timer_hash(const void *key)
{
    const struct tare_profile_timer *timer = key;
    return (uint32_t)add_string(add_string(0, timer->module), timer->name);
}

static bool timer_same(const void *element, const void *key)
{
    const struct tare_profile_timer *a = element, *b = key;
    return same_string(a->module, b->module) && same_string(a->name, b->name);
}

/* An array of the profile, and how its elements are told apart. */
struct kind {
    struct table *table;
    void *array; /* address of the pointer to it */
    size_t *count;
    size_t size;
    hash_function *hash;
    same_function *same;
};

#define KIND(profile, plural, singular)                                                                        \
    {                                                                                                          \
        &(profile)->index->plural, &(profile)->plural, &(profile)->singular##_count,                           \
            sizeof *(profile)->plural, singular##_hash, singular##_same                                        \
    }

static bool is_full(size_t used, size_t slot_count)
{
    return used >= slot_count / 3 * 2;
}

static void place(struct table *table, uint32_t hash, uint32_t number)
{
    size_t i = hash & (table->slot_count - 1);
    while (table->slots[i].number != TARE_PROFILE_NONE) {
        i = (i + 1) & (table->slot_count - 1);
    }
    table->slots[i] = (struct slot){hash, number};
}

/* Room for one more, and more. */
static int grow_table(struct table *table, size_t used)
{
    size_t slot_count = table->slot_count == 0 ? SLOTS_AT_FIRST : table->slot_count;
    while (is_full(used, slot_count)) {
        slot_count *= 2;
    }
    if (slot_count == table->slot_count) {
        return 0;
    }
    struct table grown = {.slots = reallocarray(NULL, slot_count, sizeof(struct slot)),
                          .slot_count = slot_count,
                          .capacity = table->capacity};
    if (grown.slots == NULL) {
        return -ENOMEM;
    }
    memset(grown.slots, 0xff, slot_count * sizeof(struct slot)); /* TARE_PROFILE_NONE */
    for (size_t i = 0; i < table->slot_count; i++) {
        if (table->slots[i].number != TARE_PROFILE_NONE) {
            place(&grown, table->slots[i].hash, table->slots[i].number);
        }
    }
    free(table->slots);
    *table = grown;
    return 0;
}

/* The array that the pointer at `array` points to: of whichever type, which memcpy() may not mind. */
static void *array_at(const void *array)
{
    void *pointer;
    memcpy(&pointer, array, sizeof pointer);
    return pointer;
}

static const void *element(struct kind kind, size_t i)
{
    return (const char *)array_at(kind.array) + i * kind.size;
}

static int grow_array(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity) {
        return 0;
    }
    size_t wanted = count < 16 ? 16 : count * 2;
    void *grown = reallocarray(array_at(array), wanted, size);
    if (grown == NULL) {
        return -ENOMEM;
    }
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return 0;
}

/* What is there already, into the table; of things that are the same, the first is found. */
static int index_kind(struct kind kind)
{
    kind.table->capacity = *kind.count;
    for (size_t i = 0; i < *kind.count; i++) {
        int error = grow_table(kind.table, i);
        if (error != 0) {
            return error;
        }
        place(kind.table, kind.hash(element(kind, i)), (uint32_t)i);
    }
    return 0;
}

static bool make_index(struct tare_profile *profile)
{
    if (profile->index != NULL) {
        return true;
    }
    profile->index = calloc(1, sizeof *profile->index);
    if (profile->index == NULL) {
        return false;
    }
    profile->index->sample_capacity = profile->sample_count;
    const struct kind kinds[] = {
        KIND(profile, objects, object),    KIND(profile, frames, frame),   KIND(profile, nodes, node),
        KIND(profile, processes, process), KIND(profile, threads, thread), KIND(profile, timers, timer),
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (index_kind(kinds[i]) != 0) {
            index_free(profile->index);
            profile->index = NULL;
            return false;
        }
    }
    return true;
}

/* The number of what is the same as `key`; else room is made for it, and its hash and number are returned. */
static uint32_t find(struct kind kind, const void *key, uint32_t *hash, bool *is_new)
{
    struct table *table = kind.table;
    *hash = kind.hash(key);
    *is_new = false;
    if (table->slot_count != 0) {
        for (size_t i = *hash & (table->slot_count - 1); table->slots[i].number != TARE_PROFILE_NONE;
             i = (i + 1) & (table->slot_count - 1)) {
            const struct slot *slot = &table->slots[i];
            if (slot->hash == *hash && kind.same(element(kind, slot->number), key)) {
                return slot->number;
            }
        }
    }
    if (*kind.count >= TARE_PROFILE_NONE || grow_table(table, *kind.count) != 0 ||
        grow_array(kind.array, &table->capacity, *kind.count, kind.size) != 0) {
        return TARE_PROFILE_NONE;
    }
    *is_new = true;
    return (uint32_t)*kind.count;
}

/* Behind find(): the new element is whole, and counts from now on. */
static uint32_t settle(struct kind kind, uint32_t hash, uint32_t number)
{
    place(kind.table, hash, number);
    (*kind.count)++;
    return number;
}

/* False without memory; NULL has a copy, too. */
static bool copy_string(const char *text, char **copy)
{
    *copy = text == NULL ? NULL : strdup(text);
    return text == NULL || *copy != NULL;
}

static bool two_copies(const char *a, const char *b, char **copy_a, char **copy_b)
{
    if (!copy_string(a, copy_a)) {
        return false;
    }
    if (!copy_string(b, copy_b)) {
        free(*copy_a);
        return false;
    }
    return true;
}

uint32_t tare_profile_object(struct tare_profile *profile, const char *path, const char *build_id,
                             enum tare_profile_object_kind kind)
{
    if (!make_index(profile)) {
        return TARE_PROFILE_NONE;
    }
    /* The key is not written to: it has the model's type for the sake of being compared with it. */
    struct tare_profile_object key = {(char *)(path == NULL ? "[unknown]" : path), (char *)build_id, kind, 0};
    struct kind objects = KIND(profile, objects, object);
    uint32_t hash;
    bool is_new;
    uint32_t number = find(objects, &key, &hash, &is_new);
    if (!is_new) {
        return number;
    }
    struct tare_profile_object *object = &profile->objects[number];
    *object = key;
    return two_copies(key.path, key.build_id, &object->path, &object->build_id) ? settle(objects, hash, number)
                                                                                : TARE_PROFILE_NONE;
}

uint32_t tare_profile_frame(struct tare_profile *profile, const struct tare_profile_frame *frame)
{
    if (!make_index(profile) ||
        (frame->object != TARE_PROFILE_NONE && frame->object >= profile->object_count)) {
        return TARE_PROFILE_NONE;
    }
    struct kind frames = KIND(profile, frames, frame);
    uint32_t hash;
    bool is_new;
    uint32_t number = find(frames, frame, &hash, &is_new);
    if (!is_new) {
        return number;
    }
    struct tare_profile_frame *added = &profile->frames[number];
    *added = *frame;
    return two_copies(frame->function, frame->file, &added->function, &added->file)
               ? settle(frames, hash, number)
               : TARE_PROFILE_NONE;
}

uint32_t tare_profile_node(struct tare_profile *profile, uint32_t parent, uint32_t frame)
{
    if (!make_index(profile) || frame >= profile->frame_count ||
        (parent != TARE_PROFILE_NONE && parent >= profile->node_count)) {
        return TARE_PROFILE_NONE;
    }
    struct tare_profile_node key = {parent, frame};
    struct kind nodes = KIND(profile, nodes, node);
    uint32_t hash;
    bool is_new;
    uint32_t number = find(nodes, &key, &hash, &is_new);
    if (!is_new) {
        return number;
    }
    profile->nodes[number] = key;
    return settle(nodes, hash, number);
}

uint32_t tare_profile_process(struct tare_profile *profile, uint32_t pid)
{
    if (!make_index(profile)) {
        return TARE_PROFILE_NONE;
    }
    struct tare_profile_process key = {pid, NULL};
    struct kind processes = KIND(profile, processes, process);
    uint32_t hash;
    bool is_new;
    uint32_t number = find(processes, &key, &hash, &is_new);
    if (!is_new) {
        return number;
    }
    profile->processes[number] = key;
    return settle(processes, hash, number);
}

uint32_t tare_profile_thread(struct tare_profile *profile, uint32_t process, uint32_t tid)
{
    if (!make_index(profile) || process >= profile->process_count) {
        return TARE_PROFILE_NONE;
    }
    struct tare_profile_thread key = {process, tid, NULL};
    struct kind threads = KIND(profile, threads, thread);
    uint32_t hash;
    bool is_new;
    uint32_t number = find(threads, &key, &hash, &is_new);
    if (!is_new) {
        return number;
    }
    profile->threads[number] = key;
    return settle(threads, hash, number);
}

uint32_t tare_profile_timer(struct tare_profile *profile, const char *module, const char *name)
{
    if (!make_index(profile)) {
        return TARE_PROFILE_NONE;
    }
    struct tare_profile_timer key = {(char *)module, (char *)name};
    struct kind timers = KIND(profile, timers, timer);
    uint32_t hash;
    bool is_new;
    uint32_t number = find(timers, &key, &hash, &is_new);
    if (!is_new) {
        return number;
    }
    struct tare_profile_timer *timer = &profile->timers[number];
    return two_copies(module, name, &timer->module, &timer->name) ? settle(timers, hash, number)
                                                                  : TARE_PROFILE_NONE;
}

int tare_profile_add(struct tare_profile *profile, const struct tare_profile_sample *sample)
{
    if ((sample->node != TARE_PROFILE_NONE && sample->node >= profile->node_count) ||
        (sample->thread != TARE_PROFILE_NONE && sample->thread >= profile->thread_count) ||
        (sample->timer != TARE_PROFILE_NONE && sample->timer >= profile->timer_count)) {
        return -EINVAL;
    }
    if (!make_index(profile) || profile->sample_count >= TARE_PROFILE_NONE ||
        grow_array(&profile->samples, &profile->index->sample_capacity, profile->sample_count,
                   sizeof *profile->samples) != 0) {
        return -ENOMEM;
    }
    profile->samples[profile->sample_count++] = *sample;
    if ((sample->flags & TARE_SAMPLE_TRUNCATED) != 0 && profile->truncated != TARE_PROFILE_UNKNOWN) {
        profile->truncated++;
    }
    if (sample->node == TARE_PROFILE_NONE ||
        profile->frames[profile->nodes[sample->node].frame].function == NULL) {
        profile->unknown++;
    }
    return 0;
}

/* Whether `a` has to stand behind `b`. */
static bool is_later(const struct tare_profile_sample *a, const struct tare_profile_sample *b)
{
    return isnan(a->time_ns) ? !isnan(b->time_ns) : a->time_ns > b->time_ns;
}

/* Without memory to do better: quick where little is out of order, as it mostly is. */
static void insertion_sort(struct tare_profile_sample *samples, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct tare_profile_sample sample = samples[i];
        size_t j = i;
        for (; j > 0 && is_later(&samples[j - 1], &sample); j--) {
            samples[j] = samples[j - 1];
        }
        samples[j] = sample;
    }
}

static void merge(const struct tare_profile_sample *from, size_t left, size_t middle, size_t right,
                  struct tare_profile_sample *to)
{
    size_t i = left, j = middle;
    for (size_t k = left; k < right; k++) {
        bool first = i < middle && (j >= right || !is_later(&from[i], &from[j]));
        to[k] = first ? from[i++] : from[j++];
    }
}

void tare_profile_sort(struct tare_profile *profile)
{
    size_t n = profile->sample_count;
    size_t in_order = 1;
    while (in_order < n && !is_later(&profile->samples[in_order - 1], &profile->samples[in_order])) {
        in_order++;
    }
    if (in_order >= n) {
        return;
    }
    struct tare_profile_sample *other = reallocarray(NULL, n, sizeof *other);
    if (other == NULL) {
        insertion_sort(profile->samples, n);
        return;
    }
    struct tare_profile_sample *from = profile->samples, *to = other;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t left = 0; left < n; left += 2 * width) {
            size_t middle = left + width < n ? left + width : n;
            size_t right = middle + width < n ? middle + width : n;
            merge(from, left, middle, right, to);
        }
        struct tare_profile_sample *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != profile->samples) {
        memcpy(profile->samples, from, n * sizeof *from);
    }
    free(other);
}

const char *tare_profile_object_name(const struct tare_profile *profile, uint32_t object)
{
    if (object >= profile->object_count) {
        return "";
    }
    const char *path = profile->objects[object].path;
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

const char *tare_profile_frame_name(const struct tare_profile *profile, uint32_t frame,
                                    char text[TARE_PROFILE_NAME])
{
    const struct tare_profile_frame *f = &profile->frames[frame];
    if (f->function != NULL) {
        return f->function;
    }
    const char *name = tare_profile_object_name(profile, f->object);
    size_t size = strlen(name);
    if (size > 1 && name[0] == '[' && name[size - 1] == ']') { /* "[kernel]": one pair of brackets is enough */
        name++;
        size -= 2;
    }
    if (size == 0) {
        name = "unknown";
        size = strlen(name);
    }
    int kept = size > TARE_PROFILE_NAME - 30 ? TARE_PROFILE_NAME - 30 : (int)size; /* and the address behind */
    if (f->address != 0) {
        snprintf(text, TARE_PROFILE_NAME, "[%.*s+0x%llx]", kept, name, (unsigned long long)f->address);
    } else {
        snprintf(text, TARE_PROFILE_NAME, "[%.*s]", kept, name);
    }
    return text;
}

double tare_profile_cpu_ns(const struct tare_profile *profile, bool *user_only)
{
    static const char clock[] = "cpu-clock", task[] = "task-clock";
    const char *event = profile->event, *behind = NULL;
    if (event != NULL && strncmp(event, clock, sizeof(clock) - 1) == 0) {
        behind = event + sizeof(clock) - 1;
    } else if (event != NULL && strncmp(event, task, sizeof(task) - 1) == 0) {
        behind = event + sizeof(task) - 1;
    }
    *user_only = behind != NULL && strcmp(behind, ":u") == 0;
    if (behind == NULL || (*behind != '\0' && !*user_only) || profile->off_cpu || profile->unit == NULL ||
        strcmp(profile->unit, "ns") != 0) {
        return NAN;
    }
    double ns = 0;
    for (size_t i = 0; i < profile->sample_count; i++) {
        ns += (double)profile->samples[i].weight;
    }
    return ns;
}
