/* SPDX-License-Identifier: MIT */
/*
 * Pages for processes that do not exist yet. The set is one sparse memfd, so nothing is left behind in the file
 * system, whatever happens to us, and a child finds it through /proc without inheriting a descriptor.
 */
#include "record/set.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record/discover.h"

enum {
    FIRST_OFFSET = 1 << 20,
    SET_MAX = 65536,
    TIMERS_DEFAULT = 1024,
    THREADS_DEFAULT = 128,
};
#define STRIDE_MIN (UINT64_C(1) << 30)

static uint64_t within(uint32_t number, uint32_t otherwise, uint32_t limit)
{
    return number == 0 ? otherwise : number > limit ? limit : number;
}

/* Room for one page, generously: what the runtime lays out is a little less. */
static uint64_t stride_for(uint64_t timers, uint64_t threads)
{
    uint64_t block = 16384 + timers * (sizeof(struct tare_slot) + TARE_BUCKET_COUNT * sizeof(uint64_t));
    uint64_t extras = (threads > THREADS_DEFAULT ? threads : THREADS_DEFAULT) * (UINT64_C(512) << 10);
    uint64_t size = threads * block + timers * 448 + extras + (UINT64_C(1) << 20);
    uint64_t stride = STRIDE_MIN;
    while (stride < size) {
        stride *= 2;
    }
    return stride;
}

/*
 * The set is hardly any memory but a very long file. ulimit -f is meant for others: it is lifted, where that is
 * allowed, and put back, as the program shall have it. Returns 0 or -errno.
 */
static int make_long(int fd, uint64_t size)
{
    struct rlimit limit, lifted = {RLIM_INFINITY, RLIM_INFINITY};
    struct sigaction before, ignored = {.sa_handler = SIG_IGN};
    bool limited = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    if (limited && setrlimit(RLIMIT_FSIZE, &lifted) != 0) {
        lifted.rlim_cur = lifted.rlim_max = limit.rlim_max; /* as far as everybody may */
        setrlimit(RLIMIT_FSIZE, &lifted);
    }
    sigaction(SIGXFSZ, &ignored, &before); /* else it would not say EFBIG */
    int error = ftruncate(fd, (off_t)size) != 0 ? -errno : 0;
    sigaction(SIGXFSZ, &before, NULL);
    if (limited) {
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    return error;
}

int tare_page_set_make(struct tare_page_set *set, uint32_t timers, uint32_t threads)
{
    *set = (struct tare_page_set){.fd = -1, .first_offset = FIRST_OFFSET, .max = SET_MAX};
    set->stride = stride_for(within(timers, TIMERS_DEFAULT, TARE_SET_TIMERS_LIMIT),
                             within(threads, THREADS_DEFAULT, TARE_SET_THREADS_LIMIT));
    while (set->max > 64 && set->stride > (UINT64_C(1) << 60) / set->max) {
        set->max /= 2;
    }
    set->fd = memfd_create(TARE_SET_MEMFD, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (set->fd < 0) {
        return -errno;
    }
    int error = make_long(set->fd, set->first_offset + set->max * set->stride);
    if (error != 0) {
        goto out;
    }
    if (fchmod(set->fd, 0600) != 0 ||
        fcntl(set->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        error = -errno;
        goto out;
    }
    set->shared = mmap(NULL, sizeof(*set->shared), PROT_READ | PROT_WRITE, MAP_SHARED, set->fd, 0);
    if (set->shared == MAP_FAILED) {
        set->shared = NULL;
        error = -errno;
        goto out;
    }
    *set->shared = (struct tare_set){
        .version = TARE_PAGE_VERSION,
        .byte_order = TARE_BYTE_ORDER,
        .first_offset = set->first_offset,
        .stride = set->stride,
        .max = set->max,
    };
    memcpy(set->shared->magic, TARE_SET_MAGIC, sizeof(set->shared->magic));
out:
    if (error != 0) {
        tare_page_set_close(set);
    }
    return error;
}

void tare_page_set_close(struct tare_page_set *set)
{
    if (set->shared != NULL) {
        munmap(set->shared, sizeof(*set->shared));
        set->shared = NULL;
    }
    if (set->fd >= 0) {
        close(set->fd);
        set->fd = -1;
    }
}

void tare_page_set_address(const struct tare_page_set *set, char address[TARE_SET_ADDRESS])
{
    snprintf(address, TARE_SET_ADDRESS, "set:/proc/%d/fd/%d", (int)getpid(), set->fd);
}

uint64_t tare_page_set_count(const struct tare_page_set *set, uint64_t *lost)
{
    uint64_t next = __atomic_load_n(&set->shared->next, __ATOMIC_ACQUIRE);
    *lost = next > set->max ? next - set->max : 0;
    return next < set->max ? next : set->max;
}

struct tare_page_source tare_page_set_source(const struct tare_page_set *set, uint64_t number)
{
    return (struct tare_page_source){
        .fd = set->fd, .offset = set->first_offset + number * set->stride, .limit = set->stride};
}

/* The header's first bytes, if the page has been made and its pid is one of ours. */
static bool read_header(const struct tare_page_set *set, uint64_t number, struct tare_page *header)
{
    struct stat st;
    struct tare_page_source source = tare_page_set_source(set, number);
    return pread(set->fd, header, sizeof(*header), (off_t)source.offset) == (ssize_t)sizeof(*header) &&
           header->state != TARE_PAGE_BUILDING && header->pid_namespace != 0 && header->pid > 1 &&
           header->pid <= INT32_MAX && stat("/proc/self/ns/pid", &st) == 0 &&
           st.st_ino == header->pid_namespace;
}

bool tare_page_set_ended(const struct tare_page_set *set, uint64_t number)
{
    struct tare_page header;
    return read_header(set, number, &header) && tare_process_ended((pid_t)header.pid);
}

int tare_page_set_live_pid(const struct tare_page_set *set, uint64_t number)
{
    struct tare_page header;
    return read_header(set, number, &header) && tare_process_alive((pid_t)header.pid, header.start_time_jiffies)
               ? (int)header.pid
               : 0;
}

/*
 * The descriptor comes first: it stays with its process, and what is asked after that is asked of no other one.
 */
bool tare_page_set_signal(const struct tare_page_set *set, uint64_t number, int signal)
{
    struct tare_page header;
    if (!read_header(set, number, &header) || header.start_time_jiffies == 0 ||
        (pid_t)header.pid == getpid()) { /* who maps the set, too */
        return false;
    }
    int process = (int)syscall(SYS_pidfd_open, (pid_t)header.pid, 0);
    if (process < 0) {
        return false;
    }
    bool sent = tare_process_alive((pid_t)header.pid, header.start_time_jiffies) &&
                tare_process_maps((pid_t)header.pid, set->fd, TARE_MAPS_ANYWHERE) &&
                syscall(SYS_pidfd_send_signal, process, signal, NULL, 0) == 0;
    close(process);
    return sent;
}

void tare_page_set_discard(const struct tare_page_set *set, uint64_t number)
{
    struct tare_page_source source = tare_page_set_source(set, number);
    fallocate(set->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)source.offset, (off_t)source.limit);
}
