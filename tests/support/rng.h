/* rng.h - random numbers for tests, the same on every platform.
 *
 * SplitMix64 (Steele, Lea and Flood 2014): a counter through a mixing function.
 * Any seed is a good one, and a test's inputs never depend on the C library.
 */
#ifndef TOCSIN_TEST_RNG_H
#define TOCSIN_TEST_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct rng {
    uint64_t counter;
} rng;

static inline rng rng_seeded(uint64_t seed)
{
    rng r;

    r.counter = seed;
    return r;
}

static inline uint64_t rng_u64(rng *r)
{
    uint64_t z = r->counter += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 .. bound-1; the bias of the remainder does not matter to a test. */
static inline size_t rng_below(rng *r, size_t bound)
{
    return (size_t)(rng_u64(r) % bound);
}

/* [0, 1), a multiple of 2^-53. */
static inline double rng_uniform(rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

/* Nearly Gaussian, mean 0 and deviation 1: the sum of twelve uniforms less six.
 * No libm, so the same bits everywhere; tails end at six deviations. */
static inline double rng_normal(rng *r)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += rng_uniform(r);
    return sum;
}

#endif
