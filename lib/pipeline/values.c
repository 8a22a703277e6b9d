/* values.c - the values of one parameter: read, checked, set, compared, written.
 *
 * A parameter's row in its stage's table says what it accepts: a type, bounds, how
 * many items, which words.  Everything that follows from the row alone is here, for
 * text and typed values alike; what depends on other parameters is the stage's own
 * business (`resolve`).
 *
 *     type        accepts                      form           bounds apply to
 *     number      0.5  1e6  inf                NUMBER         the number
 *     integer     12                           NUMBER         the number
 *     fraction    0.05  5%                     NUMBER         the number
 *     duration    5m                           DURATION       seconds
 *     span        5m  12p                      DURATION,      seconds, or
 *                                              POINTS         the count; points are whole
 *     smoothing   0.1  10%  2h  200p           NUMBER,        the number;
 *                                              DURATION,      half-lives are only > 0
 *                                              POINTS
 *     rate        1/week                       RATE           events per second
 *     choice      one of the row's words       CHOICE         -
 *     zone        CET-1CEST,M3.5.0,M10.5.0/3   ZONE           -
 *
 * A typed parameter whose row lists a word, such as "auto", accepts that too.
 *
 * A value has one representation: the fields its form does not use are 0, and -0 is
 * 0.  So values are equal exactly if they are written alike.
 */
#include "values.h"

#include "../core/decimal.h"
#include "../core/units.h"
#include "../core/words.h"
#include "../core/zone.h"

/* Whole numbers up to here are exact as doubles. */
#define VALUES_LARGEST_WHOLE 9007199254740992.0

/* ---- One item -------------------------------------------------------------- */

static int values_is_auto(const tocsin__param *param, const char *text, size_t length)
{
    return param->type != TOCSIN_TYPE_CHOICE &&
           tocsin__word_index(param->choices, text, length) == 0;
}

static int values_is_whole(double number)
{
    return number >= -VALUES_LARGEST_WHOLE && number <= VALUES_LARGEST_WHOLE &&
           (double)(int64_t)number == number;
}

static void values_number(tocsin_value *value, uint32_t form, double number)
{
    value->form = form;
    value->number = number == 0 ? 0 : number;
}

static int values_read_number(const char *text, size_t length, tocsin_value *value)
{
    double number;

    if (!tocsin__parse_number(text, length, &number))
        return 0;
    values_number(value, TOCSIN_VALUE_NUMBER, number);
    return 1;
}

static int values_read_fraction(const char *text, size_t length, tocsin_value *value)
{
    double number;

    if (length == 0 || text[length - 1] != '%')
        return values_read_number(text, length, value);
    if (!tocsin__decimal_parse(text, length - 1, -2, &number))
        return 0;
    values_number(value, TOCSIN_VALUE_NUMBER, number);
    return 1;
}

static int values_read_duration(const char *text, size_t length, tocsin_value *value)
{
    value->form = TOCSIN_VALUE_DURATION;
    return tocsin__parse_duration(text, length, &value->duration);
}

static int values_read_points(const char *text, size_t length, tocsin_value *value)
{
    double number;

    if (!tocsin__parse_points(text, length, &number))
        return 0;
    values_number(value, TOCSIN_VALUE_POINTS, number);
    return 1;
}

/* 1: the item has a form the parameter takes; whether it lies within bounds is another question. */
static int values_read(const tocsin__param *param, const char *text, size_t length,
                       tocsin_value *value)
{
    memset(value, 0, sizeof *value);
    if (values_is_auto(param, text, length)) {
        value->form = TOCSIN_VALUE_AUTO;
        return 1;
    }
    switch (param->type) {
    case TOCSIN_TYPE_NUMBER:
        return values_read_number(text, length, value);
    case TOCSIN_TYPE_INTEGER:
        return values_read_number(text, length, value) && values_is_whole(value->number);
    case TOCSIN_TYPE_FRACTION:
        return values_read_fraction(text, length, value);
    case TOCSIN_TYPE_DURATION:
        return values_read_duration(text, length, value);
    case TOCSIN_TYPE_SPAN:
        return values_read_points(text, length, value) ||
               values_read_duration(text, length, value);
    case TOCSIN_TYPE_SMOOTHING:
        return values_read_fraction(text, length, value) ||
               values_read_points(text, length, value) ||
               values_read_duration(text, length, value);
    case TOCSIN_TYPE_RATE:
        value->form = TOCSIN_VALUE_RATE;
        return tocsin__parse_rate(text, length, &value->duration);
    case TOCSIN_TYPE_ZONE:
        value->form = TOCSIN_VALUE_ZONE;
        return tocsin__zone_read(text, length, &value->duration);
    default: {
        const int index = tocsin__word_index(param->choices, text, length);

        values_number(value, TOCSIN_VALUE_CHOICE, index);
        return index >= 0;
    }
    }
}

static double values_seconds(int64_t duration)
{
    return (double)duration / (double)TOCSIN_SECOND;
}

/* NaN is within no bounds. */
static int values_is_within(const tocsin__param *param, const tocsin_value *value)
{
    /* Events per second come out of a division; bounds are meant to a few digits less. */
    const double slack = 1e-12;
    double measure = value->number;

    if (value->form == TOCSIN_VALUE_CHOICE || value->form == TOCSIN_VALUE_AUTO ||
        value->form == TOCSIN_VALUE_ZONE)
        return 1;
    if (param->type == TOCSIN_TYPE_SMOOTHING && value->form != TOCSIN_VALUE_NUMBER)
        return value->form == TOCSIN_VALUE_DURATION
                   ? value->duration > 0
                   : value->number > 0 && tocsin__is_finite(value->number);
    if (value->form == TOCSIN_VALUE_RATE) {
        measure = (double)TOCSIN_SECOND / (double)value->duration;
        return measure >= param->min * (1 - slack) && measure <= param->max * (1 + slack);
    }
    if (value->form == TOCSIN_VALUE_POINTS && !values_is_whole(measure))
        return 0;
    if (value->form == TOCSIN_VALUE_DURATION)
        measure = values_seconds(value->duration);
    return measure >= param->min && measure <= param->max;
}

static void values_write_item(const tocsin__param *param, const tocsin_value *value,
                              tocsin__text *text)
{
    char words[TOCSIN__UNIT_TEXT];
    const char *choice;
    size_t length = 0;

    switch (value->form) {
    case TOCSIN_VALUE_NUMBER:
        length = tocsin__format_number(value->number, words);
        break;
    case TOCSIN_VALUE_DURATION:
        length = tocsin__format_duration(value->duration, words);
        break;
    case TOCSIN_VALUE_POINTS:
        length = tocsin__format_number(value->number, words);
        words[length++] = 'p';
        break;
    case TOCSIN_VALUE_RATE:
        length = tocsin__format_rate(value->duration, words);
        break;
    case TOCSIN_VALUE_ZONE:
        length = tocsin__zone_write(value->duration, words);
        break;
    case TOCSIN_VALUE_CHOICE:
        choice = tocsin__word_at(param->choices, (size_t)value->number, &length);
        tocsin__text_add_n(text, choice, length);
        return;
    default:
        tocsin__text_add(text, param->choices);
        return;
    }
    tocsin__text_add_n(text, words, length);
}

/* ---- Complaints ------------------------------------------------------------ */

void tocsin__error_at(tocsin_error *error, int status, size_t offset, const char *word,
                      size_t length)
{
    size_t kept = 0;

    error->status = status;
    error->offset = (uint32_t)offset;
    error->length = (uint32_t)length;
    for (; kept < length && kept < sizeof error->word - 1; kept++)
        error->word[kept] = word[kept] >= ' ' && word[kept] <= '~' ? word[kept] : '?';
    error->word[kept] = '\0';
    error->suggestion[0] = '\0';
    error->message[0] = '\0';
}

/* What a parameter takes, in words. */
static void values_describe(const tocsin__param *param, tocsin__text *text)
{
    static const char *const kinds[] = {
        [TOCSIN_TYPE_NUMBER] = "a number",
        [TOCSIN_TYPE_INTEGER] = "a whole number",
        [TOCSIN_TYPE_FRACTION] = "a fraction such as 0.05 or 5%",
        [TOCSIN_TYPE_DURATION] = "a duration such as 5m",
        [TOCSIN_TYPE_SPAN] = "a duration such as 5m or a count of points such as 12p",
        [TOCSIN_TYPE_SMOOTHING] =
            "a fraction per step such as 0.1 or a half-life such as 2h or 200p",
        [TOCSIN_TYPE_RATE] = "a rate such as 1/week",
        [TOCSIN_TYPE_CHOICE] = "one of ",
        [TOCSIN_TYPE_ZONE] = "a time zone's rule such as CET-1CEST,M3.5.0,M10.5.0/3",
    };

    tocsin__text_add(text, kinds[param->type]);
    if (param->type != TOCSIN_TYPE_CHOICE && param->choices[0] != '\0')
        tocsin__text_add(text, ", or ");
    tocsin__text_add(text, param->choices);
}

/* A bound as a value of that form would be written, as far as it can be. */
static void values_write_bound(uint32_t form, double bound, tocsin__text *text)
{
    const double largest = 9.2e18;
    char words[TOCSIN__UNIT_TEXT];
    const double nanoseconds = form == TOCSIN_VALUE_DURATION ? bound * (double)TOCSIN_SECOND
                                                             : (double)TOCSIN_SECOND / bound;

    if (form == TOCSIN_VALUE_DURATION && nanoseconds >= 0 && nanoseconds <= largest)
        tocsin__format_duration((int64_t)(nanoseconds + 0.5), words);
    else if (form == TOCSIN_VALUE_RATE && nanoseconds >= 1 && nanoseconds <= largest)
        tocsin__format_rate((int64_t)(nanoseconds + 0.5), words);
    else
        tocsin__format_number(bound, words);
    tocsin__text_add(text, words);
    if (form == TOCSIN_VALUE_POINTS)
        tocsin__text_add(text, "p");
}

static int values_out_of_bounds(const tocsin__param *param, const tocsin_value *value,
                                tocsin_error *error)
{
    const int is_half_life =
        param->type == TOCSIN_TYPE_SMOOTHING && value->form != TOCSIN_VALUE_NUMBER;
    const int has_min = param->min > -DBL_MAX, has_max = param->max < DBL_MAX;
    tocsin__text text;

    tocsin__text_start(&text, error->message, sizeof error->message);
    tocsin__text_add(&text, param->name);
    tocsin__text_add(&text, " must be ");
    if (is_half_life) {
        tocsin__text_add(&text, "more than 0");
    } else {
        if (value->form == TOCSIN_VALUE_POINTS)
            tocsin__text_add(&text, "a whole count of points, ");
        if (has_min) {
            tocsin__text_add(&text, "at least ");
            values_write_bound(value->form, param->min, &text);
        }
        if (has_max) {
            tocsin__text_add(&text, has_min ? " and at most " : "at most ");
            values_write_bound(value->form, param->max, &text);
        }
        if (!has_min && !has_max)
            tocsin__text_add(&text, "a number");
    }
    if (param->unit[0] != '\0' && value->form == TOCSIN_VALUE_NUMBER) {
        tocsin__text_add(&text, " ");
        tocsin__text_add(&text, param->unit);
    }
    tocsin__text_add(&text, ", not ");
    tocsin__text_add(&text, error->word);
    return error->status;
}

static int values_too_many(const tocsin__param *param, tocsin_error *error)
{
    tocsin__text text;

    tocsin__text_start(&text, error->message, sizeof error->message);
    tocsin__text_add(&text, param->name);
    tocsin__text_add(&text, " takes ");
    if (param->max_count == 1) {
        tocsin__text_add(&text, "one value");
    } else {
        tocsin__text_add(&text, "at most ");
        tocsin__text_add_integer(&text, param->max_count);
        tocsin__text_add(&text, " values");
    }
    return error->status;
}

/* A word that would have been right, for the slips everybody makes: a number without its
 * unit, a period for a rate, a choice mistyped. */
static void values_suggest(const tocsin__param *param, const char *item, size_t length,
                           tocsin_error *error)
{
    static const char *const before[] = {"", "", "1/"}, *const after[] = {"s", "p", ""};
    const char *choice;
    size_t choice_length;
    tocsin__guess guess;
    tocsin__text text;

    for (size_t i = 0; i < TOCSIN__COUNT(before) && length > 0 && length < 24; i++) {
        tocsin_value value;

        tocsin__text_start(&text, error->suggestion, sizeof error->suggestion);
        tocsin__text_add(&text, before[i]);
        tocsin__text_add_n(&text, item, length);
        tocsin__text_add(&text, after[i]);
        if (values_read(param, error->suggestion, text.length, &value) &&
            values_is_within(param, &value))
            return;
    }

    tocsin__guess_start(&guess, item, length);
    for (size_t i = 0; (choice = tocsin__word_at(param->choices, i, &choice_length)) != NULL; i++)
        tocsin__guess_try(&guess, choice, choice_length);
    tocsin__text_start(&text, error->suggestion, sizeof error->suggestion);
    if (guess.best)
        tocsin__text_add_n(&text, guess.best, guess.best_length);
}

static int values_misread(const tocsin__param *param, const char *item, size_t length,
                          tocsin_error *error)
{
    tocsin__text text;

    values_suggest(param, item, length, error);
    tocsin__text_start(&text, error->message, sizeof error->message);
    tocsin__text_add(&text, param->name);
    tocsin__text_add(&text, " takes ");
    values_describe(param, &text);
    if (length > 0) {
        tocsin__text_add(&text, ", not '");
        tocsin__text_add(&text, error->word);
        tocsin__text_add(&text, "'");
    }
    if (error->suggestion[0] != '\0') {
        tocsin__text_add(&text, "; did you mean '");
        tocsin__text_add(&text, error->suggestion);
        tocsin__text_add(&text, "'?");
    }
    return error->status;
}

/* ---- Lists ----------------------------------------------------------------- */

int tocsin__values_parse(const tocsin__param *param, const char *text, size_t length,
                         tocsin__values *values, tocsin_error *error)
{
    size_t start = 0;

    memset(values, 0, sizeof *values);
    do {
        size_t end = start;
        while (end < length && text[end] != ',')
            end++;
        const char *const item = text + start;
        const size_t item_length = end - start;

        if (values->count == param->max_count) {
            tocsin__error_at(error, TOCSIN_ERROR_RANGE, start, item, item_length);
            return values_too_many(param, error);
        }
        tocsin_value *const value = &values->item[values->count++];
        if (!values_read(param, item, item_length, value)) {
            const int is_name = param->type == TOCSIN_TYPE_CHOICE && item_length > 0;

            tocsin__error_at(error, is_name ? TOCSIN_ERROR_NAME : TOCSIN_ERROR_SYNTAX, start, item,
                             item_length);
            return values_misread(param, item, item_length, error);
        }
        if (!values_is_within(param, value)) {
            tocsin__error_at(error, TOCSIN_ERROR_RANGE, start, item, item_length);
            return values_out_of_bounds(param, value, error);
        }
        start = end + 1;
    } while (start <= length);
    return TOCSIN_OK;
}

/* Does a parameter of that type take a value of that form? */
static int values_is_form(const tocsin__param *param, uint32_t form)
{
    switch (form) {
    case TOCSIN_VALUE_NUMBER:
        return param->type == TOCSIN_TYPE_NUMBER || param->type == TOCSIN_TYPE_INTEGER ||
               param->type == TOCSIN_TYPE_FRACTION || param->type == TOCSIN_TYPE_SMOOTHING;
    case TOCSIN_VALUE_DURATION:
        return param->type == TOCSIN_TYPE_DURATION || param->type == TOCSIN_TYPE_SPAN ||
               param->type == TOCSIN_TYPE_SMOOTHING;
    case TOCSIN_VALUE_POINTS:
        return param->type == TOCSIN_TYPE_SPAN || param->type == TOCSIN_TYPE_SMOOTHING;
    case TOCSIN_VALUE_RATE:
        return param->type == TOCSIN_TYPE_RATE;
    case TOCSIN_VALUE_CHOICE:
        return param->type == TOCSIN_TYPE_CHOICE;
    case TOCSIN_VALUE_ZONE:
        return param->type == TOCSIN_TYPE_ZONE;
    case TOCSIN_VALUE_AUTO:
        return param->type != TOCSIN_TYPE_CHOICE && param->choices[0] != '\0';
    default:
        return 0;
    }
}

/* The caller's value in its one representation; a status other than 0 where it has none. */
static int values_take(const tocsin__param *param, const tocsin_value *given, tocsin_value *value)
{
    size_t length;

    memset(value, 0, sizeof *value);
    if (given->reserved != 0 || !values_is_form(param, given->form))
        return TOCSIN_ERROR_ARGUMENT;
    value->form = given->form;
    switch (given->form) {
    case TOCSIN_VALUE_AUTO:
        return TOCSIN_OK;
    case TOCSIN_VALUE_DURATION:
    case TOCSIN_VALUE_RATE:
        value->duration = given->duration;
        return given->duration < (given->form == TOCSIN_VALUE_RATE) ? TOCSIN_ERROR_RANGE
                                                                     : TOCSIN_OK;
    case TOCSIN_VALUE_ZONE:
        value->duration = given->duration;
        return tocsin__zone_is_part(given->duration) ? TOCSIN_OK : TOCSIN_ERROR_SYNTAX;
    case TOCSIN_VALUE_CHOICE:
        values_number(value, given->form, given->number);
        return values_is_whole(given->number) && given->number >= 0 &&
                       tocsin__word_at(param->choices, (size_t)given->number, &length)
                   ? TOCSIN_OK
                   : TOCSIN_ERROR_NAME;
    default:
        values_number(value, given->form, given->number);
        return param->type == TOCSIN_TYPE_INTEGER && !values_is_whole(given->number)
                   ? TOCSIN_ERROR_RANGE
                   : TOCSIN_OK;
    }
}

int tocsin__values_set(const tocsin__param *param, const tocsin_value *items, size_t count,
                       tocsin__values *values, tocsin_error *error)
{
    memset(values, 0, sizeof *values);
    if (count > param->max_count) {
        tocsin__error_at(error, TOCSIN_ERROR_RANGE, 0, param->name, strlen(param->name));
        return values_too_many(param, error);
    }
    for (; values->count < count; values->count++) {
        tocsin_value *const value = &values->item[values->count];
        int status = values_take(param, &items[values->count], value);

        if (status == TOCSIN_OK && !values_is_within(param, value))
            status = TOCSIN_ERROR_RANGE;
        if (status == TOCSIN_OK)
            continue;
        tocsin__error_at(error, status, 0, param->name, strlen(param->name));
        if (status != TOCSIN_ERROR_RANGE)
            return values_misread(param, NULL, 0, error);

        /* A value out of range need not have a text of its own form. */
        char words[TOCSIN__UNIT_TEXT];
        const size_t length =
            value->form == TOCSIN_VALUE_DURATION || value->form == TOCSIN_VALUE_RATE
                ? tocsin__format_duration(value->duration, words)
                : tocsin__format_number(value->number, words);
        memcpy(error->word, words, length + 1);
        return values_out_of_bounds(param, value, error);
    }
    return TOCSIN_OK;
}

void tocsin__values_default(const tocsin__param *param, tocsin__values *values)
{
    tocsin_error ignored;

    memset(values, 0, sizeof *values);
    if (param->fallback[0] != '\0')
        tocsin__values_parse(param, param->fallback, strlen(param->fallback), values, &ignored);
}

int tocsin__values_equal(const tocsin__values *a, const tocsin__values *b)
{
    if (a->count != b->count)
        return 0;
    for (size_t i = 0; i < a->count; i++)
        if (a->item[i].form != b->item[i].form || a->item[i].duration != b->item[i].duration ||
            a->item[i].number != b->item[i].number)
            return 0;
    return 1;
}

void tocsin__values_write(const tocsin__param *param, const tocsin__values *values,
                          tocsin__text *text)
{
    for (size_t i = 0; i < values->count; i++) {
        if (i > 0)
            tocsin__text_add(text, ",");
        values_write_item(param, &values->item[i], text);
    }
}
