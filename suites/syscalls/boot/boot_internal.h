/* SPDX-License-Identifier: MIT */
/* What a cage is to those who serve it: its instance, its memory, and what WASI tells a program of itself. */
#ifndef LIND_BOOT_INTERNAL_H
#define LIND_BOOT_INTERNAL_H

#include <pthread.h>

#include "suites/syscalls/boot/boot.h"
#include "suites/syscalls/boot/module_abi.h"
#include "suites/syscalls/boot/runtime.h"
#include "suites/syscalls/cage.h"

struct boot_export {
    const char *name, *type;
    uint64_t (*call)(void *instance, const uint64_t *args);
};
_Static_assert(sizeof(struct boot_export) == sizeof(struct lind_abi_export), "one is read as the other");

struct boot_module {
    char *name; /* as messages call it: the path as given */
    void *object;
    const struct lind_abi_module *compiled;
    uint64_t memory_max_bytes;
};

struct boot_cage {
    struct runtime_memory memory;
    struct cage *cage;
    uint32_t id;
    bool trapped;              /* it is not called again */
    bool ended;                /* it called for its end, with exit_code */
    bool is_grate, is_guarded; /* it answers calls of another; another answers some of its */
    int exit_code;
    int root_number; /* descriptor of the root; -1: it has none */
    const struct boot_module *module;
    void *instance;
    const struct boot_export *handle; /* of a grate */
    pthread_mutex_t calls;            /* recursive; held while its code runs */
    char **args, **environment;       /* NULL-terminated copies */
};

/* A grate's lind_handler, of threei: data is its boot_cage. */
int64_t boot_grate_answer(const struct lind_request *request, void *data);

#endif
