/* SPDX-License-Identifier: MIT */
/*
 * A program that is killed while it starts. DIE_IN=library: in a constructor among the first, as early as
 * libtare's own begin; DIE_IN=program: in one of the program's, after a scope; DIE_IN=claim: it has claimed a
 * page of `tare run`'s set, and has written nothing into it, or, with DIE_IN=magic, the first words. Without
 * DIE_IN, it counts ten scopes.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tare/page.h>
#include <tare/tare.h>

TARE_TIMER(work);

static void die_in(const char *place)
{
    const char *wanted = getenv("DIE_IN");
    if (wanted != NULL && strcmp(wanted, place) == 0) {
        kill(getpid(), SIGKILL);
    }
}

__attribute__((constructor(101))) static void begin_library(void)
{
    die_in("library");
}

__attribute__((constructor)) static void begin_program(void)
{
    {
        TARE_SCOPE(work);
    }
    die_in("program");
}

/* What libtare does first, and no more of it. */
static int claim(int write_magic)
{
    const char *page = getenv("TARE_PAGE");
    int fd = page != NULL && strncmp(page, "set:", 4) == 0 ? open(page + 4, O_RDWR) : -1;
    struct tare_set *set = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (set == MAP_FAILED) {
        return 1;
    }
    uint64_t number = __atomic_fetch_add(&set->next, 1, __ATOMIC_ACQ_REL);
    struct tare_page beginning = {
        .version = TARE_PAGE_VERSION, .byte_order = TARE_BYTE_ORDER, .page_size = 1 << 20};
    memcpy(beginning.magic, TARE_PAGE_MAGIC, sizeof(beginning.magic));
    beginning.pid = (uint32_t)getpid();
    off_t offset = (off_t)(set->first_offset + number * set->stride);
    return write_magic && pwrite(fd, &beginning, sizeof(beginning), offset) != (ssize_t)sizeof(beginning);
}

int main(void)
{
    const char *wanted = getenv("DIE_IN");
    int magic = wanted != NULL && strcmp(wanted, "magic") == 0;
    if ((magic || (wanted != NULL && strcmp(wanted, "claim") == 0)) && claim(magic) != 0) {
        return 1;
    }
    die_in("claim");
    die_in("magic");
    for (int i = 1; i < 10; i++) {
        TARE_SCOPE(work);
    }
    return 0;
}
