/* records.c - what the snapshots of detectors, of banks and of forests have in common.
 *
 * All are sequences of records, each with a type, flags and a length, so that a reader
 * can pass over what it does not know.  Detectors and banks say which pipe they are of by one record
 * per stage, which begins
 *
 *     name      u32 revision
 *     u16 parameters, each:
 *         name  u8 flags (1: shapes the state)
 *         u8 values, each: u8 form, u64 number's bits or duration
 *
 * where a name is u8 length and that many bytes.  What follows to the record's end is the
 * state's fields: of a detector with their values, of a bank without.
 *
 * What fits.  The pipe must have the same stages at the same revisions, and each
 * parameter that shapes the state must have the same value: a season of another
 * length would read the slots as what they are not.  Other parameters belong to
 * the detector, not to its state, and may differ.  A parameter that one side does
 * not know of counts as different only if the other side was given a value.  A choice is
 * stored by its index: the catalog only ever appends choices.
 *
 * How it fails.  With a status and the offset of the offending byte; nothing is read past a
 * span's end.
 */
#include "records.h"

#include "../core/bytes.h"
#include "../pipeline/compile.h"

enum {
    RECORDS_VALUE = 9,
    RECORDS_SHAPES = 1
};

static const uint8_t records_magic[4] = { 'T', 'O', 'C', 'S' };

/* ---- Writing ------------------------------------------------------------- */

uint8_t *tocsin__record_put_header(uint8_t *out, uint32_t size, uint32_t kind, uint32_t records)
{
    memcpy(out, records_magic, sizeof records_magic);
    tocsin__put16(out + 4, TOCSIN_SNAPSHOT_FORMAT);
    tocsin__put16(out + 6, 1);
    tocsin__put32(out + 8, size);
    tocsin__put32(out + 12, kind);
    tocsin__put32(out + 16, records);
    return out + TOCSIN__RECORD_HEADER;
}

uint8_t *tocsin__record_put(uint8_t *out, uint16_t type, uint16_t flags, size_t size)
{
    tocsin__put16(out, type);
    tocsin__put16(out + 2, flags);
    tocsin__put32(out + 4, (uint32_t)size);
    return out + TOCSIN__RECORD_HEAD;
}

size_t tocsin__record_text_size(const tocsin_spec *spec)
{
    tocsin__text text;

    tocsin__text_start(&text, NULL, 0);
    tocsin__spec_write(spec, TOCSIN_TEXT_FULL, &text);
    return text.length;
}

uint8_t *tocsin__record_put_text(uint8_t *out, const tocsin_spec *spec)
{
    tocsin__text text;

    tocsin__text_start(&text, (char *)out + TOCSIN__RECORD_HEAD, TOCSIN__SPEC_MAX + 1);
    tocsin__spec_write(spec, TOCSIN_TEXT_FULL, &text);
    return tocsin__record_put(out, TOCSIN__RECORD_SPEC, TOCSIN__RECORD_CRITICAL, text.length) +
           text.length;
}

size_t tocsin__record_stage_size(const tocsin_spec *spec, const tocsin__compiled_stage *compiled)
{
    const tocsin__stage *stage = compiled->stage;
    size_t size = 1 + strlen(stage->name) + 4 + 2;

    for (size_t i = 0; i < stage->param_count; i++)
        size += 1 + strlen(stage->params[i].name) + 2 +
                RECORDS_VALUE * (size_t)spec->values[compiled->value_index + i].count;
    return size;
}

static uint8_t *records_put_name(uint8_t *out, const char *name)
{
    const size_t length = strlen(name);

    *out++ = (uint8_t)length;
    memcpy(out, name, length);
    return out + length;
}

/* A value's eight bytes: its duration, or its number, or 0 where the form says all. */
static uint64_t records_value_bits(const tocsin_value *value)
{
    uint64_t bits = 0;

    switch (value->form) {
    case TOCSIN_VALUE_DURATION:
    case TOCSIN_VALUE_RATE:
    case TOCSIN_VALUE_ZONE:
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

uint8_t *tocsin__record_put_stage(uint8_t *out, const tocsin_spec *spec,
                                  const tocsin__compiled_stage *compiled)
{
    const tocsin__stage *stage = compiled->stage;

    out = records_put_name(out, stage->name);
    tocsin__put32(out, compiled->revision);
    tocsin__put16(out + 4, (uint16_t)stage->param_count);
    out += 6;
    for (size_t i = 0; i < stage->param_count; i++) {
        const tocsin__values *values = &spec->values[compiled->value_index + i];

        out = records_put_name(out, stage->params[i].name);
        *out++ = stage->params[i].shapes_state ? RECORDS_SHAPES : 0;
        *out++ = (uint8_t)values->count;
        for (size_t j = 0; j < values->count; j++) {
            *out = (uint8_t)values->item[j].form;
            tocsin__put64(out + 1, records_value_bits(&values->item[j]));
            out += RECORDS_VALUE;
        }
    }
    return out;
}

/* ---- Refusing ------------------------------------------------------------ */

static void records_add_quoted(tocsin__text *text, const char *word, size_t length)
{
    tocsin__text_add(text, "'");
    tocsin__text_add_n(text, word, length);
    tocsin__text_add(text, "'");
}

int tocsin__refuse_word(tocsin_error *error, int status, size_t offset, size_t length,
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
        records_add_quoted(&text, word, word_length);
    tocsin__text_add(&text, after);
    return status;
}

int tocsin__refuse(tocsin_error *error, int status, size_t offset, size_t length,
                           const char *message)
{
    return tocsin__refuse_word(error, status, offset, length, message, "", 0, "");
}

int tocsin__malformed(tocsin_error *error, size_t offset, const char *message)
{
    return tocsin__refuse(error, TOCSIN_ERROR_FORMAT, offset, 0, message);
}

int tocsin__refuse_field(tocsin_error *error, int status, size_t offset,
                         const tocsin__stage *stage, const char *field)
{
    char name[sizeof error->word];
    tocsin__text text;

    tocsin__text_start(&text, name, sizeof name);
    tocsin__text_add(&text, stage->name);
    if (field) {
        tocsin__text_add(&text, ".");
        tocsin__text_add(&text, field);
    }
    return tocsin__refuse_word(error, status, offset, 0,
                               status == TOCSIN_ERROR_MISMATCH
                                   ? "the snapshot has another size of "
                                   : "the snapshot has a value that cannot be in ",
                               name, strlen(name), "");
}

/* ---- Reading ------------------------------------------------------------- */

const uint8_t *tocsin__take(tocsin__span *span, size_t size)
{
    const uint8_t *bytes = span->bytes + span->at;

    if (span->end - span->at < size)
        return NULL;
    span->at += size;
    return bytes;
}

int tocsin__record_check_magic(const uint8_t *bytes, tocsin_error *error)
{
    if (memcmp(bytes, records_magic, sizeof records_magic) != 0)
        return tocsin__malformed(error, 0, "this is not a snapshot: it does not begin with TOCS");
    if (tocsin__get16(bytes + 6) > TOCSIN_SNAPSHOT_FORMAT)
        return tocsin__refuse(error, TOCSIN_ERROR_VERSION, 4, 4,
                              "the snapshot was written by a newer release, in a format that this "
                              "one cannot read");
    if (tocsin__get16(bytes + 4) == 0)
        return tocsin__malformed(error, 4, "there is no snapshot format 0");
    return TOCSIN_OK;
}

/* Whether the checksum is right.  A fuzzer cannot guess one, so it is let through. */
static int records_is_intact(const uint8_t *bytes, size_t size)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    (void)bytes;
    (void)size;
    return 1;
#else
    return tocsin__crc32c(0, bytes, size - TOCSIN__RECORD_TRAILER) ==
           tocsin__get32(bytes + size - TOCSIN__RECORD_TRAILER);
#endif
}

/* Another kind than the one that is wanted, of those that there are. */
static int records_refuse_kind(uint32_t kind, uint32_t wanted, tocsin_error *error)
{
    static const char *const names[] = {"", "a detector", "a bank", "a forest", "a gate"};
    tocsin__text text;

    tocsin__malformed(error, 12, "");
    tocsin__text_start(&text, error->message, sizeof error->message);
    tocsin__text_add(&text, "this is the snapshot of ");
    tocsin__text_add(&text, names[kind]);
    tocsin__text_add(&text, ", not of ");
    tocsin__text_add(&text, names[wanted]);
    return error->status;
}

int tocsin__record_open(const uint8_t *bytes, size_t size, uint32_t kind, tocsin_error *error)
{
    if (size < TOCSIN__RECORD_HEADER + TOCSIN__RECORD_TRAILER)
        return tocsin__malformed(error, size, "the snapshot is cut off within its header");

    const int status = tocsin__record_check_magic(bytes, error);
    const uint32_t found = tocsin__get32(bytes + 12);

    if (status < 0)
        return status;
    if (found != kind && found >= TOCSIN__RECORD_OF_DETECTOR && found <= TOCSIN__RECORD_OF_GATE)
        return records_refuse_kind(found, kind, error);
    if (tocsin__get32(bytes + 8) > size)
        return tocsin__malformed(error, size, "the snapshot is cut off");
    if (tocsin__get32(bytes + 8) < size)
        return tocsin__malformed(error, 8, "there are more bytes than the snapshot says it has");
    if (!records_is_intact(bytes, size))
        return tocsin__refuse(error, TOCSIN_ERROR_CHECKSUM, size - TOCSIN__RECORD_TRAILER,
                              TOCSIN__RECORD_TRAILER,
                              "the snapshot is damaged: its checksum is wrong");
    if (found != kind)
        return tocsin__refuse(error, TOCSIN_ERROR_VERSION, 12, 4,
                              "the snapshot holds something that this release does not know");
    return TOCSIN_OK;
}

tocsin__span tocsin__record_all(const uint8_t *bytes, size_t size)
{
    const tocsin__span records = {bytes, TOCSIN__RECORD_HEADER, size - TOCSIN__RECORD_TRAILER};

    return records;
}

int tocsin__record_take(tocsin__span *records, tocsin__record *record)
{
    const uint8_t *head = tocsin__take(records, TOCSIN__RECORD_HEAD);
    size_t size;

    if (!head)
        return 0;
    size = tocsin__get32(head + 4);
    record->type = tocsin__get16(head);
    record->flags = tocsin__get16(head + 2);
    record->payload.bytes = records->bytes;
    record->payload.at = records->at;
    record->payload.end = records->at + size;
    return tocsin__take(records, size) != NULL;
}

/* A name as stages, parameters and choices have one; it may go into a message. */
static const char *records_take_name(tocsin__span *span, size_t *length)
{
    const uint8_t *size = tocsin__take(span, 1);
    const uint8_t *name = size ? tocsin__take(span, *size) : NULL;

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

/* ---- Comparing a stage's record with the stage ------------------------------ */

static int records_is_named(const char *name, const char *word, size_t length)
{
    return strlen(name) == length && memcmp(name, word, length) == 0;
}

/* One of a record's parameters beside ours.  `ours` is NULL where this release has none. */
static int records_values_equal(const tocsin__values *ours, const uint8_t *values, size_t count)
{
    if (!ours || ours->count != count)
        return 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *value = values + RECORDS_VALUE * i;

        if (value[0] != ours->item[i].form ||
            tocsin__get64(value + 1) != records_value_bits(&ours->item[i]))
            return 0;
    }
    return 1;
}

/* TOCSIN_OK: all alike; TOCSIN_INFO_RESPECIFIED: only such differ as do not matter. */
static int records_compare_params(tocsin__span *span, const tocsin_spec *spec,
                                  const tocsin__compiled_stage *compiled, tocsin_error *error)
{
    const tocsin__stage *stage = compiled->stage;
    const uint8_t *head = tocsin__take(span, 2);
    const size_t count = head ? tocsin__get16(head) : 0;
    uint32_t seen = 0;
    int status = TOCSIN_OK;

    if (!head)
        return tocsin__malformed(error, span->at, "a stage's record is cut off");
    for (size_t i = 0; i < count; i++) {
        const size_t start = span->at;
        size_t length = 0, index = 0;
        const char *name = records_take_name(span, &length);
        const uint8_t *shape = name ? tocsin__take(span, 2) : NULL;
        const uint8_t *values = shape ? tocsin__take(span, RECORDS_VALUE * (size_t)shape[1])
                                      : NULL;
        const tocsin__values *ours = NULL;
        int shapes_state;

        if (!values)
            return tocsin__malformed(error, start,
                                     "a stage's parameter is cut off or has no name");
        while (index < stage->param_count &&
               !records_is_named(stage->params[index].name, name, length))
            index++;
        shapes_state = shape[0] & RECORDS_SHAPES;
        if (index < stage->param_count) {
            ours = &spec->values[compiled->value_index + index];
            seen |= UINT32_C(1) << index;
            shapes_state |= stage->params[index].shapes_state;
        }
        if (records_values_equal(ours, values, shape[1]))
            continue;
        if (shapes_state)
            return tocsin__refuse_word(error, TOCSIN_ERROR_MISMATCH, start + 1, length,
                                       "the snapshot was made with another value of ", name,
                                       length, ", which decides what the state holds");
        status = TOCSIN_INFO_RESPECIFIED;
    }
    for (size_t i = 0; i < stage->param_count; i++) {
        if ((seen >> i & 1) || !spec->values[compiled->value_index + i].is_given)
            continue;
        if (stage->params[i].shapes_state)
            return tocsin__refuse_word(error, TOCSIN_ERROR_MISMATCH, span->at, 0,
                                       "the snapshot was made before there was ",
                                       stage->params[i].name, strlen(stage->params[i].name),
                                       ", which decides what the state holds");
        status = TOCSIN_INFO_RESPECIFIED;
    }
    return status;
}

static int records_other_stage(tocsin_error *error, size_t offset, const char *theirs,
                               size_t length, const char *ours)
{
    tocsin__text text;
    char instead[80];

    tocsin__text_start(&text, instead, sizeof instead);
    tocsin__text_add(&text, " where this detector has ");
    if (ours)
        records_add_quoted(&text, ours, strlen(ours));
    else
        tocsin__text_add(&text, "no more stages");
    return tocsin__refuse_word(error, TOCSIN_ERROR_MISMATCH, offset, length,
                               "the snapshot is of another pipe: it has ", theirs, length,
                               instead);
}

int tocsin__record_match_stage(tocsin__span *span, const tocsin_spec *spec, size_t index,
                               tocsin_error *error)
{
    const tocsin__compiled_stage *compiled = &spec->stages[index];
    const char *ours = index < spec->stage_count ? compiled->stage->name : NULL;
    const size_t start = span->at;
    size_t length = 0;
    const char *name = records_take_name(span, &length);
    const uint8_t *revision = name ? tocsin__take(span, 4) : NULL;

    if (!revision)
        return tocsin__malformed(error, start, "a stage's record is cut off or has no name");
    if (!ours || !records_is_named(ours, name, length))
        return records_other_stage(error, start + 1, name, length, ours);
    if (tocsin__get32(revision) != compiled->revision)
        return tocsin__refuse_word(error, TOCSIN_ERROR_MISMATCH, start + 1 + length, 4,
                                   "the snapshot was made by another revision of ", name, length,
                                   "");
    return records_compare_params(span, spec, compiled, error);
}
