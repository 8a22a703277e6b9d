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
 * Randomness.  SplitMix64 (Steele, Lea, Flood 2014), one stream per tree, keyed by the seed and the
 * tree's number: no tree depends on another.  Metrics that turn out to be constant in a node are
 * put behind the candidates for all of its branch, so that a thousand idle metrics cost once per
 * branch and not once per cut.  Reading a value costs more than anything else here; a node reads
 * its own rows of one metric, once.
 *
 * After growing, cuts are sorted by metric and threshold, by radix, and numbered; forest.h tells
 * what the numbers are for.  A grid over each metric's thresholds tells a value's number in a few
 * comparisons (lib/num/kernels.h).
 *
 * Cost.  O(trees * sample * depth), for any number of rows.  All scratch is one block.
 *
 * How it fails.  Cuts are parallel to the axes: what is unusual only as a combination of metrics
 * hides, and ghosts of clusters appear where rows and columns of them cross (Hariri 2019).
 */
#include "forest.h"

#include <float.h>

#include "../core/alloc.h"

#define GROW_MISSING_ROWS 255u      /* rows that a metric's typical value is taken of */
#define GROW_DIGIT_BITS 11u
#define GROW_DIGITS 6u              /* of 64 bits */
#define GROW_DIGIT_VALUES (1u << GROW_DIGIT_BITS)

/* A cut: its threshold, as an unsigned number of the same order, and whose it is. */
typedef struct grow_cut {
    uint64_t key;
    uint32_t node;                  /* tree << heap_depth | place in the heap */
    uint32_t feature;
} grow_cut;

typedef struct grow_state {
    const tocsin__matrix *matrix;
    uint64_t rng;
    uint64_t rows;
    uint32_t columns, sample, depth, heap_depth;
    uint32_t leaf_max;              /* the largest leaf so far */
    uint32_t cut_count;
    uint32_t tree;
    /* Scratch. */
    uint64_t *seen;                 /* a hash table of the rows drawn: (tree + 1) << 32 | row */
    uint32_t seen_mask;
    uint32_t *row, *spare;          /* the sample; each node has a part of it */
    double *value;
    uint32_t *candidate;            /* a permutation of the metrics */
    double *missing;
    uint16_t *leaf_depth;           /* c(n) in 256ths */
    uint16_t *leaves;
    grow_cut *cuts, *sorted;
    uint32_t *digits;
    uint32_t *by_feature;
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

/* The stream of a tree; that behind the last is for the metrics' typical values. */
static void grow_begin(grow_state *state, uint64_t seed, uint32_t tree)
{
    state->tree = tree;
    state->rng = grow_mix(grow_mix(seed) + tree);
    for (uint32_t f = 0; f < state->columns; f++)
        state->candidate[f] = f;
}

/* Strictly between 0 and 1. */
static double grow_uniform(grow_state *state)
{
    return ((double)(grow_random(state) >> 12) + 0.5) * 0x1p-52;
}

/* ---- Rows ------------------------------------------------------------------------ */

/* Note a row as drawn for this tree; 0 if it was already. */
static int grow_note(grow_state *state, uint32_t row)
{
    const uint64_t entry = ((uint64_t)state->tree + 1) << 32 | row;
    uint32_t at = (uint32_t)(grow_mix(row) & state->seen_mask);

    while (state->seen[at] >> 32 == entry >> 32) {
        if (state->seen[at] == entry)
            return 0;
        at = (at + 1) & state->seen_mask;
    }
    state->seen[at] = entry;
    return 1;
}

/* `count` different rows, each set of them equally likely. */
static void grow_draw(grow_state *state, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t last = (uint32_t)(state->rows - count + k);

        if (state->rows == count) {
            state->row[k] = k;
            continue;
        }
        state->row[k] = grow_below(state, (uint64_t)last + 1);
        if (!grow_note(state, state->row[k])) {
            state->row[k] = last;
            grow_note(state, last);
        }
    }
}

static double grow_tame(double value, double missing)
{
    value = value != value ? missing : value;
    value = value > DBL_MAX ? DBL_MAX : value;
    return value < -DBL_MAX ? -DBL_MAX : value;
}

/* A metric's values in some rows. */
static void grow_read(const grow_state *state, uint32_t feature, const uint32_t *row,
                      uint32_t count)
{
    const tocsin__matrix *const matrix = state->matrix;
    const int64_t start = feature * matrix->column_stride;
    const int64_t stride = matrix->row_stride;
    const double missing = state->missing[feature];

    if (matrix->is_float) {
        const float *const values = (const float *)matrix->values;

        for (uint32_t k = 0; k < count; k++)
            state->value[k] = grow_tame((double)values[row[k] * stride + start], missing);
    } else {
        const double *const values = (const double *)matrix->values;

        for (uint32_t k = 0; k < count; k++)
            state->value[k] = grow_tame(values[row[k] * stride + start], missing);
    }
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

/* What a NaN counts as, for every metric: 0 where nothing else is known. */
static void grow_missing(grow_state *state)
{
    const uint32_t count =
        state->sample < GROW_MISSING_ROWS ? state->sample : GROW_MISSING_ROWS;

    grow_draw(state, count);
    for (uint32_t f = 0; f < state->columns; f++) {
        uint32_t known = 0;

        for (uint32_t k = 0; k < count; k++) {
            const double value = tocsin__matrix_at(state->matrix, state->row[k], f);

            if (!tocsin__is_nan(value))
                state->value[known++] = grow_tame(value, 0);
        }
        state->missing[f] = known > 0 ? grow_median(state->value, known) + 0.0 : 0;
    }
}

/* ---- Trees ------------------------------------------------------------------------ */

static uint64_t grow_key(double value)
{
    const uint64_t sign = UINT64_C(1) << 63;
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits & sign ? ~bits : bits | sign;
}

static double grow_of_key(uint64_t key)
{
    const uint64_t sign = UINT64_C(1) << 63;
    const uint64_t bits = key & sign ? key ^ sign : ~key;
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Minimum and maximum, as four of each, for their latencies to overlap. */
static void grow_range(const double *value, uint32_t count, double *low, double *high)
{
    double lows[4], highs[4];
    uint32_t k = 0;

    for (int j = 0; j < 4; j++)
        lows[j] = highs[j] = value[0];
    for (; k + 4 <= count; k += 4)
        for (uint32_t j = 0; j < 4; j++) {
            lows[j] = value[k + j] < lows[j] ? value[k + j] : lows[j];
            highs[j] = value[k + j] > highs[j] ? value[k + j] : highs[j];
        }
    for (; k < count; k++) {
        lows[0] = value[k] < lows[0] ? value[k] : lows[0];
        highs[0] = value[k] > highs[0] ? value[k] : highs[0];
    }
    for (int j = 1; j < 4; j++) {
        lows[0] = lows[j] < lows[0] ? lows[j] : lows[0];
        highs[0] = highs[j] > highs[0] ? highs[j] : highs[0];
    }
    *low = lows[0];
    *high = highs[0];
}

/* All leaves below a node of the heap. */
static void grow_leaf(grow_state *state, uint32_t node, uint32_t level, uint32_t count)
{
    const uint32_t below = state->heap_depth - level;
    const uint16_t depth = (uint16_t)(level * 256 + state->leaf_depth[count]);
    uint16_t *const leaves = state->leaves + ((size_t)state->tree << state->heap_depth) +
                             ((node - (1u << level)) << below);

    for (uint32_t k = 0; k < 1u << below; k++)
        leaves[k] = depth;
    if (depth > state->leaf_max)
        state->leaf_max = depth;
}

/* The node over rows [begin, end), `live` metrics not being known as constant there.  Recursion is
 * as deep as the tree. */
static void grow_node(grow_state *state, uint32_t begin, uint32_t end, uint32_t node,
                      uint32_t level, uint32_t live)
{
    const uint32_t count = end - begin;
    double low = 0, high = 0;
    uint32_t feature = 0;

    if (count <= 2 || level == state->depth) {
        grow_leaf(state, node, level, count);
        return;
    }
    for (;;) {
        if (live == 0) {
            grow_leaf(state, node, level, count);
            return;
        }
        const uint32_t at = grow_below(state, live);

        feature = state->candidate[at];
        grow_read(state, feature, state->row + begin, count);
        grow_range(state->value, count, &low, &high);
        if (low < high)
            break;
        live--;
        state->candidate[at] = state->candidate[live];
        state->candidate[live] = feature;
    }

    const double u = grow_uniform(state);
    double threshold = low * (1 - u) + high * u + 0.0;

    if (!(threshold > low && threshold <= high))
        threshold = high + 0.0;
    state->cuts[state->cut_count].key = grow_key(threshold);
    state->cuts[state->cut_count].node = state->tree << state->heap_depth | node;
    state->cuts[state->cut_count].feature = feature;
    state->cut_count++;

    uint32_t left = begin, right = 0;

    for (uint32_t k = 0; k < count; k++) {
        const uint32_t row = state->row[begin + k];
        const uint32_t is_right = state->value[k] >= threshold;

        state->row[left] = row;
        state->spare[right] = row;
        left += 1 - is_right;
        right += is_right;
    }
    memcpy(state->row + left, state->spare, right * sizeof *state->row);
    grow_node(state, begin, left, 2 * node, level + 1, live);
    grow_node(state, left, end, 2 * node + 1, level + 1, live);
}

/* ---- Cuts --------------------------------------------------------------------------- */

static void grow_swap(grow_state *state)
{
    grow_cut *const cuts = state->cuts;

    state->cuts = state->sorted;
    state->sorted = cuts;
}

/* By metric, then by threshold: least significant digit first, each pass stable. */
static void grow_sort(grow_state *state)
{
    const uint32_t count = state->cut_count;

    memset(state->digits, 0, GROW_DIGITS * GROW_DIGIT_VALUES * sizeof *state->digits);
    memset(state->by_feature, 0, (state->columns + 1) * sizeof *state->by_feature);
    for (uint32_t k = 0; k < count; k++) {
        for (uint32_t digit = 0; digit < GROW_DIGITS; digit++)
            state->digits[digit * GROW_DIGIT_VALUES +
                          (state->cuts[k].key >> (digit * GROW_DIGIT_BITS) &
                           (GROW_DIGIT_VALUES - 1))]++;
        state->by_feature[state->cuts[k].feature + 1]++;
    }
    for (uint32_t digit = 0; digit < GROW_DIGITS; digit++) {
        uint32_t *const place = state->digits + digit * GROW_DIGIT_VALUES;
        const uint32_t shift = digit * GROW_DIGIT_BITS;
        uint32_t before = 0;

        if (count == 0 || place[state->cuts[0].key >> shift & (GROW_DIGIT_VALUES - 1)] == count)
            continue;
        for (uint32_t v = 0; v < GROW_DIGIT_VALUES; v++) {
            const uint32_t here = place[v];

            place[v] = before;
            before += here;
        }
        for (uint32_t k = 0; k < count; k++)
            state->sorted[place[state->cuts[k].key >> shift & (GROW_DIGIT_VALUES - 1)]++] =
                state->cuts[k];
        grow_swap(state);
    }
    for (uint32_t f = 0; f < state->columns; f++)
        state->by_feature[f + 1] += state->by_feature[f];
    for (uint32_t k = 0; k < count; k++)
        state->sorted[state->by_feature[state->cuts[k].feature]++] = state->cuts[k];
    grow_swap(state);
}

/* ---- The forest ---------------------------------------------------------------------- */

/* Parts of a block, each at a multiple of 64 bytes. */
static size_t grow_part(size_t *size, size_t count, size_t element)
{
    const size_t at = *size;

    *size += (count * element + 63) / 64 * 64;
    return at;
}

/* What the sorted cuts come to. */
typedef struct grow_census {
    uint32_t used, thresholds, most;    /* most: of one metric */
    size_t padded, cells;               /* of all metrics together */
} grow_census;

/* How many cuts are of the same metric as the first. */
static uint32_t grow_same(const grow_cut *cut, uint32_t count)
{
    uint32_t same = 1;

    while (same < count && cut[same].feature == cut->feature)
        same++;
    return same;
}

/* The grid of a metric that has these cuts; returns its cells. */
static uint32_t grow_grid(tocsin__forest_metric *metric, const grow_cut *cut, uint32_t count)
{
    const double high = grow_of_key(cut[count - 1].key);
    uint32_t cells = 1, own = 0, most = 0, before = 0;

    memset(metric, 0, sizeof *metric);
    for (uint32_t k = 0; k < count; k++)
        metric->count += k == 0 || cut[k].key != cut[k - 1].key;
    while (cells < metric->count)
        cells *= 2;
    metric->low = grow_of_key(cut->key);
    metric->last = cells - 1;
    metric->scale = metric->last / (high - metric->low);
    if (!tocsin__is_finite(metric->scale))
        metric->scale = 0;

    for (uint32_t k = 0; k < count; k++)
        if (k == 0 || cut[k].key != cut[k - 1].key) {
            const uint32_t cell = tocsin__forest_cell(metric, grow_of_key(cut[k].key));

            own = k > 0 && cell == before ? own + 1 : 1;
            most = own > most ? own : most;
            before = cell;
        }
    metric->window = 7;
    while (metric->window < most)
        metric->window = 2 * metric->window + 1;
    return cells;
}

static grow_census grow_count(const grow_state *state)
{
    grow_census census = {0, 0, 0, 0, 0};

    for (uint32_t k = 0; k < state->cut_count; census.used++) {
        const uint32_t same = grow_same(state->cuts + k, state->cut_count - k);
        tocsin__forest_metric metric;

        census.cells += grow_grid(&metric, state->cuts + k, same);
        census.padded += metric.count + metric.window + 1;
        census.thresholds += metric.count;
        census.most = metric.count > census.most ? metric.count : census.most;
        k += same;
    }
    return census;
}

/* Number the cuts of a narrow forest: metrics with their thresholds and cells, and the words. */
static void grow_narrow(const grow_state *state, uint32_t shift, tocsin__forest_metric *metrics,
                        double *threshold, uint16_t *cell, uint16_t *words)
{
    for (uint32_t k = 0, m = 0; k < state->cut_count; m++) {
        const grow_cut *const cut = state->cuts + k;
        const uint32_t same = grow_same(cut, state->cut_count - k);
        tocsin__forest_metric *const metric = &metrics[m];
        const uint32_t cells = grow_grid(metric, cut, same);
        uint32_t rank = 0, next = 0;

        metric->threshold = threshold;
        metric->cell = cell;
        metric->column = cut->feature;
        metric->shift = (uint16_t)shift;
        for (uint32_t i = 0; i < same; i++) {
            if (i > 0 && cut[i].key == cut[i - 1].key) {
                words[cut[i].node] = words[cut[i - 1].node];
                continue;
            }
            threshold[rank] = grow_of_key(cut[i].key);
            words[cut[i].node] = (uint16_t)(rank << shift | m);
            while (next <= tocsin__forest_cell(metric, threshold[rank]))
                cell[next++] = (uint16_t)rank;
            rank++;
        }
        while (next < cells)
            cell[next++] = (uint16_t)rank;
        for (uint32_t i = 0; i <= metric->window; i++)
            threshold[rank + i] = tocsin__nan();

        const double missing = state->missing[metric->column];
        metric->missing = tocsin__forest_code(
            metric, cell[tocsin__forest_cell(metric, missing)], missing);
        threshold += rank + metric->window + 1;
        cell += cells;
        k += same;
    }
}

/* The same for a wide one. */
static void grow_wide(const grow_state *state, double *threshold, uint32_t *owner, uint32_t *words)
{
    uint32_t number = 0;

    for (uint32_t k = 0; k < state->cut_count; k++) {
        const grow_cut *const cut = &state->cuts[k];

        if (k == 0 || cut->feature != cut[-1].feature || cut->key != cut[-1].key) {
            owner[number] = cut->feature;
            threshold[number++] = grow_of_key(cut->key);
        }
        words[cut->node] = number - 1;
    }
}

/* The forest of a finished state: one block. */
static int grow_finish(tocsin_forest **out, const grow_state *state,
                       const tocsin_forest_options *options, const tocsin_allocator *allocator)
{
    const grow_census census = grow_count(state);
    const size_t nodes = (size_t)options->trees << state->heap_depth;
    uint32_t feature_bits = 0;

    while (1u << feature_bits < census.used)
        feature_bits++;
    const uint32_t is_wide = feature_bits > TOCSIN__FOREST_FEATURE_BITS ||
                             census.most > (uint32_t)UINT16_MAX >> feature_bits;

    size_t bytes = 0;
    grow_part(&bytes, 1, sizeof(tocsin_forest));
    const size_t words_at = grow_part(&bytes, nodes, is_wide ? 4 : 2);
    const size_t leaves_at = grow_part(&bytes, nodes, 2);
    const size_t threshold_at =
        grow_part(&bytes, is_wide ? census.thresholds : census.padded, sizeof(double));
    const size_t owner_at = grow_part(&bytes, is_wide ? census.thresholds : 0, 4);
    const size_t metrics_at =
        grow_part(&bytes, is_wide ? 0 : census.used, sizeof(tocsin__forest_metric));
    const size_t cell_at = grow_part(&bytes, is_wide ? 0 : census.cells, 2);
    const size_t missing_at = grow_part(&bytes, state->columns, sizeof(double));

    char *const block = tocsin__alloc(allocator, bytes, 64);
    if (!block)
        return TOCSIN_ERROR_MEMORY;

    tocsin_forest *const forest = (tocsin_forest *)(void *)block;
    double *const threshold = (double *)(void *)(block + threshold_at);
    uint32_t *const owner = (uint32_t *)(void *)(block + owner_at);
    tocsin__forest_metric *const metrics =
        (tocsin__forest_metric *)(void *)(block + metrics_at);
    uint16_t *const cell = (uint16_t *)(void *)(block + cell_at);
    double *const missing = (double *)(void *)(block + missing_at);

    memset(forest, 0, sizeof *forest);
    forest->allocator = *allocator;
    forest->bytes = bytes;
    forest->seed = options->seed;
    forest->trees = options->trees;
    forest->sample = state->sample;
    forest->depth = state->depth;
    forest->columns = state->columns;
    forest->heap_depth = state->heap_depth;
    forest->cuts = state->cut_count;
    forest->used = census.used;
    forest->is_wide = is_wide;
    forest->feature_bits = feature_bits;
    forest->flush = UINT16_MAX / (state->leaf_max > 0 ? state->leaf_max : 1);
    forest->missing = missing;
    forest->metrics = metrics;
    forest->threshold = threshold;
    forest->owner = owner;
    forest->words = block + words_at;
    forest->leaves = (const uint16_t *)(const void *)(block + leaves_at);

    memset(block + words_at, 0xff, nodes * (is_wide ? 4 : 2));
    memcpy(block + leaves_at, state->leaves, nodes * sizeof *state->leaves);
    memcpy(missing, state->missing, state->columns * sizeof *missing);
    if (is_wide)
        grow_wide(state, threshold, owner, (uint32_t *)(void *)(block + words_at));
    else
        grow_narrow(state, feature_bits, metrics, threshold, cell,
                    (uint16_t *)(void *)(block + words_at));
    *out = forest;
    return TOCSIN_OK;
}

/* c(n) for every n of the sample, in 256ths; returns that of the whole sample, exactly. */
static double grow_leaf_depths(grow_state *state)
{
    double harmonic = 0, depth = 0;

    state->leaf_depth[0] = state->leaf_depth[1] = 0;
    for (uint32_t n = 2; n <= state->sample; n++) {
        harmonic += 1.0 / (n - 1);
        depth = 2 * harmonic - 2.0 * (n - 1) / n;
        state->leaf_depth[n] = (uint16_t)(depth * 256 + 0.5);
    }
    return depth;
}

int tocsin__forest_fit(tocsin_forest **out, const tocsin_forest_options *options,
                       const tocsin__matrix *matrix, uint64_t rows, uint32_t columns,
                       const tocsin_allocator *allocator)
{
    grow_state state;

    memset(&state, 0, sizeof state);
    state.matrix = matrix;
    state.rows = rows;
    state.columns = columns;
    state.sample = rows < options->sample ? (uint32_t)rows : options->sample;
    state.depth = options->depth;
    state.heap_depth = options->depth < TOCSIN__FOREST_DEPTH ? TOCSIN__FOREST_DEPTH
                                                             : options->depth;
    uint32_t seen = 4;
    while (seen < 2 * state.sample)
        seen *= 2;
    state.seen_mask = seen - 1;

    /* A tree of n rows has fewer than n cuts, and than nodes in its heap. */
    const uint32_t cuts_per_tree = state.sample < 1u << state.depth ? state.sample
                                                                    : 1u << state.depth;
    const size_t cuts = (size_t)options->trees * cuts_per_tree;
    size_t bytes = 0;
    const size_t seen_at = grow_part(&bytes, seen, 8);
    const size_t row_at = grow_part(&bytes, state.sample, 4);
    const size_t spare_at = grow_part(&bytes, state.sample, 4);
    const size_t value_at = grow_part(&bytes, state.sample, 8);
    const size_t candidate_at = grow_part(&bytes, columns, 4);
    const size_t missing_at = grow_part(&bytes, columns, 8);
    const size_t depth_at = grow_part(&bytes, (size_t)state.sample + 1, 2);
    const size_t leaves_at = grow_part(&bytes, (size_t)options->trees << state.heap_depth, 2);
    const size_t digits_at = grow_part(&bytes, GROW_DIGITS * GROW_DIGIT_VALUES, 4);
    const size_t feature_at = grow_part(&bytes, (size_t)columns + 1, 4);
    const size_t cuts_at = grow_part(&bytes, cuts, sizeof(grow_cut));
    const size_t sorted_at = grow_part(&bytes, cuts, sizeof(grow_cut));

    char *const scratch = tocsin__alloc(allocator, bytes, 64);
    if (!scratch)
        return TOCSIN_ERROR_MEMORY;
    state.seen = (uint64_t *)(void *)(scratch + seen_at);
    state.row = (uint32_t *)(void *)(scratch + row_at);
    state.spare = (uint32_t *)(void *)(scratch + spare_at);
    state.value = (double *)(void *)(scratch + value_at);
    state.candidate = (uint32_t *)(void *)(scratch + candidate_at);
    state.missing = (double *)(void *)(scratch + missing_at);
    state.leaf_depth = (uint16_t *)(void *)(scratch + depth_at);
    state.leaves = (uint16_t *)(void *)(scratch + leaves_at);
    state.digits = (uint32_t *)(void *)(scratch + digits_at);
    state.by_feature = (uint32_t *)(void *)(scratch + feature_at);
    state.cuts = (grow_cut *)(void *)(scratch + cuts_at);
    state.sorted = (grow_cut *)(void *)(scratch + sorted_at);

    memset(state.seen, 0, seen * sizeof *state.seen);
    const double expected_depth = grow_leaf_depths(&state);
    grow_begin(&state, options->seed, options->trees);
    grow_missing(&state);
    for (uint32_t tree = 0; tree < options->trees; tree++) {
        grow_begin(&state, options->seed, tree);
        grow_draw(&state, state.sample);
        grow_node(&state, 0, state.sample, 1, 0, columns);
    }
    grow_sort(&state);

    const int status = grow_finish(out, &state, options, allocator);
    if (status == TOCSIN_OK)
        (*out)->expected_depth = expected_depth;
    tocsin__free(allocator, scratch, bytes);
    return status;
}
