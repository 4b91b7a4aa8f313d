/* SPDX-License-Identifier: MIT */
/*
 * The state file is written by a process with the right to change the machine and read by another one, so what
 * it says is checked like anything from outside: who owns it, that it is whole, and that it names nothing but
 * the files that we set.
 */
#include "record/tune_state.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/files.h"

enum { STATE_MAX = 8 * 1024 * 1024, ENTRIES_MAX = 65536, LINE_MAX_OURS = 512 };

#define CPU "/sys/devices/system/cpu/"
#define POLICY CPU "cpufreq/policy"

bool tare__tuned_path(const char *path)
{
    static const char *const files[] = {
        "/proc/sys/kernel/nmi_watchdog",
        "/proc/sys/kernel/numa_balancing",
        "/proc/sys/kernel/perf_event_paranoid",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        CPU "cpufreq/boost",
        CPU "intel_pstate/no_turbo",
        CPU "intel_pstate/max_perf_pct",
        CPU "intel_pstate/min_perf_pct",
    };
    static const char *const of_policy[] = {
        "scaling_governor",
        "energy_performance_preference",
        "scaling_max_freq",
        "scaling_min_freq",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (strcmp(path, files[i]) == 0) {
            return true;
        }
    }
    if (strncmp(path, POLICY, sizeof POLICY - 1) != 0) {
        return false;
    }
    const char *digits = path + sizeof POLICY - 1;
    size_t count = strspn(digits, "0123456789");
    for (size_t i = 0; i < sizeof of_policy / sizeof of_policy[0]; i++) {
        if (count > 0 && count <= 9 && digits[count] == '/' && strcmp(digits + count + 1, of_policy[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool tare__tuned_value(const char *value)
{
    size_t length = strlen(value);
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-";
    return length > 0 && length < TARE_TUNE_VALUE && strspn(value, letters) == length;
}

void tare__tuned_boot(char boot[TARE_TUNED_BOOT], const char *root)
{
    if (tare__file_line(root, "/proc/sys/kernel/random/boot_id", boot, TARE_TUNED_BOOT) != 0 ||
        !tare__tuned_value(boot)) {
        snprintf(boot, TARE_TUNED_BOOT, "-");
    }
}

struct tare_tuned_entry *tare__tuned_find(const struct tare_tuned *tuned, const char *path)
{
    for (size_t i = 0; i < tuned->count; i++) {
        if (strcmp(tuned->entries[i].path, path) == 0) {
            return &tuned->entries[i];
        }
    }
    return NULL;
}

int tare__tuned_add(struct tare_tuned *tuned, const struct tare_tuned_entry *entry)
{
    struct tare_tuned_entry *more = realloc(tuned->entries, (tuned->count + 1) * sizeof *more);
    if (more == NULL) {
        return -ENOMEM;
    }
    tuned->entries = more;
    tuned->entries[tuned->count++] = *entry;
    return 0;
}

void tare__tuned_release(struct tare_tuned *tuned)
{
    free(tuned->entries);
    memset(tuned, 0, sizeof *tuned);
}

/* "set PATH SAVED SET" and "keep PATH SAVED AFTER". */
static int parse_entry(struct tare_tuned *tuned, char *line)
{
    struct tare_tuned_entry entry = {.keep = strncmp(line, "keep ", 5) == 0};
    char *rest = line;
    strsep(&rest, " ");
    char *path = strsep(&rest, " "), *saved = strsep(&rest, " "), *set = strsep(&rest, " ");
    bool right = path != NULL && saved != NULL && set != NULL && rest == NULL && tare__tuned_path(path) &&
                 strlen(path) < sizeof entry.path && tare__tuned_value(saved) && tare__tuned_value(set) &&
                 (entry.keep || strcmp(set, "-") != 0) && tare__tuned_find(tuned, path) == NULL &&
                 tuned->count < ENTRIES_MAX;
    if (!right) {
        return -EBADMSG;
    }
    snprintf(entry.path, sizeof entry.path, "%s", path);
    snprintf(entry.saved, sizeof entry.saved, "%s", saved);
    snprintf(entry.set, sizeof entry.set, "%s", set);
    return tare__tuned_add(tuned, &entry);
}

int tare__tuned_parse(struct tare_tuned *tuned, const char *text, size_t size)
{
    memset(tuned, 0, sizeof *tuned);
    bool ended = false;
    size_t number = 0;
    for (size_t at = 0; at < size; number++) {
        const char *newline = memchr(text + at, '\n', size - at);
        char line[LINE_MAX_OURS];
        size_t length = newline != NULL ? (size_t)(newline - text) - at : 0;
        if (newline == NULL || ended || length >= sizeof line || memchr(text + at, '\0', length) != NULL) {
            return -EBADMSG;
        }
        memcpy(line, text + at, length);
        line[length] = '\0';
        at += length + 1;
        int result = 0;
        if (number == 0) {
            result = strcmp(line, "tare-tuned 1") == 0 ? 0 : -EBADMSG;
        } else if (number == 1) {
            bool right = strncmp(line, "boot ", 5) == 0 && tare__tuned_value(line + 5);
            result = right && strlen(line + 5) < sizeof tuned->boot ? 0 : -EBADMSG;
            snprintf(tuned->boot, sizeof tuned->boot, "%.*s", TARE_TUNED_BOOT - 1, right ? line + 5 : "");
        } else if (strncmp(line, "end ", 4) == 0) {
            char expected[32];
            snprintf(expected, sizeof expected, "end %zu", tuned->count);
            ended = strcmp(line, expected) == 0;
            result = ended ? 0 : -EBADMSG;
        } else {
            bool entry = strncmp(line, "set ", 4) == 0 || strncmp(line, "keep ", 5) == 0;
            result = entry ? parse_entry(tuned, line) : -EBADMSG;
        }
        if (result != 0) {
            return result;
        }
    }
    return ended ? 0 : -EBADMSG;
}

int tare__tuned_load(struct tare_tuned *tuned, const char *name)
{
    memset(tuned, 0, sizeof *tuned);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return errno == ELOOP ? -EPERM : -errno;
    }
    struct stat status;
    int result = 0;
    char *text = NULL;
    if (fstat(fd, &status) != 0) {
        result = -errno;
    } else if (!S_ISREG(status.st_mode) || status.st_size > STATE_MAX) {
        result = -EBADMSG;
    } else if ((status.st_uid != 0 && status.st_uid != geteuid()) ||
               (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        result = -EPERM;
    }
    size_t size = result == 0 ? (size_t)status.st_size : 0, used = 0;
    if (result == 0 && (text = malloc(size + 1)) == NULL) {
        result = -ENOMEM;
    }
    while (result == 0 && used < size) {
        ssize_t got = read(fd, text + used, size - used);
        if (got < 0 && errno != EINTR) {
            result = -errno;
        } else if (got == 0) {
            break;
        }
        used += got > 0 ? (size_t)got : 0;
    }
    if (result == 0) {
        result = tare__tuned_parse(tuned, text, used);
    }
    free(text);
    close(fd);
    return result;
}

/* The folder that a file lies in. 0 or -errno. */
static int folder_of(char folder[TARE__FILE_PATH], const char *name)
{
    char copy[TARE__FILE_PATH];
    int length = snprintf(copy, sizeof copy, "%s", name);
    if (length < 0 || (size_t)length >= sizeof copy) {
        return -ENAMETOOLONG;
    }
    snprintf(folder, TARE__FILE_PATH, "%s", dirname(copy));
    return 0;
}

/* So that a file's new name, or its end, is on the disk, too. */
static int sync_folder(const char *name)
{
    char folder[TARE__FILE_PATH];
    int result = folder_of(folder, name);
    int fd = result == 0 ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return result != 0 ? result : -errno;
    }
    /* Some file systems have nothing to sync for a folder. */
    result = fsync(fd) == 0 || errno == EINVAL ? 0 : -errno;
    close(fd);
    return result;
}

static int write_all(const struct tare_tuned *tuned, int fd)
{
    FILE *file = fdopen(fd, "w");
    if (file == NULL) {
        int error = errno;
        close(fd);
        return -error;
    }
    fprintf(file, "tare-tuned 1\nboot %s\n", tuned->boot);
    for (size_t i = 0; i < tuned->count; i++) {
        const struct tare_tuned_entry *entry = &tuned->entries[i];
        fprintf(file, "%s %s %s %s\n", entry->keep ? "keep" : "set", entry->path, entry->saved, entry->set);
    }
    fprintf(file, "end %zu\n", tuned->count);
    int result = fflush(file) == 0 && fsync(fd) == 0 ? 0 : -errno;
    return fclose(file) == 0 || result != 0 ? result : -errno;
}

int tare__tuned_save(const struct tare_tuned *tuned, const char *name)
{
    char new_name[TARE__FILE_PATH];
    int length = snprintf(new_name, sizeof new_name, "%s.new", name);
    if (length < 0 || (size_t)length >= sizeof new_name) {
        return -ENAMETOOLONG;
    }
    unlink(new_name); /* of one who did not get further; we have the lock */
    if (tuned->count == 0) {
        return unlink(name) == 0 ? sync_folder(name) : errno == ENOENT ? 0 : -errno;
    }
    int fd = open(new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return -errno;
    }
    int result = fchmod(fd, 0644) == 0 ? 0 : -errno; /* whatever the umask: others may see what was changed */
    int written = write_all(tuned, fd);
    result = result != 0 ? result : written;
    if (result == 0 && rename(new_name, name) != 0) {
        result = -errno;
    }
    if (result != 0) {
        unlink(new_name);
        return result;
    }
    return sync_folder(name);
}

/*
 * Who may write a folder can put another file in the place of ours at any moment, whatever we have checked of
 * it; with the sticky bit, as /tmp has it, that is the owner alone.
 */
static int check_folder(int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return -errno;
    }
    bool ours = status.st_uid == 0 || status.st_uid == geteuid();
    bool open_to_others = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (status.st_mode & S_ISVTX) == 0;
    return ours && !open_to_others ? 0 : -EPERM;
}

int tare__tuned_lock(const char *name, bool make)
{
    char folder[TARE__FILE_PATH];
    int result = folder_of(folder, name);
    if (result != 0) {
        return result;
    }
    if (make && mkdir(folder, 0755) != 0 && errno != EEXIST) {
        return errno == EPERM ? -EACCES : -errno; /* a file system that has no such thing, as /proc */
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    result = check_folder(fd);
    if (result == 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        result = errno == EWOULDBLOCK ? -EBUSY : -errno;
    }
    if (result != 0) {
        close(fd);
    }
    return result != 0 ? result : fd;
}
