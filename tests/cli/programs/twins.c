/* SPDX-License-Identifier: MIT */
/*
 * Declarations that a program gets away with: states and parts of frames of one name, and without a name; and figures
 * that it gets wrong: negative times, values and weights. It says "ready", and waits to be killed; with an argument it
 * ends at once.
 */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <tare/frame.h>

TARE_MODULE("twins");
TARE_STATE(dup, "a", "a", "");
TARE_STATE(foreign, "foreign_one", "foreign_two"); /* a test makes them equal in the page */
TARE_FRAMES(view, 64, "cpu", "", "cpu", "cpu");
TARE_HISTOGRAM(wrong, "bytes");
TARE_HISTOGRAM(right, "bytes");
TARE_TOPK(heavy, 16);
TARE_TOPK(light, 16);

int main(int argc, char **argv)
{
    (void)argv;
    for (unsigned i = 0; i < 3; i++) {
        TARE_ENTER(dup, i);
        TARE_ENTER(foreign, i % 2);
        usleep(1000);
    }
    TARE_RECORD(wrong, -3);
    TARE_RECORD(wrong, 5);
    TARE_RECORD(right, INT64_MAX);
    TARE_HIT(heavy, 1, UINT64_MAX);
    TARE_HIT(heavy, 2, 7);
    TARE_HIT(light, 1, 7);
    for (int i = 0; i < 3; i++) {
        tare_frame_begin(view);
        tare_frame_part_ns(view, 0, i == 1 ? -5 : 1000);
        tare_frame_part_ns(view, 1, 2000);
        tare_frame_part_ns(view, 2, -1);
        tare_frame_part_ns(view, 3, 1500);
        tare_frame_end(view);
    }
    puts("ready");
    fflush(stdout);
    if (argc < 2) {
        pause();
    }
    return 0;
}
