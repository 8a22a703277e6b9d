/* judge.c - scores and depths of points by a fitted forest.
 *
 *     depth = mean over the trees of the depth at the leaf that the point comes to
 *     score = 2^(-depth / c)          Liu, Ting, Zhou 2008, equation 2
 *
 * where c is the depth to be expected of a sample of that size.  Points are taken in blocks.  A
 * block's values are read metric by metric and encoded, each as the number of thresholds of its
 * metric that are not above it (see forest.h); then the kernel in use leads the block down all
 * trees.  Sums of depths are sums of integers, so that neither their order nor the kernel shows.
 *
 * A few points at the end, or a single one, go one by one, several trees at a time.
 *
 * Cost.  Per point O(metrics + trees * depth); 16 KB on the stack.  A wide
 * forest compares values themselves, one tree after the other, at ten times the cost.
 */
#include "forest.h"

#include "../num/mathx.h"

#define JUDGE_METRICS (1u << TOCSIN__FOREST_FEATURE_BITS)
#define JUDGE_BLOCK_MIN 16u         /* fewer points are faster one by one */

/* What sums of leaves come to. */
typedef struct judge_scale {
    double unit;                    /* 256 * trees */
    double expected;
    int is_depth;
} judge_scale;

static double judge_of_sum(const judge_scale *scale, uint32_t sum)
{
    const double depth = sum / scale->unit;

    if (scale->is_depth)
        return depth;
    return scale->expected > 0 ? tocsin__exp2(-(depth / scale->expected)) : 0.5;
}

/* A block's values of one metric; those behind its end count as 0. */
static void judge_read(const tocsin__matrix *matrix, uint64_t row, uint32_t count, uint32_t column,
                       double *value)
{
    const int64_t stride = matrix->row_stride;
    const int64_t at = (int64_t)row * stride + column * matrix->column_stride;

    if (matrix->is_float) {
        const float *const values = (const float *)matrix->values + at;

        for (uint32_t p = 0; p < count; p++)
            value[p] = (double)values[p * stride];
    } else {
        const double *const values = (const double *)matrix->values + at;

        for (uint32_t p = 0; p < count; p++)
            value[p] = values[p * stride];
    }
    for (uint32_t p = count; p < TOCSIN__FOREST_POINTS; p++)
        value[p] = 0;
}

static void judge_job(const tocsin_forest *forest, tocsin__forest_job *job, const uint16_t *codes,
                      uint32_t *sums)
{
    job->words = forest->words;
    job->leaves = forest->leaves;
    job->trees = forest->trees;
    job->depth = forest->heap_depth;
    job->feature_bits = forest->feature_bits;
    job->flush = forest->flush;
    job->codes = codes;
    job->sums = sums;
}

static void judge_block(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                        uint32_t count, const judge_scale *scale, double *out)
{
    uint16_t codes[JUDGE_METRICS * TOCSIN__FOREST_POINTS];
    double value[TOCSIN__FOREST_POINTS];
    uint32_t sums[TOCSIN__FOREST_POINTS];
    const tocsin__kernels *const kernels = tocsin__kernels_in_use();
    tocsin__forest_job job;

    for (uint32_t k = 0; k < forest->used; k++) {
        judge_read(matrix, row, count, forest->metrics[k].column, value);
        kernels->forest_encode(&forest->metrics[k], value, codes + k * TOCSIN__FOREST_POINTS);
    }
    memset(codes + forest->used * TOCSIN__FOREST_POINTS, 0,
           ((1u << forest->feature_bits) - forest->used) * TOCSIN__FOREST_POINTS * sizeof *codes);
    judge_job(forest, &job, codes, sums);
    kernels->forest(&job);
    for (uint32_t p = 0; p < count; p++)
        out[p] = judge_of_sum(scale, sums[p]);
}

static uint32_t judge_point(const tocsin_forest *forest, const tocsin__matrix *matrix,
                            uint64_t row)
{
    uint16_t codes[JUDGE_METRICS];
    tocsin__forest_job job;
    uint32_t sum;

    for (uint32_t k = 0; k < forest->used; k++) {
        const tocsin__forest_metric *const metric = &forest->metrics[k];
        const double value = tocsin__matrix_at(matrix, row, metric->column);

        codes[k] = tocsin__forest_code(metric, metric->cell[tocsin__forest_cell(metric, value)],
                                       value);
    }
    for (uint32_t k = forest->used; k < 1u << forest->feature_bits; k++)
        codes[k] = 0;
    judge_job(forest, &job, codes, &sum);
    tocsin__kernels_in_use()->forest_point(&job);
    return sum;
}

/* The same by a wide forest. */
static uint32_t judge_wide(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row)
{
    const size_t nodes = (size_t)1 << forest->heap_depth;
    const uint32_t *words = forest->words;
    const uint16_t *leaves = forest->leaves;
    uint32_t sum = 0;

    for (uint32_t tree = 0; tree < forest->trees; tree++) {
        size_t at = 1;

        while (at < nodes && words[at] != TOCSIN__FOREST_WIDE_END) {
            const uint32_t column = forest->owner[words[at]];
            double value = tocsin__matrix_at(matrix, row, column);

            if (tocsin__is_nan(value))
                value = forest->missing[column];
            at = 2 * at + (value >= forest->threshold[words[at]]);
        }
        while (at < nodes)
            at *= 2;
        sum += leaves[at - nodes];
        words += nodes;
        leaves += nodes;
    }
    return sum;
}

void tocsin__forest_judge(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t rows,
                          int is_depth, double *out)
{
    const judge_scale scale = {256.0 * forest->trees, forest->expected_depth, is_depth};
    uint64_t row = 0;

    while (!forest->is_wide && rows - row >= JUDGE_BLOCK_MIN) {
        const uint64_t rest = rows - row;
        const uint32_t count =
            rest < TOCSIN__FOREST_POINTS ? (uint32_t)rest : TOCSIN__FOREST_POINTS;

        judge_block(forest, matrix, row, count, &scale, out + row);
        row += count;
    }
    for (; row < rows; row++)
        out[row] = judge_of_sum(&scale, forest->is_wide ? judge_wide(forest, matrix, row)
                                                        : judge_point(forest, matrix, row));
}
