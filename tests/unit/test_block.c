/* SPDX-License-Identifier: MIT */
/*
 * record/block.h: one process, however it behaves. The programs are this one again, with a part to play
 * (block_parts.h): what they do is known, and no shell is in between.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/block.h"
#include "tests/unit/block_parts.h"

static const struct timespec moment = {.tv_nsec = 2000000};

static void no_notice(int signal_number)
{
    (void)signal_number;
}

struct played {
    struct tare_block_outcome outcome;
    int error;
    bool not_started;
};

static struct tare_block_request request_for(char *argv[4], const char *part, const char *with)
{
    static char self[] = "/proc/self/exe";
    argv[0] = self;
    argv[1] = (char *)(uintptr_t)part;
    argv[2] = (char *)(uintptr_t)with;
    argv[3] = NULL;
    return (struct tare_block_request){
        .path = self,
        .argv = argv,
        .output = TARE_BLOCK_CAPTURE,
        .errors = TARE_BLOCK_CAPTURE,
        .lines_fd = BLOCK_LINES,
        .pin_cpu = -1,
        .timeout_s = 30,
    };
}

static struct played run(const struct tare_block_request *request)
{
    struct played played;
    played.error = tare_block_run(request, &played.outcome, &played.not_started);
    return played;
}

static struct played run_part(const char *part, const char *with)
{
    char *argv[4];
    struct tare_block_request request = request_for(argv, part, with);
    return run(&request);
}

/* Whether it has ended, or will within 10 s; a zombie has. */
static bool ends(pid_t pid)
{
    for (int i = 0; i < 5000; i++) {
        char name[64], text[512] = "";
        snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
        FILE *file = fopen(name, "re");
        char *got = file != NULL ? fgets(text, sizeof(text), file) : NULL;
        char *close = strrchr(text, ')');
        if (file != NULL) {
            fclose(file);
        }
        if (got == NULL || (close != NULL && close[2] == 'Z')) {
            return true;
        }
        nanosleep(&moment, NULL);
    }
    return false;
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static void nothing_is_left(size_t descriptors_before)
{
    assert_int_equal(count_descriptors(), descriptors_before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void its_end_is_told(void **state)
{
    (void)state;
    struct played played = run_part("end", "7");
    assert_int_equal(played.error, 0);
    assert_int_equal(played.outcome.end, TARE_END_EXITED);
    assert_int_equal(played.outcome.code, 7);
    assert_int_equal(played.outcome.interrupted, 0);
    assert_false(played.outcome.left_children);
    assert_string_equal(played.outcome.text, "");
    assert_string_equal(played.outcome.output, "");
    assert_true(isnan(played.outcome.syscalls));
    tare_block_release(&played.outcome);

    played = run_part("die", "9");
    assert_int_equal(played.error, 0);
    assert_int_equal(played.outcome.end, TARE_END_SIGNALED);
    assert_int_equal(played.outcome.code, SIGKILL);
    tare_block_release(&played.outcome);
}

static void what_cannot_be_started_is_told_apart(void **state)
{
    (void)state;
    char *argv[4];
    struct tare_block_request request = request_for(argv, "end", "0");
    request.path = "/nonexistent/program";
    struct played played = run(&request);
    assert_int_equal(played.error, -ENOENT);
    assert_true(played.not_started);
    tare_block_release(&played.outcome);

    request.path = "/proc/self";
    played = run(&request);
    assert_int_equal(played.error, -EACCES);
    assert_true(played.not_started);
    tare_block_release(&played.outcome);

    request.path = argv[0];
    request.input = "/nonexistent/input";
    played = run(&request);
    assert_int_equal(played.error, -ENOENT);
    assert_false(played.not_started);
    tare_block_release(&played.outcome);

    request.input = NULL;
    request.pin_cpu = 1023; /* on no machine that runs this */
    played = run(&request);
    assert_int_equal(played.error, -EINVAL);
    assert_false(played.not_started);
    tare_block_release(&played.outcome);

    request.pin_cpu = -1;
    request.lines_fd = 1;
    played = run(&request);
    assert_int_equal(played.error, -EINVAL);
    assert_false(played.not_started);
    tare_block_release(&played.outcome);

    request.lines_fd = BLOCK_LINES;
    request.preload = "/a path/with blanks.so";
    played = run(&request);
    assert_int_equal(played.error, -EINVAL);
    tare_block_release(&played.outcome);

    request.preload = NULL;
    request.padding = 200000; /* more than the kernel takes in one variable */
    played = run(&request);
    assert_int_equal(played.error, -E2BIG);
    assert_true(played.not_started);
    tare_block_release(&played.outcome);
}

static void what_it_tells_and_prints_is_kept_apart(void **state)
{
    (void)state;
    struct played played = run_part("tell", "sample 1 2\nend\n");
    assert_int_equal(played.error, 0);
    assert_string_equal(played.outcome.text, "sample 1 2\nend\n");
    assert_int_equal(played.outcome.text_size, 15);
    assert_false(played.outcome.text_cut);
    assert_int_equal(played.outcome.output_size, 0);
    tare_block_release(&played.outcome);

    played = run_part("print", "more");
    assert_string_equal(played.outcome.output, "out err more");
    assert_int_equal(played.outcome.output_size, 12);
    assert_string_equal(played.outcome.text, "");
    tare_block_release(&played.outcome);
}

static void a_flood_is_taken_and_cut(void **state)
{
    (void)state;
    struct played played = run_part("flood", "1");
    assert_int_equal(played.outcome.end, TARE_END_EXITED);
    assert_int_equal(played.outcome.code, 0);
    assert_int_equal(played.outcome.output_size, BLOCK_FLOOD);
    assert_int_equal(strlen(played.outcome.output), TARE_BLOCK_OUTPUT_MAX);
    tare_block_release(&played.outcome);

    played = run_part("flood", "9");
    assert_int_equal(played.outcome.code, 0);
    assert_int_equal(played.outcome.text_size, TARE_BLOCK_TEXT_MAX);
    assert_int_equal(strlen(played.outcome.text), TARE_BLOCK_TEXT_MAX);
    assert_true(played.outcome.text_cut);
    tare_block_release(&played.outcome);

    char *argv[4];
    struct tare_block_request request = request_for(argv, "flood", "2");
    request.errors = TARE_BLOCK_NULL;
    played = run(&request);
    assert_int_equal(played.outcome.code, 0);
    assert_int_equal(played.outcome.output_size, 0);
    tare_block_release(&played.outcome);
}

static void closed_descriptors_are_no_end(void **state)
{
    (void)state;
    struct played played = run_part("close-all", "");
    assert_int_equal(played.outcome.end, TARE_END_EXITED);
    assert_int_equal(played.outcome.code, 3);
    assert_true(played.outcome.wall_ns >= 50e6);
    tare_block_release(&played.outcome);
}

static void children_left_behind_are_ended_and_told(void **state)
{
    (void)state;
    struct played played = run_part("leave", "group");
    assert_int_equal(played.outcome.end, TARE_END_EXITED);
    assert_true(played.outcome.left_children);
    assert_string_equal(played.outcome.output, "last words");
    /* It may have been killed before it could say its number. */
    pid_t left = (pid_t)atoi(played.outcome.text);
    assert_true(left == 0 || ends(left));
    tare_block_release(&played.outcome);
}

static void who_leaves_for_another_session_is_not_waited_for(void **state)
{
    (void)state;
    char *argv[4];
    struct tare_block_request request = request_for(argv, "leave", "session");
    struct played played = run(&request);
    assert_int_equal(played.outcome.end, TARE_END_EXITED);
    assert_false(played.outcome.left_children);
    assert_string_equal(played.outcome.output, "last words");
    pid_t left = (pid_t)atoi(played.outcome.text);
    if (left > 0) {
        kill(left, SIGKILL);
    }
    tare_block_release(&played.outcome);
}

static void a_time_limit_ends_all_of_it(void **state)
{
    (void)state;
    static const struct {
        const char *how;
        int signal;
        double limit_s;
    } cases[] = {{"", SIGTERM, 0.2}, {"deaf", SIGKILL, 0.2}, {"stopped", SIGTERM, 0.2}, {"family", SIGTERM, 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *argv[4];
        struct tare_block_request request = request_for(argv, "hang", cases[i].how);
        request.timeout_s = cases[i].limit_s;
        signal(SIGTERM, strcmp(cases[i].how, "deaf") == 0 ? SIG_IGN : SIG_DFL);
        struct played played = run(&request);
        signal(SIGTERM, SIG_DFL);
        assert_int_equal(played.error, 0);
        assert_int_equal(played.outcome.end, TARE_END_TIMEOUT);
        assert_int_equal(played.outcome.code, cases[i].signal);
        assert_true(played.outcome.wall_ns >= cases[i].limit_s * 1e9);
        if (strcmp(cases[i].how, "family") == 0) {
            pid_t left = (pid_t)atoi(played.outcome.text);
            assert_true(left > 0 && ends(left));
        }
        tare_block_release(&played.outcome);
    }
}

static volatile sig_atomic_t handled;

static void handle(int signal_number)
{
    (void)signal_number;
    handled++;
}

static void signals_that_end_us_end_it_and_are_told(void **state)
{
    (void)state;
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action = {.sa_handler = handle}, before, after;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char number[16];
        snprintf(number, sizeof(number), "%d", numbers[i]);
        handled = 0;
        sigaction(numbers[i], &action, &before);
        struct played played = run_part("signal-parent", number);
        assert_int_equal(played.error, 0);
        assert_int_equal(played.outcome.interrupted, numbers[i]);
        assert_int_equal(played.outcome.end, TARE_END_SIGNALED);
        assert_int_equal(played.outcome.code, SIGTERM);
        tare_block_release(&played.outcome);
        assert_int_equal(handled, 0);

        /* Also the one that comes with the end itself. */
        played = run_part("signal-parent-and-end", number);
        assert_int_equal(played.outcome.interrupted, numbers[i]);
        tare_block_release(&played.outcome);
        assert_int_equal(handled, 0);

        raise(numbers[i]);
        assert_int_equal(handled, 1);
        sigaction(numbers[i], &before, &after);
        assert_ptr_equal(after.sa_handler, handle);
    }
}

static void ignored_signals_stay_ignored(void **state)
{
    (void)state;
    signal(SIGHUP, SIG_IGN);
    struct played played = run_part("signal-parent-and-end", "1");
    assert_int_equal(played.outcome.interrupted, 0);
    assert_int_equal(played.outcome.code, 0);
    tare_block_release(&played.outcome);
    played = run_part("signals", "");
    char expected[64];
    snprintf(expected, sizeof(expected), "blocked:\nignored: %d %d %d", SIGHUP, SIGTTIN, SIGTTOU);
    assert_string_equal(played.outcome.text, expected);
    tare_block_release(&played.outcome);
    signal(SIGHUP, SIG_DFL);
}

static void the_program_gets_signals_as_we_had_them(void **state)
{
    (void)state;
    sigset_t mask, before, after;
    signal(SIGUSR1, no_notice);
    signal(SIGINT, no_notice);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigaddset(&mask, SIGTERM); /* what is to stop the program gets through to it all the same */
    sigprocmask(SIG_BLOCK, &mask, &before);
    struct played played = run_part("signals", "");
    char expected[64];
    snprintf(expected, sizeof(expected), "blocked: %d\nignored: %d %d", SIGUSR2, SIGTTIN, SIGTTOU);
    assert_string_equal(played.outcome.text, expected);
    tare_block_release(&played.outcome);
    sigprocmask(SIG_SETMASK, &before, &after);
    assert_int_equal(sigismember(&after, SIGUSR2), 1);
    assert_int_equal(sigismember(&after, SIGTERM), 1);
    assert_int_equal(sigismember(&after, SIGINT), 0);
    assert_int_equal(sigismember(&after, SIGCHLD), 0);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGINT, SIG_DFL);
}

static void signals_of_other_children_are_handed_on(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = handle}, before;
    sigaction(SIGCHLD, &action, &before);
    handled = 0;
    pid_t other = fork();
    assert_true(other >= 0);
    if (other == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        _exit(5);
    }
    struct played played = run_part("sleep", "0.4");
    assert_int_equal(played.outcome.end, TARE_END_EXITED);
    tare_block_release(&played.outcome);
    int status;
    assert_int_equal(waitpid(other, &status, 0), other); /* it is still ours to wait for */
    assert_int_equal(WEXITSTATUS(status), 5);
    assert_true(handled >= 1);

    /* Ignored, the kernel would reap the program before we see how it ended. */
    signal(SIGCHLD, SIG_IGN);
    played = run_part("end", "4");
    assert_int_equal(played.outcome.end, TARE_END_EXITED);
    assert_int_equal(played.outcome.code, 4);
    tare_block_release(&played.outcome);
    sigaction(SIGCHLD, &before, &action);
    assert_ptr_equal(action.sa_handler, SIG_IGN);
}

/* In a process of its own, which the test stops and continues as a terminal's Ctrl-Z and `fg` do. */
static void a_pause_of_ours_is_one_of_the_program(void **state)
{
    (void)state;
    int to_test[2];
    assert_int_equal(pipe2(to_test, O_CLOEXEC), 0);
    pid_t driver = fork();
    assert_true(driver >= 0);
    if (driver == 0) {
        setpgid(0, 0);
        alarm(50);
        struct played played = run_part("stop-parent", "");
        char result =
            played.outcome.paused && played.outcome.end == TARE_END_EXITED && played.error == 0 ? 'y' : 'n';
        _exit(write(to_test[1], &result, 1) == 1 ? 0 : 1);
    }
    char result = '?';
    int status;
    assert_int_equal(waitpid(driver, &status, WUNTRACED), driver);
    assert_true(WIFSTOPPED(status));
    kill(driver, SIGCONT);
    assert_int_equal(read(to_test[0], &result, 1), 1);
    assert_int_equal(waitpid(driver, &status, 0), driver);
    close(to_test[0]);
    close(to_test[1]);
    assert_int_equal(result, 'y');
}

/* A process with a terminal of its own in front of it; what it returns is its exit code. */
static int on_terminal(int (*drive)(void), int *terminal, pid_t *driver)
{
    *terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*terminal < 0 || grantpt(*terminal) != 0 || unlockpt(*terminal) != 0) {
        return -1;
    }
    const char *name = ptsname(*terminal);
    *driver = fork();
    if (*driver == 0) {
        alarm(50);
        setsid();
        _exit(open(name, O_RDWR) >= 0 ? drive() : 2); /* the first terminal that it opens is its own */
    }
    return 0;
}

/* Until all of `text` has come to the terminal. */
static bool shows(int terminal, const char *text)
{
    char seen[256] = "";
    size_t used = 0;
    while (strstr(seen, text) == NULL && used < sizeof(seen) - 1) {
        if (read(terminal, seen + used, 1) != 1) { /* what follows is for the next time */
            return false;
        }
        seen[++used] = '\0';
    }
    return strstr(seen, text) != NULL;
}

static int drive_on_terminal(void)
{
    struct played played = run_part("terminal", "writing");
    bool right = played.error == 0 && played.outcome.end == TARE_END_EXITED &&
                 played.outcome.interrupted == 0 && strcmp(played.outcome.text, "refused") == 0;
    tare_block_release(&played.outcome);
    if (!right) {
        return 1;
    }
    played = run_part("terminal", "hanging");
    right = played.error == 0 && played.outcome.end == TARE_END_SIGNALED && played.outcome.code == SIGTERM &&
            played.outcome.interrupted == SIGINT;
    tare_block_release(&played.outcome);
    return right ? 0 : 3;
}

static void the_terminal_is_ours(void **state)
{
    (void)state;
    int terminal, status;
    pid_t driver = -1;
    if (on_terminal(drive_on_terminal, &terminal, &driver) != 0) {
        print_message("skipped: no pseudo terminals here\n");
        skip();
    }
    assert_true(driver > 0);
    assert_true(shows(terminal, "writing"));
    assert_true(shows(terminal, "hanging"));
    assert_int_equal(write(terminal, "\003", 1), 1); /* Ctrl-C */
    assert_int_equal(waitpid(driver, &status, 0), driver);
    close(terminal);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void it_does_not_outlive_us(void **state)
{
    (void)state;
    int ends_of_pipe[2], status;
    char fd[16], text[32] = "";
    assert_int_equal(pipe(ends_of_pipe), 0); /* which the program inherits */
    snprintf(fd, sizeof(fd), "%d", ends_of_pipe[1]);
    pid_t driver = fork();
    assert_true(driver >= 0);
    if (driver == 0) {
        alarm(50);
        run_part("hang-for", fd);
        _exit(1);
    }
    assert_true(read(ends_of_pipe[0], text, sizeof(text) - 1) > 0);
    kill(driver, SIGKILL);
    assert_int_equal(waitpid(driver, &status, 0), driver);
    assert_true(atoi(text) > 0 && ends((pid_t)atoi(text)));
    close(ends_of_pipe[0]);
    close(ends_of_pipe[1]);
}

static void its_environment_is_ours_with_changes(void **state)
{
    (void)state;
    char *argv[4];
    setenv("TARE_TEST_A", "ours", 1);
    setenv("TARE_TEST_B", "kept", 1);
    const char *const set[] = {"TARE_TEST_A=changed", "TARE_TEST_C=added", NULL};
    struct tare_block_request request = request_for(argv, "variable", "");
    request.set = set;
    static const char *const expected[][2] = {{"TARE_TEST_A", "changed"},
                                              {"TARE_TEST_B", "kept"},
                                              {"TARE_TEST_C", "added"},
                                              {"TARE_BENCH_PAD", "(none)"}};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        argv[2] = (char *)(uintptr_t)expected[i][0];
        struct played played = run(&request);
        assert_string_equal(played.outcome.text, expected[i][1]);
        tare_block_release(&played.outcome);
    }
    argv[2] = (char *)(uintptr_t) "TARE_BENCH_PAD";
    request.padding = 1000;
    struct played played = run(&request);
    assert_int_equal(strspn(played.outcome.text, "x"), 1000);
    assert_int_equal(played.outcome.text_size, 1000);
    tare_block_release(&played.outcome);
    unsetenv("TARE_TEST_A");
    unsetenv("TARE_TEST_B");
}

/* The dynamic linker only complains of libraries that are not there, to standard error. */
static void a_library_comes_before_those_that_are_preloaded(void **state)
{
    (void)state;
    char *argv[4];
    if (getenv("LD_PRELOAD") != NULL) {
        skip();
    }
    struct tare_block_request request = request_for(argv, "variable", "LD_PRELOAD");
    request.preload = "/nonexistent/first.so";
    struct played played = run(&request);
    assert_string_equal(played.outcome.text, "/nonexistent/first.so");
    tare_block_release(&played.outcome);
    const char *const set[] = {"LD_PRELOAD=/nonexistent/second.so", NULL};
    request.set = set;
    played = run(&request);
    assert_string_equal(played.outcome.text, "/nonexistent/first.so:/nonexistent/second.so");
    tare_block_release(&played.outcome);
}

static void its_input_is_a_file_or_nothing(void **state)
{
    (void)state;
    char *argv[4], name[] = "/tmp/tare-block-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "from a file", 11), 11);
    close(fd);
    struct tare_block_request request = request_for(argv, "input", "");
    struct played played = run(&request);
    assert_string_equal(played.outcome.text, "(end)");
    tare_block_release(&played.outcome);
    request.input = name;
    for (int i = 0; i < 2; i++) { /* each from the beginning */
        played = run(&request);
        assert_string_equal(played.outcome.text, "from a file");
        tare_block_release(&played.outcome);
    }
    unlink(name);

    /* Opening a pipe that nobody writes to would wait for ever. */
    size_t descriptors = count_descriptors();
    assert_int_equal(mkfifo(name, 0600), 0);
    alarm(20);
    played = run(&request);
    alarm(0);
    unlink(name);
    assert_int_equal(played.error, -ESPIPE);
    assert_false(played.not_started);
    tare_block_release(&played.outcome);
    request.input = "/";
    played = run(&request);
    assert_int_equal(played.error, -EISDIR);
    assert_false(played.not_started);
    tare_block_release(&played.outcome);
    nothing_is_left(descriptors);

    request.input = "/dev/null";
    played = run(&request);
    assert_int_equal(played.error, 0);
    assert_string_equal(played.outcome.text, "(end)");
    tare_block_release(&played.outcome);
}

static void it_runs_where_it_is_told_to_in_a_group_of_its_own(void **state)
{
    (void)state;
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    int last = -1;
    for (int i = 0; i < CPU_SETSIZE; i++) {
        last = CPU_ISSET((size_t)i, &set) ? i : last;
    }
    char *argv[4], number[16];
    snprintf(number, sizeof(number), "%d", last);
    struct tare_block_request request = request_for(argv, "processors", number);
    request.pin_cpu = last;
    struct played played = run(&request);
    assert_string_equal(played.outcome.text, "1 processors, that one");
    tare_block_release(&played.outcome);
    played = run_part("group", "");
    assert_string_equal(played.outcome.text, "own");
    tare_block_release(&played.outcome);
}

/* Whichever number its pipe gets there, and whichever of ours are taken. */
static void it_has_the_descriptors_it_is_to_have(void **state)
{
    (void)state;
    int taken[8];
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        taken[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        struct played played = run_part("descriptors", "");
        /* Those without O_CLOEXEC that the test itself was started with are inherited. */
        assert_non_null(strstr(played.outcome.text, "0 1 2 "));
        assert_non_null(strstr(played.outcome.text, "9 "));
        tare_block_release(&played.outcome);
    }
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        close(taken[i]);
    }
    pid_t bare = fork();
    assert_true(bare >= 0);
    if (bare == 0) {
        for (int fd = 0; fd < 100; fd++) {
            close(fd);
        }
        struct played played = run_part("descriptors", "");
        bool right = played.error == 0 && strcmp(played.outcome.text, "0 1 2 9 ") == 0;
        tare_block_release(&played.outcome);
        played = run_part("print", "more");
        right = right && strcmp(played.outcome.output, "out err more") == 0;
        tare_block_release(&played.outcome);
        _exit(right ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(bare, &status, 0), bare);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void what_it_used_is_told(void **state)
{
    (void)state;
    struct played played = run_part("work", "0.1");
    assert_true(played.outcome.user_ns + played.outcome.system_ns >= 90e6);
    assert_true(played.outcome.wall_ns >= 90e6);
    assert_true(played.outcome.minor_faults > 0);
    assert_true(isnan(played.outcome.wait_ns) || played.outcome.wait_ns >= 0);
    assert_true(isnan(played.outcome.max_rss_bytes) || played.outcome.max_rss_bytes > 0);
    tare_block_release(&played.outcome);
    played = run_part("sleep", "0.1");
    assert_true(played.outcome.wall_ns >= 100e6);
    assert_true(played.outcome.voluntary >= 1);
    tare_block_release(&played.outcome);
}

static void nothing_is_left_behind(void **state)
{
    (void)state;
    static const char *const parts[][2] = {
        {"end", "0"}, {"die", "9"}, {"tell", "text"}, {"print", "text"}, {"leave", "group"}};
    size_t before = count_descriptors(), kinds = sizeof(parts) / sizeof(parts[0]);
    for (size_t i = 0; i < 200; i++) {
        char *argv[4];
        struct tare_block_request request = request_for(argv, parts[i % kinds][0], parts[i % kinds][1]);
        request.count_syscalls = i % 7 == 0;
        request.count_hardware = i % 11 == 0;
        request.padding = i % 64;
        struct played played = run(&request);
        assert_int_equal(played.error, 0);
        tare_block_release(&played.outcome);
        request.path = i % 3 == 0 ? "/nonexistent/program" : argv[0];
        request.pin_cpu = i % 3 == 1 ? 1023 : -1;
        request.input = i % 3 == 2 ? "/nonexistent/input" : NULL;
        played = run(&request);
        assert_true(played.error < 0);
        tare_block_release(&played.outcome);
    }
    nothing_is_left(before);
}

/* With few descriptors left, each of the steps that take one fails in its turn. */
static void without_descriptors_it_fails_and_leaves_nothing(void **state)
{
    (void)state;
    pid_t poor = fork();
    assert_true(poor >= 0);
    if (poor == 0) {
        enum { LIMIT = 40 };
        const struct rlimit limit = {.rlim_cur = LIMIT, .rlim_max = LIMIT};
        size_t failed = 0;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            _exit(2);
        }
        for (unsigned room = 0; room < 16; room++) {
            int spare[LIMIT];
            size_t count = 0;
            while ((spare[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
                count++;
            }
            for (unsigned i = 0; i < room && count > 0; i++) {
                close(spare[--count]);
            }
            char *argv[4];
            struct tare_block_request request = request_for(argv, "end", "6");
            struct played played = run(&request);
            failed += played.error == -EMFILE;
            bool fine = played.error == 0 && played.outcome.code == 6;
            tare_block_release(&played.outcome);
            if (played.error != -EMFILE && !fine) {
                _exit(3);
            }
            if (waitpid(-1, NULL, WNOHANG) != -1) {
                _exit(4);
            }
            while (count > 0) {
                close(spare[--count]);
            }
        }
        _exit(failed >= 4 && failed < 16 ? 0 : 5);
    }
    int status;
    assert_int_equal(waitpid(poor, &status, 0), poor);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        return block_part_play(argv[1], argv[2]);
    }
    if (getenv("TARE_EMULATOR") != NULL) {
        puts("skipped: starts programs, which an emulated program cannot");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_end_is_told),
        cmocka_unit_test(what_cannot_be_started_is_told_apart),
        cmocka_unit_test(what_it_tells_and_prints_is_kept_apart),
        cmocka_unit_test(a_flood_is_taken_and_cut),
        cmocka_unit_test(closed_descriptors_are_no_end),
        cmocka_unit_test(children_left_behind_are_ended_and_told),
        cmocka_unit_test(who_leaves_for_another_session_is_not_waited_for),
        cmocka_unit_test(a_time_limit_ends_all_of_it),
        cmocka_unit_test(signals_that_end_us_end_it_and_are_told),
        cmocka_unit_test(ignored_signals_stay_ignored),
        cmocka_unit_test(the_program_gets_signals_as_we_had_them),
        cmocka_unit_test(signals_of_other_children_are_handed_on),
        cmocka_unit_test(a_pause_of_ours_is_one_of_the_program),
        cmocka_unit_test(the_terminal_is_ours),
        cmocka_unit_test(it_does_not_outlive_us),
        cmocka_unit_test(its_environment_is_ours_with_changes),
        cmocka_unit_test(a_library_comes_before_those_that_are_preloaded),
        cmocka_unit_test(its_input_is_a_file_or_nothing),
        cmocka_unit_test(it_runs_where_it_is_told_to_in_a_group_of_its_own),
        cmocka_unit_test(it_has_the_descriptors_it_is_to_have),
        cmocka_unit_test(what_it_used_is_told),
        cmocka_unit_test(nothing_is_left_behind),
        cmocka_unit_test(without_descriptors_it_fails_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
