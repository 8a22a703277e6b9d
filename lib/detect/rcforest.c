/* rcforest.c - robust random cut forest: how much would a model of the data grow by this point?
 *
 * Model
 * -----
 * A random cut tree over a sample of points cuts their bounding box in two, at a place uniform over
 * all its sides laid end to end: so a side is cut in proportion to its length, and what tells points
 * apart is cut first.  Each half is cut again until points stand alone.  A point is strange if to
 * remove it and all that is like it would make much of the tree shorter: its collusive displacement is
 *
 *     codisp = max over the point's ancestors and itself of  mass of the sibling / own mass
 *
 * What is found is its mean over the trees - and over all ways in which the point, which is not in
 * the tree yet, could be put there.  Channel 0 "displacement" is how much more that is than usual;
 * rows.h says how, and what the channels "distance" and "change" are.  At a node whose box has sides of
 * total length r, and which the point is outside of by e in total, it is cut off with probability
 * e / (r + e); then the node is its sibling.  Else it goes on to the child that the node's cut leads
 * to.  So the mean is a sum over one path: nothing is drawn to score.
 *
 * Coordinates are the whole numbers of rows.h, so boxes, lengths and draws are exact.
 *
 * Learning.  A tree takes a point into its sample in place of another, which is drawn, with a
 * probability that makes the ages in the sample fall off by half in `half-life` points; at the start,
 * until that is the larger, with sample / points.  A half-life shorter than 0.7 samples is as good
 * as one of that length.  To insert, at each node the box grown by the point is cut at random: if
 * the cut parts the point from the box, it is made there; else the point goes down by the cut that
 * is there.  To delete, the leaf's sibling takes their parent's place, and boxes that the point
 * touched are put together anew.  Both leave the tree as if it had been grown at random from the
 * sample as it now is (Guha et al., theorems 2 and 3).  Equal points share a leaf.
 *
 * Blame.  Where the point would be cut off, each metric is to blame in proportion to how far out of
 * the box the point lies along it.  What would have been normal is the nearest, by the sum of
 * distances, of the leaves that the point comes to.
 *
 * Reference: Guha, Mishra, Roy, Schrijvers 2016, "Robust random cut forest based anomaly detection
 * on streams".
 *
 * Memory: flat arrays, 6 bytes per tree, sampled point and value, and 30 more per tree and sampled
 * point.
 * Cost: to score, trees * depth words, where depth is about 2 log(sample), and of the boxes those that
 * the point is outside of, a few of one metric and most of many; to learn, all boxes on the way in
 * those trees that take the point, one in half-life / (1.44 sample).
 *
 * How it fails.  Of many metrics that are noise, each takes its share of the cuts: what is strange in
 * one of them alone is told late.  Two lags of a smooth series say nearly the same.
 */
#include "../num/boxes.h"
#include "../num/ways.h"
#include "rows.h"

enum { RCFOREST_TREES = TOCSIN__ROWS_PARAMS, RCFOREST_SAMPLE, RCFOREST_SEED };

static const tocsin__param rcforest_params[] = {
    TOCSIN__ROWS_PARAMETERS("1", "4000p"),
    {"trees", TOCSIN_TYPE_INTEGER, 1, 1, 0, "", "30", 1, 1000, "", "trees that are asked"},
    {"sample", TOCSIN_TYPE_INTEGER, 1, 1, 0, "points", "128", 4, 1024, "",
     "points each tree keeps; so many are warm-up"},
    {"seed", TOCSIN_TYPE_INTEGER, 1, 0, 0, "", "1", 0, 4294967295.0, "",
     "of the random cuts, in a series that is new"},
};

#define RCFOREST_SAMPLE_MAX 1024u
#define RCFOREST_VALUES_MAX 16777216u

enum { RCFOREST_NODES = TOCSIN__ROWS_ARRAYS, RCFOREST_LINKS, RCFOREST_LENGTHS, RCFOREST_BOXES };

typedef struct {
    tocsin__rows rows;
    double taken;               /* probability that a tree takes a point, once its sample is old */
    uint64_t seed;
    uint32_t trees, sample;
    size_t nodes, links, lengths, boxes;    /* elements of each array per tree */
} rcforest_constants;

typedef struct {
    tocsin__rows_views views;
    uint64_t random;
    uint32_t points;            /* learnt, up to 2^32 - 1 */
    uint32_t fill;              /* points in each sample */
} rcforest_state;

static const tocsin__field rcforest_fields[] = {
    TOCSIN__ROWS_VIEW_FIELDS(rcforest_state),
    TOCSIN__FIELD(rcforest_state, random, U64, 0, 2e19),
    TOCSIN__FIELD(rcforest_state, points, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(rcforest_state, fill, U32, 0, RCFOREST_SAMPLE_MAX),
    TOCSIN__ROWS_FIELDS,
    TOCSIN__ARRAY("node", U64, RCFOREST_NODES, 0, 2e19),
    TOCSIN__ARRAY("link", U16, RCFOREST_LINKS, 0, 2 * RCFOREST_SAMPLE_MAX),
    TOCSIN__ARRAY("length", U32, RCFOREST_LENGTHS, 0, UINT32_MAX),
    TOCSIN__ARRAY("box", U16, RCFOREST_BOXES, 0, UINT16_MAX),
};

static const tocsin__layout rcforest_layout = {sizeof(rcforest_state), rcforest_fields,
                                               TOCSIN__COUNT(rcforest_fields)};

static int rcforest_resolve(const tocsin__values *values, const tocsin__context *context,
                            void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    rcforest_constants *k = constants;
    const int status = tocsin__rows_resolve(values, context, &k->rows, shape, complaint);

    if (status < 0)
        return status;
    k->trees = (uint32_t)values[RCFOREST_TREES].item[0].number;
    k->sample = (uint32_t)values[RCFOREST_SAMPLE].item[0].number;
    k->seed = (uint64_t)values[RCFOREST_SEED].item[0].number;
    if (k->trees * k->sample > RCFOREST_VALUES_MAX / (3 * k->rows.codes))
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, RCFOREST_SAMPLE,
                                "trees times sample times metrics times shingle is more than "
                                "5 million");
    k->taken = k->sample * k->rows.gain;
    k->nodes = (size_t)2 * k->sample;
    k->links = (size_t)5 * k->sample + 1;
    k->lengths = k->sample;
    k->boxes = (size_t)3 * k->sample * k->rows.codes;
    shape->length[RCFOREST_NODES] = (uint32_t)(k->trees * k->nodes);
    shape->length[RCFOREST_LINKS] = (uint32_t)(k->trees * k->links);
    shape->length[RCFOREST_LENGTHS] = (uint32_t)(k->trees * k->lengths);
    shape->length[RCFOREST_BOXES] = (uint32_t)(k->trees * k->boxes);
    tocsin__rows_place(&k->rows, &rcforest_layout, shape);
    return TOCSIN_OK;
}

static size_t rcforest_warmup(const void *constants)
{
    return ((const rcforest_constants *)constants)->sample;
}

static void rcforest_init(const void *constants, void *state)
{
    const rcforest_constants *k = constants;

    ((rcforest_state *)state)->random = tocsin__rows_mix(k->seed + 1);
    tocsin__rows_init(&k->rows, state);
}

/* ---- A tree -------------------------------------------------------------------
 *
 * With n the sample's size, nodes 0 .. n-1 are leaves and n .. 2n-2 inner ones.  A node that is not
 * in the tree has mass 0.  The root's parent is itself.
 *
 * All that a point needs on its way down is in one word per node:
 *
 *     bits 0 .. 10    the left child; a leaf's are the leaf
 *          11 .. 21   the right child
 *          22 .. 31   the left child's mass; a leaf's is 0
 *          32 .. 47   the least code that goes to the right; a leaf's is 0
 *          48 .. 57   the coordinate that is cut across
 */

#define RCFOREST_CHILD_BITS 11
#define RCFOREST_LEFT_MASS 22
#define RCFOREST_CUT 32

typedef struct {
    uint32_t n, codes;
    uint64_t *node;
    uint16_t *parent, *mass;    /* per node */
    uint16_t *leaf_of;          /* per place in the sample */
    uint16_t *root;
    uint32_t *length;           /* per inner node: of the box's sides */
    uint16_t *point;            /* per leaf */
    uint16_t *box;              /* per inner node: lows, highs */
} rcforest_tree;

/* Trees of a state that is not changed are only read. */
static TOCSIN__INLINE rcforest_tree rcforest_tree_of(const rcforest_constants *k, const void *state,
                                                     uint32_t t)
{
    char *const base = (char *)(uintptr_t)state;
    uint64_t *const node = (uint64_t *)(void *)(base + k->rows.array[RCFOREST_NODES]);
    uint16_t *const link = (uint16_t *)(void *)(base + k->rows.array[RCFOREST_LINKS]) +
                           t * k->links;
    uint32_t *const length = (uint32_t *)(void *)(base + k->rows.array[RCFOREST_LENGTHS]);
    uint16_t *const box = (uint16_t *)(void *)(base + k->rows.array[RCFOREST_BOXES]) +
                          t * k->boxes;
    const size_t n = k->sample;
    const rcforest_tree tree = {
        k->sample,    k->rows.codes, node + t * k->nodes,     link, link + 2 * n, link + 4 * n,
        link + 5 * n, length + t * k->lengths, box, box + n * k->rows.codes,
    };

    return tree;
}

/* A node: `cut` is coordinate << 16 | least code on the right. */
static inline uint64_t rcforest_node(uint32_t left, uint32_t right, uint32_t left_mass,
                                     uint32_t cut)
{
    return left | (uint64_t)right << RCFOREST_CHILD_BITS |
           (uint64_t)left_mass << RCFOREST_LEFT_MASS | (uint64_t)cut << RCFOREST_CUT;
}

static inline uint32_t rcforest_cut(uint64_t node)
{
    return (uint32_t)(node >> RCFOREST_CUT);
}

static inline uint32_t rcforest_left_mass(uint64_t node)
{
    return (uint32_t)node >> RCFOREST_LEFT_MASS;
}

/* The child on the left (0) or right (1). */
static inline uint32_t rcforest_child(uint64_t node, uint32_t side)
{
    return (uint32_t)node >> (side * RCFOREST_CHILD_BITS) & ((1u << RCFOREST_CHILD_BITS) - 1);
}

/* Where the cut leads, 1: to the right. */
static inline uint32_t rcforest_side(uint64_t node, const uint16_t *codes)
{
    return codes[node >> (RCFOREST_CUT + 16)] >= (uint16_t)(node >> RCFOREST_CUT);
}

static inline int rcforest_is_leaf(const rcforest_tree *tree, uint32_t node)
{
    return node < tree->n;
}

static inline uint16_t *rcforest_low(const rcforest_tree *tree, uint32_t node)
{
    return node < tree->n ? tree->point + (size_t)node * tree->codes
                          : tree->box + (size_t)(node - tree->n) * 2 * tree->codes;
}

static inline uint16_t *rcforest_high(const rcforest_tree *tree, uint32_t node)
{
    return node < tree->n ? tree->point + (size_t)node * tree->codes
                          : tree->box + ((size_t)(node - tree->n) * 2 + 1) * tree->codes;
}

static inline uint32_t rcforest_length(const rcforest_tree *tree, uint32_t node)
{
    return node < tree->n ? 0 : tree->length[node - tree->n];
}

static int rcforest_is_box(const rcforest_tree *tree, uint32_t node)
{
    const uint16_t *const low = rcforest_low(tree, node), *const high = rcforest_high(tree, node);
    uint32_t length = 0;

    for (uint32_t i = 0; i < tree->codes; i++) {
        if (low[i] > high[i])
            return 0;
        length += (uint32_t)(high[i] - low[i]);
    }
    return length == rcforest_length(tree, node);
}

static int rcforest_tree_holds(const rcforest_tree *tree, uint32_t fill)
{
    const uint32_t nodes = 2 * tree->n - 1, root = *tree->root;
    uint16_t held[RCFOREST_SAMPLE_MAX] = {0};

    if (fill == 0) {
        for (uint32_t i = 0; i < nodes; i++)
            if (tree->mass[i] != 0)
                return 0;
        return 1;
    }
    for (uint32_t i = 0; i < fill; i++) {
        if (tree->leaf_of[i] >= tree->n)
            return 0;
        held[tree->leaf_of[i]]++;
    }
    if (root >= nodes || tree->mass[root] != fill || tree->parent[root] != root)
        return 0;
    /* Masses grow from child to parent, so parents lead to the root, and children to leaves. */
    for (uint32_t i = 0; i < nodes; i++) {
        const uint64_t node = tree->node[i];
        const uint32_t parent = tree->parent[i];
        const uint32_t left = rcforest_child(node, 0), right = rcforest_child(node, 1);

        if (rcforest_is_leaf(tree, i) && tree->mass[i] != held[i])
            return 0;
        if (tree->mass[i] == 0)
            continue;
        if (i != root && (parent < tree->n || parent >= nodes || tree->mass[parent] == 0 ||
                          (rcforest_child(tree->node[parent], 0) != i &&
                           rcforest_child(tree->node[parent], 1) != i)))
            return 0;
        if (rcforest_is_leaf(tree, i)) {
            if (node != rcforest_node(i, i, 0, 0))
                return 0;
        } else if (left >= nodes || right >= nodes || left == right || tree->mass[left] == 0 ||
                   tree->mass[right] == 0 || tree->parent[left] != i || tree->parent[right] != i ||
                   tree->mass[i] != tree->mass[left] + tree->mass[right] ||
                   rcforest_left_mass(node) != tree->mass[left] ||
                   rcforest_cut(node) >> 16 >= tree->codes || !rcforest_is_box(tree, i)) {
            return 0;
        }
    }
    return 1;
}

static int rcforest_holds(const void *constants, const void *state)
{
    const rcforest_constants *k = constants;
    const rcforest_state *s = state;

    if (s->fill > k->sample || s->fill > s->points)
        return 0;
    for (uint32_t t = 0; t < k->trees; t++) {
        const rcforest_tree tree = rcforest_tree_of(k, state, t);

        if (!rcforest_tree_holds(&tree, s->fill))
            return 0;
    }
    return 1;
}

/* ---- Scoring ---------------------------------------------------------------------
 *
 * First the way that the cuts lead is gone down, which takes nothing but codes, in several trees
 * abreast: a step waits for the one before it.  Then up again from the leaf.  Boxes lie within one
 * another, so whatever is above the first that has the point inside has it inside, too, and cannot
 * cut it off. */

/* Boxes above a leaf that most points are outside of, if they have as many coordinates as that. */
#define RCFOREST_NEAR 6u
#define RCFOREST_WIDE 4u

/* Ways down some trees.  A tree that is less deep than others stays at its leaf. */
typedef struct {
    uint16_t depth[TOCSIN__WAYS];       /* level of the leaf; the root's is 0 */
    tocsin__ways_level level[RCFOREST_SAMPLE_MAX];
} rcforest_ways;

/* Boxes at the end of the ways will be needed now, and trees do not stay in the fast caches. */
static TOCSIN__INLINE void rcforest_prefetch(const rcforest_constants *k, const void *state,
                                             uint32_t first, const rcforest_ways *ways)
{
    const uint32_t count = k->trees - first < TOCSIN__WAYS ? k->trees - first : TOCSIN__WAYS;

    for (uint32_t j = 0; j < count; j++) {
        const rcforest_tree tree = rcforest_tree_of(k, state, first + j);
        const uint32_t depth = ways->depth[j];
        const uint32_t top = depth > RCFOREST_NEAR ? depth - RCFOREST_NEAR : 0;

        tocsin__box_prefetch(rcforest_low(&tree, ways->level[depth].node[j]), tree.codes);
        for (uint32_t level = depth; level-- > top;)
            tocsin__box_prefetch(rcforest_low(&tree, ways->level[level].node[j]), 2 * tree.codes);
    }
}

/* The ways of a point down the trees from `first` on; behind the last, the first is gone again.  No
 * branch, for none could be foretold. */
static void rcforest_descend(const rcforest_constants *k, const void *state, uint32_t first,
                             const uint16_t *codes, rcforest_ways *ways)
{
    tocsin__ways_level *level = ways->level;
    const uint64_t *nodes[TOCSIN__WAYS];
    int goes_on = 0;

    for (uint32_t j = 0; j < TOCSIN__WAYS; j++) {
        const rcforest_tree tree =
            rcforest_tree_of(k, state, first + j < k->trees ? first + j : first);

        nodes[j] = tree.node;
        ways->depth[j] = 0;
        level->node[j] = *tree.root;
        level->mass[j] = tree.mass[*tree.root];
        level->over[j] = 0;
        level->under[j] = 1;
        goes_on |= *tree.root >= tree.n;
    }
    for (; goes_on; level++) {
        tocsin__ways_turn turn;

        for (uint32_t j = 0; j < TOCSIN__WAYS; j++) {
            const uint64_t node = nodes[j][level->node[j]];
            const uint32_t side = rcforest_side(node, codes);

            level[1].node[j] = (uint16_t)rcforest_child(node, side);
            turn.left[j] = (uint16_t)rcforest_left_mass(node);
            turn.goes_right[j] = (uint16_t)(0 - side);
        }
        goes_on = tocsin__ways_down(level, &turn, (uint16_t)k->sample, ways->depth, level + 1);
    }
    if (k->rows.codes >= RCFOREST_WIDE)
        rcforest_prefetch(k, state, first, ways);
}

/* What was displaced the most above a node on its way. */
static TOCSIN__INLINE double rcforest_above(const tocsin__ways_level *level, uint32_t j)
{
    return (double)level->over[j] / level->under[j];
}

/* With what probability the point is cut off at a node on its way, and what it displaces then. */
static TOCSIN__INLINE double rcforest_parted(const rcforest_tree *tree,
                                             const tocsin__ways_level *level, uint32_t j,
                                             uint32_t excess, double *displaced)
{
    *displaced = tocsin__max(level->mass[j], rcforest_above(level, j));
    return excess / ((double)rcforest_length(tree, level->node[j]) + excess);
}

static TOCSIN__INLINE uint32_t rcforest_excess(const rcforest_tree *tree, uint32_t node,
                                               const uint16_t *codes)
{
    return tocsin__box_excess(rcforest_low(tree, node), rcforest_high(tree, node), codes,
                              tree->codes);
}

/* The mean displacement in one tree; *top is the first level on which the point can be cut off, one
 * more than the leaf's if there is none: then it is equal to what is there and joins the leaf. */
static TOCSIN__INLINE double rcforest_displacement(const rcforest_tree *tree,
                                                   const rcforest_ways *ways, uint32_t j,
                                                   const uint16_t *codes, uint32_t *top)
{
    uint32_t level = ways->depth[j];
    const tocsin__ways_level *at = &ways->level[level];
    const uint16_t *const leaf = tree->point + (size_t)at->node[j] * tree->codes;
    double mean = rcforest_above(at, j), displaced;

    *top = level + 1;
    if (tocsin__box_excess(leaf, leaf, codes, tree->codes) == 0)
        return mean;
    for (mean = tocsin__max(at->mass[j], mean); level > 0; level--) {
        at = &ways->level[level - 1];

        const uint16_t *const box = tree->box + (size_t)(at->node[j] - tree->n) * 2 * tree->codes;
        const uint32_t excess = tocsin__box_excess(box, box + tree->codes, codes, tree->codes);

        if (excess == 0)
            break;

        const double parted = rcforest_parted(tree, at, j, excess, &displaced);

        mean += parted * (displaced - mean);
    }
    *top = level;
    return mean;
}

static void rcforest_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                           const tocsin__point *point, tocsin__reading *reading)
{
    const rcforest_constants *k = constants;
    const rcforest_state *s = state;
    uint16_t codes[TOCSIN__ROW_CODES_MAX];
    rcforest_ways ways;
    double sum = 0;
    uint32_t top;

    (void)arrays;
    tocsin__rows_code(&k->rows, state, point, codes);
    for (uint32_t t = 0; t < k->trees && s->fill == k->sample; t++) {
        const rcforest_tree tree = rcforest_tree_of(k, state, t);

        if (t % TOCSIN__WAYS == 0)
            rcforest_descend(k, state, t, codes, &ways);
        sum += rcforest_displacement(&tree, &ways, t % TOCSIN__WAYS, codes, &top);
    }
    reading->confidence = tocsin__min(1, s->points / (4.0 * k->sample));
    tocsin__rows_judge(&k->rows, state, point, codes,
                       s->fill < k->sample ? tocsin__nan() : sum / k->trees, reading);
}

/* To each coordinate its part of the displacement in one tree. */
static void rcforest_blame(const rcforest_tree *tree, const rcforest_ways *ways, uint32_t j,
                           const uint16_t *codes, double *parts)
{
    uint32_t level;
    double left = 1, displaced;

    rcforest_displacement(tree, ways, j, codes, &level);
    for (; level <= ways->depth[j]; level++) {
        const uint32_t node = ways->level[level].node[j];
        const uint16_t *const low = rcforest_low(tree, node);
        const uint16_t *const high = rcforest_high(tree, node);
        const uint32_t excess = rcforest_excess(tree, node, codes);
        const double parted =
            left * rcforest_parted(tree, &ways->level[level], j, excess, &displaced);
        const double each = parted * displaced / excess;

        for (uint32_t i = 0; i < tree->codes; i++)
            parts[i] += each * tocsin__box_out(low[i], high[i], codes[i]);
        left -= parted;
    }
}

static void rcforest_share(const void *constants, const void *state, const tocsin__arrays *arrays,
                           const tocsin__point *point, tocsin__reading *reading)
{
    const rcforest_constants *k = constants;
    uint16_t codes[TOCSIN__ROW_CODES_MAX];
    double parts[TOCSIN__ROW_CODES_MAX];
    const uint16_t *nearest = NULL;
    uint64_t least = UINT64_MAX;
    rcforest_ways ways;

    (void)arrays;
    tocsin__rows_code(&k->rows, state, point, codes);
    for (uint32_t i = 0; i < k->rows.codes; i++)
        parts[i] = 0;
    for (uint32_t t = 0; t < k->trees; t++) {
        const rcforest_tree tree = rcforest_tree_of(k, state, t);
        const uint32_t j = t % TOCSIN__WAYS;

        if (j == 0)
            rcforest_descend(k, state, t, codes, &ways);
        rcforest_blame(&tree, &ways, j, codes, parts);

        const uint16_t *const there = rcforest_low(&tree, ways.level[ways.depth[j]].node[j]);
        const uint32_t distance = tocsin__box_excess(there, there, codes, k->rows.codes);

        if (distance < least) {
            least = distance;
            nearest = there;
        }
    }
    tocsin__rows_share(&k->rows, state, point, codes, parts, nearest, reading);
}

/* ---- Learning ---------------------------------------------------------------------- */

/* A node that is not in the tree, `likely` one. */
static uint32_t rcforest_free_node(const rcforest_tree *tree, uint32_t from, uint32_t likely)
{
    if (tree->mass[likely] == 0)
        return likely;
    while (tree->mass[from] != 0)
        from++;
    return from;
}

/* Let `node` stand where `old` stood. */
static void rcforest_hang(const rcforest_tree *tree, uint32_t parent, uint32_t old, uint32_t node)
{
    if (parent == old) {            /* it was the root */
        *tree->root = (uint16_t)node;
        tree->parent[node] = (uint16_t)node;
        return;
    }

    const uint32_t is_right = rcforest_child(tree->node[parent], 1) == old;

    tree->node[parent] ^= (uint64_t)(old ^ node) << (is_right * RCFOREST_CHILD_BITS);
    tree->parent[node] = (uint16_t)parent;
}

/* The box of an inner node from those of its children; 0: it has not changed. */
static int rcforest_join(const rcforest_tree *tree, uint32_t node)
{
    const uint32_t a = rcforest_child(tree->node[node], 0);
    const uint32_t b = rcforest_child(tree->node[node], 1);

    return tocsin__box_join(rcforest_low(tree, node), rcforest_high(tree, node),
                            rcforest_low(tree, a), rcforest_high(tree, a), rcforest_low(tree, b),
                            rcforest_high(tree, b), tree->codes, &tree->length[node - tree->n]);
}

/* Grow an inner node's box by a point. */
static void rcforest_grow(const rcforest_tree *tree, uint32_t node, const uint16_t *codes)
{
    uint16_t *const low = rcforest_low(tree, node), *const high = rcforest_high(tree, node);

    tocsin__box_join(low, high, low, high, codes, codes, tree->codes,
                     &tree->length[node - tree->n]);
}

/* Place `at` of the ways, `excess` in all, to cut the point off a box. */
static uint32_t rcforest_cut_off(const rcforest_tree *tree, uint32_t node, const uint16_t *codes,
                                 uint32_t at)
{
    const uint16_t *const low = rcforest_low(tree, node), *const high = rcforest_high(tree, node);

    for (uint32_t i = 0;; i++) {
        const uint32_t out = tocsin__box_out(low[i], high[i], codes[i]);

        if (at < out)
            return i << 16 | ((codes[i] > high[i] ? high[i] : codes[i]) + 1u + at);
        at -= out;
    }
}

/* Nodes that became free. */
typedef struct {
    uint32_t leaf, fork;
} rcforest_room;

/* Insert a point and say which leaf it is at. */
static uint32_t rcforest_insert(const rcforest_tree *tree, const uint16_t *codes,
                                rcforest_room room, uint64_t *random)
{
    uint32_t node = *tree->root, excess;

    for (;;) {
        excess = rcforest_excess(tree, node, codes);
        if (excess > 0) {
            const uint32_t at = tocsin__rows_below(tocsin__rows_draw(random),
                                                   rcforest_length(tree, node) + excess);

            if (at < excess) {
                excess = at;
                break;
            }
        } else if (rcforest_is_leaf(tree, node)) {
            tree->mass[node]++;
            return node;
        }

        const uint32_t side = rcforest_side(tree->node[node], codes);

        tree->mass[node]++;
        tree->node[node] += (uint64_t)(1 - side) << RCFOREST_LEFT_MASS;
        if (excess > 0)
            rcforest_grow(tree, node, codes);
        node = rcforest_child(tree->node[node], side);
    }

    const uint32_t leaf = rcforest_free_node(tree, 0, room.leaf);
    const uint32_t fork = rcforest_free_node(tree, tree->n, room.fork);
    const uint32_t cut = rcforest_cut_off(tree, node, codes, excess);
    const int is_right = codes[cut >> 16] >= (cut & 0xffff);

    memcpy(rcforest_low(tree, leaf), codes, tree->codes * sizeof *codes);
    tree->mass[leaf] = 1;
    tree->mass[fork] = (uint16_t)(tree->mass[node] + 1);
    tree->node[leaf] = rcforest_node(leaf, leaf, 0, 0);
    tree->node[fork] = is_right ? rcforest_node(node, leaf, tree->mass[node], cut)
                                : rcforest_node(leaf, node, 1, cut);
    rcforest_hang(tree, tree->parent[node], node, fork);
    tree->parent[leaf] = tree->parent[node] = (uint16_t)fork;
    rcforest_join(tree, fork);
    return leaf;
}

/* Take one point away from a leaf of a tree that has others. */
static rcforest_room rcforest_delete(const rcforest_tree *tree, uint32_t leaf)
{
    const uint32_t fork = tree->parent[leaf];
    const rcforest_room room = {leaf, fork};
    uint32_t node = leaf;
    int changes = 0;

    if (--tree->mass[leaf] == 0) {
        node = rcforest_child(tree->node[fork], rcforest_child(tree->node[fork], 0) == leaf);
        tree->mass[fork] = 0;
        rcforest_hang(tree, tree->parent[fork], fork, node);
        changes = 1;
    }
    while (tree->parent[node] != node) {
        const uint32_t parent = tree->parent[node];
        const int is_left = rcforest_child(tree->node[parent], 0) == node;

        tree->mass[parent]--;
        tree->node[parent] -= (uint64_t)is_left << RCFOREST_LEFT_MASS;
        changes = changes && rcforest_join(tree, parent);
        node = parent;
    }
    return room;
}

/* The first point of all. */
static void rcforest_plant(const rcforest_tree *tree, const uint16_t *codes)
{
    memcpy(tree->point, codes, tree->codes * sizeof *codes);
    tree->mass[0] = 1;
    tree->node[0] = rcforest_node(0, 0, 0, 0);
    tree->parent[0] = tree->leaf_of[0] = *tree->root = 0;
}

static void rcforest_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                           const tocsin__point *point, const tocsin__reading *reading)
{
    const rcforest_constants *k = constants;
    rcforest_state *s = state;
    const double taken = tocsin__min(1, tocsin__max(k->taken, k->sample / (s->points + 1.0)));
    const uint64_t bar = (uint64_t)(taken * 4294967296.0);
    uint16_t codes[TOCSIN__ROW_CODES_MAX];

    (void)arrays;
    tocsin__rows_code(&k->rows, state, point, codes);
    for (uint32_t t = 0; t < k->trees; t++) {
        const rcforest_tree tree = rcforest_tree_of(k, state, t);
        uint32_t place = s->fill;
        rcforest_room room = {place, k->sample + place - 1};

        if (s->fill == 0) {
            rcforest_plant(&tree, codes);
            continue;
        }
        if (s->fill == k->sample) {
            if (tocsin__rows_draw(&s->random) >> 32 >= bar)
                continue;
            place = tocsin__rows_below(tocsin__rows_draw(&s->random), k->sample);
            room = rcforest_delete(&tree, tree.leaf_of[place]);
        }
        tree.leaf_of[place] = (uint16_t)rcforest_insert(&tree, codes, room, &s->random);
    }
    s->fill += s->fill < k->sample;
    s->points += s->points < UINT32_MAX;
    tocsin__rows_learn(&k->rows, state, point, codes, reading);
}

static void rcforest_push(const void *constants, void *state, const tocsin__arrays *arrays,
                          const tocsin__point *point, tocsin__reading *reading)
{
    rcforest_score(constants, state, arrays, point, reading);
    rcforest_learn(constants, state, arrays, point, reading);
}

static const char *const rcforest_channels[] = {"displacement", "distance", "change"};

const tocsin__stage tocsin__stage_rcforest = {
    .name = "rcforest",
    .summary = "robust random cut forest: what a point with several metrics would displace",
    .reference = "Guha et al. 2016",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = TOCSIN__ROWS_VIEWS,
    .revision = 1,
    .oldest_revision = 1,
    .params = rcforest_params,
    .param_count = TOCSIN__COUNT(rcforest_params),
    .constants_size = sizeof(rcforest_constants),
    .layout = {sizeof(rcforest_state), rcforest_fields, TOCSIN__COUNT(rcforest_fields)},
    .resolve = rcforest_resolve,
    .warmup = rcforest_warmup,
    .init = rcforest_init,
    .channel_names = rcforest_channels,
    .score = rcforest_score,
    .learn = rcforest_learn,
    .push = rcforest_push,
    .share = rcforest_share,
    .holds = rcforest_holds,
    .band = tocsin__rows_band,
};
