/* SPDX-License-Identifier: MIT */
/*
 * Stores into a page's controls. `enabled` is a byte of its own. A generation is counted up, and others may
 * count it up at the same time: two who both went from 5 to 6 are no loss, but one who writes 6 when it has
 * come to 7 would bring counts back to life that were void. So where the page can be mapped it is done
 * atomically; in a file that might be cut short under our hands, by reading and writing.
 */
#include "record/switch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/page_access.h"
#include "runtime/atomic.h"

static int control_offset(const struct tare_page_source *source, const struct tare_page *header, uint32_t index,
                          uint64_t *offset)
{
    if (index >= header->instrument_count) {
        return -EINVAL;
    }
    *offset = source->offset + header->control_offset + (uint64_t)index * header->control_stride;
    return 0;
}

/*
 * Adds 1 to `switched` of the control at `offset`. Should another do so at the same time, one of the two may be
 * lost, as they are no atomic additions: there is still another number than before.
 */
static int count_switch(int fd, uint64_t offset)
{
    uint16_t switched;
    offset += offsetof(struct tare_control, switched);
    errno = EIO;
    if (pread(fd, &switched, sizeof(switched), (off_t)offset) != sizeof(switched)) {
        return -errno;
    }
    switched++;
    errno = EIO;
    return pwrite(fd, &switched, sizeof(switched), (off_t)offset) == sizeof(switched) ? 0 : -errno;
}

int tare_page_switch(const struct tare_page_source *source, const struct tare_page *header, uint32_t index,
                     bool enabled)
{
    uint64_t offset;
    uint8_t byte = 0;
    int error = control_offset(source, header, index, &offset);
    if (error != 0) {
        return error;
    }
    errno = EIO; /* of what is cut short */
    if (pread(source->fd, &byte, 1, (off_t)offset) != 1) {
        return -errno;
    }
    bool changes = (byte != 0) != enabled;
    if (changes && enabled && (error = count_switch(source->fd, offset)) != 0) {
        return error;
    }
    byte = enabled;
    errno = EIO;
    if (pwrite(source->fd, &byte, 1, (off_t)offset) != 1) {
        return -errno;
    }
    return changes && !enabled ? count_switch(source->fd, offset) : 0;
}

/* Never 0, which is a slot that was never used. */
static uint32_t next_generation(uint32_t generation)
{
    return generation + 1 != 0 ? generation + 1 : 1;
}

/* Returns false if it cannot be mapped, or not safely. */
static bool reset_mapped(int fd, uint64_t offset)
{
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), from = offset / page_bytes * page_bytes;
    if (offset % sizeof(uint32_t) != 0 || !tare__page_mappable(fd, offset + sizeof(uint32_t))) {
        return false;
    }
    unsigned char *map = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)from);
    if (map == MAP_FAILED) {
        return false;
    }
    uint32_t *generation = (void *)(map + (offset - from)), old;
    do {
        old = load_relaxed(generation);
    } while (!cas32_acq_rel(generation, old, next_generation(old)));
    munmap(map, page_bytes);
    return true;
}

int tare_page_reset(const struct tare_page_source *source, const struct tare_page *header, uint32_t index)
{
    uint64_t offset;
    uint32_t generation;
    int error = control_offset(source, header, index, &offset);
    if (error != 0) {
        return error;
    }
    offset += offsetof(struct tare_control, generation);
    if (reset_mapped(source->fd, offset)) {
        return 0;
    }
    errno = EIO; /* of what is cut short */
    if (pread(source->fd, &generation, sizeof(generation), (off_t)offset) != sizeof(generation)) {
        return -errno;
    }
    generation = next_generation(generation);
    errno = EIO;
    return pwrite(source->fd, &generation, sizeof(generation), (off_t)offset) == sizeof(generation) ? 0
                                                                                                    : -errno;
}

static int lock(const struct tare_page_source *source, const struct tare_page *header, short type)
{
    struct flock lock = {
        .l_type = type,
        .l_whence = SEEK_SET,
        .l_start = (off_t)(source->offset + header->control_offset),
        .l_len = (off_t)((uint64_t)header->instrument_max * header->control_stride),
    };
    return fcntl(source->fd, F_OFD_SETLK, &lock) != 0 ? errno : 0;
}

int tare_page_lock(const struct tare_page_source *source, const struct tare_page *header)
{
    int error = lock(source, header, F_WRLCK);
    return error == EAGAIN || error == EACCES ? -EBUSY : 0;
}

void tare_page_unlock(const struct tare_page_source *source, const struct tare_page *header)
{
    lock(source, header, F_UNLCK);
}
