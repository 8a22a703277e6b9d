/* counting_allocator.h - an allocator that counts, checks and fails on demand.
 *
 * It fills fresh memory with garbage, so that whoever relies on zeroes is found
 * out; it checks that `free` gets the pointer and the size that `alloc` gave; and
 * it can be told to fail one particular allocation.
 */
#ifndef TOCSIN_TEST_COUNTING_ALLOCATOR_H
#define TOCSIN_TEST_COUNTING_ALLOCATOR_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "tocsin.h"

#define COUNTING_LIVE_MAX 256

typedef struct counting_allocator {
    size_t calls;           /* allocations asked for so far, failed ones included */
    size_t fail_at;         /* the call that fails, counted from 1; 0: none */
    size_t live;            /* blocks not yet freed */
    struct {
        void *ptr;          /* what the library got */
        void *base;         /* what malloc gave */
        size_t size;
    } block[COUNTING_LIVE_MAX];
} counting_allocator;

static inline void *counting_alloc(void *user, size_t size, size_t align)
{
    counting_allocator *counting = user;
    size_t slot = 0;
    char *base, *ptr;

    require(align > 0 && align <= 64 && (align & (align - 1)) == 0, "alignment %zu", align);
    require(size > 0, "an allocation of nothing");
    if (++counting->calls == counting->fail_at)
        return NULL;
    base = malloc(size + 3 * align);
    require(base != NULL, "the test itself is out of memory");
    /* As aligned as was asked for and no better: whoever needs more is found out. */
    ptr = base + (2 * align - (uintptr_t)base % (2 * align)) + align;
    memset(ptr, 0xa5, size);
    while (slot < COUNTING_LIVE_MAX && counting->block[slot].ptr)
        slot++;
    require(slot < COUNTING_LIVE_MAX, "too many live blocks");
    counting->block[slot].ptr = ptr;
    counting->block[slot].base = base;
    counting->block[slot].size = size;
    counting->live++;
    return ptr;
}

static inline void counting_free(void *user, void *ptr, size_t size)
{
    counting_allocator *counting = user;
    size_t slot = 0;

    while (slot < COUNTING_LIVE_MAX && counting->block[slot].ptr != ptr)
        slot++;
    require(slot < COUNTING_LIVE_MAX, "freed what was never allocated, or twice");
    require(counting->block[slot].size == size, "freed %zu bytes of a block of %zu", size,
            counting->block[slot].size);
    memset(ptr, 0x5a, size);
    free(counting->block[slot].base);
    counting->block[slot].ptr = NULL;
    counting->live--;
}

/* The library's view of it. */
static inline tocsin_allocator counting_start(counting_allocator *counting)
{
    tocsin_allocator allocator;

    memset(counting, 0, sizeof *counting);
    memset(&allocator, 0, sizeof allocator);
    allocator.struct_size = sizeof allocator;
    allocator.user = counting;
    allocator.alloc = counting_alloc;
    allocator.free = counting_free;
    return allocator;
}

#endif
