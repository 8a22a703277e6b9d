/* pushes.c - points of a shared tick, one by one and in any order, by kernels.
 *
 * Up to 64 series are brought together in a scratch tile, field by field, a kernel runs
 * over it as over any tile, and what it learnt is carried back.  A series has at most one
 * point in a tick, so the 64 are different ones.
 *
 * Each series is somewhere else in memory, and a walk that waited for it would do nothing but
 * wait.  So batches overlap: while one is computed, the fields of the next are on their way,
 * and with ids the table's cells of the one after it.
 *
 * A bank that lies in a cache has nothing to wait for, so nothing is asked for; there what costs is
 * that a kernel reads in one piece what was just written in many, and it is given the time in
 * which the next batch is looked up: there are two scratch tiles.
 *
 * Which fields?  Those that the kernel reads.  Counts matter only until every series is past
 * warm-up and has its final gain; whether that is so is looked up every 64 ticks of pushes, as
 * long as it is not, and then two cache lines per point are left: mean and variance.  This "lean"
 * way is also short: 57 instructions per point, a fifth of them the kernel's.
 *
 * Only for a spec whose points do not depend on when the last one came and that ends with `raw`:
 * of the others each lane would go its own way, by the way of a single series (rounds.c).
 */
#include "bank.h"

#include "../detect/kernel_jobs.h"
#include "mapped.h"

#if defined(__GNUC__)
#define PUSHES_PREFETCH(address, rw) __builtin_prefetch((address), (rw))
#else
#define PUSHES_PREFETCH(address, rw) ((void)(address))
#endif

#if defined(__clang__)
#define PUSHES_UNROLL _Pragma("clang loop unroll_count(8)")
#elif defined(__GNUC__)
#define PUSHES_UNROLL _Pragma("GCC unroll 8")
#else
#define PUSHES_UNROLL
#endif

#define PUSHES_AT(tile, place, type) ((type *)(void *)((char *)(tile) + (place)))

/* Where mean and variance stand in a tile that has nothing else which a tick touches. */
enum {
    PUSHES_MEAN = sizeof(tocsin__tile_head),
    PUSHES_VARIANCE = PUSHES_MEAN + TOCSIN__LANES * sizeof(double)
};

/* A series of a batch: where it lives. */
typedef struct pushes_place {
    char *tile, *cold;      /* `cold`: its counts and habits */
    size_t lane;
} pushes_place;

typedef struct pushes_batch {
    uint32_t count;
    uint32_t reserved;
    tocsin__tile_head *scratch;             /* where its series are brought together */
    char *at[TOCSIN__LANES];                /* lean: tiles, plus a byte per lane */
    pushes_place place[TOCSIN__LANES];      /* otherwise */
    double value[TOCSIN__LANES];
    uint8_t index[TOCSIN__LANES];           /* which of the points it is */
} pushes_batch;

/* The fields that the kernel reads: offsets of their columns in a tile or in its cold part. */
typedef struct pushes_fields {
    size_t mean, variance, reach, count, habit, outside;
    uint32_t is_plain, is_full;
} pushes_fields;

/* How points are pushed; known when this is compiled where it is one of the usual ways. */
typedef struct pushes_way {
    int by_id;
    int is_lean;            /* all that a point touches of its series is mean and variance, and
                               they are at the places above */
    int is_near;            /* all of the bank is in a cache: nothing to ask for */
} pushes_way;

/* ---- Counts ------------------------------------------------------------------------- */

#define PUSHES_LOOK_EVERY 64

/* The count from which on it no longer matters. */
static uint16_t pushes_full_count(const tocsin__ewma_job *job)
{
    uint32_t count = job->warmup;

    if (count < UINT16_MAX && ((double)count + 1) * job->gain < 1) {
        const double window = 1 / job->gain;

        count = window < UINT16_MAX ? (uint32_t)window : UINT16_MAX;
        while (count > job->warmup && !((double)count * job->gain < 1))
            count--;
        while (count < UINT16_MAX && ((double)count + 1) * job->gain < 1)
            count++;
    }
    return (uint16_t)count;
}

void tocsin__pushes_begin(tocsin_bank *bank)
{
    const uint16_t wanted = pushes_full_count(&bank->job.ewma);
    const uint32_t tiles = (bank->slots + (TOCSIN_BANK_TILE - 1)) / TOCSIN_BANK_TILE;

    if (bank->is_full || bank->look_again-- > 0)
        return;
    bank->look_again = PUSHES_LOOK_EVERY;
    for (uint32_t t = 0; t < tiles; t++) {
        const uint16_t *count = tocsin__tile_column(bank->tiles[t], bank->format.count);

        for (uint32_t k = 0; k < TOCSIN__LANES; k++)
            if (count[k] < wanted && (bank->tiles[t]->used >> k & 1) != 0)
                return;
    }
    bank->is_full = 1;
}

/* ---- Batches ------------------------------------------------------------------------- */

/* Points whose series are asked for before they are collected. */
#define PUSHES_ASKED (2 * TOCSIN__LANES)

/* What it takes to find a point's series and to see whether it may be pushed; returns the home of
 * its id, if it has one. */
static inline uint32_t pushes_ask(const tocsin_bank *bank, uint64_t key, int by_id)
{
    uint32_t home = 0;

    if (by_id && bank->ids.capacity) {
        home = tocsin__ids_home(&bank->ids, key);
        PUSHES_PREFETCH(&bank->ids.cells[home], 0);
    } else if (key < bank->slots) {
        PUSHES_PREFETCH(&bank->pushed[key / TOCSIN_BANK_TILE], 1);
    }
    return home;
}

static inline void pushes_prefetch(const tocsin__format *format, const pushes_fields *f,
                                   const pushes_place *place)
{
    if (format->more) {
        PUSHES_PREFETCH(place->tile, 0);
        PUSHES_PREFETCH(place->tile + format->more, 0);
        PUSHES_PREFETCH(place->cold + (format->times & (TOCSIN__COLD - 1)) +
                            place->lane * sizeof(int64_t), 1);
    }
    PUSHES_PREFETCH(place->tile + f->mean + place->lane * sizeof(double), 1);
    PUSHES_PREFETCH(place->tile + f->variance + place->lane * sizeof(float), 1);
    if (!f->is_full)
        PUSHES_PREFETCH(place->cold + f->count + place->lane * sizeof(uint16_t), 1);
    if (!f->is_plain) {
        PUSHES_PREFETCH(place->tile + f->reach + place->lane * sizeof(float), 1);
        PUSHES_PREFETCH(place->cold + f->habit + place->lane * sizeof(uint16_t), 1);
        PUSHES_PREFETCH(place->cold + f->outside + place->lane * sizeof(uint16_t), 1);
    }
}

/* The first tile, where all tiles stand behind it: then their directory need not be read. */
static char *pushes_only_slab(const tocsin_bank *bank)
{
    return bank->mapped || (bank->slabs && !bank->slabs->next) ? (char *)bank->tiles[0] : NULL;
}

/* In the order in which they came. */
static const uint8_t pushes_order[TOCSIN__LANES] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

/* Collect points by slot up to the first with which something is wrong; how many.  In a cache they
 * are brought together at once. */
static TOCSIN__INLINE uint32_t pushes_collect_lean(const tocsin_bank *bank, int is_near,
                                                   const tocsin_point *points, uint32_t count,
                                                   pushes_batch *batch)
{
    const uint32_t slots = bank->series == bank->slots ? bank->slots : 0;
    const int64_t time = bank->tick.time;
    const size_t tile_size = bank->format.tile_size;
    const size_t between = TOCSIN__BLOCK * bank->format.cold_size;     /* two blocks' tiles */
    char *const only = is_near ? NULL : pushes_only_slab(bank);
    tocsin__tile_head *const *const tiles = bank->tiles;
    uint64_t *const pushed = bank->pushed;
    double *mean = PUSHES_AT(batch->scratch, PUSHES_MEAN, double);
    float *variance = PUSHES_AT(batch->scratch, PUSHES_VARIANCE, float);

    memcpy(batch->index, pushes_order, sizeof pushes_order);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t key = points[i].key;
        const size_t t = (size_t)(key / TOCSIN__LANES), k = (size_t)(key % TOCSIN__LANES);
        const uint64_t bit = UINT64_C(1) << k;

        if (TOCSIN__RARELY(key >= slots || (pushed[t] & bit) != 0 ||
                           (points[i].time != time && points[i].time != TOCSIN_TIME_NONE)))
            return i;
        pushed[t] |= bit;

        char *tile = only ? only + t * tile_size + (uint32_t)t / TOCSIN__BLOCK * between
                          : (char *)tiles[t];
        batch->at[i] = tile + k;
        batch->value[i] = points[i].value;
        if (is_near) {
            mean[i] = PUSHES_AT(tile, PUSHES_MEAN, double)[k];
            variance[i] = PUSHES_AT(tile, PUSHES_VARIANCE, float)[k];
        } else {
            PUSHES_PREFETCH(tile + PUSHES_MEAN + k * sizeof *mean, 1);
            PUSHES_PREFETCH(tile + PUSHES_VARIANCE + k * sizeof *variance, 1);
        }
    }
    return count;
}

/* The next points, as many as a batch holds: those that have a slot and may be pushed.
 * TOCSIN_INFO_IGNORED if some may not. */
static TOCSIN__INLINE int pushes_collect(tocsin_bank *bank, tocsin__lane *lane,
                                         const pushes_fields *f, pushes_way way,
                                         const tocsin_point *points, const uint32_t *homes,
                                         uint32_t count, double *scores, pushes_batch *batch)
{
    const uint32_t slots = bank->slots;
    const int has_holes = bank->series != slots;
    const int64_t time = bank->tick.time;
    char *const only = way.is_near ? NULL : pushes_only_slab(bank);
    uint64_t *const pushed = bank->pushed;
    uint32_t n = way.is_lean ? pushes_collect_lean(bank, way.is_near, points, count, batch) : 0;

    for (uint32_t i = n; i < count; i++) {
        const uint64_t key = points[i].key;
        uint32_t slot = TOCSIN_SLOT_NONE;

        if (way.by_id && bank->ids.capacity)
            slot = tocsin__ids_find_from(&bank->ids, homes[i], key);
        else if (!way.by_id && key < slots && (!has_holes || tocsin__bank_has(bank, key)))
            slot = (uint32_t)key;

        const uint32_t t = slot / TOCSIN__LANES;
        const size_t k = slot % TOCSIN__LANES;
        const uint64_t bit = UINT64_C(1) << k;

        if (TOCSIN__RARELY(slot == TOCSIN_SLOT_NONE)) {
            lane->counts.unknown++;
        } else if (TOCSIN__RARELY(points[i].time != time || (pushed[t] & bit) != 0) &&
                   !tocsin__bank_takes(bank, lane, &points[i], slot)) {
            /* it has said why */
        } else {
            char *tile = only ? only + tocsin__format_tile(&bank->format, t)
                              : (char *)bank->tiles[t];

            pushed[t] |= bit;
            batch->value[n] = points[i].value;
            batch->index[n] = (uint8_t)i;
            if (way.is_lean) {
                batch->at[n] = tile + k;
                PUSHES_AT(batch->scratch, PUSHES_MEAN, double)[n] =
                    PUSHES_AT(tile, PUSHES_MEAN, double)[k];
                PUSHES_AT(batch->scratch, PUSHES_VARIANCE, float)[n] =
                    PUSHES_AT(tile, PUSHES_VARIANCE, float)[k];
            } else {
                batch->place[n] = (pushes_place){tile, tocsin__bank_cold(bank, t), k};
                if (!way.is_near)
                    pushes_prefetch(&bank->format, f, &batch->place[n]);
            }
            n++;
            continue;
        }
        if (scores)
            scores[i] = tocsin__nan();
    }
    batch->count = n;
    return n == count ? TOCSIN_OK : TOCSIN_INFO_IGNORED;
}

/* A lean batch's series into its scratch tile, and back. */
static TOCSIN__INLINE void pushes_gather_lean(const pushes_batch *batch)
{
    double *mean = PUSHES_AT(batch->scratch, PUSHES_MEAN, double);
    float *variance = PUSHES_AT(batch->scratch, PUSHES_VARIANCE, float);

    PUSHES_UNROLL
    for (size_t i = 0; i < batch->count; i++) {
        const size_t k = (uintptr_t)batch->at[i] % TOCSIN__LANES;
        const char *tile = batch->at[i] - k;

        mean[i] = ((const double *)(const void *)(tile + PUSHES_MEAN))[k];
        variance[i] = ((const float *)(const void *)(tile + PUSHES_VARIANCE))[k];
    }
}

static TOCSIN__INLINE void pushes_scatter_lean(const pushes_batch *batch)
{
    const double *mean = PUSHES_AT(batch->scratch, PUSHES_MEAN, double);
    const float *variance = PUSHES_AT(batch->scratch, PUSHES_VARIANCE, float);

    PUSHES_UNROLL
    for (size_t i = 0; i < batch->count; i++) {
        const size_t k = (uintptr_t)batch->at[i] % TOCSIN__LANES;
        char *tile = batch->at[i] - k;

        PUSHES_AT(tile, PUSHES_MEAN, double)[k] = mean[i];
        PUSHES_AT(tile, PUSHES_VARIANCE, float)[k] = variance[i];
    }
}

/* All counts that no longer matter do. */
static void pushes_fill_counts(const pushes_fields *f, tocsin__tile_head *scratch)
{
    memset((char *)scratch + scratch->cold + f->count, 0xff, TOCSIN__LANES * sizeof(uint16_t));
}

/* The same of any other batch. */
static void pushes_gather(const pushes_fields *f, const pushes_batch *batch)
{
    tocsin__tile_head *scratch = batch->scratch;
    char *cold = (char *)scratch + scratch->cold;

    for (uint32_t i = 0; i < batch->count; i++) {
        const pushes_place *place = &batch->place[i];
        const size_t k = place->lane;

        PUSHES_AT(scratch, f->mean, double)[i] = PUSHES_AT(place->tile, f->mean, double)[k];
        PUSHES_AT(scratch, f->variance, float)[i] = PUSHES_AT(place->tile, f->variance, float)[k];
        if (!f->is_full)
            PUSHES_AT(cold, f->count, uint16_t)[i] = PUSHES_AT(place->cold, f->count, uint16_t)[k];
        if (f->is_plain)
            continue;
        PUSHES_AT(scratch, f->reach, float)[i] = PUSHES_AT(place->tile, f->reach, float)[k];
        PUSHES_AT(cold, f->habit, uint16_t)[i] = PUSHES_AT(place->cold, f->habit, uint16_t)[k];
        PUSHES_AT(cold, f->outside, uint16_t)[i] = PUSHES_AT(place->cold, f->outside, uint16_t)[k];
    }
}

static void pushes_scatter(const pushes_fields *f, const pushes_batch *batch)
{
    tocsin__tile_head *scratch = batch->scratch;
    char *cold = (char *)scratch + scratch->cold;

    for (uint32_t i = 0; i < batch->count; i++) {
        const pushes_place *place = &batch->place[i];
        const size_t k = place->lane;

        PUSHES_AT(place->tile, f->mean, double)[k] = PUSHES_AT(scratch, f->mean, double)[i];
        PUSHES_AT(place->tile, f->variance, float)[k] = PUSHES_AT(scratch, f->variance, float)[i];
        if (!f->is_full)
            PUSHES_AT(place->cold, f->count, uint16_t)[k] = PUSHES_AT(cold, f->count, uint16_t)[i];
        if (f->is_plain)
            continue;
        PUSHES_AT(place->tile, f->reach, float)[k] = PUSHES_AT(scratch, f->reach, float)[i];
        PUSHES_AT(place->cold, f->habit, uint16_t)[k] = PUSHES_AT(cold, f->habit, uint16_t)[i];
        PUSHES_AT(place->cold, f->outside, uint16_t)[k] = PUSHES_AT(cold, f->outside, uint16_t)[i];
    }
}

/* Tiles with a lane that is not calm are not. */
static void pushes_note_habits(const pushes_fields *f, const pushes_batch *batch)
{
    const tocsin__tile_head *scratch = batch->scratch;
    const char *scratch_cold = (char *)scratch + scratch->cold;
    const uint16_t *habit = (const uint16_t *)(const void *)(scratch_cold + f->habit);
    const uint16_t *outside = (const uint16_t *)(const void *)(scratch_cold + f->outside);

    for (uint32_t i = 0; i < batch->count; i++)
        if (habit[i] | outside[i]) {
            tocsin__tile_head *tile = PUSHES_AT(batch->place[i].tile, 0, tocsin__tile_head);

            tile->flags &= ~(uint32_t)TOCSIN__TILE_CALM;
            tile->most = 0;
        }
}

/* What was learnt has a time. */
static void pushes_note_times(const tocsin_bank *bank, const pushes_batch *batch)
{
    const uint64_t learnt = batch->scratch->learnt;

    const tocsin__format *format = &bank->format;
    const size_t times = format->times & (TOCSIN__COLD - 1);
    const int64_t time = bank->tick.time;

    for (uint32_t i = 0; i < batch->count; i++) {
        const pushes_place *place = &batch->place[i];
        tocsin__tile_head *tile = PUSHES_AT(place->tile, 0, tocsin__tile_head);
        tocsin__tile_more *more = tocsin__tile_more_of(format, tile);

        if (!(learnt >> i & 1))
            continue;
        if (TOCSIN__RARELY(tile->state & TOCSIN__TILE_EVEN))
            tocsin__tile_part(format, tile);
        PUSHES_AT(place->cold, times, int64_t)[place->lane] = time;
        if (TOCSIN__RARELY(more->fresh >> place->lane & 1))
            more->fresh &= ~(UINT64_C(1) << place->lane);
    }
}

/* What the kernel leaves goes by the way of a single series. */
static double pushes_alone(tocsin_bank *bank, tocsin__lane *lane, uint32_t slot, double value)
{
    tocsin__outcome outcome;

    tocsin__outcome_init(&outcome);
    outcome.point.value = value;
    outcome.point.time = bank->tick.time;
    tocsin__rounds_point(bank, lane, slot, 0, TOCSIN_LEARN_AND_SCORE, &outcome);
    return outcome.rarity.score;
}

/* Not everything was learnt: what has no value has missed the tick, the rest is left. */
static void pushes_run_rest(tocsin_bank *bank, tocsin__lane *lane, const tocsin_point *points,
                            const pushes_batch *batch, int by_id, double *statistics)
{
    const tocsin__tile_head *scratch = batch->scratch;

    for (uint32_t i = 0; i < batch->count; i++) {
        const uint64_t key = points[batch->index[i]].key;

        if (scratch->left >> i & 1) {
            statistics[i] = pushes_alone(
                bank, lane, by_id ? tocsin__ids_find(&bank->ids, key) : (uint32_t)key,
                batch->value[i]);
        } else {
            lane->counts.points++;
            lane->counts.missing += !(scratch->learnt >> i & 1);
        }
    }
}

/* Mapped banks: where the batch's series are. */
static void pushes_find(const pushes_batch *batch, uintptr_t *places)
{
    for (uint32_t i = 0; i < batch->count; i++)
        places[i] = (uintptr_t)batch->place[i].tile + batch->place[i].lane;
}

static TOCSIN__INLINE void pushes_run(tocsin_bank *bank, tocsin__lane *lane,
                                      const pushes_fields *f, pushes_way way,
                                      const tocsin_point *points, double *scores,
                                      pushes_batch *batch)
{
    const uint32_t n = batch->count;
    const int is_whole = n == TOCSIN__LANES;
    tocsin__tile_head *scratch = batch->scratch;
    double sorted_out[TOCSIN__LANES];
    uintptr_t places[TOCSIN__LANES];
    double *statistics = scores && is_whole ? scores : sorted_out;
    tocsin__tiles tiles;

    if (!way.is_lean && bank->mapped) {
        pushes_find(batch, places);
        tocsin__mapped_log_batch(bank, lane, scratch, places, n, !f->is_full);
    }
    for (uint32_t i = n; i < TOCSIN__LANES; i++)
        batch->value[i] = 0;
    scratch->used = scratch->take = is_whole ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
    scratch->flags = f->is_full ? TOCSIN__TILE_FULL : 0;
    memset(&tiles, 0, sizeof tiles);
    tiles.first = (char *)scratch;
    tiles.count = 1;
    tiles.values = batch->value;
    tiles.statistics = scores ? statistics : NULL;
    tocsin__columns_run(bank, &tiles);
    if (way.is_lean) {
        pushes_scatter_lean(batch);
    } else {
        pushes_scatter(f, batch);
        if (!f->is_plain && !(scratch->flags & TOCSIN__TILE_CALM))
            pushes_note_habits(f, batch);
        if (bank->format.more)
            pushes_note_times(bank, batch);
    }
    if (scratch->learnt)
        lane->latest = bank->tick.time;
    if (TOCSIN__RARELY(scratch->learnt != scratch->take))
        pushes_run_rest(bank, lane, points, batch, way.by_id, statistics);
    else
        lane->counts.points += n;
    if (!way.is_lean && bank->mapped)
        tocsin__mapped_commit_batch(bank, lane, places, n);
    if (scores && !is_whole)
        for (uint32_t i = 0; i < n; i++)
            scores[batch->index[i]] = statistics[i];
}

/* A batch is collected, then the one before it is run.  In a cache it is brought together at
 * once, so that what was written in many pieces has reached memory when the kernel reads it in
 * one; else when it is due, and has been on its way since it was collected. */
static TOCSIN__INLINE int pushes_push(tocsin_bank *bank, tocsin__lane *lane,
                                      const pushes_fields *f, pushes_way way,
                                      const tocsin_point *points, size_t count, double *scores)
{
    pushes_batch batches[2];
    int status = TOCSIN_OK;
    const int asks = way.by_id || !way.is_near;
    uint32_t homes[PUSHES_ASKED];
    size_t asked = 0, before = 0;

    batches[1].count = 0;
    for (size_t b = 0; b < 2; b++) {
        batches[b].scratch = lane->tile[b];
        if (f->is_full)
            pushes_fill_counts(f, batches[b].scratch);
    }
    for (size_t done = 0, b = 0;; b = 1 - b) {
        const size_t left = count - done;
        const uint32_t next = left < TOCSIN__LANES ? (uint32_t)left : TOCSIN__LANES;

        for (; asks && asked < count && asked < done + PUSHES_ASKED; asked++)
            homes[asked % PUSHES_ASKED] = pushes_ask(bank, points[asked].key, way.by_id);
        if (pushes_collect(bank, lane, f, way, points + done, homes + done % PUSHES_ASKED, next,
                           scores ? scores + done : NULL, &batches[b]) != TOCSIN_OK)
            status = TOCSIN_INFO_IGNORED;
        if (way.is_near && !way.is_lean)
            pushes_gather(f, &batches[b]);
        if (batches[1 - b].count) {
            if (!way.is_near && way.is_lean)
                pushes_gather_lean(&batches[1 - b]);
            else if (!way.is_near)
                pushes_gather(f, &batches[1 - b]);
            pushes_run(bank, lane, f, way, points + before, scores ? scores + before : NULL,
                       &batches[1 - b]);
        }
        if (next == 0)
            return status;
        before = done;
        done += next;
    }
}

/* A bank that small is in a second cache, where it is as quickly fetched as asked for. */
#define PUSHES_NEAR ((uint64_t)512 << 10)

static int pushes_is_near(const tocsin_bank *bank)
{
    return bank->bytes <= PUSHES_NEAR;
}

int tocsin__pushes_take(const tocsin_bank *bank)
{
    return bank->by_kernel && bank->format.kind == TOCSIN__EWMA_KERNEL &&
           !bank->format.needs_times;
}

int tocsin__pushes_push(tocsin_bank *bank, tocsin__lane *lane, const tocsin_point *points,
                        size_t count, int by_id, double *scores)
{
    const tocsin__ewma_job *job = &bank->job.ewma;
    const size_t warm = TOCSIN__COLD - 1;
    const pushes_fields f = {job->mean,         job->variance,     job->reach,
                             job->count & warm, job->habit & warm, job->outside & warm,
                             job->is_plain,     bank->is_full};
    const pushes_way near = {0, 1, 1}, far = {0, 1, 0};
    const pushes_way general = {by_id, 0, pushes_is_near(bank)};

    if (by_id || !f.is_plain || !f.is_full || bank->format.more || bank->mapped ||
        f.mean != PUSHES_MEAN || f.variance != PUSHES_VARIANCE)
        return pushes_push(bank, lane, &f, general, points, count, scores);
    if (general.is_near)
        return pushes_push(bank, lane, &f, near, points, count, scores);
    return pushes_push(bank, lane, &f, far, points, count, scores);
}
