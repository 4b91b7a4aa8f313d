/* SPDX-License-Identifier: MIT */
/*
 * The only thing beside the control bytes that a reader may write is a byte in each block. The header was
 * written by somebody else, so it is checked as for reading.
 */
#include "record/ask.h"

#include <stddef.h>
#include <unistd.h>

#include "record/page_check.h"

enum { FIRST_NS = 50000000, LAST_NS = 500000000 };

/* Where the clock is slow, or traps, a calibration takes as long: such a page is spared. At start it takes 0.5 ms. */
enum { START_NS_MAX = 5000000 };

unsigned tare_page_ask_calibration(const struct tare_page_source *source)
{
    const uint8_t yes = 1;
    struct tare_page header;
    char message[256];
    if (pread(source->fd, &header, sizeof(header), (off_t)source->offset) != (ssize_t)sizeof(header) ||
        tare__page_identify(&header, message, sizeof(message)) != 0 ||
        tare__page_check(&header, source->offset, source->limit, message, sizeof(message)) != 0 ||
        header.state != TARE_PAGE_LIVE || (header.flags & TARE_PAGE_COUNTER_TRAPS) != 0 ||
        header.calibration_ns > START_NS_MAX) {
        return 0;
    }
    unsigned asked = 0;
    for (uint32_t i = 0; i < header.block_count; i++) {
        off_t block = (off_t)(source->offset + header.blocks_offset + i * header.block_stride);
        uint32_t state;
        if (pread(source->fd, &state, sizeof(state), block + (off_t)offsetof(struct tare_block, state)) ==
                (ssize_t)sizeof(state) &&
            state == TARE_BLOCK_OWNED) {
            asked += pwrite(source->fd, &yes, 1, block + (off_t)offsetof(struct tare_block, calibrate)) == 1;
        }
    }
    return asked;
}

bool tare_ask_is_due(struct tare_ask_times *times, uint64_t now_ns)
{
    if (times->pause_ns == 0) { /* the first look: nothing has started yet */
        times->pause_ns = FIRST_NS;
        times->next_ns = now_ns + FIRST_NS;
        return false;
    }
    if (now_ns < times->next_ns) {
        return false;
    }
    times->pause_ns = times->pause_ns * 2 < LAST_NS ? times->pause_ns * 2 : LAST_NS;
    times->next_ns = now_ns + times->pause_ns;
    return true;
}
