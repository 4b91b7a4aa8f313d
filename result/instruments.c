/* SPDX-License-Identifier: MIT */
/*
 * Merging. Counts, distributions, times in states and weights of keys of several processes add up. A gauge does
 * not: two queues of 5 are not one of 10, nor of 5; and the last frames of two programs are no frames of one.
 */
#include "result/instruments.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/collect.h"
#include "result/telemetry_parts.h"
#include "runtime/labels.h"
#include "stats/heavy.h"

static uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

/* FNV-1a (Fowler, Noll, Vo). */
static uint64_t hash_text(uint64_t h, const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    }
    return (h ^ 0xff) * UINT64_C(1099511628211);
}

static uint64_t hash(const struct tare_instrument_figures *of, const char *labels)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ of->kind;
    return hash_text(hash_text(hash_text(h, of->module), of->name), labels);
}

static bool is_same(const struct tare__instruments *instruments, size_t at,
                    const struct tare_instrument_figures *other)
{
    const struct tare_instrument_figures *one = &instruments->list[at];
    return one->kind == other->kind && strcmp(one->name, other->name) == 0 &&
           strcmp(one->module, other->module) == 0 && same_text(instruments->origins[at].labels, other->labels);
}

/* Where the first entry of that instrument stands, + 1, or 0, which is where it belongs; there is a free one. */
static size_t *place_of(const struct tare__instruments *instruments,
                        const struct tare_instrument_figures *other)
{
    size_t mask = instruments->place_room - 1, at = (size_t)hash(other, other->labels) & mask;
    while (instruments->places[at] != 0 && !is_same(instruments, instruments->places[at] - 1, other)) {
        at = (at + 1) & mask;
    }
    return &instruments->places[at];
}

/* Room for one more place, so that less than half of them are taken. */
static int places_grow(struct tare__instruments *instruments)
{
    if (2 * (instruments->place_count + 1) < instruments->place_room) {
        return 0;
    }
    size_t room = instruments->place_room != 0 ? 2 * instruments->place_room : 128;
    size_t *places = calloc(room, sizeof(*places));
    if (places == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < instruments->place_room; i++) {
        if (instruments->places[i] == 0) {
            continue;
        }
        size_t first = instruments->places[i] - 1;
        size_t at = (size_t)hash(&instruments->list[first], instruments->origins[first].labels) & (room - 1);
        while (places[at] != 0) {
            at = (at + 1) & (room - 1);
        }
        places[at] = first + 1;
    }
    free(instruments->places);
    instruments->places = places;
    instruments->place_room = room;
    return 0;
}

/* Makes room at `at` for one more. */
static int insert(struct tare__instruments *instruments, size_t at)
{
    if (instruments->count == instruments->capacity) {
        size_t capacity = instruments->capacity != 0 ? 2 * instruments->capacity : 64;
        struct tare_instrument_figures *list = reallocarray(instruments->list, capacity, sizeof(*list));
        if (list == NULL) {
            return -ENOMEM;
        }
        instruments->list = list;
        struct tare__instrument_origin *origins =
            reallocarray(instruments->origins, capacity, sizeof(*origins));
        if (origins == NULL) {
            return -ENOMEM;
        }
        instruments->origins = origins;
        instruments->capacity = capacity;
    }
    size_t behind = instruments->count - at;
    memmove(&instruments->list[at + 1], &instruments->list[at], behind * sizeof(*instruments->list));
    memmove(&instruments->origins[at + 1], &instruments->origins[at], behind * sizeof(*instruments->origins));
    memset(&instruments->origins[at], 0, sizeof(*instruments->origins));
    for (size_t i = 0; behind != 0 && i < instruments->place_room; i++) {
        instruments->places[i] += instruments->places[i] > at;
    }
    instruments->count++;
    return 0;
}

/*
 * Its own labels, and the process, in order. A label `pid` of the program's own becomes `label_pid`, as in
 * /metrics.
 */
static int label_with(struct tare__instruments *instruments, size_t at, uint32_t pid)
{
    struct tare__instrument_origin *origin = &instruments->origins[at];
    const char *own = origin->labels != NULL ? origin->labels : "";
    bool has_pid = strncmp(own, "pid=", 4) == 0;
    const char *before = has_pid ? own : strstr(own, ",pid=");
    size_t size = before == NULL ? strlen(own) : (size_t)(before - own) + !has_pid;
    char *list;
    int length = asprintf(&list, "%.*s%s%s%spid=%" PRIu32, (int)size, own, before != NULL ? "label_" : "",
                          own + size, *own != '\0' ? "," : "", pid);
    if (length < 0) {
        return -ENOMEM;
    }
    char *labels = malloc(TARE__LABELS_BYTES + 1);
    if (labels != NULL) {
        tare__labels_normal(labels, list, (size_t)length, false);
        free(instruments->list[at].labels);
        instruments->list[at].labels = labels;
        origin->of_process = true;
    }
    free(list);
    return labels != NULL ? 0 : -ENOMEM;
}

/* `from` moves to a new entry at `at`. */
static int put(struct tare__instruments *instruments, size_t at, struct tare_instrument_figures *from,
               uint32_t pid)
{
    char *labels = from->labels != NULL ? strdup(from->labels) : NULL;
    if ((from->labels != NULL && labels == NULL) || insert(instruments, at) != 0) {
        free(labels);
        return -ENOMEM;
    }
    instruments->list[at] = *from;
    memset(from, 0, sizeof(*from));
    instruments->origins[at] = (struct tare__instrument_origin){.pid = pid, .processes = 1, .labels = labels};
    return 0;
}

static uint64_t rounded(double value)
{
    return value >= 0x1p64 ? UINT64_MAX : value > 0 ? (uint64_t)(value + 0.5) : 0;
}

static int merge_distributions(struct tare_distribution *to, const struct tare_distribution *from)
{
    if (from->count == 0) {
        return 0;
    }
    uint64_t dense[TARE_BUCKET_COUNT] = {0};
    const struct tare_distribution *both[] = {to, from};
    struct tare_timer_sums sums = {.min_ticks = UINT64_MAX};
    for (int i = 0; i < 2; i++) {
        if (both[i]->count == 0) {
            continue;
        }
        for (size_t k = 0; k < both[i]->bucket_count; k++) {
            uint64_t *bucket = &dense[tare_bucket_of(both[i]->buckets[k].low_ticks)];
            *bucket = add(*bucket, both[i]->buckets[k].count);
        }
        uint64_t min = rounded(both[i]->min), max = rounded(both[i]->max);
        sums.calls = sums.outermost = tare_count_add(sums.outermost, both[i]->count);
        sums.total_ticks = add(sums.total_ticks, isnan(both[i]->sum) ? UINT64_MAX : rounded(both[i]->sum));
        sums.min_ticks = min < sums.min_ticks ? min : sums.min_ticks;
        sums.max_ticks = max > sums.max_ticks ? max : sums.max_ticks;
    }
    struct tare_bucket buckets[TARE_BUCKET_COUNT];
    size_t count = tare__buckets_pack(dense, sums.min_ticks, sums.max_ticks, buckets);
    struct tare_distribution merged;
    int error = tare__figures_distribution(NULL, &sums, true, buckets, count, 1, &merged);
    if (error == 0) {
        free(to->buckets);
        *to = merged;
    }
    return error;
}

static int merge_states(struct tare_readings *to, const struct tare_readings *from)
{
    double sum_ns = 0;
    to->changes = tare_count_add(to->changes, from->changes);
    if (from->state_count > to->state_count) {
        struct tare_state_figures *grown = reallocarray(to->states, from->state_count, sizeof(*grown));
        if (grown == NULL) {
            return -ENOMEM;
        }
        to->states = grown;
        for (size_t i = to->state_count; i < from->state_count; i++) {
            grown[i] = (struct tare_state_figures){.name = strdup(from->states[i].name)};
            if (grown[i].name == NULL) {
                return -ENOMEM;
            }
            to->state_count = i + 1;
        }
    }
    for (size_t i = 0; i < from->state_count; i++) {
        to->states[i].ns += from->states[i].ns;
        to->states[i].threads = tare_count_add(to->states[i].threads, from->states[i].threads);
    }
    for (size_t i = 0; i < to->state_count; i++) {
        sum_ns += to->states[i].ns;
    }
    for (size_t i = 0; i < to->state_count; i++) {
        to->states[i].share = sum_ns > 0 ? to->states[i].ns / sum_ns : NAN;
    }
    return 0;
}

static struct tare_heavy_key *heavy_of(const struct tare_readings *readings)
{
    struct tare_heavy_key *keys = calloc(readings->key_count + 1, sizeof(*keys));
    for (size_t i = 0; keys != NULL && i < readings->key_count; i++) {
        const struct tare_key_figures *key = &readings->keys[i];
        keys[i] = (struct tare_heavy_key){key->key, key->weight, key->error, key->hits};
    }
    return keys;
}

static int merge_keys(struct tare_instrument_figures *to, const struct tare_instrument_figures *from)
{
    struct tare_readings *a = &to->total;
    const struct tare_readings *b = &from->total;
    size_t size = to->size > from->size ? to->size : from->size, count = 0;
    size = size > a->key_count ? size : a->key_count;
    size = size > b->key_count ? size : b->key_count;
    uint64_t least = 0, weight = tare_count_add(a->total, b->total);
    struct tare_heavy_key *keys_a = heavy_of(a), *keys_b = heavy_of(b),
                          *merged = calloc(size + 1, sizeof(*merged));
    struct tare_key_figures *keys = calloc(size + 1, sizeof(*keys));
    const struct tare_heavy_table tables[] = {{keys_a, a->key_count, a->least_weight},
                                              {keys_b, b->key_count, b->least_weight}};
    int error = keys_a == NULL || keys_b == NULL || merged == NULL || keys == NULL
                    ? -ENOMEM
                    : tare_heavy_merge(tables, 2, size, merged, &count, &least);
    for (size_t i = 0; error == 0 && i < count; i++) {
        keys[i] = (struct tare_key_figures){
            .key = merged[i].key,
            .weight = tare_count_of(merged[i].weight),
            .error = tare_count_of(merged[i].error),
            .hits = tare_count_of(merged[i].hits),
            .share =
                weight != 0 && weight != TARE_COUNT_UNKNOWN ? (double)merged[i].weight / (double)weight : NAN,
        };
    }
    if (error == 0) {
        free(a->keys);
        a->keys = keys;
        a->key_count = count;
        a->total = weight;
        a->hits = tare_count_add(a->hits, b->hits);
        a->least_weight = tare_count_of(least);
        to->size = (uint32_t)size;
    } else {
        free(keys);
    }
    free(keys_a);
    free(keys_b);
    free(merged);
    return error;
}

static int merge(struct tare_instrument_figures *to, const struct tare_instrument_figures *from)
{
    to->enabled |= from->enabled;
    to->loaded |= from->loaded;
    switch (to->kind) {
    case TARE_KIND_COUNTER:
        to->total.total = tare_count_add(to->total.total, from->total.total);
        to->total.known = to->total.total != TARE_COUNT_UNKNOWN;
        return 0;
    case TARE_KIND_HISTOGRAM:
        return merge_distributions(&to->total.distribution, &from->total.distribution);
    case TARE_KIND_STATE:
        return merge_states(&to->total, &from->total);
    case TARE_KIND_TOPK:
        return merge_keys(to, from);
    default:
        return 0;
    }
}

/* A gauge that was never set, or frames that never began, say nothing that would need an entry of its own. */
static bool says_nothing(const struct tare_instrument_figures *of)
{
    if (of->kind == TARE_KIND_GAUGE) {
        return isnan(of->total.value) && isnan(of->total.peak);
    }
    return of->total.total == 0 && of->total.frames_dropped == 0;
}

/* `first`: where those of its instrument begin. */
static int add_of_process(struct tare__instruments *instruments, size_t first,
                          struct tare_instrument_figures *from, uint32_t pid)
{
    struct tare__instrument_origin *origin = &instruments->origins[first];
    if (says_nothing(from)) {
        return 0;
    }
    if (!origin->of_process && says_nothing(&instruments->list[first])) {
        tare_instrument_figures_release(&instruments->list[first]);
        instruments->list[first] = *from;
        memset(from, 0, sizeof(*from));
        origin->pid = pid;
        return 0;
    }
    if (origin->processes == TARE__INSTRUMENT_PROCESSES) {
        instruments->left_out++;
        return 0;
    }
    size_t at = first + origin->processes++;
    if (!origin->of_process && label_with(instruments, first, origin->pid) != 0) {
        return -ENOMEM;
    }
    int error = put(instruments, at, from, pid);
    return error != 0 ? error : label_with(instruments, at, pid);
}

static int add_one(struct tare__instruments *instruments, struct tare_instrument_figures *from, uint32_t pid)
{
    int error = places_grow(instruments);
    if (error != 0) {
        return error;
    }
    size_t *place = place_of(instruments, from);
    if (*place == 0) {
        size_t end = instruments->count;
        error = put(instruments, end, from, pid);
        *place = error == 0 ? end + 1 : 0;
        instruments->place_count += error == 0;
        return error;
    }
    size_t at = *place - 1;
    return from->kind == TARE_KIND_GAUGE || from->kind == TARE_KIND_FRAMES
               ? add_of_process(instruments, at, from, pid)
               : merge(&instruments->list[at], from);
}

int tare__instruments_add(struct tare__instruments *instruments, const struct tare_page_view *view,
                          const struct tare_cost_model *model)
{
    struct tare__past past = {0};
    struct tare__figures figures = {
        .model = *model, .origin_ticks = view->header.first.ticks, .window_ns = NAN, .now = &past};
    struct tare_page_view others = *view; /* timers are merged elsewhere */
    others.timer_count = 0;
    int error = view->instrument_count != 0 ? tare__past_fill(&past, &others, NULL) : 0;
    for (size_t i = 0; error == 0 && i < view->instrument_count; i++) {
        struct tare_instrument_figures one = {0};
        error = tare__figures_of(&figures, NULL, &view->instruments[i], i, &one);
        if (error == 0) {
            error = add_one(instruments, &one, view->header.pid);
        }
        tare_instrument_figures_release(&one);
    }
    tare__past_release(&past);
    return error;
}

void tare__instruments_release(struct tare__instruments *instruments)
{
    for (size_t i = 0; i < instruments->count; i++) {
        tare_instrument_figures_release(&instruments->list[i]);
        free(instruments->origins[i].labels);
    }
    free(instruments->list);
    free(instruments->origins);
    free(instruments->places);
    *instruments = (struct tare__instruments){0};
}

static void subtract_buckets(struct tare_page_instrument *later, const struct tare_page_instrument *earlier)
{
    uint64_t min = UINT64_MAX, max = 0;
    if (later->buckets == NULL || earlier->buckets == NULL) {
        return;
    }
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        later->buckets[i] = less(later->buckets[i], earlier->buckets[i]);
        if (later->buckets[i] != 0) {
            min = min == UINT64_MAX ? tare_bucket_low(i) : min;
            max = tare_bucket_low(i) + tare_bucket_width(i) - 1;
        }
    }
    if (min != UINT64_MAX) { /* as for timers: bounds of the extremes are all that is known */
        later->sums.min_ticks = min > later->sums.min_ticks ? min : later->sums.min_ticks;
        later->sums.max_ticks = max < later->sums.max_ticks ? max : later->sums.max_ticks;
    }
}

static void subtract_keys(struct tare_page_instrument *later, const struct tare_page_instrument *earlier)
{
    uint64_t all = less(later->total, earlier->total);
    size_t kept = 0;
    for (size_t i = 0; i < later->key_count; i++) {
        const struct tare_page_key *then = NULL;
        for (size_t k = 0; k < earlier->key_count && then == NULL; k++) {
            then = earlier->keys[k].key == later->keys[i].key ? &earlier->keys[k] : NULL;
        }
        struct tare_page_key growth;
        tare__key_growth(&later->keys[i], then, all, &growth);
        if (growth.weight != 0) {
            later->keys[kept++] = growth;
        }
    }
    later->key_count = kept;
    later->total = tare_count_subtract(later->total, earlier->total);
    later->hits = less(later->hits, earlier->hits);
    later->least_weight = later->least_weight < all ? later->least_weight : all;
    tare__sort_keys(later->keys, later->key_count);
    for (size_t i = 0; i < kept; i++) { /* from at least to at most, as keys of a reading are */
        later->keys[i].weight += later->keys[i].error;
    }
}

static void subtract_frames(struct tare_page_frames *later, const struct tare_page_frames *earlier)
{
    const uint64_t ended = earlier->base + earlier->frames;
    size_t skipped = 0;
    while (skipped < later->last_count && later->last[skipped].number < ended) {
        skipped++;
    }
    later->last += skipped;
    later->last_count -= skipped;
    for (skipped = 0; skipped < later->slowest_count && later->slowest[skipped].number < ended;) {
        skipped++;
    }
    later->slowest += skipped;
    later->slowest_count -= skipped;
    later->frames = less(later->frames, earlier->frames);
    later->dropped = less(later->dropped, earlier->dropped);
    later->slow = less(later->slow, earlier->slow);
    for (int part = 0; part < TARE_FRAME_PARTS_MAX; part++) {
        later->part_ticks[part] = less(later->part_ticks[part], earlier->part_ticks[part]);
        later->part_frames[part] = less(later->part_frames[part], earlier->part_frames[part]);
    }
}

static void subtract_one(struct tare_page_instrument *later, const struct tare_page_instrument *earlier)
{
    later->peak = NAN; /* of the time before, perhaps */
    if (later->generation != earlier->generation) {
        return; /* reset in between: all of it is new */
    }
    tare_timer_sums_subtract(&later->sums, &earlier->sums);
    subtract_buckets(later, earlier);
    if (later->kind == TARE_KIND_STATE) {
        for (int i = 0; i < TARE_STATES_MAX; i++) {
            later->state_ticks[i] = less(later->state_ticks[i], earlier->state_ticks[i]);
        }
        later->state_changes = less(later->state_changes, earlier->state_changes);
    }
    if (later->kind == TARE_KIND_TOPK) {
        subtract_keys(later, earlier);
    } else {
        later->total = tare_count_subtract(later->total, earlier->total);
    }
    if (later->kind == TARE_KIND_FRAMES) {
        subtract_frames(&later->frames, &earlier->frames);
    }
}

void tare__instruments_subtract(struct tare_page_view *later, const struct tare_page_view *earlier)
{
    for (size_t i = 0; i < later->instrument_count && i < earlier->instrument_count; i++) {
        if (later->instruments[i].index == earlier->instruments[i].index &&
            later->instruments[i].kind == earlier->instruments[i].kind) {
            subtract_one(&later->instruments[i], &earlier->instruments[i]);
        }
    }
}
