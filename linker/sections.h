/* SPDX-License-Identifier: MIT */
/*
 * The functions that have a section of their own in an object file (-ffunction-sections): what gold and lld can
 * put into an order that they are told.
 */
#ifndef TARE_LINKER_SECTIONS_H
#define TARE_LINKER_SECTIONS_H

#include <stddef.h>

struct tare_sections {
    const char **names; /* ".text.NAME", within the bytes; each once */
    size_t count;
};

/*
 * Of an ELF object file, ELFCLASS64 in our byte order; all that is read is checked against the size. 0 (also
 * with none), -EINVAL, or -ENOMEM. To be released in each case; refers to the bytes.
 */
int tare_sections_read(const void *bytes, size_t size, struct tare_sections *sections);
void tare_sections_release(struct tare_sections *sections);

#endif
