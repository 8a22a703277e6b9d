/* The same points give the same verdicts and the same state, whichever way they are pushed: one by
 * one, in blocks, for their scores alone, through a clone, after a reset, or in part. */
#include "../support/inputs.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

/* One spec on one input, pushed point by point: what the other ways are held against. */
typedef struct course {
    const char *text;
    const input *in;
    tocsin_spec *spec;
    tocsin_detector *detector;
    tocsin_verdict verdict[INPUT_POINTS];
    int status[INPUT_POINTS];
} course;

static void course_run(course *c, const char *text, const input *in)
{
    c->text = text;
    c->in = in;
    c->spec = specs_compile(text);
    c->detector = specs_detector(c->spec);
    for (size_t i = 0; i < INPUT_POINTS; i++)
        c->status[i] = tocsin_detector_push(c->detector, in->time[i], in->value[i],
                                            TOCSIN_LEARN_AND_SCORE, &c->verdict[i],
                                            sizeof c->verdict[i]);
}

static void course_end(course *c)
{
    tocsin_detector_free(c->detector);
    tocsin_spec_free(c->spec);
}

/* Blocks of random lengths, 0 included. */
static void push_in_blocks(const course *c)
{
    tocsin_detector *detector = specs_detector(c->spec);
    rng r = rng_seeded(7);
    size_t i = 0;

    while (i < INPUT_POINTS) {
        tocsin_verdict verdict[64];
        size_t count = rng_below(&r, 65);
        int status, expected = TOCSIN_OK;

        if (count > INPUT_POINTS - i)
            count = INPUT_POINTS - i;
        status = tocsin_detector_push_n(detector, count, c->in->time + i, c->in->value + i,
                                        TOCSIN_LEARN_AND_SCORE, verdict, sizeof verdict[0]);
        for (size_t k = 0; k < count; k++) {
            assert_same_verdict(&c->verdict[i + k], &verdict[k], c->text);
            if (c->status[i + k] == TOCSIN_INFO_IGNORED)
                expected = TOCSIN_INFO_IGNORED;
        }
        ck_assert_int_eq(status, expected);
        i += count;
    }
    assert_same_state(c->detector, detector, c->text);
    tocsin_detector_free(detector);
}

/* The whole verdict can still be had afterwards. */
static void push_for_scores(const course *c)
{
    tocsin_detector *detector = specs_detector(c->spec);

    for (size_t i = 0; i < INPUT_POINTS; i++) {
        tocsin_verdict verdict;
        double score = 0;

        require(tocsin_detector_score(detector, c->in->time[i], c->in->value[i],
                                      TOCSIN_LEARN_AND_SCORE, &score) == c->status[i],
                "%s: another status at %zu", c->text, i);
        assert_same_bits(score, c->verdict[i].score);
        tocsin_detector_verdict(detector, &verdict, sizeof verdict);
        assert_same_verdict(&c->verdict[i], &verdict, c->text);
    }
    assert_same_state(c->detector, detector, c->text);
    tocsin_detector_free(detector);
}

/* Full verdicts, scores and no verdict at all in turns. */
static void push_in_turns(const course *c)
{
    tocsin_detector *detector = specs_detector(c->spec);

    for (size_t i = 0; i < INPUT_POINTS; i++) {
        tocsin_verdict verdict;
        double score;

        switch (i % 3) {
        case 0:
            tocsin_detector_push(detector, c->in->time[i], c->in->value[i], TOCSIN_LEARN_AND_SCORE,
                                 &verdict, sizeof verdict);
            assert_same_verdict(&c->verdict[i], &verdict, c->text);
            break;
        case 1:
            tocsin_detector_score(detector, c->in->time[i], c->in->value[i],
                                  TOCSIN_LEARN_AND_SCORE, &score);
            break;
        default:
            tocsin_detector_push(detector, c->in->time[i], c->in->value[i], TOCSIN_LEARN_AND_SCORE,
                                 NULL, 0);
        }
    }
    assert_same_state(c->detector, detector, c->text);
    tocsin_detector_free(detector);
}

/* At a third of the way a clone is made; from there both go on, taking turns. */
static void push_through_clone(const course *c)
{
    tocsin_detector *detector = specs_detector(c->spec), *clone = NULL;

    for (size_t i = 0; i < INPUT_POINTS; i++) {
        tocsin_verdict verdict;

        if (i == INPUT_POINTS / 3) {
            ck_assert_int_eq(tocsin_detector_clone(&clone, detector, NULL), TOCSIN_OK);
            assert_same_state(detector, clone, c->text);
        }
        tocsin_detector_push(detector, c->in->time[i], c->in->value[i], TOCSIN_LEARN_AND_SCORE,
                             &verdict, sizeof verdict);
        assert_same_verdict(&c->verdict[i], &verdict, c->text);
        if (clone) {
            tocsin_detector_push(clone, c->in->time[i], c->in->value[i], TOCSIN_LEARN_AND_SCORE,
                                 &verdict, sizeof verdict);
            assert_same_verdict(&c->verdict[i], &verdict, c->text);
        }
    }
    assert_same_state(detector, clone, c->text);
    tocsin_detector_free(detector);
    tocsin_detector_free(clone);
}

/* A detector that has seen something else and was reset is a new one. */
static void push_after_reset(const course *c)
{
    tocsin_detector *detector = specs_detector(c->spec), *fresh = specs_detector(c->spec);

    for (size_t i = 0; i < 100; i++)
        tocsin_detector_push(detector, TOCSIN_TIME_NONE, (double)i, TOCSIN_LEARN_AND_SCORE, NULL,
                             0);
    tocsin_detector_mark(detector, TOCSIN_MARK_DEPLOY, TOCSIN_MARK_MUTE, 0, TOCSIN_TIME_NONE);
    ck_assert_int_eq(tocsin_detector_reset(detector), TOCSIN_OK);
    assert_same_state(fresh, detector, c->text);
    for (size_t i = 0; i < INPUT_POINTS; i++) {
        tocsin_verdict verdict;

        tocsin_detector_push(detector, c->in->time[i], c->in->value[i], TOCSIN_LEARN_AND_SCORE,
                             &verdict, sizeof verdict);
        assert_same_verdict(&c->verdict[i], &verdict, c->text);
    }
    assert_same_state(c->detector, detector, c->text);
    tocsin_detector_free(detector);
    tocsin_detector_free(fresh);
}

/* A verdict comes from what was before: other points behind it change nothing. */
static void push_other_ending(const course *c)
{
    const size_t cut = 2 * INPUT_POINTS / 3;
    tocsin_detector *detector = specs_detector(c->spec);
    tocsin_verdict *verdict = malloc(INPUT_POINTS * sizeof *verdict);
    input other = *c->in;

    ck_assert_ptr_nonnull(verdict);
    for (size_t i = cut; i < INPUT_POINTS; i++)
        other.value[i] = -7 * (double)i;
    tocsin_detector_push_n(detector, INPUT_POINTS, other.time, other.value, TOCSIN_LEARN_AND_SCORE,
                           verdict, sizeof *verdict);
    for (size_t i = 0; i < cut; i++)
        assert_same_verdict(&c->verdict[i], &verdict[i], c->text);
    free(verdict);
    tocsin_detector_free(detector);
}

/* Judging a point without learning it gives the score that learning it gives. */
static void push_score_only(const course *c)
{
    tocsin_detector *detector = specs_detector(c->spec), *clone;

    for (size_t i = 0; i < INPUT_POINTS; i++) {
        tocsin_verdict verdict;

        if (i % 16 == 15) {
            require(tocsin_detector_clone(&clone, detector, NULL) == TOCSIN_OK, "no clone");
            tocsin_detector_push(clone, c->in->time[i], c->in->value[i], TOCSIN_SCORE_ONLY,
                                 &verdict, sizeof verdict);
            assert_same_bits(verdict.score, c->verdict[i].score);
            assert_same_bits(verdict.expected, c->verdict[i].expected);
            tocsin_detector_free(clone);
        }
        tocsin_detector_push(detector, c->in->time[i], c->in->value[i], TOCSIN_LEARN_AND_SCORE,
                             NULL, 0);
    }
    assert_same_state(c->detector, detector, c->text);
    tocsin_detector_free(detector);
}

START_TEST(ways_are_equal)
{
    specs list = specs_few();
    course *c = malloc(sizeof *c);
    input in;

    ck_assert_ptr_nonnull(c);
    input_make(&in, _i, 5);
    for (size_t s = 0; s < list.count; s++) {
        course_run(c, list.text[s], &in);
        push_in_blocks(c);
        push_for_scores(c);
        push_in_turns(c);
        push_through_clone(c);
        push_after_reset(c);
        push_other_ending(c);
        push_score_only(c);
        course_end(c);
    }
    free(c);
    specs_free(&list);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("contract_ways");

    tcase_add_loop_test(suite_case(s, "ways"), ways_are_equal, 0, INPUT_KINDS);
    return s;
}

TOCSIN_TEST_MAIN(suite)
