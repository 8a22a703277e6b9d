/* test_focus_oracle.c - focus against brute force: every change point there could be, at each point.
 *
 * The oracle keeps the whole series and computes the likelihood ratio of each split from the means
 * of the two parts and of the whole, as sums of squares: no cumulative sums, no hull, nothing pruned.
 */
#include "../support/rng.h"
#include "../support/suite.h"

#include <math.h>
#include <stdio.h>

#include "tocsin.h"

#define POINTS 500

typedef struct {
    const char *parameters;     /* beside what the oracle needs */
    double mean;                /* NAN: unknown */
    double accept;
    size_t settle;
} oracle_case;

static const oracle_case cases[] = {
    {"", NAN, INFINITY, 32},
    {"mean=5", 5, INFINITY, 32},
    {"accept=5 settle=12", NAN, 5, 12},
    {"accept=4.5 settle=31", NAN, 4.5, 31},
    {"mean=5 accept=7 settle=9", 5, 7, 9},
};

#define CASES ((int)(sizeof cases / sizeof cases[0]))

enum { STEADY, MOVING, WHOLE, TREND, WALK, KINDS };

static double next_value(rng *r, int kind, size_t i, double last)
{
    switch (kind) {
    case MOVING:
        return 5 + 2 * (double)(i / 90 % 3) + rng_normal(r);
    case WHOLE:                             /* many ties, many points on one line */
        return (double)(4 + rng_below(r, 3));
    case TREND:                             /* each point is a vertex */
        return 5 + 0.02 * (double)i + 0.01 * rng_normal(r);
    case WALK:
        return last + 0.3 * rng_normal(r);
    default:
        return 5 + rng_normal(r);
    }
}

typedef struct {
    double value[POINTS];       /* of the stretch */
    size_t count;
    size_t first;               /* changes are looked for after so many of them, or later */
} oracle;

static long double sum_of(const double *value, size_t from, size_t to)
{
    long double sum = 0;

    for (size_t i = from; i < to; i++)
        sum += value[i];
    return sum;
}

/* The largest statistic over all splits, and the split. */
static double oracle_maximum(const oracle *o, double mean, size_t *at)
{
    long double best = 0, before = sum_of(o->value, 0, o->first), after;
    const long double all = sum_of(o->value, 0, o->count), n = o->count;

    *at = 0;
    for (size_t t = o->first; t < o->count; before += o->value[t++]) {
        long double gain;

        after = all - before;
        if (!isnan(mean)) {
            /* Squares about the known mean, less squares about the mean after the split. */
            const long double m = n - (long double)t;

            gain = m * (after / m - mean) * (after / m - mean);
        } else {
            const long double l = t, m = n - l;

            if (t == 0)
                continue;
            /* Between the parts: what two means explain that one does not. */
            gain = l * (before / l - all / n) * (before / l - all / n) +
                   m * (after / m - all / n) * (after / m - all / n);
        }
        if (gain > best) {
            best = gain;
            *at = t;
        }
    }
    return (double)sqrtl(best);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* After a change that was accepted: the last points are all there is.  Values are held relative to
 * nothing, so which reference the library takes is its own affair. */
static void oracle_accept(oracle *o, const oracle_case *c)
{
    if (!isnan(c->mean)) {
        o->count = o->first = 0;
        return;
    }
    memmove(o->value, o->value + o->count - c->settle, c->settle * sizeof o->value[0]);
    o->count = o->first = c->settle;
}

static void check_against_oracle(const oracle_case *c, int kind, uint64_t seed, size_t *accepted)
{
    oracle *o = calloc(1, sizeof *o);
    rng r = rng_seeded(seed);
    tocsin_spec *spec;
    tocsin_detector *detector;
    char text[256];
    double x = 5;
    size_t at;

    ck_assert_ptr_nonnull(o);
    snprintf(text, sizeof text, "focus deviation=1 clip=inf warmup=2 candidates=512 %s%s | raw",
             isinf(c->accept) ? "accept=inf " : "", c->parameters);
    ck_assert_int_eq(tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (size_t i = 0; i < POINTS; i++) {
        tocsin_verdict verdict;
        double expected;

        x = next_value(&r, kind, i, x);
        tocsin_detector_push(detector, (int64_t)i * TOCSIN_SECOND, x, TOCSIN_LEARN_AND_SCORE,
                             &verdict, sizeof verdict);
        o->value[o->count++] = x;
        expected = oracle_maximum(o, c->mean, &at);
        if (i < 2)
            continue;
        require(fabs(verdict.raw - expected) <= 1e-9 * (1 + expected),
                "%s, kind %d, seed %d, point %zu: %.17g, not %.17g", text, kind, (int)seed, i,
                verdict.raw, expected);
        if (expected > 1e-6)
            require(verdict.reason == TOCSIN_REASON_NONE || verdict.reason == TOCSIN_REASON_LEVEL,
                    "point %zu has reason %d", i, verdict.reason);
        if (expected > c->accept && o->count - at >= c->settle) {
            oracle_accept(o, c);
            ++*accepted;
        }
    }
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
    free(o);
}

START_TEST(equals_brute_force)
{
    size_t accepted = 0;

    for (int kind = 0; kind < KINDS; kind++)
        for (uint64_t seed = 1; seed <= 2; seed++)
            check_against_oracle(&cases[_i], kind, seed, &accepted);
    ck_assert_int_eq(accepted > 2, !isinf(cases[_i].accept));
}
END_TEST

/* With few candidates the statistic is too small, never too large, and by little. */
START_TEST(few_candidates_lose_little)
{
    const double share = 0.85;

    for (int kind = 0; kind < KINDS; kind++) {
        tocsin_spec *spec[2];
        tocsin_detector *detector[2];
        rng r = rng_seeded(40 + (uint64_t)kind);
        double x = 5, least = 1;

        for (int j = 0; j < 2; j++) {
            ck_assert_int_eq(tocsin_spec_compile(
                &spec[j], j ? "focus deviation=1 clip=inf accept=inf candidates=8 warmup=2 | raw"
                            : "focus deviation=1 clip=inf accept=inf candidates=1024 warmup=2 | raw",
                TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
            ck_assert_int_eq(tocsin_detector_create(&detector[j], spec[j], NULL), 0);
        }
        for (size_t i = 0; i < 1000; i++) {
            tocsin_verdict verdict[2];

            x = next_value(&r, kind, i, x);
            for (int j = 0; j < 2; j++)
                tocsin_detector_push(detector[j], (int64_t)i * TOCSIN_SECOND, x,
                                     TOCSIN_LEARN_AND_SCORE, &verdict[j], sizeof verdict[j]);
            if (i < 2)
                continue;
            require(verdict[1].raw <= verdict[0].raw * (1 + 1e-9) + 1e-9, "kind %d: too large",
                    kind);
            if (verdict[0].raw > 2)
                least = fmin(least, verdict[1].raw / verdict[0].raw);
        }
        ck_assert_msg(least >= share, "kind %d: %g of the statistic is left", kind, least);
        for (int j = 0; j < 2; j++) {
            tocsin_detector_free(detector[j]);
            tocsin_spec_free(spec[j]);
        }
    }
}
END_TEST

/* The median of what the last points said is the new level; the oracle is qsort. */
START_TEST(a_new_level_is_the_median_of_the_last_points)
{
    double last[32];
    rng r = rng_seeded(9);
    tocsin_spec *spec;
    tocsin_detector *detector;
    tocsin_verdict verdict;
    double raw = 0;
    size_t n = 0;

    ck_assert_int_eq(tocsin_spec_compile(&spec, "focus clip=1 deviation=1 | raw",
                                         TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (size_t i = 0; i < 400; i++) {
        const double x = (i < 200 ? 0 : 40) + rng_normal(&r);

        tocsin_detector_push(detector, (int64_t)i * TOCSIN_SECOND, x, TOCSIN_LEARN_AND_SCORE,
                             &verdict, sizeof verdict);
        if (raw > 5 && verdict.raw < 1) {
            const double before = verdict.expected;

            qsort(last, 32, sizeof last[0], ascending);
            /* What is beyond one deviation counts as if it lay there. */
            ck_assert_double_eq_tol(before, 0.5 * (last[15] + last[16]), 0.5);
            ck_assert_uint_gt(i, 200);
            ck_assert_uint_lt(i, 260);
            n++;
        }
        raw = verdict.raw;
        memmove(last, last + 1, 31 * sizeof last[0]);
        last[31] = x;
    }
    ck_assert_uint_eq(n, 1);
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("focus against brute force");
    TCase *oracles = suite_case(s, "oracle");

    tcase_add_loop_test(oracles, equals_brute_force, 0, CASES);
    tcase_add_test(oracles, few_candidates_lose_little);
    tcase_add_test(oracles, a_new_level_is_the_median_of_the_last_points);
    return s;
}

TOCSIN_TEST_MAIN(suite)
