/* SPDX-License-Identifier: MIT */
/* Whether a small function calls others: then its time is not that of its own few instructions. Private to record/. */
#ifndef TARE_RECORD_FUNCTIONS_CALLS_H
#define TARE_RECORD_FUNCTIONS_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/elf_image.h"
#include "record/symbols_parts.h"

/* What calls lead to in one file. */
struct tare__calls {
    const struct tare__image *image;
    uint64_t *starts; /* of its functions, ascending */
    size_t start_count;
    struct tare__ranges stubs; /* of functions of other files */
    const char **stub_names;
    size_t stub_name_count, stub_name_room;
    uint64_t *marks; /* where the addresses of the compiler's hooks will be written */
    size_t mark_count;
};

/*
 * `starts` is taken over. Names of stubs are kept in `strings`. Returns 0 or -ENOMEM; to be released in any case.
 */
int tare__calls_open(struct tare__calls *calls, struct tare__image *image, uint64_t *starts, size_t start_count,
                     struct tare__strings *strings);
void tare__calls_release(struct tare__calls *calls);

/*
 * Whether there is a call in the function, or a jump to another one, beside those of the compiler's hooks. Looked
 * for by their bytes: an x86-64 call counts where it leads to the begin of a function, or through a pointer, so
 * that bytes which only look like one hardly do. On AArch64, calls of other files' functions are not seen. The
 * first 4 KiB of the function are looked at. False on other processors.
 */
bool tare__calls_any(const struct tare__calls *calls, uint64_t address, uint64_t size);

#endif
