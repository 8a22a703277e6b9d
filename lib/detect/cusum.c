/* cusum.c - cumulative sums, the detectors `cusum` and `page-hinkley`: has the level moved, by
 * little but for long?
 *
 * Model
 * -----
 * With z the distance of a value from the usual level in deviations (level.h),
 *
 *     rise = max(0, kept rise + z - drift)
 *     fall = max(0, kept fall - z - drift)
 *
 * Each is the largest sum of z - drift over the last points, however many: what a change at the
 * most suspicious moment would have added up to (Page 1954).  A level that moves by d deviations
 * adds d - drift at each point, while noise alone keeps falling back to 0.  So a shift of one
 * deviation, which no single value betrays, adds up.  Channels 0 "rise" and 1 "fall", told as if
 * the point had been learnt.
 *
 * One value counts for at most `clip` deviations: a spike is not a shift (Lucas and Crosier 1982).
 *
 * The two differ in what becomes of a shift.
 *
 * cusum keeps its reference, the exponentially weighted level, which follows slowly, and its sums
 * forget: what was summed counts half after `memory`.  So a drift is compared with itself a while
 * ago, and a shift that the reference has followed is over.
 *
 * page-hinkley compares with the mean of everything since the last change.  When a sum is beyond
 * `accept` and `settle` points old, the change is taken for true: its moment is where the sum left
 * 0 (Hinkley 1971), the mean of the points since then is the new level at once, and both sums
 * begin anew.  So an alarm rings once per change.  What was seen of the new level counts as so
 * many points, and at least as a warm-up.
 *
 * A gap longer than a half-life halves the sums of page-hinkley, where that is a time.
 *
 * References: Page 1954; Hinkley 1971; Lucas & Crosier 1982.
 *
 * Cost: that of ewma and a dozen operations.  48 bytes; page-hinkley 72.
 *
 * How they fail.  Neighbours that are alike, trends and seasons move the level all the time: the
 * calibration that follows learns how high the sums reach by themselves, and small shifts then
 * drown.  A shift much larger than `drift` would be found as surely, but not with what is the
 * best possible delay for every size at once: `focus` has that.
 */
#include "level.h"

enum { CUSUM_UP, CUSUM_DOWN, CUSUM_SIDES };

/* What a reading hands to `band` and `learn`, behind its channels. */
enum { CUSUM_NOTE_DEVIATION = CUSUM_SIDES, CUSUM_NOTE_SUM };

enum { CUSUM_HALF_LIFE, CUSUM_DRIFT, CUSUM_MEMORY, CUSUM_LEVEL };
enum { CUSUM_ACCEPT = CUSUM_MEMORY, CUSUM_SETTLE, CUSUM_HINKLEY_LEVEL };

#define CUSUM_DRIFT_PARAM                                                            \
    {"drift", TOCSIN_TYPE_NUMBER, 1, 0, 0, "deviations", "0.5", 0, 100, "",          \
     "what a shift must exceed to add up: half of the smallest that is looked for"}

static const tocsin__param cusum_params[] = {
    {"half-life", TOCSIN_TYPE_SPAN, 1, 0, 0, "", "500p", 1e-3, 3.2e9, "",
     "time, or points, after which a value counts half for the reference"},
    CUSUM_DRIFT_PARAM,
    {"memory", TOCSIN_TYPE_SPAN, 1, 0, 0, "", "100p", 1e-3, 3.2e9, "",
     "time, or points, after which what was summed counts half"},
    TOCSIN__LEVEL_PARAMS("32"),
};

static const tocsin__param cusum_hinkley_params[] = {
    {"half-life", TOCSIN_TYPE_SPAN, 1, 0, 0, "", "5000p", 1e-3, 3.2e9, "",
     "time, or points, after which a value counts half for the mean since the last change"},
    CUSUM_DRIFT_PARAM,
    {"accept", TOCSIN_TYPE_NUMBER, 1, 0, 0, "deviations", "30", 1, 1e6, "",
     "the sum beyond which a change is taken for true and the new level for usual"},
    {"settle", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", "32", 1, 65535, "",
     "and for so many points it must have lasted"},
    TOCSIN__LEVEL_PARAMS("32"),
};

typedef struct {
    tocsin__level_rules level;
    double drift;
    tocsin__level_rules memory;     /* of the sums: its gains alone */
    double accept;
    double clip;
    uint32_t settle;
    uint32_t begins_anew;           /* page-hinkley */
} cusum_constants;

typedef struct {
    tocsin__level level;
    double sum[CUSUM_SIDES];
} cusum_state;

typedef struct {
    cusum_state chart;
    double mean[CUSUM_SIDES];       /* of the points since the sum left 0 */
    uint32_t run[CUSUM_SIDES];      /* how many those are */
} cusum_hinkley_state;

static const tocsin__field cusum_fields[] = {
    TOCSIN__LEVEL_FIELDS(cusum_state, level),
    TOCSIN__FIELD(cusum_state, sum, REAL, 0, 1e30),
};

static const tocsin__field cusum_hinkley_fields[] = {
    TOCSIN__LEVEL_FIELDS(cusum_hinkley_state, chart.level),
    TOCSIN__FIELD(cusum_hinkley_state, chart.sum, REAL, 0, 1e30),
    TOCSIN__FIELD(cusum_hinkley_state, mean, F64, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),
    TOCSIN__FIELD(cusum_hinkley_state, run, U32, 0, UINT32_MAX),
};

#define CUSUM_MOST 1e30

/* What the two have in common; the level's parameters begin at `at`. */
static void cusum_resolve_chart(const tocsin__values *values, const tocsin__context *context,
                                size_t at, cusum_constants *k, tocsin__shape *shape)
{
    tocsin__level_resolve(
        &k->level, values + at,
        tocsin__level_half_life(&k->level, &values[CUSUM_HALF_LIFE].item[0], context));
    k->drift = values[CUSUM_DRIFT].item[0].number;
    k->clip = values[at + TOCSIN__LEVEL_CLIP].item[0].number;
    shape->precision = k->level.precision;
}

static int cusum_resolve(const tocsin__values *values, const tocsin__context *context,
                         void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    cusum_constants *k = constants;

    (void)complaint;
    cusum_resolve_chart(values, context, CUSUM_LEVEL, k, shape);
    tocsin__level_half_life(&k->memory, &values[CUSUM_MEMORY].item[0], context);
    return TOCSIN_OK;
}

static int cusum_hinkley_resolve(const tocsin__values *values, const tocsin__context *context,
                                 void *constants, tocsin__shape *shape,
                                 tocsin__complaint *complaint)
{
    cusum_constants *k = constants;

    (void)complaint;
    cusum_resolve_chart(values, context, CUSUM_HINKLEY_LEVEL, k, shape);
    k->begins_anew = 1;
    k->accept = values[CUSUM_ACCEPT].item[0].number;
    k->settle = (uint32_t)values[CUSUM_SETTLE].item[0].number;
    return TOCSIN_OK;
}

static size_t cusum_warmup(const void *constants)
{
    return ((const cusum_constants *)constants)->level.warmup;
}

/* What is left of the sums at the next point. */
static double cusum_kept(const cusum_constants *k, int64_t elapsed)
{
    if (!k->begins_anew)
        return 1 - tocsin__level_gain(&k->memory, elapsed);
    return k->level.rate != 0 && (double)elapsed * k->level.rate > k->level.longest ? 0.5 : 1;
}

static void cusum_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                        const tocsin__point *point, tocsin__reading *reading)
{
    const cusum_constants *k = constants;
    const cusum_state *s = state;
    double z, kept;

    (void)arrays;
    if (!tocsin__level_score(&k->level, &s->level, point, reading)) {
        tocsin__level_warming(reading, CUSUM_SIDES);
        reading->channel[CUSUM_NOTE_DEVIATION] = tocsin__nan();
        return;
    }
    z = tocsin__min(reading->channel[0], k->clip);
    z = reading->direction < 0 ? -z : z;
    kept = cusum_kept(k, point->elapsed);
    for (uint32_t side = 0; side < CUSUM_SIDES; side++) {
        const double before = kept * s->sum[side];
        const double sum = before + (side == CUSUM_UP ? z : -z) - k->drift;

        reading->channel[CUSUM_NOTE_SUM + side] = before;
        reading->channel[side] =
            tocsin__keep(k->level.precision, tocsin__clamp(sum, 0, CUSUM_MOST));
        reading->reason[side] = TOCSIN_REASON_LEVEL;
    }
    reading->channel[CUSUM_NOTE_DEVIATION] = reading->deviation;
    reading->direction = (reading->channel[CUSUM_UP] > reading->channel[CUSUM_DOWN]) -
                         (reading->channel[CUSUM_UP] < reading->channel[CUSUM_DOWN]);
}

/* The deviations from the level that bring a sum to the limit: none at all where it would stay
 * beyond it anyway, infinitely many where a value cannot. */
static double cusum_needed(const cusum_constants *k, const tocsin__reading *reading, uint32_t side,
                           double limit)
{
    const double needed = limit + k->drift - reading->channel[CUSUM_NOTE_SUM + side];

    if (needed >= k->clip)
        return tocsin__infinity();
    return tocsin__max(needed, 0);
}

static void cusum_band(const void *constants, const tocsin__reading *reading, uint32_t channel,
                       double limit, double *lower, double *upper)
{
    const double deviation = reading->channel[CUSUM_NOTE_DEVIATION];

    (void)channel;
    *lower = reading->expected - deviation * cusum_needed(constants, reading, CUSUM_DOWN, limit);
    *upper = reading->expected + deviation * cusum_needed(constants, reading, CUSUM_UP, limit);
}

static void cusum_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                        const tocsin__point *point, const tocsin__reading *reading)
{
    const cusum_constants *k = constants;
    cusum_state *s = state;
    const double deviation = reading->channel[CUSUM_NOTE_DEVIATION];

    (void)arrays;
    if (!tocsin__is_nan(deviation))
        for (uint32_t side = 0; side < CUSUM_SIDES; side++)
            s->sum[side] = reading->channel[side];
    tocsin__level_learn(&k->level, &s->level, point, deviation);
}

static void cusum_push(const void *constants, void *state, const tocsin__arrays *arrays,
                       const tocsin__point *point, tocsin__reading *reading)
{
    cusum_score(constants, state, arrays, point, reading);
    cusum_learn(constants, state, arrays, point, reading);
}

/* The change is true: what came since the sum left 0 is the level. */
static void cusum_hinkley_accept(const cusum_constants *k, cusum_hinkley_state *s, uint32_t side)
{
    s->chart.level.mean = s->mean[side];
    s->chart.level.count = (uint16_t)tocsin__clamp(s->run[side], k->level.warmup, UINT16_MAX);
    for (uint32_t i = 0; i < CUSUM_SIDES; i++) {
        s->chart.sum[i] = 0;
        s->run[i] = 0;
        s->mean[i] = 0;
    }
}

static void cusum_hinkley_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                                const tocsin__point *point, const tocsin__reading *reading)
{
    const cusum_constants *k = constants;
    cusum_hinkley_state *s = state;

    cusum_learn(constants, &s->chart, arrays, point, reading);
    for (uint32_t side = 0; side < CUSUM_SIDES; side++) {
        if (!(s->chart.sum[side] > 0)) {
            s->run[side] = 0;
            s->mean[side] = 0;
            continue;
        }
        s->run[side] += s->run[side] < UINT32_MAX;
        s->mean[side] += (point->value - s->mean[side]) / (double)s->run[side];
        if (s->chart.sum[side] > k->accept && s->run[side] >= k->settle) {
            cusum_hinkley_accept(k, s, side);
            return;
        }
    }
}

static void cusum_hinkley_push(const void *constants, void *state, const tocsin__arrays *arrays,
                               const tocsin__point *point, tocsin__reading *reading)
{
    cusum_score(constants, state, arrays, point, reading);
    cusum_hinkley_learn(constants, state, arrays, point, reading);
}

static int cusum_forecast(const void *constants, const void *state, int64_t since, int64_t step,
                          uint64_t steps, double *expected, double *deviation)
{
    return tocsin__level_forecast(&((const cusum_constants *)constants)->level,
                                  &((const cusum_state *)state)->level, since, step, steps,
                                  expected, deviation);
}

static void cusum_explain(const void *constants, const void *state, const tocsin__reading *reading,
                          tocsin_explanation *explanation)
{
    (void)reading;
    tocsin__level_explain(&((const cusum_constants *)constants)->level,
                          &((const cusum_state *)state)->level, explanation);
}

static const char *const cusum_channels[] = {"rise", "fall"};

const tocsin__stage tocsin__stage_cusum = {
    .name = "cusum",
    .summary = "cumulative sums: small shifts of the level that last",
    .reference = "Page 1954; Lucas & Crosier 1982",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = CUSUM_SIDES,
    .revision = 1,
    .oldest_revision = 1,
    .params = cusum_params,
    .param_count = TOCSIN__COUNT(cusum_params),
    .constants_size = sizeof(cusum_constants),
    .layout = {sizeof(cusum_state), cusum_fields, TOCSIN__COUNT(cusum_fields)},
    .resolve = cusum_resolve,
    .warmup = cusum_warmup,
    .explain = cusum_explain,
    .channel_names = cusum_channels,
    .score = cusum_score,
    .learn = cusum_learn,
    .push = cusum_push,
    .band = cusum_band,
    .forecast = cusum_forecast,
};

const tocsin__stage tocsin__stage_page_hinkley = {
    .name = "page-hinkley",
    .summary = "cumulative sums that take a change for true and begin anew",
    .reference = "Page 1954; Hinkley 1971",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = CUSUM_SIDES,
    .revision = 1,
    .oldest_revision = 1,
    .params = cusum_hinkley_params,
    .param_count = TOCSIN__COUNT(cusum_hinkley_params),
    .constants_size = sizeof(cusum_constants),
    .layout = {sizeof(cusum_hinkley_state), cusum_hinkley_fields,
               TOCSIN__COUNT(cusum_hinkley_fields)},
    .resolve = cusum_hinkley_resolve,
    .warmup = cusum_warmup,
    .explain = cusum_explain,
    .channel_names = cusum_channels,
    .score = cusum_score,
    .learn = cusum_hinkley_learn,
    .push = cusum_hinkley_push,
    .band = cusum_band,
    .forecast = cusum_forecast,
};
