/* The release gate: e-processes against the definition, event by event; what is merged, saved and
 * loaded; verdicts on simulated releases; and inputs nobody would wish for. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "tocsin.h"
#include "../support/counting_allocator.h"
#include "../support/gates.h"
#include "../support/rng.h"
#include "../support/suite.h"

/* ---- Gates ------------------------------------------------------------------- */

static tocsin_gate_spec *spec_of(const char *text)
{
    tocsin_gate_spec *spec;
    tocsin_error error;

    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    require(tocsin_gate_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error) ==
                TOCSIN_OK,
            "%s: %s", text, error.message);
    return spec;
}

static void observe(tocsin_gate *gate, uint32_t metric, int arm, double value)
{
    require(tocsin_gate_observe(gate, metric, (uint32_t)arm, TOCSIN_TIME_NONE, 0, value) ==
                TOCSIN_OK,
            "%g was not taken", value);
}

static void free_both(tocsin_gate *gate, tocsin_gate_spec *spec)
{
    tocsin_gate_free(gate);
    tocsin_gate_spec_free(spec);
}

/* A release whose values are `factor` times the baseline's, split evenly. */
static void feed(tocsin_gate *gate, uint64_t seed, int count, double factor)
{
    rng random = rng_seeded(seed);

    for (int i = 0; i < count; i++) {
        const int arm = rng_uniform(&random) < .5;

        observe(gate, 0, arm, 100 * exp(rng_normal(&random)) * (arm ? factor : 1));
    }
}

/* ---- Specs --------------------------------------------------------------------- */

START_TEST(canonical_text_compiles_to_itself)
{
    static const char *const texts[] = {
        "unit=request | latency",
        "unit=session share=5% sessions=5000 | latency name=a tail=q999 | errors name=b worse=down",
        "unit=pod pods=20 budget=30m alpha=.05 | latency | gauge margin=2.5%",
        ("unit=request share=25% ramp=yes | count worse=down margin=50% | histogram tail=none\n"
         "  # a comment with a | bar\n  tail_margin=50%"),
        "unit=request routing=before-after | gauge block=5m",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tocsin_gate_spec *const spec = spec_of(texts[i]), *again;
        char one[2048], other[2048];
        size_t needed;

        ck_assert_int_eq(tocsin_gate_spec_text(spec, NULL, 0, &needed), TOCSIN_ERROR_SPACE);
        ck_assert_int_eq(tocsin_gate_spec_text(spec, one, needed - 1, NULL), TOCSIN_ERROR_SPACE);
        ck_assert_int_eq(tocsin_gate_spec_text(spec, one, needed, NULL), TOCSIN_OK);
        ck_assert_uint_eq(strlen(one) + 1, needed);
        again = spec_of(one);
        ck_assert_int_eq(tocsin_gate_spec_text(again, other, sizeof other, NULL), TOCSIN_OK);
        ck_assert_str_eq(one, other);
        tocsin_gate_spec_free(again);
        tocsin_gate_spec_free(spec);
    }
}
END_TEST

START_TEST(wrong_texts_are_refused_at_the_word)
{
    static const struct {
        const char *text;
        int status;
        const char *at, *suggestion;
    } wrong[] = {
        {"", TOCSIN_ERROR_SYNTAX, "", ""},
        {"unit=request", TOCSIN_ERROR_SYNTAX, "", ""},
        {"share=50% | latency", TOCSIN_ERROR_SYNTAX, "| latency", ""},
        {"unit=request |", TOCSIN_ERROR_SYNTAX, "", ""},
        {"unit=requests | latency", TOCSIN_ERROR_NAME, "requests", "request"},
        {"unti=request | latency", TOCSIN_ERROR_NAME, "unti", "unit"},
        {"unit=request | latncy", TOCSIN_ERROR_NAME, "latncy", "latency"},
        {"unit=request | latency margni=5%", TOCSIN_ERROR_NAME, "margni", "margin"},
        {"unit=request | errors tail=q99", TOCSIN_ERROR_NAME, "tail", ""},
        {"unit=request | latency margin=0", TOCSIN_ERROR_RANGE, "0", ""},
        {"unit=request share=100% | latency", TOCSIN_ERROR_RANGE, "100%", ""},
        {"unit=request unit=pod | latency", TOCSIN_ERROR_CONFLICT, "unit=pod", ""},
        {"unit=request | latency | latency", TOCSIN_ERROR_CONFLICT, "latency", ""},
        {"unit=request | latency name=a name=b", TOCSIN_ERROR_CONFLICT, "b", ""},
        {"unit=request | latency name=a,b", TOCSIN_ERROR_SYNTAX, "a,b", ""},
        {"unit=request | latency margin", TOCSIN_ERROR_SYNTAX, "margin", ""},
        {"unit=request | count", TOCSIN_ERROR_CONFLICT, "count", ""},
        {"unit=session | histogram", TOCSIN_ERROR_CONFLICT, "histogram", ""},
        {"unit=request routing=sticky | latency", TOCSIN_ERROR_CONFLICT, "| latency", ""},
        {"unit=request share=5% routing=before-after | latency", TOCSIN_ERROR_CONFLICT,
         "| latency", ""},
        {"unit=request | latency worse=down margin=95%", TOCSIN_ERROR_RANGE, "latency", ""},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tocsin_gate_spec *spec = (tocsin_gate_spec *)&spec;
        tocsin_error error;
        const char *at = wrong[i].text;

        memset(&error, 0, sizeof error);
        error.struct_size = sizeof error;
        /* The last place where the word stands. */
        for (const char *p = at; (p = strstr(p, wrong[i].at)) != NULL && *p != '\0'; p++)
            at = p;
        if (wrong[i].at[0] == '\0')
            at = wrong[i].text + strlen(wrong[i].text);
        const int status = tocsin_gate_spec_compile(&spec, wrong[i].text, TOCSIN_NUL_TERMINATED,
                                                    NULL, &error);
        require(status == wrong[i].status && error.status == status, "%s: status %d", wrong[i].text,
                status);
        require(spec == NULL, "%s: a spec", wrong[i].text);
        require(error.message[0] != '\0', "%s: no message", wrong[i].text);
        require(strcmp(error.suggestion, wrong[i].suggestion) == 0, "%s: suggests '%s'",
                wrong[i].text, error.suggestion);
        require(error.offset == (uint32_t)(at - wrong[i].text), "%s: at %u", wrong[i].text,
                error.offset);
    }
}
END_TEST

START_TEST(metrics_are_found_by_name)
{
    tocsin_gate_spec *const spec =
        spec_of("unit=request share=.5 | latency name=a margin=20% | errors | count worse=down");
    tocsin_metric_info info;
    uint32_t index = 9;

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    ck_assert_uint_eq(tocsin_gate_metric_count(spec), 3);
    ck_assert_int_eq(tocsin_gate_metric_find(spec, "errors!", 6, &index), TOCSIN_OK);
    ck_assert_uint_eq(index, 1);
    ck_assert_int_eq(tocsin_gate_metric_find(spec, "error", 5, &index), TOCSIN_ERROR_NAME);
    ck_assert_int_eq(tocsin_gate_metric(spec, 0, &info), TOCSIN_OK);
    ck_assert_str_eq(info.name, "a");
    ck_assert_uint_eq(info.kind, TOCSIN_METRIC_LATENCY);
    ck_assert(info.margin == .2);
    ck_assert_int_eq(tocsin_gate_metric(spec, 2, &info), TOCSIN_OK);
    ck_assert_int_eq(info.worse, -1);
    ck_assert_int_eq(tocsin_gate_metric(spec, 3, &info), TOCSIN_ERROR_ARGUMENT);
    tocsin_gate_spec_free(spec);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    counting_allocator counting;
    tocsin_allocator allocator = counting_start(&counting);
    tocsin_gate_spec *spec;
    tocsin_gate *gate;

    counting.fail_at = 1;
    ck_assert_int_eq(tocsin_gate_spec_compile(&spec, "unit=request | latency", 22, &allocator,
                                              NULL), TOCSIN_ERROR_MEMORY);
    ck_assert_ptr_null(spec);
    counting.fail_at = 0;
    ck_assert_int_eq(tocsin_gate_spec_compile(&spec, "unit=request | latency", 22, &allocator,
                                              NULL), TOCSIN_OK);
    counting.fail_at = counting.calls + 1;
    ck_assert_int_eq(tocsin_gate_create(&gate, spec, &allocator), TOCSIN_ERROR_MEMORY);
    ck_assert_ptr_null(gate);
    counting.fail_at = 0;
    ck_assert_int_eq(tocsin_gate_create(&gate, spec, &allocator), TOCSIN_OK);
    const size_t calls = counting.calls;
    feed(gate, 1, 300, 1);
    gates_judge(gate);
    ck_assert_uint_eq(counting.calls, calls);
    free_both(gate, spec);
    ck_assert_uint_eq(counting.live, 0);
}
END_TEST

START_TEST(callers_memory)
{
    tocsin_gate_spec *const spec = spec_of("unit=request | latency");
    const size_t size = tocsin_gate_size(spec), align = tocsin_gate_alignment();
    char *const block = malloc(size + 2 * align);
    char *const at = block + align - (uintptr_t)block % align;
    tocsin_gate *gate;

    ck_assert_int_eq(tocsin_gate_create_in(&gate, spec, at + 1, size), TOCSIN_ERROR_ALIGNMENT);
    ck_assert_int_eq(tocsin_gate_create_in(&gate, spec, at, size - 1), TOCSIN_ERROR_SPACE);
    ck_assert_ptr_null(gate);
    memset(at, 0xa5, size + 1);
    ck_assert_int_eq(tocsin_gate_create_in(&gate, spec, at, size), TOCSIN_OK);
    ck_assert_ptr_eq(tocsin_gate_spec_of(gate), spec);
    feed(gate, 1, 300, 1);
    tocsin_gate_free(gate);
    ck_assert_int_eq((unsigned char)at[size], 0xa5);
    free(block);
    tocsin_gate_spec_free(spec);
}
END_TEST

/* ---- Evidence by the definition ------------------------------------------------------ */

/* Errors at a known share: wealth multiplied event by event, for each bet, and averaged. */
START_TEST(errors_are_bets_on_the_arm_of_each)
{
    static const double bets[8] = {.04, .09, .18, .32, .5, .75, 1.2, 2.2};
    const double share = .2;
    tocsin_gate_spec *const spec = spec_of("unit=request share=20% | errors margin=50%");
    tocsin_gate *const gate = gates_create(spec);
    double wealth[8] = {1, 1, 1, 1, 1, 1, 1, 1}, against[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    const double theta = share * 1.5 / (1 - share + share * 1.5);
    rng random = rng_seeded(3);

    for (int i = 0; i < 4000; i++) {
        const int arm = rng_uniform(&random) < share;
        const int failed = rng_uniform(&random) < (arm ? .08 : .05);

        observe(gate, 0, arm, failed);
        for (int j = 0; j < 8 && failed; j++) {
            const double up = exp(bets[j]), down = exp(-bets[j]);

            wealth[j] *= (arm ? up : 1) / (1 - share + share * up);
            against[j] *= (arm ? down : 1) / (1 - theta + theta * down);
        }
        if (i % 500 != 499)
            continue;
        double mean = 0, mean_against = 0;
        for (int j = 0; j < 8; j++) {
            mean += wealth[j] / 8;
            mean_against += against[j] / 8;
        }
        const tocsin_gate_verdict v = gates_judge(gate);
        require(fabs(v.log_e - log(mean)) < 1e-9, "%g for %g", v.log_e, log(mean));
        require(fabs(v.log_e_pass - log(mean_against)) < 1e-9, "%g for %g", v.log_e_pass,
                log(mean_against));
    }
    free_both(gate, spec);
}
END_TEST

/* The share's e-process as its predictions: each unit by the share of (prior + what was seen). */
START_TEST(the_share_is_predicted_unit_by_unit)
{
    tocsin_gate_spec *const spec = spec_of("unit=request share=30% | latency");
    tocsin_gate *const gate = gates_create(spec);
    double log_e = 0, seen[2] = {70, 30};
    rng random = rng_seeded(9);

    for (int i = 0; i < 3000; i++) {
        const int arm = rng_uniform(&random) < .27;

        observe(gate, 0, arm, 1 + rng_uniform(&random));
        log_e += log(seen[arm] / (seen[0] + seen[1]) / (arm ? .3 : .7));
        seen[arm]++;
        if (i % 300 == 299) {
            const tocsin_gate_verdict v = gates_judge(gate);

            require(fabs(v.log_e_share - log_e) < 1e-8, "%g for %g", v.log_e_share, log_e);
        }
    }
    free_both(gate, spec);
}
END_TEST

/* A candidate's evidence about a change of d is that of its values divided by 1 + d against no
 * change: once the levels are the same, so are the bets. */
START_TEST(a_change_is_judged_by_dividing_it_out)
{
    enum { EFFECTS = 10, FIRST = 64, CANDIDATES = 15 };     /* no step until all are in */
    tocsin_gate_spec *const spec = spec_of("unit=request share=40% | latency margin=20%");
    tocsin_gate *const gate = gates_create(spec), *const divided = gates_create(spec);
    tocsin_gate_effect effects[EFFECTS], none[EFFECTS];
    size_t count;

    for (size_t k = 0; k < EFFECTS; k++) {
        rng random = rng_seeded(77);

        tocsin_gate_reset(gate);
        tocsin_gate_reset(divided);
        ck_assert_int_eq(tocsin_gate_effects(gate, 0, effects, EFFECTS, &count), TOCSIN_OK);
        for (int i = 0; i < FIRST + CANDIDATES; i++) {
            const double value = 100 * exp(rng_normal(&random));
            const int arm = i >= FIRST;

            observe(gate, 0, arm, value);
            observe(divided, 0, arm, arm ? value / (1 + effects[k].effect) : value);
        }
        ck_assert_int_eq(tocsin_gate_effects(gate, 0, effects, EFFECTS, &count), TOCSIN_OK);
        ck_assert_int_eq(tocsin_gate_effects(divided, 0, none, EFFECTS, &count), TOCSIN_OK);
        ck_assert_double_eq(none[2].effect, 0);
        ck_assert_double_eq_tol(effects[k].log_e_less, none[2].log_e_less, 1e-9);
        ck_assert_double_eq_tol(effects[k].log_e_more, none[2].log_e_more, 1e-9);
    }
    tocsin_gate_free(divided);
    free_both(gate, spec);
}
END_TEST

/* The mean of every bet under the share is 1, whatever the levels do meanwhile: so summing E over
 * all sequences of the next arms, weighted by their probability, gives what E was before.  Before
 * the levels stand, while they are found, when they begin anew, and later. */
START_TEST(no_bet_wins_on_average)
{
    enum { MORE = 10 };
    static const int begins[] = {8, 20, 28, 60, 64, 120};
    const int begin = begins[_i];
    tocsin_gate_spec *const spec = spec_of("unit=request share=30% | latency");
    tocsin_gate *const gate = gates_create(spec);
    static const double values[MORE] = {50, 1e9, 200, INFINITY, 3, 100, 1e9, 140, INFINITY, 90};
    double mean = 0, before = 0;

    for (int arms = 0; arms < 1 << MORE; arms++) {
        double probability = 1;

        tocsin_gate_reset(gate);
        for (int i = 0; i < begin; i++)
            observe(gate, 0, i % 3 == 0, 60 + (i * 37) % 64);
        before = exp(gates_judge(gate).log_e);
        for (int i = 0; i < MORE; i++) {
            const int arm = arms >> i & 1;

            probability *= arm ? .3 : .7;
            observe(gate, 0, arm, values[i]);
        }
        mean += probability * exp(gates_judge(gate).log_e);
    }
    ck_assert_double_eq_tol(mean, before, 1e-9);
    free_both(gate, spec);
}
END_TEST

/* Not knowing the share never says more than knowing it. */
START_TEST(a_share_not_known_is_the_least_of_all)
{
    tocsin_gate_spec *const unknown = spec_of("unit=request | latency | errors");
    tocsin_gate *const gate = gates_create(unknown);
    tocsin_gate_verdict v;
    rng random = rng_seeded(4);

    for (int i = 0; i < 3000; i++) {
        const int arm = rng_uniform(&random) < .4;

        observe(gate, 0, arm, 100 * exp(rng_normal(&random)) * (arm ? 1.2 : 1));
        observe(gate, 1, arm, rng_uniform(&random) < (arm ? .1 : .05));
    }
    for (uint32_t metric = 1; metric < 2; metric++) {
        memset(&v, 0, sizeof v);
        v.struct_size = sizeof v;
        ck_assert_int_eq(tocsin_gate_judge_metric(gate, metric, &v), TOCSIN_OK);
        const double least = v.log_e;
        ck_assert(isnan(v.log_e_share));
        for (int percent = 5; percent < 96; percent += 5) {
            char text[80];
            rng again = rng_seeded(4);

            snprintf(text, sizeof text, "unit=request share=%d%% | latency | errors", percent);
            tocsin_gate_spec *const spec = spec_of(text);
            tocsin_gate *const known = gates_create(spec);
            for (int i = 0; i < 3000; i++) {
                const int arm = rng_uniform(&again) < .4;

                observe(known, 0, arm, 100 * exp(rng_normal(&again)) * (arm ? 1.2 : 1));
                observe(known, 1, arm, rng_uniform(&again) < (arm ? .1 : .05));
            }
            memset(&v, 0, sizeof v);
            v.struct_size = sizeof v;
            ck_assert_int_eq(tocsin_gate_judge_metric(known, metric, &v), TOCSIN_OK);
            const double share = percent / 100.;
            double units[2] = {(double)v.baseline_units, (double)v.candidate_units};
            /* Half the larger of the bet and what the split says of this share, per bet: the
             * mixture lies below the larger of both mixtures. */
            const double split = lgamma(units[0] + .5) + lgamma(units[1] + .5) -
                                 lgamma(units[0] + units[1] + 1) - 2 * lgamma(.5) -
                                 units[0] * log(1 - share) - units[1] * log(share);
            require(least <= fmax(v.log_e, split) + 1e-9, "%g over %g, %g at %d %%", least,
                    v.log_e, split, percent);
            free_both(known, spec);
        }
    }
    free_both(gate, unknown);
}
END_TEST

/* ---- Verdicts ------------------------------------------------------------------------- */

START_TEST(harm_fails_and_none_passes)
{
    tocsin_gate_spec *const spec = spec_of("unit=request share=50% alpha=5% | latency");
    tocsin_gate *const gate = gates_create(spec);
    char text[512];
    tocsin_gate_verdict v;

    feed(gate, 1, 30000, 1.3);
    v = gates_judge(gate);
    ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_FAIL);
    ck_assert_uint_eq(v.blamed, 1);
    ck_assert_double_eq_tol(v.effect, .3, .06);
    ck_assert(v.effect_low > 0 && v.effect_low < .3 && v.effect_high > .3);
    ck_assert(v.p < .05);
    ck_assert_int_eq(tocsin_gate_text(gate, &v, text, sizeof text, NULL), TOCSIN_OK);
    ck_assert_ptr_nonnull(strstr(text, "fail: 'latency'"));

    tocsin_gate_reset(gate);
    feed(gate, 2, 120000, 1);
    v = gates_judge(gate);
    ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_PASS);
    ck_assert(v.ruled_out <= .1 && v.effect_low < 0 && v.effect_high > 0);
    ck_assert_uint_eq(v.needed, 0);
    free_both(gate, spec);
}
END_TEST

START_TEST(lower_can_be_worse)
{
    tocsin_gate_spec *const spec =
        spec_of("unit=request share=50% alpha=5% | latency name=rate worse=down"
                " | errors name=hits worse=down | count name=orders worse=down");
    tocsin_gate *const gate = gates_create(spec);
    rng random = rng_seeded(8);

    for (int i = 0; i < 20000; i++) {
        const int arm = rng_uniform(&random) < .5;

        observe(gate, 0, arm, exp(rng_normal(&random)) * (arm ? .8 : 1));
        observe(gate, 1, arm, rng_uniform(&random) < (arm ? .4 : .5));
        observe(gate, 2, arm, rng_uniform(&random) < (arm ? .4 : .5));
    }
    for (uint32_t metric = 0; metric < 3; metric++) {
        tocsin_gate_verdict v;

        memset(&v, 0, sizeof v);
        v.struct_size = sizeof v;
        ck_assert_int_eq(tocsin_gate_judge_metric(gate, metric, &v), TOCSIN_OK);
        ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_FAIL);
        ck_assert_double_eq_tol(v.effect, -.2, .05);
        ck_assert(v.effect_high < 0 && v.effect_low < -.1);
    }
    ck_assert_uint_eq(gates_judge(gate).blamed, 3);
    free_both(gate, spec);
}
END_TEST

START_TEST(a_hidden_tail_is_not_passed)
{
    tocsin_gate_spec *const spec =
        spec_of("unit=request share=50% alpha=5% | latency tail=q999");
    tocsin_gate *const gate = gates_create(spec);
    rng random = rng_seeded(5);

    for (int i = 0; i < 60000; i++) {
        const int arm = rng_uniform(&random) < .5;
        const double slow = arm && rng_uniform(&random) < .005 ? 20 : 1;

        observe(gate, 0, arm, exp(rng_normal(&random)) * slow);
        if (i % 1000 == 0)
            ck_assert_uint_ne(gates_judge(gate).outcome, TOCSIN_OUTCOME_PASS);
    }
    ck_assert_uint_eq(gates_judge(gate).outcome, TOCSIN_OUTCOME_FAIL);
    free_both(gate, spec);
}
END_TEST

START_TEST(a_wrong_share_is_invalid)
{
    tocsin_gate_spec *const spec = spec_of("unit=request share=50% | latency");
    tocsin_gate *const gate = gates_create(spec);
    rng random = rng_seeded(6);

    for (int i = 0; i < 3000; i++)
        observe(gate, 0, rng_uniform(&random) < .6, exp(rng_normal(&random)));
    ck_assert_uint_eq(gates_judge(gate).outcome, TOCSIN_OUTCOME_INVALID);
    free_both(gate, spec);
}
END_TEST

/* 200 gates without change, looked at all along: the count that ever fails at 5 % is binomial at
 * the worst, and 22 or more have a chance of .0006. */
START_TEST(no_change_seldom_fails)
{
    tocsin_gate_spec *const spec = spec_of("unit=request share=50% alpha=5% | latency | errors");
    tocsin_gate *const gate = gates_create(spec);
    int fails = 0;

    for (uint64_t run = 0; run < 200; run++) {
        rng random = rng_seeded(1000 + run);
        int failed = 0;

        tocsin_gate_reset(gate);
        for (int i = 0; i < 600 && !failed; i++) {
            const int arm = rng_uniform(&random) < .5;

            observe(gate, 0, arm, exp(2 * rng_normal(&random)));
            observe(gate, 1, arm, rng_uniform(&random) < .1);
            if (i % 20 == 19)
                failed = gates_judge(gate).outcome == TOCSIN_OUTCOME_FAIL;
        }
        fails += failed;
    }
    ck_assert_int_lt(fails, 22);
    free_both(gate, spec);
}
END_TEST

START_TEST(blame_is_shared_among_many)
{
    enum { METRICS = 100, BAD = 10 };
    char text[8192] = "unit=request share=50% alpha=5%";
    uint32_t blamed[METRICS];
    size_t count, wrong = 0;
    rng random = rng_seeded(12);

    for (int m = 0; m < METRICS; m++)
        sprintf(text + strlen(text), " | errors name=m%d", m);
    tocsin_gate_spec *const spec = spec_of(text);
    tocsin_gate *const gate = gates_create(spec);
    for (uint32_t m = 0; m < METRICS; m++)
        for (int i = 0; i < 3000; i++) {
            const int arm = rng_uniform(&random) < .5;

            observe(gate, m, arm, rng_uniform(&random) < (arm && m < BAD ? .11 : .05));
        }
    ck_assert_int_eq(tocsin_gate_blame(gate, blamed, METRICS, &count), TOCSIN_OK);
    for (size_t i = 0; i < count; i++)
        wrong += blamed[i] >= BAD;
    ck_assert_uint_ge(count, 9);
    ck_assert_uint_le(wrong, 1);
    ck_assert_int_eq(tocsin_gate_blame(gate, blamed, 2, &count), TOCSIN_ERROR_SPACE);
    free_both(gate, spec);
}
END_TEST

START_TEST(sessions_count_once)
{
    tocsin_gate_spec *const spec =
        spec_of("unit=session share=50% sessions=2000 | latency | errors");
    tocsin_gate *const gate = gates_create(spec);
    uint64_t taken = 0;

    for (uint64_t i = 0; i < 5000; i++)
        for (uint32_t metric = 0; metric < 2; metric++) {
            const int status = tocsin_gate_observe(gate, metric, i % 2, TOCSIN_TIME_NONE,
                                                   i % 1000 * 7919, 1);

            require(i >= 1000 ? status == TOCSIN_INFO_IGNORED
                              : status == TOCSIN_OK || status == TOCSIN_INFO_IGNORED,
                    "session %d: %d", (int)i, status);
            taken += status == TOCSIN_OK;
        }
    /* A few may look as if they had been there. */
    ck_assert_uint_ge(taken, 1990);
    ck_assert_uint_eq(gates_judge(gate).baseline_ignored, 0);
    free_both(gate, spec);
}
END_TEST

START_TEST(pods_are_what_differs)
{
    tocsin_gate_spec *const spec = spec_of("unit=pod alpha=5% | latency");
    tocsin_gate *const gate = gates_create(spec);
    rng random = rng_seeded(21);
    tocsin_gate_verdict v;

    for (int i = 0; i < 20000; i++) {
        const uint64_t pod = (uint64_t)(rng_uniform(&random) * 20);
        const int arm = pod >= 10;

        ck_assert_int_eq(tocsin_gate_observe(gate, 0, (uint32_t)arm, TOCSIN_TIME_NONE, pod,
                                             exp(.3 * rng_normal(&random)) *
                                                 (1 + .01 * (double)(pod % 5)) *
                                                 (arm ? 1.2 : 1)),
                         TOCSIN_OK);
    }
    v = gates_judge(gate);
    ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_FAIL);
    ck_assert_uint_eq(v.baseline_units, 10);
    ck_assert_double_eq_tol(v.effect, .2, .03);

    tocsin_gate_reset(gate);
    for (int i = 0; i < 20000; i++) {
        const uint64_t pod = (uint64_t)(rng_uniform(&random) * 11);

        tocsin_gate_observe(gate, 0, pod == 10, TOCSIN_TIME_NONE, pod,
                            exp(.3 * rng_normal(&random)) * (pod == 10 ? 2 : 1));
    }
    v = gates_judge(gate);
    ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_UNDECIDED);
    ck_assert(v.flags & TOCSIN_GATE_FEW_PODS);
    ck_assert(v.needed > 0 && v.needed < 20);
    free_both(gate, spec);
}
END_TEST

START_TEST(gauges_compare_blocks)
{
    tocsin_gate_spec *const spec = spec_of("unit=request alpha=5% | gauge block=10s margin=20%");
    tocsin_gate *const gate = gates_create(spec);
    rng random = rng_seeded(31);
    tocsin_gate_verdict v;

    for (int change = 0; change < 2; change++) {
        tocsin_gate_reset(gate);
        for (int64_t i = 0; i < 3000; i++) {
            const double level = 50 + 20 * sin((double)i / 200);

            for (uint32_t arm = 0; arm < 2; arm++)
                ck_assert_int_eq(tocsin_gate_observe(gate, 0, arm, i * TOCSIN_SECOND, 0,
                                                     level * (arm && change ? 1.1 : 1) +
                                                         3 * rng_normal(&random)),
                                 TOCSIN_OK);
            if (i == 200)
                ck_assert_uint_eq(gates_judge(gate).outcome, TOCSIN_OUTCOME_UNDECIDED);
        }
        v = gates_judge(gate);
        ck_assert_uint_eq(v.outcome, change ? TOCSIN_OUTCOME_FAIL : TOCSIN_OUTCOME_PASS);
        ck_assert_double_eq_tol(v.effect, change ? .1 : 0, .02);
    }
    /* A clock that goes back. */
    ck_assert_int_eq(tocsin_gate_observe(gate, 0, 0, 5, 0, 1), TOCSIN_INFO_IGNORED);
    ck_assert_int_eq(tocsin_gate_observe(gate, 0, 0, TOCSIN_TIME_NONE, 0, 1), TOCSIN_ERROR_TIME);
    free_both(gate, spec);
}
END_TEST

START_TEST(histograms_decide_like_values)
{
    static const double bounds[] = {10, 30, 60, 100, 200, 400, 1000, INFINITY};
    tocsin_gate_spec *const spec = spec_of("unit=request share=50% alpha=5% | histogram");
    tocsin_gate *const gate = gates_create(spec);
    uint64_t counts[2][8];
    rng random = rng_seeded(41);

    for (int change = 0; change < 2; change++) {
        tocsin_gate_reset(gate);
        for (int interval = 0; interval < 800; interval++) {
            memset(counts, 0, sizeof counts);
            for (int i = 0; i < 50; i++) {
                const int arm = rng_uniform(&random) < .5;
                const double x = 100 * exp(rng_normal(&random)) * (arm && change ? 1.2 : 1);
                int b = 0;

                while (x > bounds[b])
                    b++;
                counts[arm][b]++;
            }
            ck_assert_int_eq(tocsin_gate_buckets(gate, 0, TOCSIN_TIME_NONE, bounds, counts[0],
                                                 counts[1], 8),
                             TOCSIN_OK);
        }
        const tocsin_gate_verdict v = gates_judge(gate);
        ck_assert(v.flags & TOCSIN_GATE_INTERPOLATED);
        ck_assert_double_eq_tol(v.effect, change ? .2 : 0, .06);
        ck_assert(change ? v.outcome == TOCSIN_OUTCOME_FAIL : v.ruled_out <= .1);
    }
    /* Buckets that change are refused, and nothing of them taken. */
    const double others[] = {10, 31, 60, 100, 200, 400, 1000, INFINITY};
    const tocsin_gate_verdict before = gates_judge(gate);
    ck_assert_int_eq(tocsin_gate_buckets(gate, 0, TOCSIN_TIME_NONE, others, counts[0], counts[1],
                                         8),
                     TOCSIN_ERROR_MISMATCH);
    ck_assert_int_eq(tocsin_gate_buckets(gate, 0, TOCSIN_TIME_NONE, bounds, counts[0], counts[1],
                                         7),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_gate_observe(gate, 0, 0, TOCSIN_TIME_NONE, 0, 1),
                     TOCSIN_ERROR_UNSUPPORTED);
    ck_assert(gates_judge(gate).baseline_units == before.baseline_units);
    free_both(gate, spec);
}
END_TEST

/* ---- Ramps, machines, snapshots ---------------------------------------------------------- */

START_TEST(a_ramp_keeps_what_was_won)
{
    tocsin_gate_spec *const spec =
        spec_of("unit=request share=10% ramp=yes alpha=5% | latency | errors");
    tocsin_gate *const gate = gates_create(spec);
    static const double shares[] = {.1, .5, .9};
    rng random = rng_seeded(51);
    double before;

    for (int stage = 0; stage < 3; stage++) {
        if (stage > 0) {
            before = gates_judge(gate).log_e;
            ck_assert_int_eq(tocsin_gate_ramp(gate, shares[stage]), TOCSIN_OK);
            /* Rounded down by 2^-24 for each bet, and never up. */
            ck_assert(gates_judge(gate).log_e <= before && gates_judge(gate).log_e > before - 1e-6);
        }
        for (int i = 0; i < 3000; i++) {
            const int arm = rng_uniform(&random) < shares[stage];

            observe(gate, 0, arm, exp(rng_normal(&random)) * (arm ? 1.2 : 1));
            observe(gate, 1, arm, rng_uniform(&random) < .02);
        }
    }
    const tocsin_gate_verdict v = gates_judge(gate);
    ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_FAIL);
    ck_assert_uint_eq(v.baseline_units + v.candidate_units, 9000);
    ck_assert_int_eq(tocsin_gate_ramp(gate, 1), TOCSIN_ERROR_RANGE);
    ck_assert_int_eq(tocsin_gate_ramp(gate, NAN), TOCSIN_ERROR_RANGE);
    free_both(gate, spec);
}
END_TEST

enum { MACHINES = 4 };

static const char *const merged_specs[] = {
    "unit=request share=50% ramp=yes | latency | errors | gauge block=1s",
    "unit=request | latency | errors",
    "unit=session share=50% sessions=1000 | latency | errors",
    "unit=pod pods=32 | latency | errors",
};

static void feed_machine(tocsin_gate *gate, int machine, int which, int is_new)
{
    const int has_gauge = which == 0 && is_new, has_ramp = has_gauge;
    const uint64_t sessions = which == 2;

    rng random = rng_seeded(60 + (uint64_t)machine);

    for (int i = 0; i < 700; i++) {
        const int arm = rng_uniform(&random) < .5;
        const uint64_t unit = (uint64_t)(machine * 1000 + i) % (arm ? 7 : 9) + 100 * (uint64_t)arm;

        if (i == 400 && has_ramp)
            tocsin_gate_ramp(gate, .4);
        tocsin_gate_observe(gate, 0, (uint32_t)arm, i * TOCSIN_SECOND / 10,
                            unit + (uint64_t)i * 1000 * sessions, exp(rng_normal(&random)));
        tocsin_gate_observe(gate, 1, (uint32_t)arm, TOCSIN_TIME_NONE, unit,
                            rng_uniform(&random) < .1);
        if (has_gauge)
            tocsin_gate_observe(gate, 2, (uint32_t)arm, i * TOCSIN_SECOND / 10, 0,
                                10 + rng_normal(&random));
    }
}

static uint8_t *snapshot_of(const tocsin_gate *gate, size_t *size)
{
    uint8_t *bytes;

    tocsin_gate_save(gate, NULL, 0, size);
    bytes = malloc(*size);
    require(tocsin_gate_save(gate, bytes, *size, NULL) == TOCSIN_OK, "not saved");
    return bytes;
}

/* Merge a round of machines in the order number `order` of all there are; then look. */
static void merge_round(tocsin_gate *whole, tocsin_gate *const machine[MACHINES], int order)
{
    int left[MACHINES];

    for (int m = 0; m < MACHINES; m++)
        left[m] = m;
    for (int m = MACHINES; m > 0; m--) {
        const int at = order % m;

        ck_assert_int_eq(tocsin_gate_merge(whole, machine[left[at]]), TOCSIN_OK);
        left[at] = left[m - 1];
        order /= m;
    }
    ck_assert_int_eq(tocsin_gate_look(whole), TOCSIN_OK);
}

START_TEST(merging_in_any_order_gives_the_same_bits)
{
    enum { ORDERS = 4 * 3 * 2 };
    tocsin_gate_spec *const spec = spec_of(merged_specs[_i]);
    tocsin_gate *rounds[2][MACHINES];
    uint8_t *first = NULL;
    size_t size = 0;

    for (int m = 0; m < MACHINES; m++)
        for (int r = 0; r < 2; r++) {
            rounds[r][m] = gates_create(spec);
            feed_machine(rounds[r][m], m + MACHINES * r, _i, 1);
        }
    for (int order = 0; order < ORDERS; order++) {
        tocsin_gate *const whole = gates_create(spec);
        uint8_t *bytes;

        if (_i == 0)
            tocsin_gate_ramp(whole, .4);
        merge_round(whole, rounds[0], order);
        merge_round(whole, rounds[1], ORDERS - 1 - order);
        bytes = snapshot_of(whole, &size);
        if (!first)
            first = bytes;
        else
            require(memcmp(bytes, first, size) == 0, "order %d", order);
        if (bytes != first)
            free(bytes);
        const tocsin_gate_verdict v = gates_judge(whole);
        if (_i < 2)
            ck_assert_uint_eq(v.baseline_units + v.candidate_units,
                              2 * MACHINES * (v.metric == 2 ? 2 * 69 : 700));
        tocsin_gate_free(whole);
    }
    free(first);
    for (int m = 0; m < MACHINES; m++)
        for (int r = 0; r < 2; r++)
            tocsin_gate_free(rounds[r][m]);
    tocsin_gate_spec_free(spec);
}
END_TEST

/* Pods of a slow release, a third of them on each machine: what one gate sees of all is what the
 * collector sees, once it looks. */
START_TEST(pods_of_machines_are_looked_at_together)
{
    enum { PARTS = 3 };
    tocsin_gate_spec *const spec = spec_of("unit=pod alpha=5% | errors");
    tocsin_gate *const whole = gates_create(spec), *const one = gates_create(spec), *part[PARTS];
    rng random = rng_seeded(75);

    for (int m = 0; m < PARTS; m++)
        part[m] = gates_create(spec);
    for (int i = 0; i < 512; i++) {
        const uint64_t pod = (uint64_t)i % 21, arm = pod >= 12;
        const double failed = rng_uniform(&random) < (arm ? .6 : .2);

        tocsin_gate_observe(one, 0, (uint32_t)arm, TOCSIN_TIME_NONE, pod, failed);
        tocsin_gate_observe(part[pod % PARTS], 0, (uint32_t)arm, TOCSIN_TIME_NONE, pod, failed);
    }
    for (int m = 0; m < PARTS; m++) {
        ck_assert_int_eq(tocsin_gate_merge(whole, part[m]), TOCSIN_OK);
        tocsin_gate_free(part[m]);
    }
    ck_assert_double_eq(gates_judge(whole).p, 1);
    ck_assert_int_eq(tocsin_gate_look(whole), TOCSIN_OK);
    const tocsin_gate_verdict a = gates_judge(whole), b = gates_judge(one);
    ck_assert_double_lt(a.p, 1);
    ck_assert_mem_eq(&a, &b, sizeof a);
    /* To look again is not a second chance. */
    ck_assert_int_eq(tocsin_gate_look(whole), TOCSIN_OK);
    const tocsin_gate_verdict again = gates_judge(whole);
    ck_assert_mem_eq(&a, &again, sizeof a);
    ck_assert_int_eq(tocsin_gate_look(NULL), TOCSIN_ERROR_ARGUMENT);
    tocsin_gate_free(one);
    free_both(whole, spec);
}
END_TEST

START_TEST(evidence_of_machines_adds_up)
{
    tocsin_gate_spec *const spec = spec_of("unit=request share=50% | errors margin=50%");
    tocsin_gate *const whole = gates_create(spec);
    tocsin_gate *const parts[2] = {gates_create(spec), gates_create(spec)};
    rng random = rng_seeded(70);

    for (int i = 0; i < 2000; i++) {
        const int arm = rng_uniform(&random) < .5, failed = rng_uniform(&random) < .1;

        observe(whole, 0, arm, failed);
        observe(parts[i % 2], 0, arm, failed);
    }
    ck_assert_int_eq(tocsin_gate_merge(parts[0], parts[1]), TOCSIN_OK);
    const tocsin_gate_verdict a = gates_judge(whole), b = gates_judge(parts[0]);
    ck_assert_mem_eq(&a, &b, sizeof a);
    ck_assert_int_eq(tocsin_gate_merge(whole, whole), TOCSIN_ERROR_ARGUMENT);
    tocsin_gate_spec *const another = spec_of("unit=request share=50% | errors margin=51%");
    tocsin_gate *const stranger = gates_create(another);
    ck_assert_int_eq(tocsin_gate_merge(whole, stranger), TOCSIN_ERROR_MISMATCH);
    free_both(stranger, another);
    tocsin_gate_free(parts[0]);
    tocsin_gate_free(parts[1]);
    free_both(whole, spec);
}
END_TEST

START_TEST(a_snapshot_goes_on_where_it_was)
{
    tocsin_gate_spec *const spec = spec_of(merged_specs[_i]), *spec_inside;
    tocsin_gate *const gate = gates_create(spec), *const copy = gates_create(spec);
    uint8_t *bytes, *one, *other;
    size_t size;
    tocsin_error error;

    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    feed_machine(gate, 1, _i, 1);
    bytes = snapshot_of(gate, &size);
    require(tocsin_gate_load(copy, bytes, size, &error) == TOCSIN_OK, "%s", error.message);
    feed_machine(gate, 2, _i, 0);
    feed_machine(copy, 2, _i, 0);
    one = snapshot_of(gate, &size);
    other = snapshot_of(copy, &size);
    ck_assert_mem_eq(one, other, size);
    const tocsin_gate_verdict a = gates_judge(gate), b = gates_judge(copy);
    ck_assert_mem_eq(&a, &b, sizeof a);

    ck_assert_int_eq(tocsin_gate_snapshot_spec(&spec_inside, bytes, size, NULL, &error),
                     TOCSIN_OK);
    ck_assert_uint_eq(tocsin_gate_metric_count(spec_inside), tocsin_gate_metric_count(spec));
    tocsin_gate_spec_free(spec_inside);
    free(bytes);
    free(one);
    free(other);
    tocsin_gate_free(copy);
    free_both(gate, spec);
}
END_TEST

START_TEST(damaged_snapshots_change_nothing)
{
    tocsin_gate_spec *const spec = spec_of("unit=request share=50% | latency | errors");
    tocsin_gate *const gate = gates_create(spec), *const target = gates_create(spec);
    uint8_t *bytes, *before, *after;
    size_t size;

    feed(gate, 1, 500, 1);
    feed(target, 2, 300, 1);
    bytes = snapshot_of(gate, &size);
    before = snapshot_of(target, &size);
    for (size_t cut = 0; cut < size; cut += cut < 200 ? 1 : 37) {
        require(tocsin_gate_load(target, bytes, cut, NULL) < 0, "cut at %zu", cut);
        bytes[cut] ^= 0x40;
        require(tocsin_gate_load(target, bytes, size, NULL) < 0, "damaged at %zu", cut);
        bytes[cut] ^= 0x40;
    }
    after = snapshot_of(target, &size);
    ck_assert_mem_eq(before, after, size);

    tocsin_gate_spec *const another = spec_of("unit=request share=51% | latency | errors");
    tocsin_gate *const stranger = gates_create(another);
    ck_assert_int_eq(tocsin_gate_load(stranger, bytes, size, NULL), TOCSIN_ERROR_MISMATCH);
    free_both(stranger, another);
    free(bytes);
    free(before);
    free(after);
    tocsin_gate_free(target);
    free_both(gate, spec);
}
END_TEST

/* ---- What nobody would wish for ----------------------------------------------------------- */

START_TEST(silence_never_passes)
{
    tocsin_gate_spec *const spec = spec_of("unit=request share=50% | latency | errors");
    tocsin_gate *const gate = gates_create(spec);

    ck_assert_uint_eq(gates_judge(gate).outcome, TOCSIN_OUTCOME_NO_DATA);
    observe(gate, 0, 0, 5);
    ck_assert_uint_eq(gates_judge(gate).outcome, TOCSIN_OUTCOME_NO_DATA);
    observe(gate, 0, 1, 5);
    ck_assert_uint_eq(gates_judge(gate).metric, 1);
    ck_assert_uint_eq(gates_judge(gate).outcome, TOCSIN_OUTCOME_NO_DATA);
    ck_assert_int_eq(tocsin_gate_count(gate, 1, 0, TOCSIN_TIME_NONE, 0, 100000), TOCSIN_OK);
    ck_assert_int_eq(tocsin_gate_count(gate, 1, 1, TOCSIN_TIME_NONE, 0, 100000), TOCSIN_OK);
    ck_assert_uint_eq(gates_judge(gate).outcome, TOCSIN_OUTCOME_UNDECIDED);
    tocsin_gate_reset(gate);
    for (int i = 0; i < 5000; i++)
        observe(gate, 0, 0, 5);
    ck_assert(gates_judge(gate).outcome == TOCSIN_OUTCOME_NO_DATA ||
              gates_judge(gate).outcome == TOCSIN_OUTCOME_INVALID);
    free_both(gate, spec);
}
END_TEST

START_TEST(what_is_no_measurement_is_ignored_and_counted)
{
    static const double no_latency[] = {-1, NAN, -INFINITY, -DBL_MIN};
    tocsin_gate_spec *const spec = spec_of("unit=request share=50% alpha=5% | latency | errors");
    tocsin_gate *const gate = gates_create(spec);

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(tocsin_gate_observe(gate, 0, 1, TOCSIN_TIME_NONE, 0, no_latency[i]),
                         TOCSIN_INFO_IGNORED);
    ck_assert_int_eq(tocsin_gate_observe(gate, 1, 0, TOCSIN_TIME_NONE, 0, .5),
                     TOCSIN_INFO_IGNORED);
    ck_assert_int_eq(tocsin_gate_count(gate, 1, 0, TOCSIN_TIME_NONE, 3, 2), TOCSIN_INFO_IGNORED);
    ck_assert_int_eq(tocsin_gate_count(gate, 1, 0, TOCSIN_TIME_NONE, 3, UINT64_MAX),
                     TOCSIN_INFO_IGNORED);
    ck_assert_int_eq(tocsin_gate_count(gate, 0, 0, TOCSIN_TIME_NONE, 3, 9),
                     TOCSIN_ERROR_UNSUPPORTED);
    ck_assert_int_eq(tocsin_gate_observe(gate, 2, 0, 0, 0, 1), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_gate_observe(gate, 0, 2, 0, 0, 1), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_gate_observe(NULL, 0, 0, 0, 0, 1), TOCSIN_ERROR_ARGUMENT);
    ck_assert(gates_judge(gate).flags & TOCSIN_GATE_IGNORED);

    /* A candidate that answers half of its requests with nonsense does not pass by the rest. */
    tocsin_gate_spec *const one = spec_of("unit=request alpha=5% | latency");
    tocsin_gate *const bad = gates_create(one);
    rng random = rng_seeded(80);
    for (int i = 0; i < 60000; i++) {
        const int arm = rng_uniform(&random) < .5;

        tocsin_gate_observe(bad, 0, (uint32_t)arm, TOCSIN_TIME_NONE, 0,
                            arm && i % 3 == 0 ? NAN : exp(.2 * rng_normal(&random)));
    }
    ck_assert_uint_eq(gates_judge(bad).outcome, TOCSIN_OUTCOME_UNDECIDED);
    free_both(bad, one);
    free_both(gate, spec);
}
END_TEST

START_TEST(extreme_values_and_counts)
{
    static const double extremes[] = {0, DBL_MIN / 1e15, 1e308, INFINITY, 1, 1e-300};
    tocsin_gate_spec *const spec = spec_of("unit=request share=50% | latency | errors | latency "
                                           "name=constant");
    tocsin_gate *const gate = gates_create(spec);
    rng random = rng_seeded(90);

    for (int i = 0; i < 5000; i++) {
        const int arm = rng_uniform(&random) < .5;

        observe(gate, 0, arm, extremes[(int)(rng_uniform(&random) * 6)]);
        observe(gate, 2, arm, 7);
    }
    tocsin_gate_verdict v = gates_judge(gate);
    ck_assert_uint_ne(v.outcome, TOCSIN_OUTCOME_FAIL);
    ck_assert(!isnan(v.log_e) && !isnan(v.log_e_pass));

    /* A billion requests. */
    for (int i = 0; i < 1000; i++)
        for (uint32_t arm = 0; arm < 2; arm++)
            ck_assert_int_eq(tocsin_gate_count(gate, 1, arm, TOCSIN_TIME_NONE, 5000, 1000000),
                             TOCSIN_OK);
    memset(&v, 0, sizeof v);
    v.struct_size = sizeof v;
    ck_assert_int_eq(tocsin_gate_judge_metric(gate, 1, &v), TOCSIN_OK);
    ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_PASS);
    /* Beyond what is counted it says so. */
    ck_assert_int_eq(tocsin_gate_count(gate, 1, 0, TOCSIN_TIME_NONE, 0, 2294967295u), TOCSIN_OK);
    ck_assert_int_eq(tocsin_gate_count(gate, 1, 0, TOCSIN_TIME_NONE, 0, 1), TOCSIN_INFO_IGNORED);
    ck_assert_int_eq(tocsin_gate_judge_metric(gate, 1, &v), TOCSIN_OK);
    ck_assert(v.flags & TOCSIN_GATE_FULL);
    free_both(gate, spec);
}
END_TEST

START_TEST(counters_begin_anew)
{
    tocsin_counter counter;
    uint64_t increase = 99;

    memset(&counter, 0, sizeof counter);
    ck_assert_int_eq(tocsin_counter_read(&counter, 5, &increase), TOCSIN_ERROR_ARGUMENT);
    counter.struct_size = sizeof counter;
    ck_assert_int_eq(tocsin_counter_read(&counter, 500, &increase), TOCSIN_INFO_IGNORED);
    ck_assert_uint_eq(increase, 0);
    tocsin_counter_read(&counter, 520, &increase);
    ck_assert_uint_eq(increase, 20);
    tocsin_counter_read(&counter, 3, &increase);
    ck_assert_uint_eq(increase, 3);
    ck_assert_uint_eq(counter.resets, 1);
}
END_TEST

START_TEST(before_and_after_is_marked)
{
    tocsin_gate_spec *const spec =
        spec_of("unit=request routing=before-after alpha=5% budget=10s | latency");
    tocsin_gate *const gate = gates_create(spec);
    rng random = rng_seeded(100);
    char text[512];

    for (int64_t i = 0; i < 6000; i++)
        ck_assert_int_eq(tocsin_gate_observe(gate, 0, i >= 3000, i * TOCSIN_MILLISECOND * 10, 0,
                                             exp(.3 * rng_normal(&random)) *
                                                 (i >= 3000 ? 1.3 : 1)),
                         TOCSIN_OK);
    const tocsin_gate_verdict v = gates_judge(gate);
    ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_FAIL);
    ck_assert_double_eq_tol(v.effect, .3, .06);
    ck_assert(v.flags & TOCSIN_GATE_NOT_RANDOMISED);
    ck_assert(v.flags & TOCSIN_GATE_BUDGET_SPENT);
    ck_assert_int_eq(v.elapsed, 5999 * TOCSIN_MILLISECOND * 10);
    ck_assert_int_eq(tocsin_gate_text(gate, &v, text, sizeof text, NULL), TOCSIN_OK);
    ck_assert_ptr_nonnull(strstr(text, "not randomised"));
    free_both(gate, spec);
}
END_TEST

START_TEST(effects_and_levels_describe)
{
    tocsin_gate_spec *const spec = spec_of("unit=request share=50% alpha=5% | latency");
    tocsin_gate *const gate = gates_create(spec);
    tocsin_gate_effect effects[32];
    tocsin_gate_level levels[32];
    size_t count;

    ck_assert_int_eq(tocsin_gate_levels(gate, 0, levels, 32, &count), TOCSIN_OK);
    ck_assert_uint_eq(count, 0);
    feed(gate, 3, 20000, 1.1);
    ck_assert_int_eq(tocsin_gate_effects(gate, 0, NULL, 0, &count), TOCSIN_ERROR_SPACE);
    ck_assert_int_eq(tocsin_gate_effects(gate, 0, effects, 32, &count), TOCSIN_OK);
    for (size_t i = 1; i < count; i++) {
        ck_assert(effects[i].effect > effects[i - 1].effect);
        ck_assert(effects[i].effect > .1 || effects[i].log_e_less <= effects[i - 1].log_e_less);
    }
    ck_assert_int_eq(tocsin_gate_levels(gate, 0, levels, 32, &count), TOCSIN_OK);
    ck_assert_uint_ge(count, 10);
    for (size_t i = 0; i < count; i++) {
        const tocsin_gate_level *const l = &levels[i];
        /* The true fractions beyond the pooled quantile lie about it. */
        ck_assert(l->baseline_low <= l->baseline && l->baseline <= l->baseline_high);
        ck_assert_double_eq_tol((l->baseline + l->candidate) / 2, 1 - l->quantile, .03);
        ck_assert(i == 0 || l->value > levels[i - 1].value);
    }
    free_both(gate, spec);
}
END_TEST

/* ---- One run against a history ------------------------------------------------------------- */

START_TEST(a_run_among_good_ones)
{
    enum { RUNS = 99, METRICS = 3 };
    double history[RUNS * METRICS], run[METRICS] = {0, 0, 0}, ranks[RUNS + 1];
    const int8_t worse[METRICS] = {1, -1, 0};
    tocsin_history_verdict v;
    rng random = rng_seeded(110);

    memset(&v, 0, sizeof v);
    v.struct_size = sizeof v;
    for (int i = 0; i < RUNS * METRICS; i++)
        history[i] = rng_normal(&random);
    ck_assert_int_eq(tocsin_history_judge(history, RUNS, METRICS, run, worse, .05, ranks, &v),
                     TOCSIN_OK);
    ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_PASS);
    run[1] = -9;
    tocsin_history_judge(history, RUNS, METRICS, run, worse, .05, ranks, &v);
    ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_FAIL);
    ck_assert_uint_eq(v.metric, 1);
    ck_assert_double_eq_tol(v.metric_p, .01, 1e-12);
    run[1] = 9;
    tocsin_history_judge(history, RUNS, METRICS, run, worse, .05, ranks, &v);
    ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_PASS);
    run[1] = -9;
    tocsin_history_judge(history, 10, METRICS, run, worse, .05, ranks, &v);
    ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_UNDECIDED);
    tocsin_history_judge(history, 0, METRICS, run, worse, .05, ranks, &v);
    ck_assert_uint_eq(v.outcome, TOCSIN_OUTCOME_NO_DATA);
    ck_assert_int_eq(tocsin_history_judge(history, RUNS, 0, run, worse, .05, ranks, &v),
                     TOCSIN_ERROR_ARGUMENT);

    /* Exchangeable runs: p is at most alpha with a chance of at most alpha; 400 tries. */
    int fails = 0;
    for (int t = 0; t < 400; t++) {
        for (int i = 0; i < 30 * METRICS; i++)
            history[i] = rng_normal(&random);
        for (int m = 0; m < METRICS; m++)
            run[m] = rng_normal(&random);
        tocsin_history_judge(history, 30, METRICS, run, worse, .1, ranks, &v);
        fails += v.outcome == TOCSIN_OUTCOME_FAIL;
    }
    /* 62 or more of 400 have a chance of .0005. */
    ck_assert_int_lt(fails, 62);
}
END_TEST

static Suite *suite(void)
{
    Suite *const s = suite_create("gate");
    TCase *tcase = suite_case(s, "specs");

    tcase_add_test(tcase, canonical_text_compiles_to_itself);
    tcase_add_test(tcase, wrong_texts_are_refused_at_the_word);
    tcase_add_test(tcase, metrics_are_found_by_name);
    tcase_add_test(tcase, every_allocation_may_fail);
    tcase_add_test(tcase, callers_memory);
    tcase = suite_case(s, "evidence");
    tcase_add_test(tcase, errors_are_bets_on_the_arm_of_each);
    tcase_add_test(tcase, the_share_is_predicted_unit_by_unit);
    tcase_add_test(tcase, a_change_is_judged_by_dividing_it_out);
    tcase_add_loop_test(suite_long_case(s, "bets on average"), no_bet_wins_on_average, 0, 6);
    tcase_add_test(tcase, a_share_not_known_is_the_least_of_all);
    tcase = suite_case(s, "verdicts");
    tcase_add_test(tcase, harm_fails_and_none_passes);
    tcase_add_test(tcase, lower_can_be_worse);
    tcase_add_test(tcase, a_hidden_tail_is_not_passed);
    tcase_add_test(tcase, a_wrong_share_is_invalid);
    tcase_add_test(tcase, no_change_seldom_fails);
    tcase_add_test(tcase, blame_is_shared_among_many);
    tcase_add_test(tcase, sessions_count_once);
    tcase_add_test(tcase, pods_are_what_differs);
    tcase_add_test(tcase, gauges_compare_blocks);
    tcase_add_test(tcase, histograms_decide_like_values);
    tcase = suite_case(s, "machines");
    tcase_add_test(tcase, a_ramp_keeps_what_was_won);
    tcase_add_loop_test(tcase, merging_in_any_order_gives_the_same_bits, 0, 4);
    tcase_add_test(tcase, pods_of_machines_are_looked_at_together);
    tcase_add_test(tcase, evidence_of_machines_adds_up);
    tcase_add_loop_test(tcase, a_snapshot_goes_on_where_it_was, 0, 4);
    tcase_add_test(tcase, damaged_snapshots_change_nothing);
    tcase = suite_case(s, "bad input");
    tcase_add_test(tcase, silence_never_passes);
    tcase_add_test(tcase, what_is_no_measurement_is_ignored_and_counted);
    tcase_add_test(tcase, extreme_values_and_counts);
    tcase_add_test(tcase, counters_begin_anew);
    tcase_add_test(tcase, before_and_after_is_marked);
    tcase_add_test(tcase, effects_and_levels_describe);
    tcase_add_test(tcase, a_run_among_good_ones);
    return s;
}

TOCSIN_TEST_MAIN(suite)
