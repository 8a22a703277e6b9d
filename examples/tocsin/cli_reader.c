/* cli_reader.c - what the input formats share: telling them apart, choosing
 * columns, timestamps and numbers.  See cli_reader.h.
 */
#include "cli_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tocsin.h"

/* ---- Telling the format --------------------------------------------------- */

static cli_text reader_first_line(cli_text text)
{
    const char *newline = text.length ? memchr(text.at, '\n', text.length) : NULL;

    return (cli_text){text.at, newline ? (size_t)(newline - text.at) : text.length};
}

static int reader_starts_with(cli_text text, const char *prefix)
{
    const size_t length = strlen(prefix);

    return text.length >= length && memcmp(text.at, prefix, length) == 0;
}

static int reader_is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == ':';
}

/* name[{labels}] number ... */
static int reader_is_sample(cli_text line)
{
    size_t at = 0;
    cli_number number;

    while (at < line.length && reader_is_name(line.at[at]))
        at++;
    if (at == 0 || (line.at[0] >= '0' && line.at[0] <= '9'))
        return 0;
    if (at < line.length && line.at[at] == '{') {
        int quoted = 0;

        for (; at < line.length && (quoted || line.at[at] != '}'); at++) {
            if (line.at[at] == '\\' && quoted)
                at++;
            else if (line.at[at] == '"')
                quoted = !quoted;
        }
        at++;
    }
    if (at >= line.length || (line.at[at] != ' ' && line.at[at] != '\t'))
        return 0;
    while (at < line.length && (line.at[at] == ' ' || line.at[at] == '\t'))
        at++;
    const size_t begin = at;

    while (at < line.length && line.at[at] != ' ' && line.at[at] != '\t' && line.at[at] != '\r')
        at++;
    return at > begin && cli_parse_number((cli_text){line.at + begin, at - begin}, &number);
}

/* measurement[,tag=value...] field=value... */
static int reader_is_influx(cli_text line)
{
    size_t space = 0;

    while (space < line.length && line.at[space] != ' ')
        space += line.at[space] == '\\' ? 2 : 1;
    if (space == 0 || space + 1 >= line.length)
        return 0;
    size_t equals = space + 1;

    while (equals < line.length && line.at[equals] != '=' && line.at[equals] != ' ')
        equals += line.at[equals] == '\\' ? 2 : 1;
    return equals > space + 1 && equals < line.length && line.at[equals] == '=' &&
           !memchr(line.at, '"', space);
}

static const cli_format *reader_tell(const cli_source *source, cli_text text)
{
    if (reader_starts_with(text, "\x1f\x8b") || reader_starts_with(text, "\xfd" "7zXZ") ||
        reader_starts_with(text, "\x28\xb5\x2f\xfd") || reader_starts_with(text, "PK\x03\x04"))
        cli_source_bad(source, "is compressed; text was expected (pipe it through zcat, xzcat or "
                               "zstdcat and read -)");
    if (reader_starts_with(text, "\xff\xfe") || reader_starts_with(text, "\xfe\xff"))
        cli_source_bad(source, "is UTF-16; UTF-8 was expected (iconv -f UTF-16 -t UTF-8)");
    if (text.length > 0 && memchr(text.at, '\0', reader_first_line(text).length))
        cli_source_bad(source,
                       "holds a NUL byte; text was expected, this looks like a binary file");
    const char *carriage = text.length ? memchr(text.at, '\r', text.length) : NULL;

    if (carriage && carriage + 1 < text.at + text.length && carriage[1] != '\n' &&
        carriage < text.at + reader_first_line(text).length)
        cli_source_bad(source, "its lines end in a carriage return alone; LF or CRLF was expected "
                               "(tr '\\r' '\\n')");
    if (reader_starts_with(text, "\xef\xbb\xbf")) {
        text.at += 3;
        text.length -= 3;
    }
    while (text.length > 0) {
        const cli_text line = reader_first_line(text);
        const cli_text words = cli_text_trim(line);

        if (words.length > 0 && words.at[0] == '{')
            return &cli_format_jsonl;
        if (words.length > 0 && words.at[0] == '[')
            cli_source_bad(source, "is a JSON array; one object per line was expected "
                                   "(jq -c '.[]' makes such lines)");
        if (reader_starts_with(words, "# TYPE ") || reader_starts_with(words, "# HELP ") ||
            reader_starts_with(words, "# UNIT ") || reader_starts_with(words, "# EOF"))
            return &cli_format_openmetrics;
        if (words.length > 0 && words.at[0] != '#' && words.at[0] != '\r') {
            if (reader_is_sample(words))
                return &cli_format_openmetrics;
            return reader_is_influx(words) ? &cli_format_influx : &cli_format_csv;
        }
        const size_t step = line.length < text.length ? line.length + 1 : line.length;

        text.at += step;
        text.length -= step;
    }
    return &cli_format_csv;
}

cli_reader *cli_reader_open(const char *path, const cli_options *options)
{
    static const cli_format *const formats[] = {NULL, &cli_format_csv, &cli_format_jsonl,
                                                &cli_format_openmetrics, &cli_format_influx};
    cli_reader *reader = cli_alloc(sizeof *reader);

    memset(reader, 0, sizeof *reader);
    reader->options = options;
    reader->source = cli_source_open(path);
    const cli_text beginning = cli_source_peek(reader->source);

    reader->format = options->input == CLI_INPUT_AUTO ? reader_tell(reader->source, beginning)
                                                      : formats[options->input];
    memcpy(reader->key_names, options->keys, sizeof reader->key_names);
    reader->key_count = options->key_count;
    reader->format->open(reader);
    if (options->column_count > 1 && reader->metric_count == !!reader->format->has_rows)
        return cli_rows_around(reader);
    return reader;
}

void cli_reader_close(cli_reader *reader)
{
    if (!reader)
        return;
    if (reader->passed_over.count > 0 && !reader->has_metric) {
        const char *names[65];
        size_t count = 0;

        for (; count < 64 && count < reader->passed_over.count; count++)
            names[count] = reader->passed_over.names[count];
        names[count] = NULL;
        const char *wanted = reader->options->columns[0].at;
        const char *meant = cli_closest(cli_text_of(wanted), names);

        cli_note("the input has nothing called '%s'%s%s%s", wanted,
                 meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
    }
    for (size_t i = 0; i < reader->key_count; i++) {
        if (reader->asked[i] && !reader->found[i])
            cli_note("the input has no label '%.*s' (--key)", (int)reader->key_names[i].length,
                     reader->key_names[i].at);
    }
    reader->format->close(reader);
    if (reader->source)
        cli_source_close(reader->source);
    for (size_t i = 0; i < reader->metric_count; i++)
        free((void *)(uintptr_t)reader->metrics[i].at);
    free(reader->metrics);
    free(reader->is_counter);
    free(reader->row);
    cli_map_free(&reader->passed_over);
    free(reader);
}

/* ---- Cells ---------------------------------------------------------------- */

/* Quote a cell in a message, cut to a sensible length. */
static int reader_shown(cli_text text)
{
    return text.length > 40 ? 40 : (int)text.length;
}

void cli_reader_time(cli_reader *reader, cli_point *point, cli_text text)
{
    text = cli_text_trim(text);
    point->time_text = text;
    if (text.length == 0) {
        point->time = TOCSIN_TIME_NONE;
        return;
    }
    /* Inputs with many series repeat a time on line after line. */
    if (text.length == reader->last_time_length &&
        memcmp(text.at, reader->last_time_text, text.length) == 0) {
        point->time = reader->last_time;
        return;
    }
    const int parsed = cli_parse_time(text, reader->options->time_unit, &point->time);

    if (parsed == 0)
        cli_source_bad(reader->source,
                       "'%.*s' is not a timestamp; ISO 8601 (2026-03-01T12:04:00Z) or a number "
                       "since 1970 was expected",
                       reader_shown(text), text.at);
    if (parsed < 0)
        cli_source_bad(reader->source, "the time '%.*s' is outside the years 1678 to 2261%s",
                       reader_shown(text), text.at,
                       cli_looks_like_date(text) ? "" : "; does --time-unit help?");
    if (text.length <= sizeof reader->last_time_text) {
        memcpy(reader->last_time_text, text.at, text.length);
        reader->last_time_length = text.length;
        reader->last_time = point->time;
    }
}

void cli_reader_number(cli_reader *reader, cli_point *point, cli_text text)
{
    if (cli_parse_number(text, &point->number) == CLI_NOT_A_NUMBER)
        cli_source_bad(reader->source, "'%.*s' is not a number, as a value of '%.*s' should be",
                       reader_shown(text), text.at, reader_shown(point->metric), point->metric.at);
}

void cli_reader_metrics(cli_reader *reader, const cli_text *names, const size_t *columns,
                        size_t count)
{
    reader->metrics = cli_alloc(count * sizeof *reader->metrics);
    reader->is_counter = cli_alloc(count);
    reader->row = cli_alloc(count * sizeof *reader->row);
    reader->metric_count = count;
    for (size_t i = 0; i < count; i++) {
        const cli_text name = names[columns[i]];

        reader->metrics[i] = (cli_text){cli_copy(name), name.length};
        reader->is_counter[i] = reader->options->counter == CLI_COUNTER_AUTO
                                    ? cli_text_ends_with(name, "_total")
                                    : reader->options->counter == CLI_COUNTER_ALWAYS;
    }
}

void cli_reader_value(cli_reader *reader, cli_point *point, size_t index, cli_text text)
{
    point->metric = reader->metrics[index];
    cli_reader_number(reader, point, text);
    if (reader->metric_count == 1)
        return;
    reader->row[index] = point->number;
    point->numbers = reader->row;
    if (index + 1 == reader->metric_count)
        point->number = (cli_number){.value = NAN};
}

cli_text cli_reader_label(cli_reader *reader, size_t index, const cli_labels *labels)
{
    const cli_text value = cli_labels_get(labels, reader->key_names[index]);

    reader->asked[index] = 1;
    reader->found[index] |= value.at != NULL;
    return value;
}

int cli_reader_wants(cli_reader *reader, cli_text metric)
{
    if (reader->options->column_count != 1)
        return 1;
    if (cli_text_equal(metric, reader->options->columns[0])) {
        reader->has_metric = 1;
        return 1;
    }
    if (!reader->has_metric && reader->passed_over.count < 64 &&
        cli_map_find(&reader->passed_over, metric) == SIZE_MAX)
        cli_map_add(&reader->passed_over, metric);
    return 0;
}

int cli_reader_uses_labels(const cli_reader *reader)
{
    return reader->options->command == CLI_BACKTEST && !reader->options->labels;
}

int cli_parse_label(cli_text text)
{
    cli_number number;

    text = cli_text_trim(text);
    if (text.length == 4 && strncasecmp(text.at, "true", 4) == 0)
        return 1;
    if (text.length == 5 && strncasecmp(text.at, "false", 5) == 0)
        return 0;
    switch (cli_parse_number(text, &number)) {
    case CLI_NUMBER:
        return number.value != 0;
    case CLI_MISSING:
        return 0;
    default:
        return -1;
    }
}

/* ---- Choosing columns ------------------------------------------------------ */

static const char *const reader_time_names[] = {"timestamp", "time", "ts", "date", "datetime",
                                                "@timestamp", "_time", "date_time", NULL};
static const char *const reader_label_names[] = {"label", "anomaly", "is_anomaly", NULL};

static int reader_is_one_of(cli_text name, const char *const *names)
{
    for (; *names; names++) {
        if (name.length == strlen(*names) && strncasecmp(name.at, *names, name.length) == 0)
            return 1;
    }
    return 0;
}

/* "time, host, value", for a message. */
static char *reader_list(const cli_text *names, size_t count)
{
    cli_buffer list = {NULL, 0, 0};

    if (count == 0)
        cli_buffer_print(&list, "none");
    for (size_t i = 0; i < count && i < 30; i++)
        cli_buffer_print(&list, "%s%.*s", i ? ", " : "", (int)names[i].length, names[i].at);
    if (count > 30)
        cli_buffer_print(&list, " and %zu more", count - 30);
    return list.at;
}

static _Noreturn void reader_no_column(const char *option, const char *wanted,
                                       const cli_text *names, size_t count)
{
    char *list = reader_list(names, count);
    const char **words = cli_alloc((count + 1) * sizeof *words);

    for (size_t i = 0; i < count; i++)
        words[i] = cli_copy(names[i]);
    words[count] = NULL;
    const char *meant = wanted ? cli_closest(cli_text_of(wanted), words) : NULL;

    if (wanted)
        cli_die(CLI_USAGE, "%s: there is no column '%s'%s%s%s\nThe columns are: %s", option, wanted,
                meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "", list);
    cli_die(CLI_USAGE, "which column is the value? Choose one with %s.\nThe columns are: %s",
            option, list);
}

/* By name, or by number from 1. */
static size_t reader_find(const char *option, const char *wanted, const cli_text *names,
                          size_t count)
{
    cli_number number;

    for (size_t i = 0; i < count; i++) {
        if (cli_text_is(names[i], wanted))
            return i;
    }
    if (cli_parse_number(cli_text_of(wanted), &number) == CLI_NUMBER && number.is_count &&
        number.count >= 1 && number.count <= count)
        return (size_t)number.count - 1;
    reader_no_column(option, wanted, names, count);
}

static size_t reader_find_time(const cli_reader *reader, const cli_text *names,
                               const cli_text *cells, size_t count)
{
    int64_t ns;

    for (const char *const *name = reader_time_names; *name; name++) {
        const char *const one[] = {*name, NULL};

        for (size_t i = 0; i < count; i++) {
            if (reader_is_one_of(names[i], one))
                return i;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (cli_looks_like_date(cells[i]) &&
            cli_parse_time(cells[i], reader->options->time_unit, &ns) == 1)
            return i;
    }
    /* No header, and the first of several columns could count seconds since about 1973. */
    if (count > 1 && cli_text_is(names[0], "1") &&
        cli_parse_time(cells[0], reader->options->time_unit, &ns) == 1 &&
        ns > 100000000 * TOCSIN_SECOND)
        return 0;
    return SIZE_MAX;
}

/* Whether --column names no columns but what stands in those of --key: a table with a line per
 * metric. */
static int reader_is_long(const cli_options *options, const cli_text *names, size_t count)
{
    if (options->column_count < 2 || options->key_count == 0)
        return 0;
    for (size_t i = 0; i < options->column_count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (cli_text_equal(options->columns[i], names[k]))
                return 0;
        }
    }
    return 1;
}

void cli_columns_choose(cli_columns *columns, const cli_reader *reader, const cli_text *names,
                        const cli_text *cells, size_t count)
{
    const cli_options *options = reader->options;
    const int is_long = reader_is_long(options, names, count);

    for (size_t i = 0; i < options->key_count; i++)
        columns->keys[i] = reader_find("--key", options->keys[i].at, names, count);
    columns->time = options->time ? reader_find("--time", options->time, names, count)
                                  : reader_find_time(reader, names, cells, count);
    columns->label = SIZE_MAX;
    if (options->label)
        columns->label = reader_find("--label", options->label, names, count);
    for (size_t i = 0; i < count && columns->label == SIZE_MAX; i++) {
        if (reader_is_one_of(names[i], reader_label_names))
            columns->label = i;
    }
    columns->value_count = 0;
    for (size_t i = 0; i < options->column_count && !is_long; i++) {
        const size_t found = reader_find("--column", options->columns[i].at, names, count);

        for (size_t k = 0; k < columns->value_count; k++) {
            if (columns->values[k] == found)
                cli_die(CLI_USAGE, "--column: '%s' stands there twice", options->columns[i].at);
        }
        columns->values[columns->value_count++] = found;
    }
    for (size_t i = 0; i < count && columns->value_count == 0; i++) {
        if (cli_text_is(names[i], "value"))
            columns->values[columns->value_count++] = i;
    }
    if (columns->value_count > 0)
        return;
    for (size_t i = 0; i < count; i++) {
        cli_number number;
        int is_key = i == columns->time || i == columns->label;

        for (size_t k = 0; k < options->key_count; k++)
            is_key |= columns->keys[k] == i;
        if (is_key || cli_parse_number(cells[i], &number) == CLI_NOT_A_NUMBER)
            continue;
        if (columns->value_count > 0)
            reader_no_column("--column", NULL, names, count);
        columns->values[columns->value_count++] = i;
    }
    if (columns->value_count == 0)
        cli_source_bad(reader->source,
                       "no column holds numbers; a value column was expected%s\n"
                       "The columns are: %s",
                       reader->format == &cli_format_csv
                           ? ", commas, semicolons or tabs between columns" : "",
                       reader_list(names, count));
}
