/* calibration.c - does the alarm keep its promise?
 *
 * Series in which nothing is wrong, of sixteen kinds, are pushed through a spec; every alarm
 * that starts is a false one, and their rate is set beside the budget.  1.00 is a promise
 * kept to the letter, 2.00 twice as many alarms as promised.
 *
 *     calibration [--spec S] [--budget 1/day,1/week] [--step 1m,5m] [--types gaussian,...]
 *                 [--rows] [--years 10] [--weeks 13] [--seed 1] [--power] [--incidents]
 *                 [--json FILE] [--list]
 *
 * --spec is a pipe up to its alarm stage, which this program appends, or the word `random`: a bell
 * that knows nothing of the series and rings at random, as often as promised.  --years is the
 * history per type, in series of --weeks each.  --power also asks the opposite: are spikes of 8
 * standard deviations found, by themselves and after an outage of a day?
 *
 * --incidents prints another table: of what should be found, how much is.  Forty series of a type
 * (default: gaussian, seasonal) are in order for eight weeks; then a spike of 8 standard deviations
 * of the noise, a shift of the level by 3, a drop to zero and a tripled variance are tried at five
 * moments of the ninth week, each on a copy of the detector, at a budget of 1/month.
 *
 * --rows takes, in place of those sixteen, kinds of points with several metrics, for a detector of
 * rows: `--spec 'iforest | tail' --rows`.
 *
 * Exit: 0 every cell keeps the promise (at most twice; at least half for continuous types), and
 * 95 % of each kind of incident are found; 1 some cell does not, 64 usage.
 */
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../random.h"
#include "tocsin.h"

enum { EXIT_KEPT = 0, EXIT_BROKEN = 1, EXIT_USAGE = 64 };

static const double day = 86400, week = 604800;

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

#define METRICS_MAX 16

/* ---- Series in order --------------------------------------------------------- */

typedef struct {
    rng rng;
    double step;            /* seconds */
    double phase;           /* each series begins at another time of its day and week */
    double memory[1 + METRICS_MAX];
} series;

typedef double generator(series *s, double t);
typedef void row_generator(series *s, double t, double *row, size_t metrics);

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

/* ---- Rows in order ---------------------------------------------------------------
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

typedef struct {
    const char *name;
    generator *make;            /* NULL: rows */
    int is_continuous;          /* must use at least half of its budget */
    double noise;               /* standard deviation about what is expected; 0: see spread() */
    row_generator *make_row;
    size_t metrics;
} kind;

static const kind kinds[] = {
    {"gaussian", make_gaussian, 1, 10, NULL, 1},
    {"ar", make_ar, 1, 0, NULL, 1},
    {"ar99", make_ar99, 1, 0, NULL, 1},
    {"walk", make_walk, 1, 0, NULL, 1},
    {"seasonal", make_seasonal, 1, 5, NULL, 1},
    {"weekly", make_weekly, 1, 0, NULL, 1},
    {"sawtooth", make_sawtooth, 1, 0, NULL, 1},
    {"heteroscedastic", make_heteroscedastic, 1, 0, NULL, 1},
    {"heavy", make_heavy, 1, 0, NULL, 1},
    {"bursts", make_bursts, 1, 0, NULL, 1},
    {"two-level", make_two_level, 1, 0, NULL, 1},
    {"trend", make_trend, 1, 0, NULL, 1},
    {"poisson", make_poisson, 0, 0, NULL, 1},
    {"sparse", make_sparse, 0, 0, NULL, 1},
    {"quantised", make_quantised, 0, 0, NULL, 1},
    {"constant", make_constant, 0, 0, NULL, 1},
    {"rows-gaussian-4", NULL, 1, 0, rows_gaussian, 4},
    {"rows-gaussian-16", NULL, 1, 0, rows_gaussian, 16},
    {"rows-ar-4", NULL, 1, 0, rows_ar, 4},
    {"rows-ar-16", NULL, 1, 0, rows_ar, 16},
    {"rows-heavy-4", NULL, 1, 0, rows_heavy, 4},
    {"rows-heavy-16", NULL, 1, 0, rows_heavy, 16},
    {"rows-heavy-apart-4", NULL, 1, 0, rows_heavy_apart, 4},
    {"rows-heavy-apart-16", NULL, 1, 0, rows_heavy_apart, 16},
    {"rows-lognormal-4", NULL, 1, 0, rows_lognormal, 4},
    {"rows-lognormal-16", NULL, 1, 0, rows_lognormal, 16},
    {"rows-seasonal-4", NULL, 1, 0, rows_seasonal, 4},
    {"rows-seasonal-16", NULL, 1, 0, rows_seasonal, 16},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void series_start(series *s, const kind *k, double step, uint64_t seed, uint64_t index)
{
    memset(s, 0, sizeof *s);
    s->rng.state = seed * UINT64_C(0xd1342543de82ef95) + index * UINT64_C(0x2545f4914f6cdd1d) +
                   (uint64_t)(k - kinds) * UINT64_C(0x9e3779b97f4a7c15);
    s->step = step;
    s->phase = floor(week * rng_uniform(&s->rng) / step) * step;
    s->memory[0] = k->make == make_ar || k->make == make_ar99 ? rng_normal(&s->rng) : 0;
    for (size_t m = 0; k->make_row == rows_ar && m <= k->metrics; m++)
        s->memory[m] = rng_normal(&s->rng);
}

static void series_next(series *s, const kind *k, double t, double *row)
{
    if (k->make_row)
        k->make_row(s, t, row, k->metrics);
    else
        *row = k->make(s, t);
}

/* ---- One cell of the table ------------------------------------------------------- */

typedef struct {
    double all, first, later;   /* observed / promised */
    double above_four;          /* share of series above four times the budget */
    double error;               /* standard error of `all` if alarms were independent */
    uint64_t alarms;
    double spikes, spikes_1, spikes_3, spikes_28;   /* share found */
} cell;

typedef struct {
    const char *spec;
    double years;
    double weeks;
    uint64_t seed;
    int power;
    int incidents;
} options;

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "calibration: %s%s%s\n", what, detail ? ": " : "", detail ? detail : "");
    exit(EXIT_USAGE);
}

static int is_random(const options *o)
{
    return strcmp(o->spec, "random") == 0;
}

/* The spec for rows of so many metrics. */
static tocsin_spec *spec_of_rows(tocsin_spec *spec, size_t metrics)
{
    char number[24];
    tocsin_setting setting = {
        .struct_size = sizeof setting, .value_count = 1, .parameter = "metrics", .text = number};
    tocsin_spec *rows = NULL;

    snprintf(number, sizeof number, "%zu", metrics);
    for (size_t i = 0; !rows && i < tocsin_spec_stage_count(spec); i++) {
        setting.stage = tocsin_spec_stage_name(spec, i);
        if (tocsin_spec_derive(&rows, spec, &setting, 1, NULL, NULL) != TOCSIN_OK)
            rows = NULL;
    }
    if (!rows)
        die("rows need a detector of rows", tocsin_spec_stage_name(spec, 0));
    tocsin_spec_free(spec);
    return rows;
}

static tocsin_spec *compile(const options *o, const kind *k, const char *budget)
{
    char text[1024];
    tocsin_error error = {.struct_size = sizeof error};
    tocsin_spec *spec;

    snprintf(text, sizeof text, "%s | alarm budget=%s", is_random(o) ? "ewma | tail" : o->spec,
             budget);
    if (tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error) < 0)
        die(text, error.message);
    return k->metrics > 1 && !is_random(o) ? spec_of_rows(spec, k->metrics) : spec;
}

/* Seconds per event of "3/day": asked of the library, which reads rates anyway. */
static double promised_period(const tocsin_spec *spec)
{
    tocsin_value value;
    size_t count;

    if (tocsin_spec_get(spec, "alarm", "budget", &value, 1, &count) < 0 || count != 1)
        die("the alarm has no budget", NULL);
    return (double)value.duration * 1e-9;
}

/* ---- Bells ------------------------------------------------------------------------ */

/* A detector, or chance. */
typedef struct {
    tocsin_detector *detector;      /* NULL: rings at random */
    double chance;                  /* per point */
    rng rng;
} bell;

static bell bell_make(const options *o, const tocsin_spec *spec, double step, uint64_t seed)
{
    bell b = {.chance = step / promised_period(spec), .rng = {.state = seed}};

    if (!is_random(o) && tocsin_detector_create(&b.detector, spec, NULL) < 0)
        die("out of memory", NULL);
    return b;
}

static bell bell_copy(bell *original)
{
    bell b = *original;

    if (b.detector && tocsin_detector_clone(&b.detector, original->detector, NULL) < 0)
        die("out of memory", NULL);
    b.rng.state = rng_next(&original->rng);
    return b;
}

static void bell_free(bell *b)
{
    tocsin_detector_free(b->detector);
}

/* Whether a point rings it. */
static int push_row(bell *b, double t, const double *row, size_t metrics)
{
    tocsin_verdict verdict;

    if (!b->detector)
        return rng_uniform(&b->rng) < b->chance;
    if (tocsin_detector_push_row(b->detector, (int64_t)(t * 1e9), row, metrics,
                                 TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict) < 0)
        die("push failed", NULL);
    return verdict.transition == TOCSIN_TRANSITION_START;
}

static int push(bell *b, double t, double value)
{
    return push_row(b, t, &value, 1);
}

static void measure_promise(const options *o, const tocsin_spec *spec, double period,
                            const kind *k, double step, cell *c)
{
    const double length = o->weeks * week;
    const size_t members = (size_t)(o->years * 365.25 * day / length + 0.5);
    double first = 0, later = 0;
    size_t above = 0;

    for (size_t i = 0; i < members; i++) {
        bell b = bell_make(o, spec, step, o->seed + i);
        series s;
        double alarms = 0;

        series_start(&s, k, step, o->seed, i);
        for (double t = 0; t < length; t += step) {
            double row[METRICS_MAX];

            series_next(&s, k, s.phase + t, row);
            if (!push_row(&b, s.phase + t, row, k->metrics))
                continue;
            alarms++;
            if (t < week)
                first++;
            else
                later++;
        }
        above += alarms > 4 * length / period;
        bell_free(&b);
    }

    const double n = (double)members;

    c->alarms = (uint64_t)(first + later);
    c->all = (first + later) / (n * length / period);
    c->first = first / (n * week / period);
    c->later = later / (n * (length - week) / period);
    c->error = sqrt(first + later) / (n * length / period);
    c->above_four = (double)above / n;
}

/* The standard deviation of a kind's values around what a short memory would expect is not one
 * number; a spike here is 8 times that of the values over a week, or of the steps for a walk
 * and a trend, whose values have none, and at least 1 % of the mean, for constants. */
static double spread(const options *o, const kind *k, double step)
{
    series s;
    double n = 0, mean = 0, m2 = 0, previous = 0;
    const int by_steps = k->make == make_walk || k->make == make_trend;

    series_start(&s, k, step, o->seed + 1, 0);
    for (double t = 0; t < week; t += step) {
        const double value = k->make(&s, t), x = by_steps ? value - previous : value;
        const double d = x - mean;

        previous = value;
        if (t == 0)
            continue;
        mean += d / ++n;
        m2 += d * (x - mean);
    }
    return fmax(sqrt(m2 / n), 0.01 * fabs(mean));
}

/* Whether a spike at time t rings: pushed into a copy, so that the series itself stays clean. */
static int is_found(bell *b, double t, double value)
{
    bell copy = bell_copy(b);
    const int found = push(&copy, t, value);

    bell_free(&copy);
    return found;
}

/* Four weeks in order, an outage of a day (the value drops to far below anything seen), four
 * weeks more.  A spike is tried every 97 minutes: in the week before the outage, and
 * in the days that begin 1, 3 and 28 days after it. */
static void measure_power(const options *o, const tocsin_spec *spec, const kind *k, double step,
                          cell *c)
{
    const double outage = 28 * day, end = outage + 30.5 * day, pace = 97 * 60;
    const double height = 8 * spread(o, k, step);
    double tried[4] = {0}, found[4] = {0};

    for (size_t i = 0; i < 8; i++) {
        bell b = bell_make(o, spec, step, o->seed + 2 + i);
        series s;
        double next = outage - week;

        series_start(&s, k, step, o->seed + 2, i);
        for (double t = 0; t < end; t += step) {
            const double value = k->make(&s, s.phase + t);
            const int is_out = t >= outage && t < outage + day;
            const double after = t - outage - day;

            if (t >= next) {
                const int slot = t < outage                             ? 0
                                 : after >= 1 * day && after < 2 * day   ? 1
                                 : after >= 3 * day && after < 4 * day   ? 2
                                 : after >= 28 * day && after < 29 * day ? 3
                                                                         : -1;

                next += pace;
                if (slot >= 0) {
                    tried[slot]++;
                    found[slot] += is_found(&b, s.phase + t, value + height);
                }
            }
            push(&b, s.phase + t, is_out ? value - 5 * height : value);
        }
        bell_free(&b);
    }
    c->spikes = found[0] / tried[0];
    c->spikes_1 = found[1] / tried[1];
    c->spikes_3 = found[2] / tried[2];
    c->spikes_28 = found[3] / tried[3];
}

/* ---- What should be found ----------------------------------------------------------------- */

enum { SPIKE, SHIFT, DROP, VARIANCE, INCIDENTS };

#define SERIES_WITH_INCIDENTS 40
#define MOMENTS 5               /* of each series at which incidents are tried */
#define FOUND_AT_LEAST 0.95

/* How long each may take to be found: a spike is a point, a drop lasts an hour, and what stays is
 * to be found within a day; at coarse steps some points at least. */
static double incident_length(int incident, double step)
{
    switch (incident) {
    case SPIKE: return step;
    case DROP: return fmax(3600, 10 * step);
    default: return fmax(day, 200 * step);
    }
}

static double incident_value(int incident, double value, double noise, rng *r)
{
    switch (incident) {
    case SPIKE: return value + 8 * noise;
    case SHIFT: return value + 3 * noise;
    case DROP: return 0;
    default: return value + sqrt(2) * noise * rng_normal(r);
    }
}

/* Whether an incident that begins at t rings a copy of the bell; `s` is a copy too. */
static int rings_for(int incident, bell *b, const kind *k, series s, double t, double noise)
{
    const double end = t + incident_length(incident, s.step) - s.step / 2;
    bell copy = bell_copy(b);
    rng r = {.state = s.rng.state ^ (uint64_t)incident};
    int found = 0;

    for (; t < end && !found; t += s.step)
        found = push(&copy, s.phase + t,
                     incident_value(incident, k->make(&s, s.phase + t), noise, &r));
    bell_free(&copy);
    return found;
}

/* The share found of each. */
static void measure_incidents(const options *o, const tocsin_spec *spec, const kind *k, double step,
                              double share[INCIDENTS])
{
    const double noise = k->noise > 0 ? k->noise : spread(o, k, step);
    const double begin = 8 * week, pace = floor(week / MOMENTS / step) * step;

    for (int incident = 0; incident < INCIDENTS; incident++)
        share[incident] = 0;
    for (size_t i = 0; i < SERIES_WITH_INCIDENTS; i++) {
        bell b = bell_make(o, spec, step, o->seed + 3 + i);
        series s;
        double next = begin;

        series_start(&s, k, step, o->seed + 3, i);
        for (double t = 0; t < begin + MOMENTS * pace; t += step) {
            if (t >= next) {
                for (int incident = 0; incident < INCIDENTS; incident++)
                    share[incident] += rings_for(incident, &b, k, s, t, noise);
                next += pace;
            }
            push(&b, s.phase + t, k->make(&s, s.phase + t));
        }
        bell_free(&b);
    }
    for (int incident = 0; incident < INCIDENTS; incident++)
        share[incident] /= SERIES_WITH_INCIDENTS * MOMENTS;
}

/* A row of their table; 0 if too little is found. */
static int print_incidents(const options *o, const kind *k, const char *budget, const char *step,
                           const double share[INCIDENTS])
{
    int is_kept = 1;

    fputs("| `", stdout);
    for (const char *c = o->spec; *c; c++) {
        if (*c == '|')
            putchar('\\');
        putchar(*c);
    }
    printf("` | %s | %s | %s |", k->name, budget, step);
    for (int incident = 0; incident < INCIDENTS; incident++) {
        const int is_enough = share[incident] >= FOUND_AT_LEAST;

        printf(" %.2f%s |", share[incident], is_enough ? "" : " (!)");
        is_kept &= is_enough;
    }
    putchar('\n');
    fflush(stdout);
    return is_kept;
}

/* ---- The table --------------------------------------------------------------------- */

/* Seconds of "1m", "5m", "10s", "1h". */
static double parse_step(const char *text)
{
    char *end;
    const double number = strtod(text, &end);
    const double unit = strcmp(end, "s") == 0   ? 1
                        : strcmp(end, "m") == 0 ? 60
                        : strcmp(end, "h") == 0 ? 3600
                                                : 0;

    if (!(number * unit > 0))
        die("not a step", text);
    return number * unit;
}

/* Splits a list at its commas, in place. */
static size_t split(char *text, const char **item, size_t capacity)
{
    size_t count = 0;

    for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
        if (count == capacity)
            die("too many items", word);
        item[count++] = word;
    }
    return count;
}

static int is_kept(const kind *k, const cell *c)
{
    return c->all <= 2 && (!k->is_continuous || c->all >= 0.5);
}

static void json_cell(FILE *json, int is_first, const kind *k, const char *budget,
                      const char *step, const cell *c, int power)
{
    fprintf(json,
            "%s\n    {\"type\": \"%s\", \"budget\": \"%s\", \"step\": \"%s\", \"all\": %.4f, "
            "\"first_week\": %.4f, \"later\": %.4f, \"error\": %.4f, \"above_four\": %.4f, "
            "\"alarms\": %llu",
            is_first ? "" : ",", k->name, budget, step, c->all, c->first, c->later, c->error,
            c->above_four, (unsigned long long)c->alarms);
    if (power)
        fprintf(json, ", \"spikes\": [%.4f, %.4f, %.4f, %.4f]", c->spikes, c->spikes_1,
                c->spikes_3, c->spikes_28);
    fputc('}', json);
}

static void usage(FILE *to)
{
    fputs("usage: calibration [--spec S] [--budget LIST] [--step LIST] [--types LIST] [--rows]\n"
          "                   [--years N] [--weeks N] [--seed N] [--power] [--incidents]\n"
          "                   [--json FILE] [--list] [--help]\n",
          to);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"spec", required_argument, NULL, 's'},  {"budget", required_argument, NULL, 'b'},
        {"step", required_argument, NULL, 't'},  {"types", required_argument, NULL, 'k'},
        {"years", required_argument, NULL, 'y'}, {"weeks", required_argument, NULL, 'w'},
        {"seed", required_argument, NULL, 'r'},  {"power", no_argument, NULL, 'p'},
        {"json", required_argument, NULL, 'j'},  {"list", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},        {"incidents", no_argument, NULL, 'i'},
        {"rows", no_argument, NULL, 'm'},        {NULL, 0, NULL, 0},
    };
    options o = {.spec = "auto | tail", .years = 10, .weeks = 13, .seed = 1};
    char default_budgets[] = "1/day,1/week", default_steps[] = "1m,5m";
    char month[] = "1/month", incident_types[] = "gaussian,seasonal";
    char *budget_list = NULL, *step_list = default_steps, *type_list = NULL;
    const char *budget[8], *step[8], *type[KINDS], *json_path = NULL;
    FILE *json = NULL;
    int broken = 0, cells = 0, rows = 0;

    for (int option; (option = getopt_long(argc, argv, "", longs, NULL)) != -1;)
        switch (option) {
        case 's': o.spec = optarg; break;
        case 'b': budget_list = optarg; break;
        case 't': step_list = optarg; break;
        case 'k': type_list = optarg; break;
        case 'y': o.years = strtod(optarg, NULL); break;
        case 'w': o.weeks = strtod(optarg, NULL); break;
        case 'r': o.seed = strtoull(optarg, NULL, 10); break;
        case 'p': o.power = 1; break;
        case 'i': o.incidents = 1; break;
        case 'm': rows = 1; break;
        case 'j': json_path = optarg; break;
        case 'l':
            for (size_t i = 0; i < KINDS; i++)
                puts(kinds[i].name);
            return EXIT_KEPT;
        case 'h': usage(stdout); return EXIT_KEPT;
        default: usage(stderr); return EXIT_USAGE;
        }
    if (optind < argc || !(o.years > 0) || !(o.weeks > 1)) {
        usage(stderr);
        return EXIT_USAGE;
    }

    if (!budget_list)
        budget_list = o.incidents ? month : default_budgets;
    if (o.incidents && !type_list)
        type_list = incident_types;

    if (o.incidents && json_path)
        die("--json is for the table of rates, not for --incidents", NULL);

    const size_t budgets = split(budget_list, budget, 8), steps = split(step_list, step, 8);
    size_t types = 0;

    if (type_list) {
        types = split(type_list, type, KINDS);
    } else {
        for (size_t i = 0; i < KINDS; i++)
            if ((kinds[i].make_row != NULL) == rows)
                type[types++] = kinds[i].name;
    }
    if (json_path) {
        json = fopen(json_path, "w");
        if (!json)
            die("cannot write", json_path);
        fprintf(json, "{\n  \"spec\": \"%s\", \"years\": %g, \"weeks\": %g, \"seed\": %llu,\n"
                      "  \"cells\": [",
                o.spec, o.years, o.weeks, (unsigned long long)o.seed);
    }

    if (o.incidents)
        puts("| spec | type | budget | step | spike of 8 | shift of 3 | drop to zero |"
             " tripled variance |\n|---|---|---|---|---|---|---|---|");
    else
        printf("| type | budget | step | observed / promised | +- | first week | later |"
           " series > 4x |%s\n|---|---|---|---|---|---|---|---|%s\n",
           o.power ? " spikes found | 1 d after an outage | 3 d | 28 d |" : "",
           o.power ? "---|---|---|---|" : "");
    for (size_t i = 0; i < types; i++) {
        const kind *k = NULL;

        for (size_t j = 0; j < KINDS; j++)
            if (strcmp(kinds[j].name, type[i]) == 0)
                k = &kinds[j];
        if (!k)
            die("no such type", type[i]);
        if (k->make_row && (o.power || o.incidents))
            die("--power and --incidents are for single metrics, not", k->name);
        for (size_t b = 0; b < budgets; b++)
            for (size_t t = 0; t < steps; t++) {
                tocsin_spec *spec = compile(&o, k, budget[b]);
                cell c = {0};

                if (o.incidents) {
                    double share[INCIDENTS];

                    measure_incidents(&o, spec, k, parse_step(step[t]), share);
                    tocsin_spec_free(spec);
                    broken += !print_incidents(&o, k, budget[b], step[t], share);
                    cells++;
                    continue;
                }
                measure_promise(&o, spec, promised_period(spec), k, parse_step(step[t]), &c);
                if (o.power)
                    measure_power(&o, spec, k, parse_step(step[t]), &c);
                tocsin_spec_free(spec);

                printf("| %s | %s | %s | %.2f%s | %.2f | %.2f | %.2f | %.0f %% |", k->name,
                       budget[b], step[t], c.all, is_kept(k, &c) ? "" : " (!)", c.error, c.first,
                       c.later, 100 * c.above_four);
                if (o.power)
                    printf(" %.2f | %.2f | %.2f | %.2f |", c.spikes, c.spikes_1, c.spikes_3,
                           c.spikes_28);
                putchar('\n');
                fflush(stdout);
                if (json)
                    json_cell(json, cells == 0, k, budget[b], step[t], &c, o.power);
                broken += !is_kept(k, &c);
                cells++;
            }
    }
    if (json) {
        fprintf(json, "\n  ]\n}\n");
        if (fclose(json) != 0)
            die("cannot write", json_path);
    }
    fprintf(stderr, "%d of %d %s\n", cells - broken, cells,
            o.incidents ? "rows find enough" : "cells keep the promise");
    return broken ? EXIT_BROKEN : EXIT_KEPT;
}
