/* SPDX-License-Identifier: MIT */
/*
 * The body runs once for all samples, the loop as often as it is told, and the set-up of TARE_EACH_WITH
 * before every iteration. Cases are made of arguments and threads, in the order of the source.
 */
#include <math.h>
#include <sys/mman.h>

#include "tests/behaviour/bench_driving.h"

static uint64_t bodies, iterations, setups, wrong_order, args_seen[3], continued;
static int errno_lost;

TARE_BENCH(plain)
{
    bodies++;
    errno = ENOTTY;
    TARE_EACH(b)
    {
        iterations++;
        errno_lost |= errno != ENOTTY;
    }
    errno_lost |= errno != ENOTTY;
    errno = 0;
    tare_bytes(b, 24);
    tare_items(b, 3);
    tare_items(b, -1); /* says nothing */
    CHECK(b->thread == 0 && b->threads == 1 && b->args == 0 && b->arg[0] == 0);
}

TARE_BENCH(with)
{
    uint64_t ready = 0;
    bodies++;
    TARE_EACH_WITH(b, setups++; ready++)
    {
        iterations++;
        if (ready != 1) {
            wrong_order++;
        }
        ready = 0;
        if (iterations % 2 == 0) {
            continue;
        }
        continued++;
    }
}

TARE_BENCH(swept)
{
    CHECK_EQ(b->args, 3);
    memcpy(args_seen, b->arg, sizeof(args_seen));
    CHECK(b->arg[3] == 0);
    TARE_EACH(b)
    {
        iterations++;
    }
}
TARE_BENCH_ARGS(swept, 1, -2);
TARE_BENCH_ARGS(swept, 3, INT64_MAX, sizeof(int));
TARE_BENCH_CASE(swept, 7, 8, 9);
TARE_BENCH_ARGS(swept, 5);

TARE_BENCH(one_case)
{
    TARE_EACH(b)
    {
    }
}
TARE_BENCH_CASE(one_case, 1);
TARE_BENCH_THREADS(one_case, 1, 3);

/* Each iteration touches memory that is new. */
enum { FAULT_PAGES = 2 };
TARE_BENCH(faults)
{
    long page = sysconf(_SC_PAGESIZE);
    TARE_EACH(b)
    {
        char *fresh = mmap(NULL, (size_t)(FAULT_PAGES * page), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (long i = 0; fresh != MAP_FAILED && i < FAULT_PAGES; i++) {
            fresh[i * page] = 1;
        }
        tare_keep(fresh);
        munmap(fresh, (size_t)(FAULT_PAGES * page));
    }
}

static double counted(const struct measured *measured, const char *name)
{
    for (unsigned i = 0; i < COUNTERS_MAX; i++) {
        if (strcmp(tare__bench_counter_names[i], name) == 0) {
            return measured->counts[i];
        }
    }
    return NAN;
}

static void cases_are_in_the_order_of_the_source(void)
{
    static const char *const names[] = {
        "plain",
        "with",
        "swept/1/3/5",
        "swept/1/9223372036854775807/5",
        "swept/1/4/5",
        "swept/-2/3/5",
        "swept/-2/9223372036854775807/5",
        "swept/-2/4/5",
        "swept/7/8/9",
        "one_case/1/threads:1",
        "one_case/1/threads:3",
        "faults",
    };
    begin_case("cases are in the order of the source, each with its arguments and threads");
    struct bench_units units;
    char message[256] = "";
    CHECK_EQ(tare__bench_units(&units, message, sizeof(message)), 0);
    CHECK_EQ(units.count, sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < units.count && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(units.units[i].name, names[i]) != 0) {
            note_failure(__FILE__, __LINE__, units.units[i].name);
        }
    }
    tare__bench_units_release(&units);
    struct measured measured = exactly("swept/-2/9223372036854775807/5", 1);
    CHECK(args_seen[0] == (uint64_t)-2 && args_seen[1] == INT64_MAX && args_seen[2] == 5);
    tare__bench_measured_release(&measured);
}

static void exactly_so_many(void)
{
    begin_case("an exact job runs the body once, and the loop just as often as asked");
    for (uint64_t n = 1; n <= 100000; n *= 10) {
        bodies = iterations = 0;
        struct measured measured = exactly("plain", n);
        CHECK_EQ(bodies, 1);
        CHECK_EQ(iterations, n);
        CHECK_EQ(measured.count, 1);
        CHECK_EQ(measured.samples[0].iterations, n);
        CHECK(measured.bytes == 24 && measured.items == 3);
        CHECK(!measured.has_first && !measured.with && measured.failed[0] == '\0');
        tare__bench_measured_release(&measured);
    }
    CHECK(!errno_lost);
}

static void samples_share_a_body(void)
{
    begin_case("all samples are taken in one run of the body, behind a first iteration");
    bodies = iterations = 0;
    struct measured measured = samples_of("plain", 12, 500);
    CHECK_EQ(bodies, 1);
    CHECK_EQ(iterations, 1 + 12 * 500);
    CHECK_EQ(measured.count, 12);
    CHECK(measured.has_first);
    CHECK(measured.cpu_ns > 0 && measured.migrations >= 0 && measured.involuntary >= 0);
    tare__bench_measured_release(&measured);
    CHECK(!errno_lost);
}

static void samples_scale(void)
{
    begin_case("without a number of iterations it is found, and is the same for all samples");
    bodies = iterations = 0;
    struct measured measured = samples_of("plain", 5, 0);
    CHECK_EQ(bodies, 1);
    CHECK_EQ(measured.count, 5);
    CHECK(measured.samples[0].iterations > 10);
    uint64_t sum = 0;
    for (size_t i = 0; i < measured.count; i++) {
        CHECK_EQ(measured.samples[i].iterations, measured.samples[0].iterations);
        sum += measured.samples[i].iterations;
    }
    CHECK(iterations > sum); /* those in which it was found are not told */
    tare__bench_measured_release(&measured);
}

static void time_is_kept(void)
{
    begin_case("when time is up no sample follows, but for the least number");
    const struct plan plan = {
        .kind = PLAN_TIME, .samples = 4000, .samples_min = 7, .iterations = 10, .until_ns = 1, .sample_ns = 1};
    struct measured measured = measure_here("plain", &plan);
    CHECK_EQ(measured.count, 7);
    tare__bench_measured_release(&measured);
}

static void set_up_each_time(void)
{
    begin_case("TARE_EACH_WITH sets up before every iteration, and continue does not mislead it");
    bodies = iterations = setups = continued = 0;
    struct measured measured = samples_of("with", 10, 100);
    CHECK_EQ(bodies, 1);
    CHECK_EQ(iterations, 1 + 10 * 100);
    CHECK_EQ(setups, iterations);
    CHECK_EQ(wrong_order, 0);
    CHECK_EQ(continued, (iterations + 1) / 2);
    CHECK(measured.with && measured.failed[0] == '\0');
    tare__bench_measured_release(&measured);
}

static void counts_are_of_the_iterations(void)
{
    begin_case("a counting job runs samples of N and of 2 N in turn");
    bodies = iterations = 0;
    const struct plan plan = {.kind = PLAN_COUNT, .samples = 1, .iterations = 100};
    struct measured measured = measure_here("plain", &plan);
    CHECK_EQ(bodies, 1);
    CHECK_EQ(iterations, 1 + 5 * (100 + 200));
    CHECK_BETWEEN(-1, counted(&measured, "page_faults"), 1);
    tare__bench_measured_release(&measured);
    measured = measure_here("faults", &plan);
    CHECK_BETWEEN(0.9 * FAULT_PAGES, counted(&measured, "page_faults"),
                  (SANITIZED ? 10 : 1.1) * FAULT_PAGES + 1); /* and those of a sanitizer */
    tare__bench_measured_release(&measured);
}

int main(int argc, char **argv)
{
    BENCH_MAIN_OF_A_JOB(argc, argv)
    tare__bench_clock_init(false);
    cases_are_in_the_order_of_the_source();
    exactly_so_many();
    samples_share_a_body();
    samples_scale();
    time_is_kept();
    set_up_each_time();
    counts_are_of_the_iterations();
    return finish();
}
