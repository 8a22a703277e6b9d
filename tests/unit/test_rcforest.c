/* test_rcforest.c - cut trees against their definitions, worked out the slow way. */
#include <math.h>
#include <stdio.h>

#include "../../lib/detect/rcforest.c"
#include "../support/rng.h"
#include "../support/stage_alone.h"
#include "../support/suite.h"

#define POINTS 600

STAGE_ALONE(forest, rcforest)

/* The leaves below a node, by the tree's links alone. */
static uint32_t leaves_below(const rcforest_tree *tree, uint32_t node, uint32_t *leaves)
{
    uint32_t count;

    if (node < tree->n) {
        leaves[0] = node;
        return 1;
    }
    count = leaves_below(tree, rcforest_child(tree->node[node], 0), leaves);
    return count + leaves_below(tree, rcforest_child(tree->node[node], 1), leaves + count);
}

static uint32_t mass_below(const rcforest_tree *tree, uint32_t node)
{
    uint32_t leaves[RCFOREST_SAMPLE_MAX], mass = 0;

    for (uint32_t i = leaves_below(tree, node, leaves); i-- > 0;)
        mass += tree->mass[leaves[i]];
    return mass;
}

/* The mean, over every way to insert the point, of its displacement: each place at which the box
 * of a node's points and this one can be cut is tried.  `path` is the displacement of the ancestors
 * so far.  parts[i]: what of it comes from cuts across coordinate i. */
static double slow_displacement(const rcforest_tree *tree, uint32_t node, const uint16_t *x,
                                double path, double weight, double *parts)
{
    uint32_t leaves[RCFOREST_SAMPLE_MAX], sides = 0;
    const uint32_t count = leaves_below(tree, node, leaves), mass = mass_below(tree, node);
    double sum = 0, stays = 0;

    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < tree->codes; i++) {
            int low = x[i], high = x[i];

            for (uint32_t l = 0; l < count; l++) {
                const int at = tree->point[leaves[l] * tree->codes + i];

                low = at < low ? at : low;
                high = at > high ? at : high;
            }
            if (pass == 0)
                sides += (uint32_t)(high - low);
            for (int cut = low + 1; cut <= high && pass == 1; cut++) {
                int is_alone = 1;

                for (uint32_t l = 0; l < count && is_alone; l++)
                    is_alone = (tree->point[leaves[l] * tree->codes + i] >= cut) != (x[i] >= cut);
                if (is_alone) {
                    const double codisp = mass > path ? mass : path;

                    sum += codisp / sides;
                    parts[i] += weight * codisp / sides;
                } else {
                    stays += 1.0 / sides;
                }
            }
        }
    if (sides == 0)
        stays = 1;
    if (stays == 0)
        return sum;
    if (node < tree->n)
        return sum + stays * path;

    const uint32_t cut = rcforest_cut(tree->node[node]);
    const uint32_t side = x[cut >> 16] >= (cut & 0xffff);
    const uint32_t child = rcforest_child(tree->node[node], side);
    const uint32_t sibling = rcforest_child(tree->node[node], 1 - side);
    const double here = mass_below(tree, sibling) / (mass_below(tree, child) + 1.0);

    return sum + stays * slow_displacement(tree, child, x, here > path ? here : path,
                                           weight * stays, parts);
}

START_TEST(displacement_is_its_definition)
{
    forest f = forest_new("rcforest metrics=2 trees=9 sample=12 half-life=20p");
    rng r = rng_seeded(50 + (uint64_t)_i);

    for (size_t i = 0; i < 40; i++) {
        const int is_stepped = _i % 2;
        double row[2] = {rng_normal(&r), rng_normal(&r)}, sum = 0;
        uint16_t codes[2];
        tocsin__reading reading;

        if (is_stepped) {       /* duplicates */
            row[0] = floor(2 * row[0]);
            row[1] = 1;
        }
        if (i == 39)
            row[0] = 12;
        f.point.row = row;
        f.point.value = row[0];
        if (i > 12 && i % 9 == 3) {
            double parts[2] = {0, 0}, shares[6], all, said;

            tocsin__rows_code(&f.k->rows, f.s, &f.point, codes);
            for (uint32_t t = 0; t < 9; t++) {
                const rcforest_tree tree = rcforest_tree_of(f.k, f.s, t);

                sum += slow_displacement(&tree, *tree.root, codes, 0, 1, parts) / 9;
            }
            reading.flags = 0;
            rcforest_score(f.k, f.s, NULL, &f.point, &reading);
            ck_assert_double_eq_tol(reading.channel[TOCSIN__ROWS_VIEWS], sum, 1e-9 * (1 + sum));
            reading.channel[TOCSIN__ROWS_DISTANCE] = reading.channel[TOCSIN__ROWS_CHANGE] = 0;
            said = reading.channel[0];
            f.point.shares = shares;
            rcforest_share(f.k, f.s, NULL, &f.point, &reading);
            f.point.shares = NULL;
            all = parts[0] + parts[1];
            if (all > 0)
                ck_assert_double_eq_tol(shares[0], said * parts[0] / all, 1e-9 * (1 + said));
        }
        forest_push(&f, row);
    }
    forest_free(&f);
}
END_TEST

/* Boxes, lengths, masses and the sample are what the leaves say, after whatever was inserted and
 * deleted. */
START_TEST(trees_stay_what_they_are)
{
    static const char *const kinds[] = {
        "rcforest metrics=3 shingle=2 trees=2 sample=20 half-life=15p",
        "rcforest metrics=3 shingle=5 trees=2 sample=20 half-life=15p",
    };
    forest f = forest_new(kinds[_i]);
    rng r = rng_seeded(60 + (uint64_t)_i);

    for (size_t i = 0; i < POINTS; i++) {
        double row[3] = {floor(3 * rng_normal(&r)), i / 200 * 5.0 + rng_normal(&r), 7};

        if (i % 50 == 49)
            row[0] = NAN;
        forest_push(&f, row);
        ck_assert(rcforest_holds(f.k, f.s));
        for (uint32_t t = 0; t < 2; t++) {
            const rcforest_tree tree = rcforest_tree_of(f.k, f.s, t);
            uint32_t leaves[RCFOREST_SAMPLE_MAX];

            for (uint32_t node = 0; node < 2 * tree.n - 1; node++) {
                uint32_t length = 0, count;

                if (tree.mass[node] == 0)
                    continue;
                count = leaves_below(&tree, node, leaves);
                ck_assert_uint_eq(tree.mass[node], mass_below(&tree, node));
                for (uint32_t c = 0; c < tree.codes; c++) {
                    uint16_t low = UINT16_MAX, high = 0;

                    for (uint32_t l = 0; l < count; l++) {
                        const uint16_t at = tree.point[leaves[l] * tree.codes + c];

                        low = at < low ? at : low;
                        high = at > high ? at : high;
                    }
                    require(rcforest_low(&tree, node)[c] == low &&
                                rcforest_high(&tree, node)[c] == high, "a box is wrong");
                    length += (uint32_t)(high - low);
                }
                require(rcforest_length(&tree, node) == length, "a length is wrong");
                if (node >= tree.n)     /* the cut parts the leaves as the links do */
                    for (uint32_t l = 0; l < count; l++) {
                        const uint16_t *at = tree.point + leaves[l] * tree.codes;
                        uint32_t below = leaves[l];

                        while (tree.parent[below] != node)
                            below = tree.parent[below];
                        require(rcforest_child(tree.node[node],
                                               rcforest_side(tree.node[node], at)) == below,
                                "a leaf on the wrong side");
                    }
            }
        }
    }
    forest_free(&f);
}
END_TEST

/* A tree out of which an outlier was deleted is cut like one that never had it: its root's cut is
 * across a side in proportion to the side's length. */
START_TEST(deleting_leaves_a_random_tree)
{
    static const uint16_t points[5][8] = {      /* as wide as gcc -O3 believes they are read */
        {100, 100}, {400, 150}, {250, 200}, {130, 120}, {900, 60000},
    };
    uint32_t across[2] = {0, 0};

    for (uint32_t seed = 0; seed < 4000; seed++) {
        forest f = forest_new("rcforest metrics=2 trees=1 sample=8");
        const rcforest_tree tree = rcforest_tree_of(f.k, f.s, 0);
        const rcforest_room room = {7, 14};
        uint64_t random = tocsin__rows_mix(seed);
        uint32_t outlier = 0;

        rcforest_plant(&tree, points[0]);
        for (uint32_t i = 1; i < 4; i++) {
            if (i == seed % 3 + 1)
                outlier = rcforest_insert(&tree, points[4], room, &random);
            rcforest_insert(&tree, points[i], room, &random);
        }
        rcforest_delete(&tree, outlier);
        across[rcforest_cut(tree.node[*tree.root]) >> 16]++;
        forest_free(&f);
    }
    /* Sides of 300 and 100; five standard deviations are 137. */
    ck_assert_msg(across[0] > 3000 - 137 && across[0] < 3000 + 137, "%u of 4000 across the first",
                  across[0]);
}
END_TEST

/* Half of the sample is younger than a half-life. */
START_TEST(half_lives_are_kept)
{
    forest f = forest_new("rcforest trees=60 sample=16 half-life=100p");
    uint32_t young = 0;

    for (int i = 0; i < 1500; i++) {
        const double value = i;

        forest_push(&f, &value);
        if (i == 1399)          /* what comes now can be told by its code being at one end */
            for (uint32_t t = 0; t < 60; t++) {
                const rcforest_tree tree = rcforest_tree_of(f.k, f.s, t);

                for (uint32_t l = 0; l < tree.n; l++)
                    tree.point[l] = 0;
            }
    }
    for (uint32_t t = 0; t < 60; t++) {
        const rcforest_tree tree = rcforest_tree_of(f.k, f.s, t);

        for (uint32_t i = 0; i < 16; i++)
            young += tree.point[tree.leaf_of[i]] != 0;
    }
    /* 480 expected of 960, give or take five standard deviations of 15.5. */
    ck_assert_msg(young > 400 && young < 560, "%u of 960 are young", young);
    forest_free(&f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("rcforest");
    TCase *tcase = suite_case(s, "rcforest");

    tcase_add_loop_test(tcase, displacement_is_its_definition, 0, 4);
    tcase_add_loop_test(tcase, trees_stay_what_they_are, 0, 2);
    tcase_add_test(tcase, deleting_leaves_a_random_tree);
    tcase_add_test(tcase, half_lives_are_kept);
    return s;
}

TOCSIN_TEST_MAIN(suite)
