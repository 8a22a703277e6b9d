/* pipeline.c - joins the stages: one point, one way.
 *
 * This is the only file that knows of all four kinds of stages.  A point passes
 * clock, counter and gaps; if it comes out with a value, the detector reads it,
 * the calibrator ranks the reading and the alarm decides.  Only then, when the
 * verdict stands, is the point learnt: so a verdict never depends on its own
 * point, nor on any later one.
 */
#include "pipeline.h"

#include "../prepare/clock_state.h"

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
    verdict->value = outcome->point.value;
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
static void pipeline_pass(const tocsin_spec *spec, void *state, uint32_t flags,
                          tocsin__outcome *outcome)
{
    outcome->point.flags |= flags;
    pipeline_blank(outcome);
    pipeline_decide(spec, state, outcome);
}

/* Where the alarm's loudest budget would ring, as values of the metric. */
static void pipeline_band(const tocsin_spec *spec, const void *state, tocsin__outcome *outcome)
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
        detect->stage->band(detect->constants, tocsin__const_state_of(detect, state), reading,
                            channel, limit, &verdict->lower, &verdict->upper);
    } else {
        verdict->lower = reading->expected - limit * reading->deviation;
        verdict->upper = reading->expected + limit * reading->deviation;
    }
}

/* Reading and rarity into the verdict's fields. */
static void pipeline_judge(const tocsin_spec *spec, void *state, tocsin__outcome *outcome)
{
    const tocsin__reading *reading = &outcome->reading;
    const tocsin__rarity *rarity = &outcome->rarity;
    tocsin_verdict *verdict = &outcome->verdict;
    const uint32_t channel = rarity->channel;

    verdict->time = outcome->point.time;
    verdict->value = outcome->point.value;
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
    pipeline_band(spec, state, outcome);
    pipeline_decide(spec, state, outcome);
}

int tocsin__pipeline_push(const tocsin_spec *spec, void *state, int mode, int want_verdict,
                          tocsin__outcome *outcome)
{
    const tocsin__compiled_stage *clock = spec->clock, *counter = spec->counter;
    const tocsin__compiled_stage *gaps = spec->gaps, *detect = spec->detect;
    const tocsin__compiled_stage *calibrate = spec->calibrate;
    tocsin__point *point = &outcome->point;
    tocsin__reading *reading = &outcome->reading;
    tocsin__rarity *rarity = &outcome->rarity;
    void *detect_state = tocsin__state_of(detect, state);
    void *calibrate_state = tocsin__state_of(calibrate, state);
    tocsin__clock *clock_state = tocsin__state_of(clock, state);

    /* Prepare. */
    point->flags = 0;
    point->fill_expected = 0;
    if (clock->stage->prepare(clock->constants, clock_state, point) != TOCSIN_OK) {
        pipeline_pass(spec, state, 0, outcome);
        return TOCSIN_INFO_IGNORED;
    }
    if (counter)
        counter->stage->prepare(counter->constants, tocsin__state_of(counter, state), point);
    else if (point->is_count)
        point->value = (double)point->count;
    gaps->stage->prepare(gaps->constants, tocsin__state_of(gaps, state), point);

    const int scores = mode == TOCSIN_LEARN_AND_SCORE || mode == TOCSIN_SCORE_ONLY;
    int learns = (mode == TOCSIN_LEARN_AND_SCORE || mode == TOCSIN_LEARN_ONLY) &&
                 !(point->flags & TOCSIN_FLAG_HELD);

    if (!learns)
        point->flags |= TOCSIN_FLAG_HELD;
    if (tocsin__is_nan(point->value) && !point->fill_expected) {
        pipeline_pass(spec, state, TOCSIN_FLAG_MISSING, outcome);
        return TOCSIN_OK;
    }
    if (mode == TOCSIN_HOLD) {
        pipeline_pass(spec, state, TOCSIN_FLAG_UNSCORED, outcome);
        return TOCSIN_OK;
    }

    /* Detect. */
    reading->flags = 0;
    reading->direction = 0;
    detect->stage->score(detect->constants, detect_state, point, reading);
    if (point->fill_expected) {
        if (!tocsin__is_finite(reading->expected)) {
            pipeline_pass(spec, state, TOCSIN_FLAG_MISSING, outcome);
            return TOCSIN_OK;
        }
        point->value = reading->expected;
        point->flags |= TOCSIN_FLAG_FILLED | TOCSIN_FLAG_HELD;
        learns = 0;
        reading->flags = 0;
        detect->stage->score(detect->constants, detect_state, point, reading);
    }

    /* Calibrate. */
    rarity->flags = 0;
    rarity->exceeds = 0;
    rarity->channel = 0;
    calibrate->stage->rank_point(calibrate->constants, calibrate_state, point, reading,
                                 detect->stage->channel_count, rarity);

    /* Alarm. */
    if (!scores)
        pipeline_pass(spec, state, TOCSIN_FLAG_UNSCORED, outcome);
    else if (want_verdict || spec->alarm)
        pipeline_judge(spec, state, outcome);
    else
        outcome->verdict.score = rarity->score;

    /* Learn. */
    if (learns) {
        calibrate->stage->learn_rank(calibrate->constants, calibrate_state, point, reading,
                                     detect->stage->channel_count, rarity);
        detect->stage->learn(detect->constants, detect_state, point, reading);
        tocsin__clock_learnt(clock_state, point->time);
    }
    return TOCSIN_OK;
}

int tocsin__pipeline_tick(const tocsin_spec *spec, void *state, int64_t now,
                          tocsin__outcome *outcome)
{
    const tocsin__compiled_stage *clock = spec->clock;
    tocsin__clock *clock_state = tocsin__state_of(clock, state);
    tocsin__point *point = &outcome->point;

    memset(point, 0, sizeof *point);
    point->time = now;
    point->value = tocsin__nan();
    if (clock_state->has_life && now < clock_state->alive) {
        pipeline_pass(spec, state, TOCSIN_FLAG_LATE, outcome);
        return TOCSIN_INFO_IGNORED;
    }
    const int absent = tocsin__clock_tick(clock->constants, clock_state, now);

    point->flags = tocsin__clock_mark_flags(clock_state, now);
    pipeline_pass(spec, state, TOCSIN_FLAG_MISSING | (absent ? TOCSIN_FLAG_ABSENT : 0u), outcome);
    return TOCSIN_OK;
}
