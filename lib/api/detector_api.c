/* detector_api.c - the public functions of tocsin/detector.h: check the
 * arguments, call the pipeline, hand out as much as the caller has room for.
 */
#include "../core/alloc.h"
#include "../core/info.h"
#include "../num/mathx.h"
#include "../prepare/prepare.h"
#include "detector_handle.h"

/* ---- Life ------------------------------------------------------------------ */

static void detector_start(tocsin_detector *detector, const tocsin_spec *spec)
{
    detector->spec = spec;
    tocsin__detector_forget(detector);
    tocsin__pipeline_init(spec, tocsin__detector_state(detector));
}

/* Memory for a detector of this spec, with its handle's memory fields set. */
static int detector_allocate(tocsin_detector **out, const tocsin_spec *spec,
                             const tocsin_allocator *allocator)
{
    tocsin_allocator copy;
    const size_t size = tocsin_spec_detector_size(spec);
    const int status = tocsin__allocator_init(&copy, allocator);

    if (status != TOCSIN_OK)
        return status;

    tocsin_detector *detector = tocsin__alloc(&copy, size, TOCSIN__STATE_ALIGNMENT);

    if (!detector)
        return TOCSIN_ERROR_MEMORY;
    memset(detector, 0, sizeof *detector);
    detector->allocator = copy;
    detector->block_size = size;
    *out = detector;
    return TOCSIN_OK;
}

int tocsin_detector_create(tocsin_detector **out, const tocsin_spec *spec,
                           const tocsin_allocator *allocator)
{
    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!spec)
        return TOCSIN_ERROR_ARGUMENT;

    const int status = detector_allocate(out, spec, allocator);

    if (status == TOCSIN_OK)
        detector_start(*out, spec);
    return status;
}

int tocsin_detector_create_in(tocsin_detector **out, const tocsin_spec *spec, void *memory,
                              size_t size)
{
    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!spec || !memory)
        return TOCSIN_ERROR_ARGUMENT;
    if ((uintptr_t)memory % TOCSIN__STATE_ALIGNMENT != 0)
        return TOCSIN_ERROR_ALIGNMENT;
    if (size < tocsin_spec_detector_size(spec))
        return TOCSIN_ERROR_SPACE;

    tocsin_detector *detector = memory;

    memset(detector, 0, sizeof *detector);
    detector_start(detector, spec);
    *out = detector;
    return TOCSIN_OK;
}

int tocsin_detector_clone(tocsin_detector **out, const tocsin_detector *detector,
                          const tocsin_allocator *allocator)
{
    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!detector)
        return TOCSIN_ERROR_ARGUMENT;

    const int status = detector_allocate(out, detector->spec, allocator);

    if (status != TOCSIN_OK)
        return status;
    (*out)->spec = detector->spec;
    (*out)->last = detector->last;
    memcpy(tocsin__detector_state(*out), tocsin__detector_const_state(detector),
           tocsin__detector_rest(detector->spec));
    return TOCSIN_OK;
}

int tocsin_detector_reset(tocsin_detector *detector)
{
    if (!detector)
        return TOCSIN_ERROR_ARGUMENT;
    detector_start(detector, detector->spec);
    return TOCSIN_OK;
}

void tocsin_detector_free(tocsin_detector *detector)
{
    if (detector && detector->block_size)
        tocsin__free(&detector->allocator, detector, detector->block_size);
}

const tocsin_spec *tocsin_detector_spec(const tocsin_detector *detector)
{
    return detector ? detector->spec : NULL;
}

size_t tocsin_spec_detector_size(const tocsin_spec *spec)
{
    return spec ? TOCSIN__STATE_OFFSET + tocsin__detector_rest(spec) : 0;
}

size_t tocsin_spec_detector_alignment(const tocsin_spec *spec)
{
    (void)spec;
    return TOCSIN__STATE_ALIGNMENT;
}

/* ---- Points ---------------------------------------------------------------- */

static inline int detector_bad_call(const tocsin_detector *detector, int mode, const void *verdict,
                                    size_t verdict_size)
{
    return !detector || mode < TOCSIN_LEARN_AND_SCORE || mode > TOCSIN_HOLD ||
           (verdict && verdict_size < TOCSIN_VERDICT_MIN_SIZE);
}

/* The last verdict, to a caller who wants one. */
static inline void detector_hand_out(const tocsin_detector *detector, void *verdict, size_t size)
{
    if (verdict)
        tocsin__outcome_verdict(detector->spec, &detector->last, verdict, size);
}

/* A detector of rows keeps the shares of the last point that was judged, and nobody's row. */
static TOCSIN__APART int detector_push_shared(tocsin_detector *detector, const double *row,
                                              int mode, uint32_t is_brief)
{
    tocsin__point *point = &detector->last.point;

    tocsin__detector_shares(detector)[0] = tocsin__nan();
    point->row = row;
    point->shares = tocsin__detector_shares(detector);
    point->is_brief = is_brief;

    const int status = tocsin__pipeline_push(detector->spec, tocsin__detector_state(detector),
                                             NULL, mode, &detector->last);

    point->row = NULL;
    point->shares = NULL;
    return status;
}

static inline int detector_push(tocsin_detector *detector, int64_t time, double value,
                                uint64_t count, uint32_t is_count, int mode, uint32_t is_brief)
{
    tocsin__point *point = &detector->last.point;

    point->time = time;
    point->value = value;
    point->count = count;
    point->is_count = is_count;
    if (TOCSIN__RARELY(detector->spec->share_count))
        return detector_push_shared(detector, NULL, mode, is_brief);
    return tocsin__pipeline_push(detector->spec, tocsin__detector_state(detector), NULL, mode,
                                 &detector->last);
}

int tocsin_detector_push(tocsin_detector *detector, int64_t time, double value, int mode,
                         tocsin_verdict *verdict, size_t verdict_size)
{
    if (detector_bad_call(detector, mode, verdict, verdict_size))
        return TOCSIN_ERROR_ARGUMENT;

    if (TOCSIN__RARELY(detector->spec->metrics != 1))
        return TOCSIN_ERROR_WIDTH;

    const int status = detector_push(detector, time, value, 0, 0, mode, 0);

    detector_hand_out(detector, verdict, verdict_size);
    return status;
}

int tocsin_detector_push_u64(tocsin_detector *detector, int64_t time, uint64_t value, int mode,
                             tocsin_verdict *verdict, size_t verdict_size)
{
    if (detector_bad_call(detector, mode, verdict, verdict_size))
        return TOCSIN_ERROR_ARGUMENT;

    if (TOCSIN__RARELY(detector->spec->metrics != 1))
        return TOCSIN_ERROR_WIDTH;

    const int status = detector_push(detector, time, (double)value, value, 1, mode, 0);

    detector_hand_out(detector, verdict, verdict_size);
    return status;
}

int tocsin_detector_score(tocsin_detector *detector, int64_t time, double value, int mode,
                          double *score)
{
    if (!score || detector_bad_call(detector, mode, NULL, 0))
        return TOCSIN_ERROR_ARGUMENT;

    if (TOCSIN__RARELY(detector->spec->metrics != 1))
        return TOCSIN_ERROR_WIDTH;

    const int status = detector_push(detector, time, value, 0, 0, mode, 1);

    *score = detector->last.rarity.score;
    return status;
}

/* ---- Rows ------------------------------------------------------------------ */

/* A row is missing where all of it is, so the point's value is the first that is not. */
static int detector_push_row(tocsin_detector *detector, int64_t time, const double *values,
                             int mode, uint32_t is_brief)
{
    const uint32_t metrics = detector->spec->metrics;
    tocsin__point *point = &detector->last.point;

    if (metrics == 1)
        return detector_push(detector, time, values[0], 0, 0, mode, is_brief);
    point->time = time;
    point->value = tocsin__first_of_row(values, metrics);
    point->count = 0;
    point->is_count = 0;
    return detector_push_shared(detector, values, mode, is_brief);
}

int tocsin_detector_push_row(tocsin_detector *detector, int64_t time, const double *values,
                             size_t count, int mode, tocsin_verdict *verdict, size_t verdict_size)
{
    if (!values || detector_bad_call(detector, mode, verdict, verdict_size))
        return TOCSIN_ERROR_ARGUMENT;
    if (count != detector->spec->metrics)
        return TOCSIN_ERROR_WIDTH;

    const int status = detector_push_row(detector, time, values, mode, 0);

    detector_hand_out(detector, verdict, verdict_size);
    return status;
}

int tocsin_detector_push_rows(tocsin_detector *detector, size_t count, const int64_t *times,
                              const double *values, size_t metrics, int mode,
                              tocsin_verdict *verdicts, size_t verdict_size)
{
    int status = TOCSIN_OK;

    if (detector_bad_call(detector, mode, verdicts, verdict_size) || (count && !values))
        return TOCSIN_ERROR_ARGUMENT;
    if (metrics != detector->spec->metrics)
        return TOCSIN_ERROR_WIDTH;
    for (size_t i = 0; i < count; i++) {
        const int64_t time = times ? times[i] : TOCSIN_TIME_NONE;
        const int one = detector_push_row(detector, time, values + i * metrics, mode, 0);

        if (one != TOCSIN_OK)
            status = one;
        if (verdicts)
            detector_hand_out(detector, (char *)verdicts + i * verdict_size, verdict_size);
    }
    return status;
}

int tocsin_detector_push_n(tocsin_detector *detector, size_t count, const int64_t *times,
                           const double *values, int mode, tocsin_verdict *verdicts,
                           size_t verdict_size)
{
    return tocsin_detector_push_rows(detector, count, times, values, 1, mode, verdicts,
                                     verdict_size);
}

int tocsin_detector_score_row(tocsin_detector *detector, int64_t time, const double *values,
                              size_t count, int mode, double *score)
{
    if (!values || !score || detector_bad_call(detector, mode, NULL, 0))
        return TOCSIN_ERROR_ARGUMENT;
    if (count != detector->spec->metrics)
        return TOCSIN_ERROR_WIDTH;

    const int status = detector_push_row(detector, time, values, mode, 1);

    *score = detector->last.rarity.score;
    return status;
}

int tocsin_detector_shares(const tocsin_detector *detector, tocsin_share *shares,
                           size_t share_size, size_t capacity, size_t *count)
{
    if (!detector || !count || (!shares && capacity > 0) || share_size < sizeof *shares)
        return TOCSIN_ERROR_ARGUMENT;

    const tocsin_spec *spec = detector->spec;
    const double *kept = (const double *)(const void *)((const char *)tocsin__detector_const_state(
                                                            detector) + spec->state_size);

    if (spec->share_count == 0)
        return TOCSIN_ERROR_UNSUPPORTED;

    const uint32_t metrics = spec->metrics, entries = spec->share_count - metrics;
    const int is_known = !tocsin__is_nan(kept[0]);

    for (uint32_t i = 0; i < entries && i < capacity; i++) {
        tocsin_share share;

        share.metric = i % metrics;
        share.lag = i / metrics;
        share.value = is_known ? kept[i] : tocsin__nan();
        share.normal = is_known && share.lag == 0 ? kept[entries + i] : tocsin__nan();
        memset((char *)shares + i * share_size, 0, share_size);
        memcpy((char *)shares + i * share_size, &share, sizeof share);
    }
    *count = entries;
    if (entries > capacity)
        return TOCSIN_ERROR_SPACE;
    return is_known ? TOCSIN_OK : TOCSIN_INFO_IGNORED;
}

/* ---- Silence --------------------------------------------------------------- */

int tocsin_detector_tick(tocsin_detector *detector, int64_t time, tocsin_verdict *verdict,
                         size_t verdict_size)
{
    if (detector_bad_call(detector, TOCSIN_HOLD, verdict, verdict_size))
        return TOCSIN_ERROR_ARGUMENT;
    if (time == TOCSIN_TIME_NONE)
        return TOCSIN_ERROR_TIME;

    if (detector->spec->share_count)
        tocsin__detector_shares(detector)[0] = tocsin__nan();

    const int status = tocsin__pipeline_tick(detector->spec, tocsin__detector_state(detector),
                                             time, &detector->last);

    detector_hand_out(detector, verdict, verdict_size);
    return status;
}

/* ---- Marks ----------------------------------------------------------------- */

int tocsin_detector_mark(tocsin_detector *detector, int kind, uint32_t options, int64_t begin,
                         int64_t end)
{
    if (!detector || kind < TOCSIN_MARK_DEPLOY || kind > TOCSIN_MARK_MAINTENANCE ||
        (options & ~(uint32_t)(TOCSIN_MARK_MUTE | TOCSIN_MARK_NO_LEARN)))
        return TOCSIN_ERROR_ARGUMENT;
    if (begin == TOCSIN_TIME_NONE || (options && end != TOCSIN_TIME_NONE && end < begin))
        return TOCSIN_ERROR_TIME;

    tocsin__clock_state *clock =
        tocsin__state_of(detector->spec->clock, tocsin__detector_state(detector));

    tocsin__clock_mark(clock, kind, options, begin, end);
    return TOCSIN_OK;
}

int tocsin_detector_exclude(tocsin_detector *detector, const tocsin_detector *before, int64_t from,
                            int64_t to)
{
    if (!detector)
        return TOCSIN_ERROR_ARGUMENT;
    if (from == TOCSIN_TIME_NONE || to == TOCSIN_TIME_NONE || to < from)
        return TOCSIN_ERROR_TIME;

    const tocsin_spec *spec = detector->spec;
    const tocsin__compiled_stage *calibrate = spec->calibrate;
    void *state = tocsin__detector_state(detector);
    const tocsin__clock_state *clock = tocsin__const_state_of(spec->clock, state);
    const int64_t now = clock->learnt;

    if (before) {
        const void *then = tocsin__detector_const_state(before);
        const tocsin__clock_state *earlier;

        if (!tocsin__spec_is_same(spec, before->spec))
            return TOCSIN_ERROR_MISMATCH;
        earlier = tocsin__const_state_of(spec->clock, then);
        if (earlier->has_learnt && (earlier->learnt >= from || earlier->learnt > now))
            return TOCSIN_ERROR_TIME;
        if (!clock->has_learnt || now < from)
            return TOCSIN_INFO_IGNORED;
        tocsin__pipeline_take_back(spec, state, then);
        return now > to ? TOCSIN_INFO_PARTIAL : TOCSIN_OK;
    }
    if (!calibrate->stage->exclude)
        return TOCSIN_ERROR_UNSUPPORTED;
    if (!clock->has_learnt)
        return TOCSIN_INFO_IGNORED;
    return calibrate->stage->exclude(calibrate->constants, tocsin__state_of(calibrate, state), now,
                                     from, to)
               ? TOCSIN_INFO_PARTIAL
               : TOCSIN_INFO_IGNORED;
}

/* ---- Explanations ---------------------------------------------------------- */

int tocsin_detector_verdict(const tocsin_detector *detector, tocsin_verdict *verdict,
                            size_t verdict_size)
{
    if (!verdict || detector_bad_call(detector, TOCSIN_HOLD, verdict, verdict_size))
        return TOCSIN_ERROR_ARGUMENT;
    detector_hand_out(detector, verdict, verdict_size);
    return TOCSIN_OK;
}

int tocsin_detector_explain(const tocsin_detector *detector, tocsin_explanation *explanation)
{
    if (!detector || !explanation || !tocsin__info_fits(explanation, sizeof *explanation))
        return TOCSIN_ERROR_ARGUMENT;

    const tocsin_spec *spec = detector->spec;
    const void *state = tocsin__detector_const_state(detector);
    const tocsin__reading *reading = &detector->last.reading;
    const double nan = tocsin__nan();

    tocsin__info_clear(explanation, sizeof *explanation);
    explanation->level = explanation->trend = explanation->season = explanation->period = nan;
    explanation->floor = explanation->limit = explanation->budget = nan;
    explanation->history = explanation->step = explanation->observed_rate = nan;
    explanation->mark_time = TOCSIN_TIME_NONE;
    for (size_t i = 0; i < spec->stage_count; i++) {
        const tocsin__compiled_stage *stage = &spec->stages[i];

        if (stage->stage->explain)
            stage->stage->explain(stage->constants, tocsin__const_state_of(stage, state), reading,
                                  explanation);
    }
    explanation->channel_count = spec->detect->stage->channel_count;
    for (uint32_t c = 0; c < explanation->channel_count; c++) {
        const tocsin__compiled_stage *calibrate = spec->calibrate;
        tocsin_channel *channel = &explanation->channels[c];

        channel->name = spec->detect->stage->channel_names[c];
        channel->value = reading->channel[c];
        channel->score = calibrate->stage->score_of(
            calibrate->constants, tocsin__const_state_of(calibrate, state), c, channel->value);
    }
    return TOCSIN_OK;
}

/* `ahead` ns after a time; at most the end of time. */
static int64_t detector_later(int64_t time, double ahead)
{
    const uint64_t room = (uint64_t)INT64_MAX - (uint64_t)time;

    if (!(ahead < 18446744073709551616.0) || (uint64_t)ahead > room)
        return INT64_MAX;
    return (int64_t)((uint64_t)time + (uint64_t)ahead);
}

int tocsin_detector_forecast(const tocsin_detector *detector, size_t count, double coverage,
                             tocsin_forecast *forecasts, size_t forecast_size)
{
    if (!detector || (count && !forecasts) || !(coverage > 0 && coverage < 1) ||
        forecast_size < sizeof(tocsin_forecast))
        return TOCSIN_ERROR_ARGUMENT;

    const tocsin__compiled_stage *detect = detector->spec->detect;
    const void *state = tocsin__detector_const_state(detector);
    const tocsin__clock_state *clock = tocsin__const_state_of(detector->spec->clock, state);
    int status = TOCSIN_OK;

    if (!detect->stage->forecast)
        return TOCSIN_ERROR_UNSUPPORTED;

    const int64_t since =
        clock->has_learnt ? tocsin__time_between(clock->learnt, clock->time) : 0;
    const double z = tocsin__normal_quantile(0.5 + coverage / 2);
    const double width = tocsin__clamp(clock->step, 1, 9e18);
    const int64_t step = clock->points > 1 ? (int64_t)width : 0;

    for (size_t i = 0; i < count; i++) {
        const double ahead = (double)step * (double)(i + 1);
        double expected, deviation;
        tocsin_forecast forecast;

        if (detect->stage->forecast(detect->constants, tocsin__const_state_of(detect, state),
                                    since, step, i + 1, &expected, &deviation)) {
            forecast.expected = expected;
            forecast.lower = expected - z * deviation;
            forecast.upper = expected + z * deviation;
        } else {
            forecast.expected = forecast.lower = forecast.upper = tocsin__nan();
            status = TOCSIN_INFO_IGNORED;
        }
        forecast.time = detector_later(clock->time, ahead);
        memset((char *)forecasts + i * forecast_size, 0, forecast_size);
        memcpy((char *)forecasts + i * forecast_size, &forecast, sizeof forecast);
    }
    return status;
}
