/* grow.c - fitting an isolation forest.
 *
 * Model.  Liu, Ting, Zhou, "Isolation Forest", ICDM 2008, and "Isolation-Based Anomaly Detection",
 * TKDD 6(1), 2012.  Each tree draws `sample` rows without replacement (Floyd's algorithm) and grows
 * from the root, left before right:
 *
 *     a node of n <= 2 rows, or at the depth limit, or whose rows are equal, is a leaf;
 *     else draw a metric that is not constant in the node, draw a threshold uniformly between
 *     its minimum and maximum there, and send rows with value >= threshold to the right.
 *
 * A leaf's depth is its level plus c(n), the mean depth of a random binary search tree of n points:
 *
 *     c(n) = 2 H(n-1) - 2 (n-1) / n,   H the harmonic numbers, c(1) = 0, c(2) = 1
 *
 * (the paper approximates H by a logarithm; it is summed here).  A node of two rows need not be
 * cut: both would end one level below, and c(2) = 1 says the same.
 *
 * Mixed cuts (Hariri, Carrasco Kind, Brunner, "Extended Isolation Forest", TKDE 33(4), 2021) draw
 * several metrics, weights from a standard normal distribution over each metric's range in
 * the node, so that no unit of measurement counts, and a threshold between the least and the
 * largest weighted sum.  The weight that is largest by amount divides all, threshold included, and
 * so is 1.  Where the sums are all equal, the first metric drawn is cut alone.
 *
 * Values are cut as floats that count from the metric's median over a sample of rows, in units of a
 * power of two that their spread decides: what is missing lies at the median, and 24 bits tell
 * values apart at any offset and scale.
 *
 * Randomness.  SplitMix64 (Steele, Lea, Flood 2014), one stream per tree, keyed by the seed and the
 * tree's number: no tree depends on another.  Metrics that turn out to be constant in a node are
 * put behind the candidates for all of its branch, so that a thousand idle metrics cost once per
 * branch and not once per cut.  Reading a value costs more than anything else here; a node reads
 * its own rows of the metrics it cuts, once.
 *
 * Cost.  O(trees * sample * depth), for any number of rows.  Scratch is two blocks.
 *
 * How it fails.  Cuts of one metric are parallel to the axes: what is unusual only as a
 * combination of metrics hides, and ghosts of clusters appear where rows and columns of them
 * cross; mixed cuts see it.
 */
#include "forest.h"

#include <float.h>

#include "../core/alloc.h"
#include "../num/mathx.h"

#define GROW_TYPICAL_ROWS 255u      /* rows that a metric's median is taken of */
#define GROW_EXPONENT_MAX 1000      /* of scales */
#define GROW_SEEN_SPARSE 16u        /* places in the hash table per row, for hardly any to collide */

typedef struct grow_state {
    const tocsin__matrix *matrix;
    const tocsin__kernels *kernels;
    tocsin__forest_plan plan;
    uint64_t rng;
    uint64_t rows;
    uint32_t tree;
    uint32_t seen_bits;
    /* Scratch. */
    uint32_t *seen;                 /* a hash table of the rows drawn, each plus 1; 2^seen_bits */
    uint32_t *row[2];               /* the sample, as the nodes of a level share it out: even levels,
                                       odd ones */
    double *raw;                    /* a metric's values in a node, */
    float *value;                   /* and standardised: of each metric that it cuts */
    double *typical;
    uint32_t *candidate;            /* a permutation of the metrics */
} grow_state;

/* ---- Randomness ---------------------------------------------------------------- */

static uint64_t grow_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t grow_random(grow_state *state)
{
    return grow_mix(state->rng += UINT64_C(0x9e3779b97f4a7c15));
}

/* 0 .. bound-1, bound <= 2^32. */
static uint32_t grow_below(grow_state *state, uint64_t bound)
{
    return (uint32_t)((grow_random(state) >> 32) * bound >> 32);
}

/* The stream of a tree; that behind the last is for what is typical of the metrics. */
static void grow_begin(grow_state *state, uint32_t tree)
{
    state->tree = tree;
    state->rng = grow_mix(grow_mix(state->plan.seed) + tree);
    for (uint32_t f = 0; f < state->plan.columns; f++)
        state->candidate[f] = f;
}

/* Strictly between 0 and 1. */
static double grow_uniform(grow_state *state)
{
    return ((double)(grow_random(state) >> 12) + 0.5) * 0x1p-52;
}

/* Marsaglia's polar method; of its two numbers one. */
static double grow_normal(grow_state *state)
{
    for (;;) {
        const double x = 2 * grow_uniform(state) - 1, y = 2 * grow_uniform(state) - 1;
        const double square = x * x + y * y;

        if (square < 1)
            return x * tocsin__sqrt(-2 * tocsin__log(square) / square);
    }
}

/* ---- Rows ------------------------------------------------------------------------ */

/* Note a row as drawn; 0 if it was already. */
static int grow_note(grow_state *state, uint32_t row)
{
    const uint32_t mask = (1u << state->seen_bits) - 1;
    uint32_t at = row * UINT32_C(0x9e3779b1) >> (32 - state->seen_bits);

    for (; state->seen[at] != 0; at = (at + 1) & mask)
        if (state->seen[at] == row + 1)
            return 0;
    state->seen[at] = row + 1;
    return 1;
}

/* `count` different rows, each set of them equally likely. */
static void grow_draw(grow_state *state, uint32_t count)
{
    uint32_t *const row = state->row[0];

    if (state->rows == count) {
        for (uint32_t k = 0; k < count; k++)
            row[k] = k;
        return;
    }
    memset(state->seen, 0, sizeof *state->seen << state->seen_bits);
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t last = (uint32_t)(state->rows - count + k);

        row[k] = grow_below(state, (uint64_t)last + 1);
        if (!grow_note(state, row[k])) {
            row[k] = last;
            grow_note(state, last);
        }
    }
}

static size_t grow_padded(size_t count)
{
    return (count + TOCSIN__FOREST_STEP - 1) / TOCSIN__FOREST_STEP * TOCSIN__FOREST_STEP;
}

/* A metric's values in some rows, standardised; behind them the last one is repeated. */
static tocsin__forest_range grow_read(const grow_state *state, uint32_t feature,
                                      const uint32_t *row, uint32_t count, float *value)
{
    const tocsin__matrix *const matrix = state->matrix;
    const tocsin__forest_view view = state->plan.views[feature];
    const int64_t start = feature * matrix->column_stride, stride = matrix->row_stride;
    double *const raw = state->raw;

    if (matrix->is_float) {
        const float *const values = (const float *)matrix->values;

        for (uint32_t k = 0; k < count; k++)
            raw[k] = (double)values[row[k] * stride + start];
    } else {
        const double *const values = (const double *)matrix->values;

        for (uint32_t k = 0; k < count; k++)
            raw[k] = values[row[k] * stride + start];
    }
    for (size_t k = 0; k < TOCSIN__FOREST_STEP; k++)
        raw[count + k] = raw[count - 1];
    return state->kernels->forest_z(view.scale, view.shift, raw, grow_padded(count), value);
}

static tocsin__forest_range grow_range_of(const float *value, uint32_t count)
{
    tocsin__forest_range range = {value[0], value[0]};

    for (uint32_t k = 1; k < count; k++) {
        range.low = value[k] < range.low ? value[k] : range.low;
        range.high = value[k] > range.high ? value[k] : range.high;
    }
    return range;
}

/* The middle one of `count` values, by Hoare's selection. */
static double grow_median(double *value, uint32_t count)
{
    const uint32_t middle = count / 2;
    uint32_t low = 0, high = count - 1;

    while (low < high) {
        const double pivot = value[low + (high - low) / 2];
        uint32_t i = low, j = high;

        for (;;) {
            while (value[i] < pivot)
                i++;
            while (value[j] > pivot)
                j--;
            if (i >= j)
                break;
            const double swapped = value[i];
            value[i++] = value[j];
            value[j--] = swapped;
        }
        if (middle <= j)
            high = j;
        else
            low = j + 1;
    }
    return value[middle];
}

/* The power of two at or below a positive number, by its exponent. */
static int grow_exponent(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (int)(bits >> 52 & 0x7ff) - 1023;
}

static double grow_power(int exponent)
{
    const uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double power;

    memcpy(&power, &bits, sizeof power);
    return power;
}

/* How a metric with these values is seen: the median at 0, and the most distant value, or else the
 * median itself, about 1 away. */
static tocsin__forest_view grow_view(double *value, uint32_t count)
{
    const double middle = count > 0 ? grow_median(value, count) + 0.0 : 0;
    double reach = 0;
    int exponent = 0;
    tocsin__forest_view view;

    for (uint32_t k = 0; k < count; k++)
        reach = tocsin__max(reach, tocsin__abs(value[k] / 2 - middle / 2));
    if (reach == 0)
        reach = tocsin__abs(middle / 2);
    if (reach > 0)
        exponent = grow_exponent(reach) + 1;
    if (exponent > GROW_EXPONENT_MAX)
        exponent = GROW_EXPONENT_MAX;
    if (exponent < -GROW_EXPONENT_MAX)
        exponent = -GROW_EXPONENT_MAX;
    view.scale = grow_power(-exponent);
    view.shift = middle * view.scale;
    return view;
}

static void grow_views(grow_state *state)
{
    const uint32_t sample = state->plan.sample;
    const uint32_t count = sample < GROW_TYPICAL_ROWS ? sample : GROW_TYPICAL_ROWS;

    grow_draw(state, count);
    for (uint32_t f = 0; f < state->plan.columns; f++) {
        uint32_t known = 0;

        for (uint32_t k = 0; k < count; k++) {
            const double value = tocsin__matrix_at(state->matrix, state->row[0][k], f);

            if (!tocsin__is_nan(value))
                state->typical[known++] = tocsin__clamp(value, -DBL_MAX, DBL_MAX);
        }
        state->plan.views[f] = grow_view(state->typical, known);
    }
}

/* ---- Trees ------------------------------------------------------------------------ */

/* What a cut compares, and between which values. */
typedef struct grow_side {
    uint32_t chosen;                        /* metrics */
    uint32_t feature[TOCSIN__FOREST_MIX_MAX];
    float weight[TOCSIN__FOREST_MIX_MAX];   /* the first one's is 1 */
    tocsin__forest_range range[TOCSIN__FOREST_MIX_MAX];
} grow_side;

/* Draw metrics that are not constant in a node of `count` rows, and read them. */
static void grow_choose(grow_state *state, const uint32_t *row, uint32_t count, uint32_t *live,
                        grow_side *side)
{
    uint32_t *const candidate = state->candidate;

    side->chosen = 0;
    while (side->chosen < state->plan.mix && side->chosen < *live) {
        const uint32_t k = side->chosen, at = k + grow_below(state, *live - k);
        const uint32_t feature = candidate[at];
        float *const value = state->value + k * grow_padded(state->plan.sample);

        side->range[k] = grow_read(state, feature, row, count, value);
        if (side->range[k].low < side->range[k].high) {
            candidate[at] = candidate[k];
            candidate[k] = feature;
            side->feature[side->chosen++] = feature;
        } else {
            --*live;
            candidate[at] = candidate[*live];
            candidate[*live] = feature;
        }
    }
}

/* Weigh a mixed cut's metrics: their sums take the place of the first metric's values. */
static void grow_weigh(grow_state *state, uint32_t count, grow_side *side)
{
    const size_t padded = grow_padded(state->plan.sample);
    double weight[TOCSIN__FOREST_MIX_MAX];
    float *const sum = state->value + side->chosen * padded;
    uint32_t first = 0;

    for (uint32_t k = 0; k < side->chosen; k++) {
        weight[k] = grow_normal(state) /
                    ((double)side->range[k].high - (double)side->range[k].low);
        if (tocsin__abs(weight[k]) > tocsin__abs(weight[first]))
            first = k;
    }
    for (uint32_t i = 0; i < count; i++)
        sum[i] = state->value[first * padded + i];
    for (uint32_t k = 0; k < side->chosen; k++) {
        side->weight[k] = (float)(weight[k] / weight[first]);
        for (uint32_t i = 0; k != first && i < count; i++)
            sum[i] += side->weight[k] * state->value[k * padded + i];
    }

    const tocsin__forest_range range = grow_range_of(sum, count);

    if (range.low < range.high) {
        const uint32_t feature = side->feature[first];

        /* The first one moves to the front; the others keep their order. */
        for (uint32_t k = first; k > 0; k--) {
            side->feature[k] = side->feature[k - 1];
            side->weight[k] = side->weight[k - 1];
        }
        side->feature[0] = feature;
        side->range[0] = range;
        memcpy(state->value, sum, count * sizeof *sum);
    } else {
        side->chosen = 1;
    }
}

static void grow_cut(grow_state *state, uint32_t node, const grow_side *side, float threshold)
{
    const uint32_t mix = state->plan.mix;
    const uint32_t cut = tocsin__forest_plan_cut(&state->plan, state->tree, node,
                                                 side->feature[0], threshold);

    for (uint32_t k = 0; mix > 1 && k < mix; k++) {
        const int is_there = k < side->chosen;

        state->plan.columns_of[(size_t)cut * mix + k] =
            (uint16_t)side->feature[is_there ? k : 0];
        if (k > 0)
            state->plan.weights[(size_t)cut * (mix - 1) + k - 1] = is_there ? side->weight[k] : 0;
    }
}

/* How many of a node's rows are left of its cut. */
static uint32_t grow_count_left(const grow_state *state, uint32_t count, float threshold)
{
    uint32_t left = 0;

    for (uint32_t k = 0; k < count; k++)
        left += state->value[k] < threshold;
    return left;
}

/* Send the rows left of a node's cut to the beginning of its part of the next level, and those right
 * of it to the end; returns where the ones end and the others begin. */
static uint32_t grow_split(const grow_state *state, uint32_t begin, uint32_t end, uint32_t level,
                           float threshold)
{
    const uint32_t *const from = state->row[level % 2] + begin;
    uint32_t *const to = state->row[(level + 1) % 2];
    uint32_t left = begin, right = end;

    for (uint32_t k = 0; k < end - begin; k++) {
        const uint32_t is_left = state->value[k] < threshold;

        to[left] = to[right - 1] = from[k];
        left += is_left;
        right -= 1 - is_left;
    }
    return left;
}

/* A threshold uniformly between what a cut compares in its node. */
static float grow_threshold(grow_state *state, tocsin__forest_range range)
{
    const double u = grow_uniform(state);
    const float threshold = (float)((double)range.low * (1 - u) + (double)range.high * u) + 0.0f;

    return threshold > range.low && threshold <= range.high ? threshold : range.high + 0.0f;
}

/* The node over [begin, end) of its level's rows, `live` metrics not being known as constant there.
 * What is at the depth limit needs no rows, but their number.  Recursion is as deep as the tree. */
static void grow_node(grow_state *state, uint32_t begin, uint32_t end, uint32_t node,
                      uint32_t level, uint32_t live)
{
    const uint32_t count = end - begin;
    grow_side side;

    side.chosen = 0;
    if (count > 2 && level < state->plan.depth)
        grow_choose(state, state->row[level % 2] + begin, count, &live, &side);
    if (side.chosen == 0) {
        tocsin__forest_plan_leaf(&state->plan, state->tree, node, level, count);
        return;
    }
    if (side.chosen > 1)
        grow_weigh(state, count, &side);

    const float threshold = grow_threshold(state, side.range[0]);
    const uint32_t middle = level + 1 < state->plan.depth
                                ? grow_split(state, begin, end, level, threshold)
                                : begin + grow_count_left(state, count, threshold);

    grow_cut(state, node, &side, threshold);
    grow_node(state, begin, middle, 2 * node, level + 1, live);
    grow_node(state, middle, end, 2 * node + 1, level + 1, live);
}

int tocsin__forest_fit(tocsin_forest **out, const tocsin_forest_options *options,
                       const tocsin__matrix *matrix, uint64_t rows, uint32_t columns,
                       const tocsin_allocator *allocator)
{
    grow_state state;

    memset(&state, 0, sizeof state);
    state.matrix = matrix;
    state.kernels = tocsin__kernels_in_use();
    state.rows = rows;
    state.plan.seed = options->seed;
    state.plan.trees = options->trees;
    state.plan.sample = rows < options->sample ? (uint32_t)rows : options->sample;
    state.plan.depth = options->depth;
    state.plan.columns = columns;
    state.plan.mix = options->mix;
    state.plan.heap_depth =
        options->depth < TOCSIN__FOREST_DEPTH ? TOCSIN__FOREST_DEPTH : options->depth;

    /* A tree of n rows has fewer than n cuts, and than nodes in its heap. */
    const uint32_t nodes = 1u << options->depth;
    state.plan.cut_most = (size_t)options->trees *
                          (state.plan.sample < nodes ? state.plan.sample : nodes);

    const size_t sample = state.plan.sample;
    while ((size_t)1 << state.seen_bits < GROW_SEEN_SPARSE * sample)
        state.seen_bits++;

    size_t bytes = 0;
    const size_t seen_at =
        tocsin__forest_part(&bytes, (size_t)1 << state.seen_bits, sizeof *state.seen);
    const size_t even_at = tocsin__forest_part(&bytes, sample, sizeof *state.row[0]);
    const size_t odd_at = tocsin__forest_part(&bytes, sample, sizeof *state.row[1]);
    const size_t raw_at = tocsin__forest_part(&bytes, sample + TOCSIN__FOREST_STEP, sizeof *state.raw);
    const size_t value_at = tocsin__forest_part(&bytes, grow_padded(sample) * (state.plan.mix + 1),
                                                sizeof *state.value);
    const size_t typical_at = tocsin__forest_part(&bytes, GROW_TYPICAL_ROWS, sizeof(double));
    const size_t candidate_at = tocsin__forest_part(&bytes, columns, sizeof *state.candidate);

    char *const scratch = tocsin__alloc(allocator, bytes, 64);
    if (!scratch)
        return TOCSIN_ERROR_MEMORY;
    int status = tocsin__forest_plan_start(&state.plan, allocator);
    if (status == TOCSIN_OK) {
        state.seen = (uint32_t *)(void *)(scratch + seen_at);
        state.row[0] = (uint32_t *)(void *)(scratch + even_at);
        state.row[1] = (uint32_t *)(void *)(scratch + odd_at);
        state.raw = (double *)(void *)(scratch + raw_at);
        state.value = (float *)(void *)(scratch + value_at);
        state.typical = (double *)(void *)(scratch + typical_at);
        state.candidate = (uint32_t *)(void *)(scratch + candidate_at);

        grow_begin(&state, options->trees);
        grow_views(&state);
        for (uint32_t tree = 0; tree < options->trees; tree++) {
            grow_begin(&state, tree);
            grow_draw(&state, state.plan.sample);
            grow_node(&state, 0, state.plan.sample, 1, 0, columns);
        }
        status = tocsin__forest_assemble(out, &state.plan, allocator);
        tocsin__forest_plan_free(&state.plan, allocator);
    }
    tocsin__free(allocator, scratch, bytes);
    return status;
}
