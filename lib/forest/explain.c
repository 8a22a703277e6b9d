/* explain.c - which metrics make a point easy or hard to isolate.
 *
 * A node of n rows promises its points c(n) more cuts (grow.c).  A cut that a point passes on its
 * way, from a node of n rows to one of m, spends one of them and leaves c(m): the point has come
 *
 *     c(n) - 1 - c(m)
 *
 * cuts nearer to being alone than was promised.  That is much where a cut sends the point to the
 * smaller side, and negative where it stays with the many.  Along a way these differences add up to
 * c(sample) - depth, of which the score is a function; each goes to the metric that is cut.  (Paths
 * as sums of what each split changes are due to Saabas 2014; Carletti, Terzi, Susto, "Interpretable
 * anomaly detection with DIFFI", 2019, weigh the same cuts by how unevenly they part the rows, which
 * does not add up to the score.)  A cut through several metrics is shared out in proportion
 * to what each adds to its sum by amount, counted from the metric's median: who is where all
 * others are has no part in it.
 *
 * Cost.  The rows of a node are counted from its leaves: O(cuts of all trees) per point, some 50
 * microseconds.
 */
#include "forest.h"

typedef struct explain_walk {
    const tocsin_forest *forest;
    const tocsin__matrix *matrix;
    uint64_t row;
    uint32_t tree;
    size_t leaf;                    /* the next one's number */
    double *out;
} explain_walk;

static void explain_share(explain_walk *walk, double gain, const float *part,
                          const uint32_t *column)
{
    const uint32_t mix = walk->forest->mix;
    double all = 0;

    for (uint32_t k = 0; k < mix; k++)
        all += tocsin__abs((double)part[k]);
    for (uint32_t k = 0; k < mix; k++)
        walk->out[column[k]] +=
            gain * (all > 0 ? tocsin__abs((double)part[k]) / all : 1.0 / mix);
}

/* The rows of a node, and what its cut does if the point comes there.  Recursion is as deep as the
 * tree. */
static uint32_t explain_node(explain_walk *walk, uint32_t node, int is_here)
{
    const tocsin_forest *const forest = walk->forest;
    float part[TOCSIN__FOREST_MIX_MAX];
    uint32_t column[TOCSIN__FOREST_MIX_MAX];
    int is_right = 0;

    if (!tocsin__forest_is_cut(forest, walk->tree, node))
        return forest->counts[walk->leaf++] + 1u;
    if (is_here)
        is_right = tocsin__forest_turns(forest, walk->matrix, walk->row, walk->tree, node, part,
                                        column);

    const uint32_t left = explain_node(walk, 2 * node, is_here && !is_right);
    const uint32_t right = explain_node(walk, 2 * node + 1, is_here && is_right);

    if (is_here)
        explain_share(walk,
                      (double)forest->depth_of[left + right] - 256 -
                          forest->depth_of[is_right ? right : left],
                      part, column);
    return left + right;
}

void tocsin__forest_explain(const tocsin_forest *forest, const tocsin__matrix *matrix, uint64_t row,
                            double *out)
{
    explain_walk walk = {forest, matrix, row, 0, 0, out};

    for (uint32_t f = 0; f < forest->columns; f++)
        out[f] = 0;
    if (forest->shape == TOCSIN__FOREST_LINE) {
        if (forest->used > 0)
            out[forest->metrics->column] =
                forest->promised / 256.0 -
                tocsin__forest_line_sum(forest, matrix, row) / (256.0 * forest->trees);
        return;
    }
    for (; walk.tree < forest->trees; walk.tree++)
        explain_node(&walk, 1, 1);
    for (uint32_t f = 0; f < forest->columns; f++)
        out[f] /= 256.0 * forest->trees;
}
