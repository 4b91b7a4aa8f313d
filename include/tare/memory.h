/* SPDX-License-Identifier: MIT */
/*
 * tare/memory.h: memory that a program manages, by region: an emulator's guest RAM, an arena, a cache.
 *
 *     #include <tare/memory.h>
 *     TARE_MEMORY_REGION(guest_ram);                   // at file scope
 *
 *     tare_memory_configured(guest_ram, 512 << 20);    // at most so much, as it is set up
 *     tare_memory_committed(guest_ram, bytes);         // so much is in use now
 *
 * | instrument                       | kind, unit     | what                                       |
 * | -------------------------------- | -------------- | ------------------------------------------ |
 * | memory.configured_bytes{region}  | gauge, bytes   | the region's limit                         |
 * | memory.committed_bytes{region}   | gauge, bytes   | in use                                     |
 *
 * Peaks are kept by the gauges themselves; what was added or given back within a window, readers say.
 *
 * Thread safety, cost and TARE_DISABLE: as in tare/tare.h. Several threads that set one region's gauge overwrite
 * each other: keep the sum in an atomic variable of the program, and set that.
 */
#ifndef TARE_MEMORY_H
#define TARE_MEMORY_H

#include <tare/set.h>

#ifdef __cplusplus
extern "C" {
#endif

TARE__SET_MODULE(memory, "memory");

#define TARE_MEMORY_REGION(id)                                                                                 \
    TARE__SET_GAUGE(memory_configured_##id, memory, "configured_bytes", "bytes", "region=" #id,                \
                    "How large the region may become");                                                        \
    TARE__SET_GAUGE(memory_committed_##id, memory, "committed_bytes", "bytes", "region=" #id,                  \
                    "How much of the region is in use")

/* Bytes as a number of any type; NAN: unknown. */
#define tare_memory_configured(region, bytes) TARE_SET(memory_configured_##region, bytes)
#define tare_memory_committed(region, bytes) TARE_SET(memory_committed_##region, bytes)

#ifdef __cplusplus
}
#endif

#endif
