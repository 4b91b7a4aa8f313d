/* SPDX-License-Identifier: MIT */
/* The names come from the section headers alone, so that no symbol table has to be read. */
#include "linker/sections.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX ".text."
#define OUR_DATA (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

static int compare(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

/* Header `number`; false: beyond the end. */
static bool section_header(const unsigned char *bytes, size_t size, const Elf64_Ehdr *file, uint64_t number,
                           Elf64_Shdr *header)
{
    if (file->e_shoff > size || number >= (size - file->e_shoff) / sizeof(*header)) {
        return false;
    }
    memcpy(header, bytes + file->e_shoff + number * sizeof(*header), sizeof(*header));
    return true;
}

/* The same of the table of names. */
static bool name_table(const unsigned char *bytes, size_t size, const Elf64_Ehdr *file, Elf64_Shdr *strings,
                       uint64_t *count)
{
    Elf64_Shdr first;
    if (!section_header(bytes, size, file, 0, &first)) {
        return false;
    }
    /* Numbers that do not fit are in the first header. */
    *count = file->e_shnum != 0 ? file->e_shnum : first.sh_size;
    uint64_t at = file->e_shstrndx != SHN_XINDEX ? file->e_shstrndx : first.sh_link;
    return section_header(bytes, size, file, at, strings) && strings->sh_offset <= size &&
           strings->sh_size <= size - strings->sh_offset;
}

int tare_sections_read(const void *bytes, size_t size, struct tare_sections *sections)
{
    Elf64_Ehdr file;
    Elf64_Shdr strings, header;
    uint64_t count;
    *sections = (struct tare_sections){0};
    if (size < sizeof(file)) {
        return -EINVAL;
    }
    memcpy(&file, bytes, sizeof(file));
    if (memcmp(file.e_ident, ELFMAG, SELFMAG) != 0 || file.e_ident[EI_CLASS] != ELFCLASS64 ||
        file.e_ident[EI_DATA] != OUR_DATA || file.e_shentsize != sizeof(header) ||
        !name_table(bytes, size, &file, &strings, &count) || count > size / sizeof(header)) {
        return -EINVAL;
    }
    sections->names = calloc((size_t)count + 1, sizeof(*sections->names));
    if (sections->names == NULL) {
        return -ENOMEM;
    }
    const char *names = (const char *)bytes + strings.sh_offset;
    for (uint64_t i = 1; i < count; i++) {
        if (!section_header(bytes, size, &file, i, &header) || header.sh_name >= strings.sh_size ||
            memchr(names + header.sh_name, '\0', strings.sh_size - header.sh_name) == NULL) {
            return -EINVAL;
        }
        const char *name = names + header.sh_name;
        bool code = header.sh_type == SHT_PROGBITS && (header.sh_flags & SHF_EXECINSTR) != 0;
        if (code && strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0 && strpbrk(name, " \t\n*?[") == NULL) {
            sections->names[sections->count++] = name;
        }
    }
    qsort(sections->names, sections->count, sizeof(*sections->names), compare);
    size_t kept = 0;
    for (size_t i = 0; i < sections->count; i++) {
        if (kept == 0 || strcmp(sections->names[kept - 1], sections->names[i]) != 0) {
            sections->names[kept++] = sections->names[i];
        }
    }
    sections->count = kept;
    return 0;
}

void tare_sections_release(struct tare_sections *sections)
{
    free(sections->names);
    *sections = (struct tare_sections){0};
}
