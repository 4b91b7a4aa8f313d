/* SPDX-License-Identifier: MIT */
/*
 * The reading side of preload/samples.h: makes the memory, and takes what the profiled processes wrote into it.
 * They can write anything there, at any time: a slot is copied before it is looked at, and of the header only
 * the counters are taken from the memory, each held within what is possible.
 *
 * Not safe to use from several threads at once.
 */
#ifndef TARE_RECORD_SAMPLES_READER_H
#define TARE_RECORD_SAMPLES_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/samples.h"

enum {
    TARE_SAMPLES_SLOT_SIZE = 2048, /* a stack of 249 frames, and a path of 1959 bytes */
    TARE_SAMPLES_SLOTS = 4096,     /* 8 MiB: 80 ms of a thousand threads at 50 Hz */
    TARE_SAMPLES_HEADER = 4096,
};

/* One that is not complete, though a later one has been for so long, was of a writer that died. */
#define TARE_SAMPLES_TORN_NS UINT64_C(1000000000)

struct tare_samples_reader {
    int fd; /* of the memfd; -1: the memory is the caller's */
    struct tare_samples *shared;
    uint64_t size;
    uint64_t slots_offset; /* this and what follows as we made it: what lies in `shared` is theirs to spoil */
    uint32_t slot_size, slot_count;
    uint64_t tail, torn;
    uint64_t waited_for, waiting_since_ns; /* a slot that is not complete, and since when; 0: none */
    struct tare_samples_slot *slot;        /* our copy */
};

/* One record, valid until the next call. Strings end within the slot, and are what a program said of itself. */
struct tare_samples_record {
    enum tare_samples_kind kind;
    uint32_t flags;
    uint32_t pid, tid, parent_pid;
    uint64_t time_ns;
    uint64_t weight; /* of SAMPLE: 1 and more */
    uint32_t timer, page;
    const uint64_t *addresses; /* of SAMPLE: the innermost first */
    size_t address_count;
    uint64_t address, size, offset; /* of MODULE */
    char build_id[41];              /* hexadecimal; "": none */
    const char *text;               /* of all but SAMPLE: path, executable, name, reason */
};

/* Sealed memory for samples, empty, for children to find at tare_samples_address(). Returns 0 or -errno. */
int tare_samples_make(struct tare_samples_reader *reader, uint32_t flags, uint64_t interval_ns);
/* Over memory of that size that a caller has, of which the header is as tare_samples_make() leaves it. */
int tare_samples_over(struct tare_samples_reader *reader, void *memory, uint64_t size, uint32_t slot_size,
                      uint32_t slot_count);
void tare_samples_close(struct tare_samples_reader *reader);

/* The value of TARE_PROFILE for children, valid while this process lives. */
#define TARE_SAMPLES_ADDRESS 64
void tare_samples_address(const struct tare_samples_reader *reader, char address[TARE_SAMPLES_ADDRESS]);

/*
 * Takes the next record. False: there is none, for now. `last`: nobody writes any more; then nothing is waited
 * for that is not complete.
 */
bool tare_samples_next(struct tare_samples_reader *reader, uint64_t now_ns, bool last,
                       struct tare_samples_record *record);

/* Slots that are claimed and not taken. */
uint32_t tare_samples_waiting(const struct tare_samples_reader *reader);
/* Somebody has written over the count of slots: nothing more can be read. */
bool tare_samples_damaged(const struct tare_samples_reader *reader);

/* Tells the processes to take no more. */
void tare_samples_stop(struct tare_samples_reader *reader);

#endif
