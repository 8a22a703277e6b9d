/* write_influx.c - Influx line protocol, a line for every input row and for every
 * silence that rings:
 *
 *     tocsin,host=a value=812,score=4.2,state="start",reason="spike" 1795360922000000000
 *
 * Keys are tags; what is not known is left out.
 */
#include <math.h>
#include <string.h>

#include "cli_writer.h"

static cli_buffer influx_line;

static void influx_add_escaped(cli_text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] == '\n')
            cli_buffer_add(&influx_line, "\\ ", 2);
        else {
            if (strchr(",= ", text.at[i]))
                cli_buffer_add(&influx_line, "\\", 1);
            cli_buffer_add(&influx_line, text.at + i, 1);
        }
    }
}

static void influx_add_tag(const cli_reader *reader, size_t index, cli_text value)
{
    /* The protocol knows no empty tag, and none that ends in a backslash. */
    while (value.length > 0 && value.at[value.length - 1] == '\\')
        value.length--;
    if (value.length == 0)
        return;
    cli_buffer_add(&influx_line, ",", 1);
    influx_add_escaped(reader->key_names[index]);
    cli_buffer_add(&influx_line, "=", 1);
    influx_add_escaped(value);
}

/* A string field. */
static void influx_add_string(const char *text)
{
    cli_buffer_add(&influx_line, "\"", 1);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            cli_buffer_add(&influx_line, "\\", 1);
        cli_buffer_add(&influx_line, *text == '\n' ? " " : text, 1);
    }
    cli_buffer_add(&influx_line, "\"", 1);
}

static void influx_add_number(const char *name, double value)
{
    char text[CLI_NUMBER_TEXT];

    if (!isfinite(value))
        return;
    cli_buffer_add(&influx_line, name, strlen(name));
    cli_buffer_add(&influx_line, "=", 1);
    cli_buffer_add(&influx_line, text, cli_format_number(value, text));
    cli_buffer_add(&influx_line, ",", 1);
}

static void influx_add_verdict(const cli_series *series, const tocsin_verdict *verdict,
                               int64_t time)
{
    const char *metric = cli_verdict_metric(series, verdict);
    const char *reason = cli_verdict_reason(verdict);

    cli_buffer_add(&influx_line, " ", 1);
    influx_add_number("value", verdict->value);
    influx_add_number("score", verdict->score);
    influx_add_number("expected", verdict->expected);
    influx_add_number("lower", verdict->lower);
    influx_add_number("upper", verdict->upper);
    cli_buffer_print(&influx_line, "state=\"%s\"", cli_verdict_state(verdict));
    if (*reason)
        cli_buffer_print(&influx_line, ",reason=\"%s\"", reason);
    if (metric) {
        cli_buffer_print(&influx_line, ",metric=");
        influx_add_string(metric);
    }
    if (time != TOCSIN_TIME_NONE)
        cli_buffer_print(&influx_line, " %lld", (long long)time);
    cli_buffer_add(&influx_line, "\n", 1);
    fwrite(influx_line.at, 1, influx_line.length, stdout);
}

static void influx_begin(const cli_reader *reader, const cli_options *options)
{
    (void)reader;
    (void)options;
}

static void influx_row(const cli_reader *reader, const cli_row *row)
{
    influx_line.length = 0;
    cli_buffer_add(&influx_line, "tocsin", 6);
    for (size_t i = 0; i < reader->key_count; i++)
        influx_add_tag(reader, i, row->point->keys[i]);
    if (row->series) {
        influx_add_verdict(row->series, row->verdict, row->point->time);
        return;
    }
    cli_buffer_print(&influx_line, " state=\"missing\",reason=\"max-series\"");
    if (row->point->time != TOCSIN_TIME_NONE)
        cli_buffer_print(&influx_line, " %lld", (long long)row->point->time);
    cli_buffer_add(&influx_line, "\n", 1);
    fwrite(influx_line.at, 1, influx_line.length, stdout);
}

static void influx_silence(const cli_reader *reader, const cli_series *series,
                           const tocsin_verdict *verdict)
{
    if (verdict->transition != TOCSIN_TRANSITION_START)
        return;
    influx_line.length = 0;
    cli_buffer_add(&influx_line, "tocsin", 6);
    for (size_t i = 0; i < reader->key_count; i++)
        influx_add_tag(reader, i, cli_series_key(series, i));
    influx_add_verdict(series, verdict, verdict->time);
}

static void influx_end(const cli_totals *totals)
{
    (void)totals;
    cli_buffer_free(&influx_line);
}

const cli_writer cli_writer_influx = {influx_begin, influx_row, influx_silence, influx_end};
