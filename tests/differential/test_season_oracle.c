/* test_season_oracle.c - season against its definition, worked out afresh at each point.
 *
 * The oracle keeps all points.  Means are weighted sums over them, a slot's mean is put together
 * from the visits that are over, found by their numbers; nothing is carried from point to point.
 */
#include "../support/suite.h"

#include <math.h>
#include <stdio.h>

#include "../support/rng.h"
#include "tocsin.h"

#define POINTS 1000
#define WARMUP 8

typedef struct {
    const char *parameters;
    int has_week, is_timed;
    double half_life;           /* points, or days */
    double memory;              /* days */
    double shrinkage;
    double tolerance;
} season_case;

static const season_case cases[] = {
    {"half-life=100p state=double", 1, 0, 100, 7, 3, 1e-9},
    {"half-life=300p profile=day memory=2d shrinkage=10 state=double", 0, 0, 300, 2, 10, 1e-9},
    {"half-life=12h shrinkage=0 state=double", 1, 1, 0.5, 7, 0, 1e-9},
    {"half-life=100p", 1, 0, 100, 7, 3, 2e-5},
};

typedef struct {
    int64_t time;
    long double gain, residual, after_day, after_week, size, told;
} learnt;

static learnt points[POINTS];
static size_t count;

static long long floor_div(long long a, long long b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static long long day_visit(int64_t time)
{
    return floor_div(time, 30 * TOCSIN_MINUTE);
}

static long long week_visit(int64_t time)
{
    return floor_div(time, TOCSIN_HOUR);
}

/* The mean over a slot's visits that are over, of residuals, or of sizes, or after the day; and how
 * many points that is. */
static long double slot_mean(const season_case *c, int is_week, long long slot, int of_sizes,
                             double *seen)
{
    long long (*const visit_of)(int64_t) = is_week ? week_visit : day_visit;
    const long long slots = is_week ? 168 : 48;
    const long double least = 1 - exp2l(-1 / (long double)c->memory);
    long double mean = 0;

    *seen = 0;
    for (size_t i = 0; i < count;) {
        const long long visit = visit_of(points[i].time);
        long double sum = 0;
        size_t n = 0;

        for (; i < count && visit_of(points[i].time) == visit; i++, n++)
            sum += of_sizes ? points[i].size : is_week ? points[i].after_day : points[i].residual;
        if (i == count || floor_div(visit, slots) * slots + slot != visit)
            continue;
        *seen += (double)n;
        mean += fmaxl((long double)n / *seen, least) * (sum / (long double)n - mean);
    }
    return mean;
}

static long double shrunk(const season_case *c, int is_week, long long slot, double *seen)
{
    const long double mean = slot_mean(c, is_week, slot, 0, seen);

    return *seen > 0 ? mean * *seen / (*seen + c->shrinkage) : 0;
}

static long long modulo(long long a, long long b)
{
    return a - floor_div(a, b) * b;
}

/* What the profile of the day says, between the middles of two slots. */
static long double day_at(const season_case *c, int64_t time)
{
    const long double at = (long double)time / (long double)(30 * TOCSIN_MINUTE) - 0.5L;
    const long long left = (long long)floorl(at);
    const long double share = at - (long double)left;
    double seen_left, seen_right;
    const long double of_left = shrunk(c, 0, modulo(left, 48), &seen_left);
    const long double of_right = shrunk(c, 0, modulo(left + 1, 48), &seen_right);

    if (seen_left > 0 && seen_right > 0)
        return of_left + share * (of_right - of_left);
    return share < 0.5L ? of_left : of_right;
}

START_TEST(equals_its_definition)
{
    const season_case *c = &cases[_i];
    rng r = rng_seeded(3 + (uint64_t)_i);
    tocsin_spec *spec;
    tocsin_detector *detector;
    char text[160];
    int64_t time = -3 * TOCSIN_DAY, last = 0;
    long double level = 0;
    size_t with_season = 0;
    unsigned n = 0;             /* what 1/n counts: points, until their gain is larger */

    count = 0;
    snprintf(text, sizeof text,
             "season %s clip=inf floor-relative=0 floor-history=0 warmup=%d | raw", c->parameters,
             WARMUP);
    ck_assert_int_eq(tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (size_t i = 0; i < POINTS; i++) {
        const double hour = (double)modulo(time, TOCSIN_DAY) / (double)TOCSIN_HOUR;
        const int is_weekend = modulo(floor_div(time, TOCSIN_DAY), 7) < 2;
        const double value = 50 + 10 * sin(hour * 0.2617993877991494) - 15 * is_weekend +
                             (hour < 8 ? 0.5 : 2) * rng_normal(&r);
        long double bare = 0, with_day = 0, with_week = 0, common = 0, variance = 0, rest = 1;
        tocsin_verdict verdict;
        double seen;

        tocsin_detector_push(detector, time, value, TOCSIN_LEARN_AND_SCORE, &verdict,
                             sizeof verdict);
        for (size_t k = count; k-- > 0; rest *= 1 - points[k].gain) {
            const learnt *p = &points[k];
            const long double w = rest * p->gain;

            bare += w * fabsl(p->residual);
            with_day += w * fabsl(p->after_day);
            with_week += w * fabsl(p->after_week);
            common += w * p->size;
            variance += w * (1 - p->gain) * p->told * p->told;
        }
        if (i == 0)
            level = value;

        const long double day = day_at(c, time);
        const long double week = c->has_week ? shrunk(c, 1, modulo(week_visit(time), 168), &seen)
                                             : 0;
        const int uses_week = c->has_week && with_week < 0.9L * fminl(bare, with_day);
        const int uses_day = with_day < 0.95L * bare;
        const long double season = uses_week ? day + week : uses_day ? day : 0;
        const long double spread = slot_mean(c, 0, modulo(day_visit(time), 48), 1, &seen);
        const long double share =
            common > 0 ? fmaxl(0.5L, 1 + seen / (seen + 5) * (spread / common - 1)) : 1;
        const long double expected = level + season, deviation = share * sqrtl(variance);

        with_season += season != 0;
        if (i >= WARMUP) {
            ck_assert_msg(fabs(verdict.expected - (double)expected) <= c->tolerance * 50,
                          "%s: point %zu expects %.17g, not %.17g", text, i, verdict.expected,
                          (double)expected);
            ck_assert_double_eq_tol(verdict.deviation, (double)deviation, c->tolerance * 10);
            ck_assert_double_eq_tol(verdict.raw, fabs(value - (double)expected) / (double)deviation,
                                    c->tolerance * 50);
        }

        const long double d = value - expected;
        const long double elapsed = (long double)(time - last) / (long double)TOCSIN_DAY;
        const long double decay = c->is_timed ? fminl(1, i ? elapsed / c->half_life : 0)
                                              : 1 / (long double)c->half_life;
        const long double gain = fmaxl(1 - exp2l(-decay), 1 / ((long double)n + 1));

        n += n < WARMUP || 1 - exp2l(-decay) < 1 / ((long double)n + 1);

        points[count++] = (learnt){time, gain, season + d, season + d - day,
                                   season + d - day - week, fabsl(d), fabsl(d) / share};
        level += gain * d;
        last = time;
        time += 25 * TOCSIN_MINUTE + (int64_t)rng_below(&r, 10) * TOCSIN_MINUTE;
        if (rng_below(&r, 100) == 0)
            time += 7 * TOCSIN_HOUR;
    }
    ck_assert_uint_gt(with_season, POINTS / 3);
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
}
END_TEST

/* A forecast is what is then expected, if all that comes until then is as forecast. */
START_TEST(forecasts_follow_the_profile)
{
    tocsin_spec *spec;
    tocsin_detector *detector;
    tocsin_forecast ahead[96];
    rng r = rng_seeded(9);

    ck_assert_int_eq(tocsin_spec_compile(&spec, "season | raw", TOCSIN_NUL_TERMINATED, NULL, NULL),
                     0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (int64_t i = 0; i < 14 * 96; i++)
        tocsin_detector_push(detector, i * 15 * TOCSIN_MINUTE,
                             20 + (i % 96 < 32 ? 10 : -5) + rng_normal(&r), TOCSIN_LEARN_AND_SCORE,
                             NULL, 0);
    ck_assert_int_eq(tocsin_detector_forecast(detector, 96, 0.9, ahead, sizeof ahead[0]), 0);
    for (int i = 0; i < 96; i++)
        if (i % 32 > 2 && i % 32 < 29)
            ck_assert_double_eq_tol(ahead[i].expected, 20 + (i < 32 ? 10 : -5), 2);
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
}
END_TEST

/* A spike that is small by day is large by night. */
START_TEST(each_half_hour_has_its_spread)
{
    tocsin_spec *spec;
    tocsin_detector *detector;
    tocsin_verdict by_night, by_day;
    rng r = rng_seeded(10);

    ck_assert_int_eq(tocsin_spec_compile(&spec, "season | raw", TOCSIN_NUL_TERMINATED, NULL, NULL),
                     0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (int64_t i = 0; i < 14 * 96; i++)
        tocsin_detector_push(detector, i * 15 * TOCSIN_MINUTE,
                             100 + (i % 96 < 32 ? 1 : 6) * rng_normal(&r), TOCSIN_LEARN_AND_SCORE,
                             NULL, 0);
    tocsin_detector_push(detector, 14 * TOCSIN_DAY + 2 * TOCSIN_HOUR, 110, TOCSIN_SCORE_ONLY,
                         &by_night, sizeof by_night);
    tocsin_detector_push(detector, 14 * TOCSIN_DAY + 15 * TOCSIN_HOUR, 110, TOCSIN_SCORE_ONLY,
                         &by_day, sizeof by_day);
    ck_assert_double_gt(by_night.raw, 1.5 * by_day.raw);
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("season against its definition");
    TCase *oracles = suite_case(s, "oracle");

    tcase_add_loop_test(oracles, equals_its_definition, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(oracles, forecasts_follow_the_profile);
    tcase_add_test(oracles, each_half_hour_has_its_spread);
    return s;
}

TOCSIN_TEST_MAIN(suite)
