/* SPDX-License-Identifier: MIT */
/*
 * Walks /proc. A process whose page is a memfd of its own, or one page of a set, holds a descriptor to it, and
 * the link in /proc/PID/fd tells its name. A page in a file (TARE_PAGE=FILE) has any name, so regular files are
 * looked at only in processes with TARE_PAGE in their environment, and only those with its name: opening every
 * file of every process would be slow and rude.
 *
 * Having a descriptor is not enough: a child inherits its parent's until it execs, and all processes of a `tare
 * run` share one set. So a page counts only if its header names the process, by its id and start time. The id
 * is that of the innermost pid namespace, as the process itself sees it. Of a set's pages that name it, those
 * count that it maps: the others are those of programs that it was before an exec.
 *
 * A process whose main thread has ended by pthread_exit runs on, and is shown as a zombie without descriptors,
 * memory and environment: these are asked of another thread then.
 */
#include "record/discover.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <tare/page.h>

#include "record/process_stat.h"

enum {
    ENVIRON_MAX =
        4 * 1024 * 1024,   /* as long as the kernel lets arguments and environment be, with 16 MiB of stack */
    SET_PAGES_MAX = 65536, /* of a set that are looked at, the newest ones */
};

#define DIRECTORY_SIZE 48 /* "/proc/PID/task/TID" */

/* What is known of one process while its descriptors are looked at. */
struct process {
    pid_t pid;
    char directory[DIRECTORY_SIZE]; /* in /proc, of a thread of it that runs */
    uint32_t own_pid;               /* as it sees itself */
    uint64_t start_time_jiffies;
    char *file_name; /* last part of TARE_PAGE=FILE, up to the first %; NULL: no page in a file */
};

struct found {
    struct tare_found_page *pages;
    dev_t *devices; /* of the file that each page lies in, to notice a descriptor that was duplicated */
    ino_t *inodes;
    size_t count;
    size_t room;
};

/* Whether that says something of us, and nothing of the process that we look at. */
static bool is_lack(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

/* What we make of an error at a file of a process in /proc: it has gone, is not ours, or what it is. */
static int proc_error(int number)
{
    return number == ENOENT || number == ESRCH   ? -ESRCH
           : number == EACCES || number == EPERM ? -EACCES
                                                 : -number;
}

/* Reads up to size - 1 bytes and ends them with NUL. Returns how many, or -errno. */
static ssize_t read_proc(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    size_t used = 0;
    ssize_t got = 0;
    while (used < size - 1) {
        got = read(fd, buffer + used, size - 1 - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        used += (size_t)got;
    }
    int error = got < 0 ? errno : 0;
    close(fd);
    buffer[used] = '\0';
    return error != 0 ? -error : (ssize_t)used;
}

/* Of `stat` in a directory of /proc; the name is not kept. */
static int read_stat(const char *directory, struct tare__process_stat *stat)
{
    char path[DIRECTORY_SIZE + 8];
    char text[TARE__PROCESS_STAT_BYTES];
    snprintf(path, sizeof path, "%s/stat", directory);
    ssize_t got = read_proc(path, text, sizeof text);
    if (got < 0) {
        return proc_error(-(int)got);
    }
    int result = tare__process_stat_parse(text, stat);
    stat->name = NULL;
    return result;
}

static int read_process_stat(pid_t pid, struct tare__process_stat *stat)
{
    char directory[DIRECTORY_SIZE];
    snprintf(directory, sizeof directory, "/proc/%d", (int)pid);
    return read_stat(directory, stat);
}

/* A main thread that has called pthread_exit is a zombie, too, until all others have ended. */
static bool has_ended(const struct tare__process_stat *stat)
{
    return (stat->state == 'Z' && stat->threads <= 1) || stat->state == 'X' || stat->state == 'x';
}

/* The directory in /proc of a thread of the process that runs. Returns 0, -ESRCH if none does, or -errno. */
static int find_thread(pid_t pid, const struct tare__process_stat *process_stat, char directory[DIRECTORY_SIZE])
{
    snprintf(directory, DIRECTORY_SIZE, "/proc/%d", (int)pid);
    if (process_stat->state != 'Z') {
        return 0;
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL) {
        return proc_error(errno);
    }
    bool found = false;
    int error = 0;
    for (struct dirent *entry; !found && !is_lack(error) && (entry = readdir(tasks)) != NULL;) {
        struct tare__process_stat stat;
        unsigned long tid = isdigit((unsigned char)entry->d_name[0]) ? strtoul(entry->d_name, NULL, 10) : 0;
        if (tid != 0 && tid <= INT32_MAX) {
            snprintf(directory, DIRECTORY_SIZE, "/proc/%d/task/%d", (int)pid, (int)tid);
            error = read_stat(directory, &stat);
            found = error == 0 && stat.state != 'Z' && stat.state != 'X' && stat.state != 'x';
        }
    }
    closedir(tasks);
    return found ? 0 : is_lack(error) ? error : -ESRCH;
}

pid_t tare_process_parent(pid_t pid)
{
    struct tare__process_stat stat;
    return read_process_stat(pid, &stat) == 0 ? stat.parent : 0;
}

uint64_t tare_process_threads(pid_t pid)
{
    struct tare__process_stat stat;
    return read_process_stat(pid, &stat) == 0 ? stat.threads : 0;
}

int tare_process_start_time(pid_t pid, uint64_t *jiffies)
{
    struct tare__process_stat stat;
    int result = read_process_stat(pid, &stat);
    if (result == 0) {
        *jiffies = stat.start_time_jiffies;
    }
    return result;
}

bool tare_process_alive(pid_t pid, uint64_t start_time_jiffies)
{
    struct tare__process_stat stat;
    int error = read_process_stat(pid, &stat);
    if (is_lack(error)) {
        return kill(pid, 0) == 0 || errno != ESRCH;
    }
    return error == 0 && !has_ended(&stat) &&
           (start_time_jiffies == 0 || start_time_jiffies == stat.start_time_jiffies);
}

bool tare_process_ended(pid_t pid)
{
    struct tare__process_stat stat;
    if (pid <= 0) {
        return false;
    }
    if (kill(pid, 0) != 0 && errno == ESRCH) {
        return true;
    }
    return read_process_stat(pid, &stat) == 0 && has_ended(&stat);
}

/* Whether a thread's `maps` names the file that `fd` has open, at `offset`. 1, 0, or what is_lack() says. */
static int maps_file(const char *directory, int fd, uint64_t offset)
{
    char path[DIRECTORY_SIZE + 8];
    char own[64];
    char name[256];
    struct stat status;
    snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(own, name, sizeof name - 1);
    if (length < 0 || fstat(fd, &status) != 0) {
        return 0;
    }
    name[length] = '\0';
    snprintf(path, sizeof path, "%s/maps", directory);
    FILE *maps = fopen(path, "re");
    if (maps == NULL) {
        return is_lack(-errno) ? -errno : 0;
    }
    char *line = NULL;
    size_t room = 0;
    bool found = false;
    while (!found && getline(&line, &room, maps) > 0) {
        unsigned long long at, inode;
        unsigned int device_major, device_minor;
        int named = 0;
        if (sscanf(line, "%*s %*s %llx %x:%x %llu %n", &at, &device_major, &device_minor, &inode, &named) !=
                4 ||
            named == 0) {
            continue;
        }
        line[strcspn(line, "\n")] = '\0';
        found = inode == status.st_ino && makedev(device_major, device_minor) == status.st_dev &&
                (offset == TARE_MAPS_ANYWHERE || at == offset) && strcmp(line + named, name) == 0;
    }
    free(line);
    fclose(maps);
    return found;
}

bool tare_process_maps(pid_t pid, int fd, uint64_t offset)
{
    struct tare__process_stat stat;
    char directory[DIRECTORY_SIZE];
    return read_process_stat(pid, &stat) == 0 && find_thread(pid, &stat, directory) == 0 &&
           maps_file(directory, fd, offset) == 1;
}

int tare_boot_id(uint8_t id[16])
{
    char text[64];
    ssize_t got = read_proc("/proc/sys/kernel/random/boot_id", text, sizeof text);
    if (got < 0) {
        return (int)got;
    }
    const char *at = text;
    for (size_t i = 0; i < 16; i++) {
        at += *at == '-';
        if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1])) {
            return -EINVAL;
        }
        char digits[3] = {at[0], at[1], '\0'};
        id[i] = (uint8_t)strtoul(digits, NULL, 16);
        at += 2;
    }
    return 0;
}

/*
 * The last number of "NSpid:" in /proc/PID/status: the process's id as it sees itself. Without that line,
 * `pid`. Returns 0, or what is_lack() says.
 */
static int read_own_pid(pid_t pid, uint32_t *own_pid)
{
    char path[64];
    char text[8192];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    ssize_t got = read_proc(path, text, sizeof text);
    *own_pid = (uint32_t)pid;
    if (got <= 0) {
        return is_lack((int)got) ? (int)got : 0;
    }
    char *line = strstr(text, "\nNSpid:");
    if (line == NULL) {
        return 0;
    }
    line += 7;
    line[strcspn(line, "\n")] = '\0';
    unsigned long own = 0;
    for (char *end; (own = strtoul(line, &end, 10)) != 0 && *end == '\t'; line = end) {
    }
    *own_pid = own != 0 && own <= UINT32_MAX ? (uint32_t)own : (uint32_t)pid;
    return 0;
}

/*
 * The last part of the file that TARE_PAGE names in the process's environment, up to where %p stands for its
 * id: a second process adds its id at the end, and a relative path is relative to a directory that we do not
 * know.
 */
static int read_file_name(struct process *process)
{
    char path[DIRECTORY_SIZE + 8];
    snprintf(path, sizeof path, "%s/environ", process->directory);
    int result = 0;
    size_t size = 16 * 1024;
    char *text = NULL;
    for (;;) {
        char *grown = realloc(text, size);
        if (grown == NULL) {
            result = -ENOMEM;
            goto out;
        }
        text = grown;
        ssize_t got = read_proc(path, text, size);
        if (got <= 0) {
            result = is_lack((int)got) ? (int)got : 0;
            goto out;
        }
        if ((size_t)got < size - 1 || size >= ENVIRON_MAX) {
            size = (size_t)got;
            break;
        }
        size *= 4;
    }
    for (const char *at = text; at < text + size; at += strlen(at) + 1) {
        if (strncmp(at, "TARE_PAGE=", 10) != 0) {
            continue;
        }
        const char *value = at + 10;
        const char *slash = strrchr(value, '/');
        if (value[0] != '\0' && strncmp(value, "set:", 4) != 0) {
            const char *base = slash != NULL ? slash + 1 : value;
            process->file_name = strndup(base, strcspn(base, "%"));
            result = process->file_name == NULL ? -ENOMEM : 0;
        }
        break;
    }
out:
    free(text);
    return result;
}

/* Appends a page, unless it was found through another descriptor of the process. */
static int add_page(struct found *found, const struct tare_found_page *page, const struct stat *status)
{
    for (size_t i = found->count; i > 0 && found->pages[i - 1].pid == page->pid; i--) {
        if (found->devices[i - 1] == status->st_dev && found->inodes[i - 1] == status->st_ino &&
            found->pages[i - 1].offset == page->offset) {
            return 0;
        }
    }
    if (found->count == found->room) {
        size_t larger = found->room == 0 ? 16 : found->room * 2;
        struct tare_found_page *pages = realloc(found->pages, larger * sizeof *pages);
        found->pages = pages != NULL ? pages : found->pages;
        dev_t *devices = realloc(found->devices, larger * sizeof *devices);
        found->devices = devices != NULL ? devices : found->devices;
        ino_t *inodes = realloc(found->inodes, larger * sizeof *inodes);
        found->inodes = inodes != NULL ? inodes : found->inodes;
        if (pages == NULL || devices == NULL || inodes == NULL) {
            return -ENOMEM;
        }
        found->room = larger;
    }
    found->pages[found->count] = *page;
    found->devices[found->count] = status->st_dev;
    found->inodes[found->count] = status->st_ino;
    found->count++;
    return 0;
}

/* Whether a page that belongs to the process starts at `offset`. */
static bool is_page_of(int fd, uint64_t offset, const struct process *process)
{
    struct tare_page header;
    size_t needed = offsetof(struct tare_page, started_realtime_ns);
    return pread(fd, &header, needed, (off_t)offset) == (ssize_t)needed &&
           memcmp(header.magic, TARE_PAGE_MAGIC, sizeof header.magic) == 0 && header.pid == process->own_pid &&
           (header.start_time_jiffies == 0 || header.start_time_jiffies == process->start_time_jiffies);
}

/* Looks at the pages of a set, the newest first, so that they are found in this order. */
static int search_set(struct found *found, int fd, const struct stat *status, const struct process *process,
                      const char *path)
{
    struct tare_set set;
    uint64_t size = (uint64_t)status->st_size;
    if (pread(fd, &set, sizeof set, 0) != (ssize_t)sizeof set ||
        memcmp(set.magic, TARE_SET_MAGIC, sizeof set.magic) != 0 || set.byte_order != TARE_BYTE_ORDER ||
        set.version != TARE_PAGE_VERSION || set.stride < sizeof(struct tare_page) || set.first_offset > size) {
        return 0;
    }
    uint64_t count = (size - set.first_offset) / set.stride;
    count = set.max < count ? set.max : count;
    count = set.next < count ? set.next : count;
    uint64_t last = count > SET_PAGES_MAX ? count - SET_PAGES_MAX : 0;
    for (uint64_t index = count; index > last; index--) {
        uint64_t offset = set.first_offset + (index - 1) * set.stride;
        int mapped = is_page_of(fd, offset, process) ? maps_file(process->directory, fd, offset) : 0;
        if (mapped < 0) {
            return mapped;
        }
        if (mapped == 0) {
            continue;
        }
        struct tare_found_page page = {
            .pid = process->pid, .offset = offset, .limit = set.stride, .in_set = true, .index = index - 1};
        snprintf(page.path, sizeof page.path, "%s", path);
        int result = add_page(found, &page, status);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

enum candidate { NO_CANDIDATE, A_PAGE, A_SET };

/* What a descriptor may be, by its link. */
static enum candidate classify(const char *link, const struct process *process)
{
    if (strcmp(link, "/memfd:" TARE_PAGE_MEMFD " (deleted)") == 0) {
        return A_PAGE;
    }
    if (strcmp(link, "/memfd:" TARE_SET_MEMFD " (deleted)") == 0) {
        return A_SET;
    }
    if (process->file_name == NULL || link[0] != '/') {
        return NO_CANDIDATE;
    }
    const char *base = strrchr(link, '/') + 1;
    return strncmp(base, process->file_name, strlen(process->file_name)) == 0 ? A_PAGE : NO_CANDIDATE;
}

/* Looks at descriptor `name` of the process. */
static int search_descriptor(struct found *found, const struct process *process, const char *name)
{
    char path[sizeof((struct tare_found_page *)0)->path];
    char link[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/fd/%s", process->directory, name) >= sizeof path) {
        return 0;
    }
    ssize_t length = readlink(path, link, sizeof link - 1);
    if (length < 0) {
        return 0;
    }
    link[length] = '\0';
    enum candidate candidate = classify(link, process);
    if (candidate == NO_CANDIDATE) {
        return 0;
    }
    struct stat status; /* before opening: a FIFO or a device of that name would notice */
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
        return 0;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return is_lack(-errno) ? -errno : 0;
    }
    int result = 0;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        if (candidate == A_SET) {
            result = search_set(found, fd, &status, process, path);
        } else if (is_page_of(fd, 0, process)) {
            struct tare_found_page page = {.pid = process->pid, .limit = (uint64_t)status.st_size};
            memcpy(page.path, path, sizeof page.path);
            result = add_page(found, &page, &status);
        }
    }
    close(fd);
    return result;
}

/* Looks at one process. Returns 0, -ESRCH (gone), -EACCES (not ours to look into) or another -errno. */
static int search_process(struct found *found, pid_t pid)
{
    struct process process = {.pid = pid};
    struct tare__process_stat stat;
    int result = read_process_stat(pid, &stat);
    if (result == 0) {
        result = has_ended(&stat) ? -ESRCH : find_thread(pid, &stat, process.directory);
    }
    if (result != 0) {
        return result;
    }
    process.start_time_jiffies = stat.start_time_jiffies;
    char path[DIRECTORY_SIZE + 8];
    snprintf(path, sizeof path, "%s/fd", process.directory);
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return proc_error(errno);
    }
    result = read_own_pid(pid, &process.own_pid);
    if (result == 0) {
        result = read_file_name(&process);
    }
    for (struct dirent *entry; result == 0 && (entry = readdir(directory)) != NULL;) {
        if (isdigit((unsigned char)entry->d_name[0])) {
            result = search_descriptor(found, &process, entry->d_name);
        }
    }
    free(process.file_name);
    closedir(directory);
    return result;
}

static int search_all(struct found *found, size_t *denied)
{
    DIR *directory = opendir("/proc");
    if (directory == NULL) {
        return -errno;
    }
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(directory)) != NULL;) {
        char *end;
        unsigned long pid = isdigit((unsigned char)entry->d_name[0]) ? strtoul(entry->d_name, &end, 10) : 0;
        if (pid == 0 || pid > INT32_MAX || *end != '\0') {
            continue;
        }
        int one = search_process(found, (pid_t)pid);
        if (is_lack(one)) {
            result = one;
        } else if (one == -EACCES) {
            (*denied)++;
        }
    }
    closedir(directory);
    return result;
}

int tare_discover(pid_t only, struct tare_found_page **pages, size_t *count, size_t *denied)
{
    struct found found = {NULL, NULL, NULL, 0, 0};
    size_t refused = 0;
    int result;
    if (only == 0) {
        result = search_all(&found, &refused); /* /proc lists processes by ascending id */
    } else {
        result = search_process(&found, only);
        if (result == -EACCES) {
            refused = 1;
            result = 0;
        }
    }
    free(found.devices);
    free(found.inodes);
    *pages = found.pages;
    *count = found.count;
    if (denied != NULL) {
        *denied = refused;
    }
    return result;
}
