/* Gates of every kind that get too little, get it from one arm, get it in a wrong order, are taken
 * apart at any moment or put together out of what is damaged: never a pass that nobody earned. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../support/crc32c.h"
#include "../support/gates.h"
#include "../support/rng.h"
#include "../support/suite.h"
#include "tocsin.h"

enum { EVENTS = 900, BUCKETS = 5, LONGEST = 96 * 1024 };

static const char *const gates[] = {
    "unit=request share=50% | latency | errors",
    "unit=request | latency",
    "unit=request share=50% | count",
    "unit=request share=50% | gauge block=1s",
    "unit=session share=50% sessions=1000 | latency | errors",
    "unit=pod pods=16 | latency",
    "unit=request share=50% | histogram",
};

enum { GAUGE = 3, PODS = 5, HISTOGRAM = 6, KINDS = 7 };

typedef struct subject {
    tocsin_gate_spec *spec;
    tocsin_gate *gate;
} subject;

static subject subject_of(int kind)
{
    subject s;

    require(tocsin_gate_spec_compile(&s.spec, gates[kind], TOCSIN_NUL_TERMINATED, NULL, NULL) ==
                TOCSIN_OK, "%s does not compile", gates[kind]);
    s.gate = gates_create(s.spec);
    return s;
}

static void subject_free(subject *s)
{
    tocsin_gate_free(s->gate);
    tocsin_gate_spec_free(s->spec);
}

/* Observation number i of an arm at a time; the same on every gate that gets it. */
static void observe(tocsin_gate *gate, int kind, int arm, int64_t time, int i)
{
    static const double bounds[BUCKETS] = {.5, 1, 2, 4, INFINITY};
    const tocsin_gate_spec *spec = tocsin_gate_spec_of(gate);
    const uint64_t unit = kind == PODS ? (uint64_t)(i % 6 + 10 * arm) : (uint64_t)i * 7 + 1;
    uint64_t counts[2][BUCKETS] = {{0}};
    rng r = rng_seeded((uint64_t)i + 1);

    if (kind == HISTOGRAM) {
        for (int k = 0; k < 20; k++)
            counts[arm][rng_below(&r, BUCKETS)]++;
        const int status = tocsin_gate_buckets(gate, 0, time, bounds, counts[0], counts[1],
                                               BUCKETS);

        /* A forged gate may have other bounds. */
        require(status >= 0 || status == TOCSIN_ERROR_MISMATCH, "not taken");
        return;
    }
    for (uint32_t m = 0; m < tocsin_gate_metric_count(spec); m++) {
        const double value = exp(rng_normal(&r));
        const int status = tocsin_gate_observe(gate, m, (uint32_t)arm, time, unit,
                                               m == 1 ? (value > 3) : value);

        require(status >= 0 || (status == TOCSIN_ERROR_TIME && kind == GAUGE &&
                                time == TOCSIN_TIME_NONE), "not taken");
    }
}

/* The stream: arms by lot, a tenth of a second between. */
static void observe_next(tocsin_gate *gate, int kind, int i)
{
    rng r = rng_seeded((uint64_t)i + 100000);

    observe(gate, kind, rng_uniform(&r) < .5, (int64_t)i * TOCSIN_SECOND / 10, i);
}

static size_t saved(const tocsin_gate *gate, unsigned char *bytes)
{
    size_t size;

    require(tocsin_gate_save(gate, bytes, LONGEST, &size) == TOCSIN_OK, "not saved");
    return size;
}

/* ---- Too little -------------------------------------------------------------------------- */

static int is_no_pass(const tocsin_gate *gate)
{
    const uint32_t outcome = gates_judge(gate).outcome;

    return outcome != TOCSIN_OUTCOME_PASS && outcome != TOCSIN_OUTCOME_SHIFT_ONLY &&
           outcome != TOCSIN_OUTCOME_FAIL;
}

static void assert_no_pass(const tocsin_gate *gate, const char *text)
{
    require(is_no_pass(gate), "%s: %u", text, (unsigned)gates_judge(gate).outcome);
}

START_TEST(one_observation_says_nothing)
{
    for (int arm = 0; arm < 2; arm++) {
        subject s = subject_of(_i);

        observe(s.gate, _i, arm, TOCSIN_SECOND, 1);
        assert_no_pass(s.gate, gates[_i]);
        observe(s.gate, _i, !arm, 2 * TOCSIN_SECOND, 2);
        assert_no_pass(s.gate, gates[_i]);
        subject_free(&s);
    }
}
END_TEST

/* However much of it comes, one arm is compared with nothing. */
START_TEST(one_arm_alone_is_never_passed)
{
    for (int arm = 0; arm < 2; arm++) {
        subject s = subject_of(_i);

        for (int i = 0; i < 5 * EVENTS; i++)
            observe(s.gate, _i, arm, (int64_t)i * TOCSIN_SECOND / 10, i);
        const uint32_t outcome = gates_judge(s.gate).outcome;

        ck_assert_msg(outcome == TOCSIN_OUTCOME_NO_DATA || outcome == TOCSIN_OUTCOME_INVALID,
                      "%s: %u", gates[_i], (unsigned)outcome);
        subject_free(&s);
    }
}
END_TEST

/* ---- Wrong clocks ------------------------------------------------------------------------ */

/* The candidate's clock is an hour ahead: what is compared unit by unit does not look at clocks;
 * gauges, which are compared block by block, have no block in common and decide nothing. */
START_TEST(skewed_clocks_never_pass)
{
    subject plain = subject_of(_i), skewed = subject_of(_i);

    for (int i = 0; i < EVENTS; i++) {
        rng r = rng_seeded((uint64_t)i + 100000);
        const int arm = rng_uniform(&r) < .5;
        const int64_t time = (int64_t)i * TOCSIN_SECOND / 10;

        observe(plain.gate, _i, arm, time, i);
        observe(skewed.gate, _i, arm, time + (arm ? TOCSIN_HOUR : 0), i);
    }
    const tocsin_gate_verdict a = gates_judge(plain.gate), b = gates_judge(skewed.gate);

    if (_i == GAUGE)
        assert_no_pass(skewed.gate, gates[_i]);
    else
        ck_assert_msg(double_bits(a.log_e) == double_bits(b.log_e) && a.outcome == b.outcome,
                      "%s: %g is %g", gates[_i], a.log_e, b.log_e);
    subject_free(&plain);
    subject_free(&skewed);
}
END_TEST

/* Times that go back, far apart and missing do no harm. */
START_TEST(any_clock_is_harmless)
{
    static const int64_t times[] = {INT64_MAX, 0, INT64_MIN + 1, TOCSIN_TIME_NONE, 5,
                                    INT64_MAX - 1};
    subject s = subject_of(_i);

    for (int i = 0; i < EVENTS; i++)
        observe(s.gate, _i, i % 2, times[(i / 2) % 6], i);
    ck_assert(gates_judge(s.gate).outcome <= TOCSIN_OUTCOME_INVALID);
    subject_free(&s);
}
END_TEST

/* ---- Snapshots ---------------------------------------------------------------------------- */

/* A gate that is put away and taken up again after every few events ends with the same bytes. */
START_TEST(a_relay_ends_where_one_runner_does)
{
    static unsigned char one[LONGEST], other[LONGEST];
    subject s = subject_of(_i);
    tocsin_gate *runner = gates_create(s.spec);
    size_t size = 0;

    for (int i = 0; i < EVENTS; i++) {
        tocsin_gate *next;

        observe_next(s.gate, _i, i);
        observe_next(runner, _i, i);
        if (i >= 130 && i % 7 != 0)     /* at first, while it begins, after each */
            continue;
        size = saved(runner, one);
        next = gates_create(s.spec);
        require(tocsin_gate_load(next, one, size, NULL) == TOCSIN_OK, "%s at %d", gates[_i], i);
        tocsin_gate_free(runner);
        runner = next;
    }
    size = saved(runner, one);
    ck_assert_uint_eq(size, saved(s.gate, other));
    ck_assert_msg(memcmp(one, other, size) == 0, "%s is another", gates[_i]);
    tocsin_gate_free(runner);
    subject_free(&s);
}
END_TEST

/* Damaged, cut off or forged, it is refused and nothing changes, or what it becomes goes on. */
START_TEST(damage_is_refused_or_harmless)
{
    static unsigned char bytes[LONGEST], before[LONGEST], after[LONGEST];
    subject s = subject_of(_i);
    tocsin_gate *target = gates_create(s.spec);
    size_t size, own;
    rng r = rng_seeded(9);
    tocsin_error error;

    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    for (int i = 0; i < EVENTS; i++)
        observe_next(s.gate, _i, i);
    for (int i = 0; i < 50; i++)
        observe_next(target, _i, i);
    size = saved(s.gate, bytes);
    own = saved(target, before);
    for (size_t at = 0; at < size; at += at < 300 ? 1 : 101) {
        require(tocsin_gate_load(target, bytes, at, NULL) < 0, "%s, cut at %zu", gates[_i], at);
        bytes[at] ^= 0x10;
        require(tocsin_gate_load(target, bytes, size, NULL) < 0, "%s, bad at %zu", gates[_i], at);
        bytes[at] ^= 0x10;
    }
    ck_assert_uint_eq(own, saved(target, after));
    ck_assert_mem_eq(before, after, own);

    for (int round = 0; round < 1000; round++) {
        static unsigned char forged[LONGEST];
        size_t size_after;
        int status;

        memcpy(forged, bytes, size);
        for (uint64_t k = 1 + rng_below(&r, 8); k > 0; k--)
            forged[60 + rng_below(&r, size - 64)] = (unsigned char)rng_u64(&r);
        crc32c_repair(forged, size);
        if (tocsin_gate_load(target, forged, size, NULL) < 0)
            continue;
        for (int i = 0; i < 20; i++)
            observe_next(target, _i, EVENTS + i);
        ck_assert(gates_judge(target).outcome <= TOCSIN_OUTCOME_INVALID);
        status = tocsin_gate_merge(target, s.gate);
        /* It may say that it has other buckets, or too much to have room for more. */
        ck_assert(status == TOCSIN_OK || status == TOCSIN_ERROR_MISMATCH ||
                  status == TOCSIN_ERROR_RANGE);
        size_after = saved(target, after);
        require(tocsin_gate_load(target, after, size_after, &error) == TOCSIN_OK, "%s: %s",
                gates[_i], error.message);
    }
    tocsin_gate_free(target);
    subject_free(&s);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fault_gates");
    TCase *tcase = suite_case(s, "gates");

    tcase_add_loop_test(tcase, one_observation_says_nothing, 0, KINDS);
    tcase_add_loop_test(tcase, one_arm_alone_is_never_passed, 0, KINDS);
    tcase_add_loop_test(tcase, skewed_clocks_never_pass, 0, KINDS);
    tcase_add_loop_test(tcase, any_clock_is_harmless, 0, KINDS);
    tcase_add_loop_test(tcase, a_relay_ends_where_one_runner_does, 0, KINDS);
    tcase_add_loop_test(tcase, damage_is_refused_or_harmless, 0, KINDS);
    return s;
}

TOCSIN_TEST_MAIN(suite)
