/* test_fields.c - saving, loading and comparing a state over its table.
 *
 * The state under test has a member of every type, members that are arrays, and
 * arrays behind the struct; some bytes of it are written out by hand.
 */
#include <math.h>

#include "../../lib/core/bytes.h"
#include "../../lib/core/fields.h"
#include "../support/rng.h"
#include "../support/suite.h"

typedef struct {
    double exact;
    double real[2];
    double maybe;
    int64_t time;
    uint64_t points;
    uint32_t count;
    uint16_t half[2];
    uint8_t byte[8];
} sample;

static const tocsin__field sample_fields[] = {
    TOCSIN__FIELD(sample, exact, F64, -DBL_MAX, DBL_MAX),
    TOCSIN__FIELD(sample, real, REAL, -10, 10),
    TOCSIN__FIELD_NAN(sample, maybe, F64, 0, 1),
    TOCSIN__FIELD(sample, time, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(sample, points, U64, 0, 2e19),
    TOCSIN__FIELD(sample, count, U32, 1, 100),
    TOCSIN__FIELD(sample, half, U16, 0, 1000),
    TOCSIN__FIELD(sample, byte, U8, 0, 9),
    TOCSIN__ARRAY("season", REAL, 0, -1000, 1000),
    TOCSIN__ARRAY("ring", U16, 1, 0, 500),
};

static const tocsin__layout sample_layout = {sizeof(sample), sample_fields,
                                             TOCSIN__COUNT(sample_fields)};

static tocsin__shape sample_shape(uint32_t precision, uint32_t season, uint32_t ring)
{
    tocsin__shape shape;

    memset(&shape, 0, sizeof shape);
    shape.precision = precision;
    shape.length[0] = season;
    shape.length[1] = ring;
    return shape;
}

/* A state on the heap, of exactly its size, with every value within its bounds. */
static sample *sample_random(const tocsin__shape *shape, rng *r)
{
    sample *const s = calloc(1, tocsin__layout_size(&sample_layout, shape));
    char *const season = (char *)s + tocsin__layout_array(&sample_layout, shape, 0);
    char *const ring = (char *)s + tocsin__layout_array(&sample_layout, shape, 1);

    ck_assert_ptr_nonnull(s);
    s->exact = rng_normal(r) * 1e300;
    s->real[0] = tocsin__keep(shape->precision, rng_normal(r));
    s->real[1] = tocsin__keep(shape->precision, 10 * rng_uniform(r));
    s->maybe = rng_below(r, 2) ? tocsin__nan() : rng_uniform(r);
    s->time = (int64_t)rng_u64(r);
    s->points = rng_u64(r);
    s->count = 1 + (uint32_t)rng_below(r, 100);
    s->half[0] = (uint16_t)rng_below(r, 1001);
    s->half[1] = (uint16_t)rng_below(r, 1001);
    for (size_t i = 0; i < sizeof s->byte; i++)
        s->byte[i] = (uint8_t)rng_below(r, 10);
    for (size_t i = 0; i < shape->length[0]; i++)
        tocsin__array_store(shape->precision, season, i, 100 * rng_normal(r));
    for (size_t i = 0; i < shape->length[1]; i++)
        ((uint16_t *)(void *)ring)[i] = (uint16_t)rng_below(r, 501);
    return s;
}

static uint8_t *sample_encode(const tocsin__shape *shape, const sample *s, size_t *size)
{
    *size = tocsin__layout_encoded_size(&sample_layout, shape);

    uint8_t *const bytes = malloc(*size);

    ck_assert_ptr_nonnull(bytes);
    tocsin__layout_encode(&sample_layout, shape, s, bytes);
    return bytes;
}

static int sample_decode(const tocsin__shape *shape, sample *s, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    const char *name = NULL;

    return tocsin__layout_decode(&sample_layout, shape, s, bytes, size, &at, &name);
}

/* ---- Layout ---------------------------------------------------------------- */

START_TEST(arrays_follow_the_struct_at_multiples_of_8)
{
    const tocsin__shape exact = sample_shape(TOCSIN__DOUBLE, 5, 3);
    const tocsin__shape mixed = sample_shape(TOCSIN__MIXED, 5, 3);
    const tocsin__shape empty = sample_shape(TOCSIN__MIXED, 0, 0);

    ck_assert_uint_eq(tocsin__layout_array(&sample_layout, &exact, 0), sizeof(sample));
    ck_assert_uint_eq(tocsin__layout_array(&sample_layout, &exact, 1), sizeof(sample) + 40);
    ck_assert_uint_eq(tocsin__layout_size(&sample_layout, &exact), sizeof(sample) + 40 + 8);
    ck_assert_uint_eq(tocsin__layout_array(&sample_layout, &mixed, 1), sizeof(sample) + 24);
    ck_assert_uint_eq(tocsin__layout_size(&sample_layout, &mixed), sizeof(sample) + 24 + 8);
    ck_assert_uint_eq(tocsin__layout_size(&sample_layout, &empty), sizeof(sample));
}
END_TEST

START_TEST(a_state_without_fields_has_no_bytes)
{
    const tocsin__layout nothing = {0, NULL, 0};
    const tocsin__shape shape = sample_shape(TOCSIN__MIXED, 0, 0);
    uint8_t byte = 0;
    size_t at;
    const char *name;

    ck_assert_uint_eq(tocsin__layout_size(&nothing, &shape), 0);
    ck_assert_uint_eq(tocsin__layout_encoded_size(&nothing, &shape), 0);
    tocsin__layout_encode(&nothing, &shape, NULL, &byte);
    ck_assert_int_eq(tocsin__layout_decode(&nothing, &shape, NULL, &byte, 0, &at, &name),
                     TOCSIN_OK);
    ck_assert_ptr_null(tocsin__layout_compare(&nothing, &shape, NULL, NULL));
}
END_TEST

/* ---- Encoding -------------------------------------------------------------- */

typedef struct {
    double mean;
    uint32_t count;
    uint16_t flags;
    uint8_t tail[2];
} small;

static const tocsin__field small_fields[] = {
    TOCSIN__FIELD(small, mean, REAL, -10, 10),
    TOCSIN__FIELD(small, count, U32, 0, 1000000),
    TOCSIN__FIELD(small, flags, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(small, tail, U8, 0, 255),
};

static const tocsin__layout small_layout = {sizeof(small), small_fields,
                                            TOCSIN__COUNT(small_fields)};

START_TEST(bytes_are_those_of_the_format)
{
    static const uint8_t exact[] = "\4mean\1\1\0\0\0\0\0\0\0\0\0\xf8\xbf"
                                   "\5count\5\1\0\0\0\x40\xe2\1\0"
                                   "\5flags\6\1\0\0\0\xcd\xab"
                                   "\4tail\7\2\0\0\0\x12\x34";
    static const uint8_t mixed[] = "\4mean\2\1\0\0\0\0\0\xc0\xbf"
                                   "\5count\5\1\0\0\0\x40\xe2\1\0"
                                   "\5flags\6\1\0\0\0\xcd\xab"
                                   "\4tail\7\2\0\0\0\x12\x34";
    const small s = {-1.5, 123456, 0xabcd, {0x12, 0x34}};
    tocsin__shape shape = sample_shape(TOCSIN__DOUBLE, 0, 0);
    uint8_t bytes[sizeof exact];

    ck_assert_uint_eq(tocsin__layout_encoded_size(&small_layout, &shape), sizeof exact - 1);
    tocsin__layout_encode(&small_layout, &shape, &s, bytes);
    ck_assert_mem_eq(bytes, exact, sizeof exact - 1);

    shape.precision = TOCSIN__MIXED;
    ck_assert_uint_eq(tocsin__layout_encoded_size(&small_layout, &shape), sizeof mixed - 1);
    tocsin__layout_encode(&small_layout, &shape, &s, bytes);
    ck_assert_mem_eq(bytes, mixed, sizeof mixed - 1);
}
END_TEST

START_TEST(a_state_comes_back_bit_for_bit)
{
    rng r = rng_seeded(1);

    for (uint32_t i = 0; i < 500; i++) {
        const tocsin__shape shape =
            sample_shape(i % 2, (uint32_t)rng_below(&r, 40), (uint32_t)rng_below(&r, 9));
        sample *const s = sample_random(&shape, &r), *const back = sample_random(&shape, &r);
        size_t size;
        uint8_t *const bytes = sample_encode(&shape, s, &size);

        ck_assert_int_eq(sample_decode(&shape, NULL, bytes, size), TOCSIN_OK);
        ck_assert_int_eq(sample_decode(&shape, back, bytes, size), TOCSIN_OK);
        ck_assert_ptr_null(tocsin__layout_compare(&sample_layout, &shape, s, back));
        ck_assert_mem_eq(s, back, tocsin__layout_size(&sample_layout, &shape));
        free(bytes);
        free(back);
        free(s);
    }
}
END_TEST

/* ---- Decoding -------------------------------------------------------------- */

/* A field by hand. */
static size_t put_field(uint8_t *out, const char *name, uint8_t type, uint32_t count,
                        const void *payload, size_t size)
{
    const size_t length = strlen(name);

    out[0] = (uint8_t)length;
    memcpy(out + 1, name, length);
    out[1 + length] = type;
    tocsin__put32(out + 2 + length, count);
    if (size > 0)
        memcpy(out + 6 + length, payload, size);
    return 6 + length + size;
}

START_TEST(unknown_fields_are_skipped_and_missing_ones_keep_their_value)
{
    const tocsin__shape shape = sample_shape(TOCSIN__DOUBLE, 0, 0);
    small s = {2.5, 7, 8, {9, 10}};
    uint8_t bytes[256];
    size_t size = 0, at;
    const char *name;

    for (uint8_t type = 1; type <= 7; type++) {
        static const size_t sizes[] = {0, 8, 4, 8, 8, 4, 2, 1};

        size += put_field(bytes + size, "later", type, 2, "0123456789abcdef", 2 * sizes[type]);
    }
    size += put_field(bytes + size, "flags", 6, 1, "\x34\x12", 2);
    size += put_field(bytes + size, "", 7, 0, NULL, 0);
    ck_assert_int_eq(tocsin__layout_decode(&small_layout, &shape, &s, bytes, size, &at, &name),
                     TOCSIN_OK);
    assert_same_bits(s.mean, 2.5);
    ck_assert_uint_eq(s.count, 7);
    ck_assert_uint_eq(s.flags, 0x1234);
    ck_assert_uint_eq(s.tail[0], 9);
}
END_TEST

START_TEST(malformed_fields_are_refused_and_named)
{
    static const struct {
        const char *name;
        uint8_t type;
        uint32_t count;
        const char *payload;
        size_t size;
        int status;
    } rows[] = {
        {"count", 5, 1, "\1\0\0\0", 4, TOCSIN_OK},
        {"count", 5, 1, "\x40\x42\x0f\0", 4, TOCSIN_OK},
        {"count", 5, 1, "\x41\x42\x0f\0", 4, TOCSIN_ERROR_FORMAT},     /* above its bound */
        {"count", 5, 2, "\1\0\0\0\1\0\0\0", 8, TOCSIN_ERROR_MISMATCH}, /* too many */
        {"count", 5, 0, "", 0, TOCSIN_ERROR_MISMATCH},
        {"count", 6, 1, "\1\0", 2, TOCSIN_ERROR_MISMATCH},   /* of another type */
        {"count", 0, 1, "\1\0\0\0", 4, TOCSIN_ERROR_FORMAT}, /* of no type there is */
        {"count", 8, 1, "\1\0\0\0", 4, TOCSIN_ERROR_FORMAT},
        {"count", 255, 1, "\1\0\0\0", 4, TOCSIN_ERROR_FORMAT},
        {"later", 8, 0, "", 0, TOCSIN_ERROR_FORMAT},
        {"count", 5, 1, "\1\0\0", 3, TOCSIN_ERROR_FORMAT},            /* cut off */
        {"count", 5, UINT32_MAX, "\1\0\0\0", 4, TOCSIN_ERROR_FORMAT}, /* as if there were 16 GB */
        {"later", 1, 0x20000001, "\1\0\0\0\0\0\0\0", 8, TOCSIN_ERROR_FORMAT},
        {"mean", 1, 1, "\0\0\0\0\0\0\x24\x40", 8, TOCSIN_OK},           /* 10 */
        {"mean", 1, 1, "\1\0\0\0\0\0\x24\x40", 8, TOCSIN_ERROR_FORMAT}, /* next above */
        {"mean", 1, 1, "\0\0\0\0\0\0\xf8\x7f", 8, TOCSIN_ERROR_FORMAT}, /* NaN */
        {"mean", 1, 1, "\0\0\0\0\0\0\xf0\xff", 8, TOCSIN_ERROR_FORMAT}, /* -inf */
        {"mean", 2, 1, "\0\0\0\0", 4, TOCSIN_ERROR_MISMATCH},           /* of another precision */
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const tocsin__shape shape = sample_shape(TOCSIN__DOUBLE, 0, 0);
        small s = {0};
        uint8_t field[64];
        const size_t size = put_field(field, rows[i].name, rows[i].type, rows[i].count,
                                      rows[i].payload, rows[i].size);
        uint8_t *const bytes = malloc(size);
        size_t at = 99;
        const char *name = "?";

        ck_assert_ptr_nonnull(bytes);
        memcpy(bytes, field, size);
        ck_assert_msg(tocsin__layout_decode(&small_layout, &shape, &s, bytes, size, &at, &name) ==
                          rows[i].status,
                      "row %zu", i);
        if (rows[i].status < 0) {
            ck_assert_uint_lt(at, size);
            if (strcmp(rows[i].name, "later") == 0)
                ck_assert_ptr_null(name);
            else
                ck_assert_str_eq(name, rows[i].name);
        }
        free(bytes);
    }
}
END_TEST

START_TEST(a_field_given_twice_is_refused)
{
    const tocsin__shape shape = sample_shape(TOCSIN__DOUBLE, 0, 0);
    uint8_t bytes[64];
    size_t size = put_field(bytes, "flags", 6, 1, "\1\0", 2), at = 0;
    const size_t second = size;
    const char *name = NULL;

    size += put_field(bytes + size, "flags", 6, 1, "\1\0", 2);
    ck_assert_int_eq(tocsin__layout_decode(&small_layout, &shape, NULL, bytes, size, &at, &name),
                     TOCSIN_ERROR_FORMAT);
    ck_assert_uint_eq(at, second);
    ck_assert_str_eq(name, "flags");
}
END_TEST

START_TEST(bounds_hold_for_every_element_and_type)
{
    const tocsin__shape shape = sample_shape(TOCSIN__MIXED, 7, 4);
    rng r = rng_seeded(2);
    sample *const s = sample_random(&shape, &r);
    size_t size;
    uint8_t *const bytes = sample_encode(&shape, s, &size);
    char *const season = (char *)s + tocsin__layout_array(&sample_layout, &shape, 0);
    uint16_t *const ring =
        (uint16_t *)(void *)((char *)s + tocsin__layout_array(&sample_layout, &shape, 1));

#define EXPECT(status)                                                                             \
    do {                                                                                           \
        tocsin__layout_encode(&sample_layout, &shape, s, bytes);                                   \
        ck_assert_int_eq(sample_decode(&shape, NULL, bytes, size), status);                        \
    } while (0)
#define TRY(member, bad)                                                                           \
    do {                                                                                           \
        const sample kept = *s;                                                                    \
        s->member = (bad);                                                                         \
        EXPECT(TOCSIN_ERROR_FORMAT);                                                               \
        *s = kept;                                                                                 \
        EXPECT(TOCSIN_OK);                                                                         \
    } while (0)

    TRY(exact, NAN);
    TRY(exact, INFINITY);
    TRY(real[0], 10.5);
    TRY(real[1], -10.5);
    TRY(real[1], NAN);
    TRY(maybe, 1.5);
    TRY(count, 0);
    TRY(count, 101);
    TRY(half[1], 1001);
    TRY(byte[7], 10);
    for (size_t i = 0; i < 7; i++) {
        const double kept = tocsin__array_load(TOCSIN__MIXED, season, i);

        tocsin__array_store(TOCSIN__MIXED, season, i, i % 2 ? 1001 : NAN);
        EXPECT(TOCSIN_ERROR_FORMAT);
        tocsin__array_store(TOCSIN__MIXED, season, i, kept);
    }
    ring[3] = 501;
    EXPECT(TOCSIN_ERROR_FORMAT);
    ring[3] = 500;
    EXPECT(TOCSIN_OK);
    s->maybe = NAN;
    EXPECT(TOCSIN_OK);
#undef TRY
#undef EXPECT
    free(bytes);
    free(s);
}
END_TEST

/* Cut anywhere: whole fields are a smaller state and fine, everything else is not. */
START_TEST(every_truncation_has_a_status)
{
    const tocsin__shape shape = sample_shape(TOCSIN__MIXED, 3, 5);
    rng r = rng_seeded(3);
    sample *const s = sample_random(&shape, &r);
    size_t size, whole = 0;
    uint8_t *const bytes = sample_encode(&shape, s, &size);

    for (size_t length = 0; length <= size; length++) {
        uint8_t *const cut = malloc(length + !length);

        ck_assert_ptr_nonnull(cut);
        memcpy(cut, bytes, length);
        const int status = sample_decode(&shape, s, cut, length);
        ck_assert(status == TOCSIN_OK || status == TOCSIN_ERROR_FORMAT);
        whole += status == TOCSIN_OK;
        free(cut);
    }
    ck_assert_uint_eq(whole, TOCSIN__COUNT(sample_fields) + 1);
    free(bytes);
    free(s);
}
END_TEST

/* Random damage: a status each time, every value that gets in within its bounds. */
START_TEST(damaged_bytes_do_no_damage)
{
    const tocsin__shape shape = sample_shape(TOCSIN__MIXED, 3, 5);
    const size_t state_size = tocsin__layout_size(&sample_layout, &shape);
    rng r = rng_seeded(4);
    sample *const s = sample_random(&shape, &r), *const back = malloc(state_size);
    size_t size, accepted = 0;
    uint8_t *const bytes = sample_encode(&shape, s, &size);
    uint8_t *const damaged = malloc(size);

    for (int i = 0; i < 50000; i++) {
        memcpy(damaged, bytes, size);
        memcpy(back, s, state_size);
        for (size_t k = 1 + rng_below(&r, 3); k > 0; k--)
            damaged[rng_below(&r, size)] ^= (uint8_t)(1 + rng_below(&r, 255));
        if (sample_decode(&shape, back, damaged, size) != TOCSIN_OK)
            continue;
        accepted++;
        ck_assert(isfinite(back->exact) && fabs(back->real[0]) <= 10 && fabs(back->real[1]) <= 10);
        ck_assert(isnan(back->maybe) || (back->maybe >= 0 && back->maybe <= 1));
        ck_assert(back->count >= 1 && back->count <= 100 && back->half[0] <= 1000);
        ck_assert(back->byte[0] <= 9 && back->byte[7] <= 9);
    }
    ck_assert_uint_gt(accepted, 1000);
    ck_assert_uint_lt(accepted, 49000);
    free(damaged);
    free(bytes);
    free(back);
    free(s);
}
END_TEST

/* ---- Comparing ------------------------------------------------------------- */

START_TEST(the_first_field_that_differs_is_named)
{
    const tocsin__shape shape = sample_shape(TOCSIN__DOUBLE, 4, 4);
    const size_t size = tocsin__layout_size(&sample_layout, &shape);
    rng r = rng_seeded(5);
    sample *const a = sample_random(&shape, &r), *const b = malloc(size);

    for (size_t i = 0; i < TOCSIN__COUNT(sample_fields); i++) {
        const tocsin__field *const field = &sample_fields[i];
        const size_t offset = field->is_array
                                  ? tocsin__layout_array(&sample_layout, &shape, field->array)
                                  : field->offset;

        memcpy(b, a, size);
        ck_assert_ptr_null(tocsin__layout_compare(&sample_layout, &shape, a, b));
        ((unsigned char *)b)[offset] ^= 1;
        ck_assert_str_eq(tocsin__layout_compare(&sample_layout, &shape, a, b), field->name);
        /* A later difference does not hide it. */
        ((unsigned char *)b)[tocsin__layout_array(&sample_layout, &shape, 1) + 7] ^= 0x80;
        ck_assert_str_eq(tocsin__layout_compare(&sample_layout, &shape, a, b), field->name);
    }
    free(b);
    free(a);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fields");
    TCase *layout = suite_case(s, "layout");
    TCase *encoding = suite_case(s, "encoding");
    TCase *decoding = suite_case(s, "decoding");

    tcase_add_test(layout, arrays_follow_the_struct_at_multiples_of_8);
    tcase_add_test(layout, a_state_without_fields_has_no_bytes);
    tcase_add_test(encoding, bytes_are_those_of_the_format);
    tcase_add_test(encoding, a_state_comes_back_bit_for_bit);
    tcase_add_test(decoding, unknown_fields_are_skipped_and_missing_ones_keep_their_value);
    tcase_add_test(decoding, malformed_fields_are_refused_and_named);
    tcase_add_test(decoding, a_field_given_twice_is_refused);
    tcase_add_test(decoding, bounds_hold_for_every_element_and_type);
    tcase_add_test(decoding, every_truncation_has_a_status);
    tcase_add_test(decoding, damaged_bytes_do_no_damage);
    tcase_add_test(encoding, the_first_field_that_differs_is_named);
    return s;
}

TOCSIN_TEST_MAIN(suite)
