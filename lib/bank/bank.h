/* bank.h - what is inside a tocsin_bank, and what its files share. */
#ifndef TOCSIN__BANK_H
#define TOCSIN__BANK_H

#include "../pipeline/pipeline.h"
#include "ids.h"
#include "tocsin/bank.h"

/* ---- Tiles ------------------------------------------------------------------
 *
 * The states of 64 series, with what the bank itself knows of each: one block without
 * pointers, that begins at a cache line and can be moved as it is.  This struct, then
 * 64 states one after the other. */
typedef struct tocsin__tile {
    uint64_t used;                          /* bit k: a series lives in the tile's slot k */
    uint64_t reserved[7];
    uint64_t id[TOCSIN_BANK_TILE];          /* of the series; of a free slot: the next free slot */
    int64_t active[TOCSIN_BANK_TILE];       /* time of the last value, at first of being added */
} tocsin__tile;

/* Tiles are allocated several at a time; this stands before them. */
typedef struct tocsin__slab {
    struct tocsin__slab *next;
    size_t size;                            /* bytes of the allocation */
} tocsin__slab;

#define TOCSIN__CACHE_LINE 64

/* ---- Lanes ------------------------------------------------------------------
 *
 * What one thread collects while it works on a tick. */
typedef struct tocsin__lane {
    tocsin_bank_counts counts;
    int64_t latest;                         /* newest time of a value; TOCSIN_TIME_NONE: none */
    uint32_t listed;                        /* alarms in the heap */
    uint32_t reserved;
    tocsin_alarm absent;                    /* absences as one; series == 0: none */
} tocsin__lane;

/* ---- Banks ------------------------------------------------------------------ */

/* Candidates for eviction are found this many at a time. */
#define TOCSIN__IDLE_MAX 64

typedef struct tocsin__idle {
    int64_t active;                         /* the tile's entry when it was looked at */
    uint32_t slot;
    uint32_t reserved;
} tocsin__idle;

struct tocsin_bank {
    const tocsin_spec *spec;
    tocsin_allocator allocator;
    tocsin_bank_options options;            /* with the defaults resolved */

    tocsin__tile **tiles;
    uint32_t tile_count;
    uint32_t slots;                         /* slots ever in use */
    uint32_t series;
    uint32_t free_slot;                     /* the first of the free ones; TOCSIN_SLOT_NONE */
    tocsin__slab *slabs;
    tocsin__ids ids;
    size_t bytes;                           /* of all allocations */
    uint64_t added, removed, evicted, refused;
    int64_t latest;                         /* newest time of a value; TOCSIN_TIME_NONE: none yet */

    uint32_t is_ticking;
    uint32_t idle_count;                    /* candidates left, the last one being the next */
    tocsin__idle idle[TOCSIN__IDLE_MAX];

    tocsin_tick tick;                       /* the one that is under way */
    tocsin_bank_counts last, total;
};

/* At the next cache line follow options.lanes lanes, each with its heap of
 * options.alarms_per_round alarms. */
#define TOCSIN__BANK_HEAD_SIZE                                                    \
    ((sizeof(struct tocsin_bank) + (TOCSIN__CACHE_LINE - 1)) / TOCSIN__CACHE_LINE * \
     TOCSIN__CACHE_LINE)

static inline uint64_t tocsin__tile_size(const tocsin_spec *spec)
{
    return sizeof(tocsin__tile) + (uint64_t)TOCSIN_BANK_TILE * spec->state_size;
}

static inline tocsin__tile *tocsin__bank_tile(const tocsin_bank *bank, uint32_t slot)
{
    return bank->tiles[slot / TOCSIN_BANK_TILE];
}

/* The state of the tile's series k. */
static inline void *tocsin__tile_state(const tocsin_spec *spec, tocsin__tile *tile, uint32_t k)
{
    return (char *)(tile + 1) + k * spec->state_size;
}

/* Does a series live there? */
static inline int tocsin__bank_has(const tocsin_bank *bank, uint64_t slot)
{
    return slot < bank->slots &&
           (bank->tiles[slot / TOCSIN_BANK_TILE]->used >> slot % TOCSIN_BANK_TILE & 1) != 0;
}

/* Hand out a struct of `known` bytes to a caller who knows `size` of them, or more. */
static inline void tocsin__bank_hand_out(const void *from, size_t known, void *to, size_t size)
{
    memcpy(to, from, size < known ? size : known);
    if (size > known)
        memset((char *)to + known, 0, size - known);
}

/* ---- bank.c: series and storage ---------------------------------------------- */

/* Check a caller's options and resolve the defaults.  TOCSIN_ERROR_ARGUMENT. */
int tocsin__bank_options(tocsin_bank_options *resolved, const tocsin_bank_options *given);

/* Bytes of a bank with room for so many series. */
uint64_t tocsin__bank_size(const tocsin_spec *spec, const tocsin_bank_options *options,
                           uint32_t series);

int tocsin__bank_create(tocsin_bank **out, const tocsin_spec *spec,
                        const tocsin_bank_options *options, const tocsin_allocator *allocator);
void tocsin__bank_free(tocsin_bank *bank);

/* Room for so many series, at most max_series.  TOCSIN_ERROR_MEMORY. */
int tocsin__bank_reserve(tocsin_bank *bank, uint32_t series);

/* Find or add.  TOCSIN_ERROR_SPACE, TOCSIN_ERROR_MEMORY. */
int tocsin__bank_add(tocsin_bank *bank, uint64_t id, uint32_t *slot);

/* Remove the series in a slot that has one. */
void tocsin__bank_remove(tocsin_bank *bank, uint32_t slot);

/* Copy out the state of the series in a slot that has one, as a row: spec->state_size bytes. */
void tocsin__bank_read(const tocsin_bank *bank, uint32_t slot, void *state);

/* Replace the state of the series in a slot that has one. */
void tocsin__bank_put(tocsin_bank *bank, uint32_t slot, const void *state);

/* Series it may hold without allocating. */
uint64_t tocsin__bank_capacity(const tocsin_bank *bank);

/* Evict what has had no value since; how many. */
uint64_t tocsin__bank_evict(tocsin_bank *bank, int64_t since);

/* ---- fleet.c: a round's alarms ------------------------------------------------ */

/* Bytes of the lanes. */
uint64_t tocsin__fleet_size(const tocsin_bank_options *options);

tocsin__lane *tocsin__fleet_lane(tocsin_bank *bank, uint32_t lane);

/* A round begins: nothing is counted yet. */
void tocsin__fleet_start(tocsin_bank *bank);

/* An alarm has started with this verdict. */
void tocsin__fleet_ring(const tocsin_bank *bank, tocsin__lane *lane, uint32_t slot,
                        const tocsin_verdict *verdict);

/* A round ends: all lanes' alarms into one list, in lane 0, and all counts together. */
void tocsin__fleet_settle(tocsin_bank *bank);

/* Entry i of the list; NULL past its end. */
const tocsin_alarm *tocsin__fleet_alarm(const tocsin_bank *bank, size_t i);

/* ---- rounds.c: points ---------------------------------------------------------- */

/* A tick whose arguments are sound is under way: push the points of these tiles. */
void tocsin__rounds_range(tocsin_bank *bank, tocsin__lane *lane, uint32_t begin_tile,
                          uint32_t end_tile);

/* Where a sparse push writes. */
typedef struct tocsin__sparse_out {
    double *scores;
    tocsin_verdict *verdicts;
    size_t verdict_size;
} tocsin__sparse_out;

/* Push points; TOCSIN_OK or TOCSIN_INFO_IGNORED. */
int tocsin__rounds_push(tocsin_bank *bank, tocsin__lane *lane, const tocsin_point *points,
                        size_t count, int by_id, int mode, const tocsin__sparse_out *out);

#endif
