/* SPDX-License-Identifier: MIT */
/*
 * What symbols are kept in. Profiles name the same few thousand strings again and again, so each is kept once
 * and compared by its address. Ranges come from tables that overlap where they should not (aliases, inlined
 * calls within functions, code that a JIT compiler has overwritten, and hostile files): they are cut once so
 * that finding an address is one search among what does not overlap, whatever came in.
 */
#include "record/symbols_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MIN = 64, BLOCK_BYTES = 64 * 1024 };

struct tare__slot {
    uint64_t hash;
    uint32_t number; /* UINT32_MAX: free */
};

struct tare__block {
    struct tare__block *next;
    size_t size; /* bytes of text */
    char text[];
};

uint64_t tare__hash(uint64_t a, uint64_t b)
{
    /* The finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014), over both. */
    uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) ^ b;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void put(struct tare__table *table, uint64_t hash, uint32_t number)
{
    size_t at = hash & table->mask;
    while (table->slots[at].number != UINT32_MAX) {
        at = (at + 1) & table->mask;
    }
    table->slots[at] = (struct tare__slot){hash, number};
}

static int grow(struct tare__table *table)
{
    size_t size = table->slots == NULL ? SLOTS_MIN : (table->mask + 1) * 2;
    struct tare__table bigger = {calloc(size, sizeof *bigger.slots), size - 1, table->count};
    if (bigger.slots == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < size; i++) {
        bigger.slots[i].number = UINT32_MAX;
    }
    for (size_t i = 0; table->slots != NULL && i <= table->mask; i++) {
        if (table->slots[i].number != UINT32_MAX) {
            put(&bigger, table->slots[i].hash, table->slots[i].number);
        }
    }
    free(table->slots);
    *table = bigger;
    return 0;
}

int tare__table_add(struct tare__table *table, uint64_t hash, uint32_t number)
{
    if ((table->slots == NULL || table->count >= (table->mask + 1) / 4 * 3) && grow(table) != 0) {
        return -ENOMEM;
    }
    put(table, hash, number);
    table->count++;
    return 0;
}

uint32_t tare__table_next(const struct tare__table *table, uint64_t hash, size_t *step)
{
    while (table->slots != NULL) { /* ends at a free slot: a quarter of them is free */
        const struct tare__slot *slot = &table->slots[(hash + *step) & table->mask];
        ++*step;
        if (slot->number == UINT32_MAX) {
            break;
        }
        if (slot->hash == hash) {
            return slot->number;
        }
    }
    return UINT32_MAX;
}

void tare__table_clear(struct tare__table *table)
{
    for (size_t i = 0; table->slots != NULL && i <= table->mask; i++) {
        table->slots[i].number = UINT32_MAX;
    }
    table->count = 0;
}

void tare__table_release(struct tare__table *table)
{
    free(table->slots);
    memset(table, 0, sizeof *table);
}

static uint64_t hash_text(const char *text, size_t length)
{
    uint64_t hash = length;
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, text, 8);
        hash = tare__hash(hash, word);
        text += 8;
        length -= 8;
    }
    uint64_t word = 0;
    memcpy(&word, text, length);
    return tare__hash(hash, word);
}

static char *room_for(struct tare__strings *strings, size_t size)
{
    if (strings->blocks == NULL || strings->left < size) {
        size_t bytes = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        struct tare__block *block = malloc(sizeof *block + bytes);
        if (block == NULL) {
            return NULL;
        }
        block->next = strings->blocks;
        block->size = bytes;
        strings->blocks = block;
        strings->left = bytes;
    }
    char *text = strings->blocks->text + strings->blocks->size - strings->left;
    strings->left -= size;
    return text;
}

const char *tare__strings_keep(struct tare__strings *strings, const char *text, size_t length)
{
    uint64_t hash = hash_text(text, length);
    size_t step = 0;
    for (uint32_t i; (i = tare__table_next(&strings->table, hash, &step)) != UINT32_MAX;) {
        const char *kept = strings->list[i];
        if (strncmp(kept, text, length) == 0 && kept[length] == '\0') {
            return kept;
        }
    }
    if (strings->count == strings->room) {
        size_t room = strings->room == 0 ? SLOTS_MIN : strings->room * 2;
        const char **list = room < UINT32_MAX ? reallocarray(strings->list, room, sizeof *list) : NULL;
        if (list == NULL) {
            return NULL;
        }
        strings->list = list;
        strings->room = room;
    }
    char *copy = room_for(strings, length + 1);
    if (copy == NULL || tare__table_add(&strings->table, hash, (uint32_t)strings->count) != 0) {
        return NULL;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    strings->list[strings->count++] = copy;
    return copy;
}

void tare__strings_release(struct tare__strings *strings)
{
    for (struct tare__block *next; strings->blocks != NULL; strings->blocks = next) {
        next = strings->blocks->next;
        free(strings->blocks);
    }
    tare__table_release(&strings->table);
    free(strings->list);
    memset(strings, 0, sizeof *strings);
}

int tare__ranges_add(struct tare__ranges *ranges, uint64_t low, uint64_t high, uint64_t rank, uint32_t value)
{
    if (low >= high) {
        return 0;
    }
    if (ranges->count == ranges->room) {
        size_t room = ranges->room == 0 ? 16 : ranges->room * 2;
        struct tare__range *list = reallocarray(ranges->list, room, sizeof *list);
        if (list == NULL) {
            return -ENOMEM;
        }
        ranges->list = list;
        ranges->room = room;
    }
    ranges->list[ranges->count++] = (struct tare__range){low, high, rank, value};
    return 0;
}

static int by_low(const void *a, const void *b)
{
    uint64_t x = ((const struct tare__range *)a)->low;
    uint64_t y = ((const struct tare__range *)b)->low;
    return (x > y) - (x < y);
}

/* A heap of ranges that have begun, the highest rank first. */
struct heap {
    const struct tare__range **list;
    size_t count;
};

static void push(struct heap *heap, const struct tare__range *range)
{
    size_t at = heap->count++;
    while (at > 0 && heap->list[(at - 1) / 2]->rank < range->rank) {
        heap->list[at] = heap->list[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->list[at] = range;
}

static void pop(struct heap *heap)
{
    const struct tare__range *last = heap->list[--heap->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && heap->list[child + 1]->rank > heap->list[child]->rank) {
            child++;
        }
        if (heap->list[child]->rank <= last->rank) {
            break;
        }
        heap->list[at] = heap->list[child];
        at = child;
    }
    heap->list[at] = last;
}

int tare__ranges_settle(struct tare__ranges *ranges)
{
    size_t count = ranges->count;
    if (count == 0) {
        return 0;
    }
    struct tare__range *out = calloc(count, 2 * sizeof *out); /* a piece ends where a range begins or ends */
    struct heap heap = {calloc(count, sizeof *heap.list), 0};
    if (out == NULL || heap.list == NULL) {
        free(out);
        free(heap.list);
        return -ENOMEM;
    }
    qsort(ranges->list, count, sizeof *ranges->list, by_low);
    size_t next = 0;
    size_t made = 0;
    uint64_t at = 0;
    while (next < count || heap.count > 0) {
        if (heap.count == 0) {
            at = ranges->list[next].low;
        }
        while (next < count && ranges->list[next].low == at) {
            push(&heap, &ranges->list[next++]);
        }
        while (heap.count > 0 && heap.list[0]->high <= at) {
            pop(&heap);
        }
        if (heap.count == 0) {
            continue;
        }
        const struct tare__range *top = heap.list[0];
        uint64_t end = next < count && ranges->list[next].low < top->high ? ranges->list[next].low : top->high;
        if (made > 0 && out[made - 1].high == at && out[made - 1].value == top->value) {
            out[made - 1].high = end;
        } else {
            out[made++] = (struct tare__range){at, end, top->rank, top->value};
        }
        at = end;
    }
    free(heap.list);
    free(ranges->list);
    struct tare__range *fitting = reallocarray(out, made, sizeof *out);
    ranges->list = fitting != NULL ? fitting : out;
    ranges->count = ranges->room = made;
    return 0;
}

const struct tare__range *tare__ranges_find(const struct tare__ranges *ranges, uint64_t address)
{
    size_t low = 0;
    size_t high = ranges->count;
    while (low < high) { /* the first that begins behind the address */
        size_t middle = low + (high - low) / 2;
        if (ranges->list[middle].low <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && address < ranges->list[low - 1].high ? &ranges->list[low - 1] : NULL;
}

void tare__ranges_release(struct tare__ranges *ranges)
{
    free(ranges->list);
    memset(ranges, 0, sizeof *ranges);
}
