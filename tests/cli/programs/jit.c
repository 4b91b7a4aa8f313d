/* SPDX-License-Identifier: MIT */
/*
 * Makes code, names it in a perf map file as JIT compilers do, and runs it for a while: jit [ROUNDS]. The code
 * counts its argument down to 0.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
static const uint8_t code[] = {0xff, 0xcf, 0x75, 0xfc, 0xc3}; /* dec edi; jnz; ret */
#elif defined(__aarch64__)
static const uint32_t code[] = {0x71000400, 0x54ffffe1, 0xd65f03c0}; /* subs w0, w0, 1; b.ne; ret */
#endif

int main(int argc, char **argv)
{
#if defined(__x86_64__) || defined(__aarch64__)
    enum { SIZE = 4096 };
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 4;
    char path[64];
    void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return 1;
    }
    memcpy(memory, code, sizeof(code));
    if (mprotect(memory, SIZE, PROT_READ | PROT_EXEC) != 0) {
        return 1;
    }
    __builtin___clear_cache(memory, (char *)memory + sizeof(code));
    snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
    FILE *map = fopen(path, "w");
    if (map == NULL) {
        return 1;
    }
    fprintf(map, "%lx %zx jit_countdown\n", (unsigned long)(uintptr_t)memory, sizeof(code));
    fclose(map);
    void (*countdown)(uint32_t) = (void (*)(uint32_t))(uintptr_t)memory;
    for (unsigned long i = 0; i < rounds; i++) {
        countdown(100000000);
    }
    printf("%s\n", path);
    return 0;
#else
    (void)argc;
    (void)argv;
    return 77;
#endif
}
