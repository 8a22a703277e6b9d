/* shares.c - is the traffic split as declared?
 *
 * Model.  Each unit goes to the candidate with the declared share rho, on its own.  If that is not
 * so - a router that retries elsewhere, a candidate that loses its slowest answers - then the arms
 * differ in more than the release, and comparing them means nothing.
 *
 * Formula.  The e-process of a Dirichlet mixture around the share, k = 100: with a = (k (1 - rho),
 * k rho) and the units S by arm,
 *
 *     E = [B(a + S) / B(a)] / [(1 - rho)^S_0 rho^S_1],   B the beta function.
 *
 * Reference.  Lindon & Malek, "Anytime-valid inference for multinomial count data", 2011.03567.
 * The logarithm of the gamma function: Stirling's series from 12 on, reached by the recursion;
 * its first missing term is below 1e-15.
 *
 * Cost.  Six logarithms of gamma functions.
 *
 * How it fails.  Near 2^53 units the logarithms lose their digits.
 */
#include "gate.h"

#define SHARES_STRENGTH 100.0       /* k: in units, how sure the mixture is of the share */

static double shares_log_gamma(double x)
{
    double product = 1, correction;

    while (x < 12) {
        product *= x;
        x += 1;
    }
    const double r = 1 / x, rr = r * r;

    correction = r * (1.0 / 12 -
                      rr * (1.0 / 360 -
                            rr * (1.0 / 1260 -
                                  rr * (1.0 / 1680 - rr * (1.0 / 1188 - rr * (691.0 / 360360))))));
    return (x - .5) * tocsin__log(x) - x + 0.91893853320467274178 + correction -
           tocsin__log(product);
}

double tocsin__log_beta(double a, double b)
{
    return shares_log_gamma(a) + shares_log_gamma(b) - shares_log_gamma(a + b);
}

double tocsin__share_log_e(double share, const uint64_t units[2])
{
    const double a = SHARES_STRENGTH * (1 - share), b = SHARES_STRENGTH * share;
    const double baseline = (double)units[0], candidate = (double)units[1];

    return tocsin__log_beta(a + baseline, b + candidate) - tocsin__log_beta(a, b) -
           baseline * tocsin__log1p(-share) - candidate * tocsin__log(share);
}
