/* SPDX-License-Identifier: MIT */
/*
 * record/machine.h, load.h, gaps.h and findings.h: machines that the test makes out of files, well-formed,
 * hostile and empty; what the findings say of them; and what can be measured on the real one.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/files.h"
#include "record/findings.h"

static char root[64]; /* a new one for each test */

static char *below(char path[4096], const char *name)
{
    snprintf(path, 4096, "%s%s", root, name);
    return path;
}

static void put(const char *name, const char *text)
{
    char path[4096];
    below(path, name);
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
    snprintf(root, sizeof root, "/tmp/tare-machine-XXXXXX");
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

#define CPU "/sys/devices/system/cpu/"

static struct tare_machine read_machine(void)
{
    struct tare_machine machine;
    assert_int_equal(tare_machine_read(&machine, root), 0);
    return machine;
}

static void an_empty_machine_is_unknown_throughout(void **state)
{
    (void)state;
    struct tare_machine machine = read_machine();
    assert_string_equal(machine.governors, "");
    assert_string_equal(machine.allowed, "");
    assert_string_equal(machine.huge_pages, "");
    assert_int_equal(machine.online_count, 0);
    assert_int_equal(machine.smt, -1);
    assert_int_equal(machine.turbo, -1);
    assert_int_equal(machine.aslr, -1);
    assert_int_equal(machine.aslr_here, -1);
    assert_int_equal(machine.nmi_watchdog, -1);
    assert_int_equal(machine.perf_event_paranoid, TARE_UNKNOWN);
    assert_int_equal(machine.weaknesses, 0);
    assert_false(machine.isolated_known);
    assert_false(machine.quota.known);
    assert_true(isnan(machine.quota.cpus));
    assert_true(isnan(machine.heat.celsius));
    assert_true(isnan(machine.heat.throttles));
    assert_true(isnan(machine.steal_share));
    tare_machine_release(&machine);
}

static void put_policy(unsigned number, const char *governor)
{
    char name[128];
    snprintf(name, sizeof name, CPU "cpufreq/policy%u/scaling_governor", number);
    put(name, governor);
    snprintf(name, sizeof name, CPU "cpufreq/policy%u/scaling_available_governors", number);
    put(name, "performance powersave\n");
    snprintf(name, sizeof name, CPU "cpufreq/policy%u/scaling_driver", number);
    put(name, "intel_pstate\n");
}

static void settings_are_read(void **state)
{
    (void)state;
    put_policy(0, "powersave\n");
    put_policy(1, "performance\n");
    put_policy(10, "powersave\n");
    put(CPU "intel_pstate/no_turbo", "0\n");
    put(CPU "online", "0-3,8\n");
    put(CPU "isolated", "2-3\n");
    put(CPU "nohz_full", "(null)\n");
    put(CPU "smt/active", "1\n");
    put(CPU "smt/control", "on\n");
    put(CPU "vulnerabilities/meltdown", "Mitigation: PTI\n");
    put(CPU "vulnerabilities/spectre_v2", "Mitigation: Retpolines; STIBP: disabled\n");
    put(CPU "vulnerabilities/l1tf", "Not affected\n");
    put(CPU "vulnerabilities/mds", "Vulnerable: Clear CPU buffers attempted, no microcode\n");
    put("/proc/cmdline", "quiet mitigations=off mitigations=auto,nosmt ro\n");
    put("/proc/self/status", "Name:\tx\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\nMems_allowed_list:\t0\n");
    put("/proc/stat", "cpu  100 0 100 5000 10 0 0 50 0 0\ncpu0 1 1 1 1\n");
    put("/proc/sys/kernel/randomize_va_space", "2\n");
    put("/proc/sys/kernel/perf_event_paranoid", "-1\n");
    put("/proc/sys/kernel/nmi_watchdog", "1\n");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
    put("/sys/devices/system/node/online", "0-1\n");
    struct tare_machine machine = read_machine();
    assert_string_equal(machine.governors, "powersave, performance");
    assert_string_equal(machine.frequency_driver, "intel_pstate");
    assert_true(machine.performance_governor);
    assert_int_equal(machine.turbo, 1);
    assert_true(machine.turbo_inverted);
    assert_int_equal(machine.online_count, 5);
    assert_int_equal(machine.allowed_count, 2);
    assert_string_equal(machine.allowed, "0-1");
    assert_string_equal(machine.isolated, "2-3");
    assert_string_equal(machine.tickless, "");
    assert_int_equal(machine.smt, 1);
    assert_int_equal(machine.weaknesses, 4);
    assert_int_equal(machine.mitigated_count, 2);
    assert_string_equal(machine.mitigated, "meltdown, spectre_v2");
    assert_string_equal(machine.open_to, "mds");
    assert_string_equal(machine.mitigations, "auto,nosmt");
    assert_true(fabs(machine.steal_share - 0.2) < 1e-9);
    assert_int_equal(machine.aslr, 2);
    assert_int_equal(machine.perf_event_paranoid, -1);
    assert_int_equal(machine.nmi_watchdog, 1);
    assert_string_equal(machine.huge_pages, "always");
    assert_int_equal(machine.nodes, 2);
    tare_machine_release(&machine);
}

static void hostile_files_leave_the_rest_alone(void **state)
{
    (void)state;
    char path[4096];
    put(CPU "cpufreq/policy0/x", "");
    assert_int_equal(mkfifo(below(path, CPU "cpufreq/policy0/scaling_governor"), 0600), 0);
    put(CPU "cpufreq/policy1/scaling_governor", "\033[2Jschedutil\377\n");
    put(CPU "cpufreq/policy99999999999/scaling_governor", "beyond\n");
    put(CPU "cpufreq/policyX/scaling_governor", "no\n");
    put(CPU "smt/active", "99999999999999999999\n");
    put("/proc/sys/kernel/randomize_va_space", "two\n");
    put("/proc/sys/kernel/nmi_watchdog", "1 0\n");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "]always[ madvise\n");
    put("/proc/stat", "cpu  1 2 3\n");
    put("/proc/self/status", "Cpus_allowed_list:");
    put("/proc/self/mountinfo", "- - -\n1 2 3:4 / /x rw - cgroup2\n\n - cgroup cgroup rw,cpu\n");
    put("/proc/self/cgroup", ":::\n0::\n1:cpu\n");
    struct tare_machine machine = read_machine();
    assert_string_equal(machine.governors, "?[2Jschedutil?");
    assert_int_equal(machine.smt, -1);
    assert_int_equal(machine.aslr, -1);
    assert_int_equal(machine.nmi_watchdog, -1);
    assert_int_equal(machine.allowed_count, 0);
    assert_true(isnan(machine.steal_share));
    assert_true(isnan(machine.quota.cpus));
    tare_machine_release(&machine);
}

static struct tare_quota read_quota(void)
{
    struct tare_quota quota;
    tare_quota_read(&quota, root);
    return quota;
}

static void the_smallest_quota_on_the_way_up_counts(void **state)
{
    (void)state;
    put("/proc/self/mountinfo", "25 1 0:22 / /proc rw - proc proc rw\n"
                                "30 1 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
    put("/proc/self/cgroup", "0::/system.slice/a b.service/inner\n");
    put("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io\n");
    struct tare_quota quota = read_quota();
    assert_true(quota.known);
    assert_true(isnan(quota.cpus));
    put("/sys/fs/cgroup/system.slice/a b.service/inner/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/system.slice/a b.service/cpu.max", "300000 100000\n");
    put("/sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n");
    put("/sys/fs/cgroup/system.slice/cpu.stat", "usage_usec 5\nnr_periods 9\nnr_throttled 7\n");
    quota = read_quota();
    assert_true(quota.known);
    assert_true(quota.cpus == 1.5);
    assert_true(quota.period_s == 0.1);
    assert_true(quota.throttled == 7);
    assert_true(quota.is_v2);
    assert_string_equal(quota.file, "/sys/fs/cgroup/system.slice/cpu.max");
}

static void a_quota_of_version_1(void **state)
{
    (void)state;
    put("/proc/self/mountinfo",
        "30 1 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        "31 1 0:27 /docker/abc /sys/fs/cgroup/cpu\\040x rw - cgroup cgroup rw,cpuacct,cpu\n"
        "32 1 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n");
    put("/proc/self/cgroup", "3:cpuset:/\n2:cpu,cpuacct:/docker/abc/inner\n0::/\n");
    put("/sys/fs/cgroup/cpu x/inner/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu x/inner/cpu.cfs_period_us", "100000\n");
    struct tare_quota quota = read_quota();
    assert_true(quota.known);
    assert_true(isnan(quota.cpus));
    put("/sys/fs/cgroup/cpu x/cpu.cfs_quota_us", "25000\n");
    put("/sys/fs/cgroup/cpu x/cpu.cfs_period_us", "50000\n");
    quota = read_quota();
    assert_true(quota.cpus == 0.5);
    assert_false(quota.is_v2);
    assert_string_equal(quota.file, "/sys/fs/cgroup/cpu x/cpu.cfs_quota_us");
}

static void a_group_outside_of_what_is_mounted(void **state)
{
    (void)state;
    put("/proc/self/mountinfo", "30 1 0:26 /.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    put("/proc/self/cgroup", "0::/../../etc\n");
    put("/sys/fs/cgroup/cpu.max", "50000 100000\n");
    put("/etc/cpu.max", "1000 100000\n");
    assert_true(read_quota().cpus == 0.5);
}

static void the_sensor_nearest_to_its_limit(void **state)
{
    (void)state;
    struct tare_heat heat;
    put("/sys/class/thermal/thermal_zone0/type", "BAT0\n");
    put("/sys/class/thermal/thermal_zone0/temp", "99000\n");
    put("/sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n");
    put("/sys/class/thermal/thermal_zone1/temp", "61000\n");
    tare_heat_read(&heat, root);
    assert_true(heat.celsius == 61);
    assert_true(isnan(heat.limit_celsius));
    put("/sys/class/thermal/thermal_zone1/trip_point_0_type", "active\n");
    put("/sys/class/thermal/thermal_zone1/trip_point_0_temp", "50000\n");
    put("/sys/class/thermal/thermal_zone1/trip_point_1_type", "passive\n");
    put("/sys/class/thermal/thermal_zone1/trip_point_1_temp", "95000\n");
    put("/sys/class/thermal/thermal_zone1/trip_point_2_type", "critical\n");
    put("/sys/class/thermal/thermal_zone1/trip_point_2_temp", "105000\n");
    put("/sys/class/hwmon/hwmon3/name", "k10temp\n");
    put("/sys/class/hwmon/hwmon3/temp1_input", "70000\n");
    put("/sys/class/hwmon/hwmon3/temp1_crit", "90000\n");
    put("/sys/class/hwmon/hwmon3/temp2_input", "-128000\n");
    put(CPU "cpu0/thermal_throttle/core_throttle_count", "3\n");
    put(CPU "cpu1/thermal_throttle/core_throttle_count", "4\n");
    tare_heat_read(&heat, root);
    assert_true(heat.celsius == 70);
    assert_true(heat.limit_celsius == 90);
    assert_string_equal(heat.sensor, "k10temp");
    assert_true(heat.throttles == 7);
}

static void load_is_what_others_did(void **state)
{
    (void)state;
    struct tare_load load;
    long ticks = sysconf(_SC_CLK_TCK);
    char text[512];
    put("/proc/stat", "cpu  1000 0 0 0 0 0 0 100 0 0\n");
    put("/proc/12/stat", "12 (a) b) S 1 1 1 0 -1 0 0 0 0 0 100 100 0 0 20 0 1 0 77 0 0\n");
    put("/proc/13/stat", "13 (gone) S 1 1 1 0 -1 0 0 0 0 0 5 5 9 9 20 0 1 0 78 0 0\n");
    put("/proc/14/stat", "nonsense\n");
    struct tare_load_mark *first = tare_load_mark(root);
    assert_non_null(first);
    struct timespec pause = {0, 50000000};
    nanosleep(&pause, NULL);
    /* 13 is another process by now: what it ran, it ran since. */
    snprintf(text, sizeof text, "cpu  %ld 0 0 0 0 0 0 %ld 0 0\n", 1000 + 30 * ticks, 100 + 10 * ticks);
    put("/proc/stat", text);
    snprintf(text, sizeof text, "12 (a) b) S 1 1 1 0 -1 0 0 0 0 0 %ld 100 %ld 0 20 0 1 0 77 0 0\n",
             100 + 8 * ticks, 2 * ticks);
    put("/proc/12/stat", text);
    snprintf(text, sizeof text, "13 (new\033) R 1 1 1 0 -1 0 0 0 0 0 0 %ld 0 0 20 0 1 0 79 0 0\n", 16 * ticks);
    put("/proc/13/stat", text);
    struct tare_load_mark *last = tare_load_mark(root);
    assert_non_null(last);
    tare_load_between(first, last, &load);
    assert_true(load.seconds >= 0.05);
    assert_true(fabs(load.others_cpus * load.seconds - 30) < 0.5);
    assert_true(fabs(load.steal_share - 0.25) < 1e-9);
    assert_true(isnan(load.throttled));
    assert_int_equal(load.top_count, 2);
    assert_int_equal(load.top[0].pid, 13);
    assert_string_equal(load.top[0].name, "new?");
    assert_true(fabs(load.top[0].cpus * load.seconds - 16) < 1e-6);
    assert_string_equal(load.top[1].name, "a) b");
    assert_true(fabs(load.top[1].cpus * load.seconds - 8) < 1e-6);
    assert_true(fabs(load.top[1].children_cpus * load.seconds - 2) < 1e-6);
    assert_true(fabs(load.named_cpus * load.seconds - 26) < 1e-6);
    tare_load_between(last, last, &load); /* no time: nothing is known */
    assert_true(isnan(load.others_cpus));
    tare_load_mark_free(first);
    tare_load_mark_free(last);
    tare_load_mark_free(NULL);
}

/* A parent inherits all that its child ever ran, which is not what was run just now. */
static void what_a_child_ran_before_is_not_load(void **state)
{
    (void)state;
    struct tare_load load;
    long ticks = sysconf(_SC_CLK_TCK);
    char text[512], path[4096];
    put("/proc/stat", "cpu  1000 0 0 0 0 0 0 0 0 0\n");
    put("/proc/1/stat", "1 (init) S 0 1 1 0 -1 0 0 0 0 0 5 5 5 5 20 0 1 0 1 0 0\n");
    put("/proc/20/stat", "20 (make) S 1 1 1 0 -1 0 0 0 0 0 5 5 5 5 20 0 1 0 2 0 0\n");
    put("/proc/21/stat", "21 (sh) S 20 1 1 0 -1 0 0 0 0 0 1000 0 500 0 20 0 1 0 3 0 0\n");
    put("/proc/22/stat", "22 (cc) S 21 1 1 0 -1 0 0 0 0 0 3000 0 0 0 20 0 1 0 4 0 0\n");
    struct tare_load_mark *first = tare_load_mark(root);
    assert_non_null(first);
    struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
    assert_int_equal(remove(below(path, "/proc/21/stat")), 0);
    assert_int_equal(remove(below(path, "/proc/22/stat")), 0);
    snprintf(text, sizeof text, "20 (make) S 1 1 1 0 -1 0 0 0 0 0 5 5 %ld 5 20 0 1 0 2 0 0\n",
             5 + 1000 + 500 + 3000 + 2 * ticks);
    put("/proc/20/stat", text);
    put("/proc/1/stat", "1 (init) S 0 1 1 0 -1 0 0 0 0 0 5 5 999999 5 20 0 1 0 1 0 0\n"); /* from elsewhere */
    snprintf(text, sizeof text, "cpu  %ld 0 0 0 0 0 0 0 0 0\n", 1000 + 3 * ticks);
    put("/proc/stat", text);
    struct tare_load_mark *last = tare_load_mark(root);
    assert_non_null(last);
    tare_load_between(first, last, &load);
    assert_int_equal(load.top_count, 1);
    assert_string_equal(load.top[0].name, "make");
    assert_true(fabs(load.top[0].children_cpus * load.seconds - 2) < 1e-6);
    tare_load_mark_free(first);
    tare_load_mark_free(last);
}

static void interrupts_of_one_processor(void **state)
{
    (void)state;
    struct tare_interrupts *readings = calloc(2, sizeof *readings);
    struct tare_interrupt top[2];
    assert_non_null(readings);
    put("/proc/interrupts", "           CPU0       CPU2       \n"
                            " 36:          7    1000 PCI-MSIX-0000:00:02.0   1-edge      disk-req.0\n"
                            " 37:          7       5 PCI-MSIX-0000:00:02.0   1-edge      net-rx\n"
                            "LOC:        100     200   Local timer interrupts\n"
                            "ERR:          9\n");
    assert_int_equal(tare_interrupts_read(&readings[0], 2, root), 0);
    assert_int_equal(readings[0].count, 3);
    assert_int_equal(tare_interrupts_read(&readings[1], 1, root), -ENODATA);
    put("/proc/interrupts", "           CPU0       CPU2       \n"
                            " 35:          7       2 PCI   9-edge      new\n"
                            " 36:          7    1001 PCI-MSIX-0000:00:02.0   1-edge      disk-req.0\n"
                            " 37:       9999       5 PCI-MSIX-0000:00:02.0   1-edge      net-rx\n"
                            "LOC:        100     325   Local timer interrupts\n");
    assert_int_equal(tare_interrupts_read(&readings[1], 2, root), 0);
    assert_int_equal(tare_interrupts_top(&readings[0], &readings[1], top, 2), 2);
    assert_string_equal(top[0].name, "Local timer interrupts");
    assert_int_equal(top[0].count, 125);
    assert_string_equal(top[1].name, "new");
    assert_int_equal(top[1].count, 2);
    put("/proc/interrupts", "no header");
    assert_int_equal(tare_interrupts_read(&readings[1], 0, root), -ENODATA);
    free(readings);
}

static void gaps_are_measured_and_bounded(void **state)
{
    (void)state;
    struct tare_gaps gaps;
    cpu_set_t before, after;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &before)) {
        cpu++;
    }
    assert_int_equal(tare_gaps_measure(&gaps, cpu, 0.1, NULL), 0);
    assert_int_equal(gaps.cpu, cpu);
    assert_true(gaps.seconds >= 0.1);
    assert_true(gaps.lost_share >= 0 && gaps.lost_share <= 1);
    assert_true(gaps.step_ns >= 0 && gaps.threshold_ns >= 1000);
    if (gaps.count > 0) {
        assert_true(gaps.p50_ns <= gaps.p99_ns && gaps.p99_ns <= gaps.max_ns);
        assert_true(gaps.max_ns + gaps.step_ns >= gaps.threshold_ns - 1);
        assert_true(gaps.lost_share * gaps.seconds * 1e9 >= gaps.max_ns - 1);
    } else {
        assert_true(isnan(gaps.p99_ns) && gaps.lost_share == 0);
    }
    assert_int_equal(gaps.migrations, 0);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
    assert_int_equal(tare_gaps_measure(&gaps, 1 << 19, 0.1, NULL), -EINVAL);
    assert_true(gaps.seconds == 0);
    assert_int_equal(gaps.cpu, -1);
}

static volatile sig_atomic_t pressed;

static void press(int signal)
{
    (void)signal;
    pressed = 1;
}

static void a_signal_ends_measuring(void **state)
{
    (void)state;
    struct tare_gaps gaps;
    struct tare_wander wander;
    signal(SIGALRM, press);
    alarm(1);
    pressed = 0;
    assert_int_equal(tare_gaps_measure(&gaps, -1, 1000, &pressed), 0);
    assert_true(gaps.seconds > 0 && gaps.seconds < 500);
    assert_int_equal(tare_wander_measure(&wander, 1000, &pressed), 0);
    assert_int_equal(wander.count, 0);
    assert_true(isnan(wander.spread));
    signal(SIGALRM, SIG_DFL);
}

static void a_steady_chain_has_its_quantiles_in_order(void **state)
{
    (void)state;
    struct tare_wander wander;
    assert_int_equal(tare_wander_measure(&wander, 0.05, NULL), 0);
    assert_true(wander.count >= 1);
    if (wander.count >= 100) {
        assert_true(wander.p10_ns <= wander.median_ns && wander.median_ns <= wander.p90_ns);
        assert_true(wander.spread >= 0);
    }
}

static unsigned calls;

static void count_calls(unsigned n)
{
    calls += n;
}

static void sleep_a_little(unsigned n)
{
    struct timespec pause = {0, 1000000 * (long)n / 8};
    nanosleep(&pause, NULL);
}

static void costs_are_of_one_call(void **state)
{
    (void)state;
    struct tare_call_cost cost;
    tare_call_cost_measure(&cost, count_calls);
    assert_true(calls > 1000);
    assert_true(cost.median_ns >= 0 && cost.median_ns < 1000);
    tare_call_cost_measure(&cost,
                           sleep_a_little); /* an eighth of a millisecond a call, and what sleeping adds */
    assert_true(cost.median_ns >= 125000);
    tare_call_cost_measure(&cost, tare_call_system);
    assert_true(cost.median_ns > 1 && cost.batches > 0);
}

/* A machine of which everything is known, and good. */
static struct tare_machine good_machine(void)
{
    static char none[] = "none", tsc[] = "tsc";
    return (struct tare_machine){
        .environment = {.virtualization = none, .clocksource = tsc, .memory_bytes = NAN, .commit_dirty = -1},
        .weaknesses = 3,
        .online_count = 4,
        .allowed_count = 4,
        .online = "0-3",
        .allowed = "0-3",
        .isolated_known = 1,
        .isolated = "3",
        .smt = 0,
        .smt_control = "off",
        .governors = "performance",
        .performance_governor = true,
        .turbo = 0,
        .heat = {.celsius = 40, .limit_celsius = 100, .sensor = "cpu", .throttles = 0},
        .steal_share = 0,
        .aslr = 0,
        .aslr_here = 0,
        .huge_pages = "madvise",
        .nodes = 1,
        .perf_event_paranoid = 1,
        .clocksources = "tsc hpet acpi_pm",
        .quota = {.known = true, .cpus = NAN, .period_s = NAN, .throttled = NAN},
    };
}

static struct tare_measured good_measures(void)
{
    struct tare_measured measured;
    tare_measured_init(&measured);
    measured.bound = (struct tare_gaps){.seconds = 0.5,
                                        .cpu = 2,
                                        .count = 125,
                                        .p50_ns = 1500,
                                        .p99_ns = 2000,
                                        .max_ns = 3000,
                                        .lost_share = 0.0004,
                                        .step_ns = 20,
                                        .threshold_ns = 1000};
    measured.loose = measured.bound;
    measured.wander = (struct tare_wander){.seconds = 0.3,
                                           .count = 15000,
                                           .p10_ns = 20000,
                                           .median_ns = 20010,
                                           .p90_ns = 20020,
                                           .spread = 0.001,
                                           .start = 0.0005};
    measured.system_call = (struct tare_call_cost){80, 1, 101};
    measured.clock = (struct tare_call_cost){22, 1, 101};
    measured.timer = (struct tare_call_cost){18, 1, 101};
    measured.timer_name = "tsc-ordered";
    measured.load = (struct tare_load){.seconds = 1.3, .others_cpus = 0.01, .resolution_cpus = 0.02};
    return measured;
}

static struct tare_findings findings;

static const struct tare_finding *find(const struct tare_machine *machine, const struct tare_counters *counters,
                                       const struct tare_measured *measured, const char *name)
{
    static const struct tare_counters all = {.units = "cpu"};
    tare_findings_make(&findings, machine, counters != NULL ? counters : &all, measured);
    for (size_t i = 0; i < findings.count; i++) {
        if (strcmp(findings.list[i].name, name) == 0) {
            return &findings.list[i];
        }
    }
    fail_msg("no finding '%s'", name);
    return NULL;
}

static void a_good_machine_has_nothing_to_say(void **state)
{
    (void)state;
    struct tare_machine machine = good_machine();
    struct tare_measured measured = good_measures();
    find(&machine, NULL, &measured, "PMU");
    for (size_t i = 0; i < findings.count; i++) {
        const struct tare_finding *finding = &findings.list[i];
        if (finding->rating != TARE_RATING_FINE) {
            fail_msg("%s is %s: %s", finding->name, tare_rating_name(finding->rating), finding->value);
        }
        assert_true(finding->value[0] != '\0');
        assert_true(finding->effect[0] != '\0');
        assert_string_equal(finding->command, "");
    }
    assert_int_equal(tare_findings_count(&findings, TARE_RATING_FINE), findings.count);
    assert_null(tare_findings_first(&findings));
}

static void an_empty_machine_has_no_opinion(void **state)
{
    (void)state;
    struct tare_machine machine = read_machine();
    struct tare_counters counters = {-ENOSYS, -ENOSYS, -ENOSYS, -ENOSYS, ""};
    find(&machine, &counters, NULL, "PMU");
    for (size_t i = 0; i < findings.count; i++) {
        const struct tare_finding *finding = &findings.list[i];
        bool tried = strcmp(finding->name, "PMU") == 0 || strcmp(finding->name, "LBR") == 0;
        bool asked = strcmp(finding->name, "virtualization") == 0; /* of the real processor */
        if (!tried && !asked && finding->rating != TARE_RATING_UNKNOWN) {
            fail_msg("%s is %s: %s", finding->name, tare_rating_name(finding->rating), finding->value);
        }
        assert_true(finding->value[0] != '\0');
    }
    assert_string_equal(find(&machine, &counters, NULL, "other load")->value, "not measured (--quick)");
    struct tare_measured nothing;
    tare_measured_init(&nothing);
    assert_string_equal(find(&machine, &counters, &nothing, "interruptions")->value,
                        "not measured: it was interrupted");
    tare_machine_release(&machine);
}

#define ASSERT_FINDING(NAME, RATING, VALUE, COMMAND)                                                           \
    do {                                                                                                       \
        const struct tare_finding *found = find(&machine, NULL, &measured, NAME);                              \
        assert_string_equal(tare_rating_name(found->rating), RATING);                                          \
        if (strstr(found->value, VALUE) == NULL || strstr(found->command, COMMAND) == NULL) {                  \
            fail_msg("%s: '%s', '%s'", NAME, found->value, found->command);                                    \
        }                                                                                                      \
    } while (0)

static void each_setting_that_matters_is_rated(void **state)
{
    (void)state;
    struct tare_machine machine = good_machine();
    struct tare_measured measured = good_measures();
    static char kvm[] = "KVM", hpet[] = "hpet", kvm_clock[] = "kvm-clock";
    strcpy(machine.governors, "powersave, performance");
    ASSERT_FINDING("governor", "harms", "powersave", "echo performance | sudo tee");
    strcpy(machine.governors, "userspace");
    ASSERT_FINDING("governor", "fine", "userspace", "");
    machine.turbo = 1;
    machine.turbo_inverted = true;
    strcpy(machine.turbo_file, CPU "intel_pstate/no_turbo");
    ASSERT_FINDING("turbo", "note", "on", "echo 1 | sudo tee " CPU "intel_pstate/no_turbo");
    machine.smt = 1;
    ASSERT_FINDING("SMT", "note", "on", "echo off");
    machine.isolated[0] = '\0';
    ASSERT_FINDING("isolated CPUs", "note", "none", "");
    machine.allowed_count = 1;
    strcpy(machine.allowed, "2");
    ASSERT_FINDING("CPU set", "harms", "2 allowed of 0-3", "");
    machine.allowed_count = 2;
    ASSERT_FINDING("CPU set", "note", "", "");
    machine.quota.cpus = 0.5;
    machine.quota.period_s = 0.1;
    machine.quota.is_v2 = true;
    strcpy(machine.quota.file, "/sys/fs/cgroup/x/cpu.max");
    ASSERT_FINDING("cgroup quota", "harms", "0.5 processors in periods of 100 ms",
                   "echo max | sudo tee /sys/fs");
    machine.quota.cpus = 1.5;
    ASSERT_FINDING("cgroup quota", "note", "1.5", "");
    machine.quota.cpus = 2;
    ASSERT_FINDING("cgroup quota", "fine", "2 processors", "");
    machine.aslr = 2;
    machine.aslr_here = 1;
    ASSERT_FINDING("ASLR", "note", "on", "setarch -R");
    machine.aslr_here = 0;
    ASSERT_FINDING("ASLR", "fine", "off for this process", "");
    strcpy(machine.huge_pages, "always");
    ASSERT_FINDING("huge pages", "note", "always", "echo madvise");
    machine.nmi_watchdog = 1;
    ASSERT_FINDING("NMI watchdog", "note", "on", "kernel.nmi_watchdog=0");
    machine.nodes = 2;
    machine.numa_balancing = 1;
    ASSERT_FINDING("NUMA balancing", "note", "2 nodes", "kernel.numa_balancing=0");
    machine.mitigated_count = 1;
    strcpy(machine.mitigated, "meltdown");
    ASSERT_FINDING("mitigations", "note", "1 of 3 known weaknesses worked around: meltdown", "");
    machine.heat.celsius = 95;
    ASSERT_FINDING("temperature", "note", "95 °C", "");
    machine.environment.clocksource = hpet;
    ASSERT_FINDING("clocksource", "harms", "hpet; clock_gettime 22 ns, tsc-ordered 18 ns",
                   "echo tsc | sudo tee");
    strcpy(machine.clocksources, "hpet acpi_pm");
    ASSERT_FINDING("clocksource", "harms", "hpet", "");
    assert_string_equal(find(&machine, NULL, &measured, "clocksource")->command, "");
    machine.environment.clocksource = kvm_clock;
    ASSERT_FINDING("clocksource", "note", "kvm-clock", "");
    machine.environment.virtualization = kvm;
    ASSERT_FINDING("virtualization", "note", "KVM", "");
    machine.smt = 0;
    ASSERT_FINDING("SMT", "unknown", "the host may have it", "");
}

static void what_was_measured_is_rated(void **state)
{
    (void)state;
    struct tare_machine machine = good_machine();
    struct tare_measured measured = good_measures();
    ASSERT_FINDING("other load", "fine", "none seen (within 0.02 of 4 processors)", "");
    ASSERT_FINDING("interruptions", "fine", "p99 2.0 µs, max 3.0 µs, 0.04 % of the time (250/s) on processor 2",
                   "");
    assert_non_null(strstr(find(&machine, NULL, &measured, "interruptions")->effect,
                           "One scope of 1 µs in about 4000 is longer"));
    assert_non_null(strstr(find(&machine, NULL, &measured, "mitigations")->effect, "costs 80 ns here"));
    measured.load.others_cpus = 0.2;
    measured.load.top_count = 1;
    measured.load.top[0] =
        (struct tare_load_process){.pid = 7, .name = "make", .cpus = 0.05, .children_cpus = 0.1};
    measured.load.named_cpus = 0.15;
    ASSERT_FINDING("other load", "note",
                   "0.20 (± 0.02) of 4 processors: make (7) 0.15 with children, 0.05 by interrupts", "");
    measured.load.others_cpus = 3.2;
    ASSERT_FINDING("other load", "harms", "3.20", "");
    measured.load.steal_share = 0.05;
    ASSERT_FINDING("steal", "harms", "5.0 % while measured, 0 % since boot", "");
    measured.load.throttled = 2;
    machine.quota.cpus = 4;
    machine.quota.period_s = 0.1;
    ASSERT_FINDING("cgroup quota", "harms", "held back 2 times just now", "");
    measured.load.throttles = 1;
    ASSERT_FINDING("temperature", "harms", "1 of them just now", "");
    measured.bound.max_ns = 2e6;
    ASSERT_FINDING("interruptions", "note", "max 2.0 ms", "");
    measured.bound.lost_share = 0.02;
    ASSERT_FINDING("interruptions", "harms", "2.0 % of the time", "");
    measured.wander.spread = 0.02;
    ASSERT_FINDING("frequency", "note", "wanders by 2.0 %", "");
    measured.wander.start = 0.08;
    ASSERT_FINDING("frequency", "harms", "first tenth 8.0 % slower", "");
    measured.clock.median_ns = 900;
    ASSERT_FINDING("clocksource", "note", "clock_gettime 900 ns", "");
    assert_string_equal(tare_findings_first(&findings)->name, "cgroup quota");
    measured.bound = (struct tare_gaps){.cpu = -1, .lost_share = NAN}; /* it could not bind itself */
    ASSERT_FINDING("interruptions", "fine", "0.04 % of the time", "");
}

static void why_counters_are_missing_is_told(void **state)
{
    (void)state;
    struct tare_machine machine = good_machine();
    static const struct {
        struct tare_counters counters;
        const char *pmu, *value, *paranoid;
        int level;
    } cases[] = {
        {{0, 0, 0, 0, "cpu"}, "fine", "cycles, instructions: yes; units: cpu", "fine", 1},
        {{0, 0, -EACCES, 0, "cpu"}, "fine", "the kernel's: not permitted", "note", 2},
        {{-EACCES, -EACCES, -EACCES, -EACCES, "cpu"}, "note", "not permitted", "harms", 4},
        {{-EPERM, -EPERM, -EPERM, -EPERM, ""}, "note", "not permitted", "harms", 0},
        {{-ENOENT, -ENOENT, -ENOENT, -ENOENT, ""}, "note", "not on this machine; units: none", "note", 2},
        {{0, -ENODATA, 0, -EOPNOTSUPP, "cpu"},
         "note",
         "cycles: yes, instructions: opens, and stays at 0",
         "fine",
         1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        machine.perf_event_paranoid = cases[i].level;
        const struct tare_finding *pmu = find(&machine, &cases[i].counters, NULL, "PMU");
        assert_string_equal(tare_rating_name(pmu->rating), cases[i].pmu);
        if (strstr(pmu->value, cases[i].value) == NULL) {
            fail_msg("case %zu: %s", i, pmu->value);
        }
        const struct tare_finding *paranoid = find(&machine, &cases[i].counters, NULL, "perf paranoid");
        assert_string_equal(tare_rating_name(paranoid->rating), cases[i].paranoid);
        const struct tare_finding *lbr = find(&machine, &cases[i].counters, NULL, "LBR");
        assert_int_equal(lbr->rating == TARE_RATING_FINE, cases[i].counters.branch_stack == 0);
    }
}

static void long_names_are_cut_and_stay_text(void **state)
{
    (void)state;
    struct tare_machine machine = good_machine();
    struct tare_measured measured = good_measures();
    measured.load.others_cpus = 3;
    measured.load.top_count = TARE_LOAD_TOP;
    measured.interrupt_count = TARE_LOAD_TOP;
    for (size_t i = 0; i < TARE_LOAD_TOP; i++) {
        measured.interrupts[i].count = UINT64_MAX;
        for (size_t at = 0; at + 2 < TARE_LOAD_NAME; at += 2) {
            memcpy(&measured.load.top[i].name[at], "µ", 3);
            memcpy(&measured.interrupts[i].name[at], "µ", 3);
        }
    }
    static char name[4096];
    memset(name, 'x', sizeof name - 1);
    machine.environment.virtualization = name;
    machine.environment.clocksource = name;
    memset(machine.mitigated, 'y', sizeof machine.mitigated - 1);
    memset(machine.open_to, 'y', sizeof machine.open_to - 1);
    memset(machine.mitigations, 'y', sizeof machine.mitigations - 1);
    machine.mitigated_count = 1;
    find(&machine, NULL, &measured, "PMU");
    for (size_t i = 0; i < findings.count; i++) {
        const struct tare_finding *finding = &findings.list[i];
        size_t length = strlen(finding->value);
        assert_true(length < sizeof finding->value && strlen(finding->effect) < sizeof finding->effect);
        /* Not cut within a character. */
        for (size_t at = 0; at < length; at++) {
            assert_false((unsigned char)finding->value[at] == 0xc2 && at + 1 == length);
        }
    }
}

static void this_machine_is_read(void **state)
{
    (void)state;
    struct tare_machine machine;
    struct tare_counters counters;
    assert_int_equal(tare_machine_read(&machine, ""), 0);
    assert_true(machine.online_count >= 1 || machine.online[0] == '\0');
    assert_true(machine.allowed_count >= 1 || machine.allowed[0] == '\0');
    assert_true(isnan(machine.steal_share) || (machine.steal_share >= 0 && machine.steal_share <= 1));
    tare_counters_try(&counters, "");
    assert_true(counters.cycles <= 0 && counters.instructions <= 0 && counters.branch_stack <= 0);
    struct tare_load_mark *first = tare_load_mark(""), *last = tare_load_mark("");
    struct tare_load load;
    assert_true(first != NULL && last != NULL);
    tare_load_between(first, last, &load);
    assert_true(load.seconds >= 0);
    tare_load_mark_free(first);
    tare_load_mark_free(last);
    tare_findings_make(&findings, &machine, &counters, NULL);
    assert_true(findings.count >= 20);
    tare_machine_release(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_machine_is_unknown_throughout, make_root, remove_root),
        cmocka_unit_test_setup_teardown(settings_are_read, make_root, remove_root),
        cmocka_unit_test_setup_teardown(hostile_files_leave_the_rest_alone, make_root, remove_root),
        cmocka_unit_test_setup_teardown(the_smallest_quota_on_the_way_up_counts, make_root, remove_root),
        cmocka_unit_test_setup_teardown(a_quota_of_version_1, make_root, remove_root),
        cmocka_unit_test_setup_teardown(a_group_outside_of_what_is_mounted, make_root, remove_root),
        cmocka_unit_test_setup_teardown(the_sensor_nearest_to_its_limit, make_root, remove_root),
        cmocka_unit_test_setup_teardown(load_is_what_others_did, make_root, remove_root),
        cmocka_unit_test_setup_teardown(what_a_child_ran_before_is_not_load, make_root, remove_root),
        cmocka_unit_test_setup_teardown(interrupts_of_one_processor, make_root, remove_root),
        cmocka_unit_test(gaps_are_measured_and_bounded),
        cmocka_unit_test(a_signal_ends_measuring),
        cmocka_unit_test(a_steady_chain_has_its_quantiles_in_order),
        cmocka_unit_test(costs_are_of_one_call),
        cmocka_unit_test(a_good_machine_has_nothing_to_say),
        cmocka_unit_test_setup_teardown(an_empty_machine_has_no_opinion, make_root, remove_root),
        cmocka_unit_test(each_setting_that_matters_is_rated),
        cmocka_unit_test(what_was_measured_is_rated),
        cmocka_unit_test(why_counters_are_missing_is_told),
        cmocka_unit_test(long_names_are_cut_and_stay_text),
        cmocka_unit_test(this_machine_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
