/* SPDX-License-Identifier: MIT */
/*
 * fork without exec: parent and child count apart from the moment of the fork, nothing twice. A scope that is
 * open then is counted by the parent alone. This holds for a child of a program with many threads that go on
 * counting, of a thread that is not the first, for grandchildren, and for a child that can get no page.
 */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(before);
TARE_TIMER(around);
TARE_TIMER(after);
TARE_TIMER(steady);

static void count_after(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        TARE_SCOPE(after);
    }
}

/* Ends a forked child: no exit handlers of the parent's, no buffered output twice. */
static _Noreturn void end_child(void)
{
    _exit(failed_checks != 0);
}

static void join_child(pid_t pid)
{
    int status = -1;
    MUST(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK_EQ(status, 0);
}

static void check_simple(void)
{
    for (int i = 0; i < 10; i++) {
        TARE_SCOPE(before);
    }
    pid_t pid;
    {
        TARE_SCOPE(around);
        tare_span span = TARE_BEGIN(around);
        pid = fork();
        TARE_END(span);
    }
    if (pid == 0) {
        CHECK_EQ(stats_of("test::before").calls, 0);
        CHECK_EQ(stats_of("test::around").calls, 0);
        count_after(7);
        CHECK_EQ(stats_of("test::after").calls, 7);
        CHECK_EQ(stats_of("test::after").outermost, 7);
        for (int i = 0; i < 3; i++) {
            TARE_SCOPE(around); /* the one that was open does not make these inner ones */
        }
        CHECK_EQ(stats_of("test::around").calls, 3);
        CHECK_EQ(stats_of("test::around").outermost, 3);
        end_child();
    }
    count_after(5);
    join_child(pid);
    CHECK_EQ(stats_of("test::before").calls, 10);
    CHECK_EQ(stats_of("test::around").calls, 2);
    CHECK_EQ(stats_of("test::around").outermost, 1);
    CHECK_EQ(stats_of("test::after").calls, 5);
}

static void check_grandchildren(void)
{
    tare_reset("*");
    count_after(1);
    pid_t pid = fork();
    if (pid == 0) {
        count_after(10);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            count_after(100);
            CHECK_EQ(stats_of("test::after").calls, 100);
            end_child();
        }
        count_after(10);
        join_child(grandchild);
        CHECK_EQ(stats_of("test::after").calls, 20);
        end_child();
    }
    join_child(pid);
    CHECK_EQ(stats_of("test::after").calls, 1);
}

static bool stop;
static uint64_t steady_calls[4];

static void *count_steadily(void *data)
{
    uint64_t *own = data;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        TARE_SCOPE(steady);
        __atomic_store_n(own, *own + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

/* Forks in the middle of it; the child has one thread, and counts on. */
static void *fork_children(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++) {
        TARE_SCOPE(around);
        pid_t pid = fork();
        if (pid == 0) {
            CHECK_EQ(stats_of("test::steady").calls, 0);
            count_after(100);
            CHECK_EQ(stats_of("test::after").calls, 100);
            CHECK_EQ(stats_of("test::steady").calls, 0);
            end_child();
        }
        join_child(pid);
    }
    return NULL;
}

static void check_many_threads(bool from_another_thread)
{
    pthread_t threads[4], forking;
    tare_reset("*");
    memset(steady_calls, 0, sizeof(steady_calls));
    stop = false;
    for (int i = 0; i < 4; i++) {
        MUST(pthread_create(&threads[i], NULL, count_steadily, &steady_calls[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        EVENTUALLY(__atomic_load_n(&steady_calls[i], __ATOMIC_ACQUIRE) != 0);
    }
    if (from_another_thread) {
        MUST(pthread_create(&forking, NULL, fork_children, NULL) == 0);
        pthread_join(forking, NULL);
    } else {
        fork_children(NULL);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        sum += steady_calls[i];
    }
    CHECK_EQ(stats_of("test::steady").calls, sum);
    CHECK_EQ(stats_of("test::around").calls, 10);
    CHECK_EQ(stats_of("test::after").calls, 0);
}

/* The child starts threads of its own, which find room. */
static void *count_in_thread(void *unused)
{
    (void)unused;
    count_after(9);
    return NULL;
}

static void check_threads_of_a_child(void)
{
    tare_reset("*");
    count_after(2);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 5; i++) {
            pthread_t thread;
            MUST(pthread_create(&thread, NULL, count_in_thread, NULL) == 0);
            pthread_join(thread, NULL);
        }
        CHECK_EQ(stats_of("test::after").calls, 45);
        end_child();
    }
    join_child(pid);
    CHECK_EQ(stats_of("test::after").calls, 2);
}

/* No descriptor is left for a page, so the child has none: it runs on, and the parent's counts stay its own. */
static void check_without_page(void)
{
    tare_reset("*");
    struct rlimit before, none = {0, 0};
    MUST(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none.rlim_max = before.rlim_max;
    pid_t pid;
    {
        TARE_SCOPE(around);
        tare_span span = TARE_BEGIN(around);
        MUST(setrlimit(RLIMIT_NOFILE, &none) == 0);
        pid = fork();
        MUST(setrlimit(RLIMIT_NOFILE, &before) == 0);
        TARE_END(span);
    }
    if (pid == 0) {
        count_after(50);
        TARE_SCOPE(around);
        CHECK(tare_snapshot(NULL, NULL, 0) == -ENODEV);
        CHECK(tare_enable("*") == -ENODEV);
        CHECK(strcmp(tare_clock_name(), "none") == 0);
        pid_t grandchild = fork(); /* and so have its children */
        if (grandchild == 0) {
            count_after(50);
            end_child();
        }
        join_child(grandchild);
        end_child();
    }
    join_child(pid);
    CHECK_EQ(stats_of("test::after").calls, 0);
    CHECK_EQ(stats_of("test::around").calls, 2);
}

int main(void)
{
    MUST(tare_enable("*") == 4);
    begin_case("parent and child count apart; an open scope is the parent's");
    check_simple();
    begin_case("so do grandchildren");
    check_grandchildren();
    begin_case("so does a child of a program with threads that go on counting");
    check_many_threads(false);
    begin_case("so does a child of a thread that is not the first");
    check_many_threads(true);
    begin_case("threads of a child are counted in the child");
    check_threads_of_a_child();
    begin_case("a child that can get no page runs unmeasured");
    check_without_page();
    return finish();
}
