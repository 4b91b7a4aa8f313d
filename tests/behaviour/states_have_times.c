/* SPDX-License-Identifier: MIT */
/*
 * A thread is in one state or in none, and the time that it spent in each is counted when it leaves it: by
 * entering another, by TARE_LEAVE, or by ending. Numbers without a state are none. A reset makes the times
 * void, and leaves each thread in its state; in a forked child it is in none.
 */
#include <pthread.h>

#include "tests/behaviour/raw_page.h"

TARE_MODULE("test");
enum { IDLE, RUNNING, BLOCKED };
TARE_STATE(mode, "idle", "running", "blocked");
TARE_STATE(many, "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11");
TARE_STATE(one, "alone");
TARE_STATE(alike, "a", "", "a", "1", "a", "a#2", "");
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
TARE_STATE(long_ones, C64 C64 C64 C64 "1", C64 C64 C64 C64 "2");
TARE_COUNTER(between); /* states need not be neighbours */
TARE_STATE(of_threads, "busy");

/* Longer than a millisecond, on the clock that the states have. */
static void stay(void)
{
    uint64_t until = monotonic_ns() + 2000000;
    while (monotonic_ns() < until) {
    }
}

static void check_stays(const struct raw_page *page)
{
    uint32_t mode = raw_find(page, TARE_KIND_STATE, "mode");
    uint64_t start = monotonic_ns();
    CHECK_EQ(raw_threads_in(page, mode, IDLE), 0);
    TARE_ENTER(mode, IDLE);
    CHECK_EQ(raw_threads_in(page, mode, IDLE), 1);
    stay();
    TARE_ENTER(mode, RUNNING);
    CHECK(raw_threads_in(page, mode, IDLE) == 0 && raw_threads_in(page, mode, RUNNING) == 1);
    stay();
    TARE_ENTER(mode, RUNNING); /* it is there already: one stay */
    stay();
    TARE_ENTER(mode, IDLE);
    stay();
    TARE_LEAVE(mode);
    CHECK(raw_threads_in(page, mode, IDLE) == 0 && raw_threads_in(page, mode, RUNNING) == 0);
    double most = (double)(monotonic_ns() - start) * 1e-9;
    double idle = raw_seconds(page, mode, IDLE), running = raw_seconds(page, mode, RUNNING);
    CHECK_BETWEEN(0.0039, idle, most);
    CHECK_BETWEEN(0.0039, running, most);
    CHECK(idle + running <= most * 1.01 && raw_seconds(page, mode, BLOCKED) == 0);
    const struct tare_state_slot *slot = raw_slot(page, 0, mode);
    CHECK_EQ(slot->changes, 2 * 4);
    stay();
    CHECK(raw_seconds(page, mode, IDLE) == idle);
}

static void check_names(const struct raw_page *page)
{
    const struct tare_entry *entry = raw_entry(page, raw_find(page, TARE_KIND_STATE, "many"));
    const char *name = raw_string(page, entry->names_string);
    CHECK_EQ(entry->name_count, 12);
    for (uint32_t i = 0; i < entry->name_count; i++, name += strlen(name) + 1) {
        CHECK(strcmp(name, text("s%u", i)) == 0);
    }
}

/* The names of a state, in a row, with a space behind each. */
static const char *names_of(const struct raw_page *page, const char *state)
{
    const struct tare_entry *entry = raw_entry(page, raw_find(page, TARE_KIND_STATE, state));
    const char *name = raw_string(page, entry->names_string), *all = "";
    for (uint32_t i = 0; i < entry->name_count; i++, name += strlen(name) + 1) {
        all = text("%s%s ", all, name);
    }
    return all;
}

static void check_names_differ(const struct raw_page *page)
{
    CHECK(strcmp(names_of(page, "alike"), "a 1 a#2 1#2 a#3 a#2#2 6 ") == 0);
    const struct tare_entry *entry = raw_entry(page, raw_find(page, TARE_KIND_STATE, "long_ones"));
    const char *first = raw_string(page, entry->names_string), *second = first + 256;
    CHECK(strlen(first) == 255 && strlen(second) == 255);
    CHECK(memcmp(first, second, 253) == 0 && strcmp(second + 253, "#2") == 0);
}

static void check_all(const struct raw_page *page)
{
    uint32_t many = raw_find(page, TARE_KIND_STATE, "many");
    for (uint32_t i = 0; i < 12; i++) {
        TARE_ENTER(many, i);
        CHECK_EQ(raw_threads_in(page, many, i), 1);
        stay();
    }
    TARE_ENTER(many, 12); /* there is none */
    for (uint32_t i = 0; i < 12; i++) {
        CHECK_EQ(raw_threads_in(page, many, i), 0);
        CHECK(raw_seconds(page, many, i) >= 0.0019);
    }
    CHECK_EQ(raw_slot(page, 0, many) != NULL, 1);
    CHECK_EQ(((const struct tare_slot *)raw_slot(page, 0, many))->generation,
             raw_control(page, many)->generation);
    TARE_ENTER(one, 0);
    TARE_ENTER(one, -1);
    CHECK_EQ(raw_threads_in(page, raw_find(page, TARE_KIND_STATE, "one"), 0), 0);
}

struct meeting {
    pthread_barrier_t entered, leave;
};

static void *be_busy(void *data)
{
    struct meeting *meeting = data;
    TARE_ENTER(of_threads, 0);
    pthread_barrier_wait(&meeting->entered);
    stay();
    pthread_barrier_wait(&meeting->leave);
    return NULL; /* and so leaves its state */
}

static void check_threads(const struct raw_page *page)
{
    enum { THREADS = 3 };
    uint32_t index = raw_find(page, TARE_KIND_STATE, "of_threads");
    for (int round = 1; round <= 2; round++) {
        struct meeting meeting;
        pthread_t threads[THREADS];
        pthread_barrier_init(&meeting.entered, NULL, THREADS + 1);
        pthread_barrier_init(&meeting.leave, NULL, THREADS + 1);
        for (int i = 0; i < THREADS; i++) {
            MUST(pthread_create(&threads[i], NULL, be_busy, &meeting) == 0);
        }
        pthread_barrier_wait(&meeting.entered);
        CHECK_EQ(raw_threads_in(page, index, 0), THREADS);
        pthread_barrier_wait(&meeting.leave);
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
        CHECK_EQ(raw_threads_in(page, index, 0), 0);
        CHECK(raw_seconds(page, index, 0) >= round * THREADS * 0.0019);
        pthread_barrier_destroy(&meeting.entered);
        pthread_barrier_destroy(&meeting.leave);
    }
}

static void check_reset(const struct raw_page *page)
{
    uint32_t mode = raw_find(page, TARE_KIND_STATE, "mode");
    TARE_ENTER(mode, BLOCKED);
    stay();
    CHECK_EQ(tare_reset("test.mode"), 1);
    CHECK(raw_seconds(page, mode, IDLE) == 0 && raw_seconds(page, mode, RUNNING) == 0);
    CHECK_EQ(raw_threads_in(page, mode, BLOCKED), 1); /* it is there still */
    TARE_ENTER(mode, RUNNING);
    CHECK(raw_seconds(page, mode, BLOCKED) == 0); /* of a stay from before, nothing */
    stay();
    TARE_LEAVE(mode);
    CHECK(raw_seconds(page, mode, RUNNING) >= 0.0019);
}

/* Nobody knows what a thread does while its state is disabled, so that time is nobody's, once it is enabled again. */
static void check_switching(const struct raw_page *page)
{
    uint32_t mode = raw_find(page, TARE_KIND_STATE, "mode");
    CHECK_EQ(tare_reset("test.mode"), 1);
    TARE_ENTER(mode, IDLE);
    stay();
    CHECK_EQ(tare_disable("test.mode"), 1);
    TARE_ENTER(mode, RUNNING); /* which nobody sees */
    stay();
    CHECK_EQ(tare_enable("test.mode"), 1);
    TARE_ENTER(mode, BLOCKED);
    CHECK(raw_seconds(page, mode, IDLE) == 0 && raw_seconds(page, mode, RUNNING) == 0);
    stay();
    TARE_LEAVE(mode);
    CHECK(raw_seconds(page, mode, BLOCKED) >= 0.0019);

    TARE_ENTER(mode, IDLE);
    stay();
    CHECK_EQ(tare_disable("test.mode"), 1);
    stay();
    CHECK_EQ(tare_enable("test.mode"), 1);
    TARE_ENTER(mode, IDLE); /* the same one, and a new stay */
    uint64_t since = monotonic_ns();
    stay();
    TARE_LEAVE(mode);
    CHECK_BETWEEN(0.0019, raw_seconds(page, mode, IDLE), (double)(monotonic_ns() - since) * 1e-9 * 1.01 + 1e-4);

    double idle = raw_seconds(page, mode, IDLE);
    TARE_ENTER(mode, IDLE);
    CHECK_EQ(tare_enable("test.mode"), 1); /* it was: nothing has changed */
    stay();
    TARE_LEAVE(mode);
    CHECK(raw_seconds(page, mode, IDLE) >= idle + 0.0019);
}

static void *end_disabled(void *data)
{
    (void)data;
    TARE_ENTER(of_threads, 0);
    tare_disable("test.of_threads");
    stay();
    return NULL;
}

static void check_end_disabled(const struct raw_page *page)
{
    uint32_t index = raw_find(page, TARE_KIND_STATE, "of_threads");
    double before = raw_seconds(page, index, 0);
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, end_disabled, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK(raw_seconds(page, index, 0) == before);
    CHECK_EQ(tare_enable("test.of_threads"), 1);
}

static void check_fork(void)
{
    TARE_ENTER(mode, RUNNING);
    pid_t pid = fork();
    if (pid == 0) {
        struct raw_page own = raw_open(own_page());
        uint32_t mode = raw_find(&own, TARE_KIND_STATE, "mode");
        CHECK_EQ(raw_threads_in(&own, mode, RUNNING), 0);
        TARE_ENTER(mode, IDLE);
        CHECK_EQ(raw_threads_in(&own, mode, IDLE), 1);
        _exit(failed_checks != 0);
    }
    CHECK_EQ(status_of(pid), 0);
    TARE_LEAVE(mode);
}

/* A first thread that is in a state when the process ends has left it by then. */
static int end_in_state(void)
{
    TARE_ENTER(mode, BLOCKED);
    stay();
    return 0;
}

static void check_exit(void)
{
    const char *file = scratch("page");
    CHECK_EQ(run_self("end", ENVIRONMENT(text("TARE_PAGE=%s", file)), NULL), 0);
    struct raw_page page = raw_open(file);
    uint32_t mode = raw_find(&page, TARE_KIND_STATE, "mode");
    CHECK_EQ(page.header->state, TARE_PAGE_EXITED);
    CHECK_EQ(raw_threads_in(&page, mode, BLOCKED), 0);
    CHECK(raw_seconds(&page, mode, BLOCKED) >= 0.0019);
    raw_close(&page);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        return end_in_state();
    }
    struct raw_page page = raw_open(own_page());
    begin_case("times of stays");
    check_stays(&page);
    begin_case("names in the page");
    check_names(&page);
    begin_case("names that are equal, or empty, are told apart");
    check_names_differ(&page);
    begin_case("all of twelve states, and numbers of none");
    check_all(&page);
    begin_case("threads that end in a state");
    check_threads(&page);
    begin_case("a reset");
    check_reset(&page);
    begin_case("time while it is disabled is counted nowhere");
    check_switching(&page);
    check_end_disabled(&page);
    begin_case("a forked child is in none");
    check_fork();
    begin_case("a process that ends in a state");
    check_exit();
    raw_close(&page);
    return finish();
}
