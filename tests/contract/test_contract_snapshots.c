/* Save, load, go on: the same bits as going on, for every spec, every input and every offset. */
#include "../support/inputs.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

static tocsin_verdict push(tocsin_detector *detector, const input *in, size_t i)
{
    tocsin_verdict verdict;

    tocsin_detector_push(detector, in->time[i], in->value[i], TOCSIN_LEARN_AND_SCORE, &verdict,
                         sizeof verdict);
    return verdict;
}

static tocsin_detector *reloaded(const tocsin_spec *spec, const tocsin_detector *detector,
                                 const char *text)
{
    tocsin_detector *copy = specs_detector(spec);
    snapshot s = snapshot_of(detector);
    tocsin_error error = states_error();
    const int status = tocsin_detector_load(copy, s.bytes, s.size, &error);

    require(status == TOCSIN_OK, "'%s' does not load its own snapshot: %s", text, error.message);
    snapshot_free(&s);
    return copy;
}

/* At each point the run moves through a snapshot into a new detector, and from there goes on; a
 * detector that is never saved is beside it. */
static void relay(const char *text, const input *in)
{
    tocsin_spec *spec = specs_compile(text);
    tocsin_detector *steady = specs_detector(spec), *runner = specs_detector(spec);

    for (size_t i = 0; i < INPUT_POINTS; i++) {
        tocsin_detector *next = reloaded(spec, runner, text);
        tocsin_verdict expected, verdict;

        assert_same_state(runner, next, text);
        tocsin_detector_free(runner);
        runner = next;
        expected = push(steady, in, i);
        verdict = push(runner, in, i);
        assert_same_verdict(&expected, &verdict, text);
    }
    assert_same_state(steady, runner, text);
    tocsin_detector_free(steady);
    tocsin_detector_free(runner);
    tocsin_spec_free(spec);
}

START_TEST(relay_at_every_offset)
{
    specs list = specs_few();
    input in;

    input_make(&in, _i, 6);
    for (size_t s = 0; s < list.count; s++)
        relay(list.text[s], &in);
    specs_free(&list);
}
END_TEST

/* What every parameter's bounds make of a state fits its table. */
START_TEST(every_spec_loads_its_own_snapshot)
{
    specs list = specs_all();
    input in;

    input_make(&in, _i, 7);
    for (size_t s = 0; s < list.count; s++) {
        tocsin_spec *spec = specs_compile(list.text[s]);
        tocsin_detector *detector = specs_detector(spec), *copy;

        for (size_t i = 0; i < INPUT_POINTS; i++)
            push(detector, &in, i);
        copy = reloaded(spec, detector, list.text[s]);
        assert_same_state(detector, copy, list.text[s]);
        tocsin_detector_free(detector);
        tocsin_detector_free(copy);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* A snapshot is enough to begin with: its spec compiles, and loads it. */
START_TEST(every_snapshot_tells_its_spec)
{
    specs list = specs_all();

    for (size_t i = 0; i < list.count; i++) {
        tocsin_spec *spec = specs_compile(list.text[i]), *found;
        tocsin_detector *detector = specs_detector(spec), *copy;
        tocsin_error error = states_error();
        tocsin_snapshot_info info;
        snapshot s;
        char *text;
        size_t needed;

        for (size_t k = 0; k < 20; k++)
            tocsin_detector_push(detector, INPUT_START + (int64_t)k, (double)k,
                                 TOCSIN_LEARN_AND_SCORE, NULL, 0);
        s = snapshot_of(detector);

        memset(&info, 0, sizeof info);
        info.struct_size = sizeof info;
        ck_assert_int_eq(tocsin_snapshot_peek(s.bytes, s.size, &info, &error), TOCSIN_OK);
        ck_assert_uint_eq(info.format, TOCSIN_SNAPSHOT_FORMAT);
        ck_assert_uint_eq(info.size, s.size);
        ck_assert_uint_eq(info.points, 20);
        ck_assert_int_eq(info.time, INPUT_START + 19);

        ck_assert_int_eq(tocsin_spec_text(spec, TOCSIN_TEXT_FULL, NULL, 0, &needed),
                         TOCSIN_ERROR_SPACE);
        text = malloc(needed);
        ck_assert_ptr_nonnull(text);
        ck_assert_int_eq(tocsin_spec_text(spec, TOCSIN_TEXT_FULL, text, needed, NULL), TOCSIN_OK);
        ck_assert_uint_eq(info.spec_length, needed - 1);
        ck_assert_mem_eq(info.spec_text, text, needed - 1);

        ck_assert_msg(tocsin_snapshot_spec(&found, s.bytes, s.size, NULL, &error) == TOCSIN_OK,
                      "%s: %s", text, error.message);
        copy = specs_detector(found);
        ck_assert_int_eq(tocsin_detector_load(copy, s.bytes, s.size, &error), TOCSIN_OK);
        assert_same_state(detector, copy, text);
        tocsin_detector_free(copy);
        tocsin_spec_free(found);

        free(text);
        snapshot_free(&s);
        tocsin_detector_free(detector);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* Across specs: loading either succeeds, and then the state is the saved one, or it fails and
 * changes nothing. */
START_TEST(all_or_nothing_across_specs)
{
    specs list = specs_all(), few = specs_few();
    input in;

    input_make(&in, INPUT_WALK, 8);
    for (size_t a = 0; a < few.count; a++) {
        tocsin_spec *spec = specs_compile(few.text[a]);
        tocsin_detector *detector = specs_detector(spec);
        snapshot s;

        for (size_t i = 0; i < 60; i++)
            push(detector, &in, i);
        s = snapshot_of(detector);
        for (size_t b = 0; b < list.count; b++) {
            tocsin_spec *other_spec = specs_compile(list.text[b]);
            tocsin_detector *other = specs_detector(other_spec), *before;
            tocsin_error error = states_error();
            int status;

            push(other, &in, 100);
            require(tocsin_detector_clone(&before, other, NULL) == TOCSIN_OK, "no clone");
            status = tocsin_detector_load(other, s.bytes, s.size, &error);
            if (status >= 0) {
                assert_same_state(detector, other, list.text[b]);
            } else {
                require(status == TOCSIN_ERROR_MISMATCH && error.message[0], "'%s' into '%s': %s",
                        few.text[a], list.text[b], error.message);
                assert_same_state(before, other, list.text[b]);
            }
            require(strcmp(few.text[a], list.text[b]) != 0 || status == TOCSIN_OK, "%s: %s",
                    few.text[a], error.message);
            tocsin_detector_free(other);
            tocsin_detector_free(before);
            tocsin_spec_free(other_spec);
        }
        snapshot_free(&s);
        tocsin_detector_free(detector);
        tocsin_spec_free(spec);
    }
    specs_free(&few);
    specs_free(&list);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("contract_snapshots");
    TCase *tcase = suite_case(s, "snapshots");

    tcase_add_loop_test(suite_long_case(s, "relays"), relay_at_every_offset, 0, INPUT_KINDS);
    tcase_add_loop_test(tcase, every_spec_loads_its_own_snapshot, 0, INPUT_KINDS);
    tcase_add_test(tcase, every_snapshot_tells_its_spec);
    tcase_add_test(tcase, all_or_nothing_across_specs);
    return s;
}

TOCSIN_TEST_MAIN(suite)
