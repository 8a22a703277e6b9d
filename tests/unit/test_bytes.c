/* test_bytes.c - the ground everything stands on: bytes, checksums, memory, statuses, versions. */
#include <stdio.h>

#include "../../lib/core/alloc.h"
#include "../../lib/core/bytes.h"
#include "../support/counting_allocator.h"
#include "../support/rng.h"
#include "../support/suite.h"
#include "tocsin.h"

/* ---- Bytes ----------------------------------------------------------------- */

START_TEST(integers_are_little_endian)
{
    uint8_t bytes[8];

    tocsin__put16(bytes, 0x0102);
    ck_assert_mem_eq(bytes, "\x02\x01", 2);
    tocsin__put32(bytes, 0x01020304);
    ck_assert_mem_eq(bytes, "\x04\x03\x02\x01", 4);
    tocsin__put64(bytes, UINT64_C(0x0102030405060708));
    ck_assert_mem_eq(bytes, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    memset(bytes, 0xff, sizeof bytes);
    ck_assert_uint_eq(tocsin__get16(bytes), UINT16_MAX);
    ck_assert_uint_eq(tocsin__get32(bytes), UINT32_MAX);
    ck_assert(tocsin__get64(bytes) == UINT64_MAX);
}
END_TEST

START_TEST(integers_come_back)
{
    rng r = rng_seeded(1);

    for (int i = 0; i < 10000; i++) {
        const uint64_t value = rng_u64(&r);
        uint8_t bytes[9];
        /* At odd addresses too. */
        uint8_t *const at = bytes + i % 2;

        tocsin__put64(at, value);
        ck_assert(tocsin__get64(at) == value);
        ck_assert_uint_eq(tocsin__get32(at), (uint32_t)value);
        ck_assert_uint_eq(tocsin__get16(at), (uint16_t)value);
    }
}
END_TEST

/* The examples of RFC 3720, appendix B.4, and the check value of the catalogues. */
START_TEST(checksums_match_the_standard)
{
    uint8_t bytes[32];

    ck_assert_uint_eq(tocsin__crc32c(0, NULL, 0), 0);
    ck_assert_uint_eq(tocsin__crc32c(0, (const uint8_t *)"123456789", 9), UINT32_C(0xe3069283));
    memset(bytes, 0, sizeof bytes);
    ck_assert_uint_eq(tocsin__crc32c(0, bytes, 32), UINT32_C(0x8a9136aa));
    memset(bytes, 0xff, sizeof bytes);
    ck_assert_uint_eq(tocsin__crc32c(0, bytes, 32), UINT32_C(0x62a8ab43));
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    ck_assert_uint_eq(tocsin__crc32c(0, bytes, 32), UINT32_C(0x46dd794e));
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    ck_assert_uint_eq(tocsin__crc32c(0, bytes, 32), UINT32_C(0x113fdb5c));
}
END_TEST

/* The definition: one bit at a time through the shift register. */
static uint32_t slow_crc32c(const uint8_t *bytes, size_t size)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < 8 * size; i++) {
        const uint32_t bit = (crc ^ (uint32_t)(bytes[i / 8] >> i % 8)) & 1;

        crc = crc >> 1 ^ (bit ? UINT32_C(0x82f63b78) : 0);
    }
    return ~crc;
}

START_TEST(checksums_match_the_definition)
{
    uint8_t bytes[100];
    rng r = rng_seeded(2);

    for (int i = 0; i < 2000; i++) {
        const size_t size = rng_below(&r, sizeof bytes + 1);

        for (size_t k = 0; k < size; k++)
            bytes[k] = (uint8_t)rng_u64(&r);
        ck_assert_uint_eq(tocsin__crc32c(0, bytes, size), slow_crc32c(bytes, size));
    }
}
END_TEST

/* However a stream is cut. */
START_TEST(checksums_of_streams_match_the_definition)
{
    uint8_t bytes[100];
    rng r = rng_seeded(3);

    for (int i = 0; i < 2000; i++) {
        const size_t size = rng_below(&r, sizeof bytes + 1);
        uint32_t crc = 0;

        for (size_t k = 0; k < size; k++)
            bytes[k] = (uint8_t)rng_u64(&r);
        for (size_t at = 0, part; at < size; at += part) {
            part = 1 + rng_below(&r, size - at);
            crc = tocsin__crc32c(crc, bytes + at, part);
        }
        ck_assert_uint_eq(crc, slow_crc32c(bytes, size));
    }
}
END_TEST

/* ---- Memory ---------------------------------------------------------------- */

START_TEST(memory_over_malloc_is_aligned)
{
    tocsin_allocator allocator;

    ck_assert_int_eq(tocsin__allocator_init(&allocator, NULL), TOCSIN_OK);
    for (size_t align = 1; align <= 64; align *= 2)
        for (size_t size = 1; size < 300; size += 7) {
            unsigned char *const ptr = tocsin__alloc(&allocator, size, align);

            ck_assert_ptr_nonnull(ptr);
            ck_assert_uint_eq((uintptr_t)ptr % align, 0);
            memset(ptr, 0xa5, size);
            tocsin__free(&allocator, ptr, size);
        }
    tocsin__free(&allocator, NULL, 0);
    ck_assert_ptr_null(tocsin__alloc(&allocator, SIZE_MAX, 64));
    ck_assert_ptr_null(tocsin__alloc(&allocator, SIZE_MAX - 64, 64));
}
END_TEST

START_TEST(a_callers_allocator_is_used)
{
    counting_allocator counting;
    const tocsin_allocator given = counting_start(&counting);
    tocsin_allocator allocator;

    ck_assert_int_eq(tocsin__allocator_init(&allocator, &given), TOCSIN_OK);
    void *const ptr = tocsin__alloc(&allocator, 100, 32);
    ck_assert_uint_eq(counting.live, 1);
    tocsin__free(&allocator, ptr, 100);
    tocsin__free(&allocator, NULL, 100);
    ck_assert_uint_eq(counting.live, 0);
}
END_TEST

START_TEST(malformed_allocators_are_refused)
{
    counting_allocator counting;
    const tocsin_allocator good = counting_start(&counting);
    tocsin_allocator bad, copy;

    bad = good;
    bad.struct_size = 0;
    ck_assert_int_eq(tocsin__allocator_init(&copy, &bad), TOCSIN_ERROR_ARGUMENT);
    bad = good;
    bad.struct_size--;
    ck_assert_int_eq(tocsin__allocator_init(&copy, &bad), TOCSIN_ERROR_ARGUMENT);
    bad = good;
    bad.reserved = 1;
    ck_assert_int_eq(tocsin__allocator_init(&copy, &bad), TOCSIN_ERROR_ARGUMENT);
    bad = good;
    bad.alloc = NULL;
    ck_assert_int_eq(tocsin__allocator_init(&copy, &bad), TOCSIN_ERROR_ARGUMENT);
    bad = good;
    bad.free = NULL;
    ck_assert_int_eq(tocsin__allocator_init(&copy, &bad), TOCSIN_ERROR_ARGUMENT);
}
END_TEST

START_TEST(longer_structs_of_newer_callers_are_taken_if_they_ask_for_nothing_new)
{
    counting_allocator counting;
    struct {
        tocsin_allocator known;
        uint64_t unknown[2];
    } newer;
    tocsin_allocator copy;

    memset(&newer, 0, sizeof newer);
    newer.known = counting_start(&counting);
    newer.known.struct_size = sizeof newer;
    ck_assert_int_eq(tocsin__allocator_init(&copy, &newer.known), TOCSIN_OK);
    newer.unknown[1] = 1;
    ck_assert_int_eq(tocsin__allocator_init(&copy, &newer.known), TOCSIN_ERROR_ARGUMENT);
}
END_TEST

/* ---- Statuses and versions ------------------------------------------------- */

START_TEST(statuses_have_their_names_and_numbers)
{
#define ROW(name, number)                                                                          \
    {                                                                                              \
        name, #name, number                                                                        \
    }
    static const struct {
        int status;
        const char *name;
        int number;
    } rows[] = {
        ROW(TOCSIN_OK, 0),
        ROW(TOCSIN_ERROR_ARGUMENT, -1),
        ROW(TOCSIN_ERROR_MEMORY, -2),
        ROW(TOCSIN_ERROR_ALIGNMENT, -3),
        ROW(TOCSIN_ERROR_SPACE, -4),
        ROW(TOCSIN_ERROR_SYNTAX, -5),
        ROW(TOCSIN_ERROR_NAME, -6),
        ROW(TOCSIN_ERROR_RANGE, -7),
        ROW(TOCSIN_ERROR_CONFLICT, -8),
        ROW(TOCSIN_ERROR_FORMAT, -9),
        ROW(TOCSIN_ERROR_CHECKSUM, -10),
        ROW(TOCSIN_ERROR_VERSION, -11),
        ROW(TOCSIN_ERROR_MISMATCH, -12),
        ROW(TOCSIN_ERROR_UNSUPPORTED, -13),
        ROW(TOCSIN_ERROR_TIME, -14),
        ROW(TOCSIN_ERROR_WIDTH, -15),
        ROW(TOCSIN_INFO_DIFFERENT, 1),
        ROW(TOCSIN_INFO_RESPECIFIED, 2),
        ROW(TOCSIN_INFO_IGNORED, 3),
        ROW(TOCSIN_INFO_TORN, 4),
        ROW(TOCSIN_INFO_PARTIAL, 5),
    };
#undef ROW

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(rows[i].status, rows[i].number);
        ck_assert_str_eq(tocsin_status_name(rows[i].status), rows[i].name);
        ck_assert_uint_gt(strlen(tocsin_status_text(rows[i].status)), 0);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(tocsin_status_text(rows[i].status),
                             tocsin_status_text(rows[k].status));
    }
    static const int unknown[] = {-16, -17, 6, 7, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        ck_assert_str_eq(tocsin_status_name(unknown[i]), "TOCSIN_UNKNOWN");
        ck_assert_uint_gt(strlen(tocsin_status_text(unknown[i])), 0);
    }
}
END_TEST

START_TEST(the_linked_release_is_that_of_the_headers)
{
    char text[32];

    ck_assert_int_eq(tocsin_version(), TOCSIN_VERSION);
    ck_assert_int_eq(tocsin_abi(), TOCSIN_ABI);
    snprintf(text, sizeof text, "%d.%d.%d", TOCSIN_VERSION_MAJOR, TOCSIN_VERSION_MINOR,
             TOCSIN_VERSION_PATCH);
    ck_assert_str_eq(tocsin_version_string(), text);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("bytes");
    TCase *bytes = suite_case(s, "bytes");
    TCase *memory = suite_case(s, "memory");
    TCase *statuses = suite_case(s, "statuses and versions");

    tcase_add_test(bytes, integers_are_little_endian);
    tcase_add_test(bytes, integers_come_back);
    tcase_add_test(bytes, checksums_match_the_standard);
    tcase_add_test(bytes, checksums_match_the_definition);
    tcase_add_test(bytes, checksums_of_streams_match_the_definition);
    tcase_add_test(memory, memory_over_malloc_is_aligned);
    tcase_add_test(memory, a_callers_allocator_is_used);
    tcase_add_test(memory, malformed_allocators_are_refused);
    tcase_add_test(memory, longer_structs_of_newer_callers_are_taken_if_they_ask_for_nothing_new);
    tcase_add_test(statuses, statuses_have_their_names_and_numbers);
    tcase_add_test(statuses, the_linked_release_is_that_of_the_headers);
    return s;
}

TOCSIN_TEST_MAIN(suite)
