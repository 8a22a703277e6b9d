/* Shards that were cut off, damaged or forged, and memory that runs out: there is a status, records
 * are taken whole or not at all, and a bank that was talked into false states goes on without harm. */
#include <math.h>

#include "../support/banks.h"
#include "../support/counting_allocator.h"
#include "../support/inputs.h"
#include "../support/shards.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

#define SERIES 5

/* Rows and columns, clocks of their own and a shared one, with ids and without, with classes. */
static const struct {
    const char *text;
    uint32_t clock, ids, classes;
} kinds[] = {
    {"ewma", TOCSIN_CLOCK_OWN, TOCSIN_IDS_KEPT, 0},
    {"counter | holt-winters season=4p state=double | tail | alarm budget=1/1h", TOCSIN_CLOCK_OWN,
     TOCSIN_IDS_KEPT, 0},
    {"ewma half-life=20p | tail | alarm budget=1/1h", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_KEPT, 0},
    {"holt-winters season=6p | tail | alarm budget=1/1h", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_NONE, 0},
    {"ewma | raw", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_NONE, 0},
    {"ewma half-life=20p | tail | alarm budget=1/1h", TOCSIN_CLOCK_OWN, TOCSIN_IDS_KEPT, 2},
    {"ewma | tail", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_NONE, 3},
};

#define KINDS ((int)(sizeof kinds / sizeof kinds[0]))

typedef struct victim {
    tocsin_spec *spec;
    tocsin_bank_options options;
    tocsin_bank *saved;         /* what the shard was written of */
    shard original;
    unsigned char *forged;
    size_t readings;            /* of forged ones */
    size_t series_at;           /* the record of series begins there, or the first of classes */
} victim;

static void feed(tocsin_bank *bank, size_t ticks, int64_t start)
{
    double values[64];
    input in;

    input_make(&in, INPUT_WALK, 10);
    for (size_t i = 0; i < ticks; i++) {
        tocsin_tick tick = banks_tick(bank, start + (int64_t)i * TOCSIN_MINUTE, values);

        require(tick.count <= 64, "a bank that is too large");
        for (size_t k = 0; k < 64; k++)
            values[k] = k * 7 == i ? NAN : in.value[(i + 11 * k) % INPUT_POINTS];
        tocsin_bank_tick(bank, &tick);
    }
}

static victim victim_create(int kind)
{
    victim v;
    size_t at = 20;

    memset(&v, 0, sizeof v);
    v.spec = specs_compile(kinds[kind].text);
    v.options = banks_options();
    v.options.clock = kinds[kind].clock;
    v.options.ids = kinds[kind].ids;
    v.options.max_series = 40;
    v.options.max_classes = kinds[kind].classes;
    v.saved = banks_create(v.spec, &v.options);
    for (uint64_t i = 0; i < SERIES; i++)
        if (kinds[kind].classes)
            require(tocsin_bank_add_to(v.saved, banks_id(i), 7 + i % 2, NULL) == TOCSIN_OK,
                    "not added");
        else
            banks_add(v.saved, banks_id(i));
    feed(v.saved, kinds[kind].classes ? 2000 : 80, INPUT_START);
    require(tocsin_bank_remove(v.saved, 1) == TOCSIN_OK, "not removed");
    v.original = shard_of(v.saved, NULL);
    v.forged = malloc(v.original.size);
    require(v.forged != NULL, "the test itself is out of memory");
    memcpy(v.forged, v.original.bytes, v.original.size);
    while (shard_u32(v.original.bytes + at) != (kinds[kind].classes ? 8 : (5 | 1u << 16)))
        at += 12 + (size_t)shard_u32(v.original.bytes + at + 4);
    v.series_at = at;
    return v;
}

static void victim_free(victim *v)
{
    free(v->forged);
    shard_free(&v->original);
    tocsin_bank_free(v->saved);
    tocsin_spec_free(v->spec);
}

/* Whatever pools say, series that start from them are sound: what was saved is loaded again, and
 * loading checks the bounds of every field. */
static void join_classes(tocsin_bank *bank, const tocsin_bank_options *options)
{
    tocsin_classes_info info;
    uint64_t ids[4];
    tocsin_bank *copy;
    shard s;

    info.struct_size = sizeof info;
    require(tocsin_bank_classes(bank, &info, ids, 4) == TOCSIN_OK && info.classes <= 3,
            "more classes than there can be");
    if (info.classes == 0)
        return;
    for (size_t i = 0; i < info.classes; i++) {
        tocsin_class_info one;

        one.struct_size = sizeof one;
        require(tocsin_bank_class_describe(bank, ids[i], &one) == TOCSIN_OK, "no class");
        require(!(one.limit < 0) && !isinf(one.level) && one.history >= 0 && one.history < 1e300,
                "a class knows what nobody can");
        require(one.members <= tocsin_bank_slots(bank), "more members than series");
        tocsin_bank_add_to(bank, 777 + i, ids[i], NULL);
    }
    s = shard_of(bank, NULL);
    copy = banks_create(tocsin_bank_spec(bank), options);
    require(shard_read(&s, copy, NULL) == TOCSIN_OK, "a class's series is not sound");
    tocsin_bank_free(copy);
    shard_free(&s);
}

/* Whatever its states say, ticks, points, lists, copies and shards do no harm. */
static void live_on(tocsin_bank *bank)
{
    static const double hostile[] = {0, 1, 100, -3, 1e308, -1e308, 5e-324, NAN, INFINITY, 7};
    const tocsin_bank_info info = banks_info(bank);
    tocsin_detector *detector = specs_detector(tocsin_bank_spec(bank));
    const int64_t start = info.time > INT64_MAX - 100 ? INT64_MAX - 100 : info.time + 1;
    tocsin_alarm alarms[8];
    double values[64];
    shard s;

    require(info.slots <= 64, "more slots than there can be");
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        tocsin_tick tick = banks_tick(bank, i == 9 ? INT64_MAX : start + (int64_t)i, values);

        for (size_t k = 0; k < 64; k++)
            values[k] = hostile[(i + k) % (sizeof hostile / sizeof hostile[0])];
        tocsin_bank_tick(bank, &tick);
        tocsin_bank_alarms(bank, alarms, sizeof alarms[0], 8);
    }
    for (uint32_t slot = 0; slot < info.slots; slot++)
        if (tocsin_bank_copy_out(bank, slot, detector) == TOCSIN_OK) {
            tocsin_explanation explanation;
            tocsin_forecast forecast[2];
            tocsin_verdict verdict;

            memset(&explanation, 0, sizeof explanation);
            explanation.struct_size = sizeof explanation;
            tocsin_detector_push(detector, TOCSIN_TIME_NONE, 3, TOCSIN_LEARN_AND_SCORE, &verdict,
                                 sizeof verdict);
            tocsin_detector_explain(detector, &explanation);
            tocsin_detector_forecast(detector, 2, 0.99, forecast, sizeof forecast[0]);
        }
    s = shard_of(bank, NULL);
    shard_free(&s);
    tocsin_bank_evict(bank, INPUT_START, NULL);
    banks_add(bank, 12345);
    tocsin_detector_free(detector);
}

/* Series that were taken are those of the bank that was saved. */
static void assert_sound(const victim *v, const tocsin_bank *bank, uint64_t count)
{
    tocsin_detector *one = specs_detector(v->spec), *other = specs_detector(v->spec);
    uint32_t slot = 0;

    require(banks_info(bank).series == count, "other series than were said to be taken");
    for (uint32_t from = 0; from < SERIES && count > 0; from++) {
        if (tocsin_bank_copy_out(v->saved, from, one) != TOCSIN_OK)
            continue;
        require(tocsin_bank_copy_out(bank, slot++, other) == TOCSIN_OK, "no series");
        assert_same_state(one, other, "taken");
        count--;
    }
    tocsin_detector_free(one);
    tocsin_detector_free(other);
}

/* Bytes that must be refused, in a block of exactly their size. */
static int read_refused(const victim *v, const unsigned char *bytes, size_t size, const char *where)
{
    unsigned char *block = malloc(size ? size : 1);
    tocsin_bank *bank = banks_create(v->spec, &v->options);
    tocsin_error error = states_error();
    tocsin_shard_progress progress;
    tocsin_shard_info info;
    int status;

    require(block != NULL, "the test itself is out of memory");
    memcpy(block, bytes, size);
    status = shard_read_in_pieces(block, size, bank, NULL, 1000, &progress, &error);
    require(status < 0, "%s was accepted: %s", where, tocsin_status_name(status));
    require(error.status == status && error.message[0], "%s has no error", where);
    require(error.offset <= size, "the error of %s is outside of it", where);
    require(progress.bytes <= size && progress.replaced == 0 && progress.kept == 0,
            "%s: progress", where);
    assert_sound(v, bank, progress.added);
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    tocsin_shard_peek(block, size, &info, NULL);
    tocsin_bank_free(bank);
    free(block);
    return status;
}

START_TEST(cut_off_at_every_length)
{
    victim v = victim_create(_i);

    for (size_t size = 0; size < v.original.size; size++) {
        const int status = read_refused(&v, v.original.bytes, size, "a cut-off shard");

        require(status == TOCSIN_ERROR_FORMAT, "%zu bytes: %s", size, tocsin_status_name(status));
    }
    victim_free(&v);
}
END_TEST

START_TEST(bits_flipped)
{
    victim v = victim_create(_i);

    for (size_t bit = 0; bit < 8 * v.original.size; bit += damage_stride(v.original.size)) {
        v.forged[bit / 8] ^= (unsigned char)(1u << bit % 8);
        read_refused(&v, v.forged, v.original.size, "a damaged shard");
        v.forged[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    victim_free(&v);
}
END_TEST

/* Records left out, doubled and exchanged: each by itself is intact. */
START_TEST(records_rearranged)
{
    victim v = victim_create(_i);
    size_t at[32], count = 0;
    unsigned char *bytes = malloc(2 * v.original.size);

    ck_assert_ptr_nonnull(bytes);
    for (size_t p = 20; p < v.original.size;
         p += 12 + (size_t)shard_u32(v.original.bytes + p + 4))
        at[count++] = p;
    at[count] = v.original.size;
    for (size_t i = 0; i < count; i++) {
        const size_t length = at[i + 1] - at[i], rest = v.original.size - at[i + 1];

        memcpy(bytes, v.original.bytes, at[i]);
        memcpy(bytes + at[i], v.original.bytes + at[i + 1], rest);
        ck_assert_int_lt(read_refused(&v, bytes, at[i] + rest, "a record left out"), 0);
        memcpy(bytes, v.original.bytes, at[i + 1]);
        memcpy(bytes + at[i + 1], v.original.bytes + at[i], length + rest);
        ck_assert_int_lt(read_refused(&v, bytes, v.original.size + length, "a record doubled"), 0);
        if (i + 1 < count) {
            const size_t other = at[i + 2] - at[i + 1];

            memcpy(bytes, v.original.bytes, v.original.size);
            memcpy(bytes + at[i], v.original.bytes + at[i + 1], other);
            memcpy(bytes + at[i] + other, v.original.bytes + at[i], length);
            ck_assert_int_eq(read_refused(&v, bytes, v.original.size, "records exchanged"),
                             TOCSIN_ERROR_CHECKSUM);
        }
    }
    free(bytes);
    victim_free(&v);
}
END_TEST

/* A forgery whose checksums are right.  It may pass; then the bank has to live with it. */
static void read_forged(victim *v, size_t size)
{
    tocsin_bank *bank = banks_create(v->spec, &v->options);
    tocsin_shard_options how = shard_options();
    tocsin_error error = states_error();
    tocsin_shard_progress progress;
    int status;

    shard_repair(v->forged, size);
    how.present = TOCSIN_PRESENT_REPLACE;
    how.slots = v->readings++ % 2 ? TOCSIN_SLOTS_KEPT : TOCSIN_SLOTS_NEW;
    status = shard_read_in_pieces(v->forged, size, bank, &how, size, &progress, &error);
    if (status < 0) {
        require(error.message[0], "a forged shard has no error");
        require(error.offset <= size, "the error of a forged shard is outside of it");
    }
    require(banks_info(bank).series == progress.added, "other series than were taken");
    require(progress.classless <= progress.added, "more without a class than there are");
    join_classes(bank, &v->options);
    if (progress.added > 0)
        live_on(bank);
    tocsin_bank_free(bank);
}

static void unforge(victim *v)
{
    memcpy(v->forged, v->original.bytes, v->original.size);
}

START_TEST(bits_flipped_and_repaired)
{
    victim v = victim_create(_i);

    for (size_t bit = 0; bit < 8 * v.original.size; bit += damage_stride(v.original.size)) {
        v.forged[bit / 8] ^= (unsigned char)(1u << bit % 8);
        read_forged(&v, v.original.size);
        unforge(&v);
    }
    victim_free(&v);
}
END_TEST

START_TEST(cut_off_at_every_length_and_repaired)
{
    victim v = victim_create(_i);

    for (size_t at = 20; at < v.original.size;
         at += 12 + (size_t)shard_u32(v.original.bytes + at + 4))
        for (size_t length = 0; length < shard_u32(v.original.bytes + at + 4); length++) {
            for (size_t i = 0; i < 4; i++)
                v.forged[at + 4 + i] = (unsigned char)(length >> 8 * i);
            read_forged(&v, at + 12 + length);
            unforge(&v);
        }
    victim_free(&v);
}
END_TEST

/* Eight bytes at a time replaced by what breaks arithmetic, where the series are. */
START_TEST(hostile_words_and_repaired)
{
    static const uint64_t words[] = {
        0, 1, UINT64_MAX, INT64_MAX, (uint64_t)1 << 63, UINT64_C(0x7ff0000000000000),
        UINT64_C(0x7fefffffffffffff), UINT64_C(0xffefffffffffffff), UINT64_C(0x7ff8000000000000),
        UINT64_C(0x7f7fffff7f7fffff), UINT64_C(0x8000000000000001), UINT64_C(0x43e0000000000000),
    };
    victim v = victim_create(_i);

    for (size_t at = v.series_at; at + 8 <= v.original.size - 4; at += damage_stride(v.original.size))
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
            for (size_t i = 0; i < 8; i++)
                v.forged[at + i] = (unsigned char)(words[w] >> 8 * i);
            read_forged(&v, v.original.size);
            unforge(&v);
        }
    victim_free(&v);
}
END_TEST

START_TEST(random_bytes_and_repaired)
{
    victim v = victim_create(_i);
    rng r = rng_seeded(11);

    for (size_t round = 0; round < 2500; round++) {
        const size_t first = round % 3 ? v.series_at : 0;

        for (size_t count = 1 + rng_below(&r, 12); count > 0; count--)
            v.forged[first + rng_below(&r, v.original.size - first)] = (unsigned char)rng_u64(&r);
        read_forged(&v, v.original.size);
        unforge(&v);
    }
    victim_free(&v);
}
END_TEST

/* ---- Memory ------------------------------------------------------------------------------- */

/* What is announced costs nothing: records of gigabytes, slots without end. */
START_TEST(announcements_cost_nothing)
{
    victim v = victim_create(0);
    counting_allocator counting;
    const tocsin_allocator allocator = counting_start(&counting);
    tocsin_shard_options how = shard_options();
    tocsin_shard_reader *reader;
    tocsin_bank *bank;
    size_t at = 20, bytes = 0;

    /* A field of many elements, so that a series might be as large; and then a record of one. */
    while (shard_u32(v.forged + at) != (3 | 1u << 16))
        at += 12 + (size_t)shard_u32(v.forged + at + 4);
    at += 8 + (size_t)shard_u32(v.forged + at + 4) - 2;         /* of the last field's count */
    v.forged[at] = v.forged[at + 1] = 0xff;
    shard_repair(v.forged, v.original.size);
    ck_assert_int_eq(shard_read_in_pieces(v.forged, v.original.size, NULL, NULL, 100, NULL, NULL),
                     TOCSIN_ERROR_MISMATCH);
    unforge(&v);

    for (size_t i = 0; i < 4; i++)
        v.forged[v.series_at + 4 + i] = 0xff;
    bank = banks_create(v.spec, &v.options);
    ck_assert_int_eq(tocsin_shard_reader_create(&reader, bank, NULL, &allocator), TOCSIN_OK);
    ck_assert_int_eq(tocsin_shard_reader_feed(reader, v.forged, v.original.size, NULL),
                     TOCSIN_ERROR_FORMAT);
    for (size_t i = 0; i < COUNTING_LIVE_MAX; i++)
        bytes += counting.block[i].ptr ? counting.block[i].size : 0;
    ck_assert_uint_lt(bytes, 200000);
    tocsin_shard_reader_free(reader);
    tocsin_bank_free(bank);
    unforge(&v);

    /* The last series in the last slot that a bank could have. */
    for (at = 20; shard_u32(v.forged + at) != (2 | 1u << 16);)
        at += 12 + (size_t)shard_u32(v.forged + at + 4);
    memcpy(v.forged + at + 12, "\300\377\377\177", 4);
    memcpy(v.forged + v.series_at + 8, "\376\377\377\1", 4);
    shard_repair(v.forged, v.original.size);
    how.slots = TOCSIN_SLOTS_KEPT;
    bank = banks_create(v.spec, &v.options);
    ck_assert_int_eq(shard_read_in_pieces(v.forged, v.original.size, bank, &how, 999, NULL, NULL),
                     TOCSIN_ERROR_SPACE);
    ck_assert_uint_eq(banks_info(bank).capacity, 0);
    how.slots = TOCSIN_SLOTS_NEW;
    ck_assert_int_eq(shard_read_in_pieces(v.forged, v.original.size, bank, &how, 999, NULL, NULL),
                     TOCSIN_OK);
    ck_assert_uint_eq(tocsin_bank_slots(bank), SERIES - 1);
    tocsin_bank_free(bank);
    victim_free(&v);
}
END_TEST

/* Whichever allocation fails, of the reader's or of the bank's: a status, whole records, no leak. */
START_TEST(every_allocation_may_fail)
{
    tocsin_spec *spec = specs_compile("ewma");
    tocsin_bank_options options = banks_options();
    const tocsin_selection some = shard_part(0, 3);
    tocsin_bank *bank;
    shard s;

    options.max_classes = _i == 2 ? 20 : 0;
    bank = banks_create(spec, &options);
    for (uint64_t i = 0; i < 3000; i++)
        if (_i == 2)
            ck_assert_int_eq(tocsin_bank_add_to(bank, i, i % 20, NULL), TOCSIN_OK);
        else
            banks_add(bank, i);
    s = shard_of(bank, NULL);
    for (size_t k = 1;; k++) {
        counting_allocator counting;
        const tocsin_allocator allocator = counting_start(&counting);
        tocsin_shard_writer *writer = NULL;
        tocsin_shard_reader *reader = NULL;
        tocsin_shard_progress progress = {0};
        tocsin_spec *found = NULL;
        tocsin_bank *copy = NULL;
        int status;

        counting.fail_at = k;
        status = _i != 1 ? tocsin_bank_create(&copy, spec, &options, &allocator) : TOCSIN_OK;
        if (status == TOCSIN_OK)
            status = tocsin_shard_writer_create(&writer, bank, &some, &allocator);
        if (status == TOCSIN_OK)
            status = tocsin_shard_spec(&found, s.bytes, s.size, &allocator, NULL);
        if (status == TOCSIN_OK)
            status = tocsin_shard_reader_create(&reader, copy, NULL, &allocator);
        for (size_t at = 0; at < s.size && status == TOCSIN_OK; at += 5000)
            status = tocsin_shard_reader_feed(reader, s.bytes + at,
                                              s.size - at < 5000 ? s.size - at : 5000, NULL);
        if (reader) {
            progress = shard_progress(reader);
            require(tocsin_shard_reader_finish(reader, NULL) == status, "another status");
        }
        if (copy)
            require(banks_info(copy).series == progress.added, "half a record");
        tocsin_shard_reader_free(reader);
        tocsin_shard_writer_free(writer);
        tocsin_spec_free(found);
        tocsin_bank_free(copy);
        ck_assert_uint_eq(counting.live, 0);
        if (status == TOCSIN_OK) {
            ck_assert_uint_lt(counting.calls, k);
            ck_assert_uint_eq(progress.added, 3000);
            ck_assert_uint_eq(progress.classes_added, _i == 2 ? 20 : 0);
            ck_assert_uint_eq(progress.classless, 0);
            ck_assert_uint_gt(k, 6);
            break;
        }
        ck_assert_int_eq(status, TOCSIN_ERROR_MEMORY);
    }
    shard_free(&s);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

/* A list of free slots that is none: slots twice, with series, that were never there.  Whoever is
 * added finds a place of its own. */
START_TEST(free_slots_that_are_not)
{
    victim v = victim_create(_i);
    rng r = rng_seeded(12);
    size_t at = 20;
    shard s;

    for (uint32_t slot = 2; slot < SERIES; slot += 2)
        require(tocsin_bank_remove(v.saved, slot) == TOCSIN_OK, "not removed");
    s = shard_of(v.saved, NULL);
    while (shard_u32(s.bytes + at) != 11)
        at += 12 + (size_t)shard_u32(s.bytes + at + 4);
    ck_assert_uint_eq(shard_u32(s.bytes + at + 4), 3 * 4);
    for (int trial = 0; trial < 1000; trial++) {
        tocsin_bank *bank = banks_create(v.spec, &v.options);
        tocsin_shard_options how = shard_options();
        uint64_t seen = 0;

        for (size_t i = 0; i < 12; i++)
            s.bytes[at + 8 + i] = (unsigned char)(i % 4 ? rng_below(&r, 40) == 0
                                                        : rng_below(&r, SERIES + 1));
        shard_repair(s.bytes, s.size);
        how.slots = TOCSIN_SLOTS_KEPT;
        ck_assert_int_eq(shard_read(&s, bank, &how), TOCSIN_OK);
        ck_assert_uint_le(tocsin_bank_slots(bank), SERIES);
        for (uint32_t slot = 0; slot < SERIES; slot++) {
            uint64_t id;

            seen |= (uint64_t)(tocsin_bank_id(bank, slot, &id) == TOCSIN_OK) << slot;
        }
        for (uint64_t i = 0; i < 38; i++) {
            const uint32_t slot = banks_add(bank, 5000 + i);

            ck_assert(slot < 40 && !(seen >> slot & 1));
            seen |= UINT64_C(1) << slot;
        }
        ck_assert_uint_eq(seen, (UINT64_C(1) << 40) - 1);
        tocsin_bank_free(bank);
    }
    shard_free(&s);
    victim_free(&v);
}
END_TEST

/* Two series of one id: neither is taken. */
START_TEST(an_id_that_comes_twice)
{
    victim v = victim_create(0);
    const uint64_t id = banks_id(4);
    tocsin_bank *bank = banks_create(v.spec, &v.options);
    tocsin_shard_progress progress;
    unsigned char bytes[8];
    size_t at = v.series_at;

    for (size_t i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(id >> 8 * i);
    while (memcmp(v.forged + at, bytes, 8) != 0)
        at++;
    memcpy(v.forged + at, v.forged + v.series_at + 8 + 12, 8);
    shard_repair(v.forged, v.original.size);
    ck_assert_int_eq(shard_read_in_pieces(v.forged, v.original.size, bank, NULL, 99, &progress,
                                          NULL), TOCSIN_ERROR_FORMAT);
    ck_assert_uint_eq(progress.added, 0);
    ck_assert_uint_eq(banks_info(bank).series, 0);
    tocsin_bank_free(bank);
    victim_free(&v);
}
END_TEST

/* A writer writes into the room it was given and nowhere else. */
START_TEST(guard_bytes)
{
    victim v = victim_create(_i);
    unsigned char guarded[200];
    tocsin_shard_writer *writer;
    size_t at = 0, written;
    rng r = rng_seeded(6);

    ck_assert_int_eq(tocsin_shard_writer_create(&writer, v.saved, NULL, NULL), TOCSIN_OK);
    do {
        const size_t size = 1 + rng_below(&r, 150);

        memset(guarded, 0x77, sizeof guarded);
        ck_assert_int_eq(tocsin_shard_writer_next(writer, guarded + 20, size, &written),
                         TOCSIN_OK);
        ck_assert_uint_le(at + written, v.original.size);
        ck_assert_mem_eq(guarded + 20, v.original.bytes + at, written);
        for (size_t i = 0; i < sizeof guarded; i++)
            require((i >= 20 && i < 20 + written) || guarded[i] == 0x77, "byte %zu", i);
        at += written;
    } while (written > 0);
    ck_assert_uint_eq(at, v.original.size);
    tocsin_shard_writer_free(writer);
    victim_free(&v);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fault_shards");
    TCase *tcase = suite_case(s, "shards");

    tcase_add_loop_test(tcase, cut_off_at_every_length, 0, KINDS);
    tcase_add_loop_test(tcase, bits_flipped, 0, KINDS);
    tcase_add_loop_test(tcase, records_rearranged, 0, KINDS);
    tcase_add_loop_test(tcase, bits_flipped_and_repaired, 0, KINDS);
    tcase_add_loop_test(tcase, cut_off_at_every_length_and_repaired, 0, KINDS);
    tcase_add_loop_test(tcase, hostile_words_and_repaired, 0, KINDS);
    tcase_add_loop_test(tcase, random_bytes_and_repaired, 0, KINDS);
    tcase_add_test(tcase, announcements_cost_nothing);
    tcase_add_test(tcase, an_id_that_comes_twice);
    tcase_add_loop_test(tcase, free_slots_that_are_not, 0, KINDS);
    tcase_add_loop_test(tcase, every_allocation_may_fail, 0, 3);
    tcase_add_loop_test(tcase, guard_bytes, 0, KINDS);
    return s;
}

TOCSIN_TEST_MAIN(suite)
