/* SPDX-License-Identifier: MIT */
/* Where the dynamic linker would find a library. Private to record/elf.c, and its tests. */
#ifndef TARE_RECORD_ELF_SEARCH_H
#define TARE_RECORD_ELF_SEARCH_H

#include <stddef.h>
#include <stdint.h>

/* What is the same for all libraries of one program. */
struct tare__search {
    uint16_t machine; /* e_machine that a library must have */
    char **directories;
    size_t directory_count;
    size_t conf_count;     /* files read */
    const char *musl_libc; /* where "libc.so" is: musl's dynamic linker; NULL: not a program of musl's */
};

/* What the object that needs the library brings along, and what needed that object in turn. */
struct tare__needer {
    const char *rpath;   /* DT_RPATH, NULL: none */
    const char *runpath; /* DT_RUNPATH, NULL: none */
    const char *origin;  /* what $ORIGIN stands for */
    const struct tare__needer *parent;
};

/*
 * Collects the directories: those of `conf` ("/etc/ld.so.conf") and of the files that it includes, then the
 * default ones; for a program whose `interpreter` (may be NULL, must outlive the search) is musl's, those of
 * musl. Returns 0 or -ENOMEM.
 */
int tare__search_init(struct tare__search *search, uint16_t machine, const char *interpreter, const char *conf);
void tare__search_release(struct tare__search *search);

/* Sets *found to the path of the library, allocated, or NULL: not found. Returns 0 or -ENOMEM. */
int tare__search_library(const struct tare__search *search, const char *name, const struct tare__needer *needer,
                         char **found);

#endif
