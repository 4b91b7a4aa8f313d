/* SPDX-License-Identifier: MIT */
/* The native side: the workloads are functions of this program, and its calls are the kernel's. */
#include <fcntl.h>
#include <string.h>

#include <tare/bench.h>

#include "side.h"
#include "work.h"

#define DECLARE(name) work_function work_##name;
WORKS(DECLARE)

struct side {
    int unused;
};

struct side_work {
    const char *name;
    work_function *function;
};

int work_place = -1;

struct side *side_new(enum side_grate grate)
{
    (void)grate; /* the same call without one */
    static struct side process;
    if (work_place < 0) {
        work_place = open(side_place(), O_PATH | O_DIRECTORY | O_CLOEXEC);
        tare_require(work_place >= 0);
    }
    return &process;
}

struct side *side_fork(struct side *of)
{
    return of;
}

void side_share(struct side *side, struct side *of)
{
    (void)side;
    (void)of;
}

void side_free(struct side *side)
{
    (void)side;
}

const struct side_work *side_find(const char *name)
{
#define ENTRY(name) {#name, work_##name},
    static const struct side_work works[] = {WORKS(ENTRY)};
    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
        if (strcmp(works[i].name, name) == 0) {
            return &works[i];
        }
    }
    tare_require(!"a workload of that name");
    return NULL;
}

int64_t side_run(struct side *side, const struct side_work *work, uint64_t n, uint64_t arg)
{
    (void)side;
    return work->function(n, arg);
}
