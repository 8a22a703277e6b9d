/* pushes.c - points of a shared tick, one by one and in any order, by kernels.
 *
 * Up to 64 series are brought together in a scratch tile, field by field, a kernel runs
 * over it as over any tile, and what it learnt is carried back.  A series has at most one
 * point in a tick, so the 64 are different ones.
 *
 * Each series is somewhere else in memory, and a walk that waited for it would do nothing but
 * wait.  So batches overlap: while one is collected, the fields of the next are on their way,
 * and with ids the table's lines of the one after it.  In a bank that lies in a cache there is
 * nothing to wait for, and nothing is asked for.
 *
 * Then what costs is that a kernel reads in one piece what was just written in many.  It is given
 * the time in which the next batch is collected: there are two scratch tiles.
 *
 * Which fields?  Those that the kernel reads.  Counts matter only until every series is past
 * warm-up and has its final gain; whether that is so is looked up every 64 ticks of pushes, as
 * long as it is not.  Habits are mostly 0, and the bank knows of which lanes they may not be
 * (bank->stirred).  Then two or three cache lines per point are left, mean, variance and reach, and
 * with ids the table's line: the "lean" way.
 *
 * When a series was learnt matters only to whoever asks between two ticks which one is idle.  So
 * times are noted when the tick ends, tile by tile in memory's order, of all series that have had a
 * point, but for those that did not learn it or went by the way of a single series (bank->noted).
 * A mapped bank, which may be killed within a tick, notes them with each batch.
 *
 * Only for a spec whose points do not depend on when the last one came and that ends with `raw`.
 * The others' go one by one (rounds.c), mostly by tocsin__columns_push().
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

/* Where variances and reaches stand behind the means of a tile that may go the lean way. */
#define PUSHES_VARIANCE (TOCSIN__LANES * sizeof(double))
#define PUSHES_REACH (PUSHES_VARIANCE + TOCSIN__LANES * sizeof(float))

/* A series of a batch: where it lives. */
typedef struct pushes_place {
    char *tile, *cold;      /* `cold`: its counts and habits */
    size_t lane;
} pushes_place;

typedef struct pushes_batch {
    uint32_t count;
    uint32_t had_habits;                    /* lean: some lane has */
    tocsin__tile_head *scratch;             /* where its series are brought together */
    uint64_t stirred;                       /* lean: lanes that may have habits */
    char *at[TOCSIN__LANES];                /* lean: tiles' means, plus a byte per lane */
    uint32_t slot[TOCSIN__LANES];           /* where there are habits */
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
    int is_lean;            /* all that most points touch of their series is mean, variance and reach,
                               the one column behind the other */
    int is_plain;           /* lean: there is no reach, nor a habit */
    int is_near;            /* all of the bank is in a cache: nothing to ask for */
} pushes_way;

/* A bank that small is in a second cache, where it is as quickly fetched as asked for. */
static int pushes_is_near(const tocsin_bank *bank)
{
    return bank->bytes <= (size_t)1 << 20;
}

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

int tocsin__pushes_take(const tocsin_bank *bank)
{
    return bank->by_kernel && bank->format.kind == TOCSIN__EWMA_KERNEL &&
           !bank->format.needs_times;
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

/* In the order in which they came. */
static const uint8_t pushes_order[TOCSIN__LANES] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

/* Where a bank's means are. */
typedef struct pushes_means {
    char *first;            /* the first tile's, where all tiles stand behind it: then their
                               directory need not be read; or NULL */
    tocsin__tile_head *const *tiles;
    size_t mean, tile_size, between;        /* between: two blocks' tiles */
} pushes_means;

static TOCSIN__INLINE pushes_means pushes_means_of(const tocsin_bank *bank,
                                                   const pushes_fields *f, int is_near)
{
    const int is_one_slab = bank->mapped || (bank->slabs && !bank->slabs->next);
    pushes_means m;

    m.first = is_one_slab && !is_near ? (char *)bank->tiles[0] + f->mean : NULL;
    m.tiles = bank->tiles;
    m.mean = f->mean;
    m.tile_size = bank->format.tile_size;
    m.between = TOCSIN__BLOCK * (tocsin__format_bytes(&bank->format) - bank->format.tile_size);
    return m;
}

static TOCSIN__INLINE char *pushes_means_at(const pushes_means *m, uint32_t t)
{
    return m->first ? m->first + t * m->tile_size + t / TOCSIN__BLOCK * m->between
                    : (char *)m->tiles[t] + m->mean;
}

/* What stands at place k behind some means to place i behind others. */
static TOCSIN__INLINE void pushes_move(pushes_way way, char *to, size_t i, const char *from,
                                       size_t k)
{
    ((double *)(void *)to)[i] = ((const double *)(const void *)from)[k];
    PUSHES_AT(to, PUSHES_VARIANCE, float)[i] =
        ((const float *)(const void *)(from + PUSHES_VARIANCE))[k];
    if (!way.is_plain)
        PUSHES_AT(to, PUSHES_REACH, float)[i] =
            ((const float *)(const void *)(from + PUSHES_REACH))[k];
}

/* So many points ahead the line is asked for that is an id's home, then searched, and then where
 * that was in vain the lines behind it are. */
#define PUSHES_ASKED (4 * TOCSIN__LANES)
#define PUSHES_SEARCHED (3 * TOCSIN__LANES)
#define PUSHES_FOUND (2 * TOCSIN__LANES)

/* Ask for all that a point will touch of its series. */
static TOCSIN__INLINE void pushes_ask(const tocsin_bank *bank, const pushes_fields *f,
                                      pushes_way way, const pushes_means *means, uint32_t slot)
{
    const uint32_t t = slot / TOCSIN__LANES;
    const size_t k = slot % TOCSIN__LANES;
    const char *tile = pushes_means_at(means, t);

    PUSHES_PREFETCH(&bank->pushed[t], 1);
    PUSHES_PREFETCH(tile + k * sizeof(double), 1);
    PUSHES_PREFETCH(tile + (f->variance - f->mean) + k * sizeof(float), 1);
    if (way.is_lean && !way.is_plain) {
        PUSHES_PREFETCH(tile + PUSHES_REACH + k * sizeof(float), 1);
        PUSHES_PREFETCH(&bank->stirred[t], 0);
    }
    if (way.is_lean)
        return;

    const char *cold = tocsin__bank_cold(bank, t);

    tile -= f->mean;
    if (!f->is_full)
        PUSHES_PREFETCH(cold + f->count + k * sizeof(uint16_t), 1);
    if (!f->is_plain) {
        PUSHES_PREFETCH(tile + f->reach + k * sizeof(float), 1);
        PUSHES_PREFETCH(cold + f->habit + k * sizeof(uint16_t), 1);
        PUSHES_PREFETCH(cold + f->outside + k * sizeof(uint16_t), 1);
    }
    if (bank->mapped && bank->format.more) {
        PUSHES_PREFETCH(tile, 0);
        PUSHES_PREFETCH(tile + bank->format.more, 0);
        PUSHES_PREFETCH(cold + (bank->format.times & (TOCSIN__COLD - 1)) + k * sizeof(int64_t), 1);
    }
}

/* Points ahead: of each in a ring its id's home, and later its slot. */
typedef struct pushes_ahead {
    size_t asked, searched, found;
    uint32_t home[PUSHES_ASKED], slot[PUSHES_ASKED];
} pushes_ahead;

/* So many points ahead of those that are done, or all. */
static inline size_t pushes_until(size_t count, size_t done, size_t ahead)
{
    return count - done < ahead ? count : done + ahead;
}

/* With ids: a search that its first line does not end goes on when the next has come. */
static TOCSIN__INLINE void pushes_look_up(const tocsin_bank *bank, const pushes_fields *f,
                                          pushes_way way, const pushes_means *means,
                                          const tocsin_point *points, size_t count, size_t done,
                                          pushes_ahead *ahead)
{
    const size_t ask = pushes_until(count, done, PUSHES_ASKED);
    const size_t search = pushes_until(count, done, PUSHES_SEARCHED);
    const size_t find = pushes_until(count, done, PUSHES_FOUND);
    const tocsin__ids ids = bank->ids;

    for (; ahead->asked < ask; ahead->asked++) {
        const uint32_t home = tocsin__ids_home(&ids, points[ahead->asked].key);

        ahead->home[ahead->asked % PUSHES_ASKED] = home;
        if (!way.is_near)
            PUSHES_PREFETCH(&ids.lines[home], 0);
    }
    for (; ahead->searched < search; ahead->searched++) {
        const size_t at = ahead->searched % PUSHES_ASKED;
        const uint64_t id = points[ahead->searched].key;

        if (way.is_near) {
            ahead->slot[at] = tocsin__ids_find_from(&ids, ahead->home[at], id);
            continue;
        }
        ahead->slot[at] = tocsin__ids_find_in(&ids.lines[ahead->home[at]], id);
        if (ahead->slot[at] != TOCSIN_SLOT_NONE)
            pushes_ask(bank, f, way, means, ahead->slot[at]);
        else
            PUSHES_PREFETCH(&ids.lines[tocsin__ids_next(&ids, ahead->home[at])], 0);
    }
    for (; !way.is_near && ahead->found < find; ahead->found++) {
        const size_t at = ahead->found % PUSHES_ASKED;

        if (ahead->slot[at] != TOCSIN_SLOT_NONE)
            continue;
        ahead->slot[at] =
            tocsin__ids_find_from(&ids, ahead->home[at], points[ahead->found].key);
        if (ahead->slot[at] != TOCSIN_SLOT_NONE)
            pushes_ask(bank, f, way, means, ahead->slot[at]);
    }
}

/* Look up what comes after the points that are done; without ids the keys are slots. */
static TOCSIN__INLINE void pushes_look(const tocsin_bank *bank, const pushes_fields *f,
                                       pushes_way way, const tocsin_point *points, size_t count,
                                       size_t done, pushes_ahead *ahead)
{
    const pushes_means means = pushes_means_of(bank, f, way.is_near);
    const size_t ask = pushes_until(count, done, PUSHES_FOUND);

    if (way.by_id && bank->ids.count)
        pushes_look_up(bank, f, way, &means, points, count, done, ahead);
    for (; !way.by_id && !way.is_near && ahead->asked < ask; ahead->asked++)
        if (points[ahead->asked].key < bank->slots)
            pushes_ask(bank, f, way, &means, (uint32_t)points[ahead->asked].key);
}

/* A point's series into place n of a lean batch. */
static TOCSIN__INLINE void pushes_bring(const tocsin_bank *bank, const pushes_fields *f,
                                        pushes_way way, pushes_batch *batch, uint32_t n,
                                        char *means, uint32_t slot)
{
    const uint32_t t = slot / TOCSIN__LANES;
    const size_t k = slot % TOCSIN__LANES;

    batch->at[n] = means + k;
    pushes_move(way, (char *)batch->scratch + f->mean, n, means, k);
    if (!way.is_plain) {
        batch->slot[n] = slot;
        batch->stirred |= (bank->stirred[t] >> k & 1) << n;
    }
}

/* Collect points up to the first with which something is wrong; how many. */
static TOCSIN__INLINE uint32_t pushes_collect_lean(const tocsin_bank *bank, const pushes_fields *f,
                                                   pushes_way way, const tocsin_point *points,
                                                   const uint32_t *found, uint32_t count,
                                                   pushes_batch *batch)
{
    const uint32_t slots = way.by_id || bank->series == bank->slots ? bank->slots : 0;
    const int64_t time = bank->tick.time;
    const pushes_means means = pushes_means_of(bank, f, way.is_near);
    uint64_t *const pushed = bank->pushed;

    memcpy(batch->index, pushes_order, sizeof pushes_order);
    batch->stirred = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t slot = way.by_id ? found[i] : points[i].key;
        const size_t t = (size_t)(slot / TOCSIN__LANES), k = (size_t)(slot % TOCSIN__LANES);
        const uint64_t bit = UINT64_C(1) << k;

        if (TOCSIN__RARELY(slot >= slots || (pushed[t] & bit) != 0 ||
                           (points[i].time != time && points[i].time != TOCSIN_TIME_NONE)))
            return i;
        pushed[t] |= bit;

        batch->value[i] = points[i].value;
        pushes_bring(bank, f, way, batch, i, pushes_means_at(&means, (uint32_t)t),
                     (uint32_t)slot);
    }
    return count;
}

/* The next points, as many as a batch holds: those that have a slot and may be pushed.
 * TOCSIN_INFO_IGNORED if some may not. */
static TOCSIN__INLINE int pushes_collect(tocsin_bank *bank, tocsin__lane *lane,
                                         const pushes_fields *f, pushes_way way,
                                         const tocsin_point *points, const uint32_t *found,
                                         uint32_t count, double *scores, pushes_batch *batch)
{
    const uint32_t slots = bank->slots;
    const int has_holes = bank->series != slots;
    const int64_t time = bank->tick.time;
    const pushes_means means = pushes_means_of(bank, f, way.is_near);
    uint64_t *const pushed = bank->pushed;
    uint32_t n = way.is_lean ? pushes_collect_lean(bank, f, way, points, found, count, batch) : 0;

    for (uint32_t i = n; i < count; i++) {
        const uint64_t key = points[i].key;
        uint32_t slot = TOCSIN_SLOT_NONE;

        if (way.by_id && bank->ids.count)
            slot = found[i];
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
            char *tile = pushes_means_at(&means, t);

            pushed[t] |= bit;
            batch->value[n] = points[i].value;
            batch->index[n] = (uint8_t)i;
            if (way.is_lean) {
                pushes_bring(bank, f, way, batch, n, tile, slot);
            } else {
                batch->slot[n] = slot;
                batch->place[n] =
                    (pushes_place){tile - f->mean, tocsin__bank_cold(bank, t), k};
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

/* A lean batch's series from its scratch tile back to where they live. */
static TOCSIN__INLINE void pushes_scatter_lean(const pushes_fields *f, pushes_way way,
                                               const pushes_batch *batch)
{
    const char *scratch = (const char *)batch->scratch + f->mean;

    TOCSIN__UNROLL_8
    for (size_t i = 0; i < batch->count; i++) {
        const size_t k = (uintptr_t)batch->at[i] % TOCSIN__LANES;

        pushes_move(way, batch->at[i] - k, k, scratch, i);
    }
}

/* A scratch tile's cold columns. */
static char *pushes_cold(tocsin__tile_head *scratch)
{
    return (char *)scratch + scratch->cold;
}

/* A series has one: its tile is not calm. */
static void pushes_note_habit(tocsin_bank *bank, uint32_t slot)
{
    tocsin__tile_head *tile = tocsin__bank_tile(bank, slot);

    tile->flags &= ~(uint32_t)TOCSIN__TILE_CALM;
    tile->most = 0;
    bank->stirred[slot / TOCSIN__LANES] |= UINT64_C(1) << slot % TOCSIN__LANES;
}

/* Habits of a lean batch, where there may be any; whether there are none.  Elsewhere the scratch
 * tile's are 0, and they are so again after pushes_keep_habits(). */
static TOCSIN__APART int pushes_bring_habits(const tocsin_bank *bank, const pushes_fields *f,
                                             const pushes_batch *batch)
{
    char *scratch = pushes_cold(batch->scratch);
    uint32_t any = 0;

    for (uint64_t lanes = batch->stirred; lanes;) {
        const uint32_t i = tocsin__lanes_next(&lanes);
        const size_t k = batch->slot[i] % TOCSIN__LANES;
        char *cold = tocsin__bank_cold(bank, batch->slot[i] / TOCSIN__LANES);

        any |= PUSHES_AT(scratch, f->habit, uint16_t)[i] = PUSHES_AT(cold, f->habit, uint16_t)[k];
        any |= PUSHES_AT(scratch, f->outside, uint16_t)[i] =
            PUSHES_AT(cold, f->outside, uint16_t)[k];
    }
    return any == 0;
}

static TOCSIN__APART void pushes_keep_habits(tocsin_bank *bank, const pushes_fields *f,
                                             const pushes_batch *batch)
{
    uint16_t *habit = PUSHES_AT(pushes_cold(batch->scratch), f->habit, uint16_t);
    uint16_t *outside = PUSHES_AT(pushes_cold(batch->scratch), f->outside, uint16_t);

    for (uint32_t i = 0; i < batch->count; i++) {
        const uint32_t t = batch->slot[i] / TOCSIN__LANES, any = habit[i] | outside[i];
        const size_t k = batch->slot[i] % TOCSIN__LANES;

        if (!any && !(batch->stirred >> i & 1))
            continue;
        bank->stirred[t] &= ~(UINT64_C(1) << k);
        if (any || batch->had_habits) {
            char *cold = tocsin__bank_cold(bank, t);

            PUSHES_AT(cold, f->habit, uint16_t)[k] = habit[i];
            PUSHES_AT(cold, f->outside, uint16_t)[k] = outside[i];
            habit[i] = outside[i] = 0;
        }
        if (any)
            pushes_note_habit(bank, batch->slot[i]);
    }
}

/* The scratch tile has none. */
static void pushes_clear_habits(const pushes_fields *f, tocsin__tile_head *scratch)
{
    memset(pushes_cold(scratch) + f->habit, 0, TOCSIN__LANES * sizeof(uint16_t));
    memset(pushes_cold(scratch) + f->outside, 0, TOCSIN__LANES * sizeof(uint16_t));
}

/* All counts that no longer matter do. */
static void pushes_fill_counts(const pushes_fields *f, tocsin__tile_head *scratch)
{
    memset(pushes_cold(scratch) + f->count, 0xff, TOCSIN__LANES * sizeof(uint16_t));
}

/* Any other batch's series into its scratch tile, and back. */
static void pushes_gather(const pushes_fields *f, const pushes_batch *batch)
{
    tocsin__tile_head *scratch = batch->scratch;
    char *cold = pushes_cold(scratch);

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
    char *cold = pushes_cold(scratch);

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

static void pushes_note_habits(tocsin_bank *bank, const pushes_fields *f,
                               const pushes_batch *batch)
{
    const uint16_t *habit = PUSHES_AT(pushes_cold(batch->scratch), f->habit, uint16_t);
    const uint16_t *outside = PUSHES_AT(pushes_cold(batch->scratch), f->outside, uint16_t);

    for (uint32_t i = 0; i < batch->count; i++)
        if (habit[i] | outside[i])
            pushes_note_habit(bank, batch->slot[i]);
}

/* Lanes of a tile, which is not even, have learnt at the tick's time. */
static void pushes_note_times(const tocsin_bank *bank, tocsin__tile_head *tile, uint64_t learnt)
{
    tocsin__tile_more *more = tocsin__tile_more_of(&bank->format, tile);
    int64_t *times = tocsin__tile_times(&bank->format, tile);

    if (TOCSIN__RARELY(more->fresh & learnt))
        more->fresh &= ~learnt;
    while (learnt)
        times[tocsin__lanes_next(&learnt)] = bank->tick.time;
}

/* Mapped banks: what a batch has learnt. */
static void pushes_note_batch(const tocsin_bank *bank, const pushes_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        tocsin__tile_head *tile = PUSHES_AT(batch->place[i].tile, 0, tocsin__tile_head);

        if (!(batch->scratch->learnt >> i & 1))
            continue;
        tocsin__tile_part(&bank->format, tile);
        pushes_note_times(bank, tile, UINT64_C(1) << batch->place[i].lane);
    }
}

/* Tiles whose times are asked for before they are noted. */
#define PUSHES_TILES_ASKED 8

static inline void pushes_ask_times(const tocsin_bank *bank, uint32_t t)
{
    const tocsin__format *format = &bank->format;
    uint64_t pushed = bank->pushed[t];

    if (pushed == 0)
        return;
    PUSHES_PREFETCH(bank->tiles[t], 0);
    PUSHES_PREFETCH((char *)bank->tiles[t] + format->more, 0);
    if (pushed != UINT64_MAX)
        for (char *times = tocsin__bank_cold(bank, t) + (format->times & (TOCSIN__COLD - 1));
             pushed;)
            PUSHES_PREFETCH(times + tocsin__lanes_next(&pushed) * sizeof(int64_t), 1);
}

/* When the series that have had a point of this tile were learnt. */
static void pushes_end_tile(const tocsin_bank *bank, tocsin__tile_head *tile, uint64_t learnt)
{
    const tocsin__format *format = &bank->format;

    if (learnt == tile->used) {
        tocsin__tile_more *more = tocsin__tile_more_of(format, tile);

        tile->learnt_time = bank->tick.time;
        tile->state = (tile->state | TOCSIN__TILE_EVEN) & ~(uint32_t)TOCSIN__TILE_WAITS;
        more->fresh = more->pending = 0;
    } else {
        tocsin__tile_part(format, tile);
        pushes_note_times(bank, tile, learnt);
    }
}

void tocsin__pushes_end(tocsin_bank *bank)
{
    const uint32_t tiles = (bank->slots + (TOCSIN_BANK_TILE - 1)) / TOCSIN_BANK_TILE;
    const int asks = !pushes_is_near(bank);

    if (tocsin__pushes_take(bank) && bank->format.more && !bank->mapped)
        for (uint32_t t = 0; t < tiles; t++) {
            const uint64_t learnt = bank->pushed[t] & ~bank->noted[t];

            if (asks && t + PUSHES_TILES_ASKED < tiles)
                pushes_ask_times(bank, t + PUSHES_TILES_ASKED);
            if (learnt)
                pushes_end_tile(bank, bank->tiles[t], learnt);
        }
    if (tiles)
        memset(bank->pushed, 0, 2 * bank->tile_count * sizeof *bank->pushed);
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

        if (scratch->learnt >> i & 1) {
            lane->counts.points++;
            continue;
        }

        const uint32_t slot = by_id ? tocsin__ids_find(&bank->ids, key) : (uint32_t)key;

        bank->noted[slot / TOCSIN__LANES] |= UINT64_C(1) << slot % TOCSIN__LANES;
        if (scratch->left >> i & 1) {
            statistics[i] = pushes_alone(bank, lane, slot, batch->value[i]);
        } else {
            lane->counts.points++;
            lane->counts.missing++;
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
    if (way.is_lean && !way.is_plain) {
        batch->had_habits = batch->stirred && !pushes_bring_habits(bank, f, batch);
        if (!batch->had_habits)
            scratch->flags |= TOCSIN__TILE_CALM;
    }
    scratch->drains = scratch->most = 0;
    memset(&tiles, 0, sizeof tiles);
    tiles.first = (char *)scratch;
    tiles.count = 1;
    tiles.is_near = 1;
    tiles.values = batch->value;
    tiles.statistics = scores ? statistics : NULL;
    tocsin__columns_run(bank, &tiles);
    if (way.is_lean) {
        pushes_scatter_lean(f, way, batch);
        if (!way.is_plain && (batch->stirred || !(scratch->flags & TOCSIN__TILE_CALM)))
            pushes_keep_habits(bank, f, batch);
    } else {
        pushes_scatter(f, batch);
        if (!f->is_plain && !(scratch->flags & TOCSIN__TILE_CALM))
            pushes_note_habits(bank, f, batch);
        if (bank->mapped && bank->format.more)
            pushes_note_batch(bank, batch);
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

/* A batch is collected, then the one before it is run. */
static TOCSIN__INLINE int pushes_push(tocsin_bank *bank, tocsin__lane *lane,
                                      const pushes_fields *f, pushes_way way,
                                      const tocsin_point *points, size_t count, double *scores)
{
    pushes_batch batches[2];
    int status = TOCSIN_OK;
    pushes_ahead ahead;
    size_t before = 0;

    ahead.asked = ahead.searched = ahead.found = 0;
    batches[1].count = 0;
    for (size_t b = 0; b < 2; b++) {
        batches[b].scratch = lane->tile[b];
        if (f->is_full)
            pushes_fill_counts(f, batches[b].scratch);
        if (way.is_lean && !way.is_plain)
            pushes_clear_habits(f, batches[b].scratch);
    }
    for (size_t done = 0, b = 0;; b = 1 - b) {
        const size_t left = count - done;
        const uint32_t next = left < TOCSIN__LANES ? (uint32_t)left : TOCSIN__LANES;

        pushes_look(bank, f, way, points, count, done, &ahead);
        if (pushes_collect(bank, lane, f, way, points + done, ahead.slot + done % PUSHES_ASKED,
                           next, scores ? scores + done : NULL, &batches[b]) != TOCSIN_OK)
            status = TOCSIN_INFO_IGNORED;
        if (!way.is_lean)
            pushes_gather(f, &batches[b]);
        if (batches[1 - b].count)
            pushes_run(bank, lane, f, way, points + before, scores ? scores + before : NULL,
                       &batches[1 - b]);
        if (next == 0)
            return status;
        before = done;
        done += next;
    }
}

int tocsin__pushes_push(tocsin_bank *bank, tocsin__lane *lane, const tocsin_point *points,
                        size_t count, int by_id, double *scores)
{
    const tocsin__ewma_job *job = &bank->job.ewma;
    const size_t warm = TOCSIN__COLD - 1;
    const pushes_fields f = {job->mean,         job->variance,     job->reach,
                             job->count & warm, job->habit & warm, job->outside & warm,
                             job->is_plain,     bank->is_full};
    const int is_lean = f.is_full && bank->series && !bank->mapped &&
                        f.variance == f.mean + PUSHES_VARIANCE &&
                        (f.is_plain || f.reach == f.mean + PUSHES_REACH);
    const int is_near = pushes_is_near(bank);

/* Compiled once for each of the usual ways. */
#define PUSHES_PUSH(by_id, is_lean, is_plain, is_near)                                         \
    pushes_push(bank, lane, &f, (pushes_way){(by_id), (is_lean), (is_plain), (is_near)}, points, \
                count, scores)
#define PUSHES_LEAN(by_id, is_plain) \
    (is_near ? PUSHES_PUSH(by_id, 1, is_plain, 1) : PUSHES_PUSH(by_id, 1, is_plain, 0))

    if (!is_lean)
        return PUSHES_PUSH(by_id, 0, 0, is_near);
    if (f.is_plain)
        return by_id ? PUSHES_LEAN(1, 1) : PUSHES_LEAN(0, 1);
    return by_id ? PUSHES_LEAN(1, 0) : PUSHES_LEAN(0, 0);

#undef PUSHES_PUSH
#undef PUSHES_LEAN
}
