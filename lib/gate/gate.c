/* gate.c - what a metric is made of, and what all metrics say together.
 *
 * States.  A gate is one block: the head, then each metric's state, whose type follows from the
 * metric's kind and the unit.  What a state says is a tocsin__evidence, the same for all.
 *
 * Ramps.  When the share changes, what each bet has made so far is rounded down to 2^-24 and put
 * aside, and the counts begin anew: wealth that is kept is multiplied by what comes.  Machines are
 * merged by adding counts and what was put aside.
 *
 * Decisions.  One metric
 *
 *     fails       E against "not worse" >= metrics / alpha
 *     is shifted no more than the margin
 *                 E against "at least the margin" >= 1 / alpha
 *     passes      and E against each guard's ratio >= 1 / alpha
 *
 * For the gate: any metric may fail it, so alpha is shared among them (Bonferroni); all must pass,
 * so each has alpha to itself, for if one is harmful, it alone stands in the way.  The shares of
 * all metrics are checked by the mean of their e-values, which is one whatever their dependence,
 * at .001.
 *
 * Blame.  e-BH: the k metrics with the largest e-values, for the largest k with E_k >=
 * metrics / (alpha k).  The expected share of wrong ones among them is at most alpha, whatever the
 * dependence (Wang & Ramdas, JRSS B 84, 2022).
 *
 * What is needed yet.  Evidence grows with the number of units, so what is missing is extrapolated
 * in proportion, a bet's own cost, about a nat, aside.
 *
 * Cost.  With a known share a dozen microseconds for each latency.
 *
 * How it fails.  As its parts do.
 */
#include "gate.h"

#define GATE_SHARE_ALPHA .001
#define GATE_IGNORED_MOST .01
#define GATE_BET_COST 1.0           /* nats */

/* ---- States ------------------------------------------------------------------------ */

static const tocsin__field gate_fields[] = {
    TOCSIN__FIELD(tocsin__gate_head, share, F64, 0, 1),
    TOCSIN__FIELD(tocsin__gate_head, first, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__gate_head, last, I64, -9.3e18, 9.3e18),
    TOCSIN__ARRAY("sessions", U64, 0, 0, 18446744073709551616.0),
};
const tocsin__layout tocsin__gate_layout = {sizeof(tocsin__gate_head), gate_fields,
                                            TOCSIN__COUNT(gate_fields)};

/* The states are the gate's own memory, behind it: const or not as the gate was made. */
static void *gate_at(const tocsin_gate *gate, size_t offset)
{
    return (char *)(uintptr_t)gate + offset;
}

tocsin__gate_head *tocsin__gate_head_of(const tocsin_gate *gate)
{
    return gate_at(gate, gate->spec->head_offset);
}

void *tocsin__gate_state(const tocsin_gate *gate, uint32_t metric)
{
    return gate_at(gate, gate->spec->metrics[metric].offset);
}

/* Every state begins with its tally. */
static tocsin__tally *gate_tally(const tocsin_gate *gate, uint32_t metric)
{
    return tocsin__gate_state(gate, metric);
}

/* What was put aside at ramps, `count` accumulators; NULL: the share never changes. */
static int64_t *gate_aside(const tocsin_gate *gate, uint32_t metric, size_t *count)
{
    const tocsin__metric *const m = &gate->spec->metrics[metric];

    *count = m->is_pods ? 0 : m->shape.length[0];
    if (*count == 0)
        return NULL;
    return gate_at(gate, m->offset + tocsin__layout_array(m->layout, &m->shape, 0));
}

static const tocsin__cells *gate_cells(const tocsin_gate *gate, uint32_t metric)
{
    const void *const state = tocsin__gate_state(gate, metric);

    return gate->spec->metrics[metric].kind == TOCSIN_METRIC_LATENCY
               ? &((const tocsin__latency_state *)state)->cells
               : &((const tocsin__histogram_state *)state)->cells;
}

static int gate_is_latency(const tocsin__metric *metric)
{
    return !metric->is_pods && (metric->kind == TOCSIN_METRIC_LATENCY ||
                                metric->kind == TOCSIN_METRIC_HISTOGRAM);
}

static int gate_is_rate(const tocsin__metric *metric)
{
    return !metric->is_pods &&
           (metric->kind == TOCSIN_METRIC_ERRORS || metric->kind == TOCSIN_METRIC_COUNT);
}

void tocsin__gate_derive(tocsin_gate *gate)
{
    const tocsin_gate_spec *const spec = gate->spec;
    tocsin__gate_head *const head = tocsin__gate_head_of(gate);

    if (!spec->ramps)
        head->share = spec->share;
    else if (head->share > spec->share || head->share < spec->share)
        tocsin__bets_init(gate_at(gate, sizeof *gate), head->share);
    else
        memcpy(gate_at(gate, sizeof *gate), spec->bets, sizeof *spec->bets);
}

void tocsin__gate_init(tocsin_gate *gate)
{
    tocsin__gate_head *const head = tocsin__gate_head_of(gate);

    memset(head, 0, gate->spec->gate_bytes - gate->spec->head_offset);
    head->share = gate->spec->share;
    head->first = head->last = TOCSIN_TIME_NONE;
    tocsin__gate_derive(gate);
}

void tocsin__gate_settle(const tocsin__metric *metric, void *state)
{
    if (metric->is_pods) {
        tocsin__pods_settle(state, metric);
    } else if (metric->kind == TOCSIN_METRIC_HISTOGRAM) {
        tocsin__histogram_state *const histogram = state;

        if (!tocsin__bounds_hold(histogram->bounds, histogram->buckets))
            histogram->buckets = 0;
    }
}

/* ---- Observing --------------------------------------------------------------------- */

static void gate_pass_time(tocsin_gate *gate, int64_t time)
{
    tocsin__gate_head *const head = tocsin__gate_head_of(gate);

    if (time == TOCSIN_TIME_NONE)
        return;
    if (head->first == TOCSIN_TIME_NONE || time < head->first)
        head->first = time;
    if (head->last == TOCSIN_TIME_NONE || time > head->last)
        head->last = time;
}

static int gate_has_room(const tocsin__tally *tally, uint64_t more)
{
    const uint64_t most = UINT32_MAX;

    return more <= most && tocsin__tally_all(tally) <= most - more;
}

static double gate_alpha_harm(const tocsin_gate_spec *spec)
{
    return spec->alpha / spec->metric_count;
}

/* An event or none, among one unit. */
static int gate_observe_rate(tocsin__rate_state *state, const tocsin__metric *metric, uint32_t arm,
                             double value)
{
    const double most = metric->kind == TOCSIN_METRIC_ERRORS ? 1 : TOCSIN__COUNT_MAX;

    if (!(value >= 0 && value <= most) || (double)(uint64_t)value != value)
        return 0;
    state->events[arm] += (uint64_t)value;
    state->tally.units[arm] += metric->kind == TOCSIN_METRIC_ERRORS ? 1 : (uint64_t)value;
    return 1;
}

static int gate_ignore(tocsin__tally *tally, uint32_t arm)
{
    tocsin__tally_ignore(tally, arm, 1);
    return TOCSIN_INFO_IGNORED;
}

int tocsin__gate_observe(tocsin_gate *gate, uint32_t metric, uint32_t arm, int64_t time,
                         uint64_t unit, double value)
{
    const tocsin_gate_spec *const spec = gate->spec;
    const tocsin__metric *const m = &spec->metrics[metric];
    void *const state = tocsin__gate_state(gate, metric);
    tocsin__tally *const tally = state;
    int is_taken;

    if (TOCSIN__RARELY(tocsin__tally_all(tally) >= UINT32_MAX))
        return TOCSIN_INFO_IGNORED;
    if (time != TOCSIN_TIME_NONE)
        gate_pass_time(gate, time);
    if (m->is_pods)
        is_taken = tocsin__pod_observe(state, m, arm, unit, value, gate_alpha_harm(spec),
                                       spec->alpha);
    else if (m->kind == TOCSIN_METRIC_GAUGE)
        is_taken = tocsin__gauge_observe(state, m, arm, time, value);
    else if (tocsin__is_nan(value))
        is_taken = 0;
    else if (spec->unit == TOCSIN__UNIT_SESSION &&
             !tocsin__session_is_new(gate_at(gate, spec->head_offset +
                                                       tocsin__layout_array(&tocsin__gate_layout,
                                                                            &spec->shape, 0)),
                                     spec->shape.length[0], metric, unit))
        return TOCSIN_INFO_IGNORED;
    else if (m->kind == TOCSIN_METRIC_LATENCY)
        is_taken = tocsin__latency_observe(state, m, arm, value,
                                           spec->routing != TOCSIN__ROUTED_BEFORE ||
                                               arm == TOCSIN_ARM_BASELINE);
    else
        is_taken = gate_has_room(tally, value > 0 && value < TOCSIN__COUNT_MAX ? (uint64_t)value
                                                                               : 0) &&
                   gate_observe_rate(state, m, arm, value);
    return is_taken ? TOCSIN_OK : gate_ignore(tally, arm);
}

int tocsin__gate_count(tocsin_gate *gate, uint32_t metric, uint32_t arm, int64_t time,
                       uint64_t events, uint64_t of)
{
    const tocsin__metric *const m = &gate->spec->metrics[metric];
    tocsin__rate_state *const state = tocsin__gate_state(gate, metric);
    const uint64_t units = m->kind == TOCSIN_METRIC_ERRORS ? of : events;

    gate_pass_time(gate, time);
    if (events > units || !gate_has_room(&state->tally, units))
        return gate_ignore(&state->tally, arm);
    state->events[arm] += events;
    state->tally.units[arm] += units;
    return TOCSIN_OK;
}

/* The sum of counts, or more than there is room for. */
static uint64_t gate_sum(const uint64_t *counts, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        if (counts[i] > UINT32_MAX)
            return UINT64_MAX / 2;
        sum += counts[i];
    }
    return sum;
}

int tocsin__gate_buckets(tocsin_gate *gate, uint32_t metric, int64_t time, const double *bounds,
                         const uint64_t *const counts[2], size_t buckets)
{
    const tocsin__metric *const m = &gate->spec->metrics[metric];
    tocsin__histogram_state *const state = tocsin__gate_state(gate, metric);

    if (state->buckets != 0) {
        if (state->buckets != buckets ||
            memcmp(state->bounds, bounds, (buckets - 1) * sizeof *bounds) != 0)
            return TOCSIN_ERROR_MISMATCH;
    }
    gate_pass_time(gate, time);
    if (!gate_has_room(&state->tally, gate_sum(counts[0], buckets) + gate_sum(counts[1], buckets)))
        return TOCSIN_INFO_IGNORED;
    tocsin__histogram_observe(state, m, bounds, counts, buckets);
    return TOCSIN_OK;
}

/* ---- Evidence ------------------------------------------------------------------------ */

#define GATE_MOST_LOGS TOCSIN__LATENCY_EVIDENCE

/* What each bet has made since the share is what it is; how many bets there are. */
static size_t gate_logs(const tocsin_gate *gate, uint32_t metric, double *logs)
{
    const tocsin__metric *const m = &gate->spec->metrics[metric];
    const tocsin__rate_state *const rates = tocsin__gate_state(gate, metric);
    /* With worse=down it is the baseline that must not have more: the arms change places. */
    const int candidate = m->worse > 0, baseline = !candidate;
    const double share = tocsin__gate_head_of(gate)->share;
    tocsin__split split;

    if (gate_is_latency(m)) {
        tocsin__cells_logs(gate_cells(gate, metric), gate_tally(gate, metric), m,
                           tocsin__gate_bets(gate), logs);
        return TOCSIN__LATENCY_EVIDENCE;
    }
    split.events[0] = rates->events[baseline];
    split.events[1] = rates->events[candidate];
    split.units[0] = rates->tally.units[baseline];
    split.units[1] = rates->tally.units[candidate];
    split.share = share > 0 && !candidate ? 1 - share : share;
    for (size_t k = 0; k < TOCSIN__EFFECTS; k++) {
        double *const at = logs + 2 * TOCSIN__RATE_BETS * k;

        tocsin__rates_log_e(&split, m->shift[k], 1, tocsin__rate_bets, TOCSIN__RATE_BETS, at);
        tocsin__rates_log_e(&split, m->shift[k], 0, tocsin__rate_bets, TOCSIN__RATE_BETS,
                            at + TOCSIN__RATE_BETS);
    }
    return TOCSIN__RATE_EVIDENCE;
}

static void gate_rate_evidence(const tocsin_gate *gate, uint32_t metric, const double *logs,
                               tocsin__evidence *evidence)
{
    const tocsin__metric *const m = &gate->spec->metrics[metric];
    const tocsin__rate_state *const rates = tocsin__gate_state(gate, metric);
    const double share = tocsin__gate_head_of(gate)->share;
    double events[2], units[2];

    for (size_t k = 0; k < TOCSIN__EFFECTS; k++, logs += 2 * TOCSIN__RATE_BETS) {
        evidence->less[k] = tocsin__mix(logs, tocsin__rate_weights, TOCSIN__RATE_BETS);
        evidence->more[k] =
            tocsin__mix(logs + TOCSIN__RATE_BETS, tocsin__rate_weights, TOCSIN__RATE_BETS);
    }
    evidence->harm = evidence->less[TOCSIN__EFFECT_NONE];
    for (size_t arm = 0; arm < 2; arm++) {
        events[arm] = (double)(rates->events[arm] + rates->earlier[arm]);
        units[arm] = (double)(rates->tally.units[arm] + rates->tally.before[arm]);
    }
    if (m->kind == TOCSIN_METRIC_COUNT) {
        units[0] = 1 - share;
        units[1] = share;
    }
    if (events[0] > 0 && events[1] > 0)
        evidence->shift = m->worse * tocsin__log(events[1] / units[1] / (events[0] / units[0]));
}

static double gate_share_evidence(const tocsin_gate *gate, uint32_t metric)
{
    const tocsin__tally *const tally = gate_tally(gate, metric);
    const double earlier = tocsin__evidence_log(tally->share_evidence);
    const double share = tocsin__gate_head_of(gate)->share;

    /* Turns are split too well, a count's events may rightly be split otherwise, and blocks and
     * pods are not what is routed. */
    if (gate->spec->metrics[metric].kind == TOCSIN_METRIC_COUNT ||
        gate->spec->metrics[metric].kind == TOCSIN_METRIC_GAUGE ||
        gate->spec->unit == TOCSIN__UNIT_POD)
        return tocsin__nan();
    if (share <= 0)
        return tally->share_evidence != 0 ? earlier : tocsin__nan();
    return earlier + tocsin__share_log_e(share, tally->units);
}

void tocsin__gate_evidence(const tocsin_gate *gate, uint32_t metric, tocsin__evidence *evidence)
{
    const tocsin_gate_spec *const spec = gate->spec;
    const tocsin__metric *const m = &spec->metrics[metric];
    const void *const state = tocsin__gate_state(gate, metric);
    const tocsin__tally *const tally = state;
    double logs[GATE_MOST_LOGS];
    size_t aside_count;
    const int64_t *const aside = gate_aside(gate, metric, &aside_count);

    memset(evidence, 0, sizeof *evidence);
    evidence->shift = evidence->pod_p = tocsin__nan();
    evidence->share = gate_share_evidence(gate, metric);
    for (size_t arm = 0; arm < 2; arm++)
        evidence->units[arm] = tally->units[arm] + tally->before[arm];

    if (m->is_pods) {
        tocsin__pod_evidence(state, m, gate_alpha_harm(spec), spec->alpha, evidence);
    } else if (m->kind == TOCSIN_METRIC_GAUGE) {
        tocsin__gauge_evidence(state, m, evidence);
    } else {
        const size_t count = gate_logs(gate, metric, logs);

        for (size_t i = 0; i < count && aside; i++)
            logs[i] += tocsin__evidence_log(aside[i]);
        if (gate_is_latency(m))
            tocsin__cells_evidence(gate_cells(gate, metric), logs, m, evidence);
        else
            gate_rate_evidence(gate, metric, logs, evidence);
    }
}

int64_t tocsin__evidence_round(double log_e)
{
    const double scaled = tocsin__clamp(log_e * TOCSIN__EVIDENCE_UNIT, -TOCSIN__EVIDENCE_MAX,
                                        TOCSIN__EVIDENCE_MAX);
    const int64_t whole = (int64_t)scaled;

    return whole - ((double)whole > scaled);
}

/* ---- Ramps and machines ----------------------------------------------------------------- */

static void gate_ramp_metric(tocsin_gate *gate, uint32_t metric)
{
    const tocsin__metric *const m = &gate->spec->metrics[metric];
    void *const state = tocsin__gate_state(gate, metric);
    tocsin__tally *const tally = state;
    const double share = tocsin__gate_head_of(gate)->share;
    double logs[GATE_MOST_LOGS];
    size_t aside_count;
    int64_t *const aside = gate_aside(gate, metric, &aside_count);

    if (!aside)
        return;
    gate_logs(gate, metric, logs);
    for (size_t i = 0; i < aside_count; i++)
        aside[i] = tocsin__evidence_add(aside[i], tocsin__evidence_round(logs[i]));
    if (share > 0 && m->kind != TOCSIN_METRIC_COUNT)
        tally->share_evidence = tocsin__evidence_add(
            tally->share_evidence,
            tocsin__evidence_round(tocsin__share_log_e(share, tally->units)));
    for (size_t arm = 0; arm < 2; arm++) {
        tally->before[arm] += tally->units[arm];
        tally->units[arm] = 0;
    }
    if (gate_is_rate(m)) {
        tocsin__rate_state *const rates = state;

        for (size_t arm = 0; arm < 2; arm++) {
            rates->earlier[arm] += rates->events[arm];
            rates->events[arm] = 0;
        }
    } else if (m->kind == TOCSIN_METRIC_LATENCY) {
        memset(&((tocsin__latency_state *)state)->cells, 0, sizeof(tocsin__cells));
    } else {
        memset(&((tocsin__histogram_state *)state)->cells, 0, sizeof(tocsin__cells));
    }
}

void tocsin__gate_ramp(tocsin_gate *gate, double share)
{
    for (uint32_t i = 0; i < gate->spec->metric_count; i++)
        gate_ramp_metric(gate, i);
    tocsin__gate_head_of(gate)->share = share;
    tocsin__gate_derive(gate);
}

/* Can the two be added? */
static int gate_fits(const tocsin_gate *gate, const tocsin_gate *from, uint32_t metric)
{
    const tocsin__metric *const m = &gate->spec->metrics[metric];

    if (!gate_has_room(gate_tally(gate, metric), tocsin__tally_all(gate_tally(from, metric))))
        return TOCSIN_ERROR_RANGE;
    if (m->is_pods) {
        const tocsin__pod_state *const a = tocsin__gate_state(gate, metric);
        const tocsin__pod_state *const b = tocsin__gate_state(from, metric);

        return tocsin__pods_fit(a, b, m) ? TOCSIN_OK : TOCSIN_ERROR_RANGE;
    }
    if (m->kind == TOCSIN_METRIC_HISTOGRAM) {
        const tocsin__histogram_state *const a = tocsin__gate_state(gate, metric);
        const tocsin__histogram_state *const b = tocsin__gate_state(from, metric);

        if (a->buckets > 0 && b->buckets > 0 &&
            (a->buckets != b->buckets || memcmp(a->bounds, b->bounds, sizeof a->bounds) != 0))
            return TOCSIN_ERROR_MISMATCH;
    }
    return TOCSIN_OK;
}

static void gate_add_tally(tocsin__tally *tally, const tocsin__tally *from)
{
    for (size_t arm = 0; arm < 2; arm++) {
        tally->units[arm] += from->units[arm];
        tally->before[arm] += from->before[arm];
        tocsin__tally_ignore(tally, arm, from->ignored[arm]);
    }
    tally->share_evidence = tocsin__evidence_add(tally->share_evidence, from->share_evidence);
}

static void gate_add_cells(tocsin__cells *cells, const tocsin__cells *from)
{
    for (size_t l = 0; l < TOCSIN__CELLS; l++) {
        cells->baseline[l] += from->baseline[l];
        for (size_t k = 0; k < TOCSIN__EFFECTS && l < TOCSIN__LEVELS; k++)
            cells->candidate[k][l] += from->candidate[k][l];
    }
    cells->timeouts += from->timeouts;
}

static void gate_add_gauge(tocsin__gauge_state *state, const tocsin__gauge_state *from,
                           const tocsin__metric *metric)
{
    int64_t own[TOCSIN__GAUGE_EVIDENCE];

    tocsin__gauge_own(from, metric, own);
    for (size_t i = 0; i < TOCSIN__GAUGE_EVIDENCE; i++)
        state->merged[i] = tocsin__evidence_add(state->merged[i],
                                                tocsin__evidence_add(from->merged[i], own[i]));
    for (size_t arm = 0; arm < 2; arm++) {
        state->tally.before[arm] += from->tally.units[arm] + from->tally.before[arm];
        tocsin__tally_ignore(&state->tally, arm, from->tally.ignored[arm]);
    }
}

static void gate_add_histogram(tocsin__histogram_state *state, const tocsin__histogram_state *from)
{
    gate_add_tally(&state->tally, &from->tally);
    gate_add_cells(&state->cells, &from->cells);
    if (state->buckets == 0) {
        state->buckets = from->buckets;
        memcpy(state->bounds, from->bounds, sizeof state->bounds);
    }
    for (size_t b = 0; b < TOCSIN_GATE_BUCKETS_MAX; b++)
        state->pooled[b] += from->pooled[b];
}

int tocsin__gate_merge(tocsin_gate *gate, const tocsin_gate *from)
{
    const tocsin_gate_spec *const spec = gate->spec;
    const tocsin__gate_head *const other = tocsin__gate_head_of(from);

    for (uint32_t i = 0; i < spec->metric_count; i++) {
        const int status = gate_fits(gate, from, i);

        if (status < 0)
            return status;
    }
    gate_pass_time(gate, other->first);
    gate_pass_time(gate, other->last);
    if (spec->unit == TOCSIN__UNIT_SESSION) {
        const size_t offset = spec->head_offset +
                              tocsin__layout_array(&tocsin__gate_layout, &spec->shape, 0);
        uint64_t *const filter = gate_at(gate, offset);
        const uint64_t *const added = gate_at(from, offset);

        for (size_t i = 0; i < spec->shape.length[0]; i++)
            filter[i] |= added[i];
    }
    for (uint32_t i = 0; i < spec->metric_count; i++) {
        const tocsin__metric *const m = &spec->metrics[i];
        void *const state = tocsin__gate_state(gate, i);
        const void *const added = tocsin__gate_state(from, i);
        size_t aside_count, from_count;
        int64_t *const aside = gate_aside(gate, i, &aside_count);
        const int64_t *const from_aside = gate_aside(from, i, &from_count);

        for (size_t j = 0; j < aside_count && from_aside; j++)
            aside[j] = tocsin__evidence_add(aside[j], from_aside[j]);
        if (m->is_pods) {
            tocsin__pod_merge(state, m, added);
        } else if (m->kind == TOCSIN_METRIC_GAUGE) {
            gate_add_gauge(state, added, m);
        } else if (m->kind == TOCSIN_METRIC_HISTOGRAM) {
            gate_add_histogram(state, added);
        } else if (m->kind == TOCSIN_METRIC_LATENCY) {
            gate_add_tally(state, added);
            gate_add_cells(&((tocsin__latency_state *)state)->cells,
                           &((const tocsin__latency_state *)added)->cells);
        } else {
            tocsin__rate_state *const rates = state;
            const tocsin__rate_state *const more = added;

            gate_add_tally(&rates->tally, &more->tally);
            for (size_t arm = 0; arm < 2; arm++) {
                rates->events[arm] += more->events[arm];
                rates->earlier[arm] += more->earlier[arm];
            }
        }
    }
    return TOCSIN_OK;
}

void tocsin__gate_look(tocsin_gate *gate)
{
    const tocsin_gate_spec *const spec = gate->spec;

    for (uint32_t i = 0; i < spec->metric_count; i++)
        if (spec->metrics[i].is_pods)
            tocsin__pod_look(tocsin__gate_state(gate, i), &spec->metrics[i], gate_alpha_harm(spec),
                             spec->alpha);
}

/* ---- One metric ------------------------------------------------------------------------ */

/* The change itself, in the metric's own direction. */
static double gate_effect(const tocsin__metric *metric, double shift)
{
    return tocsin__expm1(metric->worse * shift);
}

/* The confidence sequence: on each side the changes of the grid that half of alpha rules out. */
static void gate_bound(const tocsin__metric *metric, const tocsin__evidence *evidence,
                       double alpha, tocsin_gate_verdict *verdict)
{
    const double both = tocsin__log(2 / alpha), one = tocsin__log(1 / alpha);
    double low = -tocsin__infinity(), high = tocsin__infinity(), ruled_out = high;

    for (size_t k = 0; k < TOCSIN__EFFECTS; k++) {
        const size_t back = TOCSIN__EFFECTS - 1 - k;

        if (evidence->less[k] >= both)
            low = metric->shift[k];
        if (evidence->more[back] >= both)
            high = metric->shift[back];
        if (evidence->more[back] >= one)
            ruled_out = metric->shift[back];
    }
    const double above = metric->worse > 0 ? high : -low, below = metric->worse > 0 ? low : -high;
    verdict->effect_low = below < -DBL_MAX ? -1 : tocsin__expm1(below);
    verdict->effect_high = above > DBL_MAX ? tocsin__infinity() : tocsin__expm1(above);
    verdict->ruled_out = ruled_out > DBL_MAX ? tocsin__infinity()
                                             : metric->worse * gate_effect(metric, ruled_out);
    verdict->ruled_out = tocsin__max(verdict->ruled_out, 0);
    verdict->effect = tocsin__is_nan(evidence->shift) ? tocsin__nan()
                                                      : gate_effect(metric, evidence->shift);
}

/* Further units until `evidence` has grown to `target`; -1: it does not grow. */
static double gate_missing(double evidence, double target, double units)
{
    const double grown = evidence + GATE_BET_COST;

    if (evidence >= target)
        return 0;
    return grown > GATE_BET_COST / 4 && units > 0 ? units * (target - evidence) / grown : -1;
}

static uint64_t gate_needed(const tocsin__metric *metric, const tocsin__evidence *evidence,
                            double fail_at, double pass_at)
{
    const double units = (double)evidence->units[0] + (double)evidence->units[1];
    const double fail = evidence->harm > GATE_BET_COST / 4
                            ? gate_missing(evidence->harm, fail_at, units)
                            : -1;
    double pass = gate_missing(evidence->more[TOCSIN__EFFECT_MARGIN], pass_at, units), least;

    if (metric->is_pods)
        return evidence->few_pods ? evidence->needed_pods : UINT64_MAX;
    for (size_t g = 0; g < metric->guards; g++) {
        const double more = gate_missing(evidence->guard[g], pass_at, units);

        pass = pass < 0 || more < 0 ? -1 : tocsin__max(pass, more);
    }
    least = fail < 0 ? pass : pass < 0 ? fail : tocsin__min(fail, pass);
    return least < 0 || least > 1e15 ? UINT64_MAX : (uint64_t)least + 1;
}

/* More than a hundredth of what an arm sent was no measurement. */
static int gate_ignored_much(const tocsin__tally *tally)
{
    for (size_t arm = 0; arm < 2; arm++)
        if ((double)tally->ignored[arm] >
            GATE_IGNORED_MOST * (double)(tally->units[arm] + tally->before[arm] +
                                         tally->ignored[arm]))
            return 1;
    return 0;
}

static uint32_t gate_flags(const tocsin_gate *gate, int64_t elapsed)
{
    const tocsin_gate_spec *const spec = gate->spec;
    uint32_t flags = 0;

    if (spec->routing == TOCSIN__ROUTED_BEFORE)
        flags |= TOCSIN_GATE_NOT_RANDOMISED;
    if (spec->routing == TOCSIN__ROUTED_TURNS)
        flags |= TOCSIN_GATE_TURNS;
    if (spec->budget > 0 && elapsed >= spec->budget)
        flags |= TOCSIN_GATE_BUDGET_SPENT;
    return flags;
}

static int64_t gate_elapsed(const tocsin_gate *gate)
{
    const tocsin__gate_head *const head = tocsin__gate_head_of(gate);

    if (head->first == TOCSIN_TIME_NONE)
        return 0;
    const uint64_t elapsed = (uint64_t)head->last - (uint64_t)head->first;
    return elapsed > INT64_MAX ? INT64_MAX : (int64_t)elapsed;
}

static uint32_t gate_outcome(const tocsin__metric *metric, const tocsin__evidence *evidence,
                             double fail_at, double pass_at, uint32_t flags)
{
    int is_guarded = metric->guards > 0 || (metric->kind != TOCSIN_METRIC_LATENCY &&
                                            metric->kind != TOCSIN_METRIC_HISTOGRAM);

    if (evidence->share >= -tocsin__log(GATE_SHARE_ALPHA))
        return TOCSIN_OUTCOME_INVALID;
    if (evidence->harm >= fail_at)
        return TOCSIN_OUTCOME_FAIL;
    if (evidence->units[0] == 0 || evidence->units[1] == 0)
        return TOCSIN_OUTCOME_NO_DATA;
    if (evidence->more[TOCSIN__EFFECT_MARGIN] < pass_at || (flags & TOCSIN_GATE_IGNORED))
        return TOCSIN_OUTCOME_UNDECIDED;
    for (size_t g = 0; g < metric->guards; g++)
        is_guarded = is_guarded && evidence->guard[g] >= pass_at;
    return is_guarded ? TOCSIN_OUTCOME_PASS : TOCSIN_OUTCOME_SHIFT_ONLY;
}

void tocsin__gate_judge_metric(const tocsin_gate *gate, uint32_t metric,
                               tocsin_gate_verdict *verdict)
{
    const tocsin_gate_spec *const spec = gate->spec;
    const tocsin__metric *const m = &spec->metrics[metric];
    const tocsin__tally *const tally = gate_tally(gate, metric);
    const double fail_at = -tocsin__log(gate_alpha_harm(spec)), pass_at = -tocsin__log(spec->alpha);
    tocsin__evidence evidence;

    tocsin__gate_evidence(gate, metric, &evidence);
    verdict->metric = metric;
    verdict->metrics = spec->metric_count;
    verdict->alpha = spec->alpha;
    verdict->elapsed = gate_elapsed(gate);
    verdict->flags = gate_flags(gate, verdict->elapsed);
    if (gate_ignored_much(tally))
        verdict->flags |= TOCSIN_GATE_IGNORED;
    if (tocsin__tally_all(tally) >= UINT32_MAX)
        verdict->flags |= TOCSIN_GATE_FULL;
    if (evidence.few_pods)
        verdict->flags |= TOCSIN_GATE_FEW_PODS;
    if (m->kind == TOCSIN_METRIC_HISTOGRAM)
        verdict->flags |= TOCSIN_GATE_INTERPOLATED;

    verdict->outcome = gate_outcome(m, &evidence, fail_at, pass_at, verdict->flags);
    verdict->log_e = evidence.harm;
    verdict->p = tocsin__is_nan(evidence.pod_p)
                     ? tocsin__min(1, tocsin__exp(-tocsin__min(evidence.harm, 700)))
                     : evidence.pod_p;
    verdict->log_e_pass = evidence.more[TOCSIN__EFFECT_MARGIN];
    for (size_t g = 0; g < m->guards; g++)
        verdict->log_e_pass = tocsin__min(verdict->log_e_pass, evidence.guard[g]);
    verdict->log_e_share = evidence.share;
    gate_bound(m, &evidence, spec->alpha, verdict);
    verdict->baseline_units = evidence.units[0];
    verdict->candidate_units = evidence.units[1];
    verdict->baseline_ignored = tally->ignored[0];
    verdict->candidate_ignored = tally->ignored[1];
    verdict->needed = verdict->outcome == TOCSIN_OUTCOME_NO_DATA ? UINT64_MAX
                      : verdict->outcome == TOCSIN_OUTCOME_UNDECIDED ||
                              (verdict->outcome == TOCSIN_OUTCOME_SHIFT_ONLY && m->guards > 0)
                          ? gate_needed(m, &evidence, fail_at, pass_at)
                          : 0;
    verdict->blamed = verdict->outcome == TOCSIN_OUTCOME_FAIL;
}

/* ---- All of them --------------------------------------------------------------------------- */

size_t tocsin__gate_blame(const tocsin_gate *gate, uint32_t *metrics, size_t capacity)
{
    const tocsin_gate_spec *const spec = gate->spec;
    double log_e[TOCSIN_GATE_METRICS_MAX];
    uint16_t order[TOCSIN_GATE_METRICS_MAX];
    size_t blamed = 0;

    for (uint32_t i = 0; i < spec->metric_count; i++) {
        tocsin__evidence evidence;
        size_t at = i;

        tocsin__gate_evidence(gate, i, &evidence);
        log_e[i] = evidence.harm;
        for (; at > 0 && log_e[order[at - 1]] < log_e[i]; at--)
            order[at] = order[at - 1];
        order[at] = (uint16_t)i;
    }
    for (size_t k = 1; k <= spec->metric_count; k++)
        if (log_e[order[k - 1]] >=
            tocsin__log((double)spec->metric_count / (spec->alpha * (double)k)))
            blamed = k;
    for (size_t k = 0; k < blamed && k < capacity; k++)
        metrics[k] = order[k];
    return blamed;
}

/* How far an outcome stands in the way of the others: the gate's is the first of its metrics'. */
static int gate_precedence(uint32_t outcome)
{
    static const int precedence[] = {
        [TOCSIN_OUTCOME_FAIL] = 4,       [TOCSIN_OUTCOME_NO_DATA] = 3,
        [TOCSIN_OUTCOME_UNDECIDED] = 2,  [TOCSIN_OUTCOME_SHIFT_ONLY] = 1,
        [TOCSIN_OUTCOME_PASS] = 0};

    return precedence[outcome];
}

/* Of two metrics with one outcome, is this one the more telling? */
static int gate_tells_more(const tocsin_gate_verdict *one, const tocsin_gate_verdict *other)
{
    return one->outcome == TOCSIN_OUTCOME_FAIL ? one->log_e > other->log_e
                                               : one->log_e_pass < other->log_e_pass;
}

void tocsin__gate_judge(const tocsin_gate *gate, tocsin_gate_verdict *verdict)
{
    const uint32_t size = verdict->struct_size, count = gate->spec->metric_count;
    const double limit = -tocsin__log(GATE_SHARE_ALPHA);
    double share_sum = 0, share_count = 0, mean;
    uint32_t flags = 0;
    tocsin_gate_verdict best = {0}, invalid = {0};

    for (uint32_t i = 0; i < count; i++) {
        tocsin_gate_verdict one = {0};

        tocsin__gate_judge_metric(gate, i, &one);
        flags |= one.flags;
        if (!tocsin__is_nan(one.log_e_share)) {
            /* In terms of the limit; beyond e^700 times that it is all the same. */
            share_sum += tocsin__exp(tocsin__min(one.log_e_share - limit, 700));
            share_count++;
        }
        /* A single metric's split may be one chance of many: their mean decides, below. */
        if (one.outcome == TOCSIN_OUTCOME_INVALID) {
            if (invalid.outcome != TOCSIN_OUTCOME_INVALID ||
                one.log_e_share > invalid.log_e_share)
                invalid = one;
            one.outcome = TOCSIN_OUTCOME_UNDECIDED;
        }
        const int rank = gate_precedence(one.outcome), before = gate_precedence(best.outcome);
        if (i == 0 || rank > before || (rank == before && gate_tells_more(&one, &best)))
            best = one;
    }
    mean = share_count > 0 ? share_sum / share_count : 0;
    if (mean >= 1)
        best = invalid;
    if (share_count > 0)
        best.log_e_share = mean > 0 ? tocsin__log(mean) + limit : -700;
    best.struct_size = size;
    best.flags = flags;
    best.blamed = (uint32_t)tocsin__gate_blame(gate, NULL, 0);
    memcpy(verdict, &best, sizeof best);
}

/* ---- Levels -------------------------------------------------------------------------------- */

/* Half the width of a confidence band for all quantiles and all times (Howard & Ramdas 2022,
 * theorem 2): .85 sqrt((ln(1 + ln(t / 32)) + C) / t); 1 before the 32nd.  C is 8.123, 8.623, 9.284
 * and 10.943 for .05, .025, .01 and .001, in between by the logarithm. */
static double gate_band(double t, double alpha)
{
    const double first = 32, of_5_percent = 8.123;
    const double c = of_5_percent + .7215 * tocsin__max(tocsin__log(.05 / alpha), 0);

    if (t < first)
        return 1;
    return .85 * tocsin__sqrt((tocsin__log1p(tocsin__log(t / first)) + c) / t);
}

static void gate_fraction(double beyond, double all, double band, double *at, double *low,
                          double *high)
{
    *at = all > 0 ? beyond / all : 0;
    *low = tocsin__max(*at - band, 0);
    *high = tocsin__min(*at + band, 1);
}

/* The value that a rank stands for now. */
static double gate_level_value(const tocsin_gate *gate, uint32_t metric, size_t j)
{
    const tocsin__metric *const m = &gate->spec->metrics[metric];
    const void *const state = tocsin__gate_state(gate, metric);

    if (m->kind == TOCSIN_METRIC_LATENCY) {
        const tocsin__levels *const levels = &((const tocsin__latency_state *)state)->levels;

        return levels->seen < TOCSIN__START
                   ? tocsin__nan()
                   : tocsin__exp(m->worse * (levels->q[j] * TOCSIN__LOG_UNIT));
    }
    const tocsin__histogram_state *const histogram = state;
    const double rank = m->worse > 0 ? tocsin__tau[j] : 1 - tocsin__tau[j];
    double all = 0, below = 0;

    for (size_t b = 0; b < histogram->buckets; b++)
        all += (double)histogram->pooled[b];
    for (size_t b = 0; b + 1 < histogram->buckets; b++) {
        below += (double)histogram->pooled[b];
        if (below >= rank * all)
            return histogram->bounds[b];
    }
    return histogram->buckets > 0 ? histogram->bounds[histogram->buckets - 2] : tocsin__nan();
}

size_t tocsin__gate_levels(const tocsin_gate *gate, uint32_t metric, tocsin_gate_level *levels,
                           size_t capacity)
{
    const tocsin__cells *const cells = gate_cells(gate, metric);
    const uint32_t *const arm[2] = {cells->baseline, cells->candidate[TOCSIN__EFFECT_NONE]};
    double all[2] = {cells->baseline[TOCSIN__TIMEOUT], cells->timeouts}, beyond[2], band[2];

    for (size_t a = 0; a < 2; a++) {
        for (size_t l = 0; l < TOCSIN__LEVELS; l++)
            all[a] += arm[a][l];
        beyond[a] = all[a];
        /* Both bands at once: half of alpha for each. */
        band[a] = gate_band(all[a], gate->spec->alpha / 2);
    }
    if (all[0] + all[1] <= 0)
        return 0;
    for (size_t j = 0; j < TOCSIN__TAUS; j++) {
        for (size_t a = 0; a < 2; a++)
            beyond[a] -= arm[a][j];
        if (j >= capacity)
            continue;
        levels[j].quantile = tocsin__tau[j];
        levels[j].value = gate_level_value(gate, metric, j);
        gate_fraction(beyond[0], all[0], band[0], &levels[j].baseline, &levels[j].baseline_low,
                      &levels[j].baseline_high);
        gate_fraction(beyond[1], all[1], band[1], &levels[j].candidate, &levels[j].candidate_low,
                      &levels[j].candidate_high);
    }
    return TOCSIN__TAUS;
}
