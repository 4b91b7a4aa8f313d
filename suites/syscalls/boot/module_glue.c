/* SPDX-License-Identifier: MIT */
/*
 * The part of each compiled module that is the same for all: wasm2c's runtime (wasm-rt.h), by way of the host's table.
 * Our own, so that memory is bounded, what goes wrong ends one cage, and several of them run on several threads. It is
 * compiled together with what wasm2c makes of the module, when that is loaded for the first time.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "wasm-rt.h"

#include "module_abi.h"

const struct lind_abi_host *lind_host;

void wasm_rt_init(void)
{
}

bool wasm_rt_is_initialized(void)
{
    return true;
}

void wasm_rt_free(void)
{
}

void wasm_rt_trap(wasm_rt_trap_t code)
{
    lind_host->trap((int)code);
    __builtin_unreachable();
}

uint32_t wasm_rt_register_func_type(uint32_t parameters, uint32_t results, ...)
{
    va_list types;
    va_start(types, results);
    uint32_t number = lind_host->register_type(parameters, results, types);
    va_end(types);
    return number;
}

void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint32_t pages, uint32_t max_pages)
{
    memory->data = lind_host->memory_new(pages, max_pages);
    memory->pages = pages;
    memory->max_pages = max_pages;
    memory->size = pages << 16;
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint32_t more)
{
    uint32_t before = memory->pages;
    if (more > memory->max_pages || before > memory->max_pages - more) {
        return UINT32_MAX;
    }
    if (more != 0 && !lind_host->memory_grow(memory->data, before + more)) {
        return UINT32_MAX;
    }
    memory->pages = before + more;
    memory->size = memory->pages << 16;
    return before;
}

void wasm_rt_free_memory(wasm_rt_memory_t *memory)
{
    lind_host->memory_free(memory->data);
    *memory = (wasm_rt_memory_t){0};
}

/* Tables of functions and of what else there is differ in nothing but the type of what is in them. */
#define TABLE(kind, table_type, element_type)                                                                  \
    void wasm_rt_allocate_##kind##_table(table_type *table, uint32_t elements, uint32_t most)                  \
    {                                                                                                          \
        table->data = lind_host->table_resize(NULL, 0, (uint64_t)elements * sizeof(element_type));             \
        if (table->data == NULL) {                                                                             \
            wasm_rt_trap(WASM_RT_TRAP_OOB);                                                                    \
        }                                                                                                      \
        table->size = elements;                                                                                \
        table->max_size = most;                                                                                \
    }                                                                                                          \
    void wasm_rt_free_##kind##_table(table_type *table)                                                        \
    {                                                                                                          \
        lind_host->table_free(table->data);                                                                    \
        *table = (table_type){0};                                                                              \
    }                                                                                                          \
    uint32_t wasm_rt_grow_##kind##_table(table_type *table, uint32_t more, element_type value)                 \
    {                                                                                                          \
        uint32_t before = table->size;                                                                         \
        if (more > table->max_size || before > table->max_size - more) {                                       \
            return UINT32_MAX;                                                                                 \
        }                                                                                                      \
        void *data = lind_host->table_resize(table->data, (uint64_t)before * sizeof(element_type),             \
                                             (uint64_t)more * sizeof(element_type));                           \
        if (data == NULL) {                                                                                    \
            return UINT32_MAX;                                                                                 \
        }                                                                                                      \
        table->data = data;                                                                                    \
        table->size = before + more;                                                                           \
        for (uint32_t i = before; i < table->size; i++) {                                                      \
            table->data[i] = value;                                                                            \
        }                                                                                                      \
        return before;                                                                                         \
    }

TABLE(funcref, wasm_rt_funcref_table_t, wasm_rt_funcref_t)
TABLE(externref, wasm_rt_externref_table_t, wasm_rt_externref_t)
