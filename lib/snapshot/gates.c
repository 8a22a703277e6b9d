/* gates.c - a gate's state to bytes and back.
 *
 * What.  The same container as a detector's snapshot (snapshot.c): the spec's text, then a record
 * with the gate's own fields, then one for each metric in order, all critical:
 *
 *     header    kind 4: a gate
 *     type 1    the spec's canonical text, without a NUL
 *     type 4    the gate's fields
 *     type 5    a metric's fields
 *     trailer   u32 CRC-32C of every byte before it
 *
 * What fits.  A gate of an equal spec: equal texts.
 *
 * All or nothing.  The fields are decoded twice, the first time into nowhere, so that nothing is
 * touched before every byte was checked.  What no field's bounds can say - more pods than there is
 * room for, or pods out of order - is then cut to what is sound: only bytes that were altered
 * together with their checksum hold such a thing.
 *
 * Cost.  Linear in the bytes.
 */
#include "gates.h"

#include "../core/bytes.h"
#include "records.h"

enum {
    GATES_TYPE_HEAD = 4,
    GATES_TYPE_METRIC = 5
};

static size_t gates_text_size(const tocsin_gate_spec *spec)
{
    tocsin__text text;

    tocsin__text_start(&text, NULL, 0);
    tocsin__gate_spec_write(spec, &text);
    return text.length;
}

size_t tocsin__gate_snapshot_size(const tocsin_gate_spec *spec)
{
    size_t size = TOCSIN__RECORD_HEADER + TOCSIN__RECORD_TRAILER;

    size += TOCSIN__RECORD_HEAD + gates_text_size(spec);
    size += TOCSIN__RECORD_HEAD + tocsin__layout_encoded_size(&tocsin__gate_layout, &spec->shape);
    for (uint32_t i = 0; i < spec->metric_count; i++)
        size += TOCSIN__RECORD_HEAD + tocsin__layout_encoded_size(spec->metrics[i].layout,
                                                                  &spec->metrics[i].shape);
    return size;
}

static uint8_t *gates_put(uint8_t *at, uint16_t type, const tocsin__layout *layout,
                          const tocsin__shape *shape, const void *state)
{
    const size_t size = tocsin__layout_encoded_size(layout, shape);

    at = tocsin__record_put(at, type, TOCSIN__RECORD_CRITICAL, size);
    tocsin__layout_encode(layout, shape, state, at);
    return at + size;
}

void tocsin__gate_snapshot_write(const tocsin_gate *gate, uint8_t *out, size_t size)
{
    const tocsin_gate_spec *const spec = gate->spec;
    uint8_t *at = tocsin__record_put_header(out, (uint32_t)size, TOCSIN__RECORD_OF_GATE,
                                            2 + spec->metric_count);
    tocsin__text text;

    /* The text's NUL is overwritten by the next record. */
    tocsin__text_start(&text, (char *)at + TOCSIN__RECORD_HEAD, gates_text_size(spec) + 1);
    tocsin__gate_spec_write(spec, &text);
    at = tocsin__record_put(at, TOCSIN__RECORD_SPEC, TOCSIN__RECORD_CRITICAL, text.length) +
         text.length;
    at = gates_put(at, GATES_TYPE_HEAD, &tocsin__gate_layout, &spec->shape,
                   tocsin__gate_head_of(gate));
    for (uint32_t i = 0; i < spec->metric_count; i++)
        at = gates_put(at, GATES_TYPE_METRIC, spec->metrics[i].layout, &spec->metrics[i].shape,
                       tocsin__gate_state(gate, i));
    tocsin__put32(at, tocsin__crc32c(0, out, (size_t)(at - out)));
}

/* ---- Reading ------------------------------------------------------------------------- */

/* The next record, which must be of this type. */
static int gates_take(tocsin__span *reader, uint16_t type, tocsin__span *payload,
                      tocsin_error *error)
{
    const size_t start = reader->at;
    tocsin__record record;

    if (!tocsin__record_take(reader, &record))
        return tocsin__malformed(error, start, "the snapshot ends before its last record");
    if (record.type != type)
        return tocsin__malformed(error, start, "a record of another kind belongs here");
    *payload = record.payload;
    return TOCSIN_OK;
}

int tocsin__gate_snapshot_text(const uint8_t *bytes, size_t size, const char **text,
                               size_t *length, tocsin_error *error)
{
    tocsin__span reader, payload = {0};
    int status = tocsin__record_open(bytes, size, TOCSIN__RECORD_OF_GATE, error);

    if (status < 0)
        return status;
    reader = tocsin__record_all(bytes, size);
    status = gates_take(&reader, TOCSIN__RECORD_SPEC, &payload, error);
    if (status < 0)
        return status;
    *text = (const char *)bytes + payload.at;
    *length = payload.end - payload.at;
    return TOCSIN_OK;
}

/* Is this the text of the spec?  Compared piece by piece, as it is written. */
static int gates_is_text(const tocsin_gate_spec *spec, const char *text, size_t length)
{
    char piece[TOCSIN__GATE_PIECE];
    size_t at = 0;

    for (uint32_t i = 0; i <= spec->metric_count; i++) {
        tocsin__text written;

        tocsin__text_start(&written, piece, sizeof piece);
        tocsin__gate_spec_write_part(spec, i, &written);
        if (written.length > length - at || memcmp(text + at, piece, written.length) != 0)
            return 0;
        at += written.length;
    }
    return at == length;
}

static int gates_decode(const tocsin__span *payload, const tocsin__layout *layout,
                        const tocsin__shape *shape, void *state, tocsin_error *error)
{
    const char *field = NULL;
    size_t at = 0;
    const int status = tocsin__layout_decode(layout, shape, state, payload->bytes + payload->at,
                                             payload->end - payload->at, &at, &field);

    if (status >= 0)
        return TOCSIN_OK;
    return tocsin__refuse_word(error, status, payload->at + at, 0,
                               "the snapshot has a value that cannot be in ",
                               field ? field : "it", field ? strlen(field) : 2, "");
}

int tocsin__gate_snapshot_read(tocsin_gate *gate, const uint8_t *bytes, size_t size,
                               tocsin_error *error)
{
    const tocsin_gate_spec *const spec = gate->spec;
    tocsin__span reader, payload;
    const char *text;
    size_t length;
    int status = tocsin__gate_snapshot_text(bytes, size, &text, &length, error);

    if (status < 0)
        return status;
    if (!gates_is_text(spec, text, length))
        return tocsin__refuse(error, TOCSIN_ERROR_MISMATCH, TOCSIN__RECORD_HEADER, 0,
                              "the snapshot is of a gate with another spec");
    /* Twice: the first time into nowhere. */
    for (int is_loaded = 0; is_loaded < 2; is_loaded++) {
        reader = tocsin__record_all(bytes, size);
        gates_take(&reader, TOCSIN__RECORD_SPEC, &payload, error);
        if (is_loaded)
            tocsin__gate_init(gate);
        status = gates_take(&reader, GATES_TYPE_HEAD, &payload, error);
        if (status >= 0)
            status = gates_decode(&payload, &tocsin__gate_layout, &spec->shape,
                                  is_loaded ? tocsin__gate_head_of(gate) : NULL, error);
        for (uint32_t i = 0; i < spec->metric_count && status >= 0; i++) {
            const tocsin__metric *const metric = &spec->metrics[i];

            status = gates_take(&reader, GATES_TYPE_METRIC, &payload, error);
            if (status >= 0)
                status = gates_decode(&payload, metric->layout, &metric->shape,
                                      is_loaded ? tocsin__gate_state(gate, i) : NULL, error);
        }
        if (status >= 0 && reader.at != reader.end)
            status = tocsin__malformed(error, reader.at, "there are bytes after the last record");
        if (status < 0)
            return status;
    }
    for (uint32_t i = 0; i < spec->metric_count; i++)
        tocsin__gate_settle(&spec->metrics[i], tocsin__gate_state(gate, i));
    tocsin__gate_derive(gate);
    return TOCSIN_OK;
}
