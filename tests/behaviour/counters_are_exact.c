/* SPDX-License-Identifier: MIT */
/*
 * What threads add to a counter is in its sum, all of it: while they run, when they have ended, in signal
 * handlers that interrupt an addition or a counter's very first one, and after SIGKILL at any moment. A reset
 * begins at 0 again; what is disabled is not counted; a forked child counts for itself.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "tests/behaviour/raw_page.h"

TARE_MODULE("test");
TARE_COUNTER(added, "bytes");
TARE_COUNTER(twice);
TARE_COUNTER(interrupted);
TARE_COUNTER(reset_often);
TARE_COUNTER(unused);
TARE_COUNTER(killed);

enum { THREADS = 4, ADDS = 100000 };

static void *add_many(void *data)
{
    (void)data;
    for (unsigned i = 0; i < TIMES(ADDS); i++) {
        TARE_ADD(added, i);
        TARE_ADD(twice, 1);
        TARE_ADD(twice, 1);
    }
    return NULL;
}

static void check_threads(const struct raw_page *page)
{
    const uint64_t n = TIMES(ADDS);
    for (uint64_t round = 1; round <= 3; round++) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++) {
            MUST(pthread_create(&threads[i], NULL, add_many, NULL) == 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
        CHECK_EQ(TARE_TOTAL(added), round * THREADS * (n * (n - 1) / 2));
        CHECK_EQ(TARE_TOTAL(twice), round * THREADS * 2 * n);
    }
    CHECK_EQ(raw_total(page, raw_find(page, TARE_KIND_COUNTER, "added")), TARE_TOTAL(added));
    CHECK_EQ(raw_total(page, raw_find(page, TARE_KIND_COUNTER, "twice")), TARE_TOTAL(twice));
    CHECK_EQ(TARE_TOTAL(unused), 0);
    CHECK(raw_blocks(page) <= THREADS + 1); /* later threads count on where earlier ones ended */
}

static volatile sig_atomic_t handled;

static void handler(int number)
{
    (void)number;
    handled++;
    TARE_ADD(interrupted, 1000000);
    TARE_ADD(reset_often, 1);
}

/* Signals come at any instruction of the additions, and of the first one after each reset. */
static void check_signals(void)
{
    struct sigaction action = {.sa_handler = handler};
    const struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    uint64_t added = 0, until = monotonic_ns() + UINT64_C(10000000000);
    while ((handled < TIMES(2000) || added < TIMES(100000)) && monotonic_ns() < until) {
        for (int i = 0; i < 100; i++) {
            TARE_ADD(interrupted, 1);
            added++;
        }
    }
    setitimer(ITIMER_REAL, &never, NULL);
    CHECK(handled > 0);
    CHECK_EQ(TARE_TOTAL(interrupted), added + (uint64_t)handled * 1000000);
}

static void check_reset(void)
{
    TARE_ADD(reset_often, 5);
    CHECK_EQ(tare_reset("test.reset_*"), 1);
    CHECK_EQ(TARE_TOTAL(reset_often), 0);
    for (uint64_t i = 1; i <= 3; i++) {
        TARE_ADD(reset_often, 7);
        CHECK_EQ(TARE_TOTAL(reset_often), 7 * i);
    }
    CHECK_EQ(tare_reset("test::reset_often"), 1);
    TARE_ADD(reset_often, 0);
    CHECK_EQ(TARE_TOTAL(reset_often), 0);
    TARE_ADD(reset_often, UINT64_MAX); /* it goes round, as unsigned numbers do */
    TARE_ADD(reset_often, 3);
    CHECK_EQ(TARE_TOTAL(reset_often), 2);
}

static unsigned evaluated;

static unsigned evaluate(void)
{
    evaluated++;
    return 1;
}

static void check_switching(void)
{
    uint64_t before = TARE_TOTAL(twice);
    CHECK_EQ(tare_disable("test.twice"), 1);
    TARE_ADD(twice, 100);
    CHECK_EQ(TARE_TOTAL(twice), before);
    CHECK_EQ(tare_enable("test.twice"), 1);
    TARE_ADD(twice, 1);
    CHECK_EQ(TARE_TOTAL(twice), before + 1);
    CHECK(tare_enable_only("nothing::*") == 0); /* leaves what is no timer alone */
    TARE_ADD(twice, evaluate());
    CHECK_EQ(TARE_TOTAL(twice), before + 2);
    CHECK_EQ(evaluated, 1);
}

static void check_fork(const struct raw_page *parents)
{
    uint64_t before = TARE_TOTAL(added);
    TARE_ADD(added, 10);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK_EQ(TARE_TOTAL(added), 0);
        TARE_ADD(added, 3);
        TARE_ADD(added, 4);
        CHECK_EQ(TARE_TOTAL(added), 7);
        struct raw_page own = raw_open(own_page());
        CHECK_EQ(raw_total(&own, raw_find(&own, TARE_KIND_COUNTER, "added")), 7);
        CHECK(strcmp(raw_string(&own, raw_entry(&own, raw_find(&own, TARE_KIND_COUNTER, "added"))->unit_string),
                     "bytes") == 0);
        _exit(failed_checks != 0);
    }
    CHECK_EQ(status_of(pid), 0);
    TARE_ADD(added, 1);
    CHECK_EQ(TARE_TOTAL(added), before + 11);
    CHECK_EQ(raw_total(parents, raw_find(parents, TARE_KIND_COUNTER, "added")), before + 11);
}

struct tally {
    _Alignas(64) uint64_t begun, ended;
};

static void *count_forever(void *data)
{
    struct tally *own = data;
    for (;;) {
        __atomic_store_n(&own->begun, own->begun + 1, __ATOMIC_RELEASE);
        TARE_ADD(killed, 1);
        __atomic_store_n(&own->ended, own->ended + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

static int be_killed(const char *path)
{
    struct tally *tallies = shared_memory(path, THREADS * sizeof(*tallies));
    pthread_t thread;
    for (int i = 1; i < THREADS; i++) {
        MUST(pthread_create(&thread, NULL, count_forever, &tallies[i]) == 0);
    }
    count_forever(&tallies[0]);
    return 0;
}

static void check_killed(unsigned number)
{
    const char *path = scratch(text("tally.%u", number)), *file = scratch(text("page.%u", number));
    struct tally *tallies = shared_memory(path, THREADS * sizeof(*tallies));
    pid_t pid = start_self("be-killed", ENVIRONMENT(text("TARE_PAGE=%s", file)), path);
    for (int i = 0; i < THREADS; i++) {
        EVENTUALLY(__atomic_load_n(&tallies[i].ended, __ATOMIC_ACQUIRE) > 100);
    }
    kill(pid, SIGKILL);
    status_of(pid);
    uint64_t begun = 0, ended = 0;
    for (int i = 0; i < THREADS; i++) {
        begun += tallies[i].begun;
        ended += tallies[i].ended;
    }
    struct raw_page page = raw_open(file);
    CHECK_BETWEEN(ended, raw_total(&page, raw_find(&page, TARE_KIND_COUNTER, "killed")), begun);
    CHECK_EQ(page.header->lost_scopes, 0);
    raw_close(&page);
    munmap(tallies, THREADS * sizeof(*tallies));
}

/* Nothing is counted, nothing breaks. */
static int without_page(void)
{
    add_many(NULL);
    CHECK_EQ(TARE_TOTAL(added), 0);
    CHECK(tare_reset("*") == -ENODEV);
    return failed_checks != 0;
}

/* A thread without room counts nothing, and that is said. */
static int without_room(void)
{
    pthread_t thread;
    TARE_ADD(added, 1);
    MUST(pthread_create(&thread, NULL, add_many, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK_EQ(TARE_TOTAL(added), 1);
    struct raw_page page = raw_open(own_page());
    CHECK_EQ(page.header->lost_threads, 1);
    CHECK_EQ(page.header->lost_scopes, 3 * TIMES(ADDS));
    raw_close(&page);
    return failed_checks != 0;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return strcmp(argv[1], "be-killed") == 0      ? be_killed(argv[2])
               : strcmp(argv[1], "without-page") == 0 ? without_page()
                                                      : without_room();
    }
    struct raw_page page = raw_open(own_page());
    begin_case("sums of all threads, three times four of them");
    check_threads(&page);
    begin_case("additions in signal handlers");
    check_signals();
    begin_case("a reset");
    check_reset();
    begin_case("disabled, enabled, and left alone by tare_enable_only");
    check_switching();
    begin_case("a forked child counts for itself");
    check_fork(&page);
    begin_case("SIGKILL at any moment");
    for (unsigned i = 0; i < 5; i++) {
        check_killed(i);
    }
    begin_case("without a page");
    CHECK_EQ(run_self("without-page", ENVIRONMENT("TARE=off"), NULL), 0);
    begin_case("without room for a thread");
    CHECK_EQ(run_self("without-room", ENVIRONMENT("TARE_THREADS=1"), NULL), 0);
    raw_close(&page);
    return finish();
}
