/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: whatever profiled processes may have written into the memory of their samples. The first 8 bytes
 * are the count of slots that are claimed, the rest are slots of 128 bytes. What is read lies within its slot,
 * and comes to an end.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "record/raw_stacks.h"
#include "record/samples_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SLOT_SIZE = 128, SLOTS = 64, SIZE = TARE_SAMPLES_HEADER + SLOT_SIZE * SLOTS };

static void check(const struct tare_samples_record *record, const struct tare_samples_reader *reader)
{
    const char *slot = (const char *)reader->slot, *end = slot + SLOT_SIZE;
    if (record->kind == TARE_SAMPLES_SAMPLE) {
        if ((const char *)(record->addresses + record->address_count) > end || record->weight == 0) {
            abort();
        }
    } else if (record->text < slot || record->text >= end ||
               strlen(record->text) >= (size_t)(end - record->text)) {
        abort();
    }
    if (record->kind == TARE_SAMPLES_MODULE &&
        (record->address + record->size < record->address || strlen(record->build_id) > 40)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) unsigned char memory[SIZE];
    struct tare_samples *shared = (struct tare_samples *)(void *)memory;
    struct tare_samples_reader reader;
    struct tare_samples_record record;
    struct tare_raw_stacks *stacks = tare_raw_stacks_new();
    if (size < sizeof(shared->head) || stacks == NULL ||
        tare_samples_over(&reader, memory, SIZE, SLOT_SIZE, SLOTS) != 0) {
        tare_raw_stacks_free(stacks);
        return 0;
    }
    memset(memory, 0, sizeof(memory));
    memcpy(&shared->head, data, sizeof(shared->head));
    size_t slots = size - sizeof(shared->head);
    memcpy(memory + TARE_SAMPLES_HEADER, data + sizeof(shared->head),
           slots < SIZE - TARE_SAMPLES_HEADER ? slots : SIZE - TARE_SAMPLES_HEADER);
    size_t taken = 0;
    for (uint64_t now_ns = 1; now_ns <= 3 * TARE_SAMPLES_TORN_NS; now_ns += TARE_SAMPLES_TORN_NS) {
        for (; tare_samples_next(&reader, now_ns, now_ns > 2 * TARE_SAMPLES_TORN_NS, &record); taken++) {
            check(&record, &reader);
            if (tare_raw_stacks_take(stacks, &record) != 0) {
                break;
            }
        }
        if (taken + reader.torn > SLOTS || tare_samples_waiting(&reader) > SLOTS) {
            abort();
        }
    }
    size_t pids = 0;
    while (tare_raw_stacks_pid(stacks, pids) != 0) {
        pids++;
    }
    if (pids > 2 * SLOTS || tare_raw_stacks_samples(stacks) > taken) {
        abort();
    }
    tare_raw_stacks_free(stacks);
    tare_samples_close(&reader);
    return 0;
}
