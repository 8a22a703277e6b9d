/* assemble.c - from a plan, a list of cuts and leaves, to a forest that scores fast.
 *
 * Cuts are sorted by metric and threshold, by radix, and numbered; forest.h tells what the
 * numbers are for, and which of four shapes a forest takes.  A grid over each metric's thresholds
 * tells a value's number in a few comparisons (lib/num/kernels.h).
 *
 * A line.  Trees that cut one metric only are step functions of it, and so is their sum: it begins
 * with the leftmost leaves' depths, and at every cut it changes by the difference of the two
 * leaves that the cut parts.  So many trees of any depth become one search in sorted thresholds.
 *
 * Cost.  O(cuts + nodes of the heaps).  A plan is one block, a forest is one.
 */
#include "forest.h"

#include "../core/alloc.h"

enum {
    ASSEMBLE_DIGIT_BITS = 11,
    ASSEMBLE_DIGITS = 3,                /* of 32 bits */
    ASSEMBLE_DIGIT_VALUES = 1 << ASSEMBLE_DIGIT_BITS,
    ASSEMBLE_CELLS = 2                  /* of a grid, per threshold */
};

/* ---- Plans -------------------------------------------------------------------------- */

/* c(n) for every n of the sample, in 256ths; that of the whole sample also exactly. */
static void assemble_depths(tocsin__forest_plan *plan)
{
    double harmonic = 0;

    plan->depth_of[0] = plan->depth_of[1] = 0;
    plan->expected_depth = 0;
    for (uint32_t n = 2; n <= plan->sample; n++) {
        harmonic += 1.0 / (n - 1);
        plan->expected_depth = 2 * harmonic - 2.0 * (n - 1) / n;
        plan->depth_of[n] = (uint16_t)(plan->expected_depth * 256 + 0.5);
    }
}

int tocsin__forest_plan_start(tocsin__forest_plan *plan, const tocsin_allocator *allocator)
{
    const size_t cuts = plan->cut_most;
    const size_t mixed = plan->mix > 1 ? cuts * plan->mix : 0;
    size_t bytes = 0;

    plan->cut_count = plan->leaf_count = plan->leaf_max = 0;

    const size_t views_at = tocsin__forest_part(&bytes, plan->columns, sizeof *plan->views);
    const size_t cuts_at = tocsin__forest_part(&bytes, cuts, sizeof *plan->cuts);
    const size_t sorted_at = tocsin__forest_part(&bytes, cuts, sizeof *plan->sorted);
    const size_t weights_at = tocsin__forest_part(&bytes, mixed, sizeof *plan->weights);
    const size_t columns_at = tocsin__forest_part(&bytes, mixed, sizeof *plan->columns_of);
    const size_t leaves_at = tocsin__forest_part(
        &bytes, plan->is_line ? 0 : (size_t)plan->trees << plan->heap_depth, sizeof *plan->leaves);
    const size_t sums_at =
        tocsin__forest_part(&bytes, plan->is_line ? cuts + 1 : 0, sizeof *plan->sums);
    const size_t counts_at =
        tocsin__forest_part(&bytes, cuts + plan->trees, sizeof *plan->counts);
    const size_t depth_at =
        tocsin__forest_part(&bytes, (size_t)plan->sample + 1, sizeof *plan->depth_of);
    const size_t distinct_at = tocsin__forest_part(&bytes, cuts, sizeof *plan->distinct);
    const size_t cell_at = tocsin__forest_part(&bytes, cuts, sizeof *plan->cell_of);
    const size_t digits_at =
        tocsin__forest_part(&bytes, ASSEMBLE_DIGITS * ASSEMBLE_DIGIT_VALUES, 4);
    const size_t by_at = tocsin__forest_part(&bytes, (size_t)plan->columns + 1, 4);
    const size_t place_at = tocsin__forest_part(&bytes, plan->columns, 4);

    char *const block = tocsin__alloc(allocator, bytes, 64);
    if (!block)
        return TOCSIN_ERROR_MEMORY;
    plan->block = block;
    plan->bytes = bytes;
    plan->views = (tocsin__forest_view *)(void *)(block + views_at);
    plan->cuts = (tocsin__forest_cut *)(void *)(block + cuts_at);
    plan->sorted = (tocsin__forest_cut *)(void *)(block + sorted_at);
    plan->weights = (float *)(void *)(block + weights_at);
    plan->columns_of = (uint16_t *)(void *)(block + columns_at);
    plan->leaves = (uint16_t *)(void *)(block + leaves_at);
    plan->sums = (uint32_t *)(void *)(block + sums_at);
    plan->counts = (uint16_t *)(void *)(block + counts_at);
    plan->depth_of = (uint16_t *)(void *)(block + depth_at);
    plan->distinct = (float *)(void *)(block + distinct_at);
    plan->cell_of = (uint32_t *)(void *)(block + cell_at);
    plan->digits = (uint32_t *)(void *)(block + digits_at);
    plan->by_column = (uint32_t *)(void *)(block + by_at);
    plan->place = (uint32_t *)(void *)(block + place_at);
    assemble_depths(plan);
    return TOCSIN_OK;
}

void tocsin__forest_plan_free(tocsin__forest_plan *plan, const tocsin_allocator *allocator)
{
    tocsin__free(allocator, plan->block, plan->bytes);
}

uint32_t tocsin__forest_plan_cut(tocsin__forest_plan *plan, uint32_t tree, uint32_t node,
                                 uint32_t column, float threshold)
{
    tocsin__forest_cut *const cut = &plan->cuts[plan->cut_count];

    cut->key = tocsin__forest_key(threshold);
    cut->node = tree << plan->heap_depth | node;
    cut->column = column;
    return plan->cut_count++;
}

void tocsin__forest_plan_leaf(tocsin__forest_plan *plan, uint32_t tree, uint32_t node,
                              uint32_t level, uint32_t count)
{
    const uint32_t below = plan->heap_depth - level;
    const uint16_t depth = (uint16_t)(level * 256 + plan->depth_of[count]);
    uint16_t *const leaves = plan->leaves + ((size_t)tree << plan->heap_depth) +
                             ((node - (1u << level)) << below);

    for (uint32_t k = 0; k < 1u << below; k++)
        leaves[k] = depth;
    plan->counts[plan->leaf_count++] = (uint16_t)(count - 1);
    if (depth > plan->leaf_max)
        plan->leaf_max = depth;
}

/* ---- Order ---------------------------------------------------------------------------- */

static void assemble_swap(tocsin__forest_plan *plan)
{
    tocsin__forest_cut *const cuts = plan->cuts;

    plan->cuts = plan->sorted;
    plan->sorted = cuts;
}

/* By metric, then by threshold: least significant digit first, each pass stable. */
static void assemble_sort(tocsin__forest_plan *plan)
{
    const uint32_t count = plan->cut_count, mask = ASSEMBLE_DIGIT_VALUES - 1;

    memset(plan->digits, 0, ASSEMBLE_DIGITS * ASSEMBLE_DIGIT_VALUES * sizeof *plan->digits);
    memset(plan->by_column, 0, ((size_t)plan->columns + 1) * sizeof *plan->by_column);
    for (uint32_t k = 0; k < count; k++) {
        for (uint32_t digit = 0; digit < ASSEMBLE_DIGITS; digit++)
            plan->digits[digit * ASSEMBLE_DIGIT_VALUES +
                         (plan->cuts[k].key >> (digit * ASSEMBLE_DIGIT_BITS) & mask)]++;
        plan->by_column[plan->cuts[k].column + 1]++;
    }
    for (uint32_t digit = 0; digit < ASSEMBLE_DIGITS; digit++) {
        uint32_t *const place = plan->digits + digit * ASSEMBLE_DIGIT_VALUES;
        const uint32_t shift = digit * ASSEMBLE_DIGIT_BITS;
        uint32_t before = 0;

        for (uint32_t v = 0; v < ASSEMBLE_DIGIT_VALUES; v++) {
            const uint32_t here = place[v];

            place[v] = before;
            before += here;
        }
        for (uint32_t k = 0; k < count; k++)
            plan->sorted[place[plan->cuts[k].key >> shift & mask]++] = plan->cuts[k];
        assemble_swap(plan);
    }
    for (uint32_t f = 0; f < plan->columns; f++)
        plan->by_column[f + 1] += plan->by_column[f];
    for (uint32_t k = 0; k < count; k++)
        plan->sorted[plan->by_column[plan->cuts[k].column]++] = plan->cuts[k];
    assemble_swap(plan);
}

/* How many cuts are of the same metric as the first. */
static uint32_t assemble_same(const tocsin__forest_cut *cut, uint32_t count)
{
    uint32_t same = 1;

    while (same < count && cut[same].column == cut->column)
        same++;
    return same;
}

/* ---- Grids ------------------------------------------------------------------------------ */

/* The thresholds of one metric's cuts, each once; the rank of each cut's takes the place of its key.
 * Returns how many. */
static uint32_t assemble_rank(tocsin__forest_cut *cut, uint32_t same, float *distinct)
{
    uint32_t rank = 0, before = cut->key;

    distinct[0] = tocsin__forest_of_key(before);
    for (uint32_t k = 0; k < same; k++) {
        const uint32_t key = cut[k].key;

        rank += key != before;
        distinct[rank] = tocsin__forest_of_key(key);
        cut[k].key = rank;
        before = key;
    }
    return rank + 1;
}

/* A grid over thresholds, and which of its cells each of them is in. */
static tocsin__forest_metric assemble_grid(const float *threshold, uint32_t count,
                                           uint32_t *cell_of)
{
    uint32_t cells = 1, own = 0, most = 0;
    tocsin__forest_metric grid;

    while (cells < ASSEMBLE_CELLS * count)
        cells *= 2;
    memset(&grid, 0, sizeof grid);
    grid.count = count;
    grid.low = threshold[0];
    grid.last = (float)(cells - 1);
    grid.step = grid.last / (threshold[count - 1] - grid.low);
    if (!tocsin__is_finite((double)grid.step))
        grid.step = 0;
    for (uint32_t k = 0; k < count; k++)
        cell_of[k] = tocsin__forest_cell(&grid, threshold[k]);
    for (uint32_t k = 0; k < count; k++) {
        own = k > 0 && cell_of[k] == cell_of[k - 1] ? own + 1 : 1;
        most = own > most ? own : most;
    }
    grid.window = 15;
    while (grid.window < most)
        grid.window = 2 * grid.window + 1;
    return grid;
}

/* Metrics of the shapes that have grids. */
#define ASSEMBLE_GRIDS (1u << TOCSIN__FOREST_FEATURE_BITS)

/* What the sorted cuts come to. */
typedef struct assemble_census {
    uint32_t used, thresholds, most;    /* most: of one metric */
    size_t padded, cells;               /* of all metrics together */
    tocsin__forest_metric grid[ASSEMBLE_GRIDS];     /* of the first metrics */
} assemble_census;

static void assemble_count(tocsin__forest_plan *plan, assemble_census *census)
{
    for (uint32_t k = 0; k < plan->cut_count; census->used++) {
        tocsin__forest_cut *const cut = plan->cuts + k;
        const uint32_t same = assemble_same(cut, plan->cut_count - k);
        float *const distinct = plan->distinct + census->thresholds;
        const uint32_t count = assemble_rank(cut, same, distinct);

        if (census->used < ASSEMBLE_GRIDS) {
            tocsin__forest_metric *const grid = &census->grid[census->used];

            *grid = assemble_grid(distinct, count, plan->cell_of + census->thresholds);
            grid->column = cut->column;
            census->cells += (size_t)grid->last + 1;
            census->padded += count + grid->window + 1;
        }
        census->thresholds += count;
        census->most = count > census->most ? count : census->most;
        k += same;
    }
}

/* ---- Shapes ------------------------------------------------------------------------------ */

/* The arrays of a forest that is being made. */
typedef struct assemble_parts {
    tocsin__forest_view *views;
    tocsin__forest_metric *metrics;
    uint16_t *cells;
    float *thresholds;
    uint32_t *owner;
    uint16_t *words;
    uint32_t *wide_words;
    float *weights;
    uint16_t *columns_of, *leaves, *counts;
    uint64_t *marks;
    uint32_t *sums;
    double *scores;
} assemble_parts;

/* The metrics of a line or a narrow forest: their thresholds and grids. */
static void assemble_metrics(const tocsin__forest_plan *plan, const assemble_census *census,
                             uint32_t shift, assemble_parts *parts)
{
    const float *distinct = plan->distinct;
    const uint32_t *cell_of = plan->cell_of;
    float *threshold = parts->thresholds;
    uint16_t *cell = parts->cells;

    for (uint32_t m = 0; m < census->used; m++) {
        tocsin__forest_metric *const metric = &parts->metrics[m];
        const uint32_t count = census->grid[m].count, cells = (uint32_t)census->grid[m].last + 1;
        uint32_t next = 0;

        *metric = census->grid[m];
        metric->shift = shift;
        metric->threshold = threshold;
        metric->cell = cell;
        memcpy(threshold, distinct, count * sizeof *threshold);
        for (uint32_t i = 0; i <= metric->window; i++)
            threshold[count + i] = (float)tocsin__nan();
        for (uint32_t rank = 0; rank < count; rank++)
            while (next <= cell_of[rank])
                cell[next++] = (uint16_t)rank;
        while (next < cells)
            cell[next++] = (uint16_t)count;
        distinct += count;
        cell_of += count;
        threshold += count + metric->window + 1;
        cell += cells;
    }
}

/* The words of a narrow forest. */
static void assemble_words(const tocsin__forest_plan *plan, uint32_t shift, uint16_t *words)
{
    uint32_t metric = 0;

    for (uint32_t k = 0; k < plan->cut_count; k++) {
        metric += k > 0 && plan->cuts[k].column != plan->cuts[k - 1].column;
        words[plan->cuts[k].node] = (uint16_t)(plan->cuts[k].key << shift | metric);
    }
}

/* By how much a line's sum changes at its beginning and at each of its thresholds, in 32 bits that
 * may wrap around: the cuts' keys are their ranks. */
static void assemble_line_steps(const tocsin__forest_plan *plan, uint32_t codes,
                                assemble_parts *parts)
{
    const uint32_t nodes = 1u << plan->heap_depth;

    memset(parts->sums, 0, codes * sizeof *parts->sums);
    for (uint32_t tree = 0; tree < plan->trees; tree++)
        parts->sums[0] += plan->leaves[(size_t)tree << plan->heap_depth];
    for (uint32_t k = 0; k < plan->cut_count; k++) {
        const uint16_t *const leaves =
            plan->leaves + ((size_t)(plan->cuts[k].node >> plan->heap_depth) << plan->heap_depth);
        uint32_t right = 2 * (plan->cuts[k].node & (nodes - 1)) + 1;

        while (right < nodes)
            right *= 2;
        parts->sums[plan->cuts[k].key + 1] +=
            (uint32_t)leaves[right - nodes] - leaves[right - nodes - 1];
    }
}

static void assemble_line(const tocsin__forest_plan *plan, uint32_t codes, assemble_parts *parts)
{
    const double rate = tocsin__forest_rate(plan->trees, plan->expected_depth);

    if (plan->is_line) {
        memcpy(parts->sums, plan->sums, codes * sizeof *parts->sums);
    } else {
        assemble_line_steps(plan, codes, parts);
        for (uint32_t code = 1; code < codes; code++)
            parts->sums[code] += parts->sums[code - 1];
    }
    for (uint32_t code = 0; code < codes; code++)
        parts->scores[code] = tocsin__forest_score(parts->sums[code], rate);
}

static void assemble_wide(const tocsin__forest_plan *plan, const assemble_census *census,
                          assemble_parts *parts)
{
    uint32_t number = 0;

    memcpy(parts->thresholds, plan->distinct, census->thresholds * sizeof *parts->thresholds);
    for (uint32_t k = 0; k < plan->cut_count; k++) {
        const tocsin__forest_cut *const cut = &plan->cuts[k];

        number += k > 0 && (cut->column != cut[-1].column || cut->key != cut[-1].key);
        parts->owner[number] = cut->column;
        parts->wide_words[cut->node] = number;
    }
}

/* Metrics of a mixed forest, in the order of their columns: every column that any cut goes
 * through.  Returns how many, and fills in the plan's places. */
static uint32_t assemble_places(tocsin__forest_plan *plan)
{
    uint32_t used = 0;

    memset(plan->place, 0, plan->columns * sizeof *plan->place);
    for (size_t k = 0; k < (size_t)plan->cut_count * plan->mix; k++)
        plan->place[plan->columns_of[k]] = 1;
    for (uint32_t f = 0; f < plan->columns; f++) {
        const uint32_t is_used = plan->place[f];

        plan->place[f] = used;
        used += is_used;
        plan->by_column[f] = is_used;
    }
    return used;
}

static void assemble_mixed(const tocsin__forest_plan *plan, assemble_parts *parts)
{
    const size_t nodes = (size_t)1 << plan->heap_depth, mix = plan->mix;

    for (uint32_t f = 0; f < plan->columns; f++)
        if (plan->by_column[f]) {
            tocsin__forest_metric *const metric = &parts->metrics[plan->place[f]];

            memset(metric, 0, sizeof *metric);
            metric->column = f;
        }
    for (size_t k = 0; k < plan->trees * nodes; k++)
        parts->thresholds[k] = (float)tocsin__infinity();
    memset(parts->weights, 0, plan->trees * nodes * (mix - 1) * sizeof *parts->weights);
    memset(parts->columns_of, 0, plan->trees * nodes * mix * sizeof *parts->columns_of);
    for (size_t k = 0; k < plan->cut_count; k++) {
        const size_t node = plan->cuts[k].node & (nodes - 1);
        const size_t tree = plan->cuts[k].node >> plan->heap_depth;

        parts->thresholds[tree * nodes + node] = tocsin__forest_of_key(plan->cuts[k].key);
        for (size_t j = 0; j < mix; j++)
            parts->columns_of[(tree * mix + j) * nodes + node] =
                (uint16_t)plan->place[plan->columns_of[k * mix + j]];
        for (size_t j = 0; j + 1 < mix; j++)
            parts->weights[(tree * (mix - 1) + j) * nodes + node] =
                plan->weights[k * (mix - 1) + j];
    }
}

/* ---- The forest --------------------------------------------------------------------------- */

static uint32_t assemble_feature_bits(uint32_t used)
{
    uint32_t bits = 0;

    while (1u << bits < used)
        bits++;
    return bits;
}

static uint32_t assemble_shape(const tocsin__forest_plan *plan, const assemble_census *census)
{
    const uint32_t bits = assemble_feature_bits(census->used);

    if (census->used <= 1 && census->most < UINT16_MAX)
        return TOCSIN__FOREST_LINE;
    if (plan->mix > 1)
        return TOCSIN__FOREST_MIXED;
    return bits > TOCSIN__FOREST_FEATURE_BITS || census->most > (uint32_t)UINT16_MAX >> bits
               ? TOCSIN__FOREST_WIDE
               : TOCSIN__FOREST_NARROW;
}

int tocsin__forest_assemble(tocsin_forest **out, tocsin__forest_plan *plan,
                            const tocsin_allocator *allocator)
{
    const size_t nodes = (size_t)plan->trees << plan->heap_depth;
    assemble_census census;
    assemble_parts parts;

    memset(&census, 0, sizeof census);
    if (plan->mix > 1 && !plan->is_line)
        census.used = assemble_places(plan);
    if (census.used <= 1) {
        assemble_sort(plan);
        census.used = 0;
        assemble_count(plan, &census);
    }

    const uint32_t shape = assemble_shape(plan, &census);
    const int is_line = shape == TOCSIN__FOREST_LINE, is_wide = shape == TOCSIN__FOREST_WIDE;
    const int is_mixed = shape == TOCSIN__FOREST_MIXED;
    const size_t codes = census.most + 1;
    size_t bytes = 0;

    tocsin__forest_part(&bytes, 1, sizeof(tocsin_forest));
    const size_t words_at =
        tocsin__forest_part(&bytes, is_line || is_mixed ? 0 : nodes, is_wide ? 4 : 2);
    const size_t leaves_at = tocsin__forest_part(&bytes, is_line ? 0 : nodes, 2);
    const size_t marks_at = tocsin__forest_part(&bytes, is_line ? 0 : nodes / 64, 8);
    const size_t counts_at = tocsin__forest_part(&bytes, is_line ? 0 : plan->leaf_count, 2);
    const size_t thresholds_at = tocsin__forest_part(
        &bytes, is_mixed ? nodes : is_wide ? census.thresholds : census.padded, sizeof(float));
    const size_t weights_at =
        tocsin__forest_part(&bytes, is_mixed ? nodes * (plan->mix - 1) : 0, sizeof(float));
    const size_t columns_at = tocsin__forest_part(&bytes, is_mixed ? nodes * plan->mix : 0, 2);
    const size_t owner_at = tocsin__forest_part(&bytes, is_wide ? census.thresholds : 0, 4);
    const size_t metrics_at =
        tocsin__forest_part(&bytes, is_wide ? 0 : census.used, sizeof(tocsin__forest_metric));
    const size_t cells_at = tocsin__forest_part(&bytes, is_wide || is_mixed ? 0 : census.cells, 2);
    const size_t sums_at = tocsin__forest_part(&bytes, is_line ? codes : 0, 4);
    const size_t scores_at = tocsin__forest_part(&bytes, is_line ? codes : 0, sizeof(double));
    const size_t views_at = tocsin__forest_part(&bytes, plan->columns, sizeof *parts.views);
    const size_t depth_at = tocsin__forest_part(&bytes, is_line ? 0 : (size_t)plan->sample + 1, 2);

    char *const block = tocsin__alloc(allocator, bytes, 64);
    if (!block)
        return TOCSIN_ERROR_MEMORY;

    tocsin_forest *const forest = (tocsin_forest *)(void *)block;
    parts.views = (tocsin__forest_view *)(void *)(block + views_at);
    parts.metrics = is_wide ? NULL : (tocsin__forest_metric *)(void *)(block + metrics_at);
    parts.cells = (uint16_t *)(void *)(block + cells_at);
    parts.thresholds = (float *)(void *)(block + thresholds_at);
    parts.owner = (uint32_t *)(void *)(block + owner_at);
    parts.words = shape == TOCSIN__FOREST_NARROW ? (uint16_t *)(void *)(block + words_at) : NULL;
    parts.wide_words = (uint32_t *)(void *)(block + words_at);
    parts.weights = (float *)(void *)(block + weights_at);
    parts.columns_of = (uint16_t *)(void *)(block + columns_at);
    parts.leaves = (uint16_t *)(void *)(block + leaves_at);
    parts.counts = (uint16_t *)(void *)(block + counts_at);
    parts.marks = (uint64_t *)(void *)(block + marks_at);
    parts.sums = (uint32_t *)(void *)(block + sums_at);
    parts.scores = (double *)(void *)(block + scores_at);

    memset(forest, 0, sizeof *forest);
    forest->allocator = *allocator;
    forest->bytes = bytes;
    forest->seed = plan->seed;
    forest->cuts = plan->is_line ? plan->line_cuts : plan->cut_count;
    forest->expected_depth = plan->expected_depth;
    forest->trees = plan->trees;
    forest->sample = plan->sample;
    forest->depth = plan->depth;
    forest->columns = plan->columns;
    forest->heap_depth = plan->heap_depth;
    forest->used = census.used;
    forest->shape = shape;
    forest->mix = plan->mix;
    forest->feature_bits = is_line ? 0 : assemble_feature_bits(census.used);
    forest->flush = UINT16_MAX / (plan->leaf_max > 0 ? plan->leaf_max : 1);
    forest->promised = plan->depth_of[plan->sample];
    forest->views = parts.views;
    forest->metrics = parts.metrics;
    forest->thresholds = parts.thresholds;
    memcpy(parts.views, plan->views, plan->columns * sizeof *parts.views);
    if (!is_line) {
        memcpy(parts.leaves, plan->leaves, nodes * sizeof *parts.leaves);
        memcpy(parts.counts, plan->counts, plan->leaf_count * sizeof *parts.counts);
        memset(parts.marks, 0, nodes / 8);
        for (uint32_t k = 0; k < plan->cut_count; k++)
            parts.marks[plan->cuts[k].node / 64] |= UINT64_C(1) << plan->cuts[k].node % 64;
        memcpy(block + depth_at, plan->depth_of, ((size_t)plan->sample + 1) * 2);
        forest->depth_of = (const uint16_t *)(const void *)(block + depth_at);
        forest->leaves = parts.leaves;
        forest->counts = parts.counts;
        forest->marks = parts.marks;
    }
    switch (shape) {
    case TOCSIN__FOREST_LINE:
        assemble_metrics(plan, &census, 0, &parts);
        assemble_line(plan, (uint32_t)codes, &parts);
        forest->sums = parts.sums;
        forest->scores = parts.scores;
        break;
    case TOCSIN__FOREST_NARROW:
        memset(parts.words, 0xff, nodes * sizeof *parts.words);
        assemble_metrics(plan, &census, forest->feature_bits, &parts);
        assemble_words(plan, forest->feature_bits, parts.words);
        forest->words = parts.words;
        break;
    case TOCSIN__FOREST_WIDE:
        memset(parts.wide_words, 0xff, nodes * sizeof *parts.wide_words);
        assemble_wide(plan, &census, &parts);
        forest->words = parts.wide_words;
        forest->owner = parts.owner;
        break;
    default:
        assemble_mixed(plan, &parts);
        forest->weights = parts.weights;
        forest->columns_of = parts.columns_of;
    }
    *out = forest;
    return TOCSIN_OK;
}

float tocsin__forest_cut_at(const tocsin_forest *forest, uint32_t tree, uint32_t node,
                            float *weights, uint32_t *columns)
{
    const size_t nodes = (size_t)1 << forest->heap_depth, at = tree * nodes + node;

    if (forest->shape == TOCSIN__FOREST_WIDE) {
        const uint32_t word = ((const uint32_t *)forest->words)[at];

        columns[0] = forest->owner[word];
        return forest->thresholds[word];
    }
    if (forest->shape == TOCSIN__FOREST_NARROW) {
        const uint32_t word = ((const uint16_t *)forest->words)[at];
        const tocsin__forest_metric *const metric =
            &forest->metrics[word & ((1u << forest->feature_bits) - 1)];

        columns[0] = metric->column;
        return metric->threshold[word >> forest->feature_bits];
    }
    for (size_t j = 0; j < forest->mix; j++)
        columns[j] =
            forest->metrics[forest->columns_of[(tree * forest->mix + j) * nodes + node]].column;
    for (size_t j = 0; j + 1 < forest->mix; j++)
        weights[j] = forest->weights[(tree * (forest->mix - 1) + j) * nodes + node];
    return forest->thresholds[at];
}
