/* SPDX-License-Identifier: MIT */
/*
 * From a reading to figures: total ones from what it says, rolling ones from what it says less what an earlier
 * one said. docs/live.md has the definitions.
 *
 * A difference is known if the instrument was not reset in between, which its generation tells, and if it has
 * not gone down, which only damage could make it. What the directory did not have yet had counted nothing. What
 * is switched off counts nothing, and that is not known to be 0.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/collect.h"
#include "result/telemetry_parts.h"
#include "stats/quantile.h"

static void *take(struct tare__arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return arena != NULL ? tare__arena_take(arena, bytes != 0 ? bytes : 1) : malloc(bytes != 0 ? bytes : 1);
}

/*
 * Strings of the view live as long as a snapshot in an arena does. NULL for an empty one that may be missing.
 */
static int text(const struct tare__figures *figures, const char *from, bool may_miss, char **to)
{
    if (from == NULL || (may_miss && from[0] == '\0')) {
        *to = NULL;
        return 0;
    }
    *to = figures->arena != NULL ? (char *)(uintptr_t)from : strdup(from);
    return *to != NULL ? 0 : -ENOMEM;
}

static bool goes_down(uint64_t now, uint64_t then)
{
    return now < then;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* NULL where no reading had any. */
static const struct tare_bucket *buckets_of(const struct tare__past *past,
                                            const struct tare__past_instrument *instrument)
{
    return instrument->count != 0 ? past->buckets + instrument->first : NULL;
}

static void window_extremes(const struct tare_bucket *buckets, size_t count, struct tare_timer_sums *sums)
{
    uint64_t low = tare_bucket_low(buckets[0].index);
    uint32_t last = buckets[count - 1].index;
    uint64_t high = tare_bucket_low(last) + tare_bucket_width(last) - 1;
    sums->min_ticks = low > sums->min_ticks ? low : sums->min_ticks;
    if (last != TARE_BUCKET_COUNT - 1 && high < sums->max_ticks) { /* the last bucket is open above */
        sums->max_ticks = high;
    }
}

int tare__figures_distribution(struct tare__arena *arena, const struct tare_timer_sums *sums, bool bounded,
                               const struct tare_bucket *buckets, size_t count, double scale,
                               struct tare_distribution *out)
{
    static const double p[] = {0.05, 0.5, 0.9, 0.95, 0.99, 0.999};
    double quantiles[sizeof(p) / sizeof(p[0])];
    tare_distribution_init(out);
    out->scale = scale;
    out->count = tare_count_of(sums->outermost);
    if (sums->outermost == 0) {
        return 0;
    }
    if (tare_sum_is_known(sums->total_ticks)) {
        out->sum = (double)sums->total_ticks * scale;
        out->mean = out->count != TARE_COUNT_UNKNOWN ? out->sum / (double)sums->outermost : NAN;
    }
    struct tare_timer_sums limits = *sums;
    if (!bounded && sums->outermost == 1 && tare_sum_is_known(sums->total_ticks)) {
        limits.min_ticks = limits.max_ticks = sums->total_ticks;
    } else if (!bounded && count != 0) {
        window_extremes(buckets, count, &limits);
    }
    if (bounded || count != 0) {
        out->min = (double)limits.min_ticks * scale;
        out->max = (double)limits.max_ticks * scale;
    }
    if (count == 0) {
        return 0;
    }
    const struct tare_histogram_facts facts = {.count = sums->outermost,
                                               .sum = sums->total_ticks,
                                               .min = limits.min_ticks,
                                               .max = limits.max_ticks,
                                               .attained = bounded};
    tare_buckets_quantiles_of(buckets, count, p, sizeof(p) / sizeof(p[0]), &facts, quantiles, NULL);
    double *const to[] = {&out->p05, &out->p50, &out->p90, &out->p95, &out->p99, &out->p999};
    for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
        *to[i] = quantiles[i] * scale;
    }
    out->buckets = take(arena, count, sizeof(*out->buckets));
    if (out->buckets == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        out->buckets[i] = (struct tare_result_bucket){.low_ticks = tare_bucket_low(buckets[i].index),
                                                      .width_ticks = tare_bucket_width(buckets[i].index),
                                                      .count = buckets[i].count};
    }
    out->bucket_count = count;
    return 0;
}

/* What came into the buckets in between: both without the empty ones, and so is the difference. */
static size_t subtract_buckets(const struct tare_bucket *now, size_t now_count, const struct tare_bucket *then,
                               size_t then_count, struct tare_bucket *to)
{
    size_t count = 0, t = 0;
    for (size_t i = 0; i < now_count; i++) {
        while (t < then_count && then[t].index < now[i].index) {
            t++;
        }
        uint64_t before = t < then_count && then[t].index == now[i].index ? then[t].count : 0;
        if (now[i].count > before) {
            to[count++] = (struct tare_bucket){.count = now[i].count - before, .index = now[i].index};
        }
    }
    return count;
}

/* The distribution of a window, from sums that are differences already. */
static int window_distribution(const struct tare__figures *figures, const struct tare_timer_sums *sums,
                               const struct tare__past_instrument *now,
                               const struct tare__past_instrument *then, double scale,
                               struct tare_distribution *out)
{
    struct tare_bucket buckets[TARE_BUCKET_COUNT];
    size_t count = subtract_buckets(buckets_of(figures->now, now), now->count,
                                    then != NULL ? buckets_of(figures->earlier, then) : NULL,
                                    then != NULL ? then->count : 0, buckets);
    return tare__figures_distribution(figures->arena, sums, false, buckets, count, scale, out);
}

static double per_s(const struct tare__figures *figures, uint64_t count)
{
    return count != TARE_COUNT_UNKNOWN ? (double)count / (figures->window_ns / 1e9) : NAN;
}

static void net_figures(const struct tare_cost_model *model, const struct tare_timer_sums *sums,
                        struct tare_readings *out)
{
    if (sums->outermost == 0) {
        out->measuring_ns = sums->calls == 0 ? 0 : NAN;
        return;
    }
    if (!tare_sum_is_known(sums->total_ticks)) {
        return;
    }
    struct tare_estimate estimate = tare_estimate_timer(model, sums);
    out->measuring_ns = estimate.measuring_ns;
    double shift_ns = tare_estimate_shift_ns(&estimate, sums->outermost);
    out->net_total_ns = estimate.net_total_ns;
    out->net_avg_ns = estimate.net_total_ns / (double)sums->outermost;
    out->net_avg_error_ns = tare_estimate_avg_error_ns(&estimate, sums->outermost);
    out->net_p50_ns = out->distribution.p50 - shift_ns;
    out->net_p95_ns = out->distribution.p95 - shift_ns;
    out->net_p99_ns = out->distribution.p99 - shift_ns;
}

static int fill_timer(const struct tare__figures *figures, const struct tare_page_timer *from,
                      const struct tare__past_instrument *now, const struct tare__past_instrument *then,
                      struct tare_instrument_figures *out)
{
    const double tick_ns = figures->model.tick_ns;
    out->total.total = tare_count_of(from->sums.calls);
    out->total.bytes = tare_count_of(from->sums.bytes);
    int error = tare__figures_distribution(figures->arena, &from->sums, true, buckets_of(figures->now, now),
                                           now->count, tick_ns, &out->total.distribution);
    net_figures(&figures->model, &from->sums, &out->total);
    struct tare_readings *rolling = &out->rolling;
    if (error != 0 || !rolling->known) {
        return error;
    }
    if (then != NULL && (goes_down(from->sums.calls, then->sums->calls) ||
                         goes_down(from->sums.outermost, then->sums->outermost))) {
        rolling->known = false;
        return 0;
    }
    struct tare_timer_sums sums = from->sums;
    if (then != NULL) {
        tare_timer_sums_subtract(&sums, then->sums);
    }
    rolling->total = tare_count_of(sums.calls);
    rolling->bytes = tare_count_of(sums.bytes);
    rolling->per_s = per_s(figures, rolling->total);
    error = window_distribution(figures, &sums, now, then, tick_ns, &rolling->distribution);
    net_figures(&figures->model, &sums, rolling);
    rolling->busy_share = sums.outermost != 0 ? rolling->net_total_ns / figures->window_ns : 0;
    return error;
}

static int fill_histogram(const struct tare__figures *figures, const struct tare_page_instrument *from,
                          const struct tare__past_instrument *now, const struct tare__past_instrument *then,
                          struct tare_instrument_figures *out)
{
    int error = tare__figures_distribution(figures->arena, &from->sums, true, buckets_of(figures->now, now),
                                           now->count, 1, &out->total.distribution);
    struct tare_readings *rolling = &out->rolling;
    if (error != 0 || !rolling->known) {
        return error;
    }
    if (then != NULL && goes_down(from->sums.outermost, then->sums->outermost)) {
        rolling->known = false;
        return 0;
    }
    struct tare_timer_sums sums = from->sums;
    if (then != NULL) {
        tare_timer_sums_subtract(&sums, then->sums);
    }
    rolling->per_s = per_s(figures, tare_count_of(sums.outermost));
    return window_distribution(figures, &sums, now, then, 1, &rolling->distribution);
}

static void fill_counter(const struct tare__figures *figures, const struct tare_page_instrument *from,
                         const struct tare__past_instrument *then, struct tare_instrument_figures *out)
{
    out->total.total = tare_count_of(from->total);
    out->total.known = out->total.total != TARE_COUNT_UNKNOWN;
    uint64_t came = tare_count_subtract(from->total, then != NULL ? then->total : 0);
    out->rolling.known &= came != TARE_COUNT_UNKNOWN;
    if (out->rolling.known) {
        out->rolling.total = came;
        out->rolling.per_s = per_s(figures, came);
    }
}

static void fill_gauge(const struct tare_page_instrument *from, const struct tare__past_instrument *then,
                       struct tare_instrument_figures *out)
{
    out->total.value = from->value;
    out->total.peak = from->peak;
    out->rolling.value = out->rolling.known && then != NULL ? from->value - then->value : NAN;
}

/* Shares, once the times are there. */
static void share_states(struct tare_readings *readings)
{
    double sum_ns = 0;
    for (size_t i = 0; i < readings->state_count; i++) {
        sum_ns += readings->states[i].ns;
    }
    for (size_t i = 0; i < readings->state_count; i++) {
        readings->states[i].share = sum_ns > 0 ? readings->states[i].ns / sum_ns : NAN;
    }
}

static int fill_states(const struct tare__figures *figures, const struct tare_page_instrument *from,
                       const struct tare__past_instrument *then, struct tare_readings *out)
{
    size_t count = from->name_count < TARE_STATES_MAX ? from->name_count : TARE_STATES_MAX;
    out->states = take(figures->arena, count, sizeof(*out->states));
    if (out->states == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t before = then != NULL ? then->state->ticks[i] : 0;
        out->states[i] = (struct tare_state_figures){
            .threads = from->state_threads[i],
            /* A stay may be counted up to a moment before the one that it was seen to end at. */
            .ns = from->state_ticks[i] > before
                      ? (double)(from->state_ticks[i] - before) * figures->model.tick_ns
                      : 0,
        };
        if (text(figures, from->names[i], false, &out->states[i].name) != 0) {
            return -ENOMEM;
        }
        out->state_count = i + 1;
    }
    share_states(out);
    return 0;
}

/*
 * Whether it was off for a part of the window, and is on at both ends: its control counts that. Who writes a 0 or
 * a 1 there without counting, as of an old version, is seen where a stay lasts through it: that is taken back, as
 * nobody knows how long of it counts, so times go down, or threads are in no state that did not leave theirs. What
 * we switched ourselves we know.
 */
static bool was_switched(const struct tare__figures *figures, const struct tare_page_instrument *from,
                         const struct tare__past_instrument *then)
{
    /* A stay may be counted up to a moment before the one that it was seen to end at. */
    static const double moment_ns = 1e6;
    for (size_t i = 0; i < figures->switched_count; i++) {
        const struct tare__switched *switched = &figures->switched[i];
        if (switched->index == from->index && switched->at_ns >= figures->earlier->at_ns) {
            return true;
        }
    }
    if (then != NULL && then->switched != from->switched) {
        return true;
    }
    for (size_t i = 0; then != NULL && i < TARE_STATES_MAX; i++) {
        uint64_t gone = less(then->state->ticks[i], from->state_ticks[i]);
        bool moved = then->state->threads[i] != from->state_threads[i];
        if ((double)gone * figures->model.tick_ns > moment_ns ||
            (moved && then->state->changes == from->state_changes)) {
            return true;
        }
    }
    return false;
}

/* Where each thread is. */
static int fill_stays(const struct tare__figures *figures, const struct tare_page_instrument *from,
                      struct tare_instrument_figures *out)
{
    const double tick_ns = figures->model.tick_ns;
    out->tick_ns = tick_ns;
    out->stays_left_out = from->stays_left_out;
    if (figures->end_ticks != 0 && from->stays_known) {
        out->stays_until_ns = (double)(int64_t)(figures->end_ticks - figures->origin_ticks) * tick_ns;
    }
    out->stays = take(figures->arena, from->stay_count, sizeof(*out->stays));
    if (out->stays == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < from->stay_count; i++) {
        const struct tare_page_stay *stay = &from->stays[i];
        struct tare_stay_figures *to = &out->stays[out->stay_count++];
        *to = (struct tare_stay_figures){
            .thread = stay->thread,
            .block = stay->block,
            .threads = figures->threads != NULL ? figures->threads[stay->thread].threads : 0,
            .ended = figures->threads != NULL && figures->threads[stay->thread].ended,
            .generation = stay->generation,
            .switched = stay->switched,
            .known = stay->known,
            .state = (int)stay->current - 1,
            .since_ticks = stay->since_ticks,
            .since_ns = (double)(int64_t)(stay->since_ticks - figures->origin_ticks) * tick_ns,
            .changes = stay->changes,
        };
        memcpy(to->ticks, stay->ticks, sizeof(to->ticks));
    }
    return 0;
}

static int fill_state(const struct tare__figures *figures, const struct tare_page_instrument *from,
                      const struct tare__past_instrument *then, struct tare_instrument_figures *out)
{
    out->total.changes = tare_count_of(from->state_changes);
    int error = fill_states(figures, from, NULL, &out->total);
    error = error != 0 ? error : fill_stays(figures, from, out);
    uint64_t changes = tare_count_subtract(from->state_changes, then != NULL ? then->state->changes : 0);
    /* Switched off, nobody knows where the threads are. */
    out->rolling.known &= from->enabled && changes != TARE_COUNT_UNKNOWN;
    out->rolling.known = out->rolling.known && !was_switched(figures, from, then);
    if (error == 0 && out->rolling.known) {
        out->rolling.changes = changes;
        out->rolling.per_s = per_s(figures, changes);
        error = fill_states(figures, from, then, &out->rolling);
    }
    return error;
}

static int by_weight(const void *a, const void *b)
{
    const struct tare_key_figures *x = a, *y = b;
    if (x->weight != y->weight) {
        return x->weight > y->weight ? -1 : 1;
    }
    return x->key < y->key ? -1 : x->key > y->key;
}

static const struct tare_page_key *find_key(const struct tare_page_key *keys, size_t count, uint64_t key)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (keys[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && keys[low].key == key ? &keys[low] : NULL;
}

/*
 * What a key weighs for sure, weight - error, grows by nothing but what came while it was in the tables; if it
 * had to leave one, it begins there anew. So the difference of that is the least that came, also for a key that
 * was in none before. At most, it is the greatest weight now less the sure one then. A key's errors only ever
 * grow where it left a table or was not in it; if they did not, both bounds are the difference of the weights.
 */
void tare__key_growth(const struct tare_page_key *now, const struct tare_page_key *then, uint64_t all,
                      struct tare_page_key *growth)
{
    uint64_t sure = now->weight - now->error;
    uint64_t sure_then = then != NULL ? then->weight - then->error : 0;
    uint64_t least = less(sure, sure_then), most = less(now->weight, sure_then);
    if (then != NULL && then->error == now->error) {
        most = least;
    }
    most = most < all ? most : all;
    least = least < most ? least : most;
    *growth = (struct tare_page_key){
        .key = now->key,
        .weight = least,
        .error = most - least,
        .hits = less(now->hits, then != NULL ? then->hits : 0),
    };
}

static int by_page_weight(const void *a, const void *b)
{
    const struct tare_page_key *x = a, *y = b;
    if (x->weight != y->weight) {
        return x->weight > y->weight ? -1 : 1;
    }
    return x->key < y->key ? -1 : x->key > y->key;
}

void tare__sort_keys(struct tare_page_key *keys, size_t count)
{
    if (count != 0) {
        qsort(keys, count, sizeof(*keys), by_page_weight);
    }
}

static struct tare_key_figures key_figures(const struct tare_page_key *from, uint64_t all)
{
    return (struct tare_key_figures){
        .key = from->key,
        .weight = tare_count_of(from->weight),
        .error = tare_count_of(from->error),
        .hits = tare_count_of(from->hits),
        .share = all != 0 && all <= INT64_MAX ? (double)from->weight / (double)all : NAN,
    };
}

static int fill_topk(const struct tare__figures *figures, const struct tare_page_instrument *from,
                     const struct tare__past_instrument *then, struct tare_instrument_figures *out)
{
    struct tare_readings *total = &out->total, *rolling = &out->rolling;
    total->total = tare_count_of(from->total);
    total->hits = tare_count_of(from->hits);
    total->least_weight = tare_count_of(from->least_weight);
    total->keys = take(figures->arena, from->key_count, sizeof(*total->keys));
    if (total->keys == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < from->key_count; i++) {
        total->keys[i] = key_figures(&from->keys[i], from->total);
    }
    total->key_count = from->key_count;
    uint64_t weight_then = then != NULL ? then->topk.weight : 0, hits_then = then != NULL ? then->topk.hits : 0;
    rolling->total = tare_count_subtract(from->total, weight_then);
    rolling->known &= rolling->total != TARE_COUNT_UNKNOWN;
    if (!rolling->known) {
        return 0;
    }
    rolling->hits = tare_count_of(less(from->hits, hits_then));
    rolling->least_weight = TARE_COUNT_UNKNOWN;
    rolling->per_s = per_s(figures, rolling->total);
    rolling->keys = take(figures->arena, from->key_count, sizeof(*rolling->keys));
    if (rolling->keys == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < from->key_count; i++) {
        const struct tare_page_key *key = &from->keys[i];
        const struct tare_page_key *before =
            then != NULL && then->count != 0
                ? find_key(figures->earlier->keys + then->first, then->count, key->key)
                : NULL;
        struct tare_page_key growth;
        tare__key_growth(key, before, rolling->total, &growth);
        if (growth.weight != 0) {
            rolling->keys[rolling->key_count++] = key_figures(&growth, rolling->total);
        }
    }
    if (rolling->key_count != 0) {
        qsort(rolling->keys, rolling->key_count, sizeof(*rolling->keys), by_weight);
    }
    return 0;
}

static struct tare_frame_figures frame_of(const struct tare__figures *figures,
                                          const struct tare_page_frame *from)
{
    const double tick_ns = figures->model.tick_ns;
    struct tare_frame_figures frame = {
        .number = from->number,
        .start_ns = (double)(int64_t)(from->start_ticks - figures->origin_ticks) * tick_ns,
        .ns = (double)from->ticks * tick_ns,
        .slow = from->slow,
    };
    for (int part = 0; part < TARE_FRAME_PARTS_MAX; part++) {
        frame.part_ns[part] =
            from->part_ticks[part] != UINT64_MAX ? (double)from->part_ticks[part] * tick_ns : NAN;
    }
    return frame;
}

static int fill_frame_list(const struct tare__figures *figures, const struct tare_page_frame *from,
                           size_t count, struct tare_frame_figures **to, size_t *to_count)
{
    *to = take(figures->arena, count, sizeof(**to));
    if (*to == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        (*to)[i] = frame_of(figures, &from[i]);
    }
    *to_count = count;
    return 0;
}

/*
 * The usual figures of those of the ring that ended after `since_ticks`, of the last FRAMES_SORTED at most:
 * sorting the times of a ring of 65,536 takes 7 ms at each poll, of these 0.3.
 */
enum { FRAMES_SORTED = 4096 };
static int usual_figures(const struct tare__figures *figures, const struct tare_page_frames *from,
                         uint64_t since_ticks, struct tare_readings *out)
{
    size_t count = 0, first = from->last_count > FRAMES_SORTED ? from->last_count - FRAMES_SORTED : 0;
    double *times_ms = malloc((from->last_count - first + 1) * sizeof(*times_ms));
    if (times_ms == NULL) {
        return -ENOMEM;
    }
    for (size_t i = first; i < from->last_count; i++) {
        if (since_ticks == 0 || from->last[i].start_ticks + from->last[i].ticks > since_ticks) {
            times_ms[count++] = (double)from->last[i].ticks * figures->model.tick_ns / 1e6;
            out->recent_slow += from->last[i].slow;
        }
    }
    tare_frames_of(times_ms, count,
                   &out->frames); /* refused, where the clock's rate is not known: all is unknown */
    free(times_ms);
    return 0;
}

static void part_means(const struct tare__figures *figures, const struct tare_page_frames *from,
                       const struct tare__past_frames *then, struct tare_readings *out)
{
    for (int part = 0; part < TARE_FRAME_PARTS_MAX; part++) {
        uint64_t ticks = less(from->part_ticks[part], then != NULL ? then->part_ticks[part] : 0);
        uint64_t frames = less(from->part_frames[part], then != NULL ? then->part_frames[part] : 0);
        out->frame_part_mean_ns[part] =
            frames != 0 ? (double)ticks * figures->model.tick_ns / (double)frames : NAN;
    }
}

static int fill_rolling_frames(const struct tare__figures *figures, const struct tare_page_instrument *from,
                               const struct tare__past_instrument *now,
                               const struct tare__past_instrument *then, struct tare_readings *out)
{
    const struct tare_page_frames *frames = &from->frames;
    const struct tare__past_frames *before = then != NULL ? then->frames : NULL;
    if (before != NULL &&
        (goes_down(frames->frames, before->frames) || goes_down(frames->dropped, before->dropped))) {
        out->known = false;
        return 0;
    }
    struct tare_timer_sums sums = from->sums;
    if (before != NULL) {
        tare_timer_sums_subtract(&sums, &before->sums);
    }
    out->total = tare_count_of(frames->frames - (before != NULL ? before->frames : 0));
    out->frames_dropped = tare_count_of(frames->dropped - (before != NULL ? before->dropped : 0));
    out->frames_slow = tare_count_of(less(frames->slow, before != NULL ? before->slow : 0));
    out->per_s = per_s(figures, out->total);
    part_means(figures, frames, before, out);
    int error = window_distribution(figures, &sums, now, then, figures->model.tick_ns, &out->distribution);
    return error != 0 ? error : usual_figures(figures, frames, figures->earlier->read_ticks, out);
}

static int fill_frames(const struct tare__figures *figures, const struct tare_page_instrument *from,
                       const struct tare__past_instrument *now, const struct tare__past_instrument *then,
                       struct tare_instrument_figures *out)
{
    const struct tare_page_frames *frames = &from->frames;
    out->slow_over_ns = frames->slow_ticks != 0 ? (double)frames->slow_ticks * figures->model.tick_ns : NAN;
    out->total.total = tare_count_of(frames->frames);
    out->total.frames_dropped = tare_count_of(frames->dropped);
    out->total.frames_slow = tare_count_of(frames->slow);
    part_means(figures, frames, NULL, &out->total);
    int error = tare__figures_distribution(figures->arena, &from->sums, true, buckets_of(figures->now, now),
                                           now->count, figures->model.tick_ns, &out->total.distribution);
    error = error != 0 ? error : usual_figures(figures, frames, 0, &out->total);
    error = error != 0
                ? error
                : fill_frame_list(figures, frames->last, frames->last_count, &out->last, &out->last_count);
    error = error != 0 ? error
                       : fill_frame_list(figures, frames->slowest, frames->slowest_count, &out->slow,
                                         &out->slow_count);
    return error == 0 && out->rolling.known ? fill_rolling_frames(figures, from, now, then, &out->rolling)
                                            : error;
}

static int fill_names(const struct tare__figures *figures, const struct tare_page_instrument *from,
                      struct tare_instrument_figures *out)
{
    const uint32_t most = from->kind == TARE_KIND_STATE ? TARE_STATES_MAX : TARE_FRAME_PARTS_MAX;
    size_t count = from->name_count < most ? from->name_count : most;
    out->names = take(figures->arena, count + 1, sizeof(*out->names));
    if (out->names == NULL) {
        return -ENOMEM;
    }
    memset(out->names, 0, (count + 1) * sizeof(*out->names));
    for (size_t i = 0; i < count; i++) {
        if (text(figures, from->names[i], false, &out->names[i]) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* What has nothing to do with what it counted. */
static int describe(const struct tare__figures *figures, const struct tare_page_timer *timer,
                    const struct tare_page_instrument *instrument, struct tare_instrument_figures *out)
{
    *out = (struct tare_instrument_figures){
        .kind = timer != NULL ? TARE_KIND_TIMER : (enum tare_kind)instrument->kind,
        .line = timer != NULL ? timer->line : instrument->line,
        .generation = timer != NULL ? timer->generation : instrument->generation,
        .enabled = timer != NULL ? timer->enabled : instrument->enabled,
        .loaded = timer != NULL ? timer->loaded : instrument->loaded,
        .size = timer != NULL ? 0 : instrument->size,
        .slow_over_ns = NAN,
        .stays_until_ns = NAN,
        .tick_ns = NAN,
    };
    tare_readings_init(&out->total);
    tare_readings_init(&out->rolling);
    int error = text(figures, timer != NULL ? timer->module : instrument->module, false, &out->module);
    error |= text(figures, timer != NULL ? timer->name : instrument->name, false, &out->name);
    error |= text(figures, timer != NULL ? timer->file : instrument->file, true, &out->file);
    if (instrument != NULL) {
        error |= text(figures, instrument->unit, true, &out->unit);
        error |= text(figures, instrument->labels, true, &out->labels);
        error |= text(figures, instrument->help, true, &out->help);
    }
    if (error == 0 && (out->kind == TARE_KIND_FRAMES || out->kind == TARE_KIND_STATE)) {
        error = fill_names(figures, instrument, out);
    }
    return error != 0 ? -ENOMEM : 0;
}

/*
 * The same instrument in the earlier reading. NULL: it had not been declared yet, so that nothing had been
 * counted, or, if *known becomes false, that reading left it out. Directories only grow, so its place is mostly
 * the same.
 */
static const struct tare__past_instrument *find_earlier(const struct tare__past *earlier, size_t at,
                                                        uint32_t index, bool *known)
{
    size_t low = 0, high = earlier->count;
    if (at < high && earlier->instruments[at].index == index) {
        return &earlier->instruments[at];
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (earlier->instruments[middle].index < index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == earlier->count) {
        return NULL;
    }
    *known = earlier->instruments[low].index == index;
    return *known ? &earlier->instruments[low] : NULL;
}

/* Whether it says what it said then; of what had not been declared then, whether it says nothing. */
static bool has_not_moved(const struct tare__past_instrument *now, const struct tare__past_instrument *then)
{
    switch (now->kind) {
    case TARE_KIND_TIMER:
        return now->sums->calls == (then != NULL ? then->sums->calls : 0);
    case TARE_KIND_COUNTER:
        return now->total == (then != NULL ? then->total : 0);
    case TARE_KIND_HISTOGRAM:
        return now->sums->outermost == (then != NULL ? then->sums->outermost : 0);
    case TARE_KIND_TOPK:
        return now->topk.weight == (then != NULL ? then->topk.weight : 0);
    case TARE_KIND_FRAMES:
        return now->frames->frames == (then != NULL ? then->frames->frames : 0) &&
               now->frames->dropped == (then != NULL ? then->frames->dropped : 0);
    case TARE_KIND_GAUGE:
        return then == NULL || !(now->value < then->value || now->value > then->value);
    default:
        return true;
    }
}

/*
 * Whether nobody counted in the window, which is not the same as that nothing happened: off at both ends, and
 * nothing came. The times of states have to be all there are: there, either end is enough.
 */
static bool is_off(const struct tare__past_instrument *now, const struct tare__past_instrument *then)
{
    bool was_on = then != NULL && then->enabled;
    if (now->kind == TARE_KIND_STATE) {
        return !now->enabled || (then != NULL && !was_on);
    }
    return !now->enabled && !was_on && has_not_moved(now, then);
}

int tare__figures_of(const struct tare__figures *figures, const struct tare_page_timer *timer,
                     const struct tare_page_instrument *instrument, size_t at,
                     struct tare_instrument_figures *out)
{
    const struct tare__past_instrument *now = &figures->now->instruments[at];
    bool known = figures->earlier != NULL && figures->window_ns > 0;
    const struct tare__past_instrument *then =
        known ? find_earlier(figures->earlier, at, now->index, &known) : NULL;
    int error = describe(figures, timer, instrument, out);
    if (error != 0) {
        return error;
    }
    out->total.known = true;
    out->rolling.known = figures->earlier != NULL && figures->window_ns > 0 &&
                         (then == NULL || then->generation == now->generation || now->kind == TARE_KIND_GAUGE);
    bool other =
        then != NULL && then->kind != now->kind; /* a page may say anything: then nothing of it is the same */
    then = other ? NULL : then;
    if (other || is_off(now, then)) {
        out->rolling.known = false;
    }
    switch (out->kind) {
    case TARE_KIND_TIMER:
        return fill_timer(figures, timer, now, then, out);
    case TARE_KIND_COUNTER:
        fill_counter(figures, instrument, then, out);
        return 0;
    case TARE_KIND_GAUGE:
        fill_gauge(instrument, then, out);
        return 0;
    case TARE_KIND_HISTOGRAM:
        return fill_histogram(figures, instrument, now, then, out);
    case TARE_KIND_STATE:
        return fill_state(figures, instrument, then, out);
    case TARE_KIND_TOPK:
        return fill_topk(figures, instrument, then, out);
    case TARE_KIND_FRAMES:
        return fill_frames(figures, instrument, now, then, out);
    }
    return 0;
}

double tare__measuring_share(const struct tare_process_figures *process)
{
    /* What overlaps with the work around makes it seem more than it is, but not by half: as of results. */
    static const double share_most = 1.5;
    double sum_ns = 0;
    for (size_t i = 0; i < process->instrument_count; i++) {
        const struct tare_instrument_figures *instrument = &process->instruments[i];
        bool off =
            !instrument->enabled && !instrument->rolling.known; /* all of the window, so it took nothing */
        if (instrument->kind == TARE_KIND_TIMER && !off) {
            sum_ns += instrument->rolling.known ? instrument->rolling.measuring_ns : NAN;
        }
    }
    double cpu_ns = process->cpu_share * process->window_ns;
    double share = sum_ns == 0 ? 0 : cpu_ns > 0 ? sum_ns / cpu_ns : NAN;
    return share >= 0 && share <= share_most ? fmin(share, 1) : NAN;
}
