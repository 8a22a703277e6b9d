/* Seasons go by the clock on the wall where the spec says which: for every detector that has one. */
#include <math.h>

#include "../support/banks.h"
#include "../support/specs.h"
#include "../support/suite.h"

#define STEP (30 * TOCSIN_MINUTE)
#define WEEK_POINTS 336
/* Monday, 5 February 2024; clocks in Berlin went forward on Sunday of the eighth week. */
#define START ((int64_t)1707091200 * TOCSIN_SECOND)
#define CHANGE ((int64_t)1711846800 * TOCSIN_SECOND)
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static const char *const detectors[] = {"season", "auto", "holt-winters season=1d step=30m"};

#define DETECTORS ((int)(sizeof detectors / sizeof detectors[0]))

static tocsin_spec *spec_of(const char *zone, const char *detector)
{
    char text[SPECS_TEXT];

    snprintf(text, sizeof text, "%s%s%s | %s | raw", "clock ", zone ? "timezone=" : "",
             zone ? zone : "", detector);
    return specs_compile(text);
}

static double pushed(tocsin_detector *detector, int64_t time, double value)
{
    tocsin_verdict verdict;

    require(tocsin_detector_push(detector, time, value, TOCSIN_LEARN_AND_SCORE, &verdict,
                                 sizeof verdict) >= 0, "not pushed");
    return verdict.raw;
}

/* A load that is there from eight to six, by a clock that is so far ahead. */
static double load(int64_t time, int64_t ahead, rng *r)
{
    const int64_t of_day = (time + ahead) % TOCSIN_DAY;

    return 100 + rng_normal(r) +
           (of_day >= 8 * TOCSIN_HOUR && of_day < 18 * TOCSIN_HOUR ? 40 : 0);
}

/* Where clocks never change, a zone is nothing but another beginning of the day. */
START_TEST(a_fixed_zone_is_a_shifted_time)
{
    tocsin_spec *here = spec_of("<+0530>-5:30", detectors[_i]), *utc = spec_of(NULL, detectors[_i]);
    tocsin_detector *a = specs_detector(here), *b = specs_detector(utc);
    const int64_t ahead = 5 * TOCSIN_HOUR + 30 * TOCSIN_MINUTE;
    rng r = rng_seeded(1);

    for (int64_t i = 0; i < 5 * WEEK_POINTS; i++) {
        const int64_t time = START + i * STEP;
        const double value = load(time, ahead, &r);

        assert_same_bits(pushed(a, time, value), pushed(b, time + ahead, value));
    }
    tocsin_detector_free(a);
    tocsin_detector_free(b);
    tocsin_spec_free(here);
    tocsin_spec_free(utc);
}
END_TEST

/* People come at eight in summer as in winter: whoever knows the zone is not surprised on the first
 * day, who does not is, when they come and when they go. */
START_TEST(who_knows_the_zone_expects_summer_time)
{
    tocsin_spec *here = spec_of(BERLIN, detectors[_i]), *utc = spec_of(NULL, detectors[_i]);
    tocsin_detector *knows = specs_detector(here), *does_not = specs_detector(utc);
    double most = 0, most_without = 0;
    rng r = rng_seeded(2);

    for (int64_t i = 0; i < 9 * WEEK_POINTS; i++) {
        const int64_t time = START + i * STEP;
        const double value = load(time, time < CHANGE ? TOCSIN_HOUR : 2 * TOCSIN_HOUR, &r);
        const double a = pushed(knows, time, value), b = pushed(does_not, time, value);

        if (time >= CHANGE && time < CHANGE + TOCSIN_DAY) {
            most = fmax(most, a);
            most_without = fmax(most_without, b);
        }
    }
    ck_assert_msg(most_without > 2 * most, "%s: %g, without the zone %g", detectors[_i], most,
                  most_without);
    tocsin_detector_free(knows);
    tocsin_detector_free(does_not);
    tocsin_spec_free(here);
    tocsin_spec_free(utc);
}
END_TEST

/* A bank says what a detector says, across the night in which clocks go forward. */
START_TEST(banks_change_their_clocks)
{
    tocsin_spec *spec = spec_of(BERLIN, detectors[_i]);
    tocsin_bank_options options = banks_options();
    tocsin_detector *single[70];
    tocsin_bank *bank;
    rng r = rng_seeded(3);

    options.clock = TOCSIN_CLOCK_SHARED;
    options.max_series = 70;
    bank = banks_create(spec, &options);
    for (uint64_t k = 0; k < 70; k++) {
        banks_add(bank, 1000 + k);
        single[k] = specs_detector(spec);
    }
    for (int64_t i = 0; i < WEEK_POINTS; i++) {
        const int64_t time = CHANGE - 5 * TOCSIN_DAY + i * STEP;
        double values[128], scores[128];
        tocsin_tick tick = banks_tick(bank, time, values);

        for (size_t k = 0; k < 70; k++)
            values[k] = load(time, time < CHANGE ? TOCSIN_HOUR : 2 * TOCSIN_HOUR, &r);
        tick.scores = scores;
        ck_assert_int_ge(tocsin_bank_tick(bank, &tick), 0);
        for (size_t k = 0; k < 70; k++)
            assert_same_bits(scores[k], pushed(single[k], time, values[k]));
    }
    for (size_t k = 0; k < 70; k++)
        tocsin_detector_free(single[k]);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

START_TEST(wrong_rules_are_told)
{
    static const struct {
        const char *text;
        int status;
    } wrong[] = {
        {"clock timezone=Europe/Berlin", TOCSIN_ERROR_SYNTAX},
        {"clock timezone=CET-1CEST", TOCSIN_ERROR_CONFLICT},
        {"clock timezone=CET-1,M3.5.0,M10.5.0", TOCSIN_ERROR_CONFLICT},
        {"clock timezone=CET-1CEST,M3.5.0,M10.5.0,M1.1.1", TOCSIN_ERROR_RANGE},
        {"clock timezone=M3.5.0", TOCSIN_ERROR_CONFLICT},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tocsin_error error;
        tocsin_spec *spec;

        memset(&error, 0, sizeof error);
        error.struct_size = sizeof error;
        ck_assert_int_eq(tocsin_spec_compile(&spec, wrong[i].text, TOCSIN_NUL_TERMINATED, NULL,
                                             &error), wrong[i].status);
        ck_assert_uint_ge(error.offset, 6);
        ck_assert_msg(strstr(error.message, "CET-1") || strstr(error.message, "at most 3"),
                      "%s: %s", wrong[i].text, error.message);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("contract_zone");
    TCase *tcase = suite_case(s, "zones");

    tcase_add_loop_test(tcase, a_fixed_zone_is_a_shifted_time, 0, DETECTORS);
    tcase_add_loop_test(tcase, who_knows_the_zone_expects_summer_time, 0, DETECTORS);
    tcase_add_loop_test(tcase, banks_change_their_clocks, 0, DETECTORS);
    tcase_add_test(tcase, wrong_rules_are_told);
    return s;
}

TOCSIN_TEST_MAIN(suite)
