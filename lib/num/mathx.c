/* mathx.c - log, exp and their kin, the same bits on every platform.
 *
 * How
 * ---
 * log: the mantissa's first seven bits pick an interval with a short reciprocal 1/c, short
 * enough for z/c - 1 = r to be exact in two parts (z is cut in half first); |r| <= 1/128.  Then
 * log x = k log 2 + log c + log(1 + r), where the first two come from a table in two parts
 * each, so that their sum is exact, and the last is a Taylor polynomial.  About x = 1 both
 * vanish and r alone carries the relative precision.
 *
 * exp: x = (128 k + j) log(2)/128 + r by Cody and Waite's reduction: the step is held in two
 * parts, the first so short that its product with an integer is exact.  Then
 * exp x = 2^k 2^(j/128) (1 + (exp(r) - 1)), the middle from a table.
 *
 * pow, log2, log10, log1p carry the logarithm as an unevaluated sum of two doubles,
 * good to 2^-66 or so, because what pow multiplies it by is an error's multiplier too.
 *
 * erfc: near 0 a polynomial for erf(x)/x; else exp(-x^2) times a piecewise polynomial for
 * exp(x^2) erfc(x), which hardly varies.  x^2 is carried in two parts.
 *
 * The quantile of the normal distribution is found by two Halley steps on the tail from a
 * rational first guess.
 *
 * All tables and coefficients come from tests/tools/mathx_tables.py. References: Cody & Waite
 * 1980, Software Manual for the Elementary Functions; Tang 1990, "Table-driven implementation
 * of the logarithm function in IEEE floating-point arithmetic"; Dekker 1971.
 *
 * Largest errors, in units in the last place, held by tests/unit/test_mathx.c:
 *
 *     log .53   log2 .51   log10 .51   log1p .52   exp .52   exp2 .52   expm1 1.0   pow .52
 *     erfc 3    normal_tail 4    normal_quantile 4
 *
 * Results below 2^-1022 are rounded a second time, which adds up to half a unit.
 *
 * Cost, in units of one dependent addition: exp 5, log 7, log1p and log2 18, pow 33, erfc 18, the
 * quantile 70.
 */
#include "mathx.h"

#include "mathx_tables.h"

static inline uint64_t mathx_bits(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double mathx_from_bits(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The leading 26 bits of x: products of two such halves are exact. */
static inline double mathx_upper(double x)
{
    return mathx_from_bits(mathx_bits(x) & ~UINT64_C(0x7ffffff));
}

/* ---- Logarithms ------------------------------------------------------------- */

#define MATHX_INFINITY_BITS UINT64_C(0x7ff0000000000000)
#define MATHX_SMALLEST_NORMAL_BITS UINT64_C(0x0010000000000000)
#define MATHX_LOG_SPLIT 53  /* intervals from here on are halved: see mathx_tables.py */

/* x = 2^k z, and z/c - 1 = high + low exactly. */
typedef struct {
    double high, low;
    double k;
    const double *row;  /* 1/c, log c in two parts */
} mathx_reduced;

static inline mathx_reduced mathx_log_reduce(uint64_t bits, double exponent)
{
    const uint64_t mantissa = bits & UINT64_C(0x000fffffffffffff);
    const size_t i = (size_t)(mantissa >> 45);
    const double z = mathx_from_bits(mantissa | UINT64_C(0x3ff0000000000000));
    const double upper = mathx_upper(z);
    mathx_reduced reduced;

    reduced.row = &mathx_log_table[3 * i];
    reduced.high = upper * reduced.row[0] - 1.0;
    reduced.low = (z - upper) * reduced.row[0];
    reduced.k = exponent + (double)((int)(bits >> 52) - 1023 + (i >= MATHX_LOG_SPLIT));
    return reduced;
}

/* (log(1 + r) - r + r^2/2) / r^3 */
static inline double mathx_log_cubic(double r)
{
    const double r2 = r * r;

    return ((1.0 / 3 - r * (1.0 / 4)) + r2 * (1.0 / 5 - r * (1.0 / 6))) +
           r2 * r2 * (1.0 / 7 - r * (1.0 / 8));
}

/* What a logarithm of anything but a positive normal number is; 1 if x is a subnormal,
 * which is then scaled to a normal number. */
static int mathx_log_special(double *x, double *result)
{
    if (*x != *x || *x == tocsin__infinity())
        *result = *x;
    else if (*x == 0)
        *result = -tocsin__infinity();
    else if (*x < 0)
        *result = tocsin__nan();
    else {
        *x *= 0x1p54;
        return 1;
    }
    return 0;
}

static inline int mathx_is_positive_normal(uint64_t bits)
{
    return bits - MATHX_SMALLEST_NORMAL_BITS < MATHX_INFINITY_BITS - MATHX_SMALLEST_NORMAL_BITS;
}

double tocsin__log(double x)
{
    double exponent = 0;

    if (!mathx_is_positive_normal(mathx_bits(x))) {
        double result;

        if (!mathx_log_special(&x, &result))
            return result;
        exponent = -54;
    }
    const mathx_reduced z = mathx_log_reduce(mathx_bits(x), exponent);
    const double r = z.high + z.low;
    const double table = z.k * MATHX_LN2_HIGH + z.row[1];
    const double sum = table + r;
    const double lost = ((table - sum) + r) + ((z.high - r) + z.low);
    const double rest = z.k * MATHX_LN2_LOW + z.row[2];

    return sum + ((lost + rest) + r * r * (r * mathx_log_cubic(r) - 0.5));
}

typedef struct {
    double high, low;
} mathx_pair;

static inline mathx_pair mathx_sum(double a, double b)
{
    const double high = a + b;
    const double part = high - a;
    const mathx_pair pair = {high, (a - (high - part)) + (b - part)};

    return pair;
}

static inline mathx_pair mathx_product(double a, double b)
{
    const double au = mathx_upper(a), al = a - au, bu = mathx_upper(b), bl = b - bu;
    const double high = a * b;
    const mathx_pair pair = {high, (((au * bu - high) + au * bl) + al * bu) + al * bl};

    return pair;
}

/* log of (x + more) 2^exponent in two parts, without the k log 2; x is positive and normal. */
static mathx_pair mathx_log_pair(double x, double more, double exponent, double *k)
{
    mathx_reduced z = mathx_log_reduce(mathx_bits(x), exponent);

    if (more != 0) {
        /* The exponent of x as a factor; x >= 1/2 wherever there is more. */
        const uint64_t power = mathx_bits(x) >> 52;

        if (power < 2046)
            z.low += more * mathx_from_bits((2046 - power) << 52) * z.row[0];
    }
    const double r = z.high + z.low;
    const double lost = (z.high - r) + z.low;
    const double upper = mathx_upper(r);
    const double square = -0.5 * (upper * upper);
    const double rest = -0.5 * ((r - upper) * (r + upper)) - r * lost;
    mathx_pair sum = mathx_sum(z.row[1], r);
    const mathx_pair next = mathx_sum(sum.high, square);

    sum.low += next.low + lost + z.row[2] + rest + r * r * r * mathx_log_cubic(r);
    *k = z.k;
    return mathx_sum(next.high, sum.low);
}

double tocsin__log1p(double x)
{
    if (x != x || x == tocsin__infinity() || x == 0)
        return x;
    if (x <= -1)
        return x == -1 ? -tocsin__infinity() : tocsin__nan();
    if (tocsin__abs(x) < 0x1p-54)
        return x;
    const mathx_pair whole = mathx_sum(1.0, x);
    double k;
    const mathx_pair log = mathx_log_pair(whole.high, whole.low, 0, &k);

    const mathx_pair sum = mathx_sum(k * MATHX_LN2_HIGH, log.high);

    return sum.high + (sum.low + (log.low + k * MATHX_LN2_LOW));
}

/* log of x in another base: k times `two` and the rest times `factor`, each in two parts. */
static double mathx_log_base(double x, double two, double two_low, double factor,
                             double factor_low)
{
    double exponent = 0, k;

    if (!mathx_is_positive_normal(mathx_bits(x))) {
        double result;

        if (!mathx_log_special(&x, &result))
            return result;
        exponent = -54;
    }
    const mathx_pair log = mathx_log_pair(x, 0, exponent, &k);
    const mathx_pair fraction = mathx_product(log.high, factor);
    const mathx_pair whole = mathx_product(k, two);
    const mathx_pair sum = mathx_sum(whole.high, fraction.high);

    return sum.high + (sum.low + (whole.low + k * two_low +
                                  (fraction.low + (log.low * factor + log.high * factor_low))));
}

double tocsin__log2(double x)
{
    return mathx_log_base(x, 1.0, 0.0, MATHX_LOG2E_HIGH, MATHX_LOG2E_LOW);
}

double tocsin__log10(double x)
{
    return mathx_log_base(x, MATHX_LOG10_2_HIGH, MATHX_LOG10_2_LOW, MATHX_LOG10E_HIGH,
                          MATHX_LOG10E_LOW);
}

/* ---- Exponentials ----------------------------------------------------------- */

#define MATHX_ROUNDER 0x1.8p52  /* adding and taking it away rounds to an integer */
#define MATHX_EXP_MAX 709.79    /* beyond, exp is infinite */
#define MATHX_EXP_MIN -745.2    /* below, it is 0 */

/* v 2^e, rounded once; 0.5 <= v <= 4, -1100 <= e <= 1100. */
static double mathx_scale(double v, int e)
{
    if (e > 1000)
        return v * mathx_from_bits((uint64_t)(e - 100 + 1023) << 52) * 0x1p100;
    if (e < -1000)
        return v * mathx_from_bits((uint64_t)(e + 200 + 1023) << 52) * 0x1p-200;
    return v * mathx_from_bits((uint64_t)(e + 1023) << 52);
}

/* exp(r) - 1 for |r| <= log(2)/256 */
static inline double mathx_exp_small(double r)
{
    const double r2 = r * r;

    return r + r2 * ((0.5 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120)));
}

/* 2^(steps/128) = 2^e t (1 + tail) */
static inline int mathx_exp_split(double steps, const double **row)
{
    const uint32_t biased = (uint32_t)((int)steps + (1 << 20));

    *row = &mathx_exp_table[2 * (biased & 127)];
    return (int)(biased >> 7) - (1 << 13);
}

static inline double mathx_exp_rest(double x, double low, double *steps)
{
    *steps = (x * MATHX_EXP_STEP_INVERSE + MATHX_ROUNDER) - MATHX_ROUNDER;
    return (x - *steps * MATHX_EXP_STEP_HIGH) - (*steps * MATHX_EXP_STEP_LOW - low);
}

/* exp(x + low), |low| small beside x; MATHX_EXP_MIN <= x <= MATHX_EXP_MAX */
static inline double mathx_exp_pair(double x, double low)
{
    const double *row;
    double steps;
    const double r = mathx_exp_rest(x, low, &steps);
    const int e = mathx_exp_split(steps, &row);

    return mathx_scale(row[0] + row[0] * (row[1] + mathx_exp_small(r)), e);
}

double tocsin__exp(double x)
{
    if (x != x)
        return x;
    if (x > MATHX_EXP_MAX)
        return tocsin__infinity();
    if (x < MATHX_EXP_MIN)
        return 0;
    return mathx_exp_pair(x, 0);
}

double tocsin__exp2(double x)
{
    const double *row;

    if (x != x)
        return x;
    if (x >= 1024)
        return tocsin__infinity();
    if (x < -1076)
        return 0;
    const double steps = (x * 128 + MATHX_ROUNDER) - MATHX_ROUNDER;
    const double r = (x - steps * (1.0 / 128)) * MATHX_LN2;
    const int e = mathx_exp_split(steps, &row);

    return mathx_scale(row[0] + row[0] * (row[1] + mathx_exp_small(r)), e);
}

double tocsin__expm1(double x)
{
    const double *row;
    double steps;

    if (x != x || tocsin__abs(x) < 0x1p-54)
        return x;
    if (x > MATHX_EXP_MAX)
        return tocsin__infinity();
    if (x < -45)
        return -1;
    const double r = mathx_exp_rest(x, 0, &steps);
    const int e = mathx_exp_split(steps, &row);

    if (e > 60)
        return mathx_scale(row[0] + row[0] * (row[1] + mathx_exp_small(r)), e);
    const double power = mathx_scale(row[0], e);

    return (power - 1.0) + power * (row[1] + mathx_exp_small(r));
}

double tocsin__pow(double x, double y)
{
    double exponent = 0, k;

    if (y == 0 || x == 1)
        return 1;
    if (x != x || y != y || x < 0)
        return tocsin__nan();
    if (!tocsin__is_finite(x) || !tocsin__is_finite(y) || x == 0)
        return (x > 1) == (y > 0) ? tocsin__infinity() : 0;
    if (mathx_bits(x) < MATHX_SMALLEST_NORMAL_BITS) {
        x *= 0x1p54;
        exponent = -54;
    }
    const mathx_pair part = mathx_log_pair(x, 0, exponent, &k);
    const mathx_pair whole = mathx_sum(k * MATHX_LN2_HIGH, part.high);
    const mathx_pair log = mathx_sum(whole.high, whole.low + (part.low + k * MATHX_LN2_LOW));

    if (y * log.high > MATHX_EXP_MAX)
        return tocsin__infinity();
    if (y * log.high < MATHX_EXP_MIN)
        return 0;
    const mathx_pair product = mathx_product(y, log.high);

    return mathx_exp_pair(product.high, product.low + y * log.low);
}

/* ---- The normal distribution ------------------------------------------------- */

#define MATHX_ERF_LIMIT 0.75
#define MATHX_FAR_LIMIT 5.75

static inline double mathx_polynomial(const double *coefficients, size_t count, double x)
{
    double sum = coefficients[count - 1];

    for (size_t i = count - 1; i-- > 0;)
        sum = sum * x + coefficients[i];
    return sum;
}

/* erf(x), |x| < 3/4 */
static double mathx_erf_near(double x)
{
    return x * mathx_polynomial(mathx_erf, TOCSIN__COUNT(mathx_erf), x * x - MATHX_ERF_MIDDLE);
}

/* exp(x^2) erfc(x), x >= 3/4 */
static double mathx_erfc_scaled(double x)
{
    if (x < MATHX_FAR_LIMIT) {
        const size_t piece = (size_t)((x - MATHX_ERF_LIMIT) * 2);

        return mathx_polynomial(&mathx_erfcx[MATHX_ERFCX_TERMS * piece], MATHX_ERFCX_TERMS,
                                x - (1.0 + 0.5 * (double)piece));
    }
    return mathx_polynomial(mathx_erfcx_far, TOCSIN__COUNT(mathx_erfcx_far),
                            1.0 / (x * x) - MATHX_ERFCX_FAR_MIDDLE) / x;
}

/* exp(-factor x^2); factor is 1 or 1/2, factor x^2 < 745 */
static double mathx_exp_square(double x, double factor)
{
    const double upper = mathx_upper(x);

    return mathx_exp_pair(-factor * (upper * upper), -factor * ((x - upper) * (x + upper)));
}

double tocsin__erfc(double x)
{
    const double size = tocsin__abs(x);
    double tail;

    if (x != x)
        return x;
    if (size < MATHX_ERF_LIMIT)
        return 1.0 - mathx_erf_near(x);
    tail = size > 27.25 ? 0.0 : mathx_exp_square(size, 1.0) * mathx_erfc_scaled(size);
    return x > 0 ? tail : 2.0 - tail;
}

double tocsin__normal_tail(double z)
{
    const double size = tocsin__abs(z), x = size * MATHX_SQRT_HALF;
    double tail;

    if (z != z)
        return z;
    if (x < MATHX_ERF_LIMIT)
        return 0.5 - 0.5 * mathx_erf_near(z * MATHX_SQRT_HALF);
    tail = size > 38.5 ? 0.0 : 0.5 * mathx_exp_square(size, 0.5) * mathx_erfc_scaled(x);
    return z > 0 ? tail : 1.0 - tail;
}

#define MATHX_QUANTILE_CENTRE 0.3

double tocsin__normal_quantile(double p)
{
    const double q = p - 0.5;
    double z;

    if (!(p > 0 && p < 1)) {
        if (p == 0 || p == 1)
            return p == 0 ? -tocsin__infinity() : tocsin__infinity();
        return tocsin__nan();
    }
    if (tocsin__abs(q) < MATHX_QUANTILE_CENTRE) {
        const double u = q * MATHX_SQRT_TWO_PI, u2 = u * u;

        z = u * (1 + u2 * (1.0 / 6 + u2 * (7.0 / 120 + u2 * (127.0 / 5040))));
        for (int i = 0; i < 2; i++) {
            const double gap = 0.5 * mathx_erf_near(z * MATHX_SQRT_HALF) - q;
            const double step = gap * MATHX_SQRT_TWO_PI / mathx_exp_square(z, 0.5);

            z -= step / (1 + 0.5 * z * step);
        }
        return z;
    }
    const double tail = tocsin__max(q < 0 ? p : 1 - p, 0x1p-1022);
    const double s = tocsin__sqrt(-2 * tocsin__log(tail));

    z = s - (mathx_quantile_guess[0] + mathx_quantile_guess[1] * s) /
                (1 + s * (mathx_quantile_guess[2] + s * mathx_quantile_guess[3]));
    for (int i = 0; i < 2; i++) {
        const double gap = tocsin__normal_tail(z) - tail;
        const double step = gap * MATHX_SQRT_TWO_PI / mathx_exp_square(z, 0.5);

        z += step / (1 - 0.5 * z * step);
    }
    return q < 0 ? -z : z;
}
