/* level.h - a level that moves slowly and the spread about it: what a detector stands on that
 * asks how far a value lies from what is usual.
 *
 * With g the gain and d = x - mean:
 *
 *     mean     += g d
 *     variance += g ((1 - g) d^2 - variance)
 *
 * the exact recursion of the exponentially weighted variance, in the form that loses no digits
 * however large the mean and however small the gain.
 *
 * Gain.  With half-life=1h a gap of dt has the gain a = 1 - 2^(-dt/1h): exact for irregular
 * sampling.  With half-life=200p the gain is the same for each point, whenever it comes.
 * At the start, and as long as it is the larger, g = 1/n: mean and variance are arithmetic ones
 * until the window is full (or 65,535 points are), then exponential.  A gap longer than a
 * half-life counts as one: a <= 1/2, for an outage is no reason to forget what is usual.
 *
 * How a residual is read, and how far it may move the level: see residual.h.
 *
 * Precision: the mean is a double always.  With state=mixed the variance is a float, worked out in
 * floats as is the statistic, which has 7 digits.  It holds deviations between 1e-18 and 1e19;
 * beyond, it saturates.  A gain below 1e-6 moves a float too little, so half-lives longer than
 * 500,000 points (seconds, where no clock step is given) keep doubles whatever `state` says.
 *
 * References: Roberts 1959; West 1979; Finch 2009.
 */
#ifndef TOCSIN__LEVEL_H
#define TOCSIN__LEVEL_H

#include "residual.h"

#define TOCSIN__LN2 0.693147180559945309
#define TOCSIN__LEVEL_MIXED_GAIN_MIN 1e-6
#define TOCSIN__LEVEL_UNKNOWN_MEMORY 256.0  /* points, where the step is not known */
#define TOCSIN__LEVEL_TRUST 4.0             /* confidence is full after so many warm-ups */

/* The parameters that go with it, in this order at the end of a detector's own. */
enum {
    TOCSIN__LEVEL_CLIP,
    TOCSIN__LEVEL_FLOOR,
    TOCSIN__LEVEL_FLOOR_RELATIVE,
    TOCSIN__LEVEL_FLOOR_HISTORY,
    TOCSIN__LEVEL_WARMUP,
    TOCSIN__LEVEL_STATE,
    TOCSIN__LEVEL_PARAM_COUNT
};

#define TOCSIN__LEVEL_PARAMS(warmup)                                                            \
    {"clip", TOCSIN_TYPE_NUMBER, 1, 0, 0, "deviations", "4", 1, INFINITY, "",                   \
     "what lies farther out is learnt as if it lay there, unless it is frequent; inf: never"},  \
    {"floor", TOCSIN_TYPE_NUMBER, 1, 0, 0, "the metric's", "0", 0, 1e150, "",                   \
     "the deviation is never taken for less"},                                                  \
    {"floor-relative", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the mean", "0.5%", 0, 1, "",          \
     "nor for less than this share of the mean"},                                               \
    {"floor-history", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the largest residual", "0.1%", 0, 1,   \
     "", "nor for less than this share of the largest residual remembered"},                    \
    {"warmup", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", warmup, 2, 65535, "",                    \
     "points before the first verdict"},                                                        \
    {"state", TOCSIN_TYPE_CHOICE, 1, 1, 0, "", "mixed", 0, 0, "double|mixed",                   \
     "precision: all double, or the variance as float"}

typedef struct tocsin__level_rules {
    tocsin__residual_rules residual;
    double gain;            /* at `step`, or of every point where rate is 0 */
    double rate;            /* decay, per ns of time; 0: per point */
    double longest;         /* the longest gap, times rate */
    double trust;           /* confidence per point */
    double variance_min;    /* less is 0: denormal numbers are slow */
    double residual_min;    /* less is 0 to the variance */
    double residual_max;    /* and more is that */
    int64_t step;           /* the elapsed time whose gain is known; -1: none */
    uint32_t warmup;
    uint32_t precision;
} tocsin__level_rules;

typedef struct tocsin__level {
    double mean;
    double variance;
    double reach;           /* see residual.h */
    uint16_t count;         /* points learnt, until the window is full and warm-up over */
    uint16_t habit;         /* see residual.h */
    uint16_t outside;
    uint16_t spare;
} tocsin__level;

/* Its rows in a field table, as the member `at` of a state. */
#define TOCSIN__LEVEL_FIELDS(state, at)                                                 \
    TOCSIN__FIELD(state, at.mean, F64, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),          \
    TOCSIN__FIELD(state, at.variance, REAL, 0, 1e301),                                  \
    TOCSIN__FIELD(state, at.reach, REAL, 0, 1e151),                                     \
    TOCSIN__FIELD(state, at.count, U16, 0, UINT16_MAX),                                 \
    TOCSIN__FIELD(state, at.habit, U16, 0, UINT16_MAX),                                 \
    TOCSIN__FIELD(state, at.outside, U16, 0, 1),                                        \
    TOCSIN__FIELD(state, at.spare, U16, 0, 0)

/* Gains from a half-life; returns the points it makes. */
static inline double tocsin__level_half_life(tocsin__level_rules *k, const tocsin_value *half_life,
                                             const tocsin__context *context)
{
    k->step = -1;
    k->longest = TOCSIN__LN2;
    if (half_life->form == TOCSIN_VALUE_POINTS) {
        k->gain = -tocsin__expm1(-TOCSIN__LN2 / half_life->number);
        return 1 / k->gain;
    }
    k->rate = TOCSIN__LN2 / (double)half_life->duration;
    if (context->step > 0) {
        k->step = context->step;
        k->gain = -tocsin__expm1(-tocsin__min((double)k->step * k->rate, k->longest));
        return 1 / k->gain;
    }
    return TOCSIN__LEVEL_UNKNOWN_MEMORY;
}

/* The rest, from the parameters above; gains are known and `memory` is the points they make. */
static inline void tocsin__level_resolve(tocsin__level_rules *k, const tocsin__values *values,
                                         double memory)
{
    const double nominal = k->rate != 0 && k->step < 0 ? k->rate * (double)TOCSIN_SECOND : k->gain;

    k->warmup = (uint32_t)values[TOCSIN__LEVEL_WARMUP].item[0].number;
    k->trust = 1 / (TOCSIN__LEVEL_TRUST * k->warmup);
    k->precision = (uint32_t)values[TOCSIN__LEVEL_STATE].item[0].number;
    if (nominal < TOCSIN__LEVEL_MIXED_GAIN_MIN)
        k->precision = TOCSIN__DOUBLE;
    k->variance_min = tocsin__keep(k->precision, k->precision == TOCSIN__MIXED ? 1e-37 : 1e-300);
    k->residual_min = tocsin__keep(k->precision, k->precision == TOCSIN__MIXED ? 1e-18 : 0);
    k->residual_max = tocsin__keep(k->precision, k->precision == TOCSIN__MIXED ? 1e19 : 3e150);
    tocsin__residual_rules_init(&k->residual, values[TOCSIN__LEVEL_CLIP].item[0].number,
                                values[TOCSIN__LEVEL_FLOOR].item[0].number,
                                values[TOCSIN__LEVEL_FLOOR_RELATIVE].item[0].number,
                                values[TOCSIN__LEVEL_FLOOR_HISTORY].item[0].number, memory,
                                k->precision);
}

/* The gain after a gap that is not the usual step. */
static TOCSIN__APART double tocsin__level_gain_after(const tocsin__level_rules *k, int64_t elapsed)
{
    return -tocsin__expm1(-tocsin__min((double)elapsed * k->rate, k->longest));
}

static inline double tocsin__level_gain(const tocsin__level_rules *k, int64_t elapsed)
{
    return k->rate == 0 || elapsed == k->step ? k->gain : tocsin__level_gain_after(k, elapsed);
}

static inline double tocsin__level_deviation(const tocsin__level_rules *k, const tocsin__level *s)
{
    return tocsin__keep(k->precision, tocsin__sqrt(s->variance));
}

/* Nothing to say yet. */
static inline void tocsin__level_warming(tocsin__reading *reading, uint32_t channels)
{
    reading->flags |= TOCSIN_FLAG_WARMING;
    reading->expected = reading->deviation = tocsin__nan();
    reading->confidence = 0;
    for (uint32_t i = 0; i < channels; i++) {
        reading->channel[i] = tocsin__nan();
        reading->reason[i] = TOCSIN_REASON_NONE;
    }
}

/* The trust in a level that has learnt so much, after a gap. */
static inline double tocsin__level_confidence(const tocsin__level_rules *k, uint32_t count,
                                              int64_t elapsed)
{
    double confidence = tocsin__min(1, count * k->trust);

    if (k->rate != 0 && (double)elapsed * k->rate > k->longest)
        confidence *= k->longest / ((double)elapsed * k->rate);
    return confidence;
}

/* Read a point: channel 0 is |x - mean| / deviation.  Returns 0 while warming. */
static TOCSIN__INLINE int tocsin__level_score(const tocsin__level_rules *k, const tocsin__level *s,
                                              const tocsin__point *point, tocsin__reading *reading)
{
    if (s->count < k->warmup) {
        tocsin__level_warming(reading, 1);
        return 0;
    }
    tocsin__residual_read(&k->residual, point->value - s->mean, s->mean,
                          tocsin__level_deviation(k, s), s->reach, reading);
    reading->confidence = tocsin__level_confidence(k, s->count, point->elapsed);
    return 1;
}

/* The variance once a residual of that size was learnt; both are rounded. */
static inline double tocsin__level_next_variance(const tocsin__level_rules *k, double variance,
                                                 double g, double size)
{
    double next;

    /* Rare, and therefore branches: minimum and maximum would be waited for at each point. */
    if (size < k->residual_min)
        size = 0;
    if (size > k->residual_max)
        size = k->residual_max;
    if (k->precision == TOCSIN__MIXED) {
        const float square = (float)((float)size * (float)size);
        const float mine = (float)((float)(1 - g) * square);
        const float more = (float)(mine - (float)variance);

        next = (float)((float)variance + (float)((float)g * more));
    } else {
        next = variance + g * ((1 - g) * (size * size) - variance);
    }
    return next < k->variance_min ? 0 : next;
}

/* Learn a point, with the deviation it was read in (NaN while warming). */
static TOCSIN__INLINE void tocsin__level_learn(const tocsin__level_rules *k, tocsin__level *s,
                                               const tocsin__point *point, double deviation)
{
    const double d = tocsin__residual_winsorise(&k->residual, point->value - s->mean, deviation,
                                                &s->habit, &s->outside);
    const double n = (double)s->count + 1;
    const double size = tocsin__residual_round(k->precision, tocsin__abs(d));
    double g = tocsin__level_gain(k, point->elapsed);

    if (n * g < 1) {
        g = 1 / n;
        s->count = (uint16_t)(s->count + (s->count < UINT16_MAX));
    } else if (s->count < k->warmup) {
        s->count = (uint16_t)(s->count + 1u);
    }
    s->mean += g * d;
    s->variance = tocsin__level_next_variance(k, s->variance, g, size);
    s->reach = n > 1 ? tocsin__residual_reach(&k->residual, s->reach, size) : 0;
}

/* Its floor, for explanations and forecasts. */
static inline double tocsin__level_floor(const tocsin__level_rules *k, const tocsin__level *s)
{
    return tocsin__residual_floor(&k->residual, s->mean, s->reach);
}

static inline void tocsin__level_explain(const tocsin__level_rules *k, const tocsin__level *s,
                                         tocsin_explanation *explanation)
{
    explanation->level = s->count ? s->mean : tocsin__nan();
    explanation->trend = explanation->season = tocsin__nan();
    explanation->floor = tocsin__level_floor(k, s);
}

/* A flat forecast; the deviation h steps ahead is sqrt(variance (1 + (h-1) a^2)), as for simple
 * exponential smoothing. */
static inline int tocsin__level_forecast(const tocsin__level_rules *k, const tocsin__level *s,
                                         int64_t since, int64_t step, uint64_t steps,
                                         double *expected, double *deviation)
{
    const double a = tocsin__level_gain(k, step);
    const double ahead = (double)steps - 1 + (step > 0 ? (double)since / (double)step : 0);

    if (s->count < k->warmup)
        return 0;
    *expected = s->mean;
    *deviation = tocsin__max(tocsin__level_deviation(k, s), tocsin__level_floor(k, s)) *
                 tocsin__sqrt(1 + ahead * a * a);
    return 1;
}

#endif
