/* Banks in mapped memory: whatever is done to one, it says and holds what a bank of the allocator's
 * does, bit for bit, also after it was closed and opened again, at another address even; and
 * memory that holds anything else is told from one. */
#include <math.h>

#include "../support/banks.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

#define SERIES 150          /* three tiles, the last one not full */
#define LANES 2
#define START INT64_C(1700000000000000000)

/* A bank beside one in memory. */
typedef struct pair {
    tocsin_spec *spec;
    tocsin_bank_options options;
    tocsin_bank *plain, *mapped;
    void *memory;
    uint64_t size;
    uint64_t next_id;
    int64_t time;
    size_t reopened;
    rng r;
} pair;

static void *memory_of(uint64_t size)
{
    void *memory = aligned_alloc(64, (size_t)(size + 63) / 64 * 64);

    require(memory != NULL, "the test itself is out of memory");
    memset(memory, 0, (size_t)size);
    return memory;
}

static tocsin_bank_recovery recovery_of(void)
{
    tocsin_bank_recovery recovery;

    memset(&recovery, 0xee, sizeof recovery);
    recovery.struct_size = sizeof recovery;
    return recovery;
}

static pair pair_of(const char *text, uint32_t clock, uint32_t ids, uint64_t seed)
{
    tocsin_bank_recovery recovery = recovery_of();
    pair p;

    memset(&p, 0, sizeof p);
    p.r = rng_seeded(seed);
    p.time = START;
    require(tocsin_spec_compile(&p.spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL) == TOCSIN_OK,
            "%s", text);
    p.options = banks_options();
    p.options.clock = clock;
    p.options.ids = ids;
    p.options.lanes = LANES;
    p.options.max_series = SERIES;
    p.plain = banks_create(p.spec, &p.options);
    p.size = tocsin_bank_mapped_size(p.spec, &p.options, SERIES);
    require(p.size > 0, "%s: no size", text);
    p.memory = memory_of(p.size);
    require(tocsin_bank_create_mapped(&p.mapped, p.spec, &p.options, NULL, p.memory, p.size,
                                      &recovery) == TOCSIN_OK &&
                recovery.is_new == 1 && recovery.interrupted == TOCSIN_ROUND_NONE &&
                recovery.whole + recovery.ahead + recovery.torn + recovery.restarted == 0 &&
                recovery.time == TOCSIN_TIME_NONE,
            "%s: not made", text);
    return p;
}

static void pair_free(pair *p)
{
    tocsin_bank_free(p->plain);
    tocsin_bank_free(p->mapped);
    tocsin_spec_free(p->spec);
    free(p->memory);
}

/* Close it and open it somewhere else. */
static void pair_reopen(pair *p)
{
    tocsin_bank_recovery recovery = recovery_of();
    void *elsewhere = memory_of(p->size);

    tocsin_bank_free(p->mapped);
    memcpy(elsewhere, p->memory, (size_t)p->size);
    free(p->memory);
    p->memory = elsewhere;
    require(tocsin_bank_create_mapped(&p->mapped, p->spec, &p->options, NULL, p->memory, p->size,
                                      &recovery) == TOCSIN_OK, "not opened");
    require(!recovery.is_new && recovery.interrupted == TOCSIN_ROUND_NONE &&
                recovery.ahead + recovery.torn + recovery.restarted == 0 &&
                recovery.whole == (tocsin_bank_slots(p->plain) + 63) / 64,
            "it was closed in peace");
    p->reopened++;
}

static int pair_has(const pair *p, uint32_t slot)
{
    uint64_t id;

    return tocsin_bank_id(p->plain, slot, &id) == TOCSIN_OK;
}

static void pair_add(pair *p)
{
    const uint64_t id = banks_id(p->next_id++);
    uint32_t here = 0, there = 1;
    const int status = tocsin_bank_add(p->plain, id, &here);

    require(tocsin_bank_add(p->mapped, id, &there) == status, "not added alike");
    require(status != TOCSIN_OK || here == there, "slots %u and %u", here, there);
}

static void pair_remove(pair *p)
{
    const uint32_t slot = (uint32_t)rng_below(&p->r, tocsin_bank_slots(p->plain) + 1);

    require(tocsin_bank_remove(p->plain, slot) == tocsin_bank_remove(p->mapped, slot),
            "not removed alike");
}

static void pair_fill(pair *p, double *values)
{
    for (uint32_t slot = 0; slot < SERIES; slot++) {
        values[slot] = (double)(float)(10 * slot + rng_normal(&p->r));
        if (rng_below(&p->r, 40) == 0)
            values[slot] += 100 * rng_normal(&p->r);
        if (rng_below(&p->r, 50) == 0)
            values[slot] = NAN;
    }
}

static void pair_compare_alarms(const pair *p)
{
    tocsin_alarm ours[SERIES], theirs[SERIES];
    const size_t count = tocsin_bank_alarms(p->plain, ours, sizeof ours[0], SERIES);

    require(tocsin_bank_alarms(p->mapped, theirs, sizeof theirs[0], SERIES) == count &&
                memcmp(ours, theirs, count * sizeof ours[0]) == 0,
            "alarms differ");
}

static void pair_dense(pair *p)
{
    double values[SERIES], ours[SERIES], theirs[SERIES];
    float narrow[SERIES];
    tocsin_verdict here[SERIES], there[SERIES];
    uint64_t on[4] = {0}, off[4] = {0};
    const uint32_t slots = tocsin_bank_slots(p->plain);
    const int is_float = rng_below(&p->r, 3) == 0, wants = rng_below(&p->r, 16) == 0;
    rng parts = rng_seeded(rng_u64(&p->r)), same = parts;

    pair_fill(p, values);
    for (uint32_t slot = 0; slot < SERIES; slot++)
        narrow[slot] = (float)values[slot];

    tocsin_tick tick = banks_tick(p->plain, p->time, values);

    if (is_float) {
        tick.values = narrow;
        tick.value_type = TOCSIN_VALUES_FLOAT;
    }
    tick.mode = rng_below(&p->r, 30) == 0 ? TOCSIN_SCORE_ONLY : TOCSIN_LEARN_AND_SCORE;
    if (p->options.clock == TOCSIN_CLOCK_OWN && rng_below(&p->r, 4) == 0)
        tick.nan_means = TOCSIN_NAN_SILENCE;
    memset(here, 0, sizeof here);
    memset(there, 0, sizeof there);
    tick.scores = ours;
    tick.alarms = on;
    tick.verdicts = wants ? here : NULL;
    banks_tick_in_parts(p->plain, &tick, LANES, &parts);
    tick.scores = theirs;
    tick.alarms = off;
    tick.verdicts = wants ? there : NULL;
    banks_tick_in_parts(p->mapped, &tick, LANES, &same);
    require(memcmp(ours, theirs, slots * sizeof ours[0]) == 0, "scores differ");
    require(memcmp(on, off, sizeof on) == 0, "alarms that are on differ");
    require(memcmp(here, there, sizeof here) == 0, "verdicts differ");
}

static void pair_push(pair *p)
{
    const int is_shared = p->options.clock == TOCSIN_CLOCK_SHARED;
    const int by_id = p->options.ids == TOCSIN_IDS_KEPT && rng_below(&p->r, 2);
    const size_t count = rng_below(&p->r, 2 * SERIES);
    tocsin_point points[2 * SERIES];
    double ours[2 * SERIES], theirs[2 * SERIES];
    tocsin_tick tick = banks_tick(p->plain, p->time, NULL);

    for (size_t i = 0; i < count; i++) {
        const uint32_t slot = (uint32_t)rng_below(&p->r, SERIES + 5);
        uint64_t id = 12345;

        tocsin_bank_id(p->plain, slot, &id);
        points[i].key = by_id ? id : slot;
        points[i].time = is_shared ? p->time : p->time + (int64_t)i;
        points[i].value = rng_below(&p->r, 50) ? slot + rng_normal(&p->r) : NAN;
    }
    if (is_shared) {
        tick.count = 0;
        require(tocsin_bank_tick_begin(p->plain, &tick) == TOCSIN_OK &&
                    tocsin_bank_tick_begin(p->mapped, &tick) == TOCSIN_OK, "no tick");
    }
    require((by_id ? tocsin_bank_push_ids : tocsin_bank_push_slots)(
                p->plain, points, count, TOCSIN_LEARN_AND_SCORE, ours, NULL, 0) ==
                (by_id ? tocsin_bank_push_ids : tocsin_bank_push_slots)(
                    p->mapped, points, count, TOCSIN_LEARN_AND_SCORE, theirs, NULL, 0),
            "not pushed alike");
    require(memcmp(ours, theirs, count * sizeof ours[0]) == 0, "scores differ");
    if (is_shared)
        require(tocsin_bank_tick_end(p->plain) == TOCSIN_OK &&
                    tocsin_bank_tick_end(p->mapped) == TOCSIN_OK, "no end");
}

static void pair_mark(pair *p)
{
    const uint32_t slot = 3;
    const int is_one = p->options.clock == TOCSIN_CLOCK_OWN && pair_has(p, slot);

    require(tocsin_bank_mark(p->plain, is_one ? &slot : NULL, 1, TOCSIN_MARK_DEPLOY,
                             TOCSIN_MARK_NO_LEARN, p->time, p->time + TOCSIN_MINUTE) == TOCSIN_OK &&
                tocsin_bank_mark(p->mapped, is_one ? &slot : NULL, 1, TOCSIN_MARK_DEPLOY,
                                 TOCSIN_MARK_NO_LEARN, p->time,
                                 p->time + TOCSIN_MINUTE) == TOCSIN_OK,
            "not marked");
}

static void pair_copy(pair *p)
{
    tocsin_detector *detector = specs_detector(p->spec);
    const uint32_t from = (uint32_t)rng_below(&p->r, SERIES);
    const uint32_t to = (uint32_t)rng_below(&p->r, SERIES);

    if (tocsin_bank_copy_out(p->plain, from, detector) == TOCSIN_OK && pair_has(p, to))
        require(tocsin_bank_copy_in(p->plain, to, detector) == TOCSIN_OK &&
                    tocsin_bank_copy_in(p->mapped, to, detector) == TOCSIN_OK,
                "not copied");
    tocsin_detector_free(detector);
}

static void pair_compare(const pair *p)
{
    tocsin_detector *here = specs_detector(p->spec), *there = specs_detector(p->spec);
    const tocsin_bank_info ours = banks_info(p->plain), theirs = banks_info(p->mapped);
    tocsin_bank_counts total, other;

    require(ours.slots == theirs.slots && ours.series == theirs.series &&
                ours.added == theirs.added && ours.removed == theirs.removed &&
                ours.refused == theirs.refused && ours.evicted == theirs.evicted &&
                ours.time == theirs.time,
            "banks differ");
    total.struct_size = other.struct_size = sizeof total;
    require(tocsin_bank_total(p->plain, &total) == TOCSIN_OK &&
                tocsin_bank_total(p->mapped, &other) == TOCSIN_OK &&
                memcmp(&total, &other, sizeof total) == 0,
            "counts differ");
    for (uint32_t slot = 0; slot < SERIES + 1; slot++) {
        uint64_t id, same;

        if (tocsin_bank_id(p->plain, slot, &id) != TOCSIN_OK) {
            require(tocsin_bank_id(p->mapped, slot, &same) != TOCSIN_OK, "slot %u is used", slot);
            continue;
        }
        require(tocsin_bank_id(p->mapped, slot, &same) == TOCSIN_OK && id == same, "ids differ");
        require(p->options.ids == TOCSIN_IDS_NONE || tocsin_bank_find(p->mapped, id) == slot,
                "not found");
        require(tocsin_bank_copy_out(p->plain, slot, here) == TOCSIN_OK &&
                    tocsin_bank_copy_out(p->mapped, slot, there) == TOCSIN_OK,
                "no copy");
        assert_same_state(here, there, "in a slot");
    }
    tocsin_detector_free(here);
    tocsin_detector_free(there);
}

static void pair_run(const char *text, uint32_t clock, uint32_t ids, size_t rounds)
{
    pair p = pair_of(text, clock, ids, rounds + 17 * clock + ids);

    for (size_t i = 0; i < 130; i++)
        pair_add(&p);
    for (size_t i = 0; i < rounds; i++) {
        p.time += rng_below(&p.r, 60) ? TOCSIN_MINUTE : TOCSIN_HOUR;
        if (rng_below(&p.r, 3))
            pair_dense(&p);
        else
            pair_push(&p);
        pair_compare_alarms(&p);
        if (rng_below(&p.r, 4) == 0)
            pair_add(&p);
        if (rng_below(&p.r, 6) == 0)
            pair_remove(&p);
        if (rng_below(&p.r, 70) == 0)
            pair_mark(&p);
        if (rng_below(&p.r, 50) == 0)
            pair_copy(&p);
        if (rng_below(&p.r, 12) == 0)
            pair_reopen(&p);
        if (rng_below(&p.r, 40) == 0)
            pair_compare(&p);
    }
    pair_compare(&p);
    require(p.reopened > 5, "it was to be closed now and then");
    pair_free(&p);
}

static const char *const with_kernels[] = {
    "ewma clip=inf floor-history=0 | raw",
    "ewma | raw",
    "ewma half-life=1h | raw",
    "ewma | tail",
    "ewma warmup=8 | tail | alarm budget=1/1h",
    "clock step=1m | ewma half-life=30m | tail | alarm budget=1/4h ticket=1/1h",
    "clock step=1m | holt-winters season=10m step=1m | raw",
    "clock step=1m | holt-winters season=10m,1h step=1m | tail | alarm budget=1/2h",
};

static const char *const without[] = {
    "gaps missing=hold | ewma | tail | alarm budget=1/1h",
    "counter | ewma state=double | tail | alarm threshold=3",
    "clock absence=10m | holt-winters season=10m step=1m state=double | alarm budget=1/1h",
};

START_TEST(shared_clocks_in_columns)
{
    const char *text = with_kernels[_i % 8];

    pair_run(text, TOCSIN_CLOCK_SHARED, (_i + _i / 8) % 2 ? TOCSIN_IDS_NONE : TOCSIN_IDS_KEPT, 700);
}
END_TEST

START_TEST(shared_clocks_in_rows)
{
    pair_run(without[_i / 2], TOCSIN_CLOCK_SHARED, _i % 2 ? TOCSIN_IDS_NONE : TOCSIN_IDS_KEPT, 300);
}
END_TEST

START_TEST(clocks_of_their_own)
{
    pair_run(_i < 3 ? without[_i] : with_kernels[_i], TOCSIN_CLOCK_OWN, TOCSIN_IDS_KEPT, 300);
}
END_TEST

/* ---- Memory ---------------------------------------------------------------------------- */

static int open_status(const tocsin_spec *spec, const tocsin_bank_options *options, void *memory,
                       uint64_t size)
{
    tocsin_bank *bank = (tocsin_bank *)memory;
    const int status = tocsin_bank_create_mapped(&bank, spec, options, NULL, memory, size, NULL);

    require((status >= 0) == (bank != NULL), "%d, but %p", status, (void *)bank);
    tocsin_bank_free(bank);
    return status;
}

START_TEST(capacity_is_what_the_memory_holds)
{
    tocsin_spec *spec;
    tocsin_bank_options options = banks_options();
    tocsin_bank *bank;

    ck_assert_int_eq(tocsin_spec_compile(&spec, "ewma", 4, NULL, NULL), TOCSIN_OK);
    for (uint64_t tiles = 1; tiles < 30; tiles += 7) {
        const uint64_t size = tocsin_bank_mapped_size(spec, &options, 64 * tiles);
        void *memory = memory_of(size);

        ck_assert_uint_eq(tocsin_bank_mapped_size(spec, &options, 64 * tiles - 63), size);
        ck_assert_int_eq(tocsin_bank_create_mapped(&bank, spec, &options, NULL, memory, size, NULL),
                         TOCSIN_OK);
        ck_assert_uint_eq(banks_info(bank).capacity, 64 * tiles);
        for (uint64_t i = 0; i < 64 * tiles; i++)
            banks_add(bank, i);
        ck_assert_int_eq(tocsin_bank_add(bank, 1000000, NULL), TOCSIN_ERROR_SPACE);
        ck_assert_int_eq(tocsin_bank_add(bank, 0, NULL), TOCSIN_OK);
        ck_assert_uint_eq(banks_info(bank).refused, 1);
        tocsin_bank_free(bank);
        free(memory);
    }
    tocsin_spec_free(spec);
}
END_TEST

START_TEST(a_full_one_may_evict)
{
    pair p;

    memset(&p, 0, sizeof p);
    p.time = START;
    p.options = banks_options();
    p.options.when_full = TOCSIN_FULL_EVICT;
    p.options.max_series = 64;
    ck_assert_int_eq(tocsin_spec_compile(&p.spec, "ewma", 4, NULL, NULL), TOCSIN_OK);
    p.plain = banks_create(p.spec, &p.options);
    p.size = tocsin_bank_mapped_size(p.spec, &p.options, 64);
    p.memory = memory_of(p.size);
    p.options.max_series = 0;       /* the memory is the limit */
    ck_assert_int_eq(tocsin_bank_create_mapped(&p.mapped, p.spec, &p.options, NULL, p.memory,
                                               p.size, NULL), TOCSIN_OK);
    for (size_t i = 0; i < 200; i++)
        pair_add(&p);
    ck_assert_uint_eq(banks_info(p.mapped).evicted, 136);
    pair_compare(&p);
    pair_reopen(&p);
    pair_compare(&p);
    pair_free(&p);
}
END_TEST

START_TEST(other_banks_are_refused)
{
    pair p = pair_of("ewma | raw", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_KEPT, 1);
    tocsin_bank_options options = p.options;
    tocsin_spec *other;
    unsigned char *before = malloc((size_t)p.size);

    for (size_t i = 0; i < 70; i++)
        pair_add(&p);
    pair_dense(&p);
    tocsin_bank_free(p.mapped);
    require(before != NULL, "the test itself is out of memory");
    memcpy(before, p.memory, (size_t)p.size);

    options.clock = TOCSIN_CLOCK_OWN;
    ck_assert_int_lt(open_status(p.spec, &options, p.memory, p.size), 0);
    options = p.options;
    options.ids = TOCSIN_IDS_NONE;
    ck_assert_int_lt(open_status(p.spec, &options, p.memory, p.size), 0);
    options = p.options;
    options.lanes = 5;
    ck_assert_int_eq(open_status(p.spec, &options, p.memory, p.size), TOCSIN_ERROR_MISMATCH);
    options = p.options;
    options.max_classes = 1;
    ck_assert_int_eq(open_status(p.spec, &options, p.memory, p.size), TOCSIN_ERROR_UNSUPPORTED);
    ck_assert_uint_eq(tocsin_bank_mapped_size(p.spec, &options, 64), 0);
    ck_assert_int_eq(tocsin_spec_compile(&other, "ewma clip=5 | raw", TOCSIN_NUL_TERMINATED, NULL,
                                         NULL), TOCSIN_OK);
    ck_assert_int_eq(open_status(other, &p.options, p.memory, p.size), TOCSIN_ERROR_MISMATCH);
    ck_assert_int_eq(open_status(p.spec, &p.options, (char *)p.memory + 8, p.size - 64),
                     TOCSIN_ERROR_ALIGNMENT);
    ck_assert_int_eq(open_status(p.spec, &p.options, NULL, p.size), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(open_status(NULL, &p.options, p.memory, p.size), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(memcmp(before, p.memory, (size_t)p.size), 0);

    options = p.options;        /* what it may be opened with */
    options.seed = 99;
    options.alarms_per_round = 7;
    ck_assert_int_eq(open_status(p.spec, &options, p.memory, p.size), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_create_mapped(&p.mapped, p.spec, &p.options, NULL, p.memory,
                                               p.size, NULL), TOCSIN_OK);
    pair_compare(&p);
    free(before);
    tocsin_spec_free(other);
    pair_free(&p);
}
END_TEST

START_TEST(memory_that_is_no_bank)
{
    const uint64_t size = 1 << 20;
    tocsin_bank_options options = banks_options();
    unsigned char *memory = memory_of(size);
    tocsin_spec *spec;

    ck_assert_int_eq(tocsin_spec_compile(&spec, "ewma", 4, NULL, NULL), TOCSIN_OK);
    ck_assert_int_eq(open_status(spec, &options, memory, 64), TOCSIN_ERROR_SPACE);
    ck_assert_int_eq(open_status(spec, &options, memory, 1000), TOCSIN_ERROR_SPACE);
    memory[20] = 1;
    ck_assert_int_eq(open_status(spec, &options, memory, size), TOCSIN_ERROR_FORMAT);
    ck_assert_int_eq(memory[20], 1);
    memory[0] = 1;
    ck_assert_int_eq(open_status(spec, &options, memory, size), TOCSIN_ERROR_FORMAT);
    memset(memory, 0xff, size);
    ck_assert_int_eq(open_status(spec, &options, memory, size), TOCSIN_ERROR_FORMAT);
    free(memory);
    tocsin_spec_free(spec);
}
END_TEST

START_TEST(conditions_have_bounds)
{
    pair p = pair_of("ewma", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_NONE, 1);

    ck_assert_int_eq(tocsin_bank_tile_condition(NULL, 0), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_tile_condition(p.mapped, 0), TOCSIN_ERROR_RANGE);
    for (size_t i = 0; i < 65; i++)
        pair_add(&p);
    ck_assert_int_eq(tocsin_bank_tile_condition(p.mapped, 1), TOCSIN_TILE_WHOLE);
    ck_assert_int_eq(tocsin_bank_tile_condition(p.mapped, 2), TOCSIN_ERROR_RANGE);
    ck_assert_int_eq(tocsin_bank_tile_condition(p.plain, 1), TOCSIN_TILE_WHOLE);
    pair_free(&p);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mapped");
    TCase *tc = suite_case(s, "like any other");

    tcase_add_loop_test(tc, shared_clocks_in_columns, 0, 8);
    tcase_add_loop_test(tc, shared_clocks_in_rows, 0, 2 * 3);
    tcase_add_loop_test(tc, clocks_of_their_own, 0, 8);

    tc = suite_case(s, "memory");
    tcase_add_test(tc, capacity_is_what_the_memory_holds);
    tcase_add_test(tc, a_full_one_may_evict);
    tcase_add_test(tc, other_banks_are_refused);
    tcase_add_test(tc, memory_that_is_no_bank);
    tcase_add_test(tc, conditions_have_bounds);

    tc = suite_long_case(s, "like any other, with ids or without");
    tcase_add_loop_test(tc, shared_clocks_in_columns, 8, 2 * 8);
    return s;
}

TOCSIN_TEST_MAIN(suite)
