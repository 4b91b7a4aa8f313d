/* SPDX-License-Identifier: MIT */
/*
 * How the bytes of a page come to its reader. What may be mapped: of all files, only a memfd can be sealed
 * against shrinking, and of those only one on tmpfs gives memory, not SIGBUS, for a hole that somebody punched
 * into it (hugetlbfs may have none left). So both are asked for, and the size is taken from the file
 * afterwards.
 *
 * A page is mostly holes. Reading one through a mapping would have the kernel fill it with a page of zeros, for
 * good; pread gives zeros and leaves it a hole. So the kernel is asked (SEEK_DATA) where data are, once for
 * each page that there is: what is no hole does not become one.
 */
#include "record/page_access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "runtime/atomic.h"

/* As in <linux/magic.h>, which does not stand among musl's headers. */
#define TMPFS_MAGIC 0x01021994

enum {
    UNIT = 4096, /* of holes; a multiple or a part of the machine's page size does no harm */
    WHOLE_TRIES = 4,
};

/* Larger pages are not mapped: the runtime's largest is some 30 GiB, nearly all of it holes. */
static const uint64_t map_limit = UINT64_C(1) << 36;

int tare__page_fail(struct tare__page_file *file, int error, const char *format, ...)
{
    if (file->message_size > 0) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(file->message, file->message_size, format, arguments);
        va_end(arguments);
    }
    return error;
}

int tare__page_fail_memory(struct tare__page_file *file)
{
    return tare__page_fail(file, -ENOMEM, "no memory to read the page");
}

int tare__page_fail_short(struct tare__page_file *file, uint64_t page_size)
{
    return tare__page_fail(file, -EINVAL, "page is cut short: %llu of %llu bytes",
                           (unsigned long long)tare__page_bytes_there(file),
                           (unsigned long long)(page_size != 0 ? page_size : sizeof(struct tare_page)));
}

int tare__page_file_prepare(struct tare__page_file *file)
{
    if (file->chunk == NULL) {
        file->chunk = aligned_alloc(64, TARE__CHUNK_BYTES);
    }
    return file->chunk != NULL ? 0 : -ENOMEM;
}

uint64_t tare__page_bytes_there(const struct tare__page_file *file)
{
    struct stat status;
    if (fstat(file->source.fd, &status) != 0 || (uint64_t)status.st_size < file->source.offset) {
        return 0;
    }
    return (uint64_t)status.st_size - file->source.offset;
}

static void unmap(struct tare__page_file *file)
{
    if (file->map != NULL) {
        munmap((void *)(uintptr_t)file->map, file->map_size);
    }
    free(file->data);
    file->map = NULL;
    file->data = NULL;
    file->map_size = 0;
}

bool tare__page_mappable(int fd, uint64_t end)
{
    struct statfs fs;
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_SHRINK) != 0 && fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC &&
           fstat(fd, &status) == 0 && (uint64_t)status.st_size >= end;
}

void tare__page_file_map(struct tare__page_file *file, uint64_t size)
{
    unmap(file);
    if (!tare__page_mappable(file->source.fd, 0)) {
        return;
    }
    uint64_t there = tare__page_bytes_there(file);
    size = size < there ? size : there;
    if (size < UNIT || size > map_limit || file->source.offset % (uint64_t)sysconf(_SC_PAGESIZE) != 0) {
        return;
    }
    uint64_t *data = calloc(size / UNIT / 64 + 1, sizeof(*data));
    void *map = data != NULL ? mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_NORESERVE, file->source.fd,
                                    (off_t)file->source.offset)
                             : MAP_FAILED;
    if (map == MAP_FAILED) {
        free(data);
        return;
    }
    file->map = map;
    file->map_size = size;
    file->data = data;
}

void tare__page_file_release(struct tare__page_file *file)
{
    unmap(file);
    free(file->chunk);
    file->chunk = NULL;
}

static bool is_data(const struct tare__page_file *file, uint64_t unit)
{
    return (file->data[unit / 64] >> unit % 64 & 1) != 0;
}

/* Asks the kernel about the data that begin at `unit`, if any do, as far as `end`. Returns whether any do. */
static bool learn(struct tare__page_file *file, uint64_t unit, uint64_t end)
{
    off_t from = (off_t)(file->source.offset + unit * UNIT);
    if (lseek(file->source.fd, from, SEEK_DATA) != from) {
        return false;
    }
    off_t hole = lseek(file->source.fd, from, SEEK_HOLE);
    uint64_t units = hole > from ? (uint64_t)(hole - from + UNIT - 1) / UNIT : 0;
    for (uint64_t i = unit; i < end && i < unit + units; i++) {
        file->data[i / 64] |= UINT64_C(1) << i % 64;
    }
    return units > 0;
}

/* Whether all of it can be read through the mapping. */
static bool is_mapped(struct tare__page_file *file, uint64_t offset, uint64_t size)
{
    uint64_t end;
    if (file->map == NULL || __builtin_add_overflow(offset, size, &end) || end > file->map_size) {
        return false;
    }
    uint64_t units = (end + UNIT - 1) / UNIT;
    for (uint64_t i = offset / UNIT; i < units; i++) {
        if (!is_data(file, i) && !learn(file, i, units)) {
            return false;
        }
    }
    return true;
}

static int read_fully(struct tare__page_file *file, uint64_t offset, void *out, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(file->source.fd, (unsigned char *)out + done, size - done,
                          (off_t)(file->source.offset + offset + done));
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            int error = -errno;
            return tare__page_fail(file, error, "cannot read the page: %s", strerror(-error));
        }
        if (n == 0) {
            return tare__page_fail_short(file, file->page_size);
        }
        done += (size_t)n;
    }
    return 0;
}

/* A copy that the compiler can take for nothing but a copy: it may not go back to what is mapped. */
static void copy_once(void *out, const unsigned char *at, size_t size)
{
    if (((uintptr_t)at | (uintptr_t)out | size) % 8 == 0) {
        const uint64_t *from = (const void *)at;
        uint64_t *to = out;
        for (size_t i = 0; i < size / 8; i++) {
            to[i] = load_relaxed(&from[i]);
        }
    } else {
        memcpy(out, at, size);
        __asm__ volatile("" ::: "memory");
    }
}

int tare__page_copy(struct tare__page_file *file, uint64_t offset, void *out, size_t size)
{
    if (size > 0 && is_mapped(file, offset, size)) {
        copy_once(out, file->map + offset, size);
        return 0;
    }
    return read_fully(file, offset, out, size);
}

int tare__page_window(struct tare__page_file *file, uint64_t offset, size_t size, const unsigned char **at,
                      bool *mapped)
{
    bool direct = is_mapped(file, offset, size);
    if (mapped != NULL) {
        *mapped = direct;
    }
    *at = direct ? file->map + offset : file->chunk;
    return direct ? 0 : read_fully(file, offset, file->chunk, size);
}

uint64_t tare__page_next_data(const struct tare__page_file *file, uint64_t offset, uint64_t end)
{
    uint64_t from = file->source.offset + offset;
    off_t data = lseek(file->source.fd, (off_t)from, SEEK_DATA);
    if (data < 0) { /* nothing but a hole up to the file's end, which may be too early */
        return errno == ENXIO && tare__page_bytes_there(file) >= end ? end : offset;
    }
    return (uint64_t)data > from ? offset + ((uint64_t)data - from) : offset;
}

int tare__page_records(struct tare__page_file *file, uint64_t offset, uint32_t stride, uint32_t count,
                       size_t size, void *out)
{
    if (stride == size) {
        return tare__page_copy(file, offset, out, (size_t)count * size);
    }
    uint32_t at_once = TARE__CHUNK_BYTES / stride;
    for (uint32_t first = 0; first < count; first += at_once) {
        uint32_t now = count - first < at_once ? count - first : at_once;
        const unsigned char *at;
        int error = tare__page_window(file, offset + (uint64_t)first * stride,
                                      (size_t)(now - 1) * stride + size, &at, NULL);
        if (error != 0) {
            return error;
        }
        for (uint32_t i = 0; i < now; i++) {
            copy_once((unsigned char *)out + (size_t)(first + i) * size, at + (size_t)i * stride, size);
        }
    }
    return 0;
}

static uint64_t sequence_of(const unsigned char *record, struct tare__page_sequence sequence)
{
    return sequence.size == 8 ? load_acquire((const uint64_t *)(const void *)(record + sequence.at))
                              : load_acquire((const uint32_t *)(const void *)(record + sequence.at));
}

/* A record that is mapped, in up to `tries`. */
static bool catch_mapped(const unsigned char *at, size_t size, struct tare__page_sequence sequence, void *out)
{
    for (int i = 0; i < WHOLE_TRIES; i++) {
        uint64_t before = sequence_of(at, sequence);
        copy_once(out, at, size);
        tare__acquire_fence();
        if (before % 2 == 0 && sequence_of(at, sequence) == before) {
            return true;
        }
    }
    return false;
}

/*
 * Up to a chunk of records by pread, which copies in no particular order: the sequences, then the records, then
 * the sequences.
 */
static int catch_read(struct tare__page_file *file, uint64_t offset, uint32_t stride, uint32_t count,
                      size_t size, struct tare__page_sequence sequence, unsigned char *out, bool *whole,
                      uint64_t *before)
{
    size_t bytes = (size_t)(count - 1) * stride + size;
    int error = 0;
    for (int pass = 0; pass < 3 && error == 0; pass++) {
        tare__acquire_fence();
        error = read_fully(file, offset, file->chunk, bytes);
        for (uint32_t i = 0; i < count && error == 0; i++) {
            const unsigned char *record = file->chunk + (size_t)i * stride;
            if (!whole[i]) {
                continue;
            }
            if (pass == 0) {
                before[i] = sequence_of(record, sequence);
            } else if (pass == 1) {
                memcpy(out + i * size, record, size);
            } else {
                whole[i] = before[i] % 2 == 0 && before[i] == sequence_of(record, sequence);
            }
        }
    }
    return error;
}

/* The same, and those that were being written once more, one by one, as long as there are retries. */
static int catch_chunk(struct tare__page_file *file, uint64_t offset, uint32_t stride, uint32_t count,
                       size_t size, struct tare__page_sequence sequence, unsigned char *out, bool *whole)
{
    uint64_t *before = malloc(count * sizeof(*before));
    bool *wanted = before != NULL ? malloc(count) : NULL;
    if (wanted == NULL) {
        free(before);
        return tare__page_fail_memory(file);
    }
    memcpy(wanted, whole, count);
    int error = catch_read(file, offset, stride, count, size, sequence, out, whole, before);
    for (uint32_t i = 0; i < count && error == 0; i++) {
        for (int k = 1; k < WHOLE_TRIES && wanted[i] && !whole[i] && file->retries > 0 && error == 0; k++) {
            file->retries--;
            whole[i] = true;
            error = catch_read(file, offset + (uint64_t)i * stride, stride, 1, size, sequence, out + i * size,
                               &whole[i], before);
        }
    }
    free(wanted);
    free(before);
    return error;
}

int tare__page_whole_records(struct tare__page_file *file, uint64_t offset, uint32_t stride, uint32_t count,
                             size_t size, struct tare__page_sequence sequence, void *out, bool *whole)
{
    uint32_t at_once = TARE__CHUNK_BYTES / stride;
    int error = 0;
    for (uint32_t first = 0; first < count && error == 0; first += at_once) {
        uint32_t now = count - first < at_once ? count - first : at_once;
        uint64_t from = offset + (uint64_t)first * stride;
        size_t bytes = (size_t)(now - 1) * stride + size;
        unsigned char *to = (unsigned char *)out + (size_t)first * size;
        if (!is_mapped(file, from, bytes)) {
            error = catch_chunk(file, from, stride, now, size, sequence, to, whole + first);
            continue;
        }
        for (uint32_t i = 0; i < now; i++) {
            whole[first + i] = whole[first + i] && catch_mapped(file->map + from + (size_t)i * stride, size,
                                                                sequence, to + i * size);
        }
    }
    return error;
}

bool tare__page_spend(struct tare__page_file *file, uint64_t bytes)
{
    if (bytes > file->extras_budget) {
        return false;
    }
    file->extras_budget -= bytes;
    return true;
}
