/* SPDX-License-Identifier: MIT */
/*
 * A copy of an archive whose members and index are in another order. Linkers go through the index from its
 * start for as long as they find what they miss, so it is the index's order that counts. The set of members
 * that they take stays the same, as no two members define the same symbol.
 */
#include "linker/archive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAGIC = 8, HEADER = 60, NAME = 16, SIZE_AT = 48, SIZE_DIGITS = 10 };

#define SIZE_LIMIT                                                                                             \
    (UINT64_C(4) << 30) /* of an archive: it is held in memory; a size of 10 digits has room for it */

/* Decimal digits, then blanks. Returns false for anything else. */
static bool read_decimal(const unsigned char *text, size_t width, size_t *value)
{
    size_t at = 0;
    *value = 0;
    for (; at < width && text[at] >= '0' && text[at] <= '9'; at++) {
        *value = *value * 10 + (size_t)(text[at] - '0');
    }
    bool some = at > 0;
    while (at < width && text[at] == ' ') {
        at++;
    }
    return some && at == width;
}

static uint64_t read_number(const unsigned char *bytes, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static void write_number(unsigned char *bytes, size_t width, uint64_t value)
{
    for (size_t i = width; i > 0; i--) {
        bytes[i - 1] = (unsigned char)value;
        value >>= 8;
    }
}

static bool is_named(const unsigned char *header, const char *name)
{
    size_t length = strlen(name);
    if (memcmp(header, name, length) != 0) {
        return false;
    }
    for (size_t i = length; i < NAME; i++) {
        if (header[i] != ' ') {
            return false;
        }
    }
    return true;
}

/* The member whose header is at that place; count: none. Members are in the order of their places. */
static size_t find_member(const struct tare_archive *archive, uint64_t place)
{
    size_t low = 0, high = archive->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (archive->members[middle].header < place) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < archive->count && archive->members[low].header == place ? low : archive->count;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

/* That the index is whole, and no symbol in it twice. */
static int check_index(struct tare_archive *archive)
{
    const unsigned char *data = archive->bytes + archive->index + HEADER;
    size_t width = archive->number_bytes, size = archive->index_size;
    if (size < width) {
        return -EINVAL;
    }
    uint64_t count = read_number(data, width);
    if (count > (size - width) / (width + 1)) { /* a name takes its NUL at least */
        return -EINVAL;
    }
    archive->symbols = (size_t)count;
    const char **names = calloc(archive->symbols + 1, sizeof(*names));
    if (names == NULL) {
        return -ENOMEM;
    }
    int error = 0;
    const char *name = (const char *)data + width * (archive->symbols + 1), *end = (const char *)data + size;
    for (size_t i = 0; error == 0 && i < archive->symbols; i++) {
        const char *stop = memchr(name, '\0', (size_t)(end - name));
        if (stop == NULL ||
            find_member(archive, read_number(data + width * (i + 1), width)) == archive->count) {
            error = -EINVAL;
        } else {
            names[i] = name;
            name = stop + 1;
        }
    }
    if (error == 0) {
        qsort(names, archive->symbols, sizeof(*names), compare_names);
    }
    for (size_t i = 1; error == 0 && i < archive->symbols; i++) {
        error = strcmp(names[i - 1], names[i]) == 0 ? -ENOTSUP : 0;
    }
    free(names);
    return error;
}

static int add_member(struct tare_archive *archive, size_t header, size_t size)
{
    if ((archive->count & (archive->count + 1)) == 0) {
        struct tare_archive_member *more =
            realloc(archive->members, (2 * archive->count + 1) * sizeof(*archive->members));
        if (more == NULL) {
            return -ENOMEM;
        }
        archive->members = more;
    }
    archive->members[archive->count++] = (struct tare_archive_member){header, size};
    return 0;
}

/* One header and what belongs to it. *at moves behind it. */
static int read_member(struct tare_archive *archive, size_t *at)
{
    const unsigned char *header = archive->bytes + *at;
    size_t size, left = archive->size - *at;
    if (left < HEADER || memcmp(header + HEADER - 2, "`\n", 2) != 0 ||
        !read_decimal(header + SIZE_AT, SIZE_DIGITS, &size)) {
        return -EINVAL;
    }
    bool index = is_named(header, "/"), long_index = is_named(header, "/SYM64/"),
         names = is_named(header, "//");
    size_t here = archive->thin && !index && !long_index && !names ? 0 : size;
    if (here > left - HEADER) {
        return -EINVAL;
    }
    size_t taken = HEADER + here + (here & 1);
    taken = taken < left ? taken : left; /* the last one may lack the newline */
    int error = 0;
    if (index || long_index) {
        /* The first member, and the only one; what Windows has besides, a second "/", is not for us. */
        error = *at == MAGIC ? 0 : -EINVAL;
        archive->index = *at;
        archive->index_size = size;
        archive->number_bytes = long_index ? 8 : 4;
    } else if (names) {
        error = archive->names == 0 && archive->count == 0 ? 0 : -EINVAL;
        archive->names = *at + HEADER;
        archive->names_size = size;
    } else {
        error = add_member(archive, *at, taken);
    }
    *at += taken;
    return error;
}

int tare_archive_read(const void *bytes, size_t size, struct tare_archive *archive)
{
    *archive = (struct tare_archive){.bytes = bytes, .size = size};
    if (size < MAGIC) {
        return -EINVAL;
    }
    if (size > SIZE_LIMIT) {
        return -ENOTSUP;
    }
    archive->thin = memcmp(bytes, "!<thin>\n", MAGIC) == 0;
    if (!archive->thin && memcmp(bytes, "!<arch>\n", MAGIC) != 0) {
        return -EINVAL;
    }
    int error = 0;
    for (size_t at = MAGIC; error == 0 && at < size;) {
        error = read_member(archive, &at);
    }
    if (error == 0) {
        error = archive->index == 0 ? -ENOTSUP : check_index(archive);
    }
    return error;
}

void tare_archive_release(struct tare_archive *archive)
{
    free(archive->members);
    *archive = (struct tare_archive){0};
}

/* Bytes that are put together one after the other. */
struct output {
    unsigned char *bytes;
    size_t used, room;
};

static void put(struct output *output, const void *bytes, size_t size)
{
    memcpy(output->bytes + output->used, bytes, size); /* there is room: the caller has counted */
    output->used += size;
}

/* The header of a special member. */
static void put_header(struct output *output, const char *name, size_t size)
{
    char header[HEADER + 1];
    snprintf(header, sizeof(header), "%-16s%-12s%-6s%-6s%-8s%-10zu`\n", name, "0", "0", "0", "0", size);
    put(output, header, HEADER);
}

/*
 * The name of a member of a thin archive, from where the archive lies: "/N", at byte N of the long names, which
 * ends with "/\n". NULL for what is not of that form: a member of an archive within ("/N:M") is left alone.
 */
static const char *thin_name(const struct tare_archive *archive, size_t member, size_t *length)
{
    const unsigned char *header = archive->bytes + archive->members[member].header;
    const char *names = (const char *)archive->bytes + archive->names;
    size_t at;
    if (archive->names == 0 || header[0] != '/' || !read_decimal(header + 1, NAME - 1, &at) ||
        at >= archive->names_size) {
        return NULL;
    }
    const char *end = memmem(names + at, archive->names_size - at, "/\n", 2);
    *length = end != NULL ? (size_t)(end - names) - at : 0;
    return end != NULL ? names + at : NULL;
}

/* Bytes that the long names take; 0 with -EINVAL in *error if there are some that cannot be taken over. */
static size_t names_room(const struct tare_archive *archive, const char *folder, int *error)
{
    size_t room = archive->names_size;
    for (size_t i = 0; archive->thin && i < archive->count; i++) {
        size_t length = 0;
        if (thin_name(archive, i, &length) == NULL) {
            *error = -EINVAL;
            return 0;
        }
        room += strlen(folder) + length + 4;
    }
    return room;
}

/*
 * The long names: as they are, or those of a thin archive with its folder before them. at[i] is where the name
 * of member i begins then.
 */
static void put_names(const struct tare_archive *archive, const char *folder, struct output *output, size_t *at)
{
    if (!archive->thin) {
        if (archive->names != 0) {
            put_header(output, "//", archive->names_size);
            put(output, archive->bytes + archive->names, archive->names_size);
        }
    } else {
        size_t header = output->used, length;
        put_header(output, "//", 0);
        size_t start = output->used;
        for (size_t i = 0; i < archive->count; i++) {
            const char *name = thin_name(archive, i, &length);
            at[i] = output->used - start;
            if (name[0] != '/') {
                put(output, folder, strlen(folder));
                put(output, "/", 1);
            }
            put(output, name, length);
            put(output, "/\n", 2);
        }
        size_t end = output->used;
        output->used = header;
        put_header(output, "//", end - start);
        output->used = end;
    }
    if (output->used & 1) {
        put(output, "\n", 1);
    }
}

static void put_members(const struct tare_archive *archive, const size_t *order, struct output *output,
                        const size_t *name_at, size_t *places)
{
    for (size_t i = 0; i < archive->count; i++) {
        const struct tare_archive_member *member = &archive->members[order[i]];
        unsigned char *header = output->bytes + output->used;
        places[order[i]] = output->used;
        put(output, archive->bytes + member->header, member->size);
        if (archive->thin) {
            char name[NAME + 8];
            snprintf(name, sizeof(name), "/%-15zu", name_at[order[i]]);
            memcpy(header, name, NAME);
        }
        if (output->used & 1) {
            put(output, "\n", 1);
        }
    }
}

/* The index, into its place: symbols in the order of the members, and within one as they were. */
static int fill_index(const struct tare_archive *archive, const size_t *order, const size_t *places,
                      unsigned char *data)
{
    const unsigned char *before = archive->bytes + archive->index + HEADER;
    size_t width = archive->number_bytes, count = archive->symbols, at = 0;
    /* The symbols of each member, as lists. */
    size_t *first = malloc((archive->count + 1) * sizeof(*first)), *next = malloc((count + 1) * sizeof(*next));
    const char **names = malloc((count + 1) * sizeof(*names));
    int error = first == NULL || next == NULL || names == NULL ? -ENOMEM : 0;
    if (error != 0) {
        goto out;
    }
    for (size_t i = 0; i < archive->count; i++) {
        first[i] = count;
    }
    const char *name = (const char *)before + width * (count + 1);
    for (size_t i = 0; i < count; i++) {
        names[i] = name;
        name += strlen(name) + 1;
    }
    for (size_t i = count; i > 0; i--) {
        size_t member = find_member(archive, read_number(before + width * i, width));
        next[i - 1] = first[member];
        first[member] = i - 1;
    }
    char *text = (char *)data + width * (count + 1);
    write_number(data, width, count);
    for (size_t i = 0; i < archive->count; i++) {
        for (size_t symbol = first[order[i]]; symbol != count; symbol = next[symbol]) {
            size_t length = strlen(names[symbol]) + 1;
            write_number(data + width * ++at, width, places[order[i]]);
            memcpy(text, names[symbol], length);
            text += length;
        }
    }
out:
    free(first);
    free(next);
    free(names);
    return error;
}

static int write_all(int fd, const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno != EINTR) {
            return -errno;
        }
        bytes += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

int tare_archive_write(const struct tare_archive *archive, const size_t *order, const char *folder, int fd)
{
    int error = 0;
    size_t names = names_room(archive, folder, &error);
    struct output output = {.room = archive->size + names + 3 * HEADER + archive->count};
    size_t *name_at = NULL, *places = NULL;
    if (error != 0) {
        return error;
    }
    output.bytes = calloc(1, output.room);
    name_at = calloc(archive->count + 1, sizeof(*name_at));
    places = calloc(archive->count + 1, sizeof(*places));
    if (output.bytes == NULL || name_at == NULL || places == NULL) {
        error = -ENOMEM;
        goto out;
    }
    put(&output, archive->thin ? "!<thin>\n" : "!<arch>\n", MAGIC);
    put_header(&output, archive->number_bytes == 8 ? "/SYM64/" : "/", archive->index_size);
    unsigned char *index = output.bytes + output.used;
    output.used += archive->index_size + (archive->index_size & 1);
    put_names(archive, folder, &output, name_at);
    put_members(archive, order, &output, name_at, places);
    if (archive->number_bytes == 4 && output.used > UINT32_MAX) {
        error = -EFBIG;
        goto out;
    }
    error = fill_index(archive, order, places, index);
    if (error == 0) {
        error = write_all(fd, output.bytes, output.used);
    }
out:
    free(output.bytes);
    free(name_at);
    free(places);
    return error;
}
