/* plans.c - how long will a gate take to decide?
 *
 * Model.  The gate itself is run on simulated rollouts: requests that arrive one by one, each the
 * candidate's with the chance of its share; latencies lognormal, `sigma` the standard deviation of their
 * logarithms; errors with a chance each.  Half of the rollouts have a candidate that is worse, the others one
 * that is the same.  No formula: whatever the gate's bets are worth, the guards of the tail and what several
 * metrics cost included, is in what it says.
 *
 * Deviates are quantiles of uniform numbers (SplitMix64: Steele, Lea and Flood 2014) by the
 * library's own arithmetic, so that a plan is the same everywhere.
 *
 * Cost.  An observation for each request and metric, some 100 ns; a verdict each time that their number has
 * grown by 2 %, so what is told is late by so much at most.
 *
 * How it fails.  Real latencies are no lognormal ones, and a change is seldom one of everything by
 * the same factor: a plan tells the order of magnitude.  The 90th percentile of 40 rollouts is known to some 15 %.
 */
#include "plans.h"

#include "../num/mathx.h"

#define PLANS_FIRST 64u         /* requests before the first verdict */
#define PLANS_STEP 50u          /* and then whenever there are by 1 / PLANS_STEP more */

static double plans_uniform(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

/* What one request measures; `change` is 1 + the effect for a candidate that is worse. */
static double plans_value(const tocsin__metric *metric, const tocsin_rollout *rollout, double change,
                          uint64_t *state)
{
    const double factor = metric->worse < 0 ? 1 / change : change;

    if (metric->kind == TOCSIN_METRIC_ERRORS)
        return plans_uniform(state) < rollout->errors * factor;
    return tocsin__exp(rollout->sigma * tocsin__normal_quantile(plans_uniform(state))) * factor;
}

/* A gate that guards no tail never passes. */
static int plans_is_pass(const tocsin_gate_spec *spec, uint32_t outcome)
{
    if (outcome != TOCSIN_OUTCOME_SHIFT_ONLY)
        return outcome == TOCSIN_OUTCOME_PASS;
    for (uint32_t m = 0; m < spec->metric_count; m++)
        if (spec->metrics[m].kind == TOCSIN_METRIC_LATENCY && spec->metrics[m].guards == 0)
            return 1;
    return 0;
}

/* Requests until the gate decides as it should; UINT64_MAX if it decided otherwise, or not at all. */
static uint64_t plans_run(tocsin_gate *gate, const tocsin_rollout *rollout, int is_worse,
                          uint64_t seed)
{
    const tocsin_gate_spec *spec = gate->spec;
    uint64_t state = seed, next = PLANS_FIRST;

    tocsin__gate_init(gate);
    for (uint64_t n = 1; n <= rollout->requests_max; n++) {
        const uint32_t arm = plans_uniform(&state) < rollout->share;
        const double change = arm && is_worse ? 1 + rollout->effect : 1;
        tocsin_gate_verdict verdict = {0};

        for (uint32_t m = 0; m < spec->metric_count; m++)
            tocsin__gate_observe(gate, m, arm, TOCSIN_TIME_NONE, n,
                                 plans_value(&spec->metrics[m], rollout, change, &state));
        if (n < next && n < rollout->requests_max)
            continue;
        next = n + 1 + n / PLANS_STEP;
        tocsin__gate_judge(gate, &verdict);
        if (verdict.outcome == TOCSIN_OUTCOME_FAIL)
            return is_worse ? n : UINT64_MAX;
        if (plans_is_pass(spec, verdict.outcome))
            return is_worse ? UINT64_MAX : n;
        if (verdict.outcome == TOCSIN_OUTCOME_INVALID)
            return UINT64_MAX;
    }
    return UINT64_MAX;
}

/* Runs of one kind: how many decided as they should, and after how many requests half and 90 % had. */
static uint32_t plans_runs(tocsin_gate *gate, const tocsin_rollout *rollout, int is_worse,
                           uint64_t *median, uint64_t *most)
{
    uint64_t requests[TOCSIN_ROLLOUT_RUNS_MAX];
    uint32_t decided = 0;

    for (uint32_t run = 0; run < rollout->runs; run++) {
        const uint64_t seed = (rollout->seed + 2 * (uint64_t)run + (uint64_t)is_worse) *
                              UINT64_C(0xd1342543de82ef95);
        const uint64_t n = plans_run(gate, rollout, is_worse, seed);
        uint32_t at = run;

        for (; at > 0 && requests[at - 1] > n; at--)
            requests[at] = requests[at - 1];
        requests[at] = n;
        decided += n != UINT64_MAX;
    }
    *median = requests[(rollout->runs + 1) / 2 - 1];
    *most = requests[(9 * rollout->runs + 9) / 10 - 1];
    return decided;
}

int tocsin__plan_is_possible(const tocsin_gate_spec *spec)
{
    for (uint32_t m = 0; m < spec->metric_count; m++)
        if (spec->metrics[m].kind != TOCSIN_METRIC_LATENCY &&
            spec->metrics[m].kind != TOCSIN_METRIC_ERRORS)
            return 0;
    return spec->unit != TOCSIN__UNIT_POD;
}

void tocsin__plan(tocsin_gate *gate, const tocsin_rollout *rollout, tocsin_plan *plan)
{
    plan->runs = rollout->runs;
    plan->failed = plans_runs(gate, rollout, 1, &plan->fail_median, &plan->fail_most);
    plan->passed = plans_runs(gate, rollout, 0, &plan->pass_median, &plan->pass_most);
}
