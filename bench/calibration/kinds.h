/* kinds.h - kinds of series in which nothing is wrong. */
#ifndef CALIBRATION_KINDS_H
#define CALIBRATION_KINDS_H

#include <stddef.h>

#include "../random.h"

#define METRICS_MAX 16

static const double day = 86400, week = 604800;     /* seconds, as all times here */

typedef struct {
    rng rng;
    double step;
    double phase;           /* each series begins at another time of its day and week */
    double memory[1 + METRICS_MAX];
} series;

typedef double generator(series *s, double t);
typedef void row_generator(series *s, double t, double *row, size_t metrics);

typedef struct {
    const char *name;
    generator *make;            /* NULL: rows */
    row_generator *make_row;
    size_t metrics;
    int is_continuous;          /* must use at least half of its budget */
    int is_adrift;              /* its values have no standard deviation, its steps have */
    int has_day;                /* it repeats itself every day */
    double noise;               /* standard deviation about what is expected; 0: see finds.c */
} kind;

extern const kind kinds[];
extern const size_t kind_count;

/* Series number `index` of a kind. */
void series_start(series *s, const kind *k, double step, uint64_t seed, uint64_t index);

/* Its point at t, to be asked for in order: k->metrics values. */
void series_next(series *s, const kind *k, double t, double *row);

#endif
