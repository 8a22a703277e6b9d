/* bank.c - series, slots and the memory they live in.
 *
 * Storage.  Series live in tiles of 64, and a tile is one block: its series' states
 * one after the other, as a single detector holds them, so that every detector of
 * the catalog works in a bank as it is.  A tile has no pointers and never moves.
 * Tiles are allocated in slabs, one slab each time the bank grows, and a directory
 * of pointers leads to them: a slot is a tile's number and a place in the tile.
 *
 * Slots.  A removed series' slot heads a list of free slots, linked through the
 * places where their ids stood, and the next series takes it; without a free slot the
 * series takes the first that was never in use.  So the same calls give the same slots.
 *
 * Growing.  When there is no room left, a quarter is added, and the table of ids is
 * built anew for as many.  Everything is allocated before anything is changed.
 *
 * Eviction.  The bank knows of each series when it last had a value.  Where a full bank
 * is to make room, the 64 series that have had none for longest are looked up at once,
 * and used up one by one.  A candidate that has had a value in the meantime is passed
 * over; one that has not is still the longest idle of all: whatever was not among the 64 was
 * no older than they are, and times of values only grow.  So an eviction is exact and costs
 * 1/64 of a walk over the slots.
 *
 * Cost.  Adding, finding and removing take constant time but for growing and evicting.
 * Beside its state a series takes 17 bytes in its tile, 16 in the table of ids, and
 * an eighth of a byte in the directory.
 *
 * How it fails.  A bank does not shrink: memory of removed series serves later ones,
 * and goes back when the bank is freed.
 */
#include "bank.h"

#include "../core/alloc.h"
#include "../core/info.h"
#include "../prepare/prepare.h"

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
            given->alarms_per_round > BANK_ALARMS_MAX || given->lanes > BANK_LANES_MAX)
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

static uint64_t bank_slab_size(const tocsin_spec *spec, uint32_t tiles)
{
    return TOCSIN__CACHE_LINE + (uint64_t)tiles * tocsin__tile_size(spec);
}

static uint64_t bank_directory_size(uint32_t tiles)
{
    return (uint64_t)tiles * sizeof(tocsin__tile *);
}

static uint64_t bank_cells_size(uint32_t tiles)
{
    return (uint64_t)tocsin__ids_capacity(tiles * TOCSIN_BANK_TILE) * sizeof(tocsin__id_cell);
}

uint64_t tocsin__bank_size(const tocsin_spec *spec, const tocsin_bank_options *options,
                           uint32_t series)
{
    const uint32_t tiles = bank_tiles(series);
    const uint64_t head = TOCSIN__BANK_HEAD_SIZE + tocsin__fleet_size(options);

    return tiles == 0 ? head
                      : head + bank_slab_size(spec, tiles) + bank_directory_size(tiles) +
                            bank_cells_size(tiles);
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
    const uint64_t size = tocsin__bank_size(spec, options, 0);
    tocsin_bank *bank = bank_allocate(allocator, size);

    if (!bank)
        return TOCSIN_ERROR_MEMORY;
    memset(bank, 0, sizeof *bank);
    bank->spec = spec;
    bank->allocator = *allocator;
    bank->options = *options;
    bank->bytes = (size_t)size;
    bank->free_slot = TOCSIN_SLOT_NONE;
    bank->latest = TOCSIN_TIME_NONE;
    bank->ids.seed = options->seed;
    tocsin__fleet_start(bank);
    *out = bank;
    return TOCSIN_OK;
}

void tocsin__bank_free(tocsin_bank *bank)
{
    const tocsin_allocator allocator = bank->allocator;

    while (bank->slabs) {
        tocsin__slab *slab = bank->slabs;

        bank->slabs = slab->next;
        tocsin__free(&allocator, slab, slab->size);
    }
    tocsin__free(&allocator, bank->tiles, (size_t)bank_directory_size(bank->tile_count));
    tocsin__free(&allocator, bank->ids.cells, (size_t)bank_cells_size(bank->tile_count));
    tocsin__free(&allocator, bank, (size_t)tocsin__bank_size(bank->spec, &bank->options, 0));
}

/* ---- Growing ------------------------------------------------------------------ */

/* The larger directory and table take the place of the smaller ones. */
static void bank_take(tocsin_bank *bank, tocsin__slab *slab, tocsin__tile **tiles,
                      tocsin__id_cell *cells, uint32_t tile_count)
{
    const tocsin_spec *spec = bank->spec;
    const uint32_t before = bank->tile_count;
    char *next = (char *)slab + TOCSIN__CACHE_LINE;
    tocsin__ids ids;

    if (before)
        memcpy(tiles, bank->tiles, before * sizeof *tiles);
    for (uint32_t i = before; i < tile_count; i++) {
        tiles[i] = (tocsin__tile *)(void *)next;
        memset(tiles[i], 0, sizeof *tiles[i]);
        next += (size_t)tocsin__tile_size(spec);
    }
    tocsin__free(&bank->allocator, bank->tiles, (size_t)bank_directory_size(before));
    bank->tiles = tiles;
    bank->tile_count = tile_count;

    tocsin__ids_init(&ids, cells, tocsin__ids_capacity(tile_count * TOCSIN_BANK_TILE),
                     bank->options.seed);
    for (uint32_t slot = 0; slot < bank->slots; slot++)
        if (tocsin__bank_has(bank, slot))
            tocsin__ids_add(&ids, tocsin__bank_tile(bank, slot)->id[slot % TOCSIN_BANK_TILE], slot);
    tocsin__free(&bank->allocator, bank->ids.cells, (size_t)bank_cells_size(before));
    bank->ids = ids;

    slab->next = bank->slabs;
    bank->slabs = slab;
}

int tocsin__bank_reserve(tocsin_bank *bank, uint32_t series)
{
    const tocsin_allocator *allocator = &bank->allocator;
    const uint32_t before = bank->tile_count, after = bank_tiles(series);

    if (after <= before)
        return TOCSIN_OK;

    const uint64_t slab_size = bank_slab_size(bank->spec, after - before);
    const uint64_t directory_size = bank_directory_size(after);
    const uint64_t cells_size = bank_cells_size(after);
    tocsin__slab *slab = bank_allocate(allocator, slab_size);
    tocsin__tile **tiles = slab ? bank_allocate(allocator, directory_size) : NULL;
    tocsin__id_cell *cells = tiles ? bank_allocate(allocator, cells_size) : NULL;

    if (!cells) {
        tocsin__free(allocator, tiles, (size_t)directory_size);
        tocsin__free(allocator, slab, (size_t)slab_size);
        return TOCSIN_ERROR_MEMORY;
    }
    bank->bytes += (size_t)(slab_size + (directory_size - bank_directory_size(before)) +
                            (cells_size - bank_cells_size(before)));
    slab->size = (size_t)slab_size;
    bank_take(bank, slab, tiles, cells, after);
    return TOCSIN_OK;
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
                tocsin__bank_tile(bank, idle->slot)->active[idle->slot % TOCSIN_BANK_TILE] ==
                    idle->active)
                return idle->slot;
        }
        for (uint32_t slot = 0; slot < bank->slots; slot++)
            if (tocsin__bank_has(bank, slot))
                bank_consider(bank, tocsin__bank_tile(bank, slot)->active[slot % TOCSIN_BANK_TILE],
                              slot);
    }
}

uint64_t tocsin__bank_evict(tocsin_bank *bank, int64_t since)
{
    uint64_t count = 0;

    for (uint32_t slot = 0; slot < bank->slots; slot++)
        if (tocsin__bank_has(bank, slot) &&
            tocsin__bank_tile(bank, slot)->active[slot % TOCSIN_BANK_TILE] < since) {
            tocsin__bank_remove(bank, slot);
            count++;
        }
    bank->evicted += count;
    return count;
}

/* ---- Series ---------------------------------------------------------------------- */

void tocsin__bank_remove(tocsin_bank *bank, uint32_t slot)
{
    tocsin__tile *tile = tocsin__bank_tile(bank, slot);
    const uint32_t k = slot % TOCSIN_BANK_TILE;

    tocsin__ids_remove(&bank->ids, tile->id[k]);
    tile->used &= ~(UINT64_C(1) << k);
    tile->id[k] = bank->free_slot;
    bank->free_slot = slot;
    bank->series--;
}

static uint32_t bank_take_slot(tocsin_bank *bank)
{
    const uint32_t slot = bank->free_slot;

    if (slot == TOCSIN_SLOT_NONE)
        return bank->slots++;
    bank->free_slot = (uint32_t)tocsin__bank_tile(bank, slot)->id[slot % TOCSIN_BANK_TILE];
    return slot;
}

int tocsin__bank_add(tocsin_bank *bank, uint64_t id, uint32_t *slot)
{
    const uint32_t found = tocsin__ids_find(&bank->ids, id);

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

    const uint32_t new_slot = bank_take_slot(bank);
    tocsin__tile *tile = tocsin__bank_tile(bank, new_slot);
    const uint32_t k = new_slot % TOCSIN_BANK_TILE;

    tile->used |= UINT64_C(1) << k;
    tile->id[k] = id;
    tile->active[k] = bank->latest;
    tocsin__pipeline_init(bank->spec, tocsin__tile_state(bank->spec, tile, k));
    tocsin__ids_add(&bank->ids, id, new_slot);
    bank->series++;
    bank->added++;
    *slot = new_slot;
    return TOCSIN_OK;
}

void tocsin__bank_read(const tocsin_bank *bank, uint32_t slot, void *state)
{
    memcpy(state, tocsin__tile_state(bank->spec, tocsin__bank_tile(bank, slot),
                                     slot % TOCSIN_BANK_TILE),
           bank->spec->state_size);
}

void tocsin__bank_put(tocsin_bank *bank, uint32_t slot, const void *state)
{
    const tocsin_spec *spec = bank->spec;
    tocsin__tile *tile = tocsin__bank_tile(bank, slot);
    const uint32_t k = slot % TOCSIN_BANK_TILE;
    const tocsin__clock_state *clock = tocsin__const_state_of(spec->clock, state);

    memcpy(tocsin__tile_state(spec, tile, k), state, spec->state_size);
    tile->active[k] = clock->points ? clock->time : bank->latest;
    if (tile->active[k] > bank->latest)
        bank->latest = tile->active[k];
    bank->idle_count = 0;           /* this one may be older than any of them */
}
