/* gate_input.c - rows for the gate: see gate_input.h. */
#include "gate_input.h"

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_reader.h"
#include "tocsin.h"

enum { GATE_TIME, GATE_METRIC, GATE_ARM, GATE_UNIT, GATE_VALUE, GATE_OF, GATE_LE, GATE_FIELDS };

/* What each may be called. */
static const char *const gate_names[GATE_FIELDS][6] = {
    {"time", "timestamp", "ts", NULL},
    {"metric", "name", "__name__", NULL},
    {"arm", "group", "variant", NULL},
    {"unit", "session", "pod", "instance", "user", NULL},
    {"value", NULL},
    {"of", "requests", NULL},
    {"le", NULL},
};

typedef struct {
    const cli_options *options;
    const cli_source *source;
    gate_take take;
    void *user;
    size_t column[GATE_FIELDS];     /* of a CSV file; SIZE_MAX: none */
    size_t columns;
    int has_header;
} gate_input;

static int input_is_called(cli_text name, int field)
{
    for (size_t i = 0; gate_names[field][i]; i++)
        if (cli_text_is(name, gate_names[field][i]))
            return 1;
    return 0;
}

static int input_field(cli_text name)
{
    for (int field = 0; field < GATE_FIELDS; field++)
        if (input_is_called(name, field))
            return field;
    return -1;
}

static int input_shown(cli_text text)
{
    return text.length > 40 ? 40 : (int)text.length;
}

/* One row from its cells; those that there are not have `at` NULL. */
static int input_give(const gate_input *in, const cli_text *cell)
{
    gate_row row;

    memset(&row, 0, sizeof row);
    row.time = TOCSIN_TIME_NONE;
    if (cell[GATE_TIME].at && cli_text_trim(cell[GATE_TIME]).length > 0 &&
        cli_parse_time(cli_text_trim(cell[GATE_TIME]), in->options->time_unit, &row.time) != 1)
        cli_source_bad(in->source,
                       "'%.*s' is not a timestamp; ISO 8601 (2026-03-01T12:04:00Z) or a number "
                       "since 1970 was expected",
                       input_shown(cell[GATE_TIME]), cell[GATE_TIME].at);
    if (!cell[GATE_ARM].at)
        cli_source_bad(in->source, "there is no arm; `arm` says baseline or candidate");
    if (!cell[GATE_VALUE].at)
        cli_source_bad(in->source, "there is no value");
    if (cli_parse_number(cell[GATE_VALUE], &row.value) == CLI_NOT_A_NUMBER)
        cli_source_bad(in->source, "'%.*s' is not a number", input_shown(cell[GATE_VALUE]),
                       cell[GATE_VALUE].at);
    row.has_of = cell[GATE_OF].at && cli_text_trim(cell[GATE_OF]).length > 0;
    if (row.has_of && cli_parse_number(cell[GATE_OF], &row.of) != CLI_NUMBER)
        cli_source_bad(in->source, "'%.*s' is not a number of requests",
                       input_shown(cell[GATE_OF]), cell[GATE_OF].at);
    row.metric = cell[GATE_METRIC];
    row.arm = cli_text_trim(cell[GATE_ARM]);
    row.unit = cell[GATE_UNIT].at ? cell[GATE_UNIT] : (cli_text){"", 0};
    row.le = cell[GATE_LE];
    row.series = row.unit;
    row.is_total = row.le.at && cli_text_trim(row.le).length > 0;
    return in->take(in->user, in->source, &row);
}

/* ---- CSV --------------------------------------------------------------------- */

static void input_header(gate_input *in, const cli_text *cells, size_t count)
{
    static const char *const wanted[] = {"time", "metric", "arm", "unit", "value", "of", "le", NULL};

    for (int field = 0; field < GATE_FIELDS; field++)
        in->column[field] = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        const cli_text name = cli_text_trim(cells[i]);
        const int field = input_field(name);

        if (field >= 0 && in->column[field] == SIZE_MAX) {
            in->column[field] = i;
        } else if (in->column[GATE_ARM] == SIZE_MAX || field >= 0) {
            const char *meant = field >= 0 ? NULL : cli_closest(name, wanted);

            if (meant)
                cli_source_bad(in->source, "there is no column '%.*s'; did you mean '%s'?",
                               input_shown(name), name.at, meant);
        }
    }
    if (in->column[GATE_ARM] == SIZE_MAX || in->column[GATE_VALUE] == SIZE_MAX)
        cli_source_bad(in->source, "there is no column '%s'; a header with arm and value was "
                                   "expected, and time, metric, unit, of, le where there are any",
                       in->column[GATE_ARM] == SIZE_MAX ? "arm" : "value");
    in->columns = count;
    in->has_header = 1;
}

/* A file that was rotated, or appended to another, begins with its header again. */
static int input_is_header(const gate_input *in, const cli_text *cells, size_t count)
{
    const size_t arm = in->column[GATE_ARM], value = in->column[GATE_VALUE];

    return arm < count && value < count && input_is_called(cli_text_trim(cells[arm]), GATE_ARM) &&
           input_is_called(cli_text_trim(cells[value]), GATE_VALUE);
}

static int input_csv_row(void *user, const cli_source *source, const cli_text *cells, size_t count)
{
    gate_input *in = user;
    cli_text cell[GATE_FIELDS];

    in->source = source;
    if (!in->has_header || input_is_header(in, cells, count)) {
        input_header(in, cells, count);
        return 1;
    }
    if (count != in->columns)
        cli_source_bad(source, "this row has %zu cell%s; %zu were expected, as in the first row",
                       count, count == 1 ? "" : "s", in->columns);
    for (int field = 0; field < GATE_FIELDS; field++)
        cell[field] = in->column[field] < count ? cells[in->column[field]] : (cli_text){NULL, 0};
    return input_give(in, cell);
}

/* ---- NDJSON ------------------------------------------------------------------- */

/* A scalar as text, by its own digits. */
static cli_text input_json_cell(json_object *field)
{
    if (json_object_is_type(field, json_type_null))
        return (cli_text){"", 0};
    if (json_object_is_type(field, json_type_string))
        return (cli_text){json_object_get_string(field), (size_t)json_object_get_string_len(field)};
    return cli_text_of(json_object_to_json_string_ext(field, JSON_C_TO_STRING_PLAIN));
}

static int input_json_row(gate_input *in, json_object *object)
{
    cli_text cell[GATE_FIELDS];

    for (int field = 0; field < GATE_FIELDS; field++) {
        json_object *value = NULL;

        cell[field] = (cli_text){NULL, 0};
        for (size_t i = 0; gate_names[field][i] && !cell[field].at; i++)
            if (json_object_object_get_ex(object, gate_names[field][i], &value))
                cell[field] = input_json_cell(value);
    }
    return input_give(in, cell);
}

static void input_read_lines(gate_input *in, cli_source *source)
{
    json_tokener *tokener = json_tokener_new();
    cli_text line;
    int goes_on = 1;

    if (!tokener)
        cli_die(CLI_BAD_INPUT, "out of memory");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    while (goes_on && cli_source_line(source, &line)) {
        line = cli_text_trim(line);
        if (line.length == 0)
            continue;
        json_tokener_reset(tokener);

        json_object *object = json_tokener_parse_ex(tokener, line.at, (int)line.length);

        if (json_tokener_get_error(tokener) != json_tokener_success ||
            !json_object_is_type(object, json_type_object))
            cli_source_bad(source, "not JSON (%s); an object per line was expected",
                           json_tokener_error_desc(json_tokener_get_error(tokener)));
        goes_on = input_json_row(in, object);
        json_object_put(object);
    }
    json_tokener_free(tokener);
}

/* ---- Prometheus ------------------------------------------------------------------ */

/* A sample of the matrix. */
typedef struct {
    int64_t time;
    size_t series;          /* its number in the answer */
    json_object *labels;
    cli_text value;
} input_sample;

static int input_order(const void *left, const void *right)
{
    const input_sample *a = left, *b = right;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return (a->series > b->series) - (a->series < b->series);
}

static cli_text input_label(json_object *labels, int field)
{
    json_object *value;

    for (size_t i = 0; gate_names[field][i]; i++)
        if (field != GATE_TIME && json_object_object_get_ex(labels, gate_names[field][i], &value))
            return input_json_cell(value);
    return (cli_text){NULL, 0};
}

/* "total" counts whatever the kind; a gauge's or latency's samples are readings. */
static int input_prometheus_row(const gate_input *in, const input_sample *sample)
{
    const cli_text role = input_label(sample->labels, GATE_OF);
    char series[CLI_NUMBER_TEXT];
    gate_row row;

    memset(&row, 0, sizeof row);
    snprintf(series, sizeof series, "%zu", sample->series);
    row.time = sample->time;
    row.metric = input_label(sample->labels, GATE_METRIC);
    row.arm = input_label(sample->labels, GATE_ARM);
    row.unit = input_label(sample->labels, GATE_UNIT);
    row.le = input_label(sample->labels, GATE_LE);
    row.series = cli_text_of(series);
    row.is_total = 1;
    row.has_of = role.at != NULL;
    if (!row.unit.at)
        row.unit = (cli_text){"", 0};
    if (!row.arm.at)
        cli_source_bad(in->source, "a series has no label 'arm' (baseline or candidate); "
                                   "label_replace() makes one of another label");
    if (cli_parse_number(sample->value, &row.value) == CLI_NOT_A_NUMBER)
        cli_source_bad(in->source, "'%.*s' is not a sample's value", input_shown(sample->value),
                       sample->value.at);
    return in->take(in->user, in->source, &row);
}

static json_object *input_get(const gate_input *in, json_object *object, const char *name,
                              json_type type)
{
    json_object *field = NULL;

    if (!json_object_object_get_ex(object, name, &field) || !json_object_is_type(field, type))
        cli_source_bad(in->source, "no answer of query_range: '%s' was expected to be %s %s", name,
                       type == json_type_array || type == json_type_object ? "an" : "a",
                       json_type_to_name(type));
    return field;
}

static void input_collect(gate_input *in, json_object *series, size_t number,
                          input_sample **samples, size_t *count, size_t *capacity)
{
    json_object *labels = input_get(in, series, "metric", json_type_object);
    json_object *values = input_get(in, series, "values", json_type_array);

    for (size_t i = 0; i < json_object_array_length(values); i++) {
        json_object *pair = json_object_array_get_idx(values, i);
        double seconds;

        if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2)
            cli_source_bad(in->source, "a sample is a pair of time and value");
        seconds = json_object_get_double(json_object_array_get_idx(pair, 0));
        if (!(seconds > -9e9 && seconds < 9e9))
            cli_source_bad(in->source, "a sample's time is outside the years 1678 to 2261");
        *samples = cli_grow(*samples, capacity, *count + 1, sizeof **samples);
        (*samples)[(*count)++] = (input_sample){
            (int64_t)llround(seconds * 1e3) * TOCSIN_MILLISECOND, number, labels,
            input_json_cell(json_object_array_get_idx(pair, 1))};
    }
}

static void input_read_answer(gate_input *in, cli_source *source)
{
    cli_buffer text = {NULL, 0, 0};
    input_sample *samples = NULL;
    size_t count = 0, capacity = 0;
    enum json_tokener_error error;

    cli_source_rest(source, &text);

    json_object *answer = json_tokener_parse_verbose(text.at ? text.at : "", &error);

    if (!answer || error != json_tokener_success)
        cli_source_bad(source, "not JSON (%s); an answer of query_range was expected",
                       json_tokener_error_desc(error));

    json_object *data = input_get(in, answer, "data", json_type_object);
    json_object *result = input_get(in, data, "result", json_type_array);

    for (size_t i = 0; i < json_object_array_length(result); i++)
        input_collect(in, json_object_array_get_idx(result, i), i, &samples, &count, &capacity);
    if (count > 0)
        qsort(samples, count, sizeof *samples, input_order);
    for (size_t i = 0; i < count && !cli_stop_requested(); i++)
        if (!input_prometheus_row(in, &samples[i]))
            break;
    free(samples);
    json_object_put(answer);
    cli_buffer_free(&text);
}

/* ---- Telling them apart ------------------------------------------------------------ */

static gate_format input_tell(cli_text text)
{
    static const char mark[] = "\"resultType\"";

    text = cli_text_trim(text);
    if (text.length == 0 || text.at[0] != '{')
        return GATE_CSV;
    for (size_t i = 0; i + sizeof mark <= text.length && i < 4096; i++)
        if (memcmp(text.at + i, mark, sizeof mark - 1) == 0)
            return GATE_PROMETHEUS;
    return text.length == 1 || text.at[1] == '\n' ? GATE_PROMETHEUS : GATE_JSONL;
}

void gate_input_read(const cli_options *options, gate_take take, void *user)
{
    gate_input in;
    cli_source *source = cli_source_open(options->path);
    gate_format format = options->gate_format;

    memset(&in, 0, sizeof in);
    in.options = options;
    in.source = source;
    in.take = take;
    in.user = user;
    if (options->follow)
        cli_source_follow(source);
    if (format == GATE_TELL)
        format = input_tell(cli_source_peek(source));
    if (format == GATE_CSV)
        cli_csv_source_rows(source, input_csv_row, &in);
    else if (format == GATE_JSONL)
        input_read_lines(&in, source);
    else
        input_read_answer(&in, source);
    cli_source_close(source);
}
