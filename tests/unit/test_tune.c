/* SPDX-License-Identifier: MIT */
/*
 * record/tune.h on machines that the test makes out of files: what is planned, set, saved and put back; and
 * what becomes of it when something fails, somebody else interferes, or the saved state is damaged.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/tune.h"
#include "record/tune_state.h"

#define CPU "/sys/devices/system/cpu/"
#define GOVERNOR(N) CPU "cpufreq/policy" #N "/scaling_governor"
#define HUGE_PAGES "/sys/kernel/mm/transparent_hugepage/enabled"
#define WATCHDOG "/proc/sys/kernel/nmi_watchdog"
#define PARANOID "/proc/sys/kernel/perf_event_paranoid"
#define BOOT "/proc/sys/kernel/random/boot_id"

static char root[64];   /* a new one for each test */
static char state[128]; /* in a folder of its own, which is not there at first */

static const char *below(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s%s", root, name);
    return path;
}

static void put(const char *name, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *name, const char *expected)
{
    char text[256] = "";
    FILE *file = fopen(below(name), "re");
    if (file == NULL) {
        fail_msg("no '%s'", name);
        return;
    }
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    text[strcspn(text, "\n")] = '\0';
    assert_string_equal(text, expected);
}

static bool state_exists(void)
{
    return access(state, F_OK) == 0;
}

static int make_root(void **unused)
{
    (void)unused;
    snprintf(root, sizeof root, "/tmp/tare-tune-XXXXXX");
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    snprintf(state, sizeof state, "%s/run/tuned", root);
    put(BOOT, "11111111-2222-3333-4444-555555555555\n");
    put(GOVERNOR(0), "powersave\n");
    put(CPU "cpufreq/policy0/scaling_available_governors", "performance powersave\n");
    put(GOVERNOR(1), "powersave\n");
    put(CPU "cpufreq/policy1/scaling_available_governors", "performance powersave\n");
    put(HUGE_PAGES, "[always] madvise never\n");
    put(WATCHDOG, "1\n");
    put(PARANOID, "4\n");
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *position)
{
    (void)status;
    (void)type;
    (void)position;
    return remove(path);
}

static int remove_root(void **unused)
{
    (void)unused;
    return nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static struct tare_tune_report report;

static int apply(void)
{
    tare_tune_report_release(&report);
    return tare_tune_apply(root, state, &report);
}

static int restore(void)
{
    tare_tune_report_release(&report);
    return tare_tune_restore(root, state, &report);
}

static const struct tare_tune_line *line_of(const char *path)
{
    for (size_t i = 0; i < report.count; i++) {
        if (strcmp(report.lines[i].path, path) == 0) {
            return &report.lines[i];
        }
    }
    fail_msg("nothing is told of '%s'", path);
    return NULL;
}

static void assert_line(const char *path, enum tare_tune_outcome outcome, const char *from, const char *to)
{
    const struct tare_tune_line *line = line_of(path);
    assert_int_equal(line->outcome, outcome);
    assert_string_equal(line->from, from);
    assert_string_equal(line->to, to);
}

static void assert_untouched(void)
{
    assert_file(GOVERNOR(0), "powersave");
    assert_file(GOVERNOR(1), "powersave");
    assert_file(HUGE_PAGES, "[always] madvise never");
    assert_file(WATCHDOG, "1");
    assert_file(PARANOID, "4");
}

/* Real files of the kernel show all choices; ours show what was written. */
static void assert_set(void)
{
    assert_file(GOVERNOR(0), "performance");
    assert_file(GOVERNOR(1), "performance");
    assert_file(HUGE_PAGES, "madvise");
    assert_file(WATCHDOG, "0");
    assert_file(PARANOID, "1");
}

static void assert_put_back(void)
{
    assert_file(GOVERNOR(0), "powersave");
    assert_file(GOVERNOR(1), "powersave");
    assert_file(HUGE_PAGES, "always");
    assert_file(WATCHDOG, "1");
    assert_file(PARANOID, "4");
}

static void what_is_set_is_put_back(void **unused)
{
    (void)unused;
    assert_int_equal(apply(), 0);
    assert_set();
    assert_int_equal(report.count, 5);
    assert_line(GOVERNOR(1), TARE_TUNE_SET, "powersave", "performance");
    assert_line(PARANOID, TARE_TUNE_SET, "4", "1");
    assert_true(state_exists());
    assert_int_equal(restore(), 0);
    assert_put_back();
    assert_int_equal(report.count, 5);
    assert_line(PARANOID, TARE_TUNE_SET, "1", "4");
    assert_false(state_exists());
    assert_int_equal(restore(), 0);
    assert_true(report.nothing);
    assert_int_equal(report.count, 0);
}

static void a_machine_that_is_as_it_should_be(void **unused)
{
    (void)unused;
    assert_int_equal(apply(), 0);
    unlink(state);
    rmdir(below("/run"));
    assert_int_equal(apply(), 0);
    assert_true(report.nothing);
    assert_int_equal(report.count, 0);
    assert_int_not_equal(access(below("/run"), F_OK), 0);
    assert_int_equal(restore(), 0); /* not even the folder is there */
    assert_true(report.nothing);
}

static void nothing_is_guessed_about_an_empty_machine(void **unused)
{
    (void)unused;
    struct tare_tune_plan plan;
    assert_int_equal(tare_tune_plan(&plan, below("/run")), 0);
    assert_int_equal(plan.count, 0);
    tare_tune_plan_release(&plan);
}

static void what_may_not_be_set_is_not_planned(void **unused)
{
    (void)unused;
    struct tare_tune_plan plan;
    put(GOVERNOR(0), "userspace\n"); /* somebody holds the rate by hand */
    put(CPU "cpufreq/policy1/scaling_available_governors", "powersave ondemand\n");
    put(HUGE_PAGES, "always [madvise] never\n");
    put(WATCHDOG, "0\n");
    put(PARANOID, "-1\n");
    put("/proc/sys/kernel/numa_balancing", "1\n");
    put("/sys/devices/system/node/online", "0\n");
    put("/proc/sys/kernel/randomize_va_space", "2\n");
    put(CPU "smt/control", "on\n");
    assert_int_equal(tare_tune_plan(&plan, root), 0);
    assert_int_equal(plan.count, 0);
    tare_tune_plan_release(&plan);
    put("/sys/devices/system/node/online", "0-1\n");
    put(CPU "cpufreq/boost", "1\n");
    put(CPU "intel_pstate/no_turbo", "0\n");
    assert_int_equal(tare_tune_plan(&plan, root), 0);
    assert_int_equal(plan.count, 2);
    assert_string_equal(plan.settings[0].path, CPU "intel_pstate/no_turbo"); /* which overrules the other */
    assert_string_equal(plan.settings[0].want, "1");
    assert_string_equal(plan.settings[1].path, "/proc/sys/kernel/numa_balancing");
    tare_tune_plan_release(&plan);
}

static void applying_twice_keeps_the_first_originals(void **unused)
{
    (void)unused;
    assert_int_equal(apply(), 0);
    assert_int_equal(apply(), 0);
    assert_true(report.nothing);
    put(WATCHDOG, "1\n"); /* somebody has set it back */
    put(GOVERNOR(0), "schedutil\n");
    assert_int_equal(apply(), 0);
    assert_int_equal(report.count, 2);
    assert_set();
    assert_int_equal(restore(), 0);
    assert_put_back();
}

static void a_later_apply_adds_to_what_is_saved(void **unused)
{
    (void)unused;
    put(PARANOID, "1\n");
    assert_int_equal(apply(), 0);
    put(PARANOID, "3\n");
    assert_int_equal(apply(), 0);
    assert_int_equal(report.count, 1);
    assert_int_equal(restore(), 0);
    assert_int_equal(report.count, 5);
    assert_file(PARANOID, "3");
    assert_file(WATCHDOG, "1");
}

static void what_somebody_else_has_changed_is_left_alone(void **unused)
{
    (void)unused;
    assert_int_equal(apply(), 0);
    put(GOVERNOR(0), "ondemand\n");
    put(PARANOID, "4\n"); /* as it was */
    assert_int_equal(restore(), 0);
    assert_line(GOVERNOR(0), TARE_TUNE_FOREIGN, "ondemand", "powersave");
    assert_line(PARANOID, TARE_TUNE_SAME, "4", "4");
    assert_file(GOVERNOR(0), "ondemand");
    assert_file(GOVERNOR(1), "powersave");
    assert_file(WATCHDOG, "1");
    assert_false(state_exists());
}

/* As it stands after a crash: everything is saved before anything is changed. */
static void a_crash_at_any_moment_can_be_restored_from(void **unused)
{
    (void)unused;
    static const char *const files[] = {GOVERNOR(0), GOVERNOR(1), HUGE_PAGES, WATCHDOG, PARANOID};
    static const char *const before[] = {"powersave\n", "powersave\n", "always\n", "1\n", "4\n"};
    static const char *const after[] = {"performance\n", "performance\n", "madvise\n", "0\n", "1\n"};
    for (size_t changed = 0; changed <= 5; changed++) {
        for (size_t i = 0; i < 5; i++) {
            put(files[i], before[i]);
        }
        assert_int_equal(apply(), 0);
        for (size_t i = 0; i < 5; i++) {
            put(files[i], i < changed ? after[i] : before[i]);
        }
        assert_int_equal(restore(), 0);
        assert_put_back();
        assert_false(state_exists());
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(line_of(files[i])->outcome, i < changed ? TARE_TUNE_SET : TARE_TUNE_SAME);
        }
    }
}

/*
 * Puts a file of the kernel in place of a governor, which reads "allow" and takes neither "performance" nor
 * anything else that we would write. False: there is none.
 */
static bool put_refusing_governor(void)
{
    put(GOVERNOR(1), "");
    unlink(below(GOVERNOR(1)));
    assert_int_equal(symlink("/proc/self/setgroups", below(GOVERNOR(1))), 0);
    char text[16] = "";
    FILE *file = fopen("/proc/self/setgroups", "re");
    bool there = file != NULL && fgets(text, sizeof text, file) != NULL && strcmp(text, "allow\n") == 0;
    if (file != NULL) {
        fclose(file);
    }
    return there && access("/proc/self/setgroups", W_OK) == 0;
}

static void one_failure_puts_everything_back(void **unused)
{
    (void)unused;
    if (!put_refusing_governor()) {
        print_message("skipped: no /proc/self/setgroups that could be refused\n");
        skip();
    }
    int result = apply();
    assert_true(result == -EINVAL || result == -EACCES || result == -EPERM);
    assert_int_equal(report.stage, TARE_TUNE_WRITE);
    assert_string_equal(report.subject, GOVERNOR(1));
    assert_line(GOVERNOR(0), TARE_TUNE_UNDONE, "powersave", "performance");
    assert_int_equal(line_of(GOVERNOR(1))->outcome, TARE_TUNE_FAILED);
    assert_int_equal(line_of(GOVERNOR(1))->error, -result);
    assert_int_equal(report.count, 2); /* it did not go on */
    assert_file(GOVERNOR(0), "powersave");
    assert_file(GOVERNOR(1), "allow");
    assert_file(WATCHDOG, "1");
    assert_false(state_exists());
}

static void a_failure_leaves_what_an_earlier_apply_saved(void **unused)
{
    (void)unused;
    assert_int_equal(apply(), 0);
    put(GOVERNOR(0), "ondemand\n");
    if (!put_refusing_governor()) {
        print_message("skipped: no /proc/self/setgroups that could be refused\n");
        skip();
    }
    assert_int_not_equal(apply(), 0);
    assert_file(GOVERNOR(0), "ondemand"); /* as this apply found it */
    assert_true(state_exists());
    unlink(below(GOVERNOR(1)));
    put(GOVERNOR(1), "performance\n");
    assert_int_equal(restore(), 0);
    assert_line(GOVERNOR(0), TARE_TUNE_FOREIGN, "ondemand", "powersave");
    assert_file(GOVERNOR(1), "powersave");
    assert_file(WATCHDOG, "1");
}

static void what_cannot_be_put_back_stays_saved(void **unused)
{
    (void)unused;
    assert_int_equal(apply(), 0);
    unlink(below(GOVERNOR(1))); /* its processor is offline */
    assert_int_equal(restore(), -EIO);
    assert_int_equal(report.stage, TARE_TUNE_WRITE);
    assert_string_equal(report.subject, GOVERNOR(1));
    assert_int_equal(line_of(GOVERNOR(1))->outcome, TARE_TUNE_FAILED);
    assert_int_equal(line_of(GOVERNOR(1))->error, ENOENT);
    assert_file(GOVERNOR(0), "powersave");
    assert_file(WATCHDOG, "1");
    assert_true(state_exists());
    put(GOVERNOR(1), "performance\n"); /* and is back */
    assert_int_equal(restore(), 0);
    assert_int_equal(report.count, 1);
    assert_file(GOVERNOR(1), "powersave");
    assert_false(state_exists());
}

static void without_permission_nothing_is_touched(void **unused)
{
    (void)unused;
    static const char *const files[] = {GOVERNOR(0), GOVERNOR(1), HUGE_PAGES, WATCHDOG, PARANOID};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(chmod(below(files[i]), 0444), 0);
    }
    bool is_root = geteuid() == 0;
    assert_int_equal(chmod(root, 0755), 0);
    assert_true(!is_root || seteuid(65534) == 0);
    int result = apply();
    assert_true(!is_root || seteuid(0) == 0);
    assert_int_equal(result, -EACCES);
    assert_int_equal(report.stage, TARE_TUNE_CHECK);
    assert_string_equal(report.subject, GOVERNOR(0));
    assert_int_equal(report.count, 0);
    assert_untouched();
    assert_int_not_equal(access(below("/run"), F_OK), 0);
}

/* Who may not put back what another has set is told so, and what is saved stays. */
static void without_permission_nothing_is_put_back(void **unused)
{
    (void)unused;
    assert_int_equal(apply(), 0);
    if (geteuid() != 0) {
        print_message("skipped: not root, so there is nobody else to be\n");
        skip();
    }
    assert_int_equal(chmod(root, 0755), 0);
    assert_int_equal(seteuid(65534), 0);
    int result = restore();
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(result, -EACCES);
    assert_int_equal(report.stage, TARE_TUNE_CHECK);
    assert_set();
    assert_int_equal(restore(), 0);
    assert_put_back();
}

static void a_state_that_cannot_be_written_changes_nothing(void **unused)
{
    (void)unused;
    put("/run", "a file in the place of the folder\n");
    assert_int_equal(apply(), -ENOTDIR);
    assert_int_equal(report.stage, TARE_TUNE_STATE);
    assert_untouched();
    snprintf(state, sizeof state, "%s/not/there/tuned", root);
    assert_int_equal(apply(), -ENOENT);
    assert_untouched();
}

static void one_at_a_time(void **unused)
{
    (void)unused;
    assert_int_equal(mkdir(below("/run"), 0700), 0);
    int folder = open(below("/run"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    assert_int_equal(flock(folder, LOCK_EX), 0);
    assert_int_equal(apply(), -EBUSY);
    assert_int_equal(restore(), -EBUSY);
    assert_untouched();
    close(folder);
    assert_int_equal(apply(), 0);
    assert_set();
}

static void a_state_of_an_earlier_boot_is_dropped(void **unused)
{
    (void)unused;
    assert_int_equal(apply(), 0);
    put(BOOT, "99999999-2222-3333-4444-555555555555\n");
    put(WATCHDOG, "1\n");
    assert_int_equal(restore(), 0);
    assert_true(report.other_boot);
    assert_int_equal(report.count, 0);
    assert_file(GOVERNOR(0), "performance"); /* which is now somebody else's doing */
    assert_false(state_exists());
    assert_int_equal(apply(), 0);
    put(BOOT, "00000000-2222-3333-4444-555555555555\n");
    put(WATCHDOG, "1\n");
    put(PARANOID, "2\n");
    assert_int_equal(apply(), 0);
    assert_int_equal(restore(), 0);
    assert_int_equal(report.count, 2); /* of the later boot alone */
    assert_file(PARANOID, "2");
    assert_file(GOVERNOR(0), "performance");
}

static void without_a_boot_id_states_are_of_this_boot(void **unused)
{
    (void)unused;
    unlink(below(BOOT));
    assert_int_equal(apply(), 0);
    assert_int_equal(restore(), 0);
    assert_false(report.other_boot);
    assert_put_back();
}

/* The kernel changes the preference along with the governor, and does not change it back. */
static void what_changes_along_is_put_back(void **unused)
{
    (void)unused;
    static const char preference[] = CPU "cpufreq/policy0/energy_performance_preference";
    assert_int_equal(symlink("scaling_governor", below(preference)), 0); /* changes along */
    assert_int_equal(apply(), 0);
    assert_int_equal(report.count, 5); /* it is nothing that we have set */
    assert_file(preference, "performance");
    unlink(below(preference));
    put(preference, "performance\n"); /* does not change back */
    assert_int_equal(restore(), 0);
    assert_file(preference, "powersave");
    assert_line(preference, TARE_TUNE_SET, "performance", "powersave");
    assert_true(line_of(preference)->keep);
    assert_false(state_exists());
}

static void what_changes_along_and_back_needs_no_hand(void **unused)
{
    (void)unused;
    static const char limit[] = CPU "cpufreq/policy0/scaling_max_freq";
    put(CPU "cpufreq/boost", "1\n");
    assert_int_equal(symlink("../boost", below(limit)), 0);
    assert_int_equal(apply(), 0);
    assert_file(limit, "0");
    assert_int_equal(restore(), 0);
    assert_int_equal(report.count, 6);
    assert_file(limit, "1");
    assert_file(CPU "cpufreq/boost", "1");
}

static void what_somebody_else_has_done_to_it_is_left_alone(void **unused)
{
    (void)unused;
    static const char limit[] = CPU "cpufreq/policy0/scaling_max_freq";
    put(CPU "cpufreq/boost", "1\n");
    put(limit, "4000000\n");
    assert_int_equal(apply(), 0);
    put(limit, "1500000\n");
    assert_int_equal(restore(), 0);
    assert_line(limit, TARE_TUNE_FOREIGN, "1500000", "4000000");
    assert_file(limit, "1500000");
    assert_file(CPU "cpufreq/boost", "1");
    /* But before it is known what became of it, as after a crash, it is ours. */
    FILE *file = fopen(state, "we");
    assert_non_null(file);
    fprintf(file, "tare-tuned 1\nboot 11111111-2222-3333-4444-555555555555\nkeep %s 4000000 -\nend 1\n", limit);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(restore(), 0);
    assert_file(limit, "4000000");
}

static char *read_state(size_t *size)
{
    char *text = calloc(1, 65536);
    FILE *file = fopen(state, "re");
    assert_true(text != NULL && file != NULL);
    *size = fread(text, 1, 65535, file);
    fclose(file);
    return text;
}

static void write_state(const char *text, size_t size)
{
    FILE *file = fopen(state, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void a_state_cut_short_anywhere_is_refused(void **unused)
{
    (void)unused;
    size_t size;
    assert_int_equal(apply(), 0);
    char *text = read_state(&size);
    for (size_t cut = 0; cut < size; cut++) {
        struct tare_tuned tuned;
        assert_int_equal(tare__tuned_parse(&tuned, text, cut), -EBADMSG);
        tare__tuned_release(&tuned);
    }
    write_state(text, size / 2);
    assert_int_equal(restore(), -EBADMSG);
    assert_int_equal(report.stage, TARE_TUNE_STATE);
    assert_set();
    put(WATCHDOG, "1\n");
    assert_int_equal(apply(), -EBADMSG); /* and what is in it is not written over */
    assert_file(WATCHDOG, "1");
    size_t left;
    char *after = read_state(&left);
    assert_int_equal(left, size / 2);
    assert_memory_equal(after, text, left);
    free(after);
    free(text);
}

/* Whatever a byte is changed to: a state that names another file, or anything but words, is no state. */
static void a_damaged_state_never_names_other_files(void **unused)
{
    (void)unused;
    size_t size;
    assert_int_equal(apply(), 0);
    char *text = read_state(&size);
    for (size_t at = 0; at < size; at++) {
        static const unsigned char bytes[] = {0, '\n', ' ', '/', '.', '-', '9', 'x', 0x80, 0xff};
        for (size_t i = 0; i < sizeof bytes; i++) {
            struct tare_tuned tuned;
            char before = text[at];
            text[at] = (char)bytes[i];
            int result = tare__tuned_parse(&tuned, text, size);
            assert_true(result == 0 || result == -EBADMSG);
            for (size_t entry = 0; entry < tuned.count; entry++) {
                assert_true(tare__tuned_path(tuned.entries[entry].path));
                assert_true(tare__tuned_value(tuned.entries[entry].saved));
                assert_true(tare__tuned_value(tuned.entries[entry].set));
            }
            tare__tuned_release(&tuned);
            text[at] = before;
        }
    }
    free(text);
}

static void hostile_states_are_refused(void **unused)
{
    (void)unused;
    static const char *const lines[] = {
        "set /etc/passwd x y",
        "set " CPU "cpufreq/policy0/../../../../../../etc/passwd x y",
        "set " CPU "cpufreq/policy/scaling_governor x y",
        "set " CPU "cpufreq/policy0x/scaling_governor x y",
        "set " CPU "cpufreq/policy0/scaling_governor/ x y",
        "set " CPU "cpufreq/policy0/scaling_setspeed x y",
        "set " WATCHDOG " 1",
        "set " WATCHDOG " 1 0 1",
        "set " WATCHDOG "  0",
        "set " WATCHDOG " 1 -",
        "set " WATCHDOG " $(x) 0",
        "set " WATCHDOG " 1 0\nset " WATCHDOG " 1 0",
        "put " WATCHDOG " 1 0",
        "set",
        "",
    };
    assert_int_equal(mkdir(below("/run"), 0700), 0);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[1024];
        int size = snprintf(text, sizeof text, "tare-tuned 1\nboot -\n%s\nend %d\n", lines[i],
                            strchr(lines[i], '\n') != NULL ? 2 : 1);
        struct tare_tuned tuned;
        if (tare__tuned_parse(&tuned, text, (size_t)size) != -EBADMSG) {
            fail_msg("accepted: %s", lines[i]);
        }
        tare__tuned_release(&tuned);
    }
    static const char *const whole[] = {
        "",
        "tare-tuned 2\nboot -\nend 0\n",
        "tare-tuned 1\nend 0\n",
        "tare-tuned 1\nboot\nend 0\n",
        "tare-tuned 1\nboot -\nend 1\n",
        "tare-tuned 1\nboot -\nend 0\nend 0\n",
        "tare-tuned 1\nboot -\nend 0\nmore",
    };
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        struct tare_tuned tuned;
        assert_int_equal(tare__tuned_parse(&tuned, whole[i], strlen(whole[i])), -EBADMSG);
        tare__tuned_release(&tuned);
    }
    write_state("tare-tuned 1\nboot -\nend 0\n", 26);
    assert_int_equal(restore(), 0); /* is one, with nothing in it, of another boot */
}

static void a_state_that_others_may_write_is_not_trusted(void **unused)
{
    (void)unused;
    assert_int_equal(apply(), 0);
    assert_int_equal(chmod(state, 0666), 0);
    assert_int_equal(restore(), -EPERM);
    assert_int_equal(report.stage, TARE_TUNE_STATE);
    assert_set();
    assert_int_equal(chmod(state, 0644), 0);
    char moved[160];
    snprintf(moved, sizeof moved, "%s.moved", state);
    assert_int_equal(rename(state, moved), 0);
    assert_int_equal(symlink(moved, state), 0);
    assert_int_equal(restore(), -EPERM); /* nor is a link to one */
    assert_set();
    unlink(state);
    assert_int_equal(mkfifo(state, 0600), 0);
    assert_int_equal(restore(), -EBADMSG); /* nor does a FIFO hang us */
}

static void a_folder_that_others_may_write_is_not_trusted(void **unused)
{
    (void)unused;
    static const mode_t open_to_others[] = {0775, 0757, 0777};
    assert_int_equal(mkdir(below("/run"), 0755), 0);
    for (size_t i = 0; i < sizeof open_to_others / sizeof open_to_others[0]; i++) {
        assert_int_equal(chmod(below("/run"), open_to_others[i]), 0);
        assert_int_equal(apply(), -EPERM);
        assert_int_equal(report.stage, TARE_TUNE_STATE);
        assert_true(report.folder);
        assert_false(state_exists());
        assert_untouched();
    }
    assert_int_equal(chmod(below("/run"), 01777), 0); /* as /tmp is */
    assert_int_equal(apply(), 0);
    assert_set();
    assert_int_equal(chmod(below("/run"), 0777), 0);
    assert_int_equal(restore(), -EPERM);
    assert_true(report.folder);
    assert_set();
    assert_true(state_exists());
    assert_int_equal(chmod(below("/run"), 0755), 0);
    assert_int_equal(restore(), 0);
    assert_put_back();
}

static void a_folder_of_somebody_else_is_not_trusted(void **unused)
{
    (void)unused;
    if (geteuid() != 0) {
        print_message("skipped: not root, so nothing can be given to somebody else\n");
        skip();
    }
    assert_int_equal(mkdir(below("/run"), 0755), 0);
    assert_int_equal(chown(below("/run"), 65534, 65534), 0);
    assert_int_equal(apply(), -EPERM);
    assert_true(report.folder);
    assert_untouched();
    assert_int_equal(chmod(below("/run"), 01777), 0); /* its owner may do as he likes there all the same */
    assert_int_equal(apply(), -EPERM);
    assert_untouched();
    assert_int_equal(chown(below("/run"), 0, 0), 0);
    assert_int_equal(apply(), 0);
    assert_int_equal(restore(), 0);
    assert_put_back();
}

static void what_an_earlier_writer_left_is_in_nobodys_way(void **unused)
{
    (void)unused;
    put("/run/tuned.new", "half a state");
    assert_int_equal(apply(), 0);
    assert_set();
    assert_int_not_equal(access(below("/run/tuned.new"), F_OK), 0);
    assert_int_equal(restore(), 0);
    assert_put_back();
}

static int release_report(void **unused)
{
    tare_tune_report_release(&report);
    return remove_root(unused);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, make_root, release_report)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_set_is_put_back),
        TEST(a_machine_that_is_as_it_should_be),
        TEST(nothing_is_guessed_about_an_empty_machine),
        TEST(what_may_not_be_set_is_not_planned),
        TEST(applying_twice_keeps_the_first_originals),
        TEST(a_later_apply_adds_to_what_is_saved),
        TEST(what_somebody_else_has_changed_is_left_alone),
        TEST(a_crash_at_any_moment_can_be_restored_from),
        TEST(one_failure_puts_everything_back),
        TEST(a_failure_leaves_what_an_earlier_apply_saved),
        TEST(what_cannot_be_put_back_stays_saved),
        TEST(without_permission_nothing_is_touched),
        TEST(without_permission_nothing_is_put_back),
        TEST(a_state_that_cannot_be_written_changes_nothing),
        TEST(one_at_a_time),
        TEST(a_state_of_an_earlier_boot_is_dropped),
        TEST(without_a_boot_id_states_are_of_this_boot),
        TEST(what_changes_along_is_put_back),
        TEST(what_changes_along_and_back_needs_no_hand),
        TEST(what_somebody_else_has_done_to_it_is_left_alone),
        TEST(a_state_cut_short_anywhere_is_refused),
        TEST(a_damaged_state_never_names_other_files),
        TEST(hostile_states_are_refused),
        TEST(a_state_that_others_may_write_is_not_trusted),
        TEST(a_folder_that_others_may_write_is_not_trusted),
        TEST(a_folder_of_somebody_else_is_not_trusted),
        TEST(what_an_earlier_writer_left_is_in_nobodys_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
