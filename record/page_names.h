/* SPDX-License-Identifier: MIT */
/*
 * What a page says once and for all: names, and which instruments there are. Views share it, by a count of
 * references, as long as nothing comes in addition. For one thread at a time. Private to record/reader.c.
 */
#ifndef TARE_RECORD_PAGE_NAMES_H
#define TARE_RECORD_PAGE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/page_access.h"
#include "record/reader.h"

/* Where an instrument of the directory stands in a view. */
struct tare__page_place {
    uint32_t kind;  /* enum tare_kind; 0: of a kind that we do not know, which stands nowhere */
    uint32_t index; /* in timers or instruments */
};

/* Labels that were brought into their one form. */
struct tare__page_labels {
    struct tare__page_labels *next;
    char text[];
};

/* What does not change of an instrument that is no timer: that of struct tare_page_instrument, which is larger. */
struct tare__page_instrument_names {
    uint32_t kind, index, line, name_count, size;
    const char *module, *name, *file, *unit, *labels, *help;
    const char *const *names;
};

struct tare__page_names {
    unsigned references;
    struct tare_page header; /* of the reading that made it */
    char *strings;
    size_t string_end; /* past the last NUL */
    char *command;
    const char *executable;
    const char **names;               /* of states and parts of frames, one instrument's behind the other's */
    struct tare__page_labels *labels; /* those that are not as the page has them */
    size_t name_count;
    struct tare__page_place *places; /* header.instrument_count */
    struct tare_page_timer *timers;  /* as a view has them, without what changes */
    size_t timer_count;
    struct tare__page_instrument_names *instruments;
    size_t instrument_count;
};

/* Reads them. Returns 0 with one reference, or -errno as tare_page_read(), with a message. */
int tare__page_names_read(struct tare__page_file *file, const struct tare_page *header,
                          struct tare__page_names **names);

/* Whether they are those of this page still. */
bool tare__page_names_current(const struct tare__page_names *names, const struct tare_page *header);

/* Gives a reference back; also NULL. */
void tare__page_names_release(struct tare__page_names *names);

#endif
