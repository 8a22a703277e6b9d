/* test_hstrees.c - half-space trees against their definition, worked out the slow way: ranges are
 * carried down the tree, and masses are counted from the points of the window. */
#include <math.h>

#include "../../lib/detect/hstrees.c"
#include "../support/rng.h"
#include "../support/stage_alone.h"
#include "../support/suite.h"

#define POINTS 400
#define METRICS 3
#define CODES_MAX 6

STAGE_ALONE(trees, hstrees)

/* ---- The slow forest --------------------------------------------------------- */

typedef struct slow_node {
    uint32_t code;
    int threshold;              /* of inner nodes */
    double mass;                /* 65,535ths of the whole */
    int count;                  /* of the points of the window */
    struct slow_node *child[2]; /* NULL: a leaf */
} slow_node;

static slow_node *slow_grow(const hstrees_constants *k, uint64_t tree, uint32_t number,
                            uint32_t level, const double *low, const double *high)
{
    slow_node *node = calloc(1, sizeof *node);

    require(node != NULL, "the test itself is out of memory");
    if (level == k->depth)
        return node;
    node->code = (uint32_t)((tocsin__rows_mix(tree + number) >> 32) * k->rows.codes >> 32);

    const double s = (double)(tocsin__rows_mix(~tree - node->code) >> 11) / 9007199254740992.0;
    const double reach = 2 * (s > 0.5 ? s : 1 - s);     /* the tree's own range: s -+ reach */
    const double middle = (low[node->code] + high[node->code]) / 2;
    const double at = s - reach + 2 * reach * middle;
    const double threshold = 32768 + 2047.0 * 8 * (at - 0.5);

    node->threshold = threshold < 0 ? 0 : threshold > 65535 ? 65535 : (int)threshold;
    for (uint32_t side = 0; side < 2; side++) {
        double lows[CODES_MAX], highs[CODES_MAX];

        memcpy(lows, low, sizeof lows);
        memcpy(highs, high, sizeof highs);
        (side ? lows : highs)[node->code] = middle;
        node->child[side] = slow_grow(k, tree, 2 * number + side, level + 1, lows, highs);
    }
    return node;
}

static void slow_free(slow_node *node)
{
    for (int side = 0; side < 2 && node->child[0]; side++)
        slow_free(node->child[side]);
    free(node);
}

static void slow_count(slow_node *node, const uint16_t *codes)
{
    node->count++;
    if (node->child[0])
        slow_count(node->child[codes[node->code] >= node->threshold], codes);
}

/* The window of `window` points is full. */
static void slow_turn(slow_node *node, uint32_t window, double gain)
{
    const double target = floor(node->count * (65535.0 / window) + 0.5);
    const double move = (target - node->mass) * floor(gain * 65536) / 65536;

    node->mass += move > 0 ? ceil(move) : floor(move);
    node->count = 0;
    for (int side = 0; side < 2 && node->child[0]; side++)
        slow_turn(node->child[side], window, gain);
}

/* The mass where a walk ends times 2^level, and the bits lost by each code on the way. */
static double slow_found(const slow_node *node, const uint16_t *codes, double *lost)
{
    double weight = 1;

    while (node->child[0] && node->mass > 6553) {
        const slow_node *const next = node->child[codes[node->code] >= node->threshold];
        const double bits = log2(node->mass / (2 * (next->mass > 0 ? next->mass : 0.25)));

        lost[node->code] += bits > 0 ? bits : 0;
        node = next;
        weight *= 2;
    }
    return weight * (node->mass > 0 ? node->mass : 0.25);
}

static void make_row(rng *random, int i, double *row)
{
    row[0] = rng_normal(random);
    row[1] = row[0] + 0.3 * rng_normal(random) + (i % 97 == 96 ? 9 : 0);
    row[2] = rng_uniform(random);
}

START_TEST(equals_its_definition)
{
    static const char *const texts[] = {
        "hstrees metrics=3 trees=7 depth=5 window=40 half-life=100p seed=9",
        "hstrees metrics=3 shingle=2 trees=4 depth=6 window=25 half-life=10p",
        "hstrees metrics=3 trees=9 depth=1 window=30 half-life=1000p seed=3",
    };
    trees f = trees_new(texts[_i]);
    const hstrees_constants *const k = f.k;
    const double low[CODES_MAX] = {0}, high[CODES_MAX] = {1, 1, 1, 1, 1, 1};
    const double gain = 1 - exp2(-(double)k->window / k->rows.half_life);
    slow_node *roots[9];
    uint64_t random = k->seed;
    double shares[CODES_MAX + METRICS];
    int windows = 0, odd = 0;
    rng noise = rng_seeded(5);

    for (uint32_t t = 0; t < k->trees; t++)
        roots[t] = slow_grow(k, tocsin__rows_draw(&random), 1, 0, low, high);
    for (int i = 0; i < POINTS; i++) {
        double row[METRICS], lost[CODES_MAX] = {0}, all = 0, density = 0;
        uint16_t codes[TOCSIN__ROW_CODES_MAX];

        make_row(&noise, i, row);
        f.point.row = row;
        f.point.shares = NULL;
        tocsin__rows_code(&k->rows, f.s, &f.point, codes);
        for (uint32_t t = 0; t < k->trees && windows > 0; t++)
            density += log2(slow_found(roots[t], codes, lost) / 65535.0) / k->trees;

        f.reading.flags = 0;
        hstrees_score(k, f.s, NULL, &f.point, &f.reading);
        if (windows == 0) {
            ck_assert(isnan(f.reading.channel[0]));
            ck_assert(f.reading.flags & TOCSIN_FLAG_WARMING);
        } else {
            ck_assert_double_eq_tol(f.reading.channel[TOCSIN__ROWS_VIEWS], k->depth - density, 1e-9);
            for (uint32_t c = 0; c < k->rows.codes; c++)
                all += lost[c];
            if (all > 0 && f.reading.channel[0] > 0) {
                tocsin__reading blamed = f.reading;

                blamed.channel[TOCSIN__ROWS_DISTANCE] = blamed.channel[TOCSIN__ROWS_CHANGE] = 0;
                f.point.shares = shares;
                hstrees_share(k, f.s, NULL, &f.point, &blamed);
                for (uint32_t c = 0; c < k->rows.codes; c++)
                    ck_assert_double_eq_tol(shares[c], f.reading.channel[0] * lost[c] / all, 1e-9);
                f.point.shares = NULL;
                odd++;
            }
        }
        hstrees_learn(k, f.s, NULL, &f.point, &f.reading);
        ck_assert(hstrees_holds(k, f.s));
        for (uint32_t t = 0; t < k->trees; t++)
            slow_count(roots[t], codes);
        if ((i + 1) % (int)k->window == 0) {
            for (uint32_t t = 0; t < k->trees; t++)
                slow_turn(roots[t], k->window, windows > 0 ? gain : 1);
            windows++;
        }
    }
    ck_assert_int_gt(odd, 50);
    for (uint32_t t = 0; t < k->trees; t++)
        slow_free(roots[t]);
    trees_free(&f);
}
END_TEST

/* A metric that stands still, one that is another's twin and one that never comes. */
START_TEST(columns_that_say_nothing)
{
    trees f = trees_new("hstrees metrics=4 window=50 half-life=500p");
    rng noise = rng_seeded(8);

    for (int i = 0; i < POINTS; i++) {
        const double x = rng_normal(&noise), row[] = {x, 7, x, NAN};

        trees_push(&f, row);
        ck_assert(i < 50 || isfinite(f.reading.channel[0]));
        ck_assert_uint_ne(f.reading.metric, 3);
    }

    const double moved[] = {0, 8, 0, NAN}, calm[] = {0, 7, 0, NAN};

    f.point.row = calm;
    hstrees_score(f.k, f.s, NULL, &f.point, &f.reading);

    const double before = f.reading.channel[0];

    f.point.row = moved;
    hstrees_score(f.k, f.s, NULL, &f.point, &f.reading);
    ck_assert_double_ge(f.reading.channel[0], before);
    hstrees_share(f.k, f.s, NULL, &f.point, &f.reading);
    ck_assert_uint_ne(f.reading.metric, 3);
    trees_free(&f);
}
END_TEST

/* What a snapshot may hold: each point has come to the root, and cuts are of codes there are. */
START_TEST(states_that_cannot_be_are_refused)
{
    trees f = trees_new("hstrees metrics=2 trees=3 depth=3 window=10");
    hstrees_node *nodes = tocsin__rows_array(&f.k->rows, f.s, HSTREES_NODES);

    for (int i = 0; i < 25; i++) {
        const double row[] = {i % 5, i % 7};

        trees_push(&f, row);
    }
    ck_assert(hstrees_holds(f.k, f.s));
    for (int what = 0; what < 3; what++) {
        uint16_t *const field = what == 0 ? &nodes[8 + 3].code
                                : what == 1 ? &nodes[8 + 1].mass : &nodes[16 + 1].latest;
        const uint16_t was = *field;

        *field = 2;
        ck_assert(!hstrees_holds(f.k, f.s));
        *field = was;
        ck_assert(hstrees_holds(f.k, f.s));
    }
    trees_free(&f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hstrees");
    TCase *tcase = suite_case(s, "hstrees");

    tcase_add_loop_test(tcase, equals_its_definition, 0, 3);
    tcase_add_test(tcase, columns_that_say_nothing);
    tcase_add_test(tcase, states_that_cannot_be_are_refused);
    return s;
}

TOCSIN_TEST_MAIN(suite)
