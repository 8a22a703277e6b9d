/* test_robust_oracle.c - robust against P-square as published, and against exact medians.
 *
 * The oracle is Jain and Chlamtac's algorithm in their own terms, counts of observations and
 * desired positions, in long double.
 */
#include "../support/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/rng.h"
#include "state/quartiles.h"
#include "tocsin.h"

typedef struct {
    long double height[5], position[5];
    size_t count;
} p_square;

static int ascending(const void *a, const void *b)
{
    const long double x = *(const long double *)a, y = *(const long double *)b;

    return (x > y) - (x < y);
}

static void p_square_learn(p_square *p, long double x)
{
    if (p->count < 5) {
        p->height[p->count++] = x;
        qsort(p->height, p->count, sizeof p->height[0], ascending);
        for (int i = 0; i < 5; i++)
            p->position[i] = i + 1;
        return;
    }
    p->count++;
    p->height[0] = fminl(p->height[0], x);
    p->height[4] = fmaxl(p->height[4], x);
    for (int i = 1; i < 4; i++)
        p->position[i] += x < p->height[i];
    p->position[4] = p->count;
    for (int i = 1; i < 4; i++) {
        const long double *n = p->position, *q = p->height;
        const long double off = 1 + (p->count - 1) * (i / 4.0L) - n[i];
        const int d = off >= 1 && n[i + 1] - n[i] > 1     ? 1
                      : off <= -1 && n[i - 1] - n[i] < -1 ? -1
                                                          : 0;
        long double moved;

        if (d == 0)
            continue;
        moved = q[i] + d / (n[i + 1] - n[i - 1]) *
                           ((n[i] - n[i - 1] + d) * (q[i + 1] - q[i]) / (n[i + 1] - n[i]) +
                            (n[i + 1] - n[i] - d) * (q[i] - q[i - 1]) / (n[i] - n[i - 1]));
        if (!(q[i - 1] < moved && moved < q[i + 1]))
            moved = q[i] + d * (q[i + d] - q[i]) / (n[i + d] - n[i]);
        p->height[i] = moved;
        p->position[i] += d;
    }
}

/* The worked example of the paper: the median of 20 observations is estimated as 4.44. */
START_TEST(the_published_example)
{
    static const double values[] = {0.02, 0.15, 0.74, 3.39, 0.83, 22.37, 10.15, 15.43, 38.62, 15.92,
                                    34.60, 10.28, 1.47, 0.40, 0.05, 11.39, 0.27, 0.42, 0.09,
                                    11.37};
    p_square p = {.count = 0};
    tocsin__quartiles q = {{0}, {0}, {0}};

    for (uint32_t i = 0; i < 20; i++) {
        p_square_learn(&p, values[i]);
        tocsin__quartiles_learn(&q, i, values[i], 0);
    }
    ck_assert_double_eq_tol((double)p.height[2], 4.44, 0.005);
    ck_assert_double_eq_tol(tocsin__quartiles_median(&q, 20), 4.44, 0.005);
}
END_TEST

/* The whole detector, as long as nothing fades. */
START_TEST(equals_p_square)
{
    const double tolerance = _i ? 1e-6 : 1e-9;

    for (uint64_t seed = 1; seed <= 6; seed++) {
        rng r = rng_seeded(seed);
        p_square values = {.count = 0}, deviations = {.count = 0};
        tocsin_spec *spec;
        tocsin_detector *detector;
        char text[160];

        snprintf(text, sizeof text, "robust half-life=1e9p clip=inf floor-relative=0 "
                                    "floor-history=0 warmup=8 state=%s | raw",
                 _i ? "mixed" : "double");
        ck_assert_int_eq(tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
        ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
        for (size_t i = 0; i < 600; i++) {
            const double value = 20 + rng_normal(&r) * (rng_below(&r, 10) ? 1 : 30);
            const size_t n = values.count;
            const long double median = n == 0 ? value
                                       : n < 5 ? (values.height[(n - 1) / 2] +
                                                  values.height[n / 2]) / 2
                                               : values.height[2];
            tocsin_verdict verdict;

            tocsin_detector_push(detector, (int64_t)i * TOCSIN_MINUTE, value,
                                 TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
            if (i >= 8) {
                const double raw = (double)(fabsl(value - median) /
                                            (1.482602218505602L * deviations.height[2]));

                ck_assert_msg(fabs(verdict.raw - raw) <= tolerance * (1 + raw),
                              "seed %d, point %zu: %.17g, not %.17g", (int)seed, i, verdict.raw,
                              raw);
                ck_assert(fabs(verdict.expected - (double)median) <= tolerance * 20);
            }
            p_square_learn(&values, value);
            p_square_learn(&deviations, fabsl(value - median));
        }
        tocsin_detector_free(detector);
        tocsin_spec_free(spec);
    }
}
END_TEST

/* With fading: near the exact median and deviation of a Gaussian a third of which is spoilt, and
 * near the new ones once a shift has lasted for some half-lives. */
START_TEST(stays_near_the_truth)
{
    tocsin_spec *spec;
    tocsin_detector *detector;
    rng r = rng_seeded(5);
    tocsin_verdict verdict;

    ck_assert_int_eq(tocsin_spec_compile(&spec, "robust half-life=300p | raw",
                                         TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (size_t i = 0; i < 12000; i++) {
        const double level = i < 6000 ? 100 : 400;
        const double value = rng_below(&r, 10) < 2 ? level + 1e4 * rng_uniform(&r)
                             : rng_below(&r, 8) == 0 ? level - 1e4 * rng_uniform(&r)
                                                     : level + 10 * rng_normal(&r);

        tocsin_detector_push(detector, (int64_t)i * TOCSIN_MINUTE, value, TOCSIN_LEARN_AND_SCORE,
                             &verdict, sizeof verdict);
        if ((i > 2000 && i < 6000) || i > 10000) {
            ck_assert_double_eq_tol(verdict.expected, level, 12);
            ck_assert_double_ge(verdict.deviation, 7);
            ck_assert_double_le(verdict.deviation, 60);
        }
    }
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("robust against P-square");
    TCase *oracles = suite_case(s, "oracle");

    tcase_add_test(oracles, the_published_example);
    tcase_add_loop_test(oracles, equals_p_square, 0, 2);
    tcase_add_test(oracles, stays_near_the_truth);
    return s;
}

TOCSIN_TEST_MAIN(suite)
