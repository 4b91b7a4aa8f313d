/* SPDX-License-Identifier: MIT */
/* Modules and cages: loading, instantiating, calling, and putting one before another. */
#include "suites/syscalls/boot/boot.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tare/tare.h>

#include "suites/syscalls/boot/boot_internal.h"
#include "suites/syscalls/boot/lind_common.h"
#include "suites/syscalls/boot/module.h"
#include "suites/syscalls/boot/module_cache.h"
#include "suites/syscalls/boot/module_compile.h"
#include "suites/syscalls/boot/threei.h"
#include "suites/syscalls/layers/rawposix.h"

TARE_MODULE("lind_boot");
TARE_TIMER(load_main_module);
TARE_TIMER(invoke_func);

#define CACHE_BYTES_MAX (UINT64_C(256) << 20)
#define MEMORY_BYTES_MAX (UINT64_C(1) << 30)
#define MEMORY_BYTES_POSSIBLE ((UINT64_C(4) << 30) - RUNTIME_PAGE_BYTES)

/* `'NAME' MESSAGE`, or what of it fits. */
__attribute__((format(printf, 3, 4))) static void say(char *error, const char *name, const char *format, ...)
{
    va_list arguments;
    if (error == NULL) {
        return;
    }
    int used = snprintf(error, BOOT_ERROR_BYTES, "'%.150s' ", name);
    va_start(arguments, format);
    vsnprintf(error + used, (size_t)(BOOT_ERROR_BYTES - used), format, arguments);
    va_end(arguments);
}

/* Loading */

static int read_module(const char *path, uint8_t **bytes, size_t *size, char *error)
{
    struct stat stat_of;
    int result = 0, file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *bytes = NULL;
    *size = 0;
    if (file < 0 || fstat(file, &stat_of) < 0) {
        result = -errno;
    } else if (!S_ISREG(stat_of.st_mode)) {
        result = S_ISDIR(stat_of.st_mode) ? -EISDIR : -EINVAL;
    } else if (stat_of.st_size > MODULE_BYTES_MAX) {
        result = -EFBIG;
    } else if ((*bytes = malloc((size_t)stat_of.st_size + 1)) == NULL) {
        result = -ENOMEM;
    }
    while (result == 0 && *size < (size_t)stat_of.st_size) {
        ssize_t got = read(file, *bytes + *size, (size_t)stat_of.st_size - *size);
        if (got <= 0) {
            result = got < 0 ? -errno : 0;
            break;
        }
        *size += (size_t)got;
    }
    if (file >= 0) {
        close(file);
    }
    if (result < 0) {
        say(error, path, "cannot be read: %s", strerror(-result));
        free(*bytes);
        *bytes = NULL;
    }
    return result;
}

/* Which import is which of ours; allocated. */
static int match_imports(const struct module *module, const char *name, int **numbers, char *error)
{
    *numbers = calloc(module->import_count + 1, sizeof(**numbers));
    if (*numbers == NULL) {
        say(error, name, "does not fit into memory");
        return -ENOMEM;
    }
    for (size_t i = 0; i < module->import_count; i++) {
        const struct module_import *import = &module->imports[i];
        int number = lind_common_find(import->module, import->name);
        if (number < 0) {
            say(error, name,
                "imports '%s.%s', which is not there: there are functions of wasi_snapshot_preview1 and lind",
                import->module, import->name);
            return -ENOTSUP;
        }
        if (strcmp(import->type, lind_common_get((size_t)number)->type) != 0) {
            say(error, name, "imports '%s.%s' with another type than it has", import->module, import->name);
            return -ENOTSUP;
        }
        (*numbers)[i] = number;
    }
    return 0;
}

struct job { /* what it takes to compile one */
    const uint8_t *bytes;
    size_t size;
    const char *name, *glue;
    struct compile_tools tools;
    char key[TARE_SHA256_HEX + 1];
    bool quiet;
    int stopped_by; /* a signal; 0: none */
};

static int compile_in(struct job *job, const char *directory, char *error)
{
    char said[MODULE_ERROR_BYTES];
    int result = compile_module(&job->tools, job->bytes, job->size, job->glue, directory, job->name,
                                !job->quiet && isatty(STDERR_FILENO), &job->stopped_by, said);
    if (result < 0) {
        say(error, job->name, "%s", said);
    }
    return result;
}

static int open_object(const char *path, const char *name, void **object, char *error)
{
    *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (*object == NULL) {
        say(error, name, "cannot be loaded: %s", dlerror());
        return -ENOEXEC;
    }
    return 0;
}

static int load_without_cache(struct job *job, void **object, char *error)
{
    char directory[PATH_MAX], path[PATH_MAX + 8];
    int lock = module_cache_begin_temporary(directory);
    if (lock < 0) {
        say(error, job->name, "cannot be compiled: no temporary directory: %s", strerror(-lock));
        return -ENOEXEC;
    }
    int result = compile_in(job, directory, error);
    if (result == 0) {
        snprintf(path, sizeof(path), "%s/m.so", directory);
        result = open_object(path, job->name, object, error);
    }
    module_cache_end_temporary(directory, lock);
    return result;
}

/* 0, -ENOENT, or -EBADMSG: there is one that is damaged or cannot be loaded. */
static int open_entry(struct module_cache *cache, struct job *job, void **object, char *error)
{
    char path[PATH_MAX];
    int result = module_cache_find(cache, job->key, path);
    if (result == 0 && open_object(path, job->name, object, error) < 0) {
        result =
            access(path, F_OK) == 0 ? -EBADMSG : -ENOENT; /* another process may have thrown it out meanwhile */
    }
    return result;
}

/* What is made is opened before it is an entry: nobody can throw it out before that, and what cannot be loaded is not kept. */
static int load_with_cache(struct module_cache *cache, struct job *job, void **object, char *error)
{
    char directory[PATH_MAX], path[PATH_MAX + 8];
    bool keep = false;
    if (open_entry(cache, job, object, error) == 0) {
        module_cache_trim(cache, job->key); /* it may have been larger when the others were kept */
        return 0;
    }
    int result = module_cache_begin(cache, job->key, directory);
    if (result < 0) {
        say(error, job->name, "cannot be compiled: '%.150s': %s", cache->path, strerror(-result));
        return -ENOEXEC;
    }
    result = open_entry(cache, job, object, error); /* made by another process while this one waited */
    if (result < 0) {
        if (result == -EBADMSG && !job->quiet) {
            fprintf(stderr, "lind-boot: what the cache had of '%s' was damaged: it is compiled again\n",
                    job->name);
        }
        result = compile_in(job, directory, error);
        if (result == 0) {
            snprintf(path, sizeof(path), "%s/m.so", directory);
            result = open_object(path, job->name, object, error);
        }
        keep = result == 0;
    }
    int ended = module_cache_end(cache, job->key, keep);
    if (result == 0 && ended < 0) {
        say(error, job->name, "cannot be kept in '%.150s': %s", cache->path, strerror(-ended));
        result = -ENOEXEC;
    }
    return result;
}

static int load_object(struct job *job, const struct boot_options *options, void **object, char *error)
{
    struct module_cache cache;
    char said[CACHE_ERROR_BYTES];
    if (options->no_cache) {
        return load_without_cache(job, object, error);
    }
    int result = module_cache_open(&cache, options->cache_dir,
                                   options->cache_bytes == 0 ? CACHE_BYTES_MAX : options->cache_bytes, said);
    if (result < 0 && (result == -EPERM || options->cache_dir != NULL)) {
        if (error != NULL) {
            snprintf(error, BOOT_ERROR_BYTES, "%s", said);
        }
        return result == -EPERM ? -EPERM : -ENOEXEC;
    }
    if (result < 0) {
        if (!options->quiet) {
            fprintf(stderr, "lind-boot: %s: '%s' is compiled for this run alone\n", said, job->name);
        }
        return load_without_cache(job, object, error);
    }
    result = load_with_cache(&cache, job, object, error);
    module_cache_close(&cache);
    return result;
}

static int start_object(struct boot_module *module, char *error)
{
    module->compiled = dlsym(module->object, LIND_ABI_SYMBOL);
    if (module->compiled == NULL || module->compiled->abi != LIND_ABI) {
        say(error, module->name, "cannot be loaded: what was compiled of it is not ours");
        return -ENOEXEC;
    }
    if (runtime_start(module->compiled) != RUNTIME_NONE) {
        say(error, module->name, "does not fit into memory");
        return -ENOMEM;
    }
    return 0;
}

static int prepare_job(struct job *job, const struct module *parsed, const int *numbers, char **glue,
                       char *error)
{
    char said[MODULE_ERROR_BYTES];
    struct tare_sha256 hash;
    int result = compile_find_tools(&job->tools, said);
    if (result < 0) {
        say(error, job->name, "%s", said);
        return result;
    }
    job->glue = *glue = compile_glue(parsed, numbers);
    if (*glue == NULL) {
        say(error, job->name, "does not fit into memory");
        return -ENOMEM;
    }
    tare_sha256_init(&hash);
    tare_sha256_add(&hash, job->bytes, job->size);
    compile_add_to_key(&hash, *glue, &job->tools);
    tare_sha256_finish_hex(&hash, job->key);
    return 0;
}

static int check_sizes(const struct module *parsed, const struct boot_module *module, char *error)
{
    if ((uint64_t)parsed->memory_pages * RUNTIME_PAGE_BYTES > module->memory_max_bytes) {
        say(error, module->name, "wants %llu KiB of memory, and gets %llu at most",
            (unsigned long long)parsed->memory_pages * (RUNTIME_PAGE_BYTES >> 10),
            (unsigned long long)module->memory_max_bytes >> 10);
        return -ENOTSUP;
    }
    if (parsed->table_elements > 2000000) {
        say(error, module->name, "wants tables of %llu entries, and gets 2000000 at most",
            (unsigned long long)parsed->table_elements);
        return -ENOTSUP;
    }
    return 0;
}

static int load(struct boot_module *module, const uint8_t *bytes, size_t size,
                const struct boot_options *options, char *error)
{
    struct job job = {.bytes = bytes, .size = size, .name = module->name, .quiet = options->quiet};
    struct module parsed;
    char said[MODULE_ERROR_BYTES], *glue = NULL;
    int *numbers = NULL;
    int result = module_parse(bytes, size, &parsed, said);
    if (result < 0) {
        say(error, module->name, "%s", said);
    }
    result = result < 0 ? result : match_imports(&parsed, module->name, &numbers, error);
    result = result < 0 ? result : check_sizes(&parsed, module, error);
    result = result < 0 ? result : prepare_job(&job, &parsed, numbers, &glue, error);
    result = result < 0 ? result : load_object(&job, options, &module->object, error);
    if (job.stopped_by != 0) {
        raise(job.stopped_by); /* now that all is tidy, to whoever it was meant for */
    }
    result = result < 0 ? result : start_object(module, error);
    free(glue);
    free(numbers);
    module_release(&parsed);
    return result;
}

int boot_load(const char *path, const struct boot_options *options, struct boot_module **loaded, char *error)
{
    TARE_SCOPE(load_main_module);
    static const struct boot_options defaults;
    uint8_t *bytes;
    size_t size;
    options = options == NULL ? &defaults : options;
    *loaded = NULL;
    int result = read_module(path, &bytes, &size, error);
    if (result < 0) {
        return result;
    }
    struct boot_module *module = calloc(1, sizeof(*module));
    if (module == NULL || (module->name = strdup(path)) == NULL) {
        say(error, path, "does not fit into memory");
        free(module);
        free(bytes);
        return -ENOMEM;
    }
    uint64_t most = options->memory_max_bytes == 0 ? MEMORY_BYTES_MAX : options->memory_max_bytes;
    module->memory_max_bytes = most > MEMORY_BYTES_POSSIBLE ? MEMORY_BYTES_POSSIBLE : most;
    result = load(module, bytes, size, options, error);
    free(bytes);
    if (result < 0) {
        boot_unload(module);
        return result;
    }
    *loaded = module;
    return 0;
}

void boot_unload(struct boot_module *module)
{
    if (module == NULL) {
        return;
    }
    if (module->object != NULL) {
        dlclose(module->object);
    }
    free(module->name);
    free(module);
}

const struct boot_export *boot_find(const struct boot_module *module, const char *name)
{
    for (uint32_t i = 0; i < module->compiled->export_count; i++) {
        if (strcmp(module->compiled->exports[i].name, name) == 0) {
            return (const struct boot_export *)&module->compiled->exports[i];
        }
    }
    return NULL;
}

/* Cages */

static void free_strings(char **strings)
{
    for (size_t i = 0; strings != NULL && strings[i] != NULL; i++) {
        free(strings[i]);
    }
    free(strings);
}

static char **copy_strings(const char *const *strings)
{
    size_t count = 0;
    while (strings != NULL && strings[count] != NULL) {
        count++;
    }
    char **copy = calloc(count + 1, sizeof(*copy));
    for (size_t i = 0; i < count && copy != NULL; i++) {
        copy[i] = strdup(strings[i]);
        if (copy[i] == NULL) {
            free_strings(copy);
            copy = NULL;
        }
    }
    return copy;
}

/* The cage's last holder: others may have copied from its memory until now. */
static void release_memory(struct cage *cage)
{
    struct boot_cage *self = cage->owner;
    threei_cage_remove(self->id); /* not before: a grate may be making a call in its place */
    runtime_memory_release(&self->memory);
    pthread_mutex_destroy(&self->calls);
    free_strings(self->args);
    free_strings(self->environment);
    free(self->instance);
    free(self);
}

static int open_descriptors(struct boot_cage *self, const struct boot_start *start)
{
    int result = 0;
    for (int fd = 0; !start->no_stdio && fd < 3 && result >= 0; fd++) {
        result = rawposix_lend(self->cage, fd);
    }
    if (result >= 0 && start->root != NULL) {
        result = rawposix_set_root(self->cage, start->root);
        if (result >= 0) {
            result = self->root_number = rawposix_open_root(self->cage);
        }
    }
    return result < 0 ? result : 0;
}

struct instantiation {
    const struct lind_abi_module *compiled;
    struct boot_cage *cage;
};

static uint64_t instantiate(void *instance, const uint64_t *args)
{
    const struct instantiation *job = (const struct instantiation *)(uintptr_t)args[0];
    job->compiled->instantiate(instance, job->cage);
    return 0;
}

static int instantiate_module(struct boot_cage *self, char *error)
{
    const struct boot_export *initialize = boot_find(self->module, "_initialize");
    struct instantiation job = {self->module->compiled, self};
    const uint64_t args[1] = {(uint64_t)(uintptr_t)&job};
    uint64_t ignored;
    runtime_take_signals();
    enum runtime_trap trap = runtime_call(&self->memory, instantiate, self->instance, args, &ignored);
    if (trap != RUNTIME_NONE) {
        self->trapped = true;
        say(error, self->module->name, "%s while it was instantiated", runtime_trap_text(trap));
        return trap == RUNTIME_NO_MEMORY ? -ENOMEM : -EFAULT;
    }
    if (initialize != NULL && strcmp(initialize->type, ":") == 0) {
        return boot_call(self, initialize, NULL, 0, NULL, error) == BOOT_RETURNED ? 0 : -EFAULT;
    }
    return 0;
}

static int make_cage(struct boot_cage *self, char *error)
{
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&self->calls, &recursive);
    pthread_mutexattr_destroy(&recursive);
    self->root_number = -1;
    self->instance = calloc(1, self->module->compiled->instance_bytes + 64);
    self->cage = self->instance == NULL ? NULL : cage_new(0);
    if (self->cage == NULL) {
        say(error, self->module->name, "gets no cage: too many, or no memory");
        return -ENOMEM;
    }
    self->id = self->cage->id;
    self->cage->owner = self;
    self->cage->release = release_memory;
    self->memory = (struct runtime_memory){.cage = self->cage, .max_bytes = self->module->memory_max_bytes};
    int result = threei_cage_add(self->id);
    if (result < 0) {
        say(error, self->module->name, "gets no cage: %s", strerror(-result));
    }
    return result;
}

int boot_cage_new(struct boot_module *module, const struct boot_start *start, struct boot_cage **made,
                  char *error)
{
    static const struct boot_start defaults;
    const char *slash = strrchr(module->name, '/');
    const char *const own_name[] = {slash == NULL ? module->name : slash + 1, NULL};
    start = start == NULL ? &defaults : start;
    *made = NULL;
    struct boot_cage *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        say(error, module->name, "gets no cage: no memory");
        return -ENOMEM;
    }
    self->module = module;
    int result = make_cage(self, error);
    if (result < 0) {
        boot_cage_free(self);
        return result;
    }
    self->args = copy_strings(start->args == NULL ? own_name : start->args);
    self->environment = copy_strings(start->environment);
    if (self->args == NULL || self->environment == NULL) {
        result = -ENOMEM;
        say(error, module->name, "gets no cage: no memory");
    }
    if (result == 0 && (result = open_descriptors(self, start)) < 0) {
        if (error != NULL) {
            snprintf(error, BOOT_ERROR_BYTES, "cannot open '%.200s' as the root of '%.150s': %s",
                     start->root == NULL ? "standard input" : start->root, module->name, strerror(-result));
        }
    }
    result = result < 0 ? result : instantiate_module(self, error);
    if (result < 0) {
        boot_cage_free(self);
        return result;
    }
    *made = self;
    return 0;
}

void boot_cage_free(struct boot_cage *self)
{
    if (self == NULL) {
        return;
    }
    if (self->instance != NULL) {
        self->module->compiled->release(self->instance);
    }
    if (self->cage != NULL && self->cage->owner == self) {
        cage_end(self->cage);
        return;
    }
    pthread_mutex_destroy(&self->calls);
    free(self->instance);
    free(self);
}

uint32_t boot_cage_id(const struct boot_cage *cage)
{
    return cage->id;
}

/* Calls */

static enum boot_outcome call(struct boot_cage *self, const struct boot_export *function, const uint64_t *args,
                              int64_t *result, char *error)
{
    TARE_SCOPE(invoke_func);
    uint64_t value = 0;
    self->ended = false;
    /* The layers need not look the cage up, and hold it, for each of its calls: it lives as long as `self`. */
    struct cage *before = cage_enter(self->cage);
    enum runtime_trap trap = runtime_call(&self->memory, function->call, self->instance, args, &value);
    cage_enter(before);
    if (trap == RUNTIME_EXIT) {
        value = (uint64_t)(int64_t)self->exit_code;
    } else if (trap != RUNTIME_NONE) {
        self->trapped = true;
        say(error, self->module->name, "%s in '%s'", runtime_trap_text(trap), function->name);
        return BOOT_TRAPPED;
    }
    if (result != NULL) {
        *result = (int64_t)value;
    }
    return trap == RUNTIME_EXIT ? BOOT_EXITED : BOOT_RETURNED;
}

enum boot_outcome boot_call(struct boot_cage *self, const struct boot_export *function, const uint64_t *args,
                            size_t count, int64_t *result, char *error)
{
    if (function == NULL || strcspn(function->type, ":") != count) {
        say(error, self->module->name, "has no such function with %zu arguments", count);
        return BOOT_REFUSED;
    }
    pthread_mutex_lock(&self->calls);
    enum boot_outcome outcome = BOOT_REFUSED;
    if (self->trapped) {
        say(error, self->module->name, "has trapped before");
    } else {
        outcome = call(self, function, args, result, error);
    }
    pthread_mutex_unlock(&self->calls);
    return outcome;
}

enum boot_outcome boot_run(struct boot_cage *cage, int *exit_code, char *error)
{
    const struct boot_export *start = boot_find(cage->module, "_start");
    int64_t code = 0;
    if (start == NULL || strcmp(start->type, ":") != 0) {
        say(error, cage->module->name, "has no '_start': it is a library, no program");
        return BOOT_REFUSED;
    }
    enum boot_outcome outcome = boot_call(cage, start, NULL, 0, &code, error);
    *exit_code = outcome == BOOT_EXITED ? (int)code : 0;
    return outcome;
}

/* Grates */

int64_t boot_grate_answer(const struct lind_request *request, void *data)
{
    struct boot_cage *self = data;
    uint64_t args[2 + LIND_ARGUMENTS] = {request->number, request->caller};
    uint64_t result = 0;
    memcpy(args + 2, request->args, sizeof(request->args));
    pthread_mutex_lock(&self->calls);
    struct cage *before = cage_enter(self->cage);
    if (self->trapped) {
        result = (uint64_t)-EIO;
    } else if (runtime_call(&self->memory, self->handle->call, self->instance, args, &result) != RUNTIME_NONE) {
        self->trapped = true; /* also if it ended itself: there is nobody left to answer */
        result = (uint64_t)-EIO;
    }
    cage_enter(before);
    pthread_mutex_unlock(&self->calls);
    return (int64_t)result;
}

static int ask_setup(struct boot_cage *cage, struct boot_cage *grate, const struct boot_export *setup,
                     char *error)
{
    const uint64_t args[1] = {cage->id};
    int64_t result = 0;
    if (strcmp(setup->type, "I:I") != 0) {
        say(error, grate->module->name, "exports 'lind_setup' of another type than (i64) -> i64");
        return -ENOTSUP;
    }
    enum boot_outcome outcome = boot_call(grate, setup, args, 1, &result, error);
    if (outcome != BOOT_RETURNED) {
        if (outcome == BOOT_EXITED) {
            say(error, grate->module->name, "ended in 'lind_setup'");
        }
        return -EFAULT;
    }
    if (result < 0) {
        say(error, grate->module->name, "refuses to be a grate: 'lind_setup' returned %lld", (long long)result);
        return -ENOTSUP;
    }
    return 0;
}

int boot_interpose(struct boot_cage *cage, struct boot_cage *grate, const uint32_t *numbers, size_t count,
                   char *error)
{
    const struct boot_export *handle = boot_find(grate->module, "lind_handle");
    const struct boot_export *setup = boot_find(grate->module, "lind_setup");
    if (handle == NULL || strcmp(handle->type, "IIIIIIII:I") != 0) {
        say(error, grate->module->name,
            "is no grate: it exports no 'lind_handle' of eight i64 that returns one");
        return -ENOTSUP;
    }
    if (cage == grate || cage->is_grate || grate->is_guarded) {
        say(error, grate->module->name, "cannot stand before a grate, nor behind one as such");
        return -EINVAL;
    }
    const bool was_grate = grate->is_grate, was_guarded = cage->is_guarded;
    int result = threei_guard(grate->id, cage->id);
    const bool again = result == -EEXIST;
    if (result < 0 && !again) {
        say(error, grate->module->name, "cannot be a grate: %s", strerror(-result));
        return result;
    }
    result = 0;
    size_t done = 0;
    grate->handle = handle;
    grate->is_grate = cage->is_guarded = true;
    if (count == 0 && setup != NULL) {
        result = ask_setup(cage, grate, setup, error);
    } else {
        size_t all = count == 0 ? LIND_CALLS_MAX : count;
        while (done < all && result == 0) {
            result = threei_register_handler(cage->id, count == 0 ? (uint32_t)done : numbers[done],
                                             boot_grate_answer, grate, true);
            done += result == 0;
        }
        if (result < 0) {
            say(error, grate->module->name, "cannot be a grate: %s", strerror(-result));
        }
    }
    if (result < 0 && again) { /* it stays what it was */
        while (done-- > 0) {
            threei_register_handler(cage->id, count == 0 ? (uint32_t)done : numbers[done], NULL, grate, false);
        }
    } else if (result < 0) {
        /* Its handle stays, which a call on its way to it may be about to read. */
        threei_unguard(grate->id, cage->id);
        threei_deregister_handlers(cage->id, grate);
        grate->is_grate = was_grate;
        cage->is_guarded = was_guarded;
    }
    return result;
}
