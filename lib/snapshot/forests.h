/* forests.h - isolation forests to bytes and back. */
#ifndef TOCSIN__FORESTS_H
#define TOCSIN__FORESTS_H

#include "../forest/forest.h"
#include "tocsin/snapshot.h"

/* Bytes of a forest's snapshot; more than a snapshot can have, if it is too large for one. */
uint64_t tocsin__forest_size(const tocsin_forest *forest);

/* Write a snapshot of exactly that size. */
void tocsin__forest_write(const tocsin_forest *forest, uint8_t *out, size_t size);

/* The forest of a snapshot.  On failure fills in `error` but for its struct_size, and returns
 * TOCSIN_ERROR_FORMAT, _CHECKSUM, _VERSION or _MEMORY. */
int tocsin__forest_read(tocsin_forest **out, const uint8_t *bytes, size_t size,
                        const tocsin_allocator *allocator, tocsin_error *error);

#endif
