/* ewma.c - exponentially weighted mean and variance: the detector for any metric.
 *
 * Model
 * -----
 * The series has a level that moves slowly and a spread about it; both are remembered with
 * weights that halve every half-life.  With g the gain and d = x - mean:
 *
 *     mean     += g d
 *     variance += g ((1 - g) d^2 - variance)
 *
 * the exact recursion of the exponentially weighted variance, in the form that loses no digits
 * however large the mean and however small the gain.  The statistic, channel 0 "deviation", is
 * |x - mean| / sqrt(variance), told before x is learnt.
 *
 * Gain.  With half-life=1h a gap of dt has the gain a = 1 - 2^(-dt/1h): exact for irregular
 * sampling.  With half-life=200p, or alpha alone, the gain is the same for each point, whenever
 * it comes.  alpha with step is the gain for dt = step and 1 - (1-alpha)^(dt/step) otherwise.
 * At the start, and as long as it is the larger, g = 1/n: mean and variance are arithmetic ones
 * until the window is full (or 65,535 points are), then exponential.  A gap longer than a half-life counts as one: a
 * <= 1/2 (or alpha), for an outage is no reason to forget what is usual.
 *
 * Learning is winsorised, and the deviation has a floor: see residual.h.
 *
 * Forecasts are flat at the mean; the deviation h steps ahead is sqrt(variance (1 + (h-1) a^2)),
 * as for simple exponential smoothing.
 *
 * Pools (bank/classes.c).  Members of a class have levels of their own, with a variance between
 * them, and deviations of their own.  What the class says is worth so many points of a new
 * member's (empirical Bayes, see Efron and Morris 1975): variance within / variance between for the
 * level, 1 / (2 variance of the log deviation) for the deviation.  The member begins as if it had
 * learnt the smaller number of points at the class's mean level and deviation, at most a
 * warm-up; if that is less than one point, it begins afresh.
 *
 * References: Roberts 1959 (control charts by EWMA); Finch 2009 (the recursion); West 1979.
 *
 * Precision: the mean is a double always.  With state=mixed the variance is a float, worked out in
 * floats as is the statistic (residual.h), which has 7 digits.  It holds deviations between 1e-18
 * and 1e19; beyond, it saturates.  A gain below 1e-6 moves a float too little, so half-lives longer
 * than 500,000 points (seconds, where no clock step is given) keep doubles whatever `state` says.
 *
 * Cost: a square root and a division to score; four multiplications and no division on
 * the way from one mean to the next.  32 bytes per series.
 *
 * How it fails.  A series with a season has a deviation as wide as the season: use holt-winters.
 * A trend makes it lag by slope / g.  Several levels, dwelt in in turn, widen the deviation until
 * it spans them.
 */
#include "kernel_jobs.h"
#include "residual.h"

enum {
    EWMA_HALF_LIFE,
    EWMA_ALPHA,
    EWMA_STEP,
    EWMA_CLIP,
    EWMA_FLOOR,
    EWMA_FLOOR_RELATIVE,
    EWMA_FLOOR_HISTORY,
    EWMA_WARMUP,
    EWMA_STATE
};

static const tocsin__param ewma_params[] = {
    {"half-life", TOCSIN_TYPE_SPAN, 1, 0, 0, "", "200p", 1e-3, 3.2e9, "",
     "time, or points, after which a value counts half"},
    {"alpha", TOCSIN_TYPE_FRACTION, 1, 0, 0, "", "", 1e-9, 0.999, "",
     "weight of a new value, per step or else per point; instead of half-life"},
    {"step", TOCSIN_TYPE_DURATION, 1, 0, 0, "", "", 1e-9, 3.2e9, "",
     "the time that alpha belongs to; not set: alpha is per point"},
    {"clip", TOCSIN_TYPE_NUMBER, 1, 0, 0, "deviations", "4", 1, INFINITY, "",
     "what lies farther out is learnt as if it lay there, unless it is frequent; inf: never"},
    {"floor", TOCSIN_TYPE_NUMBER, 1, 0, 0, "the metric's", "0", 0, 1e150, "",
     "the deviation is never taken for less"},
    {"floor-relative", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the mean", "0.5%", 0, 1, "",
     "nor for less than this share of the mean"},
    {"floor-history", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the largest residual", "0.1%", 0, 1, "",
     "nor for less than this share of the largest residual remembered"},
    {"warmup", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", "32", 2, 65535, "",
     "points before the first verdict"},
    {"state", TOCSIN_TYPE_CHOICE, 1, 1, 0, "", "mixed", 0, 0, "double|mixed",
     "precision: all double, or the variance as float"},
};

#define EWMA_LN2 0.693147180559945309
#define EWMA_MIXED_GAIN_MIN 1e-6
#define EWMA_UNKNOWN_MEMORY 256.0   /* points, where the step is not known */
#define EWMA_TRUST 4.0              /* confidence is full after so many warm-ups */

typedef struct {
    tocsin__residual_rules rules;
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
} ewma_constants;

typedef struct {
    double mean;
    double variance;
    double reach;           /* see residual.h */
    uint16_t count;         /* points learnt, until the window is full and warm-up over */
    uint16_t habit;         /* see residual.h */
    uint16_t outside;
    uint16_t spare;
} ewma_state;

static const tocsin__field ewma_fields[] = {
    TOCSIN__FIELD(ewma_state, mean, F64, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),
    TOCSIN__FIELD(ewma_state, variance, REAL, 0, 1e301),
    TOCSIN__FIELD(ewma_state, reach, REAL, 0, 1e151),
    TOCSIN__FIELD(ewma_state, count, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(ewma_state, habit, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(ewma_state, outside, U16, 0, 1),
    TOCSIN__FIELD(ewma_state, spare, U16, 0, 0),
};

static int ewma_resolve(const tocsin__values *values, const tocsin__context *context,
                        void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    ewma_constants *k = constants;
    const tocsin_value *half_life = &values[EWMA_HALF_LIFE].item[0];
    double nominal, memory = EWMA_UNKNOWN_MEMORY;

    k->step = -1;
    if (values[EWMA_ALPHA].count) {
        const double alpha = values[EWMA_ALPHA].item[0].number;

        if (values[EWMA_HALF_LIFE].is_given)
            return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, EWMA_ALPHA,
                               "half-life and alpha say the same thing: give one of them");
        k->gain = nominal = alpha;
        k->longest = tocsin__max(EWMA_LN2, -tocsin__log1p(-alpha));
        if (values[EWMA_STEP].count) {
            k->step = values[EWMA_STEP].item[0].duration;
            k->rate = -tocsin__log1p(-alpha) / (double)k->step;
        }
        memory = 1 / alpha;
    } else {
        if (values[EWMA_STEP].count)
            return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, EWMA_STEP,
                                    "step belongs to alpha, which is not given");
        k->longest = EWMA_LN2;
        if (half_life->form == TOCSIN_VALUE_POINTS) {
            k->gain = nominal = -tocsin__expm1(-EWMA_LN2 / half_life->number);
            memory = 1 / k->gain;
        } else {
            k->rate = EWMA_LN2 / (double)half_life->duration;
            nominal = k->rate * (double)TOCSIN_SECOND;
            if (context->step > 0) {
                k->step = context->step;
                k->gain = nominal = -tocsin__expm1(
                    -tocsin__min((double)k->step * k->rate, k->longest));
                memory = 1 / nominal;
            }
        }
    }
    k->warmup = (uint32_t)values[EWMA_WARMUP].item[0].number;
    k->trust = 1 / (EWMA_TRUST * k->warmup);
    k->precision = (uint32_t)values[EWMA_STATE].item[0].number;
    if (nominal < EWMA_MIXED_GAIN_MIN)
        k->precision = TOCSIN__DOUBLE;
    k->variance_min = tocsin__keep(k->precision, k->precision == TOCSIN__MIXED ? 1e-37 : 1e-300);
    k->residual_min = tocsin__keep(k->precision, k->precision == TOCSIN__MIXED ? 1e-18 : 0);
    k->residual_max = tocsin__keep(k->precision, k->precision == TOCSIN__MIXED ? 1e19 : 3e150);
    tocsin__residual_rules_init(&k->rules, values[EWMA_CLIP].item[0].number,
                                values[EWMA_FLOOR].item[0].number,
                                values[EWMA_FLOOR_RELATIVE].item[0].number,
                                values[EWMA_FLOOR_HISTORY].item[0].number, memory, k->precision);
    shape->precision = k->precision;
    return TOCSIN_OK;
}

static size_t ewma_warmup(const void *constants)
{
    return ((const ewma_constants *)constants)->warmup;
}

/* The gain after a gap that is not the usual step. */
static TOCSIN__APART double ewma_gain_after(const ewma_constants *k, int64_t elapsed)
{
    return -tocsin__expm1(-tocsin__min((double)elapsed * k->rate, k->longest));
}

static inline double ewma_gain(const ewma_constants *k, int64_t elapsed)
{
    return k->rate == 0 || elapsed == k->step ? k->gain : ewma_gain_after(k, elapsed);
}

static inline double ewma_deviation(const ewma_constants *k, const ewma_state *s)
{
    return tocsin__keep(k->precision, tocsin__sqrt(s->variance));
}

static TOCSIN__INLINE void ewma_score(const void *constants, const void *state,
                                      const tocsin__arrays *arrays, const tocsin__point *point,
                                      tocsin__reading *reading)
{
    const ewma_constants *k = constants;
    const ewma_state *s = state;

    (void)arrays;
    if (s->count < k->warmup) {
        reading->flags |= TOCSIN_FLAG_WARMING;
        reading->channel[0] = reading->expected = reading->deviation = tocsin__nan();
        reading->reason[0] = TOCSIN_REASON_NONE;
        reading->confidence = 0;
        return;
    }
    tocsin__residual_read(&k->rules, point->value - s->mean, s->mean,
                          ewma_deviation(k, s), s->reach, reading);
    reading->confidence = tocsin__min(1, s->count * k->trust);
    if (k->rate != 0 && (double)point->elapsed * k->rate > k->longest)
        reading->confidence *= k->longest / ((double)point->elapsed * k->rate);
}

/* The variance once a residual of that size was learnt; both are rounded. */
static inline double ewma_next_variance(const ewma_constants *k, double variance, double g,
                                        double size)
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

static TOCSIN__INLINE void ewma_learn(const void *constants, void *state,
                                      const tocsin__arrays *arrays, const tocsin__point *point,
                                      const tocsin__reading *reading)
{
    const ewma_constants *k = constants;
    ewma_state *s = state;
    const double d = tocsin__residual_winsorise(&k->rules,
                                                point->value - s->mean,
                                                reading->deviation, &s->habit, &s->outside);
    const double n = (double)s->count + 1;
    const double size = tocsin__residual_round(k->precision, tocsin__abs(d));
    double g = ewma_gain(k, point->elapsed);

    (void)arrays;
    if (n * g < 1) {
        g = 1 / n;
        s->count = (uint16_t)(s->count + (s->count < UINT16_MAX));
    } else if (s->count < k->warmup) {
        s->count = (uint16_t)(s->count + 1u);
    }
    s->mean += g * d;
    s->variance = ewma_next_variance(k, s->variance, g, size);
    s->reach = n > 1 ? tocsin__residual_reach(&k->rules, s->reach, size) : 0;
}

static void ewma_push(const void *constants, void *state, const tocsin__arrays *arrays,
                      const tocsin__point *point, tocsin__reading *reading)
{
    ewma_score(constants, state, arrays, point, reading);
    ewma_learn(constants, state, arrays, point, reading);
}

static int ewma_forecast(const void *constants, const void *state, int64_t since, int64_t step,
                         uint64_t steps, double *expected, double *deviation)
{
    const ewma_constants *k = constants;
    const ewma_state *s = state;
    const double a = ewma_gain(k, step);
    const double ahead = (double)steps - 1 + (step > 0 ? (double)since / (double)step : 0);

    if (s->count < k->warmup)
        return 0;
    *expected = s->mean;
    *deviation = tocsin__max(ewma_deviation(k, s),
                             tocsin__residual_floor(&k->rules, s->mean, s->reach)) *
                 tocsin__sqrt(1 + ahead * a * a);
    return 1;
}

static void ewma_explain(const void *constants, const void *state, const tocsin__reading *reading,
                         tocsin_explanation *explanation)
{
    const ewma_constants *k = constants;
    const ewma_state *s = state;

    (void)reading;
    explanation->level = s->count ? s->mean : tocsin__nan();
    explanation->trend = explanation->season = tocsin__nan();
    explanation->floor = tocsin__residual_floor(&k->rules, s->mean, s->reach);
}

/* ---- Many series at once ---------------------------------------------------- */

int tocsin__ewma_has_kernel(const void *constants)
{
    return ((const ewma_constants *)constants)->precision == TOCSIN__MIXED;
}

double tocsin__ewma_job_gain(const void *constants, int64_t elapsed)
{
    return ewma_gain(constants, elapsed);
}

void tocsin__ewma_job_prepare(const void *constants, int64_t elapsed, tocsin__ewma_job *job)
{
    const ewma_constants *k = constants;

    job->gain = ewma_gain(k, elapsed);
    job->gains = NULL;
    job->gain_varies = k->rate != 0 && elapsed != k->step;
    job->clip = k->rules.clip;
    job->floor = k->rules.floor;
    job->floor_relative = k->rules.floor_relative;
    job->floor_history = k->rules.floor_history;
    job->has_relative = k->rules.floor_relative != 0;
    job->has_reach = k->rules.floor_history != 0;
    job->per_window = k->rules.per_window;
    job->fade = k->rules.fade;
    job->window = k->rules.window;
    job->variance_min = k->variance_min;
    job->residual_min = k->residual_min;
    job->residual_max = k->residual_max;
    job->warmup = k->warmup;
    job->is_plain = k->rules.clip == tocsin__infinity() && k->rules.floor_history == 0;
}

/* ---- Pools ----------------------------------------------------------------- */

#define EWMA_POOL_MEMORY 64.0       /* lessons */
#define EWMA_POOL_FIRST 8u          /* the first of them are kept as they are */
#define EWMA_POOL_CLIP 2.5          /* deviations: one mad lesson in six is withstood */
#define EWMA_POOL_MAD 1.4826        /* standard deviation / median absolute deviation */
#define EWMA_POOL_LOG_LEAST 0.25    /* variance that is allowed for in any class */

typedef struct {
    double level;                   /* mean of the members' levels */
    double between;                 /* their variance */
    double log_deviation;           /* mean of the logarithms of the members' deviations */
    double log_variance;            /* their variance */
    double habit;                   /* mean of the members' */
    double first_level[EWMA_POOL_FIRST];
    double first_log[EWMA_POOL_FIRST];
    uint32_t lessons;
    uint32_t spare;
} ewma_pool;

static const tocsin__field ewma_pool_fields[] = {
    TOCSIN__FIELD(ewma_pool, level, F64, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),
    TOCSIN__FIELD(ewma_pool, between, F64, 0, 1e301),
    TOCSIN__FIELD(ewma_pool, log_deviation, F64, -100, 400),
    TOCSIN__FIELD(ewma_pool, log_variance, F64, 0, 1e6),
    TOCSIN__FIELD(ewma_pool, habit, F64, 0, UINT16_MAX),
    TOCSIN__FIELD(ewma_pool, first_level, F64, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),
    TOCSIN__FIELD(ewma_pool, first_log, F64, -100, 400),
    TOCSIN__FIELD(ewma_pool, lessons, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(ewma_pool, spare, U32, 0, 0),
};

/* Of the first lessons; sorts them. */
static double ewma_pool_median(double *value)
{
    for (size_t i = 1; i < EWMA_POOL_FIRST; i++) {
        const double moving = value[i];
        size_t at = i;

        for (; at > 0 && value[at - 1] > moving; at--)
            value[at] = value[at - 1];
        value[at] = moving;
    }
    return 0.5 * (value[EWMA_POOL_FIRST / 2 - 1] + value[EWMA_POOL_FIRST / 2]);
}

/* Mean and variance of the first lessons, of which less than half may be mad. */
static void ewma_pool_found(const double *first, double *mean, double *variance)
{
    double value[EWMA_POOL_FIRST], deviation;

    memcpy(value, first, sizeof value);
    *mean = ewma_pool_median(value);
    for (size_t i = 0; i < EWMA_POOL_FIRST; i++)
        value[i] = tocsin__abs(first[i] - *mean);
    deviation = EWMA_POOL_MAD * ewma_pool_median(value);
    *variance = deviation * deviation;
}

/* One lesson more.  What lies far out counts as if it lay at EWMA_POOL_CLIP deviations; `least` is
 * added to the variance that is counted in. */
static void ewma_pool_follow(double *mean, double *variance, double value, double least,
                             uint32_t lessons)
{
    const double g = 1 / tocsin__min(EWMA_POOL_MEMORY, (double)lessons + 1);
    const double limit = EWMA_POOL_CLIP * tocsin__sqrt(*variance + least);
    const double d = tocsin__clamp(value - *mean, -limit, limit);

    *mean += g * d;
    *variance += g * ((1 - g) * (d * d) - *variance);
}

static void ewma_pool_teach(const void *constants, void *pool, const void *state, uint16_t mark,
                            int64_t now, int leaves)
{
    const ewma_constants *k = constants;
    const ewma_state *s = state;
    ewma_pool *p = pool;

    (void)mark;
    (void)now;
    (void)leaves;
    if (s->count < k->warmup)
        return;

    const double deviation =
        tocsin__max(tocsin__max(ewma_deviation(k, s), TOCSIN__DEVIATION_MIN),
                    tocsin__residual_floor(&k->rules, s->mean, s->reach));
    const double log_deviation = tocsin__log(deviation);

    p->habit += ((double)s->habit - p->habit) /
                tocsin__min(EWMA_POOL_MEMORY, (double)p->lessons + 1);
    if (p->lessons < EWMA_POOL_FIRST) {
        p->first_level[p->lessons] = s->mean;
        p->first_log[p->lessons] = log_deviation;
        p->lessons++;
        if (p->lessons == EWMA_POOL_FIRST) {
            ewma_pool_found(p->first_level, &p->level, &p->between);
            ewma_pool_found(p->first_log, &p->log_deviation, &p->log_variance);
        }
        return;
    }

    const double typical = tocsin__exp(p->log_deviation);

    ewma_pool_follow(&p->level, &p->between, s->mean, typical * typical, p->lessons);
    ewma_pool_follow(&p->log_deviation, &p->log_variance, log_deviation, EWMA_POOL_LOG_LEAST,
                     p->lessons);
    p->level = tocsin__bounded(p->level);
    p->between = tocsin__min(p->between, 1e301);
    p->log_deviation = tocsin__clamp(p->log_deviation, -100, 400);
    p->lessons += p->lessons < UINT32_MAX;
}

static void ewma_pool_start(const void *constants, const void *pool, void *state)
{
    const ewma_constants *k = constants;
    const ewma_pool *p = pool;
    ewma_state *s = state;
    const double deviation = tocsin__exp(p->log_deviation), variance = deviation * deviation;

    if (p->lessons < EWMA_POOL_FIRST)
        return;

    const double worth = tocsin__min(variance / tocsin__max(p->between, DBL_MIN),
                                     0.5 / tocsin__max(p->log_variance, DBL_MIN));

    if (worth < 1)
        return;
    s->mean = p->level;
    s->variance = tocsin__keep(
        k->precision, tocsin__min(variance, k->residual_max * k->residual_max));
    s->count = (uint16_t)tocsin__min(worth, k->warmup);
    s->habit = (uint16_t)p->habit;
}

static const char *const ewma_channels[] = {"deviation"};

const tocsin__stage tocsin__stage_ewma = {
    .name = "ewma",
    .summary = "exponentially weighted mean and variance",
    .reference = "Roberts 1959; Finch 2009",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .is_default = 1,
    .channel_count = 1,
    .revision = 1,
    .oldest_revision = 1,
    .params = ewma_params,
    .param_count = TOCSIN__COUNT(ewma_params),
    .constants_size = sizeof(ewma_constants),
    .layout = {sizeof(ewma_state), ewma_fields, TOCSIN__COUNT(ewma_fields)},
    .resolve = ewma_resolve,
    .warmup = ewma_warmup,
    .explain = ewma_explain,
    .channel_names = ewma_channels,
    .score = ewma_score,
    .learn = ewma_learn,
    .push = ewma_push,
    .forecast = ewma_forecast,
    .pool = {sizeof(ewma_pool), ewma_pool_fields, TOCSIN__COUNT(ewma_pool_fields)},
    .pool_teach = ewma_pool_teach,
    .pool_start = ewma_pool_start,
};
