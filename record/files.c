/* SPDX-License-Identifier: MIT */
/* Reads small files of /proc and /sys; see the header for what it guards against. */
#include "record/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/clean.h"

/* Opens a regular file. Returns the descriptor or -errno. */
static int open_file(const char *root, const char *name)
{
    char path[TARE__FILE_PATH];
    int length = snprintf(path, sizeof path, "%s%s", root, name);
    if (length < 0 || (size_t)length >= sizeof path) {
        return -ENAMETOOLONG;
    }
    /* O_NONBLOCK: a FIFO in the place of the file must not hang us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return -EINVAL;
    }
    return fd;
}

/* Reads to the end, or until the buffer is full. Returns the length or -errno. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t got = read(fd, buffer + used, size - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -errno;
        }
        if (got == 0) {
            break;
        }
        used += (size_t)got;
    }
    return (ssize_t)used;
}

ssize_t tare__file_read(const char *root, const char *name, char *buffer, size_t size)
{
    buffer[0] = '\0';
    int fd = open_file(root, name);
    if (fd < 0) {
        return fd;
    }
    ssize_t got = read_all(fd, buffer, size - 1);
    buffer[got > 0 ? got : 0] = '\0';
    close(fd);
    return got;
}

char *tare__file_load(const char *root, const char *name, size_t limit)
{
    int fd = open_file(root, name);
    if (fd < 0) {
        return NULL;
    }
    /* Files of /proc have no size to ask for. */
    size_t room = limit < 16384 ? limit : 16384, used = 0;
    char *text = malloc(room + 1);
    while (text != NULL) {
        ssize_t got = read_all(fd, text + used, room - used);
        used += got > 0 ? (size_t)got : 0;
        if (got < 0) {
            free(text);
            text = NULL;
            break;
        }
        if (used < room || room >= limit) {
            text[used] = '\0';
            break;
        }
        room = room * 2 < limit ? room * 2 : limit;
        char *more = realloc(text, room + 1);
        if (more == NULL) {
            free(text);
        }
        text = more;
    }
    close(fd);
    return text;
}

int tare__file_line(const char *root, const char *name, char *text, size_t size)
{
    char buffer[4096];
    text[0] = '\0';
    ssize_t got = tare__file_read(root, name, buffer, sizeof buffer);
    if (got < 0) {
        return (int)got;
    }
    const char *from = buffer + strspn(buffer, " \t");
    size_t length = strcspn(from, "\n");
    while (length > 0 && strchr(" \t\r", from[length - 1]) != NULL) {
        length--;
    }
    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)from[length] & 0xc0) == 0x80) { /* not within a UTF-8 sequence */
            length--;
        }
    }
    memcpy(text, from, length);
    text[length] = '\0';
    tare__clean_text(text);
    return length > 0 ? 0 : -ENODATA;
}

int tare__file_number(const char *root, const char *name, long long *value)
{
    char text[64], *end;
    int result = tare__file_line(root, name, text, sizeof text);
    if (result != 0) {
        return result;
    }
    errno = 0;
    *value = strtoll(text, &end, 10);
    return end == text || *end != '\0' || errno != 0 ? -EINVAL : 0;
}

int tare__file_choice(const char *root, const char *name, char *text, size_t size)
{
    char line[1024];
    int result = tare__file_line(root, name, line, sizeof line);
    const char *from = line;
    char *open = strchr(line, '[');
    char *close = open != NULL ? strchr(open, ']') : NULL;
    if (close != NULL) {
        *close = '\0';
        from = open + 1;
    }
    snprintf(text, size, "%.*s", (int)(size < INT_MAX ? size : INT_MAX), from);
    return result != 0 ? result : text[0] != '\0' ? 0 : -ENODATA;
}

bool tare__file_exists(const char *root, const char *name)
{
    char path[TARE__FILE_PATH];
    int length = snprintf(path, sizeof path, "%s%s", root, name);
    return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

bool tare__file_has_word(const char *root, const char *name, const char *word)
{
    char line[1024];
    if (tare__file_line(root, name, line, sizeof line) != 0) {
        return false;
    }
    char *rest = line;
    for (char *at = strsep(&rest, " \t"); at != NULL; at = strsep(&rest, " \t")) {
        if (strcmp(at, word) == 0) {
            return true;
        }
    }
    return false;
}

static int compare_numbers(const void *a, const void *b)
{
    unsigned first = *(const unsigned *)a, second = *(const unsigned *)b;
    return (first > second) - (first < second);
}

size_t tare__file_numbered(const char *root, const char *folder, const char *prefix, unsigned *numbers,
                           size_t room)
{
    char path[TARE__FILE_PATH];
    int length = snprintf(path, sizeof path, "%s%s", root, folder);
    DIR *entries = length > 0 && (size_t)length < sizeof path ? opendir(path) : NULL;
    if (entries == NULL) {
        return 0;
    }
    size_t count = 0, prefix_length = strlen(prefix);
    for (struct dirent *entry; count < room && (entry = readdir(entries)) != NULL;) {
        const char *digits = entry->d_name + prefix_length;
        if (strncmp(entry->d_name, prefix, prefix_length) != 0 || *digits == '\0' || strlen(digits) > 9 ||
            digits[strspn(digits, "0123456789")] != '\0') {
            continue;
        }
        numbers[count++] = (unsigned)strtoul(digits, NULL, 10);
    }
    closedir(entries);
    qsort(numbers, count, sizeof *numbers, compare_numbers);
    return count;
}

uint32_t tare__list_count(const char *list)
{
    uint64_t total = 0;
    for (const char *at = list;;) {
        char *end;
        if (*at < '0' || *at > '9') {
            return 0;
        }
        unsigned long first = strtoul(at, &end, 10), last = first;
        if (*end == '-') {
            at = end + 1;
            if (*at < '0' || *at > '9') {
                return 0;
            }
            last = strtoul(at, &end, 10);
        }
        if (last < first || last > UINT32_MAX) {
            return 0;
        }
        total += last - first + 1;
        if (total > UINT32_MAX) {
            return 0;
        }
        if (*end != ',') {
            return *end == '\n' || *end == '\0' ? (uint32_t)total : 0;
        }
        at = end + 1;
    }
}
