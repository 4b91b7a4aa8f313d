/* SPDX-License-Identifier: MIT */
/*
 * Answers what `tare list` and `tare run` ask of a program before it runs: which timers, in which library; and
 * whether libc's calls can be intercepted. Reading one file is elf_image.c and elf_timers.c, finding the next
 * elf_search.c.
 */
#include "record/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tare/page.h>

static void timer_release(struct tare_elf_timer *timer)
{
    free(timer->module);
    free(timer->name);
    free(timer->file);
    free(timer->unit);
    free(timer->labels);
    free(timer->help);
}

#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF

#include <libgen.h>
#include <limits.h>
#include <search.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "record/clean.h"
#include "record/elf_image.h"
#include "record/elf_search.h"

enum {
    OBJECTS_MAX = 1024, /* libraries of one program; a browser has some 150 */
    LINE_MAX_BYTES = 512,
};

/* What is known of an object while its libraries are searched for. */
struct work {
    struct tare__needer needer; /* its parent is another struct work's */
    char *rpath, *runpath, *soname, *origin;
    char *interpreter; /* of the program, which the search refers to */
    char **needed;
    size_t needed_count;
    dev_t device;
    ino_t inode;
};

/* A list under way. `work` holds pointers, so that those from needer to needer stay valid while it grows. */
struct builder {
    struct tare_elf_list *list;
    struct work *work[OBJECTS_MAX];
    struct tare__search search;
    void *names; /* tree of the timers' "module", "name" */
};

static void work_free(struct work *work)
{
    for (size_t i = 0; i < work->needed_count; i++) {
        free(work->needed[i]);
    }
    free(work->needed);
    free(work->rpath);
    free(work->runpath);
    free(work->soname);
    free(work->origin);
    free(work->interpreter);
    free(work);
}

/* The directory of a file, for $ORIGIN. */
static char *origin_of(const char *path)
{
    char *real = realpath(path, NULL);
    char *copy = real != NULL ? real : strdup(path);
    if (copy == NULL) {
        return NULL;
    }
    char *result = strdup(dirname(copy));
    free(copy);
    return result;
}

/* Sorts by name; what is one instrument for the runtime compares equal. */
static int compare_timers(const void *a, const void *b)
{
    const struct tare_elf_timer *left = a;
    const struct tare_elf_timer *right = b;
    int order = strcmp(left->module, right->module);
    order = order != 0 ? order : strcmp(left->name, right->name);
    order = order != 0 ? order : strcmp(left->labels, right->labels);
    return order != 0 ? order : (left->kind > right->kind) - (left->kind < right->kind);
}

static void release_node(void *node)
{
    free(node);
}

/* Whether a timer of that name was listed before; if not, it is from now on. Returns 1, 0 or -ENOMEM. */
static int seen_before(struct builder *builder, const struct tare_elf_timer *timer)
{
    /* The tree has copies of the pointers: the list's array moves when it grows, its strings do not. */
    struct tare_elf_timer *key = malloc(sizeof *key);
    if (key == NULL) {
        return -ENOMEM;
    }
    *key = *timer;
    void *node = tsearch(key, &builder->names, compare_timers);
    if (node == NULL) {
        free(key);
        return -ENOMEM;
    }
    if (*(struct tare_elf_timer **)node != key) {
        free(key);
        return 1;
    }
    return 0;
}

/* Appends the object's timers to the list, those of a known name left out. Takes their strings. */
static int take_timers(struct builder *builder, size_t object, struct tare_elf_timer *timers, size_t count)
{
    struct tare_elf_list *list = builder->list;
    struct tare_elf_timer *grown = realloc(list->timers, (list->timer_count + count) * sizeof *grown);
    int result = grown == NULL ? -ENOMEM : 0;
    if (grown != NULL) {
        list->timers = grown;
    }
    for (size_t i = 0; i < count; i++) {
        int seen = result == 0 ? seen_before(builder, &timers[i]) : result;
        if (seen == 0) {
            timers[i].object = object;
            list->timers[list->timer_count++] = timers[i];
            if (timers[i].kind == TARE_KIND_TIMER) {
                list->objects[object].timer_count++;
            } else {
                list->objects[object].instrument_count++;
            }
        } else {
            timer_release(&timers[i]);
            result = seen < 0 ? seen : result;
        }
    }
    return result;
}

/* Reads the timers of an opened object. */
static int read_object_timers(struct builder *builder, size_t index, struct tare__image *image, char *message,
                              size_t size)
{
    struct tare_elf_object *object = &builder->list->objects[index];
    struct tare_elf_timer *timers;
    size_t count;
    size_t skipped;
    int result = tare__image_timers(image, object->path, &timers, &count, &skipped, message, size);
    if (result != 0) {
        for (size_t i = 0; i < count; i++) {
            timer_release(&timers[i]);
        }
    } else if (count > 0) {
        result = take_timers(builder, index, timers, count);
    }
    free(timers);
    if (result == 0 && skipped > 0 &&
        asprintf(&object->problem, "%zu timers were made with another version of tare.h", skipped) < 0) {
        object->problem = NULL;
        result = -ENOMEM;
    }
    return result;
}

/* The name by which libtare is needed: its soname, "libtare.so.0", or that of a version to come. */
static bool names_runtime(const char *name)
{
    const char *slash = strrchr(name, '/');
    return strncmp(slash != NULL ? slash + 1 : name, "libtare.so", 10) == 0;
}

static bool needs_runtime(const struct tare__image *image)
{
    for (size_t i = 0; i < image->needed_count; i++) {
        if (names_runtime(image->needed[i])) {
            return true;
        }
    }
    return false;
}

/*
 * libtare itself, or libtare.a linked in. A stripped program keeps its timers, but not the symbol; one that has
 * it from elsewhere, a library or the program that loads it, names it as undefined.
 */
static bool contains_runtime(struct tare__image *image)
{
    enum tare__symbol begin = tare__image_find_symbol(image, "tare__begin");
    if (begin != TARE__SYMBOL_ABSENT) {
        return begin == TARE__SYMBOL_DEFINED;
    }
    return tare__image_has_timers(image) && !needs_runtime(image) &&
           tare__image_find_symbol(image, "tare__enroll") != TARE__SYMBOL_UNDEFINED;
}

/* Moves what the search needs from the image to the object's work. */
static int keep_for_search(struct builder *builder, size_t index, struct tare__image *image)
{
    struct work *work = builder->work[index];
    work->origin = origin_of(builder->list->objects[index].path);
    if (work->origin == NULL) {
        return -ENOMEM;
    }
    work->rpath = image->rpath;
    work->runpath = image->runpath;
    work->soname = image->soname;
    work->needed = image->needed;
    work->needed_count = image->needed_count;
    image->rpath = image->runpath = image->soname = NULL;
    image->needed = NULL;
    image->needed_count = 0;
    work->device = image->status.st_dev;
    work->inode = image->status.st_ino;
    work->needer.rpath = work->rpath;
    work->needer.runpath = work->runpath;
    work->needer.origin = work->origin;
    return 0;
}

/* Reads an object that has a path. An error is one of its file, with a line in `message`, or -ENOMEM. */
static int read_object(struct builder *builder, size_t index, char *message, size_t size)
{
    struct tare_elf_list *list = builder->list;
    struct tare__image image;
    int result = tare__image_open(&image, list->objects[index].path, message, size);
    if (result != 0) {
        goto out;
    }
    const char *path = list->objects[index].path;
    if (image.header.e_machine != EM_X86_64 && image.header.e_machine != EM_AARCH64) {
        result =
            tare__image_fail(-ENOEXEC, message, size,
                             "'%s' is for processor %u of the ELF list, and only x86-64 and aarch64 are known",
                             path, (unsigned)image.header.e_machine);
        goto out;
    }
    if (image.header.e_type != ET_EXEC && image.header.e_type != ET_DYN) {
        result =
            tare__image_fail(-ENOEXEC, message, size, "'%s' is neither a program nor a shared library", path);
        goto out;
    }
    if (index == 0) {
        result =
            tare__search_init(&builder->search, image.header.e_machine, image.interpreter, "/etc/ld.so.conf");
        if (builder->search.musl_libc != NULL) {
            builder->work[0]->interpreter = image.interpreter;
            image.interpreter = NULL;
        }
    }
    list->objects[index].is_runtime = contains_runtime(&image);
    list->has_runtime = list->has_runtime || list->objects[index].is_runtime;
    if (result == 0) {
        result = read_object_timers(builder, index, &image, message, size);
    }
    if (result == 0) {
        result = keep_for_search(builder, index, &image);
    }
out:
    tare__image_close(&image);
    return result;
}

/* Appends an object with a copy of `name`. Takes `path`. */
static int add_object(struct builder *builder, const char *name, char *path, const struct work *parent)
{
    struct tare_elf_list *list = builder->list;
    struct tare_elf_object *grown = realloc(list->objects, (list->object_count + 1) * sizeof *grown);
    if (grown != NULL) {
        list->objects = grown;
    }
    char *copy = strdup(name);
    struct work *work = calloc(1, sizeof *work);
    if (grown == NULL || copy == NULL || work == NULL) {
        free(copy);
        free(work);
        free(path);
        return -ENOMEM;
    }
    work->needer.parent = parent != NULL ? &parent->needer : NULL;
    builder->work[list->object_count] = work;
    list->objects[list->object_count++] = (struct tare_elf_object){.name = copy, .path = path};
    return 0;
}

/* Whether the library is in the list already, by the name that was asked for or that it gives itself. */
static bool known_by_name(const struct builder *builder, const char *name)
{
    for (size_t i = 0; i < builder->list->object_count; i++) {
        const char *soname = builder->work[i]->soname;
        if (strcmp(builder->list->objects[i].name, name) == 0 ||
            (soname != NULL && strcmp(soname, name) == 0)) {
            return true;
        }
    }
    return false;
}

static bool known_by_file(const struct builder *builder, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return false;
    }
    for (size_t i = 0; i < builder->list->object_count; i++) {
        const struct work *work = builder->work[i];
        if (work->origin != NULL && work->device == status.st_dev && work->inode == status.st_ino) {
            return true;
        }
    }
    return false;
}

/* Finds and appends the libraries that one object needs. */
static int add_needed(struct builder *builder, size_t index)
{
    const struct work *work = builder->work[index];
    for (size_t i = 0; i < work->needed_count; i++) {
        const char *name = work->needed[i];
        if (known_by_name(builder, name)) {
            continue;
        }
        struct tare_elf_object *first = &builder->list->objects[0];
        if (builder->list->object_count == OBJECTS_MAX) {
            if (first->problem == NULL &&
                asprintf(&first->problem, "more than %d libraries", OBJECTS_MAX) < 0) {
                first->problem = NULL;
                return -ENOMEM;
            }
            return 0;
        }
        char *path;
        int result = tare__search_library(&builder->search, name, &work->needer, &path);
        if (result != 0) {
            return result;
        }
        if (path != NULL && known_by_file(builder, path)) {
            free(path);
            continue;
        }
        result = add_object(builder, name, path, work);
        if (result != 0) {
            return result;
        }
        size_t added = builder->list->object_count - 1;
        char message[LINE_MAX_BYTES];
        if (path == NULL) {
            continue;
        }
        result = read_object(builder, added, message, sizeof message);
        if (result == -ENOMEM) {
            return result;
        }
        if (result != 0 && builder->list->objects[added].problem == NULL) {
            builder->list->objects[added].problem = strdup(message);
            if (builder->list->objects[added].problem == NULL) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

/* Puts the timers first, and what is none behind them. */
static int sort_out_timers(struct tare_elf_list *list)
{
    size_t count = list->timer_count, timers = 0, others = 0;
    struct tare_elf_timer *sorted = calloc(count + 1, sizeof *sorted);
    if (sorted == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        timers += list->timers[i].kind == TARE_KIND_TIMER;
    }
    list->timer_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool timer = list->timers[i].kind == TARE_KIND_TIMER;
        sorted[timer ? list->timer_count++ : timers + others++] = list->timers[i];
    }
    free(list->timers);
    list->timers = sorted;
    list->instruments = sorted + timers;
    list->instrument_count = others;
    return 0;
}

int tare_elf_list(const char *path, struct tare_elf_list *list, char *message, size_t size)
{
    memset(list, 0, sizeof *list);
    struct builder *builder = calloc(1, sizeof *builder);
    char *copy = strdup(path);
    int result = -ENOMEM;
    if (builder == NULL || copy == NULL) {
        free(copy);
        goto out;
    }
    builder->list = list;
    result = add_object(builder, path, copy, NULL);
    if (result == 0) {
        result = read_object(builder, 0, message, size);
    }
    for (size_t i = 0; result == 0 && i < list->object_count; i++) {
        result = add_needed(builder, i);
    }
    if (result == 0) {
        result = sort_out_timers(list);
    }
out:
    if (builder != NULL) {
        for (size_t i = 0; i < list->object_count; i++) {
            work_free(builder->work[i]);
            tare__clean_text(list->objects[i].name);
        }
        tare__search_release(&builder->search);
        tdestroy(builder->names, release_node);
        free(builder);
    }
    if (result == -ENOMEM) {
        tare__image_fail(0, message, size, "not enough memory to read '%s'", path);
    }
    return result;
}

static const char *machine_name(uint16_t machine)
{
    static const struct {
        uint16_t machine;
        const char *name;
    } names[] = {
        {EM_X86_64, "x86_64"}, {EM_AARCH64, "aarch64"}, {EM_386, "i386"},   {EM_ARM, "arm"},
        {EM_RISCV, "riscv"},   {EM_PPC64, "ppc64"},     {EM_S390, "s390x"}, {EM_MIPS, "mips"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].machine == machine) {
            return names[i].name;
        }
    }
    return NULL;
}

/* Width, byte order, processor and type, of files that go no further, too. */
static bool read_identity(const unsigned char *start, size_t got, struct tare_elf_info *info, uint16_t *type)
{
    if (got < 20 || memcmp(start, ELFMAG, SELFMAG) != 0) {
        return false;
    }
    bool little = start[EI_DATA] == ELFDATA2LSB;
    info->bits = start[EI_CLASS] == ELFCLASS32 ? 32 : start[EI_CLASS] == ELFCLASS64 ? 64 : 0;
    info->little_endian = little;
    *type = (uint16_t)(start[16 + !little] | start[16 + little] << 8);
    info->machine = (uint16_t)(start[18 + !little] | start[18 + little] << 8);
    info->machine_name = machine_name(info->machine);
#if defined(__x86_64__) && defined(__LP64__)
    info->native = info->bits == 64 && info->machine == EM_X86_64;
#elif defined(__aarch64__)
    info->native = info->bits == 64 && little && info->machine == EM_AARCH64;
#endif
    return true;
}

static int inspect_image(const char *path, struct tare_elf_info *info, uint16_t type, char *message,
                         size_t size)
{
    struct tare__image image;
    int result = tare__image_open(&image, path, message, size);
    if (result != 0) {
        goto out;
    }
    info->interpreter = image.interpreter;
    image.interpreter = NULL;
    bool marked = (image.flags_1 & DF_1_PIE) != 0;
    /*
     * Programs from before DF_1_PIE (2018) have no mark; some libraries, such as libc, have a PT_INTERP, too.
     */
    info->is_pie = type == ET_DYN && (marked || (info->interpreter != NULL && image.soname == NULL));
    info->is_library = type == ET_DYN && !info->is_pie;
    info->is_program = type == ET_EXEC || info->is_pie;
    info->is_dynamic = info->is_program && info->interpreter != NULL;
    info->is_static = info->is_program && info->interpreter == NULL;
    info->has_timers = tare__image_has_timers(&image);
    info->has_benches = tare__image_has_benches(&image);
    info->needs_tare = needs_runtime(&image);
    info->contains_tare = contains_runtime(&image);
out:
    tare__image_close(&image);
    return result;
}

/* The interpreter of a script: what follows "#!" up to a blank. */
static int read_script(const char *start, struct tare_elf_info *info)
{
    const char *at = start + 2 + strspn(start + 2, " \t");
    info->is_script = true;
    size_t length = strcspn(at, " \t\r\n");
    if (length == 0) {
        return 0;
    }
    info->interpreter = strndup(at, length);
    if (info->interpreter == NULL) {
        return -ENOMEM;
    }
    tare__clean_text(info->interpreter);
    return 0;
}

int tare_elf_inspect(const char *path, struct tare_elf_info *info, char *message, size_t size)
{
    memset(info, 0, sizeof *info);
    int result = 0;
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0) {
        int error = errno;
        result = tare__image_fail(-error, message, size, "cannot open '%s': %s", path, strerror(error));
        goto out;
    }
    if (!S_ISREG(status.st_mode)) {
        result = S_ISDIR(status.st_mode)
                     ? tare__image_fail(-EISDIR, message, size, "'%s' is a directory", path)
                     : tare__image_fail(-EINVAL, message, size, "'%s' is not a regular file", path);
        goto out;
    }
    info->is_setuid = (status.st_mode & S_ISUID) != 0;
    info->is_setgid = (status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
    info->owner_uid = status.st_uid;
    info->owner_gid = status.st_gid;
    info->has_capabilities = fgetxattr(fd, "security.capability", NULL, 0) > 0;
    char start[256] = ""; /* the kernel reads as much of a script's first line */
    ssize_t got = pread(fd, start, sizeof start - 1, 0);
    if (got < 0) {
        int error = errno;
        result = tare__image_fail(-error, message, size, "cannot read '%s': %s", path, strerror(error));
        goto out;
    }
    uint16_t type = ET_NONE;
    info->is_elf = read_identity((const unsigned char *)start, (size_t)got, info, &type);
    if (info->is_elf && info->bits == 64 && info->little_endian) {
        result = inspect_image(path, info, type, message, size);
    } else if (info->is_elf) {
        info->is_program = type == ET_EXEC && info->bits != 0;
    } else if (got >= 2 && memcmp(start, "#!", 2) == 0) {
        result = read_script(start, info);
    }
out:
    if (fd >= 0) {
        close(fd);
    }
    return result;
}

#else /* without libelf */

int tare_elf_list(const char *path, struct tare_elf_list *list, char *message, size_t size)
{
    memset(list, 0, sizeof *list);
    snprintf(message, size, "cannot read '%s': tare was built without libelf", path);
    return -ENOSYS;
}

int tare_elf_inspect(const char *path, struct tare_elf_info *info, char *message, size_t size)
{
    memset(info, 0, sizeof *info);
    snprintf(message, size, "cannot read '%s': tare was built without libelf", path);
    return -ENOSYS;
}

#endif

void tare_elf_list_release(struct tare_elf_list *list)
{
    for (size_t i = 0; i < list->object_count; i++) {
        free(list->objects[i].name);
        free(list->objects[i].path);
        free(list->objects[i].problem);
    }
    for (size_t i = 0; i < list->timer_count + list->instrument_count; i++) {
        timer_release(&list->timers[i]); /* the others are behind them */
    }
    free(list->objects);
    free(list->timers);
    memset(list, 0, sizeof *list);
}

void tare_elf_info_release(struct tare_elf_info *info)
{
    free(info->interpreter);
    memset(info, 0, sizeof *info);
}
