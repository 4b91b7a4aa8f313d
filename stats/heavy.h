/* SPDX-License-Identifier: MIT */
/*
 * Heavy hitters: the keys that weigh most of very many, from summaries of bounded size.
 *
 * A summary is what the Space-Saving algorithm keeps (Metwally, Agrawal, El Abbadi: Efficient Computation of
 * Frequent and Top-k Elements in Data Streams, ICDT 2005; with the filter of Homem, Carvalho: Finding top-k
 * elements in data streams, Inf. Sci. 2010): for each key it holds, what that key weighs at most, and by how
 * much that may be too much; and `least`, what any other key weighs at most. Several are merged as
 * in Agarwal, Cormode, Huang, Phillips, Wei, Yi: Mergeable Summaries, PODS 2012: a key that one of them lacks
 * weighs there between nothing and its `least`.
 *
 * Of a merged summary, as of its parts:
 *     weight - error <= true weight <= weight         for each key in it,
 *     true weight <= least                            for all others,
 *     least <= N / min(K, size), error <= N / K       N: weight of everything; K: keys of the smallest part
 *                                                     that is full,
 * so each key that weighs more than N / min(K, size) is in it. docs/hotspots.md has the proof.
 *
 * Sums stop at UINT64_MAX. No I/O, no state; memory is taken for the time of a call.
 */
#ifndef TARE_STATS_HEAVY_H
#define TARE_STATS_HEAVY_H

#include <stddef.h>
#include <stdint.h>

struct tare_heavy_key {
    uint64_t key;
    uint64_t weight; /* at most */
    uint64_t error;  /* weight - error: at least. An error above the weight is taken for the weight */
    uint64_t hits;   /* at least: updates since the key is in its table */
};

/*
 * One summary. Keys are in no order; of a key that is there twice, as in a table that was read while it was
 * written, the heavier counts.
 */
struct tare_heavy_table {
    const struct tare_heavy_key *keys;
    size_t count;
    uint64_t least; /* what any other key weighs at most: tare_heavy_least(), or of an earlier merging */
};

/*
 * What a key that is not in this table weighs at most, as the table says (struct tare_topk), if that can be: it
 * is not below the greatest error in it, nor above the smallest weight. 0 for no keys.
 */
uint64_t tare_heavy_least(const struct tare_heavy_key *keys, size_t count, uint64_t told);

/*
 * Merges `table_count` summaries into the `size` heaviest keys, heaviest first, equal ones by key. `out` has
 * room for `size`; *count: how many there are. *least: what any other key weighs at most. Of no tables: 0 keys,
 * least 0. Returns 0, or -ENOMEM, and then writes nothing.
 */
int tare_heavy_merge(const struct tare_heavy_table *tables, size_t table_count, size_t size,
                     struct tare_heavy_key *out, size_t *count, uint64_t *least);

#endif
