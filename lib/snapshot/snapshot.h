/* snapshot.h - one series' state to bytes and back. */
#ifndef TOCSIN__SNAPSHOT_H
#define TOCSIN__SNAPSHOT_H

#include "../pipeline/compiled.h"
#include "tocsin/snapshot.h"

/* A snapshot whose outside is sound: header, checksum and the borders of its
 * records have been checked, and its spec and summary found. */
typedef struct tocsin__snapshot {
    const uint8_t *bytes;
    size_t size;
    size_t record_count;
    uint32_t format;
    const char *spec_text;      /* in the bytes, not NUL-terminated */
    size_t spec_length;
    uint64_t points;
    int64_t time;
} tocsin__snapshot;

/* Bytes of a snapshot; they depend on the spec alone. */
size_t tocsin__snapshot_size(const tocsin_spec *spec);

/* Write a snapshot of exactly that size. */
void tocsin__snapshot_write(const tocsin_spec *spec, const void *state, uint8_t *out, size_t size);

/* Check a snapshot's outside.  On failure fills in `error` but for its
 * struct_size, and returns TOCSIN_ERROR_FORMAT, _CHECKSUM or _VERSION. */
int tocsin__snapshot_open(tocsin__snapshot *snapshot, const void *bytes, size_t size,
                          tocsin_error *error);

/* Load an opened snapshot into the state of a series.  TOCSIN_OK or
 * TOCSIN_INFO_RESPECIFIED; on failure (TOCSIN_ERROR_FORMAT, _VERSION or _MISMATCH)
 * the state is untouched. */
int tocsin__snapshot_read(const tocsin__snapshot *snapshot, const tocsin_spec *spec, void *state,
                          tocsin_error *error);

#endif
