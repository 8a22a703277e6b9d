/* test_plan.c - how long a gate takes to decide: against rollouts simulated here, with other random numbers;
 * what must be longer is longer; and hostile arguments.
 */
#include "../support/counting_allocator.h"
#include "../support/rng.h"
#include "../support/suite.h"

#include <math.h>
#include <stdlib.h>

#include "tocsin.h"

#define RUNS 61
#define LATENCY "unit=request share=50% alpha=5% | latency margin=20%"
#define ERRORS "unit=request share=50% alpha=5% | errors margin=100%"

static tocsin_gate_spec *compiled(const char *text)
{
    tocsin_gate_spec *spec;

    ck_assert_int_eq(tocsin_gate_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL), 0);
    return spec;
}

static tocsin_rollout rollout(double effect, uint32_t runs)
{
    tocsin_rollout r;

    memset(&r, 0, sizeof r);
    r.struct_size = sizeof r;
    r.runs = runs;
    r.requests_max = 1000;
    r.effect = effect;
    r.sigma = 0.5;
    r.errors = 0.2;
    return r;
}

static tocsin_plan planned(const char *text, const tocsin_rollout *r)
{
    tocsin_gate_spec *spec = compiled(text);
    tocsin_plan plan;

    memset(&plan, 0, sizeof plan);
    plan.struct_size = sizeof plan;
    ck_assert_int_eq(tocsin_gate_plan(spec, r, &plan, NULL), TOCSIN_OK);
    tocsin_gate_spec_free(spec);
    ck_assert_uint_le(plan.fail_median, plan.fail_most);
    ck_assert_uint_le(plan.pass_median, plan.pass_most);
    return plan;
}

/* The median of RUNS rollouts that are played here. */
static uint64_t played(const char *text, const tocsin_rollout *r, double effect, uint32_t wanted)
{
    tocsin_gate_spec *spec = compiled(text);
    tocsin_metric_info info;
    tocsin_gate *gate;
    rng random = rng_seeded(99);
    uint64_t below = 0, all[RUNS];

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    tocsin_gate_metric(spec, 0, &info);
    ck_assert_int_eq(tocsin_gate_create(&gate, spec, NULL), 0);
    for (int run = 0; run < RUNS; run++) {
        uint64_t n = 0;

        tocsin_gate_reset(gate);
        for (uint32_t outcome = 0; n < r->requests_max && outcome != wanted;) {
            const uint32_t arm = (uint32_t)rng_below(&random, 2);
            const double factor = arm ? 1 + effect : 1;
            const double value = info.kind == TOCSIN_METRIC_ERRORS
                                     ? rng_uniform(&random) < r->errors * factor
                                     : exp(r->sigma * rng_normal(&random)) * factor;

            tocsin_gate_observe(gate, 0, arm, TOCSIN_TIME_NONE, 0, value);
            if (++n % 40 == 0) {
                tocsin_gate_verdict verdict;

                memset(&verdict, 0, sizeof verdict);
                verdict.struct_size = sizeof verdict;
                tocsin_gate_judge(gate, &verdict);
                outcome = verdict.outcome;
            }
        }
        all[run] = n;
    }
    for (int i = 0; i < RUNS; i++) {
        int rank = 0;

        for (int j = 0; j < RUNS; j++)
            rank += all[j] < all[i] || (all[j] == all[i] && j < i);
        if (rank == RUNS / 2)
            below = all[i];
    }
    tocsin_gate_free(gate);
    tocsin_gate_spec_free(spec);
    return below;
}

/* Medians of 61 that differ by as much as the factor .55 are three standard errors apart. */
START_TEST(a_plan_is_what_happens)
{
    const tocsin_rollout slow = rollout(0.5, RUNS), failing = rollout(1, RUNS);
    const tocsin_plan latency = planned(LATENCY, &slow), errors = planned(ERRORS, &failing);
    const double medians[][2] = {
        {(double)latency.fail_median, (double)played(LATENCY, &slow, 0.5, TOCSIN_OUTCOME_FAIL)},
        {(double)errors.fail_median, (double)played(ERRORS, &failing, 1, TOCSIN_OUTCOME_FAIL)},
        {(double)errors.pass_median, (double)played(ERRORS, &failing, 0, TOCSIN_OUTCOME_PASS)},
    };

    ck_assert_uint_eq(latency.runs, RUNS);
    ck_assert_uint_eq(latency.failed, RUNS);
    for (size_t i = 0; i < sizeof medians / sizeof medians[0]; i++) {
        ck_assert_double_gt(medians[i][0], 0.55 * medians[i][1]);
        ck_assert_double_lt(medians[i][0], medians[i][1] / 0.55);
    }
}
END_TEST

START_TEST(what_must_take_longer_does)
{
    const tocsin_rollout large = rollout(1, 9), small = rollout(0.4, 9);
    tocsin_rollout few = rollout(1, 9);

    few.share = 0.1;
    ck_assert_uint_lt(planned(LATENCY, &large).fail_median, planned(LATENCY, &small).fail_median);
    ck_assert_uint_lt(planned(LATENCY, &large).fail_median,
                      planned("unit=request share=10% alpha=5% | latency margin=20%", &few)
                          .fail_median);
    ck_assert_uint_lt(planned(LATENCY, &large).fail_median,
                      planned("unit=request share=50% alpha=0.01% | latency margin=20%", &large)
                          .fail_median);
}
END_TEST

START_TEST(what_cannot_come_is_said)
{
    tocsin_rollout r = rollout(0.5, 5);
    tocsin_plan plan;

    r.requests_max = 100;
    plan = planned(LATENCY, &r);
    ck_assert_uint_eq(plan.passed, 0);
    ck_assert(plan.pass_median == UINT64_MAX && plan.pass_most == UINT64_MAX);
    /* A share other than the declared one: invalid, which is neither. */
    r.requests_max = 500;
    r.share = 0.9;
    r.effect = 0.01;
    plan = planned(LATENCY, &r);
    ck_assert_uint_eq(plan.passed, 0);
    /* Without guards of the tail a gate does not pass: "shift only" is what it can say. */
    r = rollout(0.5, 5);
    r.sigma = 0.05;
    r.requests_max = 4000;
    plan = planned("unit=session share=50% alpha=5% sessions=5000 | latency margin=20% tail=none", &r);
    ck_assert_uint_eq(plan.passed, 5);
    ck_assert_uint_eq(plan.failed, 5);
}
END_TEST

START_TEST(the_same_plan_has_the_same_bits)
{
    tocsin_rollout r = rollout(0.5, 5);
    const tocsin_plan one = planned(LATENCY, &r), again = planned(LATENCY, &r);
    tocsin_plan other;

    ck_assert_mem_eq(&one, &again, sizeof one);
    r.seed = 1;
    other = planned(LATENCY, &r);
    ck_assert(memcmp(&one, &other, sizeof one) != 0);
}
END_TEST

START_TEST(hostile_arguments_are_refused)
{
    static const char *const others[] = {
        "unit=pod | latency", "unit=request | gauge", "unit=request | histogram",
        "unit=request share=50% | count",
    };
    static const double bad[][4] = {
        {1, 0, 0, 0},  {-0.1, 0, 0, 0}, {NAN, 0, 0, 0},       {0, -0.1, 0, 0}, {0, 101, 0, 0},
        {0, NAN, 0, 0}, {0, 0, -1, 0},  {0, 0, 10.5, 0},      {0, 0, NAN, 0},  {0, 0, 0, 1},
        {0, 0, 0, -1}, {0, 0, 0, NAN},  {0, INFINITY, 0, 0},
    };
    tocsin_gate_spec *spec = compiled(LATENCY);
    counting_allocator counting;
    tocsin_allocator allocator;
    tocsin_rollout r;
    tocsin_plan plan;

    memset(&plan, 0, sizeof plan);
    plan.struct_size = sizeof plan;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        r = rollout(bad[i][1], 5);
        r.share = bad[i][0];
        r.sigma = bad[i][2];
        r.errors = bad[i][3];
        ck_assert_int_eq(tocsin_gate_plan(spec, &r, &plan, NULL), TOCSIN_ERROR_ARGUMENT);
    }
    r = rollout(0.5, 5);
    r.runs = TOCSIN_ROLLOUT_RUNS_MAX + 1;
    ck_assert_int_eq(tocsin_gate_plan(spec, &r, &plan, NULL), TOCSIN_ERROR_ARGUMENT);
    r = rollout(0.5, 5);
    r.requests_max = UINT64_C(1000000001);
    ck_assert_int_eq(tocsin_gate_plan(spec, &r, &plan, NULL), TOCSIN_ERROR_ARGUMENT);
    r = rollout(0.5, 5);
    r.struct_size = 4;
    ck_assert_int_eq(tocsin_gate_plan(spec, &r, &plan, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_gate_plan(NULL, NULL, &plan, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_gate_plan(spec, NULL, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    allocator = counting_start(&counting);
    counting.fail_at = 1;
    r = rollout(0.5, 5);
    ck_assert_int_eq(tocsin_gate_plan(spec, &r, &plan, &allocator), TOCSIN_ERROR_MEMORY);
    ck_assert_uint_eq(plan.runs, 0);
    tocsin_gate_spec_free(spec);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        spec = compiled(others[i]);
        ck_assert_int_eq(tocsin_gate_plan(spec, NULL, &plan, NULL), TOCSIN_ERROR_UNSUPPORTED);
        tocsin_gate_spec_free(spec);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *const s = suite_create("plan");
    TCase *tcase = suite_case(s, "plans");

    tcase_add_test(suite_long_case(s, "rollouts"), a_plan_is_what_happens);
    tcase_add_test(tcase, what_must_take_longer_does);
    tcase_add_test(tcase, what_cannot_come_is_said);
    tcase_add_test(tcase, the_same_plan_has_the_same_bits);
    tcase_add_test(tcase, hostile_arguments_are_refused);
    return s;
}

TOCSIN_TEST_MAIN(suite)
