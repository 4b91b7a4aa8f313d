/* SPDX-License-Identifier: MIT */
/* Makes text that others wrote fit for a terminal and for JSON. */
#ifndef TARE_RECORD_CLEAN_H
#define TARE_RECORD_CLEAN_H

/* Replaces control characters and bytes that are not part of valid UTF-8 by '?', in place. */
void tare__clean_text(char *text);

#endif
