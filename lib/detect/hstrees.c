/* hstrees.c - half-space trees: how dense is it where this point lies?
 *
 * Model
 * -----
 * A tree halves the space again and again: each of its nodes picks a metric (or a lag of one) at
 * random and cuts the node's range of it in the middle.  The cuts are drawn before any data is
 * seen and never change; what changes is how much of the data falls into each node, its mass.  A
 * point goes down a tree to the first node that holds little (a tenth of all) or to a leaf; its
 * mass times 2^depth is the density there.  With S the mean of that over the trees, as a share of
 * the whole,
 *
 *     statistic, channel 0 "rarity" = max(0, depth - log2(S) - usual),    in bits
 *
 * where `usual` is the exponentially weighted mean of the same over the points before.
 *
 * Tan, Ting and Liu rank by S itself, which gives the same order.  An empty node counts as a quarter
 * of the smallest mass that can be told from none, so that points far out differ by where the tree
 * runs out of data.
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
 * that is positive, and the metric that was cut is to blame for them.
 *
 * Reference: Tan, Ting, Liu 2011, "Fast anomaly detection for streaming data".
 *
 * Cost: trees * depth steps of two loads and a comparison to score and again to learn; once in a
 * window a pass over all masses.  8 bytes per node: 76 KB for 25 trees of depth 8.
 *
 * How it fails.  With many more metrics than levels a tree looks at few of them, and an anomaly in
 * one metric alone is seen by few trees: take more trees, or a forest that draws its cuts from the
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

enum { HSTREES_CUTS = TOCSIN__ROWS_ARRAYS, HSTREES_MASSES, HSTREES_LATEST };

typedef struct {
    tocsin__rows rows;
    double gain;                /* of a window */
    uint64_t seed;
    uint32_t trees, depth;
    uint32_t window;
    uint32_t reserved;
} hstrees_constants;

typedef struct {
    uint32_t count;             /* points of the window that is filling */
    uint32_t windows;           /* full ones; 2: two or more */
    uint32_t judged;            /* points that were */
    uint32_t spare;
    double usual;               /* mean of what was found */
} hstrees_state;

static const tocsin__field hstrees_fields[] = {
    TOCSIN__FIELD(hstrees_state, count, U32, 0, UINT16_MAX),
    TOCSIN__FIELD(hstrees_state, windows, U32, 0, 2),
    TOCSIN__FIELD(hstrees_state, judged, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(hstrees_state, spare, U32, 0, 0),
    TOCSIN__FIELD(hstrees_state, usual, F64, -100, 100),
    TOCSIN__ROWS_FIELDS,
    TOCSIN__ARRAY("cut", U32, HSTREES_CUTS, 0, UINT32_MAX),     /* code's index << 16 | threshold */
    TOCSIN__ARRAY("mass", U16, HSTREES_MASSES, 0, HSTREES_WHOLE),
    TOCSIN__ARRAY("latest", U16, HSTREES_LATEST, 0, UINT16_MAX),
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
    shape->length[HSTREES_CUTS] = k->trees << k->depth;
    shape->length[HSTREES_MASSES] = shape->length[HSTREES_LATEST] = k->trees << (k->depth + 1);
    tocsin__rows_place(&k->rows, &hstrees_layout, shape);
    return TOCSIN_OK;
}

static size_t hstrees_warmup(const void *constants)
{
    return ((const hstrees_constants *)constants)->window;
}

/* ---- The trees --------------------------------------------------------------
 *
 * Heaps: node i has the children 2i and 2i + 1, the root is node 1.  A tree has 2^depth cuts and
 * twice as many masses; entry 0 of both is not used. */

/* The middle of a range of the work range, in codes: `low` and `high` as shares of it. */
static uint32_t hstrees_threshold(double s, double low, double high)
{
    const double middle = s + 4 * tocsin__max(s, 1 - s) * ((low + high) / 2 - 0.5);

    return (uint32_t)tocsin__clamp(
        TOCSIN__CODE_CENTRE + TOCSIN__CODE_DEVIATION * 8 * (middle - 0.5), 0, 65535);
}

/* The range of a node's metric: that of the root, halved at each ancestor that cuts the same. */
static uint32_t hstrees_cut(const uint32_t *cuts, uint32_t node, uint32_t code, double s)
{
    double low = 0, high = 1;
    uint32_t level = 0;

    while (node >> (level + 1))
        level++;
    for (; level > 0; level--) {
        const double middle = (low + high) / 2;

        if (cuts[node >> level] >> 16 != code)
            continue;
        if (node >> (level - 1) & 1)
            low = middle;
        else
            high = middle;
    }
    return code << 16 | hstrees_threshold(s, low, high);
}

static void hstrees_init(const void *constants, void *state)
{
    const hstrees_constants *k = constants;
    uint32_t *cuts = tocsin__rows_array(&k->rows, state, HSTREES_CUTS);
    uint16_t *recent = tocsin__rows_array(&k->rows, state, TOCSIN__ROWS_RECENT);
    uint64_t random = k->seed;

    for (uint32_t i = 0; i < k->rows.codes - k->rows.metrics; i++)
        recent[i] = TOCSIN__CODE_CENTRE;
    for (uint32_t t = 0; t < k->trees; t++, cuts += (size_t)1 << k->depth) {
        const uint64_t tree = tocsin__rows_draw(&random);

        for (uint32_t node = 1; node >> k->depth == 0; node++) {
            const uint32_t code = tocsin__rows_below(tocsin__rows_mix(tree + node), k->rows.codes);
            const uint64_t draw = tocsin__rows_mix(~tree - code);

            cuts[node] = hstrees_cut(cuts, node, code, (double)(draw >> 11) * 0x1p-53);
        }
    }
}

static int hstrees_holds(const void *constants, const void *state)
{
    const hstrees_constants *k = constants;
    const uint32_t *cuts = tocsin__rows_const_array(&k->rows, state, HSTREES_CUTS);

    for (uint32_t i = 0; i < k->trees << k->depth; i++)
        if (cuts[i] >> 16 >= k->rows.codes)
            return 0;
    return 1;
}

static inline uint32_t hstrees_child(const uint32_t *cuts, uint32_t node, const uint16_t *codes)
{
    const uint32_t cut = cuts[node];

    return 2 * node + (codes[cut >> 16] >= (cut & 0xffff));
}

/* The density where the point is, as a share of the whole times 2^depth. */
static double hstrees_density(const hstrees_constants *k, const void *state,
                              const uint16_t *codes)
{
    const uint32_t *cuts = tocsin__rows_const_array(&k->rows, state, HSTREES_CUTS);
    const uint16_t *masses = tocsin__rows_const_array(&k->rows, state, HSTREES_MASSES);
    uint64_t sum = 0;

    for (uint32_t t = 0; t < k->trees; t++) {
        uint32_t node = 1, level = 0;

        for (; level < k->depth && masses[node] > HSTREES_LITTLE; level++)
            node = hstrees_child(cuts, node, codes);
        sum += (masses[node] ? (uint64_t)4 * masses[node] : 1) << level;
        cuts += (size_t)1 << k->depth;
        masses += (size_t)2 << k->depth;
    }
    return (double)sum / (4.0 * HSTREES_WHOLE * k->trees);
}

static void hstrees_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                          const tocsin__point *point, tocsin__reading *reading)
{
    const hstrees_constants *k = constants;
    const hstrees_state *s = state;
    uint16_t codes[TOCSIN__ROW_CODES_MAX];

    (void)arrays;
    if (s->windows == 0) {
        tocsin__rows_warming(reading);
        return;
    }
    tocsin__rows_code(&k->rows, state, point, codes, reading);
    tocsin__rows_say(reading, k->depth - tocsin__log2(hstrees_density(k, state, codes)),
                     s->usual);
    reading->confidence = s->windows < 2 ? 0.5 : 1;
}

/* ---- Learning ------------------------------------------------------------------ */

/* The window is full. */
static TOCSIN__APART void hstrees_turn(const hstrees_constants *k, hstrees_state *s)
{
    uint16_t *masses = tocsin__rows_array(&k->rows, s, HSTREES_MASSES);
    uint16_t *latest = tocsin__rows_array(&k->rows, s, HSTREES_LATEST);
    const uint32_t count = k->trees << (k->depth + 1);
    const int32_t gain = s->windows ? (int32_t)(k->gain * 65536) : 65536;
    const double whole = (double)HSTREES_WHOLE / s->count;

    for (uint32_t i = 0; i < count; i++) {
        const int32_t mass = masses[i];
        const int32_t target = (int32_t)(latest[i] * whole + 0.5);
        const int64_t move = (int64_t)(target - mass) * gain;

        /* Rounded away from where it is: or small differences would never be made up. */
        masses[i] = (uint16_t)(mass + (move >= 0 ? (move + 65535) / 65536
                                                 : -((65535 - move) / 65536)));
        latest[i] = 0;
    }
    s->count = 0;
    s->windows += s->windows < 2;
}

static void hstrees_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                          const tocsin__point *point, const tocsin__reading *reading)
{
    const hstrees_constants *k = constants;
    hstrees_state *s = state;
    const uint32_t *cuts = tocsin__rows_array(&k->rows, state, HSTREES_CUTS);
    uint16_t *latest = tocsin__rows_array(&k->rows, state, HSTREES_LATEST);
    uint16_t codes[TOCSIN__ROW_CODES_MAX];
    tocsin__reading unused = *reading;

    (void)arrays;
    tocsin__rows_get_used(&k->rows, reading, &s->usual, &s->judged);
    tocsin__rows_code(&k->rows, state, point, codes, &unused);
    for (uint32_t t = 0; t < k->trees; t++) {
        uint32_t node = 1;

        latest[1]++;
        for (uint32_t level = 0; level < k->depth; level++) {
            node = hstrees_child(cuts, node, codes);
            latest[node]++;
        }
        cuts += (size_t)1 << k->depth;
        latest += (size_t)2 << k->depth;
    }
    tocsin__rows_learn(&k->rows, state, point, codes);
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
    const uint32_t *cuts = tocsin__rows_const_array(&k->rows, state, HSTREES_CUTS);
    const uint16_t *masses = tocsin__rows_const_array(&k->rows, state, HSTREES_MASSES);
    uint16_t codes[TOCSIN__ROW_CODES_MAX];
    double parts[TOCSIN__ROW_CODES_MAX];

    (void)arrays;
    tocsin__rows_code(&k->rows, state, point, codes, reading);
    for (uint32_t i = 0; i < k->rows.codes; i++)
        parts[i] = 0;
    for (uint32_t t = 0; t < k->trees; t++) {
        uint32_t node = 1;

        for (uint32_t level = 0; level < k->depth && masses[node] > HSTREES_LITTLE; level++) {
            const uint32_t child = hstrees_child(cuts, node, codes);
            const double mass = masses[child] ? masses[child] : 0.25;
            const double lost = tocsin__log2(masses[node] / (2 * mass));

            parts[cuts[node] >> 16] += tocsin__max(lost, 0);
            node = child;
        }
        cuts += (size_t)1 << k->depth;
        masses += (size_t)2 << k->depth;
    }
    tocsin__rows_share(&k->rows, state, point, codes, parts, NULL, reading);
}

static const char *const hstrees_channels[] = {"rarity"};

const tocsin__stage tocsin__stage_hstrees = {
    .name = "hstrees",
    .summary = "half-space trees: how dense the space is around a point with several metrics",
    .reference = "Tan, Ting, Liu 2011",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = 1,
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
