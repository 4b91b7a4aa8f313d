/* SPDX-License-Identifier: MIT */
/*
 * Switches a live page's instruments from outside, and voids what they counted: the two things that readers may
 * write into the control of an instrument (include/tare/page.h). The page's own threads see it at their next
 * look; nothing waits for them.
 *
 * `header` is a validated one, of a view of the same source, whose descriptor is open for writing. Functions
 * return 0 or -errno; -EINVAL: the page has no such instrument. They may be called from any thread.
 */
#ifndef TARE_RECORD_SWITCH_H
#define TARE_RECORD_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

#include "record/reader.h"

int tare_page_switch(const struct tare_page_source *source, const struct tare_page *header, uint32_t index,
                     bool enabled);

/* Takes effect when the instrument is next used by each thread; until then readers leave out what it counted.
 */
int tare_page_reset(const struct tare_page_source *source, const struct tare_page *header, uint32_t index);

/*
 * Two that switch one page, and each put back what they found, would put back what the other had set. So who
 * means to put back takes the page's lock before it reads what to put back, and holds it until that is done:
 * until tare_page_unlock(), or the descriptor is closed. -EBUSY: another one holds it. It is for those who keep
 * to it; a file system without locks gives 0. A lock that the same open file holds already is held on.
 */
int tare_page_lock(const struct tare_page_source *source, const struct tare_page *header);
void tare_page_unlock(const struct tare_page_source *source, const struct tare_page *header);

#endif
