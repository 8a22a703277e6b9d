/* units.c - text to typed values and back: numbers, durations, points, rates.
 *
 * Durations and rates are whole nanoseconds, and are read exactly: a duration
 * that is no whole number of nanoseconds, or that does not fit, is refused and
 * never rounded.  A rate is kept as nanoseconds per event, which most rates
 * people write are exactly ("3/day" is 8 hours); the others are rounded to the
 * nearest nanosecond, and the writer finds the way back ("7/day" again).
 *
 * A month is 30 days and a year 365, for a budget is an average over a long time
 * and not a calendar.
 *
 * Cost: linear in the text.  What is no value is refused; nothing else can fail.
 */
#include "units.h"

#include "decimal.h"
#include "text.h"
#include "words.h"

typedef struct units_row {
    const char *name;
    int64_t duration;
} units_row;

static const units_row units_durations[] = {
    {"w", TOCSIN_WEEK},         {"d", TOCSIN_DAY},          {"h", TOCSIN_HOUR},
    {"m", TOCSIN_MINUTE},       {"s", TOCSIN_SECOND},       {"ms", TOCSIN_MILLISECOND},
    {"us", TOCSIN_MICROSECOND}, {"ns", TOCSIN_NANOSECOND},
};

static const units_row units_periods[] = {
    {"second", TOCSIN_SECOND}, {"minute", TOCSIN_MINUTE},   {"hour", TOCSIN_HOUR},
    {"day", TOCSIN_DAY},       {"week", TOCSIN_WEEK},       {"month", 30 * TOCSIN_DAY},
    {"year", 365 * TOCSIN_DAY},
};

static int units_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A plain decimal number "12.5" at the beginning of a text: its digits as a whole number,
 * and how many of them stood behind the point.  Trailing zeros there are dropped. */
typedef struct units_decimal {
    int64_t digits;
    int places;
    size_t length;      /* bytes read; 0: no number, or one of too many digits */
} units_decimal;

static int units_add_digit(int64_t *digits, int digit)
{
    if (*digits > (INT64_MAX - digit) / 10)
        return 0;
    *digits = *digits * 10 + digit;
    return 1;
}

static units_decimal units_read_decimal(const char *text, size_t length)
{
    const units_decimal none = {0, 0, 0};
    units_decimal decimal = none;
    size_t at = 0, read = 0, zeros = 0;
    int past_point = 0;

    for (; at < length && (units_is_digit(text[at]) || (text[at] == '.' && !past_point)); at++) {
        if (text[at] == '.') {
            past_point = 1;
            continue;
        }
        read++;
        if (past_point && text[at] == '0') {
            zeros++;        /* they count once another digit follows */
            continue;
        }
        for (; zeros > 0; zeros--, decimal.places++)
            if (decimal.digits > 0 && !units_add_digit(&decimal.digits, 0))
                return none;
        if (!units_add_digit(&decimal.digits, text[at] - '0'))
            return none;
        decimal.places += past_point;
    }
    if (read > 0)
        decimal.length = at;
    return decimal;
}

/* ---- Numbers and points ---------------------------------------------------- */

int tocsin__parse_number(const char *text, size_t length, double *value)
{
    return tocsin__decimal_parse(text, length, 0, value);
}

int tocsin__parse_points(const char *text, size_t length, double *points)
{
    double value;

    if (length < 2 || text[length - 1] != 'p' || !(units_is_digit(text[0]) || text[0] == '.') ||
        !tocsin__decimal_parse(text, length - 1, 0, &value) || !tocsin__is_finite(value))
        return 0;
    *points = value;
    return 1;
}

size_t tocsin__format_number(double value, char text[TOCSIN__UNIT_TEXT])
{
    return tocsin__decimal_write_shortest(value, text);
}

/* ---- Durations ------------------------------------------------------------- */

/* digits / 10^places units, if that is a whole number of nanoseconds that fits. */
static int units_multiply(units_decimal decimal, int64_t unit, int64_t *duration)
{
    int twos = decimal.places, fives = decimal.places;

    for (; twos > 0 && decimal.digits % 2 == 0; twos--)
        decimal.digits /= 2;
    for (; fives > 0 && decimal.digits % 5 == 0; fives--)
        decimal.digits /= 5;
    for (; twos > 0 && unit % 2 == 0; twos--)
        unit /= 2;
    for (; fives > 0 && unit % 5 == 0; fives--)
        unit /= 5;
    if (twos > 0 || fives > 0 || decimal.digits > INT64_MAX / unit)
        return 0;
    *duration = decimal.digits * unit;
    return 1;
}

int tocsin__parse_duration(const char *text, size_t length, int64_t *duration)
{
    int64_t total = 0;
    size_t at = 0, next_row = 0;

    if (length == 1 && text[0] == '0') {
        *duration = 0;
        return 1;
    }
    while (at < length) {
        const units_decimal decimal = units_read_decimal(text + at, length - at);
        if (decimal.length == 0)
            return 0;
        at += decimal.length;

        size_t word = 0;
        while (at + word < length && text[at + word] >= 'a' && text[at + word] <= 'z')
            word++;
        /* Units descend: "30m1h" is a slip of somebody's pen. */
        size_t row = next_row;
        while (row < TOCSIN__COUNT(units_durations) &&
               !tocsin__word_is(text + at, word, units_durations[row].name))
            row++;
        int64_t part;
        if (row == TOCSIN__COUNT(units_durations) ||
            !units_multiply(decimal, units_durations[row].duration, &part) ||
            part > INT64_MAX - total)
            return 0;
        total += part;
        at += word;
        next_row = row + 1;
    }
    if (length == 0)
        return 0;
    *duration = total;
    return 1;
}

size_t tocsin__format_duration(int64_t duration, char text[TOCSIN__UNIT_TEXT])
{
    tocsin__text out;
    size_t row = 0;

    tocsin__text_start(&out, text, TOCSIN__UNIT_TEXT);
    if (duration == 0)
        row = 4;
    while (duration % units_durations[row].duration != 0)
        row++;
    tocsin__text_add_integer(&out, duration / units_durations[row].duration);
    tocsin__text_add(&out, units_durations[row].name);
    return out.length;
}

/* ---- Rates ----------------------------------------------------------------- */

/* period * 10^places / digits, to the nearest nanosecond; 0 where that is 0 or too large. */
static int64_t units_divide(int64_t period, units_decimal decimal)
{
    int64_t quotient = period / decimal.digits, rest = period % decimal.digits;

    /* rest < digits < 10^17, so ten times as much still fits. */
    for (int i = 0; i < decimal.places; i++) {
        rest *= 10;
        if (!units_add_digit(&quotient, (int)(rest / decimal.digits)))
            return 0;
        rest %= decimal.digits;
    }
    if (rest >= decimal.digits - rest) {
        if (quotient == INT64_MAX)
            return 0;
        quotient++;
    }
    return quotient;
}

int tocsin__parse_rate(const char *text, size_t length, int64_t *per_event)
{
    const int64_t most_events = INT64_C(99999999999999999);
    const units_decimal events = units_read_decimal(text, length);
    const size_t at = events.length;
    int64_t period = 0;

    if (events.digits == 0 || events.digits > most_events || at >= length || text[at] != '/')
        return 0;
    for (size_t i = 0; i < TOCSIN__COUNT(units_periods); i++)
        if (tocsin__word_is(text + at + 1, length - at - 1, units_periods[i].name))
            period = units_periods[i].duration;
    /* "1/h" as well; but not "1/m", which is a minute to some and a month to others. */
    for (size_t i = 0; i < TOCSIN__COUNT(units_durations); i++)
        if (units_durations[i].duration != TOCSIN_MINUTE &&
            tocsin__word_is(text + at + 1, length - at - 1, units_durations[i].name))
            period = units_durations[i].duration;
    if (period == 0 && !tocsin__parse_duration(text + at + 1, length - at - 1, &period))
        return 0;

    const int64_t result = units_divide(period, events);
    if (result == 0)
        return 0;
    *per_event = result;
    return 1;
}

/* The whole number of events per period, `most` at most, that reads back to per_event, or 0. */
static int64_t units_events(int64_t per_event, int64_t period, int64_t most)
{
    const int64_t rest = period % per_event;
    const int64_t events = period / per_event + (rest >= per_event - rest);

    if (events < 1 || events > most)
        return 0;
    return units_divide(period, (units_decimal){events, 0, 1}) == per_event ? events : 0;
}

static size_t units_write_rate(char *text, int64_t events, const char *period)
{
    tocsin__text out;

    tocsin__text_start(&out, text, TOCSIN__UNIT_TEXT);
    tocsin__text_add_integer(&out, events);
    tocsin__text_add(&out, "/");
    tocsin__text_add(&out, period);
    return out.length;
}

size_t tocsin__format_rate(int64_t per_event, char text[TOCSIN__UNIT_TEXT])
{
    /* What people would write, best first: so many events at most, in one of so many of the
     * periods.  "1/week", "3/day", "100/day", "7/month". */
    static const struct {
        int64_t most;
        size_t periods;
    } tries[] = {{1, 7}, {24, 5}, {1000, 4}, {1000, 7}};
    char duration[TOCSIN__UNIT_TEXT];

    for (size_t t = 0; t < TOCSIN__COUNT(tries); t++) {
        /* A whole number of days or weeks: "1/2d" rather than "15/month". */
        if (t == 2 && per_event % TOCSIN_DAY == 0)
            break;
        for (size_t i = 0; i < tries[t].periods; i++) {
            const int64_t events =
                units_events(per_event, units_periods[i].duration, tries[t].most);

            if (events > 0)
                return units_write_rate(text, events, units_periods[i].name);
        }
    }
    tocsin__format_duration(per_event, duration);
    return units_write_rate(text, 1, duration);
}
