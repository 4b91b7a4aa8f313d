/* SPDX-License-Identifier: MIT */
/*
 * What has to be known of a WebAssembly module before a tool is let near it: whether it is one, what it imports and exports,
 * and how much memory it wants. The bytes are not trusted. Whether its code is valid, wasm2c judges; but wasm2c
 * writes the names of imports and exports into comments of the C that it makes, as they are, so that a name with the end of
 * a comment in it would be compiled and run as ours. Here only names are let through that cannot do that.
 */
#ifndef LIND_MODULE_H
#define LIND_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MODULE_BYTES_MAX = 64 << 20,
    MODULE_ERROR_BYTES = 320,   /* of a message, which says what is wrong with "it" */
    MODULE_NAME_BYTES = 128,    /* of an import or export, with NUL */
    MODULE_PARAMETERS_MAX = 64, /* of a function that is imported, or can be called from outside */
};

/* "iIfF:i": i is i32, I i64, f f32, F f64, ? anything else; behind the ':' are results */
struct module_import {
    char module[32], name[MODULE_NAME_BYTES];
    char type[MODULE_PARAMETERS_MAX + 8];
};

struct module_export {
    char name[MODULE_NAME_BYTES];
    char type[MODULE_PARAMETERS_MAX + 8];
};

struct module {
    struct module_import *imports; /* functions: there is nothing else */
    size_t import_count;
    struct module_export *exports; /* functions whose type fits */
    size_t export_count;
    bool has_memory;
    uint32_t memory_pages, memory_max_pages; /* of 64 KiB; max: UINT32_MAX if it says none */
    uint64_t table_elements;                 /* at the start, all tables together */
};

/* 0, -EBADMSG (not a valid module), -ENOTSUP (what it wants is not offered), -ENOMEM. module is released in any case. */
int module_parse(const void *bytes, size_t size, struct module *module, char error[MODULE_ERROR_BYTES]);
void module_release(struct module *module);

#endif
