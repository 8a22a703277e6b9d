/* test_text.c - bounded text, and guessing which word was meant. */
#include <math.h>
#include <stdio.h>

#include "../../lib/core/text.h"
#include "../../lib/core/words.h"
#include "../support/rng.h"
#include "../support/suite.h"

static void add_everything(tocsin__text *text)
{
    tocsin__text_add(text, "it is ");
    tocsin__text_add_integer(text, -42);
    tocsin__text_add_n(text, " or so, even", 6);
    tocsin__text_add_number(text, 0.125, 17);
}

START_TEST(what_does_not_fit_is_counted_and_not_written)
{
    static const char whole[] = "it is -42 or so0.125";
    tocsin__text text;

    tocsin__text_start(&text, NULL, 0);
    add_everything(&text);
    ck_assert_uint_eq(text.length, sizeof whole - 1);

    for (size_t size = 0; size <= sizeof whole + 3; size++) {
        /* Of exactly that size, so that a byte too many is found out. */
        char *const buffer = malloc(size + 1);
        const size_t kept = size == 0                     ? 0
                            : size - 1 < sizeof whole - 1 ? size - 1
                                                          : sizeof whole - 1;

        memset(buffer, '~', size + 1);
        tocsin__text_start(&text, buffer, size);
        if (size > 0)
            ck_assert_str_eq(buffer, "");
        add_everything(&text);
        ck_assert_uint_eq(text.length, sizeof whole - 1);
        ck_assert_int_eq(memcmp(buffer, whole, kept), 0);
        if (size > 0)
            ck_assert_int_eq(buffer[kept], '\0');
        for (size_t i = size == 0 ? 0 : kept + 1; i <= size; i++)
            ck_assert_int_eq(buffer[i], '~');
        free(buffer);
    }
}
END_TEST

START_TEST(integers_are_written_whole)
{
    static const int64_t edges[] = {0, 1, -1, 9, 10, -10, INT64_MAX, INT64_MIN, INT64_MIN + 1};
    rng r = rng_seeded(1);

    for (size_t i = 0; i < 10000; i++) {
        const int64_t number = i < sizeof edges / sizeof edges[0]
                                   ? edges[i]
                                   : (int64_t)(rng_u64(&r) >> rng_below(&r, 64));
        char ours[32], theirs[32];
        tocsin__text text;

        tocsin__text_start(&text, ours, sizeof ours);
        tocsin__text_add_integer(&text, number);
        snprintf(theirs, sizeof theirs, "%lld", (long long)number);
        ck_assert_str_eq(ours, theirs);
        ck_assert_uint_eq(text.length, strlen(theirs));
    }
}
END_TEST

static const char *number_text(double number, int digits)
{
    static char buffer[64];
    tocsin__text text;

    tocsin__text_start(&text, buffer, sizeof buffer);
    tocsin__text_add_number(&text, number, digits);
    return buffer;
}

START_TEST(numbers_are_for_people)
{
    static const struct {
        double number;
        int digits;
        const char *text;
    } rows[] = {
        {0, 3, "0"},
        {812, 6, "812"},
        {6.125, 2, "6.1"},
        {6.05, 2, "6"},
        {230.0, 3, "230"},
        {1234567, 3, "1230000"},
        {0.000123456, 3, "0.000123"},
        {0.0001, 3, "0.0001"},
        {0.00001, 3, "1e-5"},
        {999.96, 4, "1000"},
        {99.5, 2, "100"},
        {2.5, 1, "2"},
        {3.5, 1, "4"},
        {123456789012345.0, 15, "123456789012345"},
        {-0.5, 3, "-0.5"},
        {1e20, 3, "1e20"},
        {INFINITY, 3, "inf"},
        {-INFINITY, 3, "-inf"},
        {NAN, 3, "nan"},
        /* Out of range: the nearest that makes sense. */
        {1.5, 0, "2"},
        {1.5, -3, "2"},
        {0.1, 99, "0.10000000000000001"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_str_eq(number_text(rows[i].number, rows[i].digits), rows[i].text);
}
END_TEST

START_TEST(numbers_have_no_exponent_where_people_want_none)
{
    rng r = rng_seeded(2);

    for (int i = 0; i < 20000; i++) {
        const int digits = 1 + (int)rng_below(&r, 17);
        const double number = (1 + 9 * rng_uniform(&r)) * pow(10, (double)rng_below(&r, 19) - 4);
        const char *const text = number_text(number, digits);
        char theirs[64];

        snprintf(theirs, sizeof theirs, "%.*e", digits - 1, number);
        ck_assert_msg(strtod(text, NULL) == strtod(theirs, NULL), "%s is not %s", text, theirs);
        ck_assert_msg(!strchr(text, 'e'), "%s", text);
        ck_assert_msg(!strchr(text, '.') || text[strlen(text) - 1] != '0', "%s", text);
    }
}
END_TEST

/* ---- Words ----------------------------------------------------------------- */

START_TEST(words_are_found_in_lists)
{
    size_t length = 99;

    ck_assert_int_eq(tocsin__word_index("skip|hold|expected", "skip", 4), 0);
    ck_assert_int_eq(tocsin__word_index("skip|hold|expected", "hold", 4), 1);
    ck_assert_int_eq(tocsin__word_index("skip|hold|expected", "expected", 8), 2);
    ck_assert_int_eq(tocsin__word_index("skip|hold|expected", "expect", 6), -1);
    ck_assert_int_eq(tocsin__word_index("skip|hold|expected", "skip|hold", 9), -1);
    ck_assert_int_eq(tocsin__word_index("skip|hold|expected", "", 0), -1);
    ck_assert_int_eq(tocsin__word_index("", "skip", 4), -1);
    ck_assert_ptr_null(tocsin__word_at("", 0, &length));
    ck_assert_ptr_null(tocsin__word_at("skip|hold", 2, &length));
    ck_assert_int_eq(strncmp(tocsin__word_at("skip|hold", 1, &length), "hold", 4), 0);
    ck_assert_uint_eq(length, 4);
    ck_assert(tocsin__word_is("skipped", 4, "skip"));
    ck_assert(!tocsin__word_is("skip", 4, "skipped"));
}
END_TEST

/* The best of the candidates, or "". */
static const char *guessed(const char *typed, const char *const *candidates, size_t count)
{
    static char best[64];
    tocsin__guess guess;

    tocsin__guess_start(&guess, typed, strlen(typed));
    for (size_t i = 0; i < count; i++)
        tocsin__guess_try(&guess, candidates[i], strlen(candidates[i]));
    snprintf(best, sizeof best, "%.*s", (int)guess.best_length, guess.best ? guess.best : "");
    return best;
}

START_TEST(the_word_that_was_meant_is_guessed)
{
    static const char *const candidates[] = {"ewma",   "holt-winters", "tail",   "raw",  "alarm",
                                             "season", "half-life",    "budget", "step", "n"};
    static const struct {
        const char *typed, *meant;
    } rows[] = {
        {"ewm", "ewma"},
        {"emwa", "ewma"},
        {"EWMA", "ewma"},
        {"ewmaa", "ewma"},
        {"eqma", "ewma"},
        {"seson", "season"},
        {"seasn", "season"},
        {"Season", "season"},
        {"half_life", "half-life"},
        {"halflife", "half-life"},
        {"holtwinters", "holt-winters"},
        {"holt-winter", "holt-winters"},
        {"tial", "tail"},
        {"bugdet", "budget"},
        {"alrm", "alarm"},
        {"setp", "step"},
        /* The beginning of a word, however little of it. */
        {"holt", "holt-winters"},
        {"bu", "budget"},
        {"half", "half-life"},
        /* Nothing like it, or too short to tell. */
        {"xyzzy", ""},
        {"", ""},
        {"q", ""},
        {"temperature", ""},
        {"m", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(
            strcmp(guessed(rows[i].typed, candidates, sizeof candidates / sizeof candidates[0]),
                   rows[i].meant) == 0,
            "'%s' is taken for '%s'", rows[i].typed,
            guessed(rows[i].typed, candidates, sizeof candidates / sizeof candidates[0]));
}
END_TEST

/* The definition, by recursion: slow, and short enough to be seen to be right. */
static uint32_t slow_distance(const char *a, size_t i, const char *b, size_t j)
{
    uint32_t best, other;

    if (i == 0 || j == 0)
        return (uint32_t)(i + j);
    best = slow_distance(a, i - 1, b, j - 1) + (a[i - 1] != b[j - 1]);
    other = slow_distance(a, i - 1, b, j) + 1;
    best = other < best ? other : best;
    other = slow_distance(a, i, b, j - 1) + 1;
    best = other < best ? other : best;
    if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        other = slow_distance(a, i - 2, b, j - 2) + 1;
        best = other < best ? other : best;
    }
    return best;
}

START_TEST(distances_are_as_defined)
{
    rng r = rng_seeded(3);

    for (int i = 0; i < 3000; i++) {
        char a[8], b[8];
        const size_t a_length = rng_below(&r, 7), b_length = 1 + rng_below(&r, 6);
        tocsin__guess guess;

        for (size_t c = 0; c < a_length; c++)
            a[c] = (char)('a' + rng_below(&r, 3));
        for (size_t c = 0; c < b_length; c++)
            b[c] = (char)('a' + rng_below(&r, 3));
        const uint32_t distance = slow_distance(a, a_length, b, b_length);

        tocsin__guess_start(&guess, a, a_length);
        guess.distance = 100; /* whatever the distance, it will do */
        const int taken = tocsin__guess_try(&guess, b, b_length);
        ck_assert_int_eq(taken, distance < b_length);
        if (taken)
            ck_assert_uint_eq(guess.distance, distance);
    }
}
END_TEST

START_TEST(long_words_are_not_guessed_at)
{
    char typed[TOCSIN__WORD_MAX + 2];
    tocsin__guess guess;

    memset(typed, 'a', sizeof typed);
    tocsin__guess_start(&guess, typed, TOCSIN__WORD_MAX + 1);
    ck_assert(!tocsin__guess_try(&guess, typed, TOCSIN__WORD_MAX));
    tocsin__guess_start(&guess, typed, TOCSIN__WORD_MAX);
    ck_assert(!tocsin__guess_try(&guess, typed, TOCSIN__WORD_MAX + 1));
    ck_assert(tocsin__guess_try(&guess, typed, TOCSIN__WORD_MAX));
    ck_assert_uint_eq(guess.distance, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("text");
    TCase *text = suite_case(s, "text");
    TCase *words = suite_case(s, "words");

    tcase_add_test(text, what_does_not_fit_is_counted_and_not_written);
    tcase_add_test(text, integers_are_written_whole);
    tcase_add_test(text, numbers_are_for_people);
    tcase_add_test(text, numbers_have_no_exponent_where_people_want_none);
    tcase_add_test(words, words_are_found_in_lists);
    tcase_add_test(words, the_word_that_was_meant_is_guessed);
    tcase_add_test(words, distances_are_as_defined);
    tcase_add_test(words, long_words_are_not_guessed_at);
    return s;
}

TOCSIN_TEST_MAIN(suite)
