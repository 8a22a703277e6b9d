/* Snapshots: the promises of tocsin/snapshot.h one by one, and the format byte for byte.  What damage
 * and forgery do is in tests/fault, save-load-continue for every spec in tests/contract. */
#include <stdio.h>

#include "../support/crc32c.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

#define START (INT64_C(1767225600) * TOCSIN_SECOND)

static tocsin_spec *spec;
static tocsin_detector *detector;
static snapshot saved;

static tocsin_detector *detector_of(const char *text, tocsin_spec **its_spec)
{
    *its_spec = specs_compile(text);
    return specs_detector(*its_spec);
}

static void feed(tocsin_detector *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tocsin_detector_push(to, START + (int64_t)i * TOCSIN_MINUTE, (double)(i * i % 17),
                             TOCSIN_LEARN_AND_SCORE, NULL, 0);
}

static void setup(void)
{
    detector = detector_of("ewma | tail | alarm budget=1/day", &spec);
    feed(detector, 100);
    saved = snapshot_of(detector);
}

static void teardown(void)
{
    snapshot_free(&saved);
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
}

/* ---- Arguments ------------------------------------------------------------- */

START_TEST(save_checks_its_arguments)
{
    unsigned char *buffer = malloc(saved.size + 1);
    size_t needed = 0;

    ck_assert_ptr_nonnull(buffer);
    ck_assert_int_eq(tocsin_detector_save(NULL, buffer, saved.size, &needed),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_save(detector, NULL, 1, &needed), TOCSIN_ERROR_ARGUMENT);
    memset(buffer, 0x77, saved.size + 1);
    ck_assert_int_eq(tocsin_detector_save(detector, buffer, saved.size - 1, &needed),
                     TOCSIN_ERROR_SPACE);
    ck_assert_uint_eq(needed, saved.size);
    for (size_t i = 0; i <= saved.size; i++)
        ck_assert_uint_eq(buffer[i], 0x77);

    /* Neither more nor fewer bytes than it says, and NULL for `needed` is fine. */
    ck_assert_int_eq(tocsin_detector_save(detector, buffer, saved.size + 1, NULL), TOCSIN_OK);
    ck_assert_mem_eq(buffer, saved.bytes, saved.size);
    ck_assert_uint_eq(buffer[saved.size], 0x77);
    free(buffer);
}
END_TEST

START_TEST(load_checks_its_arguments)
{
    tocsin_error error = states_error();

    ck_assert_int_eq(tocsin_detector_load(NULL, saved.bytes, saved.size, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_load(detector, NULL, saved.size, NULL), TOCSIN_ERROR_ARGUMENT);
    error.struct_size = 7;
    ck_assert_int_eq(tocsin_detector_load(detector, saved.bytes, saved.size, &error),
                     TOCSIN_ERROR_ARGUMENT);
    error = states_error();
    ck_assert_int_eq(tocsin_detector_load(detector, saved.bytes, saved.size, &error), TOCSIN_OK);
    ck_assert_int_eq(error.status, 0);      /* written on failure only */
}
END_TEST

START_TEST(peek_checks_its_arguments)
{
    tocsin_snapshot_info info;

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    ck_assert_int_eq(tocsin_snapshot_peek(NULL, 10, &info, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_snapshot_peek(saved.bytes, saved.size, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    info.struct_size = 8;
    ck_assert_int_eq(tocsin_snapshot_peek(saved.bytes, saved.size, &info, NULL),
                     TOCSIN_ERROR_ARGUMENT);
}
END_TEST

START_TEST(spec_checks_its_arguments)
{
    tocsin_spec *out = spec;

    ck_assert_int_eq(tocsin_snapshot_spec(NULL, saved.bytes, saved.size, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_snapshot_spec(&out, NULL, saved.size, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_ptr_null(out);
    out = spec;
    ck_assert_int_eq(tocsin_snapshot_spec(&out, saved.bytes, saved.size - 1, NULL, NULL),
                     TOCSIN_ERROR_FORMAT);
    ck_assert_ptr_null(out);
}
END_TEST

START_TEST(compare_checks_its_arguments)
{
    ck_assert_int_eq(tocsin_detector_compare(NULL, detector, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_compare(detector, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_compare(detector, detector, NULL), TOCSIN_OK);
}
END_TEST

/* ---- What it says of itself -------------------------------------------------- */

START_TEST(size_depends_on_the_spec_alone)
{
    tocsin_detector *fresh = specs_detector(spec);
    size_t needed;

    ck_assert_int_eq(tocsin_detector_save(fresh, NULL, 0, &needed), TOCSIN_ERROR_SPACE);
    ck_assert_uint_eq(needed, saved.size);
    tocsin_detector_free(fresh);
}
END_TEST

START_TEST(a_new_detector_has_no_time)
{
    tocsin_detector *fresh = specs_detector(spec);
    snapshot s = snapshot_of(fresh);
    tocsin_snapshot_info info;

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    ck_assert_int_eq(tocsin_snapshot_peek(s.bytes, s.size, &info, NULL), TOCSIN_OK);
    ck_assert_uint_eq(info.points, 0);
    ck_assert_int_eq(info.time, TOCSIN_TIME_NONE);
    snapshot_free(&s);
    tocsin_detector_free(fresh);
}
END_TEST

START_TEST(saving_changes_nothing)
{
    tocsin_detector *copy;
    snapshot again = snapshot_of(detector);

    ck_assert_uint_eq(again.size, saved.size);
    ck_assert_mem_eq(again.bytes, saved.bytes, saved.size);
    ck_assert_int_eq(tocsin_detector_clone(&copy, detector, NULL), TOCSIN_OK);
    assert_same_state(detector, copy, "a clone");
    snapshot_free(&again);
    tocsin_detector_free(copy);
}
END_TEST

/* After a load there is no last point to explain, but everything that belongs to the state. */
START_TEST(a_loaded_handle_has_no_last_point)
{
    tocsin_detector *copy = specs_detector(spec);
    tocsin_explanation explanation;
    tocsin_verdict verdict;

    feed(copy, 5);
    ck_assert_int_eq(tocsin_detector_load(copy, saved.bytes, saved.size, NULL), TOCSIN_OK);
    memset(&explanation, 0, sizeof explanation);
    explanation.struct_size = sizeof explanation;
    ck_assert_int_eq(tocsin_detector_explain(copy, &explanation), TOCSIN_OK);
    ck_assert_int_eq(tocsin_detector_verdict(copy, &verdict, sizeof verdict), TOCSIN_OK);
    ck_assert(verdict.score != verdict.score);
    ck_assert(verdict.flags & TOCSIN_FLAG_WARMING);
    ck_assert_uint_eq(explanation.points, 100);
    tocsin_detector_free(copy);
}
END_TEST

/* ---- What fits what ---------------------------------------------------------- */

/* Load what a detector of one spec saved into a detector of another. */
static int load_across(const char *from, const char *into, tocsin_error *error)
{
    tocsin_spec *from_spec, *into_spec;
    tocsin_detector *source = detector_of(from, &from_spec), *target = detector_of(into, &into_spec);
    tocsin_detector *before;
    snapshot s;
    int status;

    feed(source, 60);
    feed(target, 30);
    ck_assert_int_eq(tocsin_detector_clone(&before, target, NULL), TOCSIN_OK);
    s = snapshot_of(source);
    *error = states_error();
    status = tocsin_detector_load(target, s.bytes, s.size, error);
    if (status >= 0) {
        assert_same_state(source, target, into);
        ck_assert_ptr_eq(tocsin_detector_spec(target), into_spec);
    } else {
        assert_same_state(before, target, into);
        ck_assert_int_eq(error->status, status);
    }
    snapshot_free(&s);
    tocsin_detector_free(before);
    tocsin_detector_free(target);
    tocsin_detector_free(source);
    tocsin_spec_free(into_spec);
    tocsin_spec_free(from_spec);
    return status;
}

START_TEST(the_same_spec_in_other_words)
{
    tocsin_error error;

    ck_assert_int_eq(load_across("ewma", "clock | gaps missing=skip | ewma clip=4 | tail | alarm",
                                 &error), TOCSIN_OK);
    ck_assert_int_eq(load_across("clock step=300s", "clock step=5m", &error), TOCSIN_OK);
}
END_TEST

START_TEST(other_parameters_are_the_detectors)
{
    tocsin_error error;

    ck_assert_int_eq(load_across("alarm budget=1/day", "alarm budget=1/week", &error),
                     TOCSIN_INFO_RESPECIFIED);
    ck_assert_int_eq(load_across("alarm", "alarm ticket=1/day", &error), TOCSIN_INFO_RESPECIFIED);
    ck_assert_int_eq(load_across("alarm ticket=1/day", "alarm", &error), TOCSIN_INFO_RESPECIFIED);
    ck_assert_int_eq(load_across("gaps missing=hold", "gaps missing=skip", &error),
                     TOCSIN_INFO_RESPECIFIED);
}
END_TEST

START_TEST(another_stage_does_not_fit)
{
    tocsin_error error;

    ck_assert_int_eq(load_across("ewma", "holt-winters", &error), TOCSIN_ERROR_MISMATCH);
    ck_assert_str_eq(error.word, "ewma");
    ck_assert_ptr_nonnull(strstr(error.message, "holt-winters"));
}
END_TEST

START_TEST(a_missing_or_added_stage_does_not_fit)
{
    tocsin_error error;

    ck_assert_int_eq(load_across("ewma", "counter | ewma", &error), TOCSIN_ERROR_MISMATCH);
    ck_assert_int_eq(load_across("counter | ewma", "ewma", &error), TOCSIN_ERROR_MISMATCH);
    ck_assert_int_eq(load_across("ewma | raw", "ewma", &error), TOCSIN_ERROR_MISMATCH);
    ck_assert_int_eq(load_across("ewma", "ewma | raw", &error), TOCSIN_ERROR_MISMATCH);
}
END_TEST

START_TEST(a_parameter_that_shapes_does_not_fit)
{
    tocsin_error error;

    ck_assert_int_eq(load_across("ewma state=double", "ewma state=mixed", &error),
                     TOCSIN_ERROR_MISMATCH);
    ck_assert_str_eq(error.word, "state");
    ck_assert_int_eq(load_across("holt-winters season=24p", "holt-winters season=12p", &error),
                     TOCSIN_ERROR_MISMATCH);
    ck_assert_str_eq(error.word, "season");
    ck_assert_int_eq(load_across("holt-winters season=24p", "holt-winters", &error),
                     TOCSIN_ERROR_MISMATCH);
}
END_TEST

START_TEST(compare_names_the_field)
{
    tocsin_detector *copy;
    tocsin_error error = states_error();

    ck_assert_int_eq(tocsin_detector_clone(&copy, detector, NULL), TOCSIN_OK);
    tocsin_detector_push(copy, START, 1, TOCSIN_LEARN_AND_SCORE, NULL, 0);  /* late */
    ck_assert_int_eq(tocsin_detector_compare(detector, copy, &error), TOCSIN_INFO_DIFFERENT);
    ck_assert_str_eq(error.word, "clock.late");
    tocsin_detector_free(copy);
}
END_TEST

START_TEST(compare_looks_at_stages_first)
{
    tocsin_spec *other_spec;
    tocsin_detector *other = detector_of("ewma | raw", &other_spec);
    tocsin_detector *fresh = specs_detector(spec);
    tocsin_error error = states_error();

    ck_assert_int_eq(tocsin_detector_compare(fresh, other, &error), TOCSIN_INFO_DIFFERENT);
    ck_assert_str_eq(error.word, "tail");
    tocsin_detector_free(fresh);
    tocsin_detector_free(other);
    tocsin_spec_free(other_spec);
}
END_TEST

/* ---- The format, byte for byte ------------------------------------------------ */

static size_t get(const unsigned char *bytes, size_t size)
{
    size_t value = 0;

    for (size_t i = 0; i < size; i++)
        value |= (size_t)bytes[i] << 8 * i;
    return value;
}

static void put(unsigned char *bytes, size_t size, size_t value)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
}

#define HEADER 20
#define RECORD 8

/* Put bytes into a snapshot at an offset, and make its size and checksum right. */
static snapshot with_bytes(const snapshot *s, size_t at, const void *bytes, size_t count)
{
    snapshot longer;

    longer.size = s->size + count;
    longer.bytes = malloc(longer.size);
    ck_assert_ptr_nonnull(longer.bytes);
    memcpy(longer.bytes, s->bytes, at);
    memcpy(longer.bytes + at, bytes, count);
    memcpy(longer.bytes + at + count, s->bytes + at, s->size - at);
    put(longer.bytes + 8, 4, longer.size);
    crc32c_repair(longer.bytes, longer.size);
    return longer;
}

/* The offset of the record of that number. */
static size_t record_at(const snapshot *s, size_t number)
{
    size_t at = HEADER;

    while (number-- > 0)
        at += RECORD + get(s->bytes + at + 4, 4);
    return at;
}

static int load(const snapshot *s)
{
    tocsin_error error = states_error();

    return tocsin_detector_load(detector, s->bytes, s->size, &error);
}

START_TEST(the_header_is_as_written_down)
{
    const size_t stages = tocsin_spec_stage_count(spec);
    size_t at;

    ck_assert_mem_eq(saved.bytes, "TOCS", 4);
    ck_assert_uint_eq(get(saved.bytes + 4, 2), TOCSIN_SNAPSHOT_FORMAT);
    ck_assert_uint_eq(get(saved.bytes + 6, 2), 1);
    ck_assert_uint_eq(get(saved.bytes + 8, 4), saved.size);
    ck_assert_uint_eq(get(saved.bytes + 12, 4), 1);
    ck_assert_uint_eq(get(saved.bytes + 16, 4), 2 + stages);
    at = record_at(&saved, 2 + stages);
    ck_assert_uint_eq(at + 4, saved.size);
    ck_assert_uint_eq(get(saved.bytes + at, 4), crc32c(saved.bytes, at));
    for (size_t i = 0; i < stages; i++) {
        const char *name = tocsin_spec_stage_name(spec, i);

        at = record_at(&saved, 2 + i) + RECORD;
        ck_assert_uint_eq(saved.bytes[at], strlen(name));
        ck_assert_mem_eq(saved.bytes + at + 1, name, strlen(name));
    }
}
END_TEST

/* A later format that this one can read, and one that it cannot. */
START_TEST(newer_formats)
{
    put(saved.bytes + 4, 2, 9);
    crc32c_repair(saved.bytes, saved.size);
    ck_assert_int_eq(load(&saved), TOCSIN_OK);
    put(saved.bytes + 6, 2, 2);
    crc32c_repair(saved.bytes, saved.size);
    ck_assert_int_eq(load(&saved), TOCSIN_ERROR_VERSION);
}
END_TEST

START_TEST(unknown_records_are_skipped_unless_critical)
{
    unsigned char record[RECORD + 5] = {0};
    snapshot longer;
    size_t at = record_at(&saved, 2);

    put(record, 2, 999);
    put(record + 4, 4, 5);
    longer = with_bytes(&saved, at, record, sizeof record);
    put(longer.bytes + 16, 4, get(longer.bytes + 16, 4) + 1);
    crc32c_repair(longer.bytes, longer.size);
    ck_assert_int_eq(load(&longer), TOCSIN_OK);
    put(longer.bytes + at + 2, 2, 1);
    crc32c_repair(longer.bytes, longer.size);
    ck_assert_int_eq(load(&longer), TOCSIN_ERROR_VERSION);
    snapshot_free(&longer);
}
END_TEST

START_TEST(unknown_fields_are_skipped)
{
    static const unsigned char field[] = {3, 'n', 'e', 'w', 7, 2, 0, 0, 0, 1, 2};
    const size_t at = record_at(&saved, 2), size = get(saved.bytes + at + 4, 4);
    snapshot longer = with_bytes(&saved, at + RECORD + size, field, sizeof field);

    put(longer.bytes + at + 4, 4, size + sizeof field);
    crc32c_repair(longer.bytes, longer.size);
    ck_assert_int_eq(load(&longer), TOCSIN_OK);
    snapshot_free(&longer);
}
END_TEST

/* A field the snapshot's release did not have keeps its initial value. */
START_TEST(missing_fields_stay_as_they_begin)
{
    const size_t at = record_at(&saved, 2), size = get(saved.bytes + at + 4, 4);
    size_t found = at;
    tocsin_explanation explanation;

    /* Rename the clock's counter of late points: unknown now, and hence missing. */
    tocsin_detector_push(detector, START, 1, TOCSIN_LEARN_AND_SCORE, NULL, 0);
    snapshot_free(&saved);
    saved = snapshot_of(detector);
    while (memcmp(saved.bytes + found, "\4late", 5) != 0)
        ck_assert_uint_lt(++found, at + size);
    memcpy(saved.bytes + found, "\4tale", 5);
    crc32c_repair(saved.bytes, saved.size);

    memset(&explanation, 0, sizeof explanation);
    explanation.struct_size = sizeof explanation;
    ck_assert_int_eq(tocsin_detector_explain(detector, &explanation), TOCSIN_OK);
    ck_assert_uint_eq(explanation.late, 1);
    ck_assert_int_eq(load(&saved), TOCSIN_OK);
    ck_assert_int_eq(tocsin_detector_explain(detector, &explanation), TOCSIN_OK);
    ck_assert_uint_eq(explanation.late, 0);
    ck_assert_uint_eq(explanation.points, 100);
}
END_TEST

START_TEST(the_spec_must_come_first)
{
    put(saved.bytes + HEADER, 2, 999);
    put(saved.bytes + HEADER + 2, 2, 0);
    crc32c_repair(saved.bytes, saved.size);
    ck_assert_int_eq(load(&saved), TOCSIN_ERROR_FORMAT);
}
END_TEST

START_TEST(another_revision_does_not_fit)
{
    const size_t at = record_at(&saved, 2) + RECORD;

    put(saved.bytes + at + 1 + saved.bytes[at], 4, 2);
    crc32c_repair(saved.bytes, saved.size);
    ck_assert_int_eq(load(&saved), TOCSIN_ERROR_MISMATCH);
}
END_TEST

/* A spec inside that does not compile: the error's offset is one in the snapshot. */
START_TEST(a_bad_spec_inside_is_pointed_at)
{
    tocsin_error error = states_error();
    tocsin_snapshot_info info;
    tocsin_spec *out;
    size_t at;

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    ck_assert_int_eq(tocsin_snapshot_peek(saved.bytes, saved.size, &info, NULL), TOCSIN_OK);
    at = (size_t)((const unsigned char *)info.spec_text - saved.bytes);
    saved.bytes[at] = 'X';
    crc32c_repair(saved.bytes, saved.size);
    ck_assert_int_lt(tocsin_snapshot_spec(&out, saved.bytes, saved.size, NULL, &error), 0);
    ck_assert_ptr_null(out);
    ck_assert_uint_eq(error.offset, at);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("snapshot");
    TCase *tcase = suite_case(s, "snapshot");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, save_checks_its_arguments);
    tcase_add_test(tcase, load_checks_its_arguments);
    tcase_add_test(tcase, peek_checks_its_arguments);
    tcase_add_test(tcase, spec_checks_its_arguments);
    tcase_add_test(tcase, compare_checks_its_arguments);
    tcase_add_test(tcase, size_depends_on_the_spec_alone);
    tcase_add_test(tcase, a_new_detector_has_no_time);
    tcase_add_test(tcase, saving_changes_nothing);
    tcase_add_test(tcase, a_loaded_handle_has_no_last_point);
    tcase_add_test(tcase, the_same_spec_in_other_words);
    tcase_add_test(tcase, other_parameters_are_the_detectors);
    tcase_add_test(tcase, another_stage_does_not_fit);
    tcase_add_test(tcase, a_missing_or_added_stage_does_not_fit);
    tcase_add_test(tcase, a_parameter_that_shapes_does_not_fit);
    tcase_add_test(tcase, compare_names_the_field);
    tcase_add_test(tcase, compare_looks_at_stages_first);
    tcase_add_test(tcase, the_header_is_as_written_down);
    tcase_add_test(tcase, newer_formats);
    tcase_add_test(tcase, unknown_records_are_skipped_unless_critical);
    tcase_add_test(tcase, unknown_fields_are_skipped);
    tcase_add_test(tcase, missing_fields_stay_as_they_begin);
    tcase_add_test(tcase, the_spec_must_come_first);
    tcase_add_test(tcase, another_revision_does_not_fit);
    tcase_add_test(tcase, a_bad_spec_inside_is_pointed_at);
    return s;
}

TOCSIN_TEST_MAIN(suite)
