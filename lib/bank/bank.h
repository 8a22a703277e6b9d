/* bank.h - what is inside a tocsin_bank, and what its files share. */
#ifndef TOCSIN__BANK_H
#define TOCSIN__BANK_H

#include "ids.h"
#include "tiles.h"

/* ---- Storage -----------------------------------------------------------------
 *
 * Tiles are allocated several at a time, in slabs that this stands before. */
typedef struct tocsin__slab {
    struct tocsin__slab *next;
    size_t size;                            /* bytes of the allocation */
    uint32_t first, count;                  /* tiles */
} tocsin__slab;

/* ---- Lanes ------------------------------------------------------------------
 *
 * What one thread collects while it works on a tick. */
typedef struct tocsin__lane {
    tocsin_bank_counts counts;
    int64_t latest;                         /* newest time of a value; TOCSIN_TIME_NONE: none */
    uint32_t listed;                        /* alarms in the heap */
    uint32_t has_gone_back;                 /* a value was older than its series, or a candidate */
    tocsin_alarm absent;                    /* absences as one; series == 0: none */
    void *row;                              /* scratch: a series' state */
    double *values;                         /* scratch: a point of several metrics */
    tocsin__tile_head *tile[2];             /* scratch: tiles in columns */
    struct tocsin__undo *undo;              /* mapped banks: what takes back work under way */
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
    tocsin__format format;

    tocsin__tile_head **tiles;
    /* With a shared clock, a bit per slot. */
    uint64_t *pushed;                       /* in a tick of pushes: it has had its point ... */
    uint64_t *noted;                        /* ... and no time is left to note: pushes.c */
    uint64_t *stirred;                      /* where pushes go to kernels: its habit may not be 0 */
    uint32_t tile_count;
    uint32_t slots;                         /* slots ever in use */
    uint32_t series;
    uint32_t free_slot;                     /* the first of the free ones; TOCSIN_SLOT_NONE */
    tocsin__slab *slabs;
    tocsin__ids ids;
    struct tocsin__classes *classes;        /* NULL: it knows none */
    struct tocsin__mapped *mapped;          /* NULL: the tiles are the allocator's */
    size_t bytes;                           /* of all allocations */
    uint64_t added, removed, evicted, refused;
    uint64_t changes;                       /* counts whatever may have changed a series */
    int64_t latest;                         /* newest time of a value; TOCSIN_TIME_NONE: none yet */

    uint32_t is_ticking;
    uint32_t idle_count;                    /* candidates left, the last one being the next */
    tocsin__idle idle[TOCSIN__IDLE_MAX];

    tocsin__clock_state clock, clock_before;    /* shared: now, and before the tick */
    uint32_t tick_flags;                    /* shared: what the clock says of the tick */
    uint32_t by_kernel;                     /* the tick's points go to kernels */
    uint32_t is_pushed;                     /* shared: the tick's points are pushed one by one */
    uint32_t is_full;                       /* pushes.c: counts no longer matter, of any series */
    uint32_t look_again;                    /* ticks until that is looked up */
    uint32_t is_unsettled;                  /* tiles may have habits that are left to drain, and
                                               `stirred` does not know of all */
    union {
        tocsin__ewma_job ewma;
        tocsin__holt_job holt;
    } job;                                  /* all but tiles */
    tocsin_tick tick;                       /* the one that is under way */
    tocsin_bank_counts last, total;
};

/* At the next cache line follow a new series' state, then options.lanes lanes, each with its heap
 * of options.alarms_per_round alarms and its scratch memory. */
#define TOCSIN__BANK_HEAD_SIZE                                                    \
    ((sizeof(struct tocsin_bank) + (TOCSIN__CACHE_LINE - 1)) / TOCSIN__CACHE_LINE * \
     TOCSIN__CACHE_LINE)

static inline tocsin__tile_head *tocsin__bank_tile(const tocsin_bank *bank, uint32_t slot)
{
    return bank->tiles[slot / TOCSIN_BANK_TILE];
}

/* A tile's cold columns; mostly without a look at its head. */
static inline char *tocsin__bank_cold(const tocsin_bank *bank, uint32_t t)
{
    const uint32_t place = t % TOCSIN__BLOCK, behind = bank->tile_count - (t - place);

    if (bank->slabs && bank->slabs->next)
        return (char *)bank->tiles[t] + bank->tiles[t]->cold;
    return (char *)bank->tiles[t] +
           tocsin__format_cold(&bank->format, place,
                               behind < TOCSIN__BLOCK ? behind : TOCSIN__BLOCK);
}

static inline int tocsin__bank_is_shared(const tocsin_bank *bank)
{
    return bank->options.clock == TOCSIN_CLOCK_SHARED;
}

static inline int tocsin__bank_is_in_columns(const tocsin_bank *bank)
{
    return bank->format.kind != TOCSIN__NO_KERNEL;
}

/* What a series goes by: its id, or where none are kept its slot. */
static inline uint64_t tocsin__bank_key(const tocsin_bank *bank, uint32_t slot)
{
    return bank->format.ids ? tocsin__tile_ids(&bank->format, tocsin__bank_tile(bank, slot))
                                  [slot % TOCSIN_BANK_TILE]
                            : slot;
}

static inline size_t tocsin__bank_row_size(const tocsin_spec *spec)
{
    return (spec->state_size + (TOCSIN__CACHE_LINE - 1)) / TOCSIN__CACHE_LINE * TOCSIN__CACHE_LINE;
}

/* A new series' state. */
static inline const void *tocsin__bank_initial(const tocsin_bank *bank)
{
    return (const char *)(const void *)bank + TOCSIN__BANK_HEAD_SIZE;
}

/* Since when the series is idle: the time of its last value, or of being added. */
static inline int64_t tocsin__bank_active(const tocsin_bank *bank, uint32_t slot)
{
    return tocsin__tile_active(&bank->format, tocsin__bank_tile(bank, slot),
                               slot % TOCSIN_BANK_TILE);
}

/* The clock of a series that shares the bank's: all of it but when that series was learnt. */
static inline void tocsin__bank_share_clock(const tocsin__clock_state *shared,
                                            tocsin__clock_state *clock)
{
    const int64_t learnt = clock->learnt;
    const uint16_t has_learnt = clock->has_learnt;

    *clock = *shared;
    clock->learnt = learnt;
    clock->has_learnt = has_learnt;
}

/* Does a series live there? */
static inline int tocsin__bank_has(const tocsin_bank *bank, uint64_t slot)
{
    return slot < bank->slots &&
           (bank->tiles[slot / TOCSIN_BANK_TILE]->used >> slot % TOCSIN_BANK_TILE & 1) != 0;
}

/* Does a shared tick take this point?  It comes once for each series, and at the tick's time. */
static inline int tocsin__bank_takes(tocsin_bank *bank, tocsin__lane *lane,
                                     const tocsin_point *point, uint32_t slot)
{
    const uint64_t bit = UINT64_C(1) << slot % TOCSIN_BANK_TILE;
    uint64_t *pushed = &bank->pushed[slot / TOCSIN_BANK_TILE];

    if (TOCSIN__RARELY(point->time != TOCSIN_TIME_NONE && point->time != bank->tick.time)) {
        lane->counts.late++;
        return 0;
    }
    if (TOCSIN__RARELY(*pushed & bit)) {
        lane->counts.repeated++;
        return 0;
    }
    *pushed |= bit;
    return 1;
}

/* Lane k of tile t got this row, with whatever habit that has. */
static inline void tocsin__bank_stir(tocsin_bank *bank, uint32_t t, uint32_t k, const void *row)
{
    const uint64_t bit = UINT64_C(1) << k;
    uint16_t habit, outside;

    memcpy(&habit, (const char *)row + bank->format.habit_row, sizeof habit);
    memcpy(&outside, (const char *)row + bank->format.outside_row, sizeof outside);
    if (habit | outside)
        bank->stirred[t] |= bit;
    else
        bank->stirred[t] &= ~bit;
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

/* For a new bank: have these tiles and no others.  TOCSIN_ERROR_MEMORY. */
int tocsin__bank_adopt(tocsin_bank *bank, char *tiles, uint32_t tile_count);

/* The place of tile t in its block, and how many tiles that has. */
void tocsin__bank_block(const tocsin_bank *bank, uint32_t t, uint32_t *place,
                        uint32_t *neighbours);

/* Find the series in its tiles' `used`, of which so many slots were ever in use, and the list of
 * free slots, whose first one is said to be `free_slot`.  TOCSIN_ERROR_FORMAT: there is a series
 * beyond, or two have one id. */
int tocsin__bank_recount(tocsin_bank *bank, uint32_t slots, uint32_t free_slot);

/* Room for so many series, at most max_series.  TOCSIN_ERROR_MEMORY; TOCSIN_ERROR_SPACE: the tiles
 * are mapped. */
int tocsin__bank_reserve(tocsin_bank *bank, uint32_t series);

/* Find or add.  TOCSIN_ERROR_SPACE, TOCSIN_ERROR_MEMORY. */
int tocsin__bank_add(tocsin_bank *bank, uint64_t id, uint32_t *slot);

/* Remove the series in a slot that has one. */
void tocsin__bank_remove(tocsin_bank *bank, uint32_t slot);

/* Copy out the state of the series in a slot that has one, as a row: spec->state_size bytes. */
void tocsin__bank_read(const tocsin_bank *bank, uint32_t slot, void *state);

/* Replace the state of the series in a slot that has one. */
void tocsin__bank_put(tocsin_bank *bank, uint32_t slot, const void *state);

/* Add an id that is not there in a slot that was never in use, where there is room for it:
 * tocsin__bank_reserve().  Slots below it that were never in use either become free ones. */
void tocsin__bank_add_at(tocsin_bank *bank, uint64_t id, uint32_t slot);

/* The free slot that is taken after this one; of TOCSIN_SLOT_NONE: the first; TOCSIN_SLOT_NONE: no
 * more. */
uint32_t tocsin__bank_free_after(const tocsin_bank *bank, uint32_t slot);

/* From now on free slots are taken in this order, if these are all of them, each once; else the
 * lowest first.  Slots up to `slots` count as having been in use; there is room for them. */
void tocsin__bank_free_put(tocsin_bank *bank, uint32_t slots, const uint32_t *order,
                           uint32_t count);

/* Replace the state and that time. */
void tocsin__bank_restore(tocsin_bank *bank, uint32_t slot, const void *state, int64_t active);

/* The clock that all series share, and another one in its place.  Only with
 * TOCSIN_CLOCK_SHARED; only where there are no series. */
void tocsin__bank_clock_read(const tocsin_bank *bank, void *clock);
void tocsin__bank_clock_put(tocsin_bank *bank, const void *clock);

/* Series it may hold without allocating. */
uint64_t tocsin__bank_capacity(const tocsin_bank *bank);

/* Evict what has had no value since; how many. */
uint64_t tocsin__bank_evict(tocsin_bank *bank, int64_t since);

/* ---- fleet.c: a round's alarms ------------------------------------------------ */

/* Bytes of the lanes. */
uint64_t tocsin__fleet_size(const tocsin_bank_options *options, const tocsin__format *format,
                            const tocsin_spec *spec);

tocsin__lane *tocsin__fleet_lane(tocsin_bank *bank, uint32_t lane);

/* A new bank's lanes. */
void tocsin__fleet_init(tocsin_bank *bank);

/* A round begins: nothing is counted yet. */
void tocsin__fleet_start(tocsin_bank *bank);

/* An alarm has started with this. */
void tocsin__fleet_ring(const tocsin_bank *bank, tocsin__lane *lane, uint32_t slot,
                        const tocsin__outcome *outcome);

/* A round ends: all lanes' alarms into one list, in lane 0, and all counts together. */
void tocsin__fleet_settle(tocsin_bank *bank);

/* Entry i of the list; NULL past its end. */
const tocsin_alarm *tocsin__fleet_alarm(const tocsin_bank *bank, size_t i);

/* ---- rounds.c: points ---------------------------------------------------------- */

/* Begin a tick whose arguments are sound.  TOCSIN_ERROR_TIME: a shared clock is past it. */
int tocsin__rounds_begin(tocsin_bank *bank, const tocsin_tick *tick);

/* Push a tick's points of these tiles.  Its arrays begin with the slot `base`. */
void tocsin__rounds_range(tocsin_bank *bank, tocsin__lane *lane, const tocsin_tick *tick,
                          uint32_t base, uint32_t begin_tile, uint32_t end_tile);

/* The tick is over: whoever shares its clock and had no point has missed it. */
void tocsin__rounds_end(tocsin_bank *bank);

/* Push one point, or silence, and note what came of it.  `outcome->point` comes as for
 * tocsin__pipeline_push(). */
int tocsin__rounds_point(tocsin_bank *bank, tocsin__lane *lane, uint32_t slot, int is_silence,
                         int mode, tocsin__outcome *outcome);

/* Where a sparse push has its rows from, if the points have several metrics, and where it writes. */
typedef struct tocsin__sparse_out {
    const double *rows;
    double *scores;
    tocsin_verdict *verdicts;
    size_t verdict_size;
} tocsin__sparse_out;

/* Push points; TOCSIN_OK or TOCSIN_INFO_IGNORED. */
int tocsin__rounds_push(tocsin_bank *bank, tocsin__lane *lane, const tocsin_point *points,
                        size_t count, int by_id, int mode, const tocsin__sparse_out *out);

/* ---- columns.c: ticks by kernels --------------------------------------------------- */

/* Whether the tick that begins goes to kernels; if so, the job is prepared. */
int tocsin__columns_begin(tocsin_bank *bank);

/* Push the points of these tiles. */
void tocsin__columns_range(tocsin_bank *bank, tocsin__lane *lane, const tocsin_tick *tick,
                           uint32_t base, uint32_t begin_tile, uint32_t end_tile);

/* Are points of a tick that goes to kernels worth trying tocsin__columns_push() with? */
static inline int tocsin__columns_take(const tocsin_bank *bank)
{
    return bank->by_kernel && bank->format.needs_times && !bank->mapped;
}

/* Learn a point and score it (`score` may be NULL), if it does no more to its series than most points
 * do: its alarm is at rest and does not hear of it.  0: it does, and nothing has changed. */
int tocsin__columns_push(const tocsin_bank *bank, tocsin__lane *lane, uint32_t slot, double value,
                         double *score);

/* Before pushes, which take single habits out of the tiles: nothing of any tile is left to drain,
 * and it is known which lanes may have some. */
void tocsin__columns_settle(tocsin_bank *bank);

/* Run the tick's kernel over these tiles.  Says of which not all lanes have learnt. */
uint64_t tocsin__columns_run(const tocsin_bank *bank, const tocsin__tiles *tiles);

/* ---- pushes.c: points of a shared tick by kernels ---------------------------------- */

/* Do pushes within this tick go to kernels? */
int tocsin__pushes_take(const tocsin_bank *bank);

/* A tick begins whose pushes do. */
void tocsin__pushes_begin(tocsin_bank *bank);

/* Any tick of pushes ends: note when what was pushed was learnt, and forget what was. */
void tocsin__pushes_end(tocsin_bank *bank);

/* Push points, learnt and scored; TOCSIN_OK or TOCSIN_INFO_IGNORED. */
int tocsin__pushes_push(tocsin_bank *bank, tocsin__lane *lane, const tocsin_point *points,
                        size_t count, int by_id, double *scores);

#endif
