/* SPDX-License-Identifier: MIT */
/*
 * Scopes within scopes, and a scope within itself. `sort` contains thousands of `compare`: as read, most of
 * its time is the cost of measuring them, and the net column takes that off again. `quicksort` calls itself:
 * every call is counted, the time is that of the outermost calls, so that no time is counted twice.
 */
#include <stdint.h>
#include <stdio.h>

#include <tare/tare.h>

TARE_TIMER(sort); /* without TARE_MODULE the module is the file's stem: nested::sort */
TARE_TIMER(quicksort);
TARE_TIMER(compare);
enum { COUNT = 2000, ROUNDS = 20 };

static int compare(uint32_t a, uint32_t b)
{
    TARE_SCOPE(compare);
    return (a > b) - (a < b);
}

static void quicksort(uint32_t *values, int count)
{
    TARE_SCOPE(quicksort);
    int last = 0; /* values[1] to values[last] are less than the pivot, values[0] */
    for (int i = 1; i < count; i++) {
        if (compare(values[i], values[0]) < 0) {
            uint32_t swap = values[++last];
            values[last] = values[i];
            values[i] = swap;
        }
    }
    if (count > 1) {
        uint32_t pivot = values[0];
        values[0] = values[last];
        values[last] = pivot;
        quicksort(values, last);
        quicksort(values + last + 1, count - last - 1);
    }
}

int main(void)
{
    static uint32_t values[COUNT];
    uint32_t seed = 1, unsorted = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < COUNT; i++) {
            values[i] = seed = seed * 1664525 + 1013904223;
        }
        TARE_SCOPE(sort); /* times the rest of this block, the check included */
        quicksort(values, COUNT);
        for (int i = 1; i < COUNT; i++) {
            unsorted += values[i - 1] > values[i];
        }
    }
    printf("sorted %d values %d times, %u out of order\n", COUNT, ROUNDS, (unsigned)unsorted);
    return unsorted == 0 ? 0 : 1;
}
