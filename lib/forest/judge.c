/* judge.c - scores and depths of points by a fitted forest.
 *
 *     depth = mean over the trees of the depth at the leaf that the point comes to
 *     score = 2^(-depth / c)          Liu, Ting, Zhou 2008, equation 2
 *
 * where c is the depth to be expected of a sample of that size.  Points are taken in blocks.  A
 * block's values are read metric by metric, standardised and encoded, each as the number of
 * thresholds of its metric that are not above it (see forest.h); then the kernel in use leads the
 * block down all trees.  Of a line the code is already the answer's place in a table.  Sums
 * of depths are sums of integers, so that neither their order nor the kernel shows.
 *
 * A few points at the end, or a single one, go one by one, several trees at a time.
 *
 * Cost.  Per point O(metrics + trees * depth), of a line O(1); 64 KB on the stack.  Forests that
 * cut more metrics than a block has room for, and wide ones, read the values that they compare, one
 * tree after the other, at ten times the cost.
 */
#include "forest.h"

#define JUDGE_METRICS (1u << TOCSIN__FOREST_FEATURE_BITS)
#define JUDGE_BLOCK_MIN 16u         /* fewer points are faster one by one */

/* What sums of leaves come to. */
typedef struct judge_scale {
    double unit;                    /* 256 * trees */
    double rate;
    int is_depth;
} judge_scale;

static double judge_of_sum(const judge_scale *scale, uint32_t sum)
{
    return scale->is_depth ? sum / scale->unit : tocsin__forest_score(sum, scale->rate);
}

/* A line's answer to a code. */
static double judge_of_code(const tocsin_forest *forest, const judge_scale *scale, uint32_t code)
{
    return scale->is_depth ? forest->sums[code] / scale->unit : forest->scores[code];
}

/* ---- Blocks ------------------------------------------------------------------------- */

/* A block's values of one metric, standardised; behind its end they count as missing. */
static void judge_read(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                       uint32_t count, uint32_t column, float *z)
{
    const int64_t stride = matrix->row_stride;
    const int64_t at = (int64_t)row * stride + column * matrix->column_stride;
    double value[TOCSIN__FOREST_POINTS];

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
        value[p] = tocsin__nan();
    tocsin__kernels_in_use()->forest_z(forest->views[column].scale, forest->views[column].shift,
                                       value, TOCSIN__FOREST_POINTS, z);
}

static void judge_line(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                       uint32_t count, const judge_scale *scale, double *out)
{
    uint16_t codes[TOCSIN__FOREST_POINTS] = {0};
    float z[TOCSIN__FOREST_POINTS];

    if (forest->used > 0) {
        judge_read(forest, matrix, row, count, forest->metrics->column, z);
        tocsin__kernels_in_use()->forest_encode(forest->metrics, z, codes);
    }
    for (uint32_t p = 0; p < count; p++)
        out[p] = judge_of_code(forest, scale, codes[p]);
}

static tocsin__forest_job judge_job(const tocsin_forest *forest, const uint16_t *codes,
                                    uint32_t *sums)
{
    const tocsin__forest_job job = {
        .words = forest->words,
        .leaves = forest->leaves,
        .marks = forest->marks,
        .trees = forest->trees,
        .depth = forest->heap_depth,
        .feature_bits = forest->feature_bits,
        .flush = forest->flush,
        .codes = codes,
        .sums = sums,
    };

    return job;
}

static void judge_narrow(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                         uint32_t count, uint32_t *sums)
{
    _Alignas(64) uint16_t codes[JUDGE_METRICS * TOCSIN__FOREST_POINTS];
    const tocsin__kernels *const kernels = tocsin__kernels_in_use();
    float z[TOCSIN__FOREST_POINTS];

    for (uint32_t k = 0; k < forest->used; k++) {
        judge_read(forest, matrix, row, count, forest->metrics[k].column, z);
        kernels->forest_encode(&forest->metrics[k], z, codes + k * TOCSIN__FOREST_POINTS);
    }
    memset(codes + forest->used * TOCSIN__FOREST_POINTS, 0,
           ((1u << forest->feature_bits) - forest->used) * TOCSIN__FOREST_POINTS * sizeof *codes);

    const tocsin__forest_job job = judge_job(forest, codes, sums);
    kernels->forest(&job);
}

static tocsin__forest_mixed_job judge_mixed_job(const tocsin_forest *forest, const float *z,
                                                uint32_t *sums)
{
    const tocsin__forest_mixed_job job = {
        .thresholds = forest->thresholds,
        .weights = forest->weights,
        .columns = forest->columns_of,
        .leaves = forest->leaves,
        .marks = forest->marks,
        .trees = forest->trees,
        .depth = forest->heap_depth,
        .mix = forest->mix,
        .metrics = forest->used,
        .z = z,
        .sums = sums,
    };

    return job;
}

static void judge_mixed(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                        uint32_t count, uint32_t *sums)
{
    _Alignas(64) float z[JUDGE_METRICS * TOCSIN__FOREST_POINTS];

    for (uint32_t k = 0; k < forest->used; k++)
        judge_read(forest, matrix, row, count, forest->metrics[k].column,
                   z + k * TOCSIN__FOREST_POINTS);

    const tocsin__forest_mixed_job job = judge_mixed_job(forest, z, sums);
    tocsin__kernels_in_use()->forest_mixed(&job);
}

static void judge_block(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                        uint32_t count, const judge_scale *scale, double *out)
{
    uint32_t sums[TOCSIN__FOREST_POINTS];

    if (forest->shape == TOCSIN__FOREST_LINE) {
        judge_line(forest, matrix, row, count, scale, out);
        return;
    }
    if (forest->shape == TOCSIN__FOREST_NARROW)
        judge_narrow(forest, matrix, row, count, sums);
    else
        judge_mixed(forest, matrix, row, count, sums);
    for (uint32_t p = 0; p < count; p++)
        out[p] = judge_of_sum(scale, sums[p]);
}

/* ---- Single points -------------------------------------------------------------------- */

static float judge_z(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                     uint32_t column)
{
    return tocsin__view_at(matrix, row, column, &forest->views[column]);
}

static uint16_t judge_code(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                           const tocsin__forest_metric *metric)
{
    const float z = judge_z(forest, matrix, row, metric->column);

    return tocsin__forest_code(metric, metric->cell[tocsin__forest_cell(metric, z)], z);
}

static uint32_t judge_narrow_point(const tocsin_forest *forest, const tocsin__matrix *matrix,
                                   uint64_t row)
{
    const tocsin__kernels *const kernels = tocsin__kernels_in_use();
    uint16_t codes[JUDGE_METRICS];
    float z[JUDGE_METRICS];
    uint32_t sum;

    for (uint32_t k = 0; k < forest->used; k++)
        z[k] = judge_z(forest, matrix, row, forest->metrics[k].column);
    kernels->forest_encode_point(forest->metrics, forest->used, z, codes);
    for (uint32_t k = forest->used; k < 1u << forest->feature_bits; k++)
        codes[k] = 0;

    const tocsin__forest_job job = judge_job(forest, codes, &sum);
    kernels->forest_point(&job);
    return sum;
}

static uint32_t judge_mixed_point(const tocsin_forest *forest, const tocsin__matrix *matrix,
                                  uint64_t row)
{
    float z[JUDGE_METRICS];
    uint32_t sum;

    for (uint32_t k = 0; k < forest->used; k++)
        z[k] = judge_z(forest, matrix, row, forest->metrics[k].column);

    const tocsin__forest_mixed_job job = judge_mixed_job(forest, z, &sum);
    tocsin__kernels_in_use()->forest_mixed_point(&job);
    return sum;
}

int tocsin__forest_turns(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                         uint32_t tree, uint32_t node, float *part, uint32_t *column)
{
    float weight[TOCSIN__FOREST_MIX_MAX];
    const float threshold = tocsin__forest_cut_at(forest, tree, node, weight, column);
    float sum = part[0] = judge_z(forest, matrix, row, column[0]);

    for (uint32_t j = 1; j < forest->mix; j++) {
        part[j] = weight[j - 1] * judge_z(forest, matrix, row, column[j]);
        sum += part[j];
    }
    return sum >= threshold;
}

uint32_t tocsin__forest_line_sum(const tocsin_forest *forest, const tocsin__matrix *matrix,
                                 uint64_t row)
{
    return forest->sums[judge_code(forest, matrix, row, forest->metrics)];
}

static uint32_t judge_any_point(const tocsin_forest *forest, const tocsin__matrix *matrix,
                                uint64_t row)
{
    const uint32_t nodes = 1u << forest->heap_depth;
    float part[TOCSIN__FOREST_MIX_MAX];
    uint32_t column[TOCSIN__FOREST_MIX_MAX], sum = 0;

    for (uint32_t tree = 0; tree < forest->trees; tree++) {
        uint32_t at = 1;

        while (tocsin__forest_is_cut(forest, tree, at))
            at = 2 * at + (uint32_t)tocsin__forest_turns(forest, matrix, row, tree, at, part,
                                                         column);
        while (at < nodes)
            at *= 2;
        sum += forest->leaves[((size_t)tree << forest->heap_depth) + at - nodes];
    }
    return sum;
}

static double judge_point(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                          const judge_scale *scale)
{
    if (forest->shape == TOCSIN__FOREST_LINE)
        return judge_of_code(forest, scale,
                             forest->used > 0 ? judge_code(forest, matrix, row, forest->metrics)
                                              : 0);
    if (forest->shape == TOCSIN__FOREST_WIDE || forest->used > JUDGE_METRICS)
        return judge_of_sum(scale, judge_any_point(forest, matrix, row));
    return judge_of_sum(scale, forest->shape == TOCSIN__FOREST_NARROW
                                   ? judge_narrow_point(forest, matrix, row)
                                   : judge_mixed_point(forest, matrix, row));
}

void tocsin__forest_judge(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t rows,
                          int is_depth, double *out)
{
    const judge_scale scale = {256.0 * forest->trees,
                               tocsin__forest_rate(forest->trees, forest->expected_depth),
                               is_depth};
    const int has_blocks =
        forest->shape != TOCSIN__FOREST_WIDE && forest->used <= JUDGE_METRICS;
    uint64_t row = 0;

    while (has_blocks && rows - row >= JUDGE_BLOCK_MIN) {
        const uint64_t rest = rows - row;
        const uint32_t count =
            rest < TOCSIN__FOREST_POINTS ? (uint32_t)rest : TOCSIN__FOREST_POINTS;

        judge_block(forest, matrix, row, count, &scale, out + row);
        row += count;
    }
    for (; row < rows; row++)
        out[row] = judge_point(forest, matrix, row, &scale);
}
