/* SPDX-License-Identifier: MIT */
/*
 * The least there is: the four marked lines make a function's cost visible. Run it as `tare run ./hello`, or
 * without the command as `TARE_REPORT=stderr ./hello`. Run alone it prints its answer and measures nothing.
 */
#include <inttypes.h>
#include <stdio.h>

#include <tare/tare.h>  /* 1 */
TARE_MODULE("hello");   /* 2: the group; left out, it is the file's name without its ending */
TARE_TIMER(next_prime); /* 3: the timer hello::next_prime */

static uint64_t next_prime(uint64_t after)
{
    TARE_SCOPE(next_prime); /* 4: times the block, whichever way it is left */
    for (uint64_t candidate = after + 1;; candidate++) {
        uint64_t divisor = 2;
        while (divisor * divisor <= candidate && candidate % divisor != 0) {
            divisor++;
        }
        if (divisor * divisor > candidate && candidate > 1) {
            return candidate;
        }
    }
}

int main(void)
{
    uint64_t prime = 1;
    for (int i = 0; i < 10000; i++) {
        prime = next_prime(prime);
    }
    printf("prime number 10000 is %" PRIu64 "\n", prime);
    return prime == 104729 ? 0 : 1;
}
