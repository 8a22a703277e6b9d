/* Isolation forests: every tree against one grown by an oracle that follows the definition step by
 * step, every kernel and every way against every other, and inputs nobody would wish for. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "num/kernels.h"
#include "tocsin.h"
#include "../support/counting_allocator.h"
#include "../support/rng.h"
#include "../support/suite.h"

/* ---- Points ------------------------------------------------------------------- */

typedef struct points {
    double *value;              /* row-major */
    size_t rows, columns;
} points;

static points points_new(size_t rows, size_t columns)
{
    points p = {malloc((rows * columns + 1) * sizeof(double)), rows, columns};

    require(p.value != NULL, "the test itself is out of memory");
    return p;
}

static tocsin_matrix matrix_of(const points *p)
{
    tocsin_matrix matrix;

    memset(&matrix, 0, sizeof matrix);
    matrix.struct_size = sizeof matrix;
    matrix.rows = p->rows;
    matrix.columns = p->columns;
    matrix.values = p->value;
    return matrix;
}

/* What the columns of a test are like. */
enum { GAUSSIAN, GRID, CONSTANT, DUPLICATE, HOLES, HUGE_VALUES, EMPTY, HEAVY, KINDS };

static void fill_column(points *p, size_t column, int kind, rng *random)
{
    for (size_t r = 0; r < p->rows; r++) {
        double *const v = &p->value[r * p->columns + column];

        switch (kind) {
        case GAUSSIAN:
            *v = 1e9 + rng_normal(random);
            break;
        case GRID:
            *v = (double)rng_below(random, 5) - 2;
            break;
        case CONSTANT:
            *v = -7.25;
            break;
        case DUPLICATE:
            *v = column > 0 ? *(v - 1) : rng_normal(random);
            break;
        case HOLES:
            *v = rng_below(random, 3) == 0 ? NAN : rng_normal(random);
            break;
        case HUGE_VALUES:
            *v = rng_below(random, 4) == 0 ? (rng_below(random, 2) ? INFINITY : -INFINITY)
                                           : (rng_uniform(random) - 0.5) * DBL_MAX;
            break;
        case EMPTY:
            *v = NAN;
            break;
        default:
            *v = 1 / (rng_uniform(random) + 1e-9) * (rng_below(random, 2) ? 1 : -1);
        }
    }
}

static points points_mixed(size_t rows, size_t columns, uint64_t seed)
{
    points p = points_new(rows, columns);
    rng random = rng_seeded(seed);

    for (size_t c = 0; c < columns; c++)
        fill_column(&p, c, columns == 1 ? GAUSSIAN : (int)rng_below(&random, KINDS), &random);
    return p;
}

/* ---- The oracle --------------------------------------------------------------------
 *
 * A tree of nodes with pointers, grown and walked recursively, with sets kept as flags. */

enum { MIX_MAX = 8 };

typedef struct oracle_node {
    size_t chosen, column[MIX_MAX];
    float weight[MIX_MAX], threshold;   /* the first weight is 1 */
    size_t count;                       /* rows */
    long depth;                         /* of a leaf, in 256ths */
    struct oracle_node *left, *right;   /* NULL: a leaf */
} oracle_node;

typedef struct oracle {
    const points *p;
    size_t sample, depth, trees, cuts, mix;
    uint64_t seed;
    rng random;
    size_t *candidate;
    double *centre;
    int *exponent;
    float *z;                           /* of the points fitted on */
    oracle_node **tree;
} oracle;

static double oracle_expected(size_t n)
{
    double sum = 0;

    for (size_t k = 1; k < n; k++)
        sum += 1.0 / (double)k;
    return n < 2 ? 0 : 2 * sum - 2.0 * (double)(n - 1) / (double)n;
}

static uint64_t oracle_below(oracle *o, uint64_t bound)
{
    return (rng_u64(&o->random) >> 32) * bound >> 32;
}

static uint64_t oracle_mix(uint64_t z)
{
    /* SplitMix64 is its mixing function of a counter that has stepped once. */
    rng random = rng_seeded(z - UINT64_C(0x9e3779b97f4a7c15));

    return rng_u64(&random);
}

static void oracle_begin(oracle *o, size_t tree)
{
    o->random = rng_seeded(oracle_mix(oracle_mix(o->seed) + tree));
    for (size_t c = 0; c < o->p->columns; c++)
        o->candidate[c] = c;
}

static void oracle_draw(oracle *o, size_t count, char *is_drawn)
{
    memset(is_drawn, 0, o->p->rows);
    for (size_t last = o->p->rows - count; last < o->p->rows; last++) {
        const size_t row = o->p->rows == count ? last : oracle_below(o, last + 1);

        is_drawn[is_drawn[row] ? last : row] = 1;
    }
}

/* From the metric's median, in units of a power of two; a hole is at the median. */
static float oracle_z(const oracle *o, double value, size_t column)
{
    const double z = ldexp(value, -o->exponent[column]) -
                     ldexp(o->centre[column], -o->exponent[column]);

    return isnan(value) ? 0 : (float)fmax(-ldexp(1, 100), fmin(ldexp(1, 100), z));
}

static int oracle_compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void oracle_views(oracle *o, char *is_drawn)
{
    double *const known = malloc((o->p->rows + 1) * sizeof *known);

    oracle_draw(o, o->sample < 255 ? o->sample : 255, is_drawn);
    for (size_t c = 0; c < o->p->columns; c++) {
        size_t count = 0;
        double centre = 0, reach = 0;

        for (size_t r = 0; r < o->p->rows; r++)
            if (is_drawn[r] && !isnan(o->p->value[r * o->p->columns + c]))
                known[count++] =
                    fmax(-DBL_MAX, fmin(DBL_MAX, o->p->value[r * o->p->columns + c]));
        qsort(known, count, sizeof *known, oracle_compare);
        if (count > 0) {
            centre = known[count / 2];
            reach = fmax(fabs(known[0] / 2 - centre / 2), fabs(known[count - 1] / 2 - centre / 2));
        }
        if (reach == 0)
            reach = fabs(centre / 2);
        o->centre[c] = centre;
        o->exponent[c] = 0;
        if (reach > 0)
            frexp(reach, &o->exponent[c]);
        o->exponent[c] = o->exponent[c] > 1000 ? 1000 : o->exponent[c];
        o->exponent[c] = o->exponent[c] < -1000 ? -1000 : o->exponent[c];
    }
    free(known);
}

static double oracle_uniform(oracle *o)
{
    return ((double)(rng_u64(&o->random) >> 12) + 0.5) / 4503599627370496.0;
}

/* One of the pair that Marsaglia's polar method makes.  libm's logarithm may differ from the
 * library's in a last place that hardly ever shows in weights, which are floats. */
static double oracle_normal(oracle *o)
{
    double x, y, square;

    do {
        x = 2 * oracle_uniform(o) - 1;
        y = 2 * oracle_uniform(o) - 1;
        square = x * x + y * y;
    } while (square >= 1);
    return x * sqrt(-2 * log(square) / square);
}

/* What a cut compares of one row. */
static float oracle_sum(const oracle_node *node, const float *z)
{
    float sum = z[node->column[0]];

    for (size_t j = 1; j < node->chosen; j++) {
        const float product = node->weight[j] * z[node->column[j]];

        sum = sum + product;
    }
    return sum;
}

static void oracle_range(const oracle *o, const oracle_node *node, const char *is_in, float *low,
                         float *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t r = 0; r < o->p->rows; r++)
        if (is_in[r]) {
            const float sum = oracle_sum(node, o->z + r * o->p->columns);

            *low = fminf(*low, sum);
            *high = fmaxf(*high, sum);
        }
}

static void oracle_swap(size_t *a, size_t *b)
{
    const size_t kept = *a;

    *a = *b;
    *b = kept;
}

/* Draw the metrics of a node's cut, and of several their weights; returns how many. */
static size_t oracle_choose(oracle *o, oracle_node *node, const char *is_in, size_t *live,
                            float *low, float *high)
{
    double weight[MIX_MAX], spread[MIX_MAX];
    size_t column[MIX_MAX], chosen = 0, first = 0;

    while (chosen < o->mix && chosen < *live) {
        const size_t at = chosen + oracle_below(o, *live - chosen);

        node->chosen = 1;
        node->column[0] = o->candidate[at];
        oracle_range(o, node, is_in, low, high);
        if (*low < *high) {
            column[chosen] = o->candidate[at];
            spread[chosen] = (double)*high - (double)*low;
            oracle_swap(&o->candidate[at], &o->candidate[chosen++]);
        } else {
            oracle_swap(&o->candidate[at], &o->candidate[--*live]);
        }
    }
    if (chosen == 0)
        return 0;
    for (size_t j = 0; j < chosen && chosen > 1; j++) {
        weight[j] = oracle_normal(o) / spread[j];
        if (fabs(weight[j]) > fabs(weight[first]))
            first = j;
    }
    node->chosen = 1;
    node->column[0] = column[first];
    node->weight[0] = 1;
    for (size_t j = 0; j < chosen; j++)
        if (j != first) {
            node->column[node->chosen] = column[j];
            node->weight[node->chosen++] = (float)(weight[j] / weight[first]);
        }
    oracle_range(o, node, is_in, low, high);
    if (!(*low < *high)) {
        node->chosen = 1;
        node->column[0] = column[0];
        oracle_range(o, node, is_in, low, high);
    }
    return chosen;
}

static oracle_node *oracle_grow(oracle *o, const char *is_in, size_t level, size_t live)
{
    oracle_node *const node = calloc(1, sizeof *node);
    const size_t rows = o->p->rows;
    float low, high;

    for (size_t r = 0; r < rows; r++)
        node->count += is_in[r] != 0;
    node->depth = (long)level * 256 + (long)floor(oracle_expected(node->count) * 256 + 0.5);
    if (node->count <= 2 || level == o->depth ||
        oracle_choose(o, node, is_in, &live, &low, &high) == 0)
        return node;

    const double u = oracle_uniform(o);
    const double from_low = (double)low * (1 - u), from_high = (double)high * u;
    char *const left = calloc(rows, 1), *const right = calloc(rows, 1);

    node->threshold = (float)(from_low + from_high);
    if (node->threshold <= low || node->threshold > high)
        node->threshold = high;
    for (size_t r = 0; r < rows; r++)
        if (is_in[r]) {
            const float sum = oracle_sum(node, o->z + r * o->p->columns);

            (sum < node->threshold ? left : right)[r] = 1;
        }
    o->cuts++;
    node->left = oracle_grow(o, left, level + 1, live);
    node->right = oracle_grow(o, right, level + 1, live);
    free(left);
    free(right);
    return node;
}

static oracle oracle_fit(const points *p, const tocsin_forest_options *options)
{
    oracle o;
    char *const is_drawn = malloc(p->rows);

    memset(&o, 0, sizeof o);
    o.p = p;
    o.trees = options->trees;
    o.sample = p->rows < options->sample ? p->rows : options->sample;
    o.depth = options->depth;
    o.mix = options->mix == 0 ? 1 : options->mix < p->columns ? options->mix : p->columns;
    o.seed = options->seed;
    if (o.depth == 0)
        while ((size_t)1 << o.depth < options->sample)
            o.depth++;
    o.candidate = malloc(p->columns * sizeof *o.candidate);
    o.centre = malloc(p->columns * sizeof *o.centre);
    o.exponent = malloc(p->columns * sizeof *o.exponent);
    o.z = malloc(p->rows * p->columns * sizeof *o.z);
    o.tree = malloc(o.trees * sizeof *o.tree);
    oracle_begin(&o, o.trees);
    oracle_views(&o, is_drawn);
    for (size_t k = 0; k < p->rows * p->columns; k++)
        o.z[k] = oracle_z(&o, p->value[k], k % p->columns);
    for (size_t t = 0; t < o.trees; t++) {
        oracle_begin(&o, t);
        oracle_draw(&o, o.sample, is_drawn);
        o.tree[t] = oracle_grow(&o, is_drawn, 0, p->columns);
    }
    free(is_drawn);
    return o;
}

static double oracle_depth(const oracle *o, const points *p, size_t row)
{
    float *const z = malloc(p->columns * sizeof *z);
    double sum = 0;

    for (size_t c = 0; c < p->columns; c++)
        z[c] = oracle_z(o, p->value[row * p->columns + c], c);
    for (size_t t = 0; t < o->trees; t++) {
        const oracle_node *node = o->tree[t];

        while (node->left)
            node = oracle_sum(node, z) < node->threshold ? node->left : node->right;
        sum += (double)node->depth / 256;
    }
    free(z);
    return sum / (double)o->trees;
}

static void oracle_node_free(oracle_node *node)
{
    if (node) {
        oracle_node_free(node->left);
        oracle_node_free(node->right);
        free(node);
    }
}

static void oracle_free(oracle *o)
{
    for (size_t t = 0; t < o->trees; t++)
        oracle_node_free(o->tree[t]);
    free(o->tree);
    free(o->candidate);
    free(o->centre);
    free(o->exponent);
    free(o->z);
}

/* ---- Trees --------------------------------------------------------------------------- */

static tocsin_forest *fit(const points *p, const tocsin_forest_options *options)
{
    const tocsin_matrix matrix = matrix_of(p);
    tocsin_forest *forest = NULL;

    require(tocsin_forest_fit(&forest, options, &matrix, NULL) == TOCSIN_OK && forest, "fit");
    return forest;
}

static double *depths_of(const tocsin_forest *forest, const points *p)
{
    const tocsin_matrix matrix = matrix_of(p);
    double *const depths = malloc((p->rows + 1) * sizeof *depths);

    require(tocsin_forest_depth(forest, &matrix, depths) == TOCSIN_OK, "depth");
    return depths;
}

static double *scores_of(const tocsin_forest *forest, const points *p)
{
    const tocsin_matrix matrix = matrix_of(p);
    double *const scores = malloc((p->rows + 1) * sizeof *scores);

    require(tocsin_forest_score(forest, &matrix, scores) == TOCSIN_OK, "score");
    return scores;
}

static tocsin_forest_info info_of(const tocsin_forest *forest)
{
    tocsin_forest_info info;

    memset(&info, 0x5a, sizeof info);
    info.struct_size = sizeof info;
    require(tocsin_forest_describe(forest, &info) == TOCSIN_OK, "describe");
    return info;
}

/* Points that were not fitted on, among them all kinds of strange ones. */
static points points_to_judge(const points *fitted, uint64_t seed)
{
    points p = points_new(fitted->rows + 200, fitted->columns);
    rng random = rng_seeded(seed);

    memcpy(p.value, fitted->value, fitted->rows * fitted->columns * sizeof(double));
    for (size_t k = fitted->rows * p.columns; k < p.rows * p.columns; k++) {
        static const double strange[] = {0, -0.0, NAN, INFINITY, -INFINITY, DBL_MIN, 1e9, -DBL_MAX};
        const size_t which = rng_below(&random, 16);

        p.value[k] = which < 8 ? strange[which]
                               : fitted->value[rng_below(&random, fitted->rows * p.columns)];
    }
    return p;
}

static void check_against_oracle(size_t rows, size_t columns, uint32_t trees, uint32_t sample,
                                 uint32_t depth, uint32_t mix, uint64_t seed)
{
    const tocsin_forest_options options = {sizeof options, trees, sample, depth, seed, mix, 0};
    points p = points_mixed(rows, columns, seed + 1);
    points judged = points_to_judge(&p, seed + 2);
    tocsin_forest *const forest = fit(&p, &options);
    oracle o = oracle_fit(&p, &options);
    double *const depths = depths_of(forest, &judged), *const scores = scores_of(forest, &judged);
    const tocsin_forest_info info = info_of(forest);
    const double expected = oracle_expected(o.sample);

    ck_assert_uint_eq(info.cuts, o.cuts);
    ck_assert_uint_eq(info.sample, o.sample);
    ck_assert_uint_eq(info.depth, o.depth);
    require(fabs(info.expected_depth - expected) < 1e-12, "c is %.17g", info.expected_depth);
    for (size_t r = 0; r < judged.rows; r++) {
        const double depth_there = oracle_depth(&o, &judged, r);

        require(depths[r] == depth_there, "row %zu of %zux%zu: %.17g, not %.17g", r, rows, columns,
                depths[r], depth_there);
        require(fabs(scores[r] - (expected > 0 ? pow(2, -depth_there / expected) : 0.5)) < 1e-12,
                "score %.17g of depth %.17g", scores[r], depth_there);
    }
    oracle_free(&o);
    free(depths);
    free(scores);
    tocsin_forest_free(forest);
    free(p.value);
    free(judged.value);
}

START_TEST(trees_are_those_of_the_definition)
{
    static const size_t rows[] = {1, 2, 3, 255, 256, 257, 700};
    static const size_t columns[] = {1, 2, 3, 8, 9, 33};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
            check_against_oracle(rows[i], columns[k], 20, 256, 0, 0, 1000 * i + k);
}
END_TEST

START_TEST(whatever_the_options)
{
    check_against_oracle(300, 4, 1, 256, 0, 0, 0);
    check_against_oracle(300, 4, 33, 2, 0, 0, 1);
    check_against_oracle(300, 4, 33, 3, 1, 0, UINT64_MAX);
    check_against_oracle(300, 4, 13, 64, 3, 0, 7);
    check_against_oracle(1100, 5, 7, 1000, 0, 0, 8);
    check_against_oracle(400, 3, 7, 65536, 0, 0, 9);
    check_against_oracle(400, 3, 7, 40, 16, 0, 10);
    check_against_oracle(300, 64, 200, 256, 0, 0, 11);
}
END_TEST

START_TEST(cuts_through_several_metrics)
{
    static const size_t columns[] = {1, 2, 3, 8, 33, 100};

    for (uint32_t mix = 2; mix <= MIX_MAX; mix += mix < 4 ? 1 : 4)
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
            check_against_oracle(300, columns[k], 11, 256, 0, mix, 100 * mix + k);
    check_against_oracle(700, 4, 7, 600, 0, 2, 30);
    check_against_oracle(300, 4, 33, 3, 1, 2, 31);
    check_against_oracle(2, 4, 3, 256, 0, 3, 32);
}
END_TEST

/* Too many metrics, or thresholds, for words of 16 bits. */
START_TEST(wide_forests_too)
{
    check_against_oracle(300, 1000, 30, 256, 0, 0, 20);
    check_against_oracle(3000, 1, 130, 1024, 10, 0, 21);
}
END_TEST

START_TEST(a_thousand_metrics_of_which_one_varies)
{
    points p = points_new(400, 1000);
    rng random = rng_seeded(5);
    tocsin_forest *forest;

    for (size_t c = 0; c < p.columns; c++)
        fill_column(&p, c, c == 777 ? GAUSSIAN : c % 2 ? CONSTANT : EMPTY, &random);
    forest = fit(&p, NULL);
    ck_assert_uint_eq(info_of(forest).used, 1);
    ck_assert_uint_gt(info_of(forest).cuts, 100 * 50);
    tocsin_forest_free(forest);
    free(p.value);
}
END_TEST

/* A forest that never cuts has nothing to say, and says so; one that could cut must. */
START_TEST(forests_cut_where_they_can)
{
    points p = points_new(500, 3);
    rng random = rng_seeded(6);

    for (int is_varied = 0; is_varied < 2; is_varied++) {
        for (size_t c = 0; c < 3; c++)
            fill_column(&p, c, is_varied && c == 1 ? GRID : CONSTANT, &random);
        tocsin_forest *const forest = fit(&p, NULL);
        const tocsin_forest_info info = info_of(forest);
        double *const scores = scores_of(forest, &p);
        double least = 1, most = 0;

        for (size_t r = 0; r < p.rows; r++) {
            least = fmin(least, scores[r]);
            most = fmax(most, scores[r]);
        }
        ck_assert_uint_eq(info.trees, 100);
        if (is_varied) {
            ck_assert_uint_ge(info.cuts, 4 * 100);
            ck_assert(most > least);
        } else {
            ck_assert_uint_eq(info.cuts, 0);
            ck_assert_uint_eq(info.used, 0);
            ck_assert(most == least);
            ck_assert(fabs(most - 0.5) < 1e-3);
        }
        free(scores);
        tocsin_forest_free(forest);
    }
    free(p.value);
}
END_TEST

START_TEST(a_single_point_is_nothing_unusual)
{
    points p = points_mixed(1, 4, 9);
    tocsin_forest *const forest = fit(&p, NULL);
    double *const scores = scores_of(forest, &p);

    ck_assert(scores[0] == 0.5);
    ck_assert(info_of(forest).expected_depth == 0);
    free(scores);
    tocsin_forest_free(forest);
    free(p.value);
}
END_TEST

/* ---- Ways ----------------------------------------------------------------------------- */

START_TEST(kernels_and_batches_give_the_same_bits)
{
    static const size_t columns[] = {1, 2, 3, 7, 8, 14, 20, 40, 64};

    for (size_t k = 0; k < 2 * (sizeof columns / sizeof columns[0]); k++) {
        const tocsin_forest_options options = {
            sizeof options, 50 + 15 * (uint32_t)(k % 3), 0, 0, k, k % 2 ? 2 + (uint32_t)k / 6 : 1, 0};
        points p = points_mixed(700, columns[k / 2], 30 + k);
        tocsin_forest *const forest = fit(&p, &options);

        tocsin_kernel_force("scalar");
        double *const expected = depths_of(forest, &p);
        for (size_t i = 0; i < tocsin_kernel_count(); i++) {
            tocsin_kernel_force(tocsin_kernel_name(i));
            double *const all = depths_of(forest, &p);

            ck_assert_mem_eq(all, expected, p.rows * sizeof *all);
            for (size_t r = 0; r < p.rows;) {
                const size_t count = r % 150 + 1 < p.rows - r ? r % 150 + 1 : p.rows - r;
                const points part = {p.value + r * p.columns, count, p.columns};
                double *const some = depths_of(forest, &part);

                ck_assert_mem_eq(some, expected + r, count * sizeof *some);
                free(some);
                r += count;
            }
            for (size_t r = 0; r < p.rows; r += 17) {
                const points one = {p.value + r * p.columns, 1, p.columns};
                double *const alone = depths_of(forest, &one);

                assert_same_bits(*alone, expected[r]);
                free(alone);
            }
            free(all);
        }
        tocsin_kernel_force(NULL);
        free(expected);
        tocsin_forest_free(forest);
        free(p.value);
    }
}
END_TEST

/* Rows and columns in any order, with gaps, forwards and backwards, as doubles or floats. */
START_TEST(strides_and_types_do_not_matter)
{
    enum { ROWS = 600, COLUMNS = 5 };
    static double rows[ROWS][COLUMNS], columns[COLUMNS][ROWS], apart[ROWS][2 * COLUMNS + 1];
    static double backwards[ROWS][COLUMNS];
    static float floats[ROWS][COLUMNS];
    rng random = rng_seeded(40);

    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLUMNS; c++) {
            const float value = rng_below(&random, 9) == 0 ? NAN : (float)rng_normal(&random);

            floats[r][c] = value;
            rows[r][c] = columns[c][r] = apart[r][2 * c] = (double)value;
            backwards[ROWS - 1 - r][COLUMNS - 1 - c] = (double)value;
        }
    const tocsin_matrix ways[] = {
        {sizeof ways[0], TOCSIN_VALUES_DOUBLE, ROWS, COLUMNS, 0, 0, rows},
        {sizeof ways[0], TOCSIN_VALUES_DOUBLE, ROWS, COLUMNS, COLUMNS, 1, rows},
        {sizeof ways[0], TOCSIN_VALUES_DOUBLE, ROWS, COLUMNS, 1, ROWS, columns},
        {sizeof ways[0], TOCSIN_VALUES_DOUBLE, ROWS, COLUMNS, 2 * COLUMNS + 1, 2, apart},
        {sizeof ways[0], TOCSIN_VALUES_DOUBLE, ROWS, COLUMNS, -COLUMNS, -1,
         &backwards[ROWS - 1][COLUMNS - 1]},
        {sizeof ways[0], TOCSIN_VALUES_FLOAT, ROWS, COLUMNS, 0, 0, floats},
    };
    double expected[ROWS], scores[ROWS];

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        tocsin_forest *forest;

        ck_assert_int_eq(tocsin_forest_fit(&forest, NULL, &ways[i], NULL), TOCSIN_OK);
        for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++) {
            double *const out = i == 0 && k == 0 ? expected : scores;

            memset(out, 0, sizeof expected);
            ck_assert_int_eq(tocsin_forest_score(forest, &ways[k], out), TOCSIN_OK);
            ck_assert_mem_eq(out, expected, sizeof expected);
        }
        tocsin_forest_free(forest);
    }
}
END_TEST

START_TEST(seeds_make_different_forests)
{
    points p = points_mixed(1000, 3, 50);
    const tocsin_forest_options one = {sizeof one, 10, 0, 0, 1, 0, 0},
                                two = {sizeof two, 10, 0, 0, 2, 0, 0};
    tocsin_forest *const a = fit(&p, &one), *const b = fit(&p, &two);
    double *const x = depths_of(a, &p), *const y = depths_of(b, &p);

    ck_assert_mem_ne(x, y, p.rows * sizeof *x);
    ck_assert_uint_eq(info_of(a).seed, 1);
    free(x);
    free(y);
    tocsin_forest_free(a);
    tocsin_forest_free(b);
    free(p.value);
}
END_TEST

/* ---- What it is for --------------------------------------------------------------------- */

/* The share of pairs in which the odd one scores higher. */
static double auc(const double *scores, size_t odd, size_t count)
{
    double wins = 0;

    for (size_t i = 0; i < odd; i++)
        for (size_t k = odd; k < count; k++)
            wins += scores[i] > scores[k] ? 1 : scores[i] == scores[k] ? 0.5 : 0;
    return wins / ((double)odd * (double)(count - odd));
}

/* Odd points first.  Two clusters and strays far from both: an ideal detector, which knows the
 * clusters' centres, ranks by the distance to the nearer one. */
START_TEST(strays_rank_above_clusters)
{
    enum { ROWS = 2000, ODD = 40, COLUMNS = 4 };

    for (uint64_t seed = 0; seed < 5; seed++) {
        points p = points_new(ROWS, COLUMNS);
        rng random = rng_seeded(60 + seed);
        double distance[ROWS];

        for (size_t r = 0; r < ROWS; r++) {
            double near[2] = {0, 0};

            for (size_t c = 0; c < COLUMNS; c++) {
                const double centre = r % 2 ? 5 : -5;
                double *const v = &p.value[r * COLUMNS + c];

                *v = r < ODD ? 24 * (rng_uniform(&random) - 0.5) : centre + rng_normal(&random);
                near[0] += (*v - 5) * (*v - 5);
                near[1] += (*v + 5) * (*v + 5);
            }
            distance[r] = fmin(near[0], near[1]);
        }
        const tocsin_forest_options options = {.struct_size = sizeof options, .seed = seed};
        tocsin_forest *const forest = fit(&p, &options);
        double *const scores = scores_of(forest, &p);
        const double ideal = auc(distance, ODD, ROWS), own = auc(scores, ODD, ROWS);

        require(ideal > 0.98, "the test's own points are no strays: %g", ideal);
        require(own > ideal - 0.05, "%g, an ideal detector %g", own, ideal);
        free(scores);
        tocsin_forest_free(forest);
        free(p.value);
    }
}
END_TEST

/* What is odd as a combination only: points off a diagonal, each of whose metrics is as usual as can
 * be.  Cuts through both see it, cuts of one at a time hardly do. */
START_TEST(mixed_cuts_see_combinations)
{
    enum { ROWS = 1000, ODD = 20 };
    points p = points_new(ROWS, 2);
    rng random = rng_seeded(66);
    double area[2];

    for (size_t r = 0; r < ROWS; r++) {
        const double x = 20 * rng_uniform(&random) - 10;

        p.value[2 * r] = x;
        p.value[2 * r + 1] = 1e6 * (r < ODD ? x + (x > 0 ? -5 : 5) : x + 0.1 * rng_normal(&random));
    }
    for (uint32_t mix = 1; mix <= 2; mix++) {
        const tocsin_forest_options options = {sizeof options, 300, 0, 0, 5, mix, 0};
        tocsin_forest *const forest = fit(&p, &options);
        double *const scores = scores_of(forest, &p);

        ck_assert_uint_eq(info_of(forest).mix, mix);
        area[mix - 1] = auc(scores, ODD, ROWS);
        free(scores);
        tocsin_forest_free(forest);
    }
    require(area[1] > 0.99 && area[1] > area[0], "%g by one metric, %g by two", area[0], area[1]);
    free(p.value);
}
END_TEST

/* A missing value must not make a point odd, nor hide that it is odd otherwise. */
START_TEST(missing_values_are_neutral)
{
    points p = points_new(1000, 4);
    rng random = rng_seeded(70);
    double *scores;

    for (size_t c = 0; c < 4; c++)
        fill_column(&p, c, GAUSSIAN, &random);
    for (size_t c = 0; c < 4; c++) {
        p.value[c] = NAN;               /* row 0: nothing at all */
        p.value[4 + c] = 1e9 + 30;      /* row 1: far out, and so is row 2 but for a hole */
        p.value[8 + c] = c == 2 ? NAN : 1e9 + 30;
    }
    tocsin_forest *const forest = fit(&p, NULL);

    scores = scores_of(forest, &p);
    ck_assert(scores[0] < 0.5);
    ck_assert(scores[1] > 0.7);
    ck_assert(scores[2] > 0.65);
    free(scores);
    tocsin_forest_free(forest);
    free(p.value);
}
END_TEST

/* Every tree's depths average to what the definition says of a sample whose points all differ. */
START_TEST(the_expected_depth_is_the_mean_over_random_samples)
{
    enum { FORESTS = 40, TREES = 100 };
    points p = points_new(64, 1);
    double sum = 0, expected = 0;

    for (size_t r = 0; r < p.rows; r++)
        p.value[r] = (double)r;
    for (uint64_t seed = 0; seed < FORESTS; seed++) {
        const tocsin_forest_options options = {sizeof options, TREES, 64, 16, seed, 0, 0};
        tocsin_forest *const forest = fit(&p, &options);
        double *const depths = depths_of(forest, &p);

        for (size_t r = 0; r < p.rows; r++)
            sum += depths[r] / (double)p.rows / FORESTS;
        expected = info_of(forest).expected_depth;
        free(depths);
        tocsin_forest_free(forest);
    }
    /* Uniform cuts between equally spaced points are those of random binary search trees. */
    require(fabs(sum - expected) < 0.05, "%g, expected %g", sum, expected);
    free(p.value);
}
END_TEST

/* ---- Explanations --------------------------------------------------------------------------- */

/* The same by the oracle's trees, which know how many rows each node has. */
static void oracle_explain(const oracle *o, const double *row, double *out)
{
    const size_t columns = o->p->columns;
    float *const z = malloc(columns * sizeof *z);

    for (size_t c = 0; c < columns; c++) {
        z[c] = oracle_z(o, row[c], c);
        out[c] = 0;
    }
    for (size_t t = 0; t < o->trees; t++)
        for (const oracle_node *node = o->tree[t], *next; node->left; node = next) {
            double part[MIX_MAX], all = 0;

            next = oracle_sum(node, z) < node->threshold ? node->left : node->right;
            for (size_t j = 0; j < node->chosen; j++) {
                part[j] = fabs((double)((j == 0 ? 1 : node->weight[j]) * z[node->column[j]]));
                all += part[j];
            }
            for (size_t j = 0; j < node->chosen && all > 0; j++)
                out[node->column[j]] += (oracle_expected(node->count) - 1 -
                                         oracle_expected(next->count)) *
                                        part[j] / all / (double)o->trees;
            /* Where all lie at their medians, the parts are equal; cuts of one metric have one. */
            for (size_t j = 0; j < node->chosen && all == 0; j++)
                out[node->column[j]] += (oracle_expected(node->count) - 1 -
                                         oracle_expected(next->count)) /
                                        (double)node->chosen / (double)o->trees;
        }
    free(z);
}

static void check_explanations(size_t rows, size_t columns, uint32_t depth, uint32_t mix)
{
    const tocsin_forest_options options = {sizeof options, 20, 256, depth, 7, mix, 0};
    points p = points_mixed(rows, columns, columns + mix);
    points judged = points_to_judge(&p, 111);
    const tocsin_matrix matrix = matrix_of(&judged);
    tocsin_forest *const forest = fit(&p, &options);
    oracle o = oracle_fit(&p, &options);
    double *const depths = depths_of(forest, &judged);
    double *const out = malloc(judged.rows * columns * sizeof *out);
    double *const expected = malloc(columns * sizeof *expected);

    ck_assert_int_eq(tocsin_forest_explain(forest, &matrix, out), TOCSIN_OK);
    for (size_t r = 0; r < judged.rows; r++) {
        double sum = 0;

        for (size_t c = 0; c < columns; c++)
            sum += out[r * columns + c];
        require(fabs(sum - (info_of(forest).expected_depth - depths[r])) <= 1.0 / 256,
                "row %zu: %g in all, not %g - %g", r, sum, info_of(forest).expected_depth,
                depths[r]);
        if (r % 10 != 0)
            continue;
        oracle_explain(&o, judged.value + r * columns, expected);
        /* Each of a way's cuts is rounded to 256ths. */
        for (size_t c = 0; c < columns; c++)
            require(fabs(out[r * columns + c] - expected[c]) < 16.0 / 256,
                    "%zux%zu, row %zu, metric %zu: %g, not %g", rows, columns, r, c,
                    out[r * columns + c], expected[c]);
    }
    oracle_free(&o);
    free(depths);
    free(out);
    free(expected);
    tocsin_forest_free(forest);
    free(p.value);
    free(judged.value);
}

START_TEST(explanations_add_up_and_are_the_definitions)
{
    check_explanations(300, 1, 0, 1);
    check_explanations(300, 4, 0, 1);
    check_explanations(300, 4, 3, 1);
    check_explanations(300, 100, 0, 1);
    check_explanations(1, 3, 0, 1);
}
END_TEST

START_TEST(explanations_of_mixed_cuts_too)
{
    check_explanations(300, 2, 0, 2);
    check_explanations(300, 8, 0, 3);
    check_explanations(300, 80, 0, 2);
}
END_TEST

/* A point that is odd in one metric, whichever and in whatever unit, is explained by it. */
START_TEST(the_metric_to_blame_is_named)
{
    enum { ROWS = 500, COLUMNS = 6 };
    points p = points_new(ROWS, COLUMNS);
    rng random = rng_seeded(120);
    double out[COLUMNS * COLUMNS];

    for (size_t k = 0; k < ROWS * COLUMNS; k++)
        p.value[k] = pow(10, 3.0 * (double)(k % COLUMNS)) * rng_normal(&random);
    for (size_t c = 0; c < COLUMNS; c++)
        p.value[c * COLUMNS + c] = (c % 2 ? -12 : 12) * pow(10, 3.0 * (double)c);
    for (uint32_t mix = 1; mix <= 2; mix++) {
        const tocsin_forest_options options = {sizeof options, 200, 0, 0, 3, mix, 0};
        const points odd = {p.value, COLUMNS, COLUMNS};
        const tocsin_matrix matrix = matrix_of(&odd);
        tocsin_forest *const forest = fit(&p, &options);

        ck_assert_int_eq(tocsin_forest_explain(forest, &matrix, out), TOCSIN_OK);
        for (size_t r = 0; r < COLUMNS; r++)
            for (size_t c = 0; c < COLUMNS; c++)
                require(c == r || out[r * COLUMNS + c] < out[r * COLUMNS + r] - 0.5,
                        "mix %u: metric %zu is blamed for what %zu did: %g, %g", mix, c, r,
                        out[r * COLUMNS + c], out[r * COLUMNS + r]);
        tocsin_forest_free(forest);
    }
    free(p.value);
}
END_TEST

/* ---- Snapshots ---------------------------------------------------------------------------- */

/* A forest that was saved and loaded is the same, to the last answer and byte. */
static void check_snapshot(size_t rows, size_t columns, const tocsin_forest_options *options,
                           size_t largest)
{
    points p = points_mixed(rows, columns, 100 + columns);
    points judged = points_to_judge(&p, 101);
    tocsin_forest *const forest = fit(&p, options);
    counting_allocator counting;
    tocsin_allocator allocator = counting_start(&counting);
    tocsin_forest *loaded = NULL;
    size_t size = 0;

    ck_assert_int_eq(tocsin_forest_save(forest, NULL, 0, &size), TOCSIN_ERROR_SPACE);
    require(size <= largest, "%zu bytes", size);

    unsigned char *const bytes = malloc(size + 1), *const again = malloc(size);

    memset(bytes, 0x55, size + 1);
    ck_assert_int_eq(tocsin_forest_save(forest, bytes, size - 1, NULL), TOCSIN_ERROR_SPACE);
    ck_assert_uint_eq(bytes[0], 0x55);
    ck_assert_int_eq(tocsin_forest_save(forest, bytes, size + 1, NULL), TOCSIN_OK);
    ck_assert_uint_eq(bytes[size], 0x55);
    ck_assert_int_eq(tocsin_forest_load(&loaded, bytes, size, &allocator, NULL), TOCSIN_OK);
    ck_assert_uint_eq(counting.live, 1);

    const size_t calls = counting.calls;
    tocsin_forest_info a = info_of(forest), b = info_of(loaded);
    double *const x = scores_of(forest, &judged), *const y = scores_of(loaded, &judged);

    ck_assert_mem_eq(x, y, judged.rows * sizeof *x);
    a.bytes = b.bytes = 0;      /* trees that did not grow to their depth are laid out smaller */
    ck_assert_mem_eq(&a, &b, sizeof a);
    ck_assert_int_eq(tocsin_forest_save(loaded, again, size, NULL), TOCSIN_OK);
    ck_assert_mem_eq(bytes, again, size);
    tocsin_forest_free(loaded);
    ck_assert_uint_eq(counting.live, 0);
    for (size_t k = 1; k <= calls; k++) {
        allocator = counting_start(&counting);
        counting.fail_at = k;
        ck_assert_int_eq(tocsin_forest_load(&loaded, bytes, size, &allocator, NULL),
                         TOCSIN_ERROR_MEMORY);
        ck_assert_ptr_null(loaded);
        ck_assert_uint_eq(counting.live, 0);
    }
    tocsin_forest_free(forest);
    free(x);
    free(y);
    free(bytes);
    free(again);
    free(p.value);
    free(judged.value);
}

START_TEST(snapshots_are_the_forest)
{
    static const size_t columns[] = {1, 2, 8, 33, 300};

    for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
        for (uint32_t mix = 1; mix <= 3; mix++) {
            const tocsin_forest_options options = {sizeof options, 20, 0, 0, k, mix, 0};

            check_snapshot(300, columns[k], &options, SIZE_MAX);
        }
    for (uint32_t depth = 1; depth <= 16; depth += 5) {
        const tocsin_forest_options options = {sizeof options, 5, 0, depth, depth, 1, 0};

        check_snapshot(400, 3, &options, SIZE_MAX);
    }
    check_snapshot(1, 3, NULL, 400);
    check_snapshot(5000, 8, NULL, 100000);
    check_snapshot(5000, 1, NULL, 100000);
}
END_TEST

/* ---- Arguments and memory ----------------------------------------------------------------- */

START_TEST(nonsense_is_refused)
{
    points p = points_mixed(50, 2, 80);
    const tocsin_matrix good = matrix_of(&p);
    tocsin_forest_options options = {.struct_size = sizeof options};
    tocsin_forest *forest = (tocsin_forest *)&p;
    tocsin_forest_info info;
    tocsin_matrix bad = good;
    double scores[50];

    ck_assert_int_eq(tocsin_forest_fit(NULL, NULL, &good, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_forest_fit(&forest, NULL, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_ptr_null(forest);
#define REFUSED(change)                                                                  \
    do {                                                                                 \
        const tocsin_forest_options kept = options;                                      \
        bad = good;                                                                      \
        change;                                                                          \
        ck_assert_int_eq(tocsin_forest_fit(&forest, &options, &bad, NULL),               \
                         TOCSIN_ERROR_ARGUMENT);                                         \
        ck_assert_ptr_null(forest);                                                      \
        options = kept;                                                                  \
    } while (0)
    REFUSED(bad.struct_size = 8);
    REFUSED(bad.value_type = TOCSIN_VALUES_U64);
    REFUSED(bad.rows = 0);
    REFUSED(bad.rows = TOCSIN_FOREST_ROWS_MAX + 1);
    REFUSED(bad.columns = 0);
    REFUSED(bad.columns = TOCSIN_FOREST_COLUMNS_MAX + 1);
    REFUSED(bad.values = NULL);
    REFUSED(options.struct_size = 4);
    REFUSED(options.trees = 4097);
    REFUSED(options.sample = 1);
    REFUSED(options.sample = 65537);
    REFUSED(options.depth = 17);
    REFUSED(options.mix = 9);
    REFUSED(options.trees = 257; options.depth = 16);
    REFUSED(options.trees = 129; options.depth = 16; options.mix = 2);
    REFUSED(options.reserved = 1);
#undef REFUSED

    ck_assert_int_eq(tocsin_forest_fit(&forest, &options, &good, NULL), TOCSIN_OK);
    bad = good;
    bad.columns = 1;
    ck_assert_int_eq(tocsin_forest_score(forest, &bad, scores), TOCSIN_ERROR_MISMATCH);
    ck_assert_int_eq(tocsin_forest_score(forest, &good, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_forest_score(NULL, &good, scores), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_forest_depth(forest, NULL, scores), TOCSIN_ERROR_ARGUMENT);
    bad = good;
    bad.rows = 0;
    bad.values = NULL;
    ck_assert_int_eq(tocsin_forest_score(forest, &bad, NULL), TOCSIN_OK);
    info.struct_size = sizeof info - 1;
    ck_assert_int_eq(tocsin_forest_describe(forest, &info), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_forest_describe(forest, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_forest_describe(NULL, &info), TOCSIN_ERROR_ARGUMENT);
    tocsin_forest_free(forest);
    tocsin_forest_free(NULL);
    free(p.value);
}
END_TEST

START_TEST(memory_is_the_allocators_and_scoring_takes_none)
{
    points p = points_mixed(2000, 8, 90);
    const tocsin_matrix matrix = matrix_of(&p);
    double *const scores = malloc(p.rows * sizeof *scores);
    counting_allocator counting;
    tocsin_allocator allocator = counting_start(&counting);
    tocsin_forest *forest;
    size_t calls;

    ck_assert_int_eq(tocsin_forest_fit(&forest, NULL, &matrix, &allocator), TOCSIN_OK);
    calls = counting.calls;
    ck_assert_uint_eq(counting.live, 1);
    ck_assert_int_eq(tocsin_forest_score(forest, &matrix, scores), TOCSIN_OK);
    ck_assert_uint_eq(counting.calls, calls);
    for (size_t i = 0; i < COUNTING_LIVE_MAX; i++)
        if (counting.block[i].ptr)
            ck_assert_uint_eq(counting.block[i].size, info_of(forest).bytes);
    tocsin_forest_free(forest);
    ck_assert_uint_eq(counting.live, 0);
    for (size_t k = 1; k <= calls; k++) {
        allocator = counting_start(&counting);
        counting.fail_at = k;
        ck_assert_int_eq(tocsin_forest_fit(&forest, NULL, &matrix, &allocator),
                         TOCSIN_ERROR_MEMORY);
        ck_assert_ptr_null(forest);
        ck_assert_uint_eq(counting.live, 0);
    }
    free(scores);
    free(p.value);
}
END_TEST

static Suite *suite(void)
{
    Suite *const s = suite_create("forest");
    TCase *tcase = suite_case(s, "trees");

    tcase_add_test(tcase, trees_are_those_of_the_definition);
    tcase_add_test(tcase, whatever_the_options);
    tcase_add_test(tcase, cuts_through_several_metrics);
    tcase_add_test(tcase, wide_forests_too);
    tcase_add_test(tcase, a_thousand_metrics_of_which_one_varies);
    tcase_add_test(tcase, forests_cut_where_they_can);
    tcase_add_test(tcase, a_single_point_is_nothing_unusual);

    tcase = suite_case(s, "ways");
    tcase_add_test(tcase, kernels_and_batches_give_the_same_bits);
    tcase_add_test(tcase, strides_and_types_do_not_matter);
    tcase_add_test(tcase, seeds_make_different_forests);

    tcase = suite_case(s, "purpose");
    tcase_add_test(tcase, strays_rank_above_clusters);
    tcase_add_test(tcase, mixed_cuts_see_combinations);
    tcase_add_test(tcase, missing_values_are_neutral);
    tcase_add_test(tcase, the_expected_depth_is_the_mean_over_random_samples);

    tcase = suite_case(s, "explanations");
    tcase_add_test(tcase, explanations_add_up_and_are_the_definitions);
    tcase_add_test(tcase, explanations_of_mixed_cuts_too);
    tcase_add_test(tcase, the_metric_to_blame_is_named);

    tcase = suite_case(s, "snapshots");
    tcase_add_test(tcase, snapshots_are_the_forest);

    tcase = suite_case(s, "arguments");
    tcase_add_test(tcase, nonsense_is_refused);
    tcase_add_test(tcase, memory_is_the_allocators_and_scoring_takes_none);
    return s;
}

TOCSIN_TEST_MAIN(suite)
