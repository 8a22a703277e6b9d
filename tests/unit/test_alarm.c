/* The alarm: from rarities to episodes.  The stage is fed rarities made by hand, so that each
 * rule can be seen by itself. */
#include <math.h>

#include "alarm/alarm.h"
#include "pipeline/compiled.h"
#include "../support/rng.h"
#include "../support/specs.h"
#include "../support/suite.h"

/* An alarm by itself, one point per minute. */
typedef struct {
    tocsin_spec *spec;
    const tocsin__stage *stage;
    const void *constants;
    uint64_t state[32];
    int64_t time;
    tocsin__decision decision;
    double budget[2];       /* return periods by tier, seconds; ascending */
    uint32_t tiers;
} alarm;

#define START TOCSIN_TRANSITION_START
#define ONGOING TOCSIN_TRANSITION_ONGOING
#define CLEAR TOCSIN_TRANSITION_CLEAR
#define NONE TOCSIN_TRANSITION_NONE

static void alarm_open(alarm *a, const char *text)
{
    memset(a, 0, sizeof *a);
    a->spec = specs_compile(text);
    a->stage = a->spec->alarm->stage;
    a->constants = a->spec->alarm->constants;
    a->tiers = a->spec->context.tier_count;
    for (uint32_t t = 0; t < a->tiers; t++)
        a->budget[t] = (double)a->spec->context.period[t] * 1e-9;
    ck_assert_uint_le(a->stage->layout.size, sizeof a->state);
    a->stage->init(a->constants, a->state);
}

static void alarm_close(alarm *a)
{
    tocsin_spec_free(a->spec);
}

/* A point with everything said: `period` in seconds, NaN for no score. */
static int alarm_point(alarm *a, double period, double value, double expected, uint32_t flags)
{
    tocsin__point point = {0};
    tocsin__reading reading = {.expected = expected, .deviation = 1};
    tocsin__rarity rarity = {.score = log10(period / 60),
                             .step = a->spec->context.is_raw ? (double)NAN : 60};

    a->time += TOCSIN_MINUTE;
    point.time = a->time;
    point.value = value;
    point.flags = flags;
    reading.direction = (value > expected) - (value < expected);
    for (uint32_t t = 0; t < a->tiers; t++)
        rarity.exceeds |= (uint32_t)(period > a->budget[t]) << t;
    memset(&a->decision, 0xff, sizeof a->decision);
    a->stage->decide(a->constants, a->state, &point, &reading, &rarity, &a->decision);
    ck_assert_uint_eq(a->decision.alarm == TOCSIN_ALARM_ON, a->decision.tier != TOCSIN_TIER_NONE);
    ck_assert_uint_eq(a->decision.since != TOCSIN_TIME_NONE,
                      a->decision.transition != TOCSIN_TRANSITION_NONE);
    return a->decision.transition;
}

static int alarm_push(alarm *a, double period)
{
    return alarm_point(a, period, 110, 100, 0);
}

static int alarm_quiet(alarm *a, int points)
{
    int transition = NONE;

    for (int i = 0; i < points; i++)
        transition = alarm_push(a, 60);
    return transition;
}

static uint64_t alarms_started(const alarm *a)
{
    tocsin_explanation explanation;

    memset(&explanation, 0, sizeof explanation);
    explanation.history = 100;
    a->stage->explain(a->constants, a->state, NULL, &explanation);
    ck_assert_double_eq_tol(explanation.observed_rate, (double)explanation.alarms / 100, 1e-15);
    return explanation.alarms;
}

static const double day = 86400, week = 604800;

START_TEST(an_episode_starts_goes_on_and_clears)
{
    alarm a;

    alarm_open(&a, "alarm budget=1/day");
    ck_assert_int_eq(alarm_push(&a, 0.9 * day), NONE);
    ck_assert_int_eq(alarm_push(&a, 1.1 * day), START);
    const int64_t since = a.decision.since;
    ck_assert_int_eq(since, a.time);
    ck_assert_uint_eq(a.decision.tier, TOCSIN_TIER_PAGE);
    ck_assert_int_eq(alarm_push(&a, 5 * day), ONGOING);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(alarm_push(&a, 60), ONGOING);
    ck_assert_int_eq(alarm_push(&a, 60), CLEAR);
    ck_assert_int_eq(a.decision.since, since);
    ck_assert_uint_eq(a.decision.tier, TOCSIN_TIER_NONE);
    ck_assert_int_eq(alarm_push(&a, 60), NONE);
    ck_assert_uint_eq(alarms_started(&a), 1);
    alarm_close(&a);
}
END_TEST

/* One good sample does not clear, and hovering below the limit does not make the alarm flap. */
START_TEST(clearing_has_hysteresis)
{
    alarm a;

    alarm_open(&a, "alarm budget=1/day clear=3p hysteresis=0.5");
    ck_assert_int_eq(alarm_push(&a, 2 * day), START);
    for (int i = 0; i < 48; i++)    /* 10^-0.5 is 0.316 */
        ck_assert_int_eq(alarm_push(&a, (i % 3 == 2 ? 0.32 : 0.31) * day), ONGOING);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(alarm_push(&a, 0.31 * day), ONGOING);
    ck_assert_int_eq(alarm_push(&a, 0.31 * day), CLEAR);
    alarm_close(&a);

    alarm_open(&a, "alarm budget=1/day clear=10m hysteresis=0");
    ck_assert_int_eq(alarm_push(&a, 2 * day), START);
    for (int i = 0; i < 9; i++)
        ck_assert_int_eq(alarm_push(&a, 0.99 * day), ONGOING);
    ck_assert_int_eq(alarm_push(&a, 0.99 * day), CLEAR);
    alarm_close(&a);
}
END_TEST

/* The dead time is 1/24 of the return period, an exceedance prolongs it, and what breaks through is
 * ten times rarer than anything before. */
START_TEST(dead_time_joins_exceedances)
{
    alarm a;

    alarm_open(&a, "alarm budget=1/day");
    ck_assert_int_eq(alarm_push(&a, 2 * day), START);
    ck_assert_int_eq(alarm_quiet(&a, 5), CLEAR);
    alarm_quiet(&a, 40);
    ck_assert_int_eq(alarm_push(&a, 3 * day), NONE);
    ck_assert_uint_ne(a.decision.flags & TOCSIN_FLAG_COOLING, 0);
    alarm_quiet(&a, 58);
    ck_assert_int_eq(alarm_push(&a, 3 * day), NONE);    /* 59 minutes after */
    ck_assert_int_eq(alarm_push(&a, 29 * day), NONE);   /* the peak is 3 days by now */
    ck_assert_int_eq(alarm_push(&a, 291 * day), START);
    ck_assert_uint_eq(a.decision.flags & TOCSIN_FLAG_COOLING, 0);
    ck_assert_int_eq(alarm_quiet(&a, 5), CLEAR);
    ck_assert_int_eq(alarm_push(&a, 3 * day), NONE);
    ck_assert_int_eq(alarm_push(&a, 100 * day), NONE);  /* not ten times the peak of 291 days */
    alarm_quiet(&a, 59);
    ck_assert_int_eq(alarm_push(&a, 2 * day), START);   /* 60 minutes after */
    ck_assert_uint_eq(alarms_started(&a), 3);
    alarm_close(&a);

    alarm_open(&a, "alarm budget=1/day cooldown=0s clear=1p");
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(alarm_push(&a, 2 * day), START);
        ck_assert_int_eq(alarm_quiet(&a, 1), CLEAR);
    }
    alarm_close(&a);
}
END_TEST

/* The dead time is an hour, a tenth of it six minutes. */
START_TEST(an_outage_that_comes_back_rings_again)
{
    alarm a;

    alarm_open(&a, "alarm budget=1/day");
    ck_assert_int_eq(alarm_push(&a, 1e6 * day), START);
    ck_assert_int_eq(alarm_quiet(&a, 5), CLEAR);
    ck_assert_int_eq(alarm_quiet(&a, 5), NONE);
    ck_assert_int_eq(alarm_push(&a, 9 * day), NONE);    /* not ten budgets */
    ck_assert_uint_ne(a.decision.flags & TOCSIN_FLAG_COOLING, 0);
    alarm_quiet(&a, 4);
    ck_assert_int_eq(alarm_push(&a, 1e6 * day), NONE);  /* five minutes after the last exceedance */
    alarm_quiet(&a, 6);
    ck_assert_int_eq(alarm_push(&a, 11 * day), START);
    ck_assert_uint_eq(alarms_started(&a), 2);
    alarm_close(&a);

    alarm_open(&a, "alarm threshold=3 cooldown=1h");
    ck_assert_int_eq(alarm_push(&a, 60 * 1e8), START);
    ck_assert_int_eq(alarm_quiet(&a, 6), NONE);
    ck_assert_int_eq(alarm_push(&a, 60 * 1e3 * 9), NONE);
    alarm_quiet(&a, 6);
    ck_assert_int_eq(alarm_push(&a, 60 * 1e3 * 11), START);
    alarm_close(&a);

    /* Each time it comes back too soon, it is the same episode. */
    alarm_open(&a, "alarm budget=1/day clear=3p");
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(alarm_push(&a, 1e6 * day), i == 0 ? START : NONE);
        alarm_quiet(&a, 4);
    }
    ck_assert_uint_eq(alarms_started(&a), 1);
    alarm_close(&a);
}
END_TEST

START_TEST(n_of_the_last_m_must_exceed)
{
    alarm a;

    alarm_open(&a, "alarm budget=1/day n=3 m=5");
    ck_assert_int_eq(alarm_push(&a, 2 * day), NONE);
    ck_assert_int_eq(alarm_push(&a, 2 * day), NONE);
    ck_assert_int_eq(alarm_quiet(&a, 3), NONE);
    ck_assert_int_eq(alarm_push(&a, 2 * day), NONE);
    ck_assert_int_eq(alarm_quiet(&a, 1), NONE);
    ck_assert_int_eq(alarm_push(&a, 2 * day), NONE);
    ck_assert_uint_eq(a.decision.flags & TOCSIN_FLAG_COOLING, 0);
    ck_assert_int_eq(alarm_quiet(&a, 1), NONE);
    ck_assert_int_eq(alarm_push(&a, 2 * day), START);
    /* In the dead time a single exceedance prolongs it, though it would not ring. */
    alarm_quiet(&a, 50);
    ck_assert_int_eq(alarm_push(&a, 2 * day), NONE);
    alarm_quiet(&a, 50);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(alarm_push(&a, 2 * day), NONE);
    ck_assert_uint_ne(a.decision.flags & TOCSIN_FLAG_COOLING, 0);
    alarm_close(&a);
}
END_TEST

/* Against the definition: a start is where the last m points hold n exceedances for the first
 * time, with the dead time at zero and one quiet point to clear. */
START_TEST(windows_agree_with_counting)
{
    rng r = rng_seeded(1);

    for (int round = 0; round < 50; round++) {
        const int m = 1 + (int)rng_below(&r, 32), n = 1 + (int)rng_below(&r, (size_t)m);
        int recent[32] = {0}, on = 0;
        char text[SPECS_TEXT];
        alarm a;

        snprintf(text, sizeof text, "alarm budget=1/day n=%d m=%d cooldown=0s clear=1p", n, m);
        alarm_open(&a, text);
        for (int i = 0; i < 300; i++) {
            const int exceeds = rng_below(&r, 4) < 2 + (size_t)(i / 50 % 2);
            int held = 0, expected = NONE;

            memmove(recent + 1, recent, sizeof recent - sizeof recent[0]);
            recent[0] = exceeds;
            for (int k = 0; k < m; k++)
                held += recent[k];
            if (!on && held >= n && exceeds) {
                on = 1;
                expected = START;
            } else if (on && exceeds) {
                expected = ONGOING;
            } else if (on) {
                on = 0;
                memset(recent, 0, sizeof recent);
                expected = CLEAR;
            }
            ck_assert_int_eq(alarm_push(&a, exceeds ? 2 * day : 60), expected);
        }
        alarm_close(&a);
    }
}
END_TEST

START_TEST(tickets_grow_into_pages)
{
    alarm a;

    alarm_open(&a, "alarm ticket=1/day budget=1/week");
    ck_assert_uint_eq(a.tiers, 2);
    ck_assert_double_eq(a.budget[0], day);
    ck_assert_double_eq(a.budget[1], week);
    ck_assert_int_eq(alarm_push(&a, 2 * day), START);
    ck_assert_uint_eq(a.decision.tier, TOCSIN_TIER_TICKET);
    const int64_t since = a.decision.since;
    ck_assert_int_eq(alarm_push(&a, 2 * week), START);
    ck_assert_uint_eq(a.decision.tier, TOCSIN_TIER_PAGE);
    ck_assert_int_eq(a.decision.since, since);
    ck_assert_int_eq(alarm_push(&a, 2 * day), ONGOING);
    ck_assert_uint_eq(a.decision.tier, TOCSIN_TIER_PAGE);
    ck_assert_uint_eq(alarms_started(&a), 1);
    ck_assert_int_eq(alarm_quiet(&a, 20), NONE);
    ck_assert_int_eq(alarm_push(&a, 2 * day), NONE);
    ck_assert_uint_ne(a.decision.flags & TOCSIN_FLAG_COOLING, 0);
    alarm_close(&a);

    /* A page in a ticket's dead time rings: it is no part of the pages' budget yet. */
    alarm_open(&a, "alarm ticket=1/day budget=1/week");
    alarm_push(&a, 2 * day);
    ck_assert_int_eq(alarm_quiet(&a, 20), NONE);
    ck_assert_int_eq(alarm_push(&a, 1.1 * week), START);
    ck_assert_uint_eq(a.decision.tier, TOCSIN_TIER_PAGE);
    alarm_close(&a);
}
END_TEST

START_TEST(a_threshold_takes_the_score)
{
    alarm a;

    alarm_open(&a, "alarm threshold=5 clear=1p hysteresis=1");
    ck_assert_uint_eq(a.tiers, 0);
    ck_assert_int_eq(alarm_push(&a, 60 * 0.9e5), NONE);
    ck_assert_int_eq(alarm_push(&a, 60 * 1.1e5), START);
    ck_assert_uint_eq(a.decision.tier, TOCSIN_TIER_PAGE);
    ck_assert_int_eq(alarm_push(&a, 60 * 1.1e4), ONGOING);
    ck_assert_int_eq(alarm_push(&a, 60 * 0.9e4), CLEAR);
    /* 10^5 steps in 24 parts are 4167 points of dead time. */
    alarm_quiet(&a, 4000);
    ck_assert_int_eq(alarm_push(&a, 60 * 1.1e5), NONE);
    ck_assert_uint_ne(a.decision.flags & TOCSIN_FLAG_COOLING, 0);
    alarm_quiet(&a, 4200);
    ck_assert_int_eq(alarm_push(&a, 60 * 1.1e5), START);
    alarm_close(&a);
}
END_TEST

START_TEST(directions_and_minima_filter)
{
    alarm a;

    alarm_open(&a, "alarm budget=1/day direction=up");
    ck_assert_int_eq(alarm_point(&a, 9 * day, 90, 100, 0), NONE);
    ck_assert_uint_eq(a.decision.flags & TOCSIN_FLAG_TRIVIAL, 0);
    ck_assert_int_eq(alarm_point(&a, 9 * day, 110, 100, 0), START);
    alarm_close(&a);

    alarm_open(&a, "alarm budget=1/day direction=down");
    ck_assert_int_eq(alarm_point(&a, 9 * day, 110, 100, 0), NONE);
    ck_assert_int_eq(alarm_point(&a, 9 * day, 90, 100, 0), START);
    alarm_close(&a);

    alarm_open(&a, "alarm budget=1/day min-deviation=10");
    ck_assert_int_eq(alarm_point(&a, 9 * day, 109.9, 100, 0), NONE);
    ck_assert_uint_ne(a.decision.flags & TOCSIN_FLAG_TRIVIAL, 0);
    ck_assert_int_eq(alarm_point(&a, 0.5 * day, 109.9, 100, 0), NONE);
    ck_assert_uint_eq(a.decision.flags & TOCSIN_FLAG_TRIVIAL, 0);
    ck_assert_int_eq(alarm_point(&a, 9 * day, 90, 100, 0), START);
    alarm_close(&a);

    alarm_open(&a, "alarm budget=1/day min-relative=20%");
    ck_assert_int_eq(alarm_point(&a, 9 * day, -119, -100, 0), NONE);
    ck_assert_uint_ne(a.decision.flags & TOCSIN_FLAG_TRIVIAL, 0);
    ck_assert_int_eq(alarm_point(&a, 9 * day, -121, -100, 0), START);
    alarm_close(&a);
}
END_TEST

START_TEST(absence_rings_until_something_comes)
{
    const uint32_t absent = TOCSIN_FLAG_ABSENT | TOCSIN_FLAG_MISSING;
    alarm a;

    alarm_open(&a, "alarm ticket=1/day budget=1/week n=3");
    ck_assert_int_eq(alarm_point(&a, NAN, NAN, NAN, absent), START);
    ck_assert_uint_eq(a.decision.tier, TOCSIN_TIER_PAGE);
    ck_assert_uint_eq(a.decision.reason, TOCSIN_REASON_ABSENCE);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(alarm_point(&a, NAN, NAN, NAN, absent), ONGOING);
        ck_assert_uint_eq(a.decision.reason, TOCSIN_REASON_ABSENCE);
    }
    /* What was sent before, and arrives late, is no sign of life. */
    ck_assert_int_eq(alarm_point(&a, NAN, NAN, NAN, TOCSIN_FLAG_LATE), ONGOING);
    /* A sender that has no value is alive. */
    ck_assert_int_eq(alarm_point(&a, NAN, NAN, NAN, TOCSIN_FLAG_MISSING), CLEAR);
    ck_assert_int_eq(alarm_push(&a, 60), NONE);
    ck_assert_uint_eq(alarms_started(&a), 1);

    /* A page that is on already turns into an absence without ringing twice. */
    for (int i = 0; i < 3; i++)
        alarm_push(&a, 2 * week);
    ck_assert_uint_eq(a.decision.tier, TOCSIN_TIER_PAGE);
    ck_assert_int_eq(alarm_point(&a, NAN, NAN, NAN, absent), ONGOING);
    ck_assert_uint_eq(a.decision.reason, TOCSIN_REASON_ABSENCE);
    ck_assert_int_eq(alarm_push(&a, 60), CLEAR);
    alarm_close(&a);
}
END_TEST

START_TEST(mutes_start_nothing_and_clear_what_is_on)
{
    const uint32_t absent = TOCSIN_FLAG_ABSENT | TOCSIN_FLAG_MISSING;
    alarm a;

    alarm_open(&a, "alarm budget=1/day");
    ck_assert_int_eq(alarm_point(&a, 2 * day, 1, 0, TOCSIN_FLAG_MUTED), NONE);
    ck_assert_int_eq(alarm_point(&a, NAN, NAN, NAN, TOCSIN_FLAG_MUTED | absent), NONE);
    ck_assert_int_eq(alarm_push(&a, 2 * day), START);
    ck_assert_int_eq(alarm_point(&a, 2 * day, 1, 0, TOCSIN_FLAG_MUTED), CLEAR);
    ck_assert_int_eq(alarm_point(&a, 2 * day, 1, 0, TOCSIN_FLAG_MUTED), NONE);
    alarm_close(&a);
}
END_TEST

START_TEST(points_without_a_score_change_nothing)
{
    alarm a;

    alarm_open(&a, "alarm budget=1/day clear=2p");
    ck_assert_int_eq(alarm_point(&a, NAN, NAN, NAN, TOCSIN_FLAG_MISSING), NONE);
    ck_assert_int_eq(alarm_push(&a, 2 * day), START);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(alarm_point(&a, NAN, NAN, NAN, TOCSIN_FLAG_MISSING), ONGOING);
    ck_assert_int_eq(alarm_push(&a, 60), ONGOING);
    ck_assert_int_eq(alarm_point(&a, NAN, NAN, NAN, TOCSIN_FLAG_WARMING), ONGOING);
    ck_assert_int_eq(alarm_push(&a, 60), CLEAR);
    alarm_close(&a);
}
END_TEST

static void assert_conflict(const char *text, const char *word)
{
    tocsin_error error;
    tocsin_spec *spec;

    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    ck_assert_int_eq(tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error),
                     TOCSIN_ERROR_CONFLICT);
    ck_assert_msg(strncmp(text + error.offset, word, strlen(word)) == 0, "%s: at %u", text,
                  error.offset);
    ck_assert_str_ne(error.message, "");
}

/* A spike every ten minutes, each a deviation larger: what has a rate would ring at every one, or
 * with equal ones only at the first. */
START_TEST(behind_raw_the_dead_time_is_fixed)
{
    for (int grows = 0; grows < 2; grows++) {
        alarm a;

        alarm_open(&a, "raw | alarm threshold=3 cooldown=1h clear=1p hysteresis=0");
        for (int minute = 0; minute < 300; minute++) {
            const double score = minute % 10 ? 1 : 4 + grows * minute / 10;
            const int transition = alarm_push(&a, 60 * pow(10, score));

            ck_assert_int_eq(transition == START, minute % 60 == 0);
        }
        alarm_close(&a);
    }
}
END_TEST

START_TEST(conflicts_are_refused)
{
    assert_conflict("alarm threshold=4 budget=1/day", "threshold");
    assert_conflict("alarm threshold=4 ticket=1/day", "threshold");
    assert_conflict("alarm ticket=1/week budget=1/day", "ticket");
    assert_conflict("alarm ticket=1/day budget=1/day", "ticket");
    assert_conflict("alarm n=3 m=2", "n");
}
END_TEST

/* Packed and unpacked, a state is the same to the last bit, whatever has happened to it, and is
 * not larger than it takes. */
START_TEST(packing_loses_nothing)
{
    static const struct {
        const char *text;
        size_t size;
    } kinds[] = {
        {"alarm", 17},
        {"alarm budget=1/day clear=0p", 17},
        {"alarm budget=1/day clear=10m cooldown=0", 25},
        {"alarm budget=1/h n=3 m=5 clear=300p", 18},
        {"alarm ticket=1/h budget=1/day n=2 m=32 clear=3p", 31},
        {"alarm ticket=1/h budget=1/day clear=1h cooldown=90m", 31},
    };
    const size_t size = tocsin__stage_alarm.layout.size;
    uint64_t unpacked[32];
    uint8_t record[64];
    rng r = rng_seeded(12 + (uint64_t)_i);
    alarm a;

    alarm_open(&a, kinds[_i].text);
    ck_assert_uint_eq(tocsin__alarm_record_size(a.constants), kinds[_i].size);
    memset(unpacked, 0, sizeof unpacked);
    a.stage->init(a.constants, unpacked);
    for (int i = 0; i < 8000; i++) {
        const int is_bad = rng_below(&r, 400) < (i / 50 % 20 == 0 ? 100u : 1u);

        if (rng_below(&r, 2000) == 0)
            a.time += (int64_t)rng_below(&r, 40) * TOCSIN_DAY + (int64_t)rng_below(&r, 1000);
        if (rng_below(&r, 500) == 0)
            alarm_point(&a, 60, 100, 100, rng_below(&r, 2) ? TOCSIN_FLAG_MUTED
                                                           : TOCSIN_FLAG_ABSENT);
        alarm_push(&a, pow(10, is_bad ? 3 + 6 * rng_uniform(&r) : 1.8 + 3 * rng_uniform(&r)));
        memset(record, 0xa5, sizeof record);
        tocsin__alarm_pack(a.constants, a.state, record);
        for (size_t b = kinds[_i].size; b < sizeof record; b++)
            ck_assert_uint_eq(record[b], 0xa5);
        tocsin__alarm_unpack(a.constants, record, unpacked);
        require(memcmp(unpacked, a.state, size) == 0, "%s: point %d: %s", kinds[_i].text, i,
                tocsin__layout_compare(&a.stage->layout, &a.spec->alarm->shape, a.state,
                                       unpacked));
        require(tocsin__alarm_is_at_rest(a.constants, unpacked) ==
                    tocsin__alarm_is_at_rest(a.constants, a.state),
                "at rest or not");
    }
    alarm_close(&a);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("alarm");
    TCase *tcase = suite_case(s, "alarm");

    tcase_add_test(tcase, an_episode_starts_goes_on_and_clears);
    tcase_add_test(tcase, clearing_has_hysteresis);
    tcase_add_test(tcase, dead_time_joins_exceedances);
    tcase_add_test(tcase, an_outage_that_comes_back_rings_again);
    tcase_add_test(tcase, n_of_the_last_m_must_exceed);
    tcase_add_test(tcase, windows_agree_with_counting);
    tcase_add_test(tcase, tickets_grow_into_pages);
    tcase_add_test(tcase, a_threshold_takes_the_score);
    tcase_add_test(tcase, directions_and_minima_filter);
    tcase_add_test(tcase, absence_rings_until_something_comes);
    tcase_add_test(tcase, mutes_start_nothing_and_clear_what_is_on);
    tcase_add_test(tcase, points_without_a_score_change_nothing);
    tcase_add_test(tcase, behind_raw_the_dead_time_is_fixed);
    tcase_add_test(tcase, conflicts_are_refused);
    tcase_add_loop_test(suite_long_case(s, "packing"), packing_loses_nothing, 0, 6);
    return s;
}

TOCSIN_TEST_MAIN(suite)
