/* counts.c - counts of events: for errors, restarts, orders, whatever happens now and then.
 *
 * Where nothing happens for hours and then two at once, a deviation says little: 2 against a mean
 * of 0.01 are 20 deviations and come every week.  Here a count is told by how often it, or one
 * farther out, would be reached, exactly.
 *
 * Model
 * -----
 * Events come at a rate that moves slowly.  With the exposure e of a count, 1 per point, the rate's
 * distribution is gamma with a events seen in an exposure of b:
 *
 *     a = w a + x        b = w b + e        w = 2^(-age / half-life)
 *
 * of which each count is forgotten with weights that halve every half-life (Harvey and Fernandes
 * 1989); a gap longer than a half-life counts as one.  The next count is then negative binomial
 * with the mean
 *
 *     m = e (a + 1/2) / b
 *
 * and the size a + 1/2; the half is Jeffreys' prior, by which a series that has never counted
 * anything expects some.  Counts in bursts, retries, batches, scatter more than that: their
 * dispersion d, variance = m + d m^2, is found by moments (Anscombe 1950) over four half-lives,
 *
 *     d = sum w ((x - m)^2 - m - m^2 / (a + 1/2)) / sum w m^2
 *
 * and is at least floor-relative^2, so that large counts are not held for as steady as Poisson's.
 * With n points known, 1 / size = d (1 + 1/n) + 1 / (a + 1/2).
 *
 * The statistic, channel 0 "deviation", is the standard normal deviate that is exceeded as often as
 * the count is reached (num/negbinomial.h): of P(X >= x) above the mean, of P(X <= x) below.  It is
 * 0 for what happens every other time.  A value below 0 is no count; it reads as 0 does and as many
 * deviations more as it lies below.
 *
 * exposure=time is for counts since the last point, whenever that was: e is the time passed, and
 * the rate is one per time.  A missing value takes its time with it.
 *
 * Learning is winsorised at the count that a skew distribution exceeds as often as a normal one
 * exceeds `clip` deviations (Cornish and Fisher 1937), c = clip:
 *
 *     m + c s + (c^2 - 1) (1 + 2 m / size) / 6,       s^2 = m + m^2 / size
 *
 * which for sparse counts is some events more than c s, so that habit is not cut for an accident.
 *
 * References: Harvey and Fernandes 1989; Anscombe 1950; Farrington et al. 1996 on what this is good
 * for in surveillance.
 *
 * Cost: a quarter to half a microsecond per point for the tail; where a verdict is asked for, some
 * five times as much for its limits, which no formula inverts.  48 bytes.
 *
 * How it fails.  Rates that were divided by their interval are no counts: 0.2 errors per second of
 * a minute are 12.  What is steadier than Poisson (a number of replicas) is allowed more than it
 * does.  A season counts as dispersion, and so does a trend.
 */
#include "../num/negbinomial.h"
#include "level.h"

enum {
    COUNTS_HALF_LIFE,
    COUNTS_EXPOSURE,
    COUNTS_DISPERSION,
    COUNTS_CLIP,
    COUNTS_FLOOR_RELATIVE,
    COUNTS_WARMUP
};

static const tocsin__param counts_params[] = {
    {"half-life", TOCSIN_TYPE_SPAN, 1, 0, 0, "", "500p", 1e-3, 3.2e9, "",
     "time, or points, after which a count counts half"},
    {"exposure", TOCSIN_TYPE_CHOICE, 1, 0, 0, "", "point", 0, 0, "point|time",
     "what a count is of: one interval like any other, or the time since the last point"},
    {"dispersion", TOCSIN_TYPE_NUMBER, 1, 0, 0, "", "auto", 0, 1e6, "auto",
     "variance = mean + dispersion mean^2; 0: Poisson; auto: as the counts scatter"},
    {"clip", TOCSIN_TYPE_NUMBER, 1, 0, 0, "deviations", "4", 1, INFINITY, "",
     "what lies farther out is learnt as if it lay there; inf: never"},
    {"floor-relative", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the mean", "0.5%", 0, 1, "",
     "the deviation is never taken for less than this share of the mean"},
    {"warmup", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", "32", 2, 65535, "",
     "points before the first verdict"},
};

enum { COUNTS_OF_POINT, COUNTS_OF_TIME };
enum { COUNTS_DEVIATION, COUNTS_CHANNELS, COUNTS_NOTE = COUNTS_CHANNELS };

#define COUNTS_PRIOR 0.5        /* events */
#define COUNTS_MEMORY 0.25      /* of the rate's forgetting: the dispersion's */
#define COUNTS_MOST 1e100       /* a count larger than this is learnt as this */
#define COUNTS_MEAN_MIN 1e-30
#define COUNTS_SIZE_MIN 1e-6
#define COUNTS_SECANTS 12

typedef struct {
    double keep;            /* w of a point; where rate is 0 */
    double keep_moments;    /* the same of the dispersion */
    double rate;            /* decay per ns; 0: per point */
    double dispersion;      /* given; -1: to be found */
    double dispersion_min;
    double clip;
    double trust;           /* confidence per point */
    uint32_t exposure;
    uint32_t warmup;
} counts_constants;

typedef struct {
    double events;          /* a */
    double exposure;        /* b: points, or seconds */
    double points;          /* likewise, with weights */
    double excess;          /* the dispersion's numerator ... */
    double squares;         /* ... and denominator */
    uint32_t count;         /* points learnt */
    uint32_t spare;
} counts_state;

static const tocsin__field counts_fields[] = {
    TOCSIN__FIELD(counts_state, events, F64, 0, 1e111),
    TOCSIN__FIELD(counts_state, exposure, F64, 0, 1e21),
    TOCSIN__FIELD(counts_state, points, F64, 0, 1e11),
    TOCSIN__FIELD(counts_state, excess, F64, -1e250, 1e250),
    TOCSIN__FIELD(counts_state, squares, F64, 0, 1e250),
    TOCSIN__FIELD(counts_state, count, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(counts_state, spare, U32, 0, 0),
};

static int counts_resolve(const tocsin__values *values, const tocsin__context *context,
                          void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    counts_constants *k = constants;
    const tocsin_value *half_life = &values[COUNTS_HALF_LIFE].item[0];
    const tocsin_value *dispersion = &values[COUNTS_DISPERSION].item[0];
    const double floor = values[COUNTS_FLOOR_RELATIVE].item[0].number;

    (void)context;
    (void)complaint;
    if (half_life->form == TOCSIN_VALUE_POINTS) {
        k->keep = tocsin__exp2(-1 / half_life->number);
        k->keep_moments = tocsin__exp2(-COUNTS_MEMORY / half_life->number);
    } else {
        k->rate = TOCSIN__LN2 / (double)half_life->duration;
    }
    k->exposure = (uint32_t)values[COUNTS_EXPOSURE].item[0].number;
    k->dispersion = dispersion->form == TOCSIN_VALUE_AUTO ? -1 : dispersion->number;
    k->dispersion_min = floor * floor;
    k->clip = values[COUNTS_CLIP].item[0].number;
    k->warmup = (uint32_t)values[COUNTS_WARMUP].item[0].number;
    k->trust = 1 / (TOCSIN__LEVEL_TRUST * k->warmup);
    shape->precision = TOCSIN__DOUBLE;
    return TOCSIN_OK;
}

static size_t counts_warmup(const void *constants)
{
    return ((const counts_constants *)constants)->warmup;
}

/* ---- What is expected -------------------------------------------------------- */

/* A count that has not come yet. */
typedef struct {
    double exposure;
    double mean, size, deviation;
    double known;           /* 1 / the events the mean is known by */
} counts_view;

/* That of the exposure `exposure`, after the events known have lost all but `kept`. */
static counts_view counts_expect(const counts_constants *k, const counts_state *s,
                                 double exposure, double kept)
{
    const double events = s->events + COUNTS_PRIOR;
    double dispersion = k->dispersion;
    counts_view view;

    view.exposure = exposure;
    view.mean = tocsin__max(exposure * (events / s->exposure), COUNTS_MEAN_MIN);
    view.known = 1 / events;
    if (dispersion < 0)
        dispersion = s->squares > 0 ? tocsin__max(0, s->excess / s->squares) : 0;
    dispersion = tocsin__max(dispersion, k->dispersion_min) * (1 + 1 / s->points);
    view.size = tocsin__max(1 / (dispersion + 1 / (kept * events)), COUNTS_SIZE_MIN);
    view.deviation = tocsin__sqrt(view.mean + view.mean * (view.mean / view.size));
    return view;
}

static double counts_exposure(const counts_constants *k, int64_t time)
{
    return k->exposure == COUNTS_OF_TIME ? (double)time / (double)TOCSIN_SECOND : 1;
}

/* Nothing is known of a rate before some time has passed. */
static int counts_is_known(const counts_state *s, double exposure)
{
    return s->exposure > 0 && exposure > 0;
}

/* Signed. */
static double counts_read(double value, double mean, double size, double deviation)
{
    if (value < 0)
        return -tocsin__negbinomial_deviate(0, mean, size) + value / deviation;
    if (value > mean)
        return tocsin__negbinomial_deviate(value, mean, size);
    return -tocsin__negbinomial_deviate(value, mean, size);
}

static void counts_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                         const tocsin__point *point, tocsin__reading *reading)
{
    const counts_constants *k = constants;
    const counts_state *s = state;
    const double exposure = counts_exposure(k, point->pause);

    (void)arrays;
    if (s->count < k->warmup || !counts_is_known(s, exposure)) {
        tocsin__level_warming(reading, COUNTS_CHANNELS);
        return;
    }

    const counts_view view = counts_expect(k, s, exposure, 1);
    const double z = counts_read(point->value, view.mean, view.size, view.deviation);

    reading->channel[COUNTS_DEVIATION] = tocsin__min(tocsin__abs(z), TOCSIN__STATISTIC_MAX);
    reading->channel[COUNTS_NOTE] = view.size;
    reading->reason[COUNTS_DEVIATION] =
        (uint8_t)(TOCSIN_REASON_SPIKE + (point->value < view.mean));      /* or a drop */
    reading->direction = (point->value > view.mean) - (point->value < view.mean);
    reading->expected = view.mean;
    reading->deviation = view.deviation;
    reading->confidence = tocsin__min(1, s->count * k->trust);
}

/* ---- Learning ------------------------------------------------------------------ */

/* What of a count is learnt. */
static double counts_winsorise(const counts_constants *k, const counts_view *view, double value)
{
    const double skew = 1 + 2 * view->mean / view->size;
    const double limit =
        view->mean + k->clip * view->deviation + (k->clip * k->clip - 1) / 6 * skew;

    return tocsin__clamp(value, 0, tocsin__min(limit, COUNTS_MOST));
}

static void counts_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                         const tocsin__point *point, const tocsin__reading *reading)
{
    const counts_constants *k = constants;
    counts_state *s = state;
    const double exposure = counts_exposure(k, point->pause);
    double value = tocsin__clamp(point->value, 0, COUNTS_MOST);
    double keep = k->keep, keep_moments = k->keep_moments;

    (void)arrays;
    (void)reading;
    if (k->rate != 0) {
        const double age = tocsin__min((double)point->elapsed * k->rate, TOCSIN__LN2);

        keep = tocsin__exp(-age);
        keep_moments = tocsin__exp(-COUNTS_MEMORY * age);
    }
    s->count += s->count < UINT32_MAX;
    if (!(exposure > 0))
        return;
    if (counts_is_known(s, exposure)) {
        const counts_view view = counts_expect(k, s, exposure, 1);

        if (s->count > k->warmup)
            value = counts_winsorise(k, &view, value);

        const double mean = tocsin__min(view.mean, COUNTS_MOST), gap = value - mean;

        s->excess = keep_moments * s->excess + (gap * gap - mean - mean * (mean * view.known));
        s->squares = keep_moments * s->squares + mean * mean * (1 + 1 / s->points);
    }
    s->events = keep * s->events + value;
    s->exposure = keep * s->exposure + exposure;
    s->points = keep * s->points + 1;
}

static void counts_push(const void *constants, void *state, const tocsin__arrays *arrays,
                        const tocsin__point *point, tocsin__reading *reading)
{
    counts_score(constants, state, arrays, point, reading);
    counts_learn(constants, state, arrays, point, reading);
}

/* ---- Limits, forecasts ----------------------------------------------------------- */

/* Between `near`, where less is read, and `far`, where at least the limit is: the value that reads
 * it, by the secant that keeps the root between its ends (Illinois). */
static double counts_between(double near, double far, double limit, double mean, double size,
                             double deviation)
{
    double below = counts_read(near, mean, size, deviation);
    double above = counts_read(far, mean, size, deviation);

    below = tocsin__abs(below) - limit;
    above = tocsin__abs(above) - limit;
    if (!(below < 0))
        return near;
    for (int i = 0, side = 0; i < COUNTS_SECANTS && above > 1e-9 * limit && above > below; i++) {
        const double at = near + (far - near) * (-below / (above - below));
        const double read = tocsin__abs(counts_read(at, mean, size, deviation)) - limit;

        if (read < 0) {
            near = at;
            below = read;
            above *= side < 0 ? 0.5 : 1;
            side = -1;
        } else {
            far = at;
            above = read;
            below *= side > 0 ? 0.5 : 1;
            side = 1;
        }
    }
    return far;
}

static void counts_band(const void *constants, const tocsin__reading *reading, uint32_t channel,
                        double limit, double *lower, double *upper)
{
    const double mean = reading->expected, size = reading->channel[COUNTS_NOTE];
    const double deviation = reading->deviation;
    const double at_zero = tocsin__negbinomial_deviate(0, mean, size);
    double far = mean + limit * deviation +
                 tocsin__max(limit * limit - 1, 0) / 6 * (1 + 2 * mean / size);

    (void)constants;
    (void)channel;
    if (tocsin__is_nan(mean)) {
        *lower = *upper = tocsin__nan();
        return;
    }
    for (int i = 0; i < 64 && counts_read(far, mean, size, deviation) < limit; i++)
        far += far - mean + deviation;
    *upper = tocsin__max(mean, counts_between(mean, far, limit, mean, size, deviation));
    *lower = limit < at_zero
                 ? tocsin__min(mean, counts_between(mean, 0, limit, mean, size, deviation))
                 : -(limit - at_zero) * deviation;
}

/* What is known of the rate fades on the way. */
static int counts_forecast(const void *constants, const void *state, int64_t since, int64_t step,
                           uint64_t steps, double *expected, double *deviation)
{
    const counts_constants *k = constants;
    const counts_state *s = state;
    const double exposure = counts_exposure(k, step);
    const double ahead = (double)steps - 1;
    const double age = k->rate != 0 ? k->rate * ((double)since + ahead * (double)step)
                                    : -ahead * tocsin__log(k->keep);

    if (s->count < k->warmup || !counts_is_known(s, exposure))
        return 0;

    const counts_view view =
        counts_expect(k, s, exposure, tocsin__exp(-tocsin__min(age, TOCSIN__LN2)));

    *expected = view.mean;
    *deviation = view.deviation;
    return 1;
}

static void counts_explain(const void *constants, const void *state,
                           const tocsin__reading *reading, tocsin_explanation *explanation)
{
    const counts_constants *k = constants;
    const counts_state *s = state;

    (void)reading;
    explanation->level = explanation->trend = explanation->season = tocsin__nan();
    explanation->floor = 0;
    if (s->exposure > 0) {
        const counts_view view = counts_expect(k, s, 1, 1);

        explanation->level = view.mean;
        explanation->floor = tocsin__sqrt(k->dispersion_min) * view.mean;
    }
}

static const char *const counts_channels[COUNTS_CHANNELS] = {"deviation"};

const tocsin__stage tocsin__stage_counts = {
    .name = "counts",
    .summary = "counts of events: Poisson, or negative binomial where they come in bursts",
    .reference = "Harvey & Fernandes 1989; Anscombe 1950",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = COUNTS_CHANNELS,
    .revision = 1,
    .oldest_revision = 1,
    .params = counts_params,
    .param_count = TOCSIN__COUNT(counts_params),
    .constants_size = sizeof(counts_constants),
    .layout = {sizeof(counts_state), counts_fields, TOCSIN__COUNT(counts_fields)},
    .resolve = counts_resolve,
    .warmup = counts_warmup,
    .explain = counts_explain,
    .channel_names = counts_channels,
    .score = counts_score,
    .learn = counts_learn,
    .push = counts_push,
    .band = counts_band,
    .forecast = counts_forecast,
};
