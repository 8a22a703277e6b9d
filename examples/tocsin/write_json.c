/* write_json.c - an object per line, for every input row and for every silence
 * that rings.  What is not known, and an infinite bound, is null.  The object of
 * a silence has the field "event":"absence" and no input row.  Of rows of several columns, "metric"
 * is the one to blame, whose value it is, and "shares" has each one's part in what is odd.
 */
#include <math.h>
#include <string.h>

#include "cli_writer.h"

static cli_buffer json_line;

static void json_add_name(const char *name)
{
    cli_buffer_add(&json_line, ",\"", 2);
    cli_buffer_add(&json_line, name, strlen(name));
    cli_buffer_add(&json_line, "\":", 2);
}

static void json_add_number(const char *name, double value)
{
    char text[CLI_NUMBER_TEXT];

    json_add_name(name);
    if (isfinite(value))
        cli_buffer_add(&json_line, text, cli_format_number(value, text));
    else
        cli_buffer_add(&json_line, "null", 4);
}

static void json_add_word(const char *name, const char *word)
{
    json_add_name(name);
    if (*word)
        cli_add_json(&json_line, cli_text_of(word));
    else
        cli_buffer_add(&json_line, "null", 4);
}

static void json_add_flags(uint32_t flags)
{
    static const char *const names[] = {"warming",      "missing", "late",    "repeated",
                                        "filled",       "reset",   "wrapped", "gap",
                                        "absent",       "extrapolated", "floored", "muted",
                                        "held",         "cooling", "trivial", "short-history"};
    const char *comma = "";

    cli_buffer_add(&json_line, ",\"flags\":[", 10);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (flags >> i & 1) {
            cli_buffer_print(&json_line, "%s\"%s\"", comma, names[i]);
            comma = ",";
        }
    }
    cli_buffer_add(&json_line, "]", 1);
}

static void json_add_metric(const cli_series *series, const tocsin_verdict *verdict,
                            const cli_blame *blame)
{
    const char *metric = cli_verdict_metric(series, verdict);

    if (!metric)
        return;
    json_add_word("metric", metric);
    cli_buffer_print(&json_line, ",\"shares\":%s", blame ? "{" : "null");
    for (size_t i = 0; blame && i < series->reader->metric_count; i++) {
        cli_buffer_add(&json_line, ",", i > 0);
        cli_add_json(&json_line, series->reader->metrics[blame[i].metric]);
        cli_buffer_print(&json_line, ":%.4g", blame[i].share);
    }
    cli_buffer_add(&json_line, "}", blame != NULL);
}

static void json_add_verdict(const cli_series *series, const tocsin_verdict *verdict,
                             const cli_blame *blame)
{
    json_add_metric(series, verdict, blame);
    json_add_number("value", verdict->value);
    json_add_number("score", verdict->score);
    json_add_number("period", verdict->period);
    json_add_number("raw", verdict->raw);
    json_add_number("expected", verdict->expected);
    json_add_number("deviation", verdict->deviation);
    json_add_number("lower", verdict->lower);
    json_add_number("upper", verdict->upper);
    json_add_number("confidence", verdict->confidence);
    json_add_word("state", cli_verdict_state(verdict));
    json_add_word("reason", cli_verdict_reason(verdict));
    json_add_word("tier", verdict->tier == TOCSIN_TIER_NONE ? "" : tocsin_tier_name(verdict->tier));
    cli_buffer_print(&json_line, ",\"direction\":%d", verdict->direction);
    json_add_flags(verdict->flags);
    if (verdict->transition == TOCSIN_TRANSITION_START ||
        verdict->transition == TOCSIN_TRANSITION_CLEAR) {
        cli_buffer sentence = {NULL, 0, 0};

        cli_add_sentence(&sentence, series, verdict, blame);
        cli_buffer_add(&json_line, ",\"text\":", 8);
        cli_add_json(&json_line, (cli_text){sentence.at, sentence.length});
        cli_buffer_free(&sentence);
    }
}

static void json_add_key(const cli_reader *reader, size_t index, cli_text value)
{
    cli_buffer_add(&json_line, ",", 1);
    cli_add_json(&json_line, reader->key_names[index]);
    cli_buffer_add(&json_line, ":", 1);
    cli_add_json(&json_line, value);
}

static void json_finish(void)
{
    cli_buffer_add(&json_line, "}\n", 2);
    fwrite(json_line.at, 1, json_line.length, stdout);
}

static void json_begin(const cli_reader *reader, const cli_options *options)
{
    (void)reader;
    (void)options;
}

static void json_row(const cli_reader *reader, const cli_row *row)
{
    json_line.length = 0;
    cli_buffer_add(&json_line, "{\"timestamp\":", 13);
    if (row->point->time_text.length)
        cli_add_json(&json_line, row->point->time_text);
    else
        cli_buffer_add(&json_line, "null", 4);
    for (size_t i = 0; i < reader->key_count; i++)
        json_add_key(reader, i, row->point->keys[i]);
    if (row->series) {
        json_add_verdict(row->series, row->verdict, row->blame);
    } else {
        json_add_number("value", row->point->number.value);
        json_add_word("state", "missing");
        json_add_word("reason", "max-series");
    }
    json_finish();
}

static void json_silence(const cli_reader *reader, const cli_series *series,
                         const tocsin_verdict *verdict)
{
    char time[CLI_TIME_TEXT];

    if (verdict->transition != TOCSIN_TRANSITION_START)
        return;
    json_line.length = 0;
    cli_buffer_print(&json_line, "{\"event\":\"absence\",\"timestamp\":\"%s\"",
                     cli_format_time(verdict->time, time));
    for (size_t i = 0; i < reader->key_count; i++)
        json_add_key(reader, i, cli_series_key(series, i));
    json_add_verdict(series, verdict, NULL);
    json_finish();
}

static void json_end(const cli_totals *totals)
{
    (void)totals;
    cli_buffer_free(&json_line);
}

const cli_writer cli_writer_json = {json_begin, json_row, json_silence, json_end};
