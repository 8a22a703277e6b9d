/* test_ewma_oracle.c - ewma against its definition.
 *
 * The oracle keeps the whole history and computes mean and variance afresh at each point, as
 * weighted sums in long double: the weight of a value is its gain times 1 minus each later
 * gain. Nothing in it is recursive but the gains, so it shares no formula with ewma.c.
 */
#include "../support/rng.h"
#include "../support/suite.h"

#include <math.h>
#include <stdio.h>

#include "tocsin.h"

#define POINTS 500
#define WARMUP 8

typedef struct {
    const char *parameters;
    double half_life;       /* points, or seconds */
    double alpha, step;     /* 0: half_life counts */
    int is_timed;
    double clip;            /* 0: never */
    double floor, floor_relative, floor_history;
} oracle_case;

static const oracle_case cases[] = {
    {"half-life=20p clip=inf floor-relative=0 floor-history=0", 20, 0, 0, 0, 0, 0, 0, 0},
    {"half-life=10m clip=inf floor-relative=0 floor-history=0", 600, 0, 0, 1, 0, 0, 0, 0},
    {"alpha=0.2 clip=inf floor-relative=0 floor-history=0", 0, 0.2, 0, 0, 0, 0, 0, 0},
    {"alpha=70% step=2m clip=inf floor-relative=0 floor-history=0", 0, 0.7, 120, 1, 0, 0, 0, 0},
    {"half-life=15p clip=3 floor-relative=0 floor-history=0", 15, 0, 0, 0, 3, 0, 0, 0},
    {"half-life=10m clip=2.5 floor-relative=0 floor-history=0", 600, 0, 0, 1, 2.5, 0, 0, 0},
    {"half-life=30p clip=4 floor=0.5 floor-relative=10% floor-history=0", 30, 0, 0, 0, 4, 0.5, 0.1,
     0},
    {"half-life=15p clip=3 floor-relative=0 floor-history=25%", 15, 0, 0, 0, 3, 0, 0, 0.25},
};

#define CASES (sizeof cases / sizeof cases[0])

/* How many points the limit's window has: 1/gain where the gain is known beforehand. */
static int oracle_window(const oracle_case *c)
{
    double memory = 256;

    if (c->alpha > 0)
        memory = 1 / c->alpha;
    else if (!c->is_timed)
        memory = 1 / (1 - pow(2, -1 / c->half_life));
    return memory < 32 ? 32 : (int)memory;
}

typedef struct {
    long double value[POINTS], gain[POINTS];
    size_t count;           /* of values */
    unsigned n;             /* what 1/n counts */
    int crossings;          /* the bucket, in points */
    int outside;
    double last;
    long double mean, deviation, reach;
} oracle;

static long double oracle_floor(const oracle *o, const oracle_case *c)
{
    return fmaxl(c->floor, fmaxl(c->floor_relative * fabsl(o->mean), c->floor_history * o->reach));
}

static void oracle_sums(oracle *o)
{
    long double weight = 1, mean = 0, variance = 0, weights[POINTS];

    for (size_t i = o->count; i-- > 0;) {
        weights[i] = weight * o->gain[i];
        weight *= 1 - o->gain[i];
        mean += weights[i] * o->value[i];
    }
    for (size_t i = 0; i < o->count; i++)
        variance += weights[i] * (o->value[i] - mean) * (o->value[i] - mean);
    o->mean = mean;
    o->deviation = sqrtl(variance);
}

static void oracle_learn(oracle *o, const oracle_case *c, double seconds, double value)
{
    const double gap = o->count ? seconds - o->last : 0;
    const int is_warm = o->n >= WARMUP, window = oracle_window(c);
    const long double floor = oracle_floor(o, c);
    long double a, d = value - o->mean;

    if (c->alpha > 0 && c->step == 0)
        a = c->alpha;
    else if (c->alpha > 0)
        a = 1 - powl(1 - (long double)c->alpha, gap / c->step);
    else if (c->is_timed)
        a = 1 - powl(2, -(gap / c->half_life));
    else
        a = 1 - powl(2, -1 / (long double)c->half_life);
    if (c->is_timed)        /* a gap counts as one half-life at most */
        a = fminl(a, fmaxl(0.5L, c->alpha));
    o->n++;
    if (o->n * a < 1)
        a = 1 / (long double)o->n;
    else if (o->n > WARMUP)
        o->n--;

    if (o->crossings > 0)
        o->crossings--;
    if (c->clip > 0 && is_warm) {
        const long double b = o->crossings / (long double)window;
        const long double limit = c->clip * fmaxl(o->deviation, floor) * sqrtl(1 + b * b);

        if (fabsl(d) > limit) {
            d = copysignl(limit, d);
            if (!o->outside)
                o->crossings = o->crossings + window < 16 * window ? o->crossings + window
                                                                   : 16 * window;
            o->outside = 1;
        } else {
            o->outside = 0;
        }
    }
    if (o->count > 0) {     /* the largest residual learnt; it fades over 16 windows that move */
        if (fabsl(d) > o->reach)
            o->reach = fabsl(d);
        else if (fabsl(d) > o->reach / 1000)
            o->reach *= 1 - 1 / (16 * (long double)window);
    }
    o->gain[o->count] = a;
    o->value[o->count++] = o->mean + d;
    o->last = seconds;
    oracle_sums(o);
}

/* A level that moves, outliers now and then, values that are missing. */
static double next_value(rng *r, size_t i)
{
    double value = 10 + (i > POINTS / 2 ? 6 : 0) + rng_normal(r);

    if (rng_below(r, 25) == 0)
        value += 30 * (rng_uniform(r) - 0.5);
    return rng_below(r, 20) == 0 ? NAN : value;
}

static void check_against_oracle(const oracle_case *c, const char *state, uint64_t seed,
                                 double tolerance)
{
    rng r = rng_seeded(seed);
    oracle *o = calloc(1, sizeof *o);
    tocsin_spec *spec;
    tocsin_detector *detector;
    double seconds = 1e6;
    char text[320];
    size_t judged = 0;

    ck_assert_ptr_nonnull(o);
    snprintf(text, sizeof text, "ewma %s warmup=%d state=%s | raw", c->parameters, WARMUP, state);
    ck_assert_int_eq(tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (size_t i = 0; i < POINTS; i++) {
        const double value = next_value(&r, i);
        const long double floor = oracle_floor(o, c);
        const double deviation = (double)fmaxl(o->deviation, floor);
        tocsin_verdict verdict;

        tocsin_detector_push(detector, (int64_t)(seconds * 1e9), value, TOCSIN_LEARN_AND_SCORE,
                             &verdict, sizeof verdict);
        if (isnan(value)) {
            ck_assert(isnan(verdict.score));
        } else {
            if (o->n >= WARMUP) {
                const double raw = fabs(value - (double)o->mean) / deviation;

                judged++;
                ck_assert_msg(fabs(verdict.expected - (double)o->mean) <= tolerance * 20 &&
                                  fabs(verdict.deviation - deviation) <= tolerance * deviation &&
                                  fabs(verdict.raw - raw) <= 4 * tolerance * (raw + 1 / deviation),
                              "%s, seed %d, point %zu: %.17g +- %.17g reads %.17g, "
                              "not %.17g +- %.17g reading %.17g", text, (int)seed, i,
                              verdict.expected, verdict.deviation, verdict.raw, (double)o->mean,
                              deviation, raw);
                ck_assert_int_eq(!!(verdict.flags & TOCSIN_FLAG_FLOORED), o->deviation <= floor);
            } else {
                ck_assert(isnan(verdict.score) && (verdict.flags & TOCSIN_FLAG_WARMING));
            }
            oracle_learn(o, c, seconds, value);
        }
        /* Multiples of 1/8 s, so that seconds and nanoseconds are the same time exactly. */
        seconds += (double)(1 + rng_below(&r, 960)) / 8;
        if (rng_below(&r, 60) == 0)
            seconds += 5000;
    }
    ck_assert_uint_gt(judged, POINTS / 2);
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
    free(o);
}

START_TEST(double_equals_the_definition)
{
    for (uint64_t seed = 1; seed <= 6; seed++)
        check_against_oracle(&cases[_i], "double", seed, 1e-12);
}
END_TEST

START_TEST(mixed_is_near_the_definition)
{
    for (uint64_t seed = 1; seed <= 6; seed++)
        check_against_oracle(&cases[_i], "mixed", seed, 1e-6);
}
END_TEST

/* The forecast of simple exponential smoothing: flat, its variance 1 + (h-1) a^2. */
START_TEST(forecasts_widen_as_the_theory_says)
{
    tocsin_spec *spec;
    tocsin_detector *detector;
    tocsin_forecast forecasts[40];
    rng r = rng_seeded(7);
    tocsin_verdict verdict;
    const double z = 1.9599639845400542;

    ck_assert_int_eq(tocsin_spec_compile(&spec,
                                         "ewma alpha=0.3 clip=inf floor-relative=0 "
                                         "floor-history=0 state=double | raw",
                                         TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (int i = 0; i < 200; i++)
        tocsin_detector_push(detector, i * TOCSIN_MINUTE, rng_normal(&r), 0, NULL, 0);
    ck_assert_int_eq(tocsin_detector_forecast(detector, 40, 0.95, forecasts, sizeof forecasts[0]),
                     0);
    tocsin_detector_push(detector, 200 * TOCSIN_MINUTE, 0, TOCSIN_SCORE_ONLY, &verdict,
                         sizeof verdict);
    for (int h = 1; h <= 40; h++) {
        const double deviation = verdict.deviation * sqrt(1 + (h - 1) * 0.09);

        ck_assert_double_eq_tol(forecasts[h - 1].expected, verdict.expected, 1e-12);
        ck_assert_double_eq_tol(forecasts[h - 1].upper, verdict.expected + z * deviation, 1e-9);
        ck_assert_double_eq_tol(forecasts[h - 1].lower, verdict.expected - z * deviation, 1e-9);
    }
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("ewma against its definition");
    TCase *oracles = suite_case(s, "oracle");

    tcase_add_loop_test(oracles, double_equals_the_definition, 0, (int)CASES);
    tcase_add_loop_test(oracles, mixed_is_near_the_definition, 0, (int)CASES);
    tcase_add_test(oracles, forecasts_widen_as_the_theory_says);
    return s;
}

TOCSIN_TEST_MAIN(suite)
