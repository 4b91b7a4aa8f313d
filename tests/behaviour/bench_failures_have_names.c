/* SPDX-License-Identifier: MIT */
/*
 * A benchmark that computes the wrong thing, or has not the one loop that it should have, is reported and not
 * timed; what a process said before it died is there.
 */
#include <pthread.h>
#include <signal.h>

#include "tests/behaviour/bench_driving.h"

static int calls;

TARE_BENCH(wrong_in_set_up)
{
    int answer = 41;
    tare_require(answer == 42);
    TARE_EACH(b)
    {
        calls++;
    }
}

static int helper(int x)
{
    tare_require(x < 10 && "a \"quoted\" one\n");
    return x;
}

TARE_BENCH(wrong_in_the_loop)
{
    int x = 0;
    TARE_EACH(b)
    {
        tare_keep(helper(x++));
    }
}

/* Weak: there is none without a compiler of C++. */
extern void require_in_cxx(int x) __attribute__((weak));

TARE_BENCH(wrong_in_cxx)
{
    int x = 0;
    TARE_EACH(b)
    {
        require_in_cxx(x++);
    }
}

TARE_BENCH(ends_its_thread)
{
    TARE_EACH(b)
    {
        pthread_exit(NULL);
    }
}
TARE_BENCH_THREADS(ends_its_thread, 1, 3);

TARE_BENCH(no_loop)
{
    (void)b;
}

TARE_BENCH(second_loop)
{
    TARE_EACH(b)
    {
    }
    TARE_EACH(b)
    {
        calls++;
    }
}

TARE_BENCH(nested_loop)
{
    TARE_EACH(b)
    {
        for (uint64_t inner = tare__each(b); inner != 0; inner--) {
            calls++;
        }
    }
}

TARE_BENCH(breaks)
{
    TARE_EACH(b)
    {
        if (++calls == 3) {
            break;
        }
    }
}

TARE_BENCH(returns)
{
    TARE_EACH(b)
    {
        if (++calls == 3) {
            return;
        }
    }
}

TARE_BENCH(breaks_with)
{
    TARE_EACH_WITH(b, calls++)
    {
        if (calls == 3) {
            break;
        }
    }
}

TARE_BENCH(breaks_at_the_end_of_with)
{
    TARE_EACH_WITH(b, calls++)
    {
        break;
    }
}

static void *foreign(void *data)
{
    tare_require(data != NULL);
    return data;
}

TARE_BENCH(wrong_on_a_thread_of_its_own)
{
    pthread_t thread;
    tare_require(pthread_create(&thread, NULL, foreign, NULL) == 0);
    pthread_join(thread, NULL);
    TARE_EACH(b)
    {
    }
}

TARE_BENCH(crashes_late)
{
    static volatile int *nowhere;
    TARE_EACH(b)
    {
        nanosleep(&(struct timespec){0, 60000000}, NULL);
        if (++calls == 6) {
            signal(SIGSEGV, SIG_DFL); /* a sanitizer would report it */
            *nowhere = 1;
        }
    }
}

TARE_BENCH(forks)
{
    pid_t pid = fork();
    if (pid == 0) {
        TARE_EACH(b)
        {
        }
        return; /* and does not end itself */
    }
    status_of(pid);
    TARE_EACH(b)
    {
    }
}

TARE_BENCH(leaves_the_process)
{
    TARE_EACH(b)
    {
        exit(5);
    }
}

TARE_BENCH(wrong_on_one_thread)
{
    tare_require(b->thread != 1);
    TARE_EACH(b)
    {
    }
}
TARE_BENCH_THREADS(wrong_on_one_thread, 3);

TARE_BENCH(one_thread_leaves)
{
    TARE_EACH(b)
    {
        if (b->thread == 2) {
            break;
        }
    }
}
TARE_BENCH_THREADS(one_thread_leaves, 4);

static void fails_with(const char *name, const char *words)
{
    int status;
    struct bench_block block = job_of("block", name, "samples=3 iterations=20", &status);
    begin_case(name);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    CHECK(!block.complete && block.failed != NULL);
    if (block.failed != NULL && strstr(block.failed, words) == NULL) {
        note_failure(__FILE__, __LINE__, block.failed);
    }
    bench_block_release(&block);
}

static void what_was_said_is_there(void)
{
    int status;
    begin_case("a crash leaves the samples that were told, and no end");
    struct bench_block block = job_of("block", "crashes_late", "samples=9 iterations=1", &status);
    CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
    CHECK(!block.complete && block.failed == NULL);
    CHECK(block.sample_count >= 1 && block.first_ns > 3e7);
    bench_block_release(&block);

    begin_case("a benchmark that ends the process leaves no end");
    block = job_of("block", "leaves_the_process", "samples=9 iterations=1", &status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
    CHECK(!block.complete && block.failed == NULL && block.sample_count == 0);
    bench_block_release(&block);
}

static void a_forked_child_is_silent(void)
{
    int status;
    begin_case("a child that was forked says nothing, and does not go on in our place");
    struct bench_block block = job_of("block", "forks", "samples=4 iterations=10", &status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(block.complete && block.sample_count == 4);
    bench_block_release(&block);
}

static void bad_jobs_are_refused(void)
{
    static const char *const jobs[] = {
        "job=list case=x",          "job=listen",
        "job=block case=0",         "job=exact case=0 iterations=0",
        "job=block samples=0",      "job=block samples=5000 sample_ns=1",
        "job=list fd=77",           "job=list nonsense",
        "job=list case=-1",         "case=0",
        "job=exact iterations=1e6", "job=list case=99999999999999999999",
    };
    begin_case("a job that is none is refused, in one line, with code 2");
    for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
        int status;
        char *said = job_said(jobs[i], &status);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
        CHECK(said[0] == '\0');
        free(said);
    }
    int status;
    char *said = job_said("job=block case=999 samples=1 iterations=1", &status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1 && strstr(said, "failed there is no case") != NULL);
    free(said);
}

int main(int argc, char **argv)
{
    BENCH_MAIN_OF_A_JOB(argc, argv)
    fails_with("wrong_in_set_up", "tare_require(answer == 42) in ");
    fails_with("wrong_in_the_loop", "tare_require(x < 10 && \"a \\\"quoted\\\" one\\n\") in ");
    if (require_in_cxx != NULL) {
        fails_with("wrong_in_cxx", "tare_require(x < 3 && \"in C++\") in ");
    } else {
        begin_case("wrong_in_cxx");
        skip_case("no compiler of C++");
    }
    fails_with("ends_its_thread/threads:1", "it ends its thread");
    fails_with("ends_its_thread/threads:3", "it ends its thread");
    fails_with("no_loop", "it never gets to a TARE_EACH loop");
    fails_with("second_loop", "it begins a second TARE_EACH loop");
    fails_with("nested_loop", "it begins a second TARE_EACH loop");
    fails_with("breaks", "it leaves its TARE_EACH loop early");
    fails_with("returns", "it leaves its TARE_EACH loop early");
    fails_with("breaks_with", "it leaves its TARE_EACH loop early");
    fails_with("breaks_at_the_end_of_with", "it leaves its TARE_EACH loop early");
    fails_with("wrong_on_a_thread_of_its_own", "tare_require(data != NULL) in ");
    fails_with("wrong_on_one_thread/threads:3", "tare_require(b->thread != 1) in ");
    fails_with("one_thread_leaves/threads:4", "it leaves its TARE_EACH loop early");
    what_was_said_is_there();
    a_forked_child_is_silent();
    bad_jobs_are_refused();
    return finish();
}
