/* bank.c - series, slots and the memory they live in.
 *
 * Storage.  Series live in tiles of 64, laid out as tiles.h says.  A tile has no pointers and
 * never moves.
 * Tiles are allocated in slabs, one slab each time the bank grows, and a directory
 * of pointers leads to them: a slot is a tile's number and a place in the tile.
 *
 * Slots.  A removed series' slot heads a list of free slots, linked through the
 * places where their states began, and the next series takes it; without a free slot the
 * series takes the first that was never in use.  So the same calls give the same slots.
 *
 * Growing.  When there is no room left, a quarter is added, and the table of ids is
 * built anew for as many.  Everything is allocated before anything is changed.
 *
 * Eviction.  The bank knows of each series when it last had a value.  Where a full bank
 * is to make room, the 64 series that have had none for longest are looked up at once,
 * and used up one by one.  A candidate that has had a value in the meantime is passed
 * over; one that has not is still the longest idle of all: whatever was not among the 64 was
 * no older than they are, and times of values grow.  Where series have clocks of their own a value
 * may be older than a candidate's; then the candidates are looked up anew.  So an eviction is exact
 * and costs 1/64 of a walk over the slots.
 *
 * Cost.  Adding, finding and removing take constant time but for growing and evicting.
 * Beside its state a series takes 17 bytes in its tile and 16 in the table of ids, one
 * without an id 1 byte in all.
 *
 * How it fails.  A bank does not shrink: memory of removed series serves later ones,
 * and goes back when the bank is freed.
 */
#include "bank.h"

#include "../calibrate/tail.h"
#include "../core/alloc.h"
#include "../core/info.h"
#include "../prepare/prepare.h"
#include "classes.h"
#include "mapped.h"

#define BANK_ALARMS_DEFAULT 100u
#define BANK_ALARMS_MAX 65536u
#define BANK_LANES_MAX 1024u
#define BANK_GROWTH 4u              /* a quarter more */

/* ---- Sizes ------------------------------------------------------------------- */

int tocsin__bank_options(tocsin_bank_options *resolved, const tocsin_bank_options *given)
{
    memset(resolved, 0, sizeof *resolved);
    if (given) {
        if (!tocsin__info_fits(given, sizeof *given) || given->when_full > TOCSIN_FULL_EVICT ||
            given->max_series > TOCSIN_BANK_SERIES_MAX ||
            given->alarms_per_round > BANK_ALARMS_MAX || given->lanes > BANK_LANES_MAX ||
            given->clock > TOCSIN_CLOCK_SHARED || given->ids > TOCSIN_IDS_NONE ||
            (given->ids == TOCSIN_IDS_NONE && given->when_full == TOCSIN_FULL_EVICT) ||
            !tocsin__classes_options_fit(given))
            return TOCSIN_ERROR_ARGUMENT;
        *resolved = *given;
    }
    resolved->struct_size = sizeof *resolved;
    if (resolved->max_series == 0)
        resolved->max_series = TOCSIN_BANK_SERIES_MAX;
    if (resolved->alarms_per_round == 0)
        resolved->alarms_per_round = BANK_ALARMS_DEFAULT;
    if (resolved->lanes == 0)
        resolved->lanes = 1;
    return TOCSIN_OK;
}

static uint32_t bank_tiles(uint32_t series)
{
    return series / TOCSIN_BANK_TILE + (series % TOCSIN_BANK_TILE != 0);
}

static uint64_t bank_slab_size(const tocsin__format *format, uint32_t tiles)
{
    return TOCSIN__CACHE_LINE + (uint64_t)tiles * tocsin__format_bytes(format);
}

/* A pointer to each tile, and where the clock is shared three words of bits for its slots. */
static uint64_t bank_directory_size(const tocsin_bank_options *options, uint32_t tiles)
{
    const size_t bits = options->clock == TOCSIN_CLOCK_SHARED ? 3 * sizeof(uint64_t) : 0;

    return (uint64_t)tiles * (sizeof(tocsin__tile_head *) + bits);
}

static uint32_t bank_lines(const tocsin_bank_options *options, uint32_t tiles)
{
    return options->ids == TOCSIN_IDS_KEPT ? tocsin__ids_lines(tiles * TOCSIN_BANK_TILE) : 0;
}

static uint64_t bank_ids_size(const tocsin_bank_options *options, uint32_t tiles)
{
    return (uint64_t)bank_lines(options, tiles) * sizeof(tocsin__ids_line);
}

static uint64_t bank_head_size(const tocsin_spec *spec, const tocsin_bank_options *options,
                               const tocsin__format *format)
{
    return TOCSIN__BANK_HEAD_SIZE + tocsin__bank_row_size(spec) +
           tocsin__fleet_size(options, format, spec);
}

uint64_t tocsin__bank_size(const tocsin_spec *spec, const tocsin_bank_options *options,
                           uint32_t series)
{
    const uint32_t tiles = bank_tiles(series);
    tocsin__format format;

    tocsin__format_init(&format, spec, options);

    const uint64_t head = bank_head_size(spec, options, &format) +
                          tocsin__classes_size(spec, options, tiles);

    return tiles == 0 ? head
                      : head + bank_slab_size(&format, tiles) +
                            bank_directory_size(options, tiles) + bank_ids_size(options, tiles);
}

/* ---- Life -------------------------------------------------------------------- */

/* Allocate from the bank's allocator; NULL also for what no size_t can say. */
static void *bank_allocate(const tocsin_allocator *allocator, uint64_t size)
{
    return size <= SIZE_MAX ? tocsin__alloc(allocator, (size_t)size, TOCSIN__CACHE_LINE) : NULL;
}

int tocsin__bank_create(tocsin_bank **out, const tocsin_spec *spec,
                        const tocsin_bank_options *options, const tocsin_allocator *allocator)
{
    const uint64_t size =
        tocsin__bank_size(spec, options, 0) - tocsin__classes_size(spec, options, 0);
    tocsin_bank *bank = bank_allocate(allocator, size);

    if (!bank)
        return TOCSIN_ERROR_MEMORY;
    memset(bank, 0, sizeof *bank);
    bank->spec = spec;
    bank->allocator = *allocator;
    bank->options = *options;
    tocsin__format_init(&bank->format, spec, options);
    bank->bytes = (size_t)size;
    bank->free_slot = TOCSIN_SLOT_NONE;
    bank->latest = TOCSIN_TIME_NONE;
    bank->ids.seed = options->seed;
    tocsin__pipeline_init(spec, (char *)(void *)bank + TOCSIN__BANK_HEAD_SIZE);
    memcpy(&bank->clock, tocsin__const_state_of(spec->clock, tocsin__bank_initial(bank)),
           sizeof bank->clock);
    tocsin__fleet_init(bank);
    if (tocsin__classes_create(bank) != TOCSIN_OK) {
        tocsin__bank_free(bank);
        return TOCSIN_ERROR_MEMORY;
    }
    *out = bank;
    return TOCSIN_OK;
}

void tocsin__bank_free(tocsin_bank *bank)
{
    const tocsin_allocator allocator = bank->allocator;

    tocsin__mapped_free(bank);
    while (bank->slabs) {
        tocsin__slab *slab = bank->slabs;

        bank->slabs = slab->next;
        tocsin__free(&allocator, slab, slab->size);
    }
    tocsin__classes_free(bank);
    tocsin__free(&allocator, bank->tiles,
                 (size_t)bank_directory_size(&bank->options, bank->tile_count));
    tocsin__free(&allocator, bank->ids.lines,
                 (size_t)bank_ids_size(&bank->options, bank->tile_count));
    tocsin__free(&allocator, bank,
                 (size_t)bank_head_size(bank->spec, &bank->options, &bank->format));
}

/* ---- Growing ------------------------------------------------------------------ */

/* The larger directory and table take the place of the smaller ones. */
static void bank_take(tocsin_bank *bank, char *first, tocsin__tile_head **tiles,
                      tocsin__ids_line *lines, uint32_t tile_count)
{
    const uint32_t before = bank->tile_count;
    tocsin__ids ids;

    if (before)
        memcpy(tiles, bank->tiles, before * sizeof *tiles);
    for (uint32_t i = before; i < tile_count; i++)
        tiles[i] = (tocsin__tile_head *)(void *)(first +
                                                 tocsin__format_tile(&bank->format, i - before));
    tocsin__free(&bank->allocator, bank->tiles,
                 (size_t)bank_directory_size(&bank->options, before));
    bank->tiles = tiles;
    bank->tile_count = tile_count;
    if (tocsin__bank_is_shared(bank)) {
        bank->pushed = (uint64_t *)(void *)(tiles + tile_count);
        bank->noted = bank->pushed + tile_count;
        bank->stirred = bank->noted + tile_count;
        memset(bank->pushed, 0, 3 * tile_count * sizeof *bank->pushed);
        if (before)
            memset(bank->stirred, 0xff, before * sizeof *bank->stirred);
    }

    if (bank->options.ids == TOCSIN_IDS_KEPT) {
        tocsin__ids_init(&ids, lines, bank_lines(&bank->options, tile_count), bank->options.seed);
        for (uint32_t slot = 0; slot < bank->slots; slot++)
            if (tocsin__bank_has(bank, slot))
                tocsin__ids_add(&ids, tocsin__bank_key(bank, slot), slot);
        tocsin__free(&bank->allocator, bank->ids.lines,
                     (size_t)bank_ids_size(&bank->options, before));
        bank->ids = ids;
    }
}

int tocsin__bank_adopt(tocsin_bank *bank, char *tiles, uint32_t tile_count)
{
    const uint64_t directory_size = bank_directory_size(&bank->options, tile_count);
    const uint64_t lines_size = bank_ids_size(&bank->options, tile_count);
    tocsin__tile_head **directory = bank_allocate(&bank->allocator, directory_size);
    tocsin__ids_line *lines =
        directory && lines_size ? bank_allocate(&bank->allocator, lines_size) : NULL;

    if (!directory || (lines_size && !lines)) {
        tocsin__free(&bank->allocator, directory, (size_t)directory_size);
        return TOCSIN_ERROR_MEMORY;
    }
    bank->bytes += (size_t)(directory_size + lines_size);
    bank_take(bank, tiles, directory, lines, tile_count);
    return TOCSIN_OK;
}

int tocsin__bank_reserve(tocsin_bank *bank, uint32_t series)
{
    const tocsin_allocator *allocator = &bank->allocator;
    const uint32_t before = bank->tile_count, after = bank_tiles(series);

    if (after <= before)
        return TOCSIN_OK;
    if (bank->mapped)
        return TOCSIN_ERROR_SPACE;
    if (tocsin__classes_reserve(bank, after) != TOCSIN_OK)
        return TOCSIN_ERROR_MEMORY;

    const uint64_t slab_size = bank_slab_size(&bank->format, after - before);
    const uint64_t directory_size = bank_directory_size(&bank->options, after);
    const uint64_t lines_size = bank_ids_size(&bank->options, after);
    tocsin__slab *slab = bank_allocate(allocator, slab_size);
    tocsin__tile_head **tiles = slab ? bank_allocate(allocator, directory_size) : NULL;
    tocsin__ids_line *lines = tiles && lines_size ? bank_allocate(allocator, lines_size) : NULL;

    if (!tiles || (lines_size && !lines)) {
        tocsin__free(allocator, tiles, (size_t)directory_size);
        tocsin__free(allocator, slab, (size_t)slab_size);
        return TOCSIN_ERROR_MEMORY;
    }
    bank->bytes += (size_t)(slab_size +
                            (directory_size - bank_directory_size(&bank->options, before)) +
                            (lines_size - bank_ids_size(&bank->options, before)));
    slab->size = (size_t)slab_size;
    slab->first = before;
    slab->count = after - before;
    slab->next = bank->slabs;
    bank->slabs = slab;
    bank_take(bank, (char *)slab + TOCSIN__CACHE_LINE, tiles, lines, after);
    return TOCSIN_OK;
}

void tocsin__bank_block(const tocsin_bank *bank, uint32_t t, uint32_t *place,
                        uint32_t *neighbours)
{
    const tocsin__slab *slab = bank->slabs;
    uint32_t first = 0, count = bank->tile_count;

    while (slab && t < slab->first)
        slab = slab->next;
    if (slab) {
        first = slab->first;
        count = slab->count;
    }
    *place = (t - first) % TOCSIN__BLOCK;

    const uint32_t behind = first + count - (t - *place);

    *neighbours = behind < TOCSIN__BLOCK ? behind : TOCSIN__BLOCK;
}

uint64_t tocsin__bank_capacity(const tocsin_bank *bank)
{
    const uint64_t places = (uint64_t)bank->tile_count * TOCSIN_BANK_TILE;

    return places < bank->options.max_series ? places : bank->options.max_series;
}

/* Room for one more series than `capacity`, below max_series. */
static int bank_grow(tocsin_bank *bank)
{
    const uint64_t capacity = tocsin__bank_capacity(bank);
    const uint64_t wanted = capacity + capacity / BANK_GROWTH + 1;

    if (bank->series < capacity)
        return TOCSIN_OK;
    return tocsin__bank_reserve(bank, (uint32_t)(wanted < bank->options.max_series
                                                     ? wanted
                                                     : bank->options.max_series));
}

/* ---- Idle series --------------------------------------------------------------- */

/* Keep the candidates sorted, the longest idle last. */
static void bank_consider(tocsin_bank *bank, int64_t active, uint32_t slot)
{
    uint32_t at = bank->idle_count;

    if (bank->idle_count == TOCSIN__IDLE_MAX) {
        if (active >= bank->idle[0].active)
            return;
        memmove(bank->idle, bank->idle + 1, (TOCSIN__IDLE_MAX - 1) * sizeof bank->idle[0]);
        at = --bank->idle_count;
    }
    while (at > 0 && active >= bank->idle[at - 1].active) {
        bank->idle[at] = bank->idle[at - 1];
        at--;
    }
    bank->idle[at].active = active;
    bank->idle[at].slot = slot;
    bank->idle[at].reserved = 0;
    bank->idle_count++;
}

/* The longest idle series of a bank that has one; of equal ones that in the lowest slot. */
static uint32_t bank_longest_idle(tocsin_bank *bank)
{
    for (;;) {
        while (bank->idle_count) {
            const tocsin__idle *idle = &bank->idle[--bank->idle_count];

            if (tocsin__bank_has(bank, idle->slot) &&
                tocsin__bank_active(bank, idle->slot) == idle->active)
                return idle->slot;
        }
        for (uint32_t slot = 0; slot < bank->slots; slot++)
            if (tocsin__bank_has(bank, slot))
                bank_consider(bank, tocsin__bank_active(bank, slot), slot);
    }
}

uint64_t tocsin__bank_evict(tocsin_bank *bank, int64_t since)
{
    uint64_t count = 0;

    for (uint32_t slot = 0; slot < bank->slots; slot++)
        if (tocsin__bank_has(bank, slot) &&
            tocsin__bank_active(bank, slot) < since) {
            tocsin__bank_remove(bank, slot);
            count++;
        }
    bank->evicted += count;
    return count;
}

/* ---- Series ---------------------------------------------------------------------- */

/* A free slot's link to the next one stands where its state began. */
static uint32_t *bank_link(const tocsin_bank *bank, uint32_t slot)
{
    const tocsin__format *format = &bank->format;
    const uint32_t k = slot % TOCSIN_BANK_TILE;
    tocsin__tile_head *tile = tocsin__bank_tile(bank, slot);

    return tocsin__bank_is_in_columns(bank)
               ? (uint32_t *)(void *)((char *)tocsin__tile_column(tile, format->moves[0].place) +
                                      (size_t)k * format->moves[0].size)
               : tocsin__tile_row(format, tile, k);
}

static void bank_free_slot(tocsin_bank *bank, uint32_t slot)
{
    *bank_link(bank, slot) = bank->free_slot;
    bank->free_slot = slot;
}

void tocsin__bank_remove(tocsin_bank *bank, uint32_t slot)
{
    tocsin__tile_head *tile = tocsin__bank_tile(bank, slot);
    const uint64_t bit = UINT64_C(1) << slot % TOCSIN_BANK_TILE;

    tocsin__classes_leave(bank, slot);
    if (bank->format.ids)
        tocsin__ids_remove(&bank->ids, tocsin__bank_key(bank, slot));
    tile->used &= ~bit;
    tocsin__tile_fence();
    tile->take &= ~bit;
    tile->busy &= ~bit;
    bank_free_slot(bank, slot);
    bank->series--;
    bank->changes++;
    if (bank->mapped)
        tocsin__mapped_note_slots(bank);
}

/* The first use of a slot: nothing in its tile may be what memory happened to hold. */
static void bank_open_slots(tocsin_bank *bank, uint32_t end)
{
    for (uint32_t t = bank_tiles(bank->slots); t < bank_tiles(end); t++) {
        uint32_t place, neighbours;

        tocsin__bank_block(bank, t, &place, &neighbours);
        tocsin__tile_open(&bank->format, bank->tiles[t], place, neighbours);
    }
    bank->slots = end;
    if (bank->mapped)
        tocsin__mapped_note_slots(bank);
}

static uint32_t bank_take_slot(tocsin_bank *bank)
{
    const uint32_t slot = bank->free_slot;

    if (slot == TOCSIN_SLOT_NONE) {
        bank_open_slots(bank, bank->slots + 1);
        return bank->slots - 1;
    }
    bank->free_slot = *bank_link(bank, slot);
    return slot;
}

/* A row into a slot. */
static void bank_store(tocsin_bank *bank, uint32_t slot, const void *row)
{
    const tocsin__format *format = &bank->format;
    const uint32_t k = slot % TOCSIN_BANK_TILE;
    tocsin__tile_head *tile = tocsin__bank_tile(bank, slot);

    if (tocsin__bank_is_in_columns(bank)) {
        tocsin__tile_scatter(format, bank->spec, tile, k, row);
        tocsin__tile_scatter_arrays(format, bank->spec, tile, k, row);
        tile->flags = 0;
        tile->state &= ~(uint32_t)TOCSIN__TILE_SEASONED;
        tocsin__bank_stir(bank, slot / TOCSIN_BANK_TILE, k, row);
    } else {
        memcpy(tocsin__tile_row(format, tile, k), row, bank->spec->state_size);
    }
}

/* The time of a series' last value, or of being added.  In columns, that of the last value learnt
 * is part of the state: whoever has learnt can only have been heard of later. */
static void bank_set_active(tocsin_bank *bank, uint32_t slot, int64_t active, int has_learnt)
{
    const tocsin__format *format = &bank->format;
    const uint32_t k = slot % TOCSIN_BANK_TILE;
    tocsin__tile_head *tile = tocsin__bank_tile(bank, slot);

    tocsin__tile_hear(format, tile, k, TOCSIN_TIME_NONE);
    if (!format->times || tocsin__tile_time(format, tile, k) == active)
        return;
    if (tocsin__bank_is_in_columns(bank) && has_learnt) {
        tocsin__tile_hear(format, tile, k, active);
        return;
    }
    tocsin__tile_part(format, tile);
    tocsin__tile_times(format, tile)[k] = active;
}

/* A new series moves into a slot. */
static void bank_settle(tocsin_bank *bank, uint64_t id, uint32_t slot)
{
    tocsin__tile_head *tile = tocsin__bank_tile(bank, slot);
    const uint64_t bit = UINT64_C(1) << slot % TOCSIN_BANK_TILE;

    bank_set_active(bank, slot, bank->latest, 0);
    bank_store(bank, slot, tocsin__bank_initial(bank));
    bank->is_full = 0;
    if (bank->format.ids) {
        tocsin__tile_ids(&bank->format, tile)[slot % TOCSIN_BANK_TILE] = id;
        tocsin__ids_add(&bank->ids, id, slot);
    }
    tocsin__tile_fence();       /* a series that is there is there with all it has */
    tile->used |= bit;
    tile->take |= bit;
    bank->series++;
    bank->added++;
    bank->changes++;
    if (bank->mapped)
        tocsin__mapped_note_slots(bank);
}

int tocsin__bank_add(tocsin_bank *bank, uint64_t id, uint32_t *slot)
{
    const uint32_t found =
        bank->format.ids ? tocsin__ids_find(&bank->ids, id) : TOCSIN_SLOT_NONE;

    if (found != TOCSIN_SLOT_NONE) {
        *slot = found;
        return TOCSIN_OK;
    }
    if (bank->series >= bank->options.max_series) {
        if (bank->options.when_full == TOCSIN_FULL_REFUSE) {
            bank->refused++;
            return TOCSIN_ERROR_SPACE;
        }
        tocsin__bank_remove(bank, bank_longest_idle(bank));
        bank->evicted++;
    }

    const int status = bank_grow(bank);

    if (status != TOCSIN_OK)
        return status;

    *slot = bank_take_slot(bank);
    bank_settle(bank, id, *slot);
    return TOCSIN_OK;
}

void tocsin__bank_add_at(tocsin_bank *bank, uint64_t id, uint32_t slot)
{
    const uint32_t first = bank->slots;

    bank_open_slots(bank, slot + 1);
    for (uint32_t hole = slot; hole-- > first;)     /* the lowest becomes the first one taken */
        bank_free_slot(bank, hole);
    bank_settle(bank, id, slot);
}

uint32_t tocsin__bank_free_after(const tocsin_bank *bank, uint32_t slot)
{
    return slot == TOCSIN_SLOT_NONE ? bank->free_slot : *bank_link(bank, slot);
}

/* Link the free slots in that order.  0: these are not all of them, each once. */
static int bank_link_all(tocsin_bank *bank, const uint32_t *order, uint32_t count)
{
    const uint32_t free_count = bank->slots - bank->series;
    uint32_t seen = 0;

    if (count != free_count)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        if (order[i] >= bank->slots || tocsin__bank_has(bank, order[i]))
            return 0;
    bank->free_slot = TOCSIN_SLOT_NONE;
    for (uint32_t i = count; i-- > 0;)
        bank_free_slot(bank, order[i]);
    /* One that came twice leads back, or past others: the end comes never, or too early. */
    for (uint32_t slot = bank->free_slot; slot != TOCSIN_SLOT_NONE && seen <= count; seen++)
        slot = *bank_link(bank, slot);
    return seen == count;
}

void tocsin__bank_free_put(tocsin_bank *bank, uint32_t slots, const uint32_t *order,
                           uint32_t count)
{
    if (slots > bank->slots)
        bank_open_slots(bank, slots);
    if (bank_link_all(bank, order, count))
        return;
    bank->free_slot = TOCSIN_SLOT_NONE;
    for (uint32_t slot = bank->slots; slot-- > 0;)
        if (!tocsin__bank_has(bank, slot))
            bank_free_slot(bank, slot);
}

/* ---- Rows in and out --------------------------------------------------------------- */

void tocsin__bank_read(const tocsin_bank *bank, uint32_t slot, void *state)
{
    const tocsin__format *format = &bank->format;
    const uint32_t k = slot % TOCSIN_BANK_TILE;
    tocsin__tile_head *tile = tocsin__bank_tile(bank, slot);

    if (tocsin__bank_is_in_columns(bank)) {
        memcpy(state, tocsin__bank_initial(bank), bank->spec->state_size);
        tocsin__tile_gather(format, bank->spec, tile, k, &bank->clock, state);
        tocsin__tile_gather_arrays(format, bank->spec, tile, k, state);
        if (format->bar)
            tocsin__tail_complete(bank->spec->calibrate->constants,
                                  tocsin__state_of(bank->spec->calibrate, state));
        return;
    }
    memcpy(state, tocsin__tile_row(format, tile, k), bank->spec->state_size);
    if (tocsin__bank_is_shared(bank))
        tocsin__bank_share_clock(&bank->clock, tocsin__state_of(bank->spec->clock, state));
}

void tocsin__bank_put(tocsin_bank *bank, uint32_t slot, const void *state)
{
    const tocsin__clock_state *clock = tocsin__const_state_of(bank->spec->clock, state);
    const int is_shared = tocsin__bank_is_shared(bank);
    const int has_value = is_shared ? clock->has_learnt : clock->points > 0;
    const int64_t value_time = is_shared ? clock->learnt : clock->time;
    const int64_t active = has_value ? value_time : bank->latest;

    if (bank->mapped)
        tocsin__mapped_guard(bank, slot);
    bank_store(bank, slot, state);
    bank->is_full = bank->look_again = 0;       /* most that are put there have long learnt */
    bank_set_active(bank, slot, active, has_value);
    if (active > bank->latest)
        bank->latest = active;
    bank->idle_count = 0;           /* this one may be older than any of them */
    bank->changes++;
    if (bank->mapped) {
        tocsin__mapped_done(bank);
        tocsin__mapped_save(bank);
    }
}

void tocsin__bank_restore(tocsin_bank *bank, uint32_t slot, const void *state, int64_t active)
{
    const tocsin__clock_state *clock = tocsin__const_state_of(bank->spec->clock, state);
    const int64_t latest = bank->latest;

    tocsin__bank_put(bank, slot, state);
    bank_set_active(bank, slot, active, clock->has_learnt);
    active = tocsin__bank_active(bank, slot);   /* not before what it has learnt */
    bank->latest = active > latest ? active : latest;
}

void tocsin__bank_clock_read(const tocsin_bank *bank, void *clock)
{
    memcpy(clock, &bank->clock, sizeof bank->clock);
}

void tocsin__bank_clock_put(tocsin_bank *bank, const void *clock)
{
    memcpy(&bank->clock, clock, sizeof bank->clock);
    if (bank->mapped)
        tocsin__mapped_save(bank);
}

/* ---- Series that were there before -------------------------------------------------- */

/* Does the list of free slots lead through all of them? */
static int bank_list_is_whole(const tocsin_bank *bank, uint32_t free_slot)
{
    uint32_t slot = free_slot;

    for (uint32_t left = bank->slots - bank->series; left > 0; left--) {
        if (slot >= bank->slots || tocsin__bank_has(bank, slot))
            return 0;
        slot = *bank_link(bank, slot);
    }
    return slot == TOCSIN_SLOT_NONE;
}

static int bank_find_again(tocsin_bank *bank, uint32_t slot)
{
    if (bank->format.ids) {
        const uint64_t id = tocsin__bank_key(bank, slot);

        if (tocsin__ids_find(&bank->ids, id) != TOCSIN_SLOT_NONE)
            return TOCSIN_ERROR_FORMAT;
        tocsin__ids_add(&bank->ids, id, slot);
    }
    bank->series++;
    return TOCSIN_OK;
}

int tocsin__bank_recount(tocsin_bank *bank, uint32_t slots, uint32_t free_slot)
{
    bank->slots = slots;
    for (uint32_t t = 0; t < bank_tiles(slots); t++) {
        const uint32_t first = t * TOCSIN_BANK_TILE;

        for (uint32_t k = 0; k < TOCSIN_BANK_TILE; k++)
            if ((bank->tiles[t]->used >> k & 1) != 0 &&
                (first + k >= slots || bank_find_again(bank, first + k) != TOCSIN_OK))
                return TOCSIN_ERROR_FORMAT;
    }
    if (bank_list_is_whole(bank, free_slot)) {
        bank->free_slot = free_slot;
        return TOCSIN_OK;
    }
    bank->free_slot = TOCSIN_SLOT_NONE;
    for (uint32_t slot = slots; slot-- > 0;)        /* the lowest becomes the first one taken */
        if (!tocsin__bank_has(bank, slot))
            bank_free_slot(bank, slot);
    return TOCSIN_OK;
}
