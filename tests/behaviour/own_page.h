/* SPDX-License-Identifier: MIT */
/*
 * This process's own page, as a reader outside sees it, by tare/page.h alone: what tests of the writer compare
 * with. Nothing is checked; whoever reads other programs' pages uses record/reader.h.
 */
#ifndef TARE_TESTS_OWN_PAGE_H
#define TARE_TESTS_OWN_PAGE_H

#include <tare/page.h>

#include "tests/behaviour/behaviour.h"

#define SEEN(member) __atomic_load_n(&(member), __ATOMIC_ACQUIRE)

static UNUSED const unsigned char *page_seen;

/* Maps it, once more after fork. */
static UNUSED const struct tare_page *see_page(void)
{
    const char *path = own_page();
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    struct stat st;
    MUST(fd >= 0 && fstat(fd, &st) == 0);
    void *memory = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    MUST(memory != MAP_FAILED);
    close(fd);
    page_seen = memory;
    return (const struct tare_page *)memory;
}

static UNUSED const void *seen_at(uint64_t offset)
{
    return page_seen + offset;
}

/* The index of module "test"'s instrument `name`. */
static UNUSED uint32_t index_seen(const char *name)
{
    const struct tare_page *page = seen_at(0);
    for (uint32_t i = 0; i < SEEN(page->instrument_count); i++) {
        const struct tare_entry *entry = seen_at(page->directory_offset + (uint64_t)i * page->entry_stride);
        if (strcmp(seen_at(page->strings_offset + entry->module_string), "test") == 0 &&
            strcmp(seen_at(page->strings_offset + entry->name_string), name) == 0) {
            return i;
        }
    }
    printf("# cannot go on: no instrument 'test.%s'\n", name);
    exit(1);
}

static UNUSED const struct tare_control *control_seen(uint32_t index)
{
    const struct tare_page *page = seen_at(0);
    return seen_at(page->control_offset + (uint64_t)index * page->control_stride);
}

static UNUSED const struct tare_cell *cell_seen(uint32_t index)
{
    const struct tare_page *page = seen_at(0);
    return seen_at(page->cells_offset + (uint64_t)index * page->cell_stride);
}

/* The slot of an instrument in a block; its generation says whether it is void. */
static UNUSED const void *slot_seen(uint32_t block, uint32_t index)
{
    const struct tare_page *page = seen_at(0);
    return seen_at(page->blocks_offset + block * page->block_stride + page->slots_offset +
                   (uint64_t)index * page->slot_stride);
}

#endif
