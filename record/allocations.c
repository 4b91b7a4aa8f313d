/* SPDX-License-Identifier: MIT */
/* A memory without a name in any file system, which is inherited as a descriptor: see preload/count.h. */
#include "record/allocations.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/count.h"

/* High, so that the program's own descriptors have the numbers that they have otherwise. */
enum { FD_LEAST = 100 };

int tare_allocations_open(struct tare_allocations *allocations)
{
    *allocations = (struct tare_allocations){.fd = -1};
    struct stat status;
    int error = 0, fd = memfd_create("tare-count", MFD_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    allocations->fd = fcntl(fd, F_DUPFD, FD_LEAST);
    if (allocations->fd < 0) { /* the limit is lower */
        allocations->fd = fcntl(fd, F_DUPFD, STDERR_FILENO + 1);
    }
    if (allocations->fd < 0 || ftruncate(fd, sizeof(struct tare_count)) != 0 || fstat(fd, &status) != 0) {
        error = -errno;
        goto out;
    }
    void *memory = mmap(NULL, sizeof(struct tare_count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        error = -errno;
        goto out;
    }
    allocations->shared = memory;
    allocations->device = (uint64_t)status.st_dev;
    allocations->inode = (uint64_t)status.st_ino;
    tare_allocations_clear(allocations);
out:
    close(fd);
    if (error != 0 && allocations->fd >= 0) {
        close(allocations->fd);
        allocations->fd = -1;
    }
    return error;
}

void tare_allocations_close(struct tare_allocations *allocations)
{
    if (allocations->fd >= 0) {
        munmap(allocations->shared, sizeof(*allocations->shared));
        close(allocations->fd);
    }
    *allocations = (struct tare_allocations){.fd = -1};
}

void tare_allocations_variable(const struct tare_allocations *allocations, char *variable, size_t size)
{
    snprintf(variable, size, TARE_COUNT_VARIABLE "=fd=%d device=%" PRIu64 " inode=%" PRIu64, allocations->fd,
             allocations->device, allocations->inode);
}

void tare_allocations_clear(struct tare_allocations *allocations)
{
    *allocations->shared = (struct tare_count){.magic = TARE_COUNT_MAGIC};
}

bool tare_allocations_read(const struct tare_allocations *allocations, struct tare_allocation_counts *counts)
{
    const struct tare_count *shared = allocations->shared;
    *counts = (struct tare_allocation_counts){
        .calls = __atomic_load_n(&shared->calls, __ATOMIC_RELAXED),
        .bytes = __atomic_load_n(&shared->bytes, __ATOMIC_RELAXED),
    };
    return __atomic_load_n(&shared->programs, __ATOMIC_RELAXED) > 0 &&
           __atomic_load_n(&shared->foreign, __ATOMIC_RELAXED) == 0;
}
