/* test_holt_winters_reference.c - holt-winters against R and statsmodels.
 *
 * With fixed parameters, the same initial state, no winsorising and no floor, the predictions
 * are those of R's HoltWinters() and of statsmodels' ExponentialSmoothing, which reference/
 * holds together with the scripts that made them.
 */
#include "../support/suite.h"
#include "one_stage.h"

#include <stdio.h>

typedef struct {
    const char *name, *parameters;
    size_t period, count;
    double level, trend;
    const double *value, *expected, *season;
} reference_case;

#include "reference/holt_winters_r.h"
#include "reference/holt_winters_statsmodels.h"

static void check_case(const reference_case *c, const char *precision, double tolerance)
{
    char text[320];
    one_stage one;

    snprintf(text, sizeof text,
             "holt-winters %s clip=inf floor=0 floor-relative=0 floor-history=0 warmup=2 "
             "state=%s | raw",
             c->parameters, precision);
    one = one_stage_open(text);
    one_stage_set(&one, "level", c->level);
    one_stage_set(&one, "trend", c->trend);
    one_stage_set(&one, "spread", 1);
    one_stage_set(&one, "count", 1e9);      /* long past the start, when gains are 1/n */
    one_stage_set(&one, "start", -1e9);
    one_stage_set(&one, "pace", (double)TOCSIN_MINUTE);
    one_stage_set(&one, "time", -1);        /* the first point falls into slot 0 */
    if (c->period) {
        one_stage_set(&one, "seasons", 1);
        for (size_t i = 0; i < c->period; i++) {
            one_stage_set_slot(&one, "first-season", i, c->season[i]);
            one_stage_set_slot(&one, "slot-deviation", i, 1);
        }
    }
    one.has_last = 1;
    one.last = -TOCSIN_MINUTE;
    for (size_t point_index = 0; point_index < c->count; point_index++) {
        one_stage_push(&one, (int64_t)point_index * TOCSIN_MINUTE, c->value[point_index]);
        assert_near(one.reading.expected, c->expected[point_index], 1, tolerance, c->name);
    }
    one_stage_close(&one);
}

START_TEST(predicts_as_r_does)
{
    check_case(&r_cases[_i], "double", 1e-12);
    check_case(&r_cases[_i], "mixed", 1e-6);
}
END_TEST

START_TEST(predicts_as_statsmodels_does)
{
    check_case(&sm_cases[_i], "double", 1e-12);
    check_case(&sm_cases[_i], "mixed", 1e-6);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("holt-winters against R and statsmodels");
    TCase *references = suite_case(s, "references");

    tcase_add_loop_test(references, predicts_as_r_does, 0, sizeof r_cases / sizeof r_cases[0]);
    tcase_add_loop_test(references, predicts_as_statsmodels_does, 0,
                        sizeof sm_cases / sizeof sm_cases[0]);
    return s;
}

TOCSIN_TEST_MAIN(suite)
