/* SPDX-License-Identifier: MIT */
/*
 * Counters, gauges, histograms, states, top-k and frames of a result: total figures, merged over the processes
 * of a run as docs/live.md says. Private to result/ and its tests. Not thread-safe.
 */
#ifndef TARE_RESULT_INSTRUMENTS_H
#define TARE_RESULT_INSTRUMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "record/reader.h"
#include "result/model.h"
#include "result/telemetry.h"

/*
 * What two processes say of one gauge, or of frames, does not add up: each keeps an entry of its own, with the
 * label pid=N. More than this of one instrument are left out, and counted.
 */
#define TARE__INSTRUMENT_PROCESSES 64

/* Zeroed is empty. */
struct tare__instruments {
    struct tare_instrument_figures *list;
    struct tare__instrument_origin {
        uint32_t pid;       /* of the only process that it is of yet; 0: several */
        bool of_process;    /* it has the label pid=N, besides `labels` */
        uint32_t processes; /* of the first entry of such: how many there are */
        char *labels;       /* without that; NULL: none */
    } * origins;
    size_t count, capacity;
    size_t *places;     /* by hash: where entries of an instrument begin, + 1; 0: free */
    size_t place_count; /* instruments there */
    size_t place_room;  /* a power of 2, more than twice that */
    uint64_t left_out;  /* gauges and frames of further processes */
};

/*
 * Adds the instruments of one page. `model`: its cost model, for times. Returns 0 or -ENOMEM; it may be that
 * some were added then.
 */
int tare__instruments_add(struct tare__instruments *instruments, const struct tare_page_view *view,
                          const struct tare_cost_model *model);
void tare__instruments_release(struct tare__instruments *instruments);

/* later -= earlier, for instruments as tare_page_view_subtract() does it for timers. */
void tare__instruments_subtract(struct tare_page_view *later, const struct tare_page_view *earlier);

#endif
