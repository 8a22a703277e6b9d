/* Banks through the public calls, promise by promise, and the table of ids beside a naive one.
 * That a bank's series are a detector's equals is in tests/contract. */
#include <math.h>

#include "../support/banks.h"
#include "../support/counting_allocator.h"
#include "../support/inputs.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"
#include "bank/ids.h"
#include "bank/tiles.h"

#define START INPUT_START

static tocsin_spec *spec;
static tocsin_bank *bank;
static counting_allocator counting;
static tocsin_allocator allocator;

static void use_options(const char *text, const tocsin_bank_options *options)
{
    spec = specs_compile(text);
    allocator = counting_start(&counting);
    ck_assert_int_eq(tocsin_bank_create(&bank, spec, options, &allocator), TOCSIN_OK);
}

static void use(const char *text)
{
    use_options(text, NULL);
}

static void add_many(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        banks_add(bank, banks_id(i));
}

/* One value for all, or NULL for silence. */
static void tick_all(int64_t time, const double *value)
{
    const uint32_t slots = tocsin_bank_slots(bank);
    double *values = malloc((slots + 1) * sizeof *values);
    tocsin_tick tick = banks_tick(bank, time, value ? values : NULL);

    ck_assert_ptr_nonnull(values);
    for (uint32_t i = 0; i < slots; i++)
        values[i] = value ? *value : 0;
    ck_assert_int_eq(tocsin_bank_tick(bank, &tick), TOCSIN_OK);
    free(values);
}

static void teardown(void)
{
    tocsin_bank_free(bank);
    ck_assert_uint_eq(counting.live, 0);
    tocsin_spec_free(spec);
    bank = NULL;                /* some tests have banks of their own */
    spec = NULL;
}

static size_t live_bytes(void)
{
    size_t bytes = 0;

    for (size_t i = 0; i < COUNTING_LIVE_MAX; i++)
        bytes += counting.block[i].ptr ? counting.block[i].size : 0;
    return bytes;
}

/* ---- The table of ids -------------------------------------------------------------- */

/* Random additions and removals beside an array; few ids and a full table, so that the
 * runs of cells are long and go round the end. */
START_TEST(ids_beside_an_array)
{
    enum { IDS = 60 };
    static tocsin__ids_line lines[IDS / 7 * 2 + 2];
    uint32_t naive[2 * IDS], count = 0;
    rng r = rng_seeded((uint64_t)_i);
    tocsin__ids ids;

    ck_assert_uint_eq(tocsin__ids_lines(IDS), sizeof lines / sizeof lines[0]);
    tocsin__ids_init(&ids, lines, tocsin__ids_lines(IDS), (uint64_t)_i);
    for (size_t i = 0; i < 2 * IDS; i++)
        naive[i] = TOCSIN_SLOT_NONE;
    for (int step = 0; step < 20000; step++) {
        const size_t i = rng_below(&r, 2 * IDS);
        /* Some differ in their upper half alone. */
        const uint64_t id = i % 2 ? (uint64_t)i << 32 : i;

        require(tocsin__ids_find(&ids, id) == naive[i], "id %zu at step %d", i, step);
        if (naive[i] != TOCSIN_SLOT_NONE) {
            tocsin__ids_remove(&ids, id);
            naive[i] = TOCSIN_SLOT_NONE;
            count--;
        } else if (count < IDS) {
            naive[i] = (uint32_t)rng_below(&r, 1000);
            tocsin__ids_add(&ids, id, naive[i]);
            count++;
        }
    }
    for (size_t i = 0; i < 2 * IDS; i++)
        ck_assert_uint_eq(tocsin__ids_find(&ids, i % 2 ? (uint64_t)i << 32 : i), naive[i]);
}
END_TEST

START_TEST(ids_reach_all_lines_whatever_the_seed)
{
    tocsin__ids ids;

    for (uint64_t seed = 0; seed < 5; seed++) {
        uint32_t seen[100] = {0};

        tocsin__ids_init(&ids, NULL, 0, seed);
        ids.count = 100;
        for (uint64_t id = 0; id < 100000; id++) {
            const uint32_t home = tocsin__ids_home(&ids, id);

            require(home < 100, "home %u", home);
            seen[home]++;
        }
        /* 1000 each, give or take six standard deviations. */
        for (size_t i = 0; i < 100; i++)
            ck_assert_msg(seen[i] > 800 && seen[i] < 1200, "line %zu: %u", i, seen[i]);
    }
}
END_TEST

/* ---- Life and memory ------------------------------------------------------------------ */

START_TEST(bad_arguments)
{
    tocsin_bank_options options = banks_options();
    tocsin_bank *none = (tocsin_bank *)&options;
    uint64_t id;

    use("");
    ck_assert_int_eq(tocsin_bank_create(NULL, spec, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_create(&none, NULL, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_ptr_null(none);
#define REFUSED(field, value)                                                            \
    options = banks_options();                                                           \
    options.field = (value);                                                             \
    ck_assert_int_eq(tocsin_bank_create(&none, spec, &options, NULL), TOCSIN_ERROR_ARGUMENT); \
    ck_assert_ptr_null(none);                                                            \
    ck_assert_uint_eq(tocsin_bank_size(spec, &options, 1), 0)
    REFUSED(struct_size, sizeof options - 1);
    REFUSED(when_full, 2);
    REFUSED(max_series, (uint64_t)TOCSIN_BANK_SERIES_MAX + 1);
    REFUSED(alarms_per_round, 65537);
    REFUSED(lanes, 1025);
#undef REFUSED
    options = banks_options();
    options.max_series = 10;
    ck_assert_uint_gt(tocsin_bank_size(spec, &options, 10), 0);
    ck_assert_uint_eq(tocsin_bank_size(spec, &options, 11), 0);
    ck_assert_uint_eq(tocsin_bank_size(NULL, &options, 1), 0);
    ck_assert_uint_eq(tocsin_bank_series_size(NULL, NULL), 0);

    ck_assert_ptr_null(tocsin_bank_spec(NULL));
    ck_assert_ptr_eq(tocsin_bank_spec(bank), spec);
    ck_assert_uint_eq(tocsin_bank_slots(NULL), 0);
    ck_assert_uint_eq(tocsin_bank_find(NULL, 1), TOCSIN_SLOT_NONE);
    ck_assert_int_eq(tocsin_bank_add(NULL, 1, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_id(bank, 0, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_id(bank, 0, &id), TOCSIN_ERROR_RANGE);
    ck_assert_int_eq(tocsin_bank_id(bank, TOCSIN_SLOT_NONE, &id), TOCSIN_ERROR_RANGE);
    ck_assert_int_eq(tocsin_bank_remove(NULL, 0), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_remove(bank, 0), TOCSIN_ERROR_RANGE);
    ck_assert_int_eq(tocsin_bank_remove(bank, TOCSIN_SLOT_NONE), TOCSIN_ERROR_RANGE);
    ck_assert_int_eq(tocsin_bank_evict(NULL, 0, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_evict(bank, TOCSIN_TIME_NONE, NULL), TOCSIN_ERROR_TIME);
    ck_assert_int_eq(tocsin_bank_reserve(NULL, 1), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_reserve(bank, (uint64_t)TOCSIN_BANK_SERIES_MAX + 1),
                     TOCSIN_ERROR_ARGUMENT);
    tocsin_bank_free(NULL);
}
END_TEST

/* What a bank was said to take is what it takes, and then it takes no more. */
START_TEST(memory_is_told_to_the_byte)
{
    static const uint64_t sizes[] = {0, 1, 63, 64, 65, 1000};
    specs list = specs_few();

    for (size_t i = 0; i < list.count; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            tocsin_bank_options options = banks_options();
            size_t calls;

            options.lanes = 1 + (uint32_t)k;
            options.alarms_per_round = 10 * (uint32_t)k;
            options.clock = k % 2 ? TOCSIN_CLOCK_SHARED : TOCSIN_CLOCK_OWN;
            options.ids = k % 3 ? TOCSIN_IDS_NONE : TOCSIN_IDS_KEPT;
            use_options(list.text[i], &options);
            ck_assert_int_eq(tocsin_bank_reserve(bank, sizes[k]), TOCSIN_OK);
            ck_assert_uint_eq(banks_info(bank).bytes, live_bytes());
            ck_assert_uint_eq(tocsin_bank_size(spec, &options, sizes[k]), live_bytes());
            calls = counting.calls;
            add_many(sizes[k]);
            ck_assert_uint_eq(counting.calls, calls);
            ck_assert_uint_ge(banks_info(bank).capacity, sizes[k]);
            teardown();
        }
    specs_free(&list);
}
END_TEST

START_TEST(series_size_is_the_slope)
{
    specs list = specs_few();

    for (size_t i = 0; i < 4 * list.count; i++) {
        const char *text = list.text[i / 4];
        tocsin_bank_options options = banks_options();

        options.clock = i % 2 ? TOCSIN_CLOCK_SHARED : TOCSIN_CLOCK_OWN;
        options.ids = i % 4 / 2 ? TOCSIN_IDS_NONE : TOCSIN_IDS_KEPT;
        spec = specs_compile(text);
        const double slope = (double)(tocsin_bank_size(spec, &options, 2000000) -
                                      tocsin_bank_size(spec, &options, 1000000)) / 1e6;
        const double told = (double)tocsin_bank_series_size(spec, &options);

        ck_assert_msg(told >= slope && told < slope + 2, "%s: %g, told %g", text, slope, told);
        if (options.clock == TOCSIN_CLOCK_OWN)
            ck_assert_double_ge(slope, (double)tocsin_spec_state_size(spec));
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

START_TEST(growing_by_itself_keeps_count_of_bytes)
{
    use("");
    for (uint64_t i = 0; i < 3000; i++) {
        banks_add(bank, banks_id(i));
        require(banks_info(bank).bytes == live_bytes(), "at %d", (int)i);
        require(banks_info(bank).capacity >= i + 1, "at %d", (int)i);
    }
    /* A quarter each time, and so a bounded surplus. */
    ck_assert_uint_lt(banks_info(bank).capacity, 3000 + 3000 / 4 + 2 * TOCSIN_BANK_TILE);
    for (uint64_t i = 0; i < 3000; i++)
        require(tocsin_bank_find(bank, banks_id(i)) == i, "series %d is lost", (int)i);
}
END_TEST

/* Whichever allocation fails, the bank is what it was, and goes on when there is memory again. */
START_TEST(every_allocation_may_fail)
{
    size_t failures = 0;

    spec = specs_compile("");
    allocator = counting_start(&counting);
    counting.fail_at = 1;
    ck_assert_int_eq(tocsin_bank_create(&bank, spec, NULL, &allocator), TOCSIN_ERROR_MEMORY);
    ck_assert_ptr_null(bank);
    ck_assert_int_eq(tocsin_bank_create(&bank, spec, NULL, &allocator), TOCSIN_OK);
    for (uint64_t i = 0; i < 500; i++)
        for (size_t ahead = 1;; ahead++) {
            const tocsin_bank_info before = banks_info(bank);
            uint32_t slot = 77;
            int status;

            counting.fail_at = counting.calls + ahead;
            status = i % 7 == 3 ? tocsin_bank_reserve(bank, before.capacity + 70)
                                : tocsin_bank_add(bank, banks_id(i), &slot);
            if (status == TOCSIN_OK)
                break;
            const tocsin_bank_info after = banks_info(bank);

            failures++;
            require(status == TOCSIN_ERROR_MEMORY, "%s", tocsin_status_name(status));
            require(slot == 77, "a slot was handed out");
            require(memcmp(&before, &after, sizeof before) == 0, "the bank has changed");
            require(live_bytes() == after.bytes, "bytes have leaked");
        }
    ck_assert_uint_gt(failures, 100);
}
END_TEST

/* ---- Series ------------------------------------------------------------------------------ */

/* Random additions and removals beside an array: ids, slots and counts. */
START_TEST(series_beside_an_array)
{
    enum { IDS = 700 };
    uint32_t slot_of[IDS];
    uint64_t added = 0, removed = 0, series = 0;
    rng r = rng_seeded(3);

    use("");
    for (size_t i = 0; i < IDS; i++)
        slot_of[i] = TOCSIN_SLOT_NONE;
    for (int step = 0; step < 20000; step++) {
        const size_t i = rng_below(&r, IDS);
        const uint64_t id = i < 5 ? UINT64_MAX - i : i * 64;

        if (rng_below(&r, 2)) {
            const uint32_t slot = banks_add(bank, id);

            if (slot_of[i] == TOCSIN_SLOT_NONE) {
                for (size_t k = 0; k < IDS; k++)
                    require(slot_of[k] != slot, "a slot for two");
                slot_of[i] = slot;
                added++;
                series++;
            }
            require(slot == slot_of[i], "another slot");
        } else if (slot_of[i] != TOCSIN_SLOT_NONE) {
            require(tocsin_bank_remove(bank, slot_of[i]) == TOCSIN_OK, "not removed");
            require(tocsin_bank_remove(bank, slot_of[i]) == TOCSIN_ERROR_RANGE, "removed twice");
            slot_of[i] = TOCSIN_SLOT_NONE;
            removed++;
            series--;
        }
        require(tocsin_bank_find(bank, id) == slot_of[i], "not found");
    }
    for (size_t i = 0; i < IDS; i++) {
        uint64_t id = 0;

        if (slot_of[i] == TOCSIN_SLOT_NONE)
            continue;
        ck_assert_int_eq(tocsin_bank_id(bank, slot_of[i], &id), TOCSIN_OK);
        ck_assert_uint_eq(id, i < 5 ? UINT64_MAX - i : i * 64);
    }
    const tocsin_bank_info info = banks_info(bank);

    ck_assert_uint_eq(info.added, added);
    ck_assert_uint_eq(info.removed, removed);
    ck_assert_uint_eq(info.series, series);
    ck_assert_uint_le(info.slots, IDS);
}
END_TEST

START_TEST(a_full_bank_refuses)
{
    tocsin_bank_options options = banks_options();
    uint32_t slot = 77;

    options.max_series = 3;
    use_options("", &options);
    add_many(3);
    ck_assert_int_eq(tocsin_bank_add(bank, 1, &slot), TOCSIN_ERROR_SPACE);
    ck_assert_uint_eq(slot, 77);
    ck_assert_uint_eq(banks_info(bank).refused, 1);
    ck_assert_uint_eq(banks_info(bank).series, 3);
    ck_assert_uint_eq(banks_info(bank).capacity, 3);
    ck_assert_uint_eq(banks_add(bank, banks_id(2)), 2);     /* the one that is there already */
    ck_assert_int_eq(tocsin_bank_remove(bank, 1), TOCSIN_OK);
    ck_assert_uint_eq(banks_add(bank, 1), 1);
}
END_TEST

/* Which series makes room, beside a walk over all of them. */
START_TEST(a_full_bank_evicts_the_longest_idle)
{
    enum { MAX = 300 };
    int64_t active[MAX], latest = TOCSIN_TIME_NONE, time = START;
    uint64_t id_of[MAX], evicted = 0;
    tocsin_bank_options options = banks_options();
    rng r = rng_seeded(5);

    options.max_series = MAX;
    options.when_full = TOCSIN_FULL_EVICT;
    use_options("ewma | raw", &options);
    for (uint64_t i = 0; i < MAX; i++) {
        id_of[i] = banks_id(i);
        active[banks_add(bank, id_of[i])] = latest;
    }
    for (uint64_t step = 0; step < 20000; step++) {
        const uint32_t slot = (uint32_t)rng_below(&r, MAX);

        if (rng_below(&r, 3)) {
            const tocsin_point point = {slot, ++time, rng_below(&r, 4) ? 1.0 : NAN};

            tocsin_bank_push_slots(bank, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0);
            if (!isnan(point.value))
                active[slot] = latest = time;
        } else {
            const uint64_t id = banks_id(MAX + step);
            int64_t longest = INT64_MAX;

            for (size_t i = 0; i < MAX; i++)
                longest = active[i] < longest ? active[i] : longest;
            const uint32_t taken = banks_add(bank, id);

            require(active[taken] == longest, "step %d: slot %u was not the longest idle",
                    (int)step, taken);
            require(tocsin_bank_find(bank, id_of[taken]) == TOCSIN_SLOT_NONE, "still there");
            active[taken] = latest;
            id_of[taken] = id;
            evicted++;
        }
    }
    ck_assert_uint_eq(banks_info(bank).evicted, evicted);
    ck_assert_uint_eq(banks_info(bank).series, MAX);
    ck_assert_int_eq(banks_info(bank).time, latest);
}
END_TEST

/* A state that is copied in may be older than every candidate. */
START_TEST(a_copied_series_may_be_the_longest_idle)
{
    tocsin_bank_options options = banks_options();
    tocsin_detector *old;

    options.max_series = 10;
    options.when_full = TOCSIN_FULL_EVICT;
    use_options("ewma | raw", &options);
    add_many(10);
    for (uint64_t i = 0; i < 10; i++) {
        const tocsin_point point = {i, START + (int64_t)i, 1};

        tocsin_bank_push_slots(bank, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0);
    }
    ck_assert_uint_eq(banks_add(bank, 1000), 0);
    old = specs_detector(spec);
    tocsin_detector_push(old, START - 1, 1, TOCSIN_LEARN_AND_SCORE, NULL, 0);
    ck_assert_int_eq(tocsin_bank_copy_in(bank, 7, old), TOCSIN_OK);
    tocsin_detector_free(old);
    ck_assert_uint_eq(banks_add(bank, 1001), 7);
    ck_assert_uint_eq(banks_add(bank, 1002), 1);
}
END_TEST

START_TEST(the_idle_are_evicted)
{
    const double one = 1, none = NAN;
    tocsin_point point = {3, START + 10, 1};
    uint64_t count = 99;

    use("ewma | raw");
    add_many(100);
    tick_all(START, &one);
    tick_all(START + 5, &none);     /* no value is no sign of life */
    tocsin_bank_push_slots(bank, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0);
    banks_add(bank, 1000);          /* as young as the newest value */
    ck_assert_int_eq(tocsin_bank_evict(bank, START, &count), TOCSIN_OK);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(tocsin_bank_evict(bank, START + 1, &count), TOCSIN_OK);
    ck_assert_uint_eq(count, 99);
    ck_assert_uint_eq(banks_info(bank).series, 2);
    ck_assert_uint_eq(banks_info(bank).evicted, 99);
    ck_assert_uint_eq(tocsin_bank_find(bank, banks_id(3)), 3);
    ck_assert_uint_eq(tocsin_bank_find(bank, 1000), 100);
    ck_assert_uint_eq(tocsin_bank_find(bank, banks_id(4)), TOCSIN_SLOT_NONE);
}
END_TEST

/* ---- Ticks --------------------------------------------------------------------------------- */

START_TEST(bad_ticks_change_nothing)
{
    static double values[100];
    tocsin_tick good, bad;
    tocsin_verdict verdict[100];

    use("ewma | raw");
    add_many(100);
    good = banks_tick(bank, START, values);
    ck_assert_int_eq(tocsin_bank_tick(NULL, &good), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_tick(bank, NULL), TOCSIN_ERROR_ARGUMENT);
#define REFUSED(status, change)     \
    bad = good;                     \
    change;                         \
    ck_assert_int_eq(tocsin_bank_tick(bank, &bad), status)
    REFUSED(TOCSIN_ERROR_ARGUMENT, bad.struct_size--);
    REFUSED(TOCSIN_ERROR_ARGUMENT, bad.mode = 4);
    REFUSED(TOCSIN_ERROR_ARGUMENT, bad.mode = -1);
    REFUSED(TOCSIN_ERROR_ARGUMENT, bad.value_type = 3);
    REFUSED(TOCSIN_ERROR_ARGUMENT, bad.nan_means = 2);
    REFUSED(TOCSIN_ERROR_ARGUMENT, bad.count = 99);
    REFUSED(TOCSIN_ERROR_ARGUMENT, bad.count = 0);
    REFUSED(TOCSIN_ERROR_ARGUMENT, bad.count = 101);
    REFUSED(TOCSIN_ERROR_ARGUMENT,
            (bad.verdicts = verdict, bad.verdict_size = TOCSIN_VERDICT_MIN_SIZE - 1));
    REFUSED(TOCSIN_ERROR_TIME, (bad.values = NULL, bad.time = TOCSIN_TIME_NONE));
    REFUSED(TOCSIN_ERROR_TIME,
            (bad.nan_means = TOCSIN_NAN_SILENCE, bad.time = TOCSIN_TIME_NONE));
#undef REFUSED
    ck_assert_uint_eq(banks_last(bank).rounds, 0);
    ck_assert_int_eq(tocsin_bank_tick(bank, &good), TOCSIN_OK);
    ck_assert_uint_eq(banks_last(bank).points, 100);
    good = banks_tick(bank, START + 1, NULL);
    good.count = 0;                     /* no arrays, no length */
    ck_assert_int_eq(tocsin_bank_tick(bank, &good), TOCSIN_OK);
    ck_assert_uint_eq(banks_last(bank).silent, 100);
}
END_TEST

START_TEST(an_empty_bank_ticks)
{
    const double one = 1;

    use("");
    tick_all(START, &one);
    ck_assert_uint_eq(banks_last(bank).rounds, 1);
    ck_assert_uint_eq(banks_last(bank).points, 0);
    ck_assert_int_eq(tocsin_bank_push_ids(bank, NULL, 0, 0, NULL, NULL, 0), TOCSIN_OK);
}
END_TEST

START_TEST(a_tick_under_way_keeps_the_bank_as_it_is)
{
    static double values[130];
    tocsin_bank_options options = banks_options();
    tocsin_bank_counts counts;
    tocsin_bank_info info;
    tocsin_detector *detector;
    tocsin_tick tick;
    tocsin_alarm alarm;
    tocsin_point point = {0, START + 1, 1};
    uint32_t slot = 0;

    options.lanes = 2;
    use_options("ewma | raw", &options);
    add_many(130);
    detector = specs_detector(spec);
    counts.struct_size = sizeof counts;
    info.struct_size = sizeof info;
    tick = banks_tick(bank, START, values);
    ck_assert_int_eq(tocsin_bank_tick_range(bank, 0, 0, 64), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_tick_end(bank), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_tick_begin(bank, &tick), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_tick_begin(bank, &tick), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_tick(bank, &tick), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_add(bank, 1, &slot), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_remove(bank, 0), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_evict(bank, 0, NULL), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_reserve(bank, 1000), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_mark(bank, NULL, 0, TOCSIN_MARK_DEPLOY, 0, 0, 0),
                     TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_copy_out(bank, 0, detector), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_copy_in(bank, 0, detector), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_last(bank, &counts), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_total(bank, &counts), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_describe(bank, &info), TOCSIN_ERROR_CONFLICT);
    ck_assert_uint_eq(tocsin_bank_alarms(bank, &alarm, sizeof alarm, 1), 0);

    ck_assert_int_eq(tocsin_bank_tick_range(bank, 2, 0, 64), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_tick_range(bank, 0, 1, 64), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_tick_range(bank, 0, 0, 65), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_tick_range(bank, 0, 128, 64), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_tick_range(bank, 0, 128, 192), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_tick_range(NULL, 0, 0, 64), TOCSIN_ERROR_ARGUMENT);

    /* A range is left out, and a sparse push joins the round. */
    ck_assert_int_eq(tocsin_bank_tick_range(bank, 1, 128, 130), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_tick_range(bank, 0, 0, 64), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_push_slots(bank, &point, 1, 0, NULL, NULL, 0), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_tick_end(bank), TOCSIN_OK);
    ck_assert_uint_eq(banks_last(bank).points, 64 + 2 + 1);
    ck_assert_uint_eq(banks_last(bank).rounds, 1);
    ck_assert_int_eq(tocsin_bank_total(bank, &counts), TOCSIN_OK);
    ck_assert_uint_eq(counts.rounds, 1);
    tocsin_detector_free(detector);
}
END_TEST

START_TEST(no_round_allocates)
{
    static double values[200], scores[200];
    static uint64_t alarms[4];
    specs list = specs_few();
    rng r = rng_seeded(4);

    for (size_t i = 0; i < 2 * list.count; i++) {
        tocsin_bank_options options = banks_options();
        size_t calls;

        options.clock = i % 2 ? TOCSIN_CLOCK_SHARED : TOCSIN_CLOCK_OWN;
        use_options(list.text[i / 2], &options);
        add_many(200);
        calls = counting.calls;
        for (int t = 0; t < 50; t++) {
            tocsin_point points[50];
            tocsin_tick tick = banks_tick(bank, START + t * TOCSIN_MINUTE, values);

            for (size_t k = 0; k < 200; k++)
                values[k] = rng_normal(&r);
            for (size_t k = 0; k < 50; k++) {
                points[k].key = banks_id(rng_below(&r, 201));
                points[k].time = START + t * TOCSIN_MINUTE + (int64_t)k;
                points[k].value = rng_normal(&r);
            }
            tick.scores = scores;
            tick.alarms = alarms;
            tocsin_bank_tick(bank, &tick);
            tick = banks_tick(bank, START + t * TOCSIN_MINUTE + TOCSIN_SECOND, NULL);
            if (options.clock == TOCSIN_CLOCK_SHARED) {
                for (size_t k = 0; k < 50; k++)
                    points[k].time = TOCSIN_TIME_NONE;
                tocsin_bank_tick_begin(bank, &tick);
            }
            tocsin_bank_push_ids(bank, points, 50, TOCSIN_LEARN_AND_SCORE, scores, NULL, 0);
            if (options.clock == TOCSIN_CLOCK_SHARED)
                tocsin_bank_tick_end(bank);
        }
        ck_assert_uint_eq(counting.calls, calls);
        teardown();
    }
    specs_free(&list);
}
END_TEST

/* A caller of an older or a newer release gets as much as it knows of. */
START_TEST(strides_of_other_releases)
{
    enum { WIDE = sizeof(tocsin_verdict) + 16 };
    static unsigned char wide[3][WIDE];
    static double values[3] = {1, 2, NAN};
    tocsin_verdict narrow[3];
    tocsin_point points[3] = {{2, START, 1}, {0, START, 2}, {9, START, 3}};
    tocsin_tick tick;

    use("ewma | raw");
    add_many(3);
    tick = banks_tick(bank, START - 1, values);
    memset(wide, 0xee, sizeof wide);
    tick.verdicts = (tocsin_verdict *)(void *)wide;
    tick.verdict_size = WIDE;
    ck_assert_int_eq(tocsin_bank_tick(bank, &tick), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_push_slots(bank, points, 3, 0, NULL, narrow, sizeof narrow[0]),
                     TOCSIN_INFO_IGNORED);
    for (size_t i = 0; i < 3; i++) {
        tocsin_verdict verdict;

        memcpy(&verdict, wide[i], sizeof verdict);
        assert_same_bits(verdict.value, values[i]);
        for (size_t k = sizeof verdict; k < WIDE; k++)
            ck_assert_uint_eq(wide[i][k], 0);
    }
    ck_assert_double_eq(narrow[1].value, 2);
    ck_assert(isnan(narrow[2].value) && narrow[2].flags & TOCSIN_FLAG_WARMING);
    ck_assert_int_eq(tocsin_bank_push_slots(bank, points, 1, 0, NULL, narrow, 103),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_push_slots(bank, NULL, 1, 0, NULL, NULL, 0),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_push_ids(bank, points, 1, 4, NULL, NULL, 0),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_push_ids(NULL, points, 1, 0, NULL, NULL, 0),
                     TOCSIN_ERROR_ARGUMENT);
}
END_TEST

/* ---- A round's alarms ------------------------------------------------------------------------ */

#define RINGING "ewma half-life=20p | tail | alarm budget=1/2h ticket=1/30m"

/* Loudest first, as the header says it. */
static int compare_alarms(const void *a, const void *b)
{
    const tocsin_alarm *x = a, *y = b;

    if (x->verdict.tier != y->verdict.tier)
        return x->verdict.tier < y->verdict.tier ? 1 : -1;
    if (x->verdict.score != y->verdict.score)
        return x->verdict.score < y->verdict.score ? 1 : -1;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* The list and the counts of each tick, beside those made from every series' verdict. */
static void list_beside_all_verdicts(uint32_t cap, uint32_t lanes)
{
    enum { SERIES = 400, TICKS = 400 };
    static double values[SERIES];
    static tocsin_verdict verdicts[SERIES];
    static tocsin_alarm all[SERIES], listed[SERIES + 1];
    tocsin_bank_options options = banks_options();
    uint64_t started_in_all = 0, suppressed_in_all = 0, pages = 0, tickets = 0;
    tocsin_bank_counts total;
    rng r = rng_seeded(cap + lanes);

    options.alarms_per_round = cap;
    options.lanes = lanes;
    use_options(RINGING, &options);
    add_many(SERIES);
    for (int t = 0; t < TICKS; t++) {
        tocsin_tick tick = banks_tick(bank, START + t * TOCSIN_MINUTE, values);
        const int is_incident = t > 250 && rng_below(&r, 20) == 0;
        size_t started = 0, cleared = 0, missing = 0, expected, count;

        for (size_t k = 0; k < SERIES; k++) {
            values[k] = rng_normal(&r);
            if (is_incident)
                values[k] += 10 * (double)rng_below(&r, 3);
            if (rng_below(&r, 30) == 0)
                values[k] = NAN;
            missing += isnan(values[k]) != 0;
        }
        tick.verdicts = verdicts;
        banks_tick_in_parts(bank, &tick, lanes, &r);
        for (uint32_t k = 0; k < SERIES; k++) {
            cleared += verdicts[k].transition == TOCSIN_TRANSITION_CLEAR;
            if (verdicts[k].transition != TOCSIN_TRANSITION_START)
                continue;
            all[started].id = banks_id(k);
            all[started].slot = k;
            all[started].series = 1;
            all[started].verdict = verdicts[k];
            started++;
            pages += verdicts[k].tier == TOCSIN_TIER_PAGE;
            tickets += verdicts[k].tier == TOCSIN_TIER_TICKET;
        }
        qsort(all, started, sizeof all[0], compare_alarms);
        expected = started < cap ? started : cap;
        count = tocsin_bank_alarms(bank, listed, sizeof listed[0], SERIES + 1);
        ck_assert_uint_eq(count, expected);
        require(memcmp(listed, all, count * sizeof all[0]) == 0, "another list at tick %d", t);
        if (count > 1)      /* less room, the first ones */
            ck_assert_uint_eq(tocsin_bank_alarms(bank, listed, sizeof listed[0], count - 1),
                              count - 1);

        const tocsin_bank_counts counts = banks_last(bank);

        ck_assert_uint_eq(counts.points, SERIES);
        ck_assert_uint_eq(counts.missing, missing);
        ck_assert_uint_eq(counts.started, started);
        ck_assert_uint_eq(counts.cleared, cleared);
        ck_assert_uint_eq(counts.suppressed, started - expected);
        ck_assert_uint_eq(counts.absences, 0);
        started_in_all += started;
        suppressed_in_all += started - expected;
    }
    /* It has rung, in both tiers, and often enough to be cut short. */
    ck_assert_uint_gt(pages, 50);
    ck_assert_uint_gt(tickets, 50);
    ck_assert(cap > 100 || suppressed_in_all > 50);
    total.struct_size = sizeof total;
    ck_assert_int_eq(tocsin_bank_total(bank, &total), TOCSIN_OK);
    ck_assert_uint_eq(total.rounds, TICKS);
    ck_assert_uint_eq(total.points, SERIES * TICKS);
    ck_assert_uint_eq(total.started, started_in_all);
    ck_assert_uint_eq(total.suppressed, suppressed_in_all);
}

START_TEST(the_list_has_the_loudest_first)
{
    static const uint32_t caps[] = {1, 2, 7, 400}, lanes[] = {1, 2, 5};

    list_beside_all_verdicts(caps[_i / 3], lanes[_i % 3]);
}
END_TEST

/* All series alike, so that nothing but their slots tells their alarms apart. */
START_TEST(equal_alarms_stand_by_slot)
{
    enum { SERIES = 320, CAP = 5 };
    static double values[SERIES];
    tocsin_bank_options options = banks_options();
    tocsin_alarm alarms[CAP];
    size_t rounds = 0;
    rng noise = rng_seeded(77), cuts = rng_seeded((uint64_t)_i);

    options.alarms_per_round = CAP;
    options.lanes = 3;
    use_options(RINGING, &options);
    add_many(SERIES);
    for (int t = 0; t < 600; t++) {
        const double value = rng_normal(&noise) + (t % 100 == 99 ? 30 : 0);
        tocsin_tick tick = banks_tick(bank, START + t * TOCSIN_MINUTE, values);

        for (size_t k = 0; k < SERIES; k++)
            values[k] = value;
        banks_tick_in_parts(bank, &tick, 3, &cuts);
        if (banks_last(bank).started == 0)
            continue;
        rounds++;
        ck_assert_uint_eq(tocsin_bank_alarms(bank, alarms, sizeof alarms[0], CAP), CAP);
        for (uint32_t i = 0; i < CAP; i++)
            ck_assert_uint_eq(alarms[i].slot, i);
        ck_assert_uint_eq(banks_last(bank).started, SERIES);
        ck_assert_uint_eq(banks_last(bank).suppressed, SERIES - CAP);
    }
    ck_assert_uint_gt(rounds, 2);
}
END_TEST

START_TEST(absences_are_one_entry)
{
    const double one = 1;
    tocsin_bank_options options = banks_options();
    tocsin_alarm alarms[4];
    tocsin_point back = {50, START + 12 * TOCSIN_MINUTE, 1};
    tocsin_tick tick;
    rng r = rng_seeded((uint64_t)_i);

    options.lanes = 3;
    use_options("clock absence=5m | ewma | tail | alarm", &options);
    add_many(300);
    for (int i = 0; i < 3; i++)
        tick_all(START + i * TOCSIN_MINUTE, &one);
    for (uint32_t slot = 0; slot < 40; slot++)
        ck_assert_int_eq(tocsin_bank_remove(bank, slot), TOCSIN_OK);
    tick = banks_tick(bank, START + 10 * TOCSIN_MINUTE, NULL);
    banks_tick_in_parts(bank, &tick, 3, &r);
    ck_assert_uint_eq(tocsin_bank_alarms(bank, alarms, sizeof alarms[0], 4), 1);
    ck_assert_uint_eq(alarms[0].slot, 40);
    ck_assert_uint_eq(alarms[0].id, banks_id(40));
    ck_assert_uint_eq(alarms[0].series, 260);
    ck_assert_uint_eq(alarms[0].verdict.reason, TOCSIN_REASON_ABSENCE);
    ck_assert_uint_eq(banks_last(bank).absences, 260);
    ck_assert_uint_eq(banks_last(bank).started, 260);
    ck_assert_uint_eq(banks_last(bank).suppressed, 0);
    ck_assert_uint_eq(banks_last(bank).silent, 260);

    /* It starts once, and what comes back clears. */
    tick_all(START + 11 * TOCSIN_MINUTE, NULL);
    ck_assert_uint_eq(tocsin_bank_alarms(bank, alarms, sizeof alarms[0], 4), 0);
    ck_assert_int_eq(tocsin_bank_push_slots(bank, &back, 1, 0, NULL, NULL, 0), TOCSIN_OK);
    ck_assert_uint_eq(banks_last(bank).cleared, 1);
}
END_TEST

START_TEST(refused_points_are_counted)
{
    const tocsin_point points[] = {{1, START, 1}, {1, START, 2}, {1, START - 1, 3},
                                   {7, START, 1}, {2, START, 1}, {UINT64_MAX, START, 1}};
    tocsin_bank_counts counts;

    use("ewma | raw");
    add_many(3);
    ck_assert_int_eq(tocsin_bank_push_slots(bank, points, 6, 0, NULL, NULL, 0),
                     TOCSIN_INFO_IGNORED);
    counts = banks_last(bank);
    ck_assert_uint_eq(counts.points, 2);
    ck_assert_uint_eq(counts.repeated, 1);
    ck_assert_uint_eq(counts.late, 1);
    ck_assert_uint_eq(counts.unknown, 2);
    tick_all(START - 5, NULL);
    ck_assert_uint_eq(banks_last(bank).late, 2);
    ck_assert_uint_eq(banks_last(bank).silent, 1);
    counts.struct_size = sizeof counts - 1;
    ck_assert_int_eq(tocsin_bank_last(bank, &counts), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_total(bank, &counts), TOCSIN_ERROR_ARGUMENT);
}
END_TEST

/* ---- One series out of many ------------------------------------------------------------------ */

/* What the detector said before is not what the series was told. */
START_TEST(a_copy_has_no_last_point)
{
    tocsin_detector *detector;
    tocsin_verdict verdict;

    use("ewma | raw");
    add_many(1);
    detector = specs_detector(spec);
    tocsin_detector_push(detector, START, 5, TOCSIN_LEARN_AND_SCORE, NULL, 0);
    ck_assert_int_eq(tocsin_bank_copy_out(bank, 0, detector), TOCSIN_OK);
    ck_assert_int_eq(tocsin_detector_verdict(detector, &verdict, sizeof verdict), TOCSIN_OK);
    ck_assert(isnan(verdict.value));
    ck_assert_uint_eq(verdict.flags, TOCSIN_FLAG_WARMING);
    tocsin_detector_free(detector);
}
END_TEST

START_TEST(copies_need_an_equal_spec)
{
    tocsin_spec *equal = specs_compile("ewma half-life=20p | tail | alarm budget=1/2h");
    tocsin_spec *other = specs_compile("ewma half-life=21p | tail | alarm budget=1/2h");
    tocsin_spec *budget = specs_compile("ewma half-life=20p | tail | alarm budget=1/3h");
    tocsin_spec *shorter = specs_compile("ewma half-life=20p | raw");
    tocsin_spec *const candidates[] = {equal, other, budget, shorter};

    use("ewma half-life=20p | tail | alarm budget=1/2h");
    add_many(1);
    for (size_t i = 0; i < 4; i++) {
        tocsin_detector *detector = specs_detector(candidates[i]);
        const int expected = i == 0 ? TOCSIN_OK : TOCSIN_ERROR_MISMATCH;

        ck_assert_int_eq(tocsin_bank_copy_out(bank, 0, detector), expected);
        ck_assert_int_eq(tocsin_bank_copy_in(bank, 0, detector), expected);
        ck_assert_int_eq(tocsin_bank_copy_out(bank, 1, detector), TOCSIN_ERROR_RANGE);
        ck_assert_int_eq(tocsin_bank_copy_in(bank, 1, detector), TOCSIN_ERROR_RANGE);
        tocsin_detector_free(detector);
        tocsin_spec_free(candidates[i]);
    }
    ck_assert_int_eq(tocsin_bank_copy_out(bank, 0, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_copy_in(bank, 0, NULL), TOCSIN_ERROR_ARGUMENT);
}
END_TEST

START_TEST(bad_marks)
{
    const uint32_t slots[] = {0, 1, 5};     /* the last one is free */
    tocsin_detector *marked, *fresh;

    use("ewma | raw");
    add_many(3);
    ck_assert_int_eq(tocsin_bank_mark(NULL, NULL, 0, TOCSIN_MARK_DEPLOY, 0, 0, 0),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_mark(bank, NULL, 0, 0, 0, 0, 0), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_mark(bank, NULL, 0, 4, 0, 0, 0), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_mark(bank, NULL, 0, TOCSIN_MARK_DEPLOY, 4, 0, 0),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_mark(bank, NULL, 0, TOCSIN_MARK_DEPLOY, 0, TOCSIN_TIME_NONE, 0),
                     TOCSIN_ERROR_TIME);
    ck_assert_int_eq(tocsin_bank_mark(bank, NULL, 0, TOCSIN_MARK_DEPLOY, TOCSIN_MARK_MUTE, 1, 0),
                     TOCSIN_ERROR_TIME);
    ck_assert_int_eq(tocsin_bank_mark(bank, slots, 3, TOCSIN_MARK_DEPLOY, 0, 0, 0),
                     TOCSIN_ERROR_RANGE);
    ck_assert_int_eq(tocsin_bank_mark(bank, slots, 1, TOCSIN_MARK_DEPLOY, 0, 1, 0), TOCSIN_OK);
    marked = specs_detector(spec);
    fresh = specs_detector(spec);
    ck_assert_int_eq(tocsin_bank_copy_out(bank, 1, marked), TOCSIN_OK);
    assert_same_state(marked, fresh, "nobody was told");
    tocsin_detector_free(marked);
    tocsin_detector_free(fresh);
}
END_TEST

/* ---- A shared clock, and slots without ids ------------------------------------------- */

static void use_shared(const char *text, uint32_t ids)
{
    tocsin_bank_options options = banks_options();

    options.clock = TOCSIN_CLOCK_SHARED;
    options.ids = ids;
    use_options(text, &options);
}

START_TEST(a_shared_clock_refuses_what_it_cannot_do)
{
    static const char *const texts[] = {"ewma | raw", "ewma state=double | raw"};
    const double values[2] = {1, 2};
    const tocsin_point point = {1, TOCSIN_TIME_NONE, 1};
    const uint32_t slots[] = {0};
    double scores[2];
    tocsin_tick tick;

    use_shared(texts[_i], TOCSIN_IDS_KEPT);
    banks_add(bank, 1);
    banks_add(bank, 2);
    tick = banks_tick(bank, TOCSIN_HOUR, values);
    tick.nan_means = TOCSIN_NAN_SILENCE;
    ck_assert_int_eq(tocsin_bank_tick(bank, &tick), TOCSIN_ERROR_CONFLICT);
    tick.nan_means = TOCSIN_NAN_MISSING;
    tick.values = NULL;
    tick.scores = scores;
    ck_assert_int_eq(tocsin_bank_tick(bank, &tick), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_push_ids(bank, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0),
                     TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_mark(bank, slots, 1, TOCSIN_MARK_DEPLOY, 0, 0, 0),
                     TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_mark(bank, NULL, 0, TOCSIN_MARK_DEPLOY, 0, 0, 0), TOCSIN_OK);

    /* Nothing of this was a tick: the first one may be at any time, the next not before it. */
    tick = banks_tick(bank, TOCSIN_MINUTE, values);
    ck_assert_int_eq(tocsin_bank_tick(bank, &tick), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_tick(bank, &tick), TOCSIN_ERROR_TIME);
    tick.time = 0;
    ck_assert_int_eq(tocsin_bank_tick(bank, &tick), TOCSIN_ERROR_TIME);
    ck_assert_uint_eq(banks_last(bank).points, 2);

    /* Within a tick that has values nothing is pushed, and within one that has none no range. */
    tick.time = 2 * TOCSIN_MINUTE;
    ck_assert_int_eq(tocsin_bank_tick_begin(bank, &tick), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_push_ids(bank, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0),
                     TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_tick_end(bank), TOCSIN_OK);
    ck_assert_uint_eq(banks_last(bank).missing, 2);     /* no range covered them */
    tick = banks_tick(bank, 3 * TOCSIN_MINUTE, NULL);
    ck_assert_int_eq(tocsin_bank_tick_begin(bank, &tick), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_tick_range(bank, 0, 0, 2), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_push_ids(bank, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0),
                     TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_tick_end(bank), TOCSIN_OK);
    ck_assert_uint_eq(banks_last(bank).points, 2);
    ck_assert_uint_eq(banks_last(bank).missing, 1);
}
END_TEST

START_TEST(parts_are_checked)
{
    const double values[3] = {1, 2, 3};
    tocsin_tick tick;

    use_shared("ewma | raw", TOCSIN_IDS_NONE);
    add_many(70);
    ck_assert_int_eq(tocsin_bank_tick_part(bank, 0, 0, 70, values, NULL, NULL),
                     TOCSIN_ERROR_CONFLICT);
    tick = banks_tick(bank, 0, NULL);
    ck_assert_int_eq(tocsin_bank_tick_begin(bank, &tick), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_tick_part(NULL, 0, 0, 70, values, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_tick_part(bank, 1, 0, 70, values, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_tick_part(bank, 0, 1, 70, values, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_tick_part(bank, 0, 64, 71, values, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_tick_part(bank, 0, 64, 70, NULL, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_tick_part(bank, 0, 64, 64, NULL, NULL, NULL), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_tick_end(bank), TOCSIN_OK);
    ck_assert_uint_eq(banks_last(bank).missing, 70);
}
END_TEST

START_TEST(without_ids_slots_are_the_names)
{
    const tocsin_point point = {1, TOCSIN_TIME_NONE, 1};
    tocsin_bank_options options = banks_options();
    uint64_t id;

    options.ids = TOCSIN_IDS_NONE;
    options.clock = _i ? TOCSIN_CLOCK_SHARED : TOCSIN_CLOCK_OWN;
    use_options("ewma | raw", &options);
    ck_assert_uint_eq(banks_add(bank, 7), 0);
    ck_assert_uint_eq(banks_add(bank, 7), 1);       /* another one */
    ck_assert_uint_eq(banks_add(bank, 7), 2);
    ck_assert_uint_eq(tocsin_bank_find(bank, 1), TOCSIN_SLOT_NONE);
    ck_assert_int_eq(tocsin_bank_id(bank, 1, &id), TOCSIN_OK);
    ck_assert_uint_eq(id, 1);
    ck_assert_int_eq(tocsin_bank_push_ids(bank, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0),
                     TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_remove(bank, 1), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_id(bank, 1, &id), TOCSIN_ERROR_RANGE);
    ck_assert_uint_eq(banks_add(bank, 7), 1);
    ck_assert_uint_eq(banks_info(bank).series, 3);
    ck_assert_int_eq(tocsin_bank_evict(bank, TOCSIN_HOUR, NULL),
                     _i ? TOCSIN_ERROR_CONFLICT : TOCSIN_OK);
}
END_TEST

/* Who has been idle is known also where the clock is shared: by the last value, not the last
 * tick. */
START_TEST(the_idle_of_a_shared_clock_are_evicted)
{
    static const char *const texts[] = {"ewma | raw", "ewma | tail | alarm",
                                        "holt-winters | raw", "ewma state=double | raw"};
    double values[100];
    uint64_t evicted = 0;

    use_shared(texts[_i], TOCSIN_IDS_KEPT);
    add_many(100);
    for (int t = 1; t <= 10; t++) {
        tocsin_tick tick = banks_tick(bank, t * TOCSIN_MINUTE, values);

        for (int k = 0; k < 100; k++)
            values[k] = k % 10 >= t ? 5 : NAN;      /* slot k has its last value at tick k % 10 */
        ck_assert_int_eq(tocsin_bank_tick(bank, &tick), TOCSIN_OK);
    }
    ck_assert_int_eq(tocsin_bank_evict(bank, 4 * TOCSIN_MINUTE, &evicted), TOCSIN_OK);
    ck_assert_uint_eq(evicted, 40);     /* ten that never had one, and those of ticks 1, 2, 3 */
    for (uint32_t k = 0; k < 100; k++) {
        uint64_t id;

        ck_assert_int_eq(tocsin_bank_id(bank, k, &id),
                         k % 10 >= 4 ? TOCSIN_OK : TOCSIN_ERROR_RANGE);
    }
}
END_TEST

/* A value counts also where nothing is learnt from it: a maintenance window of a week evicts only
 * those that fall silent in it. */
START_TEST(those_who_are_held_are_not_idle)
{
    static const char *const texts[] = {"ewma | raw", "ewma | tail | alarm",
                                        "holt-winters | raw", "ewma state=double | raw"};
    double values[100];
    uint64_t evicted = 0;

    use_shared(texts[_i / 2], TOCSIN_IDS_KEPT);
    add_many(100);
    if (_i % 2)
        ck_assert_int_eq(tocsin_bank_mark(bank, NULL, 0, TOCSIN_MARK_MAINTENANCE,
                                          TOCSIN_MARK_NO_LEARN, 3 * TOCSIN_MINUTE,
                                          TOCSIN_TIME_NONE),
                         TOCSIN_OK);
    for (int t = 1; t <= 10; t++) {
        tocsin_tick tick = banks_tick(bank, t * TOCSIN_MINUTE, values);

        if (_i % 2 == 0 && t >= 3)
            tick.mode = TOCSIN_SCORE_ONLY;
        for (int k = 0; k < 100; k++)
            values[k] = k % 10 >= t ? 5 : NAN;
        ck_assert_int_eq(tocsin_bank_tick(bank, &tick), TOCSIN_OK);
    }
    ck_assert_int_eq(tocsin_bank_evict(bank, 7 * TOCSIN_MINUTE, &evicted), TOCSIN_OK);
    ck_assert_uint_eq(evicted, 70);
    for (uint32_t k = 0; k < 100; k++) {
        uint64_t id;

        ck_assert_int_eq(tocsin_bank_id(bank, k, &id),
                         k % 10 >= 7 ? TOCSIN_OK : TOCSIN_ERROR_RANGE);
    }
}
END_TEST

/* ---- Blocks of tiles ------------------------------------------------------------------------- */

enum { BLOCKS_SERIES = (TOCSIN__BLOCK + 1) * TOCSIN__LANES + 6, BLOCKS_KINDS = 13 };
enum { BLOCKS_TICKS = 30 };

static double blocks_value(rng *r, uint32_t kind, int t)
{
    if (rng_below(r, 30) == 0)
        return NAN;
    return 10 * kind + 3 * (t % 4) + (t == 25 && kind == 5 ? 60 : rng_normal(r));
}

/* More tiles than stand in one block, whether they were there at once, came little by little or
 * are mapped: none gets its neighbour's slots. */
START_TEST(tiles_keep_their_slots)
{
    static double values[BLOCKS_SERIES], scores[BLOCKS_SERIES];
    static tocsin_detector *detectors[BLOCKS_KINDS];
    tocsin_bank_recovery recovery = {.struct_size = sizeof recovery};
    tocsin_bank_options shared = banks_options();
    const int is_mapped = _i == 2;
    rng r = rng_seeded(31);
    void *memory = NULL;
    uint64_t size = 0;

    shared.clock = TOCSIN_CLOCK_SHARED;
    use_options("clock step=5m | holt-winters season=20m step=5m warmup=4 gamma=0.3 | raw",
                &shared);
    if (is_mapped) {
        tocsin_bank_free(bank);
        shared.max_series = BLOCKS_SERIES;
        size = tocsin_bank_mapped_size(spec, &shared, BLOCKS_SERIES);
        memory = aligned_alloc(64, (size_t)(size + 63) / 64 * 64);
        ck_assert_ptr_nonnull(memory);
        memset(memory, 0, (size_t)size);
        ck_assert_int_eq(tocsin_bank_create_mapped(&bank, spec, &shared, &allocator, memory, size,
                                                   &recovery), TOCSIN_OK);
    } else if (_i == 1) {
        ck_assert_int_eq(tocsin_bank_reserve(bank, BLOCKS_SERIES), TOCSIN_OK);
    }
    add_many(BLOCKS_SERIES);
    for (uint32_t kind = 0; kind < BLOCKS_KINDS; kind++)
        detectors[kind] = specs_detector(spec);
    for (int t = 1; t <= BLOCKS_TICKS; t++) {
        double value[BLOCKS_KINDS];
        tocsin_verdict verdict[BLOCKS_KINDS];
        tocsin_tick tick = banks_tick(bank, 5 * t * TOCSIN_MINUTE, values);

        tick.scores = scores;
        for (uint32_t kind = 0; kind < BLOCKS_KINDS; kind++) {
            value[kind] = blocks_value(&r, kind, t);
            tocsin_detector_push(detectors[kind], tick.time, value[kind], TOCSIN_LEARN_AND_SCORE,
                                 &verdict[kind], sizeof verdict[kind]);
        }
        for (uint32_t slot = 0; slot < BLOCKS_SERIES; slot++)
            values[slot] = value[slot % BLOCKS_KINDS];
        ck_assert_int_eq(tocsin_bank_tick(bank, &tick), TOCSIN_OK);
        for (uint32_t slot = 0; slot < BLOCKS_SERIES; slot++)
            assert_same_bits(scores[slot], verdict[slot % BLOCKS_KINDS].score);
        if (is_mapped && t == BLOCKS_TICKS / 2) {
            tocsin_bank_free(bank);
            ck_assert_int_eq(tocsin_bank_create_mapped(&bank, spec, &shared, &allocator, memory,
                                                       size, &recovery), TOCSIN_OK);
        }
    }
    for (uint32_t slot = 0; slot < BLOCKS_SERIES; slot += 397) {
        tocsin_detector *copy = specs_detector(spec);
        tocsin_verdict ours, theirs;

        ck_assert_int_eq(tocsin_bank_copy_out(bank, slot, copy), TOCSIN_OK);
        for (int t = BLOCKS_TICKS + 1; t < BLOCKS_TICKS + 5; t++) {
            tocsin_detector *own;

            ck_assert_int_eq(tocsin_detector_clone(&own, detectors[slot % BLOCKS_KINDS], NULL),
                             TOCSIN_OK);
            tocsin_detector_push(own, 5 * t * TOCSIN_MINUTE, 7, TOCSIN_SCORE_ONLY, &theirs,
                                 sizeof theirs);
            tocsin_detector_push(copy, 5 * t * TOCSIN_MINUTE, 7, TOCSIN_SCORE_ONLY, &ours,
                                 sizeof ours);
            assert_same_bits(ours.score, theirs.score);
            tocsin_detector_free(own);
        }
        tocsin_detector_free(copy);
    }
    for (uint32_t kind = 0; kind < BLOCKS_KINDS; kind++)
        tocsin_detector_free(detectors[kind]);
    if (is_mapped) {
        tocsin_bank_free(bank);
        free(memory);
        ck_assert_int_eq(tocsin_bank_create(&bank, spec, NULL, &allocator), TOCSIN_OK);
    }
}
END_TEST

/* Whatever is done about memory that is far away: of a bank too large for a cache each series says
 * what it says in a small one. */
START_TEST(far_series_say_what_near_ones_do)
{
    static const char *const texts[] = {
        "ewma half-life=10p warmup=4 | raw",
        "ewma half-life=10p warmup=4 clip=inf floor-relative=0 floor-history=0 | raw"};
    enum { FAR = 50000, NEAR = 150, TICKS = 40, STRIDE = FAR / NEAR };
    tocsin_spec *compiled = specs_compile(texts[_i / 2]);
    tocsin_bank_options options = banks_options();
    tocsin_bank *far_bank, *near_bank;
    tocsin_point far_points[NEAR], near_points[NEAR];
    double far_scores[NEAR], near_scores[NEAR];
    const int by_id = _i % 2;
    rng r = rng_seeded(21);

    options.clock = TOCSIN_CLOCK_SHARED;
    options.ids = by_id ? TOCSIN_IDS_KEPT : TOCSIN_IDS_NONE;
    far_bank = banks_create(compiled, &options);
    near_bank = banks_create(compiled, &options);
    ck_assert_int_eq(tocsin_bank_reserve(far_bank, FAR), TOCSIN_OK);
    for (uint64_t i = 0; i < FAR; i++)
        ck_assert_uint_eq(banks_add(far_bank, i), i);
    for (uint64_t i = 0; i < NEAR; i++)
        ck_assert_uint_eq(banks_add(near_bank, i), i);
    for (int t = 1; t <= TICKS; t++) {
        const tocsin_tick tick = {.struct_size = sizeof tick, .time = t * TOCSIN_MINUTE};
        const size_t first = rng_below(&r, NEAR), count = 1 + rng_below(&r, NEAR);

        for (size_t i = 0; i < count; i++) {
            const size_t series = (first + 7 * i) % NEAR;   /* 7 and 150 have no factor in common */
            const double value = rng_below(&r, 50) == 0 ? NAN : rng_normal(&r);

            near_points[i] = (tocsin_point){series, TOCSIN_TIME_NONE, value};
            far_points[i] = (tocsin_point){series * STRIDE, TOCSIN_TIME_NONE, value};
        }
        ck_assert_int_eq(tocsin_bank_tick_begin(far_bank, &tick), TOCSIN_OK);
        ck_assert_int_eq(tocsin_bank_tick_begin(near_bank, &tick), TOCSIN_OK);
        if (by_id) {
            tocsin_bank_push_ids(far_bank, far_points, count, TOCSIN_LEARN_AND_SCORE, far_scores,
                                 NULL, 0);
            tocsin_bank_push_ids(near_bank, near_points, count, TOCSIN_LEARN_AND_SCORE,
                                 near_scores, NULL, 0);
        } else {
            tocsin_bank_push_slots(far_bank, far_points, count, TOCSIN_LEARN_AND_SCORE, far_scores,
                                   NULL, 0);
            tocsin_bank_push_slots(near_bank, near_points, count, TOCSIN_LEARN_AND_SCORE,
                                   near_scores, NULL, 0);
        }
        require(memcmp(far_scores, near_scores, count * sizeof *far_scores) == 0, "tick %d", t);
        ck_assert_int_eq(tocsin_bank_tick_end(far_bank), TOCSIN_OK);
        ck_assert_int_eq(tocsin_bank_tick_end(near_bank), TOCSIN_OK);
    }
    tocsin_bank_free(far_bank);
    tocsin_bank_free(near_bank);
    tocsin_spec_free(compiled);
}
END_TEST

static double full_value(rng *r)
{
    static const double odd[] = {NAN, INFINITY, 1e30, -1e18, 1e200, 1e-30, 0};

    return rng_below(r, 20) ? rng_normal(r) : odd[rng_below(r, sizeof odd / sizeof odd[0])];
}

/* Once every series has its final gain, points of plain ewma take a way of their own: near and far,
 * one by one and in batches, with points among them that are not taken. */
START_TEST(full_series_say_what_detectors_do)
{
    enum { SERIES = 150, WARM = 15, TICKS = 30, MANY = 50000 };
    const size_t slots = _i ? MANY : SERIES, stride = slots / SERIES;
    tocsin_bank_options options = banks_options();
    tocsin_detector *detectors[SERIES];
    double *values = calloc(slots, sizeof *values);
    rng r = rng_seeded(22);

    options.clock = TOCSIN_CLOCK_SHARED;
    options.ids = TOCSIN_IDS_NONE;
    spec = specs_compile("ewma half-life=5p warmup=4 clip=inf floor-relative=0 floor-history=0 | "
                         "raw");
    bank = banks_create(spec, &options);
    ck_assert_int_eq(tocsin_bank_reserve(bank, slots), TOCSIN_OK);
    for (uint64_t i = 0; i < slots; i++)
        ck_assert_uint_eq(banks_add(bank, i), i);
    for (size_t i = 0; i < SERIES; i++)
        detectors[i] = specs_detector(spec);
    for (int t = 1; t <= WARM; t++) {
        const tocsin_tick tick = banks_tick(bank, t * TOCSIN_MINUTE, values);

        for (size_t i = 0; i < SERIES; i++) {
            values[i * stride] = rng_normal(&r);
            tocsin_detector_push(detectors[i], tick.time, values[i * stride],
                                 TOCSIN_LEARN_AND_SCORE, NULL, 0);
        }
        ck_assert_int_eq(tocsin_bank_tick(bank, &tick), TOCSIN_OK);
    }
    for (int t = WARM + 1; t <= WARM + TICKS; t++) {
        const tocsin_tick tick = {.struct_size = sizeof tick, .time = t * TOCSIN_MINUTE};
        const size_t first = rng_below(&r, SERIES), count = 1 + rng_below(&r, SERIES);
        tocsin_point points[SERIES];
        double scores[SERIES];
        int is_pushed[SERIES] = {0};

        for (size_t i = 0; i < count; i++)      /* 7 and 150 have no factor in common */
            points[i] = (tocsin_point){(first + 7 * i) % SERIES * stride,
                                       rng_below(&r, 2) ? tick.time : TOCSIN_TIME_NONE,
                                       full_value(&r)};
        for (size_t i = 1; i < count && t % 3 == 0; i++)
            switch (rng_below(&r, 30)) {
            case 0: points[i].time = tick.time - 1; break;
            case 1: points[i].key = slots; break;
            case 2: points[i].key = points[i - 1].key; break;
            default: break;
            }
        ck_assert_int_eq(tocsin_bank_tick_begin(bank, &tick), TOCSIN_OK);
        tocsin_bank_push_slots(bank, points, count, TOCSIN_LEARN_AND_SCORE, scores, NULL, 0);
        ck_assert_int_eq(tocsin_bank_tick_end(bank), TOCSIN_OK);
        for (size_t i = 0; i < count; i++) {
            const int is_late =
                points[i].time != tick.time && points[i].time != TOCSIN_TIME_NONE;
            const size_t series = points[i].key / stride;
            tocsin_verdict verdict = {.score = NAN};

            if (!is_late && points[i].key < slots && !is_pushed[series]) {
                is_pushed[series] = 1;
                tocsin_detector_push(detectors[series], tick.time, points[i].value,
                                     TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
            }
            assert_same_bits(scores[i], verdict.score);
        }
    }
    for (size_t i = 0; i < SERIES; i++)
        tocsin_detector_free(detectors[i]);
    free(values);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("bank");
    TCase *tcase = suite_case(s, "ids");

    tcase_add_loop_test(tcase, ids_beside_an_array, 0, 10);
    tcase_add_test(tcase, ids_reach_all_lines_whatever_the_seed);

    tcase = suite_case(s, "memory, checked by each test itself");
    tcase_add_test(tcase, memory_is_told_to_the_byte);
    tcase_add_test(tcase, series_size_is_the_slope);
    tcase_add_test(tcase, no_round_allocates);

    tcase = suite_case(s, "bank");
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, bad_arguments);
    tcase_add_test(tcase, growing_by_itself_keeps_count_of_bytes);
    tcase_add_test(tcase, every_allocation_may_fail);
    tcase_add_test(tcase, series_beside_an_array);
    tcase_add_test(tcase, a_full_bank_refuses);
    tcase_add_test(tcase, a_full_bank_evicts_the_longest_idle);
    tcase_add_test(tcase, a_copied_series_may_be_the_longest_idle);
    tcase_add_test(tcase, the_idle_are_evicted);
    tcase_add_test(tcase, bad_ticks_change_nothing);
    tcase_add_test(tcase, an_empty_bank_ticks);
    tcase_add_test(tcase, a_tick_under_way_keeps_the_bank_as_it_is);
    tcase_add_test(tcase, strides_of_other_releases);
    tcase_add_loop_test(tcase, the_list_has_the_loudest_first, 0, 3);
    tcase_add_loop_test(tcase, equal_alarms_stand_by_slot, 0, 2);
    tcase_add_loop_test(tcase, absences_are_one_entry, 0, 10);
    tcase_add_test(tcase, refused_points_are_counted);
    tcase_add_test(tcase, a_copy_has_no_last_point);
    tcase_add_test(tcase, copies_need_an_equal_spec);
    tcase_add_test(tcase, bad_marks);
    tcase_add_loop_test(tcase, a_shared_clock_refuses_what_it_cannot_do, 0, 2);
    tcase_add_test(tcase, parts_are_checked);
    tcase_add_loop_test(tcase, without_ids_slots_are_the_names, 0, 2);
    tcase_add_loop_test(tcase, the_idle_of_a_shared_clock_are_evicted, 0, 4);
    tcase_add_loop_test(tcase, tiles_keep_their_slots, 0, 3);
    tcase_add_loop_test(tcase, those_who_are_held_are_not_idle, 0, 8);
    tcase_add_loop_test(tcase, full_series_say_what_detectors_do, 0, 2);
    tcase_add_loop_test(tcase, far_series_say_what_near_ones_do, 0, 4);

    tcase = suite_long_case(s, "alarms, divided otherwise");
    tcase_add_loop_test(tcase, the_list_has_the_loudest_first, 3, 12);
    tcase_add_loop_test(tcase, equal_alarms_stand_by_slot, 2, 10);
    return s;
}

TOCSIN_TEST_MAIN(suite)
