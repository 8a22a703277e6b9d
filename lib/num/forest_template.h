/* forest_template.h - points down the trees of a forest, in plain C.
 *
 * A step is a load of the node's word, a load of the point's code, a comparison and an addition:
 * no branch depends on the data.  One such walk would wait for memory at every step, so several
 * are made at once: of eight points down one tree, or of one point down eight trees.
 *
 * The functions are compiled in every instance under its name, for the compiler to use what
 * the instance has; where it has shuffles wide enough to hold a tree, forest_avx512.h is faster.
 * An instance that encodes by itself defines LANES_NO_ENCODE.
 */
#include "kernels.h"
#include "lanes.h"

#define lane_forest_encode LANES_NAME(lane_forest_encode)
#define lane_forest LANES_NAME(lane_forest)
#define lane_forest_point LANES_NAME(lane_forest_point)

#ifndef TOCSIN__FOREST_TEMPLATE_H
#define TOCSIN__FOREST_TEMPLATE_H

enum { FOREST_WALKS = 8 };

#endif

#ifndef LANES_NO_ENCODE
static void lane_forest_encode(const tocsin__forest_metric *metric, const double *value,
                               uint16_t *codes)
{
    uint32_t before[TOCSIN__FOREST_POINTS];

    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p++)
        before[p] = tocsin__forest_cell(metric, value[p]);
    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p++)
        before[p] = metric->cell[before[p]];
    for (uint32_t half = (metric->window + 1) / 2; half > 0; half /= 2)
        for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p++)
            before[p] += (0u - (metric->threshold[before[p] + half - 1] <= value[p])) & half;
    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p++)
        codes[p] = (uint16_t)(value[p] != value[p] ? metric->missing : before[p] << metric->shift);
}
#endif

static void lane_forest(const tocsin__forest_job *job)
{
    const size_t nodes = (size_t)1 << job->depth;
    const uint32_t feature = (1u << job->feature_bits) - 1;

    memset(job->sums, 0, TOCSIN__FOREST_POINTS * sizeof *job->sums);
    for (uint32_t tree = 0; tree < job->trees; tree++) {
        const uint16_t *const words = job->words + tree * nodes;
        const uint16_t *const leaves = job->leaves + tree * nodes;

        for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p += FOREST_WALKS) {
            const uint16_t *const codes = job->codes + p;
            uint32_t at[FOREST_WALKS];

            for (size_t k = 0; k < FOREST_WALKS; k++)
                at[k] = 1;
            for (uint32_t level = 0; level < job->depth; level++)
                for (size_t k = 0; k < FOREST_WALKS; k++) {
                    const uint32_t word = words[at[k]];
                    const uint32_t code = codes[(word & feature) * TOCSIN__FOREST_POINTS + k];

                    at[k] = 2 * at[k] + (code > word);
                }
            for (size_t k = 0; k < FOREST_WALKS; k++)
                job->sums[p + k] += leaves[at[k] - nodes];
        }
    }
}

static void lane_forest_point(const tocsin__forest_job *job)
{
    const size_t nodes = (size_t)1 << job->depth;
    const uint32_t feature = (1u << job->feature_bits) - 1;
    uint32_t sum = 0, tree = 0;

    for (; tree + FOREST_WALKS <= job->trees; tree += FOREST_WALKS) {
        const uint16_t *const words = job->words + tree * nodes;
        const uint16_t *const leaves = job->leaves + tree * nodes;
        uint32_t at[FOREST_WALKS];

        for (size_t k = 0; k < FOREST_WALKS; k++)
            at[k] = 1;
        for (uint32_t level = 0; level < job->depth; level++)
            for (size_t k = 0; k < FOREST_WALKS; k++) {
                const uint32_t word = words[k * nodes + at[k]];

                at[k] = 2 * at[k] + (job->codes[word & feature] > word);
            }
        for (size_t k = 0; k < FOREST_WALKS; k++)
            sum += leaves[k * nodes + at[k] - nodes];
    }
    for (; tree < job->trees; tree++) {
        size_t at = 1;

        for (uint32_t level = 0; level < job->depth; level++) {
            const uint32_t word = job->words[tree * nodes + at];

            at = 2 * at + (job->codes[word & feature] > word);
        }
        sum += job->leaves[tree * nodes + at - nodes];
    }
    *job->sums = sum;
}
