/* tocsin/forest.h - isolation forests: how easily can a point be told from the others?
 *
 * For points with several metrics at once.  A tree takes a small sample of the points and cuts it
 * in two at a random value of a random metric, and the halves again, until points stand alone.  A
 * point that is unlike the others is alone after few cuts; its score says how few, as the mean over
 * many trees (Liu, Ting, Zhou, "Isolation Forest", ICDM 2008).
 *
 *     tocsin_matrix matrix;
 *     tocsin_forest *forest;
 *
 *     memset(&matrix, 0, sizeof matrix);
 *     matrix.struct_size = sizeof matrix;
 *     matrix.rows = count;
 *     matrix.columns = 8;
 *     matrix.values = values;
 *     tocsin_forest_fit(&forest, NULL, &matrix, NULL);
 *     tocsin_forest_score(forest, &matrix, scores);
 *     tocsin_forest_free(forest);
 *
 * The score
 * ---------
 * 2^(-depth / c), where depth is the mean number of cuts that it takes to isolate the point, and c
 * that number for a random point of a random tree of as many points as the sample.  Scores lie
 * between 0 and 1: .5 says that nothing is unusual, and the nearer to 1, the easier to isolate.
 * A forest of equal points cannot cut, and scores .5 but for rounding, a thousandth at most.
 *
 * What is missing
 * ---------------
 * A NaN stands for no value.  It counts as the metric's typical value, the median over a sample of
 * up to 255 of the points that the forest was fitted on: the point is judged by its other metrics,
 * and a point without any value is as usual as can be.  A metric without any value, or with
 * one value only, is never cut.
 *
 * What values count
 * -----------------
 * Values are told apart by their distance from that median, to 24 bits: at 1e9 a metric may vary by
 * thousandths.  Distances above 2^100 times the largest of the sample, infinite ones among them,
 * count as that.
 *
 * Cuts through several metrics
 * ----------------------------
 * Cuts of one metric at a time cannot see what is unusual as a combination only, and find the places
 * where rows and columns of clusters cross less unusual than they are.  With `mix` of 2 or more
 * a cut compares a weighted sum of so many metrics (Hariri, Carrasco Kind, Brunner, "Extended
 * Isolation Forest", 2021).  Weights are drawn per unit of a metric's range where the cut is made,
 * so that it does not matter what a metric is measured in.
 *
 * The same bits
 * -------------
 * A forest is a function of the values, the options and the seed, and a score of the forest and
 * the point: on every platform, with every kernel (see kernel.h), in a batch or alone, to the bit.
 * To that end depths at leaves are kept in 256ths.
 *
 * Threads and memory
 * ------------------
 * A forest never changes: any number of threads may score with one at the same time.  To share a
 * matrix among threads, give each some of its rows, as a matrix of its own: every row's score is its
 * own, and comes out the same.  Only fitting allocates; scoring neither allocates nor locks, and
 * needs up to 80 KB of stack.  A hundred trees of 256 points take some 150 KB; if only one
 * metric is ever cut, some 15 bytes for each different cut.
 */
#ifndef TOCSIN_FOREST_H
#define TOCSIN_FOREST_H

#include "base.h"
#include "bank.h"
#include "spec.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A fitted forest.  Opaque and immutable. */
typedef struct tocsin_forest tocsin_forest;

/** The most metrics a point can have. */
#define TOCSIN_FOREST_COLUMNS_MAX ((uint64_t)65535)

/** The most points a matrix can have. */
#define TOCSIN_FOREST_ROWS_MAX ((uint64_t)4294967295)

/** Points, one a row; the caller's memory, which is only read. */
typedef struct tocsin_matrix {
    uint32_t struct_size;       /**< sizeof(tocsin_matrix) */
    uint32_t value_type;        /**< TOCSIN_VALUES_* */
    uint64_t rows;              /**< points, at most TOCSIN_FOREST_ROWS_MAX */
    uint64_t columns;           /**< metrics of each, 1 .. TOCSIN_FOREST_COLUMNS_MAX */
    int64_t row_stride;         /**< from one point to the next, in values; both strides 0: the
                                     rows stand one after the other */
    int64_t column_stride;      /**< from one metric to the next, in values */
    const void *values;         /**< row r, column c at r * row_stride + c * column_stride */
} tocsin_matrix;

/** How a forest is fitted.  Zero means the default throughout. */
typedef struct tocsin_forest_options {
    uint32_t struct_size;       /**< sizeof(tocsin_forest_options) */
    uint32_t trees;             /**< 1 .. 4096; default: 100 */
    uint32_t sample;            /**< points for each tree, 2 .. 65536; default: 256.  Of
                                     fewer points each tree gets all. */
    uint32_t depth;             /**< cuts one after the other at most, 1 .. 16; default: the base-2
                                     logarithm of the sample, rounded up.  trees * 2^depth * mix is
                                     at most 2^24, which is memory: 128 trees of depth 16 and mix
                                     2, 4,096 of depth 9 and mix 8. */
    uint64_t seed;              /**< any number */
    uint32_t mix;               /**< metrics that each cut goes through, 1 .. 8; default: 1.  Of
                                     fewer metrics it goes through all. */
    uint32_t reserved;          /**< 0 */
} tocsin_forest_options;

/** Fit a forest.
 *  @param out        receives the forest; NULL on failure
 *  @param options    may be NULL: all defaults
 *  @param matrix     at least one row
 *  @param allocator  may be NULL (malloc)
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, an option or a matrix out of bounds, or a malformed
 *                                 allocator
 *  @retval TOCSIN_ERROR_MEMORY    the allocator failed
 *  The time is that of trees * sample * depth values and does not depend on the number of rows. */
TOCSIN_API int tocsin_forest_fit(tocsin_forest **out, const tocsin_forest_options *options,
                                 const tocsin_matrix *matrix, const tocsin_allocator *allocator);

/** Free a forest.  NULL is fine. */
TOCSIN_API void tocsin_forest_free(tocsin_forest *forest);

/** Score points.
 *  @param forest  the forest
 *  @param matrix  any number of rows, also none; as many columns as the forest was fitted on
 *  @param scores  receives one score per row
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a matrix out of bounds
 *  @retval TOCSIN_ERROR_MISMATCH  another number of columns
 *  Many rows at once are scored many times faster than one by one. */
TOCSIN_API int tocsin_forest_score(const tocsin_forest *forest, const tocsin_matrix *matrix,
                                   double *scores);

/** The mean number of cuts that it takes to isolate each point: what the score is made of.
 *  @param forest  the forest
 *  @param matrix  as for tocsin_forest_score()
 *  @param depths  receives one number per row
 *  @retval the statuses of tocsin_forest_score() */
TOCSIN_API int tocsin_forest_depth(const tocsin_forest *forest, const tocsin_matrix *matrix,
                                   double *depths);

/** What each metric has to do with how easy a point is to isolate.
 *
 *  In cuts: a contribution of 1 says that because of this metric the point is alone a cut earlier, in
 *  the mean over the trees, than a random point of a random tree.  Negative ones say later.  Those of
 *  a row add up to expected_depth - depth (but for rounding, 1/256 at most), so that
 *
 *      score = 2^(sum of contributions / expected_depth) / 2
 *
 *  A cut from n rows of the sample to m of them contributes c(n) - 1 - c(m) to the metric it
 *  cuts, c being the expected depth; a cut through several shares it out in proportion to how much
 *  each, counted from its median, adds to the weighted sum.
 *  @param forest         the forest
 *  @param matrix         as for tocsin_forest_score()
 *  @param contributions  receives rows * columns numbers, row after row
 *  @retval the statuses of tocsin_forest_score()
 *  Meant for points that somebody asks about: each takes some hundred times the time of its score
 *  in a batch. */
TOCSIN_API int tocsin_forest_explain(const tocsin_forest *forest, const tocsin_matrix *matrix,
                                     double *contributions);

/** Save a forest: all of it, in the container that snapshot.h describes, of kind 3.
 *  @param forest  the forest
 *  @param buffer  receives the snapshot; may be NULL if size is 0
 *  @param size    the buffer's bytes
 *  @param needed  may be NULL; receives the snapshot's bytes, also on TOCSIN_ERROR_SPACE
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT     forest is NULL, or buffer is NULL and size is not 0
 *  @retval TOCSIN_ERROR_SPACE        the buffer is too small; nothing was written
 *  @retval TOCSIN_ERROR_UNSUPPORTED  the snapshot would have 4 GB or more
 *  A hundred trees of 256 points take some 45 KB.  No allocation. */
TOCSIN_API int tocsin_forest_save(const tocsin_forest *forest, void *buffer, size_t size,
                                  size_t *needed);

/** Load a forest, on any platform.  It scores to the same bits as the one that was saved.
 *  @param out        receives the forest; NULL on failure
 *  @param snapshot   the bytes; they need no alignment
 *  @param size       how many
 *  @param allocator  may be NULL (malloc)
 *  @param error      may be NULL; filled in on failure, `offset` in bytes of the snapshot
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, a malformed allocator, or the error's struct_size is
 *                                 unknown
 *  @retval TOCSIN_ERROR_MEMORY    the allocator failed
 *  @retval TOCSIN_ERROR_FORMAT    not a forest's snapshot, cut off, malformed, or a value out of
 *                                 bounds
 *  @retval TOCSIN_ERROR_CHECKSUM  damaged
 *  @retval TOCSIN_ERROR_VERSION   written by a release too new */
TOCSIN_API int tocsin_forest_load(tocsin_forest **out, const void *snapshot, size_t size,
                                  const tocsin_allocator *allocator, tocsin_error *error);

/** What a forest is. */
typedef struct tocsin_forest_info {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_forest_info) */
    uint32_t trees;         /**< trees */
    uint32_t sample;        /**< points for each tree: not more than there were */
    uint32_t depth;         /**< cuts one after the other at most */
    uint64_t seed;          /**< the seed */
    uint64_t columns;       /**< metrics that a point has */
    uint64_t used;          /**< of those, how many are cut anywhere */
    uint64_t cuts;          /**< cuts in all trees; 0: the points were all equal, or one only */
    uint64_t bytes;         /**< bytes it has from its allocator */
    double expected_depth;  /**< c: the mean depth of a random point of a random tree; 0 for a
                                 sample of one */
    uint32_t mix;           /**< metrics that each cut goes through */
    uint32_t reserved;      /**< 0 */
} tocsin_forest_info;

/** Look at a forest.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a struct_size this library does not know */
TOCSIN_API int tocsin_forest_describe(const tocsin_forest *forest, tocsin_forest_info *info);

#ifdef __cplusplus
}
#endif
#endif
