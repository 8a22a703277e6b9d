/* test_spectral_oracle.c - spectral against the formula of the paper, with sums for transforms.
 *
 * The oracle writes the residual as the paper does, log amplitude less its mean over neighbours and
 * the phase put back by sine and cosine, in long double, and keeps all values.
 */
#include "../support/suite.h"

#include <complex.h>
#include <math.h>

#include "../support/rng.h"
#include "tocsin.h"

#define SIZE 128
#define POINTS 300

static long double saliency(const double *last, long double floor_relative)
{
    long double x[SIZE], mean = 0, slope = 0, amplitude[SIZE], before = 0, at = 0;
    long double complex spectrum[SIZE];
    const double *shown = last - (SIZE - 6);

    for (int i = 0; i < SIZE - 5; i++)
        x[i] = shown[i];
    for (int i = 1; i <= 5; i++)
        slope += (x[SIZE - 7] - x[SIZE - 7 - i]) / i / 5;
    for (int i = SIZE - 5; i < SIZE; i++)
        x[i] = x[SIZE - 11] + 5 * slope;
    for (int i = 0; i < SIZE; i++)
        mean += x[i] / SIZE;
    for (int f = 0; f < SIZE; f++) {
        spectrum[f] = 0;
        for (int i = 0; i < SIZE; i++)
            spectrum[f] += (x[i] - mean) *
                           cexpl(-2 * acosl(-1) * I * (long double)(f * i % SIZE) / SIZE);
        amplitude[f] = logl(hypotl(cabsl(spectrum[f]), floor_relative * fabsl(mean) * sqrtl(SIZE)));
    }
    for (int i = SIZE - 6 - 21; i <= SIZE - 6; i++) {
        long double complex sum = 0;

        for (int f = 0; f < SIZE; f++) {
            const long double usual = (amplitude[(f + SIZE - 1) % SIZE] + amplitude[f] +
                                       amplitude[(f + 1) % SIZE]) / 3;
            const long double residual = logl(cabsl(spectrum[f])) - usual;

            sum += cexpl(residual + I * cargl(spectrum[f]) +
                         2 * acosl(-1) * I * (long double)(f * i % SIZE) / SIZE);
        }
        at = cabsl(sum) / SIZE;
        if (i < SIZE - 6)
            before += at / 21;
    }
    return fmaxl(0, at - before) / (before + 0.009L);
}

START_TEST(equals_the_paper)
{
    rng r = rng_seeded(4);
    tocsin_spec *spec;
    tocsin_detector *detector;
    double values[POINTS];

    ck_assert_int_eq(tocsin_spec_compile(&spec, "spectral floor-relative=0.1% | raw",
                                         TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (size_t i = 0; i < POINTS; i++) {
        tocsin_verdict verdict;

        values[i] = 100 + 20 * sin((double)i / 4) + rng_normal(&r) + (i == 200 ? 60 : 0);
        tocsin_detector_push(detector, (int64_t)i * TOCSIN_MINUTE, values[i],
                             TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
        if (i < SIZE - 1)
            ck_assert(isnan(verdict.raw));
        else if (i % 5 == 0)
            ck_assert_double_eq_tol(verdict.raw, (double)saliency(&values[i], 0.001L), 1e-8);
        if (i == 200)
            ck_assert_double_gt(verdict.raw, 3);
    }
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
}
END_TEST

/* The unit is none of its business, and a series at rest does not ring for dust. */
START_TEST(units_and_rest)
{
    tocsin_spec *spec;
    tocsin_detector *one, *other;
    rng r = rng_seeded(5);
    tocsin_verdict a, b;

    ck_assert_int_eq(tocsin_spec_compile(&spec, "spectral | raw", TOCSIN_NUL_TERMINATED, NULL,
                                         NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&one, spec, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&other, spec, NULL), 0);
    for (int64_t i = 0; i < 400; i++) {
        const double value = i < 200 ? 10 + rng_normal(&r) : 10 + 1e-9 * rng_normal(&r);

        tocsin_detector_push(one, i, value, TOCSIN_LEARN_AND_SCORE, &a, sizeof a);
        tocsin_detector_push(other, i, 1024 * value, TOCSIN_LEARN_AND_SCORE, &b, sizeof b);
        if (i >= SIZE)
            ck_assert_double_eq_tol(a.raw, b.raw, 1e-9 * (1 + a.raw));
        if (i >= 200 + SIZE)
            ck_assert_double_lt(a.raw, 0.01);
    }
    tocsin_detector_free(one);
    tocsin_detector_free(other);
    tocsin_spec_free(spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("spectral against the paper");
    TCase *oracles = suite_case(s, "oracle");

    tcase_add_test(oracles, equals_the_paper);
    tcase_add_test(oracles, units_and_rest);
    return s;
}

TOCSIN_TEST_MAIN(suite)
