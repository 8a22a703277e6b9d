/* test_focus.c - focus at work: what a level that moves, a spike, a rest and a neighbour's likeness
 * do to it.  That the statistic is right is shown by test_focus_oracle.c.
 */
#include "../support/rng.h"
#include "../support/series.h"
#include "../support/suite.h"

#include <math.h>
#include <stdio.h>

#include "tocsin.h"

/* Two deviations are nothing as a single point; as a level they ring once, soon, and are then
 * what is usual. */
START_TEST(a_level_that_moved_rings_once)
{
    const double shift = _i ? -2 : 2;
    series s = series_of("focus | tail | alarm budget=1/week");
    rng r = rng_seeded(3 + (uint64_t)_i);
    int delay = 0;

    for (int i = 0; i < 20000; i++)
        series_push(&s, 100 + rng_normal(&r));
    s.starts = 0;
    while (s.starts == 0 && delay < 100) {
        series_push(&s, 100 + shift + rng_normal(&r));
        delay++;
    }
    ck_assert_int_le(delay, 30);
    ck_assert_int_eq(s.verdict.reason, TOCSIN_REASON_LEVEL);
    ck_assert_int_eq(s.verdict.direction, shift > 0 ? 1 : -1);
    for (int i = 0; i < 500; i++)
        series_push(&s, 100 + shift + rng_normal(&r));
    ck_assert_int_eq(s.starts, 1);
    ck_assert_int_eq(s.verdict.alarm, TOCSIN_ALARM_OFF);
    ck_assert_double_eq_tol(s.verdict.expected, 100 + shift, 0.3);
    series_end(&s);
}
END_TEST

/* However far it went, the level is found in one step. */
START_TEST(a_far_level_is_found_at_once)
{
    series s = series_of("focus | raw");
    rng r = rng_seeded(11);

    for (int i = 0; i < 1000; i++)
        series_push(&s, rng_normal(&r));
    for (int i = 0; i < 40; i++)
        series_push(&s, 1e6 + rng_normal(&r));
    ck_assert_double_eq_tol(s.verdict.expected, 1e6, 1);
    series_end(&s);
}
END_TEST

START_TEST(one_spike_reads_no_more_than_the_clip)
{
    series s = series_of("focus clip=3 | raw");
    rng r = rng_seeded(12);

    for (int i = 0; i < 1000; i++)
        series_push(&s, 50 + 0.1 * rng_normal(&r));
    for (int i = 0; i < 20; i++) {
        /* Beside what the noise has added up. */
        ck_assert_double_le(series_push(&s, 1e9), 3 + 3);
        for (int j = 0; j < 50; j++)
            series_push(&s, 50 + 0.1 * rng_normal(&r));
    }
    ck_assert_double_eq_tol(s.verdict.expected, 50, 0.2);
    series_end(&s);
}
END_TEST

START_TEST(rest_reads_nothing_and_its_first_ripple_little)
{
    series s = series_of("focus | raw");

    for (int i = 0; i < 2000; i++) {
        const double raw = series_push(&s, 0);

        ck_assert(i < 32 ? isnan(raw) : raw == 0);
    }
    ck_assert_double_eq_tol(series_push(&s, 0.001), 1, 1e-3);
    for (int i = 0; i < 2000; i++)
        ck_assert_double_le(series_push(&s, 0), 4);
    series_end(&s);
}
END_TEST

/* Neighbours that are alike: where points are taken for independent, the statistic is far
 * larger. */
START_TEST(autocorrelation_is_allowed_for)
{
    series alike = series_of("focus accept=inf | raw");
    series each = series_of("focus block=1 accept=inf | raw");
    rng r = rng_seeded(13);
    double x = 0, sum[2] = {0, 0};

    for (int i = 0; i < 6000; i++) {
        x = 0.8 * x + rng_normal(&r);
        series_push(&alike, x);
        series_push(&each, x);
        if (i >= 2000) {
            sum[0] += alike.verdict.raw;
            sum[1] += each.verdict.raw;
        }
    }
    /* sqrt((1 + .8) / (1 - .8)) = 3; blocks of 32 see most of it. */
    ck_assert_double_gt(sum[1], 2 * sum[0]);
    ck_assert_double_lt(sum[1], 4 * sum[0]);
    series_end(&alike);
    series_end(&each);
}
END_TEST

/* Scores do not depend on the unit. */
START_TEST(the_unit_does_not_matter)
{
    series one = series_of("focus | raw"), other = series_of("focus | raw");
    rng r = rng_seeded(14);

    for (int i = 0; i < 3000; i++) {
        const double x = 7 + (i / 700) % 2 + rng_normal(&r);

        series_push(&one, x);
        series_push(&other, 1024 * x);             /* a power of two: the same bits */
        if (i >= 32)
            assert_same_bits(one.verdict.raw, other.verdict.raw);
    }
    series_end(&one);
    series_end(&other);
}
END_TEST

/* A target that is known: a series that stays away rings again and again. */
START_TEST(a_known_mean_stays_the_target)
{
    series s = series_of("focus mean=0 deviation=1 | raw");
    rng r = rng_seeded(15);
    int beyond = 0, falls = 0;
    double last = 0;

    for (int i = 0; i < 1000; i++) {
        const double raw = series_push(&s, 3 + rng_normal(&r));

        if (i < 32)
            continue;
        ck_assert_double_eq(s.verdict.expected, 0);
        beyond += raw > 6;
        falls += raw < last - 3;
        last = raw;
    }
    ck_assert_int_gt(beyond, 500);
    ck_assert_int_gt(falls, 10);
    series_end(&s);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("focus");
    TCase *behaviour = suite_case(s, "behaviour");

    tcase_add_loop_test(behaviour, a_level_that_moved_rings_once, 0, 2);
    tcase_add_test(behaviour, a_far_level_is_found_at_once);
    tcase_add_test(behaviour, one_spike_reads_no_more_than_the_clip);
    tcase_add_test(behaviour, rest_reads_nothing_and_its_first_ripple_little);
    tcase_add_test(behaviour, autocorrelation_is_allowed_for);
    tcase_add_test(behaviour, the_unit_does_not_matter);
    tcase_add_test(behaviour, a_known_mean_stays_the_target);
    return s;
}

TOCSIN_TEST_MAIN(suite)
