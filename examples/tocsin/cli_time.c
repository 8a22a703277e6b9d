/* cli_time.c - timestamps: see cli_time.h.
 *
 * Everything is done in integers, so that a timestamp of nanoseconds keeps its
 * last digit.  A bare number is told by its size: below 1e10 it counts seconds
 * (until the year 2286), below 1e13 milliseconds (from April 1970), below 1e16
 * microseconds, and nanoseconds from there on.
 */
#include "cli_time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tocsin.h"

/* Whole seconds whose nanoseconds fit: the years 1678..2261. */
#define TIME_FIRST (-INT64_C(9214560000))
#define TIME_LAST INT64_C(9214646400)

static const int64_t time_unit_ns[] = {0, 1000000000, 1000000, 1000, 1};

/* Days since 1970-01-01 of a date of the Gregorian calendar: years are counted from March, so
 * that the leap day is the last one. */
static int64_t time_days(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static void time_date(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const int64_t day_of_era = days - era * 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted = (5 * day_of_year + 2) / 153;

    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* Read exactly `count` digits and move on. */
static int time_digits(cli_text *text, size_t count, int64_t *number)
{
    if (text->length < count)
        return 0;
    *number = 0;
    for (size_t i = 0; i < count; i++) {
        if (text->at[i] < '0' || text->at[i] > '9')
            return 0;
        *number = *number * 10 + (text->at[i] - '0');
    }
    text->at += count;
    text->length -= count;
    return 1;
}

static int time_take(cli_text *text, const char *any_of)
{
    if (text->length == 0 || !strchr(any_of, text->at[0]) || text->at[0] == '\0')
        return 0;
    text->at++;
    text->length--;
    return 1;
}

/* Decimals as nanoseconds, those beyond the ninth cut off. */
static int time_fraction(cli_text *text, int64_t *ns)
{
    int64_t scale = 100000000;
    size_t count = 0;

    *ns = 0;
    for (; text->length > 0 && text->at[0] >= '0' && text->at[0] <= '9'; count++) {
        *ns += (text->at[0] - '0') * scale;
        scale /= 10;
        text->at++;
        text->length--;
    }
    return count > 0;
}

/* "", "Z", "UTC", "+02:00", "-0530", "+02": the seconds to take off. */
static int time_zone(cli_text text, int64_t *offset)
{
    int64_t hours, minutes = 0;

    text = cli_text_trim(text);
    *offset = 0;
    if (text.length == 0)
        return 1;
    if ((text.length == 1 && (text.at[0] | 32) == 'z') ||
        (text.length == 3 && (strncasecmp(text.at, "utc", 3) == 0 ||
                              strncasecmp(text.at, "gmt", 3) == 0)))
        return 1;
    const int west = text.at[0] == '-';

    if (!time_take(&text, "+-") || !time_digits(&text, 2, &hours))
        return 0;
    if (text.length > 0) {
        time_take(&text, ":");
        if (!time_digits(&text, 2, &minutes) || text.length > 0)
            return 0;
    }
    if (hours > 18 || minutes > 59)
        return 0;
    *offset = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return 1;
}

int cli_looks_like_date(cli_text text)
{
    text = cli_text_trim(text);
    return text.length >= 8 && (text.at[4] == '-' || text.at[4] == '/') && text.at[0] >= '0' &&
           text.at[0] <= '9' && text.at[3] >= '0' && text.at[3] <= '9';
}

static int time_parse_date(cli_text text, int64_t *ns)
{
    static const int64_t month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, month, day, hour = 0, minute = 0, second = 0, fraction = 0, offset = 0;

    if (!time_digits(&text, 4, &year) || !time_take(&text, "-/") ||
        !time_digits(&text, 2, &month) || !time_take(&text, "-/") || !time_digits(&text, 2, &day))
        return 0;
    if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1])
        return 0;
    if (month == 2 && day == 29 && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0)))
        return 0;
    if (text.length > 0) {
        if (!time_take(&text, "Tt ") || !time_digits(&text, 2, &hour) || !time_take(&text, ":") ||
            !time_digits(&text, 2, &minute))
            return 0;
        if (time_take(&text, ":") && !time_digits(&text, 2, &second))
            return 0;
        if (time_take(&text, ".,") && !time_fraction(&text, &fraction))
            return 0;
        if (!time_zone(text, &offset) || hour > 24 || minute > 59 || second > 60 ||
            (hour == 24 && (minute > 0 || second > 0)))
            return 0;
    }
    const int64_t seconds =
        time_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;

    if (seconds < TIME_FIRST || seconds >= TIME_LAST)
        return -1;
    *ns = seconds * TOCSIN_SECOND + fraction;
    return 1;
}

/* Numbers with an exponent: as exact as a double is. */
static int time_parse_double(cli_text text, cli_time_unit unit, int64_t *ns)
{
    cli_number number;

    if (cli_parse_number(text, &number) != CLI_NUMBER || !isfinite(number.value))
        return 0;
    const double magnitude = fabs(number.value);

    if (unit == CLI_UNIT_AUTO)
        unit = magnitude < 1e10   ? CLI_UNIT_SECONDS
               : magnitude < 1e13 ? CLI_UNIT_MILLISECONDS
               : magnitude < 1e16 ? CLI_UNIT_MICROSECONDS
                                  : CLI_UNIT_NANOSECONDS;
    const double scaled = number.value * (double)time_unit_ns[unit];

    if (scaled < (double)TIME_FIRST * 1e9 || scaled >= (double)TIME_LAST * 1e9)
        return -1;
    *ns = (int64_t)scaled;
    return 1;
}

static int time_parse_number(cli_text text, cli_time_unit unit, int64_t *ns)
{
    const cli_text whole_text = text;
    const int negative = text.length > 0 && text.at[0] == '-';
    int64_t whole = 0, fraction = 0;
    size_t digits = 0;

    time_take(&text, "+-");
    for (; text.length > 0 && text.at[0] >= '0' && text.at[0] <= '9'; digits++) {
        if (digits == 18 && whole > (INT64_MAX - 9) / 10)
            return -1;
        whole = whole * 10 + (text.at[0] - '0');
        text.at++;
        text.length--;
        if (digits > 18)
            return -1;
    }
    if (digits == 0)
        return 0;
    if (time_take(&text, ".")) {
        if (text.length > 0 && !time_fraction(&text, &fraction))
            return time_parse_double(whole_text, unit, ns);
    }
    if (text.length > 0)
        return time_parse_double(whole_text, unit, ns);
    if (unit == CLI_UNIT_AUTO)
        unit = whole < INT64_C(10000000000)         ? CLI_UNIT_SECONDS
               : whole < INT64_C(10000000000000)    ? CLI_UNIT_MILLISECONDS
               : whole < INT64_C(10000000000000000) ? CLI_UNIT_MICROSECONDS
                                                    : CLI_UNIT_NANOSECONDS;
    const int64_t scale = time_unit_ns[unit];

    if (whole >= TIME_LAST * (TOCSIN_SECOND / scale))
        return -1;
    /* The fraction is in billionths of a unit. */
    *ns = whole * scale + fraction / (TOCSIN_SECOND / scale);
    if (negative)
        *ns = -*ns;
    return 1;
}

int cli_parse_time(cli_text text, cli_time_unit unit, int64_t *ns)
{
    text = cli_text_trim(text);
    return cli_looks_like_date(text) ? time_parse_date(text, ns)
                                     : time_parse_number(text, unit, ns);
}

int cli_parse_duration(cli_text text, int64_t *ns)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1},     {"m", 60},
                 {"h", 3600},  {"d", 86400}, {"w", 604800}};
    double seconds = 0;

    text = cli_text_trim(text);
    if (text.length == 0)
        return 0;
    while (text.length > 0) {
        cli_text digits = text, letters;
        cli_number number;
        double unit = -1;

        digits.length = 0;
        while (digits.length < text.length && strchr("0123456789.", text.at[digits.length]))
            digits.length++;
        letters = (cli_text){text.at + digits.length, 0};
        while (digits.length + letters.length < text.length &&
               (letters.at[letters.length] < '0' || letters.at[letters.length] > '9'))
            letters.length++;
        if (digits.length == 0 || cli_parse_number(digits, &number) != CLI_NUMBER)
            return 0;
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
            if (cli_text_is(letters, units[i].name))
                unit = units[i].seconds;
        }
        if (letters.length == 0 && letters.at == text.at + text.length)
            unit = 1;
        if (unit < 0)
            return 0;
        seconds += number.value * unit;
        text.at += digits.length + letters.length;
        text.length -= digits.length + letters.length;
    }
    if (!(seconds < 9e9))
        return 0;
    *ns = (int64_t)(seconds * 1e9);
    return 1;
}

const char *cli_format_time(int64_t ns, char text[CLI_TIME_TEXT])
{
    int64_t seconds = ns / TOCSIN_SECOND, fraction = ns % TOCSIN_SECOND;
    int64_t year, month, day;

    if (fraction < 0) {
        fraction += TOCSIN_SECOND;
        seconds--;
    }
    int64_t days = seconds / 86400, rest = seconds % 86400;

    if (rest < 0) {
        rest += 86400;
        days--;
    }
    time_date(days, &year, &month, &day);
    int length = snprintf(text, CLI_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d", (int)(year % 10000),
                          (int)month, (int)day, (int)(rest / 3600), (int)(rest / 60 % 60),
                          (int)(rest % 60));

    if (fraction > 0) {
        length += snprintf(text + length, CLI_TIME_TEXT - (size_t)length, ".%09d", (int)fraction);
        while (text[length - 1] == '0')
            length--;
    }
    text[length] = 'Z';
    text[length + 1] = '\0';
    return text;
}

const char *cli_duration_text(double seconds, char text[CLI_NUMBER_TEXT])
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"y", 31557600}, {"d", 86400}, {"h", 3600}, {"min", 60},
                 {"s", 1},        {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}};

    if (!isfinite(seconds))
        return strcpy(text, isnan(seconds) ? "unknown" : "ever");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (fabs(seconds) >= units[i].seconds) {
            snprintf(text, CLI_NUMBER_TEXT, "%.3g %s", seconds / units[i].seconds, units[i].name);
            return text;
        }
    }
    return strcpy(text, "0 s");
}
