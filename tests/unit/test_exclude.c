/* Excluding an interval afterwards: against a window that was opened beforehand, and against the
 * same series without its incident. */
#include <math.h>
#include <stdio.h>

#include "pipeline/stage.h"
#include "../support/rng.h"
#include "../support/suite.h"
#include "tocsin.h"

#define POINTS 600
#define BEGIN 400               /* of the incident */
#define END 449

static tocsin_spec *compiled(const char *text)
{
    tocsin_spec *spec;

    require(tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL) == TOCSIN_OK,
            "no spec: %s", text);
    return spec;
}

static tocsin_detector *created(const tocsin_spec *spec)
{
    tocsin_detector *detector;

    require(tocsin_detector_create(&detector, spec, NULL) == TOCSIN_OK, "no detector");
    return detector;
}

static int64_t time_of(int i)
{
    return i * TOCSIN_MINUTE;
}

static double value_of(rng *r, int i, int with_incident)
{
    const double usual = 100 + 5 * sin(i / 40.0) + rng_normal(r);

    return with_incident && i >= BEGIN && i <= END ? 3 * usual + i : usual;
}

static tocsin_verdict push(tocsin_detector *detector, int i, double value)
{
    tocsin_verdict verdict;

    require(tocsin_detector_push(detector, time_of(i), value, TOCSIN_LEARN_AND_SCORE, &verdict,
                                 sizeof verdict) == TOCSIN_OK, "no push");
    return verdict;
}

static double limit_of(const tocsin_detector *detector)
{
    tocsin_explanation explanation;

    memset(&explanation, 0, sizeof explanation);
    explanation.struct_size = sizeof explanation;
    require(tocsin_detector_explain(detector, &explanation) == TOCSIN_OK, "no explanation");
    return explanation.limit;
}

static int same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Every model: as if a window had been opened in time. */
START_TEST(with_a_copy_it_is_as_if_it_had_been_known)
{
    int models = 0;

    for (size_t m = 0; m < tocsin__catalog_count; m++) {
        const tocsin__stage *stage = tocsin__catalog[m];
        char text[128];

        if (stage->kind != TOCSIN_STAGE_DETECT)
            continue;
        snprintf(text, sizeof text, "%s%s | tail | alarm budget=1/h", stage->name,
                 strcmp(stage->name, "holt-winters") == 0 ? " season=20p" : "");
        models++;

        tocsin_spec *spec = compiled(text);
        tocsin_detector *known = created(spec), *late = created(spec), *copy = NULL;
        rng r = rng_seeded(1), again = rng_seeded(1);

        require(tocsin_detector_mark(known, TOCSIN_MARK_MAINTENANCE, TOCSIN_MARK_NO_LEARN,
                                     time_of(BEGIN), time_of(END)) == TOCSIN_OK, "no mark");
        for (int i = 0; i <= END; i++) {
            if (i == BEGIN)
                require(tocsin_detector_clone(&copy, late, NULL) == TOCSIN_OK, "no copy");
            push(known, i, value_of(&r, i, 1));
            push(late, i, value_of(&again, i, 1));
        }
        ck_assert_int_eq(tocsin_detector_exclude(late, copy, time_of(BEGIN), time_of(END)),
                         TOCSIN_OK);
        for (int i = END + 1; i < POINTS; i++) {
            const tocsin_verdict a = push(known, i, value_of(&r, i, 1));
            const tocsin_verdict b = push(late, i, value_of(&again, i, 1));

            require(same(a.score, b.score) && same(a.raw, b.raw) && same(a.expected, b.expected) &&
                        same(a.upper, b.upper), "%s differs at %d", stage->name, i);
        }
        ck_assert_int_eq(tocsin_detector_exclude(late, copy, time_of(BEGIN), time_of(END)),
                         TOCSIN_INFO_PARTIAL);
        tocsin_detector_free(known);
        tocsin_detector_free(late);
        tocsin_detector_free(copy);
        tocsin_spec_free(spec);
    }
    ck_assert_int_ge(models, 10);
}
END_TEST

/* An incident that the median takes no notice of. */
static double spiky(rng *r, int i, int with_incident)
{
    return rng_normal(r) + (with_incident && i >= BEGIN && i <= END && i % 10 == 0 ? 60 : 0);
}

/* Without one the limit is about what it would be without the incident, and that twice over. */
START_TEST(without_a_copy_the_limit_forgets)
{
    tocsin_spec *spec = compiled("robust | tail | alarm budget=1/day");
    tocsin_detector *calm = created(spec), *late = created(spec);
    rng r = rng_seeded(2), again = rng_seeded(2);

    for (int i = 0; i < POINTS; i++) {
        push(calm, i, spiky(&r, i, 0));
        push(late, i, spiky(&again, i, 1));
    }

    const double usual = limit_of(calm), raised = limit_of(late);

    ck_assert_double_gt(raised, 1.3 * usual);
    ck_assert_int_eq(tocsin_detector_exclude(late, NULL, time_of(BEGIN), time_of(END)),
                     TOCSIN_INFO_PARTIAL);
    ck_assert_double_lt(limit_of(late), 1.3 * usual);
    ck_assert_double_gt(limit_of(late), 0.7 * usual);

    const double once = limit_of(late);

    ck_assert_int_eq(tocsin_detector_exclude(late, NULL, time_of(BEGIN), time_of(END)),
                     TOCSIN_INFO_PARTIAL);
    ck_assert_double_eq(limit_of(late), once);

    /* What lies before or behind all that is known is no part of it. */
    ck_assert_int_eq(tocsin_detector_exclude(late, NULL, time_of(POINTS + 1), time_of(POINTS + 9)),
                     TOCSIN_INFO_IGNORED);
    ck_assert_int_eq(tocsin_detector_exclude(late, NULL, time_of(-90000), time_of(-80000)),
                     TOCSIN_INFO_IGNORED);
    ck_assert_double_eq(limit_of(late), once);

    /* All of it: the calibrator begins anew. */
    ck_assert_int_eq(tocsin_detector_exclude(late, NULL, INT64_MIN + 1, INT64_MAX),
                     TOCSIN_INFO_PARTIAL);
    ck_assert(isnan(limit_of(late)));
    for (int i = POINTS; i < 2 * POINTS; i++)
        push(late, i, spiky(&again, i, 0));
    ck_assert(limit_of(late) < 1.5 * usual);
    tocsin_detector_free(calm);
    tocsin_detector_free(late);
    tocsin_spec_free(spec);
}
END_TEST

START_TEST(what_cannot_be_is_told)
{
    tocsin_spec *spec = compiled("ewma | tail | alarm"), *raw = compiled("ewma | raw");
    tocsin_detector *detector = created(spec), *copy = created(spec), *other = created(raw);
    rng r = rng_seeded(3);

    ck_assert_int_eq(tocsin_detector_exclude(detector, copy, 0, 1), TOCSIN_INFO_IGNORED);
    ck_assert_int_eq(tocsin_detector_exclude(detector, NULL, 0, 1), TOCSIN_INFO_IGNORED);
    for (int i = 0; i < POINTS; i++) {
        push(detector, i, value_of(&r, i, 1));
        if (i == BEGIN)
            push(copy, i, 1);
    }

    const double limit = limit_of(detector);

    ck_assert_int_eq(tocsin_detector_exclude(NULL, copy, 0, 1), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_exclude(detector, copy, 1, 0), TOCSIN_ERROR_TIME);
    ck_assert_int_eq(tocsin_detector_exclude(detector, copy, TOCSIN_TIME_NONE, 0),
                     TOCSIN_ERROR_TIME);
    ck_assert_int_eq(tocsin_detector_exclude(detector, copy, 0, TOCSIN_TIME_NONE),
                     TOCSIN_ERROR_TIME);
    ck_assert_int_eq(tocsin_detector_exclude(detector, copy, time_of(BEGIN), time_of(END)),
                     TOCSIN_ERROR_TIME);
    ck_assert_int_eq(tocsin_detector_exclude(detector, other, time_of(BEGIN), time_of(END)),
                     TOCSIN_ERROR_MISMATCH);
    ck_assert_int_eq(tocsin_detector_exclude(other, NULL, time_of(BEGIN), time_of(END)),
                     TOCSIN_ERROR_UNSUPPORTED);
    ck_assert_int_eq(tocsin_detector_exclude(detector, copy, time_of(POINTS), time_of(POINTS)),
                     TOCSIN_INFO_IGNORED);
    ck_assert_double_eq(limit_of(detector), limit);
    tocsin_detector_free(detector);
    tocsin_detector_free(copy);
    tocsin_detector_free(other);
    tocsin_spec_free(spec);
    tocsin_spec_free(raw);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("exclude");
    TCase *tcase = suite_case(suite, "exclude");

    tcase_add_test(tcase, with_a_copy_it_is_as_if_it_had_been_known);
    tcase_add_test(tcase, without_a_copy_the_limit_forgets);
    tcase_add_test(tcase, what_cannot_be_is_told);
    return suite;
}

TOCSIN_TEST_MAIN(suite)
