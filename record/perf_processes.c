/* SPDX-License-Identifier: MIT */
/*
 * A child has its parent's mappings until it becomes another program. Paths are kept once: ten thousand
 * processes with thirty mappings each take some ten megabytes.
 */
#include "record/perf_processes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX_FIRST = 64, MAPS_MAX = 1 << 16 /* of one process, as vm.max_map_count has it */ };

static size_t hash_number(uint32_t number)
{
    return (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static size_t hash_text(const char *text, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    }
    return (size_t)(hash ^ hash >> 32);
}

static size_t hash_of(const struct tare__perf_processes *all, const struct tare__perf_index *index,
                      uint32_t number)
{
    return index == &all->by_pid   ? hash_number(all->processes[number].pid)
           : index == &all->by_tid ? hash_number(all->threads[number].tid)
                                   : hash_text(all->paths[number], strlen(all->paths[number]));
}

static void insert(struct tare__perf_index *index, size_t hash, uint32_t number)
{
    size_t at = hash & (index->room - 1);
    while (index->slots[at] != 0) {
        at = (at + 1) & (index->room - 1);
    }
    index->slots[at] = number + 1;
}

/* Room in the index, and in the array that it is of, for one more. Returns the array, or NULL without memory. */
static void *make_room(struct tare__perf_processes *all, struct tare__perf_index *index, void *array,
                       size_t *room, size_t size)
{
    if (2 * (index->count + 1) > index->room) {
        size_t more = index->room != 0 ? 2 * index->room : INDEX_FIRST;
        struct tare__perf_index wider = {.slots = calloc(more, sizeof(*wider.slots)), .room = more};
        if (wider.slots == NULL) {
            return NULL;
        }
        for (uint32_t i = 0; i < index->count; i++) {
            insert(&wider, hash_of(all, index, i), i);
        }
        free(index->slots);
        index->slots = wider.slots;
        index->room = more;
    }
    if (index->count < *room) {
        return array;
    }
    size_t more = *room != 0 ? 2 * *room : INDEX_FIRST;
    array = reallocarray(array, more, size);
    *room = array != NULL ? more : *room;
    return array;
}

static struct tare__perf_process *find_process(const struct tare__perf_processes *all, uint32_t pid)
{
    const struct tare__perf_index *index = &all->by_pid;
    for (size_t at = hash_number(pid); index->room != 0; at++) {
        uint32_t slot = index->slots[at & (index->room - 1)];
        if (slot == 0 || all->processes[slot - 1].pid == pid) {
            return slot != 0 ? &all->processes[slot - 1] : NULL;
        }
    }
    return NULL;
}

static struct tare__perf_process *get_process(struct tare__perf_processes *all, uint32_t pid)
{
    struct tare__perf_process *process = find_process(all, pid);
    if (process != NULL) {
        return process;
    }
    process = make_room(all, &all->by_pid, all->processes, &all->process_room, sizeof(*process));
    if (process == NULL) {
        return NULL;
    }
    all->processes = process;
    process = &all->processes[all->process_count];
    *process = (struct tare__perf_process){.pid = pid, .state = ++all->states};
    insert(&all->by_pid, hash_number(pid), (uint32_t)all->process_count++);
    all->by_pid.count++;
    return process;
}

static struct tare__perf_thread *find_thread(const struct tare__perf_processes *all, uint32_t tid)
{
    const struct tare__perf_index *index = &all->by_tid;
    for (size_t at = hash_number(tid); index->room != 0; at++) {
        uint32_t slot = index->slots[at & (index->room - 1)];
        if (slot == 0 || all->threads[slot - 1].tid == tid) {
            return slot != 0 ? &all->threads[slot - 1] : NULL;
        }
    }
    return NULL;
}

/* In that process from now on: an id may be used again. */
static struct tare__perf_thread *get_thread(struct tare__perf_processes *all, uint32_t pid, uint32_t tid)
{
    struct tare__perf_process *process = get_process(all, pid);
    struct tare__perf_thread *thread = find_thread(all, tid);
    if (process == NULL) {
        return NULL;
    }
    if (thread == NULL) {
        thread = make_room(all, &all->by_tid, all->threads, &all->thread_room, sizeof(*thread));
        if (thread == NULL) {
            return NULL;
        }
        all->threads = thread;
        thread = &all->threads[all->thread_count];
        *thread =
            (struct tare__perf_thread){.pid = pid + 1, .tid = tid}; /* of another, so that it is set below */
        insert(&all->by_tid, hash_number(tid), (uint32_t)all->thread_count++);
        all->by_tid.count++;
    }
    if (thread->pid != pid) {
        *thread = (struct tare__perf_thread){.pid = pid,
                                             .tid = tid,
                                             .process = (uint32_t)(process - all->processes),
                                             .number = TARE_PROFILE_NONE};
    }
    return thread;
}

static int set_name(char **where, const char *name, size_t length)
{
    char *copy = strndup(name, length);
    if (copy == NULL) {
        return -ENOMEM;
    }
    free(*where);
    *where = copy;
    return 0;
}

static int name_thread(struct tare_profile *profile, struct tare__perf_thread *thread, const char *name,
                       size_t length)
{
    struct tare_profile_thread *known = &profile->threads[thread->number];
    int error = set_name(&known->name, name, length);
    if (error == 0 && thread->pid == thread->tid) {
        error = set_name(&profile->processes[known->process].command, name, length);
    }
    thread->named = error == 0;
    return error;
}

struct tare__perf_thread *tare__perf_thread(struct tare__perf_processes *all, struct tare_profile *profile,
                                            int64_t pid, int64_t tid, const char *name, size_t name_length)
{
    if (tid < 0) {
        return NULL;
    }
    struct tare__perf_thread *thread = find_thread(all, (uint32_t)tid);
    if (thread == NULL || (pid >= 0 && thread->pid != (uint32_t)pid)) {
        thread = get_thread(all, (uint32_t)(pid >= 0 ? pid : tid), (uint32_t)tid);
        if (thread == NULL) {
            return NULL;
        }
    }
    if (thread->number == TARE_PROFILE_NONE) {
        uint32_t process = tare_profile_process(profile, thread->pid);
        thread->number = process != TARE_PROFILE_NONE ? tare_profile_thread(profile, process, thread->tid)
                                                      : TARE_PROFILE_NONE;
        if (thread->number == TARE_PROFILE_NONE) {
            return NULL;
        }
    }
    if (name_length != 0) {
        const char *known = thread->named ? profile->threads[thread->number].name : NULL;
        bool same = known != NULL && strlen(known) == name_length && memcmp(known, name, name_length) == 0;
        if (!same && name_thread(profile, thread, name, name_length) != 0) {
            return NULL;
        }
    }
    return thread;
}

/* The path's number, or UINT32_MAX without memory. */
static uint32_t get_path(struct tare__perf_processes *all, const char *path)
{
    struct tare__perf_index *index = &all->by_path;
    size_t hash = hash_text(path, strlen(path));
    for (size_t at = hash; index->room != 0; at++) {
        uint32_t slot = index->slots[at & (index->room - 1)];
        if (slot == 0) {
            break;
        }
        if (strcmp(all->paths[slot - 1], path) == 0) {
            return slot - 1;
        }
    }
    char **paths = make_room(all, index, all->paths, &all->path_room, sizeof(*paths));
    if (paths == NULL) {
        return UINT32_MAX;
    }
    all->paths = paths;
    paths[all->path_count] = strdup(path);
    if (paths[all->path_count] == NULL) {
        return UINT32_MAX;
    }
    insert(index, hash, (uint32_t)all->path_count);
    index->count++;
    return (uint32_t)all->path_count++;
}

static bool room_for_maps(struct tare__perf_process *process, size_t count)
{
    if (count <= process->map_room) {
        return true;
    }
    size_t room = process->map_room != 0 ? process->map_room : 16;
    while (room < count) {
        room *= 2;
    }
    struct tare__perf_map *maps = reallocarray(process->maps, room, sizeof(*maps));
    if (maps == NULL) {
        return false;
    }
    process->maps = maps;
    process->map_room = room;
    return true;
}

/* Takes out what is wholly covered now; of the rest the newer one is found first. */
static void uncover(struct tare__perf_process *process, uint64_t address, uint64_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < process->map_count; i++) {
        const struct tare__perf_map *map = &process->maps[i];
        if (map->address < address || map->address + map->size > address + size) {
            process->maps[kept++] = *map;
        }
    }
    process->map_count = kept;
}

int tare__perf_process_map(struct tare__perf_processes *all, uint32_t pid, uint64_t address, uint64_t size,
                           uint64_t offset, const char *path)
{
    struct tare__perf_process *process = get_process(all, pid);
    uint32_t number = get_path(all, path);
    if (process == NULL || number == UINT32_MAX) {
        return -ENOMEM;
    }
    uncover(process, address, size);
    if (process->map_count >= MAPS_MAX) {
        return 0;
    }
    if (!room_for_maps(process, process->map_count + 1)) {
        return -ENOMEM;
    }
    process->maps[process->map_count++] =
        (struct tare__perf_map){.address = address, .size = size, .offset = offset, .path = number};
    process->state = ++all->states;
    return 0;
}

int tare__perf_fork(struct tare__perf_processes *all, uint32_t parent_pid, uint32_t pid, uint32_t tid)
{
    struct tare__perf_thread *thread = get_thread(all, pid, tid);
    if (thread == NULL || get_process(all, parent_pid) == NULL) {
        return -ENOMEM;
    }
    thread->exited = thread->waits = false;
    if (parent_pid == pid) {
        return 0;
    }
    struct tare__perf_process *child = find_process(all, pid), *parent = find_process(all, parent_pid);
    if (!room_for_maps(child, parent->map_count)) {
        return -ENOMEM;
    }
    if (parent->map_count != 0) {
        memcpy(child->maps, parent->maps, parent->map_count * sizeof(*child->maps));
    }
    child->map_count = parent->map_count;
    child->state = ++all->states;
    return 0;
}

int tare__perf_rename(struct tare__perf_processes *all, struct tare_profile *profile, uint32_t pid,
                      uint32_t tid, const char *name, size_t name_length)
{
    struct tare__perf_thread *thread = get_thread(all, pid, tid);
    if (thread == NULL) {
        return -ENOMEM;
    }
    /* Whoever has no samples is not in the profile; a sample says the name that its thread then had. */
    return thread->number != TARE_PROFILE_NONE && name_length != 0
               ? name_thread(profile, thread, name, name_length)
               : 0;
}

void tare__perf_process_exec(struct tare__perf_processes *all, uint32_t pid)
{
    struct tare__perf_process *process = find_process(all, pid);
    if (process != NULL) {
        process->map_count = 0;
        process->state = ++all->states;
    }
}

void tare__perf_exit(struct tare__perf_processes *all, uint32_t tid)
{
    struct tare__perf_thread *thread = find_thread(all, tid);
    if (thread != NULL) {
        thread->exited = true;
    }
}

uint32_t tare__perf_process_state(const struct tare__perf_processes *all, uint32_t process)
{
    return all->processes[process].state;
}

void tare__perf_process_find(const struct tare__perf_processes *all, uint32_t process, uint64_t ip,
                             const char *path, size_t path_length, uint64_t *address, bool *offset,
                             bool *absolute)
{
    const struct tare__perf_process *in = &all->processes[process];
    *offset = *absolute = false;
    for (size_t i = in->map_count; i-- > 0;) {
        const struct tare__perf_map *map = &in->maps[i];
        const char *name = all->paths[map->path];
        bool same = strncmp(name, path, path_length) == 0 && name[path_length] == '\0';
        if (ip - map->address < map->size) {
            /* Code without a file is named otherwise than what it lies in: by its map file, or not at all. */
            *absolute = *absolute || same || name[0] == '[' || strncmp(name, "//", 2) == 0 ||
                        path_length == 0 || path[0] == '[';
        }
        if (same && !*offset && ip - map->offset < map->size) {
            *offset = true;
            *address = map->address + (ip - map->offset);
        }
    }
}

void tare__perf_processes_release(struct tare__perf_processes *all)
{
    for (size_t i = 0; i < all->process_count; i++) {
        free(all->processes[i].maps);
    }
    for (size_t i = 0; i < all->path_count; i++) {
        free(all->paths[i]);
    }
    free(all->processes);
    free(all->threads);
    free(all->paths);
    free(all->by_pid.slots);
    free(all->by_tid.slots);
    free(all->by_path.slots);
    *all = (struct tare__perf_processes){0};
}
