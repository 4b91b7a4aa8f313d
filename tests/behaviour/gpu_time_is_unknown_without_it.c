/* SPDX-License-Identifier: MIT */
/*
 * The GPU's time of tare/gfx.h: where nobody can measure it, the page has no such instrument, rather than one that
 * says 0; where it is measured, no value yet is 0 of them.
 */
#include <pthread.h>

#include <tare/gfx.h>

#include "tests/behaviour/raw_page.h"

static const struct raw_page *the_page;

static uint32_t gpu(void)
{
    return raw_find_labelled(the_page, TARE_KIND_HISTOGRAM, "gfx", "gpu_ns", "");
}

static bool is_there(void)
{
    return gpu() != UINT32_MAX;
}

static uint64_t count(void)
{
    MUST(is_there());
    return raw_values(the_page, gpu()).count;
}

static bool is_on(void)
{
    MUST(is_there());
    return raw_control(the_page, gpu())->enabled != 0;
}

static void without_a_gpu(void)
{
    CHECK(!is_there());
    CHECK(raw_find_labelled(the_page, TARE_KIND_HISTOGRAM, "gfx", "cpu_encode_ns", "") != UINT32_MAX);
    tare_gfx_gpu_timing(0, 0);
    CHECK(!is_there());
    tare_gfx_gpu_timing(1, 0);
    tare_gfx_gpu_timing(0, 1);
    tare_gfx_gpu_timing(0, -1);
    CHECK(tare_enable("*") > 0);
    tare_gfx_gpu_ns(5); /* of what cannot be measured */
    CHECK(!is_there());
    tare_gfx_gpu_timing(1, -1); /* perhaps */
    tare_gfx_gpu_timing(-1, -1);
    CHECK(!is_there());
}

static void with_one(void)
{
    tare_gfx_gpu_timing(1, 1);
    CHECK(is_on() && count() == 0);
    tare_gfx_gpu_ns(5);
    tare_gfx_gpu_ns(6);
    CHECK(count() == 2 && raw_values(the_page, gpu()).sum == 11);
    uint32_t instruments = the_page->header->instrument_count;
    tare_gfx_gpu_timing(1, 1);
    CHECK_EQ(the_page->header->instrument_count, instruments);
}

static void switched_off_by_the_program(void)
{
    tare_gfx_gpu_timing(1, 0);
    CHECK(!is_on());
    tare_gfx_gpu_ns(7);
    CHECK(!is_on() && count() == 2);
    tare_gfx_gpu_timing(1, 1);
    tare_gfx_gpu_ns(8);
    CHECK(is_on() && count() == 3);
}

/* Which is for somebody else to take back. */
static void switched_off_by_somebody_else(void)
{
    CHECK_EQ(tare_disable("gfx.gpu_ns"), 1);
    tare_gfx_gpu_ns(9);
    tare_gfx_gpu_timing(1, 0);
    tare_gfx_gpu_timing(1, 1);
    tare_gfx_gpu_ns(9);
    CHECK(!is_on() && count() == 3);
    CHECK_EQ(tare_enable("gfx.gpu_ns"), 1);
    tare_gfx_gpu_ns(9);
    CHECK(count() == 4);
}

/* What a program says that never calls tare_gfx_gpu_timing(). */
static void a_value_shows_it(void)
{
    CHECK(!is_there());
    tare_gfx_gpu_ns(3);
    CHECK(is_on() && count() == 1);
}

enum { VALUES = 20000 };

static void *tell_values(void *data)
{
    for (unsigned i = 0; i < TIMES(VALUES); i++) {
        tare_gfx_gpu_ns(1);
    }
    return data;
}

/* The instrument comes while several threads have values, and goes off and on beside them. */
static void told_by_several_threads(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        MUST(pthread_create(&threads[i], NULL, tell_values, NULL) == 0);
    }
    for (unsigned i = 0; i < TIMES(VALUES) / 20; i++) {
        tare_gfx_gpu_timing(1, 0);
        tare_gfx_gpu_timing(1, 1);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(is_on());
    uint64_t before = count();
    CHECK(before <= 2 * (uint64_t)TIMES(VALUES));
    tell_values(NULL); /* and then all count */
    CHECK_EQ(count(), before + TIMES(VALUES));
}

int main(void)
{
    struct raw_page page = raw_open(own_page());
    the_page = &page;
    begin_case("a value shows it, where nobody has said whether there is one");
    pid_t pid = fork();
    if (pid == 0) {
        struct raw_page own = raw_open(own_page());
        the_page = &own;
        a_value_shows_it();
        _exit(failed_checks != 0);
    }
    CHECK_EQ(status_of(pid), 0);
    begin_case("several threads have values while it comes and goes");
    pid = fork();
    if (pid == 0) {
        struct raw_page own = raw_open(own_page());
        the_page = &own;
        told_by_several_threads();
        _exit(failed_checks != 0);
    }
    CHECK_EQ(status_of(pid), 0);
    begin_case("without a GPU there is no time of it");
    without_a_gpu();
    begin_case("with one, none yet is 0");
    with_one();
    begin_case("off, by what the program says");
    switched_off_by_the_program();
    begin_case("off, by somebody else's switch");
    switched_off_by_somebody_else();
    raw_close(&page);
    return finish();
}
