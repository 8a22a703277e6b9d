/* tocsin/changes.h - change points of a whole history.
 *
 * A detector judges points as they come.  A history that lies there as a whole, a benchmark's results
 * commit by commit, allows for more: where did its level, or its spread, change for good?
 *
 *     tocsin_change changes[16];
 *     uint64_t count;
 *
 *     if (tocsin_changes_find(changes, sizeof changes[0], 16, &count, values, n, NULL, NULL) == 0)
 *         for (uint64_t i = 0; i < count; i++)
 *             report(changes[i].index, changes[i].effect);
 *
 * The promise
 * -----------
 * A history without a change is reported to have one with probability `alpha` at most, however long it
 * is, whatever the law of its values, and if neighbours are alike, as long as that dies out within
 * some dozens of points.  A p-value says how often permutations of the history without the change,
 * in blocks where neighbours are alike, look as much changed at their own best place.
 *
 * Histories of any length up to a million values take seconds at most.  One that is longer than 1,024 values is
 * looked at as a whole by the sums of ranks of as many stretches of equal length, and in windows, from 1,024
 * values on, that overlap; the looks share alpha.  So a short level needs to stand out the
 * more, the longer the history is.
 *
 * What is compared is ranks.  So a spike is one value more at the end of the order, however large;
 * and what lasts for fewer than `min_segment` values is no level.
 *
 * What it is not.  A trend is reported as a staircase, a season as changes.  A stationary history
 * whose level wanders for hundreds of points cannot be told from one that changes.
 *
 * Method: the energy statistic (Matteson and James, "A nonparametric approach for multiple change
 * point analysis of multivariate data", JASA 2014) of ranks, maximised over places and over nested
 * stretches (Kovacs, Li, Buehlmann, Munk, "Seeded binary segmentation", Biometrika 2023), so that a
 * level which came and went is found too; see lib/gate/changes.c.
 */
#ifndef TOCSIN_CHANGES_H
#define TOCSIN_CHANGES_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The most values of a history. */
#define TOCSIN_CHANGES_VALUES_MAX ((uint64_t)1048576)

/** How changes are looked for.  Zero means the default throughout. */
typedef struct tocsin_changes_options {
    uint32_t struct_size;   /**< sizeof(tocsin_changes_options) */
    uint32_t permutations;  /**< 99 .. 99999, and more where a test needs them; default: 999 */
    uint32_t min_segment;   /**< values that make a level, 2 .. 65536; default: 5 */
    uint32_t block;         /**< values that are permuted together, 1 .. 65536; 1: they are independent;
                                 default: as the history's autocorrelation asks */
    double alpha;           /**< chance of a change where there is none, (0, 0.5]; default: 0.05 */
    double min_effect;      /**< smaller relative effects are left out, >= 0, as a fraction; default:
                                 none is */
    uint64_t seed;          /**< any number */
} tocsin_changes_options;

/** One change.  New fields are only ever appended: calls take the size the caller knows. */
typedef struct tocsin_change {
    uint64_t index;         /**< the first value of the new level */
    uint64_t from;          /**< where the level before begins ... */
    uint64_t to;            /**< ... and the first value behind the new one: both are compared over
                                 [from, index) and [index, to) */
    double p;               /**< of permutations, or where less, from a bound on rank sums; 1 - p is
                                 the confidence */
    double statistic;       /**< the energy statistic of ranks, m k / (m + k) E; of a long history,
                                 that of the look which found the change */
    double before;          /**< median before */
    double after;           /**< median after */
    double shift;           /**< Hodges-Lehmann estimate of after - before ... */
    double shift_lower;     /**< ... and its confidence interval of 95 %; as wide as the */
    double shift_upper;     /**< autocorrelation asks */
    double effect;          /**< shift / |before|; infinite where before is 0 */
    double autocorrelation; /**< of neighbours, as it was allowed for: 0 .. 0.95 */
} tocsin_change;

/** The part of a change that every release knows; change_size must be at least this. */
#define TOCSIN_CHANGE_MIN_SIZE 96

/** Find the change points of a history, in order.
 *  @param changes      receives them; may be NULL if capacity is 0
 *  @param change_size  sizeof(tocsin_change), which is also the stride
 *  @param capacity     room for so many; there are never more than n / min_segment
 *  @param count        receives the number found
 *  @param values       the history, oldest first; NaN and infinite values are passed over, and indexes
 *                      count them
 *  @param n            values, at most TOCSIN_CHANGES_VALUES_MAX
 *  @param options      may be NULL: all defaults
 *  @param allocator    may be NULL (malloc); one block of about 50 bytes per value, which is returned
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, a size or an option out of bounds
 *  @retval TOCSIN_ERROR_SPACE     there are more than `capacity`: the first of them are written, and
 *                                 *count says how many there are
 *  @retval TOCSIN_ERROR_MEMORY    the allocator failed
 *  Deterministic: the same values, options and seed give the same bits everywhere.
 *  Complexity: O(n log n), and the tests, which stop as soon as their outcome is certain: plain
 *  changes take no permutation, and no change some ten.  Whatever the values are, no more than permutations x
 *  (16,384 + n / 4) of them are permuted, some 0.1 microseconds each; changes that only more permutations
 *  could tell are then left out.  Thread-safe. */
TOCSIN_API int tocsin_changes_find(tocsin_change *changes, size_t change_size, uint64_t capacity,
                                   uint64_t *count, const double *values, uint64_t n,
                                   const tocsin_changes_options *options,
                                   const tocsin_allocator *allocator);

#ifdef __cplusplus
}
#endif
#endif
