/* shards.h - shards as values: write a bank to a block of bytes, read one, make a forged one pass. */
#ifndef TOCSIN_TEST_SHARDS_H
#define TOCSIN_TEST_SHARDS_H

#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "suite.h"
#include "tocsin.h"

typedef struct shard {
    size_t size;
    unsigned char *bytes;
} shard;

/* A bank's selected series, written `piece` bytes at a time. */
static inline shard shard_in_pieces(const tocsin_bank *bank, const tocsin_selection *selection,
                                    size_t piece)
{
    tocsin_shard_writer *writer;
    size_t capacity = 0, written = 0;
    shard s = {0, NULL};

    require(tocsin_shard_writer_create(&writer, bank, selection, NULL) == TOCSIN_OK, "no writer");
    do {
        if (capacity - s.size < piece) {
            capacity = 2 * capacity + piece;
            s.bytes = realloc(s.bytes, capacity);
            require(s.bytes != NULL, "the test itself is out of memory");
        }
        require(tocsin_shard_writer_next(writer, s.bytes + s.size, piece, &written) == TOCSIN_OK,
                "not written");
        require(written <= piece, "more written than there was room for");
        s.size += written;
    } while (written == piece);
    require(tocsin_shard_writer_next(writer, s.bytes, 1, &written) == TOCSIN_OK && written == 0,
            "bytes after the end");
    tocsin_shard_writer_free(writer);
    return s;
}

static inline shard shard_of(const tocsin_bank *bank, const tocsin_selection *selection)
{
    return shard_in_pieces(bank, selection, 65536);
}

static inline void shard_free(shard *s)
{
    free(s->bytes);
}

static inline tocsin_shard_options shard_options(void)
{
    tocsin_shard_options options;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    return options;
}

static inline tocsin_selection shard_part(uint32_t part, uint32_t parts)
{
    tocsin_selection selection;

    memset(&selection, 0, sizeof selection);
    selection.struct_size = sizeof selection;
    selection.kind = TOCSIN_SELECT_PART;
    selection.part = part;
    selection.parts = parts;
    return selection;
}

static inline tocsin_selection shard_range(uint64_t first, uint64_t last)
{
    tocsin_selection selection;

    memset(&selection, 0, sizeof selection);
    selection.struct_size = sizeof selection;
    selection.kind = TOCSIN_SELECT_RANGE;
    selection.first = first;
    selection.last = last;
    return selection;
}

static inline tocsin_shard_progress shard_progress(const tocsin_shard_reader *reader)
{
    tocsin_shard_progress progress;

    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    require(tocsin_shard_reader_progress(reader, &progress) == TOCSIN_OK, "no progress");
    return progress;
}

/* Read a shard into a bank, `piece` bytes at a time; what the finish says.  `progress` and
 * `error` may be NULL. */
static inline int shard_read_in_pieces(const unsigned char *bytes, size_t size, tocsin_bank *bank,
                                       const tocsin_shard_options *options, size_t piece,
                                       tocsin_shard_progress *progress, tocsin_error *error)
{
    tocsin_shard_reader *reader;
    int fed = TOCSIN_OK, status;

    require(tocsin_shard_reader_create(&reader, bank, options, NULL) == TOCSIN_OK, "no reader");
    for (size_t at = 0, part; at < size && fed == TOCSIN_OK; at += part) {
        part = size - at < piece ? size - at : piece;
        fed = tocsin_shard_reader_feed(reader, bytes + at, part, error);
    }
    status = tocsin_shard_reader_finish(reader, error);
    require(fed == TOCSIN_OK || fed == status, "the reader says first one thing, then another");
    if (progress)
        *progress = shard_progress(reader);
    tocsin_shard_reader_free(reader);
    return status;
}

static inline int shard_read(const shard *s, tocsin_bank *bank, const tocsin_shard_options *options)
{
    return shard_read_in_pieces(s->bytes, s->size, bank, options, s->size, NULL, NULL);
}

static inline uint32_t shard_u32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* Make the checksums right again, of all records that are there whole. */
static inline void shard_repair(unsigned char *bytes, size_t size)
{
    uint32_t crc = size >= 20 ? crc32c(bytes, 20) : 0;

    for (size_t at = 20; at + 12 <= size && shard_u32(bytes + at + 4) <= size - at - 12;) {
        const size_t record = 8 + (size_t)shard_u32(bytes + at + 4);

        crc = crc32c_after(crc, bytes + at, record);
        for (size_t i = 0; i < 4; i++)
            bytes[at + record + i] = (unsigned char)(crc >> 8 * i);
        at += record + 4;
    }
}

#endif
