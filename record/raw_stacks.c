/* SPDX-License-Identifier: MIT */
/*
 * A program is what a process runs, from its start or exec on. A layout is which module lies where in it, as of
 * now: an address is looked up in it as its sample is taken, and stays with the module that it was found in,
 * whatever is loaded there later. A fork has its parent's layout, until one of the two loads something.
 *
 * A module is kept once for each place that it is loaded at. A site is an address in it, as a return address
 * or not: it is resolved once, however many samples, processes and loads have it. A sample may come before the
 * record of its module (preload/samples.h): then its sites are of the program, and get the first module that
 * covers them.
 *
 * Stacks that begin alike share their outer part: a node is a site below another node.
 */
#include "record/raw_stacks.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From two numbers to one: open addressing, at most half full. */
struct entry {
    uint64_t a, b;
    uint32_t value; /* + 1; 0: empty */
};
struct map {
    struct entry *entries;
    size_t size, count; /* size: a power of two, or 0 */
};

struct module {
    uint64_t address, size, offset;
    uint32_t path, build_id;        /* number of a text; NONE */
    uint32_t pid;                   /* who has loaded it first */
    uint32_t first_site, last_site; /* of those in it; NONE */
};

struct part {
    uint64_t from, to;
    uint32_t module;
};

struct layout {
    size_t users;       /* programs */
    struct part *parts; /* ascending, not overlapping */
    size_t count, room;
};

struct program {
    uint32_t pid;
    struct layout *layout; /* NULL: it runs no more */
    uint32_t *first;       /* the modules that were the first ones somewhere, in the order in which they came */
    size_t first_count, first_room;
    uint32_t first_site, last_site; /* of those in no module; NONE */
};

struct process {
    uint32_t pid, program;
    char *name; /* NULL: unknown */
};

struct thread {
    uint32_t pid, tid;
    char *name;
};

struct site {
    uint64_t address;
    uint32_t next; /* in its module or program */
    bool is_return;
    size_t frames; /* the number of its innermost frame */
    uint32_t frame_count;
};

struct node {
    uint32_t parent, site;
};

/* What was found at a site. */
struct frame {
    struct tare_symbols_frame found;
    uint32_t module; /* of one that was left without a name; NONE */
    bool measures;
    uint32_t number; /* of the profile's; NONE: not yet */
};

struct sample {
    uint64_t time_ns, weight;
    uint32_t node, thread, timer, page, flags;
};

struct tare_raw_stacks {
    struct map process_of, thread_of, node_of, text_of, module_of, site_of;
    struct program *programs;
    size_t program_count, program_room;
    struct module *modules;
    size_t module_count, module_room;
    struct site *sites;
    size_t site_count, site_room;
    struct process *processes;
    size_t process_count, process_room;
    struct thread *threads;
    size_t thread_count, thread_room;
    struct node *nodes;
    size_t node_count, node_room;
    struct sample *samples;
    size_t sample_count, sample_room;
    char **texts;
    size_t text_count, text_room;
};

#define NONE TARE_PROFILE_NONE

/* The finaliser of splitmix64 (S. Vigna): all bits of both numbers reach all bits of the hash. */
static uint64_t hash_of(uint64_t a, uint64_t b)
{
    uint64_t z = a * UINT64_C(0x9e3779b97f4a7c15) + b;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static struct entry *place_of(const struct map *map, uint64_t a, uint64_t b)
{
    size_t at = hash_of(a, b) & (map->size - 1);
    while (map->entries[at].value != 0 && (map->entries[at].a != a || map->entries[at].b != b)) {
        at = (at + 1) & (map->size - 1);
    }
    return &map->entries[at];
}

static uint32_t map_find(const struct map *map, uint64_t a, uint64_t b)
{
    const struct entry *entry = map->size != 0 ? place_of(map, a, b) : NULL;
    return entry == NULL || entry->value == 0 ? NONE : entry->value - 1;
}

static int map_set(struct map *map, uint64_t a, uint64_t b, uint32_t value)
{
    if (2 * (map->count + 1) > map->size) {
        struct map grown = {.size = map->size != 0 ? 2 * map->size : 64, .count = map->count};
        grown.entries = calloc(grown.size, sizeof(*grown.entries));
        if (grown.entries == NULL) {
            return -ENOMEM;
        }
        for (size_t i = 0; i < map->size; i++) {
            if (map->entries[i].value != 0) {
                *place_of(&grown, map->entries[i].a, map->entries[i].b) = map->entries[i];
            }
        }
        free(map->entries);
        *map = grown;
    }
    struct entry *entry = place_of(map, a, b);
    map->count += entry->value == 0;
    *entry = (struct entry){a, b, value + 1};
    return 0;
}

/* Room for one more element of that size. False without memory, or at 2^32 - 2 of them. */
static bool make_room(void *array, size_t count, size_t *room, size_t element)
{
    void **elements = array;
    if (count < *room) {
        return true;
    }
    size_t more = *room != 0 ? 2 * *room : 16;
    void *grown = count < NONE - 1 ? realloc(*elements, more * element) : NULL;
    if (grown == NULL) {
        return false;
    }
    *elements = grown;
    *room = more;
    return true;
}

struct tare_raw_stacks *tare_raw_stacks_new(void)
{
    return calloc(1, sizeof(struct tare_raw_stacks));
}

static void leave_layout(struct program *program)
{
    if (program->layout != NULL && --program->layout->users == 0) {
        free(program->layout->parts);
        free(program->layout);
    }
    program->layout = NULL;
}

void tare_raw_stacks_free(struct tare_raw_stacks *stacks)
{
    if (stacks == NULL) {
        return;
    }
    for (size_t i = 0; i < stacks->program_count; i++) {
        leave_layout(&stacks->programs[i]);
        free(stacks->programs[i].first);
    }
    for (size_t i = 0; i < stacks->process_count; i++) {
        free(stacks->processes[i].name);
    }
    for (size_t i = 0; i < stacks->thread_count; i++) {
        free(stacks->threads[i].name);
    }
    for (size_t i = 0; i < stacks->text_count; i++) {
        free(stacks->texts[i]);
    }
    free(stacks->process_of.entries);
    free(stacks->thread_of.entries);
    free(stacks->node_of.entries);
    free(stacks->text_of.entries);
    free(stacks->module_of.entries);
    free(stacks->site_of.entries);
    free(stacks->programs);
    free(stacks->modules);
    free(stacks->sites);
    free(stacks->processes);
    free(stacks->threads);
    free(stacks->nodes);
    free(stacks->samples);
    free(stacks->texts);
    free(stacks);
}

/* With the layout that `parent` has now; NONE: an empty one. NONE without memory. */
static uint32_t add_program(struct tare_raw_stacks *stacks, uint32_t pid, uint32_t parent)
{
    if (!make_room(&stacks->programs, stacks->program_count, &stacks->program_room,
                   sizeof(*stacks->programs))) {
        return NONE;
    }
    struct layout *layout = parent != NONE ? stacks->programs[parent].layout : calloc(1, sizeof(*layout));
    if (layout == NULL) {
        return NONE;
    }
    layout->users++;
    stacks->programs[stacks->program_count] = (struct program){
        .pid = pid,
        .layout = layout,
        .first_site = NONE,
        .last_site = NONE,
    };
    return (uint32_t)stacks->program_count++;
}

/* The process, which begins now if it was not heard of. NULL without memory. */
static struct process *process_of(struct tare_raw_stacks *stacks, uint32_t pid)
{
    uint32_t number = map_find(&stacks->process_of, pid, 0);
    if (number != NONE) {
        return &stacks->processes[number];
    }
    uint32_t program = add_program(stacks, pid, NONE);
    if (program == NONE ||
        !make_room(&stacks->processes, stacks->process_count, &stacks->process_room,
                   sizeof(*stacks->processes)) ||
        map_set(&stacks->process_of, pid, 0, (uint32_t)stacks->process_count) != 0) {
        return NULL;
    }
    struct process *process = &stacks->processes[stacks->process_count++];
    *process = (struct process){.pid = pid, .program = program};
    return process;
}

/* A process has begun, or has become another program. */
static int take_process(struct tare_raw_stacks *stacks, const struct tare_samples_record *record)
{
    uint32_t parent = NONE, parent_process = NONE;
    if (record->flags & TARE_SAMPLES_FORKED) {
        parent_process = map_find(&stacks->process_of, record->parent_pid, 0);
        parent = parent_process != NONE ? stacks->processes[parent_process].program : NONE;
    }
    struct process *process = process_of(stacks, record->pid);
    uint32_t program = process != NULL ? add_program(stacks, record->pid, parent) : NONE;
    if (program == NONE) {
        return -ENOMEM;
    }
    leave_layout(&stacks->programs[process->program]);
    process->program = program;
    const char *from = record->text;
    if (from[0] == '\0' && parent_process != NONE && stacks->processes[parent_process].name != NULL) {
        from = stacks->processes[parent_process].name;
    }
    char *name = from[0] != '\0' ? strdup(from) : NULL;
    if (name == NULL && from[0] != '\0') {
        return -ENOMEM;
    }
    free(process->name);
    process->name = name;
    return 0;
}

/* FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo), of 64 bits. */
static uint64_t text_hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* The number of a text that is kept once; NONE without memory. */
static uint32_t text_of(struct tare_raw_stacks *stacks, const char *text)
{
    uint64_t hash = text_hash(text), again = 0;
    uint32_t number = map_find(&stacks->text_of, hash, again);
    while (number != NONE && strcmp(stacks->texts[number], text) != 0) {
        number = map_find(&stacks->text_of, hash, ++again);
    }
    if (number != NONE) {
        return number;
    }
    if (!make_room(&stacks->texts, stacks->text_count, &stacks->text_room, sizeof(*stacks->texts))) {
        return NONE;
    }
    char *copy = strdup(text);
    if (copy == NULL || map_set(&stacks->text_of, hash, again, (uint32_t)stacks->text_count) != 0) {
        free(copy);
        return NONE;
    }
    stacks->texts[stacks->text_count] = copy;
    return (uint32_t)stacks->text_count++;
}

/* The number of a module that is kept once; NONE without memory. */
static uint32_t module_of(struct tare_raw_stacks *stacks, const struct module *wanted)
{
    uint64_t rest =
        hash_of(hash_of(wanted->size, wanted->offset), (uint64_t)wanted->path << 32 | wanted->build_id);
    uint32_t number;
    for (; (number = map_find(&stacks->module_of, wanted->address, rest)) != NONE; rest++) {
        const struct module *module = &stacks->modules[number];
        if (module->size == wanted->size && module->offset == wanted->offset && module->path == wanted->path &&
            module->build_id == wanted->build_id) {
            return number;
        }
    }
    if (!make_room(&stacks->modules, stacks->module_count, &stacks->module_room, sizeof(*stacks->modules)) ||
        map_set(&stacks->module_of, wanted->address, rest, (uint32_t)stacks->module_count) != 0) {
        return NONE;
    }
    stacks->modules[stacks->module_count] = *wanted;
    return (uint32_t)stacks->module_count++;
}

/* The first part that ends behind the address; count: there is none. */
static size_t part_behind(const struct layout *layout, uint64_t address)
{
    size_t low = 0, high = layout->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (layout->parts[middle].to > address) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* A layout of its own, with room for two parts more. False without memory. */
static bool own_layout(struct program *program)
{
    struct layout *shared = program->layout;
    if (shared->users > 1) {
        struct layout *own = malloc(sizeof(*own));
        struct part *parts = calloc(shared->count + 2, sizeof(*parts));
        if (own == NULL || parts == NULL) {
            free(own);
            free(parts);
            return false;
        }
        if (shared->count != 0) {
            memcpy(parts, shared->parts, shared->count * sizeof(*parts));
        }
        *own = (struct layout){.users = 1, .parts = parts, .count = shared->count, .room = shared->count + 2};
        shared->users--;
        program->layout = own;
    }
    struct layout *own = program->layout;
    return make_room(&own->parts, own->count, &own->room, sizeof(*own->parts)) &&
           make_room(&own->parts, own->count + 1, &own->room, sizeof(*own->parts));
}

/* Puts the module over what lies there. `new_ground`: nothing did, somewhere. Returns 0 or -ENOMEM. */
static int lay(struct program *program, uint64_t from, uint64_t to, uint32_t module, bool *new_ground)
{
    size_t first = part_behind(program->layout, from);
    *new_ground = false;
    if (first < program->layout->count) {
        const struct part *there = &program->layout->parts[first];
        if (there->from == from && there->to == to && there->module == module) {
            return 0;
        }
    }
    if (!own_layout(program)) {
        return -ENOMEM;
    }
    struct layout *layout = program->layout;
    struct part put[3];
    size_t put_count = 0, last = first;
    uint64_t covered = 0;
    struct part right = {0};
    for (; last < layout->count && layout->parts[last].from < to; last++) {
        struct part part = layout->parts[last];
        covered += (part.to < to ? part.to : to) - (part.from > from ? part.from : from);
        if (part.from < from) {
            put[put_count++] = (struct part){part.from, from, part.module};
        }
        if (part.to > to) {
            right = (struct part){to, part.to, part.module};
        }
    }
    put[put_count++] = (struct part){from, to, module};
    if (right.to != 0) {
        put[put_count++] = right;
    }
    memmove(layout->parts + first + put_count, layout->parts + last, (layout->count - last) * sizeof(put[0]));
    memcpy(layout->parts + first, put, put_count * sizeof(put[0]));
    layout->count = layout->count + put_count - (last - first);
    *new_ground = covered != to - from;
    return 0;
}

static int take_module(struct tare_raw_stacks *stacks, const struct tare_samples_record *record)
{
    struct process *process = process_of(stacks, record->pid);
    if (process == NULL) {
        return -ENOMEM;
    }
    struct module module = {
        .address = record->address,
        .size = record->size,
        .offset = record->offset,
        .pid = record->pid,
        .first_site = NONE,
        .last_site = NONE,
    };
    if (strcmp(record->text, "[vdso]") == 0) { /* what names it lies behind its code, in whole pages */
        module.size += -(module.address + module.size) % 4096;
    }
    uint64_t end;
    if (module.size == 0 || __builtin_add_overflow(module.address, module.size, &end)) {
        return 0; /* there is no such memory */
    }
    module.path = text_of(stacks, record->text);
    module.build_id = record->build_id[0] != '\0' ? text_of(stacks, record->build_id) : NONE;
    if (module.path == NONE || (record->build_id[0] != '\0' && module.build_id == NONE)) {
        return -ENOMEM;
    }
    struct program *program = &stacks->programs[process->program];
    uint32_t number = module_of(stacks, &module);
    bool new_ground;
    if (number == NONE || lay(program, module.address, end, number, &new_ground) != 0) {
        return -ENOMEM;
    }
    if (new_ground) {
        if (!make_room(&program->first, program->first_count, &program->first_room, sizeof(*program->first))) {
            return -ENOMEM;
        }
        program->first[program->first_count++] = number;
    }
    return 0;
}

/* NONE without memory. */
static uint32_t thread_of(struct tare_raw_stacks *stacks, uint32_t pid, uint32_t tid)
{
    uint32_t number = map_find(&stacks->thread_of, pid, tid);
    if (number != NONE) {
        return number;
    }
    if (process_of(stacks, pid) == NULL ||
        !make_room(&stacks->threads, stacks->thread_count, &stacks->thread_room, sizeof(*stacks->threads)) ||
        map_set(&stacks->thread_of, pid, tid, (uint32_t)stacks->thread_count) != 0) {
        return NONE;
    }
    stacks->threads[stacks->thread_count] = (struct thread){.pid = pid, .tid = tid};
    return (uint32_t)stacks->thread_count++;
}

static int take_thread(struct tare_raw_stacks *stacks, const struct tare_samples_record *record)
{
    uint32_t number = thread_of(stacks, record->pid, record->tid);
    char *name = number != NONE ? strdup(record->text) : NULL;
    if (name == NULL) {
        return -ENOMEM;
    }
    free(stacks->threads[number].name);
    stacks->threads[number].name = name;
    return 0;
}

/* The site of that address in the program as it is now; NONE without memory. */
static uint32_t site_of(struct tare_raw_stacks *stacks, uint32_t program, uint64_t address, bool is_return)
{
    const struct layout *layout = stacks->programs[program].layout;
    uint64_t inside = address - (is_return && address != 0); /* the call in front of it is meant */
    size_t at = part_behind(layout, inside);
    bool known = at < layout->count && layout->parts[at].from <= inside;
    uint32_t owner = known ? layout->parts[at].module : program;
    uint64_t b = (uint64_t)owner << 2 | (uint64_t)known << 1 | is_return;
    uint32_t number = map_find(&stacks->site_of, address, b);
    if (number != NONE) {
        return number;
    }
    if (!make_room(&stacks->sites, stacks->site_count, &stacks->site_room, sizeof(*stacks->sites)) ||
        map_set(&stacks->site_of, address, b, (uint32_t)stacks->site_count) != 0) {
        return NONE;
    }
    number = (uint32_t)stacks->site_count++;
    stacks->sites[number] = (struct site){.address = address, .next = NONE, .is_return = is_return};
    uint32_t *first = known ? &stacks->modules[owner].first_site : &stacks->programs[owner].first_site;
    uint32_t *last = known ? &stacks->modules[owner].last_site : &stacks->programs[owner].last_site;
    if (*first == NONE) {
        *first = number;
    } else {
        stacks->sites[*last].next = number;
    }
    *last = number;
    return number;
}

/* The node of that site below `parent`; NONE without memory. */
static uint32_t node_of(struct tare_raw_stacks *stacks, uint32_t parent, uint32_t site)
{
    uint32_t number = map_find(&stacks->node_of, parent, site);
    if (number != NONE) {
        return number;
    }
    if (!make_room(&stacks->nodes, stacks->node_count, &stacks->node_room, sizeof(*stacks->nodes)) ||
        map_set(&stacks->node_of, parent, site, (uint32_t)stacks->node_count) != 0) {
        return NONE;
    }
    stacks->nodes[stacks->node_count] = (struct node){.parent = parent, .site = site};
    return (uint32_t)stacks->node_count++;
}

static int take_sample(struct tare_raw_stacks *stacks, const struct tare_samples_record *record)
{
    uint32_t thread = thread_of(stacks, record->pid, record->tid);
    const struct process *process = process_of(stacks, record->pid);
    if (thread == NONE || process == NULL ||
        !make_room(&stacks->samples, stacks->sample_count, &stacks->sample_room, sizeof(*stacks->samples))) {
        return -ENOMEM;
    }
    uint32_t node = NONE;
    for (size_t i = record->address_count; i > 0; i--) {
        uint32_t site = site_of(stacks, process->program, record->addresses[i - 1], i > 1);
        node = site != NONE ? node_of(stacks, node, site) : NONE;
        if (node == NONE) {
            return -ENOMEM;
        }
    }
    bool knows_timer = (record->flags & TARE_SAMPLES_TIMER) != 0;
    stacks->samples[stacks->sample_count++] = (struct sample){
        .time_ns = record->time_ns,
        .weight = record->weight,
        .node = node,
        .thread = thread,
        .timer = knows_timer ? record->timer : TARE_SAMPLES_NO_TIMER,
        .page = record->page,
        .flags = record->flags & (TARE_SAMPLES_TRUNCATED | TARE_SAMPLES_CUT) ? TARE_SAMPLE_TRUNCATED : 0,
    };
    return 0;
}

int tare_raw_stacks_take(struct tare_raw_stacks *stacks, const struct tare_samples_record *record)
{
    switch (record->kind) {
    case TARE_SAMPLES_SAMPLE:
        return take_sample(stacks, record);
    case TARE_SAMPLES_MODULE:
        return take_module(stacks, record);
    case TARE_SAMPLES_PROCESS:
        return take_process(stacks, record);
    case TARE_SAMPLES_THREAD:
        return take_thread(stacks, record);
    case TARE_SAMPLES_BROKEN:
    default:
        return 0;
    }
}

uint32_t tare_raw_stacks_pid(const struct tare_raw_stacks *stacks, size_t index)
{
    return index < stacks->process_count ? stacks->processes[index].pid : 0;
}

size_t tare_raw_stacks_samples(const struct tare_raw_stacks *stacks)
{
    return stacks->sample_count;
}

/* The profile's frame for what was found at an address; NONE without memory. */
static uint32_t add_frame(struct tare_profile *profile, const struct tare_symbols_frame *found)
{
    uint32_t object = NONE;
    if (found->object != NULL) {
        object =
            tare_profile_object(profile, found->object->path, found->object->build_id, found->object->kind);
        if (object == NONE) {
            return NONE;
        }
        profile->objects[object].flags |= found->object->flags;
    }
    /* The profile copies the strings. */
    const struct tare_profile_frame frame = {
        .function = (char *)(uintptr_t)found->function,
        .object = object,
        .file = (char *)(uintptr_t)found->file,
        .line = found->line,
        .function_line = found->function_line,
        .address = found->function == NULL ? found->address : 0,
        .inlined = found->inlined,
        .kernel = found->kernel,
    };
    return tare_profile_frame(profile, &frame);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/*
 * Whether it is the runtime that measures scopes: libtare.so or the hooks of functions, or libtare.a in the program,
 * whose functions have a name of their own or stand in the runtime's file of the measured path.
 */
static bool is_measuring(const struct tare_symbols_frame *found)
{
    static const char file[] = "runtime/timer.c";
    const char *object = found->object != NULL ? last_part(found->object->path) : "";
    size_t length = found->file != NULL ? strlen(found->file) : 0;
    return strncmp(object, "libtare.so", 10) == 0 || strncmp(object, "libtare-functions.so", 20) == 0 ||
           (found->function != NULL && strncmp(found->function, "tare__", 6) == 0) ||
           (length >= sizeof(file) - 1 && strcmp(found->file + length - (sizeof(file) - 1), file) == 0);
}

static bool ends_in_measuring(const struct tare_profile *profile, uint32_t node)
{
    const char *function = node != NONE ? profile->frames[profile->nodes[node].frame].function : NULL;
    return function != NULL && strcmp(function, TARE_PROFILE_MEASURING) == 0;
}

/* What is done with the sites, until all have their frames. */
struct resolving {
    struct tare_raw_stacks *stacks;
    struct tare_symbols *symbols;
    const struct tare_raw_finish *finish;
    struct frame *frames;
    size_t frame_count, frame_room;
    bool stopped;
};

static bool is_stopped(struct resolving *resolving)
{
    const struct tare_raw_finish *finish = resolving->finish;
    resolving->stopped = resolving->stopped || (finish->stopped != NULL && finish->stopped(finish->data));
    return resolving->stopped;
}

/* Takes the frames of a site, of which none is further in than what measures. Returns 0 or -ENOMEM. */
static int keep_frames(struct resolving *resolving, struct site *site, const struct tare_symbols_frame *found,
                       size_t count, uint32_t module)
{
    bool measures = false;
    size_t from = count;
    while (from > 0 && !measures) {
        from--;
        measures = resolving->finish->timer != NULL && is_measuring(&found[from]);
    }
    site->frames = resolving->frame_count;
    site->frame_count = (uint32_t)(count - from);
    for (size_t i = from; i < count; i++) {
        if (!make_room(&resolving->frames, resolving->frame_count, &resolving->frame_room,
                       sizeof(*resolving->frames))) {
            return -ENOMEM;
        }
        resolving->frames[resolving->frame_count++] = (struct frame){
            .found = found[i],
            .module = module,
            .measures = measures && i == from,
            .number = NONE,
        };
    }
    return count == 0 ? -ENOMEM : 0;
}

/* Of a return address, the call in front of it. */
static uint64_t meant(const struct site *site)
{
    return site->address - (site->is_return && site->address != 0);
}

/* In `module`, NONE: in nothing that is known. */
static int resolve_site(struct resolving *resolving, uint32_t pid, struct site *site, uint32_t module)
{
    const struct tare_symbols_frame *found;
    struct tare_symbols_frame unnamed = {.address = meant(site)};
    if (!is_stopped(resolving)) {
        size_t count = tare_symbols_resolve(resolving->symbols, pid, site->address, site->is_return, &found);
        return keep_frames(resolving, site, found, count, NONE);
    }
    if (resolving->finish->unnamed != NULL) {
        ++*resolving->finish->unnamed;
    }
    if (module != NONE) {
        const struct module *in = &resolving->stacks->modules[module];
        unnamed.address = unnamed.address - in->address + in->offset;
    }
    return keep_frames(resolving, site, &unnamed, 1, module);
}

static int map_module(struct resolving *resolving, const struct module *module, uint32_t pid)
{
    char **texts = resolving->stacks->texts;
    return tare_symbols_map(resolving->symbols, pid, module->address, module->size, module->offset,
                            texts[module->path], module->build_id != NONE ? texts[module->build_id] : NULL);
}

static int resolve_module(struct resolving *resolving, uint32_t number)
{
    const struct module *module = &resolving->stacks->modules[number];
    struct site *sites = resolving->stacks->sites;
    tare_symbols_exec(resolving->symbols, module->pid);
    int result = is_stopped(resolving) ? 0 : map_module(resolving, module, module->pid);
    for (uint32_t i = module->first_site; i != NONE && result == 0; i = sites[i].next) {
        result = resolve_site(resolving, module->pid, &sites[i], number);
    }
    return result;
}

/* The first module of the program that covers the address; NONE. */
static uint32_t first_over(const struct tare_raw_stacks *stacks, const struct program *program,
                           uint64_t address)
{
    for (size_t i = 0; i < program->first_count; i++) {
        const struct module *module = &stacks->modules[program->first[i]];
        if (address - module->address < module->size) {
            return program->first[i];
        }
    }
    return NONE;
}

/*
 * Code in no file is what a JIT compiler made: nobody is told when it maps memory for that. Its map file may
 * have a name for the address. `pages`: those that were mapped already. Returns 0 or -ENOMEM.
 */
static int map_anonymous(struct resolving *resolving, uint32_t pid, uint64_t address, struct map *pages)
{
    enum { PAGE = 4096 };
    uint64_t page = address / PAGE;
    if (page == UINT64_MAX / PAGE || map_find(pages, page, 0) != NONE) {
        return 0;
    }
    int result = tare_symbols_map(resolving->symbols, pid, page * PAGE, PAGE, 0, "//anon", NULL);
    return result == 0 ? map_set(pages, page, 0, 0) : result;
}

/* Sites in nothing that was loaded then. */
static int resolve_program(struct resolving *resolving, const struct program *program)
{
    const struct tare_raw_stacks *stacks = resolving->stacks;
    struct site *sites = stacks->sites;
    struct map pages = {0};
    uint32_t mapped = NONE;
    int result = 0;
    tare_symbols_exec(resolving->symbols, program->pid);
    for (uint32_t i = program->first_site; i != NONE && result == 0; i = sites[i].next) {
        uint32_t module = first_over(stacks, program, meant(&sites[i]));
        if (module != NONE && module != mapped && !is_stopped(resolving)) {
            result = map_module(resolving, &stacks->modules[module], program->pid);
            mapped = module;
        }
        if (module != NONE && result == 0) {
            result = resolve_site(resolving, program->pid, &sites[i], module);
        }
    }
    /* Apart, as a page may have some of a module in it. */
    for (uint32_t i = program->first_site; i != NONE && result == 0; i = sites[i].next) {
        if (sites[i].frame_count == 0) {
            if (!is_stopped(resolving)) {
                result = map_anonymous(resolving, program->pid, meant(&sites[i]), &pages);
            }
            if (result == 0) {
                result = resolve_site(resolving, program->pid, &sites[i], NONE);
            }
        }
    }
    free(pages.entries);
    return result;
}

static int resolve_all(struct resolving *resolving)
{
    const struct tare_raw_stacks *stacks = resolving->stacks;
    int result = 0;
    for (size_t i = 0; i < stacks->module_count && result == 0; i++) {
        if (stacks->modules[i].first_site != NONE) {
            result = resolve_module(resolving, (uint32_t)i);
        }
    }
    for (size_t i = 0; i < stacks->program_count && result == 0; i++) {
        if (stacks->programs[i].first_site != NONE) {
            result = resolve_program(resolving, &stacks->programs[i]);
        }
    }
    return result;
}

/* Of what is loaded, as nobody has looked into its file. */
static struct tare_symbols_object unread_object(const struct tare_raw_stacks *stacks,
                                                const struct module *module)
{
    const char *path = stacks->texts[module->path];
    return (struct tare_symbols_object){
        .path = path,
        .build_id = module->build_id != NONE ? stacks->texts[module->build_id] : NULL,
        .kind = strcmp(path, "[vdso]") == 0 ? TARE_OBJECT_VDSO : TARE_OBJECT_FILE,
    };
}

/*
 * `numbers` gets for each node that of the profile. With timers, what measures scopes is one frame, whatever
 * it is made of. Returns 0 or -ENOMEM.
 */
static int add_nodes(struct resolving *resolving, struct tare_profile *profile, uint32_t *numbers)
{
    static const struct tare_symbols_frame measuring = {.function = TARE_PROFILE_MEASURING};
    const struct tare_raw_stacks *stacks = resolving->stacks;
    bool by_timer = resolving->finish->timer != NULL;
    for (size_t i = 0; i < stacks->node_count; i++) { /* parents first */
        const struct node *node = &stacks->nodes[i];
        const struct site *site = &stacks->sites[node->site];
        uint32_t at = node->parent != NONE ? numbers[node->parent] : NONE;
        for (size_t k = site->frame_count; k > 0 && !(by_timer && ends_in_measuring(profile, at)); k--) {
            struct frame *frame = &resolving->frames[site->frames + k - 1];
            if (frame->number == NONE) {
                struct tare_symbols_object object;
                if (frame->module != NONE) {
                    object = unread_object(stacks, &stacks->modules[frame->module]);
                    frame->found.object = &object;
                }
                frame->number = add_frame(profile, frame->measures ? &measuring : &frame->found);
                frame->found.object = NULL;
            }
            at = frame->number != NONE ? tare_profile_node(profile, at, frame->number) : NONE;
            if (at == NONE) {
                return -ENOMEM;
            }
        }
        numbers[i] = at;
    }
    return 0;
}

/* Processes and threads; `numbers` gets for each of our threads that of the profile. */
static int add_threads(const struct tare_raw_stacks *stacks, struct tare_profile *profile, uint32_t *numbers)
{
    for (size_t i = 0; i < stacks->process_count; i++) {
        const struct process *from = &stacks->processes[i];
        uint32_t process = tare_profile_process(profile, from->pid);
        if (process == NONE) {
            return -ENOMEM;
        }
        if (from->name != NULL && profile->processes[process].command == NULL &&
            (profile->processes[process].command = strdup(last_part(from->name))) == NULL) {
            return -ENOMEM;
        }
    }
    for (size_t i = 0; i < stacks->thread_count; i++) {
        const struct thread *from = &stacks->threads[i];
        uint32_t process = tare_profile_process(profile, from->pid);
        numbers[i] = process != NONE ? tare_profile_thread(profile, process, from->tid) : NONE;
        if (numbers[i] == NONE) {
            return -ENOMEM;
        }
        struct tare_profile_thread *thread = &profile->threads[numbers[i]];
        if (from->name != NULL && thread->name == NULL && (thread->name = strdup(from->name)) == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

static uint64_t times(uint64_t count, uint64_t interval_ns)
{
    uint64_t product;
    return __builtin_mul_overflow(count, interval_ns, &product) ? UINT64_MAX : product;
}

static int add_samples(const struct tare_raw_stacks *stacks, const struct tare_raw_finish *finish,
                       struct tare_profile *profile, const uint32_t *nodes, const uint32_t *threads)
{
    double expirations = 0;
    for (size_t i = 0; i < stacks->sample_count; i++) {
        const struct sample *from = &stacks->samples[i];
        const struct tare_profile_sample sample = {
            .time_ns = from->time_ns >= finish->start_ns ? (double)(from->time_ns - finish->start_ns) : 0,
            .weight = times(from->weight, finish->interval_ns),
            .node = from->node != NONE ? nodes[from->node] : NONE,
            .thread = threads[from->thread],
            .timer = finish->timer != NULL && from->timer != TARE_SAMPLES_NO_TIMER
                         ? finish->timer(finish->data, from->page, from->timer)
                         : NONE,
            .flags = from->flags,
        };
        expirations += (double)from->weight;
        if (tare_profile_add(profile, &sample) != 0) {
            return -ENOMEM;
        }
    }
    if (stacks->sample_count != 0) {
        profile->interval_ns = expirations * (double)finish->interval_ns / (double)stacks->sample_count;
    }
    return 0;
}

int tare_raw_stacks_finish(struct tare_raw_stacks *stacks, const struct tare_raw_finish *finish,
                           struct tare_symbols *symbols, struct tare_profile *profile)
{
    uint32_t *nodes = calloc(stacks->node_count + 1, sizeof(*nodes));
    uint32_t *threads = calloc(stacks->thread_count + 1, sizeof(*threads));
    struct resolving resolving = {.stacks = stacks, .symbols = symbols, .finish = finish};
    int result = nodes == NULL || threads == NULL ? -ENOMEM : resolve_all(&resolving);
    if (result == 0) {
        result = add_nodes(&resolving, profile, nodes);
    }
    if (result == 0) {
        result = add_threads(stacks, profile, threads);
    }
    if (result == 0) {
        result = add_samples(stacks, finish, profile, nodes, threads);
    }
    free(resolving.frames);
    free(nodes);
    free(threads);
    return result;
}
