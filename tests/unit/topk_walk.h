/* SPDX-License-Identifier: MIT */
/*
 * Walks through all of a table of runtime/topk.h: each entry is found by its key, once; lies in one queue, which
 * stands for no more than it weighs; and no key is there twice.
 */
#ifndef TARE_TESTS_TOPK_WALK_H
#define TARE_TESTS_TOPK_WALK_H

#include <string.h>

#include "runtime/topk.h"

static inline const char *topk_walk_chains(struct tare_topk *table)
{
    struct tare__topk_index *index = tare__topk_index(table);
    uint32_t found = 0;
    for (uint32_t i = 0; i <= index->head_mask; i++) {
        for (uint32_t number = *tare__topk_chain(index, i); number != 0;) {
            const struct tare__topk_entry *entry = tare__topk_entry(table, number);
            if (number > table->used || ++found > table->used) {
                return "a chain has an entry that is not in use, or entries are in a ring";
            }
            if (tare__topk_head(index, entry->key) != tare__topk_chain(index, i)) {
                return "an entry is in another key's chain";
            }
            for (uint32_t other = entry->chain; other != 0; other = tare__topk_entry(table, other)->chain) {
                if (tare__topk_entry(table, other)->key == entry->key) {
                    return "a key is there twice";
                }
            }
            number = entry->chain;
        }
    }
    return found == table->used ? NULL : "an entry is in no chain";
}

static inline const char *topk_walk_queues(struct tare_topk *table)
{
    struct tare__topk_index *index = tare__topk_index(table);
    uint32_t found = 0;
    for (uint32_t level = 0; level < TARE__TOPK_LEVELS; level++) {
        if (level > 0 && (index->levels >> level & 1) != (index->filled[level] != 0)) {
            return "a level's mark is wrong";
        }
        for (uint32_t digit = 0; digit < TARE__TOPK_DIGITS; digit++) {
            uint32_t shift = level * TARE__TOPK_DIGIT;
            uint64_t low = ((index->least >> shift & ~(uint64_t)(TARE__TOPK_DIGITS - 1)) | digit) << shift;
            if ((index->filled[level] >> digit & 1) != (index->queues[level][digit] != 0)) {
                return "a queue's mark is wrong";
            }
            for (uint32_t number = index->queues[level][digit]; number != 0;) {
                const struct tare__topk_entry *entry = tare__topk_entry(table, number);
                if (number > table->used || ++found > table->used) {
                    return "a queue has an entry that is not in use, or entries are in a ring";
                }
                if (low < index->least || entry->weight < low) {
                    return "an entry is in a queue for more than it weighs";
                }
                number = entry->queue;
            }
        }
    }
    return found == table->used ? NULL : "an entry is in no queue";
}

/* NULL, or what is wrong. */
static inline const char *topk_walk(struct tare_topk *table)
{
    if (table->used > table->capacity || table->capacity < 1 || table->capacity > TARE_TOPK_MAX) {
        return "the header is wrong";
    }
    for (uint32_t number = 1; number <= table->used; number++) {
        const struct tare__topk_entry *entry = tare__topk_entry(table, number);
        if ((entry->sequence & 1) != 0 || entry->error > entry->weight || entry->hits == 0) {
            return "an entry is wrong";
        }
    }
    const char *wrong = topk_walk_chains(table);
    return wrong != NULL ? wrong : topk_walk_queues(table);
}

#endif
