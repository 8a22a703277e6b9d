/* test_counts_oracle.c - counts against sums over the whole history, and its tails against sums of
 * probabilities.
 *
 * The oracle keeps every point and weighs it afresh: the product of all that has been forgotten
 * since. Tails are added up term by term in long double, and told by erfc.
 */
#include "../support/suite.h"

#include <math.h>
#include <stdio.h>

#include "../support/rng.h"
#include "num/negbinomial.h"
#include "tocsin.h"

/* P(X >= x) above the mean, P(X <= x) below. */
static long double tail(long double x, long double mean, long double size)
{
    const long double q = mean / (mean + size);
    long double sum = 0, term;

    if (x > mean) {
        term = expl(lgammal(x + size) - lgammal(x + 1) - lgammal(size) + x * logl(q) +
                    size * log1pl(-q));
        for (long double y = x; term > 1e-18L * sum; y++) {
            sum += term;
            term *= (y + size) / (y + 1) * q;
        }
    } else {
        term = expl(size * log1pl(-q));
        for (long double y = 0; y <= x; y++) {
            sum += term;
            term *= (y + size) / (y + 1) * q;
        }
    }
    return sum;
}

/* A deviate stands for a tail to a relative tolerance in the deviate. */
static void check_deviate(double z, long double probability, double tolerance, const char *what)
{
    const long double root = sqrtl(0.5L), more = tolerance * (1 + z);

    if (probability >= 0.5L) {
        require(z <= tolerance, "%s: %.17g for %Lg", what, z, probability);
        return;
    }
    require(0.5L * erfcl((z + more) * root) <= probability, "%s: %.17g is too small for %Lg", what,
            z, probability);
    require(0.5L * erfcl((z - more) * root) >= probability, "%s: %.17g is too large for %Lg", what,
            z, probability);
}

START_TEST(tails_are_sums)
{
    static const double means[] = {1e-6, 0.003, 0.1, 1, 2.5, 17, 120, 255, 257, 900};
    static const double sizes[] = {0.004, 0.2, 1, 3.7, 40, 255, 257, 4e3, 1e7};
    size_t compared = 0;

    for (size_t i = 0; i < sizeof means / sizeof means[0]; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            const double mean = means[i], size = sizes[j];
            const double deviation = sqrt(mean + mean * mean / size);
            const int is_large = mean > 256 && size > 256;

            for (int step = -12; step <= 40; step++) {
                const double x = floor(mean + 0.3 * step * deviation);
                char what[96];

                /* Terms to add up. */
                if (x < 0 || x > 5000 || (x > mean && mean / size > 500))
                    continue;
                snprintf(what, sizeof what, "%g of mean %g, size %g", x, mean, size);
                check_deviate(tocsin__negbinomial_deviate(x, mean, size), tail(x, mean, size),
                              is_large ? 1e-5 : 1e-8, what);
                compared++;
            }
        }
    }
    ck_assert_uint_gt(compared, 2000);
}
END_TEST

/* Where no sum reaches: it grows with the count, without a step, and never leaves the numbers. */
START_TEST(deviates_are_monotone)
{
    static const double means[] = {1e-30, 1e-3, 5, 300, 1e9, 1e100, 1e150};
    static const double sizes[] = {1e-12, 0.5, 20, 1e4, 1e15, 1e100};

    for (size_t i = 0; i < sizeof means / sizeof means[0]; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            double before = 0;

            for (double x = means[i]; x <= 1e150; x *= 1.5) {
                const double z = tocsin__negbinomial_deviate(x, means[i], sizes[j]);

                require(z >= before * (1 - 1e-6) && z <= 1e27,
                        "%g of mean %g, size %g: %.17g < %.17g", x, means[i], sizes[j], z, before);
                before = z;
            }
            before = 0;
            for (double x = means[i]; x > 1e-40; x *= 0.7) {
                const double z = tocsin__negbinomial_deviate(x, means[i], sizes[j]);

                require(z >= before * (1 - 1e-6) && z <= 1e27,
                        "%g of mean %g, size %g: %.17g < %.17g", x, means[i], sizes[j], z, before);
                before = z;
            }
        }
    }
}
END_TEST

/* ---- The detector ------------------------------------------------------------ */

#define POINTS 300
#define WARMUP 8

typedef struct {
    const char *parameters;
    double half_life;           /* points, or seconds */
    int is_timed, has_exposure;
    double dispersion;          /* -1: found */
    double clip, floor;
} counts_case;

static const counts_case cases[] = {
    {"half-life=30p clip=inf dispersion=0 floor-relative=0", 30, 0, 0, 0, 0, 0},
    {"half-life=30p clip=inf dispersion=0.25 floor-relative=0", 30, 0, 0, 0.25, 0, 0},
    {"half-life=30p clip=inf", 30, 0, 0, -1, 0, 0.005},
    {"half-life=100p clip=3 floor-relative=10%", 100, 0, 0, -1, 3, 0.1},
    {"half-life=2h", 7200, 1, 0, -1, 4, 0.005},
    {"half-life=2h exposure=time", 7200, 1, 1, -1, 4, 0.005},
    {"half-life=40p exposure=time", 40, 0, 1, -1, 4, 0.005},
};

/* What a point was worth when it was learnt. */
typedef struct {
    long double count, exposure, age;       /* age: log2 of what was forgotten with it */
    long double excess, square;
} learnt;

static void expect(const counts_case *c, const learnt *points, size_t count, long double exposure,
                   long double *mean, long double *size, long double *known, long double *n)
{
    long double events = 0.5L, all = 0, excess = 0, squares = 0, dispersion, age = 0;

    *n = 0;
    for (size_t i = count; i-- > 0; age += points[i].age) {
        const long double w = exp2l(-age), v = exp2l(-age / 4);

        events += w * points[i].count;
        all += w * points[i].exposure;
        *n += w;
        excess += v * points[i].excess;
        squares += v * points[i].square;
    }
    dispersion = c->dispersion >= 0 ? c->dispersion
                 : squares > 0      ? fmaxl(0, excess / squares)
                                    : 0;
    dispersion = fmaxl(dispersion, (long double)c->floor * c->floor);
    *mean = exposure * events / all;
    *known = 1 / events;
    *size = 1 / (dispersion * (1 + 1 / *n) + *known);
}

START_TEST(equals_its_definition)
{
    const counts_case *c = &cases[_i];
    rng r = rng_seeded(7 + (uint64_t)_i);
    learnt points[POINTS];
    size_t count = 0;
    tocsin_spec *spec;
    tocsin_detector *detector;
    char text[160];
    int64_t time = 0, learnt_at = 0;

    snprintf(text, sizeof text, "counts %s warmup=%d | raw", c->parameters, WARMUP);
    ck_assert_int_eq(tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (size_t i = 0; i < POINTS; i++) {
        const int64_t pause = (int64_t)(1 + rng_below(&r, 4)) * (i == 200 ? 200 : 1) * TOCSIN_MINUTE;
        const long double exposure = c->has_exposure ? (long double)pause / 1e9L : 1;
        const int is_missing = rng_below(&r, 12) == 0, is_held = rng_below(&r, 12) == 0;
        const double rate = i < 250 ? 3 : 8, scatter = -log(1 - rng_uniform(&r));
        double value = floor(rate * scatter + rng_uniform(&r));
        tocsin_verdict verdict;

        if (i == 150)
            value = 400;
        if (i == 160)
            value = -3;
        time += pause;
        tocsin_detector_push(detector, time, is_missing ? NAN : value,
                             is_held ? TOCSIN_SCORE_ONLY : TOCSIN_LEARN_AND_SCORE, &verdict,
                             sizeof verdict);
        if (is_missing)
            continue;

        long double mean, size, known, n;
        long double learns = fmaxl(value, 0), excess = 0, square = 0;

        if (count > 0 && points[0].exposure >= 0) {
            expect(c, points, count, exposure, &mean, &size, &known, &n);
            const long double deviation = sqrtl(mean + mean * mean / size);

            if (count >= WARMUP) {
                double z = verdict.raw;

                ck_assert_double_eq_tol(verdict.expected, (double)mean, 1e-9 * (1 + (double)mean));
                ck_assert_double_eq_tol(verdict.deviation, (double)deviation,
                                        1e-9 * (1 + (double)deviation));
                if (value < 0)
                    z -= -value / (double)deviation;
                check_deviate(z, tail(learns, mean, size), 1e-7, text);
                if (c->clip > 0)
                    learns = fminl(learns, mean + c->clip * deviation +
                                               (c->clip * c->clip - 1) / 6.0L *
                                                   (1 + 2 * mean / size));
            }
            excess = (learns - mean) * (learns - mean) - mean - mean * mean * known;
            square = mean * mean * (1 + 1 / n);
        }
        if (is_held)
            continue;

        const long double age = c->is_timed ? (long double)(time - learnt_at) / 1e9L / c->half_life
                                            : 1 / (long double)c->half_life;

        learnt_at = time;
        /* The first point's exposure is not known where it is a time. */
        if (count == 0 && c->has_exposure && i == 0) {
            points[0] = (learnt){0, -1, 0, 0, 0};
            continue;
        }
        points[count++] = (learnt){learns, exposure, c->is_timed ? fminl(age, 1) : age, excess,
                                   square};
    }
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
}
END_TEST

/* ---- What a verdict says besides --------------------------------------------- */

/* A count at a verdict's limit reads what the limit is. */
START_TEST(limits_read_the_limit)
{
    static const double rates[] = {0.05, 2, 60, 5000};
    rng r = rng_seeded(11);
    tocsin_spec *spec;
    tocsin_detector *detector;
    size_t compared = 0;

    ck_assert_int_eq(tocsin_spec_compile(&spec, "counts half-life=100p | tail | alarm budget=1/hour",
                                         TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    for (size_t k = 0; k < sizeof rates / sizeof rates[0]; k++) {
        ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
        for (int64_t i = 0; i < 500; i++) {
            const double value = floor(rates[k] * -log(1 - rng_uniform(&r)) + rng_uniform(&r));
            tocsin_detector *probe;
            tocsin_verdict verdict, at;
            tocsin_explanation explanation;

            ck_assert_int_eq(tocsin_detector_clone(&probe, detector, NULL), 0);
            tocsin_detector_push(detector, i * TOCSIN_MINUTE, value, TOCSIN_LEARN_AND_SCORE,
                                 &verdict, sizeof verdict);
            memset(&explanation, 0, sizeof explanation);
            explanation.struct_size = sizeof explanation;
            tocsin_detector_explain(detector, &explanation);
            if (i % 16 == 4 && isfinite(verdict.upper)) {
                const double ends[] = {verdict.lower, verdict.upper};

                for (size_t e = 0; e < 2; e++) {
                    tocsin_detector_push(probe, i * TOCSIN_MINUTE + (int64_t)e, ends[e],
                                         TOCSIN_SCORE_ONLY, &at, sizeof at);
                    ck_assert_double_eq_tol(at.raw, explanation.limit,
                                            1e-5 * (1 + explanation.limit));
                    compared++;
                }
            }
            tocsin_detector_free(probe);
        }
        tocsin_detector_free(detector);
    }
    ck_assert_uint_gt(compared, 100);
    tocsin_spec_free(spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("counts against sums");
    TCase *oracles = suite_case(s, "oracle");

    tcase_add_test(oracles, tails_are_sums);
    tcase_add_test(oracles, deviates_are_monotone);
    tcase_add_loop_test(oracles, equals_its_definition, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(oracles, limits_read_the_limit);
    return s;
}

TOCSIN_TEST_MAIN(suite)
