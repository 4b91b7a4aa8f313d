/* SPDX-License-Identifier: MIT */
/*
 * What record/symbols_file.c needs of record/binary_parts.h, which has its own idea of what symbols are. Only
 * there with libelf.
 */
#ifndef TARE_RECORD_SYMBOLS_DEBUG_FILE_H
#define TARE_RECORD_SYMBOLS_DEBUG_FILE_H

#include <stdint.h>

#include <libelf.h>

enum { TARE__BUILD_ID_TEXT = 129 }; /* as TARE_BUILD_ID_TEXT */

/* An open file. */
struct tare__elf_file {
    int fd;
    uint64_t size;
    Elf *elf;
};

/* Its build id; "" if it has none. */
void tare__elf_build_id(const struct tare__elf_file *file, char text[TARE__BUILD_ID_TEXT]);

/*
 * Looks for the file with the debug information of `path`, as tare__find_debug_file() does. *found is for the
 * caller to free; NULL: there is none. Returns 0 or -ENOMEM.
 */
int tare__elf_debug_file(const struct tare__elf_file *file, const char *path, const char *build_id,
                         const char *directory, char **found);

#endif
