/* SPDX-License-Identifier: MIT */
/*
 * An executable that was moved aside must come back, whenever the process that did so dies. It does so itself
 * but for SIGKILL and a power cut; then the next one finds the file aside. What lies in the executable's place
 * at that moment is either what the build was making for the killed run, or what the user has built since.
 * Their times tell: the lock's file is touched for as long as the run lives.
 */
#include "record/relink_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/folders.h"

#define PREFIX ".tare-relink-"

enum {
    LINKS_MAX = 40, /* of symbolic links, as the kernel has it */
    /*
     * So much later than the last sign of life, what was made is not the killed run's. Who builds again before that
     * loses nothing but time: the executable that is put back is older than his object files, and is linked again.
     */
    SURVIVAL_S = 10,
    OPEN_TRIES = 100,
};

int tare__relink_resolve(const char *executable, char **original)
{
    char *path = strdup(executable);
    *original = NULL;
    for (int i = 0; path != NULL && i < LINKS_MAX; i++) {
        char *place, link[PATH_MAX];
        int error = tare__path_place(path, &place);
        free(path);
        if (error != 0) {
            return error;
        }
        ssize_t length = readlink(place, link, sizeof(link) - 1);
        if (length < 0) { /* no link, or nothing */
            *original = place;
            return 0;
        }
        link[length] = '\0';
        char *folder = tare__path_folder(place);
        path = link[0] == '/' ? strdup(link) : folder != NULL ? tare__text("%s/%s", folder, link) : NULL;
        free(folder);
        free(place);
    }
    bool loop = path != NULL;
    free(path);
    return loop ? -ELOOP : -ENOMEM;
}

char *tare__relink_name(const char *original, const char *suffix)
{
    char *folder = tare__path_folder(original), *name = NULL;
    if (folder != NULL) {
        name = tare__text("%s/" PREFIX "%s.%s", folder, tare__path_name(original), suffix);
    }
    free(folder);
    return name;
}

/* Whether the open file is still the one of that name: its owner removes it with the lock still on it. */
static bool is_current(int fd, const char *path)
{
    struct stat ours, there;
    return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

int tare__relink_lock(const char *original)
{
    char *path = tare__relink_name(original, "lock");
    int result = path == NULL ? -ENOMEM : -EBUSY;
    for (int i = 0; path != NULL && i < OPEN_TRIES; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
            result = -errno;
            break;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            result = errno == EWOULDBLOCK ? -EBUSY : -errno;
            close(fd);
            break;
        }
        if (is_current(fd, path)) {
            result = fd;
            break;
        }
        close(fd);
    }
    free(path);
    return result;
}

void tare__relink_unlock(const char *original, int lock)
{
    char *path = tare__relink_name(original, "lock");
    if (path != NULL) {
        unlink(path);
    }
    free(path);
    close(lock);
}

void tare__relink_alive(int lock)
{
    futimens(lock, NULL);
}

static bool is_there(const char *original, const char *suffix)
{
    struct stat status;
    char *path = tare__relink_name(original, suffix);
    bool is = path != NULL && lstat(path, &status) == 0;
    free(path);
    return is;
}

bool tare__relink_is_left(const char *original)
{
    return is_there(original, "original") || is_there(original, "lock");
}

/* Those that were made, by their numbers. */
static void remove_made(const char *original)
{
    char *folder = tare__path_folder(original), *prefix = tare__text(PREFIX "%s.", tare__path_name(original));
    DIR *list = folder != NULL && prefix != NULL ? opendir(folder) : NULL;
    for (struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL; entry = readdir(list)) {
        size_t length = strlen(prefix);
        const char *number = entry->d_name + length;
        if (strncmp(entry->d_name, prefix, length) == 0 && *number != '\0' &&
            number[strspn(number, "0123456789")] == '\0') {
            unlinkat(dirfd(list), entry->d_name, 0);
        }
    }
    if (list != NULL) {
        closedir(list);
    }
    free(folder);
    free(prefix);
}

void tare__relink_note(int lock, const char *folder)
{
    ssize_t written = pwrite(lock, folder, strlen(folder) + 1, 0);
    (void)written; /* a few kilobytes are left in /tmp if that fails, and then we are killed */
}

/* The folder that the lock's last holder has noted, if it is still there and is what it says. */
static void remove_noted(int lock)
{
    struct stat status;
    char folder[PATH_MAX] = "";
    ssize_t got = pread(lock, folder, sizeof(folder) - 1, 0);
    if (got > 0 && folder[0] == '/' && strncmp(tare__path_name(folder), "tare-ld-", 8) == 0 &&
        lstat(folder, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid()) {
        tare__tree_remove(folder);
    }
}

int tare__relink_tidy(const char *original, int lock)
{
    struct stat alive, now, before;
    char *aside = tare__relink_name(original, "original");
    if (aside == NULL) {
        return -ENOMEM;
    }
    int result = TARE__RELINK_NOTHING;
    remove_noted(lock);
    remove_made(original);
    if (lstat(aside, &before) == 0) {
        bool built = fstat(lock, &alive) == 0 && stat(original, &now) == 0 &&
                     now.st_mtim.tv_sec > alive.st_mtim.tv_sec + SURVIVAL_S;
        if (built) {
            result = unlink(aside) == 0 ? TARE__RELINK_NEWER : -errno;
        } else {
            result = rename(aside, original) == 0 ? TARE__RELINK_PUT_BACK : -errno;
        }
    }
    free(aside);
    return result;
}

int tare__relink_digest(const char *path, char digest[TARE_SHA256_HEX + 1])
{
    enum { CHUNK = 1 << 16 };
    struct tare_sha256 hash;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    unsigned char *bytes = fd >= 0 ? malloc(CHUNK) : NULL;
    int error = fd < 0 ? -errno : bytes == NULL ? -ENOMEM : 0;
    tare_sha256_init(&hash);
    for (ssize_t got = 1; error == 0 && got != 0;) {
        got = read(fd, bytes, CHUNK);
        if (got < 0 && errno != EINTR) {
            error = -errno;
        }
        tare_sha256_add(&hash, bytes, got > 0 ? (size_t)got : 0);
    }
    tare_sha256_finish_hex(&hash, digest);
    if (fd >= 0) {
        close(fd);
    }
    free(bytes);
    return error;
}
