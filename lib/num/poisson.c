/* poisson.c - what a count says of the mean it was drawn from.
 *
 * The exact interval (Garwood 1936): its upper end is the mean of which so few come with
 * probability 2.5 %, its lower end that of which so many do.  Up to 100 both are found by halving,
 * the probability being a sum of as many terms.  Beyond, the cube root of a gamma variable is as
 * good as normal (Wilson and Hilferty 1931):
 *
 *     lower = n (1 - 1 / 9n - z / 3 sqrt n)^3,  upper = m (1 - 1 / 9m + z / 3 sqrt m)^3,  m = n + 1
 *
 * is right to a ten thousandth.
 *
 * Cost: 60 sums of at most 101 terms; above 100 some twenty operations.
 */
#include "poisson.h"

#define POISSON_EXACT 100u
#define POISSON_HALVINGS 60
#define POISSON_Z 1.959963984540054     /* 2.5 % lie above */
#define POISSON_TAIL 0.025

/* The probability of at most so many. */
static double poisson_at_most(uint32_t count, double mean)
{
    double term = tocsin__exp(-mean), sum = term;

    for (uint32_t i = 1; i <= count; i++) {
        term *= mean / i;
        sum += term;
    }
    return sum;
}

/* The mean of which at most `count` come with that probability. */
static double poisson_mean(uint32_t count, double probability)
{
    double low = 0, high = 2 * count + 10.0;

    for (int i = 0; i < POISSON_HALVINGS; i++) {
        const double middle = 0.5 * (low + high);

        if (poisson_at_most(count, middle) > probability)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

static double poisson_cube(double count, double z)
{
    const double root = 1 - 1 / (9 * count) + z / (3 * tocsin__sqrt(count));

    return count * root * root * root;
}

void tocsin__poisson_interval(uint64_t count, double *lower, double *upper)
{
    if (count > POISSON_EXACT) {
        *lower = poisson_cube((double)count, -POISSON_Z);
        *upper = poisson_cube((double)count + 1, POISSON_Z);
        return;
    }
    *lower = count > 0 ? poisson_mean((uint32_t)count - 1, 1 - POISSON_TAIL) : 0;
    *upper = poisson_mean((uint32_t)count, POISSON_TAIL);
}
