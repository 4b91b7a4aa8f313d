/* SPDX-License-Identifier: MIT */
/*
 * A plug-in with a timer of its own. Nothing has to be registered: the timer joins the host's table when the
 * library is loaded, and what it counted stays there after the library is unloaded. plugin_host.c loads this
 * one.
 */
#include <stdint.h>

#include <tare/tare.h>

TARE_MODULE("plugin");
TARE_TIMER(checksum);

__attribute__((visibility("default"))) uint32_t plugin_checksum(const unsigned char *data, uint32_t size);

uint32_t plugin_checksum(const unsigned char *data, uint32_t size)
{
    TARE_SCOPE(checksum);
    uint32_t sum = 2166136261u; /* FNV-1a */
    for (uint32_t i = 0; i < size; i++) {
        sum = (sum ^ data[i]) * 16777619u;
    }
    return sum;
}
