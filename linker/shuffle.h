/* SPDX-License-Identifier: MIT */
/*
 * Random orders of what a linker is given, each of them once. Things are in groups (a run of object files, the
 * members of an archive), and change places within their own group alone. Pure functions of their arguments:
 * the order of a number is the same whoever asks, so nothing has to be kept between two links.
 */
#ifndef TARE_LINKER_SHUFFLE_H
#define TARE_LINKER_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

/* How many orders there are: the product of the factorials; UINT64_MAX stands for that many or more. */
uint64_t tare_shuffle_count(const size_t *sizes, size_t groups);

/*
 * The `number`-th (from 1) of the orders that `seed` gives: of each group in turn, which of its things (from 0)
 * stands at its first place, at its second ... `order` has room for the sum of the sizes. Uniform over all
 * orders that smaller numbers did not give; the usual one is among them. Returns 0, -ENOENT if there are fewer
 * orders than that, or -ENOMEM.
 */
int tare_shuffle_nth(const size_t *sizes, size_t groups, uint64_t seed, unsigned number, size_t *order);

#endif
