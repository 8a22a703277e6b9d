/* laws.h - the laws that simulated measurements come from. */
#ifndef GATE_LAWS_H
#define GATE_LAWS_H

#include <math.h>

#include "../random.h"

/* Latencies around 100, of several kinds. */
enum { LAW_LOGNORMAL, LAW_GAMMA, LAW_BIMODAL, LAW_PARETO, LAW_NARROW, LAW_TIED, LAW_CAUCHY };

static inline double law_draw(rng *s, int law)
{
    switch (law) {
    case LAW_GAMMA:         /* shape 2 */
        return 50 * (rng_exponential(s) + rng_exponential(s));
    case LAW_BIMODAL:       /* a cache: 80 % near 20, 20 % near 200, each within 10 % */
        return (rng_uniform(s) < .8 ? 20 : 200) * exp(.1 * rng_normal(s));
    case LAW_PARETO:        /* tail index 2.5 */
        return 100 * pow(rng_uniform(s), -1 / 2.5);
    case LAW_NARROW:
        return 100 * exp(.2 * rng_normal(s));
    case LAW_TIED:          /* a clock of whole milliseconds */
        return floor(3 * exp(.8 * rng_normal(s)));
    case LAW_CAUCHY:
        return 100 * exp(tan(3.14159265358979 * (rng_uniform(s) - .5)));
    default:                /* sigma 1 */
        return 100 * exp(rng_normal(s));
    }
}

#endif
