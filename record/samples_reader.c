/* SPDX-License-Identifier: MIT */
/*
 * Slots are taken in the order of their numbers. A writer that is stopped between its claim and its end holds
 * all behind it up for a second, and no longer; what it then writes goes into a slot that is not read again
 * before somebody else has claimed it. Should both write at once, the copy is of two records: its numbers are
 * wrong, and never beyond the slot.
 */
#include "record/samples_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ADDRESSES_AT = offsetof(struct tare_samples_slot, sample.addresses),
    PATH_AT = offsetof(struct tare_samples_slot, module.path),
    TEXT_AT = offsetof(struct tare_samples_slot, text),
};

_Static_assert(sizeof(struct tare_samples) <= TARE_SAMPLES_HEADER, "the header fits in front of the slots");
_Static_assert(PATH_AT + 1 < TARE_SAMPLES_SLOT_SIZE, "a slot has room for a path");

static void describe(struct tare_samples *shared, uint32_t flags, uint64_t interval_ns, uint64_t size)
{
    *shared = (struct tare_samples){
        .version = TARE_SAMPLES_VERSION,
        .flags = flags,
        .size = size,
        .slots_offset = TARE_SAMPLES_HEADER,
        .slot_size = TARE_SAMPLES_SLOT_SIZE,
        .slot_count = TARE_SAMPLES_SLOTS,
        .interval_ns = interval_ns,
        .frames_max = (TARE_SAMPLES_SLOT_SIZE - ADDRESSES_AT) / sizeof(uint64_t),
    };
    memcpy(shared->magic, TARE_SAMPLES_MAGIC, sizeof(shared->magic));
}

int tare_samples_over(struct tare_samples_reader *reader, void *memory, uint64_t size, uint32_t slot_size,
                      uint32_t slot_count)
{
    *reader = (struct tare_samples_reader){.fd = -1};
    if (slot_count == 0 || slot_size < sizeof(struct tare_samples_slot) + 8 || slot_size % 8 != 0 ||
        size < TARE_SAMPLES_HEADER || (size - TARE_SAMPLES_HEADER) / slot_size < slot_count) {
        return -EINVAL;
    }
    reader->slot = calloc(1, slot_size);
    if (reader->slot == NULL) {
        return -ENOMEM;
    }
    reader->shared = memory;
    reader->size = size;
    reader->slots_offset = TARE_SAMPLES_HEADER;
    reader->slot_size = slot_size;
    reader->slot_count = slot_count;
    return 0;
}

int tare_samples_make(struct tare_samples_reader *reader, uint32_t flags, uint64_t interval_ns)
{
    const uint64_t size = TARE_SAMPLES_HEADER + (uint64_t)TARE_SAMPLES_SLOT_SIZE * TARE_SAMPLES_SLOTS;
    *reader = (struct tare_samples_reader){.fd = -1};
    void *memory = MAP_FAILED;
    int result = 0, fd = memfd_create(TARE_SAMPLES_MEMFD, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    /* Memory is taken now: signal handlers would wait for it, or die where there is none. */
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0 || fchmod(fd, 0600) != 0 ||
        fallocate(fd, 0, 0, (off_t)size) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        result = -errno;
        goto out;
    }
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        result = -errno;
        goto out;
    }
    describe(memory, flags, interval_ns, size);
    result = tare_samples_over(reader, memory, size, TARE_SAMPLES_SLOT_SIZE, TARE_SAMPLES_SLOTS);
    reader->fd = fd;
out:
    if (result != 0) {
        if (memory != MAP_FAILED) {
            munmap(memory, size);
        }
        if (fd >= 0) {
            close(fd);
        }
        *reader = (struct tare_samples_reader){.fd = -1};
    }
    return result;
}

void tare_samples_close(struct tare_samples_reader *reader)
{
    free(reader->slot);
    if (reader->fd >= 0) {
        munmap(reader->shared, reader->size);
        close(reader->fd);
    }
    *reader = (struct tare_samples_reader){.fd = -1};
}

void tare_samples_address(const struct tare_samples_reader *reader, char address[TARE_SAMPLES_ADDRESS])
{
    snprintf(address, TARE_SAMPLES_ADDRESS, "/proc/%d/fd/%d", (int)getpid(), reader->fd);
}

static struct tare_samples_slot *slot_at(const struct tare_samples_reader *reader, uint64_t number)
{
    char *slots = (char *)reader->shared + reader->slots_offset;
    return (struct tare_samples_slot *)(void *)(slots + number % reader->slot_count * reader->slot_size);
}

/* Pairs with the writer's release: what it wrote before is there. */
static bool is_complete(const struct tare_samples_reader *reader, uint64_t number)
{
    return __atomic_load_n(&slot_at(reader, number)->sequence, __ATOMIC_ACQUIRE) == number + 1;
}

/*
 * Writers claim no more than there are slots, as they see the tail of now or an earlier one; and we alone move
 * it. So anything else was written by no sampler.
 */
uint32_t tare_samples_waiting(const struct tare_samples_reader *reader)
{
    uint64_t head = __atomic_load_n(&reader->shared->head, __ATOMIC_ACQUIRE);
    return head - reader->tail <= reader->slot_count ? (uint32_t)(head - reader->tail) : 0;
}

bool tare_samples_damaged(const struct tare_samples_reader *reader)
{
    uint64_t head = __atomic_load_n(&reader->shared->head, __ATOMIC_ACQUIRE);
    return head - reader->tail > reader->slot_count;
}

/* Whether the slot at the tail, not complete, is to be passed over: its writer is gone, or will not come. */
static bool is_given_up(struct tare_samples_reader *reader, uint64_t now_ns, bool last, uint32_t waiting)
{
    if (last) {
        return true;
    }
    if (reader->waiting_since_ns != 0 && reader->waited_for == reader->tail) {
        return now_ns - reader->waiting_since_ns >= TARE_SAMPLES_TORN_NS;
    }
    for (uint32_t i = 1; i < waiting; i++) {
        if (is_complete(reader, reader->tail + i)) {
            reader->waited_for = reader->tail;
            reader->waiting_since_ns = now_ns != 0 ? now_ns : 1;
            break;
        }
    }
    return false;
}

/* The writers see it with acquire order: the slot is theirs again. */
static void pass(struct tare_samples_reader *reader)
{
    reader->tail++;
    reader->waiting_since_ns = 0;
    __atomic_store_n(&reader->shared->tail, reader->tail, __ATOMIC_RELEASE);
}

/* The text that ends within the slot, or is ended with it. */
static const char *text_at(struct tare_samples_reader *reader, size_t at)
{
    char *slot = (char *)reader->slot;
    slot[reader->slot_size - 1] = '\0';
    return slot + at;
}

static void copy_build_id(const struct tare_samples_slot *slot, char text[41])
{
    static const char digits[] = "0123456789abcdef";
    uint32_t size =
        slot->module.build_id_size <= sizeof(slot->module.build_id) ? slot->module.build_id_size : 0;
    for (uint32_t i = 0; i < size; i++) {
        text[2 * i] = digits[slot->module.build_id[i] >> 4];
        text[2 * i + 1] = digits[slot->module.build_id[i] & 15];
    }
    text[2 * size] = '\0';
}

/* From our copy. False: it is no record that we know. */
static bool parse(struct tare_samples_reader *reader, struct tare_samples_record *record)
{
    const struct tare_samples_slot *slot = reader->slot;
    const size_t room = (reader->slot_size - ADDRESSES_AT) / sizeof(uint64_t);
    *record = (struct tare_samples_record){
        .kind = (enum tare_samples_kind)slot->kind,
        .flags = slot->flags,
        .pid = slot->pid,
        .tid = slot->tid,
        .parent_pid = slot->parent_pid,
        .time_ns = slot->time_ns,
    };
    switch (slot->kind) {
    case TARE_SAMPLES_SAMPLE:
        record->weight = slot->sample.weight != 0 ? slot->sample.weight : 1;
        record->timer = slot->sample.timer;
        record->page = slot->sample.page;
        record->addresses = slot->sample.addresses;
        record->address_count = slot->count < room ? slot->count : room;
        return true;
    case TARE_SAMPLES_MODULE:
        record->address = slot->module.address;
        record->size = slot->module.size;
        record->offset = slot->module.offset;
        copy_build_id(slot, record->build_id);
        record->text = text_at(reader, PATH_AT);
        return record->size != 0 && record->address + record->size > record->address;
    case TARE_SAMPLES_PROCESS:
    case TARE_SAMPLES_THREAD:
    case TARE_SAMPLES_BROKEN:
        record->text = text_at(reader, TEXT_AT);
        return true;
    default:
        return false;
    }
}

bool tare_samples_next(struct tare_samples_reader *reader, uint64_t now_ns, bool last,
                       struct tare_samples_record *record)
{
    for (;;) {
        uint32_t waiting = tare_samples_waiting(reader);
        if (waiting == 0) {
            return false;
        }
        if (!is_complete(reader, reader->tail)) {
            if (!is_given_up(reader, now_ns, last, waiting)) {
                return false;
            }
            reader->torn++;
            __atomic_store_n(&reader->shared->torn, reader->torn, __ATOMIC_RELAXED);
            pass(reader);
            continue;
        }
        memcpy(reader->slot, slot_at(reader, reader->tail), reader->slot_size);
        pass(reader);
        if (parse(reader, record)) {
            return true;
        }
        reader->torn++;
        __atomic_store_n(&reader->shared->torn, reader->torn, __ATOMIC_RELAXED);
    }
}

void tare_samples_stop(struct tare_samples_reader *reader)
{
    __atomic_store_n(&reader->shared->stopped, 1, __ATOMIC_RELEASE);
}
