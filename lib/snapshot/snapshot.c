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
 *     type 3    stage, critical, one for each stage in the order of the pipe:
 *                   name      u32 revision
 *                   u16 parameters, each:
 *                       name  u8 flags (1: shapes the state)
 *                       u8 values, each: u8 form, u64 number's bits or duration
 *                   the state's fields, to the end of the record
 *               where a name is u8 length and that many bytes
 *
 * The text is there for whoever finds a snapshot and nothing else; the typed
 * values say the same so that a loader can compare without parsing or allocating.
 *
 * What fits.  The pipe must have the same stages at the same revisions, and each
 * parameter that shapes the state must have the same value: a season of another
 * length would read the slots as what they are not.  Other parameters belong to
 * the detector, not to its state, and may differ.  A parameter that one side does
 * not know of counts as different only if the other side was given a value.
 *
 * Growing.  A reader skips records it does not know unless they are critical, and
 * the field tables do the same for fields; so a later release adds records, fields
 * and parameters without a new format number.  A choice is stored by its index:
 * the catalog only ever appends choices.
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
#include "../core/text.h"
#include "../pipeline/compile.h"
#include "../pipeline/pipeline.h"
#include "../prepare/prepare.h"

enum {
    SNAPSHOT_HEADER = 20,
    SNAPSHOT_RECORD = 8,
    SNAPSHOT_TRAILER = 4,
    SNAPSHOT_SUMMARY = 16,      /* payload bytes */
    SNAPSHOT_VALUE = 9,

    SNAPSHOT_KIND_DETECTOR = 1,

    SNAPSHOT_TYPE_SPEC = 1,
    SNAPSHOT_TYPE_SUMMARY = 2,
    SNAPSHOT_TYPE_STAGE = 3,

    SNAPSHOT_CRITICAL = 1,
    SNAPSHOT_SHAPES = 1
};

static const uint8_t snapshot_magic[4] = { 'T', 'O', 'C', 'S' };

/* ---- Writing ------------------------------------------------------------- */

static size_t snapshot_text_length(const tocsin_spec *spec)
{
    tocsin__text text;

    tocsin__text_start(&text, NULL, 0);
    tocsin__spec_write(spec, TOCSIN_TEXT_FULL, &text);
    return text.length;
}

static size_t snapshot_stage_size(const tocsin_spec *spec, const tocsin__compiled_stage *compiled)
{
    const tocsin__stage *stage = compiled->stage;
    size_t size = 1 + strlen(stage->name) + 4 + 2;

    for (size_t i = 0; i < stage->param_count; i++)
        size += 1 + strlen(stage->params[i].name) + 2 +
                SNAPSHOT_VALUE * (size_t)spec->values[compiled->value_index + i].count;
    return size + tocsin__layout_encoded_size(&stage->layout, &compiled->shape);
}

size_t tocsin__snapshot_size(const tocsin_spec *spec)
{
    size_t size = SNAPSHOT_HEADER + SNAPSHOT_TRAILER;

    size += SNAPSHOT_RECORD + snapshot_text_length(spec);
    size += SNAPSHOT_RECORD + SNAPSHOT_SUMMARY;
    for (size_t i = 0; i < spec->stage_count; i++)
        size += SNAPSHOT_RECORD + snapshot_stage_size(spec, &spec->stages[i]);
    return size;
}

static uint8_t *snapshot_put_record(uint8_t *out, uint16_t type, uint16_t flags, size_t size)
{
    tocsin__put16(out, type);
    tocsin__put16(out + 2, flags);
    tocsin__put32(out + 4, (uint32_t)size);
    return out + SNAPSHOT_RECORD;
}

static uint8_t *snapshot_put_name(uint8_t *out, const char *name)
{
    const size_t length = strlen(name);

    *out++ = (uint8_t)length;
    memcpy(out, name, length);
    return out + length;
}

/* A value's eight bytes: its duration, or its number, or 0 where the form says all. */
static uint64_t snapshot_value_bits(const tocsin_value *value)
{
    uint64_t bits = 0;

    switch (value->form) {
    case TOCSIN_VALUE_DURATION:
    case TOCSIN_VALUE_RATE:
        bits = (uint64_t)value->duration;
        break;
    case TOCSIN_VALUE_NUMBER:
    case TOCSIN_VALUE_POINTS:
    case TOCSIN_VALUE_CHOICE:
        memcpy(&bits, &value->number, sizeof bits);
        break;
    }
    return bits;
}

static uint8_t *snapshot_put_stage(uint8_t *out, const tocsin_spec *spec,
                                   const tocsin__compiled_stage *compiled, const void *state)
{
    const tocsin__stage *stage = compiled->stage;

    out = snapshot_put_record(out, SNAPSHOT_TYPE_STAGE, SNAPSHOT_CRITICAL,
                              snapshot_stage_size(spec, compiled));
    out = snapshot_put_name(out, stage->name);
    tocsin__put32(out, compiled->revision);
    tocsin__put16(out + 4, (uint16_t)stage->param_count);
    out += 6;
    for (size_t i = 0; i < stage->param_count; i++) {
        const tocsin__values *values = &spec->values[compiled->value_index + i];

        out = snapshot_put_name(out, stage->params[i].name);
        *out++ = stage->params[i].shapes_state ? SNAPSHOT_SHAPES : 0;
        *out++ = (uint8_t)values->count;
        for (size_t j = 0; j < values->count; j++) {
            *out = (uint8_t)values->item[j].form;
            tocsin__put64(out + 1, snapshot_value_bits(&values->item[j]));
            out += SNAPSHOT_VALUE;
        }
    }
    tocsin__layout_encode(&stage->layout, &compiled->shape, tocsin__const_state_of(compiled, state),
                          out);
    return out + tocsin__layout_encoded_size(&stage->layout, &compiled->shape);
}

void tocsin__snapshot_write(const tocsin_spec *spec, const void *state, uint8_t *out, size_t size)
{
    const tocsin__clock_state *clock = tocsin__const_state_of(spec->clock, state);
    uint8_t *at = out;
    tocsin__text text;

    memcpy(at, snapshot_magic, sizeof snapshot_magic);
    tocsin__put16(at + 4, TOCSIN_SNAPSHOT_FORMAT);
    tocsin__put16(at + 6, 1);
    tocsin__put32(at + 8, (uint32_t)size);
    tocsin__put32(at + 12, SNAPSHOT_KIND_DETECTOR);
    tocsin__put32(at + 16, (uint32_t)(2 + spec->stage_count));
    at += SNAPSHOT_HEADER;

    /* The text's NUL lands where the next record begins, which overwrites it. */
    tocsin__text_start(&text, (char *)at + SNAPSHOT_RECORD,
                       size - SNAPSHOT_HEADER - SNAPSHOT_RECORD);
    tocsin__spec_write(spec, TOCSIN_TEXT_FULL, &text);
    at = snapshot_put_record(at, SNAPSHOT_TYPE_SPEC, SNAPSHOT_CRITICAL, text.length);
    at += text.length;

    at = snapshot_put_record(at, SNAPSHOT_TYPE_SUMMARY, 0, SNAPSHOT_SUMMARY);
    tocsin__put64(at, clock->points);
    tocsin__put64(at + 8, (uint64_t)(clock->points > 0 ? clock->time : TOCSIN_TIME_NONE));
    at += SNAPSHOT_SUMMARY;

    for (size_t i = 0; i < spec->stage_count; i++)
        at = snapshot_put_stage(at, spec, &spec->stages[i], state);
    tocsin__put32(at, tocsin__crc32c(out, (size_t)(at - out)));
}

/* ---- Refusing ------------------------------------------------------------ */

static void snapshot_add_quoted(tocsin__text *text, const char *word, size_t length)
{
    tocsin__text_add(text, "'");
    tocsin__text_add_n(text, word, length);
    tocsin__text_add(text, "'");
}

/* Fill in the error.  The message is `before`, the word in quotes if there is one, `after`. */
static int snapshot_refuse_word(tocsin_error *error, int status, size_t offset, size_t length,
                                const char *before, const char *word, size_t word_length,
                                const char *after)
{
    tocsin__text text;

    error->status = status;
    error->offset = (uint32_t)offset;
    error->length = (uint32_t)length;
    error->suggestion[0] = '\0';
    tocsin__text_start(&text, error->word, sizeof error->word);
    tocsin__text_add_n(&text, word, word_length);
    tocsin__text_start(&text, error->message, sizeof error->message);
    tocsin__text_add(&text, before);
    if (word_length > 0)
        snapshot_add_quoted(&text, word, word_length);
    tocsin__text_add(&text, after);
    return status;
}

static int snapshot_refuse(tocsin_error *error, int status, size_t offset, size_t length,
                           const char *message)
{
    return snapshot_refuse_word(error, status, offset, length, message, "", 0, "");
}

static int snapshot_malformed(tocsin_error *error, size_t offset, const char *message)
{
    return snapshot_refuse(error, TOCSIN_ERROR_FORMAT, offset, 0, message);
}

/* ---- Reading ------------------------------------------------------------- */

/* A part of a snapshot that is being read; nothing reads past its end. */
typedef struct snapshot_reader {
    const uint8_t *bytes;       /* the whole snapshot, so that positions are offsets in it */
    size_t at, end;
} snapshot_reader;

/* The next `size` bytes, or NULL if there are fewer. */
static const uint8_t *snapshot_take(snapshot_reader *reader, size_t size)
{
    const uint8_t *bytes = reader->bytes + reader->at;

    if (reader->end - reader->at < size)
        return NULL;
    reader->at += size;
    return bytes;
}

/* A name as stages, parameters and choices have one; it may go into a message. */
static const char *snapshot_take_name(snapshot_reader *reader, size_t *length)
{
    const uint8_t *size = snapshot_take(reader, 1);
    const uint8_t *name = size ? snapshot_take(reader, *size) : NULL;

    if (!name || *size == 0)
        return NULL;
    for (size_t i = 0; i < *size; i++) {
        const int is_letter = name[i] >= 'a' && name[i] <= 'z';
        const int is_digit = name[i] >= '0' && name[i] <= '9';

        if (!is_letter && !is_digit && name[i] != '-')
            return NULL;
    }
    *length = *size;
    return (const char *)name;
}

typedef struct snapshot_record {
    uint16_t type, flags;
    snapshot_reader payload;
} snapshot_record;

static int snapshot_take_record(snapshot_reader *reader, snapshot_record *record)
{
    const uint8_t *head = snapshot_take(reader, SNAPSHOT_RECORD);
    size_t size;

    if (!head)
        return 0;
    size = tocsin__get32(head + 4);
    record->type = tocsin__get16(head);
    record->flags = tocsin__get16(head + 2);
    record->payload.bytes = reader->bytes;
    record->payload.at = reader->at;
    record->payload.end = reader->at + size;
    return snapshot_take(reader, size) != NULL;
}

static snapshot_reader snapshot_records(const tocsin__snapshot *snapshot)
{
    snapshot_reader reader;

    reader.bytes = snapshot->bytes;
    reader.at = SNAPSHOT_HEADER;
    reader.end = snapshot->size - SNAPSHOT_TRAILER;
    return reader;
}

/* Whether the checksum is right.  A fuzzer cannot guess one, so it is let through. */
static int snapshot_is_intact(const uint8_t *bytes, size_t size)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    (void)bytes;
    (void)size;
    return 1;
#else
    return tocsin__crc32c(bytes, size - SNAPSHOT_TRAILER) ==
           tocsin__get32(bytes + size - SNAPSHOT_TRAILER);
#endif
}

static int snapshot_check_header(const uint8_t *bytes, size_t size, tocsin_error *error)
{
    if (size < SNAPSHOT_HEADER + SNAPSHOT_TRAILER)
        return snapshot_malformed(error, size, "the snapshot is cut off within its header");
    if (memcmp(bytes, snapshot_magic, sizeof snapshot_magic) != 0)
        return snapshot_malformed(error, 0, "this is not a snapshot: it does not begin with TOCS");
    if (tocsin__get16(bytes + 6) > TOCSIN_SNAPSHOT_FORMAT)
        return snapshot_refuse(error, TOCSIN_ERROR_VERSION, 4, 4,
                               "the snapshot was written by a newer release, in a format that this "
                               "one cannot read");
    if (tocsin__get16(bytes + 4) == 0)
        return snapshot_malformed(error, 4, "there is no snapshot format 0");
    if (tocsin__get32(bytes + 8) > size)
        return snapshot_malformed(error, size, "the snapshot is cut off");
    if (tocsin__get32(bytes + 8) < size)
        return snapshot_malformed(error, 8, "there are more bytes than the snapshot says it has");
    if (!snapshot_is_intact(bytes, size))
        return snapshot_refuse(error, TOCSIN_ERROR_CHECKSUM, size - SNAPSHOT_TRAILER,
                               SNAPSHOT_TRAILER, "the snapshot is damaged: its checksum is wrong");
    if (tocsin__get32(bytes + 12) != SNAPSHOT_KIND_DETECTOR)
        return snapshot_refuse(error, TOCSIN_ERROR_VERSION, 12, 4,
                               "the snapshot holds something that this release does not know");
    return TOCSIN_OK;
}

int tocsin__snapshot_open(tocsin__snapshot *snapshot, const void *bytes, size_t size,
                          tocsin_error *error)
{
    const int status = snapshot_check_header(bytes, size, error);
    snapshot_reader reader;

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
        snapshot_record record;

        if (!snapshot_take_record(&reader, &record))
            return snapshot_malformed(error, start, "a record reaches beyond the snapshot's end");
        if ((record.type == SNAPSHOT_TYPE_SPEC) != (i == 0))
            return snapshot_malformed(error, start,
                                      "the spec must be the first record, and only it");
        if (record.type == SNAPSHOT_TYPE_SPEC) {
            snapshot->spec_text = (const char *)record.payload.bytes + record.payload.at;
            snapshot->spec_length = record.payload.end - record.payload.at;
        } else if (record.type == SNAPSHOT_TYPE_SUMMARY) {
            const uint8_t *summary = snapshot_take(&record.payload, SNAPSHOT_SUMMARY);

            if (!summary)
                return snapshot_malformed(error, start, "the summary is too short");
            snapshot->points = tocsin__get64(summary);
            snapshot->time = (int64_t)tocsin__get64(summary + 8);
        } else if (record.type != SNAPSHOT_TYPE_STAGE && (record.flags & SNAPSHOT_CRITICAL)) {
            return snapshot_refuse(error, TOCSIN_ERROR_VERSION, start, SNAPSHOT_RECORD,
                                   "the snapshot has a record that this release does not know but "
                                   "must");
        }
    }
    if (!snapshot->spec_text)
        return snapshot_malformed(error, SNAPSHOT_HEADER, "the snapshot has no spec");
    if (reader.at != reader.end)
        return snapshot_malformed(error, reader.at, "there are bytes after the last record");
    return TOCSIN_OK;
}

/* ---- Comparing a stage's record with the stage ------------------------------ */

static int snapshot_is_named(const char *name, const char *word, size_t length)
{
    return strlen(name) == length && memcmp(name, word, length) == 0;
}

/* One of a record's parameters beside ours.  `ours` is NULL where this release has none. */
static int snapshot_values_equal(const tocsin__values *ours, const uint8_t *values, size_t count)
{
    if (!ours || ours->count != count)
        return 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *value = values + SNAPSHOT_VALUE * i;

        if (value[0] != ours->item[i].form ||
            tocsin__get64(value + 1) != snapshot_value_bits(&ours->item[i]))
            return 0;
    }
    return 1;
}

/* TOCSIN_OK: all alike; TOCSIN_INFO_RESPECIFIED: only such differ as do not matter. */
static int snapshot_compare_params(snapshot_reader *reader, const tocsin_spec *spec,
                                   const tocsin__compiled_stage *compiled, tocsin_error *error)
{
    const tocsin__stage *stage = compiled->stage;
    const uint8_t *head = snapshot_take(reader, 2);
    const size_t count = head ? tocsin__get16(head) : 0;
    uint32_t seen = 0;
    int status = TOCSIN_OK;

    if (!head)
        return snapshot_malformed(error, reader->at, "a stage's record is cut off");
    for (size_t i = 0; i < count; i++) {
        const size_t start = reader->at;
        size_t length = 0, index = 0;
        const char *name = snapshot_take_name(reader, &length);
        const uint8_t *shape = name ? snapshot_take(reader, 2) : NULL;
        const uint8_t *values = shape ? snapshot_take(reader, SNAPSHOT_VALUE * (size_t)shape[1])
                                      : NULL;
        const tocsin__values *ours = NULL;
        int shapes_state;

        if (!values)
            return snapshot_malformed(error, start,
                                      "a stage's parameter is cut off or has no name");
        while (index < stage->param_count &&
               !snapshot_is_named(stage->params[index].name, name, length))
            index++;
        shapes_state = shape[0] & SNAPSHOT_SHAPES;
        if (index < stage->param_count) {
            ours = &spec->values[compiled->value_index + index];
            seen |= UINT32_C(1) << index;
            shapes_state |= stage->params[index].shapes_state;
        }
        if (snapshot_values_equal(ours, values, shape[1]))
            continue;
        if (shapes_state)
            return snapshot_refuse_word(error, TOCSIN_ERROR_MISMATCH, start + 1, length,
                                        "the snapshot was made with another value of ", name,
                                        length, ", which decides what the state holds");
        status = TOCSIN_INFO_RESPECIFIED;
    }
    for (size_t i = 0; i < stage->param_count; i++) {
        if ((seen >> i & 1) || !spec->values[compiled->value_index + i].is_given)
            continue;
        if (stage->params[i].shapes_state)
            return snapshot_refuse_word(error, TOCSIN_ERROR_MISMATCH, reader->at, 0,
                                        "the snapshot was made before there was ",
                                        stage->params[i].name, strlen(stage->params[i].name),
                                        ", which decides what the state holds");
        status = TOCSIN_INFO_RESPECIFIED;
    }
    return status;
}

static int snapshot_other_stage(tocsin_error *error, size_t offset, const char *theirs,
                                size_t length, const char *ours)
{
    tocsin__text text;
    char instead[80];

    tocsin__text_start(&text, instead, sizeof instead);
    tocsin__text_add(&text, " where this detector has ");
    if (ours)
        snapshot_add_quoted(&text, ours, strlen(ours));
    else
        tocsin__text_add(&text, "no more stages");
    return snapshot_refuse_word(error, TOCSIN_ERROR_MISMATCH, offset, length,
                                "the snapshot is of another pipe: it has ", theirs, length,
                                instead);
}

/* Check a stage's record up to its fields, where the reader is left. */
static int snapshot_match_stage(snapshot_reader *reader, const tocsin_spec *spec, size_t index,
                                tocsin_error *error)
{
    const tocsin__compiled_stage *compiled = &spec->stages[index];
    const char *ours = index < spec->stage_count ? compiled->stage->name : NULL;
    const size_t start = reader->at;
    size_t length = 0;
    const char *name = snapshot_take_name(reader, &length);
    const uint8_t *revision = name ? snapshot_take(reader, 4) : NULL;

    if (!revision)
        return snapshot_malformed(error, start, "a stage's record is cut off or has no name");
    if (!ours || !snapshot_is_named(ours, name, length))
        return snapshot_other_stage(error, start + 1, name, length, ours);
    if (tocsin__get32(revision) != compiled->revision)
        return snapshot_refuse_word(error, TOCSIN_ERROR_MISMATCH, start + 1 + length, 4,
                                    "the snapshot was made by another revision of ", name, length,
                                    "");
    return snapshot_compare_params(reader, spec, compiled, error);
}

/* Decode a record's fields into a series' state, or with NULL only check them. */
static int snapshot_read_fields(const snapshot_reader *reader,
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
    char name[sizeof error->word];
    tocsin__text text;

    if (status >= 0)
        return status;
    tocsin__text_start(&text, name, sizeof name);
    tocsin__text_add(&text, stage->name);
    if (field) {
        tocsin__text_add(&text, ".");
        tocsin__text_add(&text, field);
    }
    return snapshot_refuse_word(error, status, reader->at + at, 0,
                                status == TOCSIN_ERROR_MISMATCH
                                    ? "the snapshot has another size of "
                                    : "the snapshot has a value that cannot be in ",
                                name, strlen(name), "");
}

int tocsin__snapshot_read(const tocsin__snapshot *snapshot, const tocsin_spec *spec, void *state,
                          tocsin_error *error)
{
    snapshot_record record[TOCSIN__RANKS];
    snapshot_reader reader = snapshot_records(snapshot);
    size_t stage = 0;
    int result = TOCSIN_OK;

    for (size_t i = 0; i < snapshot->record_count; i++) {
        snapshot_record next = {0};
        int status;

        snapshot_take_record(&reader, &next);
        if (next.type != SNAPSHOT_TYPE_STAGE)
            continue;
        status = snapshot_match_stage(&next.payload, spec, stage, error);
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
        return snapshot_refuse_word(error, TOCSIN_ERROR_MISMATCH, reader.at, 0,
                                    "the snapshot is of another pipe: it has no ",
                                    spec->stages[stage].stage->name,
                                    strlen(spec->stages[stage].stage->name), "");

    tocsin__pipeline_init(spec, state);
    for (size_t i = 0; i < stage; i++)
        snapshot_read_fields(&record[i].payload, &spec->stages[i], state, error);
    return result;
}
