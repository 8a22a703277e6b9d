/* robust.c - streaming median and median deviation: for metrics whose outliers must not count.
 *
 * Model
 * -----
 * The level is the median of what was seen, the deviation 1.4826 times the median of |x - median|,
 * which for a Gaussian is the standard deviation.  The statistic, channel 0 "deviation", is
 * |x - median| / deviation, told before x is learnt.  Up to half of the points may be anything at
 * all: where the mean and variance of ewma are dragged along, these stay.
 *
 * Both medians are followed by five markers each (state/quartiles.h), with the gains of level.h:
 * 1/n at first, then a half-life in time or in points.  A gain above 1/8 counts as 1/8, for a
 * quartile is not known from fewer points.  Each point's deviation is that from the median at the
 * time.
 *
 * A series that rests at one value for more than half of the time has no median deviation; then
 * the mean |x - median| makes the deviation, as it would a Gaussian's.
 *
 * Learning is winsorised, which only the outer markers, that mean and the floors need (residual.h),
 * in units of the larger of the two deviations.  Forecasts are flat at the median.
 *
 * References: Jain & Chlamtac 1985; Hampel 1974.
 *
 * Cost: some thirty operations per sketch; a division or two where a marker moves.  232 bytes.
 *
 * How it fails.  Of two levels, dwelt in in turn, it knows one at a time.  A shift is learnt only
 * after it has lasted for about a half-life, and then quickly.  A season widens the deviation.
 */
#include "../state/quartiles.h"
#include "level.h"

enum { ROBUST_HALF_LIFE, ROBUST_LEVEL };

static const tocsin__param robust_params[] = {
    {"half-life", TOCSIN_TYPE_SPAN, 1, 0, 0, "", "200p", 1e-3, 3.2e9, "",
     "time, or points, after which a value counts half"},
    TOCSIN__LEVEL_PARAMS("32"),
};

#define ROBUST_STANDARD 1.48260221850560186     /* standard / median absolute deviation */
#define ROBUST_MEAN 1.25331413731550025         /* standard / mean deviation */

typedef struct {
    tocsin__quartiles values;
    tocsin__quartiles deviations;
    double spread;          /* mean |x - median| as it was learnt */
    double reach;           /* see residual.h */
    uint16_t count;         /* points learnt, until the window is full and warm-up over */
    uint16_t habit;         /* see residual.h */
    uint16_t outside;
    uint16_t spare;
} robust_state;

static const tocsin__field robust_fields[] = {
    TOCSIN__FIELD(robust_state, values.at, F64, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),
    TOCSIN__FIELD(robust_state, values.share, F64, 0, 1),
    TOCSIN__FIELD(robust_state, values.tied, F64, 0, 1),
    TOCSIN__FIELD(robust_state, deviations.at, F64, 0, 1e151),
    TOCSIN__FIELD(robust_state, deviations.share, F64, 0, 1),
    TOCSIN__FIELD(robust_state, deviations.tied, F64, 0, 1),
    TOCSIN__FIELD(robust_state, spread, REAL, 0, 1e151),
    TOCSIN__FIELD(robust_state, reach, REAL, 0, 1e151),
    TOCSIN__FIELD(robust_state, count, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(robust_state, habit, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(robust_state, outside, U16, 0, 1),
    TOCSIN__FIELD(robust_state, spare, U16, 0, 0),
};

static int robust_resolve(const tocsin__values *values, const tocsin__context *context,
                          void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    tocsin__level_rules *k = constants;

    (void)complaint;
    tocsin__level_resolve(k, values + ROBUST_LEVEL,
                          tocsin__level_half_life(k, &values[ROBUST_HALF_LIFE].item[0], context));
    shape->precision = k->precision;
    return TOCSIN_OK;
}

static size_t robust_warmup(const void *constants)
{
    return ((const tocsin__level_rules *)constants)->warmup;
}

static double robust_median(const robust_state *s)
{
    return tocsin__quartiles_median(&s->values, s->count);
}

static double robust_deviation(const tocsin__level_rules *k, const robust_state *s)
{
    const double median = tocsin__quartiles_median(&s->deviations, s->count);

    return tocsin__residual_round(k->precision,
                                  median > 0 ? ROBUST_STANDARD * median : ROBUST_MEAN * s->spread);
}

static void robust_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                         const tocsin__point *point, tocsin__reading *reading)
{
    const tocsin__level_rules *k = constants;
    const robust_state *s = state;
    const double median = robust_median(s);

    (void)arrays;
    if (s->count < k->warmup) {
        tocsin__level_warming(reading, 1);
        return;
    }
    tocsin__residual_read(&k->residual, point->value - median, median, robust_deviation(k, s),
                          s->reach, reading);
    reading->confidence = tocsin__level_confidence(k, s->count, point->elapsed);
}

static void robust_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                         const tocsin__point *point, const tocsin__reading *reading)
{
    const tocsin__level_rules *k = constants;
    robust_state *s = state;
    const double median = s->count > 0 ? robust_median(s) : point->value;
    const double unit = reading->deviation < ROBUST_MEAN * s->spread ? ROBUST_MEAN * s->spread
                                                                     : reading->deviation;
    const double d = tocsin__residual_winsorise(&k->residual, point->value - median, unit,
                                                &s->habit, &s->outside);
    const double g = tocsin__level_gain(k, point->elapsed);
    const double size = tocsin__residual_round(k->precision, tocsin__abs(d));
    const uint32_t count = s->count;

    (void)arrays;
    tocsin__quartiles_learn(&s->values, count, tocsin__bounded(median + d), g);
    tocsin__quartiles_learn(&s->deviations, count, size, g);
    if (count < UINT16_MAX && (count * g < 1 || count < k->warmup || count < TOCSIN__QUARTILES))
        s->count = (uint16_t)(count + 1u);
    s->spread = tocsin__residual_round(
        k->precision, s->spread + tocsin__max(g, 1 / ((double)count + 1)) * (size - s->spread));
    s->reach = tocsin__residual_reach(&k->residual, s->reach, size);
}

static void robust_push(const void *constants, void *state, const tocsin__arrays *arrays,
                        const tocsin__point *point, tocsin__reading *reading)
{
    robust_score(constants, state, arrays, point, reading);
    robust_learn(constants, state, arrays, point, reading);
}

static double robust_floor(const tocsin__level_rules *k, const robust_state *s)
{
    return tocsin__residual_floor(&k->residual, robust_median(s), s->reach);
}

static int robust_forecast(const void *constants, const void *state, int64_t since, int64_t step,
                           uint64_t steps, double *expected, double *deviation)
{
    const tocsin__level_rules *k = constants;
    const robust_state *s = state;

    (void)since;
    (void)step;
    (void)steps;
    if (s->count < k->warmup)
        return 0;
    *expected = robust_median(s);
    *deviation = tocsin__max(robust_deviation(k, s), robust_floor(k, s));
    return 1;
}

static void robust_explain(const void *constants, const void *state,
                           const tocsin__reading *reading, tocsin_explanation *explanation)
{
    const robust_state *s = state;

    (void)reading;
    explanation->level = s->count ? robust_median(s) : tocsin__nan();
    explanation->trend = explanation->season = tocsin__nan();
    explanation->floor = robust_floor(constants, s);
}

static const char *const robust_channels[] = {"deviation"};

const tocsin__stage tocsin__stage_robust = {
    .name = "robust",
    .summary = "streaming median and median absolute deviation",
    .reference = "Jain & Chlamtac 1985; Hampel 1974",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = 1,
    .revision = 1,
    .oldest_revision = 1,
    .params = robust_params,
    .param_count = TOCSIN__COUNT(robust_params),
    .constants_size = sizeof(tocsin__level_rules),
    .layout = {sizeof(robust_state), robust_fields, TOCSIN__COUNT(robust_fields)},
    .resolve = robust_resolve,
    .warmup = robust_warmup,
    .explain = robust_explain,
    .channel_names = robust_channels,
    .score = robust_score,
    .learn = robust_learn,
    .push = robust_push,
    .forecast = robust_forecast,
};
