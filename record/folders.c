/* SPDX-License-Identifier: MIT */
/*
 * Trees are gone through by descriptors, so that nobody can lead us elsewhere by exchanging a folder for a
 * link.
 */
#include "record/folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { DEPTH_MAX = 512 }; /* folders within folders: each holds a descriptor open */

char *tare__text(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return length < 0 ? NULL : text;
}

const char *tare__path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

char *tare__path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

int tare__path_place(const char *path, char **place)
{
    const char *name = tare__path_name(path);
    *place = NULL;
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return *path == '\0' ? -ENOENT : -EISDIR;
    }
    char *folder = tare__path_folder(path);
    if (folder == NULL) {
        return -ENOMEM;
    }
    char *real = realpath(folder, NULL);
    int error = real == NULL ? -errno : 0;
    if (error == 0) {
        *place = tare__text("%s/%s", strcmp(real, "/") == 0 ? "" : real, name);
        error = *place == NULL ? -ENOMEM : 0;
    }
    free(real);
    free(folder);
    return error;
}

const char *tare__path_below(const char *path, const char *folder)
{
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    if (strncmp(path, folder, length) != 0 || (path[length] != '/' && path[length] != '\0')) {
        return NULL;
    }
    return path[length] == '/' ? path + length + 1 : path + length;
}

bool tare__path_exists(const char *folder, const char *name)
{
    struct stat status;
    char *path = tare__text("%s/%s", folder, name);
    bool exists = path != NULL && stat(path, &status) == 0;
    free(path);
    return exists;
}

char *tare__shell_word(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+,:@%-=";
    size_t quotes = 0;
    for (const char *at = text; *at != '\0'; at++) {
        quotes += *at == '\'';
    }
    if (*text != '\0' && text[strspn(text, plain)] == '\0') {
        return strdup(text);
    }
    char *word = malloc(strlen(text) + 3 * quotes + 3), *to = word;
    if (word == NULL) {
        return NULL;
    }
    *to++ = '\'';
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\'') {
            memcpy(to, "'\\''", 4);
            to += 4;
        } else {
            *to++ = *at;
        }
    }
    *to++ = '\'';
    *to = '\0';
    return word;
}

int tare__folders_make(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL) {
        return -ENOMEM;
    }
    int error = 0;
    for (char *at = copy + 1; error == 0; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char kept = *at;
        *at = '\0';
        struct stat status;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            error = -errno;
        } else if (stat(copy, &status) != 0 || !S_ISDIR(status.st_mode)) {
            error = -ENOTDIR;
        }
        *at = kept;
        if (kept == '\0') {
            break;
        }
    }
    free(copy);
    return error;
}

static int remove_entry(int folder, const char *name, unsigned depth);

/* All that is in it. Read-only folders are made writable first: only root could empty them otherwise. */
static int empty(int parent, const char *name, unsigned depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0) {
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (fd < 0) {
        return -errno;
    }
    struct stat status;
    if (fstat(fd, &status) == 0 && (status.st_mode & 0300) != 0300) {
        fchmod(fd, 0700); /* where that fails, removing says why */
    }
    DIR *list = depth < DEPTH_MAX ? fdopendir(fd) : NULL;
    if (list == NULL) {
        close(fd);
        return depth < DEPTH_MAX ? -ENOMEM : -ELOOP;
    }
    int error = 0;
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            int failed = remove_entry(fd, entry->d_name, depth + 1);
            error = error != 0 ? error : failed;
        }
    }
    closedir(list);
    return error;
}

static int remove_entry(int folder, const char *name, unsigned depth)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    if (errno != EISDIR && errno != EPERM) { /* what unlink says of a folder */
        return -errno;
    }
    struct stat status;
    int error = -errno;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(status.st_mode)) {
        return error;
    }
    error = empty(folder, name, depth);
    return unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : error != 0 ? error : -errno;
}

int tare__tree_remove(const char *path)
{
    return remove_entry(AT_FDCWD, path, 0);
}

int tare__scratch_make(char *path)
{
    return mkdtemp(path) == NULL ? -errno : 0;
}

int tare__scratch_place(bool run, char **folder)
{
    const char *given = getenv("TMPDIR");
    bool own = given != NULL && *given != '\0';
    const char *const places[] = {own ? given : "/tmp", own ? NULL : "/var/tmp", NULL};
    int error = -ENOENT;
    *folder = NULL;
    for (size_t i = 0; places[i] != NULL; i++) {
        struct statvfs status;
        free(*folder);
        *folder = realpath(places[i], NULL);
        error = *folder == NULL                           ? -errno
                : access(*folder, W_OK | X_OK) != 0       ? -errno
                : statvfs(*folder, &status) != 0          ? -errno
                : (status.f_flag & ST_RDONLY) != 0        ? -EROFS
                : run && (status.f_flag & ST_NOEXEC) != 0 ? -ENOEXEC
                                                          : 0;
        if (error == 0) {
            return 0;
        }
    }
    free(*folder);
    *folder = strdup(places[0]);
    return error;
}
