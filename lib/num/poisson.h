/* poisson.h - what a count says of the mean it was drawn from. */
#ifndef TOCSIN__POISSON_H
#define TOCSIN__POISSON_H

#include "mathx.h"

/* The interval that holds the mean with 95 % confidence, 2.5 % on either side, of a Poisson
 * distribution that `count` was drawn from. */
void tocsin__poisson_interval(uint64_t count, double *lower, double *upper);

#endif
