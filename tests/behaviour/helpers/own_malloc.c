/* SPDX-License-Identifier: MIT */
/* A program with an allocator of its own, linked into it: what it allocates does not pass the dynamic linker. */
#include <stddef.h>
#include <string.h>

static _Alignas(16) char heap[1 << 20];
static size_t used;

void *malloc(size_t size);
void free(void *memory);
void *calloc(size_t n, size_t size);
void *realloc(void *memory, size_t size);

void *malloc(size_t size)
{
    void *memory = heap + used;
    size = (size + 15) & ~(size_t)15;
    if (size > sizeof(heap) - used) {
        return NULL;
    }
    used += size;
    return memory;
}

void free(void *memory)
{
    (void)memory;
}

void *calloc(size_t n, size_t size)
{
    return malloc(n * size); /* never given back, so still zero */
}

void *realloc(void *memory, size_t size)
{
    void *copy = malloc(size);
    if (copy != NULL && memory != NULL) {
        memmove(copy, memory, size); /* of what lies behind it, too: it all is in the heap */
    }
    return copy;
}

int main(void)
{
    return malloc(100) != NULL ? 0 : 1;
}
