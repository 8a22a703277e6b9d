/* twin_tick.h - a twin's tick, as twin_tick.c is compiled once per instruction set. */
#ifndef BENCH_TWIN_TICK_H
#define BENCH_TWIN_TICK_H

#include "twin.h"

enum { TWIN_TILE = 64 };

typedef struct twin_job {
    char *columns;          /* first tile of each */
    char *slots;
    size_t tiles;
    const float *values;
    double *scores;
} twin_job;

typedef void twin_function(const twin_job *job);

/* All of them, once per shape and with or without scores. */
extern twin_function *const twin_functions_scalar[TWIN_SHAPES][2];
extern twin_function *const twin_functions_native[TWIN_SHAPES][2];
extern twin_function *const twin_functions_avx2[TWIN_SHAPES][2];
extern twin_function *const twin_functions_avx512[TWIN_SHAPES][2];

/* Columns of a shape: of doubles and floats that are read and written, floats that are read
 * only, and floats of a seasonal slot. */
#define TWIN_EACH_SHAPE(X)              \
    X(TWIN_PLAIN, plain, 1, 1, 0, 0)    \
    X(TWIN_EWMA, ewma, 1, 2, 0, 0)      \
    X(TWIN_EWMA_TAIL, ewma_tail, 1, 3, 1, 0) \
    X(TWIN_HOLT, holt, 1, 3, 0, 2)      \
    X(TWIN_HOLT_TAIL, holt_tail, 1, 4, 1, 2)

#endif
