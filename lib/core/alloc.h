/* alloc.h - the caller's allocator, or malloc. */
#ifndef TOCSIN__ALLOC_H
#define TOCSIN__ALLOC_H

#include "common.h"

/* Check a caller's allocator and copy it; NULL gives the one over malloc.
 * TOCSIN_ERROR_ARGUMENT for one with a missing function or an unknown size. */
int tocsin__allocator_init(tocsin_allocator *copy, const tocsin_allocator *given);

/* NULL on failure.  `align` is a power of two, at most 64. */
void *tocsin__alloc(const tocsin_allocator *allocator, size_t size, size_t align);

/* NULL is fine. */
void tocsin__free(const tocsin_allocator *allocator, void *ptr, size_t size);

#endif
