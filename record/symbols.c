/* SPDX-License-Identifier: MIT */
/*
 * Processes, what is mapped into them, and what is known of it. An address leads to the mapping around it,
 * from there to an offset in a file, and through the file's program headers to the address that the file's
 * symbols are of. What was found for that is kept, for all processes that run the same file.
 *
 * A file may be gone, or be another one, by the time it is read. The build id says so where it is known; and
 * while the process lives, the kernel has the file that was mapped: as /proc/PID/map_files/FROM-TO, for who
 * may open that, and as /proc/PID/exe. A file that was deleted before it is mapped here is opened at once.
 */
#include "record/symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/symbols_parts.h"

enum {
    PATH_BYTES = 4096,
    CACHED_MAX = 1 << 20,   /* addresses of files; then it begins anew. Some 200 bytes each */
    DELETED_OPEN_MAX = 128, /* files that are kept open for later */
    VDSO_MAX = 64 * 1024,
};

#define DELETED_MARK " (deleted)"
#define KERNEL_FROM (UINT64_C(1) << 63) /* x86-64 and aarch64 have their kernels in the upper half */

struct object {
    struct tare_symbols_object shown;
    struct tare__symbol_file *file; /* NULL: not read, or it cannot be */
    const char *wanted_id;          /* of what was mapped; NULL: unknown */
    bool marked_deleted;
    bool read;
    int fd; /* opened already; -1: not */
};

struct mapping {
    uint64_t address, end;
    uint64_t offset;   /* of `address` in the file */
    uint64_t from, to; /* as it was mapped: parts of that may be gone */
    struct object *object;
};

struct process {
    uint32_t pid;
    struct mapping *mappings; /* ascending, not overlapping */
    size_t count, room;
    struct tare__jit *jit; /* NULL: not asked for yet */
};

struct found {
    const struct object *object;
    uint64_t address; /* as linked */
    struct tare_symbols_frame *frames;
    size_t count;
};

struct tare_symbols {
    struct tare_symbols_options options;
    char *debug_directory, *jit_directory, *kernel_symbols;
    struct tare__strings strings;

    struct process *processes;
    size_t process_count, process_room;
    struct tare__table process_table;

    struct object **objects;
    size_t object_count, object_room;
    struct tare__table object_table;
    size_t open_count; /* objects with a descriptor */

    struct found *found;
    size_t found_count, found_room;
    struct tare__table found_table;

    struct tare__kernel *kernel; /* NULL: not asked for yet */
    struct tare_symbols_frame frames[TARE_SYMBOLS_DEPTH];
};

/* ---- making and releasing ---- */

static bool copy_option(const char *from, char **copy, const char **option)
{
    *copy = from != NULL ? strdup(from) : NULL;
    *option = *copy;
    return from == NULL || *copy != NULL;
}

struct tare_symbols *tare_symbols_new(const struct tare_symbols_options *options)
{
    struct tare_symbols *symbols = calloc(1, sizeof *symbols);
    if (symbols == NULL || options == NULL) {
        return symbols;
    }
    symbols->options = *options;
    if (!copy_option(options->debug_directory, &symbols->debug_directory, &symbols->options.debug_directory) ||
        !copy_option(options->jit_directory, &symbols->jit_directory, &symbols->options.jit_directory) ||
        !copy_option(options->kernel_symbols, &symbols->kernel_symbols, &symbols->options.kernel_symbols)) {
        tare_symbols_free(symbols);
        return NULL;
    }
    return symbols;
}

static void forget_found(struct tare_symbols *symbols)
{
    for (size_t i = 0; i < symbols->found_count; i++) {
        free(symbols->found[i].frames);
    }
    symbols->found_count = 0;
    tare__table_clear(&symbols->found_table);
}

void tare_symbols_free(struct tare_symbols *symbols)
{
    if (symbols == NULL) {
        return;
    }
    forget_found(symbols);
    free(symbols->found);
    tare__table_release(&symbols->found_table);
    for (size_t i = 0; i < symbols->object_count; i++) {
        if (symbols->objects[i]->fd >= 0) {
            close(symbols->objects[i]->fd);
        }
        tare__symbol_file_close(symbols->objects[i]->file);
        free(symbols->objects[i]);
    }
    free(symbols->objects);
    tare__table_release(&symbols->object_table);
    for (size_t i = 0; i < symbols->process_count; i++) {
        tare__jit_free(symbols->processes[i].jit);
        free(symbols->processes[i].mappings);
    }
    free(symbols->processes);
    tare__table_release(&symbols->process_table);
    tare__kernel_free(symbols->kernel);
    tare__strings_release(&symbols->strings);
    free(symbols->debug_directory);
    free(symbols->jit_directory);
    free(symbols->kernel_symbols);
    free(symbols);
}

/* ---- objects ---- */

/* NULL: no memory. The strings are kept ones, so that they are the same if their addresses are. */
static struct object *get_object(struct tare_symbols *symbols, const char *path, const char *id,
                                 enum tare_profile_object_kind kind, bool deleted)
{
    uint64_t hash = tare__hash((uint64_t)(uintptr_t)path, (uint64_t)(uintptr_t)id ^ (uint64_t)deleted << 63);
    size_t step = 0;
    for (uint32_t i; (i = tare__table_next(&symbols->object_table, hash, &step)) != UINT32_MAX;) {
        struct object *object = symbols->objects[i];
        if (object->shown.path == path && object->wanted_id == id && object->marked_deleted == deleted &&
            object->shown.kind == kind) {
            return object;
        }
    }
    if (symbols->object_count == symbols->object_room) {
        size_t room = symbols->object_room == 0 ? 32 : symbols->object_room * 2;
        struct object **objects =
            room < UINT32_MAX ? reallocarray(symbols->objects, room, sizeof(struct object *)) : NULL;
        if (objects == NULL) {
            return NULL;
        }
        symbols->objects = objects;
        symbols->object_room = room;
    }
    struct object *object = calloc(1, sizeof *object);
    if (object == NULL || tare__table_add(&symbols->object_table, hash, (uint32_t)symbols->object_count) != 0) {
        free(object);
        return NULL;
    }
    object->shown.path = path;
    object->shown.build_id = id;
    object->shown.kind = kind;
    object->shown.flags = deleted ? TARE_OBJECT_DELETED : 0;
    object->wanted_id = id;
    object->marked_deleted = deleted;
    object->fd = -1;
    symbols->objects[symbols->object_count++] = object;
    return object;
}

static struct object *get_special(struct tare_symbols *symbols, const char *name,
                                  enum tare_profile_object_kind kind)
{
    const char *path = tare__strings_keep(&symbols->strings, name, strlen(name));
    return path != NULL ? get_object(symbols, path, NULL, kind, false) : NULL;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* What memory is that has no file, by what the kernel calls it. */
static bool is_anonymous(const char *path)
{
    return path[0] == '\0' || begins(path, "//") || begins(path, "/memfd:") || begins(path, "/dev/zero") ||
           begins(path, "/SYSV") || begins(path, "/anon_hugepage") || begins(path, "[anon") ||
           strcmp(path, "[heap]") == 0 || begins(path, "[stack");
}

/* An id of zeros is none, and letters are small. NULL: no memory; *kept NULL: unknown. */
static bool keep_id(struct tare_symbols *symbols, const char *id, const char **kept)
{
    char text[129];
    size_t length = id != NULL ? strlen(id) : 0;
    *kept = NULL;
    if (length == 0 || length >= sizeof text || strspn(id, "0123456789abcdefABCDEF") != length ||
        strspn(id, "0") == length) {
        return true;
    }
    for (size_t i = 0; i < length; i++) {
        text[i] = (char)(id[i] >= 'A' && id[i] <= 'F' ? id[i] + ('a' - 'A') : id[i]);
    }
    *kept = tare__strings_keep(&symbols->strings, text, length);
    return *kept != NULL;
}

/* The object that `path` stands for; *object stays NULL for what is not looked up by mappings. 0 or -ENOMEM. */
static int object_of_path(struct tare_symbols *symbols, const char *path, const char *build_id,
                          struct object **object)
{
    *object = NULL;
    if (begins(path, "[kernel") || begins(path, "[guest.kernel")) {
        return 0;
    }
    if (is_anonymous(path)) {
        *object = get_special(symbols, "[jit]", TARE_OBJECT_JIT);
    } else if (strcmp(path, "[vdso]") == 0) {
        *object = get_special(symbols, path, TARE_OBJECT_VDSO);
    } else if (path[0] == '[') {
        *object = get_special(symbols, path, TARE_OBJECT_UNKNOWN);
    } else {
        size_t length = strlen(path);
        size_t mark = strlen(DELETED_MARK);
        bool deleted = length > mark && strcmp(path + length - mark, DELETED_MARK) == 0;
        const char *id;
        const char *kept = tare__strings_keep(&symbols->strings, path, length - (deleted ? mark : 0));
        if (kept != NULL && keep_id(symbols, build_id, &id)) {
            *object = get_object(symbols, kept, id, TARE_OBJECT_FILE, deleted);
        }
    }
    return *object != NULL ? 0 : -ENOMEM;
}

static int open_file(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/* What the kernel has of it as long as the process lives. -1: nothing. */
static int open_mapped(const struct object *object, uint32_t pid, uint64_t from, uint64_t to)
{
    char path[64];
    char target[PATH_BYTES];
    size_t length = strlen(object->shown.path);
    snprintf(path, sizeof path, "/proc/%u/map_files/%llx-%llx", pid, (unsigned long long)from,
             (unsigned long long)to);
    for (int i = 0; i < 2; i++) {
        ssize_t size = readlink(path, target, sizeof target);
        /* Pids are used again: it has to be the same path, with or without the mark. */
        if (size >= (ssize_t)length && memcmp(target, object->shown.path, length) == 0 &&
            ((size_t)size == length || ((size_t)size == length + strlen(DELETED_MARK) &&
                                        memcmp(target + length, DELETED_MARK, strlen(DELETED_MARK)) == 0))) {
            int fd = open_file(path);
            if (fd >= 0) {
                return fd;
            }
        }
        snprintf(path, sizeof path, "/proc/%u/exe", pid);
    }
    return -1;
}

/* Tries one file, whose descriptor it takes. True: that is it. */
static bool take_file(struct tare_symbols *symbols, struct object *object, int fd, const char *path)
{
    const struct tare__symbol_source source = {
        .path = path,
        .fd = fd,
        .build_id = object->wanted_id,
        .options = &symbols->options,
        .strings = &symbols->strings,
    };
    int result = fd < 0 ? -errno : tare__symbol_file_open(&source, &object->file);
    if (result == -ESTALE) {
        object->shown.flags |= TARE_OBJECT_CHANGED;
    } else if (result == -ENOENT || result == -ENOTDIR) {
        object->shown.flags |= TARE_OBJECT_DELETED;
    } else if (result == -ENOSYS) {
        object->shown.flags |= TARE_OBJECT_NO_SYMBOLS | TARE_OBJECT_NO_DEBUG;
    } else if (result != 0) {
        object->shown.flags |= TARE_OBJECT_UNREADABLE;
    }
    return result == 0;
}

/* Whether the process has another root than ours, so that its paths are none of ours. */
static bool has_own_root(uint32_t pid)
{
    char path[64];
    struct stat ours;
    struct stat its;
    snprintf(path, sizeof path, "/proc/%u/root", pid);
    return stat("/", &ours) == 0 && stat(path, &its) == 0 &&
           (ours.st_dev != its.st_dev || ours.st_ino != its.st_ino);
}

static void read_file(struct tare_symbols *symbols, struct object *object, const struct mapping *mapping,
                      uint32_t pid)
{
    const char *path = object->shown.path;
    char inside[PATH_BYTES];
    bool done = false;
    if (object->fd >= 0) {
        done = take_file(symbols, object, object->fd, path);
        object->fd = -1;
        symbols->open_count--;
    }
    if (!done && mapping != NULL && has_own_root(pid) &&
        snprintf(inside, sizeof inside, "/proc/%u/root%s", pid, path) < PATH_BYTES) {
        done = take_file(symbols, object, open_file(inside), inside);
    }
    /* What is there now is another one if the process's is deleted, unless the build id says it is not. */
    if (!done && (!object->marked_deleted || object->wanted_id != NULL)) {
        done = take_file(symbols, object, open_file(path), path);
    }
    int fd = !done && mapping != NULL ? open_mapped(object, pid, mapping->from, mapping->to) : -1;
    if (fd >= 0) {
        done = take_file(symbols, object, fd, path);
    }
    if (done) {
        object->shown.flags &= ~(uint32_t)(TARE_OBJECT_CHANGED | TARE_OBJECT_UNREADABLE);
        object->shown.flags |= tare__symbol_file_flags(object->file);
        if (object->shown.build_id == NULL) {
            object->shown.build_id = tare__symbol_file_id(object->file);
        }
    } else if ((object->shown.flags & TARE_OBJECT_DELETED) != 0 &&
               (object->shown.flags & TARE_OBJECT_CHANGED) == 0) {
        object->shown.flags |= TARE_OBJECT_UNREADABLE;
    }
}

/* The kernel maps the same code into all processes of one kind; ours can be read where it is. */
static void read_vdso(struct tare_symbols *symbols, struct object *object, const struct mapping *mapping)
{
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
    uint64_t size = header != NULL && header->e_shentsize != 0
                        ? header->e_shoff + (uint64_t)header->e_shnum * header->e_shentsize
                        : 0;
    if (size == 0 || size > VDSO_MAX || mapping == NULL || size > mapping->to - mapping->from) {
        return; /* a process of another width, or of another machine */
    }
    const struct tare__symbol_source source = {
        .path = object->shown.path,
        .fd = -1,
        .image = header,
        .image_size = (size_t)size,
        .options = &symbols->options,
        .strings = &symbols->strings,
    };
    if (tare__symbol_file_open(&source, &object->file) == 0) { /* all of its functions are exported ones */
        object->shown.flags |= tare__symbol_file_flags(object->file) & ~(uint32_t)TARE_OBJECT_NO_SYMBOLS;
    }
}

static void read_object(struct tare_symbols *symbols, struct object *object, const struct mapping *mapping,
                        uint32_t pid)
{
    if (object->read) {
        return;
    }
    object->read = true;
    if (object->shown.kind == TARE_OBJECT_FILE) {
        read_file(symbols, object, mapping, pid);
    } else if (object->shown.kind == TARE_OBJECT_VDSO) {
        read_vdso(symbols, object, mapping);
    }
}

/* ---- processes ---- */

static struct process *find_process(const struct tare_symbols *symbols, uint32_t pid)
{
    size_t step = 0;
    for (uint32_t i;
         (i = tare__table_next(&symbols->process_table, tare__hash(pid, 1), &step)) != UINT32_MAX;) {
        if (symbols->processes[i].pid == pid) {
            return &symbols->processes[i];
        }
    }
    return NULL;
}

/* NULL: no memory. */
static struct process *get_process(struct tare_symbols *symbols, uint32_t pid)
{
    struct process *process = find_process(symbols, pid);
    if (process != NULL) {
        return process;
    }
    if (symbols->process_count == symbols->process_room) {
        size_t room = symbols->process_room == 0 ? 8 : symbols->process_room * 2;
        struct process *processes =
            room < UINT32_MAX ? reallocarray(symbols->processes, room, sizeof *processes) : NULL;
        if (processes == NULL) {
            return NULL;
        }
        symbols->processes = processes;
        symbols->process_room = room;
    }
    if (tare__table_add(&symbols->process_table, tare__hash(pid, 1), (uint32_t)symbols->process_count) != 0) {
        return NULL;
    }
    process = &symbols->processes[symbols->process_count++];
    *process = (struct process){.pid = pid};
    return process;
}

static int make_room(struct process *process, size_t more)
{
    if (process->room - process->count >= more) {
        return 0;
    }
    size_t room = (process->count + more) * 2;
    struct mapping *mappings = reallocarray(process->mappings, room, sizeof *mappings);
    if (mappings == NULL) {
        return -ENOMEM;
    }
    process->mappings = mappings;
    process->room = room;
    return 0;
}

/* The first mapping that ends behind an address. */
static size_t find_place(const struct process *process, uint64_t address)
{
    size_t low = 0;
    size_t high = process->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (process->mappings[middle].end <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Takes [from, to) away from what is mapped, which needs room for one more. Returns where it would stand. */
static size_t cut_out(struct process *process, uint64_t from, uint64_t to)
{
    size_t first = find_place(process, from);
    if (first < process->count && process->mappings[first].address < from) {
        struct mapping *mapping = &process->mappings[first];
        if (mapping->end > to) { /* it goes on behind */
            memmove(mapping + 1, mapping, (process->count - first) * sizeof *mapping);
            process->count++;
            mapping[1].offset += to - mapping[1].address;
            mapping[1].address = to;
            mapping->end = from;
            return first + 1;
        }
        mapping->end = from;
        first++;
    }
    size_t last = first;
    while (last < process->count && process->mappings[last].end <= to) {
        last++;
    }
    if (last < process->count && process->mappings[last].address < to) {
        process->mappings[last].offset += to - process->mappings[last].address;
        process->mappings[last].address = to;
    }
    memmove(process->mappings + first, process->mappings + last,
            (process->count - last) * sizeof *process->mappings);
    process->count -= last - first;
    return first;
}

int tare_symbols_map(struct tare_symbols *symbols, uint32_t pid, uint64_t address, uint64_t size,
                     uint64_t offset, const char *path, const char *build_id)
{
    struct object *object;
    int failed = object_of_path(symbols, path, build_id, &object);
    struct process *process = failed == 0 && object != NULL ? get_process(symbols, pid) : NULL;
    if (failed != 0 || object == NULL || size == 0 || process == NULL) {
        return failed != 0 || (object != NULL && process == NULL) ? -ENOMEM : 0;
    }
    if (make_room(process, 2) != 0) {
        return -ENOMEM;
    }
    uint64_t end = size <= UINT64_MAX - address ? address + size : UINT64_MAX;
    size_t place = cut_out(process, address, end);
    memmove(process->mappings + place + 1, process->mappings + place,
            (process->count - place) * sizeof *process->mappings);
    process->mappings[place] = (struct mapping){address, end, offset, address, end, object};
    process->count++;
    if (object->marked_deleted && !object->read && object->fd < 0 && symbols->open_count < DELETED_OPEN_MAX) {
        object->fd = open_mapped(object, pid, address, end);
        symbols->open_count += object->fd >= 0;
    }
    return 0;
}

int tare_symbols_fork(struct tare_symbols *symbols, uint32_t parent, uint32_t child)
{
    if (parent == child) {
        return 0;
    }
    struct process *to = get_process(symbols, child); /* may move the other one */
    const struct process *from = find_process(symbols, parent);
    if (to == NULL) {
        return -ENOMEM;
    }
    tare_symbols_exec(symbols, child);
    if (from == NULL || from->count == 0) {
        return 0;
    }
    if (make_room(to, from->count) != 0) {
        return -ENOMEM;
    }
    memcpy(to->mappings, from->mappings, from->count * sizeof *to->mappings);
    to->count = from->count;
    return 0;
}

void tare_symbols_exec(struct tare_symbols *symbols, uint32_t pid)
{
    struct process *process = find_process(symbols, pid);
    if (process != NULL) {
        process->count = 0;
        tare__jit_free(process->jit);
        process->jit = NULL;
    }
}

/* Undoes the kernel's way of writing a newline, in place. */
static void unescape(char *path)
{
    char *out = path;
    for (const char *at = path; *at != '\0'; out++) {
        if (begins(at, "\\012")) {
            *out = '\n';
            at += 4;
        } else {
            *out = *at++;
        }
    }
    *out = '\0';
}

int tare_symbols_read_maps(struct tare_symbols *symbols, uint32_t pid)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/%u/maps", pid);
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        return -errno;
    }
    char *line = NULL;
    size_t room = 0;
    int failed = 0;
    ssize_t length;
    while (failed == 0 && (length = getline(&line, &room, file)) > 0) {
        unsigned long long from;
        unsigned long long to;
        unsigned long long offset;
        char rights[5];
        int path = 0;
        line[length - 1] = line[length - 1] == '\n' ? '\0' : line[length - 1];
        if (sscanf(line, "%llx-%llx %4s %llx %*s %*s %n", &from, &to, rights, &offset, &path) < 4 ||
            path == 0 || rights[2] != 'x' || to <= from) {
            continue;
        }
        unescape(line + path);
        failed = tare_symbols_map(symbols, pid, from, to - from, offset, line + path, NULL);
    }
    if (failed == 0 && ferror(file)) {
        failed = errno != 0 ? -errno : -EIO;
    }
    free(line);
    fclose(file);
    return failed;
}

/* ---- addresses ---- */

static size_t single(struct tare_symbols *symbols, const struct tare_symbols_frame frame,
                     const struct tare_symbols_frame **frames)
{
    symbols->frames[0] = frame;
    *frames = symbols->frames;
    return 1;
}

static size_t resolve_kernel(struct tare_symbols *symbols, uint64_t address,
                             const struct tare_symbols_frame **frames)
{
    if (symbols->kernel == NULL) {
        const char *path = symbols->options.kernel_symbols;
        symbols->kernel = tare__kernel_new(path != NULL ? path : "/proc/kallsyms", &symbols->strings);
        if (symbols->kernel == NULL) {
            return 0;
        }
    }
    struct tare_symbols_frame frame = {.address = address, .kernel = true};
    const char *module = "[kernel]";
    tare__kernel_find(symbols->kernel, address, &frame.function, &module);
    struct object *object = get_special(symbols, module, TARE_OBJECT_KERNEL);
    if (object == NULL) {
        return 0;
    }
    object->shown.flags |=
        TARE_OBJECT_NO_DEBUG | (tare__kernel_empty(symbols->kernel) ? TARE_OBJECT_NO_SYMBOLS : 0);
    frame.object = &object->shown;
    return single(symbols, frame, frames);
}

/* NULL: it has no map file, or nothing there. */
static const char *find_jit(struct tare_symbols *symbols, struct process *process, uint64_t address)
{
    if (process->jit == NULL) {
        process->jit = tare__jit_new(symbols->options.jit_directory, process->pid, &symbols->strings);
    }
    return process->jit != NULL ? tare__jit_find(process->jit, address) : NULL;
}

static uint64_t hash_of(const struct object *object, uint64_t address)
{
    return tare__hash((uint64_t)(uintptr_t)object, address);
}

/* Keeps symbols->frames. The result may be NULL. */
static const struct found *keep(struct tare_symbols *symbols, const struct object *object, uint64_t address,
                                size_t count)
{
    if (symbols->found_count == CACHED_MAX) {
        forget_found(symbols);
    }
    if (symbols->found_count == symbols->found_room) {
        size_t room = symbols->found_room == 0 ? 256 : symbols->found_room * 2;
        struct found *found = reallocarray(symbols->found, room, sizeof *found);
        if (found == NULL) {
            return NULL;
        }
        symbols->found = found;
        symbols->found_room = room;
    }
    struct found *found = &symbols->found[symbols->found_count];
    *found = (struct found){object, address, calloc(count, sizeof *found->frames), count};
    if (found->frames == NULL ||
        tare__table_add(&symbols->found_table, hash_of(object, address), (uint32_t)symbols->found_count) != 0) {
        free(found->frames);
        return NULL;
    }
    memcpy(found->frames, symbols->frames, count * sizeof *found->frames);
    symbols->found_count++;
    return found;
}

/* An address of an object that was read. */
static size_t resolve_linked(struct tare_symbols *symbols, const struct object *object, uint64_t address,
                             const struct tare_symbols_frame **frames)
{
    size_t step = 0;
    uint64_t hash = hash_of(object, address);
    for (uint32_t i; (i = tare__table_next(&symbols->found_table, hash, &step)) != UINT32_MAX;) {
        const struct found *found = &symbols->found[i];
        if (found->object == object && found->address == address) {
            *frames = found->frames;
            return found->count;
        }
    }
    size_t count = tare__symbol_file_frames(object->file, address, symbols->frames);
    for (size_t i = 0; i < count; i++) {
        symbols->frames[i].address = address;
        symbols->frames[i].object = &object->shown;
    }
    const struct found *found = count > 0 ? keep(symbols, object, address, count) : NULL;
    *frames = found != NULL ? found->frames : NULL;
    return found != NULL ? count : 0;
}

size_t tare_symbols_resolve(struct tare_symbols *symbols, uint32_t pid, uint64_t address, bool is_return,
                            const struct tare_symbols_frame **frames)
{
    *frames = NULL;
    if (is_return && address > 0) {
        address--; /* within the call, which ends where it will return to */
    }
    struct process *process = find_process(symbols, pid);
    size_t place = process != NULL ? find_place(process, address) : 0;
    const struct mapping *mapping =
        process != NULL && place < process->count && process->mappings[place].address <= address
            ? &process->mappings[place]
            : NULL;
    if (mapping == NULL) {
        return address >= KERNEL_FROM
                   ? resolve_kernel(symbols, address, frames)
                   : single(symbols, (struct tare_symbols_frame){.address = address}, frames);
    }
    struct object *object = mapping->object;
    struct tare_symbols_frame frame = {.address = address, .object = &object->shown};
    read_object(symbols, object, mapping, pid);
    uint64_t offset = address - mapping->address + mapping->offset;
    uint64_t linked;
    if (object->file != NULL && tare__symbol_file_address(object->file, offset, &linked)) {
        return resolve_linked(symbols, object, linked, frames);
    }
    if (object->shown.kind == TARE_OBJECT_JIT) {
        frame.function = find_jit(symbols, process, address);
    } else if (object->shown.kind == TARE_OBJECT_FILE) {
        frame.address = offset; /* where it is linked to be is not known */
    }
    return single(symbols, frame, frames);
}

int tare_symbols_resolve_file(struct tare_symbols *symbols, const char *path, uint64_t address,
                              struct tare_symbols_frame *frame)
{
    struct object *object;
    const struct tare_symbols_frame *frames;
    if (object_of_path(symbols, path, NULL, &object) != 0 || object == NULL ||
        object->shown.kind != TARE_OBJECT_FILE) {
        return -ENOENT;
    }
    read_object(symbols, object, NULL, 0);
    if (object->file == NULL || resolve_linked(symbols, object, address, &frames) == 0) {
        return -ENOENT;
    }
    *frame = frames[0];
    return 0;
}
