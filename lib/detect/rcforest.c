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
 * The statistic, channel 0 "displacement", is its mean over the trees - and over all ways in which
 * the point, which is not in the tree yet, could be put there.  At a node whose box has sides of
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
 * Memory: flat arrays, 6 bytes per tree, sampled point and value, and 22 more per tree and sampled
 * point.
 * Cost: trees * depth boxes to score, where depth is about 2 log(sample); to learn likewise for those
 * trees that take the point, one in half-life / (1.44 sample).
 *
 * How it fails.  Of many metrics that are noise, each takes its share of the cuts: what is strange in
 * one of them alone is told late.  Two lags of a smooth series say nearly the same.
 */
#include "../num/boxes.h"
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

enum { RCFOREST_LINKS = TOCSIN__ROWS_ARRAYS, RCFOREST_CUTS, RCFOREST_BOXES };

typedef struct {
    tocsin__rows rows;
    double taken;               /* probability that a tree takes a point, once its sample is old */
    uint64_t seed;
    uint32_t trees, sample;
    size_t links, cuts, boxes;  /* elements of each array per tree */
    size_t reserved;            /* a multiple of 8 bytes with 32 bits, too */
} rcforest_constants;

typedef struct {
    uint64_t random;
    uint32_t points;            /* learnt, up to 2^32 - 1 */
    uint32_t fill;              /* points in each sample */
} rcforest_state;

static const tocsin__field rcforest_fields[] = {
    TOCSIN__FIELD(rcforest_state, random, U64, 0, 2e19),
    TOCSIN__FIELD(rcforest_state, points, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(rcforest_state, fill, U32, 0, RCFOREST_SAMPLE_MAX),
    TOCSIN__ROWS_FIELDS,
    TOCSIN__ARRAY("link", U16, RCFOREST_LINKS, 0, 2 * RCFOREST_SAMPLE_MAX),
    TOCSIN__ARRAY("cut", U32, RCFOREST_CUTS, 0, UINT32_MAX),
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
    k->links = (size_t)7 * k->sample + 1;
    k->cuts = (size_t)2 * k->sample;
    k->boxes = (size_t)3 * k->sample * k->rows.codes;
    shape->length[RCFOREST_LINKS] = (uint32_t)(k->trees * k->links);
    shape->length[RCFOREST_CUTS] = (uint32_t)(k->trees * k->cuts);
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
    uint16_t *recent = tocsin__rows_array(&k->rows, state, TOCSIN__ROWS_RECENT);

    ((rcforest_state *)state)->random = tocsin__rows_mix(k->seed + 1);
    for (uint32_t i = 0; i < k->rows.codes - k->rows.metrics; i++)
        recent[i] = TOCSIN__CODE_CENTRE;
}

/* ---- A tree -------------------------------------------------------------------
 *
 * With n the sample's size, nodes 0 .. n-1 are leaves and n .. 2n-2 inner ones.  A node that is not
 * in the tree has mass 0.  The root's parent is itself. */

typedef struct {
    uint32_t n, codes;
    uint16_t *parent, *mass;    /* per node */
    uint16_t *child;            /* per inner node, counted from 0: left, right */
    uint16_t *leaf_of;          /* per place in the sample */
    uint16_t *root;
    uint32_t *cut;              /* per inner node: coordinate << 16 | least value on the right */
    uint32_t *length;           /* per inner node: of the box's sides */
    uint16_t *point;            /* per leaf */
    uint16_t *box;              /* per inner node: lows, highs */
} rcforest_tree;

/* Trees of a state that is not changed are only read. */
static inline rcforest_tree rcforest_tree_of(const rcforest_constants *k, const void *state,
                                             uint32_t t)
{
    char *const base = (char *)(uintptr_t)state;
    uint16_t *const link = (uint16_t *)(void *)(base + k->rows.array[RCFOREST_LINKS]) +
                           t * k->links;
    uint32_t *const cut = (uint32_t *)(void *)(base + k->rows.array[RCFOREST_CUTS]) + t * k->cuts;
    uint16_t *const box = (uint16_t *)(void *)(base + k->rows.array[RCFOREST_BOXES]) +
                          t * k->boxes;
    const uint32_t n = k->sample;
    const rcforest_tree tree = {
        n,   k->rows.codes, link,    link + (size_t)2 * n, link + (size_t)4 * n, link + (size_t)6 * n,
        link + (size_t)7 * n, cut, cut + n, box, box + (size_t)n * k->rows.codes,
    };

    return tree;
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

static inline uint16_t *rcforest_children(const rcforest_tree *tree, uint32_t node)
{
    return tree->child + (size_t)(node - tree->n) * 2;
}

/* 1: the cut leads to the right. */
static inline uint32_t rcforest_side(const rcforest_tree *tree, uint32_t node,
                                     const uint16_t *codes)
{
    const uint32_t cut = tree->cut[node - tree->n];

    return codes[cut >> 16] >= (cut & 0xffff);
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
    /* Masses grow from child to parent, so parents lead to the root. */
    for (uint32_t i = 0; i < nodes; i++) {
        const uint32_t parent = tree->parent[i];

        if (rcforest_is_leaf(tree, i) && tree->mass[i] != held[i])
            return 0;
        if (tree->mass[i] == 0)
            continue;
        if (i != root && (parent < tree->n || parent >= nodes || tree->mass[parent] == 0 ||
                          (rcforest_children(tree, parent)[0] != i &&
                           rcforest_children(tree, parent)[1] != i)))
            return 0;
        if (!rcforest_is_leaf(tree, i)) {
            const uint32_t left = rcforest_children(tree, i)[0];
            const uint32_t right = rcforest_children(tree, i)[1];

            if (left >= nodes || right >= nodes || left == right || tree->mass[left] == 0 ||
                tree->mass[right] == 0 || tree->parent[left] != i || tree->parent[right] != i ||
                tree->mass[i] != tree->mass[left] + tree->mass[right] ||
                tree->cut[i - tree->n] >> 16 >= tree->codes || !rcforest_is_box(tree, i))
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

/* ---- Scoring --------------------------------------------------------------------- */

/* The mean displacement in one tree.  `parts`, if not NULL, gets each coordinate's share; *end is the
 * leaf the point comes to. */
static TOCSIN__INLINE double rcforest_displacement(const rcforest_tree *tree,
                                                   const uint16_t *codes, double *parts,
                                                   uint32_t *end)
{
    uint32_t node = *tree->root;
    double sum = 0, left = 1, above = 0;    /* above: the largest displacement of the ancestors */

    for (;;) {
        const uint16_t *const low = rcforest_low(tree, node), *const high = rcforest_high(tree, node);
        const uint32_t excess = tocsin__box_excess(low, high, codes, tree->codes);
        const double here = tocsin__max(tree->mass[node], above);

        if (excess > 0) {
            const double parted = left * excess / ((double)rcforest_length(tree, node) + excess);

            sum += parted * here;
            if (parts)
                for (uint32_t i = 0; i < tree->codes; i++)
                    parts[i] += parted * here / excess *
                                (codes[i] > high[i] ? codes[i] - high[i]
                                                    : codes[i] < low[i] ? low[i] - codes[i] : 0);
            left -= parted;
        }
        if (rcforest_is_leaf(tree, node)) {
            *end = node;
            /* Equal to what is there: it joins the leaf. */
            return excess > 0 ? sum : sum + left * above;
        }

        const uint16_t *const child = rcforest_children(tree, node);
        const uint32_t side = rcforest_side(tree, node, codes);

        above = tocsin__max(above, tree->mass[child[1 - side]] / (tree->mass[child[side]] + 1.0));
        node = child[side];
    }
}

static void rcforest_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                           const tocsin__point *point, tocsin__reading *reading)
{
    const rcforest_constants *k = constants;
    const rcforest_state *s = state;
    uint16_t codes[TOCSIN__ROW_CODES_MAX];
    double sum = 0;

    (void)arrays;
    if (s->fill < k->sample) {
        tocsin__rows_warming(reading);
        return;
    }
    tocsin__rows_code(&k->rows, state, point, codes, reading);
    for (uint32_t t = 0; t < k->trees; t++) {
        const rcforest_tree tree = rcforest_tree_of(k, state, t);
        uint32_t end;

        sum += rcforest_displacement(&tree, codes, NULL, &end);
    }
    reading->channel[0] = sum / k->trees;
    reading->confidence = tocsin__min(1, s->points / (4.0 * k->sample));
}

static void rcforest_share(const void *constants, const void *state, const tocsin__arrays *arrays,
                           const tocsin__point *point, tocsin__reading *reading)
{
    const rcforest_constants *k = constants;
    uint16_t codes[TOCSIN__ROW_CODES_MAX];
    double parts[TOCSIN__ROW_CODES_MAX];
    const uint16_t *nearest = NULL;
    uint64_t least = UINT64_MAX;

    (void)arrays;
    tocsin__rows_code(&k->rows, state, point, codes, reading);
    for (uint32_t i = 0; i < k->rows.codes; i++)
        parts[i] = 0;
    for (uint32_t t = 0; t < k->trees; t++) {
        const rcforest_tree tree = rcforest_tree_of(k, state, t);
        uint32_t end = 0;

        rcforest_displacement(&tree, codes, parts, &end);

        const uint16_t *const there = rcforest_low(&tree, end);
        const uint32_t distance = tocsin__box_excess(there, there, codes, k->rows.codes);

        if (distance < least) {
            least = distance;
            nearest = there;
        }
    }
    tocsin__rows_share(&k->rows, state, point, codes, parts, nearest, reading);
}

/* ---- Learning ---------------------------------------------------------------------- */

/* A node that is not in the tree. */
static uint32_t rcforest_free_node(const rcforest_tree *tree, uint32_t from)
{
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

    uint16_t *const child = rcforest_children(tree, parent);

    child[child[1] == old] = (uint16_t)node;
    tree->parent[node] = (uint16_t)parent;
}

/* The box of an inner node from those of its children; 0: it has not changed. */
static int rcforest_join(const rcforest_tree *tree, uint32_t node)
{
    const uint16_t *const child = rcforest_children(tree, node);
    const uint16_t *const low_a = rcforest_low(tree, child[0]), *const high_a = rcforest_high(tree, child[0]);
    const uint16_t *const low_b = rcforest_low(tree, child[1]), *const high_b = rcforest_high(tree, child[1]);
    uint16_t *const low = rcforest_low(tree, node), *const high = rcforest_high(tree, node);
    uint32_t length = 0, changes = 0;

    for (uint32_t i = 0; i < tree->codes; i++) {
        const uint16_t l = low_a[i] < low_b[i] ? low_a[i] : low_b[i];
        const uint16_t h = high_a[i] > high_b[i] ? high_a[i] : high_b[i];

        changes |= (uint32_t)(low[i] ^ l) | (uint32_t)(high[i] ^ h);
        low[i] = l;
        high[i] = h;
        length += (uint32_t)(h - l);
    }
    tree->length[node - tree->n] = length;
    return changes != 0;
}

/* Grow an inner node's box by a point. */
static void rcforest_grow(const rcforest_tree *tree, uint32_t node, const uint16_t *codes,
                          uint32_t excess)
{
    uint16_t *const low = rcforest_low(tree, node), *const high = rcforest_high(tree, node);

    if (excess == 0)
        return;
    for (uint32_t i = 0; i < tree->codes; i++) {
        low[i] = codes[i] < low[i] ? codes[i] : low[i];
        high[i] = codes[i] > high[i] ? codes[i] : high[i];
    }
    tree->length[node - tree->n] += excess;
}

/* Place `at` of the ways, `excess` in all, to cut the point off a box. */
static uint32_t rcforest_cut_off(const rcforest_tree *tree, uint32_t node, const uint16_t *codes,
                                 uint32_t at)
{
    const uint16_t *const low = rcforest_low(tree, node), *const high = rcforest_high(tree, node);

    for (uint32_t i = 0;; i++) {
        const uint32_t out = codes[i] > high[i] ? (uint32_t)(codes[i] - high[i])
                             : codes[i] < low[i] ? (uint32_t)(low[i] - codes[i]) : 0;

        if (at < out)
            return i << 16 | ((codes[i] > high[i] ? high[i] : codes[i]) + 1u + at);
        at -= out;
    }
}

/* Insert a point and say which leaf it is at. */
static uint32_t rcforest_insert(const rcforest_tree *tree, const uint16_t *codes,
                                uint64_t *random)
{
    uint32_t node = *tree->root, excess;

    for (;;) {
        excess = tocsin__box_excess(rcforest_low(tree, node), rcforest_high(tree, node), codes,
                                    tree->codes);
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
        tree->mass[node]++;
        rcforest_grow(tree, node, codes, excess);
        node = rcforest_children(tree, node)[rcforest_side(tree, node, codes)];
    }

    const uint32_t leaf = rcforest_free_node(tree, 0);
    const uint32_t fork = rcforest_free_node(tree, tree->n);
    const uint32_t cut = rcforest_cut_off(tree, node, codes, excess);
    const uint32_t side = codes[cut >> 16] >= (cut & 0xffff);

    memcpy(rcforest_low(tree, leaf), codes, tree->codes * sizeof *codes);
    tree->mass[leaf] = 1;
    tree->mass[fork] = (uint16_t)(tree->mass[node] + 1);
    tree->cut[fork - tree->n] = cut;
    rcforest_hang(tree, tree->parent[node], node, fork);
    rcforest_children(tree, fork)[side] = (uint16_t)leaf;
    rcforest_children(tree, fork)[1 - side] = (uint16_t)node;
    tree->parent[leaf] = tree->parent[node] = (uint16_t)fork;
    rcforest_join(tree, fork);
    return leaf;
}

/* Take one point away from a leaf of a tree that has others. */
static void rcforest_delete(const rcforest_tree *tree, uint32_t leaf)
{
    uint32_t node = leaf;
    int changes = 0;

    if (--tree->mass[leaf] == 0) {
        const uint32_t fork = tree->parent[leaf];
        const uint16_t *const child = rcforest_children(tree, fork);
        const uint32_t sibling = child[child[0] == leaf];

        tree->mass[fork] = 0;
        rcforest_hang(tree, tree->parent[fork], fork, sibling);
        node = sibling;
        changes = 1;
    }
    while (tree->parent[node] != node) {
        node = tree->parent[node];
        tree->mass[node]--;
        changes = changes && rcforest_join(tree, node);
    }
}

/* The first point of all. */
static void rcforest_plant(const rcforest_tree *tree, const uint16_t *codes)
{
    memcpy(tree->point, codes, tree->codes * sizeof *codes);
    tree->mass[0] = 1;
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
    tocsin__reading unused = *reading;

    (void)arrays;
    tocsin__rows_code(&k->rows, state, point, codes, &unused);
    for (uint32_t t = 0; t < k->trees; t++) {
        const rcforest_tree tree = rcforest_tree_of(k, state, t);
        uint32_t place = s->fill;

        if (s->fill == 0) {
            rcforest_plant(&tree, codes);
            continue;
        }
        if (s->fill == k->sample) {
            if (tocsin__rows_draw(&s->random) >> 32 >= bar)
                continue;
            place = tocsin__rows_below(tocsin__rows_draw(&s->random), k->sample);
            rcforest_delete(&tree, tree.leaf_of[place]);
        }
        tree.leaf_of[place] = (uint16_t)rcforest_insert(&tree, codes, &s->random);
    }
    s->fill += s->fill < k->sample;
    s->points += s->points < UINT32_MAX;
    tocsin__rows_learn(&k->rows, state, point, codes);
}

static void rcforest_push(const void *constants, void *state, const tocsin__arrays *arrays,
                          const tocsin__point *point, tocsin__reading *reading)
{
    rcforest_score(constants, state, arrays, point, reading);
    rcforest_learn(constants, state, arrays, point, reading);
}

static const char *const rcforest_channels[] = {"displacement"};

const tocsin__stage tocsin__stage_rcforest = {
    .name = "rcforest",
    .summary = "robust random cut forest: what a point with several metrics would displace",
    .reference = "Guha et al. 2016",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = 1,
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
