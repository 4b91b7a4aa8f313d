/* SPDX-License-Identifier: MIT */
/*
 * A fixed amount of work for `make bench-profile`, whose time tells what profiling costs:
 *
 *     bench-profile-steps MILLIONS
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline)) static uint64_t steps(uint64_t value, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        value = value * 6364136223846793005u + 1442695040888963407u;
        __asm__ volatile("" : "+r"(value));
    }
    return value;
}

int main(int argc, char **argv)
{
    unsigned long millions = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (millions == 0) {
        fprintf(stderr, "usage: %s MILLIONS\n", argv[0]);
        return 2;
    }
    uint64_t value = 1;
    for (unsigned long i = 0; i < millions; i++) {
        value = steps(value, 1000000);
    }
    return value == 0;
}
