/* SPDX-License-Identifier: MIT */
/* What the files of WASI's functions share. */
#ifndef LIND_WASI_INTERNAL_H
#define LIND_WASI_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "suites/syscalls/boot/boot_internal.h"
#include "suites/syscalls/boot/lind_common.h"

enum { /* WASI's numbers of errors that are given from here */
       WASI_SUCCESS = 0,
       WASI_BADF = 8,
       WASI_FAULT = 21,
       WASI_INVAL = 28,
       WASI_IO = 29,
       WASI_NOSYS = 52,
       WASI_NOTCAPABLE = 76,
};

enum { WASI_FD_NONBLOCK = 4 }; /* a flag of descriptors */

/* A call of `cage`, which stands where this is used. */
#define CALL(number, a, b, c, d, e, f)                                                                         \
    lind_common_call(cage, number, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e),  \
                     (uint64_t)(f))

uint64_t wasi_error_of(int64_t result); /* WASI's number for a negative errno; 0 for all others */

/* Into the cage's memory: WASI_SUCCESS or WASI_FAULT. */
uint64_t wasi_put(struct boot_cage *cage, uint64_t address, const void *bytes, size_t size);
uint64_t wasi_put_u32(struct boot_cage *cage, uint64_t address, uint64_t value);
/* The error of a call, or its result in memory. */
uint64_t wasi_put_result_u32(struct boot_cage *cage, uint64_t address, int64_t result);

/* Imports of wasi_sockets.c. */
uint64_t wasi_sock_accept(struct boot_cage *cage, const uint64_t *args);
uint64_t wasi_sock_recv(struct boot_cage *cage, const uint64_t *args);
uint64_t wasi_sock_send(struct boot_cage *cage, const uint64_t *args);
uint64_t wasi_sock_shutdown(struct boot_cage *cage, const uint64_t *args);
uint64_t wasi_poll_oneoff(struct boot_cage *cage, const uint64_t *args);

#endif
