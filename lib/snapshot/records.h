/* records.h - what the snapshots of detectors, of banks and of forests have in common. */
#ifndef TOCSIN__RECORDS_H
#define TOCSIN__RECORDS_H

#include "../pipeline/compiled.h"
#include "tocsin/snapshot.h"

enum {
    TOCSIN__RECORD_HEADER = 20,     /* bytes before the first record */
    TOCSIN__RECORD_HEAD = 8,        /* of a record: type, flags, payload bytes */
    TOCSIN__RECORD_TRAILER = 4,     /* the checksum behind the last */

    /* What the header says there is. */
    TOCSIN__RECORD_OF_DETECTOR = 1,
    TOCSIN__RECORD_OF_BANK = 2,
    TOCSIN__RECORD_OF_FOREST = 3,
    TOCSIN__RECORD_OF_GATE = 4,

    /* Types that those of detectors and of banks have. */
    TOCSIN__RECORD_SPEC = 1,
    TOCSIN__RECORD_STAGE = 3,

    TOCSIN__RECORD_CRITICAL = 1     /* flag: who does not know this record must not go on */
};

/* ---- Writing ------------------------------------------------------------- */

/* The header; `size` and `records` are 0 where nobody knows them yet.  Returns its end, as the
 * others do. */
uint8_t *tocsin__record_put_header(uint8_t *out, uint32_t size, uint32_t kind, uint32_t records);

/* A record's head, before `size` bytes of payload. */
uint8_t *tocsin__record_put(uint8_t *out, uint16_t type, uint16_t flags, size_t size);

/* Bytes of a spec's full text, and the record that has it as its payload.  There must be room for
 * one byte more: a NUL, for the next record to overwrite. */
size_t tocsin__record_text_size(const tocsin_spec *spec);
uint8_t *tocsin__record_put_text(uint8_t *out, const tocsin_spec *spec);

/* What a stage's record begins with: its name, revision and parameters. */
size_t tocsin__record_stage_size(const tocsin_spec *spec, const tocsin__compiled_stage *compiled);
uint8_t *tocsin__record_put_stage(uint8_t *out, const tocsin_spec *spec,
                                  const tocsin__compiled_stage *compiled);

/* ---- Refusing ------------------------------------------------------------
 *
 * Fill in all of an error but its struct_size, and return the status. */

int tocsin__refuse(tocsin_error *error, int status, size_t offset, size_t length,
                   const char *message);

/* The message is `before`, the word in quotes if there is one, `after`. */
int tocsin__refuse_word(tocsin_error *error, int status, size_t offset, size_t length,
                        const char *before, const char *word, size_t word_length,
                        const char *after);

/* TOCSIN_ERROR_FORMAT. */
int tocsin__malformed(tocsin_error *error, size_t offset, const char *message);

/* A status of the field tables (fields.h), which have found fault with a field; `field` may be
 * NULL. */
int tocsin__refuse_field(tocsin_error *error, int status, size_t offset,
                         const tocsin__stage *stage, const char *field);

/* ---- Reading ------------------------------------------------------------- */

/* A part of a snapshot that is being read; nothing reads past its end. */
typedef struct tocsin__span {
    const uint8_t *bytes;       /* the whole, so that positions are offsets in it */
    size_t at, end;
} tocsin__span;

/* The next `size` bytes, or NULL if there are fewer. */
const uint8_t *tocsin__take(tocsin__span *span, size_t size);

/* Check the first 8 bytes of a header: what it is, and whether this release can read it. */
int tocsin__record_check_magic(const uint8_t *bytes, tocsin_error *error);

/* Check the outside of a snapshot that is in memory as a whole: its header, its size, its checksum
 * and that it is of this kind.  TOCSIN_OK, TOCSIN_ERROR_FORMAT, _CHECKSUM or _VERSION. */
int tocsin__record_open(const uint8_t *bytes, size_t size, uint32_t kind, tocsin_error *error);

typedef struct tocsin__record {
    uint16_t type, flags;
    tocsin__span payload;
} tocsin__record;

/* All records of such a snapshot, and the next of them; 0 if it reaches beyond the end. */
tocsin__span tocsin__record_all(const uint8_t *bytes, size_t size);
int tocsin__record_take(tocsin__span *records, tocsin__record *record);

/* Check a stage's record up to its fields, where the span is left, against stage number `index`
 * of a spec.  TOCSIN_OK; TOCSIN_INFO_RESPECIFIED: only such parameters differ as do not shape
 * the state; TOCSIN_ERROR_MISMATCH; TOCSIN_ERROR_FORMAT. */
int tocsin__record_match_stage(tocsin__span *span, const tocsin_spec *spec, size_t index,
                               tocsin_error *error);

#endif
