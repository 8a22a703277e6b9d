/* test_changes.c - change points of histories: the statistic against its definition by pairs, the promise
 * on histories that stand still, what is found where something moved, and hostile arguments.
 */
#include "../support/counting_allocator.h"
#include "../support/rng.h"
#include "../support/suite.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "tocsin.h"

#define VALUES 120
#define ROOM 60

typedef struct {
    tocsin_change change[ROOM];
    uint64_t count;
} result;

static result find_with(const double *value, size_t n, uint32_t permutations, uint32_t block,
                        uint64_t seed)
{
    tocsin_changes_options options;
    result r;

    memset(&r, 0, sizeof r);
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.permutations = permutations;
    options.block = block;
    options.seed = seed;
    ck_assert_int_eq(tocsin_changes_find(r.change, sizeof r.change[0], ROOM, &r.count, value, n,
                                         &options, NULL), 0);
    return r;
}

static result find(const double *value, size_t n)
{
    return find_with(value, n, 299, 0, 0);
}

/* Noise of 2 % about a level, with steps. */
static void fill(double *value, size_t n, uint64_t seed, const size_t *at, const double *level,
                 size_t steps)
{
    rng r = rng_seeded(seed);
    double now = 1;

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < steps; k++)
            if (i == at[k])
                now = level[k];
        value[i] = now + 0.02 * rng_normal(&r);
    }
}

/* ---- The statistic ---------------------------------------------------------- */

static double mean_distance(const double *rank, size_t a, size_t b, size_t c, size_t d)
{
    double sum = 0;

    for (size_t i = a; i < b; i++)
        for (size_t j = c; j < d; j++)
            sum += fabs(rank[i] - rank[j]);
    return sum / ((double)(b - a) * (double)(d - c));
}

/* By its definition, over all places of one stretch. */
static double stretch_by_pairs(const double *rank, size_t begin, size_t end)
{
    double best = 0;

    for (size_t t = begin + 5; t + 5 <= end; t++) {
        const double m = (double)(t - begin), k = (double)(end - t);

        best = fmax(best, m * k / (m + k) * (2 * mean_distance(rank, begin, t, t, end) -
                                             mean_distance(rank, begin, t, begin, t) -
                                             mean_distance(rank, t, end, t, end)));
    }
    return best;
}

START_TEST(the_statistic_is_its_definition)
{
    double value[VALUES], rank[VALUES];
    rng r = rng_seeded(21);

    for (int round = 0; round < 3; round++) {
        result found;
        size_t n;
        double best;

        /* Whole numbers: many ties. */
        for (size_t i = 0; i < 60; i++)
            value[i] = (double)rng_below(&r, 8) + (i >= 30 ? 5 : 0);
        found = find(value, 60);
        ck_assert_uint_ge(found.count, 1);
        n = (size_t)(found.change[0].to - found.change[0].from);
        for (size_t i = 0; i < n; i++) {
            const double *part = value + found.change[0].from;

            rank[i] = 0;
            for (size_t j = 0; j < n; j++)
                rank[i] += part[j] < part[i] ? 1 : part[j] == part[i] ? 0.5 : 0;
            rank[i] /= (double)n;
        }
        best = stretch_by_pairs(rank, 0, n);
        for (size_t parts = 2; n / parts >= 20; parts *= 2)
            for (size_t half = 0; half <= 2 * parts - 2; half++)
                best = fmax(best, stretch_by_pairs(rank, n * half / (2 * parts),
                                                   n * (half + 2) / (2 * parts)));
        ck_assert_double_eq_tol(found.change[0].statistic, best, 1e-12 * best);
    }
}
END_TEST

/* ---- The promise ------------------------------------------------------------- */

/* 60 histories each: 5 % are 3; 9 and more would have a chance of .003 if that were so. */
START_TEST(standing_still_is_no_change)
{
    static const double rhos[] = {0, 0.5};
    size_t reported = 0;

    for (uint64_t h = 0; h < 60; h++) {
        rng r = rng_seeded(1000 + h);
        double value[VALUES], x = rng_normal(&r);

        for (size_t i = 0; i < VALUES; i++) {
            x = rhos[_i] * x + rng_normal(&r);
            value[i] = rng_below(&r, 40) == 0 ? x + 50 : x;
        }
        reported += find_with(value, VALUES, 99, 0, h).count > 0;
    }
    ck_assert_uint_le(reported, 8);
}
END_TEST

/* ---- What is found ------------------------------------------------------------- */

START_TEST(steps_are_found_where_they_are)
{
    static const size_t at[] = {30, 75};
    static const double level[] = {1.1, 0.95};
    double value[VALUES];
    result r;

    fill(value, VALUES, 5, at, level, 2);
    r = find(value, VALUES);
    ck_assert_uint_eq(r.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const tocsin_change *c = &r.change[i];
        const double before = i ? level[0] : 1;

        ck_assert_int_le(llabs((long long)c->index - (long long)at[i]), 1);
        ck_assert_double_le(c->p, 0.05);
        ck_assert_double_eq_tol(c->before, before, 0.02);
        ck_assert_double_eq_tol(c->after, level[i], 0.02);
        ck_assert_double_eq_tol(c->effect, (level[i] - before) / before, 0.02);
        ck_assert(c->shift_lower <= c->shift && c->shift <= c->shift_upper);
        ck_assert(c->shift_lower <= level[i] - before && level[i] - before <= c->shift_upper);
    }
    ck_assert_uint_eq(r.change[0].from, 0);
    ck_assert_uint_eq(r.change[0].to, r.change[1].index);
    ck_assert_uint_eq(r.change[1].from, r.change[0].index);
    ck_assert_uint_eq(r.change[1].to, VALUES);
}
END_TEST

/* A level that came and went, of a fifth of the history. */
START_TEST(a_level_that_came_and_went_is_found)
{
    static const size_t at[] = {60, 84};
    static const double level[] = {1.08, 1};
    double value[VALUES];

    fill(value, VALUES, 6, at, level, 2);
    ck_assert_uint_eq(find(value, VALUES).count, 2);
}
END_TEST

START_TEST(spikes_are_ignored)
{
    static const size_t at[] = {50};
    static const double level[] = {1.1};
    double value[VALUES];
    result r;

    fill(value, VALUES, 7, at, level, 1);
    value[20] = 1e300;
    value[21] = 40;
    value[90] = -1e300;
    r = find(value, VALUES);
    ck_assert_uint_eq(r.count, 1);
    ck_assert_int_le(llabs((long long)r.change[0].index - 50), 1);
    ck_assert_double_eq_tol(r.change[0].effect, 0.1, 0.03);
}
END_TEST

/* Any rising function of the values has the same changes. */
START_TEST(only_the_order_counts)
{
    static const size_t at[] = {40, 80};
    static const double level[] = {1.06, 1};
    double value[VALUES], cube[VALUES];
    result a, b;

    fill(value, VALUES, 8, at, level, 2);
    for (size_t i = 0; i < VALUES; i++)
        cube[i] = 1024 * value[i] * value[i] * value[i] - 7;
    a = find(value, VALUES);
    b = find(cube, VALUES);
    ck_assert_uint_eq(a.count, b.count);
    ck_assert_uint_gt(a.count, 0);
    for (size_t i = 0; i < a.count; i++) {
        ck_assert_uint_eq(a.change[i].index, b.change[i].index);
        assert_same_bits(a.change[i].p, b.change[i].p);
        assert_same_bits(a.change[i].statistic, b.change[i].statistic);
    }
}
END_TEST

START_TEST(what_is_no_number_is_passed_over)
{
    static const size_t at[] = {50};
    static const double level[] = {1.1};
    double value[VALUES], holes[2 * VALUES];
    result plain, with;

    fill(value, VALUES, 9, at, level, 1);
    for (size_t i = 0; i < VALUES; i++) {
        holes[2 * i] = value[i];
        holes[2 * i + 1] = i % 3 ? NAN : i % 2 ? INFINITY : -INFINITY;
    }
    plain = find(value, VALUES);
    with = find(holes, 2 * VALUES);
    ck_assert_uint_eq(plain.count, 1);
    ck_assert_uint_eq(with.count, 1);
    ck_assert_uint_eq(with.change[0].index, 2 * plain.change[0].index);
    ck_assert_uint_eq(with.change[0].from, 0);
    ck_assert_uint_eq(with.change[0].to, 2 * VALUES - 1);
    assert_same_bits(with.change[0].p, plain.change[0].p);
    assert_same_bits(with.change[0].shift, plain.change[0].shift);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_bits)
{
    static const size_t at[] = {50};
    static const double level[] = {1.015};
    double value[VALUES];
    result a, b;
    int differs = 0;

    fill(value, VALUES, 10, at, level, 1);
    a = find_with(value, VALUES, 299, 1, 4);
    b = find_with(value, VALUES, 299, 1, 4);
    ck_assert_mem_eq(&a, &b, sizeof a);
    for (uint64_t seed = 5; seed < 15; seed++) {
        b = find_with(value, VALUES, 299, 1, seed);
        differs |= b.count != a.count || b.change[0].p != a.change[0].p;
    }
    ck_assert(differs);
}
END_TEST

/* ---- Long histories -------------------------------------------------------------- */

/* A step of one and a half deviations, and a level of 60 values among thousands. */
START_TEST(long_histories_have_their_changes_found)
{
    enum { LONG = 6000 };
    static const struct {
        size_t from, to;
        uint64_t expected;
    } levels[] = {{2500, LONG, 1}, {3333, 3393, 2}};
    double *value = malloc(LONG * sizeof *value);

    for (size_t k = 0; k < 2; k++) {
        rng random = rng_seeded(31);
        result r;

        for (size_t i = 0; i < LONG; i++) {
            value[i] = rng_normal(&random);
            if (i >= levels[k].from && i < levels[k].to)
                value[i] += k == 0 ? 1.5 : 4;
        }
        r = find_with(value, LONG, 99, 0, 1);
        ck_assert_uint_eq(r.count, levels[k].expected);
        ck_assert_int_le(llabs((long long)r.change[0].index - (long long)levels[k].from), 5);
        ck_assert_double_eq_tol(r.change[0].shift, k == 0 ? 1.5 : 4, 0.5);
        if (r.count > 1)
            ck_assert_int_le(llabs((long long)r.change[1].index - (long long)levels[k].to), 5);
    }
    free(value);
}
END_TEST

/* Without a change; a constant, turns, a saw and a random walk end too. */
START_TEST(long_histories_of_any_kind_end)
{
    enum { LONG = 3000 };
    double *value = malloc(LONG * sizeof *value), walk = 0;
    rng random = rng_seeded(32);

    for (int kind = 0; kind < 5; kind++) {
        for (size_t i = 0; i < LONG; i++) {
            walk += rng_normal(&random);
            value[i] = kind == 0 ? rng_normal(&random)
                     : kind == 1 ? 3
                     : kind == 2 ? (double)(i % 2)
                     : kind == 3 ? (double)(i % 700)
                                 : walk;
        }
        const result r = find_with(value, LONG, 99, kind == 0, 1);

        if (kind < 3)
            ck_assert_uint_eq(r.count, 0);
    }
    free(value);
}
END_TEST

/* Where all of one side is above all of the other, the p-value falls with the length, far below what
 * permutations can tell, and never below the chance of such an order. */
START_TEST(plain_changes_are_certain)
{
    double value[VALUES];
    tocsin_change previous;
    result r;

    memset(&previous, 0, sizeof previous);
    for (size_t n = 60; n <= VALUES; n += 20) {
        double exact = 2;       /* of n! / (n/2)!^2 orders as extreme as this */
        rng random = rng_seeded(33);

        for (size_t i = 0; i < n; i++)
            value[i] = rng_uniform(&random) + (i < n / 2 ? 0 : 2);
        for (size_t i = 1; i <= n / 2; i++)
            exact *= (double)i / (double)(n / 2 + i);
        r = find_with(value, n, 99, 1, 1);
        ck_assert_uint_eq(r.count, 1);
        ck_assert_uint_eq(r.change[0].index, n / 2);
        ck_assert_double_ge(r.change[0].p, exact);
        if (n > 60)
            ck_assert_double_lt(r.change[0].p, previous.p);
        previous = r.change[0];
    }
    ck_assert_double_lt(previous.p, 1e-6);
}
END_TEST

/* ---- Arguments ---------------------------------------------------------------- */

START_TEST(short_and_flat_histories_have_none)
{
    double value[VALUES];
    uint64_t count = 7;

    for (size_t i = 0; i < VALUES; i++)
        value[i] = 3;
    ck_assert_uint_eq(find(value, VALUES).count, 0);
    for (size_t n = 0; n < 10; n++) {
        for (size_t i = 0; i < n; i++)
            value[i] = (double)i;
        ck_assert_uint_eq(find(value, n).count, 0);
    }
    ck_assert_int_eq(tocsin_changes_find(NULL, sizeof(tocsin_change), 0, &count, NULL, 0, NULL,
                                         NULL), 0);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(extreme_values_have_finite_effects)
{
    double value[VALUES];
    rng random = rng_seeded(3);
    result r;

    for (size_t i = 0; i < VALUES; i++)
        value[i] = (i < 60 ? -DBL_MAX : DBL_MAX) * rng_uniform(&random);
    r = find(value, VALUES);
    ck_assert_uint_ge(r.count, 1);
    for (size_t i = 0; i < r.count; i++) {
        ck_assert(isfinite(r.change[i].before) && isfinite(r.change[i].after));
        ck_assert(isfinite(r.change[i].shift) && isfinite(r.change[i].effect));
    }
    for (size_t i = 0; i < VALUES; i++)
        value[i] = i < 60 ? 0 : 1;
    r = find(value, VALUES);
    ck_assert_uint_eq(r.count, 1);
    ck_assert(isinf(r.change[0].effect) && r.change[0].effect > 0);
}
END_TEST

START_TEST(too_little_room_says_how_much_there_is)
{
    static const size_t at[] = {30, 75};
    static const double level[] = {1.1, 0.95};
    double value[VALUES];
    tocsin_change one[2];
    uint64_t count = 0;

    fill(value, VALUES, 5, at, level, 2);
    memset(one, 0x5a, sizeof one);
    ck_assert_int_eq(tocsin_changes_find(one, sizeof one[0], 1, &count, value, VALUES, NULL, NULL),
                     TOCSIN_ERROR_SPACE);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_le(llabs((long long)one[0].index - 30), 1);
    for (size_t i = 0; i < sizeof one[1]; i++)
        ck_assert_int_eq(((unsigned char *)&one[1])[i], 0x5a);
}
END_TEST

START_TEST(small_effects_can_be_left_out)
{
    static const size_t at[] = {30, 75};
    static const double level[] = {1.05, 1.3};
    tocsin_changes_options options;
    double value[VALUES];
    tocsin_change change[4];
    uint64_t count = 0;

    fill(value, VALUES, 5, at, level, 2);
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.min_effect = 0.1;
    ck_assert_int_eq(tocsin_changes_find(change, sizeof change[0], 4, &count, value, VALUES,
                                         &options, NULL), 0);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_le(llabs((long long)change[0].index - 75), 1);
}
END_TEST

START_TEST(hostile_arguments_are_refused)
{
    static const struct {
        uint32_t permutations, min_segment, block, reserved;
        double alpha, min_effect;
    } bad[] = {
        {98, 0, 0, 0, 0, 0},         {100000, 0, 0, 0, 0, 0},     {0, 1, 0, 0, 0, 0},
        {0, 65537, 0, 0, 0, 0},      {0, 0, 65537, 0, 0, 0},      {0, 0, 0, 0, -0.1, 0},
        {0, 0, 0, 0, 0.6, 0},        {0, 0, 0, 0, NAN, 0},        {0, 0, 0, 0, 0, -1},
        {0, 0, 0, 0, 0, NAN},
    };
    double value[VALUES] = {0};
    tocsin_change change[4];
    tocsin_changes_options options;
    uint64_t count = 3;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memset(&options, 0, sizeof options);
        options.struct_size = sizeof options;
        options.permutations = bad[i].permutations;
        options.min_segment = bad[i].min_segment;
        options.block = bad[i].block;
        options.alpha = bad[i].alpha;
        options.min_effect = bad[i].min_effect;
        ck_assert_int_eq(tocsin_changes_find(change, sizeof change[0], 4, &count, value, VALUES,
                                             &options, NULL), TOCSIN_ERROR_ARGUMENT);
    }
    memset(&options, 0, sizeof options);
    ck_assert_int_eq(tocsin_changes_find(change, sizeof change[0], 4, &count, value, VALUES,
                                         &options, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_changes_find(NULL, sizeof change[0], 4, &count, value, VALUES, NULL,
                                         NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_changes_find(change, TOCSIN_CHANGE_MIN_SIZE - 1, 4, &count, value,
                                         VALUES, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_changes_find(change, sizeof change[0], 4, NULL, value, VALUES, NULL,
                                         NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_changes_find(change, sizeof change[0], 4, &count, NULL, VALUES, NULL,
                                         NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_changes_find(change, sizeof change[0], 4, &count, value,
                                         TOCSIN_CHANGES_VALUES_MAX + 1, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_uint_eq(count, 3);
}
END_TEST

START_TEST(memory_is_the_callers_and_given_back)
{
    static const size_t at[] = {50};
    static const double level[] = {1.2};
    counting_allocator counting;
    const tocsin_allocator allocator = counting_start(&counting);
    double value[VALUES];
    tocsin_change change[4];
    uint64_t count = 3;

    fill(value, VALUES, 9, at, level, 1);
    ck_assert_int_eq(tocsin_changes_find(change, sizeof change[0], 4, &count, value, VALUES, NULL,
                                         &allocator), 0);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(counting.calls, 1);
    ck_assert_uint_eq(counting.live, 0);
    counting.fail_at = counting.calls + 1;
    count = 3;
    ck_assert_int_eq(tocsin_changes_find(change, sizeof change[0], 4, &count, value, VALUES, NULL,
                                         &allocator), TOCSIN_ERROR_MEMORY);
    ck_assert_uint_eq(count, 3);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("changes");
    TCase *statistic = suite_case(s, "statistic"), *found = suite_case(s, "found");
    TCase *lengthy = suite_case(s, "long"), *arguments = suite_case(s, "arguments");

    tcase_add_test(statistic, the_statistic_is_its_definition);
    tcase_add_loop_test(statistic, standing_still_is_no_change, 0, 2);
    tcase_add_test(found, steps_are_found_where_they_are);
    tcase_add_test(found, a_level_that_came_and_went_is_found);
    tcase_add_test(found, spikes_are_ignored);
    tcase_add_test(found, only_the_order_counts);
    tcase_add_test(found, what_is_no_number_is_passed_over);
    tcase_add_test(found, the_same_seed_gives_the_same_bits);
    tcase_add_test(lengthy, long_histories_have_their_changes_found);
    tcase_add_test(lengthy, long_histories_of_any_kind_end);
    tcase_add_test(lengthy, plain_changes_are_certain);
    tcase_add_test(arguments, short_and_flat_histories_have_none);
    tcase_add_test(arguments, extreme_values_have_finite_effects);
    tcase_add_test(arguments, too_little_room_says_how_much_there_is);
    tcase_add_test(arguments, small_effects_can_be_left_out);
    tcase_add_test(arguments, hostile_arguments_are_refused);
    tcase_add_test(arguments, memory_is_the_callers_and_given_back);
    return s;
}

TOCSIN_TEST_MAIN(suite)
