/* SPDX-License-Identifier: MIT */
/*
 * Memory: what the kernel takes for the pages of a process. All of it is with pages of the base size: huge ones are switched
 * off for the process, so that the figures of two machines are of the same work.
 *
 * Taking pages and giving them back are timed apart, one by one (TARE_EACH_WITH): what the one needs of the other, before
 * it can happen again, is not in its time.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tare/bench.h>
#include <tare/tare.h>

#include "suites/os/folder.h"
#include "suites/os/place.h"

TARE_MODULE("os");
TARE_TIMER(mem_fault_anonymous);
TARE_TIMER(mem_fault_file);
TARE_TIMER(mem_cow);
TARE_TIMER(mem_map);
TARE_TIMER(mem_map_touch);
TARE_TIMER(mem_protect);
TARE_TIMER(mem_page_cached);
TARE_TIMER(mem_release);
TARE_TIMER(mem_shootdown);

enum {
    LARGE_BYTES =
        16 << 20, /* more than a processor keeps of free pages: they come from where all processors' do */
    SHARED_BYTES = 4 << 20,
    CACHED_PAGES =
        32, /* fewer than it keeps, and enough for what madvise() leaves behind to be little by page */
    FILE_STRIDE = 64 << 10, /* a fault of a file maps what is cached of so much around it: fault_around_bytes */
};

/* Pages that are touched one after the other; when all have been, they are made missing again. */
struct walk {
    volatile char *start, *at, *end;
    size_t stride;
};

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* For as long as the body lasts; after one that failed, for longer, which changes nothing. */
static void huge_pages_off(void)
{
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

static void huge_pages_as_before(void)
{
    prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
}

static char *map_anonymous(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tare_require(at != MAP_FAILED);
    return at;
}

static struct walk walk_of(char *start, size_t size, size_t stride)
{
    return (struct walk){.start = start, .at = start + size, .end = start + size, .stride = stride};
}

/* The next page that is missing. */
static inline void walk_on(struct walk *walk)
{
    walk->at += walk->stride;
    if (walk->at >= walk->end) {
        tare_require(
            madvise((void *)(uintptr_t)walk->start, (size_t)(walk->end - walk->start), MADV_DONTNEED) == 0);
        walk->at = walk->start;
    }
}

TARE_BENCH(mem_fault_anonymous)
{
    huge_pages_off();
    char *region = map_anonymous(LARGE_BYTES);
    struct walk walk = walk_of(region, LARGE_BYTES, page_bytes());
    TARE_EACH_WITH(b, walk_on(&walk))
    {
        TARE_SCOPE(mem_fault_anonymous);
        *walk.at = 1;
    }
    munmap(region, LARGE_BYTES);
    huge_pages_as_before();
}

TARE_BENCH(mem_fault_file)
{
    const size_t size = (size_t)FOLDER_BLOCKS * FOLDER_BLOCK;
    size_t stride = page_bytes() > FILE_STRIDE ? page_bytes() : FILE_STRIDE;
    huge_pages_off();
    int fd = folder_data();
    char *region = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    tare_require(region != MAP_FAILED);
    struct walk walk = walk_of(region, size, stride);
    TARE_EACH_WITH(b, walk_on(&walk))
    {
        TARE_SCOPE(mem_fault_file);
        tare_keep(*walk.at);
    }
    munmap(region, size);
    close(fd);
    huge_pages_as_before();
}

/* The process that shares the pages: it says that it is there, and is so until it is killed. */
struct sharer {
    pid_t pid; /* 0: none */
    int ready[2];
};

static void sharer_end(struct sharer *sharer)
{
    if (sharer->pid > 0) {
        kill(sharer->pid, SIGKILL);
        while (waitpid(sharer->pid, NULL, 0) != sharer->pid) {
        }
        sharer->pid = 0;
    }
}

static void sharer_start(struct sharer *sharer)
{
    char byte = 0;
    pid_t parent = getpid();
    sharer->pid = place_fork();
    if (sharer->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent && place_write(sharer->ready[1], &byte, 1)) {
            for (;;) {
                pause();
            }
        }
        _exit(1);
    }
    tare_require(sharer->pid > 0);
    tare_require(place_read(sharer->ready[0], &byte, 1));
}

static inline void walk_on_shared(struct walk *walk, struct sharer *sharer)
{
    walk->at += walk->stride;
    if (walk->at >= walk->end) {
        sharer_end(sharer);
        sharer_start(sharer);
        walk->at = walk->start;
    }
}

TARE_BENCH(mem_cow)
{
    struct sharer sharer = {0};
    huge_pages_off();
    tare_require(pipe2(sharer.ready, O_CLOEXEC) == 0);
    char *region = map_anonymous(SHARED_BYTES);
    for (size_t at = 0; at < SHARED_BYTES; at += page_bytes()) {
        region[at] = 1;
    }
    struct walk walk = walk_of(region, SHARED_BYTES, page_bytes());
    TARE_EACH_WITH(b, walk_on_shared(&walk, &sharer))
    {
        TARE_SCOPE(mem_cow);
        *walk.at = 2;
    }
    sharer_end(&sharer);
    munmap(region, SHARED_BYTES);
    close(sharer.ready[0]);
    close(sharer.ready[1]);
    huge_pages_as_before();
}

TARE_BENCH(mem_map)
{
    size_t size = (size_t)b->arg[0];
    TARE_EACH(b)
    {
        TARE_SCOPE(mem_map);
        tare_require(munmap(map_anonymous(size), size) == 0);
    }
}
TARE_BENCH_ARGS(mem_map, 4 << 10, 64 << 10, 1 << 20, 64 << 20);

TARE_BENCH(mem_map_touch)
{
    size_t size = (size_t)b->arg[0], page = page_bytes();
    huge_pages_off();
    TARE_EACH(b)
    {
        TARE_SCOPE(mem_map_touch);
        char *region = map_anonymous(size);
        for (size_t at = 0; at < size; at += page) {
            *(volatile char *)(region + at) = 1;
        }
        tare_require(munmap(region, size) == 0);
    }
    tare_bytes(b, (double)size);
    huge_pages_as_before();
}
TARE_BENCH_ARGS(mem_map_touch, 4 << 10, 64 << 10, 1 << 20, 16 << 20);

/* Between two pages of another protection, so that no mapping is ever joined with a neighbour, or split. */
TARE_BENCH(mem_protect)
{
    size_t page = page_bytes();
    char *region = map_anonymous(3 * page);
    tare_require(mprotect(region, page, PROT_NONE) == 0 && mprotect(region + 2 * page, page, PROT_NONE) == 0);
    region[page] = 1;
    TARE_EACH(b)
    {
        TARE_SCOPE(mem_protect);
        tare_require(mprotect(region + page, page, PROT_READ) == 0);
        tare_require(mprotect(region + page, page, PROT_READ | PROT_WRITE) == 0);
    }
    munmap(region, 3 * page);
}

/* The kernel keeps free pages by processor: what is taken is what was given back a moment before. */
TARE_BENCH(mem_page_cached)
{
    size_t page = page_bytes(), size = CACHED_PAGES * page;
    huge_pages_off();
    char *region = map_anonymous(size);
    struct walk walk = walk_of(region, size, page);
    TARE_EACH_WITH(b, walk_on(&walk))
    {
        TARE_SCOPE(mem_page_cached);
        *walk.at = 1;
    }
    munmap(region, size);
    huge_pages_as_before();
}

static inline void take(char *at)
{
    *(volatile char *)at = 1;
}

static inline void give_back(char *at, size_t page)
{
    tare_require(madvise(at, page, MADV_DONTNEED) == 0);
}

TARE_BENCH(mem_release)
{
    size_t page = page_bytes();
    huge_pages_off();
    char *at = map_anonymous(page);
    TARE_EACH_WITH(b, take(at))
    {
        TARE_SCOPE(mem_release);
        give_back(at, page);
    }
    munmap(at, page);
    huge_pages_as_before();
}

static struct {
    atomic_bool stop;
    _Alignas(64) _Atomic uint64_t beats;
} neighbour;

/* Touches nothing but its counter: it is there, so that its processor has to hear of what is given back. */
static void run_beside(void *data, unsigned number)
{
    (void)data;
    (void)number;
    while (!atomic_load_explicit(&neighbour.stop, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&neighbour.beats, 1, memory_order_relaxed);
    }
}

static void stop_beside(void *data)
{
    (void)data;
    atomic_store(&neighbour.stop, true);
}

/* A processor that executes something else, or whose hypervisor does, need not hear of it, and makes another figure. */
static inline void until_beside_runs(void)
{
    uint64_t beats = atomic_load_explicit(&neighbour.beats, memory_order_relaxed);
    while (atomic_load_explicit(&neighbour.beats, memory_order_relaxed) == beats) {
    }
}

TARE_BENCH(mem_shootdown)
{
    size_t page = page_bytes();
    huge_pages_off();
    place_begin(PLACE_OTHER);
    atomic_store(&neighbour.stop, false);
    place_on_end(stop_beside, NULL);
    place_start_thread(run_beside, NULL);
    char *at = map_anonymous(page);
    TARE_EACH_WITH(b, take(at); until_beside_runs())
    {
        TARE_SCOPE(mem_shootdown);
        give_back(at, page);
    }
    munmap(at, page);
    place_end();
    huge_pages_as_before();
}
