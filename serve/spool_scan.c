/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a segment: its headers, and how the whole batches are found in one that is damaged. Nothing is
 * believed that a checksum does not confirm, and nothing is looked at twice, however a segment was made up.
 */
#include <endian.h>
#include <string.h>

#include "serve/spool.h"

static const char magic[] = "TSP1", grave_magic[] = "TSPX";

uint32_t tare__crc32(const void *bytes, size_t size)
{
    static const uint32_t nibbles[16] = {0,          0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                         0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                         0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= ((const uint8_t *)bytes)[i];
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return ~crc;
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

static void put32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
}

static void end_header(uint8_t *header)
{
    put32(header + 28, tare__crc32(header, 28));
}

void tare__spool_header(uint8_t header[TARE_SPOOL_HEADER], uint64_t number, uint64_t unix_ms, const void *bytes,
                        uint32_t size)
{
    memcpy(header, magic, 4);
    put32(header + 4, size);
    put64(header + 8, number);
    put64(header + 16, unix_ms);
    put32(header + 24, tare__crc32(bytes, size));
    end_header(header);
}

void tare__spool_grave(uint8_t header[TARE_SPOOL_HEADER], uint64_t number, uint64_t count, uint64_t size)
{
    memcpy(header, grave_magic, 4);
    put32(header + 4, (uint32_t)(size - TARE_SPOOL_HEADER));
    put64(header + 8, number);
    put64(header + 16, count);
    put32(header + 24, 0);
    end_header(header);
}

static bool is_header(const uint8_t *header, const char *wanted)
{
    return memcmp(header, wanted, 4) == 0 && get32(header + 28) == tare__crc32(header, 28);
}

bool tare__spool_is_whole(const uint8_t *header, uint64_t number, uint32_t size)
{
    return is_header(header, magic) && get64(header + 8) == number && get32(header + 4) == size &&
           get32(header + 24) == tare__crc32(header + TARE_SPOOL_HEADER, size);
}

/* Where the scan is. */
struct place {
    const uint8_t *bytes;
    uint64_t size, at;
    uint64_t gap;      /* where what is no batch begins; `at`: there is none */
    uint64_t expected; /* number of the first batch that was not found yet */
    uint64_t known;    /* one above the greatest number that a right header had; at least `expected` */
};

/* Whether the header can be here, by its number; there is no number above UINT64_MAX - 1. */
static bool fits(const struct place *place, const uint8_t *header, const char *wanted)
{
    uint64_t number = get64(header + 8), room = (place->at - place->gap) / TARE_SPOOL_HEADER;
    return number >= place->known && number < UINT64_MAX && number - place->expected <= room &&
           is_header(header, wanted);
}

/* Whether a grave is here, whose count can be believed: each that lies there had a header. */
static bool is_grave(const struct place *place, const uint8_t *header)
{
    uint64_t size = TARE_SPOOL_HEADER + (uint64_t)get32(header + 4), count = get64(header + 16);
    return fits(place, header, grave_magic) && size <= place->size - place->at &&
           count <= size / TARE_SPOOL_HEADER && count < UINT64_MAX - get64(header + 8);
}

/* To the next place that has a magic, behind this one. False: there is none. */
static bool search(struct place *place)
{
    while (place->size - ++place->at >= TARE_SPOOL_HEADER) {
        const uint8_t *from = place->bytes + place->at;
        const uint8_t *found = memchr(from, magic[0], place->size - place->at - TARE_SPOOL_HEADER + 1);
        if (found == NULL) {
            return false;
        }
        place->at += (uint64_t)(found - from);
        if (memcmp(found, magic, 3) == 0) { /* what both kinds begin with */
            return true;
        }
    }
    return false;
}

static void end_gap(const struct place *place, uint64_t next, const struct tare_spool_finder *finder)
{
    if (place->at > place->gap) {
        const struct tare_spool_gap gap = {place->gap, place->at - place->gap, place->expected,
                                           next - place->expected};
        finder->gap(finder->data, &gap);
    }
}

uint64_t tare_spool_scan(const void *segment, uint64_t size, uint64_t first,
                         const struct tare_spool_finder *finder)
{
    struct place place = {.bytes = segment, .size = size, .expected = first, .known = first};
    uint64_t end = 0;
    while (size - place.at >= TARE_SPOOL_HEADER) {
        const uint8_t *header = place.bytes + place.at;
        uint64_t number = get64(header + 8), rest = size - place.at - TARE_SPOOL_HEADER;
        uint32_t batch_size = get32(header + 4);
        if (is_grave(&place, header)) {
            end_gap(&place, number, finder);
            place.at += TARE_SPOOL_HEADER + (uint64_t)batch_size;
            place.gap = place.at;
            place.expected = place.known = number + get64(header + 16);
        } else if (!fits(&place, header, magic) || batch_size > TARE_SPOOL_BATCH_MAX) {
            if (!search(&place)) {
                break;
            }
        } else if (batch_size > rest) { /* cut off: all that is left is of this batch */
            place.known = number + 1;
            break;
        } else if (!tare__spool_is_whole(header, number, batch_size)) {
            place.known = number + 1;
            place.at += TARE_SPOOL_HEADER + (uint64_t)batch_size;
        } else {
            end_gap(&place, number, finder);
            const struct tare_spool_batch batch = {.number = number,
                                                   .unix_ms = get64(header + 16),
                                                   .segment = first,
                                                   .offset = place.at + TARE_SPOOL_HEADER,
                                                   .size = batch_size};
            finder->found(finder->data, &batch);
            place.at += TARE_SPOOL_HEADER + (uint64_t)batch_size;
            place.gap = end = place.at;
            place.expected = place.known = number + 1;
        }
    }
    place.at = size;
    end_gap(&place, place.known, finder);
    return end;
}
