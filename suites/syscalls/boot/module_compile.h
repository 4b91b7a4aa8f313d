/* SPDX-License-Identifier: MIT */
/*
 * From a module to machine code, by tools: wasm2c makes C of it, the C compiler a shared object of that and of our glue
 * (module_abi.h). Tools run in a directory of the caller's, with their temporary files in it, in a process group of
 * their own, and with limits of time, memory and file size: what they read is not trusted.
 */
#ifndef LIND_MODULE_COMPILE_H
#define LIND_MODULE_COMPILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "record/sha256.h"
#include "suites/syscalls/boot/module.h"

struct compile_tools {
    char wasm2c[PATH_MAX], cc[PATH_MAX];
    char identity[256]; /* changes when one of them is another */
};

/* 0; -ESRCH: one is not installed, and error says which package has it. */
int compile_find_tools(struct compile_tools *tools, char error[MODULE_ERROR_BYTES]);

/* The part of the C code that is ours, allocated; NULL: no memory. imports: the number of each of the module's. */
char *compile_glue(const struct module *module, const int *imports);

/* What else the machine code depends on: flags, our own code, tools. */
void compile_add_to_key(struct tare_sha256 *hash, const char *glue, const struct compile_tools *tools);

/*
 * Makes directory/m.so. `name` is what progress calls the module; progress: on stderr, when it takes more than a second.
 * 0, -EINTR (a signal that ends processes came, and waits in *signal_number), -ENOEXEC (a tool failed: error has its first line),
 * or another -errno.
 */
int compile_module(const struct compile_tools *tools, const void *bytes, size_t size, const char *glue,
                   const char *directory, const char *name, bool progress, int *signal_number,
                   char error[MODULE_ERROR_BYTES]);

#endif
