/* pipeline.c - joins the stages: one point, one way.
 *
 * This is the only file that knows of all four kinds of stages.  A point passes
 * clock, counter and gaps; if it comes out with a value, the detector reads it,
 * the calibrator ranks the reading and the alarm decides.  Each stage speaks of a
 * point before it learns it: so a verdict never depends on having learnt its own
 * point, nor on any later one.
 *
 * What the stages say stays in the outcome.  A verdict is put together from it when somebody
 * asks for one, for it costs as much as half of the rest: a return period is an exponential.
 */
#include "pipeline.h"

#include "../prepare/prepare.h"

void tocsin__pipeline_init(const tocsin_spec *spec, void *state)
{
    for (size_t i = 0; i < spec->stage_count; i++)
        tocsin__stage_init(&spec->stages[i], state);
}

int tocsin__spec_is_same(const tocsin_spec *a, const tocsin_spec *b)
{
    if (a == b)
        return 1;
    if (a->stage_count != b->stage_count)
        return 0;
    for (size_t i = 0; i < a->stage_count; i++) {
        const tocsin__compiled_stage *ours = &a->stages[i], *theirs = &b->stages[i];

        if (ours->stage != theirs->stage || ours->revision != theirs->revision ||
            memcmp(&ours->shape, &theirs->shape, sizeof ours->shape) != 0 ||
            memcmp(ours->constants, theirs->constants, ours->stage->constants_size) != 0)
            return 0;
    }
    return 1;
}

void tocsin__pipeline_take_back(const tocsin_spec *spec, void *state, const void *before)
{
    const tocsin__compiled_stage *const learners[] = {spec->detect, spec->calibrate};
    const tocsin__clock_state *earlier = tocsin__const_state_of(spec->clock, before);
    tocsin__clock_state *clock = tocsin__state_of(spec->clock, state);

    for (size_t i = 0; i < TOCSIN__COUNT(learners); i++)
        memcpy(tocsin__state_of(learners[i], state), tocsin__const_state_of(learners[i], before),
               learners[i]->state_size);
    clock->learnt = earlier->learnt;
    clock->has_learnt = earlier->has_learnt;
}

/* What is said of a point nobody has judged. */
static void pipeline_blank(tocsin__outcome *outcome)
{
    tocsin__reading *reading = &outcome->reading;
    tocsin__rarity *rarity = &outcome->rarity;
    const double nan = tocsin__nan();

    for (size_t i = 0; i < TOCSIN_CHANNELS; i++) {
        reading->channel[i] = nan;
        reading->reason[i] = TOCSIN_REASON_NONE;
    }
    reading->flags = 0;
    reading->direction = 0;
    reading->metric = 0;
    reading->expected = reading->deviation = nan;
    reading->confidence = 0;

    rarity->score = rarity->step = nan;
    rarity->limit[0] = rarity->limit[1] = nan;
    rarity->channel = rarity->exceeds = rarity->flags = rarity->reserved = 0;
}

void tocsin__outcome_init(tocsin__outcome *outcome)
{
    memset(outcome, 0, sizeof *outcome);
    outcome->point.time = TOCSIN_TIME_NONE;
    outcome->point.value = tocsin__nan();
    outcome->point.flags = TOCSIN_FLAG_WARMING;
    outcome->point.is_brief = 1;
    pipeline_blank(outcome);
    tocsin__decide_nothing(&outcome->decision);
}

/* Where there is no alarm, the decision stays what it was at first: nothing. */
static inline void pipeline_decide(const tocsin_spec *spec, void *state,
                                   tocsin__outcome *outcome)
{
    const tocsin__compiled_stage *alarm = spec->alarm;

    if (alarm)
        alarm->stage->decide(alarm->constants, tocsin__state_of(alarm, state), &outcome->point,
                             &outcome->reading, &outcome->rarity, &outcome->decision);
}

/* A point that is not scored: its flags say why. */
static TOCSIN__APART void pipeline_pass(const tocsin_spec *spec, void *state, uint32_t flags,
                                        tocsin__outcome *outcome)
{
    outcome->point.flags |= flags;
    pipeline_blank(outcome);
    pipeline_decide(spec, state, outcome);
}

/* A missing value that the model's own expectation replaces: judged, never learnt. */
static TOCSIN__APART int pipeline_fill_expected(const tocsin_spec *spec, const void *state,
                                                const tocsin__arrays *arrays,
                                                tocsin__outcome *outcome)
{
    const tocsin__compiled_stage *detect = spec->detect;
    const void *detect_state = tocsin__const_state_of(detect, state);
    tocsin__point *point = &outcome->point;
    tocsin__reading *reading = &outcome->reading;

    detect->stage->score(detect->constants, detect_state, arrays, point, reading);
    if (!tocsin__is_finite(reading->expected))
        return TOCSIN_INFO_IGNORED;
    point->value = reading->expected;
    point->flags |= TOCSIN_FLAG_FILLED | TOCSIN_FLAG_HELD;
    reading->flags = 0;
    detect->stage->score(detect->constants, detect_state, arrays, point, reading);
    return TOCSIN_OK;
}

/* Which metric of a row is to blame, where the point is strange or somebody wants to know. */
static void pipeline_share(const tocsin_spec *spec, const void *state,
                           const tocsin__arrays *arrays, tocsin__outcome *outcome)
{
    const tocsin__compiled_stage *detect = spec->detect;
    const tocsin__rarity *rarity = &outcome->rarity;
    tocsin__point *point = &outcome->point;

    /* What is said is the same whether or not somebody wants to know the shares. */
    if (rarity->exceeds || rarity->score >= 1) {
        detect->stage->share(detect->constants, tocsin__const_state_of(detect, state), arrays,
                             point, &outcome->reading);
    } else if (!point->is_brief && !tocsin__is_nan(outcome->reading.channel[0])) {
        tocsin__reading reading = outcome->reading;

        detect->stage->share(detect->constants, tocsin__const_state_of(detect, state), arrays,
                             point, &reading);
    }
    if (point->row) {
        const double value = tocsin__metric_of(point, outcome->reading.metric);

        if (!tocsin__is_nan(value))
            point->value = value;
    }
}

/* Most points of most series: learnt and scored, newer than the last one, in bounds, outside of
 * any window, of a series that is no counter, makes nothing of gaps and has no rows. */
static inline int pipeline_is_usual(const tocsin_spec *spec, const tocsin__clock_state *clock,
                                    int mode, const tocsin__point *point)
{
    const tocsin__gaps_constants *gaps = spec->gaps->constants;

    return mode == TOCSIN_LEARN_AND_SCORE && !spec->counter && !spec->share_count &&
           gaps->policy == TOCSIN__GAPS_SKIP && clock->points > 0 && point->time > clock->time &&
           clock->window_options == 0 && tocsin__abs(point->value) <= TOCSIN__VALUE_MAX;
}

/* The way of a point.  Written once, compiled twice: for any point, and for the usual one. */
static TOCSIN__INLINE int pipeline_run(const tocsin_spec *spec, void *state,
                                       const tocsin__arrays *arrays, int mode, int is_usual,
                                       tocsin__outcome *outcome)
{
    const tocsin__compiled_stage *detect = spec->detect, *calibrate = spec->calibrate;
    tocsin__clock_state *clock_state = tocsin__state_of(spec->clock, state);
    tocsin__point *point = &outcome->point;
    tocsin__reading *reading = &outcome->reading;
    tocsin__rarity *rarity = &outcome->rarity;
    const int has_rows = !is_usual && spec->share_count > 0;

    /* Prepare. */
    point->flags = mode == TOCSIN_SCORE_ONLY || mode == TOCSIN_HOLD ? TOCSIN_FLAG_HELD : 0;
    point->fill_expected = point->is_limited = point->is_tick = 0;
    if (is_usual) {
        tocsin__clock_advance(spec->clock->constants, clock_state, point);
    } else {
        if (tocsin__clock_accept(spec->clock->constants, clock_state, point) != TOCSIN_OK) {
            pipeline_pass(spec, state, 0, outcome);
            return TOCSIN_INFO_IGNORED;
        }
        if (spec->counter)
            tocsin__counter_convert(spec->counter->constants,
                                    tocsin__state_of(spec->counter, state), point);
        tocsin__gaps_accept(spec->gaps->constants, tocsin__state_of(spec->gaps, state), point);
    }

    /* Detect.  What is said of the point is in the reading, so the model may learn already. */
    reading->flags = 0;
    reading->direction = 0;
    if (!is_usual && tocsin__is_nan(point->value)) {
        if (mode == TOCSIN_HOLD || !point->fill_expected ||
            pipeline_fill_expected(spec, state, arrays, outcome) != TOCSIN_OK) {
            pipeline_pass(spec, state, TOCSIN_FLAG_MISSING, outcome);
            return TOCSIN_OK;
        }
    } else if (mode == TOCSIN_HOLD) {
        pipeline_pass(spec, state, TOCSIN_FLAG_UNSCORED, outcome);
        return TOCSIN_OK;
    } else if (has_rows || (!is_usual && point->flags & TOCSIN_FLAG_HELD)) {
        reading->metric = 0;
        detect->stage->score(detect->constants, tocsin__state_of(detect, state), arrays, point,
                             reading);
    } else {
        detect->stage->push(detect->constants, tocsin__state_of(detect, state), arrays, point,
                            reading);
        tocsin__clock_learnt(clock_state, point->time);
    }

    /* Calibrate. */
    rarity->flags = 0;
    if (!is_usual && point->flags & TOCSIN_FLAG_HELD)
        calibrate->stage->rank_point(calibrate->constants, tocsin__state_of(calibrate, state),
                                     point, reading, detect->stage->channel_count, rarity);
    else
        calibrate->stage->push_rank(calibrate->constants, tocsin__state_of(calibrate, state),
                                    point, reading, detect->stage->channel_count, rarity);

    if (has_rows) {
        pipeline_share(spec, state, arrays, outcome);
        if (!(point->flags & TOCSIN_FLAG_HELD)) {
            detect->stage->learn(detect->constants, tocsin__state_of(detect, state), arrays, point,
                                 reading);
            tocsin__clock_learnt(clock_state, point->time);
        }
    }

    /* Alarm. */
    if (mode == TOCSIN_LEARN_ONLY)
        pipeline_pass(spec, state, TOCSIN_FLAG_UNSCORED, outcome);
    else
        pipeline_decide(spec, state, outcome);
    return TOCSIN_OK;
}

static TOCSIN__APART int pipeline_run_any(const tocsin_spec *spec, void *state,
                                          const tocsin__arrays *arrays, int mode,
                                          tocsin__outcome *outcome)
{
    return pipeline_run(spec, state, arrays, mode, 0, outcome);
}

int tocsin__pipeline_push(const tocsin_spec *spec, void *state, const tocsin__arrays *arrays,
                          int mode, tocsin__outcome *outcome)
{
    const tocsin__clock_state *clock = tocsin__const_state_of(spec->clock, state);

    if (TOCSIN__RARELY(!pipeline_is_usual(spec, clock, mode, &outcome->point)))
        return pipeline_run_any(spec, state, arrays, mode, outcome);
    return pipeline_run(spec, state, arrays, TOCSIN_LEARN_AND_SCORE, 1, outcome);
}

int tocsin__pipeline_tick(const tocsin_spec *spec, void *state, int64_t now,
                          tocsin__outcome *outcome)
{
    const tocsin__compiled_stage *clock = spec->clock;
    tocsin__clock_state *clock_state = tocsin__state_of(clock, state);
    tocsin__point *point = &outcome->point;
    int absent = 0;

    memset(point, 0, sizeof *point);
    point->time = now;
    point->value = tocsin__nan();
    point->is_tick = point->is_brief = 1;
    if (tocsin__clock_tick(clock->constants, clock_state, now, &absent) != TOCSIN_OK) {
        pipeline_pass(spec, state, TOCSIN_FLAG_LATE, outcome);
        return TOCSIN_INFO_IGNORED;
    }
    point->flags = tocsin__clock_window(clock_state, now);
    pipeline_pass(spec, state, TOCSIN_FLAG_MISSING | (absent ? TOCSIN_FLAG_ABSENT : 0u), outcome);
    return TOCSIN_OK;
}

/* ---- Verdicts ---------------------------------------------------------------- */

/* Where the alarm's most frequent budget would ring, as values of the metric. */
static inline void pipeline_band(const tocsin_spec *spec, const tocsin__outcome *outcome,
                                 tocsin_verdict *verdict)
{
    const tocsin__compiled_stage *detect = spec->detect;
    const tocsin__reading *reading = &outcome->reading;
    const double limit = outcome->rarity.limit[0];

    if (tocsin__is_nan(limit)) {
        verdict->lower = verdict->upper = tocsin__nan();
    } else if (limit == tocsin__infinity()) {
        verdict->lower = -limit;
        verdict->upper = limit;
    } else if (detect->stage->band) {
        detect->stage->band(detect->constants, reading, outcome->rarity.channel, limit,
                            &verdict->lower, &verdict->upper);
    } else {
        verdict->lower = reading->expected - limit * reading->deviation;
        verdict->upper = reading->expected + limit * reading->deviation;
    }
}

/* All that was said, as a verdict. */
static TOCSIN__INLINE void pipeline_say(const tocsin_spec *spec, const tocsin__outcome *outcome,
                                tocsin_verdict *verdict)
{
    const tocsin__point *point = &outcome->point;
    const tocsin__reading *reading = &outcome->reading;
    const tocsin__rarity *rarity = &outcome->rarity;
    const tocsin__decision *decision = &outcome->decision;
    const uint32_t channel = rarity->channel;

    verdict->time = point->time;
    verdict->value = TOCSIN__RARELY(point->is_limited) ? point->given : point->value;
    verdict->score = rarity->score;
    verdict->period = tocsin__period(rarity);
    verdict->raw = reading->channel[channel];
    verdict->expected = reading->expected;
    verdict->deviation = reading->deviation;
    verdict->confidence = reading->confidence;
    verdict->flags = point->flags | reading->flags | rarity->flags | decision->flags;
    verdict->alarm = decision->alarm;
    verdict->transition = decision->transition;
    verdict->tier = decision->tier;
    /* Not a branch: of many a pipe it could not be told which way it goes. */
    verdict->reason = (uint8_t)(reading->reason[channel] * (rarity->score >= 1));
    if (TOCSIN__RARELY(decision->reason != TOCSIN_REASON_NONE))
        verdict->reason = decision->reason;
    verdict->direction = (int8_t)reading->direction;
    verdict->channel = (uint8_t)channel;
    verdict->metric = (uint16_t)reading->metric;
    memset(verdict->reserved, 0, sizeof verdict->reserved);
    verdict->since = decision->since;
    pipeline_band(spec, outcome, verdict);
}

void tocsin__outcome_verdict(const tocsin_spec *spec, const tocsin__outcome *outcome, void *to,
                             size_t size)
{
    tocsin_verdict verdict;
    const int fits = size == sizeof verdict;

    pipeline_say(spec, outcome, fits ? to : &verdict);
    if (TOCSIN__RARELY(!fits)) {
        memcpy(to, &verdict, size < sizeof verdict ? size : sizeof verdict);
        if (size > sizeof verdict)
            memset((char *)to + sizeof verdict, 0, size - sizeof verdict);
    }
}
