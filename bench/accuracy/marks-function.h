/* SPDX-License-Identifier: MIT */
/* See rungs.c: none, as the compiler's -pg marks every function. */
#define MARK_DECLARE(id, text)
#define MARK(id)
