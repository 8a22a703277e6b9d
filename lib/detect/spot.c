/* spot.c - peaks over a threshold: how far do the rare values reach, above and below?
 *
 * Extreme value theory says that whatever a series' distribution is, its values beyond a high
 * threshold t exceed it by a generalised Pareto law.  SPOT fits that law as the series streams by
 * and draws from it the level z that is exceeded with a probability far smaller than any frequency
 * seen; DSPOT does the same to what a moving mean leaves over (Siffer et al. 2017).
 *
 * Model
 * -----
 * The drift is the mean of level.h, which takes irregular steps in its stride, and a value is told
 * in deviations r from it.  On either side for itself:
 *
 *     t       the quantile that a share `above` of the values exceeds, tracked by stochastic
 *             approximation (Robbins and Monro 1951): an exceedance raises it, all else lowers it
 *     peaks   the last 32 excesses r - t > 0
 *     law     of the peaks, by probability-weighted moments (Hosking and Wallis 1987)
 *     z       = t + scale / shape ((risk / above)^-shape - 1)
 *
 * The statistic of a value is r in units of its side's z, times the z that a Gaussian would have:
 * it reads 5 where a value lies as far beyond the usual extremes as one of 5 deviations lies
 * beyond a Gaussian's.  So a distribution that is skewed, or heavy on one side, is measured on each
 * side by what is usual there.  Channels 0 "above" and 1 "below".
 *
 * Siffer's fit is maximum likelihood; moments need no iteration and are as good or better below
 * a hundred peaks.  The shape is shrunk towards 0 (an exponential tail) and kept between that and
 * 1/2: an end point guessed from 32 peaks says nothing about what lies beyond it.  The scale has a
 * Gaussian's as its prior, worth 4 peaks.  What m peaks of an exponential tail predict is a Pareto
 * law with the shape 1/m, for their mean is not known better; so z is drawn with no smaller one.
 *
 * Learning.  Siffer leaves out what exceeds z.  Here it counts as if it lay at z, so that a series
 * whose habit is wilder than it seemed is understood in the end; and one incident is one peak at
 * most, for a value next to another beyond z is left out.
 *
 * References: Siffer, Fouque, Termier & Largouet 2017; Hosking & Wallis 1987.
 *
 * Cost: that of ewma and a few operations; a fit, half a microsecond, for the few values beyond a
 * threshold.  88 bytes and 4 for each of 64 peaks.
 *
 * How it fails.  A season is not drift: its peaks are the tail.  Peaks come in clusters where a
 * series is correlated, and 32 of them are then fewer than they seem.
 */
#include "../state/maxima.h"
#include "level.h"

enum { SPOT_HALF_LIFE, SPOT_ABOVE, SPOT_RISK, SPOT_LEVEL };

static const tocsin__param spot_params[] = {
    {"half-life", TOCSIN_TYPE_SPAN, 1, 0, 0, "", "200p", 1e-3, 3.2e9, "",
     "time, or points, after which a value counts half for drift and deviation"},
    {"above", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the points", "2%", 0.001, 0.2, "",
     "share of the points, on each side, that lie beyond the threshold"},
    {"risk", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the points", "0.01%", 1e-9, 0.1, "",
     "share of the points that lie beyond the level which is drawn from the tail"},
    TOCSIN__LEVEL_PARAMS("32"),
};

enum { SPOT_UP, SPOT_DOWN, SPOT_SIDES };

#define SPOT_PEAKS 32u
#define SPOT_SHAPE_WEIGHT 15.0      /* peaks; towards an exponential tail */
#define SPOT_SCALE_WEIGHT 4.0       /* peaks; towards a Gaussian's tail */
#define SPOT_SHAPE_MAX 0.5
#define SPOT_SCALE_MIN 0.02         /* deviations */
#define SPOT_THRESHOLD_MIN 0.25     /* deviations */
#define SPOT_THRESHOLD_MAX 1e6
#define SPOT_PATIENCE 4.0           /* times the threshold moves more slowly than the drift */

/* What a reading hands to `band` and `learn`, behind its channels. */
enum { SPOT_NOTE_DEVIATION = SPOT_SIDES, SPOT_NOTE_SCALE };

typedef struct {
    tocsin__level_rules level;
    double above;
    double beyond;          /* log(above / risk) */
    double gaussian;        /* deviations that a Gaussian exceeds with the probability `risk` */
    double threshold;       /* and `above` */
    double scale;           /* mean of its excesses */
    double slowest;         /* gain of the threshold at most */
    uint64_t array[SPOT_SIDES];
} spot_constants;

typedef struct {
    tocsin__level level;
    double threshold[SPOT_SIDES];   /* deviations */
    double scale[SPOT_SIDES];
    double extreme[SPOT_SIDES];     /* z */
    uint16_t next[SPOT_SIDES];      /* of the ring of peaks */
    uint16_t count[SPOT_SIDES];
    uint16_t beyond[SPOT_SIDES];    /* the last value lay beyond z */
    uint16_t spare[2];
} spot_state;

static const tocsin__field spot_fields[] = {
    TOCSIN__LEVEL_FIELDS(spot_state, level),
    TOCSIN__FIELD(spot_state, threshold, REAL, 0, 1e7),
    TOCSIN__FIELD(spot_state, scale, REAL, 0, 1e30),
    TOCSIN__FIELD(spot_state, extreme, REAL, 1e-3, 1e30),
    TOCSIN__FIELD(spot_state, next, U16, 0, SPOT_PEAKS - 1),
    TOCSIN__FIELD(spot_state, count, U16, 0, SPOT_PEAKS),
    TOCSIN__FIELD(spot_state, beyond, U16, 0, 1),
    TOCSIN__FIELD(spot_state, spare, U16, 0, 0),
    TOCSIN__ARRAY("peaks-above", REAL, SPOT_UP, 0, 1e30),
    TOCSIN__ARRAY("peaks-below", REAL, SPOT_DOWN, 0, 1e30),
};

static const tocsin__layout spot_layout = {sizeof(spot_state), spot_fields,
                                           TOCSIN__COUNT(spot_fields)};

static int spot_resolve(const tocsin__values *values, const tocsin__context *context,
                        void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    spot_constants *k = constants;
    const double risk = values[SPOT_RISK].item[0].number;
    double density;

    k->above = values[SPOT_ABOVE].item[0].number;
    if (!(risk < k->above))
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, SPOT_RISK,
                                "risk must be less than above: extremes are rarer than peaks");
    tocsin__level_resolve(
        &k->level, values + SPOT_LEVEL,
        tocsin__level_half_life(&k->level, &values[SPOT_HALF_LIFE].item[0], context));
    k->beyond = tocsin__log(k->above / risk);
    k->gaussian = tocsin__normal_quantile(1 - risk);
    k->threshold = tocsin__normal_quantile(1 - k->above);
    density = 0.398942280401432678 * tocsin__exp(-0.5 * k->threshold * k->threshold);
    k->scale = density / k->above - k->threshold;
    k->slowest = k->above / 2;
    shape->precision = k->level.precision;
    for (uint32_t side = 0; side < SPOT_SIDES; side++)
        shape->length[side] = SPOT_PEAKS;
    for (uint32_t side = 0; side < SPOT_SIDES; side++)
        k->array[side] = tocsin__layout_array(&spot_layout, shape, side);
    return TOCSIN_OK;
}

static size_t spot_warmup(const void *constants)
{
    return ((const spot_constants *)constants)->level.warmup;
}

static void spot_init(const void *constants, void *state)
{
    const spot_constants *k = constants;
    spot_state *s = state;

    for (uint32_t side = 0; side < SPOT_SIDES; side++) {
        s->threshold[side] = tocsin__keep(k->level.precision, k->threshold);
        s->scale[side] = tocsin__keep(k->level.precision, k->scale);
        s->extreme[side] = tocsin__keep(k->level.precision, k->gaussian);
    }
}

static void spot_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                       const tocsin__point *point, tocsin__reading *reading)
{
    const spot_constants *k = constants;
    const spot_state *s = state;

    (void)arrays;
    if (!tocsin__level_score(&k->level, &s->level, point, reading)) {
        tocsin__level_warming(reading, SPOT_SIDES);
        reading->channel[SPOT_NOTE_DEVIATION] = tocsin__nan();
        return;
    }

    const double size = reading->channel[0], deviation = reading->deviation;
    const uint32_t side = reading->direction < 0;     /* SPOT_DOWN */

    reading->channel[SPOT_NOTE_DEVIATION] = deviation;
    for (uint32_t i = 0; i < SPOT_SIDES; i++) {
        const double scale = s->extreme[i] / k->gaussian;

        reading->channel[SPOT_NOTE_SCALE + i] = scale;
        reading->channel[i] = i == side ? size / scale : 0;
    }
    reading->deviation = deviation * reading->channel[SPOT_NOTE_SCALE + side];
    reading->reason[SPOT_UP] = TOCSIN_REASON_SPIKE;
    reading->reason[SPOT_DOWN] = TOCSIN_REASON_DROP;
}

static void spot_band(const void *constants, const tocsin__reading *reading, uint32_t channel,
                      double limit, double *lower, double *upper)
{
    const double unit = limit * reading->channel[SPOT_NOTE_DEVIATION];

    (void)constants;
    (void)channel;
    *lower = reading->expected - unit * reading->channel[SPOT_NOTE_SCALE + SPOT_DOWN];
    *upper = reading->expected + unit * reading->channel[SPOT_NOTE_SCALE + SPOT_UP];
}

/* Fit the law to one side's peaks, and draw its extreme level. */
static void spot_fit(const spot_constants *k, spot_state *s, uint32_t side, const void *peaks,
                     size_t stride)
{
    const uint32_t m = s->count[side];
    double sorted[SPOT_PEAKS], a0 = 0, a1 = 0, shape = 0;

    for (uint32_t i = 0; i < m; i++) {          /* insertion sort, largest first */
        const double moving = tocsin__array_load(k->level.precision, peaks, i * stride);
        uint32_t at = i;

        for (; at > 0 && sorted[at - 1] < moving; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = moving;
    }
    for (uint32_t i = 0; i < m; i++) {
        a0 += sorted[i];
        a1 += sorted[i] * i;
    }
    a0 /= m;
    if (m > 1) {
        a1 /= (double)m * (m - 1);
        shape = tocsin__clamp(2 - a0 / tocsin__max(a0 - 2 * a1, 1e-9 * a0), -100, 100);
        shape = tocsin__clamp(shape * m / (m + SPOT_SHAPE_WEIGHT), 0, SPOT_SHAPE_MAX);
    }

    const double known = m + SPOT_SCALE_WEIGHT;
    const double mean = (m * a0 + SPOT_SCALE_WEIGHT * k->scale) / known;
    const double scale = tocsin__max(mean * (1 - shape), SPOT_SCALE_MIN);
    const double predicted = tocsin__max(shape, 1 / known);

    s->scale[side] = tocsin__keep(k->level.precision, mean);
    s->extreme[side] = tocsin__keep(
        k->level.precision, s->threshold[side] + tocsin__excess_of(scale, -predicted, k->beyond));
}

/* One side learns a value that lies `size` deviations towards it. */
static void spot_learn_side(const spot_constants *k, spot_state *s, uint32_t side,
                            const tocsin__arrays *arrays, double size, double gain)
{
    const double g = tocsin__min(gain / SPOT_PATIENCE, k->slowest);
    const double step = g * tocsin__max(s->scale[side], SPOT_SCALE_MIN);
    const int is_peak = size > s->threshold[side];
    const int is_beyond = size > s->extreme[side];
    const double excess = tocsin__min(size, s->extreme[side]) - s->threshold[side];
    const int is_news = !(is_beyond && s->beyond[side]);

    s->beyond[side] = (uint16_t)is_beyond;
    if (is_news) {
        const double moved = s->threshold[side] + (is_peak ? step * (1 / k->above - 1) : -step);

        s->threshold[side] = tocsin__keep(
            k->level.precision, tocsin__clamp(moved, SPOT_THRESHOLD_MIN, SPOT_THRESHOLD_MAX));
    }
    if (is_news && is_peak && excess > 0) {
        void *peaks = arrays ? arrays->base[side] : (char *)s + k->array[side];
        const size_t stride = arrays ? arrays->stride : 1;

        tocsin__array_store(k->level.precision, peaks, s->next[side] * stride, excess);
        s->next[side] = (uint16_t)((s->next[side] + 1u) % SPOT_PEAKS);
        s->count[side] = (uint16_t)(s->count[side] + (s->count[side] < SPOT_PEAKS));
        spot_fit(k, s, side, peaks, stride);
    }
}

static void spot_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                       const tocsin__point *point, const tocsin__reading *reading)
{
    const spot_constants *k = constants;
    spot_state *s = state;
    const double deviation = reading->channel[SPOT_NOTE_DEVIATION];

    if (!tocsin__is_nan(deviation)) {
        const double gain = tocsin__level_gain(&k->level, point->elapsed);

        for (uint32_t side = 0; side < SPOT_SIDES; side++)
            spot_learn_side(k, s, side, arrays,
                            reading->channel[side] * reading->channel[SPOT_NOTE_SCALE + side],
                            gain);
    }
    tocsin__level_learn(&k->level, &s->level, point, deviation);
}

static void spot_push(const void *constants, void *state, const tocsin__arrays *arrays,
                      const tocsin__point *point, tocsin__reading *reading)
{
    spot_score(constants, state, arrays, point, reading);
    spot_learn(constants, state, arrays, point, reading);
}

static int spot_forecast(const void *constants, const void *state, int64_t since, int64_t step,
                         uint64_t steps, double *expected, double *deviation)
{
    return tocsin__level_forecast(&((const spot_constants *)constants)->level,
                                  &((const spot_state *)state)->level, since, step, steps, expected,
                                  deviation);
}

static void spot_explain(const void *constants, const void *state, const tocsin__reading *reading,
                         tocsin_explanation *explanation)
{
    (void)reading;
    tocsin__level_explain(&((const spot_constants *)constants)->level,
                          &((const spot_state *)state)->level, explanation);
}

static const char *const spot_channels[] = {"above", "below"};

const tocsin__stage tocsin__stage_spot = {
    .name = "spot",
    .summary = "peaks over a threshold with generalised Pareto tails, drift-aware",
    .reference = "Siffer, Fouque, Termier & Largouet 2017",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = SPOT_SIDES,
    .revision = 1,
    .oldest_revision = 1,
    .params = spot_params,
    .param_count = TOCSIN__COUNT(spot_params),
    .constants_size = sizeof(spot_constants),
    .layout = {sizeof(spot_state), spot_fields, TOCSIN__COUNT(spot_fields)},
    .resolve = spot_resolve,
    .warmup = spot_warmup,
    .init = spot_init,
    .explain = spot_explain,
    .channel_names = spot_channels,
    .score = spot_score,
    .learn = spot_learn,
    .push = spot_push,
    .band = spot_band,
    .forecast = spot_forecast,
};
