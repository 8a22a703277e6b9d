/* negbinomial.c - tails of the negative binomial distribution.
 *
 * With q = m / (m + k) both tails are incomplete beta functions, and these the density f times a
 * continued fraction C:
 *
 *     P(X >= x) = I_q(x, k)       = f(x) C(x, k, q)
 *     P(X <= x) = I_{1-q}(k, x+1) = f(x) q (x + k) / k  C(k, x + 1, 1 - q)
 *
 * or, on the near side of the middle, where C converges slowly, 1 - I_{1-y}(b, a).
 *
 * The density f comes from Loader's saddle point form, in which no digits are lost however large
 * the counts: Stirling's error of each factorial and the deviance of x from the mean.  The
 * fraction takes some ten steps far out and the square root of the smaller of m and k near the
 * mean; where both are above 256, Peizer and Pratt's normal deviate is used instead, which is then
 * right to 4e-5 as far out as 12; the fraction is to 1e-7.
 *
 * Where only m is large the distribution is a gamma one, which has no unit: x and m are scaled
 * down to 100,000, beyond which nothing is gained but rounding errors of 1 - q.
 *
 * References: Loader 2000 (fast and accurate computation of binomial probabilities); Abramowitz and
 * Stegun 26.5.8 and Lentz 1976 (the continued fraction); Peizer and Pratt 1968.
 *
 * Cost: some ten logarithms and 20 to 100 divisions; of large counts four logarithms.
 */
#include "negbinomial.h"

#include "bounds.h"

#define NEGBINOMIAL_LARGE 256.0         /* of the mean and the size */
#define NEGBINOMIAL_SIZE_MIN 1e-6       /* less is all one: nearly always 0 */
#define NEGBINOMIAL_SIZE_MAX 1e9        /* of a mean that is not large: nothing but Poisson */
#define NEGBINOMIAL_GAMMA 1e5           /* counts larger than this are as good as continuous */
#define NEGBINOMIAL_NONE 1e-12          /* a count below is none */
#define NEGBINOMIAL_STEPS 500           /* the fraction is done long before */
#define NEGBINOMIAL_LOG_2PI 1.837877066409345484
#define NEGBINOMIAL_LN2 0.693147180559945309
#define NEGBINOMIAL_STIRLING 16.0       /* Stirling's series is used from here on */
#define NEGBINOMIAL_LOG_LEAST (-690.0)  /* smaller probabilities are no normal doubles */

/* log(x!) less Stirling's formula for it, x > 0. */
static double negbinomial_stirling(double x)
{
    double product = 1, y = x;

    for (; y < NEGBINOMIAL_STIRLING; product *= y)
        y += 1;

    const double r = 1 / y, r2 = r * r;
    const double at_y = r * (1.0 / 12 - r2 * (1.0 / 360 - r2 * (1.0 / 1260 - r2 / 1680)));

    if (!(y > x))
        return at_y;
    return at_y + (y + 0.5) * tocsin__log(y) - tocsin__log(product) -
           (x + 0.5) * tocsin__log(x) + (x - y);
}

/* x log(x / mean) + mean - x, half the deviance; the gap x - mean is given, so that no digits are
 * lost where the two are close. */
static double negbinomial_deviance(double x, double mean, double gap)
{
    if (!(tocsin__abs(gap) < 0.1 * (x + mean)))
        return x * tocsin__log(x / mean) - gap;

    const double v = gap / (x + mean), v2 = v * v;
    double sum = gap * v, power = 2 * x * v;

    for (int i = 3; i < 40; i += 2) {
        const double before = sum;

        power *= v2;
        sum += power / i;
        if (!(sum > before || sum < before))
            break;
    }
    return sum;
}

/* log f(x), x > 0 */
static double negbinomial_log_density(double x, double mean, double size)
{
    const double n = x + size, q = mean / (mean + size), p = size / (mean + size);
    const double gap = (x - mean) * p;

    return negbinomial_stirling(n) - negbinomial_stirling(x) - negbinomial_stirling(size) -
           negbinomial_deviance(x, n * q, gap) - negbinomial_deviance(size, n * p, -gap) -
           0.5 * (NEGBINOMIAL_LOG_2PI + tocsin__log(x) + tocsin__log(n) - tocsin__log(size));
}

/* The continued fraction of I_x(a, b). */
static double negbinomial_fraction(double a, double b, double x)
{
    const double least = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), h;

    d = 1 / (tocsin__abs(d) < least ? least : d);
    h = d;
    for (int i = 1; i < NEGBINOMIAL_STEPS; i++) {
        const double m = i, a2 = a + 2 * m;
        double term = m * (b - m) * x / ((a2 - 1) * a2);

        d = 1 + term * d;
        c = 1 + term / c;
        d = 1 / (tocsin__abs(d) < least ? least : d);
        c = tocsin__abs(c) < least ? least : c;
        h *= d * c;
        term = -(a + m) * (a + b + m) * x / (a2 * (a2 + 1));
        d = 1 + term * d;
        c = 1 + term / c;
        d = 1 / (tocsin__abs(d) < least ? least : d);
        c = tocsin__abs(c) < least ? least : c;
        h *= d * c;
        if (tocsin__abs(d * c - 1) < 1e-14)
            break;
    }
    return h;
}

/* log I_x(a, b), where x + y = 1 and front = log(x^a y^b / B(a, b)).  The fraction converges fast
 * on one side of the distribution's middle; beyond, it is that of 1 - I. */
static double negbinomial_log_beta(double front, double a, double b, double x, double y)
{
    if (x * (a + b + 2) < a + 1)
        return front + tocsin__log(negbinomial_fraction(a, b, x) / a);

    const double rest = tocsin__exp(front) * (negbinomial_fraction(b, a, y) / b);

    return rest < 1 ? tocsin__log1p(-rest) : -tocsin__infinity();
}

/* The normal deviate of a tail, from its logarithm. */
static double negbinomial_of_log(double log_tail)
{
    if (!(log_tail < -NEGBINOMIAL_LN2))
        return 0;
    if (log_tail > NEGBINOMIAL_LOG_LEAST)
        return -tocsin__normal_quantile(tocsin__exp(log_tail));

    /* The tail is exp(-z^2 / 2) / (z sqrt(2 pi)) (1 - 1 / z^2 ...). */
    double z = tocsin__sqrt(-2 * log_tail);

    for (int i = 0; i < 4; i++)
        z = tocsin__sqrt(-2 * (log_tail + tocsin__log(z) + 0.5 * NEGBINOMIAL_LOG_2PI) -
                         2 / (z * z));
    return z;
}

/* The deviate of P(X <= x), Peizer and Pratt's. */
static double negbinomial_normal(double x, double mean, double size)
{
    const double n = x + size, q = mean / (mean + size), p = size / (mean + size);
    const double s = x + 0.5, t = size - 0.5, gap = (x - mean) * p + 0.5;
    const double near = gap + (1 - 2 * q) / 6 +
                        0.02 * (p / (x + 1) - q / size + (p - 0.5) / (n + 1));
    const double deviance = 2 / (1 + 1 / (6 * n)) *
                            (negbinomial_deviance(s, n * q, gap) +
                             negbinomial_deviance(t, n * p, -gap));

    if (deviance > 0 && tocsin__abs(gap) > 1e-6 * tocsin__sqrt(n * p * q))
        return near / tocsin__abs(gap) * tocsin__sqrt(deviance);
    return near / tocsin__sqrt(n * p * q * (1 + 1 / (6 * n)));
}

double tocsin__negbinomial_deviate(double x, double mean, double size)
{
    const int is_above = x > mean;

    size = tocsin__max(size, NEGBINOMIAL_SIZE_MIN);
    if (mean > NEGBINOMIAL_LARGE && size > NEGBINOMIAL_LARGE) {
        const double z = is_above ? negbinomial_normal(x - 1, mean, size)
                                  : -negbinomial_normal(x, mean, size);

        return tocsin__clamp(z, 0, TOCSIN__STATISTIC_MAX);
    }
    size = tocsin__min(size, NEGBINOMIAL_SIZE_MAX);
    if (mean > NEGBINOMIAL_GAMMA) {     /* a count reaches half a unit to either side */
        const double half = is_above ? 0.5 : -0.5;

        x = tocsin__max((x - half) * (NEGBINOMIAL_GAMMA / mean) + half, 0);
        mean = NEGBINOMIAL_GAMMA;
    }

    const double q = mean / (mean + size), p = size / (mean + size);
    double log_tail;

    if (x < NEGBINOMIAL_NONE) {
        log_tail = -size * tocsin__log1p(mean / size);
    } else {
        const double log_density = negbinomial_log_density(x, mean, size);

        log_tail = is_above ? negbinomial_log_beta(log_density + tocsin__log(x), x, size, q, p)
                            : negbinomial_log_beta(log_density + tocsin__log(q * (x + size)), size,
                                                   x + 1, p, q);
    }
    return tocsin__clamp(negbinomial_of_log(log_tail), 0, TOCSIN__STATISTIC_MAX);
}
