/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the bytes are operations on three tables of heaviest keys: updates, clearings, updates that are
 * left in the middle. The tables stay whole, and what they say, each and merged, is true of exact counts.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/topk.h"
#include "stats/heavy.h"
#include "tests/unit/topk_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TABLES = 3, KEYS = 256 };

struct table {
    void *memory;
    struct tare_topk *topk;
    uint64_t exact[KEYS];
    struct tare_heavy_key keys[KEYS];
};

static struct table tables[TABLES];

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

static uint64_t key_of(uint64_t number)
{
    return number << 56 | number;
}

static void hit(struct table *table, uint8_t number, uint64_t weight)
{
    struct tare__topk_index *index = tare__topk_index(table->topk);
    tare__topk_hit(table->topk, index->multiplier, key_of(number), weight);
    table->exact[number] = tare__topk_sum(table->exact[number], weight);
}

/* As far as `steps` of what makes room for another key, whose weight is then lost. */
static void leave_in_the_middle(struct table *table, uint8_t number, unsigned steps)
{
    struct tare__topk_index *index = tare__topk_index(table->topk);
    uint32_t place = table->topk->used == table->topk->capacity ? tare__topk_lightest(table->topk, index) : 0;
    if (place != 0 && steps >= 1) {
        struct tare__topk_entry *entry = tare__topk_entry(table->topk, place);
        tare__topk_turn_away(table->topk, tare__topk_outside(index, tare__topk_head(index, entry->key)),
                             index->least);
        tare__topk_dequeue(index, entry);
        if (steps >= 2) {
            tare__topk_unchain(table->topk, index, entry, place);
        }
        bool is_there = false;
        for (uint32_t i = 1; i <= table->topk->used; i++) {
            is_there |= tare__topk_entry(table->topk, i)->key == key_of(number);
        }
        if (steps >= 3 && !is_there) {
            entry->sequence |= 1;
            entry->key = key_of(number);
        }
    }
    tare__topk_mend(table->topk);
}

/* What a table, or several merged, says of each key. */
static void check_bounds(const struct tare_heavy_key *keys, size_t count, uint64_t least, const uint64_t *exact)
{
    bool is_there[KEYS] = {false};
    for (size_t i = 0; i < count; i++) {
        uint64_t number = keys[i].key & 255;
        must(keys[i].key == key_of(number) && !is_there[number] && keys[i].error <= keys[i].weight);
        is_there[number] = true;
        must(exact[number] <= keys[i].weight);
        must(keys[i].weight == UINT64_MAX || keys[i].weight - keys[i].error <= exact[number]);
    }
    for (size_t number = 0; number < KEYS; number++) {
        must(is_there[number] || exact[number] <= least);
    }
}

static void check(void)
{
    struct tare_heavy_table read[TABLES];
    struct tare_heavy_key merged[KEYS];
    uint64_t exact[KEYS] = {0}, least = 0;
    size_t count = 0;
    for (size_t t = 0; t < TABLES; t++) {
        struct table *table = &tables[t];
        must(topk_walk(table->topk) == NULL);
        for (uint32_t i = 0; i < table->topk->used; i++) {
            const struct tare__topk_entry *entry = tare__topk_entry(table->topk, i + 1);
            table->keys[i] = (struct tare_heavy_key){entry->key, entry->weight, entry->error, entry->hits};
        }
        read[t] =
            (struct tare_heavy_table){table->keys, table->topk->used,
                                      tare_heavy_least(table->keys, table->topk->used, table->topk->least)};
        must(read[t].least == table->topk->least);
        check_bounds(table->keys, read[t].count, read[t].least, table->exact);
        for (size_t k = 0; k < KEYS; k++) {
            exact[k] = tare__topk_sum(exact[k], table->exact[k]);
        }
    }
    for (size_t most = 1; most <= KEYS; most *= 4) {
        must(tare_heavy_merge(read, TABLES, most, merged, &count, &least) == 0);
        check_bounds(merged, count, least, exact);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t capacities[] = {1, 2, 3, 4, 7, 16, 40, 100};
    if (size < 1) {
        return 0;
    }
    for (size_t t = 0; t < TABLES; t++) {
        uint32_t capacity = capacities[(data[0] >> t) % 8];
        memset(&tables[t], 0, sizeof(tables[t]));
        tables[t].memory = calloc(1, tare__topk_before(capacity) + tare__topk_size(capacity));
        must(tables[t].memory != NULL);
        tables[t].topk =
            tare__topk_init(tables[t].memory, capacity, data[0] * UINT64_C(0x9e3779b97f4a7c15) | 1);
    }
    for (size_t i = 1; i + 3 <= size; i += 3) {
        struct table *table = &tables[data[i] % TABLES];
        switch (data[i] / TABLES % 16) {
        case 0:
            leave_in_the_middle(table, data[i + 1], data[i + 2] % 4);
            break;
        case 1:
            if (data[i + 2] < 8) {
                tare__topk_clear(table->topk);
                memset(table->exact, 0, sizeof(table->exact));
            }
            break;
        case 2: /* heavy: a power of two, and all together more than fits */
            hit(table, data[i + 1], UINT64_C(1) << data[i + 2] % 64);
            break;
        default:
            hit(table, data[i + 1], data[i + 2]);
            break;
        }
        if (i % 64 < 3) {
            check();
        }
    }
    check();
    for (size_t t = 0; t < TABLES; t++) {
        free(tables[t].memory);
    }
    return 0;
}
