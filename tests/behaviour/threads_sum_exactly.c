/* SPDX-License-Identifier: MIT */
/*
 * Every scope of every thread is counted once: of threads that run at once; of more threads, one after the
 * other, than the page has blocks for; and where more run at once than it has blocks for, those that found
 * none are counted as lost, so that what was recorded and what was lost is what there was.
 */
#include <pthread.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(call);
TARE_TIMER(step);

enum { AT_ONCE = 8, IN_TURN = 200, HELD = 10, BLOCKS = 4 };

static unsigned calls_each(void)
{
    return TIMES(20000);
}

static void *work(void *data)
{
    for (unsigned i = 0; i < *(unsigned *)data; i++) {
        TARE_SCOPE(call);
        TARE_SCOPE(step);
    }
    return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), void *data)
{
    MUST(pthread_create(thread, NULL, run, data) == 0);
}

static void check_at_once(void)
{
    pthread_t threads[AT_ONCE];
    unsigned calls = calls_each();
    tare_reset("*");
    for (int i = 0; i < AT_ONCE; i++) {
        start(&threads[i], work, &calls);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_EQ(stats_of("test::call").calls, (uint64_t)AT_ONCE * calls);
    CHECK_EQ(stats_of("test::step").calls, (uint64_t)AT_ONCE * calls);
    CHECK_EQ(stats_of("test::call").outermost, (uint64_t)AT_ONCE * calls);
    CHECK_EQ(stats_of("test::call").scopes_within, (uint64_t)AT_ONCE * calls);
}

/* In a process with 64 blocks. */
static int be_in_turn(void)
{
    unsigned calls = 37;
    for (int i = 0; i < IN_TURN; i++) {
        pthread_t thread;
        start(&thread, work, &calls);
        pthread_join(thread, NULL);
        CHECK_EQ(stats_of("test::call").calls, (uint64_t)(i + 1) * calls);
    }
    return failed_checks != 0;
}

static pthread_barrier_t all_have_begun, all_are_done;

static void *work_together(void *data)
{
    {
        TARE_SCOPE(call); /* gets a block, or none */
    }
    pthread_barrier_wait(&all_have_begun);
    work(data);
    pthread_barrier_wait(&all_are_done);
    return NULL;
}

/* In a process with 4 blocks. */
static int be_too_many(void)
{
    pthread_t threads[HELD];
    unsigned calls = 5000;
    pthread_barrier_init(&all_have_begun, NULL, HELD);
    pthread_barrier_init(&all_are_done, NULL, HELD);
    for (int i = 0; i < HELD; i++) {
        start(&threads[i], work_together, &calls);
    }
    for (int i = 0; i < HELD; i++) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}

static void check_in_turn(void)
{
    const char *page = scratch("in-turn");
    CHECK_EQ(run_self("in-turn", ENVIRONMENT(text("TARE_PAGE=%s", page), "TARE_THREADS=64"), NULL), 0);
    struct tare_page_view view = read_page(page);
    CHECK_EQ(sums_of(&view, "call").calls, IN_TURN * 37);
    CHECK_EQ(sums_of(&view, "step").calls, IN_TURN * 37);
    CHECK_EQ(histogram_sum(timer_of(&view, "call")), IN_TURN * 37);
    CHECK_EQ(view.header.lost_threads, 0);
    CHECK_EQ(view.header.lost_scopes, 0);
    uint64_t threads = 0;
    for (size_t i = 0; i < view.thread_count; i++) {
        threads += view.threads[i].threads;
    }
    CHECK_EQ(threads, IN_TURN);
    CHECK(view.header.block_count <= 64);
    tare_page_view_release(&view);
}

static void check_too_many(void)
{
    const char *page = scratch("too-many");
    CHECK_EQ(run_self("too-many", ENVIRONMENT(text("TARE_PAGE=%s", page), "TARE_THREADS=4"), NULL), 0);
    struct tare_page_view view = read_page(page);
    const uint64_t calls = HELD * (5000 + 1), steps = HELD * 5000;
    CHECK_EQ(view.header.lost_threads, HELD - BLOCKS);
    CHECK_EQ(sums_of(&view, "call").calls, calls / HELD * BLOCKS);
    CHECK_EQ(sums_of(&view, "step").calls, steps / HELD * BLOCKS);
    CHECK_EQ(sums_of(&view, "call").calls + sums_of(&view, "step").calls + view.header.lost_scopes,
             calls + steps);
    tare_page_view_release(&view);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return strcmp(argv[1], "in-turn") == 0 ? be_in_turn() : be_too_many();
    }
    MUST(tare_enable("*") == 2);
    begin_case("threads at once: the sum over them is exact");
    check_at_once();
    begin_case("two hundred threads in turn, room for 64: nothing is lost");
    check_in_turn();
    begin_case("ten threads at once, room for four: what is missing is counted as lost");
    check_too_many();
    return finish();
}
