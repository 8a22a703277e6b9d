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
 * which the next batch is looked up.
 *
 * Which fields?  Those that the kernel reads.  Counts matter only until every series is past
 * warm-up and has its final gain; whether that is so is looked up every 64 ticks of pushes, as
 * long as it is not, and then two cache lines per point are left: mean and variance.
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

#define PUSHES_AT(tile, place, type) ((type *)(void *)((char *)(tile) + (place)))

/* A series of a batch: where it lives, and which of the batch's points is its. */
typedef struct pushes_place {
    char *tile, *cold;      /* `cold`: its counts and habits */
    uint32_t lane;
    uint32_t index;
} pushes_place;

typedef struct pushes_batch {
    uint32_t count;
    uint32_t reserved;
    pushes_place place[TOCSIN__LANES];
    double value[TOCSIN__LANES];
} pushes_batch;

/* The fields that the kernel reads: offsets of their columns in a tile or in its cold part. */
typedef struct pushes_fields {
    size_t mean, variance, reach, count, habit, outside;
    uint32_t is_plain, is_full;
    uint32_t is_near;           /* all of the bank is in a cache: nothing to ask for */
    uint32_t reserved;
} pushes_fields;

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

/* What it takes to find a point's series and to see whether it may be pushed. */
static inline void pushes_ask(const tocsin_bank *bank, uint64_t key, int by_id)
{
    if (by_id)
        PUSHES_PREFETCH(&bank->ids.cells[tocsin__ids_home(&bank->ids, key)], 0);
    else if (key < bank->slots)
        PUSHES_PREFETCH(&bank->pushed[key / TOCSIN_BANK_TILE], 1);
}

static inline void pushes_prefetch(const pushes_fields *f, const char *tile, const char *cold,
                                   size_t k)
{
    PUSHES_PREFETCH(tile + f->mean + k * sizeof(double), 1);
    PUSHES_PREFETCH(tile + f->variance + k * sizeof(float), 1);
    if (!f->is_full)
        PUSHES_PREFETCH(cold + f->count + k * sizeof(uint16_t), 1);
    if (!f->is_plain) {
        PUSHES_PREFETCH(tile + f->reach + k * sizeof(float), 1);
        PUSHES_PREFETCH(cold + f->habit + k * sizeof(uint16_t), 1);
        PUSHES_PREFETCH(cold + f->outside + k * sizeof(uint16_t), 1);
    }
}

/* The first tile, where all tiles stand behind it: then their directory need not be read. */
static char *pushes_only_slab(const tocsin_bank *bank)
{
    return bank->mapped || (bank->slabs && !bank->slabs->next) ? (char *)bank->tiles[0] : NULL;
}

/* The next points, as many as a batch holds: those that have a slot and may be pushed.
 * TOCSIN_INFO_IGNORED if some may not. */
static TOCSIN__INLINE int pushes_collect(tocsin_bank *bank, tocsin__lane *lane, const pushes_fields *f,
                          const tocsin_point *points, uint32_t count, int by_id, double *scores,
                          pushes_batch *batch)
{
    const uint32_t slots = bank->slots;
    const int has_holes = bank->series != slots;
    char *const only = pushes_only_slab(bank);
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++) {
        const uint64_t key = points[i].key;
        uint32_t slot = TOCSIN_SLOT_NONE;

        if (by_id)
            slot = tocsin__ids_find(&bank->ids, key);
        else if (key < slots && (!has_holes || tocsin__bank_has(bank, key)))
            slot = (uint32_t)key;
        if (TOCSIN__RARELY(slot == TOCSIN_SLOT_NONE)) {
            lane->counts.unknown++;
        } else if (tocsin__bank_takes(bank, lane, &points[i], slot)) {
            const uint32_t t = slot / TOCSIN__LANES;
            char *tile = only ? only + tocsin__format_tile(&bank->format, t)
                              : (char *)bank->tiles[t];
            char *cold = f->is_plain && f->is_full ? tile : tocsin__bank_cold(bank, t);

            if (!f->is_near)
                pushes_prefetch(f, tile, cold, slot % TOCSIN__LANES);
            batch->place[n].tile = tile;
            batch->place[n].cold = cold;
            batch->place[n].lane = slot % TOCSIN__LANES;
            batch->place[n].index = i;
            batch->value[n++] = points[i].value;
            continue;
        }
        if (scores)
            scores[i] = tocsin__nan();
    }
    batch->count = n;
    return n == count ? TOCSIN_OK : TOCSIN_INFO_IGNORED;
}

/* The batch's series into the scratch tile, and back. */
static void pushes_gather(const pushes_fields *f, tocsin__tile_head *scratch,
                          const pushes_batch *batch)
{
    const uint32_t n = batch->count;
    char *scratch_cold = (char *)scratch + scratch->cold;
    double *mean = PUSHES_AT(scratch, f->mean, double);
    float *variance = PUSHES_AT(scratch, f->variance, float);

    for (uint32_t i = 0; i < n; i++) {
        const pushes_place place = batch->place[i];

        mean[i] = PUSHES_AT(place.tile, f->mean, double)[place.lane];
        variance[i] = PUSHES_AT(place.tile, f->variance, float)[place.lane];
    }
    if (f->is_full)         /* any count that no longer matters does */
        memset(PUSHES_AT(scratch_cold, f->count, uint16_t), 0xff, TOCSIN__LANES * sizeof(uint16_t));
    else
        for (uint32_t i = 0; i < n; i++)
            PUSHES_AT(scratch_cold, f->count, uint16_t)[i] =
                PUSHES_AT(batch->place[i].cold, f->count, uint16_t)[batch->place[i].lane];
    if (f->is_plain)
        return;
    for (uint32_t i = 0; i < n; i++) {
        const pushes_place place = batch->place[i];

        PUSHES_AT(scratch, f->reach, float)[i] =
            PUSHES_AT(place.tile, f->reach, float)[place.lane];
        PUSHES_AT(scratch_cold, f->habit, uint16_t)[i] =
            PUSHES_AT(place.cold, f->habit, uint16_t)[place.lane];
        PUSHES_AT(scratch_cold, f->outside, uint16_t)[i] =
            PUSHES_AT(place.cold, f->outside, uint16_t)[place.lane];
    }
}

static void pushes_scatter(const pushes_fields *f, tocsin__tile_head *scratch,
                           const pushes_batch *batch)
{
    const uint32_t n = batch->count;
    char *scratch_cold = (char *)scratch + scratch->cold;
    const double *mean = PUSHES_AT(scratch, f->mean, double);
    const float *variance = PUSHES_AT(scratch, f->variance, float);

    for (uint32_t i = 0; i < n; i++) {
        const pushes_place place = batch->place[i];

        PUSHES_AT(place.tile, f->mean, double)[place.lane] = mean[i];
        PUSHES_AT(place.tile, f->variance, float)[place.lane] = variance[i];
    }
    if (!f->is_full)
        for (uint32_t i = 0; i < n; i++)
            PUSHES_AT(batch->place[i].cold, f->count, uint16_t)[batch->place[i].lane] =
                PUSHES_AT(scratch_cold, f->count, uint16_t)[i];
    if (f->is_plain)
        return;
    for (uint32_t i = 0; i < n; i++) {
        const pushes_place place = batch->place[i];

        PUSHES_AT(place.tile, f->reach, float)[place.lane] =
            PUSHES_AT(scratch, f->reach, float)[i];
        PUSHES_AT(place.cold, f->habit, uint16_t)[place.lane] =
            PUSHES_AT(scratch_cold, f->habit, uint16_t)[i];
        PUSHES_AT(place.cold, f->outside, uint16_t)[place.lane] =
            PUSHES_AT(scratch_cold, f->outside, uint16_t)[i];
    }
}

/* Tiles with a lane that is not calm are not. */
static void pushes_note_habits(const pushes_fields *f, tocsin__tile_head *scratch,
                               const pushes_batch *batch)
{
    char *scratch_cold = (char *)scratch + scratch->cold;
    const uint16_t *habit = PUSHES_AT(scratch_cold, f->habit, uint16_t);
    const uint16_t *outside = PUSHES_AT(scratch_cold, f->outside, uint16_t);

    for (uint32_t i = 0; i < batch->count; i++)
        if (habit[i] | outside[i]) {
            tocsin__tile_head *tile = PUSHES_AT(batch->place[i].tile, 0, tocsin__tile_head);

            tile->flags &= ~(uint32_t)TOCSIN__TILE_CALM;
            tile->most = 0;
        }
}

/* What was learnt has a time. */
static void pushes_note_times(const tocsin_bank *bank, const pushes_batch *batch,
                              uint64_t learnt)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        tocsin__tile_head *tile = PUSHES_AT(batch->place[i].tile, 0, tocsin__tile_head);
        const uint32_t k = batch->place[i].lane;

        if (!(learnt >> i & 1))
            continue;
        tocsin__tile_part(&bank->format, tile);
        tocsin__tile_times(&bank->format, tile)[k] = bank->tick.time;
        tocsin__tile_more_of(&bank->format, tile)->fresh &= ~(UINT64_C(1) << k);
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
    const tocsin__tile_head *scratch = lane->tile;

    for (uint32_t i = 0; i < batch->count; i++) {
        const uint64_t key = points[batch->place[i].index].key;

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

static void pushes_run(tocsin_bank *bank, tocsin__lane *lane, const pushes_fields *f,
                       const tocsin_point *points, int by_id, double *scores,
                       pushes_batch *batch)
{
    const uint32_t n = batch->count;
    const int is_whole = n == TOCSIN__LANES;
    tocsin__tile_head *scratch = lane->tile;
    double sorted_out[TOCSIN__LANES];
    uintptr_t places[TOCSIN__LANES];
    double *statistics = scores && is_whole ? scores : sorted_out;
    tocsin__tiles tiles;

    if (!f->is_near)
        pushes_gather(f, scratch, batch);
    if (bank->mapped) {
        pushes_find(batch, places);
        tocsin__mapped_log_batch(bank, lane, places, n, !f->is_full);
    }
    for (uint32_t i = n; i < TOCSIN__LANES; i++)
        batch->value[i] = 0;
    scratch->used = scratch->take = is_whole ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
    scratch->flags = f->is_full ? TOCSIN__TILE_FULL : 0;
    memset(&tiles, 0, sizeof tiles);
    tiles.first = (char *)scratch;
    tiles.size = bank->format.tile_size;
    tiles.count = 1;
    tiles.values = batch->value;
    tiles.statistics = statistics;
    tocsin__columns_run(bank, &tiles);
    pushes_scatter(f, scratch, batch);
    if (!f->is_plain && !(scratch->flags & TOCSIN__TILE_CALM))
        pushes_note_habits(f, scratch, batch);
    if (bank->format.more)
        pushes_note_times(bank, batch, scratch->learnt);
    if (scratch->learnt)
        lane->latest = bank->tick.time;
    if (TOCSIN__RARELY(scratch->learnt != scratch->take))
        pushes_run_rest(bank, lane, points, batch, by_id, statistics);
    else
        lane->counts.points += n;
    if (bank->mapped)
        tocsin__mapped_commit_batch(bank, lane, places, n);
    if (scores && !is_whole)
        for (uint32_t i = 0; i < n; i++)
            scores[batch->place[i].index] = statistics[i];
}

/* A bank that small is in a processor's second cache, where it is as quickly fetched as asked for. */
#define PUSHES_NEAR ((uint64_t)512 << 10)

static uint32_t pushes_is_near(const tocsin_bank *bank)
{
    return (uint64_t)bank->tile_count * bank->format.tile_size <= PUSHES_NEAR;
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
    const pushes_fields f = {job->mean,          job->variance,      job->reach,
                             job->count & warm,  job->habit & warm,  job->outside & warm,
                             job->is_plain,      bank->is_full,      pushes_is_near(bank), 0};
    pushes_batch batches[2];
    int status = TOCSIN_OK;
    size_t asked = 0, before = 0;

    batches[1].count = 0;
    for (size_t done = 0, b = 0;; b = 1 - b) {
        const size_t left = count - done;
        const uint32_t next = left < TOCSIN__LANES ? (uint32_t)left : TOCSIN__LANES;

        for (; !f.is_near && asked < count && asked < done + 2 * TOCSIN__LANES; asked++)
            pushes_ask(bank, points[asked].key, by_id);
        if (pushes_collect(bank, lane, &f, points + done, next, by_id,
                           scores ? scores + done : NULL, &batches[b]) != TOCSIN_OK)
            status = TOCSIN_INFO_IGNORED;
        if (batches[1 - b].count)
            pushes_run(bank, lane, &f, points + before, by_id, scores ? scores + before : NULL,
                       &batches[1 - b]);
        if (f.is_near)
            pushes_gather(&f, lane->tile, &batches[b]);
        if (next == 0)
            return status;
        before = done;
        done += next;
    }
}
