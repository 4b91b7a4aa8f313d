/* SPDX-License-Identifier: MIT */
/*
 * The members of a static library in another order. Linkers that take members in the order of the library's
 * index then lay them out in another order, too, while the library's place among the others stays.
 *
 * What is read is System V's format with GNU's extensions, the one of Linux (ar.h; GNU binutils'
 * include/coff/../ar documentation calls the index "armap"):
 *
 *     "!<arch>\n", or "!<thin>\n": members are files elsewhere, and nothing of them lies here but their headers
 *     header of 60 bytes, data, a newline if the size is odd; and so on
 *
 *     offset size  header
 *          0   16  name: "/" or "/SYM64/" index, "//" long names, "/N" at byte N of these, or "NAME/"
 *         16   32  modification time, user, group, mode
 *         48   10  size of the data in bytes, decimal
 *         58    2  "`\n"
 *
 *     index: number of symbols, for each one the place of its member's header, each 4 bytes (8 in "/SYM64/"),
 *     the highest first; then their names, each with a NUL. Symbols of a member stand together.
 */
#ifndef TARE_LINKER_ARCHIVE_H
#define TARE_LINKER_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tare_archive_member {
    size_t header; /* place */
    size_t size;   /* with its header and padding, as it lies in the archive */
};

struct tare_archive {
    const unsigned char *bytes; /* the caller's */
    size_t size;
    bool thin;
    size_t index; /* place of the header of the index */
    size_t index_size, number_bytes, symbols;
    size_t names, names_size; /* data of the long names; 0: none */
    struct tare_archive_member *members;
    size_t count;
};

/*
 * Reads the bytes of an archive. Returns 0, -EINVAL for what is damaged or of another kind, -ENOTSUP for one
 * that has to stay as it is (no index; a symbol that two members define, so that the first one decides),
 * or -ENOMEM. In each case `archive` is to be released; it refers to the bytes.
 */
int tare_archive_read(const void *bytes, size_t size, struct tare_archive *archive);
void tare_archive_release(struct tare_archive *archive);

/*
 * Writes it with the members in the given order (order[i]: the one that comes at place i) to `fd`. `folder` is
 * where the archive lies, absolute: members of a thin one are named from there. 0 or -errno.
 */
int tare_archive_write(const struct tare_archive *archive, const size_t *order, const char *folder, int fd);

#endif
