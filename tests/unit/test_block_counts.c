/* SPDX-License-Identifier: MIT */
/*
 * What a block can count of a program: system calls, which must come out exactly, and the counters of
 * perf_event_open(2), with the kernel's own in the place of the hardware's, which not every machine has. The
 * programs are this one again, with a part to play.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if __has_include(<linux/perf_event.h>)
#include <linux/perf_event.h>
#define HAVE_PERF 1
#else
#define HAVE_PERF 0
#endif

#if __has_include(<linux/seccomp.h>)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#define HAVE_SECCOMP 1
#else
#define HAVE_SECCOMP 0
#endif

#include <cmocka.h>

#include "record/block.h"
#include "record/hardware_count.h"

enum { CALLS = 1000, THREADS = 4, MANY_THREADS = 64 };

/* ---- the parts ---- */

static void make_calls(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        syscall(SYS_getppid);
    }
}

static void *thread_calls(void *count)
{
    make_calls(*(unsigned *)count);
    return NULL;
}

static int await(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static int in_child(unsigned count)
{
    pid_t pid = fork();
    if (pid == 0) {
        make_calls(count);
        _exit(0);
    }
    return await(pid);
}

static int in_program(const char *with)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execl("/proc/self/exe", "counts", "calls", with, (char *)NULL);
        _exit(99);
    }
    return await(pid);
}

static int in_threads(unsigned count)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, thread_calls, &count) != 0) {
            return 98;
        }
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}

static void *exec_in_thread(void *with)
{
    execl("/proc/self/exe", "counts", "calls", (const char *)with, (char *)NULL);
    _exit(97);
}

static void no_notice(int number)
{
    (void)number;
}

static int with_signals(unsigned count)
{
    signal(SIGUSR1, no_notice);
    for (unsigned i = 0; i < 10; i++) {
        raise(SIGUSR1);
    }
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGSTOP);
        make_calls(count);
        _exit(0);
    }
    int status;
    if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status)) {
        return 96;
    }
    kill(pid, SIGCONT);
    return await(pid);
}

/* A child that lives on, in a session of its own, where it is let go. */
static int leave_daemon(void)
{
    int ends[2];
    char byte = 0;
    if (pipe(ends) != 0) {
        return 95;
    }
    if (fork() == 0) {
        setsid();
        alarm(5);
        close(STDOUT_FILENO); /* or who reads ours would wait for it */
        close(STDERR_FILENO);
        byte = write(ends[1], "x", 1) == 1;
        pause();
        _exit(byte);
    }
    return read(ends[0], &byte, 1) == 1 ? 0 : 94;
}

static void *calls_for_ever(void *unused)
{
    (void)unused;
    for (;;) {
        syscall(SYS_getppid);
    }
    return NULL;
}

/* Threads that make one call after the other; `in_child`: of a child that is left behind. */
static int busy_threads(bool in_child)
{
    int ends[2];
    char byte = 0;
    if (in_child && (pipe(ends) != 0 || fork() != 0)) {
        return read(ends[0], &byte, 1) == 1 ? 0 : 92;
    }
    for (size_t i = 0; i < MANY_THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, calls_for_ever, NULL) != 0) {
            return 91;
        }
        if (in_child && i == 3 && write(ends[1], "x", 1) != 1) {
            return 90;
        }
    }
    for (;;) {
        pause();
    }
}

/* A child of the group that ends when it is told to, but not at once: being told ends its parent. */
static int slow_child(void)
{
    if (fork() == 0) {
        sigset_t set;
        int number;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, NULL);
        sigwait(&set, &number);
        make_calls(100);
        _exit(0);
    }
    for (;;) {
        pause();
    }
}

static int play(const char *part, const char *with)
{
    unsigned count = (unsigned)atoi(with);
    pthread_t thread;
    if (strcmp(part, "calls") == 0) {
        make_calls(count);
    } else if (strcmp(part, "child") == 0) {
        return in_child(count);
    } else if (strcmp(part, "program") == 0) {
        return in_program(with);
    } else if (strcmp(part, "threads") == 0) {
        return in_threads(count);
    } else if (strcmp(part, "exec-in-thread") == 0) {
        if (pthread_create(&thread, NULL, exec_in_thread, (void *)(uintptr_t)with) == 0) {
            pause();
        }
        return 93;
    } else if (strcmp(part, "signals") == 0) {
        return with_signals(count);
    } else if (strcmp(part, "daemon") == 0) {
        make_calls(count);
        return leave_daemon();
    } else if (strcmp(part, "busy") == 0) {
        return busy_threads(false);
    } else if (strcmp(part, "busy-child") == 0) {
        return busy_threads(true);
    } else if (strcmp(part, "slow-child") == 0) {
        return slow_child();
    } else if (strcmp(part, "hang") == 0) {
        signal(SIGTERM, SIG_IGN);
        in_child(count);
        for (;;) {
            pause();
        }
    }
    return 0;
}

/* ---- the tests ---- */

/* Looking for leaks, which AddressSanitizer does at the end, takes ptrace for itself. */
static const char *const without_leaks[] = {"ASAN_OPTIONS=detect_leaks=0", NULL};

static struct tare_block_outcome run_part(const char *part, unsigned count, double timeout_s)
{
    static char self[] = "/proc/self/exe";
    char with[16];
    snprintf(with, sizeof(with), "%u", count);
    char *const argv[] = {self, (char *)(uintptr_t)part, with, NULL};
    const struct tare_block_request request = {
        .path = self,
        .argv = argv,
        .set = without_leaks,
        .lines_fd = -1,
        .pin_cpu = -1,
        .timeout_s = timeout_s,
        .output = TARE_BLOCK_INHERIT,
        .errors = TARE_BLOCK_INHERIT,
        .count_syscalls = true,
    };
    struct tare_block_outcome outcome;
    bool not_started;
    assert_int_equal(tare_block_run(&request, &outcome, &not_started), 0);
    tare_block_release(&outcome);
    return outcome;
}

/* So many calls more than without; skipped where the kernel lets nobody trace. */
static double counted(const char *part)
{
    struct tare_block_outcome none = run_part(part, 0, 30), some = run_part(part, CALLS, 30);
    assert_int_equal(none.end, TARE_END_EXITED);
    assert_int_equal(none.code, 0);
    assert_int_equal(some.end, TARE_END_EXITED);
    assert_int_equal(some.code, 0);
    assert_int_equal(isnan(none.syscalls), isnan(some.syscalls));
    if (isnan(none.syscalls)) {
        print_message("skipped: ptrace is not allowed here\n");
        skip();
    }
    assert_true(none.syscalls > 0);
    return some.syscalls - none.syscalls;
}

static double of_sanitizer; /* how many calls more or less a sanitizer may make from one run to the next */

/* Not more than `slack` off. */
static void makes_calls(const char *part, double expected, double slack)
{
    double calls = counted(part);
    if (!(fabs(calls - expected) <= slack + of_sanitizer)) {
        fail_msg("%s: %.0f calls, not %.0f", part, calls, expected);
    }
}

static void calls_are_counted_exactly(void **state)
{
    (void)state;
    makes_calls("calls", CALLS, 0);
}

static void those_of_children_and_of_their_programs_are_among_them(void **state)
{
    (void)state;
    makes_calls("child", CALLS, 0);
    makes_calls("program", CALLS, 0);
}

/* Whether a thread has to wait for another one in the kernel is chance. */
static void those_of_threads_are_among_them(void **state)
{
    (void)state;
    makes_calls("threads", THREADS * CALLS, 100);
    makes_calls("exec-in-thread", CALLS, 100);
}

static void signals_and_stops_do_what_they_do_otherwise(void **state)
{
    (void)state;
    makes_calls("signals", CALLS, 0);
}

static void a_child_that_lives_on_is_let_go(void **state)
{
    (void)state;
    makes_calls("daemon", CALLS, 10); /* it may have come to its pause, or not */
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    assert_int_equal(errno, ECHILD);
}

/* As in many containers: then it runs all the same, and what cannot be counted is unknown. */
static void what_is_forbidden_is_unknown(void **state)
{
    (void)state;
#if HAVE_SECCOMP
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sock_filter filter[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 1, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
            _exit(77);
        }
        static char self[] = "/proc/self/exe", part[] = "calls", with[] = "10";
        char *const argv[] = {self, part, with, NULL};
        const struct tare_block_request request = {
            .path = self,
            .argv = argv,
            .set = without_leaks,
            .lines_fd = -1,
            .pin_cpu = -1,
            .timeout_s = 30,
            .count_syscalls = true,
            .count_hardware = true,
        };
        struct tare_block_outcome outcome;
        bool not_started;
        int error = tare_block_run(&request, &outcome, &not_started);
        bool right =
            error == 0 && outcome.end == TARE_END_EXITED && outcome.code == 0 && isnan(outcome.syscalls);
        for (size_t i = 0; i < sizeof(outcome.hardware) / sizeof(outcome.hardware[0]); i++) {
            right = right && isnan(outcome.hardware[i]);
        }
        tare_block_release(&outcome);
        _exit(right ? 0 : 1);
    }
    int code = await(pid);
    if (code == 77) {
        print_message("skipped: no seccomp filters here\n");
        skip();
    }
    assert_int_equal(code, 0);
#else
    print_message("skipped: no seccomp filters here\n");
    skip();
#endif
}

static void a_time_limit_holds(void **state)
{
    (void)state;
    struct tare_block_outcome outcome = run_part("hang", 10, 0.5);
    assert_int_equal(outcome.end, TARE_END_TIMEOUT);
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    assert_int_equal(errno, ECHILD);
}

/* With much room: what it guards against is a loop that never comes back. */
static void comes_back_soon(const char *part, enum tare_end end, bool leaves)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    struct tare_block_outcome outcome = run_part(part, 0, 1);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_int_equal(outcome.end, end);
    assert_int_equal(outcome.left_children, leaves);
    assert_true(after.tv_sec - before.tv_sec < 20);
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    assert_int_equal(errno, ECHILD);
}

static void a_time_limit_holds_for_many_busy_threads(void **state)
{
    (void)state;
    alarm(40); /* which is not among the signals that a block takes */
    comes_back_soon("busy", TARE_END_TIMEOUT, false);
    comes_back_soon("busy-child", TARE_END_EXITED, true);
    alarm(0);
}

/* Traced, it can take SIGTERM, and end, only as long as its stops are looked at. */
static void children_that_end_when_told_are_let_end(void **state)
{
    (void)state;
    comes_back_soon("slow-child", TARE_END_TIMEOUT, false);
}

static void shared_counters_are_scaled(void **state)
{
    (void)state;
    assert_true(tare__hardware_scale(1000, 500, 500) == 1000);
    assert_true(tare__hardware_scale(1000, 500, 250) == 2000);
    assert_true(tare__hardware_scale(0, 500, 500) == 0);
    assert_true(isnan(tare__hardware_scale(0, 500, 0)));
    assert_true(isnan(tare__hardware_scale(0, 0, 0)));
}

/* Page faults and processor time, which the kernel counts, of a child that touches memory after its exec. */
static void counters_follow_a_program_and_its_children(void **state)
{
    (void)state;
#if HAVE_PERF
    static const struct tare__hardware_event events[] = {
        {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
        {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
        {PERF_TYPE_SOFTWARE, UINT64_C(1) << 40}, /* there is none */
    };
    int hold[2];
    char byte;
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(hold[1]);
        if (read(hold[0], &byte, 1) == 1) {
            execl("/proc/self/exe", "counts", "program", "10", (char *)NULL);
        }
        _exit(99);
    }
    struct tare__hardware hardware;
    double counts[TARE__HARDWARE_MAX];
    tare__hardware_open(&hardware, pid, events, sizeof(events) / sizeof(events[0]));
    bool opened = hardware.fds[0] >= 0;
    assert_int_equal(write(hold[1], "x", 1), 1);
    close(hold[0]);
    close(hold[1]);
    assert_int_equal(await(pid), 0);
    tare__hardware_finish(&hardware, counts);
    assert_true(isnan(counts[2]));
    for (size_t i = 3; i < TARE__HARDWARE_MAX; i++) {
        assert_true(isnan(counts[i]));
        assert_int_equal(hardware.fds[i], -1);
    }
    if (!opened) {
        print_message("skipped: perf_event_open gives nothing here\n");
        skip();
    }
    assert_true(counts[0] > 0);
    assert_true(counts[1] > 10);
#else
    skip();
#endif
}

static void without_hardware_to_count_with_it_is_unknown_or_right(void **state)
{
    (void)state;
    static char self[] = "/proc/self/exe", part[] = "calls", with[] = "10";
    char *const argv[] = {self, part, with, NULL};
    const struct tare_block_request request = {
        .path = self, .argv = argv, .lines_fd = -1, .pin_cpu = -1, .timeout_s = 30, .count_hardware = true};
    struct tare_block_outcome outcome;
    bool not_started;
    assert_int_equal(tare_block_run(&request, &outcome, &not_started), 0);
    assert_int_equal(outcome.code, 0);
    assert_true(isnan(outcome.hardware[TARE_BLOCK_CYCLES]) || outcome.hardware[TARE_BLOCK_CYCLES] > 1000);
    assert_true(isnan(outcome.hardware[TARE_BLOCK_INSTRUCTIONS]) ||
                outcome.hardware[TARE_BLOCK_INSTRUCTIONS] > 1000);
    assert_true(isnan(outcome.hardware[6]) && isnan(outcome.hardware[7]));
    assert_true(isnan(outcome.syscalls));
    tare_block_release(&outcome);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        return play(argv[1], argv[2]);
    }
    if (getenv("TARE_EMULATOR") != NULL) {
        puts("skipped: starts programs, which an emulated program cannot");
        return 77;
    }
    /*
     * ThreadSanitizer has a thread of its own that makes calls at any time. AddressSanitizer reads /proc/self/maps,
     * in a call more or less by where the pages of the program came to lie: at fixed addresses in as many each time.
     */
    const char *sanitizer = getenv("TARE_SANITIZER");
    if (sanitizer != NULL && strcmp(sanitizer, "tsan") == 0) {
        of_sanitizer = 100;
    } else if (sanitizer != NULL && personality(ADDR_NO_RANDOMIZE) == -1) {
        of_sanitizer = 10;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_counted_exactly),
        cmocka_unit_test(those_of_children_and_of_their_programs_are_among_them),
        cmocka_unit_test(those_of_threads_are_among_them),
        cmocka_unit_test(signals_and_stops_do_what_they_do_otherwise),
        cmocka_unit_test(a_child_that_lives_on_is_let_go),
        cmocka_unit_test(what_is_forbidden_is_unknown),
        cmocka_unit_test(a_time_limit_holds),
        cmocka_unit_test(a_time_limit_holds_for_many_busy_threads),
        cmocka_unit_test(children_that_end_when_told_are_let_end),
        cmocka_unit_test(shared_counters_are_scaled),
        cmocka_unit_test(counters_follow_a_program_and_its_children),
        cmocka_unit_test(without_hardware_to_count_with_it_is_unknown_or_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
