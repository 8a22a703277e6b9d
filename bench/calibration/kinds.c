/* kinds.c - see kinds.h. */
#include "kinds.h"

#include <math.h>
#include <string.h>

/* ---- Random numbers --------------------------------------------------------- */

static double rng_poisson(rng *r, double mean)
{
    const double limit = exp(-mean);
    double product = rng_uniform(r), count = 0;

    for (; product > limit; count++)
        product *= rng_uniform(r);
    return count;
}

/* Student's t with 3 degrees of freedom, scaled to variance 1. */
static double rng_heavy(rng *r)
{
    const double a = rng_normal(r), b = rng_normal(r), c = rng_normal(r);

    return rng_normal(r) / sqrt(a * a + b * b + c * c);
}

/* ---- One metric --------------------------------------------------------- */

static double make_gaussian(series *s, double t)
{
    (void)t;
    return 100 + 10 * rng_normal(&s->rng);
}

static double autoregression(series *s, double a)
{
    s->memory[0] = a * s->memory[0] + sqrt(1 - a * a) * rng_normal(&s->rng);
    return 100 + 10 * s->memory[0];
}

static double make_ar(series *s, double t)
{
    (void)t;
    return autoregression(s, 0.7);
}

static double make_ar99(series *s, double t)
{
    (void)t;
    return autoregression(s, 0.99);
}

static double make_walk(series *s, double t)
{
    (void)t;
    s->memory[0] += rng_normal(&s->rng);
    return 1000 + s->memory[0];
}

static double wave(double t, double period)
{
    return sin(6.283185307179586 * t / period);
}

static double make_seasonal(series *s, double t)
{
    return 100 + 20 * wave(t, day) + 5 * rng_normal(&s->rng);
}

/* Working days and weekends: the day's wave is a third as high at weekends. */
static double make_weekly(series *s, double t)
{
    const int weekend = fmod(t, week) >= 5 * day;

    return 100 + (weekend ? 8 : 24) * (1 + wave(t, day)) + 5 * rng_normal(&s->rng);
}

static double make_poisson(series *s, double t)
{
    (void)t;
    return rng_poisson(&s->rng, 10);
}

static double make_sparse(series *s, double t)
{
    (void)t;
    return rng_poisson(&s->rng, 0.02);
}

/* Four bursts a day of a quarter of an hour on average; their heights follow a Pareto law. */
static double make_bursts(series *s, double t)
{
    (void)t;
    if (s->memory[0] > 0)
        s->memory[0] -= s->step;
    else if (rng_uniform(&s->rng) < 4 * s->step / day) {
        s->memory[0] = 900 * rng_exponential(&s->rng);
        s->memory[1] = 30 * pow(rng_uniform(&s->rng), -1 / 2.5);
    }
    return 100 + 10 * rng_normal(&s->rng) + (s->memory[0] > 0 ? s->memory[1] : 0);
}

/* A disk that fills for six hours and is then cleaned. */
static double make_sawtooth(series *s, double t)
{
    return 10 + 80 * fmod(t, 21600) / 21600 + rng_normal(&s->rng);
}

static double make_heteroscedastic(series *s, double t)
{
    return 100 + (6 + 5 * wave(t, day)) * rng_normal(&s->rng);
}

static double make_heavy(series *s, double t)
{
    (void)t;
    return 100 + 10 * rng_heavy(&s->rng);
}

static double make_constant(series *s, double t)
{
    (void)s;
    (void)t;
    return 42;
}

/* A standby that takes over for some hours, several times a day. */
static double make_two_level(series *s, double t)
{
    (void)t;
    if (rng_uniform(&s->rng) < s->step / 10800)
        s->memory[0] = 50 - s->memory[0];
    return 100 + s->memory[0] + 3 * rng_normal(&s->rng);
}

static double make_trend(series *s, double t)
{
    return 100 + 10 * t / day + 10 * rng_normal(&s->rng);
}

static double make_quantised(series *s, double t)
{
    (void)t;
    return floor(20 + 1.5 * rng_normal(&s->rng) + 0.5);
}

/* ---- Several metrics ---------------------------------------------------------------
 *
 * Metrics of unlike size that share a factor, as what one machine reports does. */

static double metric_scaled(size_t metric, double z)
{
    const double size = pow(10, (double)(metric % 4));

    return size * (10 + z);
}

/* Every two metrics correlate by 0.5. */
static void rows_gaussian(series *s, double t, double *row, size_t metrics)
{
    const double factor = rng_normal(&s->rng);

    (void)t;
    for (size_t m = 0; m < metrics; m++)
        row[m] = metric_scaled(m, sqrt(0.5) * (factor + rng_normal(&s->rng)));
}

/* The same, and by 0.9 with the row before. */
static void rows_ar(series *s, double t, double *row, size_t metrics)
{
    (void)t;
    for (size_t m = 0; m <= metrics; m++)
        s->memory[m] = 0.9 * s->memory[m] + sqrt(1 - 0.9 * 0.9) * rng_normal(&s->rng);
    for (size_t m = 0; m < metrics; m++)
        row[m] = metric_scaled(m, sqrt(0.5) * (s->memory[0] + s->memory[m + 1]));
}

/* Multivariate t with 3 degrees of freedom, variance 1: all metrics are far out at once. */
static void rows_heavy(series *s, double t, double *row, size_t metrics)
{
    const double a = rng_normal(&s->rng), b = rng_normal(&s->rng), c = rng_normal(&s->rng);
    const double scale = 1 / sqrt(a * a + b * b + c * c), factor = rng_normal(&s->rng);

    (void)t;
    for (size_t m = 0; m < metrics; m++)
        row[m] = metric_scaled(m, scale * sqrt(0.5) * (factor + rng_normal(&s->rng)));
}

/* The same law, each metric by itself. */
static void rows_heavy_apart(series *s, double t, double *row, size_t metrics)
{
    (void)t;
    for (size_t m = 0; m < metrics; m++)
        row[m] = metric_scaled(m, rng_heavy(&s->rng));
}

/* Loads: what comes in is shared, and each metric is some multiple of it. */
static void rows_lognormal(series *s, double t, double *row, size_t metrics)
{
    const double factor = 0.6 * rng_normal(&s->rng);

    (void)t;
    for (size_t m = 0; m < metrics; m++)
        row[m] = pow(10, (double)(m % 4)) * exp(factor + 0.4 * rng_normal(&s->rng));
}

/* A day of two waves; each metric follows it as far as its place says, a few the other way. */
static void rows_seasonal(series *s, double t, double *row, size_t metrics)
{
    const double load = 2 * wave(t, day) + 0.7 * wave(t, day / 2);

    for (size_t m = 0; m < metrics; m++) {
        const double follows = (m % 5 == 4 ? -1 : 1) * (0.25 + 0.25 * (double)(m % 4));

        row[m] = metric_scaled(m, follows * load + 0.5 * rng_normal(&s->rng));
    }
}

/* ---- All of them -------------------------------------------------------------- */

const kind kinds[] = {
    {.name = "gaussian", .make = make_gaussian, .metrics = 1, .is_continuous = 1, .noise = 10},
    {.name = "ar", .make = make_ar, .metrics = 1, .is_continuous = 1},
    {.name = "ar99", .make = make_ar99, .metrics = 1, .is_continuous = 1},
    {.name = "walk", .make = make_walk, .metrics = 1, .is_continuous = 1, .is_adrift = 1},
    {.name = "seasonal", .make = make_seasonal, .metrics = 1,
     .is_continuous = 1, .noise = 5, .has_day = 1},
    {.name = "weekly", .make = make_weekly, .metrics = 1, .is_continuous = 1, .has_day = 1},
    {.name = "sawtooth", .make = make_sawtooth, .metrics = 1, .is_continuous = 1},
    {.name = "heteroscedastic", .make = make_heteroscedastic, .metrics = 1, .is_continuous = 1},
    {.name = "heavy", .make = make_heavy, .metrics = 1, .is_continuous = 1},
    {.name = "bursts", .make = make_bursts, .metrics = 1, .is_continuous = 1},
    {.name = "two-level", .make = make_two_level, .metrics = 1, .is_continuous = 1},
    {.name = "trend", .make = make_trend, .metrics = 1, .is_continuous = 1, .is_adrift = 1},
    {.name = "poisson", .make = make_poisson, .metrics = 1},
    {.name = "sparse", .make = make_sparse, .metrics = 1},
    {.name = "quantised", .make = make_quantised, .metrics = 1},
    {.name = "constant", .make = make_constant, .metrics = 1},
    {.name = "rows-gaussian-4", .make_row = rows_gaussian, .metrics = 4, .is_continuous = 1},
    {.name = "rows-gaussian-16", .make_row = rows_gaussian, .metrics = 16, .is_continuous = 1},
    {.name = "rows-ar-4", .make_row = rows_ar, .metrics = 4, .is_continuous = 1},
    {.name = "rows-ar-16", .make_row = rows_ar, .metrics = 16, .is_continuous = 1},
    {.name = "rows-heavy-4", .make_row = rows_heavy, .metrics = 4, .is_continuous = 1},
    {.name = "rows-heavy-16", .make_row = rows_heavy, .metrics = 16, .is_continuous = 1},
    {.name = "rows-heavy-apart-4", .make_row = rows_heavy_apart, .metrics = 4, .is_continuous = 1},
    {.name = "rows-heavy-apart-16", .make_row = rows_heavy_apart, .metrics = 16,
     .is_continuous = 1},
    {.name = "rows-lognormal-4", .make_row = rows_lognormal, .metrics = 4, .is_continuous = 1},
    {.name = "rows-lognormal-16", .make_row = rows_lognormal, .metrics = 16, .is_continuous = 1},
    {.name = "rows-seasonal-4", .make_row = rows_seasonal, .metrics = 4, .is_continuous = 1},
    {.name = "rows-seasonal-16", .make_row = rows_seasonal, .metrics = 16, .is_continuous = 1},
};

const size_t kind_count = sizeof kinds / sizeof kinds[0];

void series_start(series *s, const kind *k, double step, uint64_t seed, uint64_t index)
{
    memset(s, 0, sizeof *s);
    s->rng.state = seed * UINT64_C(0xd1342543de82ef95) + index * UINT64_C(0x2545f4914f6cdd1d) +
                   (uint64_t)(k - kinds) * UINT64_C(0x9e3779b97f4a7c15);
    s->step = step;
    s->phase = floor(week * rng_uniform(&s->rng) / step) * step;
    /* What remembers begins as it goes on. */
    s->memory[0] = k->make == make_ar || k->make == make_ar99 ? rng_normal(&s->rng) : 0;
    for (size_t m = 0; k->make_row == rows_ar && m <= k->metrics; m++)
        s->memory[m] = rng_normal(&s->rng);
}

void series_next(series *s, const kind *k, double t, double *row)
{
    if (k->make_row)
        k->make_row(s, t, row, k->metrics);
    else
        *row = k->make(s, t);
}

