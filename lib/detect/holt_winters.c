/* holt_winters.c - level, trend and seasons: the detector for metrics with a daily rhythm.
 *
 * Model
 * -----
 * Exponential smoothing of a level l, a damped trend b (per step) and up to two seasons s, w
 * (one value per slot of the day, of the week):
 *
 *     expected  y^ = l + phi b + s + w            additive
 *               y^ = (l + phi b) s w              multiplicative
 *
 * and with the residual e = y - y^, e' = e, or e / (s w) where multiplicative:
 *
 *     l' = l + phi b + alpha e'
 *     b' = phi b + alpha beta e'
 *     s' = s + gamma (y - l' - w - s)             or  s + gamma (y / (l' w) - s)
 *
 * which is Winters' recursion as R's HoltWinters() has it, with Taylor's second season; in the
 * component form of Hyndman et al. (and statsmodels) its trend and season parameters are
 * alpha beta and gamma (1 - alpha).
 *
 * Time.  A step is one slot of the season.  Between points that are h steps apart, whole or not,
 * gains are 1 - (1-alpha)^h, the trend adds phi + phi^2 + ... + phi^h (continued to real h) and
 * its revision is shared among the h steps (Wright 1986).  Several points within a slot share its
 * gamma.  Slots are counted from the Unix epoch, in civil time where the clock has a `timezone`,
 * so neither a gap nor summer time ever shifts the season. Where neither the seasons nor the clock
 * tell a step, points are counted; lost ones are then recognised by the mean time between points.
 *
 * A gap moves the level's gain no further than a half-life would (or alpha), the trend is
 * followed no longer than its own half-life, and the deviation widens as the forecast's does.
 *
 * Start.  No look-ahead and no history is needed.  In the first cycle a level and trend alone
 * are learnt, with gains 1/n at first, and judge the points; beside them each slot remembers
 * its mean.  When the cycle is full these means become level and season, slots that were never
 * seen being interpolated; the second season follows after its own first cycle, from what the
 * first does not explain.  A slot's gain is 1/n in its n-th cycle until gamma is larger.
 *
 * Deviation.  Each slot of the shortest season smooths its |residual| like its season (Brutlag
 * 2000), times sqrt(pi/2) a standard deviation; beside them one over all slots (`delta`).  What
 * is used is their mean with weights n and 5 after n cycles, n at most 1/gamma (the common one
 * and n / (n + 5) of what the slot's is more), and at least a quarter of the common one.
 * Learning is winsorised (Gelper, Fried & Croux 2010), and the
 * deviation has a floor: see residual.h.  The limit is counted in the larger of the slot's
 * deviation and the common one, for only the common one grows at each point when a level has
 * moved for good.
 *
 * Forecasts h steps ahead have the variance of the additive class (Hyndman et al. 2008, chapter
 * 6), sigma^2 (1 + sum of c_j^2, j < h), c_j = alpha + alpha beta (phi + ... + phi^j) + gamma
 * (1 - alpha) where j is a whole number of cycles, sigma being the slot's.  For the
 * multiplicative form, whose variance has no closed form, the same is used as an approximation;
 * it is good while the level's forecast error is small beside the level.
 *
 * References: Holt 1957; Winters 1960; Gardner & McKenzie 1985; Wright 1986; Brutlag 2000; Taylor
 * 2003; Hyndman, Koehler, Ord & Snyder 2008; Gelper, Fried & Croux 2010.
 *
 * Precision: the level is a double always; trend, slots and deviations are floats with state=mixed
 * (80 + 8 bytes per slot; 2.4 KB for a day of five-minute slots), worked out in floats, as is the
 * statistic (residual.h), and saturate at 1e38.
 *
 * Cost: two integer divisions and a few dozen operations; three exponentials more where
 * points are not exactly one step apart.  One pass over the slots when a first cycle is full.
 *
 * How it fails.  A rhythm that is not one of the seasons (a job every 7 hours, working days
 * that move) stays in the residual.  A multiplicative season needs a level well above 0; its
 * factors are kept within 1/100 and 100.  An incident in the very first cycle is expected again
 * in the second, with the weight 1/2.
 */
#include "kernel_jobs.h"
#include "residual.h"

enum {
    HOLT_SEASON,
    HOLT_STEP,
    HOLT_FORM,
    HOLT_TREND,
    HOLT_ALPHA,
    HOLT_BETA,
    HOLT_GAMMA,
    HOLT_PHI,
    HOLT_DELTA,
    HOLT_CLIP,
    HOLT_FLOOR,
    HOLT_FLOOR_RELATIVE,
    HOLT_FLOOR_HISTORY,
    HOLT_WARMUP,
    HOLT_STATE
};

static const tocsin__param holt_params[] = {
    {"season", TOCSIN_TYPE_SPAN, 2, 1, 0, "", "", 1e-6, 3.2e9, "",
     "the period, or two: 1d,1w; not set: level and trend alone"},
    {"step", TOCSIN_TYPE_DURATION, 1, 1, 0, "", "", 1e-9, 3.2e9, "",
     "width of a slot, a whole part of each season; not set: the clock's step, or season / 288"},
    {"form", TOCSIN_TYPE_CHOICE, 1, 0, 0, "", "additive", 0, 0, "additive|multiplicative",
     "whether the season adds to the level or scales it"},
    {"trend", TOCSIN_TYPE_CHOICE, 1, 0, 0, "", "on", 0, 0, "on|off",
     "whether there is a trend"},
    {"alpha", TOCSIN_TYPE_SMOOTHING, 1, 0, 0, "", "0.03", 0, 1, "",
     "smoothing of the level: weight of a new value per step, or its half-life"},
    {"beta", TOCSIN_TYPE_SMOOTHING, 1, 0, 0, "", "0.0035", 0, 1, "",
     "smoothing of the trend"},
    {"gamma", TOCSIN_TYPE_SMOOTHING, 2, 0, 0, "", "0.1", 0, 1, "",
     "smoothing of each season, and of its slots' deviations: weight per cycle, or half-life"},
    {"phi", TOCSIN_TYPE_FRACTION, 1, 0, 0, "", "0.98", 0.5, 1, "",
     "what remains of the trend after a step; 1: not damped"},
    {"delta", TOCSIN_TYPE_SMOOTHING, 1, 0, 0, "", "200p", 0, 1, "",
     "smoothing of the deviation over all slots"},
    {"clip", TOCSIN_TYPE_NUMBER, 1, 0, 0, "deviations", "4", 1, INFINITY, "",
     "what lies farther out is learnt as if it lay there, unless it is frequent; inf: never"},
    {"floor", TOCSIN_TYPE_NUMBER, 1, 0, 0, "the metric's", "0", 0, 1e150, "",
     "the deviation is never taken for less"},
    {"floor-relative", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the expected value", "0.5%", 0, 1, "",
     "nor for less than this share of the expected value"},
    {"floor-history", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the largest residual", "0.1%", 0, 1, "",
     "nor for less than this share of the largest residual remembered"},
    {"warmup", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", "32", 2, 1e6, "",
     "points before the first verdict"},
    {"state", TOCSIN_TYPE_CHOICE, 1, 1, 0, "", "mixed", 0, 0, "double|mixed",
     "precision: all double, or all but the level as float"},
};

enum { HOLT_ADDITIVE, HOLT_MULTIPLICATIVE };

#define HOLT_SEASONS 2
#define HOLT_SLOTS 288              /* of the shortest season, where nobody says */
#define HOLT_SLOTS_MAX 100000
#define HOLT_LN2 0.693147180559945309
#define HOLT_FACTOR_MIN 0.01        /* bounds of a multiplicative season */
#define HOLT_FACTOR_MAX 100.0
#define HOLT_PACE_MEMORY 64.0       /* points */
#define HOLT_STEPS_MAX 1e9          /* the longest gap, in steps */
#define HOLT_TRUST 4.0              /* confidence is full after so many warm-ups */

/* The arrays, in the order of the field table. */
enum { HOLT_FIRST, HOLT_SECOND, HOLT_SLOT_DEVIATION };

/* A gain per step, the rate of decay that continues it to h steps, and where that leads for
 * points that are as far apart as the clock says. */
typedef struct {
    double gain;
    double rate;
    double nominal;
} holt_gain;

/* What h steps do to a trend. */
typedef struct {
    double left;                    /* phi^h */
    double sum;                     /* phi + phi^2 + ... + phi^h */
} holt_damping;

typedef struct {
    tocsin__residual_rules rules;
    holt_gain alpha, beta, delta;
    double gamma[HOLT_SEASONS];     /* per cycle */
    double phi, log_phi;
    double nominal;                 /* steps between points, as the clock says; 1 if it does not */
    holt_damping damping;           /* over so many */
    double longest_level;           /* steps a gap counts for the level's gain */
    double longest_trend;           /* steps the trend is followed */
    double cycles_per_unit[HOLT_SEASONS];
    double slot_memory;             /* cycles a slot's deviation remembers */
    double trust;                   /* confidence per point */
    double real_max;
    double to_standard;             /* TOCSIN__HOLT_DEVIATION and _SEEN at the precision */
    double seen;
    int64_t step;                   /* of model time: ns, or 1 where points are counted */
    int64_t period[HOLT_SEASONS];   /* in model time, ascending */
    uint32_t slots[HOLT_SEASONS];
    uint32_t season_count;
    uint32_t counts_points;
    uint32_t form;
    uint32_t has_trend;
    uint32_t warmup;
    uint32_t precision;
    uint64_t array[3];              /* offsets in the state */
    tocsin__zone zone;              /* UTC where points are counted */
} holt_constants;

typedef struct {
    double level;
    double trend;           /* per step */
    double spread;          /* mean |residual| over all slots */
    double reach;           /* see residual.h */
    double origin;          /* the first value; slots are relative to it until they are in use */
    double pace;            /* mean ns between points, where points are counted */
    int64_t time;           /* model time of the last point learnt */
    int64_t start;          /* and of the first */
    uint32_t count;         /* points learnt, as long as gains or warm-up ask */
    uint16_t habit;         /* see residual.h */
    uint16_t outside;
    uint32_t seasons;       /* how many are in use */
    uint32_t spare;
} holt_state;

/* Slots hold NaN until they are seen. */
#define HOLT_SLOT_FIELD(name, array) {name, TOCSIN__REAL, 1, array, 1, 0, 0, -1e151, 1e151}

static const tocsin__field holt_fields[] = {
    TOCSIN__FIELD(holt_state, level, F64, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),
    TOCSIN__FIELD(holt_state, trend, REAL, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),
    TOCSIN__FIELD(holt_state, spread, REAL, 0, 1e151),
    TOCSIN__FIELD(holt_state, reach, REAL, 0, 1e151),
    TOCSIN__FIELD(holt_state, origin, F64, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),
    TOCSIN__FIELD(holt_state, pace, F64, 0, 2e19),
    TOCSIN__FIELD(holt_state, time, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(holt_state, start, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(holt_state, count, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(holt_state, habit, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(holt_state, outside, U16, 0, 1),
    TOCSIN__FIELD(holt_state, seasons, U32, 0, HOLT_SEASONS),
    TOCSIN__FIELD(holt_state, spare, U32, 0, 0),
    HOLT_SLOT_FIELD("first-season", HOLT_FIRST),
    HOLT_SLOT_FIELD("second-season", HOLT_SECOND),
    TOCSIN__ARRAY("slot-deviation", REAL, HOLT_SLOT_DEVIATION, 0, 1e151),
};

static const tocsin__layout holt_layout = {sizeof(holt_state), holt_fields,
                                           TOCSIN__COUNT(holt_fields)};

/* ---- Parameters ------------------------------------------------------------ */

static int64_t holt_common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        const int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* The slot's width where nobody gave one: the clock's step if that cuts the seasons into no
 * more slots than usual, else the finest cut into at most the usual number of equal whole
 * slots. */
static int64_t holt_natural_step(int64_t seasons, int64_t clock_step)
{
    int64_t slots = HOLT_SLOTS;

    if (clock_step > 0 && seasons % clock_step == 0 && seasons / clock_step <= HOLT_SLOTS)
        return clock_step;
    while (seasons % slots != 0)
        slots--;
    return seasons / slots;
}

/* Step, periods and slots. */
static int holt_resolve_time(const tocsin__values *values, const tocsin__context *context,
                             holt_constants *k, tocsin__complaint *complaint)
{
    const tocsin__values *season = &values[HOLT_SEASON];
    const int64_t clock_step = context->step;
    const int is_given = values[HOLT_STEP].count > 0;
    const int64_t point = is_given ? values[HOLT_STEP].item[0].duration : clock_step;
    int has_points = 0, has_durations = 0;
    int64_t common = 0;

    for (uint32_t i = 0; i < season->count; i++) {
        has_points |= season->item[i].form == TOCSIN_VALUE_POINTS;
        has_durations |= season->item[i].form != TOCSIN_VALUE_POINTS;
    }
    for (uint32_t i = HOLT_ALPHA; i <= HOLT_DELTA; i++)
        has_durations |= values[i].count && values[i].item[0].form == TOCSIN_VALUE_DURATION;
    if (has_points && has_durations && point == 0)
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, HOLT_STEP,
                           "a season in points beside durations needs step, the time of a point");
    k->counts_points = !has_durations && point == 0;
    if (!k->counts_points)
        k->zone = context->zone;
    k->season_count = season->count;
    for (uint32_t i = 0; i < season->count; i++) {
        const tocsin_value *item = &season->item[i];

        if (item->form == TOCSIN_VALUE_DURATION) {
            k->period[i] = item->duration;
        } else {
            const double period = item->number * (k->counts_points ? 1.0 : (double)point);

            if (!(period < 9e18))
                return tocsin__complain(complaint, TOCSIN_ERROR_RANGE, HOLT_SEASON,
                                   "a season of so many points is longer than 285 years");
            k->period[i] = (int64_t)period;
        }
        common = holt_common_divisor(k->period[i], common);
    }
    if (k->counts_points)
        k->step = 1;
    else if (is_given || has_points)
        k->step = point;
    else if (season->count)
        k->step = holt_natural_step(common, clock_step);
    else
        k->step = point ? point : TOCSIN_MINUTE;
    if (common % k->step != 0)
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, HOLT_STEP,
                           "each season must be a whole number of steps");
    for (uint32_t i = 0; i < season->count; i++) {
        const int64_t slots = k->period[i] / k->step;

        if (slots < 2 || slots > HOLT_SLOTS_MAX)
            return tocsin__complain(complaint, TOCSIN_ERROR_RANGE, HOLT_STEP,
                               "a season must have between 2 and 100000 steps");
        k->slots[i] = (uint32_t)slots;
        k->cycles_per_unit[i] = 1 / (double)k->period[i];
    }
    if (season->count == 2 && k->period[0] == k->period[1])
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, HOLT_SEASON,
                           "the two seasons are the same");
    return TOCSIN_OK;
}

/* Continued to real h. */
static holt_damping holt_damp(double phi, double log_phi, double h)
{
    holt_damping damping = {1, h};

    if (h == 1) {
        damping.left = damping.sum = phi;
    } else if (phi != 1) {
        const double lost = -tocsin__expm1(h * log_phi);

        damping.left = 1 - lost;
        damping.sum = phi / (1 - phi) * lost;
    }
    return damping;
}

static double holt_continue(const holt_gain *gain, double steps)
{
    return steps == 1 ? gain->gain : -tocsin__expm1(-gain->rate * steps);
}

/* A smoothing parameter as a gain per `unit` of model time; a point stands for `clock_step`. */
static holt_gain holt_smoothing(const tocsin_value *value, const holt_constants *k, double unit,
                                int64_t clock_step)
{
    holt_gain gain;

    if (value->form == TOCSIN_VALUE_NUMBER) {
        gain.gain = value->number;
        gain.rate = -tocsin__log1p(-value->number);
    } else {
        const double point = k->counts_points || clock_step == 0 ? (double)k->step
                                                                 : (double)clock_step;
        const double half_life = value->form == TOCSIN_VALUE_POINTS ? value->number * point
                                                                    : (double)value->duration;

        gain.rate = HOLT_LN2 * unit / half_life;
        gain.gain = -tocsin__expm1(-gain.rate);
    }
    gain.nominal = holt_continue(&gain, k->nominal);
    return gain;
}

static int holt_resolve(const tocsin__values *values, const tocsin__context *context,
                        void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    holt_constants *k = constants;
    const tocsin__values *gamma = &values[HOLT_GAMMA];

    if (holt_resolve_time(values, context, k, complaint) != TOCSIN_OK)
        return complaint->status;
    k->nominal = context->step > 0 && !k->counts_points
                     ? (double)context->step / (double)k->step
                     : 1;
    k->alpha = holt_smoothing(&values[HOLT_ALPHA].item[0], k, (double)k->step, context->step);
    k->beta = holt_smoothing(&values[HOLT_BETA].item[0], k, (double)k->step, context->step);
    k->delta = holt_smoothing(&values[HOLT_DELTA].item[0], k, (double)k->step, context->step);
    for (uint32_t i = 0; i < k->season_count; i++)
        k->gamma[i] = holt_smoothing(&gamma->item[i < gamma->count ? i : gamma->count - 1], k,
                                     (double)k->period[i], context->step).gain;
    if (k->season_count == 2 && k->period[0] > k->period[1]) {
        const holt_constants given = *k;

        for (uint32_t i = 0; i < 2; i++) {
            k->period[i] = given.period[1 - i];
            k->slots[i] = given.slots[1 - i];
            k->gamma[i] = given.gamma[1 - i];
            k->cycles_per_unit[i] = given.cycles_per_unit[1 - i];
        }
    }
    k->slot_memory = tocsin__min(1 / k->gamma[0], HOLT_STEPS_MAX);
    k->form = (uint32_t)values[HOLT_FORM].item[0].number;
    k->has_trend = values[HOLT_TREND].item[0].number == 0;
    k->phi = values[HOLT_PHI].item[0].number;
    k->log_phi = tocsin__log(k->phi);
    k->damping = holt_damp(k->phi, k->log_phi, k->nominal);
    k->longest_level = tocsin__clamp(HOLT_LN2 / k->alpha.rate, 1, HOLT_STEPS_MAX);
    k->longest_trend = tocsin__clamp(HOLT_LN2 / k->beta.rate, 1, HOLT_STEPS_MAX);
    k->warmup = (uint32_t)values[HOLT_WARMUP].item[0].number;
    k->trust = 1 / (HOLT_TRUST * k->warmup);
    k->precision = (uint32_t)values[HOLT_STATE].item[0].number;
    k->real_max = k->precision == TOCSIN__MIXED ? TOCSIN__REAL_MAX : TOCSIN__VALUE_MAX;
    k->to_standard = tocsin__keep(k->precision, TOCSIN__HOLT_DEVIATION);
    k->seen = tocsin__keep(k->precision, TOCSIN__HOLT_SEEN);
    tocsin__residual_rules_init(&k->rules, values[HOLT_CLIP].item[0].number,
                                values[HOLT_FLOOR].item[0].number,
                                values[HOLT_FLOOR_RELATIVE].item[0].number,
                                values[HOLT_FLOOR_HISTORY].item[0].number, 1 / k->delta.gain,
                                k->precision);

    shape->precision = k->precision;
    shape->length[HOLT_FIRST] = shape->length[HOLT_SLOT_DEVIATION] = k->slots[0];
    shape->length[HOLT_SECOND] = k->slots[1];
    for (uint32_t i = 0; i < TOCSIN__COUNT(k->array); i++)
        k->array[i] = tocsin__layout_array(&holt_layout, shape, i);
    return TOCSIN_OK;
}

static size_t holt_warmup(const void *constants)
{
    return ((const holt_constants *)constants)->warmup;
}

/* ---- State ----------------------------------------------------------------- */

/* Where a state's slots are: as the caller says, or behind it. */
static tocsin__arrays holt_arrays(const holt_constants *k, const holt_state *s,
                                  const tocsin__arrays *given)
{
    tocsin__arrays arrays = {{NULL}, 1};

    if (given)
        return *given;
    for (uint32_t i = 0; i < TOCSIN__COUNT(k->array); i++)
        arrays.base[i] = (char *)s + k->array[i];
    return arrays;
}

static double holt_load(const holt_constants *k, const tocsin__arrays *in, uint32_t array,
                        size_t slot)
{
    return tocsin__array_load(k->precision, in->base[array], slot * in->stride);
}

static void holt_store(const holt_constants *k, const tocsin__arrays *in, uint32_t array,
                       size_t slot, double value)
{
    tocsin__array_store(k->precision, in->base[array], slot * in->stride,
                        tocsin__clamp(value, -k->real_max, k->real_max));
}

static double holt_keep(const holt_constants *k, double value)
{
    return tocsin__keep(k->precision, tocsin__clamp(value, -k->real_max, k->real_max));
}

/* A step on the way to what is kept. */
static double holt_round(const holt_constants *k, double value)
{
    return tocsin__residual_round(k->precision, value);
}

/* `gain` of the way from a mean to a value. */
static double holt_approach(const holt_constants *k, double mean, double value, double gain)
{
    return holt_round(k, mean + holt_round(k, holt_round(k, gain) *
                                                  holt_round(k, value - mean)));
}

static void holt_init(const void *constants, void *state)
{
    const holt_constants *k = constants;

    for (uint32_t i = 0; i < k->season_count; i++)
        for (size_t slot = 0; slot < k->slots[i]; slot++)
            tocsin__array_store(k->precision, (char *)state + k->array[i], slot, tocsin__nan());
}

/* How many seasons are in use: never more than there are, whatever a snapshot says. */
static uint32_t holt_seasons(const holt_constants *k, const holt_state *s)
{
    return s->seasons < k->season_count ? s->seasons : k->season_count;
}

/* ---- Looking ahead --------------------------------------------------------- */

/* Steps from `earlier` to `later` in model time, more than 0. */
static double holt_steps(const holt_constants *k, int64_t earlier, int64_t later)
{
    if (later <= earlier)
        return 1;
    return (double)((uint64_t)later - (uint64_t)earlier) / (double)k->step;
}

/* The slot of a step, counted from the epoch. */
static size_t holt_slot(const holt_constants *k, uint32_t season, int64_t number)
{
    const int64_t slots = k->slots[season], slot = number % slots;

    return (size_t)(slot < 0 ? slot + slots : slot);
}

/* Forecast variance h steps ahead, in units of the one-step variance: 1 + the sum of c_j^2 over
 * 0 < j < h.  With A = alpha, B = alpha beta, P_j = phi + ... + phi^j, and G at j = m, 2m, ..:
 * sum (A + B P_j)^2, and for each season sum G (2 (A + B P_im) + G), i = 1..(h-1)/m. */
static double holt_variance(const holt_constants *k, double h, uint32_t seasons)
{
    const double a = k->alpha.gain, b = k->has_trend ? a * k->beta.gain : 0, phi = k->phi;
    const double n = h - 1;
    double sum;

    if (n <= 0)
        return 1;
    if (b == 0) {
        sum = n * a * a;
    } else if (phi == 1) {
        sum = n * (a * a + a * b * h + b * b * h * (2 * h - 1) / 6);
    } else {
        /* P_j = c (1 - phi^j): expand, with the sums of phi^j and phi^2j. */
        const double c = phi / (1 - phi), base = a + b * c, once = -tocsin__expm1(n * k->log_phi);
        const double twice = -tocsin__expm1(2 * n * k->log_phi);

        sum = n * base * base - 2 * base * b * c * c * once +
              b * b * c * c * (phi * phi / (1 - phi * phi)) * twice;
    }
    for (uint32_t i = 0; i < seasons; i++) {
        const double g = k->gamma[i] * (1 - a), m = k->slots[i];
        const double cycles = (double)(uint64_t)(tocsin__min(n / m, 1e18));
        double damped = cycles * (cycles + 1) / 2 * m;

        if (phi != 1) {
            const double cycle = -tocsin__expm1(m * k->log_phi);
            const double all = -tocsin__expm1(cycles * m * k->log_phi);

            damped = phi / (1 - phi) * (cycles - (1 - cycle) * all / cycle);
        }
        sum += g * (g * cycles + 2 * (a * cycles + b * damped));
    }
    if (seasons == 2) {     /* where both cycles end */
        const int64_t common = holt_common_divisor(k->slots[0], k->slots[1]);
        const double together = (double)k->slots[0] / (double)common * k->slots[1];

        sum += 2 * k->gamma[0] * k->gamma[1] * (1 - a) * (1 - a) *
               (double)(uint64_t)tocsin__min(n / together, 1e18);
    }
    return 1 + sum;
}

/* A mean |residual| as a standard deviation. */
static double holt_standard(const holt_constants *k, double spread)
{
    return holt_round(k, k->to_standard * spread);
}

/* The standard deviation of a slot seen in n cycles, with its own mean |residual| and that over
 * all slots. */
static double holt_slot_deviation(const holt_constants *k, double n, double own, double spread)
{
    const double all = n + TOCSIN__HOLT_SHRINKAGE;
    const double deviation =
        k->precision == TOCSIN__MIXED
            ? holt_standard(k, holt_approach(k, spread, own, n / all))
            : TOCSIN__HOLT_DEVIATION * (n * own + TOCSIN__HOLT_SHRINKAGE * spread) / all;

    return tocsin__max(deviation, TOCSIN__HOLT_QUIETEST * holt_standard(k, spread));
}

/* The model at one moment after the last point. */
typedef struct {
    int64_t time;           /* model time */
    double into;            /* steps since the slot began */
    double steps;           /* since the last point */
    holt_damping damping;   /* of the trend since then */
    double base;            /* level with its trend */
    double season[HOLT_SEASONS];
    size_t slot[HOLT_SEASONS];
    double expected;
    double deviation;       /* one step ahead, for this slot */
    double cycles;          /* of the shortest season seen so far */
    int is_unseen;          /* this slot was never seen */
} holt_view;

/* The part of it that no state has a share in. */
static void holt_set_clock(const holt_constants *k, int64_t time, double steps,
                           double trend_steps, holt_view *view)
{
    const int64_t civil = tocsin__zone_civil(&k->zone, time);
    const int64_t rest = civil % k->step;
    const int64_t number = civil / k->step - (rest < 0);

    view->time = time;
    view->into = (double)(rest < 0 ? rest + k->step : rest) / (double)k->step;
    view->steps = steps;
    if (k->has_trend)
        view->damping = trend_steps == k->nominal ? k->damping
                                                  : holt_damp(k->phi, k->log_phi, trend_steps);
    for (uint32_t i = 0; i < HOLT_SEASONS; i++)
        view->slot[i] = i < k->season_count ? holt_slot(k, i, number) : 0;
}

static void holt_look(const holt_constants *k, const holt_state *s, const tocsin__arrays *in,
                      int64_t time, double steps, double trend_steps, holt_view *view)
{
    const double neutral = k->form == HOLT_ADDITIVE ? 0 : 1;
    const uint32_t seasons = holt_seasons(k, s);

    holt_set_clock(k, time, steps, trend_steps, view);
    view->base = s->level;
    if (k->has_trend)
        view->base += s->trend * view->damping.sum;
    for (uint32_t i = 0; i < HOLT_SEASONS; i++) {
        view->season[i] = i < seasons ? holt_load(k, in, i, view->slot[i]) : neutral;
        if (tocsin__is_nan(view->season[i]))
            view->season[i] = neutral;
    }
    view->expected = tocsin__bounded(k->form == HOLT_ADDITIVE
                                         ? view->base +
                                               tocsin__keep(k->precision,
                                                            view->season[0] + view->season[1])
                                         : view->base * view->season[0] * view->season[1]);
    view->deviation = holt_standard(k, s->spread);
    view->is_unseen = 0;
    view->cycles = 0;
    if (seasons > 0) {
        const double own = holt_load(k, in, HOLT_SLOT_DEVIATION, view->slot[0]);

        view->cycles = (double)((uint64_t)time - (uint64_t)s->start) * k->cycles_per_unit[0];
        const double n = tocsin__min(view->cycles, k->slot_memory);

        view->is_unseen = own == 0;
        view->deviation = view->is_unseen
                              ? holt_round(k, TOCSIN__HOLT_UNSEEN * view->deviation)
                              : holt_slot_deviation(k, n, own, s->spread);
    }
}

/* Where points are counted: how many that time stands for, at least `least`. */
static double holt_points_in(const holt_state *s, int64_t time, double least)
{
    const double points = s->pace > 0 ? (double)time / s->pace + 0.5 : least;

    return (double)(int64_t)tocsin__clamp(points, least, HOLT_STEPS_MAX);
}

/* The model at the moment of a point. */
static void holt_look_at(const holt_constants *k, const holt_state *s, const tocsin__arrays *in,
                         const tocsin__point *point, holt_view *view)
{
    int64_t time = point->time;
    double steps = 1;

    if (k->counts_points) {
        steps = holt_points_in(s, point->elapsed, 1);
        time = s->count ? (int64_t)((uint64_t)s->time + (uint64_t)steps) : 0;
    } else if (s->count) {
        steps = holt_steps(k, s->time, time);
    }
    holt_look(k, s, in, time, steps, tocsin__min(steps, k->longest_trend), view);
}

static void holt_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                       const tocsin__point *point, tocsin__reading *reading)
{
    const holt_constants *k = constants;
    const holt_state *s = state;
    const tocsin__arrays in = holt_arrays(k, s, arrays);
    holt_view view;

    if (s->count < k->warmup) {
        reading->flags |= TOCSIN_FLAG_WARMING;
        reading->channel[0] = reading->expected = reading->deviation = tocsin__nan();
        reading->reason[0] = TOCSIN_REASON_NONE;
        reading->confidence = 0;
        return;
    }
    holt_look_at(k, s, &in, point, &view);
    reading->confidence = tocsin__min(1, s->count * k->trust);
    if (k->season_count)    /* 1/2 in the first two cycles */
        reading->confidence *= view.cycles > 1 ? view.cycles / (view.cycles + 1) : 0.5;
    if (view.is_unseen)
        reading->confidence *= 0.5;
    if (view.steps > 1.5) {
        const double counted = tocsin__min(view.steps, k->longest_level);

        view.deviation = holt_round(
            k, view.deviation * holt_round(k, tocsin__sqrt(holt_variance(k, counted, 0))));
        reading->confidence *= counted / view.steps;
    }
    tocsin__residual_read(&k->rules, point->value - view.expected, view.expected,
                          view.deviation, s->reach, reading);
}

/* ---- Learning -------------------------------------------------------------- */

static double holt_gain_of(const holt_constants *k, const holt_gain *gain, double steps)
{
    return steps == k->nominal ? gain->nominal : holt_continue(gain, steps);
}

/* The first cycle of a season is full: its slots hold means relative to the origin.  Slots
 * that were never seen take the line between their neighbours. */
static void holt_interpolate(const holt_constants *k, const tocsin__arrays *in, uint32_t season)
{
    const size_t slots = k->slots[season];
    size_t known = 0;

    while (known < slots && tocsin__is_nan(holt_load(k, in, season, known)))
        known++;
    if (known == slots)
        return;
    for (size_t done = 0; done < slots;) {
        const double left = holt_load(k, in, season, known);
        size_t gap = 1;

        while (tocsin__is_nan(holt_load(k, in, season, (known + gap) % slots)))
            gap++;
        const double right = holt_load(k, in, season, (known + gap) % slots);

        for (size_t i = 1; i < gap; i++)
            holt_store(k, in, season, (known + i) % slots,
                       left + (right - left) * ((double)i / (double)gap));
        known = (known + gap) % slots;
        done += gap;
    }
}

/* Level and first season out of the slots' means. */
static void holt_adopt_first(const holt_constants *k, holt_state *s, const tocsin__arrays *in)
{
    const size_t slots = k->slots[0];
    double mean = 0;

    holt_interpolate(k, in, 0);
    for (size_t i = 0; i < slots; i++)
        mean += (holt_load(k, in, 0, i) - mean) / (double)(i + 1);
    s->level = tocsin__bounded(s->origin + mean);
    for (size_t i = 0; i < slots; i++) {
        const double value = holt_load(k, in, 0, i);

        if (k->form == HOLT_ADDITIVE)
            holt_store(k, in, 0, i, value - mean);
        else
            holt_store(k, in, 0, i,
                       s->level > TOCSIN__DEVIATION_MIN
                           ? tocsin__clamp((s->origin + value) / s->level, HOLT_FACTOR_MIN,
                                           HOLT_FACTOR_MAX)
                           : 1);
    }
    s->trend = 0;
}

/* The second season: what the first leaves of its slots' means. */
static void holt_adopt_second(const holt_constants *k, const holt_state *s,
                              const tocsin__arrays *in, const holt_view *view)
{
    const size_t days = k->slots[0], weeks = k->slots[1];
    double mean = 0, seen = 0;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < weeks; i++) {
            const size_t ago = (view->slot[1] + weeks - i) % weeks;     /* steps */
            const double first = holt_load(k, in, 0, (view->slot[0] + days - ago % days) % days);
            double value = holt_load(k, in, 1, i);

            if (tocsin__is_nan(value))
                continue;
            value = k->form == HOLT_ADDITIVE ? value - first : (s->origin + value) / first;
            if (pass == 0)
                mean += (value - mean) / ++seen;
            else if (k->form == HOLT_ADDITIVE)
                holt_store(k, in, 1, i, value - mean);
            else
                holt_store(k, in, 1, i,
                           mean > TOCSIN__DEVIATION_MIN
                               ? tocsin__clamp(value / mean, HOLT_FACTOR_MIN, HOLT_FACTOR_MAX)
                               : 1);
        }
}

/* Slots of seasons that are not in use yet remember the mean of their values. */
static void holt_collect(const holt_constants *k, holt_state *s, const tocsin__arrays *in,
                         const holt_view *view, double value)
{
    const double share = view->steps / (view->steps + view->into);

    for (uint32_t i = s->seasons; i < k->season_count; i++) {
        const double there = holt_load(k, in, i, view->slot[i]), here = value - s->origin;

        holt_store(k, in, i, view->slot[i],
                   tocsin__is_nan(there) ? here : there + share * (here - there));
    }
    if (s->seasons < k->season_count &&
        (double)((uint64_t)view->time - (uint64_t)s->start) + (double)k->step >=
            (double)k->period[s->seasons]) {
        if (s->seasons == 0)
            holt_adopt_first(k, s, in);
        else
            holt_adopt_second(k, s, in, view);
        s->seasons++;
        if (s->count > k->warmup)   /* another model: its deviation is learnt faster at first */
            s->count = k->warmup;
    }
}

static void holt_learn_first(const holt_constants *k, holt_state *s, const tocsin__arrays *in,
                             const holt_view *view, double value)
{
    s->level = s->origin = value;
    s->time = s->start = view->time;
    s->count = 1;
    holt_collect(k, s, in, view, value);
}

static void holt_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                       const tocsin__point *point, const tocsin__reading *reading)
{
    const holt_constants *k = constants;
    holt_state *s = state;
    const tocsin__arrays in = holt_arrays(k, s, arrays);
    const double value = point->value;
    holt_view view;

    holt_look_at(k, s, &in, point, &view);
    if (s->count == 0) {
        holt_learn_first(k, s, &in, &view, value);
        return;
    }
    const double common = holt_standard(k, s->spread);
    const double scale = common > reading->deviation ? common : reading->deviation;
    const double e = tocsin__residual_winsorise(&k->rules, value - view.expected, scale, &s->habit,
                                                &s->outside);
    const double factor = k->form == HOLT_ADDITIVE ? 1 : view.season[0] * view.season[1];
    const double revision = k->form == HOLT_ADDITIVE ? e : e / tocsin__max(factor, HOLT_FACTOR_MIN);
    const double counted = tocsin__min(view.steps, k->longest_level);
    const double n = (double)s->count + 1, size = holt_round(k, tocsin__abs(e));
    const double visit = tocsin__min(view.steps, 1);
    const uint32_t seasons = holt_seasons(k, s);
    double a = holt_gain_of(k, &k->alpha, counted), d = holt_gain_of(k, &k->delta, counted);
    const int grows = n * a < 1 || (n - 1) * d < 1 || s->count < k->warmup;

    a = tocsin__max(a, 1 / n);
    d = tocsin__max(d, 1 / (n - 1));
    s->level = tocsin__bounded(view.base + a * revision);
    if (k->has_trend) {
        const double h = tocsin__min(view.steps, k->longest_trend);
        const double b = holt_gain_of(k, &k->beta, h);
        const double turn =
            k->precision == TOCSIN__MIXED
                ? holt_round(k, holt_round(k, b * a / view.damping.sum) * holt_round(k, revision))
                : b * a * revision / view.damping.sum;

        s->trend = holt_keep(k, holt_round(k, view.damping.left) * holt_round(k, s->trend + turn));
    }
    for (uint32_t i = 0; i < seasons; i++) {
        const double cycles = (double)((uint64_t)view.time - (uint64_t)s->start) *
                              k->cycles_per_unit[i];
        const double g = visit * tocsin__max(k->gamma[i], 1 / (1 + (double)(uint64_t)tocsin__min(
                                                                   cycles, 1e18)));
        const double others = s->level * view.season[1 - i];
        double season = view.season[i];

        if (k->form == HOLT_ADDITIVE)
            season += holt_round(k, holt_round(k, g * (1 - a)) * holt_round(k, e));
        else if (others > TOCSIN__DEVIATION_MIN)
            season = tocsin__clamp(season + g * ((view.expected + e) / others - season),
                                   HOLT_FACTOR_MIN, HOLT_FACTOR_MAX);
        holt_store(k, &in, i, view.slot[i], season);
        if (i == 0) {
            const double own = holt_load(k, &in, HOLT_SLOT_DEVIATION, view.slot[0]);

            holt_store(k, &in, HOLT_SLOT_DEVIATION, view.slot[0],
                       tocsin__max(own == 0 ? size : holt_approach(k, own, size, g), k->seen));
        }
    }
    if (seasons == 0 && k->season_count)
        holt_store(k, &in, HOLT_SLOT_DEVIATION, view.slot[0],
                   tocsin__max(size, k->seen));
    s->spread = holt_keep(k, holt_approach(k, s->spread, size, d));
    if (s->spread < k->seen)
        s->spread = 0;
    s->reach = holt_keep(k, tocsin__residual_reach(&k->rules, s->reach, size));
    if (k->counts_points) {
        const double pace = (double)point->elapsed / view.steps;

        s->pace += (pace - s->pace) / tocsin__min(n - 1, HOLT_PACE_MEMORY);
    }
    s->time = view.time;
    s->count += grows && s->count < UINT32_MAX;
    holt_collect(k, s, &in, &view, value);
}

/* ---- The rest -------------------------------------------------------------- */

static void holt_push(const void *constants, void *state, const tocsin__arrays *arrays,
                      const tocsin__point *point, tocsin__reading *reading)
{
    holt_score(constants, state, arrays, point, reading);
    holt_learn(constants, state, arrays, point, reading);
}

static int holt_forecast(const void *constants, const void *state, int64_t since, int64_t step,
                         uint64_t steps, double *expected, double *deviation)
{
    const holt_constants *k = constants;
    const holt_state *s = state;
    const double passed = k->counts_points ? holt_points_in(s, since, 0) : (double)since;
    const double unit = k->counts_points ? 1 : (double)step;
    const double ahead = passed + (double)steps * unit;
    const tocsin__arrays in = holt_arrays(k, s, NULL);
    holt_view view;

    if (s->count < k->warmup || !(ahead < 9e18 - tocsin__abs((double)s->time)))
        return 0;
    const int64_t time = s->time + (int64_t)ahead;
    const double h = holt_steps(k, s->time, time);

    holt_look(k, s, &in, time, h, h, &view);
    *expected = view.expected;
    *deviation = tocsin__max(view.deviation,
                             tocsin__residual_floor(&k->rules, view.expected, s->reach)) *
                 tocsin__sqrt(holt_variance(k, h, holt_seasons(k, s)));
    return 1;
}

static void holt_explain(const void *constants, const void *state, const tocsin__reading *reading,
                         tocsin_explanation *explanation)
{
    const holt_constants *k = constants;
    const holt_state *s = state;

    explanation->level = explanation->trend = explanation->season = tocsin__nan();
    explanation->floor = tocsin__residual_floor(
        &k->rules, tocsin__is_nan(reading->expected) ? s->level : reading->expected, s->reach);
    if (s->count == 0)
        return;
    explanation->level = s->level;
    if (k->has_trend)
        explanation->trend = s->trend;
    if (holt_seasons(k, s) > 0) {
        const tocsin__arrays in = holt_arrays(k, s, NULL);
        holt_view view;

        holt_look(k, s, &in, s->time, 1, 1, &view);
        explanation->season = k->form == HOLT_ADDITIVE
                                  ? view.season[0] + view.season[1]
                                  : s->level * (view.season[0] * view.season[1] - 1);
    }
}

/* ---- Many series at once ---------------------------------------------------- */

int tocsin__holt_has_kernel(const void *constants)
{
    const holt_constants *k = constants;

    return k->precision == TOCSIN__MIXED && k->form == HOLT_ADDITIVE && !k->counts_points;
}

int tocsin__holt_is_settled(const void *constants, const void *state)
{
    const holt_constants *k = constants;
    const holt_state *s = state;

    return s->count >= k->warmup && s->seasons >= k->season_count;
}

int tocsin__holt_reach(const void *constants, const void *state, int64_t time, size_t slot[3])
{
    const holt_constants *k = constants;
    const holt_state *s = state;
    holt_view view;

    holt_set_clock(k, time, k->nominal, k->nominal, &view);
    slot[HOLT_FIRST] = view.slot[0];
    slot[HOLT_SECOND] = view.slot[1];
    slot[HOLT_SLOT_DEVIATION] = view.slot[0];
    return s->seasons < k->season_count &&
           (s->count == 0 || (double)((uint64_t)time - (uint64_t)s->start) + (double)k->step >=
                                 (double)k->period[s->seasons]);
}

void tocsin__holt_job_prepare(const void *constants, int64_t time, int64_t last,
                              tocsin__holt_job *job)
{
    const holt_constants *k = constants;
    const double steps = holt_steps(k, last, time);
    const double trend_steps = tocsin__min(steps, k->longest_trend);
    const double counted = tocsin__min(steps, k->longest_level);
    holt_view view;

    holt_set_clock(k, time, steps, trend_steps, &view);
    job->clip = k->rules.clip;
    job->floor = k->rules.floor;
    job->floor_relative = k->rules.floor_relative;
    job->floor_history = k->rules.floor_history;
    job->has_relative = k->rules.floor_relative != 0;
    job->has_reach = k->rules.floor_history != 0;
    job->per_window = k->rules.per_window;
    job->fade = k->rules.fade;
    job->window = k->rules.window;
    job->has_trend = k->has_trend;
    job->season_count = k->season_count;
    job->damping_left = k->has_trend ? view.damping.left : 1;
    job->damping_sum = k->has_trend ? view.damping.sum : 1;
    job->alpha = holt_gain_of(k, &k->alpha, counted);
    job->beta = holt_gain_of(k, &k->beta, trend_steps);
    job->delta = holt_gain_of(k, &k->delta, counted);
    job->gain_varies = counted != tocsin__min(k->nominal, k->longest_level);
    job->widening = steps > 1.5 ? tocsin__sqrt(holt_variance(k, counted, 0)) : 1;
    job->visit = tocsin__min(steps, 1);
    job->time = time;
    for (uint32_t i = 0; i < HOLT_SEASONS; i++) {
        job->cycles_per_unit[i] = k->cycles_per_unit[i];
        job->gamma[i] = k->gamma[i];
        job->slot[i] = view.slot[i];
    }
    job->slot_memory = k->slot_memory;
}

static const char *const holt_channels[] = {"deviation"};

const tocsin__stage tocsin__stage_holt_winters = {
    .name = "holt-winters",
    .summary = "level, damped trend and up to two seasons, with a deviation for each slot",
    .reference = "Winters 1960; Brutlag 2000; Taylor 2003; Gelper, Fried & Croux 2010",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = 1,
    .revision = 1,
    .oldest_revision = 1,
    .params = holt_params,
    .param_count = TOCSIN__COUNT(holt_params),
    .constants_size = sizeof(holt_constants),
    .layout = {sizeof(holt_state), holt_fields, TOCSIN__COUNT(holt_fields)},
    .resolve = holt_resolve,
    .warmup = holt_warmup,
    .init = holt_init,
    .explain = holt_explain,
    .channel_names = holt_channels,
    .score = holt_score,
    .learn = holt_learn,
    .push = holt_push,
    .forecast = holt_forecast,
};
