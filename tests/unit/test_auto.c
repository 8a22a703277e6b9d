/* The detector `auto` and the bars it measures its channels with: against plain restatements of what
 * they promise, on series whose answer is known. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "state/bars.h"
#include "tocsin.h"
#include "../support/rng.h"
#include "../support/suite.h"

#define expect(condition) require(condition, "expected: %s", #condition)

/* ---- Bars ------------------------------------------------------------------- */

/* The recursion as the header states it, in doubles. */
START_TEST(bars_are_the_moments_of_block_maxima)
{
    rng r = rng_seeded(1);
    tocsin__bar bar;
    double mean = 1.1, variance = 0.1225;

    tocsin__bar_init(&bar);
    for (uint32_t block = 0; block < 500; block++) {
        double most = 0;

        for (int i = 0; i < 20; i++) {
            const double f = fabs(rng_normal(&r)) * (block % 50 == 7 ? 40 : 1);

            most = fmax(most, fmin(f, TOCSIN__BAR_STATISTIC_MAX));
        }
        tocsin__bar_end_block(&bar, most, block);

        const double share = 1 / fmin(115.4, block + 4.0);
        const double spread = sqrt(variance + 0.0225);
        const double news = fmin(log(1 + most) - mean, 2 * spread);

        variance = (1 - share) * (variance + share * news * news);
        mean = fmax(log(2), mean + share * news);
        expect(fabs((double)bar.mean - mean) < 1e-5);
        expect(fabs((double)bar.variance - variance) < 1e-5);
        expect(fabs(tocsin__bar_statistic(&bar, 0) - (exp(mean) - 1)) < 1e-4);
        for (double f = 0.5; f < 50; f *= 3)
            expect(fabs(tocsin__bar_excess(&bar, log(1 + f)) -
                        (log(1 + f) - mean) / sqrt(variance + 0.0225)) < 1e-3);
        for (double excess = -1; excess < 6; excess++)
            expect(fabs(tocsin__bar_excess(&bar, log(1 + tocsin__bar_statistic(&bar, excess))) -
                        excess) < 1e-9);
    }
}
END_TEST

START_TEST(bars_of_a_series_at_rest_stay_above_one_deviation)
{
    tocsin__bar bar;

    tocsin__bar_init(&bar);
    for (uint32_t block = 0; block < 5000; block++)
        tocsin__bar_end_block(&bar, 0, block);
    ck_assert_double_eq_tol(tocsin__bar_statistic(&bar, 0), 1, 1e-6);
    ck_assert_double_eq_tol((double)bar.variance, log(2) * log(2), 0.01);
    tocsin__bar_end_block(&bar, 0, UINT32_MAX);
    ck_assert_double_eq_tol(tocsin__bar_statistic(&bar, 0), 1, 1e-6);
}
END_TEST

/* ---- The detector ----------------------------------------------------------- */

typedef struct {
    tocsin_spec *spec;
    tocsin_detector *detector;
    tocsin_verdict verdict;     /* of the last point */
    int64_t time, step;
} series;

/* A Monday. */
#define MONDAY (INT64_C(1767571200) * TOCSIN_SECOND)

static series series_of(const char *text, int64_t step)
{
    series s;

    memset(&s, 0, sizeof s);
    ck_assert_int_eq(tocsin_spec_compile(&s.spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&s.detector, s.spec, NULL), 0);
    s.time = MONDAY;
    s.step = step;
    return s;
}

static void series_end(series *s)
{
    tocsin_detector_free(s->detector);
    tocsin_spec_free(s->spec);
}

static double push(series *s, double value)
{
    s->time += s->step;
    require(tocsin_detector_push(s->detector, s->time, value, TOCSIN_LEARN_AND_SCORE, &s->verdict,
                                 sizeof s->verdict) == 0, "refused");
    return s->verdict.raw;
}

static double day_of(const series *s)
{
    return (double)((s->time + s->step) % TOCSIN_DAY) / (double)TOCSIN_DAY;
}

static int is_weekend(const series *s)
{
    return (s->time + s->step - MONDAY) / TOCSIN_DAY % 7 >= 5;
}

static double daily(const series *s, rng *r)
{
    return 100 + 20 * sin(2 * 3.14159265358979 * day_of(s)) + rng_normal(r);
}

static const int64_t steps[] = {TOCSIN_MINUTE, 5 * TOCSIN_MINUTE, TOCSIN_HOUR};

/* What was promised of the scale: in noise, a usual block's maximum reads 2. */
START_TEST(highest_of_usual_blocks_reads_two)
{
    series s = series_of("auto season=off | raw", steps[_i]);
    rng r = rng_seeded(5);
    double sum = 0;
    int blocks = 0;

    for (int block = 0; block < 100; block++) {
        double most = 0;

        for (int i = 0; i < 100; i++) {
            push(&s, rng_normal(&r));
            if (s.verdict.channel == 0 && s.verdict.raw > most)
                most = s.verdict.raw;
        }
        if (block >= 20) {
            sum += log(1 + most);
            blocks++;
        }
    }
    ck_assert_double_gt(exp(sum / blocks) - 1, 1.2);
    ck_assert_double_lt(exp(sum / blocks) - 1, 3.5);
    series_end(&s);
}
END_TEST

START_TEST(spikes_and_drops_are_told_by_their_names)
{
    for (int direction = -1; direction <= 1; direction += 2)
        for (int seasonal = 0; seasonal < 2; seasonal++) {
            series s = series_of("auto | raw", steps[_i]);
            rng r = rng_seeded(7);
            double usual = 0;

            for (int i = 0; i < 1200; i++) {
                const double raw = push(&s, seasonal ? daily(&s, &r) : rng_normal(&r));

                if (i > 600)
                    usual = fmax(usual, raw);
            }

            const double base = seasonal ? daily(&s, &r) : 0;

            expect(push(&s, base + direction * 12 * (seasonal ? 6 : 1)) > usual);
            expect(s.verdict.raw > 5);
            ck_assert_int_eq(s.verdict.direction, direction);
            series_end(&s);
        }
}
END_TEST

/* From a second to a day between points, and with gaps and jitter. */
START_TEST(any_step_will_do)
{
    static const int64_t any[] = {TOCSIN_SECOND, 10 * TOCSIN_SECOND, TOCSIN_DAY, TOCSIN_WEEK};
    series s = series_of("auto | raw", any[_i]);
    rng r = rng_seeded(61);

    for (int i = 0; i < 1500; i++) {
        s.time += (int64_t)(rng_uniform(&r) * 0.3 * (double)s.step) + (i % 100 == 99) * 5 * s.step;
        push(&s, 50 + rng_normal(&r));
    }
    ck_assert_double_eq_tol(s.verdict.expected, 50, 2);
    ck_assert_double_eq_tol(s.verdict.deviation, 1, 0.5);
    ck_assert_double_gt(push(&s, 62), 5);
    ck_assert_int_eq(s.verdict.direction, 1);
    series_end(&s);
}
END_TEST

START_TEST(a_lasting_shift_is_a_matter_of_level)
{
    series s = series_of("auto season=off | raw", steps[_i]);
    rng r = rng_seeded(11);
    double highest = 0;
    int is_level = 0;

    for (int i = 0; i < 3000; i++)
        push(&s, rng_normal(&r));
    for (int i = 0; i < 60; i++) {
        highest = fmax(highest, push(&s, 1.5 + rng_normal(&r)));
        is_level |= s.verdict.raw > 4 && s.verdict.channel == 4;
    }
    ck_assert_double_gt(highest, 4);
    ck_assert(is_level);
    series_end(&s);
}
END_TEST

/* The noise of two deviations sees no single point that is strange. */
START_TEST(a_livelier_time_is_unrest)
{
    series s = series_of("auto season=off | raw", steps[_i]);
    rng r = rng_seeded(13);
    int unrest = 0;

    for (int i = 0; i < 3000; i++)
        push(&s, rng_normal(&r));
    for (int i = 0; i < 60; i++) {
        const double size = 1.9 + 0.2 * rng_uniform(&r);

        push(&s, i % 2 ? size : -size);
        unrest |= s.verdict.channel == 6 || s.verdict.channel == 1;
    }
    ck_assert(unrest);
    series_end(&s);
}
END_TEST

START_TEST(a_day_is_found_and_left_alone_where_it_is_not)
{
    series s = series_of("auto | raw", steps[_i]);
    series off = series_of("auto season=off | raw", steps[_i]);
    const int days = steps[_i] == TOCSIN_MINUTE ? 6 : 12;
    rng r = rng_seeded(17);

    for (int64_t i = 0; i < days * (TOCSIN_DAY / steps[_i]); i++) {
        const double value = daily(&s, &r);

        push(&s, value);
        push(&off, value);
    }
    ck_assert_double_lt(s.verdict.deviation, 4);
    ck_assert_double_gt(off.verdict.deviation, 10);

    /* The noon's height at midnight. */
    while (s.time % TOCSIN_DAY != 18 * TOCSIN_HOUR - steps[_i])
        push(&s, daily(&s, &r));
    ck_assert_double_gt(push(&s, 120), 4);
    series_end(&s);
    series_end(&off);
}
END_TEST

START_TEST(a_week_is_found)
{
    series s = series_of("auto | raw", TOCSIN_HOUR);
    rng r = rng_seeded(19);

    for (int i = 0; i < 10 * 168; i++)
        push(&s, (is_weekend(&s) ? 20 : 100) + 10 * sin(6.28318530718 * day_of(&s)) + rng_normal(&r));
    ck_assert_double_lt(s.verdict.deviation, 15);      /* without a week it is beyond 30 */
    while (is_weekend(&s) || day_of(&s) != 0.5)
        push(&s, (is_weekend(&s) ? 20 : 100) + 10 * sin(6.28318530718 * day_of(&s)) + rng_normal(&r));
    ck_assert_double_gt(push(&s, 20), 4);
    series_end(&s);
}
END_TEST

/* Slow points of a strong season, whose half hours are met once a day: after two weeks its profile is
 * known, and the deviation is rather the noise's than that of the days in which it was not. */
START_TEST(the_deviation_follows_what_is_learnt)
{
    static const int64_t slow[] = {30 * TOCSIN_MINUTE, TOCSIN_HOUR};
    const int64_t day = TOCSIN_DAY / slow[_i];
    series s = series_of("auto | raw", slow[_i]);
    rng r = rng_seeded(20);

    for (int64_t i = 0; i < 14 * day + day / 3; i++)
        push(&s, 40 * sin(6.28318530718 * day_of(&s)) + rng_normal(&r));
    ck_assert_double_gt(s.verdict.deviation, 0.7);
    ck_assert_double_lt(s.verdict.deviation, 3);
    series_end(&s);
}
END_TEST

/* Units and dates are nobody's business: a power of two, or four weeks, change no bit. */
START_TEST(units_and_dates_do_not_matter)
{
    series s = series_of("auto | raw", steps[_i]), scaled = series_of("auto | raw", steps[_i]);
    rng r = rng_seeded(23);

    scaled.time += 4 * TOCSIN_WEEK;
    for (int i = 0; i < 3000; i++) {
        const double value = daily(&s, &r) + (rng_uniform(&r) < 0.01 ? 50 : 0);
        const double raw = push(&s, value), other = push(&scaled, 1024 * value);

        expect(raw == other || (isnan(raw) && isnan(other)));
        expect(s.verdict.reason == scaled.verdict.reason && s.verdict.channel == scaled.verdict.channel);
    }
    series_end(&s);
    series_end(&scaled);
}
END_TEST

/* However long it rested: nobody is called for it, for it has no scale. */
START_TEST(the_first_ripple_of_a_series_at_rest_is_no_alarm)
{
    static const double levels[] = {0, 100};

    for (size_t l = 0; l < 2; l++) {
        series s = series_of("auto | tail | alarm budget=1/day", steps[_i]);

        for (int i = 0; i < 4000; i++)
            expect(!(push(&s, levels[l]) > 0));
        push(&s, levels[l] * 1.001 + (levels[l] == 0 ? 1e-3 : 0));
        ck_assert_double_le(s.verdict.raw, 2.5);
        ck_assert_int_eq(s.verdict.alarm, TOCSIN_ALARM_OFF);
        series_end(&s);
    }
}
END_TEST

/* And one spike, far out, does not make it deaf to the next. */
START_TEST(an_outage_does_not_deafen)
{
    series s = series_of("auto | raw", steps[_i]);
    rng r = rng_seeded(29);

    for (int i = 0; i < 2000; i++)
        push(&s, 100 + rng_normal(&r));
    for (int i = 0; i < 50; i++)
        push(&s, 0);
    for (int i = 0; i < 1000; i++)
        push(&s, 100 + rng_normal(&r));
    ck_assert_double_gt(push(&s, 130), 5);
    series_end(&s);
}
END_TEST

/* ---- Relearning -------------------------------------------------------------- */

/* Twenty days of noise of 1 about 100, with a daily season of 10 or without. */
static double usual_value(const series *s, rng *r, int seasonal)
{
    return 100 + (seasonal ? 10 * sin(2 * 3.14159265358979 * day_of(s)) : 0) + rng_normal(r);
}

static series series_of_weeks(const char *text, rng *r, int seasonal)
{
    series s = series_of(text, TOCSIN_HOUR / 2);

    for (int i = 0; i < 20 * 48; i++)
        push(&s, usual_value(&s, r, seasonal));
    return s;
}

START_TEST(what_lasts_is_what_is_usual)
{
    for (int seasonal = 0; seasonal < 2; seasonal++) {
        rng r = rng_seeded(31);
        series s = series_of_weeks("auto | raw", &r, seasonal);

        for (int i = 0; i < 36; i++)        /* most of a day: an incident still */
            push(&s, 15 + usual_value(&s, &r, seasonal));
        ck_assert_double_lt(s.verdict.expected, 112);
        for (int i = 0; i < 5 * 48; i++)
            push(&s, 15 + usual_value(&s, &r, seasonal));
        ck_assert_double_lt(s.verdict.deviation, 2);
        ck_assert_double_gt(push(&s, 27 + usual_value(&s, &r, seasonal)), 5);
        series_end(&s);
    }
}
END_TEST

START_TEST(a_scale_that_lasts_is_usual_too)
{
    rng r = rng_seeded(37);
    series s = series_of_weeks("auto | raw", &r, 0);

    for (int i = 0; i < 7 * 48; i++)
        push(&s, 100 + 4 * rng_normal(&r));
    ck_assert_double_gt(s.verdict.deviation, 3);
    ck_assert_double_lt(s.verdict.deviation, 5.5);
    series_end(&s);
}
END_TEST

START_TEST(an_outage_is_not_learnt_unless_it_is_told_to)
{
    static const char *const specs[] = {"auto | raw", "auto hold=1h | raw",
                                        "auto relearn=6h hold=1h | raw"};
    double expected[3], deviation[3];

    for (int i = 0; i < 3; i++) {
        rng r = rng_seeded(41);
        series s = series_of_weeks(specs[i], &r, 1);

        for (int j = 0; j < 30; j++)
            push(&s, 0);
        push(&s, usual_value(&s, &r, 1));
        expected[i] = s.verdict.expected;
        deviation[i] = s.verdict.deviation;
        series_end(&s);
    }
    ck_assert_double_gt(expected[0], 80);
    ck_assert_double_gt(expected[1], 80);      /* its hours of the week are learnt in any case */
    ck_assert_double_lt(deviation[0], 6);
    ck_assert_double_lt(deviation[1], deviation[0]);
    ck_assert_double_lt(fabs(expected[2]), 25);
}
END_TEST

/* ---- Kinds --------------------------------------------------------------------- */

static const struct {
    const char *name;
    int drops;              /* whether it calls for one */
    int scale;              /* 0: none, 1: root, 2: logarithm */
} kinds[] = {
    {"any", 1, 0}, {"latency", 0, 2}, {"errors", 0, 1}, {"traffic", 1, 1}, {"saturation", 0, 0},
    {"counter", 1, 1},
};

static double on_scale(double x, int scale)
{
    return scale == 2 ? 100 * exp(0.05 * x) : scale == 1 ? (10 + x) * (10 + x) : 100 + x;
}

static series series_of_kind(size_t kind, int64_t step)
{
    char text[64];

    snprintf(text, sizeof text, "auto kind=%s | raw", kinds[kind].name);
    return series_of(text, step);
}

START_TEST(kinds_know_what_is_worth_a_call)
{
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
        for (int direction = -1; direction <= 1; direction += 2) {
            series s = series_of_kind(kind, steps[_i]);
            rng r = rng_seeded(43);

            for (int i = 0; i < 1500; i++)
                push(&s, on_scale(rng_normal(&r), kinds[kind].scale));
            ck_assert_double_eq_tol(s.verdict.expected, 100, 12);

            const double raw = push(&s, on_scale(direction * 9, kinds[kind].scale));

            if (direction > 0 || kinds[kind].drops)
                ck_assert_double_gt(raw, 4);
            else
                ck_assert_double_lt(raw, 2.5);
            series_end(&s);
        }
}
END_TEST

/* On its scale a kind reads what `any` reads of the transformed values, half the share of a root
 * being the whole share of its square. */
START_TEST(kinds_are_any_on_their_scale)
{
    for (size_t kind = 3; kind < 6; kind += 2) {
        series s = series_of_kind(kind, steps[_i]);
        series plain = series_of("auto floor-relative=0.05% | raw", steps[_i]);
        rng r = rng_seeded(47);

        for (int i = 0; i < 2000; i++) {
            const double x = 30 + rng_normal(&r) + (rng_uniform(&r) < 0.01 ? 8 : 0);
            const double raw = push(&s, x * x), other = push(&plain, x);

            require(fabs(raw - other) <= 1e-6 * other || (isnan(raw) && isnan(other)),
                    "%d: %.9g, not %.9g", i, raw, other);
        }
        series_end(&s);
        series_end(&plain);
    }
}
END_TEST

/* A latency in other units, and one that is not a latency. */
START_TEST(latencies_have_no_unit_and_no_zero)
{
    series s = series_of_kind(1, steps[_i]), other = series_of_kind(1, steps[_i]);
    rng r = rng_seeded(53);

    for (int i = 0; i < 1500; i++) {
        const double value = on_scale(rng_normal(&r), 2);
        const double raw = push(&s, value), scaled = push(&other, 1e-3 * value);

        expect(fabs(raw - scaled) <= 1e-6 * raw || (isnan(raw) && isnan(scaled)));
    }
    expect(push(&s, 0) < 2.5 && push(&s, -1) < 2.5);
    expect(push(&s, on_scale(0, 2)) < 4);
    ck_assert_double_eq_tol(s.verdict.expected, 100, 10);
    series_end(&s);
    series_end(&other);
}
END_TEST

/* A value on the band reads the limit it was drawn for. */
START_TEST(bands_hold_on_each_scale)
{
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        char text[80];

        snprintf(text, sizeof text, "auto kind=%s | tail | alarm budget=1/day", kinds[kind].name);

        series s = series_of(text, 5 * TOCSIN_MINUTE);
        rng r = rng_seeded(59);

        for (int i = 0; i < 2000; i++)
            push(&s, on_scale(rng_normal(&r), kinds[kind].scale));
        expect(s.verdict.upper > s.verdict.expected && s.verdict.upper < 500);
        if (kinds[kind].drops)
            expect(s.verdict.lower < s.verdict.expected && s.verdict.lower > 0);
        else
            expect(s.verdict.lower == -INFINITY);
        series_end(&s);
    }
}
END_TEST

/* ---- What has reached so far ------------------------------------------------- */

/* Hardly anything, for weeks, but for bursts; then a ripple that is nothing beside them. */
static double ripple_between_bursts(double burst)
{
    series s = series_of("auto | raw", TOCSIN_MINUTE);
    rng r = rng_seeded(70);
    double most = 0;

    for (int i = 0; i < 30 * 1440; i++) {
        const int is_burst = i % 7200 >= 7000 && i % 7200 < 7030;
        const int is_ripple = i > 8 * 1440 && !is_burst && i % 7200 < 6900 && i % 7200 > 400 &&
                              rng_uniform(&r) < 0.002;
        const double raw = push(&s, is_burst ? burst * (1 + rng_uniform(&r)) : is_ripple ? 0.1 : 0);

        if (is_ripple)
            most = fmax(most, raw);
    }
    series_end(&s);
    return most;
}

START_TEST(ripples_between_bursts_are_no_news)
{
    const double small = ripple_between_bursts(0.5), large = ripple_between_bursts(500);

    require(small > 5, "beside bursts of five times as much: %g", small);
    require(large < 2, "beside bursts of five thousand times as much: %g", large);
}
END_TEST

/* A sentinel in the place of values for a minute or half a day; are spikes found on the next day as if
 * what was strange had been a hundred deviations away? */
START_TEST(a_sentinel_does_not_blind)
{
    const double sentinel = _i % 2 ? -1e9 : 1e6;
    const int points = _i < 2 ? 1 : 700;
    series s = series_of("auto | raw", TOCSIN_MINUTE), without = series_of("auto | raw", TOCSIN_MINUTE);
    rng r = rng_seeded(71);

    for (int i = 0; i < 22 * 1440; i++) {
        const double value = 100 + rng_normal(&r) + (i % 1440 == 700 && i > 21 * 1440 ? 10 : 0);
        const int is_lost = i >= 20 * 1440 && i < 20 * 1440 + points;
        const double mild = push(&without, is_lost ? 100 + copysign(100, sentinel) : value);
        const double raw = push(&s, is_lost ? sentinel : value);

        if (i % 1440 == 700 && i > 21 * 1440)
            require(raw > 0.8 * mild && mild > 5, "case %d: %g, and %g", _i, raw, mild);
    }
    series_end(&s);
    series_end(&without);
}
END_TEST

/* ---- An unknown period ------------------------------------------------------- */

enum { WAVE, JOB };

/* What repeats itself: a wave with a harmonic, or a job that runs for a twelfth of the time. */
static double repeated(int shape, double phase)
{
    const double turn = 2 * 3.14159265358979 * phase;

    return shape == WAVE ? 4 * sin(turn) + 2 * sin(2 * turn + 1) : phase < 1.0 / 12 ? 8 : 0;
}

typedef struct {
    int64_t step, period;
    int shape;
    int is_uneven;      /* times jitter by a tenth of a step, one point in 20 is missing */
    int points;
} case_of_period;

static const case_of_period periods[] = {
    {TOCSIN_MINUTE, 7 * TOCSIN_MINUTE, WAVE, 0, 2500},
    {TOCSIN_MINUTE, 90 * TOCSIN_MINUTE, JOB, 0, 4000},
    {TOCSIN_MINUTE, 90 * TOCSIN_MINUTE, WAVE, 1, 4000},
    {5 * TOCSIN_MINUTE, 5 * TOCSIN_HOUR, JOB, 0, 4000},
    {10 * TOCSIN_SECOND, 15 * TOCSIN_MINUTE, WAVE, 1, 3000},
    {TOCSIN_HOUR, 36 * TOCSIN_HOUR, WAVE, 0, 1500},
    {5 * TOCSIN_MINUTE, 11 * TOCSIN_HOUR, WAVE, 1, 4000},
};

static double period_of(const series *s)
{
    tocsin_explanation e;

    e.struct_size = sizeof e;
    ck_assert_int_eq(tocsin_detector_explain(s->detector, &e), 0);
    return e.period;
}

/* One point of such a series; its level may be moved. */
static double push_periodic(series *s, rng *r, const case_of_period *of, double more)
{
    const int64_t aside = of->is_uneven ? (int64_t)((rng_uniform(r) - 0.5) * 0.2 * (double)of->step)
                                        : 0;
    const int is_missing = of->is_uneven && rng_uniform(r) < 0.05;
    double value, raw;

    s->time += aside;
    value = 100 + more + rng_normal(r) +
            repeated(of->shape,
                     (double)((s->time + s->step) % of->period) / (double)of->period);
    raw = push(s, is_missing ? NAN : value);
    s->time -= aside;
    return raw;
}

START_TEST(a_period_nobody_knows_of_is_found_and_used)
{
    const case_of_period *of = &periods[_i];
    series s = series_of("auto | raw", of->step);
    series without = series_of("auto season=calendar | raw", of->step);
    rng r = rng_seeded(40), same = rng_seeded(40);
    double error = 0, error_without = 0;

    for (int i = 0; i < of->points; i++) {
        push_periodic(&s, &r, of, 0);
        push_periodic(&without, &same, of, 0);
    }
    require(period_of(&s) == (double)of->period / (double)TOCSIN_SECOND, "case %d: %g s", _i,
            period_of(&s));
    expect(isnan(period_of(&without)));
    for (int i = 0; i < 300; i++) {
        push_periodic(&s, &r, of, 0);
        push_periodic(&without, &same, of, 0);
        if (!isnan(s.verdict.value)) {
            error += fabs(s.verdict.value - s.verdict.expected);
            error_without += fabs(without.verdict.value - without.verdict.expected);
        }
    }
    require(error < 0.75 * error_without, "case %d: %g of %g", _i, error, error_without);
    series_end(&s);
    series_end(&without);
}
END_TEST

/* The level moves, and the season is found again or still known; it ends, and is given up. */
START_TEST(a_period_survives_a_step_and_ends_when_it_does)
{
    const case_of_period *of = &periods[1];
    series s = series_of("auto | raw", of->step);
    rng r = rng_seeded(41);

    for (int i = 0; i < 4000; i++)
        push_periodic(&s, &r, of, 0);
    for (int i = 0; i < 4000; i++)
        push_periodic(&s, &r, of, 3);
    require(period_of(&s) == 5400, "%g s", period_of(&s));
    for (int i = 0; i < 4000; i++)
        push(&s, 103 + rng_normal(&r));
    expect(isnan(period_of(&s)));
    series_end(&s);
}
END_TEST

/* White noise, a random walk's child, rare bursts, a day. */
static double without_period(const series *s, int kind, rng *r, double *memory)
{
    switch (kind) {
    case 0:
        return rng_normal(r);
    case 1:
        return *memory = 0.95 * *memory + rng_normal(r);
    case 2:
        return rng_normal(r) + (rng_uniform(r) < 0.02 ? 20 : 0);
    default:
        return daily(s, r);
    }
}

START_TEST(there_is_no_period_in_noise)
{
    for (uint64_t seed = 0; seed < 4; seed++) {
        series s = series_of("auto | raw", 5 * TOCSIN_MINUTE);
        rng r = rng_seeded(50 + seed);
        double memory = 0;
        int known = 0;

        for (int i = 0; i < 6000; i++) {
            push(&s, without_period(&s, _i, &r, &memory));
            known += i % 100 == 0 && !isnan(period_of(&s));
        }
        require(known == 0, "kind %d, seed %d: at %d of 60", _i, (int)seed, known);
        series_end(&s);
    }
}
END_TEST

START_TEST(state_is_small)
{
    tocsin_spec *spec;

    ck_assert_int_eq(tocsin_spec_compile(&spec, "auto", TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_uint_le(tocsin_spec_state_size(spec), 2560);
    tocsin_spec_free(spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("auto");
    TCase *bars = suite_case(s, "bars"), *detector = suite_case(s, "detector");
    TCase *relearning = suite_case(s, "relearning"), *kind = suite_case(s, "kinds");
    TCase *reach = suite_case(s, "reach"), *period = suite_case(s, "an unknown period");

    tcase_add_test(bars, bars_are_the_moments_of_block_maxima);
    tcase_add_test(bars, bars_of_a_series_at_rest_stay_above_one_deviation);
    tcase_add_loop_test(detector, highest_of_usual_blocks_reads_two, 0, 3);
    tcase_add_loop_test(detector, spikes_and_drops_are_told_by_their_names, 0, 3);
    tcase_add_loop_test(detector, any_step_will_do, 0, 4);
    tcase_add_loop_test(detector, a_lasting_shift_is_a_matter_of_level, 0, 3);
    tcase_add_loop_test(detector, a_livelier_time_is_unrest, 0, 3);
    tcase_add_loop_test(detector, a_day_is_found_and_left_alone_where_it_is_not, 0, 3);
    tcase_add_test(detector, a_week_is_found);
    tcase_add_loop_test(detector, the_deviation_follows_what_is_learnt, 0, 2);
    tcase_add_loop_test(detector, units_and_dates_do_not_matter, 0, 3);
    tcase_add_loop_test(detector, the_first_ripple_of_a_series_at_rest_is_no_alarm, 0, 3);
    tcase_add_loop_test(detector, an_outage_does_not_deafen, 0, 3);
    tcase_add_loop_test(kind, kinds_know_what_is_worth_a_call, 0, 3);
    tcase_add_loop_test(kind, kinds_are_any_on_their_scale, 0, 3);
    tcase_add_loop_test(kind, latencies_have_no_unit_and_no_zero, 0, 3);
    tcase_add_test(kind, bands_hold_on_each_scale);
    tcase_add_test(relearning, what_lasts_is_what_is_usual);
    tcase_add_test(relearning, a_scale_that_lasts_is_usual_too);
    tcase_add_test(relearning, an_outage_is_not_learnt_unless_it_is_told_to);
    tcase_add_test(detector, state_is_small);
    tcase_add_test(reach, ripples_between_bursts_are_no_news);
    tcase_add_loop_test(reach, a_sentinel_does_not_blind, 0, 4);
    tcase_add_loop_test(period, a_period_nobody_knows_of_is_found_and_used, 0, 7);
    tcase_add_test(period, a_period_survives_a_step_and_ends_when_it_does);
    tcase_add_loop_test(period, there_is_no_period_in_noise, 0, 4);
    return s;
}

TOCSIN_TEST_MAIN(suite)
