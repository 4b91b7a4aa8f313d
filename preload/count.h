/* SPDX-License-Identifier: MIT */
/*
 * What libtare-count.so writes into, and who started the program reads (record/allocations.c): a memory that
 * all processes of its tree share. The variable TARE_COUNT says where it is:
 *
 *     TARE_COUNT="fd=100 device=1 inode=2345"
 *
 * a descriptor that they inherit, and the file that it has to be: a program may have closed it and use the
 * number for a file of its own, which is not ours to write into.
 */
#ifndef TARE_PRELOAD_COUNT_H
#define TARE_PRELOAD_COUNT_H

#include <stdint.h>

#define TARE_COUNT_VARIABLE "TARE_COUNT"

/* All are added to atomically, without order: they are read when the processes have ended. */
struct tare_count {
    uint64_t magic;
    uint64_t programs; /* that were started with the library, exec by exec */
    uint64_t foreign;  /* of them: with an allocator that the library does not see */
    uint64_t calls;
    uint64_t bytes; /* that were asked for */
};

#define TARE_COUNT_MAGIC UINT64_C(0x31746e756f636174) /* "tacount1" where the low byte is first */

#endif
