/* test_mathx.c - the library's own log, exp and kin against exact values.
 *
 * The reference holds each value as a double and what that double's rounding left out, so the
 * error is measured in units in the last place of the exact value and its bound can be less
 * than one.
 */
#include "../support/suite.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "../../lib/num/mathx.h"
#include "mathx_reference.h"

/* The error in units in the last place of the exact value `first` + `rest`. */
static double error_in_ulp(double got, double first, double rest)
{
    double unit;

    if (got == first)
        got = 0;
    else
        got -= first;
    unit = fabs(first) < 0x1p-1022 ? 0x1p-1074 : ldexp(1.0, ilogb(first) - 52);
    return fabs(got / unit - rest / unit);
}

#define CHECK_ALL(function, bound)                                                              \
    START_TEST(function##_is_accurate)                                                          \
    {                                                                                           \
        double worst = 0, where = 0;                                                            \
                                                                                                \
        for (size_t i = 0; i < sizeof reference_##function / sizeof reference_##function[0];    \
             i++) {                                                                             \
            const double *row = reference_##function[i];                                        \
            const double error = error_in_ulp(tocsin__##function(row[0]), row[1], row[2]) -     \
                                 (fabs(row[1]) < 0x1p-1022 ? 0.5 : 0);                          \
                                                                                                \
            if (!(error <= worst)) {                                                            \
                worst = error;                                                                  \
                where = row[0];                                                                 \
            }                                                                                   \
        }                                                                                       \
        if (getenv("TOCSIN_TEST_MEASURE"))                                                      \
            printf("%-16s %.3f ulp at %a\n", #function, worst, where);                          \
        ck_assert_msg(worst <= (bound), #function "(%a) is off by %.3f units in the last place",\
                      where, worst);                                                            \
    }                                                                                           \
    END_TEST

CHECK_ALL(log, 0.53)
CHECK_ALL(log2, 0.51)
CHECK_ALL(log10, 0.51)
CHECK_ALL(log1p, 0.52)
CHECK_ALL(exp, 0.52)
CHECK_ALL(exp2, 0.52)
CHECK_ALL(expm1, 1.0)
CHECK_ALL(erfc, 3)
CHECK_ALL(normal_tail, 4)
CHECK_ALL(normal_quantile, 4)

START_TEST(pow_is_accurate)
{
    double worst = 0, where = 0;

    for (size_t i = 0; i < sizeof reference_pow / sizeof reference_pow[0]; i++) {
        const double *row = reference_pow[i];
        const double error = error_in_ulp(tocsin__pow(row[0], row[1]), row[2], row[3]) -
                             (row[2] < 0x1p-1022 ? 0.5 : 0);

        if (!(error <= worst)) {
            worst = error;
            where = row[0];
        }
    }
    if (getenv("TOCSIN_TEST_MEASURE"))
        printf("%-16s %.3f ulp at %a\n", "pow", worst, where);
    ck_assert_msg(worst <= 0.52, "pow(%a, .) is off by %.3f units in the last place", where, worst);
}
END_TEST

/* C11 annex F. */
START_TEST(special_values_follow_the_standard)
{
    const double inf = tocsin__infinity(), nan = tocsin__nan();
    double (*const functions[])(double) = {tocsin__log,  tocsin__log2, tocsin__log10, tocsin__log1p,
                                           tocsin__exp,  tocsin__exp2, tocsin__expm1, tocsin__erfc,
                                           tocsin__normal_tail, tocsin__normal_quantile};

    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        ck_assert(isnan(functions[i](nan)));
    for (size_t i = 0; i < 3; i++) {
        assert_same_bits(functions[i](0.0), -inf);
        assert_same_bits(functions[i](-0.0), -inf);
        assert_same_bits(functions[i](1.0), 0.0);
        assert_same_bits(functions[i](inf), inf);
        ck_assert(isnan(functions[i](-1.0)));
        ck_assert(isnan(functions[i](-5e-324)));
        ck_assert(isnan(functions[i](-inf)));
    }
    assert_same_bits(tocsin__log1p(-0.0), -0.0);
    assert_same_bits(tocsin__log1p(5e-324), 5e-324);
    assert_same_bits(tocsin__log1p(-1.0), -inf);
    assert_same_bits(tocsin__log1p(inf), inf);
    ck_assert(isnan(tocsin__log1p(-1.5)));
    assert_same_bits(tocsin__exp(0.0), 1.0);
    assert_same_bits(tocsin__exp(-inf), 0.0);
    assert_same_bits(tocsin__exp(inf), inf);
    assert_same_bits(tocsin__exp(710.0), inf);
    assert_same_bits(tocsin__exp(-746.0), 0.0);
    assert_same_bits(tocsin__exp2(1024.0), inf);
    assert_same_bits(tocsin__exp2(-1080.0), 0.0);
    assert_same_bits(tocsin__exp2(-inf), 0.0);
    assert_same_bits(tocsin__expm1(-0.0), -0.0);
    assert_same_bits(tocsin__expm1(-inf), -1.0);
    assert_same_bits(tocsin__expm1(inf), inf);
    assert_same_bits(tocsin__erfc(inf), 0.0);
    assert_same_bits(tocsin__erfc(-inf), 2.0);
    assert_same_bits(tocsin__erfc(28.0), 0.0);
    assert_same_bits(tocsin__normal_tail(0.0), 0.5);
    assert_same_bits(tocsin__normal_tail(inf), 0.0);
    assert_same_bits(tocsin__normal_tail(-inf), 1.0);
    assert_same_bits(tocsin__normal_quantile(0.0), -inf);
    assert_same_bits(tocsin__normal_quantile(1.0), inf);
    assert_same_bits(tocsin__normal_quantile(0.5), 0.0);
    ck_assert(isnan(tocsin__normal_quantile(-0.1)));
    ck_assert(isnan(tocsin__normal_quantile(1.1)));
    ck_assert(isfinite(tocsin__normal_quantile(5e-324)));
    assert_same_bits(tocsin__pow(0.0, 0.0), 1.0);
    assert_same_bits(tocsin__pow(nan, 0.0), 1.0);
    assert_same_bits(tocsin__pow(1.0, nan), 1.0);
    assert_same_bits(tocsin__pow(0.0, 2.0), 0.0);
    assert_same_bits(tocsin__pow(0.0, -2.0), inf);
    assert_same_bits(tocsin__pow(inf, 0.5), inf);
    assert_same_bits(tocsin__pow(inf, -0.5), 0.0);
    assert_same_bits(tocsin__pow(0.5, inf), 0.0);
    assert_same_bits(tocsin__pow(0.5, -inf), inf);
    assert_same_bits(tocsin__pow(2.0, inf), inf);
    assert_same_bits(tocsin__pow(2.0, 1024.0), inf);
    assert_same_bits(tocsin__pow(2.0, -1080.0), 0.0);
    assert_same_bits(tocsin__pow(1e-300, 1e308), 0.0);
    assert_same_bits(tocsin__pow(1 - 0x1p-53, 1e308), 0.0);
    ck_assert(isnan(tocsin__pow(-1.0, 2.0)));
}
END_TEST

START_TEST(powers_of_the_base_are_exact)
{
    for (int e = -1074; e <= 1023; e++) {
        ck_assert_msg(tocsin__log2(ldexp(1, e)) == e, "log2(2^%d)", e);
        assert_same_bits(tocsin__exp2(e), ldexp(1, e));
        assert_same_bits(tocsin__pow(2.0, e), ldexp(1, e));
    }
    for (double e = 0, ten = 1; e <= 22; e++, ten *= 10) {  /* the powers that are doubles */
        assert_same_bits(tocsin__log10(ten), e);
        assert_same_bits(tocsin__pow(10.0, e), ten);
    }
}
END_TEST

/* Where two formulas meet, a function that rises must not fall. */
START_TEST(seams_are_monotone)
{
    for (int i = -10000; i < 10000; i++) {
        const double x = i * 0.0035, next = x + 0.0035;

        ck_assert(tocsin__exp(next) >= tocsin__exp(x));
        ck_assert(tocsin__expm1(next) >= tocsin__expm1(x));
        ck_assert(tocsin__erfc(next) <= tocsin__erfc(x));
        ck_assert(tocsin__normal_tail(next) <= tocsin__normal_tail(x));
    }
    for (int i = 0; i < 128 * 4; i++) {     /* the seams of the logarithm's table, four octaves */
        const double seam = ldexp(1 + (i % 128) / 128.0, i / 128 - 2);
        const double before = nextafter(seam, 0);

        ck_assert(tocsin__log(before) <= tocsin__log(seam));
        ck_assert(tocsin__log2(before) <= tocsin__log2(seam));
        ck_assert(tocsin__log10(before) <= tocsin__log10(seam));
    }
    for (int i = 0; i < 11; i++) {
        const double seam = 0.75 + 0.5 * i, before = nextafter(seam, 0), after = nextafter(seam, 9);

        ck_assert(tocsin__erfc(before) >= tocsin__erfc(after) * (1 - 4 * DBL_EPSILON));
    }
    for (double p = 1e-5; p < 0.99998; p += 1e-5)
        ck_assert(tocsin__normal_quantile(p) <= tocsin__normal_quantile(p + 1e-5));
}
END_TEST

START_TEST(sqrt_is_correctly_rounded)
{
    assert_same_bits(tocsin__sqrt(2.0), 0x1.6a09e667f3bcdp0);
    assert_same_bits(tocsin__sqrt(4.0), 2.0);
    assert_same_bits(tocsin__sqrt(0.0), 0.0);
    assert_same_bits(tocsin__sqrt(0x1p-1074), 0x1p-537);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mathx");
    TCase *accuracy = suite_case(s, "accuracy"), *rules = suite_case(s, "rules");

    tcase_add_test(accuracy, log_is_accurate);
    tcase_add_test(accuracy, log2_is_accurate);
    tcase_add_test(accuracy, log10_is_accurate);
    tcase_add_test(accuracy, log1p_is_accurate);
    tcase_add_test(accuracy, exp_is_accurate);
    tcase_add_test(accuracy, exp2_is_accurate);
    tcase_add_test(accuracy, expm1_is_accurate);
    tcase_add_test(accuracy, erfc_is_accurate);
    tcase_add_test(accuracy, normal_tail_is_accurate);
    tcase_add_test(accuracy, normal_quantile_is_accurate);
    tcase_add_test(accuracy, pow_is_accurate);
    tcase_add_test(rules, special_values_follow_the_standard);
    tcase_add_test(rules, powers_of_the_base_are_exact);
    tcase_add_test(rules, seams_are_monotone);
    tcase_add_test(rules, sqrt_is_correctly_rounded);
    return s;
}

TOCSIN_TEST_MAIN(suite)
