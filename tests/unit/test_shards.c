/* Shards: save, load, split and merge, held against the banks they come from and against an array
 * of single detectors.  What damage and forgery do is in tests/fault. */
#include <math.h>
#include <stdio.h>

#include "../support/banks.h"
#include "../support/counting_allocator.h"
#include "../support/inputs.h"
#include "../support/shards.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

#define SERIES 150          /* three tiles, the last one not full */
#define TICKS 60

static input inputs[INPUT_KINDS];

static void make_inputs(void)
{
    for (int kind = 0; kind < INPUT_KINDS; kind++)
        input_make(&inputs[kind], kind, 21);
}

/* ---- Banks with something in them ---------------------------------------------------- */

static double value_at(uint64_t id, size_t i)
{
    return inputs[id % INPUT_KINDS].value[(i + (size_t)(id % 97)) % INPUT_POINTS];
}

/* A tick whose values depend on the series' ids, so that it does not matter where they live. */
static void tick(tocsin_bank *bank, size_t i, double *scores, uint64_t *alarms)
{
    const uint32_t slots = tocsin_bank_slots(bank);
    double *values = malloc((slots + 1) * sizeof *values);
    tocsin_tick t;

    ck_assert_ptr_nonnull(values);
    for (uint32_t slot = 0; slot < slots; slot++) {
        uint64_t id = 0;

        tocsin_bank_id(bank, slot, &id);
        values[slot] = value_at(id, i);
    }
    t = banks_tick(bank, INPUT_START + (int64_t)i * TOCSIN_MINUTE, values);
    t.scores = scores;
    t.alarms = alarms;
    require(tocsin_bank_tick(bank, &t) == TOCSIN_OK, "no tick");
    free(values);
}

/* Series that came at different times, some of them gone again, a mark, a pause. */
static tocsin_bank *busy_bank(const tocsin_spec *spec, uint32_t clock, size_t ticks)
{
    tocsin_bank_options options = banks_options();
    tocsin_bank *bank;
    rng r = rng_seeded(7);

    options.clock = clock;
    bank = banks_create(spec, &options);
    for (uint64_t i = 0; i < SERIES; i++)
        banks_add(bank, banks_id(i));
    for (size_t i = 0; i < ticks; i++) {
        const uint32_t slot = (uint32_t)rng_below(&r, SERIES);

        tick(bank, i < ticks / 2 ? i : i + 20, NULL, NULL);
        if (i % 3 == 0)
            tocsin_bank_remove(bank, slot);
        if (i % 9 == 0)
            banks_add(bank, banks_id(1000 + i));
        if (i == ticks / 3 && clock == TOCSIN_CLOCK_OWN && tocsin_bank_slots(bank) > 3)
            tocsin_bank_mark(bank, (const uint32_t[]){1, 2}, 1, TOCSIN_MARK_DEPLOY,
                             TOCSIN_MARK_MUTE, INPUT_START, TOCSIN_TIME_NONE);
    }
    return bank;
}

static void assert_same_series(const tocsin_bank *a, uint32_t slot_a, const tocsin_bank *b,
                               uint32_t slot_b, const char *where)
{
    tocsin_detector *one = specs_detector(tocsin_bank_spec(a));
    tocsin_detector *other = specs_detector(tocsin_bank_spec(b));

    require(tocsin_bank_copy_out(a, slot_a, one) == TOCSIN_OK, "%s: no series", where);
    require(tocsin_bank_copy_out(b, slot_b, other) == TOCSIN_OK, "%s: no series", where);
    assert_same_state(one, other, where);
    tocsin_detector_free(one);
    tocsin_detector_free(other);
}

/* The same series in the same slots in the same states, and the same counts. */
static void assert_same_banks(const tocsin_bank *a, const tocsin_bank *b, const char *where)
{
    const tocsin_bank_info info_a = banks_info(a), info_b = banks_info(b);
    tocsin_bank_counts total_a, total_b;

    require(info_a.slots == info_b.slots && info_a.series == info_b.series &&
                info_a.time == info_b.time && info_a.added == info_b.added &&
                info_a.removed == info_b.removed && info_a.evicted == info_b.evicted,
            "%s: other infos", where);
    total_a.struct_size = total_b.struct_size = sizeof total_a;
    tocsin_bank_total(a, &total_a);
    tocsin_bank_total(b, &total_b);
    require(memcmp(&total_a, &total_b, sizeof total_a) == 0, "%s: other counts", where);
    for (uint32_t slot = 0; slot < info_a.slots; slot++) {
        uint64_t id_a = 0, id_b = 0;
        const int has = tocsin_bank_id(a, slot, &id_a) == TOCSIN_OK;

        require(has == (tocsin_bank_id(b, slot, &id_b) == TOCSIN_OK) && id_a == id_b,
                "%s: slot %u has another series", where, slot);
        if (has)
            assert_same_series(a, slot, b, slot, where);
    }
}

static tocsin_bank *loaded(const shard *s, const tocsin_spec *spec, uint32_t clock, uint32_t slots)
{
    tocsin_bank_options options = banks_options();
    tocsin_shard_options how = shard_options();
    tocsin_bank *bank;
    int status;

    options.clock = clock;
    bank = banks_create(spec, &options);
    how.slots = slots;
    status = shard_read(s, bank, &how);
    require(status == TOCSIN_OK, "not loaded: %s", tocsin_status_name(status));
    return bank;
}

/* ---- Round trips ----------------------------------------------------------------------- */

/* Save, load, go on: the same bits as going on, and the loaded bank saves to the same bytes. */
static void round_trip(const char *text, uint32_t clock)
{
    static double scores_a[SERIES], scores_b[SERIES];
    static uint64_t alarms_a[3], alarms_b[3];
    tocsin_spec *spec = specs_compile(text);
    tocsin_bank *bank = busy_bank(spec, clock, TICKS), *copy;
    shard s = shard_of(bank, NULL), again;

    copy = loaded(&s, spec, clock, TOCSIN_SLOTS_KEPT);
    assert_same_banks(bank, copy, text);
    again = shard_of(copy, NULL);
    require(s.size == again.size && memcmp(s.bytes, again.bytes, s.size) == 0,
            "%s: another shard", text);
    for (size_t i = 0; i < 30; i++) {
        tick(bank, TICKS + 30 + i, scores_a, alarms_a);
        tick(copy, TICKS + 30 + i, scores_b, alarms_b);
        require(memcmp(scores_a, scores_b, sizeof scores_a) == 0, "%s: other scores", text);
        require(memcmp(alarms_a, alarms_b, sizeof alarms_a) == 0, "%s: other alarms", text);
    }
    assert_same_banks(bank, copy, text);
    shard_free(&s);
    shard_free(&again);
    tocsin_bank_free(bank);
    tocsin_bank_free(copy);
    tocsin_spec_free(spec);
}

START_TEST(round_trips_for_every_spec)
{
    specs list = specs_few();

    make_inputs();
    for (size_t i = 0; i < list.count; i++)
        round_trip(list.text[i], (uint32_t)_i);
    specs_free(&list);
}
END_TEST

START_TEST(a_bank_without_series)
{
    tocsin_spec *spec = specs_compile("ewma");
    tocsin_bank *bank = banks_create(spec, NULL), *copy;
    shard s = shard_of(bank, NULL);

    copy = loaded(&s, spec, TOCSIN_CLOCK_OWN, TOCSIN_SLOTS_NEW);
    assert_same_banks(bank, copy, "an empty bank");
    ck_assert_uint_eq(tocsin_bank_slots(copy), 0);
    tocsin_bank_free(copy);
    copy = loaded(&s, spec, TOCSIN_CLOCK_OWN, TOCSIN_SLOTS_KEPT);
    ck_assert_uint_eq(tocsin_bank_slots(copy), 0);
    tocsin_bank_free(copy);
    shard_free(&s);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

/* Pieces of every size, on either side. */
START_TEST(pieces_of_every_size)
{
    tocsin_spec *spec = specs_compile("ewma half-life=20p | tail | alarm budget=1/1h");
    tocsin_bank *bank;
    shard s;

    make_inputs();
    bank = busy_bank(spec, TOCSIN_CLOCK_OWN, 12);
    s = shard_of(bank, NULL);
    for (size_t piece = 1; piece <= s.size + 1; piece += piece < 300 ? 1 : s.size / 17) {
        shard other = shard_in_pieces(bank, NULL, piece);

        ck_assert_uint_eq(other.size, s.size);
        ck_assert_mem_eq(other.bytes, s.bytes, s.size);
        shard_free(&other);
        if (piece < 40 || piece > 290) {
            tocsin_shard_options how = shard_options();
            tocsin_bank *copy = banks_create(spec, NULL);

            how.slots = TOCSIN_SLOTS_KEPT;
            ck_assert_int_eq(shard_read_in_pieces(s.bytes, s.size, copy, &how, piece, NULL, NULL),
                             TOCSIN_OK);
            assert_same_banks(bank, copy, "in pieces");
            tocsin_bank_free(copy);
        }
    }
    shard_free(&s);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

/* Without SLOTS_KEPT the series close ranks, in the order they had. */
START_TEST(new_slots_close_the_holes)
{
    tocsin_spec *spec = specs_compile("ewma");
    tocsin_bank *bank, *copy;
    uint32_t next = 0;
    shard s;

    make_inputs();
    bank = busy_bank(spec, TOCSIN_CLOCK_OWN, 30);
    s = shard_of(bank, NULL);
    copy = loaded(&s, spec, TOCSIN_CLOCK_OWN, TOCSIN_SLOTS_NEW);
    for (uint32_t slot = 0; slot < tocsin_bank_slots(bank); slot++) {
        uint64_t id;

        if (tocsin_bank_id(bank, slot, &id) != TOCSIN_OK)
            continue;
        ck_assert_uint_eq(tocsin_bank_find(copy, id), next);
        assert_same_series(bank, slot, copy, next++, "closed ranks");
    }
    ck_assert_uint_eq(tocsin_bank_slots(copy), next);
    ck_assert_uint_lt(next, tocsin_bank_slots(bank));
    shard_free(&s);
    tocsin_bank_free(copy);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

/* Holes are free slots: whoever is added next takes that which it would have taken. */
START_TEST(kept_holes_are_free_slots)
{
    tocsin_spec *spec = specs_compile("ewma");
    tocsin_bank *bank = banks_create(spec, NULL), *copy, *part;
    const tocsin_selection all = shard_range(0, UINT64_MAX);
    shard s;

    for (uint64_t i = 0; i < 200; i++)
        banks_add(bank, i);
    for (uint32_t slot = 0; slot < 200; slot++)
        if (slot != 70 && slot != 199)
            ck_assert_int_eq(tocsin_bank_remove(bank, slot), TOCSIN_OK);
    s = shard_of(bank, NULL);
    copy = loaded(&s, spec, TOCSIN_CLOCK_OWN, TOCSIN_SLOTS_KEPT);
    ck_assert_uint_eq(tocsin_bank_slots(copy), 200);
    ck_assert_uint_eq(tocsin_bank_find(copy, 70), 70);
    ck_assert_uint_eq(tocsin_bank_find(copy, 199), 199);
    ck_assert_uint_eq(banks_info(copy).series, 2);
    tocsin_bank_remove(bank, 199);      /* a bank may end in free slots */
    tocsin_bank_remove(copy, 199);
    shard_free(&s);
    tocsin_bank_free(copy);
    s = shard_of(bank, NULL);
    copy = loaded(&s, spec, TOCSIN_CLOCK_OWN, TOCSIN_SLOTS_KEPT);
    ck_assert_uint_eq(tocsin_bank_slots(copy), 200);
    shard_free(&s);
    s = shard_of(bank, &all);
    part = loaded(&s, spec, TOCSIN_CLOCK_OWN, TOCSIN_SLOTS_KEPT);
    for (uint64_t i = 1000; i < 1199; i++)
        ck_assert_uint_eq(banks_add(copy, i), banks_add(bank, i));
    ck_assert_uint_eq(banks_add(copy, 5000), 200);
    for (uint32_t slot = 0; slot < 70; slot++)      /* part of a bank: the lowest first */
        ck_assert_uint_eq(banks_add(part, 1000 + slot), slot);
    ck_assert_uint_eq(banks_add(part, 3000), 71);
    shard_free(&s);
    tocsin_bank_free(part);
    tocsin_bank_free(copy);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

/* A bank without ids goes by its slots. */
START_TEST(a_bank_without_ids)
{
    tocsin_spec *spec = specs_compile("ewma | raw");
    tocsin_bank_options options = banks_options();
    tocsin_shard_options how = shard_options();
    tocsin_bank *bank, *copy, *with_ids = banks_create(spec, NULL);
    tocsin_selection upper = shard_range(50, 99);
    tocsin_shard_info info;
    double values[100];
    shard s, half;

    options.ids = TOCSIN_IDS_NONE;
    options.clock = (uint32_t)_i;
    bank = banks_create(spec, &options);
    for (uint64_t i = 0; i < 100; i++)
        banks_add(bank, i);
    for (int t = 0; t < 50; t++) {
        for (int i = 0; i < 100; i++)
            values[i] = t * i % 13;
        const tocsin_tick one = banks_tick(bank, INPUT_START + t * TOCSIN_MINUTE, values);

        ck_assert_int_eq(tocsin_bank_tick(bank, &one), TOCSIN_OK);
    }
    ck_assert_int_eq(tocsin_bank_remove(bank, 20), TOCSIN_OK);
    s = shard_of(bank, NULL);
    half = shard_of(bank, &upper);

    info.struct_size = sizeof info;
    ck_assert_int_eq(tocsin_shard_peek(s.bytes, s.size, &info, NULL), TOCSIN_OK);
    ck_assert_uint_eq(info.ids, TOCSIN_IDS_NONE);
    ck_assert_uint_eq(info.clock, (uint32_t)_i);
    ck_assert_int_eq(shard_read(&s, with_ids, NULL), TOCSIN_ERROR_MISMATCH);

    how.slots = TOCSIN_SLOTS_KEPT;
    copy = banks_create(spec, &options);
    ck_assert_int_eq(shard_read(&s, copy, &how), TOCSIN_OK);
    ck_assert_uint_eq(tocsin_bank_slots(copy), 100);
    for (uint32_t slot = 0; slot < 100; slot++)
        if (slot != 20)
            assert_same_series(bank, slot, copy, slot, "without ids");

    /* None of the series is there already: they are added, whatever slots they had. */
    ck_assert_int_eq(shard_read(&half, copy, NULL), TOCSIN_OK);
    ck_assert_uint_eq(banks_info(copy).series, 149);
    assert_same_series(bank, 50, copy, 20, "without ids");      /* the free slot */
    assert_same_series(bank, 51, copy, 100, "without ids");
    shard_free(&s);
    shard_free(&half);
    tocsin_bank_free(copy);
    tocsin_bank_free(with_ids);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

/* ---- Split and merge beside an array of detectors ------------------------------------------ */

typedef struct fleet {
    tocsin_spec *spec;
    tocsin_detector *detector[SERIES];
    tocsin_bank *bank[4];
    size_t banks;
    size_t next;                /* point */
    rng r;
} fleet;

static uint64_t fleet_id(size_t i)
{
    return i % 2 ? banks_id(i) : i;
}

/* One point for every series, wherever it lives; each detector's verdict is the bank's. */
static void fleet_push(fleet *f)
{
    for (size_t i = 0; i < SERIES; i++) {
        tocsin_verdict expected, verdict;
        tocsin_point point;
        size_t found = 0;

        if (rng_below(&f->r, 4) == 0)
            continue;
        point.key = fleet_id(i);
        point.time = INPUT_START + (int64_t)f->next * TOCSIN_MINUTE;
        point.value = value_at(i, f->next);
        tocsin_detector_push(f->detector[i], point.time, point.value, TOCSIN_LEARN_AND_SCORE,
                             &expected, sizeof expected);
        for (size_t b = 0; b < f->banks; b++) {
            if (tocsin_bank_find(f->bank[b], point.key) == TOCSIN_SLOT_NONE)
                continue;
            found++;
            tocsin_bank_push_ids(f->bank[b], &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, &verdict,
                                 sizeof verdict);
            assert_same_verdict(&expected, &verdict, "a fleet");
        }
        require(found == 1, "series %zu is in %zu banks", i, found);
    }
    f->next++;
}

/* Move what is selected into a bank of its own. */
static void fleet_split(fleet *f, size_t from, const tocsin_selection *selection)
{
    shard s = shard_of(f->bank[from], selection);
    const uint64_t before = banks_info(f->bank[from]).series;
    tocsin_bank *bank = banks_create(f->spec, NULL);
    tocsin_shard_info info;
    uint64_t removed = 0;

    info.struct_size = sizeof info;
    require(tocsin_shard_peek(s.bytes, s.size, &info, NULL) == TOCSIN_OK, "no peek");
    require(tocsin_bank_remove_selected(f->bank[from], selection, &removed) == TOCSIN_OK,
            "not removed");
    require(info.series == removed, "written and removed are not the same");
    require(banks_info(f->bank[from]).series == before - removed, "not all were removed");
    require(shard_read(&s, bank, NULL) == TOCSIN_OK, "not read");
    require(banks_info(bank).series == removed, "not all were read");
    f->bank[f->banks++] = bank;
    shard_free(&s);
}

static void fleet_merge(fleet *f, size_t to)
{
    tocsin_bank *from = f->bank[f->banks - 1];
    shard s = shard_in_pieces(from, NULL, 1 + rng_below(&f->r, 5000));

    require(shard_read_in_pieces(s.bytes, s.size, f->bank[to], NULL,
                                 1 + rng_below(&f->r, 5000), NULL, NULL) == TOCSIN_OK,
            "not merged");
    tocsin_bank_free(from);
    f->banks--;
    shard_free(&s);
}

START_TEST(split_and_merged_beside_detectors)
{
    static const char *const texts[] = {
        "ewma half-life=20p | tail | alarm budget=1/1h",
        "counter | holt-winters season=6p | raw",
        "holt-winters season=12p,48p state=double | tail | alarm budget=1/2h",
    };
    fleet f;

    make_inputs();
    memset(&f, 0, sizeof f);
    f.r = rng_seeded((uint64_t)_i);
    f.spec = specs_compile(texts[_i]);
    f.bank[f.banks++] = banks_create(f.spec, NULL);
    for (size_t i = 0; i < SERIES; i++) {
        banks_add(f.bank[0], fleet_id(i));
        f.detector[i] = specs_detector(f.spec);
    }
    for (int round = 0; round < 60; round++) {
        const uint32_t parts = 2 + (uint32_t)rng_below(&f.r, 3);
        tocsin_selection selection = shard_part((uint32_t)rng_below(&f.r, parts), parts);

        if (rng_below(&f.r, 2))
            selection = shard_range(rng_below(&f.r, 100), rng_u64(&f.r) | 100);
        fleet_push(&f);
        if (f.banks < 4 && rng_below(&f.r, 2))
            fleet_split(&f, rng_below(&f.r, f.banks), &selection);
        else if (f.banks > 1)
            fleet_merge(&f, rng_below(&f.r, f.banks - 1));
    }
    for (size_t b = 0; b < f.banks; b++)
        tocsin_bank_free(f.bank[b]);
    for (size_t i = 0; i < SERIES; i++)
        tocsin_detector_free(f.detector[i]);
    tocsin_spec_free(f.spec);
}
END_TEST

/* The parts of a shared clock's bank tick on and come together again. */
START_TEST(parts_with_a_shared_clock)
{
    tocsin_spec *spec = specs_compile("ewma | tail | alarm budget=1/1h");
    const tocsin_selection part = shard_part(0, 2);
    tocsin_bank *whole, *a, *b, *late;
    shard s, moved;

    make_inputs();
    whole = busy_bank(spec, TOCSIN_CLOCK_SHARED, 30);
    s = shard_of(whole, NULL);
    a = loaded(&s, spec, TOCSIN_CLOCK_SHARED, TOCSIN_SLOTS_NEW);
    late = loaded(&s, spec, TOCSIN_CLOCK_SHARED, TOCSIN_SLOTS_NEW);
    moved = shard_of(a, &part);
    ck_assert_int_eq(tocsin_bank_remove_selected(a, &part, NULL), TOCSIN_OK);
    b = loaded(&moved, spec, TOCSIN_CLOCK_SHARED, TOCSIN_SLOTS_NEW);
    shard_free(&moved);
    for (size_t i = 60; i < 90; i++) {
        tick(whole, i, NULL, NULL);
        tick(a, i, NULL, NULL);
        tick(b, i, NULL, NULL);
    }
    moved = shard_of(b, NULL);
    ck_assert_int_eq(shard_read(&moved, a, NULL), TOCSIN_OK);
    for (uint32_t slot = 0; slot < tocsin_bank_slots(whole); slot++) {
        uint64_t id;

        if (tocsin_bank_id(whole, slot, &id) == TOCSIN_OK)
            assert_same_series(whole, slot, a, tocsin_bank_find(a, id), "parts");
    }

    /* Who has not had the same ticks has another clock. */
    ck_assert_int_eq(tocsin_bank_remove_selected(late, &part, NULL), TOCSIN_OK);
    ck_assert_int_eq(shard_read(&moved, late, NULL), TOCSIN_ERROR_MISMATCH);
    shard_free(&moved);
    shard_free(&s);
    tocsin_bank_free(whole);
    tocsin_bank_free(a);
    tocsin_bank_free(b);
    tocsin_bank_free(late);
    tocsin_spec_free(spec);
}
END_TEST

/* From a shared clock to clocks of their own it goes, but not back. */
START_TEST(across_clocks)
{
    tocsin_spec *spec = specs_compile("ewma | tail | alarm budget=1/1h");
    tocsin_bank_options options = banks_options();
    tocsin_bank *shared, *own, *other;
    shard s;

    make_inputs();
    shared = busy_bank(spec, TOCSIN_CLOCK_SHARED, 30);
    s = shard_of(shared, NULL);
    own = loaded(&s, spec, TOCSIN_CLOCK_OWN, TOCSIN_SLOTS_KEPT);
    for (uint32_t slot = 0; slot < tocsin_bank_slots(shared); slot++) {
        uint64_t id;

        if (tocsin_bank_id(shared, slot, &id) == TOCSIN_OK)
            assert_same_series(shared, slot, own, slot, "across clocks");
    }
    shard_free(&s);
    s = shard_of(own, NULL);
    options.clock = TOCSIN_CLOCK_SHARED;
    other = banks_create(spec, &options);
    ck_assert_int_eq(shard_read(&s, other, NULL), TOCSIN_ERROR_MISMATCH);
    ck_assert_uint_eq(banks_info(other).series, 0);
    shard_free(&s);
    tocsin_bank_free(shared);
    tocsin_bank_free(own);
    tocsin_bank_free(other);
    tocsin_spec_free(spec);
}
END_TEST

/* ---- Selections -------------------------------------------------------------------------- */

START_TEST(parts_are_what_the_header_says)
{
    uint64_t counts[7] = {0};
    rng r = rng_seeded(5);

    for (int i = 0; i < 70000; i++) {
        const uint64_t id = i < 1000 ? (uint64_t)i : rng_u64(&r);
        uint64_t z = id;

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        z = z ^ z >> 31;
        for (uint32_t part = 0; part < 7; part++) {
            const tocsin_selection selection = shard_part(part, 7);
            const int expected = (z & UINT32_MAX) * 7 >> 32 == part;

            require(tocsin_selection_holds(&selection, id) == expected, "id %d", i);
            counts[part] += (uint64_t)expected;
        }
    }
    for (int part = 0; part < 7; part++)        /* ten thousand, and five deviations */
        require(counts[part] > 9500 && counts[part] < 10500, "an uneven part");
}
END_TEST

START_TEST(selections_are_checked)
{
    tocsin_selection selection = shard_range(5, 9);

    ck_assert_int_eq(tocsin_selection_holds(NULL, 7), 1);
    ck_assert_int_eq(tocsin_selection_holds(&selection, 4), 0);
    ck_assert_int_eq(tocsin_selection_holds(&selection, 5), 1);
    ck_assert_int_eq(tocsin_selection_holds(&selection, 9), 1);
    ck_assert_int_eq(tocsin_selection_holds(&selection, 10), 0);
    selection.last = 4;
    ck_assert_int_eq(tocsin_selection_holds(&selection, 5), 0);
    selection = shard_part(3, 3);
    ck_assert_int_eq(tocsin_selection_holds(&selection, 5), 0);
    selection = shard_part(0, 1);
    ck_assert_int_eq(tocsin_selection_holds(&selection, 5), 1);
    selection.kind = 9;
    ck_assert_int_eq(tocsin_selection_holds(&selection, 5), 0);
    selection = shard_part(0, 1);
    selection.struct_size--;
    ck_assert_int_eq(tocsin_selection_holds(&selection, 5), 0);
}
END_TEST

/* ---- Who wins ------------------------------------------------------------------------------- */

static tocsin_spec *spec;
static tocsin_bank *ours;
static tocsin_detector *their_detector[3], *our_detector[3];
static shard theirs;

/* Ids 1, 2 and 3 in both; the shard's 1 is newer, its 2 older, 3 has the same last time.
 * The bank has 4 as well, the shard 5. */
static void setup_rivals(void)
{
    tocsin_bank *bank;

    spec = specs_compile("ewma");
    ours = banks_create(spec, NULL);
    bank = banks_create(spec, NULL);
    for (uint64_t id = 1; id <= 3; id++) {
        static const int our_last[] = {10, 20, 30}, their_last[] = {20, 10, 30};
        const uint32_t our_slot = banks_add(ours, id), their_slot = banks_add(bank, id);

        for (int i = 0; i <= 30; i++) {
            tocsin_point point;

            point.key = id;
            point.time = INPUT_START + i * TOCSIN_MINUTE;
            point.value = i;
            if (i <= our_last[id - 1])
                tocsin_bank_push_ids(ours, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0);
            point.value = -i;
            if (i <= their_last[id - 1])
                tocsin_bank_push_ids(bank, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0);
        }
        our_detector[id - 1] = specs_detector(spec);
        their_detector[id - 1] = specs_detector(spec);
        tocsin_bank_copy_out(ours, our_slot, our_detector[id - 1]);
        tocsin_bank_copy_out(bank, their_slot, their_detector[id - 1]);
    }
    banks_add(ours, 4);
    banks_add(bank, 5);
    theirs = shard_of(bank, NULL);
    tocsin_bank_free(bank);
}

static void teardown_rivals(void)
{
    for (int i = 0; i < 3; i++) {
        tocsin_detector_free(our_detector[i]);
        tocsin_detector_free(their_detector[i]);
    }
    shard_free(&theirs);
    tocsin_bank_free(ours);
    tocsin_spec_free(spec);
}

static void assert_winners(const tocsin_bank *bank, const int *is_theirs, const char *where)
{
    tocsin_detector *copy = specs_detector(spec);

    for (uint64_t id = 1; id <= 3; id++) {
        tocsin_bank_copy_out(bank, tocsin_bank_find(bank, id), copy);
        assert_same_state(is_theirs[id - 1] ? their_detector[id - 1] : our_detector[id - 1], copy,
                          where);
    }
    tocsin_detector_free(copy);
}

START_TEST(policies)
{
    static const int winners[4][3] = {{0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {1, 0, 0}};
    static const uint64_t replaced[4] = {0, 0, 3, 1};
    tocsin_shard_options how = shard_options();
    tocsin_shard_progress progress;
    tocsin_error error = states_error();
    shard before = shard_of(ours, NULL), after;
    int status;

    how.present = (uint32_t)_i;
    how.check = 1;
    status = shard_read_in_pieces(theirs.bytes, theirs.size, ours, &how, 100, &progress, &error);
    ck_assert_int_eq(status, _i == 0 ? TOCSIN_ERROR_CONFLICT : TOCSIN_OK);
    ck_assert_uint_eq(progress.added, _i == 0 ? 0 : 1);
    ck_assert_uint_eq(progress.replaced, replaced[_i]);
    ck_assert_uint_eq(progress.kept, _i == 0 ? 0 : 3 - replaced[_i]);
    after = shard_of(ours, NULL);
    ck_assert_uint_eq(before.size, after.size);
    ck_assert_mem_eq(before.bytes, after.bytes, before.size);

    how.check = 0;
    status = shard_read_in_pieces(theirs.bytes, theirs.size, ours, &how, 100, &progress, &error);
    ck_assert_int_eq(status, _i == 0 ? TOCSIN_ERROR_CONFLICT : TOCSIN_OK);
    ck_assert_uint_eq(progress.series, 4);
    ck_assert_uint_eq(progress.added, _i == 0 ? 0 : 1);
    ck_assert_uint_eq(progress.replaced, replaced[_i]);
    ck_assert_uint_eq(progress.kept, _i == 0 ? 0 : 3 - replaced[_i]);
    ck_assert_uint_eq(progress.is_complete, _i != 0);
    ck_assert_uint_eq(banks_info(ours).series, _i == 0 ? 4 : 5);
    ck_assert_uint_ne(tocsin_bank_find(ours, 4), TOCSIN_SLOT_NONE);
    ck_assert_int_eq(tocsin_bank_find(ours, 5) == TOCSIN_SLOT_NONE, _i == 0);
    assert_winners(ours, winners[_i], "policies");
    shard_free(&before);
    shard_free(&after);
}
END_TEST

/* ---- Refusals --------------------------------------------------------------------------------- */

START_TEST(a_full_bank_takes_no_more)
{
    tocsin_bank_options options = banks_options();
    tocsin_bank *small;
    tocsin_shard_progress progress;

    options.max_series = 3;
    options.when_full = (uint32_t)_i;
    small = banks_create(spec, &options);
    ck_assert_int_eq(shard_read_in_pieces(theirs.bytes, theirs.size, small, NULL, 100, &progress,
                                          NULL), TOCSIN_ERROR_SPACE);
    ck_assert_uint_eq(progress.added, 0);
    ck_assert_uint_eq(banks_info(small).series, 0);
    ck_assert_uint_eq(banks_info(small).evicted, 0);
    tocsin_bank_free(small);

    options.max_series = 4;
    small = banks_create(spec, &options);
    ck_assert_int_eq(shard_read(&theirs, small, NULL), TOCSIN_OK);
    ck_assert_uint_eq(banks_info(small).series, 4);
    tocsin_bank_free(small);
}
END_TEST

START_TEST(of_another_pipe)
{
    static const char *const texts[] = {"holt-winters", "ewma state=double", "ewma | raw",
                                        "counter | ewma", "ewma half-life=3p"};
    static const int expected[] = {TOCSIN_ERROR_MISMATCH, TOCSIN_ERROR_MISMATCH,
                                   TOCSIN_ERROR_MISMATCH, TOCSIN_ERROR_MISMATCH,
                                   TOCSIN_INFO_RESPECIFIED};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        tocsin_spec *other = specs_compile(texts[i]);
        tocsin_bank *bank = banks_create(other, NULL);
        tocsin_error error = states_error();

        ck_assert_int_eq(shard_read_in_pieces(theirs.bytes, theirs.size, bank, NULL, 7, NULL,
                                              &error), expected[i]);
        ck_assert_uint_eq(banks_info(bank).series, expected[i] < 0 ? 0 : 4);
        ck_assert_int_eq(error.message[0] != '\0', expected[i] < 0);
        tocsin_bank_free(bank);
        tocsin_spec_free(other);
    }
}
END_TEST

START_TEST(a_change_ends_the_writing)
{
    tocsin_shard_writer *writer;
    const tocsin_point point = {1, INPUT_START + TOCSIN_DAY, 5.0};
    const uint32_t slot = tocsin_bank_find(ours, 1);
    unsigned char bytes[64];
    tocsin_tick one = banks_tick(ours, INPUT_START + TOCSIN_WEEK, NULL);
    size_t written = 9;

    ck_assert_int_eq(tocsin_shard_writer_create(&writer, ours, NULL, NULL), TOCSIN_OK);
    ck_assert_int_eq(tocsin_shard_writer_next(writer, bytes, sizeof bytes, &written), TOCSIN_OK);
    ck_assert_uint_eq(written, sizeof bytes);
    switch (_i) {
    case 0: banks_add(ours, 99); break;
    case 1: tocsin_bank_remove(ours, slot); break;
    case 2: tocsin_bank_push_ids(ours, &point, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0); break;
    case 3: tocsin_bank_tick(ours, &one); break;
    case 4: tocsin_bank_copy_in(ours, slot, their_detector[0]); break;
    case 5:
        tocsin_bank_mark(ours, NULL, 0, TOCSIN_MARK_DEPLOY, 0, INPUT_START, TOCSIN_TIME_NONE);
        break;
    case 6:
        tocsin_bank_mark(ours, &slot, 1, TOCSIN_MARK_DEPLOY, 0, INPUT_START, TOCSIN_TIME_NONE);
        break;
    case 7: tocsin_bank_evict(ours, INT64_MAX, NULL); break;
    case 8: tocsin_bank_remove_selected(ours, NULL, NULL); break;
    case 9: tocsin_bank_tick_begin(ours, &one); break;
    default: break;
    }
    ck_assert_int_eq(tocsin_shard_writer_next(writer, bytes, sizeof bytes, &written),
                     _i < 10 ? TOCSIN_ERROR_CONFLICT : TOCSIN_OK);
    ck_assert_uint_eq(written, _i < 10 ? 0 : sizeof bytes);
    tocsin_shard_writer_free(writer);
}
END_TEST

START_TEST(nothing_while_a_tick_is_under_way)
{
    const tocsin_tick one = banks_tick(ours, INPUT_START + TOCSIN_WEEK, NULL);
    tocsin_shard_writer *writer = (tocsin_shard_writer *)&theirs;
    tocsin_shard_reader *reader;
    tocsin_shard_options how = shard_options();
    tocsin_error error = states_error();

    how.present = TOCSIN_PRESENT_KEEP;
    ck_assert_int_eq(tocsin_shard_reader_create(&reader, ours, &how, NULL), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_tick_begin(ours, &one), TOCSIN_OK);
    ck_assert_int_eq(tocsin_shard_writer_create(&writer, ours, NULL, NULL), TOCSIN_ERROR_CONFLICT);
    ck_assert_ptr_null(writer);
    ck_assert_int_eq(tocsin_bank_remove_selected(ours, NULL, NULL), TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_shard_reader_feed(reader, theirs.bytes, theirs.size, &error),
                     TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(error.status, TOCSIN_ERROR_CONFLICT);
    ck_assert_int_eq(tocsin_bank_tick_end(ours), TOCSIN_OK);

    /* Nothing was taken, and nothing is lost. */
    ck_assert_int_eq(tocsin_shard_reader_feed(reader, theirs.bytes, theirs.size, &error),
                     TOCSIN_OK);
    ck_assert_int_eq(tocsin_shard_reader_finish(reader, &error), TOCSIN_OK);
    ck_assert_uint_ne(tocsin_bank_find(ours, 5), TOCSIN_SLOT_NONE);
    tocsin_shard_reader_free(reader);
}
END_TEST

START_TEST(kept_slots_need_a_bank_that_has_none)
{
    tocsin_shard_options how = shard_options();
    tocsin_shard_reader *reader;
    tocsin_bank *bank = banks_create(spec, NULL);
    size_t first = 0;

    how.slots = TOCSIN_SLOTS_KEPT;
    ck_assert_int_eq(tocsin_shard_reader_create(&reader, ours, &how, NULL), TOCSIN_ERROR_CONFLICT);
    ck_assert_ptr_null(reader);

    /* Somebody takes the slot of a series before it comes. */
    ck_assert_int_eq(tocsin_shard_reader_create(&reader, bank, &how, NULL), TOCSIN_OK);
    first = theirs.size / 4;
    ck_assert_int_eq(tocsin_shard_reader_feed(reader, theirs.bytes, first, NULL), TOCSIN_OK);
    banks_add(bank, 77);
    ck_assert_int_eq(tocsin_shard_reader_feed(reader, theirs.bytes + first, theirs.size - first,
                                              NULL), TOCSIN_ERROR_CONFLICT);
    ck_assert_uint_eq(banks_info(bank).series, 1);
    tocsin_shard_reader_free(reader);
    tocsin_bank_free(bank);
}
END_TEST

/* The same shard twice behind each other, or cut off: the first is taken, the rest refused. */
START_TEST(neither_more_nor_less)
{
    unsigned char *twice = malloc(2 * theirs.size);
    tocsin_shard_progress progress;
    tocsin_error error = states_error();
    tocsin_bank *bank = banks_create(spec, NULL);

    ck_assert_ptr_nonnull(twice);
    memcpy(twice, theirs.bytes, theirs.size);
    memcpy(twice + theirs.size, theirs.bytes, theirs.size);
    ck_assert_int_eq(shard_read_in_pieces(twice, 2 * theirs.size, bank, NULL, 1000, &progress,
                                          &error), TOCSIN_ERROR_FORMAT);
    ck_assert_uint_eq(error.offset, theirs.size);
    ck_assert_uint_eq(progress.added, 4);
    ck_assert_uint_eq(progress.is_complete, 1);
    ck_assert_uint_eq(progress.bytes, theirs.size);
    tocsin_bank_free(bank);

    bank = banks_create(spec, NULL);
    ck_assert_int_eq(shard_read_in_pieces(theirs.bytes, theirs.size - 1, bank, NULL, 1000,
                                          &progress, &error), TOCSIN_ERROR_FORMAT);
    ck_assert_uint_eq(progress.added, 4);
    ck_assert_uint_eq(progress.is_complete, 0);
    tocsin_bank_free(bank);
    free(twice);
}
END_TEST

/* ---- Looking ------------------------------------------------------------------------------------ */

START_TEST(peeking)
{
    tocsin_error error = states_error();
    tocsin_shard_info info;
    tocsin_spec *found = (tocsin_spec *)&info;
    tocsin_bank *bank;
    char text[512];
    size_t head = 0;

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    ck_assert_int_eq(tocsin_shard_peek(theirs.bytes, theirs.size, &info, &error), TOCSIN_OK);
    ck_assert_uint_eq(info.format, TOCSIN_SNAPSHOT_FORMAT);
    ck_assert_uint_eq(info.series, 4);
    ck_assert_uint_eq(info.slots, 4);
    ck_assert_uint_eq(info.ids, TOCSIN_IDS_KEPT);
    ck_assert_uint_eq(info.clock, TOCSIN_CLOCK_OWN);
    ck_assert_int_eq(info.time, INPUT_START + 30 * TOCSIN_MINUTE);
    ck_assert_int_eq(tocsin_spec_text(spec, TOCSIN_TEXT_FULL, text, sizeof text, NULL), TOCSIN_OK);
    ck_assert_uint_eq(info.spec_length, strlen(text));
    ck_assert_mem_eq(info.spec_text, text, strlen(text));

    while (tocsin_shard_peek(theirs.bytes, head, &info, &error) < 0) {
        ck_assert_int_eq(error.status, TOCSIN_ERROR_FORMAT);
        ck_assert_uint_le(error.offset, head);
        head++;
    }
    ck_assert_uint_le(head, TOCSIN_SHARD_PEEK);
    ck_assert_uint_eq(head, 20 + 12 + strlen(text) + 12 + 24);
    while (head < theirs.size)
        ck_assert_int_eq(tocsin_shard_peek(theirs.bytes, head++, &info, NULL), TOCSIN_OK);

    ck_assert_int_eq(tocsin_shard_spec(&found, theirs.bytes, theirs.size, NULL, NULL), TOCSIN_OK);
    bank = banks_create(found, NULL);
    ck_assert_int_eq(shard_read(&theirs, bank, NULL), TOCSIN_OK);
    tocsin_bank_free(bank);
    tocsin_spec_free(found);

    ck_assert_int_eq(tocsin_shard_peek(NULL, 9, &info, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_peek(theirs.bytes, 9, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_spec(NULL, theirs.bytes, 9, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_spec(&found, theirs.bytes, 99, NULL, NULL), TOCSIN_ERROR_FORMAT);
    ck_assert_ptr_null(found);
}
END_TEST

/* A detector's snapshot is no bank's, and the other way round; both say so. */
START_TEST(detectors_are_no_banks)
{
    snapshot s = snapshot_of(our_detector[0]);
    tocsin_bank *bank = banks_create(spec, NULL);
    tocsin_error error = states_error();

    ck_assert_int_eq(shard_read_in_pieces(s.bytes, s.size, bank, NULL, s.size, NULL, &error),
                     TOCSIN_ERROR_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.message, "of a detector"));
    error = states_error();
    ck_assert_int_eq(tocsin_detector_load(our_detector[0], theirs.bytes, theirs.size, &error),
                     TOCSIN_ERROR_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.message, "of a bank"));
    tocsin_bank_free(bank);
    snapshot_free(&s);
}
END_TEST

/* Without a bank everything is checked all the same. */
START_TEST(checked_without_a_bank)
{
    tocsin_shard_progress progress;
    shard damaged = theirs;
    tocsin_error error = states_error();

    ck_assert_int_eq(shard_read_in_pieces(theirs.bytes, theirs.size, NULL, NULL, 33, &progress,
                                          NULL), TOCSIN_OK);
    ck_assert_uint_eq(progress.added, 4);
    ck_assert_uint_eq(progress.bytes, theirs.size);
    damaged.bytes[damaged.size / 2] ^= 4;
    ck_assert_int_eq(shard_read_in_pieces(damaged.bytes, damaged.size, NULL, NULL, 33, &progress,
                                          &error), TOCSIN_ERROR_CHECKSUM);
    ck_assert_uint_eq(progress.added, 0);
    damaged.bytes[damaged.size / 2] ^= 4;
}
END_TEST

/* The format byte for byte, read by somebody else: the records' order and flags, a checksum over
 * all that came before, and the last series' id where it must be. */
START_TEST(records_are_what_the_header_says)
{
    static const uint32_t types[] = {1, 2, 3, 3, 3, 3, 3, 6, 5, 7};
    const unsigned char *b = theirs.bytes;
    uint32_t crc = crc32c(b, 20);
    size_t at = 20;

    ck_assert_mem_eq(b, "TOCS\1\0\1\0\0\0\0\0\2\0\0\0\0\0\0\0", 20);
    ck_assert_uint_eq(tocsin_spec_stage_count(spec), 5);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const size_t size = shard_u32(b + at + 4);

        ck_assert_uint_eq(shard_u32(b + at), types[i] | (types[i] == 6 ? 0 : 1u << 16));
        crc = crc32c_after(crc, b + at, 8 + size);
        ck_assert_uint_eq(shard_u32(b + at + 8 + size), crc);
        if (types[i] == 2)
            ck_assert_mem_eq(b + at + 8, "\1\0\0\0\4\0\0\0\4\0\0\0\0\0\0\0", 16);
        if (types[i] == 6)
            ck_assert_mem_eq(b + at + 8, "\4\0\0\0\0\0\0\0", 8);
        if (types[i] == 5)
            ck_assert_mem_eq(b + at + 8, "\0\0\0\0\17\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 20);
        if (types[i] == 7)
            ck_assert_mem_eq(b + at + 8, "\4\0\0\0\0\0\0\0", 8);
        at += 8 + size + 4;
    }
    ck_assert_uint_eq(at, theirs.size);
}
END_TEST

/* A record that a later release may have put in is passed over if it is not critical. */
START_TEST(unknown_records)
{
    unsigned char *longer = malloc(theirs.size + 15);
    size_t at = 20;
    tocsin_bank *bank = banks_create(spec, NULL);
    tocsin_shard_progress progress;

    ck_assert_ptr_nonnull(longer);
    for (int skip = 0; skip < 2 + _i / 2; skip++)
        at += 12 + (size_t)shard_u32(theirs.bytes + at + 4);
    memcpy(longer, theirs.bytes, at);
    memset(longer + at, 0, 15);
    longer[at] = 200;
    longer[at + 2] = (unsigned char)(_i % 2);
    longer[at + 4] = 3;
    memcpy(longer + at + 15, theirs.bytes + at, theirs.size - at);
    shard_repair(longer, theirs.size + 15);
    ck_assert_int_eq(shard_read_in_pieces(longer, theirs.size + 15, bank, NULL, 50, &progress,
                                          NULL), _i % 2 ? TOCSIN_ERROR_VERSION : TOCSIN_OK);
    ck_assert_uint_eq(banks_info(bank).series, _i % 2 ? progress.added : 4);
    tocsin_bank_free(bank);
    free(longer);
}
END_TEST

/* ---- Arguments and memory ------------------------------------------------------------------------- */

START_TEST(arguments_are_checked)
{
    tocsin_shard_writer *writer = (tocsin_shard_writer *)&theirs;
    tocsin_shard_reader *reader = (tocsin_shard_reader *)&theirs;
    tocsin_selection selection = shard_range(2, 1);
    tocsin_shard_options how = shard_options();
    tocsin_shard_progress progress;
    tocsin_error error = states_error();
    unsigned char byte;
    size_t written;

    ck_assert_int_eq(tocsin_shard_writer_create(NULL, ours, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_writer_create(&writer, NULL, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_ptr_null(writer);
    ck_assert_int_eq(tocsin_shard_writer_create(&writer, ours, &selection, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_remove_selected(ours, &selection, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_remove_selected(NULL, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_writer_create(&writer, ours, NULL, NULL), TOCSIN_OK);
    ck_assert_int_eq(tocsin_shard_writer_next(NULL, &byte, 1, &written), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_writer_next(writer, NULL, 1, &written), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_writer_next(writer, &byte, 0, &written), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_writer_next(writer, &byte, 1, NULL), TOCSIN_ERROR_ARGUMENT);
    tocsin_shard_writer_free(writer);
    tocsin_shard_writer_free(NULL);

    ck_assert_int_eq(tocsin_shard_reader_create(NULL, ours, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    how.present = TOCSIN_PRESENT_NEWER + 1;
    ck_assert_int_eq(tocsin_shard_reader_create(&reader, ours, &how, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_ptr_null(reader);
    how = shard_options();
    how.slots = TOCSIN_SLOTS_KEPT + 1;
    ck_assert_int_eq(tocsin_shard_reader_create(&reader, ours, &how, NULL), TOCSIN_ERROR_ARGUMENT);
    how = shard_options();
    how.check = 2;
    ck_assert_int_eq(tocsin_shard_reader_create(&reader, ours, &how, NULL), TOCSIN_ERROR_ARGUMENT);
    how = shard_options();
    how.struct_size = 3;
    ck_assert_int_eq(tocsin_shard_reader_create(&reader, ours, &how, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_reader_create(&reader, ours, NULL, NULL), TOCSIN_OK);
    ck_assert_int_eq(tocsin_shard_reader_feed(NULL, &byte, 1, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_reader_feed(reader, NULL, 1, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_reader_feed(reader, NULL, 0, NULL), TOCSIN_OK);
    error.struct_size = 5;
    ck_assert_int_eq(tocsin_shard_reader_feed(reader, &byte, 1, &error), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_reader_finish(reader, &error), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_reader_finish(NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_reader_progress(reader, NULL), TOCSIN_ERROR_ARGUMENT);
    progress.struct_size = 4;
    ck_assert_int_eq(tocsin_shard_reader_progress(reader, &progress), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_shard_reader_finish(reader, NULL), TOCSIN_ERROR_FORMAT);
    tocsin_shard_reader_free(reader);
    tocsin_shard_reader_free(NULL);
}
END_TEST

/* The writer's memory does not depend on the bank, and it allocates once; the reader's is a record's. */
START_TEST(memory_is_a_records)
{
    tocsin_bank *bank = banks_create(spec, NULL), *copy = banks_create(spec, NULL);
    counting_allocator counting;
    const tocsin_allocator allocator = counting_start(&counting);
    tocsin_shard_writer *writer;
    tocsin_shard_reader *reader;
    static unsigned char piece[10000];
    size_t written, bytes = 0, total = 0;

    for (uint64_t i = 0; i < 20000; i++)
        banks_add(bank, i);
    ck_assert_int_eq(tocsin_shard_writer_create(&writer, bank, NULL, &allocator), TOCSIN_OK);
    ck_assert_int_eq(tocsin_shard_reader_create(&reader, copy, NULL, &allocator), TOCSIN_OK);
    ck_assert_uint_eq(counting.calls, 2);
    do {
        ck_assert_int_eq(tocsin_shard_writer_next(writer, piece, sizeof piece, &written),
                         TOCSIN_OK);
        ck_assert_int_eq(tocsin_shard_reader_feed(reader, piece, written, NULL), TOCSIN_OK);
        total += written;
    } while (written == sizeof piece);
    ck_assert_int_eq(tocsin_shard_reader_finish(reader, NULL), TOCSIN_OK);
    ck_assert_uint_gt(total, 20000 * 8);
    ck_assert_uint_le(counting.calls, 2 + 4);
    for (size_t i = 0; i < COUNTING_LIVE_MAX; i++)
        bytes += counting.block[i].ptr ? counting.block[i].size : 0;
    ck_assert_uint_le(bytes, 400000);
    ck_assert_uint_eq(banks_info(copy).series, 20000);
    assert_same_series(bank, 19999, copy, 19999, "a large bank");
    tocsin_shard_writer_free(writer);
    tocsin_shard_reader_free(reader);
    ck_assert_uint_eq(counting.live, 0);
    tocsin_bank_free(bank);
    tocsin_bank_free(copy);
}
END_TEST

/* ---- Classes --------------------------------------------------------------------------------- */

enum { PODS = 90, CLASSES = 3 };

static const char *const class_texts[] = {
    "clock step=1m | ewma half-life=30p | tail | alarm budget=1/1d",
    "clock step=1m | ewma half-life=30p state=double | raw",
    "clock step=1m | holt-winters season=6p | tail | alarm budget=1/1d ticket=1/1h",
};

/* Series that come and go; the newest number, and in which slot which number is. */
typedef struct pods {
    tocsin_bank *bank;
    uint64_t born;
    rng r;
    size_t next;                /* tick */
    double scores[PODS];
} pods;

static tocsin_bank *class_bank(const tocsin_spec *pipe, uint32_t clock, uint32_t max_classes)
{
    tocsin_bank_options options = banks_options();

    options.clock = clock;
    options.max_classes = max_classes;
    return banks_create(pipe, &options);
}

static void pods_add(pods *p)
{
    const uint64_t number = p->born++;

    require(tocsin_bank_add_to(p->bank, banks_id(number), 100 + number % CLASSES, NULL) ==
                TOCSIN_OK, "not added");
}

/* A tick; then some go and some come, so that mostly a few slots are free. */
static void pods_step(pods *p)
{
    double values[PODS] = {0};
    tocsin_tick t = banks_tick(p->bank, INPUT_START + (int64_t)p->next++ * TOCSIN_MINUTE, values);

    require(t.count <= PODS, "there are too many");
    for (size_t slot = 0; slot < t.count; slot++) {
        uint64_t class_id = 0;

        tocsin_bank_class_of(p->bank, (uint32_t)slot, &class_id);
        values[slot] = 100 * (double)class_id + 5 * rng_normal(&p->r);
    }
    t.scores = p->scores;
    require(tocsin_bank_tick(p->bank, &t) == TOCSIN_OK, "no tick");
    for (size_t i = rng_below(&p->r, 4); i > 0; i--)
        tocsin_bank_remove(p->bank, (uint32_t)rng_below(&p->r, PODS));
    for (size_t i = rng_below(&p->r, 4); i > 0; i--)
        if (banks_info(p->bank).series < PODS)
            pods_add(p);
}

static pods pods_of(const tocsin_spec *pipe, uint32_t clock, size_t ticks, uint64_t seed)
{
    pods p;

    memset(&p, 0, sizeof p);
    p.bank = class_bank(pipe, clock, 8);
    p.r = rng_seeded(seed);
    p.born = 99999 * seed;
    for (size_t i = 0; i < PODS; i++)
        pods_add(&p);
    for (size_t i = 0; i < ticks; i++)
        pods_step(&p);
    return p;
}

static tocsin_class_info class_info(const tocsin_bank *bank, uint64_t class_id)
{
    tocsin_class_info info;

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    require(tocsin_bank_class_describe(bank, class_id, &info) == TOCSIN_OK, "no class %u",
            (unsigned)class_id);
    return info;
}

static tocsin_classes_info classes_info(const tocsin_bank *bank)
{
    tocsin_classes_info info;

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    require(tocsin_bank_classes(bank, &info, NULL, 0) == TOCSIN_OK, "no classes");
    return info;
}

/* The same classes in the same places, and each series in the same one. */
static void assert_same_classes(const tocsin_bank *a, const tocsin_bank *b)
{
    const tocsin_classes_info all_a = classes_info(a), all_b = classes_info(b);
    uint64_t ids_a[8], ids_b[8];

    ck_assert_mem_eq(&all_a, &all_b, sizeof all_a);
    tocsin_bank_classes(a, NULL, ids_a, 8);
    tocsin_bank_classes(b, NULL, ids_b, 8);
    for (size_t i = 0; i < all_a.classes; i++) {
        const tocsin_class_info one = class_info(a, ids_a[i]), other = class_info(b, ids_b[i]);

        ck_assert_mem_eq(&one, &other, sizeof one);
    }
    for (uint32_t slot = 0; slot < tocsin_bank_slots(a); slot++) {
        uint64_t id_a = 0, id_b = 0;

        ck_assert_int_eq(tocsin_bank_class_of(a, slot, &id_a),
                         tocsin_bank_class_of(b, slot, &id_b));
        ck_assert_uint_eq(id_a, id_b);
    }
}

static void assert_same_shards(const tocsin_bank *a, const tocsin_bank *b)
{
    shard one = shard_of(a, NULL), other = shard_of(b, NULL);

    ck_assert_uint_eq(one.size, other.size);
    ck_assert_mem_eq(one.bytes, other.bytes, one.size);
    shard_free(&one);
    shard_free(&other);
}

/* Saved and loaded, and both go on: the same scores, the same pools, and the same series born of
 * them; also where a class was forgotten and its place is free. */
START_TEST(a_loaded_bank_knows_its_classes)
{
    tocsin_spec *pipe = specs_compile(class_texts[_i / 2]);
    pods p = pods_of(pipe, (uint32_t)_i % 2, 400, 3), copy = p;
    tocsin_shard_options how = shard_options();
    tocsin_shard_progress progress;
    uint64_t born_alike = 0;
    shard s;

    how.slots = TOCSIN_SLOTS_KEPT;
    ck_assert_int_eq(tocsin_bank_class_forget(p.bank, 101), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_class_forget(p.bank, 102), TOCSIN_OK);
    pods_step(&p);
    for (uint32_t slot = 2; slot < PODS; slot += 29)
        tocsin_bank_remove(p.bank, slot ^ 1);
    tocsin_bank_remove(p.bank, PODS - 1);
    ck_assert_uint_lt(banks_info(p.bank).series, PODS - 2);
    s = shard_of(p.bank, NULL);
    copy = p;
    copy.bank = class_bank(pipe, (uint32_t)_i % 2, 8);
    ck_assert_int_eq(shard_read_in_pieces(s.bytes, s.size, copy.bank, &how, 777, &progress, NULL),
                     TOCSIN_OK);
    ck_assert_uint_eq(progress.classes_added, classes_info(p.bank).classes);
    ck_assert_uint_eq(progress.classes_replaced + progress.classes_kept + progress.classes_lost +
                          progress.classless, 0);
    assert_same_banks(p.bank, copy.bank, class_texts[_i / 2]);
    assert_same_classes(p.bank, copy.bank);
    assert_same_shards(p.bank, copy.bank);
    for (size_t i = 0; i < 300; i++) {
        pods_step(&p);
        pods_step(&copy);
        ck_assert_mem_eq(p.scores, copy.scores, sizeof p.scores);
        for (size_t k = 0; k < PODS; k++)
            born_alike += i > 0 && p.scores[k] > 0;
    }
    assert_same_banks(p.bank, copy.bank, class_texts[_i / 2]);
    assert_same_classes(p.bank, copy.bank);
    assert_same_shards(p.bank, copy.bank);
    ck_assert_uint_gt(born_alike, 0);
    shard_free(&s);
    tocsin_bank_free(p.bank);
    tocsin_bank_free(copy.bank);
    tocsin_spec_free(pipe);
}
END_TEST

/* Without room for classes the series come alone, as those of a bank without classes do, and go
 * into a bank that knows some. */
START_TEST(series_without_their_classes)
{
    tocsin_spec *pipe = specs_compile(class_texts[0]);
    pods p = pods_of(pipe, TOCSIN_CLOCK_OWN, 100, 4);
    tocsin_bank *plain = banks_create(pipe, NULL), *back = class_bank(pipe, TOCSIN_CLOCK_OWN, 8);
    tocsin_shard_options how = shard_options();
    tocsin_shard_progress progress;
    tocsin_class_info before, after;
    shard s = shard_of(p.bank, NULL), old;
    uint64_t class_id;

    how.check = 1;
    ck_assert_int_eq(shard_read_in_pieces(s.bytes, s.size, plain, &how, s.size, &progress, NULL),
                     TOCSIN_OK);
    ck_assert_uint_eq(progress.classes_lost, CLASSES);
    ck_assert_uint_eq(progress.classless, banks_info(p.bank).series);
    how.check = 0;
    how.slots = TOCSIN_SLOTS_KEPT;
    ck_assert_int_eq(shard_read_in_pieces(s.bytes, s.size, plain, &how, s.size, &progress, NULL),
                     TOCSIN_OK);
    ck_assert_uint_eq(progress.classes_lost, CLASSES);
    ck_assert_uint_eq(progress.classless, banks_info(p.bank).series);
    assert_same_banks(p.bank, plain, "without classes");

    old = shard_of(plain, NULL);
    ck_assert_int_eq(shard_read_in_pieces(old.bytes, old.size, back, &how, 99, &progress, NULL),
                     TOCSIN_OK);
    ck_assert_uint_eq(progress.classless + progress.classes_added, 0);
    ck_assert_uint_eq(classes_info(back).classes, 0);
    for (uint32_t slot = 0; slot < tocsin_bank_slots(back); slot++)
        ck_assert_int_ne(tocsin_bank_class_of(back, slot, &class_id), TOCSIN_OK);

    /* Over series that have classes: they keep them, and do not teach what they have not lived. */
    how.slots = TOCSIN_SLOTS_NEW;
    how.present = TOCSIN_PRESENT_REPLACE;
    before = class_info(p.bank, 100);
    ck_assert_int_eq(shard_read_in_pieces(old.bytes, old.size, p.bank, &how, 99, &progress, NULL),
                     TOCSIN_OK);
    ck_assert_uint_eq(progress.replaced, banks_info(p.bank).series);
    after = class_info(p.bank, 100);
    ck_assert_mem_eq(&before, &after, sizeof before);
    shard_free(&old);
    shard_free(&s);
    tocsin_bank_free(p.bank);
    tocsin_bank_free(plain);
    tocsin_bank_free(back);
    tocsin_spec_free(pipe);
}
END_TEST

/* The records of classes are what the header says; and who passes over them has the series. */
START_TEST(older_readers_pass_over_classes)
{
    tocsin_spec *pipe = specs_compile(class_texts[0]);
    pods p = pods_of(pipe, TOCSIN_CLOCK_OWN, 100, 6);
    tocsin_bank *copy = class_bank(pipe, TOCSIN_CLOCK_OWN, 8);
    tocsin_shard_options how = shard_options();
    shard s = shard_of(p.bank, NULL);
    size_t seen[16] = {0};

    for (size_t at = 20; at < s.size; at += 12 + (size_t)shard_u32(s.bytes + at + 4)) {
        const unsigned char *payload = s.bytes + at + 8;
        const uint32_t type = shard_u32(s.bytes + at);

        if (type == 8) {
            ck_assert_uint_eq(seen[5] + seen[9], 0);
            ck_assert_uint_eq(shard_u32(payload + 16), CLASSES);
        }
        if (type == 9) {                        /* the first class: place 0, id 100 */
            ck_assert_uint_eq(seen[5], 0);
            ck_assert_uint_eq(shard_u32(payload) & 0xffff, 0);
            ck_assert_uint_eq(shard_u32(payload + 2), 100 + 6 * UINT32_C(99999) % CLASSES);
        }
        if (type == 10) {
            /* As many as series; the first brings its class's id along. */
            const unsigned char *m = payload, *end = payload + shard_u32(s.bytes + at + 4);
            uint64_t members = 0;

            ck_assert_uint_eq(*m, 2);
            for (; m < end; members++)
                m += *m == 2 ? 11 : *m == 1 ? 3 : 1;
            ck_assert_ptr_eq(m, end);
            ck_assert_uint_eq(members, banks_info(p.bank).series);
            ck_assert_uint_eq(shard_u32(end + 4), 5 | 1u << 16);
        }
        seen[type & 15]++;
        if (type == 8 || type == 9 || type == 10)
            s.bytes[at] = (unsigned char)(200 + type);
    }
    ck_assert_uint_eq(seen[8], 1);
    ck_assert_uint_eq(seen[9], 1);
    ck_assert_uint_eq(seen[10], 1);
    shard_repair(s.bytes, s.size);
    how.slots = TOCSIN_SLOTS_KEPT;
    ck_assert_int_eq(shard_read(&s, copy, &how), TOCSIN_OK);
    assert_same_banks(p.bank, copy, "passed over");
    ck_assert_uint_eq(classes_info(copy).classes, 0);
    shard_free(&s);
    tocsin_bank_free(p.bank);
    tocsin_bank_free(copy);
    tocsin_spec_free(pipe);
}
END_TEST

static double pool_of(const tocsin_bank *bank, uint64_t class_id)
{
    return class_info(bank, class_id).history;
}

/* Of two pools the one with more history stays, whichever way they are merged; the members are
 * those of both. */
START_TEST(the_longer_history_stays)
{
    tocsin_spec *pipe = specs_compile(class_texts[0]);
    pods longer = pods_of(pipe, TOCSIN_CLOCK_OWN, 900, 6);
    pods shorter = pods_of(pipe, TOCSIN_CLOCK_OWN, 500, 7);
    const uint64_t series = banks_info(longer.bank).series + banks_info(shorter.bank).series;
    shard s_longer = shard_of(longer.bank, NULL), s_shorter = shard_of(shorter.bank, NULL);
    const double history = pool_of(longer.bank, 100), limit = class_info(longer.bank, 100).limit;
    tocsin_shard_options how = shard_options();
    tocsin_shard_progress progress;

    ck_assert(history > pool_of(shorter.bank, 100) && pool_of(shorter.bank, 100) > 0);
    for (how.check = 1;; how.check--) {
        ck_assert_int_eq(shard_read_in_pieces(s_shorter.bytes, s_shorter.size, longer.bank, &how,
                                              5000, &progress, NULL), TOCSIN_OK);
        ck_assert_uint_eq(progress.classes_kept, CLASSES);
        ck_assert_int_eq(shard_read_in_pieces(s_longer.bytes, s_longer.size, shorter.bank, &how,
                                              5000, &progress, NULL), TOCSIN_OK);
        ck_assert_uint_eq(progress.classes_replaced, CLASSES);
        if (how.check == 0)
            break;
        ck_assert(pool_of(shorter.bank, 100) < history);
    }
    for (uint64_t id = 100; id < 100 + CLASSES; id++) {
        const tocsin_class_info a = class_info(longer.bank, id), b = class_info(shorter.bank, id);

        ck_assert_mem_eq(&a, &b, sizeof a);
    }
    ck_assert(pool_of(longer.bank, 100) == history && class_info(longer.bank, 100).limit == limit);
    ck_assert_uint_eq(class_info(longer.bank, 100).members + class_info(longer.bank, 101).members +
                          class_info(longer.bank, 102).members, series);
    shard_free(&s_longer);
    shard_free(&s_shorter);
    tocsin_bank_free(longer.bank);
    tocsin_bank_free(shorter.bank);
    tocsin_spec_free(pipe);
}
END_TEST

/* Where there is no room for all, those stay in which something has happened last, whoever
 * brought them; but none that has series. */
START_TEST(a_full_table_keeps_the_latest)
{
    tocsin_spec *pipe = specs_compile("ewma | raw");
    rng r = rng_seeded(8);

    for (int trial = 0; trial < 200; trial++) {
        tocsin_bank *from = class_bank(pipe, TOCSIN_CLOCK_OWN, 8);
        tocsin_bank *to = class_bank(pipe, TOCSIN_CLOCK_OWN, 3);
        int64_t active[20], newest = 0;
        int has_series[20] = {0};
        tocsin_shard_progress progress;
        uint64_t ids[3], stay = 0;
        shard s;

        for (uint64_t id = 0; id < 11; id++) {
            tocsin_bank *bank = id < 8 ? from : to;
            tocsin_point now = {1000 + id, INPUT_START, 1};
            uint32_t slot;

            newest = (id == 8 ? 0 : newest) + 1 + (int64_t)rng_below(&r, 1000);
            active[id] = newest;
            now.time += newest;
            banks_add(bank, now.key);
            ck_assert_int_eq(tocsin_bank_push_ids(bank, &now, 1, TOCSIN_LEARN_AND_SCORE, NULL,
                                                  NULL, 0), TOCSIN_OK);
            ck_assert_int_eq(tocsin_bank_add_to(bank, 2000 + id, id, &slot), TOCSIN_OK);
            has_series[id] = rng_below(&r, 3) == 0;
            if (!has_series[id])
                ck_assert_int_eq(tocsin_bank_remove(bank, slot), TOCSIN_OK);
        }
        s = shard_of(from, NULL);
        ck_assert_int_eq(shard_read_in_pieces(s.bytes, s.size, to, NULL, 999, &progress, NULL),
                         TOCSIN_OK);
        tocsin_bank_classes(to, NULL, ids, 3);
        for (uint64_t id = 0; id < 11; id++) {
            uint32_t ahead = 0;
            int is_there = 0;

            for (size_t k = 0; k < 3; k++)
                is_there |= ids[k] == id;
            stay += (uint64_t)is_there;
            if (id >= 8 && has_series[id]) {
                ck_assert_int_eq(is_there, 1);
                continue;
            }
            /* Whatever is as late or has series in the bank goes first. */
            for (uint64_t other = 0; other < 11; other++)
                ahead += other != id && ((other >= 8 && has_series[other]) ||
                                         active[other] > active[id]);
            if (ahead >= 3)
                ck_assert_int_eq(is_there, 0);
        }
        ck_assert_uint_eq(stay, 3);
        ck_assert_uint_eq(progress.classes_added + progress.classes_lost, 8);
        ck_assert_uint_eq(progress.classes_kept + progress.classes_replaced, 0);
        shard_free(&s);
        tocsin_bank_free(from);
        tocsin_bank_free(to);
    }
    tocsin_spec_free(pipe);
}
END_TEST

/* A split teaches nothing, both sides know the classes, and nothing is taught twice after. */
START_TEST(a_split_teaches_nothing)
{
    tocsin_spec *pipe = specs_compile(class_texts[0]);
    pods p = pods_of(pipe, TOCSIN_CLOCK_OWN, 500, 9);
    const tocsin_selection part = shard_part(1, 3);
    tocsin_bank *other = class_bank(pipe, TOCSIN_CLOCK_OWN, 8);
    tocsin_class_info before[CLASSES], here, there;
    shard s = shard_of(p.bank, &part), back;
    tocsin_shard_progress progress;
    uint64_t removed = 0;

    for (uint64_t c = 0; c < CLASSES; c++)
        before[c] = class_info(p.bank, 100 + c);
    ck_assert_int_eq(tocsin_bank_remove_selected(p.bank, &part, &removed), TOCSIN_OK);
    ck_assert_int_eq(shard_read(&s, other, NULL), TOCSIN_OK);
    ck_assert_uint_gt(removed, 0);
    ck_assert_uint_eq(banks_info(other).series, removed);
    for (uint64_t c = 0; c < CLASSES; c++) {
        here = class_info(p.bank, 100 + c);
        there = class_info(other, 100 + c);
        ck_assert_uint_eq(here.members + there.members, before[c].members);
        here.members = there.members = before[c].members;
        ck_assert_mem_eq(&here, &before[c], sizeof here);
        ck_assert_mem_eq(&there, &before[c], sizeof there);
    }
    /* And together again, to the first split's bits but for slots. */
    back = shard_of(other, NULL);
    ck_assert_int_eq(shard_read_in_pieces(back.bytes, back.size, p.bank, NULL, 999, &progress,
                                          NULL), TOCSIN_OK);
    ck_assert_uint_eq(progress.classes_kept, CLASSES);
    for (uint64_t c = 0; c < CLASSES; c++) {
        here = class_info(p.bank, 100 + c);
        ck_assert_mem_eq(&here, &before[c], sizeof here);
    }
    for (uint32_t slot = 0; slot < tocsin_bank_slots(p.bank); slot++) {
        uint64_t class_id;

        if (tocsin_bank_id(p.bank, slot, &class_id) == TOCSIN_OK)
            ck_assert_int_eq(tocsin_bank_class_of(p.bank, slot, &class_id), TOCSIN_OK);
    }
    shard_free(&s);
    shard_free(&back);
    tocsin_bank_free(other);
    tocsin_bank_free(p.bank);
    tocsin_spec_free(pipe);
}
END_TEST

/* A class that is forgotten meanwhile ends the writing as any change does. */
START_TEST(forgetting_a_class_ends_the_writing)
{
    tocsin_spec *pipe = specs_compile(class_texts[0]);
    pods p = pods_of(pipe, TOCSIN_CLOCK_OWN, 3, 10);
    tocsin_shard_writer *writer;
    unsigned char bytes[100];
    size_t written;

    ck_assert_int_eq(tocsin_shard_writer_create(&writer, p.bank, NULL, NULL), TOCSIN_OK);
    ck_assert_int_eq(tocsin_shard_writer_next(writer, bytes, 100, &written), TOCSIN_OK);
    ck_assert_int_eq(tocsin_bank_class_forget(p.bank, 100), TOCSIN_OK);
    ck_assert_int_eq(tocsin_shard_writer_next(writer, bytes, 100, &written), TOCSIN_ERROR_CONFLICT);
    tocsin_shard_writer_free(writer);
    tocsin_bank_free(p.bank);
    tocsin_spec_free(pipe);
}
END_TEST

/* More classes than go into a record, and more series than go into a record of members. */
START_TEST(many_classes)
{
    tocsin_spec *pipe = specs_compile("ewma | tail");
    tocsin_bank *bank = class_bank(pipe, TOCSIN_CLOCK_OWN, 60000), *copy;
    tocsin_shard_options how = shard_options();
    rng r = rng_seeded(11);
    shard s;

    for (uint64_t i = 0; i < 70000; i++)
        ck_assert_int_eq(tocsin_bank_add_to(bank, i, i < 60000 ? i : rng_below(&r, 60010), NULL),
                         TOCSIN_OK);
    ck_assert_uint_gt(classes_info(bank).without, 0);
    s = shard_of(bank, NULL);
    copy = class_bank(pipe, TOCSIN_CLOCK_OWN, 60000);
    how.slots = TOCSIN_SLOTS_KEPT;
    ck_assert_int_eq(shard_read(&s, copy, &how), TOCSIN_OK);
    assert_same_shards(bank, copy);
    for (uint32_t slot = 0; slot < 70000; slot++) {
        uint64_t a = 1, b = 1;

        ck_assert_int_eq(tocsin_bank_class_of(bank, slot, &a),
                         tocsin_bank_class_of(copy, slot, &b));
        ck_assert_uint_eq(a, b);
    }
    ck_assert_uint_eq(classes_info(copy).without, classes_info(bank).without);
    shard_free(&s);
    tocsin_bank_free(bank);
    tocsin_bank_free(copy);
    tocsin_spec_free(pipe);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("shards");
    TCase *trips = suite_case(s, "round trips");
    TCase *parts = suite_case(s, "parts");
    TCase *classes = suite_case(s, "classes");
    TCase *rivals = suite_case(s, "rivals");

    tcase_add_loop_test(trips, round_trips_for_every_spec, 0, 2);
    tcase_add_test(trips, a_bank_without_series);
    tcase_add_test(trips, pieces_of_every_size);
    tcase_add_test(trips, new_slots_close_the_holes);
    tcase_add_test(trips, kept_holes_are_free_slots);
    tcase_add_loop_test(trips, a_bank_without_ids, 0, 2);
    tcase_add_loop_test(parts, split_and_merged_beside_detectors, 0, 3);
    tcase_add_test(parts, parts_with_a_shared_clock);
    tcase_add_test(parts, across_clocks);
    tcase_add_test(parts, parts_are_what_the_header_says);
    tcase_add_test(parts, selections_are_checked);
    tcase_add_loop_test(classes, a_loaded_bank_knows_its_classes, 0, 6);
    tcase_add_test(classes, series_without_their_classes);
    tcase_add_test(classes, older_readers_pass_over_classes);
    tcase_add_test(classes, the_longer_history_stays);
    tcase_add_test(classes, a_full_table_keeps_the_latest);
    tcase_add_test(classes, a_split_teaches_nothing);
    tcase_add_test(classes, forgetting_a_class_ends_the_writing);
    tcase_add_test(classes, many_classes);
    tcase_add_checked_fixture(rivals, setup_rivals, teardown_rivals);
    tcase_add_loop_test(rivals, policies, 0, 4);
    tcase_add_loop_test(rivals, a_full_bank_takes_no_more, 0, 2);
    tcase_add_test(rivals, of_another_pipe);
    tcase_add_loop_test(rivals, a_change_ends_the_writing, 0, 11);
    tcase_add_test(rivals, nothing_while_a_tick_is_under_way);
    tcase_add_test(rivals, kept_slots_need_a_bank_that_has_none);
    tcase_add_test(rivals, neither_more_nor_less);
    tcase_add_test(rivals, peeking);
    tcase_add_test(rivals, detectors_are_no_banks);
    tcase_add_test(rivals, checked_without_a_bank);
    tcase_add_test(rivals, records_are_what_the_header_says);
    tcase_add_loop_test(rivals, unknown_records, 0, 6);
    tcase_add_test(rivals, arguments_are_checked);
    tcase_add_test(rivals, memory_is_a_records);
    return s;
}

TOCSIN_TEST_MAIN(suite)
