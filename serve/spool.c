/* SPDX-License-Identifier: MIT */
/*
 * The spool. Segments are small against the whole, so that room is made in small steps; a batch is never
 * split. Whoever opens it goes through all segments once, and lists what is whole (serve/spool_scan.c).
 *
 * One thread adds while another sends and removes. What both know is the list of batches, under a lock that is
 * held for as long as that takes in memory. Files are written and removed without it: the segment that is being
 * written is left alone by the other thread while that takes.
 */
#include "serve/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { NAME_DIGITS = 20, NAME_SIZE = NAME_DIGITS + 7 };

static void name_of(uint64_t segment, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%020" PRIu64 ".spool", segment);
}

static bool segment_of(const char *name, uint64_t *segment)
{
    if (strlen(name) != NAME_SIZE - 1 || strspn(name, "0123456789") != NAME_DIGITS ||
        strcmp(name + NAME_DIGITS, ".spool") != 0) {
        return false;
    }
    errno = 0;
    *segment = strtoull(name, NULL, 10);
    return errno == 0 && *segment != 0;
}

/* Lists it. Under the lock, or while nobody else uses the spool. */
static int keep(struct tare_spool *spool, const struct tare_spool_batch *batch)
{
    if (spool->count == spool->capacity) {
        size_t capacity = spool->capacity * 2 + 64;
        struct tare_spool_batch *batches = realloc(spool->batches, capacity * sizeof(*batches));
        if (batches == NULL) {
            return -ENOMEM;
        }
        spool->batches = batches;
        spool->capacity = capacity;
    }
    spool->batches[spool->count++] = *batch;
    return 0;
}

/* How many of the first segment's batches are listed, and its bytes, as far as they are known. */
static size_t first_segment(const struct tare_spool *spool, uint64_t *size)
{
    size_t count = 0;
    *size = 0;
    while (count < spool->count && spool->batches[count].segment == spool->batches[0].segment) {
        *size = spool->batches[count].offset + spool->batches[count].size;
        count++;
    }
    return count;
}

static void unlist(struct tare_spool *spool, size_t count)
{
    if (count > 0) {
        spool->count -= count;
        memmove(spool->batches, spool->batches + count, spool->count * sizeof(*spool->batches));
    }
}

static void less_bytes(struct tare_spool *spool, uint64_t size)
{
    spool->bytes -= size < spool->bytes ? size : spool->bytes;
}

/* The first one, which nobody writes to. The file goes first: what could not be removed stays listed. */
static int remove_first(struct tare_spool *spool, uint64_t segment, void (*dropped)(void *, uint64_t),
                        void *data)
{
    char name[NAME_SIZE];
    name_of(segment, name);
    if (unlinkat(spool->folder_fd, name, 0) != 0 && errno != ENOENT) {
        return -errno;
    }
    pthread_mutex_lock(&spool->lock);
    if (spool->count > 0 && spool->batches[0].segment == segment) { /* else the other thread was faster */
        uint64_t size;
        size_t count = first_segment(spool, &size);
        for (size_t i = 0; i < count && dropped != NULL; i++) {
            dropped(data, spool->batches[i].number);
        }
        unlist(spool, count);
        less_bytes(spool, size);
    }
    pthread_mutex_unlock(&spool->lock);
    return 0;
}

/* Of a segment that was there when the spool was opened. */
struct scan {
    struct tare_spool *spool;
    int fd;
    uint64_t size, next; /* the number of the segment behind it; 0: it is the last one */
    uint64_t damaged;
    int failure;
};

static uint64_t last_number(const struct tare_spool *spool)
{
    uint64_t last = spool->count > 0 ? spool->batches[spool->count - 1].number : 0;
    return last > spool->settled ? last : spool->settled;
}

static void take_batch(void *data, const struct tare_spool_batch *batch)
{
    struct scan *scan = data;
    /* Above the last one, and so never twice: a segment whose end could not be cut away may have one more. */
    if (batch->number > last_number(scan->spool) && scan->failure == 0) {
        scan->failure = keep(scan->spool, batch);
    }
}

static int write_all(int fd, const void *bytes, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t part = pwrite(fd, (const char *)bytes + done, size - done, (off_t)(offset + done));
        if (part < 0 && errno == EINTR) {
            continue;
        }
        if (part <= 0) {
            return part < 0 ? -errno : -EIO;
        }
        done += (size_t)part;
    }
    return 0;
}

static void bury(int fd, uint64_t offset, uint64_t number, uint64_t count, uint64_t size)
{
    uint8_t header[TARE_SPOOL_HEADER];
    tare__spool_grave(header, number, count, size);
    if (write_all(fd, header, sizeof(header), offset) == 0) {
        fdatasync(fd);
    }
}

/* What was settled, or is in another segment, is not lost. */
static void take_gap(void *data, const struct tare_spool_gap *gap)
{
    struct scan *scan = data;
    uint64_t last = last_number(scan->spool), end = gap->number + gap->count;
    bool is_tail = gap->offset + gap->size == scan->size;
    if (is_tail && scan->next != 0) {
        end = scan->next;
    } else if (is_tail && gap->count == 0) {
        end++;
    }
    uint64_t first = gap->number > last ? gap->number : last + 1;
    scan->damaged += end > first ? end - first : 0;
    if (!is_tail && gap->size >= TARE_SPOOL_HEADER) {
        bury(scan->fd, gap->offset, gap->number, gap->count, gap->size);
    }
}

/* One segment that was there: its batches, and what is behind them cut off. */
static int take_segment(struct tare_spool *spool, uint64_t segment, uint64_t next)
{
    char name[NAME_SIZE];
    name_of(segment, name);
    int fd = openat(spool->folder_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        int failure = -errno;
        if (fd >= 0) {
            close(fd);
        }
        return failure;
    }
    uint64_t whole = 0;
    struct scan scan = {.spool = spool, .fd = fd, .size = (uint64_t)st.st_size, .next = next};
    int failure = 0;
    if (scan.size > 0) {
        void *bytes = mmap(NULL, scan.size, PROT_READ, MAP_PRIVATE, fd, 0); /* ours alone: the lock is held */
        failure = bytes == MAP_FAILED ? -errno : 0;
        if (failure == 0) {
            const struct tare_spool_finder finder = {take_batch, take_gap, &scan};
            whole = tare_spool_scan(bytes, scan.size, segment, &finder);
            munmap(bytes, scan.size);
            failure = scan.failure;
        }
    }
    spool->damaged += scan.damaged;
    if (failure == 0 && whole < scan.size && (ftruncate(fd, (off_t)whole) != 0 || fdatasync(fd) != 0)) {
        failure = -errno;
    }
    close(fd);
    if (failure == 0) {
        bool empty = spool->count == 0 || spool->batches[spool->count - 1].segment != segment;
        spool->bytes += empty ? 0 : whole;
        failure = empty && unlinkat(spool->folder_fd, name, 0) != 0 ? -errno : 0;
    }
    return failure;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The segments that are there, in order. */
static int list_segments(const struct tare_spool *spool, uint64_t **segments, size_t *count)
{
    int fd = openat(spool->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (folder == NULL) {
        int failure = -errno;
        if (fd >= 0) {
            close(fd);
        }
        return failure;
    }
    int failure = 0;
    size_t capacity = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL && failure == 0; entry = readdir(folder)) {
        uint64_t segment;
        if (!segment_of(entry->d_name, &segment)) {
            continue;
        }
        if (*count == capacity) {
            capacity = capacity * 2 + 16;
            uint64_t *more = realloc(*segments, capacity * sizeof(*more));
            if (more == NULL) {
                failure = -ENOMEM;
                break;
            }
            *segments = more;
        }
        (*segments)[(*count)++] = segment;
    }
    closedir(folder);
    if (*count > 0) {
        qsort(*segments, *count, sizeof(**segments), by_number);
    }
    return failure;
}

/* Up to where they are done with; 0 if nothing says so, or it cannot be believed. */
static uint64_t read_settled(const struct tare_spool *spool)
{
    char text[64];
    int fd = openat(spool->folder_fd, "settled", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    if (size <= 0) {
        return 0;
    }
    text[size] = '\0';
    uint64_t number;
    uint32_t crc;
    char digits[24];
    if (sscanf(text, "%20" SCNu64 " %8" SCNx32, &number, &crc) != 2) {
        return 0;
    }
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    return tare__crc32(digits, (size_t)length) == crc ? number : 0;
}

/* A name is on disk once its folder is. */
static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failure = fd < 0 || fsync(fd) != 0 ? -errno : 0;
    if (fd >= 0) {
        close(fd);
    }
    /* One that may be passed through, but not read, was there before us. */
    return failure == -EACCES ? 0 : failure;
}

static int sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    int failure = parent != NULL ? sync_folder(parent) : -ENOMEM;
    free(parent);
    return failure;
}

static int make_folders(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL) {
        return -ENOMEM;
    }
    int failure = 0;
    for (char *at = copy + 1; failure == 0; at++) {
        if (*at == '/' || *at == '\0') {
            char was = *at;
            *at = '\0';
            bool made = mkdir(copy, 0700) == 0;
            failure = made ? sync_parent(copy) : errno != EEXIST ? -errno : 0;
            *at = was;
            if (was == '\0') {
                break;
            }
        }
    }
    free(copy);
    return failure;
}

int tare_spool_open(struct tare_spool *spool, const char *folder, uint64_t max_bytes, char *message,
                    size_t message_size)
{
    *spool = TARE_SPOOL_CLOSED;
    spool->max_bytes = max_bytes;
    spool->next = 1;
    uint64_t *segments = NULL;
    size_t count = 0;
    int failure = *folder == '\0' ? -ENOENT : make_folders(folder);
    if (failure == 0) {
        spool->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        spool->lock_fd = spool->folder_fd >= 0
                             ? openat(spool->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
                             : -1;
        failure = spool->lock_fd < 0 ? -errno : 0;
    }
    if (failure == 0 && flock(spool->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        failure = errno == EWOULDBLOCK ? -EBUSY : -errno;
    }
    if (failure == 0) {
        spool->settled = read_settled(spool);
        spool->next = spool->settled + 1;
        failure = list_segments(spool, &segments, &count);
    }
    for (size_t i = 0; i < count && failure == 0; i++) {
        failure = take_segment(spool, segments[i], i + 1 < count ? segments[i + 1] : 0);
    }
    free(segments);
    if (failure == 0 && spool->count > 0) {
        spool->next = spool->batches[spool->count - 1].number + 1;
    }
    if (failure != 0) {
        if (failure == -EBUSY) {
            snprintf(message, message_size,
                     "the spool '%s' is used by another tare: end that one, or give another --push-dir",
                     folder);
        } else {
            snprintf(message, message_size, "cannot use the spool '%s': %s", folder, strerror(-failure));
        }
        tare_spool_close(spool);
    }
    return failure;
}

void tare_spool_close(struct tare_spool *spool)
{
    const int fds[] = {spool->write_fd, spool->lock_fd, spool->folder_fd};
    for (size_t i = 0; i < 3; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    free(spool->batches);
    pthread_mutex_destroy(&spool->lock);
    *spool = TARE_SPOOL_CLOSED;
}

/* Under the lock, or by the thread that writes to it. */
static void finish_segment(struct tare_spool *spool)
{
    if (spool->write_fd >= 0) {
        close(spool->write_fd);
    }
    spool->write_fd = -1;
    spool->write_segment = 0;
}

static int make_room(struct tare_spool *spool, uint64_t wanted, void (*dropped)(void *, uint64_t), void *data)
{
    if (wanted > spool->max_bytes) {
        return -EFBIG;
    }
    for (;;) {
        pthread_mutex_lock(&spool->lock);
        bool full = spool->bytes + wanted > spool->max_bytes && spool->count > 0;
        uint64_t segment = full ? spool->batches[0].segment : 0;
        if (full && segment == spool->write_segment) {
            finish_segment(spool);
        }
        pthread_mutex_unlock(&spool->lock);
        int failure = full ? remove_first(spool, segment, dropped, data) : 0;
        if (!full || failure != 0) {
            return failure;
        }
    }
}

/* So that a segment's name is on disk before what it holds is promised. */
static int begin_segment(struct tare_spool *spool)
{
    char name[NAME_SIZE];
    name_of(spool->next, name);
    int fd = openat(spool->folder_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    pthread_mutex_lock(&spool->lock);
    spool->write_fd = fd;
    spool->write_segment = spool->next;
    spool->write_size = 0;
    pthread_mutex_unlock(&spool->lock);
    return fsync(spool->folder_fd) != 0 ? -errno : 0;
}

/*
 * What was being added is taken back. Whether it is gone from the disk nobody can promise, so its number is not
 * used again: were it there after all, there would be two of one number.
 */
static void give_up(struct tare_spool *spool)
{
    if (spool->write_fd < 0) {
        return;
    }
    char name[NAME_SIZE];
    name_of(spool->write_segment, name);
    pthread_mutex_lock(&spool->lock);
    /* Those that were in it may all have been settled since. */
    bool empty = spool->count == 0 || spool->batches[spool->count - 1].segment != spool->write_segment;
    if (empty) {
        less_bytes(spool, spool->write_size);
    }
    pthread_mutex_unlock(&spool->lock);
    if (empty) {
        unlinkat(spool->folder_fd, name, 0); /* one that stays goes when the spool is opened again */
    } else if (ftruncate(spool->write_fd, (off_t)spool->write_size) == 0) {
        fdatasync(spool->write_fd);
    }
    pthread_mutex_lock(&spool->lock);
    finish_segment(spool);
    pthread_mutex_unlock(&spool->lock);
    spool->next++;
}

static int write_batch(struct tare_spool *spool, uint64_t unix_ms, const void *bytes, size_t size)
{
    uint8_t header[TARE_SPOOL_HEADER];
    tare__spool_header(header, spool->next, unix_ms, bytes, (uint32_t)size);
    int failure = write_all(spool->write_fd, header, sizeof(header), spool->write_size);
    failure =
        failure == 0 ? write_all(spool->write_fd, bytes, size, spool->write_size + sizeof(header)) : failure;
    return failure == 0 && fdatasync(spool->write_fd) != 0 ? -errno : failure;
}

/* It is in the list once it is on disk: what is sent from there has been kept. */
static int list_written(struct tare_spool *spool, uint64_t unix_ms, size_t size)
{
    const struct tare_spool_batch batch = {.number = spool->next,
                                           .unix_ms = unix_ms,
                                           .segment = spool->write_segment,
                                           .offset = spool->write_size + TARE_SPOOL_HEADER,
                                           .size = (uint32_t)size};
    pthread_mutex_lock(&spool->lock);
    int failure = keep(spool, &batch);
    if (failure == 0) {
        spool->write_size = batch.offset + size;
        spool->bytes += TARE_SPOOL_HEADER + size;
    }
    pthread_mutex_unlock(&spool->lock);
    return failure;
}

/* A sixteenth of what the spool may take, or of what the disk has for it, where that is less. */
static uint64_t segment_limit(struct tare_spool *spool)
{
    struct statvfs disk;
    uint64_t most = spool->max_bytes;
    if (fstatvfs(spool->folder_fd, &disk) == 0) {
        pthread_mutex_lock(&spool->lock);
        double room = (double)spool->bytes + (double)disk.f_bavail * (double)disk.f_frsize;
        pthread_mutex_unlock(&spool->lock);
        most = room < (double)most ? (uint64_t)room : most;
    }
    return most / 16 < 4 << 20 ? most / 16 : 4 << 20;
}

static int append(struct tare_spool *spool, uint64_t unix_ms, const void *bytes, size_t size)
{
    uint64_t wanted = TARE_SPOOL_HEADER + (uint64_t)size, segment_max = segment_limit(spool);
    pthread_mutex_lock(&spool->lock);
    spool->writing = true;
    if (spool->write_segment != 0 && spool->write_size + wanted > segment_max) {
        finish_segment(spool);
    }
    bool begins = spool->write_segment == 0;
    pthread_mutex_unlock(&spool->lock);
    int failure = begins ? begin_segment(spool) : 0;
    failure = failure == 0 ? write_batch(spool, unix_ms, bytes, size) : failure;
    failure = failure == 0 ? list_written(spool, unix_ms, size) : failure;
    if (failure == 0) {
        spool->next++;
    } else {
        give_up(spool);
    }
    pthread_mutex_lock(&spool->lock);
    spool->writing = false;
    pthread_mutex_unlock(&spool->lock);
    return failure;
}

static bool is_full_disk(int failure)
{
    return failure == -ENOSPC || failure == -EDQUOT;
}

/* The first segment, while nothing is written to it. Returns its bytes; 0: there is none, or it stays. */
static uint64_t give_first(struct tare_spool *spool, void (*dropped)(void *, uint64_t), void *data)
{
    uint64_t size;
    pthread_mutex_lock(&spool->lock);
    first_segment(spool, &size);
    uint64_t segment = spool->count > 0 ? spool->batches[0].segment : 0;
    pthread_mutex_unlock(&spool->lock);
    return segment != 0 && remove_first(spool, segment, dropped, data) == 0 ? size : 0;
}

int tare_spool_add(struct tare_spool *spool, uint64_t unix_ms, const void *bytes, size_t size,
                   void (*dropped)(void *data, uint64_t number), void *data)
{
    if (size > TARE_SPOOL_BATCH_MAX) {
        return -EFBIG;
    }
    uint64_t wanted = TARE_SPOOL_HEADER + (uint64_t)size, given = 0;
    int failure = make_room(spool, wanted, dropped, data);
    failure = failure == 0 ? append(spool, unix_ms, bytes, size) : failure;
    /* A disk may be full before the spool is. More than is wanted does not go: somebody else takes it then. */
    while (is_full_disk(failure) && given < wanted) {
        uint64_t more = give_first(spool, dropped, data);
        if (more == 0) {
            break;
        }
        given += more;
        failure = append(spool, unix_ms, bytes, size);
    }
    return failure;
}

bool tare_spool_from(struct tare_spool *spool, uint64_t number, struct tare_spool_batch *batch)
{
    pthread_mutex_lock(&spool->lock);
    size_t low = 0, high = spool->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (spool->batches[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < spool->count;
    if (found) {
        *batch = spool->batches[low];
    }
    pthread_mutex_unlock(&spool->lock);
    return found;
}

void tare_spool_backlog(struct tare_spool *spool, uint64_t number, uint64_t *batches, uint64_t *bytes)
{
    *batches = *bytes = 0;
    pthread_mutex_lock(&spool->lock);
    for (size_t i = spool->count; i > 0 && spool->batches[i - 1].number > number; i--) {
        ++*batches;
        *bytes += spool->batches[i - 1].size;
    }
    pthread_mutex_unlock(&spool->lock);
}

int tare_spool_read(const struct tare_spool *spool, const struct tare_spool_batch *batch, char **bytes)
{
    char name[NAME_SIZE];
    name_of(batch->segment, name);
    *bytes = NULL;
    int fd = openat(spool->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return -errno;
    }
    size_t size = TARE_SPOOL_HEADER + (size_t)batch->size;
    uint8_t *text = malloc(size + 1);
    ssize_t got = text != NULL ? pread(fd, text, size, (off_t)(batch->offset - TARE_SPOOL_HEADER)) : -1;
    int failure = text == NULL ? -ENOMEM : got < 0 ? -errno : 0;
    close(fd);
    if (failure == 0 && ((size_t)got != size || !tare__spool_is_whole(text, batch->number, batch->size))) {
        failure = -EBADMSG;
    }
    if (failure != 0) {
        free(text);
        return failure;
    }
    memmove(text, text + TARE_SPOOL_HEADER, batch->size);
    text[batch->size] = '\0';
    *bytes = (char *)text;
    return 0;
}

void tare_spool_bury(const struct tare_spool *spool, const struct tare_spool_batch *batch)
{
    char name[NAME_SIZE];
    name_of(batch->segment, name);
    int fd = openat(spool->folder_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        bury(fd, batch->offset - TARE_SPOOL_HEADER, batch->number, 1,
             TARE_SPOOL_HEADER + (uint64_t)batch->size);
        close(fd);
    }
}

/* Written beside it, and put in its place: there is always a whole one. */
static int write_settled(const struct tare_spool *spool, uint64_t number)
{
    char digits[24], text[64];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    int size = snprintf(text, sizeof(text), "%s %08" PRIx32 "\n", digits, tare__crc32(digits, (size_t)length));
    int fd =
        openat(spool->folder_fd, "settled.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    int failure = write_all(fd, text, (size_t)size, 0);
    failure = failure == 0 && fdatasync(fd) != 0 ? -errno : failure;
    close(fd);
    if (failure == 0 && (renameat(spool->folder_fd, "settled.new", spool->folder_fd, "settled") != 0 ||
                         fsync(spool->folder_fd) != 0)) {
        failure = -errno;
    }
    return failure;
}

/*
 * Takes those of the first segment off the list that are done with. `*segment`: all of it is, and is to be
 * removed by the caller, with what is listed of it; what comes begins another one. 0: it stays.
 */
static bool settle_first(struct tare_spool *spool, uint64_t number, uint64_t *segment)
{
    uint64_t size;
    size_t count, done = 0;
    *segment = 0;
    pthread_mutex_lock(&spool->lock);
    count = first_segment(spool, &size);
    while (done < count && spool->batches[done].number <= number) {
        done++;
    }
    uint64_t first = count > 0 ? spool->batches[0].segment : 0;
    bool is_written = count > 0 && first == spool->write_segment;
    if (done > 0 && done == count && !(is_written && spool->writing)) {
        *segment = first;
        if (is_written) {
            finish_segment(spool);
        }
    } else { /* what is being written keeps its segment, or takes it along if it cannot be written */
        unlist(spool, done);
    }
    pthread_mutex_unlock(&spool->lock);
    return *segment != 0;
}

static int remove_settled(struct tare_spool *spool, uint64_t number)
{
    uint64_t segment;
    int failure = 0;
    while (failure == 0 && settle_first(spool, number, &segment)) {
        failure = remove_first(spool, segment, NULL, NULL);
    }
    return failure;
}

/* Whether no segment has a batch up to that number. */
static bool is_gone(struct tare_spool *spool, uint64_t number)
{
    pthread_mutex_lock(&spool->lock);
    bool gone = spool->count == 0 || spool->batches[0].segment > number;
    pthread_mutex_unlock(&spool->lock);
    return gone;
}

int tare_spool_settle(struct tare_spool *spool, uint64_t number)
{
    int failure = number > spool->settled ? write_settled(spool, number) : 0;
    if (is_full_disk(failure)) { /* what goes makes room for it */
        failure = remove_settled(spool, number);
        failure = failure == 0 ? write_settled(spool, number) : failure;
        if (is_full_disk(failure) && is_gone(spool, number)) {
            return 0; /* had to go before it was done with, and nothing is left to be told */
        }
    }
    if (failure != 0) {
        return failure;
    }
    pthread_mutex_lock(&spool->lock);
    spool->settled = number > spool->settled ? number : spool->settled;
    pthread_mutex_unlock(&spool->lock);
    return remove_settled(spool, number);
}
