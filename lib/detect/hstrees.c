/* hstrees.c - half-space trees: how dense is it where this point lies?
 *
 * Model
 * -----
 * A tree halves the space again and again: each of its nodes picks a metric (or a lag of one) at
 * random and cuts the node's range of it in the middle.  The cuts are drawn before any data is
 * seen and never change; what changes is how much of the data falls into each node, its mass.  A
 * point goes down a tree to the first node that holds little (a tenth of all) or to a leaf; its
 * mass times 2^depth is the density there.  With S that density as a share of the whole, and the
 * mean taken over the trees,
 *
 *     found = depth - mean log2(S),    in bits
 *
 * Channel 0 "rarity" is how much more that is than usual; rows.h says how, and what the channels
 * "distance" and "change" are.
 *
 * Tan, Ting and Liu rank by the sum of S.  It is governed by the trees in which the point lies where
 * all others do: of many metrics a few that are strange are seen by a few trees, and the rest
 * outvote them.  Bits add up, as evidence does: few trees that are sure count.  An empty node counts
 * as a quarter of the smallest mass that can be told from none, so that points far out differ by
 * where the tree runs out of data.
 *
 * Work ranges.  Their algorithm must be told each metric's minimum and maximum.  Here metrics are
 * on a scale of their own that is learnt on the way (rows.h), and -4 .. 4 deviations stand for the
 * range 0 .. 1, of which each tree takes its own wider one as they do: with s uniform in 0 .. 1,
 * s -+ 2 max(s, 1 - s).
 *
 * Learning.  The masses of the last `window` points are counted apart from those that are scored
 * with.  When the window is full, each mass m, a share of the whole, moves to
 *
 *     m + (latest - m) (1 - 2^(-window / half-life))
 *
 * and the count starts anew.  A half-life far shorter than the window is the original algorithm,
 * which forgets all but the last window.  The first window replaces what was there: nothing.
 *
 * Blame.  On its way down a tree a point loses log2(m_parent / (2 m_child)) bits at each cut, where
 * that is positive, and the metric that was cut is to blame for them.  What would have been normal is
 * each metric's centre: masses are counts, and no point is kept that could be the nearest.
 *
 * Reference: Tan, Ting, Liu 2011, "Fast anomaly detection for streaming data".
 *
 * Cost: trees * depth steps of two loads and a comparison to score and again to learn; once in a
 * window a pass over all masses.  8 bytes per node and 4 per leaf: 76 KB for 25 trees of depth 8.
 *
 * How it fails.  With many more metrics than levels a tree looks at few of them, and a combination
 * that is strange is seen by few trees: take more trees, or a forest that draws its cuts from the
 * data (iforest, rcforest).
 */
#include "rows.h"

enum { HSTREES_TREES = TOCSIN__ROWS_PARAMS, HSTREES_DEPTH, HSTREES_WINDOW, HSTREES_SEED };

static const tocsin__param hstrees_params[] = {
    TOCSIN__ROWS_PARAMETERS("1", "4000p"),
    {"trees", TOCSIN_TYPE_INTEGER, 1, 1, 0, "", "25", 1, 1000, "", "trees that are asked"},
    {"depth", TOCSIN_TYPE_INTEGER, 1, 1, 0, "levels", "8", 1, 15, "", "cuts in a row"},
    {"window", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", "250", 2, 65535, "",
     "points whose masses are counted before they are scored with; the first is warm-up"},
    {"seed", TOCSIN_TYPE_INTEGER, 1, 0, 0, "", "1", 0, 4294967295.0, "",
     "of the random cuts, in a series that is new"},
};

#define HSTREES_WHOLE 65535u            /* the mass of all */
#define HSTREES_LITTLE 6553u            /* a node that holds no more is not followed further */
#define HSTREES_NODES_MAX 4194304u
#define HSTREES_FULL 0x1p800            /* a product of densities, each below 2^33 */

enum { HSTREES_NODES = TOCSIN__ROWS_ARRAYS, HSTREES_LEAVES };

/* What a step down a tree needs stands side by side. */
typedef struct {
    uint16_t code;              /* which is cut */
    uint16_t threshold;         /* the least code on the right */
    uint16_t mass, latest;      /* scored with; being counted */
} hstrees_node;

typedef struct {
    uint16_t mass, latest;
} hstrees_leaf;

typedef struct {
    tocsin__rows rows;
    double gain;                /* of a window */
    uint64_t seed;
    uint32_t trees, depth;
    uint32_t window;
    uint32_t reserved;
} hstrees_constants;

typedef struct {
    tocsin__rows_views views;
    uint32_t count;             /* points of the window that is filling */
    uint32_t windows;           /* full ones; 2: two or more */
} hstrees_state;

static const tocsin__field hstrees_fields[] = {
    TOCSIN__ROWS_VIEW_FIELDS(hstrees_state),
    TOCSIN__FIELD(hstrees_state, count, U32, 0, UINT16_MAX),
    TOCSIN__FIELD(hstrees_state, windows, U32, 0, 2),
    TOCSIN__ROWS_FIELDS,
    TOCSIN__ARRAY("node", U16, HSTREES_NODES, 0, UINT16_MAX),
    TOCSIN__ARRAY("leaf", U16, HSTREES_LEAVES, 0, UINT16_MAX),
};

static const tocsin__layout hstrees_layout = {sizeof(hstrees_state), hstrees_fields,
                                              TOCSIN__COUNT(hstrees_fields)};

static int hstrees_resolve(const tocsin__values *values, const tocsin__context *context,
                           void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    hstrees_constants *k = constants;
    const int status = tocsin__rows_resolve(values, context, &k->rows, shape, complaint);

    if (status < 0)
        return status;
    k->trees = (uint32_t)values[HSTREES_TREES].item[0].number;
    k->depth = (uint32_t)values[HSTREES_DEPTH].item[0].number;
    k->window = (uint32_t)values[HSTREES_WINDOW].item[0].number;
    k->seed = (uint64_t)values[HSTREES_SEED].item[0].number;
    if (k->trees << k->depth > HSTREES_NODES_MAX)
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, HSTREES_DEPTH,
                                "so many trees of that depth have more than 4 million nodes");
    k->gain = 1 - tocsin__exp2(-(double)k->window / k->rows.half_life);
    shape->length[HSTREES_NODES] = (k->trees << k->depth) * 4;
    shape->length[HSTREES_LEAVES] = (k->trees << k->depth) * 2;
    tocsin__rows_place(&k->rows, &hstrees_layout, shape);
    return TOCSIN_OK;
}

static size_t hstrees_warmup(const void *constants)
{
    return ((const hstrees_constants *)constants)->window;
}

/* ---- The trees --------------------------------------------------------------
 *
 * Heaps: node i has the children 2i and 2i + 1, the root is node 1, and those below the last level
 * are the leaves.  Entry 0 is not used. */

/* The middle of a range of the work range, in codes: `low` and `high` as shares of it. */
static uint16_t hstrees_threshold(double s, double low, double high)
{
    const double middle = s + 4 * tocsin__max(s, 1 - s) * ((low + high) / 2 - 0.5);

    return (uint16_t)tocsin__clamp(
        TOCSIN__CODE_CENTRE + TOCSIN__CODE_DEVIATION * 8 * (middle - 0.5), 0, 65535);
}

/* The range of a node's metric is that of the root, halved at each ancestor that cuts the same. */
static void hstrees_cut(hstrees_node *tree, uint32_t node, uint32_t code, double s)
{
    double low = 0, high = 1;
    uint32_t level = 0;

    while (node >> (level + 1))
        level++;
    for (; level > 0; level--) {
        const double middle = (low + high) / 2;

        if (tree[node >> level].code != code)
            continue;
        if (node >> (level - 1) & 1)
            low = middle;
        else
            high = middle;
    }
    tree[node].code = (uint16_t)code;
    tree[node].threshold = hstrees_threshold(s, low, high);
}

static void hstrees_init(const void *constants, void *state)
{
    const hstrees_constants *k = constants;
    hstrees_node *tree = tocsin__rows_array(&k->rows, state, HSTREES_NODES);
    uint64_t random = k->seed;

    tocsin__rows_init(&k->rows, state);
    for (uint32_t t = 0; t < k->trees; t++, tree += (size_t)1 << k->depth) {
        const uint64_t drawn = tocsin__rows_draw(&random);

        for (uint32_t node = 1; node >> k->depth == 0; node++) {
            const uint32_t code = tocsin__rows_below(tocsin__rows_mix(drawn + node), k->rows.codes);
            const uint64_t draw = tocsin__rows_mix(~drawn - code);

            hstrees_cut(tree, node, code, (double)(draw >> 11) * 0x1p-53);
        }
    }
}

static int hstrees_holds(const void *constants, const void *state)
{
    const hstrees_constants *k = constants;
    const hstrees_state *s = state;
    const hstrees_node *nodes = tocsin__rows_const_array(&k->rows, state, HSTREES_NODES);

    for (uint32_t i = 0; i < k->trees << k->depth; i++)
        if (nodes[i].code >= k->rows.codes)
            return 0;
    /* Every point comes to the root. */
    for (uint32_t t = 0; t < k->trees; t++, nodes += (size_t)1 << k->depth)
        if (nodes[1].latest != s->count || nodes[1].mass != (s->windows ? HSTREES_WHOLE : 0))
            return 0;
    return 1;
}

static inline uint32_t hstrees_child(const hstrees_node *tree, uint32_t node,
                                     const uint16_t *codes)
{
    return 2 * node + (codes[tree[node].code] >= tree[node].threshold);
}

/* A step down, unless the node holds little: then it stays.  No branch, for none could be foretold. */
static TOCSIN__INLINE uint32_t hstrees_step(const hstrees_node *tree, uint32_t node,
                                            const uint16_t *codes, uint32_t *level)
{
    const uint32_t goes = tree[node].mass > HSTREES_LITTLE;

    *level += goes;
    return node + ((hstrees_child(tree, node, codes) - node) & (0 - goes));
}

static inline uint64_t hstrees_here(const hstrees_node *tree, const hstrees_leaf *leaves,
                                    uint32_t inner, uint32_t node, uint32_t level)
{
    const uint32_t mass = node < inner ? tree[node].mass : leaves[node - inner].mass;

    return (mass ? (uint64_t)4 * mass : 1) << level;
}

/* The bits of density where the point is, as a share of the whole times 2^depth: their mean.  A step
 * waits for the one before it, so four trees are gone down side by side; densities are multiplied
 * while the product has room, and a logarithm is taken seldom. */
static double hstrees_density(const hstrees_constants *k, const void *state,
                              const uint16_t *codes)
{
    const hstrees_node *tree = tocsin__rows_const_array(&k->rows, state, HSTREES_NODES);
    const hstrees_leaf *leaves = tocsin__rows_const_array(&k->rows, state, HSTREES_LEAVES);
    const uint32_t inner = 1u << k->depth;
    uint32_t t = k->trees;
    double bits = 0, product = 1;

    for (; t >= 4; t -= 4) {
        const hstrees_node *const tree1 = tree + inner, *const tree2 = tree1 + inner,
                           *const tree3 = tree2 + inner;
        uint32_t node = 1, node1 = 1, node2 = 1, node3 = 1;
        uint32_t level = 0, level1 = 0, level2 = 0, level3 = 0;

        for (uint32_t i = 0; i < k->depth; i++) {
            node = hstrees_step(tree, node, codes, &level);
            node1 = hstrees_step(tree1, node1, codes, &level1);
            node2 = hstrees_step(tree2, node2, codes, &level2);
            node3 = hstrees_step(tree3, node3, codes, &level3);
        }
        product *= (double)hstrees_here(tree, leaves, inner, node, level);
        product *= (double)hstrees_here(tree1, leaves + inner, inner, node1, level1);
        product *= (double)hstrees_here(tree2, leaves + (size_t)2 * inner, inner, node2, level2);
        product *= (double)hstrees_here(tree3, leaves + (size_t)3 * inner, inner, node3, level3);
        if (product > HSTREES_FULL) {
            bits += tocsin__log2(product);
            product = 1;
        }
        tree = tree3 + inner;
        leaves += (size_t)4 * inner;
    }
    for (; t > 0; t--, tree += inner, leaves += inner) {
        uint32_t node = 1, level = 0;

        for (uint32_t i = 0; i < k->depth; i++)
            node = hstrees_step(tree, node, codes, &level);
        product *= (double)hstrees_here(tree, leaves, inner, node, level);
    }
    bits += tocsin__log2(product);
    return bits / k->trees - tocsin__log2(4.0 * HSTREES_WHOLE);
}

static void hstrees_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                          const tocsin__point *point, tocsin__reading *reading)
{
    const hstrees_constants *k = constants;
    const hstrees_state *s = state;
    uint16_t codes[TOCSIN__ROW_CODES_MAX];

    (void)arrays;
    tocsin__rows_code(&k->rows, state, point, codes);
    reading->confidence = s->windows < 2 ? 0.5 : 1;
    tocsin__rows_judge(&k->rows, state, point, codes,
                       s->windows ? k->depth - hstrees_density(k, state, codes) : tocsin__nan(),
                       reading);
}

/* ---- Learning ------------------------------------------------------------------ */

/* A mass as the window that is full moves it: by `gain` 65536ths of what is between the two. */
static inline uint16_t hstrees_moved(uint16_t mass, uint16_t latest, double whole, int32_t gain)
{
    const int32_t target = (int32_t)(latest * whole + 0.5);
    const int64_t move = (int64_t)(target - mass) * gain;
    const int64_t above = INT64_C(1) << 48;     /* what is shifted is not negative */

    /* Rounded away from where it is: or small differences would never be made up. */
    return (uint16_t)(mass + ((move + (move > 0 ? 65535 : 0) + above) >> 16) - (above >> 16));
}

/* The window is full. */
static TOCSIN__APART void hstrees_turn(const hstrees_constants *k, hstrees_state *s)
{
    hstrees_node *nodes = tocsin__rows_array(&k->rows, s, HSTREES_NODES);
    hstrees_leaf *leaves = tocsin__rows_array(&k->rows, s, HSTREES_LEAVES);
    const uint32_t count = k->trees << k->depth;
    const int32_t gain = s->windows ? (int32_t)(k->gain * 65536) : 65536;
    const double whole = (double)HSTREES_WHOLE / s->count;

    for (uint32_t i = 0; i < count; i++) {
        nodes[i].mass = hstrees_moved(nodes[i].mass, nodes[i].latest, whole, gain);
        leaves[i].mass = hstrees_moved(leaves[i].mass, leaves[i].latest, whole, gain);
        nodes[i].latest = leaves[i].latest = 0;
    }
    s->count = 0;
    s->windows += s->windows < 2;
}

static TOCSIN__INLINE uint32_t hstrees_count(hstrees_node *tree, uint32_t node,
                                             const uint16_t *codes)
{
    const uint32_t child = hstrees_child(tree, node, codes);

    tree[node].latest++;
    return child;
}

static void hstrees_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                          const tocsin__point *point, const tocsin__reading *reading)
{
    const hstrees_constants *k = constants;
    hstrees_state *s = state;
    hstrees_node *tree = tocsin__rows_array(&k->rows, state, HSTREES_NODES);
    hstrees_leaf *leaves = tocsin__rows_array(&k->rows, state, HSTREES_LEAVES);
    const uint32_t inner = 1u << k->depth;
    uint16_t codes[TOCSIN__ROW_CODES_MAX];
    uint32_t t = k->trees;

    (void)arrays;
    tocsin__rows_code(&k->rows, state, point, codes);
    for (; t >= 4; t -= 4) {
        hstrees_node *const tree1 = tree + inner, *const tree2 = tree1 + inner,
                     *const tree3 = tree2 + inner;
        uint32_t node = 1, node1 = 1, node2 = 1, node3 = 1;

        for (uint32_t i = 0; i < k->depth; i++) {
            node = hstrees_count(tree, node, codes);
            node1 = hstrees_count(tree1, node1, codes);
            node2 = hstrees_count(tree2, node2, codes);
            node3 = hstrees_count(tree3, node3, codes);
        }
        leaves[node - inner].latest++;
        leaves[node1].latest++;
        leaves[node2 + inner].latest++;
        leaves[node3 + 2 * inner].latest++;
        tree = tree3 + inner;
        leaves += (size_t)4 * inner;
    }
    for (; t > 0; t--, tree += inner, leaves += inner) {
        uint32_t node = 1;

        for (uint32_t i = 0; i < k->depth; i++)
            node = hstrees_count(tree, node, codes);
        leaves[node - inner].latest++;
    }
    tocsin__rows_learn(&k->rows, state, point, codes, reading);
    if (++s->count >= k->window)
        hstrees_turn(k, s);
}

static void hstrees_push(const void *constants, void *state, const tocsin__arrays *arrays,
                         const tocsin__point *point, tocsin__reading *reading)
{
    hstrees_score(constants, state, arrays, point, reading);
    hstrees_learn(constants, state, arrays, point, reading);
}

/* ---- Blame ---------------------------------------------------------------------- */

static void hstrees_share(const void *constants, const void *state, const tocsin__arrays *arrays,
                          const tocsin__point *point, tocsin__reading *reading)
{
    const hstrees_constants *k = constants;
    const hstrees_node *tree = tocsin__rows_const_array(&k->rows, state, HSTREES_NODES);
    const hstrees_leaf *leaves = tocsin__rows_const_array(&k->rows, state, HSTREES_LEAVES);
    const uint32_t inner = 1u << k->depth;
    uint16_t codes[TOCSIN__ROW_CODES_MAX];
    double parts[TOCSIN__ROW_CODES_MAX];
    double ratios[TOCSIN__ROW_CODES_MAX];   /* bits add up as ratios multiply */

    (void)arrays;
    tocsin__rows_code(&k->rows, state, point, codes);
    for (uint32_t i = 0; i < k->rows.codes; i++) {
        parts[i] = 0;
        ratios[i] = 1;
    }
    for (uint32_t t = 0; t < k->trees; t++, tree += inner, leaves += inner) {
        for (uint32_t node = 1; node < inner && tree[node].mass > HSTREES_LITTLE;) {
            const uint32_t child = hstrees_child(tree, node, codes);
            const uint32_t left = child < inner ? tree[child].mass : leaves[child - inner].mass;
            const double ratio = tree[node].mass / (2 * (left ? left : 0.25));
            const uint32_t code = tree[node].code;

            if (ratio > 1)
                ratios[code] *= ratio;
            if (ratios[code] > 0x1p900) {
                parts[code] += tocsin__log2(ratios[code]);
                ratios[code] = 1;
            }
            node = child;
        }
    }
    for (uint32_t i = 0; i < k->rows.codes; i++)
        if (ratios[i] > 1)
            parts[i] += tocsin__log2(ratios[i]);
    tocsin__rows_share(&k->rows, state, point, codes, parts, NULL, reading);
}

static const char *const hstrees_channels[] = {"rarity", "distance", "change"};

const tocsin__stage tocsin__stage_hstrees = {
    .name = "hstrees",
    .summary = "half-space trees: how dense the space is around a point with several metrics",
    .reference = "Tan, Ting, Liu 2011",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = TOCSIN__ROWS_VIEWS,
    .revision = 1,
    .oldest_revision = 1,
    .params = hstrees_params,
    .param_count = TOCSIN__COUNT(hstrees_params),
    .constants_size = sizeof(hstrees_constants),
    .layout = {sizeof(hstrees_state), hstrees_fields, TOCSIN__COUNT(hstrees_fields)},
    .resolve = hstrees_resolve,
    .warmup = hstrees_warmup,
    .init = hstrees_init,
    .channel_names = hstrees_channels,
    .score = hstrees_score,
    .learn = hstrees_learn,
    .push = hstrees_push,
    .share = hstrees_share,
    .holds = hstrees_holds,
    .band = tocsin__rows_band,
};
