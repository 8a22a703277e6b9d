/* Classes: what a new series starts with, who teaches and when, and that nothing else of a bank
 * changes.  Pools are held against brute force where that is possible, else against
 * what must be true of them whatever was taught. */
#include <math.h>

#include "../support/banks.h"
#include "../support/counting_allocator.h"
#include "../support/inputs.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"
#include "bank/bank.h"
#include "bank/classes.h"
#include "calibrate/tail.h"
#include "core/alloc.h"

#define START INPUT_START

static counting_allocator counting;

static tocsin_bank *bank_with_allocator(const tocsin_spec *spec, const tocsin_bank_options *options)
{
    const tocsin_allocator allocator = counting_start(&counting);
    tocsin_bank *bank;

    require(tocsin_bank_create(&bank, spec, options, &allocator) == TOCSIN_OK, "no bank");
    return bank;
}

static tocsin_bank_options classes_options(uint32_t max_classes)
{
    tocsin_bank_options options = banks_options();

    options.max_classes = max_classes;
    return options;
}

static tocsin_bank *classes_bank(const tocsin_spec *spec, uint32_t max_classes)
{
    const tocsin_bank_options options = classes_options(max_classes);

    return banks_create(spec, &options);
}

static uint32_t add_to(tocsin_bank *bank, uint64_t id, uint64_t class_id)
{
    uint32_t slot = TOCSIN_SLOT_NONE;

    require(tocsin_bank_add_to(bank, id, class_id, &slot) == TOCSIN_OK, "not added");
    return slot;
}

static tocsin_class_info class_info(const tocsin_bank *bank, uint64_t class_id)
{
    tocsin_class_info info;

    info.struct_size = sizeof info;
    require(tocsin_bank_class_describe(bank, class_id, &info) == TOCSIN_OK, "no class");
    return info;
}

static tocsin_classes_info classes_info(const tocsin_bank *bank)
{
    tocsin_classes_info info;

    info.struct_size = sizeof info;
    require(tocsin_bank_classes(bank, &info, NULL, 0) == TOCSIN_OK, "no info");
    return info;
}

/* Everything a bank knows: the classes' rows and the series', each with its class. */
static void assert_same_banks(const tocsin_bank *a, const tocsin_bank *b, int with_series)
{
    const size_t size = tocsin__classes_row_size(a->spec);
    unsigned char *one = malloc(size + a->spec->state_size);
    unsigned char *other = malloc(size + a->spec->state_size);

    require(one && other, "out of memory");
    ck_assert_uint_eq(tocsin__classes_count(a), tocsin__classes_count(b));
    for (uint32_t i = 0; i < tocsin__classes_count(a); i++) {
        require(!tocsin__classes_at(a, i) == !tocsin__classes_at(b, i), "class %u", i);
        if (!tocsin__classes_at(a, i))
            continue;
        tocsin__classes_read(a, i, one);
        tocsin__classes_read(b, i, other);
        require(memcmp(one, other, size) == 0, "class %u", i);
    }
    ck_assert_uint_eq(a->slots, b->slots);
    for (uint32_t slot = 0; slot < a->slots && with_series; slot++) {
        require(tocsin__bank_has(a, slot) == tocsin__bank_has(b, slot), "slot %u", slot);
        if (!tocsin__bank_has(a, slot))
            continue;
        require(tocsin__classes_of(a, slot) == tocsin__classes_of(b, slot), "slot %u", slot);
        tocsin__bank_read(a, slot, one);
        tocsin__bank_read(b, slot, other);
        require(memcmp(one, other, a->spec->state_size) == 0, "slot %u", slot);
    }
    free(one);
    free(other);
}

/* ---- A population that comes and goes -------------------------------------------------- */

enum { PODS = 60, CLASSES = 3 };

typedef struct {
    rng rng;
    int64_t time;
    uint64_t born;
    uint64_t id[PODS];
    double heavy;           /* how heavy the tails are: 0: Gaussian */
    double last[PODS];
} population;

static population population_of(uint64_t seed)
{
    population p;

    memset(&p, 0, sizeof p);
    p.rng = rng_seeded(seed);
    p.time = START;
    return p;
}

static double population_value(population *p, uint64_t id)
{
    const double level = 100.0 * (double)(1 + id % CLASSES), x = rng_normal(&p->rng);

    return level + 5 * x * (1 + p->heavy * x * x);
}

/* A minute: some are replaced, all get a value.  `put` is told of every series that goes and comes
 * and of every value. */
typedef struct {
    tocsin_bank *bank;
    uint32_t lanes;         /* 0: ticks in one piece */
    uint32_t evicts;        /* series go by eviction */
    rng rng;
} driver;

static void population_step(population *p, driver *drivers, size_t count, double turnover)
{
    double values[PODS + 1] = {0};      /* a test may have one series more */
    uint64_t gone[PODS];
    size_t gone_count = 0;

    p->time += TOCSIN_MINUTE;
    for (size_t i = 0; i < PODS; i++)
        if (!p->id[i] || rng_uniform(&p->rng) < turnover) {
            if (p->id[i])
                gone[gone_count++] = p->id[i];
            p->id[i] = ++p->born;
        }
    for (size_t i = 0; i < PODS; i++)
        p->last[i] = population_value(p, p->id[i]);
    for (size_t d = 0; d < count; d++) {
        tocsin_bank *bank = drivers[d].bank;
        tocsin_tick tick;

        for (size_t g = 0; g < gone_count; g++)
            require(tocsin_bank_remove(bank, tocsin_bank_find(bank, gone[g])) == TOCSIN_OK, "gone");
        for (size_t i = 0; i < PODS; i++)
            values[add_to(bank, p->id[i], p->id[i] % CLASSES)] = p->last[i];
        tick = banks_tick(bank, p->time, values);
        if (drivers[d].lanes)
            banks_tick_in_parts(bank, &tick, drivers[d].lanes, &drivers[d].rng);
        else
            require(tocsin_bank_tick(bank, &tick) == TOCSIN_OK, "tick");
    }
}

static void population_live(population *p, driver *drivers, size_t count, int minutes,
                            double turnover)
{
    for (int minute = 0; minute < minutes; minute++)
        population_step(p, drivers, count, turnover);
}

/* ---- Arguments and memory --------------------------------------------------------------- */

START_TEST(bad_arguments)
{
    tocsin_spec *spec = specs_compile("");
    tocsin_bank_options options = classes_options(65536);
    tocsin_bank *bank, *plain = banks_create(spec, NULL);
    tocsin_class_info info = {.struct_size = sizeof info};
    tocsin_classes_info all = {.struct_size = sizeof all};
    tocsin_tick tick;
    uint64_t class_id = 77;
    uint32_t slot;

    ck_assert_int_eq(tocsin_bank_create(&bank, spec, &options, NULL), TOCSIN_ERROR_ARGUMENT);
    options = classes_options(1);
    options.reserved = 1;
    ck_assert_int_eq(tocsin_bank_create(&bank, spec, &options, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_uint_eq(tocsin_bank_size(spec, &options, 0), 0);
    bank = classes_bank(spec, 4);

    ck_assert_int_eq(tocsin_bank_add_to(NULL, 1, 1, &slot), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_add_to(plain, 1, 1, &slot), TOCSIN_ERROR_ARGUMENT);
    ck_assert_uint_eq(banks_info(plain).series, 0);
    ck_assert_int_eq(tocsin_bank_class_of(NULL, 0, &class_id), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_class_of(bank, 0, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_class_of(bank, 0, &class_id), TOCSIN_ERROR_RANGE);
    slot = banks_add(bank, 1);
    ck_assert_int_eq(tocsin_bank_class_of(bank, slot, &class_id), TOCSIN_INFO_IGNORED);
    slot = banks_add(plain, 1);
    ck_assert_int_eq(tocsin_bank_class_of(plain, slot, &class_id), TOCSIN_INFO_IGNORED);
    ck_assert_uint_eq(class_id, 77);

    ck_assert_int_eq(tocsin_bank_class_describe(NULL, 1, &info), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_class_describe(bank, 1, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_class_describe(bank, 1, &info), TOCSIN_ERROR_RANGE);
    ck_assert_int_eq(tocsin_bank_class_describe(plain, 1, &info), TOCSIN_ERROR_RANGE);
    info.struct_size--;
    ck_assert_int_eq(tocsin_bank_class_describe(bank, 1, &info), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_class_forget(NULL, 1), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_class_forget(bank, 1), TOCSIN_ERROR_RANGE);
    ck_assert_int_eq(tocsin_bank_class_forget(plain, 1), TOCSIN_ERROR_RANGE);
    ck_assert_int_eq(tocsin_bank_classes(NULL, &all, NULL, 0), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_classes(bank, &all, NULL, 1), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_classes(bank, NULL, NULL, 0), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_classes(plain, &all, NULL, 0), TOCSIN_OK);
    ck_assert_uint_eq(all.max_classes + all.classes + all.without + all.displaced, 0);
    all.struct_size--;
    ck_assert_int_eq(tocsin_bank_classes(bank, &all, NULL, 0), TOCSIN_ERROR_ARGUMENT);

    add_to(bank, 2, 5);
    info.struct_size = sizeof info;
    all.struct_size = sizeof all;
    tick = banks_tick(bank, START, NULL);
    ck_assert_int_eq(tocsin_bank_tick_begin(bank, &tick), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_add_to(bank, 3, 5, &slot), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_class_describe(bank, 5, &info), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_class_forget(bank, 5), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_classes(bank, &all, NULL, 0), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_tick_end(bank), TOCSIN_OK);
    tocsin_bank_free(bank);
    tocsin_bank_free(plain);
    tocsin_spec_free(spec);
}
END_TEST

static size_t live_bytes(void)
{
    size_t bytes = 0;

    for (size_t i = 0; i < COUNTING_LIVE_MAX; i++)
        bytes += counting.block[i].ptr ? counting.block[i].size : 0;
    return bytes;
}

START_TEST(memory_is_told_to_the_byte)
{
    static const uint32_t series[] = {0, 1, 64, 65, 1000}, max_classes[] = {1, 7, 500};

    for (size_t i = 0; i < sizeof series / sizeof series[0]; i++)
        for (size_t k = 0; k < sizeof max_classes / sizeof max_classes[0]; k++) {
            tocsin_spec *spec = specs_compile("ewma | tail | alarm");
            const tocsin_bank_options options = classes_options(max_classes[k]);
            tocsin_bank *bank = bank_with_allocator(spec, &options);
            size_t calls;

            ck_assert_int_eq(tocsin_bank_reserve(bank, series[i]), TOCSIN_OK);
            ck_assert_uint_eq(live_bytes(), tocsin_bank_size(spec, &options, series[i]));
            ck_assert_uint_eq(live_bytes(), banks_info(bank).bytes);
            calls = counting.calls;
            for (uint32_t s = 0; s < series[i]; s++)
                add_to(bank, s, s % 700);
            for (uint32_t s = 0; s < series[i]; s += 2)
                ck_assert_int_eq(tocsin_bank_remove(bank, tocsin_bank_find(bank, s)), TOCSIN_OK);
            ck_assert_uint_eq(counting.calls, calls);
            tocsin_bank_free(bank);
            ck_assert_uint_eq(counting.live, 0);
            tocsin_spec_free(spec);
        }
}
END_TEST

/* Whatever allocation fails, a bank without it is not there, or is as it was. */
START_TEST(every_allocation_may_fail)
{
    tocsin_spec *spec = specs_compile("ewma | tail | alarm");
    const tocsin_bank_options options = classes_options(3);
    int succeeded = 0;

    for (size_t fail_at = 1; !succeeded; fail_at++) {
        const tocsin_allocator allocator = counting_start(&counting);
        tocsin_bank *bank = NULL;
        uint32_t slot;
        int status;

        counting.fail_at = fail_at;
        status = tocsin_bank_create(&bank, spec, &options, &allocator);
        if (status != TOCSIN_OK) {
            ck_assert_int_eq(status, TOCSIN_ERROR_MEMORY);
            ck_assert_ptr_null(bank);
            ck_assert_uint_eq(counting.live, 0);
            continue;
        }
        status = tocsin_bank_add_to(bank, 1, 2, &slot);
        if (status != TOCSIN_OK) {
            ck_assert_int_eq(status, TOCSIN_ERROR_MEMORY);
            ck_assert_uint_eq(banks_info(bank).series, 0);
            ck_assert_uint_eq(banks_info(bank).bytes, live_bytes());
            ck_assert_uint_eq(classes_info(bank).classes, 0);
            ck_assert_int_eq(tocsin_bank_add_to(bank, 1, 2, &slot), TOCSIN_OK);
            ck_assert_uint_eq(banks_info(bank).bytes, live_bytes());
            ck_assert_uint_eq(tocsin_bank_size(spec, &options, 64), live_bytes());
        } else {
            succeeded = 1;
        }
        ck_assert_uint_eq(class_info(bank, 2).members, 1);
        tocsin_bank_free(bank);
        ck_assert_uint_eq(counting.live, 0);
    }
    ck_assert(counting.calls > 4);
    tocsin_spec_free(spec);
}
END_TEST

/* ---- Who belongs where -------------------------------------------------------------------- */

START_TEST(members_are_counted)
{
    tocsin_spec *spec = specs_compile("");
    tocsin_bank *bank = classes_bank(spec, 8);
    uint32_t naive[40] = {0}, left[8] = {0};    /* class + 1; of a class */
    rng r = rng_seeded(3);

    for (int step = 0; step < 4000; step++) {
        const size_t id = rng_below(&r, 40);
        const uint32_t slot = tocsin_bank_find(bank, id);

        if (slot == TOCSIN_SLOT_NONE) {
            const uint32_t to = (uint32_t)rng_below(&r, 8);

            naive[id] = to + 1;
            add_to(bank, id, to);
        } else if (rng_below(&r, 8) == 0) {
            add_to(bank, id, rng_below(&r, 8));     /* is there already: stays where it is */
        } else {
            left[naive[id] - 1]++;
            naive[id] = 0;
            ck_assert_int_eq(tocsin_bank_remove(bank, slot), TOCSIN_OK);
        }
        for (uint32_t c = 0; c < 8; c++) {
            tocsin_class_info info = {.struct_size = sizeof info};
            uint32_t members = 0;

            for (size_t i = 0; i < 40; i++)
                members += naive[i] == c + 1;
            if (tocsin_bank_class_describe(bank, c, &info) == TOCSIN_ERROR_RANGE)
                require(members == 0 && left[c] == 0, "class %u", c);
            else
                require(info.members == members && info.left == left[c] && info.class_id == c,
                        "class %u at step %d", c, step);
        }
    }
    for (size_t i = 0; i < 40; i++) {
        uint64_t class_id;

        if (naive[i])
            ck_assert_int_eq(tocsin_bank_class_of(bank, tocsin_bank_find(bank, i), &class_id),
                             TOCSIN_OK);
        if (naive[i])
            ck_assert_uint_eq(class_id, naive[i] - 1);
    }
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

static void value_at(tocsin_bank *bank, uint64_t id, int64_t time, double value)
{
    const tocsin_point point = {id, time, value};

    ck_assert_int_eq(tocsin_bank_push_ids(bank, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0),
                     TOCSIN_OK);
}

/* The class without members that has been idle for longest makes room, and no other. */
START_TEST(a_full_table_makes_room)
{
    tocsin_spec *spec = specs_compile("");
    tocsin_bank *bank = classes_bank(spec, 3);
    uint64_t ids[3] = {0}, class_id;

    for (uint64_t c = 0; c < 3; c++) {      /* 10 leaves last, 11 first, 12 stays */
        add_to(bank, c, 10 + c);
        value_at(bank, c, START + (int64_t)c, 1);
    }
    ck_assert_int_eq(tocsin_bank_remove(bank, tocsin_bank_find(bank, 1)), TOCSIN_OK);
    value_at(bank, 2, START + 100, 1);
    ck_assert_int_eq(tocsin_bank_remove(bank, tocsin_bank_find(bank, 0)), TOCSIN_OK);
    add_to(bank, 5, 20);
    ck_assert_int_eq(tocsin_bank_classes(bank, NULL, ids, 3), TOCSIN_OK);
    ck_assert(ids[0] == 10 && ids[1] == 20 && ids[2] == 12);
    add_to(bank, 6, 21);
    ck_assert_int_eq(tocsin_bank_classes(bank, NULL, ids, 3), TOCSIN_OK);
    ck_assert(ids[0] == 21 && ids[1] == 20 && ids[2] == 12);
    ck_assert_uint_eq(classes_info(bank).displaced, 2);
    ck_assert_uint_eq(classes_info(bank).without, 0);

    add_to(bank, 7, 22);
    ck_assert_int_eq(tocsin_bank_class_of(bank, tocsin_bank_find(bank, 7), &class_id),
                     TOCSIN_INFO_IGNORED);
    ck_assert_uint_eq(classes_info(bank).classes, 3);
    ck_assert_uint_eq(classes_info(bank).without, 1);
    ck_assert_uint_eq(classes_info(bank).displaced, 2);
    add_to(bank, 8, 12);
    ck_assert_uint_eq(class_info(bank, 12).members, 2);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

START_TEST(a_forgotten_class_leaves_its_series_as_they_are)
{
    tocsin_spec *spec = specs_compile("ewma | tail | alarm budget=1/hour");
    tocsin_bank *bank = classes_bank(spec, CLASSES), *same = classes_bank(spec, CLASSES);
    population p = population_of(1);
    driver drivers[] = {{.bank = bank}, {.bank = same}};
    unsigned char *a = malloc(spec->state_size), *b = malloc(spec->state_size);
    uint64_t class_id;

    require(a && b, "out of memory");
    population_live(&p, drivers, 2, 200, 0.01);
    ck_assert(class_info(bank, 1).members > 0);
    ck_assert_int_eq(tocsin_bank_class_forget(bank, 1), TOCSIN_OK);
    ck_assert_uint_eq(classes_info(bank).classes, CLASSES - 1);
    for (uint32_t slot = 0; slot < tocsin_bank_slots(bank); slot++) {
        const int status = tocsin_bank_class_of(same, slot, &class_id);

        ck_assert_int_eq(status, TOCSIN_OK);
        ck_assert_int_eq(tocsin_bank_class_of(bank, slot, &class_id),
                         class_id == 1 ? TOCSIN_INFO_IGNORED : TOCSIN_OK);
        tocsin__bank_read(bank, slot, a);
        tocsin__bank_read(same, slot, b);
        require(memcmp(a, b, spec->state_size) == 0, "slot %u", slot);
    }
    add_to(bank, 1000, 1);
    ck_assert_uint_eq(class_info(bank, 1).members, 1);
    ck_assert_uint_eq(class_info(bank, 1).left, 0);
    ck_assert(isnan(class_info(bank, 1).limit));
    population_live(&p, &drivers[1], 1, 50, 0.05);
    free(a);
    free(b);
    tocsin_bank_free(bank);
    tocsin_bank_free(same);
    tocsin_spec_free(spec);
}
END_TEST

/* ---- Starting ------------------------------------------------------------------------------ */

/* The first of a class has nobody to learn from; a series without a class never has. */
START_TEST(without_a_pool_nothing_changes)
{
    specs list = specs_few();

    for (size_t i = 0; i < list.count; i++) {
        tocsin_spec *spec = specs_compile(list.text[i]);
        tocsin_bank *bank = classes_bank(spec, 4);
        unsigned char *state = malloc(spec->state_size), *fresh = malloc(spec->state_size);
        tocsin_detector *alone;
        input in;

        require(state && fresh, "out of memory");
        tocsin__pipeline_init(spec, fresh);
        tocsin__bank_read(bank, add_to(bank, 1, 1), state);
        require(memcmp(state, fresh, spec->state_size) == 0, "%s", list.text[i]);

        /* Beside members that teach and start, a series of no class is a detector's equal. */
        banks_add(bank, 2);
        require(tocsin_detector_create(&alone, spec, NULL) == TOCSIN_OK, "no detector");
        input_make(&in, INPUT_NOISE, i);
        for (size_t k = 0; k < INPUT_POINTS; k++) {
            const tocsin_point points[] = {{100 + k / 60, in.time[k], in.value[k]},
                                           {2, in.time[k], in.value[k]}};
            tocsin_verdict expected, verdicts[2];

            add_to(bank, 100 + k / 60, 1);
            if (k % 60 == 59)
                tocsin_bank_remove(bank, tocsin_bank_find(bank, 100 + k / 60 - 1));
            tocsin_bank_push_ids(bank, points, 2, TOCSIN_LEARN_AND_SCORE, NULL, verdicts,
                                 sizeof verdicts[0]);
            tocsin_detector_push(alone, in.time[k], in.value[k], TOCSIN_LEARN_AND_SCORE, &expected,
                                 sizeof expected);
            assert_same_verdict(&verdicts[1], &expected, list.text[i]);
        }
        tocsin_detector_free(alone);
        free(state);
        free(fresh);
        tocsin_bank_free(bank);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* A week's budget is out of reach of an hour's life; with a pool there is a limit, and a
 * score, from the first point that the detector reads. */
START_TEST(a_new_series_has_a_limit_at_once)
{
    tocsin_spec *spec = specs_compile("ewma | tail | alarm budget=1/week");
    tocsin_bank *bank = classes_bank(spec, CLASSES);
    population p = population_of(2);
    driver d = {.bank = bank};
    tocsin_verdict verdict;
    tocsin_class_info info;

    population_live(&p, &d, 1, 600, 1.0 / 60);
    info = class_info(bank, 1);
    ck_assert_uint_gt(info.left, 100);
    ck_assert(info.limit > 3 && info.limit < 10);       /* Gaussian: once a week is at 4 */
    ck_assert(fabs(info.step - 60) < 1);
    ck_assert(info.history > 0.8 * 600 * 60 * PODS / CLASSES * (60.0 - 32) / 60 &&
              info.history < 600 * 60 * PODS / CLASSES);
    ck_assert(fabs(info.level - 200) < 5);

    add_to(bank, 100000, 1);
    for (int i = 0; i < 40; i++) {
        const tocsin_point point = {100000, p.time + (i + 1) * TOCSIN_MINUTE,
                                    200 + 5 * rng_normal(&p.rng)};

        tocsin_bank_push_ids(bank, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, &verdict,
                             sizeof verdict);
        if (!isnan(verdict.raw))
            require(!isnan(verdict.score) && !isnan(verdict.upper) &&
                        !(verdict.flags & (TOCSIN_FLAG_WARMING | TOCSIN_FLAG_SHORT_HISTORY)),
                    "point %d", i);
    }
    ck_assert(!isnan(verdict.score));
    value_at(bank, 100000, p.time + TOCSIN_HOUR, 200 + 5 * 12);
    ck_assert_uint_eq(banks_last(bank).started, 1);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

/* Levels far apart are not shared; alike ones are. */
START_TEST(levels_are_shared_as_far_as_they_are_alike)
{
    tocsin_spec *spec = specs_compile("ewma | tail");

    for (int unlike = 0; unlike < 2; unlike++) {
        tocsin_bank *bank = classes_bank(spec, 1);
        rng r = rng_seeded(5);
        tocsin_detector *copy;
        tocsin_explanation said;
        uint32_t slot;

        for (uint64_t id = 0; id < 40; id++) {
            const double level = unlike ? 1000 * rng_uniform(&r) : 500;

            slot = add_to(bank, id, 1);
            for (int i = 0; i < 300; i++)
                value_at(bank, id, START + i * TOCSIN_MINUTE, level + rng_normal(&r));
            ck_assert_int_eq(tocsin_bank_remove(bank, slot), TOCSIN_OK);
        }
        slot = add_to(bank, 99, 1);
        ck_assert_int_eq(tocsin_detector_create(&copy, spec, NULL), TOCSIN_OK);
        ck_assert_int_eq(tocsin_bank_copy_out(bank, slot, copy), TOCSIN_OK);
        said.struct_size = sizeof said;
        ck_assert_int_eq(tocsin_detector_explain(copy, &said), TOCSIN_OK);
        ck_assert(unlike ? isnan(said.level) : fabs(said.level - 500) < 1);
        ck_assert(unlike ? isnan(class_info(bank, 1).level)
                         : class_info(bank, 1).level == said.level);
        ck_assert_uint_eq(said.points, 0);
        tocsin_detector_free(copy);
        tocsin_bank_free(bank);
    }
    tocsin_spec_free(spec);
}
END_TEST

/* ---- Teaching ------------------------------------------------------------------------------ */

/* Removed, evicted because idle, evicted because the bank is full: all teach the same. */
START_TEST(whoever_leaves_teaches)
{
    tocsin_spec *spec = specs_compile("ewma | tail | alarm budget=1/day");
    tocsin_bank *banks[3];
    rng r = rng_seeded(9);
    uint64_t evicted;

    for (int b = 0; b < 3; b++) {
        tocsin_bank_options options = classes_options(1);

        options.max_series = 1;
        options.when_full = TOCSIN_FULL_EVICT;
        banks[b] = banks_create(spec, &options);
    }
    for (uint64_t id = 0; id < 30; id++) {
        for (int b = 0; b < 3; b++)
            add_to(banks[b], id, 7);
        for (int i = 0; i < 100; i++) {
            const double value = rng_normal(&r);

            for (int b = 0; b < 3; b++)
                value_at(banks[b], id, START + i * TOCSIN_MINUTE + (int64_t)id * TOCSIN_DAY, value);
        }
        ck_assert_int_eq(tocsin_bank_remove(banks[0], tocsin_bank_find(banks[0], id)), TOCSIN_OK);
        ck_assert_int_eq(tocsin_bank_evict(banks[1], INT64_MAX, &evicted), TOCSIN_OK);
        ck_assert_uint_eq(evicted, 1);
    }
    for (int b = 0; b < 3; b++)             /* the last one makes room too */
        add_to(banks[b], 1000, 7);
    ck_assert_uint_eq(class_info(banks[0], 7).left, 30);
    ck_assert_uint_eq(banks_info(banks[2]).evicted, 30);
    ck_assert(class_info(banks[0], 7).history > 30 * 60 * 60);
    assert_same_banks(banks[0], banks[1], 1);
    assert_same_banks(banks[0], banks[2], 1);
    for (int b = 0; b < 3; b++)
        tocsin_bank_free(banks[b]);
    tocsin_spec_free(spec);
}
END_TEST

/* The same calls give the same bits: however a tick is cut, and however states are stored. */
START_TEST(the_same_whoever_does_the_work)
{
    static const char *const texts[] = {
        "clock step=1m | ewma | tail | alarm budget=1/hour",
        "clock step=1m | holt-winters season=1h step=1m | tail | alarm budget=1/day",
        "ewma half-life=30m state=double | tail | alarm budget=1/hour ticket=10/hour",
        "ewma | raw",
    };
    tocsin_spec *spec = specs_compile(texts[_i]);
    tocsin_bank_options options = classes_options(CLASSES);
    population p = population_of(4);
    driver drivers[4];

    memset(drivers, 0, sizeof drivers);
    drivers[0].bank = banks_create(spec, &options);
    options.lanes = 3;
    drivers[1].bank = banks_create(spec, &options);
    drivers[1].lanes = 3;
    drivers[1].rng = rng_seeded(8);
    options.clock = TOCSIN_CLOCK_SHARED;
    drivers[2].bank = banks_create(spec, &options);
    drivers[3] = drivers[1];
    drivers[3].bank = banks_create(spec, &options);
    for (int round = 0; round < 8; round++) {
        population_live(&p, drivers, 4, 100, 0.01);
        assert_same_banks(drivers[0].bank, drivers[1].bank, 1);
        assert_same_banks(drivers[2].bank, drivers[3].bank, 1);
    }
    ck_assert_uint_gt(class_info(drivers[0].bank, 0).left, 50);
    assert_same_banks(drivers[0].bank, drivers[0].bank, 1);
    for (int d = 0; d < 4; d++)
        tocsin_bank_free(drivers[d].bank);
    tocsin_spec_free(spec);
}
END_TEST

/* ---- The calibrator's pool ------------------------------------------------------------------- */

typedef struct {
    tocsin_spec *spec;
    const tocsin__compiled_stage *tail;
    unsigned char *pool;
    unsigned char *state;       /* a series' */
} tail_bench;

static tail_bench tail_bench_of(const char *text)
{
    tail_bench b;

    b.spec = specs_compile(text);
    b.tail = b.spec->calibrate;
    b.pool = calloc(1, b.tail->stage->pool.size);
    b.state = calloc(1, b.spec->state_size);
    require(b.pool && b.state, "out of memory");
    b.tail->stage->pool_init(b.tail->constants, b.pool);
    return b;
}

static void tail_bench_free(tail_bench *b)
{
    free(b->pool);
    free(b->state);
    tocsin_spec_free(b->spec);
}

static tocsin__tail_state *tail_bench_state(tail_bench *b)
{
    return tocsin__state_of(b->tail, b->state);
}

static const tocsin__field *field_named(const tocsin__layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->field_count; i++)
        if (strcmp(layout->fields[i].name, name) == 0)
            return &layout->fields[i];
    ck_abort_msg("no field '%s'", name);
    return NULL;
}

static void *pool_field(tail_bench *b, const char *name)
{
    return b->pool + field_named(&b->tail->stage->pool, name)->offset;
}

static double pool_number(tail_bench *b, const char *name)
{
    double value;

    memcpy(&value, pool_field(b, name), sizeof value);
    return value;
}

static void push_one(tail_bench *b, int64_t time, double value)
{
    tocsin__outcome outcome;

    tocsin__outcome_init(&outcome);
    outcome.point.time = time;
    outcome.point.value = value;
    tocsin__pipeline_push(b->spec, b->state, NULL, TOCSIN_LEARN_AND_SCORE, &outcome);
}

/* All blocks' time, ns. */
static double tail_time(const tocsin__tail_state *s)
{
    return s->history * tocsin__tail_step(s);
}

/* Whenever a series is visited, and whatever its ring does in between, each of its blocks is taught
 * once: as much time as it has lived, but for the odd half of a block at each doubling. */
START_TEST(no_block_is_taught_twice)
{
    static const int visits[] = {1, 2, 7, 16, 61, 128, 200};
    const int every = visits[_i];
    tail_bench b = tail_bench_of("clock step=1m | ewma | tail | alarm budget=1/day");
    const tocsin__stage *stage = b.tail->stage;
    rng r = rng_seeded(11);
    uint16_t mark;
    double skipped = 0;
    uint32_t length = 0;

    tocsin__pipeline_init(b.spec, b.state);
    mark = stage->pool_mark(b.tail->constants, tail_bench_state(&b));
    for (int i = 0; i < 40000; i++) {
        const tocsin__tail_state *s = tail_bench_state(&b);

        push_one(&b, START + i * TOCSIN_MINUTE, rng_normal(&r));
        if (s->length != length)
            skipped += (double)s->length * tocsin__tail_step(s);
        length = s->length;
        if (i % every == every - 1) {
            stage->pool_teach(b.tail->constants, b.pool, s, mark, START + i * TOCSIN_MINUTE, 0);
            mark = stage->pool_mark(b.tail->constants, s);
            require(pool_number(&b, "history") <= tail_time(s) * (1 + 1e-9), "point %d", i);
            require(pool_number(&b, "history") >= tail_time(s) - skipped - 1, "point %d", i);
        }
    }
    ck_assert_uint_eq(length, 128);     /* 3 hours hold it, and not 256 */
    stage->pool_teach(b.tail->constants, b.pool, tail_bench_state(&b), mark, START, 1);
    ck_assert(pool_number(&b, "history") >
              0.95 * (tail_time(tail_bench_state(&b)) + (double)tail_bench_state(&b)->elapsed));
    tail_bench_free(&b);
}
END_TEST

static int by_code(const void *a, const void *b)
{
    const uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;

    return (x < y) - (x > y);
}

/* A new member's ring is the pool's quantiles, and its high blocks are no neighbours. */
START_TEST(a_ring_of_quantiles)
{
    tail_bench b = tail_bench_of("clock step=1m | ewma | tail | alarm budget=1/day");
    const tocsin__field *levels = field_named(&b.tail->stage->pool, "level");
    rng r = rng_seeded((uint64_t)_i);

    ck_assert_uint_eq(levels->count, 256);
    for (uint16_t n = 0; n <= 256; n = (uint16_t)(n + 1 + rng_below(&r, 9))) {
        uint16_t sorted[256], ring[32], *level = pool_field(&b, "level");
        const double block = 1.0e13;
        tocsin__tail_state *s;

        memcpy(pool_field(&b, "count"), &n, sizeof n);
        memcpy(pool_field(&b, "block"), &block, sizeof block);
        memcpy(pool_field(&b, "length"), &block, sizeof block);
        memcpy(pool_field(&b, "history"), &(double){n * block}, sizeof(double));
        for (size_t i = 0; i < 256; i++)
            level[i] = (uint16_t)(2000 * rng_uniform(&r) * rng_uniform(&r));
        memcpy(sorted, level, sizeof sorted);
        qsort(sorted, n, sizeof sorted[0], by_code);

        tocsin__pipeline_init(b.spec, b.state);
        s = tail_bench_state(&b);
        b.tail->stage->pool_start(b.tail->constants, b.pool, s);
        if (n < 8) {
            ck_assert_uint_eq(s->maxima.count, 0);
            ck_assert(isnan(s->limit[0]));
            continue;
        }
        ck_assert(!isnan(s->limit[0]));
        ck_assert_uint_eq(s->maxima.count, n < 32 ? n : 32);
        ck_assert_uint_eq(s->maxima.first, 0);
        if (n <= 32) {
            ck_assert_mem_eq(s->maxima.level, level, n * sizeof *level);
            continue;
        }
        memcpy(ring, s->maxima.level, sizeof ring);
        qsort(ring, 32, sizeof ring[0], by_code);
        for (int j = 1; j <= 32; j++) {
            const double rank = j * (n + 1.0) / 33 - 1;
            const int below = (int)floor(rank);
            const double part = rank - below;
            const int next = below + 1 < n ? below + 1 : below;
            const double expected = sorted[below] + part * (sorted[next] - (double)sorted[below]);

            require(ring[j - 1] >= expected - 1e-6 && ring[j - 1] < expected + 1 + 1e-6,
                    "%u blocks, rank %d: %u is not %g", n, j, ring[j - 1], expected);
        }
        for (int i = 0; i + 1 < 32; i++)
            ck_assert(s->maxima.level[i] <= ring[7] || s->maxima.level[i + 1] <= ring[7]);
    }
    tail_bench_free(&b);
}
END_TEST

/* The pool of many short lives says what one long life would: the limit at a day, out of lives
 * that are watched for two hours, is that of one detector over months. */
START_TEST(lives_add_up)
{
    tail_bench b = tail_bench_of(
        "clock step=1m | ewma warmup=200 half-life=20p | tail | alarm budget=1/day");
    const tocsin__stage *stage = b.tail->stage;
    rng r = rng_seeded(17);
    double limit = 0;

    /* One long life; the mean over its last weeks, for one ring alone is a noisy witness. */
    tocsin__pipeline_init(b.spec, b.state);
    for (int i = 0; i < 200 * 1440; i++) {
        push_one(&b, START + i * TOCSIN_MINUTE, rng_normal(&r));
        if (i >= 40 * 1440 && i % 1440 == 0)
            limit += tail_bench_state(&b)->limit[0] / 160;
    }
    for (int life = 0; life < 3000; life++) {
        tocsin__pipeline_init(b.spec, b.state);
        const uint16_t mark = stage->pool_mark(b.tail->constants, tail_bench_state(&b));

        for (int i = 0; i < 320; i++)
            push_one(&b, START + (life + i) * TOCSIN_MINUTE, rng_normal(&r));
        stage->pool_teach(b.tail->constants, b.pool, tail_bench_state(&b), mark,
                          START + (life + 320) * TOCSIN_MINUTE, 1);
    }
    tocsin__pipeline_init(b.spec, b.state);
    stage->pool_start(b.tail->constants, b.pool, tail_bench_state(&b));
    ck_assert_msg(fabs(tail_bench_state(&b)->limit[0] / limit - 1) < 0.1, "%g beside %g",
                  tail_bench_state(&b)->limit[0], limit);
    tail_bench_free(&b);
}
END_TEST

/* ---- What it must stand ----------------------------------------------------------------- */

/* One member in sixty gone mad does not deafen the class. */
START_TEST(a_bad_member_does_not_poison_its_class)
{
    tocsin_spec *spec = specs_compile("ewma | tail | alarm budget=1/day");
    tocsin_bank *good = classes_bank(spec, CLASSES), *bad = classes_bank(spec, CLASSES);
    population p = population_of(21), q = population_of(21);
    driver d = {.bank = good}, e = {.bank = bad};
    rng r = rng_seeded(22);

    for (int minute = 0; minute < 1500; minute++) {
        population_step(&p, &d, 1, 1.0 / 200);
        population_step(&q, &e, 1, 1.0 / 200);
        /* One more in class 1, replaced every two hours: zeroes, and values from nowhere. */
        if (minute % 120 == 119)
            tocsin_bank_remove(bad, tocsin_bank_find(bad, 1000000));
        if (minute % 120 != 119) {
            add_to(bad, 1000000, 1);
            value_at(bad, 1000000, q.time + 30 * TOCSIN_SECOND,
                     rng_below(&r, 40) ? rng_normal(&r) : 1e9 * rng_normal(&r));
        }
    }
    ck_assert_msg(class_info(bad, 1).limit < 1.5 * class_info(good, 1).limit, "%g after %g",
                  class_info(bad, 1).limit, class_info(good, 1).limit);
    ck_assert_msg(fabs(class_info(bad, 1).level - 200) < 20, "level %g beside %g",
                  class_info(bad, 1).level, class_info(good, 1).level);
    tocsin_bank_free(good);
    tocsin_bank_free(bad);
    tocsin_spec_free(spec);
}
END_TEST

/* Tails become heavy, and then light again: two days later the class has followed. */
START_TEST(a_class_that_changes_is_followed)
{
    tocsin_spec *spec = specs_compile("ewma | tail | alarm budget=1/hour");
    tocsin_bank *bank = classes_bank(spec, CLASSES);
    population p = population_of(31);
    driver d = {.bank = bank};
    double light, heavy, again;

    population_live(&p, &d, 1, 1500, 1.0 / 120);
    light = class_info(bank, 2).limit;
    p.heavy = 0.5;
    population_live(&p, &d, 1, 2880, 1.0 / 120);
    heavy = class_info(bank, 2).limit;
    p.heavy = 0;
    population_live(&p, &d, 1, 2880, 1.0 / 120);
    again = class_info(bank, 2).limit;
    ck_assert_msg(heavy > 1.3 * light, "%g after %g", heavy, light);
    ck_assert_msg(fabs(again / light - 1) < 0.15, "%g, %g, %g", light, heavy, again);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

/* Every value within the bounds of its table. */
static void assert_within_bounds(const tocsin__layout *layout, const tocsin__shape *shape,
                                 const void *state, const char *where)
{
    const size_t size = tocsin__layout_encoded_size(layout, shape);
    uint8_t *bytes = malloc(size);
    const char *name = NULL;
    size_t at = 0;

    require(bytes != NULL, "out of memory");
    tocsin__layout_encode(layout, shape, state, bytes);
    require(tocsin__layout_decode(layout, shape, NULL, bytes, size, &at, &name) == TOCSIN_OK,
            "%s: '%s' is out of bounds", where, name ? name : "?");
    free(bytes);
}

static void assert_bank_within_bounds(const tocsin_bank *bank, const char *where)
{
    static const tocsin__shape plain;
    const tocsin_spec *spec = bank->spec;
    unsigned char *row = malloc(tocsin__classes_row_size(spec) + spec->state_size);

    require(row != NULL, "out of memory");
    for (uint32_t slot = 0; slot < bank->slots; slot++) {
        if (!tocsin__bank_has(bank, slot))
            continue;
        tocsin__bank_read(bank, slot, row);
        for (size_t i = 0; i < spec->stage_count; i++)
            assert_within_bounds(&spec->stages[i].stage->layout, &spec->stages[i].shape,
                                 tocsin__state_of(&spec->stages[i], row), where);
    }
    for (uint32_t c = 0; c < tocsin__classes_count(bank); c++) {
        const unsigned char *pool = row + sizeof(tocsin__class);

        tocsin__classes_read(bank, c, row);
        for (size_t i = 0; i < spec->stage_count; i++) {
            const tocsin__layout *layout = &spec->stages[i].stage->pool;

            if (layout->size)
                assert_within_bounds(layout, &plain, pool, where);
            pool += layout->size;
        }
    }
    free(row);
}

/* The worst inputs there are, in one class, over every stage. */
START_TEST(any_input_may_teach)
{
    specs list = specs_few();

    for (size_t i = 0; i < list.count; i++) {
        tocsin_spec *spec = specs_compile(list.text[i]);
        tocsin_bank *bank = classes_bank(spec, 2);

        for (int round = 0; round < 2; round++) {
            for (int kind = 0; kind < INPUT_KINDS; kind++) {
                const uint64_t id = (uint64_t)(1000 * round + kind);
                input in;

                input_make(&in, kind, i + (uint64_t)_i);
                add_to(bank, id, (uint64_t)kind % 2);
                for (size_t k = 0; k < INPUT_POINTS; k++) {
                    const tocsin_point point = {id, in.time[k], in.value[k]};

                    tocsin_bank_push_ids(bank, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0);
                }
            }
            assert_bank_within_bounds(bank, list.text[i]);
            tocsin_bank_evict(bank, INT64_MAX, NULL);
        }
        assert_bank_within_bounds(bank, list.text[i]);
        tocsin_bank_free(bank);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* Fill a struct with numbers within its table's bounds, as a forged snapshot could. */
static void forge(const tocsin__layout *layout, const tocsin__shape *shape, void *state, rng *r)
{
    for (size_t i = 0; i < layout->field_count; i++) {
        const tocsin__field *f = &layout->fields[i];

        for (uint32_t k = 0; k < f->count && !f->is_array; k++) {
            unsigned char *at = (unsigned char *)state + f->offset;
            const double low = f->min, high = f->max < 1e300 ? f->max : 1e300;
            double x = rng_below(r, 3) == 0 ? low : rng_below(r, 2) ? high : low + 1;
            int64_t i64;
            uint64_t u64;
            uint32_t u32;
            uint16_t u16;

            if (rng_below(r, 2))
                x = low + (high - low) * rng_uniform(r) * rng_uniform(r);
            if (x < low || x > high)
                x = low;
            switch (f->type) {
            case TOCSIN__I64:
                i64 = x >= 9.2e18 ? INT64_MAX : x <= -9.2e18 ? INT64_MIN + 1 : (int64_t)x;
                memcpy(at + k * 8, &i64, 8);
                break;
            case TOCSIN__U64:
                u64 = x >= 1.8e19 ? UINT64_MAX : (uint64_t)x;
                memcpy(at + k * 8, &u64, 8);
                break;
            case TOCSIN__U32:
                u32 = (uint32_t)x;
                memcpy(at + k * 4, &u32, 4);
                break;
            case TOCSIN__U16:
                u16 = (uint16_t)x;
                memcpy(at + k * 2, &u16, 2);
                break;
            case TOCSIN__U8:
                at[k] = (uint8_t)x;
                break;
            case TOCSIN__REAL:
                x = tocsin__keep(shape->precision, x);
                x = x > f->max || x < f->min ? f->min : x;
                /* fall through */
            default:
                memcpy(at + k * 8, &x, 8);
            }
        }
    }
}

START_TEST(forged_pools_and_states)
{
    static const char *const texts[] = {"ewma | tail | alarm budget=1/week ticket=1/hour",
                                        "clock step=1ns | ewma state=double | tail | alarm",
                                        "clock step=10000d | ewma | tail | alarm threshold=3"};
    static const tocsin__shape plain;
    tocsin_spec *spec = specs_compile(texts[_i]);
    unsigned char *pool = malloc(65536), *state = malloc(spec->state_size);
    rng r = rng_seeded((uint64_t)_i);

    require(pool && state, "out of memory");
    for (int trial = 0; trial < 4000; trial++)
        for (size_t i = 0; i < spec->stage_count; i++) {
            const tocsin__compiled_stage *c = &spec->stages[i];
            const tocsin__stage *stage = c->stage;

            if (!stage->pool.size)
                continue;
            tocsin__pipeline_init(spec, state);
            memset(pool, 0, stage->pool.size);
            forge(&stage->pool, &plain, pool, &r);
            stage->pool_start(c->constants, pool, tocsin__state_of(c, state));
            assert_within_bounds(&stage->layout, &c->shape, tocsin__state_of(c, state), "started");
            for (int lesson = 0; lesson < 4; lesson++) {
                forge(&stage->layout, &c->shape, tocsin__state_of(c, state), &r);
                stage->pool_teach(c->constants, pool, tocsin__state_of(c, state),
                                  (uint16_t)rng_u64(&r), (int64_t)rng_u64(&r),
                                  (int)rng_below(&r, 2));
                if (stage->pool_mark)
                    stage->pool_mark(c->constants, tocsin__state_of(c, state));
                assert_within_bounds(&stage->pool, &plain, pool, "taught");
            }
        }
    free(pool);
    free(state);
    tocsin_spec_free(spec);
}
END_TEST

/* ---- Copies and rows -------------------------------------------------------------------- */

/* What comes out of another bank was taught there, or by nobody here. */
START_TEST(a_replaced_state_is_not_taught)
{
    tocsin_spec *spec = specs_compile("clock step=1m | ewma | tail | alarm budget=1/day");
    tocsin_bank *bank = classes_bank(spec, 1);
    const uint32_t slot = add_to(bank, 1, 1);
    tocsin_detector *old;
    rng r = rng_seeded(1);

    ck_assert_int_eq(tocsin_detector_create(&old, spec, NULL), TOCSIN_OK);
    for (int i = 0; i < 2000; i++)
        tocsin_detector_push(old, START + i * TOCSIN_MINUTE, rng_normal(&r), TOCSIN_LEARN_AND_SCORE,
                             NULL, 0);
    ck_assert_int_eq(tocsin_bank_copy_in(bank, slot, old), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_remove(bank, slot), TOCSIN_OK);
    ck_assert_uint_eq(class_info(bank, 1).left, 1);
    ck_assert(isnan(class_info(bank, 1).limit));
    tocsin_detector_free(old);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

/* Classes and members carried over by rows: from then on both banks are the same. */
START_TEST(rows_carry_everything)
{
    tocsin_spec *spec = specs_compile("ewma | tail | alarm budget=1/hour");
    tocsin_bank *from = classes_bank(spec, 5), *to = classes_bank(spec, 5);
    unsigned char *row = malloc(tocsin__classes_row_size(spec) + spec->state_size);
    population p = population_of(41);
    driver d = {.bank = from};

    require(row != NULL, "out of memory");
    population_live(&p, &d, 1, 300, 0.01);
    for (uint32_t i = 0; i < tocsin__classes_count(from); i++) {
        tocsin__classes_read(from, i, row);
        ck_assert_int_eq(tocsin__classes_merge(to, row, i, 0), TOCSIN__CLASS_ADDED);
        ck_assert_uint_eq(tocsin__classes_at(to, i)->members, 0);
    }
    for (uint32_t slot = 0; slot < from->slots; slot++) {
        const uint32_t here = banks_add(to, tocsin__bank_key(from, slot));

        ck_assert_uint_eq(here, slot);
        tocsin__bank_read(from, slot, row);
        tocsin__bank_put(to, slot, row);
        tocsin__classes_assign(to, slot, tocsin__classes_of(from, slot),
                               tocsin__classes_mark(from, slot));
    }
    assert_same_banks(from, to, 1);
    for (uint32_t slot = 0; slot < from->slots; slot += 2) {    /* no round: the hands differ */
        ck_assert_int_eq(tocsin_bank_remove(from, slot), TOCSIN_OK);
        ck_assert_int_eq(tocsin_bank_remove(to, slot), TOCSIN_OK);
    }
    for (uint64_t id = 0; id < 10; id++)
        ck_assert_uint_eq(add_to(from, 5000 + id, id % CLASSES),
                          add_to(to, 5000 + id, id % CLASSES));
    assert_same_banks(from, to, 1);
    free(row);
    tocsin_bank_free(from);
    tocsin_bank_free(to);
    tocsin_spec_free(spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("classes");
    TCase *tcase = suite_case(s, "arguments and memory");

    tcase_add_test(tcase, bad_arguments);
    tcase_add_test(tcase, memory_is_told_to_the_byte);
    tcase_add_test(tcase, every_allocation_may_fail);

    tcase = suite_case(s, "members");
    tcase_add_test(tcase, members_are_counted);
    tcase_add_test(tcase, a_full_table_makes_room);
    tcase_add_test(tcase, a_forgotten_class_leaves_its_series_as_they_are);

    tcase = suite_case(s, "starting and teaching");
    tcase_add_test(tcase, without_a_pool_nothing_changes);
    tcase_add_test(tcase, a_new_series_has_a_limit_at_once);
    tcase_add_test(tcase, levels_are_shared_as_far_as_they_are_alike);
    tcase_add_test(tcase, whoever_leaves_teaches);
    tcase_add_loop_test(tcase, the_same_whoever_does_the_work, 0, 4);
    tcase_add_loop_test(tcase, no_block_is_taught_twice, 0, 7);
    tcase_add_loop_test(tcase, a_ring_of_quantiles, 0, 5);
    tcase_add_test(tcase, lives_add_up);

    tcase = suite_case(s, "what it must stand");
    tcase_add_test(tcase, a_bad_member_does_not_poison_its_class);
    tcase_add_test(tcase, a_class_that_changes_is_followed);
    tcase_add_loop_test(tcase, any_input_may_teach, 0, 2);
    tcase_add_loop_test(tcase, forged_pools_and_states, 0, 3);

    tcase = suite_case(s, "copies and rows");
    tcase_add_test(tcase, a_replaced_state_is_not_taught);
    tcase_add_test(tcase, rows_carry_everything);
    return s;
}

TOCSIN_TEST_MAIN(suite)
