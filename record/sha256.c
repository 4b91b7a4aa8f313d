/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 as FIPS 180-4 describes it; its section is named where it is followed. A library for one hash of a
 * few hundred bytes would be one more thing to have installed.
 */
#include "record/sha256.h"

#include <string.h>

enum { BLOCK_BYTES = 64, ROUNDS = 64, LENGTH_BYTES = 8 };

/* Section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotated_right(uint32_t value, unsigned bits)
{
    return value >> bits | value << (32 - bits);
}

static uint32_t load_big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store_big_endian(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

/* Section 6.2.2, for one block. */
static void compress(uint32_t state[8], const uint8_t block[BLOCK_BYTES])
{
    uint32_t schedule[ROUNDS];
    for (unsigned t = 0; t < 16; t++) {
        schedule[t] = load_big_endian(block + 4 * t);
    }
    for (unsigned t = 16; t < ROUNDS; t++) {
        uint32_t before15 = schedule[t - 15], before2 = schedule[t - 2];
        uint32_t sigma0 = rotated_right(before15, 7) ^ rotated_right(before15, 18) ^ before15 >> 3;
        uint32_t sigma1 = rotated_right(before2, 17) ^ rotated_right(before2, 19) ^ before2 >> 10;
        schedule[t] = sigma1 + schedule[t - 7] + sigma0 + schedule[t - 16];
    }
    uint32_t v[8]; /* the standard's a to h */
    memcpy(v, state, sizeof v);
    for (unsigned t = 0; t < ROUNDS; t++) {
        uint32_t sum1 = rotated_right(v[4], 6) ^ rotated_right(v[4], 11) ^ rotated_right(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t first = v[7] + sum1 + choice + constants[t] + schedule[t];
        uint32_t sum0 = rotated_right(v[0], 2) ^ rotated_right(v[0], 13) ^ rotated_right(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += first;
        v[0] = first + sum0 + majority;
    }
    for (unsigned i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}

void tare_sha256_init(struct tare_sha256 *hash)
{
    /* Section 5.3.3: the same of the square roots of the first 8 primes. */
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(hash->state, initial, sizeof initial);
    hash->size_bytes = 0;
}

void tare_sha256_add(struct tare_sha256 *hash, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    while (size > 0) {
        size_t used = hash->size_bytes % BLOCK_BYTES;
        size_t part = size < BLOCK_BYTES - used ? size : BLOCK_BYTES - used;
        memcpy(hash->block + used, from, part);
        hash->size_bytes += part;
        from += part;
        size -= part;
        if (hash->size_bytes % BLOCK_BYTES == 0) {
            compress(hash->state, hash->block);
        }
    }
}

void tare_sha256_finish(struct tare_sha256 *hash, uint8_t digest[TARE_SHA256_BYTES])
{
    /* Section 5.1.1: a bit 1, zeros, and the length in bits, so that all is a whole number of blocks. */
    static const uint8_t padding[BLOCK_BYTES] = {0x80};
    uint64_t size_bits = hash->size_bytes * 8;
    size_t used = hash->size_bytes % BLOCK_BYTES;
    size_t room = BLOCK_BYTES - LENGTH_BYTES;
    tare_sha256_add(hash, padding, used < room ? room - used : room + BLOCK_BYTES - used);
    uint8_t length[LENGTH_BYTES];
    store_big_endian(length, (uint32_t)(size_bits >> 32));
    store_big_endian(length + 4, (uint32_t)size_bits);
    tare_sha256_add(hash, length, sizeof length);
    for (unsigned i = 0; i < 8; i++) {
        store_big_endian(digest + 4 * i, hash->state[i]);
    }
}

void tare_sha256_finish_hex(struct tare_sha256 *hash, char hex[TARE_SHA256_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[TARE_SHA256_BYTES];
    tare_sha256_finish(hash, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[TARE_SHA256_HEX] = '\0';
}
