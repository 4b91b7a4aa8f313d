/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: what other people's builds leave about, and tare reads to build again: archives and object files,
 * response files, CMake's cache. Each reader gets every input. What is taken must be whole: an archive that is
 * read can be written with its members the other way round, and that one is as good as the first.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "linker/archive.h"
#include "linker/sections.h"
#include "linker/words.h"
#include "record/cmake_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_reversed(const struct tare_archive *archive)
{
    size_t *order = calloc(archive->count + 1, sizeof(*order));
    int fd = memfd_create("archive", MFD_CLOEXEC);
    require(order != NULL && fd >= 0);
    for (size_t i = 0; i < archive->count; i++) {
        order[i] = archive->count - 1 - i;
    }
    int error = tare_archive_write(archive, order, "/folder", fd);
    require(error == 0 || error == -EINVAL || error == -ENOMEM || error == -EFBIG);
    if (error == 0) {
        struct tare_archive other;
        off_t length = lseek(fd, 0, SEEK_CUR);
        uint8_t *bytes = malloc((size_t)length);
        require(bytes != NULL && pread(fd, bytes, (size_t)length, 0) == (ssize_t)length);
        require(tare_archive_read(bytes, (size_t)length, &other) == 0);
        require(other.count == archive->count && other.symbols == archive->symbols &&
                other.thin == archive->thin);
        tare_archive_release(&other);
        free(bytes);
    }
    close(fd);
    free(order);
}

static void check_words(const uint8_t *data, size_t size)
{
    struct tare_words words = {0};
    char *text = malloc(size + 1);
    require(text != NULL);
    for (size_t i = 0; i < size; i++) {
        text[i] = data[i] == '@' ? '#' : (char)data[i]; /* no file is to be read here */
    }
    require(tare_words_parse(&words, text, size, 0) == 0);
    for (size_t i = 0; i < words.count; i++) {
        require(strlen(words.list[i]) <= size);
    }
    require(words.count == 0 || words.list[words.count] == NULL);
    tare_words_release(&words);
    free(text);
}

static void check_cache(const uint8_t *data, size_t size)
{
    static const struct tare__move moves[] = {{"/source/build", "/other/build", true},
                                              {"/source", "/other", false}};
    struct tare__cmake_cache cache;
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    require(tare__cmake_cache_parse(&cache, text) == 0);
    for (size_t i = 0; i < cache.count; i++) {
        char *moved = tare__cmake_moved(cache.entries[i].value, i % 2 == 0, moves, 2);
        require(moved != NULL && tare__cmake_cache_get(&cache, cache.entries[i].name) != NULL);
        free(moved);
    }
    tare__cmake_cache_release(&cache);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tare_archive archive;
    struct tare_sections sections;
    if (tare_archive_read(data, size, &archive) == 0) {
        check_reversed(&archive);
    }
    tare_archive_release(&archive);
    if (tare_sections_read(data, size, &sections) == 0) {
        for (size_t i = 0; i < sections.count; i++) {
            require(strncmp(sections.names[i], ".text.", 6) == 0);
        }
    }
    tare_sections_release(&sections);
    check_words(data, size);
    check_cache(data, size);
    return 0;
}
