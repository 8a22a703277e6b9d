/* test_holt_winters_oracle.c - holt-winters against a plain textbook version of itself.
 *
 * The oracle is written in component form (each component a weighted mean of what was observed
 * and what was believed), in long double, with slots counted by name instead of arithmetic
 * tricks, and starts by itself like the library's: one cycle of means, then the seasons.
 * Whether the textbook is right is what test_holt_winters_reference.c is for.
 */
#include "../support/rng.h"
#include "../support/suite.h"
#include "one_stage.h"

#include <math.h>
#include <stdio.h>

#define WARMUP 10
#define DAY 12              /* slots of 5 minutes */
#define WEEK 48
#define STEP (5 * TOCSIN_MINUTE)
#define TICK (TOCSIN_MINUTE / 8)    /* the oracle counts time in these, as integers */
#define TICKS 40.0                  /* in a step */
#define POINTS 1500

enum { REGULAR, FINE, IRREGULAR, GAPS };

typedef struct {
    const char *parameters;
    int seasons, is_multiplicative, has_trend;
    double alpha, beta, gamma[2], phi, delta, clip;
    int times;
} oracle_case;

#define BARE "floor-relative=0 floor-history=0 "
#define PLAIN BARE "clip=inf "

static const oracle_case cases[] = {
    {PLAIN "season=1h step=5m alpha=0.2 beta=0.05 gamma=0.3 phi=1 delta=0.02",
     1, 0, 1, 0.2, 0.05, {0.3, 0}, 1, 0.02, 0, REGULAR},
    {PLAIN "season=1h step=5m alpha=0.2 beta=0.1 gamma=0.1 phi=0.9 delta=0.05",
     1, 0, 1, 0.2, 0.1, {0.1, 0}, 0.9, 0.05, 0, IRREGULAR},
    {PLAIN "season=1h step=5m alpha=0.1 trend=off gamma=0.2 delta=0.02",
     1, 0, 0, 0.1, 0, {0.2, 0}, 1, 0.02, 0, FINE},
    {PLAIN "season=1h,4h step=5m alpha=0.1 beta=0.02 gamma=0.2,0.15 phi=0.95 delta=0.02",
     2, 0, 1, 0.1, 0.02, {0.2, 0.15}, 0.95, 0.02, 0, REGULAR},
    {PLAIN "season=4h,1h step=5m alpha=0.1 trend=off gamma=0.15,0.2 delta=0.02",
     2, 0, 0, 0.1, 0, {0.2, 0.15}, 1, 0.02, 0, IRREGULAR},
    {PLAIN "form=multiplicative season=1h step=5m alpha=0.2 beta=0.05 gamma=0.3 phi=0.98 "
           "delta=0.02",
     1, 1, 1, 0.2, 0.05, {0.3, 0}, 0.98, 0.02, 0, REGULAR},
    {PLAIN "form=multiplicative season=1h,4h step=5m alpha=0.1 trend=off gamma=0.2 delta=0.02",
     2, 1, 0, 0.1, 0, {0.2, 0.2}, 1, 0.02, 0, FINE},
    {BARE "clip=3 season=1h step=5m alpha=0.2 beta=0.05 gamma=0.3 phi=0.9 delta=0.02",
     1, 0, 1, 0.2, 0.05, {0.3, 0}, 0.9, 0.02, 3, IRREGULAR},
    {BARE "clip=2.5 season=1h step=5m form=multiplicative alpha=0.1 trend=off gamma=0.2 "
          "delta=0.02",
     1, 1, 0, 0.1, 0, {0.2, 0}, 1, 0.02, 2.5, GAPS},
    {PLAIN "season=1h step=5m alpha=0.2 beta=0.05 gamma=0.3 phi=0.98 delta=0.02",
     1, 0, 1, 0.2, 0.05, {0.3, 0}, 0.98, 0.02, 0, GAPS},
    {PLAIN "step=5m alpha=0.3 beta=0.1 phi=0.97 delta=0.05",
     0, 0, 1, 0.3, 0.1, {0, 0}, 0.97, 0.05, 0, IRREGULAR},
};

typedef struct {
    const oracle_case *c;
    long double level, trend, spread, origin;
    long double season[2][WEEK], deviation[DAY];
    int seen[2][WEEK];
    int in_use;
    unsigned n;
    int64_t start, time;    /* ticks */
    int crossings, outside;
    /* The forecast for the next point. */
    long double base, factor[2], expected, sigma, steps;
    int slot[2];
} oracle;

static long double gain(double per_step, long double steps)
{
    return steps == 1 ? per_step : 1 - powl(1 - (long double)per_step, steps);
}

static long double half_life(double per_step)
{
    return per_step == 0 ? 1e9L : fmaxl(1, logl(0.5L) / logl(1 - (long double)per_step));
}

/* phi + ... + phi^steps */
static long double damped(double phi, long double steps)
{
    return phi == 1 ? steps : phi * (1 - powl(phi, steps)) / (1 - (long double)phi);
}

static long double cycles(const oracle *o, int season, int64_t time)
{
    return (time - o->start) / (TICKS * (season == 0 ? DAY : WEEK));
}

/* What is expected at a time; o->n > 0. */
static void oracle_look(oracle *o, int64_t time)
{
    const oracle_case *c = o->c;
    const long double neutral = c->is_multiplicative ? 1 : 0;

    o->steps = (time - o->time) / TICKS;
    o->base = o->level;
    if (c->has_trend)
        o->base += o->trend * damped(c->phi, fminl(o->steps, half_life(c->beta)));
    o->slot[0] = (int)(time / 40) % DAY;
    o->slot[1] = (int)(time / 40) % WEEK;
    for (int i = 0; i < 2; i++)
        o->factor[i] = i < o->in_use && o->seen[i][o->slot[i]] ? o->season[i][o->slot[i]] : neutral;
    o->expected = c->is_multiplicative ? o->base * o->factor[0] * o->factor[1]
                                       : o->base + o->factor[0] + o->factor[1];
    o->sigma = o->spread;
    if (o->in_use > 0) {
        const long double k = fminl(cycles(o, 0, time), 1 / (long double)c->gamma[0]);
        const long double own = o->deviation[o->slot[0]];

        if (own == 0)
            o->sigma *= 2;
        else
            o->sigma = fmaxl((k * own + 5 * o->spread) / (k + 5), o->spread / 4);
    }
    o->sigma *= sqrtl(acosl(-1) / 2);
    if (o->steps > 1.5L) {  /* the forecast's variance, without seasons, in its textbook form */
        const long double h = fminl(o->steps, half_life(c->alpha));
        const long double a = c->alpha, b = c->has_trend ? a * c->beta : 0, p = c->phi;
        long double variance = 1 + a * a * (h - 1);

        if (b > 0 && p == 1)
            variance = 1 + (h - 1) * (a * a + a * b * h + b * b * h * (2 * h - 1) / 6);
        else if (b > 0)     /* Hyndman et al. 2008, table 6.1 */
            variance = 1 + a * a * (h - 1) +
                       b * p * h / ((1 - p) * (1 - p)) * (2 * a * (1 - p) + b * p) -
                       b * p * (1 - powl(p, h)) / ((1 - p) * (1 - p) * (1 - p * p)) *
                           (2 * a * (1 - p * p) + b * p * (1 + 2 * p - powl(p, h)));
        o->sigma *= sqrtl(variance);
    }
}

static void oracle_adopt(oracle *o)
{
    const int is_multiplicative = o->c->is_multiplicative;
    long double mean = 0;
    int known = 0;

    if (o->in_use == 0) {
        long double filled[DAY];

        for (int i = 0; i < DAY; i++) {
            int left = 0, right = 0;

            while (!o->seen[0][(i - left + DAY) % DAY])
                left++;
            while (!o->seen[0][(i + right) % DAY])
                right++;
            filled[i] = o->season[0][(i - left + DAY) % DAY];
            if (left > 0)
                filled[i] += (o->season[0][(i + right) % DAY] - filled[i]) * left / (left + right);
            mean += filled[i] / DAY;
        }
        for (int i = 0; i < DAY; i++) {
            o->season[0][i] = is_multiplicative ? (o->origin + filled[i]) / (o->origin + mean)
                                                : filled[i] - mean;
            o->seen[0][i] = 1;
        }
        o->level = o->origin + mean;
        o->trend = 0;
    } else {
        for (int i = 0; i < WEEK; i++)
            if (o->seen[1][i]) {
                o->season[1][i] = is_multiplicative
                                      ? (o->origin + o->season[1][i]) / o->season[0][i % DAY]
                                      : o->season[1][i] - o->season[0][i % DAY];
                mean += o->season[1][i];
                known++;
            }
        mean /= known;
        for (int i = 0; i < WEEK; i++)
            if (o->seen[1][i])
                o->season[1][i] = is_multiplicative ? o->season[1][i] / mean
                                                    : o->season[1][i] - mean;
    }
    o->in_use++;
    if (o->n > WARMUP)
        o->n = WARMUP;
}

static void oracle_learn(oracle *o, int64_t time, double value)
{
    const oracle_case *c = o->c;
    const int is_first = o->n == 0;
    const double into = (double)(time % 40) / TICKS;

    if (is_first) {
        o->level = o->origin = value;
        o->start = o->time = time;
        o->n = 1;
        oracle_look(o, time);
        o->steps = 1;
    } else {
        const long double counted = fminl(o->steps, half_life(c->alpha)), n = o->n + 1;
        const int slot = o->slot[0], window = (int)fmin(fmax(1 / c->delta, 32), 4095);
        long double y = value, a = gain(c->alpha, counted), d = gain(c->delta, counted);
        long double all = c->is_multiplicative ? o->factor[0] * o->factor[1] : 1, size;

        if (o->crossings > 0)
            o->crossings--;
        if (c->clip > 0 && o->n >= WARMUP) {
            const long double b = o->crossings / (long double)window;
            const long double common = o->spread * sqrtl(acosl(-1) / 2);
            const long double limit = c->clip * fmaxl(o->sigma, common) * sqrtl(1 + b * b);

            if (fabsl(y - o->expected) > limit) {
                y = o->expected + copysignl(limit, y - o->expected);
                if (!o->outside)
                    o->crossings = o->crossings + window < 16 * window ? o->crossings + window
                                                                       : 16 * window;
                o->outside = 1;
            } else {
                o->outside = 0;
            }
        }
        size = fabsl(y - o->expected);
        if (n * a < 1 || (n - 1) * d < 1 || o->n < WARMUP)
            o->n++;
        a = fmaxl(a, 1 / n);
        d = fmaxl(d, 1 / (n - 1));
        o->level = c->is_multiplicative ? a * (y / all) + (1 - a) * o->base
                                        : a * (y - o->factor[0] - o->factor[1]) + (1 - a) * o->base;
        if (c->has_trend) {
            const long double h = fminl(o->steps, half_life(c->beta)), b = gain(c->beta, h);

            /* What the level did, over what the trend would do in that time. */
            o->trend = powl(c->phi, h) * (b * ((o->level - o->base) / damped(c->phi, h) + o->trend) +
                                          (1 - b) * o->trend);
        }
        for (int i = 0; i < o->in_use; i++) {
            const long double g = fminl(o->steps, 1) *
                                  fmaxl(c->gamma[i], 1 / (1 + floorl(cycles(o, i, time))));
            const long double other = o->factor[1 - i];
            const long double seen = c->is_multiplicative ? y / (o->level * other)
                                                          : y - o->level - other;

            o->season[i][o->slot[i]] = g * seen + (1 - g) * o->factor[i];
            o->seen[i][o->slot[i]] = 1;
            if (i == 0)
                o->deviation[slot] = o->deviation[slot] == 0
                                         ? size
                                         : g * size + (1 - g) * o->deviation[slot];
        }
        if (o->in_use == 0)
            o->deviation[slot] = size;
        o->spread = d * size + (1 - d) * o->spread;
        o->time = time;
    }
    for (int i = o->in_use; i < c->seasons; i++) {
        const long double share = o->steps / (o->steps + into), here = value - o->origin;
        long double *there = &o->season[i][o->slot[i]];

        *there = o->seen[i][o->slot[i]] ? share * here + (1 - share) * *there : here;
        o->seen[i][o->slot[i]] = 1;
    }
    if (o->in_use < c->seasons && time - o->start + 40 >= 40 * (o->in_use == 0 ? DAY : WEEK))
        oracle_adopt(o);
}

static double next_value(const oracle_case *c, rng *r, double time)
{
    const double day = sin(2 * acos(-1.0) * time / DAY), week = sin(2 * acos(-1.0) * time / WEEK);
    double value = c->is_multiplicative
                       ? (50 + 0.002 * time) * (1 + 0.3 * day + 0.1 * week) + rng_normal(r)
                       : 5 + 0.01 * time + 3 * day + 2 * week + rng_normal(r);

    if (rng_below(r, 40) == 0)
        value += 20 * (rng_uniform(r) - 0.5);
    return value;
}

static int64_t next_gap(const oracle_case *c, rng *r)
{
    switch (c->times) {
    case REGULAR:
        return STEP;
    case FINE:
        return TOCSIN_MINUTE;
    case IRREGULAR:
        return TICK * (1 + (int64_t)rng_below(r, 100));
    default:    /* now and then some points, or many, are missing */
        return STEP * (rng_below(r, 12) ? 1 : 2 + (int64_t)rng_below(r, rng_below(r, 4) ? 4 : 200));
    }
}

static void check_against_oracle(const oracle_case *c, const char *state, uint64_t seed,
                                 double tolerance)
{
    char text[320];
    one_stage one;
    oracle o;
    rng r = rng_seeded(seed);
    int64_t time = STEP * 1000 + STEP * (int64_t)rng_below(&r, DAY);

    snprintf(text, sizeof text, "holt-winters %s warmup=%d state=%s | raw", c->parameters, WARMUP,
             state);
    one = one_stage_open(text);
    memset(&o, 0, sizeof o);
    o.c = c;
    for (size_t point_index = 0; point_index < POINTS; point_index++) {
        const double value = next_value(c, &r, (double)time / (double)STEP);
        const int64_t ticks = time / TICK;

        if (o.n > 0)
            oracle_look(&o, ticks);
        one_stage_push(&one, time, value);
        if (o.n >= WARMUP) {
            assert_near(one.reading.expected, (double)o.expected, 10, tolerance, text);
            assert_near(one.reading.deviation, (double)o.sigma, 0.1, 10 * tolerance, text);
        } else {
            ck_assert(one.reading.flags & TOCSIN_FLAG_WARMING);
        }
        oracle_learn(&o, ticks, value);
        time += next_gap(c, &r);
    }
    ck_assert_int_eq(o.in_use, c->seasons);
    one_stage_close(&one);
}

START_TEST(double_equals_the_textbook)
{
    for (uint64_t seed = 1; seed <= 5; seed++)
        check_against_oracle(&cases[_i], "double", seed, 1e-12);
}
END_TEST

START_TEST(mixed_is_near_the_textbook)
{
    for (uint64_t seed = 1; seed <= 5; seed++)
        check_against_oracle(&cases[_i], "mixed", seed, 1e-6);
}
END_TEST

/* Counting points: one that is missing must not shift the season. */
START_TEST(lost_points_keep_their_slots)
{
    one_stage timed = one_stage_open("holt-winters season=12m step=1m state=double " BARE "| raw");
    one_stage counted = one_stage_open("holt-winters season=12p state=double " BARE "| raw");
    rng r = rng_seeded(3);
    size_t judged = 0;

    for (size_t point_index = 0; point_index < 600; point_index++) {
        const int64_t jitter = (int64_t)rng_below(&r, 20 * TOCSIN_MILLISECOND);
        const int64_t time = (int64_t)point_index * TOCSIN_MINUTE;
        const double value = (point_index % 12 == 5 ? 10 : 0) + rng_normal(&r);

        if (point_index > 0 && rng_below(&r, 5) == 0)
            continue;
        one_stage_push(&timed, time, value);
        one_stage_push(&counted, time + jitter, value);
        if (timed.reading.flags & TOCSIN_FLAG_WARMING)
            continue;
        judged++;
        assert_near(counted.reading.expected, timed.reading.expected, 1, 1e-9, "season=12p");
    }
    ck_assert_uint_gt(judged, 300);
    one_stage_close(&timed);
    one_stage_close(&counted);
}
END_TEST

/* The forecast's variance, summed term by term (Hyndman et al. 2008, equation 6.1). */
START_TEST(forecasts_widen_as_the_theory_says)
{
    static const struct {
        const char *parameters;
        int seasons, has_trend;
        double alpha, beta, gamma, phi;
    } models[] = {
        {"season=4p alpha=0.3 beta=0.1 gamma=0.2 phi=0.9", 1, 1, 0.3, 0.1, 0.2, 0.9},
        {"season=4p alpha=0.3 beta=0.1 gamma=0.2 phi=1", 1, 1, 0.3, 0.1, 0.2, 1},
        {"season=4p alpha=0.5 trend=off gamma=0.2", 1, 0, 0.5, 0, 0.2, 1},
        {"season=4p,6p alpha=0.2 beta=0.3 gamma=0.4 phi=0.8", 2, 1, 0.2, 0.3, 0.4, 0.8},
        {"alpha=0.2 beta=0.3 phi=0.98", 0, 1, 0.2, 0.3, 0, 0.98},
    };
    const double a = models[_i].alpha, b = models[_i].has_trend ? a * models[_i].beta : 0;
    const double g = models[_i].gamma * (1 - a), phi = models[_i].phi;
    double sum = 1, trend = 0;
    char text[320];
    one_stage one;

    snprintf(text, sizeof text, "holt-winters %s state=double " PLAIN "| raw",
             models[_i].parameters);
    one = one_stage_open(text);
    one_stage_set(&one, "level", 100);
    one_stage_set(&one, "trend", 2);
    one_stage_set(&one, "spread", sqrt(2 / acos(-1.0)));    /* deviation 1 */
    one_stage_set(&one, "count", 1e9);
    one_stage_set(&one, "start", -1e9);
    one_stage_set(&one, "time", -1);
    one_stage_set(&one, "seasons", models[_i].seasons);
    for (size_t i = 0; models[_i].seasons > 0 && i < 4; i++) {
        one_stage_set_slot(&one, "first-season", i, (double)i);
        one_stage_set_slot(&one, "slot-deviation", i, sqrt(2 / acos(-1.0)));
    }
    for (size_t point_index = 1; point_index <= 50; point_index++) {
        const uint64_t h = point_index;
        double expected, deviation;

        trend += pow(phi, (double)h);
        ck_assert(one.detect->stage->forecast(one.detect->constants, one.state, 0, TOCSIN_MINUTE, h,
                                              &expected, &deviation));
        assert_near(expected,
                    100 + (models[_i].has_trend ? 2 * trend : 0) +
                        (models[_i].seasons ? (double)((h - 1) % 4) : 0),
                    1, 1e-12, text);
        assert_near(deviation, sqrt(sum), 1, 1e-11, text);
        /* c_h, for the next horizon */
        const double c = a + b * trend + (models[_i].seasons > 0 && h % 4 == 0 ? g : 0) +
                         (models[_i].seasons > 1 && h % 6 == 0 ? g : 0);

        sum += c * c;
    }
    one_stage_close(&one);
}
END_TEST

static Suite *suite(void)
{
    const int count = (int)(sizeof cases / sizeof cases[0]);
    Suite *s = suite_create("holt-winters against the textbook");
    TCase *oracles = suite_case(s, "oracle");

    tcase_add_loop_test(oracles, double_equals_the_textbook, 0, count);
    tcase_add_loop_test(oracles, mixed_is_near_the_textbook, 0, count);
    tcase_add_test(oracles, lost_points_keep_their_slots);
    tcase_add_loop_test(oracles, forecasts_widen_as_the_theory_says, 0, 5);
    return s;
}

TOCSIN_TEST_MAIN(suite)
