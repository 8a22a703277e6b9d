/* test_spec.c - specs: the grammar, its complaints, typed setters, canonical text. */
#include <math.h>
#include <stdio.h>

#include "../../lib/core/units.h"
#include "../../lib/core/words.h"
#include "../../lib/pipeline/compile.h"
#include "../../lib/pipeline/values.h"
#include "../support/counting_allocator.h"
#include "../support/rng.h"
#include "../support/suite.h"
#include "tocsin.h"

#define TEXT_SIZE 8192

static tocsin_error fresh_error(void)
{
    tocsin_error error;

    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    return error;
}

static tocsin_spec *compile(const char *text)
{
    tocsin_error error = fresh_error();
    tocsin_spec *spec;
    const int status = tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error);

    ck_assert_msg(status == TOCSIN_OK, "%s: %s", text, error.message);
    return spec;
}

/* The spec's text, in one of a few buffers used in turn. */
static const char *text_of(const tocsin_spec *spec, int style)
{
    static char buffers[4][TEXT_SIZE];
    static size_t turn;
    char *const buffer = buffers[turn++ % 4];
    size_t needed = 0;

    ck_assert_int_eq(tocsin_spec_text(spec, style, buffer, TEXT_SIZE, &needed), TOCSIN_OK);
    ck_assert_uint_eq(needed, strlen(buffer) + 1);
    return buffer;
}

static void assert_full(const char *text, const char *as)
{
    tocsin_spec *const spec = compile(text), *const other = compile(as);

    ck_assert_str_eq(text_of(spec, TOCSIN_TEXT_FULL), text_of(other, TOCSIN_TEXT_FULL));
    tocsin_spec_free(spec);
    tocsin_spec_free(other);
}

static void assert_short(const char *text, const char *expected)
{
    tocsin_spec *const spec = compile(text);

    ck_assert_str_eq(text_of(spec, TOCSIN_TEXT_SHORT), expected);
    tocsin_spec_free(spec);
}

/* ---- The grammar ----------------------------------------------------------- */

START_TEST(what_is_left_out_takes_its_default)
{
    assert_short("", "clock@1 | gaps@1 | auto@1 | tail@1 | alarm@1");
    assert_short("ewma", "clock@1 | gaps@1 | ewma@1 | tail@1 | alarm@1");
    assert_short("alarm", "clock@1 | gaps@1 | auto@1 | tail@1 | alarm@1");
    assert_short("counter | holt-winters",
                 "clock@1 | counter@1 | gaps@1 | holt-winters@1 | tail@1 | alarm@1");
    assert_short("raw", "clock@1 | gaps@1 | auto@1 | raw@1");
    assert_short("raw | alarm threshold=5", "clock@1 | gaps@1 | auto@1 | raw@1 | alarm@1 threshold=5");
    assert_short("clock | counter | gaps | ewma | tail | alarm",
                 "clock@1 | counter@1 | gaps@1 | ewma@1 | tail@1 | alarm@1");
}
END_TEST

START_TEST(parameters_at_their_default_are_left_out_of_the_short_text)
{
    assert_short("clock step=5m | ewma half-life=2h | raw",
                 "clock@1 step=5m | gaps@1 | ewma@1 half-life=2h | raw@1");
    assert_short("alarm budget=3/day cooldown=90m",
                 "clock@1 | gaps@1 | auto@1 | tail@1 | alarm@1 budget=3/day cooldown=90m");
    assert_short("holt-winters season=1d,1w step=1h | raw",
                 "clock@1 | gaps@1 | holt-winters@1 season=1d,1w step=1h | raw@1");
    assert_short("ewma half-life=200p state=mixed clip=4 | raw",
                 "clock@1 | gaps@1 | ewma@1 | raw@1");
}
END_TEST

START_TEST(white_space_and_comments_do_not_matter)
{
    assert_full(" \t\r\n ", "");
    assert_full("# nothing at all", "");
    assert_full("#\n#\n", "");
    assert_full("  ewma   half-life=2h\n\t| tail|alarm # and so on\n budget=1/day",
                "ewma half-life=2h | tail | alarm budget=1/day");
    assert_full("ewma#comment | nonsense ===\n|raw", "ewma | raw");
    assert_full("ewma@1 half-life=2h", "ewma half-life=2h");
}
END_TEST

START_TEST(a_value_has_many_texts)
{
    assert_full("ewma half-life=1h30m", "ewma half-life=5400s");
    assert_full("ewma half-life=1.5h", "ewma half-life=90m");
    assert_full("ewma floor-relative=5%", "ewma floor-relative=0.05");
    assert_full("ewma floor-relative=1e-1%", "ewma floor-relative=0.001");
    assert_full("ewma clip=5", "ewma clip=5.0");
    assert_full("ewma floor=-0", "ewma floor=0");
    assert_full("alarm budget=10/1h", "alarm budget=1/6m");
    assert_full("alarm cooldown=auto", "alarm");
    assert_full("holt-winters alpha=10%", "holt-winters alpha=0.1");
}
END_TEST

START_TEST(a_length_ends_the_text)
{
    tocsin_spec *spec;

    ck_assert_int_eq(tocsin_spec_compile(&spec, "ewma | rawish", 10, NULL, NULL), TOCSIN_OK);
    ck_assert_str_eq(text_of(spec, TOCSIN_TEXT_SHORT), "clock@1 | gaps@1 | ewma@1 | raw@1");
    tocsin_spec_free(spec);
    ck_assert_int_eq(tocsin_spec_compile(&spec, "ewma\0| raw", 10, NULL, NULL), TOCSIN_ERROR_NAME);
    ck_assert_ptr_null(spec);
}
END_TEST

/* ---- Complaints ------------------------------------------------------------ */

typedef struct complaint_row {
    const char *text;
    int status;
    uint32_t offset;
    const char *word; /* the whole word at fault, so its length is `length` too */
    const char *suggestion;
    const char *said; /* part of the message */
} complaint_row;

static const complaint_row complaints[] = {
    /* Stages. */
    {"ewm", TOCSIN_ERROR_NAME, 0, "ewm", "ewma", "there is no stage 'ewm'; did you mean 'ewma'?"},
    {"clock | holt-winter", TOCSIN_ERROR_NAME, 8, "holt-winter", "holt-winters", "did you mean"},
    {"EWMA", TOCSIN_ERROR_NAME, 0, "EWMA", "ewma", "did you mean"},
    {"ewma | tial", TOCSIN_ERROR_NAME, 7, "tial", "tail", "did you mean"},
    {"xyzzy", TOCSIN_ERROR_NAME, 0, "xyzzy", "", "the stages are clock, counter, gaps, ewma"},
    {"ewma | \x01\xffz", TOCSIN_ERROR_NAME, 7, "??z", "", "there is no stage '??z'"},
    {"|", TOCSIN_ERROR_SYNTAX, 0, "", "", "a stage's name is missing"},
    {"ewma |", TOCSIN_ERROR_SYNTAX, 6, "", "", "a stage's name is missing"},
    {"ewma | | raw", TOCSIN_ERROR_SYNTAX, 7, "", "", "a stage's name is missing"},
    {"ewma | # raw", TOCSIN_ERROR_SYNTAX, 12, "", "", "a stage's name is missing"},
    {"@1", TOCSIN_ERROR_SYNTAX, 0, "", "", "a stage's name is missing"},
    {"budget=1/day", TOCSIN_ERROR_SYNTAX, 0, "budget=1/day", "alarm",
     "a stage's name must come before 'budget=1/day'; did you mean 'alarm'?"},
    {"ewma | season=1d", TOCSIN_ERROR_SYNTAX, 7, "season=1d", "holt-winters", "must come before"},
    {"5=5", TOCSIN_ERROR_SYNTAX, 0, "5=5", "", "must come before"},

    /* Revisions. */
    {"ewma@2", TOCSIN_ERROR_NAME, 5, "2", "", "ewma has only revision 1, not '2'"},
    {"ewma@0", TOCSIN_ERROR_NAME, 5, "0", "", "ewma has only revision 1"},
    {"ewma@99999999999999999999", TOCSIN_ERROR_NAME, 5, "99999999999999999999", "", "revision 1"},
    {"ewma@x", TOCSIN_ERROR_SYNTAX, 5, "x", "", "ewma has only revision 1, not 'x'"},
    {"ewma@1x", TOCSIN_ERROR_SYNTAX, 5, "1x", "", "revision 1"},
    {"ewma@", TOCSIN_ERROR_SYNTAX, 5, "", "", "ewma has only revision 1"},
    {"ewma@1@1", TOCSIN_ERROR_SYNTAX, 5, "1@1", "", "revision 1"},

    /* Order. */
    {"ewma | ewma", TOCSIN_ERROR_CONFLICT, 7, "ewma", "", "'ewma' is given twice"},
    {"ewma | holt-winters", TOCSIN_ERROR_CONFLICT, 7, "holt-winters", "",
     "'holt-winters' and 'ewma' exclude each other: a pipe has one detector"},
    {"tail | raw", TOCSIN_ERROR_CONFLICT, 7, "raw", "", "a pipe has one calibrator"},
    {"alarm | ewma", TOCSIN_ERROR_CONFLICT, 8, "ewma", "",
     "'ewma' must come before 'alarm'; the order is clock | counter | gaps | a detector | "
     "tail or raw | alarm"},
    {"ewma | tail | clock", TOCSIN_ERROR_CONFLICT, 14, "clock", "", "must come before 'ewma'"},
    {"raw | alarm", TOCSIN_ERROR_CONFLICT, 6, "alarm", "", "behind raw there is no rate"},
    {"raw | alarm budget=1/day", TOCSIN_ERROR_CONFLICT, 12, "budget=1/day", "", "give a threshold"},

    /* Parameters. */
    {"holt-winters seson=1d", TOCSIN_ERROR_NAME, 13, "seson", "season",
     "holt-winters has no parameter 'seson'; did you mean 'season'?"},
    {"ewma  half_life=2h", TOCSIN_ERROR_NAME, 6, "half_life", "half-life", "did you mean"},
    {"ewma season=1d", TOCSIN_ERROR_NAME, 5, "season", "",
     "ewma has no parameter 'season'; it belongs to 'holt-winters'"},
    {"ewma budgte=1/day", TOCSIN_ERROR_NAME, 5, "budgte", "budget",
     "did you mean 'budget'? That belongs to 'alarm'"},
    {"gaps xyzzy=1", TOCSIN_ERROR_NAME, 5, "xyzzy", "", "it has missing, limit"},
    {"raw xyzzy=1", TOCSIN_ERROR_NAME, 4, "xyzzy", "", "it has none"},
    {"ewma tail", TOCSIN_ERROR_SYNTAX, 5, "tail", "| tail",
     "expected parameter=value or '|' after 'ewma', not 'tail'; did you mean '| tail'?"},
    {"ewma half-life", TOCSIN_ERROR_SYNTAX, 5, "half-life",
     "half-life=", "expected parameter=value"},
    {"ewma half-life = 2h", TOCSIN_ERROR_SYNTAX, 5, "half-life",
     "half-life=", "expected parameter"},
    {"ewma =2h", TOCSIN_ERROR_SYNTAX, 5, "=2h", "", "no spaces around '='"},
    {"ewma 2h", TOCSIN_ERROR_SYNTAX, 5, "2h", "", "expected parameter=value"},
    {"ewma half-life=2h half-life=3h", TOCSIN_ERROR_CONFLICT, 18, "half-life=3h", "",
     "'half-life' is given twice"},

    /* Values. */
    {"ewma half-life=", TOCSIN_ERROR_SYNTAX, 15, "", "", "half-life takes a duration"},
    {"ewma half-life=2x", TOCSIN_ERROR_SYNTAX, 15, "2x", "",
     "half-life takes a duration such as 5m "
     "or a count of points such as 12p, not '2x'"},
    {"ewma half-life=300", TOCSIN_ERROR_SYNTAX, 15, "300", "300s", "did you mean '300s'?"},
    {"ewma half-life=2h,3h", TOCSIN_ERROR_RANGE, 18, "3h", "", "half-life takes one value"},
    {"ewma half-life=2h,", TOCSIN_ERROR_RANGE, 18, "", "", "half-life takes one value"},
    {"ewma half-life=0s", TOCSIN_ERROR_RANGE, 15, "0s", "", "half-life must be at least 1ms"},
    {"ewma half-life=0.5p", TOCSIN_ERROR_RANGE, 15, "0.5p", "", "a whole count of points"},
    {"ewma floor-relative=101%", TOCSIN_ERROR_RANGE, 20, "101%", "",
     "floor-relative must be at least 0 and at most 1 of the mean, not 101%"},
    {"ewma clip=0.5", TOCSIN_ERROR_RANGE, 10, "0.5", "",
     "clip must be at least 1 deviations, not 0.5"},
    {"ewma clip=4s", TOCSIN_ERROR_SYNTAX, 10, "4s", "", "clip takes a number, not '4s'"},
    {"ewma clip=nan", TOCSIN_ERROR_SYNTAX, 10, "nan", "", "clip takes a number"},
    {"ewma warmup=2.5", TOCSIN_ERROR_SYNTAX, 12, "2.5", "", "warmup takes a whole number"},
    {"ewma state=duoble", TOCSIN_ERROR_NAME, 11, "duoble", "double",
     "state takes one of double|mixed, not 'duoble'; did you mean 'double'?"},
    {"ewma state=", TOCSIN_ERROR_SYNTAX, 11, "", "", "one of double|mixed"},
    {"alarm budget=1/weak", TOCSIN_ERROR_SYNTAX, 13, "1/weak", "", "a rate such as 1/week"},
    {"alarm budget=week", TOCSIN_ERROR_SYNTAX, 13, "week", "1/week", "did you mean '1/week'?"},
    {"alarm budget=12h", TOCSIN_ERROR_SYNTAX, 13, "12h", "1/12h", "did you mean '1/12h'?"},
    {"alarm budget=auto", TOCSIN_ERROR_SYNTAX, 13, "auto", "", "budget takes a rate"},
    {"alarm cooldown=atuo", TOCSIN_ERROR_SYNTAX, 15, "atuo", "auto",
     "cooldown takes a duration such as 5m, or auto, not 'atuo'; did you mean 'auto'?"},
    {"clock absence=99999999999999999999s", TOCSIN_ERROR_SYNTAX, 14, "99999999999999999999s", "",
     "absence takes a duration"},
    {"clock step=200y", TOCSIN_ERROR_SYNTAX, 11, "200y", "", "step takes a duration"},
    {"holt-winters season=1d,1w,1h", TOCSIN_ERROR_RANGE, 26, "1h", "",
     "season takes at most 2 values"},
    {"holt-winters season=1d,", TOCSIN_ERROR_SYNTAX, 23, "", "", "season takes"},
    {"holt-winters season=,1d", TOCSIN_ERROR_SYNTAX, 20, "", "", "season takes"},
    {"holt-winters alpha=0s", TOCSIN_ERROR_RANGE, 19, "0s", "",
     "alpha must be more than 0, not 0s"},
    {"holt-winters alpha=0p", TOCSIN_ERROR_RANGE, 19, "0p", "",
     "alpha must be more than 0, not 0p"},
    {"holt-winters alpha=1.5", TOCSIN_ERROR_RANGE, 19, "1.5", "", "at least 0 and at most 1"},
    {"holt-winters alpha=x", TOCSIN_ERROR_SYNTAX, 19, "x", "",
     "a fraction per step such as 0.1 or a half-life such as 2h or 200p"},

    /* What a stage itself has to say is put at the word that caused it. */
    {"alarm ticket=1/month budget=1/day", TOCSIN_ERROR_CONFLICT, 6, "ticket=1/month", "",
     "a ticket must be allowed more often than a page"},
    {"clock | alarm budget=1/day   threshold=3", TOCSIN_ERROR_CONFLICT, 29, "threshold=3", "",
     "exclude each other"},
};

START_TEST(a_wrong_spec_says_where_and_what)
{
    const complaint_row *const row = &complaints[_i];
    tocsin_error error = fresh_error();
    tocsin_spec *spec = (void *)&error;
    /* Exactly its length, without a NUL. */
    const size_t length = strlen(row->text);
    char *const text = malloc(length);

    ck_assert_ptr_nonnull(text);
    memcpy(text, row->text, length);
    ck_assert_msg(tocsin_spec_compile(&spec, text, length, NULL, &error) == row->status,
                  "%s: %s, %s", row->text, tocsin_status_name(error.status), error.message);
    ck_assert_ptr_null(spec);
    ck_assert_int_eq(error.status, row->status);
    ck_assert_msg(error.offset == row->offset, "%s: offset %u", row->text, error.offset);
    ck_assert_str_eq(error.word, row->word);
    ck_assert_uint_eq(error.length, strlen(row->word));
    ck_assert_str_eq(error.suggestion, row->suggestion);
    ck_assert_msg(strstr(error.message, row->said), "%s: %s", row->text, error.message);
    ck_assert_uint_eq(error.struct_size, sizeof error);
    free(text);
}
END_TEST

START_TEST(long_words_are_cut_and_located_whole)
{
    char text[300];
    tocsin_error error = fresh_error();
    tocsin_spec *spec;

    memset(text, 'x', sizeof text);
    memcpy(text, "ewma | ", 7);
    ck_assert_int_eq(tocsin_spec_compile(&spec, text, sizeof text, NULL, &error),
                     TOCSIN_ERROR_NAME);
    ck_assert_uint_eq(error.offset, 7);
    ck_assert_uint_eq(error.length, sizeof text - 7);
    ck_assert_uint_eq(strlen(error.word), sizeof error.word - 1);
    ck_assert_uint_lt(strlen(error.message), sizeof error.message - 1);
}
END_TEST

START_TEST(an_error_is_touched_only_by_a_failure)
{
    tocsin_error error = fresh_error(), before;
    tocsin_spec *spec;

    error.status = 77;
    strcpy(error.message, "mine");
    before = error;
    ck_assert_int_eq(tocsin_spec_compile(&spec, "ewma", TOCSIN_NUL_TERMINATED, NULL, &error),
                     TOCSIN_OK);
    ck_assert_mem_eq(&error, &before, sizeof error);
    tocsin_spec_free(spec);
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    tocsin_spec *const base = compile(""), *spec;
    tocsin_setting setting;
    tocsin_error error = fresh_error();
    tocsin_allocator allocator;
    static char large[TOCSIN__SPEC_MAX + 2];
    tocsin_value value;
    size_t count;

    memset(large, ' ', sizeof large - 1);
    memset(&allocator, 0, sizeof allocator);
    memset(&setting, 0, sizeof setting);
    ck_assert_int_eq(tocsin_spec_compile(NULL, "", 0, NULL, &error), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(error.status, TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_compile(&spec, NULL, 0, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_ptr_null(spec);
    ck_assert_int_eq(tocsin_spec_compile(&spec, "", 0, &allocator, NULL), TOCSIN_ERROR_ARGUMENT);
    error.struct_size = 12;
    ck_assert_int_eq(tocsin_spec_compile(&spec, "", 0, NULL, &error), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_compile(&spec, large, TOCSIN_NUL_TERMINATED, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_compile(&spec, large, TOCSIN__SPEC_MAX, NULL, NULL), TOCSIN_OK);
    tocsin_spec_free(spec);

    ck_assert_int_eq(tocsin_spec_derive(NULL, base, NULL, 0, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_derive(&spec, NULL, NULL, 0, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_derive(&spec, base, NULL, 1, NULL, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_derive(&spec, base, &setting, 1, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_derive(&spec, base, &setting, 0, &allocator, NULL),
                     TOCSIN_ERROR_ARGUMENT);

    ck_assert_int_eq(tocsin_spec_text(NULL, TOCSIN_TEXT_FULL, NULL, 0, &count),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_text(base, 2, NULL, 0, &count), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_text(base, TOCSIN_TEXT_FULL, NULL, 1, &count),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_get(NULL, "ewma", "clip", &value, 1, &count),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_get(base, NULL, "clip", &value, 1, &count), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_get(base, "ewma", NULL, &value, 1, &count), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_get(base, "ewma", "clip", NULL, 1, &count), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_spec_get(base, "ewma", "clip", &value, 1, NULL), TOCSIN_ERROR_ARGUMENT);
    tocsin_spec_free(base);

    tocsin_spec_free(NULL);
    ck_assert_uint_eq(tocsin_spec_stage_count(NULL), 0);
    ck_assert_ptr_null(tocsin_spec_stage_name(NULL, 0));
    ck_assert_uint_eq(tocsin_spec_state_size(NULL), 0);
    ck_assert_uint_eq(tocsin_spec_warmup(NULL), 0);
}
END_TEST

/* ---- Reading a spec -------------------------------------------------------- */

START_TEST(a_spec_tells_its_stages_and_values)
{
    tocsin_spec *const spec =
        compile("clock step=5m | holt-winters season=1d,1w state=double alpha=200p | tail | alarm "
                "budget=3/day");
    static const char *const names[] = {"clock", "gaps", "holt-winters", "tail", "alarm"};
    tocsin_value values[4];
    size_t count = 99;

    ck_assert_uint_eq(tocsin_spec_stage_count(spec), 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq(tocsin_spec_stage_name(spec, i), names[i]);
    ck_assert_ptr_null(tocsin_spec_stage_name(spec, 5));

    ck_assert_int_eq(tocsin_spec_get(spec, "clock", "step", values, 4, &count), TOCSIN_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(values[0].form, TOCSIN_VALUE_DURATION);
    ck_assert(values[0].duration == 5 * TOCSIN_MINUTE);
    ck_assert_int_eq(tocsin_spec_get(spec, "holt-winters", "season", values, 4, &count), TOCSIN_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert(values[0].duration == TOCSIN_DAY && values[1].duration == TOCSIN_WEEK);
    ck_assert_int_eq(tocsin_spec_get(spec, "holt-winters", "alpha", values, 4, &count), TOCSIN_OK);
    ck_assert_uint_eq(values[0].form, TOCSIN_VALUE_POINTS);
    assert_same_bits(values[0].number, 200);
    ck_assert_int_eq(tocsin_spec_get(spec, "holt-winters", "state", values, 4, &count), TOCSIN_OK);
    ck_assert_uint_eq(values[0].form, TOCSIN_VALUE_CHOICE);
    assert_same_bits(values[0].number, 0);
    ck_assert_int_eq(tocsin_spec_get(spec, "alarm", "budget", values, 4, &count), TOCSIN_OK);
    ck_assert_uint_eq(values[0].form, TOCSIN_VALUE_RATE);
    ck_assert(values[0].duration == 8 * TOCSIN_HOUR);
    ck_assert_int_eq(tocsin_spec_get(spec, "alarm", "cooldown", values, 4, &count), TOCSIN_OK);
    ck_assert_uint_eq(values[0].form, TOCSIN_VALUE_AUTO);
    /* Not set, and no default. */
    ck_assert_int_eq(tocsin_spec_get(spec, "clock", "absence", values, 4, &count), TOCSIN_OK);
    ck_assert_uint_eq(count, 0);

    ck_assert_int_eq(tocsin_spec_get(spec, "holt-winters", "season", values, 1, &count),
                     TOCSIN_ERROR_SPACE);
    ck_assert_uint_eq(count, 2);
    ck_assert(values[0].duration == TOCSIN_DAY);
    ck_assert_int_eq(tocsin_spec_get(spec, "holt-winters", "season", NULL, 0, &count),
                     TOCSIN_ERROR_SPACE);
    ck_assert_int_eq(tocsin_spec_get(spec, "ewma", "clip", values, 4, &count), TOCSIN_ERROR_NAME);
    ck_assert_int_eq(tocsin_spec_get(spec, "clock", "clip", values, 4, &count), TOCSIN_ERROR_NAME);
    tocsin_spec_free(spec);
}
END_TEST

START_TEST(a_text_buffer_too_small_is_left_alone)
{
    tocsin_spec *const spec = compile("ewma half-life=2h");
    char buffer[TEXT_SIZE];
    size_t needed = 0;

    ck_assert_int_eq(tocsin_spec_text(spec, TOCSIN_TEXT_FULL, NULL, 0, &needed),
                     TOCSIN_ERROR_SPACE);
    ck_assert_uint_gt(needed, 100);
    ck_assert_uint_lt(needed, sizeof buffer);
    memset(buffer, '~', sizeof buffer);
    for (size_t size = 0; size < needed; size++)
        ck_assert_int_eq(tocsin_spec_text(spec, TOCSIN_TEXT_FULL, buffer, size, NULL),
                         TOCSIN_ERROR_SPACE);
    ck_assert_int_eq(buffer[0], '~');
    ck_assert_int_eq(tocsin_spec_text(spec, TOCSIN_TEXT_FULL, buffer, needed, NULL), TOCSIN_OK);
    ck_assert_uint_eq(strlen(buffer), needed - 1);
    ck_assert_int_eq(buffer[needed], '~');
    tocsin_spec_free(spec);
}
END_TEST

START_TEST(sizes_add_up)
{
    static const char *const texts[] = {"", "raw", "counter | holt-winters season=1d | alarm",
                                        "ewma state=double | raw"};

    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        tocsin_spec *const spec = compile(texts[t]);
        size_t end = 0;

        for (size_t i = 0; i < spec->stage_count; i++) {
            const tocsin__compiled_stage *const stage = &spec->stages[i];

            ck_assert_uint_eq(stage->state_offset, end);
            ck_assert_uint_eq(stage->state_size % 8, 0);
            ck_assert_uint_ge(stage->state_size, stage->stage->layout.size);
            ck_assert_uint_eq((uintptr_t)stage->constants % 8, 0);
            ck_assert((const char *)stage->constants + stage->stage->constants_size <=
                      (const char *)spec + spec->block_size);
            end += stage->state_size;
        }
        ck_assert_uint_eq(tocsin_spec_state_size(spec), end);
        ck_assert_ptr_nonnull(spec->clock);
        ck_assert_ptr_nonnull(spec->gaps);
        ck_assert_ptr_nonnull(spec->detect);
        ck_assert_ptr_nonnull(spec->calibrate);
        ck_assert_int_eq(spec->counter != NULL, t == 2);
        ck_assert_int_eq(spec->alarm != NULL, t == 0 || t == 2);
        tocsin_spec_free(spec);
    }
}
END_TEST

START_TEST(stages_are_told_of_the_step_and_the_budgets)
{
    static const struct {
        const char *text;
        int64_t step;
        uint32_t tiers;
        int64_t period[2];
    } rows[] = {
        {"ewma | raw", 0, 0, {0, 0}},
        {"clock step=1m | ewma | raw", TOCSIN_MINUTE, 0, {0, 0}},
        {"clock step=1m | holt-winters season=1d step=5m | raw", 5 * TOCSIN_MINUTE, 0, {0, 0}},
        {"holt-winters season=1d step=5m | raw", 5 * TOCSIN_MINUTE, 0, {0, 0}},
        {"alarm budget=1/day", 0, 1, {TOCSIN_DAY, 0}},
        {"alarm budget=1/week ticket=1/day", 0, 2, {TOCSIN_DAY, TOCSIN_WEEK}},
        {"alarm threshold=3", 0, 0, {0, 0}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tocsin_spec *const spec = compile(rows[i].text);

        ck_assert_msg(spec->context.step == rows[i].step, "%s", rows[i].text);
        ck_assert_msg(spec->context.tier_count == rows[i].tiers, "%s", rows[i].text);
        for (uint32_t t = 0; t < rows[i].tiers; t++)
            ck_assert_msg(spec->context.period[t] == rows[i].period[t], "%s", rows[i].text);
        tocsin_spec_free(spec);
    }
}
END_TEST

/* ---- Setters --------------------------------------------------------------- */

static tocsin_setting setting_text(const char *stage, const char *parameter, const char *text)
{
    tocsin_setting setting;

    memset(&setting, 0, sizeof setting);
    setting.struct_size = sizeof setting;
    setting.stage = stage;
    setting.parameter = parameter;
    setting.text = text;
    return setting;
}

static tocsin_setting setting_values(const char *stage, const char *parameter,
                                     const tocsin_value *values, uint32_t count)
{
    tocsin_setting setting = setting_text(stage, parameter, NULL);

    setting.values = values;
    setting.value_count = count;
    return setting;
}

static tocsin_value value_of(uint32_t form, double number, int64_t duration)
{
    tocsin_value value;

    memset(&value, 0, sizeof value);
    value.form = form;
    value.number = number;
    value.duration = duration;
    return value;
}

START_TEST(typed_settings_are_as_good_as_text)
{
    tocsin_spec *const base =
        compile("counter | holt-winters season=12h step=5m alpha=0.5 | alarm n=2 m=3");
    tocsin_spec *const expected =
        compile("counter | holt-winters season=1d,1w step=5m alpha=2h gamma=30% state=double | "
                "alarm n=2 m=3 budget=3/day cooldown=auto");
    const tocsin_value seasons[] = {value_of(TOCSIN_VALUE_DURATION, NAN, TOCSIN_DAY),
                                    value_of(TOCSIN_VALUE_DURATION, 0, TOCSIN_WEEK)};
    const tocsin_value alpha = value_of(TOCSIN_VALUE_DURATION, 7, 2 * TOCSIN_HOUR);
    const tocsin_value gamma = value_of(TOCSIN_VALUE_NUMBER, 0.3, 12345);
    const tocsin_value state = value_of(TOCSIN_VALUE_CHOICE, 0, 0);
    const tocsin_value cooldown = value_of(TOCSIN_VALUE_AUTO, 5, 5);
    const tocsin_setting settings[] = {
        setting_values("holt-winters", "season", seasons, 2),
        setting_values("holt-winters", "alpha", &alpha, 1),
        setting_values("holt-winters", "gamma", &gamma, 1),
        setting_values("holt-winters", "state", &state, 1),
        setting_text("alarm", "budget", "3/day"),
        setting_values("alarm", "cooldown", &cooldown, 1),
    };
    tocsin_spec *derived;

    ck_assert_int_eq(tocsin_spec_derive(&derived, base, settings,
                                        sizeof settings / sizeof settings[0], NULL, NULL),
                     TOCSIN_OK);
    ck_assert_str_eq(text_of(derived, TOCSIN_TEXT_FULL), text_of(expected, TOCSIN_TEXT_FULL));
    tocsin_spec_free(derived);
    ck_assert_int_eq(tocsin_spec_derive(&derived, base, NULL, 0, NULL, NULL), TOCSIN_OK);
    ck_assert_str_eq(text_of(derived, TOCSIN_TEXT_FULL), text_of(base, TOCSIN_TEXT_FULL));
    tocsin_spec_free(derived);
    tocsin_spec_free(expected);
    tocsin_spec_free(base);
}
END_TEST

START_TEST(wrong_settings_name_themselves)
{
    tocsin_spec *const base = compile("ewma");
    const tocsin_value number = value_of(TOCSIN_VALUE_NUMBER, 0.5, 0);
    const tocsin_value nan = value_of(TOCSIN_VALUE_NUMBER, NAN, 0);
    const tocsin_value half = value_of(TOCSIN_VALUE_NUMBER, 5.5, 0);
    const tocsin_value huge = value_of(TOCSIN_VALUE_NUMBER, 1e300, 0);
    const tocsin_value negative = value_of(TOCSIN_VALUE_DURATION, 0, -1);
    const tocsin_value least = value_of(TOCSIN_VALUE_DURATION, 0, INT64_MIN);
    const tocsin_value never = value_of(TOCSIN_VALUE_RATE, 0, 0);
    const tocsin_value often = value_of(TOCSIN_VALUE_RATE, 0, -5);
    const tocsin_value third = value_of(TOCSIN_VALUE_CHOICE, 2, 0);
    const tocsin_value fraction = value_of(TOCSIN_VALUE_CHOICE, 0.5, 0);
    const tocsin_value less = value_of(TOCSIN_VALUE_CHOICE, -1, 0);
    const tocsin_value none = value_of(TOCSIN_VALUE_NONE, 0, 0);
    const tocsin_value automatic = value_of(TOCSIN_VALUE_AUTO, 0, 0);
    const tocsin_value unknown = value_of(7, 0, 0);
    const tocsin_value points = value_of(TOCSIN_VALUE_POINTS, INFINITY, 0);
    const tocsin_value two[] = {number, number};
    const tocsin_value month = value_of(TOCSIN_VALUE_RATE, 0, 30 * TOCSIN_DAY);
    tocsin_value reserved = number;
    reserved.reserved = 1;
    const struct {
        tocsin_setting setting;
        int status;
        const char *word, *suggestion;
    } rows[] = {
        {setting_text("ewna", "clip", "5"), TOCSIN_ERROR_NAME, "ewna", "ewma"},
        {setting_text("holt-winters", "alpha", "5"), TOCSIN_ERROR_NAME, "holt-winters", ""},
        {setting_text("ewma", "clop", "5"), TOCSIN_ERROR_NAME, "clop", "clip"},
        {setting_text("ewma", "clip", "5m"), TOCSIN_ERROR_SYNTAX, "5m", ""},
        {setting_text("ewma", "clip", ""), TOCSIN_ERROR_SYNTAX, "", ""},
        {setting_text("ewma", "clip", "0"), TOCSIN_ERROR_RANGE, "0", ""},
        {setting_text("ewma", "half-life", "5"), TOCSIN_ERROR_SYNTAX, "5", "5s"},
        {setting_text("ewma", "state", "duble"), TOCSIN_ERROR_NAME, "duble", "double"},
        {setting_values("ewma", "clip", &number, 1), TOCSIN_ERROR_RANGE, "0.5", ""},
        {setting_values("ewma", "clip", &nan, 1), TOCSIN_ERROR_RANGE, "nan", ""},
        {setting_values("ewma", "clip", two, 2), TOCSIN_ERROR_RANGE, "clip", ""},
        {setting_values("ewma", "warmup", &half, 1), TOCSIN_ERROR_RANGE, "5.5", ""},
        {setting_values("ewma", "warmup", &huge, 1), TOCSIN_ERROR_RANGE, "1e300", ""},
        {setting_values("ewma", "half-life", &number, 1), TOCSIN_ERROR_ARGUMENT, "half-life", ""},
        {setting_values("ewma", "half-life", &negative, 1), TOCSIN_ERROR_RANGE, "-1ns", ""},
        {setting_values("ewma", "half-life", &least, 1), TOCSIN_ERROR_RANGE, NULL, ""},
        {setting_values("ewma", "half-life", &points, 1), TOCSIN_ERROR_RANGE, "inf", ""},
        {setting_values("ewma", "half-life", &automatic, 1), TOCSIN_ERROR_ARGUMENT, "half-life",
         ""},
        {setting_values("ewma", "half-life", &none, 1), TOCSIN_ERROR_ARGUMENT, "half-life", ""},
        {setting_values("ewma", "half-life", &unknown, 1), TOCSIN_ERROR_ARGUMENT, "half-life", ""},
        {setting_values("ewma", "clip", &reserved, 1), TOCSIN_ERROR_ARGUMENT, "clip", ""},
        {setting_values("alarm", "budget", &never, 1), TOCSIN_ERROR_RANGE, "0s", ""},
        {setting_values("alarm", "budget", &often, 1), TOCSIN_ERROR_RANGE, "-5ns", ""},
        {setting_values("ewma", "state", &third, 1), TOCSIN_ERROR_NAME, "state", ""},
        {setting_values("ewma", "state", &fraction, 1), TOCSIN_ERROR_NAME, "state", ""},
        {setting_values("ewma", "state", &less, 1), TOCSIN_ERROR_NAME, "state", ""},
        {setting_values("ewma", "clip", &number, 0), TOCSIN_ERROR_ARGUMENT, "", ""},
        {setting_text("ewma", "clip", NULL), TOCSIN_ERROR_ARGUMENT, "", ""},
        {setting_text("ewma", NULL, "5"), TOCSIN_ERROR_ARGUMENT, "", ""},
        {setting_text(NULL, "clip", "5"), TOCSIN_ERROR_ARGUMENT, "", ""},
        /* A first setting is in the array already. */
        {setting_text("clock", "step", "5m"), TOCSIN_ERROR_CONFLICT, "step", ""},
        /* And one that only the stage can refuse. */
        {setting_values("alarm", "ticket", &month, 1), TOCSIN_ERROR_CONFLICT, "ticket", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const tocsin_setting settings[] = {setting_text("clock", "step", "1m"), rows[i].setting};
        tocsin_error error = fresh_error();
        tocsin_spec *spec = base;

        ck_assert_msg(tocsin_spec_derive(&spec, base, settings, 2, NULL, &error) == rows[i].status,
                      "row %zu: %s, %s", i, tocsin_status_name(error.status), error.message);
        ck_assert_ptr_null(spec);
        ck_assert_int_eq(error.status, rows[i].status);
        ck_assert_msg(error.offset == 1, "row %zu: setting %u", i, error.offset);
        ck_assert_uint_eq(error.length, 0);
        if (rows[i].word)
            ck_assert_msg(strcmp(error.word, rows[i].word) == 0, "row %zu: '%s'", i, error.word);
        ck_assert_msg(strcmp(error.suggestion, rows[i].suggestion) == 0, "row %zu: '%s'", i,
                      error.suggestion);
        ck_assert_str_ne(error.message, "");
    }
    tocsin_spec_free(base);
}
END_TEST

START_TEST(settings_of_newer_callers_are_taken_if_they_ask_for_nothing_new)
{
    tocsin_spec *const base = compile("ewma | raw"), *spec;
    struct {
        tocsin_setting known;
        uint64_t unknown;
    } settings[2];

    memset(settings, 0, sizeof settings);
    settings[0].known = setting_text("ewma", "clip", "5");
    settings[1].known = setting_text("ewma", "half-life", "2h");
    settings[0].known.struct_size = settings[1].known.struct_size = sizeof settings[0];
    ck_assert_int_eq(tocsin_spec_derive(&spec, base, &settings[0].known, 2, NULL, NULL), TOCSIN_OK);
    ck_assert_str_eq(text_of(spec, TOCSIN_TEXT_SHORT),
                     "clock@1 | gaps@1 | ewma@1 half-life=2h clip=5 | raw@1");
    tocsin_spec_free(spec);
    settings[1].unknown = 1;
    ck_assert_int_eq(tocsin_spec_derive(&spec, base, &settings[0].known, 2, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    settings[1].unknown = 0;
    settings[1].known.struct_size = sizeof(tocsin_setting);
    ck_assert_int_eq(tocsin_spec_derive(&spec, base, &settings[0].known, 2, NULL, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    tocsin_spec_free(base);
}
END_TEST

/* ---- Lists ----------------------------------------------------------------- */

/* No stage has a list as its default yet; this is a row of one that had. */
static const tocsin__param list_param = {
    "seasons", TOCSIN_TYPE_SPAN, 4, 0, 0, "", "1h,1d,12p", 0, 1e9, "auto", "made up"};

START_TEST(lists_are_equal_item_by_item)
{
    static const struct {
        const char *text;
        int is_default;
    } rows[] = {
        {"1h,1d,12p", 1},  {"60m,24h,12p", 1}, {"1h,1d", 0},     {"1h,1d,12p,1w", 0},
        {"2h,1d,12p", 0},  {"1h,2d,12p", 0},   {"1h,1d,13p", 0}, {"1h,1d,12s", 0},
        {"1h,1d,auto", 0}, {"12p,1d,1h", 0},
    };
    tocsin__values fallback;

    tocsin__values_default(&list_param, &fallback);
    ck_assert_uint_eq(fallback.count, 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tocsin__values values, back;
        tocsin_error error;
        char buffer[64];
        tocsin__text text;

        ck_assert_int_eq(
            tocsin__values_parse(&list_param, rows[i].text, strlen(rows[i].text), &values, &error),
            TOCSIN_OK);
        ck_assert_msg(tocsin__values_equal(&values, &fallback) == rows[i].is_default, "%s",
                      rows[i].text);
        tocsin__text_start(&text, buffer, sizeof buffer);
        tocsin__values_write(&list_param, &values, &text);
        ck_assert_int_eq(tocsin__values_parse(&list_param, buffer, text.length, &back, &error),
                         TOCSIN_OK);
        ck_assert(tocsin__values_equal(&values, &back));
    }
}
END_TEST

/* ---- Any spec -------------------------------------------------------------- */

/* A value that the row accepts, as somebody might write it. */
static void random_item(rng *r, const tocsin__param *param, tocsin__text *text)
{
    const double min = param->min > -1e6 ? param->min : -1e6;
    const double max = param->max < 1e6 ? param->max : 1e6;
    const double number = min + (max - min) * pow(rng_uniform(r), (double)(1 + rng_below(r, 8)));
    char words[TOCSIN__UNIT_TEXT];
    const char *word;
    size_t length, count = 0;

    while (tocsin__word_at(param->choices, count, &length))
        count++;
    if (count > 0 && (param->type == TOCSIN_TYPE_CHOICE || rng_below(r, 4) == 0)) {
        word = tocsin__word_at(param->choices, rng_below(r, count), &length);
        tocsin__text_add_n(text, word, length);
        return;
    }
    switch (param->type) {
    case TOCSIN_TYPE_ZONE: {
        static const char *const parts[] = {"CET-1CEST", "M3.5.0", "M10.5.0/3", "<+0530>-5:30"};

        tocsin__text_add(text, parts[rng_below(r, 4)]);
        return;
    }
    case TOCSIN_TYPE_INTEGER:
        tocsin__text_add_integer(text, (int64_t)ceil(number));
        return;
    case TOCSIN_TYPE_FRACTION:
    case TOCSIN_TYPE_NUMBER:
        tocsin__format_number(number, words);
        tocsin__text_add(text, words);
        return;
    case TOCSIN_TYPE_SPAN:
    case TOCSIN_TYPE_DURATION:
        if (param->type == TOCSIN_TYPE_SPAN && rng_below(r, 2)) {
            tocsin__text_add_integer(text, (int64_t)ceil(number));
            tocsin__text_add(text, "p");
            return;
        }
        tocsin__format_duration((int64_t)ceil(number * 1e9), words);
        tocsin__text_add(text, words);
        return;
    case TOCSIN_TYPE_SMOOTHING:
        switch (rng_below(r, 3)) {
        case 0:
            tocsin__format_number(number, words);
            break;
        case 1:
            tocsin__format_duration(1 + (int64_t)(rng_u64(r) >> (4 + rng_below(r, 40))), words);
            break;
        default:
            length = tocsin__format_number(1 + (double)rng_below(r, 1000) / 4, words);
            memcpy(words + length, "p", 2);
        }
        tocsin__text_add(text, words);
        return;
    default:
        tocsin__format_rate((int64_t)(1e9 / (number > 1e-8 ? number : 1e-8)) + 1, words);
        tocsin__text_add(text, words);
    }
}

/* A pipe: each rank filled or not, each parameter set or not. */
static void random_spec(rng *r, tocsin__text *text)
{
    int is_first = 1;

    for (size_t rank = 0; rank < TOCSIN__RANKS; rank++) {
        const tocsin__stage *chosen = NULL;
        size_t seen = 0;

        for (size_t s = 0; s < tocsin__catalog_count; s++)
            if (tocsin__catalog[s]->rank == rank && rng_below(r, ++seen) == 0)
                chosen = tocsin__catalog[s];
        if (!chosen || rng_below(r, 3) == 0)
            continue;
        tocsin__text_add(text, is_first ? "" : rng_below(r, 2) ? " | " : "|");
        tocsin__text_add(text, chosen->name);
        is_first = 0;
        if (rng_below(r, 4) == 0) {
            tocsin__text_add(text, "@");
            tocsin__text_add_integer(text, chosen->revision);
        }
        for (size_t p = 0; p < chosen->param_count; p++) {
            const tocsin__param *const param = &chosen->params[p];

            if (rng_below(r, 4) != 0)
                continue;
            tocsin__text_add(text, rng_below(r, 8) ? " " : " # why\n\t");
            tocsin__text_add(text, param->name);
            tocsin__text_add(text, "=");
            for (size_t i = rng_below(r, param->max_count) + 1; i > 0; i--) {
                random_item(r, param, text);
                tocsin__text_add(text, i > 1 ? "," : "");
            }
        }
        if (strcmp(chosen->name, "raw") == 0)
            return;
    }
}

static void assert_same_spec(const tocsin_spec *a, const tocsin_spec *b)
{
    ck_assert_uint_eq(a->stage_count, b->stage_count);
    ck_assert_uint_eq(a->state_size, b->state_size);
    ck_assert_uint_eq(a->warmup, b->warmup);
    ck_assert_mem_eq(&a->context, &b->context, sizeof a->context);
    for (size_t i = 0; i < a->stage_count; i++) {
        const tocsin__compiled_stage *const x = &a->stages[i], *const y = &b->stages[i];

        ck_assert_ptr_eq(x->stage, y->stage);
        ck_assert_uint_eq(x->revision, y->revision);
        ck_assert_mem_eq(&x->shape, &y->shape, sizeof x->shape);
        if (x->stage->constants_size > 0)
            ck_assert_msg(memcmp(x->constants, y->constants, x->stage->constants_size) == 0,
                          "%s has other constants", x->stage->name);
    }
}

/* Any spec: its texts compile to a spec with the same texts, constants and shapes. */
START_TEST(texts_of_random_specs_read_back)
{
    rng r = rng_seeded((uint64_t)_i);
    size_t compiled = 0;

    for (int i = 0; i < 1500; i++) {
        char source[4096];
        tocsin_error error = fresh_error();
        tocsin__text text;
        tocsin_spec *spec;

        tocsin__text_start(&text, source, sizeof source);
        random_spec(&r, &text);
        ck_assert_uint_lt(text.length, sizeof source);
        const int status = tocsin_spec_compile(&spec, source, text.length, NULL, &error);
        if (status < 0) {
            /* Each value is right; together, a stage may refuse them. */
            ck_assert_msg(status == TOCSIN_ERROR_CONFLICT || status == TOCSIN_ERROR_RANGE, "%s: %s",
                          source, error.message);
            continue;
        }
        compiled++;
        for (int style = TOCSIN_TEXT_SHORT; style <= TOCSIN_TEXT_FULL; style++) {
            tocsin_spec *const again = compile(text_of(spec, style));

            ck_assert_str_eq(text_of(again, TOCSIN_TEXT_SHORT), text_of(spec, TOCSIN_TEXT_SHORT));
            ck_assert_str_eq(text_of(again, TOCSIN_TEXT_FULL), text_of(spec, TOCSIN_TEXT_FULL));
            assert_same_spec(spec, again);
            tocsin_spec_free(again);
        }
        tocsin_spec_free(spec);
    }
    ck_assert_uint_gt(compiled, 300);
}
END_TEST

/* Getting every value of a spec and setting it on a bare pipe gives the same spec. */
START_TEST(values_of_random_specs_can_be_set)
{
    rng r = rng_seeded(77);

    for (int i = 0; i < 500; i++) {
        char source[4096];
        tocsin__text text;
        tocsin_spec *spec, *derived;

        tocsin__text_start(&text, source, sizeof source);
        random_spec(&r, &text);
        if (tocsin_spec_compile(&spec, source, text.length, NULL, NULL) < 0)
            continue;
        tocsin_value values[TOCSIN__RANKS * TOCSIN__MAX_PARAMS][TOCSIN__MAX_LIST];
        tocsin_setting settings[TOCSIN__RANKS * TOCSIN__MAX_PARAMS];
        char bare[256] = "";
        size_t count = 0;

        for (size_t s = 0; s < spec->stage_count; s++) {
            const tocsin__stage *const stage = spec->stages[s].stage;

            strcat(bare, s > 0 ? "|" : "");
            strcat(bare, stage->name);
            for (size_t p = 0; p < stage->param_count; p++) {
                size_t found = 0;

                ck_assert_int_eq(tocsin_spec_get(spec, stage->name, stage->params[p].name,
                                                 values[count], TOCSIN__MAX_LIST, &found),
                                 TOCSIN_OK);
                if (found > 0) {
                    settings[count] = setting_values(stage->name, stage->params[p].name,
                                                     values[count], (uint32_t)found);
                    count++;
                }
            }
        }
        tocsin_spec *const base = compile(bare);
        ck_assert_int_eq(tocsin_spec_derive(&derived, base, settings, count, NULL, NULL),
                         TOCSIN_OK);
        ck_assert_str_eq(text_of(derived, TOCSIN_TEXT_FULL), text_of(spec, TOCSIN_TEXT_FULL));
        assert_same_spec(derived, spec);
        tocsin_spec_free(derived);
        tocsin_spec_free(base);
        tocsin_spec_free(spec);
    }
}
END_TEST

/* ---- Memory ---------------------------------------------------------------- */

START_TEST(a_spec_is_one_allocation)
{
    counting_allocator counting;
    const tocsin_allocator allocator = counting_start(&counting);
    const tocsin_setting setting = setting_text("ewma", "clip", "5");
    tocsin_spec *spec, *derived;

    ck_assert_int_eq(tocsin_spec_compile(&spec, "ewma", 4, &allocator, NULL), TOCSIN_OK);
    ck_assert_uint_eq(counting.calls, 1);
    ck_assert_int_eq(tocsin_spec_derive(&derived, spec, &setting, 1, &allocator, NULL), TOCSIN_OK);
    ck_assert_uint_eq(counting.calls, 2);
    tocsin_spec_free(spec);
    tocsin_spec_free(derived);
    ck_assert_uint_eq(counting.live, 0);
}
END_TEST

START_TEST(failures_leave_nothing_behind)
{
    counting_allocator counting;
    tocsin_allocator allocator = counting_start(&counting);
    tocsin_error error = fresh_error();
    tocsin_spec *spec;

    for (size_t i = 0; i < sizeof complaints / sizeof complaints[0]; i++) {
        ck_assert_int_lt(tocsin_spec_compile(&spec, complaints[i].text, strlen(complaints[i].text),
                                             &allocator, NULL),
                         0);
        ck_assert_uint_eq(counting.live, 0);
    }
    allocator = counting_start(&counting);
    counting.fail_at = 1;
    ck_assert_int_eq(tocsin_spec_compile(&spec, "ewma", 4, &allocator, &error),
                     TOCSIN_ERROR_MEMORY);
    ck_assert_ptr_null(spec);
    ck_assert_int_eq(error.status, TOCSIN_ERROR_MEMORY);
    ck_assert_str_ne(error.message, "");
    ck_assert_uint_eq(counting.live, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("spec");
    TCase *grammar = suite_case(s, "grammar");
    TCase *wrong = suite_case(s, "complaints");
    TCase *reading = suite_case(s, "reading");
    TCase *setting = suite_case(s, "setters");
    TCase *any = suite_case(s, "any spec");
    TCase *memory = suite_case(s, "memory");

    tcase_add_test(grammar, what_is_left_out_takes_its_default);
    tcase_add_test(grammar, parameters_at_their_default_are_left_out_of_the_short_text);
    tcase_add_test(grammar, white_space_and_comments_do_not_matter);
    tcase_add_test(grammar, a_value_has_many_texts);
    tcase_add_test(grammar, a_length_ends_the_text);

    tcase_add_loop_test(wrong, a_wrong_spec_says_where_and_what, 0,
                        (int)(sizeof complaints / sizeof complaints[0]));
    tcase_add_test(wrong, long_words_are_cut_and_located_whole);
    tcase_add_test(wrong, an_error_is_touched_only_by_a_failure);
    tcase_add_test(wrong, wrong_arguments_are_refused);

    tcase_add_test(reading, a_spec_tells_its_stages_and_values);
    tcase_add_test(reading, a_text_buffer_too_small_is_left_alone);
    tcase_add_test(reading, sizes_add_up);
    tcase_add_test(reading, stages_are_told_of_the_step_and_the_budgets);

    tcase_add_test(setting, typed_settings_are_as_good_as_text);
    tcase_add_test(setting, wrong_settings_name_themselves);
    tcase_add_test(setting, settings_of_newer_callers_are_taken_if_they_ask_for_nothing_new);

    tcase_add_test(any, lists_are_equal_item_by_item);
    tcase_add_loop_test(any, texts_of_random_specs_read_back, 0, 4);
    tcase_add_test(any, values_of_random_specs_can_be_set);

    tcase_add_test(memory, a_spec_is_one_allocation);
    tcase_add_test(memory, failures_leave_nothing_behind);
    return s;
}

TOCSIN_TEST_MAIN(suite)
