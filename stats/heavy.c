/* SPDX-License-Identifier: MIT */
/*
 * Merging of summaries by Space-Saving. What a key weighs in all of them at most is
 *
 *     sum of its weights where it is + sum of `least` where it is not,
 *
 * that is, all the `least` together, and for each table where it is, its weight less that table's. By sorting
 * instead of a table of hashes, as keys come from pages that are not trusted: nobody can make it slow.
 */
#include "stats/heavy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct part {
    struct tare_heavy_key key;
    size_t table;
};

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* By key; of one key, by table; in one table, the heavier first. */
static int compare_parts(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->key.key != y->key.key) {
        return x->key.key < y->key.key ? -1 : 1;
    }
    if (x->table != y->table) {
        return x->table < y->table ? -1 : 1;
    }
    return (x->key.weight < y->key.weight) - (x->key.weight > y->key.weight);
}

static int compare_weights(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->key.weight != y->key.weight) {
        return x->key.weight > y->key.weight ? -1 : 1;
    }
    return (x->key.key > y->key.key) - (x->key.key < y->key.key);
}

uint64_t tare_heavy_least(const struct tare_heavy_key *keys, size_t count, uint64_t told)
{
    uint64_t error = told, weight = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        error = keys[i].error > error ? keys[i].error : error;
        weight = keys[i].weight < weight ? keys[i].weight : weight;
    }
    return count == 0 ? 0 : error < weight ? error : weight;
}

/* One key's parts, `count` of them, into the first. What tables that lack it say is `everywhere` less theirs. */
static void fold(const struct tare_heavy_table *tables, struct part *parts, size_t count, uint64_t everywhere)
{
    struct tare_heavy_key sum = {.key = parts[0].key.key};
    uint64_t here = 0;
    for (size_t i = 0; i < count; i++) {
        const struct tare_heavy_key *key = &parts[i].key;
        if (i > 0 && parts[i].table == parts[i - 1].table) {
            continue;
        }
        sum.weight = add(sum.weight, key->weight);
        sum.error = add(sum.error, key->error < key->weight ? key->error : key->weight);
        sum.hits = add(sum.hits, key->hits);
        here = add(here, tables[parts[i].table].least);
    }
    /* At the end of the range `here` may be of less than all, and the bound is as high as it gets. */
    uint64_t elsewhere = everywhere == UINT64_MAX ? UINT64_MAX : everywhere - here;
    sum.weight = add(sum.weight, elsewhere);
    sum.error = add(sum.error, elsewhere);
    parts[0].key = sum;
}

int tare_heavy_merge(const struct tare_heavy_table *tables, size_t table_count, size_t size,
                     struct tare_heavy_key *out, size_t *count, uint64_t *least)
{
    size_t total = 0, keys = 0, used = 0;
    uint64_t everywhere = 0;
    for (size_t i = 0; i < table_count; i++) {
        total += tables[i].count;
        everywhere = add(everywhere, tables[i].least);
    }
    struct part *parts = calloc(total > 0 ? total : 1, sizeof(*parts));
    if (parts == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < table_count; i++) {
        for (size_t k = 0; k < tables[i].count; k++) {
            parts[used++] = (struct part){tables[i].keys[k], i};
        }
    }
    qsort(parts, total, sizeof(*parts), compare_parts);
    for (size_t i = 0; i < total;) {
        size_t end = i + 1;
        while (end < total && parts[end].key.key == parts[i].key.key) {
            end++;
        }
        fold(tables, parts + i, end - i, everywhere);
        parts[keys++] = parts[i];
        i = end;
    }
    qsort(parts, keys, sizeof(*parts), compare_weights);
    *count = keys < size ? keys : size;
    for (size_t i = 0; i < *count; i++) {
        out[i] = parts[i].key;
    }
    *least = keys > size && parts[size].key.weight > everywhere ? parts[size].key.weight : everywhere;
    free(parts);
    return 0;
}
