/* SPDX-License-Identifier: MIT */
/*
 * record/build.h and what it is made of: commands and who is left of them, signals, paths, trees, CMake's
 * cache. Whole builds are in tests/behaviour.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "near.h"
#include "record/build.h"
#include "record/cmake_cache.h"
#include "record/folders.h"
#include "record/monotonic.h"

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/tare-test-build-XXXXXX");
    return mkdtemp(folder) == NULL || chdir(folder) != 0 || setenv("TMPDIR", folder, 1) != 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    unsetenv("TMPDIR");
    return chdir("/") != 0 || tare__tree_remove(folder) != 0 ? -1 : 0;
}

/* Runs a line of sh; what it prints is in `text`. */
static int run_sh(const char *line, char *text, size_t size, const struct tare_build_watch *watch,
                  double timeout_s, int *interrupted)
{
    int fd = memfd_create("out", MFD_CLOEXEC);
    const struct tare__command command = {
        .argv = (const char *const[]){"sh", "-c", line, NULL},
        .set = (const char *const[]){"GIVEN=as given", NULL},
        .output = fd,
        .errors = fd,
        .timeout_s = timeout_s,
        .what = "testing",
        .watch = watch,
    };
    int result = tare__command_run(&command, interrupted);
    ssize_t got = pread(fd, text, size - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    close(fd);
    return result;
}

static void test_commands(void **state)
{
    (void)state;
    char text[256];
    int interrupted;
    setenv("GIT_DIR", "/nowhere", 1);
    setenv("MAKELEVEL", "2", 1);
    setenv("MAKEFLAGS", "--jobserver-auth=3,4", 1);
    int result = run_sh("echo \"$GIVEN\"; echo \"$GIT_DIR|$MAKELEVEL|$MAKEFLAGS\" >&2; cat; exit 3", text,
                        sizeof(text), NULL, 0, &interrupted);
    unsetenv("GIT_DIR");
    unsetenv("MAKELEVEL");
    assert_int_equal(result, 3);
    assert_int_equal(interrupted, 0);
    assert_string_equal(text, "as given\n||\n");
    run_sh("echo $MAKEFLAGS", text, sizeof(text), NULL, 0, &interrupted);
    assert_string_equal(text, "--jobserver-auth=3,4\n"); /* what a user sets is his */
    unsetenv("MAKEFLAGS");
    assert_int_equal(run_sh("kill -SEGV $$", text, sizeof(text), NULL, 0, &interrupted), 128 + SIGSEGV);
    assert_int_equal(run_sh("test -t 0 || : >/dev/tty", text, sizeof(text), NULL, 0, &interrupted) != 0, 1);
    const struct tare__command missing = {
        .argv = (const char *const[]){"tare-no-such-program", NULL}, .output = -1, .errors = -1};
    assert_int_equal(tare__command_run(&missing, &interrupted), -ENOENT);
    const struct tare__command nowhere = {
        .argv = (const char *const[]){"true", NULL}, .folder = "missing", .output = -1, .errors = -1};
    assert_int_equal(tare__command_run(&nowhere, &interrupted), -ENOENT);
}

static bool is_running(const char *text)
{
    pid_t pid = (pid_t)atoi(text);
    assert_true(pid > 1);
    char path[64], stat[256] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, stat, sizeof(stat) - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    const char *end = got > 0 ? strrchr(stat, ')') : NULL;
    return end != NULL && end[2] != 'Z' && end[2] != 'X';
}

static void test_nobody_is_left(void **state)
{
    (void)state;
    char text[256];
    int interrupted;
    assert_int_equal(run_sh("sleep 100 & echo $!", text, sizeof(text), NULL, 0, &interrupted), 0);
    assert_false(is_running(text));
    uint64_t began = tare__monotonic_ns();
    assert_int_equal(run_sh("sleep 100 & echo $!; sleep 100", text, sizeof(text), NULL, 0.2, &interrupted),
                     -ETIMEDOUT);
    assert_false(is_running(text));
    assert_true(tare__monotonic_ns() - began < UINT64_C(30000000000));
    /* Who does not heed is killed. */
    assert_int_equal(run_sh("trap '' TERM; sleep 100 & echo $!; sleep 100; sleep 100", text, sizeof(text), NULL,
                            0.2, &interrupted),
                     -ETIMEDOUT);
    assert_false(is_running(text));
}

static unsigned looks;
static char seen[64];

static void count_looks(void *data, const char *what, double elapsed_s)
{
    (void)data;
    looks++;
    snprintf(seen, sizeof(seen), "%s", what);
    assert_true(elapsed_s >= 0);
}

static void interrupt(void *data, const char *what, double elapsed_s)
{
    (void)what;
    (void)elapsed_s;
    if (looks++ == 2) { /* when it has begun */
        kill(getpid(), *(int *)data);
    }
}

static void test_who_waits_is_told(void **state)
{
    (void)state;
    char text[64];
    int interrupted;
    const struct tare_build_watch watch = {.progress = count_looks};
    looks = 0;
    assert_int_equal(run_sh("sleep 0.35", text, sizeof(text), &watch, 0, &interrupted), 0);
    assert_true(looks >= 2);
    assert_string_equal(seen, "testing");
}

static void test_signals_stop_it(void **state)
{
    (void)state;
    char text[256];
    int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT}, interrupted;
    for (size_t i = 0; i < COUNT(signals); i++) {
        const struct tare_build_watch watch = {.progress = interrupt, .data = &signals[i]};
        struct sigaction before, standard = {.sa_handler = SIG_DFL};
        sigaction(signals[i], &standard, &before);
        looks = 0;
        assert_int_equal(run_sh("sleep 100 & echo $!; sleep 100", text, sizeof(text), &watch, 0, &interrupted),
                         -EINTR);
        assert_int_equal(interrupted, signals[i]);
        assert_false(is_running(text));
        sigset_t pending;
        assert_int_equal(sigpending(&pending), 0);
        assert_false(sigismember(&pending, signals[i]));
        sigaction(signals[i], &before, NULL);
    }
}

static volatile sig_atomic_t delivered;

static void deliver(int signal)
{
    delivered = signal;
}

/* Cleaning up goes on, and the signal is there when it is done. */
static void test_signals_wait_for_cleaning_up(void **state)
{
    (void)state;
    int number = SIGTERM, interrupted;
    const struct tare_build_watch watch = {.progress = interrupt, .data = &number};
    struct sigaction before, ours = {.sa_handler = deliver};
    const struct tare__command command = {
        .argv = (const char *const[]){"sh", "-c", "sleep 0.3; touch done", NULL},
        .output = -1,
        .errors = -1,
        .deaf = true,
        .what = "cleaning up",
        .watch = &watch,
    };
    sigaction(SIGTERM, &ours, &before);
    looks = 0;
    delivered = 0;
    assert_int_equal(tare__command_run(&command, &interrupted), 0);
    assert_int_equal(interrupted, 0);
    assert_int_equal(access("done", F_OK), 0);
    assert_int_equal(delivered, SIGTERM);
    sigset_t mask;
    tare__signals_block(&mask);
    kill(getpid(), SIGTERM);
    assert_int_equal(tare__signals_unblock(&mask), SIGTERM);
    assert_int_equal(tare__signals_unblock(&mask), 0);
    sigaction(SIGTERM, &before, NULL);
}

static void test_what_a_failing_build_said(void **state)
{
    (void)state;
    struct tare_build_trouble trouble = {0};
    struct tare__shell shell = {
        .command = "i=0; while [ $i -lt 500 ]; do i=$((i + 1)); echo line $i; done; printf "
                   "'a\\033[31m\\tb\\n\\n'; exit 2",
        .folder = folder,
        .what = "building",
    };
    assert_int_equal(tare__shell_run(&shell, &trouble), -ECHILD);
    assert_non_null(strstr(trouble.message, "failed in '/tmp/tare-test-build-"));
    assert_non_null(strstr(trouble.message, ": exit code 2"));
    assert_null(strchr(trouble.message, '\n'));
    assert_true(strncmp(trouble.output, "line 482\n", 9) == 0);
    assert_non_null(strstr(trouble.output, "line 500\na?[31m b\n"));
    struct stat status;
    assert_int_equal(stat(trouble.log, &status), 0);
    assert_true(status.st_size > 4000);
    assert_int_equal(unlink(trouble.log), 0);
    shell.command = "no-such-command-of-tare";
    assert_int_equal(tare__shell_run(&shell, &trouble), -ECHILD);
    assert_non_null(strstr(trouble.message, "exit code 127 (a command was not found)"));
    unlink(trouble.log);
    tare_build_trouble_release(&trouble);
    shell.command = "echo fine";
    assert_int_equal(tare__shell_run(&shell, &trouble), 0);
    assert_null(trouble.message);
    assert_null(trouble.log);
    assert_int_equal(tare__tree_remove(folder), 0); /* nothing else is in it: rmdir would have done */
    assert_int_equal(mkdir(folder, 0700), 0);
}

static void test_words_for_sh(void **state)
{
    (void)state;
    static const char *const words[] = {"plain/word-1.c",  "",     " ",     "it's", "'",  "a'b'c",
                                        "$x `y` \"z\" \\", "a\nb", "~root", "*",    "-n", "#x",
                                        "caf\xc3\xa9"};
    for (size_t i = 0; i < COUNT(words); i++) {
        char text[64], expected[64], *word = tare__shell_word(words[i]);
        char *line = tare__text("printf '[%%s]' %s", word);
        int interrupted;
        assert_int_equal(run_sh(line, text, sizeof(text), NULL, 0, &interrupted), 0);
        snprintf(expected, sizeof(expected), "[%s]", words[i]);
        assert_string_equal(text, expected);
        free(line);
        free(word);
    }
    char *plain = tare__shell_word("build/a.c");
    assert_string_equal(plain, "build/a.c");
    free(plain);
}

static void test_paths(void **state)
{
    (void)state;
    assert_string_equal(tare__path_below("/a/b/c", "/a"), "b/c");
    assert_string_equal(tare__path_below("/a", "/a"), "");
    assert_string_equal(tare__path_below("/a/b", "/"), "a/b");
    assert_null(tare__path_below("/ab", "/a"));
    assert_null(tare__path_below("/a", "/a/b"));
    char *place, expected[128];
    assert_int_equal(mkdir("real", 0700), 0);
    assert_int_equal(symlink("real", "link"), 0);
    assert_int_equal(symlink("nowhere", "real/name"), 0);
    assert_int_equal(tare__path_place("link/name", &place), 0);
    snprintf(expected, sizeof(expected), "%s/real/name", folder);
    assert_string_equal(place, expected);
    free(place);
    assert_int_equal(tare__path_place("missing/name", &place), -ENOENT);
    assert_int_equal(tare__path_place("real/", &place), -EISDIR);
    assert_int_equal(tare__path_place("real/..", &place), -EISDIR);
    assert_int_equal(tare__path_place("", &place), -ENOENT);
    assert_int_equal(tare__path_place("/", &place), -EISDIR);
    assert_int_equal(tare__path_place("/none", &place), 0);
    assert_string_equal(place, "/none");
    free(place);
}

static void test_trees(void **state)
{
    (void)state;
    assert_int_equal(mkdir("kept", 0700), 0);
    assert_int_equal(close(open("kept/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
    assert_int_equal(tare__folders_make("tree/a/b/c"), 0);
    assert_int_equal(tare__folders_make("tree/a/b/c"), 0);
    assert_int_equal(tare__folders_make("kept/file/x"), -ENOTDIR);
    assert_int_equal(symlink("../../kept", "tree/a/link"), 0);
    assert_int_equal(symlink("nowhere", "tree/a/b/dangling"), 0);
    assert_int_equal(close(open("tree/a/b/c/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0400)), 0);
    assert_int_equal(chmod("tree/a/b/c", 0500), 0);
    assert_int_equal(chmod("tree/a/b", 0000), 0);
    assert_int_equal(tare__tree_remove("tree"), 0);
    assert_int_equal(access("tree", F_OK), -1);
    assert_int_equal(access("kept/file", F_OK), 0);
    assert_int_equal(tare__tree_remove("tree"), 0);
}

static void test_scratch_folder(void **state)
{
    (void)state;
    char *place;
    assert_int_equal(tare__scratch_place(true, &place), 0);
    assert_string_equal(place, folder);
    free(place);
    setenv("TMPDIR", "/tare/none", 1);
    assert_int_equal(tare__scratch_place(true, &place), -ENOENT);
    assert_string_equal(place, "/tare/none"); /* for the message: no other one is taken silently */
    free(place);
}

static void test_a_cache_of_cmake(void **state)
{
    (void)state;
    static const char text[] =
        "# comment\n//Doc\nA:STRING=one two\nB:BOOL=ON\r\nC:INTERNAL=x\nD:PATH=/w/a;/w/b\n"
        "E:STRING=' kept '\nF:FILEPATH=F-NOTFOUND\nno equals\nG=no type\nH:UNINITIALIZED=\n"
        "\"I:J\":STRING=x\nK:STATIC=x\nL:STRING=]=] ]==]\nM:STRING=a]=";
    struct tare__cmake_cache cache;
    assert_int_equal(tare__cmake_cache_parse(&cache, text), 0);
    assert_string_equal(tare__cmake_cache_get(&cache, "A"), "one two");
    assert_string_equal(tare__cmake_cache_get(&cache, "B"), "ON");
    assert_string_equal(tare__cmake_cache_get(&cache, "C"), "x");
    assert_string_equal(tare__cmake_cache_get(&cache, "E"), " kept ");
    assert_string_equal(tare__cmake_cache_get(&cache, "H"), "");
    assert_null(tare__cmake_cache_get(&cache, "G"));
    assert_null(tare__cmake_cache_get(&cache, "\"I"));
    const struct tare__move moves[] = {{"/w", "/elsewhere", true}};
    assert_int_equal(tare__cmake_cache_write(&cache, "script", moves, 1), 0);
    char written[1024] = "";
    FILE *file = fopen("script", "r");
    assert_non_null(file);
    size_t got = fread(written, 1, sizeof(written) - 1, file);
    fclose(file);
    written[got] = '\0';
    assert_string_equal(written, "set(A [=[one two]=] CACHE STRING \"\")\n"
                                 "set(B [=[ON]=] CACHE BOOL \"\")\n"
                                 "set(D [=[/elsewhere/a;/elsewhere/b]=] CACHE PATH \"\")\n"
                                 "set(E [=[ kept ]=] CACHE STRING \"\")\n"
                                 "set(H [=[]=] CACHE UNINITIALIZED \"\")\n"
                                 "set(L [===[]=] ]==]]===] CACHE STRING \"\")\n"
                                 "set(M [==[a]=]==] CACHE STRING \"\")\n");
    assert_int_equal(tare__cmake_cache_write(&cache, "script", moves, 1), -EEXIST);
    tare__cmake_cache_release(&cache);
}

static void test_paths_of_another_build(void **state)
{
    (void)state;
    const struct tare__move moves[] = {{"/src/build", "/new/out", true}, {"/src", "/new", true}};
    static const struct {
        const char *value, *moved;
        bool path;
    } cases[] = {
        {"/src/a", "/new/a", true},
        {"/src", "/new", true},
        {"/src/build/x", "/new/out/x", true},
        {"/src2/a", "/src2/a", true},
        {"/home/src/a", "/home/src/a", true},
        {"/a b/src;/src/c d", "/a b/src;/new/c d", true},
        {"-I/src/include -L/home/src -DX=/src/y -fa=/b:/src",
         "-I/new/include -L/home/src -DX=/new/y -fa=/b:/new", false},
        {"-I\"/src/a b\" '/src'", "-I\"/new/a b\" '/new'", false},
        {"text about /srcs", "text about /srcs", false},
        {"", "", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *moved = tare__cmake_moved(cases[i].value, cases[i].path, moves, COUNT(moves));
        assert_string_equal(moved, cases[i].moved);
        free(moved);
    }
    /* What is in the work tree alone stays there; what is nowhere goes along. */
    char from[128], to[128], value[512], expected[512];
    assert_int_equal(tare__folders_make("from/built"), 0);
    assert_int_equal(tare__folders_make("from/both"), 0);
    assert_int_equal(tare__folders_make("to/both"), 0);
    snprintf(from, sizeof(from), "%s/from", folder);
    snprintf(to, sizeof(to), "%s/to", folder);
    const struct tare__move careful[] = {{from, to, false}};
    snprintf(value, sizeof(value), "%s/built;%s/both;%s/none", from, from, from);
    snprintf(expected, sizeof(expected), "%s/built;%s/both;%s/none", from, to, to);
    char *moved = tare__cmake_moved(value, true, careful, 1);
    assert_string_equal(moved, expected);
    free(moved);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_commands),
        TEST(test_nobody_is_left),
        TEST(test_who_waits_is_told),
        TEST(test_signals_stop_it),
        TEST(test_signals_wait_for_cleaning_up),
        TEST(test_what_a_failing_build_said),
        TEST(test_words_for_sh),
        TEST(test_paths),
        TEST(test_trees),
        TEST(test_scratch_folder),
        TEST(test_a_cache_of_cmake),
        TEST(test_paths_of_another_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
