/* Every stage, with its parameters at every bound, on every kind of input: nothing crashes, and
 * every verdict keeps what tocsin/detector.h promises of all of them. */
#include "../support/inputs.h"
#include "../support/specs.h"
#include "../support/suite.h"
#include "../support/verdicts.h"

static void push_and_check(const char *text, const tocsin_spec *spec, const input *in, int mode)
{
    tocsin_detector *detector = specs_detector(spec);
    tocsin_verdict before, verdict;

    memset(&before, 0, sizeof before);
    before.since = TOCSIN_TIME_NONE;
    for (size_t i = 0; i < INPUT_POINTS; i++) {
        const verdict_context here = {text, in->name, i};
        const int status = tocsin_detector_push(detector, in->time[i], in->value[i], mode,
                                                &verdict, sizeof verdict);

        verdict_check(status == TOCSIN_OK || status == TOCSIN_INFO_IGNORED, &here);
        verdict_check(in->time[i] == TOCSIN_TIME_NONE || verdict.time == in->time[i], &here);
        verdict_check_fields(&verdict, &here);
        verdict_check_sequence(&before, &verdict, status, &here);
        if (mode == TOCSIN_LEARN_ONLY || mode == TOCSIN_HOLD)
            verdict_check(isnan(verdict.score) && verdict.transition != TOCSIN_TRANSITION_START,
                          &here);
        before = verdict;
    }
    tocsin_detector_free(detector);
}

START_TEST(verdicts_keep_their_promises)
{
    specs list = specs_all();
    input in;

    input_make(&in, _i, 1);
    for (size_t s = 0; s < list.count; s++) {
        tocsin_spec *spec = specs_compile(list.text[s]);

        push_and_check(list.text[s], spec, &in, TOCSIN_LEARN_AND_SCORE);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

START_TEST(every_mode)
{
    specs list = specs_few();
    input in;

    input_make(&in, _i, 2);
    for (size_t s = 0; s < list.count; s++) {
        tocsin_spec *spec = specs_compile(list.text[s]);

        for (int mode = TOCSIN_LEARN_AND_SCORE; mode <= TOCSIN_HOLD; mode++)
            push_and_check(list.text[s], spec, &in, mode);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* Modes, ticks, marks and integers mixed at random: the state a long life leads to. */
START_TEST(everything_at_once)
{
    specs list = specs_few();
    input in;

    input_make(&in, _i, 3);
    for (size_t s = 0; s < list.count; s++) {
        tocsin_spec *spec = specs_compile(list.text[s]);
        tocsin_detector *detector = specs_detector(spec);
        rng r = rng_seeded(s);
        tocsin_verdict before, verdict;

        memset(&before, 0, sizeof before);
        before.since = TOCSIN_TIME_NONE;
        for (size_t i = 0; i < INPUT_POINTS; i++) {
            const verdict_context here = {list.text[s], in.name, i};
            const int mode = (int)rng_below(&r, 4);
            int status;

            switch (rng_below(&r, 8)) {
            case 0:
                if (in.time[i] == TOCSIN_TIME_NONE)
                    continue;
                status = tocsin_detector_tick(detector, in.time[i], &verdict, sizeof verdict);
                break;
            case 1:
                status = tocsin_detector_push_u64(detector, in.time[i], rng_u64(&r), mode,
                                                  &verdict, sizeof verdict);
                break;
            case 2:
                if (in.time[i] != TOCSIN_TIME_NONE)
                    verdict_check(tocsin_detector_mark(detector, 1 + (int)rng_below(&r, 3),
                                                       (uint32_t)rng_below(&r, 4), in.time[i],
                                                       rng_below(&r, 2) ? TOCSIN_TIME_NONE
                                                                        : in.time[i]) == TOCSIN_OK,
                                  &here);
                continue;
            default:
                status = tocsin_detector_push(detector, in.time[i], in.value[i], mode, &verdict,
                                              sizeof verdict);
            }
            verdict_check(status == TOCSIN_OK || status == TOCSIN_INFO_IGNORED, &here);
            verdict_check_fields(&verdict, &here);
            verdict_check_sequence(&before, &verdict, status, &here);
            before = verdict;
        }
        tocsin_detector_free(detector);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* Explanations, forecasts and sentences at every moment of such a life. */
START_TEST(everything_can_be_explained)
{
    specs list = specs_few();
    input in;

    input_make(&in, _i, 4);
    for (size_t s = 0; s < list.count; s++) {
        tocsin_spec *spec = specs_compile(list.text[s]);
        tocsin_detector *detector = specs_detector(spec);

        for (size_t i = 0; i < INPUT_POINTS; i++) {
            const verdict_context here = {list.text[s], in.name, i};
            tocsin_explanation explanation;
            tocsin_forecast forecast[3];
            tocsin_verdict verdict, again;
            char text[512];
            size_t needed;
            int status;

            tocsin_detector_push(detector, in.time[i], in.value[i], TOCSIN_LEARN_AND_SCORE,
                                 &verdict, sizeof verdict);
            memset(&explanation, 0, sizeof explanation);
            explanation.struct_size = sizeof explanation;
            verdict_check(tocsin_detector_explain(detector, &explanation) == TOCSIN_OK, &here);
            verdict_check(tocsin_detector_verdict(detector, &again, sizeof again) == TOCSIN_OK, &here);
            verdict_check(memcmp(&again, &verdict, sizeof verdict) == 0, &here);
            verdict_check(explanation.channel_count >= 1, &here);
            verdict_check(explanation.channel_count <= TOCSIN_CHANNELS, &here);
            verdict_check(isnan(verdict.score) || verdict.channel < explanation.channel_count,
                          &here);
            for (uint32_t ch = 0; ch < explanation.channel_count; ch++) {
                verdict_check(explanation.channels[ch].name[0] != '\0', &here);
                verdict_check(isnan(explanation.channels[ch].score) ||
                                  explanation.channels[ch].score >= 0, &here);
            }
            verdict_check(explanation.missing <= explanation.points, &here);
            verdict_check(explanation.points + explanation.late + explanation.repeated == i + 1,
                          &here);

            status = tocsin_detector_forecast(detector, 3, 0.95, forecast, sizeof forecast[0]);
            verdict_check(status == TOCSIN_OK || status == TOCSIN_INFO_IGNORED ||
                              status == TOCSIN_ERROR_UNSUPPORTED, &here);
            for (size_t f = 0; status == TOCSIN_OK && f < 3; f++) {
                verdict_check(forecast[f].lower <= forecast[f].expected, &here);
                verdict_check(forecast[f].expected <= forecast[f].upper, &here);
            }

            verdict_check(tocsin_verdict_text(&verdict, sizeof verdict, in.name, text, sizeof text,
                                              &needed) == TOCSIN_OK, &here);
            verdict_check(needed == strlen(text) + 1, &here);
            verdict_check(!strchr(text, '\n') && text[needed - 2] == '.', &here);
        }
        tocsin_detector_free(detector);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* The inputs reach what is checked above: alarms start, go on and clear, and there are scores. */
START_TEST(the_inputs_ring)
{
    specs list = specs_few();
    size_t transitions[4] = {0}, scores = 0;
    input in;

    for (int kind = 0; kind < INPUT_KINDS; kind++) {
        input_make(&in, kind, 1);
        for (size_t s = 0; s < list.count; s++) {
            tocsin_spec *spec = specs_compile(list.text[s]);
            tocsin_detector *detector = specs_detector(spec);
            tocsin_verdict verdict;

            for (size_t i = 0; i < INPUT_POINTS; i++) {
                tocsin_detector_push(detector, in.time[i], in.value[i], TOCSIN_LEARN_AND_SCORE,
                                     &verdict, sizeof verdict);
                transitions[verdict.transition]++;
                scores += !isnan(verdict.score);
            }
            tocsin_detector_free(detector);
            tocsin_spec_free(spec);
        }
    }
    ck_assert_uint_gt(scores, 10000);
    ck_assert_uint_gt(transitions[TOCSIN_TRANSITION_START], 20);
    ck_assert_uint_gt(transitions[TOCSIN_TRANSITION_ONGOING], 20);
    ck_assert_uint_gt(transitions[TOCSIN_TRANSITION_CLEAR], 20);
    specs_free(&list);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("contract_verdicts");
    TCase *tcase = suite_case(s, "verdicts");

    tcase_add_loop_test(tcase, verdicts_keep_their_promises, 0, INPUT_KINDS);
    tcase_add_loop_test(tcase, every_mode, 0, INPUT_KINDS);
    tcase_add_loop_test(tcase, everything_at_once, 0, INPUT_KINDS);
    tcase_add_loop_test(tcase, everything_can_be_explained, 0, INPUT_KINDS);
    tcase_add_test(tcase, the_inputs_ring);
    return s;
}

TOCSIN_TEST_MAIN(suite)
