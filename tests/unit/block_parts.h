/* SPDX-License-Identifier: MIT */
/*
 * Programs that behave in every way that a program can: test_block is all of them, with a part as its
 * argument.
 */
#ifndef TARE_TESTS_BLOCK_PARTS_H
#define TARE_TESTS_BLOCK_PARTS_H

enum {
    BLOCK_LINES = 9, /* the descriptor that they tell through */
    BLOCK_FLOOD = 3 << 20,
};

/* Returns the process's exit code. */
int block_part_play(const char *part, const char *with);

#endif
