/* Banks with a shared clock, bit for bit: each of their series says what a detector of its own would
 * say that gets a point at every tick, a missing one where the bank has no value for it, and
 * one that is added later what one would say that has missed every tick before.  For specs with
 * kernels, with each of them, and for specs without. */
#include <math.h>

#include "../support/banks.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

#define SERIES 150          /* three tiles, the last one not full */
#define LANES 3
#define TICKS 1500

/* A bank, and by slot the detectors it is held against; NULL where no series lives. */
typedef struct shared {
    const char *text;
    tocsin_spec *spec;
    tocsin_bank *bank;
    tocsin_detector *detector[SERIES];
    double level[SERIES];
    uint64_t id[SERIES];
    uint64_t next_id;
    size_t ticks;
    int64_t time[TICKS];
    int mode[TICKS];
    rng r;
} shared;

static void shared_add(shared *s)
{
    const uint64_t id = banks_id(s->next_id++);
    const uint32_t slot = banks_add(s->bank, id);

    require(slot < SERIES && !s->detector[slot], "slot %u was not free", slot);
    s->detector[slot] = specs_detector(s->spec);
    s->id[slot] = id;
    s->level[slot] = 100 * rng_normal(&s->r);
    for (size_t i = 0; i < s->ticks; i++)
        tocsin_detector_push(s->detector[slot], s->time[i], NAN, s->mode[i], NULL, 0);
}

static void shared_remove(shared *s, uint32_t slot)
{
    require(tocsin_bank_remove(s->bank, slot) == TOCSIN_OK, "not removed");
    tocsin_detector_free(s->detector[slot]);
    s->detector[slot] = NULL;
}

/* Mostly calm, so that tiles are even and full most of the time; sometimes anything. */
static double shared_value(shared *s, uint32_t slot, int is_wild)
{
    const uint64_t kind = rng_below(&s->r, is_wild ? 40 : 4000);

    s->level[slot] += 0.05 * rng_normal(&s->r);
    switch (kind) {
    case 0:
        return NAN;
    case 1:
        return rng_below(&s->r, 2) ? INFINITY : -INFINITY;
    case 2:
        return 1e200;
    case 3:
        return -3e150;
    case 4:
        return 5e-324;
    case 5:
        return s->level[slot] + 40;
    case 6:
        s->level[slot] += 30;
        return s->level[slot];
    case 7:
        return s->level[slot] - 1e6;
    default:
        return slot % 11 == 3 ? 7.5 : s->level[slot] + rng_normal(&s->r);
    }
}

static void shared_check(const shared *s, uint32_t slot, double value, double score, int is_on,
                         const tocsin_verdict *verdict)
{
    tocsin_verdict expected;

    tocsin_detector_push(s->detector[slot], s->time[s->ticks], value, s->mode[s->ticks],
                         &expected, sizeof expected);
    if (!(memcmp(&score, &expected.score, sizeof score) == 0))
        fprintf(stderr, "%s: tick %zu slot %u value %.17g: score %.17g, expected %.17g\n", s->text,
                s->ticks, slot, value, score, expected.score);
    assert_same_bits(score, expected.score);
    if (is_on >= 0)
        require(is_on == (expected.alarm == TOCSIN_ALARM_ON), "%s: tick %zu slot %u: alarm bit",
                s->text, s->ticks, slot);
    if (verdict)
        assert_same_verdict(verdict, &expected, s->text);
}

/* All at once, or in parts. */
static void shared_dense(shared *s, int is_float, int is_wild, int wants_verdicts)
{
    static double values[SERIES], scores[SERIES + 64];
    static float floats[SERIES];
    static tocsin_verdict verdicts[SERIES];
    uint64_t alarms[3];
    tocsin_tick tick = banks_tick(s->bank, s->time[s->ticks], values);

    for (uint32_t slot = 0; slot < SERIES; slot++) {
        values[slot] = shared_value(s, slot, is_wild);
        floats[slot] = (float)values[slot];
        if (is_float)
            values[slot] = (double)floats[slot];
    }
    tick.mode = s->mode[s->ticks];
    tick.scores = scores;
    tick.alarms = alarms;
    if (is_float) {
        tick.values = floats;
        tick.value_type = TOCSIN_VALUES_FLOAT;
    }
    if (wants_verdicts)
        tick.verdicts = verdicts;
    switch (wants_verdicts ? 0 : rng_below(&s->r, 3)) {
    case 0:
        require(tocsin_bank_tick(s->bank, &tick) == TOCSIN_OK, "no tick");
        break;
    case 1:
        banks_tick_in_parts(s->bank, &tick, LANES, &s->r);
        break;
    default:
        tick.values = NULL;
        tick.scores = NULL;
        tick.alarms = NULL;
        require(tocsin_bank_tick_begin(s->bank, &tick) == TOCSIN_OK, "not begun");
        require(tocsin_bank_tick_part(s->bank, 1, 64, SERIES,
                                      is_float ? (void *)(floats + 64) : (void *)(values + 64),
                                      scores + 64, alarms + 1) == TOCSIN_OK, "no part");
        require(tocsin_bank_tick_part(s->bank, 0, 0, 64, is_float ? (void *)floats : values,
                                      scores, alarms) == TOCSIN_OK, "no part");
        require(tocsin_bank_tick_end(s->bank) == TOCSIN_OK, "not ended");
    }
    for (uint32_t slot = 0; slot < SERIES; slot++)
        if (s->detector[slot])
            shared_check(s, slot, values[slot], scores[slot],
                         (int)(alarms[slot / 64] >> slot % 64 & 1),
                         wants_verdicts ? &verdicts[slot] : NULL);
        else
            require(isnan(scores[slot]), "%s: a score where there is no series", s->text);
}

/* Some of the series, in any order, some of them twice or late; the others miss the tick. */
static void shared_sparse(shared *s, int is_wild)
{
    static tocsin_point points[SERIES + 3];
    static double scores[SERIES + 3];
    uint8_t has_point[SERIES] = {0};
    const int by_id = rng_below(&s->r, 2) != 0;
    const size_t most = rng_below(&s->r, 4) == 0 ? 20 : 4 * SERIES;
    tocsin_tick tick = banks_tick(s->bank, s->time[s->ticks], NULL);
    uint64_t pushed = 0;
    size_t count = 0;

    tick.mode = s->mode[s->ticks];
    require(tocsin_bank_tick_begin(s->bank, &tick) == TOCSIN_OK, "not begun");
    for (size_t i = 0; i < most && count < SERIES; i++) {
        const uint32_t slot = (uint32_t)rng_below(&s->r, SERIES);

        if (!s->detector[slot] || has_point[slot])
            continue;
        has_point[slot] = 1;
        points[count].key = by_id ? s->id[slot] : slot;
        points[count].time = rng_below(&s->r, 2) ? TOCSIN_TIME_NONE : tick.time;
        points[count++].value = shared_value(s, slot, is_wild);
    }
    if (count > 1) {
        points[count] = points[rng_below(&s->r, count)];    /* again */
        points[count + 1] = points[0];
        points[count + 1].time = tick.time - 1;             /* of another time */
        points[count + 2] = points[0];
        points[count + 2].key = UINT64_MAX - 5;             /* of nobody */
        pushed = count + 3;
    } else {
        pushed = count;
    }
    require((by_id ? tocsin_bank_push_ids(s->bank, points, pushed, tick.mode, scores, NULL, 0)
                   : tocsin_bank_push_slots(s->bank, points, pushed, tick.mode, scores, NULL, 0)) ==
                (pushed > count ? TOCSIN_INFO_IGNORED : TOCSIN_OK), "pushing");
    require(tocsin_bank_tick_end(s->bank) == TOCSIN_OK, "not ended");
    for (size_t i = count; i < pushed; i++)
        require(isnan(scores[i]), "%s: what was refused has a score", s->text);

    tocsin_bank_counts counts;

    counts.struct_size = sizeof counts;
    require(tocsin_bank_last(s->bank, &counts) == TOCSIN_OK, "no counts");
    ck_assert_uint_eq(counts.late + counts.repeated + counts.unknown, pushed - count);
    for (size_t i = 0; i < count; i++) {
        const uint32_t slot = by_id ? tocsin_bank_find(s->bank, points[i].key)
                                    : (uint32_t)points[i].key;

        shared_check(s, slot, points[i].value, scores[i], -1, NULL);
    }
    for (uint32_t slot = 0; slot < SERIES; slot++)
        if (s->detector[slot] && !has_point[slot])
            tocsin_detector_push(s->detector[slot], tick.time, NAN, tick.mode, NULL, 0);
}

/* What a series has become goes on as a detector of its own, and can be provoked to show
 * what a verdict does not: how it takes one shock after another. */
static void shared_look(shared *s)
{
    tocsin_detector *ours = specs_detector(s->spec), *theirs = specs_detector(s->spec);
    int64_t time = s->time[s->ticks - 1];

    for (uint32_t slot = 0; slot < SERIES; slot += 3) {
        tocsin_verdict a, b;

        if (!s->detector[slot])
            continue;

        snapshot kept = snapshot_of(s->detector[slot]);

        require(tocsin_bank_copy_out(s->bank, slot, ours) == TOCSIN_OK, "not copied");
        require(tocsin_detector_load(theirs, kept.bytes, kept.size, NULL) == TOCSIN_OK,
                "not loaded");
        snapshot_free(&kept);
        for (int i = 1; i < 20; i++) {
            const double value = s->level[slot] + (i % 3 == 0 ? 15.0 * i : rng_normal(&s->r));

            tocsin_detector_push(ours, time + i * TOCSIN_MINUTE, value, TOCSIN_LEARN_AND_SCORE,
                                 &a, sizeof a);
            tocsin_detector_push(theirs, time + i * TOCSIN_MINUTE, value,
                                 TOCSIN_LEARN_AND_SCORE, &b, sizeof b);
            assert_same_verdict(&a, &b, s->text);
        }
    }
    tocsin_detector_free(ours);
    tocsin_detector_free(theirs);
}

static void shared_run(const char *text, uint64_t seed, size_t ticks)
{
    tocsin_bank_options options = banks_options();
    static shared held;
    shared *s = &held;
    int64_t time = 0;

    memset(s, 0, sizeof *s);
    options.lanes = LANES;
    options.clock = TOCSIN_CLOCK_SHARED;
    s->text = text;
    s->spec = specs_compile(text);
    s->bank = banks_create(s->spec, &options);
    s->r = rng_seeded(seed);
    for (int i = 0; i < SERIES; i++)
        shared_add(s);
    for (s->ticks = 0; s->ticks < ticks; s->ticks++) {
        const uint64_t what = rng_below(&s->r, 100);
        const int is_wild = s->ticks % 600 >= 520;
        const uint32_t slot = (uint32_t)rng_below(&s->r, SERIES);

        time += TOCSIN_MINUTE;
        if (is_wild && what < 20)
            time += (int64_t)rng_below(&s->r, what < 3 ? 200 : 20) * TOCSIN_MINUTE / 4;
        s->time[s->ticks] = time;
        s->mode[s->ticks] = what == 50   ? TOCSIN_SCORE_ONLY
                            : what == 51 ? TOCSIN_LEARN_ONLY
                            : what == 52 ? TOCSIN_HOLD
                                         : TOCSIN_LEARN_AND_SCORE;
        if (what == 53 && s->detector[slot])
            shared_remove(s, slot);
        if (what >= 54 && what < 56 && !s->detector[slot])
            while (tocsin_bank_slots(s->bank) == SERIES && !s->detector[slot])
                shared_add(s);
        if (what >= 60 && what < (is_wild ? 75u : 63u))
            shared_sparse(s, is_wild || what == 60);
        else
            shared_dense(s, what % 2 != 0, is_wild, what == 76);
        if (s->ticks % 50 == 49) {
            s->ticks++;
            shared_look(s);
            s->ticks--;
        }
    }

    shared_look(s);
    for (uint32_t k = 0; k < SERIES; k++)
        tocsin_detector_free(s->detector[k]);
    tocsin_bank_free(s->bank);
    tocsin_spec_free(s->spec);
}

static const char *const with_kernels[] = {
    "ewma | raw",
    "ewma half-life=30p warmup=5 | raw",
    "ewma clip=inf floor-relative=0 floor-history=0 half-life=20p | raw",
    "clock step=1m | ewma half-life=1h clip=2 | raw",
    "ewma half-life=40m clip=1 | raw",
    "ewma | tail | alarm",
    "ewma half-life=20p warmup=4 | tail | alarm budget=1/h n=2 m=3 clear=3p",
    "clock step=1m | ewma half-life=30m | tail | alarm ticket=2/h budget=1/2h",
    "ewma half-life=20p | tail",
    "holt-winters warmup=10 | raw",
    "holt-winters season=1h step=1m gamma=0.3 | raw",
    "clock step=1m | holt-winters season=30m,2h step=5m alpha=0.1 | tail | alarm budget=1/h",
    "holt-winters season=1h step=2m trend=off | tail",
};

static const char *const without[] = {
    "ewma state=double | raw",
    "ewma half-life=20p | tail | alarm threshold=3",
    "gaps missing=hold limit=3 | ewma half-life=20p | tail | alarm budget=1/h",
    "gaps missing=expected | holt-winters season=1h step=1m | tail | alarm budget=1/h",
    "holt-winters season=1h step=1m form=multiplicative | raw",
    "counter | ewma half-life=30p | raw",
};

START_TEST(kernels_say_what_detectors_say)
{
    for (size_t k = 0; k < tocsin_kernel_count(); k++) {
        ck_assert_int_eq(tocsin_kernel_force(tocsin_kernel_name(k)), TOCSIN_OK);
        shared_run(with_kernels[_i], 100 + (uint64_t)_i, TICKS);
    }
    tocsin_kernel_force(NULL);
}
END_TEST

START_TEST(rows_say_what_detectors_say)
{
    shared_run(without[_i], 200 + (uint64_t)_i, TICKS / 2);
}
END_TEST

/* A bank that is only ever pushed to, by values of which every tenth is far out, so that some
 * series have a habit at any moment: also when the last of them has its final gain, and when a new
 * one has not. */
START_TEST(pushes_say_what_detectors_say)
{
    static const char *const texts[] = {"ewma half-life=30p warmup=5 clip=2 | raw",
                                        "ewma half-life=90p clip=1 | raw"};
    tocsin_bank_options options = banks_options();
    tocsin_detector *detector[SERIES];
    tocsin_point points[SERIES];
    double scores[SERIES];
    tocsin_spec *spec = specs_compile(texts[_i / 2]);
    rng r = rng_seeded(300 + (uint64_t)_i);
    tocsin_bank *bank;
    uint32_t count = 0;

    options.clock = TOCSIN_CLOCK_SHARED;
    bank = banks_create(spec, &options);
    for (int64_t t = 1; t < 1200; t++) {
        const int by_id = (int)((t + _i) % 2);
        const int grows = t == 1 || t == 500;
        tocsin_tick tick = banks_tick(bank, t * TOCSIN_MINUTE, NULL);

        for (; grows && count < (t == 1 ? 100u : SERIES); count++) {
            ck_assert_uint_eq(banks_add(bank, banks_id(count)), count);
            detector[count] = specs_detector(spec);
            for (int64_t i = 1; i < t; i++)
                tocsin_detector_push(detector[count], i * TOCSIN_MINUTE, NAN,
                                     TOCSIN_LEARN_AND_SCORE, NULL, 0);
        }
        tick.count = 0;
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t slot = (uint32_t)((i * 7u + (uint32_t)t) % count);

            points[i].key = by_id ? banks_id(slot) : slot;
            points[i].time = TOCSIN_TIME_NONE;
            points[i].value = rng_normal(&r) * (rng_below(&r, 10) == 0 ? 30 : 1);
        }
        ck_assert_int_eq(tocsin_bank_tick_begin(bank, &tick), TOCSIN_OK);
        ck_assert_int_eq(by_id ? tocsin_bank_push_ids(bank, points, count, TOCSIN_LEARN_AND_SCORE,
                                                      scores, NULL, 0)
                               : tocsin_bank_push_slots(bank, points, count,
                                                        TOCSIN_LEARN_AND_SCORE, scores, NULL, 0),
                         TOCSIN_OK);
        ck_assert_int_eq(tocsin_bank_tick_end(bank), TOCSIN_OK);
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t slot = (uint32_t)((i * 7u + (uint32_t)t) % count);
            tocsin_verdict expected;

            tocsin_detector_push(detector[slot], t * TOCSIN_MINUTE, points[i].value,
                                 TOCSIN_LEARN_AND_SCORE, &expected, sizeof expected);
            assert_same_bits(scores[i], expected.score);
        }
    }
    for (uint32_t i = 0; i < count; i++)
        tocsin_detector_free(detector[i]);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("contract_shared");

    tcase_add_loop_test(suite_case(s, "kernels"), kernels_say_what_detectors_say, 0,
                        sizeof with_kernels / sizeof with_kernels[0]);
    tcase_add_loop_test(suite_case(s, "pushes"), pushes_say_what_detectors_say, 0, 4);
    tcase_add_loop_test(suite_case(s, "rows"), rows_say_what_detectors_say, 0,
                        sizeof without / sizeof without[0]);
    return s;
}

TOCSIN_TEST_MAIN(suite)
