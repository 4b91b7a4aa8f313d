/* SPDX-License-Identifier: MIT */
/*
 * What can be known of a program without running it: what kind of file it is, which timers it and its libraries
 * declare, and where the shell would find it. Files are taken as hostile: whatever a header claims is checked
 * against the file's size before it is used.
 *
 * Without libelf tare_elf_list() and tare_elf_inspect() return -ENOSYS and say so.
 */
#ifndef TARE_RECORD_ELF_H
#define TARE_RECORD_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A timer that TARE_TIMER left in a file; or what TARE_COUNTER and so on did. */
struct tare_elf_timer {
    char *module; /* as the runtime will name it: the stem of `file` where the source says nothing */
    char *name;
    char *file; /* "" if unknown */
    uint32_t line;
    uint32_t kind;              /* enum tare_kind */
    size_t object;              /* index of the object that declares it */
    char *unit, *labels, *help; /* "" for none; all of a timer's are */
    uint32_t size;              /* top-k: keys that are kept; frames: of the ring */
};

/* The program, or a library that it needs. */
struct tare_elf_object {
    char *name;    /* as asked for: the path given, or the DT_NEEDED string */
    char *path;    /* where it was found; NULL: not found */
    char *problem; /* why it could not be read, or what of it is left out; NULL: nothing to say */
    size_t timer_count;
    size_t instrument_count; /* of other kinds */
    bool is_runtime;         /* libtare itself, or with libtare linked into it */
};

struct tare_elf_list {
    struct tare_elf_object *objects; /* the program first, then its libraries, breadth first */
    size_t object_count;
    struct tare_elf_timer *timers; /* by object, then source file and line; a module::name is listed once */
    size_t timer_count;
    struct tare_elf_timer *instruments; /* those that are no timers, in the same order */
    size_t instrument_count;
    bool has_runtime; /* one of the objects is_runtime: the timers would work */
};

/*
 * Lists the timers of the program or library `path`, a file name that is not looked up in PATH, and of all
 * libraries that it needs, searched as the dynamic linker would (DT_RPATH, LD_LIBRARY_PATH, DT_RUNPATH, the
 * directories of /etc/ld.so.conf, the default ones). Libraries that are not found or damaged are listed as
 * such.
 *
 * Returns 0, or -errno with one line in `message`: -ENOEXEC (no ELF file, or not one of a processor that is
 * known: ELF64, little-endian, x86-64 or aarch64), -EINVAL (damaged), -ENOMEM, -ENOSYS, or what opening said.
 * `list` may be released in any case.
 */
int tare_elf_list(const char *path, struct tare_elf_list *list, char *message, size_t message_size);
void tare_elf_list_release(struct tare_elf_list *list);

/*
 * What kind of file a program is. For files that are not ELF only the first and the last group are filled; for
 * ELF files of another width or byte order than 64 bits, little-endian, there is no interpreter, and nothing of
 * the third group but is_program, for executables at a fixed address.
 */
struct tare_elf_info {
    bool is_elf;
    bool is_script;    /* starts with #! */
    char *interpreter; /* of the script, or the dynamic linker (PT_INTERP); NULL: none */

    int bits; /* 32, 64, or 0: neither */
    bool little_endian;
    uint16_t machine;         /* e_machine */
    const char *machine_name; /* "x86_64", "aarch64", ...; NULL: not known to us */
    bool native;              /* of the processor and width for which tare itself was built */

    bool is_program; /* can be executed: a PIE or an executable at a fixed address */
    bool is_dynamic; /* a program that the dynamic linker starts: libtare-libc.so can be preloaded */
    bool is_static;  /* a program without dynamic linker, static PIE included */
    bool is_pie;
    bool is_library;    /* a shared library */
    bool has_timers;    /* has declarations of its own (libraries not looked at) */
    bool has_benches;   /* the same, of TARE_BENCH */
    bool needs_tare;    /* names libtare.so as needed (libraries not looked at) */
    bool contains_tare; /* libtare is linked into it */

    bool is_setuid, is_setgid;
    bool has_capabilities; /* security.capability */
    uid_t owner_uid;
    gid_t owner_gid;
};

/*
 * Looks at the file `path`. Returns 0, also for a file that is neither ELF nor script, or -errno with one line
 * in `message`: -EINVAL (an ELF file that is damaged), -ENOMEM, -ENOSYS, or what opening said. `info` may be
 * released in any case.
 */
int tare_elf_inspect(const char *path, struct tare_elf_info *info, char *message, size_t message_size);
void tare_elf_info_release(struct tare_elf_info *info);

/*
 * Finds the program `name` as execvp() would: as it is if it has a slash, else in the directories of PATH. Sets
 * *path, which the caller frees, and returns 0, or -ENOENT (nowhere), -EACCES (found, but not an executable
 * file, or a directory that may not be searched), -ENOMEM.
 */
int tare_find_program(const char *name, char **path);

#endif
