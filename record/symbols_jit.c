/* SPDX-License-Identifier: MIT */
/*
 * Functions that a process made itself. Its JIT compiler writes them into /tmp/perf-PID.map, for perf and
 * whoever else, one on each line: where it begins and how long it is, hexadecimal, and a name that goes on to
 * the end of the line.
 *
 *     7f3c5c0a1000 2f0 LazyCompile:*parse /srv/app/parse.js:12
 *
 * Where lines overlap the later one counts: the memory was used again. Any user can write a file of that
 * name, so it is no link, and is ours or root's, unless we are root; and a line that is not just so is passed
 * over. The file grows while the process runs, and is read on when an address is asked for that is not known
 * yet.
 */
#include "record/symbols_parts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_BYTES = 4096,
    LINES_MAX = 8 << 20,
    CHUNK = 64 * 1024,
};

struct tare__jit {
    struct tare__strings *strings;
    char *path;
    char *inner_path; /* as the process sees it, in its own name spaces; NULL: the same */
    dev_t device;
    ino_t inode;
    uint64_t offset;            /* of the first line that was not read */
    bool skipping;              /* that is the rest of one that is too long */
    uint64_t seen_size;         /* of the file, when it was last read */
    struct tare__ranges all;    /* as they were read; the rank is the number of the line */
    struct tare__ranges ranges; /* settled */
    const char **names;
    size_t count, room;
};

/* The number that the process has for itself, where it has another one. 0: none. */
static uint32_t inner_pid(uint32_t pid)
{
    char path[64];
    char line[256];
    unsigned long inner = 0;
    snprintf(path, sizeof path, "/proc/%u/status", pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "NSpid:", 6) == 0) {
            for (char *at = line + 6, *end; inner = strtoul(at, &end, 10), end != at && *end != '\n';) {
                at = end;
            }
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return inner < UINT32_MAX ? (uint32_t)inner : 0;
}

struct tare__jit *tare__jit_new(const char *directory, uint32_t pid, struct tare__strings *strings)
{
    struct tare__jit *jit = calloc(1, sizeof *jit);
    const char *folder = directory != NULL ? directory : "/tmp";
    if (jit == NULL || asprintf(&jit->path, "%s/perf-%u.map", folder, pid) < 0) {
        free(jit);
        return NULL;
    }
    uint32_t inner = directory == NULL ? inner_pid(pid) : 0;
    if (inner != 0 && asprintf(&jit->inner_path, "/proc/%u/root%s/perf-%u.map", pid, folder, inner) < 0) {
        jit->inner_path = NULL;
    }
    jit->strings = strings;
    return jit;
}

void tare__jit_free(struct tare__jit *jit)
{
    if (jit != NULL) {
        tare__ranges_release(&jit->all);
        tare__ranges_release(&jit->ranges);
        free(jit->names);
        free(jit->path);
        free(jit->inner_path);
        free(jit);
    }
}

static bool is_hexadecimal(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A number, which some compilers write with 0x in front. False: there is none, or one of more than 64 bits. */
static bool take_number(const char **at, const char *end, uint64_t *number)
{
    if (end - *at > 2 && (*at)[0] == '0' && (*at)[1] == 'x') {
        *at += 2;
    }
    const char *first = *at;
    *number = 0;
    for (; *at < end && is_hexadecimal(**at); ++*at) {
        if (*number >> 60 != 0) {
            return false;
        }
        *number = *number << 4 | (uint64_t)(**at <= '9' ? **at - '0' : (**at | 0x20) - 'a' + 10);
    }
    return *at > first;
}

static bool take_blanks(const char **at, const char *end)
{
    const char *first = *at;
    while (*at < end && **at == ' ') {
        ++*at;
    }
    return *at > first;
}

/* One line, without its end. Returns 0, also for what is none, or -ENOMEM. */
static int add_line(struct tare__jit *jit, const char *line, size_t length)
{
    const char *at = line;
    const char *end = line + length;
    uint64_t address;
    uint64_t size;
    if (!take_number(&at, end, &address) || !take_blanks(&at, end) || !take_number(&at, end, &size) ||
        !take_blanks(&at, end) || at == end || size == 0 || size > UINT64_MAX - address ||
        jit->count == LINES_MAX) {
        return 0;
    }
    for (const char *c = at; c < end; c++) {
        if (iscntrl((unsigned char)*c)) {
            return 0;
        }
    }
    if (jit->count == jit->room) {
        size_t room = jit->room == 0 ? 256 : jit->room * 2;
        const char **names = reallocarray(jit->names, room, sizeof *names);
        if (names == NULL) {
            return -ENOMEM;
        }
        jit->names = names;
        jit->room = room;
    }
    const char *name = tare__strings_keep(jit->strings, at, (size_t)(end - at));
    if (name == NULL ||
        tare__ranges_add(&jit->all, address, address + size, jit->count, (uint32_t)jit->count) != 0) {
        return -ENOMEM;
    }
    jit->names[jit->count++] = name;
    return 0;
}

/* Reads lines from jit->offset on. One that is not ended yet is left for the next time. */
static int read_lines(struct tare__jit *jit, int fd)
{
    char *chunk = malloc(CHUNK);
    size_t kept = 0; /* bytes of a line that has begun */
    int failed = chunk == NULL ? -ENOMEM : 0;
    uint64_t at = jit->offset;
    while (failed == 0) {
        ssize_t got = pread(fd, chunk + kept, CHUNK - kept, (off_t)at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        at += (uint64_t)got;
        size_t size = kept + (size_t)got;
        size_t begin = 0;
        for (char *end; failed == 0 && (end = memchr(chunk + begin, '\n', size - begin)) != NULL;) {
            size_t length = (size_t)(end - (chunk + begin));
            if (!jit->skipping && length <= LINE_BYTES) {
                failed = add_line(jit, chunk + begin, length);
            }
            jit->skipping = false;
            begin += length + 1;
            jit->offset += length + 1;
        }
        kept = size - begin;
        if (kept > LINE_BYTES) { /* too long already: the rest of it is not kept */
            jit->skipping = true;
            jit->offset += kept;
            kept = 0;
        }
        memmove(chunk, chunk + size - kept, kept);
    }
    free(chunk);
    return failed;
}

static int open_file(const struct tare__jit *jit, struct stat *status)
{
    const char *paths[] = {jit->inner_path, jit->path};
    for (size_t i = 0; i < 2; i++) {
        int fd =
            paths[i] == NULL ? -1 : open(paths[i], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0) {
            continue;
        }
        if (fstat(fd, status) == 0 && S_ISREG(status->st_mode) &&
            (geteuid() == 0 || status->st_uid == geteuid() || status->st_uid == 0)) {
            return fd;
        }
        close(fd);
    }
    return -1;
}

/* Whether there was anything new. */
static bool read_on(struct tare__jit *jit)
{
    struct stat status;
    int fd = open_file(jit, &status);
    if (fd < 0) {
        return false;
    }
    bool other = jit->device != status.st_dev || jit->inode != status.st_ino ||
                 (uint64_t)status.st_size < jit->seen_size;
    bool news = other || (uint64_t)status.st_size > jit->seen_size;
    if (other) {
        jit->offset = 0;
        jit->skipping = false;
        jit->count = 0;
        jit->all.count = 0;
    }
    if (news) {
        jit->device = status.st_dev;
        jit->inode = status.st_ino;
        jit->seen_size = (uint64_t)status.st_size;
        struct tare__ranges copy = {0};
        bool failed = read_lines(jit, fd) != 0;
        if (jit->all.count > 0) {
            copy.list = calloc(jit->all.count, sizeof *copy.list);
            if (copy.list != NULL) {
                memcpy(copy.list, jit->all.list, jit->all.count * sizeof *copy.list);
                copy.count = copy.room = jit->all.count;
            }
        }
        if (failed || tare__ranges_settle(&copy) != 0) {
            tare__ranges_release(&copy);
        }
        tare__ranges_release(&jit->ranges);
        jit->ranges = copy;
    }
    close(fd);
    return news;
}

const char *tare__jit_find(struct tare__jit *jit, uint64_t address)
{
    const struct tare__range *range = tare__ranges_find(&jit->ranges, address);
    if (range == NULL && read_on(jit)) {
        range = tare__ranges_find(&jit->ranges, address);
    }
    return range != NULL ? jit->names[range->value] : NULL;
}
