/* SPDX-License-Identifier: MIT */
/*
 * Sections of a file and the file beside it. Debug info is often as large as all the rest and of it only the
 * units' heads are of interest, so bytes are read from the file where they are needed; compressed sections
 * alone are unpacked as a whole.
 *
 * A file of debug info has the headers of its program, but not the content of its segments, so
 * record/elf_image.h would find it cut short.
 */
#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF

#include "record/binary_parts.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/clean.h"

enum {
    BUILD_ID_MAX = 64,
    NOTES_MAX = 64 * 1024,  /* bytes of a section of notes; usual are some 100 */
    LINK_NAME_MAX = 255,    /* of a file, without folders */
    UNPACKED_MAX = 1 << 30, /* bytes */
    NOTE_GNU_BUILD_ID = 3,  /* NT_GNU_BUILD_ID */
    CHUNK = 1 << 16,
};

static bool read_fully(int fd, uint64_t offset, void *buffer, size_t size)
{
    char *at = buffer;
    while (size > 0) {
        ssize_t got = pread(fd, at, size, (off_t)offset);
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

struct tare__file tare__file_of(const struct tare__image *image)
{
    return (struct tare__file){.fd = image->fd, .size = image->size, .elf = image->elf, .borrowed = true};
}

/* As in elf_image.c: libelf allocates for as many sections as the header claims. */
static bool sections_fit(const struct tare__file *file)
{
    Elf64_Ehdr header;
    if (file->size < sizeof header || !read_fully(file->fd, 0, &header, sizeof header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB) {
        return false;
    }
    uint64_t at = le64toh(header.e_shoff);
    uint64_t count = le16toh(header.e_shnum);
    Elf64_Shdr first;
    if (at == 0 || at > file->size || file->size - at < sizeof first ||
        !read_fully(file->fd, at, &first, sizeof first)) {
        return false;
    }
    return (count != 0 ? count : le64toh(first.sh_size)) <= (file->size - at) / sizeof first;
}

int tare__file_open(struct tare__file *file, const char *path, char *message, size_t size)
{
    *file = (struct tare__file){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    struct stat status;
    if (file->fd < 0 || fstat(file->fd, &status) != 0) {
        int error = errno;
        return tare__image_fail(-error, message, size, "cannot open '%s': %s", path, strerror(error));
    }
    file->size = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    if (!sections_fit(file) || elf_version(EV_CURRENT) == EV_NONE) {
        return tare__image_fail(-EINVAL, message, size, "'%s' is not an ELF file of 64 bits, or cut short",
                                path);
    }
    file->elf = elf_begin(file->fd, ELF_C_READ, NULL);
    if (file->elf == NULL || elf_kind(file->elf) != ELF_K_ELF) {
        return tare__image_fail(-EINVAL, message, size, "'%s' is damaged", path);
    }
    return 0;
}

void tare__file_close(struct tare__file *file)
{
    if (!file->borrowed) {
        if (file->elf != NULL) {
            elf_end(file->elf);
        }
        if (file->fd >= 0) {
            close(file->fd);
        }
    }
    *file = (struct tare__file){.fd = -1};
}

static Elf_Scn *find_named(const struct tare__file *file, const char *name, GElf_Shdr *header)
{
    size_t names_index;
    if (elf_getshdrstrndx(file->elf, &names_index) != 0 || names_index == SHN_UNDEF) {
        return NULL;
    }
    Elf_Scn *names_section = elf_getscn(file->elf, names_index);
    Elf_Data *names = names_section != NULL ? elf_getdata(names_section, NULL) : NULL;
    for (Elf_Scn *one = NULL; names != NULL && (one = elf_nextscn(file->elf, one)) != NULL;) {
        if (gelf_getshdr(one, header) != NULL && tare__image_has_string(names, header->sh_name, name)) {
            return one;
        }
    }
    return NULL;
}

/* Has libelf unpack a section, if its header claims a size that can be. */
static bool unpack(Elf_Scn *found, bool old_format, struct tare__section *section)
{
    section->compressed = true;
    if (old_format) {
        unsigned char start[12]; /* "ZLIB", and the size in 8 bytes, the highest first */
        uint64_t size;
        if (section->size < sizeof start || !read_fully(section->fd, section->offset, start, sizeof start)) {
            return false;
        }
        memcpy(&size, start + 4, sizeof size);
        if (be64toh(size) > UNPACKED_MAX || elf_compress_gnu(found, 0, 0) < 0) {
            return false;
        }
    } else {
        GElf_Chdr packed;
        if (gelf_getchdr(found, &packed) == NULL || packed.ch_size > UNPACKED_MAX ||
            elf_compress(found, 0, 0) < 0) {
            return false;
        }
    }
    Elf_Data *data = elf_rawdata(found, NULL);
    if (data == NULL || data->d_buf == NULL) {
        return false;
    }
    section->unpacked = data->d_buf;
    section->size = data->d_size;
    return true;
}

bool tare__section_find(const struct tare__file *file, const char *name, struct tare__section *section)
{
    memset(section, 0, sizeof *section);
    GElf_Shdr header;
    bool old_format = false;
    Elf_Scn *found = find_named(file, name, &header);
    if (found == NULL && strncmp(name, ".debug_", 7) == 0) {
        char old_name[64];
        snprintf(old_name, sizeof old_name, ".z%s", name + 1);
        found = find_named(file, old_name, &header);
        old_format = true;
    }
    if (found == NULL || header.sh_type == SHT_NOBITS || header.sh_offset > file->size ||
        header.sh_size > file->size - header.sh_offset) {
        return false;
    }
    section->fd = file->fd;
    section->offset = header.sh_offset;
    section->size = header.sh_size;
    section->address = header.sh_addr;
    if (old_format || (header.sh_flags & SHF_COMPRESSED) != 0) {
        return unpack(found, old_format, section);
    }
    return true;
}

size_t tare__section_read(const struct tare__section *section, uint64_t offset, void *buffer, size_t size)
{
    if (offset >= section->size) {
        return 0;
    }
    if (size > section->size - offset) {
        size = (size_t)(section->size - offset);
    }
    if (section->unpacked != NULL) {
        memcpy(buffer, section->unpacked + offset, size);
        return size;
    }
    return read_fully(section->fd, section->offset + offset, buffer, size) ? size : 0;
}

unsigned char *tare__section_copy(const struct tare__section *section, uint64_t max)
{
    if (section->size == 0 || section->size > max) {
        return NULL;
    }
    unsigned char *bytes = malloc(section->size);
    if (bytes != NULL && tare__section_read(section, 0, bytes, section->size) != section->size) {
        free(bytes);
        bytes = NULL;
    }
    return bytes;
}

static uint32_t load_32(const unsigned char *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return le32toh(value);
}

/* Looks for the build id among notes: size of name, of content, type, name, content; padded to 4 bytes each. */
static bool find_in_notes(const unsigned char *notes, size_t size, char text[TARE_BUILD_ID_TEXT])
{
    for (size_t at = 0; size - at >= 12;) {
        uint32_t name_size = load_32(notes + at);
        uint32_t content_size = load_32(notes + at + 4);
        uint32_t type = load_32(notes + at + 8);
        uint64_t content = (uint64_t)at + 12 + (((uint64_t)name_size + 3) & ~UINT64_C(3));
        uint64_t end = content + content_size;
        if (end > size) {
            return false;
        }
        if (type == NOTE_GNU_BUILD_ID && name_size == 4 && memcmp(notes + at + 12, "GNU", 4) == 0 &&
            content_size > 0 && content_size <= BUILD_ID_MAX) {
            for (uint32_t i = 0; i < content_size; i++) {
                snprintf(text + 2 * (size_t)i, 3, "%02x", notes[content + i]);
            }
            return true;
        }
        end = (end + 3) & ~UINT64_C(3);
        at = end < size ? (size_t)end : size;
    }
    return false;
}

static bool notes_at(const struct tare__file *file, uint64_t offset, uint64_t size,
                     char text[TARE_BUILD_ID_TEXT])
{
    unsigned char *notes = NULL;
    bool found = false;
    if (size >= 12 && size <= NOTES_MAX && offset <= file->size && size <= file->size - offset) {
        notes = malloc((size_t)size);
        found = notes != NULL && read_fully(file->fd, offset, notes, (size_t)size) &&
                find_in_notes(notes, (size_t)size, text);
    }
    free(notes);
    return found;
}

void tare__build_id(const struct tare__file *file, char text[TARE_BUILD_ID_TEXT])
{
    text[0] = '\0';
    GElf_Shdr header;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(file->elf, section)) != NULL;) {
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_NOTE &&
            notes_at(file, header.sh_offset, header.sh_size, text)) {
            return;
        }
    }
    size_t count;
    GElf_Phdr segment;
    for (size_t i = 0; elf_getphdrnum(file->elf, &count) == 0 && i < count && i < INT32_MAX; i++) {
        if (gelf_getphdr(file->elf, (int)i, &segment) != NULL && segment.p_type == PT_NOTE &&
            notes_at(file, segment.p_offset, segment.p_filesz, text)) {
            return;
        }
    }
}

/* The checksum of .gnu_debuglink: CRC-32 of ISO 3309, as in zip files, over the whole file. */
static bool checksum_of(int fd, uint32_t *checksum)
{
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++) {
            value = (value & 1) != 0 ? value >> 1 ^ 0xedb88320u : value >> 1;
        }
        table[i] = value;
    }
    unsigned char *chunk = malloc(CHUNK);
    uint32_t value = 0xffffffffu;
    ssize_t got = chunk != NULL ? 1 : -1;
    for (uint64_t offset = 0; got > 0; offset += (uint64_t)got) {
        got = pread(fd, chunk, CHUNK, (off_t)offset);
        for (ssize_t i = 0; i < got; i++) {
            value = table[(value ^ chunk[i]) & 0xff] ^ value >> 8;
        }
    }
    free(chunk);
    *checksum = value ^ 0xffffffffu;
    return got == 0;
}

/* Replaces what was said before. Without memory nothing is said. */
static void say(struct tare_debug_info *info, const char *format, const char *path)
{
    free(info->problem);
    if (asprintf(&info->problem, format, path) < 0) {
        info->problem = NULL;
    }
}

/*
 * Whether the file at `path` is there, is not the program itself, and belongs to it: by its build id, or by the
 * link's checksum.
 */
static bool belongs(int program, const char *path, const char *build_id, const uint32_t *checksum,
                    struct tare_debug_info *info)
{
    char message[512];
    struct tare__file candidate;
    struct stat own;
    struct stat other;
    bool fits = false;
    if (stat(path, &other) != 0 ||
        (fstat(program, &own) == 0 && own.st_dev == other.st_dev && own.st_ino == other.st_ino)) {
        return false;
    }
    if (tare__file_open(&candidate, path, message, sizeof message) != 0) {
        say(info, "%s", message);
        goto out;
    }
    char found[TARE_BUILD_ID_TEXT];
    uint32_t sum;
    tare__build_id(&candidate, found);
    if (build_id[0] != '\0' && found[0] != '\0') {
        fits = strcmp(found, build_id) == 0;
    } else {
        fits = checksum != NULL && checksum_of(candidate.fd, &sum) && sum == *checksum;
    }
    if (!fits) {
        say(info, "'%s' is of another build, and was passed over", path);
    }
out:
    tare__file_close(&candidate);
    return fits;
}

/* Reads .gnu_debuglink: a file's name, padded to 4 bytes, and a checksum. Returns 1, 0 (none) or -ENOMEM. */
static int read_link(const struct tare__file *file, struct tare_debug_info *info, uint32_t *checksum)
{
    struct tare__section section;
    unsigned char content[LINK_NAME_MAX + 9];
    if (!tare__section_find(file, ".gnu_debuglink", &section)) {
        return 0;
    }
    size_t got = tare__section_read(&section, 0, content, sizeof content);
    const unsigned char *end = memchr(content, '\0', got);
    if (end == NULL || end == content || memchr(content, '/', (size_t)(end - content)) != NULL) {
        return 0;
    }
    size_t at = ((size_t)(end - content) + 4) & ~(size_t)3;
    if (at + 4 > got) {
        return 0;
    }
    *checksum = load_32(content + at);
    info->link_name = strdup((const char *)content);
    return info->link_name != NULL ? 1 : -ENOMEM;
}

/* Takes `path`, allocated, if it is the right file. Returns 1, 0 or, for NULL, -ENOMEM. */
static int take_if_fitting(int program, char *path, const char *build_id, const uint32_t *checksum,
                           struct tare_debug_info *info)
{
    if (path == NULL) {
        return -ENOMEM;
    }
    if (!belongs(program, path, build_id, checksum, info)) {
        free(path);
        return 0;
    }
    info->path = path;
    free(info->problem);
    info->problem = NULL;
    return 1;
}

__attribute__((format(printf, 1, 2))) static char *format_path(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *path;
    if (vasprintf(&path, format, arguments) < 0) {
        path = NULL;
    }
    va_end(arguments);
    return path;
}

int tare__find_debug_file(const struct tare__file *file, const char *path, const char *build_id,
                          const char *directory, struct tare_debug_info *info)
{
    int result = 0;
    char *real = NULL;
    char *copy = NULL;
    uint32_t checksum = 0;
    if (strlen(build_id) > 2) {
        result = take_if_fitting(file->fd,
                                 format_path("%s/.build-id/%.2s/%s.debug", directory, build_id, build_id + 2),
                                 build_id, NULL, info);
    }
    if (result != 0) {
        goto out;
    }
    result = read_link(file, info, &checksum);
    if (result != 1) {
        goto out;
    }
    result = 0;
    real = realpath(path, NULL);
    copy = strdup(real != NULL ? real : path);
    if (copy == NULL) {
        result = -ENOMEM;
        goto out;
    }
    const char *folder = dirname(copy);
    for (size_t i = 0; i < 3 && result == 0; i++) {
        result = take_if_fitting(
            file->fd,
            format_path("%s%s%s/%s", i == 2 ? directory : "", folder, i == 1 ? "/.debug" : "", info->link_name),
            build_id, &checksum, info);
    }
    info->by_name = result == 1;
out:
    free(real);
    free(copy);
    if (info->link_name != NULL) {
        tare__clean_text(info->link_name);
    }
    if (info->problem != NULL) {
        tare__clean_text(info->problem);
    }
    return result < 0 ? result : 0;
}

#else

typedef int tare__binary_sections_need_libelf; /* a file must not be empty */

#endif
