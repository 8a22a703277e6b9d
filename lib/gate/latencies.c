/* latencies.c - a latency or a histogram: levels and labels over a grid of changes.
 *
 * Model.  An observation's level is found (levels.c) and counted by its arm; what bets on the
 * arm have won is read off the counts (labels.c).  The counts are kept for a grid of changes: under
 * "the candidate's values are the baseline's times e^s" a candidate's value divided by e^s is like
 * a baseline's, so the candidate's cells are counted once for each s.  Bets on shifts up refute
 * changes of at most s, bets on shifts down those of at least s.
 *
 * Tails.  A guard asks whether the candidate exceeds a high quantile r times as often as the
 * baseline, or more.  Exceedances are events, and bets on their arm are those of rates.c.
 *
 * Histograms.  A bucket's level is that of the middle of its ranks among all earlier intervals of
 * both arms.  That is a function of the past, so against "not worse" nothing is lost but
 * resolution.  For other changes the candidate's bucket is moved: its count is spread evenly in
 * logarithms over the bucket, and cut at the other buckets' bounds.  Parts of a count are rounded
 * at random, so that no small count is always rounded away.
 *
 * Cost.  A logarithm and the level; of a candidate its levels at all changes of the grid, side by
 * side.  Reading takes 194 bets.
 *
 * How it fails.  A latency of 0 ranks lowest.  Clocks with few ticks tie many values: ranks then
 * say less, and nothing false.  A bucket that holds more than 1 % of all cannot guard q99.
 */
#include "gate.h"

/* ln of the smallest double: what 0 counts as. */
#define LATENCIES_LOWEST (-744.44007192138122)

#define LATENCIES_CELLS(state)                                                                  \
    { "cells", TOCSIN__U32, 0, 0, 0, (uint32_t)offsetof(state, cells),                          \
      (uint32_t)(sizeof(tocsin__cells) / 4), 0, TOCSIN__COUNT_MAX }

static const tocsin__field latencies_fields[] = {
    TOCSIN__TALLY_FIELDS(tocsin__latency_state),
    TOCSIN__LEVELS_FIELDS(tocsin__latency_state),
    TOCSIN__FIELD(tocsin__latency_state, start, U32, 0, TOCSIN__COUNT_MAX), /* bits of an int32_t */
    LATENCIES_CELLS(tocsin__latency_state),
    TOCSIN__ARRAY("evidence", I64, 0, -TOCSIN__EVIDENCE_MAX, TOCSIN__EVIDENCE_MAX),
};
const tocsin__layout tocsin__latency_layout = {sizeof(tocsin__latency_state), latencies_fields,
                                               TOCSIN__COUNT(latencies_fields)};

static const tocsin__field latencies_histogram_fields[] = {
    TOCSIN__TALLY_FIELDS(tocsin__histogram_state),
    TOCSIN__FIELD(tocsin__histogram_state, bounds, F64, 0, DBL_MAX),
    TOCSIN__FIELD(tocsin__histogram_state, pooled, U64, 0, 2 * TOCSIN__COUNT_MAX),
    TOCSIN__FIELD(tocsin__histogram_state, rounding, U64, 0, 18446744073709551616.0),
    TOCSIN__FIELD(tocsin__histogram_state, buckets, U32, 0, TOCSIN_GATE_BUCKETS_MAX),
    TOCSIN__FIELD(tocsin__histogram_state, reserved, U32, 0, 0),
    LATENCIES_CELLS(tocsin__histogram_state),
    TOCSIN__ARRAY("evidence", I64, 0, -TOCSIN__EVIDENCE_MAX, TOCSIN__EVIDENCE_MAX),
};
const tocsin__layout tocsin__histogram_layout = {sizeof(tocsin__histogram_state),
                                                 latencies_histogram_fields,
                                                 TOCSIN__COUNT(latencies_histogram_fields)};

/* ---- Values ------------------------------------------------------------------- */

int tocsin__latency_log(double value, int32_t worse, double *v)
{
    if (!(value >= 0))
        return 0;
    *v = (value > 0 ? tocsin__log(value) : LATENCIES_LOWEST) * worse;
    return 1;
}

/* Count a candidate's value, divided by each change of the grid; its own level. */
static uint32_t latencies_count_candidate(tocsin__cells *cells, const tocsin__metric *metric,
                                          const int32_t q[TOCSIN__TAUS], int32_t v)
{
    int32_t moved[TOCSIN__RANKED];
    uint32_t level[TOCSIN__RANKED];

    for (size_t k = 0; k < TOCSIN__RANKED; k++)
        moved[k] = v - metric->step[k];
    tocsin__ranks(q, TOCSIN__TAUS, moved, level);
    for (size_t k = 0; k < TOCSIN__EFFECTS; k++)
        cells->candidate[k][level[k]]++;
    return level[TOCSIN__EFFECT_NONE];
}

int tocsin__latency_observe(tocsin__latency_state *state, const tocsin__metric *metric,
                            uint32_t arm, double value, int is_learnt)
{
    tocsin__levels *const levels = &state->levels;
    const int is_timeout = value > DBL_MAX;
    uint32_t level = 0;
    double log_value;

    if (!tocsin__latency_log(is_timeout ? 1 : value, metric->worse, &log_value))
        return 0;
    state->tally.units[arm]++;
    if (is_timeout) {
        if (!tocsin__levels_stand(levels))
            return 1;
        if (arm == TOCSIN_ARM_BASELINE)
            state->cells.baseline[TOCSIN__TIMEOUT]++;
        else
            state->cells.timeouts++;
        return 1;
    }
    const int32_t v = tocsin__fixed_log(log_value);
    if (tocsin__levels_stand(levels)) {
        if (arm == TOCSIN_ARM_CANDIDATE)
            level = latencies_count_candidate(&state->cells, metric, levels->q, v);
        else
            state->cells.baseline[level = tocsin__levels_find(levels->q, v)]++;
    }
    if (is_learnt)
        tocsin__levels_learn(levels, state->start, v, level);
    return 1;
}

/* ---- Histograms ------------------------------------------------------------------ */

int tocsin__bounds_hold(const double *bounds, size_t buckets)
{
    double before = 0;

    if (buckets < 2 || buckets > TOCSIN_GATE_BUCKETS_MAX)
        return 0;
    for (size_t b = 0; b + 1 < buckets; b++) {
        if (!(bounds[b] > before && bounds[b] <= DBL_MAX))
            return 0;
        before = bounds[b];
    }
    return 1;
}

/* The logarithms of the buckets' bounds; the first and the last are as wide as their neighbours. */
static void latencies_edges(const tocsin__histogram_state *state, double *edge)
{
    const size_t n = state->buckets;
    const double alone = 0.69314718055994531;

    for (size_t b = 0; b + 1 < n; b++)
        edge[b + 1] = tocsin__log(state->bounds[b]);
    edge[0] = edge[1] - (n > 2 ? edge[2] - edge[1] : alone);
    edge[n] = edge[n - 1] + (n > 2 ? edge[n - 1] - edge[n - 2] : alone);
}

void tocsin__histogram_levels(const tocsin__histogram_state *state, int32_t worse,
                              uint32_t level[TOCSIN_GATE_BUCKETS_MAX])
{
    double all = 0, below = 0;

    for (size_t b = 0; b < state->buckets; b++)
        all += (double)state->pooled[b];
    for (size_t b = 0; b < state->buckets; b++) {
        const double middle = (below + (double)state->pooled[b] / 2) / all;
        const double rank = worse > 0 ? middle : 1 - middle;

        below += (double)state->pooled[b];
        level[b] = 0;
        while (level[b] < TOCSIN__TAUS && tocsin__tau[level[b]] < rank)
            level[b]++;
    }
}

/* Uniform on [0, 1): a step of splitmix64. */
static double latencies_uniform(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * (1.0 / 9007199254740992.0);
}

/* A bucket's count divided by a change, over the buckets it then falls in. */
static void latencies_move(tocsin__histogram_state *state, const double *edge,
                           const uint32_t *level, size_t bucket, uint64_t count, double shift,
                           uint32_t *cells)
{
    const double low = edge[bucket] - shift, high = edge[bucket + 1] - shift;
    const double rounding = latencies_uniform(&state->rounding);
    uint64_t above = count;     /* of those not yet placed */

    for (size_t b = 0; b < state->buckets && above > 0; b++) {
        uint64_t rest = 0;      /* above this bucket */

        if (b + 1 < state->buckets && high > edge[b + 1]) {
            const double part = tocsin__min(1, (high - edge[b + 1]) / (high - low));

            rest = (uint64_t)((double)count * part + rounding);
            if (rest > above)
                rest = above;
        }
        cells[level[b]] += (uint32_t)(above - rest);
        above = rest;
    }
}

void tocsin__histogram_observe(tocsin__histogram_state *state, const tocsin__metric *metric,
                               const double *bounds, const uint64_t *const counts[2],
                               size_t buckets)
{
    uint32_t level[TOCSIN_GATE_BUCKETS_MAX];
    double edge[TOCSIN_GATE_BUCKETS_MAX + 1] = {0};
    uint64_t known = 0;

    if (state->buckets == 0) {
        state->buckets = (uint32_t)buckets;
        for (size_t b = 0; b + 1 < buckets; b++)
            state->bounds[b] = bounds[b];
        state->bounds[buckets - 1] = DBL_MAX;
    }
    for (size_t b = 0; b < buckets; b++)
        known += state->pooled[b];
    if (known > 0) {
        tocsin__histogram_levels(state, metric->worse, level);
        latencies_edges(state, edge);
        for (size_t b = 0; b < buckets; b++) {
            const uint64_t count = counts[TOCSIN_ARM_CANDIDATE][b];

            state->cells.baseline[level[b]] += (uint32_t)counts[TOCSIN_ARM_BASELINE][b];
            for (size_t k = 0; k < TOCSIN__EFFECTS && count > 0; k++)
                if (k == TOCSIN__EFFECT_NONE)
                    state->cells.candidate[k][level[b]] += (uint32_t)count;
                else
                    latencies_move(state, edge, level, b, count, metric->worse * metric->shift[k],
                                   state->cells.candidate[k]);
        }
    }
    for (size_t b = 0; b < buckets; b++)
        for (size_t arm = 0; arm < 2; arm++) {
            state->pooled[b] += counts[arm][b];
            state->tally.units[arm] += counts[arm][b];
        }
}

/* ---- Evidence ----------------------------------------------------------------------- */

/* How many of the candidate are in each cell after one change of the grid. */
static void latencies_candidate(const tocsin__cells *cells, size_t effect,
                                double candidate[TOCSIN__CELL_LANES])
{
    memset(candidate, 0, TOCSIN__CELL_LANES * sizeof *candidate);
    for (size_t l = 0; l < TOCSIN__LEVELS; l++)
        candidate[l] = cells->candidate[effect][l];
    candidate[TOCSIN__TIMEOUT] = cells->timeouts;
}

/* The same of both arms, and of the candidate alone. */
static void latencies_cells(const tocsin__cells *cells, size_t effect,
                            double candidate[TOCSIN__CELL_LANES], double all[TOCSIN__CELL_LANES])
{
    latencies_candidate(cells, effect, candidate);
    memcpy(all, candidate, TOCSIN__CELL_LANES * sizeof *all);
    for (size_t l = 0; l < TOCSIN__CELLS; l++)
        all[l] += cells->baseline[l];
}

void tocsin__cells_logs(const tocsin__cells *cells, const tocsin__tally *tally,
                        const tocsin__metric *metric, const tocsin__bets *bets, double *logs)
{
    static const uint32_t beyond[TOCSIN__GUARDS] = {12, 15, 16, 17};
    double candidate[TOCSIN__CELL_LANES], all[TOCSIN__CELL_LANES];

    latencies_cells(cells, TOCSIN__EFFECT_NONE, candidate, all);
    for (size_t j = 0; j < TOCSIN__HARM_BETS; j++)
        *logs++ = tocsin__bet_log_e(bets, j, candidate, all);
    for (size_t k = 0; k < TOCSIN__EFFECTS; k++) {
        latencies_cells(cells, k, candidate, all);
        for (size_t j = 0; j < TOCSIN__STEPS; j++)
            *logs++ = tocsin__bet_log_e(bets, j, candidate, all);
        for (size_t j = 0; j < TOCSIN__STEPS; j++)
            *logs++ = tocsin__bet_log_e(bets, TOCSIN__HARM_BETS + j, candidate, all);
    }
    for (size_t g = 0; g < TOCSIN__GUARDS; g++, logs += TOCSIN__GUARD_BETS) {
        tocsin__split split = {{0, 0}, {tally->units[0], tally->units[1]}, bets->share};

        for (uint32_t l = beyond[g]; l < TOCSIN__LEVELS; l++) {
            split.events[0] += cells->baseline[l];
            split.events[1] += cells->candidate[TOCSIN__EFFECT_NONE][l];
        }
        split.events[0] += cells->baseline[TOCSIN__TIMEOUT];
        split.events[1] += cells->timeouts;
        /* No change is the likeliest truth: bets about that. */
        const double ratio = tocsin__log(metric->guard[g]);
        double sizes[TOCSIN__GUARD_BETS];

        for (size_t j = 0; j < TOCSIN__GUARD_BETS; j++)
            sizes[j] = tocsin__guard_bets[j] * ratio;
        tocsin__rates_log_e(&split, ratio, 0, sizes, TOCSIN__GUARD_BETS, logs);
    }
}

double tocsin__effect_where(const double shift[TOCSIN__EFFECTS],
                            const double statistic[TOCSIN__EFFECTS])
{
    size_t k = 1;

    while (k + 1 < TOCSIN__EFFECTS && statistic[k] > 0)
        k++;
    const double fall = statistic[k - 1] - statistic[k], width = shift[k] - shift[k - 1];
    const double range = shift[TOCSIN__EFFECTS - 1] - shift[0];

    if (!(fall > 0))
        return tocsin__nan();
    /* Beyond the grid along its last piece, and not farther than the grid is long. */
    return shift[k - 1] + tocsin__clamp(statistic[k - 1] / fall * width, -range, range);
}

void tocsin__cells_evidence(const tocsin__cells *cells, const double *logs,
                            const tocsin__metric *metric, tocsin__evidence *evidence)
{
    double scores[TOCSIN__EFFECTS], baseline = 0, all = 0;

    evidence->harm = tocsin__mix(logs, tocsin__harm_weights, TOCSIN__HARM_BETS);
    logs += TOCSIN__HARM_BETS;
    for (size_t k = 0; k < TOCSIN__EFFECTS; k++, logs += 2 * TOCSIN__STEPS) {
        evidence->less[k] = tocsin__mix(logs, tocsin__step_weights, TOCSIN__STEPS);
        evidence->more[k] = tocsin__mix(logs + TOCSIN__STEPS, tocsin__step_weights, TOCSIN__STEPS);
    }
    for (size_t g = 0; g < TOCSIN__GUARDS; g++, logs += TOCSIN__GUARD_BETS)
        evidence->guard[g] = tocsin__mix(logs, tocsin__guard_weights, TOCSIN__GUARD_BETS);

    for (size_t l = 0; l < TOCSIN__CELLS; l++) {
        baseline += cells->baseline[l] * tocsin__level_z[l];
        all += cells->baseline[l];
    }
    baseline /= tocsin__max(all, 1);
    for (size_t k = 0; k < TOCSIN__EFFECTS; k++) {
        double candidate[TOCSIN__CELL_LANES], sum = 0, count = 0;

        latencies_candidate(cells, k, candidate);
        for (size_t l = 0; l < TOCSIN__CELLS; l++) {
            sum += candidate[l] * tocsin__level_z[l];
            count += candidate[l];
        }
        scores[k] = sum / tocsin__max(count, 1) - baseline;
    }
    evidence->shift = tocsin__effect_where(metric->shift, scores);
}
