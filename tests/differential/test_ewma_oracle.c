/* test_ewma_oracle.c - ewma against its definition.
 *
 * That is level_oracle.h, which remembers everything and has no formula in common with ewma.c.
 */
#include "../support/suite.h"

#include <math.h>
#include <stdio.h>

#include "level_oracle.h"

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
    snprintf(text, sizeof text, "ewma %s warmup=%d state=%s | raw", c->parameters, ORACLE_WARMUP,
             state);
    ck_assert_int_eq(tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (size_t i = 0; i < ORACLE_POINTS; i++) {
        const double value = oracle_next_value(&r, i);
        const long double floor = oracle_floor(o, c);
        const double deviation = (double)fmaxl(o->deviation, floor);
        tocsin_verdict verdict;

        tocsin_detector_push(detector, (int64_t)(seconds * 1e9), value, TOCSIN_LEARN_AND_SCORE,
                             &verdict, sizeof verdict);
        if (isnan(value)) {
            ck_assert(isnan(verdict.score));
        } else {
            if (o->n >= ORACLE_WARMUP) {
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
        seconds += oracle_next_gap(&r);
    }
    ck_assert_uint_gt(judged, ORACLE_POINTS / 2);
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
