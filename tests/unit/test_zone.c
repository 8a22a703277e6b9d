/* Civil time: rules read, written and told as the C library does, which has its own of POSIX' TZ. */
#define _GNU_SOURCE     /* tm_gmtoff, setenv */
#include <stdio.h>
#include <time.h>

#include "../../lib/core/zone.h"
#include "../support/rng.h"
#include "../support/suite.h"

/* Split at commas, as a spec's values are; 0: it is no rule. */
static int zone_of(const char *rule, tocsin__zone *zone)
{
    int64_t parts[TOCSIN__ZONE_PARTS];
    size_t count = 0;

    for (const char *at = rule;; at++) {
        const size_t length = strcspn(at, ",");

        if (count == TOCSIN__ZONE_PARTS || !tocsin__zone_read(at, length, &parts[count]))
            return 0;
        count++;
        at += length;
        if (*at == '\0')
            return tocsin__zone_join(parts, count, zone) == NULL;
    }
}

static const char *rewritten(const char *rule)
{
    static char text[TOCSIN__ZONE_PARTS * TOCSIN__ZONE_TEXT];
    size_t used = 0;

    for (const char *at = rule;; at++) {
        const size_t length = strcspn(at, ",");
        int64_t part;

        require(tocsin__zone_read(at, length, &part), "%s is no rule", rule);
        require(tocsin__zone_is_part(part), "%s: not a part", rule);
        used += tocsin__zone_write(part, text + used);
        at += length;
        if (*at == '\0')
            return text;
        text[used++] = ',';
    }
}

/* The C library's answer: seconds ahead of UTC. */
static long libc_ahead(time_t time)
{
    struct tm civil;

    tzset();
    require(localtime_r(&time, &civil) != NULL, "the C library does not know the time");
    return civil.tm_gmtoff;
}

static void assert_like_libc(const char *rule, rng *r, int times)
{
    tocsin__zone zone;

    require(zone_of(rule, &zone), "%s is no rule", rule);
    require(setenv("TZ", rule, 1) == 0, "no environment");
    for (int i = 0; i < times; i++) {
        const int64_t second = (int64_t)rng_below(r, INT32_MAX);
        const int64_t ahead = tocsin__zone_ahead(&zone, second * TOCSIN_SECOND + 999999999);
        const long expected = libc_ahead((time_t)second);

        require(ahead == expected * TOCSIN_SECOND, "%s at %lld: %lld instead of %ld seconds", rule,
                (long long)second, (long long)(ahead / TOCSIN_SECOND), expected);
    }
}

/* Before 1970 many C libraries know no rules.  But the calendar repeats itself every 28 years, from
 * 1901 to 2099. */
static void assert_like_28_years_later(const char *rule, rng *r)
{
    const int64_t later = 1461 * TOCSIN_WEEK;
    tocsin__zone zone;

    require(zone_of(rule, &zone), "%s is no rule", rule);
    for (int i = 0; i < 3000; i++) {
        const int64_t time = ((int64_t)rng_below(r, 4000000000) - 2150000000) * TOCSIN_SECOND;

        require(tocsin__zone_ahead(&zone, time) == tocsin__zone_ahead(&zone, time + later),
                "%s: %lld s is not what it is 28 years later", rule,
                (long long)(time / TOCSIN_SECOND));
    }
}

/* Rules of the tz database's last lines, and some that only the grammar allows. */
static const char *const rules[] = {
    "UTC0",
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "EST5EDT,M3.2.0,M11.1.0",
    "MST7MDT,M3.2.0,M11.1.0",
    "<+0530>-5:30",
    "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
    "IST-1GMT0,M10.5.0,M3.5.0/1",
    "AEST-10AEDT,M10.1.0,M4.1.0/3",
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
    "EET-2EEST,M3.4.4/50,M10.4.4/50",
    "IST-2IDT,M3.4.4/26,M10.5.0",
    "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
    "AAA-3BBB,J60/0,J300/23:59:59",
    "AAA12:34:56BBB11,59/3,360",
};

#define RULES ((int)(sizeof rules / sizeof rules[0]))

START_TEST(rules_are_told_as_the_c_library_does)
{
    rng r = rng_seeded(3);

    assert_like_libc(rules[_i], &r, 3000);
    assert_like_libc(rewritten(rules[_i]), &r, 300);
    assert_like_28_years_later(rules[_i], &r);
    ck_assert_str_eq(rewritten(rewritten(rules[_i])), rewritten(rules[_i]));
}
END_TEST

/* To the second: when clocks in Berlin were changed in 2024, by the newspapers. */
START_TEST(clocks_are_changed_at_the_second)
{
    const int64_t march = 1711846800, october = 1729990800;     /* 31 and 27, 01:00 UTC */
    tocsin__zone berlin;

    ck_assert(zone_of("CET-1CEST,M3.5.0,M10.5.0/3", &berlin));
    ck_assert_int_eq(tocsin__zone_ahead(&berlin, march * TOCSIN_SECOND - 1), TOCSIN_HOUR);
    ck_assert_int_eq(tocsin__zone_ahead(&berlin, march * TOCSIN_SECOND), 2 * TOCSIN_HOUR);
    ck_assert_int_eq(tocsin__zone_ahead(&berlin, october * TOCSIN_SECOND - 1), 2 * TOCSIN_HOUR);
    ck_assert_int_eq(tocsin__zone_ahead(&berlin, october * TOCSIN_SECOND), TOCSIN_HOUR);
}
END_TEST

START_TEST(what_is_no_rule_is_refused)
{
    static const char *const wrong[] = {
        "", "UTC", "Europe/Berlin", "CE-1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-25", "CET-1:60",
        "CET-1,M3.5.0,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0,M10.5.0", "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,J0,J300",
        "CET-1CEST,J366,J300", "CET-1CEST,366,300", "M3.5.0,CET-1CEST,M10.5.0", "<+1>-1",
        "CET-1CEST,CET-1,M10.5.0", "CET-1 ", "CET--1", "<CET-1", "CET-1CEST,M3.5,M10.5.0",
        "CET-99999999999999999999", "CET-1CEST,M3.5.0/,M10.5.0",
    };
    tocsin__zone zone;

    ck_assert_msg(!zone_of(wrong[_i], &zone), "'%s' is a rule", wrong[_i]);
}
END_TEST

/* Any number is a part or is not; what is one reads back, and what is made of it tells any time. */
START_TEST(any_number_is_harmless)
{
    static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    static const char *const sound[] = {"M3.5.0", "CET-1CEST", "J60/-1", "UTC0"};
    rng r = rng_seeded(5);
    size_t parts = 0;

    for (int i = 0; i < 100000; i++) {
        char text[TOCSIN__ZONE_TEXT];
        int64_t part = 0, again;

        ck_assert(tocsin__zone_read(sound[i % 4], strlen(sound[i % 4]), &part));
        for (uint64_t flips = rng_below(&r, 4); flips > 0; flips--)
            part ^= (int64_t)(UINT64_C(1) << rng_below(&r, 64));
        if (!tocsin__zone_is_part(part))
            continue;
        parts++;
        require(tocsin__zone_write(part, text) < sizeof text, "too long");
        require(tocsin__zone_read(text, strlen(text), &again) && again == part,
                "%s reads back as something else", text);
    }
    ck_assert_uint_gt(parts, 100);
    for (int i = 0; i < RULES; i++)
        for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++) {
            tocsin__zone zone;

            ck_assert(zone_of(rules[i], &zone));
            (void)tocsin__zone_civil(&zone, ends[k]);
            (void)tocsin__zone_ahead(&zone, ends[k]);
        }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("zone");
    TCase *tcase = suite_case(s, "zones");

    tcase_add_loop_test(tcase, rules_are_told_as_the_c_library_does, 0, RULES);
    tcase_add_test(tcase, clocks_are_changed_at_the_second);
    tcase_add_loop_test(tcase, what_is_no_rule_is_refused, 0, 28);
    tcase_add_test(tcase, any_number_is_harmless);
    return s;
}

TOCSIN_TEST_MAIN(suite)
