/* SPDX-License-Identifier: MIT */
/*
 * libtare-profile.so with TARE_SAMPLES_BY_TIMER: samples know the innermost open scope, with libtare as a
 * library; what a timer has by its samples is in the proportion of what its scopes took. Part of the work
 * is outside of all scopes. No round takes the time of the one before: where it did, a machine on which it fits
 * into the kernel's ticks would have all samples in the same part of it.
 */
#include <math.h>
#include <pthread.h>

#include "tests/behaviour/profile_run.h"

#include "record/set.h"

TARE_MODULE("test");
TARE_TIMER(around);
TARE_TIMER(within);
TARE_TIMER(by_hand);

static volatile double sink;

PLACE(turn) static void turn(long turns)
{
    double x = 1;
    for (long i = 0; i < turns; i++) {
        x = x * 1.0000001 + 0.5;
    }
    sink = x;
}

static const struct place places[] = {PLACE_OF(turn), {NULL, NULL, NULL}};

static __attribute__((noinline)) void inside(long unit)
{
    TARE_SCOPE(within);
    turn(2 * unit);
}

/* 4 parts of its own, in front of and behind the 2 of the scope inside. */
static __attribute__((noinline)) void enclosing(long unit)
{
    TARE_SCOPE(around);
    turn(2 * unit);
    inside(unit);
    turn(2 * unit);
}

static void *work(void *seconds)
{
    double until = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) + *(double *)seconds;
    uint32_t chance = 1;
    do {
        chance = chance * 1664525 + 1013904223;
        long unit = 5000 + (long)(chance >> 16) % 10000;
        turn(unit);
        enclosing(unit);
        tare_span span = TARE_BEGIN(by_hand);
        turn(3 * unit);
        TARE_END(span);
    } while (cpu_seconds(CLOCK_THREAD_CPUTIME_ID) < until);
    return NULL;
}

static int play(const char *role)
{
    double seconds = 1;
    if (strcmp(role, "thread") == 0) {
        pthread_t thread;
        work(&(double){0.001}); /* the first block is the main thread's */
        MUST(pthread_create(&thread, NULL, work, &seconds) == 0);
        pthread_join(thread, NULL);
    } else if (strcmp(role, "fork") == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            work(&seconds);
            exit(0);
        }
        return status_of(pid);
    } else {
        work(&seconds);
    }
    return 0;
}

/* By name: what is open, the others count from it. */
static const struct {
    const char *name;
    double share;
} expected[] = {{"around", 0.4}, {"within", 0.2}, {"by_hand", 0.3}, {NULL, 0.1}};

static const char *timer_name(const struct tare_page_set *set, const struct sample *sample)
{
    static char name[64];
    struct tare_page_view view;
    char message[256];
    struct tare_page_source source = tare_page_set_source(set, sample->page);
    name[0] = '\0';
    if (tare_page_read(&source, 0, &view, message, sizeof(message)) == 0) {
        if (sample->timer < view.timer_count) {
            snprintf(name, sizeof(name), "%.60s", view.timers[sample->timer].name);
        }
        tare_page_view_release(&view);
    }
    return name;
}

static void expect(const char *role)
{
    struct tare_page_set set;
    char address[TARE_SET_ADDRESS];
    MUST(tare_page_set_make(&set, 0, 0) == 0);
    tare_page_set_address(&set, address);
    struct taken taken = run_profiled(role, NULL, TARE_SAMPLES_BY_TIMER, 997,
                                      ENVIRONMENT(text("TARE_PAGE=%s", address), "TARE_ENABLE=*"), places);
    double weight[4] = {0, 0, 0, 0}, all = 0, squares = 0;
    CHECK_EQ(taken.status, 0);
    for (size_t i = 0; i < taken.sample_count; i++) {
        const struct sample *sample = &taken.samples[i];
        if (sample->depth == 0 || sample->stack[0] == NULL) {
            continue; /* not in a turn */
        }
        CHECK((sample->flags & TARE_SAMPLES_TIMER) != 0);
        const char *name = sample->timer == TARE_SAMPLES_NO_TIMER ? "" : timer_name(&set, sample);
        for (size_t t = 0; t < 4; t++) {
            if (strcmp(name, expected[t].name != NULL ? expected[t].name : "") == 0) {
                weight[t] += (double)sample->weight;
                all += (double)sample->weight;
                squares += (double)(sample->weight * sample->weight);
            }
        }
    }
    double effective = all * all / squares;
    CHECK(effective > 30);
    for (size_t t = 0; t < 4; t++) {
        double error = sqrt(expected[t].share * (1 - expected[t].share) / effective);
        printf("# %s: %s: %.1f %%\n", role, expected[t].name != NULL ? expected[t].name : "none",
               100 * weight[t] / all);
        CHECK_BETWEEN(expected[t].share - 4 * error, weight[t] / all, expected[t].share + 4 * error);
    }
    release_taken(&taken);
    tare_page_set_close(&set);
}

int main(int argc, char **argv)
{
    if (argc >= 2) {
        return play(argv[1]);
    }
    find_profile_library();
    begin_case("nested scopes, one by hand, and none");
    expect("plain");
    begin_case("in a thread");
    expect("thread");
    begin_case("in the child of a fork");
    expect("fork");
    begin_case("without a page, samples do not know");
    struct taken taken = run_profiled("plain", NULL, TARE_SAMPLES_BY_TIMER, 997, NULL, places);
    CHECK(taken.sample_count > 0);
    for (size_t i = 0; i < taken.sample_count; i++) {
        CHECK((taken.samples[i].flags & TARE_SAMPLES_TIMER) == 0);
    }
    release_taken(&taken);
    return finish();
}
