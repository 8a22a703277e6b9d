/* shards.h - whole banks to a stream of bytes and back; the format stands in tocsin/shard.h. */
#ifndef TOCSIN__SHARDS_H
#define TOCSIN__SHARDS_H

#include "../bank/bank.h"
#include "../bank/classes.h"
#include "../core/bytes.h"
#include "records.h"
#include "tocsin/shard.h"

/* Types of records beside those of records.h. */
enum {
    TOCSIN__SHARD_BANK = 2,
    TOCSIN__SHARD_CLOCK = 4,
    TOCSIN__SHARD_SERIES = 5,
    TOCSIN__SHARD_COUNTS = 6,
    TOCSIN__SHARD_END = 7,
    TOCSIN__SHARD_POOLS = 8,
    TOCSIN__SHARD_CLASSES = 9,
    TOCSIN__SHARD_MEMBERS = 10,
    TOCSIN__SHARD_FREE = 11
};

/* In a record of members, what stands before a series' class. */
enum {
    TOCSIN__SHARD_NO_CLASS = 0,
    TOCSIN__SHARD_SAME_CLASS = 1,       /* as the last series that had one */
    TOCSIN__SHARD_THIS_CLASS = 2        /* whose id follows */
};

/* Flags of a bank's record. */
enum {
    TOCSIN__SHARD_HAS_IDS = 1,
    TOCSIN__SHARD_HAS_CLOCK = 2
};

enum {
    TOCSIN__SHARD_TRAILER = 4,          /* bytes of a record's checksum */
    TOCSIN__SHARD_BANK_SIZE = 24,       /* payload bytes */
    TOCSIN__SHARD_END_SIZE = 8,
    TOCSIN__SHARD_RUN = 12,             /* bytes before a run of series */
    TOCSIN__SHARD_COUNTS_NUMBERS = 15,  /* in a record of counts */
    TOCSIN__SHARD_PAYLOAD = 65536,      /* the most of a record, but for one with a single series */
    TOCSIN__SHARD_SERIES_MAX = 1024,    /* in a record */
    TOCSIN__SHARD_POOLS_SIZE = 28,      /* bytes before the pools' fields */
    TOCSIN__SHARD_CLASS = 26,           /* bytes of a class before its pools */
    TOCSIN__SHARD_MEMBER = 11,          /* bytes of a member at most */
    TOCSIN__SHARD_ENTRIES = 512
};

/* What stands in a series' bytes in which order: the entries of all stages.  Their offsets are
 * those in a row. */
typedef struct tocsin__shard_table {
    size_t count;
    size_t clock_count;                 /* entries of the clock, which come first */
    uint64_t bytes;                     /* of all entries together */
    tocsin__entry entry[TOCSIN__SHARD_ENTRIES];
} tocsin__shard_table;

/* Bytes of the bits that say which fields are there: one bit more than entries. */
static inline size_t tocsin__shard_bits(const tocsin__shard_table *table)
{
    return (table->count + 8) / 8;
}

/* Bytes of a series at most. */
static inline uint64_t tocsin__shard_largest(const tocsin__shard_table *table)
{
    return sizeof(uint64_t) + tocsin__shard_bits(table) + sizeof(int64_t) + table->bytes;
}

/* Add a stage's entries, from its fields' names, types and counts.  As tocsin__layout_match(). */
int tocsin__shard_table_add(tocsin__shard_table *table, const tocsin__compiled_stage *compiled,
                            const uint8_t *bytes, size_t size, size_t *at, const char **name);

/* The same for its pool, which stands at `offset` in a class's row. */
int tocsin__shard_table_add_pool(tocsin__shard_table *table, const tocsin__stage *stage,
                                 size_t offset, const uint8_t *bytes, size_t size, size_t *at,
                                 const char **name);

/* Bytes of the bits that say which of a class's fields are there. */
static inline size_t tocsin__shard_class_bits(const tocsin__shard_table *table)
{
    return (table->count + 7) / 8;
}

/* A bank's counts as they stand in a record, TOCSIN__SHARD_COUNTS_NUMBERS of them, and back. */
void tocsin__shard_counts_get(const tocsin_bank *bank, uint64_t *numbers);
void tocsin__shard_counts_put(tocsin_bank *bank, const uint64_t *numbers);

/* Is it well-formed, or NULL for every series?  Does it hold an id? */
int tocsin__selection_is_sound(const tocsin_selection *selection);
int tocsin__selection_holds(const tocsin_selection *selection, uint64_t id);

/* ---- shard_writer.c ---------------------------------------------------------------- */

int tocsin__shard_writer_create(tocsin_shard_writer **out, const tocsin_bank *bank,
                                const tocsin_selection *selection,
                                const tocsin_allocator *allocator);
int tocsin__shard_writer_next(tocsin_shard_writer *writer, uint8_t *buffer, size_t size,
                              size_t *written);
void tocsin__shard_writer_free(tocsin_shard_writer *writer);

/* ---- shard_reader.c ---------------------------------------------------------------- */

int tocsin__shard_reader_create(tocsin_shard_reader **out, tocsin_bank *bank,
                                const tocsin_shard_options *options,
                                const tocsin_allocator *allocator);

/* On failure fills in the error but for its struct_size. */
int tocsin__shard_reader_feed(tocsin_shard_reader *reader, const uint8_t *bytes, size_t size,
                              tocsin_error *error);
int tocsin__shard_reader_finish(tocsin_shard_reader *reader, tocsin_error *error);

/* All but struct_size. */
void tocsin__shard_reader_progress(const tocsin_shard_reader *reader,
                                   tocsin_shard_progress *progress);
void tocsin__shard_reader_free(tocsin_shard_reader *reader);

/* All but struct_size. */
int tocsin__shard_peek(const uint8_t *bytes, size_t size, tocsin_shard_info *info,
                       tocsin_error *error);

#endif
