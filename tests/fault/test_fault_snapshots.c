/* Snapshots that were cut off, damaged or forged: each gets a status, a detector that refuses one is
 * as it was, and a detector that was talked into a false state goes on without harm. */
#include <math.h>

#include "../support/crc32c.h"
#include "../support/inputs.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

/* One of each kind of state: every stage by itself, and pipes with all of their parts. */
static const char *const extra_texts[] = {
    "counter | ewma half-life=20p | tail | alarm budget=1/1h",
    "holt-winters season=6p state=double | tail | alarm budget=1/1h",
};

#define EXTRA_TEXTS (sizeof extra_texts / sizeof extra_texts[0])

static int text_count(void)
{
    return (int)(tocsin_catalog_stage_count() + EXTRA_TEXTS);
}

typedef struct victim {
    tocsin_spec *spec;
    tocsin_detector *saved;     /* what the snapshot was taken of */
    tocsin_detector *target;    /* what it is loaded into, already in another state */
    tocsin_detector *before;    /* a copy of that */
    snapshot original;
    unsigned char *forged;
} victim;

/* A stage with as little beside it as can be: what is in every pipe is damaged often enough. */
static void victim_text(size_t stage, char text[SPECS_TEXT])
{
    static const char *const around[][2] = {
        [TOCSIN_STAGE_PREPARE] = {"", " | ewma | raw"},
        [TOCSIN_STAGE_DETECT] = {"", " | raw"},
        [TOCSIN_STAGE_CALIBRATE] = {"ewma | ", ""},
        [TOCSIN_STAGE_ALARM] = {"ewma | ", ""},
    };
    const uint32_t kind = specs_stage(stage).kind;
    char small[SPECS_TEXT];

    specs_small(stage, "", small);
    snprintf(text, SPECS_TEXT, "%s%.400s%s", around[kind][0], small, around[kind][1]);
}

static victim victim_create(int index)
{
    const size_t stages = tocsin_catalog_stage_count();
    victim v;
    input in;
    char small[SPECS_TEXT];

    input_make(&in, INPUT_WALK, 10);
    if ((size_t)index < stages)
        victim_text((size_t)index, small);
    v.spec = specs_compile((size_t)index < stages ? small : extra_texts[(size_t)index - stages]);
    v.saved = specs_detector(v.spec);
    v.target = specs_detector(v.spec);
    for (size_t i = 0; i < INPUT_POINTS; i++)
        tocsin_detector_push(v.saved, in.time[i], in.value[i], TOCSIN_LEARN_AND_SCORE, NULL, 0);
    for (size_t i = 0; i < 50; i++)
        tocsin_detector_push(v.target, in.time[i], -in.value[i], TOCSIN_LEARN_AND_SCORE, NULL, 0);
    ck_assert_int_eq(tocsin_detector_clone(&v.before, v.target, NULL), TOCSIN_OK);
    v.original = snapshot_of(v.saved);
    v.forged = malloc(v.original.size);
    ck_assert_ptr_nonnull(v.forged);
    memcpy(v.forged, v.original.bytes, v.original.size);
    return v;
}

static void victim_free(victim *v)
{
    free(v->forged);
    snapshot_free(&v->original);
    tocsin_detector_free(v->before);
    tocsin_detector_free(v->target);
    tocsin_detector_free(v->saved);
    tocsin_spec_free(v->spec);
}

/* Load bytes that must be refused, from a block of exactly their size. */
static int load_refused(victim *v, const unsigned char *bytes, size_t size, const char *where)
{
    unsigned char *block = malloc(size ? size : 1);
    tocsin_error error = states_error();
    tocsin_snapshot_info info;
    int status;

    require(block != NULL, "the test itself is out of memory");
    memcpy(block, bytes, size);
    status = tocsin_detector_load(v->target, block, size, &error);
    require(status < 0, "%s was accepted: %s", where, tocsin_status_name(status));
    require(error.status == status && error.message[0], "%s has no error", where);
    require(error.offset <= size, "the error of %s is outside of it", where);
    assert_same_state(v->before, v->target, where);

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    tocsin_snapshot_peek(block, size, &info, NULL);
    free(block);
    return status;
}

/* A state that was talked in: whatever it says, pushing on, explaining, forecasting and saving do no
 * harm. */
static void live_on(tocsin_detector *detector)
{
    static const double values[] = {0, 1, 100, -3, 1e308, -1e308, 5e-324, NAN, INFINITY, 7};
    tocsin_explanation explanation;
    tocsin_forecast forecast[3];
    tocsin_verdict verdict;
    snapshot s;
    char text[512];

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        tocsin_detector_push(detector, TOCSIN_TIME_NONE, values[i], TOCSIN_LEARN_AND_SCORE,
                             &verdict, sizeof verdict);
        tocsin_detector_push(detector, INPUT_START + TOCSIN_DAY + (int64_t)i * TOCSIN_MINUTE,
                             values[i], TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
        tocsin_verdict_text(&verdict, sizeof verdict, NULL, text, sizeof text, NULL);
    }
    tocsin_detector_tick(detector, INPUT_START + TOCSIN_WEEK, &verdict, sizeof verdict);
    tocsin_detector_push(detector, INT64_MAX, 1, TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
    memset(&explanation, 0, sizeof explanation);
    explanation.struct_size = sizeof explanation;
    require(tocsin_detector_explain(detector, &explanation) == TOCSIN_OK, "no explanation");
    tocsin_detector_forecast(detector, 3, 0.99, forecast, sizeof forecast[0]);
    s = snapshot_of(detector);
    snapshot_free(&s);
}

/* Load a forgery whose checksum is right.  It may pass; then the detector has to live with it. */
static void load_forged(victim *v, size_t size, const char *where)
{
    tocsin_error error = states_error();
    int status;

    crc32c_repair(v->forged, size);
    status = tocsin_detector_load(v->target, v->forged, size, &error);
    if (status < 0) {
        require(error.message[0], "%s has no error", where);
        require(error.offset <= size, "the error of %s is outside of it", where);
        assert_same_state(v->before, v->target, where);
    } else {
        tocsin_detector *back;

        live_on(v->target);
        tocsin_detector_free(v->target);
        require(tocsin_detector_clone(&back, v->before, NULL) == TOCSIN_OK, "no clone");
        v->target = back;
    }
}

static void unforge(victim *v)
{
    memcpy(v->forged, v->original.bytes, v->original.size);
}

START_TEST(the_checksum_is_crc32c)
{
    victim v = victim_create(_i);

    /* RFC 3720, B.4: 32 bytes of zeroes. */
    ck_assert_uint_eq(crc32c((const unsigned char[32]){0}, 32), 0x8a9136aa);
    crc32c_repair(v.forged, v.original.size);
    ck_assert_mem_eq(v.forged, v.original.bytes, v.original.size);
    victim_free(&v);
}
END_TEST

START_TEST(cut_off_at_every_length)
{
    victim v = victim_create(_i);

    for (size_t size = 0; size < v.original.size; size++) {
        const int status = load_refused(&v, v.original.bytes, size, "a cut-off snapshot");

        require(status == TOCSIN_ERROR_FORMAT, "%zu bytes: %s", size, tocsin_status_name(status));
    }
    victim_free(&v);
}
END_TEST

/* Cut off, and the header and the checksum adjusted to it. */
START_TEST(cut_off_at_every_length_and_repaired)
{
    victim v = victim_create(_i);

    for (size_t size = 24; size < v.original.size; size++) {
        unforge(&v);
        for (int i = 0; i < 4; i++)
            v.forged[8 + i] = (unsigned char)(size >> 8 * i);
        crc32c_repair(v.forged, size);
        load_refused(&v, v.forged, size, "a cut-off and repaired snapshot");
    }
    victim_free(&v);
}
END_TEST

START_TEST(one_byte_too_many)
{
    victim v = victim_create(_i);
    unsigned char *longer = calloc(1, v.original.size + 1);

    ck_assert_ptr_nonnull(longer);
    memcpy(longer, v.original.bytes, v.original.size);
    ck_assert_int_eq(load_refused(&v, longer, v.original.size + 1, "a longer snapshot"),
                     TOCSIN_ERROR_FORMAT);
    free(longer);
    victim_free(&v);
}
END_TEST

START_TEST(bits_flipped)
{
    victim v = victim_create(_i);

    for (size_t bit = 0; bit < 8 * v.original.size; bit += damage_stride(v.original.size)) {
        int status;

        v.forged[bit / 8] ^= (unsigned char)(1u << bit % 8);
        status = load_refused(&v, v.forged, v.original.size, "a damaged snapshot");
        require(bit < 8 * 20 || status == TOCSIN_ERROR_CHECKSUM, "bit %zu: %s", bit,
                tocsin_status_name(status));
        v.forged[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    victim_free(&v);
}
END_TEST

START_TEST(bits_flipped_and_repaired)
{
    victim v = victim_create(_i);

    for (size_t bit = 0; bit < 8 * (v.original.size - 4); bit += damage_stride(v.original.size)) {
        v.forged[bit / 8] ^= (unsigned char)(1u << bit % 8);
        load_forged(&v, v.original.size, "a forged snapshot");
        v.forged[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    victim_free(&v);
}
END_TEST

/* Eight bytes at a time replaced by what breaks arithmetic: the ends of the integers, and doubles
 * that are not, or hardly, numbers. */
START_TEST(hostile_words_and_repaired)
{
    static const uint64_t words[] = {
        0, 1, UINT64_MAX, INT64_MAX, (uint64_t)1 << 63, UINT64_C(0x7ff0000000000000),
        UINT64_C(0x7fefffffffffffff), UINT64_C(0xffefffffffffffff), UINT64_C(0x7ff8000000000000),
        UINT64_C(0x7f7fffff7f7fffff), UINT64_C(0x8000000000000001), UINT64_C(0x43e0000000000000),
    };
    victim v = victim_create(_i);

    for (size_t at = 0; at + 8 <= v.original.size - 4; at += damage_stride(v.original.size)) {
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
            for (size_t i = 0; i < 8; i++)
                v.forged[at + i] = (unsigned char)(words[w] >> 8 * i);
            load_forged(&v, v.original.size, "a forged snapshot");
        }
        unforge(&v);
    }
    victim_free(&v);
}
END_TEST

/* Many bytes at once, so that forgeries combine. */
START_TEST(random_bytes_and_repaired)
{
    victim v = victim_create(_i);
    rng r = rng_seeded(11);

    for (size_t round = 0; round < 5000; round++) {
        const size_t count = 1 + rng_below(&r, 12);

        for (size_t i = 0; i < count; i++)
            v.forged[rng_below(&r, v.original.size)] = (unsigned char)rng_u64(&r);
        load_forged(&v, v.original.size, "a forged snapshot");
        unforge(&v);
    }
    victim_free(&v);
}
END_TEST

/* A count that is within its bounds but not within this spec's arrays, in memory that ends where
 * the state ends. */
START_TEST(a_forged_count_of_seasons_stays_inside)
{
    static const char *const texts[] = {"holt-winters | raw", "holt-winters season=6p | raw"};
    const size_t guard = 256;
    tocsin_spec *const spec = specs_compile(texts[_i]);
    tocsin_detector *const source = specs_detector(spec);
    const size_t size = tocsin_spec_detector_size(spec);
    unsigned char *const block = malloc(size + guard + 64), *memory = block, *count = NULL;
    tocsin_detector *target;
    input in;

    ck_assert_ptr_nonnull(block);
    memory += (64 - (uintptr_t)block % 64) % 64;
    memset(memory, 0x77, size + guard);
    ck_assert_int_eq(tocsin_detector_create_in(&target, spec, memory, size), TOCSIN_OK);
    input_make(&in, INPUT_WALK, 10);
    for (size_t i = 0; i < INPUT_POINTS; i++)
        tocsin_detector_push(source, in.time[i], in.value[i], TOCSIN_LEARN_AND_SCORE, NULL, 0);

    snapshot s = snapshot_of(source);

    for (size_t i = 0; i + 16 < s.size; i++)
        if (memcmp(s.bytes + i, "\7seasons\5", 9) == 0)
            count = s.bytes + i + 13;
    ck_assert_ptr_nonnull(count);
    *count = 2;
    crc32c_repair(s.bytes, s.size);
    ck_assert_int_eq(tocsin_detector_load(target, s.bytes, s.size, NULL), TOCSIN_OK);
    live_on(target);
    for (size_t i = 0; i < guard; i++)
        require(memory[size + i] == 0x77, "byte %zu behind the detector was written", i);
    snapshot_free(&s);
    tocsin_detector_free(target);
    tocsin_detector_free(source);
    tocsin_spec_free(spec);
    free(block);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fault_snapshots");
    TCase *tcase = suite_case(s, "snapshots");

    tcase_add_loop_test(tcase, the_checksum_is_crc32c, 0, text_count());
    tcase_add_loop_test(tcase, cut_off_at_every_length, 0, text_count());
    tcase_add_loop_test(tcase, cut_off_at_every_length_and_repaired, 0, text_count());
    tcase_add_loop_test(tcase, one_byte_too_many, 0, text_count());
    tcase_add_loop_test(tcase, bits_flipped, 0, text_count());
    tcase_add_loop_test(tcase, bits_flipped_and_repaired, 0, text_count());
    tcase_add_loop_test(tcase, hostile_words_and_repaired, 0, text_count());
    tcase_add_loop_test(tcase, random_bytes_and_repaired, 0, text_count());
    tcase_add_loop_test(tcase, a_forged_count_of_seasons_stays_inside, 0, 2);
    return s;
}

TOCSIN_TEST_MAIN(suite)
