/* iforest.c - isolation forest over a stream: how few random cuts set this point apart?
 *
 * Model
 * -----
 * A tree cuts a sample of points by a metric drawn at random, at a place drawn uniformly between the
 * smallest and the largest value of it among the points at hand, and goes on with both parts until
 * points stand alone or the depth is log2(sample).  What is unlike the rest stands alone early.  With
 * h the depth at which a point ends, plus c(n) where n points ended together, averaged over trees,
 * and c(n) = 2 (H(n-1) - (n-1)/n) the mean depth of n points,
 *
 *     found = log2(sample) + c(sample) - h,    in cuts
 *
 * Liu, Ting and Zhou's 2^(-h/c(sample)) gives the same order.  Channel 0 "isolation" is how much
 * more that is than usual; rows.h says how, and what the channels "distance" and "change" are.
 *
 * Beyond the sample.  In their forest a point that lies beyond all that was sampled goes the way of the
 * sample's last, and how far beyond is not seen.  Here each node knows the smallest and the largest of
 * what it cut, and the point is judged as if it had been one of them: a place drawn between the
 * smallest and the largest would have fallen between it and the others with probability
 *
 *     beyond / (beyond + largest - smallest),
 *
 * and would have set it apart right there.  h is the mean over both.
 *
 * Rolling trees.  Points pass through a pool of 2 to 4 samples in which their ages fall off by half
 * in `half-life` points (as far as it holds that many).  One tree at a time is grown out of it, a few
 * nodes with each point, and when it is done it takes the place of the oldest.  A new tree is begun
 * every 2 half-life / trees points, so that half of the trees are younger than a half-life; at the
 * start sooner, so that from the first the forest is made of all that has been seen.  The first
 * forest is grown when the pool has a sample: a tree with each point.
 *
 * Blame.  In each tree a cut that may have set the point apart answers for what that found; the cuts
 * that a point passed share the rest, each in proportion to how far from the cut the point is.  What
 * would have been normal is the nearest point in the pool, by the sum of distances.
 *
 * Reference: Liu, Ting, Zhou 2008, "Isolation forest"; rolling trees as in Leveni et al. 2024,
 * reservoirs with ages as in Aggarwal 2006.
 *
 * Memory: 10 bytes per tree and sampled point, and up to 8 bytes per sampled point and value.
 * Cost: trees * log2(sample) steps of four loads and two comparisons, a division where the point lies
 * beyond what was cut; a node of n points to grow takes n steps, at most `sample` of them.
 *
 * How it fails.  A cut looks at one metric, so a combination is seen only where few cuts make it out.
 */
#include "rows.h"

enum { IFOREST_TREES = TOCSIN__ROWS_PARAMS, IFOREST_SAMPLE, IFOREST_SEED };

static const tocsin__param iforest_params[] = {
    TOCSIN__ROWS_PARAMETERS("1", "4000p"),
    {"trees", TOCSIN_TYPE_INTEGER, 1, 1, 0, "", "64", 1, 1000, "", "trees that are asked"},
    {"sample", TOCSIN_TYPE_INTEGER, 1, 1, 0, "points", "128", 4, 1024, "",
     "points a tree is grown from; so many and one for each tree are warm-up"},
    {"seed", TOCSIN_TYPE_INTEGER, 1, 0, 0, "", "1", 0, 4294967295.0, "",
     "of the random cuts, in a series that is new"},
};

#define IFOREST_UNIT 1024.0                 /* of a leaf's depth */
#define IFOREST_EULER 0.577215664901532861
#define IFOREST_TRIES 8                     /* metrics tried before points count as equal */
#define IFOREST_SAMPLE_MAX 1024u
#define IFOREST_POOL_MAX (4 * IFOREST_SAMPLE_MAX)

enum { IFOREST_CUTS = TOCSIN__ROWS_ARRAYS, IFOREST_LEAVES, IFOREST_POOL, IFOREST_WORK };

typedef struct {
    tocsin__rows rows;
    double interval;            /* points from tree to tree */
    double taken;               /* probability that the pool takes a point, once it is old */
    double top;                 /* what is found is this less the mean depth */
    uint64_t seed;
    uint32_t trees, sample, depth, pool;
} iforest_constants;

typedef struct {
    tocsin__rows_views views;
    uint64_t random;
    uint32_t points;            /* learnt, up to 2^32 - 1 */
    uint32_t fill;              /* points in the pool */
    uint32_t grown;             /* trees, at most trees */
    uint32_t oldest;            /* the place of the tree that grows */
    uint32_t node;              /* the next to be grown; 0: none grows */
    uint32_t since;             /* points since that tree was begun */
} iforest_state;

/* What a node does, and what of it is seen from outside. */
typedef struct {
    uint16_t threshold, code;       /* left: codes[code] < threshold; 0: nobody */
    uint16_t high, low;             /* of that code, among the points that were cut */
} iforest_cut;

static const tocsin__field iforest_fields[] = {
    TOCSIN__ROWS_VIEW_FIELDS(iforest_state),
    TOCSIN__FIELD(iforest_state, random, U64, 0, 2e19),
    TOCSIN__FIELD(iforest_state, points, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(iforest_state, fill, U32, 0, IFOREST_POOL_MAX),
    TOCSIN__FIELD(iforest_state, grown, U32, 0, 1000),
    TOCSIN__FIELD(iforest_state, oldest, U32, 0, 999),
    TOCSIN__FIELD(iforest_state, node, U32, 0, IFOREST_SAMPLE_MAX),
    TOCSIN__FIELD(iforest_state, since, U32, 0, UINT32_MAX),
    TOCSIN__ROWS_FIELDS,
    TOCSIN__ARRAY("cut", U16, IFOREST_CUTS, 0, UINT16_MAX),     /* iforest_cut */
    TOCSIN__ARRAY("leaf", U16, IFOREST_LEAVES, 0, UINT16_MAX),
    TOCSIN__ARRAY("pool", U16, IFOREST_POOL, 0, UINT16_MAX),
    TOCSIN__ARRAY("work", U16, IFOREST_WORK, 0, IFOREST_POOL_MAX),
};

static const tocsin__layout iforest_layout = {sizeof(iforest_state), iforest_fields,
                                              TOCSIN__COUNT(iforest_fields)};

/* The mean depth of so many points below a node. */
static double iforest_mean_depth(uint32_t count)
{
    if (count <= 2)
        return count == 2;
    return 2 * (tocsin__log(count - 1.0) + IFOREST_EULER) - 2 * (count - 1.0) / count;
}

static int iforest_resolve(const tocsin__values *values, const tocsin__context *context,
                           void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    iforest_constants *k = constants;
    const int status = tocsin__rows_resolve(values, context, &k->rows, shape, complaint);

    if (status < 0)
        return status;
    k->trees = (uint32_t)values[IFOREST_TREES].item[0].number;
    k->sample = (uint32_t)values[IFOREST_SAMPLE].item[0].number;
    k->seed = (uint64_t)values[IFOREST_SEED].item[0].number;
    while (1u << k->depth < k->sample)
        k->depth++;
    k->pool = 2u << k->depth;
    k->interval = tocsin__max(1, 2 * k->rows.half_life / k->trees);
    k->taken = k->pool * k->rows.gain;
    k->top = k->depth + iforest_mean_depth(k->sample);
    shape->length[IFOREST_CUTS] = 4 * (k->trees << k->depth);
    shape->length[IFOREST_LEAVES] = k->trees << k->depth;
    shape->length[IFOREST_POOL] = k->pool * k->rows.codes;
    shape->length[IFOREST_WORK] = k->sample + (2u << k->depth);
    tocsin__rows_place(&k->rows, &iforest_layout, shape);
    return TOCSIN_OK;
}

static size_t iforest_warmup(const void *constants)
{
    const iforest_constants *k = constants;

    return (size_t)k->sample + k->trees;
}

static void iforest_init(const void *constants, void *state)
{
    const iforest_constants *k = constants;

    ((iforest_state *)state)->random = tocsin__rows_mix(k->seed + 2);
    tocsin__rows_init(&k->rows, state);
}

/* ---- Trees ----------------------------------------------------------------------
 *
 * Heaps: node i has the children 2i and 2i + 1, the root is node 1, and leaves stand below the last
 * level.  Where a branch ends earlier, its nodes send every point to the right (a cut at 0). */

static inline uint32_t iforest_child(const iforest_cut *cut, uint32_t node, const uint16_t *codes)
{
    return 2 * node + (codes[cut->code] >= cut->threshold);
}

/* A tree as it is asked. */
typedef struct {
    const iforest_cut *cuts;
    const uint16_t *leaves;
} iforest_tree;

static iforest_tree iforest_tree_of(const iforest_constants *k, const void *state, uint32_t number)
{
    const size_t first = (size_t)number << k->depth;
    const iforest_tree tree = {
        (const iforest_cut *)tocsin__rows_const_array(&k->rows, state, IFOREST_CUTS) + first,
        (const uint16_t *)tocsin__rows_const_array(&k->rows, state, IFOREST_LEAVES) + first,
    };

    return tree;
}

/* The probability that a cut would have set the point apart from all that the node cut, had it been
 * one of them: that a place drawn between the smallest and the largest falls between it and them. */
static inline double iforest_parted(const iforest_cut *cut, const uint16_t *codes)
{
    const uint32_t code = codes[cut->code], low = cut->low, high = cut->high;
    const uint32_t beyond = code < low ? low - code : code > high ? code - high : 0;

    return beyond == 0 ? 0 : beyond / (double)(beyond + high - low);
}

static double iforest_depth(const iforest_constants *k, const void *state, const uint16_t *codes)
{
    double sum = 0;

    for (uint32_t t = 0; t < k->trees; t++) {
        const iforest_tree tree = iforest_tree_of(k, state, t);
        double together = 1;
        uint32_t node = 1;

        for (uint32_t level = 0; level < k->depth; level++) {
            const iforest_cut *cut = &tree.cuts[node];
            const double parted = together * iforest_parted(cut, codes);

            sum += parted * (level + 1);
            together -= parted;
            node = iforest_child(cut, node, codes);
        }
        sum += together * tree.leaves[node - (1u << k->depth)] / IFOREST_UNIT;
    }
    return sum / k->trees;
}

static void iforest_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                          const tocsin__point *point, tocsin__reading *reading)
{
    const iforest_constants *k = constants;
    const iforest_state *s = state;
    uint16_t codes[TOCSIN__ROW_CODES_MAX];

    (void)arrays;
    tocsin__rows_code(&k->rows, state, point, codes);
    reading->confidence = tocsin__min(1, s->points / (4.0 * k->pool));
    tocsin__rows_judge(&k->rows, state, point, codes,
                       s->grown < k->trees ? tocsin__nan()
                                           : k->top - iforest_depth(k, state, codes),
                       reading);
}

/* ---- Growing a tree ----------------------------------------------------------------
 *
 * `work` holds the sample's places in the pool, node by node of the level that is being cut, and for
 * each node where its points begin and end. */

typedef struct {
    const iforest_constants *k;
    iforest_cut *cuts;
    uint16_t *leaves, *order, *bounds;
    const uint16_t *pool;
} iforest_job;

static iforest_job iforest_job_of(const iforest_constants *k, iforest_state *s)
{
    uint16_t *work = tocsin__rows_array(&k->rows, s, IFOREST_WORK);
    const size_t first = (size_t)s->oldest << k->depth;
    const iforest_job job = {
        k,
        (iforest_cut *)tocsin__rows_array(&k->rows, s, IFOREST_CUTS) + first,
        (uint16_t *)tocsin__rows_array(&k->rows, s, IFOREST_LEAVES) + first,
        work,
        work + k->sample,
        tocsin__rows_array(&k->rows, s, IFOREST_POOL),
    };

    return job;
}

/* Begin a tree: every so-manieth of the pool, from somewhere on. */
static void iforest_begin(const iforest_constants *k, iforest_state *s)
{
    const iforest_job job = iforest_job_of(k, s);
    const uint64_t draw = tocsin__rows_draw(&s->random);
    const uint32_t first = (uint32_t)draw, step = (uint32_t)(draw >> 32) | 1;
    const int is_full = s->fill == k->pool;     /* a power of two: an odd step meets each once */

    for (uint32_t i = 0; i < k->sample; i++)
        job.order[i] = (uint16_t)(is_full ? (first + i * step) & (k->pool - 1)
                                          : (first % s->fill + i) % s->fill);
    job.bounds[2] = 0;
    job.bounds[3] = (uint16_t)k->sample;
    s->node = 1;
    s->since = 0;
}

static uint16_t iforest_leaf(uint32_t depth, uint32_t count)
{
    return (uint16_t)(IFOREST_UNIT * (depth + iforest_mean_depth(count)) + 0.5);
}

/* A cut that nobody is left of and nothing is beyond. */
static const iforest_cut iforest_uncut = {0, 0, UINT16_MAX, 0};

/* A cut between the points of a node, or none: they are equal in all that was tried. */
static iforest_cut iforest_draw_cut(const iforest_job *job, uint32_t begin, uint32_t end,
                                    uint64_t *random)
{
    const uint32_t codes = job->k->rows.codes;

    for (uint32_t tries = 0; tries < IFOREST_TRIES && end - begin > 1; tries++) {
        const uint64_t draw = tocsin__rows_draw(random);
        const uint32_t code = tocsin__rows_below(draw, codes);
        uint32_t low = UINT16_MAX, high = 0;

        for (uint32_t i = begin; i < end; i++) {
            const uint32_t at = job->pool[(size_t)job->order[i] * codes + code];

            low = at < low ? at : low;
            high = at > high ? at : high;
        }
        if (low < high) {
            const uint32_t threshold = low + 1 + tocsin__rows_below(draw << 32, high - low);
            const iforest_cut cut = {(uint16_t)threshold, (uint16_t)code, (uint16_t)high,
                                     (uint16_t)low};

            return cut;
        }
    }
    return iforest_uncut;
}

static void iforest_grow_node(const iforest_job *job, uint32_t node, uint64_t *random)
{
    const iforest_constants *k = job->k;
    const uint32_t begin = job->bounds[2 * node], end = job->bounds[2 * node + 1];
    const iforest_cut cut = iforest_draw_cut(job, begin, end, random);
    uint32_t level = 0, middle = begin;

    while (node >> (level + 1))
        level++;
    job->cuts[node] = cut;
    if (cut.threshold == 0) {             /* the branch ends */
        const uint32_t leaf = ((node + 1) << (k->depth - level)) - 1 - (1u << k->depth);

        if (end > begin)
            job->leaves[leaf] = iforest_leaf(level, end - begin);
        middle = end;
    } else {
        for (uint32_t i = begin; i < end; i++) {
            const uint16_t moving = job->order[i];

            if (job->pool[(size_t)moving * k->rows.codes + cut.code] >= cut.threshold)
                continue;
            job->order[i] = job->order[middle];
            job->order[middle++] = moving;
        }
    }
    if (level + 1 < k->depth) {
        job->bounds[4 * node] = (uint16_t)begin;
        job->bounds[4 * node + 1] = (uint16_t)(cut.threshold ? middle : begin);
        job->bounds[4 * node + 2] = (uint16_t)middle;
        job->bounds[4 * node + 3] = (uint16_t)end;
    } else if (cut.threshold) {
        const uint32_t leaf = 2 * node - (1u << k->depth);

        job->leaves[leaf] = iforest_leaf(k->depth, middle - begin);
        job->leaves[leaf + 1] = iforest_leaf(k->depth, end - middle);
    }
}

/* Grow so many nodes of the tree that grows. */
static void iforest_grow(const iforest_constants *k, iforest_state *s, uint32_t count)
{
    const iforest_job job = iforest_job_of(k, s);

    for (; count > 0 && s->node != 0; count--) {
        iforest_grow_node(&job, s->node, &s->random);
        if (++s->node >> k->depth) {
            s->node = 0;
            s->oldest = s->oldest + 1 < k->trees ? s->oldest + 1 : 0;
            s->grown += s->grown < k->trees;
        }
    }
}

static int iforest_holds(const void *constants, const void *state)
{
    const iforest_constants *k = constants;
    const iforest_state *s = state;
    const iforest_cut *cuts = tocsin__rows_const_array(&k->rows, state, IFOREST_CUTS);
    const uint16_t *work = tocsin__rows_const_array(&k->rows, state, IFOREST_WORK);
    const uint16_t *bounds = work + k->sample;

    if (s->fill > k->pool || s->fill > s->points || s->grown > k->trees ||
        s->oldest >= k->trees || s->node >> k->depth || (s->node && s->fill < k->sample))
        return 0;
    for (uint32_t i = 0; i < k->trees << k->depth; i++)
        if (cuts[i].code >= k->rows.codes || cuts[i].low > cuts[i].high)
            return 0;
    for (uint32_t i = 0; i < k->sample; i++)
        if (work[i] >= k->pool)
            return 0;
    for (uint32_t i = 1; i >> k->depth == 0; i++)
        if (bounds[2 * i] > bounds[2 * i + 1] || bounds[2 * i + 1] > k->sample)
            return 0;
    return 1;
}

/* ---- Learning --------------------------------------------------------------------- */

static void iforest_keep(const iforest_constants *k, iforest_state *s, const uint16_t *codes)
{
    uint16_t *pool = tocsin__rows_array(&k->rows, s, IFOREST_POOL);
    const double taken = tocsin__min(1, tocsin__max(k->taken, k->pool / (s->points + 1.0)));
    uint32_t place = s->fill;

    if (place == k->pool) {
        if (tocsin__rows_draw(&s->random) >> 32 >= (uint64_t)(taken * 4294967296.0))
            return;
        place = tocsin__rows_below(tocsin__rows_draw(&s->random), k->pool);
    } else {
        s->fill++;
    }
    memcpy(pool + (size_t)place * k->rows.codes, codes, k->rows.codes * sizeof *codes);
}

static void iforest_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                          const tocsin__point *point, const tocsin__reading *reading)
{
    const iforest_constants *k = constants;
    iforest_state *s = state;
    const uint32_t nodes = (1u << k->depth) - 1;
    uint16_t codes[TOCSIN__ROW_CODES_MAX];

    (void)arrays;
    tocsin__rows_code(&k->rows, state, point, codes);
    iforest_keep(k, s, codes);
    s->points += s->points < UINT32_MAX;
    s->since += s->since < UINT32_MAX;
    tocsin__rows_learn(&k->rows, state, point, codes, reading);
    if (s->fill < k->sample)
        return;
    if (s->grown < k->trees) {
        if (s->node == 0)
            iforest_begin(k, s);
        iforest_grow(k, s, nodes);
        return;
    }

    /* A new tree is begun when the last one is done and it is time. */
    const double interval = tocsin__min(k->interval, tocsin__max(1, (double)s->points / k->trees));

    if (s->node == 0 && s->since >= interval)
        iforest_begin(k, s);
    iforest_grow(k, s, (uint32_t)(nodes / interval) + 1);
}

static void iforest_push(const void *constants, void *state, const tocsin__arrays *arrays,
                         const tocsin__point *point, tocsin__reading *reading)
{
    iforest_score(constants, state, arrays, point, reading);
    iforest_learn(constants, state, arrays, point, reading);
}

/* ---- Blame -------------------------------------------------------------------------- */

/* From a point to a cut. */
static inline double iforest_distance(const iforest_cut *cut, const uint16_t *codes)
{
    const double distance = (double)codes[cut->code] - cut->threshold;

    return cut->threshold ? tocsin__abs(distance) : 0;
}

/* One tree's: what it found where the point was set apart, to the cut that did it; what it found where
 * it was not, over the cuts on the way. */
static void iforest_blame(const iforest_constants *k, const iforest_tree *tree,
                          const uint16_t *codes, double *parts)
{
    double together = 1, distances = 0, found;
    uint32_t node = 1;

    for (uint32_t level = 0; level < k->depth; level++) {
        const iforest_cut *cut = &tree->cuts[node];
        const double parted = together * iforest_parted(cut, codes);

        parts[cut->code] += parted * tocsin__max(0, k->top - (level + 1));
        together -= parted;
        distances += iforest_distance(cut, codes);
        node = iforest_child(cut, node, codes);
    }
    found = together * (k->top - tree->leaves[node - (1u << k->depth)] / IFOREST_UNIT);
    if (!(distances > 0) || !(found > 0))
        return;
    node = 1;
    for (uint32_t level = 0; level < k->depth; level++) {
        const iforest_cut *cut = &tree->cuts[node];

        parts[cut->code] += found * iforest_distance(cut, codes) / distances;
        node = iforest_child(cut, node, codes);
    }
}

static const uint16_t *iforest_nearest(const iforest_constants *k, const void *state,
                                       const uint16_t *codes)
{
    const uint16_t *pool = tocsin__rows_const_array(&k->rows, state, IFOREST_POOL);
    const uint16_t *nearest = NULL;
    uint64_t least = UINT64_MAX;

    for (uint32_t i = 0; i < ((const iforest_state *)state)->fill; i++) {
        uint64_t distance = 0;

        for (uint32_t c = 0; c < k->rows.codes; c++)
            distance += (uint64_t)(codes[c] > pool[c] ? codes[c] - pool[c] : pool[c] - codes[c]);
        if (distance < least) {
            least = distance;
            nearest = pool;
        }
        pool += k->rows.codes;
    }
    return nearest;
}

static void iforest_share(const void *constants, const void *state, const tocsin__arrays *arrays,
                          const tocsin__point *point, tocsin__reading *reading)
{
    const iforest_constants *k = constants;
    uint16_t codes[TOCSIN__ROW_CODES_MAX];
    double parts[TOCSIN__ROW_CODES_MAX];

    (void)arrays;
    tocsin__rows_code(&k->rows, state, point, codes);
    for (uint32_t i = 0; i < k->rows.codes; i++)
        parts[i] = 0;
    for (uint32_t t = 0; t < k->trees; t++) {
        const iforest_tree tree = iforest_tree_of(k, state, t);

        iforest_blame(k, &tree, codes, parts);
    }
    tocsin__rows_share(&k->rows, state, point, codes, parts,
                       point->shares ? iforest_nearest(k, state, codes) : NULL, reading);
}

static const char *const iforest_channels[] = {"isolation", "distance", "change"};

const tocsin__stage tocsin__stage_iforest = {
    .name = "iforest",
    .summary = "isolation forest of rolling trees: how few cuts set a point with several metrics apart",
    .reference = "Liu, Ting, Zhou 2008; Leveni et al. 2024",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = TOCSIN__ROWS_VIEWS,
    .revision = 1,
    .oldest_revision = 1,
    .params = iforest_params,
    .param_count = TOCSIN__COUNT(iforest_params),
    .constants_size = sizeof(iforest_constants),
    .layout = {sizeof(iforest_state), iforest_fields, TOCSIN__COUNT(iforest_fields)},
    .resolve = iforest_resolve,
    .warmup = iforest_warmup,
    .init = iforest_init,
    .channel_names = iforest_channels,
    .score = iforest_score,
    .learn = iforest_learn,
    .push = iforest_push,
    .share = iforest_share,
    .holds = iforest_holds,
    .band = tocsin__rows_band,
};
