/* SPDX-License-Identifier: MIT */
/* record/fingerprint.h on roots that the test makes, and on the real machine. */
#include <errno.h>
#include <fcntl.h>
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
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/fingerprint.h"

#define CPU "/sys/devices/system/cpu/"

static char root[64]; /* a new one for each test */

static void put(const char *name, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* An environment of which only so much is known. */
static struct tare_environment environment_of(double memory_bytes)
{
    return (struct tare_environment){.memory_bytes = memory_bytes, .commit_dirty = -1};
}

static struct tare_fingerprint read_root(const struct tare_environment *environment, const char *settings)
{
    struct tare_fingerprint fingerprint;
    assert_int_equal(tare_fingerprint_read_at(&fingerprint, environment, root, "1.2.3", settings), 0);
    assert_int_equal(strspn(fingerprint.hash, "0123456789abcdef"), TARE_SHA256_HEX);
    return fingerprint;
}

static void assert_part(const struct tare_fingerprint *fingerprint, enum tare_fingerprint_part part,
                        const char *expected)
{
    const char *found = fingerprint->parts[part];
    if ((found == NULL) != (expected == NULL) || (found != NULL && strcmp(found, expected) != 0)) {
        fail_msg("%s is '%s', not '%s'", tare_fingerprint_name(part), found != NULL ? found : "(unknown)",
                 expected != NULL ? expected : "(unknown)");
    }
}

/* The part of a machine whose files are those put so far. */
static void assert_read(enum tare_fingerprint_part part, const char *expected)
{
    struct tare_environment environment = environment_of(NAN);
    struct tare_fingerprint fingerprint = read_root(&environment, NULL);
    assert_part(&fingerprint, part, expected);
    tare_fingerprint_release(&fingerprint);
}

static void test_a_whole_machine(void **state)
{
    (void)state;
    char machine[] = "x86_64", model[] = "A CPU", kernel[] = "6.1", libc[] = "glibc 2.36",
         clocksource[] = "tsc", virtualization[] = "none", host[] = "host", commit[] = "abc", os[] = "an os";
    const struct tare_environment environment = {
        .host = host,
        .machine = machine,
        .cpu_model = model,
        .cpu_count = 8,
        .memory_bytes = 15.4 * 0x1p30,
        .kernel = kernel,
        .os = os,
        .libc = libc,
        .clocksource = clocksource,
        .virtualization = virtualization,
        .commit = commit,
        .commit_dirty = 1,
    };
    put("/proc/cpuinfo", "processor\t: 0\nmicrocode\t: 0xa0011d1\n\nprocessor\t: 1\nmicrocode\t: 0x1\n");
    put(CPU "smt/active", "1\n");
    put(CPU "vulnerabilities/spectre_v1", "Mitigation: barriers\n");
    put(CPU "cpufreq/policy0/scaling_governor", "performance\n");
    put(CPU "cpufreq/boost", "1\n");
    struct tare_fingerprint fingerprint = read_root(&environment, "clock=tsc only=a\nb\xff");
    struct utsname names;
    char kernel_build[sizeof names.version + 8];
    assert_int_equal(uname(&names), 0);
    snprintf(kernel_build, sizeof kernel_build, "6.1 %s", names.version);
    assert_part(&fingerprint, TARE_FINGERPRINT_MACHINE, "x86_64");
    assert_part(&fingerprint, TARE_FINGERPRINT_CPU_MODEL, "A CPU");
    assert_part(&fingerprint, TARE_FINGERPRINT_MICROCODE, "0xa0011d1");
    assert_part(&fingerprint, TARE_FINGERPRINT_CPU_COUNT, "8");
    assert_part(&fingerprint, TARE_FINGERPRINT_SMT, "on");
    assert_part(&fingerprint, TARE_FINGERPRINT_KERNEL, kernel_build);
    assert_part(&fingerprint, TARE_FINGERPRINT_GOVERNOR, "performance");
    assert_part(&fingerprint, TARE_FINGERPRINT_TURBO, "on");
    assert_part(&fingerprint, TARE_FINGERPRINT_VIRTUALIZATION, "none");
    assert_part(&fingerprint, TARE_FINGERPRINT_MEMORY, "16 GiB");
    assert_part(&fingerprint, TARE_FINGERPRINT_LIBC, "glibc 2.36");
    assert_part(&fingerprint, TARE_FINGERPRINT_CLOCKSOURCE, "tsc");
    assert_part(&fingerprint, TARE_FINGERPRINT_TARE_VERSION, "1.2.3");
    assert_part(&fingerprint, TARE_FINGERPRINT_SETTINGS, "clock=tsc only=a?b?");
    tare_fingerprint_release(&fingerprint);
    assert_string_equal(fingerprint.hash, "");
    assert_null(fingerprint.parts[TARE_FINGERPRINT_MACHINE]);
}

static void test_nothing_there(void **state)
{
    (void)state;
    struct tare_environment environment = environment_of(NAN);
    struct tare_fingerprint fingerprint = read_root(&environment, NULL);
    for (int part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        assert_part(&fingerprint, part, part == TARE_FINGERPRINT_TARE_VERSION ? "1.2.3" : NULL);
    }
    tare_fingerprint_release(&fingerprint);
}

/* Written down by hand: whoever reads the documentation has to come to the same hash. */
static void test_the_hash_is_the_documented_one(void **state)
{
    (void)state;
    static const char text[] =
        "machine=x86_64\ncpu_model=unknown\nmicrocode=unknown\ncpu_count=2\nsmt=unknown\n"
        "kernel=unknown\nmitigations=unknown\ngovernor=unknown\nturbo=unknown\n"
        "virtualization=unknown\nmemory=unknown\nlibc=unknown\nclocksource=unknown\n"
        "tare_version=1.2.3\nsettings=a=b c=d\n";
    struct tare_sha256 hash;
    char hex[TARE_SHA256_HEX + 1], machine[] = "x86_64";
    struct tare_environment environment = environment_of(NAN);
    environment.machine = machine;
    environment.cpu_count = 2;
    struct tare_fingerprint fingerprint = read_root(&environment, "a=b c=d");
    tare_sha256_init(&hash);
    tare_sha256_add(&hash, text, sizeof text - 1);
    tare_sha256_finish_hex(&hash, hex);
    assert_string_equal(fingerprint.hash, hex);
    tare_fingerprint_release(&fingerprint);
}

static void test_what_is_not_part_of_it(void **state)
{
    (void)state;
    char host[] = "a", other_host[] = "b", commit[] = "1", other_commit[] = "2";
    struct tare_environment environment = environment_of(NAN);
    environment.host = host;
    environment.commit = commit;
    struct tare_fingerprint first = read_root(&environment, NULL);
    environment.host = other_host;
    environment.commit = other_commit;
    environment.commit_dirty = 1;
    put(CPU "cpu0/cpufreq/scaling_cur_freq", "1000000\n");
    put("/proc/loadavg", "1.00 1.00 1.00 1/1 1\n");
    struct tare_fingerprint second = read_root(&environment, NULL);
    assert_int_equal(tare_fingerprint_compare(&first, &second), 0);
    assert_string_equal(first.hash, second.hash);
    tare_fingerprint_release(&first);
    tare_fingerprint_release(&second);
}

static void test_mitigations(void **state)
{
    (void)state;
    static const char folder[] = CPU "vulnerabilities/";
    static const struct {
        const char *name, *text;
    } files[] = {
        {"spectre_v2", "Mitigation: Retpolines; STIBP: disabled\n"},
        {"mds", "Vulnerable: Clear CPU buffers attempted, no microcode; SMT vulnerable\n"},
        {"l1tf", "Not affected\n"},
        {"itlb_multihit", "KVM: Mitigation: VMX disabled\n"},
        {"itlb_other", "Processor vulnerable\n"},
        {"srbds", "Unknown: Dependent on hypervisor status\n"},
    };
    char name[256];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(name, sizeof name, "%s%s", folder, files[i].name);
        put(name, files[i].text);
    }
    struct tare_environment environment = environment_of(NAN);
    struct tare_fingerprint fingerprint = read_root(&environment, NULL);
    static const char expected[] = "itlb_multihit=mitigated itlb_other=vulnerable mds=vulnerable "
                                   "spectre_v2=mitigated srbds=unclear details=";
    const char *found = fingerprint.parts[TARE_FINGERPRINT_MITIGATIONS];
    assert_non_null(found);
    assert_int_equal(strncmp(found, expected, sizeof expected - 1), 0);
    assert_int_equal(strlen(found), sizeof expected - 1 + 8);
    /* A vulnerability that the processor does not have is none, also where a newer kernel has heard of it. */
    put(CPU "vulnerabilities/invented", "Not affected\n");
    assert_read(TARE_FINGERPRINT_MITIGATIONS, found);
    /* The same words, and other details. */
    put(CPU "vulnerabilities/spectre_v2", "Mitigation: Retpolines; STIBP: always-on\n");
    struct tare_fingerprint changed = read_root(&environment, NULL);
    assert_int_equal(tare_fingerprint_compare(&fingerprint, &changed), 1 << TARE_FINGERPRINT_MITIGATIONS);
    tare_fingerprint_release(&changed);
    tare_fingerprint_release(&fingerprint);
}

static void test_no_mitigation_needed(void **state)
{
    (void)state;
    put(CPU "vulnerabilities/meltdown", "Not affected\n");
    put(CPU "vulnerabilities/l1tf", "Not affected\n");
    assert_read(TARE_FINGERPRINT_MITIGATIONS, "none needed");
}

static void test_governors(void **state)
{
    (void)state;
    assert_read(TARE_FINGERPRINT_GOVERNOR, NULL);
    put(CPU "cpufreq/policy0/scaling_governor", "powersave\n");
    put(CPU "cpufreq/policy1/scaling_governor", "powersave\n");
    assert_read(TARE_FINGERPRINT_GOVERNOR, "powersave");
    put(CPU "cpufreq/policy0/energy_performance_preference", "balance_power\n");
    put(CPU "cpufreq/policy1/energy_performance_preference", "balance_power\n");
    assert_read(TARE_FINGERPRINT_GOVERNOR, "powersave/balance_power");
    put(CPU "cpufreq/policy10/scaling_governor", "performance\n");
    put(CPU "cpufreq/policy2/scaling_governor", "schedutil\n");
    assert_read(TARE_FINGERPRINT_GOVERNOR, "performance powersave/balance_power schedutil");
    for (int i = 20; i < 40; i++) { /* more than any machine has */
        char name[256], text[32];
        snprintf(name, sizeof name, CPU "cpufreq/policy%d/scaling_governor", i);
        snprintf(text, sizeof text, "z%d\n", i);
        put(name, text);
    }
    struct tare_environment environment = environment_of(NAN);
    struct tare_fingerprint fingerprint = read_root(&environment, NULL);
    assert_non_null(fingerprint.parts[TARE_FINGERPRINT_GOVERNOR]);
    tare_fingerprint_release(&fingerprint);
}

static void test_switches(void **state)
{
    (void)state;
    put(CPU "smt/active", "0\n");
    assert_read(TARE_FINGERPRINT_SMT, "off");
    put(CPU "smt/active", "2\n");
    assert_read(TARE_FINGERPRINT_SMT, NULL);
    put(CPU "smt/active", "");
    assert_read(TARE_FINGERPRINT_SMT, NULL);
    put(CPU "cpufreq/boost", "0\n");
    assert_read(TARE_FINGERPRINT_TURBO, "off");
    put(CPU "intel_pstate/no_turbo", "0\n");
    assert_read(TARE_FINGERPRINT_TURBO, "on");
    put(CPU "intel_pstate/no_turbo", "1\n");
    assert_read(TARE_FINGERPRINT_TURBO, "off");
}

static void test_microcode(void **state)
{
    (void)state;
    put("/proc/cpuinfo", "microcode\t: 0x1\n"); /* not in the first line: that is the processor's number */
    assert_read(TARE_FINGERPRINT_MICROCODE, NULL);
    put("/proc/cpuinfo", "processor\t: 0\nmicrocode_of_another_kind\t: 0x1\n");
    assert_read(TARE_FINGERPRINT_MICROCODE, NULL);
    put("/proc/cpuinfo", "processor\t: 0\nmicrocode\t:\n");
    assert_read(TARE_FINGERPRINT_MICROCODE, NULL);
    put("/proc/cpuinfo", "processor\t: 0\nmicrocode");
    assert_read(TARE_FINGERPRINT_MICROCODE, NULL);
    put("/proc/cpuinfo", "processor\t: 0\nmicrocode\t: 0x2b000603");
    assert_read(TARE_FINGERPRINT_MICROCODE, "0x2b000603");
}

/*
 * What kernels say of machines of a known size, and what a little more or less for the kernel does not
 * change.
 */
static void test_memory(void **state)
{
    (void)state;
    static const struct {
        double mebibytes;
        const char *expected;
    } cases[] = {
        {15772, "16 GiB"},  {15900, "16 GiB"},   {16384, "16 GiB"}, {7900, "8 GiB"}, {23900, "24 GiB"},
        {64200, "64 GiB"},  {515000, "512 GiB"}, {1967, "2 GiB"},   {975, "1 GiB"},  {480, "512 MiB"},
        {1450, "1536 MiB"}, {3, "3 MiB"},        {0.5, "1 MiB"},    {0, NULL},       {-1, NULL},
        {INFINITY, NULL},   {NAN, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tare_environment environment = environment_of(cases[i].mebibytes * 0x1p20);
        struct tare_fingerprint fingerprint = read_root(&environment, NULL);
        assert_part(&fingerprint, TARE_FINGERPRINT_MEMORY, cases[i].expected);
        tare_fingerprint_release(&fingerprint);
    }
}

static void test_hostile_files(void **state)
{
    (void)state;
    char path[4096], *long_line = malloc(1 << 20);
    assert_non_null(long_line);
    memset(long_line, 'x', (1 << 20) - 1);
    long_line[(1 << 20) - 1] = '\0';
    put("/proc/cpuinfo", long_line);
    put(CPU "vulnerabilities/long", long_line);
    free(long_line);
    put(CPU "vulnerabilities/odd\x1b name", "Vulnerable \x1b[2J\xff\n");
    put(CPU "vulnerabilities/folder/file", "x");
    put(CPU "cpufreq/policy0/scaling_governor", "\x1b[2J\xff\n");
    put(CPU "smt/x", "");
    snprintf(path, sizeof path, "%s" CPU "smt/active", root);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it */
    struct tare_environment environment = environment_of(NAN);
    struct tare_fingerprint fingerprint = read_root(&environment, NULL);
    assert_part(&fingerprint, TARE_FINGERPRINT_GOVERNOR, "?[2J?");
    assert_part(&fingerprint, TARE_FINGERPRINT_SMT, NULL);
    assert_non_null(fingerprint.parts[TARE_FINGERPRINT_MITIGATIONS]);
    assert_int_equal(strncmp(fingerprint.parts[TARE_FINGERPRINT_MITIGATIONS],
                             "long=unclear odd? name=vulnerable details=", 42),
                     0);
    tare_fingerprint_release(&fingerprint);
}

static void test_what_differs_is_named(void **state)
{
    (void)state;
    struct tare_environment environment = environment_of(NAN);
    struct tare_fingerprint first = read_root(&environment, "a"), second = read_root(&environment, "a");
    assert_int_equal(tare_fingerprint_compare(&first, &second), 0);
    for (int part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        char *before = second.parts[part], other[] = "something else";
        second.parts[part] = other;
        tare_fingerprint_hash(&second);
        assert_int_equal(tare_fingerprint_compare(&first, &second), 1 << part);
        assert_int_equal(tare_fingerprint_compare(&second, &first), 1 << part);
        assert_string_not_equal(first.hash, second.hash);
        second.parts[part] = before;
        tare_fingerprint_hash(&second);
        assert_string_equal(first.hash, second.hash);
    }
    /* Of a version with more parts: all that we know is the same, and yet it is another. */
    second.hash[0] = second.hash[0] == 'a' ? 'b' : 'a';
    assert_int_equal(tare_fingerprint_compare(&first, &second), TARE_FINGERPRINT_OTHER);
    tare_fingerprint_release(&first);
    tare_fingerprint_release(&second);
}

static void test_names_and_kinds(void **state)
{
    (void)state;
    for (int part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        const char *name = tare_fingerprint_name(part);
        assert_non_null(name);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        for (int other = 0; other < part; other++) {
            assert_string_not_equal(name, tare_fingerprint_name(other));
        }
    }
    assert_int_equal(tare_fingerprint_kind(TARE_FINGERPRINT_CPU_MODEL), TARE_FINGERPRINT_IDENTITY);
    assert_int_equal(tare_fingerprint_kind(TARE_FINGERPRINT_GOVERNOR), TARE_FINGERPRINT_SETTING);
    assert_int_equal(tare_fingerprint_kind(TARE_FINGERPRINT_SETTINGS), TARE_FINGERPRINT_MEASUREMENT);
    assert_true(TARE_FINGERPRINT_PARTS < 31); /* bits of the comparison */
}

static void test_this_machine_twice(void **state)
{
    (void)state;
    struct tare_environment environment;
    struct tare_fingerprint first, second;
    assert_int_equal(tare_environment_read(&environment, NULL), 0);
    assert_int_equal(tare_fingerprint_read(&first, &environment, "1.2.3", "x"), 0);
    assert_int_equal(tare_fingerprint_read(&second, &environment, "1.2.3", "x"), 0);
    assert_non_null(first.parts[TARE_FINGERPRINT_MACHINE]);
    assert_non_null(first.parts[TARE_FINGERPRINT_KERNEL]);
    assert_non_null(first.parts[TARE_FINGERPRINT_MEMORY]);
    assert_int_equal(tare_fingerprint_compare(&first, &second), 0);
    tare_fingerprint_release(&first);
    tare_fingerprint_release(&second);
    tare_environment_release(&environment);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/tare-test-fingerprint-XXXXXX");
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
        TEST(test_a_whole_machine),
        TEST(test_nothing_there),
        TEST(test_the_hash_is_the_documented_one),
        TEST(test_what_is_not_part_of_it),
        TEST(test_mitigations),
        TEST(test_no_mitigation_needed),
        TEST(test_governors),
        TEST(test_switches),
        TEST(test_microcode),
        TEST(test_memory),
        TEST(test_hostile_files),
        TEST(test_what_differs_is_named),
        TEST(test_names_and_kinds),
        TEST(test_this_machine_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
