/* test_spot_oracle.c - spot against its definition.
 *
 * The oracle remembers every peak, fits their law from the definition of the weighted
 * moments (the mean, and half the mean of the smaller of each two), and evaluates the Pareto
 * quantile with libm in long double.
 */
#include "../support/suite.h"

#include <stdio.h>

#include "level_oracle.h"

#define PEAKS 32
#define CASES (sizeof cases / sizeof cases[0])

typedef struct {
    long double above, risk, half_life;
    long double threshold[2], extreme[2], mean[2];
    long double peak[2][ORACLE_POINTS];
    size_t peaks[2];
    int beyond[2];
} spot_oracle;

/* The normal quantile by bisection of its definition. */
static long double normal_quantile(long double p)
{
    long double low = -10, high = 10;

    for (int i = 0; i < 200; i++) {
        const long double middle = (low + high) / 2;

        if (erfcl(-middle / sqrtl(2)) / 2 < p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The mean excess of a Gaussian over its quantile, by its definition. */
static long double gaussian_excess(long double above)
{
    const long double t = normal_quantile(1 - above);

    return expl(-t * t / 2) / sqrtl(2 * acosl(-1)) / above - t;
}

static void spot_oracle_begin(spot_oracle *o, long double above, long double risk,
                              long double half_life)
{
    memset(o, 0, sizeof *o);
    o->above = above;
    o->risk = risk;
    o->half_life = half_life;
    for (int side = 0; side < 2; side++) {
        o->threshold[side] = normal_quantile(1 - above);
        o->extreme[side] = normal_quantile(1 - risk);
        o->mean[side] = gaussian_excess(above);
    }
}

static void spot_oracle_fit(spot_oracle *o, int side)
{
    const size_t all = o->peaks[side], m = all < PEAKS ? all : PEAKS;
    const long double *peak = o->peak[side] + all - m;
    long double mean = 0, smaller = 0, shape = 0, scale, predicted;

    for (size_t i = 0; i < m; i++) {
        mean += peak[i] / m;
        for (size_t j = 0; j < i; j++)
            smaller += fminl(peak[i], peak[j]) / (m * (m - 1) / 2.0L);
    }
    if (m > 1)      /* Hosking and Wallis: k = a0 / (a0 - 2 a1) - 2, a1 half the smaller's mean */
        shape = -(mean / (mean - smaller) - 2) * m / (m + 15);
    shape = fminl(fmaxl(shape, 0), 0.5L);
    o->mean[side] = (m * mean + 4 * gaussian_excess(o->above)) / (m + 4);
    scale = fmaxl(o->mean[side] * (1 - shape), 0.02L);
    predicted = fmaxl(shape, 1 / (m + 4.0L));
    o->extreme[side] = o->threshold[side] +
                       scale / predicted * (powl(o->risk / o->above, -predicted) - 1);
}

static long double spot_judge(void *own, const oracle *level, const oracle_point *p)
{
    spot_oracle *o = own;
    const int side = p->residual < 0;
    const long double gaussian = normal_quantile(1 - o->risk);
    long double raw;

    (void)level;
    if (!p->is_warm)
        return NAN;
    raw = p->size * gaussian / o->extreme[side];
    for (int i = 0; i < 2; i++) {
        const long double size = i == side ? p->size : 0;
        const long double gain = fminl((1 - powl(2, -1 / o->half_life)) / 4, o->above / 2);
        const long double step = gain * fmaxl(o->mean[i], 0.02L);
        const int is_beyond = size > o->extreme[i], is_peak = size > o->threshold[i];
        const long double excess = fminl(size, o->extreme[i]) - o->threshold[i];
        const int is_again = is_beyond && o->beyond[i];

        o->beyond[i] = is_beyond;
        if (is_again)
            continue;
        o->threshold[i] += is_peak ? step * (1 - o->above) / o->above : -step;
        o->threshold[i] = fmaxl(o->threshold[i], 0.25L);
        if (is_peak && excess > 0) {
            o->peak[i][o->peaks[i]++] = excess;
            spot_oracle_fit(o, i);
        }
    }
    return raw;
}

static const struct {
    oracle_case level;
    double above, risk;
} cases[] = {
    {{"half-life=20p clip=inf floor-relative=0 floor-history=0", 20, 0, 0, 0, 0, 0, 0, 0}, 0.1,
     0.001},
    {{"half-life=50p clip=3 floor-relative=0 floor-history=0", 50, 0, 0, 0, 3, 0, 0, 0}, 0.2, 1e-5},
    {{"half-life=30p clip=4 floor=0.5 floor-relative=10% floor-history=0", 30, 0, 0, 0, 4, 0.5,
      0.1, 0}, 0.02, 1e-4},
};

static void check(int i, const char *state, double tolerance)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        spot_oracle o;
        char text[320];

        spot_oracle_begin(&o, cases[i].above, cases[i].risk, cases[i].level.half_life);
        snprintf(text, sizeof text, "spot %s above=%.17g risk=%.17g warmup=%d state=%s | raw",
                 cases[i].level.parameters, cases[i].above, cases[i].risk, ORACLE_WARMUP, state);
        ck_assert_uint_gt(oracle_compare(text, &cases[i].level, seed, tolerance, spot_judge, &o),
                          ORACLE_POINTS / 2);
        ck_assert_uint_ge(o.peaks[0] + o.peaks[1], 15);
    }
}

START_TEST(double_equals_the_definition)
{
    check(_i, "double", 1e-10);
}
END_TEST

START_TEST(mixed_is_near_the_definition)
{
    check(_i, "mixed", 1e-4);
}
END_TEST

/* The tail drawn from a law of known shape: exponential values exceed the level that belongs to
 * `risk` about as often as it says, on the side where they have a tail. */
START_TEST(the_level_is_exceeded_as_often_as_it_says)
{
    tocsin_spec *spec;
    tocsin_detector *detector;
    rng r = rng_seeded(11);
    size_t above = 0, points = 100000;
    const double unit = 3.0902323061678132;     /* a Gaussian's at 0.1 % */

    ck_assert_int_eq(tocsin_spec_compile(&spec, "spot half-life=2000p above=10% risk=0.1% | raw",
                                         TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), 0);
    for (size_t i = 0; i < points; i++) {
        tocsin_verdict verdict;

        tocsin_detector_push(detector, (int64_t)i * TOCSIN_MINUTE,
                             100 - 5 * log(1 - rng_uniform(&r)), TOCSIN_LEARN_AND_SCORE, &verdict,
                             sizeof verdict);
        above += i >= 5000 && verdict.direction > 0 && verdict.raw > unit;
        ck_assert(i < 5000 || verdict.direction > 0 || verdict.raw < unit);
    }
    ck_assert_double_ge((double)above, 0.0005 * (double)(points - 5000));
    ck_assert_double_le((double)above, 0.0015 * (double)(points - 5000));
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("spot against its definition");
    TCase *oracles = suite_case(s, "oracle");

    tcase_add_loop_test(oracles, double_equals_the_definition, 0, (int)CASES);
    tcase_add_loop_test(oracles, mixed_is_near_the_definition, 0, (int)CASES);
    tcase_add_test(oracles, the_level_is_exceeded_as_often_as_it_says);
    return s;
}

TOCSIN_TEST_MAIN(suite)
