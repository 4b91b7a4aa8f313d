/* SPDX-License-Identifier: MIT */
/*
 * The rungs, compiled for each program twice: without MARKS for the truth, and with MARKS, the name of a
 * header, for the tool. It defines MARK_DECLARE(id, text), at file scope, and MARK(id), which marks the rest of
 * a block. With RUNGS_ARE_FUNCTIONS each rung is a function, for a tool that knows nothing smaller.
 */
#include "bench/accuracy/rungs.h"

#include <stddef.h>

#include "bench/accuracy/work.h"

#ifdef MARKS
#include MARKS
#define TABLE accuracy_marked
#else
#define MARK_DECLARE(id, text)
#define MARK(id)
#define TABLE accuracy_bare
#endif

#if defined(__has_attribute)
#if __has_attribute(noipa)
#define APART __attribute__((noipa, noinline, aligned(64)))
#endif
#endif
#ifndef APART
#define APART __attribute__((noinline, aligned(64)))
#endif

#define FUNCTION(id, text)                                                                                     \
    MARK_DECLARE(id, text)                                                                                     \
    static APART uint64_t id(uint64_t value)                                                                   \
    {                                                                                                          \
        MARK(id)                                                                                               \
        WORK_##id return value;                                                                                \
    }                                                                                                          \
    __attribute__((no_instrument_function)) static APART uint64_t block_##id(uint64_t value, uint64_t calls)   \
    {                                                                                                          \
        for (uint64_t i = 0; i < calls; i++) {                                                                 \
            value = id(value);                                                                                 \
        }                                                                                                      \
        return value;                                                                                          \
    }

#ifdef RUNGS_ARE_FUNCTIONS
#define BLOCK(id, text) FUNCTION(id, text)
#define ENTRY(id, text) [RUNG_##id] = {text, 1, block_##id, id}
#else
#define BLOCK(id, text)                                                                                        \
    MARK_DECLARE(id, text)                                                                                     \
    static APART uint64_t block_##id(uint64_t value, uint64_t calls)                                           \
    {                                                                                                          \
        for (uint64_t i = 0; i < calls; i++) {                                                                 \
            MARK(id)                                                                                           \
            WORK_##id                                                                                          \
        }                                                                                                      \
        return value;                                                                                          \
    }
#define ENTRY(id, text) [RUNG_##id] = {text, 1, block_##id, NULL}
#endif

/* clang-format off */
BLOCK(chain_5, "chain-5")
BLOCK(chain_10, "chain-10")
BLOCK(chain_20, "chain-20")
BLOCK(chain_50, "chain-50")
BLOCK(chain_200, "chain-200")
BLOCK(chain_1k, "chain-1k")
BLOCK(system_call, "system-call")
FUNCTION(nest_d, "nest-d")
FUNCTION(nest_c, "nest-c")
FUNCTION(nest_b, "nest-b")
FUNCTION(nest_a, "nest-a")
/* clang-format on */

const struct accuracy_rung TABLE[RUNGS] = {
    ENTRY(chain_5, "chain-5"),
    ENTRY(chain_10, "chain-10"),
    ENTRY(chain_20, "chain-20"),
    ENTRY(chain_50, "chain-50"),
    ENTRY(chain_200, "chain-200"),
    ENTRY(chain_1k, "chain-1k"),
    ENTRY(system_call, "system-call"),
    [RUNG_nest_a] = {"nest-a", 1, block_nest_a, nest_a},
    [RUNG_nest_b] = {"nest-b", 2, block_nest_b, nest_b},
    [RUNG_nest_c] = {"nest-c", 6, block_nest_c, nest_c},
    [RUNG_nest_d] = {"nest-d", 12, block_nest_d, nest_d},
};
