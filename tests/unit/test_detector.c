/* One series through the public calls: the promises of tocsin/detector.h one by one.  What must hold for
 * every spec and input is in tests/contract. */
#include <math.h>
#include <stdio.h>

#include "../support/counting_allocator.h"
#include "../support/rng.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

#define START (INT64_C(1767225600) * TOCSIN_SECOND)

static tocsin_spec *spec;
static tocsin_detector *detector;
static int64_t now;

static void use(const char *text)
{
    spec = specs_compile(text);
    detector = specs_detector(spec);
    now = START;
}

static void teardown(void)
{
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
}

static tocsin_verdict push_at(int64_t time, double value, int mode, int expected_status)
{
    tocsin_verdict verdict;

    ck_assert_int_eq(tocsin_detector_push(detector, time, value, mode, &verdict, sizeof verdict),
                     expected_status);
    return verdict;
}

/* The next point, a minute after the last. */
static tocsin_verdict push(double value)
{
    now += TOCSIN_MINUTE;
    return push_at(now, value, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
}

static tocsin_verdict push_count(uint64_t value)
{
    tocsin_verdict verdict;

    now += TOCSIN_MINUTE;
    ck_assert_int_eq(tocsin_detector_push_u64(detector, now, value, TOCSIN_LEARN_AND_SCORE,
                                              &verdict, sizeof verdict), TOCSIN_OK);
    return verdict;
}

static tocsin_verdict tick_at(int64_t time, int expected_status)
{
    tocsin_verdict verdict;

    ck_assert_int_eq(tocsin_detector_tick(detector, time, &verdict, sizeof verdict),
                     expected_status);
    return verdict;
}

static tocsin_explanation explain(void)
{
    tocsin_explanation explanation;

    memset(&explanation, 0, sizeof explanation);
    explanation.struct_size = sizeof explanation;
    ck_assert_int_eq(tocsin_detector_explain(detector, &explanation), TOCSIN_OK);
    return explanation;
}

static void push_noise(size_t count, uint64_t seed)
{
    rng r = rng_seeded(seed);

    for (size_t i = 0; i < count; i++)
        push(100 + rng_normal(&r));
}

/* An alarm that rings for anything far out, and a history that has nothing such. */
static void use_ready(const char *prepare)
{
    char text[SPECS_TEXT];

    snprintf(text, sizeof text,
             "%s ewma half-life=50p | tail | alarm threshold=1.5 clear=3p cooldown=0s", prepare);
    use(text);
    push_noise(600, 1);
}

/* ---- Life ------------------------------------------------------------------ */

START_TEST(create_checks_its_arguments)
{
    tocsin_detector *out = (tocsin_detector *)&now;
    tocsin_allocator allocator;

    use("ewma");
    ck_assert_int_eq(tocsin_detector_create(NULL, spec, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_create(&out, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_ptr_null(out);
    memset(&allocator, 0, sizeof allocator);
    allocator.struct_size = sizeof allocator;
    ck_assert_int_eq(tocsin_detector_create(&out, spec, &allocator), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_clone(NULL, detector, NULL), TOCSIN_ERROR_ARGUMENT);
    out = (tocsin_detector *)&now;
    ck_assert_int_eq(tocsin_detector_clone(&out, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_ptr_null(out);
    ck_assert_int_eq(tocsin_detector_reset(NULL), TOCSIN_ERROR_ARGUMENT);
    tocsin_detector_free(NULL);
    ck_assert_ptr_null(tocsin_detector_spec(NULL));
    ck_assert_ptr_eq(tocsin_detector_spec(detector), spec);
}
END_TEST

/* Memory of the caller's: exactly so many bytes, so aligned, and not a byte around them touched. */
START_TEST(memory_of_the_callers)
{
    size_t size, alignment;
    unsigned char *block, *memory;
    tocsin_detector *out;

    use("ewma | tail | alarm");
    size = tocsin_spec_detector_size(spec);
    alignment = tocsin_spec_detector_alignment(spec);
    ck_assert_uint_gt(size, 0);
    ck_assert_uint_ge(size, tocsin_spec_state_size(spec));
    ck_assert(alignment > 0 && alignment <= 64 && (alignment & (alignment - 1)) == 0);
    ck_assert_uint_eq(tocsin_spec_detector_size(NULL), 0);

    block = malloc(size + 3 * alignment);
    ck_assert_ptr_nonnull(block);
    memset(block, 0xa5, size + 3 * alignment);
    memory = block + alignment + (alignment - (uintptr_t)block % alignment) % alignment;

    ck_assert_int_eq(tocsin_detector_create_in(NULL, spec, memory, size), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_create_in(&out, NULL, memory, size), TOCSIN_ERROR_ARGUMENT);
    ck_assert_ptr_null(out);
    ck_assert_int_eq(tocsin_detector_create_in(&out, spec, NULL, size), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_create_in(&out, spec, memory, size - 1), TOCSIN_ERROR_SPACE);
    for (size_t off = 1; off < alignment; off++) {
        ck_assert_int_eq(tocsin_detector_create_in(&out, spec, memory + off, size),
                         TOCSIN_ERROR_ALIGNMENT);
        ck_assert_ptr_null(out);
    }

    ck_assert_int_eq(tocsin_detector_create_in(&out, spec, memory, size), TOCSIN_OK);
    assert_same_state(detector, out, "in memory of the caller's");
    for (int i = 0; i < 500; i++)
        tocsin_detector_push(out, TOCSIN_TIME_NONE, i % 7, TOCSIN_LEARN_AND_SCORE, NULL, 0);
    ck_assert_int_eq(tocsin_detector_reset(out), TOCSIN_OK);
    tocsin_detector_free(out);
    for (unsigned char *at = block; at < memory; at++)
        ck_assert_uint_eq(*at, 0xa5);
    for (unsigned char *at = memory + size; at < block + size + 3 * alignment; at++)
        ck_assert_uint_eq(*at, 0xa5);
    free(block);
}
END_TEST

START_TEST(a_clone_uses_its_own_allocator)
{
    counting_allocator counting;
    const tocsin_allocator allocator = counting_start(&counting);
    tocsin_detector *clone;

    use("ewma");
    push_noise(10, 2);
    ck_assert_int_eq(tocsin_detector_clone(&clone, detector, &allocator), TOCSIN_OK);
    ck_assert_uint_eq(counting.live, 1);
    assert_same_state(detector, clone, "a clone");
    tocsin_detector_free(clone);
    ck_assert_uint_eq(counting.live, 0);
}
END_TEST

/* ---- Calls ----------------------------------------------------------------- */

START_TEST(push_checks_its_arguments)
{
    tocsin_verdict verdict;
    tocsin_detector *before;
    double value = 1, score;

    use("ewma");
    push_noise(5, 3);
    ck_assert_int_eq(tocsin_detector_clone(&before, detector, NULL), TOCSIN_OK);
    memset(&verdict, 0x77, sizeof verdict);
    ck_assert_int_eq(tocsin_detector_push(NULL, 0, 1, 0, &verdict, sizeof verdict),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_push(detector, now + 1, 1, -1, &verdict, sizeof verdict),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_push(detector, now + 1, 1, 4, &verdict, sizeof verdict),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_push(detector, now + 1, 1, 0, &verdict,
                                          TOCSIN_VERDICT_MIN_SIZE - 1), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_push_u64(NULL, 0, 1, 0, &verdict, sizeof verdict),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_push_n(detector, 1, NULL, NULL, 0, &verdict, sizeof verdict),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_push_n(detector, 1, NULL, &value, 9, NULL, 0),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_score(detector, now + 1, 1, 0, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_score(NULL, now + 1, 1, 0, &score), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_tick(NULL, now, &verdict, sizeof verdict),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_tick(detector, TOCSIN_TIME_NONE, &verdict, sizeof verdict),
                     TOCSIN_ERROR_TIME);
    for (size_t i = 0; i < sizeof verdict; i++)
        ck_assert_uint_eq(((unsigned char *)&verdict)[i], 0x77);
    assert_same_state(before, detector, "after refused calls");
    tocsin_detector_free(before);
}
END_TEST

/* A caller of older headers has a shorter struct, one of newer headers a longer one. */
START_TEST(verdicts_of_any_size)
{
    unsigned char bytes[sizeof(tocsin_verdict) + 40];
    tocsin_verdict whole;
    tocsin_detector *twin;

    use("ewma");
    twin = specs_detector(spec);
    for (size_t size = TOCSIN_VERDICT_MIN_SIZE; size <= sizeof bytes; size += 8) {
        const size_t known = size < sizeof whole ? size : sizeof whole;

        memset(bytes, 0x77, sizeof bytes);
        ck_assert_int_eq(tocsin_detector_push(detector, TOCSIN_TIME_NONE, (double)size, 0,
                                              (tocsin_verdict *)bytes, size), TOCSIN_OK);
        tocsin_detector_push(twin, TOCSIN_TIME_NONE, (double)size, 0, &whole, sizeof whole);
        ck_assert_mem_eq(bytes, &whole, known);
        for (size_t i = known; i < size; i++)
            ck_assert_uint_eq(bytes[i], 0);
        for (size_t i = size; i < sizeof bytes; i++)
            ck_assert_uint_eq(bytes[i], 0x77);
    }
    tocsin_detector_free(twin);
}
END_TEST

START_TEST(push_n_of_nothing)
{
    use("ewma");
    ck_assert_int_eq(tocsin_detector_push_n(detector, 0, NULL, NULL, 0, NULL, 0), TOCSIN_OK);
    ck_assert_uint_eq(explain().points, 0);
}
END_TEST

START_TEST(explain_and_forecast_check_their_arguments)
{
    tocsin_explanation explanation;
    tocsin_forecast forecast;

    use("ewma");
    memset(&explanation, 0, sizeof explanation);
    ck_assert_int_eq(tocsin_detector_explain(detector, &explanation), TOCSIN_ERROR_ARGUMENT);
    explanation.struct_size = sizeof explanation;
    ck_assert_int_eq(tocsin_detector_explain(NULL, &explanation), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_explain(detector, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_forecast(NULL, 1, 0.9, &forecast, sizeof forecast),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_forecast(detector, 1, 0.9, NULL, sizeof forecast),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_forecast(detector, 1, 0, &forecast, sizeof forecast),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_forecast(detector, 1, 1, &forecast, sizeof forecast),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_forecast(detector, 1, NAN, &forecast, sizeof forecast),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_forecast(detector, 1, 0.9, &forecast, sizeof forecast - 8),
                     TOCSIN_ERROR_ARGUMENT);
}
END_TEST

/* A push that wants the score alone leaves the verdict for whoever asks for it later. */
START_TEST(a_score_alone_has_a_verdict_too)
{
    static const char *const texts[] = {"ewma | raw", "holt-winters | raw", "ewma",
                                        "counter | ewma"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tocsin_detector *twin;
        tocsin_verdict whole, later;
        double score;

        if (i > 0)
            teardown();
        use(texts[i]);
        push_noise(200, 21);
        ck_assert_int_eq(tocsin_detector_clone(&twin, detector, NULL), TOCSIN_OK);
        tocsin_detector_push(detector, now + TOCSIN_MINUTE, 1e300, TOCSIN_LEARN_AND_SCORE, &whole,
                             sizeof whole);
        tocsin_detector_score(twin, now + TOCSIN_MINUTE, 1e300, TOCSIN_LEARN_AND_SCORE, &score);
        ck_assert_int_eq(tocsin_detector_verdict(twin, &later, sizeof later), TOCSIN_OK);
        ck_assert_mem_eq(&whole, &later, sizeof whole);
        ck_assert_mem_eq(&whole.score, &score, sizeof score);
        tocsin_detector_free(twin);
    }
}
END_TEST

START_TEST(a_new_handle_explains_itself)
{
    tocsin_explanation explanation;
    tocsin_verdict verdict;

    use("ewma");
    explanation = explain();
    ck_assert_int_eq(tocsin_detector_verdict(detector, &verdict, sizeof verdict), TOCSIN_OK);
    ck_assert(isnan(verdict.score));
    ck_assert_uint_eq(verdict.flags, TOCSIN_FLAG_WARMING);
    ck_assert_int_eq(verdict.time, TOCSIN_TIME_NONE);
    ck_assert_int_eq(tocsin_detector_verdict(NULL, &verdict, sizeof verdict),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_verdict(detector, NULL, sizeof verdict),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_verdict(detector, &verdict, TOCSIN_VERDICT_MIN_SIZE - 1),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(explanation.mark_time, TOCSIN_TIME_NONE);
    ck_assert_uint_eq(explanation.points, 0);
}
END_TEST

/* ---- Time ------------------------------------------------------------------ */

START_TEST(late_and_repeated_points_are_counted_and_change_nothing_else)
{
    tocsin_verdict verdict;
    tocsin_explanation explanation;
    double level;

    use("ewma");
    push_noise(40, 4);
    level = explain().level;
    verdict = push_at(now - 1, 1e6, TOCSIN_LEARN_AND_SCORE, TOCSIN_INFO_IGNORED);
    ck_assert(isnan(verdict.score));
    ck_assert(verdict.flags & TOCSIN_FLAG_LATE);
    verdict = push_at(now, 1e6, TOCSIN_LEARN_AND_SCORE, TOCSIN_INFO_IGNORED);
    ck_assert(isnan(verdict.score));
    ck_assert(verdict.flags & TOCSIN_FLAG_REPEATED);
    explanation = explain();
    ck_assert_uint_eq(explanation.late, 1);
    ck_assert_uint_eq(explanation.repeated, 1);
    ck_assert_uint_eq(explanation.points, 40);
    assert_same_bits(explanation.level, level);
}
END_TEST

/* Points without a time are one nominal step apart. */
START_TEST(points_without_a_time)
{
    tocsin_verdict verdict;
    int64_t first;

    use("clock step=10s | ewma");
    first = push_at(TOCSIN_TIME_NONE, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK).time;
    verdict = push_at(TOCSIN_TIME_NONE, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    ck_assert_int_eq(verdict.time - first, 10 * TOCSIN_SECOND);
    push_at(first + TOCSIN_HOUR, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    verdict = push_at(TOCSIN_TIME_NONE, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    ck_assert_int_eq(verdict.time, first + TOCSIN_HOUR + 10 * TOCSIN_SECOND);
}
END_TEST

/* Where time ends, the next nominal step does not wrap round. */
START_TEST(the_end_of_time)
{
    use("ewma");
    push_at(INT64_MIN + 1, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    push_at(INT64_MAX - 1, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    ck_assert_int_eq(push_at(TOCSIN_TIME_NONE, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK).time,
                     INT64_MAX);
    push_at(TOCSIN_TIME_NONE, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_INFO_IGNORED);
}
END_TEST

START_TEST(a_pause_is_a_gap)
{
    use("clock gap=3 | ewma");
    push_noise(50, 5);
    ck_assert(!(push(100).flags & TOCSIN_FLAG_GAP));
    now += 5 * TOCSIN_MINUTE;
    ck_assert(push(100).flags & TOCSIN_FLAG_GAP);
    ck_assert(!(push(100).flags & TOCSIN_FLAG_GAP));
}
END_TEST

START_TEST(an_outage_is_no_step)
{
    tocsin_forecast forecast[2];

    use("ewma");
    push_noise(200, 5);
    now += TOCSIN_DAY;
    push(100);
    ck_assert_int_eq(tocsin_detector_forecast(detector, 2, 0.9, forecast, sizeof forecast[0]),
                     TOCSIN_OK);
    ck_assert_double_eq_tol((double)(forecast[1].time - forecast[0].time) / 1e9, 60, 3);
}
END_TEST

START_TEST(forecasts_begin_where_the_points_end)
{
    static const char *const texts[] = {"holt-winters season=4m step=1m | raw",
                                        "holt-winters season=4p | raw"};
    static const double season[] = {10, 30, 20, 40};
    tocsin_forecast forecast[8];

    use(texts[_i]);
    for (size_t i = 0; i < 402; i++)
        push(season[i % 4]);

    /* Three more come without a value: the model learns nothing, but time passes. */
    for (size_t i = 402; i < 405; i++) {
        now += TOCSIN_MINUTE;
        push_at(now, NAN, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    }
    ck_assert_int_eq(tocsin_detector_forecast(detector, 8, 0.9, forecast, sizeof forecast[0]),
                     TOCSIN_OK);
    for (size_t h = 0; h < 8; h++) {
        ck_assert_int_eq(forecast[h].time, now + (int64_t)(h + 1) * TOCSIN_MINUTE);
        ck_assert_double_eq_tol(forecast[h].expected, season[(405 + h) % 4], 2);
    }
}
END_TEST

START_TEST(forecasts_end_with_time)
{
    const int64_t first = INT64_MIN + 1, step = INT64_C(200000000000000000);
    tocsin_forecast forecast[80];

    use("ewma | raw");
    for (int i = 0; i < 40; i++)
        push_at(first + i * step, i % 3, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    ck_assert_int_eq(tocsin_detector_forecast(detector, 80, 0.9, forecast, sizeof forecast[0]),
                     TOCSIN_OK);
    for (int h = 0; h < 80; h++) {
        const int is_in_time = h + 40 < 93;     /* 2^64 ns are 92.2 steps */
        const uint64_t ahead = (uint64_t)(h + 40) * (uint64_t)step;

        ck_assert_int_eq(forecast[h].time,
                         is_in_time ? (int64_t)((uint64_t)first + ahead) : INT64_MAX);
    }
}
END_TEST

/* ---- Absence --------------------------------------------------------------- */

START_TEST(silence_rings_until_something_comes)
{
    tocsin_verdict verdict;
    int64_t silent;

    use_ready("clock absence=5m |");
    silent = now;
    verdict = tick_at(now + 5 * TOCSIN_MINUTE, TOCSIN_OK);
    ck_assert(!(verdict.flags & TOCSIN_FLAG_ABSENT));
    ck_assert_uint_eq(verdict.transition, TOCSIN_TRANSITION_NONE);
    now = silent + 5 * TOCSIN_MINUTE + 1;
    verdict = tick_at(now, TOCSIN_OK);
    ck_assert(verdict.flags & TOCSIN_FLAG_ABSENT);
    ck_assert(isnan(verdict.score));
    ck_assert_uint_eq(verdict.reason, TOCSIN_REASON_ABSENCE);
    ck_assert_uint_eq(verdict.transition, TOCSIN_TRANSITION_START);
    ck_assert_int_eq(verdict.since, now);
    verdict = tick_at(now + TOCSIN_MINUTE, TOCSIN_OK);
    ck_assert_uint_eq(verdict.transition, TOCSIN_TRANSITION_ONGOING);

    /* A late point, or one more for the last point's time, is not the next point. */
    verdict = push_at(silent - 1, 100, TOCSIN_LEARN_AND_SCORE, TOCSIN_INFO_IGNORED);
    ck_assert_uint_eq(verdict.alarm, TOCSIN_ALARM_ON);
    verdict = push_at(silent, 100, TOCSIN_LEARN_AND_SCORE, TOCSIN_INFO_IGNORED);
    ck_assert_uint_eq(verdict.alarm, TOCSIN_ALARM_ON);

    /* A NaN is: somebody sent it. */
    now += 2 * TOCSIN_MINUTE;
    verdict = push(NAN);
    ck_assert_uint_eq(verdict.transition, TOCSIN_TRANSITION_CLEAR);
}
END_TEST

START_TEST(silence_without_absence_never_rings)
{
    use_ready("");
    for (int day = 1; day < 400; day += 30)
        ck_assert_uint_eq(tick_at(now + day * TOCSIN_DAY, TOCSIN_OK).alarm, TOCSIN_ALARM_OFF);
}
END_TEST

/* Nothing ever came: the waiting begins with the first tick. */
/* A tick can come from before the silence was noticed; it brings no point either. */
START_TEST(a_tick_does_not_end_a_silence)
{
    int64_t silent;

    use_ready("clock absence=5m |");
    silent = now;
    ck_assert_uint_eq(tick_at(silent + 6 * TOCSIN_MINUTE, TOCSIN_OK).transition,
                      TOCSIN_TRANSITION_START);
    ck_assert_uint_eq(tick_at(silent + 4 * TOCSIN_MINUTE, TOCSIN_OK).transition,
                      TOCSIN_TRANSITION_ONGOING);
    ck_assert_uint_eq(tick_at(silent + 7 * TOCSIN_MINUTE, TOCSIN_OK).transition,
                      TOCSIN_TRANSITION_ONGOING);
}
END_TEST

/* Where nobody gave a step, a point without a time comes one measured step after the last. */
START_TEST(a_point_without_a_time_comes_at_the_measured_step)
{
    use("ewma");
    for (int i = 0; i < 50; i++)
        push_at(START + i * TOCSIN_SECOND, i % 3, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    ck_assert_int_eq(push_at(TOCSIN_TIME_NONE, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK).time,
                     START + 50 * TOCSIN_SECOND);
    push_at(START + 51 * TOCSIN_SECOND, 2, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);

    teardown();
    use("clock step=1m | ewma");
    push_at(START, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    push_at(START + TOCSIN_SECOND, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    ck_assert_int_eq(push_at(TOCSIN_TIME_NONE, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK).time,
                     START + TOCSIN_SECOND + TOCSIN_MINUTE);
}
END_TEST

START_TEST(silence_from_the_beginning)
{
    use("clock absence=5m | ewma");
    ck_assert(!(tick_at(START, TOCSIN_OK).flags & TOCSIN_FLAG_ABSENT));
    ck_assert(!(tick_at(START + 5 * TOCSIN_MINUTE, TOCSIN_OK).flags & TOCSIN_FLAG_ABSENT));
    ck_assert(tick_at(START + 6 * TOCSIN_MINUTE, TOCSIN_OK).flags & TOCSIN_FLAG_ABSENT);
}
END_TEST

START_TEST(a_tick_of_the_past_is_ignored)
{
    tocsin_detector *before;

    use("clock absence=5m | ewma");
    push_noise(10, 6);
    ck_assert_int_eq(tocsin_detector_clone(&before, detector, NULL), TOCSIN_OK);
    tick_at(now - 1, TOCSIN_INFO_IGNORED);
    assert_same_state(before, detector, "a tick of the past");
    tocsin_detector_free(before);
}
END_TEST

/* ---- Missing values --------------------------------------------------------- */

START_TEST(nan_and_infinities_are_missing)
{
    static const double values[] = {NAN, INFINITY, -INFINITY};
    tocsin_explanation before, after;

    use("ewma");
    push_noise(50, 7);
    before = explain();
    for (size_t i = 0; i < 3; i++) {
        const tocsin_verdict verdict = push(values[i]);

        ck_assert(isnan(verdict.score));
        ck_assert(verdict.flags & TOCSIN_FLAG_MISSING);
    }
    after = explain();
    ck_assert_uint_eq(after.missing, 3);
    ck_assert_uint_eq(after.points, 53);
    assert_same_bits(after.level, before.level);
}
END_TEST

START_TEST(hold_fills_with_the_last_value)
{
    tocsin_verdict verdict;

    use("gaps missing=hold limit=2 | ewma");
    push_noise(50, 8);
    push(123);
    for (int i = 0; i < 2; i++) {
        verdict = push(NAN);
        ck_assert_double_eq(verdict.value, 123);
        ck_assert(verdict.flags & TOCSIN_FLAG_FILLED);
    }
    verdict = push(NAN);
    ck_assert(verdict.flags & TOCSIN_FLAG_MISSING);
    ck_assert(!(verdict.flags & TOCSIN_FLAG_FILLED));
    push(124);
    ck_assert_double_eq(push(NAN).value, 124);
}
END_TEST

START_TEST(expected_fills_with_what_was_expected)
{
    tocsin_verdict verdict;
    double level;

    use("gaps missing=expected | ewma");
    ck_assert(push(NAN).flags & TOCSIN_FLAG_MISSING);
    push_noise(100, 9);
    level = explain().level;
    verdict = push(NAN);
    ck_assert(verdict.flags & TOCSIN_FLAG_FILLED);
    assert_same_bits(verdict.value, verdict.expected);
    assert_same_bits(explain().level, level);
}
END_TEST

/* ---- Counters --------------------------------------------------------------- */

START_TEST(a_counter_becomes_a_rate)
{
    tocsin_verdict verdict;

    use("counter | ewma");
    verdict = push(1000);
    ck_assert(verdict.flags & TOCSIN_FLAG_MISSING);
    ck_assert_double_eq(push(1600).value, 10);
    ck_assert_double_eq(push(1600).value, 0);
    now += TOCSIN_MINUTE;       /* a reading was lost: the rate over two minutes */
    ck_assert_double_eq(push(2800).value, 10);
}
END_TEST

START_TEST(the_rates_unit)
{
    use("counter per=1m | ewma");
    push(0);
    ck_assert_double_eq(push(600).value, 600);
}
END_TEST

START_TEST(a_counter_that_begins_anew)
{
    tocsin_verdict verdict;

    use("counter wrap=none | ewma");
    push(6000000);
    push(6000600);
    verdict = push(60);
    ck_assert(verdict.flags & TOCSIN_FLAG_RESET);
    ck_assert(verdict.flags & TOCSIN_FLAG_MISSING);
    ck_assert_double_eq(push(660).value, 10);
    ck_assert_uint_eq(explain().resets, 1);
}
END_TEST

START_TEST(a_counter_counted_from_zero)
{
    tocsin_verdict verdict;

    use("counter wrap=none reset=zero | ewma");
    push(6000000);
    push(6000600);
    verdict = push(60);
    ck_assert(verdict.flags & TOCSIN_FLAG_RESET);
    ck_assert_double_eq(verdict.value, 1);
}
END_TEST

START_TEST(a_counter_that_wraps)
{
    tocsin_verdict verdict;

    use("counter | ewma");
    push_count(UINT32_MAX - 899);
    push_count(UINT32_MAX - 299);               /* 10 a second */
    verdict = push_count(300);                  /* and 10 again, through 2^32 */
    ck_assert(verdict.flags & TOCSIN_FLAG_WRAPPED);
    ck_assert_double_eq(verdict.value, 10);
}
END_TEST

START_TEST(a_counter_of_64_bits_wraps)
{
    tocsin_verdict verdict;

    use("counter | ewma");
    push_count(UINT64_MAX - 899);
    push_count(UINT64_MAX - 299);
    verdict = push_count(300);
    ck_assert(verdict.flags & TOCSIN_FLAG_WRAPPED);
    ck_assert_double_eq(verdict.value, 10);
}
END_TEST

/* Above 2^53 neighbouring integers are the same double; the rate knows them apart. */
START_TEST(counts_beyond_2_53_are_exact)
{
    const uint64_t large = (uint64_t)1 << 60;

    use("counter per=1m | ewma");
    push_count(large);
    ck_assert_double_eq(push_count(large + 1).value, 1);
    ck_assert_double_eq(push_count(large + 4).value, 3);
}
END_TEST

START_TEST(integers_without_a_counter_are_doubles)
{
    tocsin_detector *twin;
    tocsin_verdict a, b;

    use("ewma");
    twin = specs_detector(spec);
    for (uint64_t i = 0; i < 100; i++) {
        a = push_count(i * i);
        tocsin_detector_push(twin, now, (double)(i * i), TOCSIN_LEARN_AND_SCORE, &b, sizeof b);
        assert_same_verdict(&a, &b, "an integer");
    }
    assert_same_state(detector, twin, "integers");
    tocsin_detector_free(twin);
}
END_TEST

/* ---- Modes ------------------------------------------------------------------ */

START_TEST(score_only_learns_nothing)
{
    tocsin_verdict verdict;
    double level;

    use("ewma");
    push_noise(300, 10);
    level = explain().level;
    now += TOCSIN_MINUTE;
    verdict = push_at(now, 200, TOCSIN_SCORE_ONLY, TOCSIN_OK);
    ck_assert(!isnan(verdict.score));
    ck_assert(verdict.flags & TOCSIN_FLAG_HELD);
    assert_same_bits(explain().level, level);
}
END_TEST

START_TEST(learn_only_scores_nothing)
{
    tocsin_verdict verdict;
    double level;

    use("ewma");
    push_noise(300, 11);
    level = explain().level;
    now += TOCSIN_MINUTE;
    verdict = push_at(now, 101, TOCSIN_LEARN_ONLY, TOCSIN_OK);
    ck_assert(isnan(verdict.score));
    ck_assert(verdict.flags & TOCSIN_FLAG_UNSCORED);
    ck_assert(!(verdict.flags & TOCSIN_FLAG_HELD));
    ck_assert(double_bits(explain().level) != double_bits(level));
}
END_TEST

/* History that was loaded counts like history that was seen. */
START_TEST(learn_only_is_learning)
{
    tocsin_detector *twin;
    rng r = rng_seeded(12);

    use("ewma | tail | alarm threshold=300");
    twin = specs_detector(spec);
    for (int i = 0; i < 300; i++) {
        const double value = rng_normal(&r);

        now += TOCSIN_MINUTE;
        push_at(now, value, TOCSIN_LEARN_ONLY, TOCSIN_OK);
        tocsin_detector_push(twin, now, value, TOCSIN_LEARN_AND_SCORE, NULL, 0);
    }
    assert_same_state(twin, detector, "learnt only");
    tocsin_detector_free(twin);
}
END_TEST

START_TEST(hold_does_neither)
{
    tocsin_verdict verdict;
    double level;

    use("ewma");
    push_noise(300, 13);
    level = explain().level;
    now += TOCSIN_MINUTE;
    verdict = push_at(now, 500, TOCSIN_HOLD, TOCSIN_OK);
    ck_assert(isnan(verdict.score));
    ck_assert(verdict.flags & TOCSIN_FLAG_UNSCORED);
    ck_assert(verdict.flags & TOCSIN_FLAG_HELD);
    assert_same_bits(explain().level, level);
    ck_assert_uint_eq(explain().points, 301);
}
END_TEST

/* ---- Alarms and marks -------------------------------------------------------- */

START_TEST(an_alarm_starts_goes_on_and_clears)
{
    tocsin_verdict verdict;
    int64_t since;
    int quiet = 0;

    use_ready("");
    ck_assert_uint_eq(push(100).alarm, TOCSIN_ALARM_OFF);
    verdict = push(160);
    since = now;
    ck_assert_uint_eq(verdict.transition, TOCSIN_TRANSITION_START);
    ck_assert_uint_eq(verdict.alarm, TOCSIN_ALARM_ON);
    ck_assert_uint_eq(verdict.tier, TOCSIN_TIER_PAGE);
    ck_assert_uint_eq(verdict.reason, TOCSIN_REASON_SPIKE);
    ck_assert_int_eq(verdict.direction, 1);
    ck_assert_double_gt(verdict.score, 1.5);
    ck_assert_int_eq(verdict.since, since);
    while ((verdict = push(100)).transition == TOCSIN_TRANSITION_ONGOING) {
        ck_assert_int_eq(verdict.since, since);
        ck_assert_int_lt(++quiet, 50);
    }
    ck_assert_uint_eq(verdict.transition, TOCSIN_TRANSITION_CLEAR);
    ck_assert_int_ge(quiet, 2);
    ck_assert_int_eq(verdict.since, since);
    ck_assert_uint_eq(verdict.tier, TOCSIN_TIER_NONE);
    ck_assert_uint_eq(push(100).transition, TOCSIN_TRANSITION_NONE);
    ck_assert_uint_ge(explain().alarms, 1);
}
END_TEST

START_TEST(a_drop_is_a_drop)
{
    tocsin_verdict verdict;

    use_ready("");
    verdict = push(40);
    ck_assert_uint_eq(verdict.reason, TOCSIN_REASON_DROP);
    ck_assert_int_eq(verdict.direction, -1);
}
END_TEST

START_TEST(marks_check_their_arguments)
{
    use("ewma");
    ck_assert_int_eq(tocsin_detector_mark(NULL, TOCSIN_MARK_DEPLOY, 0, START, START),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_mark(detector, 0, 0, START, START), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_mark(detector, 4, 0, START, START), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_mark(detector, TOCSIN_MARK_DEPLOY, 4, START, START),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_mark(detector, TOCSIN_MARK_DEPLOY, 0, TOCSIN_TIME_NONE, START),
                     TOCSIN_ERROR_TIME);
    ck_assert_int_eq(tocsin_detector_mark(detector, TOCSIN_MARK_DEPLOY, TOCSIN_MARK_MUTE, START,
                                          START - 1), TOCSIN_ERROR_TIME);
    ck_assert_int_eq(explain().mark_kind, 0);

    /* Where there is no window its end is ignored, whatever it is. */
    ck_assert_int_eq(tocsin_detector_mark(detector, TOCSIN_MARK_DEPLOY, 0, START, 0), TOCSIN_OK);
    ck_assert_int_eq(explain().mark_kind, TOCSIN_MARK_DEPLOY);
}
END_TEST

START_TEST(a_mark_is_remembered)
{
    tocsin_explanation explanation;
    tocsin_verdict verdict;

    use("ewma");
    ck_assert_int_eq(tocsin_detector_mark(detector, TOCSIN_MARK_CONFIG, 0, START + 5,
                                          TOCSIN_TIME_NONE), TOCSIN_OK);
    push_noise(3, 14);
    explanation = explain();
    ck_assert_int_eq(explanation.mark_kind, TOCSIN_MARK_CONFIG);
    ck_assert_int_eq(explanation.mark_time, START + 5);
    ck_assert_int_eq(tocsin_detector_verdict(detector, &verdict, sizeof verdict), TOCSIN_OK);
    ck_assert(!(verdict.flags & (TOCSIN_FLAG_MUTED | TOCSIN_FLAG_HELD)));
}
END_TEST

/* From begin to end, both included, and not a nanosecond more. */
START_TEST(a_window_has_its_ends)
{
    tocsin_verdict verdict;

    use("ewma");
    ck_assert_int_eq(tocsin_detector_mark(detector, TOCSIN_MARK_MAINTENANCE,
                                          TOCSIN_MARK_MUTE | TOCSIN_MARK_NO_LEARN, START + 10,
                                          START + 20), TOCSIN_OK);
    verdict = push_at(START + 9, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    ck_assert(!(verdict.flags & (TOCSIN_FLAG_MUTED | TOCSIN_FLAG_HELD)));
    verdict = push_at(START + 10, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    ck_assert((verdict.flags & TOCSIN_FLAG_MUTED) && (verdict.flags & TOCSIN_FLAG_HELD));
    verdict = push_at(START + 20, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    ck_assert((verdict.flags & TOCSIN_FLAG_MUTED) && (verdict.flags & TOCSIN_FLAG_HELD));
    verdict = push_at(START + 21, 1, TOCSIN_LEARN_AND_SCORE, TOCSIN_OK);
    ck_assert(!(verdict.flags & (TOCSIN_FLAG_MUTED | TOCSIN_FLAG_HELD)));
}
END_TEST

START_TEST(an_open_window_is_closed_by_its_kind)
{
    use("ewma");
    tocsin_detector_mark(detector, TOCSIN_MARK_MAINTENANCE, TOCSIN_MARK_MUTE, START,
                         TOCSIN_TIME_NONE);
    ck_assert(push(1).flags & TOCSIN_FLAG_MUTED);
    tocsin_detector_mark(detector, TOCSIN_MARK_DEPLOY, 0, now, TOCSIN_TIME_NONE);
    ck_assert(push(1).flags & TOCSIN_FLAG_MUTED);
    tocsin_detector_mark(detector, TOCSIN_MARK_MAINTENANCE, 0, now + 1, TOCSIN_TIME_NONE);
    ck_assert(!(push(1).flags & TOCSIN_FLAG_MUTED));
}
END_TEST

START_TEST(a_muted_alarm_does_not_start)
{
    tocsin_verdict verdict;

    use_ready("");
    tocsin_detector_mark(detector, TOCSIN_MARK_DEPLOY, TOCSIN_MARK_MUTE, now, now + TOCSIN_HOUR);
    verdict = push(200);
    ck_assert_double_gt(verdict.score, 1.5);
    ck_assert_uint_eq(verdict.alarm, TOCSIN_ALARM_OFF);
    ck_assert_uint_eq(verdict.transition, TOCSIN_TRANSITION_NONE);
}
END_TEST

START_TEST(muting_clears_what_is_on)
{
    use_ready("");
    ck_assert_uint_eq(push(200).transition, TOCSIN_TRANSITION_START);
    tocsin_detector_mark(detector, TOCSIN_MARK_DEPLOY, TOCSIN_MARK_MUTE, now, now + TOCSIN_HOUR);
    ck_assert_uint_eq(push(200).transition, TOCSIN_TRANSITION_CLEAR);
}
END_TEST

START_TEST(no_learn_holds_the_model)
{
    double level;

    use("ewma");
    push_noise(100, 15);
    tocsin_detector_mark(detector, TOCSIN_MARK_DEPLOY, TOCSIN_MARK_NO_LEARN, now, TOCSIN_TIME_NONE);
    level = explain().level;
    push_noise(20, 16);
    assert_same_bits(explain().level, level);
}
END_TEST

/* Values outside of the band ring, values inside do not: at any moment, a little to either side. */
START_TEST(the_band_is_where_it_rings)
{
    rng r = rng_seeded(17);
    size_t tried = 0;

    use("ewma half-life=50p | tail | alarm budget=1/1h cooldown=0s");
    push_noise(3000, 18);
    for (int i = 0; i < 200; i++) {
        const tocsin_verdict now_verdict = push(100 + rng_normal(&r));
        tocsin_detector *outside, *inside;
        tocsin_verdict verdict;

        if (now_verdict.alarm == TOCSIN_ALARM_ON || !(now_verdict.upper < INFINITY))
            continue;
        /* The band was drawn for this very point: judge others in its place. */
        ck_assert_double_le(now_verdict.value, now_verdict.upper);
        ck_assert_double_ge(now_verdict.value, now_verdict.lower);
        ck_assert_int_eq(tocsin_detector_clone(&outside, detector, NULL), TOCSIN_OK);
        ck_assert_int_eq(tocsin_detector_clone(&inside, detector, NULL), TOCSIN_OK);
        tocsin_detector_push(outside, now + TOCSIN_MINUTE, 100, TOCSIN_SCORE_ONLY, &verdict,
                             sizeof verdict);
        tocsin_detector_free(outside);
        ck_assert_int_eq(tocsin_detector_clone(&outside, detector, NULL), TOCSIN_OK);
        {
            const double width = verdict.upper - verdict.lower;
            const double upper = verdict.upper;

            tocsin_detector_push(outside, now + TOCSIN_MINUTE, upper + 1e-6 * width,
                                 TOCSIN_SCORE_ONLY, &verdict, sizeof verdict);
            ck_assert_uint_eq(verdict.transition, TOCSIN_TRANSITION_START);
            tocsin_detector_push(inside, now + TOCSIN_MINUTE, upper - 1e-6 * width,
                                 TOCSIN_SCORE_ONLY, &verdict, sizeof verdict);
            ck_assert_uint_eq(verdict.transition, TOCSIN_TRANSITION_NONE);
        }
        tocsin_detector_free(outside);
        tocsin_detector_free(inside);
        tried++;
    }
    ck_assert_uint_gt(tried, 100);
}
END_TEST

/* A constant series does not ring at its first ripple. */
START_TEST(a_constant_series_stays_silent)
{
    use("");
    for (int i = 0; i < 20000; i++)
        require(push(42).alarm == TOCSIN_ALARM_OFF, "rang at a constant");
    ck_assert_uint_eq(push(42.01).alarm, TOCSIN_ALARM_OFF);
    ck_assert(push(42).flags & TOCSIN_FLAG_FLOORED);
}
END_TEST

/* ---- Sentences --------------------------------------------------------------- */

static void assert_says(const tocsin_verdict *verdict, const char *name, const char *expected)
{
    char text[512];
    size_t needed;

    ck_assert_int_eq(tocsin_verdict_text(verdict, sizeof *verdict, name, text, sizeof text,
                                         &needed), TOCSIN_OK);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(needed, strlen(expected) + 1);
}

static tocsin_verdict blank(void)
{
    tocsin_verdict v;

    memset(&v, 0, sizeof v);
    v.time = START + 12 * TOCSIN_HOUR + 4 * TOCSIN_MINUTE;
    v.score = v.period = v.raw = v.expected = v.deviation = v.lower = v.upper = NAN;
    v.since = TOCSIN_TIME_NONE;
    return v;
}

START_TEST(a_sentence_for_an_alarm)
{
    tocsin_verdict v = blank();

    v.value = 812;
    v.score = 4;
    v.period = 9.2 * 2629746;
    v.raw = 6.1;
    v.expected = 230;
    v.deviation = 582 / 6.1;
    v.alarm = TOCSIN_ALARM_ON;
    v.transition = TOCSIN_TRANSITION_START;
    v.tier = TOCSIN_TIER_PAGE;
    v.reason = TOCSIN_REASON_SPIKE;
    v.direction = 1;
    assert_says(&v, "latency_ms",
                "latency_ms was 812 at 2026-01-01 12:04:00, 6.1 deviations above the expected 230: "
                "a spike like this comes once in 9.2 months. The alarm started (page).");
}
END_TEST

START_TEST(sentences_for_no_score)
{
    tocsin_verdict v = blank();

    v.value = NAN;
    v.flags = TOCSIN_FLAG_MISSING;
    assert_says(&v, NULL, "the value at 2026-01-01 12:04:00: no value.");
    v.value = 1.5;
    v.flags = TOCSIN_FLAG_WARMING;
    assert_says(&v, "x", "x was 1.5 at 2026-01-01 12:04:00: no verdict yet: "
                         "the detector is still learning.");
    v.flags = TOCSIN_FLAG_LATE;
    assert_says(&v, "x", "x was 1.5 at 2026-01-01 12:04:00: older than a point already seen; "
                         "not used.");
}
END_TEST

/* Dates from one end of time to the other, against a calendar that steps day by day. */
START_TEST(dates_are_right)
{
    static const int days_in[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 1970, month = 1, day = 1;
    tocsin_verdict v = blank();

    v.value = 1;
    v.flags = TOCSIN_FLAG_WARMING;
    for (int64_t number = 0; number < 106751; number++) {
        const int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        char text[256], expected[64];

        v.time = number * TOCSIN_DAY + 86399 * TOCSIN_SECOND + 7 * TOCSIN_MILLISECOND;
        snprintf(expected, sizeof expected, "%04d-%02d-%02d 23:59:59.007", year, month, day);
        require(tocsin_verdict_text(&v, sizeof v, NULL, text, sizeof text, NULL) == TOCSIN_OK &&
                    strstr(text, expected), "%s, not %s", text, expected);
        if (++day > days_in[month - 1] + (month == 2 && leap)) {
            day = 1;
            if (++month > 12) {
                month = 1;
                year++;
            }
        }
    }
    v.time = -1;
    assert_says(&v, "x", "x was 1 at 1969-12-31 23:59:59.999: no verdict yet: "
                         "the detector is still learning.");
    v.time = INT64_MIN + 1;
    assert_says(&v, "x", "x was 1 at 1677-09-21 00:12:43.145: no verdict yet: "
                         "the detector is still learning.");
}
END_TEST

START_TEST(verdict_text_checks_its_arguments)
{
    tocsin_verdict v = blank();
    char text[512], small[10];
    size_t needed = 0;

    ck_assert_int_eq(tocsin_verdict_text(NULL, sizeof v, NULL, text, sizeof text, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_verdict_text(&v, TOCSIN_VERDICT_MIN_SIZE - 1, NULL, text, sizeof text,
                                         NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_verdict_text(&v, sizeof v, NULL, NULL, 5, NULL), TOCSIN_ERROR_ARGUMENT);
    memset(small, 0x77, sizeof small);
    ck_assert_int_eq(tocsin_verdict_text(&v, sizeof v, NULL, small, sizeof small, &needed),
                     TOCSIN_ERROR_SPACE);
    for (size_t i = 0; i < sizeof small; i++)
        ck_assert_int_eq(small[i], 0x77);
    ck_assert_int_eq(tocsin_verdict_text(&v, sizeof v, NULL, text, needed, NULL), TOCSIN_OK);
    ck_assert_int_eq(tocsin_verdict_text(&v, sizeof v, NULL, text, needed - 1, NULL),
                     TOCSIN_ERROR_SPACE);
}
END_TEST

START_TEST(names_of_numbers)
{
    ck_assert_str_eq(tocsin_reason_name(TOCSIN_REASON_NONE), "none");
    ck_assert_str_eq(tocsin_reason_name(TOCSIN_REASON_SPIKE), "spike");
    ck_assert_str_eq(tocsin_reason_name(TOCSIN_REASON_ABSENCE), "absence");
    ck_assert_str_eq(tocsin_reason_name(-1), "unknown");
    ck_assert_str_eq(tocsin_reason_name(TOCSIN_REASON_ABSENCE + 1), "unknown");
    ck_assert_str_eq(tocsin_transition_name(TOCSIN_TRANSITION_CLEAR), "clear");
    ck_assert_str_eq(tocsin_transition_name(TOCSIN_TRANSITION_CLEAR + 1), "unknown");
    ck_assert_str_eq(tocsin_tier_name(TOCSIN_TIER_TICKET), "ticket");
    ck_assert_str_eq(tocsin_tier_name(INT32_MAX), "unknown");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("detector");
    TCase *life = suite_case(s, "life"), *calls = suite_case(s, "calls");
    TCase *times = suite_case(s, "time"), *values = suite_case(s, "values");
    TCase *alarms = suite_case(s, "alarms"), *words = suite_case(s, "words");

    tcase_add_checked_fixture(life, NULL, teardown);
    tcase_add_test(life, create_checks_its_arguments);
    tcase_add_test(life, memory_of_the_callers);
    tcase_add_test(life, a_clone_uses_its_own_allocator);

    tcase_add_checked_fixture(calls, NULL, teardown);
    tcase_add_test(calls, push_checks_its_arguments);
    tcase_add_test(calls, verdicts_of_any_size);
    tcase_add_test(calls, push_n_of_nothing);
    tcase_add_test(calls, explain_and_forecast_check_their_arguments);
    tcase_add_test(calls, a_new_handle_explains_itself);
    tcase_add_test(calls, a_score_alone_has_a_verdict_too);

    tcase_add_checked_fixture(times, NULL, teardown);
    tcase_add_test(times, late_and_repeated_points_are_counted_and_change_nothing_else);
    tcase_add_test(times, points_without_a_time);
    tcase_add_test(times, the_end_of_time);
    tcase_add_test(times, a_pause_is_a_gap);
    tcase_add_test(times, an_outage_is_no_step);
    tcase_add_loop_test(times, forecasts_begin_where_the_points_end, 0, 2);
    tcase_add_test(times, forecasts_end_with_time);
    tcase_add_test(times, silence_rings_until_something_comes);
    tcase_add_test(times, silence_without_absence_never_rings);
    tcase_add_test(times, silence_from_the_beginning);
    tcase_add_test(times, a_tick_does_not_end_a_silence);
    tcase_add_test(times, a_point_without_a_time_comes_at_the_measured_step);
    tcase_add_test(times, a_tick_of_the_past_is_ignored);

    tcase_add_checked_fixture(values, NULL, teardown);
    tcase_add_test(values, nan_and_infinities_are_missing);
    tcase_add_test(values, hold_fills_with_the_last_value);
    tcase_add_test(values, expected_fills_with_what_was_expected);
    tcase_add_test(values, a_counter_becomes_a_rate);
    tcase_add_test(values, the_rates_unit);
    tcase_add_test(values, a_counter_that_begins_anew);
    tcase_add_test(values, a_counter_counted_from_zero);
    tcase_add_test(values, a_counter_that_wraps);
    tcase_add_test(values, a_counter_of_64_bits_wraps);
    tcase_add_test(values, counts_beyond_2_53_are_exact);
    tcase_add_test(values, integers_without_a_counter_are_doubles);
    tcase_add_test(values, score_only_learns_nothing);
    tcase_add_test(values, learn_only_scores_nothing);
    tcase_add_test(values, learn_only_is_learning);
    tcase_add_test(values, hold_does_neither);

    tcase_add_checked_fixture(alarms, NULL, teardown);
    tcase_add_test(alarms, an_alarm_starts_goes_on_and_clears);
    tcase_add_test(alarms, a_drop_is_a_drop);
    tcase_add_test(alarms, marks_check_their_arguments);
    tcase_add_test(alarms, a_mark_is_remembered);
    tcase_add_test(alarms, a_window_has_its_ends);
    tcase_add_test(alarms, an_open_window_is_closed_by_its_kind);
    tcase_add_test(alarms, a_muted_alarm_does_not_start);
    tcase_add_test(alarms, muting_clears_what_is_on);
    tcase_add_test(alarms, no_learn_holds_the_model);
    tcase_add_test(alarms, the_band_is_where_it_rings);
    tcase_add_test(alarms, a_constant_series_stays_silent);

    tcase_add_test(words, a_sentence_for_an_alarm);
    tcase_add_test(words, sentences_for_no_score);
    tcase_add_test(words, dates_are_right);
    tcase_add_test(words, verdict_text_checks_its_arguments);
    tcase_add_test(words, names_of_numbers);
    return s;
}

TOCSIN_TEST_MAIN(suite)
