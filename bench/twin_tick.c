/* twin_tick.c - the loops of the bandwidth twins; compiled once per instruction set, with
 * TWIN_ISA saying which.
 */
#include "twin_tick.h"

#if defined __GNUC__
#define TWIN_INLINE inline __attribute__((always_inline))
#define TWIN_ALIGNED(pointer) __builtin_assume_aligned(pointer, 64)
#else
#define TWIN_INLINE inline
#define TWIN_ALIGNED(pointer) (pointer)
#endif

static TWIN_INLINE void add(float *restrict column, const float *restrict values)
{
    float *restrict to = TWIN_ALIGNED(column);
    const float *restrict from = TWIN_ALIGNED(values);

    for (size_t i = 0; i < TWIN_TILE; i++)
        to[i] += from[i];
}

static TWIN_INLINE void add_both(float *restrict column, const float *restrict values,
                                 const float *restrict bars)
{
    float *restrict to = TWIN_ALIGNED(column);
    const float *restrict from = TWIN_ALIGNED(values), *restrict bar = TWIN_ALIGNED(bars);

    for (size_t i = 0; i < TWIN_TILE; i++)
        to[i] += from[i] + bar[i];
}

static TWIN_INLINE void score(double *restrict column, const float *restrict values,
                              double *restrict scores)
{
    double *restrict to = TWIN_ALIGNED(column), *restrict out = TWIN_ALIGNED(scores);
    const float *restrict from = TWIN_ALIGNED(values);

    for (size_t i = 0; i < TWIN_TILE; i++) {
        const double sum = to[i] + (double)from[i];

        to[i] = sum;
        if (scores)
            out[i] = sum;
    }
}

/* The counts are constants where this is inlined. */
static TWIN_INLINE void tick(const twin_job *job, size_t floats, size_t bars, size_t slots,
                             int has_scores)
{
    const size_t size = TWIN_TILE * (sizeof(double) + (floats + bars) * sizeof(float));

    for (size_t t = 0; t < job->tiles; t++) {
        const float *values = job->values + t * TWIN_TILE;
        double *mean = (void *)(job->columns + t * size);
        float *column = (void *)(mean + TWIN_TILE);
        float *slot = (void *)(job->slots + t * slots * TWIN_TILE * sizeof(float));

        score(mean, values, has_scores ? job->scores + t * TWIN_TILE : NULL);
        for (size_t c = bars; c < floats; c++)
            add(column + c * TWIN_TILE, values);
        for (size_t c = 0; c < bars; c++)
            add_both(column + c * TWIN_TILE, values, column + (floats + c) * TWIN_TILE);
        for (size_t c = 0; c < slots; c++)
            add(slot + c * TWIN_TILE, values);
    }
}

#define TWIN_DEFINE(shape, name, doubles, floats, bars, slots)  \
    static void name##_scores(const twin_job *job)              \
    {                                                           \
        tick(job, floats, bars, slots, 1);                      \
    }                                                           \
    static void name##_only(const twin_job *job)                \
    {                                                           \
        tick(job, floats, bars, slots, 0);                      \
    }
TWIN_EACH_SHAPE(TWIN_DEFINE)

#define TWIN_JOIN_(a, b) a##b
#define TWIN_JOIN(a, b) TWIN_JOIN_(a, b)
#define TWIN_ROW(shape, name, doubles, floats, bars, slots) [shape] = {name##_only, name##_scores},

twin_function *const TWIN_JOIN(twin_functions_, TWIN_ISA)[TWIN_SHAPES][2] = {
    TWIN_EACH_SHAPE(TWIN_ROW)
};
