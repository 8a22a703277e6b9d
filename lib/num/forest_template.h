/* forest_template.h - points down the trees of a forest.
 *
 * Walks.  A step is a load of the node's word, a load of the point's code, a comparison and an
 * addition with its carry: no branch depends on the data.  One such walk would wait for
 * memory at every step, so eight are made at once: of eight points down one tree, or of one point
 * down eight trees.
 *
 * Masks.  Where there are vectors, many points visit all cuts of a tree, from the root on, instead
 * of walking.  A cut has a mask of the points that reach it, and parts it by one comparison in two
 * masks for the nodes below: hardly any work depends on the number of metrics.  Leaves
 * need no masks.  With the value of a node's leftmost leaf as the node's own, a turn to the left
 * changes nothing and one to the right adds the difference of two such values:
 *
 *     leaf = leaf 0 + sum over the right turns on the way of (own value there - before)
 *
 * in 16 bits, where differences may wrap around, for as many trees as their sum fits.  (After
 * Lucchese et al., "QuickScorer", SIGIR 2015, whose masks are of leaves, one point each.)
 *
 * The functions are compiled in every instance under its name.  One that encodes by itself defines
 * LANES_NO_ENCODE, one that is to walk LANES_NO_VECTORS.  Where shuffles are wide enough to hold a
 * tree, forest_avx512.h is faster than masks while metrics are few.
 */
#include "kernels.h"
#include "lanes.h"

#define lane_forest_z LANES_NAME(lane_forest_z)
#define lane_forest_encode LANES_NAME(lane_forest_encode)
#define lane_forest_encode_point LANES_NAME(lane_forest_encode_point)
#define lane_forest_walk_to LANES_NAME(lane_forest_walk_to)
#define lane_forest_walk LANES_NAME(lane_forest_walk)
#define lane_forest_point_to LANES_NAME(lane_forest_point_to)
#define lane_forest LANES_NAME(lane_forest)
#define lane_forest_point LANES_NAME(lane_forest_point)
#define lane_forest_project LANES_NAME(lane_forest_project)
#define lane_forest_mixed_walk LANES_NAME(lane_forest_mixed_walk)
#define lane_forest_mixed LANES_NAME(lane_forest_mixed)
#define lane_forest_mixed_point LANES_NAME(lane_forest_mixed_point)
#define lane_u16 LANES_NAME(lane_u16)
#define lane_i32 LANES_NAME(lane_i32)
#define lane_z LANES_NAME(lane_z)
#define FOREST_VECTORS LANES_NAME(FOREST_VECTORS)
#define lane_forest_masks LANES_NAME(lane_forest_masks)
#define lane_forest_mixed_masks LANES_NAME(lane_forest_mixed_masks)

#ifndef TOCSIN__FOREST_TEMPLATE_H
#define TOCSIN__FOREST_TEMPLATE_H

enum {
    FOREST_WALKS = 8,
    FOREST_NODES = 1 << TOCSIN__FOREST_DEPTH,
    FOREST_MARKS = FOREST_NODES / 64    /* of a tree, in words of 64 bits */
};

/* Compilers keep walks in registers only where they are written out. */
#define FOREST_EACH(walk) walk(0) walk(1) walk(2) walk(3) walk(4) walk(5) walk(6) walk(7)

/* Where a node's left child has its mask.  What stands below the last level has none: it is
 * written over nodes that are done with, the root among them. */
static TOCSIN__INLINE uint32_t forest_below(uint32_t node)
{
    return 2 * node & (FOREST_NODES - 1);
}

/* What a turn to the right at a node changes: see above. */
static TOCSIN__INLINE uint16_t forest_gain(const uint16_t *leaves, uint32_t node)
{
    const uint32_t below = TOCSIN__FOREST_DEPTH - 1 - (31 - (uint32_t)__builtin_clz(node));

    return (uint16_t)(leaves[((2 * node + 1) << below) - FOREST_NODES] -
                      leaves[((2 * node) << below) - FOREST_NODES]);
}

#endif

static tocsin__forest_range lane_forest_z(double scale, double shift, const double *value,
                                          size_t count, float *z)
{
    const lane_f64 most = lane_set(TOCSIN__FOREST_Z_MAX);
    const lane_f64 least = lane_set(-TOCSIN__FOREST_Z_MAX);
    lane_f32 low = lane_narrow(most), high = lane_narrow(least);

    for (size_t p = 0; p < count; p += lane_width) {
        const lane_f64 v = lane_load(value + p);
        lane_f64 at = lane_sub(lane_mul(v, lane_set(scale)), lane_set(shift));
        lane_f32 narrow;

        at = lane_max(lane_min(at, most), least);
        narrow = lane_narrow(lane_blend(lane_is_nan(v), lane_set(0), at));
        low = lane_minf(low, narrow);
        high = lane_maxf(high, narrow);
        lane_storef(z + p, narrow);
    }
    return (tocsin__forest_range){lane_leastf(low), lane_largestf(high)};
}

#ifndef LANES_NO_ENCODE
static void lane_forest_encode(const tocsin__forest_metric *metric, const float *z,
                               uint16_t *codes)
{
    uint32_t before[TOCSIN__FOREST_POINTS];

    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p++)
        before[p] = tocsin__forest_cell(metric, z[p]);
    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p++)
        before[p] = metric->cell[before[p]];
    for (uint32_t half = (metric->window + 1) / 2; half > 0; half /= 2)
        for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p++)
            before[p] += (0u - (metric->threshold[before[p] + half - 1] <= z[p])) & half;
    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p++)
        codes[p] = (uint16_t)(before[p] << metric->shift);
}

static void lane_forest_encode_point(const tocsin__forest_metric *metrics, size_t count,
                                     const float *z, uint16_t *codes)
{
    for (size_t k = 0; k < count; k++)
        codes[k] = tocsin__forest_code(&metrics[k],
                                       metrics[k].cell[tocsin__forest_cell(&metrics[k], z[k])],
                                       z[k]);
}
#endif

/* ---- Walks ------------------------------------------------------------------------ */

static TOCSIN__INLINE void lane_forest_walk_to(const tocsin__forest_job *job, uint32_t depth)
{
    const size_t nodes = (size_t)1 << depth;
    const uint32_t feature = (1u << job->feature_bits) - 1;

    memset(job->sums, 0, TOCSIN__FOREST_POINTS * sizeof *job->sums);
    for (uint32_t tree = 0; tree < job->trees; tree++) {
        const uint16_t *const words = job->words + tree * nodes;
        const uint16_t *const leaves = job->leaves + tree * nodes;

        for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p += FOREST_WALKS) {
            const uint16_t *const codes = job->codes + p;
            uint32_t *const sums = job->sums + p;

#define FOREST_START(k) size_t at##k = 1;
#define FOREST_STEP(k)                                                                        \
    {                                                                                         \
        const uint32_t word = words[at##k];                                                   \
                                                                                              \
        at##k += at##k + (codes[(word & feature) * TOCSIN__FOREST_POINTS + k] > word);        \
    }
#define FOREST_ARRIVE(k) sums[k] += leaves[at##k - nodes];
            FOREST_EACH(FOREST_START)
            for (uint32_t level = 0; level < depth; level++) {
                FOREST_EACH(FOREST_STEP)
            }
            FOREST_EACH(FOREST_ARRIVE)
#undef FOREST_START
#undef FOREST_STEP
#undef FOREST_ARRIVE
        }
    }
}

static void lane_forest_walk(const tocsin__forest_job *job)
{
    if (job->depth == TOCSIN__FOREST_DEPTH)
        lane_forest_walk_to(job, TOCSIN__FOREST_DEPTH);
    else
        lane_forest_walk_to(job, job->depth);
}

static TOCSIN__INLINE uint32_t lane_forest_point_to(const tocsin__forest_job *job, uint32_t depth)
{
    const size_t nodes = (size_t)1 << depth;
    const uint32_t feature = (1u << job->feature_bits) - 1;
    const uint16_t *const codes = job->codes;
    uint32_t sum = 0, tree = 0;

    for (; tree + FOREST_WALKS <= job->trees; tree += FOREST_WALKS) {
        const uint16_t *const words = job->words + tree * nodes;
        const uint16_t *const leaves = job->leaves + tree * nodes;

#define FOREST_START(k) size_t at##k = 1;
#define FOREST_STEP(k)                                                                        \
    {                                                                                         \
        const uint32_t word = words[k * nodes + at##k];                                       \
                                                                                              \
        at##k += at##k + (codes[word & feature] > word);                                      \
    }
#define FOREST_ARRIVE(k) sum += leaves[k * nodes + at##k - nodes];
        FOREST_EACH(FOREST_START)
        for (uint32_t level = 0; level < depth; level++) {
            FOREST_EACH(FOREST_STEP)
        }
        FOREST_EACH(FOREST_ARRIVE)
#undef FOREST_START
#undef FOREST_STEP
#undef FOREST_ARRIVE
    }
    for (; tree < job->trees; tree++) {
        size_t at = 1;

        for (uint32_t level = 0; level < depth; level++) {
            const uint32_t word = job->words[tree * nodes + at];

            at = 2 * at + (codes[word & feature] > word);
        }
        sum += job->leaves[tree * nodes + at - nodes];
    }
    return sum;
}

static void lane_forest_point(const tocsin__forest_job *job)
{
    *job->sums = job->depth == TOCSIN__FOREST_DEPTH ? lane_forest_point_to(job, TOCSIN__FOREST_DEPTH)
                                                    : lane_forest_point_to(job, job->depth);
}

/* What a cut through several metrics compares; the points of z stand `stride` apart. */
static TOCSIN__INLINE float lane_forest_project(const tocsin__forest_mixed_job *job, size_t tree,
                                                size_t at, const float *z, size_t stride)
{
    const float *const weights = job->weights + (tree * (job->mix - 1) << job->depth) + at;
    const uint16_t *const columns = job->columns + (tree * job->mix << job->depth) + at;
    float sum = z[columns[0] * stride];

    for (size_t j = 1; j < job->mix; j++)
        sum += weights[(j - 1) << job->depth] * z[columns[j << job->depth] * stride];
    return sum;
}

static void lane_forest_mixed_walk(const tocsin__forest_mixed_job *job)
{
    const size_t nodes = (size_t)1 << job->depth;

    memset(job->sums, 0, TOCSIN__FOREST_POINTS * sizeof *job->sums);
    for (size_t tree = 0; tree < job->trees; tree++)
        for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p += FOREST_WALKS) {
            const float *const thresholds = job->thresholds + tree * nodes;
            size_t at[FOREST_WALKS];

            for (size_t k = 0; k < FOREST_WALKS; k++)
                at[k] = 1;
            for (uint32_t level = 0; level < job->depth; level++)
                for (size_t k = 0; k < FOREST_WALKS; k++)
                    at[k] += at[k] + (lane_forest_project(job, tree, at[k], job->z + p + k,
                                                          TOCSIN__FOREST_POINTS) >=
                                      thresholds[at[k]]);
            for (size_t k = 0; k < FOREST_WALKS; k++)
                job->sums[p + k] += job->leaves[tree * nodes + at[k] - nodes];
        }
}

static void lane_forest_mixed_point(const tocsin__forest_mixed_job *job)
{
    const size_t nodes = (size_t)1 << job->depth;
    uint32_t sum = 0;

    for (size_t tree = 0; tree < job->trees; tree += FOREST_WALKS) {
        const size_t rest = job->trees - tree;
        const size_t walks = rest < FOREST_WALKS ? rest : FOREST_WALKS;
        size_t at[FOREST_WALKS];

        for (size_t k = 0; k < FOREST_WALKS; k++)
            at[k] = 1;
        for (uint32_t level = 0; level < job->depth; level++)
            for (size_t k = 0; k < walks; k++)
                at[k] += at[k] + (lane_forest_project(job, tree + k, at[k], job->z, 1) >=
                                  job->thresholds[(tree + k) * nodes + at[k]]);
        for (size_t k = 0; k < walks; k++)
            sum += job->leaves[(tree + k) * nodes + at[k] - nodes];
    }
    *job->sums = sum;
}

/* ---- Masks ------------------------------------------------------------------------ */

#ifdef LANES_NO_VECTORS

static void lane_forest(const tocsin__forest_job *job)
{
    lane_forest_walk(job);
}

static void lane_forest_mixed(const tocsin__forest_mixed_job *job)
{
    lane_forest_mixed_walk(job);
}

#else

/* Vectors that visit a tree's cuts together: their masks fill half a first-level cache at most. */
enum { FOREST_VECTORS = lane_width == 16 ? 2 : 4 };

/* One register of points each. */
typedef uint16_t lane_u16 __attribute__((vector_size(4 * lane_width)));
typedef int32_t lane_i32 __attribute__((vector_size(4 * lane_width)));
typedef float lane_z __attribute__((vector_size(4 * lane_width)));

static void lane_forest_masks(const tocsin__forest_job *job)
{
    enum { WIDTH = 2 * lane_width, CHUNK = FOREST_VECTORS * WIDTH };
    const uint32_t feature = (1u << job->feature_bits) - 1;

    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p += CHUNK) {
        lane_u16 reach[FOREST_NODES][FOREST_VECTORS];
        uint32_t *const sums = job->sums + p;
        uint32_t tree = 0;

        memset(sums, 0, CHUNK * sizeof *sums);
        while (tree < job->trees) {
            const uint32_t rest = job->trees - tree;
            const uint32_t end = tree + (rest < job->flush ? rest : job->flush);
            lane_u16 sum[FOREST_VECTORS];
            uint16_t base = 0;

            for (int v = 0; v < FOREST_VECTORS; v++)
                sum[v] = (lane_u16){0};
            for (; tree < end; tree++) {
                const uint16_t *const words = job->words + (size_t)tree * FOREST_NODES;
                const uint16_t *const leaves = job->leaves + (size_t)tree * FOREST_NODES;
                const uint64_t *const marks = job->marks + (size_t)tree * FOREST_MARKS;

                base = (uint16_t)(base + leaves[0]);
                for (int v = 0; v < FOREST_VECTORS; v++)
                    reach[1][v] = ~(lane_u16){0};
                for (uint32_t w = 0; w < FOREST_MARKS; w++)
                    for (uint64_t bits = marks[w]; bits; bits &= bits - 1) {
                        const uint32_t node = 64 * w + (uint32_t)__builtin_ctzll(bits);
                        const lane_u16 *const code =
                            (const lane_u16 *)(const void *)(job->codes + p +
                                                             (words[node] & feature) *
                                                                 TOCSIN__FOREST_POINTS);
                        const lane_u16 word = words[node] - (lane_u16){0};
                        const lane_u16 gain = forest_gain(leaves, node) - (lane_u16){0};

                        for (int v = 0; v < FOREST_VECTORS; v++) {
                            const lane_u16 is_left = (lane_u16)(code[v] <= word);
                            const lane_u16 here = reach[node][v];
                            const lane_u16 right = here & ~is_left;

                            reach[forest_below(node)][v] = here & is_left;
                            reach[forest_below(node) + 1][v] = right;
                            sum[v] += right & gain;
                        }
                    }
            }
            for (int v = 0; v < FOREST_VECTORS; v++) {
                uint16_t part[WIDTH];

                sum[v] += base;
                memcpy(part, &sum[v], sizeof part);
                for (int k = 0; k < WIDTH; k++)
                    sums[v * WIDTH + k] += part[k];
            }
        }
    }
}

static void lane_forest(const tocsin__forest_job *job)
{
    if (job->depth == TOCSIN__FOREST_DEPTH)
        lane_forest_masks(job);
    else
        lane_forest_walk(job);
}

static TOCSIN__INLINE void lane_forest_mixed_masks(const tocsin__forest_mixed_job *job, size_t mix)
{
    enum { CHUNK = FOREST_VECTORS * lane_width };

    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p += CHUNK) {
        lane_i32 reach[FOREST_NODES][FOREST_VECTORS], sum[FOREST_VECTORS];
        int32_t base = 0;

        for (int v = 0; v < FOREST_VECTORS; v++)
            sum[v] = (lane_i32){0};
        for (size_t tree = 0; tree < job->trees; tree++) {
            const float *const thresholds = job->thresholds + tree * FOREST_NODES;
            const float *const weights = job->weights + tree * (mix - 1) * FOREST_NODES;
            const uint16_t *const columns = job->columns + tree * mix * FOREST_NODES;
            const uint16_t *const leaves = job->leaves + tree * FOREST_NODES;
            const uint64_t *const marks = job->marks + tree * FOREST_MARKS;

            base += leaves[0];
            for (int v = 0; v < FOREST_VECTORS; v++)
                reach[1][v] = ~(lane_i32){0};
            for (uint32_t w = 0; w < FOREST_MARKS; w++)
                for (uint64_t bits = marks[w]; bits; bits &= bits - 1) {
                    const uint32_t node = 64 * w + (uint32_t)__builtin_ctzll(bits);
                    const int32_t gain = (int16_t)forest_gain(leaves, node);
                    lane_z at[FOREST_VECTORS];

                    memcpy(at, job->z + columns[node] * TOCSIN__FOREST_POINTS + p, sizeof at);
                    for (size_t j = 1; j < mix; j++) {
                        const lane_z *const z =
                            (const lane_z *)(const void *)(job->z + p +
                                                           columns[j * FOREST_NODES + node] *
                                                               TOCSIN__FOREST_POINTS);
                        const float weight = weights[(j - 1) * FOREST_NODES + node];

                        for (int v = 0; v < FOREST_VECTORS; v++)
                            at[v] += weight * z[v];
                    }
                    for (int v = 0; v < FOREST_VECTORS; v++) {
                        const lane_i32 is_right = at[v] >= thresholds[node];
                        const lane_i32 here = reach[node][v];
                        const lane_i32 right = here & is_right;

                        reach[forest_below(node)][v] = here & ~is_right;
                        reach[forest_below(node) + 1][v] = right;
                        sum[v] += right & gain;
                    }
                }
        }
        for (int v = 0; v < FOREST_VECTORS; v++)
            for (int k = 0; k < lane_width; k++)
                job->sums[p + (size_t)(v * lane_width + k)] = (uint32_t)(base + sum[v][k]);
    }
}

static void lane_forest_mixed(const tocsin__forest_mixed_job *job)
{
    if (job->depth != TOCSIN__FOREST_DEPTH)
        lane_forest_mixed_walk(job);
    else if (job->mix == 2)
        lane_forest_mixed_masks(job, 2);
    else
        lane_forest_mixed_masks(job, job->mix);
}

#endif
