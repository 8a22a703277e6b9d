/* laws.h - a generator, and the laws that simulated measurements come from. */
#ifndef GATE_LAWS_H
#define GATE_LAWS_H

#include <math.h>
#include <stdint.h>

/* splitmix64: one word of state, so a run's number is its seed. */
typedef struct source {
    uint64_t state;
    double spare;           /* the second of a pair of normals */
    int has_spare;
} source;

static inline source source_of(uint64_t seed)
{
    source s = {seed * UINT64_C(0xd1342543de82ef95) + 1, 0, 0};

    return s;
}

static inline uint64_t source_bits(source *s)
{
    uint64_t z = s->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* In (0, 1). */
static inline double source_uniform(source *s)
{
    return ((double)(source_bits(s) >> 11) + .5) * (1.0 / 9007199254740992.0);
}

static inline double source_normal(source *s)
{
    if (s->has_spare) {
        s->has_spare = 0;
        return s->spare;
    }
    for (;;) {
        const double x = 2 * source_uniform(s) - 1, y = 2 * source_uniform(s) - 1;
        const double r = x * x + y * y;

        if (r < 1 && r > 0) {
            const double scale = sqrt(-2 * log(r) / r);

            s->spare = y * scale;
            s->has_spare = 1;
            return x * scale;
        }
    }
}

static inline double source_exponential(source *s)
{
    return -log(source_uniform(s));
}

/* Poisson by inversion; for small means. */
static inline uint64_t source_poisson(source *s, double mean)
{
    double p = exp(-mean), sum = p, u = source_uniform(s);
    uint64_t k = 0;

    while (u > sum && k < 100000) {
        k++;
        p *= mean / (double)k;
        sum += p;
    }
    return k;
}

/* Latencies around 100, of several kinds. */
enum { LAW_LOGNORMAL, LAW_GAMMA, LAW_BIMODAL, LAW_PARETO, LAW_NARROW, LAW_TIED, LAW_CAUCHY };

static inline double law_draw(source *s, int law)
{
    switch (law) {
    case LAW_GAMMA:         /* shape 2 */
        return 50 * (source_exponential(s) + source_exponential(s));
    case LAW_BIMODAL:       /* a cache: 80 % near 20, 20 % near 200, each within 10 % */
        return (source_uniform(s) < .8 ? 20 : 200) * exp(.1 * source_normal(s));
    case LAW_PARETO:        /* tail index 2.5 */
        return 100 * pow(source_uniform(s), -1 / 2.5);
    case LAW_NARROW:
        return 100 * exp(.2 * source_normal(s));
    case LAW_TIED:          /* a clock of whole milliseconds */
        return floor(3 * exp(.8 * source_normal(s)));
    case LAW_CAUCHY:
        return 100 * exp(tan(3.14159265358979 * (source_uniform(s) - .5)));
    default:                /* sigma 1 */
        return 100 * exp(source_normal(s));
    }
}

#endif
