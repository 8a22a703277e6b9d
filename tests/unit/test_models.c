/* test_models.c - how the detectors behave where there is no textbook: at rest, at
 * the first ripple, when a level moves for good, with rare events, with absurd numbers, with
 * parameters that contradict each other.
 */
#include "../support/rng.h"
#include "../support/series.h"
#include "../support/suite.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "tocsin.h"

static const char *const detectors[] = {
    "ewma | raw",
    "ewma half-life=3h state=double | raw",
    "holt-winters | raw",
    "holt-winters season=1h step=1m | raw",
    "holt-winters season=60p trend=off state=double | raw",
    "holt-winters season=1h,3h step=5m form=multiplicative | raw",
};

#define DETECTORS ((int)(sizeof detectors / sizeof detectors[0]))

START_TEST(rest_reads_nothing_and_its_first_ripple_little)
{
    series s = series_of(detectors[_i]);

    for (int i = 0; i < 2000; i++) {
        const double raw = series_push(&s, 0);

        ck_assert(i < 32 ? isnan(raw) : raw == 0);
        ck_assert(i < 32 || (s.verdict.flags & TOCSIN_FLAG_FLOORED));
    }
    ck_assert_double_eq_tol(series_push(&s, 0.001), 1, 1e-12);
    ck_assert_int_eq(s.verdict.direction, 1);
    series_end(&s);
}
END_TEST

START_TEST(a_level_at_rest_has_a_relative_floor)
{
    series s = series_of(detectors[_i]);

    for (int i = 0; i < 2000; i++)
        series_push(&s, 100);
    ck_assert_double_eq_tol(series_push(&s, 100.25), 0.5, 0.02);
    ck_assert_double_gt(series_push(&s, 0), 50);
    ck_assert_int_eq(s.verdict.reason, TOCSIN_REASON_DROP);
    ck_assert_int_eq(s.verdict.direction, -1);
    series_end(&s);
}
END_TEST

/* A burst, then rest for so long that the deviation has all but vanished: the next burst of
 * its size may be large, but not absurd. */
START_TEST(rest_does_not_forget_how_large_bursts_are)
{
    series s = series_of(detectors[_i]);

    for (int i = 0; i < 100; i++)
        series_push(&s, 0);
    series_push(&s, 5);
    for (int i = 0; i < 100000; i++)
        series_push(&s, 0);
    ck_assert_double_le(series_push(&s, 5), 2000);     /* 1/floor-history, which faded a little */
    series_end(&s);
}
END_TEST

/* However far it moved, a new level is usual after some points: their number grows with the
 * shift's logarithm. */
START_TEST(a_new_level_is_relearnt)
{
    static const double shifts[] = {10, 1e3, 1e6};

    for (size_t j = 0; j < 3; j++) {
        series s = series_of(detectors[_i]);
        rng r = rng_seeded(j);
        int points = 0, quiet = 0;

        for (int i = 0; i < 1000; i++)
            series_push(&s, 200 + rng_normal(&r));
        while (quiet < 50) {
            quiet = series_push(&s, 200 + shifts[j] + rng_normal(&r)) < 4 ? quiet + 1 : 0;
            points++;
            ck_assert_msg(points < 4000, "%s: a shift of %g is still strange after %d points",
                          detectors[_i], shifts[j], points);
        }
        series_end(&s);
    }
}
END_TEST

/* One wild value must not deafen: the next deviation is nearly what it was. */
START_TEST(an_accident_is_hardly_learnt)
{
    series s = series_of(detectors[_i]);
    rng r = rng_seeded(5);
    double before;

    for (int i = 0; i < 1000; i++)
        series_push(&s, 50 + rng_normal(&r));
    before = s.verdict.deviation;
    ck_assert_double_gt(series_push(&s, 1e9), 1e6);
    series_push(&s, 50 + rng_normal(&r));
    ck_assert_double_lt(s.verdict.deviation, 1.15 * before);
    ck_assert_double_eq_tol(s.verdict.expected, 50, 3);
    series_end(&s);
}
END_TEST

/* Events rarer than 1/clip^2 but regular are part of the series: where a fixed limit lets
 * the deviation collapse to nothing, it has to stay near what it is. */
START_TEST(habits_keep_the_deviation_up)
{
    series adaptive = series_of("ewma floor-relative=0 floor-history=0 | raw");
    rng r = rng_seeded(6);
    double smallest = DBL_MAX;

    for (int i = 0; i < 30000; i++) {
        series_push(&adaptive, rng_below(&r, 40) == 0 ? 1 : 0);
        if (i > 15000 && adaptive.verdict.deviation < smallest)
            smallest = adaptive.verdict.deviation;
    }
    /* sqrt(1/40 (1 - 1/40)) = .156 on average; a window without an event halves it at most twice */
    ck_assert_double_gt(smallest, 0.03);
    series_end(&adaptive);
}
END_TEST

START_TEST(absurd_values_keep_the_state_finite)
{
    static const double values[] = {1e308, -1e308, DBL_MAX, -DBL_MAX, 5e-324, 1e-300, 0, 1e19, 1};
    series s = series_of(detectors[_i]);
    rng r = rng_seeded(7);

    for (int i = 0; i < 5000; i++) {
        const double raw = series_push(&s, values[rng_below(&r, sizeof values / sizeof values[0])]);

        if (s.verdict.flags & TOCSIN_FLAG_WARMING)
            continue;
        ck_assert(isfinite(raw) && raw >= 0);
        ck_assert(isfinite(s.verdict.expected) && isfinite(s.verdict.deviation));
        ck_assert(s.verdict.confidence >= 0 && s.verdict.confidence <= 1);
    }
    series_end(&s);
}
END_TEST

/* A gap of a year costs confidence and nothing else. */
START_TEST(a_year_of_silence_is_harmless)
{
    series s = series_of(detectors[_i]);
    rng r = rng_seeded(8);
    double confidence;

    for (int i = 0; i < 2000; i++)
        series_push(&s, 20 + rng_normal(&r));
    confidence = s.verdict.confidence;
    s.time += 365 * TOCSIN_DAY;
    ck_assert_double_lt(series_push(&s, 20 + rng_normal(&r)), 6);
    ck_assert_double_le(s.verdict.confidence, confidence);
    for (int i = 0; i < 100; i++)
        ck_assert_double_lt(series_push(&s, 20 + rng_normal(&r)), 8);
    series_end(&s);
}
END_TEST

/* A daily shape is expected from the second cycle on, and known by its slot. */
START_TEST(a_season_is_learnt_in_one_cycle)
{
    static const char *const texts[] = {
        "holt-winters season=4h step=5m | raw",
        "holt-winters season=240p | raw",
        "holt-winters season=4h step=5m form=multiplicative | raw",
    };
    series s = series_of(texts[_i]);
    rng r = rng_seeded(9);
    double square = 0;

    s.time = -TOCSIN_MINUTE;    /* slots begin where the shape does */
    for (int i = 0; i < 720; i++) {
        const double shape = i % 240 < 80 ? 300 : 100;

        series_push(&s, shape + rng_normal(&r));
        if (i >= 480) {     /* the third cycle */
            const double gap = s.verdict.expected - shape;

            square += gap * gap / 240;
        }
    }
    ck_assert_double_lt(sqrt(square), 6);       /* of a step of 200 */
    series_end(&s);
}
END_TEST

START_TEST(contradictions_are_refused)
{
    static const struct {
        const char *text;
        int status;
    } wrong[] = {
        {"ewma half-life=5m alpha=0.1", TOCSIN_ERROR_CONFLICT},
        {"ewma step=5m", TOCSIN_ERROR_CONFLICT},
        {"ewma alpha=1", TOCSIN_ERROR_RANGE},
        {"ewma clip=0.5", TOCSIN_ERROR_RANGE},
        {"holt-winters season=1d step=7m", TOCSIN_ERROR_CONFLICT},
        {"holt-winters season=1d step=1ms", TOCSIN_ERROR_RANGE},
        {"holt-winters season=1d step=1d", TOCSIN_ERROR_RANGE},
        {"holt-winters season=1d,24h", TOCSIN_ERROR_CONFLICT},
        {"holt-winters season=1d,12p", TOCSIN_ERROR_CONFLICT},
        {"holt-winters season=12p alpha=1h", TOCSIN_ERROR_CONFLICT},
        {"holt-winters phi=1.1", TOCSIN_ERROR_RANGE},
        {"holt-winters gamma=2", TOCSIN_ERROR_RANGE},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tocsin_spec *spec;
        tocsin_error error;

        memset(&error, 0, sizeof error);
        error.struct_size = sizeof error;
        ck_assert_msg(tocsin_spec_compile(&spec, wrong[i].text, TOCSIN_NUL_TERMINATED, NULL,
                                          &error) == wrong[i].status,
                      "%s: %s %s", wrong[i].text, tocsin_status_name(error.status), error.message);
        ck_assert(error.message[0] != '\0');
    }
}
END_TEST

START_TEST(a_day_of_five_minute_slots_fits_into_2400_bytes)
{
    series s = series_of("holt-winters season=1d step=5m | raw");
    series bare = series_of("ewma | raw");

    ck_assert_uint_le(tocsin_spec_state_size(s.spec) - tocsin_spec_state_size(bare.spec) + 32,
                      2400);
    series_end(&s);
    series_end(&bare);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("models");
    TCase *rest = suite_case(s, "rest"), *learning = suite_case(s, "learning");
    TCase *limits = suite_case(s, "limits"), *bursts = suite_long_case(s, "bursts");

    tcase_add_loop_test(rest, rest_reads_nothing_and_its_first_ripple_little, 0, DETECTORS);
    tcase_add_loop_test(rest, a_level_at_rest_has_a_relative_floor, 0, DETECTORS);
    tcase_add_loop_test(bursts, rest_does_not_forget_how_large_bursts_are, 0, DETECTORS);
    tcase_add_loop_test(learning, a_new_level_is_relearnt, 0, DETECTORS);
    tcase_add_loop_test(learning, an_accident_is_hardly_learnt, 0, DETECTORS);
    tcase_add_test(learning, habits_keep_the_deviation_up);
    tcase_add_loop_test(learning, a_season_is_learnt_in_one_cycle, 0, 3);
    tcase_add_loop_test(limits, absurd_values_keep_the_state_finite, 0, DETECTORS);
    tcase_add_loop_test(limits, a_year_of_silence_is_harmless, 0, DETECTORS);
    tcase_add_test(limits, contradictions_are_refused);
    tcase_add_test(limits, a_day_of_five_minute_slots_fits_into_2400_bytes);
    return s;
}

TOCSIN_TEST_MAIN(suite)
