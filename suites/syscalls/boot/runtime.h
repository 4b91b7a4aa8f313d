/* SPDX-License-Identifier: MIT */
/*
 * What runs compiled modules: calls into them that come back whatever happens inside, the memories and tables of instances,
 * and the stack's end. An out-of-bounds access is no check in the code but a fault: a memory lies in a reservation that is
 * larger than any address that the code can form (2 * 4 GiB), so what is not mapped is caught by the processor. The handler of
 * SIGSEGV asks whether the address lies there, or beside the stack pointer of a module that runs; every other fault
 * is passed on to who had the signal before.
 */
#ifndef LIND_RUNTIME_H
#define LIND_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "suites/syscalls/boot/module_abi.h"
#include "suites/syscalls/cage.h"

enum { RUNTIME_PAGE_BYTES = 65536 };

/* As wasm-rt.h numbers them, and our own behind. */
enum runtime_trap {
    RUNTIME_NONE,
    RUNTIME_OUT_OF_BOUNDS,
    RUNTIME_INT_OVERFLOW,
    RUNTIME_DIVISION_BY_ZERO,
    RUNTIME_INVALID_CONVERSION,
    RUNTIME_UNREACHABLE,
    RUNTIME_CALL_INDIRECT,
    RUNTIME_UNCAUGHT_EXCEPTION,
    RUNTIME_STACK_EXHAUSTED,
    RUNTIME_NO_MEMORY, /* for the instance's memory or tables */
    RUNTIME_EXIT,      /* the program ended itself */
    RUNTIME_TRAPS,
};

/* The memory of one instance. */
struct runtime_memory {
    struct cage *cage;
    uint8_t *reserved; /* NULL: none yet */
    uint64_t reserved_bytes, max_bytes;
    uint64_t table_bytes; /* of all tables */
};

/* Before calls; again for each instance, as somebody else may have taken the signals meanwhile. */
void runtime_take_signals(void);

/* A sentence's end: "divided by zero". */
const char *runtime_trap_text(enum runtime_trap trap);

/*
 * Calls `function` with `memory` as the one that its code works on. RUNTIME_NONE: it returned, and *result is what; else why it did
 * not. Calls nest: from within an import another instance may be called.
 */
enum runtime_trap runtime_call(struct runtime_memory *memory,
                               uint64_t (*function)(void *instance, const uint64_t *args), void *instance,
                               const uint64_t *args, uint64_t *result);

/*
 * What a module needs once in a process, and may do again while others run it: there is one table of the host's
 * functions, which never changes. RUNTIME_NONE or RUNTIME_NO_MEMORY.
 */
enum runtime_trap runtime_start(const struct lind_abi_module *module);

/* From within an import, with no scope or lock open: ends the innermost call. */
_Noreturn void runtime_end(enum runtime_trap trap);
/* In an import's first line: ends the innermost call if the host has too little of the stack left. */
void runtime_check_stack(void);

void runtime_memory_release(struct runtime_memory *memory);

#endif
