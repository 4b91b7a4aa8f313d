/* SPDX-License-Identifier: MIT */
/*
 * A benchmark of the untidy kind, for comparing a program with itself: lookups in a hash table, of which half
 * find nothing, and a copy of 4 KiB. Its branches cannot be predicted and its memory lies somewhere else in every
 * process, so that processes differ by more than the samples of one do.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tare/bench.h>

enum {
    SLOTS = 4096, /* half of them used: 64 KiB */
    KEYS = SLOTS / 2,
    RECORDS = 64,
    RECORD_BYTES = 4096,
    LOOKUPS = 16,
};

struct table {
    struct slot {
        uint64_t key; /* 0: empty */
        uint64_t record;
    } slots[SLOTS];
    unsigned char records[RECORDS][RECORD_BYTES];
    unsigned char copy[RECORD_BYTES];
};

/* The output function of splitmix64 (G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014). */
static uint64_t scramble(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static struct slot *find(struct table *table, uint64_t key)
{
    size_t i = scramble(key) % SLOTS;
    while (table->slots[i].key != key && table->slots[i].key != 0) {
        i = (i + 1) % SLOTS;
    }
    return &table->slots[i];
}

/* Keys are odd: an even one is not found. */
static void fill(struct table *table)
{
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t key = 2 * i + 1;
        *find(table, key) = (struct slot){key, i % RECORDS};
    }
    for (size_t i = 0; i < RECORDS; i++) {
        memset(table->records[i], (int)i, RECORD_BYTES);
    }
}

/* Looks some keys up, and copies the record of the last that was found. Returns the state for the next time. */
static uint64_t serve(struct table *table, uint64_t state)
{
    size_t record = 0;
    for (unsigned i = 0; i < LOOKUPS; i++) {
        state += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t key = 1 + scramble(state) % (2 * KEYS);
        const struct slot *slot = find(table, key);
        if (slot->key == key) {
            record = slot->record;
        }
    }
    memcpy(table->copy, table->records[record], RECORD_BYTES);
    return state;
}

static bool finds_what_is_there(struct table *table)
{
    for (uint64_t key = 1; key <= 2 * KEYS; key++) {
        const struct slot *slot = find(table, key);
        if (key % 2 == 1 ? slot->key != key || slot->record != key / 2 % RECORDS : slot->key != 0) {
            return false;
        }
    }
    return true;
}

TARE_BENCH(lookup)
{
    struct table *table = calloc(1, sizeof *table);
    tare_require(table != NULL);
    fill(table);
    tare_require(finds_what_is_there(table));
    uint64_t state = 1;
    TARE_EACH(b)
    {
        state = serve(table, state);
        tare_clobber();
    }
    tare_keep(state);
    tare_bytes(b, RECORD_BYTES);
    free(table);
}

TARE_BENCH_MAIN();
