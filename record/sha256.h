/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 (FIPS 180-4, "Secure Hash Standard"), for the fingerprint: two machines that differ have to have two
 * hashes, also where somebody chose the text. Of small inputs, so written for clarity and not for speed.
 */
#ifndef TARE_RECORD_SHA256_H
#define TARE_RECORD_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum {
    TARE_SHA256_BYTES = 32,
    TARE_SHA256_HEX = 2 * TARE_SHA256_BYTES, /* digits, without the NUL behind them */
};

struct tare_sha256 {
    uint32_t state[8];
    uint64_t size_bytes; /* of what was added so far */
    uint8_t block[64];   /* the last size_bytes % 64 of them */
};

/* init, add any number of times, finish; a structure belongs to one thread. None of them can fail. */
void tare_sha256_init(struct tare_sha256 *hash);
void tare_sha256_add(struct tare_sha256 *hash, const void *bytes, size_t size);
void tare_sha256_finish(struct tare_sha256 *hash, uint8_t digest[TARE_SHA256_BYTES]);

/* The same, written as lower-case hexadecimal digits and a NUL. */
void tare_sha256_finish_hex(struct tare_sha256 *hash, char hex[TARE_SHA256_HEX + 1]);

#endif
