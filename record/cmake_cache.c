/* SPDX-License-Identifier: MIT */
/*
 * The cache is where CMake itself keeps what a build folder was configured with, whether it came from the
 * command line, a preset, the environment or a tool that looks for libraries. Values of the same build
 * configure the other revision alike: its compiler, its flags, its libraries. Paths into the work tree or the
 * build folder become those of the other one; but what lies in the work tree and is no part of the revision
 * (libraries built beforehand) is used where it is.
 */
#include "record/cmake_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/build.h"

enum { CACHE_MAX = 16 << 20 };

static int add(struct tare__cmake_cache *cache, const char *line, size_t length)
{
    const char *end = line + length, *equals = memchr(line, '=', length);
    const char *colon = equals != NULL ? memchr(line, ':', (size_t)(equals - line)) : NULL;
    if (length == 0 || line[0] == '#' || line[0] == '/' || line[0] == '"' || colon == NULL) {
        return 0; /* a comment; in quotes are names that nobody gives */
    }
    while (end > equals + 1 && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        end--;
    }
    const char *value = equals + 1;
    if (end - value >= 2 && *value == '\'' && end[-1] == '\'') { /* which keeps blanks at its end */
        value++;
        end--;
    }
    if ((cache->count & (cache->count + 1)) == 0) {
        struct tare__cmake_entry *more = realloc(cache->entries, (2 * cache->count + 1) * sizeof(*more));
        if (more == NULL) {
            return -ENOMEM;
        }
        cache->entries = more;
    }
    struct tare__cmake_entry *entry = &cache->entries[cache->count++];
    entry->name = strndup(line, (size_t)(colon - line));
    entry->type = strndup(colon + 1, (size_t)(equals - colon - 1));
    entry->value = strndup(value, (size_t)(end - value));
    return entry->name == NULL || entry->type == NULL || entry->value == NULL ? -ENOMEM : 0;
}

int tare__cmake_cache_parse(struct tare__cmake_cache *cache, const char *text)
{
    *cache = (struct tare__cmake_cache){0};
    int error = 0;
    while (error == 0 && *text != '\0') {
        size_t length = strcspn(text, "\n");
        error = add(cache, text, length);
        text += length + (text[length] == '\n');
    }
    return error;
}

int tare__cmake_cache_load(struct tare__cmake_cache *cache, const char *path)
{
    *cache = (struct tare__cmake_cache){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    char *text = tare__descriptor_text(fd, CACHE_MAX);
    close(fd);
    int error = text != NULL ? tare__cmake_cache_parse(cache, text) : -ENOMEM;
    free(text);
    return error;
}

void tare__cmake_cache_release(struct tare__cmake_cache *cache)
{
    for (size_t i = 0; i < cache->count; i++) {
        free(cache->entries[i].name);
        free(cache->entries[i].type);
        free(cache->entries[i].value);
    }
    free(cache->entries);
    *cache = (struct tare__cmake_cache){0};
}

const char *tare__cmake_cache_get(const struct tare__cmake_cache *cache, const char *name)
{
    for (size_t i = 0; i < cache->count; i++) {
        if (strcmp(cache->entries[i].name, name) == 0) {
            return cache->entries[i].value;
        }
    }
    return NULL;
}

static bool file_exists(const char *folder, const char *rest, size_t length)
{
    struct stat status;
    char *path = NULL;
    bool exists = asprintf(&path, "%s%.*s", folder, (int)length, rest) >= 0 && stat(path, &status) == 0;
    free(path);
    return exists;
}

/* The folder that a path at the start of `text` lies in, if it shall be exchanged. */
static const struct tare__move *find_move(const char *text, bool path, const struct tare__move *moves,
                                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(moves[i].from);
        const char *rest = text + length;
        if (length < 2 || strncmp(text, moves[i].from, length) != 0 || strchr("/;\"': \t", *rest) == NULL) {
            continue;
        }
        size_t left = strcspn(rest, path ? ";" : ";\"': \t");
        if (moves[i].always || file_exists(moves[i].to, rest, left) ||
            !file_exists(moves[i].from, rest, left)) {
            return &moves[i];
        }
        return NULL;
    }
    return NULL;
}

/* Whether a path may begin at text[at]: at the start of a word, or behind an option of one letter. */
static bool may_begin(const char *text, size_t at, bool path)
{
    const char *separators = path ? ";" : ";\"'=:, \t";
    if (text[at] != '/') {
        return false;
    }
    if (at == 0 || strchr(separators, text[at - 1]) != NULL) {
        return true;
    }
    return !path && at >= 2 && text[at - 2] == '-' && (at == 2 || strchr(separators, text[at - 3]) != NULL);
}

char *tare__cmake_moved(const char *value, bool path, const struct tare__move *moves, size_t count)
{
    char *moved = NULL;
    size_t size;
    FILE *out = open_memstream(&moved, &size);
    if (out == NULL) {
        return NULL;
    }
    for (size_t at = 0; value[at] != '\0';) {
        const struct tare__move *move =
            may_begin(value, at, path) ? find_move(value + at, path, moves, count) : NULL;
        if (move != NULL) {
            fputs(move->to, out);
            at += strlen(move->from);
        } else {
            putc(value[at++], out);
        }
    }
    bool bad = ferror(out) != 0;
    if (fclose(out) != 0 || bad) {
        free(moved);
        return NULL;
    }
    return moved;
}

/* What another build is to be told: a setting, and one that has come to something. */
static bool is_wanted(const struct tare__cmake_entry *entry)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-";
    static const char *const types[] = {"BOOL", "PATH", "FILEPATH", "STRING", "UNINITIALIZED", NULL};
    bool known = false;
    for (size_t i = 0; types[i] != NULL; i++) {
        known = known || strcmp(entry->type, types[i]) == 0;
    }
    size_t length = strlen(entry->value);
    bool missing = length >= 8 && strcmp(entry->value + length - 8, "NOTFOUND") == 0;
    return known && !missing && entry->name[0] != '\0' && entry->name[strspn(entry->name, letters)] == '\0';
}

/* Whether "]", `fence` and "]" could be taken for the end before the end. */
static bool ends_early(const char *value, const char *fence)
{
    size_t length = strlen(fence);
    for (const char *at = strchr(value, ']'); at != NULL; at = strchr(at + 1, ']')) {
        if (strncmp(at + 1, fence, length) == 0 && (at[1 + length] == ']' || at[1 + length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* As a bracket argument, in which nothing has a meaning but its end. */
static void print_bracketed(FILE *out, const char *value)
{
    char fence[64] = "="; /* the rest is NUL */
    for (size_t length = 1; ends_early(value, fence) && length + 1 < sizeof(fence); length++) {
        fence[length] = '=';
    }
    fprintf(out, "[%s[%s]%s]", fence, value, fence);
}

int tare__cmake_cache_write(const struct tare__cmake_cache *cache, const char *path,
                            const struct tare__move *moves, size_t count)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    int error = out == NULL ? -errno : 0;
    if (out == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return error;
    }
    for (size_t i = 0; error == 0 && i < cache->count; i++) {
        const struct tare__cmake_entry *entry = &cache->entries[i];
        if (!is_wanted(entry)) {
            continue;
        }
        bool is_path = strcmp(entry->type, "PATH") == 0 || strcmp(entry->type, "FILEPATH") == 0;
        char *value = tare__cmake_moved(entry->value, is_path, moves, count);
        if (value == NULL) {
            error = -ENOMEM;
            break;
        }
        fprintf(out, "set(%s ", entry->name);
        print_bracketed(out, value);
        fprintf(out, " CACHE %s \"\")\n", entry->type);
        free(value);
    }
    bool bad = ferror(out) != 0;
    return fclose(out) != 0 || bad ? -EIO : error;
}
