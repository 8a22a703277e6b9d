/* quartiles.h - the quartiles of a stream in constant memory, old values fading.
 *
 * Five markers stand at the minimum, the quartiles and the maximum (the P-square algorithm, Jain
 * and Chlamtac 1985).  Beside each stands the share of the stream that lies below it.  A value
 * moves the shares; a marker whose share is off by a value's weight moves towards a neighbour,
 * along the parabola through the three, or along the line where that would leave the order.
 *
 * A marker that many values equal is where it should be if its quartile lies among them: a
 * series that rests at one value for most of the time has that for its median, exactly.
 *
 * In the original all values weigh the same for ever.  Here they do as long as 1/n is the larger
 * gain; then shares are exponentially weighted, and the outer markers, which nothing else would
 * ever bring back, fade towards their neighbours.
 */
#ifndef TOCSIN__QUARTILES_H
#define TOCSIN__QUARTILES_H

#include "../core/common.h"

#define TOCSIN__QUARTILES 5
#define TOCSIN__QUARTILES_GAIN_MAX 0.125    /* no gain is larger */

typedef struct tocsin__quartiles {
    double at[TOCSIN__QUARTILES];       /* ascending; at[2] is the median */
    double share[TOCSIN__QUARTILES];    /* 0 and 1 at the ends, once all five are in use */
    double tied[TOCSIN__QUARTILES - 2]; /* share of the values that equal an inner marker's */
} tocsin__quartiles;

/* Learn a value that comes after `count` others, with a gain or else 1/count.  The first five are
 * sorted and kept. */
void tocsin__quartiles_learn(tocsin__quartiles *quartiles, uint32_t count, double value,
                             double gain);

/* The median of what was learnt, `count` values; 0 of none. */
double tocsin__quartiles_median(const tocsin__quartiles *quartiles, uint32_t count);

#endif
