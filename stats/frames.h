/* SPDX-License-Identifier: MIT */
/*
 * The usual figures of a run of frames. Times are in milliseconds, rates in frames per second (1000 ms). No
 * allocation. Errors: see stats/values.h; a time below 0 is refused too.
 *
 * All percentiles are of frame times, type 7 (stats/quantile.h): linear between two of the frames that were, and
 * so never outside of what was measured. A "low" rate is the rate of such a time: the 1 % low is 1000 / p99, so
 * that 1 % of the frames took longer. Tools that call the mean of the slowest 1 % by that name show less. Where
 * even the slowest frame stands for more than that share, which is below TARE_FRAMES_P95_LEAST frames and so on,
 * the percentile and its rate are unknown: NAN. The average rate is frames / total time, which is 1000 / the mean
 * frame time, and not the mean of the frames' rates, which counts short frames as much as long ones and is never
 * less.
 */
#ifndef TARE_STATS_FRAMES_H
#define TARE_STATS_FRAMES_H

#include <stddef.h>

/* 1 / (2 (1 - p)): the slowest of n stands at (n - 1/2) / n. */
#define TARE_FRAMES_P95_LEAST 10
#define TARE_FRAMES_P99_LEAST 50
#define TARE_FRAMES_P999_LEAST 500

struct tare_frames {
    size_t frames;
    double total_ms;
    double avg_fps;    /* frames / total time */
    double median_fps; /* 1000 / p50_ms */
    double low_1_fps;  /* 1000 / p99_ms: "1 % low" */
    double low_01_fps; /* 1000 / p999_ms: "0.1 % low"; below 1000 frames p999_ms lies between the two slowest */
    double mean_ms;
    double p50_ms;
    double p95_ms;
    double p99_ms;
    double p999_ms;
    double min_ms;
    double max_ms;
    double variance_ms2; /* divisor n - 1; NAN for one frame, as the two below */
    double sd_ms;
    double cov; /* coefficient of variation, sd / mean */
};

/*
 * Sorts `times_ms` in place. All NAN for no frames; few of them: see above. A rate is NAN where its time is 0,
 * which a coarse clock may show.
 */
int tare_frames_of(double *times_ms, size_t n, struct tare_frames *out);

#endif
