/* SPDX-License-Identifier: MIT */
/*
 * record/environment.h on roots that the test makes, well-formed, hostile and empty, and on the real machine;
 * and what git says of work trees that it makes, or a program that only calls itself git.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/clean.h"
#include "record/environment.h"
#include "record/git.h"

extern char **environ;

static char root[64]; /* a new one for each test */

static char *below(char path[4096], const char *name)
{
    snprintf(path, 4096, "%s%s", root, name);
    return path;
}

/* Makes the directories of `path`, behind the root. */
static void make_directories(char *path)
{
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
}

static void put_bytes(const char *name, const void *bytes, size_t size, mode_t mode)
{
    char path[4096];
    make_directories(below(path, name));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text), 0600);
}

static struct tare_environment read_root(void)
{
    struct tare_environment env;
    assert_int_equal(tare_environment_read_at(&env, root, NULL), 0);
    return env;
}

static void test_an_x86_machine(void **state)
{
    (void)state;
    put("/proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: X\nmodel\t\t: 17\nmodel name\t: A Fine CPU @ 3.00GHz  \n\n"
        "processor\t: 1\nmodel name\t: Another\n");
    put("/sys/devices/system/cpu/online", "0-3,6\n");
    put("/proc/meminfo", "MemTotal:        1024 kB\nMemFree:          12 kB\n");
    put("/etc/os-release", "NAME=x\nPRETTY_NAME=\"An \\\"OS\\\" 1\" \nID=x\n");
    put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    struct tare_environment env = read_root();
    struct utsname names;
    assert_int_equal(uname(&names), 0);
    assert_string_equal(env.host, names.nodename);
    assert_string_equal(env.machine, names.machine);
    assert_string_equal(env.kernel, names.release);
    assert_string_equal(env.cpu_model, "A Fine CPU @ 3.00GHz");
    assert_int_equal(env.cpu_count, 5);
    assert_true(env.memory_bytes == 1024 * 1024);
    assert_string_equal(env.os, "An \"OS\" 1");
    assert_string_equal(env.clocksource, "tsc");
    assert_string_equal(env.governor, "performance");
    assert_null(env.commit);
    assert_int_equal(env.commit_dirty, -1);
    tare_environment_release(&env);
    assert_null(env.host);
    assert_true(isnan(env.memory_bytes));
}

static void check_model(const char *cpuinfo, const char *expected)
{
    put("/proc/cpuinfo", cpuinfo);
    struct tare_environment env = read_root();
    if (expected == NULL) {
        assert_null(env.cpu_model);
    } else {
        assert_non_null(env.cpu_model);
        assert_string_equal(env.cpu_model, expected);
    }
    tare_environment_release(&env);
}

static void test_aarch64_models(void **state)
{
    (void)state;
    static const char known[] =
        "processor\t: 0\nCPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n";
    check_model(known, "Neoverse-N1");
    check_model("CPU implementer\t: 0x99\nCPU part\t: 0x00a\n", "implementer 0x99 part 0x00a");
    check_model("CPU implementer\t: 0x41\nCPU part\t: 0xd05\n\nCPU implementer\t: 0x41\nCPU part\t: 0xd05\n\n"
                "CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n",
                "Cortex-A55 + Cortex-A76");
    check_model("CPU implementer\t: 0x41\n\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n", "Cortex-A76");
    check_model("CPU implementer\t: 0x41\n", NULL);
    check_model("CPU implementer\t: what\nCPU part\t: 0xd0b\n", NULL);
    check_model("CPU implementer\t: 0x1000000041\nCPU part\t: 0xd0b\n", NULL);
    check_model("nothing of use\n", NULL);
    check_model("model name\t:   \n", NULL);
    check_model("", NULL);
}

static void test_nothing_there(void **state)
{
    (void)state;
    struct tare_environment env = read_root();
    assert_null(env.cpu_model);
    assert_int_equal(env.cpu_count, 0);
    assert_true(isnan(env.memory_bytes));
    assert_null(env.os);
    assert_null(env.clocksource);
    assert_null(env.governor);
    tare_environment_release(&env);
}

static void test_hostile_files(void **state)
{
    (void)state;
    char path[4096];
    size_t size = 1 << 20;
    char *long_line = malloc(size);
    assert_non_null(long_line);
    memset(long_line, 'x', size);
    memcpy(long_line, "model name\t: ", 13);
    put_bytes("/proc/cpuinfo", long_line, size, 0600);
    free(long_line);
    put("/proc/meminfo", "MemTotal: 99999999999999999999999999 MB\n");
    put("/etc/os-release", "PRETTY_NAME=\"\033[2J\377\302\233gr\303\274n\n");
    make_directories(below(path, "/sys/devices/system/cpu/cpu0/cpufreq/x"));
    assert_int_equal(mkdir(below(path, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), 0700), 0);
    make_directories(below(path, "/sys/devices/system/clocksource/clocksource0/x"));
    assert_int_equal(
        mkfifo(below(path, "/sys/devices/system/clocksource/clocksource0/current_clocksource"), 0600), 0);
    struct tare_environment env = read_root();
    assert_non_null(env.cpu_model);
    assert_true(strlen(env.cpu_model) <= 256);
    assert_true(isnan(env.memory_bytes));
    assert_string_equal(env.os, "?[2J???gr\303\274n");
    assert_null(env.governor);
    assert_null(env.clocksource);
    tare_environment_release(&env);
}

static void test_lists_of_processors(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        uint32_t count;
    } cases[] = {
        {"0\n", 1},
        {"0-1", 2},
        {"0-3,8-11\n", 8},
        {"\n", 0},
        {"3-1\n", 0},
        {"0-\n", 0},
        {"-1\n", 0},
        {"0,\n", 0},
        {"0 1\n", 0},
        {"0-99999999999999999999\n", 0},
        {"0-4294967295\n", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put("/sys/devices/system/cpu/online", cases[i].list);
        struct tare_environment env = read_root();
        assert_int_equal(env.cpu_count, cases[i].count);
        tare_environment_release(&env);
    }
}

static void test_this_machine(void **state)
{
    (void)state;
    struct tare_environment env;
    assert_int_equal(tare_environment_read(&env, NULL), 0);
    assert_non_null(env.host);
    assert_true(env.cpu_count >= 1);
    assert_true(env.memory_bytes > 1024 * 1024);
    assert_non_null(env.libc);
#ifdef __GLIBC__
    assert_true(strncmp(env.libc, "glibc 2.", 8) == 0);
#endif
#if defined(__x86_64__)
    assert_non_null(env.virtualization);
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[8192];
    int flag = -1; /* what the kernel says of the same bit */
    while (file != NULL && flag < 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "flags", 5) == 0) {
            flag = strstr(line, " hypervisor ") != NULL || strstr(line, " hypervisor\n") != NULL;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    if (flag >= 0) {
        assert_int_equal(strcmp(env.virtualization, "none") != 0, flag);
    }
#endif
    tare_environment_release(&env);
}

/* Runs a program in the root, quietly. */
static int run(char *const argv[])
{
    pid_t pid;
    int status;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, root);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    int failed = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        return 127;
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#define RUN(...) run((char *const[]){__VA_ARGS__, NULL})
#define WORD(text) ((char[]){text})

static void test_git_work_tree(void **state)
{
    (void)state;
    char *commit;
    int dirty;
    if (RUN(WORD("git"), WORD("init"), WORD("-q")) != 0) {
        print_message("skipped: no git, or none that makes a repository here\n");
        skip();
    }
    assert_int_equal(tare__git_head(root, 20000, &commit, &dirty), 0); /* no commit yet */
    assert_null(commit);
    assert_int_equal(dirty, -1);
    put("/file", "one\n");
    assert_int_equal(RUN(WORD("git"), WORD("add"), WORD("file")), 0);
    assert_int_equal(RUN(WORD("git"), WORD("-c"), WORD("user.name=n"), WORD("-c"),
                         WORD("user.email=n@example.org"), WORD("-c"), WORD("commit.gpgsign=false"),
                         WORD("commit"), WORD("-q"), WORD("-m"), WORD("x")),
                     0);
    put("/untracked", "x\n");
    setenv("GIT_DIR", "/nonexistent", 1); /* as in a hook of another repository */
    assert_int_equal(tare__git_head(root, 20000, &commit, &dirty), 0);
    assert_non_null(commit);
    assert_true(strlen(commit) == 40 || strlen(commit) == 64);
    assert_int_equal(strspn(commit, "0123456789abcdef"), strlen(commit));
    assert_int_equal(dirty, 0);
    free(commit);
    put("/file", "other content\n");
    assert_int_equal(tare__git_head(root, 20000, &commit, &dirty), 0);
    assert_int_equal(dirty, 1);
    free(commit);
    unsetenv("GIT_DIR");
}

/* Runs tare__git_head with a script as git. */
static void with_fake_git(const char *script, int limit_ms, char **commit, int *dirty)
{
    char *saved = strdup(getenv("PATH") != NULL ? getenv("PATH") : "/bin:/usr/bin");
    char path[8192];
    assert_non_null(saved);
    put_bytes("/bin/git", script, strlen(script), 0700);
    snprintf(path, sizeof path, "%s/bin:%s", root, saved);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_int_equal(tare__git_head("/", limit_ms, commit, dirty), 0);
    assert_int_equal(setenv("PATH", saved, 1), 0);
    free(saved);
}

#define FORTY "0123456789012345678901234567890123456789"

static void test_git_that_is_odd(void **state)
{
    (void)state;
    char *commit;
    int dirty;
    with_fake_git("#!/bin/sh\necho nothing to see\n", 20000, &commit, &dirty);
    assert_null(commit);
    with_fake_git("#!/bin/sh\necho " FORTY "\nexit 1\n", 20000, &commit, &dirty);
    assert_null(commit);
    with_fake_git("#!/bin/sh\nyes\n", 50, &commit, &dirty); /* without end */
    assert_null(commit);
    with_fake_git("#!/bin/sh\ncase $3 in rev-parse) echo " FORTY ";; *) exit 1;; esac\n", 20000, &commit,
                  &dirty);
    assert_non_null(commit);
    assert_string_equal(commit, FORTY);
    assert_int_equal(dirty, -1);
    free(commit);
    with_fake_git("#!/bin/sh\ncase $3 in rev-parse) echo " FORTY
                  ";; *) [ \"$GIT_OPTIONAL_LOCKS\" = 0 ] || echo no;; esac\n",
                  20000, &commit, &dirty);
    assert_int_equal(dirty, 0);
    free(commit);
}

static void test_git_that_hangs(void **state)
{
    (void)state;
    char *commit;
    int dirty;
    struct timespec before;
    struct timespec after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    with_fake_git("#!/bin/sh\nsleep 600\n", 50, &commit, &dirty);
    with_fake_git("#!/bin/sh\nexec >&-\nsleep 600\n", 50, &commit, &dirty); /* its output ends, it does not */
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_null(commit);
    assert_int_equal(dirty, -1);
    assert_true(after.tv_sec - before.tv_sec < 60);
}

static void test_no_git(void **state)
{
    (void)state;
    char *commit;
    int dirty;
    char *saved = strdup(getenv("PATH") != NULL ? getenv("PATH") : "/bin:/usr/bin");
    assert_non_null(saved);
    assert_int_equal(setenv("PATH", root, 1), 0);
    assert_int_equal(tare__git_head("/", 20000, &commit, &dirty), 0);
    assert_int_equal(setenv("PATH", saved, 1), 0);
    free(saved);
    assert_null(commit);
    assert_int_equal(dirty, -1);
}

static void test_clean_text(void **state)
{
    (void)state;
    static const struct {
        const char *dirty;
        const char *clean;
    } cases[] = {
        {"plain text", "plain text"},
        {"tab\there\n", "tab?here?"},
        {"\302\265s \342\202\254 \360\237\230\200", "\302\265s \342\202\254 \360\237\230\200"},
        {"\300\200", "??"},           /* an overlong NUL */
        {"\355\240\200", "???"},      /* half a surrogate pair */
        {"\364\220\200\200", "????"}, /* above U+10FFFF */
        {"cut \342\202", "cut ??"},   /* the end within a sequence */
        {"\302\233[2J", "??[2J"},     /* a control sequence in one character */
        {"\177", "?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", cases[i].dirty);
        tare__clean_text(text);
        assert_string_equal(text, cases[i].clean);
    }
}

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/tare-test-root-XXXXXX");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_x86_machine), TEST(test_aarch64_models), TEST(test_nothing_there),
        TEST(test_hostile_files),  TEST(test_this_machine),   TEST(test_lists_of_processors),
        TEST(test_git_work_tree),  TEST(test_no_git),         TEST(test_git_that_is_odd),
        TEST(test_git_that_hangs), TEST(test_clean_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
