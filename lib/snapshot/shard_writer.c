/* shard_writer.c - a bank to a stream of bytes.
 *
 * The writer keeps the next record in a buffer of its own and hands it out in the pieces
 * that the caller has room for; when it is used up the next one is made.  That is
 * all the memory there is, so it does not matter how large the bank is.
 *
 * The bank is read while it is written out, which takes as long as the disk does.  What was
 * written must be one moment's bank, so the writer remembers how often the bank had
 * changed and refuses to go on when that number has.
 *
 * Slots are written in ascending order, and each field from one place: the same bank
 * gives the same bytes.
 *
 * Classes are written whatever is selected.  What they know came from all of their series, and
 * cannot be divided; and wherever the selected series go, new ones of any class may follow.
 * The record that says which classes a record's series belong to comes before it, so that a
 * reader takes the series with their classes; its bytes come about at the same time, in room left
 * for them in the buffer.
 *
 * Cost.  Per series a comparison and mostly no copy per field; then the checksum, about a
 * nanosecond a byte.
 */
#include "../core/alloc.h"
#include "../prepare/prepare.h"
#include "shards.h"

/* What the next record is. */
enum {
    SHARD_WRITER_SPEC,
    SHARD_WRITER_BANK,
    SHARD_WRITER_STAGE,
    SHARD_WRITER_CLOCK,
    SHARD_WRITER_COUNTS,
    SHARD_WRITER_POOLS,
    SHARD_WRITER_CLASSES,
    SHARD_WRITER_SERIES,
    SHARD_WRITER_FREE,
    SHARD_WRITER_END,
    SHARD_WRITER_DONE
};

/* Bytes of a record of members at most. */
#define SHARD_WRITER_MEMBERS                                                               \
    ((size_t)(TOCSIN__RECORD_HEAD + TOCSIN__SHARD_MEMBER * TOCSIN__SHARD_SERIES_MAX +      \
              TOCSIN__SHARD_TRAILER))

struct tocsin_shard_writer {
    tocsin_allocator allocator;
    size_t block_size;                  /* bytes of this allocation */
    const tocsin_bank *bank;
    tocsin_selection selection;
    uint64_t changes;                   /* the bank's, when the writer was created */
    uint64_t series;                    /* selected */
    uint32_t slot;                      /* the next one to look at */
    uint32_t crc;                       /* of all before the record in the buffer */
    uint32_t step, stage;
    uint32_t free_slot;                 /* the last one written; TOCSIN_SLOT_NONE: none yet */
    uint32_t class_index;               /* the next one to look at */
    uint32_t last_class;                /* of the record's series; TOCSIN_SLOT_NONE: none yet */
    uint8_t *members;                   /* the end of what is known of the record's members */
    uint8_t *buffer;
    size_t capacity, at, end;           /* of the buffer; what is left to be handed out */
    char *initial, *before, *row;       /* states: a new one, that of the series before, the next */
    tocsin__class *initial_class, *class_row;   /* a new one, the next */
    tocsin__shard_table table, pools;
};

/* ---- Life ---------------------------------------------------------------------------- */

/* The entries of all stages and of all pools, by way of the bytes that will be written. */
static void shard_writer_fill_tables(tocsin_shard_writer *writer, uint8_t *scratch)
{
    const tocsin_spec *spec = writer->bank->spec;
    size_t offset = sizeof(tocsin__class);

    for (size_t i = 0; i < spec->stage_count; i++) {
        const tocsin__compiled_stage *compiled = &spec->stages[i];
        const tocsin__layout *layout = &compiled->stage->layout, *pool = &compiled->stage->pool;
        const char *name;
        size_t at;

        tocsin__layout_table(layout, &compiled->shape, scratch);
        tocsin__shard_table_add(&writer->table, compiled, scratch,
                                tocsin__layout_table_size(layout), &at, &name);
        tocsin__layout_table(pool, &compiled->shape, scratch);
        tocsin__shard_table_add_pool(&writer->pools, compiled->stage, offset, scratch,
                                     tocsin__layout_table_size(pool), &at, &name);
        offset += pool->size;
    }
}

static uint64_t shard_writer_count(const tocsin_bank *bank, const tocsin_selection *selection)
{
    uint64_t count = 0;

    if (selection->kind == TOCSIN_SELECT_ALL)
        return bank->series;
    for (uint32_t slot = 0; slot < bank->slots; slot++)
        count += tocsin__bank_has(bank, slot) &&
                 tocsin__selection_holds(selection, tocsin__bank_key(bank, slot));
    return count;
}

/* Bytes of the encoded series of this spec at most, before there is a table. */
static size_t shard_writer_room(const tocsin_spec *spec)
{
    size_t bytes = TOCSIN__SHARD_RUN + TOCSIN__SHARD_ENTRIES;

    for (size_t i = 0; i < spec->stage_count; i++)
        bytes += tocsin__layout_encoded_size(&spec->stages[i].stage->layout,
                                             &spec->stages[i].shape);
    return bytes;
}

int tocsin__shard_writer_create(tocsin_shard_writer **out, const tocsin_bank *bank,
                                const tocsin_selection *selection,
                                const tocsin_allocator *allocator)
{
    const tocsin_spec *spec = bank->spec;
    const size_t room = shard_writer_room(spec);
    const size_t payload = room > TOCSIN__SHARD_PAYLOAD ? room : TOCSIN__SHARD_PAYLOAD;
    const size_t capacity = SHARD_WRITER_MEMBERS + TOCSIN__RECORD_HEADER + TOCSIN__RECORD_HEAD +
                            payload + TOCSIN__SHARD_TRAILER;
    const size_t head = (sizeof(tocsin_shard_writer) + 7) & ~(size_t)7;
    const size_t class_size = tocsin__classes_row_size(spec);
    const size_t size = head + 3 * spec->state_size + 2 * class_size + capacity;
    tocsin_shard_writer *writer = tocsin__alloc(allocator, size, TOCSIN__CACHE_LINE);

    if (!writer)
        return TOCSIN_ERROR_MEMORY;
    memset(writer, 0, sizeof *writer);
    writer->allocator = *allocator;
    writer->block_size = size;
    writer->bank = bank;
    if (selection)
        writer->selection = *selection;
    writer->changes = bank->changes;
    writer->free_slot = TOCSIN_SLOT_NONE;
    writer->series = shard_writer_count(bank, &writer->selection);
    writer->initial = (char *)writer + head;
    writer->before = writer->initial + spec->state_size;
    writer->row = writer->before + spec->state_size;
    writer->initial_class = (tocsin__class *)(void *)(writer->row + spec->state_size);
    writer->class_row = (tocsin__class *)(void *)((char *)writer->initial_class + class_size);
    writer->buffer = (uint8_t *)writer->class_row + class_size;
    writer->capacity = capacity;
    tocsin__pipeline_init(spec, writer->initial);
    tocsin__classes_row_init(spec, writer->initial_class);
    shard_writer_fill_tables(writer, writer->buffer);
    *out = writer;
    return TOCSIN_OK;
}

void tocsin__shard_writer_free(tocsin_shard_writer *writer)
{
    const tocsin_allocator allocator = writer->allocator;

    tocsin__free(&allocator, writer, writer->block_size);
}

/* ---- The head ------------------------------------------------------------------------ */

static uint8_t *shard_writer_put_bank(const tocsin_shard_writer *writer, uint8_t *out)
{
    const tocsin_bank *bank = writer->bank;
    const uint32_t ids = bank->options.ids == TOCSIN_IDS_KEPT ? TOCSIN__SHARD_HAS_IDS : 0;
    const uint32_t clock =
        bank->options.clock == TOCSIN_CLOCK_SHARED ? TOCSIN__SHARD_HAS_CLOCK : 0;

    out = tocsin__record_put(out, TOCSIN__SHARD_BANK, TOCSIN__RECORD_CRITICAL,
                             TOCSIN__SHARD_BANK_SIZE);
    tocsin__put32(out, ids | clock);
    tocsin__put32(out + 4, bank->slots);
    tocsin__put64(out + 8, writer->series);
    tocsin__put64(out + 16, (uint64_t)bank->latest);
    return out + TOCSIN__SHARD_BANK_SIZE;
}

static uint8_t *shard_writer_put_stage(const tocsin_shard_writer *writer, uint8_t *out)
{
    const tocsin_spec *spec = writer->bank->spec;
    const tocsin__compiled_stage *compiled = &spec->stages[writer->stage];
    const tocsin__layout *layout = &compiled->stage->layout;
    const size_t fields = tocsin__layout_table_size(layout);

    out = tocsin__record_put(out, TOCSIN__RECORD_STAGE, TOCSIN__RECORD_CRITICAL,
                             tocsin__record_stage_size(spec, compiled) + fields);
    out = tocsin__record_put_stage(out, spec, compiled);
    tocsin__layout_table(layout, &compiled->shape, out);
    return out + fields;
}

static uint8_t *shard_writer_put_clock(tocsin_shard_writer *writer, uint8_t *out)
{
    uint8_t *const payload = out + TOCSIN__RECORD_HEAD;
    uint8_t *at = payload;

    tocsin__bank_clock_read(writer->bank,
                            tocsin__state_of(writer->bank->spec->clock, writer->row));
    for (size_t i = 0; i < writer->table.clock_count; i++) {
        tocsin__entry_encode(&writer->table.entry[i], writer->row, at);
        at += tocsin__entry_size(&writer->table.entry[i]);
    }
    tocsin__record_put(out, TOCSIN__SHARD_CLOCK, TOCSIN__RECORD_CRITICAL, (size_t)(at - payload));
    return at;
}

static uint8_t *shard_writer_put_counts(const tocsin_shard_writer *writer, uint8_t *out)
{
    uint64_t numbers[TOCSIN__SHARD_COUNTS_NUMBERS];

    tocsin__shard_counts_get(writer->bank, numbers);
    out = tocsin__record_put(out, TOCSIN__SHARD_COUNTS, 0, sizeof numbers);
    for (size_t i = 0; i < TOCSIN__SHARD_COUNTS_NUMBERS; i++, out += sizeof numbers[0])
        tocsin__put64(out, numbers[i]);
    return out;
}

/* ---- Classes ------------------------------------------------------------------------- */

static uint8_t *shard_writer_put_pools(const tocsin_shard_writer *writer, uint8_t *out)
{
    const tocsin_spec *spec = writer->bank->spec;
    uint8_t *const payload = out + TOCSIN__RECORD_HEAD;
    uint8_t *at = payload + TOCSIN__SHARD_POOLS_SIZE;
    tocsin__classes_numbers numbers = {0, 0, 0, 0, 0, 0};

    if (writer->selection.kind == TOCSIN_SELECT_ALL)
        tocsin__classes_numbers_get(writer->bank, &numbers);
    tocsin__put64(payload, numbers.without);
    tocsin__put64(payload + 8, numbers.displaced);
    tocsin__put32(payload + 16, numbers.count);
    tocsin__put32(payload + 20, numbers.hand);
    tocsin__put32(payload + 24, numbers.due);
    for (size_t i = 0; i < spec->stage_count; i++) {
        const tocsin__layout *pool = &spec->stages[i].stage->pool;
        const size_t size = tocsin__layout_table_size(pool);

        tocsin__put16(at, (uint16_t)size);
        tocsin__layout_table(pool, &spec->stages[i].shape, at + 2);
        at += 2 + size;
    }
    tocsin__record_put(out, TOCSIN__SHARD_POOLS, 0, (size_t)(at - payload));
    return at;
}

static uint8_t *shard_writer_put_class(tocsin_shard_writer *writer, uint32_t index, uint8_t *out)
{
    const tocsin__shard_table *pools = &writer->pools;
    const char *row = (const char *)writer->class_row;
    const char *initial = (const char *)writer->initial_class;
    uint8_t *const bits = out + TOCSIN__SHARD_CLASS;

    tocsin__classes_read(writer->bank, index, writer->class_row);
    tocsin__put16(out, (uint16_t)index);
    tocsin__put64(out + 2, writer->class_row->id);
    tocsin__put64(out + 10, (uint64_t)writer->class_row->active);
    tocsin__put64(out + 18, writer->class_row->left);
    out = bits + tocsin__shard_class_bits(pools);
    memset(bits, 0, tocsin__shard_class_bits(pools));
    for (size_t i = 0; i < pools->count; i++) {
        const tocsin__entry *entry = &pools->entry[i];

        if (memcmp(row + entry->offset, initial + entry->offset, entry->bytes) != 0) {
            bits[i / 8] |= (uint8_t)(1u << i % 8);
            tocsin__entry_encode(entry, row, out);
            out += tocsin__entry_size(entry);
        }
    }
    return out;
}

/* As many classes as fit into a record; NULL if there are none left. */
static uint8_t *shard_writer_put_classes(tocsin_shard_writer *writer, uint8_t *out)
{
    const tocsin_bank *bank = writer->bank;
    const size_t largest = TOCSIN__SHARD_CLASS + tocsin__shard_class_bits(&writer->pools) +
                           (size_t)writer->pools.bytes;
    uint8_t *const payload = out + TOCSIN__RECORD_HEAD;
    uint8_t *at = payload;

    for (; writer->class_index < tocsin__classes_count(bank); writer->class_index++) {
        if ((size_t)(at - payload) + largest > TOCSIN__SHARD_PAYLOAD)
            break;
        if (tocsin__classes_at(bank, writer->class_index))
            at = shard_writer_put_class(writer, writer->class_index, at);
    }
    if (at == payload)
        return NULL;
    tocsin__record_put(out, TOCSIN__SHARD_CLASSES, 0, (size_t)(at - payload));
    return at;
}

/* A series' class and mark, behind those of the record's series before it. */
static void shard_writer_put_member(tocsin_shard_writer *writer, uint32_t slot)
{
    const tocsin_bank *bank = writer->bank;
    const uint32_t index = tocsin__classes_of(bank, slot);
    uint8_t *out = writer->members;

    if (index == TOCSIN_SLOT_NONE) {
        *out++ = TOCSIN__SHARD_NO_CLASS;
    } else {
        *out++ = index == writer->last_class ? TOCSIN__SHARD_SAME_CLASS : TOCSIN__SHARD_THIS_CLASS;
        if (index != writer->last_class) {
            tocsin__put64(out, tocsin__classes_at(bank, index)->id);
            out += sizeof(uint64_t);
        }
        tocsin__put16(out, tocsin__classes_mark(bank, slot));
        out += sizeof(uint16_t);
        writer->last_class = index;
    }
    writer->members = out;
}

/* ---- Series -------------------------------------------------------------------------- */

/* The next slot that is selected, and not before the one to be looked at; or the end. */
static uint32_t shard_writer_find(const tocsin_shard_writer *writer)
{
    const tocsin_bank *bank = writer->bank;
    uint32_t slot = writer->slot;

    while (slot < bank->slots &&
           !(tocsin__bank_has(bank, slot) &&
             tocsin__selection_holds(&writer->selection, tocsin__bank_key(bank, slot))))
        slot++;
    return slot;
}

static uint8_t *shard_writer_put_series(tocsin_shard_writer *writer, uint32_t slot, uint8_t *out)
{
    const tocsin_bank *bank = writer->bank;
    const tocsin__shard_table *table = &writer->table;
    const int64_t active = tocsin__bank_active(bank, slot);
    const tocsin__clock_state *clock = tocsin__const_state_of(bank->spec->clock, writer->row);
    uint8_t *bits;

    tocsin__bank_read(bank, slot, writer->row);
    if (bank->options.ids == TOCSIN_IDS_KEPT) {
        tocsin__put64(out, tocsin__bank_key(bank, slot));
        out += sizeof(uint64_t);
    }
    bits = out;
    out += tocsin__shard_bits(table);
    memset(bits, 0, tocsin__shard_bits(table));
    if (active != clock->time) {
        bits[0] |= 1;
        tocsin__put64(out, (uint64_t)active);
        out += sizeof(int64_t);
    }
    for (size_t i = 0; i < table->count; i++) {
        const tocsin__entry *entry = &table->entry[i];

        if (memcmp(writer->row + entry->offset, writer->before + entry->offset,
                   entry->bytes) != 0) {
            bits[(i + 1) / 8] |= (uint8_t)(1u << (i + 1) % 8);
            tocsin__entry_encode(entry, writer->row, out);
            out += tocsin__entry_size(entry);
        }
    }

    char *const row = writer->row;

    writer->row = writer->before;
    writer->before = row;
    return out;
}

/* As many series as fit into a record; NULL if there are none left. */
static uint8_t *shard_writer_put_record(tocsin_shard_writer *writer, uint8_t *out)
{
    const tocsin_bank *bank = writer->bank;
    const size_t largest = TOCSIN__SHARD_RUN + (size_t)tocsin__shard_largest(&writer->table);
    uint8_t *const payload = out + TOCSIN__RECORD_HEAD;
    uint8_t *at = payload, *run = NULL;
    uint32_t tile = 0, count = 0;
    uint64_t mask = 0;

    memcpy(writer->before, writer->initial, bank->spec->state_size);
    writer->members = writer->buffer + TOCSIN__RECORD_HEAD;
    writer->last_class = TOCSIN_SLOT_NONE;
    while ((writer->slot = shard_writer_find(writer)) < bank->slots) {
        if (count == TOCSIN__SHARD_SERIES_MAX ||
            (count > 0 && (size_t)(at - payload) + largest > TOCSIN__SHARD_PAYLOAD))
            break;
        if (!run || writer->slot / TOCSIN_BANK_TILE != tile) {
            run = at;
            tile = writer->slot / TOCSIN_BANK_TILE;
            mask = 0;
            at += TOCSIN__SHARD_RUN;
        }
        mask |= UINT64_C(1) << writer->slot % TOCSIN_BANK_TILE;
        tocsin__put32(run, tile);
        tocsin__put64(run + 4, mask);
        shard_writer_put_member(writer, writer->slot);
        at = shard_writer_put_series(writer, writer->slot++, at);
        count++;
    }
    if (count == 0)
        return NULL;
    tocsin__record_put(out, TOCSIN__SHARD_SERIES, TOCSIN__RECORD_CRITICAL, (size_t)(at - payload));
    return at;
}

/* As many free slots as fit into a record, in the order in which they will be taken; NULL if there
 * are none left. */
static uint8_t *shard_writer_put_free(tocsin_shard_writer *writer, uint8_t *out)
{
    uint8_t *const payload = out + TOCSIN__RECORD_HEAD;
    uint8_t *at = payload;
    uint32_t next;

    while (at < payload + TOCSIN__SHARD_PAYLOAD &&
           (next = tocsin__bank_free_after(writer->bank, writer->free_slot)) != TOCSIN_SLOT_NONE) {
        tocsin__put32(at, next);
        at += sizeof next;
        writer->free_slot = next;
    }
    if (at == payload)
        return NULL;
    tocsin__record_put(out, TOCSIN__SHARD_FREE, 0, (size_t)(at - payload));
    return at;
}

/* ---- The stream ------------------------------------------------------------------------ */

/* A record is complete: its checksum.  Returns the end. */
static uint8_t *shard_writer_seal(tocsin_shard_writer *writer, const uint8_t *record, uint8_t *end)
{
    writer->crc = tocsin__crc32c(writer->crc, record, (size_t)(end - record));
    tocsin__put32(end, writer->crc);
    return end + TOCSIN__SHARD_TRAILER;
}

/* The record of the members of the record of series that begins there, right before it; returns
 * where.  None if no series has a class. */
static uint8_t *shard_writer_put_members(tocsin_shard_writer *writer, uint8_t *series)
{
    const size_t size = (size_t)(writer->members - writer->buffer) - TOCSIN__RECORD_HEAD;
    uint8_t *const out = series - (TOCSIN__RECORD_HEAD + size + TOCSIN__SHARD_TRAILER);

    if (writer->last_class == TOCSIN_SLOT_NONE)
        return series;
    memmove(out + TOCSIN__RECORD_HEAD, writer->buffer + TOCSIN__RECORD_HEAD, size);
    tocsin__record_put(out, TOCSIN__SHARD_MEMBERS, 0, size);
    shard_writer_seal(writer, out, out + TOCSIN__RECORD_HEAD + size);
    return out;
}

/* Make the next record, and if it is one of series that of their members. */
static void shard_writer_fill(tocsin_shard_writer *writer)
{
    const tocsin_bank *bank = writer->bank;
    uint8_t *const record = writer->buffer + SHARD_WRITER_MEMBERS;
    uint8_t *first = record, *out = record, *end = NULL;

    while (!end && writer->step != SHARD_WRITER_DONE) {
        switch (writer->step) {
        case SHARD_WRITER_SPEC:
            out = tocsin__record_put_header(out, 0, TOCSIN__RECORD_OF_BANK, 0);
            end = tocsin__record_put_text(out, bank->spec);
            writer->step = SHARD_WRITER_BANK;
            break;
        case SHARD_WRITER_BANK:
            end = shard_writer_put_bank(writer, out);
            writer->step = SHARD_WRITER_STAGE;
            break;
        case SHARD_WRITER_STAGE:
            end = shard_writer_put_stage(writer, out);
            if (++writer->stage == bank->spec->stage_count)
                writer->step = SHARD_WRITER_CLOCK;
            break;
        case SHARD_WRITER_CLOCK:
            if (bank->options.clock == TOCSIN_CLOCK_SHARED)
                end = shard_writer_put_clock(writer, out);
            writer->step = SHARD_WRITER_COUNTS;
            break;
        case SHARD_WRITER_COUNTS:
            if (writer->selection.kind == TOCSIN_SELECT_ALL)
                end = shard_writer_put_counts(writer, out);
            writer->step = SHARD_WRITER_POOLS;
            break;
        case SHARD_WRITER_POOLS:
            if (bank->classes)
                end = shard_writer_put_pools(writer, out);
            writer->step = SHARD_WRITER_CLASSES;
            break;
        case SHARD_WRITER_CLASSES:
            end = shard_writer_put_classes(writer, out);
            if (!end)
                writer->step = SHARD_WRITER_SERIES;
            break;
        case SHARD_WRITER_SERIES:
            end = shard_writer_put_record(writer, out);
            if (end)
                first = shard_writer_put_members(writer, out);
            else
                writer->step = SHARD_WRITER_FREE;
            break;
        case SHARD_WRITER_FREE:
            if (writer->selection.kind == TOCSIN_SELECT_ALL)
                end = shard_writer_put_free(writer, out);
            if (!end)
                writer->step = SHARD_WRITER_END;
            break;
        default:
            end = tocsin__record_put(out, TOCSIN__SHARD_END, TOCSIN__RECORD_CRITICAL,
                                     TOCSIN__SHARD_END_SIZE);
            tocsin__put64(end, writer->series);
            end += TOCSIN__SHARD_END_SIZE;
            writer->step = SHARD_WRITER_DONE;
        }
    }
    if (!end)
        return;
    writer->at = (size_t)(first - writer->buffer);
    writer->end = (size_t)(shard_writer_seal(writer, record, end) - writer->buffer);
}

int tocsin__shard_writer_next(tocsin_shard_writer *writer, uint8_t *buffer, size_t size,
                              size_t *written)
{
    size_t done = 0;

    if (writer->step != SHARD_WRITER_DONE || writer->at < writer->end)
        if (writer->bank->is_ticking || writer->bank->changes != writer->changes)
            return TOCSIN_ERROR_CONFLICT;
    while (done < size) {
        if (writer->at == writer->end)
            shard_writer_fill(writer);

        const size_t left = writer->end - writer->at;
        const size_t part = left < size - done ? left : size - done;

        if (part == 0)
            break;
        memcpy(buffer + done, writer->buffer + writer->at, part);
        writer->at += part;
        done += part;
    }
    *written = done;
    return TOCSIN_OK;
}
