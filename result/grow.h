/* SPDX-License-Identifier: MIT */
/*
 * How the arrays of the result grow. They carry a count but no capacity: they grow by doubling whenever the
 * count is a power of two, so that the count alone says how much room there is. Private to result/.
 */
#ifndef TARE_RESULT_GROW_H
#define TARE_RESULT_GROW_H

#include <stddef.h>

/* Makes room for one more element behind `count` of them; NULL without memory, the array is then as before. */
void *tare__result_grow(void *array, size_t count, size_t size);

#endif
