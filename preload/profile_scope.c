/* SPDX-License-Identifier: MIT */
/*
 * Which timer of tare.h was running when a sample was taken: the innermost open scope of the thread, as its
 * block in the process's page has it (include/tare/page.h).
 *
 * The page is of the set that TARE_PAGE names. libtare, in the program or in a library, maps it with mmap,
 * which comes through us: so we know where it lies in this process, and that another takes its place in the
 * child of a fork. From then on the handler reads memory.
 *
 * Each timer has one slot in a thread's block, held by its outermost open scope. Which of several began
 * last is told by their tokens (scopes that had ended by then: more is later), then by how deep in the
 * stack they began, then by the clock in their spans. Hence what cannot be told: a scope inside another of
 * the same timer, around which there is one of another timer, counts for that one; and of a span that is
 * ended by hand and a scope, between whose begins no scope ended, the scope is taken. A scope is not open
 * whose frame has been left by longjmp: both where it was begun (which, not optimised, is a function of its
 * own) and its span lie deeper than the stack reaches.
 */
#include "preload/profile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tare/page.h>

static dev_t set_device;
static ino_t set_inode;
static uint64_t set_first, set_stride;

static uint64_t page_base; /* 0: none yet */
static uint32_t page_number;

void profile__scopes_start(void)
{
    const char *text = secure_getenv("TARE_PAGE");
    struct tare_set set;
    struct stat status;
    if (text == NULL || strncmp(text, "set:/proc/", strlen("set:/proc/")) != 0) {
        return;
    }
    int fd = open(text + strlen("set:"), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &status) == 0 && pread(fd, &set, sizeof(set), 0) == (ssize_t)sizeof(set) &&
        memcmp(set.magic, TARE_SET_MAGIC, sizeof(set.magic)) == 0 && set.version == TARE_PAGE_VERSION &&
        set.byte_order == TARE_BYTE_ORDER && set.stride != 0) {
        set_device = status.st_dev;
        set_first = set.first_offset;
        set_stride = set.stride;
        set_inode = status.st_ino;
    }
    close(fd);
}

static void notice(void *memory, int fd, int64_t offset)
{
    struct stat status;
    int saved = errno;
    profile__start(); /* libtare may be earlier than we */
    if (set_inode != 0 && (uint64_t)offset >= set_first && ((uint64_t)offset - set_first) % set_stride == 0 &&
        fstat(fd, &status) == 0 && status.st_ino == set_inode && status.st_dev == set_device) {
        STORE(page_base, 0);
        STORE(page_number, (uint32_t)(((uint64_t)offset - set_first) / set_stride));
        __atomic_store_n(&page_base, (uint64_t)(uintptr_t)memory, __ATOMIC_RELEASE);
    }
    errno = saved;
}

#define MAP(symbol, offset_type)                                                                               \
    NEXT_OF(NULL, void *, symbol,                                                                              \
            (void *at, size_t size, int protection, int flags, int fd, offset_type offset),                    \
            (at, size, protection, flags, fd, offset));                                                        \
    void *symbol(void *at, size_t size, int protection, int flags, int fd, offset_type offset)                 \
    {                                                                                                          \
        void *memory = NEXT(symbol)(at, size, protection, flags, fd, offset);                                  \
        if (unlikely((flags & MAP_TYPE) == MAP_SHARED && fd >= 0 && offset != 0) && memory != MAP_FAILED &&    \
            (protection & PROT_WRITE) != 0) {                                                                  \
            notice(memory, fd, offset);                                                                        \
        }                                                                                                      \
        return memory;                                                                                         \
    }                                                                                                          \
    NEXT_LINE_END

MAP(mmap, off_t);
MAP(mmap64, off64_t);

/* ---- in the handler ---- */

/* Whether what lies there can be read: of a page of memory alone, which it must not leave. */
static bool readable(struct profile_stack *stack, const void *address)
{
    uint64_t value;
    return profile__read(stack, (uint64_t)(uintptr_t)address & ~UINT64_C(7), &value);
}

/* What of a page's header says where things are: it is checked, as the page may be any memory by now. */
static const struct tare_page *find_page(struct profile_stack *stack, uint64_t base)
{
    const struct tare_page *page = (const void *)(uintptr_t)base;
    if (base == 0 || !readable(stack, page) || memcmp(page->magic, TARE_PAGE_MAGIC, 8) != 0 ||
        page->version != TARE_PAGE_VERSION || LOAD(page->pid) != profile.pid ||
        page->slot_stride != sizeof(struct tare_slot) || page->control_stride != sizeof(struct tare_control) ||
        page->entry_stride != sizeof(struct tare_entry) ||
        page->instrument_count > page->instrument_max || page->block_count > page->block_max) {
        return NULL;
    }
    uint64_t size = page->page_size, slots = (uint64_t)page->instrument_max * sizeof(struct tare_slot);
    if (page->control_offset > size || size - page->control_offset < page->instrument_max * UINT64_C(8) ||
        page->directory_offset > size ||
        (size - page->directory_offset) / sizeof(struct tare_entry) < page->instrument_max ||
        page->blocks_offset > size || page->block_stride == 0 || page->slots_offset > page->block_stride ||
        page->block_stride - page->slots_offset < slots ||
        (size - page->blocks_offset) / page->block_stride < page->block_max) {
        return NULL;
    }
    return page;
}

static bool is_of(struct profile_stack *stack, const struct tare_block *block, uint32_t tid)
{
    return readable(stack, block) && LOAD(block->tid) == tid &&
           __atomic_load_n(&block->state, __ATOMIC_ACQUIRE) == TARE_BLOCK_OWNED;
}

static const struct tare_block *find_block(struct profile_thread *thread, struct profile_stack *stack,
                                           const struct tare_page *page)
{
    if (thread->block != NULL && thread->block_of == (uint64_t)(uintptr_t)page &&
        is_of(stack, thread->block, thread->tid)) {
        return thread->block;
    }
    const char *blocks = (const char *)page + page->blocks_offset;
    for (uint32_t i = 0; i < page->block_count; i++) {
        const struct tare_block *block = (const void *)(blocks + i * page->block_stride);
        if (is_of(stack, block, thread->tid)) {
            thread->block = block;
            thread->block_of = (uint64_t)(uintptr_t)page;
            return block;
        }
    }
    return NULL;
}

/* When a scope began, relative to others. */
struct begun {
    uint64_t token, frame, span;
};

static bool start_of(struct profile_stack *stack, uint64_t span, uint64_t *ticks)
{
    return span != 0 && profile__read(stack, span + offsetof(tare_span, start_ticks), ticks);
}

static bool is_inside(struct profile_stack *stack, const struct begun *scope, const struct begun *other)
{
    uint64_t ticks, other_ticks;
    if (scope->token != other->token) {
        return scope->token > other->token;
    }
    if (scope->frame != other->frame) {
        return scope->frame < other->frame;
    }
    return start_of(stack, scope->span, &ticks) && start_of(stack, other->span, &other_ticks) &&
           ticks > other_ticks;
}

bool profile__scope(struct profile_thread *thread, struct profile_stack *stack, uint64_t sp, uint32_t *timer,
                    uint32_t *page_of)
{
    const struct tare_page *page = find_page(stack, __atomic_load_n(&page_base, __ATOMIC_ACQUIRE));
    if (page == NULL) {
        return false;
    }
    *page_of = LOAD(page_number);
    const struct tare_block *block = find_block(thread, stack, page);
    if (block == NULL) {
        return true; /* it never had a scope */
    }
    const struct tare_control *controls = (const void *)((const char *)page + page->control_offset);
    const struct tare_entry *entries = (const void *)((const char *)page + page->directory_offset);
    const struct tare_slot *slots = (const void *)((const char *)block + page->slots_offset);
    uint64_t base_token = LOAD(block->base_token);
    struct begun innermost = {0, 0, 0};
    for (uint32_t i = 0; i < page->instrument_count; i++) {
        const struct tare_slot *slot = &slots[i];
        struct begun scope = {LOAD(slot->open_token), LOAD(slot->open_frame), LOAD(slot->open_span)};
        uint32_t generation = LOAD(slot->generation);
        if (scope.token > base_token && generation != 0 && generation == LOAD(controls[i].generation) &&
            entries[i].kind == TARE_KIND_TIMER && (scope.frame >= sp || scope.span >= sp) &&
            (*timer == TARE_SAMPLES_NO_TIMER || is_inside(stack, &scope, &innermost))) {
            innermost = scope;
            *timer = i;
        }
    }
    return true;
}
