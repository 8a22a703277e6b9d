/* negbinomial.h - how far a count lies out in a negative binomial distribution.
 *
 * Mean m and size k, the variance being m + m^2 / k: a Poisson distribution whose rate is itself
 * gamma distributed, and so what is predicted of a count whose rate is not known exactly.
 */
#ifndef TOCSIN__NEGBINOMIAL_H
#define TOCSIN__NEGBINOMIAL_H

#include "mathx.h"

/* The standard normal deviate that is exceeded as often as the count `x` is reached: that of
 * P(X >= x) where x is above the mean, of P(X <= x) where it is not.  0 <= x <= TOCSIN__VALUE_MAX,
 * mean and size > 0; a size below 1e-6 counts as that.  Never negative: 0 stands for all that
 * happens every other time.  x need be no integer, the incomplete beta function continues the sums. */
double tocsin__negbinomial_deviate(double x, double mean, double size);

#endif
