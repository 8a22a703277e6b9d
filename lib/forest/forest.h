/* forest.h - a fitted isolation forest: what grow.c makes and score.c reads.
 *
 * Every tree is a binary heap of the same depth: node i has the children 2i and 2i+1, the root is
 * node 1, and leaves stand below the last level.  Where a branch ends earlier, its nodes send every
 * point to the left, to leaves that all hold the branch's value.
 *
 * A cut asks `value of metric f >= threshold t?`, and so does nothing with a value but compare
 * it with the forest's thresholds for that metric.  How many of these are <= value, its *code*,
 * tells all there is to know: with thresholds sorted and distinct, value >= t[r] is code > r.  A
 * node is then one 16-bit word, the rank r over the metric's place among those that are cut, and
 * a point is encoded once for all trees.  This is exact.
 *
 * Where such words do not fit 16 bits, or too many metrics are cut for all their codes to be at
 * hand, the forest is *wide*: a word is the number of a threshold among all, and values are
 * compared themselves.
 */
#ifndef TOCSIN__FOREST_H
#define TOCSIN__FOREST_H

#include "../num/kernels.h"
#include "tocsin/forest.h"

#define TOCSIN__FOREST_DEPTH_MAX 16u

/* No cut. */
#define TOCSIN__FOREST_WIDE_END UINT32_MAX

struct tocsin_forest {
    tocsin_allocator allocator;
    size_t bytes;                   /* of the block that begins here */
    uint64_t seed;
    uint64_t cuts;
    double expected_depth;
    uint32_t trees, sample, depth, columns;
    uint32_t heap_depth;            /* levels of each heap, at least `depth` */
    uint32_t used;                  /* metrics that are cut */
    uint32_t is_wide;
    uint32_t feature_bits;          /* of a narrow word, its lowest: the metric's place */
    uint32_t flush;                 /* trees whose leaves' sum always fits 16 bits */
    uint32_t reserved;
    /* In the same block. */
    const double *missing;          /* per column: what a NaN counts as */
    const tocsin__forest_metric *metrics;   /* narrow: per metric that is cut */
    const double *threshold;        /* wide: of each of those in turn, ascending and distinct */
    const uint32_t *owner;          /* wide: per threshold, the column it is of */
    const void *words;              /* per tree 2^heap_depth: uint16_t, wide ones uint32_t */
    const uint16_t *leaves;         /* per tree 2^heap_depth: the depth there, in 256ths */
};

/* A matrix whose strides are resolved. */
typedef struct tocsin__matrix {
    const void *values;
    int64_t row_stride, column_stride;
    uint32_t is_float;
} tocsin__matrix;

/* A NaN is left a NaN. */
static inline double tocsin__matrix_at(const tocsin__matrix *matrix, uint64_t row, uint32_t column)
{
    const int64_t at = (int64_t)row * matrix->row_stride + column * matrix->column_stride;

    return matrix->is_float ? (double)((const float *)matrix->values)[at]
                            : ((const double *)matrix->values)[at];
}

/* Arguments are sound: 1 or more rows, all options resolved. */
int tocsin__forest_fit(tocsin_forest **out, const tocsin_forest_options *options,
                       const tocsin__matrix *matrix, uint64_t rows, uint32_t columns,
                       const tocsin_allocator *allocator);

/* Scores, or mean depths, of `rows` points. */
void tocsin__forest_judge(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t rows,
                          int is_depth, double *out);

#endif
