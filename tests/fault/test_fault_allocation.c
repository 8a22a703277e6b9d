/* Memory runs out: whichever allocation fails, there is a status, nothing leaks and nothing is
 * handed out.  And while points are scored, nothing is allocated at all. */
#include "../support/counting_allocator.h"
#include "../support/inputs.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

/* What a constructor is called with; `make` calls it and says what came out. */
typedef struct maker {
    const char *text;
    const tocsin_spec *spec;
    const tocsin_detector *detector;
    const snapshot *saved;
} maker;

typedef int (*make)(const maker *m, const tocsin_allocator *allocator, void **out);

static int make_spec(const maker *m, const tocsin_allocator *allocator, void **out)
{
    tocsin_spec *spec = (tocsin_spec *)out;     /* anything but NULL */
    const int status = tocsin_spec_compile(&spec, m->text, TOCSIN_NUL_TERMINATED, allocator, NULL);

    *out = spec;
    return status;
}

static int make_derived_spec(const maker *m, const tocsin_allocator *allocator, void **out)
{
    tocsin_spec *spec = (tocsin_spec *)out;
    tocsin_setting setting;
    int status;

    memset(&setting, 0, sizeof setting);
    setting.struct_size = sizeof setting;
    setting.stage = "clock";
    setting.parameter = "absence";
    setting.text = "90m";
    setting.value_count = 1;
    status = tocsin_spec_derive(&spec, m->spec, &setting, 1, allocator, NULL);
    *out = spec;
    return status;
}

static int make_snapshot_spec(const maker *m, const tocsin_allocator *allocator, void **out)
{
    tocsin_spec *spec = (tocsin_spec *)out;
    const int status = tocsin_snapshot_spec(&spec, m->saved->bytes, m->saved->size, allocator,
                                            NULL);

    *out = spec;
    return status;
}

static int make_detector(const maker *m, const tocsin_allocator *allocator, void **out)
{
    tocsin_detector *detector = (tocsin_detector *)out;
    const int status = tocsin_detector_create(&detector, m->spec, allocator);

    *out = detector;
    return status;
}

static int make_clone(const maker *m, const tocsin_allocator *allocator, void **out)
{
    tocsin_detector *detector = (tocsin_detector *)out;
    const int status = tocsin_detector_clone(&detector, m->detector, allocator);

    *out = detector;
    return status;
}

static void free_spec(void *object)
{
    tocsin_spec_free(object);
}

static void free_detector(void *object)
{
    tocsin_detector_free(object);
}

static void fail_each_allocation(make make_object, void (*free_object)(void *), const maker *m)
{
    size_t k = 0;

    for (;;) {
        counting_allocator counting;
        const tocsin_allocator allocator = counting_start(&counting);
        void *object;
        int status;

        counting.fail_at = ++k;
        status = make_object(m, &allocator, &object);
        if (status == TOCSIN_OK) {
            ck_assert_ptr_nonnull(object);
            ck_assert_uint_ge(counting.live, 1);
            free_object(object);
            ck_assert_uint_eq(counting.live, 0);
            ck_assert_msg(counting.calls < k, "an allocation failed and nobody noticed");
            break;
        }
        ck_assert_int_eq(status, TOCSIN_ERROR_MEMORY);
        ck_assert_ptr_null(object);
        ck_assert_uint_eq(counting.live, 0);
    }
    ck_assert_msg(k > 1, "nothing was allocated through the allocator");
}

START_TEST(every_allocation_may_fail)
{
    specs list = specs_few();

    for (size_t i = 0; i < list.count; i++) {
        tocsin_spec *spec = specs_compile(list.text[i]);
        tocsin_detector *detector = specs_detector(spec);
        snapshot saved = snapshot_of(detector);
        const maker m = {list.text[i], spec, detector, &saved};

        fail_each_allocation(make_spec, free_spec, &m);
        fail_each_allocation(make_derived_spec, free_spec, &m);
        fail_each_allocation(make_snapshot_spec, free_spec, &m);
        fail_each_allocation(make_detector, free_detector, &m);
        fail_each_allocation(make_clone, free_detector, &m);
        snapshot_free(&saved);
        tocsin_detector_free(detector);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* Bad texts must not leak either. */
START_TEST(a_refused_spec_leaves_nothing)
{
    static const char *const texts[] = {"ewma |", "emwa", "ewma alpha=", "ewma budget=1/week",
                                        "tail | ewma", "ewma half-life=-1", "alarm budget=1/"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        counting_allocator counting;
        const tocsin_allocator allocator = counting_start(&counting);
        tocsin_spec *spec;

        ck_assert_int_lt(tocsin_spec_compile(&spec, texts[i], TOCSIN_NUL_TERMINATED, &allocator,
                                             NULL), 0);
        ck_assert_ptr_null(spec);
        ck_assert_uint_eq(counting.live, 0);
    }
}
END_TEST

START_TEST(one_allocation_of_the_promised_size)
{
    specs list = specs_few();

    for (size_t i = 0; i < list.count; i++) {
        counting_allocator counting;
        const tocsin_allocator allocator = counting_start(&counting);
        tocsin_spec *spec = specs_compile(list.text[i]);
        tocsin_detector *detector;

        ck_assert_int_eq(tocsin_detector_create(&detector, spec, &allocator), TOCSIN_OK);
        ck_assert_uint_eq(counting.calls, 1);
        ck_assert_uint_eq(counting.block[0].size, tocsin_spec_detector_size(spec));
        tocsin_detector_free(detector);
        ck_assert_uint_eq(counting.live, 0);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

START_TEST(scoring_never_allocates)
{
    specs list = specs_few();
    unsigned char *buffer = malloc(1 << 20);
    input in;

    ck_assert_ptr_nonnull(buffer);
    input_make(&in, INPUT_WALK, 9);
    for (size_t i = 0; i < list.count; i++) {
        counting_allocator counting;
        const tocsin_allocator allocator = counting_start(&counting);
        tocsin_spec *spec;
        tocsin_detector *detector;
        size_t calls;

        ck_assert_int_eq(tocsin_spec_compile(&spec, list.text[i], TOCSIN_NUL_TERMINATED,
                                             &allocator, NULL), TOCSIN_OK);
        ck_assert_int_eq(tocsin_detector_create(&detector, spec, &allocator), TOCSIN_OK);
        calls = counting.calls;
        for (size_t k = 0; k < INPUT_POINTS; k++) {
            tocsin_explanation explanation;
            tocsin_forecast forecast[2];
            tocsin_verdict verdict;
            size_t needed = 0;
            double score;

            if (k % 2)
                tocsin_detector_push(detector, in.time[k], in.value[k], TOCSIN_LEARN_AND_SCORE,
                                     &verdict, sizeof verdict);
            else
                tocsin_detector_score(detector, in.time[k], in.value[k], TOCSIN_LEARN_AND_SCORE,
                                      &score);
            tocsin_detector_tick(detector, in.time[k] + 1, &verdict, sizeof verdict);
            tocsin_detector_mark(detector, TOCSIN_MARK_DEPLOY, 0, in.time[k], TOCSIN_TIME_NONE);
            explanation.struct_size = sizeof explanation;
            tocsin_detector_explain(detector, &explanation);
            tocsin_detector_forecast(detector, 2, 0.9, forecast, sizeof forecast[0]);
            if (tocsin_detector_save(detector, buffer, 1 << 20, &needed) == TOCSIN_OK)
                ck_assert_int_eq(tocsin_detector_load(detector, buffer, needed, NULL), TOCSIN_OK);
        }
        tocsin_detector_reset(detector);
        ck_assert_uint_eq(counting.calls, calls);
        tocsin_detector_free(detector);
        tocsin_spec_free(spec);
        ck_assert_uint_eq(counting.live, 0);
    }
    free(buffer);
    specs_free(&list);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fault_allocation");
    TCase *tcase = suite_case(s, "allocation");

    tcase_add_test(tcase, every_allocation_may_fail);
    tcase_add_test(tcase, a_refused_spec_leaves_nothing);
    tcase_add_test(tcase, one_allocation_of_the_promised_size);
    tcase_add_test(tcase, scoring_never_allocates);
    return s;
}

TOCSIN_TEST_MAIN(suite)
