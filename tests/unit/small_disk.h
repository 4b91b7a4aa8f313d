/* SPDX-License-Identifier: MIT */
/*
 * A small disk for the files of one folder: pwrite() and fstatvfs() are ours, and count bytes, while it has a limit.
 * For one program, which is linked with --wrap of both.
 */
#ifndef TARE_TESTS_SMALL_DISK_H
#define TARE_TESTS_SMALL_DISK_H

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char *small_disk_folder;        /* set before there are threads */
static _Atomic unsigned long small_disk_max; /* bytes; 0: no limit */

ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset);
int __real_fstatvfs(int fd, struct statvfs *disk);
int __wrap_fstatvfs(int fd, struct statvfs *disk);

static unsigned long small_disk_used(void)
{
    unsigned long used = 0;
    DIR *folder = opendir(small_disk_folder);
    for (struct dirent *entry = folder != NULL ? readdir(folder) : NULL; entry != NULL;
         entry = readdir(folder)) {
        struct stat st;
        if (fstatat(dirfd(folder), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode)) {
            used += (unsigned long)st.st_size;
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return used;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    struct stat st;
    if (small_disk_max != 0 && fstat(fd, &st) == 0 &&
        small_disk_used() - (unsigned long)st.st_size + (unsigned long)offset + size > small_disk_max) {
        errno = ENOSPC;
        return -1;
    }
    return __real_pwrite(fd, bytes, size, offset);
}

int __wrap_fstatvfs(int fd, struct statvfs *disk)
{
    int result = __real_fstatvfs(fd, disk);
    if (small_disk_max != 0 && result == 0) {
        unsigned long used = small_disk_used();
        disk->f_frsize = 1;
        disk->f_bavail = used < small_disk_max ? small_disk_max - used : 0;
    }
    return result;
}

#endif
