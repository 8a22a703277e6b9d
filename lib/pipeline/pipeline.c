/* pipeline.c - joins the stages: one point, one way.
 *
 * This is the only file that knows of all four kinds of stages.  A point passes
 * clock, counter and gaps; if it comes out with a value, the detector reads it,
 * the calibrator ranks the reading and the alarm decides.  Each stage speaks of a
 * point before it learns it: so a verdict never depends on having learnt its own
 * point, nor on any later one.
 */
#include "pipeline.h"

#include "../prepare/prepare.h"

void tocsin__pipeline_init(const tocsin_spec *spec, void *state)
{
    memset(state, 0, spec->state_size);
    for (size_t i = 0; i < spec->stage_count; i++) {
        const tocsin__compiled_stage *stage = &spec->stages[i];

        if (stage->stage->init)
            stage->stage->init(stage->constants, tocsin__state_of(stage, state));
    }
}

/* What a verdict says of a point nobody has judged. */
static void pipeline_blank(tocsin__outcome *outcome)
{
    tocsin_verdict *verdict = &outcome->verdict;
    tocsin__reading *reading = &outcome->reading;
    tocsin__rarity *rarity = &outcome->rarity;
    const double nan = tocsin__nan();

    for (size_t i = 0; i < TOCSIN_CHANNELS; i++) {
        reading->channel[i] = nan;
        reading->reason[i] = TOCSIN_REASON_NONE;
    }
    reading->flags = 0;
    reading->direction = 0;
    reading->expected = reading->deviation = nan;
    reading->confidence = 0;

    rarity->score = rarity->period = nan;
    rarity->limit[0] = rarity->limit[1] = nan;
    rarity->history = rarity->step = nan;
    rarity->channel = rarity->exceeds = rarity->flags = rarity->reserved = 0;

    memset(verdict, 0, sizeof *verdict);
    verdict->time = outcome->point.time;
    verdict->value = outcome->point.is_limited ? outcome->point.given : outcome->point.value;
    verdict->score = verdict->period = verdict->raw = nan;
    verdict->expected = verdict->deviation = nan;
    verdict->flags = outcome->point.flags;
    verdict->since = TOCSIN_TIME_NONE;
    verdict->lower = verdict->upper = nan;
}

void tocsin__outcome_init(tocsin__outcome *outcome)
{
    memset(outcome, 0, sizeof *outcome);
    outcome->point.time = TOCSIN_TIME_NONE;
    outcome->point.value = tocsin__nan();
    outcome->point.flags = TOCSIN_FLAG_WARMING;
    pipeline_blank(outcome);
}

static void pipeline_decide(const tocsin_spec *spec, void *state, tocsin__outcome *outcome)
{
    const tocsin__compiled_stage *alarm = spec->alarm;

    if (alarm)
        alarm->stage->decide(alarm->constants, tocsin__state_of(alarm, state), &outcome->point,
                             &outcome->reading, &outcome->rarity, &outcome->verdict);
}

/* The verdict of a point that is not scored: its flags say why. */
static TOCSIN__APART void pipeline_pass(const tocsin_spec *spec, void *state, uint32_t flags,
                                        tocsin__outcome *outcome)
{
    outcome->point.flags |= flags;
    pipeline_blank(outcome);
    pipeline_decide(spec, state, outcome);
}

/* Where the alarm's most frequent budget would ring, as values of the metric. */
static void pipeline_band(const tocsin_spec *spec, tocsin__outcome *outcome)
{
    const tocsin__compiled_stage *detect = spec->detect;
    const tocsin__reading *reading = &outcome->reading;
    const uint32_t channel = outcome->rarity.channel;
    const double limit = outcome->rarity.limit[0];
    tocsin_verdict *verdict = &outcome->verdict;

    if (tocsin__is_nan(limit)) {
        verdict->lower = verdict->upper = tocsin__nan();
    } else if (limit == tocsin__infinity()) {
        verdict->lower = -limit;
        verdict->upper = limit;
    } else if (detect->stage->band) {
        detect->stage->band(detect->constants, reading, channel, limit, &verdict->lower,
                            &verdict->upper);
    } else {
        verdict->lower = reading->expected - limit * reading->deviation;
        verdict->upper = reading->expected + limit * reading->deviation;
    }
}

/* Reading and rarity into the verdict's fields. */
static TOCSIN__APART void pipeline_judge(const tocsin_spec *spec, void *state,
                                         tocsin__outcome *outcome)
{
    const tocsin__reading *reading = &outcome->reading;
    const tocsin__rarity *rarity = &outcome->rarity;
    tocsin_verdict *verdict = &outcome->verdict;
    const uint32_t channel = rarity->channel;

    verdict->time = outcome->point.time;
    verdict->value = TOCSIN__RARELY(outcome->point.is_limited) ? outcome->point.given
                                                               : outcome->point.value;
    verdict->score = rarity->score;
    verdict->period = rarity->period;
    verdict->raw = reading->channel[channel];
    verdict->expected = reading->expected;
    verdict->deviation = reading->deviation;
    verdict->confidence = reading->confidence;
    verdict->flags = outcome->point.flags | reading->flags | rarity->flags;
    verdict->alarm = TOCSIN_ALARM_OFF;
    verdict->transition = TOCSIN_TRANSITION_NONE;
    verdict->tier = TOCSIN_TIER_NONE;
    verdict->reason = rarity->score >= 1 ? reading->reason[channel] : TOCSIN_REASON_NONE;
    verdict->direction = (int8_t)reading->direction;
    verdict->channel = (uint8_t)channel;
    memset(verdict->reserved, 0, sizeof verdict->reserved);
    verdict->since = TOCSIN_TIME_NONE;
    pipeline_band(spec, outcome);
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

/* The way of a point.  Written once, compiled three times: as it stands; for the
 * point that most points are, learnt and scored, of a series that is no counter; and for
 * such a point of which only the score is wanted, with no alarm behind it. */
static TOCSIN__INLINE int pipeline_run(const tocsin_spec *spec, void *state,
                                       const tocsin__arrays *arrays, int mode, int is_counter,
                                       int wants_verdict, tocsin__outcome *outcome)
{
    const tocsin__compiled_stage *detect = spec->detect, *calibrate = spec->calibrate;
    tocsin__clock_state *clock_state = tocsin__state_of(spec->clock, state);
    tocsin__point *point = &outcome->point;
    tocsin__reading *reading = &outcome->reading;
    tocsin__rarity *rarity = &outcome->rarity;

    /* Prepare. */
    point->flags = mode == TOCSIN_SCORE_ONLY || mode == TOCSIN_HOLD ? TOCSIN_FLAG_HELD : 0;
    point->fill_expected = point->is_limited = point->is_tick = 0;
    outcome->is_unjudged = 0;
    if (TOCSIN__RARELY(tocsin__clock_accept(spec->clock->constants, clock_state, point) !=
                       TOCSIN_OK)) {
        pipeline_pass(spec, state, 0, outcome);
        return TOCSIN_INFO_IGNORED;
    }
    if (is_counter)
        tocsin__counter_convert(spec->counter->constants, tocsin__state_of(spec->counter, state),
                                point);
    tocsin__gaps_accept(spec->gaps->constants, tocsin__state_of(spec->gaps, state), point);

    /* Detect.  What is said of the point is in the reading, so the model may learn already. */
    reading->flags = 0;
    reading->direction = 0;
    if (TOCSIN__RARELY(tocsin__is_nan(point->value))) {
        if (mode == TOCSIN_HOLD || !point->fill_expected ||
            pipeline_fill_expected(spec, state, arrays, outcome) != TOCSIN_OK) {
            pipeline_pass(spec, state, TOCSIN_FLAG_MISSING, outcome);
            return TOCSIN_OK;
        }
    } else if (TOCSIN__RARELY(mode == TOCSIN_HOLD)) {
        pipeline_pass(spec, state, TOCSIN_FLAG_UNSCORED, outcome);
        return TOCSIN_OK;
    } else if (TOCSIN__RARELY(point->flags & TOCSIN_FLAG_HELD)) {
        detect->stage->score(detect->constants, tocsin__state_of(detect, state), arrays, point,
                             reading);
    } else {
        detect->stage->push(detect->constants, tocsin__state_of(detect, state), arrays, point,
                            reading);
        tocsin__clock_learnt(clock_state, point->time);
    }

    /* Calibrate. */
    rarity->flags = 0;
    if (TOCSIN__RARELY(point->flags & TOCSIN_FLAG_HELD))
        calibrate->stage->rank_point(calibrate->constants, tocsin__state_of(calibrate, state),
                                     point, reading, detect->stage->channel_count, rarity);
    else
        calibrate->stage->push_rank(calibrate->constants, tocsin__state_of(calibrate, state),
                                    point, reading, detect->stage->channel_count, rarity);

    /* Alarm. */
    if (TOCSIN__RARELY(mode == TOCSIN_LEARN_ONLY)) {
        pipeline_pass(spec, state, TOCSIN_FLAG_UNSCORED, outcome);
    } else if (wants_verdict) {
        pipeline_judge(spec, state, outcome);
    } else {
        outcome->verdict.score = rarity->score;
        outcome->is_unjudged = 1;
    }
    return TOCSIN_OK;
}

static TOCSIN__APART int pipeline_run_score(const tocsin_spec *spec, void *state,
                                            const tocsin__arrays *arrays,
                                            tocsin__outcome *outcome)
{
    return pipeline_run(spec, state, arrays, TOCSIN_LEARN_AND_SCORE, 0, 0, outcome);
}

static TOCSIN__APART int pipeline_run_verdict(const tocsin_spec *spec, void *state,
                                              const tocsin__arrays *arrays,
                                              tocsin__outcome *outcome)
{
    return pipeline_run(spec, state, arrays, TOCSIN_LEARN_AND_SCORE, 0, 1, outcome);
}

static TOCSIN__APART int pipeline_run_any(const tocsin_spec *spec, void *state,
                                          const tocsin__arrays *arrays, int mode,
                                          tocsin__outcome *outcome)
{
    return pipeline_run(spec, state, arrays, mode, spec->counter != NULL, 1, outcome);
}

int tocsin__pipeline_push(const tocsin_spec *spec, void *state, const tocsin__arrays *arrays,
                          int mode, int wants_verdict, tocsin__outcome *outcome)
{
    if (TOCSIN__RARELY(mode != TOCSIN_LEARN_AND_SCORE || spec->counter))
        return pipeline_run_any(spec, state, arrays, mode, outcome);
    if (wants_verdict || spec->alarm)
        return pipeline_run_verdict(spec, state, arrays, outcome);
    return pipeline_run_score(spec, state, arrays, outcome);
}

void tocsin__outcome_verdict(const tocsin_spec *spec, const tocsin__outcome *outcome,
                             tocsin_verdict *verdict)
{
    if (outcome->is_unjudged) {
        tocsin__outcome judged = *outcome;

        pipeline_judge(spec, NULL, &judged);    /* there is no alarm, so no state is looked at */
        *verdict = judged.verdict;
    } else {
        *verdict = outcome->verdict;
    }
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
    point->is_tick = 1;
    outcome->is_unjudged = 0;
    if (tocsin__clock_tick(clock->constants, clock_state, now, &absent) != TOCSIN_OK) {
        pipeline_pass(spec, state, TOCSIN_FLAG_LATE, outcome);
        return TOCSIN_INFO_IGNORED;
    }
    point->flags = tocsin__clock_window(clock_state, now);
    pipeline_pass(spec, state, TOCSIN_FLAG_MISSING | (absent ? TOCSIN_FLAG_ABSENT : 0u), outcome);
    return TOCSIN_OK;
}
