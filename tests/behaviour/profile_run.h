/* SPDX-License-Identifier: MIT */
/*
 * For the tests of libtare-profile.so: a test starts itself again with the library in front and a part to
 * play, and then looks at what arrived in the memory. The library lies beside the libtare.so that the test
 * is linked with.
 *
 * The functions that are to be seen in stacks have a section each, so that their bounds are known:
 * PLACE(name). A process loads this program anywhere; MODULE records say where.
 */
#ifndef TARE_TESTS_PROFILE_RUN_H
#define TARE_TESTS_PROFILE_RUN_H

#include "tests/behaviour/behaviour.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>

#include "record/samples_reader.h"

#define PLACE(name)                                                                                            \
    extern const char __start_in_##name[] __attribute__((visibility("hidden")));                               \
    extern const char __stop_in_##name[] __attribute__((visibility("hidden")));                                \
    __attribute__((noinline, used, section("in_" #name)))

/* Where a function is, in this process. */
struct place {
    const char *name, *start, *end;
};
#define PLACE_OF(name)                                                                                         \
    {                                                                                                          \
#name, __start_in_##name, __stop_in_##name                                                             \
    }

/* Of the processor's time, so that a busy machine makes a test longer and nothing else. */
static UNUSED double cpu_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

enum { DEPTH = 128, PROCESSES = 64 };

struct sample {
    uint32_t pid, tid, flags, timer, page;
    uint64_t weight;
    size_t depth;
    const char *stack[DEPTH]; /* names of places, the innermost first; NULL: elsewhere */
    uint64_t addresses[DEPTH];
};

struct profile_module {
    uint32_t pid;
    uint64_t address, size, offset;
    char path[512];
    char build_id[41];
};

struct taken {
    struct sample *samples;
    size_t sample_count;
    struct profile_module *modules;
    size_t module_count;
    uint32_t pids[PROCESSES], parents[PROCESSES], process_flags[PROCESSES];
    size_t process_count;
    char thread_names[PROCESSES][16];
    size_t thread_count;
    char broken[256];
    uint64_t lost, missed_threads, missed_expirations, cut, signal_taken, sandboxed, broken_count, torn;
    int status;
};

static UNUSED const char *find_profile_library(void)
{
    static char path[PATH_MAX];
    const char *sanitizer = getenv("TARE_SANITIZER");
    if (sanitizer != NULL && *sanitizer != '\0') {
        printf("skipped: a sanitizer takes libc's calls for itself\n");
        exit(77);
    }
#ifdef TARE_PROFILE_LIBRARY
    snprintf(path, sizeof(path), "%s", TARE_PROFILE_LIBRARY);
#else
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, "tare_version");
    if (address == NULL || dladdr(address, &info) == 0 || realpath(info.dli_fname, path) == NULL) {
        printf("not ok: cannot find libtare.so\n");
        exit(1);
    }
    char *slash = strrchr(path, '/');
    snprintf(slash + 1, sizeof(path) - (size_t)(slash + 1 - path), "libtare-profile.so");
#endif
    if (access(path, R_OK) != 0) {
        printf("skipped: no libtare-profile.so in this build\n");
        exit(77);
    }
    return path;
}

static UNUSED int find_own_code(struct dl_phdr_info *object, size_t size, void *data)
{
    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) { /* the first object is the program */
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0) {
            *(uint64_t *)data = object->dlpi_addr + segment->p_vaddr;
            return 1;
        }
    }
    return 0;
}

/* Places end with one without a name. A return address belongs to the call in front of it. */
static UNUSED void name_stack(struct sample *sample, const struct taken *taken, const struct place *places)
{
    uint64_t own = 0;
    dl_iterate_phdr(find_own_code, &own);
    for (size_t i = 0; i < sample->depth; i++) {
        uint64_t pc = sample->addresses[i] - (i > 0);
        sample->stack[i] = NULL;
        for (size_t m = taken->module_count; m-- > 0;) {
            const struct profile_module *module = &taken->modules[m];
            if (pc - module->address >= module->size || strstr(module->path, "/behaviour_") == NULL) {
                continue;
            }
            const char *here = (const char *)(uintptr_t)(pc - module->address + own);
            for (const struct place *place = places; place->name != NULL; place++) {
                if (here >= place->start && here < place->end) {
                    sample->stack[i] = place->name;
                }
            }
            break;
        }
    }
}

static UNUSED void keep_record(struct taken *taken, const struct tare_samples_record *record,
                               const struct place *places)
{
    if (record->kind == TARE_SAMPLES_SAMPLE) {
        taken->samples = realloc(taken->samples, (taken->sample_count + 1) * sizeof(*taken->samples));
        MUST(taken->samples != NULL);
        struct sample *sample = &taken->samples[taken->sample_count++];
        *sample = (struct sample){.pid = record->pid,
                                  .tid = record->tid,
                                  .flags = record->flags,
                                  .timer = record->timer,
                                  .page = record->page,
                                  .weight = record->weight,
                                  .depth = record->address_count < DEPTH ? record->address_count : DEPTH};
        memcpy(sample->addresses, record->addresses, sample->depth * sizeof(uint64_t));
        name_stack(sample, taken, places);
    } else if (record->kind == TARE_SAMPLES_MODULE) {
        taken->modules = realloc(taken->modules, (taken->module_count + 1) * sizeof(*taken->modules));
        MUST(taken->modules != NULL);
        struct profile_module *module = &taken->modules[taken->module_count++];
        *module = (struct profile_module){record->pid, record->address, record->size, record->offset, "", ""};
        snprintf(module->path, sizeof(module->path), "%s", record->text);
        snprintf(module->build_id, sizeof(module->build_id), "%s", record->build_id);
    } else if (record->kind == TARE_SAMPLES_PROCESS && taken->process_count < PROCESSES) {
        taken->pids[taken->process_count] = record->pid;
        taken->process_flags[taken->process_count] = record->flags;
        taken->parents[taken->process_count++] = record->parent_pid;
    } else if (record->kind == TARE_SAMPLES_THREAD && taken->thread_count < PROCESSES) {
        snprintf(taken->thread_names[taken->thread_count++], 16, "%.15s", record->text);
    } else if (record->kind == TARE_SAMPLES_BROKEN) {
        snprintf(taken->broken, sizeof(taken->broken), "%s", record->text);
    }
}

/* Starts this program with the library in front, to play a role, and takes what it writes. */
static UNUSED struct taken run_profiled(const char *role, const char *argument, uint32_t flags, double hz,
                                        const char *const *more, const struct place *places)
{
    struct taken taken = {.status = -1};
    struct tare_samples_reader reader;
    struct tare_samples_record record;
    char address[TARE_SAMPLES_ADDRESS];
    const char *library = find_profile_library();
    int error = tare_samples_make(&reader, flags, (uint64_t)(1e9 / hz));
    MUST(error == 0);
    tare_samples_address(&reader, address);
    const char *environment[8] = {text("TARE_PROFILE=%s", address)};
    /* The emulator's own environment is not the program's. */
    environment[1] = getenv("TARE_EMULATOR") != NULL ? text("QEMU_SET_ENV=LD_PRELOAD=%s", library)
                                                     : text("LD_PRELOAD=%s", library);
    for (size_t i = 0; more != NULL && more[i] != NULL && i < 5; i++) {
        environment[2 + i] = more[i];
    }
    pid_t pid = start_self(role, environment, argument);
    for (bool ended = false, last = false; !last;) {
        last = ended;
        while (tare_samples_next(&reader, monotonic_ns(), last, &record)) {
            keep_record(&taken, &record, places);
        }
        ended = ended || waitpid(pid, &taken.status, WNOHANG) == pid;
        nanosleep(&(struct timespec){0, ended ? 0 : 1000000}, NULL);
    }
    taken.lost = reader.shared->lost;
    taken.missed_threads = reader.shared->missed_threads;
    taken.missed_expirations = reader.shared->missed_expirations;
    taken.cut = reader.shared->cut_unwinding;
    taken.signal_taken = reader.shared->signal_taken;
    taken.sandboxed = reader.shared->sandboxed;
    taken.broken_count = reader.shared->broken;
    taken.torn = reader.torn;
    CHECK(!tare_samples_damaged(&reader));
    tare_samples_close(&reader);
    return taken;
}

/* In a part: goes on as this program, or another one beside it, with another part to play. */
static UNUSED int become(const char *program, const char *role)
{
    char path[PATH_MAX] = "";
    MUST(readlink("/proc/self/exe", path, sizeof(path) - 64) > 0);
    if (program != NULL) {
        strcpy(strrchr(path, '/') + 1, program);
    }
    execl(path, "self", role, (char *)NULL);
    return 1;
}

static UNUSED void release_taken(struct taken *taken)
{
    free(taken->samples);
    free(taken->modules);
}

static UNUSED uint64_t total_weight(const struct taken *taken)
{
    uint64_t weight = 0;
    for (size_t i = 0; i < taken->sample_count; i++) {
        weight += taken->samples[i].weight;
    }
    return weight;
}

/* How many samples have these places in their stack, in this order, others in between. */
static UNUSED size_t samples_with(const struct taken *taken, const char *const *chain)
{
    size_t found = 0;
    for (size_t i = 0; i < taken->sample_count; i++) {
        const struct sample *sample = &taken->samples[i];
        size_t next = 0;
        for (size_t frame = 0; frame < sample->depth && chain[next] != NULL; frame++) {
            next += sample->stack[frame] != NULL && strcmp(sample->stack[frame], chain[next]) == 0;
        }
        found += chain[next] == NULL;
    }
    return found;
}
#define CHAIN(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
