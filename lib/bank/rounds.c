/* rounds.c - points into a bank: dense ticks and sparse pushes.
 *
 * Each point goes through the pipeline that a single detector's goes through, over
 * the state in its slot, so that the bank's verdicts are a detector's by
 * construction.  Where states are kept in columns a row is gathered for it, and most
 * points of a tick never come here: columns.c.  What is between two points of different
 * series, the outcome they are computed in, is fully written by each before it is read.
 *
 * A clock that is shared is the bank's: it takes in the time of a tick once, and each
 * series sees it as it stood before.
 *
 * Where that is all that most points need, and the last one's time is known, a series in columns learns
 * one from its columns alone: tocsin__columns_push().
 *
 * A tick walks through its tiles in order, and asks for the next state while it pushes one: of a
 * large state so much is worked on that a processor does not see by itself what comes.  In a
 * sparse push every point is somewhere else, and a walk that waited for memory
 * three times per point (table of ids, tile, state) would do nothing but wait.  So
 * points are taken 32 at a time: first the table's lines of all of them are asked for, then
 * they are looked up, and while they are pushed the states of those behind are asked for, a few or
 * all of them, as the first cache has room.
 *
 * A round's threads write to their own lane, their own tiles and their own parts of
 * the caller's arrays, and to nothing else.
 *
 * Cost: per point that of the pipeline, and a few comparisons.  No allocation.
 */
#include "bank.h"
#include "mapped.h"

#define ROUNDS_BATCH 32
#define ROUNDS_PREFETCH_MAX 4096    /* bytes of a state that are worth asking for */
#define ROUNDS_AHEAD 8192           /* and of states ahead, in any order ... */
#define ROUNDS_NEXT 1024            /* ... and one behind the other, at least one */

#if defined(__GNUC__)
#define ROUNDS_PREFETCH(address) __builtin_prefetch((address), 1)
#else
#define ROUNDS_PREFETCH(address) ((void)(address))
#endif

/* The pipeline over a slot's state. */
static TOCSIN__INLINE int rounds_push(tocsin_bank *bank, tocsin__lane *lane, uint32_t slot,
                                      int is_silence, int mode,
                                      tocsin__outcome *outcome)
{
    const tocsin_spec *spec = bank->spec;
    const tocsin__format *format = &bank->format;
    tocsin__tile_head *tile = tocsin__bank_tile(bank, slot);
    const uint32_t k = slot % TOCSIN_BANK_TILE;
    void *row = lane->row;
    tocsin__arrays arrays;
    int status;

    if (tocsin__bank_is_in_columns(bank)) {
        tocsin__tile_gather(format, spec, tile, k, &bank->clock_before, row);
        tocsin__tile_arrays(format, tile, k, &arrays);
        status = tocsin__pipeline_push(spec, row, &arrays, mode, outcome);
        tocsin__tile_scatter(format, spec, tile, k, row);
        tocsin__bank_stir(bank, slot / TOCSIN_BANK_TILE, k, row);
        return status;
    }
    row = tocsin__tile_row(format, tile, k);
    if (TOCSIN__RARELY(tocsin__bank_is_shared(bank)))
        tocsin__bank_share_clock(&bank->clock_before, tocsin__state_of(spec->clock, row));
    return is_silence ? tocsin__pipeline_tick(spec, row, outcome->point.time, outcome)
                      : tocsin__pipeline_push(spec, row, NULL, mode, outcome);
}

int tocsin__rounds_point(tocsin_bank *bank, tocsin__lane *lane, uint32_t slot, int is_silence,
                         int mode, tocsin__outcome *outcome)
{
    const int status = rounds_push(bank, lane, slot, is_silence, mode, outcome);
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
            if (bank->format.rows && bank->format.times) {
                int64_t *active = &tocsin__tile_times(
                    &bank->format, tocsin__bank_tile(bank, slot))[slot % TOCSIN_BANK_TILE];

                if (TOCSIN__RARELY(point->time < *active ||
                                   (bank->idle_count && point->time < bank->idle[0].active)))
                    lane->has_gone_back = 1;
                *active = point->time;
            } else if (TOCSIN__RARELY(bank->format.heard && point->flags & TOCSIN_FLAG_HELD)) {
                tocsin__tile_hear(&bank->format, tocsin__bank_tile(bank, slot),
                                  slot % TOCSIN_BANK_TILE, point->time);
            }
            if (point->time > lane->latest)
                lane->latest = point->time;
        }
    }
    if (TOCSIN__RARELY(outcome->decision.transition != TOCSIN_TRANSITION_NONE)) {
        if (outcome->decision.transition == TOCSIN_TRANSITION_START)
            tocsin__fleet_ring(bank, lane, slot, outcome);
        else if (outcome->decision.transition == TOCSIN_TRANSITION_CLEAR)
            lane->counts.cleared++;
    }
    return status;
}

/* ---- Ticks ---------------------------------------------------------------------------- */

int tocsin__rounds_begin(tocsin_bank *bank, const tocsin_tick *tick)
{
    tocsin__point point;

    bank->by_kernel = bank->is_pushed = 0;
    if (tocsin__bank_is_shared(bank)) {
        const tocsin__clock_state before = bank->clock;

        memset(&point, 0, sizeof point);
        point.time = tick->time;
        if (tocsin__clock_accept(bank->spec->clock->constants, &bank->clock, &point) !=
            TOCSIN_OK) {
            bank->clock = before;
            return TOCSIN_ERROR_TIME;
        }
        bank->clock_before = before;
        bank->tick = *tick;
        bank->tick.time = point.time;
        bank->tick_flags = point.flags;
        bank->by_kernel = (uint32_t)tocsin__columns_begin(bank);
        bank->is_pushed = tick->values == NULL;
        if (bank->is_pushed && tocsin__pushes_take(bank)) {
            tocsin__columns_settle(bank);
            tocsin__pushes_begin(bank);
        }
    } else {
        bank->tick = *tick;
    }
    bank->is_ticking = 1;
    tocsin__fleet_start(bank);
    if (bank->mapped)
        tocsin__mapped_begin(bank);
    return TOCSIN_OK;
}

/* Of a bank in rows: has the series been given this tick? */
static int rounds_has_ticked(const tocsin_bank *bank, uint32_t slot)
{
    const tocsin__clock_state *clock = tocsin__const_state_of(
        bank->spec->clock, tocsin__tile_row(&bank->format, tocsin__bank_tile(bank, slot),
                                            slot % TOCSIN_BANK_TILE));

    return clock->points == bank->clock.points;
}

/* Of a bank in columns: a tick that is muted clears what is on, also of a series that has
 * missed it.  Those that have not missed it are at rest by now. */
static void rounds_mute(tocsin_bank *bank, tocsin__lane *lane)
{
    const uint64_t points = lane->counts.points, missing = lane->counts.missing;
    tocsin__outcome outcome;

    tocsin__outcome_init(&outcome);
    for (uint32_t slot = 0; slot < bank->slots; slot++) {
        const tocsin__tile_head *tile = tocsin__bank_tile(bank, slot);

        if (!((tile->used & tile->busy) >> slot % TOCSIN_BANK_TILE & 1))
            continue;
        outcome.point.time = bank->tick.time;
        outcome.point.value = tocsin__nan();
        outcome.point.count = 0;
        outcome.point.is_count = 0;
        tocsin__rounds_point(bank, lane, slot, 0, bank->tick.mode, &outcome);
    }
    lane->counts.points = points;
    lane->counts.missing = missing;
}

void tocsin__rounds_end(tocsin_bank *bank)
{
    tocsin__lane *lane = tocsin__fleet_lane(bank, 0);
    uint64_t points = 0;
    tocsin__outcome outcome;

    bank->is_ticking = 0;
    if (!tocsin__bank_is_shared(bank))
        return;
    if (bank->is_pushed)
        tocsin__pushes_end(bank);
    for (uint32_t i = 0; i < bank->options.lanes; i++)
        points += tocsin__fleet_lane(bank, i)->counts.points;
    if (points >= bank->series)
        return;
    if (tocsin__bank_is_in_columns(bank)) {     /* to have missed a tick changes nothing else there */
        if (bank->tick_flags & TOCSIN_FLAG_MUTED)
            rounds_mute(bank, lane);
        lane->counts.points += bank->series - points;
        lane->counts.missing += bank->series - points;
        return;
    }
    tocsin__outcome_init(&outcome);
    for (uint32_t slot = 0; slot < bank->slots; slot++)
        if (tocsin__bank_has(bank, slot) && !rounds_has_ticked(bank, slot)) {
            outcome.point.time = bank->tick.time;
            outcome.point.value = tocsin__nan();
            outcome.point.count = 0;
            outcome.point.is_count = 0;
            if (bank->mapped)
                tocsin__mapped_guard(bank, slot);
            tocsin__rounds_point(bank, lane, slot, 0, bank->tick.mode, &outcome);
            if (bank->mapped)
                tocsin__mapped_done(bank);
        }
}

/* A tick's row of a slot into the lane's memory. */
static TOCSIN__APART void rounds_read_row(const tocsin_tick *tick, uint32_t slot,
                                          uint32_t metrics, double *row)
{
    const size_t first = (size_t)slot * metrics;

    for (uint32_t i = 0; i < metrics; i++)
        switch (tick->value_type) {
        case TOCSIN_VALUES_DOUBLE: row[i] = ((const double *)tick->values)[first + i]; break;
        case TOCSIN_VALUES_FLOAT:
            row[i] = (double)((const float *)tick->values)[first + i];
            break;
        default: row[i] = (double)((const uint64_t *)tick->values)[first + i];
        }
}

/* The tick's value of a slot into the point; is it silence? */
static inline int rounds_read(const tocsin_bank *bank, const tocsin__lane *lane,
                              const tocsin_tick *tick, uint32_t slot, tocsin__point *point)
{
    point->time = tick->time;
    point->is_count = 0;
    point->count = 0;
    if (!tick->values)
        return 1;
    if (TOCSIN__RARELY(bank->spec->metrics > 1)) {
        rounds_read_row(tick, slot, bank->spec->metrics, lane->values);
        point->row = lane->values;
        point->value = tocsin__first_of_row(lane->values, bank->spec->metrics);
        return tick->nan_means == TOCSIN_NAN_SILENCE && tocsin__is_nan(point->value);
    }
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

static void rounds_write(const tocsin_bank *bank, const tocsin_tick *tick, uint32_t slot,
                         const tocsin__outcome *outcome)
{
    if (tick->scores)
        tick->scores[slot] = outcome->rarity.score;
    if (tick->verdicts)
        tocsin__outcome_verdict(bank->spec, outcome,
                                (char *)tick->verdicts + (size_t)(slot * tick->verdict_size),
                                (size_t)tick->verdict_size);
}

/* Inline whatever happens: GCC takes a function that only prefetches for one without effect,
 * and drops the calls. */
static TOCSIN__INLINE void rounds_prefetch_row(const tocsin_bank *bank, uint32_t slot)
{
    tocsin__tile_head *tile = tocsin__bank_tile(bank, slot);
    const uint32_t k = slot % TOCSIN_BANK_TILE;
    const char *row = tocsin__tile_row(&bank->format, tile, k);
    const size_t size = bank->format.row_size;
    const size_t bytes = size < ROUNDS_PREFETCH_MAX ? size : ROUNDS_PREFETCH_MAX;

    if (bank->format.times)
        ROUNDS_PREFETCH(&tocsin__tile_times(&bank->format, tile)[k]);
    for (size_t at = 0; at < bytes; at += TOCSIN__CACHE_LINE)
        ROUNDS_PREFETCH(row + at);
    ROUNDS_PREFETCH(row + bytes - 1);
}

void tocsin__rounds_range(tocsin_bank *bank, tocsin__lane *lane, const tocsin_tick *tick,
                          uint32_t base, uint32_t begin_tile, uint32_t end_tile)
{
    const int is_mapped = bank->mapped != NULL;
    const int is_in_rows = !tocsin__bank_is_in_columns(bank);
    const uint32_t ahead = 1 + (uint32_t)(ROUNDS_NEXT / (bank->format.row_size + 1));
    tocsin__outcome nobody, outcome;

    if (bank->by_kernel) {
        tocsin__columns_range(bank, lane, tick, base, begin_tile, end_tile);
        return;
    }
    tocsin__outcome_init(&nobody);
    tocsin__outcome_init(&outcome);
    for (uint32_t t = begin_tile; t < end_tile; t++) {
        const uint64_t used = bank->tiles[t]->used;
        const uint32_t first = t * TOCSIN_BANK_TILE;
        const uint32_t count = bank->slots - first < TOCSIN_BANK_TILE ? bank->slots - first
                                                                      : TOCSIN_BANK_TILE;
        uint64_t alarms = 0;

        for (uint32_t k = 0; k < count; k++) {
            if (is_in_rows && k + ahead < count)
                rounds_prefetch_row(bank, first + k + ahead);
            if (is_mapped && k % TOCSIN__MAPPED_PART == 0)
                tocsin__mapped_log_part(bank, lane, t, k);
            if (TOCSIN__RARELY(!(used >> k & 1))) {
                rounds_write(bank, tick, first - base + k, &nobody);
                continue;
            }

            const int is_silence =
                rounds_read(bank, lane, tick, first - base + k, &outcome.point);

            tocsin__rounds_point(bank, lane, first + k, is_silence, tick->mode, &outcome);
            if (outcome.decision.alarm == TOCSIN_ALARM_ON)
                alarms |= UINT64_C(1) << k;
            rounds_write(bank, tick, first - base + k, &outcome);
        }
        if (bank->mapped)
            tocsin__mapped_commit(bank, lane, t, 1);
        if (tick->alarms)
            tick->alarms[t - base / TOCSIN_BANK_TILE] = alarms;
    }
}

/* ---- Sparse --------------------------------------------------------------------------- */

static TOCSIN__INLINE void rounds_prefetch_columns(const tocsin_bank *bank, uint32_t slot)
{
    const char *tile = (const char *)tocsin__bank_tile(bank, slot);
    const char *cold = tocsin__bank_cold(bank, slot / TOCSIN_BANK_TILE);
    const size_t k = slot % TOCSIN_BANK_TILE;

    ROUNDS_PREFETCH(tile);
    if (bank->format.bar) {
        ROUNDS_PREFETCH(tile + bank->format.more);
        ROUNDS_PREFETCH(tile + bank->format.maximum + k * sizeof(float));
        ROUNDS_PREFETCH(tile + bank->format.bar + k * sizeof(float));
        ROUNDS_PREFETCH(cold + (bank->format.end & (TOCSIN__COLD - 1)) + k * sizeof(uint32_t));
        ROUNDS_PREFETCH(cold + (bank->format.times & (TOCSIN__COLD - 1)) + k * sizeof(int64_t));
        ROUNDS_PREFETCH(cold + (bank->format.body & (TOCSIN__COLD - 1)) + k * sizeof(uint16_t));
        ROUNDS_PREFETCH(cold + (bank->format.slope & (TOCSIN__COLD - 1)) + k * sizeof(uint16_t));
    }
    for (uint32_t m = 0; m < bank->format.move_count; m++) {
        const tocsin__move *move = &bank->format.moves[m];

        ROUNDS_PREFETCH((move->place & TOCSIN__COLD ? cold : tile) +
                        (move->place & (TOCSIN__COLD - 1)) + k * move->size);
    }
}

/* The slots of up to ROUNDS_BATCH points; TOCSIN_SLOT_NONE where there is no series. */
static void rounds_look_up(const tocsin_bank *bank, const tocsin_point *points, size_t count,
                           int by_id, uint32_t *slots)
{
    const tocsin__ids *ids = &bank->ids;
    uint32_t homes[ROUNDS_BATCH];

    if (by_id && ids->count) {
        for (size_t i = 0; i < count; i++) {
            homes[i] = tocsin__ids_home(ids, points[i].key);
            ROUNDS_PREFETCH(&ids->lines[homes[i]]);
        }
        for (size_t i = 0; i < count; i++)
            slots[i] = tocsin__ids_find_from(ids, homes[i], points[i].key);
    } else {
        for (size_t i = 0; i < count; i++)
            slots[i] = !by_id && tocsin__bank_has(bank, points[i].key) ? (uint32_t)points[i].key
                                                                      : TOCSIN_SLOT_NONE;
    }
}

/* Ask for the states of points from `asked` on, up to some ahead of `at`; up to which. */
static TOCSIN__INLINE size_t rounds_ask(const tocsin_bank *bank, const uint32_t *slots,
                                        size_t count, size_t at, size_t asked)
{
    const size_t ahead = ROUNDS_AHEAD / (bank->format.row_size + 1) + 2;

    for (; asked < count && asked <= at + ahead; asked++) {
        if (slots[asked] == TOCSIN_SLOT_NONE)
            continue;
        if (tocsin__bank_is_in_columns(bank))
            rounds_prefetch_columns(bank, slots[asked]);
        else
            rounds_prefetch_row(bank, slots[asked]);
    }
    return asked;
}

int tocsin__rounds_push(tocsin_bank *bank, tocsin__lane *lane, const tocsin_point *points,
                        size_t count, int by_id, int mode, const tocsin__sparse_out *out)
{
    const int is_shared = tocsin__bank_is_shared(bank);
    const int tries_columns = mode == TOCSIN_LEARN_AND_SCORE && !out->verdicts &&
                              tocsin__columns_take(bank);
    tocsin__outcome nobody, outcome;
    int status = TOCSIN_OK;

    if (is_shared && mode == TOCSIN_LEARN_AND_SCORE && !out->verdicts && !out->rows &&
        tocsin__pushes_take(bank))
        return tocsin__pushes_push(bank, lane, points, count, by_id, out->scores);
    tocsin__outcome_init(&nobody);
    tocsin__outcome_init(&outcome);
    for (size_t done = 0; done < count; done += ROUNDS_BATCH) {
        const size_t batch = count - done < ROUNDS_BATCH ? count - done : ROUNDS_BATCH;
        uint32_t slots[ROUNDS_BATCH];
        size_t asked = 0;

        rounds_look_up(bank, points + done, batch, by_id, slots);
        if (bank->mapped)
            tocsin__mapped_log_slots(bank, lane, slots, batch);
        for (size_t b = 0; b < batch; b++) {
            const size_t i = done + b;
            const tocsin__outcome *said = &outcome;

            asked = rounds_ask(bank, slots, batch, b, asked);
            if (TOCSIN__RARELY(slots[b] == TOCSIN_SLOT_NONE)) {
                lane->counts.unknown++;
                status = TOCSIN_INFO_IGNORED;
                said = &nobody;
            } else if (is_shared && !tocsin__bank_takes(bank, lane, &points[i], slots[b])) {
                status = TOCSIN_INFO_IGNORED;
                said = &nobody;
            } else {
                if (is_shared)
                    bank->noted[slots[b] / TOCSIN_BANK_TILE] |= UINT64_C(1)
                                                                << slots[b] % TOCSIN_BANK_TILE;
                if (tries_columns && tocsin__columns_push(bank, lane, slots[b], points[i].value,
                                                          out->scores ? &out->scores[i] : NULL))
                    continue;
                outcome.point.time = is_shared ? bank->tick.time : points[i].time;
                outcome.point.value = points[i].value;
                if (out->rows) {
                    outcome.point.row = out->rows + i * bank->spec->metrics;
                    outcome.point.value =
                        tocsin__first_of_row(outcome.point.row, bank->spec->metrics);
                }
                outcome.point.count = 0;
                outcome.point.is_count = 0;
                if (tocsin__rounds_point(bank, lane, slots[b], 0, mode, &outcome) != TOCSIN_OK)
                    status = TOCSIN_INFO_IGNORED;
            }
            if (out->scores)
                out->scores[i] = said->rarity.score;
            if (out->verdicts)
                tocsin__outcome_verdict(bank->spec, said,
                                        (char *)out->verdicts + i * out->verdict_size,
                                        out->verdict_size);
        }
        if (bank->mapped)
            tocsin__mapped_commit_slots(bank, lane, slots, batch);
    }
    return status;
}
