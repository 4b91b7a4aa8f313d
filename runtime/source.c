/* SPDX-License-Identifier: MIT */
/*
 * Where a page's memory comes from. Three sources: a memfd (nobody else's, gone with the last process that has
 * it open), a file that the user named, or the next page of a set that `tare run` made. All are sparse: room
 * for a thousand timers and a hundred threads is 840 MB of addresses, and takes as much memory as was touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "runtime/internal.h"
#include "runtime/source.h"

/* As in <linux/magic.h>, which does not stand among musl's headers. */
#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6

enum {
    FD_FLOOR = 200, /* where our descriptor is kept, out of the way of programs that count on the low ones */
    BLOCK_MAX_SMALL = 4,
    PATH_BYTES = 4096,
    SUFFIX_BYTES = 16, /* of .PID.N: a process id has 7 digits */
    IMAGES_MOST =
        99, /* programs that one process becomes, one after the other, and that have files of their own */
    PUBLISH_TRIES = 5,
    NOREPLACE = 1, /* RENAME_NOREPLACE of <linux/fs.h> */
};

static uint64_t align(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

static void lay_out(struct tare_page *page, uint32_t instruments, uint32_t blocks, uint64_t extras)
{
    *page = (struct tare_page){
        .version = TARE_PAGE_VERSION,
        .byte_order = TARE_BYTE_ORDER,
        .header_size = sizeof(struct tare_page),
        .instrument_max = instruments,
        .block_max = blocks,
        .control_stride = sizeof(struct tare_control),
        .entry_stride = sizeof(struct tare_entry),
        .slot_stride = sizeof(struct tare_slot),
        .histogram_stride = TARE_BUCKET_COUNT * sizeof(uint64_t),
        .bucket_count = TARE_BUCKET_COUNT,
        .bucket_bits = TARE_BUCKET_BITS,
        .cell_stride = sizeof(struct tare_cell),
        .slots_offset = SLOTS_OFFSET,
        .strings_used = 1, /* offset 0 is the empty string */
    };
    memcpy(page->magic, TARE_PAGE_MAGIC, sizeof(page->magic));
    uint64_t n = instruments;
    page->control_offset = sizeof(struct tare_page);
    page->directory_offset =
        align(page->control_offset + (n + HIDDEN_TIMERS) * page->control_stride, PAGE_BYTES);
    page->cells_offset = align(page->directory_offset + n * page->entry_stride, PAGE_BYTES);
    page->strings_offset = align(page->cells_offset + (n + HIDDEN_TIMERS) * page->cell_stride, PAGE_BYTES);
    page->strings_size = align(65536 + n * 256, PAGE_BYTES);
    page->blocks_offset = page->strings_offset + page->strings_size;
    page->histograms_offset =
        (uint32_t)align(SLOTS_OFFSET + (n + HIDDEN_TIMERS) * page->slot_stride, PAGE_BYTES);
    page->block_stride =
        align(page->histograms_offset + (n + HIDDEN_TIMERS) * page->histogram_stride, PAGE_BYTES);
    page->extras_offset = page->blocks_offset + (uint64_t)blocks * page->block_stride;
    page->extras_size = extras;
    page->page_size = page->extras_offset + page->extras_size;
}

/*
 * Lays the page out as large as it may be: fewer threads rather than none where file sizes are limited, an
 * eighth of the room for extras, and none of it for them where there is hardly any.
 */
static int lay_out_within(struct tare_page *page, const struct config *config, uint64_t limit)
{
    uint32_t blocks = config->block_max;
    uint64_t extras = config->extras_size;
    for (;;) {
        lay_out(page, config->instrument_max, blocks, extras);
        if (page->page_size <= limit) {
            return 0;
        }
        if (extras > limit / 8) {
            extras = limit / 8 / PAGE_BYTES * PAGE_BYTES;
        } else if (blocks > 1) {
            blocks = blocks / 2;
        } else if (extras > 0) {
            extras = 0;
        } else {
            return -EFBIG;
        }
    }
}

static uint64_t file_size_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return UINT64_MAX;
    }
    return limit.rlim_cur; /* beyond it ftruncate would raise SIGXFSZ */
}

/*
 * Where the address space is limited (ulimit -v), most of it is the program's, and a forked child maps a second
 * page before it gives up its parent's. The child's page must be as large as that one, whatever the limit is by
 * then.
 */
static uint64_t address_limit(bool forked)
{
    struct rlimit limit;
    if (forked || getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return UINT64_MAX;
    }
    return limit.rlim_cur / 4;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Out of the way of low descriptors; the old one is closed. */
static int move_fd(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_FLOOR);
    if (high < 0) {
        return fd; /* a low limit on descriptors: then it stays where it is */
    }
    close(fd);
    return high;
}

static int open_memfd(struct tare_page *page, struct source *source)
{
    int fd = memfd_create(TARE_PAGE_MEMFD, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return -errno;
    }
    if (fchmod(fd, 0600) != 0 || ftruncate(fd, (off_t)page->page_size) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    *source = (struct source){.fd = move_fd(fd), .kind = SOURCE_MEMFD};
    return 0;
}

HIDDEN uint64_t tare__start_time_of(const char *path)
{
    char text[1024];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0) {
        return 0;
    }
    text[n] = '\0';
    const char *p = strrchr(text, ')'); /* the name before it may hold anything */
    for (int field = 2; p != NULL && field < 22; field++) {
        p = strchr(p + 1, ' ');
    }
    return p != NULL ? strtoull(p + 1, NULL, 10) : 0;
}

HIDDEN void tare__name_process(struct tare_page *page)
{
    struct stat st;
    struct timespec now;
    page->pid = (uint32_t)getpid();
    page->parent_pid = (uint32_t)getppid();
    page->uid = getuid();
    page->start_time_jiffies = tare__start_time_of("/proc/self/stat");
    page->pid_namespace = stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
    clock_gettime(CLOCK_REALTIME, &now);
    page->started_realtime_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * Whether the file is a page whose process is still there: 1, or 0; -EEXIST: it is something else, hands off, as off
 * what cannot be looked at: -errno, but not -EBUSY.
 */
static int in_use(const char *path)
{
    struct tare_page page;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? 0 : errno == ELOOP || errno == EBUSY || errno == ENXIO ? -EEXIST : -errno;
    }
    ssize_t n = -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        n = pread(fd, &page, sizeof(page), 0);
    }
    close(fd);
    if (n == 0) {
        return 0;
    }
    if (n != (ssize_t)sizeof(page) || memcmp(page.magic, TARE_PAGE_MAGIC, sizeof(page.magic)) != 0) {
        return -EEXIST;
    }
    char stat_path[32];
    snprintf(stat_path, sizeof(stat_path), "/proc/%u/stat", page.pid);
    return page.state != TARE_PAGE_EXITED && page.start_time_jiffies != 0 &&
           tare__start_time_of(stat_path) == page.start_time_jiffies;
}

/* Puts the process id where %p stands. */
static int expand(char *out, size_t size, const char *pattern)
{
    const char *p = strstr(pattern, "%p");
    int n = p == NULL ? snprintf(out, size, "%s", pattern)
                      : snprintf(out, size, "%.*s%d%s", (int)(p - pattern), pattern, (int)getpid(), p + 2);
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/*
 * Gives the finished file its name, if nobody has it. A page that a process has left behind under that name is
 * moved out of the way first, looked at once more (another process may have been faster), and only then
 * removed.
 */
static int publish(const char *temporary, const char *path)
{
    char aside[PATH_BYTES + 32];
    snprintf(aside, sizeof(aside), "%s.%d^", path, (int)getpid());
    for (int i = 0; i < PUBLISH_TRIES; i++) {
        if (syscall(SYS_renameat2, AT_FDCWD, temporary, AT_FDCWD, path, NOREPLACE) == 0) {
            return 0;
        }
        if (errno != EEXIST) { /* a kernel or file system that cannot */
            return in_use(path) == 0 && rename(temporary, path) == 0 ? 0 : -EEXIST;
        }
        int used = in_use(path);
        if (used != 0) {
            return used < 0 ? used : -EBUSY;
        }
        if (rename(path, aside) == 0) {
            if (in_use(aside) != 0) {
                rename(aside, path);
                return -EBUSY;
            }
            unlink(aside);
        }
    }
    return -EBUSY;
}

/* Makes the file under a name of its own, with a header that says whose it is, and publishes it. */
static int write_file(struct tare_page *page, const char *path, struct source *source)
{
    char temporary[PATH_BYTES + 32];
    snprintf(temporary, sizeof(temporary), "%s.%d~", path, (int)getpid());
    unlink(temporary); /* of a process with our number that was killed here */
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    *source = (struct source){.fd = move_fd(fd), .kind = SOURCE_FILE, .flags = TARE_PAGE_FILE};
    struct statfs fs;
    if (fstatfs(source->fd, &fs) == 0 && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC) {
        source->flags |= TARE_PAGE_ON_DISK;
    }
    int error = 0;
    tare__name_process(page);
    if (ftruncate(source->fd, (off_t)page->page_size) != 0) {
        error = -errno;
    } else if (!tare__source_reserve(source->fd, 0, page->blocks_offset)) {
        error = -ENOSPC; /* a full file system would be a SIGBUS later */
    } else if (pwrite(source->fd, page, sizeof(*page), 0) != (ssize_t)sizeof(*page)) {
        error = -EIO;
    } else {
        error = publish(temporary, path);
    }
    if (error != 0) {
        unlink(temporary);
        close(source->fd);
        source->fd = -1;
    }
    return error;
}

/*
 * A file that the user named. A reader never finds half a page there, and neither does who comes next, even if
 * we are killed on the way; a page that a live process writes is left to it, and a file that is no page is left
 * alone.
 */
static int open_file(struct tare_page *page, const struct config *config, bool forked, struct source *source)
{
    char path[PATH_BYTES];
    int error = expand(path, sizeof(path) - SUFFIX_BYTES, config->page);
    if (error != 0) {
        return error;
    }
    error = -EBUSY;
    if (!forked || strstr(config->page, "%p") != NULL) {
        int used = in_use(path);
        error = used < 0 ? used : used == 1 ? -EBUSY : write_file(page, path, source);
    }
    size_t length = strlen(path);
    for (int n = 1; error == -EBUSY && n <= IMAGES_MOST;
         n++) { /* a process that became another program has more */
        int end = snprintf(path + length, SUFFIX_BYTES, ".%d", (int)getpid());
        if (n > 1) {
            snprintf(path + length + end, SUFFIX_BYTES - (size_t)end, ".%d", n);
        }
        int used = in_use(path);
        error = used < 0 ? used : used == 1 ? -EBUSY : write_file(page, path, source);
    }
    return error;
}

/* The next page of the set that `tare run` made. `inherited`: a descriptor of it, or -1. */
static int open_in_set(struct tare_page *page, const struct config *config, int inherited,
                       struct source *source)
{
    int fd = inherited >= 0 ? inherited : open(config->page + strlen("set:"), O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int error = -EINVAL;
    struct stat st;
    struct tare_set *set = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (set == MAP_FAILED) {
        set = NULL;
        goto out;
    }
    if (fstat(fd, &st) != 0 || st.st_size < PAGE_BYTES ||
        memcmp(set->magic, TARE_SET_MAGIC, sizeof(set->magic)) != 0 || set->version != TARE_PAGE_VERSION ||
        set->byte_order != TARE_BYTE_ORDER || set->stride % PAGE_BYTES != 0 ||
        set->first_offset % PAGE_BYTES != 0) {
        goto out;
    }
    if (page->page_size > set->stride) {
        error = lay_out_within(page, config, set->stride);
        if (error != 0) {
            goto out;
        }
    }
    uint64_t number = fetch_add_acq_rel(&set->next, 1);
    uint64_t offset = set->first_offset + number * set->stride;
    error = number >= set->max ? -ENOSPC : offset + page->page_size > (uint64_t)st.st_size ? -EINVAL : 0;
    *source = (struct source){.fd = fd, .offset = offset, .kind = SOURCE_SET};
out:
    if (set != NULL) {
        munmap(set, PAGE_BYTES);
    }
    if (error != 0) {
        close(fd);
        source->fd = -1;
    } else if (inherited < 0) {
        source->fd = move_fd(fd);
    }
    return error;
}

HIDDEN int tare__source_open(struct tare_page *page, const struct config *config, int inherited, bool forked,
                             struct source *source)
{
    uint64_t limit = lesser(file_size_limit(), address_limit(forked));
    bool in_set = config->page != NULL && strncmp(config->page, "set:", 4) == 0;
    int error = lay_out_within(page, config, in_set ? address_limit(forked) : limit);
    int no_file = in_set ? 0 : error;
    *source = (struct source){.fd = -1};
    if (inherited >= 0 && (!in_set || error != 0)) {
        close(inherited); /* it may be the last that we can have */
    }
    if (error == 0 && config->page != NULL) {
        error = in_set ? open_in_set(page, config, inherited, source) : open_file(page, config, forked, source);
        if (error == 0) {
            return 0;
        }
        no_file = in_set ? 0 : error;
    }
    error = lay_out_within(page, config, limit);
    error = error != 0 ? error : open_memfd(page, source);
    source->no_file = config->page != NULL ? no_file : 0;
    return error;
}

/*
 * Whoever starts programs with TARE_PAGE in their environment wants their pages, so this is said, as one of the few
 * things that the runtime says by itself. It must not do harm: stderr may be closed, full, or a pipe that nobody reads.
 */
HIDDEN void tare__source_complain(const struct config *config, const struct source *source, bool made)
{
    char line[1024];
    int saved_errno = errno, error = -source->no_file;
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (error == 0 || source->fd == STDERR_FILENO || poll(&out, 1, 0) != 1 || out.revents != POLLOUT) {
        errno = saved_errno;
        return;
    }
    enum { SHOWN = 600 };
    const char *why = error == EEXIST  ? "what is there is no page"
                      : error == EBUSY ? "others have its names"
                                       : strerror(error);
    const char *more = strlen(config->page) > SHOWN ? "..." : "";
    int length =
        snprintf(line, sizeof(line), "tare: cannot make the page '%.*s%s': %s: %s\n", SHOWN, config->page, more,
                 why, made ? "it is in memory" : "there is none, and nothing is measured");
    length = length < (int)sizeof(line) ? length : (int)sizeof(line) - 1;
    for (int i = 0; i < length - 1; i++) { /* the name may be anybody's */
        line[i] = (unsigned char)line[i] < 0x20 || line[i] == 0x7f ? '?' : line[i];
    }
    /* What a write may raise: the pipe's reader went away, the file may not grow, the terminal is another's. */
    sigset_t blocked, before, pending, raised;
    const struct timespec at_once = {0};
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGPIPE);
    sigaddset(&blocked, SIGXFSZ);
    sigaddset(&blocked, SIGTTOU);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    if (write(STDERR_FILENO, line, (size_t)length) < 0 && (errno == EPIPE || errno == EFBIG)) {
        int signal = errno == EPIPE ? SIGPIPE : SIGXFSZ;
        sigemptyset(&raised);
        sigaddset(&raised, signal);
        if (!sigismember(&pending, signal)) {
            sigtimedwait(&raised, NULL, &at_once);
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved_errno;
}

HIDDEN int tare__source_shrink(struct tare_page *page, const struct config *config, const struct source *source)
{
    struct config smaller = *config;
    smaller.block_max = page->block_max / 2;
    smaller.extras_size = page->extras_size / 2 / PAGE_BYTES * PAGE_BYTES;
    if (page->block_max <= BLOCK_MAX_SMALL) {
        return -ENOMEM;
    }
    struct tare_page before = *page;
    int error = lay_out_within(page, &smaller, UINT64_MAX);
    if (error == 0 && source->kind != SOURCE_SET && ftruncate(source->fd, (off_t)page->page_size) != 0) {
        error = -errno;
    }
    page->pid = before.pid; /* as a file's header says it already */
    page->start_time_jiffies = before.start_time_jiffies;
    return error;
}

HIDDEN void tare__source_seal(const struct source *source)
{
    if (source->kind == SOURCE_MEMFD) { /* nobody can make us fault by cutting it short */
        fcntl(source->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    }
}

HIDDEN bool tare__source_reserve(int fd, uint64_t offset, uint64_t size)
{
    return fallocate(fd, 0, (off_t)offset, (off_t)size) == 0 || errno == EOPNOTSUPP || errno == ENOSYS;
}
