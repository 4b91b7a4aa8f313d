/* SPDX-License-Identifier: MIT */
/*
 * Whatever ends a process, what its scopes counted is exact, but for the scopes that were open. Two threads
 * count for themselves, in memory of their own, when a scope is about to begin and when it has ended; then
 * the process is killed at some moment, or aborts, or leaves by _exit. The page's count of each timer must
 * lie between the two.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(outer);
TARE_TIMER(inner);

enum { THREADS = 2, KILLS = 20 };

struct tally {
    _Alignas(64) uint64_t outer_begun;
    uint64_t outer_ended, inner_begun, inner_ended;
};

struct shared {
    struct tally threads[THREADS];
};

static void add(uint64_t *count)
{
    __atomic_store_n(count, *count + 1, __ATOMIC_RELEASE);
}

static void *count(void *data)
{
    struct tally *own = data;
    for (;;) {
        add(&own->outer_begun);
        {
            TARE_SCOPE(outer);
            for (int i = 0; i < 3; i++) {
                add(&own->inner_begun);
                {
                    TARE_SCOPE(inner);
                }
                add(&own->inner_ended);
            }
        }
        add(&own->outer_ended);
    }
    return NULL;
}

static bool all_have_begun(const struct shared *shared, uint64_t least)
{
    for (int i = 0; i < THREADS; i++) {
        if (__atomic_load_n(&shared->threads[i].outer_ended, __ATOMIC_ACQUIRE) < least) {
            return false;
        }
    }
    return true;
}

/* The child: counts on all threads, until it is killed or, when all have got somewhere, ends itself. */
static int be_child(const char *how, const char *path)
{
    struct shared *shared = shared_memory(path, sizeof(*shared));
    pthread_t thread[THREADS];
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    for (int i = 0; i < THREADS; i++) {
        MUST(pthread_create(&thread[i], NULL, count, &shared->threads[i]) == 0);
    }
    while (!all_have_begun(shared, 100)) {
        sched_yield();
    }
    if (strcmp(how, "abort") == 0) {
        abort();
    }
    if (strcmp(how, "_exit") == 0) {
        _exit(7);
    }
    for (;;) {
        pause();
    }
}

static void check_page(const char *page, const struct shared *shared)
{
    struct tare_page_view view = read_page(page);
    uint64_t outer_begun = 0, outer_ended = 0, inner_begun = 0, inner_ended = 0;
    for (int i = 0; i < THREADS; i++) {
        outer_begun += shared->threads[i].outer_begun;
        outer_ended += shared->threads[i].outer_ended;
        inner_begun += shared->threads[i].inner_begun;
        inner_ended += shared->threads[i].inner_ended;
    }
    CHECK(outer_ended >= 100 * THREADS);
    CHECK_BETWEEN(outer_ended, sums_of(&view, "outer").calls, outer_begun);
    CHECK_BETWEEN(inner_ended, sums_of(&view, "inner").calls, inner_begun);
    CHECK_EQ(view.header.state, TARE_PAGE_LIVE); /* it had no chance to say that it ends */
    /* One scope of each thread may have been cut off between its count and its entry in the histogram. */
    CHECK_BETWEEN(sums_of(&view, "inner").calls - THREADS, histogram_sum(timer_of(&view, "inner")),
                  sums_of(&view, "inner").calls);
    CHECK(sums_of(&view, "inner").min_ticks <= sums_of(&view, "inner").max_ticks);
    CHECK(sums_of(&view, "inner").total_ticks >= sums_of(&view, "inner").max_ticks);
    tare_page_view_release(&view);
}

static void end_one(const char *how, unsigned number, uint64_t *random)
{
    const char *tally = scratch(text("tally.%s.%u", how, number)),
               *page = scratch(text("page.%s.%u", how, number));
    struct shared *shared = shared_memory(tally, sizeof(*shared));
    pid_t pid = start_self(how, ENVIRONMENT(text("TARE_PAGE=%s", page)), tally);
    if (strcmp(how, "kill") == 0) {
        EVENTUALLY(all_have_begun(shared, 100));
        uint64_t until = monotonic_ns() + next_random(random) % 1000000;
        while (monotonic_ns() < until) {
        }
        kill(pid, SIGKILL);
    }
    int status = status_of(pid);
    CHECK(strcmp(how, "_exit") == 0
              ? WIFEXITED(status) && WEXITSTATUS(status) == 7
              : WIFSIGNALED(status) && WTERMSIG(status) == (*how == 'k' ? SIGKILL : SIGABRT));
    check_page(page, shared);
    munmap(shared, sizeof(*shared));
    unlink(page);
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        return be_child(argv[1], argv[2]);
    }
    uint64_t random = 20240501;
    begin_case("counts are exact after SIGKILL at any moment");
    for (unsigned i = 0; i < KILLS; i++) {
        end_one("kill", i, &random);
    }
    begin_case("counts are exact after abort");
    end_one("abort", 0, &random);
    begin_case("counts are exact after _exit");
    end_one("_exit", 0, &random);
    return finish();
}
