/* test_cusum_oracle.c - cusum and page-hinkley against their definitions.
 *
 * The oracle keeps every standardised value and finds the sums by brute force: the largest of z -
 * drift, discounted by age, over all runs of points that end now (cusum), and the distance of the
 * cumulative sum from its minimum since the last change (page-hinkley).  Neither has a maximum
 * with 0 in it.
 */
#include "../support/suite.h"

#include <stdio.h>

#include "level_oracle.h"

typedef struct {
    long double drift, clip, memory;
    long double z[ORACLE_POINTS];
    size_t count;
} cusum_oracle;

static long double cusum_judge(void *own, const oracle *level, const oracle_point *p)
{
    cusum_oracle *o = own;
    long double best = 0;

    (void)level;
    if (!p->is_warm)
        return NAN;
    o->z[o->count++] = copysignl(fminl(p->size, o->clip), p->residual);
    for (int sign = -1; sign <= 1; sign += 2) {
        long double sum = 0, weight = 1;

        for (size_t from = o->count; from-- > 0;) {
            sum += weight * (sign * o->z[from] - o->drift);
            weight *= powl(2, -1 / o->memory);
            best = fmaxl(best, sum);
        }
    }
    return best;
}

static const struct {
    oracle_case level;
    double drift, memory;
} cases[] = {
    {{"half-life=20p clip=inf floor-relative=0 floor-history=0", 20, 0, 0, 0, 0, 0, 0, 0}, 0.5,
     1e9},
    {{"half-life=40p clip=3 floor-relative=0 floor-history=0", 40, 0, 0, 0, 3, 0, 0, 0}, 0.25, 25},
    {{"half-life=30p clip=4 floor=0.5 floor-relative=10% floor-history=0", 30, 0, 0, 0, 4, 0.5,
      0.1, 0}, 1, 100},
};

static void check_cusum(int i, const char *state, double tolerance)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        const double clip = cases[i].level.clip;
        cusum_oracle o = {.drift = cases[i].drift, .clip = clip > 0 ? clip : INFINITY,
                          .memory = cases[i].memory};
        char text[320];

        snprintf(text, sizeof text, "cusum %s drift=%g memory=%gp warmup=%d state=%s | raw",
                 cases[i].level.parameters, cases[i].drift, cases[i].memory, ORACLE_WARMUP, state);
        ck_assert_uint_gt(oracle_compare(text, &cases[i].level, seed, tolerance, cusum_judge, &o),
                          ORACLE_POINTS / 2);
    }
}

START_TEST(cusum_equals_its_definition)
{
    check_cusum(_i, "double", 1e-11);
    check_cusum(_i, "mixed", 1e-5);
}
END_TEST

/* page-hinkley with arithmetic means and no winsorising: everything since a change is kept. */
typedef struct {
    long double value[2000];            /* since the last change */
    long double z[2000];
    size_t count;                       /* of values behind the mean */
    size_t sums;                        /* of z */
    long double mean, variance;
    size_t changes;
} hinkley_oracle;

/* How far the cumulative sum of sign z - drift lies above its minimum, and where that was. */
static long double hinkley_sum(const hinkley_oracle *o, int sign, long double drift, size_t *from)
{
    long double cumulative = 0, least = 0;

    *from = 0;
    for (size_t i = 0; i < o->sums; i++) {
        cumulative += sign * o->z[i] - drift;
        if (cumulative <= least) {
            least = cumulative;
            *from = i + 1;
        }
    }
    return cumulative - least;
}

START_TEST(page_hinkley_equals_its_definition)
{
    const long double drift = 0.5L, accept = 15;
    const size_t warmup = 8;

    for (uint64_t seed = 1; seed <= 4; seed++) {
        rng r = rng_seeded(seed);
        hinkley_oracle *o = calloc(1, sizeof *o);
        tocsin_spec *spec;
        tocsin_detector *detector;

        ck_assert_ptr_nonnull(o);
        ck_assert_int_eq(tocsin_spec_compile(
            &spec, "page-hinkley half-life=1e8p drift=0.5 accept=15 settle=10 clip=inf "
                   "floor-relative=0 floor-history=0 warmup=8 state=double | raw",
            TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
        ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
        for (size_t i = 0; i < 1200; i++) {
            const double value = 50 + 3 * (double)(i / 300 % 3) + rng_normal(&r);
            tocsin_verdict verdict;
            size_t from[2];
            int is_change = 0;

            tocsin_detector_push(detector, (int64_t)i * TOCSIN_MINUTE, value,
                                 TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
            if (o->count >= warmup) {
                long double sum[2];

                o->value[o->sums] = value;
                o->z[o->sums++] = (value - o->mean) / sqrtl(o->variance);
                for (int side = 0; side < 2; side++)
                    sum[side] = hinkley_sum(o, side ? -1 : 1, drift, &from[side]);
                ck_assert_msg(fabsl(verdict.raw - fmaxl(sum[0], sum[1])) < 1e-10,
                              "seed %d, point %zu: %.17g, not %.17Lg", (int)seed, i, verdict.raw,
                              fmaxl(sum[0], sum[1]));
                for (int side = 0; side < 2 && !is_change; side++)
                    if (sum[side] > accept && o->sums - from[side] >= 10) {
                        const size_t run = o->sums - from[side];
                        const long double g = 1.0L / (o->count + 1), d = value - o->mean;

                        o->variance += g * ((1 - g) * d * d - o->variance);
                        o->mean = 0;
                        for (size_t j = from[side]; j < o->sums; j++)
                            o->mean += o->value[j] / run;
                        o->count = run > warmup ? run : warmup;
                        o->sums = 0;
                        o->changes++;
                        is_change = 1;
                    }
            }
            if (!is_change) {
                const long double g = 1.0L / (o->count + 1), d = value - o->mean;

                o->mean += g * d;
                o->variance += g * ((1 - g) * d * d - o->variance);
                o->count++;
            }
        }
        ck_assert_uint_ge(o->changes, 3);
        tocsin_detector_free(detector);
        tocsin_spec_free(spec);
        free(o);
    }
}
END_TEST

static double raw_of(tocsin_detector *detector, double minutes, double value)
{
    tocsin_verdict verdict;

    tocsin_detector_push(detector, (int64_t)(minutes * 60) * TOCSIN_SECOND, value,
                         TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
    return verdict.raw;
}

/* A value counts for no more than `clip`, and what was summed for half after `memory`. */
START_TEST(what_bounds_the_sums)
{
    tocsin_spec *spec;
    tocsin_detector *detector;
    double sum = 0, raw;

    ck_assert_int_eq(tocsin_spec_compile(&spec, "cusum half-life=1d drift=0.5 memory=1h clip=3 "
                                                "floor=1 floor-relative=0 | raw",
                                         TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (int i = 0; i < 100; i++) {
        raw = raw_of(detector, i, 100);
        ck_assert(!(raw > 0));
    }
    for (int i = 100; i < 105; i++) {
        sum = sum * pow(2, -1 / 60.0) + 3 - 0.5;
        raw = raw_of(detector, i, 1e6);
        ck_assert_double_eq_tol(raw, sum, 1e-5);
    }
    raw = raw_of(detector, 104 + 3 * 1440, -1e6);       /* the rise is halved, and falls */
    ck_assert_double_eq_tol(raw, sum / 2 - 3 - 0.5, 1e-5);
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cusum and page-hinkley against their definitions");
    TCase *oracles = suite_case(s, "oracle");

    tcase_add_loop_test(oracles, cusum_equals_its_definition, 0,
                        (int)(sizeof cases / sizeof *cases));
    tcase_add_test(oracles, page_hinkley_equals_its_definition);
    tcase_add_test(oracles, what_bounds_the_sums);
    return s;
}

TOCSIN_TEST_MAIN(suite)
