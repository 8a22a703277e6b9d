/* The self-check: the interval of a rate against sums of its own, and what is said of detectors and
 * banks against a plain count of what they said. */
#include <math.h>

#include "num/poisson.h"
#include "../support/banks.h"
#include "../support/rng.h"
#include "../support/suite.h"
#include "tocsin.h"

#define SERIES 40
#define POINTS 2000
#define EVERY 97                /* points from a spike to the next */

/* P(X >= count) by logarithms of the terms, from the largest on outwards. */
static double at_least(uint64_t count, double mean)
{
    const double last = fmax((double)count, mean) + 40 * sqrt(mean) + 40;
    double sum = 0;

    for (double i = (double)count; i < last; i++)
        sum += exp(i * log(mean) - mean - lgamma(i + 1));
    return sum;
}

START_TEST(the_interval_leaves_out_a_fortieth_at_either_end)
{
    static const uint64_t counts[] = {1, 2, 3, 7, 20, 99, 100, 101, 150, 1000, 20000};
    double lower, upper, before_lower = 0, before_upper = 0;

    tocsin__poisson_interval(0, &lower, &upper);
    ck_assert_double_eq(lower, 0);
    ck_assert_double_eq_tol(exp(-upper), 0.025, 1e-9);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const double tolerance = counts[i] > 100 ? 2e-4 : 1e-9;

        tocsin__poisson_interval(counts[i], &lower, &upper);
        ck_assert_double_eq_tol(at_least(counts[i], lower), 0.025, tolerance);
        ck_assert_double_eq_tol(1 - at_least(counts[i] + 1, upper), 0.025, tolerance);
        ck_assert(lower > before_lower && upper > before_upper);
        before_lower = lower;
        before_upper = upper;
    }
    tocsin__poisson_interval(UINT64_MAX, &lower, &upper);
    ck_assert(lower < 0x1p64 && upper >= 0x1p64);
}
END_TEST

static tocsin_spec *compiled(const char *text)
{
    tocsin_spec *spec;

    require(tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL) == TOCSIN_OK,
            "no spec");
    return spec;
}

static tocsin_self_check empty(void)
{
    tocsin_self_check check;

    memset(&check, 0xff, sizeof check);
    check.struct_size = sizeof check;
    return check;
}

/* In order, at least for a while. */
static double value_of(rng *r, int point, int spikes)
{
    return rng_normal(r) + (spikes && point > 500 && point % EVERY == 0 ? 1000 : 0);
}

/* A detector that watches a point a minute; how often it rang. */
static uint64_t watch(tocsin_detector *detector, int spikes)
{
    rng r = rng_seeded(5);
    uint64_t alarms = 0;

    for (int i = 0; i < POINTS; i++) {
        tocsin_verdict verdict;

        require(tocsin_detector_push(detector, i * TOCSIN_MINUTE, value_of(&r, i, spikes),
                                     TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict) == 0,
                "no push");
        alarms += verdict.transition == TOCSIN_TRANSITION_START;
    }
    return alarms;
}

START_TEST(a_detector_is_held_to_its_budget)
{
    /* The long calm one is promised a great deal, the restless one next to nothing. */
    static const struct {
        const char *spec;
        int spikes, finding;
        double budgets;                 /* return periods in all the time */
    } cases[] = {
        {"ewma | tail | alarm budget=1/week", 0, TOCSIN_RATE_KEPT, POINTS / 10080.0},
        {"ewma | tail | alarm budget=1/day min-deviation=500", 0, TOCSIN_RATE_KEPT, POINTS / 1440.0},
        {"ewma | tail | alarm budget=1/h min-deviation=500", 0, TOCSIN_RATE_BELOW, POINTS / 60.0},
        {"ewma | tail | alarm budget=1/week ticket=1/h min-deviation=500", 0, TOCSIN_RATE_BELOW,
         POINTS / 60.0},
        {"ewma | tail | alarm budget=1/week cooldown=1s", 1, TOCSIN_RATE_ABOVE, POINTS / 10080.0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tocsin_spec *spec = compiled(cases[i].spec);
        tocsin_self_check check = empty();
        tocsin_detector *detector;

        require(tocsin_detector_create(&detector, spec, NULL) == TOCSIN_OK, "no detector");
        ck_assert_int_eq(tocsin_detector_self_check(detector, &check), TOCSIN_INFO_IGNORED);
        ck_assert_int_eq(check.finding, TOCSIN_RATE_UNKNOWN);
        ck_assert(isnan(check.ratio) && isnan(check.lower) && isnan(check.upper));

        const uint64_t alarms = watch(detector, cases[i].spikes);

        ck_assert_int_eq(tocsin_detector_self_check(detector, &check), TOCSIN_OK);
        ck_assert_uint_eq(check.alarms, alarms);
        ck_assert_double_eq_tol(check.watched, POINTS * 60.0, 0.02 * POINTS * 60);
        ck_assert_double_eq_tol(check.promised, cases[i].budgets, 0.02 * cases[i].budgets);
        ck_assert_double_eq_tol(check.ratio, (double)alarms / check.promised, 1e-9);
        ck_assert(check.lower <= check.ratio && check.ratio <= check.upper);
        ck_assert_int_eq(check.finding, cases[i].finding);
        tocsin_detector_free(detector);
        tocsin_spec_free(spec);
    }
}
END_TEST

/* A bank of both kinds of clock: its alarms and points are those of its series. */
START_TEST(a_bank_is_held_to_its_budget)
{
    static const uint32_t clocks[] = {TOCSIN_CLOCK_SHARED, TOCSIN_CLOCK_OWN};

    for (size_t c = 0; c < 2; c++)
        for (int spikes = 0; spikes < 2; spikes++) {
            tocsin_bank_options options = banks_options();
            tocsin_spec *spec = compiled("ewma | tail | alarm budget=1/week cooldown=1s");
            tocsin_self_check check = empty();
            uint64_t alarms = 0, values = 0;
            rng r = rng_seeded(6);

            options.clock = clocks[c];

            tocsin_bank *bank = banks_create(spec, &options);

            ck_assert_int_eq(tocsin_bank_self_check(bank, &check), TOCSIN_INFO_IGNORED);
            for (uint64_t i = 0; i < SERIES; i++)
                banks_add(bank, banks_id(i));
            for (int i = 0; i < POINTS / 2; i++) {
                double value[SERIES];

                for (int k = 0; k < SERIES; k++) {
                    value[k] = rng_below(&r, 10) == 0 ? NAN : value_of(&r, i, spikes);
                    values += !isnan(value[k]);
                }

                const tocsin_tick tick = banks_tick(bank, i * TOCSIN_MINUTE, value);

                require(tocsin_bank_tick_begin(bank, &tick) == TOCSIN_OK, "no tick");
                ck_assert_int_eq(tocsin_bank_self_check(bank, &check), TOCSIN_ERROR_CONFLICT);
                require(tocsin_bank_tick_range(bank, 0, 0, SERIES) == TOCSIN_OK, "no range");
                require(tocsin_bank_tick_end(bank) == TOCSIN_OK, "no end");
                alarms += banks_last(bank).started;
            }
            ck_assert_int_eq(tocsin_bank_self_check(bank, &check), TOCSIN_OK);
            ck_assert_uint_eq(check.alarms, alarms);
            ck_assert_double_eq_tol(check.watched, (double)values * 60, 1e-6 * (double)values);
            ck_assert_double_eq_tol(check.promised, (double)values / 10080, 1e-6);
            ck_assert_int_eq(check.finding == TOCSIN_RATE_ABOVE, spikes);
            tocsin_bank_free(bank);
            tocsin_spec_free(spec);
        }
}
END_TEST

START_TEST(who_promises_nothing_is_held_to_nothing)
{
    static const char *const specs[] = {"ewma | raw", "ewma | raw | alarm threshold=5",
                                        "ewma | tail | alarm threshold=4"};

    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        tocsin_spec *spec = compiled(specs[i]);
        tocsin_bank *bank = banks_create(spec, NULL);
        tocsin_self_check check = empty();
        tocsin_detector *detector;

        require(tocsin_detector_create(&detector, spec, NULL) == TOCSIN_OK, "no detector");
        ck_assert_int_eq(tocsin_detector_self_check(detector, &check), TOCSIN_ERROR_UNSUPPORTED);
        ck_assert_int_eq(tocsin_bank_self_check(bank, &check), TOCSIN_ERROR_UNSUPPORTED);
        ck_assert_int_eq(tocsin_detector_self_check(detector, NULL), TOCSIN_ERROR_ARGUMENT);
        ck_assert_int_eq(tocsin_detector_self_check(NULL, &check), TOCSIN_ERROR_ARGUMENT);
        ck_assert_int_eq(tocsin_bank_self_check(bank, NULL), TOCSIN_ERROR_ARGUMENT);
        ck_assert_int_eq(tocsin_bank_self_check(NULL, &check), TOCSIN_ERROR_ARGUMENT);
        check.struct_size--;
        ck_assert_int_eq(tocsin_detector_self_check(detector, &check), TOCSIN_ERROR_ARGUMENT);
        ck_assert_int_eq(tocsin_bank_self_check(bank, &check), TOCSIN_ERROR_ARGUMENT);
        tocsin_detector_free(detector);
        tocsin_bank_free(bank);
        tocsin_spec_free(spec);
    }
}
END_TEST

/* The sum of checks is the check of the sums. */
START_TEST(checks_add_up)
{
    tocsin_self_check sum = {.struct_size = sizeof sum}, all = sum, part = sum;

    ck_assert_int_eq(tocsin_self_check_add(&sum, &part), TOCSIN_INFO_IGNORED);
    ck_assert(isnan(sum.ratio));
    for (uint64_t i = 0; i < 30; i++) {
        part.alarms = i % 7;
        part.watched = 1000.0 * (double)i;
        part.promised = 0.5 * (double)(i % 3);
        part.ratio = part.lower = part.upper = 77;
        all.alarms += part.alarms;
        all.watched += part.watched;
        all.promised += part.promised;
        ck_assert_int_ge(tocsin_self_check_add(&sum, &part), TOCSIN_OK);
    }
    ck_assert_uint_eq(sum.alarms, all.alarms);
    ck_assert_double_eq(sum.watched, all.watched);
    ck_assert_double_eq(sum.promised, all.promised);
    ck_assert_double_eq(sum.ratio, (double)all.alarms / all.promised);
    tocsin__poisson_interval(all.alarms, &all.lower, &all.upper);
    ck_assert_double_eq_tol(sum.lower * all.promised, all.lower, 1e-9);
    ck_assert_double_eq_tol(sum.upper * all.promised, all.upper, 1e-9);
    ck_assert_int_eq(sum.finding, TOCSIN_RATE_ABOVE);
    ck_assert_int_eq(tocsin_self_check_add(NULL, &part), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_self_check_add(&sum, NULL), TOCSIN_ERROR_ARGUMENT);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("self_check");
    TCase *tcase = suite_case(suite, "self_check");

    tcase_add_test(tcase, the_interval_leaves_out_a_fortieth_at_either_end);
    tcase_add_test(tcase, a_detector_is_held_to_its_budget);
    tcase_add_test(tcase, a_bank_is_held_to_its_budget);
    tcase_add_test(tcase, checks_add_up);
    tcase_add_test(tcase, who_promises_nothing_is_held_to_nothing);
    return suite;
}

TOCSIN_TEST_MAIN(suite)
