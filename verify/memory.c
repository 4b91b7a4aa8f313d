/* SPDX-License-Identifier: MIT */
/*
 * A ring visits its cache lines in random order, so no prefetcher knows the next one, and each load waits for
 * the one before. It is walked round and round: one that is larger than a cache, but not than the next, finds
 * its lines in the next, as each was replaced before its turn came again.
 */
#include "verify/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE = 64, HUGE = 2 << 20 };

const char *const verify_memory_names[VERIFY_MEMORIES] = {
    [VERIFY_MEMORY_L1] = "l1",
    [VERIFY_MEMORY_L2] = "l2",
    [VERIFY_MEMORY_L3] = "l3",
    [VERIFY_MEMORY_MAIN] = "memory",
};

static bool read_word(int cpu, int index, const char *file, char *word, int size)
{
    char path[128];
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cache/index%d/%s", cpu, index, file);
    FILE *in = fopen(path, "re");
    bool fine = in != NULL && fgets(word, size, in) != NULL;
    if (in != NULL) {
        fclose(in);
    }
    if (fine) {
        word[strcspn(word, "\n")] = '\0';
    }
    return fine;
}

/* The data caches' sizes in bytes, [1] to [3], of what cpuN/cache says ("48K", "32M"); 0: unknown. */
static void read_caches(int cpu, uint64_t bytes[4])
{
    enum { INDICES = 16 };
    for (int index = 0; index < INDICES; index++) {
        char level[8], type[32], size[32], unit = '\0';
        unsigned long value;
        if (!read_word(cpu, index, "level", level, sizeof(level)) ||
            !read_word(cpu, index, "type", type, sizeof(type)) ||
            !read_word(cpu, index, "size", size, sizeof(size))) {
            continue;
        }
        int number = atoi(level);
        if (strcmp(type, "Instruction") == 0 || number < 1 || number > 3 ||
            sscanf(size, "%9lu%c", &value, &unit) < 1 || (unit != 'K' && unit != 'M' && unit != '\0')) {
            continue;
        }
        bytes[number] = (uint64_t)value << (unit == 'M' ? 20 : unit == 'K' ? 10 : 0);
    }
}

struct verify_sizes verify_memory_sizes(int cpu)
{
    static const uint64_t usual[4] = {0, 32u << 10, 1u << 20, 32u << 20};
    const uint64_t most = UINT64_C(512) << 20;
    uint64_t found[4] = {0}, cache[4];
    bool known[4];
    struct verify_sizes sizes = {.bytes = {0}};
    read_caches(cpu, found);
    for (int level = 1; level <= 3; level++) {
        known[level] = found[level] != 0;
        cache[level] = known[level] ? found[level] : usual[level];
    }
    sizes.bytes[VERIFY_MEMORY_L1] = cache[1] / 2;
    for (int level = 2; level <= 3; level++) {
        /* As small as will miss the one before: else translations are missed, too, which scopes add to. */
        uint64_t well_above = 4 * cache[level - 1], between = (cache[level] + cache[level - 1]) / 2;
        sizes.bytes[VERIFY_MEMORY_L1 + level - 1] = well_above < between ? well_above : between;
        sizes.known[VERIFY_MEMORY_L1 + level - 1] = known[level] && known[level - 1];
    }
    sizes.bytes[VERIFY_MEMORY_MAIN] = 4 * cache[3] <= most ? 4 * cache[3] : 0;
    sizes.known[VERIFY_MEMORY_L1] = known[1];
    sizes.known[VERIFY_MEMORY_MAIN] = known[3];
    return sizes;
}

static uint64_t next_random(uint64_t *state) /* xorshift64, G. Marsaglia 2003 */
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

uint64_t verify_memory_ring(uint64_t bytes)
{
    uint32_t count = (uint32_t)(bytes / LINE);
    char *lines = mmap(NULL, bytes + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t *next = lines != MAP_FAILED ? malloc(count * sizeof(*next)) : NULL;
    if (next == NULL) {
        return 0;
    }
    /* It is caches that are to be missed: with large pages, where there are some, translations hardly are. */
    lines += HUGE - (uintptr_t)lines % HUGE;
    madvise(lines, bytes, MADV_HUGEPAGE);
    /* One ring through all of them: S. Sattolo, "An algorithm to generate a random cyclic permutation",
     * Information Processing Letters 22 (1986), pages 315-317. */
    uint64_t state = 88172645463325252u;
    for (uint32_t i = 0; i < count; i++) {
        next[i] = i;
    }
    for (uint32_t i = count; i-- > 1;) {
        uint32_t j = (uint32_t)(next_random(&state) % i), other = next[j];
        next[j] = next[i];
        next[i] = other;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = (uint64_t)(uintptr_t)(lines + (uint64_t)next[i] * LINE);
        memcpy(lines + (uint64_t)i * LINE, &address, sizeof(address));
    }
    free(next);
    return (uint64_t)(uintptr_t)lines;
}

uint64_t verify_memory_walk(uint64_t at, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes / LINE; i++) {
        at = *(const uint64_t *)(uintptr_t)at;
        __asm__ volatile("" : "+r"(at));
    }
    return at;
}
