/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a page, for record/reader.c and its parts: by pread, which nothing can disturb, or through a
 * mapping, which is far faster where a page is read again and again. Mapped is only what cannot hurt: a memfd
 * of the kind that the runtime makes, whose size is sealed, so that its writer cannot have us die of SIGBUS by
 * cutting it short; and of that only what is known not to be a hole, as touching a hole would take memory in the
 * name of the measured program. All else is pread. What remains is what goes for all memory: a page of it that
 * has failed, or that cannot be read back from swap, is a SIGBUS for whoever touches it.
 *
 * Everything lies in memory that another process writes: a value is loaded once, and then checked.
 */
#ifndef TARE_RECORD_PAGE_ACCESS_H
#define TARE_RECORD_PAGE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/page_check.h"
#include "record/reader.h"

enum { TARE__CHUNK_BYTES = 1 << 18 }; /* stays in the second-level cache */
_Static_assert(TARE__CHUNK_BYTES >= TARE__STRIDE_LIMIT, "a record fits into the scratch memory");

/* One page's file. Zeroed but for `source`: fresh. */
struct tare__page_file {
    struct tare_page_source source;
    const unsigned char *map; /* from the page's first byte on; NULL: not mapped */
    uint64_t map_size;
    uint64_t *data;         /* a bit for each 4096 bytes of the mapping: no hole */
    unsigned char *chunk;   /* scratch of TARE__CHUNK_BYTES */
    uint64_t page_size;     /* as the header claims; 0: not known yet */
    unsigned retries;       /* that are left for records which were being written */
    uint64_t extras_budget; /* bytes of extras that may still be read; see tare__page_spend() */
    char *message;
    size_t message_size;
};

/* Says what is wrong, and returns `error`. */
__attribute__((format(printf, 3, 4))) int tare__page_fail(struct tare__page_file *file, int error,
                                                          const char *format, ...);
int tare__page_fail_memory(struct tare__page_file *file);
int tare__page_fail_short(struct tare__page_file *file, uint64_t page_size); /* 0: unknown */

/* Makes the scratch memory, if there is none yet. Returns 0 or -ENOMEM. */
int tare__page_file_prepare(struct tare__page_file *file);

/* Whether a mapping of that file, up to `end`, is safe: no writer of the file can make it give SIGBUS. */
bool tare__page_mappable(int fd, uint64_t end);

/* Maps `size` bytes, if that is safe; else nothing happens, and all is read by pread. */
void tare__page_file_map(struct tare__page_file *file, uint64_t size);
void tare__page_file_release(struct tare__page_file *file);

/* How much the file holds from the page's first byte on. */
uint64_t tare__page_bytes_there(const struct tare__page_file *file);

/* Copies all of [offset, offset + size) of the page. The caller knows that it lies within off_t. */
int tare__page_copy(struct tare__page_file *file, uint64_t offset, void *out, size_t size);

/*
 * Sets *at to [offset, offset + size) of the page, at most TARE__CHUNK_BYTES: where it is mapped, which changes
 * under our eyes, or copied to the scratch memory, until that is used again. *mapped (optional) says which.
 */
int tare__page_window(struct tare__page_file *file, uint64_t offset, size_t size, const unsigned char **at,
                      bool *mapped);

/*
 * The first byte of [offset, end) that is in no hole of the file, as far as the system tells: `offset` if it does
 * not, `end` or more if all of it is a hole. What is skipped is there, and reads as zeros.
 */
uint64_t tare__page_next_data(const struct tare__page_file *file, uint64_t offset, uint64_t end);

/*
 * Copies `count` records that lie `stride` apart, `size` bytes of each, and packs them into `out`. size is at
 * most stride, and stride at most TARE__STRIDE_LIMIT.
 */
int tare__page_records(struct tare__page_file *file, uint64_t offset, uint32_t stride, uint32_t count,
                       size_t size, void *out);

/* Where a record has its sequence, which is odd while it is being written, and of which size (4 or 8). */
struct tare__page_sequence {
    uint32_t at;
    uint32_t size;
};

/*
 * The same for records with a sequence; size and stride are multiples of 8. whole[i] says, before, whether
 * record i is wanted, and afterwards, whether it was caught in one piece; one that stays odd, or keeps
 * changing, was not.
 */
int tare__page_whole_records(struct tare__page_file *file, uint64_t offset, uint32_t stride, uint32_t count,
                             size_t size, struct tare__page_sequence sequence, void *out, bool *whole);

/*
 * Tables and rings are read in full, wherever they claim to be. No two that are in order overlap, so all of
 * them together have no more bytes than there are extras; false: these had.
 */
bool tare__page_spend(struct tare__page_file *file, uint64_t bytes);

static inline uint64_t tare__add_saturating(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline void tare__acquire_fence(void)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

#endif
