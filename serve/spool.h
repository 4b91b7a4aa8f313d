/* SPDX-License-Identifier: MIT */
/*
 * A queue on disk: batches of bytes, appended to segments, and removed from the front.
 *
 *     folder/lock                    held by the one that uses it
 *     folder/settled                 "NUMBER CRC\n", decimal and 8 hex digits: up to this one, done with
 *     folder/00000000000000000017.spool   a segment; its name is the number of its first batch
 *
 * A segment is one batch after the other: a header of 32 bytes, then the batch. Little endian:
 *
 *      0  "TSP1"
 *      4  u32 size of the batch
 *      8  u64 number, one more than that of the batch before in the segment; greater than all before
 *     16  u64 unix_ms
 *     24  u32 CRC-32 (that of zlib and IEEE 802.3) of the batch
 *     28  u32 CRC-32 of the 28 bytes before
 *
 * A batch is there once it is whole. Of what is damaged only the batch itself is lost:
 *
 * - Where a header is right and its batch is not, the next one is behind it, by its size.
 * - Where a header is wrong, the next one is looked for byte by byte: right magic and CRC, and a number that
 *   fits:
 *   not below those before, and with no more left out than there is room for (a header each).
 * - The numbers left out are those of the lost batches. Where none comes after them they are the ones up to the
 *   name of the next segment; in the last one, those whose headers are right, one at least.
 *
 * What is behind the last whole batch is cut away: the end of a batch whose writer was killed, or damage. What
 * lies between two is made a grave, so that it is counted once and not whenever the spool is opened:
 *
 *      0  "TSPX"
 *      4  u32 bytes that are to be skipped behind this header
 *      8  u64 number of the first batch that was lost
 *     16  u64 how many were lost
 *     24  u32 0
 *     28  u32 CRC-32 of the 28 bytes before
 *
 * Appending is followed by fdatasync(), so what tare_spool_add() said it took survives kill -9, and the loss of
 * power as far as the disk keeps its word.
 *
 * Two threads use it: one adds, the other does all the rest. tare_spool_from() and tare_spool_backlog() may be
 * called by any. The lock is held over memory alone, never while the disk is waited for. Opening and closing
 * are done while nobody else uses it.
 */
#ifndef TARE_SERVE_SPOOL_H
#define TARE_SERVE_SPOOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TARE_SPOOL_HEADER = 32, TARE_SPOOL_BATCH_MAX = 32 << 20 };

struct tare_spool_batch {
    uint64_t number, unix_ms;
    uint64_t segment; /* the name's number */
    uint64_t offset;  /* of its bytes in there */
    uint32_t size;
};

struct tare_spool {
    int folder_fd, lock_fd;
    uint64_t max_bytes;
    uint64_t damaged; /* batches that were found lost when it was opened */
    uint64_t next;    /* number of the next batch; the first is 1. Of the thread that adds, like write_size */
    uint64_t write_size;

    pthread_mutex_t lock; /* of what follows */
    bool writing;         /* while it is, write_fd and the segment are those of the thread that adds */
    int write_fd;
    uint64_t write_segment;           /* 0: the next batch begins one */
    uint64_t bytes;                   /* of all segments */
    uint64_t settled;                 /* up to this one they are removed */
    struct tare_spool_batch *batches; /* in order; those that are not removed */
    size_t count, capacity;
};

/* One that was never opened, and may be closed. */
#define TARE_SPOOL_CLOSED                                                                                      \
    ((struct tare_spool){.folder_fd = -1, .lock_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .write_fd = -1})

/*
 * Opens the spool in the folder, which is made if it is not there. Returns 0, or -errno with one line in
 * `message`; -EBUSY: another process uses it.
 */
int tare_spool_open(struct tare_spool *spool, const char *folder, uint64_t max_bytes, char *message,
                    size_t message_size);
void tare_spool_close(struct tare_spool *spool);

/*
 * Appends. What has to go for it are whole segments, the oldest first: `dropped` is called for each of their
 * batches, under the spool's lock, and may not use the spool. NULL: nobody wants to know. So they do where the
 * disk is full, though never more of them than the batch needs.
 * Returns 0, or -errno: it is not in the spool then, whose other batches are as they were.
 */
int tare_spool_add(struct tare_spool *spool, uint64_t unix_ms, const void *bytes, size_t size,
                   void (*dropped)(void *data, uint64_t number), void *data);

/* The batch of that number, or the first one behind it. False: there is none. */
bool tare_spool_from(struct tare_spool *spool, uint64_t number, struct tare_spool_batch *batch);

/* How many there are above that number, and their bytes. */
void tare_spool_backlog(struct tare_spool *spool, uint64_t number, uint64_t *batches, uint64_t *bytes);

/*
 * The batch's bytes and a NUL, malloc'ed, checked against its checksum. 0 or -errno; -EBADMSG: they are
 * damaged; -ENOENT: it had to go meanwhile.
 */
int tare_spool_read(const struct tare_spool *spool, const struct tare_spool_batch *batch, char **bytes);

/* Makes the batch a grave: it is damaged, and that has been counted. It is tried, no more. */
void tare_spool_bury(const struct tare_spool *spool, const struct tare_spool_batch *batch);

/*
 * Batches up to that number are done with. Returns 0 or -errno: then some are still there, taking room, and the
 * next call tries to remove them again.
 */
int tare_spool_settle(struct tare_spool *spool, uint64_t number);

/* A stretch of a segment that is no batch. */
struct tare_spool_gap {
    uint64_t offset, size;
    uint64_t number; /* of the first batch that is lost there */
    uint64_t count;  /* of them; at the segment's end, those that are known of */
};

struct tare_spool_finder {
    void (*found)(void *data, const struct tare_spool_batch *batch); /* one that is whole */
    void (*gap)(void *data, const struct tare_spool_gap *gap);       /* graves are none */
    void *data;
};

/*
 * Goes through the segment of `size` bytes, in order. `first`: its name's number. Returns where its last whole
 * batch ends.
 */
uint64_t tare_spool_scan(const void *segment, uint64_t size, uint64_t first,
                         const struct tare_spool_finder *finder);

uint32_t tare__crc32(const void *bytes, size_t size);

/* The header of a batch. */
void tare__spool_header(uint8_t header[TARE_SPOOL_HEADER], uint64_t number, uint64_t unix_ms, const void *bytes,
                        uint32_t size);

/* Whether there is a header and its batch, whole and of that number. */
bool tare__spool_is_whole(const uint8_t *header, uint64_t number, uint32_t size);

/* The header of a grave of `size` bytes, itself included. */
void tare__spool_grave(uint8_t header[TARE_SPOOL_HEADER], uint64_t number, uint64_t count, uint64_t size);

#endif
