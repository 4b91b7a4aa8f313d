/* SPDX-License-Identifier: MIT */
/*
 * WebAssembly modules as cages: load a module once (it is compiled to machine code, and kept in a cache), make any
 * number of cages of it, call what it exports. lind-boot is a command around this, and benchmark programs use it directly:
 *
 *     struct boot_module *module;
 *     struct boot_cage *cage;
 *     char error[BOOT_ERROR_BYTES];
 *     if (boot_load("work.wasm", NULL, &module, error) < 0 || boot_cage_new(module, NULL, &cage, error) < 0) ...
 *     const struct boot_export *close_bad = boot_find(module, "close_bad");
 *     int64_t result;
 *     if (boot_call(cage, close_bad, (uint64_t[]){1000}, 1, &result, error) != BOOT_RETURNED) ...
 *
 * A module may import functions of `wasi_snapshot_preview1` and of `lind` (lind_common.h lists them), and nothing else.
 * A cage runs on one thread at a time, different cages on as many as there are. What a module does wrong ends its call
 * with BOOT_TRAPPED; the process goes on, and the cage can be freed, but not be called again.
 */
#ifndef LIND_BOOT_H
#define LIND_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BOOT_ERROR_BYTES = 512, /* room for a message: one line, lower case, naming the module */
    BOOT_ARGUMENTS_MAX = 16,
};

struct boot_module;
struct boot_cage;

struct boot_options {          /* all 0: as documented here */
    const char *cache_dir;     /* NULL: ${LIND_CACHE:-${XDG_CACHE_HOME:-~/.cache}/tare/wasm} */
    bool no_cache;             /* compiles anew, and keeps nothing */
    uint64_t cache_bytes;      /* how large the cache may be; 0: 256 MiB */
    uint64_t memory_max_bytes; /* of a cage; 0: 1 GiB, at most 4 GiB - 64 KiB */
    bool quiet;                /* nothing on stderr: neither progress nor that the cache was mended */
};

/* Negative results: -ENOENT no such file, -EBADMSG the module is not valid, -ENOTSUP it wants what is not there,
 * -ENOEXEC it could not be compiled, -ESRCH a tool is not installed, -EINTR stopped by a signal, which was raised
 * again, -ENOMEM and others. Any thread may load; what has to be compiled is compiled one after the other. */
int boot_load(const char *path, const struct boot_options *options, struct boot_module **module, char *error);
void boot_unload(struct boot_module *module); /* when all of its cages are freed; NULL is fine */

struct boot_start {
    const char *const *args;        /* NULL-terminated, from argv[0]; NULL: the module's file name */
    const char *const *environment; /* NULL-terminated, NAME=VALUE; NULL: none */
    const char *root;               /* directory that its files are below; NULL: none (it has no files) */
    bool no_stdio;                  /* its descriptors 0, 1 and 2 are not this process's; all are free */
};

/*
 * A cage in which the module is instantiated; `_initialize` (of reactors: clang -mexec-model=reactor) has run if it is
 * exported. Descriptors: 0, 1 and 2 unless no_stdio, then the root, if any, at the next one.
 */
int boot_cage_new(struct boot_module *module, const struct boot_start *start, struct boot_cage **cage,
                  char *error);
void boot_cage_free(struct boot_cage *cage); /* NULL is fine */
uint32_t boot_cage_id(const struct boot_cage *cage);

/* A function that takes i32s and i64s (at most BOOT_ARGUMENTS_MAX) and returns one or nothing; NULL: there is none. */
struct boot_export;
const struct boot_export *boot_find(const struct boot_module *module, const char *name);

enum boot_outcome {
    BOOT_RETURNED,
    BOOT_EXITED,  /* it called proc_exit(); *result is the code */
    BOOT_TRAPPED, /* `error` says why */
    BOOT_REFUSED, /* not called at all: no such function, wrong number of arguments, a cage that has trapped */
};

/*
 * result and error may be NULL. i32 results are sign-extended. While the cage runs on another thread, that is waited for; from
 * within an import of its own, the call is made.
 */
enum boot_outcome boot_call(struct boot_cage *cage, const struct boot_export *function, const uint64_t *args,
                            size_t count, int64_t *result, char *error);

/* Runs `_start`; exit code 0 if it returns. Not there: BOOT_REFUSED. */
enum boot_outcome boot_run(struct boot_cage *cage, int *exit_code, char *error);

/*
 * Puts a grate between a cage and who answers its calls: those `numbers` (enum lind_call) go to `lind_handle` of the
 * grate's module, (number, caller, a1 ... a6) -> result, all i64. count 0: all calls that the grate asks for by
 * lind.register_handler() in `lind_setup(cage i64)`, or, if it exports none, every call. Grates stack: the newest is asked
 * first, and what it passes on (lind.make_syscall_for) goes to the one before. The grate's cage may serve several cages, one
 * at a time: its calls are serialised. A cage that is a grate cannot have one. What a grate that has trapped is asked, it
 * answers with -EIO. The grate is freed after the cages that it serves. 0; or negative, and all is as it was before.
 */
int boot_interpose(struct boot_cage *cage, struct boot_cage *grate, const uint32_t *numbers, size_t count,
                   char *error);

#endif
