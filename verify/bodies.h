/* SPDX-License-Identifier: MIT */
/*
 * The work of the rungs: pieces of code that take some time, each in a loop. bodies.c is compiled twice, with
 * its scopes and, with TARE_DISABLE, without them, so that the two tables have the same code but for the
 * scopes.
 *
 * A block runs its work `calls` times. Each execution starts from the value that the one before left, so the
 * processor cannot work on two of them at a time; the loop's own counting does not depend on the value and is
 * done meanwhile. So the time of a block without scopes over its calls is the time that one execution takes.
 */
#ifndef TARE_VERIFY_BODIES_H
#define TARE_VERIFY_BODIES_H

#include <stdint.h>

#include "verify/lines.h"

/* What `value` is: a number, or an address in a ring of pointers that fits into this. */
enum verify_memory {
    VERIFY_MEMORY_NONE,
    VERIFY_MEMORY_L1,
    VERIFY_MEMORY_L2,   /* too large for the first level */
    VERIFY_MEMORY_L3,   /* too large for the second */
    VERIFY_MEMORY_MAIN, /* too large for all of them */
    VERIFY_MEMORIES,
};

typedef uint64_t verify_block(uint64_t value, uint64_t calls);

/* The timer of level i is verify::NAME, NAME that of levels[i].name; the outermost level comes first. */
struct verify_body {
    const char *name;
    enum verify_class class;
    unsigned levels;
    enum verify_memory memory;
    bool two_threads;
    struct {
        const char *name;
        verify_block *block; /* this level alone. Of the table with scopes, only that of level 0 is run */
    } level[VERIFY_LEVELS_MAX];
};

/* Two tables of the same rungs, ended by name NULL. */
extern const struct verify_body verify_bare[], verify_timed[];

#endif
