/* SPDX-License-Identifier: MIT */
/*
 * Beginning and ending a scope leaves errno as it was: at a thread's first scope, too, which asks the system
 * for things; where a thread finds no room in the page; in a child after fork; and in a thread's last
 * destructors.
 */
#include <limits.h>
#include <pthread.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(call);

enum { MARK = 12345 };

static void check_scope(int line)
{
    errno = MARK;
    {
        TARE_SCOPE(call);
        if (errno != MARK) {
            note_failure(__FILE__, line, "errno was changed by the begin of a scope");
        }
        errno = MARK + 1;
    }
    if (errno != MARK + 1) {
        note_failure(__FILE__, line, "errno was changed by the end of a scope");
    }
    errno = MARK;
    tare_span span = TARE_BEGIN(call);
    TARE_BYTES(span, 1);
    TARE_DROP(span);
    if (errno != MARK) {
        note_failure(__FILE__, line, "errno was changed by a span");
    }
}

static pthread_key_t key;

static void at_end(void *rounds)
{
    check_scope(__LINE__);
    if (rounds != (void *)1) {
        pthread_setspecific(key, (char *)rounds - 1); /* once more, in the next round of destructors */
    }
}

static pthread_barrier_t meet;

static void *run(void *held)
{
    check_scope(__LINE__);
    check_scope(__LINE__);
    if (held != NULL) {
        pthread_barrier_wait(&meet);
    }
    /* All rounds that there are; ThreadSanitizer lets go of the thread before the last one. */
    pthread_setspecific(key, (void *)(uintptr_t)(SANITIZED ? 2 : PTHREAD_DESTRUCTOR_ITERATIONS));
    return NULL;
}

/*
 * Four threads in a page with two blocks; before them some in turn, the blocks of which are taken from the
 * dead.
 */
static int be_crowded(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        MUST(pthread_create(&threads[0], NULL, run, NULL) == 0);
        pthread_join(threads[0], NULL);
    }
    pthread_barrier_init(&meet, NULL, 4);
    for (int i = 0; i < 4; i++) {
        MUST(pthread_create(&threads[i], NULL, run, &meet) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    return failed_checks != 0;
}

static int status_of_child(pid_t pid)
{
    int status = -1;
    MUST(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status;
}

/* In a process whose page lies in a file, of which the descriptor is gone. */
static int be_without_descriptor(void)
{
    closefrom(3);
    check_scope(__LINE__);
    check_scope(__LINE__);
    return failed_checks != 0;
}

int main(int argc, char **argv)
{
    MUST(pthread_key_create(&key, at_end) == 0);
    if (argc > 1) {
        return strcmp(argv[1], "crowded") == 0 ? be_crowded() : be_without_descriptor();
    }
    begin_case("disabled");
    check_scope(__LINE__);
    begin_case("a process's first scopes");
    tare_enable("*");
    check_scope(__LINE__);
    check_scope(__LINE__);
    begin_case("a thread's first scopes, and those in its destructors");
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, run, NULL) == 0);
    pthread_join(thread, NULL);
    begin_case("a child's first scopes");
    errno = MARK;
    pid_t pid = fork();
    if (pid == 0) {
        CHECK_EQ(errno, MARK);
        check_scope(__LINE__);
        _exit(failed_checks != 0);
    }
    CHECK_EQ(status_of_child(pid), 0);
    begin_case("no room in the page");
    CHECK_EQ(run_self("crowded", ENVIRONMENT("TARE_THREADS=2", "TARE_ENABLE=*"), NULL), 0);
    begin_case("a page in a file, whose descriptor the program has closed");
    CHECK_EQ(run_self("without", ENVIRONMENT(text("TARE_PAGE=%s", scratch("page")), "TARE_ENABLE=*"), NULL), 0);
    return finish();
}
