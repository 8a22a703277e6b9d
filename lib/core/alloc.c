/* alloc.c - the caller's allocator, or malloc.
 *
 * malloc promises the alignment of the largest basic type, which on some
 * platforms is 8; callers here may ask for up to 64.  The allocator over malloc
 * therefore asks for a little more, hands out the first aligned address behind a
 * pointer's room, and keeps malloc's own address in that room.  Cost: up to 72
 * bytes an object, and the library has few objects.
 */
#include "alloc.h"

#include <stdlib.h>

#include "info.h"

#define ALLOC_MAX_ALIGN 64

static void *alloc_over_malloc(void *user, size_t size, size_t align)
{
    const size_t room = sizeof(void *) + ALLOC_MAX_ALIGN;

    (void)user;
    if (size > SIZE_MAX - room)
        return NULL;
    unsigned char *const block = malloc(size + room);
    if (!block)
        return NULL;

    if (align < sizeof(void *))
        align = sizeof(void *);
    unsigned char *aligned = block + sizeof(void *);
    aligned += (align - (uintptr_t)aligned % align) % align;
    memcpy(aligned - sizeof(void *), &block, sizeof block);
    return aligned;
}

static void alloc_free_over_malloc(void *user, void *ptr, size_t size)
{
    void *block;

    (void)user;
    (void)size;
    memcpy(&block, (unsigned char *)ptr - sizeof(void *), sizeof block);
    free(block);
}

int tocsin__allocator_init(tocsin_allocator *copy, const tocsin_allocator *given)
{
    static const tocsin_allocator over_malloc = {sizeof(tocsin_allocator), 0, NULL,
                                                 alloc_over_malloc, alloc_free_over_malloc};

    if (!given) {
        *copy = over_malloc;
        return TOCSIN_OK;
    }
    if (!tocsin__info_fits(given, sizeof *given) || given->reserved != 0 || !given->alloc ||
        !given->free)
        return TOCSIN_ERROR_ARGUMENT;
    *copy = *given;
    return TOCSIN_OK;
}

void *tocsin__alloc(const tocsin_allocator *allocator, size_t size, size_t align)
{
    return allocator->alloc(allocator->user, size, align);
}

void tocsin__free(const tocsin_allocator *allocator, void *ptr, size_t size)
{
    if (ptr)
        allocator->free(allocator->user, ptr, size);
}
