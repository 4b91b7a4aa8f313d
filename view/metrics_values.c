/* SPDX-License-Identifier: MIT */
/*
 * Samples: the values of an item, a line for each. What is unknown has no line.
 *
 * Buckets. A classic histogram has few buckets, which have to stay the same from scrape to scrape and between
 * processes, or sums over them are wrong. Those of values are at powers of two less one, where our own buckets
 * end as well: the counts are exact. Those of times are at powers of two of ns: our buckets are in ticks, whose
 * rate differs a little from process to process, and go whole to the bound that their middle does not exceed, so
 * that a count never falls; it is that for a bound at most 3.2 % off (page.h).
 */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/metrics_parts.h"

static void put_whole(struct tare__grown *text, uint64_t number)
{
    tare__grow_decimal(text, number, 0);
}

/* NAME_SUFFIX{labels,label="value"}, up to the value. */
static void begin_sample(struct tare__metrics *m, const struct tare__metric_item *item, const char *suffix,
                         const char *label, const char *value)
{
    struct tare__grown *text = &m->text;
    const char *labels = item->more_labels != NULL ? item->more_labels : item->labels;
    tare__grow(text, item->name);
    tare__grow(text, suffix);
    bool any = *labels != '\0' || (label != NULL && *value != '\0');
    if (any) {
        tare__grow(text, "{");
        tare__grow(text, labels);
        if (label != NULL) {
            tare__metric_label(text, label, value);
        }
        tare__grow(text, "}");
    }
    tare__grow(text, " ");
}

static void end_sample(struct tare__metrics *m)
{
    const struct tare_metrics_options *options = m->options;
    double unix_ns = m->telemetry->unix_ns;
    if (options->timestamps && isfinite(unix_ns) && unix_ns >= 0 && unix_ns < 9e18) {
        tare__grow(&m->text, " ");
        uint64_t ms = (uint64_t)llround(unix_ns / 1e6);
        if (options->format == TARE_METRICS_OPENMETRICS) {
            tare__grow_decimal(&m->text, ms, 3);
        } else {
            put_whole(&m->text, ms);
        }
    }
    tare__grow(&m->text, "\n");
}

/* Nothing, if it is unknown; so is what is infinite. */
static void put_sample(struct tare__metrics *m, const struct tare__metric_item *item, const char *label,
                       const char *value, double number)
{
    if (isfinite(number)) {
        begin_sample(m, item, "", label, value);
        tare__grow_number(&m->text, tare__metric_in_unit(&item->unit, number) + 0.0, false); /* -0 is 0 */
        end_sample(m);
    }
}

/* A count, which is exact, with the suffix of counters; nothing, if it is unknown. */
static void put_count(struct tare__metrics *m, const struct tare__metric_item *item, const char *suffix,
                      const char *label, const char *value, uint64_t count)
{
    if (count == TARE_COUNT_UNKNOWN) {
        return;
    }
    begin_sample(m, item, suffix, label, value);
    double factor = item->unit.factor;
    if (factor >= 1 && factor < 0x1p60 && factor == floor(factor)) {
        tare__grow_decimal(&m->text, (unsigned __int128)count * (uint64_t)factor, item->unit.decimals);
    } else {
        tare__grow_number(&m->text, tare__metric_in_unit(&item->unit, (double)count), false);
    }
    end_sample(m);
}

static void put_total(struct tare__metrics *m, const struct tare__metric_item *item, const char *label,
                      const char *value, double number)
{
    if (isfinite(number)) {
        begin_sample(m, item, "_total", label, value);
        tare__grow_number(&m->text, tare__metric_in_unit(&item->unit, number < 0 ? 0 : number), false);
        end_sample(m);
    }
}

static void put_lost(struct tare__metrics *m, const struct tare__metric_item *item)
{
    const struct tare_process_figures *process = item->process;
    put_count(m, item, "_total", "what", "instruments", process->lost_instruments);
    put_count(m, item, "_total", "what", "threads", process->lost_threads);
    put_count(m, item, "_total", "what", "scopes", process->lost_scopes);
    put_count(m, item, "_total", "what", "dropped_scopes", process->dropped_scopes);
    put_count(m, item, "_total", "what", "extras", process->lost_extras);
}

static void put_info(struct tare__metrics *m, const struct tare__metric_item *item)
{
    struct tare__grown text = {0};
    struct tare__metric_item whole = *item;
    tare__grow(&text, item->more_labels != NULL ? item->more_labels : item->labels);
    tare__metric_label(&text, "executable", item->process->executable);
    tare__metric_label(&text, "clock", item->process->clock);
    char *labels = tare__grown_steal(&text);
    whole.more_labels = labels;
    if (labels == NULL) {
        m->failed = true;
        return;
    }
    begin_sample(m, &whole, "_info", NULL, NULL);
    tare__grow(&m->text, "1");
    end_sample(m);
    free(labels);
}

/* Of no values it is 0. NAN: it is unknown. */
static double sum_of(const struct tare_distribution *d)
{
    return d->count == 0 && isnan(d->sum) ? 0 : d->sum;
}

/* False: it is unknown. */
static bool put_sum(struct tare__metrics *m, const struct tare__metric_item *item,
                    const struct tare_distribution *d)
{
    double sum = tare__metric_in_unit(&item->unit, sum_of(d));
    if (!isfinite(sum)) {
        return false;
    }
    begin_sample(m, item, "_sum", NULL, NULL);
    tare__grow_number(&m->text, sum, false);
    end_sample(m);
    return true;
}

/* Quantiles are named as OpenMetrics wants them. */
static void put_quantile(struct tare__metrics *m, const struct tare__metric_item *item, const char *quantile,
                         double value)
{
    put_sample(m, item, "quantile", quantile, value);
}

static void put_timer(struct tare__metrics *m, const struct tare__metric_item *item)
{
    const struct tare_distribution *d = &item->instrument->total.distribution;
    put_quantile(m, item, "0.5", d->p50);
    put_quantile(m, item, "0.9", d->p90);
    put_quantile(m, item, "0.95", d->p95);
    put_quantile(m, item, "0.99", d->p99);
    put_quantile(m, item, "0.999", d->p999);
    put_sum(m, item, d);
    begin_sample(m, item, "_count", NULL, NULL);
    put_whole(&m->text, d->count);
    end_sample(m);
}

static void put_window(struct tare__metrics *m, const struct tare__metric_item *item)
{
    const struct tare_distribution *d = &item->instrument->rolling.distribution;
    if (item->instrument->rolling.known) {
        put_quantile(m, item, "0.5", d->p50);
        put_quantile(m, item, "0.95", d->p95);
        put_quantile(m, item, "0.99", d->p99);
    }
}

/* Of a histogram, in the last window. */
static void put_values(struct tare__metrics *m, const struct tare__metric_item *item)
{
    const struct tare_distribution *d = &item->instrument->rolling.distribution;
    if (item->instrument->rolling.known) {
        put_sample(m, item, "figure", "mean", d->mean);
        if (strcmp(item->instrument->module, "cpu") ==
            0) { /* of rates (tare/cpu.h), the slow end is the low one */
            put_sample(m, item, "figure", "p5", d->p05);
        }
        put_sample(m, item, "figure", "p50", d->p50);
        put_sample(m, item, "figure", "p95", d->p95);
        put_sample(m, item, "figure", "p99", d->p99);
    }
}

/* Below this power of two of ns, no call and no frame needs a bucket of its own. */
enum { TIMER_LEAST = 3, FRAME_LEAST = 16, OCTAVES = TARE_BUCKET_TOP + 1 };

static void put_bucket(struct tare__metrics *m, const struct tare__metric_item *item, const char *le,
                       uint64_t count)
{
    begin_sample(m, item, "_bucket", "le", le);
    put_whole(&m->text, count);
    end_sample(m);
}

/*
 * `least`: -1: values, with bounds at 2^k - 1; else times, with bounds at 2^k ns from k = `least` on. What is in the
 * last of our buckets has no upper end, and so no bound but infinity; nor have bounds within it a meaning.
 */
static void put_histogram(struct tare__metrics *m, const struct tare__metric_item *item, int least)
{
    const struct tare_distribution *d = &item->instrument->total.distribution;
    uint64_t counts[OCTAVES + 1] = {0}, total = 0;
    int top = -1, first = least < 0 ? 0 : least;
    const uint64_t open = tare_bucket_low(TARE_BUCKET_COUNT - 1);
    const double end = (double)open * (least < 0 ? 1 : d->scale);
    for (size_t i = 0; i < d->bucket_count; i++) {
        const struct tare_result_bucket *bucket = &d->buckets[i];
        int octave = first;
        if (bucket->low_ticks >= open) {
            octave = OCTAVES;
        } else if (least < 0) {
            while (octave < OCTAVES && bucket->low_ticks >> octave != 0) {
                octave++;
            }
        } else {
            double middle = ((double)bucket->low_ticks + ((double)bucket->width_ticks - 1) / 2) * d->scale;
            while (octave < OCTAVES && middle > ldexp(1, octave)) {
                octave++;
            }
        }
        counts[octave] += bucket->count;
        total += bucket->count;
        if (bucket->count > 0 && octave > top) {
            top = octave;
        }
    }
    uint64_t sum = 0;
    for (int octave = first; octave <= top && octave < OCTAVES && ldexp(1, octave) <= end; octave++) {
        struct tare__grown le = {0};
        uint64_t bound = (UINT64_C(1) << octave) - (least < 0);
        /* With a point, as OpenMetrics has it, in both formats: it is part of the series' name. */
        tare__grow_number(&le, tare__metric_in_unit(&item->unit, (double)bound), true);
        sum += counts[octave];
        if (le.failed) {
            m->failed = true;
        } else {
            put_bucket(m, item, le.data, sum);
        }
        free(le.data);
    }
    total = d->bucket_count > 0 ? total : d->count; /* the same; of a live page, but for some calls */
    put_bucket(m, item, "+Inf", total);
    /* OpenMetrics: if and only if there is a sum, there is a count; the last bucket says the same. */
    if (put_sum(m, item, d)) {
        begin_sample(m, item, "_count", NULL, NULL);
        put_whole(&m->text, total);
        end_sample(m);
    }
}

static void put_states(struct tare__metrics *m, const struct tare__metric_item *item)
{
    const struct tare_readings *readings =
        item->what == TARE__OF_STATE_SHARE ? &item->instrument->rolling : &item->instrument->total;
    char *names[TARE_STATES_MAX];
    size_t count = 0;
    for (; readings->known && count < readings->state_count && count < TARE_STATES_MAX; count++) {
        names[count] = readings->states[count].name;
    }
    for (size_t i = 0; i < count && !m->failed; i++) {
        const struct tare_state_figures *state = &readings->states[i];
        char *name = tare__distinct_name(names, count, i, "#");
        if (name == NULL) {
            m->failed = true;
        } else if (item->what == TARE__OF_STATE_TIME) {
            put_total(m, item, "state", name, state->ns);
        } else if (item->what == TARE__OF_STATE_THREADS) {
            put_sample(m, item, "state", name, (double)state->threads);
        } else {
            put_sample(m, item, "state", name, state->share);
        }
        free(name);
    }
}

/* What came in the window; a second. */
static double by_window(const struct tare__metric_item *item, uint64_t count)
{
    double window_s = item->process->window_ns / 1e9;
    return count != TARE_COUNT_UNKNOWN && window_s > 0 ? (double)count / window_s : NAN;
}

/*
 * Keys come and go, and each that was ever named is one more series for a store, for as long as it keeps any. So a
 * key is named only if it is heavy for sure: if weight - error is at least 1 % of the weight of all keys. Most keys
 * of a long tail are in the table for having been the last to come, with a weight that nearly all is error. These
 * are the keys whose "frequent" is guaranteed in Metwally, Agrawal, El Abbadi, "Efficient computation of frequent
 * and top-k elements in data streams" (ICDT 2005).
 *
 * It bounds how many there ever are, too. What each key had when it was first named is 1 % or more of the weight W of
 * all then, and of no other key: the W of n such readings sum up to 100 times the last of them at most. So there are
 * 100 at most at the first one, and 100 ln(W / first W) more at most.
 */
static bool is_named(const struct tare_readings *total, const struct tare_key_figures *key)
{
    if (total->total == TARE_COUNT_UNKNOWN || key->weight == TARE_COUNT_UNKNOWN ||
        key->error == TARE_COUNT_UNKNOWN || key->weight <= key->error) {
        return false;
    }
    return (unsigned __int128)(key->weight - key->error) * 100 >= total->total;
}

static size_t most_keys(const struct tare__metrics *m)
{
    return m->options->keys != 0 ? m->options->keys : TARE_METRICS_KEYS;
}

/* What the same key has in the window; NULL: nothing that is known. */
static const struct tare_key_figures *in_window(const struct tare_readings *rolling, uint64_t key)
{
    for (size_t i = 0; rolling->known && i < rolling->key_count; i++) {
        if (rolling->keys[i].key == key) {
            return &rolling->keys[i];
        }
    }
    return NULL;
}

static uint64_t figure_of(const struct tare_key_figures *key, enum tare__metric_what what)
{
    switch (what) {
    case TARE__OF_KEY_WEIGHT:
    case TARE__OF_KEY_WEIGHT_RATE:
        return key->weight;
    case TARE__OF_KEY_ERROR:
    case TARE__OF_KEY_ERROR_RATE:
        return key->error;
    default:
        return key->hits;
    }
}

static void put_keys(struct tare__metrics *m, const struct tare__metric_item *item)
{
    bool rolls = item->what == TARE__OF_KEY_WEIGHT_RATE || item->what == TARE__OF_KEY_ERROR_RATE ||
                 item->what == TARE__OF_KEY_HITS_RATE;
    const struct tare_readings *total = &item->instrument->total;
    size_t left = most_keys(m);
    for (size_t i = 0; i < total->key_count && left > 0; i++) {
        const struct tare_key_figures *key = &total->keys[i];
        if (!is_named(total, key)) {
            continue;
        }
        left--;
        char name[24];
        snprintf(name, sizeof(name), "0x%" PRIx64, key->key);
        key = rolls ? in_window(&item->instrument->rolling, key->key) : key;
        if (key != NULL && rolls) {
            put_sample(m, item, "key", name, by_window(item, figure_of(key, item->what)));
        } else if (key != NULL) {
            put_count(m, item, "", "key", name, figure_of(key, item->what));
        }
    }
}

/* What the keys that are not named weigh together, at most. */
static void put_rest(struct tare__metrics *m, const struct tare__metric_item *item)
{
    const struct tare_readings *total = &item->instrument->total;
    uint64_t rest = total->total;
    size_t left = most_keys(m);
    for (size_t i = 0; i < total->key_count && left > 0; i++) {
        const struct tare_key_figures *key = &total->keys[i];
        if (is_named(total, key)) {
            uint64_t sure = key->weight - key->error;
            rest = sure < rest ? rest - sure : 0; /* of a live page, keys may be read a moment after the sum */
            left--;
        }
    }
    put_count(m, item, "", NULL, NULL, rest);
}

static void put_frame_rates(struct tare__metrics *m, const struct tare__metric_item *item)
{
    const struct tare_readings *readings =
        item->what == TARE__OF_FRAMES_ROLLING ? &item->instrument->rolling : &item->instrument->total;
    if (readings->known) {
        put_sample(m, item, "figure", "average", readings->frames.avg_fps);
        put_sample(m, item, "figure", "median", readings->frames.median_fps);
        put_sample(m, item, "figure", "low_1_percent", readings->frames.low_1_fps);
        put_sample(m, item, "figure", "low_0.1_percent", readings->frames.low_01_fps);
    }
}

static void put_frame_times(struct tare__metrics *m, const struct tare__metric_item *item)
{
    const struct tare_readings *of =
        item->what == TARE__OF_FRAMES_TIME_ROLLING ? &item->instrument->rolling : &item->instrument->total;
    const struct tare_frames *frames = &of->frames;
    if (of->known) {
        put_sample(m, item, "figure", "mean", frames->mean_ms * 1e6);
        put_sample(m, item, "figure", "p50", frames->p50_ms * 1e6);
        put_sample(m, item, "figure", "p95", frames->p95_ms * 1e6);
        put_sample(m, item, "figure", "p99", frames->p99_ms * 1e6);
        put_sample(m, item, "figure", "standard_deviation", frames->sd_ms * 1e6);
    }
}

static void put_parts(struct tare__metrics *m, const struct tare__metric_item *item)
{
    const struct tare_instrument_figures *frames = item->instrument;
    const struct tare_readings *of =
        item->what == TARE__OF_FRAME_PARTS_ROLLING ? &frames->rolling : &frames->total;
    size_t count = 0;
    while (of->known && frames->names != NULL && count < TARE_FRAME_PARTS_MAX && frames->names[count] != NULL) {
        count++;
    }
    for (size_t i = 0; i < count && !m->failed; i++) {
        char *name = tare__distinct_name(frames->names, count, i, "#");
        m->failed |= name == NULL;
        if (name != NULL) {
            put_sample(m, item, "part", name, of->frame_part_mean_ns[i]);
        }
        free(name);
    }
}

/* ---- which figure is what ---- */

static void put_derived(struct tare__metrics *m, const struct tare__metric_item *item)
{
    bool rolls = item->what == TARE__OF_DERIVED_ROLLING;
    put_sample(m, item, NULL, NULL, rolls ? item->derived->rolling : item->derived->total);
}

static void put_processes(struct tare__metrics *m, const struct tare__metric_item *item)
{
    put_count(m, item, "", NULL, NULL, m->telemetry->process_count);
}

static void put_denied(struct tare__metrics *m, const struct tare__metric_item *item)
{
    put_count(m, item, "", NULL, NULL, m->telemetry->denied);
}

static void put_left_out(struct tare__metrics *m, const struct tare__metric_item *item)
{
    put_count(m, item, "", NULL, NULL, m->left_out);
}

static void put_alive(struct tare__metrics *m, const struct tare__metric_item *item)
{
    put_sample(m, item, NULL, NULL, item->process->alive);
}

static void put_cpu(struct tare__metrics *m, const struct tare__metric_item *item)
{
    put_total(m, item, NULL, NULL, item->process->cpu_total_ns);
}

static void put_values_sum(struct tare__metrics *m, const struct tare__metric_item *item)
{
    const struct tare_readings *rolling = &item->instrument->rolling;
    put_sample(m, item, NULL, NULL, rolling->known ? sum_of(&rolling->distribution) : NAN);
}

static void put_values_histogram(struct tare__metrics *m, const struct tare__metric_item *item)
{
    put_histogram(m, item, -1);
}

static void put_frames_histogram(struct tare__metrics *m, const struct tare__metric_item *item)
{
    put_histogram(m, item, FRAME_LEAST);
}

static void put_timer_times(struct tare__metrics *m, const struct tare__metric_item *item)
{
    if (item->type == TARE__TYPE_HISTOGRAM) {
        put_histogram(m, item, TIMER_LEAST);
    } else {
        put_timer(m, item);
    }
}

static void put_variance(struct tare__metrics *m, const struct tare__metric_item *item)
{
    bool rolls = item->what == TARE__OF_FRAMES_VARIANCE_ROLLING;
    const struct tare_readings *of = rolls ? &item->instrument->rolling : &item->instrument->total;
    put_sample(m, item, NULL, NULL, !rolls || of->known ? of->frames.variance_ms2 * 1e12 : NAN); /* ns2 */
}

/* A figure is a member of what it is of, as it stands there; or has a function that writes its samples. */
enum place { OF_ALL, OF_PROCESS, OF_TOTAL, OF_WINDOW };
enum form {
    FORM_OWN,
    FORM_NUMBER, /* double */
    FORM_COUNT,  /* uint64_t; of a gauge */
    FORM_TOTAL,  /* of a counter */
    FORM_RATE,   /* of a gauge, by the window */
};

static const struct figure {
    void (*put)(struct tare__metrics *m, const struct tare__metric_item *item);
    enum form form;
    enum place place;
    size_t offset;
} figures[] = {
#define ALL(member) NULL, FORM_NUMBER, OF_ALL, offsetof(struct tare_telemetry, member)
#define PROCESS(form, member) NULL, form, OF_PROCESS, offsetof(struct tare_process_figures, member)
#define TOTAL(form, member) NULL, form, OF_TOTAL, offsetof(struct tare_readings, member)
#define WINDOW(form, member) NULL, form, OF_WINDOW, offsetof(struct tare_readings, member)
#define OWN(put) put, FORM_OWN, OF_ALL, 0
    [TARE__OF_READING] = {ALL(reading_ns)},
    [TARE__OF_PROCESSES] = {OWN(put_processes)},
    [TARE__OF_DENIED] = {OWN(put_denied)},
    [TARE__OF_LEFT_OUT] = {OWN(put_left_out)},
    [TARE__OF_WINDOW] = {ALL(window_ns)},
    [TARE__OF_PROCESS_INFO] = {OWN(put_info)},
    [TARE__OF_PROCESS_ALIVE] = {OWN(put_alive)},
    [TARE__OF_PROCESS_AGE] = {PROCESS(FORM_NUMBER, age_ns)},
    [TARE__OF_PROCESS_CPU] = {OWN(put_cpu)},
    [TARE__OF_PROCESS_CPU_SHARE] = {PROCESS(FORM_NUMBER, cpu_share)},
    [TARE__OF_PROCESS_RESIDENT] = {PROCESS(FORM_NUMBER, resident_bytes)},
    [TARE__OF_PROCESS_THREADS] = {PROCESS(FORM_COUNT, process_threads)},
    [TARE__OF_PROCESS_INSTRUMENTED] = {PROCESS(FORM_COUNT, threads)},
    [TARE__OF_PROCESS_LOST] = {OWN(put_lost)},
    [TARE__OF_PROCESS_MEASURING] = {PROCESS(FORM_NUMBER, measuring_share)},
    [TARE__OF_DERIVED] = {OWN(put_derived)},
    [TARE__OF_DERIVED_ROLLING] = {OWN(put_derived)},
    [TARE__OF_COUNTER] = {TOTAL(FORM_TOTAL, total)},
    [TARE__OF_COUNTER_RATE] = {WINDOW(FORM_NUMBER, per_s)},
    [TARE__OF_GAUGE] = {TOTAL(FORM_NUMBER, value)},
    [TARE__OF_GAUGE_PEAK] = {TOTAL(FORM_NUMBER, peak)},
    [TARE__OF_GAUGE_CHANGE] = {WINDOW(FORM_NUMBER, value)},
    [TARE__OF_HISTOGRAM] = {OWN(put_values_histogram)},
    [TARE__OF_HISTOGRAM_RATE] = {WINDOW(FORM_NUMBER, per_s)},
    [TARE__OF_HISTOGRAM_SUM] = {OWN(put_values_sum)},
    [TARE__OF_HISTOGRAM_WINDOW] = {OWN(put_values)},
    [TARE__OF_TIMER] = {OWN(put_timer_times)},
    [TARE__OF_TIMER_WINDOW] = {OWN(put_window)},
    [TARE__OF_TIMER_NET] = {TOTAL(FORM_NUMBER, net_total_ns)},
    [TARE__OF_TIMER_NET_AVERAGE] = {TOTAL(FORM_NUMBER, net_avg_ns)},
    [TARE__OF_TIMER_NET_ERROR] = {TOTAL(FORM_NUMBER, net_avg_error_ns)},
    [TARE__OF_TIMER_BYTES] = {TOTAL(FORM_TOTAL, bytes)},
    [TARE__OF_TIMER_RATE] = {WINDOW(FORM_NUMBER, per_s)},
    [TARE__OF_TIMER_BUSY] = {WINDOW(FORM_NUMBER, busy_share)},
    [TARE__OF_TIMER_NET_WINDOW] = {WINDOW(FORM_NUMBER, net_avg_ns)},
    [TARE__OF_TIMER_NET_ERROR_WINDOW] = {WINDOW(FORM_NUMBER, net_avg_error_ns)},
    [TARE__OF_TIMER_BYTES_RATE] = {WINDOW(FORM_RATE, bytes)},
    [TARE__OF_STATE_TIME] = {OWN(put_states)},
    [TARE__OF_STATE_THREADS] = {OWN(put_states)},
    [TARE__OF_STATE_CHANGES] = {TOTAL(FORM_TOTAL, changes)},
    [TARE__OF_STATE_SHARE] = {OWN(put_states)},
    [TARE__OF_STATE_CHANGES_RATE] = {WINDOW(FORM_NUMBER, per_s)},
    [TARE__OF_KEY_WEIGHT] = {OWN(put_keys)},
    [TARE__OF_KEY_ERROR] = {OWN(put_keys)},
    [TARE__OF_KEY_HITS] = {OWN(put_keys)},
    [TARE__OF_KEYS_REST] = {OWN(put_rest)},
    [TARE__OF_TOPK_WEIGHT] = {TOTAL(FORM_TOTAL, total)},
    [TARE__OF_TOPK_HITS] = {TOTAL(FORM_TOTAL, hits)},
    [TARE__OF_KEY_WEIGHT_RATE] = {OWN(put_keys)},
    [TARE__OF_KEY_ERROR_RATE] = {OWN(put_keys)},
    [TARE__OF_KEY_HITS_RATE] = {OWN(put_keys)},
    [TARE__OF_TOPK_WEIGHT_RATE] = {WINDOW(FORM_NUMBER, per_s)},
    [TARE__OF_TOPK_HITS_RATE] = {WINDOW(FORM_RATE, hits)},
    [TARE__OF_FRAMES] = {OWN(put_frames_histogram)},
    [TARE__OF_FRAMES_DROPPED] = {TOTAL(FORM_TOTAL, frames_dropped)},
    [TARE__OF_FRAMES_SLOW] = {TOTAL(FORM_TOTAL, frames_slow)},
    [TARE__OF_FRAMES_RATE] = {OWN(put_frame_rates)},
    [TARE__OF_FRAMES_TIME] = {OWN(put_frame_times)},
    [TARE__OF_FRAMES_VARIANCE] = {OWN(put_variance)},
    [TARE__OF_FRAMES_VARIATION] = {TOTAL(FORM_NUMBER, frames.cov)},
    [TARE__OF_FRAME_PARTS] = {OWN(put_parts)},
    [TARE__OF_FRAMES_ENDED_RATE] = {WINDOW(FORM_NUMBER, per_s)},
    [TARE__OF_FRAMES_DROPPED_RATE] = {WINDOW(FORM_RATE, frames_dropped)},
    [TARE__OF_FRAMES_SLOW_RATE] = {WINDOW(FORM_RATE, frames_slow)},
    [TARE__OF_FRAMES_ROLLING] = {OWN(put_frame_rates)},
    [TARE__OF_FRAMES_TIME_ROLLING] = {OWN(put_frame_times)},
    [TARE__OF_FRAMES_VARIANCE_ROLLING] = {OWN(put_variance)},
    [TARE__OF_FRAMES_VARIATION_ROLLING] = {WINDOW(FORM_NUMBER, frames.cov)},
    [TARE__OF_FRAME_PARTS_ROLLING] = {OWN(put_parts)},
#undef ALL
#undef PROCESS
#undef TOTAL
#undef WINDOW
#undef OWN
};
_Static_assert(sizeof(figures) / sizeof(figures[0]) == TARE__FIGURES, "each has its row");

/* NULL: there is no such reading. */
static const void *place_of(const struct tare__metrics *m, const struct tare__metric_item *item,
                            enum place place)
{
    switch (place) {
    case OF_ALL:
        return m->telemetry;
    case OF_PROCESS:
        return item->process;
    case OF_TOTAL:
        return &item->instrument->total;
    case OF_WINDOW:
    default:
        return item->instrument->rolling.known ? &item->instrument->rolling : NULL;
    }
}

void tare__metrics_put(struct tare__metrics *m, const struct tare__metric_item *item)
{
    const struct figure *figure = &figures[item->what];
    if (figure->form == FORM_OWN) {
        figure->put(m, item);
        return;
    }
    const char *place = place_of(m, item, figure->place);
    if (place == NULL) {
        return;
    }
    double number;
    uint64_t count;
    if (figure->form == FORM_NUMBER) {
        memcpy(&number, place + figure->offset, sizeof(number));
        put_sample(m, item, NULL, NULL, number);
        return;
    }
    memcpy(&count, place + figure->offset, sizeof(count));
    if (figure->form == FORM_RATE) {
        put_sample(m, item, NULL, NULL, by_window(item, count));
    } else {
        put_count(m, item, figure->form == FORM_TOTAL ? "_total" : "", NULL, NULL, count);
    }
}
