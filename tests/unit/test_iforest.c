/* test_iforest.c - rolling isolation trees against a forest grown the plain way. */
#include <math.h>

#include "../../lib/detect/iforest.c"
#include "../support/rng.h"
#include "../support/stage_alone.h"
#include "../support/suite.h"

#define POOL 32
#define PLAIN_TREES 4000

STAGE_ALONE(forest, iforest)

/* The mean depth of n points that end together: the mean of all ways to part them, by recursion. */
static double plain_mean_depth(uint32_t n)
{
    double harmonic = 0;

    for (uint32_t i = 1; i < n; i++)
        harmonic += 1.0 / i;
    return n > 1 ? 2 * harmonic - 2 * (n - 1.0) / n : 0;
}

/* The depth at which x ends in a tree that is grown at random for it alone, with x among the points of
 * which the smallest and the largest are taken when a cut is drawn. */
static double plain_depth(rng *r, const uint16_t (*points)[2], uint32_t *chosen, uint32_t count,
                          const uint16_t *x, uint32_t level, uint32_t most)
{
    uint32_t low = UINT16_MAX, high = 0, kept = 0, cut;
    size_t metric = rng_below(r, 2);

    if (level == most || count <= 1)
        return level + plain_mean_depth(count);
    for (int tries = 0; tries < 2; tries++, metric = 1 - metric) {
        low = UINT16_MAX;
        high = 0;
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t at = points[chosen[i]][metric];

            low = at < low ? at : low;
            high = at > high ? at : high;
        }
        if (low < high)
            break;
    }
    if (low >= high)
        return level + plain_mean_depth(count);
    if (x[metric] < low)
        cut = x[metric] + 1 + (uint32_t)rng_below(r, high - x[metric]);
    else
        cut = low + 1 + (uint32_t)rng_below(r, (x[metric] > high ? x[metric] : high) - low);
    if (cut <= low || cut > high)       /* x is alone */
        return level + 1;
    for (uint32_t i = 0; i < count; i++)
        if ((points[chosen[i]][metric] >= cut) == (x[metric] >= cut))
            chosen[kept++] = chosen[i];
    return plain_depth(r, points, chosen, kept, x, level + 1, most);
}

/* Mean and its standard error over plain trees, each of a sample of its own. */
static void plain_forest(rng *r, const uint16_t (*points)[2], uint32_t pool, uint32_t sample,
                         const uint16_t *x, double *mean, double *error)
{
    double sum = 0, squares = 0;

    for (int t = 0; t < PLAIN_TREES; t++) {
        uint32_t chosen[POOL];
        double depth;

        for (uint32_t i = 0; i < pool; i++)
            chosen[i] = i;
        for (uint32_t i = 0; i < sample; i++) {
            const uint32_t other = i + (uint32_t)rng_below(r, pool - i);
            const uint32_t moving = chosen[i];

            chosen[i] = chosen[other];
            chosen[other] = moving;
        }
        depth = plain_depth(r, points, chosen, sample, x, 0, 4);
        sum += depth;
        squares += depth * depth;
    }
    *mean = sum / PLAIN_TREES;
    *error = sqrt((squares / PLAIN_TREES - *mean * *mean) / PLAIN_TREES);
}

START_TEST(depths_are_those_of_a_plain_forest)
{
    /* The pool is full after 32 points and hardly changes from then on. */
    forest f = forest_new("iforest metrics=2 trees=1000 sample=16 half-life=1000000000p");
    rng r = rng_seeded(70);
    static const double probes[][2] = {{0, 0}, {1, -1}, {4, 0}, {0, 30}, {-3, -3}};
    static uint16_t points[POOL][2];
    const uint16_t *pool;

    for (int i = 0; i < POOL; i++) {
        const double row[2] = {rng_normal(&r), i % 4 ? rng_normal(&r) : 3};

        forest_push(&f, row);
    }
    /* Everything is kept as it is now, and all trees are grown from it. */
    pool = tocsin__rows_const_array(&f.k->rows, f.s, IFOREST_POOL);
    memcpy(points, pool, sizeof points);
    f.s->grown = f.s->oldest = f.s->node = 0;
    while (f.s->grown < f.k->trees) {
        if (f.s->node == 0)
            iforest_begin(f.k, f.s);
        iforest_grow(f.k, f.s, 1000);
    }
    for (size_t p = 0; p < sizeof probes / sizeof probes[0]; p++) {
        uint16_t codes[2];
        double mean, error, depth;

        f.point.row = probes[p];
        tocsin__rows_code(&f.k->rows, f.s, &f.point, codes);
        depth = iforest_depth(f.k, f.s, codes);
        plain_forest(&r, (const uint16_t(*)[2])points, POOL, 16, codes, &mean, &error);
        /* 1,000 trees against 4,000; c(n) by logarithm is 0.05 off at worst. */
        ck_assert_msg(fabs(depth - mean) < 5 * error * sqrt(1 + 4) + 0.08,
                      "%g, not %g +- %g", depth, mean, error);
    }
    ck_assert(iforest_holds(f.k, f.s));
    forest_free(&f);
}
END_TEST

/* Trees are cut, and what lies apart ends sooner than what lies in the middle. */
START_TEST(what_is_apart_ends_soon)
{
    forest f = forest_new("iforest metrics=2 trees=20 sample=64");
    rng r = rng_seeded(71);
    double usual = 0;

    for (int i = 0; i < 400; i++) {
        const double row[2] = {rng_normal(&r), rng_normal(&r)};

        forest_push(&f, row);
        ck_assert(iforest_holds(f.k, f.s));
        if (i >= 300)
            usual += f.reading.channel[0] / 100;
    }
    const double outlier[2] = {9, -9};

    forest_push(&f, outlier);
    ck_assert(f.reading.channel[0] > usual + 3);
    forest_free(&f);
}
END_TEST

/* A new level is usual some half-lives later. */
START_TEST(old_trees_are_retired)
{
    forest f = forest_new("iforest trees=16 sample=16 half-life=60p");
    rng r = rng_seeded(72);
    double before = 0, at = 0, after = 0;

    for (int i = 0; i < 1200; i++) {
        const double value = rng_normal(&r) + (i >= 400 ? 40 : 0);

        forest_push(&f, &value);
        if (i >= 300 && i < 400)
            before += f.reading.channel[0] / 100;
        if (i >= 400 && i < 405)
            at += f.reading.channel[0] / 5;
        if (i >= 1100)
            after += f.reading.channel[0] / 100;
    }
    ck_assert_msg(at > before + 1, "%g is not more than %g", at, before);
    ck_assert_msg(fabs(after - before) < 0.5 * (at - before), "%g, %g, %g", before, at, after);
    forest_free(&f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("iforest");
    TCase *tcase = suite_case(s, "iforest");

    tcase_add_test(tcase, depths_are_those_of_a_plain_forest);
    tcase_add_test(tcase, what_is_apart_ends_soon);
    tcase_add_test(tcase, old_trees_are_retired);
    return s;
}

TOCSIN_TEST_MAIN(suite)
