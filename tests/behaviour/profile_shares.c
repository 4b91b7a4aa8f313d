/* SPDX-License-Identifier: MIT */
/*
 * libtare-profile.so: how often a function is sampled is how much of the time it takes, whatever the
 * relation of rate and kernel tick; and the weights add up to the time that there was.
 */
#include <math.h>
#include <pthread.h>

#include "tests/behaviour/profile_run.h"

static volatile double sink;

/* Three copies of the same loop, so that their times are in the proportion of their turns. */
#define LOOP(name)                                                                                             \
    PLACE(name) static void name(long turns)                                                                   \
    {                                                                                                          \
        double x = 1;                                                                                          \
        for (long i = 0; i < turns; i++) {                                                                     \
            x = x * 1.0000001 + 0.5;                                                                           \
        }                                                                                                      \
        sink = x;                                                                                              \
    }                                                                                                          \
    struct nothing_##name

LOOP(seventy);
LOOP(twenty);
LOOP(ten);

static const struct place places[] = {PLACE_OF(seventy), PLACE_OF(twenty), PLACE_OF(ten), {NULL, NULL, NULL}};
static const double shares[] = {0.7, 0.2, 0.1};

/* No round takes the time of the one before: none can fall into step with the ticks. */
static void *work(void *seconds)
{
    double until = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) + *(double *)seconds;
    uint32_t chance = 1;
    do {
        chance = chance * 1664525 + 1013904223;
        long unit = 500 + (long)(chance >> 16) % 1000;
        seventy(7 * unit);
        twenty(2 * unit);
        ten(unit);
    } while (cpu_seconds(CLOCK_THREAD_CPUTIME_ID) < until);
    return NULL;
}

enum { STEP_NS = 10101010 }; /* an interval of 99 Hz */

/* In step with the sampler: of each of its intervals the first 30 % in one function and the rest in another. */
static void march(double seconds)
{
    uint64_t start = monotonic_ns(), now = start;
    while (now - start < (uint64_t)(seconds * 1e9)) {
        if ((now - start) % STEP_NS < STEP_NS * UINT64_C(3) / 10) {
            ten(500);
        } else {
            seventy(500);
        }
        now = monotonic_ns();
    }
}

static int play(const char *role, const char *argument)
{
    double seconds = atof(argument);
    if (strcmp(role, "march") == 0) {
        march(seconds);
        return 0;
    }
    if (strcmp(role, "threads") == 0) {
        pthread_t threads[3];
        for (int i = 0; i < 3; i++) {
            MUST(pthread_create(&threads[i], NULL, work, &seconds) == 0);
        }
        for (int i = 0; i < 3; i++) {
            pthread_join(threads[i], NULL);
        }
    } else {
        work(&seconds);
    }
    return 0;
}

static void expect(const char *role, const char *seconds, double cpu_s, double hz)
{
    struct taken taken = run_profiled(role, seconds, 0, hz, NULL, places);
    double weight[3] = {0, 0, 0}, all = 0, squares = 0;
    CHECK_EQ(taken.status, 0);
    CHECK_EQ(taken.lost, 0);
    for (size_t i = 0; i < taken.sample_count; i++) {
        const struct sample *sample = &taken.samples[i];
        for (size_t p = 0; p < 3; p++) {
            if (sample->depth > 0 && sample->stack[0] != NULL &&
                strcmp(sample->stack[0], places[p].name) == 0) {
                weight[p] += (double)sample->weight;
                all += (double)sample->weight;
                squares += (double)(sample->weight * sample->weight);
            }
        }
    }
    double effective = all * all / squares; /* Kish */
    for (size_t p = 0; p < 3; p++) {
        double error = sqrt(shares[p] * (1 - shares[p]) / effective);
        printf("# %g Hz: %s: %.1f %%, %.1f standard errors off, of %.0f samples\n", hz, places[p].name,
               100 * weight[p] / all, (weight[p] / all - shares[p]) / error, effective);
        CHECK_BETWEEN(shares[p] - 4 * error, weight[p] / all, shares[p] + 4 * error);
    }
    /* What the tick did not get to see is counted; start and end of the process are in it. */
    CHECK_BETWEEN(cpu_s * hz * 0.95 - 3, (double)(total_weight(&taken) + taken.missed_expirations),
                  cpu_s * hz * 1.2 + 10);
    release_taken(&taken);
}

/* In step, all samples would be in one of the two. */
static void expect_out_of_step(void)
{
    struct taken taken = run_profiled("march", "3", TARE_SAMPLES_WALL, 99, NULL, places);
    double first = 0, all = 0;
    CHECK_EQ(taken.status, 0);
    for (size_t i = 0; i < taken.sample_count; i++) {
        const struct sample *sample = &taken.samples[i];
        const char *place = sample->depth > 0 ? sample->stack[0] : NULL;
        if (place != NULL && (strcmp(place, "ten") == 0 || strcmp(place, "seventy") == 0)) {
            first += strcmp(place, "ten") == 0 ? (double)sample->weight : 0;
            all += (double)sample->weight;
        }
    }
    printf("# %.1f %% of %.0f\n", 100 * first / all, all);
    CHECK(all > 150);
    CHECK_BETWEEN(0.18, first / all, 0.42); /* 4.5 standard errors */
    release_taken(&taken);
}

int main(int argc, char **argv)
{
    if (argc >= 3) {
        return play(argv[1], argv[2]);
    }
    find_profile_library();
    begin_case("at 997 Hz, faster than most kernels' ticks");
    expect("one", "2", 2, 997);
    begin_case("at 99 Hz");
    expect("one", "2", 2, 99);
    begin_case("in three threads");
    expect("threads", "0.7", 3 * 0.7, 499);
    begin_case("of a program that repeats itself at the sampler's pace");
    expect_out_of_step();
    return finish();
}
