/* test_units.c - numbers, durations, points and rates: text to values and back.
 *
 * The oracles are the C library's own strtod and printf (in the C locale, which a
 * program is in until it asks for another) and whole-number arithmetic.
 */
#include <math.h>
#include <stdio.h>

#include "../../lib/core/decimal.h"
#include "../../lib/core/units.h"
#include "../support/rng.h"
#include "../support/suite.h"

static double from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Any finite double; short numbers, powers of two and subnormals more often than chance has them. */
static double random_double(rng *r)
{
    double value;

    do {
        uint64_t bits = rng_u64(r);

        switch (rng_below(r, 4)) {
        case 0:
            bits &= UINT64_C(0x800fffffffffffff);
            break;
        case 1:
            bits &= UINT64_C(0xfff0000000000003);
            break;
        case 2:
            return (double)(int64_t)(bits >> rng_below(r, 64)) / 1000;
        default:
            break;
        }
        value = from_bits(bits);
    } while (!isfinite(value));
    return value;
}

static void expect_number(const char *text, size_t length)
{
    double value = -1;

    ck_assert_msg(tocsin__parse_number(text, length, &value), "'%s' is refused", text);
    ck_assert_msg(double_bits(value) == double_bits(strtod(text, NULL)), "'%s' reads as %.17g",
                  text, value);
}

/* ---- Numbers --------------------------------------------------------------- */

START_TEST(numbers_read_as_strtod_reads_them)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "+0",
        "1",
        "-1",
        "+1",
        "12",
        "0.5",
        "-0.5",
        ".5",
        "5.",
        "00012",
        "1e6",
        "1E6",
        "1e+6",
        "1e-6",
        "1.5e-3",
        "0e99999999999999999999",
        "1e400",
        "-1e400",
        "1e-400",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "inf",
        "-inf",
        "+inf",
        "INF",
        "infinity",
        "Infinity",
        "123456789012345678901234567890",
        /* Halfway between two doubles, and next to it. */
        "9007199254740993",
        "9007199254740992.99999999999999999999999",
        "9007199254740993.00000000000000000000001",
        "1e23",
        "8.5e22",
        /* The ends of the range. */
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072014e-308",
        "2.2250738585072012e-308",
        "2.2250738585072011e-308",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_number(texts[i], strlen(texts[i]));
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
    static const char *const texts[] = {
        "",    "+",    "-",        ".",    "e5",      "1e",        "1e+",  "1e-",
        "--1", "+-1",  "1 ",       " 1",   "1,5",     "1.2.3",     "0x10", "nan",
        "NaN", "-nan", "in",       "infi", "infinit", "infinityy", "inf1", "1p",
        "1d",  "1_0",  "\xd9\xa1", "1f",   "1.0e5.0", ".e5",       "-.",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double value;

        ck_assert_msg(!tocsin__parse_number(texts[i], strlen(texts[i]), &value), "'%s' is accepted",
                      texts[i]);
    }
}
END_TEST

START_TEST(a_number_ends_where_its_length_says)
{
    double value;

    ck_assert(tocsin__parse_number("1234", 2, &value));
    assert_same_bits(value, 12);
    ck_assert(tocsin__parse_number("1e5", 1, &value));
    assert_same_bits(value, 1);
    ck_assert(!tocsin__parse_number("1\0002", 3, &value));
}
END_TEST

START_TEST(random_numbers_of_any_precision_read_as_strtod_reads_them)
{
    rng r = rng_seeded(1);

    for (int i = 0; i < 20000; i++) {
        char text[1200];
        const double value = random_double(&r);
        const int digits = (int)(i % 50 == 0 ? rng_below(&r, 1000) : rng_below(&r, 25));
        const int length =
            snprintf(text, sizeof text, i % 2 || digits > 600 ? "%.*e" : "%.*g", digits, value);

        expect_number(text, (size_t)length);
    }
}
END_TEST

/* The exact sum of two doubles in decimal: their full expansions, added digit by digit. */
static int add_exactly(char *text, size_t size, double a, double b)
{
    const int places = 1080, width = 1400;
    char other[1500];
    int carry = 0;

    ck_assert_uint_gt(size, (size_t)width);
    ck_assert_int_eq(snprintf(text, size, "%0*.*f", width, places, a), width);
    ck_assert_int_eq(snprintf(other, sizeof other, "%0*.*f", width, places, b), width);
    for (int i = width - 1; i >= 0; i--) {
        if (text[i] == '.')
            continue;
        carry += text[i] - '0' + other[i] - '0';
        text[i] = (char)('0' + carry % 10);
        carry /= 10;
    }
    ck_assert_int_eq(carry, 0);
    return width;
}

START_TEST(midpoints_of_doubles_round_to_even_and_their_neighbours_do_not)
{
    rng r = rng_seeded(2);

    for (int i = 0; i < 2000; i++) {
        char text[1500];
        /* From the subnormals up to 1e290, which leaves room for the expansion. */
        const double value = from_bits(rng_u64(&r) % UINT64_C(0x7c20000000000000));
        const double next = from_bits(double_bits(value) + 1);
        const int length = add_exactly(text, sizeof text, value, (next - value) / 2);
        const double even = double_bits(value) % 2 == 0 ? value : next;
        double read;

        if (next - value < 1e-323)
            continue; /* half of it is no double */
        ck_assert(tocsin__parse_number(text, (size_t)length, &read));
        assert_same_bits(read, even);
        text[length - 1] = '1';
        ck_assert(tocsin__parse_number(text, (size_t)length, &read));
        assert_same_bits(read, next);
    }
}
END_TEST

START_TEST(digits_beyond_the_800th_still_count)
{
    /* 1 + 2^-53, halfway between 1 and the next double. */
    char text[1201] = "1.00000000000000011102230246251565404236316680908203125";
    const size_t length = strlen(text);
    double value;

    ck_assert(tocsin__parse_number(text, length, &value));
    assert_same_bits(value, 1);
    memset(text + length, '0', 1200 - length);
    ck_assert(tocsin__parse_number(text, 1200, &value));
    assert_same_bits(value, 1);
    text[1199] = '1';
    ck_assert(tocsin__parse_number(text, 1200, &value));
    assert_same_bits(value, 1 + 0x1p-52);
}
END_TEST

START_TEST(sixty_thousand_digits_are_read)
{
    static char text[60001];
    double value;

    memset(text, '9', 60000);
    ck_assert(tocsin__parse_number(text, 60000, &value));
    ck_assert(isinf(value));
    text[0] = '.';
    ck_assert(tocsin__parse_number(text, 60000, &value));
    assert_same_bits(value, 1);
    memset(text, '0', 60000);
    text[1] = '.';
    memcpy(text + 59001, "7e59000", 7); /* the 59000th place */
    ck_assert(tocsin__parse_number(text, 59008, &value));
    assert_same_bits(value, 7);
}
END_TEST

/* Written, read back: the same bits; and no shorter text does. */
static void expect_shortest(double value)
{
    char text[TOCSIN__UNIT_TEXT], shorter[64];
    const size_t length = tocsin__format_number(value, text);
    size_t digits = 0;

    ck_assert_uint_eq(length, strlen(text));
    ck_assert_uint_lt(length, TOCSIN__DECIMAL_TEXT);
    ck_assert_msg(double_bits(strtod(text, NULL)) == double_bits(value), "%.17g writes as %s",
                  value, text);
    expect_number(text, length);
    for (const char *c = text + strspn(text, "-0."); *c != '\0' && *c != 'e'; c++)
        digits += *c >= '0' && *c <= '9';
    while (digits > 1 && !strpbrk(text, ".e") && text[length - 1] == '0')
        return; /* 1200: its zeros are no digits, and the plain form is asked for */
    if (digits > 1) {
        snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 2, value);
        ck_assert_msg(strtod(shorter, NULL) != value, "%s is shorter than %s", shorter, text);
    }
}

START_TEST(numbers_are_written_as_short_as_they_read_back)
{
    rng r = rng_seeded(3);

    for (int i = 0; i < 3000; i++)
        expect_shortest(random_double(&r));
    for (int i = 0; i < 3000; i++)
        expect_shortest(from_bits((uint64_t)rng_below(&r, 2047) << 52));
}
END_TEST

START_TEST(numbers_are_written_as_people_write_them)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-12.5, "-12.5"},
        {0.1, "0.1"},
        {0.05, "0.05"},
        {5400, "5400"},
        {1e15, "1000000000000000"},
        {1e16, "1e16"},
        {1.25e-7, "1.25e-7"},
        {0.0001, "0.0001"},
        {0.00001, "1e-5"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {DBL_MAX, "1.7976931348623157e308"},
        {5e-324, "5e-324"},
        {1.0 / 3, "0.3333333333333333"},
        {123456.789, "123456.789"},
        {1e100, "1e100"},
        {9007199254740993.0, "9007199254740992"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[TOCSIN__UNIT_TEXT];

        ck_assert_uint_eq(tocsin__format_number(rows[i].value, text), strlen(rows[i].text));
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

START_TEST(digits_are_cut_as_printf_cuts_them)
{
    rng r = rng_seeded(4);

    for (int i = 0; i < 20000; i++) {
        const double value = random_double(&r);
        const int digits = 1 + (int)rng_below(&r, 17);
        char ours[TOCSIN__DECIMAL_TEXT], theirs[64];

        tocsin__decimal_write(value, digits, ours);
        snprintf(theirs, sizeof theirs, "%.*e", digits - 1, value);
        ck_assert_msg(strtod(ours, NULL) == strtod(theirs, NULL),
                      "%.17g to %d digits is %s, not %s", value, digits, ours, theirs);
    }
}
END_TEST

/* ---- Durations ------------------------------------------------------------- */

START_TEST(durations_are_read)
{
    static const struct {
        const char *text;
        int64_t duration;
    } rows[] = {
        {"0", 0},
        {"0s", 0},
        {"1ns", 1},
        {"1us", 1000},
        {"1ms", 1000000},
        {"30s", 30 * TOCSIN_SECOND},
        {"5m", 5 * TOCSIN_MINUTE},
        {"1h", TOCSIN_HOUR},
        {"7d", 7 * TOCSIN_DAY},
        {"2w", 2 * TOCSIN_WEEK},
        {"1.5h", 90 * TOCSIN_MINUTE},
        {"1h30m", 90 * TOCSIN_MINUTE},
        {".5s", 500 * TOCSIN_MILLISECOND},
        {"1w2d3h4m5s6ms7us8ns", TOCSIN_WEEK + 2 * TOCSIN_DAY + 3 * TOCSIN_HOUR + 4 * TOCSIN_MINUTE +
                                    5 * TOCSIN_SECOND + 6007008},
        {"0.000000001s", 1},
        {"0.125d", 3 * TOCSIN_HOUR},
        {"1.500000000000000000000s", 1500 * TOCSIN_MILLISECOND},
        {"0.0000000000000000000000000w", 0},
        {"250ms", 250 * TOCSIN_MILLISECOND},
        {"007m", 7 * TOCSIN_MINUTE},
        {"9223372036854775807ns", INT64_MAX},
        {"9223372036.854775807s", INT64_MAX},
        {"106751d", INT64_C(106751) * TOCSIN_DAY},
        {"15250w", INT64_C(15250) * TOCSIN_WEEK},
        {"2562047h47m16s854ms775us807ns", INT64_MAX},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t duration = -1;

        ck_assert_msg(tocsin__parse_duration(rows[i].text, strlen(rows[i].text), &duration),
                      "'%s' is refused", rows[i].text);
        ck_assert_msg(duration == rows[i].duration, "'%s' reads as %lld", rows[i].text,
                      (long long)duration);
    }
}
END_TEST

START_TEST(what_is_no_duration_is_refused)
{
    static const char *const texts[] = {
        "",
        "5",
        "s",
        "m5",
        "-5m",
        "+5m",
        "5 m",
        " 5m",
        "5m ",
        "5M",
        "5min",
        "5sec",
        "1e3s",
        "1h30",
        "30m1h",
        "1h1h",
        "1.2.3s",
        ".s",
        "1..5s",
        "0.5ns",
        "1.0000000001s",
        "0.3333333333333h",
        "5x",
        "12p",
        "1h-30m",
        "0x5s",
        "00",
        "auto",
        "inf",
        "infs",
        "1/week",
        /* One nanosecond, and much more, too long. */
        "9223372036854775808ns",
        "9223372036854775807ns1ns",
        "106752d",
        "15251w",
        "2562048h",
        "99999999999999999999999999999999999999ns",
        "2562047h47m16s854ms775us808ns",
        "123456789012345678901s",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t duration;

        ck_assert_msg(!tocsin__parse_duration(texts[i], strlen(texts[i]), &duration),
                      "'%s' is accepted", texts[i]);
    }
}
END_TEST

START_TEST(fractions_of_durations_are_exact_or_refused)
{
    static const struct {
        const char *name;
        int64_t unit;
        int places; /* so that whole * 10^places * unit still fits */
    } units[] = {
        {"ns", 1, 4},
        {"us", 1000, 4},
        {"ms", 1000000, 4},
        {"s", TOCSIN_SECOND, 4},
        {"m", TOCSIN_MINUTE, 4},
        {"h", TOCSIN_HOUR, 4},
        {"d", TOCSIN_DAY, 2},
        {"w", TOCSIN_WEEK, 2},
    };
    rng r = rng_seeded(5);

    for (int i = 0; i < 20000; i++) {
        const size_t u = rng_below(&r, sizeof units / sizeof units[0]);
        const int places = 1 + (int)rng_below(&r, (size_t)units[u].places);
        int64_t power = 1, duration = -1;
        char text[64];

        for (int p = 0; p < places; p++)
            power *= 10;
        const int64_t scaled = (int64_t)rng_below(&r, 100 * (size_t)power);
        const int length = snprintf(text, sizeof text, "%lld.%0*lld%s", (long long)(scaled / power),
                                    places, (long long)(scaled % power), units[u].name);
        const int accepted = tocsin__parse_duration(text, (size_t)length, &duration);
        const int is_whole = scaled * units[u].unit % power == 0;

        ck_assert_msg(accepted == is_whole, "%s", text);
        if (accepted)
            ck_assert_msg(duration == scaled * units[u].unit / power, "%s", text);
    }
}
END_TEST

START_TEST(durations_read_back_as_written)
{
    static const struct {
        int64_t duration;
        const char *text;
    } rows[] = {
        {0, "0s"},
        {1, "1ns"},
        {90 * TOCSIN_SECOND, "90s"},
        {90 * TOCSIN_MINUTE, "90m"},
        {TOCSIN_HOUR, "1h"},
        {TOCSIN_WEEK, "1w"},
        {8 * TOCSIN_DAY, "8d"},
        {1500 * TOCSIN_MILLISECOND, "1500ms"},
        {INT64_MAX, "9223372036854775807ns"},
    };
    rng r = rng_seeded(6);
    char text[TOCSIN__UNIT_TEXT];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tocsin__format_duration(rows[i].duration, text);
        ck_assert_str_eq(text, rows[i].text);
    }
    for (int i = 0; i < 100000; i++) {
        static const int64_t units[] = {1, 1000, TOCSIN_SECOND, TOCSIN_MINUTE, TOCSIN_DAY};
        const int64_t unit = units[rng_below(&r, 5)];
        const int64_t duration = (int64_t)(rng_u64(&r) >> (1 + rng_below(&r, 60))) / unit * unit;
        int64_t back = -1;
        const size_t length = tocsin__format_duration(duration, text);

        ck_assert_uint_eq(length, strlen(text));
        ck_assert(tocsin__parse_duration(text, length, &back));
        ck_assert_msg(back == duration, "%lld writes as %s", (long long)duration, text);
    }
}
END_TEST

/* ---- Points ---------------------------------------------------------------- */

START_TEST(points_are_read)
{
    double points;

    ck_assert(tocsin__parse_points("12p", 3, &points));
    assert_same_bits(points, 12);
    ck_assert(tocsin__parse_points("0p", 2, &points));
    assert_same_bits(points, 0);
    ck_assert(tocsin__parse_points("2.5p", 4, &points));
    assert_same_bits(points, 2.5);

    static const char *const texts[] = {"",     "p",      "12",   "-1p",  "+1p",
                                        "infp", "1e999p", "12pp", "12 p", "12P"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_msg(!tocsin__parse_points(texts[i], strlen(texts[i]), &points),
                      "'%s' is accepted", texts[i]);
}
END_TEST

/* ---- Rates ----------------------------------------------------------------- */

START_TEST(rates_are_read)
{
    static const struct {
        const char *text;
        int64_t per_event;
    } rows[] = {
        {"1/second", TOCSIN_SECOND},
        {"1/s", TOCSIN_SECOND},
        {"2/h", TOCSIN_HOUR / 2},
        {"1/d", TOCSIN_DAY},
        {"3/w", TOCSIN_WEEK / 3},
        {"1/minute", TOCSIN_MINUTE},
        {"1/hour", TOCSIN_HOUR},
        {"1/day", TOCSIN_DAY},
        {"1/week", TOCSIN_WEEK},
        {"1/month", 30 * TOCSIN_DAY},
        {"1/year", 365 * TOCSIN_DAY},
        {"3/day", 8 * TOCSIN_HOUR},
        {"10/1h", 6 * TOCSIN_MINUTE},
        {"1/12h", 12 * TOCSIN_HOUR},
        {"0.5/month", 60 * TOCSIN_DAY},
        {"2.5/day", 34560 * TOCSIN_SECOND},
        {"7/day", INT64_C(12342857142857)},
        {"1.50/1h30m", TOCSIN_HOUR},
        {".1/year", 3650 * TOCSIN_DAY},
        {"1000000000/second", 1},
        {"3/1ns2", 0},
        {"3/2ns", 1},
        {"2/3ns", 2},
        {"2/5ns", 3},
        {"1/9223372036854775807ns", INT64_MAX},
        {"0.25/2305843009213693951ns", INT64_C(9223372036854775804)},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t per_event = 0;

        ck_assert_msg(tocsin__parse_rate(rows[i].text, strlen(rows[i].text), &per_event) ==
                          (rows[i].per_event != 0),
                      "'%s'", rows[i].text);
        ck_assert_msg(per_event == rows[i].per_event, "'%s' reads as %lld", rows[i].text,
                      (long long)per_event);
    }
}
END_TEST

START_TEST(what_is_no_rate_is_refused)
{
    static const char *const texts[] = {
        "",
        "1",
        "/",
        "1/",
        "/day",
        "-1/day",
        "+1/day",
        "1/days",
        "1/Day",
        "1 /day",
        "1/ day",
        "1e3/day",
        "0/day",
        "0.000/day",
        "1/0s",
        "1/0",
        "1/day/day",
        "inf/day",
        "1/inf",
        "1/5",
        "1/-5m",
        "1/auto",
        "3/1ns",
        "10000000000/second",
        "0.5/9223372036854775807ns",
        "0.0000000001/year",
        "1234567890123456789/day",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t per_event;

        ck_assert_msg(!tocsin__parse_rate(texts[i], strlen(texts[i]), &per_event),
                      "'%s' is accepted", texts[i]);
    }
}
END_TEST

START_TEST(rates_are_written_as_people_write_them)
{
    static const char *const texts[] = {
        "1/second", "1/minute", "1/hour",  "1/day", "1/week", "1/month",
        "1/year",   "3/day",    "10/hour", "2/day", "7/day",  "100/day",
        "7/month",  "1/2d",     "1/60d",   "1/10w", "3/week", "13/year",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[TOCSIN__UNIT_TEXT];
        int64_t per_event;

        ck_assert(tocsin__parse_rate(texts[i], strlen(texts[i]), &per_event));
        tocsin__format_rate(per_event, text);
        ck_assert_str_eq(text, texts[i]);
    }
}
END_TEST

START_TEST(rates_read_back_as_written)
{
    static const int64_t periods[] = {TOCSIN_SECOND, TOCSIN_MINUTE,   TOCSIN_HOUR,     TOCSIN_DAY,
                                      TOCSIN_WEEK,   30 * TOCSIN_DAY, 365 * TOCSIN_DAY};
    rng r = rng_seeded(7);

    for (int i = 0; i < 100000; i++) {
        char text[TOCSIN__UNIT_TEXT];
        int64_t per_event = (int64_t)(rng_u64(&r) >> (1 + rng_below(&r, 63))), back = 0;

        if (i % 2)
            per_event = periods[rng_below(&r, 7)] / (int64_t)(1 + rng_below(&r, 2000));
        if (per_event == 0)
            continue;
        const size_t length = tocsin__format_rate(per_event, text);

        ck_assert_uint_eq(length, strlen(text));
        ck_assert_uint_lt(length, TOCSIN__UNIT_TEXT);
        ck_assert_msg(tocsin__parse_rate(text, length, &back), "%s", text);
        ck_assert_msg(back == per_event, "%lld writes as %s", (long long)per_event, text);
    }
}
END_TEST

START_TEST(random_text_is_read_by_at_most_the_reader_it_is_meant_for)
{
    static const char letters[] = "0123456789.pshdwmnue/ak-+ ";
    rng r = rng_seeded(8);

    for (int i = 0; i < 200000; i++) {
        /* Exactly as long as it says, so that a read beyond its end is found out. */
        const size_t length = rng_below(&r, 10);
        char *const text = malloc(length + !length);
        double number;
        int64_t duration = -1, rate = 0;

        for (size_t c = 0; c < length; c++)
            text[c] = letters[rng_below(&r, sizeof letters - 1)];
        const int is_number = tocsin__parse_number(text, length, &number);
        const int is_duration = tocsin__parse_duration(text, length, &duration);
        const int is_points = tocsin__parse_points(text, length, &number);
        const int is_rate = tocsin__parse_rate(text, length, &rate);

        if (!(length == 1 && text[0] == '0'))
            ck_assert_int_le(is_number + is_duration + is_points + is_rate, 1);
        ck_assert(!is_duration || duration >= 0);
        ck_assert(!is_rate || rate > 0);
        free(text);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("units");
    TCase *numbers = suite_case(s, "numbers");
    TCase *durations = suite_case(s, "durations");
    TCase *rates = suite_case(s, "points and rates");

    tcase_add_test(numbers, numbers_read_as_strtod_reads_them);
    tcase_add_test(numbers, what_is_no_number_is_refused);
    tcase_add_test(numbers, a_number_ends_where_its_length_says);
    tcase_add_test(numbers, random_numbers_of_any_precision_read_as_strtod_reads_them);
    tcase_add_test(numbers, midpoints_of_doubles_round_to_even_and_their_neighbours_do_not);
    tcase_add_test(numbers, digits_beyond_the_800th_still_count);
    tcase_add_test(numbers, sixty_thousand_digits_are_read);
    tcase_add_test(numbers, numbers_are_written_as_short_as_they_read_back);
    tcase_add_test(numbers, numbers_are_written_as_people_write_them);
    tcase_add_test(numbers, digits_are_cut_as_printf_cuts_them);

    tcase_add_test(durations, durations_are_read);
    tcase_add_test(durations, what_is_no_duration_is_refused);
    tcase_add_test(durations, fractions_of_durations_are_exact_or_refused);
    tcase_add_test(durations, durations_read_back_as_written);

    tcase_add_test(rates, points_are_read);
    tcase_add_test(rates, rates_are_read);
    tcase_add_test(rates, what_is_no_rate_is_refused);
    tcase_add_test(rates, rates_are_written_as_people_write_them);
    tcase_add_test(rates, rates_read_back_as_written);
    tcase_add_test(rates, random_text_is_read_by_at_most_the_reader_it_is_meant_for);
    return s;
}

TOCSIN_TEST_MAIN(suite)
