/* SPDX-License-Identifier: MIT */
/*
 * A segment of the spool of tare serve --push: whatever lies there, only whole batches are found, in order, and
 * what is between them is said once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serve/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct found {
    const uint8_t *bytes;
    uint64_t next, end, size;
};

static void insist(bool right)
{
    if (!right) {
        abort();
    }
}

static void check_batch(void *data, const struct tare_spool_batch *batch)
{
    struct found *found = data;
    insist(batch->number >= found->next && batch->offset >= found->end + TARE_SPOOL_HEADER);
    insist(batch->offset <= found->size && batch->size <= found->size - batch->offset);
    insist(tare__spool_is_whole(found->bytes + batch->offset - TARE_SPOOL_HEADER, batch->number, batch->size));
    found->next = batch->number + 1;
    found->end = batch->offset + batch->size;
}

static void check_gap(void *data, const struct tare_spool_gap *gap)
{
    struct found *found = data;
    insist(gap->number >= found->next && gap->offset >= found->end && gap->size > 0);
    insist(gap->offset <= found->size && gap->size <= found->size - gap->offset);
    insist(gap->count <= gap->size / TARE_SPOOL_HEADER && gap->number + gap->count >= gap->number);
    found->next = gap->number + gap->count;
    found->end = gap->offset + gap->size;
}

static void scan(const uint8_t *bytes, uint64_t size, uint64_t first)
{
    struct found found = {.bytes = bytes, .next = first, .size = size};
    const struct tare_spool_finder finder = {check_batch, check_gap, &found};
    insist(tare_spool_scan(bytes, size, first, &finder) <= found.size);
    insist(found.end <= size);
}

/* Makes the checksums right of what stands where a header is, so that what follows from it is reached, too. */
static void mend(uint8_t *bytes, size_t size)
{
    for (size_t at = 0; size - at >= TARE_SPOOL_HEADER;) {
        uint32_t body;
        memcpy(&body, bytes + at + 4, sizeof(body));
        if (memcmp(bytes + at, "TSP", 3) != 0 || body > size - at - TARE_SPOOL_HEADER) {
            at++;
            continue;
        }
        uint32_t crc = tare__crc32(bytes + at + TARE_SPOOL_HEADER, body);
        memcpy(bytes + at + 24, &crc, sizeof(crc));
        crc = tare__crc32(bytes + at, 28);
        memcpy(bytes + at + 28, &crc, sizeof(crc));
        at += TARE_SPOOL_HEADER;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1); /* of its own, so that reading behind it is seen */
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    scan(copy, size, 1);
    mend(copy, size);
    scan(copy, size, 1);
    if (size >= TARE_SPOOL_HEADER) {
        uint64_t first;
        memcpy(&first, copy + 8, sizeof(first));
        scan(copy, size, first);
        scan(copy, size, UINT64_MAX);
    }
    free(copy);
    return 0;
}
