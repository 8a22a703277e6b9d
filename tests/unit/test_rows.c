/* test_rows.c - what the detectors of rows have in common, against its definition: scales, codes and
 * views are worked out a second time, from what rows.h says. */
#include <float.h>
#include <math.h>

#include "../../lib/detect/rows.c"
#include "../support/rng.h"
#include "../support/suite.h"

#define METRICS 4
#define POINTS 900
#define VIEWS 3

/* ---- The library's ------------------------------------------------------------ */

typedef struct {
    tocsin__rows_views views;
    double centre[2 * METRICS], spread[3 * METRICS];
    uint16_t seen[METRICS + 4], recent[METRICS];
} state;

static tocsin__rows rows_of(uint32_t metrics, uint32_t lags, double half_life)
{
    tocsin__rows rows;

    memset(&rows, 0, sizeof rows);
    rows.metrics = metrics;
    rows.lags = lags;
    rows.codes = metrics * lags;
    rows.half_life = half_life;
    rows.gain = 1 - pow(2, -1 / half_life);
    rows.fade = rows.gain / 16;
    rows.steady = 0.4 / sqrt(metrics);
    rows.array[TOCSIN__ROWS_CENTRE] = offsetof(state, centre);
    rows.array[TOCSIN__ROWS_SPREAD] = offsetof(state, spread);
    rows.array[TOCSIN__ROWS_SEEN] = offsetof(state, seen);
    rows.array[TOCSIN__ROWS_RECENT] = offsetof(state, recent);
    return rows;
}

/* ---- The plain one -------------------------------------------------------------- */

/* An exponentially weighted mean that begins as an arithmetic one. */
typedef struct {
    double mean, half_life;
    double count;
} average;

static void average_take(average *a, double x)
{
    const double weight = fmax(1 - pow(2, -1 / a->half_life), 1 / (a->count + 1));

    a->mean += weight * (x - a->mean);
    a->count++;
}

typedef struct {
    average centre, residual, change;
    double reach, last;
} plain_metric;

typedef struct {
    plain_metric metric[METRICS];
    average usual[VIEWS], spread[VIEWS];
    double half_life;
    uint32_t metrics;
} plain;

static plain plain_new(uint32_t metrics, double half_life)
{
    plain p;

    memset(&p, 0, sizeof p);
    p.metrics = metrics;
    p.half_life = half_life;
    for (uint32_t m = 0; m < metrics; m++)
        p.metric[m].centre.half_life = p.metric[m].residual.half_life =
            p.metric[m].change.half_life = half_life;
    for (int v = 0; v < VIEWS; v++)
        p.usual[v].half_life = p.spread[v].half_life = half_life;
    p.spread[0].mean = 1;
    p.spread[0].count = 15;
    return p;
}

static double plain_deviation(const plain_metric *m)
{
    double deviation = sqrt(acos(-1) / 2) * m->residual.mean;

    deviation = fmax(deviation, 0.01 * m->reach);
    if (m->reach > 0)
        deviation = fmax(deviation, 0.005 * fabs(m->centre.mean));
    return deviation;
}

/* Deviations from the centre as codes count them, with their sign. */
static double plain_distance(const plain_metric *m, double x)
{
    const double deviation = plain_deviation(m);
    double z;

    if (isnan(x) || m->centre.count < 1)
        return 0;
    z = deviation > 0 ? (x - m->centre.mean) / deviation : (x > m->centre.mean) - (x < m->centre.mean);
    if (fabs(z) > 4)
        z = copysign(fmin(4 + 4 * log(fabs(z) / 4), 16), z);
    return z;
}

static double plain_change(const plain_metric *m, double x)
{
    if (isnan(x) || m->centre.count < 1)
        return 0;
    if (!(m->change.mean > 0))
        return x != m->last;
    return fmin(fabs(x - m->last) / m->change.mean, 80);
}

static double plain_unit(const plain *p, int v)
{
    return fmax(p->spread[v].mean, v == 0 ? 0.05 : 0.4 / sqrt(p->metrics));
}

static void plain_learn(plain *p, const double *row, const double *found)
{
    for (int v = 0; v < VIEWS; v++) {
        const double residual = fmin(fabs(found[v] - p->usual[v].mean), 8 * plain_unit(p, v));

        if (isnan(found[v]))
            continue;
        if (p->usual[v].count > 0)
            average_take(&p->spread[v], residual);
        else if (v == 0)
            p->spread[v].count++;
        average_take(&p->usual[v], found[v]);
    }
    for (uint32_t i = 0; i < p->metrics; i++) {
        plain_metric *const m = &p->metric[i];
        const double deviation = plain_deviation(m), x = row[i];
        double residual;

        if (isnan(x))
            continue;
        if (m->centre.count < 1) {
            average_take(&m->centre, x);
            m->residual.count = 1;
            m->last = x;
            continue;
        }
        residual = x - m->centre.mean;
        if (deviation > 0)
            residual = fmax(-8 * deviation, fmin(residual, 8 * deviation));
        average_take(&m->centre, m->centre.mean + residual);
        average_take(&m->residual, fabs(residual));
        if (fabs(residual) > m->reach)
            m->reach = fabs(residual);
        else
            m->reach *= 1 - (1 - pow(2, -1 / p->half_life)) / 16;
        average_take(&m->change, m->change.mean > 0
                                     ? fmin(fabs(x - m->last), 80 * m->change.mean)
                                     : fabs(x - m->last));
        m->last = x;
    }
}

/* ---- Rows ------------------------------------------------------------------------ */

/* Noise that jumps, a walk with gaps, one that stands still for long, one of whole numbers. */
static void make_row(rng *r, int i, double *row)
{
    static double walk;

    walk = i == 0 ? 0 : walk + rng_normal(r);
    row[0] = rng_normal(r) + (i % 131 == 130 ? 500 : 0);
    row[1] = rng_below(r, 12) == 0 ? NAN : 1e6 + walk;
    row[2] = i < 400 ? 3 : 3 + (double)(i % 50 == 0);
    row[3] = floor(3 * rng_normal(r));
}

START_TEST(equals_its_definition)
{
    const uint32_t metrics = _i % 2 ? METRICS : 1;
    const double half_life = _i < 2 ? 60 : 5000;
    const tocsin__rows rows = rows_of(metrics, 1, half_life);
    plain p = plain_new(metrics, half_life);
    rng r = rng_seeded(90 + (uint64_t)_i);
    static state s;

    memset(&s, 0, sizeof s);
    tocsin__rows_init(&rows, &s);
    for (int i = 0; i < POINTS; i++) {
        double row[METRICS], found[VIEWS], farthest = -1;
        uint16_t codes[METRICS];
        tocsin__reading reading;
        tocsin__point point;

        make_row(&r, i, row);
        memset(&point, 0, sizeof point);
        memset(&reading, 0, sizeof reading);
        point.row = row;
        found[0] = i < 40 ? NAN : 5 + 2 * rng_normal(&r);
        found[1] = found[2] = 0;
        for (uint32_t m = 0; m < metrics; m++) {
            const double distance = plain_distance(&p.metric[m], row[m]);

            found[1] += fabs(distance) / metrics;
            found[2] += plain_change(&p.metric[m], row[m]) / metrics;
            farthest = isnan(row[m]) ? farthest : fmax(farthest, fabs(distance));
        }

        tocsin__rows_code(&rows, &s, &point, codes);
        tocsin__rows_judge(&rows, &s, &point, codes, found[0], &reading);
        for (uint32_t m = 0; m < metrics; m++)      /* whole numbers */
            ck_assert_double_eq_tol((codes[m] - 32768) / 2047.0,
                                    plain_distance(&p.metric[m], row[m]), 0.51 / 2047);
        if (farthest >= 0 && i >= 40)
            ck_assert_double_ge(fabs(plain_distance(&p.metric[reading.metric], row[reading.metric])),
                                farthest - 1.1 / 2047);
        ck_assert_int_eq((reading.flags & TOCSIN_FLAG_WARMING) != 0, i < 40);
        for (int v = 0; v < VIEWS; v++) {
            const double more = fmax(0, found[v] - p.usual[v].mean);
            const double said = metrics > 1 ? more / plain_unit(&p, v) : v == 0 ? more : 0;

            if (i < 40)
                ck_assert(isnan(reading.channel[v]));
            else    /* the mean distance is made of whole numbers */
                ck_assert_msg(fabs(reading.channel[v] - said) <=
                                  1e-9 * (1 + said) + (v == 1 ? 5e-3 : 0),
                              "point %d, view %d: %.17g, not %.17g", i, v, reading.channel[v], said);
        }
        tocsin__rows_learn(&rows, &s, &point, codes, &reading);
        plain_learn(&p, row, found);
    }
    for (uint32_t m = 0; m < metrics; m++) {
        ck_assert_double_eq_tol(s.centre[2 * m], p.metric[m].centre.mean, 1e-6);
        ck_assert_double_eq(s.centre[2 * m + 1], p.metric[m].last);
        ck_assert_double_eq_tol(s.spread[3 * m + 2], p.metric[m].change.mean, 1e-9);
    }
}
END_TEST

/* The view that speaks says who is to blame, by its own parts, and what would have been normal. */
START_TEST(the_view_that_speaks_is_explained)
{
    const tocsin__rows rows = rows_of(METRICS, 1, 1000);
    const double row[METRICS] = {4, 30, NAN, -2};
    const double parts_of_forest[METRICS] = {1, 0, 0, 3};
    uint16_t codes[METRICS];
    double parts[METRICS], shares[2 * METRICS];
    tocsin__reading reading;
    tocsin__point point;
    rng r = rng_seeded(97);
    static state s;

    memset(&s, 0, sizeof s);
    tocsin__rows_init(&rows, &s);
    memset(&point, 0, sizeof point);
    for (int i = 0; i < 500; i++) {
        double usual[METRICS];

        for (uint32_t m = 0; m < METRICS; m++)
            usual[m] = 10 * m + rng_normal(&r);
        point.row = usual;
        tocsin__rows_code(&rows, &s, &point, codes);
        tocsin__rows_judge(&rows, &s, &point, codes, rng_uniform(&r), &reading);
        tocsin__rows_learn(&rows, &s, &point, codes, &reading);
    }
    for (uint32_t speaker = 0; speaker < VIEWS; speaker++) {
        double own[METRICS], sum = 0;
        uint32_t most = 0;

        point.row = row;
        point.shares = shares;
        memset(&reading, 0, sizeof reading);
        reading.channel[speaker] = 6;
        tocsin__rows_code(&rows, &s, &point, codes);
        memcpy(parts, parts_of_forest, sizeof parts);
        tocsin__rows_share(&rows, &s, &point, codes, parts, NULL, &reading);
        for (uint32_t m = 0; m < METRICS; m++) {
            const double *const centre = s.centre + 2 * m;

            own[m] = speaker == 0   ? parts_of_forest[m]
                     : speaker == 1 ? fabs(codes[m] - 32768.0)
                     : m == 2       ? 0
                                    : fmin(80, fabs(row[m] - centre[1]) / s.spread[3 * m + 2]);
            sum += own[m];
            most = own[m] > own[most] ? m : most;
            ck_assert_double_eq_tol(shares[METRICS + m], speaker == 2 ? centre[1] : centre[0], 1e-9);
        }
        for (uint32_t m = 0; m < METRICS; m++)
            ck_assert_double_eq_tol(shares[m], 6 * own[m] / sum, 1e-9);
        ck_assert_uint_eq(reading.metric, most);
        ck_assert_double_eq(reading.expected, s.centre[2 * most + (speaker == 2)]);
        ck_assert_int_eq(reading.direction, row[most] > reading.expected ? 1 : -1);
        ck_assert_int_eq(reading.reason[speaker], most == 3 ? TOCSIN_REASON_DROP
                                                            : TOCSIN_REASON_SPIKE);
    }
}
END_TEST

/* Values of any size leave numbers behind that can be kept. */
START_TEST(extremes_stay_within_bounds)
{
    static const double extremes[] = {0, -0.0, 1e150, -1e150, DBL_MAX, -DBL_MAX, 5e-324, 1e-200,
                                      INFINITY, -INFINITY, NAN, 1};
    const tocsin__rows rows = rows_of(METRICS, 2, 3);
    rng r = rng_seeded(98);
    static state s;

    memset(&s, 0, sizeof s);
    tocsin__rows_init(&rows, &s);
    for (int i = 0; i < 20000; i++) {
        double row[METRICS];
        uint16_t codes[2 * METRICS];
        tocsin__reading reading;
        tocsin__point point;

        memset(&point, 0, sizeof point);
        memset(&reading, 0, sizeof reading);
        for (uint32_t m = 0; m < METRICS; m++)
            row[m] = extremes[rng_below(&r, sizeof extremes / sizeof extremes[0])];
        point.row = row;
        tocsin__rows_code(&rows, &s, &point, codes);
        tocsin__rows_judge(&rows, &s, &point, codes, rng_below(&r, 1024), &reading);
        tocsin__rows_learn(&rows, &s, &point, codes, &reading);
        for (int v = 0; v < VIEWS; v++) {
            require(reading.channel[v] >= 0 && reading.channel[v] < 1e6, "channel %d is %g", v,
                    reading.channel[v]);
            require(s.views.usual[v] >= 0 && s.views.usual[v] <= 4096 && s.views.spread[v] >= 0 &&
                        s.views.spread[v] <= 4096, "view %d: %g, %g", v, s.views.usual[v],
                    s.views.spread[v]);
        }
        for (uint32_t m = 0; m < METRICS; m++)
            require(fabs(s.centre[2 * m]) <= TOCSIN__VALUE_MAX &&
                        fabs(s.centre[2 * m + 1]) <= TOCSIN__VALUE_MAX &&
                        s.spread[3 * m] <= 2 * TOCSIN__VALUE_MAX &&
                        s.spread[3 * m + 1] <= 2 * TOCSIN__VALUE_MAX &&
                        s.spread[3 * m + 2] <= 2 * TOCSIN__VALUE_MAX, "metric %u", m);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("rows");
    TCase *tcase = suite_case(s, "rows");

    tcase_add_loop_test(tcase, equals_its_definition, 0, 4);
    tcase_add_test(tcase, the_view_that_speaks_is_explained);
    tcase_add_test(tcase, extremes_stay_within_bounds);
    return s;
}

TOCSIN_TEST_MAIN(suite)
