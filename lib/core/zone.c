/* zone.c - the rules of time zones, as POSIX writes them in TZ.
 *
 * What.  Load follows the clock on the wall: at half past eight people come to work, in summer an
 * hour earlier by UTC than in winter.  A rule says what that clock shows:
 *
 *     CET-1CEST,M3.5.0,M10.5.0/3
 *
 * an hour ahead of UTC, and from the last Sunday of March, 2:00, to the last Sunday of October,
 * 3:00, another one (IEEE Std 1003.1-2017, chapter 8.3; offsets count westward there).  The last
 * line of each file of the tz database is such a rule (RFC 9636, section 3.3), so that every zone
 * of today has one; what its clocks showed in years before the rule is not in it.
 *
 *     rule    =  name offset [ name [ offset ] , day , day ]
 *     name    =  three letters or more, or letters, digits and signs between < and >
 *     offset  =  [+-] hours [ : minutes [ : seconds ] ]       at most 24 hours
 *     day     =  M month . week . weekday [ / time ]          week 5: the last; weekday 0: Sunday
 *             |  J 1 .. 365 [ / time ]                        29 February is not counted
 *             |  0 .. 365 [ / time ]                          it is
 *     time    =  like an offset, at most 167 hours; 2 where it is left out
 *
 * A rule without days, which POSIX leaves to the implementation, is none.  Names mean nothing here;
 * in a rule that is written out offsets stand in their place: <+01>-1<+02>,M3.5.0,M10.5.0/3.
 *
 * Parts.  A spec's values are numbers, so each part between commas is packed into one: from bit 60 on
 * whether it holds offsets (1) or a day (2), below the fields, those with a sign raised to be none.
 *
 * Cost: to tell the time of a zone with summer time takes two dates of its year: some 30 integer
 * operations.
 */
#include "zone.h"

enum {
    ZONE_HOUR = 3600,
    ZONE_DAY = 86400,
    ZONE_OFFSET_MAX = 24 * ZONE_HOUR + 59 * 60 + 59,
    ZONE_AT_MAX = 167 * ZONE_HOUR + 59 * 60 + 59,
    ZONE_AT = 2 * ZONE_HOUR         /* where none is written */
};

/* ---- Numbers and fields ------------------------------------------------------------ */

typedef struct zone_offsets {
    int32_t standard, summer;
    uint32_t has_summer;
} zone_offsets;

static int64_t zone_pack_offsets(const zone_offsets *offsets)
{
    return (int64_t)1 << 60 | (int64_t)offsets->has_summer << 48 |
           (int64_t)(offsets->standard + ZONE_OFFSET_MAX) << 24 |
           (int64_t)(offsets->summer + ZONE_OFFSET_MAX + ZONE_HOUR);
}

static zone_offsets zone_unpack_offsets(int64_t part)
{
    const zone_offsets offsets = {
        (int32_t)(part >> 24 & 0xffffff) - ZONE_OFFSET_MAX,
        (int32_t)(part & 0xffffff) - ZONE_OFFSET_MAX - ZONE_HOUR,
        (uint32_t)(part >> 48 & 1),
    };

    return offsets;
}

static int64_t zone_pack_day(const tocsin__zone_day *day)
{
    return (int64_t)2 << 60 | (int64_t)day->form << 48 | (int64_t)day->month << 44 |
           (int64_t)day->week << 40 | (int64_t)day->day << 24 | (int64_t)(day->at + ZONE_AT_MAX);
}

static tocsin__zone_day zone_unpack_day(int64_t part)
{
    const tocsin__zone_day day = {
        (uint8_t)(part >> 48 & 0xff), (uint8_t)(part >> 44 & 15), (uint8_t)(part >> 40 & 15), 0,
        (uint16_t)(part >> 24 & 0xffff), 0, (int32_t)(part & 0xffffff) - ZONE_AT_MAX,
    };

    return day;
}

static int zone_has_offsets(int64_t part)
{
    return part >> 60 == 1;
}

static int zone_is_day(const tocsin__zone_day *day)
{
    if (day->at < -ZONE_AT_MAX || day->at > ZONE_AT_MAX)
        return 0;
    if (day->form == 'M')
        return day->month >= 1 && day->month <= 12 && day->week >= 1 && day->week <= 5 &&
               day->day <= 6;
    return day->month == 0 && day->week == 0 && day->day <= 365 &&
           (day->form == '0' || (day->form == 'J' && day->day >= 1));
}

int tocsin__zone_is_part(int64_t part)
{
    if (zone_has_offsets(part)) {
        const zone_offsets offsets = zone_unpack_offsets(part);
        const int32_t summer = offsets.has_summer ? offsets.summer : 0;

        return offsets.standard >= -ZONE_OFFSET_MAX && offsets.standard <= ZONE_OFFSET_MAX &&
               summer >= -ZONE_OFFSET_MAX && summer <= ZONE_OFFSET_MAX + ZONE_HOUR &&
               summer == offsets.summer && zone_pack_offsets(&offsets) == part;
    }
    const tocsin__zone_day day = zone_unpack_day(part);

    return zone_is_day(&day) && zone_pack_day(&day) == part;
}

/* ---- Reading ------------------------------------------------------------------------ */

typedef struct zone_text {
    const char *at, *end;
} zone_text;

static int zone_is_digit(const zone_text *text)
{
    return text->at < text->end && *text->at >= '0' && *text->at <= '9';
}

static int zone_take(zone_text *text, char wanted)
{
    if (text->at == text->end || *text->at != wanted)
        return 0;
    text->at++;
    return 1;
}

static int zone_take_number(zone_text *text, int32_t largest, int32_t *number)
{
    if (!zone_is_digit(text))
        return 0;
    for (*number = 0; zone_is_digit(text); text->at++) {
        *number = 10 * *number + (*text->at - '0');
        if (*number > largest)
            return 0;
    }
    return 1;
}

/* Hours, minutes and seconds. */
static int zone_take_time(zone_text *text, int32_t hours, int32_t *seconds)
{
    const int is_negative = zone_take(text, '-');
    int32_t hour, minute = 0, second = 0;

    if (!is_negative)
        zone_take(text, '+');
    if (!zone_take_number(text, hours, &hour) ||
        (zone_take(text, ':') && (!zone_take_number(text, 59, &minute) ||
                                  (zone_take(text, ':') && !zone_take_number(text, 59, &second)))))
        return 0;
    *seconds = ZONE_HOUR * hour + 60 * minute + second;
    if (is_negative)
        *seconds = -*seconds;
    return 1;
}

static int zone_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int zone_take_name(zone_text *text)
{
    const int is_quoted = zone_take(text, '<');
    size_t length = 0;

    for (; text->at < text->end; text->at++, length++)
        if (!zone_is_letter(*text->at) &&
            !(is_quoted && (zone_is_digit(text) || *text->at == '+' || *text->at == '-')))
            break;
    return length >= 3 && (!is_quoted || zone_take(text, '>'));
}

static int zone_read_offsets(zone_text text, zone_offsets *offsets)
{
    int32_t west;

    memset(offsets, 0, sizeof *offsets);
    if (!zone_take_name(&text) || !zone_take_time(&text, 24, &west))
        return 0;
    offsets->standard = -west;
    if (text.at == text.end)
        return 1;
    if (!zone_take_name(&text))
        return 0;
    offsets->has_summer = 1;
    offsets->summer = offsets->standard + ZONE_HOUR;
    if (text.at < text.end) {
        if (!zone_take_time(&text, 24, &west))
            return 0;
        offsets->summer = -west;
    }
    return text.at == text.end;
}

static int zone_read_day(zone_text text, tocsin__zone_day *day)
{
    int32_t month = 0, week = 0, number;

    memset(day, 0, sizeof *day);
    day->form = zone_take(&text, 'M') ? 'M' : zone_take(&text, 'J') ? 'J' : '0';
    if (day->form == 'M' && (!zone_take_number(&text, 12, &month) || !zone_take(&text, '.') ||
                             !zone_take_number(&text, 5, &week) || !zone_take(&text, '.')))
        return 0;
    if (!zone_take_number(&text, 365, &number))
        return 0;
    day->month = (uint8_t)month;
    day->week = (uint8_t)week;
    day->day = (uint16_t)number;
    day->at = ZONE_AT;
    if (zone_take(&text, '/') && !zone_take_time(&text, 167, &day->at))
        return 0;
    return text.at == text.end && zone_is_day(day);
}

int tocsin__zone_read(const char *text, size_t length, int64_t *part)
{
    const zone_text whole = {text, text + length};
    zone_offsets offsets;
    tocsin__zone_day day;

    if (zone_read_day(whole, &day))
        *part = zone_pack_day(&day);
    else if (zone_read_offsets(whole, &offsets))
        *part = zone_pack_offsets(&offsets);
    else
        return 0;
    return 1;
}

/* ---- Writing ------------------------------------------------------------------------ */

static char *zone_put_number(char *at, int32_t number, int digits)
{
    char reversed[12];
    int count = 0;

    for (; number > 0 || count < digits; number /= 10)
        reversed[count++] = (char)('0' + number % 10);
    while (count > 0)
        *at++ = reversed[--count];
    return at;
}

/* 5:30 as a time, 0530 as part of a name. */
static char *zone_put_time(char *at, int32_t seconds, int digits, int has_colons)
{
    const int32_t minute = seconds / 60 % 60, second = seconds % 60;

    at = zone_put_number(at, seconds / ZONE_HOUR, digits);
    if (minute || second) {
        if (has_colons)
            *at++ = ':';
        at = zone_put_number(at, minute, 2);
    }
    if (second) {
        if (has_colons)
            *at++ = ':';
        at = zone_put_number(at, second, 2);
    }
    return at;
}

static char *zone_put_signed(char *at, int32_t seconds)
{
    if (seconds < 0)
        *at++ = '-';
    return zone_put_time(at, seconds < 0 ? -seconds : seconds, 1, 1);
}

static char *zone_put_name(char *at, int32_t east)
{
    *at++ = '<';
    *at++ = east < 0 ? '-' : '+';
    at = zone_put_time(at, east < 0 ? -east : east, 2, 0);
    *at++ = '>';
    return at;
}

size_t tocsin__zone_write(int64_t part, char text[TOCSIN__ZONE_TEXT])
{
    char *at = text;

    if (zone_has_offsets(part)) {
        const zone_offsets offsets = zone_unpack_offsets(part);

        at = zone_put_name(at, offsets.standard);
        at = zone_put_signed(at, -offsets.standard);
        if (offsets.has_summer) {
            at = zone_put_name(at, offsets.summer);
            if (offsets.summer != offsets.standard + ZONE_HOUR)
                at = zone_put_signed(at, -offsets.summer);
        }
    } else {
        const tocsin__zone_day day = zone_unpack_day(part);

        if (day.form != '0')
            *at++ = (char)day.form;
        if (day.form == 'M') {
            at = zone_put_number(at, day.month, 1);
            *at++ = '.';
            at = zone_put_number(at, day.week, 1);
            *at++ = '.';
        }
        at = zone_put_number(at, day.day, 1);
        if (day.at != ZONE_AT) {
            *at++ = '/';
            at = zone_put_signed(at, day.at);
        }
    }
    *at = '\0';
    return (size_t)(at - text);
}

/* ---- Telling the time --------------------------------------------------------------- */

const char *tocsin__zone_join(const int64_t *parts, size_t count, tocsin__zone *zone)
{
    static const char need[] = "summer time needs the two days on which clocks are changed: "
                               "CET-1CEST,M3.5.0,M10.5.0/3";
    zone_offsets offsets;

    memset(zone, 0, sizeof *zone);
    if (count == 0)
        return NULL;
    if (!zone_has_offsets(parts[0]))
        return "a time zone's rule begins with a name and how far behind UTC it is: CET-1";
    offsets = zone_unpack_offsets(parts[0]);
    if (!offsets.has_summer && count > 1)
        return "days on which clocks are changed need the name of summer time: "
               "CET-1CEST,M3.5.0,M10.5.0/3";
    if (offsets.has_summer && (count != TOCSIN__ZONE_PARTS || zone_has_offsets(parts[1]) ||
                               zone_has_offsets(parts[2])))
        return need;
    zone->standard = offsets.standard;
    zone->summer = offsets.summer;
    zone->has_summer = offsets.has_summer;
    if (offsets.has_summer) {
        zone->begin = zone_unpack_day(parts[1]);
        zone->end = zone_unpack_day(parts[2]);
    }
    return NULL;
}

static int zone_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from the epoch to the first of January. */
static int64_t zone_year_begins(int64_t year)
{
    const int64_t before = year - 1, leap_days_until_1969 = 477;

    return 365 * (year - 1970) + before / 4 - before / 100 + before / 400 - leap_days_until_1969;
}

/* Years are those of 64 bits of nanoseconds: 1677 to 2262. */
static int64_t zone_year_of(int64_t days)
{
    int64_t year = 1970 + (days * 400 - (days < 0 ? 146096 : 0)) / 146097;

    while (zone_year_begins(year) > days)
        year--;
    while (zone_year_begins(year + 1) <= days)
        year++;
    return year;
}

/* Civil seconds since the epoch at which clocks are changed in that year. */
static int64_t zone_changes(const tocsin__zone_day *day, int64_t year)
{
    static const uint16_t month_begins[] = {0,   31,  59,  90,  120, 151, 181,
                                            212, 243, 273, 304, 334, 365};
    const int leap = zone_is_leap(year);
    int64_t number = zone_year_begins(year);

    if (day->form == 'M') {
        const int64_t length = month_begins[day->month] - month_begins[day->month - 1] +
                               (leap && day->month == 2);
        int64_t into;

        number += month_begins[day->month - 1] + (leap && day->month > 2);
        /* The epoch was a Thursday; 7 * 60000 days reach back beyond all years. */
        into = (day->day - (number + 4) + (int64_t)7 * 60000) % 7 + 7 * (day->week - 1);
        number += into < length ? into : into - 7;
    } else if (day->form == 'J') {
        number += day->day - 1 + (leap && day->day >= 60);
    } else {
        number += day->day;
    }
    return number * ZONE_DAY + day->at;
}

static int64_t zone_floor(int64_t time, int64_t unit)
{
    return time / unit - (time % unit < 0);
}

int64_t tocsin__zone_ahead(const tocsin__zone *zone, int64_t time)
{
    const int64_t now = zone_floor(time, TOCSIN_SECOND);
    int64_t year, begin, end;
    int is_summer;

    if (!zone->has_summer)
        return zone->standard * TOCSIN_SECOND;
    year = zone_year_of(zone_floor(now + zone->standard, ZONE_DAY));
    begin = zone_changes(&zone->begin, year) - zone->standard;
    end = zone_changes(&zone->end, year) - zone->summer;
    /* South of the equator summer is at both ends of the year. */
    is_summer = begin < end ? now >= begin && now < end : now >= begin || now < end;
    return (is_summer ? zone->summer : zone->standard) * TOCSIN_SECOND;
}
