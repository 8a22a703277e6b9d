/* bounds.h - the limits that models and their kernels must agree on. */
#ifndef TOCSIN__BOUNDS_H
#define TOCSIN__BOUNDS_H

/* Values are limited to +- this before a detector sees them, so that neither sums nor
 * squares of them overflow. */
#define TOCSIN__VALUE_MAX 1e150

/* Statistics beyond are all alike to a calibrator. */
#define TOCSIN__STATISTIC_MAX 1e27

/* Of residuals; see lib/detect/residual.h. */
#define TOCSIN__DEVIATION_MIN 1e-30 /* smaller deviations count as none */
#define TOCSIN__HABIT_WINDOWS 16    /* what the bucket of crossings holds */
#define TOCSIN__REST 1e-3           /* of the reach: what moves less, rests */

#define TOCSIN__REAL_MAX 1e38       /* what a float can hold, with room for sums */

/* Of holt-winters; see lib/detect/holt_winters.c. */
#define TOCSIN__HOLT_DEVIATION 1.25331413731550025  /* sqrt(pi/2): standard / mean deviation */
#define TOCSIN__HOLT_SHRINKAGE 5.0  /* cycles after which a slot's deviation counts half */
#define TOCSIN__HOLT_QUIETEST 0.25  /* of the common deviation */
#define TOCSIN__HOLT_UNSEEN 2.0     /* common deviations, in a slot that was never seen */
#define TOCSIN__HOLT_SEEN 1e-37     /* smallest deviation of a slot that was seen; 0: never */

#endif
