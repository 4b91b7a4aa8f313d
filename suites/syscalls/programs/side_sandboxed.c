/* SPDX-License-Identifier: MIT */
/*
 * The sandboxed side: the workloads lie beside this program as work.wasm, and run in cages that lind-boot's library makes.
 * The grates are modules of their own.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tare/bench.h>

#include "side.h"
#include "suites/syscalls/boot/boot.h"
#include "suites/syscalls/cage.h"
#include "suites/syscalls/layers/fdtables.h"

struct side {
    struct boot_cage *cage, *grate;
    struct fd_table *own; /* while it uses the table of another; else NULL */
};

enum { MODULE_WORK, MODULE_NOOP, MODULE_MEMORY, MODULES };

static const char *const module_files[MODULES] = {"work.wasm", "grate_noop.wasm", "grate_memory.wasm"};
static struct boot_module *modules[MODULES];
static pthread_mutex_t modules_lock = PTHREAD_MUTEX_INITIALIZER;

/* 0, or what boot_load() said. Loaded once for the process, which keeps them. */
static int load(int which, char *error)
{
    char path[PATH_MAX], *slash;
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (size < 0) {
        snprintf(error, BOOT_ERROR_BYTES, "cannot read '/proc/self/exe': %s", strerror(errno));
        return -errno;
    }
    path[size] = '\0';
    slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash + 1 - path) + strlen(module_files[which]) >= sizeof(path)) {
        snprintf(error, BOOT_ERROR_BYTES, "the path of this program is too long");
        return -ENAMETOOLONG;
    }
    strcpy(slash + 1, module_files[which]);
    static const struct boot_options options = {.quiet = true};
    pthread_mutex_lock(&modules_lock);
    int result = modules[which] != NULL ? 0 : boot_load(path, &options, &modules[which], error);
    pthread_mutex_unlock(&modules_lock);
    return result;
}

/* Ends the benchmark as tare_require() does; what was said is the reason of its failure. */
static _Noreturn void give_up(const char *what)
{
    tare__bench_failed(what, NULL, 0, TARE__BENCH_LEAVES);
    tare__bench_leave();
}

static struct boot_module *module_of(int which)
{
    char error[BOOT_ERROR_BYTES] = "";
    int result = load(which, error);
    if (result == -ESRCH) {
        tare_skip(error); /* names what is to be installed */
    }
    if (result != 0) {
        give_up(error);
    }
    return modules[which];
}

static struct boot_cage *cage_of(int which)
{
    struct boot_module *module = module_of(which);
    const struct boot_start start = {.root = side_place()};
    char error[BOOT_ERROR_BYTES] = "";
    struct boot_cage *cage = NULL;
    int result = boot_cage_new(module, &start, &cage, error);
    if (result != 0) {
        give_up(error);
    }
    return cage;
}

struct side *side_new(enum side_grate grate)
{
    struct side *side = calloc(1, sizeof(*side));
    tare_require(side != NULL);
    side->cage = cage_of(MODULE_WORK);
    if (grate != SIDE_DIRECT) {
        static const uint32_t calls[] = {LIND_GETEUID, LIND_CLOSE};
        char error[BOOT_ERROR_BYTES] = "";
        bool noop = grate == SIDE_GRATE_NOOP;
        side->grate = cage_of(noop ? MODULE_NOOP : MODULE_MEMORY);
        int result = boot_interpose(side->cage, side->grate, noop ? calls : NULL,
                                    noop ? sizeof(calls) / sizeof(calls[0]) : 0, error);
        if (result != 0) {
            give_up(error);
        }
    }
    return side;
}

/* Its table of descriptors, in the place of the one that it has, which is returned. It does not run meanwhile. */
static struct fd_table *set_table(const struct side *side, struct fd_table *table)
{
    struct cage *cage = cage_get(boot_cage_id(side->cage));
    tare_require(cage != NULL);
    struct fd_table *before = cage->fds;
    cage->fds = table;
    cage_put(cage);
    return before;
}

static struct fd_table *table_of(const struct side *side)
{
    struct cage *cage = cage_get(boot_cage_id(side->cage));
    tare_require(cage != NULL);
    struct fd_table *table = cage->fds;
    cage_put(cage);
    return table;
}

struct side *side_fork(struct side *of)
{
    struct side *side = side_new(SIDE_DIRECT);
    struct fd_table *copy = fdtables_copy_fdtable_for_cage(table_of(of));
    tare_require(copy != NULL);
    struct fd_table *before = set_table(side, copy);
    fdtables_remove_cage_from_fdtable(before);
    fd_table_free(before);
    return side;
}

void side_share(struct side *side, struct side *of)
{
    side->own = set_table(side, table_of(of));
}

void side_free(struct side *side)
{
    if (side->own != NULL) {
        set_table(side, side->own);
    }
    boot_cage_free(side->cage);
    boot_cage_free(side->grate);
    free(side);
}

const struct side_work *side_find(const char *name)
{
    const struct boot_export *found = boot_find(module_of(MODULE_WORK), name);
    tare_require(found != NULL);
    return (const struct side_work *)found;
}

int64_t side_run(struct side *side, const struct side_work *work, uint64_t n, uint64_t arg)
{
    const uint64_t args[] = {n, arg};
    char error[BOOT_ERROR_BYTES] = "";
    int64_t result = 0;
    enum boot_outcome outcome =
        boot_call(side->cage, (const struct boot_export *)work, args, 2, &result, error);
    if (outcome != BOOT_RETURNED) {
        give_up(*error != '\0' ? error : "the module ended");
    }
    return result;
}
