/* SPDX-License-Identifier: MIT */
/*
 * Setting a machine up, and putting it back; record/tune.h has the rules. The order is what makes it safe:
 * look, ask for permission, save, change, look again. Each value is read back after it was written, since the
 * kernel takes some values and does something else.
 */
#include "record/tune.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/files.h"
#include "record/tune_state.h"

enum { POLICIES_MAX = 8192 };

#define CPU "/sys/devices/system/cpu/"
#define KERNEL "/proc/sys/kernel/"
#define HUGE_PAGES "/sys/kernel/mm/transparent_hugepage/enabled"

/* 0, -errno, or -EINVAL for what is not one word. */
static int read_value(char value[TARE_TUNE_VALUE], const char *root, const char *path)
{
    char text[TARE_TUNE_VALUE * 2];
    int result = strcmp(path, HUGE_PAGES) == 0 ? tare__file_choice(root, path, text, sizeof text)
                                               : tare__file_line(root, path, text, sizeof text);
    bool word = result == 0 && tare__tuned_value(text);
    snprintf(value, TARE_TUNE_VALUE, "%.*s", TARE_TUNE_VALUE - 1, word ? text : "");
    return result != 0 ? result : word ? 0 : -EINVAL;
}

/* 0: it stands there; -errno; -EIO: it was taken, and something else stands there. */
static int write_value(const char *root, const char *path, const char *value)
{
    char name[TARE__FILE_PATH], line[TARE_TUNE_VALUE + 2], now[TARE_TUNE_VALUE];
    int length = snprintf(name, sizeof name, "%s%s", root, path);
    if (length < 0 || (size_t)length >= sizeof name) {
        return -ENAMETOOLONG;
    }
    /* Not O_TRUNC: of files in /proc and /sys it does nothing, and of others a crash would leave an empty one. */
    int fd = open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    size_t size = (size_t)snprintf(line, sizeof line, "%s\n", value);
    ssize_t put = write(fd, line, size);
    int result = put == (ssize_t)size ? 0 : put < 0 ? -errno : -EIO;
    if (close(fd) != 0 && result == 0) {
        result = -errno;
    }
    if (result == 0 && (read_value(now, root, path) != 0 || strcmp(now, value) != 0)) {
        result = -EIO;
    }
    return result;
}

/* 0 or -errno: what writing there would be refused for. */
static int check_write(const char *root, const char *path)
{
    char name[TARE__FILE_PATH];
    int length = snprintf(name, sizeof name, "%s%s", root, path);
    if (length < 0 || (size_t)length >= sizeof name) {
        return -ENAMETOOLONG;
    }
    return faccessat(AT_FDCWD, name, W_OK, AT_EACCESS) == 0 ? 0 : -errno;
}

static int plan_add(struct tare_tune_plan *plan, const char *root, const char *path, const char *want)
{
    struct tare_setting setting = {.keep = want == NULL};
    if (read_value(setting.now, root, path) != 0 || (want != NULL && strcmp(setting.now, want) == 0)) {
        return 0;
    }
    struct tare_setting *more = realloc(plan->settings, (plan->count + 1) * sizeof *more);
    if (more == NULL) {
        return -ENOMEM;
    }
    snprintf(setting.path, sizeof setting.path, "%s", path);
    snprintf(setting.want, sizeof setting.want, "%s", want != NULL ? want : "");
    plan->settings = more;
    plan->settings[plan->count++] = setting;
    return 0;
}

/* What a policy has that is called `file`. */
static void policy_path(char path[TARE_TUNE_PATH], unsigned policy, const char *file)
{
    snprintf(path, TARE_TUNE_PATH, CPU "cpufreq/policy%u/%s", policy, file);
}

/*
 * "userspace" is left alone: somebody holds the clock rate by hand, which is as steady, and changing the
 * governor would lose the rate.
 */
static int plan_governors(struct tare_tune_plan *plan, const char *root, const unsigned *policies, size_t count)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        char path[TARE_TUNE_PATH], now[TARE_TUNE_VALUE];
        policy_path(path, policies[i], "scaling_available_governors");
        if (!tare__file_has_word(root, path, "performance")) {
            continue;
        }
        policy_path(path, policies[i], "scaling_governor");
        if (read_value(now, root, path) == 0 && strcmp(now, "userspace") != 0) {
            result = plan_add(plan, root, path, "performance");
        }
    }
    return result;
}

/*
 * What goes along with a governor (intel_pstate and amd_pstate set the preference to "performance" and do not
 * always take that back) and with turbo (the limits of the rate are cut to what is left, and stay cut).
 */
static int plan_companions(struct tare_tune_plan *plan, const char *root, const unsigned *policies,
                           size_t count, bool turbo)
{
    static const char *const limits[] = {"scaling_max_freq", "scaling_min_freq"};
    char path[TARE_TUNE_PATH];
    size_t settings = plan->count;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        policy_path(path, policies[i], "scaling_governor");
        bool governor = false;
        for (size_t j = 0; j < settings; j++) {
            governor = governor || strcmp(plan->settings[j].path, path) == 0;
        }
        if (governor) {
            policy_path(path, policies[i], "energy_performance_preference");
            result = plan_add(plan, root, path, NULL);
        }
        for (size_t j = 0; j < 2 && turbo && result == 0; j++) {
            policy_path(path, policies[i], limits[j]);
            result = plan_add(plan, root, path, NULL);
        }
    }
    if (turbo && result == 0) {
        result = plan_add(plan, root, CPU "intel_pstate/max_perf_pct", NULL);
    }
    if (turbo && result == 0) {
        result = plan_add(plan, root, CPU "intel_pstate/min_perf_pct", NULL);
    }
    return result;
}

static int plan_kernel(struct tare_tune_plan *plan, const char *root)
{
    char now[TARE_TUNE_VALUE], nodes[256];
    long long level;
    int result = 0;
    if (read_value(now, root, HUGE_PAGES) == 0 && strcmp(now, "always") == 0) {
        result = plan_add(plan, root, HUGE_PAGES, "madvise");
    }
    if (result == 0) {
        result = plan_add(plan, root, KERNEL "nmi_watchdog", "0");
    }
    if (result == 0 && tare__file_line(root, "/sys/devices/system/node/online", nodes, sizeof nodes) == 0 &&
        tare__list_count(nodes) > 1) {
        result = plan_add(plan, root, KERNEL "numa_balancing", "0");
    }
    if (result == 0 && tare__file_number(root, KERNEL "perf_event_paranoid", &level) == 0 && level > 1) {
        result = plan_add(plan, root, KERNEL "perf_event_paranoid", "1");
    }
    return result;
}

int tare_tune_plan(struct tare_tune_plan *plan, const char *root)
{
    *plan = (struct tare_tune_plan){0};
    unsigned *policies = malloc(POLICIES_MAX * sizeof *policies);
    if (policies == NULL) {
        return -ENOMEM;
    }
    size_t count = tare__file_numbered(root, CPU "cpufreq", "policy", policies, POLICIES_MAX);
    int result = plan_governors(plan, root, policies, count);
    size_t before = plan->count;
    if (result == 0) {
        bool intel = tare__file_exists(root, CPU "intel_pstate/no_turbo");
        result = intel ? plan_add(plan, root, CPU "intel_pstate/no_turbo", "1")
                       : plan_add(plan, root, CPU "cpufreq/boost", "0");
    }
    bool turbo = plan->count > before;
    if (result == 0) {
        result = plan_kernel(plan, root);
    }
    if (result == 0) {
        result = plan_companions(plan, root, policies, count, turbo);
    }
    free(policies);
    if (result != 0) {
        tare_tune_plan_release(plan);
    }
    return result;
}

void tare_tune_plan_release(struct tare_tune_plan *plan)
{
    free(plan->settings);
    *plan = (struct tare_tune_plan){0};
}

/* `room` lines at most; all of them are made at the start, so that nothing can fail for memory half-way. */
static int report_init(struct tare_tune_report *report, size_t room)
{
    *report = (struct tare_tune_report){0};
    report->lines = calloc(room > 0 ? room : 1, sizeof *report->lines);
    return report->lines != NULL ? 0 : -ENOMEM;
}

void tare_tune_report_release(struct tare_tune_report *report)
{
    free(report->lines);
    *report = (struct tare_tune_report){0};
}

static struct tare_tune_line *report_add(struct tare_tune_report *report, const char *path, const char *from,
                                         const char *to, enum tare_tune_outcome outcome)
{
    struct tare_tune_line *line = &report->lines[report->count++];
    *line = (struct tare_tune_line){.outcome = outcome};
    snprintf(line->path, sizeof line->path, "%s", path);
    snprintf(line->from, sizeof line->from, "%s", from);
    snprintf(line->to, sizeof line->to, "%s", to);
    return line;
}

static int fail(struct tare_tune_report *report, enum tare_tune_stage stage, const char *subject, int result)
{
    report->stage = stage;
    snprintf(report->subject, sizeof report->subject, "%s", subject);
    return result;
}

/* The first file of the plan that may not be written, or 0. */
static int check_plan(const struct tare_tune_plan *plan, const char *root, struct tare_tune_report *report)
{
    for (size_t i = 0; i < plan->count; i++) {
        int result = plan->settings[i].keep ? 0 : check_write(root, plan->settings[i].path);
        if (result != 0) {
            return fail(report, TARE_TUNE_CHECK, plan->settings[i].path, result);
        }
    }
    return 0;
}

/* What is saved already, and what the plan adds to it. */
static int merge(struct tare_tuned *merged, const struct tare_tuned *saved, const struct tare_tune_plan *plan)
{
    snprintf(merged->boot, sizeof merged->boot, "%s", saved->boot);
    int result = 0;
    for (size_t i = 0; i < saved->count && result == 0; i++) {
        result = tare__tuned_add(merged, &saved->entries[i]);
    }
    for (size_t i = 0; i < plan->count && result == 0; i++) {
        const struct tare_setting *setting = &plan->settings[i];
        struct tare_tuned_entry *known = tare__tuned_find(merged, setting->path);
        if (known == NULL) {
            struct tare_tuned_entry entry = {.keep = setting->keep};
            snprintf(entry.path, sizeof entry.path, "%s", setting->path);
            snprintf(entry.saved, sizeof entry.saved, "%s", setting->now);
            snprintf(entry.set, sizeof entry.set, "%s", setting->keep ? "-" : setting->want);
            result = tare__tuned_add(merged, &entry);
        } else if (!setting->keep) {
            snprintf(known->set, sizeof known->set, "%s", setting->want);
        }
    }
    return result;
}

/* Puts back the first `count` settings of a plan, the last one first. Returns whether all stand as before. */
static bool undo(const struct tare_tune_plan *plan, size_t count, const char *root,
                 struct tare_tune_report *report)
{
    bool all = true;
    for (size_t i = plan->count; i-- > 0;) {
        const struct tare_setting *setting = &plan->settings[i];
        char now[TARE_TUNE_VALUE];
        if (setting->keep || i >= count) {
            continue;
        }
        bool stands = read_value(now, root, setting->path) == 0 && strcmp(now, setting->now) == 0;
        int result = stands ? 0 : write_value(root, setting->path, setting->now);
        all = all && result == 0;
        for (size_t line = 0; line < report->count; line++) {
            if (strcmp(report->lines[line].path, setting->path) == 0 &&
                (result != 0 || report->lines[line].outcome == TARE_TUNE_SET)) {
                report->lines[line].outcome = result == 0 ? TARE_TUNE_UNDONE : TARE_TUNE_STUCK;
                report->lines[line].error = -result;
            }
        }
    }
    for (int round = 0; round < 2; round++) { /* a lower limit may have to wait for the upper one */
        for (size_t i = 0; i < plan->count; i++) {
            const struct tare_setting *setting = &plan->settings[i];
            char now[TARE_TUNE_VALUE];
            if (!setting->keep ||
                (read_value(now, root, setting->path) == 0 && strcmp(now, setting->now) == 0)) {
                continue;
            }
            int result = write_value(root, setting->path, setting->now);
            if (result != 0 && round == 1) {
                all = false;
                struct tare_tune_line *line =
                    report_add(report, setting->path, now, setting->now, TARE_TUNE_STUCK);
                line->keep = true;
                line->error = -result;
            }
        }
    }
    return all;
}

/* Notes what has become of what was to be kept. What somebody else had changed before stays as it is noted. */
static void note_companions(struct tare_tuned *merged, const struct tare_tune_plan *plan, const char *root)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct tare_setting *setting = &plan->settings[i];
        struct tare_tuned_entry *entry = setting->keep ? tare__tuned_find(merged, setting->path) : NULL;
        char now[TARE_TUNE_VALUE];
        if (entry != NULL && read_value(now, root, setting->path) == 0 &&
            (strcmp(entry->set, "-") == 0 || strcmp(entry->set, setting->now) == 0 ||
             strcmp(entry->saved, setting->now) == 0)) {
            snprintf(entry->set, sizeof entry->set, "%s", now);
        }
    }
}

/* Changes what the plan says. Everything is saved by now. */
static int change(const struct tare_tune_plan *plan, const char *root, struct tare_tune_report *report)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct tare_setting *setting = &plan->settings[i];
        if (setting->keep) {
            continue;
        }
        struct tare_tune_line *line =
            report_add(report, setting->path, setting->now, setting->want, TARE_TUNE_SET);
        int result = write_value(root, setting->path, setting->want);
        if (result != 0) {
            line->outcome = TARE_TUNE_FAILED;
            line->error = -result;
            bool back = undo(plan, i + 1, root, report);
            fail(report, TARE_TUNE_WRITE, setting->path, result);
            return back ? result : -EIO;
        }
    }
    return 0;
}

static bool all_put_back(const struct tare_tune_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        if (report->lines[i].outcome == TARE_TUNE_STUCK) {
            return false;
        }
    }
    return true;
}

/* With the lock held and signals held back. */
static int apply_locked(const char *root, const char *state, struct tare_tune_report *report)
{
    struct tare_tuned saved = {0}, merged = {0};
    struct tare_tune_plan plan = {0};
    char boot[TARE_TUNED_BOOT];
    tare__tuned_boot(boot, root);
    int result = tare__tuned_load(&saved, state);
    if (result == -ENOENT || (result == 0 && strcmp(saved.boot, boot) != 0)) {
        tare__tuned_release(&saved); /* a restart has put back what an earlier boot saved */
        result = 0;
    }
    if (result != 0) {
        fail(report, TARE_TUNE_STATE, "", result);
        goto out;
    }
    snprintf(saved.boot, sizeof saved.boot, "%s", boot);
    if ((result = tare_tune_plan(&plan, root)) != 0) {
        goto out;
    }
    free(report->lines);
    if ((result = report_init(report, 2 * plan.count)) != 0 ||
        (result = check_plan(&plan, root, report)) != 0) {
        goto out;
    }
    if ((result = merge(&merged, &saved, &plan)) != 0 || (result = tare__tuned_save(&merged, state)) != 0) {
        fail(report, TARE_TUNE_STATE, "", result);
        goto out;
    }
    result = change(&plan, root, report);
    if (result == 0) {
        note_companions(&merged, &plan, root);
        tare__tuned_save(&merged, state); /* if it fails, what was saved before holds, only less exactly */
    } else if (all_put_back(report)) {
        tare__tuned_save(&saved, state);
    }
out:
    tare__tuned_release(&saved);
    tare__tuned_release(&merged);
    tare_tune_plan_release(&plan);
    return result;
}

int tare_tune_apply(const char *root, const char *state, struct tare_tune_report *report)
{
    struct tare_tune_plan plan;
    int result = report_init(report, 0);
    if (result != 0 || (result = tare_tune_plan(&plan, root)) != 0) {
        return result;
    }
    report->nothing = plan.count == 0;
    /* Before the state's folder is made: who may not change anything leaves no trace. */
    result = check_plan(&plan, root, report);
    bool nothing = plan.count == 0;
    tare_tune_plan_release(&plan);
    if (result != 0 || nothing) {
        return result;
    }
    int lock = tare__tuned_lock(state, true);
    if (lock < 0) {
        report->folder = lock == -EPERM;
        return fail(report, TARE_TUNE_STATE, "", lock);
    }
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    result = apply_locked(root, state, report);
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(lock);
    return result;
}

/* What is to become of a saved entry. */
enum decision { AS_IT_WAS, PUT_BACK, LEAVE, UNREADABLE };

static enum decision decide(const struct tare_tuned_entry *entry, int read_result, const char *now)
{
    if (read_result != 0) {
        return UNREADABLE;
    }
    if (strcmp(now, entry->saved) == 0) {
        return AS_IT_WAS;
    }
    return strcmp(now, entry->set) == 0 || (entry->keep && strcmp(entry->set, "-") == 0) ? PUT_BACK : LEAVE;
}

/* Puts one setting back and says so. Returns whether it has to stay saved. */
static bool restore_setting(const struct tare_tuned_entry *entry, enum decision decision, int read_result,
                            const char *now, const char *root, struct tare_tune_report *report)
{
    if (decision == UNREADABLE) {
        report_add(report, entry->path, "", entry->saved, TARE_TUNE_FAILED)->error = -read_result;
        return true;
    }
    int result = decision == PUT_BACK ? write_value(root, entry->path, entry->saved) : 0;
    enum tare_tune_outcome outcome = decision == LEAVE       ? TARE_TUNE_FOREIGN
                                     : decision == AS_IT_WAS ? TARE_TUNE_SAME
                                     : result == 0           ? TARE_TUNE_SET
                                                             : TARE_TUNE_FAILED;
    report_add(report, entry->path, now, entry->saved, outcome)->error = -result;
    return result != 0;
}

/* One that is saved, as it was before anything was put back, and what came of it. */
struct found {
    char now[TARE_TUNE_VALUE];
    int result; /* of reading it, then of putting it back */
    enum decision decision;
    bool touched;
    bool stays; /* saved, for another try */
};

/*
 * The same for what was kept an eye on, after all settings are back: the kernel may have put it back by now, or
 * may just have changed it. Twice, since a lower limit may have to wait for the upper one.
 */
static void restore_companions(const struct tare_tuned *saved, struct found *found, const char *root,
                               struct tare_tune_report *report)
{
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < saved->count; i++) {
            const struct tare_tuned_entry *entry = &saved->entries[i];
            char now[TARE_TUNE_VALUE];
            if (!entry->keep || (round == 1 && found[i].result == 0)) {
                continue;
            }
            found[i].result = read_value(now, root, entry->path);
            if (found[i].result == 0 && strcmp(now, entry->saved) == 0) {
                continue;
            }
            found[i].touched = true;
            snprintf(found[i].now, sizeof found[i].now, "%s", now);
            if (found[i].result == 0 && found[i].decision != LEAVE) {
                found[i].result = write_value(root, entry->path, entry->saved);
            }
        }
    }
    for (size_t i = 0; i < saved->count; i++) {
        if (found[i].touched) {
            enum tare_tune_outcome outcome = found[i].result != 0         ? TARE_TUNE_FAILED
                                             : found[i].decision == LEAVE ? TARE_TUNE_FOREIGN
                                                                          : TARE_TUNE_SET;
            struct tare_tune_line *line =
                report_add(report, saved->entries[i].path, found[i].now, saved->entries[i].saved, outcome);
            line->error = -found[i].result;
            line->keep = true;
            found[i].stays = found[i].result != 0;
        }
    }
}

static int restore_entries(const struct tare_tuned *saved, struct tare_tuned *left, const char *root,
                           struct tare_tune_report *report)
{
    struct found *found = calloc(saved->count + 1, sizeof *found);
    if (found == NULL) {
        return -ENOMEM;
    }
    /* All are looked at before any is changed, since one changes another. */
    int refused = 0;
    size_t to_write = 0, refused_count = 0;
    for (size_t i = 0; i < saved->count; i++) {
        found[i].result = read_value(found[i].now, root, saved->entries[i].path);
        found[i].decision = decide(&saved->entries[i], found[i].result, found[i].now);
        int result = found[i].decision == PUT_BACK ? check_write(root, saved->entries[i].path) : 0;
        to_write += found[i].decision == PUT_BACK;
        if (result != 0 && refused_count++ == 0) {
            refused = fail(report, TARE_TUNE_CHECK, saved->entries[i].path, result);
        }
    }
    int result = 0;
    if (to_write > 0 && refused_count == to_write) {
        result = refused;
        goto out;
    }
    for (size_t i = saved->count; i-- > 0;) {
        const struct tare_tuned_entry *entry = &saved->entries[i];
        if (!entry->keep) {
            found[i].stays =
                restore_setting(entry, found[i].decision, found[i].result, found[i].now, root, report);
        }
    }
    restore_companions(saved, found, root, report);
    for (size_t i = 0; i < saved->count && result == 0; i++) {
        result = found[i].stays ? tare__tuned_add(left, &saved->entries[i]) : 0;
    }
out:
    free(found);
    return result;
}

static int restore_locked(const char *root, const char *state, struct tare_tune_report *report)
{
    struct tare_tuned saved = {0}, left = {0};
    char boot[TARE_TUNED_BOOT];
    int result = tare__tuned_load(&saved, state);
    if (result == -ENOENT) {
        report->nothing = true;
        result = 0;
        tare__tuned_save(&left, state); /* clears away what a crash may have left beside it */
        goto out;
    }
    if (result != 0) {
        fail(report, TARE_TUNE_STATE, "", result);
        goto out;
    }
    tare__tuned_boot(boot, root);
    snprintf(left.boot, sizeof left.boot, "%s", boot);
    free(report->lines);
    if ((result = report_init(report, 2 * saved.count)) != 0) {
        goto out;
    }
    if (strcmp(saved.boot, boot) != 0) {
        report->other_boot = true;
    } else {
        result = restore_entries(&saved, &left, root, report);
    }
    if (result == 0 && (result = tare__tuned_save(&left, state)) != 0) {
        fail(report, TARE_TUNE_STATE, "", result);
    } else if (result == 0 && left.count > 0) {
        result = fail(report, TARE_TUNE_WRITE, left.entries[0].path, -EIO);
    }
out:
    tare__tuned_release(&saved);
    tare__tuned_release(&left);
    return result;
}

int tare_tune_restore(const char *root, const char *state, struct tare_tune_report *report)
{
    int result = report_init(report, 0);
    if (result != 0) {
        return result;
    }
    int lock = tare__tuned_lock(state, false);
    if (lock == -ENOENT) { /* not even the folder */
        report->nothing = true;
        return 0;
    }
    if (lock < 0) {
        report->folder = lock == -EPERM;
        return fail(report, TARE_TUNE_STATE, "", lock);
    }
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    result = restore_locked(root, state, report);
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(lock);
    return result;
}
