/* ewma.c - exponentially weighted mean and variance: the detector for any metric.
 *
 * Model
 * -----
 * The series has a level that moves slowly and a spread about it; both are remembered with
 * weights that halve every half-life, and a start that learns faster.  The statistic, channel 0
 * "deviation", is |x - mean| / sqrt(variance), told before x is learnt.
 *
 * The recursion, its gains, forecasts and precision: level.h, where other detectors have them
 * from too.  How learning is winsorised, and the deviation's floors: residual.h.
 *
 * alpha instead of a half-life is the gain of each point; alpha with step is the gain for dt =
 * step and 1 - (1-alpha)^(dt/step) otherwise, in a gap at most the larger of 1/2 and alpha.
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
 * Cost: a square root and a division to score; four multiplications and no division on
 * the way from one mean to the next.  32 bytes per series.
 *
 * How it fails.  A series with a season has a deviation as wide as the season: use holt-winters.
 * A trend makes it lag by slope / g.  Several levels, dwelt in in turn, widen the deviation until
 * it spans them.
 */
#include "kernel_jobs.h"
#include "level.h"

enum { EWMA_HALF_LIFE, EWMA_ALPHA, EWMA_STEP, EWMA_LEVEL };

static const tocsin__param ewma_params[] = {
    {"half-life", TOCSIN_TYPE_SPAN, 1, 0, 0, "", "200p", 1e-3, 3.2e9, "",
     "time, or points, after which a value counts half"},
    {"alpha", TOCSIN_TYPE_FRACTION, 1, 0, 0, "", "", 1e-9, 0.999, "",
     "weight of a new value, per step or else per point; instead of half-life"},
    {"step", TOCSIN_TYPE_DURATION, 1, 0, 0, "", "", 1e-9, 3.2e9, "",
     "the time that alpha belongs to; not set: alpha is per point"},
    TOCSIN__LEVEL_PARAMS("32"),
};

typedef tocsin__level_rules ewma_constants;
typedef tocsin__level ewma_state;

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
    double memory;

    if (values[EWMA_ALPHA].count) {
        const double alpha = values[EWMA_ALPHA].item[0].number;

        if (values[EWMA_HALF_LIFE].is_given)
            return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, EWMA_ALPHA,
                               "half-life and alpha say the same thing: give one of them");
        k->step = -1;
        k->gain = alpha;
        k->longest = tocsin__max(TOCSIN__LN2, -tocsin__log1p(-alpha));
        if (values[EWMA_STEP].count) {
            k->step = values[EWMA_STEP].item[0].duration;
            k->rate = -tocsin__log1p(-alpha) / (double)k->step;
        }
        memory = 1 / alpha;
    } else {
        if (values[EWMA_STEP].count)
            return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, EWMA_STEP,
                                    "step belongs to alpha, which is not given");
        memory = tocsin__level_half_life(k, &values[EWMA_HALF_LIFE].item[0], context);
    }
    tocsin__level_resolve(k, values + EWMA_LEVEL, memory);
    shape->precision = k->precision;
    return TOCSIN_OK;
}

static size_t ewma_warmup(const void *constants)
{
    return ((const ewma_constants *)constants)->warmup;
}

static TOCSIN__INLINE void ewma_score(const void *constants, const void *state,
                                      const tocsin__arrays *arrays, const tocsin__point *point,
                                      tocsin__reading *reading)
{
    (void)arrays;
    tocsin__level_score(constants, state, point, reading);
}

static TOCSIN__INLINE void ewma_learn(const void *constants, void *state,
                                      const tocsin__arrays *arrays, const tocsin__point *point,
                                      const tocsin__reading *reading)
{
    (void)arrays;
    tocsin__level_learn(constants, state, point, reading->deviation);
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
    return tocsin__level_forecast(constants, state, since, step, steps, expected, deviation);
}

static void ewma_explain(const void *constants, const void *state, const tocsin__reading *reading,
                         tocsin_explanation *explanation)
{
    (void)reading;
    tocsin__level_explain(constants, state, explanation);
}

/* ---- Many series at once ---------------------------------------------------- */

int tocsin__ewma_has_kernel(const void *constants)
{
    return ((const ewma_constants *)constants)->precision == TOCSIN__MIXED;
}

double tocsin__ewma_job_gain(const void *constants, int64_t elapsed)
{
    return tocsin__level_gain(constants, elapsed);
}

void tocsin__ewma_job_prepare(const void *constants, int64_t elapsed, tocsin__ewma_job *job)
{
    const ewma_constants *k = constants;

    job->gain = tocsin__level_gain(k, elapsed);
    job->gains = NULL;
    job->gain_varies = k->rate != 0 && elapsed != k->step;
    job->clip = k->residual.clip;
    job->floor = k->residual.floor;
    job->floor_relative = k->residual.floor_relative;
    job->floor_history = k->residual.floor_history;
    job->has_relative = k->residual.floor_relative != 0;
    job->has_reach = k->residual.floor_history != 0;
    job->per_window = k->residual.per_window;
    job->fade = k->residual.fade;
    job->window = k->residual.window;
    job->variance_min = k->variance_min;
    job->residual_min = k->residual_min;
    job->residual_max = k->residual_max;
    job->warmup = k->warmup;
    job->is_plain = k->residual.clip == tocsin__infinity() && k->residual.floor_history == 0;
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
        tocsin__max(tocsin__max(tocsin__level_deviation(k, s), TOCSIN__DEVIATION_MIN),
                    tocsin__level_floor(k, s));
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
