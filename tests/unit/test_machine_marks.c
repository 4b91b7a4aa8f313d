/* SPDX-License-Identifier: MIT */
/* Marks of record/block.h, on machines that the test makes out of files, and on this one. */
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/block.h"

#define CPU "/sys/devices/system/cpu/"

static char root[64]; /* a new one for each test */

/* What stands in it already is overwritten in its place, as the kernel's files change. */
static void put(const char *name, const char *text)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/tare-marks-XXXXXX");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *position)
{
    (void)status;
    (void)type;
    (void)position;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void near(double value, double expected)
{
    assert_true(fabs(value - expected) <= 1e-9 * fabs(expected));
}

static void an_empty_machine_is_unknown_throughout(void **state)
{
    (void)state;
    struct tare_machine_mark mark;
    struct tare_machine_marks *marks = tare_machine_marks_new(root);
    assert_non_null(marks);
    tare_machine_mark(marks, &mark);
    assert_true(mark.now_ns > 0);
    assert_true(isnan(mark.steal_ns));
    assert_true(isnan(mark.pressure_ns));
    assert_true(isnan(mark.throttled_ns));
    assert_true(isnan(mark.frequency_hz));
    tare_machine_marks_free(marks);
    tare_machine_marks_free(NULL);
}

static void put_groups(const char *stat)
{
    put("/proc/self/mountinfo", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    put("/proc/self/cgroup", "0::/user/job\n");
    put("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io\n");
    put("/sys/fs/cgroup/user/cpu.max", "50000 100000\n");
    put("/sys/fs/cgroup/user/cpu.stat", stat);
    put("/sys/fs/cgroup/user/job/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/user/job/cpu.stat", "throttled_usec 999\n");
}

static void files_are_read_again_at_each_mark(void **state)
{
    (void)state;
    double tick_ns = 1e9 / (double)sysconf(_SC_CLK_TCK);
    put("/proc/stat", "cpu  1 2 3 4 5 6 7 80 9 10\ncpu0 1 2 3 4 5 6 7 40 9 10\n");
    put("/proc/pressure/cpu", "some avg10=0.12 avg60=0.10 avg300=0.00 total=123456\nfull avg10=0 total=7\n");
    put_groups("usage_usec 10\nnr_periods 1\nnr_throttled 3\nthrottled_usec 4500\n");
    put(CPU "cpu0/cpufreq/scaling_cur_freq", "2000000\n");
    put(CPU "cpu1/cpufreq/scaling_cur_freq", "3000000\n");
    put(CPU "cpu2/online", "0\n"); /* and no frequency */
    struct tare_machine_mark mark, later;
    struct tare_machine_marks *marks = tare_machine_marks_new(root);
    assert_non_null(marks);
    tare_machine_mark(marks, &mark);
    near(mark.steal_ns, 80 * tick_ns);
    near(mark.pressure_ns, 123456e3);
    near(mark.throttled_ns, 4500e3); /* of the group whose quota it is */
    near(mark.frequency_hz, 2.5e9);

    put("/proc/stat", "cpu  1 2 3 4 5 6 7 81 9 10\n");
    put("/proc/pressure/cpu", "some avg10=0.12 avg60=0.10 avg300=0.00 total=123457\n");
    put_groups("throttled_usec 4501\n");
    put(CPU "cpu1/cpufreq/scaling_cur_freq", "");
    tare_machine_mark(marks, &later);
    assert_true(later.now_ns >= mark.now_ns);
    near(later.steal_ns - mark.steal_ns, tick_ns);
    near(later.pressure_ns - mark.pressure_ns, 1e3);
    near(later.throttled_ns - mark.throttled_ns, 1e3);
    near(later.frequency_hz, 2e9);
    tare_machine_marks_free(marks);
}

static void the_older_kind_of_group_counts_in_nanoseconds(void **state)
{
    (void)state;
    put("/proc/self/mountinfo", "31 1 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n");
    put("/proc/self/cgroup", "4:cpu,cpuacct:/job\n");
    put("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "50000\n");
    put("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu/job/cpu.stat", "nr_periods 5\nnr_throttled 2\nthrottled_time 777\n");
    struct tare_machine_mark mark;
    struct tare_machine_marks *marks = tare_machine_marks_new(root);
    tare_machine_mark(marks, &mark);
    near(mark.throttled_ns, 777);
    tare_machine_marks_free(marks);

    /* Without a quota there is nothing to be throttled by. */
    put("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
    marks = tare_machine_marks_new(root);
    tare_machine_mark(marks, &mark);
    assert_true(mark.throttled_ns == 0);
    tare_machine_marks_free(marks);
}

static void of_many_processors_some_are_asked(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        char name[128];
        snprintf(name, sizeof(name), CPU "cpu%u/cpufreq/scaling_cur_freq", i);
        put(name, "1500000\n");
    }
    struct tare_machine_mark mark;
    struct tare_machine_marks *marks = tare_machine_marks_new(root);
    tare_machine_mark(marks, &mark);
    near(mark.frequency_hz, 1.5e9);
    tare_machine_marks_free(marks);
}

static void what_makes_no_sense_is_unknown(void **state)
{
    (void)state;
    static const char *const stats[] = {"", "cpu", "cpu  1 2 3\n", "cpux 1 2 3 4 5 6 7 8\n",
                                        "cpu  a b c d e f g h\n"};
    static const char *const pressures[] = {"", "full total=5\n", "some avg10=0 total=\n",
                                            "some avg10=0\nfull total=5\n", "some subtotal=5\n"};
    for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
        put("/proc/stat", stats[i]);
        put("/proc/pressure/cpu", pressures[i]);
        put_groups("nothing_usec 4\n");
        put(CPU "cpu0/cpufreq/scaling_cur_freq", "<unknown>\n");
        struct tare_machine_mark mark;
        struct tare_machine_marks *marks = tare_machine_marks_new(root);
        tare_machine_mark(marks, &mark);
        assert_true(isnan(mark.steal_ns));
        assert_true(isnan(mark.pressure_ns));
        assert_true(isnan(mark.throttled_ns));
        assert_true(isnan(mark.frequency_hz));
        tare_machine_marks_free(marks);
    }
}

static void on_this_machine_nothing_runs_backwards(void **state)
{
    (void)state;
    struct tare_machine_mark mark, later;
    struct tare_machine_marks *marks = tare_machine_marks_new("");
    tare_machine_mark(marks, &mark);
    tare_machine_mark(marks, &later);
    assert_true(later.now_ns >= mark.now_ns);
    assert_true(isnan(mark.steal_ns) ? isnan(later.steal_ns) : later.steal_ns >= mark.steal_ns);
    assert_true(isnan(mark.pressure_ns) ? isnan(later.pressure_ns) : later.pressure_ns >= mark.pressure_ns);
    assert_true(isnan(mark.throttled_ns) ? isnan(later.throttled_ns) : later.throttled_ns >= mark.throttled_ns);
    assert_true(isnan(mark.frequency_hz) || mark.frequency_hz > 1e6);
    tare_machine_marks_free(marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_machine_is_unknown_throughout, make_root, remove_root),
        cmocka_unit_test_setup_teardown(files_are_read_again_at_each_mark, make_root, remove_root),
        cmocka_unit_test_setup_teardown(the_older_kind_of_group_counts_in_nanoseconds, make_root, remove_root),
        cmocka_unit_test_setup_teardown(of_many_processors_some_are_asked, make_root, remove_root),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_unknown, make_root, remove_root),
        cmocka_unit_test(on_this_machine_nothing_runs_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
