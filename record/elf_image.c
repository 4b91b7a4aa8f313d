/* SPDX-License-Identifier: MIT */
/*
 * Opens an ELF file and reads what lies at an address in it. libelf converts headers and symbols. What lies at
 * an address is read with pread through the PT_LOAD segments: a file that shrinks meanwhile gives an error and
 * not a SIGBUS, and of a large program only what is needed is read. Every number from the file is compared with
 * the file's size, or with a limit, before it is used.
 */
#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF

#include "record/elf_image.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/clean.h"

enum {
    NEEDED_MAX = 512,   /* libraries that one file names; large programs have about 200 */
    DYNAMIC_MAX = 4096, /* entries of PT_DYNAMIC; usual are 30 */
};

int tare__image_fail(int error, char *message, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, size, format, arguments);
    va_end(arguments);
    tare__clean_text(message);
    return error;
}

/* Reads exactly `size` bytes of the file. */
static bool read_at(const struct tare__image *image, uint64_t offset, void *buffer, size_t size)
{
    char *at = buffer;
    if (offset > image->size || size > image->size - offset) {
        return false;
    }
    while (size > 0) {
        ssize_t got = pread(image->fd, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

size_t tare__image_memory(const struct tare__image *image, uint64_t address, void *buffer, size_t size)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct tare__segment *segment = &image->segments[i];
        if (address < segment->address || address - segment->address >= segment->in_memory) {
            continue;
        }
        uint64_t within = address - segment->address;
        if (size > segment->in_memory - within) {
            size = (size_t)(segment->in_memory - within);
        }
        size_t from_file = 0;
        if (within < segment->in_file) {
            from_file = size < segment->in_file - within ? size : (size_t)(segment->in_file - within);
            if (!read_at(image, segment->offset + within, buffer, from_file)) {
                return 0;
            }
        }
        memset((char *)buffer + from_file, 0, size - from_file);
        return size;
    }
    return 0;
}

ssize_t tare__image_string(const struct tare__image *image, uint64_t address, char buffer[TARE__TEXT_MAX])
{
    size_t got = 0;
    /* Most strings are short: a small read first. */
    for (size_t want = 128; want <= TARE__TEXT_MAX; want *= 32) {
        got = tare__image_memory(image, address, buffer, want);
        char *end = memchr(buffer, '\0', got);
        if (end != NULL) {
            return end - buffer;
        }
        if (got < want) {
            return -1;
        }
    }
    buffer[got - 1] = '\0';
    return (ssize_t)got - 1;
}
_Static_assert(128 * 32 == TARE__TEXT_MAX, "the second read of tare__image_string() fills its buffer");

/*
 * Checks the part of the header on which libelf's own memory depends: it allocates for as many sections as the
 * header claims, which can be 2^32 in a file of 100 bytes.
 */
static int check_header(struct tare__image *image, const char *path, char *message, size_t size)
{
    Elf64_Ehdr raw;
    if (!read_at(image, 0, &raw, sizeof raw)) {
        bool elf =
            image->size >= SELFMAG && read_at(image, 0, &raw, SELFMAG) && memcmp(&raw, ELFMAG, SELFMAG) == 0;
        return elf ? tare__image_fail(-EINVAL, message, size, "'%s' is cut short within the ELF header", path)
                   : tare__image_fail(-ENOEXEC, message, size, "'%s' is not an ELF file", path);
    }
    if (memcmp(raw.e_ident, ELFMAG, SELFMAG) != 0) {
        return tare__image_fail(-ENOEXEC, message, size, "'%s' is not an ELF file", path);
    }
    if (raw.e_ident[EI_CLASS] != ELFCLASS64) {
        return tare__image_fail(-ENOEXEC, message, size, "'%s' is not a 64-bit program", path);
    }
    if (raw.e_ident[EI_DATA] != ELFDATA2LSB) {
        return tare__image_fail(-ENOEXEC, message, size, "'%s' is not a little-endian program", path);
    }
    uint64_t sections = le64toh(raw.e_shoff);
    uint64_t count = le16toh(raw.e_shnum);
    if (sections == 0) {
        return 0;
    }
    Elf64_Shdr first;
    if (!read_at(image, sections, &first, sizeof first)) {
        return tare__image_fail(-EINVAL, message, size,
                                "'%s' is cut short: its section headers lie outside of it", path);
    }
    if (count == 0) {
        count = le64toh(first.sh_size);
    }
    if (count > (image->size - sections) / sizeof first) {
        return tare__image_fail(-EINVAL, message, size,
                                "'%s' is cut short: its section headers lie outside of it", path);
    }
    return 0;
}

/* PT_LOAD and PT_INTERP. `dynamic` gets the place of PT_DYNAMIC; p_filesz 0: there is none. */
static int read_segments(struct tare__image *image, const char *path, GElf_Phdr *dynamic, char *message,
                         size_t size)
{
    size_t count;
    memset(dynamic, 0, sizeof *dynamic);
    if (elf_getphdrnum(image->elf, &count) != 0) {
        return tare__image_fail(-EINVAL, message, size, "'%s' is damaged: %s", path, elf_errmsg(-1));
    }
    for (size_t i = 0; i < count && i < INT32_MAX; i++) {
        GElf_Phdr one;
        if (gelf_getphdr(image->elf, (int)i, &one) == NULL) {
            return tare__image_fail(-EINVAL, message, size, "'%s' is damaged: %s", path, elf_errmsg(-1));
        }
        if (one.p_type != PT_LOAD && one.p_type != PT_INTERP && one.p_type != PT_DYNAMIC) {
            continue;
        }
        if (one.p_offset > image->size || one.p_filesz > image->size - one.p_offset) {
            return tare__image_fail(-EINVAL, message, size, "'%s' is cut short: segment %zu lies outside of it",
                                    path, i);
        }
        if (one.p_type == PT_LOAD) {
            if (image->segment_count == TARE__SEGMENTS_MAX) {
                return tare__image_fail(-EINVAL, message, size, "'%s' has more than %d segments", path,
                                        TARE__SEGMENTS_MAX);
            }
            image->segments[image->segment_count++] =
                (struct tare__segment){one.p_vaddr, one.p_offset, one.p_filesz,
                                       one.p_memsz > one.p_filesz ? one.p_memsz : one.p_filesz};
        } else if (one.p_type == PT_DYNAMIC) {
            *dynamic = one;
        } else if (image->interpreter == NULL) {
            char text[TARE__TEXT_MAX] = "";
            if (one.p_filesz == 0 || one.p_filesz > sizeof text ||
                !read_at(image, one.p_offset, text, one.p_filesz) || text[one.p_filesz - 1] != '\0') {
                return tare__image_fail(-EINVAL, message, size,
                                        "'%s' is damaged: the name of its dynamic linker", path);
            }
            image->interpreter = strdup(text);
            if (image->interpreter == NULL) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

/* Sets *field to the string at an offset of the dynamic string table. Returns 0, -EINVAL, -ENOMEM. */
static int take_string(const struct tare__image *image, uint64_t table, uint64_t offset, char **field)
{
    char text[TARE__TEXT_MAX];
    if (table == 0 || offset > UINT64_MAX - table || tare__image_string(image, table + offset, text) < 0) {
        return -EINVAL;
    }
    free(*field);
    *field = strdup(text);
    return *field != NULL ? 0 : -ENOMEM;
}

static int read_needed(struct tare__image *image, const Elf64_Dyn *entries, size_t count, uint64_t table)
{
    for (size_t i = 0; i < count && entries[i].d_tag != DT_NULL; i++) {
        if (le64toh((uint64_t)entries[i].d_tag) != DT_NEEDED) {
            continue;
        }
        if (image->needed_count == NEEDED_MAX) {
            return -E2BIG;
        }
        if (image->needed == NULL) {
            image->needed = calloc(NEEDED_MAX, sizeof *image->needed);
            if (image->needed == NULL) {
                return -ENOMEM;
            }
        }
        int result =
            take_string(image, table, le64toh(entries[i].d_un.d_val), &image->needed[image->needed_count]);
        if (result != 0) {
            return result;
        }
        image->needed_count++;
    }
    return 0;
}

static int read_dynamic(struct tare__image *image, const char *path, const GElf_Phdr *where, char *message,
                        size_t size)
{
    image->is_dynamic = where->p_filesz > 0;
    if (!image->is_dynamic) {
        return 0;
    }
    size_t count = where->p_filesz / sizeof(Elf64_Dyn);
    if (count > DYNAMIC_MAX) {
        return tare__image_fail(-EINVAL, message, size, "'%s' is damaged: a dynamic section of %zu entries",
                                path, count);
    }
    Elf64_Dyn *entries = calloc(count + 1, sizeof *entries);
    if (entries == NULL) {
        return -ENOMEM;
    }
    int result = 0;
    if (!read_at(image, where->p_offset, entries, count * sizeof *entries)) {
        result = -EINVAL;
        goto out;
    }
    uint64_t table = 0;
    for (size_t i = 0; i < count && entries[i].d_tag != DT_NULL; i++) {
        uint64_t value = le64toh(entries[i].d_un.d_val);
        switch (le64toh((uint64_t)entries[i].d_tag)) {
        case DT_STRTAB:
            table = value;
            break;
        case DT_FLAGS_1:
            image->flags_1 = value;
            break;
        default:
            break;
        }
    }
    for (size_t i = 0; i < count && entries[i].d_tag != DT_NULL && result == 0; i++) {
        uint64_t value = le64toh(entries[i].d_un.d_val);
        switch (le64toh((uint64_t)entries[i].d_tag)) {
        case DT_SONAME:
            result = take_string(image, table, value, &image->soname);
            break;
        case DT_RPATH:
            result = take_string(image, table, value, &image->rpath);
            break;
        case DT_RUNPATH:
            result = take_string(image, table, value, &image->runpath);
            break;
        default:
            break;
        }
    }
    if (result == 0) {
        result = read_needed(image, entries, count, table);
    }
out:
    if (result == -EINVAL) {
        tare__image_fail(0, message, size, "'%s' is damaged: its dynamic section points outside of it", path);
    } else if (result == -E2BIG) {
        result =
            tare__image_fail(-EINVAL, message, size, "'%s' needs more than %d libraries", path, NEEDED_MAX);
    }
    free(entries);
    return result;
}

int tare__image_open(struct tare__image *image, const char *path, char *message, size_t size)
{
    memset(image, 0, sizeof *image);
    /* O_NONBLOCK: a FIFO must not hang us. */
    image->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (image->fd < 0 || fstat(image->fd, &image->status) != 0) {
        int error = errno;
        return tare__image_fail(-error, message, size, "cannot open '%s': %s", path, strerror(error));
    }
    if (!S_ISREG(image->status.st_mode)) {
        return S_ISDIR(image->status.st_mode)
                   ? tare__image_fail(-EISDIR, message, size, "'%s' is a directory", path)
                   : tare__image_fail(-ENOEXEC, message, size, "'%s' is not a regular file", path);
    }
    image->size = (uint64_t)image->status.st_size;
    int result = check_header(image, path, message, size);
    if (result != 0) {
        return result;
    }
    if (elf_version(EV_CURRENT) == EV_NONE) {
        return tare__image_fail(-ENOSYS, message, size, "libelf is too old: %s", elf_errmsg(-1));
    }
    image->elf = elf_begin(image->fd, ELF_C_READ, NULL);
    if (image->elf == NULL || elf_kind(image->elf) != ELF_K_ELF ||
        gelf_getehdr(image->elf, &image->header) == NULL) {
        const char *why = elf_errmsg(-1);
        return tare__image_fail(-EINVAL, message, size, "'%s' is damaged: %s", path,
                                why != NULL ? why : "not read as ELF");
    }
    GElf_Phdr dynamic;
    result = read_segments(image, path, &dynamic, message, size);
    if (result == 0) {
        result = read_dynamic(image, path, &dynamic, message, size);
    }
    if (result == -ENOMEM) {
        tare__image_fail(0, message, size, "not enough memory to read '%s'", path);
    }
    return result;
}

void tare__image_close(struct tare__image *image)
{
    if (image->elf != NULL) {
        elf_end(image->elf);
    }
    if (image->fd >= 0) {
        close(image->fd);
    }
    for (size_t i = 0; image->needed != NULL && i < NEEDED_MAX; i++) {
        free(image->needed[i]);
    }
    free(image->needed);
    free(image->interpreter);
    free(image->soname);
    free(image->rpath);
    free(image->runpath);
    free(image->relocations);
    memset(image, 0, sizeof *image);
    image->fd = -1;
}

bool tare__image_has_string(const Elf_Data *table, uint64_t offset, const char *text)
{
    size_t size = strlen(text) + 1;
    return table != NULL && table->d_buf != NULL && offset <= table->d_size && size <= table->d_size - offset &&
           memcmp((const char *)table->d_buf + offset, text, size) == 0;
}

Elf_Data *tare__image_section(struct tare__image *image, size_t index)
{
    Elf_Scn *section = index != SHN_UNDEF ? elf_getscn(image->elf, index) : NULL;
    return section != NULL ? elf_getdata(section, NULL) : NULL;
}

static enum tare__symbol find_in_table(struct tare__image *image, Elf_Scn *section, const GElf_Shdr *header,
                                       const char *name)
{
    Elf_Data *symbols = elf_getdata(section, NULL);
    Elf_Data *names = tare__image_section(image, header->sh_link);
    if (symbols == NULL || names == NULL) {
        return TARE__SYMBOL_ABSENT;
    }
    enum tare__symbol found = TARE__SYMBOL_ABSENT;
    GElf_Sym symbol;
    for (int i = 0; gelf_getsym(symbols, i, &symbol) != NULL; i++) {
        if (tare__image_has_string(names, symbol.st_name, name)) {
            if (symbol.st_shndx != SHN_UNDEF) {
                return TARE__SYMBOL_DEFINED;
            }
            found = TARE__SYMBOL_UNDEFINED;
        }
    }
    return found;
}

enum tare__symbol tare__image_find_symbol(struct tare__image *image, const char *name)
{
    /* One table of each kind, as the format has it, so that a file of nothing but headers keeps nobody busy. */
    bool seen_static = false;
    bool seen_dynamic = false;
    enum tare__symbol found = TARE__SYMBOL_ABSENT;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(image->elf, section)) != NULL;) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL) {
            continue;
        }
        bool *seen = header.sh_type == SHT_SYMTAB   ? &seen_static
                     : header.sh_type == SHT_DYNSYM ? &seen_dynamic
                                                    : NULL;
        if (seen != NULL && !*seen) {
            *seen = true;
            enum tare__symbol here = find_in_table(image, section, &header, name);
            found = here > found ? here : found;
        }
    }
    return found;
}

#else

typedef int tare__image_needs_libelf; /* a file must not be empty */

#endif
