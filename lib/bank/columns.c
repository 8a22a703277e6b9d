/* columns.c - ticks by kernels: many tiles in one pass over memory.
 *
 * A kernel (num/kernels.h) gives a run of tiles one point each and does what most points of
 * most series need.  Before it runs, each tile says which lanes it may take; what it
 * leaves, and what it may not take, goes by the way of a single series (rounds.c): the
 * lane's row is gathered, pushed through the pipeline and scattered again; or, where it is enough,
 * by tocsin__columns_push().  The way of a single series is the
 * definition, so however the lanes are divided, the results are the same, and only the
 * division is a matter of speed.  A kernel may not take a lane
 *
 *     whose model depends on time, and that was not learnt at the last tick: its gap is longer
 *     that is in its first cycle or in warm-up, as far as the kernel does not do that itself
 *     whose calibrator would cut the gap
 *     whose alarm is on or counts
 *
 * and it leaves, unchanged, a lane whose statistic is above the bar: the alarm has to hear of it
 * before it is learnt.  A lane without a value has missed the tick: nothing of it changes, but that
 * the `end` of the calibrator's block moves on.  Where a block ends with a point that the kernel has
 * learnt, the calibrator is told so afterwards.
 *
 * Ticks that are not learnt and scored as usual (another mode, a maintenance window, verdicts
 * for all) do not come here at all.
 *
 * Threads.  A range writes to its tiles, its lane and its part of the caller's arrays.
 */
#include "bank.h"

#include "../calibrate/tail.h"
#include "../detect/kernel_jobs.h"
#include "mapped.h"

#define COLUMNS_RUN 32              /* tiles a kernel is given at once; fewer if mapped */
#define COLUMNS_ASKED 3             /* tiles whose ended blocks are asked for before they are drawn */

/* A bank that small is in a third cache, and processors see by themselves what comes from there. */
#define COLUMNS_NEAR ((size_t)4 << 20)

/* Into the second cache, for more of it is asked for at a time than the first one can wait for. */
#if defined(__GNUC__)
#define COLUMNS_PREFETCH(address) __builtin_prefetch((address), 0, 2)
#else
#define COLUMNS_PREFETCH(address) ((void)(address))
#endif

#define COLUMNS_AT(tile, place, type) ((type *)tocsin__tile_column((tile), (place)))

/* ---- The job ------------------------------------------------------------------------ */

static void columns_prepare_ewma(tocsin_bank *bank, int64_t elapsed)
{
    const tocsin__format *format = &bank->format;
    const tocsin_spec *spec = bank->spec;
    tocsin__ewma_job *job = &bank->job.ewma;

    memset(job, 0, sizeof *job);
    tocsin__ewma_job_prepare(spec->detect->constants, elapsed, job);
    job->mean = tocsin__format_column(format, spec->detect, "mean");
    job->variance = tocsin__format_column(format, spec->detect, "variance");
    job->reach = tocsin__format_column(format, spec->detect, "reach");
    job->count = format->count;
    job->habit = format->habit;
    job->outside = format->outside;
    job->maximum = format->maximum;
    job->bar = format->bar;
}

static void columns_prepare_holt(tocsin_bank *bank)
{
    const tocsin__format *format = &bank->format;
    const tocsin_spec *spec = bank->spec;
    tocsin__holt_job *job = &bank->job.holt;

    memset(job, 0, sizeof *job);
    tocsin__holt_job_prepare(spec->detect->constants, bank->tick.time, bank->clock_before.time,
                             job);
    job->level = tocsin__format_column(format, spec->detect, "level");
    job->trend = tocsin__format_column(format, spec->detect, "trend");
    job->spread = tocsin__format_column(format, spec->detect, "spread");
    job->reach = tocsin__format_column(format, spec->detect, "reach");
    job->start = tocsin__format_column(format, spec->detect, "start");
    job->count = format->count;
    job->habit = format->habit;
    job->outside = format->outside;
    job->maximum = format->maximum;
    job->bar = format->bar;
}

int tocsin__columns_begin(tocsin_bank *bank)
{
    const tocsin_tick *tick = &bank->tick;
    const int64_t last = bank->clock_before.time;

    if (!tocsin__bank_is_in_columns(bank) || tick->mode != TOCSIN_LEARN_AND_SCORE ||
        tick->verdicts || tick->value_type == TOCSIN_VALUES_U64 ||
        (bank->tick_flags & (TOCSIN_FLAG_MUTED | TOCSIN_FLAG_HELD)))
        return 0;
    if (bank->format.needs_times && bank->clock_before.points == 0)
        return 0;
    if (bank->format.kind == TOCSIN__EWMA_KERNEL)
        columns_prepare_ewma(bank, bank->clock_before.points
                                       ? tocsin__time_between(last, tick->time)
                                       : 0);
    else
        columns_prepare_holt(bank);
    if (tick->values && !bank->mapped)
        bank->is_unsettled = 1;
    return 1;
}

/* After a kernel has been over a tile: which lanes may have habits, for pushes to look at. */
static inline void columns_stir(tocsin_bank *bank, uint32_t t)
{
    bank->stirred[t] = bank->tiles[t]->flags & TOCSIN__TILE_CALM ? 0 : ~UINT64_C(0);
}

void tocsin__columns_settle(tocsin_bank *bank)
{
    if (!bank->is_unsettled)
        return;
    for (uint32_t t = 0; (uint64_t)t * TOCSIN_BANK_TILE < bank->slots; t++) {
        tocsin__tile_drain(&bank->format, bank->tiles[t]);
        columns_stir(bank, t);
    }
    bank->is_unsettled = 0;
}

uint64_t tocsin__columns_run(const tocsin_bank *bank, const tocsin__tiles *tiles)
{
    const tocsin__kernels *kernels = tocsin__kernels_in_use();

    if (bank->format.kind == TOCSIN__EWMA_KERNEL) {
        tocsin__ewma_job job = bank->job.ewma;

        job.tiles = *tiles;
        return kernels->ewma(&job);
    } else {
        const tocsin__format *format = &bank->format;
        tocsin__tile_head *first = (tocsin__tile_head *)(void *)tiles->first;
        tocsin__holt_job job = bank->job.holt;

        job.tiles = *tiles;
        for (uint32_t i = 0; i < job.season_count; i++)
            job.season[i] =
                tocsin__tile_slot(format, first, format->array[i] + (size_t)job.slot[i]);
        if (job.season_count)
            job.deviation =
                tocsin__tile_slot(format, first, format->array[2] + (size_t)job.slot[0]);
        return kernels->holt(&job);
    }
}

/* ---- Before: which lanes the kernel may take -------------------------------------------- */

/* Lanes that were learnt at the last tick. */
static uint64_t columns_current(const tocsin_bank *bank, tocsin__tile_head *tile)
{
    const tocsin__format *format = &bank->format;
    const tocsin__tile_more *more = tocsin__tile_more_of(format, tile);
    const int64_t last = bank->clock_before.time;
    const int64_t *times = tocsin__tile_times(format, tile);
    uint64_t current = 0;

    if (tile->state & TOCSIN__TILE_EVEN)
        return tile->learnt_time == last ? ~(more->fresh | more->pending) : 0;
    for (uint32_t k = 0; k < TOCSIN__LANES; k++)
        current |= (uint64_t)(times[k] == last) << k;
    return current & ~more->fresh;
}

/* ewma behind a calibrator: lanes past warm-up. */
static uint64_t columns_warm(const tocsin_bank *bank, tocsin__tile_head *tile)
{
    const uint16_t *count = COLUMNS_AT(tile, bank->format.count, uint16_t);
    uint64_t warm = 0;

    if (tile->flags & TOCSIN__TILE_FULL)
        return ~UINT64_C(0);
    for (uint32_t k = 0; k < TOCSIN__LANES; k++)
        warm |= (uint64_t)(count[k] >= bank->job.ewma.warmup) << k;
    return warm;
}

/* holt-winters: lanes past warm-up and with all their seasons. */
static uint64_t columns_settled(const tocsin_bank *bank, tocsin__lane *lane,
                                tocsin__tile_head *tile)
{
    const tocsin_spec *spec = bank->spec;
    uint64_t settled = 0;

    if (tile->state & TOCSIN__TILE_SEASONED)
        return ~UINT64_C(0);
    for (uint64_t lanes = tile->used; lanes;) {
        const uint32_t k = tocsin__lanes_next(&lanes);

        tocsin__tile_gather_detector(&bank->format, tile, k, lane->row);
        settled |= (uint64_t)(tocsin__holt_is_settled(
                                  spec->detect->constants,
                                  tocsin__const_state_of(spec->detect, lane->row)) != 0)
                   << k;
    }
    if (settled == tile->used)
        tile->state |= TOCSIN__TILE_SEASONED;
    return settled;
}

/* The tile's longest gap that counts in full for every calibrator. */
static void columns_measure_gaps(const tocsin_bank *bank, tocsin__lane *lane,
                                 tocsin__tile_head *tile)
{
    const tocsin_spec *spec = bank->spec;
    tocsin__tile_more *more = tocsin__tile_more_of(&bank->format, tile);

    more->gap = tocsin__infinity();
    for (uint64_t lanes = tile->used & ~more->fresh; lanes;) {
        tocsin__tile_gather_calibrator(&bank->format, spec, tile, tocsin__lanes_next(&lanes), lane->row);
        more->gap = tocsin__min(
            more->gap, tocsin__tail_gap(tocsin__const_state_of(spec->calibrate, lane->row)));
    }
}

/* Lanes whose calibrator's gap counts in full: all of them, or none.  `ending`: those whose block
 * ends if they learn. */
static uint64_t columns_within_gap(const tocsin_bank *bank, tocsin__lane *lane,
                                   tocsin__tile_head *tile, uint64_t *ending)
{
    const double elapsed =
        (double)tocsin__time_between(bank->clock_before.time, bank->tick.time);
    const uint32_t *end = COLUMNS_AT(tile, bank->format.end, uint32_t);
    tocsin__tile_more *more = tocsin__tile_more_of(&bank->format, tile);

    *ending = 0;
    if (elapsed > more->gap)
        columns_measure_gaps(bank, lane, tile);
    if (elapsed > more->gap)
        return 0;
    if (more->until > 1) {
        more->until--;
        return ~UINT64_C(0);
    }
    *ending = tile->used & tocsin__kernels_in_use()->due(end, more->ticks, &more->until);
    return ~UINT64_C(0);
}

/* Ask for what the end of a calibrator's block reads of lanes. */
static void columns_ask_for_records(const tocsin__format *format, tocsin__tile_head *tile,
                                    uint64_t lanes)
{
    while (lanes) {
        const uint32_t k = tocsin__lanes_next(&lanes);
        const char *record = (const char *)tocsin__tile_record(format, tile, k);

        for (size_t at = 0; at < format->record_size; at += TOCSIN__CACHE_LINE)
            COLUMNS_PREFETCH(record + at);
        COLUMNS_PREFETCH(record + format->record_size - 1);
        COLUMNS_PREFETCH(&COLUMNS_AT(tile, format->body, uint16_t)[k]);
        COLUMNS_PREFETCH(&COLUMNS_AT(tile, format->slope, uint16_t)[k]);
        COLUMNS_PREFETCH(&COLUMNS_AT(tile, format->begin, uint32_t)[k]);
        COLUMNS_PREFETCH(&COLUMNS_AT(tile, format->end, uint32_t)[k]);
    }
}

/* Ask for what the way of a single series reads of lanes, while the kernel does the others. */
static void columns_ask_for(const tocsin__format *format, tocsin__tile_head *tile, uint64_t lanes)
{
    const size_t habits = TOCSIN__LANES * sizeof(uint16_t);

    for (size_t at = 0; at < habits; at += TOCSIN__CACHE_LINE) {
        COLUMNS_PREFETCH(COLUMNS_AT(tile, format->habit, char) + at);
        COLUMNS_PREFETCH(COLUMNS_AT(tile, format->outside, char) + at);
    }
    columns_ask_for_records(format, tile, lanes);
    while (lanes)
        COLUMNS_PREFETCH(&COLUMNS_AT(tile, format->count, uint16_t)[tocsin__lanes_next(&lanes)]);
}

/* And what a run of tiles begins with: when blocks end, where that is due; the next run's heads. */
static void columns_ask_ahead(const tocsin_bank *bank, uint32_t first, uint32_t count, uint32_t end)
{
    const tocsin__format *format = &bank->format;

    for (uint32_t t = first; t < first + count; t++)
        if (format->bar && tocsin__tile_more_of(format, bank->tiles[t])->until <= 1)
            for (size_t at = 0; at < TOCSIN__LANES * sizeof(uint32_t); at += TOCSIN__CACHE_LINE)
                COLUMNS_PREFETCH(COLUMNS_AT(bank->tiles[t], format->end, char) + at);
    for (uint32_t t = first + count; t < first + 2 * count && t < end; t++) {
        COLUMNS_PREFETCH(bank->tiles[t]);
        COLUMNS_PREFETCH((const char *)bank->tiles[t] + format->more);
    }
}

/* Where nothing depends on time, and so there is no calibrator and no alarm, this is not
 * called: `take` is `used` (bank.c).  Returns the lanes whose calibrator ends a block if they learn. */
static uint64_t columns_before(const tocsin_bank *bank, tocsin__lane *lane,
                               tocsin__tile_head *tile)
{
    const tocsin__format *format = &bank->format;
    uint64_t ending = 0;

    tile->take = tile->used & ~tile->busy;
    if (format->needs_times)
        tile->take &= columns_current(bank, tile);
    if (format->kind == TOCSIN__HOLT_KERNEL)
        tile->take &= columns_settled(bank, lane, tile);
    if (format->bar) {
        if (format->kind == TOCSIN__EWMA_KERNEL)
            tile->take &= columns_warm(bank, tile);
        tile->take &= columns_within_gap(bank, lane, tile, &ending);
        tocsin__tile_more_of(format, tile)->ticks++;
        if (tile->used & ~tile->take)
            columns_ask_for(format, tile, tile->used & ~tile->take);
    }
    return ending;
}

/* ---- A point by itself --------------------------------------------------------------------
 *
 * What a kernel does not leave, for one lane: it reads and writes a third of what the way of a
 * single series does.  A tile's clock for blocks does not go on when one of its series does, so that
 * its block's end comes nearer; and may come with this point. */

/* The calibrator's score of lane k's statistic, off its curve. */
static double columns_score_beyond(const tocsin_bank *bank, tocsin__lane *lane,
                                   tocsin__tile_head *tile, uint32_t k, double statistic)
{
    const tocsin_spec *spec = bank->spec;

    tocsin__tile_gather_calibrator(&bank->format, spec, tile, k, lane->row);
    return tocsin__tail_score(tocsin__const_state_of(spec->calibrate, lane->row), statistic);
}

/* The same wherever it is. */
static double columns_score_of(const tocsin_bank *bank, tocsin__lane *lane,
                               tocsin__tile_head *tile, uint32_t k, double statistic)
{
    const uint16_t slope = COLUMNS_AT(tile, bank->format.slope, uint16_t)[k];
    const uint16_t body = COLUMNS_AT(tile, bank->format.body, uint16_t)[k];

    return slope == 0 || statistic > (double)tocsin__tail_coarse_of(body)
               ? columns_score_beyond(bank, lane, tile, k, statistic)
               : tocsin__tail_quiet_score((double)tocsin__tail_coarse_of(slope), statistic);
}

/* The calibrator's block has ended with what these lanes have learnt. */
static void columns_end_blocks(const tocsin_bank *bank, tocsin__lane *lane,
                               tocsin__tile_head *tile, uint64_t ended)
{
    const tocsin_spec *spec = bank->spec;
    tocsin__tail_state *tail = tocsin__state_of(spec->calibrate, lane->row);

    while (ended) {
        const uint32_t k = tocsin__lanes_next(&ended);

        tocsin__tile_gather_calibrator(&bank->format, spec, tile, k, lane->row);
        tocsin__tail_end_block(spec->calibrate->constants, tail);
        tocsin__tile_scatter_calibrator(&bank->format, spec, tile, k, lane->row);
    }
}

/* A block goes on by a point. */
static void columns_rise(const tocsin__format *format, tocsin__tile_head *tile, uint32_t k,
                         double statistic, uint32_t left)
{
    tocsin__tile_more *more = tocsin__tile_more_of(format, tile);
    float *maximum = &COLUMNS_AT(tile, format->maximum, float)[k];

    if (statistic > (double)*maximum)
        *maximum = (float)tocsin__min(statistic, TOCSIN__STATISTIC_MAX);
    --COLUMNS_AT(tile, format->end, uint32_t)[k];
    if (left > 1)
        more->until = left - 1 < more->until ? left - 1 : more->until;
}

int tocsin__columns_push(const tocsin_bank *bank, tocsin__lane *lane, uint32_t slot, double value,
                         double *score)
{
    const tocsin__format *format = &bank->format;
    const tocsin_spec *spec = bank->spec;
    const tocsin__compiled_stage *detect = spec->detect;
    tocsin__tile_head *tile = tocsin__bank_tile(bank, slot);
    const tocsin__tile_more *more = tocsin__tile_more_of(format, tile);
    const uint32_t k = slot % TOCSIN__LANES;
    const int64_t now = bank->tick.time;
    const int64_t elapsed = tocsin__time_between(tocsin__tile_time(format, tile, k), now);
    void *state = tocsin__state_of(detect, lane->row);
    tocsin__reading reading;
    tocsin__arrays arrays;
    tocsin__point point;
    uint32_t left = 0;

    if (((tile->busy | more->fresh) >> k & 1) != 0 || !(tocsin__abs(value) <= TOCSIN__VALUE_MAX))
        return 0;
    if (format->bar) {
        left = COLUMNS_AT(tile, format->end, uint32_t)[k] - more->ticks;
        if (left == 0 || (double)elapsed > more->gap)
            return 0;
    }
    tocsin__tile_gather_detector(format, tile, k, lane->row);
    tocsin__tile_arrays(format, tile, k, &arrays);
    memset(&point, 0, sizeof point);
    point.value = value;
    point.time = now;
    point.elapsed = elapsed;
    point.pause = tocsin__time_between(bank->clock_before.time, now);
    reading.flags = 0;
    reading.direction = 0;
    detect->stage->score(detect->constants, state, &arrays, &point, &reading);

    const double statistic = reading.channel[0];

    if (tocsin__is_nan(statistic) ||
        (format->bar && statistic > (double)COLUMNS_AT(tile, format->bar, float)[k]))
        return 0;
    if (score)
        *score = format->bar ? columns_score_of(bank, lane, tile, k, statistic) : statistic;
    detect->stage->learn(detect->constants, state, &arrays, &point, &reading);
    if (format->bar)
        columns_rise(format, tile, k, statistic, left);
    tocsin__tile_scatter_learnt(format, tile, k, now, lane->row);
    if (left == 1)
        columns_end_blocks(bank, lane, tile, UINT64_C(1) << k);
    lane->counts.points++;
    lane->latest = now;
    return 1;
}

/* ---- After: what the kernel left -------------------------------------------------------- */

/* All lanes were learnt at the tick's time but these, whose times stay. */
static void columns_set_times(const tocsin_bank *bank, tocsin__tile_head *tile, uint64_t others)
{
    int64_t *times = tocsin__tile_times(&bank->format, tile), kept[TOCSIN__LANES];

    for (uint64_t lanes = others; lanes;) {
        const uint32_t k = tocsin__lanes_next(&lanes);

        kept[k] = times[k];
    }
    for (uint32_t k = 0; k < TOCSIN__LANES; k++)
        times[k] = bank->tick.time;
    while (others) {
        const uint32_t k = tocsin__lanes_next(&others);

        times[k] = kept[k];
    }
}

/* The tile is even: all have learnt at the tick's time but those pending. */
static void columns_set_even(const tocsin_bank *bank, tocsin__tile_head *tile, uint64_t pending)
{
    tile->learnt_time = bank->tick.time;
    tile->state = (tile->state & ~(uint32_t)TOCSIN__TILE_WAITS) | TOCSIN__TILE_EVEN |
                  (pending ? (uint32_t)TOCSIN__TILE_WAITS : 0u);
    tocsin__tile_more_of(&bank->format, tile)->pending = pending;
}

/* The kernel has learnt `learnt`; the other lanes of those in use have not learnt, or not yet.  As long
 * as these were last learnt at one time, theirs need not be written lane by lane. */
static void columns_note(const tocsin_bank *bank, tocsin__tile_head *tile, uint64_t rest)
{
    const tocsin__format *format = &bank->format;
    const uint64_t learnt = tile->learnt;

    if (format->more) {
        tocsin__tile_more *more = tocsin__tile_more_of(format, tile);
        const int is_even = (tile->state & TOCSIN__TILE_EVEN) != 0;

        if (is_even && more->pending == 0)
            more->before = tile->learnt_time;
        if (rest == 0 || (is_even && (more->pending == 0 || !(rest & ~more->pending)))) {
            columns_set_even(bank, tile, rest);
        } else {
            tocsin__tile_part(format, tile);
            columns_set_times(bank, tile, ~learnt);
        }
        more->fresh &= ~learnt;
    }
    if (format->bar)
        for (uint64_t lanes = rest; lanes;)
            COLUMNS_AT(tile, format->end, uint32_t)[tocsin__lanes_next(&lanes)]++;
}

/* Are all now learnt at this tick's time?  `missed` are not. */
static void columns_even(const tocsin_bank *bank, tocsin__tile_head *tile, uint64_t missed)
{
    if (!bank->format.more)
        return;

    const tocsin__tile_more *more = tocsin__tile_more_of(&bank->format, tile);

    if (tile->state & TOCSIN__TILE_EVEN) {
        if (more->pending == 0)
            tile->state &= ~(uint32_t)TOCSIN__TILE_WAITS;
        else if (bank->mapped)      /* what outlives a process has each lane's time in its place */
            tocsin__tile_part(&bank->format, tile);
        return;
    }
    if (missed || more->fresh & tile->used)
        return;

    const int64_t *times = tocsin__tile_times(&bank->format, tile);

    for (uint64_t lanes = tile->used; lanes;)
        if (times[tocsin__lanes_next(&lanes)] != bank->tick.time)
            return;
    columns_set_even(bank, tile, 0);
}

static inline double columns_value(const tocsin__tiles *tiles, size_t i)
{
    return tiles->is_float ? (double)((const float *)tiles->values)[i]
                           : ((const double *)tiles->values)[i];
}

/* Give the lanes that the kernel has not learnt their points; the tile's alarms that are on.
 * Tile number `i` of the run is the bank's tile number t; of it, the blocks of `ending` end. */
static uint64_t columns_after(tocsin_bank *bank, tocsin__lane *lane, const tocsin__tiles *tiles,
                              uint32_t i, uint32_t t, uint64_t ending, double *scores)
{
    tocsin__tile_head *tile = bank->tiles[t];
    const uint64_t rest = tile->used & ~tile->learnt, ended = ending & tile->learnt;
    uint64_t others = (tile->used & ~tile->take) | tile->left, alarms = 0;
    uint64_t missed = rest & ~others;
    const int tries = tocsin__columns_take(bank);
    tocsin__outcome outcome;
    int has_outcome = 0;

    if (bank->mapped && (rest | ended) != 0)
        tocsin__mapped_log_rest(bank, lane, t, others | ended);
    columns_note(bank, tile, rest);
    columns_end_blocks(bank, lane, tile, ended);
    lane->counts.points += tocsin__lanes_count(tile->learnt);
    if (tile->learnt)
        lane->latest = bank->tick.time;
    if (rest == 0)
        return 0;
    while (others) {
        const uint32_t k = tocsin__lanes_next(&others);
        const size_t at = (size_t)i * TOCSIN__LANES + k;
        const double value = columns_value(tiles, at);

        if (tocsin__is_nan(value) && !(tile->busy >> k & 1)) {
            missed |= UINT64_C(1) << k;
            continue;
        }
        if (tries && tocsin__columns_push(bank, lane, t * TOCSIN__LANES + k, value,
                                          scores ? &scores[at] : NULL))
            continue;
        if (!has_outcome)
            tocsin__outcome_init(&outcome);
        has_outcome = 1;
        outcome.point.value = value;
        outcome.point.time = bank->tick.time;
        outcome.point.count = 0;
        outcome.point.is_count = 0;
        tocsin__rounds_point(bank, lane, t * TOCSIN__LANES + k, 0, TOCSIN_LEARN_AND_SCORE,
                             &outcome);
        alarms |= (uint64_t)(outcome.decision.alarm == TOCSIN_ALARM_ON) << k;
        if (scores)
            scores[at] = outcome.rarity.score;
    }
    lane->counts.points += tocsin__lanes_count(missed);
    lane->counts.missing += tocsin__lanes_count(missed);
    columns_even(bank, tile, missed);
    return alarms;
}

/* The calibrator's scores of what the kernel has learnt; NaN for the others.  Up to its curve's
 * first knot, the median block, a score is a multiplication; a calibrator in warm-up has
 * no curve, and its slope is 0. */
static void columns_score(const tocsin_bank *bank, tocsin__lane *lane, tocsin__tile_head *tile,
                          const double *statistics, double *scores)
{
    const tocsin__format *format = &bank->format;
    const uint16_t *bodies = COLUMNS_AT(tile, format->body, uint16_t);
    const uint16_t *slopes = COLUMNS_AT(tile, format->slope, uint16_t);
    uint64_t beyond = 0;

    for (uint32_t k = 0; k < TOCSIN__LANES; k++) {
        const double slope = (double)tocsin__tail_coarse_of(slopes[k]);
        const double body = (double)tocsin__tail_coarse_of(bodies[k]);

        scores[k] = tocsin__tail_quiet_score(slope, statistics[k]);
        beyond |= (uint64_t)(statistics[k] > body || slopes[k] == 0) << k;
    }
    for (uint64_t lanes = ~tile->learnt; lanes;)
        scores[tocsin__lanes_next(&lanes)] = tocsin__nan();
    for (uint64_t lanes = beyond & tile->learnt; lanes;) {
        const uint32_t k = tocsin__lanes_next(&lanes);

        scores[k] = columns_score_beyond(bank, lane, tile, k, statistics[k]);
    }
}

/* ---- A range ------------------------------------------------------------------------------ */

/* Tiles from `first` on that stand one behind the other in memory, and go to a kernel at once. */
static uint32_t columns_contiguous(const tocsin_bank *bank, uint32_t first, uint32_t end)
{
    const uint32_t most = bank->mapped ? tocsin__mapped_run(bank) : COLUMNS_RUN;
    uint32_t place, neighbours, count;

    tocsin__bank_block(bank, first, &place, &neighbours);
    count = neighbours - place < end - first ? neighbours - place : end - first;
    return count < most ? count : most;
}

static size_t columns_value_size(const tocsin_bank *bank)
{
    return bank->tick.value_type == TOCSIN_VALUES_FLOAT ? sizeof(float) : sizeof(double);
}

/* All lanes of these tiles but of those in `rest` have learnt, and no block has ended.  Most tiles are
 * like that, tick after tick, and there is little to note of them; the others are returned. */
static uint64_t columns_after_all(const tocsin_bank *bank, tocsin__lane *lane, uint32_t first,
                                  uint32_t count, uint64_t rest)
{
    if (bank->format.more)
        for (uint32_t i = 0; i < count; i++) {
            tocsin__tile_head *tile = bank->tiles[first + i];

            if ((tile->state & (TOCSIN__TILE_EVEN | TOCSIN__TILE_WAITS)) != TOCSIN__TILE_EVEN)
                rest |= UINT64_C(1) << i;
            else if (!(rest >> i & 1))
                tile->learnt_time = bank->tick.time;
        }

    const uint32_t whole = count - tocsin__lanes_count(rest);

    lane->counts.points += (uint64_t)whole * TOCSIN__LANES;
    if (whole)
        lane->latest = bank->tick.time;
    return rest;
}

/* A run of tiles, all of whose slots have places in the arrays, which begin with theirs. */
static void columns_range_run(tocsin_bank *bank, tocsin__lane *lane, uint32_t first,
                              uint32_t count, const void *values, double *scores,
                              uint64_t *alarms)
{
    const int is_calibrated = bank->format.bar != 0;
    double statistics[COLUMNS_RUN * TOCSIN__LANES];
    uint64_t ending[COLUMNS_RUN], rest = 0, next;
    tocsin__tiles tiles;

    memset(&tiles, 0, sizeof tiles);
    tiles.first = (char *)bank->tiles[first];
    tiles.size = bank->format.tile_size;
    tiles.count = count;
    tiles.values = values;
    tiles.is_float = bank->tick.value_type == TOCSIN_VALUES_FLOAT;
    tiles.is_lazy = !bank->mapped && !bank->is_pushed;
    tiles.is_near = bank->bytes <= COLUMNS_NEAR;
    tiles.statistics = scores && is_calibrated ? statistics : scores;
    if (bank->mapped)
        tocsin__mapped_log_run(bank, lane, first, count);
    if (bank->format.needs_times) {
        columns_ask_ahead(bank, first, count, bank->slots / TOCSIN__LANES);
        for (uint32_t i = 0; i < count; i++) {
            ending[i] = columns_before(bank, lane, bank->tiles[first + i]);
            rest |= (uint64_t)(ending[i] != 0) << i;
        }
    }
    rest |= tocsin__columns_run(bank, &tiles);
    if (scores && is_calibrated)
        for (uint32_t i = 0; i < count; i++)
            columns_score(bank, lane, bank->tiles[first + i], statistics + i * TOCSIN__LANES,
                          scores + i * TOCSIN__LANES);
    if (alarms)
        memset(alarms, 0, count * sizeof *alarms);
    rest = columns_after_all(bank, lane, first, count, rest);
    next = bank->format.bar ? rest : 0;
    for (int asked = 0; rest; asked--) {
        for (; asked < COLUMNS_ASKED && next; asked++) {
            const uint32_t n = tocsin__lanes_next(&next);

            columns_ask_for_records(&bank->format, bank->tiles[first + n], ending[n]);
        }

        const uint32_t i = tocsin__lanes_next(&rest);
        const uint64_t on = columns_after(bank, lane, &tiles, i, first + i,
                                          bank->format.bar ? ending[i] : 0, scores);

        if (alarms)
            alarms[i] = on;
    }
    if (bank->is_pushed)        /* between others' points: see tocsin__columns_settle() */
        for (uint32_t t = first; t < first + count; t++)
            columns_stir(bank, t);
    if (bank->mapped)
        tocsin__mapped_commit(bank, lane, first, count);
}

/* The last tile, where the arrays may end before it does. */
static void columns_range_last(tocsin_bank *bank, tocsin__lane *lane, uint32_t t,
                               const void *values, double *scores, uint64_t *alarms)
{
    const size_t count = bank->slots - (size_t)t * TOCSIN__LANES;
    double padded_values[TOCSIN__LANES], padded_scores[TOCSIN__LANES];

    memset(padded_values, 0, sizeof padded_values);
    memcpy(padded_values, values, count * columns_value_size(bank));
    columns_range_run(bank, lane, t, 1, padded_values, scores ? padded_scores : NULL, alarms);
    if (scores)
        memcpy(scores, padded_scores, count * sizeof *scores);
}

void tocsin__columns_range(tocsin_bank *bank, tocsin__lane *lane, const tocsin_tick *tick,
                           uint32_t base, uint32_t begin_tile, uint32_t end_tile)
{
    const uint32_t whole = bank->slots / TOCSIN__LANES;
    const uint32_t end = end_tile < whole ? end_tile : whole;

    for (uint32_t t = begin_tile, count = 1; t < end_tile; t += count) {
        const size_t at = (size_t)t * TOCSIN__LANES - base;
        const void *values = (const char *)tick->values + at * columns_value_size(bank);
        double *scores = tick->scores ? tick->scores + at : NULL;
        uint64_t *alarms = tick->alarms ? tick->alarms + at / TOCSIN__LANES : NULL;

        count = 1;
        if (t == whole) {
            columns_range_last(bank, lane, t, values, scores, alarms);
        } else {
            count = columns_contiguous(bank, t, end);
            columns_range_run(bank, lane, t, count, values, scores, alarms);
        }
    }
}
