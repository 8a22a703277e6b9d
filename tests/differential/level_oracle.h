/* level_oracle.h - the level and deviation that several detectors stand on, by definition.
 *
 * The oracle keeps the whole history and computes mean and variance afresh at each point, as
 * weighted sums in long double: the weight of a value is its gain times 1 minus each later
 * gain. Nothing in it is recursive but the gains, so it shares no formula with level.h.
 */
#ifndef TOCSIN_TEST_LEVEL_ORACLE_H
#define TOCSIN_TEST_LEVEL_ORACLE_H

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "../support/rng.h"
#include "tocsin.h"

#define ORACLE_POINTS 500
#define ORACLE_WARMUP 8

/* What a spec says of it. */
typedef struct {
    const char *parameters;
    double half_life;       /* points, or seconds */
    double alpha, step;     /* 0: half_life counts */
    int is_timed;
    double clip;            /* 0: never */
    double floor, floor_relative, floor_history;
} oracle_case;

/* How many points the limit's window has: 1/gain where the gain is known beforehand. */
static inline int oracle_window(const oracle_case *c)
{
    double memory = 256;

    if (c->alpha > 0)
        memory = 1 / c->alpha;
    else if (!c->is_timed)
        memory = 1 / (1 - pow(2, -1 / c->half_life));
    return memory < 32 ? 32 : (int)memory;
}

typedef struct {
    long double value[ORACLE_POINTS], gain[ORACLE_POINTS];
    size_t count;           /* of values */
    unsigned n;             /* what 1/n counts */
    int crossings;          /* the bucket, in points */
    int outside;
    double last;
    long double mean, deviation, reach;
} oracle;

static inline long double oracle_floor(const oracle *o, const oracle_case *c)
{
    return fmaxl(c->floor, fmaxl(c->floor_relative * fabsl(o->mean), c->floor_history * o->reach));
}

static inline void oracle_sums(oracle *o)
{
    long double weight = 1, mean = 0, variance = 0, weights[ORACLE_POINTS];

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

static inline void oracle_learn(oracle *o, const oracle_case *c, double seconds, double value)
{
    const double gap = o->count ? seconds - o->last : 0;
    const int is_warm = o->n >= ORACLE_WARMUP, window = oracle_window(c);
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
    else if (o->n > ORACLE_WARMUP)
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
static inline double oracle_next_value(rng *r, size_t i)
{
    double value = 10 + (i > ORACLE_POINTS / 2 ? 6 : 0) + rng_normal(r);

    if (rng_below(r, 25) == 0)
        value += 30 * (rng_uniform(r) - 0.5);
    return rng_below(r, 20) == 0 ? NAN : value;
}

/* Multiples of 1/8 s, so that seconds and nanoseconds are the same time exactly. */
static inline double oracle_next_gap(rng *r)
{
    double gap = (double)(1 + rng_below(r, 960)) / 8;

    if (rng_below(r, 60) == 0)
        gap += 5000;
    return gap;
}

/* ---- A detector that stands on such a level --------------------------------------- */

/* One point of it: the raw statistic that its definition gives, NaN while warming; then
 * its own oracle learns the point, and the level's after it.  `size` is |value - mean| in
 * deviations with their floor. */
typedef struct oracle_point {
    double seconds, value, gap;     /* gap: since the last value; 0 before the first */
    long double residual, deviation, size;
    int is_warm;
} oracle_point;

typedef long double oracle_judge(void *own, const oracle *level, const oracle_point *point);

/* Push a series through `text` and compare.  The number of points that were judged. */
static inline size_t oracle_compare(const char *text, const oracle_case *c, uint64_t seed,
                                    double tolerance, oracle_judge *judge, void *own)
{
    rng r = rng_seeded(seed);
    oracle *o = calloc(1, sizeof *o);
    tocsin_spec *spec;
    tocsin_detector *detector;
    double seconds = 1e6;
    size_t judged = 0;

    ck_assert_ptr_nonnull(o);
    ck_assert_msg(tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL) == 0, "%s",
                  text);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (size_t i = 0; i < ORACLE_POINTS; i++) {
        const double value = oracle_next_value(&r, i);
        tocsin_verdict verdict;

        tocsin_detector_push(detector, (int64_t)(seconds * 1e9), value, TOCSIN_LEARN_AND_SCORE,
                             &verdict, sizeof verdict);
        if (isnan(value)) {
            ck_assert(isnan(verdict.score));
        } else {
            oracle_point p = {.seconds = seconds, .value = value,
                              .gap = o->count ? seconds - o->last : 0,
                              .residual = value - o->mean,
                              .deviation = fmaxl(o->deviation, oracle_floor(o, c)),
                              .is_warm = o->n >= ORACLE_WARMUP};
            long double raw;

            p.size = fabsl(p.residual) / p.deviation;
            raw = judge(own, o, &p);
            ck_assert_msg(p.is_warm ? fabsl(verdict.raw - raw) <= tolerance * (1 + raw)
                                    : isnan(verdict.raw),
                          "%s, seed %d, point %zu: reads %.17g, not %.17Lg", text, (int)seed, i,
                          verdict.raw, raw);
            judged += p.is_warm;
            oracle_learn(o, c, seconds, value);
        }
        seconds += oracle_next_gap(&r);
    }
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
    free(o);
    return judged;
}

#endif
