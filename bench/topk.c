/* SPDX-License-Identifier: MIT */
/*
 * `make bench-topk`: what TARE_HIT costs at K = 256, for streams of keys as there are and for bad ones, beside
 * two floors on the same keys in the same rounds: adding to one of 4096 sums that the key's hash chooses, which
 * knows no keys, and counting each key exactly in a table that has room for all. And what a frame costs, beside
 * the two readings of the clock in it. Figures are medians over interleaved rounds.
 *
 * Exit status: 0 if all limits are met, 1 if one is not, 2 if that could not be told (bench/quiet.h).
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tare/frame.h>
#include <tare/tare.h>

#include "bench/quiet.h"
#include "runtime/clock.h"
#include "stats/quantile.h"
#include "stats/random.h"

TARE_MODULE("bench");
TARE_TOPK(zipf_08, 256);
TARE_TOPK(zipf_10, 256);
TARE_TOPK(zipf_12, 256);
TARE_TOPK(weighted, 256);
TARE_TOPK(few, 256);
TARE_TOPK(single, 256);
TARE_TOPK(different, 256);
TARE_TOPK(round_robin, 256);
TARE_TOPK(rising, 256);
TARE_TOPK(many, 4096);
TARE_TOPK(off, 256);
TARE_FRAMES(frames, 1024, "cpu", "gpu", "io");

enum { UPDATES = 1 << 20, KEYS = 100000, K = 256, ROUNDS = 25, SUMS = 4096, EXACT = 1 << 21, FRAMES = 20000 };

static uint64_t keys[UPDATES], weights[UPDATES];
static uint64_t sums[SUMS];
static struct {
    uint64_t key, weight;
} * exact;

static uint64_t hash(uint64_t key)
{
    return key * UINT64_C(0x9e3779b97f4a7c15);
}

static double now_ns(void)
{
    return (double)clock_raw_ns();
}

static double floor_ns(void)
{
    double start = now_ns();
    for (int i = 0; i < UPDATES; i++) {
        sums[hash(keys[i]) >> 52] += weights[i];
        __asm__ volatile("" : : : "memory");
    }
    return (now_ns() - start) / UPDATES;
}

static double exact_ns(void)
{
    memset(exact, 0, EXACT * sizeof(*exact));
    double start = now_ns();
    for (int i = 0; i < UPDATES; i++) {
        uint64_t at = hash(keys[i]) >> 43;
        while (exact[at].weight != 0 && exact[at].key != keys[i]) {
            at = (at + 1) % EXACT;
        }
        exact[at].key = keys[i];
        exact[at].weight += weights[i];
        __asm__ volatile("" : : : "memory");
    }
    return (now_ns() - start) / UPDATES;
}

#define HITS(id)                                                                                               \
    static double hits_##id(void)                                                                              \
    {                                                                                                          \
        double start = now_ns();                                                                               \
        for (int i = 0; i < UPDATES; i++) {                                                                    \
            TARE_HIT(id, keys[i], weights[i]);                                                                 \
        }                                                                                                      \
        return (now_ns() - start) / UPDATES;                                                                   \
    }
HITS(zipf_08)
HITS(zipf_10)
HITS(zipf_12)
HITS(weighted)
HITS(few)
HITS(single)
HITS(different)
HITS(round_robin)
HITS(rising)
HITS(many)
HITS(off)

/* The key of rank r comes in proportion to 1 / (r + 1)^s; keys look like addresses of code. */
static void fill_zipf(struct tare_random *random, double s)
{
    static double sum_to[KEYS];
    double sum = 0;
    for (int i = 0; i < KEYS; i++) {
        sum += pow(i + 1, -s);
        sum_to[i] = sum;
    }
    for (int i = 0; i < UPDATES; i++) {
        double u = tare_random_uniform(random) * sum;
        uint64_t low = 0, high = KEYS - 1;
        while (low < high) {
            uint64_t middle = (low + high) / 2;
            if (sum_to[middle] > u) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        keys[i] = 0x555555554000 + low * 7919 % KEYS * 16;
        weights[i] = 1;
    }
}

enum stream { ZIPF_08, ZIPF_10, ZIPF_12, WEIGHTED, FEW, SINGLE, DIFFERENT, ROUND_ROBIN, RISING };
static void fill(enum stream stream)
{
    struct tare_random random;
    tare_random_seed(&random, 20050104);
    switch (stream) {
    case ZIPF_08:
    case ZIPF_10:
    case ZIPF_12:
        fill_zipf(&random, stream == ZIPF_08 ? 0.8 : stream == ZIPF_10 ? 1.0 : 1.2);
        return;
    case WEIGHTED:
        fill_zipf(&random, 1.0);
        break;
    default:
        break;
    }
    for (int i = 0; i < UPDATES; i++) {
        uint64_t n = (uint64_t)i;
        weights[i] = stream == WEIGHTED ? 1 + tare_random_below(&random, 1000) : stream == RISING ? n + 1 : 1;
        keys[i] = stream == FEW           ? tare_random_below(&random, K)
                  : stream == SINGLE      ? 7
                  : stream == DIFFERENT   ? n * 16
                  : stream == ROUND_ROBIN ? n % (K + 1)
                  : stream == RISING      ? n * 16
                                          : keys[i];
    }
}

static bool missed;

static void row(const char *what, enum stream stream, double (*hits)(void), double limit_ns)
{
    static double floors[ROUNDS], exacts[ROUNDS], times[ROUNDS];
    fill(stream);
    hits(); /* the table is as full as it gets */
    for (int i = 0; i < ROUNDS; i++) {
        floors[i] = floor_ns();
        times[i] = hits();
        exacts[i] = exact_ns();
    }
    double median = tare_median(times, ROUNDS);
    printf("%-58s %6.2f ns %8.2f ns %8.2f ns", what, median, tare_median(floors, ROUNDS),
           tare_median(exacts, ROUNDS));
    if (limit_ns > 0) {
        missed |= median > limit_ns;
        printf("   %.0f ns  %s", limit_ns, median <= limit_ns ? "met" : "NOT MET");
    }
    printf("\n");
    fflush(stdout);
}

static double pair_ns(uint32_t kind)
{
    double start = now_ns();
    for (int i = 0; i < FRAMES; i++) {
        uint64_t first = clock_start(kind);
        __asm__ volatile("" : : "r"(first));
        uint64_t last = clock_stop(kind);
        __asm__ volatile("" : : "r"(last));
    }
    return (now_ns() - start) / FRAMES;
}

static double frame_ns(bool parts)
{
    double start = now_ns();
    for (int i = 0; i < FRAMES; i++) {
        tare_frame_begin(frames);
        if (parts) {
            tare_frame_part_ns(frames, 0, 1000);
            tare_frame_part_ns(frames, 1, 1000);
            tare_frame_part_ns(frames, 2, 1000);
        }
        tare_frame_end(frames);
    }
    return (now_ns() - start) / FRAMES;
}

static void rows_of_frames(void)
{
    static double pairs[ROUNDS], bare[ROUNDS], parts[ROUNDS], disabled[ROUNDS];
    uint32_t kind = tare__clock_parse(tare_clock_name());
    for (int i = 0; i < ROUNDS; i++) {
        pairs[i] = pair_ns(kind);
        bare[i] = frame_ns(false);
        parts[i] = frame_ns(true);
        tare_disable("bench.frames");
        disabled[i] = frame_ns(false);
        tare_enable("bench.frames");
    }
    printf("\n%-58s %6.2f ns\n", "two readings of the clock", tare_median(pairs, ROUNDS));
    printf("%-58s %6.2f ns\n", "tare_frame_begin and _end", tare_median(bare, ROUNDS));
    printf("%-58s %6.2f ns\n", "the same with three parts told in ns", tare_median(parts, ROUNDS));
    printf("%-58s %6.2f ns\n", "begin and end, disabled", tare_median(disabled, ROUNDS));
}

int main(void)
{
    struct bench_quiet quiet = bench_quiet_now();
    exact = calloc(EXACT, sizeof(*exact));
    if (exact == NULL || tare_clock_hz() == 0) {
        fprintf(stderr, "bench-topk: no memory, or no page (TARE=off?)\n");
        return 2;
    }
    printf("%-58s %9s %11s %11s\n", "one key update, K = 256", "TARE_HIT", "hashed sum", "exact");
    row("Zipf 0.8 over 100,000 keys", ZIPF_08, hits_zipf_08, 15);
    row("Zipf 1.0", ZIPF_10, hits_zipf_10, 15);
    row("Zipf 1.2", ZIPF_12, hits_zipf_12, 15);
    row("Zipf 1.0, weights from 1 to 1000", WEIGHTED, hits_weighted, 15);
    row("256 keys, equally often", FEW, hits_few, 15);
    row("one key", SINGLE, hits_single, 15);
    row("all keys different", DIFFERENT, hits_different, 15);
    row("257 keys in turn", ROUND_ROBIN, hits_round_robin, 15);
    row("all keys different, each heavier than the last", RISING, hits_rising, 15);
    row("Zipf 1.0, K = 4096", ZIPF_10, hits_many, 0);
    tare_disable("bench.off");
    row("Zipf 1.0, disabled", ZIPF_10, hits_off, 0);
    rows_of_frames();
    free(exact);
    bool noisy = bench_is_noisy(quiet);
    return !missed ? 0 : noisy ? 2 : 1;
}
