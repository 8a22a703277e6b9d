/* A bank says of each of its series what a detector of its own would say, bit for bit: for every
 * spec, dense and sparse, however a tick is cut into ranges, while series come and go. */
#include <math.h>

#include "../support/banks.h"
#include "../support/inputs.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

#define SERIES 150          /* three tiles, the last one not full */
#define LANES 3
#define DENSE_TICKS 120

/* A bank and, by slot, the detectors it is held against; NULL where no series lives. */
typedef struct twins {
    const char *text;
    tocsin_spec *spec;
    tocsin_bank *bank;
    tocsin_detector *detector[SERIES];
    uint64_t id[SERIES];
    uint64_t next_id;
    rng r;
} twins;

static void twins_add(twins *t)
{
    const uint64_t id = banks_id(t->next_id++);
    const uint32_t slot = banks_add(t->bank, id);

    require(slot < SERIES && !t->detector[slot], "slot %u was not free", slot);
    t->detector[slot] = specs_detector(t->spec);
    t->id[slot] = id;
}

static void twins_remove(twins *t, uint32_t slot)
{
    require(tocsin_bank_remove(t->bank, slot) == TOCSIN_OK, "not removed");
    tocsin_detector_free(t->detector[slot]);
    t->detector[slot] = NULL;
}

static void twins_start(twins *t, const char *text, uint64_t seed)
{
    tocsin_bank_options options = banks_options();

    memset(t, 0, sizeof *t);
    options.lanes = LANES;
    options.alarms_per_round = 4;
    t->text = text;
    t->spec = specs_compile(text);
    t->bank = banks_create(t->spec, &options);
    t->r = rng_seeded(seed);
    for (int i = 0; i < SERIES; i++)
        twins_add(t);
}

static void twins_compare(const twins *t)
{
    tocsin_detector *copy = specs_detector(t->spec);

    for (uint32_t slot = 0; slot < SERIES; slot++) {
        const int status = tocsin_bank_copy_out(t->bank, slot, copy);

        require(status == (t->detector[slot] ? TOCSIN_OK : TOCSIN_ERROR_RANGE), "slot %u: %s", slot,
                tocsin_status_name(status));
        if (t->detector[slot])
            assert_same_state(t->detector[slot], copy, t->text);
    }
    tocsin_detector_free(copy);
}

static void twins_end(twins *t)
{
    twins_compare(t);
    for (uint32_t slot = 0; slot < SERIES; slot++)
        tocsin_detector_free(t->detector[slot]);
    tocsin_bank_free(t->bank);
    tocsin_spec_free(t->spec);
}

/* ---- Dense ------------------------------------------------------------------------- */

/* One tick's results beside those of the detectors. */
static void twins_check_tick(twins *t, const tocsin_tick *tick)
{
    tocsin_detector *nobody = specs_detector(t->spec);
    tocsin_verdict silent;

    tocsin_detector_verdict(nobody, &silent, sizeof silent);
    for (uint32_t slot = 0; slot < SERIES; slot++) {
        const int is_on = (int)(tick->alarms[slot / 64] >> slot % 64 & 1);
        tocsin_verdict verdict = silent;
        double value = NAN;

        if (t->detector[slot]) {
            if (tick->values && tick->value_type == TOCSIN_VALUES_U64) {
                tocsin_detector_push_u64(t->detector[slot], tick->time,
                                         ((const uint64_t *)tick->values)[slot], tick->mode,
                                         &verdict, sizeof verdict);
            } else {
                if (tick->values)
                    value = tick->value_type == TOCSIN_VALUES_FLOAT
                                ? (double)((const float *)tick->values)[slot]
                                : ((const double *)tick->values)[slot];
                if (!tick->values || (isnan(value) && tick->nan_means == TOCSIN_NAN_SILENCE))
                    tocsin_detector_tick(t->detector[slot], tick->time, &verdict, sizeof verdict);
                else
                    tocsin_detector_push(t->detector[slot], tick->time, value, tick->mode,
                                         &verdict, sizeof verdict);
            }
        }
        assert_same_bits(tick->scores[slot], verdict.score);
        if (tick->verdicts)
            assert_same_verdict(&tick->verdicts[slot], &verdict, t->text);
        require(is_on == (verdict.alarm == TOCSIN_ALARM_ON), "%s: slot %u: alarm bit", t->text,
                slot);
    }
    tocsin_detector_free(nobody);
}

/* Values of all kinds, one kind per slot. */
static void fill_values(const input *inputs, size_t i, double *values, float *floats,
                        uint64_t *counts)
{
    for (size_t slot = 0; slot < SERIES; slot++) {
        const double value = inputs[slot % INPUT_KINDS].value[(i + slot) % INPUT_POINTS];

        values[slot] = value;
        floats[slot] = fabs(value) < 1e38 ? (float)value : isnan(value) ? NAN : INFINITY;
        counts[slot] = (UINT64_C(1) << 60) * (slot % 2) + i * 1000 + slot;
    }
}

static void run_dense(const char *text, const input *inputs)
{
    static double values[SERIES], scores[SERIES];
    static float floats[SERIES];
    static uint64_t counts[SERIES], alarms[(SERIES + 63) / 64];
    static tocsin_verdict verdicts[SERIES];
    twins t;
    int64_t time = INPUT_START;

    twins_start(&t, text, 11);
    for (size_t i = 0; i < DENSE_TICKS; i++) {
        tocsin_tick tick;

        switch (rng_below(&t.r, 12)) {
        case 0: time -= TOCSIN_MINUTE; break;
        case 1: break;
        case 2: time += 7 * TOCSIN_MINUTE + 1; break;
        default: time += TOCSIN_MINUTE;
        }
        fill_values(inputs, i, values, floats, counts);
        tick = banks_tick(t.bank, time, values);
        tick.scores = scores;
        tick.alarms = alarms;
        if (rng_below(&t.r, 3))
            tick.verdicts = verdicts;
        if (rng_below(&t.r, 10) == 0)
            tick.mode = (int32_t)rng_below(&t.r, 4);
        switch (rng_below(&t.r, 12)) {
        case 0: tick.values = NULL; break;
        case 1: tick.nan_means = TOCSIN_NAN_SILENCE; break;
        case 2: tick.values = floats; tick.value_type = TOCSIN_VALUES_FLOAT; break;
        case 3: tick.values = counts; tick.value_type = TOCSIN_VALUES_U64; break;
        case 4: tick.time = TOCSIN_TIME_NONE; break;
        }
        if (rng_below(&t.r, 2))
            banks_tick_in_parts(t.bank, &tick, LANES, &t.r);
        else
            ck_assert_int_eq(tocsin_bank_tick(t.bank, &tick), TOCSIN_OK);
        twins_check_tick(&t, &tick);

        if (rng_below(&t.r, 8) == 0) {
            uint32_t slot = (uint32_t)rng_below(&t.r, SERIES);

            if (t.detector[slot])
                twins_remove(&t, slot);
            else
                twins_add(&t);
        }
    }
    twins_end(&t);
}

/* ---- Sparse ------------------------------------------------------------------------- */

static void run_sparse(const char *text, const input *inputs)
{
    enum { BATCH = 300 };
    static tocsin_point points[BATCH];
    static uint32_t slots[BATCH];
    static tocsin_verdict verdicts[BATCH];
    static double scores[BATCH];
    size_t next[SERIES] = {0};
    twins t;

    twins_start(&t, text, 13);
    for (int round = 0; round < 50; round++) {
        const size_t count = rng_below(&t.r, BATCH + 1);
        const int by_id = (int)rng_below(&t.r, 2);
        const int mode = rng_below(&t.r, 10) ? TOCSIN_LEARN_AND_SCORE : (int)rng_below(&t.r, 4);
        const int wants_verdicts = (int)rng_below(&t.r, 2);
        int expected = TOCSIN_OK, status;

        for (size_t i = 0; i < count; i++) {
            const uint32_t slot = (uint32_t)rng_below(&t.r, SERIES);
            const input *in = &inputs[slot % INPUT_KINDS];

            slots[i] = slot;
            points[i].time = in->time[next[slot] % INPUT_POINTS];
            points[i].value = in->value[next[slot] % INPUT_POINTS];
            points[i].key = by_id ? t.id[slot] : slot;
            next[slot]++;
            if (rng_below(&t.r, 40) == 0) {
                points[i].key = by_id ? rng_u64(&t.r) : SERIES + rng_u64(&t.r) / 2;
                slots[i] = SERIES;
            }
        }
        status = (by_id ? tocsin_bank_push_ids : tocsin_bank_push_slots)(
            t.bank, points, count, mode, scores, wants_verdicts ? verdicts : NULL,
            sizeof verdicts[0]);
        for (size_t i = 0; i < count; i++) {
            tocsin_detector *detector = slots[i] < SERIES ? t.detector[slots[i]] : NULL;
            tocsin_verdict verdict;
            int one = TOCSIN_INFO_IGNORED;

            if (detector) {
                one = tocsin_detector_push(detector, points[i].time, points[i].value, mode,
                                           &verdict, sizeof verdict);
                assert_same_bits(scores[i], verdict.score);
                if (wants_verdicts)
                    assert_same_verdict(&verdicts[i], &verdict, t.text);
            } else {
                assert_same_bits(scores[i], NAN);
            }
            if (one != TOCSIN_OK)
                expected = one;
        }
        ck_assert_int_eq(status, expected);

        if (rng_below(&t.r, 2)) {
            const uint32_t slot = (uint32_t)rng_below(&t.r, SERIES);

            if (t.detector[slot])
                twins_remove(&t, slot);
            else
                twins_add(&t);
        }
    }
    twins_end(&t);
}

/* ---- All specs ------------------------------------------------------------------------- */

typedef void (*run)(const char *text, const input *inputs);

static void run_all(run one)
{
    static input inputs[INPUT_KINDS];
    specs list = specs_all();

    for (int kind = 0; kind < INPUT_KINDS; kind++)
        input_make(&inputs[kind], kind, 17);
    for (size_t i = 0; i < list.count; i++)
        one(list.text[i], inputs);
    specs_free(&list);
}

START_TEST(dense_equals_single)
{
    run_all(run_dense);
}
END_TEST

START_TEST(sparse_equals_single)
{
    run_all(run_sparse);
}
END_TEST

/* Marks, and states that are carried from a bank through snapshots into another. */
START_TEST(marks_and_moves_equal_single)
{
    static input inputs[INPUT_KINDS];
    specs list = specs_few();

    for (int kind = 0; kind < INPUT_KINDS; kind++)
        input_make(&inputs[kind], kind, 19);
    for (size_t s = 0; s < list.count; s++) {
        static double values[SERIES];
        static float floats[SERIES];
        static uint64_t counts[SERIES];
        tocsin_detector *carrier;
        twins t;

        twins_start(&t, list.text[s], 23);
        carrier = specs_detector(t.spec);
        for (size_t i = 0; i < 100; i++) {
            const int64_t time = INPUT_START + (int64_t)i * TOCSIN_MINUTE;
            const uint32_t slot = (uint32_t)rng_below(&t.r, SERIES);
            const uint32_t options = (uint32_t)rng_below(&t.r, 4);
            tocsin_tick tick;

            fill_values(inputs, i, values, floats, counts);
            tick = banks_tick(t.bank, time, values);
            ck_assert_int_eq(tocsin_bank_tick(t.bank, &tick), TOCSIN_OK);
            for (uint32_t k = 0; k < SERIES; k++)
                tocsin_detector_push(t.detector[k], time, values[k], TOCSIN_LEARN_AND_SCORE, NULL,
                                     0);
            if (i % 10 == 3) {
                ck_assert_int_eq(tocsin_bank_mark(t.bank, &slot, 1, TOCSIN_MARK_DEPLOY, options,
                                                  time, time + 5 * TOCSIN_MINUTE), TOCSIN_OK);
                tocsin_detector_mark(t.detector[slot], TOCSIN_MARK_DEPLOY, options, time,
                                     time + 5 * TOCSIN_MINUTE);
            }
            if (i == 50) {
                ck_assert_int_eq(tocsin_bank_mark(t.bank, NULL, 0, TOCSIN_MARK_MAINTENANCE, options,
                                                  time, TOCSIN_TIME_NONE), TOCSIN_OK);
                for (uint32_t k = 0; k < SERIES; k++)
                    tocsin_detector_mark(t.detector[k], TOCSIN_MARK_MAINTENANCE, options, time,
                                         TOCSIN_TIME_NONE);
            }
            if (i % 10 == 7) {
                const uint32_t to = (uint32_t)rng_below(&t.r, SERIES);
                snapshot saved;

                ck_assert_int_eq(tocsin_bank_copy_out(t.bank, slot, carrier), TOCSIN_OK);
                saved = snapshot_of(carrier);
                ck_assert_int_eq(tocsin_detector_load(t.detector[to], saved.bytes, saved.size,
                                                      NULL), TOCSIN_OK);
                ck_assert_int_eq(tocsin_bank_copy_in(t.bank, to, t.detector[to]), TOCSIN_OK);
                snapshot_free(&saved);
            }
        }
        tocsin_detector_free(carrier);
        twins_end(&t);
    }
    specs_free(&list);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("contract_bank");

    tcase_add_test(suite_case(s, "dense"), dense_equals_single);
    tcase_add_test(suite_case(s, "sparse"), sparse_equals_single);
    tcase_add_test(suite_case(s, "moves"), marks_and_moves_equal_single);
    return s;
}

TOCSIN_TEST_MAIN(suite)
