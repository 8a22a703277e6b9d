/* shard_reader.c - a stream of bytes to a bank.
 *
 * Bytes are collected until a record is complete.  Then its checksum is compared, it is checked
 * from its first to its last byte without changing anything, room is made for the series it
 * adds, and only then is it taken, which cannot fail any more.
 *
 * Free slots are kept aside until the shard has ended, for a list of some of them would be
 * no list that the bank could work with meanwhile: 4 bytes each, where the bank has a state's.
 *
 * Nothing is believed before it is checked.  The buffer grows by what has come, not by what
 * a record's head says is to come; the bank grows by the series that are there, not by what
 * the shard announces.  Fields are bounded by the tables of the stages (fields.h).  An id
 * that comes twice within a record is found by a small table of those that have come; one that
 * comes again in a later record is in the bank by then.
 *
 * A series is written as what is different from the one before, so there is one row in
 * which each series overwrites what has changed, and the row is then put into the bank.
 *
 * Classes are merged into the bank's as they come (classes.c), and found again by their ids: what
 * the caller does to the bank between two pieces cannot lead a series into another class.
 *
 * Cost.  Per byte twice the decoding, once the checksum and a copy; per series finding its id.
 *
 * How it fails.  With a status, the offset and a sentence; finally, but for a tick being under
 * way.  A shard altered together with its checksums can hold any states whose fields are within
 * their bounds.
 */
#include "../core/alloc.h"
#include "../pipeline/compile.h"
#include "../prepare/prepare.h"
#include "shards.h"

/* What is being collected. */
enum {
    SHARD_READER_HEADER,
    SHARD_READER_HEAD,
    SHARD_READER_RECORD,
    SHARD_READER_DONE
};

enum {
    SHARD_READER_CELLS = 2 * TOCSIN__SHARD_SERIES_MAX,
    SHARD_READER_FIRST = 16384          /* bytes of the buffer at first */
};

/* No record is longer, whatever a state is: a third of what a 32-bit machine can address. */
#define SHARD_READER_LARGEST UINT64_C(0x55555555)

struct tocsin_shard_reader {
    tocsin_allocator allocator;
    size_t block_size;                  /* bytes of this allocation */
    tocsin_bank *bank;                  /* NULL: only check */
    const tocsin_spec *spec;            /* the bank's, or the shard's own; NULL: not known yet */
    tocsin_spec *own_spec;
    tocsin_shard_options options;
    tocsin_shard_progress progress;
    tocsin_error error;                 /* of the failure */
    int32_t status;
    uint32_t is_fresh;                  /* the bank had never had a series */
    uint32_t flags;                     /* of the shard's bank */
    uint32_t slots;
    uint64_t next_slot;                 /* series come in ascending order */
    uint64_t read;                      /* series in records that were taken */
    int64_t latest;
    uint32_t has_bank, has_clock, has_counts, is_respecified;
    uint32_t stage;                     /* how many stages have come */
    uint64_t counts[TOCSIN__SHARD_COUNTS_NUMBERS];

    uint32_t step;
    uint32_t crc;                       /* of all before the record in the buffer */
    uint8_t *buffer;
    size_t capacity, filled, wanted;
    char *initial, *row, *ours;         /* states: a new one, the shard's, the bank's */
    tocsin__class *initial_class, *class_row;   /* a new one, the shard's; NULL: nowhere to go */
    uint32_t has_pools, next_class;     /* classes come by ascending index */
    tocsin__classes_numbers numbers;
    uint32_t *free_slots;               /* in the order in which they are to be taken */
    uint32_t free_count, free_capacity;
    uint32_t members, has_members;      /* of the next record of series */
    uint32_t has_class[TOCSIN__SHARD_SERIES_MAX];
    uint16_t mark[TOCSIN__SHARD_SERIES_MAX];
    uint64_t class_id[TOCSIN__SHARD_SERIES_MAX];
    uint32_t cell[SHARD_READER_CELLS];  /* where in the record an id is; 0: empty */
    tocsin__shard_table table, pools;
};

/* ---- Life ---------------------------------------------------------------------------- */

int tocsin__shard_reader_create(tocsin_shard_reader **out, tocsin_bank *bank,
                                const tocsin_shard_options *options,
                                const tocsin_allocator *allocator)
{
    const size_t head = (sizeof(tocsin_shard_reader) + 7) & ~(size_t)7;
    const size_t state_size = bank ? bank->spec->state_size : 0;
    const size_t class_size = bank && bank->classes ? tocsin__classes_row_size(bank->spec) : 0;
    const size_t size = head + 3 * state_size + 2 * class_size;
    tocsin_shard_reader *reader = tocsin__alloc(allocator, size, TOCSIN__CACHE_LINE);

    if (!reader)
        return TOCSIN_ERROR_MEMORY;
    memset(reader, 0, sizeof *reader);
    reader->allocator = *allocator;
    reader->block_size = size;
    reader->bank = bank;
    if (options)
        reader->options = *options;
    reader->latest = TOCSIN_TIME_NONE;
    reader->wanted = TOCSIN__RECORD_HEADER;
    if (bank) {
        reader->spec = bank->spec;
        reader->is_fresh = bank->slots == 0;
        reader->initial = (char *)reader + head;
        reader->row = reader->initial + state_size;
        reader->ours = reader->row + state_size;
        tocsin__pipeline_init(bank->spec, reader->initial);
    }
    if (class_size) {
        reader->initial_class = (tocsin__class *)(void *)(reader->ours + state_size);
        reader->class_row = (tocsin__class *)(void *)((char *)reader->initial_class + class_size);
        tocsin__classes_row_init(bank->spec, reader->initial_class);
    }
    *out = reader;
    return TOCSIN_OK;
}

void tocsin__shard_reader_free(tocsin_shard_reader *reader)
{
    const tocsin_allocator allocator = reader->allocator;

    tocsin_spec_free(reader->own_spec);
    tocsin__free(&allocator, reader->free_slots,
                 reader->free_capacity * sizeof *reader->free_slots);
    tocsin__free(&allocator, reader->buffer, reader->capacity);
    tocsin__free(&allocator, reader, reader->block_size);
}

void tocsin__shard_reader_progress(const tocsin_shard_reader *reader,
                                   tocsin_shard_progress *progress)
{
    const uint32_t struct_size = progress->struct_size;

    *progress = reader->progress;
    progress->struct_size = struct_size;
}

/* ---- The head ------------------------------------------------------------------------ */

static int shard_reader_unreadable(tocsin_error *error, size_t offset)
{
    return tocsin__refuse(error, TOCSIN_ERROR_VERSION, offset, 4,
                          "the shard has something that this release does not know but must");
}

/* Of the header only the sum is known so far: the first record's checksum covers it too. */
static int shard_reader_check_header(const uint8_t *bytes, tocsin_error *error)
{
    const int status = tocsin__record_check_magic(bytes, error);

    if (status < 0)
        return status;
    if (tocsin__get32(bytes + 12) == TOCSIN__RECORD_OF_DETECTOR)
        return tocsin__malformed(error, 12, "this is the snapshot of a detector, not of a bank");
    if (tocsin__get32(bytes + 12) != TOCSIN__RECORD_OF_BANK)
        return shard_reader_unreadable(error, 12);
    return TOCSIN_OK;
}

/* What a bank's record says. */
typedef struct shard_reader_bank {
    uint32_t flags, slots;
    uint64_t series;
    int64_t latest;
} shard_reader_bank;

static int shard_reader_parse_bank(tocsin__span *span, shard_reader_bank *bank,
                                   tocsin_error *error)
{
    const size_t start = span->at;
    const uint8_t *bytes = tocsin__take(span, TOCSIN__SHARD_BANK_SIZE);

    if (!bytes)
        return tocsin__malformed(error, start, "the bank's record is too short");
    bank->flags = tocsin__get32(bytes);
    bank->slots = tocsin__get32(bytes + 4);
    bank->series = tocsin__get64(bytes + 8);
    bank->latest = (int64_t)tocsin__get64(bytes + 16);
    if (bank->flags & ~(uint32_t)(TOCSIN__SHARD_HAS_IDS | TOCSIN__SHARD_HAS_CLOCK))
        return shard_reader_unreadable(error, start);
    if (bank->slots > TOCSIN_BANK_SERIES_MAX || bank->series > bank->slots)
        return tocsin__malformed(error, start, "the bank's record has more series than slots, or "
                                               "more than any bank");
    return TOCSIN_OK;
}

static int shard_reader_take_spec(tocsin_shard_reader *reader, const tocsin__span *span,
                                  tocsin_error *error)
{
    if (reader->bank)       /* the stages' records say the same, and are compared */
        return TOCSIN_OK;

    const int status = tocsin__spec_compile(
        &reader->own_spec, (const char *)span->bytes + span->at, span->end - span->at,
        &reader->allocator, error);

    reader->spec = reader->own_spec;
    error->offset += (uint32_t)span->at;
    return status;
}

static int shard_reader_take_bank(tocsin_shard_reader *reader, tocsin__span *span,
                                  tocsin_error *error)
{
    const size_t start = span->at;
    const tocsin_bank *ours = reader->bank;
    shard_reader_bank bank;
    const int status = shard_reader_parse_bank(span, &bank, error);

    if (status < 0)
        return status;
    if (ours && ours->options.ids == TOCSIN_IDS_KEPT && !(bank.flags & TOCSIN__SHARD_HAS_IDS))
        return tocsin__refuse(error, TOCSIN_ERROR_MISMATCH, start, 4,
                              "the shard's series have no ids, and this bank's have");
    if (ours && ours->options.clock == TOCSIN_CLOCK_SHARED &&
        !(bank.flags & TOCSIN__SHARD_HAS_CLOCK))
        return tocsin__refuse(error, TOCSIN_ERROR_MISMATCH, start, 4,
                              "the shard's series have clocks of their own, and this bank's share "
                              "one");
    reader->flags = bank.flags;
    reader->slots = bank.slots;
    reader->latest = bank.latest;
    reader->progress.series = bank.series;
    reader->has_bank = 1;
    return TOCSIN_OK;
}

static int shard_reader_take_stage(tocsin_shard_reader *reader, tocsin__span *span,
                                   tocsin_error *error)
{
    const char *field = NULL;
    size_t at = 0;
    int status = tocsin__record_match_stage(span, reader->spec, reader->stage, error);

    if (status < 0)
        return status;
    if (status == TOCSIN_INFO_RESPECIFIED)
        reader->is_respecified = 1;

    const tocsin__compiled_stage *compiled = &reader->spec->stages[reader->stage];

    status = tocsin__shard_table_add(&reader->table, compiled, span->bytes + span->at,
                                     span->end - span->at, &at, &field);
    if (status < 0)
        return tocsin__refuse_field(error, status, span->at + at, compiled->stage, field);
    reader->stage++;
    return TOCSIN_OK;
}

/* ---- The shared clock ------------------------------------------------------------------ */

static int shard_reader_take_clock(tocsin_shard_reader *reader, tocsin__span *span,
                                   tocsin_error *error)
{
    const tocsin__compiled_stage *stage = reader->spec->clock;
    const int is_shared = reader->bank && reader->bank->options.clock == TOCSIN_CLOCK_SHARED;
    const size_t start = span->at;

    if (!(reader->flags & TOCSIN__SHARD_HAS_CLOCK) || reader->has_clock)
        return tocsin__malformed(error, start, "there is a clock where none can be");
    reader->has_clock = 1;
    if (is_shared)
        memcpy(reader->row, reader->initial, reader->spec->state_size);
    for (size_t i = 0; i < reader->table.clock_count; i++) {
        const tocsin__entry *entry = &reader->table.entry[i];
        const size_t offset = span->at;
        const uint64_t size = tocsin__entry_size(entry);
        const uint8_t *bytes =
            size <= span->end - offset ? tocsin__take(span, (size_t)size) : NULL;
        size_t at = 0;

        if (!bytes)
            return tocsin__malformed(error, start, "the clock is cut off");
        if (entry->field &&
            tocsin__entry_decode(entry, is_shared ? reader->row : NULL, bytes, &at) < 0)
            return tocsin__refuse_field(error, TOCSIN_ERROR_FORMAT, offset + at, stage->stage,
                                        entry->field->name);
    }
    if (!is_shared)         /* then each series' own is in its row */
        return TOCSIN_OK;
    if (reader->bank->series == 0) {
        if (!reader->options.check)
            tocsin__bank_clock_put(reader->bank, tocsin__const_state_of(stage, reader->row));
        return TOCSIN_OK;
    }
    tocsin__bank_clock_read(reader->bank, tocsin__state_of(stage, reader->ours));
    if (tocsin__layout_compare(&stage->stage->layout, &stage->shape,
                               tocsin__const_state_of(stage, reader->row),
                               tocsin__const_state_of(stage, reader->ours)))
        return tocsin__refuse(error, TOCSIN_ERROR_MISMATCH, start, 0,
                              "the shard's series share another clock than this bank's");
    return TOCSIN_OK;
}

/* ---- Classes --------------------------------------------------------------------------- */

static int shard_reader_take_pools(tocsin_shard_reader *reader, tocsin__span *span,
                                   tocsin_error *error)
{
    const size_t start = span->at;
    const uint8_t *numbers = tocsin__take(span, TOCSIN__SHARD_POOLS_SIZE);
    size_t offset = sizeof(tocsin__class);

    if (!numbers || reader->has_pools)
        return tocsin__malformed(error, start, "the record of pools is too short or comes twice");
    reader->has_pools = 1;
    reader->numbers.without = tocsin__get64(numbers);
    reader->numbers.displaced = tocsin__get64(numbers + 8);
    reader->numbers.count = tocsin__get32(numbers + 16);
    reader->numbers.hand = tocsin__get32(numbers + 20);
    reader->numbers.due = tocsin__get32(numbers + 24);
    for (size_t i = 0; i < reader->spec->stage_count; i++) {
        const tocsin__stage *stage = reader->spec->stages[i].stage;
        const uint8_t *size = tocsin__take(span, sizeof(uint16_t));
        const size_t fields_at = span->at;
        const uint8_t *fields = size ? tocsin__take(span, tocsin__get16(size)) : NULL;
        const char *field = NULL;
        size_t at = 0;
        int status;

        if (!fields)
            return tocsin__malformed(error, fields_at, "the record of pools is cut off");
        status = tocsin__shard_table_add_pool(&reader->pools, stage, offset, fields,
                                              tocsin__get16(size), &at, &field);
        if (status < 0)
            return tocsin__refuse_field(error, status, fields_at + at, stage, field);
        offset += stage->pool.size;
    }
    return TOCSIN_OK;
}

/* The next class, into a row or with NULL only checked.  1; 0 at the record's end; or a failure. */
static int shard_reader_class(const tocsin_shard_reader *reader, tocsin__span *span,
                              uint32_t *next, tocsin__class *row, tocsin_error *error)
{
    const tocsin__shard_table *pools = &reader->pools;
    const size_t start = span->at, size = tocsin__shard_class_bits(pools);
    const uint8_t *head, *bits;

    if (start == span->end)
        return 0;
    head = tocsin__take(span, TOCSIN__SHARD_CLASS);
    bits = head ? tocsin__take(span, size) : NULL;
    if (!bits)
        return tocsin__malformed(error, start, "a class is cut off");
    if (tocsin__get16(head) < *next || tocsin__get16(head) >= TOCSIN__CLASSES_MAX)
        return tocsin__malformed(error, start, "the classes are not in ascending order");
    if (pools->count % 8 && bits[size - 1] >> pools->count % 8 != 0)
        return tocsin__malformed(error, start, "a class has a field that there is none of");
    *next = tocsin__get16(head) + UINT32_C(1);
    if (row) {
        memcpy(row, reader->initial_class, tocsin__classes_row_size(reader->spec));
        row->id = tocsin__get64(head + 2);
        row->active = (int64_t)tocsin__get64(head + 10);
        row->left = tocsin__get64(head + 18);
    }
    for (size_t i = 0; i < pools->count; i++) {
        const tocsin__entry *entry = &pools->entry[i];
        const size_t offset = span->at;
        size_t at = 0;

        if (!(bits[i / 8] >> i % 8 & 1))
            continue;
        if (tocsin__entry_size(entry) > span->end - offset)
            return tocsin__malformed(error, start, "a class is cut off");
        span->at += (size_t)tocsin__entry_size(entry);
        if (entry->field && tocsin__entry_decode(entry, row, span->bytes + offset, &at) < 0)
            return tocsin__refuse_word(error, TOCSIN_ERROR_FORMAT, offset + at, 0,
                                       "the snapshot has a value that cannot be in a pool's ",
                                       entry->field->name, strlen(entry->field->name), "");
    }
    return 1;
}

static int shard_reader_take_classes(tocsin_shard_reader *reader, tocsin__span *span,
                                     tocsin_error *error)
{
    tocsin__span checked = *span;
    uint32_t next = reader->next_class;
    int status;

    if (!reader->has_pools || reader->read > 0)
        return tocsin__malformed(error, span->at, "there are classes where none can be");
    do
        status = shard_reader_class(reader, &checked, &next, NULL, error);
    while (status > 0);
    if (status < 0)
        return status;
    while (shard_reader_class(reader, span, &reader->next_class, reader->class_row, error) > 0) {
        const int outcome = reader->class_row
                                ? tocsin__classes_merge(reader->bank, reader->class_row,
                                                        reader->next_class - 1,
                                                        (int)reader->options.check)
                                : reader->bank ? TOCSIN__CLASS_LOST : TOCSIN__CLASS_ADDED;

        switch (outcome) {
        case TOCSIN__CLASS_ADDED: reader->progress.classes_added++; break;
        case TOCSIN__CLASS_REPLACED: reader->progress.classes_replaced++; break;
        case TOCSIN__CLASS_KEPT: reader->progress.classes_kept++; break;
        default: reader->progress.classes_lost++;
        }
    }
    return TOCSIN_OK;
}

/* The classes of the series that are in the next record, which take them with them. */
static int shard_reader_take_members(tocsin_shard_reader *reader, tocsin__span *span,
                                     tocsin_error *error)
{
    uint64_t class_id = 0;
    uint32_t count = 0;
    int has_one = 0;

    if (!reader->has_pools || reader->has_members)
        return tocsin__malformed(error, span->at, "there are members where none can be");
    for (; span->at < span->end; count++) {
        const size_t start = span->at;
        const uint8_t kind = *tocsin__take(span, 1);
        const uint8_t *id = kind == TOCSIN__SHARD_THIS_CLASS ? tocsin__take(span, 8) : NULL;
        const uint8_t *mark = kind == TOCSIN__SHARD_NO_CLASS ? NULL : tocsin__take(span, 2);

        if (count == TOCSIN__SHARD_SERIES_MAX || kind > TOCSIN__SHARD_THIS_CLASS ||
            (kind == TOCSIN__SHARD_THIS_CLASS && !id) ||
            (kind == TOCSIN__SHARD_SAME_CLASS && !has_one) ||
            (kind != TOCSIN__SHARD_NO_CLASS && !mark))
            return tocsin__malformed(error, start, "a series' class is malformed");
        if (id) {
            class_id = tocsin__get64(id);
            has_one = 1;
        }
        reader->has_class[count] = mark != NULL;
        reader->mark[count] = mark ? tocsin__get16(mark) : 0;
        reader->class_id[count] = class_id;
    }
    reader->members = count;
    reader->has_members = 1;
    return TOCSIN_OK;
}

/* A series was taken into a slot: its class, if the bank knows that.  Number `at` of its record. */
static void shard_reader_enrol(tocsin_shard_reader *reader, uint32_t slot, uint32_t at)
{
    const int has_class = reader->has_members && reader->has_class[at];
    const uint32_t index = has_class && !reader->options.check
                               ? tocsin__classes_find(reader->bank, reader->class_id[at])
                               : TOCSIN_SLOT_NONE;

    if (index != TOCSIN_SLOT_NONE)
        tocsin__classes_assign(reader->bank, slot, index, reader->mark[at]);
    else if (has_class && (!reader->options.check || !reader->bank->classes))
        reader->progress.classless++;
    if (index == TOCSIN_SLOT_NONE && !reader->options.check)
        tocsin__classes_replaced(reader->bank, slot);
}

/* ---- Series: checking ------------------------------------------------------------------ */

/* What is in a series' bytes. */
typedef struct shard_reader_series {
    uint32_t slot;
    uint32_t has_active;
    uint64_t id;
    int64_t active;
    const uint8_t *bits;
    size_t id_at, values;       /* offsets */
} shard_reader_series;

/* A walk over a record's series. */
typedef struct shard_reader_walk {
    tocsin__span span;
    uint32_t tile;
    uint64_t mask;              /* what is left of the run */
} shard_reader_walk;

static int shard_reader_has(const shard_reader_series *series, size_t entry)
{
    return series->bits[(entry + 1) / 8] >> (entry + 1) % 8 & 1;
}

/* The next series' beginning, up to its values.  1; 0 at the record's end; or a failure. */
static int shard_reader_step(const tocsin_shard_reader *reader, shard_reader_walk *walk,
                             shard_reader_series *series, tocsin_error *error)
{
    tocsin__span *span = &walk->span;
    const size_t start = span->at;
    const size_t bits = tocsin__shard_bits(&reader->table);

    if (walk->mask == 0) {
        if (span->at == span->end)
            return 0;

        const uint8_t *run = tocsin__take(span, TOCSIN__SHARD_RUN);

        walk->tile = run ? tocsin__get32(run) : 0;
        walk->mask = run ? tocsin__get64(run + 4) : 0;
        if (walk->mask == 0 || walk->tile > TOCSIN_BANK_SERIES_MAX / TOCSIN_BANK_TILE)
            return tocsin__malformed(error, start, "there is a run without series");
    }
    series->slot = walk->tile * TOCSIN_BANK_TILE;
    for (uint64_t mask = walk->mask; !(mask & 1); mask >>= 1)
        series->slot++;
    walk->mask &= walk->mask - 1;

    series->id = series->slot;
    series->id_at = span->at;
    if (reader->flags & TOCSIN__SHARD_HAS_IDS) {
        const uint8_t *id = tocsin__take(span, sizeof(uint64_t));

        if (!id)
            return tocsin__malformed(error, start, "a series is cut off");
        series->id = tocsin__get64(id);
    }
    series->bits = tocsin__take(span, bits);
    if (!series->bits)
        return tocsin__malformed(error, start, "a series is cut off");
    if (series->bits[bits - 1] >> (reader->table.count % 8 + 1) != 0)
        return tocsin__malformed(error, start, "a series has a field that there is none of");
    series->has_active = series->bits[0] & 1;
    series->active = 0;
    if (series->has_active) {
        const uint8_t *active = tocsin__take(span, sizeof(int64_t));

        if (!active)
            return tocsin__malformed(error, start, "a series is cut off");
        series->active = (int64_t)tocsin__get64(active);
    }
    series->values = span->at;
    return 1;
}

/* A series' values into the row, or with NULL only checked. */
static int shard_reader_values(const tocsin_shard_reader *reader, shard_reader_walk *walk,
                               const shard_reader_series *series, char *row, tocsin_error *error)
{
    const tocsin__shard_table *table = &reader->table;
    tocsin__span *span = &walk->span;

    for (size_t i = 0; i < table->count; i++) {
        const tocsin__entry *entry = &table->entry[i];
        const size_t offset = span->at;
        size_t at = 0;

        if (!shard_reader_has(series, i))
            continue;
        if (tocsin__entry_size(entry) > span->end - offset)
            return tocsin__malformed(error, series->id_at, "a series is cut off");
        span->at += (size_t)tocsin__entry_size(entry);
        if (entry->field && tocsin__entry_decode(entry, row, span->bytes + offset, &at) < 0)
            return tocsin__refuse_word(error, TOCSIN_ERROR_FORMAT, offset + at, 0,
                                       "the snapshot has a value that cannot be in ",
                                       entry->field->name, strlen(entry->field->name), "");
    }
    return TOCSIN_OK;
}

/* Has the id come in this record before?  Remembers it. */
static int shard_reader_is_repeated(tocsin_shard_reader *reader, const tocsin__span *span,
                                    const shard_reader_series *series)
{
    const uint64_t mixed = series->id * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(mixed >> 32) % SHARD_READER_CELLS;

    if (!(reader->flags & TOCSIN__SHARD_HAS_IDS))
        return 0;
    for (; reader->cell[at] != 0; at = (at + 1) % SHARD_READER_CELLS)
        if (tocsin__get64(span->bytes + reader->cell[at]) == series->id)
            return 1;
    reader->cell[at] = (uint32_t)series->id_at;
    return 0;
}

/* The slot that the bank has for a series; TOCSIN_SLOT_NONE: it is none of the bank's. */
static uint32_t shard_reader_find(const tocsin_shard_reader *reader,
                                  const shard_reader_series *series)
{
    if (!reader->bank || reader->bank->options.ids == TOCSIN_IDS_NONE)
        return TOCSIN_SLOT_NONE;
    return tocsin__ids_find(&reader->bank->ids, series->id);
}

/* Look at all series of a record: how many there are, how many of them are new to the
 * bank, and the places that the bank needs then. */
static int shard_reader_check(tocsin_shard_reader *reader, const tocsin__span *span,
                              uint64_t *count, uint64_t *places, tocsin_error *error)
{
    const int keeps_slots = reader->options.slots == TOCSIN_SLOTS_KEPT;
    const tocsin_bank *bank = reader->bank;
    /* While only looking, what would have been added so far. */
    const uint64_t before = (bank ? bank->series : 0) +
                            (reader->options.check ? reader->progress.added : 0);
    shard_reader_walk walk = {*span, 0, 0};
    shard_reader_series series;
    uint64_t next_slot = reader->next_slot, added = 0;
    int status;

    *count = 0;
    *places = before;
    memset(reader->cell, 0, sizeof reader->cell);
    while ((status = shard_reader_step(reader, &walk, &series, error)) > 0) {
        if (series.slot < next_slot || series.slot >= reader->slots)
            return tocsin__malformed(error, series.id_at,
                                     "the slots are not in ascending order, or beyond the last");
        next_slot = (uint64_t)series.slot + 1;
        if (++*count > TOCSIN__SHARD_SERIES_MAX)
            return tocsin__malformed(error, series.id_at, "there are too many series in a record");
        if (shard_reader_is_repeated(reader, span, &series))
            return tocsin__malformed(error, series.id_at, "an id comes twice");
        status = shard_reader_values(reader, &walk, &series, NULL, error);
        if (status < 0)
            return status;
        if (shard_reader_find(reader, &series) != TOCSIN_SLOT_NONE) {
            if (reader->options.present == TOCSIN_PRESENT_REFUSE)
                return tocsin__refuse(error, TOCSIN_ERROR_CONFLICT, series.id_at, 8,
                                      "the bank has a series of this id already");
            continue;
        }
        if (bank && keeps_slots && series.slot < bank->slots)
            return tocsin__refuse(error, TOCSIN_ERROR_CONFLICT, series.id_at, 8,
                                  "the series' slot was given to another one meanwhile");
        added++;
        *places = keeps_slots ? next_slot : before + added;
        if (bank && *places > bank->options.max_series)
            return tocsin__refuse(error, TOCSIN_ERROR_SPACE, series.id_at, 8,
                                  "the bank may not hold so many series, or so high a slot");
    }
    if (status == TOCSIN_OK && reader->has_members && reader->members != *count)
        return tocsin__malformed(error, span->at,
                                 "there are not as many series as the record before has classes");
    return status;
}

/* ---- Series: taking --------------------------------------------------------------------- */

/* Room for that many, with a quarter to spare if that can be had: records are many. */
static int shard_reader_reserve(tocsin_bank *bank, uint64_t places)
{
    const uint64_t capacity = tocsin__bank_capacity(bank);
    const uint64_t most = bank->options.max_series;
    const uint64_t wanted = capacity + capacity / 4 < most ? capacity + capacity / 4 : most;

    if (places <= capacity)
        return TOCSIN_OK;
    if (wanted > places &&
        tocsin__bank_reserve(bank, (uint32_t)wanted) == TOCSIN_OK)
        return TOCSIN_OK;
    return tocsin__bank_reserve(bank, (uint32_t)places);
}

/* Is the bank's series to make room for the one in the row? */
static int shard_reader_replaces(const tocsin_shard_reader *reader, uint32_t slot)
{
    const tocsin__compiled_stage *stage = reader->spec->clock;
    const tocsin__clock_state *theirs = tocsin__const_state_of(stage, reader->row);
    const tocsin__clock_state *ours = tocsin__const_state_of(stage, reader->ours);

    if (reader->options.present != TOCSIN_PRESENT_NEWER)
        return reader->options.present == TOCSIN_PRESENT_REPLACE;
    tocsin__bank_read(reader->bank, slot, reader->ours);
    return theirs->points > 0 && (ours->points == 0 || theirs->time > ours->time);
}

/* The row, which the next series is told from; where a stage's parts do not fit together, another one
 * in which that stage starts anew. */
static const void *shard_reader_whole(const tocsin_shard_reader *reader)
{
    const void *whole = reader->row;

    for (size_t i = 0; i < reader->spec->stage_count; i++) {
        const tocsin__compiled_stage *stage = &reader->spec->stages[i];

        if (tocsin__state_holds(stage, whole))
            continue;
        if (whole == reader->row)
            memcpy(reader->ours, reader->row, reader->spec->state_size);
        whole = reader->ours;
        tocsin__stage_init(stage, reader->ours);
    }
    return whole;
}

/* Number `at` of its record. */
static void shard_reader_take_one(tocsin_shard_reader *reader, const shard_reader_series *series,
                                  uint32_t at)
{
    const tocsin__clock_state *clock = tocsin__const_state_of(reader->spec->clock, reader->row);
    tocsin_bank *bank = reader->bank;
    uint32_t slot = shard_reader_find(reader, series);

    if (slot == TOCSIN_SLOT_NONE) {
        reader->progress.added++;
    } else if (shard_reader_replaces(reader, slot)) {
        reader->progress.replaced++;
    } else {
        reader->progress.kept++;
        return;
    }
    if (reader->options.check) {
        shard_reader_enrol(reader, slot, at);
        return;
    }
    if (slot == TOCSIN_SLOT_NONE) {
        if (reader->options.slots == TOCSIN_SLOTS_KEPT) {
            slot = series->slot;
            tocsin__bank_add_at(bank, series->id, slot);
        } else {
            tocsin__bank_add(bank, series->id, &slot);
        }
    }
    tocsin__bank_restore(bank, slot, shard_reader_whole(reader),
                         series->has_active ? series->active : clock->time);
    shard_reader_enrol(reader, slot, at);
}

static int shard_reader_take_series(tocsin_shard_reader *reader, const tocsin__span *span,
                                    tocsin_error *error)
{
    shard_reader_walk walk = {*span, 0, 0};
    shard_reader_series series;
    uint64_t count = 0, places = 0;
    const int status = shard_reader_check(reader, span, &count, &places, error);

    if (status < 0)
        return status;
    if (reader->bank && !reader->options.check &&
        shard_reader_reserve(reader->bank, places) != TOCSIN_OK)
        return tocsin__refuse(error, TOCSIN_ERROR_MEMORY, span->at, 0,
                              "there is no memory for the series");
    reader->read += count;
    if (!reader->bank) {
        reader->has_members = 0;
        reader->progress.added += count;
        while (shard_reader_step(reader, &walk, &series, error) > 0) {
            reader->next_slot = (uint64_t)series.slot + 1;
            shard_reader_values(reader, &walk, &series, NULL, error);
        }
        return TOCSIN_OK;
    }
    memcpy(reader->row, reader->initial, reader->spec->state_size);
    for (uint32_t at = 0; shard_reader_step(reader, &walk, &series, error) > 0; at++) {
        reader->next_slot = (uint64_t)series.slot + 1;
        shard_reader_values(reader, &walk, &series, reader->row, error);
        shard_reader_take_one(reader, &series, at);
    }
    reader->has_members = 0;
    return TOCSIN_OK;
}

/* ---- The end ----------------------------------------------------------------------------- */

static int shard_reader_take_counts(tocsin_shard_reader *reader, tocsin__span *span)
{
    const uint8_t *number;

    if (!reader->bank || reader->has_counts)
        return TOCSIN_OK;
    tocsin__shard_counts_get(reader->bank, reader->counts);
    for (size_t i = 0; i < TOCSIN__SHARD_COUNTS_NUMBERS &&
                       (number = tocsin__take(span, sizeof(uint64_t))) != NULL; i++)
        reader->counts[i] = tocsin__get64(number);
    reader->has_counts = 1;
    return TOCSIN_OK;
}

/* Does the bank take over which slots are free, and in which order they will be taken? */
static int shard_reader_keeps_free(const tocsin_shard_reader *reader)
{
    return reader->is_fresh && reader->bank && !reader->options.check &&
           reader->options.slots == TOCSIN_SLOTS_KEPT &&
           reader->slots <= reader->bank->options.max_series;
}

static int shard_reader_take_free(tocsin_shard_reader *reader, tocsin__span *span,
                                  tocsin_error *error)
{
    const uint32_t count = (uint32_t)((span->end - span->at) / sizeof(uint32_t));
    const uint32_t needed = reader->free_count + count;

    if (reader->read != reader->progress.series || needed > reader->slots - reader->read)
        return tocsin__malformed(error, span->at, "there are free slots before the last series, or "
                                                  "too many");
    if (needed > reader->free_capacity && shard_reader_keeps_free(reader)) {
        const uint32_t capacity = needed + reader->free_count;
        uint32_t *larger = tocsin__alloc(&reader->allocator, capacity * sizeof *larger,
                                         sizeof *larger);

        if (!larger)
            return tocsin__refuse(error, TOCSIN_ERROR_MEMORY, span->at, 0,
                                  "there is no memory for the free slots");
        if (reader->free_count > 0)
            memcpy(larger, reader->free_slots, reader->free_count * sizeof *larger);
        tocsin__free(&reader->allocator, reader->free_slots,
                     reader->free_capacity * sizeof *larger);
        reader->free_slots = larger;
        reader->free_capacity = capacity;
    }
    for (uint32_t i = 0; i < count && reader->free_capacity >= needed; i++)
        reader->free_slots[reader->free_count + i] =
            tocsin__get32(tocsin__take(span, sizeof(uint32_t)));
    reader->free_count = needed;
    return TOCSIN_OK;
}

static int shard_reader_take_end(tocsin_shard_reader *reader, tocsin__span *span,
                                 tocsin_error *error)
{
    const size_t start = span->at;
    const uint8_t *series = tocsin__take(span, TOCSIN__SHARD_END_SIZE);
    tocsin_bank *bank = reader->bank;

    if (!series || tocsin__get64(series) != reader->read ||
        reader->progress.series != reader->read)
        return tocsin__malformed(error, start, "there are not as many series as announced");
    if (reader->free_count > 0 && reader->free_count == reader->slots - reader->read &&
        shard_reader_keeps_free(reader)) {
        if (tocsin__bank_reserve(bank, reader->slots) != TOCSIN_OK)
            return tocsin__refuse(error, TOCSIN_ERROR_MEMORY, start, 0,
                                  "there is no memory for the free slots");
        tocsin__bank_free_put(bank, reader->slots, reader->free_slots, reader->free_count);
    }
    if (bank && !reader->options.check) {
        if (reader->latest > bank->latest)
            bank->latest = reader->latest;
        if (reader->is_fresh && reader->has_counts)
            tocsin__shard_counts_put(bank, reader->counts);
        if (reader->is_fresh)
            tocsin__classes_numbers_put(bank, &reader->numbers);
    }
    reader->progress.is_complete = 1;
    return TOCSIN_OK;
}

/* ---- The stream ---------------------------------------------------------------------------- */

static int shard_reader_take_record(tocsin_shard_reader *reader, uint16_t type, uint16_t flags,
                                    tocsin__span *span, tocsin_error *error)
{
    const size_t start = span->at;
    const int is_head = type == TOCSIN__RECORD_SPEC || type == TOCSIN__SHARD_BANK ||
                        type == TOCSIN__RECORD_STAGE;
    const int is_known = is_head || (type >= TOCSIN__SHARD_CLOCK && type <= TOCSIN__SHARD_FREE);

    if ((type == TOCSIN__RECORD_SPEC) != (reader->progress.bytes == TOCSIN__RECORD_HEADER))
        return tocsin__malformed(error, start, "the spec must be the first record, and only it");
    if (type == TOCSIN__RECORD_SPEC)
        return shard_reader_take_spec(reader, span, error);
    if ((type == TOCSIN__SHARD_BANK) != !reader->has_bank)
        return tocsin__malformed(error, start, "the bank must be the second record, and only it");
    if (!is_known)
        return flags & TOCSIN__RECORD_CRITICAL ? shard_reader_unreadable(error, start) : TOCSIN_OK;
    if (!is_head && reader->stage < reader->spec->stage_count)
        return tocsin__refuse_word(error, TOCSIN_ERROR_MISMATCH, start, 0,
                                   "the shard is of another pipe: it has no ",
                                   reader->spec->stages[reader->stage].stage->name,
                                   strlen(reader->spec->stages[reader->stage].stage->name), "");
    if ((type == TOCSIN__SHARD_SERIES || type == TOCSIN__SHARD_END) &&
        (reader->flags & TOCSIN__SHARD_HAS_CLOCK) && !reader->has_clock)
        return tocsin__malformed(error, start, "the clock that the series share is missing");
    if (reader->has_members && type != TOCSIN__SHARD_SERIES)
        return tocsin__malformed(error, start, "there are members, and their series do not follow");
    switch (type) {
    case TOCSIN__SHARD_BANK: return shard_reader_take_bank(reader, span, error);
    case TOCSIN__RECORD_STAGE: return shard_reader_take_stage(reader, span, error);
    case TOCSIN__SHARD_CLOCK: return shard_reader_take_clock(reader, span, error);
    case TOCSIN__SHARD_SERIES: return shard_reader_take_series(reader, span, error);
    case TOCSIN__SHARD_COUNTS: return shard_reader_take_counts(reader, span);
    case TOCSIN__SHARD_POOLS: return shard_reader_take_pools(reader, span, error);
    case TOCSIN__SHARD_CLASSES: return shard_reader_take_classes(reader, span, error);
    case TOCSIN__SHARD_MEMBERS: return shard_reader_take_members(reader, span, error);
    case TOCSIN__SHARD_FREE: return shard_reader_take_free(reader, span, error);
    default: return shard_reader_take_end(reader, span, error);
    }
}

/* Whether the checksum is right.  A fuzzer cannot guess one, so it is let through. */
static int shard_reader_is_intact(uint32_t crc, const uint8_t *trailer)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    (void)crc;
    (void)trailer;
    return 1;
#else
    return crc == tocsin__get32(trailer);
#endif
}

/* What was collected is complete: go on to the next. */
static int shard_reader_advance(tocsin_shard_reader *reader, tocsin_error *error)
{
    const uint8_t *bytes = reader->buffer;
    uint64_t most = TOCSIN__SHARD_PAYLOAD;
    tocsin__span span;
    size_t size;
    int status;

    switch (reader->step) {
    case SHARD_READER_HEADER:
        status = shard_reader_check_header(bytes, error);
        if (status < 0)
            return status;
        reader->crc = tocsin__crc32c(0, bytes, reader->filled);
        break;
    case SHARD_READER_HEAD:
        if (tocsin__get16(bytes) == TOCSIN__SHARD_SERIES) {
            const uint64_t one = TOCSIN__SHARD_RUN + tocsin__shard_largest(&reader->table);

            most = one > most ? one : most;
        }
        size = tocsin__get32(bytes + 4);
        if (size > most || size > SHARD_READER_LARGEST)
            return tocsin__malformed(error, 4, "there is no record that long");
        reader->wanted = TOCSIN__RECORD_HEAD + size + TOCSIN__SHARD_TRAILER;
        reader->step = SHARD_READER_RECORD;
        return TOCSIN_OK;
    default:
        size = reader->filled - TOCSIN__SHARD_TRAILER;
        reader->crc = tocsin__crc32c(reader->crc, bytes, size);
        if (!shard_reader_is_intact(reader->crc, bytes + size))
            return tocsin__refuse(error, TOCSIN_ERROR_CHECKSUM, size, TOCSIN__SHARD_TRAILER,
                                  "the shard is damaged: a checksum is wrong");
        span.bytes = bytes;
        span.at = TOCSIN__RECORD_HEAD;
        span.end = size;
        status = shard_reader_take_record(reader, tocsin__get16(bytes), tocsin__get16(bytes + 2),
                                          &span, error);
        if (status < 0)
            return status;
    }
    reader->progress.bytes += reader->filled;
    reader->filled = 0;
    reader->wanted = TOCSIN__RECORD_HEAD;
    reader->step = reader->progress.is_complete ? SHARD_READER_DONE : SHARD_READER_HEAD;
    return TOCSIN_OK;
}

/* A buffer for at least `size` bytes, and no more than twice what has come. */
static int shard_reader_grow(tocsin_shard_reader *reader, size_t size)
{
    const size_t doubled = 2 * reader->capacity;
    const size_t capacity = size > doubled ? size : doubled;
    const size_t larger = capacity > SHARD_READER_FIRST ? capacity : SHARD_READER_FIRST;
    uint8_t *buffer;

    if (size <= reader->capacity)
        return TOCSIN_OK;
    buffer = tocsin__alloc(&reader->allocator, larger, sizeof(uint64_t));
    if (!buffer)
        return TOCSIN_ERROR_MEMORY;
    if (reader->filled > 0)
        memcpy(buffer, reader->buffer, reader->filled);
    tocsin__free(&reader->allocator, reader->buffer, reader->capacity);
    reader->buffer = buffer;
    reader->capacity = larger;
    return TOCSIN_OK;
}

/* A failure is final. */
static int shard_reader_fail(tocsin_shard_reader *reader, const tocsin_error *why)
{
    const uint64_t offset = reader->progress.bytes + why->offset;

    reader->error = *why;
    reader->error.offset = offset < UINT32_MAX ? (uint32_t)offset : UINT32_MAX;
    reader->status = why->status;
    return reader->status;
}

static int shard_reader_collect(tocsin_shard_reader *reader, const uint8_t *bytes, size_t size)
{
    tocsin_error why = {0};

    while (size > 0) {
        const size_t missing = reader->wanted - reader->filled;
        const size_t part = size < missing ? size : missing;
        int status = TOCSIN_OK;

        if (reader->step == SHARD_READER_DONE)
            status = tocsin__malformed(&why, 0, "there are bytes behind the shard's end");
        else if (shard_reader_grow(reader, reader->filled + part) != TOCSIN_OK)
            status = tocsin__refuse(&why, TOCSIN_ERROR_MEMORY, 0, 0,
                                    "there is no memory for a record");
        if (status < 0)
            return shard_reader_fail(reader, &why);
        memcpy(reader->buffer + reader->filled, bytes, part);
        reader->filled += part;
        bytes += part;
        size -= part;
        if (reader->filled == reader->wanted && shard_reader_advance(reader, &why) < 0)
            return shard_reader_fail(reader, &why);
    }
    return TOCSIN_OK;
}

int tocsin__shard_reader_feed(tocsin_shard_reader *reader, const uint8_t *bytes, size_t size,
                              tocsin_error *error)
{
    if (reader->status == TOCSIN_OK && reader->bank && reader->bank->is_ticking)
        return tocsin__refuse(error, TOCSIN_ERROR_CONFLICT, 0, 0,
                              "a tick is under way in the bank");
    if (reader->status == TOCSIN_OK)
        shard_reader_collect(reader, bytes, size);
    if (reader->status < 0)
        *error = reader->error;
    return reader->status;
}

int tocsin__shard_reader_finish(tocsin_shard_reader *reader, tocsin_error *error)
{
    tocsin_error why = {0};

    if (reader->status == TOCSIN_OK && !reader->progress.is_complete) {
        tocsin__malformed(&why, reader->filled, "the shard is cut off");
        shard_reader_fail(reader, &why);
    }
    if (reader->status < 0) {
        *error = reader->error;
        return reader->status;
    }
    return reader->is_respecified ? TOCSIN_INFO_RESPECIFIED : TOCSIN_OK;
}

/* ---- Looking --------------------------------------------------------------------------------- */

/* The next record of a shard's head, which is in memory. */
static int shard_reader_peek_record(tocsin__span *head, uint32_t *crc, uint16_t type,
                                    tocsin__span *payload, tocsin_error *error)
{
    const size_t start = head->at;
    const uint8_t *record = tocsin__take(head, TOCSIN__RECORD_HEAD);
    const size_t size = record ? tocsin__get32(record + 4) : 0;

    if (record && size > TOCSIN__SHARD_PAYLOAD)
        return tocsin__malformed(error, start + 4, "there is no record that long");

    const uint8_t *trailer = record && tocsin__take(head, size)
                                 ? tocsin__take(head, TOCSIN__SHARD_TRAILER)
                                 : NULL;

    if (!trailer)
        return tocsin__malformed(error, start, "these are too few of the shard's first bytes");
    *crc = tocsin__crc32c(*crc, record, TOCSIN__RECORD_HEAD + size);
    if (!shard_reader_is_intact(*crc, trailer))
        return tocsin__refuse(error, TOCSIN_ERROR_CHECKSUM,
                              start + TOCSIN__RECORD_HEAD + size, TOCSIN__SHARD_TRAILER,
                              "the shard is damaged: a checksum is wrong");
    if (tocsin__get16(record) != type)
        return tocsin__malformed(error, start, "the shard does not begin with a spec and a bank");
    payload->bytes = head->bytes;
    payload->at = start + TOCSIN__RECORD_HEAD;
    payload->end = payload->at + size;
    return TOCSIN_OK;
}

int tocsin__shard_peek(const uint8_t *bytes, size_t size, tocsin_shard_info *info,
                       tocsin_error *error)
{
    tocsin__span head, spec, bank_record;
    shard_reader_bank bank;
    uint32_t crc;
    int status;

    if (size < TOCSIN__RECORD_HEADER)
        return tocsin__malformed(error, size, "these are too few of the shard's first bytes");
    status = shard_reader_check_header(bytes, error);
    if (status < 0)
        return status;
    crc = tocsin__crc32c(0, bytes, TOCSIN__RECORD_HEADER);
    head.bytes = bytes;
    head.at = TOCSIN__RECORD_HEADER;
    head.end = size;
    status = shard_reader_peek_record(&head, &crc, TOCSIN__RECORD_SPEC, &spec, error);
    if (status == TOCSIN_OK)
        status = shard_reader_peek_record(&head, &crc, TOCSIN__SHARD_BANK, &bank_record, error);
    if (status == TOCSIN_OK)
        status = shard_reader_parse_bank(&bank_record, &bank, error);
    if (status < 0)
        return status;
    info->format = tocsin__get16(bytes + 4);
    info->series = bank.series;
    info->time = bank.latest;
    info->slots = bank.slots;
    info->ids = bank.flags & TOCSIN__SHARD_HAS_IDS ? TOCSIN_IDS_KEPT : TOCSIN_IDS_NONE;
    info->clock = bank.flags & TOCSIN__SHARD_HAS_CLOCK ? TOCSIN_CLOCK_SHARED : TOCSIN_CLOCK_OWN;
    info->reserved = 0;
    info->spec_text = (const char *)spec.bytes + spec.at;
    info->spec_length = spec.end - spec.at;
    return TOCSIN_OK;
}
