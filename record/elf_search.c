/* SPDX-License-Identifier: MIT */
/*
 * Finds programs as execvp() does and libraries as ld.so does, without running either. /etc/ld.so.cache is left
 * alone: its format is glibc's own, and the directories that it was made from say the same. So a library is
 * looked for in
 *
 *     DT_RPATH of the object that needs it, and of what needed that (unless there is a DT_RUNPATH)
 *     LD_LIBRARY_PATH
 *     DT_RUNPATH of the object that needs it
 *     the directories of /etc/ld.so.conf, and the default ones
 *
 * and one of another processor is passed over. musl has LD_LIBRARY_PATH first and takes a file of its own
 * instead of ld.so.conf; the difference in order is not imitated. Search paths with $LIB or $PLATFORM are
 * passed over.
 */
#include "record/elf_search.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/elf.h"

enum {
    DIRECTORIES_MAX = 256, /* a stock Debian names 6 in ld.so.conf */
    CONF_DEPTH_MAX = 8,
    CONF_FILES_MAX = 256,
    CONF_SIZE_MAX = 64 * 1024,
};

static int add_directory(struct tare__search *search, const char *text, size_t length)
{
    while (length > 1 && text[length - 1] == '/') {
        length--;
    }
    if (length == 0 || search->directory_count >= DIRECTORIES_MAX) {
        return 0;
    }
    for (size_t i = 0; i < search->directory_count; i++) {
        const char *known = search->directories[i];
        if (strncmp(known, text, length) == 0 && known[length] == '\0') {
            return 0;
        }
    }
    char **grown = realloc(search->directories, (search->directory_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return -ENOMEM;
    }
    search->directories = grown;
    grown[search->directory_count] = strndup(text, length);
    if (grown[search->directory_count] == NULL) {
        return -ENOMEM;
    }
    search->directory_count++;
    return 0;
}

/* Reads a whole small text file. Returns NULL with *result 0 if there is nothing to read. */
static char *read_text(const char *path, int *result)
{
    *result = 0;
    char *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return NULL;
    }
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        goto out;
    }
    text = malloc(CONF_SIZE_MAX);
    if (text == NULL) {
        *result = -ENOMEM;
        goto out;
    }
    size_t used = 0;
    while (used < CONF_SIZE_MAX - 1) {
        ssize_t got = read(fd, text + used, CONF_SIZE_MAX - 1 - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        used += (size_t)got;
    }
    text[used] = '\0';
out:
    close(fd);
    return text;
}

static int read_conf(struct tare__search *search, const char *path, int depth);

/* An "include" line: a pattern, relative to the file that it stands in. */
static int include_conf(struct tare__search *search, const char *from, const char *pattern, int depth)
{
    char full[4096];
    const char *slash = strrchr(from, '/');
    int length = pattern[0] == '/' || slash == NULL
                     ? snprintf(full, sizeof full, "%s", pattern)
                     : snprintf(full, sizeof full, "%.*s/%s", (int)(slash - from), from, pattern);
    if (length < 0 || (size_t)length >= sizeof full) {
        return 0;
    }
    glob_t files;
    int result = 0;
    int failed = glob(full, 0, NULL, &files);
    if (failed == GLOB_NOSPACE) {
        return -ENOMEM;
    }
    if (failed != 0) {
        return 0;
    }
    for (size_t i = 0; i < files.gl_pathc && result == 0; i++) {
        result = read_conf(search, files.gl_pathv[i], depth + 1);
    }
    globfree(&files);
    return result;
}

static int read_conf(struct tare__search *search, const char *path, int depth)
{
    if (depth > CONF_DEPTH_MAX || search->conf_count >= CONF_FILES_MAX) { /* files that include each other */
        return 0;
    }
    search->conf_count++;
    int result;
    char *text = read_text(path, &result);
    char *rest = text;
    for (char *line = NULL; rest != NULL && result == 0 && (line = strsep(&rest, "\n")) != NULL;) {
        line[strcspn(line, "#")] = '\0';
        line += strspn(line, " \t");
        size_t length = strlen(line);
        while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL) {
            line[--length] = '\0';
        }
        if (strncmp(line, "include", 7) == 0 && (line[7] == ' ' || line[7] == '\t')) {
            char *patterns = line + 7;
            for (char *one; result == 0 && (one = strsep(&patterns, " \t")) != NULL;) {
                if (*one != '\0') {
                    result = include_conf(search, path, one, depth);
                }
            }
        } else if (line[0] == '/') {
            result = add_directory(search, line, strcspn(line, "=")); /* "=TYPE": a relic of libc5 */
        }
    }
    free(text);
    return result;
}

/*
 * musl's directories: one path in /etc/ld-musl-ARCH.path, separated by colons or newlines, else three by
 * default.
 */
static int init_musl(struct tare__search *search, const char *interpreter)
{
    const char *name = strrchr(interpreter, '/') + 1;
    char path[256];
    int length = snprintf(path, sizeof path, "/etc/%.*s.path", (int)strcspn(name, "."), name);
    int result = 0;
    char *text = length > 0 && (size_t)length < sizeof path ? read_text(path, &result) : NULL;
    const char *list = text != NULL ? text : "/lib:/usr/local/lib:/usr/lib";
    while (result == 0 && *list != '\0') {
        size_t part = strcspn(list, ":\n");
        result = add_directory(search, list, part);
        list += part;
        list += strspn(list, ":\n");
    }
    free(text);
    search->musl_libc = interpreter;
    return result;
}

int tare__search_init(struct tare__search *search, uint16_t machine, const char *interpreter, const char *conf)
{
    memset(search, 0, sizeof *search);
    search->machine = machine;
    int result;
    if (interpreter != NULL && strstr(interpreter, "/ld-musl-") != NULL) {
        result = init_musl(search, interpreter);
        goto out;
    }
    static const char *const x86_64[] = {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"};
    static const char *const aarch64[] = {"/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"};
    static const char *const any[] = {"/lib64", "/usr/lib64", "/lib", "/usr/lib"};
    const char *const *own = machine == EM_AARCH64 ? aarch64 : machine == EM_X86_64 ? x86_64 : NULL;
    result = read_conf(search, conf, 0);
    for (size_t i = 0; own != NULL && i < 2 && result == 0; i++) {
        result = add_directory(search, own[i], strlen(own[i]));
    }
    for (size_t i = 0; i < sizeof any / sizeof any[0] && result == 0; i++) {
        result = add_directory(search, any[i], strlen(any[i]));
    }
out:
    if (result != 0) {
        tare__search_release(search);
    }
    return result;
}

void tare__search_release(struct tare__search *search)
{
    for (size_t i = 0; i < search->directory_count; i++) {
        free(search->directories[i]);
    }
    free(search->directories);
    memset(search, 0, sizeof *search);
}

/* Whether the file is a 64-bit, little-endian ELF file of that machine. */
static bool fits(const char *path, uint16_t machine)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    struct stat status;
    Elf64_Ehdr header;
    bool result = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                  pread(fd, &header, sizeof header, 0) == (ssize_t)sizeof header &&
                  memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
                  header.e_ident[EI_DATA] == ELFDATA2LSB && le16toh(header.e_machine) == machine;
    close(fd);
    return result;
}

/* Sets *found if the directory, of `length` bytes, has the library. */
static int try_directory(const struct tare__search *search, const char *directory, size_t length,
                         const char *name, char **found)
{
    char *path;
    if (asprintf(&path, "%.*s/%s", (int)length, directory, name) < 0) {
        return -ENOMEM;
    }
    if (fits(path, search->machine)) {
        *found = path;
    } else {
        free(path);
    }
    return 0;
}

/* Replaces $ORIGIN and ${ORIGIN}. Returns NULL without memory; "" if the text has another variable. */
static char *expand(const char *text, size_t length, const char *origin)
{
    size_t origin_length = strlen(origin);
    char *out = malloc(length + (length / 7) * origin_length + 1);
    if (out == NULL) {
        return NULL;
    }
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        if (text[i] != '$') {
            out[used++] = text[i++];
            continue;
        }
        size_t left = length - i;
        size_t skip = left >= 9 && strncmp(text + i, "${ORIGIN}", 9) == 0 ? 9
                      : left >= 7 && strncmp(text + i, "$ORIGIN", 7) == 0 ? 7
                                                                          : 0;
        if (skip == 0) {
            used = 0;
            break;
        }
        memcpy(out + used, origin, origin_length);
        used += origin_length;
        i += skip;
    }
    out[used] = '\0';
    return out;
}

/* Looks in a list like that of LD_LIBRARY_PATH. An empty element stands for the current directory. */
static int try_list(const struct tare__search *search, const char *list, const char *separators,
                    const char *origin, const char *name, char **found)
{
    for (const char *at = list; *found == NULL;) {
        size_t length = strcspn(at, separators);
        char *directory = expand(length > 0 ? at : ".", length > 0 ? length : 1, origin);
        if (directory == NULL) {
            return -ENOMEM;
        }
        int result = 0;
        if (directory[0] != '\0') {
            result = try_directory(search, directory, strlen(directory), name, found);
        }
        free(directory);
        if (result != 0 || at[length] == '\0') {
            return result;
        }
        at += length + 1;
    }
    return 0;
}

int tare__search_library(const struct tare__search *search, const char *name, const struct tare__needer *needer,
                         char **found)
{
    *found = NULL;
    if (search->musl_libc != NULL && strcmp(name, "libc.so") == 0) {
        *found = strdup(search->musl_libc);
        return *found != NULL ? 0 : -ENOMEM;
    }
    if (strchr(name, '/') != NULL) { /* a path, and not looked for */
        char *path = expand(name, strlen(name), needer->origin);
        if (path == NULL) {
            return -ENOMEM;
        }
        if (fits(path, search->machine)) {
            *found = path;
        } else {
            free(path);
        }
        return 0;
    }
    int result = 0;
    if (needer->runpath == NULL) {
        for (const struct tare__needer *at = needer; at != NULL && *found == NULL && result == 0;
             at = at->parent) {
            if (at->rpath != NULL && at->runpath == NULL) {
                result = try_list(search, at->rpath, ":", at->origin, name, found);
            }
        }
    }
    const char *library_path = getenv("LD_LIBRARY_PATH");
    if (result == 0 && *found == NULL && library_path != NULL && library_path[0] != '\0') {
        result = try_list(search, library_path, ":;", needer->origin, name, found);
    }
    if (result == 0 && *found == NULL && needer->runpath != NULL) {
        result = try_list(search, needer->runpath, ":", needer->origin, name, found);
    }
    for (size_t i = 0; result == 0 && *found == NULL && i < search->directory_count; i++) {
        const char *directory = search->directories[i];
        result = try_directory(search, directory, strlen(directory), name, found);
    }
    return result;
}

/* 0 if the file can be executed, as far as its mode tells. */
static int check_program(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return -EACCES;
    }
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : -errno;
}

int tare_find_program(const char *name, char **path)
{
    *path = NULL;
    if (name[0] == '\0') {
        return -ENOENT;
    }
    if (strchr(name, '/') != NULL) {
        int result = check_program(name);
        if (result == 0) {
            *path = strdup(name);
            return *path != NULL ? 0 : -ENOMEM;
        }
        return result == -ENOTDIR ? -ENOENT : result;
    }
    const char *list = getenv("PATH");
    if (list == NULL) {
        list = "/bin:/usr/bin"; /* as glibc's and musl's execvp() */
    }
    int answer = -ENOENT;
    for (const char *at = list;;) {
        size_t length = strcspn(at, ":");
        char *candidate;
        /* An empty element is the current directory; "./" keeps the path from being looked up again. */
        if (asprintf(&candidate, "%.*s/%s", length > 0 ? (int)length : 1, length > 0 ? at : ".", name) < 0) {
            return -ENOMEM;
        }
        int result = check_program(candidate);
        if (result == 0) {
            *path = candidate;
            return 0;
        }
        free(candidate);
        if (result == -EACCES) {
            answer = -EACCES;
        }
        if (at[length] == '\0') {
            return answer;
        }
        at += length + 1;
    }
}
