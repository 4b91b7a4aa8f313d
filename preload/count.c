/* SPDX-License-Identifier: MIT */
/*
 * libtare-count.so: how often and for how much memory the processes of a program ask, for `tare bench`. No
 * timers, no libtare: two atomic additions to a memory that all of the processes share (preload/count.h),
 * for each call of malloc, calloc, realloc, posix_memalign, aligned_alloc and memalign; reallocarray and
 * operator new arrive as these. valloc and pvalloc do not, and mmap is no allocation here.
 *
 * What comes before the memory can be found (the dynamic linker allocates before there is an environment) is
 * counted in this process, and added then. Processes forked from this one share the mapping. Without the
 * variable, or with a descriptor that is another file by now, everything works and nothing is counted.
 */
#include "preload/family.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/count.h"

static struct tare_count early;
static struct tare_count *counts = &early;

/* Counts while it is probed who answers malloc are none. */
static __thread bool probing __attribute__((tls_model("initial-exec")));
static __thread bool probed __attribute__((tls_model("initial-exec")));

static inline void add(uint64_t *to, uint64_t amount)
{
    __atomic_fetch_add(to, amount, __ATOMIC_RELAXED);
}

static inline void count(size_t size)
{
    if (__builtin_expect(probing, 0)) {
        probed = true;
        return;
    }
    struct tare_count *now = __atomic_load_n(&counts, __ATOMIC_RELAXED);
    add(&now->calls, 1);
    add(&now->bytes, size);
}

void *malloc(size_t size)
{
    count(size);
    return NEXT(malloc)(size);
}

/* A product that overflows is refused: it was a call, for nothing. */
void *calloc(size_t n, size_t size)
{
    size_t bytes;
    count(__builtin_mul_overflow(n, size, &bytes) ? 0 : bytes);
    return NEXT(calloc)(n, size);
}

void *realloc(void *memory, size_t size)
{
    count(size);
    return is_arena(memory) ? move_out(memory, size) : NEXT(realloc)(memory, size);
}

int posix_memalign(void **to, size_t align, size_t size)
{
    count(size);
    return NEXT(posix_memalign)(to, align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    count(size);
    return NEXT(aligned_alloc)(align, size);
}

void *memalign(size_t align, size_t size)
{
    count(size);
    return NEXT(memalign)(align, size);
}

void free(void *memory)
{
    if (!is_arena(memory)) {
        NEXT(free)(memory);
    }
}

size_t malloc_usable_size(void *memory)
{
    return is_arena(memory) ? arena_size(memory) : NEXT(malloc_usable_size)(memory);
}

/* The number behind `name` at *at, which it then points behind; false: something else stands there. */
static bool take_number(const char **at, const char *name, uint64_t *value)
{
    size_t length = strlen(name);
    if (strncmp(*at, name, length) != 0 || (*at)[length] < '0' || (*at)[length] > '9') {
        return false;
    }
    const char *digit = *at + length;
    *value = 0;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        if (__builtin_mul_overflow(*value, UINT64_C(10), value) ||
            __builtin_add_overflow(*value, (uint64_t)(*digit - '0'), value)) {
            return false;
        }
    }
    *at = digit;
    return true;
}

static struct tare_count *map_counts(const char *text)
{
    uint64_t fd, device, inode;
    struct stat status;
    if (!take_number(&text, "fd=", &fd) || !take_number(&text, " device=", &device) ||
        !take_number(&text, " inode=", &inode) || *text != '\0' || fd > INT32_MAX ||
        fstat((int)fd, &status) != 0 || (uint64_t)status.st_dev != device || (uint64_t)status.st_ino != inode ||
        status.st_size < (off_t)sizeof(struct tare_count)) {
        return NULL;
    }
    void *memory = mmap(NULL, sizeof(struct tare_count), PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    struct tare_count *found = memory;
    if (found->magic != TARE_COUNT_MAGIC) {
        munmap(memory, sizeof(struct tare_count));
        return NULL;
    }
    return found;
}

/*
 * Whether the program's malloc is another one than ours: linked into the executable. It is called to find out,
 * because its address may be that of the executable's own stub.
 */
static bool is_foreign(void)
{
    void *(*allocate)(size_t) = NULL;
    void (*release)(void *) = NULL;
    *(void **)&allocate = dlsym(RTLD_DEFAULT, "malloc");
    *(void **)&release = dlsym(RTLD_DEFAULT, "free");
    if (allocate == NULL || release == NULL) {
        dlerror();
        return true;
    }
    probing = true;
    probed = false;
    release(allocate(1));
    probing = false;
    return !probed;
}

/* Behind that of next.c, which finds who is behind us. */
__attribute__((constructor(104))) static void begin(void)
{
    int saved = errno;
    const char *text = getenv(TARE_COUNT_VARIABLE);
    struct tare_count *found = text != NULL ? map_counts(text) : NULL;
    if (found != NULL) {
        add(&found->programs, 1);
        add(&found->foreign, is_foreign());
        __atomic_store_n(&counts, found, __ATOMIC_RELAXED);
        add(&found->calls, __atomic_load_n(&early.calls, __ATOMIC_RELAXED));
        add(&found->bytes, __atomic_load_n(&early.bytes, __ATOMIC_RELAXED));
    }
    errno = saved;
}
