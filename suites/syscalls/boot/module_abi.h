/* SPDX-License-Identifier: MIT */
/*
 * What a compiled module and the process that loads it know of each other. This file is compiled into both: into us, and,
 * by way of the text of it that we carry, into each module. The module sees the host through one table of functions, so
 * it needs no symbol of the program that loads it, and the host sees the module through one table, so it needs no header of
 * wasm2c. A change here is a change of LIND_ABI.
 */
#ifndef LIND_MODULE_ABI_H
#define LIND_MODULE_ABI_H

#include <stdarg.h>
#include <stdint.h>

#define LIND_ABI 1
#define LIND_ABI_SYMBOL "lind_module"

struct lind_abi_host {
    void (*trap)(int code); /* does not return; codes are those of wasm-rt.h */
    uint32_t (*register_type)(uint32_t parameters, uint32_t results, va_list types);
    /* Of the instance that is made, or runs, on this thread. Pages of 64 KiB. */
    uint8_t *(*memory_new)(uint32_t pages, uint32_t max_pages); /* traps where there is no memory */
    int (*memory_grow)(uint8_t *memory, uint32_t pages);        /* to so many; 0: it cannot */
    void (*memory_free)(uint8_t *memory);
    void *(*table_resize)(void *elements, uint64_t bytes,
                          uint64_t more); /* by more bytes, zeroed; NULL: it cannot */
    void (*table_free)(void *elements);
    uint64_t (*import)(void *cage, uint32_t number, const uint64_t *arguments);
};

struct lind_abi_export {
    const char *name, *type;
    uint64_t (*call)(void *instance, const uint64_t *arguments);
};

struct lind_abi_module {
    uint32_t abi, export_count;
    uint64_t instance_bytes;
    void (*start)(const struct lind_abi_host *host); /* once, before anything else */
    void (*instantiate)(void *instance, void *cage); /* instance: zeroed */
    void (*release)(void *instance);
    const struct lind_abi_export *exports;
};

#endif
