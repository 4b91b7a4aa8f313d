/* SPDX-License-Identifier: MIT */
/*
 * A program whose instruments are known at first, and says "ready". SIGUSR1 makes them unknown: a gauge is unset, a
 * counter is below 0, a histogram's sum is more than there is room for. SIGUSR2 makes gauge and counter known again.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <tare/tare.h>

TARE_MODULE("doubt");
TARE_GAUGE(level, "bytes");
TARE_GAUGE(steady);
TARE_COUNTER(count, "bytes");
TARE_HISTOGRAM(sizes, "bytes");
TARE_TIMER(copy); /* which has bytes */

int main(void)
{
    sigset_t set;
    int number = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    tare_enable("*");
    TARE_SET(level, 5);
    TARE_SET(steady, 1);
    TARE_ADD(count, 7);
    TARE_RECORD(sizes, 3);
    tare_span span = TARE_BEGIN(copy);
    TARE_BYTES(span, 100);
    TARE_END(span);
    puts("ready");
    fflush(stdout);
    while (sigwait(&set, &number) == 0) {
        if (number == SIGUSR1) {
            TARE_UNSET(level);
            TARE_ADD(count, (uint64_t)-100);
            TARE_RECORD(sizes, UINT64_MAX);
            TARE_RECORD(sizes, UINT64_MAX);
        } else {
            TARE_SET(level, 6);
            TARE_ADD(count, 101);
        }
    }
    return 1;
}
