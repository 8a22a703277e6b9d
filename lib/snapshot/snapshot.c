/* snapshot.c - one series' state to bytes and back.
 *
 * What.  A snapshot is a small container of records around what the field tables
 * encode (fields.h).  Little-endian throughout, no padding:
 *
 *     header    "TOCS"  u16 format  u16 oldest format that can read it
 *               u32 bytes in all  u32 kind (1: a detector)  u32 records
 *     record    u16 type  u16 flags (1: critical)  u32 payload bytes  payload
 *     ...
 *     trailer   u32 CRC-32C of every byte before it
 *
 *     type 1    spec, first and critical: its full text, without a NUL
 *     type 2    summary: u64 points accepted, i64 time of the last one
 *     type 3    stage, critical, one for each stage in the order of the pipe: its name,
 *               revision and parameters (records.c), and the state's fields to the end
 *
 * The text is there for whoever finds a snapshot and nothing else; the typed
 * values say the same so that a loader can compare without parsing or allocating.
 *
 * What fits stands in records.c.
 *
 * Growing.  A reader skips records it does not know unless they are critical, and
 * the field tables do the same for fields; so a later release adds records, fields
 * and parameters without a new format number.
 *
 * All or nothing.  Every byte is checked before the first byte of the state is
 * touched: the fields are decoded twice, the first time into nowhere.  The second
 * pass sees the same bytes and cannot fail, so no second state is needed and
 * nothing is allocated.
 *
 * Cost.  Linear in the snapshot's bytes, of which there are a few thousand; most of
 * it is the checksum.
 *
 * How it fails.  With a status and the offset of the offending byte.  A snapshot
 * altered together with its checksum can hold any state whose fields are within
 * their bounds: it may score nonsense, but never crashes.
 */
#include "snapshot.h"

#include "../core/bytes.h"
#include "../pipeline/pipeline.h"
#include "../prepare/prepare.h"
#include "records.h"

enum {
    SNAPSHOT_SUMMARY = 16,      /* payload bytes */

    SNAPSHOT_TYPE_SUMMARY = 2
};

/* ---- Writing ------------------------------------------------------------- */

static size_t snapshot_stage_size(const tocsin_spec *spec, const tocsin__compiled_stage *compiled)
{
    return tocsin__record_stage_size(spec, compiled) +
           tocsin__layout_encoded_size(&compiled->stage->layout, &compiled->shape);
}

size_t tocsin__snapshot_size(const tocsin_spec *spec)
{
    size_t size = TOCSIN__RECORD_HEADER + TOCSIN__RECORD_TRAILER;

    size += TOCSIN__RECORD_HEAD + tocsin__record_text_size(spec);
    size += TOCSIN__RECORD_HEAD + SNAPSHOT_SUMMARY;
    for (size_t i = 0; i < spec->stage_count; i++)
        size += TOCSIN__RECORD_HEAD + snapshot_stage_size(spec, &spec->stages[i]);
    return size;
}

void tocsin__snapshot_write(const tocsin_spec *spec, const void *state, uint8_t *out, size_t size)
{
    const tocsin__clock_state *clock = tocsin__const_state_of(spec->clock, state);
    uint8_t *at = tocsin__record_put_header(out, (uint32_t)size, TOCSIN__RECORD_OF_DETECTOR,
                                            (uint32_t)(2 + spec->stage_count));

    at = tocsin__record_put_text(at, spec);

    at = tocsin__record_put(at, SNAPSHOT_TYPE_SUMMARY, 0, SNAPSHOT_SUMMARY);
    tocsin__put64(at, clock->points);
    tocsin__put64(at + 8, (uint64_t)(clock->points > 0 ? clock->time : TOCSIN_TIME_NONE));
    at += SNAPSHOT_SUMMARY;

    for (size_t i = 0; i < spec->stage_count; i++) {
        const tocsin__compiled_stage *compiled = &spec->stages[i];
        const tocsin__layout *layout = &compiled->stage->layout;

        at = tocsin__record_put(at, TOCSIN__RECORD_STAGE, TOCSIN__RECORD_CRITICAL,
                                snapshot_stage_size(spec, compiled));
        at = tocsin__record_put_stage(at, spec, compiled);
        tocsin__layout_encode(layout, &compiled->shape, tocsin__const_state_of(compiled, state),
                              at);
        at += tocsin__layout_encoded_size(layout, &compiled->shape);
    }
    tocsin__put32(at, tocsin__crc32c(0, out, (size_t)(at - out)));
}

/* ---- Reading ------------------------------------------------------------- */

static tocsin__span snapshot_records(const tocsin__snapshot *snapshot)
{
    return tocsin__record_all(snapshot->bytes, snapshot->size);
}

int tocsin__snapshot_open(tocsin__snapshot *snapshot, const void *bytes, size_t size,
                          tocsin_error *error)
{
    const int status = tocsin__record_open(bytes, size, TOCSIN__RECORD_OF_DETECTOR, error);
    tocsin__span reader;

    if (status < 0)
        return status;
    snapshot->bytes = bytes;
    snapshot->size = size;
    snapshot->format = tocsin__get16(snapshot->bytes + 4);
    snapshot->record_count = tocsin__get32(snapshot->bytes + 16);
    snapshot->spec_text = NULL;
    snapshot->spec_length = 0;
    snapshot->points = 0;
    snapshot->time = TOCSIN_TIME_NONE;

    reader = snapshot_records(snapshot);
    for (size_t i = 0; i < snapshot->record_count; i++) {
        const size_t start = reader.at;
        tocsin__record record;

        if (!tocsin__record_take(&reader, &record))
            return tocsin__malformed(error, start, "a record reaches beyond the snapshot's end");
        if ((record.type == TOCSIN__RECORD_SPEC) != (i == 0))
            return tocsin__malformed(error, start,
                                     "the spec must be the first record, and only it");
        if (record.type == TOCSIN__RECORD_SPEC) {
            snapshot->spec_text = (const char *)record.payload.bytes + record.payload.at;
            snapshot->spec_length = record.payload.end - record.payload.at;
        } else if (record.type == SNAPSHOT_TYPE_SUMMARY) {
            const uint8_t *summary = tocsin__take(&record.payload, SNAPSHOT_SUMMARY);

            if (!summary)
                return tocsin__malformed(error, start, "the summary is too short");
            snapshot->points = tocsin__get64(summary);
            snapshot->time = (int64_t)tocsin__get64(summary + 8);
        } else if (record.type != TOCSIN__RECORD_STAGE &&
                   (record.flags & TOCSIN__RECORD_CRITICAL)) {
            return tocsin__refuse(error, TOCSIN_ERROR_VERSION, start, TOCSIN__RECORD_HEAD,
                                  "the snapshot has a record that this release does not know but "
                                  "must");
        }
    }
    if (!snapshot->spec_text)
        return tocsin__malformed(error, TOCSIN__RECORD_HEADER, "the snapshot has no spec");
    if (reader.at != reader.end)
        return tocsin__malformed(error, reader.at, "there are bytes after the last record");
    return TOCSIN_OK;
}

/* Decode a record's fields into a series' state, or with NULL only check them. */
static int snapshot_read_fields(const tocsin__span *reader,
                                const tocsin__compiled_stage *compiled, void *state,
                                tocsin_error *error)
{
    const tocsin__stage *stage = compiled->stage;
    const char *field = NULL;
    size_t at = 0;
    const int status = tocsin__layout_decode(&stage->layout, &compiled->shape,
                                             state ? tocsin__state_of(compiled, state) : NULL,
                                             reader->bytes + reader->at, reader->end - reader->at,
                                             &at, &field);

    return status >= 0 ? status
                       : tocsin__refuse_field(error, status, reader->at + at, stage, field);
}

int tocsin__snapshot_read(const tocsin__snapshot *snapshot, const tocsin_spec *spec, void *state,
                          tocsin_error *error)
{
    tocsin__record record[TOCSIN__RANKS];
    tocsin__span reader = snapshot_records(snapshot);
    size_t stage = 0;
    int result = TOCSIN_OK;

    for (size_t i = 0; i < snapshot->record_count; i++) {
        tocsin__record next = {0};
        int status;

        tocsin__record_take(&reader, &next);
        if (next.type != TOCSIN__RECORD_STAGE)
            continue;
        status = tocsin__record_match_stage(&next.payload, spec, stage, error);
        if (status < 0)
            return status;
        if (status > 0)
            result = status;
        status = snapshot_read_fields(&next.payload, &spec->stages[stage], NULL, error);
        if (status < 0)
            return status;
        record[stage++] = next;
    }
    if (stage < spec->stage_count)
        return tocsin__refuse_word(error, TOCSIN_ERROR_MISMATCH, reader.at, 0,
                                   "the snapshot is of another pipe: it has no ",
                                   spec->stages[stage].stage->name,
                                   strlen(spec->stages[stage].stage->name), "");

    tocsin__pipeline_init(spec, state);
    for (size_t i = 0; i < stage; i++) {
        snapshot_read_fields(&record[i].payload, &spec->stages[i], state, error);
        if (!tocsin__state_holds(&spec->stages[i], state)) {
            tocsin__stage_init(&spec->stages[i], state);
            result = TOCSIN_INFO_TORN;
        }
    }
    return result;
}
