/* random.h - random numbers for simulations: SplitMix64 (Steele, Lea, Flood 2014) and
 * normals by Marsaglia's polar method. */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <math.h>
#include <stdint.h>

typedef struct {
    uint64_t state;
    double spare;
    int has_spare;
} rng;

/* Streams of neighbouring seeds are far apart: the multiplier is not the step of rng_next(), with
 * which one stream would be the next one, a number later. */
static inline rng rng_seeded(uint64_t seed)
{
    rng r = {seed * UINT64_C(0xd1342543de82ef95) + 1, 0, 0};

    return r;
}

static inline uint64_t rng_next(rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Uniform in (0, 1). */
static inline double rng_uniform(rng *r)
{
    return ((double)(rng_next(r) >> 11) + 0.5) * 0x1p-53;
}

static inline double rng_normal(rng *r)
{
    double a, b, s;

    if (r->has_spare) {
        r->has_spare = 0;
        return r->spare;
    }
    do {
        a = 2 * rng_uniform(r) - 1;
        b = 2 * rng_uniform(r) - 1;
        s = a * a + b * b;
    } while (s >= 1);
    s = sqrt(-2 * log(s) / s);
    r->spare = b * s;
    r->has_spare = 1;
    return a * s;
}

static inline double rng_exponential(rng *r)
{
    return -log(rng_uniform(r));
}

#endif
