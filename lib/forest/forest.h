/* forest.h - an isolation forest: what grow.c grows, assemble.c makes of that, and judge.c reads.
 *
 * Values are standardised first (tocsin__forest_z): all cuts are of floats.
 *
 * Every tree is a binary heap of the same depth: node i has the children 2i and 2i+1, the root is
 * node 1, and leaves stand below the last level.  Where a branch ends earlier, it does not matter
 * what its nodes compare: all leaves below hold the branch's value.
 *
 * A cut asks `z of metric f >= threshold t?`, and so does nothing with a value but compare
 * it with the forest's thresholds for that metric.  How many of these are <= z, its *code*,
 * tells all there is to know: with thresholds sorted and distinct, z >= t[r] is code > r.  A
 * node is then one 16-bit word, the rank r over the metric's place among those that are cut, and
 * a point is encoded once for all trees.  This is exact.  Four shapes come of it:
 *
 *     line     only one metric is cut: the depth is a function of its code alone, a table
 *     narrow   words of 16 bits, as above
 *     wide     they do not fit, or too many metrics are cut for all their codes to be at hand: a
 *              word is the number of a threshold among all, and values are compared themselves
 *     mixed    cuts go through several metrics at once: each node has its own threshold and weights
 *
 * Assembling starts from a *plan*: cuts and leaves as they stand in the trees, each node before
 * those below and left before right.
 */
#ifndef TOCSIN__FOREST_H
#define TOCSIN__FOREST_H

#include "../num/kernels.h"
#include "../num/mathx.h"
#include "tocsin/forest.h"

#define TOCSIN__FOREST_DEPTH_MAX 16u
#define TOCSIN__FOREST_TREES_MAX 4096u
#define TOCSIN__FOREST_SAMPLE_MAX 65536u

/* Heaps are as large as their trees are deep: nodes of all of them, times the metrics of a cut. */
#define TOCSIN__FOREST_NODES_MAX ((size_t)1 << 24)

static inline int tocsin__forest_fits(uint32_t trees, uint32_t depth, uint32_t mix)
{
    return ((size_t)trees << depth) * mix <= TOCSIN__FOREST_NODES_MAX;
}

/* Words of nodes that are no cuts. */
#define TOCSIN__FOREST_END UINT16_MAX
#define TOCSIN__FOREST_WIDE_END UINT32_MAX

enum {
    TOCSIN__FOREST_LINE,
    TOCSIN__FOREST_NARROW,
    TOCSIN__FOREST_WIDE,
    TOCSIN__FOREST_MIXED
};

/* How a metric's values are standardised: scale is a power of two. */
typedef struct tocsin__forest_view {
    double scale, shift;
} tocsin__forest_view;

struct tocsin_forest {
    tocsin_allocator allocator;
    size_t bytes;                   /* of the block that begins here */
    uint64_t seed;
    uint64_t cuts;
    double expected_depth;
    uint32_t trees, sample, depth, columns;
    uint32_t heap_depth;            /* levels of each heap, at least `depth` */
    uint32_t used;                  /* metrics that are cut */
    uint32_t shape;                 /* TOCSIN__FOREST_LINE .. */
    uint32_t mix;                   /* metrics of each cut */
    uint32_t feature_bits;          /* of a narrow word, its lowest: the metric's place */
    uint32_t flush;                 /* trees whose leaves' sum always fits 16 bits */
    uint32_t promised;              /* c(sample), in 256ths */
    uint32_t reserved;
    /* In the same block; what a shape has no use for is NULL. */
    const tocsin__forest_view *views;       /* per column */
    const tocsin__forest_metric *metrics;   /* per metric that is cut; not of wide ones */
    const float *thresholds;        /* line, narrow: of each metric in turn, ascending and distinct;
                                       wide: likewise; mixed: per node */
    const uint32_t *owner;          /* wide: per threshold, the column it is of */
    const void *words;              /* per tree 2^heap_depth: uint16_t, wide ones uint32_t */
    const float *weights;           /* mixed: planes as in tocsin__forest_mixed_job */
    const uint16_t *columns_of;     /* mixed: places among metrics */
    const uint16_t *leaves;         /* per tree 2^heap_depth: the depth there, in 256ths */
    const uint64_t *marks;          /* which nodes are cuts; 2^heap_depth bits per tree */
    const uint16_t *counts;         /* of the leaves of each tree from left to right: rows - 1 */
    const uint16_t *depth_of;       /* c(n) in 256ths, up to the sample */
    const uint32_t *sums;           /* line: per code, the sum of depths in 256ths */
    const double *scores;           /* line: per code */
};

/* ---- Values ----------------------------------------------------------------------- */

/* A matrix whose strides are resolved. */
typedef struct tocsin__matrix {
    const void *values;
    int64_t row_stride, column_stride;
    uint32_t is_float;
    uint32_t reserved;
} tocsin__matrix;

/* A NaN is left a NaN. */
static inline double tocsin__matrix_at(const tocsin__matrix *matrix, uint64_t row, uint32_t column)
{
    const int64_t at = (int64_t)row * matrix->row_stride + column * matrix->column_stride;

    return matrix->is_float ? (double)((const float *)matrix->values)[at]
                            : ((const double *)matrix->values)[at];
}

static inline float tocsin__view_at(const tocsin__matrix *matrix, uint64_t row, uint32_t column,
                                    const tocsin__forest_view *view)
{
    return tocsin__forest_z(tocsin__matrix_at(matrix, row, column), view->scale, view->shift);
}

/* ---- Plans ------------------------------------------------------------------------ */

/* A cut: its threshold, as an unsigned number of the same order, and where it is. */
typedef struct tocsin__forest_cut {
    uint32_t key;
    uint32_t node;                  /* tree << heap_depth | place in the heap */
    uint32_t column;                /* of mixed ones, the first */
} tocsin__forest_cut;

typedef struct tocsin__forest_plan {
    uint64_t seed;
    uint32_t trees, sample, depth, columns, mix;
    uint32_t heap_depth;            /* TOCSIN__FOREST_DEPTH, or more if the trees are deeper */
    size_t cut_most;                /* cuts that there is to be room for */
    uint64_t line_cuts;             /* of a line: how many cuts there were */
    uint32_t is_line;               /* a line whose trees are not known: cuts are its thresholds,
                                       ascending, and `sums` says what leaves do else */
    uint32_t cut_count, leaf_count, leaf_max;
    double expected_depth;
    /* In one block. */
    char *block;
    size_t bytes;
    tocsin__forest_view *views;
    tocsin__forest_cut *cuts, *sorted;
    float *weights;                 /* mixed: of cut k, at k * (mix - 1) */
    uint16_t *columns_of;           /* mixed: at k * mix */
    uint16_t *leaves;               /* per tree 2^heap_depth */
    uint16_t *counts;
    uint16_t *depth_of;             /* c(n) in 256ths, see grow.c */
    uint32_t *sums;                 /* of a line */
    float *distinct;                /* assembling: thresholds of each metric in turn, each once */
    uint32_t *cell_of;              /* and where in their metric's grid they are */
    uint32_t *digits, *by_column, *place;
} tocsin__forest_plan;

/* A block's parts, each at a multiple of 64 bytes. */
static inline size_t tocsin__forest_part(size_t *size, size_t count, size_t element)
{
    const size_t at = *size;

    *size += (count * element + 63) / 64 * 64;
    return at;
}

static inline uint32_t tocsin__forest_key(float threshold)
{
    uint32_t bits;

    memcpy(&bits, &threshold, sizeof bits);
    return bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
}

static inline float tocsin__forest_of_key(uint32_t key)
{
    const uint32_t bits = key >> 31 ? key ^ UINT32_C(1) << 31 : ~key;
    float threshold;

    memcpy(&threshold, &bits, sizeof threshold);
    return threshold;
}

/* Start a plan: what stands before `cut_count` is set, the rest is for this to do. */
int tocsin__forest_plan_start(tocsin__forest_plan *plan, const tocsin_allocator *allocator);
void tocsin__forest_plan_free(tocsin__forest_plan *plan, const tocsin_allocator *allocator);

/* Add a cut; what a mixed one has beside its threshold and first column is the caller's to fill in
 * at its number, which is returned. */
uint32_t tocsin__forest_plan_cut(tocsin__forest_plan *plan, uint32_t tree, uint32_t node,
                                 uint32_t column, float threshold);

/* Add a leaf of `count` rows, 1 or more. */
void tocsin__forest_plan_leaf(tocsin__forest_plan *plan, uint32_t tree, uint32_t node,
                              uint32_t level, uint32_t count);

/* The forest of a finished plan. */
int tocsin__forest_assemble(tocsin_forest **out, tocsin__forest_plan *plan,
                            const tocsin_allocator *allocator);

/* ---- Forests ---------------------------------------------------------------------- */

/* Arguments are sound: 1 or more rows, all options resolved. */
int tocsin__forest_fit(tocsin_forest **out, const tocsin_forest_options *options,
                       const tocsin__matrix *matrix, uint64_t rows, uint32_t columns,
                       const tocsin_allocator *allocator);

/* The score of a sum of depths in 256ths over all trees, and what it takes: -1 / (256 * trees * c).
 * Of a sample of one, c is 0: nothing is unusual. */
static inline double tocsin__forest_rate(uint32_t trees, double expected_depth)
{
    return expected_depth > 0 ? -1 / (256.0 * trees * expected_depth) : 0;
}

static inline double tocsin__forest_score(uint32_t sum, double rate)
{
    return rate < 0 ? tocsin__exp2(sum * rate) : 0.5;
}

/* Scores, or mean depths, of `rows` points. */
void tocsin__forest_judge(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t rows,
                          int is_depth, double *out);

/* By which metrics a point comes to be isolated: one number per column, which add up to
 * c(sample) - depth. */
void tocsin__forest_explain(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                            double *out);

/* Does a point turn right at a cut?  Reads no more of its values than the cut compares, and fills
 * in what each adds to the sum, and whose they are: `mix` of them. */
int tocsin__forest_turns(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                         uint32_t tree, uint32_t node, float *part, uint32_t *column);

/* A line's sum of depths for a point; the line has a cut. */
uint32_t tocsin__forest_line_sum(const tocsin_forest *forest, const tocsin__matrix *matrix,
                                 uint64_t row);

/* Is a node a cut? */
static inline int tocsin__forest_is_cut(const tocsin_forest *forest, uint32_t tree, uint32_t node)
{
    const uint64_t bit = ((uint64_t)tree << forest->heap_depth) + node;

    return node < 1u << forest->heap_depth && (forest->marks[bit / 64] >> bit % 64 & 1);
}

/* A cut as it was planned; `weights` and `columns` have mix - 1 and mix elements, columns being
 * those of the matrix.  Not of a line. */
float tocsin__forest_cut_at(const tocsin_forest *forest, uint32_t tree, uint32_t node,
                            float *weights, uint32_t *columns);

#endif
