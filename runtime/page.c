/* SPDX-License-Identifier: MIT */
/*
 * The page as memory: made at start, and once more in a forked child.
 *
 * Blocks that no thread has claimed yet, and extras that nobody has asked for, are inaccessible, so that
 * mlockall does not fill them, and a program that writes wild gets its fault.
 *
 * A forked child must not write into its parent's page. pthread_atfork runs our handler before the child runs
 * any other code (handlers run in the order of their registration, and we register before the program's
 * constructors). It writes a fresh page's header and directory into a new file, and maps that over the old
 * page, at the same address, so that every pointer in every timer stays right and no second range of addresses
 * is needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/internal.h"
#include "runtime/source.h"

static void read_boot_id(uint8_t id[16])
{
    char text[64];
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0) {
        close(fd);
    }
    unsigned digits = 0;
    uint8_t value[16] = {0};
    for (ssize_t i = 0; i < n && digits < 32; i++) {
        char c = text[i];
        if (c == '-') {
            continue;
        }
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 16;
        if (digit == 16) {
            break;
        }
        value[digits / 2] = (uint8_t)(value[digits / 2] << 4 | digit);
        digits++;
    }
    if (digits == 32) {
        memcpy(id, value, sizeof(value));
    }
}

/* Appends bytes and a NUL to the strings; 0 without room. */
static uint32_t put_bytes(struct tare_page *page, char *strings, const char *bytes, size_t size)
{
    if (page->strings_used + size + 1 > page->strings_size) {
        return 0;
    }
    uint32_t offset = (uint32_t)page->strings_used;
    memcpy(strings + offset, bytes, size);
    strings[offset + size] = '\0';
    page->strings_used += size + 1;
    return offset;
}

/* Who we are: for readers that find the page when we are gone. */
static void describe(struct tare_page *page, char *strings)
{
    char text[4096];
    tare__name_process(page);
    page->runtime_version = TARE_VERSION_MAJOR << 16 | TARE_VERSION_MINOR << 8 | TARE_VERSION_PATCH;
    read_boot_id(page->boot_id);
    ssize_t n = readlink("/proc/self/exe", text, sizeof(text));
    if (n > 0) {
        page->executable_string = put_bytes(page, strings, text, (size_t)n);
    }
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (fd >= 0) {
        close(fd);
    }
    if (n > 0) {
        page->command_string = put_bytes(page, strings, text, (size_t)n);
        page->command_size = page->command_string != 0 ? (uint32_t)n : 0;
    }
}

/* Remembers which file our descriptor is: programs close what they do not know, and get the number again. */
static void keep_fd(int fd)
{
    struct stat st;
    tare__rt.fd = fd;
    if (fstat(fd, &st) == 0) {
        tare__rt.fd_device = st.st_dev;
        tare__rt.fd_inode = st.st_ino;
    }
}

static bool fd_is_ours(void)
{
    struct stat st;
    return tare__rt.fd >= 0 && fstat(tare__rt.fd, &st) == 0 && st.st_dev == tare__rt.fd_device &&
           st.st_ino == tare__rt.fd_inode;
}

/* The configuration, for children made by fork: the strings in it are copies, as the environment may change. */
static struct config made_with;
static char made_with_page[4096];

static void close_blocks(unsigned char *base, const struct tare_page *page)
{
    mprotect(base + page->blocks_offset, page->page_size - page->blocks_offset, PROT_NONE);
}

HIDDEN bool tare__block_open(uint32_t number)
{
    struct tare_page *page = tare__rt.page;
    uint64_t offset = page->blocks_offset + number * page->block_stride;
    if (number < tare__rt.open_blocks) {
        return true;
    }
    if ((page->flags & TARE_PAGE_FILE) && fd_is_ours() &&
        !tare__source_reserve(tare__rt.fd, offset, page->histograms_offset)) {
        return false;
    }
    return mprotect((unsigned char *)page + offset, page->block_stride, PROT_READ | PROT_WRITE) == 0;
}

HIDDEN bool tare__histogram_open(const struct tare_block *block, uint32_t index)
{
    struct tare_page *page = tare__rt.page;
    if (!(page->flags & TARE_PAGE_FILE) || tare__rt.histograms_offset == 0) {
        return true;
    }
    uint64_t offset = (uint64_t)((unsigned char *)block_histogram(block, index) - (unsigned char *)page);
    if (offset >= page->page_size) {
        return true; /* the block of a calibration */
    }
    int saved_errno = errno; /* a scope begins here, and errno is the program's */
    bool fine = !fd_is_ours() || tare__source_reserve(tare__rt.fd, offset, page->histogram_stride);
    errno = saved_errno;
    return fine;
}

/*
 * Makes a part of the extras fit to be written: from the system's page in which it begins to the one in which
 * it ends. Those may be its neighbours', too: that is done twice, which does no harm.
 */
static bool extra_open(uint64_t offset, uint64_t size)
{
    struct tare_page *page = tare__rt.page;
    uint64_t first = offset / PAGE_BYTES * PAGE_BYTES;
    uint64_t end = (offset + size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    if ((page->flags & TARE_PAGE_FILE) && fd_is_ours() &&
        !tare__source_reserve(tare__rt.fd, first, end - first)) {
        return false;
    }
    return mprotect((unsigned char *)page + first, end - first, PROT_READ | PROT_WRITE) == 0;
}

HIDDEN uint64_t tare__extra_allocate(uint64_t size)
{
    struct tare_page *page = tare__rt.page;
    if (page == NULL || size == 0) {
        return 0;
    }
    int saved_errno = errno;
    uint64_t used, room = page->extras_size;
    size = size <= room ? (size + 63) / 64 * 64 : room + 1;
    do {
        used = load_relaxed(&page->extras_used);
        if (used > room || size > room - used) {
            fetch_add_relaxed(&page->lost_extras, 1);
            return 0;
        }
    } while (!cas64_relaxed(&page->extras_used, used, used + size));
    uint64_t offset = page->extras_offset + used;
    if (!extra_open(offset, size)) {
        fetch_add_relaxed(&page->lost_extras, 1);
        offset = 0;
    }
    errno = saved_errno;
    return offset;
}

HIDDEN void tare__page_make(const struct config *config)
{
    struct tare_page page;
    struct source source;
    if (tare__source_open(&page, config, -1, false, &source) != 0) {
        tare__source_complain(config, &source, false);
        return;
    }
    unsigned char *base;
    for (;;) {
        base = mmap(NULL, page.page_size, PROT_READ | PROT_WRITE, MAP_SHARED, source.fd, (off_t)source.offset);
        if (base != MAP_FAILED) {
            break;
        }
        if (tare__source_shrink(&page, config, &source) !=
            0) { /* the program has most of the addresses in use */
            close(source.fd);
            source.no_file = source.kind == SOURCE_FILE ? -ENOMEM : source.no_file;
            tare__source_complain(config, &source, false);
            return;
        }
    }
    tare__source_complain(config, &source, true);
    tare__source_seal(&source);
    close_blocks(base, &page);
    madvise(base, page.page_size,
            MADV_DONTDUMP); /* it is not the program's, and sparse files bloat core dumps */
    made_with = *config;
    if (config->page != NULL && strlen(config->page) < sizeof(made_with_page)) {
        strcpy(made_with_page, config->page);
        made_with.page = made_with_page;
    } else {
        made_with.page = NULL;
    }
    char *strings = (char *)base + page.strings_offset;
    describe(&page, strings);
    page.flags = source.flags;
    *(struct tare_page *)base = page;
    keep_fd(source.fd);
    tare__rt.controls = (struct tare_control *)(base + page.control_offset);
    tare__rt.entries = (struct tare_entry *)(base + page.directory_offset);
    tare__rt.cells = (struct tare_cell *)(base + page.cells_offset);
    tare__rt.strings = strings;
    tare__rt.blocks = base + page.blocks_offset;
    tare__rt.block_stride = page.block_stride;
    tare__rt.histograms_offset = config->histograms ? page.histograms_offset : 0;
    tare__rt.page = (struct tare_page *)base;
}

/* What the child's header takes over from its parent's. */
static void inherit(struct tare_page *page, const struct tare_page *parent)
{
    page->instrument_count = parent->instrument_count;
    page->strings_used = parent->strings_used;
    page->executable_string = parent->executable_string;
    page->command_string = parent->command_string;
    page->command_size = parent->command_size;
    page->lost_instruments = parent->lost_instruments;
    page->clock = parent->clock;
    page->arch = parent->arch;
    page->rate_hz = parent->rate_hz;
    page->rate_error_ppb = parent->rate_error_ppb;
    page->first = parent->first;
    page->cost = parent->cost;
    page->begin_cap_ticks = parent->begin_cap_ticks;
    page->end_cap_ticks = parent->end_cap_ticks;
    page->calibration_ns = parent->calibration_ns;
    page->grain_ticks = parent->grain_ticks;
    page->runtime_version = parent->runtime_version;
    memcpy(page->boot_id, parent->boot_id, sizeof(page->boot_id));
    tare__name_process(page);
    page->last = tare__clock_anchor(page->clock);
    page->origin_ticks = page->last.ticks;
    /* Not where the parent's are, see below; from the start again before generations of children fill it all. */
    page->extras_used = parent->extras_used <= parent->extras_size / 2 ? parent->extras_used : 0;
}

/* Whether a handler has forked amid the update of a table of this thread. */
static bool amid_update(const struct tare_page *parent)
{
    for (uint32_t i = 0; tare__self != NULL && i < parent->instrument_count; i++) {
        const struct tare_topk_slot *slot =
            (const struct tare_topk_slot *)(const void *)block_slot(tare__self, i);
        if (tare__rt.entries[i].kind == TARE_KIND_TOPK && load_relaxed(&slot->busy) != 0) {
            return true;
        }
    }
    return false;
}

/*
 * That update goes on in the child when the handler returns, so it has to find the table as it left it. No slot of
 * the child refers to it, and the child's own tables lie behind it.
 */
static bool write_tables(const struct source *source, struct tare_page *page, const struct tare_page *parent)
{
    uint64_t used = load_relaxed(&parent->extras_used);
    unsigned char *extras = mmap(NULL, used, PROT_READ | PROT_WRITE, MAP_SHARED, source->fd,
                                 (off_t)(source->offset + page->extras_offset));
    if (extras == MAP_FAILED) {
        return false;
    }
    memcpy(extras, (const unsigned char *)parent + parent->extras_offset, used);
    munmap(extras, used);
    page->extras_used = used;
    return true;
}

/*
 * Header, controls, directory and strings, as the parent has them now, into the child's file. Not the cells: a
 * gauge is unknown until the child sets it.
 */
static bool write_start(const struct source *source, const struct tare_page *page,
                        const struct tare_page *parent)
{
    const struct {
        uint64_t offset, size;
    } parts[] = {
        {page->control_offset, (uint64_t)page->instrument_count * page->control_stride},
        {page->directory_offset, (uint64_t)page->instrument_count * page->entry_stride},
        {page->strings_offset, page->strings_used},
    };
    /* Mapped, not written: RLIMIT_FSIZE may be less than where a page of a set lies. */
    unsigned char *start =
        mmap(NULL, page->blocks_offset, PROT_READ | PROT_WRITE, MAP_SHARED, source->fd, (off_t)source->offset);
    if (start == MAP_FAILED) {
        return false;
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        memcpy(start + parts[i].offset, (const unsigned char *)parent + parts[i].offset, parts[i].size);
    }
    *(struct tare_page *)start = *page;
    munmap(start, page->blocks_offset);
    return true;
}

/* There is no page to be had: private zeros take its place, in which everything is disabled. */
static void go_dark(void *base, uint64_t size)
{
    mmap(base, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    tare__rt.page = NULL;
    tare__rt.fd = -1;
    tare__self_set(NULL);
}

/* The child's only thread keeps the number of its block, as open spans point into it; those below are free. */
static void keep_block(struct tare_block *block)
{
    uint32_t number = (uint32_t)((uint64_t)((unsigned char *)block - tare__rt.blocks) / tare__rt.block_stride);
    for (uint32_t i = 0; i <= number; i++) {
        if (!tare__block_open(i)) {
            tare__self_set(NULL); /* and its open spans end elsewhere, which drops them */
            return;
        }
        store_relaxed(&page_block(i)->state, TARE_BLOCK_ENDED);
    }
    store_relaxed(&block->tid, tare__gettid());
    store_relaxed(&block->state, TARE_BLOCK_OWNED);
    tare__block_claim(block);
    store_relaxed(&tare__rt.page->block_count, number + 1);
}

HIDDEN void tare__page_fork_child(void)
{
    struct tare_page *parent = tare__rt.page;
    if (parent == NULL) {
        return;
    }
    uint64_t size = parent->page_size, parents_extras = load_relaxed(&parent->extras_used);
    uint32_t keep = parent->flags & (TARE_PAGE_INVARIANT_TSC | TARE_PAGE_HISTOGRAMS | TARE_PAGE_CALIBRATED |
                                     TARE_PAGE_COUNTER_TRAPS);
    struct config config = made_with;
    config.instrument_max = parent->instrument_max;
    config.block_max = parent->block_max;
    config.extras_size = parent->extras_size;
    struct tare_page page;
    struct source source;
    if (tare__source_open(&page, &config, fd_is_ours() ? tare__rt.fd : -1, true, &source) != 0) {
        go_dark(parent, size);
        return;
    }
    inherit(&page, parent);
    page.flags = keep | source.flags | TARE_PAGE_FORKED;
    if (page.page_size != size || (amid_update(parent) && !write_tables(&source, &page, parent)) ||
        !write_start(&source, &page, parent) ||
        mmap(parent, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, source.fd, (off_t)source.offset) ==
            MAP_FAILED) {
        close(source.fd);
        go_dark(parent, size);
        return;
    }
    tare__source_seal(&source);
    close_blocks((unsigned char *)parent, parent);
    madvise(parent, size, MADV_DONTDUMP);
    keep_fd(source.fd);
    /*
     * A frame, too, goes on when a handler that has forked returns: in zeros, where the parent's ring was, and where
     * nothing of the child's will be soon.
     */
    if (parents_extras > 0) {
        extra_open(page.extras_offset, parents_extras);
    }
    tare__rt.open_blocks = 0;
    tare__thread_first();
    /* As for a reset: scopes that are open now belong to the parent, and are dropped when they end here. */
    for (uint32_t i = 0; i < page.instrument_count; i++) {
        tare__control_reset(&tare__rt.controls[i]);
    }
    if (tare__self != NULL) {
        keep_block(tare__self);
    }
    store_release(&tare__rt.page->state, TARE_PAGE_LIVE);
}
