/* SPDX-License-Identifier: MIT */
/*
 * lines COMMAND [ARGUMENT]... : what a shell's tools do with text, in one program.
 *
 *     count FILE...          lines, words and bytes of each, and the sum
 *     find PATTERN FILE...   lines that match: . any character, * any number of the one before, ^ and $ the ends
 *     sort FILE TO           its lines in order of their bytes, by a merge sort, to another file
 *     tree FOLDER            what lies below it, with sizes, in order of the names
 *     environment NAME...    what the variables hold
 *     clock                  whether clocks go forward, and how late it is: before or after 2020
 *
 * A real program's mixture for the sandbox: arguments, environment, files, folders, clocks and exit codes.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static int failures;

static void complain(const char *subject)
{
    fprintf(stderr, "lines: %s: cannot be used (%s)\n", subject,
            errno == ENOENT    ? "no such file"
            : errno == EACCES  ? "not allowed"
            : errno == ENOTDIR ? "no folder"
            : errno == EISDIR  ? "a folder"
                               : "an error");
    failures = 1;
}

/* The next line, without its newline, in memory that is kept; NULL: there is none. */
static char *next_line(FILE *file, size_t *size)
{
    static char *line, nothing[1];
    static size_t room;
    *size = 0;
    int c;
    while ((c = getc(file)) != EOF && c != '\n') {
        if (*size + 2 > room) {
            room = room == 0 ? 128 : 2 * room;
            line = realloc(line, room);
            if (line == NULL) {
                fprintf(stderr, "lines: out of memory\n");
                exit(1);
            }
        }
        line[(*size)++] = (char)c;
    }
    if (c == EOF && *size == 0) {
        return NULL;
    }
    if (line != NULL) {
        line[*size] = '\0';
    }
    return line != NULL ? line : nothing;
}

static void count(char **paths)
{
    uint64_t sum[3] = {0};
    for (; *paths != NULL; paths++) {
        FILE *file = fopen(*paths, "rb");
        if (file == NULL) {
            complain(*paths);
            continue;
        }
        uint64_t here[3] = {0};
        bool in_word = false;
        int c;
        while ((c = getc(file)) != EOF) {
            bool blank = c == ' ' || (c >= '\t' && c <= '\r');
            here[0] += c == '\n';
            here[1] += !blank && !in_word;
            here[2]++;
            in_word = !blank;
        }
        if (ferror(file)) {
            complain(*paths);
        }
        fclose(file);
        printf("%7llu %7llu %7llu %s\n", (unsigned long long)here[0], (unsigned long long)here[1],
               (unsigned long long)here[2], *paths);
        for (int i = 0; i < 3; i++) {
            sum[i] += here[i];
        }
    }
    printf("%7llu %7llu %7llu total\n", (unsigned long long)sum[0], (unsigned long long)sum[1],
           (unsigned long long)sum[2]);
}

static bool matches_here(const char *pattern, const char *line)
{
    if (pattern[0] == '\0') {
        return true;
    }
    if (pattern[0] == '$' && pattern[1] == '\0') {
        return *line == '\0';
    }
    if (pattern[1] == '*') {
        do {
            if (matches_here(pattern + 2, line)) {
                return true;
            }
        } while (*line != '\0' && (*pattern == '.' || *pattern == *line) && *line++ != '\0');
        return false;
    }
    return *line != '\0' && (*pattern == '.' || *pattern == *line) && matches_here(pattern + 1, line + 1);
}

static bool matches(const char *pattern, const char *line)
{
    if (*pattern == '^') {
        return matches_here(pattern + 1, line);
    }
    do {
        if (matches_here(pattern, line)) {
            return true;
        }
    } while (*line++ != '\0');
    return false;
}

static void find(const char *pattern, char **paths)
{
    for (; *paths != NULL; paths++) {
        FILE *file = fopen(*paths, "r");
        if (file == NULL) {
            complain(*paths);
            continue;
        }
        size_t size;
        unsigned number = 0;
        for (char *line; (line = next_line(file, &size)) != NULL;) {
            number++;
            if (matches(pattern, line)) {
                printf("%s:%u:%s\n", *paths, number, line);
            }
        }
        fclose(file);
    }
}

static void merge_sort(char **lines, char **other, size_t n)
{
    if (n < 2) {
        return;
    }
    size_t half = n / 2, a = 0, b = half;
    merge_sort(lines, other, half);
    merge_sort(lines + half, other, n - half);
    for (size_t i = 0; i < n; i++) {
        other[i] = b == n || (a < half && strcmp(lines[a], lines[b]) <= 0) ? lines[a++] : lines[b++];
    }
    memcpy(lines, other, n * sizeof(char *));
}

static void sort(const char *from, const char *to)
{
    FILE *file = fopen(from, "r");
    if (file == NULL) {
        complain(from);
        return;
    }
    static char **lines;
    size_t n = 0, room = 0, size;
    for (char *line; (line = next_line(file, &size)) != NULL;) {
        if (n == room) {
            room = room == 0 ? 64 : 2 * room;
            lines = realloc(lines, room * sizeof(char *));
        }
        if (lines == NULL || (lines[n] = strdup(line)) == NULL) {
            fprintf(stderr, "lines: out of memory\n");
            exit(1);
        }
        n++;
    }
    fclose(file);
    char **other = malloc((n + 1) * sizeof(char *));
    file = other != NULL ? fopen(to, "w") : NULL;
    if (file == NULL) {
        complain(to);
        return;
    }
    merge_sort(lines, other, n);
    for (size_t i = 0; i < n; i++) {
        fprintf(file, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
    free(other);
    if (fclose(file) != 0) {
        complain(to);
    }
    printf("%zu lines\n", n);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void tree(const char *folder, int depth)
{
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        complain(folder);
        return;
    }
    char *names[256];
    size_t n = 0;
    for (struct dirent *entry; n < sizeof(names) / sizeof(names[0]) && (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            (names[n] = strdup(entry->d_name)) != NULL) {
            n++;
        }
    }
    closedir(directory);
    qsort(names, n, sizeof(names[0]), by_name);
    for (size_t i = 0; i < n; i++) {
        char path[1024];
        struct stat status;
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        if (stat(path, &status) != 0) {
            complain(path);
        } else if (S_ISDIR(status.st_mode)) {
            printf("%*s%s/\n", 2 * depth, "", names[i]);
            tree(path, depth + 1);
        } else {
            printf("%*s%s %lld\n", 2 * depth, "", names[i], (long long)status.st_size);
        }
        free(names[i]);
    }
}

static void environment(char **names)
{
    for (; *names != NULL; names++) {
        const char *value = getenv(*names);
        printf("%s %s\n", *names, value != NULL ? value : "is not set");
    }
}

static void clocks(void)
{
    struct timespec before, after, pause = {.tv_nsec = 1000000};
    bool fine = clock_gettime(CLOCK_MONOTONIC, &before) == 0 && nanosleep(&pause, NULL) == 0 &&
                clock_gettime(CLOCK_MONOTONIC, &after) == 0;
    int64_t ns = (int64_t)(after.tv_sec - before.tv_sec) * 1000000000 + (after.tv_nsec - before.tv_nsec);
    printf("%s\n", !fine ? "no clock" : ns >= pause.tv_nsec ? "forward" : "too slow");
    printf("%s 2020\n", time(NULL) > 1577836800 ? "after" : "before");
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "count") == 0) {
        count(argv + 2);
    } else if (strcmp(command, "find") == 0 && argc > 2) {
        find(argv[2], argv + 3);
    } else if (strcmp(command, "sort") == 0 && argc == 4) {
        sort(argv[2], argv[3]);
    } else if (strcmp(command, "tree") == 0 && argc == 3) {
        tree(argv[2], 0);
    } else if (strcmp(command, "environment") == 0) {
        environment(argv + 2);
    } else if (strcmp(command, "clock") == 0) {
        clocks();
    } else {
        fprintf(stderr, "usage: lines count|find|sort|tree|environment|clock [ARGUMENT]...\n");
        return 2;
    }
    return fflush(stdout) == 0 ? failures : 1;
}
