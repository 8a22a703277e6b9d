/* rounds.c - points into a bank: dense ticks and sparse pushes.
 *
 * Each point goes through the pipeline that a single detector's goes through, over
 * the state in its slot, so that the bank's verdicts are a detector's by
 * construction.  What is between two points of different series, the outcome they are
 * computed in, is fully written by each before it is read.
 *
 * A tick walks through its tiles in order, and memory comes as fast as it can.  In a
 * sparse push every point is somewhere else, and a walk that waited for memory
 * three times per point (table of ids, tile, state) would do nothing but wait.  So
 * points are taken 32 at a time: first the table's cells of all of them are asked for, then
 * they are looked up and their states are asked for, then they are pushed.
 *
 * A round's threads write to their own lane, their own tiles and their own parts of
 * the caller's arrays, and to nothing else.
 *
 * Cost: per point that of the pipeline, and a few comparisons.  No allocation.
 */
#include "bank.h"

#define ROUNDS_BATCH 32
#define ROUNDS_PREFETCH_MAX 512     /* bytes of a state that are worth asking for */

#if defined(__GNUC__)
#define ROUNDS_PREFETCH(address) __builtin_prefetch((address), 1)
#else
#define ROUNDS_PREFETCH(address) ((void)(address))
#endif

/* Push one point, or silence, and note what came of it. */
static TOCSIN__INLINE int rounds_point(const tocsin_bank *bank, tocsin__lane *lane,
                                       uint32_t slot, int is_silence, int mode, int want_verdict,
                                       tocsin__outcome *outcome)
{
    const tocsin_spec *spec = bank->spec;
    tocsin__tile *tile = tocsin__bank_tile(bank, slot);
    const uint32_t k = slot % TOCSIN_BANK_TILE;
    void *state = tocsin__tile_state(spec, tile, k);
    const int status =
        is_silence ? tocsin__pipeline_tick(spec, state, outcome->point.time, outcome)
                   : tocsin__pipeline_push(spec, state, NULL, mode, want_verdict, outcome);
    const tocsin__point *point = &outcome->point;

    if (TOCSIN__RARELY(status != TOCSIN_OK)) {
        if (point->flags & TOCSIN_FLAG_REPEATED)
            lane->counts.repeated++;
        else
            lane->counts.late++;
    } else if (is_silence) {
        lane->counts.silent++;
    } else {
        lane->counts.points++;
        if (TOCSIN__RARELY(point->flags & TOCSIN_FLAG_MISSING)) {
            lane->counts.missing++;
        } else {
            tile->active[k] = point->time;
            if (point->time > lane->latest)
                lane->latest = point->time;
        }
    }
    if (spec->alarm && TOCSIN__RARELY(outcome->verdict.transition != TOCSIN_TRANSITION_NONE)) {
        if (outcome->verdict.transition == TOCSIN_TRANSITION_START)
            tocsin__fleet_ring(bank, lane, slot, &outcome->verdict);
        else if (outcome->verdict.transition == TOCSIN_TRANSITION_CLEAR)
            lane->counts.cleared++;
    }
    return status;
}

/* ---- Dense --------------------------------------------------------------------------- */

/* The tick's value of a slot into the point; is it silence? */
static inline int rounds_read(const tocsin_tick *tick, uint32_t slot, tocsin__point *point)
{
    point->time = tick->time;
    point->is_count = 0;
    point->count = 0;
    if (!tick->values)
        return 1;
    switch (tick->value_type) {
    case TOCSIN_VALUES_DOUBLE:
        point->value = ((const double *)tick->values)[slot];
        break;
    case TOCSIN_VALUES_FLOAT:
        point->value = (double)((const float *)tick->values)[slot];
        break;
    default:
        point->count = ((const uint64_t *)tick->values)[slot];
        point->is_count = 1;
        point->value = (double)point->count;
    }
    return tick->nan_means == TOCSIN_NAN_SILENCE && tocsin__is_nan(point->value);
}

static void rounds_write(const tocsin_tick *tick, uint32_t slot, const tocsin_verdict *verdict)
{
    if (tick->scores)
        tick->scores[slot] = verdict->score;
    if (tick->verdicts)
        tocsin__bank_hand_out(verdict, sizeof *verdict,
                              (char *)tick->verdicts + (size_t)(slot * tick->verdict_size),
                              (size_t)tick->verdict_size);
}

void tocsin__rounds_range(tocsin_bank *bank, tocsin__lane *lane, uint32_t begin_tile,
                          uint32_t end_tile)
{
    const tocsin_tick *tick = &bank->tick;
    const int has_alarm = bank->spec->alarm != NULL;
    tocsin__outcome nobody, outcome;

    tocsin__outcome_init(&nobody);
    tocsin__outcome_init(&outcome);
    for (uint32_t t = begin_tile; t < end_tile; t++) {
        const uint64_t used = bank->tiles[t]->used;
        const uint32_t first = t * TOCSIN_BANK_TILE;
        const uint32_t count = bank->slots - first < TOCSIN_BANK_TILE ? bank->slots - first
                                                                      : TOCSIN_BANK_TILE;
        uint64_t alarms = 0;

        for (uint32_t k = 0; k < count; k++) {
            if (TOCSIN__RARELY(!(used >> k & 1))) {
                rounds_write(tick, first + k, &nobody.verdict);
                continue;
            }

            const int is_silence = rounds_read(tick, first + k, &outcome.point);

            rounds_point(bank, lane, first + k, is_silence, tick->mode, tick->verdicts != NULL,
                         &outcome);
            if (has_alarm && outcome.verdict.alarm == TOCSIN_ALARM_ON)
                alarms |= UINT64_C(1) << k;
            rounds_write(tick, first + k, &outcome.verdict);
        }
        if (tick->alarms)
            tick->alarms[t] = alarms;
    }
}

/* ---- Sparse --------------------------------------------------------------------------- */

/* Inline whatever happens: GCC takes a function that only prefetches for one without effect,
 * and drops the calls. */
static TOCSIN__INLINE void rounds_prefetch_state(const tocsin_bank *bank, uint32_t slot)
{
    tocsin__tile *tile = tocsin__bank_tile(bank, slot);
    const uint32_t k = slot % TOCSIN_BANK_TILE;
    const char *state = tocsin__tile_state(bank->spec, tile, k);
    const size_t size = bank->spec->state_size;
    const size_t bytes = size < ROUNDS_PREFETCH_MAX ? size : ROUNDS_PREFETCH_MAX;

    ROUNDS_PREFETCH(&tile->active[k]);
    for (size_t at = 0; at < bytes; at += TOCSIN__CACHE_LINE)
        ROUNDS_PREFETCH(state + at);
    ROUNDS_PREFETCH(state + bytes - 1);
}

/* The slots of up to ROUNDS_BATCH points; TOCSIN_SLOT_NONE where there is no series. */
static void rounds_look_up(const tocsin_bank *bank, const tocsin_point *points, size_t count,
                           int by_id, uint32_t *slots)
{
    const tocsin__ids *ids = &bank->ids;
    uint32_t homes[ROUNDS_BATCH];

    if (by_id && ids->capacity) {
        for (size_t i = 0; i < count; i++) {
            homes[i] = tocsin__ids_home(ids, points[i].key);
            ROUNDS_PREFETCH(&ids->cells[homes[i]]);
        }
        for (size_t i = 0; i < count; i++)
            slots[i] = tocsin__ids_find_from(ids, homes[i], points[i].key);
    } else {
        for (size_t i = 0; i < count; i++)
            slots[i] = !by_id && tocsin__bank_has(bank, points[i].key) ? (uint32_t)points[i].key
                                                                      : TOCSIN_SLOT_NONE;
    }
    for (size_t i = 0; i < count; i++)
        if (slots[i] != TOCSIN_SLOT_NONE)
            rounds_prefetch_state(bank, slots[i]);
}

int tocsin__rounds_push(tocsin_bank *bank, tocsin__lane *lane, const tocsin_point *points,
                        size_t count, int by_id, int mode, const tocsin__sparse_out *out)
{
    tocsin__outcome nobody, outcome;
    int status = TOCSIN_OK;

    tocsin__outcome_init(&nobody);
    tocsin__outcome_init(&outcome);
    for (size_t done = 0; done < count; done += ROUNDS_BATCH) {
        const size_t batch = count - done < ROUNDS_BATCH ? count - done : ROUNDS_BATCH;
        uint32_t slots[ROUNDS_BATCH];

        rounds_look_up(bank, points + done, batch, by_id, slots);
        for (size_t b = 0; b < batch; b++) {
            const size_t i = done + b;
            const tocsin_verdict *verdict = &outcome.verdict;

            if (TOCSIN__RARELY(slots[b] == TOCSIN_SLOT_NONE)) {
                lane->counts.unknown++;
                status = TOCSIN_INFO_IGNORED;
                verdict = &nobody.verdict;
            } else {
                outcome.point.time = points[i].time;
                outcome.point.value = points[i].value;
                outcome.point.count = 0;
                outcome.point.is_count = 0;
                if (rounds_point(bank, lane, slots[b], 0, mode, out->verdicts != NULL,
                                 &outcome) != TOCSIN_OK)
                    status = TOCSIN_INFO_IGNORED;
            }
            if (out->scores)
                out->scores[i] = verdict->score;
            if (out->verdicts)
                tocsin__bank_hand_out(verdict, sizeof *verdict,
                                      (char *)out->verdicts + i * out->verdict_size,
                                      out->verdict_size);
        }
    }
    return status;
}
