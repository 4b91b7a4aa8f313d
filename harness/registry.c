/* SPDX-License-Identifier: MIT */
/*
 * Which cases there are: what TARE_BENCH and its companions left in the section tare_benches of this
 * executable. A linker keeps the order of files, but a compiler may turn round what a file declares, so
 * entries carry their place.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/harness.h"

/* Weak: a program without benchmarks links, and says that it has none. */
extern const struct tare__bench_entry *__start_tare_benches[] __attribute__((weak, visibility("hidden")));
extern const struct tare__bench_entry *__stop_tare_benches[] __attribute__((weak, visibility("hidden")));

enum { THREADS_MAX = 1024 };

struct sorted {
    const struct tare__bench_entry *entry;
    size_t file; /* place of the first entry of its file */
};

static int refuse(char *message, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(char *message, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int compare_entries(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    if (x->file != y->file) {
        return x->file < y->file ? -1 : 1;
    }
    return (x->entry->order > y->entry->order) - (x->entry->order < y->entry->order);
}

/* The entries in order, which the caller frees; NULL and count 0: none, or no memory (error -ENOMEM). */
static struct sorted *sorted_entries(size_t *count, int *error)
{
    const struct tare__bench_entry **entries = __start_tare_benches;
    *count = (size_t)(__stop_tare_benches - __start_tare_benches);
    *error = 0;
    struct sorted *sorted = *count != 0 ? calloc(*count, sizeof(*sorted)) : NULL;
    if (sorted == NULL) {
        *error = *count != 0 ? -ENOMEM : 0;
        *count = 0;
        return NULL;
    }
    for (size_t i = 0; i < *count; i++) {
        size_t file = 0;
        while (file < i && (entries[file]->abi != TARE__BENCH_ABI || entries[i]->abi != TARE__BENCH_ABI ||
                            strcmp(entries[file]->bench->file, entries[i]->bench->file) != 0)) {
            file++;
        }
        sorted[i] = (struct sorted){entries[i], file};
    }
    qsort(sorted, *count, sizeof(*sorted), compare_entries);
    return sorted;
}

/* Names the case; false if the name is too long. */
static bool name_unit(struct bench_unit *unit, bool says_threads)
{
    size_t at = (size_t)snprintf(unit->name, sizeof(unit->name), "%s", unit->bench->name);
    for (unsigned i = 0; i < unit->arg_count && at < sizeof(unit->name); i++) {
        at += (size_t)snprintf(unit->name + at, sizeof(unit->name) - at, "/%" PRId64, unit->args[i]);
    }
    if (says_threads && at < sizeof(unit->name)) {
        at += (size_t)snprintf(unit->name + at, sizeof(unit->name) - at, "/threads:%u", unit->threads);
    }
    return at < sizeof(unit->name);
}

/* What one benchmark's companions say. */
struct sweep {
    const struct tare__bench *bench;
    const struct tare__bench_entry *axes[TARE_BENCH_ARGS_MAX];
    unsigned axis_count;
    const struct tare__bench_entry *threads; /* NULL: one */
};

static int add_unit(struct bench_units *units, const struct sweep *sweep, const int64_t *args,
                    unsigned arg_count, char *message, size_t size)
{
    size_t times = sweep->threads != NULL ? sweep->threads->count : 1;
    for (size_t i = 0; i < times; i++) {
        if (units->count == BENCH_CASES_MAX) {
            return refuse(message, size, "more than %d cases with benchmark '%s'", BENCH_CASES_MAX,
                          sweep->bench->name);
        }
        if (units->count == units->room) {
            size_t room = units->room != 0 ? 2 * units->room : 16;
            struct bench_unit *grown = realloc(units->units, room * sizeof(*grown));
            if (grown == NULL) {
                return -ENOMEM;
            }
            units->units = grown;
            units->room = room;
        }
        struct bench_unit *unit = &units->units[units->count];
        *unit = (struct bench_unit){.bench = sweep->bench, .arg_count = arg_count, .threads = 1};
        memcpy(unit->args, args, arg_count * sizeof(args[0]));
        if (sweep->threads != NULL) {
            int64_t threads = sweep->threads->values[i];
            if (threads < 1 || threads > THREADS_MAX) {
                return refuse(message, size, "benchmark '%s' wants %" PRId64 " threads: 1 to %d are possible",
                              sweep->bench->name, threads, THREADS_MAX);
            }
            unit->threads = (unsigned)threads;
        }
        if (!name_unit(unit, sweep->threads != NULL)) {
            return refuse(message, size, "the name of a case of '%s' would be longer than %d bytes",
                          sweep->bench->name, BENCH_NAME_MAX - 1);
        }
        units->count++;
    }
    return 0;
}

/* Every combination of the axes' values; the last axis changes fastest. */
static int add_combinations(struct bench_units *units, const struct sweep *sweep, char *message, size_t size)
{
    size_t at[TARE_BENCH_ARGS_MAX] = {0};
    for (;;) {
        int64_t args[TARE_BENCH_ARGS_MAX];
        for (unsigned i = 0; i < sweep->axis_count; i++) {
            args[i] = sweep->axes[i]->values[at[i]];
        }
        int error = add_unit(units, sweep, args, sweep->axis_count, message, size);
        if (error != 0) {
            return error;
        }
        unsigned axis = sweep->axis_count;
        while (axis > 0 && ++at[axis - 1] == sweep->axes[axis - 1]->count) {
            at[--axis] = 0;
        }
        if (axis == 0) {
            return 0;
        }
    }
}

static int add_bench(struct bench_units *units, const struct tare__bench *bench, const struct sorted *sorted,
                     size_t count, char *message, size_t size)
{
    struct sweep sweep = {.bench = bench};
    bool cases = false;
    for (size_t i = 0; i < count; i++) {
        const struct tare__bench_entry *entry = sorted[i].entry;
        if (entry->bench != bench) {
            continue;
        }
        if (entry->kind == TARE__BENCH_IS_ARGS) {
            if (sweep.axis_count == TARE_BENCH_ARGS_MAX) {
                return refuse(message, size, "benchmark '%s' has more than %d arguments", bench->name,
                              TARE_BENCH_ARGS_MAX);
            }
            sweep.axes[sweep.axis_count++] = entry;
        } else if (entry->kind == TARE__BENCH_IS_CASE) {
            cases = true;
        } else if (entry->kind == TARE__BENCH_IS_THREADS) {
            if (sweep.threads != NULL) {
                return refuse(message, size, "benchmark '%s' has TARE_BENCH_THREADS twice: %s:%" PRIu32,
                              bench->name, bench->file, entry->line);
            }
            sweep.threads = entry;
        }
    }
    int error = 0;
    if (sweep.axis_count != 0 || !cases) {
        error = add_combinations(units, &sweep, message, size);
    }
    for (size_t i = 0; error == 0 && i < count; i++) {
        const struct tare__bench_entry *entry = sorted[i].entry;
        if (entry->bench == bench && entry->kind == TARE__BENCH_IS_CASE) {
            error = entry->count <= TARE_BENCH_ARGS_MAX
                        ? add_unit(units, &sweep, entry->values, (unsigned)entry->count, message, size)
                        : refuse(message, size, "a case of '%s' has more than %d arguments: %s:%" PRIu32,
                                 bench->name, TARE_BENCH_ARGS_MAX, bench->file, entry->line);
        }
    }
    return error;
}

static int compare_benches(const void *a, const void *b)
{
    const struct tare__bench *const *x = a, *const *y = b;
    int order = strcmp((*x)->name, (*y)->name);
    order = order != 0 ? order : strcmp((*x)->file, (*y)->file);
    return order != 0 ? order : ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

/* Sorts them: this is done at the start of every block. */
static int check_benches(const struct tare__bench **benches, size_t count, char *message, size_t size)
{
    if (count > 1) {
        qsort(benches, count, sizeof(benches[0]), compare_benches);
    }
    for (size_t i = 1; i < count; i++) {
        const struct tare__bench *one = benches[i - 1], *other = benches[i];
        if (strcmp(one->name, other->name) == 0) {
            return refuse(message, size, "benchmark '%s' is declared twice: %s:%" PRIu32 " and %s:%" PRIu32,
                          one->name, one->file, one->line, other->file, other->line);
        }
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static int check_names(const struct bench_units *units, char *message, size_t size)
{
    const char **names = calloc(units->count + 1, sizeof(*names));
    int error = names != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; error == 0 && i < units->count; i++) {
        names[i] = units->units[i].name;
    }
    if (error == 0) {
        qsort(names, units->count, sizeof(names[0]), compare_names);
    }
    for (size_t i = 1; error == 0 && i < units->count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            error = refuse(message, size, "case '%s' is declared twice", names[i]);
        }
    }
    free(names);
    return error;
}

int tare__bench_units(struct bench_units *units, char *message, size_t size)
{
    size_t count;
    int error;
    *units = (struct bench_units){.count = 0};
    struct sorted *sorted = sorted_entries(&count, &error);
    const struct tare__bench **benches = count != 0 ? calloc(count, sizeof(*benches)) : NULL;
    size_t bench_count = 0;
    if (count != 0 && benches == NULL) {
        error = -ENOMEM;
    }
    for (size_t i = 0; error == 0 && i < count; i++) {
        const struct tare__bench_entry *entry = sorted[i].entry;
        if (entry->abi != TARE__BENCH_ABI) {
            error = refuse(message, size,
                           "a benchmark was compiled with another version of tare/bench.h than the "
                           "library: compile it again");
            break;
        }
        if (entry->kind != TARE__BENCH_IS_BENCH) {
            continue;
        }
        benches[bench_count++] = entry->bench;
    }
    error = error != 0 ? error : check_benches(benches, bench_count, message, size);
    for (size_t i = 0; error == 0 && i < count; i++) {
        if (sorted[i].entry->kind == TARE__BENCH_IS_BENCH) {
            error = add_bench(units, sorted[i].entry->bench, sorted, count, message, size);
        }
    }
    error = error != 0 ? error : check_names(units, message, size);
    free(benches);
    free(sorted);
    if (error == -ENOMEM) {
        snprintf(message, size, "not enough memory for the list of benchmarks");
    }
    return error;
}

void tare__bench_units_release(struct bench_units *units)
{
    free(units->units);
    *units = (struct bench_units){.count = 0};
}
