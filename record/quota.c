/* SPDX-License-Identifier: MIT */
/*
 * The processor quota of the cgroups that this process is in. A quota holds for all below it, so every cgroup
 * on the way up to the root counts; the smallest one bites first. Version 1 has cpu.cfs_quota_us and
 * cpu.cfs_period_us in the hierarchy of the controller `cpu`, version 2 has cpu.max; where both are mounted,
 * the controller is in one of them, and the other says nothing. Where they are mounted, and which part of them
 * a container sees, is in /proc/self/mountinfo (proc(5), cgroups(7)).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/files.h"
#include "record/machine.h"

enum { MOUNTS_MAX = 1024 * 1024, CGROUPS_MAX = 65536, GROUP_MAX = 1024 };

struct mount {
    char root[GROUP_MAX];  /* of the hierarchy, as far as it is mounted */
    char point[GROUP_MAX]; /* where */
};

/* Whether a word is among those of `list`, which ends at a blank, a newline or the string's end. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (;;) {
        size_t next = strcspn(list, ", :\n");
        if (next == length && strncmp(list, word, length) == 0) {
            return true;
        }
        if (list[next] != ',') {
            return false;
        }
        list += next + 1;
    }
}

/* Copies a field of mountinfo up to the blank; blanks in it are "\040", and so on. False: too long. */
static bool copy_field(char out[GROUP_MAX], const char *from)
{
    size_t used = 0;
    while (*from != ' ' && *from != '\n' && *from != '\0') {
        if (used == GROUP_MAX - 1) {
            return false;
        }
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' && from[2] <= '7' &&
            from[3] >= '0' && from[3] <= '7') {
            out[used++] = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            out[used++] = *from++;
        }
    }
    out[used] = '\0';
    return used > 0;
}

/* Field `index` of a line, from 0; NULL: the line has fewer. */
static const char *field_of(const char *line, unsigned index)
{
    for (; index > 0 && line != NULL; index--) {
        size_t length = strcspn(line, " \n");
        line = line[length] == ' ' ? line + length + 1 : NULL;
    }
    return line;
}

/* "36 35 98:0 /root /point options tag:1 - type source superoptions" */
static bool find_mount(const char *mountinfo, bool is_v2, struct mount *mount)
{
    for (const char *line = mountinfo; line != NULL && *line != '\0';) {
        const char *end = line + strcspn(line, "\n");
        const char *dash = strstr(line, " - ");
        const char *root = field_of(line, 3), *point = field_of(line, 4);
        if (dash != NULL && dash < end && root != NULL && point != NULL) {
            const char *type = dash + 3, *options = field_of(type, 2);
            bool right = is_v2
                             ? strncmp(type, "cgroup2 ", 8) == 0
                             : strncmp(type, "cgroup ", 7) == 0 && options != NULL && has_word(options, "cpu");
            if (right && copy_field(mount->root, root) && copy_field(mount->point, point)) {
                return true;
            }
        }
        line = *end == '\n' ? end + 1 : NULL;
    }
    return false;
}

/* The cgroup of this process: "0::/path" of version 2, "N:cpu,cpuacct:/path" of version 1. */
static bool find_group(const char *groups, bool is_v2, char path[GROUP_MAX])
{
    for (const char *line = groups; line != NULL && *line != '\0';) {
        const char *end = line + strcspn(line, "\n");
        const char *first = strchr(line, ':');
        const char *second = first != NULL && first < end ? strchr(first + 1, ':') : NULL;
        if (second != NULL && second < end) {
            bool right =
                is_v2 ? second == first + 1 && strncmp(line, "0:", 2) == 0 : has_word(first + 1, "cpu");
            int length = (int)(end - second - 1);
            if (right && length < GROUP_MAX) {
                snprintf(path, GROUP_MAX, "%.*s", length, second + 1);
                return true;
            }
        }
        line = *end == '\n' ? end + 1 : NULL;
    }
    return false;
}

/* quota and period in microseconds; quota NAN: none. Returns false where the group has no such files. */
static bool read_limit(const char *root, const char *group, bool is_v2, double *quota, double *period)
{
    char name[GROUP_MAX * 2 + 32], text[64];
    long long value;
    *quota = NAN;
    if (is_v2) {
        unsigned long long limit, every;
        snprintf(name, sizeof name, "%s/cpu.max", group);
        if (tare__file_line(root, name, text, sizeof text) != 0) {
            return false;
        }
        if (sscanf(text, "%llu %llu", &limit, &every) == 2 && every > 0) {
            *quota = (double)limit;
            *period = (double)every;
        }
        return true;
    }
    snprintf(name, sizeof name, "%s/cpu.cfs_quota_us", group);
    if (tare__file_number(root, name, &value) != 0) {
        return false;
    }
    double limit = (double)value;
    snprintf(name, sizeof name, "%s/cpu.cfs_period_us", group);
    if (limit > 0 && tare__file_number(root, name, &value) == 0 && value > 0) {
        *quota = limit;
        *period = (double)value;
    }
    return true;
}

static double read_throttled(const char *root, const char *group)
{
    char name[GROUP_MAX * 2 + 32];
    snprintf(name, sizeof name, "%s/cpu.stat", group);
    char *text = tare__file_load(root, name, 65536);
    const char *at = text != NULL ? strstr(text, "nr_throttled ") : NULL;
    double count = at != NULL ? strtod(at + 13, NULL) : NAN;
    free(text);
    return count;
}

/* From the process's cgroup up to what is mounted as the root. */
static void walk_up(struct tare_quota *quota, const char *root, const struct mount *mount, const char *group,
                    bool is_v2)
{
    char path[GROUP_MAX * 2];
    size_t root_length = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
    bool inside = strncmp(group, mount->root, root_length) == 0 &&
                  (group[root_length] == '/' || group[root_length] == '\0') && strstr(group, "/..") == NULL;
    size_t point_length = strlen(mount->point);
    snprintf(path, sizeof path, "%s%s", mount->point, inside ? group + root_length : "");
    for (size_t length = strlen(path); length > point_length && path[length - 1] == '/'; length--) {
        path[length - 1] = '\0';
    }
    /* Without any file of the controller on the way there can be no quota; with it there may be none set. */
    char controllers[GROUP_MAX + 32];
    snprintf(controllers, sizeof controllers, "%s/cgroup.controllers", mount->point);
    quota->known = quota->known || (is_v2 ? tare__file_has_word(root, controllers, "cpu")
                                          : tare__file_exists(root, mount->point));
    for (;;) {
        double limit, period = NAN;
        if (strlen(path) < GROUP_MAX && read_limit(root, path, is_v2, &limit, &period)) {
            quota->known = true;
            if (limit > 0 && period > 0 && !(limit / period >= quota->cpus)) {
                quota->cpus = limit / period;
                quota->period_s = period / 1e6;
                quota->is_v2 = is_v2;
                snprintf(quota->file, sizeof quota->file, "%.1023s/%s", path,
                         is_v2 ? "cpu.max" : "cpu.cfs_quota_us");
                quota->throttled = read_throttled(root, path);
            }
        }
        char *slash = strrchr(path, '/');
        if (slash == NULL || (size_t)(slash - path) < point_length) {
            return;
        }
        *slash = '\0';
    }
}

void tare_quota_read(struct tare_quota *quota, const char *root)
{
    *quota = (struct tare_quota){.cpus = NAN, .period_s = NAN, .throttled = NAN};
    char *mountinfo = tare__file_load(root, "/proc/self/mountinfo", MOUNTS_MAX);
    char *groups = tare__file_load(root, "/proc/self/cgroup", CGROUPS_MAX);
    for (int version = 1; version <= 2 && mountinfo != NULL && groups != NULL; version++) {
        struct mount mount;
        char group[GROUP_MAX];
        if (find_group(groups, version == 2, group) && find_mount(mountinfo, version == 2, &mount)) {
            walk_up(quota, root, &mount, group, version == 2);
        }
    }
    free(mountinfo);
    free(groups);
}
