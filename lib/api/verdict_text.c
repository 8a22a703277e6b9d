/* verdict_text.c - a verdict as one sentence, and the names of its parts.
 *
 * The sentence says, in this order: what was seen and when, how it compares with
 * what was expected, how rare that is, and what the alarm does about it.  No
 * stdio, so that no locale can get at the numbers.
 */
#include "../core/text.h"
#include "../num/mathx.h"
#include "tocsin/detector.h"

const char *tocsin_reason_name(int reason)
{
    static const char *const names[] = {"none",   "spike",    "drop",  "level",       "trend",
                                        "season", "variance", "shape", "combination", "absence"};

    return reason >= 0 && (size_t)reason < TOCSIN__COUNT(names) ? names[reason] : "unknown";
}

const char *tocsin_transition_name(int transition)
{
    static const char *const names[] = {"none", "start", "ongoing", "clear"};

    return transition >= 0 && (size_t)transition < TOCSIN__COUNT(names) ? names[transition]
                                                                        : "unknown";
}

const char *tocsin_tier_name(int tier)
{
    static const char *const names[] = {"none", "ticket", "page"};

    return tier >= 0 && (size_t)tier < TOCSIN__COUNT(names) ? names[tier] : "unknown";
}

/* ---- Times ----------------------------------------------------------------- */

static void verdict_add_padded(tocsin__text *text, int64_t number, int width)
{
    char digits[20];

    for (int i = width - 1; i >= 0; i--) {
        digits[i] = (char)('0' + number % 10);
        number /= 10;
    }
    tocsin__text_add_n(text, digits, (size_t)width);
}

/* "2026-03-01 12:04:00", with milliseconds where there are any; UTC.  The date is
 * counted from 0000-03-01, so that the leap day is a year's last day. */
static void verdict_add_time(tocsin__text *text, int64_t time)
{
    const int64_t day_ns = TOCSIN_DAY;
    int64_t days = time / day_ns, in_day = time % day_ns;

    if (in_day < 0) {
        in_day += day_ns;
        days--;
    }
    days += 719468;     /* from 0000-03-01 to 1970-01-01 */

    const int64_t era = days / 146097;                          /* 400 years; days > 0 here */
    const int64_t day = days - era * 146097;
    const int64_t year_of_era = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    const int64_t day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t march_month = (5 * day_of_year + 2) / 153;    /* 0: March */
    const int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    const int64_t year = year_of_era + era * 400 + (month <= 2);
    const int64_t ms = in_day / TOCSIN_MILLISECOND;

    verdict_add_padded(text, year, 4);
    tocsin__text_add(text, "-");
    verdict_add_padded(text, month, 2);
    tocsin__text_add(text, "-");
    verdict_add_padded(text, day_of_year - (153 * march_month + 2) / 5 + 1, 2);
    tocsin__text_add(text, " ");
    verdict_add_padded(text, ms / 3600000, 2);
    tocsin__text_add(text, ":");
    verdict_add_padded(text, ms / 60000 % 60, 2);
    tocsin__text_add(text, ":");
    verdict_add_padded(text, ms / 1000 % 60, 2);
    if (ms % 1000) {
        tocsin__text_add(text, ".");
        verdict_add_padded(text, ms % 1000, 3);
    }
}

/* "9 months": one number of the largest unit that gives at least 2 of it. */
static void verdict_add_duration(tocsin__text *text, double seconds)
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{31556952.0, " years"}, {2629746.0, " months"}, {604800.0, " weeks"},
                 {86400.0, " days"},     {3600.0, " hours"},     {60.0, " minutes"},
                 {1.0, " seconds"}};
    size_t u = 0;

    if (!(seconds < 1000 * units[0].seconds)) {
        tocsin__text_add(text, "more than 1000 years");
        return;
    }
    while (u + 1 < TOCSIN__COUNT(units) && seconds < 2 * units[u].seconds)
        u++;
    tocsin__text_add_number(text, seconds / units[u].seconds, 2);
    tocsin__text_add(text, units[u].name);
}

/* ---- The sentence ---------------------------------------------------------- */

static const char *verdict_event(const tocsin_verdict *verdict)
{
    switch (verdict->reason) {
    case TOCSIN_REASON_SPIKE: return "a spike like this";
    case TOCSIN_REASON_DROP: return "a drop like this";
    case TOCSIN_REASON_LEVEL: return "a change of level like this";
    case TOCSIN_REASON_TREND: return "a change of trend like this";
    case TOCSIN_REASON_SEASON: return "such a value at this time";
    case TOCSIN_REASON_VARIANCE: return "a change of spread like this";
    case TOCSIN_REASON_SHAPE: return "a course like this";
    case TOCSIN_REASON_COMBINATION: return "a combination like this";
    default: return "a value like this";
    }
}

/* Why there is no score. */
static const char *verdict_silence(uint32_t flags)
{
    if (flags & TOCSIN_FLAG_LATE)
        return "older than a point already seen; not used";
    if (flags & TOCSIN_FLAG_REPEATED)
        return "a second point for the same time; not used";
    if (flags & TOCSIN_FLAG_MISSING)
        return flags & TOCSIN_FLAG_RESET ? "the counter was reset; no rate is known across that"
                                         : "no value";
    if (flags & TOCSIN_FLAG_UNSCORED)
        return "not scored, as asked";
    return "no verdict yet: the detector is still learning";
}

/* How far from what was expected: not every statistic is that. */
static double verdict_deviations(const tocsin_verdict *verdict)
{
    const double distance = tocsin__abs(verdict->value - verdict->expected) / verdict->deviation;

    return tocsin__is_finite(distance) ? distance : verdict->raw;
}

static void verdict_add_comparison(tocsin__text *text, const tocsin_verdict *verdict)
{
    if (verdict->expected != verdict->expected)
        return;
    tocsin__text_add(text, ", ");
    if (verdict->direction == 0 || !(verdict->raw > 0)) {
        tocsin__text_add(text, "as expected");
        return;
    }
    tocsin__text_add_number(text, verdict_deviations(verdict), 3);
    tocsin__text_add(text, verdict->direction > 0 ? " deviations above the expected "
                                                  : " deviations below the expected ");
    tocsin__text_add_number(text, verdict->expected, 4);
}

static void verdict_add_alarm(tocsin__text *text, const tocsin_verdict *verdict)
{
    switch (verdict->transition) {
    case TOCSIN_TRANSITION_START: tocsin__text_add(text, " The alarm started"); break;
    case TOCSIN_TRANSITION_ONGOING: tocsin__text_add(text, " The alarm goes on"); break;
    case TOCSIN_TRANSITION_CLEAR: tocsin__text_add(text, " The alarm cleared."); return;
    default:
        if (verdict->flags & TOCSIN_FLAG_MUTED)
            tocsin__text_add(text, " Alarms are muted.");
        else if (verdict->flags & TOCSIN_FLAG_COOLING)
            tocsin__text_add(text, " No alarm: the last one was too recent.");
        else if (verdict->flags & TOCSIN_FLAG_TRIVIAL)
            tocsin__text_add(text, " No alarm: too small to matter.");
        return;
    }
    if (verdict->tier != TOCSIN_TIER_NONE) {
        tocsin__text_add(text, " (");
        tocsin__text_add(text, tocsin_tier_name(verdict->tier));
        tocsin__text_add(text, ")");
    }
    tocsin__text_add(text, ".");
}

static void verdict_compose(tocsin__text *text, const tocsin_verdict *verdict, const char *name)
{
    if (!name)
        name = "the value";
    if (verdict->flags & TOCSIN_FLAG_ABSENT) {
        tocsin__text_add(text, "nothing has come from ");
        tocsin__text_add(text, name);
        tocsin__text_add(text, " by ");
        verdict_add_time(text, verdict->time);
        tocsin__text_add(text, ", longer than allowed.");
        verdict_add_alarm(text, verdict);
        return;
    }
    tocsin__text_add(text, name);
    if (verdict->value == verdict->value) {
        tocsin__text_add(text, " was ");
        tocsin__text_add_number(text, verdict->value, 4);
    }
    if (verdict->time != TOCSIN_TIME_NONE) {
        tocsin__text_add(text, " at ");
        verdict_add_time(text, verdict->time);
    }
    if (verdict->score != verdict->score) {
        tocsin__text_add(text, ": ");
        tocsin__text_add(text, verdict_silence(verdict->flags));
    } else {
        verdict_add_comparison(text, verdict);
        if (verdict->period == verdict->period && verdict->score >= 1) {
            tocsin__text_add(text, ": ");
            tocsin__text_add(text, verdict_event(verdict));
            tocsin__text_add(text, " comes once in ");
            verdict_add_duration(text, verdict->period);
        }
    }
    tocsin__text_add(text, ".");
    verdict_add_alarm(text, verdict);
}

int tocsin_verdict_text(const tocsin_verdict *verdict, size_t verdict_size, const char *name,
                        char *buffer, size_t size, size_t *needed)
{
    tocsin__text text;

    if (!verdict || verdict_size < TOCSIN_VERDICT_MIN_SIZE || (!buffer && size))
        return TOCSIN_ERROR_ARGUMENT;
    tocsin__text_start(&text, NULL, 0);
    verdict_compose(&text, verdict, name);
    if (needed)
        *needed = text.length + 1;
    if (text.length >= size)
        return TOCSIN_ERROR_SPACE;
    tocsin__text_start(&text, buffer, size);
    verdict_compose(&text, verdict, name);
    return TOCSIN_OK;
}
