/* read_influx.c - Influx line protocol.
 *
 *     measurement,host=a,disk=sda used=17i,free=3.5,mode="rw" 1795360922000000000
 *
 * Each number among the fields is a point of a series of its own; true and
 * false count as 1 and 0, texts are passed over.  Without --key a series is
 * called as the line writes it, tags sorted: `measurement,disk=sda,host=a used`.
 * With --key the tags named there tell the series; `_measurement` and `_field`
 * are the other two parts.  A text field must not hold a newline.
 *
 * Names and values lose their escapes where they are handed out one by one; a
 * series called by its line keeps them.
 */
#include <stdlib.h>
#include <string.h>

#include "cli_reader.h"

typedef struct influx_state {
    cli_text measurement;
    cli_text fields;        /* what is left of the line's fields */
    cli_text time;
    cli_labels tags;        /* as written without --key, else without escapes */
    cli_buffer plain;       /* what unescaping needs */
    cli_buffer series;
    size_t series_prefix;   /* bytes of `series` before the field's name */
} influx_state;

/* Bytes up to the first of the characters `ends` that is neither escaped nor, if `quotes`,
 * inside double quotes. */
static size_t influx_span(cli_text text, const char *ends, int quotes)
{
    int quoted = 0;
    size_t at = 0;

    for (; at < text.length; at++) {
        if (text.at[at] == '\\' && at + 1 < text.length)
            at++;
        else if (quotes && text.at[at] == '"')
            quoted = !quoted;
        else if (!quoted && strchr(ends, text.at[at]))
            break;
    }
    return at;
}

static cli_text influx_plain(influx_state *influx, cli_text text)
{
    return cli_unescape(&influx->plain, text, ",= ");
}

static cli_text influx_take(cli_text *text, size_t length)
{
    const cli_text taken = {text->at, length};

    text->at += length;
    text->length -= length;
    return taken;
}

static void influx_open(cli_reader *reader)
{
    reader->state = cli_alloc(sizeof(influx_state));
    memset(reader->state, 0, sizeof(influx_state));
    if (reader->key_count == 0) {
        reader->key_names[0] = cli_text_of("series");
        reader->key_count = 1;
    }
}

/* The tags that follow the measurement. */
static void influx_tags(cli_reader *reader, cli_text *line)
{
    influx_state *influx = reader->state;

    influx->tags.count = 0;
    while (line->length > 0 && line->at[0] == ',') {
        influx_take(line, 1);
        cli_text name = influx_take(line, influx_span(*line, ",= ", 0));

        if (name.length == 0 || line->length == 0 || line->at[0] != '=')
            cli_source_bad(reader->source, "a tag as name=value was expected after '%.*s'",
                           influx->measurement.length > 40 ? 40 : (int)influx->measurement.length,
                           influx->measurement.at);
        influx_take(line, 1);
        cli_text value = influx_take(line, influx_span(*line, ", ", 0));

        if (reader->options->key_count > 0) {
            name = influx_plain(influx, name);
            value = influx_plain(influx, value);
        }
        if (!cli_labels_add(&influx->tags, name, value))
            cli_source_bad(reader->source, "more than %d tags", CLI_MAX_LABELS);
    }
    cli_labels_sort(&influx->tags);
    influx->series.length = 0;
    cli_buffer_add(&influx->series, influx->measurement.at, influx->measurement.length);
    for (size_t i = 0; i < influx->tags.count; i++) {
        const cli_label *tag = &influx->tags.items[i];

        cli_buffer_add(&influx->series, ",", 1);
        cli_buffer_add(&influx->series, tag->name.at, tag->name.length);
        cli_buffer_add(&influx->series, "=", 1);
        cli_buffer_add(&influx->series, tag->value.at, tag->value.length);
    }
    cli_buffer_add(&influx->series, " ", 1);
    influx->series_prefix = influx->series.length;
}

/* Read a line up to its fields; 0 at the end of the input. */
static int influx_line(cli_reader *reader)
{
    influx_state *influx = reader->state;
    cli_text line;

    do {
        if (!cli_source_line(reader->source, &line))
            return 0;
        line = cli_text_trim(line);
    } while (line.length == 0 || line.at[0] == '#');
    const cli_text whole = line;

    influx->measurement = influx_take(&line, influx_span(line, ", ", 0));
    if (influx->measurement.length == 0)
        cli_source_bad(reader->source, "the line begins without a measurement");
    cli_unescape_begin(&influx->plain, whole);
    influx_tags(reader, &line);
    influx->measurement = influx_plain(influx, influx->measurement);
    line = cli_text_trim(line);
    influx->fields = influx_take(&line, influx_span(line, " ", 1));
    if (influx->fields.length == 0)
        cli_source_bad(reader->source, "no fields; measurement,tag=value field=value was expected");
    influx->time = cli_text_trim(line);
    return 1;
}

/* The number of a field: 17i, 17u, 3.5, t, false; 0: a text. */
static int influx_number(cli_reader *reader, cli_point *point, cli_text value)
{
    static const char *const yes[] = {"t", "T", "true", "True", "TRUE"};
    static const char *const no[] = {"f", "F", "false", "False", "FALSE"};

    if (value.length > 0 && value.at[0] == '"')
        return 0;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        const int is_true = cli_text_is(value, yes[i]);

        if (is_true || cli_text_is(value, no[i])) {
            point->number = (cli_number){is_true ? 1 : 0, is_true ? 1 : 0, 1};
            return 1;
        }
    }
    if (value.length > 1 &&
        (value.at[value.length - 1] == 'i' || value.at[value.length - 1] == 'u'))
        value.length--;
    cli_reader_number(reader, point, value);
    return 1;
}

static int influx_next(cli_reader *reader, cli_point *point)
{
    influx_state *influx = reader->state;

    for (;;) {
        if (influx->fields.length == 0 && !influx_line(reader))
            return 0;
        const cli_text name = influx_take(&influx->fields, influx_span(influx->fields, "=,", 0));

        if (name.length == 0 || influx->fields.length < 2 || influx->fields.at[0] != '=')
            cli_source_bad(reader->source, "a field as name=value was expected");
        influx_take(&influx->fields, 1);
        const cli_text value = influx_take(&influx->fields, influx_span(influx->fields, ",", 1));

        if (influx->fields.length > 0)
            influx_take(&influx->fields, 1);
        point->metric = influx_plain(influx, name);
        if (!cli_reader_wants(reader, point->metric) || !influx_number(reader, point, value))
            continue;
        cli_reader_time(reader, point, influx->time);
        point->label = -1;
        if (reader->options->key_count == 0) {
            influx->series.length = influx->series_prefix;
            cli_buffer_add(&influx->series, name.at, name.length);
            point->keys[0] = (cli_text){influx->series.at, influx->series.length};
            return 1;
        }
        for (size_t i = 0; i < reader->key_count; i++)
            point->keys[i] = cli_text_is(reader->key_names[i], "_field") ? point->metric
                             : cli_text_is(reader->key_names[i], "_measurement")
                                 ? influx->measurement
                                 : cli_reader_label(reader, i, &influx->tags);
        return 1;
    }
}

static void influx_close(cli_reader *reader)
{
    influx_state *influx = reader->state;

    cli_buffer_free(&influx->series);
    cli_buffer_free(&influx->plain);
    free(influx);
}

const cli_format cli_format_influx = {"influx", 0, influx_open, influx_next, NULL, influx_close};
